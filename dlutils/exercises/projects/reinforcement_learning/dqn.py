"""Exercises of 4.5.2, Deep Q-learning: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _target_cases(rng):
    for n in (4, 7, 10):
        terminated, truncated = np.arange(n) % 4 == 1, np.arange(n) % 4 == 2
        q_online, q_target = rng.uniform(2, 5, (n, 3)), rng.uniform(2, 5, (n, 3))
        q_online[np.arange(n), q_target.argmin(axis=1)] += 4  # the two networks disagree about the best action
        yield rng.uniform(0.5, 2, n), terminated, truncated, q_online, q_target, float(rng.uniform(0.8, 0.95))


@exercise("Return the double-DQN targets (n,).", _target_cases)
def double_dqn_target(rewards, terminated, truncated, q_online, q_target, gamma):
    best = q_online.argmax(axis=1)
    return rewards + gamma * (1 - terminated) * q_target[np.arange(len(best)), best]


@double_dqn_target.mistake("a truncated step lost its future: the clock stopped the episode, the pole still stands")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    return double_dqn_target(rewards, terminated | truncated, truncated, q_online, q_target, gamma)


@double_dqn_target.mistake("a terminated step was bootstrapped: after a fall there is no future to value")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    return double_dqn_target(rewards, np.zeros_like(terminated), truncated, q_online, q_target, gamma)


@double_dqn_target.mistake("the flags are swapped: `terminated` ends the future, `truncated` does not")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    return double_dqn_target(rewards, truncated, terminated, q_online, q_target, gamma)


@double_dqn_target.mistake("that is plain DQN: the target network both chooses and values; let the online one choose")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    return double_dqn_target(rewards, terminated, truncated, q_target, q_target, gamma)


@double_dqn_target.mistake("the online network both chooses and values: the value must come from the target network")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    return double_dqn_target(rewards, terminated, truncated, q_online, q_online, gamma)


@double_dqn_target.mistake("the roles are swapped: the online network chooses, the target network values")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    return double_dqn_target(rewards, terminated, truncated, q_target, q_online, gamma)


@double_dqn_target.mistake("the smaller of the two values is another method's (TD3): the online network only chooses")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    least = np.minimum(q_online, q_target)
    return double_dqn_target(rewards, terminated, truncated, least, least, gamma)


@double_dqn_target.mistake("nothing is discounted: what comes a step later counts gamma times")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    return double_dqn_target(rewards, terminated, truncated, q_online, q_target, 1.0)


@double_dqn_target.mistake("where the episode terminates only the future is gone: the last reward still counts")
def _(rewards, terminated, truncated, q_online, q_target, gamma):
    return double_dqn_target(rewards, terminated, truncated, q_online, q_target, gamma) * (1 - terminated)


def _duel_cases(rng):
    for n, actions in ((3, 2), (4, 3), (6, 5)):
        yield rng.uniform(2, 5, (n, 1)), rng.uniform(-2, 4, (n, actions)), rng.integers(actions, size=n)


@exercise("Return the pair (gradient for the value (n, 1), for the advantages (n, actions)).", _duel_cases)
def duelling_gradient(slope, advantages, actions):
    chosen = np.eye(advantages.shape[1])[actions]
    return slope, slope * (chosen - 1 / advantages.shape[1])


@duelling_gradient.mistake("the mean that was subtracted has a gradient too: every advantage loses 1/|A| of the slope")
def _(slope, advantages, actions):
    return slope, slope * np.eye(advantages.shape[1])[actions]


@duelling_gradient.mistake("the mean over the actions was subtracted, not their sum: 1/|A| for each of them")
def _(slope, advantages, actions):
    return slope, slope * (np.eye(advantages.shape[1])[actions] - 1)


@duelling_gradient.mistake("the chosen action loses its share of the mean as well: 1 - 1/|A|, not 1")
def _(slope, advantages, actions):
    chosen = np.eye(advantages.shape[1])[actions]
    return slope, slope * np.where(chosen == 1, 1.0, -1 / advantages.shape[1])


@duelling_gradient.mistake("the value has the factor 1 in Q: its gradient is the slope, whole")
def _(slope, advantages, actions):
    return slope / advantages.shape[1], duelling_gradient(slope, advantages, actions)[1]


@duelling_gradient.mistake("that is the gradient for subtracting the maximum; here the mean is subtracted")
def _(slope, advantages, actions):
    eye = np.eye(advantages.shape[1])
    return slope, slope * (eye[actions] - eye[advantages.argmax(axis=1)])


@duelling_gradient.mistake("the mean runs over the actions, not over the batch: divide by the number of actions")
def _(slope, advantages, actions):
    return slope, slope * (np.eye(advantages.shape[1])[actions] - 1 / len(advantages))


def _nstep_cases(rng):
    for T, n, ended, cut in ((6, 2, 1, 3), (9, 3, 2, 6), (12, 3, 6, 9)):
        terminated, truncated = np.arange(T) == ended, np.arange(T) == cut
        arrays = rng.uniform(0.5, 1.5, T), terminated, truncated, rng.uniform(3, 9, T)
        yield *arrays, float(rng.uniform(0.8, 0.95)), n


@exercise("Return the n-step targets (T - n + 1,).", _nstep_cases)
def n_step_targets(rewards, terminated, truncated, next_values, gamma, n):
    targets = np.zeros(len(rewards) - n + 1)
    for t in range(len(targets)):
        for k in range(t, t + n):
            targets[t] += gamma ** (k - t) * rewards[k]
            if terminated[k] or truncated[k] or k == t + n - 1:
                targets[t] += gamma ** (k - t + 1) * next_values[k] * (not terminated[k])
                break
    return targets


@n_step_targets.mistake("the sum runs on into the next episode: stop at a termination and at a truncation")
def _(rewards, terminated, truncated, next_values, gamma, n):
    targets = np.zeros(len(rewards) - n + 1)
    for t in range(len(targets)):
        last = t + n - 1
        targets[t] = rewards[t : last + 1] @ gamma ** np.arange(n) + gamma**n * next_values[last] * (
            not terminated[last]
        )
    return targets


@n_step_targets.mistake("after a truncation the sum runs on into the next episode: stop there, and bootstrap")
def _(rewards, terminated, truncated, next_values, gamma, n):
    return n_step_targets(rewards, terminated, np.zeros_like(truncated), next_values, gamma, n)


@n_step_targets.mistake("a truncated episode lost its future: stop the sum, and add the successor's discounted value")
def _(rewards, terminated, truncated, next_values, gamma, n):
    return n_step_targets(rewards, terminated | truncated, truncated, next_values, gamma, n)


@n_step_targets.mistake("a terminated step was bootstrapped: after a fall there is no future to value")
def _(rewards, terminated, truncated, next_values, gamma, n):
    return n_step_targets(rewards, np.zeros_like(terminated), terminated | truncated, next_values, gamma, n)


@n_step_targets.mistake("the bootstrapped value is discounted once; after k rewards it counts gamma**k")
def _(rewards, terminated, truncated, next_values, gamma, n):
    targets = np.zeros(len(rewards) - n + 1)
    for t in range(len(targets)):
        for k in range(t, t + n):
            targets[t] += gamma ** (k - t) * rewards[k]
            if terminated[k] or truncated[k] or k == t + n - 1:
                targets[t] += gamma * next_values[k] * (not terminated[k])
                break
    return targets


@n_step_targets.mistake("where the sum stops early after k rewards, the value counts gamma**k, not gamma**n")
def _(rewards, terminated, truncated, next_values, gamma, n):
    targets = np.zeros(len(rewards) - n + 1)
    for t in range(len(targets)):
        for k in range(t, t + n):
            targets[t] += gamma ** (k - t) * rewards[k]
            if terminated[k] or truncated[k] or k == t + n - 1:
                targets[t] += gamma**n * next_values[k] * (not terminated[k])
                break
    return targets


@n_step_targets.mistake("these are one-step targets: look n rewards ahead before you bootstrap")
def _(rewards, terminated, truncated, next_values, gamma, n):
    return n_step_targets(rewards, terminated, truncated, next_values, gamma, 1)[: len(rewards) - n + 1]


@n_step_targets.mistake("one step too many: n rewards, then the value of the successor of the n-th")
def _(rewards, terminated, truncated, next_values, gamma, n):
    longer = n_step_targets(rewards, terminated, truncated, next_values, gamma, n + 1)
    return np.append(longer, n_step_targets(rewards, terminated, truncated, next_values, gamma, n)[-1])


def _ring_cases(rng):
    for capacity, steps, envs in ((4, 3, 2), (5, 6, 2), (7, 6, 3)):
        done = rng.random((steps, envs)) < 0.25
        done[0], done[1, 1] = np.arange(envs) == 0, True
        for before, now in zip(done, done[1:], strict=False):
            now &= ~before  # the row after an end is a reset, and no end itself
        kept = steps * envs - done[:-1].sum()
        capacity -= int(kept % capacity == 0)  # so that the write head does not end at the first place
        yield np.arange(1.0, steps * envs + 1).reshape(steps, envs) + rng.uniform(0, 0.5), done, capacity


@exercise("Return the memory's numbers, the oldest first.", _ring_cases)
def remember(rows, done, capacity):
    fresh = np.zeros_like(done)
    fresh[1:] = done[:-1]
    return rows[~fresh][-capacity:]


@remember.mistake("the resets were stored too: the row after a `done` of the same environment is no experience")
def _(rows, done, capacity):
    return rows.ravel()[-capacity:]


@remember.mistake("the last step of each episode was dropped: it is the only one that shows an end; drop the next row")
def _(rows, done, capacity):
    return rows[~done][-capacity:]


@remember.mistake("the ring keeps the newest transitions; yours keeps the oldest")
def _(rows, done, capacity):
    fresh = np.zeros_like(done)
    fresh[1:] = done[:-1]
    return rows[~fresh][:capacity]


@remember.mistake("that is the order of the places; the oldest stands where the head will write next: begin there")
def _(rows, done, capacity):
    kept = remember(rows, done, len(rows) * rows.shape[1])
    ring = np.zeros(min(capacity, len(kept)))
    for i, number in enumerate(kept):
        ring[i % capacity] = number
    return ring


@remember.mistake("the row after a `done` belongs to the next environment: look one step on, in the same column")
def _(rows, done, capacity):
    fresh = np.append(False, done.ravel()[:-1])
    return rows.ravel()[~fresh][-capacity:]


@remember.mistake("newest first: turn them round")
def _(rows, done, capacity):
    return remember(rows, done, capacity)[::-1]


@remember.mistake("a done in one environment dropped the rows of all: each has resets of its own")
def _(rows, done, capacity):
    fresh = np.zeros(len(done), bool)
    fresh[1:] = done[:-1].any(axis=1)
    return rows[~fresh].ravel()[-capacity:]


@remember.mistake("the resets were dropped after the memory was full: they took places that real steps should have had")
def _(rows, done, capacity):
    fresh = np.zeros_like(done)
    fresh[1:] = done[:-1]
    return rows.ravel()[-capacity:][~fresh.ravel()[-capacity:]]


@remember.mistake("stored one environment after the other: time comes first, so all environments of a step together")
def _(rows, done, capacity):
    fresh = np.zeros_like(done)
    fresh[1:] = done[:-1]
    return rows.T[~fresh.T][-capacity:]


def _soft_cases(rng):
    for tau in rng.uniform(0.02, 0.3, 4):
        yield float(tau), float(rng.uniform(0.05, 0.4))


@exercise("Return the number of soft updates, not rounded.", _soft_cases)
def updates_until(tau, left):
    return np.log(left) / np.log(1 - tau)


@updates_until.mistake("that is the approximation log(1 - tau) ≈ -tau; the exact share left after n updates is a power")
def _(tau, left):
    return -np.log(left) / tau


@updates_until.mistake("the share that is left is asked for, not the share that has been made up")
def _(tau, left):
    return np.log(1 - left) / np.log(1 - tau)


@updates_until.mistake("each update keeps the share 1 - tau of the gap, not tau")
def _(tau, left):
    return np.log(left) / np.log(tau)


@updates_until.mistake("the sign is lost: both logarithms are negative, the number of updates is not")
def _(tau, left):
    return -np.log(left) / np.log(1 - tau)


@updates_until.mistake("the gap does not fall by the same amount each time: tau is a share of what is left")
def _(tau, left):
    return (1 - left) / tau


@updates_until.mistake("upside down: divide the logarithm of what is left by that of one update's share")
def _(tau, left):
    return np.log(1 - tau) / np.log(left)
