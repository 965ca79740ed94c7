"""Exercises of 4.2.1, Sentiment analysis: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import math

import numpy as np


def _ratio_of_counts_cases(rng):
    for n, words in ((6, 3), (9, 4), (12, 5)):
        y = np.arange(n) % 3 // 2  # a third positive, so that totals differ between the classes
        X = rng.integers(1, 5, (n, words)).astype(float)
        X[:, 0] = y * rng.integers(1, 4, n)  # a word of the positive sentences only
        X[:, 1] *= 1 - y  # and one of the negative
        yield X, y, float(rng.uniform(0.5, 2))


@exercise(
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


@log_count_ratio.mistake("alpha belongs into the totals, too: divide p, alpha included, by the sum of p")
def _(X, y, alpha):
    p, q = X[y == 1].sum(axis=0), X[y == 0].sum(axis=0)
    return np.log(((alpha + p) / p.sum()) / ((alpha + q) / q.sum()))


@log_count_ratio.mistake("divided by the Euclidean norm; the index 1 asks for the sum of the counts")
def _(X, y, alpha):
    p, q = alpha + X[y == 1].sum(axis=0), alpha + X[y == 0].sum(axis=0)
    return np.log((p / np.linalg.norm(p)) / (q / np.linalg.norm(q)))


@log_count_ratio.mistake("each word was counted once a sentence; add up the counts in X as they are")
def _(X, y, alpha):
    return log_count_ratio((X > 0).astype(float), y, alpha)


def _embedding_cases(rng):
    for batch, time, vocabulary, width in ((2, 3, 5, 2), (3, 4, 6, 3), (4, 5, 7, 2)):
        ids = rng.integers(1, vocabulary - 1, (batch, time))  # the last word never occurs
        ids[0, :2] = ids[1, 0] = 2  # one word in two places of a sentence, and in another
        ids[1, -1] = 0  # padding
        yield ids, rng.uniform(0.5, 1.5, (batch, time, width)), vocabulary


@exercise(
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


@embedding_gradient.mistake(
    "two things: `table[ids] += gradient` writes each word once (np.add.at adds them all), and row 0 gets nothing"
)
def _(ids, gradient, vocabulary):
    table = np.zeros((vocabulary, gradient.shape[-1]))
    table[ids] += gradient
    return table


def _temperature_cases(rng):
    for n in (3, 6, 10):
        y = np.arange(n) % 2
        yield rng.uniform(0.5, 3, n) * rng.choice([-1.0, 1.0], n), y.astype(float), float(rng.uniform(1.3, 2.5))


@exercise("Return the derivative of the mean loss with respect to the temperature, a number.", _temperature_cases)
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


@temperature_gradient.mistake("z / T depends on T by -z / T**2; here the minus and one factor of 1 / T are missing")
def _(logits, labels, T):
    return np.mean((1 / (1 + np.exp(-logits / T)) - labels) * logits / T)


@temperature_gradient.mistake("that is the derivative by the logits; the chain rule's factor -logits / T**2 is missing")
def _(logits, labels, T):
    return np.mean((1 / (1 + np.exp(-logits / T)) - labels) / T)


def _mcnemar_cases(rng):
    for only_a, only_b in ((7, 2), (int(rng.integers(2, 5)), int(rng.integers(7, 11))), (4, 4)):
        pairs = [(1, 1)] * int(rng.integers(12, 20)) + [(0, 0)] * int(rng.integers(3, 6))
        pairs += [(1, 0)] * only_a + [(0, 1)] * only_b
        pairs = rng.permutation(np.array(pairs, bool))
        yield pairs[:, 0], pairs[:, 1]


@exercise("Return the two-sided p-value of the exact McNemar test, a number.", _mcnemar_cases)
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


@mcnemar.mistake('twice too much: "at most min(b, c) heads" is one tail already; double it once')
def _(correct_a, correct_b):
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    n = only_a + only_b
    return min(1.0, 4 * sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n)


@mcnemar.mistake("the observed split belongs to its tail: count min(b, c) itself, too (`range` stops before its end)")
def _(correct_a, correct_b):
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    n = only_a + only_b
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(min(only_a, only_b))) / 2**n)


@mcnemar.mistake("always the tail of A: where A wins more often that is the large one; take the smaller of the two")
def _(correct_a, correct_b):
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    n = only_a + only_b
    return 2 * sum(math.comb(n, k) for k in range(only_a + 1)) / 2**n
