"""What the reader has solved, kept in the user's data folder (environment variable DLUTILS_HOME moves it)."""

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


def solved():
    """The full names of the solved exercises, in the order in which they were first solved.

    Older records hold the numbers of chapter and notebook too ("01_foundations/02_perceptron/margin").
    """
    try:
        names = json.loads(_file().read_text(encoding="utf-8"))["solved"]
        return [re.sub(r"(?<![^/])\d\d_", "", name) for name in names if isinstance(name, str)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"note: {_file()} cannot be read ({error}); progress starts anew with the next solved exercise")
        return []


def remember(full_name):
    """Add a solved exercise. A folder that cannot be written costs a note, never the lesson."""
    names = solved()
    if full_name in names:
        return
    path = _file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".progress-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump({"solved": [*names, full_name]}, stream, indent=1)
            os.replace(temporary, path)  # a reader sees the old file or the new one, never half of one
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        print(f"note: solved, but not remembered: {path} cannot be written ({error.strerror or error})")
