"""The checked exercises of chapter 1, Foundations: each a reference solution, then the mistakes that people make."""

from dlutils.exercises._core import exercise

import functools

import numpy as np

_exercise = functools.partial(exercise, "01_foundations")


# --- 1.1 Deep learning at a glance -----------------------------------------------------------------------------------


def _neuron_cases(rng):
    for n, d in ((2, 3), (5, 2), (6, 4)):
        targets = np.arange(n) % 2.0
        yield (
            rng.standard_normal(d),
            float(rng.uniform(0.5, 1.5)),
            rng.standard_normal((n, d)),
            rng.permutation(targets),
        )


@_exercise(
    "01_deep_learning_at_a_glance",
    "Return the gradients (dw, db) of the mean loss of a sigmoid neuron.",
    _neuron_cases,
)
def neuron_gradient(w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    error = p - y
    return X.T @ error / len(y), error.mean()


@neuron_gradient.mistake("that is the direction of the step, downhill; the gradient points uphill: p - y, not y - p")
def _(w, b, X, y):
    dw, db = neuron_gradient(w, b, X, y)
    return -dw, -db


@neuron_gradient.mistake("these are sums over the examples; the loss is a mean, so divide both by n")
def _(w, b, X, y):
    dw, db = neuron_gradient(w, b, X, y)
    return dw * len(y), db * len(y)


@neuron_gradient.mistake("dw is right; db is a mean over the examples too, not a sum")
def _(w, b, X, y):
    dw, db = neuron_gradient(w, b, X, y)
    return dw, db * len(y)


@neuron_gradient.mistake("the error is p - y with p = sigmoid(z); you used the logit z itself")
def _(w, b, X, y):
    error = X @ w + b - y
    return X.T @ error / len(y), error.mean()


@neuron_gradient.mistake("the bias b is missing from the logit: z = X @ w + b")
def _(w, b, X, y):
    return neuron_gradient(w, 0.0, X, y)


@neuron_gradient.mistake("p(1 - p) is the slope of the squared error; with this loss it cancels and p - y remains")
def _(w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    error = (p - y) * p * (1 - p)
    return X.T @ error / len(y), error.mean()


@neuron_gradient.mistake("both are right, in the wrong order: return (dw, db), the weights' gradient first")
def _(w, b, X, y):
    dw, db = neuron_gradient(w, b, X, y)
    return db, dw


def _standardize_cases(rng):
    for n, m, d in ((3, 2, 2), (6, 4, 3), (5, 7, 2)):
        scale = rng.uniform(2, 5, d) * 10.0 ** np.arange(d)
        yield 10 + scale * rng.standard_normal((n, d)), 30 + 2 * scale * rng.standard_normal((m, d))


@_exercise(
    "01_deep_learning_at_a_glance",
    "Return (train, test), both standardised by the mean and standard deviation of the training rows.",
    _standardize_cases,
)
def standardize(train, test):
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / std, (test - mean) / std


@standardize.mistake("leakage: mean and standard deviation were taken over training and test rows together")
def _(train, test):
    both = np.concatenate([train, test])
    return (train - both.mean(axis=0)) / both.std(axis=0), (test - both.mean(axis=0)) / both.std(axis=0)


@standardize.mistake(
    "the test rows were scaled by their own mean and deviation; they must get those of the training rows"
)
def _(train, test):
    return (train - train.mean(axis=0)) / train.std(axis=0), (test - test.mean(axis=0)) / test.std(axis=0)


@standardize.mistake("one mean for the whole table: each column needs its own (axis=0)")
def _(train, test):
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


@standardize.mistake(
    "the training rows are right, but the test rows came back as they were: scale them by the same numbers"
)
def _(train, test):
    return (train - train.mean(axis=0)) / train.std(axis=0), test


@standardize.mistake("that is the standard deviation with n - 1 (ddof=1); NumPy's default divides by n")
def _(train, test):
    mean, std = train.mean(axis=0), train.std(axis=0, ddof=1)
    return (train - mean) / std, (test - mean) / std


@standardize.mistake("divide by the standard deviation, the root of the variance, not by the variance")
def _(train, test):
    mean, variance = train.mean(axis=0), train.var(axis=0)
    return (train - mean) / variance, (test - mean) / variance


@standardize.mistake("that scales each row by its own mean and deviation (axis=1); a column is axis=0")
def _(train, test):
    return tuple((t - t.mean(axis=1, keepdims=True)) / t.std(axis=1, keepdims=True) for t in (train, test))


def _balanced_cases(rng):
    # Class 0 is common, 1 is rare and partly missed, 2 and 3 never occur, and 7 is only ever predicted.
    for common, rare, found in ((6, 2, 1), (9, 4, 1), (12, 3, 2)):
        labels = np.repeat([0, 1, 4], [common, rare, 3])
        predictions = np.repeat([0, 7, 1, 0, 4, 0], [common - 1, 1, found, rare - found, 1, 2])
        order = rng.permutation(len(labels))
        yield labels[order], predictions[order]


@_exercise(
    "01_deep_learning_at_a_glance",
    "Return the mean, over the classes that occur in labels, of the share of each class that was predicted right.",
    _balanced_cases,
)
def balanced_accuracy(labels, predictions):
    return np.mean([(predictions[labels == c] == c).mean() for c in np.unique(labels)])


@balanced_accuracy.mistake("that is the plain accuracy, in which the common class counts most")
def _(labels, predictions):
    return (labels == predictions).mean()


@balanced_accuracy.mistake(
    "that is the share of right answers among each class predicted; group by the true label instead"
)
def _(labels, predictions):
    return np.mean([(labels[predictions == c] == c).mean() for c in np.unique(predictions)])


@balanced_accuracy.mistake("a class that never occurs in labels must not count: take np.unique(labels) only")
def _(labels, predictions):
    classes = np.union1d(labels, predictions)
    return np.mean([(predictions[labels == c] == c).mean() if (labels == c).any() else 0.0 for c in classes])


@balanced_accuracy.mistake("classes need not be numbered without gaps: one that is missing from labels has no share")
def _(labels, predictions):
    classes = range(labels.max() + 1)
    return np.mean([(predictions[labels == c] == c).mean() if (labels == c).any() else 0.0 for c in classes])


@balanced_accuracy.mistake("nan: a class that never occurs has no share, 0 of 0; use np.unique(labels)")
def _(labels, predictions):
    classes = range(labels.max() + 1)
    found = np.array([((labels == c) & (predictions == c)).sum() for c in classes])
    return np.mean(found / np.array([(labels == c).sum() for c in classes]))


# --- 1.2 The perceptron ----------------------------------------------------------------------------------------------


def _margin_cases(rng):
    for n, d in ((3, 2), (6, 4), (8, 3)):
        w = rng.standard_normal(d)
        w *= rng.uniform(2, 3) / np.linalg.norm(w)
        X, b = rng.standard_normal((n, d)), rng.uniform(1, 2)
        for i, score in ((0, -rng.uniform(1, 2)), (-1, rng.uniform(1, 2))):  # one score below zero, one above
            X[i] += (score - (X[i] @ w + b)) / (w @ w) * w
        y = np.where(X @ w + b > 0, 1, -1)
        y[-1] *= -1  # one answer is wrong, so the margin is negative
        yield X, y, w, b


@_exercise(
    "02_perceptron",
    "Return the smallest signed distance of the inputs to the boundary, positive where the answer is right.",
    _margin_cases,
)
def margin(X, y, w, b):
    return (y * (X @ w + b)).min() / np.linalg.norm(w)


@margin.mistake("that is the smallest score; a distance is the score divided by the length of w")
def _(X, y, w, b):
    return (y * (X @ w + b)).min()


@margin.mistake("the bias shifts the boundary but does not turn it: divide by the length of w alone, without b")
def _(X, y, w, b):
    return (y * (X @ w + b)).min() / np.sqrt(w @ w + b**2)


@margin.mistake("divide by the length of w, not by its square")
def _(X, y, w, b):
    return (y * (X @ w + b)).min() / (w @ w)


@margin.mistake("the labels are missing: multiply each score by its y before you take the smallest")
def _(X, y, w, b):
    return (X @ w + b).min() / np.linalg.norm(w)


@margin.mistake("a margin may be negative, if an answer is wrong: do not clip it at 0")
def _(X, y, w, b):
    return max(0.0, (y * (X @ w + b)).min() / np.linalg.norm(w))


@margin.mistake("the labels matter: a wrong answer lies on the wrong side, and its distance counts as negative")
def _(X, y, w, b):
    return np.abs(X @ w + b).min() / np.linalg.norm(w)


@margin.mistake("the margin belongs to the worst example: the smallest distance, not the largest")
def _(X, y, w, b):
    return (y * (X @ w + b)).max() / np.linalg.norm(w)


@margin.mistake("the margin belongs to the worst example: the smallest distance, not the mean")
def _(X, y, w, b):
    return (y * (X @ w + b)).mean() / np.linalg.norm(w)


@margin.mistake("the bias is missing from the scores: they are X @ w + b")
def _(X, y, w, b):
    return (y * (X @ w)).min() / np.linalg.norm(w)


def _epoch_cases(rng):
    # from zero: the first example (label -1) is on the boundary; the second is the same, and right by then
    X = rng.standard_normal((4, 2))
    X[1] = X[0]
    X[2] = -0.5 * X[0] / (X[0] @ X[0])  # right by then too, but only thanks to the bias
    yield X, np.array([-1, -1, -1, -1]), np.zeros(2), 0.0
    # from other weights: the first example is right from the start, so a rule that corrects it is found out
    w = rng.standard_normal(3) + 2
    X = np.vstack([w, rng.standard_normal((6, 3))])
    yield X, np.append(1, rng.choice([-1, 1], 6)), w, 0.0
    yield rng.standard_normal((9, 4)), rng.choice([-1, 1], 9), np.zeros(4), 0.0


@_exercise(
    "02_perceptron",
    "Go once through the examples in order with Rosenblatt's rule; return (w, b, number of mistakes).",
    _epoch_cases,
)
def perceptron_epoch(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) <= 0:
            w, b = w + label * x, b + label
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("a score of exactly 0 is a mistake too (<= 0, not < 0): from zero weights yours never starts")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) < 0:
            w, b = w + label * x, b + label
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("the weights change on mistakes only; yours change on every example")
def _(X, y, w, b):
    return w + y @ X, b + y.sum(), len(X)


@perceptron_epoch.mistake("judge each example with the weights as they are by then, not with those of the start")
def _(X, y, w, b):
    wrong = y * (X @ w + b) <= 0
    return w + y[wrong] @ X[wrong], b + y[wrong].sum(), int(wrong.sum())


@perceptron_epoch.mistake("the bias learns as well: its input is always 1, so a mistake adds y to it")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) <= 0:
            w = w + label * x
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("the correction is y times x: towards x for label 1, away from x for label -1")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) <= 0:
            w, b = w + x, b + 1
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("w is right; the bias moves by y, up or down, and not always by 1")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x + b) <= 0:
            w, b = w + label * x, b + 1
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("the score is w @ x + b; yours leaves out the bias")
def _(X, y, w, b):
    mistakes = 0
    for x, label in zip(X, y, strict=True):
        if label * (w @ x) <= 0:
            w, b = w + label * x, b + label
            mistakes += 1
    return w, b, mistakes


@perceptron_epoch.mistake("mistakes is their number, one whole number, not the list of them")
def _(X, y, w, b):
    mistakes = []
    for i, (x, label) in enumerate(zip(X, y, strict=True)):
        if label * (w @ x + b) <= 0:
            w, b = w + label * x, b + label
            mistakes.append(i)
    return w, b, mistakes


def _multiclass_cases(rng):
    for k, d in ((3, 2), (4, 3), (5, 6)):
        W, x = rng.standard_normal((k, d)), rng.uniform(0.5, 1.5, d)
        order = np.argsort(W @ x)
        yield W, x, int(order[-1])  # the answer is right
        yield W, x, int(order[0])  # the answer is wrong


@_exercise(
    "02_perceptron",
    "Return the weights after one step of the multiclass perceptron, as a new array.",
    _multiclass_cases,
)
def multiclass_step(W, x, label):
    W = W.copy()
    winner = (W @ x).argmax()
    if winner != label:
        W[label] += x
        W[winner] -= x
    return W


@multiclass_step.mistake("the row that won by mistake must go down as well: subtract x from it")
def _(W, x, label):
    W = W.copy()
    if (W @ x).argmax() != label:
        W[label] += x
    return W


@multiclass_step.mistake("the true class must go up as well: add x to its row")
def _(W, x, label):
    W = W.copy()
    winner = (W @ x).argmax()
    if winner != label:
        W[winner] -= x
    return W


@multiclass_step.mistake("only the row that won goes down; the other wrong classes did not cause the mistake")
def _(W, x, label):
    if (W @ x).argmax() == label:
        return W.copy()
    W = W - x
    W[label] += 2 * x
    return W


@multiclass_step.mistake("the signs are swapped: add x to the true class, subtract it from the winner")
def _(W, x, label):
    W = W.copy()
    winner = (W @ x).argmax()
    if winner != label:
        W[label] -= x
        W[winner] += x
    return W


@multiclass_step.mistake("when the answer is right nothing changes; yours adds x to the true class all the same")
def _(W, x, label):
    W = W.copy()
    winner = (W @ x).argmax()
    W[label] += x
    if winner != label:
        W[winner] -= x
    return W


# --- 1.3 Multilayer perceptron and backpropagation -------------------------------------------------------------------


def _linear_cases(rng):
    for n, d_in, d_out in ((2, 3, 2), (5, 4, 3), (6, 2, 7)):
        yield rng.standard_normal((n, d_in)), rng.standard_normal((d_in, d_out)), rng.standard_normal((n, d_out))


@_exercise(
    "03_mlp_and_backpropagation",
    "Given X, W and the gradient dZ of Z = XW + b, return the gradients (dX, dW, db).",
    _linear_cases,
)
def linear_backward(X, W, dZ):
    dX = dZ @ W.T
    dW = X.T @ dZ
    db = dZ.sum(axis=0)
    return dX, dW, db


@linear_backward.mistake("b is added to every row, so the gradients of the rows add up: a sum, not a mean")
def _(X, W, dZ):
    return dZ @ W.T, X.T @ dZ, dZ.mean(axis=0)


@linear_backward.mistake("the 1/n of the mean loss is inside dZ already; dividing again counts it twice")
def _(X, W, dZ):
    return dZ @ W.T, X.T @ dZ / len(X), dZ.sum(axis=0) / len(X)


@linear_backward.mistake("the order is (dX, dW, db): each has the shape of its own variable")
def _(X, W, dZ):
    return X.T @ dZ, dZ @ W.T, dZ.sum(axis=0)


@linear_backward.mistake("db sums over the batch (axis 0) and keeps one number for each output")
def _(X, W, dZ):
    return dZ @ W.T, X.T @ dZ, dZ.sum(axis=1)


@linear_backward.mistake("dW must have the shape of W, (in, out); yours is its transpose, (out, in)")
def _(X, W, dZ):
    return dZ @ W.T, dZ.T @ X, dZ.sum(axis=0)


def _cross_entropy_cases(rng):
    for n, k, shift in ((2, 3, 0), (5, 4, 0), (7, 10, 0), (4, 3, 1000)):
        yield 3 * rng.standard_normal((n, k)) + shift, rng.integers(0, k, n)
    yield np.array([[1000.0, 0, 0], [-1000.0, -1001, -1002]]) + rng.standard_normal((2, 3)), np.array([1, 2])


@_exercise(
    "03_mlp_and_backpropagation",
    "Return the mean cross-entropy of softmax(logits), and its gradient with respect to the logits.",
    _cross_entropy_cases,
)
def softmax_cross_entropy(logits, labels):
    n = len(labels)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(n), labels].mean()
    d_logits = np.exp(log_p)
    d_logits[np.arange(n), labels] -= 1
    return loss, d_logits / n


@softmax_cross_entropy.mistake("loss and gradient are sums over the batch; the mean divides both by n")
def _(logits, labels):
    loss, d_logits = softmax_cross_entropy(logits, labels)
    return loss * len(labels), d_logits * len(labels)


@softmax_cross_entropy.mistake("the loss is a mean, so its gradient has the factor 1/n as well")
def _(logits, labels):
    loss, d_logits = softmax_cross_entropy(logits, labels)
    return loss, d_logits * len(labels)


@softmax_cross_entropy.mistake("the gradient is (P - Y)/n: subtract 1 at the place of the true class")
def _(logits, labels):
    loss, d_logits = softmax_cross_entropy(logits, labels)
    return loss, d_logits + np.eye(logits.shape[1])[labels] / len(labels)


@softmax_cross_entropy.mistake(
    "subtract the maximum of each row, not of the whole array: a row of small logits gives 0/0"
)
def _(logits, labels):
    n = len(labels)
    shifted = logits - logits.max()
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    d_logits = np.exp(log_p)
    d_logits[np.arange(n), labels] -= 1
    return -log_p[np.arange(n), labels].mean(), d_logits / n


@softmax_cross_entropy.mistake("a probability that rounds to 0 has logarithm -inf: take log P as z - max - log(sum)")
def _(logits, labels):
    n = len(labels)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()
    p[np.arange(n), labels] -= 1
    return loss, p / n


@softmax_cross_entropy.mistake("the order is (loss, gradient)")
def _(logits, labels):
    loss, d_logits = softmax_cross_entropy(logits, labels)
    return d_logits, loss


@softmax_cross_entropy.mistake(
    "right for small logits, but exp overflows at 1000: subtract the maximum of each row first"
)
def _(logits, labels):
    n = len(labels)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), labels]).mean()
    p[np.arange(n), labels] -= 1
    return loss, p / n


def _sum_of_cubes(x):
    return float((x**3).sum())


def _square_of_sum(x):
    return float(x.sum() ** 2 + (x**3).sum())


def _numerical_cases(rng):
    yield _square_of_sum, rng.uniform(1, 2, 2), 1e-3
    yield _sum_of_cubes, rng.uniform(1, 2, (2, 3)), 1e-3
    yield _square_of_sum, rng.uniform(1, 2, (3, 2)), 1e-3


@_exercise(
    "03_mlp_and_backpropagation",
    "Return the gradient of the scalar function f at the array x by central differences with step h.",
    _numerical_cases,
    tolerance=1e-6,
)
def numerical_gradient(f, x, h):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        gradient[index] = (f(up) - f(down)) / (2 * h)
    return gradient


@numerical_gradient.mistake("that is the forward difference, with an error of order h; use f(x + h) and f(x - h)")
def _(f, x, h):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up = x.copy()
        up[index] += h
        gradient[index] = (f(up) - f(x)) / h
    return gradient


@numerical_gradient.mistake("x + h and x - h lie 2h apart: divide by 2h")
def _(f, x, h):
    return 2 * numerical_gradient(f, x, h)


@numerical_gradient.mistake("move one entry of x at a time; moving all together gives the sum of the slopes")
def _(f, x, h):
    return np.full_like(x, (f(x + h) - f(x - h)) / (2 * h))


# --- 1.4 Activation functions ----------------------------------------------------------------------------------------


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _silu_cases(rng):
    yield rng.uniform(0.5, 2, 3), rng.standard_normal(3)
    yield rng.uniform(-4, 4, (2, 5)), rng.standard_normal((2, 5))
    yield np.array([-1000.0, -1.0, 1000.0]) * rng.uniform(1, 2), rng.standard_normal(3)


@_exercise(
    "04_activations",
    "Return the gradient with respect to x, given the gradient grad with respect to x * sigmoid(x).",
    _silu_cases,
)
def silu_backward(x, grad):
    e = np.exp(-np.abs(x))  # never overflows
    s = np.where(x >= 0, 1 / (1 + e), e / (1 + e))
    return grad * s * (1 + x * (1 - s))


@silu_backward.mistake("that is the slope alone; the chain rule multiplies it by the gradient that arrives, grad")
def _(x, grad):
    return silu_backward(x, np.ones_like(x))


@silu_backward.mistake("x stands outside the sigmoid too: the product rule gives sigmoid(x) plus x times its slope")
def _(x, grad):
    return grad * _sigmoid(x) * (1 - _sigmoid(x))


@silu_backward.mistake("the slope of the sigmoid is s * (1 - s); the factor s is missing in the second term")
def _(x, grad):
    return grad * (_sigmoid(x) + x * (1 - _sigmoid(x)))


@silu_backward.mistake("right for moderate x, but exp overflows at 1000: use an exponential of -|x| only")
def _(x, grad):
    e = np.exp(-x)
    return grad * (1 / (1 + e) + x * e / (1 + e) ** 2)


def _dead_cases(rng):
    for n, units, dead in ((3, 4, 1), (6, 5, 2), (10, 8, 3)):
        Z = rng.uniform(0.1, 1, (n, units)) * rng.choice([-1, 1], (n, units))
        Z[0], Z[1] = np.abs(Z[0]), -np.abs(Z[1])  # every unit is on for one example and off for another ...
        chosen = rng.permutation(units)[:dead]
        Z[:, chosen] = -np.abs(Z[:, chosen])  # ... but for the dead: negative for all,
        Z[:, chosen[0]] = 0  # and one exactly zero, which is off as well
        yield Z


@_exercise(
    "04_activations",
    "Return the share of units (columns of Z) whose input is not positive for any example (row).",
    lambda rng: ((Z,) for Z in _dead_cases(rng)),
)
def dead_share(Z):
    return (Z <= 0).all(axis=0).mean()


@dead_share.mistake("that is the share of entries that are off; a unit is dead only if it is off for all examples")
def _(Z):
    return (Z <= 0).mean()


@dead_share.mistake("an input of exactly zero gives no output and no gradient either: test <= 0, not < 0")
def _(Z):
    return (Z < 0).all(axis=0).mean()


@dead_share.mistake("all(axis=1) asks whether an example turns every unit off; a unit is a column, so use axis 0")
def _(Z):
    return (Z <= 0).all(axis=1).mean()


@dead_share.mistake("that counts the dead units; divide by the number of units")
def _(Z):
    return (Z <= 0).all(axis=0).sum()


def _temperature_cases(rng):
    yield rng.standard_normal((2, 3)), 2.0
    yield 3 * rng.standard_normal((4, 5)), float(rng.uniform(0.3, 0.7))
    yield 1000 + rng.standard_normal((3, 4)), 0.5
    yield np.array([[1000.0], [-1000.0]]) + rng.standard_normal((2, 3)), 0.5


@_exercise(
    "04_activations",
    "Return softmax(logits / temperature) over the classes, for logits (n, classes).",
    _temperature_cases,
)
def softmax_temperature(logits, temperature):
    z = logits / temperature
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@softmax_temperature.mistake("logits are divided by the temperature, so that a high one flattens; you multiplied")
def _(logits, temperature):
    return softmax_temperature(logits * temperature**2, temperature)


@softmax_temperature.mistake(
    "subtract the maximum of each row, not of the whole array: a row of small logits gives 0/0"
)
def _(logits, temperature):
    z = logits / temperature
    e = np.exp(z - z.max())
    return e / e.sum(axis=1, keepdims=True)


@softmax_temperature.mistake("divide the logits, before the exponential; dividing the probabilities changes their sum")
def _(logits, temperature):
    return softmax_temperature(logits, 1.0) / temperature


@softmax_temperature.mistake("softmax runs over the classes (axis 1); yours makes each column sum to one")
def _(logits, temperature):
    return softmax_temperature(logits.T, temperature).T


@softmax_temperature.mistake("right for small logits, but exp(1000) overflows: subtract the maximum of each row first")
def _(logits, temperature):
    e = np.exp(logits / temperature)
    return e / e.sum(axis=1, keepdims=True)


# --- 1.5 Automatic differentiation from scratch ----------------------------------------------------------------------


def _broadcast_cases(rng):
    for grad, shape in (((5, 3), (3,)), ((5, 3), (5, 1)), ((5, 3), ()), ((2, 5, 3), (1, 3)), ((4, 2), (4, 2))):
        yield rng.standard_normal(grad), shape


@_exercise(
    "05_autograd_from_scratch",
    "Return grad summed over the axes that broadcasting added or stretched, so that it has the given shape.",
    _broadcast_cases,
)
def sum_to_shape(grad, shape):
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=stretched, keepdims=True)


@sum_to_shape.mistake("broadcasting repeats a value, and the gradients of its uses add up: sum them, do not average")
def _(grad, shape):
    return sum_to_shape(grad, shape) * (np.prod(shape) / grad.size)


@sum_to_shape.mistake("axes added in front are summed; an axis that was stretched from 1 must be summed too, and stay")
def _(grad, shape):
    return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


@sum_to_shape.mistake("taking one slice drops the gradients of all the other uses; they must be added")
def _(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    return grad[tuple(slice(0, size) for size in shape)]


def _softmax_backward_cases(rng):
    for n, k in ((2, 3), (4, 5), (3, 2)):
        P = np.exp(rng.standard_normal((n, k)))
        yield P / P.sum(axis=1, keepdims=True), rng.standard_normal((n, k))


@_exercise(
    "05_autograd_from_scratch",
    "Given P = softmax(Z), row by row, and the gradient dP, return the gradient dZ.",
    _softmax_backward_cases,
)
def softmax_backward(P, dP):
    return P * (dP - (dP * P).sum(axis=1, keepdims=True))


@softmax_backward.mistake("that is only the diagonal of the Jacobian; raising one logit also lowers all the other p's")
def _(P, dP):
    return P * (1 - P) * dP


@softmax_backward.mistake("the sum runs over the classes (axis 1), one for each row, not over the whole batch")
def _(P, dP):
    return P * (dP - (dP * P).sum())


@softmax_backward.mistake("the sum runs over the classes, axis 1; over axis 0 it mixes the examples of the batch")
def _(P, dP):
    return P * (dP - (dP * P).sum(axis=0))


@softmax_backward.mistake("right but for the factor P in front: the slope of each p is itself proportional to p")
def _(P, dP):
    return dP - (dP * P).sum(axis=1, keepdims=True)


@softmax_backward.mistake("the sum is weighted by the probabilities: (dP * P).sum(axis=1), not dP.sum(axis=1)")
def _(P, dP):
    return P * (dP - dP.sum(axis=1, keepdims=True))


@softmax_backward.mistake("P - Y is the gradient of cross-entropy and softmax together; here any dP may arrive")
def _(P, dP):
    return P - dP


def _graph_cases(rng):
    yield {"a": [], "b": ["a"]}, "b"
    yield {"x": [], "u": ["x", "x"], "w": ["u"], "L": ["u", "w"]}, "L"
    yield {"x": [], "y": [], "L": ["x", "y"]}, "L"  # from left to right: x before y
    for _ in range(3):  # node i draws parents from those before it, in a random order of names
        names = [str(name) for name in rng.permutation(list("abcdefgh"))]
        graph = {}
        for i, name in enumerate(names):
            graph[name] = [str(p) for p in rng.permutation(names[:i])[: rng.integers(1, 4)]] if i else []
        graph[names[-1]] = names[-2:0:-1]  # the last depends on nearly all, directly and through others
        yield graph, names[-1]


@_exercise(
    "05_autograd_from_scratch",
    "Return the nodes that root depends on and root itself, each after its parents, by a depth-first walk.",
    _graph_cases,
)
def order_of(parents, root):
    order = []

    def visit(name):
        if name not in order:
            for parent in parents[name]:
                visit(parent)
            order.append(name)

    visit(root)
    return order


@order_of.mistake("that writes a node down before its parents; do it after the loop over them")
def _(parents, root):
    order = []

    def visit(name):
        if name not in order:
            order.append(name)
            for parent in parents[name]:
                visit(parent)

    visit(root)
    return order


@order_of.mistake("a node that several others use must appear once only; skip those already in the list")
def _(parents, root):
    return [name for parent in parents[root] for name in _every_path(parents, parent)] + [root]


def _every_path(parents, name):
    return [below for parent in parents[name] for below in _every_path(parents, parent)] + [name]


@order_of.mistake("that walk visits parents from right to left: a stack hands out last what was pushed first")
def _(parents, root):
    return order_of({name: above[::-1] for name, above in parents.items()}, root)


@order_of.mistake("root itself belongs at the end of the list")
def _(parents, root):
    return order_of(parents, root)[:-1]


@order_of.mistake(
    "reversing the order of first visits is not enough: write a node down after the loop over its parents"
)
def _(parents, root):
    first_visits = []

    def visit(name):
        if name not in first_visits:
            first_visits.append(name)
            for parent in parents[name]:
                visit(parent)

    visit(root)
    return first_visits[::-1]


@order_of.mistake("that is the order of the backward pass; turn it round, so that parents come first")
def _(parents, root):
    return order_of(parents, root)[::-1]


# --- 1.6 The training loop -------------------------------------------------------------------------------------------


def _mean_cases(rng):
    for sizes in ((4, 4, 2), (10, 10, 10, 3), (1, 5)):
        means = np.arange(1.0, len(sizes) + 1) + rng.uniform(0, 0.5, len(sizes))
        yield means, np.array(sizes)


@_exercise(
    "06_training_loop",
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


@_exercise(
    "06_training_loop",
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


@_exercise(
    "06_training_loop",
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
