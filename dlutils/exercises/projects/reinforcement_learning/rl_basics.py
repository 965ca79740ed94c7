"""Exercises of 4.5.1, The basics of reinforcement learning: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _world_cases(rng):
    for n, actions in ((4, 2), (5, 3), (6, 2)):
        P = rng.dirichlet(np.ones(n), (n, actions))
        ends = np.isin(np.arange(n), [1, n - 1])
        yield P, rng.uniform(1, 3, (n, actions, n)), ends, rng.uniform(2, 5, n), float(rng.uniform(0.6, 0.9))


@exercise("Return Q (S, A): the mean of the reward of arriving and of the discounted value there.", _world_cases)
def action_values(P, rewards, ends, V, gamma):
    return (P * (rewards + gamma * np.where(ends, 0.0, V))).sum(axis=2)


@action_values.mistake("nothing comes after an end: its V counts as 0, whatever the table says")
def _(P, rewards, ends, V, gamma):
    return (P * (rewards + gamma * V)).sum(axis=2)


@action_values.mistake("the reward for arriving at an end is paid; only the value after it is 0")
def _(P, rewards, ends, V, gamma):
    return (P * np.where(ends, 0.0, rewards + gamma * V)).sum(axis=2)


@action_values.mistake("the reward must be weighted by P too: some arrivals are likelier than others")
def _(P, rewards, ends, V, gamma):
    return rewards.mean(axis=2) + gamma * P @ np.where(ends, 0.0, V)


@action_values.mistake("all rewards are added up as if one arrived everywhere at once; weight them by P")
def _(P, rewards, ends, V, gamma):
    return rewards.sum(axis=2) + gamma * P @ np.where(ends, 0.0, V)


@action_values.mistake("the reward of this step is not discounted, only what comes after it")
def _(P, rewards, ends, V, gamma):
    return gamma * (P * (rewards + np.where(ends, 0.0, V))).sum(axis=2)


@action_values.mistake("gamma is missing: what comes after the step is discounted once")
def _(P, rewards, ends, V, gamma):
    return (P * (rewards + np.where(ends, 0.0, V))).sum(axis=2)


@action_values.mistake("this is V, the maximum over the actions; Q keeps one value per action")
def _(P, rewards, ends, V, gamma):
    return (P * (rewards + gamma * np.where(ends, 0.0, V))).sum(axis=2).max(axis=1)


@action_values.mistake("ends[s] speaks of where one stands; what matters is where one arrives, ends[t]")
def _(P, rewards, ends, V, gamma):
    return (P * (rewards + gamma * V * ~ends[:, None, None])).sum(axis=2)


@action_values.mistake("the flag is turned round: the value counts where ends is false")
def _(P, rewards, ends, V, gamma):
    return (P * (rewards + gamma * np.where(ends, V, 0.0))).sum(axis=2)


def _batch_cases(rng):
    for n, actions in ((5, 3), (8, 4), (6, 2)):
        terminated = np.isin(np.arange(n), [1, n - 1])
        yield rng.normal(size=n), rng.normal(1, 1, (n, actions)), terminated, float(rng.uniform(0.2, 0.5)), 0.8


@exercise("Return the targets (n,) of Expected SARSA.", _batch_cases)
def expected_sarsa_target(rewards, next_q, terminated, epsilon, gamma):
    value = (1 - epsilon) * next_q.max(axis=1) + epsilon * next_q.mean(axis=1)
    return rewards + gamma * value * ~terminated


@expected_sarsa_target.mistake("this is Q-learning's target: the walker stumbles, and its value must count that")
def _(rewards, next_q, terminated, epsilon, gamma):
    return rewards + gamma * next_q.max(axis=1) * ~terminated


@expected_sarsa_target.mistake("the random step may be the best action too: the mean runs over all actions")
def _(rewards, next_q, terminated, epsilon, gamma):
    n_actions, best = next_q.shape[1], next_q.max(axis=1)
    others = (next_q.sum(axis=1) - best) / (n_actions - 1)
    return rewards + gamma * ((1 - epsilon) * best + epsilon * others) * ~terminated


@expected_sarsa_target.mistake("epsilon and 1 - epsilon are swapped: the best action is taken with 1 - epsilon")
def _(rewards, next_q, terminated, epsilon, gamma):
    return rewards + gamma * (epsilon * next_q.max(axis=1) + (1 - epsilon) * next_q.mean(axis=1)) * ~terminated


@expected_sarsa_target.mistake("after an end there is nothing to expect: no value where terminated is true")
def _(rewards, next_q, terminated, epsilon, gamma):
    return rewards + gamma * ((1 - epsilon) * next_q.max(axis=1) + epsilon * next_q.mean(axis=1))


@expected_sarsa_target.mistake("the flag is the wrong way round: the value counts where the walk goes on")
def _(rewards, next_q, terminated, epsilon, gamma):
    return rewards + gamma * ((1 - epsilon) * next_q.max(axis=1) + epsilon * next_q.mean(axis=1)) * terminated


@expected_sarsa_target.mistake("the reward of the last step is lost: where terminated, the target is the reward alone")
def _(rewards, next_q, terminated, epsilon, gamma):
    value = (1 - epsilon) * next_q.max(axis=1) + epsilon * next_q.mean(axis=1)
    return (rewards + gamma * value) * ~terminated


@expected_sarsa_target.mistake("the walker does not always act at random: the best action has 1 - epsilon more")
def _(rewards, next_q, terminated, epsilon, gamma):
    return rewards + gamma * next_q.mean(axis=1) * ~terminated


@expected_sarsa_target.mistake("the random part is a mean, not a sum: each action has epsilon / number of actions")
def _(rewards, next_q, terminated, epsilon, gamma):
    value = (1 - epsilon) * next_q.max(axis=1) + epsilon * next_q.sum(axis=1)
    return rewards + gamma * value * ~terminated


@expected_sarsa_target.mistake("gamma is missing: what is expected comes one step later")
def _(rewards, next_q, terminated, epsilon, gamma):
    return expected_sarsa_target(rewards, next_q, terminated, epsilon, 1.0)


@expected_sarsa_target.mistake("the reward is sure: it is not weighted with 1 - epsilon")
def _(rewards, next_q, terminated, epsilon, gamma):
    best = rewards + gamma * next_q.max(axis=1) * ~terminated
    return (1 - epsilon) * best + epsilon * gamma * next_q.mean(axis=1) * ~terminated


@expected_sarsa_target.mistake(
    "the best action's share of the random steps is lost: its weight is 1 - epsilon + epsilon / n"
)
def _(rewards, next_q, terminated, epsilon, gamma):
    best = next_q.max(axis=1)
    value = (1 - epsilon) * best + epsilon * (next_q.sum(axis=1) - best) / next_q.shape[1]
    return rewards + gamma * value * ~terminated


def _normal_cases(rng):
    for arms in (2, 4, 6):
        means = rng.permutation(np.arange(arms) * 0.6 + rng.uniform(0, 0.4, arms))
        yield means, rng.uniform(0.5, 2.0, arms) + np.arange(arms) * 0.1


@exercise("Return the sum over the bad arms of gap / KL, for normal arms.", _normal_cases)
def normal_constant(means, deviations):
    gaps = means.max() - means
    bad = gaps > 0
    return (2 * deviations[bad] ** 2 / gaps[bad]).sum()


@normal_constant.mistake("the KL of two normal laws is gap² / (2 σ²): a factor of 2 is missing")
def _(means, deviations):
    return normal_constant(means, deviations) / 2


@normal_constant.mistake("the deviation is that of the bad arm: its law is the one that is changed")
def _(means, deviations):
    gaps = means.max() - means
    return (2 * deviations[means.argmax()] ** 2 / gaps[gaps > 0]).sum()


@normal_constant.mistake("this counts the plays, 1 / KL; each of them costs the gap")
def _(means, deviations):
    gaps = means.max() - means
    return (2 * deviations[gaps > 0] ** 2 / gaps[gaps > 0] ** 2).sum()


@normal_constant.mistake("the variance σ² belongs into the KL, not the standard deviation")
def _(means, deviations):
    gaps = means.max() - means
    return (2 * deviations[gaps > 0] / gaps[gaps > 0]).sum()


@normal_constant.mistake("this is gap · KL; the more alike two arms are, the *more* plays it takes: divide by the KL")
def _(means, deviations):
    gaps = means.max() - means
    return (gaps**3 / (2 * deviations**2)).sum()


@normal_constant.mistake("a mean over the bad arms; every bad arm has its own regret, and they add up")
def _(means, deviations):
    return normal_constant(means, deviations) / max(len(means) - 1, 1)


@normal_constant.mistake("only the mean is changed: both laws in the KL have the bad arm's deviation")
def _(means, deviations):
    gaps, best = means.max() - means, deviations[means.argmax()]
    bad = gaps > 0
    kl = np.log(best / deviations[bad]) + (deviations[bad] ** 2 + gaps[bad] ** 2) / (2 * best**2) - 0.5
    return (gaps[bad] / kl).sum()


@normal_constant.mistake("the best arm costs nothing and has gap 0: leave it out, or the sum is infinite")
def _(means, deviations):
    gaps = means.max() - means
    with np.errstate(divide="ignore"):
        return (2 * deviations**2 / gaps).sum()


def _step_cases(rng):
    for s, after, terminated in ((0, 2, False), (1, 3, False), (2, 0, True), (3, 3, False)):
        best_first, best_second = rng.permutation([0, 2])  # the tables disagree on the next state; neither holds a best
        first, second = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
        first[after, best_first] += 5
        second[after, best_second] += 5
        yield first, second, s, 1, float(rng.uniform(0.5, 1)), after, terminated, 0.3, 0.9


@exercise("Return the changed copy of the table `first`.", _step_cases)
def double_step(first, second, s, a, r, after, terminated, alpha, gamma):
    value = 0.0 if terminated else second[after, first[after].argmax()]
    new = first.copy()
    new[s, a] += alpha * (r + gamma * value - first[s, a])
    return new


@double_step.mistake("this is plain Q-learning: `first` chooses and values; let `second` say what the choice is worth")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    return double_step(first, first, s, a, r, after, terminated, alpha, gamma)


@double_step.mistake("the roles are swapped: `first` chooses the action, `second` values it")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    new = first.copy()
    value = 0.0 if terminated else first[after, second[after].argmax()]
    new[s, a] += alpha * (r + gamma * value - first[s, a])
    return new


@double_step.mistake("this takes the maximum of `second`; look up the action that `first` holds best")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    new = first.copy()
    new[s, a] += alpha * (r + gamma * (0.0 if terminated else second[after].max()) - first[s, a])
    return new


@double_step.mistake("a is the action of *this* step; in the next state it is the one that `first` holds best")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    new = first.copy()
    new[s, a] += alpha * (r + gamma * (0.0 if terminated else second[after, a]) - first[s, a])
    return new


@double_step.mistake("the discount is missing: the next state's value counts gamma times")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    return double_step(first, second, s, a, r, after, terminated, alpha, 1.0)


@double_step.mistake("nothing comes after an end: where terminated, the target is r")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    return double_step(first, second, s, a, r, after, False, alpha, gamma)


@double_step.mistake("the difference is taken from `second`'s entry; it is `first` that moves towards the target")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    value = 0.0 if terminated else second[after, first[after].argmax()]
    new = first.copy()
    new[s, a] += alpha * (r + gamma * value - second[s, a])
    return new


@double_step.mistake("the entry is replaced by the target; it moves towards it by the share alpha")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    return double_step(first, second, s, a, r, after, terminated, 1.0, gamma)


@double_step.mistake("`second` was changed and returned; it is `first` that learns in this step")
def _(first, second, s, a, r, after, terminated, alpha, gamma):
    value = 0.0 if terminated else second[after, first[after].argmax()]
    new = second.copy()
    new[s, a] += alpha * (r + gamma * value - second[s, a])
    return new
