"""Everything that is checked about one notebook: style, structure, exercises, runs.

It is run as in the tests, twice in one kernel, with other rounding, and through a GPU that is not there.

    make check NB=01_foundations/02_perceptron.ipynb

It goes on after a failure and ends with one line for each step; exit status 1 if any failed.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import course

STEPS = ("style", "structure", "exercises", "run", "second run", "portable run", "GPU path")
STRUCTURE = ("tests/test_notebooks.py", "tests/test_colab.py", "tests/test_glossary.py")


def commands(path):
    """{step: command} for the notebook at `path`, relative to the course's folder."""
    place = re.sub(r"(?<![^/])\d\d_", "", path.with_suffix("").as_posix())
    exercises = f"dlutils/exercises/{place}.py"
    python = [sys.executable, "-m"]
    pytest = [*python, "pytest", "-q", "-p", "no:cacheprovider"]
    files = [str(path), *([exercises] if (course.ROOT / exercises).exists() else [])]
    return {
        "style": [[*python, "ruff", "check", *files], [*python, "ruff", "format", "--check", *files]],
        "structure": [[*pytest, *STRUCTURE, "-k", f"{path} or {path.stem}"]],
        "exercises": [[*pytest, "tests/test_exercises.py", "-k", f"{place}/"]],
        "run": [[*pytest, str(path)]],
        "second run": [[*pytest, "--twice", str(path)]],
        "portable run": [[*pytest, "--portable", str(path)]],
        "GPU path": [[*pytest, "--pretend-gpu=cuda", str(path)], [*pytest, "--pretend-gpu=mps", str(path)]],
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, metavar="NB", help="the notebook")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS, metavar="STEP", help=", ".join(STEPS))
    options = parser.parse_args(arguments)
    course.read(options.path)
    path = options.path.resolve()
    if not path.is_relative_to(course.ROOT):
        raise course.Problem(f"{options.path}: not a notebook of this course ({course.ROOT})")
    failed = []
    for step, runs in commands(path.relative_to(course.ROOT)).items():
        if step in options.only:
            print(f"--- {step}", flush=True)
            if any([subprocess.run(command, cwd=course.ROOT, check=False).returncode for command in runs]):
                failed.append(step)
    for step in options.only:
        print(f"{'✗' if step in failed else '✓'} {step}")
    return 1 if failed else 0


if __name__ == "__main__":
    course.main(main)
