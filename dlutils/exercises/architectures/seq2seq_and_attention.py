"""Exercises of 2.6, sequence to sequence and attention: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _softmax(e):
    e = np.exp(e - e.max())
    return e / e.sum()


def _real(rng, n):
    """Booleans (n,): some true, some false, in no order."""
    real = np.zeros(n, dtype=bool)
    real[rng.permutation(n)[: int(rng.integers(2, n))]] = True
    return real


def _weights_cases(rng):
    for n, d, k, size in ((4, 3, 3, 1), (5, 2, 6, 1), (6, 4, 2, 1), (5, 3, 3, 300)):  # the last: scores of hundreds
        yield (
            rng.standard_normal(d),
            rng.standard_normal((n, d)),
            rng.standard_normal((d, k)),
            rng.standard_normal((d, k)),
            size * rng.standard_normal(k),
            _real(rng, n),
        )


@exercise("Return the additive attention weights (n,) of one state; padding gets the weight 0.", _weights_cases)
def additive_weights(s, M, W, U, v, real):
    scores = np.tanh(s @ W + M @ U) @ v
    return _softmax(np.where(real, scores, -np.inf))


@additive_weights.mistake("the mask comes after the softmax: the weights no longer sum to one")
def _(s, M, W, U, v, real):
    return _softmax(np.tanh(s @ W + M @ U) @ v) * real


@additive_weights.mistake("the mask is missing: padding gets weight")
def _(s, M, W, U, v, real):
    return _softmax(np.tanh(s @ W + M @ U) @ v)


@additive_weights.mistake("a score of 0 is not a weight of 0: exp(0) is 1; the score of padding is minus infinity")
def _(s, M, W, U, v, real):
    return _softmax(np.where(real, np.tanh(s @ W + M @ U) @ v, 0))


@additive_weights.mistake("the mask is upside down: True is real, and False gets the weight 0")
def _(s, M, W, U, v, real):
    return additive_weights(s, M, W, U, v, ~real)


@additive_weights.mistake("the tanh is missing: without it the state adds the same to every score, and drops out")
def _(s, M, W, U, v, real):
    return _softmax(np.where(real, (s @ W + M @ U) @ v, -np.inf))


@additive_weights.mistake("the matrices are exchanged: W belongs to the state, U to the memory")
def _(s, M, W, U, v, real):
    return additive_weights(s, M, U, W, v, real)


@additive_weights.mistake("those are the scores; the weights are their softmax")
def _(s, M, W, U, v, real):
    return np.where(real, np.tanh(s @ W + M @ U) @ v, 0)


@additive_weights.mistake("the state does not ask: s @ W is added to every row before the tanh")
def _(s, M, W, U, v, real):
    return additive_weights(0 * s, M, W, U, v, real)


def _gradient_cases(rng):
    for n, d in ((3, 2), (5, 4), (4, 6)):
        yield _softmax(rng.standard_normal(n)), rng.standard_normal((n, d)), rng.standard_normal(d)


@exercise(
    "Return the gradient of the scores (n,), given that of the context c = a @ M, a = softmax(e).", _gradient_cases
)
def score_gradient(a, M, dc):
    da = M @ dc
    return a * (da - a @ da)


@score_gradient.mistake("that is the gradient of the weights; it still has to go through the softmax")
def _(a, M, dc):
    return M @ dc


@score_gradient.mistake("the softmax couples the scores: subtract the mean of the weights' gradients, weighted with a")
def _(a, M, dc):
    return a * (M @ dc)


@score_gradient.mistake("a (1 - a) is the slope of a sigmoid: in a softmax every score moves every weight")
def _(a, M, dc):
    return a * (1 - a) * (M @ dc)


@score_gradient.mistake("the mean that is subtracted is the weighted one, a @ da")
def _(a, M, dc):
    da = M @ dc
    return a * (da - da.mean())


@score_gradient.mistake("the factor a in front is missing")
def _(a, M, dc):
    da = M @ dc
    return da - a @ da


@score_gradient.mistake("the sum is not weighted: it is a @ da, not the sum of da")
def _(a, M, dc):
    da = M @ dc
    return a * (da - da.sum())


@score_gradient.mistake("the sign is reversed")
def _(a, M, dc):
    return -score_gradient(a, M, dc)


def _loss_cases(rng):
    for batch, t, vocabulary in ((2, 4, 4), (3, 5, 6), (4, 3, 3)):
        p = rng.dirichlet(np.ones(vocabulary), (batch, t))
        lengths = np.append(rng.integers(1, t, batch - 1), t)  # rows of different length, one of them full
        lengths[0] = t - 1 if (lengths == lengths[-1]).all() else lengths[0]
        yield p, np.where(np.arange(t) < lengths[:, None], rng.integers(1, vocabulary, (batch, t)), 0)


def _of_targets(p, targets):
    return -np.log(np.take_along_axis(p, targets[..., None], axis=2)[..., 0])


@exercise("Return the mean of -ln p over the real tokens; targets of 0 are padding.", _loss_cases)
def masked_loss(p, targets):
    return _of_targets(p, targets)[targets != 0].mean()


@masked_loss.mistake("padding is counted: targets of 0 take no part")
def _(p, targets):
    return _of_targets(p, targets).mean()


@masked_loss.mistake("the sum is right, but it is divided by all tokens: divide by the number of real ones")
def _(p, targets):
    return (_of_targets(p, targets) * (targets != 0)).mean()


@masked_loss.mistake("that is the mean over the rows of each row's mean: short rows count too much")
def _(p, targets):
    real = targets != 0
    return ((_of_targets(p, targets) * real).sum(axis=1) / real.sum(axis=1)).mean()


@masked_loss.mistake("that is the sum; divide by the number of real tokens")
def _(p, targets):
    return _of_targets(p, targets)[targets != 0].sum()


@masked_loss.mistake("divided by the number of rows: divide by the number of real tokens")
def _(p, targets):
    return _of_targets(p, targets)[targets != 0].sum() / len(p)


@masked_loss.mistake("the sign is reversed")
def _(p, targets):
    return -masked_loss(p, targets)


@masked_loss.mistake("the logarithm comes before the mean: it is the mean of the logarithms")
def _(p, targets):
    return -np.log(np.exp(-_of_targets(p, targets))[targets != 0].mean())


@masked_loss.mistake("the natural logarithm is asked for")
def _(p, targets):
    return masked_loss(p, targets) / np.log(2)


def _beam_cases(rng):
    for width, vocabulary in ((2, 4), (3, 5), (4, 6)):
        total = -0.1 - 0.3 * np.arange(width) - 0.1 * rng.random(width)  # close together: all take part
        yield total, np.log(rng.dirichlet(2 * np.ones(vocabulary), width))
        yield 3 * total, np.log(rng.dirichlet(0.7 * np.ones(vocabulary), width))


def _best(key, width, vocabulary):
    order = np.argsort(-key, axis=None, kind="stable")[:width]
    return order // vocabulary, order % vocabulary, order


@exercise("Return which beginning, which token, and the new log-probability, each (width,), best first.", _beam_cases)
def beam_step(total, step):
    key = total[:, None] + step
    parent, token, order = _best(key, *step.shape)
    return parent, token, key.ravel()[order]


@beam_step.mistake("each beginning keeps its own best token: all extensions of all beginnings compete")
def _(total, step):
    token = step.argmax(axis=1)
    new = total + step.max(axis=1)
    order = np.argsort(-new)
    return order, token[order], new[order]


@beam_step.mistake("the history is forgotten: add the total of each beginning to its steps before comparing")
def _(total, step):
    parent, token, order = _best(step, *step.shape)
    return parent, token, (total[:, None] + step).ravel()[order]


@beam_step.mistake("log-probabilities are added, not multiplied")
def _(total, step):
    key = total[:, None] * step
    parent, token, order = _best(key, *step.shape)
    return parent, token, key.ravel()[order]


@beam_step.mistake("those are the worst: the largest log-probability is the best")
def _(total, step):
    key = total[:, None] + step
    order = np.argsort(key, axis=None, kind="stable")[: len(total)]
    return order // step.shape[1], order % step.shape[1], key.ravel()[order]


@beam_step.mistake("the right ones, in the wrong order: the best first")
def _(total, step):
    return tuple(part[::-1] for part in beam_step(total, step))


@beam_step.mistake("token and beginning are exchanged: the first array says which beginning")
def _(total, step):
    parent, token, new = beam_step(total, step)
    return token, parent, new


@beam_step.mistake("a place in the flattened array is beginning times *vocabulary* plus token, not times width")
def _(total, step):
    key = total[:, None] + step
    order = np.argsort(-key, axis=None, kind="stable")[: len(total)]
    return order // len(total), order % len(total), key.ravel()[order]


@beam_step.mistake("only the best beginning is extended: the extensions of all of them compete")
def _(total, step):
    order = np.argsort(-step[0])[: len(total)]
    return np.zeros(len(total), int), order, (total[0] + step[0])[order]


def _map_cases(rng):
    for steps, n in ((4, 6), (6, 5), (7, 9)):
        yield (rng.dirichlet(0.3 * np.ones(n), steps),)
    ends = rng.uniform(0.51, 0.55)  # most of the first step's weight lies at 0, its mean right of the second step's
    yield (np.array([[ends, 0, 0, 1 - ends], [0, 1, 0, 0], [0, 0, 1, 0]]),)


def _ranks(values):
    return np.argsort(np.argsort(values))


@exercise("Return Spearman's coefficient between the steps and the expected places of weights (steps, n).", _map_cases)
def rank_correlation(weights):
    places = weights @ np.arange(weights.shape[1])
    return np.corrcoef(np.arange(len(weights)), _ranks(places))[0, 1]


@rank_correlation.mistake("that is the correlation of the places themselves (Pearson's); take their ranks")
def _(weights):
    return np.corrcoef(np.arange(len(weights)), weights @ np.arange(weights.shape[1]))[0, 1]


@rank_correlation.mistake("the place of the largest weight is asked nowhere: take the expected place, the mean of j")
def _(weights):
    return np.corrcoef(np.arange(len(weights)), _ranks(weights.argmax(axis=1)))[0, 1]


@rank_correlation.mistake("the sign is reversed: 1 is a map that only moves to the right")
def _(weights):
    return -rank_correlation(weights)


@rank_correlation.mistake(
    "that ranks how large the largest weight is, not where it lies: weigh the places by the weights"
)
def _(weights):
    return np.corrcoef(np.arange(len(weights)), _ranks(weights.max(axis=1)))[0, 1]
