"""The course as a reader meets it: JupyterLab in a real browser, lessons run, an exercise solved by typing.

The server is the one of `make lab`, on copies of two short lessons in a temporary folder. Set COURSE_SCREENSHOTS to a
folder to have pictures of what was seen.
"""

import contextlib
import os
import re
import shutil
import socket
import tempfile
import time
from pathlib import Path

import matplotlib
import nbformat
import psutil
import pytest

import chromium
import course
from lab_server import TOKEN, own_places, running, started

PERCEPTRON = "01_foundations/02_perceptron.ipynb"
AUTOGRAD = "01_foundations/05_autograd_from_scratch.ipynb"
MINUTES = 8  # for a whole lesson, on a machine under load; waiting ends when the kernel is idle

# What the page says about its notebook. A cell with a hidden input has no prompt.
STATE = """() => {
    const cells = [...document.querySelectorAll(".jp-CodeCell")];
    const prompts = cells.map(cell => cell.querySelector(".jp-InputPrompt")?.textContent ?? "");
    return {prompts, kernel: document.querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status ?? "none"};
}"""
DONE = f"""before => {{
    const {{prompts, kernel}} = ({STATE})();
    const ran = prompts.some((prompt, i) => /\\d/.test(prompt) && prompt !== (before[i] ?? ""));
    return kernel === "idle" && ran && !prompts.some(prompt => prompt.includes("*"));
}}"""


class Notebook:
    """A notebook open in a browser's tab, used as a person would: by its menus, its keys and what it shows."""

    def __init__(self, page, path):
        self.page, self.path = page, path

    def state(self):
        return self.page.evaluate(STATE)

    def menu(self, name, item):
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        enabled = self.page.locator(":not(.lm-mod-disabled)")
        self.page.get_by_role("menuitem", name=item, exact=True).and_(enabled).click()

    def wait(self, before=()):
        """Until the kernel is idle, no cell waits, and a cell has run whose number is not among those `before`."""
        self.page.wait_for_function(DONE, arg=list(before), timeout=MINUTES * 60_000)

    def run_all(self):
        """Clear the outputs that the notebook came with, then run all its cells."""
        self.menu("Edit", "Clear Outputs of All Cells")
        assert not any(re.search(r"\d", prompt) for prompt in self.state()["prompts"]) and not self.outputs()
        self.menu("Run", "Run All Cells")
        self.wait()

    def cell(self, text):
        """The code cell whose source begins with `text`."""
        start = re.compile(rf"^\s*{re.escape(text)}")
        return self.page.locator(".jp-CodeCell").filter(has=self.page.locator(".cm-content", has_text=start))

    def write(self, cell, *lines):
        """Replace what stands in the cell by typing; the editor indents a new line as the one before asks."""
        editor = cell.locator(".cm-content")
        editor.click()
        self.page.keyboard.press("ControlOrMeta+a")
        for number, line in enumerate(lines):
            if number:
                self.page.keyboard.press("Enter")
            self.page.keyboard.type(line)

    def run(self, cell):
        before = self.state()["prompts"]
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        self.wait(before)

    def outputs(self, cell=None):
        """The texts of the outputs, of one cell or of all."""
        return (cell or self.page).locator(".jp-OutputArea-output").all_inner_texts()

    def errors(self):
        """The tracebacks; JupyterLab shows them as it shows what a cell writes to stderr."""
        on_stderr = self.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]')
        return [
            text for text in on_stderr.all_inner_texts() if re.search(r"^\w*(Error|Exception|Interrupt)\b", text, re.M)
        ]

    def visible(self, selector):
        """How many elements of this kind are shown with a size; pictures must have come with one."""
        script = """all => all.filter(e => {
            const box = e.getBoundingClientRect();
            return box.width > 0 && box.height > 0 && (e.naturalWidth ?? 1) > 0;
        }).length"""
        return self.page.locator(selector).evaluate_all(script)

    def screenshot(self, name):
        if folder := os.environ.get("COURSE_SCREENSHOTS"):
            self.page.screenshot(path=os.path.join(folder, f"{name}.png"))


class Desk:
    """JupyterLab and a browser, with all that they write in one folder."""

    def __init__(self, folder, server, browser):
        self.folder, self.server, self.browser = folder, server, browser
        self.open_ones = {}

    def notebook(self, path, cells=None):
        """The notebook at `path`, open, with its kernel ready; made of these code cells first, if there are any."""
        if path in self.open_ones:
            return self.open_ones[path]
        if cells:
            new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
            new.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
            nbformat.write(new, self.folder / "work" / path)
        page = self.browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{self.server.address}lab/workspaces/w{len(self.open_ones)}/tree/{path}?token={TOKEN}")
        page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
        end = time.monotonic() + 120
        while self.kernel(path) != "idle":  # the page says "idle" before it has asked for a kernel
            assert time.monotonic() < end, f"no kernel for {path}: {self.server.ask('api/sessions')}"
            page.wait_for_timeout(100)
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(state="attached")
        self.open_ones[path] = Notebook(page, path)
        return self.open_ones[path]

    def family(self):
        """Every process that the desk needs: the server, its kernels, the browser."""
        found = self.server.family()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(str(self.folder / "profile") in argument for argument in process.cmdline()):
                    found.append(process)
        return found

    def kernel(self, path):
        """What the server says about the kernel of that notebook; None while the page is not connected to one."""
        kernels = [session["kernel"] for session in self.server.ask("api/sessions") if session["path"] == path]
        return kernels[0]["execution_state"] if kernels and kernels[0]["connections"] else None


@contextlib.contextmanager
def a_desk(root, playwright):
    """A `Desk` with copies of the two lessons; when it ends, in whatever way, its processes and its folder are gone."""
    # Below /tmp, where there is one: the browser's socket, whose path has to be short, lies in it.
    short = "/tmp" if os.path.isdir("/tmp") else None
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="desk-", dir=short)))
        for path in (PERCEPTRON, AUTOGRAD, "README.md"):
            (folder / "work" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / path, folder / "work" / path)
        environment = own_places(folder)
        environment["MPLCONFIGDIR"] = matplotlib.get_cachedir()  # its list of fonts takes long to make anew
        settings = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text('{"windowingMode": "none"}', encoding="utf-8")  # cells out of sight are in the page too
        course.no_network(environment)
        where = f"--ServerApp.root_dir={folder / 'work'}"
        server = stack.enter_context(started(root, folder / "log", where, environment=environment))
        browser = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=chromium.find(),
            viewport={"width": 1280, "height": 1000},
            env=environment,
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],  # no network for the browser either
        )
        try:
            yield Desk(folder, server, browser)
        finally:
            with contextlib.suppress(Exception):  # Ctrl-C in a terminal has ended it already
                browser.close()


def left_over(family, desk):
    """What is left of a desk: these processes as far as they run, its port if somebody answers, its folder."""
    port = int(re.search(r":(\d+)/", desk.server.address)[1])
    with socket.socket() as probe:
        answers = probe.connect_ex(("127.0.0.1", port)) == 0
    return [*filter(running, family), *([port] if answers else []), *([desk.folder] if desk.folder.exists() else [])]


@pytest.fixture(scope="module")
def desk(root, playwright):
    with a_desk(root, playwright) as opened:
        yield opened
        family = opened.family()
    assert not left_over(family, opened)


def compared_lines(path):
    """The ✓ lines that the committed notebook shows in cells whose output is the same on every machine."""
    lines = []
    for cell in course.read(path).cells:
        if cell.cell_type == "code" and course.COMPARED in cell.metadata.get("tags", ()):
            texts = [output.text for output in cell.outputs if output.output_type == "stream"]
            lines += [line for text in texts for line in text.splitlines() if line.startswith("✓")]
    return [measured_out(line) for line in lines]


def measured_out(line):
    return " ".join(re.sub(r"largest difference \S+", "largest difference", line).split())


@pytest.mark.parametrize("path", [PERCEPTRON, AUTOGRAD])
def test_a_lesson_runs_in_the_browser_and_shows_what_it_should(desk, root, path):
    notebook = desk.notebook(path)
    notebook.run_all()
    notebook.page.locator(".jp-OutputArea-output img").first.scroll_into_view_if_needed()
    notebook.screenshot(path.split("/")[1].removesuffix(".ipynb"))
    assert not notebook.errors()
    prompts = notebook.state()["prompts"]
    cells = [cell for cell in course.read(root / path).cells if cell.cell_type == "code"]
    hidden = [cell for cell in cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert len(prompts) == len(cells)
    assert [re.fullmatch(r"\[\d+\]:", prompt) is not None for prompt in prompts].count(False) == len(hidden)
    assert desk.kernel(path) == "idle"
    seen = [measured_out(line) for text in notebook.outputs() for line in text.splitlines()]
    missing = [line for line in compared_lines(root / path) if line not in seen]
    assert not missing and sum(line.startswith("✓") for line in seen) >= 5
    pictures = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    assert notebook.visible(".jp-OutputArea-output img") == pictures > 0
    assert notebook.visible(".jp-MarkdownCell mjx-container") > 10


def test_an_exercise_is_solved_by_typing(desk):
    notebook = desk.notebook(PERCEPTRON)
    if not notebook.outputs(notebook.cell("ex.margin.check")):  # when this test runs alone
        notebook.run_all()
    stub, check = notebook.cell("def margin"), notebook.cell("ex.margin.check")
    for body, answer in (
        (None, "○ margin: not started"),
        ("return (y * (X @ w + b)).min()", "✗ that is the smallest score"),
        ("return (y * (X @ w + b)).min() / np.linalg.norm(w)", "✓ margin: right"),
    ):
        if body:
            notebook.write(stub, "def margin(X, y, w, b):", body)
            assert stub.locator(".cm-line").all_inner_texts() == ["def margin(X, y, w, b):", f"    {body}"]
            notebook.run(stub)
        notebook.run(check)
        (text,) = notebook.outputs(check)
        assert text.startswith(answer)
    assert "foundations/perceptron/margin" in (desk.folder / "solved" / "progress.json").read_text(encoding="utf-8")
    check.scroll_into_view_if_needed()
    notebook.screenshot("exercise")


def test_a_failing_cell_is_seen_and_ends_the_run(desk):
    cells = ["from dlutils import claim\nx = 1", "claim(x + x == 3, 'one and one are three')", "print('later')"]
    notebook = desk.notebook("planted.ipynb", cells)
    notebook.run_all()
    notebook.screenshot("planted")
    (error,) = notebook.errors()
    assert "ProofError" in error and "one and one are three" in error and "claim(x + x == 3" in error
    assert [re.sub(r"\D", "", prompt) for prompt in notebook.state()["prompts"]] == ["1", "2", ""]
    assert not any("later" in text for text in notebook.outputs())
    assert desk.kernel("planted.ipynb") == "idle"


def test_what_jupyter_writes_for_a_user_is_in_the_temporary_folder(desk):
    desk.notebook("planted.ipynb", ["x = 1"])
    assert (desk.folder / "runtime" / f"jpserver-{desk.server.process.pid}.json").exists()
    assert list((desk.folder / "runtime").glob("kernel-*.json"))


def test_nothing_is_left_when_the_test_is_interrupted(root, playwright):
    with pytest.raises(KeyboardInterrupt), a_desk(root, playwright) as opened:
        notebook = opened.notebook("endless.ipynb", ["import time\ntime.sleep(3600)"])
        notebook.menu("Run", "Run All Cells")
        notebook.page.locator('.jp-Notebook-ExecutionIndicator[data-status="busy"]').wait_for(state="attached")
        family = opened.family()
        assert len(family) > len(opened.server.family()) >= 2  # a browser; the server and a kernel
        assert left_over(family, opened) == [*family, *left_over([], opened)] and len(left_over([], opened)) == 2
        raise KeyboardInterrupt
    assert not left_over(family, opened)
