"""The picture of the course: a band for each chapter, a box for each notebook, and which needs which.

An arrow leads from what is needed in the same chapter; what is needed of others stands in the box. All of it comes from
the tables in the notebooks' first cells. What follows from the rest is left out: of "1.6 needs 1.3, and 2.2 needs both"
the second. `results.py` keeps the picture, extras/course_map.svg, in step with the notebooks.
"""

from dlutils.exercises import progress

import argparse
import html
import re
import textwrap

import networkx

import course

PICTURE = course.ROOT / "extras" / "course_map.svg"
FILLS = ("#d8e9f7", "#fbe3c0", "#d3efdf", "#f3dbea", "#fdf6c4", "#e4e4e4")  # light, so that black text stands out
BOX, GAP, MARGIN, BAND = (140, 60), (36, 10), 12, 26  # widths and heights in pixels; BAND: a chapter's heading
COLUMNS = 5


def graph(root=course.ROOT):
    """The course as a networkx.DiGraph: nodes are paths below `root`, edges lead from what is needed.

    Raises:
        course.Problem: a notebook needs one that is not there, or (by way of others) itself.
    """
    lessons = [path.relative_to(root) for path in course.notebooks(root)]
    found = networkx.DiGraph()
    found.add_nodes_from(lessons)
    for path in lessons:
        for need in progress.needs(path, root):
            if need not in found:
                raise course.Problem(f"{path}: it needs {need.as_posix()}, which is not there")
            found.add_edge(need, path)
    if not networkx.is_directed_acyclic_graph(found):
        circle = [after.as_posix() for _, after in reversed(networkx.find_cycle(found))]
        raise course.Problem(f"notebooks in a circle: {' needs '.join([*circle, circle[0]])}")
    return found


def places(lessons, columns=COLUMNS):
    """{notebook: (column, row)} and {chapter: (first row, number of rows)}.

    Within a chapter, lessons that build on each other go from left to right; the others fill rows of their own.
    """
    place, bands, top = {}, {}, 0
    rank = {path: k for k, path in enumerate(lessons)}.__getitem__  # the order of the course
    for chapter in sorted({path.parts[0] for path in lessons}):
        own = lessons.subgraph(path for path in lessons if path.parts[0] == chapter)
        groups = [sorted(group, key=rank) for group in networkx.weakly_connected_components(own)]
        groups.sort(key=lambda group: rank(group[0]))
        row = top
        for group in (group for group in groups if len(group) > 1):
            used = {}
            for path in networkx.lexicographical_topological_sort(own.subgraph(group), key=rank):
                column = 1 + max((place[before][0] for before in own.predecessors(path)), default=-1)
                beside = max((place[before][1] for before in own.predecessors(path)), default=row)
                used[column] = max(used.get(column, row - 1) + 1, beside)
                place[path] = (column, used[column])
            row = max(used.values()) + 1
        single = [path for group in groups if len(group) == 1 for path in group]
        place |= {path: (k % columns, row + k // columns) for k, path in enumerate(single)}
        bottom = row + -(-len(single) // columns)
        bands[chapter], top = (top, bottom - top), bottom
    return place, bands


def picture(root=course.ROOT, link=None):
    """The picture as SVG, the same on every machine; `link`, if given, makes a path the address that its box opens."""
    lessons = networkx.transitive_reduction(graph(root))
    place, bands = places(lessons)
    order = list(bands)

    def corner(path):
        column, row = place[path]
        heading = (order.index(path.parts[0]) + 1) * BAND
        return MARGIN + 8 + column * (BOX[0] + GAP[0]), MARGIN + heading + row * (BOX[1] + GAP[1])

    width = max(corner(path)[0] for path in place) + BOX[0] + 8 + MARGIN
    height = max(corner(path)[1] for path in place) + BOX[1] + 8 + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" font-family="Helvetica, Arial, sans-serif" font-size="12">',
        "<title>Map of the course: which lesson needs which</title>",
        f"<desc>{html.escape(words(lessons, root))}</desc>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#444"/></marker></defs>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
    ]
    for k, (chapter, (first, rows)) in enumerate(bands.items()):
        top, tall = MARGIN + k * BAND + first * (BOX[1] + GAP[1]), BAND + rows * (BOX[1] + GAP[1]) - 4
        name = html.escape(f"{int(chapter[:2])}. {course.CHAPTERS.get(chapter, chapter[3:])}")
        look = f'rx="6" fill="{FILLS[k % len(FILLS)]}" fill-opacity="0.4"'
        lines.append(f'<rect x="{MARGIN}" y="{top}" width="{width - 2 * MARGIN}" height="{tall}" {look}/>')
        lines.append(f'<text x="{MARGIN + 8}" y="{top + 17}" font-weight="bold" font-size="13">{name}</text>')
    for before, after in sorted(lessons.edges):
        if before.parts[0] == after.parts[0]:
            (x, y), (u, v) = corner(before), corner(after)
            x, y, v = x + BOX[0], y + BOX[1] / 2, v + BOX[1] / 2
            curve = f"M{x} {y} C{x + GAP[0]} {y} {u - GAP[0]} {v} {u} {v}"
            lines.append(f'<path d="{curve}" fill="none" stroke="#444" stroke-width="1.2" marker-end="url(#tip)"/>')
    for path in place:
        others = [before for before in lessons.predecessors(path) if before.parts[0] != path.parts[0]]
        drawn = box(path, *corner(path), FILLS[order.index(path.parts[0]) % len(FILLS)], sorted(others), root)
        lines.append(f'<a href="{html.escape(link(path))}">{drawn}</a>' if link else f"<g>{drawn}</g>")
    return "\n".join([*lines, "</svg>", ""])


def box(path, x, y, fill, others, root):
    """One lesson: its number, its title in short, and what it needs of other chapters."""
    number, title = titled(path, root)
    middle = x + BOX[0] / 2
    lines = textwrap.wrap(f"{number} {re.split('[:,] ', title)[0]}", 21)
    first = y + BOX[1] / 2 + 4 - 7 * (len(lines) - 1 + bool(others))
    drawn = [f'<rect x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="5" fill="{fill}" stroke="#444"/>']
    for k, line in enumerate(lines):
        drawn.append(f'<text x="{middle}" y="{first + 14 * k}" text-anchor="middle">{html.escape(line)}</text>')
    if others:
        after = "after " + ", ".join(titled(other, root)[0] for other in others)
        look = 'text-anchor="middle" font-size="10.5" fill="#333" font-style="italic"'
        drawn.append(f'<text x="{middle}" y="{first + 14 * len(lines)}" {look}>{after}</text>')
    return "".join(drawn)


def titled(path, root=course.ROOT):
    """(number, title) of the notebook at `path` below `root`."""
    title = progress.title_cell(root / path).split("\n")[0]
    found = re.match(r"# (\d+(?:\.\d+)*) (.+)", title)
    if not found:
        raise course.Problem(f"{path}: its first line is not of the form '# 1.3 Title'")
    return found.groups()


def words(lessons, root=course.ROOT):
    """The picture in words: what each notebook builds on."""
    numbers = {path: titled(path, root)[0] for path in lessons}
    said = []
    for path in lessons:
        before = ", ".join(sorted((numbers[b] for b in lessons.predecessors(path)), key=_key)) or "nothing"
        said.append(f"{numbers[path]} builds on {before}")
    return "; ".join(said) + "."


def _key(number):
    return [int(part) for part in number.split(".")]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", action="store_true", help="print what builds on what instead of writing the picture")
    options = parser.parse_args(arguments)
    if options.words:
        print(words(networkx.transitive_reduction(graph())).replace("; ", "\n"))
        return 0
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")
    print(f"{PICTURE.relative_to(course.ROOT)}: written")
    return 0


if __name__ == "__main__":
    course.main(main)
