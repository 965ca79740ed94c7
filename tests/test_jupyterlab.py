"""JupyterLab as `make lab` starts it: what a newcomer finds in the list of files, and is not asked."""

import contextlib
import socket
import subprocess
import sys
import time

import psutil
import pytest

from lab_server import own_places, running, started


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    """Ask the server that the options in the Makefile start: lab(address) -> what it answers as JSON."""
    folder = tmp_path_factory.mktemp("lab")
    with started(root, folder / "log", environment=own_places(folder)) as server:
        yield server.ask


def test_the_file_list_holds_lessons_and_not_what_tools_leave(lab, root):
    (names,) = [sorted(entry["name"] for entry in lab("api/contents/")["content"])]
    assert "01_foundations" in names and "README.md" in names
    assert not [name for name in names if name.endswith(".egg-info") or name == "__pycache__"]


def test_a_newcomer_is_not_asked_about_news_and_sees_pages_as_pages(lab):
    settings = "lab/api/settings/"
    news = lab(f"{settings}@jupyterlab/apputils-extension:notification")
    assert news["schema"]["properties"]["fetchNews"]["default"] == "false"
    pages = lab(f"{settings}@jupyterlab/docmanager-extension:plugin")
    assert pages["schema"]["properties"]["defaultViewers"]["default"]["markdown"] == "Markdown Preview"


def test_a_port_in_use_is_named(root, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(RuntimeError, match=rf"(?s)did not start \(port {port}\).*port {port} is not available"),
            started(root, tmp_path / "log", port=port, environment=own_places(tmp_path)),
        ):
            pass


def test_the_server_ends_when_the_tests_are_killed(root, tmp_path):
    script = """
import os, sys
from pathlib import Path
from lab_server import own_places, started
root, folder = map(Path, sys.argv[1:])
with started(root, folder / "log", environment=own_places(folder)) as server:
    print(server.process.pid, flush=True)
    os._exit(1)  # no finally clause runs
"""
    command = [sys.executable, "-c", script, str(root), str(tmp_path)]
    done = subprocess.run(command, cwd=root / "tests", capture_output=True, text=True, check=False, timeout=120)
    with contextlib.suppress(psutil.NoSuchProcess):
        server, end = psutil.Process(int(done.stdout)), time.monotonic() + 60
        while running(server) and time.monotonic() < end:
            time.sleep(0.1)
        assert not running(server)
