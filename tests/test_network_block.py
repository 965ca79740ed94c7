"""The network is blocked wherever tests run code: here, in subprocesses and in notebook kernels; loopback is not."""

import os
import socket
import subprocess
import sys
import threading

import nbformat
import pytest
from nbclient import NotebookClient

ADDRESS = "192.0.2.1"  # reserved for documentation: nothing answers there, so only the block fails at once

ATTEMPTS = {
    "connect": f"socket.create_connection(('{ADDRESS}', 80), timeout=5)",
    "connect_ex": f"socket.socket().connect_ex(('{ADDRESS}', 80))",
    "connect6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80, 0, 0))",
    "sendto": f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('{ADDRESS}', 53))",
    "name": "socket.getaddrinfo('example.org', 443)",
    "urllib": "__import__('urllib.request').request.urlopen('https://example.org', timeout=5)",
    "pooch": "__import__('pooch').retrieve('https://example.org/a', known_hash=None, path=os.environ['DLUTILS_CACHE'])",
}


def python(code, **environment):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


@pytest.fixture
def server():
    """The port of a server on this machine that answers each connection with "hello"."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"hello")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(timeout=5)


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_refused_in_the_tests(attempt):
    with pytest.raises(Exception, match="network is blocked in tests: (192.0.2.1|2001:db8::1|example.org)"):
        eval(attempt)


@pytest.mark.parametrize("attempt", [ATTEMPTS["connect"], ATTEMPTS["urllib"]], ids=["connect", "urllib"])
def test_refused_in_a_subprocess(attempt):
    done = python(f"import socket\n{attempt}")
    assert done.returncode == 1 and "network is blocked in tests" in done.stderr, done.stderr


def test_loopback_is_open_in_the_tests(server):
    assert socket.getaddrinfo("localhost", server)
    with socket.create_connection(("localhost", server), timeout=5) as connection:
        assert connection.recv(5) == b"hello"


def test_unix_sockets_are_open(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as connecting:
        listening.bind("here")
        listening.listen()
        connecting.connect("here")
        assert connecting.getpeername() == "here"


def test_refused_in_a_kernel_where_loopback_is_open(server):
    cells = [
        f"import socket\ntry:\n    {ATTEMPTS['connect']}\nexcept OSError as error:\n    print(error)",
        f"print(socket.create_connection(('127.0.0.1', {server}), timeout=5).recv(5).decode())",
        f'import subprocess, sys\ncode = "import socket; {ATTEMPTS["connect"]}"\n'
        "print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stderr.splitlines()[-1])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, startup_timeout=120, kernel_name="python3").execute()
    blocked, loopback, child = (cell.outputs[0].text.strip() for cell in notebook.cells)
    assert blocked == f"network is blocked in tests: {ADDRESS}"
    assert loopback == "hello"
    assert child == f"OSError: network is blocked in tests: {ADDRESS}"


def test_another_sitecustomize_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.ran_too = True\n", encoding="utf-8")
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(tmp_path)])
    done = python(f"import socket, sys\nprint(sys.ran_too)\n{ATTEMPTS['connect']}", PYTHONPATH=path)
    assert done.stdout == "True\n" and "network is blocked in tests" in done.stderr, done.stdout + done.stderr
