"""Rebuild extras/datasets.md: the data sets of the course, the notebooks that use each, and larger ones to go on with.

What is known of the bundled sets comes from data/datasets.toml, the registry of data/build.py; which notebooks use them
from the notebooks' calls of `load`. extras/datasets.toml adds the official pages, the data that come inside packages
and the larger sets. Each `uses` of it is looked for in the notebooks' code.
"""

from dlutils.data import DATASETS, data_folder, load

import ast
import re
import tomllib

import course

SOURCE, PAGE = "extras/datasets.toml", "extras/datasets.md"
KEYS = {"name", "what", "size", "licence", "link", "get", "uses"}
NEEDED = {"package": KEYS, "larger": KEYS - {"get", "uses"}}
# What a notebook must not take from a package without a row here
WATCHED = ("sklearn.datasets.load_", "sklearn.datasets.fetch_", "skimage.data.", "gymnasium.make ", "find_spec ")
MAKERS = ("make", "make_vec")
HEAD = """# Data sets

Which data the course uses and where, and where to find more. A licence is given as the owners state it; read it again
before you publish or sell what you made. `make results` rebuilds this page from the notebooks, from the registry
`data/datasets.toml` and from `extras/datasets.toml`.

- [Bundled with the course](#bundled-with-the-course): {names}
- [Inside packages](#inside-packages)
- [Larger ones](#larger-ones)

## Bundled with the course

`dlutils.load(NAME)` reads them without a network. How each sample was made, with its checksum, is told in
[data/README.md](../data/README.md).

"""


def dotted(node):
    """ "a.b.c" of the expression `a.b.c`; "" for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := dotted(node.value)):
        return f"{left}.{node.attr}"
    return ""


def strings(tree):
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def used(notebook, place):
    """The data sets that a notebook loads, and the set of what else its code takes from packages.

    `load(name)` in a loop stands for the names of data sets that are written in the same cell.
    """
    trees, loaded, taken = [], set(), set()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.source.startswith("# Setup, the same"):
            source = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M)
            try:
                trees.append(ast.parse(source))
            except SyntaxError as error:
                raise course.Problem(f"{place}: a code cell is not Python: {error.msg}") from error
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = [alias for node in imports if node.module in ("dlutils", "dlutils.data") for alias in node.names]
    loaders = {"dlutils.load", "dlutils.data.load", *(one.asname or one.name for one in ours if one.name == "load")}
    taken |= {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                taken |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Attribute):
                taken.add(dotted(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("https:"):
                taken.add(node.value)
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name, first = dotted(node.func), node.args[0]
            constant = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if name in loaders:
                names = [first.value] if constant else [one for one in strings(tree) if one in DATASETS]
                for one in names:
                    if one not in DATASETS:
                        raise course.Problem(f"{place} loads {one!r}, which data/datasets.toml does not have")
                    loaded.add(one)
            elif constant and name.split(".")[-1] in MAKERS and name.split(".")[0] in ("gym", "gymnasium"):
                taken.add(f"gymnasium.make {first.value}")
            elif constant and name.split(".")[-1] == "find_spec":
                taken.add(f"find_spec {first.value}")
    return loaded, taken


def read(root=course.ROOT):
    """extras/datasets.toml; a Problem for what is wrong in it."""
    try:
        table = tomllib.loads((root / SOURCE).read_text(encoding="utf-8"))
    except OSError as error:
        raise course.Problem(f"{SOURCE} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise course.Problem(f"{SOURCE} is not valid TOML: {error}") from error
    if strange := set(table) - {"bundled", *NEEDED}:
        raise course.Problem(f"{SOURCE} holds [bundled], [[package]] and [[larger]], not {sorted(strange)[0]!r}")
    bundled, seen = table.get("bundled", {}), set()
    if lacking := sorted(set(DATASETS) ^ set(bundled)):
        raise course.Problem(
            f"{SOURCE}: [bundled] needs the official page of each data set of data/datasets.toml and no other; look at "
            f"{', '.join(lacking)}"
        )
    for kind, needed in NEEDED.items():
        for row in table.get(kind, []):
            name = row.get("name", row)
            if set(row) - KEYS or needed - set(row):
                wrong = ", ".join(sorted(set(row) - KEYS | needed - set(row)))
                raise course.Problem(f"{SOURCE}: {name!r} lacks a key, or has one too many: {wrong}")
            if name in seen:
                raise course.Problem(f"{SOURCE}: {name!r} is there twice")
            seen.add(name)
    for address in [*bundled.values(), *(row["link"] for kind in NEEDED for row in table.get(kind, []))]:
        if not re.fullmatch(r"https?://\S+", address):
            raise course.Problem(f"{SOURCE}: {address!r} is no address")
    return table


def links(places, root):
    """Links to notebooks by number and title."""
    if not places:
        return "no notebook yet"
    return " · ".join(f"[{course.title(root / place)}](../{place})" for place in places)


def anchor(heading):
    """What GitHub puts behind # for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def page(root=course.ROOT):
    """The text of datasets.md; a Problem for what stands in its way."""
    table, loads, takes = read(root), {}, {}
    for path in course.notebooks(root):
        place = path.relative_to(root).as_posix()
        loads[place], takes[place] = used(course.read(path), place)
    text = HEAD.format(names=", ".join(f"[{entry.title}](#{anchor(entry.title)})" for entry in DATASETS.values()))
    for name, entry in DATASETS.items():
        holds = load(name, full=False, quiet=True).note.removeprefix(f"{entry.title}: ")
        size = (data_folder() / entry.sample).stat().st_size
        size = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
        places = [place for place, names in loads.items() if name in names]
        text += (
            f'### {entry.title}\n\n`dlutils.load("{name}")` · {size} · [official page]({table["bundled"][name]})\n\n'
            f"{entry.about}.\n\n- Holds: {holds}\n- Source: {entry.source}\n- Licence: {entry.licence}\n"
            f"- Used in: {links(places, root)}\n\n"
        )
    text += "## Inside packages\n\nThey come with a package that the course installs, and need no network either.\n\n"
    for row in table.get("package", []):
        places = [place for place, taken in takes.items() if any(matches(one, taken) for one in row["uses"])]
        for one in row["uses"]:
            if not any(matches(one, taken) for taken in takes.values()):
                raise course.Problem(f"{SOURCE}: no notebook has {one!r}, which {row['name']!r} says it uses")
        text += (
            f"### {row['name']}\n\n{row['get']} · {row['size']} · [official page]({row['link']})\n\n{row['what']}.\n\n"
            f"- Licence: {row['licence']}\n- Used in: {links(places, root)}\n\n"
        )
    known = [one for row in table.get("package", []) for one in row["uses"]]
    for place, taken in takes.items():
        for one in sorted(taken):
            if one.startswith(WATCHED) and not any(matches(use, {one}) for use in known):
                raise course.Problem(f"{place} takes {one!r} from a package: give it a [[package]] in {SOURCE}")
    text += (
        "## Larger ones\n\nWhat readers ask for next. None is needed here; all are downloads of their owners.\n\n"
        "| data set | what for | size | licence, as its owners state it | used in |\n|---|---|---|---|---|\n"
    )
    for row in table.get("larger", []):
        places = [place for place, taken in takes.items() if any(matches(one, taken) for one in row.get("uses", ()))]
        if row.get("uses") and not places:
            raise course.Problem(f"{SOURCE}: no notebook has {row['uses'][0]!r}, which {row['name']!r} says it uses")
        cells = [f"[{row['name']}]({row['link']})", row["what"], row["size"], row["licence"]]
        cells.append(links(places, root) if places else "–")
        text += "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    return text


def matches(use, taken):
    """Whether `use` is among what is taken; with a * at its end, the beginning is enough."""
    return any(one.startswith(use[:-1]) if use.endswith("*") else one == use for one in taken)


def changed(old, new):
    """The headings and table rows whose text differs between two texts of the page."""

    def parts(text):
        found, heading = {}, "its head"
        for line in text.splitlines():
            if match := re.match(r"##+ (.+)|\| \[(.+?)\]", line):
                heading = match[1] or match[2]
            found[heading] = found.get(heading, "") + line + "\n"
        return found

    before, after = parts(old), parts(new)
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def main(arguments=None):
    return course.rebuild_page(PAGE, page, changed, __doc__, arguments)


if __name__ == "__main__":
    course.main(main)
