"""Exercises of 4.5.3, Policy gradients and PPO: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _returns_cases(rng):
    for T, ends in ((4, [1]), (7, [2, 4]), (6, [4, 5])):
        yield rng.uniform(0.5, 2, T), np.isin(np.arange(T), ends), float(rng.uniform(0.8, 0.95))


@exercise("Return the discounted rewards-to-go (T,), each episode on its own.", _returns_cases)
def discounted_returns(rewards, dones, gamma):
    returns, following = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * following * (not dones[t])
        returns[t] = following
    return returns


@discounted_returns.mistake("the rewards of the next episode leak into this one: cut where dones[t] is true")
def _(rewards, dones, gamma):
    return discounted_returns(rewards, np.zeros_like(dones), gamma)


@discounted_returns.mistake("cut in the wrong place: dones[t] marks the last step, whose own reward still counts")
def _(rewards, dones, gamma):
    return discounted_returns(rewards, np.append(dones[1:], False), gamma)


@discounted_returns.mistake("these are sums of the past; the reward-to-go looks forward: run from the last step back")
def _(rewards, dones, gamma):
    return discounted_returns(rewards[::-1], dones[::-1], gamma)[::-1]


@discounted_returns.mistake("nothing is discounted: a reward k steps ahead counts gamma**k")
def _(rewards, dones, gamma):
    return discounted_returns(rewards, dones, 1.0)


@discounted_returns.mistake(
    "weighted by the time since the start: seen from step t, a reward at k counts gamma**(k - t)"
)
def _(rewards, dones, gamma):
    start = np.zeros(len(rewards), int)  # of each step's episode
    for t in range(1, len(rewards)):
        start[t] = t if dones[t - 1] else start[t - 1]
    return gamma ** (np.arange(len(rewards)) - start) * discounted_returns(rewards, dones, gamma)


@discounted_returns.mistake(
    "weighted by the place in the stream: seen from step t, a reward at k counts gamma**(k - t)"
)
def _(rewards, dones, gamma):
    return gamma ** np.arange(len(rewards)) * discounted_returns(rewards, dones, gamma)


@discounted_returns.mistake("the step's own reward is discounted already; its factor is gamma**0 = 1")
def _(rewards, dones, gamma):
    return gamma * discounted_returns(rewards, dones, gamma)


def _gae_cases(rng):
    for T, ended, cut in ((5, 1, 3), (7, 4, 2), (9, 2, 6)):
        terminated, truncated = np.arange(T) == ended, np.arange(T) == cut
        arrays = (rng.uniform(0.5, 1.5, T), rng.uniform(2, 3, T), rng.uniform(3.5, 5, T))
        yield *arrays, terminated, terminated | truncated, float(rng.uniform(0.9, 0.97)), float(rng.uniform(0.7, 0.9))


@exercise("Return the generalised advantage estimates (T,), with both flags in their right places.", _gae_cases)
def gae_advantages(rewards, values, next_values, terminated, done, gamma, lam):
    delta = rewards + gamma * next_values * ~terminated - values
    advantages, following = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        following = delta[t] + gamma * lam * following * (not done[t])
        advantages[t] = following
    return advantages


@gae_advantages.mistake("a truncated step lost its future: the value of its final observation still counts")
def _(rewards, values, next_values, terminated, done, gamma, lam):
    return gae_advantages(rewards, values, next_values, done, done, gamma, lam)


@gae_advantages.mistake("after a truncation the sum runs on into the next episode: which flag says it is over?")
def _(rewards, values, next_values, terminated, done, gamma, lam):
    return gae_advantages(rewards, values, next_values, terminated, terminated, gamma, lam)


@gae_advantages.mistake("a terminated step was bootstrapped: when the pole has fallen, there is no future to value")
def _(rewards, values, next_values, terminated, done, gamma, lam):
    return gae_advantages(rewards, values, next_values, np.zeros_like(done), done, gamma, lam)


@gae_advantages.mistake("the sum never stops at an episode's end: use done in the recursion")
def _(rewards, values, next_values, terminated, done, gamma, lam):
    return gae_advantages(rewards, values, next_values, terminated, np.zeros_like(done), gamma, lam)


@gae_advantages.mistake("the weights decay by lambda alone; each step further costs gamma times lambda")
def _(rewards, values, next_values, terminated, done, gamma, lam):
    delta = rewards + gamma * next_values * ~terminated - values
    return gae_advantages(delta, np.zeros_like(values), np.zeros_like(values), terminated, done, 1.0, lam)


@gae_advantages.mistake("these are the TD errors; now add up those of the following steps, with falling weights")
def _(rewards, values, next_values, terminated, done, gamma, lam):
    return rewards + gamma * next_values * ~terminated - values


@gae_advantages.mistake("these are returns: the advantage has the critic's value taken off")
def _(rewards, values, next_values, terminated, done, gamma, lam):
    return gae_advantages(rewards, values, next_values, terminated, done, gamma, lam) + values


def _ratio_cases(rng):
    for n in (5, 8, 12):
        ratio = np.concatenate([[1.1, 1.6, 0.4, 1.7, 0.5], rng.uniform(0.3, 1.9, n - 5)]) * rng.uniform(0.98, 1.02, n)
        sign = np.concatenate([[1.0, 1, 1, -1, -1], rng.choice([-1.0, 1.0], n - 5)])
        old = rng.uniform(-1.5, -0.8, n)
        yield old + np.log(ratio), old, sign * rng.uniform(0.5, 2, n), float(rng.uniform(0.15, 0.25))


@exercise("Return the mean clipped loss of PPO, a number to be minimised.", _ratio_cases)
def ppo_clip_loss(log_probs, old_log_probs, advantages, eps):
    ratio = np.exp(log_probs - old_log_probs)
    return -np.minimum(ratio * advantages, np.clip(ratio, 1 - eps, 1 + eps) * advantages).mean()


@ppo_clip_loss.mistake("that is the objective, to be raised; a loss goes down: the sign is missing")
def _(log_probs, old_log_probs, advantages, eps):
    return -ppo_clip_loss(log_probs, old_log_probs, advantages, eps)


@ppo_clip_loss.mistake("the maximum is the optimistic choice; PPO is pessimistic about the objective")
def _(log_probs, old_log_probs, advantages, eps):
    ratio = np.exp(log_probs - old_log_probs)
    return -np.maximum(ratio * advantages, np.clip(ratio, 1 - eps, 1 + eps) * advantages).mean()


@ppo_clip_loss.mistake("clipped on both sides for all: a step that moved the wrong way keeps its unclipped term")
def _(log_probs, old_log_probs, advantages, eps):
    return -(np.clip(np.exp(log_probs - old_log_probs), 1 - eps, 1 + eps) * advantages).mean()


@ppo_clip_loss.mistake("nothing is clipped: this is the plain surrogate")
def _(log_probs, old_log_probs, advantages, eps):
    return -(np.exp(log_probs - old_log_probs) * advantages).mean()


@ppo_clip_loss.mistake("the ratio is upside down: the new probability goes over the old one")
def _(log_probs, old_log_probs, advantages, eps):
    return ppo_clip_loss(old_log_probs, log_probs, advantages, eps)


@ppo_clip_loss.mistake("that is a sum over the steps; the loss is their mean")
def _(log_probs, old_log_probs, advantages, eps):
    return ppo_clip_loss(log_probs, old_log_probs, advantages, eps) * len(advantages)


@ppo_clip_loss.mistake("the minimum of the ratios is not the minimum of the terms: multiply by the advantage first")
def _(log_probs, old_log_probs, advantages, eps):
    ratio = np.exp(log_probs - old_log_probs)
    return -(np.minimum(ratio, np.clip(ratio, 1 - eps, 1 + eps)) * advantages).mean()


def _diagnostic_cases(rng):
    for log_probs, old_log_probs, _, eps in _ratio_cases(rng):
        inside = (1 - eps + np.exp(-eps)) / 2  # inside the interval, though its logarithm is below -eps
        log_probs[0] = old_log_probs[0] + np.log(inside)
        yield log_probs, old_log_probs, eps


@exercise("Return the pair (approximate KL, clip fraction).", _diagnostic_cases)
def ppo_diagnostics(log_probs, old_log_probs, eps):
    log_ratio = log_probs - old_log_probs
    ratio = np.exp(log_ratio)
    return (ratio - 1 - log_ratio).mean(), (np.abs(ratio - 1) > eps).mean()


@ppo_diagnostics.mistake("the KL is the plain -log ratio, which can be negative; the third estimator adds ratio - 1")
def _(log_probs, old_log_probs, eps):
    return (old_log_probs - log_probs).mean(), ppo_diagnostics(log_probs, old_log_probs, eps)[1]


@ppo_diagnostics.mistake("the ratio is upside down: the actions were drawn from the old policy, so it divides")
def _(log_probs, old_log_probs, eps):
    return ppo_diagnostics(old_log_probs, log_probs, eps)


@ppo_diagnostics.mistake("the clip fraction counts both sides: ratios above 1 + eps and ratios below 1 - eps")
def _(log_probs, old_log_probs, eps):
    return ppo_diagnostics(log_probs, old_log_probs, eps)[0], (np.exp(log_probs - old_log_probs) > 1 + eps).mean()


@ppo_diagnostics.mistake("the interval is one of ratios, not of their logarithms: exp first, then compare with 1")
def _(log_probs, old_log_probs, eps):
    kl, _ = ppo_diagnostics(log_probs, old_log_probs, eps)
    return kl, (np.abs(log_probs - old_log_probs) > eps).mean()


@ppo_diagnostics.mistake("half the squared log ratio is the second estimator: small variance, but biased")
def _(log_probs, old_log_probs, eps):
    return ((log_probs - old_log_probs) ** 2).mean() / 2, ppo_diagnostics(log_probs, old_log_probs, eps)[1]


@ppo_diagnostics.mistake("both numbers are right, in the wrong order: the KL comes first")
def _(log_probs, old_log_probs, eps):
    return ppo_diagnostics(log_probs, old_log_probs, eps)[::-1]


@ppo_diagnostics.mistake("the share of steps that are not clipped; count those outside the interval")
def _(log_probs, old_log_probs, eps):
    kl, clipped = ppo_diagnostics(log_probs, old_log_probs, eps)
    return kl, 1 - clipped
