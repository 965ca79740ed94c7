"""Build the course's site from the committed notebooks: make site, or with a server on this machine ARGS=--serve.

Notebooks, papers, books, glossary and README become pages of one searchable site in _site/, which asks nothing of any
other server. Nothing is executed. The new site takes the place of the old one only when no page has a broken link or
formula, or a figure without words; otherwise each fault is told with its page, and the old site stays.
"""

import argparse
import binascii
import errno
import functools
import hashlib
import html
import html.parser
import http.server
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.parse
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

import course
import course_map

SITE = course.ROOT / "extras" / "site"
QUESTIONS = "extras/site/questions.toml"
OUTPUT = course.ROOT / "_site"
PORT = 8000
MADE = "course-site.json"  # marks a folder that this script has made, and may replace
FONT = "_static/stix-two-math.woff"
COLAB = re.compile(r"\[!\[Open in Colab\]\(https?://[^)]+\)\]\((https://colab\.research\.google\.com/[^)]+)\)")
# Code, in which nothing is a link: a block between fences, or a span between backticks
CODE = re.compile(r"(^ {0,3}(?:```|~~~).*?^ {0,3}(?:```|~~~)[ \t]*$|(?<!`)`[^`\n]+`(?!`))", re.M | re.S)
LINK = re.compile(r"(?<=\]\()(?P<target>[^()\s]+)(?=(?:\s+\"[^\"]*\")?\))")
# Words of a sentence that introduces a figure: those that point at it, and those that may
POINTS = re.compile(
    r"\b(shows?|draws?|drawn|left|right|below|above|look (at|for)|(in|as) the (picture|figure)|next)\b", re.I
)
MAY = re.compile(
    r"\b(pictures?|figures?|plots?|curves?|diagram|map|panels?|bars?|lines?|points?|see|watch|here)\b", re.I
)
SETUP = "Setup: what this notebook does in Colab"  # the bar in the place of the folded cell
LONGEST = 900  # characters that describe a figure


class Course:
    """What is to become a site: the folder `root`, its pages, and the address of its repository."""

    def __init__(self, root=course.ROOT):
        self.root = Path(root).resolve()
        self.address = course.repository(self.root)
        self.notebooks = course.notebooks(self.root)
        texts = [self.root / "README.md", self.root / "data" / "README.md", *sorted(self.root.glob("extras/**/*.md"))]
        self.texts = [path for path in texts if path.exists()]
        self.pages = {*self.notebooks, *self.texts}
        self.faults = []

    def name(self, path):
        return Path(path).relative_to(self.root).as_posix()

    def relink(self, text, page, place=""):
        """The Markdown `text` of `page` with links that hold on the site too.

        What is a page there stays a relative link. Other files of the repository are linked at its address. What is
        neither is a fault.
        """
        parts = CODE.split(text)
        for k in range(0, len(parts), 2):
            parts[k] = LINK.sub(lambda found: self.target(found["target"], page, place), parts[k])
        return "".join(parts)

    def target(self, target, page, place=""):
        if target.startswith("#") or re.match(r"[a-z][a-z0-9+.-]*:", target, re.I):
            return target
        name, _, anchor = target.partition("#")
        path = (page.parent / urllib.parse.unquote(name)).resolve()
        if not path.is_relative_to(self.root) or not path.exists():
            self.faults.append(f"{self.name(page)}{place}: links to {target}, which is not there")
            return target
        if path.is_dir() and path / "README.md" in self.pages:
            path, name = path / "README.md", posix(name, "README.md")
        if path in self.pages:
            if path.suffix == ".ipynb" and anchor:  # Jupyter's anchors keep capitals and signs
                return f"{name}#{slug(urllib.parse.unquote(anchor).replace('-', ' '))}"
            return f"{name}#{anchor}" if anchor else name
        if path.suffix in (".svg", ".png", ".jpg"):
            return name  # gather() copies it
        kind = "tree" if path.is_dir() else "blob"
        return f"{self.address}/{kind}/main/{self.name(path)}" + (f"#{anchor}" if anchor else "")


def posix(*parts):
    return "/".join(part.rstrip("/") for part in parts if part)


def slug(title):
    """A heading's anchor, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def plain(markdown):
    """A sentence of Markdown as it would be read out: no links, no emphasis, no dollar signs."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"\\(?:text|mathrm|operatorname|mathbf|hat|bar|tilde)\b\s*", "", text)
    text = re.sub(r"[*`$]|<!--.*?-->", "", text)
    text = re.sub(r"\\([A-Za-z]+)", r"\1", re.sub(r"\\[,;:! ]", " ", text))
    return " ".join(re.sub(r"[{}]", "", text).split())


def sentences(markdown):
    """The sentences of the paragraphs of a Markdown cell: no headings, tables, lists, code or displayed formulas."""
    text = re.sub(r"^(```|~~~).*?^\1\s*$|^\$\$.*?\$\$", "", markdown, flags=re.M | re.S)
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        if not re.match(r"\s*(#|\||[-*+] |\d+\. |>|!\[|\[!\[|$)", paragraph):
            found += re.split(r"(?<=[.!?:])\s+(?=[A-Z*`$\[(])", " ".join(paragraph.split()))
    return [sentence for sentence in map(plain, found) if len(sentence.split()) > 2]


def introduction(cells, position):
    """The sentence that introduces the output of the cell at `position`.

    It is the last sentence of the text before that points at something to look at, else the last one.
    """
    for cell in reversed(cells[:position]):
        if cell.cell_type == "markdown" and (found := sentences(cell.source)):
            chosen = [[sentence for sentence in found if words.search(sentence)] for words in (POINTS, MAY)]
            return next(filter(None, [*chosen, found]))[-1]
    return ""


def figures(notebook):
    """{SHA-256 of a picture: what it shows} for all pictures among the outputs; myst-nb names their files so."""
    words = {}
    for position, cell in enumerate(notebook.cells):
        before = introduction(notebook.cells, position)
        for output in cell.get("outputs", ()):
            for kind, content in output.get("data", {}).items():
                if kind.startswith("image/"):
                    data = content.encode() if kind == "image/svg+xml" else binascii.a2b_base64(content)
                    own = plain(output.metadata.get(kind, {}).get("alt", ""))
                    said = " ".join(filter(None, (before, own)))
                    said = said if len(said) <= LONGEST else said[:LONGEST].rsplit(" ", 1)[0] + " …"
                    words[hashlib.sha256(data).hexdigest()] = said
    return words


def lesson(site, path):
    """The notebook at `path` as the site has it: no badge from elsewhere, the setup cell folded, links that hold."""
    notebook = course.read(path)
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            source = COLAB.sub(r"[Open in Colab](\1)", cell.source)
            cell.source = site.relink(source, path, f", cell {position + 1}")
        elif cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-cell"]
            cell.metadata["mystnb"] = {"code_prompt_show": SETUP, "code_prompt_hide": SETUP}
    return notebook


def questions(site):
    """The landing page's groups of questions, each with the section that answers it, as (name, [(question, link)])."""
    file = site.root / QUESTIONS
    groups = tomllib.loads(file.read_text(encoding="utf-8"))["group"] if file.exists() else []
    known, result = {}, []
    for group in groups:
        lines = []
        for question, name, heading in group["questions"]:
            path = site.root / name
            if path not in site.pages:
                site.faults.append(f"{QUESTIONS}: {name} is not there ({question})")
                continue
            if path not in known:
                known[path] = headings(course.read(path))
            if heading not in known[path]:
                site.faults.append(f"{QUESTIONS}: {name} has no heading {heading!r}")
            lines.append((question, name, heading))
        result.append((group["name"], lines))
    return result


def headings(notebook):
    """The headings of a notebook's Markdown cells, as they are written."""
    text = "\n".join(CODE.sub(_inline, cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    return re.findall(r"^#{1,4} (.+?)\s*$", text, re.M)


def _inline(found):
    return found[0] if found[0].startswith("`") and "\n" not in found[0] else ""


def landing(site):
    """The landing page: what the course is, how to start, its map, what people ask, and the chapters."""
    title, about, *rest = (site.root / "README.md").read_text(encoding="utf-8").split("\n\n")
    lines = [title, "", about, ""]
    if rest and rest[0].startswith("- "):
        lines += [rest[0], ""]
    picture = course_map.picture(site.root, link=lambda path: path.with_suffix(".html").as_posix())
    first = site.name(site.notebooks[0])
    lines += ["## Start", ""]
    lines += [f"- Read here: begin with [{course.title(site.notebooks[0]).replace(']', '')}]({first}), or search."]
    lines += ["- Run a lesson in your browser: open it, then choose **Open in Colab** under its title."]
    lines += [
        f"- Run all on your machine: `git clone {site.address}`, then `make lab` in that folder. [All ways](README.md)"
    ]
    lines += ["", "## Map of the course", "", "Each box opens its lesson; an arrow leads from what it builds on.", ""]
    lines += ["```{raw} html", f'<div class="course-map" tabindex="0">{picture.strip()}</div>', "```", ""]
    groups = questions(site)
    lines += ["## What are you looking for?", ""] if groups else []
    for name, asked in groups:
        lines += [f"### {name}", "", "| question | where it is answered |", "|---|---|"]
        for question, page, heading in asked:
            number = course.number(site.root / page, site.root)
            lines.append(f"| [{question}]({page}#{slug(heading)}) | {number} {plain(heading)} |")
        lines.append("")
    lines += ["## The lessons", ""]
    chapters = {}
    for path in site.notebooks:
        chapters.setdefault(path.relative_to(site.root).parts[0], []).append(path)
    trees = []
    for chapter, paths in chapters.items():
        name = f"{int(chapter[:2])}. {course.CHAPTERS.get(chapter, chapter[3:])}"
        lines += [f"### {name}", ""]
        for path in paths:
            said = re.sub(
                "^After this notebook you can (.)", lambda m: m[1].upper(), course.sentence(course.read(path))
            )
            said = site.relink(said, path)
            lines.append(f"- [{course.title(path)}]({site.name(path)}): {said}")
        lines.append("")
        trees.append((name, [site.name(path) for path in paths]))
    shelf = [page for page in SHELF if site.root / page in site.pages]
    trees.append(("Beside the lessons", shelf))
    for name, pages in trees:
        lines += ["```{toctree}", ":hidden:", f":caption: {name}", "", *pages, "```", ""]
    return "\n".join(lines)


SHELF = ["extras/glossary.md", "extras/datasets.md", "extras/papers/README.md", "extras/books/README.md"]
SHELF += ["extras/courses.md", "extras/teaching.md", "extras/windows.md", "data/README.md", "README.md"]


def text(site, path):
    """A page in Markdown as it goes on the site: links that hold, and what lies below it in the list of pages."""
    source = site.relink(path.read_text(encoding="utf-8"), path)
    if path == site.root / "README.md":
        source = source.replace("# Hands-On Deep Learning", "# Install, run, change: the README", 1)
    if path.name == "README.md" and path.parent.parent == site.root / "extras":
        below = sorted(site.name(other) for other in site.texts if other.parent == path.parent and other != path)
        tree = ["```{toctree}", ":hidden:", "", *(f"/{name}" for name in below), "```", ""]
        source += "\n\n" + "\n".join(tree)
    return source


def gather(site, folder):
    """Write all sources of the site into `folder`, laid out as in the repository; faults go to site.faults."""
    entries = {}
    for _, asked in questions(site):
        for question, name, heading in asked:
            entries.setdefault(name, {}).setdefault(slug(heading), []).append(question.rstrip("?"))
    notes = {}
    for path in site.notebooks:
        notebook, name = lesson(site, path), site.name(path)
        notes[name.removesuffix(".ipynb")] = {"figures": figures(notebook), "entries": entries.get(name, {})}
        place = folder / site.name(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        course.write(notebook, place)
    for path in site.texts:
        place = folder / site.name(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text(site, path), encoding="utf-8")
    for path in site.root.glob("extras/*.svg"):
        shutil.copy(path, folder / site.name(path))
    (folder / "index.md").write_text(landing(site), encoding="utf-8")
    (folder / "_notes.json").write_text(json.dumps(notes), encoding="utf-8")


def run_sphinx(site, sources, output, jobs=1):
    """Have Sphinx make pages of `sources`; each of its warnings is a fault."""
    complaints = sources / "_warnings.txt"
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-n", "-W", "--keep-going", "-j", str(jobs)]
    command += ["-c", str(SITE), "-d", str(sources / "_doctrees"), "-w", str(complaints)]
    command += ["-D", f"course_repository={site.address}", str(sources), str(output)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "TMPDIR": str(sources)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    found = complaints.read_text(encoding="utf-8") if complaints.exists() else ""
    faults = [readable(line, site, sources) for line in found.splitlines() if line.strip()]
    if done.returncode and not faults:
        faults = [f"Sphinx stopped:\n{done.stderr.strip()[-2000:]}"]
    site.faults += dict.fromkeys(faults)


def readable(line, site, sources):
    """A warning of Sphinx with the page as the repository names it, and the cell where it has one."""
    line = line.replace(f"{sources}{os.sep}", "").replace(str(sources), "").removeprefix("WARNING: ")
    found = re.match(
        r"(?P<page>[^:]+\.(?:ipynb|md))(?::(?P<line>\d+))?: (?:WARNING|ERROR|CRITICAL): (?P<said>.*)", line
    )
    if not found:
        return line
    place = found["line"] or ""
    if place and found["page"].endswith(".ipynb"):  # myst-nb counts 10,000 lines for a cell
        place = f", cell {int(place) // 10_000}"
    elif place:
        place = f", line {place}"
    said = re.sub(r" *\[[a-z_.]+\]$", "", found["said"])
    return f"{found['page']}{place}: {said}"


class Page(html.parser.HTMLParser):
    """What a finished page holds: anchors, links, what it loads, pictures without words, signs in formulas."""

    def __init__(self, content):
        super().__init__(convert_charrefs=True)
        self.anchors, self.links, self.loads, self.silent, self.signs = set(), [], [], [], set()
        self.math = 0
        self.feed(content)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag in ("img", "script", "iframe", "source", "video", "audio", "embed") and found.get("src"):
            self.loads.append(found["src"])
        if tag == "link" and found.get("href") and found.get("rel") not in ("canonical",):
            (self.links if found.get("rel") in ("next", "prev", "search", "index") else self.loads).append(
                found["href"]
            )
        if tag == "img" and not (found.get("alt") or "").strip():
            self.silent.append(found.get("src", ""))
        self.math += tag == "math"

    def handle_endtag(self, tag):
        self.math -= tag == "math"

    def handle_data(self, data):
        if self.math > 0:
            self.signs |= set(data)


def inspect(site, output):
    """Look through all finished pages: links, anchors, what is loaded, words for figures. Returns the signs of math."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(output.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(output).as_posix()
        for link in dict.fromkeys([*page.links, *page.loads]):
            if re.match(r"[a-z][a-z0-9+.-]*:|//", link, re.I):
                if link in page.loads and not link.startswith("data:"):
                    site.faults.append(f"{name}: loads {link} from elsewhere")
                continue
            place, _, anchor = link.partition("#")
            place = urllib.parse.unquote(place.partition("?")[0])
            target = (path.parent / place).resolve() if place else path
            if target == output / "_static" / Path(FONT).name:
                continue
            if not target.is_relative_to(output) or not target.is_file():
                site.faults.append(f"{name}: links to {link}, which is not there")
            elif anchor and target in pages and urllib.parse.unquote(anchor) not in pages[target].anchors:
                site.faults.append(f"{name}: links to {link}, and there is no such place on that page")
        site.faults += [f"{name}: {source} has no words for those who cannot see it" for source in page.silent]
    return set().union(*(page.signs for page in pages.values()))


def write_font(signs, place):
    """The font of the formulas, with the signs that the site has and all letters in italics."""
    package = Path(importlib.util.find_spec("ziamath").origin).parent  # only for its font, which has the OFL
    font = TTFont(package / "fonts" / "STIXTwoMath-Regular.ttf")
    letters = [*range(0x20, 0x7F), *range(0x391, 0x3F6), *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C), 0x210E]
    options = subset.Options(layout_features=["*"], notdef_outline=True, name_IDs=["*"])
    made = subset.Subsetter(options)
    made.populate(unicodes={*letters, *map(ord, signs), 0x302, 0x303, 0x304, 0x307, 0x20D7, 0x2032})
    made.subset(font)
    font.flavor = "woff"
    font.save(place)


def build(root=course.ROOT, output=OUTPUT, jobs=1):
    """Build the site of the course in `root` and put it in the place of `output`.

    Raises:
        course.Problem: with every fault that was found; what was in `output` is as it was.
    """
    output = Path(output).resolve()
    if output.exists() and not (output / MADE).exists() and (output.is_file() or any(output.iterdir())):
        raise course.Problem(f"{output}: there is something that is no site of this course; choose another --output")
    site = Course(root)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="course-site-") as folder:
        sources, made = Path(folder).resolve() / "sources", Path(folder).resolve() / "site"
        sources.mkdir()
        gather(site, sources)
        if not site.faults:
            run_sphinx(site, sources, made, jobs)
        for left in (*made.glob("_static/*webpack-macros.html"), *made.glob("_static/**/*.map")):
            left.unlink()  # the themes' own building material
        if not site.faults:
            signs = inspect(site, made)
            write_font(signs, made / FONT)
        if site.faults:
            faults = list(dict.fromkeys(site.faults))
            kept = "the site of before stays in place" if output.exists() else "no site was made"
            said = "\n  ".join(faults[:50]) + (f"\n  and {len(faults) - 50} more" if len(faults) > 50 else "")
            raise course.Problem(f"{len(faults)} fault{'s' * (len(faults) > 1)}; {kept}:\n  {said}")
        for name in (".buildinfo", "objects.inv"):
            (made / name).unlink(missing_ok=True)
        (made / ".nojekyll").touch()  # GitHub Pages would leave out the folders whose names begin with _
        (made / MADE).write_text(json.dumps({"lessons": len(site.notebooks)}) + "\n", encoding="utf-8")
        replace(made, output)
    pages = list(output.rglob("*.html"))
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    seconds = time.perf_counter() - start
    print(f"{len(pages)} pages, {size / 1e6:.0f} MB, in {seconds:.0f} s: {output / 'index.html'}")
    return output


def replace(made, output):
    """Put the folder `made` in the place of `output` by renaming: at no time is there half a site."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as beside:
        new, old = Path(beside) / "new", Path(beside) / "old"
        shutil.copytree(made, new)
        if output.exists():
            output.rename(old)
        try:
            new.rename(output)
        except OSError:
            if old.exists():
                old.rename(output)
            raise


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def server(folder, port):
    """A server of `folder` on this machine alone; port 0 takes a free one.

    Raises:
        course.Problem: the port is in use.
    """
    kind = type("Server", (http.server.ThreadingHTTPServer,), {"allow_reuse_address": os.name != "nt"})
    try:
        return kind(("127.0.0.1", port), functools.partial(Quiet, directory=str(folder)))
    except (OSError, OverflowError) as error:
        why = "is in use" if getattr(error, "errno", None) == errno.EADDRINUSE else f"cannot be had ({error})"
        raise course.Problem(f"port {port} {why}; choose another: make site ARGS=--serve={PORT + 1}") from None


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    serve = "then serve it on this machine, until Ctrl-C"
    parser.add_argument("--serve", nargs="?", type=int, const=PORT, metavar="PORT", help=f"{serve} (port {PORT})")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the site goes (default: _site)")
    parser.add_argument("--jobs", type=int, default=1, help="processes to build with (default: 1)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as with Ctrl-C, leaving nothing behind
    if options.serve is None:
        build(output=options.output, jobs=options.jobs)
        return 0
    with server(
        options.output.resolve(), options.serve
    ) as serving:  # before the work, so that a port in use is told at once
        build(output=options.output, jobs=options.jobs)
        print(f"http://127.0.0.1:{serving.server_port}/ (Ctrl-C ends it)", flush=True)
        serving.serve_forever()


if __name__ == "__main__":
    course.main(main)
