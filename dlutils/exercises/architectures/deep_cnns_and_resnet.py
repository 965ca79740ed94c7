"""Exercises of 2.3, deep CNNs and ResNet: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import math

import numpy as np


def _count_conv_cases(rng):
    yield 4, 8, 3, 10, 1, 1, 1
    yield 6, 9, 3, 10, 2, 1, 3
    yield 8, 8, 5, 7, 2, 0, 8
    yield 16, 4, 1, 9, 2, 0, 1
    for _ in range(4):
        groups = int(rng.integers(1, 4))
        c_in, c_out = (groups * int(rng.integers(2, 6)) for _ in range(2))
        yield c_in, c_out, 3, int(rng.integers(8, 20)), int(rng.integers(1, 4)), int(rng.integers(0, 2)), groups


@exercise(
    "Return (parameters, multiply-adds) of a convolution without bias on a square picture of `size` pixels a side.",
    _count_conv_cases,
)
def count_conv(c_in, c_out, kernel, size, stride, padding, groups):
    parameters = c_out * (c_in // groups) * kernel**2
    out = (size + 2 * padding - kernel) // stride + 1
    return parameters, parameters * out**2


def _counted(c_in, c_out, kernel, size, stride, padding, groups, *, bias=0, both=None, side=None):
    """The reference with one thing exchanged."""
    parameters = c_out * (c_in // groups) * kernel**2 + bias * c_out
    out = (size + 2 * padding - kernel) // stride + 1 if side is None else side(size, kernel, stride, padding)
    return parameters, parameters * out**2 if both is None else both(parameters, out)


@count_conv.mistake("each kernel sees only the channels of its group: c_in / groups of them")
def _(c_in, c_out, kernel, size, stride, padding, groups):
    return _counted(c_in, c_out, kernel, size, stride, padding, 1)


@count_conv.mistake("divided by groups twice: the kernels are fewer channels deep, but there are still c_out of them")
def _(c_in, c_out, kernel, size, stride, padding, groups):
    parameters, adds = count_conv(c_in, c_out, kernel, size, stride, padding, groups)
    return parameters // groups, adds // groups


@count_conv.mistake("a kernel has kernel × kernel entries in every channel, not kernel")
def _(c_in, c_out, kernel, size, stride, padding, groups):
    parameters, adds = count_conv(c_in, c_out, kernel, size, stride, padding, groups)
    return parameters // kernel, adds // kernel


@count_conv.mistake("size / stride, rounded up, is right only where the padding keeps the size; here it may not")
def _(*given):
    return _counted(*given, side=lambda size, kernel, stride, padding: -(-size // stride))


@count_conv.mistake("there is no bias here")
def _(*given):
    return _counted(*given, bias=1)


@count_conv.mistake("those are floating-point operations: a multiply–add is two of them, and counts once")
def _(*given):
    return _counted(*given, both=lambda parameters, out: 2 * parameters * out**2)


@count_conv.mistake("a weight is used once at every place of the *output*; the stride makes those fewer")
def _(*given):
    return _counted(*given, side=lambda size, kernel, stride, padding: size + 2 * padding - kernel + 1)


@count_conv.mistake("the padding is not in the size of the output, (size + 2 padding - kernel) // stride + 1")
def _(*given):
    return _counted(*given, side=lambda size, kernel, stride, padding: (size - kernel) // stride + 1)


@count_conv.mistake("the picture is not kept whole: the output has (size + 2 padding - kernel) // stride + 1 a side")
def _(*given):
    return _counted(*given, side=lambda size, kernel, stride, padding: size)


@count_conv.mistake("the division by the stride is rounded *down*, and then 1 is added")
def _(*given):
    return _counted(
        *given, side=lambda size, kernel, stride, padding: math.ceil((size + 2 * padding - kernel) / stride) + 1
    )


@count_conv.mistake("the output is a square: out × out places")
def _(*given):
    return _counted(*given, both=lambda parameters, out: parameters * out)


@count_conv.mistake("parameters come first, multiply-adds second")
def _(*given):
    return count_conv(*given)[::-1]


def _residual_gradient_cases(rng):
    for n, d, u in ((1, 2, 2), (3, 3, 4), (5, 4, 3)):
        yield (
            rng.standard_normal((n, d)),
            rng.standard_normal((n, d)),
            rng.standard_normal((d, u)),
            rng.standard_normal((u, d)),
        )


@exercise(
    "Return dX (n, d) for Y = relu(X + relu(X @ W1) @ W2), given dY, X, W1 and W2.",
    _residual_gradient_cases,
)
def residual_gradient(dY, X, W1, W2):
    Z = X @ W1
    S = X + np.maximum(Z, 0) @ W2
    dS = dY * (S > 0)
    return dS + (dS @ W2.T * (Z > 0)) @ W1.T


def _through(dY, X, W1, W2, *, outer=True, inner=True, skip="dS", join=None):
    """The reference with one thing exchanged."""
    Z = X @ W1
    S = X + np.maximum(Z, 0) @ W2
    dS = dY * (S > 0) if outer else dY
    inside = dS @ W2.T * (Z > 0) if inner else dS @ W2.T
    branch = inside @ W1.T
    return {"dS": dS, "dY": dY, "none": 0}[skip] + branch if join is None else join(dS, branch)


@residual_gradient.mistake("the shortcut is missing: X reaches Y in two ways, and their gradients add")
def _(*given):
    return _through(*given, skip="none")


@residual_gradient.mistake("the last ReLU is missing: where X + F(X) is not positive, nothing comes back")
def _(*given):
    return _through(*given, outer=False)


@residual_gradient.mistake("the shortcut too ends in the last ReLU: its part is dY where X + F(X) is positive")
def _(*given):
    return _through(*given, skip="dY")


@residual_gradient.mistake("the ReLU inside the branch is missing: nothing comes back where X @ W1 is not positive")
def _(*given):
    return _through(*given, inner=False)


@residual_gradient.mistake("that is the branch alone, multiplied: the two gradients are added, not multiplied")
def _(*given):
    return _through(*given, join=lambda dS, branch: dS * branch)


@residual_gradient.mistake("the shortcut has slope 1: the gradient that comes in is added, not the input X")
def _(dY, X, W1, W2):
    return X + _through(dY, X, W1, W2, skip="none")


@residual_gradient.mistake("the last ReLU acts on X + F(X), not on the branch F(X) alone")
def _(dY, X, W1, W2):
    Z = X @ W1
    dS = dY * (np.maximum(Z, 0) @ W2 > 0)
    return dS + (dS @ W2.T * (Z > 0)) @ W1.T


@residual_gradient.mistake("the last ReLU acts on X + F(X), not on X")
def _(dY, X, W1, W2):
    Z = X @ W1
    dS = dY * (X > 0)
    return dS + (dS @ W2.T * (Z > 0)) @ W1.T


@residual_gradient.mistake("the shortcut is counted twice")
def _(*given):
    return _through(*given, join=lambda dS, branch: 2 * dS + branch)


def _split_by_length_cases(rng):
    for blocks, d in ((1, 2), (2, 2), (3, 3), (5, 2)):
        yield [0.7 * rng.standard_normal((d, d)) for _ in range(blocks)], rng.standard_normal(d)


@exercise(
    "Return (n + 1, d): row k is the part of dx that comes through all paths of k branches, for n blocks x + J x.",
    _split_by_length_cases,
)
def split_by_length(jacobians, dy):
    parts = np.zeros((len(jacobians) + 1, len(dy)))
    parts[0] = dy
    for J in reversed(jacobians):
        longer = parts @ J  # row by row, the transpose of J times the part
        parts[1:] += longer[:-1]
    return parts


def _by_length(jacobians, dy):
    return split_by_length(jacobians, dy)


@split_by_length.mistake("that is forwards: a gradient goes back through the *transposes*, J.T @ d")
def _(jacobians, dy):
    return _by_length([J.T for J in jacobians], dy)


@split_by_length.mistake("row k was changed before row k + 1 had read it: a branch was passed more than once")
def _(jacobians, dy):
    parts = np.zeros((len(jacobians) + 1, len(dy)))
    parts[0] = dy
    for J in reversed(jacobians):
        for k in range(len(jacobians)):
            parts[k + 1] += parts[k] @ J
    return parts


@split_by_length.mistake("a path around the block keeps its length: add the longer ones, and keep what was there")
def _(jacobians, dy):
    parts = np.zeros((len(jacobians) + 1, len(dy)))
    parts[0] = dy
    for J in reversed(jacobians):
        parts[1:] = (parts @ J)[:-1]
    return parts


@split_by_length.mistake("a gradient meets the *last* block first")
def _(jacobians, dy):
    return _by_length(jacobians[::-1], dy)


@split_by_length.mistake(
    "forwards and in the forward order: a gradient goes back, through transposes, last block first"
)
def _(jacobians, dy):
    return _by_length([J.T for J in jacobians[::-1]], dy)


@split_by_length.mistake("that is the whole gradient: it is asked for by the number of branches on the way")
def _(jacobians, dy):
    return _by_length(jacobians, dy).sum(axis=0)


@split_by_length.mistake("each row holds the shorter paths too: a row is for paths of exactly k branches")
def _(jacobians, dy):
    return _by_length(jacobians, dy).cumsum(axis=0)


@split_by_length.mistake("the sum over the paths of a length is asked for, not their mean")
def _(jacobians, dy):
    n = len(jacobians)
    counts = np.array([math.comb(n, k) for k in range(n + 1)])
    return _by_length(jacobians, dy) / counts[:, None]


@split_by_length.mistake("only one path of each length: of k branches there are n over k, through any k of the blocks")
def _(jacobians, dy):
    parts = [dy]
    for J in reversed(jacobians):
        parts.append(parts[-1] @ J)
    return np.stack(parts)


@split_by_length.mistake("the path around all branches is missing: row 0 is dy itself")
def _(jacobians, dy):
    return _by_length(jacobians, dy)[1:]


@split_by_length.mistake("the rows are in the reverse order: the path without any branch comes first")
def _(jacobians, dy):
    return _by_length(jacobians, dy)[::-1]


@split_by_length.mistake("those are lengths (norms): the vectors are asked for")
def _(jacobians, dy):
    return np.linalg.norm(_by_length(jacobians, dy), axis=1)


def _fold_block_cases(rng):
    for channels in (1, 2, 3):
        yield rng.standard_normal((channels, channels, 3, 3)), rng.standard_normal((channels, channels))


@exercise(
    "Return the kernel (c, c, 3, 3) of the one convolution that equals conv3x3(X) + conv1x1(X) + X.",
    _fold_block_cases,
)
def fold_block(W3, W1):
    folded = W3.copy()
    folded[:, :, 1, 1] += W1 + np.eye(len(W1))
    return folded


def _folded(W3, W1, *, one=None, identity=None, place=(1, 1)):
    folded = W3.copy()
    folded[(slice(None), slice(None), *place)] += (W1 if one is None else one) + (
        np.eye(len(W1)) if identity is None else identity
    )
    return folded


@fold_block.mistake("the shortcut + X is missing: it is a kernel too, 1 in the middle of its own channel")
def _(W3, W1):
    return _folded(W3, W1, identity=0)


@fold_block.mistake("the 1 × 1 convolution is missing")
def _(W3, W1):
    return _folded(W3, W1, one=0)


@fold_block.mistake("the shortcut keeps channels apart: 1 from a channel to itself, 0 to the others")
def _(W3, W1):
    return _folded(W3, W1, identity=1) if len(W1) > 1 else _folded(W3, W1, identity=2)


@fold_block.mistake("the pixel itself lies under the *middle* of the kernel, row 1 and column 1")
def _(W3, W1):
    return _folded(W3, W1, place=(0, 0))


@fold_block.mistake("added to all nine places: a 1 × 1 kernel sees one pixel, the one in the middle")
def _(W3, W1):
    return W3 + (W1 + np.eye(len(W1)))[:, :, None, None]


@fold_block.mistake("the shortcut alone is one pixel wide: its 1 stands in the middle, not in all nine places")
def _(W3, W1):
    return _folded(W3, W1, identity=0) + np.eye(len(W1))[:, :, None, None]


@fold_block.mistake("the axes of the 1 × 1 kernel are exchanged: (out, in) in both")
def _(W3, W1):
    return _folded(W3, W1, one=W1.T) if len(W1) > 1 else _folded(W3, W1, one=-W1)


@fold_block.mistake("side by side, not one after the other: the results are added, so the kernels are added")
def _(W3, W1):
    return np.einsum("om,mcuv->ocuv", W1 + np.eye(len(W1)), W3)


def _squeeze_excite_cases(rng):
    for n, c, r in ((1, 2, 2), (3, 4, 4), (4, 3, 5), (5, 4, 6)):
        yield (
            rng.standard_normal((n, c, 3, 4)) + rng.standard_normal((n, c, 1, 1)),
            rng.standard_normal((c, r)),
            rng.standard_normal(r),
            rng.standard_normal((r, c)),
            rng.standard_normal(c),
        )


def _sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))


@exercise(
    "Return X (n, c, h, w), each channel times its gate sigmoid(relu(mean over places @ W1 + b1) @ W2 + b2).",
    _squeeze_excite_cases,
)
def squeeze_excite(X, W1, b1, W2, b2):
    gate = _sigmoid(np.maximum(X.mean(axis=(2, 3)) @ W1 + b1, 0) @ W2 + b2)
    return X * gate[:, :, None, None]


def _gated(X, W1, b1, W2, b2, *, squeeze=None, between=None, last=_sigmoid, join=None):
    """The reference with one thing exchanged."""
    squeezed = X.mean(axis=(2, 3)) if squeeze is None else squeeze(X)
    hidden = squeezed @ W1 + b1
    hidden = np.maximum(hidden, 0) if between is None else between(hidden)
    gate = np.broadcast_to(last(hidden @ W2 + b2), X.shape[:2])[:, :, None, None]
    return X * gate if join is None else join(X, gate)


@squeeze_excite.mistake("squeezed is the mean over all places, not the maximum")
def _(*given):
    return _gated(*given, squeeze=lambda X: X.max(axis=(2, 3)))


@squeeze_excite.mistake("the mean over places is asked for, not the sum")
def _(*given):
    return _gated(*given, squeeze=lambda X: X.sum(axis=(2, 3)))


@squeeze_excite.mistake("every picture has gates of its own: no mean over the batch")
def _(*given):
    return _gated(*given, squeeze=lambda X: np.broadcast_to(X.mean(axis=(0, 2, 3)), X.shape[:2]))


@squeeze_excite.mistake("the ReLU between the two layers is missing")
def _(*given):
    return _gated(*given, between=lambda z: z)


@squeeze_excite.mistake("between the two layers stands a ReLU; the sigmoid comes at the end")
def _(*given):
    return _gated(*given, between=_sigmoid)


@squeeze_excite.mistake("the gates are not squashed: a sigmoid comes last")
def _(*given):
    return _gated(*given, last=lambda z: z)


@squeeze_excite.mistake("gates are independent, each a sigmoid: with softmax the channels would compete")
def _(*given):
    return _gated(*given, last=lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True))


@squeeze_excite.mistake("X is *multiplied* by its gates, not added to them")
def _(*given):
    return _gated(*given, join=lambda X, gate: X + gate)


@squeeze_excite.mistake("there is no shortcut here: X times its gates, without X added")
def _(*given):
    return _gated(*given, join=lambda X, gate: X + X * gate)


@squeeze_excite.mistake("those are the gates: X times the gates is asked for")
def _(*given):
    return _gated(*given, join=lambda X, gate: gate[:, :, 0, 0])
