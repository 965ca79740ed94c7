"""Exercises of 2.2, Convolution and CNN: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _same_padding_cases(rng):
    yield 8, 3, 2, 1
    yield 11, 3, 2, 1  # 11 / 2 is no whole number
    yield 5, 4, 1, 1
    yield 28, 5, 1, 2
    yield 8, 2, 4, 1  # the windows leave a gap, and there is nothing to pad
    for _ in range(6):
        yield tuple(int(v) for v in (rng.integers(9, 40), rng.integers(2, 7), rng.integers(1, 4), rng.integers(1, 4)))


@exercise(
    'Return (before, after), the zeros that padding "same" adds on the two sides of n pixels.',
    _same_padding_cases,
)
def same_padding(n, kernel, stride, dilation):
    outputs = -(-n // stride)  # rounded up
    total = max(0, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - n)
    return total // 2, total - total // 2


@same_padding.mistake("if the number is odd, the larger half goes after the pixels, not before")
def _(n, kernel, stride, dilation):
    before, after = same_padding(n, kernel, stride, dilation)
    return after, before


@same_padding.mistake("the dilation is missing: a dilated kernel reaches over dilation * (kernel - 1) + 1 pixels")
def _(n, kernel, stride, dilation):
    return same_padding(n, kernel, stride, 1)


@same_padding.mistake("right for stride 1 only: with a stride, the last window stands at (outputs - 1) * stride")
def _(n, kernel, stride, dilation):
    return same_padding(n, kernel, 1, dilation)


@same_padding.mistake("a negative number of zeros: where the windows leave a gap, nothing is padded")
def _(n, kernel, stride, dilation):
    total = (-(-n // stride) - 1) * stride + dilation * (kernel - 1) + 1 - n
    return total // 2, total - total // 2


@same_padding.mistake("the number of outputs is n / stride rounded up, not down")
def _(n, kernel, stride, dilation):
    total = max(0, (n // stride - 1) * stride + dilation * (kernel - 1) + 1 - n)
    return total // 2, total - total // 2


@same_padding.mistake("that is PyTorch's symmetric padding; here the two sides may differ, and less may be enough")
def _(n, kernel, stride, dilation):
    return (dilation * (kernel - 1) // 2,) * 2


def _receptive_interval_cases(rng):
    yield 0, [(3, 2, int(rng.integers(1, 5)), 2)]
    yield int(rng.integers(1, 5)), [(3, 1, 1, 1), (2, 2, 0, 1)]
    for depth in (2, 3, 4):
        layers = [
            (int(rng.integers(2, 6)), int(rng.integers(2, 4)), int(rng.integers(1, 3)), int(rng.integers(2, 4)))
            for _ in range(depth)
        ]
        yield int(rng.integers(1, 6)), [(5, 1, 0, 1), *layers, (3, 2, 1, 1)]


@exercise(
    "Return (first, last), the input pixels that the unit at this position of the top layer reads.",
    _receptive_interval_cases,
)
def receptive_interval(position, layers):
    first = last = position
    for kernel, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (kernel - 1)
    return first, last


@receptive_interval.mistake(
    "start with the top layer, whose unit you are given, and work down to the input: reversed(layers)"
)
def _(position, layers):
    return receptive_interval(position, layers[::-1])


@receptive_interval.mistake("the padding is missing: output 0 begins at pixel -padding, in the zeros")
def _(position, layers):
    return receptive_interval(position, [(k, s, 0, d) for k, s, _, d in layers])


@receptive_interval.mistake(
    "the dilation is missing: the last entry of a kernel lies dilation * (kernel - 1) after the first"
)
def _(position, layers):
    return receptive_interval(position, [(k, s, p, 1) for k, s, p, _ in layers])


@receptive_interval.mistake("one too far: a kernel of k entries reaches k - 1 steps beyond its first")
def _(position, layers):
    return receptive_interval(position, [(k + 1, s, p, d) for k, s, p, d in layers])


@receptive_interval.mistake("the stride is missing: neighbouring outputs begin `stride` pixels apart")
def _(position, layers):
    return receptive_interval(position, [(k, 1, p, d) for k, _, p, d in layers])


@receptive_interval.mistake("pixels outside the picture are wanted as they are; do not cut the interval off at 0")
def _(position, layers):
    first, last = receptive_interval(position, layers)
    return max(0, first), max(0, last)


def _conv1d_backward_cases(rng):
    for n, k, stride in ((6, 3, 2), (5, 2, 1), (11, 4, 3), (12, 3, 2)):
        yield rng.standard_normal(n), rng.standard_normal(k), rng.standard_normal((n - k) // stride + 1), stride


@exercise(
    "Return the gradients (dx, dw) of z[p] = sum over u of w[u] * x[stride * p + u], given dz.",
    _conv1d_backward_cases,
)
def conv1d_backward(x, w, dz, stride):
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for p in range(len(dz)):
        window = slice(stride * p, stride * p + len(w))
        dx[window] += dz[p] * w  # each window adds to the pixels that it read
        dw += dz[p] * x[window]  # and each weight collects from every window
    return dx, dw


@conv1d_backward.mistake("dw is right; in dx, windows that overlap must add up: use += where you assign")
def _(x, w, dz, stride):
    dx, dw = np.zeros(x.shape), conv1d_backward(x, w, dz, stride)[1]
    for p in range(len(dz)):
        dx[stride * p : stride * p + len(w)] = dz[p] * w
    return dx, dw


@conv1d_backward.mistake("dx is right; dw must sum over all places where the weights were used, not keep the last")
def _(x, w, dz, stride):
    return conv1d_backward(x, w, dz, stride)[0], dz[-1] * x[stride * (len(dz) - 1) :][: len(w)]


@conv1d_backward.mistake("dw is right; in dx the kernel is the wrong way round: pixel stride * p + u gets dz[p] * w[u]")
def _(x, w, dz, stride):
    return conv1d_backward(x, w[::-1], dz, stride)[0], conv1d_backward(x, w, dz, stride)[1]


@conv1d_backward.mistake("right for stride 1 only: output p read the pixels from stride * p on")
def _(x, w, dz, stride):
    return conv1d_backward(x, w, dz, 1)


@conv1d_backward.mistake(
    "right for stride 1 only: np.convolve and np.correlate move by one; put stride - 1 zeros between the entries of dz"
)
def _(x, w, dz, stride):
    return np.convolve(dz, w), np.correlate(x, dz, "valid")


@conv1d_backward.mistake("dx is right; in dw the stride is missing: output p read the pixels from stride * p on")
def _(x, w, dz, stride):
    return conv1d_backward(x, w, dz, stride)[0], conv1d_backward(x, w, dz, 1)[1]


@conv1d_backward.mistake("dw is right; in dx the stride is missing: output p read the pixels from stride * p on")
def _(x, w, dz, stride):
    return conv1d_backward(x, w, dz, 1)[0], conv1d_backward(x, w, dz, stride)[1]


@conv1d_backward.mistake("both are right, in the wrong order: return (dx, dw)")
def _(x, w, dz, stride):
    return conv1d_backward(x, w, dz, stride)[::-1]


@conv1d_backward.mistake("dx is right; dw is a sum over the places, as in the formula, not a mean")
def _(x, w, dz, stride):
    dx, dw = conv1d_backward(x, w, dz, stride)
    return dx, dw / len(dz)


def _fold_batch_norm_cases(rng):
    for o in (2, 3, 4):  # all four sizes equal: then (o,) on a wrong axis is a wrong answer with a hint, not an error
        small = [rng.uniform(0.5, 2.0, o) * rng.choice([-1, 1], o) for _ in range(4)]  # b, gamma, beta, mean
        yield rng.standard_normal((o, o, o, o)), *small, rng.uniform(0.5, 2.0, o) ** 2 + 1, 0.3


@exercise(
    "Return (W, b) of the one convolution that equals a convolution followed by batch norm in evaluation.",
    _fold_batch_norm_cases,
)
def fold_batch_norm(W, b, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    return W * scale[:, None, None, None], (b - mean) * scale + beta


@fold_batch_norm.mistake("W is right; the old bias passes through the batch norm too, so it is scaled like the rest")
def _(W, b, gamma, beta, mean, variance, epsilon):
    W, folded = fold_batch_norm(W, b, gamma, beta, mean, variance, epsilon)
    scale = gamma / np.sqrt(variance + epsilon)
    return W, b - mean * scale + beta


@fold_batch_norm.mistake(
    "b is right; the scale stands on W's last axis: it belongs to the first, the outputs, scale[:, None, None, None]"
)
def _(W, b, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    return W * scale, fold_batch_norm(W, b, gamma, beta, mean, variance, epsilon)[1]


@fold_batch_norm.mistake(
    "b is right; the scale stands on W's input channels: one None more, and it is (o, 1, 1, 1), on the outputs"
)
def _(W, b, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    return W * scale[:, None, None], fold_batch_norm(W, b, gamma, beta, mean, variance, epsilon)[1]


@fold_batch_norm.mistake("W is right; in b the mean is missing: batch norm subtracts it")
def _(W, b, gamma, beta, mean, variance, epsilon):
    return fold_batch_norm(W, b, gamma, beta, 0 * mean, variance, epsilon)


@fold_batch_norm.mistake("W is right; in b the offset beta is missing")
def _(W, b, gamma, beta, mean, variance, epsilon):
    return fold_batch_norm(W, b, gamma, 0 * beta, mean, variance, epsilon)


@fold_batch_norm.mistake("divide by the standard deviation, the root of variance + epsilon, not by the variance")
def _(W, b, gamma, beta, mean, variance, epsilon):
    scale = gamma / (variance + epsilon)
    return W * scale[:, None, None, None], (b - mean) * scale + beta


@fold_batch_norm.mistake("epsilon is missing: it is added to the variance, under the root")
def _(W, b, gamma, beta, mean, variance, epsilon):
    return fold_batch_norm(W, b, gamma, beta, mean, variance, 0.0)


@fold_batch_norm.mistake("epsilon belongs under the root, added to the variance, not to the standard deviation")
def _(W, b, gamma, beta, mean, variance, epsilon):
    scale = gamma / (np.sqrt(variance) + epsilon)
    return W * scale[:, None, None, None], (b - mean) * scale + beta
