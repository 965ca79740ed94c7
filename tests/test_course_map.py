"""The picture of the course: every lesson, every need, nothing else; and what a wrong table of needs costs."""

from dlutils.exercises import progress

import re
import xml.etree.ElementTree as xml

import networkx
import pytest

import course
import course_map

SPACE = "{http://www.w3.org/2000/svg}"


def notebook(root, place, title, *needs):
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    row = ", ".join(f"[x]({need})" for need in needs) or "nothing"
    cell = f"# {title}\n\nAfter …\n\n| needs | time |\n|---|---|\n| {row} | 1 s |"
    made = course.nbformat.v4.new_notebook(cells=[course.nbformat.v4.new_markdown_cell(cell)])
    course.write(made, path)


@pytest.fixture
def small(tmp_path):
    notebook(tmp_path, "01_a/01_one.ipynb", "1.1 One & only")
    notebook(tmp_path, "01_a/02_two.ipynb", "1.2 Two, with a comma", "01_one.ipynb")
    notebook(tmp_path, "02_b/01_three.ipynb", "2.1 Three", "../01_a/01_one.ipynb", "../01_a/02_two.ipynb")
    return tmp_path


def drawn(text):
    """([text of each box], number of arrows) of a picture."""
    tree = xml.fromstring(text)
    boxes = [[line.text for line in group.iter(f"{SPACE}text")] for group in tree.iter(f"{SPACE}g")]
    return [" ".join(box) for box in boxes], len([p for p in tree.iter(f"{SPACE}path") if p.get("marker-end")])


def test_a_small_course_is_drawn_whole(small):
    boxes, arrows = drawn(course_map.picture(small))
    assert boxes == ["1.1 One & only", "1.2 Two", "2.1 Three after 1.2"] and arrows == 1  # 2.1 from 1.1 follows
    assert "1.2 builds on 1.1; 2.1 builds on 1.2." in course_map.picture(small)
    assert course_map.picture(small) == course_map.picture(small)


def test_boxes_do_not_overlap_and_arrows_lead_to_the_right():
    lessons = networkx.transitive_reduction(course_map.graph())
    place, bands = course_map.places(lessons)
    assert len(set(place.values())) == len(place) == len(course.notebooks())
    for before, after in lessons.edges:
        assert before.parts[0] != after.parts[0] or place[before][0] < place[after][0]
    for path, (_, row) in place.items():
        first, rows = bands[path.parts[0]]
        assert first <= row < first + rows


def test_the_picture_says_what_the_tables_say():
    lessons = course_map.graph()
    reduced = networkx.transitive_reduction(lessons)
    for path in lessons:
        assert set(lessons.predecessors(path)) == set(progress.needs(path))
        assert set(lessons.predecessors(path)) <= networkx.ancestors(reduced, path)
    boxes, arrows = drawn(course_map.PICTURE.read_text(encoding="utf-8"))
    assert len(boxes) == len(lessons)
    assert arrows == sum(before.parts[0] == after.parts[0] for before, after in reduced.edges)
    said = sum(len(re.findall(r"[\d.]+", box.split(" after ")[1])) for box in boxes if " after " in box)
    assert arrows + said == reduced.number_of_edges()


def test_links_open_the_lessons(small):
    tree = xml.fromstring(course_map.picture(small, link=lambda path: f"site/{path.stem}.html"))
    assert [a.get("href") for a in tree.iter(f"{SPACE}a")] == [
        f"site/{n}.html" for n in ("01_one", "02_two", "01_three")
    ]


def test_a_need_that_is_gone_is_named(small):
    notebook(small, "02_b/02_four.ipynb", "2.2 Four", "05_gone.ipynb")
    with pytest.raises(course.Problem, match=r"02_four\.ipynb: it needs 02_b/05_gone\.ipynb, which is not there"):
        course_map.picture(small)


def test_a_circle_of_needs_is_named(small):
    notebook(small, "01_a/01_one.ipynb", "1.1 One", "../02_b/01_three.ipynb")
    with pytest.raises(course.Problem, match=r"in a circle: (\S+) needs \S+ needs \S+ needs \1$"):
        course_map.picture(small)


def test_a_notebook_without_a_numbered_title_is_named(small):
    notebook(small, "02_b/02_four.ipynb", "Four")
    with pytest.raises(course.Problem, match=r"02_four\.ipynb: its first line"):
        course_map.picture(small)
