"""Exercises of 4.2.2, text generation: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _text(rng, letters, length):
    return "".join(rng.choice(list(letters), length))


def _continuation_cases(rng):
    yield "abracadabra", "a"
    yield "abacad", "a"  # two pairs end in it, three begin with it
    yield "san francisco san francisco san diego", "f"
    for _ in range(3):
        text = _text(rng, "aaabbcde", int(rng.integers(12, 30)))
        yield text, str(rng.choice(list(text[1:])))
    yield "aabbab", "z"


@exercise(
    "Return the share of the different pairs of neighbours in the text that end in this letter.", _continuation_cases
)
def continuation(text, letter):
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    return sum(pair[1] == letter for pair in pairs) / len(pairs)


@continuation.mistake("that is how *often* the letter occurs: count in how many different contexts it does")
def _(text, letter):
    return text.count(letter) / len(text)


@continuation.mistake("each *different* pair counts once, however often it occurs")
def _(text, letter):
    pairs = [text[i : i + 2] for i in range(len(text) - 1)]
    return sum(pair[1] == letter for pair in pairs) / len(pairs)


@continuation.mistake("those are the pairs that *begin* with the letter: ask what stood before it")
def _(text, letter):
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    return sum(pair[0] == letter for pair in pairs) / len(pairs)


@continuation.mistake("divide by the number of all different pairs, not of different letters")
def _(text, letter):
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    return sum(pair[1] == letter for pair in pairs) / len(set(text))


@continuation.mistake("divide by the number of *different* pairs: so the shares of all letters sum to one")
def _(text, letter):
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    return sum(pair[1] == letter for pair in pairs) / (len(text) - 1)


@continuation.mistake("that is a count: divide by the number of different pairs")
def _(text, letter):
    return float(sum(pair[1] == letter for pair in {text[i : i + 2] for i in range(len(text) - 1)}))


@continuation.mistake("pairs overlap: the next one begins one letter on, not two")
def _(text, letter):
    pairs = {text[i : i + 2] for i in range(0, len(text) - 1, 2)}
    return sum(pair[1] == letter for pair in pairs) / len(pairs)


@continuation.mistake("the text's last pair is missing")
def _(text, letter):
    pairs = {text[i : i + 2] for i in range(len(text) - 2)}
    return sum(pair[1] == letter for pair in pairs) / len(pairs)


@continuation.mistake("the text's first letter has no letter before it: there is no pair from the end to the start")
def _(text, letter):
    pairs = {text[i - 1] + text[i] for i in range(len(text))}
    return sum(pair[1] == letter for pair in pairs) / len(pairs)


@continuation.mistake("a letter may follow itself: a doubled letter is a pair, too")
def _(text, letter):
    pairs = {text[i : i + 2] for i in range(len(text) - 1) if text[i] != text[i + 1]}
    return sum(pair[1] == letter for pair in pairs) / len(pairs)


def _heat_cases(rng):
    yield np.array([1.0, 2.0, 0.0]), 0.5
    yield np.array([1.0, 2.0, 2.0, -1.0]), 0
    yield rng.normal(0, 2, (2, 5)), 1.7
    yield rng.normal(0, 2, (3, 4)), 0
    yield np.array([2000.0, 1999.0, -3000.0]), 0.8
    yield np.array([[2000.0, 1999.0], [-3000.0, -3001.0]]), 0.8  # rows far apart
    yield rng.normal(0, 2, 6), float(rng.uniform(0.4, 0.9))


@exercise(
    "Return the probabilities at this temperature; at 0 all goes to the largest logit, of equal ones the first.",
    _heat_cases,
)
def heat(logits, temperature):
    if temperature == 0:
        return np.eye(logits.shape[-1])[logits.argmax(axis=-1)]
    z = logits / temperature
    q = np.exp(z - z.max(axis=-1, keepdims=True))
    return q / q.sum(axis=-1, keepdims=True)


def _softmax(z):
    q = np.exp(z - z.max(axis=-1, keepdims=True))
    return q / q.sum(axis=-1, keepdims=True)


@heat.mistake("temperature after the softmax: p / temperature, normalised, is p again. Divide the logits")
def _(logits, temperature):
    return heat(logits, 0) if temperature == 0 else heat(logits, 1)


@heat.mistake("that *multiplies* the logits: above 1 the distribution must become flatter")
def _(logits, temperature):
    return heat(logits, 0) if temperature == 0 else _softmax(logits * temperature)


@heat.mistake("at temperature 0 you divide by zero: it is defined as greedy")
def _(logits, temperature):
    with np.errstate(all="ignore"):
        return _softmax(logits / temperature) if temperature else np.full(logits.shape, np.nan)


@heat.mistake("e to the power of 2,500 overflows: subtract the largest logit first, it cancels")
def _(logits, temperature):
    if temperature == 0:
        return heat(logits, 0)
    with np.errstate(all="ignore"):
        q = np.exp(logits / temperature)
        return q / q.sum(axis=-1, keepdims=True)


@heat.mistake("of equal largest logits only the first gets everything at temperature 0")
def _(logits, temperature):
    if temperature:
        return heat(logits, temperature)
    q = (logits == logits.max(axis=-1, keepdims=True)).astype(float)
    return q / q.sum(axis=-1, keepdims=True)


@heat.mistake("each row is a distribution of its own: largest logit and sum over the last axis")
def _(logits, temperature):
    if temperature == 0:
        q = np.zeros(logits.size)
        q[logits.argmax()] = 1
        return q.reshape(logits.shape)
    q = np.exp(logits / temperature - logits.max() / temperature)
    return q / q.sum()


@heat.mistake("subtract each row's *own* largest logit: under the largest of all rows the others vanish")
def _(logits, temperature):
    if temperature == 0:
        return heat(logits, 0)
    with np.errstate(all="ignore"):
        q = np.exp((logits - logits.max()) / temperature)
        return q / q.sum(axis=-1, keepdims=True)


@heat.mistake("the letters are the *last* axis: one distribution for each row, not for each column")
def _(logits, temperature):
    return heat(logits.T, temperature).T


@heat.mistake("clipped logits are other logits: subtract the largest, which changes nothing else")
def _(logits, temperature):
    if temperature == 0:
        return heat(logits, 0)
    q = np.exp(np.clip(logits / temperature, -700, 700))
    return q / q.sum(axis=-1, keepdims=True)


@heat.mistake("the probabilities must sum to one: divide by their sum")
def _(logits, temperature):
    if temperature == 0:
        return heat(logits, 0)
    z = logits / temperature
    return np.exp(z - z.max(axis=-1, keepdims=True))


@heat.mistake("at temperature 0 the *largest* logit wins, not the letter with number 0")
def _(logits, temperature):
    return heat(logits, temperature) if temperature else np.eye(logits.shape[-1])[0 * logits.argmax(axis=-1)]


def _mixture_cases(rng):
    yield np.array([0.5, 0.25]), np.array([0.25, 1.0]), 0.5
    for n in (3, 7, 1500):
        yield rng.uniform(0.01, 0.9, n), rng.uniform(0.01, 0.9, n), float(rng.uniform(0.2, 0.45))


@exercise("Return the bits per character of the mixture, `share` being the weight of p.", _mixture_cases)
def mixture_bits(p, q, share):
    return -np.log2(share * p + (1 - share) * q).mean()


@mixture_bits.mistake("that averages the *bits* of both: mix the probabilities, then take the logarithm")
def _(p, q, share):
    return -(share * np.log2(p) + (1 - share) * np.log2(q)).mean()


@mixture_bits.mistake("`share` is the weight of the first model, p")
def _(p, q, share):
    return -np.log2((1 - share) * p + share * q).mean()


@mixture_bits.mistake("those are nats: bits need the logarithm to base 2")
def _(p, q, share):
    return -np.log(share * p + (1 - share) * q).mean()


@mixture_bits.mistake("the weights must sum to one: 1 - share for the second model")
def _(p, q, share):
    return -np.log2(share * p + q).mean()


@mixture_bits.mistake("the better model of each letter, chosen with the letter in view: nobody knows that beforehand")
def _(p, q, share):
    return -np.log2(np.maximum(p, q)).mean()


@mixture_bits.mistake("the mean of the logarithms, not the logarithm of the mean")
def _(p, q, share):
    return -np.log2((share * p + (1 - share) * q).mean())


@mixture_bits.mistake("those are the bits of the whole text: divide by its letters")
def _(p, q, share):
    return -np.log2(share * p + (1 - share) * q).sum()


@mixture_bits.mistake("that is the perplexity: the bits are its exponent")
def _(p, q, share):
    return 2 ** -np.log2(share * p + (1 - share) * q).mean()


@mixture_bits.mistake("those are decimal digits, with the logarithm to base 10: a bit is a digit in base 2")
def _(p, q, share):
    return -np.log10(share * p + (1 - share) * q).mean()


@mixture_bits.mistake("the sign: the logarithm of a probability is negative")
def _(p, q, share):
    return np.log2(share * p + (1 - share) * q).mean()


@mixture_bits.mistake("the product of many probabilities is 0 for the computer: add logarithms")
def _(p, q, share):
    with np.errstate(all="ignore"):
        return -np.log2((share * p + (1 - share) * q).prod()) / len(p)


@mixture_bits.mistake("a mixture of whole texts: the *letters'* probabilities are to be mixed, each by itself")
def _(p, q, share):
    with np.errstate(all="ignore"):
        return -np.log2(share * p.prod() + (1 - share) * q.prod()) / len(p)


def _copied_cases(rng):
    yield "the cat", "a cat sat"
    yield "xyz", "abc"
    yield "abcab", "zabcabz"
    yield "abcd", "ab bcd"  # the longest span begins inside an earlier one
    yield "dcdabcabd", "ccabcabc"  # the first span that is found is neither at the start nor the longest
    for _ in range(4):
        book = _text(rng, "abc", 60)
        at, n = int(rng.integers(5, 40)), int(rng.integers(6, 12))
        sample = _text(rng, "abcd", 8) + "d" + book[at : at + n] + "d" + _text(rng, "abcd", 8)
        yield sample, book
    yield _text(rng, "abcd", 10) + "d" + "bcabca", "ccbcabcacc"


@exercise("Return the length of the longest run of letters of the sample that stands in the book.", _copied_cases)
def copied_length(sample, book):
    longest = 0
    for i in range(len(sample)):
        while i + longest < len(sample) and sample[i : i + longest + 1] in book:
            longest += 1
    return longest


@copied_length.mistake("only runs at the *start* of the sample were tried: a copied span may begin anywhere")
def _(sample, book):
    return max(n for n in range(len(sample) + 1) if sample[:n] in book)


@copied_length.mistake("that is a subsequence, with gaps: the span must stand in the book in one piece")
def _(sample, book):
    row = [0] * (len(book) + 1)
    for letter in sample:
        before = row[:]
        for j, other in enumerate(book, 1):
            row[j] = before[j - 1] + 1 if letter == other else max(before[j], row[j - 1])
    return row[-1]


@copied_length.mistake("that counts words: a span of letters may begin and end inside a word")
def _(sample, book):
    return max((len(word) for word in sample.split() if word in book.split()), default=0)


@copied_length.mistake("one letter short: the span may end with the sample's last letter")
def _(sample, book):
    return copied_length(sample[:-1], book)


@copied_length.mistake("the *longest* span, not all copied spans together")
def _(sample, book):
    total, i = 0, 0
    while i < len(sample):
        n = max(n for n in range(len(sample) - i + 1) if sample[i : i + n] in book)
        total, i = total + n, i + max(n, 1)
    return total


@copied_length.mistake("the same place in both was compared: the span may stand anywhere in the book")
def _(sample, book):
    longest = now = 0
    for a, b in zip(sample, book, strict=False):
        now = now + 1 if a == b else 0
        longest = max(longest, now)
    return longest


@copied_length.mistake("after the first span that was found: go on, a later one may be longer")
def _(sample, book):
    for i in range(len(sample)):
        n = max(n for n in range(len(sample) - i + 1) if sample[i : i + n] in book)
        if n:
            return n
    return 0


@copied_length.mistake("a piece cut greedily from the left hides a longer one that begins inside it: try every start")
def _(sample, book):
    longest = 0
    while sample:
        n = max(n for n in range(len(sample) + 1) if sample[:n] in book)
        longest, sample = max(longest, n), sample[max(n, 1) :]
    return longest


@copied_length.mistake("that is the span itself: its *length* was asked")
def _(sample, book):
    spans = (sample[i : i + copied_length(sample, book)] for i in range(len(sample)))
    return next(span for span in spans if span in book)


@copied_length.mistake("that is one too many: the last length that was *found* counts")
def _(sample, book):
    return copied_length(sample, book) + 1


def _distinct_cases(rng):
    yield "abcabcab", 3
    yield "ab", 3
    yield "abcd", 4
    for n in (1, 2, 3):
        yield _text(rng, "aabc", int(rng.integers(10, 25))), n


@exercise(
    "Return the number of different runs of n letters, divided by the number of runs; 1 if none.", _distinct_cases
)
def distinct(text, n):
    runs = [text[i : i + n] for i in range(len(text) - n + 1)]
    return len(set(runs)) / len(runs) if runs else 1.0


@distinct.mistake("runs overlap: the next one begins one letter on")
def _(text, n):
    runs = [text[i : i + n] for i in range(0, len(text) - n + 1, n)]
    return len(set(runs)) / len(runs) if runs else 1.0


@distinct.mistake("there are len(text) - n + 1 runs: the last one is missing")
def _(text, n):
    runs = [text[i : i + n] for i in range(len(text) - n)]
    return len(set(runs)) / len(runs) if runs else 1.0


@distinct.mistake("the pieces at the end are shorter than n: they are no runs")
def _(text, n):
    runs = [text[i : i + n] for i in range(len(text))]
    return len(set(runs)) / len(runs)


@distinct.mistake("divide by the number of runs, len(text) - n + 1, not by the number of letters")
def _(text, n):
    runs = [text[i : i + n] for i in range(len(text) - n + 1)]
    return len(set(runs)) / len(text) if runs else 1.0


@distinct.mistake("that is the share that is *repeated*: 1 minus it was asked")
def _(text, n):
    return 1 - distinct(text, n)


@distinct.mistake("a text shorter than n has no runs, and repeats nothing: 1")
def _(text, n):
    return distinct(text, n) if len(text) >= n else 0.0


@distinct.mistake("those are runs that occur *only once*: each different run counts once, repeated or not")
def _(text, n):
    runs = [text[i : i + n] for i in range(len(text) - n + 1)]
    return sum(runs.count(run) == 1 for run in runs) / len(runs) if runs else 1.0


@distinct.mistake("that is a count: divide by the number of runs")
def _(text, n):
    return float(len({text[i : i + n] for i in range(len(text) - n + 1)}))
