"""Exercises of 3.6, Style transfer: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _guided_cases(rng):
    for channels, places in ((2, 3), (3, 7), (4, 5)):
        mask = rng.uniform(0, 1, places)
        mask[rng.integers(places)] = 0
        yield rng.standard_normal((channels, places)), mask


@exercise(
    "Return the Gram matrix (channels, channels) of features F (channels, places) in which place n counts with the "
    "weight mask[n] of mask (places,), from 0 to 1: a weighted mean over the places.",
    _guided_cases,
)
def guided_gram(F, mask):
    return (F * mask) @ F.T / mask.sum()


@guided_gram.mistake("that divides by the number of places; a weighted mean divides by the sum of the weights")
def _(F, mask):
    return (F * mask) @ F.T / F.shape[1]


@guided_gram.mistake("each weight counts twice: weight the product of the two features once, not both features")
def _(F, mask):
    return (F * mask) @ (F * mask).T / mask.sum()


@guided_gram.mistake(
    "the squared weights are a weighted mean too, but of the weights mask²: place n shall count mask[n]"
)
def _(F, mask):
    return (F * mask) @ (F * mask).T / (mask**2).sum()


@guided_gram.mistake(
    "that is the weighted sum; divide by the sum of the weights, so that a large mask is not a strong one"
)
def _(F, mask):
    return (F * mask) @ F.T


@guided_gram.mistake("divided by the channels too: the mean runs over the places only")
def _(F, mask):
    return (F * mask) @ F.T / mask.sum() / F.shape[0]


@guided_gram.mistake("the mean was subtracted: that is a covariance; a Gram matrix is not centred")
def _(F, mask):
    centred = F - (F * mask).sum(axis=1, keepdims=True) / mask.sum()
    return (centred * mask) @ centred.T / mask.sum()


@guided_gram.mistake("places with a small weight still count: the mask was cut to 0 and 1, but it is a weight")
def _(F, mask):
    mask = (mask > 0).astype(float)
    return (F * mask) @ F.T / mask.sum()


@guided_gram.mistake(
    "that is places by places; a Gram matrix here is channels by channels: the sum runs over the places"
)
def _(F, mask):
    return (F * mask).T @ F / mask.sum()


def _unbiased_cases(rng):
    for d, n, m in ((2, 3, 4), (3, 6, 4), (1, 5, 2)):
        yield rng.standard_normal((n, d)) + 0.5, rng.standard_normal((m, d)) * rng.uniform(0.5, 2)
    X = rng.standard_normal((4, 3))
    yield X, X[::-1].copy()  # the same draws twice: the estimate is below zero


@exercise(
    "Return the estimate of MMD² with the kernel k(x, y) = (x·y)² that is right on average: X (n, d) and Y (m, d) hold "
    "independent draws, and no draw is compared with itself.",
    _unbiased_cases,
)
def mmd_unbiased(X, Y):
    n, m = len(X), len(Y)
    XX, YY, XY = (X @ X.T) ** 2, (Y @ Y.T) ** 2, (X @ Y.T) ** 2
    return (XX.sum() - np.trace(XX)) / (n * (n - 1)) + (YY.sum() - np.trace(YY)) / (m * (m - 1)) - 2 * XY.mean()


@mmd_unbiased.mistake("each draw was compared with itself too: that is the Gram loss, which is too large on average")
def _(X, Y):
    return ((X @ X.T) ** 2).mean() + ((Y @ Y.T) ** 2).mean() - 2 * ((X @ Y.T) ** 2).mean()


@mmd_unbiased.mistake("the diagonal is left out of the sum, but the mean is still over n² pairs; n(n - 1) are left")
def _(X, Y):
    XX, YY = (X @ X.T) ** 2, (Y @ Y.T) ** 2
    np.fill_diagonal(XX, 0)
    np.fill_diagonal(YY, 0)
    return XX.mean() + YY.mean() - 2 * ((X @ Y.T) ** 2).mean()


@mmd_unbiased.mistake("divided by n(n - 1), but the n pairs of a draw with itself are still in the sum")
def _(X, Y):
    n, m = len(X), len(Y)
    XX, YY, XY = (X @ X.T) ** 2, (Y @ Y.T) ** 2, (X @ Y.T) ** 2
    return XX.sum() / (n * (n - 1)) + YY.sum() / (m * (m - 1)) - 2 * XY.mean()


@mmd_unbiased.mistake("above the diagonal there are n(n - 1)/2 pairs, half as many: divide by that")
def _(X, Y):
    n, m = len(X), len(Y)
    XX, YY, XY = np.triu((X @ X.T) ** 2, 1), np.triu((Y @ Y.T) ** 2, 1), (X @ Y.T) ** 2
    return XX.sum() / (n * (n - 1)) + YY.sum() / (m * (m - 1)) - 2 * XY.mean()


@mmd_unbiased.mistake("Y too is compared with itself: leave out both diagonals")
def _(X, Y):
    m, YY = len(Y), (Y @ Y.T) ** 2
    return mmd_unbiased(X, Y) + YY.mean() - (YY.sum() - np.trace(YY)) / (m * (m - 1))


@mmd_unbiased.mistake("the mixed term counts twice: ‖a - b‖² = ‖a‖² + ‖b‖² - 2 a·b")
def _(X, Y):
    return mmd_unbiased(X, Y) + ((X @ Y.T) ** 2).mean()


@mmd_unbiased.mistake("the kernel is the square of the product x·y; without the square only the means are compared")
def _(X, Y):
    n, m = len(X), len(Y)
    XX, YY = X @ X.T, Y @ Y.T
    inside = (XX.sum() - np.trace(XX)) / (n * (n - 1)) + (YY.sum() - np.trace(YY)) / (m * (m - 1))
    return inside - 2 * (X @ Y.T).mean()


@mmd_unbiased.mistake("a draw of X and a draw of Y are never the same draw: keep all n·m pairs in the mixed term")
def _(X, Y):
    n, m = len(X), len(Y)
    XY = (X @ Y.T) ** 2
    short = min(n, m)
    left = (XY.sum() - np.trace(XY)) / (n * m - short)
    return mmd_unbiased(X, Y) + 2 * XY.mean() - 2 * left


@mmd_unbiased.mistake("that is its square root, if anything: MMD² may be negative when it is right on average")
def _(X, Y):
    return np.sqrt(np.abs(mmd_unbiased(X, Y)))


@mmd_unbiased.mistake("an estimate that is right on average must be allowed to be negative: do not cut it at zero")
def _(X, Y):
    return max(mmd_unbiased(X, Y), 0.0)


def _colour_cases(rng):
    for height, width in ((2, 3), (4, 2), (3, 3)):
        yield rng.uniform(0.2, 0.8, (height, width, 3)), rng.uniform(0.2, 0.8, (height, width, 3))
    bright, coloured = np.full((2, 2, 3), 0.95), rng.uniform(0.2, 0.8, (2, 2, 3))
    coloured[..., 0] += 0.2
    yield bright, coloured  # red leaves 0 … 1


_LUMA = np.array([0.299, 0.587, 0.114])


@exercise(
    "Return the picture (height, width, 3) with the luminance Y = 0.299 R + 0.587 G + 0.114 B of `stylised` and the "
    "colour differences R - Y, G - Y and B - Y of `content`; all pictures RGB, nothing is clipped.",
    _colour_cases,
)
def keep_colours(stylised, content):
    change = (stylised - content) @ _LUMA
    return content + change[..., None]


@keep_colours.mistake(
    "the roles are swapped: the luminance comes from the stylised picture, the colours from the content"
)
def _(stylised, content):
    return keep_colours(content, stylised)


@keep_colours.mistake("that luminance is the plain mean of the channels; the eye weighs them 0.299, 0.587, 0.114")
def _(stylised, content):
    return content + (stylised - content).mean(axis=-1, keepdims=True)


@keep_colours.mistake("that is the stylised picture in grey: add the content's colour differences to it")
def _(stylised, content):
    return np.repeat((stylised @ _LUMA)[..., None], 3, axis=-1)


@keep_colours.mistake("scaling by the ratio of luminances changes the colour differences; add the difference instead")
def _(stylised, content):
    return content * ((stylised @ _LUMA) / (content @ _LUMA))[..., None]


@keep_colours.mistake("the weights are in the order blue, green, red; these pictures are RGB")
def _(stylised, content):
    return content + ((stylised - content) @ _LUMA[::-1])[..., None]


@keep_colours.mistake("the content's luminance is still in there: subtract it before you add the stylised one")
def _(stylised, content):
    return content + (stylised @ _LUMA)[..., None]


@keep_colours.mistake("the result was cut to 0 … 1: nothing is clipped here, or the luminance is no longer right")
def _(stylised, content):
    return np.clip(keep_colours(stylised, content), 0, 1)


@keep_colours.mistake("the stylised picture keeps its own colours there: start from the content's")
def _(stylised, content):
    return stylised + ((stylised - content) @ _LUMA)[..., None]


@keep_colours.mistake("the sign: add the stylised luminance and take the content's away, not the reverse")
def _(stylised, content):
    return content - ((stylised - content) @ _LUMA)[..., None]


@keep_colours.mistake("that replaces the channel means only: the luminance of every single pixel comes from `stylised`")
def _(stylised, content):
    return content + ((stylised - content) @ _LUMA).mean()


def _smooth_cases(rng):
    for height, width in ((2, 3), (4, 5), (3, 2)):
        yield (rng.uniform(0, 1, (height, width)),)


@exercise(
    "Return the gradient (height, width) of V(x) = ½ Σ (x[i+1, j] - x[i, j])² + ½ Σ (x[i, j+1] - x[i, j])² at a "
    "picture x (height, width), without a framework: the sums run over the neighbours inside the picture.",
    _smooth_cases,
)
def smoothness_gradient(x):
    gradient = np.zeros_like(x)
    down, right = np.diff(x, axis=0), np.diff(x, axis=1)
    gradient[1:] += down
    gradient[:-1] -= down
    gradient[:, 1:] += right
    gradient[:, :-1] -= right
    return gradient


@smoothness_gradient.mistake("np.roll wraps round: the first row is no neighbour of the last")
def _(x):
    return 4 * x - sum(np.roll(x, shift, axis) for shift in (1, -1) for axis in (0, 1))


@smoothness_gradient.mistake(
    "outside the picture there is nothing, not zeros: a pixel on the border has fewer neighbours"
)
def _(x):
    padded = np.pad(x, 1)
    return 4 * x - padded[2:, 1:-1] - padded[:-2, 1:-1] - padded[1:-1, 2:] - padded[1:-1, :-2]


@smoothness_gradient.mistake("the sign: V falls when a pixel moves towards its neighbours, so the gradient points away")
def _(x):
    return -smoothness_gradient(x)


@smoothness_gradient.mistake("the ½ cancels the 2 of the square: your gradient is twice too large")
def _(x):
    return 2 * smoothness_gradient(x)


@smoothness_gradient.mistake(
    "each difference moves *two* pixels: with + the one that is subtracted from, with - the other"
)
def _(x):
    gradient = np.zeros_like(x)
    gradient[1:] += np.diff(x, axis=0)
    gradient[:, 1:] += np.diff(x, axis=1)
    return gradient


@smoothness_gradient.mistake("each difference moves two pixels: the other one, with the sign +, is missing")
def _(x):
    gradient = np.zeros_like(x)
    gradient[:-1] -= np.diff(x, axis=0)
    gradient[:, :-1] -= np.diff(x, axis=1)
    return gradient


@smoothness_gradient.mistake("only to the right: there are neighbours below as well")
def _(x):
    gradient = np.zeros_like(x)
    gradient[:, 1:] += np.diff(x, axis=1)
    gradient[:, :-1] -= np.diff(x, axis=1)
    return gradient


@smoothness_gradient.mistake("that is the gradient of a mean; V is half a sum")
def _(x):
    return smoothness_gradient(x) / x.size


@smoothness_gradient.mistake("only one direction: there are neighbours below and neighbours to the right")
def _(x):
    gradient = np.zeros_like(x)
    gradient[1:] += np.diff(x, axis=0)
    gradient[:-1] -= np.diff(x, axis=0)
    return gradient


@smoothness_gradient.mistake("that is the gradient of the *absolute* differences: here they are squared")
def _(x):
    gradient = np.zeros_like(x)
    down, right = np.sign(np.diff(x, axis=0)), np.sign(np.diff(x, axis=1))
    gradient[1:] += down
    gradient[:-1] -= down
    gradient[:, 1:] += right
    gradient[:, :-1] -= right
    return gradient
