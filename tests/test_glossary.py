"""The glossary holds what the notebooks set in bold, and its page is in step; and each complaint of it is provoked."""

import re
import subprocess
import sys

import nbformat
import pytest

import course
import glossary

PLACE = "01_foundations/03_example.ipynb"


@pytest.fixture(scope="module")
def wrong():
    return list(glossary.faults())


@pytest.fixture(scope="module")
def page():
    return glossary.page()


@pytest.mark.parametrize("path", course.notebooks(), ids=lambda path: path.relative_to(course.ROOT).as_posix())
def test_every_bold_phrase_is_a_term_or_emphasis(path, wrong):
    mine = [fault for fault in wrong if fault.startswith(f"{path.relative_to(course.ROOT).as_posix()}: ")]
    assert not mine, "\n  ".join(["", *mine])


def test_every_term_is_bold_where_the_glossary_says(wrong):
    mine = [fault for fault in wrong if fault.startswith(glossary.SOURCE)]
    assert not mine, "\n  ".join(["", *mine])


def test_the_page_is_in_step(page):
    old = (course.ROOT / glossary.PAGE).read_text(encoding="utf-8")
    assert old == page, f"the glossary is out of step ({', '.join(glossary.changed(old, page))}): make results"


def test_there_are_enough_terms_and_each_has_one_sentence_or_two(page):
    lines = [line for line in page.splitlines() if line.startswith("- **") and ": see **" not in line]
    assert len(lines) >= 300
    for line in lines:
        text = re.sub(r" \[\d.*", "", line.split(": ", 1)[1])
        assert 3 <= len(text.split()) <= 60 and text.endswith("."), line
        assert text.count("$") % 2 == 0 and "**" not in text and "](" not in text, line


def test_every_other_name_leads_to_its_term(page):
    entries, _ = glossary.read()
    for entry in entries:
        assert f"- **{entry.term}**" in page
        for other in entry.also:
            assert f"- **{other}**: see **{entry.term}**." in page


# --- what is bold, and what is emphasis ------------------------------------------------------------------------------


def phrases(markdown):
    return [bold.phrase for bold in glossary.bolds(markdown) if not bold.emphasis]


def test_bold_phrases_are_found_in_paragraphs_lists_and_tables():
    assert phrases("A **loss** and a\n**learning\nrate**.") == ["loss", "learning rate"]
    assert phrases("- **training set**: one\n- **test set**: other") == ["training set", "test set"]
    assert phrases("| format | made by |\n|---|---|\n| **ONNX** | x |") == ["ONNX"]
    assert phrases("the **$\\tau$-quantile** and `a ** b ** c`, $x**y**z$") == ["$\\tau$-quantile"]
    assert phrases("```\n**not this**\n```\n**this**") == ["this"]


@pytest.mark.parametrize(
    "text",
    ["**It helps.**", "**Work:**", "**A word about all the words here**", "**1. Softmax twice.**", "**3. Open**"]
    + ["**.384**", "**2.01**", "**what?**", "| **name** | b |\n|---|---|\n| c | d |", "**80 %**"],
)
def test_emphasis_is_known_by_its_form(text):
    assert glossary.bolds(text) and not phrases(text)


def test_a_sentence_is_cleaned():
    (bold,) = glossary.bolds("One. The **gain** ([2.7](x.ipynb)) is `g` or $\\gamma$. Two.")
    assert bold.sentence == "The gain (2.7) is `g` or $\\gamma$."


def test_case_article_and_a_mark_at_the_end_make_no_difference():
    assert glossary.key("The Learning  Rate:") == glossary.key("learning rate") == "learning rate"
    assert glossary.key("a") == "a" and glossary.key("layers") != glossary.key("layer")


def test_terms_stand_in_the_order_of_the_alphabet():
    names = ["ε-greedy", "Fréchet distance", "encoder", "epoch", "free running", "F1"]
    assert sorted(names, key=glossary.order) == [names[2], names[3], names[0], names[5], names[1], names[4]]


# --- a small course whose glossary is broken in one place -------------------------------------------------------------


@pytest.fixture
def small(tmp_path):
    """A course of one notebook with a glossary; `small(old, new)` replaces text in glossary.toml."""
    glossary.of_notebook.cache_clear()
    cells = [
        "# 1.3 An example\n\nYou will be able to test.",
        "A **layer** is a function. **Layers** help. It is **very** so.",
    ]
    (tmp_path / PLACE).parent.mkdir()
    (tmp_path / "extras").mkdir()
    cells = [nbformat.v4.new_markdown_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / PLACE)
    text = f'[[entry]]\nterm = "layer"\nforms = ["layers"]\nin = ["{PLACE}"]\n\n[emphasis]\n"{PLACE}" = ["very"]\n'

    def change(old="", new=""):
        assert old in text
        (tmp_path / glossary.SOURCE).write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return change


def test_a_small_glossary(small):
    page = glossary.page(small())
    assert f"- **layer**: A layer is a function. [1.3 An example](../{PLACE})\n" in page
    assert "[L](#l)" in page and "## L\n" in page
    page = glossary.page(small('forms = ["layers"]', 'also = ["stratum"]\nforms = ["layers"]\nsays = "A part."'))
    assert "- **layer** (stratum): A part. [1.3" in page and "- **stratum**: see **layer**.\n" in page


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[[entry]]", "[[entry]", "extras/glossary.toml is not valid TOML"),
        ("[[entry]]", "[[entries]]", "holds [[entry]] tables and one [emphasis], not 'entries'"),
        ("[emphasis]", f'[[entry]]\nterm = "Layer"\nin = ["{PLACE}"]\n[emphasis]', "'Layer' is there twice"),
        ("forms", 'also = ["The layer"]\nforms', "'The layer' is there twice"),
        ("03_example.ipynb", "09_gone.ipynb", "the notebook of 'layer' is gone: 01_foundations/09_gone.ipynb"),
        ('term = "layer"\nforms = ["layers"]', 'term = "unit"', f"'unit' is not bold in {PLACE}"),
        ('term = "layer"', 'name = "layer"', "has the unknown key 'name'"),
        ('term = "layer"\n', "", "needs a `term`"),
        (f'in = ["{PLACE}"]', "in = []", "needs a `term` and one to 3 notebooks"),
        (f'in = ["{PLACE}"]', f'in = "{PLACE}"', "'in' of 'layer' must be a list of texts"),
        ('forms = ["layers"]', "forms = [1]", "'forms' of 'layer' must be a list of texts"),
        ('term = "layer"', "term = 3", "'term' of 3 must be a text"),
        ('["very"]', '"very"', f"the emphasis of {PLACE} must be a list of texts"),
        ('["very"]', "[]", f"{PLACE}: **very** is bold: define it in extras/glossary.toml, or list it there"),
        ('forms = ["layers"]\n', "", f"{PLACE}: **Layers** is bold: define it"),
        ('["very"]', '["very", "gone"]', f"the emphasis 'gone' is not bold in {PLACE}; take it out"),
        (f'"{PLACE}" = ["very"]', 'everywhere = ["very", "gone"]', "the emphasis 'gone' is not bold everywhere"),
        (f'"{PLACE}" = ["very"]', '"01_foundations/09_gone.ipynb" = ["very"]', "the notebook of some emphasis is gone"),
        ('["very"]', f'[]\n[[entry]]\nterm = "very"\nin = ["{PLACE}"]', "'very' needs `says`: its sentence does not"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(small, old, new, complaint):
    with pytest.raises(course.Problem, match=re.escape(complaint)):
        glossary.page(small(old, new))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(course.Problem, match="extras/glossary.toml cannot be read"):
        glossary.read(tmp_path)


def test_check_tells_what_is_stale_and_changes_nothing(small, capsys):
    root = small()
    new = glossary.page(root)
    assert course.rebuild(glossary.PAGE, new, glossary.changed, check=False, root=root) == 0
    assert course.rebuild(glossary.PAGE, new, glossary.changed, check=True, root=root) == 0
    capsys.readouterr()
    new = glossary.page(small('forms = ["layers"]', 'forms = ["layers"]\nsays = "Something else."'))
    before = (root / glossary.PAGE).read_bytes()
    assert course.rebuild(glossary.PAGE, new, glossary.changed, check=True, root=root) == 1
    assert "extras/glossary.md is not in step with the notebooks (layer); run: make results" in capsys.readouterr().out
    assert (root / glossary.PAGE).read_bytes() == before
    assert course.rebuild(glossary.PAGE, new, glossary.changed, check=False, root=root) == 0
    assert (root / glossary.PAGE).read_text(encoding="utf-8") == new


@pytest.mark.parametrize("script", ["glossary.py", "data_sets.py"])
@pytest.mark.parametrize(("option", "said"), [("--help", "--check"), ("--check", "is in step with the notebooks")])
def test_the_scripts_run(script, option, said):
    command = [sys.executable, course.ROOT / "extras" / "scripts" / script, option]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=course.ROOT)
    assert done.returncode == 0 and said in done.stdout, done.stdout + done.stderr
