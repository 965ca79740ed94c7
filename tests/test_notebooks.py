"""The structure of every notebook, read without running it; and proof that each check can fail.

A check is a function that takes a Lesson and yields one sentence for each thing to mend. `test_structure` runs every
check on every notebook. `test_check_can_fail` breaks a small good notebook in one place and expects the check that is
named for it to object: a check without such a breakage is itself an error.
"""

import ast
import copy
import json
import re
import subprocess
import sys
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.validator import iter_validate
from nbval.plugin import get_sanitize_patterns

import course
import new_notebook
import results
import stamp
from setup_cell import FOLDED, setup_cell

ALLOWED_MAGICS = ("%time", "%timeit", "%%time", "%%timeit")  # nbval passes unknown ones and failing !commands alike
SANITIZED = get_sanitize_patterns((course.ROOT / "tests" / "sanitize.cfg").read_text(encoding="utf-8"))
SECTIONS = ("pitfalls", "exercises", "summary", "further reading")
TABLE = "| needs | time on two cores | data |"
# Lessons whose networks are plain stacks, or no more than a tool
NOT_DRAWN = {"01_deep_learning_at_a_glance.ipynb", "02_perceptron.ipynb", "04_activations.ipynb"}
NOT_DRAWN |= {"06_training_loop.ipynb", "02_optimizers.ipynb"}
BANNED = {
    r"warnings\.(filterwarnings|simplefilter|catch_warnings)|PYTHONWARNINGS|logging\.disable": "silences warnings",
    r"except[^\n]*:\s*\n\s*(pass|\.\.\.)\s*$|contextlib\.suppress\((Base)?Exception": "swallows an exception",
    r"allow_pickle\s*=\s*True|weights_only\s*=\s*False|\bpickle\.loads?\(": "loads a pickle",
    r"['\"](/home/|/root/|/Users/|/tmp/|[A-Z]:[\\/])": "has an absolute path",
    r"get_ipython\(|os\.system\(|\bpip install\b": "runs a shell command or installs something",
}


@dataclass
class Lesson:
    """A notebook, and where it lies in which course."""

    path: Path
    root: Path
    notebook: nbformat.NotebookNode

    @property
    def code(self):
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def own_code(self):
        """The code cells without the shared setup cell."""
        return [cell for cell in self.code if not cell.source.startswith("# Setup, the same")]

    @property
    def markdown(self):
        return [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]

    @property
    def outputs(self):
        return [output for cell in self.code for output in cell.outputs]

    @property
    def calls(self):
        """The names of all functions and methods that the code calls."""
        trees = [tree for cell in self.code if (tree := parse(cell.source)) is not None]
        nodes = [node.func for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
        return [node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in nodes]


def parse(source):
    """The syntax tree of a cell, without the lines of allowed magics; None if it is no Python even so."""
    lines = [
        line for line in source.splitlines() if not line.lstrip().startswith(tuple(f"{m} " for m in ALLOWED_MAGICS))
    ]
    lines = [line for line in lines if line.strip() not in ("%%time", "%%timeit")]
    try:
        return compile("\n".join(lines), "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return None


def text_of(output):
    """What an output shows as text."""
    shown = [output.get("text", "")]
    shown += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join("".join(part) for part in shown)


def without_code(markdown):
    return re.sub(r"```.*?```|~~~.*?~~~|`[^`\n]*`", " ", markdown, flags=re.S)


def first_line(cell):
    """What to call a cell in a message: its first line that says something."""
    lines = [line for line in cell.source.splitlines() if line.strip()]
    return repr(lines[0]) if lines else f"the cell with the id {cell.get('id')}"


# --- the checks ------------------------------------------------------------------------------------------------------


def title(lesson):
    expected = f"# {course.number(lesson.path, lesson.root)} "
    first = lesson.notebook.cells[0]
    if first.cell_type != "markdown" or not re.match(re.escape(expected) + r"\S", first.source):
        yield f"the first cell must be Markdown and start with {expected!r} and the title"
    if not course.sentence(lesson.notebook):
        yield "the title cell needs a sentence that says what the reader will be able to do"
    if TABLE not in first.source:
        yield f"the title cell needs a table with the header {TABLE}"


def badge(lesson):
    expected = course.badge(lesson.path, course.repository(lesson.root), lesson.root)
    if expected not in lesson.notebook.cells[0].source.splitlines():
        yield "the Colab badge is missing or leads elsewhere: python extras/scripts/stamp.py"


def setup(lesson):
    expected = setup_cell(course.repository(lesson.root), stamp.own_code(lesson.notebook))
    if len(lesson.notebook.cells) < 2 or lesson.notebook.cells[1].source != expected:
        yield "the second cell is not the setup cell: python extras/scripts/stamp.py"


def imports(lesson):
    tree = parse(lesson.own_code[0].source) if lesson.own_code else None
    found = [node for node in getattr(tree, "body", []) if isinstance(node, ast.Import | ast.ImportFrom)]
    if not found or not isinstance(found[0], ast.Import) or found[0].names[0].name != "dlutils":
        yield "the cell after the setup cell must begin with `import dlutils`: it prepares the process for TensorFlow"


def one_run(lesson):
    for cell in lesson.code:
        if not cell.source.strip():
            yield f"an empty code cell: {first_line(cell)}"
    counts = [cell.execution_count for cell in lesson.code if cell.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        yield "the outputs are not those of one run from top to bottom: make outputs NB=…"


def clean_outputs(lesson):
    for cell in lesson.code:
        for output in cell.outputs:
            shown = text_of(output)
            if output.output_type == "error":
                yield f"a stored error below {first_line(cell)}"
            if output.get("name") == "stderr":
                yield f"stderr below {first_line(cell)}: {shown.strip()[:200]}"
            if re.search(r" at 0x[0-9a-f]{6,}", shown):
                yield f"a memory address below {first_line(cell)}, different in each run"
            if re.search(r"(^|[\s'\"])(/home/|/root/|/Users/|/tmp/|[A-Z]:\\)", shown) or str(course.ROOT) in shown:
                yield f"a path of one machine below {first_line(cell)}"
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                yield f"a live widget below {first_line(cell)}, which no reader sees"


def magics(lesson):
    for cell in lesson.code:
        if parse(cell.source) is None:
            yield f"{first_line(cell)}: not Python; of magics and shell commands only {', '.join(ALLOWED_MAGICS)} pass"


def checked_cells(lesson):
    checked = 0
    for cell in lesson.code:
        for marker in re.findall(r"\b(?:NBVAL|PYTEST_VALIDATE)_\w+", cell.source):
            yield f"{marker} in {first_line(cell)}: a compared cell has the tag {course.COMPARED!r} instead"
        if course.COMPARED in cell.metadata.get("tags", []):
            checked += 1
            if cell.source.rstrip().endswith(";"):
                yield f"{first_line(cell)} is checked and ends in `;`, which nbval does not heed"
            if not any(text_of(output).strip() for output in cell.outputs):
                yield f"{first_line(cell)} is checked but has no stored text, so nothing is compared"
    for cell in lesson.notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if (tag.startswith("nbval") and tag != course.COMPARED) or tag == "raises-exception":
                yield f"the tag {tag!r} switches a check off"
    if checked < 3:
        yield f"{checked} cells with the tag {course.COMPARED!r}; at least 3"


def portable(lesson):
    """What nbval compares, and its sanitiser leaves, must not hold rounding errors or times."""
    for cell in lesson.code:
        if course.COMPARED not in cell.metadata.get("tags", []):
            continue
        for output in cell.outputs:
            shown = text_of(output)
            for pattern, replacement in SANITIZED:
                shown = re.sub(pattern, replacement, shown)
            for found in re.findall(r"\d\.?\d*e-(?:0[6-9]|[1-9]\d)\b|\b\d+\.\d+ ?(?:s|ms|µs|seconds|minutes)\b", shown):
                if found not in cell.source:
                    yield f"{first_line(cell)} is compared and prints {found!r}, which differs between machines"


def proofs(lesson):
    if (claims := lesson.calls.count("claim")) < 3:
        yield f"{claims} claims; at least 3"


def exercises(lesson):
    topic = re.sub(r"(?<![^.])\d\d_", "", ".".join(lesson.path.relative_to(lesson.root).with_suffix("").parts))
    package, module = topic.rsplit(".", 1)
    line = f"from dlutils.exercises.{package} import {module} as ex"
    if not any(line in cell.source.splitlines() for cell in lesson.own_code[:2]):
        yield f"the import cells lack `{line}`"
    checks = [cell for cell in lesson.code if re.search(r"^\w+\.\w+\.check\(", cell.source, re.M)]
    if (found := lesson.calls.count("check")) < 2:
        yield f"{found} checked exercises; at least 2"
    for cell in checks:
        if any("✓" in text_of(output) for output in cell.outputs):
            yield f"an exercise is committed solved: {first_line(cell)}"


def sections(lesson):
    headings = [h.lower() for source in lesson.markdown for h in re.findall(r"^#+ (.*)$", without_code(source), re.M)]
    for section in SECTIONS:
        if not any(section in heading for heading in headings):
            yield f"no section {section.capitalize()!r}"


def links(lesson):
    for source in lesson.markdown:
        yield from broken_links(source, lesson.path, lesson.root)


def mathematics(lesson):
    for source in lesson.markdown:
        plain = without_code(source).replace(r"\$", "")
        if plain.count("$$") % 2 or plain.replace("$$", "").count("$") % 2:
            yield f"a formula is not closed in the cell that begins {source.strip()[:60]!r}"


def short_cells(lesson):
    for cell in lesson.code:
        lines = sum(1 for line in cell.source.splitlines() if line.strip())
        if lines > 40:
            yield f"a code cell of {lines} lines (40 at most): {first_line(cell)}"


def figures(lesson):
    found = sum(any(kind.startswith("image/") for kind in output.get("data", {})) for output in lesson.outputs)
    if found < 2:
        yield f"{found} figures in the outputs; at least 2"


def descriptions(lesson):
    """Each picture has a text in its place: alt_text's, or one of its own."""
    for cell in lesson.code:
        for output in cell.outputs:
            for kind in output.get("data", {}):
                alt = output.metadata.get(kind, {}).get("alt", "") if kind.startswith("image/") else None
                if alt is not None and not re.search(r"\w{2,}", re.sub(r"^Figure of \d+ panels?\.", "", alt)):
                    yield f"the picture below {first_line(cell)} says nothing to who cannot see it ({alt!r})"


def diagrams(lesson):
    """Rule 10: whoever builds a network draws it, before the code."""
    networks = r"^class \w+\(.*(nn\.Module|keras\.(Model|layers\.Layer))\)|nn\.Sequential\(|keras\.(Sequential|Model)\("
    building = [i for i, cell in enumerate(lesson.own_code) if re.search(networks, cell.source, re.M)]
    drawing = [i for i, cell in enumerate(lesson.own_code) if re.search(r"\bdiagram\(", cell.source)]
    if building and lesson.path.name not in NOT_DRAWN and (not drawing or drawing[0] > building[0] + 3):
        yield f"it builds a network ({first_line(lesson.own_code[building[0]])}) and has drawn none before"


def banned(lesson):
    for cell in lesson.own_code:
        for pattern, why in BANNED.items():
            if re.search(pattern, cell.source, re.M):
                yield f"the cell {first_line(cell)} {why}"


def valid(lesson):
    for error in iter_validate(lesson.notebook):
        yield f"not valid: {error.message[:200]}"
    if (lesson.notebook.nbformat, lesson.notebook.nbformat_minor) < (4, 5):
        yield "older than notebook format 4.5, which has lasting cell ids"
    ids = [cell.get("id") for cell in lesson.notebook.cells]
    if len(set(ids)) < len(ids):
        yield "two cells have the same id"


def metadata(lesson):
    found = lesson.notebook.metadata
    if found.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel must be python3"
    if set(found.get("language_info", {})) != {"name"}:
        yield "language_info holds more or less than the name: make outputs NB=…"
    minutes = found.get("course", {}).get("minutes")
    if not isinstance(minutes, int | float) or minutes <= 0:
        yield "its minutes were not measured: make outputs NB=…"
    own = [cell for position, cell in enumerate(lesson.notebook.cells) if (position, cell.metadata) != (1, FOLDED)]
    if extra := {key for cell in own for key in cell.metadata} - {"tags"}:
        yield f"volatile metadata in its cells ({', '.join(sorted(extra))}): make outputs NB=…"


SOURCE = re.compile(r"- [^\[\]*]+ \((\d{4})[a-z]?\), (\[.+?\]\(https?://\S+\)|\*[^*]+\*)(: .+)?\.?")


def sources(lesson):
    """Further reading has one form, `- Authors (year), [title](link): what it is good for.`, and goes by the year."""
    text = "\n".join(cell.source for cell in lesson.notebook.cells if cell.cell_type == "markdown")
    items = [line for line in text[text.find("## Further reading") :].splitlines() if line.startswith("- ")]
    found = [SOURCE.fullmatch(item) for item in items]
    for item in (item for item, match in zip(items, found, strict=True) if not match):
        yield f"not of the form `- Authors (year), [title](link): remark.`: {item[:90]}"
    years = [match[1] for match in found if match]
    if years != sorted(years):
        yield f"Further reading does not go by the year: {', '.join(years)}"


def size(lesson):
    kib = len(nbformat.writes(lesson.notebook).encode()) / 1024
    if kib > 1500:
        yield f"{kib:.0f} KiB; 1500 at most: fewer or smaller figures"


CHECKS = {
    check.__name__: check
    for check in (
        title, badge, setup, imports, one_run, clean_outputs, magics, checked_cells, portable, proofs, exercises,
        sections, links, sources, mathematics, descriptions, diagrams, short_cells, figures, banned, valid, metadata,
        size,
    )
}  # fmt: skip


# --- links -----------------------------------------------------------------------------------------------------------


def broken_links(markdown, path, root):
    """Yield the links in `markdown`, a part of the file at `path`, that lead to no file or heading below `root`."""
    plain = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$", " ", without_code(markdown), flags=re.S)
    targets = re.findall(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|(?:src|href)=[\"']([^\"']+)[\"']", plain)
    targets += [(target, "") for target in re.findall(r"^\[[^\]\n]+\]:\s*(\S+)", plain, re.M)]
    for target in (urllib.parse.unquote(one or other) for one, other in targets):
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue  # an address: whether the network has it is not for an offline test to say
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path.resolve()
        if not file.is_relative_to(root.resolve()) or not file.exists():
            yield f"the link {target} leads to no file of the course"
        elif anchor and file.is_file() and anchor not in anchors(file, markdown if file == path.resolve() else ""):
            yield f"the link {target} leads to no heading of {file.name}"


def anchors(file, more=""):
    """What #… may follow the name of a notebook or page: as Jupyter writes it, and as GitHub does."""
    if file.suffix == ".ipynb":
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    else:
        text = file.read_text(encoding="utf-8")
    headings = [heading.strip() for heading in re.findall(r"^#+\s+(.*)$", f"{text}\n{more}", re.M)]
    github = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return github | {heading.replace(" ", "-") for heading in headings}


def pages():
    """The Markdown files of the course."""
    found = [*course.ROOT.glob("*.md"), *(course.ROOT / "data").glob("*.md"), *(course.ROOT / "extras").rglob("*.md")]
    return sorted(found)


# --- the tests -------------------------------------------------------------------------------------------------------


def name_of(path):
    return str(path.relative_to(course.ROOT))


def read_lesson(path, root=course.ROOT):
    return Lesson(path, root, nbformat.v4.reads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("path", course.notebooks(), ids=name_of)
def test_structure(path, check):
    problems = list(CHECKS[check](read_lesson(path)))
    assert not problems, f"{name_of(path)}:\n  " + "\n  ".join(problems)


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_links_of_pages(path):
    problems = list(broken_links(path.read_text(encoding="utf-8"), path, course.ROOT))
    assert not problems, f"{name_of(path)}:\n  " + "\n  ".join(problems)


def test_no_two_notebooks_have_the_same_number():
    """Gaps are places of lessons to come: a notebook keeps its number, so that links to it last."""
    numbers = [course.number(path) for path in course.notebooks()]
    assert numbers, "there are no notebooks"
    assert len(set(numbers)) == len(numbers), f"two notebooks share a number: {sorted(numbers)}"


def test_course_map_is_in_step():
    readme, rebuilt = results.rebuilt()
    assert readme == rebuilt, "the course map in README.md is out of step with the notebooks: make results"
    for page in sorted((course.ROOT / "extras").rglob("*.md")):
        assert page.read_text(encoding="utf-8") == results.filled(page), f"{page} has another number: make results"


# --- the tests of the tests ------------------------------------------------------------------------------------------


def code(source, *outputs):
    return nbformat.v4.new_code_cell(source, outputs=[nbformat.from_dict(output) for output in outputs])


def compared(source, *outputs):
    cell = code(source, *outputs)
    cell.metadata["tags"] = [course.COMPARED]
    return cell


def stdout(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def picture():
    metadata = {"image/png": {"alt": "Figure of 1 panel. loss against epoch"}}
    return {
        "output_type": "display_data",
        "metadata": metadata,
        "data": {"image/png": "aGk=", "text/plain": "<Figure>"},
    }


@pytest.fixture
def good(tmp_path):
    """A small notebook with nothing to mend, in a course of its own."""
    root = tmp_path / "course"
    path = root / "01_foundations" / "03_example.ipynb"
    path.parent.mkdir(parents=True)
    (root / "pyproject.toml").write_bytes((course.ROOT / "pyproject.toml").read_bytes())
    (root / "README.md").write_text("# The course\n\n## Where to start\n", encoding="utf-8")
    address = course.repository(root)
    badge = course.badge(path, address, root)
    heading = f"# 1.3 An example\n\n{badge}\n\nYou will be able to test.\n\n{TABLE}\n|---|---|---|"
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(heading),
            code(setup_cell(address)),
            code("import dlutils\nfrom dlutils.exercises.foundations import example as ex"),
            nbformat.v4.new_markdown_cell("See [the start](../README.md#where-to-start). With $x$:\n\n$$y = x^2$$"),
            compared("dlutils.claim(1 < 2, 'one')\n%timeit 1 + 1", stdout("✓ one\n")),
            compared("dlutils.claim(1 < 2, 'two')", stdout("✓ two\n"), picture()),
            compared("dlutils.claim(1 < 2, 'three')", stdout("✓ three\n"), picture()),
            nbformat.v4.new_markdown_cell("## Pitfalls\n\n## Exercises"),
            code("def one(x): ...\n\n\nex.one.check(one)", stdout("○ not started\n")),
            code("def two(x): ...\n\n\nex.two.check(two)", stdout("○ not started\n")),
            nbformat.v4.new_markdown_cell("## Summary\n\n## Further reading"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}, "course": {"minutes": 0.1}},
    )
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells[1].metadata = copy.deepcopy(FOLDED)
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    nbformat.write(notebook, path)
    return Lesson(path, root, notebook)


def replace(cell, old, new):
    """A breakage: in the source of the cell at this position, `old` becomes `new`."""

    def breakage(lesson):
        assert old in lesson.notebook.cells[cell].source
        lesson.notebook.cells[cell].source = lesson.notebook.cells[cell].source.replace(old, new)

    return breakage


def append(cell, text):
    def breakage(lesson):
        lesson.notebook.cells[cell].source += text

    return breakage


def output(cell, *outputs):
    def breakage(lesson):
        lesson.notebook.cells[cell].outputs = [nbformat.from_dict(output) for output in outputs]

    return breakage


def set_in(where, **values):
    """A breakage: the values become part of what `where` finds in the notebook."""

    def breakage(lesson):
        where(lesson.notebook).update(values)

    return breakage


def move(lesson):
    lesson.path = lesson.path.rename(lesson.path.with_name("04_example.ipynb"))


def no_setup(lesson):
    del lesson.notebook.cells[1]


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}
WIDGET = {"output_type": "display_data", "metadata": {}, "data": {"application/vnd.jupyter.widget-view+json": {}}}
BREAKAGES = [
    ("title", replace(0, "# 1.3", "# 1.4")),
    ("title", move),
    ("title", replace(0, "You will be able to test.", "")),
    ("title", replace(0, "| data |", "|")),
    ("badge", replace(0, "blob/main/01", "blob/main/02")),
    ("badge", replace(0, "[![Open in Colab]", "[![Open]")),
    ("setup", append(1, "\nimport time")),
    ("setup", no_setup),
    ("imports", replace(2, "import dlutils\n", "import torch\nimport dlutils\n")),
    ("one_run", set_in(lambda n: n.cells[4], execution_count=9)),
    ("one_run", set_in(lambda n: n.cells[9], execution_count=None)),
    ("one_run", replace(2, "import dlutils\nfrom dlutils.exercises.foundations import example as ex", " ")),
    ("clean_outputs", output(4, ERROR)),
    ("clean_outputs", output(4, stdout("✓\n"), {"output_type": "stream", "name": "stderr", "text": "Warning"})),
    ("clean_outputs", output(4, stdout("<object at 0x7f3a12b4c5d0>"))),
    ("clean_outputs", output(4, stdout("saved in /tmp/abc"))),
    ("clean_outputs", output(4, WIDGET)),
    ("magics", append(4, "\n!ls")),
    ("magics", append(4, "\n%nosuchmagic")),
    ("magics", replace(4, "dlutils", "%%bash\ndlutils")),
    ("magics", append(4, "\ndlutils?")),
    ("checked_cells", set_in(lambda n: n.cells[4].metadata, tags=[])),
    ("checked_cells", set_in(lambda n: n.cells[8].metadata, tags=["nbval-ignore-output"])),
    ("checked_cells", append(8, "\n# NBVAL_CHECK_OUTPUT")),
    ("checked_cells", append(4, "\n3;")),
    ("checked_cells", append(8, "\n# NBVAL_SKIP")),
    ("checked_cells", output(4)),
    ("checked_cells", output(4, stdout("\n"))),
    ("checked_cells", set_in(lambda n: n.cells[4].metadata, tags=["nbval-skip"])),
    ("portable", output(4, stdout("✓ one\nrounding error 3.1e-17\n"))),
    ("portable", output(4, stdout("✓ one\ntrained in 0.31 s\n"))),
    ("portable", output(4, stdout("✓ one\nlargest difference: 2.2e-16\n"))),
    ("proofs", replace(4, "dlutils.claim", "# dlutils.claim")),
    ("exercises", replace(8, "ex.one.check(one)", "")),
    ("exercises", output(8, stdout("✓ solved\n"))),
    ("exercises", replace(2, "import example", "import perceptron")),
    ("sections", replace(7, "## Pitfalls", "Pitfalls")),
    ("sections", replace(7, "## Exercises", "")),
    ("sections", replace(10, "## Summary", "")),
    ("sections", replace(10, "## Further reading", "```\n## Further reading\n```")),
    ("links", replace(3, "README.md", "NOTHING.md")),
    ("links", replace(3, "#where-to-start", "#nowhere")),
    ("links", replace(3, "../README.md#where-to-start", "../../elsewhere.md")),
    ("links", append(3, '\n<img src="missing.png">')),
    ("sources", append(10, "\n\n- A. Author (2001), *A title*. No colon.")),
    ("sources", append(10, "\n\n- A. Author (2001), *Late*: b.\n- B. Author (1999), *Early*: a.")),
    ("mathematics", replace(3, "x^2$$", "x^2")),
    ("mathematics", replace(3, "$x$", "$x")),
    ("short_cells", append(4, "\nprint()" * 40)),
    ("figures", output(5, stdout("✓ two\n"))),
    ("descriptions", set_in(lambda n: n.cells[5].outputs[1], metadata={})),
    ("descriptions", set_in(lambda n: n.cells[5].outputs[1].metadata, **{"image/png": {"alt": "Figure of 1 panel."}})),
    ("diagrams", append(4, "\nmodel = nn.Sequential()")),
    ("banned", append(4, "\nimport warnings\n\nwarnings.filterwarnings('ignore')")),
    ("banned", append(4, "\ntry:\n    x = 1\nexcept Exception:\n    pass")),
    ("banned", append(4, "\nnp.load('x.npy', allow_pickle=True)")),
    ("banned", append(4, "\ntorch.load('x.pt', weights_only=False)")),
    ("banned", append(4, "\nopen('/home/me/x')")),
    ("banned", append(4, "\nos.system('ls')")),
    ("valid", set_in(lambda n: n, cells=[{"cell_type": "code"}])),
    ("valid", set_in(lambda n: n, nbformat_minor=4)),
    ("valid", lambda lesson: lesson.notebook.cells.append(copy.deepcopy(lesson.notebook.cells[-1]))),
    ("metadata", set_in(lambda n: n.metadata, course={})),
    ("metadata", set_in(lambda n: n.metadata, kernelspec={"name": "mine", "display_name": "Mine"})),
    ("metadata", set_in(lambda n: n.metadata.language_info, version="3.11")),
    ("metadata", set_in(lambda n: n.cells[4].metadata, execution={"iopub.execute_input": "2026"})),
    ("size", output(4, stdout("x" * 1600 * 1024))),
]


def test_good_notebook_has_nothing_to_mend(good):
    assert {name: list(check(good)) for name, check in CHECKS.items()} == {name: [] for name in CHECKS}


@pytest.mark.parametrize(("check", "breakage"), BREAKAGES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(BREAKAGES)])
def test_check_can_fail(good, check, breakage):
    breakage(good)
    assert list(CHECKS[check](good)), f"the check {check} did not see it"


def test_every_check_is_tested():
    assert {name for name, _ in BREAKAGES} == set(CHECKS)


def test_course_map_tells_a_changed_result(good):
    good.notebook.cells[4].outputs = [nbformat.from_dict(stdout("▸ test accuracy, PyTorch: 97.3 %\n"))]
    nbformat.write(good.notebook, good.path)
    readme = good.root / "README.md"
    readme.write_text(f"# Course\n{results.START}\nold\n{results.END}\nthe rest\n", encoding="utf-8")
    _, new = results.rebuilt(good.root)
    assert "| [1.3 An example](01_foundations/03_example.ipynb) | You will be able to test. | 6 s |" in new
    assert "test accuracy, PyTorch: **97.3 %**" in new and new.endswith("the rest\n") and "old" not in new
    readme.write_text(new, encoding="utf-8")
    assert results.rebuilt(good.root) == (new, new)
    good.notebook.cells[4].outputs[0].text = "▸ test accuracy, PyTorch: 97.4 %\n"
    nbformat.write(good.notebook, good.path)
    assert results.rebuilt(good.root)[1] != new
    readme.write_text("# Course without the markers\n", encoding="utf-8")
    with pytest.raises(course.Problem, match="needs the lines"):
        results.rebuilt(good.root)


def test_a_page_gets_its_numbers_from_the_notebook(good):
    results.reported.cache_clear()
    good.notebook.cells[4].outputs = [nbformat.from_dict(stdout("▸ test accuracy, ours: 97.3 %\n▸ rate: 0.1\n"))]
    nbformat.write(good.notebook, good.path)
    page = good.root / "page.md"
    line = "<!-- result: {} | {} -->{}<!-- /result --> of them, for <!-- result: {} | rate -->?<!-- /result -->.\n"
    where, label = "01_foundations/03_example.ipynb", "test accuracy, ours"
    page.write_text(line.format(where, label, "90 %", where), encoding="utf-8")
    assert results.filled(page, good.root) == line.format(where, label, "97.3 %", where).replace("?", "0.1")
    for text, complaint in {
        line.format("01_foundations/09_gone.ipynb", label, "90 %", where): "page.md: its notebook is gone: 01_found",
        line.format(
            where, "test acuracy, ours", "90 %", where
        ): "reports no 'test acuracy, ours'; did you mean 'test accu",
        line.format(where, label, "90 %", where).replace("<!-- /result -->", "", 1): "a number is written",
        line.format(where, label, "90\n %", where): "a number is written",
    }.items():
        page.write_text(text, encoding="utf-8")
        with pytest.raises(course.Problem, match=complaint):
            results.filled(page, good.root)


def test_ruff_sees_an_unused_import_in_a_notebook(good):
    good.notebook.cells[2].source += "\nimport json"
    nbformat.write(good.notebook, good.path)
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", str(good.path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=good.root, check=False)
    assert done.returncode == 1 and "F401" in done.stdout and "json" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("owner", ["a", "a" * 90])
def test_setup_cell_is_formatted_whatever_the_address(owner):
    source = setup_cell(f"https://github.com/{owner}/hands-on-deep-learning") + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--no-cache", "--stdin-filename", "cell.py", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, cwd=course.ROOT, check=False)
    assert done.stdout == source, done.stderr


def test_a_notebook_from_the_template_has_every_section(tmp_path):
    lesson = Lesson(tmp_path, tmp_path, new_notebook.new_notebook("1.3", "An example", "01_foundations", "an_example"))
    assert list(sections(lesson)) == []
    assert list(imports(lesson)) == []


def test_stamping_twice_is_stamping_once(good):
    address, other = course.repository(good.root), "https://github.com/someone/fork"
    assert not stamp.stamp(good.notebook, good.path, address, good.root)
    assert stamp.stamp(good.notebook, good.path, other, good.root)
    assert not stamp.stamp(good.notebook, good.path, other, good.root)
    assert other in good.notebook.cells[1].source and f"{other[19:]}/blob/main/" in good.notebook.cells[0].source
    assert stamp.stamp(good.notebook, good.path, address, good.root)
    assert list(badge(good)) == list(setup(good)) == []
    no_setup(good)
    good.notebook.cells[0].source = "# 1.3 An example\n\nYou will be able to test."
    assert stamp.stamp(good.notebook, good.path, address, good.root)
    assert list(badge(good)) == list(setup(good)) == []


@pytest.mark.parametrize(
    "address", ["github.com/a/b", "https://github.com/a", "https://example.org/a/b", "https://github.com/a/b.git"]
)
def test_an_address_that_colab_cannot_open_is_refused(address):
    with pytest.raises(course.Problem, match="https://github.com/OWNER/NAME"):
        course.check_address(address)


def refresh(path):
    command = [sys.executable, str(course.ROOT / "extras" / "scripts" / "outputs.py"), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_outputs_saves_a_clean_run(good):
    for cell in good.notebook.cells:
        cell.metadata["execution"] = {"iopub.execute_input": "2026"}
    good.notebook.cells[4].execution_count = 9
    good.notebook.metadata = {"widgets": {"state": 1}, "language_info": {"name": "python", "version": "3.11"}}
    good.notebook.cells[2:] = [
        code("import os\nimport sys"),
        code("print(1)\nprint(2)"),
        code("print(os.environ['COURSE_PROFILE'], os.environ['CUDA_VISIBLE_DEVICES'])", stdout("old")),
    ]
    ids = [cell.id for cell in good.notebook.cells]
    nbformat.write(good.notebook, good.path)
    done = refresh(good.path)
    assert done.returncode == 0, done.stdout + done.stderr
    after = read_lesson(good.path, good.root)
    assert [list(CHECKS[name](after)) for name in ("one_run", "clean_outputs", "valid", "metadata", "setup")] == [
        []
    ] * 5
    assert [output.text for output in after.outputs] == ["1\n2\n", "quick -1\n"]
    assert [cell.id for cell in after.notebook.cells] == ids


def test_outputs_leaves_a_failing_notebook_as_it_was(good):
    good.notebook.cells[2:] = [code("print(1)"), code("print(2)\n1 / 0"), code("print(3)")]
    nbformat.write(good.notebook, good.path)
    before = good.path.read_bytes()
    done = refresh(good.path)
    assert done.returncode == 1 and good.path.read_bytes() == before
    assert "03_example.ipynb … failed in code cell 3 of 4" in done.stdout
    assert "    print(2)\n    1 / 0\n" in done.stdout and "ZeroDivisionError: division by zero" in done.stdout
    assert [path.name for path in good.path.parent.iterdir()] == [good.path.name]


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"cells": 3}', '{"nbformat": 4, "nbformat_minor": 5}'])
@pytest.mark.parametrize("script", ["outputs", "run"])
def test_scripts_name_a_file_that_is_no_notebook(tmp_path, script, content):
    path = tmp_path / "broken.ipynb"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    command = [sys.executable, str(course.ROOT / "extras" / "scripts" / f"{script}.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "broken.ipynb" in done.stderr and "Traceback" not in done.stderr, done.stderr
