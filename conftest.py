"""What every test and every notebook runs under: the quick profile, one thread, temporary folders, and no network.

Set here, before any worker or kernel starts, so that `pytest PATH` does the same as `make test`. And how a notebook
ends that does not run: one failure, which names the cell; the cells after it are skipped.
"""

import functools
import importlib.util
import os
import queue
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbval.plugin
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, NbCellError

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "extras" / "scripts"))

import course  # noqa: E402

THREADS = "OMP MKL OPENBLAS NUMEXPR VECLIB_MAXIMUM".split()


def pytest_addoption(parser):
    parser.addoption(
        "--portable", action="store_true", help="with the vector units off: rounding as on another machine"
    )
    parser.addoption("--twice", action="store_true", help="run all cells of a notebook, then all again in its kernel")
    parser.addoption("--pretend-gpu", choices=("cuda", "mps"), help="PyTorch with a GPU that is not there")


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
    if config.option.pretend_gpu:
        os.environ["COURSE_PRETEND_GPU"] = config.option.pretend_gpu
    if config.option.portable:
        os.environ.update(course.PORTABLE)
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
        if isinstance(item, IPyNbCell):
            minutes[item.path] = item.parent.nb.metadata.get("course", {}).get("minutes", 0)
            item.output_timeout = 60  # seconds from a cell's reply to its last output; 5 are too few under load
            # A kernel may say on stderr what is no part of the lesson. (Committed stderr fails in test_notebooks.py.)
            if "stderr" not in item.parent.skip_compare:
                item.parent.skip_compare += ("stderr",)
    if items and items[0].config.option.twice:
        items += [again(item) for item in items if isinstance(item, IPyNbCell)]
    items.sort(key=lambda item: (-minutes.get(item.path, -1), item.path))


def again(item):
    """The same cell once more; readers run a lesson's cells twice in one kernel, and it must say the same."""
    options = {"cell_num": item.cell_num, "cell": item.cell, "options": item.options}
    return IPyNbCell.from_parent(item.parent, name=f"{item.name} again", **options)


# --- a notebook that does not run ------------------------------------------------------------------------------------


class KernelDied(Exception):
    pass


def noticing_death(get_message):
    """nbval notices that a kernel is dead only when the cell's time is up: here it is looked at every second."""

    @functools.wraps(get_message)
    def wrapper(self, stream, timeout=None):
        end = time.monotonic() + (timeout or float("inf"))
        while True:
            try:
                return get_message(self, stream, timeout=min(1.0, max(0.01, end - time.monotonic())))
            except queue.Empty:
                if not self.is_alive():
                    raise KernelDied from None
                if time.monotonic() >= end:
                    raise

    return wrapper


def ending_the_notebook(runtest):
    """A cell that raises, ends its kernel or its time makes what follows meaningless: the rest is skipped."""

    @functools.wraps(runtest)
    def wrapper(self):
        if hasattr(self.parent, "failed_cell"):
            pytest.skip(f"cell {self.parent.failed_cell} of this notebook failed")
        try:
            runtest(self)
        except KernelDied:
            self.parent.failed_cell = self.cell_num
            self.raise_cell_error("The kernel died while it ran this cell (killed for want of memory?).")
        except NbCellError as error:
            if str(error) != "Cell outputs differ":
                self.parent.failed_cell = self.cell_num
            raise

    return wrapper


def ended_as_jupyter_does(self):
    """nbval kills its kernels; asked to end, they remove their temporary folders, and end what they have started."""
    self.km.shutdown_wait_time = 20.0  # seconds; then it is killed after all
    self.km.shutdown_kernel()
    self.kc.stop_channels()


RunningKernel.get_message = noticing_death(RunningKernel.get_message)
RunningKernel.stop = ended_as_jupyter_does
IPyNbCell.runtest = ending_the_notebook(IPyNbCell.runtest)
IPyNbCell.setup = lambda self: None  # else nbval expects what follows a time-out to fail

# Coverage is that of the tests: nbval would otherwise measure, and slow down, every kernel.
nbval.plugin.setup_coverage = nbval.plugin.teardown_coverage = lambda *args, **kwargs: None
