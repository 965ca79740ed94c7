"""The journey: every exercise of the course, which of them the reader has solved, and which lesson comes next.

python -m dlutils.exercises.progress [--export FILE] [--import FILE]
"""

from dlutils import exercises
from dlutils.exercises._core import REGISTRY
from dlutils.exercises._record import save_to, solved, take_from

import importlib
import json
import pkgutil
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def load_all():
    """Import the exercises of every lesson, so that they stand in the registry."""
    for module in pkgutil.walk_packages(exercises.__path__, f"{exercises.__name__}."):
        importlib.import_module(module.name)


def lessons(root=ROOT):
    """{place: notebook}, such as "foundations/perceptron" to its path below `root`, in the order of their numbers."""

    def number(path):
        found = re.match(r"# (\d+(?:\.\d+)*) ", title_cell(root / path))
        return [int(digits) for digits in found[1].split(".")] if found else [99]  # a notebook of the reader's own

    found = sorted((path.relative_to(root) for path in root.glob("[0-9][0-9]_*/**/[0-9][0-9]_*.ipynb")), key=number)
    return {re.sub(r"(?<![^/])\d\d_", "", path.with_suffix("").as_posix()): path for path in found}


def title_cell(path):
    """The text of a notebook's first cell (title, what it teaches, table of what it needs); "" if it has none."""
    try:
        return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    except (OSError, ValueError, LookupError, TypeError):  # not one of the course's, or just being saved
        return ""


def needs(path, root=ROOT):
    """The notebooks, below `root`, that the one at `path` needs, from the table in its first cell."""
    row = re.search(r"^\| needs .*\n\|[-| ]+\n\|(.*?)\|", title_cell(root / path), re.M)
    places = re.findall(r"\]\((\S+?\.ipynb)\)", row[1]) if row else []
    return [(root / path).parent.joinpath(place).resolve().relative_to(Path(root).resolve()) for place in places]


def next_lesson(marks, root=ROOT):
    """The lesson to go on with, and why: one that was begun, or the first whose needs are all done; or None.

    Args:
        marks: {notebook below `root`: a True or False for each of its exercises}, in the order of the course.
    """
    open_ones = [path for path, solved_ones in marks.items() if not all(solved_ones)]
    begun = [path for path in open_ones if any(marks[path])]
    if begun:
        return begun[0], f"go on with it, {sum(marks[begun[0]])} of {len(marks[begun[0]])} exercises are solved"
    ready = [path for path in open_ones if not any(need in open_ones for need in needs(path, root))]
    if ready:
        after = needs(ready[0], root)
        return ready[0], "you have done all that it needs" if after else "it needs nothing before it"
    return None


def progress(*, export_to=None, import_from=None):
    """Print the journey: for each notebook a mark per exercise, ● solved and ○ open, the sums, and the next lesson.

    Args:
        export_to: a file to write the record to (on Colab, one in your Drive); a record that is there is added to.
        import_from: a file that was written so on another machine; what is solved there counts here, too.

    Raises:
        CourseError: a file that is missing, is no record of this course, or cannot be written.
    """
    load_all()
    if import_from is not None:
        print(f"{take_from(import_from)} solved exercises added from {import_from}")
    if export_to is not None:
        print(f"{len(save_to(export_to))} solved exercises written to {export_to}")
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
            print(
                f"{chapter}  ({sum(sum(places[p]) for p, q in paths.items() if q.parts[0] == chapter)}"
                f" of {sum(len(places[p]) for p, q in paths.items() if q.parts[0] == chapter)})"
            )
            chapter_before = chapter
        print(f"  {'/'.join(rest):<{width}} {''.join('●' if mark else '○' for mark in places[place])}")
    print(f"{len(done & set(REGISTRY))} of {len(REGISTRY)} exercises solved")
    if found := next_lesson({path: places[place] for place, path in paths.items()}):
        title = title_cell(ROOT / found[0]).split("\n")[0].removeprefix("# ")
        print(f"next: {title} ({found[0].as_posix()}): {found[1]}")
    else:
        print("every exercise of the course is solved")
