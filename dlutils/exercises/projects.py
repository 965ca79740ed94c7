"""The checked exercises of chapter 4, Projects: each a reference solution, then the mistakes that people make."""

from dlutils.exercises._core import exercise

import functools
import math

import numpy as np

_exercise = functools.partial(exercise, "04_projects")


# --- 4.5.3 Policy gradients and PPO ----------------------------------------------------------------------------------

_PPO = "reinforcement_learning/03_policy_gradients_and_ppo"


def _returns_cases(rng):
    for T, ends in ((4, [1]), (7, [2, 4]), (6, [4, 5])):
        yield rng.uniform(0.5, 2, T), np.isin(np.arange(T), ends), float(rng.uniform(0.8, 0.95))


@_exercise(_PPO, "Return the discounted rewards-to-go (T,), each episode on its own.", _returns_cases)
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


@discounted_returns.mistake("the step's own reward is discounted already; its factor is gamma**0 = 1")
def _(rewards, dones, gamma):
    return gamma * discounted_returns(rewards, dones, gamma)


def _gae_cases(rng):
    for T, ended, cut in ((5, 1, 3), (7, 4, 2), (9, 2, 6)):
        terminated, truncated = np.arange(T) == ended, np.arange(T) == cut
        arrays = (rng.uniform(0.5, 1.5, T), rng.uniform(2, 3, T), rng.uniform(3.5, 5, T))
        yield *arrays, terminated, terminated | truncated, float(rng.uniform(0.9, 0.97)), float(rng.uniform(0.7, 0.9))


@_exercise(_PPO, "Return the generalised advantage estimates (T,), with both flags in their right places.", _gae_cases)
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


@_exercise(_PPO, "Return the mean clipped loss of PPO, a number to be minimised.", _ratio_cases)
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
        yield log_probs, old_log_probs, eps


@_exercise(_PPO, "Return the pair (approximate KL, clip fraction).", _diagnostic_cases)
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


# --- 4.1.3 CIFAR-10 by transfer learning -----------------------------------------------------------------------------

_TRANSFER = "computer_vision/03_cifar10_transfer_learning"


def _separable_cases(rng):
    for kernel in (3, 5, 3):
        yield (*(int(n) for n in rng.choice(np.arange(4, 20), 2, replace=False)), int(rng.integers(21, 40)),
               int(rng.integers(41, 60)), kernel)  # fmt: skip


@_exercise(
    _TRANSFER,
    "Return the multiplications of a depthwise separable and of an ordinary convolution, as a pair.",
    _separable_cases,
)
def depthwise_separable_cost(height, width, channels, filters, kernel):
    positions = height * width
    return positions * channels * (kernel**2 + filters), positions * channels * filters * kernel**2


@depthwise_separable_cost.mistake("these are the weights; each is used at every one of the height x width positions")
def _(height, width, channels, filters, kernel):
    return channels * (kernel**2 + filters), channels * filters * kernel**2


@depthwise_separable_cost.mistake("only the depthwise part is counted; the 1 x 1 convolution that mixes is missing")
def _(height, width, channels, filters, kernel):
    return height * width * channels * kernel**2, height * width * channels * filters * kernel**2


@depthwise_separable_cost.mistake("the two parts come one after the other: add their costs, do not multiply them")
def _(height, width, channels, filters, kernel):
    ordinary = height * width * channels * filters * kernel**2
    return height * width * channels * kernel**2 * height * width * channels * filters, ordinary


@depthwise_separable_cost.mistake("a kernel has kernel x kernel entries, not kernel")
def _(height, width, channels, filters, kernel):
    return height * width * channels * (kernel + filters), height * width * channels * filters * kernel


@depthwise_separable_cost.mistake("the depthwise filters act on the input's channels, not on the output's")
def _(height, width, channels, filters, kernel):
    positions = height * width
    return positions * filters * (kernel**2 + channels), positions * channels * filters * kernel**2


@depthwise_separable_cost.mistake("right, in the wrong order: the separable one first")
def _(height, width, channels, filters, kernel):
    return depthwise_separable_cost(height, width, channels, filters, kernel)[::-1]


def _cam_cases(rng):
    for channels, height, width in ((2, 2, 2), (3, 4, 3), (5, 3, 4)):
        while True:  # until each mistake shows: some places negative, and no shortcut gives the same map
            A = rng.standard_normal((channels, height, width))
            G = rng.standard_normal((channels, height, width)) + rng.uniform(0.5, 1, (channels, 1, 1))
            maps = [grad_cam_map.reference(A, G), *(wrong.function(A, G) for wrong in grad_cam_map.wrong)]
            gaps = [np.abs(a - b).max() for i, a in enumerate(maps) for b in maps[:i]]
            if min(gaps) > 1e-3:
                break
        yield A, G


@_exercise(_TRANSFER, "Return the Grad-CAM map (height, width), its maximum scaled to 1.", _cam_cases)
def grad_cam_map(activations, gradients):
    alpha = gradients.mean(axis=(1, 2))
    cam = np.maximum(0, np.tensordot(alpha, activations, axes=1))
    return cam / cam.max() if cam.max() > 0 else cam


@grad_cam_map.mistake("the maps are weighted by their mean gradient, one number a channel, not place by place")
def _(activations, gradients):
    cam = np.maximum(0, (activations * gradients).sum(axis=0))
    return cam / max(cam.max(), 1e-12)


@grad_cam_map.mistake("the cut at zero is missing: places that speak against the class are not shown")
def _(activations, gradients):
    cam = np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1)
    return cam / np.abs(cam.max())


@grad_cam_map.mistake("cut at zero once, after the sum over channels; each channel may count against the class")
def _(activations, gradients):
    cam = np.maximum(0, gradients.mean(axis=(1, 2))[:, None, None] * activations).sum(axis=0)
    return cam / max(cam.max(), 1e-12)


@grad_cam_map.mistake("that is right up to its scale: divide by the maximum")
def _(activations, gradients):
    return np.maximum(0, np.tensordot(gradients.mean(axis=(1, 2)), activations, axes=1))


@grad_cam_map.mistake("the gradients say how much a map matters, the activations where: you have swapped them")
def _(activations, gradients):
    cam = np.maximum(0, np.tensordot(activations.mean(axis=(1, 2)), gradients, axes=1))
    return cam / max(cam.max(), 1e-12)


def _ece_cases(rng):
    for bins in (4, 5, 10):
        confidence, correct = [1.0], [0.0]
        for b in range(bins // 2, bins):  # the lower bins stay empty
            n = int(rng.integers(5, 8))
            right = n - 1 if (b + 1) / bins <= 0.8 else 1  # gaps of both signs, and no bin all right or all wrong
            confidence += list((b + rng.uniform(0.1, 0.9, n)) / bins)
            correct += [1.0] * right + [0.0] * (n - right)
        order = rng.permutation(len(confidence))
        yield np.array(confidence)[order], np.array(correct)[order], bins


@_exercise(_TRANSFER, "Return the expected calibration error with equal bins of [0, 1].", _ece_cases)
def expected_calibration_error(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = index == b
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return float(error)


@expected_calibration_error.mistake("weigh each bin by its share of the answers, not all bins alike")
def _(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(correct[index == b].mean() - confidence[index == b].mean()) for b in np.unique(index)]
    return float(np.mean(gaps))


@expected_calibration_error.mistake("gaps above and below the line cancel: take the absolute value in each bin")
def _(confidence, correct, bins):
    return float(abs((correct - confidence).mean()))


@expected_calibration_error.mistake("compare means within a bin; the gap of each single answer is no calibration error")
def _(confidence, correct, bins):
    return float(np.abs(correct - confidence).mean())


@expected_calibration_error.mistake("the gaps are not squared: this error is a weighted mean of absolute gaps")
def _(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    groups = [index == b for b in np.unique(index)]
    return float(sum(g.mean() * (correct[g].mean() - confidence[g].mean()) ** 2 for g in groups))


@expected_calibration_error.mistake("use the mean confidence of the answers in the bin, not the middle of the bin")
def _(confidence, correct, bins):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [(index == b).mean() * abs(correct[index == b].mean() - (b + 0.5) / bins) for b in np.unique(index)]
    return float(sum(gaps))


@expected_calibration_error.mistake("a confidence of exactly 1 fell out of the last bin")
def _(confidence, correct, bins):
    index = (confidence * bins).astype(int)
    groups = [index == b for b in range(bins) if (index == b).any()]
    return float(sum(g.mean() * abs(correct[g].mean() - confidence[g].mean()) for g in groups))


# --- 4.2.1 Sentiment analysis ----------------------------------------------------------------------------------------

_SENTIMENT = "nlp/01_sentiment_analysis"


def _ratio_of_counts_cases(rng):
    for n, words in ((6, 3), (9, 4), (12, 5)):
        y = np.arange(n) % 3 // 2  # a third positive, so that totals differ between the classes
        X = rng.integers(1, 5, (n, words)).astype(float)
        X[:, 0] = y * rng.integers(1, 4, n)  # a word of the positive sentences only
        X[:, 1] *= 1 - y  # and one of the negative
        yield X, y, float(rng.uniform(0.5, 2))


@_exercise(
    _SENTIMENT,
    "Return the log-count ratio of each word (words,), smoothed by alpha.",
    _ratio_of_counts_cases,
)
def log_count_ratio(X, y, alpha):
    p, q = alpha + X[y == 1].sum(axis=0), alpha + X[y == 0].sum(axis=0)
    return np.log((p / p.sum()) / (q / q.sum()))


@log_count_ratio.mistake("upside down: a word of the positive sentences should get a positive ratio")
def _(X, y, alpha):
    return -log_count_ratio(X, y, alpha)


@log_count_ratio.mistake("the counts of each class are not divided by their total: the larger class wins every word")
def _(X, y, alpha):
    return np.log((alpha + X[y == 1].sum(axis=0)) / (alpha + X[y == 0].sum(axis=0)))


@log_count_ratio.mistake("without alpha a word that one class never uses has a ratio of plus or minus infinity")
def _(X, y, alpha):
    return log_count_ratio(X, y, 0.0)


@log_count_ratio.mistake("smooth the counts before they are divided by their total, not the shares after it")
def _(X, y, alpha):
    p, q = X[y == 1].sum(axis=0), X[y == 0].sum(axis=0)
    return np.log((alpha + p / p.sum()) / (alpha + q / q.sum()))


@log_count_ratio.mistake("that is the ratio itself; its logarithm is asked for")
def _(X, y, alpha):
    return np.exp(log_count_ratio(X, y, alpha))


@log_count_ratio.mistake("divided by the number of sentences of each class; divide by the class's total of counts")
def _(X, y, alpha):
    return np.log((alpha + X[y == 1].sum(axis=0)) / (y == 1).sum() / ((alpha + X[y == 0].sum(axis=0)) / (y == 0).sum()))


def _embedding_cases(rng):
    for batch, time, vocabulary, width in ((2, 3, 5, 2), (3, 4, 6, 3), (4, 5, 7, 2)):
        ids = rng.integers(1, vocabulary - 1, (batch, time))  # the last word never occurs
        ids[0, :2] = ids[1, 0] = 2  # one word in two places of a sentence, and in another
        ids[1, -1] = 0  # padding
        yield ids, rng.uniform(0.5, 1.5, (batch, time, width)), vocabulary


@_exercise(
    _SENTIMENT,
    "Return the gradient of the embedding table (vocabulary, width); id 0 is padding and gets none.",
    _embedding_cases,
)
def embedding_gradient(ids, gradient, vocabulary):
    table = np.zeros((vocabulary, gradient.shape[-1]))
    np.add.at(table, ids, gradient)
    table[0] = 0.0
    return table


@embedding_gradient.mistake("`table[ids] += gradient` writes each word once: the other places of the word are lost")
def _(ids, gradient, vocabulary):
    table = np.zeros((vocabulary, gradient.shape[-1]))
    table[ids] += gradient
    table[0] = 0.0
    return table


@embedding_gradient.mistake("row 0 has a gradient: padding is no word, and its vector must not be trained")
def _(ids, gradient, vocabulary):
    table = np.zeros((vocabulary, gradient.shape[-1]))
    np.add.at(table, ids, gradient)
    return table


@embedding_gradient.mistake("that is the mean over the places of a word; the loss feels each place, so they add up")
def _(ids, gradient, vocabulary):
    counts = np.bincount(ids.ravel(), minlength=vocabulary)[:, None]
    return embedding_gradient(ids, gradient, vocabulary) / np.maximum(counts, 1)


@embedding_gradient.mistake("averaged over the batch: the gradient that arrives holds such factors already")
def _(ids, gradient, vocabulary):
    return embedding_gradient(ids, gradient, vocabulary) / len(ids)


def _temperature_cases(rng):
    for n in (3, 6, 10):
        y = np.arange(n) % 2
        yield rng.uniform(0.5, 3, n) * rng.choice([-1.0, 1.0], n), y.astype(float), float(rng.uniform(1.3, 2.5))


@_exercise(
    _SENTIMENT, "Return the derivative of the mean loss with respect to the temperature, a number.", _temperature_cases
)
def temperature_gradient(logits, labels, T):
    p = 1 / (1 + np.exp(-logits / T))
    return np.mean((p - labels) * -logits / T**2)


@temperature_gradient.mistake("the sign: logits / T falls when T grows, so its derivative is -logits / T**2")
def _(logits, labels, T):
    return -temperature_gradient(logits, labels, T)


@temperature_gradient.mistake("this is the derivative by 1 / T; by T there is a factor of -1 / T**2")
def _(logits, labels, T):
    return np.mean((1 / (1 + np.exp(-logits / T)) - labels) * logits)


@temperature_gradient.mistake("the probabilities are those of T = 1; use logits / T in the sigmoid, too")
def _(logits, labels, T):
    return np.mean((1 / (1 + np.exp(-logits)) - labels) * -logits / T**2)


@temperature_gradient.mistake("the derivative of logits / T by T has T**2 below, not T")
def _(logits, labels, T):
    return T * temperature_gradient(logits, labels, T)


@temperature_gradient.mistake("that is the sum; the mean loss is asked for")
def _(logits, labels, T):
    return len(logits) * temperature_gradient(logits, labels, T)


def _mcnemar_cases(rng):
    for only_a, only_b in ((7, 2), (int(rng.integers(2, 5)), int(rng.integers(7, 11))), (4, 4)):
        pairs = [(1, 1)] * int(rng.integers(12, 20)) + [(0, 0)] * int(rng.integers(3, 6))
        pairs += [(1, 0)] * only_a + [(0, 1)] * only_b
        pairs = rng.permutation(np.array(pairs, bool))
        yield pairs[:, 0], pairs[:, 1]


@_exercise(_SENTIMENT, "Return the two-sided p-value of the exact McNemar test, a number.", _mcnemar_cases)
def mcnemar(correct_a, correct_b):
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n
    return min(1.0, 2 * tail)


@mcnemar.mistake("that is one tail; a difference in the other direction would surprise as much: twice the tail")
def _(correct_a, correct_b):
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    n = only_a + only_b
    return sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n


@mcnemar.mistake("a probability above 1: with as many on either side both tails overlap; cut at 1")
def _(correct_a, correct_b):
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    n = only_a + only_b
    return 2 * sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n


@mcnemar.mistake("sentences that both get right, or both wrong, say nothing about the difference: n is only_a + only_b")
def _(correct_a, correct_b):
    n, least = len(correct_a), min(int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum()))
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(least + 1)) / 2**n)


@mcnemar.mistake("that is the probability of exactly this split; add those of the splits that are more extreme")
def _(correct_a, correct_b):
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    return min(1.0, 2 * math.comb(only_a + only_b, only_a) / 2 ** (only_a + only_b))
