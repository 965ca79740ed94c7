"""Exercises of 4.1.2, what each trick of a CIFAR-10 recipe is worth: reference solutions, and mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _squares(x, centres, size, *, shift=0, wrap=False, fill=0.0, one=False, swap=False, channel=False, inside=False):
    """The reference and most of its mistakes: a square of `size` pixels around each centre is filled."""
    out = np.array(x, dtype=float)
    height, width = x.shape[2:]
    for i, (row, column) in enumerate(centres[:, ::-1] if swap else centres):
        if one:
            row, column = centres[0]
        top, left = int(row) - size // 2 + shift, int(column) - size // 2 + shift
        if inside:
            top, left = min(max(top, 0), height - size), min(max(left, 0), width - size)
        rows, columns = np.arange(top, top + size), np.arange(left, left + size)
        if wrap:
            rows, columns = rows % height, columns % width
        rows, columns = rows[(rows >= 0) & (rows < height)], columns[(columns >= 0) & (columns < width)]
        value = x[i].mean() if fill is None else fill
        where = np.ix_([0] if channel else np.arange(x.shape[1]), rows, columns)
        out[i][where] = value
    return out


def _cutout_cases(rng):
    for n, height, width, size in ((3, 7, 9, 3), (4, 9, 8, 4), (5, 8, 10, 5)):
        x = rng.uniform(0.5, 2.0, (n, 3, height, width))
        centres = np.stack([rng.integers(2, height - 2, n), rng.integers(2, width - 2, n)], axis=1)
        centres[0], centres[1] = (0, width - 1), (3, 5)  # one at a corner, one inside, rows and columns different
        yield x, centres, size


@exercise(
    "Return a copy of the pictures with a square of zeros around each centre, cut off at the border.", _cutout_cases
)
def cutout(x, centres, size):
    rows, columns = np.arange(x.shape[2]), np.arange(x.shape[3])
    top, left = (centres - size // 2).T
    hit_rows = (rows >= top[:, None]) & (rows < top[:, None] + size)  # (n, height)
    hit_columns = (columns >= left[:, None]) & (columns < left[:, None] + size)  # (n, width)
    hit = hit_rows[:, :, None] & hit_columns[:, None, :]
    return np.where(hit[:, None], 0.0, x)


@cutout.mistake("every picture has its own centre: yours all lose the square of the first")
def _(x, centres, size):
    return _squares(x, centres, size, one=True)


@cutout.mistake("a centre is (row, column): yours are swapped")
def _(x, centres, size):
    return _squares(x, centres, size, swap=True)


@cutout.mistake(
    "at a border the square is cut off: yours comes in again on the other side (a negative index counts back)"
)
def _(x, centres, size):
    return _squares(x, centres, size, wrap=True)


@cutout.mistake("at a border the square is cut off: yours is pushed back inside, so corners are hidden too often")
def _(x, centres, size):
    return _squares(x, centres, size, inside=True)


@cutout.mistake("the square must be zero in all three channels, not in the first only")
def _(x, centres, size):
    return _squares(x, centres, size, channel=True)


@cutout.mistake("off by one: the square begins size // 2 above and left of its centre and has `size` rows and columns")
def _(x, centres, size):
    return _squares(x, centres, size, shift=1)


@cutout.mistake("one row and one column too many: size, not size + 1")
def _(x, centres, size):
    return _squares(x, centres, size + 1, shift=(size + 1) // 2 - size // 2)


@cutout.mistake("the fill is zero (the mean of standardised pictures), not each picture's own mean")
def _(x, centres, size):
    return _squares(x, centres, size, fill=None)


@cutout.mistake("you have kept the square and cleared the rest")
def _(x, centres, size):
    return x - cutout.reference(x, centres, size)


def _wsd_cases(rng):
    for warmup, decay, steps in ((3, 4, 12), (5, 2, 15), (4, 6, 20)):
        peak = float(rng.uniform(0.3, 3.0))
        for step in (0, warmup - 1, warmup, steps - decay - 1, steps - decay, steps - 1):
            yield step, steps, warmup, decay, peak


@exercise("Return the learning rate of warm-up, plateau and decay at one step.", _wsd_cases)
def warmup_stable_decay(step, steps, warmup, decay, peak):
    return peak * min(1.0, (step + 1) / warmup, (steps - step) / decay)


@warmup_stable_decay.mistake(
    "in step 0 your rate is zero, a step that learns nothing: the share is (step + 1) / warmup"
)
def _(step, steps, warmup, decay, peak):
    return peak * min(1.0, step / warmup, (steps - step) / decay)


@warmup_stable_decay.mistake("in the last step your rate is zero: with `steps` steps left, one is left in the last")
def _(step, steps, warmup, decay, peak):
    return peak * min(1.0, (step + 1) / warmup, (steps - 1 - step) / decay)


@warmup_stable_decay.mistake("the warm-up is missing")
def _(step, steps, warmup, decay, peak):
    return peak * min(1.0, (steps - step) / decay)


@warmup_stable_decay.mistake("the decay is missing")
def _(step, steps, warmup, decay, peak):
    return peak * min(1.0, (step + 1) / warmup)


@warmup_stable_decay.mistake(
    "there is no plateau: the rate falls from the end of the warm-up on, not in the last `decay` steps"
)
def _(step, steps, warmup, decay, peak):
    return peak * min((step + 1) / warmup, (steps - step) / (steps - warmup + 1), 1.0)


@warmup_stable_decay.mistake("right as a share; multiply by the peak")
def _(step, steps, warmup, decay, peak):
    return min(1.0, (step + 1) / warmup, (steps - step) / decay)


@warmup_stable_decay.mistake("take the smaller of the two shares, not their mean")
def _(step, steps, warmup, decay, peak):
    return peak * (min(1.0, (step + 1) / warmup) + min(1.0, (steps - step) / decay)) / 2


@warmup_stable_decay.mistake("the decay lasts `decay` steps, not until step number `decay`")
def _(step, steps, warmup, decay, peak):
    return peak * min(1.0, (step + 1) / warmup, max(0.0, (steps - step) / (steps - decay)))


def _half_life_cases(rng):
    for steps, half_life in ((6, 3), (9, 5), (14, 2)):
        yield rng.standard_normal((steps, 4)).cumsum(axis=0) + 3.0, half_life


def _ema(weights, beta, start=None):
    mean = np.zeros(weights.shape[1]) if start is None else start
    for w in weights:
        mean = beta * mean + (1 - beta) * w
    return mean


@exercise(
    "Return the bias-corrected exponential mean of weights (steps, d) whose shares halve in half_life steps.",
    _half_life_cases,
)
def half_life_mean(weights, half_life):
    beta = 0.5 ** (1 / half_life)
    mean = np.zeros(weights.shape[1])
    for w in weights:
        mean = beta * mean + (1 - beta) * w
    return mean / (1 - beta ** len(weights))


@half_life_mean.mistake("the mean starts at zero and stays too small: divide by 1 - beta ** steps")
def _(weights, half_life):
    return _ema(weights, 0.5 ** (1 / half_life))


@half_life_mean.mistake(
    "1 - 1/half_life is a decay whose share falls to 1/e in that many steps; a half is 0.5 ** (1/half_life)"
)
def _(weights, half_life):
    beta = 1 - 1 / half_life
    return _ema(weights, beta) / (1 - beta ** len(weights))


@half_life_mean.mistake("a mean that starts at the first weights gives these too much; start at zero and correct")
def _(weights, half_life):
    return _ema(weights[1:], 0.5 ** (1 / half_life), weights[0])


@half_life_mean.mistake("the newest weights must count most: yours favours the oldest")
def _(weights, half_life):
    return half_life_mean.reference(weights[::-1], half_life)


@half_life_mean.mistake("beta and 1 - beta are swapped")
def _(weights, half_life):
    beta = 1 - 0.5 ** (1 / half_life)
    return _ema(weights, beta) / (1 - beta ** len(weights))


@half_life_mean.mistake("the correction has the number of all steps as its exponent, not one")
def _(weights, half_life):
    beta = 0.5 ** (1 / half_life)
    return _ema(weights, beta) / (1 - beta)


@half_life_mean.mistake("exp(-1/half_life) falls to 1/e, not to a half, in that many steps")
def _(weights, half_life):
    beta = np.exp(-1 / half_life)
    return _ema(weights, beta) / (1 - beta ** len(weights))


@half_life_mean.mistake("that is the plain mean of the last steps: they do not fade")
def _(weights, half_life):
    return weights[-half_life:].mean(axis=0)


def _conv_cases(rng):
    for size, c_in, c_out, kernel, stride, padding, groups in ((17, 6, 12, 3, 2, 1, 3), (20, 8, 20, 5, 3, 2, 4),
                                                               (14, 4, 6, 3, 2, 0, 2)):  # fmt: skip
        yield size + 2 * int(rng.integers(2)), c_in, c_out, kernel, stride, padding, groups


def _side(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1


@exercise("Return the multiply-adds of one convolution, forward and backward, for one square picture.", _conv_cases)
def training_multiply_adds(size, c_in, c_out, kernel, stride, padding, groups):
    side = (size + 2 * padding - kernel) // stride + 1
    forward = side**2 * kernel**2 * (c_in // groups) * c_out
    return 3 * forward  # the output, the gradient of the weights, the gradient of the input


@training_multiply_adds.mistake(
    "that is the forward pass; backward needs two more of the same size: weights, and input"
)
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return training_multiply_adds.reference(size, c_in, c_out, kernel, stride, padding, groups) // 3


@training_multiply_adds.mistake("backward is two products, not one: a gradient for the weights and one for the input")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return training_multiply_adds.reference(size, c_in, c_out, kernel, stride, padding, groups) // 3 * 2


@training_multiply_adds.mistake("groups: an output channel sees only c_in / groups input channels")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return 3 * _side(size, kernel, stride, padding) ** 2 * kernel**2 * c_in * c_out


@training_multiply_adds.mistake("groups divide once: all c_out outputs are still made")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return 3 * _side(size, kernel, stride, padding) ** 2 * kernel**2 * (c_in // groups) * (c_out // groups)


@training_multiply_adds.mistake("the stride is missing: there are fewer output places than input places")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return 3 * _side(size, kernel, 1, padding) ** 2 * kernel**2 * (c_in // groups) * c_out


@training_multiply_adds.mistake("the stride acts in both directions: the number of places falls by its square")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    sides = _side(size, kernel, stride, padding) * _side(size, kernel, 1, padding)
    return 3 * sides * kernel**2 * (c_in // groups) * c_out


@training_multiply_adds.mistake("the padding is on both sides: 2 * padding")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    side = (size + padding - kernel) // stride + 1
    return 3 * side**2 * kernel**2 * (c_in // groups) * c_out


@training_multiply_adds.mistake("these are the weights, counted once: each is used at every output place")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return 3 * kernel**2 * (c_in // groups) * c_out


@training_multiply_adds.mistake("a kernel has kernel x kernel entries")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return 3 * _side(size, kernel, stride, padding) ** 2 * kernel * (c_in // groups) * c_out


@training_multiply_adds.mistake("a multiplication with its addition counts as one here: you have counted two")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return 2 * training_multiply_adds.reference(size, c_in, c_out, kernel, stride, padding, groups)


def _error_cases(rng):
    for seeds, pictures in ((3, 40), (4, 60), (5, 30)):
        while True:  # until the variance is clearly positive without the overlap
            p = rng.uniform(0.3, 0.8, pictures) + rng.normal(0, 0.1, (2, seeds, 1))
            before, after = (rng.random((2, seeds, pictures)) < p).astype(float)
            if _parts(before, after)[1] > 1e-3 and abs((after - before).mean()) > 0.01:
                break
        yield before, after
    before = (rng.random((3, 50)) < 0.4).astype(float)
    after = before.copy()
    after[0, :30], after[1, :10] = 1, 1  # one lucky seed
    yield before, after
    yield np.zeros((3, 30)), np.tile(np.eye(3), 10)  # the variance comes out negative


def _parts(before, after, ddof=1):
    d = after - before
    seeds, pictures = d.shape
    by_picture, by_seed = d.mean(axis=0), d.mean(axis=1)
    first = by_picture.var(ddof=ddof) / pictures
    second = by_seed.var(ddof=ddof) / seeds
    rest = d - by_picture - by_seed[:, None] + d.mean()
    overlap = (rest**2).sum() / ((pictures - 1) * (seeds - 1)) / (pictures * seeds)
    return d.mean(), first + second - overlap, first, second, overlap


@exercise(
    "Return the mean paired gain and its standard error, the part that is counted twice taken off again.",
    _error_cases,
)
def exact_error(before, after):
    d = after - before
    seeds, pictures = d.shape
    by_picture, by_seed = d.mean(axis=0), d.mean(axis=1)
    rest = d - by_picture - by_seed[:, None] + d.mean()
    overlap = (rest**2).sum() / ((pictures - 1) * (seeds - 1)) / (pictures * seeds)
    variance = by_picture.var(ddof=1) / pictures + by_seed.var(ddof=1) / seeds - overlap
    return d.mean(), np.sqrt(max(variance, 0.0))


@exact_error.mistake(
    "that is the cautious error of the lesson: the rest's variance / (pictures · seeds) is in it twice"
)
def _(before, after):
    mean, _, first, second, _ = _parts(before, after)
    return mean, np.sqrt(first + second)


@exact_error.mistake("the luck of a training is missing: only the pictures are in your error")
def _(before, after):
    mean, _, first, _, _ = _parts(before, after)
    return mean, np.sqrt(first)


@exact_error.mistake("the choice of the pictures is missing: only the seeds are in your error")
def _(before, after):
    mean, _, _, second, _ = _parts(before, after)
    return mean, np.sqrt(second)


@exact_error.mistake("all seeds times pictures differences are treated as independent; those of a seed share its luck")
def _(before, after):
    d = after - before
    return d.mean(), d.std(ddof=1) / np.sqrt(d.size)


@exact_error.mistake("not paired: the variances of the two are added as if they had answered other pictures")
def _(before, after):
    return (after - before).mean(), np.sqrt(sum(a.var(ddof=1) / a.size for a in (before, after)))


@exact_error.mistake("that is the variance: take its root")
def _(before, after):
    mean, variance, *_ = _parts(before, after)
    return mean, max(variance, 0.0)


@exact_error.mistake("the sign: the gain is after minus before")
def _(before, after):
    mean, variance, *_ = _parts(before, after)
    return -mean, np.sqrt(max(variance, 0.0))


@exact_error.mistake("the variances of the means need n - 1 (ddof=1): with three seeds n makes them a third too small")
def _(before, after):
    mean, _, first, second, overlap = _parts(before, after, ddof=0)
    return mean, np.sqrt(max(first + second - overlap, 0.0))


@exact_error.mistake(
    "the overlap is the rest's variance divided by the number of all differences; you took it off undivided"
)
def _(before, after):
    mean, _, first, second, overlap = _parts(before, after)
    return mean, np.sqrt(max(first + second - overlap * before.size, 0.0))


@cutout.mistake("a slice with a negative start is empty: at the upper and left border nothing is hidden; max(0, start)")
def _(x, centres, size):
    out = np.array(x, dtype=float)
    for i, (row, column) in enumerate(centres - size // 2):
        out[i, :, row : row + size, column : column + size] = 0
    return out


@cutout.mistake("for an odd size, 2 * (size // 2) is one row and one column too few")
def _(x, centres, size):
    out = np.array(x, dtype=float)
    for i, (row, column) in enumerate(centres):
        h = size // 2
        out[i, :, max(0, row - h) : row + h, max(0, column - h) : column + h] = 0
    return out


@warmup_stable_decay.mistake("the first of the last `decay` steps is still at the peak: divide by decay, not decay + 1")
def _(step, steps, warmup, decay, peak):
    return peak * min(1.0, (step + 1) / warmup, (steps - step) / (decay + 1))


@warmup_stable_decay.mistake("the peak is reached in the last step of the warm-up, not one step after it")
def _(step, steps, warmup, decay, peak):
    return peak * min(1.0, (step + 1) / (warmup + 1), (steps - step) / decay)


@half_life_mean.mistake("the share halves once in half_life steps, not half_life times in one: 0.5 ** (1 / half_life)")
def _(weights, half_life):
    beta = 0.5**half_life
    return _ema(weights, beta) / (1 - beta ** len(weights))


@half_life_mean.mistake("after `steps` updates the factor is 1 - beta ** steps: your exponent is one too small")
def _(weights, half_life):
    beta = 0.5 ** (1 / half_life)
    return _ema(weights, beta) / (1 - beta ** (len(weights) - 1))


@training_multiply_adds.mistake("the last place starts at 0 or later, too: (…) // stride + 1 places")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    side = (size + 2 * padding - kernel) // stride
    return 3 * side**2 * kernel**2 * (c_in // groups) * c_out


@training_multiply_adds.mistake("size / stride holds only for padding “same”: kernel and padding count")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return 3 * (size // stride) ** 2 * kernel**2 * (c_in // groups) * c_out


@training_multiply_adds.mistake("places are whole: divide by the stride with //, before adding 1")
def _(size, c_in, c_out, kernel, stride, padding, groups):
    return 3 * ((size + 2 * padding - kernel) / stride + 1) ** 2 * kernel**2 * (c_in // groups) * c_out


@exact_error.mistake("the rest needs the total mean added back, which was taken off twice")
def _(before, after):
    mean, _, first, second, overlap = _parts(before, after)
    seeds, pictures = before.shape
    wrong = overlap + mean**2 / ((pictures - 1) * (seeds - 1))
    return mean, np.sqrt(max(first + second - wrong, 0.0))


@exact_error.mistake("the rest has (n - 1)(S - 1) degrees of freedom, not nS - 1")
def _(before, after):
    mean, _, first, second, overlap = _parts(before, after)
    seeds, pictures = before.shape
    wrong = overlap * (pictures - 1) * (seeds - 1) / (pictures * seeds - 1)
    return mean, np.sqrt(max(first + second - wrong, 0.0))


@exact_error.mistake("it was counted twice and should count once: take it off once, not twice")
def _(before, after):
    mean, _, first, second, overlap = _parts(before, after)
    return mean, np.sqrt(max(first + second - 2 * overlap, 0.0))


@exact_error.mistake("a negative variance means 0, not its absolute value")
def _(before, after):
    mean, variance, *_ = _parts(before, after)
    return mean, np.sqrt(abs(variance))
