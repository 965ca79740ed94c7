"""The downloader against a hostile server on this machine: it ends in one clear CourseError or a correct retry,
and the cache never holds a bad or half-written file."""

import dlutils.data as data
from dlutils import CourseError

import contextlib
import errno
import gzip
import hashlib
import http.server
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

# Hexadecimal digests do not compress, so that half of the file is really half of the text.
TEXT = "".join(hashlib.sha256(str(i).encode()).hexdigest() + "\n" for i in range(3000)).encode()
PACKED = gzip.compress(TEXT, mtime=0)


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """`routes` maps a path to a function (handler, number of this request to the path); `hits` counts requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes, self.hits, self.lock, self.half_sent = {}, {}, threading.Lock(), threading.Event()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with self.server.lock:
            hit = self.server.hits[self.path] = self.server.hits.get(self.path, 0) + 1
        with contextlib.suppress(ConnectionError):  # the client hangs up, as it should on some of these
            self.server.routes[self.path](self, hit)
        self.close_connection = True

    def log_message(self, *args):
        """Keep the test output quiet."""


def serve(body, status=200, announce=None, pieces=1, pause=0.0):
    """A route that sends `body` in `pieces` with a pause after each, announcing `announce` bytes (None: no length)."""

    def route(handler, hit):
        handler.send_response(status)
        if announce is not None:
            handler.send_header("Content-Length", str(announce))
        handler.end_headers()
        step = -(-len(body) // pieces) or 1
        for start in range(0, len(body), step):
            handler.wfile.write(body[start : start + step])
            handler.wfile.flush()
            if 2 * start >= len(body):
                handler.server.half_sent.set()
            time.sleep(pause)

    return route


def whole(body):
    return serve(body, announce=len(body))


def in_turn(*routes):
    """The first request gets the first route, and so on; the last route serves all further ones."""
    return lambda handler, hit: routes[min(hit, len(routes)) - 1](handler, hit)


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def entry(*urls, packed=PACKED, payload=None):
    item = SimpleNamespace(urls=urls, sha256=sha256(packed), payload=payload or {"toy.txt": sha256(TEXT)})
    return SimpleNamespace(
        title="Toy",
        sample="toy.txt",
        sha256=sha256(b"sample"),
        reader="text",
        unit="characters",
        classes=None,
        part="6 of many characters",
        downloads=[item],
        full_reader="toy",
        package="a box",
    )


@pytest.fixture
def toy(server, tmp_path, monkeypatch):
    """Register a data set "toy" on the test server: toy(url, ...) with the mirrors; returns its folder in the cache."""
    monkeypatch.setenv("DLUTILS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLUTILS_DATA", str(tmp_path))
    monkeypatch.delenv("DLUTILS_OFFLINE", raising=False)
    (tmp_path / "toy.txt").write_bytes(b"sample")
    small = {"connect": 2, "read": 0.5, "attempts": 3, "backoff": 0.01, "window": 0.3, "slowest": 100_000, "lock": 20}
    monkeypatch.setattr(data, "LIMITS", small)
    monkeypatch.setitem(data.READERS, "toy", lambda folder: {"text": (folder / "toy.txt").read_text()})

    def register(*paths, **kwargs):
        urls = [path if path.startswith("http") else server.url(path) for path in paths]
        monkeypatch.setitem(data.DATASETS, "toy", entry(*urls, **kwargs))
        return tmp_path / "cache" / "toy"

    return register


def left_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def assert_arrived(folder):
    assert data.fetch("toy", quiet=True) == folder
    assert left_in(folder) == ["toy.txt"]
    assert (folder / "toy.txt").read_bytes() == TEXT


def assert_refused(folder, *said):
    """One CourseError that says these things, nothing in the cache, and `load` has the sample and says why."""
    with pytest.raises(CourseError) as caught:
        data.fetch("toy", quiet=True)
    for words in said:
        assert words in str(caught.value)
    assert left_in(folder) == []
    loaded = data.load("toy", full=True, quiet=True)
    assert loaded.text == "sample"
    assert loaded.note.startswith("Toy: bundled sample, 6 of many characters\n  The full data is not in use: ")
    assert left_in(folder) == []


def test_a_download_arrives_once_and_is_kept(server, toy, capsys):
    server.routes["/toy.gz"] = whole(PACKED)
    folder = toy("/toy.gz")
    assert_arrived(folder)
    loaded = data.load("toy", full=True)
    assert loaded.text == TEXT.decode() and loaded.note == "Toy: all 195,000 characters"
    assert capsys.readouterr().out == "Toy: all 195,000 characters\n"
    assert server.hits == {"/toy.gz": 1}


def test_a_redirect_is_followed(server, toy):
    def redirect(handler, hit):
        handler.send_response(302)
        handler.send_header("Location", "/toy.gz")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.routes.update({"/old.gz": redirect, "/toy.gz": whole(PACKED)})
    assert_arrived(toy("/old.gz"))


def test_404_everywhere_is_one_clear_error(server, toy):
    server.routes.update({"/a.gz": serve(b"", 404, 0), "/b.gz": serve(b"", 404, 0)})
    folder = toy("/a.gz", "/b.gz")
    advice = "python data/build.py --full toy"
    assert_refused(folder, "toy.txt", sha256(PACKED), server.url("/a.gz") + ": HTTP status 404", "/b.gz", advice)
    assert server.hits == {"/a.gz": 2, "/b.gz": 2}, "a 404 was asked for again (fetch and load make one request each)"


def test_500_then_200_is_retried(server, toy):
    server.routes["/toy.gz"] = in_turn(serve(b"oops", 500, 4), serve(b"", 503, 0), whole(PACKED))
    assert_arrived(toy("/toy.gz"))
    assert server.hits == {"/toy.gz": 3}


def test_500_for_ever_ends(server, toy):
    server.routes["/toy.gz"] = serve(b"oops", 500, 4)
    assert_refused(toy("/toy.gz"), "HTTP status 500")


def test_a_truncated_body_is_retried(server, toy):
    server.routes["/toy.gz"] = in_turn(serve(PACKED[: len(PACKED) // 2], announce=len(PACKED)), whole(PACKED))
    assert_arrived(toy("/toy.gz"))
    assert server.hits == {"/toy.gz": 2}


def test_a_body_always_truncated_is_refused(server, toy):
    server.routes["/toy.gz"] = serve(PACKED[:-1], announce=len(PACKED))
    assert_refused(toy("/toy.gz"), "toy.txt")


def test_a_body_cut_without_a_length_fails_its_checksum(server, toy):
    server.routes.update({"/cut.gz": serve(PACKED[: len(PACKED) // 2]), "/toy.gz": whole(PACKED)})
    assert_arrived(toy("/cut.gz", "/toy.gz"))
    folder = toy("/cut.gz")
    (folder / "toy.txt").unlink()
    assert_refused(folder, "the file has SHA-256", sha256(PACKED))


def test_a_wrong_checksum_is_refused(server, toy):
    server.routes["/toy.gz"] = whole(gzip.compress(b"something else"))
    assert_refused(toy("/toy.gz"), "the file has SHA-256", sha256(PACKED))


def test_a_right_archive_with_wrong_content_is_refused(server, toy):
    other = gzip.compress(b"something else")
    server.routes["/toy.gz"] = whole(other)
    assert_refused(toy("/toy.gz", packed=other), "toy.txt", sha256(TEXT))


def test_what_is_no_gzip_is_refused(server, toy):
    server.routes["/toy.gz"] = whole(b"plain words")
    assert_refused(toy("/toy.gz", packed=b"plain words"), "refused when it was unpacked")


def test_a_slow_trickle_is_given_up(server, toy):
    server.routes["/toy.gz"] = serve(PACKED, announce=len(PACKED), pieces=400, pause=0.02)  # 8 s in all
    folder, start = toy("/toy.gz"), time.monotonic()
    assert_refused(folder, "too slow")
    assert time.monotonic() - start < 6


def test_a_silent_server_is_given_up_and_the_mirror_asked(server, toy):
    server.routes.update({"/mute.gz": lambda handler, hit: time.sleep(1), "/toy.gz": whole(PACKED)})
    assert_arrived(toy("/mute.gz", "/toy.gz"))
    assert server.hits["/mute.gz"] == data.LIMITS["attempts"]


def test_mirrors_are_asked_in_turn(server, toy):
    server.routes.update({"/a.gz": serve(b"", 404, 0), "/b.gz": whole(b"wrong"), "/c.gz": whole(PACKED)})
    closed = "http://127.0.0.1:9/toy.gz"  # the discard port: nothing listens there
    assert_arrived(toy(closed, "/a.gz", "/b.gz", "/c.gz", "/never.gz"))
    assert server.hits == {"/a.gz": 1, "/b.gz": 1, "/c.gz": 1}


def tar_of(*members):
    """A .tar.gz of (name, bytes) or ready-made TarInfo members."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for member in members:
            if isinstance(member, tuple):
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
            else:
                tar.addfile(member)
    return file.getvalue()


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_a_tar_gives_only_the_expected_files(server, toy):
    packed = tar_of(special("box", tarfile.DIRTYPE), ("box/readme.html", b"hello"), ("box/toy.txt", TEXT))
    server.routes["/toy.tar.gz"] = whole(packed)
    assert_arrived(toy("/toy.tar.gz", packed=packed))


@pytest.mark.parametrize(
    "evil",
    [
        ("../evil.txt", b"evil"),
        ("box/../../evil.txt", b"evil"),
        ("../toy.txt", TEXT),
        ("/tmp/dlutils-evil.txt", b"evil"),
        special("box/toy.txt", tarfile.SYMTYPE, "/etc/passwd"),
        special("inside", tarfile.SYMTYPE, "box/toy.txt"),
        special("toy.txt", tarfile.LNKTYPE, "../../toy.txt"),
        special("box/toy.txt", tarfile.LNKTYPE, "box/toy.txt"),
        special("box/pipe", tarfile.FIFOTYPE),
        special("box/disk", tarfile.BLKTYPE),
    ],
    ids=lambda member: f"{member[0]}" if isinstance(member, tuple) else f"{member.name}-type{member.type.decode()}",
)
def test_a_tar_that_reaches_outside_is_refused(server, toy, tmp_path, evil):
    packed = tar_of(("box/toy.txt", TEXT), evil)
    server.routes["/toy.tar.gz"] = whole(packed)
    assert_refused(toy("/toy.tar.gz", packed=packed), "refused when it was unpacked")
    assert not Path("/tmp/dlutils-evil.txt").exists()
    assert [path for path in tmp_path.rglob("*") if "evil" in path.name] == []


def test_a_corrupt_cached_file_is_fetched_again(server, toy):
    server.routes["/toy.gz"] = whole(PACKED)
    folder = toy("/toy.gz")
    assert_arrived(folder)
    (folder / "toy.txt").write_bytes(TEXT[:-1] + b"?")
    assert_arrived(folder)
    assert server.hits == {"/toy.gz": 2}


def test_offline_touches_no_network(server, toy, monkeypatch):
    server.routes["/toy.gz"] = whole(PACKED)
    folder = toy("/toy.gz")
    monkeypatch.setenv("DLUTILS_OFFLINE", "1")
    assert_refused(folder, "DLUTILS_OFFLINE", "toy.txt", "python data/build.py --full toy")
    assert server.hits == {}
    (folder / "toy.txt").write_bytes(b"bad")
    assert_refused(folder, "DLUTILS_OFFLINE")  # a bad copy is not kept either
    monkeypatch.setenv("DLUTILS_OFFLINE", "0")
    assert_arrived(folder)
    monkeypatch.setenv("DLUTILS_OFFLINE", "1")
    assert_arrived(folder)  # what is there may be used
    assert server.hits == {"/toy.gz": 1}


def full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


class FullFile(io.BytesIO):
    write = full_disk


@pytest.mark.parametrize(
    ("module", "name", "fake"),
    [
        (data, "open", lambda *args: FullFile()),
        (data.shutil, "copyfileobj", full_disk),
        (data.os, "replace", full_disk),
    ],
    ids=["while it downloads", "while it unpacks", "at the last step"],
)
def test_a_full_disk_is_one_clear_error(server, toy, monkeypatch, module, name, fake):
    server.routes["/toy.gz"] = whole(PACKED)
    folder = toy("/toy.gz")
    with monkeypatch.context() as patch:
        patch.setattr(module, name, fake, raising=False)
        assert_refused(folder, "cannot be written", "No space left on device", "DLUTILS_CACHE")
    assert_arrived(folder)


def test_a_cache_that_cannot_be_written_is_one_clear_error(server, toy, tmp_path, monkeypatch):
    server.routes["/toy.gz"] = whole(PACKED)
    toy("/toy.gz")
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("DLUTILS_CACHE", str(tmp_path / "file" / "below"))  # not even root can write below a file
    with pytest.raises(CourseError, match=r"cannot be written .*DLUTILS_CACHE"):
        data.fetch("toy", quiet=True)
    assert "cannot be written" in data.load("toy", full=True, quiet=True).note
    assert server.hits == {}


FETCH = """
import sys
import test_downloads
from dlutils import data
data.DATASETS["toy"] = test_downloads.entry(sys.argv[1])
print((data.fetch("toy", quiet=True) / "toy.txt").read_bytes() == test_downloads.TEXT)
"""


def start_fetching(url):
    path = os.pathsep.join(
        [str(Path(__file__).parent), str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    )
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, url], env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
    )


def test_killed_half_way_nothing_counts_and_the_next_run_is_right(server, toy):
    server.routes["/toy.gz"] = in_turn(serve(PACKED, announce=len(PACKED), pieces=100, pause=0.1), whole(PACKED))
    folder = toy("/toy.gz")
    process = start_fetching(server.url("/toy.gz"))
    assert server.half_sent.wait(30)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    (part,) = left_in(folder)
    assert part.startswith(".part-")
    assert 0 < (folder / part / "download").stat().st_size < len(PACKED)
    assert_arrived(folder)
    assert server.hits == {"/toy.gz": 2}


def test_two_processes_at_once_both_end_right(server, toy):
    server.routes["/toy.gz"] = serve(PACKED, announce=len(PACKED), pieces=10, pause=0.1)
    folder = toy("/toy.gz")
    processes = [start_fetching(server.url("/toy.gz")) for _ in range(2)]
    assert [process.communicate(timeout=30)[0].strip() for process in processes] == ["True", "True"]
    assert left_in(folder) == ["toy.txt"]
    assert server.hits == {"/toy.gz": 1}, "the second should have waited for the first"


def test_a_lock_held_too_long_is_one_clear_error(server, toy, monkeypatch):
    import filelock

    monkeypatch.setitem(data.LIMITS, "lock", 0.2)
    folder = toy("/toy.gz")
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / ".lock"), pytest.raises(CourseError, match="another process"):
        data.fetch("toy", quiet=True)


def test_files_that_came_another_way_are_held_to_the_same_pins(toy, tmp_path):
    folder, source = toy("/toy.gz"), tmp_path / "source"
    source.mkdir()
    for content in (None, TEXT[1:]):
        if content:
            (source / "toy.txt").write_bytes(content)
        with pytest.raises(CourseError, match=r"toy\.txt is missing or not the official one"):
            data.fetch("toy", source=source)
        assert left_in(folder) == []
    (source / "toy.txt").write_bytes(TEXT)
    assert data.fetch("toy", source=source) == folder
    assert_arrived(folder)
