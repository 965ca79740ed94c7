"""JupyterLab as `make lab` starts it, for a test: on a free port, with a token, and nothing left when it ends."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never ask a proxy for this machine
TOKEN = "test"
# Runs JupyterLab, and ends it when the other end of its standard input is closed: also when the tests were killed.
START = """
import os, runpy, signal, sys, threading

def end_with_the_tests():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end_with_the_tests, daemon=True).start()
runpy.run_module("jupyterlab", run_name="__main__", alter_sys=True)
"""


def options_of(makefile):
    """The options that `make lab` gives to JupyterLab, without those that depend on the machine."""
    options = re.search(r"-m jupyterlab (.*?) \$\(ARGS\)", makefile.read_text(encoding="utf-8"))[1]
    return [option for option in options.split() if not option.startswith("$")]


class Server:
    """A running JupyterLab: its `address`, its `process`, and `ask` for what it answers."""

    def __init__(self, address, process):
        self.address, self.process = address, process

    def ask(self, path):
        """What the server answers under `path`, from JSON."""
        return json.load(DIRECT.open(f"{self.address}{path}?token={TOKEN}", timeout=30))

    def family(self):
        """The processes of the server: itself and what it has started, kernels too."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]


@contextlib.contextmanager
def started(root, log, *more, port=0, environment=None, seconds=120):
    """Start the server, give it as a `Server`, and end it with all its kernels, whatever happens in between.

    Arguments:
        root: folder of the repository; its Makefile says how JupyterLab is started.
        log: file for what the server says.
        more: further options.
        port: 0 takes a free one; a port that is in use raises RuntimeError, which names it.
    """
    options = [*options_of(root / "Makefile"), "--no-browser", "--allow-root", f"--IdentityProvider.token={TOKEN}"]
    options += [f"--port={port}", "--ServerApp.port_retries=0", *more]
    with open(log, "w", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", START, *options],
            cwd=root, env=environment, stdin=subprocess.PIPE, stdout=said, stderr=said,
        )  # fmt: skip
    server = Server(None, process)
    family = server.family()
    try:
        end = time.monotonic() + seconds
        while server.address is None:
            words = Path(log).read_text(encoding="utf-8", errors="replace")
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"JupyterLab did not start (port {port}):\n{words}")
            found = re.search(r"http://127\.0\.0\.1:\d+/", words)
            server.address = found and found[0]
            time.sleep(0.1)
        while True:  # the address is printed before the server answers
            try:
                server.ask("api/status")
                break
            except urllib.error.URLError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        yield server
    finally:
        _end(process, family)


def running(process):
    """Whether it runs; one that has ended and that nobody has asked about (a zombie) does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end(process, family):
    """Ask the server to end, as Ctrl-C does; then make sure that it and everything it has started are gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = family + psutil.Process(process.pid).children(recursive=True)
        process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for signal_it in (psutil.Process.terminate, psutil.Process.kill):
        end = time.monotonic() + 10
        while any(map(running, family)) and time.monotonic() < end:
            time.sleep(0.05)
        for each in filter(running, family):
            with contextlib.suppress(psutil.NoSuchProcess):
                signal_it(each)
    process.stdin.close()


def own_places(folder):
    """An environment in which what Jupyter, IPython and the libraries write for a user lies in `folder`."""
    places = {"HOME": "home", "USERPROFILE": "home", "TMPDIR": "tmp", "XDG_CONFIG_HOME": "config"}
    places |= {"XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": "share", "IPYTHONDIR": "ipython"}
    places |= {"JUPYTER_CONFIG_DIR": "jupyter", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    places |= {"DLUTILS_HOME": "solved", "DLUTILS_CACHE": "downloads"}
    places |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    for name in set(places.values()):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {**os.environ, **{name: str(folder / place) for name, place in places.items()}}
