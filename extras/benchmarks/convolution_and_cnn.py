"""The convolution and the small network of 2.2 beside the frameworks."""

import dlutils

import functools
import statistics
import time

import numpy as np

import torch
from torch import nn

import keras
import tensorflow as tf

from measure import Row, check_reached, definitions, median_seconds, operations

GARMENTS = {"epochs": 2, "batch": 128, "target": 0.90}  # all of Fashion-MNIST, on the schedule of the lesson


@functools.cache
def lesson():
    notebook = "02_architectures/02_convolution_and_cnn.ipynb"
    return definitions(notebook, np=np, nn=nn, torch=torch, keras=keras, tf=tf)


def convolution_passes(dtype="float32"):
    """Ways to compute one convolution layer, forward and backward: label -> function that returns four NumPy arrays.

    32 pictures of 14 × 14 with 16 channels, to 32 channels, kernels of 3 × 3, padding 1; the output and the gradients
    of input, kernels and biases, in NCHW and OIHW.
    """
    rng = np.random.default_rng(0)
    shapes = ((32, 16, 14, 14), (32, 16, 3, 3), (32,), (32, 32, 14, 14))
    X, W, b, dZ = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    code = lesson()

    def by_hand():
        Z, cache = code.conv_forward(X, W, b, padding=1)
        return [Z, *code.conv_backward(dZ, cache)]

    inputs = [torch.tensor(array, requires_grad=True) for array in (X, W, b)]

    def in_torch():
        Z = nn.functional.conv2d(*inputs, padding=1)
        return [Z.detach().numpy(), *(g.numpy() for g in torch.autograd.grad(Z, inputs, torch.from_numpy(dZ)))]

    @tf.function
    def in_tensorflow(X, W, b, dZ):  # NHWC and HWIO
        with tf.GradientTape() as tape:
            tape.watch([X, W, b])
            Z = keras.ops.conv(X, W, padding="same") + b
        return [Z, *tape.gradient(Z, [X, W, b], output_gradients=dZ)]

    arrays = [tf.constant(a) for a in (X.transpose(0, 2, 3, 1), W.transpose(2, 3, 1, 0), b, dZ.transpose(0, 2, 3, 1))]

    def in_keras():
        Z, dX, dW, db = (tensor.numpy() for tensor in in_tensorflow(*arrays))
        return [Z.transpose(0, 3, 1, 2), dX.transpose(0, 3, 1, 2), dW.transpose(3, 2, 0, 1), db]

    return {"NumPy, im2col (2.2)": by_hand, "PyTorch": in_torch, "Keras, compiled": in_keras}


def garments():
    """All of Fashion-MNIST as float32 (n, 28, 28, 1) and labels; None where only the bundled sample is at hand."""
    data = dlutils.load("fashion_mnist", full=True, quiet=True)
    if len(data.x_train) < 60_000:
        return None
    X, X_test = ((x[..., None] / 255).astype(np.float32) for x in (data.x_train, data.x_test))
    return X, data.y_train, X_test, data.y_test


def garments_in_torch(X, y, X_test, seed):
    """Seconds of training of the CNN of 2.2, and its logits for the test garments."""
    code = lesson()
    pictures, answers = torch.from_numpy(X).permute(0, 3, 1, 2), torch.from_numpy(y)
    begin = time.perf_counter()
    model = code.small_cnn(seed)
    code.train(model, pictures, answers, GARMENTS["epochs"], batch_size=GARMENTS["batch"], seed=seed)
    taken = time.perf_counter() - begin
    return taken, code.predict(model, torch.from_numpy(X_test).permute(0, 3, 1, 2)).numpy()


def garments_in_keras(X, y, X_test, seed):
    """The same in Keras; building and compiling count as training time."""
    code = lesson()
    keras.utils.set_random_seed(seed)
    begin = time.perf_counter()
    steps = GARMENTS["epochs"] * -(-len(X) // GARMENTS["batch"])
    model = code.compile_keras(code.small_cnn_keras(), steps)
    model.fit(X, y, batch_size=GARMENTS["batch"], epochs=GARMENTS["epochs"], verbose=0)
    taken = time.perf_counter() - begin
    return taken, model.predict(X_test, batch_size=500, verbose=0)


def seconds_to_garments(train, data, seed):
    """Seconds of training that brings the test accuracy to the target, which is checked once, at the end."""
    X, y, X_test, y_test = data
    taken, logits = train(X, y, X_test, seed)
    check_reached(train.__name__, seed, float((logits.argmax(axis=1) == y_test).mean()), GARMENTS["target"])
    return taken


def training_operations(pictures):
    """Of training the network on so many pictures."""
    model, X = lesson().small_cnn(0), torch.zeros(GARMENTS["batch"], 1, 28, 28)
    y = torch.zeros(len(X), dtype=torch.long)
    return operations(lambda: nn.functional.cross_entropy(model(X), y).backward()) * pictures / len(X)


def rows(repeats):
    passes = convolution_passes()
    per_pass = operations(passes["PyTorch"])
    for label, function in passes.items():
        seconds = median_seconds(function, repeats, 20)
        yield Row("a convolution, 16 to 32 channels, forward and backward", label, seconds, per_pass)
    data = garments()
    if data is None:
        print("(all of Fashion-MNIST is not here: python data/build.py --full fashion_mnist)")
        return
    what = f"training to {100 * GARMENTS['target']:.0f} % on all of Fashion-MNIST's test garments"
    work = training_operations(GARMENTS["epochs"] * len(data[0]))
    for label, train in (("PyTorch, the CNN of 2.2", garments_in_torch), ("Keras, the same", garments_in_keras)):
        taken = statistics.median(seconds_to_garments(train, data, seed) for seed in range(repeats))
        yield Row(what, label, taken, work)
