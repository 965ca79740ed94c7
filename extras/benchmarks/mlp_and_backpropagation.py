"""The multilayer perceptron of 1.3, in five ways: by hand, our autograd engine of 1.5, and three libraries."""

import dlutils

import functools
import statistics
import time

import numpy as np
from sklearn.neural_network import MLPClassifier

import torch
from torch import nn

import keras

from measure import Row, definitions, median_seconds, operations

HIDDEN, BATCH, LEARNING_RATE, TARGET, MOST_EPOCHS = 128, 32, 0.3, 0.95, 30


@functools.cache
def lesson_1_3():
    notebook = "01_foundations/03_mlp_and_backpropagation.ipynb"
    return definitions(notebook, np=np, nn=nn, torch=torch, keras=keras)


class ByHand:
    """NumPy with the backward pass of notebook 1.3."""

    label = "NumPy, backward by hand (1.3)"

    def __init__(self, start):
        self.lesson = lesson_1_3()
        self.params = {name: value.copy() for name, value in start.items()}

    def step(self, X, y):
        _, gradients = self.lesson.loss_and_gradients(self.params, X, y)
        for name in self.params:
            self.params[name] -= LEARNING_RATE * gradients[name]

    def predict(self, X):
        return self.lesson.forward(self.params, X)[0].argmax(axis=1)


class OurAutograd:
    """The engine of notebook 1.5."""

    label = "our autograd engine (1.5)"

    def __init__(self, start):
        self.lesson = definitions("01_foundations/05_autograd_from_scratch.ipynb", np=np, nn=nn)
        self.params = [self.lesson.Tensor(start[name].copy(), requires_grad=True) for name in ("W1", "b1", "W2", "b2")]

    def step(self, X, y):
        self.lesson.cross_entropy(self.lesson.mlp(self.params, X), y).backward()
        for parameter in self.params:
            parameter.data -= LEARNING_RATE * parameter.grad
            parameter.grad = None

    def predict(self, X):
        return self.lesson.mlp(self.params, X).data.argmax(axis=1)


class PyTorch:
    label = "PyTorch, explicit loop"

    def __init__(self, start):
        self.model = lesson_1_3().torch_with(start, torch.float32)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LEARNING_RATE)

    def step(self, X, y):
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(torch.from_numpy(X)), torch.from_numpy(y)).backward()
        self.optimizer.step()

    def predict(self, X):
        with torch.no_grad():
            return self.model(torch.from_numpy(X)).argmax(dim=1).numpy()


class Keras:
    """train_on_batch for one step; fit, an epoch at a time, for training, as one would use it."""

    label = "Keras, compile and fit"

    def __init__(self, start):
        self.model = lesson_1_3().keras_with(start, "float32")
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE), loss=loss)

    def step(self, X, y):
        self.model.train_on_batch(X, y)

    def epoch(self, X, y, rng):
        order = rng.permutation(len(X))
        self.model.fit(X[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)

    def predict(self, X):
        return self.model.predict(X, batch_size=1000, verbose=0).argmax(axis=1)


class ScikitLearn:
    label = "scikit-learn MLPClassifier"

    def __init__(self, start):
        options = {"hidden_layer_sizes": (HIDDEN,), "solver": "sgd", "momentum": 0.0, "alpha": 0.0}
        self.model = MLPClassifier(batch_size=BATCH, learning_rate_init=LEARNING_RATE, random_state=0, **options)

    def step(self, X, y):
        self.model.partial_fit(X, y, classes=np.arange(10))

    def predict(self, X):
        return self.model.predict(X)


COMPETITORS = (ByHand, OurAutograd, PyTorch, Keras, ScikitLearn)


def seconds_to_target(make, data, seed):
    """Seconds and epochs of training, with a look at the test digits after each, until TARGET of them are right."""
    X, y, X_test, y_test = data
    rng = np.random.default_rng(seed)
    model = make(start_weights(seed))
    begin = time.perf_counter()
    for epoch in range(1, MOST_EPOCHS + 1):
        if hasattr(model, "epoch"):
            model.epoch(X, y, rng)
        else:
            order = rng.permutation(len(X))
            for batch in np.split(order, range(BATCH, len(order), BATCH)):
                model.step(X[batch], y[batch])
        if (model.predict(X_test) == y_test).mean() >= TARGET:
            return time.perf_counter() - begin, epoch
    raise dlutils.CourseError(
        f"{make.label} did not reach {100 * TARGET:.0f} % in {MOST_EPOCHS} epochs with seed {seed}"
    )


def start_weights(seed):
    start = lesson_1_3().init_mlp((784, HIDDEN, 10), np.random.default_rng(seed))
    return {name: value.astype(np.float32) for name, value in start.items()}


def digits():
    data = dlutils.load("mnist", full=False, quiet=True)
    flat = [(x.reshape(len(x), -1) / 255).astype(np.float32) for x in (data.x_train, data.x_test)]
    return flat[0], data.y_train, flat[1], data.y_test


def step_operations():
    """Of one training step: forward, and backward to the weights and the hidden layer."""
    X, y, *_ = digits()
    model = PyTorch(start_weights(0))
    return operations(lambda: model.step(X[:BATCH], y[:BATCH]))


def rows(repeats):
    data, per_step = digits(), step_operations()
    for make in COMPETITORS:
        model = make(start_weights(0))
        step = median_seconds(lambda model=model: model.step(data[0][:BATCH], data[1][:BATCH]), repeats, calls=100)
        yield Row(f"one training step, 784–{HIDDEN}–10, {BATCH} digits", make.label, step, per_step)
    steps = len(data[0]) / BATCH
    for make in COMPETITORS:
        runs = [seconds_to_target(make, data, seed) for seed in range(repeats)]
        taken, epochs = (statistics.median(column) for column in zip(*runs, strict=True))
        what = f"training to {100 * TARGET:.0f} % on held-out digits"
        yield Row(what, make.label, taken, per_step * steps * epochs)
