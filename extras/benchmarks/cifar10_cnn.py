"""The recipe of 4.1.2 beside the frameworks' own example networks: 5,000 pictures of CIFAR-10, and 120 seconds."""

import dlutils

import copy
import functools
import itertools
import operator
import statistics
import time
from types import SimpleNamespace

import numpy as np

import torch
import torch.nn.functional as F
from torch import nn

import keras

from measure import Row, definitions

SECONDS = 120
STARTS = 2  # each way's training takes two minutes, so a median of five would take an hour


@functools.cache
def lesson():
    """The notebook's functions, with the data that they read from its variables."""
    notebook = "04_projects/computer_vision/02_cifar10_cnn.ipynb"
    names = {
        "copy": copy,
        "itertools": itertools,
        "operator": operator,
        "np": np,
        "nn": nn,
        "F": F,
        "torch": torch,
        "keras": keras,
        "time": time,
    }
    names |= {"SimpleNamespace": SimpleNamespace, "device": torch.device("cpu"), "SEEDS": range(3)}
    code = definitions(notebook, ("OFF", "ADDED", "RUNGS", "ALL"), dlutils=dlutils, **names)
    data = dlutils.load("cifar10", full=False, quiet=True)
    code.data, code.mean, code.std = data, data.x_train.mean(axis=(0, 1, 2)), data.x_train.std(axis=(0, 1, 2))
    code.X, code.Y = code.prepare(data.x_train), torch.tensor(data.y_train)
    code.filters, _ = code.whitening_filters(code.X[:4000])
    return code


def our_recipe(seconds, seed):
    """All tricks of 4.1.2, the schedule cut to what this machine does in so many seconds; logits of the test set."""
    code = lesson()
    rows = np.arange(len(code.X))
    code.train(code.ALL, 5, rows, seed)  # warms up
    steps = max(10, round(seconds / code.train(code.ALL, 40, rows, seed).seconds * 40))
    run = code.train(code.ALL, steps, rows, seed)
    return run.seconds, code.answers(run, rows, code.prepare(code.data.x_test))["averaged, flips"]


def pytorch_tutorial(seconds, seed):
    """The network and settings of PyTorch's tutorial "Training a classifier": batches of 4, SGD at 0.001."""
    data = lesson().data
    X, X_test = (torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1 for x in (data.x_train, data.x_test))
    y = torch.tensor(data.y_train)
    torch.manual_seed(seed)
    convolutions = (nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
    linear = (nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    model = nn.Sequential(*convolutions, *linear)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    begin, epochs = time.perf_counter(), 0
    while time.perf_counter() - begin < (seconds or np.inf) and (seconds or epochs < 2):
        for batch in torch.randperm(len(X)).split(4):
            optimizer.zero_grad()
            F.cross_entropy(model(X[batch]), y[batch]).backward()
            optimizer.step()
        epochs += 1
    taken = time.perf_counter() - begin
    with torch.no_grad():
        return taken, model(X_test).numpy()


class Stop(keras.callbacks.Callback):
    """Ends the training after the first epoch beyond so many seconds."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.begin = seconds, time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = time.perf_counter() - self.begin > self.seconds


def tensorflow_tutorial(seconds, seed):
    """The network and settings of TensorFlow's tutorial "Convolutional neural network (CNN)": Adam, batches of 32."""
    data = lesson().data
    X, X_test = data.x_train.astype(np.float32) / 255, data.x_test.astype(np.float32) / 255
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((32, 32, 3))]
    for channels, pool in ((32, True), (64, True), (64, False)):
        layers += [keras.layers.Conv2D(channels, 3, activation="relu")]
        layers += [keras.layers.MaxPooling2D(2)] if pool else []
    layers += [keras.layers.Flatten(), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    begin = time.perf_counter()
    options = {"epochs": 10_000, "callbacks": [Stop(seconds)]} if seconds else {"epochs": 10}
    model.fit(X, data.y_train, batch_size=32, verbose=0, **options)
    taken = time.perf_counter() - begin
    return taken, model.predict(X_test, batch_size=500, verbose=0)


def seconds_and_accuracy(train, seconds, seed):
    """Seconds of training, and the share of the 1,000 test pictures that are named rightly."""
    taken, logits = train(seconds, seed)
    return taken, float((logits.argmax(axis=1) == lesson().data.y_test).mean())


def rows(repeats):
    ways = {"all tricks of 4.1.2, as short as there": (our_recipe, 5), "the same, longer": (our_recipe, SECONDS)}
    for name, train in (("PyTorch", pytorch_tutorial), ("TensorFlow", tensorflow_tutorial)):
        ways[f"{name}'s tutorial network, its own epochs"] = train, None
        ways[f"{name}'s tutorial network, longer"] = train, SECONDS
    for label, (train, seconds) in ways.items():
        runs = [seconds_and_accuracy(train, seconds, seed) for seed in range(min(repeats, STARTS))]
        reached = [accuracy for _, accuracy in runs]
        how = f"{label}: {min(reached):.1%} to {max(reached):.1%} right".replace("%", " %")
        yield Row("CIFAR-10, 5,000 pictures, 2 starts", how, statistics.median(taken for taken, _ in runs))
