"""Measure the course's time-to-result table: our code beside what a learner would otherwise use, in one run.

The code that is measured is the lessons' own: its definitions are read from the notebooks.

usage: benchmark.py [--repeats N] [--save]      (prints the table; --save also writes it into README.md)
"""

import dlutils

import argparse
import ast
import functools
import importlib.util
import linecache
import os
import platform
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import NamedTuple

import nbformat

import course

ROOT = Path(__file__).resolve().parents[2]
MARKS = ("<!-- benchmark:start -->", "<!-- benchmark:end -->")
HIDDEN, BATCH, LEARNING_RATE, TARGET, MOST_EPOCHS = 128, 32, 0.3, 0.95, 30
GARMENTS = {"epochs": 2, "batch": 128, "target": 0.90}  # all of Fashion-MNIST, on the schedule of notebook 2.2
CARTPOLE = {"steps": 98_304, "score": 475}  # score: mean over 100 episodes
TYPES = {"NamedTuple": NamedTuple}  # what the cells of notebook 4.5.3 import from typing


def definitions(notebook, **names):
    """A module with the functions, classes and attribute assignments (Tensor.exp = ...) of a notebook's cells."""
    module = types.ModuleType(Path(notebook).stem)
    vars(module).update(names)
    keep = []
    for cell in nbformat.read(ROOT / notebook, as_version=4).cells:
        if cell.cell_type == "code":
            for node in ast.parse(cell.source).body:
                targets = node.targets if isinstance(node, ast.Assign) else []
                targets = [t for target in targets for t in getattr(target, "elts", [target])]  # a, b = ...
                attributes = targets and all(  # of a name, as in Tensor.exp = ...; not of what a lesson has computed
                    isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) for target in targets
                )
                if attributes or isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    keep.append(node)
    source = ast.unparse(ast.Module(keep, []))
    linecache.cache[notebook] = (len(source), None, source.splitlines(keepends=True), notebook)  # tf.function reads it
    exec(compile(source, notebook, "exec"), vars(module))
    return module


def median_seconds(function, repeats, calls=1):
    """Median over repeats of the seconds of one call, after one call to warm up."""
    function()
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for _ in range(calls):
            function()
        taken.append((time.perf_counter() - begin) / calls)
    return statistics.median(taken)


def import_seconds(module, repeats):
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        for _ in range(repeats + 1)
    ]
    return statistics.median(float(run.stdout) for run in runs[1:])  # the first run fills the file cache


# --- the multilayer perceptron of 1.3, in five ways ------------------------------------------------------------------


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
    """Seconds of training, with a look at the test digits after each epoch, until TARGET of them are right."""
    X, y, X_test, y_test = data
    rng = np.random.default_rng(seed)
    model = make(start_weights(seed))
    begin = time.perf_counter()
    for _ in range(MOST_EPOCHS):
        if hasattr(model, "epoch"):
            model.epoch(X, y, rng)
        else:
            order = rng.permutation(len(X))
            for batch in np.split(order, range(BATCH, len(order), BATCH)):
                model.step(X[batch], y[batch])
        if (model.predict(X_test) == y_test).mean() >= TARGET:
            return time.perf_counter() - begin
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


# --- the convolution and the small network of 2.2 --------------------------------------------------------------------


@functools.cache
def lesson_2_2():
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
    lesson = lesson_2_2()

    def by_hand():
        Z, cache = lesson.conv_forward(X, W, b, padding=1)
        return [Z, *lesson.conv_backward(dZ, cache)]

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
    lesson = lesson_2_2()
    pictures, answers = torch.from_numpy(X).permute(0, 3, 1, 2), torch.from_numpy(y)
    begin = time.perf_counter()
    model = lesson.small_cnn(seed)
    lesson.train(model, pictures, answers, GARMENTS["epochs"], batch_size=GARMENTS["batch"], seed=seed)
    taken = time.perf_counter() - begin
    return taken, lesson.predict(model, torch.from_numpy(X_test).permute(0, 3, 1, 2)).numpy()


def garments_in_keras(X, y, X_test, seed):
    """The same in Keras; building and compiling count as training time."""
    lesson = lesson_2_2()
    keras.utils.set_random_seed(seed)
    begin = time.perf_counter()
    steps = GARMENTS["epochs"] * -(-len(X) // GARMENTS["batch"])
    model = lesson.compile_keras(lesson.small_cnn_keras(), steps)
    model.fit(X, y, batch_size=GARMENTS["batch"], epochs=GARMENTS["epochs"], verbose=0)
    taken = time.perf_counter() - begin
    return taken, model.predict(X_test, batch_size=500, verbose=0)


def seconds_to_garments(train, data, seed):
    """Seconds of training that brings the test accuracy to the target, which is checked once, at the end."""
    X, y, X_test, y_test = data
    taken, logits = train(X, y, X_test, seed)
    accuracy = float((logits.argmax(axis=1) == y_test).mean())
    if accuracy < GARMENTS["target"]:
        raise dlutils.CourseError(
            f"{train.__name__} with seed {seed} reached {100 * accuracy:.1f} %, not {100 * GARMENTS['target']:.0f} %"
        )
    return taken


def rows_of_2_2(repeats):
    for label, function in convolution_passes().items():
        yield "a convolution, 16 to 32 channels, forward and backward", label, median_seconds(function, repeats, 20)
    data = garments()
    if data is None:
        print("(all of Fashion-MNIST is not here: python data/build.py --full fashion_mnist)")
        return
    what = f"training to {100 * GARMENTS['target']:.0f} % on all of Fashion-MNIST's test garments"
    for label, train in (("PyTorch, the CNN of 2.2", garments_in_torch), ("Keras, the same", garments_in_keras)):
        yield what, label, statistics.median(seconds_to_garments(train, data, seed) for seed in range(repeats))


# --- the agents of 4.5.3 ---------------------------------------------------------------------------------------------


@functools.cache
def lesson_4_5_3():
    notebook = "04_projects/reinforcement_learning/03_policy_gradients_and_ppo.ipynb"
    return definitions(notebook, gym=gym, keras=keras, nn=nn, np=np, pd=pd, tf=tf, time=time, torch=torch, **TYPES)


def cartpole_in_torch(seed, steps):
    """Seconds of training of the lesson's PyTorch agent, and the agent."""
    agent = lesson_4_5_3().TorchAgent(seed=seed)
    return lesson_4_5_3().train(agent, seed=seed, total_steps=steps).attrs["seconds"], agent


def cartpole_in_keras(seed, steps):
    agent = lesson_4_5_3().KerasAgent(seed=seed)
    return lesson_4_5_3().train(agent, seed=seed, total_steps=steps).attrs["seconds"], agent


def cartpole_in_stable_baselines3(seed, steps):
    """The library with the settings that RL Baselines3 Zoo tuned for this task: 8 environments, 20 epochs, …"""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    begin = time.perf_counter()
    falling = {"learning_rate": lambda left: 1e-3 * left, "clip_range": lambda left: 0.2 * left}
    settings = {"n_steps": 32, "batch_size": 256, "n_epochs": 20, "gamma": 0.98, "gae_lambda": 0.8, **falling}
    envs = make_vec_env("CartPole-v1", n_envs=8, seed=seed)
    model = PPO("MlpPolicy", envs, seed=seed, device="cpu", **settings).learn(steps)
    taken = time.perf_counter() - begin

    def predict(observations):  # as the lesson's agents: log-probabilities (here of a sure choice), values
        actions, _ = model.predict(observations, deterministic=True)
        return np.log(np.eye(2)[actions] + 1e-9), None

    return taken, types.SimpleNamespace(predict=predict)


def seconds_to_cartpole(train, seed):
    """Seconds of training for CARTPOLE's steps, after which the agent must reach its score over 100 episodes."""
    taken, agent = train(seed, CARTPOLE["steps"])
    score = float(lesson_4_5_3().evaluate(agent).mean())
    if score < CARTPOLE["score"]:
        raise dlutils.CourseError(f"{train.__name__} with seed {seed} reached {score:.0f}, not {CARTPOLE['score']}")
    return taken


def rows_of_4_5_3(repeats):
    agents = {"PPO in PyTorch (4.5.3)": cartpole_in_torch, "the same in Keras": cartpole_in_keras}
    if importlib.util.find_spec("stable_baselines3"):
        agents["stable-baselines3, its tuned settings"] = cartpole_in_stable_baselines3
    else:
        print("(to compare with the library: pip install --no-deps stable-baselines3)")
    for label, train in agents.items():
        taken = statistics.median(seconds_to_cartpole(train, seed) for seed in range(repeats))
        yield f"CartPole to {CARTPOLE['score']} of 500, {CARTPOLE['steps']:,} steps", label, taken


def rows(repeats):
    """The table's rows: (what, how, seconds), as they are measured."""
    for module in ("dlutils", "torch", "tensorflow"):
        yield "import", f"`import {module}`", import_seconds(module, repeats)
    data = digits()
    for make in COMPETITORS:
        model = make(start_weights(0))
        step = median_seconds(lambda model=model: model.step(data[0][:BATCH], data[1][:BATCH]), repeats, calls=100)
        yield f"one training step, 784–{HIDDEN}–10, {BATCH} digits", make.label, step
    for make in COMPETITORS:
        taken = [seconds_to_target(make, data, seed) for seed in range(repeats)]
        yield f"training to {100 * TARGET:.0f} % on held-out digits", make.label, statistics.median(taken)
    yield from rows_of_2_2(repeats)
    yield from rows_of_4_5_3(repeats)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="how many repeats each median is taken of")
    parser.add_argument("--save", action="store_true", help="write the table into README.md as well")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error("--repeats needs a number from 1")
    head = f"Median of {options.repeats} on {os.cpu_count()} cores ({platform.machine()}), "
    head += f"Python {platform.python_version()}, NumPy {np.__version__}, "
    head += f"PyTorch {torch.__version__.split('+')[0]}, TensorFlow {tf.__version__}, Keras {keras.__version__}."
    table = [head, "", "| what | how | time |", "|---|---|---|"]
    print("\n".join(table))
    for what, how, seconds in rows(options.repeats):
        text = f"{seconds:.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.2f} ms"
        table.append(f"| {what} | {how} | {text} |")
        print(table[-1], flush=True)
    if options.save:
        readme = ROOT / "README.md"
        before, _, rest = readme.read_text(encoding="utf-8").partition(MARKS[0])
        _, end, after = rest.partition(MARKS[1])
        if not end:
            raise dlutils.CourseError(f"README.md lacks the lines {MARKS[0]} and {MARKS[1]}: they say where it goes")
        readme.write_text(before + "\n".join([MARKS[0], *table, MARKS[1]]) + after, encoding="utf-8")


if __name__ == "__main__":
    import gymnasium as gym
    import numpy as np
    import pandas as pd
    from sklearn.neural_network import MLPClassifier

    import torch
    from torch import nn

    import keras
    import tensorflow as tf

    course.main(main)
