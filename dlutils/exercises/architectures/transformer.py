"""Exercises of 2.7, The transformer: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _attention_softmax(S):
    E = np.exp(S - S.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def _causal_weights_cases(rng):
    for n, d, scale in ((3, 2, 1), (5, 4, 1), (4, 6, 5)):
        yield scale * rng.standard_normal((n, d)), scale * rng.standard_normal((n, d))
    signs = rng.choice([-1.0, 1.0], (3, 4))
    signs[2] = -signs[0]  # the scores of the first row are near -5000, the largest of the others near 5000
    yield 50 * signs, 50 * signs[::-1] + rng.standard_normal((3, 4))
    sizes = np.array([[1.0], [1000.0], [1.0]])  # a row of large scores, all alike, between rows of small ones
    yield sizes * rng.uniform(0.8, 1.2, (3, 4)), rng.uniform(0.99, 1.01, (3, 4))


@exercise(
    "Return the causal attention weights (time, time) of queries Q and keys K, both (time, d).",
    _causal_weights_cases,
)
def causal_weights(Q, K):
    S = Q @ K.T / np.sqrt(Q.shape[1])
    S = np.where(np.tril(np.ones(S.shape, dtype=bool)), S, -np.inf)
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


@causal_weights.mistake("the future is visible: the weight of query i on key j must be 0 for every j > i")
def _(Q, K):
    return _attention_softmax(Q @ K.T / np.sqrt(Q.shape[1]))


@causal_weights.mistake("the weights of the future are zero, but the rows no longer sum to 1: mask before the softmax")
def _(Q, K):
    return np.tril(_attention_softmax(Q @ K.T / np.sqrt(Q.shape[1])))


@causal_weights.mistake("a score of 0 is not a weight of 0, for exp(0) = 1: which score has the exponential 0?")
def _(Q, K):
    return _attention_softmax(np.tril(Q @ K.T / np.sqrt(Q.shape[1])))


@causal_weights.mistake("the scale is missing: the scores must not grow with the number of features d")
def _(Q, K):
    return _attention_softmax(np.where(np.tri(len(Q), dtype=bool), Q @ K.T, -np.inf))


@causal_weights.mistake("the scores are divided by d; their standard deviation grows with its square root")
def _(Q, K):
    return _attention_softmax(np.where(np.tri(len(Q), dtype=bool), Q @ K.T / Q.shape[1], -np.inf))


@causal_weights.mistake("the triangle is the wrong one: a query may look at itself and the past, this one looks ahead")
def _(Q, K):
    return _attention_softmax(np.where(np.tri(len(Q), dtype=bool).T, Q @ K.T / np.sqrt(Q.shape[1]), -np.inf))


@causal_weights.mistake("rows and columns are swapped: row i belongs to query i, column j to key j, so Q @ K.T")
def _(Q, K):
    return causal_weights(K, Q)


@causal_weights.mistake("right for small scores; large ones overflow: subtract each row's largest score first")
def _(Q, K):
    E = np.tril(np.exp(Q @ K.T / np.sqrt(Q.shape[1])))
    return E / E.sum(axis=1, keepdims=True)


@causal_weights.mistake(
    "right for small scores; but a row's maximum must be taken after the mask: one in the future may be so large "
    "that all exponentials of the past vanish, and 0/0 is the nan"
)
def _(Q, K):
    S = Q @ K.T / np.sqrt(Q.shape[1])
    E = np.tril(np.exp(S - S.max(axis=1, keepdims=True)))
    return E / E.sum(axis=1, keepdims=True)


@causal_weights.mistake("right for small scores; but one maximum for all rows lets the others vanish: 0/0 is the nan")
def _(Q, K):
    S = np.where(np.tri(len(Q), dtype=bool), Q @ K.T / np.sqrt(Q.shape[1]), -np.inf)
    E = np.exp(S - S.max())
    return E / E.sum(axis=1, keepdims=True)


def _window_mask_cases(rng):
    yield 4, 2
    for _ in range(2):
        yield int(rng.integers(6, 10)), int(rng.integers(3, 5))


@exercise(
    "Return the boolean mask (time, time) under which each place sees itself and the window - 1 places before it.",
    _window_mask_cases,
)
def window_mask(time, window):
    distance = np.arange(time)[:, None] - np.arange(time)
    return (distance >= 0) & (distance < window)


@window_mask.mistake("one place too many: with the place itself, a row has at most `window` True entries")
def _(time, window):
    distance = np.arange(time)[:, None] - np.arange(time)
    return (distance >= 0) & (distance <= window)


@window_mask.mistake("each place must see itself too")
def _(time, window):
    distance = np.arange(time)[:, None] - np.arange(time)
    return (distance > 0) & (distance < window)


@window_mask.mistake("that window reaches into the future as well")
def _(time, window):
    return np.abs(np.arange(time)[:, None] - np.arange(time)) < window


@window_mask.mistake("that is the whole past: the window does not limit how far back it goes")
def _(time, window):
    return np.tri(time, dtype=bool)


@window_mask.mistake("rows and columns are swapped: row i is the query, so i - j is how far back key j lies")
def _(time, window):
    return window_mask(time, window).T


@window_mask.mistake("that is the polarity of nn.MultiheadAttention; here True means that it may look")
def _(time, window):
    return ~window_mask(time, window)


def _rotary_halves_cases(rng):
    for time, d in ((3, 4), (5, 6), (4, 8)):
        yield (rng.standard_normal((time, d)),)


def _turned_halves(x, angles):
    left, right = np.split(x, 2, axis=1)
    return np.concatenate(
        [left * np.cos(angles) - right * np.sin(angles), left * np.sin(angles) + right * np.cos(angles)], axis=1
    )


@exercise(
    "Return x (time, d) with each pair (i, i + d/2) turned by its position times 10000^(-2i/d).",
    _rotary_halves_cases,
)
def rotary_halves(x):
    time, d = x.shape
    angles = np.arange(time)[:, None] * 10000.0 ** (-2 * np.arange(d // 2) / d)
    left, right = x[:, : d // 2], x[:, d // 2 :]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([left * cos - right * sin, left * sin + right * cos], axis=1)


@rotary_halves.mistake("these are neighbours, entries 2i and 2i + 1; here entry i is paired with entry i + d/2")
def _(x):
    time, d = x.shape
    z = (x[:, 0::2] + 1j * x[:, 1::2]) * np.exp(1j * np.arange(time)[:, None] * 10000.0 ** (-2 * np.arange(d // 2) / d))
    return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)


@rotary_halves.mistake("they turn the wrong way round: the product with exp(+i angle) has a minus in its real part")
def _(x):
    time, d = x.shape
    return _turned_halves(x, -np.arange(time)[:, None] * 10000.0 ** (-2 * np.arange(d // 2) / d))


@rotary_halves.mistake("the positions start at 0: the first row is not turned at all")
def _(x):
    time, d = x.shape
    return _turned_halves(x, np.arange(1, time + 1)[:, None] * 10000.0 ** (-2 * np.arange(d // 2) / d))


@rotary_halves.mistake("the clocks are too fast: pair i has the exponent -2i/d, and yours has -i/d")
def _(x):
    time, d = x.shape
    return _turned_halves(x, np.arange(time)[:, None] * 10000.0 ** (-np.arange(d // 2) / d))


@rotary_halves.mistake(
    "the pairs are turned rightly, but put back as neighbours: the second halves belong after the first"
)
def _(x):
    left, right = np.split(rotary_halves(x), 2, axis=1)
    return np.stack([left, right], axis=-1).reshape(x.shape)


def _decoder_parameters_cases(rng):
    yield 2, 3
    for _ in range(2):
        yield int(rng.integers(3, 100)), int(rng.integers(101, 400))


@exercise(
    "Return the number of parameters of a decoder layer of width d and feed-forward width `width`.",
    _decoder_parameters_cases,
)
def decoder_parameters(d, width):
    attention = 4 * (d * d + d)
    feed_forward = d * width + width + width * d + d
    norm = 2 * d
    return 2 * attention + feed_forward + 3 * norm


@decoder_parameters.mistake("a decoder layer has two attentions: one on its own past, one on the encoder's output")
def _(d, width):
    return decoder_parameters(d, width) - 4 * (d * d + d)


@decoder_parameters.mistake("that is an encoder layer: the cross-attention and its norm are missing")
def _(d, width):
    return decoder_parameters(d, width) - 4 * (d * d + d) - 2 * d


@decoder_parameters.mistake("the matrices are all there; the biases are not")
def _(d, width):
    return 8 * d * d + 2 * d * width + 6 * d


@decoder_parameters.mistake("the layer norms are missing: there is one for each residual connection")
def _(d, width):
    return decoder_parameters(d, width) - 6 * d


@decoder_parameters.mistake("one layer norm is missing: there is one for each residual connection, and there are three")
def _(d, width):
    return decoder_parameters(d, width) - 2 * d


@decoder_parameters.mistake("each attention has four matrices: after queries, keys and values, one mixes the heads")
def _(d, width):
    return decoder_parameters(d, width) - 2 * (d * d + d)


@decoder_parameters.mistake("the feed-forward width is `width`, whatever it is; it need not be 4 d")
def _(d, width):
    return 16 * d * d + 19 * d
