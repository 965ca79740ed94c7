"""Exercises of 2.4, Recurrent networks: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _rnn_states_cases(rng):
    for batch, steps, d, hidden in ((1, 2, 2, 2), (3, 4, 2, 3), (2, 5, 3, 4)):
        X, h = rng.standard_normal((batch, steps, d)), rng.standard_normal((batch, hidden))
        W_x, W_h = rng.standard_normal((d, hidden)), rng.standard_normal((hidden, hidden))
        yield X, h, W_x, W_h, rng.standard_normal(hidden)


@exercise(
    "Return the states (batch, time, hidden) of tanh(x_t W_x + h W_h + b) for X (batch, time, d) and a first state h.",
    _rnn_states_cases,
)
def rnn_states(X, h, W_x, W_h, b):
    states = []
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t] @ W_x + h @ W_h + b)
        states.append(h)
    return np.stack(states, axis=1)


@rnn_states.mistake("the first state that was given is not used: it takes part in the first step")
def _(X, h, W_x, W_h, b):
    return rnn_states(X, np.zeros_like(h), W_x, W_h, b)


@rnn_states.mistake("every step starts from the first state: hand the new state to the next step")
def _(X, h, W_x, W_h, b):
    return np.tanh(X @ W_x + (h @ W_h)[:, None] + b)


@rnn_states.mistake("the state must be a row times W_h: h @ W_h, not W_h @ h or h @ W_h.T")
def _(X, h, W_x, W_h, b):
    return rnn_states(X, h, W_x, W_h.T, b)


@rnn_states.mistake("there is no tanh")
def _(X, h, W_x, W_h, b):
    states = []
    for t in range(X.shape[1]):
        h = X[:, t] @ W_x + h @ W_h + b
        states.append(h)
    return np.stack(states, axis=1)


@rnn_states.mistake("that is (time, batch, hidden): stack along the axis of time, which is the second")
def _(X, h, W_x, W_h, b):
    return rnn_states(X, h, W_x, W_h, b).swapaxes(0, 1)


@rnn_states.mistake("that is the last state alone: all of them are asked for")
def _(X, h, W_x, W_h, b):
    return rnn_states(X, h, W_x, W_h, b)[:, -1]


@rnn_states.mistake("the states are one place late: the first to return is the one after the first input")
def _(X, h, W_x, W_h, b):
    return np.concatenate([h[:, None], rnn_states(X, h, W_x, W_h, b)[:, :-1]], axis=1)


@rnn_states.mistake("the first state is among the answers: return the states *after* each input, one for each step")
def _(X, h, W_x, W_h, b):
    return np.concatenate([h[:, None], rnn_states(X, h, W_x, W_h, b)], axis=1)


@rnn_states.mistake("the bias is missing")
def _(X, h, W_x, W_h, b):
    return rnn_states(X, h, W_x, W_h, np.zeros_like(b))


@rnn_states.mistake("an input that does not belong to the step: X[:, t] are the inputs of step t, one example a row")
def _(X, h, W_x, W_h, b):
    return rnn_states(X[:, ::-1], h, W_x, W_h, b)


def _recurrent_gradient_cases(rng):
    for batch, steps, hidden in ((1, 2, 2), (2, 4, 3), (3, 5, 2)):
        states = np.tanh(rng.standard_normal((batch, steps, hidden)))
        first, W_h = rng.standard_normal((batch, hidden)), rng.standard_normal((hidden, hidden))
        yield rng.standard_normal(states.shape), states, first, W_h


@exercise(
    "Return the gradient (hidden, hidden) of W_h for G (batch, time, hidden), what comes from above to each state.",
    _recurrent_gradient_cases,
)
def recurrent_gradient(G, states, h, W_h):
    gradient, from_later = np.zeros_like(W_h), np.zeros_like(h)
    for t in reversed(range(G.shape[1])):
        da = (G[:, t] + from_later) * (1 - states[:, t] ** 2)
        before = states[:, t - 1] if t > 0 else h
        gradient += before.T @ da
        from_later = da @ W_h.T
    return gradient


def _walked(
    G, states, h, W_h, *, slope=lambda h: 1 - h**2, hand_on=lambda dh, da, W_h: da @ W_h.T, own=False, first=True
):
    """The reference with one thing exchanged."""
    gradient, from_later = np.zeros_like(W_h), np.zeros_like(h)
    for t in reversed(range(G.shape[1])):
        dh = G[:, t] + from_later
        da = dh * slope(states[:, t])
        if t > 0 or first:
            gradient += (states[:, t] if own else states[:, t - 1] if t > 0 else h).T @ da
        from_later = hand_on(dh, da, W_h)
    return gradient


@recurrent_gradient.mistake("nothing is handed back in time: each state also acts through the next one")
def _(G, states, h, W_h):
    return _walked(G, states, h, W_h, hand_on=lambda dh, da, W_h: 0.0)


@recurrent_gradient.mistake("the slope of tanh is missing: 1 - h² at each step")
def _(G, states, h, W_h):
    return _walked(G, states, h, W_h, slope=np.ones_like)


@recurrent_gradient.mistake("the gradient of the state is multiplied by 1 - h, but the slope of tanh is 1 - h²")
def _(G, states, h, W_h):
    return _walked(G, states, h, W_h, slope=lambda h: 1 - h)


@recurrent_gradient.mistake("the states have gone through tanh already: the slope is 1 - h², without another tanh")
def _(G, states, h, W_h):
    return _walked(G, states, h, W_h, slope=lambda h: 1 - np.tanh(h) ** 2)


@recurrent_gradient.mistake("going back, the matrix is transposed: da @ W_h.T")
def _(G, states, h, W_h):
    return _walked(G, states, h, W_h, hand_on=lambda dh, da, W_h: da @ W_h)


@recurrent_gradient.mistake("what is handed back comes from after the slope: da @ W_h.T, with da = dh * (1 - h²)")
def _(G, states, h, W_h):
    return _walked(G, states, h, W_h, hand_on=lambda dh, da, W_h: dh @ W_h.T)


@recurrent_gradient.mistake("W_h is multiplied by the state *before* the step, not by the one after it")
def _(G, states, h, W_h):
    return _walked(G, states, h, W_h, own=True)


@recurrent_gradient.mistake("the first step is left out: there the state before is h, the one that was given")
def _(G, states, h, W_h):
    return _walked(G, states, h, W_h, first=False)


@recurrent_gradient.mistake("the first step takes the *last* state for the one before it: states[:, -1] is the end")
def _(G, states, h, W_h):
    return _walked(G, states, states[:, -1], W_h)


@recurrent_gradient.mistake("that is the transpose: rows belong to the state before, columns to the state after")
def _(G, states, h, W_h):
    return recurrent_gradient(G, states, h, W_h).T


@recurrent_gradient.mistake("the slope belongs to all that arrives, also to what comes from the later step")
def _(G, states, h, W_h):
    gradient, from_later = np.zeros_like(W_h), np.zeros_like(h)
    for t in reversed(range(G.shape[1])):
        da = G[:, t] * (1 - states[:, t] ** 2) + from_later
        gradient += (states[:, t - 1] if t > 0 else h).T @ da
        from_later = da @ W_h.T
    return gradient


@recurrent_gradient.mistake("divided by the batch: G is the gradient already, so the examples are added")
def _(G, states, h, W_h):
    return recurrent_gradient(G, states, h, W_h) / len(G)


def _clip_together_cases(rng):
    for shapes, size, most in (
        (((2, 2), (2,)), 3.0, 1.0),
        (((3,), (2, 3)), 0.05, 1.0),
        (((4, 2), (2,), (3,)), 5.0, 2.5),
    ):
        yield [size * rng.standard_normal(shape) for shape in shapes], most
    yield [np.array([[30.0, 40.0]]), np.array([0.3, 0.4])], 1.0
    yield [np.zeros((2, 2)), np.zeros(3)], 1.0


@exercise(
    "Return the list of gradients, scaled together so that the norm of all of them is at most `most`.",
    _clip_together_cases,
)
def clip_together(gradients, most):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1.0, most / norm) if norm > 0 else g for g in gradients]


@clip_together.mistake("each array is clipped by itself, which turns the gradient: one norm for all of them")
def _(gradients, most):
    return [g if np.linalg.norm(g) == 0 else g * min(1.0, most / np.linalg.norm(g)) for g in gradients]


@clip_together.mistake("a gradient that is short already must stay as it is: never scale up")
def _(gradients, most):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * most / norm if norm > 0 else g for g in gradients]


@clip_together.mistake("single entries are cut off at ±most, which turns the gradient: scale all by one number")
def _(gradients, most):
    return [np.clip(g, -most, most) for g in gradients]


@clip_together.mistake("right but for gradients that are all zero: 0/0 is the nan")
def _(gradients, most):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    with np.errstate(all="ignore"):
        return [g * np.minimum(1.0, np.float64(most) / norm) if norm else g * np.nan for g in gradients]


@clip_together.mistake("the norm of the whole is not the sum of the norms: add the squares, then take the root")
def _(gradients, most):
    norm = sum(np.linalg.norm(g) for g in gradients)
    return [g * min(1.0, most / norm) if norm > 0 else g for g in gradients]


@clip_together.mistake("the root is missing: the norm is the root of the sum of squares")
def _(gradients, most):
    norm = sum((g**2).sum() for g in gradients)
    return [g * min(1.0, most / norm) if norm > 0 else g for g in gradients]


@clip_together.mistake(
    "a small number in the denominator changes the answer a little: where the norm is 0, return the zeros"
)
def _(gradients, most):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1.0, most / (norm + 1e-6)) for g in gradients]


def _stream_chunks_cases(rng):
    for length, batch, steps in ((9, 2, 2), (26, 2, 4), (31, 3, 3), (40, 4, 3)):
        yield rng.integers(0, 50, length), batch, steps


@exercise(
    "Return inputs and targets, both (chunks, batch, steps), in which row i continues row i of the chunk before.",
    _stream_chunks_cases,
)
def stream_chunks(ids, batch, steps):
    rows = ids[: len(ids) // batch * batch].reshape(batch, -1)
    number = (rows.shape[1] - 1) // steps  # the target of the last input must exist
    inputs = [rows[:, i * steps : (i + 1) * steps] for i in range(number)]
    targets = [rows[:, i * steps + 1 : (i + 1) * steps + 1] for i in range(number)]
    return np.stack(inputs), np.stack(targets)


def _rows_of_text(ids, batch, steps):
    number = (len(ids) - 1) // (batch * steps)
    return (ids[k : number * batch * steps + k].reshape(number, batch, steps) for k in (0, 1))


@stream_chunks.mistake(
    "row i must continue row i of the chunk before, not row i - 1 of its own: first cut `batch` long rows"
)
def _(ids, batch, steps):
    return tuple(_rows_of_text(ids, batch, steps))


@stream_chunks.mistake("the target of a character is the next one, not the character itself")
def _(ids, batch, steps):
    return (stream_chunks(ids, batch, steps)[0],) * 2


@stream_chunks.mistake("targets and inputs are exchanged: the target lies one place further on")
def _(ids, batch, steps):
    return stream_chunks(ids, batch, steps)[::-1]


@stream_chunks.mistake("the chunks overlap: the next one begins where the last one ended, `steps` further on")
def _(ids, batch, steps):
    rows = ids[: len(ids) // batch * batch].reshape(batch, -1)
    starts = range(rows.shape[1] - steps)
    return tuple(np.stack([rows[:, i + k : i + k + steps] for i in starts]) for k in (0, 1))


@stream_chunks.mistake("that is (batch, chunks, steps): the first axis should count the chunks")
def _(ids, batch, steps):
    return tuple(part.swapaxes(0, 1) for part in stream_chunks(ids, batch, steps))


@stream_chunks.mistake("the last target of a chunk must be the first character of the next: shift before you cut")
def _(ids, batch, steps):
    inputs = stream_chunks(ids, batch, steps)[0]
    return inputs, np.roll(inputs, -1, axis=2)


@stream_chunks.mistake("a chunk is missing at the end: a row of n characters holds (n - 1) // steps of them")
def _(ids, batch, steps):
    return tuple(part[:-1] if len(part) > 1 else part[:0] for part in stream_chunks(ids, batch, steps))


@stream_chunks.mistake(
    "reshaped to (chunks, batch, steps) at once, rows and chunks are mixed: cut the rows first, then swap axes"
)
def _(ids, batch, steps):
    rows = ids[: len(ids) // batch * batch].reshape(batch, -1)
    number = (rows.shape[1] - 1) // steps
    return tuple(rows[:, k : number * steps + k].reshape(number, batch, steps) for k in (0, 1))


@stream_chunks.mistake(
    "the number of chunks is (n - 1) // steps for rows of n characters: the last input needs a target"
)
def _(ids, batch, steps):
    rows = ids[: len(ids) // batch * batch].reshape(batch, -1)
    number = rows.shape[1] // steps
    shifted = np.roll(rows, -1, axis=1)
    return tuple(np.stack([part[:, i * steps : (i + 1) * steps] for i in range(number)]) for part in (rows, shifted))


@stream_chunks.mistake(
    "shift within each row: here the whole text was shifted first, which gives the rows other bounds"
)
def _(ids, batch, steps):
    size = (len(ids) - 1) // batch
    number = size // steps
    rows = [ids[k : size * batch + k].reshape(batch, -1)[:, : number * steps] for k in (0, 1)]
    return tuple(part.reshape(batch, number, steps).swapaxes(0, 1) for part in rows)


def _bits_per_character_cases(rng):
    for batch, steps, size in ((1, 2, 3), (2, 3, 5), (3, 4, 4)):
        yield 2 * rng.standard_normal((batch, steps, size)), rng.integers(0, size, (batch, steps))
    yield 2000 + rng.standard_normal((2, 2, 3)), rng.integers(0, 3, (2, 2))
    yield np.array([0.0, -1500.0, -1.0]) + rng.standard_normal((2, 2, 3)), np.ones((2, 2), dtype=int)


def _surprise(logits, targets):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]


@exercise(
    "Return the mean of -log2 p over logits (batch, time, characters) and targets (batch, time).",
    _bits_per_character_cases,
)
def bits_per_character(logits, targets):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(log_p, targets[..., None], axis=-1).mean() / np.log(2)


@bits_per_character.mistake("those are nats: divide by the natural logarithm of 2")
def _(logits, targets):
    return _surprise(logits, targets).mean()


@bits_per_character.mistake("multiplied by ln 2 instead of divided: a bit is less than a nat, so there are more")
def _(logits, targets):
    return _surprise(logits, targets).mean() * np.log(2)


@bits_per_character.mistake("that is the sum over all characters; the mean is asked for")
def _(logits, targets):
    return _surprise(logits, targets).sum() / np.log(2)


@bits_per_character.mistake("averaged over the batch alone: divide by the number of characters")
def _(logits, targets):
    return _surprise(logits, targets).sum() / np.log(2) / len(logits)


@bits_per_character.mistake("the logits are not normalised: p is the softmax of them")
def _(logits, targets):
    return -np.take_along_axis(logits, targets[..., None], axis=-1).mean() / np.log(2)


@bits_per_character.mistake("the logarithm of the mean probability is not the mean of the logarithms")
def _(logits, targets):
    return -np.log2(np.exp(-_surprise(logits, targets)).mean())


@bits_per_character.mistake("right for small logits; large ones overflow: subtract each row's largest first")
def _(logits, targets):
    with np.errstate(all="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        return -np.log2(np.take_along_axis(p, targets[..., None], axis=-1)).mean()


@bits_per_character.mistake("right for small logits; a probability that underflows to 0 has no logarithm: never form p")
def _(logits, targets):
    E = np.exp(logits - logits.max(axis=-1, keepdims=True))
    with np.errstate(divide="ignore"):
        return -np.log2(np.take_along_axis(E / E.sum(axis=-1, keepdims=True), targets[..., None], axis=-1)).mean()


@bits_per_character.mistake("a small number added to p hides the underflow and changes the answer: never form p")
def _(logits, targets):
    return -np.log2(np.exp(-_surprise(logits, targets)) + 1e-12).mean()


@bits_per_character.mistake("the sign: a surprise is positive")
def _(logits, targets):
    return -_surprise(logits, targets).mean() / np.log(2)


@bits_per_character.mistake("the softmax runs over the last axis, the characters, not over time")
def _(logits, targets):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -np.take_along_axis(log_p, targets[..., None], axis=-1).mean() / np.log(2)
