"""Exercises of 3.1, Variational autoencoder: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np
from scipy.special import logsumexp


def _kl_between_cases(rng):
    yield np.array([[1.0]]), np.array([[0.5]]), np.array([[-0.5]]), np.array([[1.0]])
    for n, d in ((3, 2), (2, 5), (4, 3)):
        yield tuple(rng.standard_normal((n, d)) for _ in range(4))


@exercise(
    "Return the divergence of q from p for each row, summed over the code: (n,).",
    _kl_between_cases,
)
def kl_between(mean_q, log_var_q, mean_p, log_var_p):
    ratio = np.exp(log_var_q - log_var_p)
    shift = (mean_q - mean_p) ** 2 / np.exp(log_var_p)
    return 0.5 * (ratio + shift - 1 + log_var_p - log_var_q).sum(axis=1)


@kl_between.mistake("q and p are swapped: the divergence is not symmetric, and the mean is over q")
def _(mean_q, log_var_q, mean_p, log_var_p):
    return kl_between(mean_p, log_var_p, mean_q, log_var_q)


@kl_between.mistake("that is the divergence from the standard Gaussian; here p has a mean and a variance of its own")
def _(mean_q, log_var_q, mean_p, log_var_p):
    return kl_between(mean_q, log_var_q, 0 * mean_p, 0 * log_var_p)


@kl_between.mistake("average over the code? The divergences of independent coordinates add up")
def _(mean_q, log_var_q, mean_p, log_var_p):
    return kl_between(mean_q, log_var_q, mean_p, log_var_p) / mean_q.shape[1]


@kl_between.mistake("the squared distance of the means must be divided by p's variance")
def _(mean_q, log_var_q, mean_p, log_var_p):
    scale = np.exp(log_var_p / 2)
    return kl_between(mean_q * scale, log_var_q, mean_p * scale, log_var_p)


@kl_between.mistake(
    "the sign of the logarithms: a q much narrower than p must cost more, so log_var_q comes with a minus"
)
def _(mean_q, log_var_q, mean_p, log_var_p):
    return kl_between(mean_q, log_var_q, mean_p, log_var_p) + (log_var_q - log_var_p).sum(axis=1)


@kl_between.mistake("a factor ½ is missing")
def _(mean_q, log_var_q, mean_p, log_var_p):
    return 2 * kl_between(mean_q, log_var_q, mean_p, log_var_p)


@kl_between.mistake("log_var is the logarithm of the variance, not of the standard deviation")
def _(mean_q, log_var_q, mean_p, log_var_p):
    return kl_between(mean_q, 2 * log_var_q, mean_p, 2 * log_var_p)


@kl_between.mistake("the -1 in each coordinate is missing: the divergence of a Gaussian from itself must be 0")
def _(mean_q, log_var_q, mean_p, log_var_p):
    return kl_between(mean_q, log_var_q, mean_p, log_var_p) + 0.5 * mean_q.shape[1]


@kl_between.mistake("the squared distance of the means is divided by p's standard deviation: it must be p's variance")
def _(mean_q, log_var_q, mean_p, log_var_p):
    scale = np.exp(log_var_p / 4)
    return kl_between(mean_q * scale, log_var_q, mean_p * scale, log_var_p)


@kl_between.mistake(
    "the squared distance of the means is divided by q's variance: it must be p's, in whose units we measure"
)
def _(mean_q, log_var_q, mean_p, log_var_p):
    scale = np.exp((log_var_p - log_var_q) / 2)
    return kl_between(mean_q * scale, log_var_q, mean_p * scale, log_var_p)


@kl_between.mistake("the ratio of the variances is upside down: the mean is over q, so q's variance stands above p's")
def _(mean_q, log_var_q, mean_p, log_var_p):
    wrong = np.exp(log_var_p - log_var_q) - np.exp(log_var_q - log_var_p)
    return kl_between(mean_q, log_var_q, mean_p, log_var_p) + 0.5 * wrong.sum(axis=1)


@kl_between.mistake("the logarithms of the variances are missing")
def _(mean_q, log_var_q, mean_p, log_var_p):
    return kl_between(mean_q, log_var_q, mean_p, log_var_p) + 0.5 * (log_var_q - log_var_p).sum(axis=1)


@kl_between.mistake(
    "the divergences of q and of p from the standard Gaussian do not subtract: take log q - log p, and average"
)
def _(mean_q, log_var_q, mean_p, log_var_p):
    zero = 0 * mean_p
    return kl_between(mean_q, log_var_q, zero, zero) - kl_between(mean_p, log_var_p, zero, zero)


@kl_between.mistake("one number a row is asked for: sum over the code only, not over the rows")
def _(mean_q, log_var_q, mean_p, log_var_p):
    return kl_between(mean_q, log_var_q, mean_p, log_var_p).sum()


def _posterior_mean_cases(rng):
    yield np.log(np.array([[1.0, 3.0, 4.0]])) + rng.uniform(0, 0.1), rng.standard_normal((1, 3, 1))
    for n, m, d, level in ((3, 5, 2, -5.0), (2, 8, 4, -1000.0), (4, 6, 3, -100.0)):
        levels = level + 3 * rng.standard_normal((n, 1))
        yield levels + 1.5 * rng.standard_normal((n, m)), rng.standard_normal((n, m, d))


@exercise(
    "Return the weighted mean of the draws, an estimate of the mean of the posterior, for each picture: (n, d).",
    _posterior_mean_cases,
)
def posterior_mean(log_w, z):
    w = np.exp(log_w - logsumexp(log_w, axis=1, keepdims=True))  # of each picture, they sum to 1
    return (w[:, :, None] * z).sum(axis=1)


@posterior_mean.mistake("exp of -1000 is 0 for the computer: take the largest log-weight out first (logsumexp)")
def _(log_w, z):
    w = np.exp(log_w)
    return (w[:, :, None] * z).sum(axis=1) / w.sum(axis=1)[:, None]


@posterior_mean.mistake("all draws count the same: that is the mean of q, not of the posterior")
def _(log_w, z):
    return z.mean(axis=1)


@posterior_mean.mistake("the weights must sum to 1: divide by their sum")
def _(log_w, z):
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    return (w[:, :, None] * z).sum(axis=1)


@posterior_mean.mistake("the weights sum to 1 already: sum over the draws, do not average once more")
def _(log_w, z):
    return posterior_mean(log_w, z) / log_w.shape[1]


@posterior_mean.mistake("only the draw with the largest weight is used: the others count too, each by its weight")
def _(log_w, z):
    return z[np.arange(len(z)), log_w.argmax(axis=1)]


@posterior_mean.mistake(
    "the weights sum to 1 over everything: they must for each picture, since each has its own log p(x)"
)
def _(log_w, z):
    w = np.exp(log_w - logsumexp(log_w))
    return (w[:, :, None] * z).sum(axis=1)


@posterior_mean.mistake("those are the log-weights themselves: take their exponential")
def _(log_w, z):
    w = log_w / log_w.sum(axis=1, keepdims=True)
    return (w[:, :, None] * z).sum(axis=1)


@posterior_mean.mistake("one code a picture is asked for, not the mean over the pictures")
def _(log_w, z):
    return posterior_mean(log_w, z).mean(axis=0)


def _score_gradient_cases(rng):
    for m, d in ((3, 1), (5, 2), (8, 4)):
        mean, log_var = rng.standard_normal(d), rng.uniform(-1.5, 1.5, d)
        yield mean + np.exp(log_var / 2) * rng.standard_normal((m, d)), -100 + 5 * rng.standard_normal(m), mean, log_var


@exercise(
    "Return each draw's estimate of the gradient by the log-variance, against the mean of the others: (m, d).",
    _score_gradient_cases,
)
def score_gradient(z, f, mean, log_var):
    score = 0.5 * ((z - mean) ** 2 / np.exp(log_var) - 1)
    others = (f.sum() - f) / (len(f) - 1)
    return (f - others)[:, None] * score


@score_gradient.mistake("no baseline: subtract from each f the mean of the *other* draws' f")
def _(z, f, mean, log_var):
    return f[:, None] * 0.5 * ((z - mean) ** 2 / np.exp(log_var) - 1)


@score_gradient.mistake("the mean of *all* draws holds the draw itself, which biases the estimate by (m - 1) / m")
def _(z, f, mean, log_var):
    return score_gradient(z, f, mean, log_var) * (len(f) - 1) / len(f)


@score_gradient.mistake("the sum of the others is divided by m: they are m - 1")
def _(z, f, mean, log_var):
    others = (f.sum() - f) / len(f)
    return (f - others)[:, None] * 0.5 * ((z - mean) ** 2 / np.exp(log_var) - 1)


@score_gradient.mistake("that is the gradient by the mean; asked for is that by the log-variance")
def _(z, f, mean, log_var):
    others = (f.sum() - f) / (len(f) - 1)
    return (f - others)[:, None] * (z - mean) / np.exp(log_var)


@score_gradient.mistake(
    "that is the gradient by the variance: by its logarithm, the chain rule multiplies by the variance"
)
def _(z, f, mean, log_var):
    return score_gradient(z, f, mean, log_var) / np.exp(log_var)


@score_gradient.mistake(
    "that is the gradient by the standard deviation: by the log-variance, the chain rule multiplies by half of it"
)
def _(z, f, mean, log_var):
    return 2 * score_gradient(z, f, mean, log_var) / np.exp(log_var / 2)


@score_gradient.mistake("a factor ½ is missing: log q holds -½ log_var - ½ (z - mean)² / variance")
def _(z, f, mean, log_var):
    return 2 * score_gradient(z, f, mean, log_var)


@score_gradient.mistake("the -1 is missing: log q holds -½ log_var too, and its derivative is -½")
def _(z, f, mean, log_var):
    others = (f.sum() - f) / (len(f) - 1)
    return (f - others)[:, None] * 0.5 * (z - mean) ** 2 / np.exp(log_var)


@score_gradient.mistake("the sign: the derivative of log q by log_var is ½ ((z - mean)² / variance - 1)")
def _(z, f, mean, log_var):
    return -score_gradient(z, f, mean, log_var)


@score_gradient.mistake("one estimate a draw is asked for, not their mean")
def _(z, f, mean, log_var):
    return score_gradient(z, f, mean, log_var).mean(axis=0)


@score_gradient.mistake("divided by the standard deviation: (z - mean)² must be divided by the variance, exp(log_var)")
def _(z, f, mean, log_var):
    others = (f.sum() - f) / (len(f) - 1)
    return (f - others)[:, None] * 0.5 * ((z - mean) ** 2 / np.exp(log_var / 2) - 1)


def _log_integral_cases(rng):
    yield (np.array([rng.uniform(0.8, 1.2), -2.0]),)
    yield (rng.normal(0, 3, 6),)
    yield (np.array([0.0, 1e-9, -1e-9, 1e-13, 1e-5, -1e-3]),)
    yield (10 ** rng.uniform(-6, 0, 40),)
    yield (np.array([-600.0, 600.0, 50.0, -50.0]) * rng.uniform(0.9, 1.0),)


@exercise(
    "Return the logarithm of the integral of p^x (1 - p)^(1 - x) over x from 0 to 1, for logits a (n,).",
    _log_integral_cases,
    tolerance=1e-10,
)
def log_integral(a):
    half = np.abs(a) / 2  # the integral is tanh(a / 2) / a, which is even in a
    safe = np.where(half < 1e-4, 1.0, half)
    return np.where(half < 1e-4, np.log(0.5) - half**2 / 3, np.log(np.tanh(safe) / (2 * safe)))


@log_integral.mistake(
    "at a = 0 numerator and denominator are both 0: the limit is ½, and near it a series keeps the digits"
)
def _(a):
    return np.log(np.tanh(a / 2) / a)


@log_integral.mistake(
    "for large |a| p rounds to 0 or 1, and log p - log(1 - p) is infinite: use a itself; and at a = 0 the limit is ½"
)
def _(a):
    p = 1 / (1 + np.exp(-a))
    return np.log((2 * p - 1) / (np.log(p) - np.log1p(-p)))


@log_integral.mistake(
    "0 is treated, but next to it 2p - 1 loses its digits, and for large |a| log(1 - p) overflows: tanh(a/2) / a"
)
def _(a):
    p = 1 / (1 + np.exp(-a))
    value = (2 * p - 1) / (np.log(p) - np.log1p(-p))
    return np.log(np.where(a == 0, 0.5, value))


@log_integral.mistake(
    "near a = 0, 2p - 1 loses its digits: it is tanh(a / 2), which keeps them; and at a = 0 the limit is ½"
)
def _(a):
    return np.log((2 / (1 + np.exp(-a)) - 1) / a)


@log_integral.mistake("0 is treated, but next to it 2p - 1 loses its digits: it is tanh(a / 2), which keeps them")
def _(a):
    return np.log(np.where(a == 0, 0.5, (2 / (1 + np.exp(-a)) - 1) / np.where(a == 0, 1, a)))


@log_integral.mistake("½ is put in too far from 0: at a = 0.001 the integral is already smaller in the eighth digit")
def _(a):
    return np.where(np.abs(a) < 2e-3, np.log(0.5), log_integral(a))


@log_integral.mistake("tanh(a / 2), not tanh(a)")
def _(a):
    return log_integral(2 * a) + np.log(2)


@log_integral.mistake("the sign: that is what the loss gains, minus the logarithm of the integral")
def _(a):
    return -log_integral(a)


@log_integral.mistake("the logarithm is missing")
def _(a):
    return np.exp(log_integral(a))


@log_integral.mistake(
    "for negative a the logarithm of a negative number: numerator and denominator change sign together"
)
def _(a):
    with np.errstate(all="ignore"):
        return np.where(a < 0, np.nan, log_integral(a))


@log_integral.mistake("that is the mean of all pixels; one number each is asked for")
def _(a):
    return log_integral(a).mean()


@log_integral.mistake("a was taken for the probability p: it is the logit")
def _(a):
    return np.log((2 * a - 1) / (np.log(a) - np.log1p(-a)))
