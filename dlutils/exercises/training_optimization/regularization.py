"""Exercises of 5.4, Regularization: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _ridge_cases(rng):
    for n, d in ((4, 2), (6, 3), (3, 5)):
        yield rng.standard_normal((n, d)), rng.standard_normal(n), float(rng.uniform(0.3, 2.0))


@exercise(
    "Return (w, dof): the w (d,) that minimises |y - X @ w|² + lam * |w|², and the sum of its shrink factors.",
    _ridge_cases,
)
def ridge_by_svd(X, y, lam):
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    w = Vt.T @ (s / (s**2 + lam) * (U.T @ y))
    return w, (s**2 / (s**2 + lam)).sum()


def _ridge_with(factors, dof=None):
    """A ridge whose factors along the singular directions are given, as a function of s and lam."""

    def solve(X, y, lam):
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        right = (s**2 / (s**2 + lam)).sum()
        return Vt.T @ (factors(s, lam, len(X)) * (U.T @ y)), right if dof is None else dof(s, lam)

    return solve


@ridge_by_svd.mistake("s²/(s² + lam) shrinks the *fit* U.T @ y; the weights have one s less: s/(s² + lam)")
def _(X, y, lam):
    return _ridge_with(lambda s, lam, n: s**2 / (s**2 + lam))(X, y, lam)


@ridge_by_svd.mistake("that is 1/(s + lam): the eigenvalues of X.T @ X are the *squares* of the singular values")
def _(X, y, lam):
    return _ridge_with(lambda s, lam, n: 1 / (s + lam), lambda s, lam: (s / (s + lam)).sum())(X, y, lam)


@ridge_by_svd.mistake("that minimises the *mean* of the squares + lam * |w|²; here the squares are summed: no n")
def _(X, y, lam):
    return ridge_by_svd(X, y, lam * len(X))


@ridge_by_svd.mistake("that belongs to a loss with ½ before the squares only: the gradient of both terms has its 2")
def _(X, y, lam):
    return ridge_by_svd(X, y, 2 * lam)


@ridge_by_svd.mistake("that belongs to ½ * lam * |w|²: here the penalty has no ½, like Keras's L2(lam)")
def _(X, y, lam):
    return ridge_by_svd(X, y, lam / 2)


@ridge_by_svd.mistake("lam is missing in the weights: that is least squares, without any shrinking")
def _(X, y, lam):
    return _ridge_with(lambda s, lam, n: 1 / s)(X, y, lam)


@ridge_by_svd.mistake("w is right; the second value is the sum of s²/(s² + lam), which is less than the rank")
def _(X, y, lam):
    return _ridge_with(lambda s, lam, n: s / (s**2 + lam), lambda s, lam: float(len(s)))(X, y, lam)


@ridge_by_svd.mistake("w is right; you summed its factors s/(s² + lam), but the *fit* is shrunk by s²/(s² + lam)")
def _(X, y, lam):
    return _ridge_with(lambda s, lam, n: s / (s**2 + lam), lambda s, lam: (s / (s**2 + lam)).sum())(X, y, lam)


@ridge_by_svd.mistake("lam is missing in both: that is least squares and its rank, without any shrinking")
def _(X, y, lam):
    return _ridge_with(lambda s, lam, n: 1 / s, lambda s, lam: float(len(s)))(X, y, lam)


@ridge_by_svd.mistake("w is right; the shrink factor of the fit has squares, s²/(s² + lam), not s/(s + lam)")
def _(X, y, lam):
    return _ridge_with(lambda s, lam, n: s / (s**2 + lam), lambda s, lam: (s / (s + lam)).sum())(X, y, lam)


@ridge_by_svd.mistake("w is right; you summed what is lost, lam/(s² + lam), instead of what is kept")
def _(X, y, lam):
    return _ridge_with(lambda s, lam, n: s / (s**2 + lam), lambda s, lam: (lam / (s**2 + lam)).sum())(X, y, lam)


@ridge_by_svd.mistake("the result is still in the basis of the right singular vectors: turn it back by Vt.T")
def _(X, y, lam):
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    return s / (s**2 + lam) * (U.T @ y), (s**2 / (s**2 + lam)).sum()


def _ista_cases(rng):
    for n, d in ((5, 4), (8, 6), (6, 9)):
        crossed = False
        while not crossed:  # until a weight crosses zero and survives, and one is below the threshold before the step
            X, w, y = rng.standard_normal((n, d)), rng.standard_normal(d), rng.standard_normal(n) * 3
            step = float(rng.uniform(0.6, 0.9) / np.linalg.norm(X, 2) ** 2)
            w[0] = 0.0  # a weight that is zero already
            moved = w + step * X.T @ (y - X @ w)
            size = np.sort(np.abs(moved))  # the threshold lies between them, so that some weights become zero
            threshold = (size[d // 3] + size[d // 3 + 1]) / 2
            crossed = ((moved * w < 0) & (np.abs(moved) > threshold)).any() and (np.abs(w[1:]) < threshold).any()
        yield w, X, y, float(threshold / step), step


@exercise(
    "Return w (d,) after one step of size `step` of ISTA on |y - X @ w|² / 2 + lam * |w|₁.",
    _ista_cases,
)
def ista_step(w, X, y, lam, step):
    moved = w - step * X.T @ (X @ w - y)
    return np.sign(moved) * np.maximum(np.abs(moved) - step * lam, 0)


def _soft(v, threshold):
    return np.sign(v) * np.maximum(np.abs(v) - threshold, 0)


@ista_step.mistake("the threshold is step * lam: a shorter step shrinks less")
def _(w, X, y, lam, step):
    return _soft(w - step * X.T @ (X @ w - y), lam)


@ista_step.mistake("that is the subgradient step, which never stops at zero: move first, then apply the threshold")
def _(w, X, y, lam, step):
    return w - step * (X.T @ (X @ w - y) + lam * np.sign(w))


@ista_step.mistake("that is the hard threshold: the weights that survive must shrink by step * lam, too")
def _(w, X, y, lam, step):
    moved = w - step * X.T @ (X @ w - y)
    return np.where(np.abs(moved) > step * lam, moved, 0)


@ista_step.mistake("the gradient step climbs: the gradient of the squares is X.T @ (X @ w - y)")
def _(w, X, y, lam, step):
    return _soft(w + step * X.T @ (X @ w - y), step * lam)


@ista_step.mistake("the threshold comes after the gradient step, and is applied to its result")
def _(w, X, y, lam, step):
    return _soft(w, step * lam) - step * X.T @ (X @ w - y)


@ista_step.mistake("negative weights are lost: shrink the *size*, |v| - step * lam, and give the sign back")
def _(w, X, y, lam, step):
    return np.maximum(w - step * X.T @ (X @ w - y) - step * lam, 0)


@ista_step.mistake("the sizes are right, the signs are lost: multiply by the sign of the moved weight")
def _(w, X, y, lam, step):
    return np.abs(ista_step(w, X, y, lam, step))


@ista_step.mistake("the sign is that of the weight before the step; the step may have crossed zero")
def _(w, X, y, lam, step):
    moved = w - step * X.T @ (X @ w - y)
    return np.sign(w) * np.maximum(np.abs(moved) - step * lam, 0)


@ista_step.mistake("the squares are summed and halved here: the gradient has neither 1/n nor 2")
def _(w, X, y, lam, step):
    return _soft(w - step * X.T @ (X @ w - y) / len(y), step * lam)


@ista_step.mistake("the squares have a ½, so their gradient has no factor of 2")
def _(w, X, y, lam, step):
    return _soft(w - 2 * step * X.T @ (X @ w - y), step * lam)


@ista_step.mistake("the threshold is missing: that is plain gradient descent on the squares")
def _(w, X, y, lam, step):
    return w - step * X.T @ (X @ w - y)


@ista_step.mistake("that takes 1/L for the step; here the step size is given: `step`")
def _(w, X, y, lam, step):
    L = np.linalg.norm(X, 2) ** 2
    return _soft(w - X.T @ (X @ w - y) / L, lam / L)


@ista_step.mistake("lam is counted twice: its sign is not a part of the gradient, the threshold does all of it")
def _(w, X, y, lam, step):
    return _soft(w - step * (X.T @ (X @ w - y) + lam * np.sign(w)), step * lam)


@ista_step.mistake("without the maximum with 0 small weights cross zero instead of stopping there")
def _(w, X, y, lam, step):
    moved = w - step * X.T @ (X @ w - y)
    return np.sign(moved) * (np.abs(moved) - step * lam)


@ista_step.mistake("that is the step for an L2 penalty: it shrinks every weight and makes none zero")
def _(w, X, y, lam, step):
    return (w - step * X.T @ (X @ w - y)) / (1 + step * lam)


def _dropout_cases(rng):
    for shape in ((2, 4), (3, 5), (6, 8)):
        yield rng.standard_normal(shape), rng.standard_normal(shape), rng.random(shape), float(rng.uniform(0.25, 0.45))


@exercise(
    "Return (output, dA): inverted dropout of A that drops where u < p, and the gradient of A for the output's, dZ.",
    _dropout_cases,
)
def dropout(A, dZ, u, p):
    factor = (u >= p) / (1 - p)
    return A * factor, dZ * factor


@dropout.mistake("the kept ones are not scaled: divide by 1 - p, so that the expectation stays")
def _(A, dZ, u, p):
    return A * (u >= p), dZ * (u >= p)


@dropout.mistake("u < p is where a unit is *dropped*: p is the share of the lost, not of the kept")
def _(A, dZ, u, p):
    return A * (u < p) / (1 - p), dZ * (u < p) / (1 - p)


@dropout.mistake("both are exchanged: a unit is kept with probability 1 - p, and divided by that")
def _(A, dZ, u, p):
    return A * (u < p) / p, dZ * (u < p) / p


@dropout.mistake("divide by the probability of being *kept*, 1 - p")
def _(A, dZ, u, p):
    return A * (u >= p) / p, dZ * (u >= p) / p


@dropout.mistake("multiplied where it should be divided: 1 - p of the units must carry the whole sum")
def _(A, dZ, u, p):
    return A * (u >= p) * (1 - p), dZ * (u >= p) * (1 - p)


@dropout.mistake("the output is right; the gradient of a dropped unit is zero, with the same mask")
def _(A, dZ, u, p):
    return dropout(A, dZ, u, p)[0], dZ / (1 - p)


@dropout.mistake("the output is right; dropped units do not hear the gradient, and the kept ones are scaled, too")
def _(A, dZ, u, p):
    return dropout(A, dZ, u, p)[0], dZ


@dropout.mistake("the output is right; its slope is 1/(1 - p), so the gradient is scaled like the output")
def _(A, dZ, u, p):
    return dropout(A, dZ, u, p)[0], dZ * (u >= p)


@dropout.mistake("the output is right; where it is zero, a unit was dropped, and the gradient must be zero as well")
def _(A, dZ, u, p):
    output = dropout(A, dZ, u, p)[0]
    return output, np.where(output == 0, dZ, dZ / (1 - p))


@dropout.mistake("kept where u < 1 - p: as likely, but the task drops where u < p")
def _(A, dZ, u, p):
    return A * (u < 1 - p) / (1 - p), dZ * (u < 1 - p) / (1 - p)


@dropout.mistake("the output is right; the gradient multiplied by A is that of the mask: the slope in A is M/(1 - p)")
def _(A, dZ, u, p):
    output = dropout(A, dZ, u, p)[0]
    return output, dZ * output


@dropout.mistake("the output is right; the gradient is divided by 1 - p only once")
def _(A, dZ, u, p):
    return dropout(A, dZ, u, p)[0], dZ * (u >= p) / (1 - p) ** 2


@dropout.mistake("one mask for all examples: every row of u has its own")
def _(A, dZ, u, p):
    return dropout(A, dZ, np.broadcast_to(u[:1], u.shape), p)


@dropout.mistake("scaled by the share that *happened* to be kept; it must be the probability, 1 - p")
def _(A, dZ, u, p):
    factor = (u >= p) / (u >= p).mean()
    return A * factor, dZ * factor


def _smoothing_cases(rng):
    for n, k, size in ((2, 3, 1.0), (5, 4, 3.0), (4, 6, 1000.0)):
        logits = size * rng.standard_normal((n, k))
        logits[0] -= 2 * size  # a row far below the others: one maximum for all rows is not enough
        logits[1, 0] = 1.5 * size  # and one that overflows for certain
        yield logits, rng.integers(0, k, n), float(rng.uniform(0.1, 0.4))


@exercise(
    "Return (loss, dlogits) of the mean cross-entropy with targets (1 - eps) * one-hot(y) + eps / k.",
    _smoothing_cases,
)
def smoothed_cross_entropy(logits, y, eps):
    n, k = logits.shape
    targets = (1 - eps) * np.eye(k)[y] + eps / k
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(targets * log_p).sum(axis=1).mean(), (np.exp(log_p) - targets) / n


def _smoothed(logits, targets):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(targets * log_p).sum(axis=1).mean(), (np.exp(log_p) - targets * 1.0) / len(logits)


@smoothed_cross_entropy.mistake("eps is spread over the other k - 1 classes; here all k share it, the true one too")
def _(logits, y, eps):
    k = logits.shape[1]
    return _smoothed(logits, np.where(np.eye(k)[y] == 1, 1 - eps, eps / (k - 1)))


@smoothed_cross_entropy.mistake("the targets do not sum to one: the true class has 1 - eps + eps/k")
def _(logits, y, eps):
    k = logits.shape[1]
    return _smoothed(logits, np.where(np.eye(k)[y] == 1, 1 - eps, eps / k))


@smoothed_cross_entropy.mistake("every other class gets the whole eps: it is shared, eps/k each")
def _(logits, y, eps):
    k = logits.shape[1]
    return _smoothed(logits, np.where(np.eye(k)[y] == 1, 1 - eps, eps))


@smoothed_cross_entropy.mistake("nothing is smoothed: that is the plain cross-entropy")
def _(logits, y, eps):
    return _smoothed(logits, np.eye(logits.shape[1])[y])


@smoothed_cross_entropy.mistake("eps and 1 - eps are exchanged")
def _(logits, y, eps):
    return smoothed_cross_entropy(logits, y, 1 - eps)


@smoothed_cross_entropy.mistake("the loss is right; the gradient still subtracts one-hot targets, not the smooth ones")
def _(logits, y, eps):
    k = logits.shape[1]
    return smoothed_cross_entropy(logits, y, eps)[0], _smoothed(logits, np.eye(k)[y])[1]


@smoothed_cross_entropy.mistake("the gradient is right; the loss still uses one-hot targets")
def _(logits, y, eps):
    return _smoothed(logits, np.eye(logits.shape[1])[y])[0], smoothed_cross_entropy(logits, y, eps)[1]


@smoothed_cross_entropy.mistake("the loss has the wrong sign: minus the sum of targets times log p")
def _(logits, y, eps):
    loss, gradient = smoothed_cross_entropy(logits, y, eps)
    return -loss, gradient


@smoothed_cross_entropy.mistake("a small number inside the log caps the loss: log p = logit - log-sum-exp needs none")
def _(logits, y, eps):
    targets = (1 - eps) * np.eye(logits.shape[1])[y] + eps / logits.shape[1]
    E = np.exp(logits - logits.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    return -(targets * np.log(P + 1e-12)).sum(axis=1).mean(), (P - targets) / len(y)


@smoothed_cross_entropy.mistake("the loss is a mean over n examples, so its gradient has the factor 1/n, too")
def _(logits, y, eps):
    loss, gradient = smoothed_cross_entropy(logits, y, eps)
    return loss, gradient * len(logits)


@smoothed_cross_entropy.mistake("the sum over the examples is asked as a mean")
def _(logits, y, eps):
    loss, gradient = smoothed_cross_entropy(logits, y, eps)
    return loss * len(logits), gradient * len(logits)


@smoothed_cross_entropy.mistake("the mean runs over examples *and* classes: sum over the classes")
def _(logits, y, eps):
    loss, gradient = smoothed_cross_entropy(logits, y, eps)
    return loss / logits.shape[1], gradient / logits.shape[1]


@smoothed_cross_entropy.mistake("the gradient's sign: probabilities minus targets")
def _(logits, y, eps):
    loss, gradient = smoothed_cross_entropy(logits, y, eps)
    return loss, -gradient


@smoothed_cross_entropy.mistake("exp overflows for logits of a thousand: subtract each row's maximum first")
def _(logits, y, eps):
    targets = (1 - eps) * np.eye(logits.shape[1])[y] + eps / logits.shape[1]
    P = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -(targets * np.log(P)).sum(axis=1).mean(), (P - targets) / len(y)


@smoothed_cross_entropy.mistake("log still meets a probability of zero: log p = logit - log-sum-exp")
def _(logits, y, eps):
    targets = (1 - eps) * np.eye(logits.shape[1])[y] + eps / logits.shape[1]
    E = np.exp(logits - logits.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    return -(targets * np.log(P)).sum(axis=1).mean(), (P - targets) / len(y)


def _calibration_cases(rng):
    for n, k, bins in ((8, 2, 4), (60, 3, 10), (90, 5, 7)):
        logits = 2 * rng.standard_normal((n, k))
        P = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        P[-3:-1] = 0.04 / (k - 1)
        P[-3:-1, 0] = 0.96
        P[-1] = np.eye(k)[0]  # a confidence of exactly 1
        confidence, best = P.max(axis=1), P.argmax(axis=1)
        right = (rng.random(n) < 1.3 - confidence) | (confidence > 1 - 1 / bins)  # the last bin is not sure enough
        y = np.where(right, best, (best + 1) % k)  # some bins too sure, some not enough
        y[-1] = 1
        yield P, y, bins


@exercise(
    "Return the expected calibration error of probabilities P (n, k) for classes y (n,), with bins of equal width.",
    _calibration_cases,
)
def calibration_error(P, y, bins):
    confidence, right = P.max(axis=1), P.argmax(axis=1) == y
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum(abs((confidence - right)[number == b].sum()) for b in range(bins)) / len(y)


def _gaps(P, y, bins, number=None):
    """Per bin that is not empty: how many examples it has, and mean confidence minus accuracy."""
    confidence, right = P.max(axis=1), P.argmax(axis=1) == y
    number = np.minimum((confidence * bins).astype(int), bins - 1) if number is None else number
    full = [b for b in range(bins) if (number == b).any()]
    return np.array([(number == b).sum() for b in full]), np.array(
        [(confidence - right)[number == b].mean() for b in full]
    )


@calibration_error.mistake("the bins count alike: weight each by its share of the examples")
def _(P, y, bins):
    return np.abs(_gaps(P, y, bins)[1]).mean()


@calibration_error.mistake("bins above and below cancel: take the absolute gap of each bin")
def _(P, y, bins):
    count, gap = _gaps(P, y, bins)
    return (count * gap).sum() / len(y)


@calibration_error.mistake("that is the largest gap of a bin (the maximum calibration error), not their weighted mean")
def _(P, y, bins):
    return np.abs(_gaps(P, y, bins)[1]).max()


@calibration_error.mistake("the gap of each *example* is not zero even for perfect probabilities: average first")
def _(P, y, bins):
    return np.abs(P.max(axis=1) - (P.argmax(axis=1) == y)).mean()


@calibration_error.mistake("the confidence is the largest probability, not that of the true class")
def _(P, y, bins):
    confidence, right = P[np.arange(len(y)), y], P.argmax(axis=1) == y
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum(abs((confidence - right)[number == b].sum()) for b in range(bins)) / len(y)


@calibration_error.mistake("a confidence of exactly 1 falls out of all bins: it belongs to the last one")
def _(P, y, bins):
    return calibration_error(P[P.max(axis=1) < 1], y[P.max(axis=1) < 1], bins) * (P.max(axis=1) < 1).mean()


@calibration_error.mistake("the gaps are squared: the expected calibration error takes absolute values")
def _(P, y, bins):
    count, gap = _gaps(P, y, bins)
    return (count * gap**2).sum() / len(y)


@calibration_error.mistake("these bins hold equally many examples; here they have equal width, 1/bins")
def _(P, y, bins):
    order = np.argsort(np.argsort(P.max(axis=1), kind="stable"), kind="stable")
    count, gap = _gaps(P, y, bins, order * bins // len(y))
    return (count * np.abs(gap)).sum() / len(y)


@calibration_error.mistake("a confidence of exactly 1 gets a bin of its own: it belongs to the last one")
def _(P, y, bins):
    number = (P.max(axis=1) * bins).astype(int)
    return sum(abs((P.max(axis=1) - (P.argmax(axis=1) == y))[number == b].sum()) for b in range(bins + 1)) / len(y)


@calibration_error.mistake("all bins count alike, the empty ones as well: weight each by its share of the examples")
def _(P, y, bins):
    return np.abs(_gaps(P, y, bins)[1]).sum() / bins


@calibration_error.mistake("only the largest probability of each row is a confidence, not those of all classes")
def _(P, y, bins):
    confidence, right = P.ravel(), np.eye(P.shape[1])[y].ravel()
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum(abs((confidence - right)[number == b].sum()) for b in range(bins)) / len(y)


@calibration_error.mistake("the bins run from 0 to 1, not from the smallest possible confidence 1/k")
def _(P, y, bins):
    low = 1 / P.shape[1]
    number = np.minimum(((P.max(axis=1) - low) / (1 - low) * bins).astype(int), bins - 1)
    count, gap = _gaps(P, y, bins, number)
    return (count * np.abs(gap)).sum() / len(y)


@calibration_error.mistake("an empty bin is the mean of nothing (nan): leave it out, or sum instead of averaging")
def _(P, y, bins):
    return np.nan


@calibration_error.mistake("the middle of the bin stands for the confidence; take the mean confidence in it")
def _(P, y, bins):
    confidence, right = P.max(axis=1), P.argmax(axis=1) == y
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum(abs(((b + 0.5) / bins - right)[number == b].sum()) for b in range(bins)) / len(y)
