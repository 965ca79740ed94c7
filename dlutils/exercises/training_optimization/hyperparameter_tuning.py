"""Exercises of 5.7, Hyperparameter tuning: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _momentum_cases(rng):
    for n, low, high in ((3, 0.5, 0.99), (5, 0.2, 0.95), (8, 0.8, 0.999)):
        yield rng.uniform(0.1, 0.9, n), low, high


@exercise(
    "Return momentums (n,) for u (n,) from 0 to 1: low at u = 0, high at u = 1, and 1 - momentum log-uniform.",
    _momentum_cases,
)
def log_uniform_momentum(u, low, high):
    return 1 - (1 - low) * ((1 - high) / (1 - low)) ** u


@log_uniform_momentum.mistake("that is uniform in the momentum itself; it is log(1 - momentum) that is uniform")
def _(u, low, high):
    return low + (high - low) * u


@log_uniform_momentum.mistake("the momentum falls as u grows: u = 0 must give low, so start at 1 - low")
def _(u, low, high):
    return 1 - (1 - high) * ((1 - low) / (1 - high)) ** u


@log_uniform_momentum.mistake("that is 1 - momentum; the momentum itself is asked")
def _(u, low, high):
    return (1 - low) * ((1 - high) / (1 - low)) ** u


@log_uniform_momentum.mistake("that is 1 - momentum, and upside down: u = 0 must give the momentum low")
def _(u, low, high):
    return (1 - high) * ((1 - low) / (1 - high)) ** u


@log_uniform_momentum.mistake("the momentum itself is log-uniform there; it is 1 - momentum that should be")
def _(u, low, high):
    return low * (high / low) ** u


@log_uniform_momentum.mistake("1/(1 - momentum) is uniform there: its *logarithm* should be")
def _(u, low, high):
    return 1 - 1 / (1 / (1 - low) + u * (1 / (1 - high) - 1 / (1 - low)))


@log_uniform_momentum.mistake("np.log is natural and 10 ** is not its inverse: use np.exp, or np.log10 with 10 **")
def _(u, low, high):
    return 1 - 10 ** (np.log(1 - low) + u * (np.log(1 - high) - np.log(1 - low)))


@log_uniform_momentum.mistake("np.exp does not undo np.log10: use np.exp with np.log, or 10 ** with np.log10")
def _(u, low, high):
    return 1 - np.exp(np.log10(1 - low) + u * (np.log10(1 - high) - np.log10(1 - low)))


@log_uniform_momentum.mistake("u = 0 gives a momentum of 0 there, not low: start at log(1 - low)")
def _(u, low, high):
    return 1 - (1 - high) ** u


def _trials_cases(rng):
    for hits in (1, 2, 3):
        yield float(rng.uniform(0.08, 0.25)), float(rng.uniform(0.85, 0.97)), hits


def _fewest(enough):
    n = 1
    while not enough(n) and n < 10_000:
        n += 1
    return n


def _chance(n, share, hits):
    """Probability of at least `hits` successes in n draws."""
    below, term = 0.0, (1 - share) ** n
    for k in range(hits):
        below += term
        term *= (n - k) / (k + 1) * share / (1 - share)
    return 1 - below


@exercise(
    "Return the smallest number of random trials (an int) of which, with at least the probability `confidence`, "
    "at least `hits` are among the best `share` of the space.",
    _trials_cases,
)
def trials_needed(share, confidence, hits):
    from math import comb

    n = hits
    while sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(hits)) > 1 - confidence:
        n += 1
    return n


@trials_needed.mistake("that is right for one hit only: with `hits` of them, add up the chances of 0, 1, ... hits - 1")
def _(share, confidence, hits):
    return _fewest(lambda n: _chance(n, share, 1) >= confidence)


@trials_needed.mistake("`hits` times the trials for one hit: that is safer than asked, and wasteful")
def _(share, confidence, hits):
    return hits * _fewest(lambda n: _chance(n, share, 1) >= confidence)


@trials_needed.mistake("those are the misses only, which scipy.stats.nbinom counts: add the `hits`")
def _(share, confidence, hits):
    return trials_needed(share, confidence, hits) - hits


@trials_needed.mistake(
    "share ** hits is the chance that `hits` *given* trials are all good; they need not stand together"
)
def _(share, confidence, hits):
    return _fewest(lambda n: _chance(n, share**hits, 1) >= confidence)


@trials_needed.mistake(
    "more than `hits` is too much: exactly `hits` are enough, so only 0 to hits - 1 count as failure"
)
def _(share, confidence, hits):
    return _fewest(lambda n: _chance(n, share, hits + 1) >= confidence)


@trials_needed.mistake("that many trials give `hits` on *average*; the probability is then far below the confidence")
def _(share, confidence, hits):
    return int(np.ceil(hits / share))


@trials_needed.mistake("share and confidence are exchanged")
def _(share, confidence, hits):
    return _fewest(lambda n: _chance(n, 1 - confidence, hits) >= 1 - share)


@trials_needed.mistake("one too few: the last number that is *not* enough")
def _(share, confidence, hits):
    return trials_needed(share, confidence, hits) - 1


@trials_needed.mistake("one too many: the first number that is enough is asked")
def _(share, confidence, hits):
    return trials_needed(share, confidence, hits) + 1


@trials_needed.mistake("k hits can fall in many ways: the binomial coefficients are missing")
def _(share, confidence, hits):
    return _fewest(
        lambda n: sum(share**k * (1 - share) ** (n - k) for k in range(hits)) <= 1 - confidence and n >= hits
    )


@trials_needed.mistake(
    "the probability of failing must be below 1 - confidence; you stop when that of success reaches it"
)
def _(share, confidence, hits):
    return _fewest(lambda n: _chance(n, share, hits) >= 1 - confidence)


def _curve_cases(rng):
    for n in (5, 8, 12):
        validation = rng.integers(5, 8, n) / 10  # with ties
        validation[0], validation[1], validation[-1] = 0.5, 0.7, 0.4
        validation[2] = 0.7
        test = rng.permutation(np.linspace(0.4, 0.8, n))
        test[1], test[2] = 0.55, 0.62  # the first of the equals is not the better one
        test[-1] = 0.9  # the best of all is never chosen
        test[0] = 0.65  # a better choice of the search is a worse one in truth
        yield validation, test


@exercise(
    "Return the true regret (n,) after each trial: the best test score of all n, less the test score of the trial "
    "with the best validation score so far (of equals, the earliest).",
    _curve_cases,
)
def regret_curve(validation, test):
    chosen, curve = 0, []
    for trial in range(len(validation)):
        if validation[trial] > validation[chosen]:
            chosen = trial
        curve.append(test.max() - test[chosen])
    return np.array(curve)


def _choose(validation, last=False):
    best = [0]
    for i in range(1, len(validation)):
        better = validation[i] >= validation[best[-1]] if last else validation[i] > validation[best[-1]]
        best.append(i if better else best[-1])
    return np.array(best)


@regret_curve.mistake("that is the best *test* score so far: a search that chooses by the test set")
def _(validation, test):
    return test.max() - np.maximum.accumulate(test)


@regret_curve.mistake("that is the seen regret, of the validation scores; choose by validation, measure by test")
def _(validation, test):
    return validation.max() - np.maximum.accumulate(validation)


@regret_curve.mistake("the best validation score so far is no test score: look up the test score of the same trial")
def _(validation, test):
    return test.max() - np.maximum.accumulate(validation)


@regret_curve.mistake("two scales mixed: the best *validation* score is no yardstick for a test score")
def _(validation, test):
    return validation.max() - test[_choose(validation)]


@regret_curve.mistake(
    "that is the optimism, by which validation flatters the chosen trial; regret compares test with test"
)
def _(validation, test):
    return (validation - test)[_choose(validation)]


@regret_curve.mistake("that is the regret of each trial by itself, not of the best so far")
def _(validation, test):
    return test.max() - test


@regret_curve.mistake("of equal validation scores the earliest counts: replace it only if the new one is *better*")
def _(validation, test):
    return test.max() - test[_choose(validation, last=True)]


@regret_curve.mistake("regret is how much is missing: the best less the chosen one, not the other way round")
def _(validation, test):
    return test[_choose(validation)] - test.max()


@regret_curve.mistake("that is the test score of the chosen trial; subtract it from the best of all")
def _(validation, test):
    return test[_choose(validation)]


@regret_curve.mistake("the yardstick is the best test score of *all* trials, not of those so far")
def _(validation, test):
    return np.maximum.accumulate(test) - test[_choose(validation)]


@regret_curve.mistake("a curve that may only fall: true regret can rise, when the search falls for a lucky score")
def _(validation, test):
    return np.minimum.accumulate(test.max() - test[_choose(validation)])


@regret_curve.mistake("the yardstick is the best *test* score, not that of the trial which validation likes best")
def _(validation, test):
    return test[np.argmax(validation)] - test[_choose(validation)]


def _honest_cases(rng):
    for n, noise in ((6, 0.01), (20, 0.02), (12, 0.3)):
        yield 0.7 + 0.05 * rng.standard_normal(n), float(noise * rng.uniform(0.8, 1.2))


@exercise(
    "Return (reliability, honest): τ²/(τ² + s²), and the winner's expected true score, if truths are normal with "
    "variance τ². The scores' variance (divided by n - 1) estimates τ² + s²; an estimated τ² below 0 counts as 0.",
    _honest_cases,
)
def honest_winner(scores, s):
    variance = scores.var(ddof=1)
    reliability = max(variance - s**2, 0.0) / variance
    return reliability, scores.mean() + reliability * (scores.max() - scores.mean())


def _shrunk(scores, reliability):
    return reliability, scores.mean() + reliability * (scores.max() - scores.mean())


@honest_winner.mistake("the reliability is right; nothing is shrunk: the winner's own score is too good")
def _(scores, s):
    return honest_winner(scores, s)[0], scores.max()


@honest_winner.mistake("the reliability is right; shrink towards the *mean* of the scores, not towards zero")
def _(scores, s):
    reliability = honest_winner(scores, s)[0]
    return reliability, reliability * scores.max()


@honest_winner.mistake("exchanged: that is the share of the noise, s²/(τ² + s²); the real share is asked")
def _(scores, s):
    return _shrunk(scores, 1 - honest_winner(scores, s)[0])


@honest_winner.mistake("the scores' variance is τ² + s² already: subtract s² to get τ²")
def _(scores, s):
    variance = scores.var(ddof=1)
    return _shrunk(scores, variance / (variance + s**2))


@honest_winner.mistake("a variance below zero: where the noise explains all differences, the reliability is 0")
def _(scores, s):
    variance = scores.var(ddof=1)
    return _shrunk(scores, (variance - s**2) / variance)


@honest_winner.mistake("s is a standard deviation: square it")
def _(scores, s):
    variance = scores.var(ddof=1)
    return _shrunk(scores, max(variance - s, 0.0) / variance)


@honest_winner.mistake("standard deviations do not add up, variances do: (sd - s)/sd is no share of the variance")
def _(scores, s):
    deviation = scores.std(ddof=1)
    return _shrunk(scores, max(deviation - s, 0.0) / deviation)


@honest_winner.mistake("the variance is to be divided by n - 1: `ddof=1`")
def _(scores, s):
    variance = scores.var()
    return _shrunk(scores, max(variance - s**2, 0.0) / variance)


@honest_winner.mistake("the root of the share, τ/√(τ² + s²), is a correlation; the shrink factor is its square")
def _(scores, s):
    return _shrunk(scores, np.sqrt(honest_winner(scores, s)[0]))


@honest_winner.mistake("that takes off what the winner of an average search has too much; use this winner's own lead")
def _(scores, s):
    from scipy import integrate, stats

    n = len(scores)
    largest = integrate.quad(lambda x: x * n * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1), -10, 10)[0]
    return honest_winner(scores, s)[0], scores.max() - largest * s**2 / scores.std(ddof=1)


@honest_winner.mistake("the reliability is right; shrink by it, not by what is left over, 1 - reliability")
def _(scores, s):
    reliability = honest_winner(scores, s)[0]
    return reliability, _shrunk(scores, 1 - reliability)[1]


@honest_winner.mistake("the reliability is right; the gain to be shrunk is that over the mean, not over the median")
def _(scores, s):
    reliability, middle = honest_winner(scores, s)[0], np.median(scores)
    return reliability, middle + reliability * (scores.max() - middle)


@honest_winner.mistake("the reliability is right; the luck of the best is not s: shrink its gain over the mean")
def _(scores, s):
    return honest_winner(scores, s)[0], scores.max() - s


def _rung(rng, n):
    """Scores of n configurations on a rung, and their positions from the best to the worst."""
    scores = rng.permutation(np.linspace(0.2, 0.8, n))
    return scores, [int(i) for i in np.argsort(-scores)]


def _asha_cases(rng):
    yield [np.array([0.5, 0.9, 0.6, 0.8, 0.7, 0.3]), np.array([0.7])], [[1], []], 3
    first, order = _rung(rng, 14)
    second, best = _rung(rng, 7)
    yield [first, second, rng.random(3)], [order[:3], best[:1], []], 3  # two rungs have somebody to promote
    yield [first, second, rng.random(3)], [order[:3], best[:2], []], 3  # only the lower one
    yield [first, second, rng.random(2)], [order[:4], best[:2], []], 3  # none; rounded up, there would be
    first, order = _rung(rng, 12)
    yield [first, rng.random(2)], [order[:4], []], 3  # none; of those that are left, there would be
    first, order = _rung(rng, 3)
    yield [first, rng.random(1)], [order[:1], []], 3
    first, order = _rung(rng, 14)
    yield [first, rng.random(2), rng.random(1)], [order[:4], [], []], 3  # none: two on a rung are fewer than eta
    yield [first, second / 2, rng.random(3)], [order[:3], best[:1], []], 3  # the lower rung's score is the higher one
    yield [first, rng.random(2)], [order[:3], []], 4  # none; with an eta of 3 there would be
    first, order = _rung(rng, 14)
    yield [first, rng.random(4)], [[order[k] for k in (0, 1, 5, 6)], []], 3  # two were in the top when they went on


@exercise(
    "Return (rung, i), the promotion that asynchronous successive halving makes next: scores[k] are those on rung k, "
    "promoted[k] the positions in it that were promoted already. From the highest rung but the last downwards, take "
    "the best of its top len // eta that is not promoted; (-1, -1), a new configuration, if there is none.",
    _asha_cases,
)
def asha_promotion(scores, promoted, eta):
    for rung in range(len(scores) - 2, -1, -1):
        order = np.argsort(-scores[rung], kind="stable")
        for i in order[: len(scores[rung]) // eta]:
            if i not in promoted[rung]:
                return rung, int(i)
    return -1, -1


def _asha(scores, promoted, eta, rungs=None, top=None, ascending=False):
    rungs = range(len(scores) - 2, -1, -1) if rungs is None else rungs
    for rung in rungs:
        order = np.argsort(scores[rung] if ascending else -scores[rung], kind="stable")
        for i in order[: len(order) // eta if top is None else top(len(order), len(promoted[rung]))]:
            if i not in promoted[rung]:
                return rung, int(i)
    return -1, -1


@asha_promotion.mistake("start at the highest rung: what is nearest to the end is promoted first")
def _(scores, promoted, eta):
    return _asha(scores, promoted, eta, rungs=range(len(scores) - 1))


@asha_promotion.mistake("rungs are not compared by score: whoever may go on from the highest rung goes first")
def _(scores, promoted, eta):
    ways = [_asha(scores, promoted, eta, rungs=[rung]) for rung in range(len(scores) - 1)]
    return max((way for way in ways if way[0] >= 0), key=lambda way: scores[way[0]][way[1]], default=(-1, -1))


@asha_promotion.mistake("the rung asked for is the one that it is promoted *from*")
def _(scores, promoted, eta):
    rung, i = asha_promotion(scores, promoted, eta)
    return (rung + 1, i) if rung >= 0 else (rung, i)


@asha_promotion.mistake("i is the position in scores[rung], not the place in the ranking")
def _(scores, promoted, eta):
    rung, i = asha_promotion(scores, promoted, eta)
    return (rung, int((scores[rung] > scores[rung][i]).sum())) if rung >= 0 else (rung, i)


@asha_promotion.mistake(
    "fewer than eta on a rung promote nobody: len // eta is 0 there, and at least one would be early"
)
def _(scores, promoted, eta):
    return _asha(scores, promoted, eta, top=lambda n, _: max(1, n // eta))


@asha_promotion.mistake("eta is an argument; you always take a third")
def _(scores, promoted, eta):
    return _asha(scores, promoted, 3)


@asha_promotion.mistake("from the last rung nothing can be promoted")
def _(scores, promoted, eta):
    return _asha(scores, promoted, eta, rungs=range(len(scores) - 1, -1, -1))


@asha_promotion.mistake("the top of a rung is len // eta, rounded down; you rounded up")
def _(scores, promoted, eta):
    return _asha(scores, promoted, eta, top=lambda n, _: -(-n // eta))


@asha_promotion.mistake("the best 1/eta of *all* on the rung, promoted or not; you took them of those that are left")
def _(scores, promoted, eta):
    return _asha(scores, promoted, eta, top=lambda n, p: p + (n - p) // eta)


@asha_promotion.mistake("only the top len // eta may go on; without that limit the rung's best is promoted for ever")
def _(scores, promoted, eta):
    return _asha(scores, promoted, eta, top=lambda n, _: n)


@asha_promotion.mistake("that one is promoted already: look for the best that is not")
def _(scores, promoted, eta):
    return _asha(scores, [[] for _ in promoted], eta)


@asha_promotion.mistake("scores are accuracies: the best are the *highest*")
def _(scores, promoted, eta):
    return _asha(scores, promoted, eta, ascending=True)


@asha_promotion.mistake("who was promoted early may have left the top since, and takes no place in it")
def _(scores, promoted, eta):
    for rung in range(len(scores) - 2, -1, -1):
        if len(promoted[rung]) < len(scores[rung]) // eta:
            return _asha(scores, promoted, eta, rungs=[rung])
    return -1, -1
