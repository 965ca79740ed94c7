"""What people meet first agrees with the rest: contributing, templates, workflow, citation, teaching, Windows.

Each check takes a text, so that a spoiled one can be shown to be seen.
"""

import functools
import importlib
import json
import re
import subprocess
import sys
import tomllib

import nbformat
import pytest
import yaml

import course
import course_map
import resolve
import stamp
from prose import see_each

ROOT = course.ROOT
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PAGES = ["CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", "extras/teaching.md", "extras/windows.md"]
PAGES += [".github/pull_request_template.md", ".github/workflows/test.yml", ".devcontainer/devcontainer.json"]
PAGES += [path.relative_to(ROOT).as_posix() for path in FORMS]
MADE_UP = {"06_tools/06_profiling_a_model.ipynb", "dlutils/exercises/tools/profiling_a_model.py"}


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(text_of("pyproject.toml"))
TARGETS = set(re.findall(r"^([a-z-]+):.*##", text_of("Makefile"), re.M)) | {".venv/.installed"}
WORKFLOW = ".github/workflows/test.yml"


def places(text):
    """The paths of the repository that a text names: those with a folder, or with an ending that ours have."""
    text = re.sub(r"https?://\S+", "", text).replace("\\", "/")
    folders = r"(?:dlutils|data|extras|tests|0[1-6]_[a-z_]+|\.github|\.ci)/"
    found = re.findall(rf"(?<![\w/.%-])({folders}[\w./-]*\w|[\w.-]+\.(?:toml|cff|md|txt))(?![\w*/-])", text)
    return {place.removeprefix("./") for place in found} - MADE_UP


@functools.cache
def help_of(script):
    """What a script says of its options."""
    command = [sys.executable, ROOT / "extras" / "scripts" / script, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def faults(name, text):
    """What a page names and the course does not have."""
    asked = re.findall(r"""(?:[`"]|^\s*)make ([a-z.][\w./-]*)""", text, re.M)
    found = [f"no target: make {target}" for target in asked if target not in TARGETS]
    if name.endswith(".md"):
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", re.sub(r"`[^`\n]*`", "", text)):
            if not (ROOT / name).parent.joinpath(link).exists():
                found.append(f"no file: {link}")
    near = [ROOT, (ROOT / name).parent]
    unlinked = sorted(places(re.sub(r"\]\([^)]*\)", "]", text)))
    found += [f"no file: {place}" for place in unlinked if not any((folder / place).exists() for folder in near)]
    for script, options in re.findall(r"extras/scripts/(\w+\.py)((?: [^\s`;]+)*)", text):
        if (ROOT / "extras" / "scripts" / script).exists():
            known = re.findall(r"--[a-z-]+", help_of(script)) if "--" in options else ()
            found += [
                f"{script} has no {option}" for option in re.findall(r"--[a-z-]+", options) if option not in known
            ]
    return found


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_is_there(name):
    assert not faults(name, text_of(name))


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("CONTRIBUTING.md", "make outputs NB", "make output-all NB", "no target: make output-all"),
        ("CONTRIBUTING.md", "`make lint`", "`make linted`", "no target: make linted"),
        ("CONTRIBUTING.md", "](LICENSE)", "](LICENCE)", "no file: LICENCE"),
        ("CONTRIBUTING.md", "`data/build.py`", "`data/built.py`", "no file: data/built.py"),
        ("CONTRIBUTING.md", "--seed 1", "--seeds 1", "run.py has no --seeds"),
        ("extras/windows.md", "glossary.py --check", "glossary.py --test", "glossary.py has no --test"),
        ("extras/windows.md", "extras/jupyter/lab_config.py", "extras/jupyter/config.py", "no file: extras/jupyter/"),
        (".github/pull_request_template.md", "`make results`", "`make result`", "no target: make result"),
        (WORKFLOW, "02_perceptron.ipynb", "02_neuron.ipynb", "no file: 01_foundations/02_neuron.ipynb"),
        (".devcontainer/devcontainer.json", "make .venv/.installed", "make .venv/.done", "no target: make .venv/.done"),
    ],
)
def test_a_spoiled_page_is_seen(name, old, new, complaint):
    assert old in text_of(name)
    assert complaint in str(faults(name, text_of(name).replace(old, new)))


# --- forms, citation, container --------------------------------------------------------------------------------------


def form_faults(text):
    """What GitHub would refuse in an issue form."""
    form = yaml.safe_load(text)
    found = [f"{key} is missing" for key in ("name", "description", "body") if not form.get(key)]
    fields = [field for field in form.get("body", []) if field["type"] != "markdown"]
    ids = [field.get("id") for field in fields]
    if len(set(ids)) < len(ids) or not all(isinstance(i, str) and re.fullmatch(r"[\w-]+", i) for i in ids):
        found.append(f"the ids are not words, each once: {ids}")
    for field in fields:
        if field["type"] not in ("input", "textarea", "dropdown", "checkboxes"):
            found.append(f"unknown type {field['type']}")
        if not field.get("attributes", {}).get("label"):
            found.append(f"{field.get('id')}: no label")
        if field["type"] in ("dropdown", "checkboxes") and not field["attributes"].get("options"):
            found.append(f"{field.get('id')}: no options")
    if not any(field.get("validations", {}).get("required") for field in fields):
        found.append("nothing is required")
    return found


@pytest.mark.parametrize("path", [path for path in FORMS if path.name != "config.yml"], ids=lambda path: path.stem)
def test_an_issue_form_is_one_that_github_takes(path):
    text = path.read_text(encoding="utf-8")
    assert not form_faults(text)
    assert "id" in str(form_faults(re.sub(r"id: \w+", "id: true", text)))
    assert "unknown type" in str(form_faults(text.replace("type: textarea", "type: text")))


def test_citation_version_and_licence_are_those_of_the_project():
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= citation.keys()
    assert citation["version"] == PROJECT["project"]["version"]
    assert f"This will be {citation['version']}" in text_of("CHANGELOG.md") or re.search(
        rf"^## \[{re.escape(citation['version'])}\]", text_of("CHANGELOG.md"), re.M
    )
    assert PROJECT["project"]["license"] in citation["license"] and "CC-BY-4.0" in citation["license"]
    assert all(name in text_of("LICENSE") for name in ("MIT", "CC BY 4.0", citation["authors"][0]["name"]))


def test_the_address_is_the_same_everywhere_and_the_stamp_knows_where():
    address = course.repository()
    assert yaml.safe_load(text_of("CITATION.cff"))["repository-code"] == address
    assert yaml.safe_load(text_of(".github/ISSUE_TEMPLATE/config.yml"))["contact_links"][0]["url"].startswith(address)
    owner = address.rsplit("/", 1)[0] + "/"
    named = {name for name in ["README.md", "CITATION.cff", "pyproject.toml", *PAGES] if owner in text_of(name)}
    assert named == set(stamp.OTHERS)
    assert all(address in text_of(name) for name in named)


def test_the_change_log_has_the_form_it_names():
    text = text_of("CHANGELOG.md")
    assert text.startswith("# ") and re.search(r"^## \[Unreleased\]$", text, re.M)
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= {
        "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security",
    }  # fmt: skip
    for section in re.split(r"^### ", text, flags=re.M)[1:]:
        dates = re.findall(r"^- (\d{4}-\d\d-\d\d): ", section, re.M)
        assert dates and dates == sorted(dates, reverse=True)
        assert len(dates) == len(re.findall(r"^- ", section, re.M))


def test_the_container_installs_what_make_does():
    container = json.loads(text_of(".devcontainer/devcontainer.json"))
    version = re.search(r"python:1-(3\.\d+)-", container["image"])[1]
    assert version in promised()
    assert container["postCreateCommand"] == "make .venv/.installed"


# --- the workflow ----------------------------------------------------------------------------------------------------


def promised():
    """The versions of Python that the README promises."""
    return re.findall(r"3\.\d+", re.search(r"`make` and Python (.+?):", text_of("README.md"))[1])


def workflow_faults(text):
    workflow = yaml.safe_load(text)
    jobs, found = workflow["jobs"], []
    if jobs["linux"]["strategy"]["matrix"]["python"] != promised():
        found.append(f"the Pythons are not those that the README promises: {promised()}")
    if workflow.get("permissions") != {"contents": "read"}:
        found.append("more permissions than reading")
    if not any("make test " in step.get("run", "") for step in jobs["linux"]["steps"]):
        found.append("it does not run make test")
    for name, job in jobs.items():
        if not 0 < job.get("timeout-minutes", 0) <= 180:
            found.append(f"{name}: no time limit")
        for step in job["steps"]:
            if "uses" in step and not re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]):
                found.append(f"{step['uses']}: not one of GitHub's own actions at a major version")
            if step.get("uses", "").startswith("actions/setup-python") and step["with"].get("cache") != "pip":
                found.append(f"{name}: the packages are not cached")
    systems = {row["system"] for row in jobs["other-systems"]["strategy"]["matrix"]["include"]}
    if systems != {"macos-latest", "windows-latest"}:
        found.append(f"other systems: {systems}")
    return found


def test_the_workflow_keeps_what_the_readme_promises():
    text = text_of(WORKFLOW)
    assert promised() == [version.rsplit(".", 1)[0] for version in resolve.PYTHONS]
    see_each(
        text,
        workflow_faults,
        (', "3.13"]', "]", "Pythons"),
        ("contents: read", "contents: write", "permissions"),
        ("make test PYTHON", "make lint PYTHON", "make test"),
        ("timeout-minutes: 60", "timeout-minutes: 600", "time limit"),
        ("actions/checkout@v5", "somebody/checkout@main", "major version"),
        ("cache: pip", "cache: ''", "cached"),
        ("macos-latest", "macos-11", "other systems"),
    )


# --- Windows ---------------------------------------------------------------------------------------------------------


def windows_faults(text):
    """Where the table of commands differs from the Makefile."""
    makefile, found = text_of("Makefile"), []
    rows = dict(re.findall(r"^\| `make ([a-z-]+)[^`|]*` \| (.+) \|$", text, re.M))
    for target in sorted(TARGETS - {".venv/.installed", "test-floor"} - rows.keys()):
        found.append(f"no row for make {target}")
    for target, cell in rows.items():
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.M)[1]
        recipe = re.sub(r"pretend-gpu=\$\$gpu", "pretend-gpu=cuda", recipe)
        for command in re.findall(r"`(\.venv\S+python .+?)`", cell):
            wanted = command.replace(r".venv\Scripts\python", "$(RUN)").replace(" PATH", " $(NB)")
            plain = re.sub(r" \$\((ROOT_USER|HEADLESS|ARGS)\)", "", recipe)
            if wanted not in plain:
                found.append(f"make {target} does not run: {command}")
    return found


def test_the_commands_for_windows_are_those_of_the_makefile():
    text = text_of("extras/windows.md")
    assert not windows_faults(text)
    assert "no row for make data" in windows_faults(re.sub(r"\| `make data`.*\n", "", text))
    assert "does not run" in str(windows_faults(text.replace("--dist loadfile --no", "--dist load --no")))
    assert all(f"`{name}`" in text for name in ("COURSE_PROFILE", "DLUTILS_OFFLINE", "DLUTILS_CACHE", "DLUTILS_HOME"))


# --- teaching --------------------------------------------------------------------------------------------------------


def module_of(link):
    """The module with the exercises of the notebook that a page of extras/ links to."""
    place = re.sub(r"(?<![^/])\d\d_", "", link.removeprefix("../").removesuffix(".ipynb"))
    return importlib.import_module("dlutils.exercises." + place.replace("/", "."))


@functools.cache
def hours(path):
    """How long a lesson takes, by the rule that the page states."""
    notebook = course.read(path)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    words = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    checked = len(re.findall(r"^ex\.\w+\.check\(", "\n".join(code), re.M))
    return (words / 150 + len(code) + 15 * (checked + 1)) / 60


@functools.cache
def edges():
    """The pairs (lesson that is needed, lesson), by their numbers."""
    return [tuple(course.number(ROOT / path) for path in edge) for edge in course_map.graph().edges]


def teaching_faults(text):
    found = []
    for link, names in re.findall(r"^- \[[\d.]+\]\((\S+?)\):? ?((?:[^\n]*`\w+`)+)", text, re.M):
        found += [
            f"{link} has no exercise {n}" for n in re.findall(r"`(\w+)`", names) if not hasattr(module_of(link), n)
        ]
    for link, name, hint in re.findall(r"^- \[[\d.]+\]\((\S+?)\), `(\w+)`: “(.+?)”", text, re.M):
        exercise = getattr(module_of(link), name, None)
        if exercise and hint not in [wrong.hint for wrong in exercise.wrong]:
            found.append(f"{name} has no such hint: {hint}")
    numbers = {number: link for number, link in re.findall(r"\[([\d.]+)\]\((\S+?\.ipynb)\)", text)}
    for number, link in numbers.items():
        path = (ROOT / "extras" / link).resolve()
        if path.exists() and course.number(path) != number:
            found.append(f"{link} is not {number}")
    sections = re.split(r"^## (\d)\. (.+)\n", text, flags=re.M)[1:]
    titles = {f"{int(folder[:2])}": name for folder, name in course.CHAPTERS.items()}
    if dict(zip(sections[::3], sections[1::3], strict=True)) != titles:
        found.append("the chapters are not those of the course")
    for chapter, _, body in zip(sections[::3], sections[1::3], sections[2::3], strict=True):
        for part in ("Before it", "Hours", "Set", "What students get wrong", "Numbers to show"):
            if f"**{part}:**" not in body:
                found.append(f"chapter {chapter}: nothing on {part!r}")
        low, high = map(float, re.search(r"\*\*Hours:\*\* ([\d.]+) to ([\d.]+) a lesson", body).groups())
        for path in course.notebooks():
            if course.number(path).startswith(chapter):
                took = hours(path)
                if not low - 0.4 <= took <= high + 0.4:
                    found.append(f"chapter {chapter}: {path.name} takes {took:.1f} hours by the rule")
        before = re.search(r"\*\*Before it:\*\* (.+)", body)[1]
        needed = {need for need, lesson in edges() if lesson.startswith(f"{chapter}.")}
        for number in re.findall(r"\[([\d.]+)\]", before.split("Within the chapter")[0]):
            if number not in needed and not number.startswith(chapter):
                found.append(f"chapter {chapter}: no lesson needs {number}")
    return found


def test_the_page_for_teachers_says_what_is_so():
    text = text_of("extras/teaching.md")
    see_each(
        text,
        teaching_faults,
        ("`early_stopping`", "`late_stopping`", "no exercise late_stopping"),
        ("overlap must add up", "overlap add up", "no such hint"),
        ("[3.4](", "[3.5](", "is not 3.5"),
        ("## 6. Tools", "## 6. Tool", "chapters"),
        ("**Set:**", "**Ask:**", "nothing on 'Set'"),
        ("**Hours:** 2 to 2.5", "**Hours:** 1 to 1.5", "hours by the rule"),
        ("derivatives, the chain rule", "[4.5.1](../README.md)", "no lesson needs 4.5.1"),
    )


def test_the_script_that_grades_does(tmp_path):
    (script,) = re.findall(r"```python\n(.+?)```", text_of("extras/teaching.md"), re.S)
    (tmp_path / "grade.py").write_text(script, encoding="utf-8")
    cells = [
        "def margin(X, y, w, b):\n    return (y * (X @ w + b)).min() / np.linalg.norm(w)",
        "def perceptron_epoch(X, y, w, b): ...",
    ]
    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(new, tmp_path / "first.ipynb")
    new.cells[1].source = "def perceptron_epoch(X, y, w, b):\n    while True: pass"
    new.cells.append(nbformat.v4.new_code_cell("def multiclass_step(W, x, label: ..."))
    nbformat.write(new, tmp_path / "second.ipynb")
    command = [sys.executable, "grade.py", "first.ipynb", "second.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
    said = [line.split(": ")[:3] for line in done.stdout.splitlines()]
    assert said == [
        ["first.ipynb", "margin", "right"],
        ["first.ipynb", "perceptron_epoch", "not started"],
        ["first.ipynb", "multiclass_step", "wrong"],
        ["second.ipynb", "margin", "right"],
        ["second.ipynb", "perceptron_epoch", "wrong"],
        ["second.ipynb", "multiclass_step", "wrong"],
    ], done.stdout + done.stderr
