"""extras/datasets.md names every data set that a notebook loads, and is in step; and each complaint is provoked."""

from dlutils.data import DATASETS

import re

import nbformat
import pytest

import course
import data_sets

PLACE = "01_foundations/03_example.ipynb"


@pytest.fixture(scope="module")
def page():
    return data_sets.page()


def test_the_page_is_in_step(page):
    old = (course.ROOT / data_sets.PAGE).read_text(encoding="utf-8")
    assert old == page, f"the data sets are out of step ({', '.join(data_sets.changed(old, page))}): make results"


def test_every_bundled_data_set_names_its_notebooks(page):
    sections = re.split(r"^### ", page.split("## Inside packages")[0], flags=re.M)[1:]
    assert [section.split("\n")[0] for section in sections] == [entry.title for entry in DATASETS.values()]
    for section, (name, entry) in zip(sections, DATASETS.items(), strict=True):
        assert f'`dlutils.load("{name}")`' in section and f"- Licence: {entry.licence}\n" in section
        assert re.search(r"^- Used in: (\[\d|no notebook yet$)", section, re.M), section


def test_every_load_of_a_notebook_is_on_the_page(page):
    """Read with a plain pattern, not as the script reads it."""
    for path in course.notebooks():
        place = path.relative_to(course.ROOT).as_posix()
        code = "\n".join(cell.source for cell in course.read(path).cells if cell.cell_type == "code")
        for name in set(re.findall(r"\bload\(\s*[\"'](\w+)[\"']\s*[,)]", code)):
            section = page.split(f'`dlutils.load("{name}")`')[1].split("\n### ")[0]
            assert f"](../{place})" in section, f"{place} loads {name}"


# --- what a notebook uses --------------------------------------------------------------------------------------------


def used(*cells):
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    return data_sets.used(nbformat.v4.new_notebook(cells=cells), PLACE)


def test_loads_are_found():
    assert used('import dlutils\nx = dlutils.load("mnist", full=False)')[0] == {"mnist"}
    assert used("%time x = 1\nfrom dlutils import claim, load", "load('co2'); load('emma')")[0] == {"co2", "emma"}
    assert used("from dlutils import load as get", "get('co2')")[0] == {"co2"}
    assert used("from dlutils import load\n[load(n) for n in ('emma', 'moby_dick', 'no name')]", "'co2'")[0] == {
        "emma",
        "moby_dick",
    }
    assert used("def load(x): return x\nload('co2'); np.load('mnist'); other.load('emma')")[0] == set()
    assert used("# Setup, the same in every notebook\nimport dlutils\ndlutils.load('co2')") == (set(), set())


def test_data_of_packages_are_found():
    taken = used(
        "import skimage.data\nfrom sklearn.datasets import load_wine\nskimage.data.cat()",
        'import gymnasium as gym\ngym.make_vec("CartPole-v1", num_envs=2)\nfind_spec("weights")',
    )[1]
    for one in ("sklearn.datasets.load_wine", "skimage.data.cat", "gymnasium.make CartPole-v1", "find_spec weights"):
        assert one in taken
    assert data_sets.matches("skimage.data.*", taken) and not data_sets.matches("skimage.data", {"skimage.data.cat"})


def test_an_unknown_name_and_broken_code_are_told():
    with pytest.raises(course.Problem, match="loads 'mnst', which data/datasets.toml does not have"):
        used("import dlutils\ndlutils.load('mnst')")
    with pytest.raises(course.Problem, match="a code cell is not Python"):
        used("x = (")


# --- a small course whose list is broken in one place ----------------------------------------------------------------


@pytest.fixture
def small(tmp_path):
    """A course of one notebook; `small(old, new, code)` replaces text in datasets.toml, and code in the notebook."""
    (tmp_path / PLACE).parent.mkdir()
    (tmp_path / "extras").mkdir()
    source = "import dlutils\nfrom sklearn.datasets import load_wine\ndlutils.load('co2')"
    row = 'name = "{}"\nwhat = "w"\nsize = "s"\nlicence = "l"\nlink = "https://example.org/"\n'
    text = "[bundled]\n" + "".join(f'{name} = "https://example.org/{name}"\n' for name in DATASETS)
    text += f'\n[[package]]\n{row.format("Wine")}get = "g"\nuses = ["sklearn.datasets.load_wine"]\n'
    text += f"\n[[larger]]\n{row.format('COCO')}"

    def change(old="", new="", code=source):
        assert old in text
        cells = [nbformat.v4.new_markdown_cell("# 1.3 An example"), nbformat.v4.new_code_cell(code)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / PLACE)
        (tmp_path / data_sets.SOURCE).write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return change


def test_a_small_list(small):
    page = data_sets.page(small())
    link = f"[1.3 An example](../{PLACE})"
    assert page.count(link) == 2 and page.count("no notebook yet") == len(DATASETS) - 1
    assert f"- Used in: {link}" in page.split("### CO₂")[1].split("### ")[0]
    assert "| [COCO](https://example.org/) | w | s | l | – |\n" in page
    address = "https://example.org/data.zip"
    code = f"from sklearn.datasets import load_wine\nURL = '{address}'"
    page = data_sets.page(small('name = "COCO"', f'uses = ["{address}"]\nname = "COCO"', code))
    assert f"| w | s | l | {link} |\n" in page


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[bundled]", "[bundled", "is not valid TOML"),
        ("[[larger]]", "[[large]]", "holds [bundled], [[package]] and [[larger]], not 'large'"),
        (
            "mnist = ",
            "mnst = ",
            "needs the official page of each data set of data/datasets.toml and no other; look at mni",
        ),
        ('size = "s"\n', "", "'Wine' lacks a key, or has one too many: size"),
        ('size = "s"\n', 'size = "s"\nsizes = "s"\n', "'Wine' lacks a key, or has one too many: sizes"),
        ('name = "COCO"', 'name = "Wine"', "'Wine' is there twice"),
        ('"https://example.org/emma"', '"example.org"', "'example.org' is no address"),
        ("load_wine", "load_iris", "no notebook has 'sklearn.datasets.load_iris', which 'Wine' says it uses"),
        ('name = "COCO"', 'name = "COCO"\nuses = ["x"]', "no notebook has 'x', which 'COCO' says it uses"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(small, old, new, complaint):
    with pytest.raises(course.Problem, match=re.escape(complaint)):
        data_sets.page(small(old, new))


def test_data_from_a_package_need_a_row(small):
    code = "import skimage.data\nfrom sklearn.datasets import load_wine\nskimage.data.cat()"
    with pytest.raises(course.Problem, match="takes 'skimage.data.cat' from a package: give it a"):
        data_sets.page(small(code=code))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(course.Problem, match="extras/datasets.toml cannot be read"):
        data_sets.read(tmp_path)


def test_what_has_changed_is_named_by_its_heading(small):
    old, new = data_sets.page(small()), data_sets.page(small('size = "s"', 'size = "t"'))
    assert data_sets.changed(old, new) == ["Wine"]
    assert data_sets.changed(old, data_sets.page(small('https://example.org/emma"', 'https://example.org/e"'))) == [
        "Emma"
    ]
