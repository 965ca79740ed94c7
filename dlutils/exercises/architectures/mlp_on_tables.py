"""Exercises of 2.1, MLPs on tables: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _prepare_cases(rng):
    for n, m, d in ((5, 3, 1), (8, 4, 3), (11, 7, 2)):
        train, test = rng.gamma(1.0, 3.0, (n, d)), rng.gamma(1.0, 5.0, (m, d)) + 2
        train[rng.integers(0, n, d), np.arange(d)] = np.nan
        test[rng.integers(0, m, d), np.arange(d)] = np.nan
        yield train, test


@exercise("Return train and test, filled with medians and standardised, both by the training part.", _prepare_cases)
def prepare(train, test):
    median = np.nanmedian(train, axis=0)
    train, test = np.where(np.isnan(train), median, train), np.where(np.isnan(test), median, test)
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / std, (test - mean) / std


def _prepared(train, test, *, fill=None, fill_test=None, fit=None, ddof=0):
    """The reference with one thing exchanged."""
    value = np.nanmedian(train, axis=0) if fill is None else fill(train, test)
    value_test = value if fill_test is None else fill_test(train, test)
    filled, filled_test = np.where(np.isnan(train), value, train), np.where(np.isnan(test), value_test, test)
    base = filled if fit is None else fit(train, filled, filled_test)
    mean, std = np.nanmean(base, axis=0), np.nanstd(base, axis=0, ddof=ddof)
    return (filled - mean) / std, (filled_test - mean) / std


@prepare.mistake("mean and deviation come from training and test part together: fit on the training part alone")
def _(train, test):
    return _prepared(train, test, fit=lambda raw, a, b: np.concatenate([a, b]))


@prepare.mistake("the test part was standardised by its own mean and deviation: use those of the training part")
def _(train, test):
    return _prepared(train, test)[0], _prepared(test, test, fill=lambda *_: np.nanmedian(train, axis=0))[0]


@prepare.mistake("the median of both parts together fills the gaps: take that of the training part")
def _(train, test):
    return _prepared(train, test, fill=lambda a, b: np.nanmedian(np.concatenate([a, b]), axis=0))


@prepare.mistake("the test part's gaps are filled with its own median: take that of the training part")
def _(train, test):
    return _prepared(train, test, fill_test=lambda a, b: np.nanmedian(b, axis=0))


@prepare.mistake("the gaps are filled with the mean: the median is asked for")
def _(train, test):
    return _prepared(train, test, fill=lambda a, b: np.nanmean(a, axis=0))


@prepare.mistake("the gaps are filled with zero, which is a value like any other: take the median")
def _(train, test):
    return _prepared(train, test, fill=lambda a, b: np.zeros(a.shape[1]))


@prepare.mistake("the deviation divides by n - 1 (as pandas does): divide by n")
def _(train, test):
    return _prepared(train, test, ddof=1)


@prepare.mistake("mean and deviation leave the gaps out: fill first, then fit on the filled training part")
def _(train, test):
    return _prepared(train, test, fit=lambda raw, a, b: raw)


@prepare.mistake("one mean and one deviation for the whole table: each column has its own (axis=0)")
def _(train, test):
    median = np.nanmedian(train, axis=0)
    train, test = np.where(np.isnan(train), median, train), np.where(np.isnan(test), median, test)
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


@prepare.mistake("divided by the variance: the deviation is its root")
def _(train, test):
    median = np.nanmedian(train, axis=0)
    train, test = np.where(np.isnan(train), median, train), np.where(np.isnan(test), median, test)
    return tuple((part - train.mean(axis=0)) / train.var(axis=0) for part in (train, test))


def _embedding_cases(rng):
    for n, m, k in ((4, 2, 4), (9, 3, 5), (20, 2, 6)):
        codes = rng.integers(0, k - 1, n)
        codes[-1] = codes[0]  # one name at least occurs twice
        yield rng.standard_normal((n, m)), codes, k


@exercise(
    "Return the gradient (k, m) of the table from which the vectors with these codes were taken.", _embedding_cases
)
def embedding_gradient(G, codes, k):
    return np.eye(k)[codes].T @ G


@embedding_gradient.mistake("a name that occurs twice got one gradient: add up, with np.add.at or one-hot.T @ G")
def _(G, codes, k):
    dE = np.zeros((k, G.shape[1]))
    dE[codes] = G
    return dE


@embedding_gradient.mistake("where a name occurs several times, its *first* row alone was used: add up all of them")
def _(G, codes, k):
    dE = np.zeros((k, G.shape[1]))
    dE[codes[::-1]] = G[::-1]
    return dE


@embedding_gradient.mistake("those are means over a name's rows: the gradient of a sum adds them up")
def _(G, codes, k):
    hot = np.eye(k)[codes]
    return hot.T @ G / np.maximum(hot.sum(axis=0), 1)[:, None]


@embedding_gradient.mistake("divided by the number of rows: a mean in the loss is in G already")
def _(G, codes, k):
    return np.eye(k)[codes].T @ G / len(G)


@embedding_gradient.mistake("that is the gradient of each row, (n, m): the table has one row for each *name*")
def _(G, codes, k):
    return G


@embedding_gradient.mistake("the table has k rows, also for names that do not occur; their gradient is zero")
def _(G, codes, k):
    return np.eye(k)[codes].T[: codes.max() + 1] @ G


@embedding_gradient.mistake("that is transposed: the table is (k, m)")
def _(G, codes, k):
    return (np.eye(k)[codes].T @ G).T


@embedding_gradient.mistake("the codes start at 0, not at 1")
def _(G, codes, k):
    return np.roll(np.eye(k)[codes].T @ G, -1, axis=0)


def _frequency_cases(rng):
    for n, d, k in ((3, 1, 2), (5, 3, 2), (8, 2, 4)):
        yield rng.standard_normal((n, d, 2 * k)), rng.standard_normal((n, d)), rng.standard_normal((d, k))


@exercise("Return the gradient (d, k) of the frequencies c of the waves sin(2πcx), cos(2πcx).", _frequency_cases)
def frequency_gradient(G, x, c):
    a, k = 2 * np.pi * x[:, :, None] * c, c.shape[1]
    da = G[:, :, :k] * np.cos(a) - G[:, :, k:] * np.sin(a)
    return (2 * np.pi * da * x[:, :, None]).sum(axis=0)


def _through_waves(
    G, x, c, *, sign=-1, factor=2 * np.pi, inner=None, swap=False, slopes=(np.cos, np.sin), reduce=np.sum
):
    a, k = 2 * np.pi * x[:, :, None] * c, c.shape[1]
    one, two = (G[:, :, k:], G[:, :, :k]) if swap else (G[:, :, :k], G[:, :, k:])
    da = one * slopes[0](a) + sign * two * slopes[1](a)
    return reduce(factor * da * (x[:, :, None] if inner is None else inner(x, c)), axis=0)


@frequency_gradient.mistake("the slope of the cosine is minus the sine")
def _(G, x, c):
    return _through_waves(G, x, c, sign=1)


@frequency_gradient.mistake("the factor 2π of the inner derivative is missing")
def _(G, x, c):
    return _through_waves(G, x, c, factor=1)


@frequency_gradient.mistake("the inner derivative with respect to c is 2πx, not 2πc")
def _(G, x, c):
    return _through_waves(G, x, c, inner=lambda x, c: c)


@frequency_gradient.mistake("the inner derivative 2πx is there by half: x is missing")
def _(G, x, c):
    return _through_waves(G, x, c, inner=lambda x, c: 1)


@frequency_gradient.mistake("the sines come first in G, then the cosines")
def _(G, x, c):
    return _through_waves(G, x, c, swap=True)


@frequency_gradient.mistake(
    "the slope of the sine is the cosine, that of the cosine minus the sine: they are not derived"
)
def _(G, x, c):
    return _through_waves(G, x, c, slopes=(np.sin, np.cos), sign=1)


@frequency_gradient.mistake("G holds all sines, then all cosines: not sine and cosine in turn")
def _(G, x, c):
    return _through_waves(np.concatenate([G[:, :, ::2], G[:, :, 1::2]], axis=2), x, c)


@frequency_gradient.mistake("the rows are averaged: every row pulls at the same c, so their gradients add up")
def _(G, x, c):
    return _through_waves(G, x, c, reduce=np.mean)


@frequency_gradient.mistake("the part that comes through the cosines is missing")
def _(G, x, c):
    return _through_waves(G, x, c, sign=0)


@frequency_gradient.mistake("one gradient for each row, (n, d, k): add them up over the rows")
def _(G, x, c):
    return _through_waves(G, x, c, reduce=lambda values, axis: values)


def _fold_cases(rng):
    for n, k, folds in ((6, 2, 2), (12, 3, 3), (20, 4, 4)):
        codes, fold = rng.integers(0, k, n), rng.permutation(np.arange(n) % folds)
        codes[0] = k  # a name that occurs once
        yield codes, rng.standard_normal(n), fold


@exercise("Return for each row the mean target of the rows with its code in the other folds.", _fold_cases)
def out_of_fold(codes, target, fold):
    encoded = np.empty(len(codes))
    for i, (code, own) in enumerate(zip(codes, fold, strict=True)):
        others = fold != own
        alike = others & (codes == code)
        encoded[i] = target[alike].mean() if alike.any() else target[others].mean()
    return encoded


def _encoded(codes, target, fold, *, use=None, otherwise=None):
    encoded = np.empty(len(codes))
    for i in range(len(codes)):
        others = fold != fold[i] if use is None else use(fold, i)
        alike = others & (codes == codes[i])
        rest = target[others].mean() if otherwise is None else otherwise(target, others)
        encoded[i] = target[alike].mean() if alike.any() else rest
    return encoded


@out_of_fold.mistake("each row takes part in its own mean: that is the leak. Use the other folds only")
def _(codes, target, fold):
    return _encoded(codes, target, fold, use=lambda f, i: np.ones(len(f), bool))


@out_of_fold.mistake("those are the means of the row's *own* fold: use the others")
def _(codes, target, fold):
    return _encoded(codes, target, fold, use=lambda f, i: f == f[i])


@out_of_fold.mistake("only the row itself is left out: the whole fold must be")
def _(codes, target, fold):
    return _encoded(codes, target, fold, use=lambda f, i: np.arange(len(f)) != i)


@out_of_fold.mistake("a name that no other fold has gets the mean target of the other folds, not of all rows")
def _(codes, target, fold):
    return _encoded(codes, target, fold, otherwise=lambda t, others: t.mean())


@out_of_fold.mistake("a name that no other fold has gets the mean target of the other folds, not zero")
def _(codes, target, fold):
    return _encoded(codes, target, fold, otherwise=lambda t, others: 0.0)


@out_of_fold.mistake("a name that no other fold has gets a mean, not NaN: it has to go through a network")
def _(codes, target, fold):
    return _encoded(codes, target, fold, otherwise=lambda t, others: np.nan)


@out_of_fold.mistake("those are sums of the targets: the mean is asked for")
def _(codes, target, fold):
    encoded = np.empty(len(codes))
    for i in range(len(codes)):
        alike = (fold != fold[i]) & (codes == codes[i])
        encoded[i] = target[alike].sum() if alike.any() else target[fold != fold[i]].mean()
    return encoded


@out_of_fold.mistake("no prior is asked for here: the plain mean of the other folds' rows")
def _(codes, target, fold):
    encoded = np.empty(len(codes))
    for i in range(len(codes)):
        others = fold != fold[i]
        alike = others & (codes == codes[i])
        encoded[i] = (target[alike].sum() + 10 * target[others].mean()) / (alike.sum() + 10)
    return encoded


def _error_cases(rng):
    for J, n_test, n_train in ((3, 10, 20), (5, 20, 80), (10, 7, 50)):
        yield rng.standard_normal(J), n_test, n_train


@exercise("Return the corrected standard error of the mean of differences on overlapping splits.", _error_cases)
def corrected_error(differences, n_test, n_train):
    return np.sqrt((1 / len(differences) + n_test / n_train) * np.var(differences, ddof=1))


@corrected_error.mistake("that is the usual standard error, for independent splits: add n_test / n_train to 1/J")
def _(differences, n_test, n_train):
    return np.std(differences, ddof=1) / np.sqrt(len(differences))


@corrected_error.mistake("the ratio is upside down: n_test / n_train")
def _(differences, n_test, n_train):
    return np.sqrt((1 / len(differences) + n_train / n_test) * np.var(differences, ddof=1))


@corrected_error.mistake("the variance of a few differences divides by J - 1 (ddof=1)")
def _(differences, n_test, n_train):
    return np.sqrt((1 / len(differences) + n_test / n_train) * np.var(differences))


@corrected_error.mistake("that is the variance: the standard error is its root")
def _(differences, n_test, n_train):
    return (1 / len(differences) + n_test / n_train) * np.var(differences, ddof=1)


@corrected_error.mistake("the correction counts test rows against *training* rows, not against all rows")
def _(differences, n_test, n_train):
    return np.sqrt((1 / len(differences) + n_test / (n_train + n_test)) * np.var(differences, ddof=1))


@corrected_error.mistake("1/J is missing: more splits do help a little")
def _(differences, n_test, n_train):
    return np.sqrt(n_test / n_train * np.var(differences, ddof=1))


@corrected_error.mistake("the squares were taken about zero: the spread is about the mean difference")
def _(differences, n_test, n_train):
    J = len(differences)
    return np.sqrt((1 / J + n_test / n_train) * np.sum(np.asarray(differences) ** 2) / (J - 1))


@corrected_error.mistake("that is the bound of 95 %: the standard error alone is asked for")
def _(differences, n_test, n_train):
    return 2.78 * corrected_error(differences, n_test, n_train)


@corrected_error.mistake("that is the mean over its error: the error alone is asked for")
def _(differences, n_test, n_train):
    return np.mean(differences) / corrected_error(differences, n_test, n_train)
