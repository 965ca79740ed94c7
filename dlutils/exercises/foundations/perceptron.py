"""Exercises of 1.2, The perceptron: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _margin_cases(rng):
    for n, d in ((3, 2), (6, 4), (8, 3)):
        w = rng.standard_normal(d)
        w *= rng.uniform(2, 3) / np.linalg.norm(w)
        X, b = rng.standard_normal((n, d)), rng.uniform(1, 2)
        for i, score in ((0, -rng.uniform(1, 2)), (-1, rng.uniform(1, 2))):  # one score below zero, one above
            X[i] += (score - (X[i] @ w + b)) / (w @ w) * w
        y = np.where(X @ w + b > 0, 1, -1)
        y[-1] *= -1  # one answer is wrong, so the margin is negative
        yield X, y, w, b


@exercise(
    "Return the smallest signed distance of the inputs to the boundary, positive where the answer is right.",
    _margin_cases,
)
def margin(X, y, w, b):
    return (y * (X @ w + b)).min() / np.linalg.norm(w)


@margin.mistake("that is the smallest score; a distance is the score divided by the length of w")
def _(X, y, w, b):
    return (y * (X @ w + b)).min()


@margin.mistake("the bias shifts the boundary but does not turn it: divide by the length of w alone, without b")
def _(X, y, w, b):
    return (y * (X @ w + b)).min() / np.sqrt(w @ w + b**2)


@margin.mistake("divide by the length of w, not by its square")
def _(X, y, w, b):
    return (y * (X @ w + b)).min() / (w @ w)


@margin.mistake("the labels are missing: multiply each score by its y before you take the smallest")
def _(X, y, w, b):
    return (X @ w + b).min() / np.linalg.norm(w)


@margin.mistake("a margin may be negative, if an answer is wrong: do not clip it at 0")
def _(X, y, w, b):
    return max(0.0, (y * (X @ w + b)).min() / np.linalg.norm(w))


@margin.mistake("the labels matter: a wrong answer lies on the wrong side, and its distance counts as negative")
def _(X, y, w, b):
    return np.abs(X @ w + b).min() / np.linalg.norm(w)


@margin.mistake("the margin belongs to the worst example: the smallest distance, not the largest")
def _(X, y, w, b):
    return (y * (X @ w + b)).max() / np.linalg.norm(w)


@margin.mistake("the margin belongs to the worst example: the smallest distance, not the mean")
def _(X, y, w, b):
    return (y * (X @ w + b)).mean() / np.linalg.norm(w)


@margin.mistake("the bias is missing from the scores: they are X @ w + b")
def _(X, y, w, b):
    return (y * (X @ w)).min() / np.linalg.norm(w)


def _epoch_cases(rng):
    # from zero: the first example (label -1) is on the boundary; the second is the same, and right by then
    X = rng.standard_normal((4, 2))
    X[1] = X[0]
    X[2] = -0.5 * X[0] / (X[0] @ X[0])  # right by then too, but only thanks to the bias
    yield X, np.array([-1, -1, -1, -1]), np.zeros(2), 0.0
    # from other weights: the first example is right from the start, so a rule that corrects it is found out
    w = rng.standard_normal(3) + 2
    X = np.vstack([w, rng.standard_normal((6, 3))])
    yield X, np.append(1, rng.choice([-1, 1], 6)), w, 0.0
    yield rng.standard_normal((9, 4)), rng.choice([-1, 1], 9), np.zeros(4), 0.0


@exercise(
    "Go once through the examples in order with Rosenblatt's rule; return (w, b, number of mistakes).",
    _epoch_cases,
)
def perceptron_epoch(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) <= 0:
            w, b = w + label * x, b + label
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("a score of exactly 0 is a mistake too (<= 0, not < 0): from zero weights yours never starts")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) < 0:
            w, b = w + label * x, b + label
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("the weights change on mistakes only; yours change on every example")
def _(X, y, w, b):
    return w + y @ X, b + y.sum(), len(X)


@perceptron_epoch.mistake("judge each example with the weights as they are by then, not with those of the start")
def _(X, y, w, b):
    wrong = y * (X @ w + b) <= 0
    return w + y[wrong] @ X[wrong], b + y[wrong].sum(), int(wrong.sum())


@perceptron_epoch.mistake("the bias learns as well: its input is always 1, so a mistake adds y to it")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) <= 0:
            w = w + label * x
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("the correction is y times x: towards x for label 1, away from x for label -1")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) <= 0:
            w, b = w + x, b + 1
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("w is right; the bias moves by y, up or down, and not always by 1")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) <= 0:
            w, b = w + label * x, b + 1
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("the score is w @ x + b; yours leaves out the bias")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x) <= 0:
            w, b = w + label * x, b + label
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("mistakes is their number, one whole number, not the list of them")
def _(X, y, w, b):
    mistakes = []
    for i, (x, label) in enumerate(zip(X, y, strict=True)):
        if label * (w @ x + b) <= 0:
            w, b = w + label * x, b + label
            mistakes.append(i)
    return w, b, mistakes


def _multiclass_cases(rng):
    for k, d in ((3, 2), (4, 3), (5, 6)):
        W, x = rng.standard_normal((k, d)), rng.uniform(0.5, 1.5, d)
        order = np.argsort(W @ x)
        yield W, x, int(order[-1])  # the answer is right
        yield W, x, int(order[0])  # the answer is wrong


@exercise(
    "Return the weights after one step of the multiclass perceptron, as a new array.",
    _multiclass_cases,
)
def multiclass_step(W, x, label):
    W = W.copy()
    winner = (W @ x).argmax()
    if winner != label:
        W[label] += x
        W[winner] -= x
    return W


@multiclass_step.mistake("the row that won by mistake must go down as well: subtract x from it")
def _(W, x, label):
    W = W.copy()
    if (W @ x).argmax() != label:
        W[label] += x
    return W


@multiclass_step.mistake("the true class must go up as well: add x to its row")
def _(W, x, label):
    W = W.copy()
    winner = (W @ x).argmax()
    if winner != label:
        W[winner] -= x
    return W


@multiclass_step.mistake("only the row that won goes down; the other wrong classes did not cause the mistake")
def _(W, x, label):
    if (W @ x).argmax() == label:
        return W.copy()
    W = W - x
    W[label] += 2 * x
    return W


@multiclass_step.mistake("the signs are swapped: add x to the true class, subtract it from the winner")
def _(W, x, label):
    W = W.copy()
    winner = (W @ x).argmax()
    if winner != label:
        W[label] -= x
        W[winner] += x
    return W


@multiclass_step.mistake("when the answer is right nothing changes; yours adds x to the true class all the same")
def _(W, x, label):
    W = W.copy()
    winner = (W @ x).argmax()
    W[label] += x
    if winner != label:
        W[winner] -= x
    return W
