"""Exercises of 1.4, Activation functions: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _silu_cases(rng):
    yield rng.uniform(0.5, 2, 3), rng.standard_normal(3)
    yield rng.uniform(-4, 4, (2, 5)), rng.standard_normal((2, 5))
    yield np.array([-1000.0, -1.0, 1000.0]) * rng.uniform(1, 2), rng.standard_normal(3)


@exercise(
    "Return the gradient with respect to x, given the gradient grad with respect to x * sigmoid(x).",
    _silu_cases,
)
def silu_backward(x, grad):
    e = np.exp(-np.abs(x))  # never overflows
    s = np.where(x >= 0, 1 / (1 + e), e / (1 + e))
    return grad * s * (1 + x * (1 - s))


@silu_backward.mistake("that is the slope alone; the chain rule multiplies it by the gradient that arrives, grad")
def _(x, grad):
    return silu_backward(x, np.ones_like(x))


@silu_backward.mistake("x stands outside the sigmoid too: the product rule gives sigmoid(x) plus x times its slope")
def _(x, grad):
    return grad * _sigmoid(x) * (1 - _sigmoid(x))


@silu_backward.mistake("the slope of the sigmoid is s * (1 - s); the factor s is missing in the second term")
def _(x, grad):
    return grad * (_sigmoid(x) + x * (1 - _sigmoid(x)))


@silu_backward.mistake("right for moderate x, but exp overflows at 1000: use an exponential of -|x| only")
def _(x, grad):
    e = np.exp(-x)
    return grad * (1 / (1 + e) + x * e / (1 + e) ** 2)


def _dead_cases(rng):
    for n, units, dead in ((3, 4, 1), (6, 5, 2), (10, 8, 3)):
        Z = rng.uniform(0.1, 1, (n, units)) * rng.choice([-1, 1], (n, units))
        Z[0], Z[1] = np.abs(Z[0]), -np.abs(Z[1])  # every unit is on for one example and off for another ...
        chosen = rng.permutation(units)[:dead]
        Z[:, chosen] = -np.abs(Z[:, chosen])  # ... but for the dead: negative for all,
        Z[:, chosen[0]] = 0  # and one exactly zero, which is off as well
        yield Z


@exercise(
    "Return the share of units (columns of Z) whose input is not positive for any example (row).",
    lambda rng: ((Z,) for Z in _dead_cases(rng)),
)
def dead_share(Z):
    return (Z <= 0).all(axis=0).mean()


@dead_share.mistake("that is the share of entries that are off; a unit is dead only if it is off for all examples")
def _(Z):
    return (Z <= 0).mean()


@dead_share.mistake("an input of exactly zero gives no output and no gradient either: test <= 0, not < 0")
def _(Z):
    return (Z < 0).all(axis=0).mean()


@dead_share.mistake("all(axis=1) asks whether an example turns every unit off; a unit is a column, so use axis 0")
def _(Z):
    return (Z <= 0).all(axis=1).mean()


@dead_share.mistake("that counts the dead units; divide by the number of units")
def _(Z):
    return (Z <= 0).all(axis=0).sum()


def _temperature_cases(rng):
    yield rng.standard_normal((2, 3)), 2.0
    yield 3 * rng.standard_normal((4, 5)), float(rng.uniform(0.3, 0.7))
    yield 1000 + rng.standard_normal((3, 4)), 0.5
    yield np.array([[1000.0], [-1000.0]]) + rng.standard_normal((2, 3)), 0.5


@exercise(
    "Return softmax(logits / temperature) over the classes, for logits (n, classes).",
    _temperature_cases,
)
def softmax_temperature(logits, temperature):
    z = logits / temperature
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@softmax_temperature.mistake("logits are divided by the temperature, so that a high one flattens; you multiplied")
def _(logits, temperature):
    return softmax_temperature(logits * temperature**2, temperature)


@softmax_temperature.mistake(
    "subtract the maximum of each row, not of the whole array: a row of small logits gives 0/0"
)
def _(logits, temperature):
    z = logits / temperature
    e = np.exp(z - z.max())
    return e / e.sum(axis=1, keepdims=True)


@softmax_temperature.mistake("divide the logits, before the exponential; dividing the probabilities changes their sum")
def _(logits, temperature):
    return softmax_temperature(logits, 1.0) / temperature


@softmax_temperature.mistake("softmax runs over the classes (axis 1); yours makes each column sum to one")
def _(logits, temperature):
    return softmax_temperature(logits.T, temperature).T


@softmax_temperature.mistake("right for small logits, but exp(1000) overflows: subtract the maximum of each row first")
def _(logits, temperature):
    e = np.exp(logits / temperature)
    return e / e.sum(axis=1, keepdims=True)
