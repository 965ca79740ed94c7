"""Exercises of 1.6, The training loop: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _mean_cases(rng):
    for sizes in ((4, 4, 2), (10, 10, 10, 3), (1, 5)):
        means = np.arange(1.0, len(sizes) + 1) + rng.uniform(0, 0.5, len(sizes))
        yield means, np.array(sizes)


@exercise(
    "Return the mean loss over all examples, given the mean and the size of each batch.",
    _mean_cases,
)
def weighted_mean(means, sizes):
    return (means * sizes).sum() / sizes.sum()


@weighted_mean.mistake(
    "that is the mean of the batch means: an example in the smaller batch counts more than the others"
)
def _(means, sizes):
    return means.mean()


@weighted_mean.mistake("that is the sum over all examples; a mean divides it by their number, the sum of the sizes")
def _(means, sizes):
    return (means * sizes).sum()


@weighted_mean.mistake(
    "the sum over examples is right, but divide it by the number of examples, not by the number of batches"
)
def _(means, sizes):
    return (means * sizes).sum() / len(sizes)


@weighted_mean.mistake("means holds means, not sums: multiply each by its size before you add")
def _(means, sizes):
    return means.sum() / sizes.sum()


@weighted_mean.mistake("not every batch has the size of the first one: weight each by its own size")
def _(means, sizes):
    return (means * sizes[0]).sum() / sizes.sum()


@weighted_mean.mistake("a larger batch counts more, not less: multiply each mean by its size, do not divide by it")
def _(means, sizes):
    return (means / sizes).sum() / (1 / sizes).sum()


def _stopping_cases(rng):
    # Each list tells another story; the shift changes the numbers and not the answers.
    for losses, patience in (
        ([5, 4, 6, 3, 7, 8, 2], 2),  # a rise that recovers, then two without a new lowest, then one too late
        ([3, 2, 1.5], 2),  # never stops
        ([4, 3, 3, 5, 1], 2),  # an equal loss is not a new lowest
        ([9, 8, 8.5, 7, 7.5, 7.2, 6, 6.5, 6.4, 6.3, 5], 3),  # slightly below the last, but not the lowest
        ([2, 1, 3, 4, 5, 6, 7], 2),  # goes on long after the stop: never to stop is not to stop one epoch late
    ):
        yield (np.array(losses, dtype=float) + rng.uniform(0, 1)).tolist(), patience


def _early_stopping(validation_losses, patience, *, reset_on_fall=False, equal_is_new=False, total=False):
    """The reference with one rule changed."""
    best, waited = 0, 0
    for epoch, loss in enumerate(validation_losses):
        if loss < validation_losses[best] or (equal_is_new and loss == validation_losses[best]) or epoch == 0:
            best, waited = epoch, 0 if not total else waited
        elif reset_on_fall and loss < validation_losses[epoch - 1]:
            waited = 0
        else:
            waited += 1
        if waited == patience:
            return best, epoch
    return best, len(validation_losses) - 1


@exercise(
    "Return (best, stop): the epoch of the lowest validation loss seen, and the epoch after which training stops.",
    _stopping_cases,
)
def early_stopping(validation_losses, patience):
    best = 0
    for epoch, loss in enumerate(validation_losses):
        if loss < validation_losses[best]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(validation_losses) - 1


@early_stopping.mistake(
    "that stops at the first rise; it should wait for `patience` epochs in a row without a new lowest"
)
def _(validation_losses, patience):
    return _early_stopping(validation_losses, 1)


@early_stopping.mistake(
    "it stops one epoch late: stop as soon as `patience` epochs have passed without a new lowest loss"
)
def _(validation_losses, patience):
    return _early_stopping(validation_losses, patience + 1)


@early_stopping.mistake("it never stops: count the epochs without a new lowest loss, and break at `patience`")
def _(validation_losses, patience):
    return int(np.argmin(validation_losses)), len(validation_losses) - 1


@early_stopping.mistake("both epochs are right, their order is not: return (best, stop)")
def _(validation_losses, patience):
    best, stop = early_stopping(validation_losses, patience)
    return stop, best


@early_stopping.mistake("stop is one too large: return the last epoch that was run, not the number of epochs")
def _(validation_losses, patience):
    best, stop = early_stopping(validation_losses, patience)
    return best, stop + 1


@early_stopping.mistake("the first value is the lowest loss itself; return the number of its epoch")
def _(validation_losses, patience):
    best, stop = early_stopping(validation_losses, patience)
    return validation_losses[best], stop


@early_stopping.mistake("the first value is the last epoch; return the best one, whose weights are worth keeping")
def _(validation_losses, patience):
    _, stop = early_stopping(validation_losses, patience)
    return stop, stop


@early_stopping.mistake(
    "the best epoch is searched in the whole list, but the epochs after the stop have never been run"
)
def _(validation_losses, patience):
    return int(np.argmin(validation_losses)), early_stopping(validation_losses, patience)[1]


@early_stopping.mistake("an equal loss is not a new lowest: compare with <, not with <=")
def _(validation_losses, patience):
    return _early_stopping(validation_losses, patience, equal_is_new=True)


@early_stopping.mistake(
    "compare with the lowest loss so far, not with the epoch before: a fall after a rise may be no new lowest"
)
def _(validation_losses, patience):
    return _early_stopping(validation_losses, patience, reset_on_fall=True)


@early_stopping.mistake("`patience` counts epochs in a row: set the counter back to zero at each new lowest loss")
def _(validation_losses, patience):
    return _early_stopping(validation_losses, patience, total=True)


@early_stopping.mistake("epochs count from 0, yours count from 1")
def _(validation_losses, patience):
    best, stop = early_stopping(validation_losses, patience)
    return best + 1, stop + 1


def _paired_cases(rng):
    # How many are right for: both, a alone, b alone, neither. One of each at least: no formula agrees by chance.
    for both, only_a, only_b, neither in ((3, 4, 1, 2), (20, 6, 3, 5), (50, 4, 9, 10)):
        a = np.repeat([1, 1, 0, 0], (both, only_a, only_b, neither))
        b = np.repeat([1, 0, 1, 0], (both, only_a, only_b, neither))
        order = rng.permutation(len(a))
        yield a[order], b[order]


@exercise(
    "Return (difference, error): accuracy of a minus accuracy of b, and the standard error of that paired difference.",
    _paired_cases,
)
def paired_difference(right_a, right_b):
    d = right_a - right_b  # -1, 0 or 1 for each example
    return d.mean(), d.std() / np.sqrt(len(d))


@paired_difference.mistake(
    "that is the error for two independent sets of examples; here both models answered the same ones: use d = a - b"
)
def _(right_a, right_b):
    return right_a.mean() - right_b.mean(), np.sqrt((right_a.var() + right_b.var()) / len(right_a))


@paired_difference.mistake(
    "that is the spread of single differences; their mean is steadier: divide by the square root of n"
)
def _(right_a, right_b):
    d = right_a - right_b
    return d.mean(), d.std()


@paired_difference.mistake("the standard deviation shrinks with the square root of n, not with n")
def _(right_a, right_b):
    d = right_a - right_b
    return d.mean(), d.std() / len(d)


@paired_difference.mistake("that is the variance of the mean; the standard error is its square root")
def _(right_a, right_b):
    d = right_a - right_b
    return d.mean(), d.var() / len(d)


@paired_difference.mistake("the variance asked for divides by n, NumPy's default; yours divides by n - 1 (ddof=1)")
def _(right_a, right_b):
    d = right_a - right_b
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))


@paired_difference.mistake("the difference has the wrong sign: a minus b")
def _(right_a, right_b):
    difference, error = paired_difference(right_a, right_b)
    return -difference, error


@paired_difference.mistake("that is the standard error of the accuracy of a alone; take the spread of d = a - b")
def _(right_a, right_b):
    return right_a.mean() - right_b.mean(), right_a.std() / np.sqrt(len(right_a))


@paired_difference.mistake("subtract the mean before you square: the standard error is the spread of d around its mean")
def _(right_a, right_b):
    d = right_a - right_b
    return d.mean(), np.sqrt((d**2).mean() / len(d))


@paired_difference.mistake("keep the sign: it says which model is better, so no absolute value of the difference")
def _(right_a, right_b):
    difference, error = paired_difference(right_a, right_b)
    return abs(difference), error


@paired_difference.mistake("do not take abs(a - b): a win and a loss must cancel, and abs counts both as wins")
def _(right_a, right_b):
    d = np.abs(right_a - right_b)
    return d.mean(), d.std() / np.sqrt(len(d))
