"""Exercises are held both ways: the stub is not started, the reference passes, and each mistake gets its own hint."""

from dlutils import exercises
from dlutils.errors import CourseError
from dlutils.exercises import _core, progress
from dlutils.exercises._core import REGISTRY, Exercise

import importlib
import json
import pkgutil
import time

import numpy as np
import pytest

for _module in pkgutil.iter_modules(exercises.__path__):
    importlib.import_module(f"dlutils.exercises.{_module.name}")

ALL = list(REGISTRY.values())
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
    path = request.config.rootpath / exercise.chapter / f"{exercise.notebook}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert f"def {exercise.name}(" in code
    assert f"ex.{exercise.name}.check({exercise.name})" in code


def test_the_stubs_in_the_notebooks_are_not_started(request):
    checked = 0
    for exercise in ALL:
        path = request.config.rootpath / exercise.chapter / f"{exercise.notebook}.ipynb"
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

    made = Exercise(
        "01_foundations",
        "99_tests",
        "Return 2x.",
        lambda rng: [(rng.random(3),), (rng.random((2, 2)),)],
        double,
        time_limit=0.5,
    )
    made.mistake("that is the square")(lambda x: x**2)
    made.mistake("that is the half")(lambda x: x / 2)
    return made


def test_right_answer_is_remembered_once(double, capsys):
    double.check(lambda x: x + x)
    double.check(lambda x: x + x)
    assert capsys.readouterr().out.count("✓ double: right on 2 random inputs") == 2
    assert progress.solved() == ["01_foundations/99_tests/double"]


def test_wrong_answer_is_not_remembered(double, capsys):
    double.check(lambda x: x**2)
    assert capsys.readouterr().out == "✗ that is the square\n"
    assert progress.solved() == []


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
        (lambda x: 3 * x, "wrong", "the shape is right, the values are not"),
        (lambda x: 2 * x + np.nan, "wrong", "the values are not"),
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

    made = Exercise("01_foundations", "99_tests", "Return parts.", lambda rng: [(rng.random(3),)], parts)
    assert made.grade(parts).status == "right"
    assert "returned 2 values where 3" in made.grade(lambda x: (x.sum(), {"n": 3})).message
    assert "returned one float64 where 3" in made.grade(lambda x: x.sum()).message
    assert "values are not right" in made.grade(lambda x: (x.sum(), {"n": 3}, "other")).message
    assert "values are not right" in made.grade(lambda x: (x.sum(), {"m": 3}, "word")).message


def test_infinity_and_nan_are_no_wildcards(monkeypatch):
    monkeypatch.setattr(_core, "REGISTRY", {})

    def limits(x):
        return np.array([np.inf, 1.0])

    made = Exercise("01_foundations", "99_tests", "Return limits.", lambda rng: [(rng.random(3),)], limits)
    made.mistake("not a number")(lambda x: np.array([np.nan, 1.0]))
    assert made.grade(lambda x: np.array([np.inf, 1.0])).status == "right"
    assert made.grade(lambda x: np.array([5.0, 1.0])).status == "wrong"
    assert made.grade(lambda x: np.array([np.nan, 1.0])).message == "not a number"


def test_find_names_what_there_is():
    assert _core.find(ALL[0].full_name) is ALL[0]
    with pytest.raises(CourseError, match="no exercise 'x'.*01_foundations"):
        _core.find("x")


# --- progress --------------------------------------------------------------------------------------------------------


def test_progress_draws_the_journey(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))
    progress.progress()
    before = capsys.readouterr().out
    assert f"0 of {len(ALL)} exercises solved" in before and "01_foundations" in before and "●" not in before
    progress.remember(ALL[0].full_name)
    progress.progress()
    after = capsys.readouterr().out
    assert f"1 of {len(ALL)} exercises solved" in after and after.count("●") == 1


def test_progress_survives_a_broken_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))
    (tmp_path / "progress.json").write_text("{half")
    assert progress.solved() == []
    assert "cannot be read" in capsys.readouterr().out
    progress.remember("a/b/c")
    assert progress.solved() == ["a/b/c"]


def test_progress_without_a_folder_to_write_costs_a_note(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path / "file" / "below"))
    progress.remember("a/b/c")
    assert "solved, but not remembered" in capsys.readouterr().out


def test_progress_on_a_full_disk_leaves_no_partial_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLUTILS_HOME", str(tmp_path))

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress.json, "dump", full)
    progress.remember("a/b/c")
    assert "No space left on device" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_progress_goes_to_the_users_folder_by_default(monkeypatch):
    monkeypatch.delenv("DLUTILS_HOME", raising=False)
    assert progress._file().name == "progress.json" and "hands-on-deep-learning" in str(progress._file())
