"""Exercises of 5.5, Normalization: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _running_cases(rng):
    for n, h in ((2, 2), (5, 3), (8, 4)):
        X = rng.standard_normal((n, h)) * rng.uniform(0.5, 3, h) + rng.standard_normal(h)
        yield rng.standard_normal(h), rng.uniform(0.5, 2, h), X, float(rng.uniform(0.7, 0.95))


@exercise(
    "Return the running (mean, variance), each (h,), after the batch X (n, h): the variance as PyTorch averages it, "
    "with Keras's momentum, the share that is kept.",
    _running_cases,
)
def running_update(mean, variance, X, momentum):
    mean = momentum * mean + (1 - momentum) * X.mean(axis=0)
    variance = momentum * variance + (1 - momentum) * X.var(axis=0, ddof=1)
    return mean, variance


@running_update.mistake("the variance is the biased one, which Keras averages; PyTorch divides by n - 1")
def _(mean, variance, X, momentum):
    return (
        momentum * mean + (1 - momentum) * X.mean(axis=0),
        momentum * variance + (1 - momentum) * X.var(axis=0),
    )


@running_update.mistake("momentum is the share of the *old* value here, as in Keras; you gave it to the batch")
def _(mean, variance, X, momentum):
    return running_update(mean, variance, X, 1 - momentum)


@running_update.mistake("two mistakes: momentum belongs to the old value, and the variance divides by n - 1")
def _(mean, variance, X, momentum):
    return (
        (1 - momentum) * mean + momentum * X.mean(axis=0),
        (1 - momentum) * variance + momentum * X.var(axis=0),
    )


@running_update.mistake("that averages the standard deviations; it is the variances that are averaged")
def _(mean, variance, X, momentum):
    new_mean, _ = running_update(mean, variance, X, momentum)
    return new_mean, (momentum * variance**0.5 + (1 - momentum) * X.std(axis=0, ddof=1)) ** 2


@running_update.mistake("the batch's variance is around the batch's own mean, not around the running one")
def _(mean, variance, X, momentum):
    new_mean, _ = running_update(mean, variance, X, momentum)
    around = ((X - mean) ** 2).sum(axis=0) / (len(X) - 1)
    return new_mean, momentum * variance + (1 - momentum) * around


@running_update.mistake("the batch's variance is around the batch's own mean, not around the new running one")
def _(mean, variance, X, momentum):
    new_mean, _ = running_update(mean, variance, X, momentum)
    around = ((X - new_mean) ** 2).sum(axis=0) / (len(X) - 1)
    return new_mean, momentum * variance + (1 - momentum) * around


@running_update.mistake("those are the statistics of the batch alone: the running ones remember")
def _(mean, variance, X, momentum):
    return X.mean(axis=0), X.var(axis=0, ddof=1)


@running_update.mistake("the correction from n to n - 1 goes the other way: the unbiased variance is the larger one")
def _(mean, variance, X, momentum):
    new_mean, _ = running_update(mean, variance, X, momentum)
    return new_mean, momentum * variance + (1 - momentum) * X.var(axis=0) * (len(X) - 1) / len(X)


@running_update.mistake("the standard deviation is not what is averaged: the variance is its square")
def _(mean, variance, X, momentum):
    new_mean, _ = running_update(mean, variance, X, momentum)
    return new_mean, momentum * variance + (1 - momentum) * X.std(axis=0, ddof=1)


@running_update.mistake("n/(n - 1) corrects the batch's variance only; the running one has been corrected before")
def _(mean, variance, X, momentum):
    new_mean, _ = running_update(mean, variance, X, momentum)
    return new_mean, (momentum * variance + (1 - momentum) * X.var(axis=0)) * len(X) / (len(X) - 1)


@running_update.mistake("each unit has statistics of its own: mean and variance run over axis 0 only")
def _(mean, variance, X, momentum):
    return momentum * mean + (1 - momentum) * X.mean(), momentum * variance + (1 - momentum) * X.var(ddof=1)


def _pooled_cases(rng):
    for counts in ((2, 6), (3, 5, 9), (4, 1, 7, 12)):
        batches = [rng.standard_normal((n, 3)) * rng.uniform(0.5, 2) + rng.standard_normal(3) for n in counts]
        yield np.stack([b.mean(axis=0) for b in batches]), np.stack([b.var(axis=0) for b in batches]), np.array(counts)


@exercise(
    "Return the (mean, variance), each (h,), of all examples of some batches together, from each batch's mean and "
    "biased variance, (batches, h), and its number of examples, (batches,).",
    _pooled_cases,
)
def pooled_statistics(means, variances, counts):
    share = (counts / counts.sum())[:, None]
    mean = (share * means).sum(axis=0)
    return mean, (share * (variances + (means - mean) ** 2)).sum(axis=0)


@pooled_statistics.mistake("the variance lacks the spread of the batch means: add (means - mean)**2 before averaging")
def _(means, variances, counts):
    share = (counts / counts.sum())[:, None]
    return (share * means).sum(axis=0), (share * variances).sum(axis=0)


@pooled_statistics.mistake("the batches have different sizes: weight each by its share of the examples")
def _(means, variances, counts):
    return pooled_statistics(means, variances, np.ones(len(counts)))


@pooled_statistics.mistake("plain averages: neither the sizes of the batches count nor the spread of their means")
def _(means, variances, counts):
    return means.mean(axis=0), variances.mean(axis=0)


@pooled_statistics.mistake("the spread of the means must be weighted too: a large batch pulls more")
def _(means, variances, counts):
    share = (counts / counts.sum())[:, None]
    mean = (share * means).sum(axis=0)
    return mean, (share * variances).sum(axis=0) + ((means - mean) ** 2).mean(axis=0)


@pooled_statistics.mistake("the spread of the means is around their plain average; it is around the weighted mean")
def _(means, variances, counts):
    share = (counts / counts.sum())[:, None]
    return (share * means).sum(axis=0), (share * variances).sum(axis=0) + means.var(axis=0)


@pooled_statistics.mistake("that is the unbiased variance, divided by n - 1; the biased one is asked for")
def _(means, variances, counts):
    mean, variance = pooled_statistics(means, variances, counts)
    return mean, variance * counts.sum() / (counts.sum() - 1)


@pooled_statistics.mistake("standard deviations do not average; the variances do (with the spread of the means)")
def _(means, variances, counts):
    share = (counts / counts.sum())[:, None]
    return (share * means).sum(axis=0), (share * variances**0.5).sum(axis=0) ** 2


@pooled_statistics.mistake("you added the means' *distances*; the variance needs their squares")
def _(means, variances, counts):
    share = (counts / counts.sum())[:, None]
    mean = (share * means).sum(axis=0)
    return mean, (share * (variances + np.abs(means - mean))).sum(axis=0)


@pooled_statistics.mistake("these are the second moments: take the square of the common mean away")
def _(means, variances, counts):
    share = (counts / counts.sum())[:, None]
    return (share * means).sum(axis=0), (share * (variances + means**2)).sum(axis=0)


@pooled_statistics.mistake("you returned the standard deviation; the variance is its square")
def _(means, variances, counts):
    mean, variance = pooled_statistics(means, variances, counts)
    return mean, variance**0.5


@pooled_statistics.mistake("the variance is right; the mean must be weighted as well")
def _(means, variances, counts):
    return means.mean(axis=0), pooled_statistics(means, variances, counts)[1]


def _group_cases(rng):
    for n, c, h, w, groups in ((2, 4, 1, 2, 2), (3, 6, 2, 3, 2), (2, 6, 3, 2, 3)):
        X = rng.standard_normal((n, c, h, w)) * rng.uniform(0.5, 2, (n, c, 1, 1)) + rng.standard_normal((n, c, 1, 1))
        yield X, groups, rng.uniform(0.5, 2, c), rng.standard_normal(c), 0.1


@exercise(
    "Return the group norm of X (n, c, h, w), its channels in `groups` groups of neighbours, gamma and beta (c,).",
    _group_cases,
)
def group_norm(X, groups, gamma, beta, eps):
    parts = X.reshape(len(X), groups, -1)
    parts = parts - parts.mean(axis=2, keepdims=True)
    parts = parts / np.sqrt((parts**2).mean(axis=2, keepdims=True) + eps)
    return gamma[:, None, None] * parts.reshape(X.shape) + beta[:, None, None]


def _group_over(X, axes, gamma, beta, eps, ddof=0):
    X_hat = (X - X.mean(axis=axes, keepdims=True)) / np.sqrt(X.var(axis=axes, keepdims=True, ddof=ddof) + eps)
    return gamma[:, None, None] * X_hat.reshape(len(X), len(gamma), *X.shape[-2:]) + beta[:, None, None]


def _in_groups(X, groups):
    return X.reshape(len(X), groups, -1, *X.shape[2:])


@group_norm.mistake("your groups take every second or third channel; a group is a run of neighbours")
def _(X, groups, gamma, beta, eps):
    n, c, h, w = X.shape
    order = np.arange(c).reshape(-1, groups).T.ravel()
    back = np.argsort(order)
    return group_norm(X[:, order], groups, gamma[order], beta[order], eps)[:, back]


@group_norm.mistake("each place has statistics of its own; a group shares them over all its channels *and* places")
def _(X, groups, gamma, beta, eps):
    return _group_over(_in_groups(X, groups), (2,), gamma, beta, eps)


@group_norm.mistake("that is instance norm: each channel alone; the channels of a group share their statistics")
def _(X, groups, gamma, beta, eps):
    return _group_over(X, (2, 3), gamma, beta, eps)


@group_norm.mistake("that is layer norm, one group of all channels")
def _(X, groups, gamma, beta, eps):
    return _group_over(X, (1, 2, 3), gamma, beta, eps)


@group_norm.mistake("the statistics run over the batch too; group norm treats each example alone")
def _(X, groups, gamma, beta, eps):
    return _group_over(_in_groups(X, groups), (0, 2, 3, 4), gamma, beta, eps)


@group_norm.mistake("that is batch norm")
def _(X, groups, gamma, beta, eps):
    return _group_over(X, (0, 2, 3), gamma, beta, eps)


@group_norm.mistake("eps is added to the variance, inside the root")
def _(X, groups, gamma, beta, eps):
    parts = _in_groups(X, groups)
    X_hat = (parts - parts.mean(axis=(2, 3, 4), keepdims=True)) / (parts.std(axis=(2, 3, 4), keepdims=True) + eps)
    return gamma[:, None, None] * X_hat.reshape(X.shape) + beta[:, None, None]


@group_norm.mistake("normalising divides by the biased variance, also in PyTorch")
def _(X, groups, gamma, beta, eps):
    return _group_over(_in_groups(X, groups), (2, 3, 4), gamma, beta, eps, ddof=1)


@group_norm.mistake("gamma and beta are missing: they scale and move each channel after normalising")
def _(X, groups, gamma, beta, eps):
    return group_norm(X, groups, np.ones_like(gamma), np.zeros_like(beta), eps)


@group_norm.mistake("`groups` is the number of groups, not how many channels are in one")
def _(X, groups, gamma, beta, eps):
    return group_norm(X, X.shape[1] // groups, gamma, beta, eps)


@group_norm.mistake("the mean is not taken away: that would be an RMS norm of the groups")
def _(X, groups, gamma, beta, eps):
    parts = X.reshape(len(X), groups, -1)
    parts = parts / np.sqrt((parts**2).mean(axis=2, keepdims=True) + eps)
    return gamma[:, None, None] * parts.reshape(X.shape) + beta[:, None, None]


@group_norm.mistake("you divide by the variance: the root is missing")
def _(X, groups, gamma, beta, eps):
    parts = X.reshape(len(X), groups, -1)
    parts = (parts - parts.mean(axis=2, keepdims=True)) / (parts.var(axis=2, keepdims=True) + eps)
    return gamma[:, None, None] * parts.reshape(X.shape) + beta[:, None, None]


@group_norm.mistake("eps is missing under the root")
def _(X, groups, gamma, beta, eps):
    return group_norm(X, groups, gamma, beta, 0.0)


@group_norm.mistake("first scale by gamma, then add beta; you scaled beta too")
def _(X, groups, gamma, beta, eps):
    return group_norm(X, groups, gamma, gamma * beta, eps)


def _weight_norm_cases(rng):
    for h, d in ((1, 2), (3, 4), (4, 3)):
        V, gain = rng.standard_normal((h, d)) * rng.uniform(0.5, 3, (h, 1)), rng.uniform(0.5, 2, h)
        yield V, gain, rng.standard_normal((h, d))


@exercise(
    "Weight norm: row j of W is gain_j times v_j/|v_j|. Return (dV, dgain), (h, d) and (h,), from dW (h, d).",
    _weight_norm_cases,
)
def weight_norm_backward(V, gain, dW):
    length = np.sqrt((V**2).sum(axis=1, keepdims=True))
    V_hat = V / length
    along = (dW * V_hat).sum(axis=1, keepdims=True)
    return gain[:, None] / length * (dW - V_hat * along), along[:, 0]


@weight_norm_backward.mistake("the length of v depends on v: take the part of dW along v away")
def _(V, gain, dW):
    _, dgain = weight_norm_backward(V, gain, dW)
    return gain[:, None] / np.linalg.norm(V, axis=1, keepdims=True) * dW, dgain


@weight_norm_backward.mistake("dV lacks the gain: W is gain times the direction")
def _(V, gain, dW):
    dV, dgain = weight_norm_backward(V, gain, dW)
    return dV / gain[:, None], dgain


@weight_norm_backward.mistake("dV lacks the factor 1/|v|: the longer v is, the less a step turns it")
def _(V, gain, dW):
    dV, dgain = weight_norm_backward(V, gain, dW)
    return dV * np.linalg.norm(V, axis=1, keepdims=True), dgain


@weight_norm_backward.mistake("the part along v needs the unit vector twice: v̂ (v̂ · dW), not v (v · dW)")
def _(V, gain, dW):
    _, dgain = weight_norm_backward(V, gain, dW)
    along = (dW * V).sum(axis=1, keepdims=True)
    return gain[:, None] / np.linalg.norm(V, axis=1, keepdims=True) * (dW - V * along), dgain


@weight_norm_backward.mistake("dgain is dW along the *unit* vector of v, not along v itself")
def _(V, gain, dW):
    dV, _ = weight_norm_backward(V, gain, dW)
    return dV, (dW * V).sum(axis=1)


@weight_norm_backward.mistake("the rows have a length each: sum over axis 1, not over the whole matrix")
def _(V, gain, dW):
    length = np.sqrt((V**2).sum())
    V_hat = V / length
    return gain[:, None] / length * (dW - V_hat * (dW * V_hat).sum()), (dW * V_hat).sum(axis=1)


@weight_norm_backward.mistake("weight norm takes no mean away, so nor does its backward pass")
def _(V, gain, dW):
    dV, dgain = weight_norm_backward(V, gain, dW)
    return dV - dV.mean(axis=1, keepdims=True), dgain


@weight_norm_backward.mistake("the mean of the products is batch norm's; a unit vector needs their sum")
def _(V, gain, dW):
    length = np.sqrt((V**2).sum(axis=1, keepdims=True))
    V_hat = V / length
    along = (dW * V_hat).mean(axis=1, keepdims=True)
    return gain[:, None] / length * (dW - V_hat * along), along[:, 0]


@weight_norm_backward.mistake("dV is right; the gain's gradient is dW along the unit vector, without the gain")
def _(V, gain, dW):
    dV, dgain = weight_norm_backward(V, gain, dW)
    return dV, gain * dgain


@weight_norm_backward.mistake("the part along v is taken *away* from dW, not added")
def _(V, gain, dW):
    length = np.sqrt((V**2).sum(axis=1, keepdims=True))
    along = (dW * V / length).sum(axis=1, keepdims=True)
    return gain[:, None] / length * (dW + V / length * along), along[:, 0]


@weight_norm_backward.mistake("dV is right; the gain multiplies the unit vector, so dgain needs the product with it")
def _(V, gain, dW):
    return weight_norm_backward(V, gain, dW)[0], dW.sum(axis=1)
