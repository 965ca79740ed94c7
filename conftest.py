"""What every test and every notebook runs under: the quick profile, one thread, temporary folders, and no network.

Set here, before any worker or kernel starts, so that `pytest PATH` does the same as `make test`.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbval.plugin

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "extras" / "scripts"))

import course  # noqa: E402

THREADS = "OMP MKL OPENBLAS NUMEXPR VECLIB_MAXIMUM".split()


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist: the environment came with it
        return
    config.course_folder = tempfile.mkdtemp(prefix="course-tests-")
    for name in course.TEMPORARY_FOLDERS:
        os.environ[name] = os.path.join(config.course_folder, name.lower())
        os.makedirs(os.environ[name])
    # Two workers share the cores: more threads than cores make both slower.
    os.environ.update({f"{library}_NUM_THREADS": "1" for library in THREADS})
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", COURSE_PROFILE="quick")
    course.no_network(os.environ)
    spec = importlib.util.spec_from_file_location("no_network", ROOT / "tests" / "no_network" / "sitecustomize.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))  # this process has started without it


def pytest_unconfigure(config):
    if hasattr(config, "course_folder"):
        shutil.rmtree(config.course_folder, ignore_errors=True)


def pytest_collection_modifyitems(items):
    """The longest notebooks first, so that no worker is left with one at the end; then the tests."""
    minutes = {}
    for item in items:
        if isinstance(item, nbval.plugin.IPyNbCell):
            minutes[item.path] = item.parent.nb.metadata.get("course", {}).get("minutes", 0)
            # A kernel may say on stderr what is no part of the lesson. (Committed stderr fails in test_notebooks.py.)
            if "stderr" not in item.parent.skip_compare:
                item.parent.skip_compare += ("stderr",)
    items.sort(key=lambda item: -minutes.get(item.path, -1))


# Coverage is that of the tests: nbval would otherwise measure, and slow down, every kernel.
nbval.plugin.setup_coverage = nbval.plugin.teardown_coverage = lambda *args, **kwargs: None
