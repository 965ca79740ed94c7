"""The benchmark measures the lessons' own code: what it reads from the notebooks must work, and train."""

import dlutils

import importlib

import numpy as np
import pytest

import torch

import benchmark
import measure
from measure import Row


def comparison(name):
    """A fixture: this module of extras/benchmarks, imported when a test first asks for it."""
    return pytest.fixture(scope="module")(lambda: importlib.import_module(name))


mlp, cnn = comparison("mlp_and_backpropagation"), comparison("convolution_and_cnn")
ppo, dqn, gan = comparison("policy_gradients_and_ppo"), comparison("dqn"), comparison("gan")
gpt, mnist, cifar = comparison("gpt"), comparison("mnist_digits"), comparison("cifar10_cnn")


# --- what is measured ------------------------------------------------------------------------------------------------


def test_all_ways_take_the_same_steps_and_learn(mlp):
    X, y, X_test, y_test = mlp.digits()
    start = mlp.start_weights(0)
    models = [make(start) for make in (mlp.ByHand, mlp.OurAutograd, mlp.PyTorch, mlp.Keras)]
    for model in models:
        for i in range(0, 40 * mlp.BATCH, mlp.BATCH):
            model.step(X[i : i + mlp.BATCH], y[i : i + mlp.BATCH])
    by_hand, autograd = models[0].params, models[1].params
    dlutils.same(by_hand=list(by_hand.values()), autograd=[p.data for p in autograd], tolerance=1e-4)
    accuracies = [(model.predict(X_test) == y_test).mean() for model in models]
    assert min(accuracies) > 0.7 and np.ptp(accuracies) < 0.01
    assert measure.median_seconds(lambda: models[0].step(X[:32], y[:32]), repeats=3, calls=2) > 0


def test_what_never_learns_is_an_error_not_a_time(mlp, monkeypatch):
    monkeypatch.setattr(mlp, "MOST_EPOCHS", 1)
    monkeypatch.setattr(mlp, "TARGET", 1.01)
    with pytest.raises(dlutils.CourseError, match="did not reach 101 % in 1 epochs with seed 0"):
        mlp.seconds_to_target(mlp.ByHand, mlp.digits(), seed=0)


def test_convolution_in_all_ways_is_the_same(cnn):
    answers = {label: function() for label, function in cnn.convolution_passes("float64").items()}
    first, *others = answers.values()
    for other in others:
        dlutils.same(by_hand=first, framework=other)


@pytest.mark.parametrize("train", ["garments_in_torch", "garments_in_keras"])
def test_the_cnn_of_2_2_learns_in_both_frameworks(cnn, train, monkeypatch):
    monkeypatch.setitem(cnn.GARMENTS, "target", 0.75)
    monkeypatch.setitem(cnn.GARMENTS, "batch", 64)
    data = dlutils.load("fashion_mnist", full=False, quiet=True)
    X, X_test = ((x[..., None] / 255).astype(np.float32) for x in (data.x_train[:4000], data.x_test[:500]))
    data = X, data.y_train[:4000], X_test, data.y_test[:500]
    assert cnn.seconds_to_garments(getattr(cnn, train), data, seed=0) > 0
    monkeypatch.setitem(cnn.GARMENTS, "target", 1.01)
    with pytest.raises(dlutils.CourseError, match=rf"{train} with seed 0 reached 0\.\d+, not 1\.01"):
        cnn.seconds_to_garments(getattr(cnn, train), data, seed=0)


def test_without_the_full_garments_there_is_no_time(cnn, monkeypatch):
    monkeypatch.setenv("DLUTILS_OFFLINE", "1")
    assert cnn.garments() is None


@pytest.mark.parametrize("train", ["cartpole_in_torch", "cartpole_in_keras"])
def test_the_agents_of_4_5_3_learn_in_both_frameworks(ppo, train, monkeypatch):
    monkeypatch.setitem(ppo.CARTPOLE, "steps", 20_480)
    monkeypatch.setitem(ppo.CARTPOLE, "score", 60)  # three times that of random pushes
    assert ppo.seconds_to_cartpole(getattr(ppo, train), seed=0) > 0
    monkeypatch.setitem(ppo.CARTPOLE, "steps", 2048)
    monkeypatch.setitem(ppo.CARTPOLE, "score", 501)
    with pytest.raises(dlutils.CourseError, match=rf"{train} with seed 0 reached \d+, not 501"):
        ppo.seconds_to_cartpole(getattr(ppo, train), seed=0)


@pytest.mark.parametrize("train", ["in_torch", "in_keras"])
def test_the_learners_of_4_5_2_learn_in_both_frameworks(dqn, train, monkeypatch):
    monkeypatch.setitem(dqn.lesson().SOLVE, "steps", 800)
    monkeypatch.setitem(dqn.lesson().SOLVE, "exams", 4)
    monkeypatch.setattr(dqn, "SCORE", 60)  # three times that of random pushes
    assert dqn.seconds_to_cartpole(getattr(dqn, train), seed=0) > 0
    monkeypatch.setattr(dqn, "SCORE", 501)
    with pytest.raises(dlutils.CourseError, match=rf"{train} with seed 0 reached \d+, not 501"):
        dqn.seconds_to_cartpole(getattr(dqn, train), seed=0)


@pytest.mark.parametrize("train", ["in_torch", "in_keras", "pytorch_example", "keras_example"])
def test_the_readers_of_digits_read(mnist, train, monkeypatch):
    X, y, X_test, y_test = mnist.digits()
    monkeypatch.setattr(mnist, "digits", lambda: (X[:600], y[:600], X_test[:300], y_test[:300]))
    monkeypatch.setattr(mnist, "EPOCHS", {"lesson": 5, "pytorch": 2, "keras": 5})
    seconds, accuracy = mnist.seconds_and_accuracy(getattr(mnist, train), seed=0)
    assert seconds > 0 and accuracy > 0.25  # that of a reader that has learnt nothing is 0.1
    with pytest.raises(dlutils.CourseError, match=rf"{train} with seed 0 reached 0.\d+, not 1.01"):
        mnist.seconds_and_accuracy(getattr(mnist, train), seed=0, target=1.01)


@pytest.mark.parametrize("train", ["our_recipe", "pytorch_tutorial", "tensorflow_tutorial"])
def test_the_networks_for_cifar_learn_until_their_time_is_over(cifar, train):
    seconds, accuracy = cifar.seconds_and_accuracy(getattr(cifar, train), 4, seed=0)
    assert 1 < seconds < 60 and accuracy > 0.15  # that of a guess is 0.1


def test_the_model_of_2_8_writes_the_same_tokens_in_all_ways(gpt):
    written = {label: function(3).tolist() for label, function in gpt.ways(gpt.models(), gpt.prompt(8)).items()}
    assert len(written) == 3
    first, *others = written.values()
    assert len(first) == 3 and all(other == first for other in others)


def test_without_the_weights_of_smollm2_there_is_no_time(gpt, monkeypatch, capsys):
    monkeypatch.setattr(gpt, "find_spec", lambda name: None)
    assert list(gpt.rows(1)) == []
    assert "requirements-weights.txt" in capsys.readouterr().out


def test_three_generators_draw_for_one_judge(gan, monkeypatch):
    monkeypatch.setattr(gan, "DRAWN", 100)
    found = gan.runs(0, {"vae": 1, "gan": 5, "diffusion": 5})
    assert [label.split(" (")[0] for label in found] == [*2 * ["variational autoencoder"], "GAN", "diffusion"]
    assert all(seconds > 0 and np.isfinite(distance) for seconds, distance in found.values())
    real, noise = gan.digits()[0][:100], np.random.default_rng(0).uniform(-1, 1, (100, 1, 28, 28))
    assert gan.distance(real) < 100 < 500 < gan.distance(noise)  # the judge tells digits from noise


def test_import_times_are_measured_in_a_fresh_process():
    import imports

    assert 0 < imports.import_seconds("json", repeats=1) < 5


def test_a_busy_neighbour_is_there_while_it_is_measured_and_gone_after(monkeypatch):
    import busy_machine
    import psutil

    count = "import psutil; print(sum('while True' in ' '.join(p.info['cmdline'] or ()) "
    count += "for p in psutil.process_iter(['cmdline'])))"
    monkeypatch.setattr(busy_machine, "PROGRAM", count)
    before = busy_machine.seconds("default", 0, repeats=1)
    assert busy_machine.seconds("default", 2, repeats=1) == before + 2
    assert not [p for p in psutil.Process().children() if "while True" in " ".join(p.cmdline())]
    monkeypatch.setattr(busy_machine, "PROGRAM", "1 / 0")
    with pytest.raises(dlutils.CourseError, match="ZeroDivisionError"):
        busy_machine.seconds("course", 0, repeats=1)


# --- operations and the peak -----------------------------------------------------------------------------------------


def test_operations_are_those_counted_by_hand(mlp, cnn):
    n, m = 32, 128  # a product (n, k) × (k, m): 2 n k m; backward two of them, but none to the pixels
    by_hand = 2 * n * (784 * m * 2 + m * 10 * 3)
    assert mlp.step_operations() == by_hand
    convolution = 2 * 32 * 14 * 14 * (16 * 9) * 32  # pictures, places, inputs of one place, filters
    assert measure.operations(cnn.convolution_passes()["PyTorch"]) == 3 * convolution
    assert cnn.training_operations(2000) == pytest.approx(2 * cnn.training_operations(1000))


def test_the_peak_is_the_rate_of_a_product():
    peak = measure.peak_rate(1, size=256)
    a = torch.rand(256, 256)
    seconds = min(measure.median_seconds(lambda: a @ a, 1, calls=20) for _ in range(5))
    assert 0.05 < peak / (2 * 256**3 / seconds) < 20  # within a busy machine's swings


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_sets_times_in_relation():
    rows = [Row("a", "slow", 3.0, 6e9), Row("a", "fast", 0.02, 6e9), Row("b", "alone", 1.0)]
    lines = benchmark.table(rows, peak=3e11)
    assert lines[2:] == [
        "| a | slow | 3.00 s | 150.0 | 0.67 % |",
        "| a | fast | 20.00 ms | 1.0 | 100 % |",
        "| b | alone | 1.00 s |  |  |",
    ]


def test_a_comparison_is_found_by_its_lessons_name():
    assert benchmark.comparisons()[:3] == ["imports", "busy_machine", "mlp_and_backpropagation"]
    assert {path.stem for path in benchmark.FOLDER.glob("*.py")} == {*benchmark.comparisons(), "measure"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--repeats", "0"], "needs a number from 1"),
        (["--only", "nothing"], "invalid choice: 'nothing'"),
        (["--only", "imports", "--save"], "--save needs all comparisons"),
    ],
)
def test_bad_arguments_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        benchmark.main(arguments)
    assert message in capsys.readouterr().err


def test_the_readme_has_a_place_for_the_table(root, tmp_path):
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert [readme.count(mark) for mark in benchmark.MARKS] == [1, 1]
    copy = tmp_path / "README.md"
    copy.write_text(readme, encoding="utf-8")
    benchmark.save(["| new |"], copy)
    assert copy.read_text(encoding="utf-8").count("| new |") == 1
    copy.write_text("# nothing", encoding="utf-8")
    with pytest.raises(dlutils.CourseError, match="lacks the lines"):
        benchmark.save([], copy)
