"""Fixtures for all tests; what they run under (no network, one thread, quick profile) is set in ../conftest.py."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import chromium
import course


@pytest.fixture(scope="session")
def root():
    """The folder of the repository."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Give each test its own empty download cache and progress folder, so that no test sees another's."""
    folder = tmp_path_factory.mktemp("dlutils")
    for name in ("cache", "home"):
        monkeypatch.setenv(f"DLUTILS_{name.upper()}", str(folder / name))
    return folder


@pytest.fixture(scope="module")
def playwright():
    """What drives a real browser; without a browser the tests are skipped, with the line that says why."""
    api = pytest.importorskip("playwright.sync_api", reason=f"{chromium.LEFT_OUT}: the package playwright is missing")
    if reason := chromium.why_not():
        pytest.skip(reason)
    with api.sync_playwright() as driver:
        yield driver


@pytest.fixture
def run_notebook(tmp_path):
    """Write a notebook of these code cells, all compared with the stored text, and test it as `make test` would."""

    def run(*cells, options=(), **environment):
        notebook = nbformat.v4.new_notebook()
        for count, (source, text) in enumerate(cells, start=1):
            outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)] if text else []
            cell = nbformat.v4.new_code_cell(source, execution_count=count, outputs=outputs)
            cell.metadata["tags"] = [course.COMPARED] if text else []
            notebook.cells.append(cell)
        path = tmp_path / "planted.ipynb"
        nbformat.write(notebook, path)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "conftest", "--rootdir", course.ROOT]
        command += ["-c", course.ROOT / "pyproject.toml", "-rs", *options, path]
        paths = os.pathsep.join([str(course.ROOT), str(course.ROOT / "extras" / "scripts")])
        environment = {**os.environ, "PYTHONPATH": paths, **environment}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=course.ROOT, env=environment, timeout=240
        )
        return done.returncode, done.stdout + done.stderr

    return run
