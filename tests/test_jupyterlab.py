"""JupyterLab as `make lab` starts it: what a newcomer finds in the list of files, and is not asked."""

import json
import re
import subprocess
import sys
import time
import urllib.request

import pytest


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    """Ask the server that the options in the Makefile start: lab(address) -> what it answers as JSON."""
    options = re.search(r"-m jupyterlab (.*?) \$\(ARGS\)", (root / "Makefile").read_text(encoding="utf-8"))[1]
    options = [option for option in options.split() if not option.startswith("$")]
    options += ["--no-browser", "--allow-root", "--port=0", "--IdentityProvider.token=test"]
    log = tmp_path_factory.mktemp("lab") / "log"
    with open(log, "w", encoding="utf-8") as said:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], cwd=root, stdout=said, stderr=said)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never ask a proxy for this machine

    def ask(address):
        return json.load(direct.open(f"{base}{address}?token=test", timeout=30))

    try:
        base, end = None, time.monotonic() + 120
        while base is None and server.poll() is None and time.monotonic() < end:
            time.sleep(0.3)
            found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text(encoding="utf-8"))
            base = found and found[0]
        assert base, f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')}"
        yield ask
    finally:
        server.terminate()
        server.wait(30)


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
