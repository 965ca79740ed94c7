"""What the scripts and the tests share: where the notebooks are, how one is read, and the parts that are all alike."""

import argparse
import os
import re
import sys
import tomllib
from pathlib import Path

import nbformat
from nbformat.validator import iter_validate

ROOT = Path(__file__).resolve().parents[2]

CHAPTERS = {
    "01_foundations": "Foundations",
    "02_architectures": "Architectures",
    "03_generative": "Generative models",
    "04_projects": "Projects",
    "05_training_optimization": "Training and optimisation",
    "06_tools": "Tools",
}
PARTS = ("computer_vision", "nlp", "time_series", "anomaly_detection", "reinforcement_learning")  # of 04_projects
COMPARED = "nbval-check-output"  # the tag of the cells whose output must be the committed one on every machine
# Switches the vector units off, as far as they can be: sums are rounded otherwise, as on another processor.
PORTABLE = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX",
}
TEMPORARY_FOLDERS = ("DLUTILS_CACHE", "DLUTILS_HOME", "IPYTHONDIR")


class Problem(Exception):
    """Something that the person at the keyboard can mend; shown without a traceback."""


def notebooks(root=ROOT):
    """Every notebook of the course below `root`, in the order in which the course is walked."""
    found = [path for chapter in Path(root).glob("[0-9][0-9]_*") for path in inside(chapter)]
    return sorted(found, key=lambda path: [_rank(part) for part in path.relative_to(root).parts])


def inside(folder):
    """The notebooks below `folder`, without the copies that Jupyter keeps."""
    return sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def _rank(name):
    return (PARTS.index(name) if name in PARTS else -1, name)


def number(path, root=ROOT):
    """A notebook's number, from its place: "1.3" for 01_foundations/03_mlp, "4.2.1" for 04_projects/nlp/01_x."""
    *folders, name = Path(path).resolve().relative_to(Path(root).resolve()).parts
    digits = re.match(r"(\d\d)_[a-z0-9_]+\.ipynb$", name)
    if not digits or not folders or not re.match(r"\d\d_", folders[0]) or any(f not in PARTS for f in folders[1:]):
        raise Problem(f"{path}: a notebook belongs in a chapter and is named NN_topic.ipynb")
    return ".".join(str(int(n)) for n in (folders[0][:2], *(PARTS.index(f) + 1 for f in folders[1:]), digits[1]))


def read(path):
    """The notebook at `path`; a Problem that names it when it is not there or not a notebook."""
    path = Path(path)
    if not path.exists():
        raise Problem(f"{path}: there is no such file")
    if path.is_dir() or path.suffix != ".ipynb":
        raise Problem(f"{path}: not a notebook (.ipynb)")
    try:
        notebook = nbformat.v4.reads(path.read_text(encoding="utf-8"))
        if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
            raise Problem(f"{path}: an old notebook; save it as format 4.5, which has lasting cell ids, or newer")
        wrong = next(iter_validate(notebook), None)  # nbformat.read would repair in silence
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise Problem(f"{path}: not a valid notebook: {error!r}") from error
    if wrong is not None:
        raise Problem(f"{path}: not a valid notebook: {wrong.message.splitlines()[0][:200]}")
    return notebook


def write(notebook, path):
    """Save beside the old file and rename: an interrupted save leaves the old notebook whole."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(nbformat.writes(notebook).rstrip("\n") + "\n", encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def chosen(paths, root=ROOT):
    """The notebooks that a command line names: all of them when it names none; a folder stands for those inside it."""
    if not paths:
        return notebooks(root)
    result = []
    for path in map(Path, paths):
        found = inside(path) if path.is_dir() else [path]
        if not found:
            raise Problem(f"{path}: no notebook in this folder")
        result += found
    for path in result:
        read(path)  # so that a wrong name at the end is told before an hour of work, not after it
    return result


def repository(root=ROOT):
    """The course's address, from pyproject.toml, its only home."""
    address = tomllib.loads((Path(root) / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["course"]["repository"]
    return check_address(address)


def check_address(address):
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w-][\w.-]*", address) or address.endswith(".git"):
        raise Problem(f"{address}: the address has the form https://github.com/OWNER/NAME (Colab opens no other)")
    return address


def badge(path, address, root=ROOT):
    """The Colab badge of the notebook at `path`, one line of Markdown."""
    place = Path(path).resolve().relative_to(Path(root).resolve()).as_posix()
    target = address.replace("https://github.com/", "https://colab.research.google.com/github/") + f"/blob/main/{place}"
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({target})"


def sentence(notebook):
    """What the notebook teaches: the one sentence of its first cell that is neither title, badge nor table."""
    for paragraph in re.split(r"\n\s*\n", notebook.cells[0].source):
        if not re.match(r"\s*(#|\[!\[|\||$)", paragraph):
            return " ".join(paragraph.split())
    return ""


def rebuild_page(name, page, changed, about, arguments=None):
    """The program of a script that builds a page: --check tells whether it is in step, else it is written.

    Args:
        name: the page, below ROOT.
        page: a function that returns its new text.
        changed: a function of the old and the new text that lists what differs.
        about: the script's docstring.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if the page is out of step")
    options = parser.parse_args(arguments)
    return rebuild(name, page(), changed, options.check)


def rebuild(name, new, changed, check, root=ROOT):
    """Write the page `name` if it is not `new` yet, or with `check` only say so; the exit status.

    `changed(old, new)` lists what differs, as a reader of the page would call it.
    """
    file = Path(root) / name
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    if old == new:
        print(f"{name} is in step with the notebooks")
        return 0
    names = changed(old, new)
    said = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    if check:
        print(f"{name} is not in step with the notebooks ({said}); run: make results")
        return 1
    file.write_text(new, encoding="utf-8", newline="\n")
    print(f"{name}: rebuilt ({said})")
    return 0


def title(path):
    """The title of the notebook at `path`, with its number."""
    return read(path).cells[0].source.split("\n")[0].removeprefix("# ")


def no_network(environment, root=ROOT):
    """Have every Python process that is started with `environment` refuse the network, as the tests do."""
    block = str(Path(root) / "tests" / "no_network")
    rest = environment.get("PYTHONPATH", "").split(os.pathsep)
    environment["PYTHONPATH"] = os.pathsep.join([block, *(part for part in rest if part and part != block)])
    for name in [name for name in environment if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]:
        del environment[name]  # a proxy would be the host that is refused, and hide the one that was asked for


def main(function, arguments=None):
    """Run a script's `function`; a Problem becomes one line on stderr and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks ✓ shows ? instead of stopping
    try:
        sys.exit(function(arguments))
    except Problem as problem:
        print(f"{Path(sys.argv[0]).name}: {problem}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
