"""The checked exercises of chapter 2, Architectures: each a reference solution, then the mistakes that people make."""

from dlutils.exercises._core import exercise

import functools

import numpy as np

_exercise = functools.partial(exercise, "02_architectures")


# --- 2.2 Convolution and CNN -----------------------------------------------------------------------------------------


def _same_padding_cases(rng):
    yield 8, 3, 2, 1
    yield 11, 3, 2, 1  # 11 / 2 is no whole number
    yield 5, 4, 1, 1
    yield 28, 5, 1, 2
    yield 8, 2, 4, 1  # the windows leave a gap, and there is nothing to pad
    for _ in range(6):
        yield tuple(int(v) for v in (rng.integers(9, 40), rng.integers(2, 7), rng.integers(1, 4), rng.integers(1, 4)))


@_exercise(
    "02_convolution_and_cnn",
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


@_exercise(
    "02_convolution_and_cnn",
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


@_exercise(
    "02_convolution_and_cnn",
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


@conv1d_backward.mistake("both are right, in the wrong order: return (dx, dw)")
def _(x, w, dz, stride):
    return conv1d_backward(x, w, dz, stride)[::-1]


@conv1d_backward.mistake("dx is right; dw is a sum over the places, as in the formula, not a mean")
def _(x, w, dz, stride):
    dx, dw = conv1d_backward(x, w, dz, stride)
    return dx, dw / len(dz)


def _fold_batch_norm_cases(rng):
    for o, c, k in ((2, 3, 2), (3, 2, 3), (4, 4, 1)):
        small = [rng.uniform(0.5, 2.0, o) * rng.choice([-1, 1], o) for _ in range(4)]  # b, gamma, beta, mean
        yield rng.standard_normal((o, c, k, k)), *small, rng.uniform(0.5, 2.0, o) ** 2 + 1, 0.3


@_exercise(
    "02_convolution_and_cnn",
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


# --- 2.7 The transformer ---------------------------------------------------------------------------------------------


def _attention_softmax(S):
    E = np.exp(S - S.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def _causal_weights_cases(rng):
    for n, d, scale in ((3, 2, 1), (5, 4, 1), (4, 6, 20)):
        yield scale * rng.standard_normal((n, d)), scale * rng.standard_normal((n, d))
    signs = rng.choice([-1.0, 1.0], (3, 4))
    yield 50 * signs, 50 * signs[::-1] + rng.standard_normal((3, 4))


@_exercise(
    "07_transformer",
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


def _window_mask_cases(rng):
    yield 4, 2
    for _ in range(2):
        yield int(rng.integers(6, 10)), int(rng.integers(3, 5))


@_exercise(
    "07_transformer",
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


@_exercise(
    "07_transformer",
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


@_exercise(
    "07_transformer",
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


# --- 2.9 BERT --------------------------------------------------------------------------------------------------------


def _mean_pooling_cases(rng):
    for lengths, time, d in (([2, 3], 4, 2), ([1, 5, 3], 6, 4), ([4, 2, 7, 5], 7, 3)):
        yield rng.standard_normal((len(lengths), time, d)), (np.arange(time) < np.array(lengths)[:, None]).astype(float)


@_exercise("09_bert", "Return the mean of H over the real tokens of each text, shape (batch, d).", _mean_pooling_cases)
def mean_pooling(H, mask):
    mask = mask[:, :, None]
    return (H * mask).sum(axis=1) / mask.sum(axis=1)


@mean_pooling.mistake("padding is in your mean: leave out the positions where the mask is zero")
def _(H, mask):
    return H.mean(axis=1)


@mean_pooling.mistake("the padding is out of the sum, but you still divide by the padded length; divide by the tokens")
def _(H, mask):
    return (H * mask[:, :, None]).mean(axis=1)


@mean_pooling.mistake("that is the sum; a mean divides each text by its own number of tokens")
def _(H, mask):
    return (H * mask[:, :, None]).sum(axis=1)


@mean_pooling.mistake("you divide by the tokens of the whole batch; each text needs its own count")
def _(H, mask):
    return (H * mask[:, :, None]).sum(axis=1) / mask.sum()


@mean_pooling.mistake("these have length one; this exercise wants the plain mean, not normalised")
def _(H, mask):
    mean = mean_pooling(H, mask)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


@mean_pooling.mistake("that is the state of the first token, [CLS], alone; average over all real tokens")
def _(H, mask):
    return H[:, 0]


def _masked_attention_cases(rng):
    for lengths, time, scale in (([1, 2], 3, 1), ([4, 2, 3], 4, 2), ([2, 5], 6, 1000)):
        mask = (np.arange(time) < np.array(lengths)[:, None]).astype(float)
        yield scale * rng.standard_normal((len(lengths), time, time)), mask


def _softmax(scores, axis=-1):
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@_exercise(
    "09_bert",
    "Return softmax(scores) over the last axis with no weight on padding, shape (batch, time, time).",
    _masked_attention_cases,
)
def masked_attention(scores, mask):
    scores = np.where(mask[:, None, :] == 1, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@masked_attention.mistake("padding still gets weight: the mask is not used")
def _(scores, mask):
    return _softmax(scores)


@masked_attention.mistake("the rows no longer sum to one: mask the scores before the softmax, not the weights after it")
def _(scores, mask):
    return _softmax(scores) * mask[:, None, :]


@masked_attention.mistake("a score of zero is no prohibition, exp(0) = 1: padding needs a score of minus infinity")
def _(scores, mask):
    return _softmax(scores * mask[:, None, :])


@masked_attention.mistake("adding the mask shifts scores by one; padding needs a score of minus infinity")
def _(scores, mask):
    return _softmax(scores + mask[:, None, :])


@masked_attention.mistake(
    "the softmax runs over the wrong axis: each row must sum to one, over the positions looked at"
)
def _(scores, mask):
    return _softmax(np.where(mask[:, None, :] == 1, scores, -1e30), axis=1)


@masked_attention.mistake("you hid the rows, the positions that look; hide the columns, the positions looked at")
def _(scores, mask):
    return _softmax(np.where(mask[:, :, None] == 1, scores, -1e30))


@masked_attention.mistake("the mask is upside down: you kept the padding and hid the tokens")
def _(scores, mask):
    return _softmax(np.where(mask[:, None, :] == 0, scores, -1e30))


@masked_attention.mistake("right for small scores, but exp overflows for large ones: subtract each row's maximum first")
def _(scores, mask):
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.where(mask[:, None, :] == 1, np.exp(scores), 0.0)
        return e / e.sum(axis=-1, keepdims=True)


def _corrupt_cases(rng):
    for shape in ((8,), (3, 8), (4, 16)):
        ids, random_ids = rng.integers(10, 100, shape), rng.integers(200, 300, shape)
        size, u = ids.size, rng.random(shape)
        places = rng.permutation(size)[:4]
        chosen = rng.random(shape) < 0.4
        chosen.flat[places[:3]], chosen.flat[places[3]] = True, False
        u.flat[places] = rng.uniform(0.02, 0.08), rng.uniform(0.82, 0.88), rng.uniform(0.92, 0.98), rng.uniform(0, 0.08)
        yield ids, chosen, u, random_ids, 1


@_exercise("09_bert", "Return (inputs, labels) of the 80/10/10 rule for the given choices.", _corrupt_cases)
def corrupt(ids, chosen, u, random_ids, mask_id):
    inputs = np.where(chosen & (u < 0.8), mask_id, ids)
    inputs = np.where(chosen & (u >= 0.9), random_ids, inputs)
    return inputs, np.where(chosen, ids, -100)


@corrupt.mistake("every chosen token became the mask; a tenth must be random and a tenth stay as it is")
def _(ids, chosen, u, random_ids, mask_id):
    return np.where(chosen, mask_id, ids), np.where(chosen, ids, -100)


@corrupt.mistake("tokens that were not chosen were changed too: u decides only about chosen ones")
def _(ids, chosen, u, random_ids, mask_id):
    inputs = np.where(u < 0.8, mask_id, np.where(u >= 0.9, random_ids, ids))
    return inputs, np.where(chosen, ids, -100)


@corrupt.mistake("the inputs are right; the labels must be -100 where nothing was chosen")
def _(ids, chosen, u, random_ids, mask_id):
    return corrupt(ids, chosen, u, random_ids, mask_id)[0], ids


@corrupt.mistake("the inputs are right; a kept token is chosen too and is predicted, so it needs its label")
def _(ids, chosen, u, random_ids, mask_id):
    inputs, _ = corrupt(ids, chosen, u, random_ids, mask_id)
    return inputs, np.where(inputs != ids, ids, -100)


@corrupt.mistake("the labels must be the original ids; you stored the corrupted ones")
def _(ids, chosen, u, random_ids, mask_id):
    inputs, _ = corrupt(ids, chosen, u, random_ids, mask_id)
    return inputs, np.where(chosen, inputs, -100)


@corrupt.mistake("kept and random are exchanged: u from 0.8 to 0.9 keeps the token, above it the random id comes in")
def _(ids, chosen, u, random_ids, mask_id):
    inputs = np.where(chosen & (u < 0.8), mask_id, ids)
    return np.where(chosen & (u >= 0.8) & (u < 0.9), random_ids, inputs), np.where(chosen, ids, -100)


@corrupt.mistake("both are right, in the wrong order: return (inputs, labels)")
def _(ids, chosen, u, random_ids, mask_id):
    return corrupt(ids, chosen, u, random_ids, mask_id)[::-1]


def _whole_words_cases(rng):
    words = ["play", "un", "film", "the", "great", "bank"]
    tails = ["##able", "##ing", "##s", "##ed"]
    for count in (0, 1, 2):  # always: a word of three pieces chosen in the middle, and before it a word never chosen
        word = rng.permutation(words)
        pieces = [str(word[0]), "##er", str(word[1]), *map(str, rng.permutation(tails)[:2]), str(word[2])]
        chosen = [False, False, False, True, False, False]
        for k in range(count):
            pieces += [str(word[3 + k]), str(rng.choice(tails))]
            chosen += [bool(rng.random() < 0.5), bool(rng.random() < 0.5)]
        pieces += [str(word[5]), "##ly", "##ness"]
        yield pieces, [*chosen, True, False, False]


@_exercise(
    "09_bert",
    "Return a list of booleans that are True for every piece of a word with a chosen piece.",
    _whole_words_cases,
)
def whole_words(pieces, chosen):
    word_of = np.cumsum([not piece.startswith("##") for piece in pieces])  # the number of each piece's word
    hit = {word for word, c in zip(word_of, chosen, strict=True) if c}
    return [bool(word in hit) for word in word_of]


@whole_words.mistake("the choice was not extended: all pieces of a chosen word must be True")
def _(pieces, chosen):
    return list(chosen)


@whole_words.mistake("you carry the choice to the right only; the pieces before a chosen one belong to its word too")
def _(pieces, chosen):
    result = []
    for piece, c in zip(pieces, chosen, strict=True):
        result.append(bool(c or (piece.startswith("##") and result[-1])))
    return result


@whole_words.mistake("a word counts if any of its pieces is chosen; you look only at its first piece")
def _(pieces, chosen):
    result = []
    for piece, c in zip(pieces, chosen, strict=True):
        result.append(result[-1] if piece.startswith("##") else bool(c))
    return result


@whole_words.mistake("only the direct neighbours were added; a word can have three pieces or more")
def _(pieces, chosen):
    result = [bool(c) for c in chosen]
    for i in range(1, len(pieces)):
        if pieces[i].startswith("##") and (chosen[i] or chosen[i - 1]):
            result[i] = result[i - 1] = True
    return result


@whole_words.mistake("a piece with ## belongs to the word before it, not to the word after it")
def _(pieces, chosen):
    ends = [not piece.startswith("##") for piece in pieces]
    word_of = np.cumsum([False, *ends[:-1]])
    hit = {word for word, c in zip(word_of, chosen, strict=True) if c}
    return [bool(word in hit) for word in word_of]
