"""Start a new notebook from the template: every section of a lesson, with what belongs in it.

    python extras/scripts/new_notebook.py 02_architectures "LSTM and GRU" --number 5

Without --number it takes the one after the chapter's last; its file's name comes from the title. Fill it in, then run
`make outputs NB=PATH` and `make results`.
"""

import argparse
import re
from pathlib import Path

import nbformat

import course
import stamp

TEMPLATE = """\
# NUMBER TITLE

After this notebook you will be able to … (one sentence; the course map shows it).

| needs | time on two cores | data |
|---|---|---|
| [1.3](../01_foundations/03_mlp_and_backpropagation.ipynb) | measured by `make outputs` | … |
===
import dlutils
from dlutils.exercises.CHAPTER import TOPIC as ex

import matplotlib.pyplot as plt
import numpy as np

import torch

import keras

device = dlutils.setup(seed=0)
---
## The question

Why this exists: the problem that the previous idea could not solve, shown with a number or a picture.
---
## Theory

The derivation in LaTeX, each symbol named with its shape.
---
## By hand

NumPy code whose lines match the equations in order and in names, first on an input small enough for a pencil.
=== compared
...
---
## In PyTorch and in Keras

Each as its community writes it, then held against the code by hand, outputs and gradients.
=== compared
# dlutils.same(numpy=…, torch=…, keras=…)
---
## The experiment

A baseline first; then the model; curves and samples; what went wrong and how one sees it.
===
# dlutils.report("test accuracy, PyTorch", …, "%")
# dlutils.claim(…, "what the experiment shows, in words that hold for any seed")
---
## Pitfalls

Two to five mistakes that people make here, each shown failing.
---
## Exercises

At least three, easy to hard, two or more of them checked; the last is open-ended.
===
def todo(x):
    \"\"\"What it computes, with shapes.\"\"\"


# ex.todo.check(todo)
---
## Summary

1. Five lines.
---
## Further reading

- Authors (year), [title](https://…): our [summary](../extras/papers/….md).
"""


def new_notebook(number, title, chapter, topic):
    """The template as a notebook; its cells are separated by --- (Markdown), === and === compared (code) lines."""
    text = TEMPLATE.replace("NUMBER", number).replace("TITLE", title)
    text = text.replace("CHAPTER", re.sub(r"(?<![^.])\d\d_", "", chapter.replace("/", "."))).replace("TOPIC", topic)
    first, *rest = re.split(r"^(---|=== compared|===)\n", text, flags=re.M)
    cells = [nbformat.v4.new_markdown_cell(first.strip(), id="cell-01")]
    for position, (kind, source) in enumerate(zip(rest[::2], rest[1::2], strict=True), start=2):
        make = nbformat.v4.new_markdown_cell if kind == "---" else nbformat.v4.new_code_cell
        tags = {"tags": [course.COMPARED]} if kind == "=== compared" else {}
        cells.append(make(source.strip(), id=f"cell-{position:02}", metadata=tags))
    return nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapter", metavar="CHAPTER", help="its folder, such as 02_architectures or 04_projects/nlp")
    parser.add_argument("title", metavar="TITLE", help='such as "LSTM and GRU"')
    parser.add_argument("--number", type=int, metavar="N", help="its place in the chapter (1 to 99)")
    options = parser.parse_args(arguments)
    chapter, *part = Path(options.chapter).parts or ("",)
    if chapter not in course.CHAPTERS or len(part) > 1 or any(name not in course.PARTS for name in part):
        raise course.Problem(f"{options.chapter}: no such chapter; there are {', '.join(course.CHAPTERS)}")
    topic = re.sub(r"[^a-z0-9]+", "_", options.title.lower()).strip("_")
    if not topic:
        raise course.Problem(f"{options.title!r}: the title needs letters, for the file's name")
    folder = course.ROOT / options.chapter
    numbers = [int(path.name[:2]) for path in folder.glob("[0-9][0-9]_*.ipynb")]
    number = max(numbers, default=0) + 1 if options.number is None else options.number
    if number in numbers or not 1 <= number <= 99:
        raise course.Problem(f"{options.chapter}: number {number} is taken or not from 1 to 99")
    path = folder / f"{number:02}_{topic}.ipynb"
    notebook = new_notebook(course.number(path), options.title.strip(), options.chapter.strip("/"), topic)
    stamp.stamp(notebook, path, course.repository())
    folder.mkdir(parents=True, exist_ok=True)
    course.write(notebook, path)
    print(path.relative_to(course.ROOT))
    return 0


if __name__ == "__main__":
    course.main(main)
