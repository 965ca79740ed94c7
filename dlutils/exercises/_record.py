"""What the reader has solved, kept in the user's data folder (environment variable DLUTILS_HOME moves it)."""

from dlutils.errors import CourseError

import json
import os
import re
import tempfile
from pathlib import Path


def _file():
    home = os.environ.get("DLUTILS_HOME")
    if not home:
        import platformdirs

        home = platformdirs.user_data_dir("hands-on-deep-learning", appauthor=False)
    return Path(home) / "progress.json"


def _names(path):
    """The names in the record at `path`; older ones hold numbers too ("01_foundations/02_perceptron/margin")."""
    names = json.loads(path.read_text(encoding="utf-8"))["solved"]
    if not isinstance(names, list):
        raise TypeError("its 'solved' is no list")
    return [re.sub(r"(?<![^/])\d\d_", "", name) for name in names if isinstance(name, str)]


def solved():
    """The full names of the solved exercises, in the order in which they were first solved."""
    try:
        return _names(_file())
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"note: {_file()} cannot be read ({error}); progress starts anew with the next solved exercise")
        return []


def _write(path, names):
    """Write a record beside `path` and rename it: a reader sees the old file or the new one, never half of one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".progress-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"solved": names}, stream, indent=1)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _add(names):
    """Add names to the reader's record, under a lock, so that two kernels at once lose nothing; how many were new."""
    import filelock

    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path.parent / ".progress.lock", timeout=20):
        before = solved()
        new = [name for name in dict.fromkeys(names) if name not in before]
        if new:
            _write(path, [*before, *new])
    return len(new)


def remember(full_name):
    """Add a solved exercise. A folder that cannot be written costs a note, never the lesson."""
    try:
        _add([full_name])
    except OSError as error:  # filelock's Timeout is one
        print(f"note: solved, but not remembered: {_file()} cannot be written ({error.strerror or error})")


def _record_in(path):
    """The names in the record that somebody saved at `path`; a CourseError that says what is wrong with it."""
    try:
        return _names(path)
    except FileNotFoundError:
        raise CourseError(f"progress: there is no file {path}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not hold a list 'solved'"
        raise CourseError(f"progress: {path} is no record of this course ({why})") from None


def save_to(path):
    """Write the record to a file of the reader's choice, adding to a record that is there already; the names in it.

    Raises:
        CourseError: the file is something else, or cannot be written. It is left as it was.
    """
    path = Path(path)
    names = list(dict.fromkeys([*(_record_in(path) if path.exists() else []), *solved()]))
    try:
        _write(path, names)
    except OSError as error:
        raise CourseError(f"progress: {path} cannot be written ({error.strerror or error})") from None
    return names


def take_from(path):
    """Add the record in a file, which `save_to` wrote, to the reader's own; how many exercises were new.

    Raises:
        CourseError: there is no such file, it is no record, or the reader's record cannot be written.
    """
    names = _record_in(Path(path))
    try:
        return _add(names)
    except OSError as error:
        raise CourseError(f"progress: {_file()} cannot be written ({error.strerror or error})") from None
