"""Exercises of 5.1, Loss functions: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _expectile_cases(rng):
    for n, tau in ((5, 0.8), (7, 0.3), (9, 0.95)):
        yield 2 * rng.standard_normal(n), rng.standard_normal(n), tau


@exercise(
    "Return (mean loss, gradient (n,)) of τ e² for e = y − z > 0 and (1 − τ) e² for e < 0.",
    _expectile_cases,
)
def expectile_loss(z, y, tau):
    e = y - z
    side = np.where(e > 0, tau, 1 - tau)
    return (side * e**2).mean(), -2 * side * e / len(e)


@expectile_loss.mistake("the value is right; the gradient is that with respect to y: turn its sign")
def _(z, y, tau):
    value, gradient = expectile_loss(z, y, tau)
    return value, -gradient


@expectile_loss.mistake("the two sides are exchanged: e is y − z, so e > 0 is a forecast that is too low; it costs τ")
def _(z, y, tau):
    return expectile_loss(z, y, 1 - tau)


@expectile_loss.mistake("the value is right; its gradient is that of the mean, so it holds 1/n")
def _(z, y, tau):
    value, gradient = expectile_loss(z, y, tau)
    return value, gradient * len(z)


@expectile_loss.mistake("that is the sum; return the mean")
def _(z, y, tau):
    value, gradient = expectile_loss(z, y, tau)
    return value * len(z), gradient * len(z)


@expectile_loss.mistake("that is the quantile loss: here the errors are squared")
def _(z, y, tau):
    e = y - z
    return np.maximum(tau * e, (tau - 1) * e).mean(), np.where(e > 0, -tau, 1 - tau) / len(e)


@expectile_loss.mistake("the value is right; the derivative of e² is 2e")
def _(z, y, tau):
    value, gradient = expectile_loss(z, y, tau)
    return value, gradient / 2


@expectile_loss.mistake("there is no ½ here: τ times the whole square")
def _(z, y, tau):
    value, gradient = expectile_loss(z, y, tau)
    return value / 2, gradient / 2


@expectile_loss.mistake("the larger of the two is no choice of a side: the sign of e decides whether τ or 1 − τ counts")
def _(z, y, tau):
    e = y - z
    side = max(tau, 1 - tau)
    return (side * e**2).mean(), -2 * side * e / len(e)


def _count_cases(rng):
    for n in (4, 6, 9):
        yield rng.uniform(-1, 2, n), rng.poisson(3, n) + rng.integers(0, 2, n)


@exercise(
    "Return (mean loss, gradient (n,)) of counts y (n,) whose rate is e^z, without the term that z does not move.",
    _count_cases,
)
def poisson_loss(z, y):
    return (np.exp(z) - y * z).mean(), (np.exp(z) - y) / len(z)


@poisson_loss.mistake("z is the logarithm of the rate: the rate is e^z, which is never negative")
def _(z, y):
    rate = np.abs(z) + 1e-3
    return (rate - y * np.log(rate)).mean(), (1 - y / rate) / len(z)


@poisson_loss.mistake("that is the log-likelihood, which one maximises; a loss has the other sign")
def _(z, y):
    value, gradient = poisson_loss(z, y)
    return -value, -gradient


@poisson_loss.mistake(
    "the gradient of e^z − y z with respect to z is e^z − y, prediction minus target; yours is of the rate"
)
def _(z, y):
    value, _ = poisson_loss(z, y)
    return value, (1 - y / np.exp(z)) / len(z)


@poisson_loss.mistake("that is the squared error of the rate: start from −log of the probability of y")
def _(z, y):
    e = np.exp(z) - y
    return (e**2).mean(), 2 * e * np.exp(z) / len(z)


@poisson_loss.mistake("that is the sum over the examples; return the mean, and 1/n in the gradient")
def _(z, y):
    value, gradient = poisson_loss(z, y)
    return value * len(z), gradient * len(z)


@poisson_loss.mistake("the value is right; the gradient lacks the 1/n of the mean")
def _(z, y):
    value, gradient = poisson_loss(z, y)
    return value, gradient * len(z)


@poisson_loss.mistake("the gradient is right; leave out the term log y!, which z does not move")
def _(z, y):
    value, gradient = poisson_loss(z, y)
    return value + np.mean([np.log(np.arange(1, int(k) + 1)).sum() for k in y]), gradient


@poisson_loss.mistake("the value is right; −y z has a derivative too: e^z − y")
def _(z, y):
    return poisson_loss(z, y)[0], np.exp(z) / len(z)


def _weight_cases(rng):
    for n, w in ((4, 50.0), (6, 3.0), (8, 0.2)):
        yield rng.uniform(0.05, 0.95, n), w


@exercise(
    "Return the probabilities (n,) that a network means which was trained with weight w on class 1 and says p (n,).",
    _weight_cases,
)
def unweighted(p, w):
    return p / (p + w * (1 - p))


@unweighted.mistake(
    "you applied the weight a second time: the odds that it says are w times too high; divide them by w"
)
def _(p, w):
    return w * p / (w * p + 1 - p)


@unweighted.mistake("the weight multiplies the odds p / (1 − p), not the probability")
def _(p, w):
    return p / w


@unweighted.mistake("these are odds; turn them back into a probability, odds / (1 + odds)")
def _(p, w):
    return p / (1 - p) / w


@unweighted.mistake("this is the probability of class 0")
def _(p, w):
    return 1 - unweighted(p, w)


@unweighted.mistake("the logit moves by log w, not by w")
def _(p, w):
    return 1 / (1 + np.exp(-(np.log(p / (1 - p)) - w)))


@unweighted.mistake("this is the logit; turn it back into a probability with the sigmoid")
def _(p, w):
    return np.log(p / (1 - p)) - np.log(w)


@unweighted.mistake("the weight counts for class 1 only, so it stands at 1 − p, not alone: p / (p + w (1 − p))")
def _(p, w):
    return p / (p + w)


def _class_cases(rng):
    for n, k in ((6, 3), (8, 4), (10, 3)):
        y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
        yield 2 * rng.standard_normal((n, k)), y, rng.uniform(0.5, 4, k)


def _terms(Z, y):
    top = Z.max(axis=1)
    return top + np.log(np.exp(Z - top[:, None]).sum(axis=1)) - Z[np.arange(len(Z)), y]


@exercise(
    "Return the weighted cross-entropy of logits Z (n, k), classes y (n,), class weights (k,): (PyTorch's, Keras's).",
    _class_cases,
)
def weighted_cross_entropy(Z, y, weights):
    total = (weights[y] * _terms(Z, y)).sum()
    return total / weights[y].sum(), total / len(y)


@weighted_cross_entropy.mistake("both are right, in the other order: PyTorch divides by the sum of the weights")
def _(Z, y, weights):
    return weighted_cross_entropy(Z, y, weights)[::-1]


@weighted_cross_entropy.mistake(
    "PyTorch divides by the weights of the examples, summed over the batch, not by those of the classes"
)
def _(Z, y, weights):
    total = (weights[y] * _terms(Z, y)).sum()
    return total / weights.sum(), total / len(y)


@weighted_cross_entropy.mistake("Keras divides by the number of examples, not of classes")
def _(Z, y, weights):
    total = (weights[y] * _terms(Z, y)).sum()
    return total / weights[y].sum(), total / len(weights)


@weighted_cross_entropy.mistake(
    "the weights are not applied: each example counts by the weight of its own class, weights[y]"
)
def _(Z, y, weights):
    return _terms(Z, y).mean(), _terms(Z, y).mean()


@weighted_cross_entropy.mistake("the weight multiplies the loss, not the logits")
def _(Z, y, weights):
    total = _terms(Z * weights, y).sum()
    return total / weights[y].sum(), total / len(y)


@weighted_cross_entropy.mistake("both frameworks divide: you returned the sum for one of them")
def _(Z, y, weights):
    right = weighted_cross_entropy(Z, y, weights)
    return right[0], right[1] * len(y)


@weighted_cross_entropy.mistake("Keras's is right; PyTorch divides by something else, the sum of the weights")
def _(Z, y, weights):
    return (weighted_cross_entropy(Z, y, weights)[1],) * 2


@weighted_cross_entropy.mistake("PyTorch's is right; Keras divides by something else, the number of examples")
def _(Z, y, weights):
    return (weighted_cross_entropy(Z, y, weights)[0],) * 2


@weighted_cross_entropy.mistake("the sign: the loss is minus the logarithm of a probability, so it is positive")
def _(Z, y, weights):
    first, second = weighted_cross_entropy(Z, y, weights)
    return -first, -second


def _gaussian_cases(rng):
    for n in (4, 6, 8):
        yield rng.standard_normal(n), rng.uniform(-0.8, 0.8, n), 1.5 * rng.standard_normal(n)


@exercise(
    "Return (mean loss, gradient for z, gradient for s) of a Gaussian of mean z and deviation e^s, without log √2π.",
    _gaussian_cases,
)
def gaussian_loss(z, s, y):
    scaled = (y - z) / np.exp(s)
    return (0.5 * scaled**2 + s).mean(), -scaled / np.exp(s) / len(z), (1 - scaled**2) / len(z)


@gaussian_loss.mistake("the deviation itself costs too: without + s the network would make it endless and pay nothing")
def _(z, s, y):
    scaled = (y - z) / np.exp(s)
    return (0.5 * scaled**2).mean(), -scaled / np.exp(s) / len(z), -(scaled**2) / len(z)


@gaussian_loss.mistake("s is the logarithm of the deviation, not of the variance: divide the squared error by e^{2s}")
def _(z, s, y):
    e = y - z
    return (0.5 * e**2 / np.exp(s) + 0.5 * s).mean(), -e / np.exp(s) / len(z), (0.5 - 0.5 * e**2 / np.exp(s)) / len(z)


@gaussian_loss.mistake("value and third entry are right; the means' gradient divides the error by the variance, e^{2s}")
def _(z, s, y):
    value, for_means, for_s = gaussian_loss(z, s, y)
    return value, for_means * np.exp(s), for_s


@gaussian_loss.mistake(
    "the means' gradient has the wrong sign: a mean that is too low must be raised, so its slope is negative"
)
def _(z, s, y):
    value, for_means, for_s = gaussian_loss(z, s, y)
    return value, -for_means, for_s


@gaussian_loss.mistake(
    "value and second entry are right; the last one is the gradient for the deviation: times e^s for s"
)
def _(z, s, y):
    value, for_means, for_s = gaussian_loss(z, s, y)
    return value, for_means, for_s / np.exp(s)


@gaussian_loss.mistake("the squared error has its half here: it comes from the Gaussian's exponent")
def _(z, s, y):
    scaled = (y - z) / np.exp(s)
    return (scaled**2 + s).mean(), -2 * scaled / np.exp(s) / len(z), (1 - 2 * scaled**2) / len(z)


@gaussian_loss.mistake("the value is right; both gradients lack the 1/n of the mean")
def _(z, s, y):
    value, for_means, for_s = gaussian_loss(z, s, y)
    return value, for_means * len(z), for_s * len(z)


@gaussian_loss.mistake("the gradients are right; leave out the constant log √2π")
def _(z, s, y):
    value, for_means, for_s = gaussian_loss(z, s, y)
    return value + 0.5 * np.log(2 * np.pi), for_means, for_s


@gaussian_loss.mistake("s is the logarithm of the deviation: divide by e^s, not by s")
def _(z, s, y):
    scaled = (y - z) / s
    return (0.5 * scaled**2 + np.log(np.abs(s))).mean(), -scaled / s / len(z), (1 - scaled**2) / s / len(z)


@gaussian_loss.mistake(
    "value and second entry are right; in the last one the squared error pulls the other way: 1 − (e/e^s)²"
)
def _(z, s, y):
    value, for_means, _ = gaussian_loss(z, s, y)
    return value, for_means, (1 + ((y - z) / np.exp(s)) ** 2) / len(z)


@gaussian_loss.mistake("value and second entry are right; the term + s has a derivative too, 1")
def _(z, s, y):
    value, for_means, _ = gaussian_loss(z, s, y)
    return value, for_means, -(((y - z) / np.exp(s)) ** 2) / len(z)
