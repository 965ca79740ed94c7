"""Exercises of 3.2, GAN: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _smoothed_cases(rng):
    for n in (1, 3, 6):
        yield rng.uniform(0.2, 2.0, n), rng.uniform(0.2, 2.0, n), rng.uniform(0.6, 0.9), rng.uniform(0.2, 0.4)


@exercise(
    "Return the best D (n,) for densities p, q (n,), real target `label`, and a share `drawn` of drawn points a batch.",
    _smoothed_cases,
)
def smoothed_discriminator(p, q, label, drawn):
    real = (1 - drawn) * p
    return label * real / (real + drawn * q)


@smoothed_discriminator.mistake("that is p / (p + q): it knows neither the smoothed label nor the unequal shares")
def _(p, q, label, drawn):
    return p / (p + q)


@smoothed_discriminator.mistake(
    "the label is right, but the shares are missing: real points come with weight 1 - drawn"
)
def _(p, q, label, drawn):
    return label * p / (p + q)


@smoothed_discriminator.mistake("the shares are right, but real points pull D up to the label only, not to 1")
def _(p, q, label, drawn):
    return (1 - drawn) * p / ((1 - drawn) * p + drawn * q)


@smoothed_discriminator.mistake(
    "the rest 1 - label of a real point pulls D down and stays in the denominator: there p keeps its full weight"
)
def _(p, q, label, drawn):
    real = label * (1 - drawn) * p
    return real / (real + drawn * q)


@smoothed_discriminator.mistake("the shares are swapped: `drawn` belongs to q, and 1 - drawn to p")
def _(p, q, label, drawn):
    return label * drawn * p / (drawn * p + (1 - drawn) * q)


@smoothed_discriminator.mistake("that is the share of *drawn* points: D is the probability of real")
def _(p, q, label, drawn):
    real = (1 - drawn) * p
    return label * drawn * q / (real + drawn * q)


@smoothed_discriminator.mistake(
    "that smooths both labels; here only the real one is smoothed, drawn points have target 0"
)
def _(p, q, label, drawn):
    real = (1 - drawn) * p
    return (label * real + (1 - label) * drawn * q) / (real + drawn * q)


@smoothed_discriminator.mistake("that is the logit of the best D; the probability is asked for")
def _(p, q, label, drawn):
    best = label * (1 - drawn) * p / ((1 - drawn) * p + drawn * q)
    return np.log(best) - np.log1p(-best)


def _w1_cases(rng):
    for n, m in ((1, 2), (3, 2), (4, 6), (5, 3)):
        a, b = rng.standard_normal(n), rng.standard_normal(m) * 2 + 0.3
        a[0] = b.max() + 1  # beyond b at one side, and below at both: the distribution functions cross
        a[1:2] = b.min() - 0.5
        yield a, b


@exercise(
    "Return the exact Wasserstein distance of two samples a (n,) and b (m,) of any sizes.",
    _w1_cases,
)
def w1_any_sizes(a, b):
    places = np.sort(np.concatenate([a, b]))
    below_a = (a[:, None] <= places[:-1]).mean(axis=0)
    below_b = (b[:, None] <= places[:-1]).mean(axis=0)
    return np.sum(np.abs(below_a - below_b) * np.diff(places))


@w1_any_sizes.mistake("that pairs the first min(n, m) sorted values and forgets the others; every point has mass")
def _(a, b):
    n = min(len(a), len(b))
    return np.mean(np.abs(np.sort(a)[:n] - np.sort(b)[:n]))


@w1_any_sizes.mistake("that is the distance of the two means: earth that goes left and right must not cancel")
def _(a, b):
    return np.abs(a.mean() - b.mean())


@w1_any_sizes.mistake("that is the mean distance of all pairs: the plan that mixes everything, not the best plan")
def _(a, b):
    return np.mean(np.abs(a[:, None] - b[None]))


@w1_any_sizes.mistake("squared gaps: that is another distance; W1 integrates |F_p - F_q| itself")
def _(a, b):
    places = np.sort(np.concatenate([a, b]))
    below_a = (a[:, None] <= places[:-1]).mean(axis=0)
    below_b = (b[:, None] <= places[:-1]).mean(axis=0)
    return np.sum((below_a - below_b) ** 2 * np.diff(places))


@w1_any_sizes.mistake("the heights are summed without the widths: multiply each gap by the step to the next place")
def _(a, b):
    places = np.sort(np.concatenate([a, b]))
    below_a = (a[:, None] <= places[:-1]).mean(axis=0)
    below_b = (b[:, None] <= places[:-1]).mean(axis=0)
    return np.sum(np.abs(below_a - below_b))


@w1_any_sizes.mistake(
    "these are counts, not shares: divide by n and by m, or samples of unequal size have unequal mass"
)
def _(a, b):
    places = np.sort(np.concatenate([a, b]))
    below_a = (a[:, None] <= places[:-1]).sum(axis=0)
    below_b = (b[:, None] <= places[:-1]).sum(axis=0)
    return np.sum(np.abs(below_a - below_b) * np.diff(places))


@w1_any_sizes.mistake("without the absolute value, earth that goes left and right cancels")
def _(a, b):
    places = np.sort(np.concatenate([a, b]))
    below_a = (a[:, None] <= places[:-1]).mean(axis=0)
    below_b = (b[:, None] <= places[:-1]).mean(axis=0)
    return np.sum((below_a - below_b) * np.diff(places))


@w1_any_sizes.mistake("each point went to its nearest: then some places get too much earth and others none")
def _(a, b):
    return np.abs(a[:, None] - b).min(axis=1).mean()


@w1_any_sizes.mistake("the samples were repeated to equal size, but not sorted before they were paired")
def _(a, b):
    return np.mean(np.abs(np.repeat(a, len(b)) - np.repeat(b, len(a))))


def _penalty_cases(rng):
    for n, d in ((2, 2), (3, 3), (4, 4)):  # square, so that a wrong axis is no error of shapes
        A, size = rng.standard_normal((d, d)), np.ones((n, 1))
        A, size[0] = A + A.T, 0.1  # the first point has a slope below 1
        real, fake = rng.standard_normal((n, d)) * size, (rng.standard_normal((n, d)) + 1) * size
        yield 1.5 * A / np.linalg.norm(A, 2), real, fake, rng.uniform(0.1, 0.4, n)


@exercise(
    "Return the gradient penalty of the critic f(x) = x·Ax / 2 (A symmetric) for real, fake (n, d) and alpha (n,).",
    _penalty_cases,
)
def quadratic_penalty(A, real, fake, alpha):
    between = alpha[:, None] * real + (1 - alpha[:, None]) * fake
    slope = between @ A
    return np.mean((np.linalg.norm(slope, axis=1) - 1) ** 2)


@quadratic_penalty.mistake("the norm went over the batch (axis 0); it must go over everything but the batch")
def _(A, real, fake, alpha):
    slope = (alpha[:, None] * real + (1 - alpha[:, None]) * fake) @ A
    return np.mean((np.linalg.norm(slope, axis=0) - 1) ** 2)


@quadratic_penalty.mistake("that is one norm of the whole batch; every point has a slope of its own")
def _(A, real, fake, alpha):
    slope = (alpha[:, None] * real + (1 - alpha[:, None]) * fake) @ A
    return (np.linalg.norm(slope) - 1) ** 2


@quadratic_penalty.mistake("that pulls the *mean* norm to 1; the penalty is the mean of each point's square")
def _(A, real, fake, alpha):
    slope = (alpha[:, None] * real + (1 - alpha[:, None]) * fake) @ A
    return (np.mean(np.linalg.norm(slope, axis=1)) - 1) ** 2


@quadratic_penalty.mistake("that uses the squared norm; the root is missing before 1 is subtracted")
def _(A, real, fake, alpha):
    slope = (alpha[:, None] * real + (1 - alpha[:, None]) * fake) @ A
    return np.mean(((slope**2).sum(axis=1) - 1) ** 2)


@quadratic_penalty.mistake(
    "alpha (n,) met the columns: [:, None] gives every row its own, else every pixel has another"
)
def _(A, real, fake, alpha):
    slope = (alpha * real + (1 - alpha) * fake) @ A
    return np.mean((np.linalg.norm(slope, axis=1) - 1) ** 2)


@quadratic_penalty.mistake("one alpha was used for the whole batch; each pair has its own")
def _(A, real, fake, alpha):
    slope = (alpha[0] * real + (1 - alpha[0]) * fake) @ A
    return np.mean((np.linalg.norm(slope, axis=1) - 1) ** 2)


@quadratic_penalty.mistake("real and fake are swapped: alpha = 1 is the real point")
def _(A, real, fake, alpha):
    return quadratic_penalty(A, fake, real, alpha)


@quadratic_penalty.mistake("the slope of x·Ax / 2 is Ax, for a symmetric A; yours lacks the half, or doubles the slope")
def _(A, real, fake, alpha):
    return quadratic_penalty(2 * A, real, fake, alpha)


@quadratic_penalty.mistake("that is the one-sided penalty, which forgives slopes below 1; WGAN-GP's is two-sided")
def _(A, real, fake, alpha):
    slope = (alpha[:, None] * real + (1 - alpha[:, None]) * fake) @ A
    return np.mean(np.maximum(np.linalg.norm(slope, axis=1) - 1, 0) ** 2)


@quadratic_penalty.mistake("the slope is taken between the real and the drawn point, not at the real ones")
def _(A, real, fake, alpha):
    return quadratic_penalty(A, real, real, alpha)


@quadratic_penalty.mistake("the penalty is the mean over the points, not the sum")
def _(A, real, fake, alpha):
    return quadratic_penalty(A, real, fake, alpha) * len(real)


@quadratic_penalty.mistake("that is |norm - 1|: the penalty squares it")
def _(A, real, fake, alpha):
    slope = (alpha[:, None] * real + (1 - alpha[:, None]) * fake) @ A
    return np.mean(np.abs(np.linalg.norm(slope, axis=1) - 1))


@quadratic_penalty.mistake("half the slope: the derivative of x·Ax / 2 is Ax, since x stands in it twice")
def _(A, real, fake, alpha):
    return quadratic_penalty(A / 2, real, fake, alpha)


def _sigma(x):
    return 1 / (1 + np.exp(-x))


def _round_cases(rng):
    for _ in range(4):
        theta, psi = rng.uniform(0.5, 2.0, 2) * rng.choice([-1.0, 1.0], 2)
        yield theta, psi, rng.uniform(0.2, 0.8)


@exercise(
    "Return (theta, psi) of the Dirac-GAN after one round: first D's step, then G's non-saturating one.",
    _round_cases,
)
def alternating_round(theta, psi, rate):
    psi = psi - rate * _sigma(psi * theta) * theta
    theta = theta + rate * _sigma(-psi * theta) * psi
    return theta, psi


@alternating_round.mistake("both moved at once: the generator must meet the *new* psi")
def _(theta, psi, rate):
    return theta + rate * _sigma(-psi * theta) * psi, psi - rate * _sigma(psi * theta) * theta


@alternating_round.mistake("that is the minimax step of G: its factor is sigma(l), the non-saturating one is sigma(-l)")
def _(theta, psi, rate):
    psi = psi - rate * _sigma(psi * theta) * theta
    return theta + rate * _sigma(psi * theta) * psi, psi


@alternating_round.mistake("the generator moved first; the round begins with the discriminator")
def _(theta, psi, rate):
    theta = theta + rate * _sigma(-psi * theta) * psi
    return theta, psi - rate * _sigma(psi * theta) * theta


@alternating_round.mistake("psi went the wrong way: the drawn point theta must be marked down, psi falls if theta > 0")
def _(theta, psi, rate):
    psi = psi + rate * _sigma(psi * theta) * theta
    return theta + rate * _sigma(-psi * theta) * psi, psi


@alternating_round.mistake("theta went the wrong way: G moves to where the logit psi * x is higher")
def _(theta, psi, rate):
    psi = psi - rate * _sigma(psi * theta) * theta
    return theta - rate * _sigma(-psi * theta) * psi, psi


@alternating_round.mistake("right numbers, wrong order: return theta first, then psi")
def _(theta, psi, rate):
    return alternating_round(theta, psi, rate)[::-1]


@alternating_round.mistake("those are the Wasserstein steps, without the factors sigma")
def _(theta, psi, rate):
    psi = psi - rate * theta
    return theta + rate * psi, psi


@alternating_round.mistake("the generator met the new psi in its step, but the old one in sigma: use the new one twice")
def _(theta, psi, rate):
    new = psi - rate * _sigma(psi * theta) * theta
    return theta + rate * _sigma(-psi * theta) * new, new


@alternating_round.mistake("D's factor is sigma(l) for a drawn point: what it wrongly takes for real pushes it hardest")
def _(theta, psi, rate):
    psi = psi - rate * _sigma(-psi * theta) * theta
    return theta + rate * _sigma(-psi * theta) * psi, psi


@alternating_round.mistake("the generator's step lacks the rate")
def _(theta, psi, rate):
    psi = psi - rate * _sigma(psi * theta) * theta
    return theta + _sigma(-psi * theta) * psi, psi
