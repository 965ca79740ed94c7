"""Measure the course's time-to-result table: our code beside what a learner would otherwise use, in one run.

    make benchmark                                            all comparisons
    make benchmark ARGS="--only convolution_and_cnn"          one: the name of its lesson, without the number
    make benchmark ARGS=--save                                write the table into README.md as well

Each comparison is a module of extras/benchmarks with a function `rows(repeats)`; the code that is measured is the
lessons' own, read from the notebooks. Two columns set the times in relation: to the fastest alternative of the same
run, and to the rate of this machine's best matrix product, measured in the same run.
"""

import dlutils

import argparse
import importlib
import os
import platform
import sys

import course

MARKS = ("<!-- benchmark:start -->", "<!-- benchmark:end -->")
FOLDER = course.ROOT / "extras" / "benchmarks"
ORDER = ("imports", "busy_machine")  # these first, then the lessons in the order of the course


def comparisons():
    """The names of all comparisons: of no lesson first, then those of the lessons."""
    names = {path.stem for path in FOLDER.glob("*.py")} - {"measure"}
    lessons = [path.stem[3:] for path in course.notebooks()]
    return [*(name for name in ORDER if name in names), *(name for name in lessons if name in names)]


def table(rows, peak):
    """The lines of the table for measured rows; `peak` in operations a second."""
    fastest = {}
    for row in rows:
        fastest[row.what] = min(row.seconds, fastest.get(row.what, row.seconds))
    alone = {row.what for row in rows if sum(other.what == row.what for other in rows) == 1}
    lines = ["| what | how | time | times the fastest | share of the peak |", "|---|---|---|---|---|"]
    for row in rows:
        time = f"{row.seconds:.2f} s" if row.seconds >= 0.1 else f"{1000 * row.seconds:.2f} ms"
        ratio = "" if row.what in alone else f"{row.seconds / fastest[row.what]:.1f}"
        percent = 100 * (row.operations or 0) / row.seconds / peak
        share = "" if row.operations is None else f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
        lines.append(f"| {row.what} | {row.how} | {time} | {ratio} | {share} |")
    return lines


def head(repeats, peak):
    import numpy as np

    import torch

    import keras
    import tensorflow as tf

    return (
        f"Median of {repeats}, or of the starts that a row names, on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, "
        f"NumPy {np.__version__}, PyTorch {torch.__version__.split('+')[0]}, TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__}. The peak is that of a single-precision matrix product of 1,024 × 1,024, "
        f"measured in the same run: {peak / 1e9:.0f} billion additions and multiplications a second."
    )


def save(lines, readme):
    before, _, rest = readme.read_text(encoding="utf-8").partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not end:
        raise dlutils.CourseError(f"{readme.name} lacks the lines {MARKS[0]} and {MARKS[1]}: they say where it goes")
    readme.write_text(before + "\n".join([MARKS[0], *lines, MARKS[1]]) + after, encoding="utf-8", newline="\n")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="how many repeats each median is taken of")
    parser.add_argument("--only", nargs="+", choices=comparisons(), metavar="NAME", help=", ".join(comparisons()))
    parser.add_argument("--save", action="store_true", help="write the table into README.md as well")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error("--repeats needs a number from 1")
    if options.save and options.only:
        parser.error("--save needs all comparisons of one run, so it does not go with --only")
    sys.path.append(str(FOLDER))
    import measure

    peak, rows = measure.peak_rate(options.repeats), []
    for name in options.only or comparisons():
        for row in importlib.import_module(name).rows(options.repeats):
            print(f"{row.seconds:10.4f} s  {row.what}: {row.how}", flush=True)
            rows.append(row)
    lines = [head(options.repeats, peak), "", *table(rows, peak)]
    print("", *lines, sep="\n")
    if options.save:
        save(lines, course.ROOT / "README.md")


if __name__ == "__main__":
    course.main(main)
