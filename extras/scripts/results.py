"""Rebuild what the course says about itself from the notebooks: README.md's course map, its picture, extras/'s numbers.

The map tells what each notebook teaches, how long it takes and what it reached. It comes from the committed notebooks:
the sentence of the title cell, the measured minutes in the metadata, and the lines "▸ label: value" that
`dlutils.report` printed (the first four of each notebook).

A page below extras/ holds a measured number between two comments, and this script fills it in:
<!-- result: 02_architectures/08_gpt.ipynb | bits per character on new text, our GPT -->1.65<!-- /result -->
"""

import argparse
import difflib
import functools
import re

import course
import course_map as drawn

START, END = "<!-- course-map:start -->", "<!-- course-map:end -->"
SHOWN = 4
NUMBER = re.compile(r"(<!-- result: (\S+) \| ([^\n]+?) -->)([^\n]*?)(<!-- /result -->)")


def reports(notebook):
    """The (label, value) pairs that the committed outputs report, in order."""
    streams = (
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    )
    return [pair for text in streams for pair in re.findall(r"^▸ ([^:\n]+): (.+)$", text, re.M)]


def row(path, root):
    notebook = course.read(path)
    title = course.title(path)
    minutes = notebook.metadata.get("course", {}).get("minutes")
    if minutes is None:
        raise course.Problem(f"{path}: its minutes were never measured: make outputs NB={path.relative_to(root)}")
    seconds = max(1, round(60 * minutes))
    results = "; ".join(f"{label}: **{value.strip()}**" for label, value in reports(notebook)[:SHOWN]) or "–"
    teaches = re.sub("^After this notebook you can (.)", lambda m: m[1].upper(), course.sentence(notebook))
    cells = [f"[{title}]({path.relative_to(root).as_posix()})", teaches, f"{seconds} s", results]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def course_map(root=course.ROOT):
    """The Markdown between the two markers: one table a chapter."""
    chapters = {}
    for path in course.notebooks(root):
        chapters.setdefault(path.relative_to(root).parts[0], []).append(row(path, root))
    tables = []
    for chapter, rows in chapters.items():
        name = course.CHAPTERS.get(chapter, chapter[3:].replace("_", " ").capitalize())
        head = [f"### {int(chapter[:2])}. {name}", "", "| notebook | after it you can | time | what it measured |"]
        tables.append("\n".join([*head, "|---|---|---|---|", *rows]))
    return "\n\n".join(tables)


def rebuilt(root=course.ROOT):
    """The README as it is and as it should be."""
    readme = (root / "README.md").read_text(encoding="utf-8") if (root / "README.md").exists() else ""
    if readme.count(START) != 1 or readme.count(END) != 1 or readme.index(START) > readme.index(END):
        raise course.Problem(f"README.md needs the lines {START} and {END}, once each and in this order")
    before, rest = readme.split(START)
    after = rest.split(END)[1]
    return readme, f"{before}{START}\n\n{course_map(root)}\n\n{END}{after}"


@functools.cache
def reported(path):
    """{label: value} of the committed outputs of the notebook at `path`; of a label that comes twice, the last."""
    return {label: value.strip() for label, value in reports(course.read(path))}


def filled(page, root=course.ROOT):
    """The text of a page with the notebooks' numbers filled in."""
    text = page.read_text(encoding="utf-8")
    if text.count("<!-- result:") != len(NUMBER.findall(text)) or text.count("<!-- /result -->") != len(
        NUMBER.findall(text)
    ):
        raise course.Problem(
            f"{page}: a number is written <!-- result: NOTEBOOK | LABEL -->…<!-- /result -->, on one line"
        )

    def fill(match):
        start, notebook, label, _, end = match.groups()
        values = reported(root / notebook) if (root / notebook).exists() else None
        if values is None:
            raise course.Problem(f"{page}: its notebook is gone: {notebook}")
        if label not in values:
            near = difflib.get_close_matches(label, values, 1, 0)
            raise course.Problem(
                f"{page}: {notebook} reports no {label!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        return f"{start}{values[label]}{end}"

    return NUMBER.sub(fill, text)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if the map is out of step")
    options = parser.parse_args(arguments)
    files = {course.ROOT / "README.md": rebuilt()}
    for page in sorted((course.ROOT / "extras").rglob("*.md")):
        files[page] = (page.read_text(encoding="utf-8"), filled(page))
    svg = drawn.PICTURE
    files[svg] = (svg.read_text(encoding="utf-8") if svg.exists() else "", drawn.picture())
    stale = {path.relative_to(course.ROOT).as_posix(): new for path, (old, new) in files.items() if old != new}
    if not stale:
        print("README.md and the pages of extras/ are in step with the notebooks")
    elif options.check:
        print(f"not in step with the notebooks: {', '.join(stale)}; run: make results")
        return 1
    for name, new in stale.items():
        (course.ROOT / name).write_text(new, encoding="utf-8", newline="\n")
        print(f"{name}: rebuilt")
    return 0


if __name__ == "__main__":
    course.main(main)
