"""The benchmark measures the lessons' own code: what it reads from the notebooks must work, and train."""

import dlutils

import numpy as np
import pytest

import benchmark


@pytest.fixture(scope="module")
def names():
    """The modules that benchmark.py imports when it is run as a script."""
    import gymnasium as gym
    import pandas as pd

    import torch

    import keras
    import tensorflow as tf

    vars(benchmark).update(gym=gym, np=np, pd=pd, torch=torch, nn=torch.nn, keras=keras, tf=tf)


def test_all_ways_take_the_same_steps_and_learn(names):
    X, y, X_test, y_test = benchmark.digits()
    start = benchmark.start_weights(0)
    models = [make(start) for make in (benchmark.ByHand, benchmark.OurAutograd, benchmark.PyTorch, benchmark.Keras)]
    for model in models:
        for i in range(0, 40 * benchmark.BATCH, benchmark.BATCH):
            model.step(X[i : i + benchmark.BATCH], y[i : i + benchmark.BATCH])
    by_hand, autograd = models[0].params, models[1].params
    dlutils.same(by_hand=list(by_hand.values()), autograd=[p.data for p in autograd], tolerance=1e-4)
    accuracies = [(model.predict(X_test) == y_test).mean() for model in models]
    assert min(accuracies) > 0.7 and np.ptp(accuracies) < 0.01
    assert benchmark.median_seconds(lambda: models[0].step(X[:32], y[:32]), repeats=3, calls=2) > 0


def test_what_never_learns_is_an_error_not_a_time(names, monkeypatch):
    monkeypatch.setattr(benchmark, "MOST_EPOCHS", 1)
    monkeypatch.setattr(benchmark, "TARGET", 1.01)
    with pytest.raises(dlutils.CourseError, match="did not reach 101 % in 1 epochs with seed 0"):
        benchmark.seconds_to_target(benchmark.ByHand, benchmark.digits(), seed=0)


def test_convolution_in_all_ways_is_the_same(names):
    answers = {label: function() for label, function in benchmark.convolution_passes("float64").items()}
    first, *others = answers.values()
    for other in others:
        dlutils.same(by_hand=first, framework=other)


@pytest.mark.parametrize("train", ["garments_in_torch", "garments_in_keras"])
def test_the_cnn_of_2_2_learns_in_both_frameworks(names, train, monkeypatch):
    monkeypatch.setitem(benchmark.GARMENTS, "target", 0.75)
    monkeypatch.setitem(benchmark.GARMENTS, "batch", 64)
    data = dlutils.load("fashion_mnist", full=False, quiet=True)
    X, X_test = ((x[..., None] / 255).astype(np.float32) for x in (data.x_train[:4000], data.x_test[:500]))
    data = X, data.y_train[:4000], X_test, data.y_test[:500]
    assert benchmark.seconds_to_garments(getattr(benchmark, train), data, seed=0) > 0
    monkeypatch.setitem(benchmark.GARMENTS, "target", 1.01)
    with pytest.raises(dlutils.CourseError, match=rf"{train} with seed 0 reached [\d.]+ %, not 101 %"):
        benchmark.seconds_to_garments(getattr(benchmark, train), data, seed=0)


def test_without_the_full_garments_there_is_no_time(monkeypatch):
    monkeypatch.setenv("DLUTILS_OFFLINE", "1")
    assert benchmark.garments() is None


@pytest.mark.parametrize("train", ["cartpole_in_torch", "cartpole_in_keras"])
def test_the_agents_of_4_5_3_learn_in_both_frameworks(names, train, monkeypatch):
    monkeypatch.setitem(benchmark.CARTPOLE, "steps", 20_480)
    monkeypatch.setitem(benchmark.CARTPOLE, "score", 60)  # three times that of random pushes
    assert benchmark.seconds_to_cartpole(getattr(benchmark, train), seed=0) > 0
    monkeypatch.setitem(benchmark.CARTPOLE, "steps", 2048)
    monkeypatch.setitem(benchmark.CARTPOLE, "score", 501)
    with pytest.raises(dlutils.CourseError, match=rf"{train} with seed 0 reached \d+, not 501"):
        benchmark.seconds_to_cartpole(getattr(benchmark, train), seed=0)


def test_import_times_are_measured_in_a_fresh_process():
    assert 0 < benchmark.import_seconds("json", repeats=1) < 5


def test_bad_arguments_are_refused(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(["--repeats", "0"])
    assert "needs a number from 1" in capsys.readouterr().err


def test_the_readme_has_a_place_for_the_table(root):
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert [readme.count(mark) for mark in benchmark.MARKS] == [1, 1]
