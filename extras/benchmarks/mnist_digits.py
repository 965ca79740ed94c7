"""The digit reader of 4.1.1 beside the frameworks' own example networks, on the same 8,000 digits."""

import dlutils

import functools
import math
import statistics
import time

import anywidget
import numpy as np
from traitlets import Unicode

import torch
import torch.nn.functional as F
from torch import nn

import keras
import tensorflow as tf

from measure import Row, check_reached, definitions

TARGET = 0.99  # of the 2,000 held-out digits; demanded of the lesson's readers only
EPOCHS = {"lesson": 12, "pytorch": 14, "keras": 15}  # the lesson's, and the examples' own


@functools.cache
def lesson():
    notebook = "04_projects/computer_vision/01_mnist_digits.ipynb"
    names = {"dlutils": dlutils, "np": np, "math": math, "nn": nn, "F": F, "torch": torch, "keras": keras, "tf": tf}
    names |= {"anywidget": anywidget, "Unicode": Unicode}  # of the pad to draw on
    return definitions(notebook, ("MILD", "SMALL_EPOCHS", "PAD"), **names)


@functools.cache
def digits():
    """Bundled digits from 0 to 1: float32 (n, 1, 28, 28) and labels int64, for training and for testing."""
    data = dlutils.load("mnist", full=False, quiet=True)
    X, X_test = (torch.from_numpy((x / 255).astype(np.float32)[:, None]) for x in (data.x_train, data.x_test))
    return X, data.y_train.astype(int), X_test, data.y_test.astype(int)


def in_torch(seed):
    """Seconds of training, and class probabilities (n, 10) of the held-out digits, for the lesson's PyTorch reader."""
    code, (X, y, X_test, _) = lesson(), digits()
    begin = time.perf_counter()
    torch.manual_seed(seed)
    model = code.train(code.network(), X, torch.from_numpy(y), EPOCHS["lesson"], kind=code.MILD, seed=seed)
    taken = time.perf_counter() - begin
    return taken, code.five_looks(lambda images: code.probabilities(model, images), X_test)


def in_keras(seed):
    """The same in Keras; building and compiling count as training time."""
    code, (X, y, X_test, _) = lesson(), digits()
    begin = time.perf_counter()
    keras.utils.set_random_seed(seed)
    batches = code.Changed(X, y, code.MILD, seed=seed)
    model = code.train_keras(code.network_keras(), batches, EPOCHS["lesson"])
    taken = time.perf_counter() - begin
    return taken, code.five_looks(lambda images: code.probabilities_keras(model, images), X_test)


def pytorch_example(seed):
    """The network and settings of examples/mnist in pytorch/examples: Adadelta, dropout, batches of 64."""
    X, y, X_test, _ = digits()
    X, X_test, y = (X - 0.1307) / 0.3081, (X_test - 0.1307) / 0.3081, torch.from_numpy(y)
    begin = time.perf_counter()
    torch.manual_seed(seed)
    convolutions = (nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25))
    linear = (nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    model = nn.Sequential(*convolutions, *linear)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    for _ in range(EPOCHS["pytorch"]):
        for batch in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(X[batch]), y[batch]).backward()
            optimizer.step()
        schedule.step()
    taken = time.perf_counter() - begin
    with torch.no_grad():
        return taken, model.eval()(X_test).softmax(dim=1).numpy()


def keras_example(seed):
    """The network and settings of mnist_convnet in Keras's examples, with all digits for training."""
    X, y, X_test, _ = digits()
    X, X_test = X.permute(0, 2, 3, 1).numpy(), X_test.permute(0, 2, 3, 1).numpy()
    begin = time.perf_counter()
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((28, 28, 1))]
    for channels in (32, 64):
        layers += [keras.layers.Conv2D(channels, 3, activation="relu"), keras.layers.MaxPooling2D(2)]
    layers += [keras.layers.Flatten(), keras.layers.Dropout(0.5), keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, y, batch_size=128, epochs=EPOCHS["keras"], verbose=0)
    taken = time.perf_counter() - begin
    return taken, model.predict(X_test, batch_size=500, verbose=0)


def seconds_and_accuracy(train, seed, target=0.0):
    """Seconds of training, and the share of the held-out digits that are read; below `target` there is no time."""
    taken, p = train(seed)
    accuracy = float((p.argmax(axis=1) == digits()[3]).mean())
    check_reached(train.__name__, seed, accuracy, target)
    return taken, accuracy


def rows(repeats):
    ways = {"the reader of 4.1.1 in PyTorch": (in_torch, TARGET), "the same in Keras": (in_keras, TARGET)}
    ways |= {"PyTorch's own MNIST example": (pytorch_example, 0.0), "Keras's own MNIST example": (keras_example, 0.0)}
    for label, (train, target) in ways.items():
        runs = [seconds_and_accuracy(train, seed, target) for seed in range(repeats)]
        accuracies = [accuracy for _, accuracy in runs]
        reached = f"{label}: {min(accuracies):.1%} to {max(accuracies):.1%}".replace("%", " %")
        yield Row("8,000 MNIST digits, a whole training", reached, statistics.median(taken for taken, _ in runs))
