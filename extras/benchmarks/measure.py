"""What every comparison needs: the lessons' own code, read from the notebooks, and honest times of it."""

import dlutils

import ast
import importlib.util
import linecache
import statistics
import time
import types
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np

import torch
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]


class Row(NamedTuple):
    """One line of the table. Rows with the same `what` are alternatives to one another.

    operations: additions and multiplications that the task takes, or None where it is no matter of arithmetic.
    """

    what: str
    how: str
    seconds: float
    operations: float | None = None


def definitions(notebook, constants=(), **names):
    """A module with the functions, classes and attribute assignments (Tensor.exp = ...) of a notebook's cells.

    constants: names of variables whose assignments are kept too, such as a table that a function reads.
    """
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
                wanted = targets and all(getattr(target, "id", None) in constants for target in targets)
                if attributes or wanted or isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    keep.append(node)
    source = ast.unparse(ast.Module(keep, []))
    linecache.cache[notebook] = (len(source), None, source.splitlines(keepends=True), notebook)  # tf.function reads it
    exec(compile(source, notebook, "exec"), vars(module))
    return module


def with_library(ways, label, way, package):
    """{label: function} of the ways to compare, and the library's way where that package is installed."""
    if importlib.util.find_spec(package):
        return {**ways, label: way}
    print(f"(to compare with the library: pip install --no-deps {package.replace('_', '-')})")
    return ways


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


def operations(function):
    """Additions and multiplications of the matrix products and convolutions in what `function` does in PyTorch."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def peak_rate(repeats, size=1024):
    """Additions and multiplications a second of this machine's best single-precision matrix product."""
    a, b = np.random.default_rng(0).random((2, size, size), dtype=np.float32)
    a, b = torch.from_numpy(a), torch.from_numpy(b)
    best = min(median_seconds(lambda: a @ b, 1, calls=5) for _ in range(max(repeats, 3)))
    return 2 * size**3 / best


def check_reached(label, seed, reached, target):
    """A run that does not reach its target has no time."""
    if reached < target:
        raise dlutils.CourseError(f"{label} with seed {seed} reached {reached:.3g}, not {target:.3g}")
