"""Exercises of 1.1, Deep learning at a glance: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _neuron_cases(rng):
    for n, d in ((2, 3), (5, 2), (6, 4)):
        targets = np.arange(n) % 2.0
        yield (
            rng.standard_normal(d),
            float(rng.uniform(0.5, 1.5)),
            rng.standard_normal((n, d)),
            rng.permutation(targets),
        )


@exercise(
    "Return the gradients (dw, db) of the mean loss of a sigmoid neuron.",
    _neuron_cases,
)
def neuron_gradient(w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    error = p - y
    return X.T @ error / len(y), error.mean()


@neuron_gradient.mistake("that is the direction of the step, downhill; the gradient points uphill: p - y, not y - p")
def _(w, b, X, y):
    dw, db = neuron_gradient(w, b, X, y)
    return -dw, -db


@neuron_gradient.mistake("these are sums over the examples; the loss is a mean, so divide both by n")
def _(w, b, X, y):
    dw, db = neuron_gradient(w, b, X, y)
    return dw * len(y), db * len(y)


@neuron_gradient.mistake("dw is right; db is a mean over the examples too, not a sum")
def _(w, b, X, y):
    dw, db = neuron_gradient(w, b, X, y)
    return dw, db * len(y)


@neuron_gradient.mistake("the error is p - y with p = sigmoid(z); you used the logit z itself")
def _(w, b, X, y):
    error = X @ w + b - y
    return X.T @ error / len(y), error.mean()


@neuron_gradient.mistake("the bias b is missing from the logit: z = X @ w + b")
def _(w, b, X, y):
    return neuron_gradient(w, 0.0, X, y)


@neuron_gradient.mistake("p(1 - p) is the slope of the squared error; with this loss it cancels and p - y remains")
def _(w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    error = (p - y) * p * (1 - p)
    return X.T @ error / len(y), error.mean()


@neuron_gradient.mistake("both are right, in the wrong order: return (dw, db), the weights' gradient first")
def _(w, b, X, y):
    dw, db = neuron_gradient(w, b, X, y)
    return db, dw


def _standardize_cases(rng):
    for n, m, d in ((3, 2, 2), (6, 4, 3), (5, 7, 2)):
        scale = rng.uniform(2, 5, d) * 10.0 ** np.arange(d)
        yield 10 + scale * rng.standard_normal((n, d)), 30 + 2 * scale * rng.standard_normal((m, d))


@exercise(
    "Return (train, test), both standardised by the mean and standard deviation of the training rows.",
    _standardize_cases,
)
def standardize(train, test):
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / std, (test - mean) / std


@standardize.mistake("leakage: mean and standard deviation were taken over training and test rows together")
def _(train, test):
    both = np.concatenate([train, test])
    return (train - both.mean(axis=0)) / both.std(axis=0), (test - both.mean(axis=0)) / both.std(axis=0)


@standardize.mistake(
    "the test rows were scaled by their own mean and deviation; they must get those of the training rows"
)
def _(train, test):
    return (train - train.mean(axis=0)) / train.std(axis=0), (test - test.mean(axis=0)) / test.std(axis=0)


@standardize.mistake("one mean for the whole table: each column needs its own (axis=0)")
def _(train, test):
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


@standardize.mistake(
    "the training rows are right, but the test rows came back as they were: scale them by the same numbers"
)
def _(train, test):
    return (train - train.mean(axis=0)) / train.std(axis=0), test


@standardize.mistake("that is the standard deviation with n - 1 (ddof=1); NumPy's default divides by n")
def _(train, test):
    mean, std = train.mean(axis=0), train.std(axis=0, ddof=1)
    return (train - mean) / std, (test - mean) / std


@standardize.mistake("divide by the standard deviation, the root of the variance, not by the variance")
def _(train, test):
    mean, variance = train.mean(axis=0), train.var(axis=0)
    return (train - mean) / variance, (test - mean) / variance


@standardize.mistake("that scales each row by its own mean and deviation (axis=1); a column is axis=0")
def _(train, test):
    return tuple((t - t.mean(axis=1, keepdims=True)) / t.std(axis=1, keepdims=True) for t in (train, test))


def _balanced_cases(rng):
    # Class 0 is common, 1 is rare and partly missed, 2 and 3 never occur, and 7 is only ever predicted.
    for common, rare, found in ((6, 2, 1), (9, 4, 1), (12, 3, 2)):
        labels = np.repeat([0, 1, 4], [common, rare, 3])
        predictions = np.repeat([0, 7, 1, 0, 4, 0], [common - 1, 1, found, rare - found, 1, 2])
        order = rng.permutation(len(labels))
        yield labels[order], predictions[order]


@exercise(
    "Return the mean, over the classes that occur in labels, of the share of each class that was predicted right.",
    _balanced_cases,
)
def balanced_accuracy(labels, predictions):
    return np.mean([(predictions[labels == c] == c).mean() for c in np.unique(labels)])


@balanced_accuracy.mistake("that is the plain accuracy, in which the common class counts most")
def _(labels, predictions):
    return (labels == predictions).mean()


@balanced_accuracy.mistake(
    "that is the share of right answers among each class predicted; group by the true label instead"
)
def _(labels, predictions):
    return np.mean([(labels[predictions == c] == c).mean() for c in np.unique(predictions)])


@balanced_accuracy.mistake(
    "the classes are right, but that is the precision, taken among the predictions of a class; take labels == c"
)
def _(labels, predictions):
    return np.mean([(labels[predictions == c] == c).mean() for c in np.unique(labels)])


@balanced_accuracy.mistake("a class that never occurs in labels must not count: take np.unique(labels) only")
def _(labels, predictions):
    classes = np.union1d(labels, predictions)
    return np.mean([(predictions[labels == c] == c).mean() if (labels == c).any() else 0.0 for c in classes])


@balanced_accuracy.mistake("classes need not be numbered without gaps: one that is missing from labels has no share")
def _(labels, predictions):
    classes = range(labels.max() + 1)
    return np.mean([(predictions[labels == c] == c).mean() if (labels == c).any() else 0.0 for c in classes])


@balanced_accuracy.mistake("nan: a class that never occurs has no share, 0 of 0; use np.unique(labels)")
def _(labels, predictions):
    classes = range(labels.max() + 1)
    found = np.array([((labels == c) & (predictions == c)).sum() for c in classes])
    return np.mean(found / np.array([(labels == c).sum() for c in classes]))
