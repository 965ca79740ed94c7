"""Exercises of 4.1.4, object detection: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _centre_cases(rng):
    for n, m in ((2, 3), (4, 2), (5, 6)):
        a = np.hstack([rng.uniform(8, 16, (n, 2)), rng.uniform(3, 12, (n, 2))])
        b = np.hstack([rng.uniform(8, 16, (m, 2)), rng.uniform(3, 12, (m, 2))])
        a[0] = [10, 10, 4, 6]
        b[0] = [11, 11, 8, 4]  # these two surely overlap
        a[-1, :2] = [60, 10]  # far to the right of all
        if m > 2:
            a[1, :2], b[-1, :2] = [70, 70], [80, 80]  # apart in both directions
        if n == 5:
            a[2, 2:] = b[3, 2:] = 0  # no area
            a[2, :2] = b[3, :2] = 12
        yield a, b


def _centre_iou(a, b, *, clip=True, own=True, guard=True, extra=0.0, half=2.0, swap=False, halve=0.0):
    """The reference and most of its mistakes."""
    order = [1, 0] if swap else [0, 1]
    low_a, high_a = a[:, None, :2] - a[:, None, 2:][..., order] / half, a[:, None, :2] + a[:, None, 2:] / half
    low_b, high_b = b[None, :, :2] - b[None, :, 2:] / half, b[None, :, :2] + b[None, :, 2:] / half
    sides = np.minimum(high_a, high_b) - np.maximum(low_a, low_b) + extra
    inter = (sides.clip(min=0) if clip else sides).prod(axis=2)
    areas = (a[:, None, 2:] + extra).prod(axis=2) + (b[None, :, 2:] + extra).prod(axis=2)
    union = areas - inter if own else areas
    if not guard:
        return inter / union
    return np.divide(inter, union, out=np.full_like(inter, halve), where=union > 0)


@exercise("Return the IoU (n, m) of boxes given by centre and size.", _centre_cases)
def iou_of_centres(a, b):
    low_a, high_a = a[:, None, :2] - a[:, None, 2:] / 2, a[:, None, :2] + a[:, None, 2:] / 2
    low_b, high_b = b[None, :, :2] - b[None, :, 2:] / 2, b[None, :, :2] + b[None, :, 2:] / 2
    inter = (np.minimum(high_a, high_b) - np.maximum(low_a, low_b)).clip(min=0).prod(axis=2)
    union = a[:, None, 2:].prod(axis=2) + b[None, :, 2:].prod(axis=2) - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


@iou_of_centres.mistake("cut each side at zero before you multiply: two negative sides make a positive area")
def _(a, b):
    return _centre_iou(a, b, clip=False)


@iou_of_centres.mistake("the intersection is counted twice in the sum of the two areas: take it off once")
def _(a, b):
    return _centre_iou(a, b, own=False)


@iou_of_centres.mistake("two boxes without area have a union of zero: their IoU is 0, not 0 / 0")
def _(a, b):
    return _centre_iou(a, b, guard=False)


@iou_of_centres.mistake("edges are not pixels here: no + 1 in the sides")
def _(a, b):
    return _centre_iou(a, b, extra=1.0)


@iou_of_centres.mistake("from the centre it is half the size to each edge")
def _(a, b):
    return _centre_iou(a, b, half=1.0)


@iou_of_centres.mistake("these are centres and sizes; you have read them as corners")
def _(a, b):
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    inter = sides.clip(min=0).prod(axis=2)
    union = (a[:, 2:] - a[:, :2]).prod(axis=1)[:, None] + (b[:, 2:] - b[:, :2]).prod(axis=1)[None] - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


@iou_of_centres.mistake("the first two numbers are the centre, not the top left corner")
def _(a, b):
    move = [[0.5, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    shift = np.zeros((4, 4))
    shift[2, 0] = shift[3, 1] = 0.5
    move = np.eye(4) + shift
    return _centre_iou(a @ move, b @ move)


@iou_of_centres.mistake("every box of a with every box of b: rows are a, columns are b")
def _(a, b):
    return _centre_iou(b, a)


@iou_of_centres.mistake("the third number is the width and goes with x; you have exchanged width and height")
def _(a, b):
    return _centre_iou(a[:, [0, 1, 3, 2]], b[:, [0, 1, 3, 2]])


@iou_of_centres.mistake("divide by the union, not by the smaller area or the sum of the areas")
def _(a, b):
    iou = _centre_iou(a, b)
    return 2 * iou / (1 + iou)


@iou_of_centres.mistake("two equal boxes without area share nothing: 0, not 1")
def _(a, b):
    return _centre_iou(a, b, halve=1.0)


def _letterbox_cases(rng):
    for n in (1, 3, 4):
        height, width = (int(v) for v in rng.permutation([rng.integers(40, 60), rng.integers(90, 140)]))
        size = int(rng.choice([64, 96]))
        k = size / max(height, width)
        inside = np.sort(rng.uniform(0.1, 0.9, (n, 2, 2)), axis=1) * [width * k, height * k]
        pad = np.array([size - width * k, size - height * k]) / 2
        boxes = (inside + pad).reshape(n, 4)
        if n > 1:
            boxes[-1] = [2, 3, size - 1, size - 2]  # reaches into the bars
        yield boxes, height, width, size


def _unletter(boxes, height, width, size, *, pad=0.5, clip=True, swap=False):
    k = size / max(height, width)
    bars = np.array([size - width * k, size - height * k] * 2) * pad
    limits = [height, width, height, width] if swap else [width, height, width, height]
    boxes = (boxes - (bars[::-1] if swap else bars)) / k
    return np.clip(boxes, 0, limits) if clip else boxes


@exercise("Return the boxes (n, 4) in pixels of the original picture, cut at its edges.", _letterbox_cases)
def unletterbox(boxes, height, width, size):
    scale = size / max(height, width)
    bars = np.array([size - width * scale, size - height * scale] * 2) / 2
    return np.clip((boxes - bars) / scale, 0, [width, height, width, height])


@unletterbox.mistake("the picture lies in the middle of the square: take off the bar before you scale")
def _(boxes, height, width, size):
    return _unletter(boxes, height, width, size, pad=0.0)


@unletterbox.mistake("there is a bar on either side: half of the free space comes before the picture")
def _(boxes, height, width, size):
    return _unletter(boxes, height, width, size, pad=1.0)


@unletterbox.mistake("right inside the picture; a box that reaches into the bars must be cut at the edges")
def _(boxes, height, width, size):
    return _unletter(boxes, height, width, size, clip=False)


@unletterbox.mistake("edges are not pixels: a box may reach to the width itself, not only to width - 1")
def _(boxes, height, width, size):
    return np.clip(_unletter(boxes, height, width, size), 0, [width - 1, height - 1, width - 1, height - 1])


@unletterbox.mistake("keep the fractions: corners need not be whole numbers")
def _(boxes, height, width, size):
    return np.round(_unletter(boxes, height, width, size))


@unletterbox.mistake("x goes with the width, y with the height: you have exchanged them")
def _(boxes, height, width, size):
    return _unletter(boxes, height, width, size, swap=True)


@unletterbox.mistake("the bars are in pixels of the square: take them off first, then divide by the scale")
def _(boxes, height, width, size):
    k = size / max(height, width)
    bars = np.array([size - width * k, size - height * k] * 2) / 2
    return np.clip(boxes / k - bars, 0, [width, height, width, height])


@unletterbox.mistake("that goes from the picture to the square once more: divide by the scale, do not multiply")
def _(boxes, height, width, size):
    k = size / max(height, width)
    bars = np.array([size - width * k, size - height * k] * 2) / 2
    return np.clip((boxes - bars) * k, 0, [width, height, width, height])


@unletterbox.mistake("a letterbox keeps the shape: one scale for both directions, by the longer side")
def _(boxes, height, width, size):
    return np.clip(boxes * np.array([width, height] * 2) / size, 0, [width, height, width, height])


@unletterbox.mistake("the longer side fills the square: the scale is size / max(height, width)")
def _(boxes, height, width, size):
    k = size / min(height, width)
    bars = np.array([size - width * k, size - height * k] * 2) / 2
    return np.clip((boxes - bars) / k, 0, [width, height, width, height])


@unletterbox.mistake("cut at the square's edges you keep what lies in the bars: cut at the picture's own edges")
def _(boxes, height, width, size):
    return np.clip(_unletter(boxes, height, width, size, clip=False), 0, size)


def _overlaps(boxes):
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    inter = sides.clip(min=0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return inter / (area[:, None] + area[None] - inter)


def _soft_cases(rng):
    for n in (2, 4, 6):
        low = rng.uniform(0, 6, (n, 2))
        boxes = np.hstack([low, low + rng.uniform(8, 14, (n, 2))])
        boxes[0] = [0, 0, 10, 10]
        boxes[1] = [0, 1, 10, 11]  # nearly the first
        scores = rng.uniform(0.3, 0.6, n)
        scores[0] = 0.95
        scores[1] = 0.9
        if n > 2:
            boxes[2] = [0, 6, 10, 18]
            scores[2] = 0.7  # better than the second, once that has lost: the ranks must be made anew
        yield boxes, scores, 0.4


def _soft(boxes, scores, sigma, *, decay=None, rerank=True, limit=None):
    iou, scores, left = _overlaps(boxes), scores.copy(), list(range(len(scores)))
    ranks = [int(i) for i in np.argsort(-scores, kind="stable")]
    decay = decay or (lambda value: np.exp(-(value**2) / sigma))
    while left:
        best = max(left, key=lambda i: scores[i]) if rerank else next(i for i in ranks if i in left)
        left.remove(best)
        for i in left:
            scores[i] *= decay(iou[best, i]) if limit is None or iou[best, i] > limit else 1.0
    return scores


@exercise("Return the scores after soft-NMS, in the order of the boxes.", _soft_cases)
def soft_nms(boxes, scores, sigma):
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    inter = sides.clip(min=0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    iou = inter / (area[:, None] + area[None] - inter)
    scores, left = scores.copy(), np.ones(len(scores), bool)
    for _ in range(len(scores)):
        best = np.where(left, scores, -1).argmax()
        left[best] = False
        scores[left] *= np.exp(-(iou[best, left] ** 2) / sigma)
    return scores


@soft_nms.mistake("the IoU is squared before it is divided by sigma")
def _(boxes, scores, sigma):
    return _soft(boxes, scores, sigma, decay=lambda value: np.exp(-value / sigma))


@soft_nms.mistake("divide by sigma itself, not by its square or twice its square")
def _(boxes, scores, sigma):
    return _soft(boxes, scores, sigma, decay=lambda value: np.exp(-(value**2) / (2 * sigma**2)))


@soft_nms.mistake("that is the linear variant, 1 - IoU; here the decay is exp(-IoU² / sigma)")
def _(boxes, scores, sigma):
    return _soft(boxes, scores, sigma, decay=lambda value: 1 - value)


@soft_nms.mistake("after each round the ranks are made anew: the next best is the best of the *decayed* scores")
def _(boxes, scores, sigma):
    return _soft(boxes, scores, sigma, rerank=False)


@soft_nms.mistake("a box that has been taken keeps its score: only those that are left decay")
def _(boxes, scores, sigma):
    iou = _overlaps(boxes) - np.eye(len(boxes))
    return scores * np.exp(-(iou**2) / sigma).prod(axis=1)


@soft_nms.mistake("a box does not overlap itself: the best one keeps its score")
def _(boxes, scores, sigma):
    new = _soft(boxes, scores, sigma)
    return new * np.exp(-1 / sigma)


@soft_nms.mistake("nothing is dropped: scores fall and stay in the list")
def _(boxes, scores, sigma):
    iou, scores, left = _overlaps(boxes), scores.copy(), np.ones(len(scores), bool)
    while left.any():
        best = np.where(left, scores, -1).argmax()
        drop = left & (iou[best] > 0.5)
        scores[drop & (np.arange(len(scores)) != best)] = 0
        left &= ~drop
        left[best] = False
    return scores


@soft_nms.mistake("the decays multiply: start from the score as it now is, not from the first one")
def _(boxes, scores, sigma):
    iou, now, left = _overlaps(boxes), scores.copy(), np.ones(len(scores), bool)
    for _ in range(len(scores)):
        best = np.where(left, now, -1).argmax()
        left[best] = False
        now[left] = scores[left] * np.exp(-(iou[best, left] ** 2) / sigma)
    return now


@soft_nms.mistake("divide by sigma, not by twice sigma: this is no Gaussian density")
def _(boxes, scores, sigma):
    return _soft(boxes, scores, sigma, decay=lambda value: np.exp(-(value**2) / (2 * sigma)))


@soft_nms.mistake("divide by sigma, not by its square")
def _(boxes, scores, sigma):
    return _soft(boxes, scores, sigma, decay=lambda value: np.exp(-(value**2) / sigma**2))


@soft_nms.mistake("right, sorted by score; return them in the order in which the boxes came")
def _(boxes, scores, sigma):
    return np.sort(_soft(boxes, scores, sigma))[::-1]


@soft_nms.mistake("the decay multiplies the score; you have subtracted")
def _(boxes, scores, sigma):
    iou, scores, left = _overlaps(boxes), scores.copy(), np.ones(len(scores), bool)
    for _ in range(len(scores)):
        best = np.where(left, scores, -1).argmax()
        left[best] = False
        scores[left] -= 1 - np.exp(-(iou[best, left] ** 2) / sigma)
    return scores


def _eleven_cases(rng):
    yield np.array([1.0, 0, 1, 0, 1]), 4
    yield np.array([0.0, 1, 0, 1, 1, 0, 1]), 5
    yield np.array([1.0, 0, 1, 0, 1, 0]), 3  # every object found: a recall of 1 is reached
    yield np.array([0.0, 1, 1, 0, 1, 0, 1, 1, 0, 1]), 10
    n = int(rng.integers(7, 10))
    flags = np.array([0.0, 1, 0, 1, 1, 1, 0, 1, 0])
    yield flags, n


def _eleven(flags, n, points=None, *, envelope=True, strict=False, reached=False, total=None):
    if total is None:
        total = n
    true = np.cumsum(flags)
    precision, recall = true / np.arange(1, len(flags) + 1), true / total
    values = []
    for r in np.linspace(0, 1, 11) if points is None else points:
        beyond = np.flatnonzero(recall > r + 1e-9) if strict else np.flatnonzero(recall >= r - 1e-9)
        if len(beyond):
            values.append(precision[beyond].max() if envelope else precision[beyond[0]])
        elif not reached:
            values.append(0.0)
    return float(np.mean(values)) if values else 0.0


@exercise("Return the 11-point average precision.", _eleven_cases)
def eleven_point_ap(flags, n):
    true = np.cumsum(flags)
    precision, recall = true / np.arange(1, len(flags) + 1), true / n
    values = [precision[recall >= r - 1e-9].max(initial=0.0) for r in np.linspace(0, 1, 11)]
    return float(np.mean(values))


@eleven_point_ap.mistake("at each recall take the best precision there *or beyond*, not the precision just there")
def _(flags, n):
    return _eleven(flags, n, envelope=False)


@eleven_point_ap.mistake("eleven recalls from 0 to 1: divide the sum by eleven, not by ten")
def _(flags, n):
    return _eleven(flags, n) * 1.1


@eleven_point_ap.mistake("3 / 10 and 0.3 may differ in the last digit: compare recall with r less 1e-9")
def _(flags, n):
    true = np.cumsum(flags)
    precision, recall = true / np.arange(1, len(flags) + 1), true / n
    return float(np.mean([precision[recall >= r].max(initial=0.0) for r in np.linspace(0, 1, 11)]))


@eleven_point_ap.mistake("eleven points; 101 is COCO's number")
def _(flags, n):
    return _eleven(flags, n, np.linspace(0, 1, 101))


@eleven_point_ap.mistake("the best precision at a recall of at least r, not of at most r")
def _(flags, n):
    true = np.cumsum(flags)
    precision, recall = true / np.arange(1, len(flags) + 1), true / n
    return float(np.mean([precision[recall <= r + 1e-9].max(initial=0.0) for r in np.linspace(0, 1, 11)]))


@eleven_point_ap.mistake("0, 0.1, …, 1 are eleven recalls; 0 is one of them")
def _(flags, n):
    return _eleven(flags, n, np.linspace(0.1, 1, 10))


@eleven_point_ap.mistake("0, 0.1, …, 1 are eleven recalls; 1 is one of them")
def _(flags, n):
    return _eleven(flags, n, np.linspace(0, 0.9, 10))


@eleven_point_ap.mistake("a recall that is never reached counts 0: the mean is over all eleven")
def _(flags, n):
    return _eleven(flags, n, reached=True)


@eleven_point_ap.mistake("a recall of exactly r is enough: at least r, not more than r")
def _(flags, n):
    return _eleven(flags, n, strict=True)


@eleven_point_ap.mistake("recall is the share of all n objects, not of those that were found")
def _(flags, n):
    return _eleven(flags, n, total=flags.sum())


@eleven_point_ap.mistake("that is the area under the envelope; here it is read at eleven recalls")
def _(flags, n):
    true = np.cumsum(flags)
    precision = true / np.arange(1, len(flags) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((envelope * flags).sum() / n)


@eleven_point_ap.mistake("precision is the share of true ones among the first k, not among all detections")
def _(flags, n):
    true = np.cumsum(flags)
    precision, recall = true / len(flags), true / n
    return float(np.mean([precision[recall >= r - 1e-9].max(initial=0.0) for r in np.linspace(0, 1, 11)]))
