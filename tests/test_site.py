"""The site: each part of its making, what bad input costs, and the whole of it in a real browser."""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import nbformat.v4 as v4
import pytest
from PIL import Image

import build_site
import chromium
import course
import rendering

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
LESSON = "01_foundations/03_mlp_and_backpropagation"
SECTION = "theory-backward"  # where the gradient of softmax cross-entropy is derived


def lesson(title, *cells, needs="nothing"):
    first = f"# {title}\n\nAfter this notebook you can do it.\n\n| needs | time |\n|---|---|\n| {needs} | 1 s |"
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return v4.new_notebook(cells=[v4.new_markdown_cell(first), *cells], metadata=metadata)


def drawing(alt=None):
    data = {"image/png": PICTURE, "text/plain": "<Figure>"}
    metadata = {"image/png": {"alt": alt}} if alt else {}
    return v4.new_code_cell("draw()", outputs=[v4.new_output("display_data", data=data, metadata=metadata)])


@pytest.fixture
def small(tmp_path):
    """A course of two lessons and one paper, which has all that the real one has."""
    root = tmp_path / "course"
    for folder in ("01_foundations", "extras/papers", "extras/site", "data"):
        (root / folder).mkdir(parents=True)
    address = 'repository = "https://github.com/someone/course"'
    (root / "pyproject.toml").write_text(f"[tool.course]\n{address}\n", encoding="utf-8")
    (root / "README.md").write_text("# Small\n\nA small course.\n\n## Use\n\nRead [data](data/).\n", encoding="utf-8")
    (root / "data" / "README.md").write_text("# Data\n\n[table](a.csv)\n", encoding="utf-8")
    (root / "data" / "a.csv").write_text("1\n", encoding="utf-8")
    paper = "# A paper\n\nWe build it in [1.1](../../01_foundations/01_one.ipynb).\n"
    (root / "extras" / "papers" / "2000_paper.md").write_text(paper, encoding="utf-8")
    (root / "extras" / "papers" / "README.md").write_text("# Papers\n\n[it](2000_paper.md)\n", encoding="utf-8")
    asked = '[[group]]\nname = "Asked"\nquestions = [["Why one?", "01_foundations/01_one.ipynb", "Why `one`?"]]\n'
    (root / "extras" / "site" / "questions.toml").write_text(asked, encoding="utf-8")
    why = v4.new_markdown_cell("## Why `one`?\n\nBecause $x^2$. The picture shows two [lines](02_two.ipynb).")
    setup = v4.new_code_cell("import os", metadata={"jupyter": {"source_hidden": True}})
    course.write(lesson("1.1 One", setup, why, drawing()), root / "01_foundations" / "01_one.ipynb")
    back = v4.new_markdown_cell("## Two\n\nAs in [1.1](01_one.ipynb#Why-one%3F).\n\n$$y = \\frac{1}{x}$$")
    two = lesson("1.2 Two", back, needs="[1.1](01_one.ipynb)")
    course.write(two, root / "01_foundations" / "02_two.ipynb")
    return root


def change(root, name, old, new):
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# --- parts -----------------------------------------------------------------------------------------------------------


def test_links_hold_on_the_site(small):
    site = build_site.Course(small)
    page = small / "extras" / "papers" / "README.md"
    github = "https://github.com/someone/course"
    text = "[a](2000_paper.md) [b](../../data/a.csv) [`c`](../../data) [d](../../extras) [e](http://x.org) [f](#g)"
    new = f"[a](2000_paper.md) [b]({github}/blob/main/data/a.csv) [`c`](../../data/README.md)"
    assert site.relink(text, page) == f"{new} [d]({github}/tree/main/extras) [e](http://x.org) [f](#g)"
    assert site.relink("[a](../../01_foundations/01_one.ipynb#Why-one?)", page).endswith("one.ipynb#why-one)")
    code = "`[a](gone.md)`\n\n```\n[a](gone.md)\n```\n"
    assert site.relink(code, page) == code and not site.faults
    site.relink("[a](gone.md)", page, ", cell 3")
    assert site.faults == ["extras/papers/README.md, cell 3: links to gone.md, which is not there"]


def test_a_figure_is_told_by_the_sentence_that_introduces_it_and_by_its_own_words():
    cells = [
        v4.new_markdown_cell(
            "# Title\n\nSome words. The **left** side shows $h_1$ of [2.1](x.ipynb). It matters a lot."
        ),
        drawing("Figure of 1 panel. loss against step"),
        v4.new_markdown_cell("## Next\n\n- a list\n\nNothing like it is known.\n\n$$a = b$$"),
        v4.new_code_cell("x = 1"),
        drawing(),
    ]
    assert build_site.introduction(cells, 1) == "The left side shows h_1 of 2.1."
    assert build_site.introduction(cells, 4) == "Nothing like it is known."
    (said,) = build_site.figures(v4.new_notebook(cells=cells[:2])).values()
    assert said == "The left side shows h_1 of 2.1. Figure of 1 panel. loss against step"


def test_the_badge_is_not_fetched_and_the_setup_cell_is_folded(small):
    path = small / "01_foundations" / "01_one.ipynb"
    notebook = course.read(path)
    notebook.cells[0].source = f"# 1.1 One\n\n{course.badge(path, 'https://github.com/someone/course', small)}"
    course.write(notebook, path)
    made = build_site.lesson(build_site.Course(small), path)
    place = "https://colab.research.google.com/github/someone/course/blob/main/01_foundations/01_one.ipynb"
    assert made.cells[0].source == f"# 1.1 One\n\n[Open in Colab]({place})"
    assert made.cells[1].metadata["tags"] == ["hide-cell"] and "tags" not in made.cells[3].metadata


def test_every_question_leads_to_a_heading_and_none_is_asked_twice():
    site = build_site.Course()
    groups = build_site.questions(site)
    assert not site.faults, "\n".join(site.faults)
    asked = [question for _, lines in groups for question, *_ in lines]
    assert len(asked) >= 25 and len(set(asked)) == len(asked)
    assert ("How do I compute the gradient of softmax cross-entropy?", f"{LESSON}.ipynb", "Theory: backward") in groups[
        0
    ][1]


HARD = [
    r"\begin{aligned} a &= b \\ &= \operatorname{diag}(c) \end{aligned}",
    r"\underbrace{x + y}_{\text{sum}} \le \lVert x \rVert_2",
    r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}^{\!\top} \odot \mathbb{1}[Z_1 > 0]",
    r"\sum_{\substack{i < j \\ j < k}} \bar{\tilde X}_{ij}, \quad \begin{cases} 0 & x < 0 \\ x \end{cases}",
]


@pytest.mark.parametrize("formula", HARD)
def test_hard_formulas_become_mathml(formula):
    made = rendering.mathml(formula, True)
    assert made.startswith('<math display="block"') and "merror" not in made and "\\" not in made


@pytest.mark.parametrize("formula", [r"\frac{1", r"\nosuchthing x", r"\begin{aligned} a", "x^2^3"])
def test_a_broken_formula_is_refused(formula):
    with pytest.raises(rendering.LatexError):
        rendering.mathml(formula, False)


def test_a_finished_page_is_looked_through(tmp_path):
    output = tmp_path / "site"
    (output / "_static").mkdir(parents=True)
    (output / "b.html").write_text("<p id='here'></p>", encoding="utf-8")
    page = '<a href="b.html#here">a</a><a href="b.html#there">b</a><a href="c.html">c</a><img src="b.html" alt=" ">'
    page += '<script src="https://x.org/a.js"></script><a href="https://x.org">d</a><math><mi>α</mi></math>'
    (output / "a.html").write_text(page, encoding="utf-8")
    site = build_site.Course()
    assert build_site.inspect(site, output) == {"α"}
    assert site.faults == [
        "a.html: links to b.html#there, and there is no such place on that page",
        "a.html: links to c.html, which is not there",
        "a.html: loads https://x.org/a.js from elsewhere",
        "a.html: b.html has no words for those who cannot see it",
    ]


# --- a small site, and what bad input costs --------------------------------------------------------------------------


def build(root, tmp_path):
    return build_site.build(root, tmp_path / "site")


def refused(root, tmp_path):
    """What building says, which must leave the site of before as it was and nothing else behind."""
    before = sorted(path.name for path in tmp_path.iterdir())
    was = (tmp_path / "site" / "index.html").stat().st_mtime_ns
    with pytest.raises(course.Problem) as problem:
        build(root, tmp_path)
    assert "the site of before stays in place" in str(problem.value)
    assert (tmp_path / "site" / "index.html").stat().st_mtime_ns == was
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    return str(problem.value)


def test_a_small_site_and_each_fault_named(small, tmp_path, monkeypatch, capsys):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    output = build(small, tmp_path)
    assert re.search(r"8 pages, .* in \d+ s", capsys.readouterr().out)
    page = (output / "01_foundations" / "01_one.html").read_text(encoding="utf-8")
    assert '<span class="math"><math><msup>' in page and 'alt="The picture shows two lines."' in page
    landing = (output / "index.html").read_text(encoding="utf-8")
    assert 'href="01_foundations/01_one.html#why-one">Why one?' in landing.replace('<span class="std std-ref">', "")
    assert '<a href="01_foundations/02_two.html"><rect' in landing  # a box of the map

    build(small, tmp_path)  # a second time, over the first
    one, two = "01_foundations/01_one.ipynb", "01_foundations/02_two.ipynb"
    change(small, two, "\\\\frac{1}{x}", "\\\\fracc{1}{x}")
    change(small, one, "$x^2$", "$x^2^3$")
    said = refused(small, tmp_path)
    assert f"{two}, cell 2: broken formula" in said and "fracc" in said and f"{one}, cell 3: broken formula" in said
    assert str(tmp_path / "temporary") not in said

    change(small, two, "\\\\fracc{1}{x}", "x")
    change(small, one, "$x^2^3$", "x")
    change(small, two, "01_one.ipynb#Why-one%3F", "01_one.ipynb#nowhere")
    assert f"{two}, cell 2: " in refused(small, tmp_path)

    change(small, two, "01_one.ipynb#nowhere", "05_gone.ipynb")
    assert f"{two}, cell 2: links to 05_gone.ipynb, which is not there" in refused(small, tmp_path)

    change(small, two, "](05_gone.ipynb", "](01_one.ipynb")
    change(small, two, "[1.1](01_one.ipynb) | 1 s", "nothing | 1 s")
    (small / one).unlink()
    said = refused(small, tmp_path)
    assert "extras/papers/2000_paper.md: links to ../../01_foundations/01_one.ipynb, which is not there" in said
    assert "extras/site/questions.toml: 01_foundations/01_one.ipynb is not there (Why one?)" in said
    assert not list(temporary.iterdir())


def test_what_is_no_notebook_and_what_is_no_site_is_named(small, tmp_path):
    (small / "01_foundations" / "02_two.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(course.Problem, match="02_two.ipynb: not a valid notebook"):
        build_site.build(small, tmp_path / "site")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").touch()
    with pytest.raises(course.Problem, match="mine: there is something that is no site of this course"):
        build_site.build(small, mine)
    assert [path.name for path in mine.iterdir()] == ["letter.txt"]


def test_a_heading_that_is_gone_is_named(small):
    change(small, "01_foundations/01_one.ipynb", "Why `one`?", "Why two?")
    site = build_site.Course(small)
    build_site.questions(site)
    assert site.faults == ["extras/site/questions.toml: 01_foundations/01_one.ipynb has no heading 'Why `one`?'"]


def script(*arguments, **environment):
    command = [sys.executable, str(course.ROOT / "extras" / "scripts" / "build_site.py"), *map(str, arguments)]
    return subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_port_in_use_is_named_before_the_work(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = script(f"--serve={port}", f"--output={tmp_path / 'site'}")
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 2 and f"port {port} is in use; choose another: make site ARGS=--serve=" in said
    assert "Traceback" not in said and not (tmp_path / "site").exists()
    with pytest.raises(course.Problem, match="port 70000 cannot be had"):
        build_site.server(tmp_path, 70000)


def test_the_server_is_for_this_machine_and_leaves_its_port(tmp_path):
    (tmp_path / "index.html").write_text("here", encoding="utf-8")
    with build_site.server(tmp_path, 0) as serving:
        port = serving.server_port
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert direct.open(f"http://127.0.0.1:{port}/", timeout=10).read() == b"here"
        with pytest.raises(urllib.error.HTTPError):
            direct.open(f"http://127.0.0.1:{port}/gone.html", timeout=10)
        assert serving.server_address[0] == "127.0.0.1"
        serving.shutdown()
    with build_site.server(tmp_path, port):
        pass  # free again


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")
def test_a_build_that_is_stopped_leaves_nothing(tmp_path):
    temporary, output = tmp_path / "temporary", tmp_path / "out" / "site"
    temporary.mkdir()
    process = script(f"--output={output}", TMPDIR=str(temporary))
    end = time.monotonic() + 60
    while not list(temporary.glob("*/sources/_doctrees")) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert not list(temporary.iterdir()) and not output.parent.exists()


# --- the workflow ----------------------------------------------------------------------------------------------------


def test_the_workflow_builds_with_the_pins_and_publishes_what_was_built(root):
    yaml = pytest.importorskip("yaml")
    text = (root / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert any("extras/scripts/build_site.py" in step.get("run", "") for step in steps)
    assert [s["with"]["path"] for s in steps if "upload-pages" in s.get("uses", "")] == [build_site.OUTPUT.name]
    wanted = (root / "requirements.txt").read_text(encoding="utf-8")
    listed = re.search(r"^# Site.*?\n(.*?)\n\n", wanted, re.M | re.S)[1]
    assert {line.split("==")[0] for line in listed.splitlines()} >= {"sphinx", "myst-nb", "math-core", "ziamath"}


# --- the whole site --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The whole site, built once; removed when these tests end, since it is large."""
    folder = tmp_path_factory.mktemp("whole")
    yield build_site.build(output=folder / "site")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def base(site):
    """The address at which the site is served while these tests run."""
    with build_site.server(site, 0) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(playwright):
    running = playwright.chromium.launch(executable_path=chromium.find())
    yield running
    running.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


LOOK = """() => {
    const seen = element => { const box = element.getBoundingClientRect(); return box.width > 0 && box.height > 0 };
    const open = element => !element.closest('details:not([open])');
    const images = [...document.querySelectorAll('article img')];
    return {
        title: document.querySelector('h1')?.textContent.trim() ?? '',
        broken: images.filter(image => !image.complete || !image.naturalWidth).map(image => image.src),
        alts: images.map(image => image.alt.trim()),
        formulas: document.querySelectorAll('math').length,
        flat: [...document.querySelectorAll('math')].filter(m => m.textContent && open(m) && !seen(m))
            .map(m => m.outerHTML),
        tex: [...document.querySelectorAll('article p, article li, article td')].map(e => e.textContent)
            .filter(text => /\\$[^$]*\\\\[a-z]+[^$]*\\$/.test(text)),
        font: !document.querySelector('math') || document.fonts.check('16px "STIX Two Math"'),
        wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        colab: document.querySelector('article a[href^="https://colab.research"]')?.href,
    };
}"""


@pytest.fixture(scope="module")
def visits(site, base, browser):
    """{page: what a reader's browser finds there}, for every page, on the screen of a phone."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    opened, found = context.new_page(), {}
    said = []
    opened.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda asked: None if asked.url.startswith((base, "data:")) else said.append(asked.url))
    # The picture in the browser's tab comes last, and may be given up when the next page is asked for.
    opened.on("requestfailed", lambda asked: None if "ABORTED" in (asked.failure or "") else said.append(asked.url))
    opened.on("response", lambda got: said.append(f"{got.status}: {got.url}") if got.status >= 400 else None)
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        answer = opened.goto(base + name, wait_until="load")
        opened.evaluate("() => document.fonts.ready.then(() => null)")
        found[name] = {"status": answer.status, **opened.evaluate(LOOK), "said": said[:]}
        said.clear()
    context.close()
    return found


def wrong(visits, test):
    return {name: found for name, found in visits.items() if not test(found)}


def test_each_page_loads_without_a_complaint_and_asks_no_other_server(visits):
    pages = {course_page(path) for path in [*course.notebooks(), *course.ROOT.glob("extras/**/*.md")]}
    assert pages <= visits.keys() and len(visits) > 80
    assert not {name: found["said"] for name, found in visits.items() if found["said"] or found["status"] != 200}
    assert all(found["title"] for found in visits.values())


def course_page(path):
    return path.relative_to(course.ROOT).with_suffix(".html").as_posix()


def test_formulas_are_drawn_with_their_own_font(visits):
    assert sum(found["formulas"] for found in visits.values()) > 4000
    assert not {name: found["flat"] for name, found in visits.items() if found["flat"]}
    assert not {name: found["tex"] for name, found in visits.items() if found["tex"]}
    assert not wrong(visits, lambda found: found["font"])


def test_figures_show_and_each_has_words_of_its_own(visits):
    assert not {name: found["broken"] for name, found in visits.items() if found["broken"]}
    alts = [alt for found in visits.values() for alt in found["alts"]]
    count = sum(
        kind.startswith("image/")
        for path in course.notebooks()
        for cell in course.read(path).cells
        for output in cell.get("outputs", ())
        for kind in output.get("data", {})
    )
    assert len(alts) >= count > 300 and all(len(alt) > 10 for alt in alts)
    assert len(set(alts)) > 0.95 * len(alts)


def test_on_a_phone_every_page_scrolls_in_one_direction_only(visits):
    assert not {name: found["wider"] for name, found in visits.items() if found["wider"] > 0}


def test_every_lesson_opens_in_colab(visits):
    address = course.repository().replace("https://github.com/", "https://colab.research.google.com/github/")
    for path in course.notebooks():
        place = path.relative_to(course.ROOT).as_posix()
        assert visits[course_page(path)]["colab"] == f"{address}/blob/main/{place}"


def test_the_search_finds_a_lesson_a_term_and_a_question(page, base):
    page.goto(f"{base}index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("backpropagation")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("() => /found \\d+ page/.test(document.querySelector('#search-results').textContent)")
    links = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.getAttribute('href'))")
    assert links[0] == "extras/glossary.html#term-backpropagation"
    assert any(link.startswith(f"{LESSON}.html") for link in links[:6])
    page.goto(f"{base}search.html?q=gradient+of+softmax+cross-entropy")
    page.wait_for_selector("#search-results li a")
    assert page.get_attribute("#search-results li a", "href").startswith(f"{LESSON}.html#{SECTION}")


def test_a_newcomer_finds_the_gradient_of_softmax_cross_entropy_with_one_click(page, base):
    page.goto(f"{base}index.html")
    page.get_by_text("How do I compute the gradient of softmax cross-entropy?").click()
    page.wait_for_url(f"**/{LESSON}.html#{SECTION}")
    heading = page.locator("h2", has_text="Theory: backward")
    page.wait_for_timeout(300)
    assert heading.is_visible() and 0 <= heading.bounding_box()["y"] < 450


def test_each_box_of_the_map_opens_its_lesson(page, base):
    page.goto(f"{base}index.html")
    boxes = page.eval_on_selector_all(".course-map a", "all => all.map(a => a.getAttribute('href'))")
    assert sorted(boxes) == sorted(course_page(path) for path in course.notebooks())
    page.locator(f'.course-map a[href="{LESSON}.html"]').click()
    page.wait_for_url(f"**/{LESSON}.html")
    assert "Multilayer perceptron" in page.title()


def test_a_wide_brace_is_drawn_from_end_to_end(page, base):
    page.goto(f"{base}03_generative/04_diffusion.html")
    page.evaluate("() => document.fonts.ready.then(() => null)")
    braced = page.locator("munder:has(> mo:text-is('⏟'))").last
    whole, above = braced.bounding_box(), braced.locator("> *").first.bounding_box()
    assert whole["width"] > 100
    drawn = Image.open(io.BytesIO(braced.screenshot())).convert("L")
    brace = drawn.crop((0, round(above["y"] + above["height"] - whole["y"]), drawn.width, drawn.height))
    ink = [x for x in range(brace.width) if brace.crop((x, 0, x + 1, brace.height)).getextrema()[0] < 128]
    assert ink[0] < 8 and ink[-1] > drawn.width - 8 and len(ink) > 0.9 * drawn.width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_stay_readable_in_the_dark(browser, base, scheme):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{base}{LESSON}.html")
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    dark = sum(map(int, re.findall(r"\d+", ground)[:3])) < 200
    assert dark == (scheme == "dark"), ground
    looks = "all => [...new Set(all.map(i => getComputedStyle(i).backgroundColor + ' ' + getComputedStyle(i).filter))]"
    assert page.eval_on_selector_all("article .cell_output img", looks) == ["rgb(255, 255, 255) none"]
    colour = page.evaluate("() => getComputedStyle(document.querySelector('math')).color")
    light = sum(map(int, re.findall(r"\d+", colour)[:3])) > 500
    assert light == (scheme == "dark"), colour
    context.close()


def test_what_is_built_is_small_enough_to_publish_and_holds_no_path_of_this_machine(site):
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < 200e6  # GitHub Pages allows 1 GB
    assert json.loads((site / build_site.MADE).read_text(encoding="utf-8"))["lessons"] == len(course.notebooks())
    for path in (*site.glob("*.html"), site / "searchindex.js"):
        text = path.read_text(encoding="utf-8")
        assert str(course.ROOT) not in text and "course-site-" not in text, path
