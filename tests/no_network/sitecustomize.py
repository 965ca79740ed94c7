"""Refuse the network to this Python process: only loopback and Unix sockets connect.

Python imports a module of this name when it starts, so every process that has this folder on PYTHONPATH (the test
workers, the notebooks' kernels, their subprocesses) is blocked before its first line. A lesson or a test that needs
the network fails at once, and says which host it wanted, instead of passing on one machine and hanging on another.
"""

import importlib.machinery
import importlib.util
import ipaddress
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def refuse(host):
    """Raise OSError unless `host` (name or address; None and "" mean this machine) is this machine."""
    text = host.decode() if isinstance(host, bytes) else host
    if not text or text == "localhost":
        return
    try:
        address = ipaddress.ip_address(str(text).split("%")[0])
        allowed = address.is_loopback or address.is_unspecified  # 0.0.0.0 is what a local server binds to
    except ValueError:
        allowed = False
    if not allowed:
        raise OSError(f"network is blocked in tests: {text}")


def guarded(method, host_of):
    def call(*args, **kwargs):
        refuse(host_of(*args, **kwargs))
        return method(*args, **kwargs)

    call.blocks_network = True
    return call


def peer(sock, *args):
    """The host in the address that socket methods take last: (host, port, ...), or a path for Unix sockets."""
    address = args[-1] if args else None
    return address[0] if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) else None


def block():
    """Guard Python's sockets and its look-up of names; doing it twice is the same as once."""
    if hasattr(socket.getaddrinfo, "blocks_network"):
        return
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, guarded(getattr(socket.socket, name), peer))
    socket.getaddrinfo = guarded(socket.getaddrinfo, lambda host, *args, **kwargs: host)


def load_the_hidden_one():
    """Run the sitecustomize that this one hides, if the machine has its own."""
    path = [folder for folder in sys.path if os.path.abspath(folder) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


block()
if os.environ.get("COURSE_PRETEND_GPU"):
    sys.path.append(os.path.join(os.path.dirname(HERE), "pretend_gpu"))
    import pretend_gpu_hook  # noqa: F401
if __name__ == "sitecustomize":
    load_the_hidden_one()
