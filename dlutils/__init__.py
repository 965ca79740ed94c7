"""Helpers shared by the notebooks of Hands-On Deep Learning.

They hold what is *not* the lesson: data sets, devices, the look of a figure, and the three ways in which this
course proves what it says. A model, a loss or a training loop of a lesson never lives here.

Import this package first, before PyTorch and TensorFlow. It loads neither, but prepares the process for both: see
`dlutils/_tensorflow.py`, and the variables below, which TensorFlow and Keras read once, when they are imported.
"""

# ruff: noqa: E402  (what is set here must be set before the modules below are imported)

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# NumPy's threads and those of PyTorch and TensorFlow wait for each other: on two cores a small NumPy training loop can
# take many times longer with two threads than with one. Read when NumPy is imported, so this too comes first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# PyTorch's threads (GNU OpenMP, on Linux) spin 300,000 times at each barrier before they sleep, also while another
# process has the core that they wait for. Milliseconds of a small MLP's step, a convolution, a CNN's step and a
# transformer layer on two cores: idle, by default 0.4, 1.3, 13, 12; with 1,000 spins 0.6, 1.3, 15, 12; with none 1.2,
# 2.0, 37, 16. Beside a busy core 0.8 to 37, 2.4 to 71, 36 to 57, 47 to 51; 1.2, 6.6, 36, 21; 0.6, 4.0, 31, 17.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only; no banner of CPU features
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # else TensorFlow takes all of the GPU's memory

for _stream in (sys.stdout, sys.stderr):
    if "utf" not in (getattr(_stream, "encoding", None) or "utf").lower() and hasattr(_stream, "reconfigure"):
        _stream.reconfigure(errors="replace")  # a console that lacks ✓ and ● shows ? instead of stopping

from dlutils import _tensorflow

_tensorflow.install()

from dlutils.data import Dataset, datasets, load
from dlutils.device import describe, is_quick, pick, seed_everything, setup, torch_device
from dlutils.diagrams import diagram, shapes_of
from dlutils.errors import CourseError
from dlutils.exercises.progress import progress
from dlutils.plots import COLORS, image_grid, plot_curves, use_style
from dlutils.proof import ProofError, claim, report, same

__version__ = "0.1.0"

__all__ = ["COLORS", "CourseError", "Dataset", "ProofError", "claim", "datasets", "describe", "diagram", "image_grid"]
__all__ += ["is_quick", "load", "pick", "plot_curves", "progress", "quick", "report", "same", "seed_everything"]
__all__ += ["setup", "shapes_of", "torch_device", "use_style"]


def __getattr__(name):
    """`dlutils.quick` is worked out when it is read: finding a GPU means importing PyTorch."""
    if name == "quick":
        return is_quick()
    raise AttributeError(f"module 'dlutils' has no attribute {name!r}")
