"""What the site needs beyond myst-nb: formulas as MathML, words for figures, entries for the search."""

import html
import json
import posixpath
from pathlib import Path

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx import addnodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
# In the folder of sources: {page: {"figures": {SHA-256: what it shows}, "entries": {anchor: [what is searched for]}}}
NOTES = "_notes.json"
GLOSSARY = "extras/glossary"
MACROS = {"substack": r"\begin{subarray}{c}#1\end{subarray}"}
TEX = LatexToMathML(macros=MACROS, fancy_error=False)


def mathml(formula, block):
    """The formula as MathML, which every current browser draws by itself.

    Raises:
        LatexError: with the place in the formula and what is wrong there.
    """
    return TEX.convert_with_local_state(formula, displaystyle=block)


def drawn(node, block):
    formula = node.astext()
    try:
        return mathml(formula, block)
    except LatexError as error:
        LOGGER.warning("broken formula, %s in %r", error, formula, location=node, type="course", subtype="formula")
        return f"<code>{html.escape(formula)}</code>"


def inline(translator, node):
    translator.body.append(f'<span class="math">{drawn(node, False)}</span>')
    raise nodes.SkipNode


def block(translator, node):
    # tabindex: a formula that is wider than the screen can be scrolled with the keyboard too
    translator.body.append(f'<div class="math-block" tabindex="0">{drawn(node, True)}</div>\n')
    raise nodes.SkipNode


def annotate(app, doctree):
    """Give every figure its words, and the search its extra entries.

    A figure without any words is a warning, which stops the build.
    """
    file = Path(app.srcdir) / NOTES
    notes = json.loads(file.read_text(encoding="utf-8")).get(app.env.docname, {}) if file.exists() else {}
    figures, entries = notes.get("figures", {}), notes.get("entries", {})
    for image in doctree.findall(nodes.image):
        found = figures.get(posixpath.splitext(posixpath.basename(image["uri"]))[0])
        if found:
            image["alt"] = found
        if not image.get("alt", "").strip():
            LOGGER.warning("a figure without words for those who cannot see it", location=image, type="course")
    for section in doctree.findall(nodes.section):
        for said in entries.get(section.get("slug"), ()):
            section.insert(1, entry(said, section["ids"][0]))
    if app.env.docname == GLOSSARY:
        terms(doctree)


def terms(doctree):
    """Make each term of the glossary a place of its own, which the search finds by the term's name."""
    taken = set()
    for item in list(doctree.findall(nodes.list_item)):
        first = next((child for child in item[0].children if child.astext().strip()), None) if len(item) else None
        name = nodes.make_id(f"term-{first.astext()}") if isinstance(first, nodes.strong) else None
        if name and name not in taken:
            taken.add(name)
            item["ids"].append(name)
            item.insert(0, entry(first.astext(), name))


def entry(said, name):
    """What the search finds under the words `said`: the place `name` of the page."""
    return addnodes.index(entries=[("single", said.replace(";", ","), name, "main", None)])


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("doctree-read", annotate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
