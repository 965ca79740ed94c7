"""Exercises of 3.4, Diffusion: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _schedule(rng, steps):
    return np.cumprod(np.concatenate([[1.0], 1 - rng.uniform(0.1, 0.3, steps)]))


def _q_sample_cases(rng):
    for n, d, steps in ((1, 2, 3), (3, 3, 4), (4, 4, 6)):  # square, so that a forgotten axis is no error of shapes
        t = rng.integers(1, steps + 1, size=n)
        if n > 1:
            t[:2] = rng.permutation(steps)[:2] + 1  # two rows at different times
        yield rng.standard_normal((n, d)), t, rng.standard_normal((n, d)), _schedule(rng, steps)


@exercise(
    "Return x_t for x0 and noise (n, d), times t (n,) and alphas_bar (T + 1,).",
    _q_sample_cases,
)
def q_sample_batch(x0, t, noise, alphas_bar):
    a = alphas_bar[t][:, None]
    return np.sqrt(a) * x0 + np.sqrt(1 - a) * noise


@q_sample_batch.mistake("the square roots are missing: variances are alpha_bar and 1 - alpha_bar, not the factors")
def _(x0, t, noise, alphas_bar):
    a = alphas_bar[t][:, None]
    return a * x0 + (1 - a) * noise


@q_sample_batch.mistake("the factor of the noise lacks its square root: its *variance* is 1 - alpha_bar")
def _(x0, t, noise, alphas_bar):
    a = alphas_bar[t][:, None]
    return np.sqrt(a) * x0 + (1 - a) * noise


@q_sample_batch.mistake("image and noise are swapped: at t = 0 all of x_t is the image")
def _(x0, t, noise, alphas_bar):
    return q_sample_batch(noise, t, x0, alphas_bar)


@q_sample_batch.mistake("off by one: alphas_bar[0] = 1 is the clean image, so step t is alphas_bar[t]")
def _(x0, t, noise, alphas_bar):
    return q_sample_batch(x0, t - 1, noise, alphas_bar)


@q_sample_batch.mistake("that is one step from x0; alphas_bar already is the product over all the steps up to t")
def _(x0, t, noise, alphas_bar):
    return q_sample_batch(x0, t, noise, np.concatenate([[1.0], alphas_bar[1:] / alphas_bar[:-1]]))


@q_sample_batch.mistake("every row has its own time: alphas_bar[t], not the entry of the first row for all")
def _(x0, t, noise, alphas_bar):
    return q_sample_batch(x0, np.full_like(t, t[0]), noise, alphas_bar)


@q_sample_batch.mistake(
    "alphas_bar[t] has shape (n,) and meets the columns of x0; [:, None] makes it (n, 1), one a row"
)
def _(x0, t, noise, alphas_bar):
    a = alphas_bar[t]
    return np.sqrt(a) * x0 + np.sqrt(1 - a) * noise


def _posterior_cases(rng):
    for d, t in ((2, 2), (3, 1), (3, 4), (5, 3)):
        yield rng.standard_normal(d), rng.standard_normal(d) + 2, t, _schedule(rng, 6)


@exercise(
    "Return the mean of q(x_{t-1} | x_t, x0) for alphas_bar (T + 1,).",
    _posterior_cases,
)
def posterior_mean(x_t, x0, t, alphas_bar):
    now, before = alphas_bar[t], alphas_bar[t - 1]
    alpha = now / before
    return (np.sqrt(before) * (1 - alpha) * x0 + np.sqrt(alpha) * (1 - before) * x_t) / (1 - now)


@posterior_mean.mistake("x_t and x0 have each other's weights")
def _(x_t, x0, t, alphas_bar):
    return posterior_mean(x0, x_t, t, alphas_bar)


@posterior_mean.mistake(
    "beta_t is 1 - alpha_t with alpha_t = alphas_bar[t] / alphas_bar[t-1]; you used 1 - alphas_bar[t]"
)
def _(x_t, x0, t, alphas_bar):
    beta = 1 - alphas_bar[t] / alphas_bar[t - 1]
    return posterior_mean(x_t, x0 * (1 - alphas_bar[t]) / beta, t, alphas_bar)


@posterior_mean.mistake("the weight of x0 needs the root of alphas_bar[t-1], not of alphas_bar[t]")
def _(x_t, x0, t, alphas_bar):
    return posterior_mean(x_t, x0 * np.sqrt(alphas_bar[t] / alphas_bar[t - 1]), t, alphas_bar)


@posterior_mean.mistake("the common denominator 1 - alphas_bar[t] is missing")
def _(x_t, x0, t, alphas_bar):
    return posterior_mean(x_t, x0, t, alphas_bar) * (1 - alphas_bar[t])


@posterior_mean.mistake("that is the mean of q(x_{t-1} | x0): it does not use x_t")
def _(x_t, x0, t, alphas_bar):
    return np.sqrt(alphas_bar[t - 1]) * x0


@posterior_mean.mistake("at t = 1 you divide by 1 - alpha_bar_0 = 0; use the simplified form")
def _(x_t, x0, t, alphas_bar):
    alpha, rest_before = alphas_bar[t] / alphas_bar[t - 1], 1 - alphas_bar[t - 1]
    A = alpha / (1 - alpha) + 1 / rest_before
    return (np.sqrt(alpha) / (1 - alpha) * x_t + np.sqrt(alphas_bar[t - 1]) / rest_before * x0) / A


@posterior_mean.mistake("the weight of x_t needs the root of alpha_t, of this one step, not of alphas_bar[t]")
def _(x_t, x0, t, alphas_bar):
    return posterior_mean(x_t * np.sqrt(alphas_bar[t - 1]), x0, t, alphas_bar)


@posterior_mean.mistake("the square roots are missing, of alphas_bar[t-1] before x0 and of alpha_t before x_t")
def _(x_t, x0, t, alphas_bar):
    before = alphas_bar[t - 1]
    return posterior_mean(x_t * np.sqrt(alphas_bar[t] / before), x0 * np.sqrt(before), t, alphas_bar)


def _ddim_cases(rng):
    for d in (2, 3, 6):
        yield rng.standard_normal(d), rng.standard_normal(d), rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8)


@exercise(
    "Return x_s of DDIM with eta = 0, from x_t and the predicted velocity v.",
    _ddim_cases,
)
def ddim_step(x_t, v, alpha_bar_t, alpha_bar_s):
    x0 = np.sqrt(alpha_bar_t) * x_t - np.sqrt(1 - alpha_bar_t) * v
    noise = np.sqrt(1 - alpha_bar_t) * x_t + np.sqrt(alpha_bar_t) * v
    return np.sqrt(alpha_bar_s) * x0 + np.sqrt(1 - alpha_bar_s) * noise


@ddim_step.mistake("v was taken for the noise; first turn the velocity into x0 and noise")
def _(x_t, v, alpha_bar_t, alpha_bar_s):
    x0 = (x_t - np.sqrt(1 - alpha_bar_t) * v) / np.sqrt(alpha_bar_t)
    return np.sqrt(alpha_bar_s) * x0 + np.sqrt(1 - alpha_bar_s) * v


@ddim_step.mistake("you came out at x_t again: mix x0 and noise with alpha_bar_s, the level where the step ends")
def _(x_t, v, alpha_bar_t, alpha_bar_s):
    return x_t.copy()


@ddim_step.mistake("that is the guess of x0 itself; DDIM adds the guessed noise back, at the level of s")
def _(x_t, v, alpha_bar_t, alpha_bar_s):
    return np.sqrt(alpha_bar_t) * x_t - np.sqrt(1 - alpha_bar_t) * v


@ddim_step.mistake("check the sign in x0 = sqrt(alpha_bar_t) x_t - sqrt(1 - alpha_bar_t) v")
def _(x_t, v, alpha_bar_t, alpha_bar_s):
    x0 = np.sqrt(alpha_bar_t) * x_t + np.sqrt(1 - alpha_bar_t) * v
    noise = np.sqrt(1 - alpha_bar_t) * x_t + np.sqrt(alpha_bar_t) * v
    return np.sqrt(alpha_bar_s) * x0 + np.sqrt(1 - alpha_bar_s) * noise


@ddim_step.mistake("check the sign in noise = sqrt(1 - alpha_bar_t) x_t + sqrt(alpha_bar_t) v")
def _(x_t, v, alpha_bar_t, alpha_bar_s):
    x0 = np.sqrt(alpha_bar_t) * x_t - np.sqrt(1 - alpha_bar_t) * v
    noise = np.sqrt(1 - alpha_bar_t) * x_t - np.sqrt(alpha_bar_t) * v
    return np.sqrt(alpha_bar_s) * x0 + np.sqrt(1 - alpha_bar_s) * noise


@ddim_step.mistake("x0 is right, but the last line mixes it with v; what it needs there is the guessed noise")
def _(x_t, v, alpha_bar_t, alpha_bar_s):
    x0 = np.sqrt(alpha_bar_t) * x_t - np.sqrt(1 - alpha_bar_t) * v
    return np.sqrt(alpha_bar_s) * x0 + np.sqrt(1 - alpha_bar_s) * v


@ddim_step.mistake("x0 and noise are right, but the last line mixes them without the square roots")
def _(x_t, v, alpha_bar_t, alpha_bar_s):
    x0 = np.sqrt(alpha_bar_t) * x_t - np.sqrt(1 - alpha_bar_t) * v
    noise = np.sqrt(1 - alpha_bar_t) * x_t + np.sqrt(alpha_bar_t) * v
    return alpha_bar_s * x0 + (1 - alpha_bar_s) * noise


@ddim_step.mistake("the square roots are missing: alpha_bar and 1 - alpha_bar are variances, not factors")
def _(x_t, v, alpha_bar_t, alpha_bar_s):
    x0 = alpha_bar_t * x_t - (1 - alpha_bar_t) * v
    noise = (1 - alpha_bar_t) * x_t + alpha_bar_t * v
    return alpha_bar_s * x0 + (1 - alpha_bar_s) * noise


def _guided_cases(rng):
    for d, w in ((2, 0.5), (3, 3.0), (5, 1.5)):
        yield rng.standard_normal(d), rng.standard_normal(d), w + rng.uniform(0.1, 0.4)


@exercise(
    "Return the guided noise from the predictions with the class and without one.",
    _guided_cases,
)
def guided(noise_class, noise_none, w):
    return (1 + w) * noise_class - w * noise_none


@guided.mistake("class and none are swapped: that walks away from the class")
def _(noise_class, noise_none, w):
    return (1 + w) * noise_none - w * noise_class


@guided.mistake("that is the other convention, in which w = 1 is unguided; here w = 0 is")
def _(noise_class, noise_none, w):
    return noise_none + w * (noise_class - noise_none)


@guided.mistake("that interpolates between the two; guidance goes beyond the class, so one of the weights is negative")
def _(noise_class, noise_none, w):
    return (noise_class + w * noise_none) / (1 + w)


@guided.mistake("that walks from the class towards none; guidance walks the other way, away from none")
def _(noise_class, noise_none, w):
    return noise_class + w * (noise_none - noise_class)


@guided.mistake("the weights must sum to one: (1 + w) and -w")
def _(noise_class, noise_none, w):
    return (1 + w) * noise_class - noise_none
