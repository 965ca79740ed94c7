"""The journey: every exercise of the course, and which of them the reader has solved."""

from dlutils import exercises
from dlutils.exercises._core import REGISTRY
from dlutils.exercises._record import solved

import importlib
import pkgutil
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def load_all():
    """Import the exercises of every lesson, so that they stand in the registry."""
    for module in pkgutil.walk_packages(exercises.__path__, f"{exercises.__name__}."):
        importlib.import_module(module.name)


def lessons(root=ROOT):
    """{place: notebook}, such as "foundations/perceptron" to its path below `root`, in the order of the files."""
    found = sorted(path.relative_to(root) for path in root.glob("[0-9][0-9]_*/**/[0-9][0-9]_*.ipynb"))
    return {re.sub(r"(?<![^/])\d\d_", "", path.with_suffix("").as_posix()): path for path in found}


def progress():
    """Print the journey: for each notebook a mark per exercise, ● solved and ○ open, and the sums."""
    load_all()
    done = set(solved())
    places = {}
    for full_name, exercise in REGISTRY.items():
        places.setdefault(exercise.place, []).append(full_name in done)
    paths = {place: path for place, path in lessons().items() if place in places}
    shown = {"/".join(path.with_suffix("").parts[1:]) for path in paths.values()}
    width = max(map(len, shown), default=0)
    chapter_before = None
    for place, path in paths.items():
        chapter, *rest = path.with_suffix("").parts
        if chapter != chapter_before:
            print(chapter)
            chapter_before = chapter
        print(f"  {'/'.join(rest):<{width}} {''.join('●' if mark else '○' for mark in places[place])}")
    print(f"{len(done & set(REGISTRY))} of {len(REGISTRY)} exercises solved")
