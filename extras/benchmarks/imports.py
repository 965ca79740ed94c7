"""What the first line of a lesson costs: imports, each in a fresh process."""

import os
import statistics
import subprocess
import sys

from measure import Row


def import_seconds(module, repeats):
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        for _ in range(repeats + 1)
    ]
    return statistics.median(float(run.stdout) for run in runs[1:])  # the first run fills the file cache


def rows(repeats):
    for module in ("dlutils", "torch", "tensorflow"):
        yield Row(f"import {module}", f"`import {module}`", import_seconds(module, repeats))
