"""Exercises of 1.3, Multilayer perceptron and backpropagation: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _linear_cases(rng):
    for n, d_in, d_out in ((2, 3, 2), (5, 4, 3), (6, 2, 7)):
        yield rng.standard_normal((n, d_in)), rng.standard_normal((d_in, d_out)), rng.standard_normal((n, d_out))


@exercise(
    "Given X, W and the gradient dZ of Z = XW + b, return the gradients (dX, dW, db).",
    _linear_cases,
)
def linear_backward(X, W, dZ):
    dX = dZ @ W.T
    dW = X.T @ dZ
    db = dZ.sum(axis=0)
    return dX, dW, db


@linear_backward.mistake("b is added to every row, so the gradients of the rows add up: a sum, not a mean")
def _(X, W, dZ):
    return dZ @ W.T, X.T @ dZ, dZ.mean(axis=0)


@linear_backward.mistake("the 1/n of the mean loss is inside dZ already; dividing again counts it twice")
def _(X, W, dZ):
    return dZ @ W.T, X.T @ dZ / len(X), dZ.sum(axis=0) / len(X)


@linear_backward.mistake("the order is (dX, dW, db): each has the shape of its own variable")
def _(X, W, dZ):
    return X.T @ dZ, dZ @ W.T, dZ.sum(axis=0)


@linear_backward.mistake("db sums over the batch (axis 0) and keeps one number for each output")
def _(X, W, dZ):
    return dZ @ W.T, X.T @ dZ, dZ.sum(axis=1)


@linear_backward.mistake("dW must have the shape of W, (in, out); yours is its transpose, (out, in)")
def _(X, W, dZ):
    return dZ @ W.T, dZ.T @ X, dZ.sum(axis=0)


def _cross_entropy_cases(rng):
    for n, k, shift in ((2, 3, 0), (5, 4, 0), (7, 10, 0), (4, 3, 1000)):
        yield 3 * rng.standard_normal((n, k)) + shift, rng.integers(0, k, n)
    yield np.array([[1000.0, 0, 0], [-1000.0, -1001, -1002]]) + rng.standard_normal((2, 3)), np.array([1, 2])


@exercise(
    "Return the mean cross-entropy of softmax(logits), and its gradient with respect to the logits.",
    _cross_entropy_cases,
)
def softmax_cross_entropy(logits, labels):
    n = len(labels)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(n), labels].mean()
    d_logits = np.exp(log_p)
    d_logits[np.arange(n), labels] -= 1
    return loss, d_logits / n


@softmax_cross_entropy.mistake("loss and gradient are sums over the batch; the mean divides both by n")
def _(logits, labels):
    loss, d_logits = softmax_cross_entropy(logits, labels)
    return loss * len(labels), d_logits * len(labels)


@softmax_cross_entropy.mistake("the loss is a mean, so its gradient has the factor 1/n as well")
def _(logits, labels):
    loss, d_logits = softmax_cross_entropy(logits, labels)
    return loss, d_logits * len(labels)


@softmax_cross_entropy.mistake("the gradient is (P - Y)/n: subtract 1 at the place of the true class")
def _(logits, labels):
    loss, d_logits = softmax_cross_entropy(logits, labels)
    return loss, d_logits + np.eye(logits.shape[1])[labels] / len(labels)


@softmax_cross_entropy.mistake(
    "subtract the maximum of each row, not of the whole array: a row of small logits gives 0/0"
)
def _(logits, labels):
    n = len(labels)
    shifted = logits - logits.max()
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    d_logits = np.exp(log_p)
    d_logits[np.arange(n), labels] -= 1
    return -log_p[np.arange(n), labels].mean(), d_logits / n


@softmax_cross_entropy.mistake("a probability that rounds to 0 has logarithm -inf: take log P as z - max - log(sum)")
def _(logits, labels):
    n = len(labels)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()
    p[np.arange(n), labels] -= 1
    return loss, p / n


@softmax_cross_entropy.mistake("the order is (loss, gradient)")
def _(logits, labels):
    loss, d_logits = softmax_cross_entropy(logits, labels)
    return d_logits, loss


@softmax_cross_entropy.mistake(
    "right for small logits, but exp overflows at 1000: subtract the maximum of each row first"
)
def _(logits, labels):
    n = len(labels)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()
    p[np.arange(n), labels] -= 1
    return loss, p / n


def _sum_of_cubes(x):
    return float((x**3).sum())


def _square_of_sum(x):
    return float(x.sum() ** 2 + (x**3).sum())


def _numerical_cases(rng):
    yield _square_of_sum, rng.uniform(1, 2, 2), 1e-3
    yield _sum_of_cubes, rng.uniform(1, 2, (2, 3)), 1e-3
    yield _square_of_sum, rng.uniform(1, 2, (3, 2)), 1e-3


@exercise(
    "Return the gradient of the scalar function f at the array x by central differences with step h.",
    _numerical_cases,
    tolerance=1e-6,
)
def numerical_gradient(f, x, h):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        gradient[index] = (f(up) - f(down)) / (2 * h)
    return gradient


@numerical_gradient.mistake("that is the forward difference, with an error of order h; use f(x + h) and f(x - h)")
def _(f, x, h):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up = x.copy()
        up[index] += h
        gradient[index] = (f(up) - f(x)) / h
    return gradient


@numerical_gradient.mistake("x + h and x - h lie 2h apart: divide by 2h")
def _(f, x, h):
    return 2 * numerical_gradient(f, x, h)


@numerical_gradient.mistake("move one entry of x at a time; moving all together gives the sum of the slopes")
def _(f, x, h):
    return np.full_like(x, (f(x + h) - f(x - h)) / (2 * h))
