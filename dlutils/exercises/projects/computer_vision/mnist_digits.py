"""Exercises of 4.1.1, handwritten digits: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import math

import numpy as np


def _moved(image, down, right, fill=0.0):
    """A copy of image (h, w), moved by whole pixels; `fill` comes in."""
    height, width = image.shape
    moved = np.full_like(image, fill)
    rows, columns = np.arange(height) - down, np.arange(width) - right
    inside = np.ix_((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))
    source = np.ix_(rows[(rows >= 0) & (rows < height)], columns[(columns >= 0) & (columns < width)])
    moved[inside] = image[source]
    return moved


def _mass(image):
    rows, columns = np.arange(image.shape[0])[:, None], np.arange(image.shape[1])
    return (image * rows).sum() / image.sum(), (image * columns).sum() / image.sum()


def _centre(image, *, sign=1, turn=np.round, swap=False, middle=1.0, mask=False, box=False, roll=False, stop=False):
    """The reference and most of its mistakes."""
    row, column = _mass((image > 0).astype(float) if mask else image)
    if box:
        where = np.argwhere(image > 0)
        row, column = (where.min(axis=0) + where.max(axis=0)) / 2
    down, right = ((side - middle) / 2 - place for side, place in zip(image.shape, (row, column), strict=True))
    down, right = (int(turn(sign * x)) for x in ((right, down) if swap else (down, right)))
    if stop:  # as `normalise` does it: nothing leaves the frame
        where = np.argwhere(image > 0)
        (top, left), (bottom, last) = where.min(axis=0), where.max(axis=0)
        down = min(max(down, -int(top)), image.shape[0] - 1 - int(bottom))
        right = min(max(right, -int(left)), image.shape[1] - 1 - int(last))
    return np.roll(image, (down, right), (0, 1)) if roll else _moved(image, down, right)


def _unlike(image, height, width):
    """Whether the mistakes give other answers here, and rounding is no matter of the last digit."""
    shifts = [(side - 1) / 2 - place for side, place in zip((height, width), _mass(image), strict=True)]
    others = ({"sign": -1}, {"turn": np.trunc}, {"turn": np.floor}, {"swap": True}, {"middle": 0.0}, {"mask": True})
    wrong = [_centre(image, **setting) for setting in (*others, {"box": True}, {"stop": True}, {"middle": -1.0})]
    new = all(np.abs(other - _centre(image)).max() > 0.05 for other in wrong)
    return new and all(abs(abs(x) % 1 - 0.5) > 0.05 for x in shifts)


def _centre_cases(rng):
    for specks, height, width in ((True, 7, 6), (True, 9, 12), (False, 14, 13), (True, 12, 9)):
        while True:
            image = np.zeros((height, width))
            if specks:
                image[0, 0] = rng.uniform(0.1, 0.2)  # a speck that leaves the frame, or comes back on the other side
                image[-1, 0] = rng.uniform(0.1, 0.2)
                image[0, -3:] = rng.uniform(0.6, 1.0, 3)
                image[1, -2:] = rng.uniform(0.6, 1.0, 2)
            else:  # ink well inside the frame but for a long faint foot, heavy on one side
                image[1:3, 1:4] = rng.uniform(0.6, 1.0, (2, 3))
                image[3:-2, 2:-3] = rng.uniform(0.0, 0.1, (height - 5, width - 5))
            if _unlike(image, height, width):
                break
            height, width = (int(n) for n in rng.integers(6, 16, 2)) if specks else (height, width)
        yield (image,)


@exercise("Return a copy, moved by whole pixels so that the centre of mass is in the middle.", _centre_cases)
def centre_by_mass(image):
    height, width = image.shape
    mass = image.sum()
    down = round((height - 1) / 2 - float((image.sum(axis=1) * np.arange(height)).sum() / mass))
    right = round((width - 1) / 2 - float((image.sum(axis=0) * np.arange(width)).sum() / mass))
    padded = np.pad(image, ((height, height), (width, width)))
    return padded[height - down : 2 * height - down, width - right : 2 * width - right]


@centre_by_mass.mistake("np.roll brings back on the other side what leaves the frame: zeros must come in")
def _(image):
    return _centre(image, roll=True)


@centre_by_mass.mistake("moved the wrong way: a digit whose centre lies too high must go down")
def _(image):
    return _centre(image, sign=-1)


@centre_by_mass.mistake("rows and columns are swapped: the first axis is the height")
def _(image):
    return _centre(image, swap=True)


@centre_by_mass.mistake("this is the centre of the box around the ink: each pixel must count with its ink")
def _(image):
    return _centre(image, box=True)


@centre_by_mass.mistake("every inked pixel counts alike here: weigh it by its ink")
def _(image):
    return _centre(image, mask=True)


@centre_by_mass.mistake("the middle of pixels 0 to n - 1 is (n - 1) / 2, not n / 2")
def _(image):
    return _centre(image, middle=0.0)


@centre_by_mass.mistake("you stop at the frame, as `normalise` does: here what leaves the frame is lost")
def _(image):
    return _centre(image, stop=True)


@centre_by_mass.mistake("nothing has moved")
def _(image):
    return image.copy()


@centre_by_mass.mistake("this rounds down: round to the *nearest* whole pixel")
def _(image):
    return _centre(image, turn=np.floor)


@centre_by_mass.mistake("int() cuts off: round to the nearest whole pixel")
def _(image):
    return _centre(image, turn=np.trunc)


def _box(image, padding, *, low=True, high=True, last=1, pad_low=True, pad_high=True):
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    bounds = []
    for places, side in ((rows, image.shape[0]), (columns, image.shape[1])):
        start, stop = int(places[0]) - padding * pad_low, int(places[-1]) + last + padding * pad_high
        bounds += [max(0, start) if low else start, min(side, stop) if high else stop]
    return tuple(bounds)


def _box_cases(rng):
    for top, left, height, width, padding in ((4, 6, 3, 5, 2), (1, 7, 4, 2, 3), (6, 3, 5, 8, 2)):
        image = np.zeros((12, 13))
        image[top : top + height, left : left + width] = rng.uniform(0.6, 1, (height, width))
        image[top] *= 0.05  # the faint edge of an anti-aliased stroke
        image[:, left + width - 1] *= 0.3
        yield image, padding


@exercise("Return (top, bottom, left, right) of the ink with padding, as slices count, within the frame.", _box_cases)
def ink_box(image, padding):
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    top, bottom = max(0, rows[0] - padding), min(image.shape[0], rows[-1] + 1 + padding)
    left, right = max(0, columns[0] - padding), min(image.shape[1], columns[-1] + 1 + padding)
    return int(top), int(bottom), int(left), int(right)


@ink_box.mistake("the last inked row and column are cut off: a slice ends *before* its stop, so add 1")
def _(image, padding):
    return _box(image, padding, last=0)


@ink_box.mistake("a negative start counts from the other end of the picture: not below 0")
def _(image, padding):
    return _box(image, padding, low=False)


@ink_box.mistake("the box reaches beyond the frame at the bottom or at the right")
def _(image, padding):
    return _box(image, padding, high=False)


@ink_box.mistake("the padding leaves the frame on both sides: cut the box at 0 and at the picture's height and width")
def _(image, padding):
    return _box(image, padding, low=False, high=False)


@ink_box.mistake("every pixel above 0 counts here, a faint one too: no threshold as in `box_of`")
def _(image, padding):
    return _box(np.where(image > 0.1 * image.max(), image, 0), padding)


@ink_box.mistake("half ink is ink: every pixel above 0 counts")
def _(image, padding):
    return _box(np.where(image > 0.5, image, 0), padding)


@ink_box.mistake("the padding is missing")
def _(image, padding):
    return _box(image, 0)


@ink_box.mistake("the padding belongs on all four sides; at the bottom and at the right it is missing")
def _(image, padding):
    return _box(image, padding, pad_high=False)


@ink_box.mistake("right numbers, another order: top, bottom, left, right")
def _(image, padding):
    top, bottom, left, right = _box(image, padding)
    return top, left, bottom, right


@ink_box.mistake("rows and columns are swapped: a row has ink if any of its *columns* has, which is any(axis=1)")
def _(image, padding):
    top, bottom, left, right = _box(image, padding)
    return left, right, top, bottom


def _binomial(k, m):
    return math.comb(m, k) / 2**m


def _mid_cases(rng):
    for low, high in ((1, 4), (3, 6), (6, 9)):
        b = int(rng.integers(low, high))
        yield b, b + int(rng.integers(3, 9))
    yield 9, 4
    yield 0, 0


@exercise("Return the mid-p value of McNemar's test: the observed split counts half.", _mid_cases)
def mcnemar_mid_p(only_a, only_b):
    m, k = only_a + only_b, min(only_a, only_b)
    less = sum(math.comb(m, j) for j in range(k)) / 2**m
    return 2 * less + math.comb(m, k) / 2**m


@mcnemar_mid_p.mistake("this is the exact p-value: here the split that was seen counts half only")
def _(only_a, only_b):
    m, k = only_a + only_b, min(only_a, only_b)
    return min(1.0, 2 * sum(_binomial(j, m) for j in range(k + 1)))


@mcnemar_mid_p.mistake("the split that was seen stands in both tails of the exact p: take it away once, not half of it")
def _(only_a, only_b):
    m, k = only_a + only_b, min(only_a, only_b)
    return min(1.0, 2 * sum(_binomial(j, m) for j in range(k + 1))) - _binomial(k, m) / 2


@mcnemar_mid_p.mistake("only the split that was seen counts by half, not the whole p-value")
def _(only_a, only_b):
    m, k = only_a + only_b, min(only_a, only_b)
    return min(1.0, 2 * sum(_binomial(j, m) for j in range(k + 1))) / 2


@mcnemar_mid_p.mistake("one tail only: a difference in either direction counts, so double it")
def _(only_a, only_b):
    return mcnemar_mid_p(only_a, only_b) / 2


@mcnemar_mid_p.mistake("the split that was seen is left out: it counts half")
def _(only_a, only_b):
    m, k = only_a + only_b, min(only_a, only_b)
    return 2 * sum(_binomial(j, m) for j in range(k))


@mcnemar_mid_p.mistake("count from the smaller of the two numbers: from the larger, nearly everything is a tail")
def _(only_a, only_b):
    m, k = only_a + only_b, max(only_a, only_b)
    return 2 * sum(_binomial(j, m) for j in range(k)) + _binomial(k, m)


@mcnemar_mid_p.mistake("which model is called A must not matter: take the smaller of the two numbers")
def _(only_a, only_b):
    m = only_a + only_b
    return 2 * sum(_binomial(j, m) for j in range(only_a)) + _binomial(only_a, m)


@mcnemar_mid_p.mistake("this is the chi-squared approximation, good for large counts only: add up the binomial")
def _(only_a, only_b):
    return math.erfc(abs(only_a - only_b) / math.sqrt(2 * (only_a + only_b))) if only_a + only_b else 1.0


@mcnemar_mid_p.mistake("this is chi-squared with the continuity correction: add up the binomial instead")
def _(only_a, only_b):
    if not only_a + only_b:
        return 1.0
    return math.erfc(max(0, abs(only_a - only_b) - 1) / math.sqrt(2 * (only_a + only_b)))


def _margin_cases(rng):
    for n, k in ((8, 3), (12, 4), (20, 5)):
        labels = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
        scores = rng.standard_normal((n, k)) * 0.7 + rng.uniform(0, 1.5, k)
        scores[np.arange(n), labels] += rng.uniform(0, 3, n)
        p = np.exp(scores)
        yield p / p.sum(axis=1, keepdims=True), labels


def _margins(p, labels, threshold, *, own=False, divide=False):
    adjusted = p / threshold if divide else p - threshold
    mine = adjusted[np.arange(len(p)), labels]
    others = adjusted.copy()
    if not own:
        others[np.arange(len(p)), labels] = -np.inf
    return mine - others.max(axis=1)


def _thresholds(p, labels):
    return np.array([p[labels == j, j].mean() for j in range(p.shape[1])])


@exercise("Return the margin (n,) after each class's threshold was subtracted from its column.", _margin_cases)
def adjusted_margin(p, labels):
    threshold = np.array([p[labels == j, j].mean() for j in range(p.shape[1])])
    adjusted = p - threshold
    rows = np.arange(len(p))
    own = adjusted[rows, labels]
    adjusted[rows, labels] = -np.inf
    return own - adjusted.max(axis=1)


@adjusted_margin.mistake(
    "this is the plain margin: subtract each class's own threshold first (one for all would cancel)"
)
def _(p, labels):
    return _margins(p, labels, 0.0)


@adjusted_margin.mistake("the threshold of a class is the mean over its own members, not over all rows")
def _(p, labels):
    return _margins(p, labels, p.mean(axis=0))


@adjusted_margin.mistake("the largest must be taken over the *other* classes: with its own, no margin is above 0")
def _(p, labels):
    return _margins(p, labels, _thresholds(p, labels), own=True)


@adjusted_margin.mistake("the strongest rival must be sought after the subtraction, not before")
def _(p, labels):
    rivals = p.copy()
    rivals[np.arange(len(p)), labels] = -np.inf
    adjusted, rows = p - _thresholds(p, labels), np.arange(len(p))
    return adjusted[rows, labels] - adjusted[rows, rivals.argmax(axis=1)]


@adjusted_margin.mistake("a class's threshold is the mean over the rows *labelled* so, not over the rows answered so")
def _(p, labels):
    answered = p.argmax(axis=1)
    threshold = np.array([p[answered == j, j].mean() if (answered == j).any() else 0.0 for j in range(p.shape[1])])
    return _margins(p, labels, threshold)


@adjusted_margin.mistake("only the label's own column was adjusted: the rivals have thresholds, too")
def _(p, labels):
    return _margins(p, labels, 0.0) - _thresholds(p, labels)[labels]


@adjusted_margin.mistake("subtract the thresholds; you divide by them")
def _(p, labels):
    return _margins(p, labels, _thresholds(p, labels), divide=True)


@adjusted_margin.mistake("the sign is turned: a doubtful label has a *negative* margin")
def _(p, labels):
    return -_margins(p, labels, _thresholds(p, labels))


@adjusted_margin.mistake("only the other classes were adjusted: the label's own column has a threshold, too")
def _(p, labels):
    threshold = _thresholds(p, labels)
    return _margins(p, labels, threshold) + threshold[labels]


def _shift_cases(rng):
    for n, height, width in ((2, 4, 5), (3, 6, 5), (5, 7, 8)):
        offsets = rng.integers(1, 3, (n, 2)) * rng.choice([-1, 1], (n, 2))
        offsets[0], offsets[1] = (1, -2), (-2, 1)
        if n > 2:
            offsets[2] = (0, width + 3)  # out of the picture altogether
        if n > 3:
            offsets[3], offsets[4] = (-(height + 2), 0), (height + 1, -(width + 4))
        yield rng.uniform(0.1, 1, (n, height, width)), offsets


@exercise("Return the images (n, h, w), each moved by its own offset (down, right); zeros come in.", _shift_cases)
def shift_batch(images, offsets):
    n, height, width = images.shape
    shifted = np.zeros_like(images)
    for image, result, (down, right) in zip(images, shifted, offsets, strict=True):
        rows, columns = (
            slice(max(0, down), max(0, height + min(0, down))),
            slice(max(0, right), max(0, width + min(0, right))),
        )
        source = image[max(0, -down) : max(0, height - down), max(0, -right) : max(0, width - right)]
        if source.size:
            result[rows, columns] = source
    return shifted


@shift_batch.mistake("np.roll wraps around: what leaves on one side comes back on the other")
def _(images, offsets):
    return np.stack([np.roll(x, tuple(o), (0, 1)) for x, o in zip(images, offsets, strict=True)])


@shift_batch.mistake("moved the wrong way: a positive offset goes down and to the right")
def _(images, offsets):
    return np.stack([_moved(x, *(-o)) for x, o in zip(images, offsets, strict=True)])


@shift_batch.mistake("down and right are swapped: the first of the two numbers moves rows")
def _(images, offsets):
    return np.stack([_moved(x, *o[::-1]) for x, o in zip(images, offsets, strict=True)])


@shift_batch.mistake("all images get the first offset: each has its own")
def _(images, offsets):
    return np.stack([_moved(x, *offsets[0]) for x in images])


@shift_batch.mistake("the edge is repeated where zeros should come in")
def _(images, offsets):
    n, height, width = images.shape
    rows = [np.clip(np.arange(height) - o[0], 0, height - 1) for o in offsets]
    columns = [np.clip(np.arange(width) - o[1], 0, width - 1) for o in offsets]
    return np.stack([x[np.ix_(r, c)] for x, r, c in zip(images, rows, columns, strict=True)])


@shift_batch.mistake("an offset larger than the picture must leave it black; here the digit stays where it was")
def _(images, offsets):
    n, height, width = images.shape
    shifted = np.zeros_like(images)
    for image, result, (down, right) in zip(images, shifted, offsets, strict=True):
        inside = abs(down) < height and abs(right) < width
        result[:] = _moved(image, down, right) if inside else image
    return shifted


@shift_batch.mistake("only the rows were moved")
def _(images, offsets):
    return np.stack([_moved(x, o[0], 0) for x, o in zip(images, offsets, strict=True)])
