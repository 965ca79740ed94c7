"""Exercises of 5.2, Optimizers: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _path_cases(rng):
    for steps, d in ((3, 2), (5, 3), (8, 4)):
        gradients = rng.standard_normal((steps, d))
        yield rng.standard_normal(d), gradients, float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.5, 0.9))


@exercise(
    "Return the weights (steps, d) after each step of SGD with momentum, for gradients (steps, d) that are given.",
    _path_cases,
)
def momentum_path(w, gradients, lr, mu):
    v, path = np.zeros_like(w), []
    for g in gradients:
        v = mu * v + g
        w = w - lr * v
        path.append(w)
    return np.stack(path)


@momentum_path.mistake("that is plain SGD: the velocity must remember, v = mu * v + g")
def _(w, gradients, lr, mu):
    return w - lr * np.cumsum(gradients, axis=0)


@momentum_path.mistake("the weights climb: the step is against the velocity")
def _(w, gradients, lr, mu):
    return momentum_path(w, gradients, -lr, mu)


@momentum_path.mistake("you average, with (1 - mu) * g: that is Adam's first moment; here the whole gradient is added")
def _(w, gradients, lr, mu):
    return momentum_path(w, gradients, lr * (1 - mu), mu)


@momentum_path.mistake("this is Nesterov's step, lr * (g + mu * v); the heavy ball steps by lr * v")
def _(w, gradients, lr, mu):
    v, path = np.zeros_like(w), []
    for g in gradients:
        v = mu * v + g
        w = w - lr * (g + mu * v)
        path.append(w)
    return np.stack(path)


@momentum_path.mistake("every row is one step late: update the velocity before the step, and store w after it")
def _(w, gradients, lr, mu):
    return np.concatenate([w[None], momentum_path(w, gradients, lr, mu)[:-1]])


def _lookahead_cases(rng):
    for d in (2, 3, 5):
        A = rng.standard_normal((d, d))
        H = A @ A.T / d + np.eye(d)
        yield (
            rng.standard_normal(d),
            rng.standard_normal(d),
            H,
            float(rng.uniform(0.1, 0.3)),
            float(rng.uniform(0.5, 0.9)),
        )


@exercise(
    "Return (w, v) after one step of Nesterov's method in its look-ahead form, on f(w) = w @ H @ w / 2.",
    _lookahead_cases,
)
def nesterov_step(w, v, H, lr, mu):
    g = H @ (w + mu * v)
    v = mu * v - lr * g
    return w + v, v


@nesterov_step.mistake("the gradient is taken at w: that is the heavy ball; look ahead first, to w + mu * v")
def _(w, v, H, lr, mu):
    v = mu * v - lr * (H @ w)
    return w + v, v


@nesterov_step.mistake("you look backwards: the velocity points where the weights go, so the look-ahead adds it")
def _(w, v, H, lr, mu):
    v = mu * v - lr * (H @ (w - mu * v))
    return w + v, v


@nesterov_step.mistake("the momentum counts twice: step from w, not from the look-ahead point")
def _(w, v, H, lr, mu):
    new_w, new_v = nesterov_step(w, v, H, lr, mu)
    return new_w + mu * v, new_v


@nesterov_step.mistake("v is right; you returned the next look-ahead point instead of the weights")
def _(w, v, H, lr, mu):
    new_w, new_v = nesterov_step(w, v, H, lr, mu)
    return new_w + mu * new_v, new_v


@nesterov_step.mistake("the look-ahead goes the whole v; the ball loses a part of its speed first: mu * v")
def _(w, v, H, lr, mu):
    v = mu * v - lr * (H @ (w + v))
    return w + v, v


def _adam_cases(rng):
    for d, t in ((2, 1), (3, 2), (4, 5)):
        m, v = rng.standard_normal(d), rng.uniform(0.5, 1.5, d)
        beta1, beta2 = float(rng.uniform(0.8, 0.88)), float(rng.uniform(0.9, 0.99))
        yield rng.standard_normal(d), rng.standard_normal(d), m, v, t, 0.1, beta1, beta2, float(rng.uniform(0.05, 0.1))


@exercise("Return (w, m, v) after step number t = 1, 2, … of Adam, with PyTorch's epsilon.", _adam_cases)
def adam_step(w, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - lr * m_hat / (v_hat**0.5 + eps), m, v


def _adam_moments(g, m, v, beta1, beta2):
    return beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2


@adam_step.mistake("m and v are right; the step lacks the bias correction")
def _(w, g, m, v, t, lr, beta1, beta2, eps):
    m, v = _adam_moments(g, m, v, beta1, beta2)
    return w - lr * m / (v**0.5 + eps), m, v


@adam_step.mistake("the corrected moments are for this step only; keep and return the uncorrected m and v")
def _(w, g, m, v, t, lr, beta1, beta2, eps):
    w, m, v = adam_step(w, g, m, v, t, lr, beta1, beta2, eps)
    return w, m / (1 - beta1**t), v / (1 - beta2**t)


@adam_step.mistake("epsilon is inside the root; in Adam it is added to the root")
def _(w, g, m, v, t, lr, beta1, beta2, eps):
    m, v = _adam_moments(g, m, v, beta1, beta2)
    return w - lr * m / (1 - beta1**t) / (v / (1 - beta2**t) + eps) ** 0.5, m, v


@adam_step.mistake("that is where Keras puts epsilon: beside the root of the uncorrected v; PyTorch corrects v first")
def _(w, g, m, v, t, lr, beta1, beta2, eps):
    m, v = _adam_moments(g, m, v, beta1, beta2)
    return w - lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t) * m / (v**0.5 + eps), m, v


@adam_step.mistake("the root is missing: m_hat is divided by the root of v_hat")
def _(w, g, m, v, t, lr, beta1, beta2, eps):
    m, v = _adam_moments(g, m, v, beta1, beta2)
    return w - lr * m / (1 - beta1**t) / (v / (1 - beta2**t) + eps), m, v


@adam_step.mistake("the second moment averages the *squares* of the gradients")
def _(w, g, m, v, t, lr, beta1, beta2, eps):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * abs(g)
    return w - lr * m / (1 - beta1**t) / ((v / (1 - beta2**t)) ** 0.5 + eps), m, v


@adam_step.mistake("t counts from 1 and is the number of this step; you corrected as if it were the next one")
def _(w, g, m, v, t, lr, beta1, beta2, eps):
    return adam_step(w, g, m, v, t + 1, lr, beta1, beta2, eps)


@adam_step.mistake("the two decay rates are exchanged: beta1 belongs to m, beta2 to v")
def _(w, g, m, v, t, lr, beta1, beta2, eps):
    return adam_step(w, g, m, v, t, lr, beta2, beta1, eps)


def _rates_cases(rng):
    for d in (2, 3, 5):
        middle = rng.uniform(2, 8, d)  # first and last stay in the middle: the order must not matter
        yield (np.insert(middle, 1, [rng.uniform(0.1, 1), rng.uniform(10, 40)]),)


@exercise(
    "Return (lr, rate, lr_ball, mu, rate_ball): the best for gradient descent and the heavy ball on a quadratic.",
    _rates_cases,
)
def best_rates(eigenvalues):
    low, high = np.min(eigenvalues), np.max(eigenvalues)
    kappa = high / low
    rate_ball = (kappa**0.5 - 1) / (kappa**0.5 + 1)
    return 2 / (low + high), (kappa - 1) / (kappa + 1), 4 / (low**0.5 + high**0.5) ** 2, rate_ball**2, rate_ball


@best_rates.mistake("mu is the *square* of the heavy ball's rate: the rate is the root of mu")
def _(eigenvalues):
    lr, rate, lr_ball, mu, rate_ball = best_rates(eigenvalues)
    return lr, rate, lr_ball, rate_ball, rate_ball


@best_rates.mistake("the heavy ball's momentum and its rate are exchanged: mu comes first, and mu = rate**2")
def _(eigenvalues):
    lr, rate, lr_ball, mu, rate_ball = best_rates(eigenvalues)
    return lr, rate, lr_ball, rate_ball, mu


@best_rates.mistake("a learning rate of 1/L is safe but not the best: balance both ends, 1 - lr * low = lr * high - 1")
def _(eigenvalues):
    _, _, *ball = best_rates(eigenvalues)
    low, high = np.min(eigenvalues), np.max(eigenvalues)
    return 1 / high, 1 - low / high, *ball


@best_rates.mistake("2/L is the edge of stability: there the steepest direction never shrinks")
def _(eigenvalues):
    _, _, *ball = best_rates(eigenvalues)
    return 2 / np.max(eigenvalues), 1.0, *ball


@best_rates.mistake("the eigenvalues are not sorted: look for the smallest and the largest")
def _(eigenvalues):
    return best_rates(eigenvalues[[0, -1]])


@best_rates.mistake("both rates are the same: for the heavy ball the condition number goes under a root")
def _(eigenvalues):
    lr, rate, lr_ball, _, _ = best_rates(eigenvalues)
    return lr, rate, lr_ball, rate**2, rate


@best_rates.mistake("the heavy ball has a learning rate of its own: 4 over the square of the sum of the roots")
def _(eigenvalues):
    lr, rate, _, mu, rate_ball = best_rates(eigenvalues)
    return lr, rate, lr, mu, rate_ball
