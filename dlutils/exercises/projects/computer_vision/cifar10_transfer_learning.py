"""Exercises of 4.1.3, CIFAR-10 by transfer learning: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _separable_cases(rng):
    for kernel in (3, 5, 3):
        yield (*(int(n) for n in rng.choice(np.arange(4, 20), 2, replace=False)), int(rng.integers(21, 40)),
               int(rng.integers(41, 60)), kernel)  # fmt: skip


@exercise(
    "Return the multiplications of a depthwise separable and of an ordinary convolution, as a pair.",
    _separable_cases,
)
def depthwise_separable_cost(height, width, channels, filters, kernel):
    positions = height * width
    return positions * channels * (kernel**2 + filters), positions * channels * filters * kernel**2


@depthwise_separable_cost.mistake("these are the weights; each is used at every one of the height x width positions")
def _(height, width, channels, filters, kernel):
    return channels * (kernel**2 + filters), channels * filters * kernel**2


@depthwise_separable_cost.mistake("only the depthwise part is counted; the 1 x 1 convolution that mixes is missing")
def _(height, width, channels, filters, kernel):
    return height * width * channels * kernel**2, height * width * channels * filters * kernel**2


@depthwise_separable_cost.mistake("the two parts come one after the other: add their costs, do not multiply them")
def _(height, width, channels, filters, kernel):
    ordinary = height * width * channels * filters * kernel**2
    return height * width * channels * kernel**2 * height * width * channels * filters, ordinary


@depthwise_separable_cost.mistake("a kernel has kernel x kernel entries, not kernel")
def _(height, width, channels, filters, kernel):
    return height * width * channels * (kernel + filters), height * width * channels * filters * kernel


@depthwise_separable_cost.mistake("the depthwise filters act on the input's channels, not on the output's")
def _(height, width, channels, filters, kernel):
    positions = height * width
    return positions * filters * (kernel**2 + channels), positions * channels * filters * kernel**2


@depthwise_separable_cost.mistake("right, in the wrong order: the separable one first")
def _(height, width, channels, filters, kernel):
    return depthwise_separable_cost(height, width, channels, filters, kernel)[::-1]


@depthwise_separable_cost.mistake("a multiplication and an addition count as one here: you have counted two for each")
def _(height, width, channels, filters, kernel):
    separable, ordinary = depthwise_separable_cost(height, width, channels, filters, kernel)
    return 2 * separable, 2 * ordinary


@depthwise_separable_cost.mistake("the second convolution is 1 x 1: no kernel x kernel in its part")
def _(height, width, channels, filters, kernel):
    ordinary = height * width * channels * filters * kernel**2
    return height * width * channels * kernel**2 * (1 + filters), ordinary


@depthwise_separable_cost.mistake(
    "height and width are the output's: the kernel has nothing more to take off its edges"
)
def _(height, width, channels, filters, kernel):
    return depthwise_separable_cost(height - kernel + 1, width - kernel + 1, channels, filters, kernel)


def _cam_cases(rng):
    for channels, height, width in ((2, 2, 2), (3, 4, 3), (5, 3, 4)):
        while True:  # until each mistake shows: some places negative, and no shortcut gives the same map
            A = rng.standard_normal((channels, height, width))
            G = rng.standard_normal((channels, height, width)) + rng.uniform(0.5, 1, (channels, 1, 1))
            unseen = (_unguarded, _divided_first, _uncut, _uncut_guarded, _uncut_returned, _stretched)  # two last cases
            wrong = [wrong.function for wrong in grad_cam_map.wrong if wrong.function not in unseen]
            maps = [grad_cam_map.reference(A, G), *(function(A, G) for function in wrong)]
            gaps = [np.abs(a - b).max() for i, a in enumerate(maps) for b in maps[:i]]
            if min(gaps) > 1e-3 and np.tensordot(G.mean(axis=(1, 2)), A, axes=1).max() > 0.1:
                break
        yield A, G
    yield rng.uniform(0.5, 1.5, (3, 2, 3)), rng.uniform(0.5, 1, (3, 2, 3))  # every place speaks for the class
    A = np.array([[[4.0, 3], [2, 3]], [[3, 4], [4, 3]]]) * rng.uniform(0.9, 1, (2, 2, 2))
    G = np.array([[[5.0, -1], [-1, -1]], [[-2, -2], [-2, -2]]]) * rng.uniform(0.9, 1, (2, 2, 2))
    yield A, G  # nothing speaks for the class


@exercise("Return the Grad-CAM map (height, width), its maximum scaled to 1.", _cam_cases, tolerance=1e-6)
def grad_cam_map(activations, gradients):
    alpha = gradients.mean(axis=(1, 2))
    cam = np.maximum(0, np.tensordot(alpha, activations, axes=1))
    return cam / cam.max() if cam.max() > 0 else cam


@grad_cam_map.mistake("the maps are weighted by their mean gradient, one number a channel, not place by place")
def _(activations, gradients):
    cam = np.maximum(0, (activations * gradients).sum(axis=0))
    return cam / max(cam.max(), 1e-12)


@grad_cam_map.mistake("the cut at zero is missing: places that speak against the class are not shown")
def _(activations, gradients):
    cam = np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1)
    return cam / np.abs(cam.max())


@grad_cam_map.mistake("cut at zero first: you divide by a maximum that is negative where no place speaks for the class")
def _uncut(activations, gradients):
    cam = np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1)
    return cam / cam.max()


@grad_cam_map.mistake(
    "the zeros where nothing is positive are right; elsewhere the negative places must be cut at zero, too"
)
def _uncut_guarded(activations, gradients):
    cam = np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1)
    return cam / cam.max() if cam.max() > 0 else np.zeros_like(cam)


@grad_cam_map.mistake("the guard is right, the cut is missing: a map has no negative places, divided or not")
def _uncut_returned(activations, gradients):
    cam = np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1)
    return cam / cam.max() if cam.max() > 0 else cam


@grad_cam_map.mistake("divide by the maximum only: with the minimum subtracted, the weakest place looks like none")
def _stretched(activations, gradients):
    cam = np.maximum(0, np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1))
    return (cam - cam.min()) / max(cam.max() - cam.min(), 1e-12)


@grad_cam_map.mistake("cut at zero once, after the sum over channels; each channel may count against the class")
def _(activations, gradients):
    cam = np.maximum(0, gradients.mean(axis=(1, 2))[:, None, None] * activations).sum(axis=0)
    return cam / max(cam.max(), 1e-12)


@grad_cam_map.mistake("that is right up to its scale: divide by the maximum")
def _(activations, gradients):
    return np.maximum(0, np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1))


@grad_cam_map.mistake(
    "right, but where no place speaks for the class the maximum is zero: return the zeros as they are"
)
def _unguarded(activations, gradients):
    cam = np.maximum(0, np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1))
    return cam / cam.max()


@grad_cam_map.mistake(
    "cut at zero before you divide: where no place speaks for the class the maximum is negative and turns the signs"
)
def _divided_first(activations, gradients):
    cam = np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1)
    return np.maximum(0, cam / cam.max())


@grad_cam_map.mistake("the gradients say how much a map matters, the activations where: you have swapped them")
def _(activations, gradients):
    cam = np.maximum(0, np.tensordot(activations.mean(axis=(1, 2)), gradients, axes=1))
    return cam / max(cam.max(), 1e-12)


def _ece_cases(rng):
    for bins in (4, 5, 10):
        confidence, correct = [1.0], [0.0]
        filled = [*([0] if bins == 5 else []), *range(bins // 2, bins)]  # other low bins stay empty
        for b in filled:
            n = int(rng.integers(5, 8))
            right = n - 1 if (b + 1) / bins <= 0.8 else 1  # gaps of both signs, and no bin all right or all wrong
            if b == bins - 1:
                right = n  # only the confidence of exactly 1 is wrong: in a bin of its own it would show
            confidence += list((b + rng.uniform(0.1, 0.9, n)) / bins)
            correct += [1.0] * right + [0.0] * (n - right)
        order = rng.permutation(len(confidence))
        yield np.array(confidence)[order], np.array(correct)[order], bins


@exercise("Return the expected calibration error with equal bins of [0, 1].", _ece_cases)
def expected_calibration_error(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = index == b
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return float(error)


@expected_calibration_error.mistake("weigh each bin by its share of the answers, not all bins alike")
def _(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(correct[index == b].mean() - confidence[index == b].mean()) for b in np.unique(index)]
    return float(np.mean(gaps))


@expected_calibration_error.mistake("gaps above and below the line cancel: take the absolute value in each bin")
def _(confidence, correct, bins):
    return float(abs((correct - confidence).mean()))


@expected_calibration_error.mistake("compare means within a bin; the gap of each single answer is no calibration error")
def _(confidence, correct, bins):
    return float(np.abs(correct - confidence).mean())


@expected_calibration_error.mistake("the gaps are not squared: this error is a weighted mean of absolute gaps")
def _(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    groups = [index == b for b in np.unique(index)]
    return float(sum(g.mean() * (correct[g].mean() - confidence[g].mean()) ** 2 for g in groups))


@expected_calibration_error.mistake("use the mean confidence of the answers in the bin, not the middle of the bin")
def _(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [(index == b).mean() * abs(correct[index == b].mean() - (b + 0.5) / bins) for b in np.unique(index)]
    return float(sum(gaps))


@expected_calibration_error.mistake("a confidence of exactly 1 fell out of the last bin")
def _(confidence, correct, bins):
    index = (confidence * bins).astype(int)
    groups = [index == b for b in range(bins) if (index == b).any()]
    return float(sum(g.mean() * abs(correct[g].mean() - confidence[g].mean()) for g in groups))


@expected_calibration_error.mistake("a confidence of exactly 1 is in a bin of its own: it belongs in the last one")
def _(confidence, correct, bins):
    index = (confidence * bins).astype(int)
    groups = [index == b for b in np.unique(index)]
    return float(sum(g.mean() * abs(correct[g].mean() - confidence[g].mean()) for g in groups))


@expected_calibration_error.mistake("the first bin is missing: the bins count from 0")
def _(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    groups = [index == b for b in np.unique(index) if b > 0]
    return float(sum(g.mean() * abs(correct[g].mean() - confidence[g].mean()) for g in groups))


@expected_calibration_error.mistake("the mean of an empty bin is nan: skip the bins without answers")
def _(confidence, correct, bins):
    return float("nan")


@expected_calibration_error.mistake(
    "you divide by the number of all bins: weigh each by its share of the answers instead"
)
def _(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(correct[index == b].mean() - confidence[index == b].mean()) for b in np.unique(index)]
    return float(sum(gaps) / bins)
