"""Exercises of 2.5, LSTM and GRU: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))


def _lstm_step_cases(rng):
    for batch, d, u in ((1, 2, 2), (3, 2, 4), (2, 4, 3)):
        yield (
            rng.standard_normal((batch, d)),
            *rng.standard_normal((2, batch, u)),
            rng.standard_normal((d, 4 * u)),
            rng.standard_normal((u, 4 * u)),
            rng.standard_normal(4 * u),
        )


@exercise(
    "Return the new state h and the new cell state c, both (batch, u); the columns of the weights are i, f, g, o.",
    _lstm_step_cases,
)
def lstm_step(x, h, c, W_x, W_h, b):
    i, f, g, o = np.split(x @ W_x + h @ W_h + b, 4, axis=1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _stepped(
    x, h, c, W_x, W_h, b, *, order="ifgo", squash=(_sigmoid, _sigmoid, np.tanh, _sigmoid), show=np.tanh, old=False
):
    """The reference with one thing exchanged."""
    z = dict(zip(order, np.split(x @ W_x + h @ W_h + b, 4, axis=1), strict=True))
    i, f, g, o = (function(z[name]) for name, function in zip("ifgo", squash, strict=True))
    new = f * c + i * g
    return o * show(c if old else new), new


@lstm_step.mistake("input gate and forget gate are exchanged: the order of the columns is i, f, g, o")
def _(*given):
    return _stepped(*given, order="figo")


@lstm_step.mistake("candidate and output gate are exchanged: the order of the columns is i, f, g, o")
def _(*given):
    return _stepped(*given, order="ifog")


@lstm_step.mistake("the candidate g goes through tanh: only the gates go through the sigmoid")
def _(*given):
    return _stepped(*given, squash=(_sigmoid,) * 4)


@lstm_step.mistake("a gate is a sigmoid, between 0 and 1; only g goes through tanh")
def _(*given):
    return _stepped(*given, squash=(np.tanh,) * 4)


@lstm_step.mistake("the gates are not squashed: i, f and o go through the sigmoid")
def _(*given):
    return _stepped(*given, squash=(lambda z: z, lambda z: z, np.tanh, lambda z: z))


@lstm_step.mistake("what is shown is tanh(c), not c itself")
def _(*given):
    return _stepped(*given, show=lambda c: c)


@lstm_step.mistake("shown is the *new* cell state: compute c first, then h from it")
def _(*given):
    return _stepped(*given, old=True)


@lstm_step.mistake("h and c are in the wrong order: h comes first")
def _(*given):
    return lstm_step(*given)[::-1]


@lstm_step.mistake("the new cell state goes on as it is: tanh belongs to what is shown, not to c")
def _(*given):
    h, c = lstm_step(*given)
    return h, np.tanh(c)


@lstm_step.mistake("the old cell state is lost: f * c + i * g")
def _(x, h, c, W_x, W_h, b):
    return lstm_step(x, h, np.zeros_like(c), W_x, W_h, b)


@lstm_step.mistake("the old state h takes part in the gates: x @ W_x + h @ W_h + b")
def _(x, h, c, W_x, W_h, b):
    return lstm_step(x, np.zeros_like(h), c, W_x, W_h, b)


@lstm_step.mistake("the bias is missing")
def _(x, h, c, W_x, W_h, b):
    return lstm_step(x, h, c, W_x, W_h, 0 * b)


def _bias_cases(rng):
    for steps in (2, 5, 30.0, 200, float(rng.uniform(3, 100))):
        yield (steps,)


@exercise(
    "Return the forget bias with which a cell to which nothing is written is halved in exactly `steps` steps.",
    _bias_cases,
)
def bias_for_half_life(steps):
    gate = 0.5 ** (1 / steps)
    return np.log(gate / (1 - gate))


@bias_for_half_life.mistake("that is the value of the gate; the bias is what the sigmoid makes it from: ln(f/(1 - f))")
def _(steps):
    return 0.5 ** (1 / steps)


@bias_for_half_life.mistake("the sign is reversed: a longer memory needs a larger bias")
def _(steps):
    return -bias_for_half_life(steps)


@bias_for_half_life.mistake(
    "ln(steps - 1) makes the cell lose 1/steps a step; then it is halved after about 0.69 * steps"
)
def _(steps):
    return np.log(steps - 1)


@bias_for_half_life.mistake(
    "ln(steps) is the rule of thumb for the time to fall to 1/e; one half is asked for, exactly"
)
def _(steps):
    return np.log(steps)


@bias_for_half_life.mistake("after `steps` steps that cell is at 1/e, not at one half")
def _(steps):
    gate = np.exp(-1 / steps)
    return np.log(gate / (1 - gate))


@bias_for_half_life.mistake("0.69 e^b is the half-life for a large bias only: the answer is asked exactly")
def _(steps):
    return np.log(steps / np.log(2))


@bias_for_half_life.mistake("the gate multiplies at every step: f to the power of `steps` is one half, not f * steps")
def _(steps):
    gate = 0.5 / steps
    return np.log(gate / (1 - gate))


def _gate_gradients_cases(rng):
    for batch, u in ((1, 2), (3, 2), (2, 4)):
        i, f, o = _sigmoid(rng.standard_normal((3, batch, u)))
        g = np.tanh(rng.standard_normal((batch, u)))
        before = rng.standard_normal((batch, u))
        dh, dc_later = rng.standard_normal((2, batch, u))
        yield dh, dc_later, np.concatenate([i, f, g, o], axis=1), before, f * before + i * g


@exercise(
    "Return the gradient (batch, 4u) of z, for what arrives at h and at c, in the order i, f, g, o.",
    _gate_gradients_cases,
)
def gate_gradients(dh, dc_later, gates, c_before, c_after):
    i, f, g, o = np.split(gates, 4, axis=1)
    shown = np.tanh(c_after)
    dc = dc_later + dh * o * (1 - shown**2)
    parts = [dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g**2), dh * shown * o * (1 - o)]
    return np.concatenate(parts, axis=1)


def _through_gates(
    dh, dc_later, gates, c_before, c_after, *, arrive=None, f_with=None, slopes=True, tanh_slope=None, o_with=None
):
    """The reference with one thing exchanged."""
    i, f, g, o = np.split(gates, 4, axis=1)
    shown = np.tanh(c_after)
    dc = dc_later + dh * o * (1 - shown**2) if arrive is None else arrive(dh, dc_later, o, shown)
    slope = [s * (1 - s) for s in (i, f, o)] if slopes else [1, 1, 1]
    slope_g = (1 - g**2 if tanh_slope is None else tanh_slope(g)) if slopes else 1
    parts = [dc * g * slope[0], dc * (c_before if f_with is None else f_with(c_after)) * slope[1]]
    parts += [dc * i * slope_g, dh * (shown if o_with is None else o_with(c_after)) * slope[2]]
    return np.concatenate(parts, axis=1)


@gate_gradients.mistake("what comes from the next step, dc_later, is left out: c acts through h and through the next c")
def _(*given):
    return _through_gates(*given, arrive=lambda dh, later, o, shown: dh * o * (1 - shown**2))


@gate_gradients.mistake("what comes through h is left out of dc: c acts through h and through the next c")
def _(*given):
    return _through_gates(*given, arrive=lambda dh, later, o, shown: later)


@gate_gradients.mistake("the slope of tanh is missing where c is shown: 1 - tanh(c)²")
def _(*given):
    return _through_gates(*given, arrive=lambda dh, later, o, shown: later + dh * o)


@gate_gradients.mistake("the output gate is missing on the way from h to c")
def _(*given):
    return _through_gates(*given, arrive=lambda dh, later, o, shown: later + dh * (1 - shown**2))


@gate_gradients.mistake("the slope of tanh belongs to what comes through h, not to dc_later")
def _(*given):
    return _through_gates(*given, arrive=lambda dh, later, o, shown: (later + dh * o) * (1 - shown**2))


@gate_gradients.mistake("the forget gate multiplies the cell state *before* the step")
def _(*given):
    return _through_gates(*given, f_with=lambda c: c)


@gate_gradients.mistake("those are the gradients of the gates; of z there is one more factor, the slope")
def _(*given):
    return _through_gates(*given, slopes=False)


@gate_gradients.mistake("the candidate went through tanh: its slope is 1 - g², not g(1 - g)")
def _(*given):
    return _through_gates(*given, tanh_slope=lambda g: g * (1 - g))


@gate_gradients.mistake("dc_later has been through the next forget gate already: it is added as it is")
def _(dh, dc_later, gates, c_before, c_after):
    return gate_gradients(dh, dc_later * np.split(gates, 4, axis=1)[1], gates, c_before, c_after)


@gate_gradients.mistake("the gates are given after the sigmoid and tanh: do not squash them again")
def _(dh, dc_later, gates, c_before, c_after):
    i, f, g, o = np.split(gates, 4, axis=1)
    again = np.concatenate([_sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)], axis=1)
    return gate_gradients(dh, dc_later, again, c_before, c_after)


@gate_gradients.mistake("the output gate multiplies tanh(c), not c")
def _(*given):
    return _through_gates(*given, o_with=lambda c: c)


@gate_gradients.mistake("the blocks are in another order: i, f, g, o")
def _(*given):
    return np.roll(gate_gradients(*given), given[0].shape[1], axis=1)


def _gru_step_cases(rng):
    for batch, d, u in ((1, 2, 2), (3, 2, 4), (2, 4, 3)):
        yield (
            rng.standard_normal((batch, d)),
            rng.standard_normal((batch, u)),
            rng.standard_normal((d, 3 * u)),
            rng.standard_normal((u, 3 * u)),
            *rng.standard_normal((2, 3 * u)),
        )


@exercise(
    "Return the new state (batch, u) of a GRU that resets after the matrix; the columns of the weights are r, z, n.",
    _gru_step_cases,
)
def gru_step(x, h, W_x, W_h, b_x, b_h):
    x_r, x_z, x_n = np.split(x @ W_x + b_x, 3, axis=1)
    h_r, h_z, h_n = np.split(h @ W_h + b_h, 3, axis=1)
    r, z = _sigmoid(x_r + h_r), _sigmoid(x_z + h_z)
    return z * h + (1 - z) * np.tanh(x_n + r * h_n)


def _gated(x, h, W_x, W_h, b_x, b_h, *, mix=lambda z, h, n: z * h + (1 - z) * n, candidate=None, swapped=False):
    """The reference with one thing exchanged."""
    x_r, x_z, x_n = np.split(x @ W_x + b_x, 3, axis=1)
    h_r, h_z, h_n = np.split(h @ W_h + b_h, 3, axis=1)
    r, z = _sigmoid(x_r + h_r), _sigmoid(x_z + h_z)
    r, z = (z, r) if swapped else (r, z)
    inside = (
        x_n + r * h_n if candidate is None else candidate(r, h, x_n, h_n, *(a[..., -h.shape[1] :] for a in (W_h, b_h)))
    )
    return mix(z, h, np.tanh(inside))


@gru_step.mistake("z is the share that is *kept*: z * h + (1 - z) * n")
def _(*given):
    return _gated(*given, mix=lambda z, h, n: (1 - z) * h + z * n)


@gru_step.mistake("reset gate and update gate are exchanged: the order of the columns is r, z, n")
def _(*given):
    return _gated(*given, swapped=True)


@gru_step.mistake("that resets *before* the matrix, (r * h) @ W: here the product h @ W_h + b_h is multiplied by r")
def _(*given):
    return _gated(*given, candidate=lambda r, h, x_n, h_n, W, b: x_n + (r * h) @ W + b)


@gru_step.mistake("the second bias stands inside the product with r: r * (h @ W_h + b_h)")
def _(*given):
    return _gated(*given, candidate=lambda r, h, x_n, h_n, W, b: x_n + r * (h_n - b) + b)


@gru_step.mistake("the reset gate is not used: it multiplies what the candidate gets from the old state")
def _(*given):
    return _gated(*given, candidate=lambda r, h, x_n, h_n, W, b: x_n + h_n)


@gru_step.mistake("the reset gate multiplies the part from the old state only, not the part from x")
def _(*given):
    return _gated(*given, candidate=lambda r, h, x_n, h_n, W, b: r * (x_n + h_n))


@gru_step.mistake("the new candidate is not mixed with the old state: z * h + (1 - z) * n")
def _(*given):
    return _gated(*given, mix=lambda z, h, n: n)


@gru_step.mistake("the old state is kept whole and something added: the share of n is 1 - z")
def _(*given):
    return _gated(*given, mix=lambda z, h, n: z * h + n)


@gru_step.mistake("the second bias, b_h, is missing")
def _(x, h, W_x, W_h, b_x, b_h):
    return gru_step(x, h, W_x, W_h, b_x, 0 * b_h)


@gru_step.mistake("the first bias, b_x, is missing")
def _(x, h, W_x, W_h, b_x, b_h):
    return gru_step(x, h, W_x, W_h, 0 * b_x, b_h)


def _gru_to_keras_cases(rng):
    for d, u in ((2, 3), (4, 2), (5, 4)):
        yield rng.standard_normal((3 * u, d)), rng.standard_normal((3 * u, u)), *rng.standard_normal((2, 3 * u))


@exercise(
    "Return kernel (d, 3u), recurrent kernel (u, 3u) and bias (2, 3u) of keras.layers.GRU for those of nn.GRU.",
    _gru_to_keras_cases,
)
def gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh):
    def swap(columns):
        r, z, n = np.split(columns, 3, axis=-1)
        return np.concatenate([z, r, n], axis=-1)

    return swap(weight_ih.T), swap(weight_hh.T), swap(np.stack([bias_ih, bias_hh]))


def _reordered(columns, order):
    blocks = np.split(columns, 3, axis=-1)
    return np.concatenate([blocks[k] for k in order], axis=-1)


@gru_to_keras.mistake("the gates are still in PyTorch's order r, z, n: Keras wants z, r, n")
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    return weight_ih.T, weight_hh.T, np.stack([bias_ih, bias_hh])


@gru_to_keras.mistake("the matrices are still (out, in): Keras wants (in, out)")
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, recurrent, bias = gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel.T, recurrent.T, bias


@gru_to_keras.mistake("the biases were left in the old order: they have the same blocks as the columns")
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, recurrent, _ = gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel, recurrent, np.stack([bias_ih, bias_hh])


@gru_to_keras.mistake("the kernel of the inputs was left in the old order")
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    _, recurrent, bias = gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return weight_ih.T, recurrent, bias


@gru_to_keras.mistake("the recurrent kernel was left in the old order")
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, _, bias = gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel, weight_hh.T, bias


@gru_to_keras.mistake(
    "the two biases must not be added: in the candidate the second one stands inside the product with r"
)
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, recurrent, bias = gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel, recurrent, bias.sum(axis=0)


@gru_to_keras.mistake(
    "the sum in the first row is right for the gates, not for the candidate, whose second bias r multiplies"
)
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, recurrent, bias = gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel, recurrent, np.stack([bias.sum(axis=0), 0 * bias[0]])


@gru_to_keras.mistake("the rows of the bias are exchanged: the one of the inputs comes first")
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, recurrent, bias = gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel, recurrent, bias[::-1]


@gru_to_keras.mistake("all three blocks were turned round: only r and z change places, n stays last")
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    parts = (weight_ih.T, weight_hh.T, np.stack([bias_ih, bias_hh]))
    return tuple(_reordered(part, (2, 1, 0)) for part in parts)


@gru_to_keras.mistake("the bias is one array (2, 3u): first row for the inputs, second for the state")
def _(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel, recurrent, bias = gru_to_keras(weight_ih, weight_hh, bias_ih, bias_hh)
    return kernel, recurrent, bias.ravel()


def _linear_recurrence_cases(rng):
    for steps, u in ((1, 2), (4, 3), (6, 2)):
        yield rng.random((steps, u)), rng.standard_normal((steps, u)), rng.standard_normal(u)
    a = rng.random((5, 3))
    a[1], a[3, 0] = 0, 0
    yield a, rng.standard_normal((5, 3)), rng.standard_normal(3)
    yield np.full((400, 2), 1e-2), rng.standard_normal((400, 2)), rng.standard_normal(2)


@exercise("Return all h_t = a_t h_{t-1} + b_t (time, u), the first from the state h.", _linear_recurrence_cases)
def linear_recurrence(a, b, h):
    states = []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        states.append(h)
    return np.stack(states)


@linear_recurrence.mistake("the first state is not used: h_1 = a_1 h + b_1")
def _(a, b, h):
    return linear_recurrence(a, b, np.zeros_like(h))


@linear_recurrence.mistake("that is the last state alone: all of them are asked for")
def _(a, b, h):
    return linear_recurrence(a, b, h)[-1]


@linear_recurrence.mistake("every step starts from the first state: hand the new state to the next step")
def _(a, b, h):
    return a * h + b


@linear_recurrence.mistake(
    "dividing by products of a fails where an a is 0 or the products get too small: step by step it does not"
)
def _(a, b, h):
    with np.errstate(all="ignore"):
        product = a.cumprod(axis=0)
        return product * (h + (b / product).cumsum(axis=0))


@linear_recurrence.mistake("the share 1 - a is not part of this recurrence: h_t = a_t h_{t-1} + b_t")
def _(a, b, h):
    return linear_recurrence(a, (1 - a) * b, h)


@linear_recurrence.mistake("those are the states before each step: the first answer is a_1 h + b_1")
def _(a, b, h):
    return np.concatenate([h[None], linear_recurrence(a, b, h)])[:-1]


@linear_recurrence.mistake("the first state is among the answers: return the states after each step")
def _(a, b, h):
    return np.concatenate([h[None], linear_recurrence(a, b, h)])


@linear_recurrence.mistake("the products are one step late: b_t itself is not multiplied by a_t")
def _(a, b, h):
    states = []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * (h + b_t)
        states.append(h)
    return np.stack(states)
