"""Exercises of 2.8, GPT: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _cache_mask_cases(rng):
    yield 2, 3
    yield 1, int(rng.integers(2, 6))
    yield int(rng.integers(3, 6)), 0
    yield int(rng.integers(3, 6)), int(rng.integers(2, 6))


@exercise(
    "Return the boolean mask (new, past + new): True where a new token may look, at the past, itself and new ones "
    "before.",
    _cache_mask_cases,
)
def cache_mask(new, past):
    return np.arange(past + new) <= past + np.arange(new)[:, None]


@cache_mask.mistake("the triangle starts at the wrong corner (is_causal does this): new token 0 stands at place `past`")
def _(new, past):
    return np.tri(new, past + new, dtype=bool)


@cache_mask.mistake("a new token sees the new ones *after* it")
def _(new, past):
    return np.ones((new, past + new), dtype=bool)


@cache_mask.mistake("each new token must see itself too")
def _(new, past):
    return np.arange(past + new) < past + np.arange(new)[:, None]


@cache_mask.mistake("one place too far: a new token must not see the next one")
def _(new, past):
    return np.arange(past + new) <= past + 1 + np.arange(new)[:, None]


@cache_mask.mistake("the past is hidden: only the new tokens can be seen")
def _(new, past):
    return np.concatenate([np.zeros((new, past), dtype=bool), np.tri(new, dtype=bool)], axis=1)


@cache_mask.mistake("that is the polarity of nn.MultiheadAttention; here True means that it may look")
def _(new, past):
    return ~cache_mask(new, past)


@cache_mask.mistake("rows and columns are swapped: a row for each *new* token")
def _(new, past):
    return cache_mask(new, past).T


@cache_mask.mistake("the queries are the new tokens alone: `new` rows, not one for each token of the past as well")
def _(new, past):
    return np.tri(past + new, dtype=bool)


def _top_p_cases(rng):
    yield np.array([0.25, 0.5, 0.125, 0.125]), 0.7
    yield np.array([0.125, 0.25, 0.5, 0.125]), 0.75  # reached exactly
    yield np.array([0.125, 0.25, 0.25, 0.25, 0.125]), 0.4  # of equal ones the first
    for size, kept in ((4, 1), (6, 3), (9, 4), (5, 2)):
        p = rng.gamma(0.7, size=size) + 0.01
        p /= p.sum()
        reached = np.append(0, np.sort(p)[::-1].cumsum())
        yield p, float(reached[kept - 1] + rng.uniform(0.2, 0.8) * (reached[kept] - reached[kept - 1]))


@exercise(
    "Keep the fewest most probable entries whose probabilities reach p, of equal ones the first; set the rest to 0 and "
    "let the kept sum to 1.",
    _top_p_cases,
)
def top_p(probabilities, p):
    order = np.argsort(-probabilities, kind="stable")
    needed = int((probabilities[order].cumsum() < p).sum()) + 1
    kept = np.zeros_like(probabilities)
    kept[order[:needed]] = probabilities[order[:needed]]
    return kept / kept.sum()


@top_p.mistake("the entry that reaches p is left out: the kept ones must have p together, or more")
def _(probabilities, p):
    order = np.argsort(-probabilities)
    needed = max(int((probabilities[order].cumsum() < p).sum()), 1)
    kept = np.zeros_like(probabilities)
    kept[order[:needed]] = probabilities[order[:needed]]
    return kept / kept.sum()


@top_p.mistake("where p is reached exactly, that is enough: one entry too many was kept")
def _(probabilities, p):
    order = np.argsort(-probabilities, kind="stable")
    needed = int((probabilities[order].cumsum() <= p).sum()) + 1
    kept = np.zeros_like(probabilities)
    kept[order[:needed]] = probabilities[order[:needed]]
    return kept / kept.sum()


@top_p.mistake("the *fewest*: of entries with equal probability no more than are needed, the first ones")
def _(probabilities, p):
    smallest = probabilities[top_p(probabilities, p) > 0].min()
    kept = np.where(probabilities >= smallest, probabilities, 0)
    return kept / kept.sum()


@top_p.mistake("running sums up to p were kept: the entry with which the sum passes p belongs to them too")
def _(probabilities, p):
    order = np.argsort(-probabilities, kind="stable")
    needed = int((probabilities[order].cumsum() <= p).sum())
    kept = np.zeros_like(probabilities)
    kept[order[:needed]] = probabilities[order[:needed]]
    with np.errstate(all="ignore"):
        return kept / kept.sum()


@top_p.mistake("of equal entries the last came first: a reversed argsort does this; sort the negative values, stably")
def _(probabilities, p):
    order = np.argsort(probabilities, kind="stable")[::-1]
    needed = int((probabilities[order].cumsum() < p).sum()) + 1
    kept = np.zeros_like(probabilities)
    kept[order[:needed]] = probabilities[order[:needed]]
    return kept / kept.sum()


@top_p.mistake("divide by the sum of what was kept: it may be more than p")
def _(probabilities, p):
    return np.where(top_p(probabilities, p) > 0, probabilities, 0) / p


@top_p.mistake("which to keep was found in the sorted order, and laid on the entries as they stand")
def _(probabilities, p):
    ordered = np.sort(probabilities)[::-1]
    kept = np.where(ordered.cumsum() - ordered < p, probabilities, 0)
    return kept / kept.sum()


@top_p.mistake("with an empty set nothing can be drawn: where the first entry alone reaches p, it is kept")
def _(probabilities, p):
    order = np.argsort(-probabilities)
    needed = int((probabilities[order].cumsum() < p).sum())
    kept = np.zeros_like(probabilities)
    kept[order[:needed]] = probabilities[order[:needed]]
    with np.errstate(all="ignore"):
        return kept / kept.sum()


@top_p.mistake("what is kept must sum to 1: divide by its sum")
def _(probabilities, p):
    return np.where(top_p(probabilities, p) > 0, probabilities, 0)


@top_p.mistake("every probability must stay at its own place: undo the sorting")
def _(probabilities, p):
    return np.sort(top_p(probabilities, p))[::-1]


@top_p.mistake("p is not a threshold for a single probability: the kept ones must reach it *together*")
def _(probabilities, p):
    kept = np.where(probabilities >= p, probabilities, 0)
    with np.errstate(all="ignore"):
        return kept / kept.sum()


@top_p.mistake("most probable first: those entries were taken in the order in which they stand")
def _(probabilities, p):
    needed = int((probabilities.cumsum() < p).sum()) + 1
    kept = np.where(np.arange(len(probabilities)) < needed, probabilities, 0)
    return kept / kept.sum()


@top_p.mistake("those are the *least* probable entries")
def _(probabilities, p):
    order = np.argsort(probabilities)
    needed = int((probabilities[order].cumsum() < p).sum()) + 1
    kept = np.zeros_like(probabilities)
    kept[order[:needed]] = probabilities[order[:needed]]
    return kept / kept.sum()


def _bits_cases(rng):
    for tokens in (2, 5, 9, 2000):
        yield rng.uniform(0.01, 0.9, tokens), rng.integers(1, 9, tokens)


@exercise(
    "Return the bits per character of a text, for the probability that each of its tokens got and its characters.",
    _bits_cases,
)
def bits_of_text(probabilities, lengths):
    return -np.log2(probabilities).sum() / lengths.sum()


@bits_of_text.mistake("that is per token: divide by the characters of all tokens")
def _(probabilities, lengths):
    return -np.log2(probabilities).mean()


@bits_of_text.mistake("a mean of ratios: a short token counts as much as a long one. All bits by all characters")
def _(probabilities, lengths):
    return (-np.log2(probabilities) / lengths).mean()


@bits_of_text.mistake("those are nats: bits need the logarithm to base 2")
def _(probabilities, lengths):
    return -np.log(probabilities).sum() / lengths.sum()


@bits_of_text.mistake("the sign: a probability below 1 has a negative logarithm")
def _(probabilities, lengths):
    return np.log2(probabilities).sum() / lengths.sum()


@bits_of_text.mistake("that is a perplexity, 2 to the power of the bits")
def _(probabilities, lengths):
    return 2 ** (-np.log2(probabilities).sum() / lengths.sum())


@bits_of_text.mistake("the product of many probabilities is 0 for the computer: add their logarithms")
def _(probabilities, lengths):
    with np.errstate(all="ignore"):
        return -np.log2(probabilities.prod()) / lengths.sum()


@bits_of_text.mistake("those are the bits of the whole text: divide by its characters")
def _(probabilities, lengths):
    return -np.log2(probabilities).sum()


@bits_of_text.mistake("a token's bits count once, however long it is: no weights")
def _(probabilities, lengths):
    return -(np.log2(probabilities) * lengths).sum() / lengths.sum()


@bits_of_text.mistake("the mean of the logarithms, not the logarithm of the mean")
def _(probabilities, lengths):
    return -np.log2(probabilities.mean()) * len(probabilities) / lengths.sum()


def _to_halves_cases(rng):
    for heads, d, dim in ((1, 4, 2), (2, 6, 3), (3, 4, 5)):
        yield rng.standard_normal((heads * d, dim)), heads


@exercise(
    "Return W (heads * d, dim) with the rows of each head in the order 0, 2, 4 and so on, then 1, 3, 5 and so on.",
    _to_halves_cases,
)
def to_halves(W, heads):
    rows = W.reshape(heads, -1, 2, W.shape[1])  # (heads, pairs, 2, dim)
    return rows.swapaxes(1, 2).reshape(W.shape)


@to_halves.mistake("head by head: the even rows of *all* heads came first")
def _(W, heads):
    return np.concatenate([W[0::2], W[1::2]])


@to_halves.mistake("that is the way back, from halves to neighbours")
def _(W, heads):
    return W.reshape(heads, 2, -1, W.shape[1]).swapaxes(1, 2).reshape(W.shape)


@to_halves.mistake("the odd rows came first")
def _(W, heads):
    return W.reshape(heads, -1, 2, W.shape[1])[:, :, ::-1].swapaxes(1, 2).reshape(W.shape)


@to_halves.mistake("only neighbours changed places")
def _(W, heads):
    return W.reshape(heads, -1, 2, W.shape[1])[:, :, ::-1].reshape(W.shape)


@to_halves.mistake("nothing has moved")
def _(W, heads):
    return W.copy()


@to_halves.mistake("the rows are the outputs, and it is those that are turned; the columns stay")
def _(W, heads):
    return W[:, np.argsort(np.arange(W.shape[1]) % 2, kind="stable")]
