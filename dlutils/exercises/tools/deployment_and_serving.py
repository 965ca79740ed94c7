"""Exercises of 6.5, Deployment and serving: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _percentile_cases(rng):
    yield np.array([5.0, 1.0, 4.0, 2.0]), 50.0
    yield np.array([30.0, 10.0, 20.0]), 70.0  # 2.1 values: the third
    yield np.array([3.0, 2.0, 9.0, 4.0]), 30.0  # 1.2 values: the second
    yield rng.exponential(10, size=100), 7.0  # exactly 7 values, though 7 / 100 * 100 is a little more in binary
    for _ in range(6):
        yield rng.exponential(10, size=int(rng.integers(5, 40))), float(rng.choice([25.0, 50.0, 90.0, 95.0, 99.0]))


@exercise(
    "Return the smallest of the values that at least q percent of them do not exceed.",
    _percentile_cases,
)
def percentile(values, q):
    rank = int(np.ceil(q * len(values) / 100))  # how many values must not exceed the answer
    return float(np.sort(values)[rank - 1])


@percentile.mistake(
    "Between two values yours is interpolated; the nearest-rank percentile is always one of the values."
)
def _interpolated(values, q):
    return float(np.percentile(values, q))


@percentile.mistake(
    "In binary q / 100 * n can be a hair above the whole number that it should be, and is then rounded up by one: "
    "multiply first, q * n / 100."
)
def _divided_first(values, q):
    return float(np.sort(values)[min(int(np.ceil(q / 100 * len(values))), len(values)) - 1])


@percentile.mistake("Sort the values first: the rank counts from the smallest.")
def _not_sorted(values, q):
    return float(np.asarray(values)[int(np.ceil(q * len(values) / 100)) - 1])


@percentile.mistake(
    "Your rank is rounded down: of 4 values, 30 percent are 1.2, and one value alone is not yet 30 percent of them."
)
def _rounded_down(values, q):
    return float(np.sort(values)[max(int(np.floor(q * len(values) / 100)) - 1, 0)])


@percentile.mistake(
    "int(q * n / 100) as an index is one too far where q percent of n is a whole number (and leaves the array at "
    "q = 100): 50 percent of 4 values are 2, the second, at index 1. The rank is that number rounded *up*, its index "
    "one less."
)
def _truncated_as_index(values, q):
    return float(np.sort(values)[min(int(q * len(values) / 100), len(values) - 1)])


@percentile.mistake("One too far: Python counts from 0, so the value of rank r stands at index r - 1.")
def _one_too_far(values, q):
    return float(np.sort(values)[min(int(np.ceil(q * len(values) / 100)), len(values) - 1)])


@percentile.mistake("You count from the largest value; q percent of the values must lie *below* or at the answer.")
def _from_above(values, q):
    return float(np.sort(values)[::-1][int(np.ceil(q * len(values) / 100)) - 1])


def _waiting_cases(rng):
    yield np.array([0.0, 1.0, 2.0, 20.0]), np.array([3.0, 2.0, 4.0, 1.0])
    yield np.array([0.0, 10.0, 20.0, 21.0]), np.array([2.0, 5.0, 6.0, 1.0])
    for n in rng.integers(8, 30, size=5):
        yield np.cumsum(rng.exponential(1.0, size=n)) + 0.5, rng.exponential(0.8, size=n) + 0.05


@exercise(
    "Return how long each caller waits for its turn at one server, first come first served.",
    _waiting_cases,
)
def waiting_times(arrivals, service):
    waits = np.zeros(len(arrivals))
    for i in range(1, len(arrivals)):
        gap = arrivals[i] - arrivals[i - 1]
        waits[i] = max(0.0, waits[i - 1] + service[i - 1] - gap)
    return waits


@waiting_times.mistake("A wait is never negative: when the server stands idle, a caller's turn is at once.")
def _no_floor(arrivals, service):
    return np.concatenate([[0.0], np.cumsum(service[:-1] - np.diff(arrivals))])


@waiting_times.mistake("You wait for your own service time; what counts is that of the caller *before*.")
def _own_service(arrivals, service):
    return waiting_times(arrivals, np.append(service[1:], 0.0))


@waiting_times.mistake("The caller before may have waited too: what is left of its wait comes on top of its service.")
def _forgets_queue(arrivals, service):
    waits = np.zeros(len(arrivals))
    waits[1:] = np.maximum(0.0, service[:-1] - np.diff(arrivals))
    return waits


@waiting_times.mistake("That is the time until each caller is *done*; its own service is not part of the wait.")
def _until_done(arrivals, service):
    return waiting_times(arrivals, service) + service


def _batch_sizes_cases(rng):
    yield np.array([0.0, 0.25, 0.5, 3.0]), 10, 1.0
    yield np.array([0.0, 0.125, 0.25, 0.375, 0.5]), 2, 1.0  # full before the time is over
    yield np.array([0.0, 0.75, 1.5, 2.25]), 10, 1.0  # each close to the one before, and too far from the first
    yield np.array([0.0, 1.0, 1.0, 5.0]), 10, 1.0  # at exactly that moment
    yield np.array([0.0, 0.75, 1.25, 2.0]), 10, 1.0  # the second batch opens with its first caller
    for _ in range(5):
        n = int(rng.integers(15, 40))
        yield np.cumsum(rng.exponential(0.5, size=n)), int(rng.integers(3, 6)), float(rng.uniform(0.8, 1.6))


@exercise(
    "Return the sizes of the micro-batches that these arrivals make.",
    _batch_sizes_cases,
)
def batch_sizes(arrivals, most, wait):
    sizes, opened = [], None
    for moment in arrivals:
        if sizes and sizes[-1] < most and moment <= opened + wait:
            sizes[-1] += 1
        else:
            sizes.append(1)
            opened = moment
    return np.array(sizes)


@batch_sizes.mistake("Your clock starts anew with each caller; the first one of a batch would wait for ever.")
def _sliding(arrivals, most, wait):
    sizes, last = [], None
    for moment in arrivals:
        if sizes and sizes[-1] < most and moment <= last + wait:
            sizes[-1] += 1
        else:
            sizes.append(1)
        last = moment
    return np.array(sizes)


@batch_sizes.mistake("A batch that holds `most` callers closes at once; yours grows on.")
def _no_limit(arrivals, most, wait):
    return batch_sizes(arrivals, len(arrivals), wait)


@batch_sizes.mistake("A caller who comes exactly `wait` seconds after the first still comes along.")
def _strict(arrivals, most, wait):
    return batch_sizes(arrivals, most, wait - 1e-9)


@batch_sizes.mistake(
    "Your windows follow each other without a gap; a batch opens when a caller comes, not by the clock."
)
def _by_the_clock(arrivals, most, wait):
    sizes, opened = [], arrivals[0]
    for moment in arrivals:
        if sizes and sizes[-1] < most and moment <= opened + wait:
            sizes[-1] += 1
        else:
            while sizes and moment > opened + wait:
                opened += wait
            sizes.append(1)
    return np.array(sizes)


@batch_sizes.mistake("One more than `most` fits into your batches.")
def _one_more(arrivals, most, wait):
    return batch_sizes(arrivals, most + 1, wait)
