"""How an exercise is checked: run the reader's function on random inputs, find the mistake, answer kindly."""

from dlutils.exercises._record import remember
from dlutils.proof import to_numpy

import contextlib
import copy
import ctypes
import dis
import inspect
import io
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import numpy as np

SINGLE = 1e-5  # relative; what is closer than this and yet not right has lost its digits to 32 bits
REGISTRY: dict[str, "Exercise"] = {}  # by full name, in the order of the course


class _OutOfTime(BaseException):
    """Raised inside the reader's function; a BaseException, so that its `except Exception` cannot swallow it."""


@dataclass(frozen=True)
class Wrong:
    """A mistake that people make: a function that makes it, and the hint for whoever did the same."""

    function: Callable
    hint: str


@dataclass(frozen=True)
class Result:
    """What a check found: status `not started`, `wrong` or `right`, and the words for the reader."""

    status: str
    message: str

    def __str__(self):
        return {"not started": "○ ", "wrong": "✗ ", "right": "✓ "}[self.status] + self.message


class Exercise:
    """One checked exercise; `exercise` makes it from the reference solution.

    Attributes:
        place: where its module lies, such as "foundations/perceptron": its notebook, without the numbers.
        name: the name of the function to write.
        full_name: both, such as "foundations/perceptron/margin"; what the reader's progress remembers.
        task: one sentence that says what it must return.
        reference: the reference solution; its source is what `solution()` shows.
        cases: given a NumPy generator, the arguments of each call (float64, smallest case first).
        wrong: plausible mistakes; a reader's answer that behaves like one of them gets its hint.
        tolerance: largest difference allowed, relative to the larger of 1 and the expected value.
        time_limit: seconds for all the calls together.
    """

    def __init__(self, task, cases, reference, *, tolerance=1e-8, time_limit=5.0):
        self.place = reference.__module__.removeprefix(f"{__package__}.").replace(".", "/")
        self.name = reference.__name__
        self.task, self.cases, self.reference = task, cases, reference
        self.tolerance, self.time_limit = tolerance, time_limit
        self.wrong: list[Wrong] = []
        self.full_name = f"{self.place}/{self.name}"
        REGISTRY[self.full_name] = self

    def __repr__(self):
        return f"Exercise {self.name} ({self.place}): {self.task}"

    def __call__(self, *arguments):
        """The reference solution's answer."""
        return self.reference(*arguments)

    def mistake(self, hint):
        """Decorator that adds a plausible wrong answer and the hint for whoever gave it."""

        def add(function):
            self.wrong.append(Wrong(function, hint))
            return function

        return add

    def check(self, function):
        """Check the reader's function; print ○ not started, ✗ with a hint, or ✓, and remember what is solved."""
        result = self.grade(function)
        print(result)
        if result.status == "right":
            remember(self.full_name)

    def solution(self):
        """Print the reference solution."""
        source = textwrap.dedent(inspect.getsource(self.reference)).rstrip()
        print(source[source.index("def ") :])  # without the decorator

    def grade(self, function):
        """What `check` prints, as a `Result`; raises nothing, whatever the function does."""
        if not callable(function):
            return Result("wrong", f"pass the function itself, .check({self.name}), not what it returns")
        if _is_stub(function):
            return Result("not started", f"{self.name}: not started. {self.task}")
        outcomes = []
        cases = [tuple(case) for case in self.cases(np.random.default_rng())]
        try:
            with _time_limit(self.time_limit) as run:
                for case in cases:
                    outcome = run(self._call, function, case)
                    if isinstance(outcome, Result):
                        return outcome
                    outcomes.append(outcome)
        except _OutOfTime:
            return Result("wrong", f"still running after {self.time_limit:g} s: does a loop never end?")
        return self._judge(cases, outcomes)

    def _call(self, function, case):
        arguments = copy.deepcopy(case)
        try:
            with np.errstate(all="ignore"):
                answer = function(*arguments)
                if inspect.iscoroutine(answer):
                    answer.close()  # else Python warns that nobody awaits it
                    return Result("wrong", "returned a coroutine: did you write async? A plain def gives the value")
                if isinstance(answer, (Iterator, AsyncIterator)):
                    late = f"returned a {type(answer).__name__}, which computes its values only when somebody asks"
                    return Result("wrong", f"{late}: did you write yield? Return the values, in an array or a list")
                answer = _snapshot(answer)
        except NotImplementedError:
            return Result("not started", f"{self.name}: not started. {self.task}")
        except Exception as error:  # whatever the reader's code raises is an answer to explain
            where = _line_of(error, function)
            return Result("wrong", f"raised {type(error).__name__}: {error}{where}\n  called with {_show(case)}")
        if not _equal(arguments, case, 0.0):
            return Result("wrong", "changes its input: work on a copy, for the caller still needs the original")
        if answer is None:
            return Result("wrong", "returned None: is a return statement missing?")
        return answer

    def _judge(self, cases, answers):
        expected = [self.reference(*copy.deepcopy(case)) for case in cases]
        bad = [i for i in range(len(cases)) if not _equal(answers[i], expected[i], self.tolerance)]
        masks = [(given, true) for given, true in zip(answers, expected, strict=True) if _is_mask(true)]
        if not bad and (numbers := [to_numpy(given) for given, _ in masks if not _is_mask(to_numpy(given))]):
            return Result(
                "wrong",
                f"the entries are right, but booleans are asked for, and yours are {numbers[0].dtype}: where a mask "
                "is used, True and 1 are not the same (a mask of numbers may be *added* to the scores)",
            )
        if not bad:
            return Result("right", f"{self.name}: right on {len(cases)} random inputs")
        with np.errstate(all="ignore"):
            mistakes = [[wrong.function(*copy.deepcopy(case)) for case in cases] for wrong in self.wrong]
        for tolerance in (self.tolerance, SINGLE):  # the second time for mistakes made in 32 bits
            for wrong, theirs in zip(self.wrong, mistakes, strict=True):
                if all(_equal(*pair, tolerance) for pair in zip(answers, theirs, strict=True)):
                    return Result("wrong", wrong.hint)
            if all(_equal(*pair, SINGLE) for pair in zip(answers, expected, strict=True)):
                return Result(
                    "wrong",
                    "right to five digits or more, but the inputs have sixteen: some step works in 32 bits. NumPy "
                    "keeps all 64; a new tensor needs dtype=torch.float64 (in Keras dtype='float64'), and no .float()",
                )
        first = bad[0]
        return Result(
            "wrong",
            f"{_difference(answers[first], expected[first], self.tolerance)}\n  called with {_show(cases[first])}"
            f"\n  expected {_show(expected[first])}\n  you gave {_show(answers[first])}",
        )


def exercise(task, cases, **options):
    """Decorator that turns a reference solution into an `Exercise` of its name and place (arguments as there)."""

    def make(reference):
        return Exercise(task, cases, reference, **options)

    return make


def _is_stub(function):
    """True for a function whose body does nothing but `...`, `pass` or a docstring."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    nothing = {"RESUME", "NOP", "CACHE", "COPY_FREE_VARS", "MAKE_CELL", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    steps = list(dis.get_instructions(code))
    loads_only_none = all(s.argval is None for s in steps if s.opname in ("LOAD_CONST", "RETURN_CONST"))
    return loads_only_none and all(s.opname in nothing for s in steps)


@contextlib.contextmanager
def _time_limit(seconds):
    """Give a `run(function, *args)` that stops the function with _OutOfTime after the seconds left.

    It runs in a thread of its own, into which the exception is raised, because signals do not exist on Windows and
    reach only the main thread. Code stuck inside one long call of a C library is abandoned rather than stopped.
    """
    box = {}
    left = [seconds]

    def run(function, *args):
        def target():
            try:
                box["value"] = function(*args)
            except _OutOfTime:
                box["late"] = True
            except BaseException as error:  # SystemExit and KeyboardInterrupt of the reader's code too
                box["error"] = error

        box.clear()
        thread = threading.Thread(target=target, daemon=True)
        with contextlib.redirect_stdout(io.StringIO()):  # what the reader's function prints is not the answer
            begin = time.monotonic()
            try:
                thread.start()
                thread.join(left[0])
            finally:  # the time is up, or the reader has pressed the stop button
                left[0] -= time.monotonic() - begin
                if thread.is_alive():
                    late = ctypes.py_object(_OutOfTime)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), late)
                    thread.join(1.0)
        if "error" in box:
            return Result("wrong", f"stopped with {type(box['error']).__name__}: a function should return, not exit")
        if "value" not in box:
            raise _OutOfTime
        return box["value"]

    yield run


def _line_of(error, function):
    """The line of the reader's own function where the exception passed."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is getattr(function, "__code__", None):
            lines.append(trace.tb_lineno - function.__code__.co_firstlineno + 1)
        trace = trace.tb_next
    return f" (line {lines[-1]} of your function)" if lines else ""


def _is_mask(value):
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype == bool


def _snapshot(answer):
    """The answer as it is now, for the function may go on using its arrays; tensors, in a graph or not, as arrays."""
    if isinstance(answer, dict):
        return {key: _snapshot(value) for key, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        values = [_snapshot(value) for value in answer]
        return values if isinstance(answer, list) else tuple(values)
    if isinstance(answer, np.ndarray) or hasattr(answer, "detach") or hasattr(answer, "numpy"):
        return to_numpy(answer).copy()
    return answer


def _equal(a, b, tolerance):
    """Whether two answers (numbers, arrays, tensors, strings, and tuples, lists and dicts of them) agree."""
    if isinstance(b, dict):
        return isinstance(a, dict) and a.keys() == b.keys() and all(_equal(a[k], b[k], tolerance) for k in b)
    if isinstance(b, (list, tuple)):
        if isinstance(a, np.ndarray) or not isinstance(a, (list, tuple)):
            a = list(a) if isinstance(a, np.ndarray) and a.ndim else a
        return (
            isinstance(a, (list, tuple))
            and len(a) == len(b)
            and all(_equal(*p, tolerance) for p in zip(a, b, strict=True))
        )
    if isinstance(b, (str, bytes)) or callable(b):
        return a is b or (isinstance(a, type(b)) and a == b)
    try:
        a, b = to_numpy(a), to_numpy(b)
        if a.shape != b.shape or a.dtype.kind not in "biuf":
            return False
        return not _wrong_places(a, b, tolerance).any()
    except (TypeError, ValueError):
        return False


def _wrong_places(a, b, tolerance):
    """Where two arrays of numbers, of one shape, differ by more than the tolerance."""
    if b.dtype.kind != "f":
        tolerance = min(tolerance, 1e-8)  # counts and labels are right or wrong
    a, b = a.astype(float), b.astype(float)
    with np.errstate(invalid="ignore"):  # inf - inf
        gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    scale = np.where(np.isfinite(b), np.maximum(1.0, np.abs(b)), 1.0)  # a tolerance relative to infinity would pass all
    return ~(gap <= tolerance * scale)  # not a number is wrong


def _difference(answer, expected, tolerance, path=""):
    said = f"value {path}: " if path else ""
    if isinstance(expected, (tuple, list, dict)):
        if isinstance(answer, np.ndarray) and answer.ndim:
            answer = list(answer)
        if not isinstance(answer, dict if isinstance(expected, dict) else (list, tuple)):
            return f"{said}returned one {type(answer).__name__} where {len(expected)} values are expected"
        if isinstance(expected, dict) and answer.keys() != expected.keys():
            return f"{said}the keys are {list(answer)}, they should be {list(expected)}"
        if len(answer) != len(expected):
            return f"{said}returned {len(answer)} values where {len(expected)} are expected"
        keys = expected if isinstance(expected, dict) else range(len(expected))
        key = next(key for key in keys if not _equal(answer[key], expected[key], tolerance))
        return _difference(answer[key], expected[key], tolerance, f"{path}[{key!r}]")
    try:
        a, b = to_numpy(answer), to_numpy(expected)
        if a.shape != b.shape:
            return f"{said}the shape is {a.shape}, it should be {b.shape}"
        index = tuple(map(int, np.argwhere(_wrong_places(a, b, tolerance))[0]))
        at = f"at {list(index)} " if index else ""
        right, given = (f"{v:.10g}" if isinstance(v, float) else repr(v) for v in (b[index].item(), a[index].item()))
        return f"{said}{at}it should be {right}, you gave {given}"
    except (TypeError, ValueError):
        return f"{said}not right"


def _show(value):
    if isinstance(value, tuple):
        return ", ".join(_show(v) for v in value)
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"array of shape {value.shape}"
    if isinstance(value, (np.ndarray, np.generic, float)):
        return np.array2string(np.asarray(value), precision=4, separator=", ").replace("\n", "")
    return textwrap.shorten(repr(value), 200)
