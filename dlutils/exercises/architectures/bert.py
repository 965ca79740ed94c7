"""Exercises of 2.9, BERT: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _mean_pooling_cases(rng):
    for lengths, time, d in (([2, 3], 4, 2), ([1, 5, 3], 6, 4), ([4, 2, 7, 5], 7, 3)):
        yield rng.standard_normal((len(lengths), time, d)), (np.arange(time) < np.array(lengths)[:, None]).astype(int)
    yield rng.standard_normal((2, 5, 3)), np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1]])  # a mask may have holes


@exercise("Return the mean of H over the real tokens of each text, shape (batch, d).", _mean_pooling_cases)
def mean_pooling(H, mask):
    mask = mask[:, :, None]
    return (H * mask).sum(axis=1) / mask.sum(axis=1)


@mean_pooling.mistake("padding is in your mean: leave out the positions where the mask is zero")
def _(H, mask):
    return H.mean(axis=1)


@mean_pooling.mistake("the padding is out of the sum, but you still divide by the padded length; divide by the tokens")
def _(H, mask):
    return (H * mask[:, :, None]).mean(axis=1)


@mean_pooling.mistake(
    "you take the first positions, as many as there are tokens; the mask says which, and may have holes"
)
def _(H, mask):
    return np.stack([h[: m.sum()].mean(axis=0) for h, m in zip(H, mask, strict=True)])


@mean_pooling.mistake("that is the sum; a mean divides each text by its own number of tokens")
def _(H, mask):
    return (H * mask[:, :, None]).sum(axis=1)


@mean_pooling.mistake("you divide by the tokens of the whole batch; each text needs its own count")
def _(H, mask):
    return (H * mask[:, :, None]).sum(axis=1) / mask.sum()


@mean_pooling.mistake("these have length one; this exercise wants the plain mean, not normalised")
def _(H, mask):
    mean = mean_pooling(H, mask)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


@mean_pooling.mistake("that is the state of the first token, [CLS], alone; average over all real tokens")
def _(H, mask):
    return H[:, 0]


def _masked_attention_cases(rng):
    for lengths, time, scale in (([1, 2], 3, 1), ([4, 2, 3], 5, 2), ([2, 5], 6, 1000)):
        mask = (np.arange(time) < np.array(lengths)[:, None]).astype(int)
        scores, padding = (scale * rng.standard_normal((len(lengths), n, n)) for n in (time, 1))
        if scale == 1000:
            scores[:, 0, 0] = 20 * scale  # so far above all others that they vanish beside it
        # One score for all padding of a text: mistakes give the same with -1e9 added as with -1e30 put in.
        yield np.where(mask[:, :, None] * mask[:, None, :], scores, padding), mask
    mask = np.array([[1, 1, 1, 0], [1, 1, 0, 0]])  # and once the scores of padding are the largest of all
    yield np.where(mask[:, :, None] * mask[:, None, :], rng.standard_normal((2, 4, 4)), 1e5), mask


def _softmax(scores, axis=-1):
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@exercise(
    "Return softmax(scores) over the last axis with no weight on padding, shape (batch, time, time).",
    _masked_attention_cases,
)
def masked_attention(scores, mask):
    scores = np.where(mask[:, None, :] == 1, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@masked_attention.mistake(
    "padding still gets weight: the mask is not used, or it acts on the rows, the positions that look"
)
def _(scores, mask):
    return _softmax(scores)


@masked_attention.mistake("the rows no longer sum to one: mask the scores before the softmax, not the weights after it")
def _(scores, mask):
    return _softmax(scores) * mask[:, None, :]


@masked_attention.mistake(
    "right for small scores; but where a score of padding is the largest, the others have vanished before you remove "
    "it, hence the nan: mask before the softmax"
)
def _(scores, mask):
    weights = _softmax(scores) * mask[:, None, :]
    return weights / weights.sum(axis=-1, keepdims=True)


@masked_attention.mistake("a thousand less is not enough where a score of padding is large; take minus infinity")
def _(scores, mask):
    return _softmax(scores - 1000.0 * (1 - mask[:, None, :]))


@masked_attention.mistake("a score of zero is no prohibition, exp(0) = 1: padding needs a score of minus infinity")
def _(scores, mask):
    return _softmax(scores * mask[:, None, :])


@masked_attention.mistake("adding the mask shifts scores by one; padding needs a score of minus infinity")
def _(scores, mask):
    return _softmax(scores + mask[:, None, :])


@masked_attention.mistake(
    "the softmax runs over the wrong axis: each row must sum to one, over the positions looked at"
)
def _(scores, mask):
    return _softmax(np.where(mask[:, None, :] == 1, scores, -1e30), axis=1)


@masked_attention.mistake("the mask is upside down: you kept the padding and hid the tokens")
def _(scores, mask):
    return _softmax(np.where(mask[:, None, :] == 0, scores, -1e30))


@masked_attention.mistake("right for small scores, but exp overflows for large ones: subtract each row's maximum first")
def _(scores, mask):
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.where(mask[:, None, :] == 1, np.exp(scores), 0.0)
        return e / e.sum(axis=-1, keepdims=True)


@masked_attention.mistake(
    "the softmax runs down the columns, and a column of padding is all minus infinity, hence the nan: use the last axis"
)
def _(scores, mask):
    return _softmax(np.where(mask[:, None, :] == 1, scores, -np.inf), axis=1)


@masked_attention.mistake(
    "you hid whole rows, the positions that look, hence their nan; hide columns, what is looked at"
)
def _(scores, mask):
    return _softmax(np.where(mask[:, :, None] == 1, scores, -np.inf))


@masked_attention.mistake("the largest score is taken down the columns; subtract each row's own, or its weights change")
def _(scores, mask):
    scores = np.where(mask[:, None, :] == 1, scores, -1e30)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@masked_attention.mistake("right for small scores; but one maximum for all rows lets the others vanish: 0/0 is the nan")
def _(scores, mask):
    e = np.where(mask[:, None, :] == 1, np.exp(scores - scores.max()), 0.0)
    return e / e.sum(axis=-1, keepdims=True)


def _corrupt_cases(rng):
    for shape in ((8,), (3, 8), (4, 16)):
        ids, random_ids = rng.integers(10, 100, shape), rng.integers(200, 300, shape)
        size, u = ids.size, rng.random(shape)
        places = rng.permutation(size)[:4]
        chosen = rng.random(shape) < 0.4
        chosen.flat[places[:3]], chosen.flat[places[3]] = True, False
        u.flat[places] = rng.uniform(0.02, 0.08), rng.uniform(0.82, 0.88), rng.uniform(0.92, 0.98), rng.uniform(0, 0.08)
        yield ids, chosen, u, random_ids, 1
    ids, random_ids = rng.integers(10, 100, 6), rng.integers(200, 300, 6)
    yield ids, np.ones(6, bool), np.array([0.0, 0.8, 0.9, 0.79, 0.85, 0.95]), random_ids, 1  # the borders themselves


@exercise("Return (inputs, labels) of the 80/10/10 rule for the given choices.", _corrupt_cases)
def corrupt(ids, chosen, u, random_ids, mask_id):
    inputs = np.where(chosen & (u < 0.8), mask_id, ids)
    inputs = np.where(chosen & (u >= 0.9), random_ids, inputs)
    return inputs, np.where(chosen, ids, -100)


@corrupt.mistake("every chosen token became the mask; a tenth must be random and a tenth stay as it is")
def _(ids, chosen, u, random_ids, mask_id):
    return np.where(chosen, mask_id, ids), np.where(chosen, ids, -100)


@corrupt.mistake("at the borders: u = 0.8 keeps the token already, and u = 0.9 takes the random id already")
def _(ids, chosen, u, random_ids, mask_id):
    inputs = np.where(chosen & (u <= 0.8), mask_id, ids)
    return np.where(chosen & (u > 0.9), random_ids, inputs), np.where(chosen, ids, -100)


@corrupt.mistake("at the border: u = 0.8 is no longer the mask, it keeps the token")
def _(ids, chosen, u, random_ids, mask_id):
    inputs = np.where(chosen & (u <= 0.8), mask_id, ids)
    return np.where(chosen & (u >= 0.9), random_ids, inputs), np.where(chosen, ids, -100)


@corrupt.mistake("the inputs are right; every chosen token is predicted, also the random and the kept ones")
def _(ids, chosen, u, random_ids, mask_id):
    inputs, _ = corrupt(ids, chosen, u, random_ids, mask_id)
    return inputs, np.where(inputs == mask_id, ids, -100)


@corrupt.mistake("tokens that were not chosen were changed too: u decides only about chosen ones")
def _(ids, chosen, u, random_ids, mask_id):
    inputs = np.where(u < 0.8, mask_id, np.where(u >= 0.9, random_ids, ids))
    return inputs, np.where(chosen, ids, -100)


@corrupt.mistake("the inputs are right; the labels must be -100 where nothing was chosen")
def _(ids, chosen, u, random_ids, mask_id):
    return corrupt(ids, chosen, u, random_ids, mask_id)[0], ids


@corrupt.mistake("the inputs are right; a kept token is chosen too and is predicted, so it needs its label")
def _(ids, chosen, u, random_ids, mask_id):
    inputs, _ = corrupt(ids, chosen, u, random_ids, mask_id)
    return inputs, np.where(inputs != ids, ids, -100)


@corrupt.mistake("the labels must be the original ids; you stored the corrupted ones")
def _(ids, chosen, u, random_ids, mask_id):
    inputs, _ = corrupt(ids, chosen, u, random_ids, mask_id)
    return inputs, np.where(chosen, inputs, -100)


@corrupt.mistake("kept and random are exchanged: u from 0.8 to 0.9 keeps the token, above it the random id comes in")
def _(ids, chosen, u, random_ids, mask_id):
    inputs = np.where(chosen & (u < 0.8), mask_id, ids)
    return np.where(chosen & (u >= 0.8) & (u < 0.9), random_ids, inputs), np.where(chosen, ids, -100)


@corrupt.mistake("both are right, in the wrong order: return (inputs, labels)")
def _(ids, chosen, u, random_ids, mask_id):
    return corrupt(ids, chosen, u, random_ids, mask_id)[::-1]


def _whole_words_cases(rng):
    words = ["play", "un", "film", "the", "great", "bank"]
    tails = ["##able", "##ing", "##s", "##ed"]
    for count in (0, 1, 2):  # always: a word of three pieces chosen in the middle, and before it a word never chosen
        word = rng.permutation(words)
        pieces = [str(word[0]), "##er", str(word[1]), *map(str, rng.permutation(tails)[:2]), str(word[2])]
        chosen = [False, False, False, True, False, False]
        for k in range(count):
            pieces += [str(word[3 + k]), str(rng.choice(tails))]
            chosen += [bool(rng.random() < 0.5), bool(rng.random() < 0.5)]
        pieces += [str(word[5]), "##ly", "##ness"]
        yield pieces, [*chosen, True, False, False]


@exercise(
    "Return a list of booleans that are True for every piece of a word with a chosen piece.",
    _whole_words_cases,
)
def whole_words(pieces, chosen):
    word_of = np.cumsum([not piece.startswith("##") for piece in pieces])  # the number of each piece's word
    hit = {word for word, c in zip(word_of, chosen, strict=True) if c}
    return [bool(word in hit) for word in word_of]


@whole_words.mistake("the choice was not extended: all pieces of a chosen word must be True")
def _(pieces, chosen):
    return list(chosen)


@whole_words.mistake("you carry the choice to the right only; the pieces before a chosen one belong to its word too")
def _(pieces, chosen):
    result = []
    for piece, c in zip(pieces, chosen, strict=True):
        result.append(bool(c or (piece.startswith("##") and result[-1])))
    return result


@whole_words.mistake("you carry the choice to the left only; the pieces behind a chosen one belong to its word too")
def _(pieces, chosen):
    result = [bool(c) for c in chosen]
    for i in range(len(pieces) - 1, 0, -1):
        if pieces[i].startswith("##") and result[i]:
            result[i - 1] = True
    return result


@whole_words.mistake("a word counts if any of its pieces is chosen; you look only at its first piece")
def _(pieces, chosen):
    result = []
    for piece, c in zip(pieces, chosen, strict=True):
        result.append(result[-1] if piece.startswith("##") else bool(c))
    return result


@whole_words.mistake("only the direct neighbours were added; a word can have three pieces or more")
def _(pieces, chosen):
    result = [bool(c) for c in chosen]
    for i in range(1, len(pieces)):
        if pieces[i].startswith("##") and (chosen[i] or chosen[i - 1]):
            result[i] = result[i - 1] = True
    return result


@whole_words.mistake("a piece with ## belongs to the word before it, not to the word after it")
def _(pieces, chosen):
    ends = [not piece.startswith("##") for piece in pieces]
    word_of = np.cumsum([False, *ends[:-1]])
    hit = {word for word, c in zip(word_of, chosen, strict=True) if c}
    return [bool(word in hit) for word in word_of]
