"""Rebuild extras/glossary.md: the terms that the notebooks set in bold, what each means, and where it is explained.

extras/glossary.toml chooses the terms. A bold phrase of a notebook is a term, another name or form of one, or emphasis:
it ends like a sentence or a heading, has more than five words, is a number or a table's heading, or is listed as such.
An entry gives our own definition (`says`), or takes the sentence that holds the bold term from its first notebook.
Phrases are compared without regard to case, to an article before them, and to a punctuation mark behind them.
"""

import functools
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from types import MappingProxyType

import course

SOURCE, PAGE = "extras/glossary.toml", "extras/glossary.md"
EVERYWHERE = "everywhere"  # the key of what is emphasis in any notebook
KEYS = {"term": str, "also": list, "forms": list, "in": list, "says": str}
MOST_NOTEBOOKS, MOST_WORDS = 3, 5
HIDDEN = re.compile(r"(`+).+?\1|\$\$.+?\$\$|(?<![\\$])\$[^$\n]+(?:\n[^$\n]+)*\$", re.S)  # code and mathematics
BOLD = re.compile(r"(?<![\w*\\])\*\*(?=\S)(.+?)(?<=\S)\*\*(?![*])", re.S)
# What points at something that a reader of one sentence has not seen
LEANING = re.compile(r"(It|He|She|They|We|This|That|These|Those|Here|There|Another|Both|So|But|And|Or|Then|Now|One)\b")
HEAD = """# Glossary

The terms of the course, each with a sentence and the notebooks that explain it; the first notebook is the one to open.
`make results` rebuilds this page from `extras/glossary.toml` and the notebooks.

{letters}
"""


@dataclass(frozen=True)
class Bold:
    """A phrase that a notebook sets in bold, the sentence that holds it, and whether a table's heading does."""

    phrase: str
    sentence: str
    heading: bool = False

    @property
    def emphasis(self):
        """Whether it is no term, as its form shows."""
        bare = re.sub(r"\$.*?\$|[^\w]|\d", "", self.phrase)
        return (
            self.heading
            or self.phrase[-1] in ".:?!"
            or len(self.phrase.split()) > MOST_WORDS
            or bool(re.match(r"\d+\. ", self.phrase))
            or not bare
        )


def key(phrase):
    """What two phrases have in common that are the same term."""
    phrase = " ".join(phrase.split()).casefold().rstrip(".:,;?!")
    return re.sub(r"^(an?|the) (?=\S)", "", phrase)


def pieces(markdown):
    """Yield (text, heading) for each paragraph, list item and table row, code blocks left out."""
    markdown = re.sub(r"^(```|~~~).*?^\1\s*?$", "", markdown, flags=re.S | re.M)
    for paragraph in re.split(r"\n\s*\n", markdown):
        lines, gathered = paragraph.split("\n"), []
        for number, line in enumerate(lines):
            follows = lines[number + 1] if number + 1 < len(lines) else ""
            item = re.match(r"\s*(?:[-*+]|\d+\.)\s+", line)
            if gathered and (item or line.lstrip().startswith(("|", "#"))):
                yield " ".join(gathered), False
                gathered = []
            if line.lstrip().startswith("|"):
                yield line.strip(), bool(re.match(r"\s*\|[\s:|-]+$", follows))
            else:
                gathered.append(line[item.end() :] if item else line.strip())
        if gathered:
            yield " ".join(gathered), False


def bolds(markdown):
    """The bold phrases of a Markdown text, in order."""
    found = []
    for text, heading in pieces(markdown):
        kept = []

        def hide(match, kept=kept):
            kept.append(match[0])
            return f"\0{len(kept) - 1}\1"

        def shown(part, kept=kept):
            part = re.sub("\0(\\d+)\1", lambda match: kept[int(match[1])], part)
            return " ".join(part.replace("\2", " ").split())

        plain = HIDDEN.sub(hide, text)
        plain = BOLD.sub(lambda match: match[0].replace(" ", "\2"), plain)  # so that no sentence ends inside
        for sentence in re.split(r"(?<=[.!?])(?<!al\.)\s+(?=[A-Z\0*(\"])|(?<=[.!?]\*\*)\s+", plain):
            clean = re.sub(r"!?\[([^\]]*)\]\([^)\s]*\)", r"\1", sentence.replace("**", ""))
            found += [Bold(shown(phrase), shown(clean), heading) for phrase in BOLD.findall(sentence)]
    return found


@functools.cache
def of_notebook(path):
    """The bold phrases of the notebook at `path`."""
    cells = course.read(path).cells
    return tuple(bold for cell in cells if cell.cell_type == "markdown" for bold in bolds(cell.source))


@dataclass(frozen=True)
class Entry:
    """A term, its other names and forms, and its notebooks."""

    term: str
    notebooks: tuple
    also: tuple = ()
    forms: tuple = ()
    says: str = ""

    @property
    def keys(self):
        return {key(name) for name in (self.term, *self.also, *self.forms)}


def read(root=course.ROOT):
    """The entries of glossary.toml and its emphasis, {notebook: phrases}; a Problem for what is wrong in it."""
    try:
        table = tomllib.loads((root / SOURCE).read_text(encoding="utf-8"))
    except OSError as error:
        raise course.Problem(f"{SOURCE} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise course.Problem(f"{SOURCE} is not valid TOML: {error}") from error
    if strange := set(table) - {"entry", "emphasis"}:
        raise course.Problem(f"{SOURCE} holds [[entry]] tables and one [emphasis], not {sorted(strange)[0]!r}")
    entries, seen = [], {}
    for row in table.get("entry", []):
        name = row.get("term", row)
        for field, value in row.items():
            if field not in KEYS:
                raise course.Problem(f"{SOURCE}: {name!r} has the unknown key {field!r}; known are {', '.join(KEYS)}")
            texts = value if isinstance(value, list) else [value]
            if type(value) is not KEYS[field] or not all(isinstance(one, str) and one.strip() for one in texts):
                kind = "a text" if KEYS[field] is str else "a list of texts"
                raise course.Problem(f"{SOURCE}: {field!r} of {name!r} must be {kind}")
        if not row.get("term") or not 1 <= len(row.get("in", ())) <= MOST_NOTEBOOKS:
            raise course.Problem(f"{SOURCE}: {name!r} needs a `term` and one to {MOST_NOTEBOOKS} notebooks in `in`")
        entry = Entry(
            row["term"],
            tuple(row["in"]),
            tuple(row.get("also", ())),
            tuple(row.get("forms", ())),
            " ".join(row.get("says", "").split()),
        )
        for one in (entry.term, *entry.also):
            if key(one) in seen:
                raise course.Problem(f"{SOURCE}: {one!r} is there twice: of {seen[key(one)]!r} and of {entry.term!r}")
            seen[key(one)] = entry.term
        entries.append(entry)
    emphasis = table.get("emphasis", {})
    for place, names in emphasis.items():
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise course.Problem(f"{SOURCE}: the emphasis of {place} must be a list of texts")
    return entries, MappingProxyType({place: tuple(names) for place, names in emphasis.items()})


def faults(root=course.ROOT):
    """One sentence for each thing to mend in glossary.toml, or to add to it."""
    entries, emphasis = read(root)
    places = {path.relative_to(root).as_posix(): of_notebook(path) for path in course.notebooks(root)}
    bold = {place: {key(one.phrase) for one in found} for place, found in places.items()}
    for entry in entries:
        for place in entry.notebooks:
            if place not in places:
                yield f"{SOURCE}: the notebook of {entry.term!r} is gone: {place}"
            elif not entry.keys & bold[place]:
                yield f"{SOURCE}: {entry.term!r} is not bold in {place}; name another notebook, or its `forms`"
        if entry.notebooks[0] in places and not entry.says:
            sentence = taken(entry, root)
            if sentence and (LEANING.match(sentence) or not re.search(r"[.!?]$", sentence) or "|" in sentence):
                yield f"{SOURCE}: {entry.term!r} needs `says`: its sentence does not stand by itself: {sentence}"
    bold[EVERYWHERE] = set().union(*bold.values())
    for place, names in emphasis.items():
        if place not in bold:
            yield f"{SOURCE}: the notebook of some emphasis is gone: {place}"
            continue
        for name in names:
            if key(name) not in bold[place]:
                yield f"{SOURCE}: the emphasis {name!r} is not bold {'in ' * (place != EVERYWHERE)}{place}; take it out"
    known = {key(name) for name in emphasis.get(EVERYWHERE, ())}.union(*(entry.keys for entry in entries))
    for place, found in places.items():
        listed = {key(name) for name in emphasis.get(place, ())}
        for one in dict.fromkeys(one.phrase for one in found if not one.emphasis):
            if key(one) not in known | listed:
                yield f"{place}: **{one}** is bold: define it in {SOURCE}, or list it there under [emphasis]"


def taken(entry, root):
    """The sentence of the entry's first notebook that holds the term in bold; "" if none does."""
    sentences = [one.sentence for one in of_notebook(root / entry.notebooks[0]) if key(one.phrase) in entry.keys]
    sentence = sentences[0].replace(r"\,", " ") if sentences else ""  # GitHub takes the backslash for Markdown's
    return sentence[:1].upper() + sentence[1:]


def order(name):
    """Where a term stands: by its letters, without accents; ε as epsilon, τ as tau."""
    spelt = re.sub(r"[Α-ω]", lambda match: unicodedata.name(match[0]).split()[-1], name)
    plain = unicodedata.normalize("NFKD", spelt)
    return re.sub(r"[^a-z0-9 ]", "", plain.casefold().replace("-", " ").replace("–", " ")).strip(), name


def page(root=course.ROOT):
    """The text of glossary.md; a Problem for what stands in its way."""
    if wrong := list(faults(root)):
        more = f"\n… and {len(wrong) - 20} more" if len(wrong) > 20 else ""
        raise course.Problem("\n".join(wrong[:20]) + more)
    entries, _ = read(root)
    titles = {
        place: course.title(root / place) for place in sorted({place for one in entries for place in one.notebooks})
    }
    lines = {}
    for entry in entries:
        names = f" ({', '.join(entry.also)})" if entry.also else ""
        links = " · ".join(f"[{titles[place]}](../{place})" for place in entry.notebooks)
        lines[entry.term] = f"- **{entry.term}**{names}: {entry.says or taken(entry, root)} {links}"
        lines |= {other: f"- **{other}**: see **{entry.term}**." for other in entry.also}
    letters = {}
    for name in sorted(lines, key=order):
        first = order(name)[0][:1].upper()
        letters.setdefault(first if first.isalpha() else "0–9", []).append(lines[name])
    index = " · ".join(f"[{letter}](#{letter.replace('–', '').lower()})" for letter in letters)
    parts = [f"## {letter}\n\n" + "\n".join(rows) for letter, rows in letters.items()]
    return HEAD.format(letters=index) + "\n" + "\n\n".join(parts) + "\n"


def changed(old, new):
    """The terms whose lines differ between two texts of the page."""
    differ = set(old.splitlines()) ^ set(new.splitlines())
    terms = {match[1] for line in differ if (match := re.match(r"- \*\*(.+?)\*\*", line))}
    return sorted(terms, key=order) or ["its head"]


def main(arguments=None):
    return course.rebuild_page(PAGE, page, changed, __doc__, arguments)


if __name__ == "__main__":
    course.main(main)
