"""Exercises of 6.3, TensorFlow and Keras under the hood: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _traces_cases(rng):
    f, i = "float32", "int32"
    yield ([("tensor", f, (3,)), ("tensor", f, (3,)), ("tensor", f, (4,)), ("tensor", i, (3,)), ("tensor", f, (4,))],)
    yield ([2, 3, 2, 5, 5],)
    yield ([1, 1.0, True, 2, 2.0, 1],)
    yield ([("tensor", f, (n,)) for n in (3, 4, 5, 3, 6)],)
    yield ([("tensor", f, ()), 2, ("tensor", f, ()), 7, ("tensor", i, ()), 2],)
    yield (["train", "test", "train", ("tensor", f, (1,)), ("tensor", f, ()), 4, "test"],)
    yield ([("tensor", f, (2, 3)), ("tensor", f, (3, 2)), ("tensor", f, (6,)), ("tensor", f, (2, 3)), 1, 9, 1],)
    kinds = [
        ("tensor", f, (3,)),
        ("tensor", f, (4,)),
        ("tensor", i, (3,)),
        ("tensor", i, (4,)),
        2,
        3,
        4,
        "train",
        "test",
    ]
    for _ in range(5):
        yield ([kinds[int(k)] for k in rng.integers(0, len(kinds), 12)],)


def _count(calls, key):
    seen, counts = set(), []
    for call in calls:
        seen.add(key(call))
        counts.append(len(seen))
    return counts


@exercise("Return the list of how many traces there are after each call.", _traces_cases)
def traces(calls):
    seen, counts = [], []
    for call in calls:  # a tensor's kind is its type and shape, a Python value is its own kind
        if call not in seen:
            seen.append(call)
        counts.append(len(seen))
    return counts


@traces.mistake("A graph that exists is used again: only a call of a new kind is traced.")
def _every_call(calls):
    return list(range(1, len(calls) + 1))


@traces.mistake("The shape belongs to the kind of a tensor: another shape is traced anew.")
def _no_shape(calls):
    return _count(calls, lambda call: call[:2] if isinstance(call, tuple) else call)


@traces.mistake("The type belongs to the kind of a tensor: int32 after float32 is traced anew.")
def _no_dtype(calls):
    return _count(calls, lambda call: call[::2] if isinstance(call, tuple) else call)


@traces.mistake("A Python value is a constant of the graph: each new value is traced, not each new type.")
def _python_by_type(calls):
    return _count(calls, lambda call: call if isinstance(call, tuple) else type(call))


@traces.mistake("Python values count too: each new one makes a trace of its own.")
def _tensors_only(calls):
    seen, counts = [], []
    for call in calls:
        if isinstance(call, tuple) and call not in seen:
            seen.append(call)
        counts.append(len(seen))
    return counts


@traces.mistake("All graphs are kept, not only the last: a kind that was seen before is not traced again.")
def _last_only(calls):
    counts = []
    for k, call in enumerate(calls):
        counts.append((counts[-1] if counts else 0) + (k == 0 or call != calls[k - 1]))
    return counts


@traces.mistake("The shape itself counts, not only how many dimensions it has.")
def _by_rank(calls):
    return _count(calls, lambda call: (call[1], len(call[2])) if isinstance(call, tuple) else call)


@traces.mistake("1, 1.0 and True are one key of a dictionary, and one trace: only the value counts, not its type.")
def _typed(calls):
    return _count(calls, lambda call: call if isinstance(call, tuple) else (type(call), call))


@traces.mistake("Without reduce_retracing no size becomes variable: a third shape is traced as well, and so on.")
def _reduced(calls):
    shapes, seen, counts = {}, set(), []
    for call in calls:
        kind = call
        if isinstance(call, tuple):
            known = shapes.setdefault((call[1], len(call[2])), [])
            if call[2] not in known and len(known) < 2:
                known.append(call[2])
            kind = call if call[2] == known[0] else (call[1], len(call[2]), "any")
        seen.add(kind)
        counts.append(len(seen))
    return counts


@traces.mistake("The number of traces after *each* call is asked for; yours says which calls were traced.")
def _new_or_not(calls):
    counts = traces(calls)
    return [b - a for a, b in zip([0, *counts[:-1]], counts, strict=True)]


def _out_cases(rng):
    yield 3, 2
    yield 5, 3
    yield 6, 1
    yield 5, 5
    for _ in range(3):
        n = int(rng.integers(6, 11))
        yield n, int(rng.integers(2, n))


@exercise("Return the (n, n) array of the probability that element i comes out as number j.", _out_cases)
def comes_out(n, size):
    found = np.zeros((n, n))
    for i in range(n):
        still_inside = 1.0
        for j in range(max(0, i - size + 1), n):  # the first output that can take element i
            choices = min(size, n - j)  # at the end the buffer empties
            found[i, j] = still_inside / choices
            still_inside *= 1 - 1 / choices
    return found


def _with(n, size, first, choices):
    found = np.zeros((n, n))
    for i in range(n):
        inside = 1.0
        for j in range(max(0, first(i)), n):
            found[i, j] = inside / choices(j)
            inside *= 1 - 1 / choices(j)
    return found


@comes_out.mistake(
    "Every position equally likely? That is a buffer as large as the data; here elements wait their turn."
)
def _uniform(n, size):
    return np.full((n, n), 1 / n)


@comes_out.mistake("At the end nothing refills the buffer: at output j it holds min(size, n - j) elements.")
def _never_empties(n, size):
    return _with(n, size, lambda i: i - size + 1, lambda j: size)


@comes_out.mistake("Element i enters just after output i - size, so output i - size + 1 is the first that can take it.")
def _one_early(n, size):
    return _with(n, size, lambda i: i - size, lambda j: min(size, n - j))


@comes_out.mistake("The buffer is filled before the first output: element i may come out before position i.")
def _not_before(n, size):
    return _with(n, size, lambda i: i, lambda j: min(size, n - j))


@comes_out.mistake("To come out as number j it must first have been left inside by all outputs before j.")
def _without_waiting(n, size):
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(max(0, i - size + 1), n):
            found[i, j] = 1 / min(size, n - j)
    return found


@comes_out.mistake("Rows are elements and columns are outputs: yours is transposed.")
def _transposed(n, size):
    return comes_out(n, size).T.copy()


@comes_out.mistake(
    "That is the probability to be out by then; asked is the probability of coming out exactly as number j."
)
def _cumulative(n, size):
    return comes_out(n, size).cumsum(axis=1)


@comes_out.mistake("Blocks of `size` elements are not shuffled one by one: the buffer is refilled after every output.")
def _blocks(n, size):
    block = np.arange(n) // size
    same_block = block[:, None] == block[None]
    return same_block / same_block.sum(axis=1, keepdims=True)


def _sizes_cases(rng):
    yield 5, 2, 2, "batch, repeat", False
    yield 5, 2, 2, "repeat, batch", False
    yield 5, 2, 2, "batch, repeat", True
    yield 5, 2, 3, "repeat, batch", True
    yield 7, 3, 2, "repeat, batch", False
    for order in ("batch, repeat", "repeat, batch"):
        for drop in (False, True):
            size = int(rng.integers(3, 6))
            yield (
                size * int(rng.integers(2, 5)) + int(rng.integers(1, size)),
                size,
                int(rng.integers(2, 5)),
                order,
                drop,
            )


@exercise("Return the list of the sizes of all batches, in their order.", _sizes_cases)
def batch_sizes(n, size, epochs, order, drop_remainder):
    total, times = (n * epochs, 1) if order == "repeat, batch" else (n, epochs)
    rest = [total % size] if total % size and not drop_remainder else []
    return ([size] * (total // size) + rest) * times


@batch_sizes.mistake(
    "The order of the two matters: with repeat first, a batch may hold the end of one epoch and the next."
)
def _always_batch_first(n, size, epochs, order, drop_remainder):
    return batch_sizes(n, size, epochs, "batch, repeat", drop_remainder)


@batch_sizes.mistake("With batch first, every epoch ends with its own short batch.")
def _always_repeat_first(n, size, epochs, order, drop_remainder):
    return batch_sizes(n, size, epochs, "repeat, batch", drop_remainder)


@batch_sizes.mistake("The two orders are swapped: steps are applied from left to right.")
def _swapped(n, size, epochs, order, drop_remainder):
    other = "repeat, batch" if order == "batch, repeat" else "batch, repeat"
    return batch_sizes(n, size, epochs, other, drop_remainder)


@batch_sizes.mistake("drop_remainder=True leaves out a short batch.")
def _never_dropped(n, size, epochs, order, drop_remainder):
    return batch_sizes(n, size, epochs, order, False)


@batch_sizes.mistake("A short batch is kept unless drop_remainder says otherwise; the default is False.")
def _always_dropped(n, size, epochs, order, drop_remainder):
    return batch_sizes(n, size, epochs, order, True)


@batch_sizes.mistake("That is one epoch: repeat(epochs) gives all of them.")
def _one_epoch(n, size, epochs, order, drop_remainder):
    return batch_sizes(n, size, 1, order, drop_remainder)


@batch_sizes.mistake("The last batch is not filled up: it holds what is left.")
def _filled(n, size, epochs, order, drop_remainder):
    return [size] * len(batch_sizes(n, size, epochs, order, drop_remainder))


def _shown_cases(rng):
    yield np.array([2.0, 1.0, 4.0]), np.array([2, 2, 1]), 1
    yield np.array([3.0, 1.0, 2.0, 6.0]), np.array([4, 1, 4, 1]), 2
    for _ in range(4):
        steps, epochs = int(rng.integers(3, 6)), int(rng.integers(2, 4))
        sizes = np.tile(np.array([*[8] * (steps - 1), int(rng.integers(1, 7))]), epochs)
        yield rng.uniform(0.2, 3, steps * epochs), sizes, epochs


@exercise("Return the loss that fit shows after each step, (steps,).", _shown_cases)
def shown(losses, sizes, epochs):
    losses, sizes = losses.reshape(epochs, -1), sizes.reshape(epochs, -1)
    return (np.cumsum(losses * sizes, axis=1) / np.cumsum(sizes, axis=1)).ravel()


@shown.mistake("That is the loss of each batch; fit shows the mean of all batches so far in this epoch.")
def _raw(losses, sizes, epochs):
    return losses.copy()


@shown.mistake("A batch counts by its size: the mean is over pictures, not over batches.")
def _unweighted(losses, sizes, epochs):
    return shown(losses, np.ones_like(sizes), epochs)


@shown.mistake("The mean starts anew with every epoch.")
def _never_reset(losses, sizes, epochs):
    return shown(losses, sizes, 1)


@shown.mistake("After a step fit knows only the steps so far; yours is the mean of the whole epoch.")
def _whole_epoch(losses, sizes, epochs):
    steps = len(losses) // epochs
    return np.repeat(shown(losses, sizes, epochs).reshape(epochs, -1)[:, -1], steps)


@shown.mistake("Divide by the number of pictures so far: yours is a sum.")
def _sum_only(losses, sizes, epochs):
    return np.cumsum((losses * sizes).reshape(epochs, -1), axis=1).ravel()


@shown.mistake("Keras keeps a plain mean, not an exponential one with a momentum of 0.9.")
def _exponential(losses, sizes, epochs):
    found = []
    for part in losses.reshape(epochs, -1):
        mean = part[0]
        for loss in part:
            mean = 0.9 * mean + 0.1 * loss
            found.append(mean)
    return np.array(found)


@shown.mistake("The step that has just been made belongs to the mean as well.")
def _one_late(losses, sizes, epochs):
    found = shown(losses, sizes, epochs).reshape(epochs, -1)
    return np.concatenate([losses.reshape(epochs, -1)[:, :1], found[:, :-1]], axis=1).ravel()


@shown.mistake("Divide by the sizes so far, not by the sizes of the whole epoch.")
def _by_the_whole(losses, sizes, epochs):
    losses, sizes = losses.reshape(epochs, -1), sizes.reshape(epochs, -1)
    return (np.cumsum(losses * sizes, axis=1) / sizes.sum(axis=1, keepdims=True)).ravel()


def _swish_cases(rng):
    yield np.array([[0.0, 1.0]]), 2.0, np.array([[1.0, 0.5]])
    for _ in range(5):
        shape = (int(rng.integers(2, 5)), int(rng.integers(2, 5)))
        yield rng.normal(size=shape), float(rng.uniform(0.5, 2)), rng.normal(size=shape)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


@exercise("Return (dx, dbeta), the gradients for y = x * sigmoid(beta * x).", _swish_cases)
def swish_gradient(x, beta, dy):
    s = 1 / (1 + np.exp(-beta * x))
    dx = dy * (s + beta * x * s * (1 - s))
    return dx, (dy * x**2 * s * (1 - s)).sum()


@swish_gradient.mistake("Your gradient ignores dy: it is right only for the sum of y.")
def _ignores_dy(x, beta, dy):
    return swish_gradient(x, beta, np.ones_like(dy))


@swish_gradient.mistake("x stands inside the sigmoid too: a product has two terms in its derivative.")
def _first_term(x, beta, dy):
    return dy * _sigmoid(beta * x), swish_gradient(x, beta, dy)[1]


@swish_gradient.mistake("The inner derivative is missing in dx: d(beta x)/dx = beta.")
def _no_inner(x, beta, dy):
    s = _sigmoid(beta * x)
    return dy * (s + x * s * (1 - s)), swish_gradient(x, beta, dy)[1]


@swish_gradient.mistake("beta is one number that every entry uses: sum its gradient over all entries.")
def _not_summed(x, beta, dy):
    s = _sigmoid(beta * x)
    return swish_gradient(x, beta, dy)[0], dy * x**2 * s * (1 - s)


@swish_gradient.mistake("The gradient of beta is a sum over the entries, not their mean.")
def _mean(x, beta, dy):
    dx, dbeta = swish_gradient(x, beta, dy)
    return dx, dbeta / x.size


@swish_gradient.mistake("In dbeta one x comes from the factor in front and one from inside the sigmoid: x squared.")
def _x_once(x, beta, dy):
    s = _sigmoid(beta * x)
    return swish_gradient(x, beta, dy)[0], (dy * x * s * (1 - s)).sum()


@swish_gradient.mistake("The derivative of the sigmoid s is s (1 - s), not s.")
def _sigmoid_slope(x, beta, dy):
    s = _sigmoid(beta * x)
    return dy * (s + beta * x * s), (dy * x**2 * s).sum()


@swish_gradient.mistake("beta is missing inside the sigmoid.")
def _no_beta(x, beta, dy):
    return swish_gradient(x, 1.0, dy)
