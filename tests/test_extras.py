"""The shelf in extras/: the pages on papers are whole, and their list agrees with them. (Links: test_notebooks.py.)"""

import re

import pytest

import course
from prose import plain, see_each, twice

PAPERS = course.ROOT / "extras" / "papers"
PAGES = sorted(path for path in PAPERS.glob("*.md") if re.match(r"\d{4}_", path.name))
PARTS = ["The idea", "The equation that matters", "What our notebook reproduces", "What came after", "Citation"]


def faults(text):
    """What is missing from the text of a page, or too much in it; [] for a good one."""
    found = []
    if re.findall(r"^## (.+)$", text, re.M) != PARTS:
        found.append(f"its parts are not {PARTS}")
    if not re.search(r"^\*\*We (build|lean on) it in\*\* \[\d", text, re.M):
        found.append("it does not say which notebook builds it, or leans on it")
    if not re.search(r"^\$\$ .+ \$\$$", text, re.M):
        found.append("no equation")
    if not 1 <= text.count("<!-- result: ") <= 4:
        found.append("one to four measured numbers of ours are asked for")
    if (words := len(plain(text).split())) > 420:
        found.append(f"{words} words; a page has at most 420")
    links = set(re.findall(r"arxiv\.org/abs/([\d.]+)", text.split("## The idea")[0]))
    if cited := set(re.findall(r"arXiv:([\d.]+\d)", text.split("## Citation")[-1])):
        if links and cited != links:
            found.append(f"the citation names arXiv:{cited}, the head links to {links}")
    return found


def test_there_are_at_least_thirty_papers():
    assert len(PAGES) >= 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_whole(page):
    assert not faults(page.read_text(encoding="utf-8"))


def test_a_spoiled_page_is_seen():
    see_each(
        PAGES[0].read_text(encoding="utf-8"),
        faults,
        ("## The idea", "## Idea", "parts"),
        ("**We ", "**They ", "which notebook"),
        ("$$ ", "", "equation"),
        ("<!-- result: ", "<!-- ", "measured"),
        ("## Citation", "## Citation\n" + "word " * 420, "words"),
    )


def test_the_list_of_papers_names_every_page_once_by_year():
    rows = re.findall(
        r"^\| (\d{4}) \| \[(.+?)\]\((\S+?)\) \| (.+) \|$", (PAPERS / "README.md").read_text("utf-8"), re.M
    )
    assert sorted(name for _, _, name, _ in rows) == [page.name for page in PAGES]
    assert [year for year, *_ in rows] == sorted(year for year, *_ in rows)
    for year, title, name, notebooks in rows:
        text = (PAPERS / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {title}\n") and name.startswith(year)
        head = text.split("## The idea")[0]
        assert set(re.findall(r"\(\.\./\.\./(\S+?)\)", notebooks)) == set(re.findall(r"\(\.\./\.\./(\S+?)\)", head)), (
            name
        )


def test_no_sentence_stands_on_two_pages():
    texts = (page.read_text(encoding="utf-8") for page in PAGES)
    assert not twice(text.split("## The idea")[1].split("## Citation")[0] for text in texts)
