"""Exercises of 4.4.1, anomalies in heartbeats: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import math

import numpy as np


def _auc(score, label, weight, *, tie=0.5, sign=1, scale=None):
    """The reference and most of its mistakes."""
    above = sign * (score[label][:, None] - score[~label])
    pairs = weight[label][:, None] * weight[~label]
    total = pairs.sum() if scale is None else scale
    return float((pairs * ((above > 0) + tie * (above == 0))).sum() / total)


def _auc_cases(rng):
    for n in (30, 41, 60):
        label = np.arange(n) % 3 == 0
        rng.shuffle(label)
        score = rng.integers(0, 6, n).astype(float) + 1.5 * label.round()
        score[rng.permutation(n)[: n // 3]] = 2.0  # many ties, also between the classes
        yield score, label, rng.uniform(0.2, 3.0, n)


@exercise(
    "Return the probability that a weighted wide beat scores above a weighted normal one, ties one half.", _auc_cases
)
def weighted_auc(score, label, weight):
    above = score[label][:, None] - score[~label]
    pairs = weight[label][:, None] * weight[~label]
    return float((pairs * ((above > 0) + (above == 0) / 2)).sum() / pairs.sum())


@weighted_auc.mistake("ties get nothing: give each tied pair one half")
def _(score, label, weight):
    return _auc(score, label, weight, tie=0.0)


@weighted_auc.mistake("ties count in full: with >= a score that is the same everywhere would get 1")
def _(score, label, weight):
    return _auc(score, label, weight, tie=1.0)


@weighted_auc.mistake("the weights are not used: each pair counts with the product of its two weights")
def _(score, label, weight):
    return _auc(score, label, np.ones_like(weight))


@weighted_auc.mistake("only the wide beats' weights are used: the normal ones have weights too")
def _(score, label, weight):
    return _auc(score, label, np.where(label, weight, 1.0))


@weighted_auc.mistake("only the normal beats' weights are used: the wide ones have weights too")
def _(score, label, weight):
    return _auc(score, label, np.where(label, 1.0, weight))


@weighted_auc.mistake(
    "a weighted sum over the pairs has to be divided by the sum of the pairs' weights, not by their number"
)
def _(score, label, weight):
    return _auc(score, label, weight, scale=label.sum() * (~label).sum())


@weighted_auc.mistake("the wrong way round: the wide beat has to be above")
def _(score, label, weight):
    return _auc(score, label, weight, sign=-1)


def _events(label):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], label.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _series(rng, lengths, gap=6):
    label = np.zeros(0, dtype=bool)
    for length in lengths:
        label = np.concatenate(
            [label, np.zeros(gap + int(rng.integers(0, 5)), dtype=bool), np.ones(length, dtype=bool)]
        )
    return label


def _adjust_cases(rng):
    """Events flagged to a share below, exactly at and above k; false flags outside; an event at the very end."""
    for k in (0.25, 0.5, 0.75):
        label = _series(rng, (8, 12, 4, 7, 8, 8))
        flags = np.zeros(len(label), dtype=bool)
        normal = np.flatnonzero(~label)
        flags[rng.choice(normal, 3, replace=False)] = True
        # of the seven, as many as the share rounded down: too few
        counts = [math.ceil(8 * k), math.ceil(6 * k), 0, int(7 * k), math.ceil(8 * min(1, k + 0.5)), math.ceil(8 * k)]
        for (start, stop), count in zip(_events(label), counts, strict=True):
            flags[start + rng.permutation(stop - start)[:count]] = True
        yield flags, label, k
        tail = np.concatenate([label, np.zeros(5, dtype=bool)])
        yield np.concatenate([flags, [False, True, False, False, True]]), tail, k


def _adjust(flags, label, enough):
    adjusted = flags.copy()
    for start, stop in _events(label):
        if enough(flags[start:stop]):
            adjusted[start:stop] = True
    return adjusted


@exercise("Return the flags (n,), all of an event flagged where at least the share k of its points was.", _adjust_cases)
def adjust_by_share(flags, label, k):
    adjusted = flags.copy()
    edges = np.flatnonzero(np.diff(label.astype(int), prepend=0, append=0))
    for start, stop in edges.reshape(-1, 2):
        if flags[start:stop].mean() >= k:
            adjusted[start:stop] = True
    return adjusted


@adjust_by_share.mistake("one flag is enough for you: that is point adjustment without the K")
def _(flags, label, k):
    return _adjust(flags, label, np.any)


@adjust_by_share.mistake("exactly the share k is enough: compare with >=")
def _(flags, label, k):
    return _adjust(flags, label, lambda part: part.mean() > k)


@adjust_by_share.mistake("the share was rounded to a number of points: 5 of 7 are less than 0.75")
def _(flags, label, k):
    return _adjust(flags, label, lambda part: part.sum() >= int(k * len(part)))


@adjust_by_share.mistake("k is a share of the event's own length, not of all anomalous points")
def _(flags, label, k):
    return _adjust(flags, label, lambda part: part.sum() >= k * label.sum())


@adjust_by_share.mistake("flags outside the events are gone: false alarms stay as they are")
def _(flags, label, k):
    return _adjust(flags & label, label, lambda part: part.mean() >= k)


@adjust_by_share.mistake("an event below the share keeps its own flags; yours were taken away")
def _(flags, label, k):
    adjusted = flags & ~label
    for start, stop in _events(label):
        adjusted[start:stop] = flags[start:stop].mean() >= k
    return adjusted


@adjust_by_share.mistake("the share is taken over all events together: judge each event alone")
def _(flags, label, k):
    return flags | (label if flags[label].mean() >= k else False)


@adjust_by_share.mistake("the event at the very end of the series is lost: close the last run")
def _(flags, label, k):
    last = _events(label)[-1]
    done = _adjust(flags, label, lambda part: part.mean() >= k)
    if last[1] == len(label):
        done[last[0] :] = flags[last[0] :]
    return done


def _cost(score, label, miss, false, prevalence, *, pick=-1, extra=True, strict=False):
    """The threshold of the least cost; of several, the one at `pick`."""
    candidates = np.append(np.unique(score), math.inf) if extra else np.unique(score)
    costs = []
    for threshold in candidates:
        flagged = score > threshold if strict else score >= threshold
        missed, alarmed = (~flagged[label]).mean(), flagged[~label].mean()
        costs.append(prevalence * miss * missed + (1 - prevalence) * false * alarmed)
    best = np.flatnonzero(np.isclose(costs, min(costs), rtol=0, atol=1e-12))
    return float(candidates[best[pick]])


def _cost_cases(rng):
    for prevalence, miss in ((0.01, 30.0), (0.6, 2.0), (0.05, 5.0), (0.1, 4.0), (0.3, 8.0)):
        label = np.arange(400) % 4 == 0  # not balanced, or rates and counts would choose alike
        score = np.round(rng.normal(0, 1, 400) + 1.2 * label, 1)
        yield score, label, miss, 1.0, prevalence
    # several thresholds of equal cost, and one case where it is best to flag nothing
    yield np.array([0.0, 1.0, 2.0, 3.0]), np.array([False, True, False, True]), 1.0, 1.0, 0.5
    yield np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, False]), 1.0, 1.0, 0.1
    yield np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), np.array([False, False, True, False, True, True]), 9.0, 1.0, 0.2


@exercise(
    "Return the threshold (flag: score >= threshold) of the least expected cost per beat; of several, the highest.",
    _cost_cases,
)
def cost_threshold(score, label, miss, false, prevalence):
    candidates = np.append(np.unique(score), np.inf)
    flagged = score >= candidates[:, None]
    missed, alarmed = 1 - flagged[:, label].mean(axis=1), flagged[:, ~label].mean(axis=1)
    cost = prevalence * miss * missed + (1 - prevalence) * false * alarmed
    return float(candidates[cost <= cost.min() + 1e-12].max())


@cost_threshold.mistake(
    "the base rate of the sample is used: weigh the two *rates* of error with the prevalence that was given"
)
def _(score, label, miss, false, prevalence):
    return _cost(score, label, miss, false, label.mean())


@cost_threshold.mistake(
    "these are shares of all beats: take the missed among the wide ones, and the flagged among the normal ones"
)
def _(score, label, miss, false, prevalence):
    share = label.mean()
    return _cost(score, label, miss * share, false * (1 - share), prevalence)


@cost_threshold.mistake(
    "the prevalence is not used: weigh the share missed with it, the false alarms with one minus it"
)
def _(score, label, miss, false, prevalence):
    return _cost(score, label, miss, false, 0.5)


@cost_threshold.mistake("the two costs are exchanged: a missed wide beat costs `miss`, a flagged normal one `false`")
def _(score, label, miss, false, prevalence):
    return _cost(score, label, false, miss, prevalence)


@cost_threshold.mistake("to flag nothing must be possible too: try the threshold infinity")
def _(score, label, miss, false, prevalence):
    return _cost(score, label, miss, false, prevalence, extra=False)


@cost_threshold.mistake("of thresholds with equal costs, return the highest")
def _(score, label, miss, false, prevalence):
    return _cost(score, label, miss, false, prevalence, pick=0)


@cost_threshold.mistake("a score equal to the threshold is flagged: >=, not >")
def _(score, label, miss, false, prevalence):
    return _cost(score, label, miss, false, prevalence, strict=True)


@cost_threshold.mistake("the costs are not used: this is the threshold of the fewest weighted errors")
def _(score, label, miss, false, prevalence):
    return _cost(score, label, 1.0, 1.0, prevalence)


@cost_threshold.mistake("the prevalence belongs to the misses, one minus it to the false alarms")
def _(score, label, miss, false, prevalence):
    return _cost(score, label, miss, false, 1 - prevalence)


def _in_time(flags, label, delay, *, late=0, early=0, points=False, length=False):
    """The reference and most of its mistakes."""
    events = _events(label)
    found = sum(
        bool(flags[max(0, a - early) : min(a + delay + late, b if not length else len(label))].any()) for a, b in events
    )
    runs = _events(flags)
    false = sum(not label[a:b].any() for a, b in runs)
    if points:
        false = int((flags & ~label).sum())
    return found / len(events), float(false)


def _time_cases(rng):
    for delay in (2, 4):
        label = _series(rng, (9, 9, 1, 9, 9), gap=12)
        flags = np.zeros(len(label), dtype=bool)
        starts = [a for a, _ in _events(label)]
        flags[starts[0] + delay - 1] = True  # just in time
        flags[starts[1] + delay : starts[1] + delay + 2] = True  # one sample too late
        flags[starts[2] + 1] = True  # after an event of one sample: too late, although within the delay
        flags[starts[3] - 1] = True  # just before the event: a false alarm
        flags[starts[4] - 2 : starts[4] + 1] = True  # a run that reaches into the event
        flags[2:5] = True  # one false alarm of three points
        flags[starts[1] - 4 : starts[1] - 2] = True
        yield flags, label, delay
        more = np.concatenate([label, np.zeros(6, dtype=bool)])
        yield np.concatenate([flags, [False, False, True, False, True, True]]), more, delay
    for density in (0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2):
        label = _series(rng, rng.integers(1, 9, 60).tolist(), gap=5)
        yield rng.random(len(label)) < density, label, 3


@exercise(
    "Return (share of events flagged within their first `delay` samples, number of runs of flags touching no event).",
    _time_cases,
)
def found_in_time(flags, label, delay):
    def runs(x):
        return np.flatnonzero(np.diff(x.astype(int), prepend=0, append=0)).reshape(-1, 2)

    events = runs(label)
    found = sum(flags[start : min(stop, start + delay)].any() for start, stop in events)
    false = sum(not label[start:stop].any() for start, stop in runs(flags))
    return found / len(events), float(false)


@found_in_time.mistake("a flag anywhere in the event is enough for you: only the first `delay` samples count")
def _(flags, label, delay):
    return _in_time(flags, label, len(flags))


@found_in_time.mistake("one sample too many: the first `delay` samples are start to start + delay - 1")
def _(flags, label, delay):
    return _in_time(flags, label, delay, late=1)


@found_in_time.mistake("one sample too few: the first `delay` samples are start to start + delay - 1")
def _(flags, label, delay):
    return _in_time(flags, label, delay, late=-1)


@found_in_time.mistake("false alarms are counted by points: a run of flags is one alarm")
def _(flags, label, delay):
    return _in_time(flags, label, delay, points=True)


@found_in_time.mistake("an event shorter than the delay ends before it: a flag after the event finds nothing")
def _(flags, label, delay):
    return _in_time(flags, label, delay, length=True)


@found_in_time.mistake("an alarm just before the event does not find it: begin at its first sample")
def _(flags, label, delay):
    return _in_time(flags, label, delay, early=2)


@found_in_time.mistake("all runs of flags are counted: a run that touches an event is no false alarm")
def _(flags, label, delay):
    return _in_time(flags, label, delay)[0], float(len(_events(flags)))


@found_in_time.mistake("a run that reaches into an event is no false alarm, although a part of it lies outside")
def _(flags, label, delay):
    return _in_time(flags, label, delay)[0], float(len(_events(flags & ~label)))


def _p_cases(rng):
    for n, m in ((7, 9), (19, 12), (50, 20)):
        calibration = rng.integers(0, 12, n).astype(float)
        yield calibration, np.append(rng.integers(-2, 14, m).astype(float), [99.0, -99.0])


@exercise("Return the conformal p-value (m,) of each score, given the scores (n,) of held-out normal beats.", _p_cases)
def conformal_p(calibration, scores):
    at_least = (calibration >= scores[:, None]).sum(axis=1)
    return (1 + at_least) / (len(calibration) + 1)


@conformal_p.mistake("the new beat itself is missing in the count and in the number: (1 + count) / (n + 1)")
def _(calibration, scores):
    return (calibration >= scores[:, None]).mean(axis=1)


@conformal_p.mistake("ties have to count against an alarm: >=, not >")
def _(calibration, scores):
    return (1 + (calibration > scores[:, None]).sum(axis=1)) / (len(calibration) + 1)


@conformal_p.mistake("count the normal beats that are at least as odd, not those at most as odd")
def _(calibration, scores):
    return (1 + (calibration <= scores[:, None]).sum(axis=1)) / (len(calibration) + 1)


@conformal_p.mistake("with the new beat there are n + 1 beats: divide by n + 1")
def _(calibration, scores):
    return (1 + (calibration >= scores[:, None]).sum(axis=1)) / len(calibration)


@conformal_p.mistake("the new beat is as odd as itself: add 1 to the count, or p could be 0")
def _(calibration, scores):
    return (calibration >= scores[:, None]).sum(axis=1) / (len(calibration) + 1)


@conformal_p.mistake("a Gaussian was fitted: count, so that no distribution has to be assumed")
def _(calibration, scores):
    z = (scores - calibration.mean()) / calibration.std()
    return np.array([0.5 * math.erfc(v / math.sqrt(2)) for v in z])
