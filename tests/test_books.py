"""The books and courses in extras/: each chapter has its notes, each notebook its place. (Links: test_notebooks.py.)"""

import re

import pytest

import course
from prose import plain, see_each, twice

EXTRAS = course.ROOT / "extras"
CHAPTERS = {"deep_learning.md": 20, "hands_on_machine_learning.md": 19}
NUMBERS = {"deep_learning.md": 12, "hands_on_machine_learning.md": 8}
SHELF = [*(EXTRAS / "books" / name for name in CHAPTERS), EXTRAS / "books" / "README.md", EXTRAS / "courses.md"]


def sections(text):
    """(heading, body) of each part of a page that begins with ##."""
    return re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.M | re.S)


def book_faults(text, chapters, numbers):
    """What is missing from the page of a book with so many chapters, or too much in it; [] for a good one."""
    found = []
    if [heading.split(" ")[0] for heading, _ in sections(text)] != [f"{number}." for number in range(1, chapters + 1)]:
        found.append(f"its headings are not '## 1. …' to '## {chapters}. …', each once and in this order")
    for heading, body in sections(text):
        notes, *links = body.split("\n**With** ")
        if not links and "no notebook of ours" not in body:
            found.append(f"{heading}: it has no line **With** and does not say 'no notebook of ours'")
        if links and not 1 <= len(set(re.findall(r"\(\.\./\.\./(\S+?\.ipynb)\)", links[0]))) <= 3:
            found.append(f"{heading}: one to three notebooks are asked for")
        if not 40 <= len(plain(notes).split()) <= 110:
            found.append(f"{heading}: {len(plain(notes).split())} words of notes; 40 to 110 are asked for")
    if text.count("<!-- result: ") < numbers:
        found.append(f"fewer than {numbers} measured numbers of ours")
    return found


def course_faults(text):
    """What is missing from the page of courses; the last part is the table that starts from what one wants."""
    found = []
    *parts, (last, table) = sections(text)
    for heading, body in parts:
        if not re.search(r"\]\(https?://", body):
            found.append(f"{heading}: no link to the course")
        if not re.search(r"\*\*With\*\* \[\d.*\.ipynb\)", body):
            found.append(f"{heading}: no notebook beside it")
        if not 50 <= len(plain(body).split()) <= 125:
            found.append(f"{heading}: {len(plain(body).split())} words; 50 to 125 are asked for")
    if not table.strip().startswith("| you want |"):
        found.append(f"{last}: the page does not end with a table that starts from what one wants")
    return found


def homeless(texts, notebooks):
    """The notebooks that none of the texts links to."""
    linked = {name for text in texts for name in re.findall(r"\((?:\.\./)+(\S+?\.ipynb)\)", text)}
    return [name for name in notebooks if name not in linked]


def read(page):
    return page.read_text(encoding="utf-8")


def test_sections_and_words_of_a_known_page():
    assert sections("# T\n\n## 1. A\nb\n\n## 2. C\nd\n") == [("1. A", "b\n\n"), ("2. C", "d\n")]
    assert plain("a <!-- result: x | y z -->1 2<!-- /result --> [b c](d) $$ e f $$") == "a number [b c] equation"


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_book_has_notes_on_every_chapter(name):
    assert not book_faults(read(EXTRAS / "books" / name), CHAPTERS[name], NUMBERS[name])


def test_each_course_is_linked_and_has_a_notebook_beside_it():
    assert not course_faults(read(EXTRAS / "courses.md"))


def test_each_notebook_stands_beside_a_book_or_a_course():
    notebooks = [path.relative_to(course.ROOT).as_posix() for path in course.notebooks(course.ROOT)]
    missing = homeless(map(read, SHELF), notebooks)
    assert not missing, f"neither a book's page nor courses.md names {', '.join(missing)}"


def test_no_sentence_stands_twice_on_the_shelf():
    assert not twice(map(read, SHELF))


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_spoiled_book_is_seen(name):
    good = read(EXTRAS / "books" / name)
    chapter = next(body for _, body in sections(good) if "\n**With** " in body)
    see_each(
        good,
        lambda text: book_faults(text, CHAPTERS[name], NUMBERS[name]),
        ("## 3. ", "## 4. ", "headings"),
        ("## 3. ", "### 3. ", "headings"),
        ("\n**With** ", "\nWith ", "no line"),
        (chapter, "\nA word.\n" + chapter[chapter.index("\n**With** ") :], "words of notes"),
        (chapter, "\n" + "word " * 111 + chapter, "words of notes"),
        (chapter, chapter.replace(".ipynb)", ")"), "one to three"),
        (chapter, chapter + " ".join(f"(../../{n}.ipynb)" for n in range(4)), "one to three"),
        ("<!-- result: ", "<!-- ", "measured"),
    )


def test_spoiled_courses_are_seen():
    good = read(EXTRAS / "courses.md")
    _, body = sections(good)[0]
    see_each(
        good,
        course_faults,
        (body, body.replace("](http", "](ftp"), "no link"),
        ("**With** ", "With ", "no notebook"),
        (body, body + "word " * 80, "words"),
        ("| you want |", "| course |", "table"),
    )


def test_a_homeless_notebook_and_a_repeated_sentence_are_seen():
    text = read(EXTRAS / "courses.md")
    linked = re.search(r"\(\.\./(\S+?\.ipynb)\)", text)[1]
    assert homeless([text], [linked]) == []
    assert homeless([text.replace(linked, "x.ipynb")], [linked]) == [linked]
    assert homeless([text], ["01_foundations/99_unknown.ipynb"]) == ["01_foundations/99_unknown.ipynb"]
    sentence = "Here is one sentence of more than five words."
    assert twice([f"{sentence} {sentence}"]) == twice([sentence, f"Yes. {sentence}"]) == [sentence]
    assert twice(["Five words stand here twice. Five words stand here twice."]) == []
