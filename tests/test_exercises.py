"""Exercises are held both ways: the stub is not started, the reference passes, and each mistake gets its own hint."""

from dlutils.errors import CourseError
from dlutils.exercises import __main__ as journey
from dlutils.exercises import _core, _record, progress
from dlutils.exercises._core import REGISTRY, Exercise

import _thread
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

progress.load_all()
ALL = list(REGISTRY.values())
NOTEBOOKS = progress.lessons()
MISTAKES = [(exercise, wrong) for exercise in ALL for wrong in exercise.wrong]


def name_of(value):
    return getattr(value, "full_name", None) or value.hint[:30]


# --- every exercise of the course ------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", ALL, ids=name_of)
def test_reference_passes_and_stub_is_not_started(exercise):
    for _ in range(5):  # the inputs are random: five draws
        assert exercise.grade(exercise.reference).status == "right"
    assert exercise.grade(lambda *arguments: ...).status != "right"

    def stub(*arguments):
        """What it returns."""
        ...

    assert exercise.grade(stub).status == "not started"


@pytest.mark.parametrize("exercise", ALL, ids=name_of)
def test_two_mistakes_or_more_with_hints_of_their_own(exercise):
    hints = [wrong.hint for wrong in exercise.wrong]
    assert len(hints) >= 2
    assert len(set(hints)) == len(hints)
    assert exercise.task.endswith(".")


@pytest.mark.parametrize(("exercise", "wrong"), MISTAKES, ids=name_of)
def test_each_mistake_gets_its_own_hint(exercise, wrong):
    for _ in range(5):
        result = exercise.grade(wrong.function)
        assert (result.status, result.message) == ("wrong", wrong.hint)


@pytest.mark.parametrize("exercise", ALL, ids=name_of)
def test_each_case_is_fresh_and_floats_are_float64(exercise):
    cases = [list(exercise.cases(np.random.default_rng(seed))) for seed in (0, 1)]
    assert repr(cases[0]) != repr(cases[1])
    floats = [a for case in cases[0] for a in case if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    assert all(a.dtype == np.float64 for a in floats)


@pytest.mark.parametrize("exercise", ALL, ids=name_of)
def test_each_exercise_stands_in_its_notebook(exercise, request):
    path = request.config.rootpath / NOTEBOOKS[exercise.place]
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert f"def {exercise.name}(" in code
    assert f"ex.{exercise.name}.check({exercise.name})" in code


def test_the_stubs_in_the_notebooks_are_not_started(request):
    checked = 0
    for exercise in ALL:
        path = request.config.rootpath / NOTEBOOKS[exercise.place]
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if f"ex.{exercise.name}.check(" in "".join(cell["source"]):
                said = "".join(text for output in cell["outputs"] for text in output.get("text", []))
                assert said.startswith(f"○ {exercise.name}: not started"), (exercise.full_name, said)
                checked += 1
    assert checked == len(ALL)


# --- the checker -----------------------------------------------------------------------------------------------------


@pytest.fixture
def double(monkeypatch, tmp_path):
    """An exercise of the tests' own: twice the array. It leaves no trace in the registry or in the user's folder."""
    monkeypatch.setattr(_core, "REGISTRY", {})
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path / "home"))

    def double(x):
        return 2 * x

    made = Exercise("Return 2x.", lambda rng: [(rng.random(3),), (rng.random((2, 2)),)], double, time_limit=0.5)
    made.mistake("that is the square")(lambda x: x**2)
    made.mistake("that is the half")(lambda x: x / 2)
    return made


def test_right_answer_is_remembered_once(double, capsys):
    double.check(lambda x: x + x)
    double.check(lambda x: x + x)
    assert capsys.readouterr().out.count("✓ double: right on 2 random inputs") == 2
    assert _record.solved() == [double.full_name]


def test_wrong_answer_is_not_remembered(double, capsys):
    double.check(lambda x: x**2)
    assert capsys.readouterr().out == "✗ that is the square\n"
    assert _record.solved() == []


def _mutates(x):
    x *= 2
    return x


def _prints(x):
    print("noise")
    return 2 * x


def _exits(x):
    raise SystemExit(3)


def _swallows(x):
    while True:
        try:
            while True:
                pass
        except Exception:
            continue


@pytest.mark.parametrize(
    ("function", "status", "words"),
    [
        (lambda x: 1 / 0, "wrong", "raised ZeroDivisionError: division by zero (line 1 of your function)"),
        (lambda x: [x][1], "wrong", "IndexError"),
        (lambda x, y: x, "wrong", "TypeError"),
        (lambda x: print(x), "wrong", "returned None"),
        (_mutates, "wrong", "changes its input"),
        (_prints, "right", "right on 2"),
        (_exits, "wrong", "SystemExit"),
        (_swallows, "wrong", "still running after 0.5 s"),
        (lambda x: x.sum(), "wrong", "the shape is (), it should be (3,)"),
        (lambda x: 3 * x, "wrong", "] it should be "),
        (lambda x: 2 * x + np.nan, "wrong", ", you gave nan"),
        (lambda x: "twice", "wrong", "the shape is (), it should be (3,)"),
        (lambda x: object(), "wrong", "called with"),
        (lambda x: list(2 * x), "right", "right on 2"),
    ],
)
def test_the_check_survives_and_explains(double, function, status, words, capsys):
    started = time.monotonic()
    result = double.grade(function)
    assert (result.status, words in result.message) == (status, True), result
    assert "noise" not in capsys.readouterr().out
    assert time.monotonic() - started < 5


async def _awaits(x):
    return 2 * x


def _yields(x):
    yield 2 * x


async def _yields_later(x):
    yield 2 * x


@pytest.mark.parametrize(
    ("function", "kind", "word"),
    [
        (_awaits, "coroutine", "async"),
        (_yields, "generator", "yield"),
        (_yields_later, "async_generator", "yield"),
        (lambda x: map(lambda value: 2 * value, x), "map", "values"),
    ],
)
def test_what_is_computed_later_is_named(double, function, kind, word, recwarn):
    message = double.grade(function).message
    assert message.startswith(f"returned a {kind}") and word in message, message
    assert not recwarn.list  # such as "coroutine was never awaited"


def test_tensors_are_answers_in_a_graph_or_not(monkeypatch):
    monkeypatch.setattr(_core, "REGISTRY", {})
    import torch

    def loss_and_gradient(x):
        return (x**2).sum(), {"gradient": 2 * x}

    made = Exercise("Return both.", lambda rng: [(rng.random(3),), (rng.random(4),)], loss_and_gradient)
    made.mistake("twice")(lambda x: (2 * (x**2).sum(), {"gradient": 2 * x}))

    def undetached(x, factor=1):
        z = torch.tensor(x, requires_grad=True)
        loss = (z**2).sum()
        (gradient,) = torch.autograd.grad(loss, z, create_graph=True)
        return factor * loss, {"gradient": gradient}

    assert made.grade(undetached) == _core.Result("right", "loss_and_gradient: right on 2 random inputs")
    assert made.grade(lambda x: undetached(x, 2)).message == "twice"
    assert "value [0]: it should be" in made.grade(lambda x: undetached(x, 3)).message
    bfloat = made.grade(lambda x: torch.tensor(x, dtype=torch.bfloat16))
    assert "raised TypeError" in bfloat.message and "called with" in bfloat.message


def test_an_answer_that_the_function_goes_on_using_is_kept_as_it_was(double):
    buffers = {}

    def reuses(x):
        buffer = buffers.setdefault("b", np.empty(4))[: x.size].reshape(x.shape)
        buffer[...] = 2 * x
        return buffer

    assert double.grade(reuses).status == "right"


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 2 * x.astype(np.float32),
        lambda x: (2 * x.astype(np.float32)).astype(float),  # the digits are lost, whatever the type says
        lambda x: [np.float32(2) * row for row in np.float32(x)],
    ],
)
def test_single_precision_is_recognised(double, function):
    message = double.grade(function).message
    assert "32 bits" in message and "dtype" in message, message


def test_a_mistake_in_single_precision_gets_its_hint(double):
    assert double.grade(lambda x: np.float32(x) ** 2).message == "that is the square"


def test_a_wrong_count_is_not_taken_for_single_precision(monkeypatch):
    monkeypatch.setattr(_core, "REGISTRY", {})

    def count(n):
        return n

    made = Exercise("Return n.", lambda rng: [(int(rng.integers(10**6, 10**7)),)], count)
    assert "it should be" in made.grade(lambda n: n + 1).message


def test_an_interrupted_check_stops_the_function(double, capsys, monkeypatch):
    before = set(threading.enumerate())
    monkeypatch.setattr(double, "time_limit", 60)  # on a busy machine the time must not run out before the button

    def endless(x):
        _thread.interrupt_main()  # as the stop button does
        while True:
            print("noise")

    old = signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs without one
    try:
        with pytest.raises(KeyboardInterrupt):
            double.grade(endless)
    finally:
        signal.signal(signal.SIGINT, old)
    assert set(threading.enumerate()) <= before
    assert "noise" not in capsys.readouterr().out


def test_the_first_wrong_place_is_named_with_both_values(monkeypatch):
    monkeypatch.setattr(_core, "REGISTRY", {})

    def large(x):
        return x

    made = Exercise("Return x.", lambda rng: [(np.arange(40.0).reshape(5, 8),)], large)

    def one_off(x, i=2, j=3, value=0.5):
        answer = x.copy()
        answer[i, j:] = value
        return answer

    assert "at [2, 3] it should be 19, you gave 0.5" in made.grade(one_off).message
    assert "at [0, 0] it should be 0, you gave nan" in made.grade(lambda x: one_off(x, 0, 0, np.nan)).message
    mask = Exercise("Return x > 3.", lambda rng: [(np.arange(40.0),)], lambda x: x > 3)
    assert "at [3] it should be False, you gave True" in mask.grade(lambda x: x > 2).message
    wrapped = Exercise("Return (1, [x]).", lambda rng: [(np.arange(40.0),)], lambda x: (1, [x, {"a": x}]))
    message = wrapped.grade(lambda x: (1, [x, {"a": x + (x > 6)}])).message
    assert "value [1][1]['a']: at [7] it should be 7, you gave 8" in message, message
    assert "keys are ['b'], they should be ['a']" in wrapped.grade(lambda x: (1, [x, {"b": x}])).message
    assert "value [1]: returned one dict where 2" in wrapped.grade(lambda x: (1, {0: x, 1: x})).message
    assert "value [1]: returned 1 values where 2" in wrapped.grade(lambda x: (1, [x])).message


def test_not_a_function(double):
    assert "pass the function itself" in double.grade(np.ones(3)).message


def test_a_stub_that_raises_is_not_started(double):
    def stub(x):
        raise NotImplementedError

    assert double.grade(stub).status == "not started"
    assert str(double.grade(stub)).startswith("○ double: not started. Return 2x.")


def test_solution_is_shown_without_the_decorator(capsys):
    exercise = ALL[0]
    exercise.solution()
    assert capsys.readouterr().out.startswith(f"def {exercise.name}(")


def test_tuples_dicts_and_strings_are_compared(monkeypatch):
    monkeypatch.setattr(_core, "REGISTRY", {})

    def parts(x):
        return x.sum(), {"n": len(x)}, "word"

    made = Exercise("Return parts.", lambda rng: [(rng.random(3),)], parts)
    assert made.grade(parts).status == "right"
    assert "returned 2 values where 3" in made.grade(lambda x: (x.sum(), {"n": 3})).message
    assert "returned one float64 where 3" in made.grade(lambda x: x.sum()).message
    assert "value [2]: not right" in made.grade(lambda x: (x.sum(), {"n": 3}, "other")).message
    assert "value [1]: the keys are ['m'], they should be ['n']" in made.grade(lambda x: (x.sum(), {"m": 3}, 0)).message


def test_infinity_and_nan_are_no_wildcards(monkeypatch):
    monkeypatch.setattr(_core, "REGISTRY", {})

    def limits(x):
        return np.array([np.inf, 1.0])

    made = Exercise("Return limits.", lambda rng: [(rng.random(3),)], limits)
    made.mistake("not a number")(lambda x: np.array([np.nan, 1.0]))
    assert made.grade(lambda x: np.array([np.inf, 1.0])).status == "right"
    assert made.grade(lambda x: np.array([5.0, 1.0])).status == "wrong"
    assert made.grade(lambda x: np.array([np.nan, 1.0])).message == "not a number"


# --- progress --------------------------------------------------------------------------------------------------------


def test_progress_draws_the_journey(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))
    progress.progress()
    before = capsys.readouterr().out
    assert f"0 of {len(ALL)} exercises solved" in before and "01_foundations" in before and "●" not in before
    _record.remember(ALL[0].full_name)
    progress.progress()
    after = capsys.readouterr().out
    assert f"1 of {len(ALL)} exercises solved" in after and after.count("●") == 1


def test_older_records_with_numbers_stay_valid(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))
    old = ["01_foundations/02_perceptron/margin", "04_projects/nlp/01_sentiment_analysis/mcnemar"]
    (tmp_path / "progress.json").write_text(json.dumps({"solved": old}))
    new = ["foundations/perceptron/margin", "projects/nlp/sentiment_analysis/mcnemar"]
    assert _record.solved() == new and set(new) <= set(REGISTRY)
    progress.progress()
    assert f"2 of {len(ALL)} exercises solved" in capsys.readouterr().out
    _record.remember(new[0])  # no second entry
    _record.remember("a/b/c")
    assert _record.solved() == [*new, "a/b/c"]


def test_progress_survives_a_broken_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))
    (tmp_path / "progress.json").write_text("{half")
    assert _record.solved() == []
    assert "cannot be read" in capsys.readouterr().out
    _record.remember("a/b/c")
    assert _record.solved() == ["a/b/c"]


def test_progress_without_a_folder_to_write_costs_a_note(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path / "file" / "below"))
    _record.remember("a/b/c")
    assert "solved, but not remembered" in capsys.readouterr().out


def test_progress_on_a_full_disk_leaves_no_partial_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_record.json, "dump", full)
    _record.remember("a/b/c")
    assert "No space left on device" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] in ([], [".progress.lock"])


def test_progress_goes_to_the_users_folder_by_default(monkeypatch):
    monkeypatch.delenv("DLUTILS_HOME", raising=False)
    assert _record._file().name == "progress.json" and "hands-on-deep-learning" in str(_record._file())


def test_two_kernels_that_solve_at_the_same_time_lose_nothing(tmp_path):
    code = "import sys\nfrom dlutils.exercises._record import remember\nsys.stdin.read(1)\n"
    code += "for k in range(60): remember(f'a/b/{sys.argv[1]}{k}')"
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", code, name],
            stdin=subprocess.PIPE,
            env=os.environ | {"DLUTILS_HOME": str(tmp_path)},
        )
        for name in "xyz"
    ]
    for kernel in kernels:
        kernel.stdin.write(b".")
        kernel.stdin.flush()
    for kernel in kernels:
        kernel.communicate(timeout=120)
    names = json.loads((tmp_path / "progress.json").read_text())["solved"]
    assert sorted(names) == sorted(f"a/b/{name}{k}" for name in "xyz" for k in range(60))


def test_a_record_is_taken_to_another_machine(monkeypatch, tmp_path, capsys):
    first, second, third = (exercise.full_name for exercise in ALL[:3])
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path / "here"))
    _record.remember(first)
    _record.remember(second)
    progress.progress(export_to=tmp_path / "mine.json")
    assert "2 solved exercises written to" in capsys.readouterr().out
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path / "there"))
    _record.remember(third)
    _record.remember(first)
    journey.main(["--import", str(tmp_path / "mine.json")])
    assert "1 solved exercises added" in capsys.readouterr().out
    assert _record.solved() == [third, first, second]
    journey.main(["--export", str(tmp_path / "mine.json")])  # adds to what is there
    assert json.loads((tmp_path / "mine.json").read_text())["solved"] == [first, second, third]


@pytest.mark.parametrize("content", ["{half", "[1, 2]", '{"solved": "all"}', '{"other": []}'])
def test_a_file_that_is_no_record_is_refused_and_left_alone(monkeypatch, tmp_path, content):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path / "home"))
    _record.remember("a/b/c")
    file = tmp_path / "file.json"
    file.write_text(content)
    for wrong in ({"import_from": file}, {"export_to": file}):
        with pytest.raises(CourseError, match=r"file\.json is no record of this course"):
            progress.progress(**wrong)
    assert file.read_text() == content and _record.solved() == ["a/b/c"]


def test_a_record_that_is_missing_or_cannot_be_written_is_told_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))
    with pytest.raises(SystemExit, match=r"there is no file .*nix\.json"):
        journey.main(["--import", str(tmp_path / "nix.json")])
    with pytest.raises(SystemExit, match="cannot be written"):
        journey.main(["--export", str(tmp_path / "no folder" / "mine.json")])
    with pytest.raises(SystemExit, match="is no record"):
        journey.main(["--import", str(tmp_path)])


def _course(root, **lessons):
    """A course of notebooks with titles "# 1.N name" and what each needs."""
    (root / "01_x").mkdir()
    for k, (name, before) in enumerate(lessons.items()):
        links = ", ".join(f"[{need}]({need}.ipynb)" for need in before)
        title = f"# 1.{k + 1} {name}\n\nAfter it …\n\n| needs | time |\n|---|---|\n| {links} | 1 s |"
        text = json.dumps({"cells": [{"source": title.splitlines(keepends=True)}]})
        (root / "01_x" / f"{name}.ipynb").write_text(text)
    return {name: Path("01_x") / f"{name}.ipynb" for name in lessons}


def test_the_next_lesson_is_one_that_was_begun_or_whose_needs_are_done(tmp_path):
    a, b, c = _course(tmp_path, a=[], b=["a"], c=["b", "a"]).values()
    assert progress.needs(c, tmp_path) == [b, a] and progress.needs(a, tmp_path) == []
    for done, chosen, why in (
        (([0, 0], [0], [0]), a, "needs nothing"),
        (([1, 1], [0], [0]), b, "done all"),
        (([0, 0], [0], [1, 0]), c, "go on with it, 1 of 2"),
        (([1, 0], [0], [1, 0]), a, "go on"),
        (([1, 1], [1], [0]), c, "done all"),
    ):
        found, said = progress.next_lesson(dict(zip((a, b, c), done, strict=True)), tmp_path)
        assert (found, why in said) == (chosen, True)
    assert progress.next_lesson({a: [1], b: [1], c: [1]}, tmp_path) is None


def test_a_notebook_of_the_readers_own_does_not_disturb_the_journey(tmp_path):
    places = _course(tmp_path, **{"02_b": [], "01_a": []})
    for name, content in {"03_c": "{half", "04_d": '{"cells": []}', "05_e": '{"cells": [{"source": "x"}]}'}.items():
        (tmp_path / "01_x" / f"{name}.ipynb").write_text(content)
    assert list(progress.lessons(tmp_path))[:2] == ["x/b", "x/a"]  # by their numbers, 1.1 and 1.2
    assert set(progress.lessons(tmp_path).values()) > set(places.values())


def test_the_journey_follows_the_numbers_and_ends_with_the_next_lesson(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))
    progress.progress()
    said = capsys.readouterr().out
    assert said.index("mnist_digits") < said.index("sentiment_analysis") < said.index("autoencoder_anomalies")
    assert "next: 1.1 " in said.splitlines()[-1]
    for exercise in ALL:
        _record.remember(exercise.full_name)
    progress.progress()
    assert "every exercise of the course is solved" in capsys.readouterr().out
