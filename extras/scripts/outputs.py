"""Run notebooks from top to bottom in a fresh kernel and save their outputs, clean of what differs from run to run.

They run as in the tests: the quick profile, no network, a temporary folder for what dlutils keeps, and two CPU cores
without a GPU, so that the minutes stored in a notebook's metadata are those of the course map. A notebook with a
failing cell is left as it was.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import course

WIDGET = "application/vnd.jupyter.widget-view+json"


def prepare_environment(folder):
    """What the kernels inherit from this process."""
    for name in course.TEMPORARY_FOLDERS:
        os.environ[name] = os.path.join(folder, name.lower())
        os.makedirs(os.environ[name])
    os.environ["COURSE_PROFILE"] = "quick"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # where there is a GPU, TensorFlow complains that it was hidden
    course.no_network(os.environ)
    if hasattr(os, "sched_setaffinity"):  # Linux; elsewhere the minutes are those of the whole machine
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def execute(notebook, folder, timeout, log):
    """Run every cell of `notebook` in place, in `folder`, with a kernel of this environment; return the minutes.

    What the kernel's process itself says (no part of any cell) goes to the open file `log`.
    """
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

    class Client(NotebookClient):
        def create_kernel_manager(self):
            self.km = AsyncKernelManager(
                kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager()
            )
            return self.km

    settings = {"timeout": timeout, "startup_timeout": 120, "record_timing": False, "coalesce_streams": True}
    start = time.perf_counter()
    Client(notebook, resources={"metadata": {"path": str(folder)}}, **settings).execute(stderr=log)
    return (time.perf_counter() - start) / 60


def clean(notebook, minutes):
    """Keep of the metadata only what a reader or a tool needs, and drop the live widgets."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "course": {"minutes": round(minutes, 2)},
    }
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in ("tags", "jupyter") if cell.metadata.get(key)}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
            for output in cell.outputs:
                if "metadata" in output:  # the text in place of a picture is for readers
                    kept = {kind: shown["alt"] for kind, shown in output.metadata.items() if "alt" in shown}
                    output.metadata = {kind: {"alt": alt} for kind, alt in kept.items()}


def refresh(path, timeout):
    """Execute and save one notebook; say what happened; return whether it ran to its end."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = course.read(path)
    for cell in notebook.cells:  # whatever an earlier run left must not pass for this one's
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    print(f"{shown(path)} …", end=" ", flush=True)
    with tempfile.TemporaryFile("w+") as log:
        try:
            minutes = execute(notebook, path.resolve().parent, timeout, log)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
            last = max((n for n, cell in enumerate(code) if cell.execution_count), default=0)
            print(f"failed in code cell {last + 1} of {len(code)}; the file is as it was\n\n", end="")
            print("    " + code[last].source.replace("\n", "\n    "), end="\n\n")
            if isinstance(error, CellTimeoutError):
                print(f"It took longer than {timeout} seconds.")
            log.seek(0)
            print(traceback_of(code[last]) or f"{error}\n{log.read()}", flush=True)
            return False
    clean(notebook, minutes)
    course.write(notebook, path)
    print(f"{60 * minutes:.0f} s", flush=True)
    return True


def shown(path):
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def traceback_of(cell, most=40):
    """The kernel's traceback in the outputs of `cell`, without colours and without the middle of a long one."""
    lines = [
        line
        for output in cell.outputs
        if output.output_type == "error"
        for line in re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback)).splitlines()
    ]
    return "\n".join(lines if len(lines) <= most else [*lines[: most // 2], "  […]", *lines[-most // 2 :]])


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="notebooks or folders; default: all")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that one cell may take (default 600)")
    options = parser.parse_args(arguments)
    paths = course.chosen(options.paths)
    with tempfile.TemporaryDirectory() as folder:
        prepare_environment(folder)
        failed = [path for path in paths if not refresh(path, options.timeout)]
    if failed:
        print(
            f"{len(failed)} of {len(paths)} notebooks failed: {', '.join(str(shown(path)) for path in failed)}",
            file=sys.stderr,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    course.main(main)
