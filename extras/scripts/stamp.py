"""Write the course's address, Colab badges and setup cells into every notebook.

The address lives in pyproject.toml. With ADDRESS it is changed there first; without, what is there is stamped.
Running it twice changes nothing. Give your fork its own badges with:

    python extras/scripts/stamp.py https://github.com/OWNER/NAME
"""

import argparse
import re
from pathlib import Path

import nbformat

import course
from setup_cell import FOLDED, setup_cell

BADGE = re.compile(r"^\[!\[Open in Colab\]\(.*$", re.M)
SETUP = "# Setup, the same in every notebook"
OTHERS = (
    "pyproject.toml",
    "CITATION.cff",
    "CHANGELOG.md",
    ".github/ISSUE_TEMPLATE/config.yml",
)  # where the address stands too


def own_code(notebook):
    """The sources of the lesson's code cells, without the setup cell."""
    return [c.source for c in notebook.cells if c.cell_type == "code" and not c.source.startswith(SETUP)]


def stamp(notebook, path, address, root=course.ROOT):
    """Put the badge and the setup cell into `notebook`, whose place in the course is `path`; return if it changed."""
    before = nbformat.writes(notebook)
    title = notebook.cells[0] if notebook.cells else None
    if title is None or title.cell_type != "markdown" or not title.source.startswith("# "):
        raise course.Problem(f"{path}: the first cell must be Markdown and start with '# {course.number(path, root)} '")
    badge = course.badge(path, address, root)
    if BADGE.search(title.source):
        title.source = BADGE.sub(lambda _: badge, title.source, count=1)
    else:
        heading, _, rest = title.source.partition("\n")
        title.source = f"{heading}\n\n{badge}\n\n{rest.lstrip()}".rstrip()
    try:
        setup = setup_cell(address, own_code(notebook))
    except LookupError as error:
        raise course.Problem(f"{path}: {error}") from error
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.startswith(SETUP):
            if position != 1:
                raise course.Problem(f"{path}: the setup cell is cell {position + 1}; it belongs second")
            cell.source, cell.metadata = setup, nbformat.from_dict(FOLDED)
            break
    else:
        notebook.cells.insert(1, nbformat.v4.new_code_cell(setup, id="setup", metadata=FOLDED))
    return nbformat.writes(notebook) != before


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?", help="https://github.com/OWNER/NAME; default: as in pyproject.toml")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if something would change")
    options = parser.parse_args(arguments)
    old = course.repository()
    new = course.check_address(options.address.removesuffix("/").removesuffix(".git")) if options.address else old
    changed = []
    for path in course.notebooks():
        notebook = course.read(path)
        if stamp(notebook, path, new):
            changed.append(path)
            if not options.check:
                course.write(notebook, path)
    for file in (course.ROOT / name for name in OTHERS):
        text = file.read_text(encoding="utf-8")
        if new != old and old in text:
            changed.append(file)
            if not options.check:
                file.write_text(text.replace(old, new), encoding="utf-8", newline="\n")
    for path in changed:
        print(f"{'would change' if options.check else 'stamped'}: {Path(path).relative_to(course.ROOT)}")
    print(f"{len(changed)} file(s) {'would change' if options.check else 'changed'}; the address is {new}")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    course.main(main)
