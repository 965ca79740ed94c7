"""Which hardware there is, how large the lesson runs on it, and where chance starts.

Nothing here imports PyTorch or TensorFlow before it is asked about them, so `import dlutils` stays fast.
"""

from dlutils.errors import CourseError

import contextlib
import ctypes
import functools
import importlib.util
import os
import random
import sys

import numpy as np

PROFILES = ("quick", "full")


@functools.cache
def torch_device():
    """The best device that PyTorch can use (torch.device): `cuda`, else Apple's `mps`, else `cpu`."""
    import torch

    if (torch.version.hip or _nvidia_driver()) and torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _nvidia_driver():
    """Whether NVIDIA's driver is installed. Asked for CUDA without it, PyTorch warns if TensorFlow was asked before."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def is_quick():
    """Whether lessons run at the small size that two CPU cores manage in a minute or two.

    True without a CUDA GPU, false with one; the environment variable COURSE_PROFILE (`quick` or `full`) overrides.
    Apple's GPU counts as quick, because TensorFlow does not use it.

    Raises:
        CourseError: COURSE_PROFILE is set to anything else.
    """
    profile = os.environ.get("COURSE_PROFILE", "").strip().lower()
    if profile in PROFILES:
        return profile == "quick"
    if profile:
        raise CourseError(f"COURSE_PROFILE is {profile!r}; set it to 'quick' or 'full', or unset it")
    return importlib.util.find_spec("torch") is None or torch_device().type != "cuda"


def pick(*, quick, full):
    """The one place where a lesson branches on its size: `epochs = pick(quick=3, full=30)`."""
    return quick if is_quick() else full


def seed_everything(seed=0):
    """Seed Python, NumPy's global generator, and PyTorch, TensorFlow and Keras as far as they are imported.

    Keras on the TensorFlow backend does not seed PyTorch, nor the reverse, so each is seeded by its own call.

    Args:
        seed: integer from 0 to 2**32 - 1; anything else is a CourseError.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise CourseError(f"a seed is a whole number from 0 to 4294967295, not {seed!r}")
    seed = int(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (libraries draw from it)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)  # all devices
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(seed)
    elif "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(seed)


def describe():
    """One line on the frameworks that are imported, the device of each, and the profile."""
    parts, cpu = [], f"CPU ({os.cpu_count()} cores)"
    if torch := sys.modules.get("torch"):
        name = {"cpu": cpu, "mps": "Apple GPU"}.get(torch_device().type) or torch.cuda.get_device_name(0)
        parts.append(f"PyTorch {torch.__version__.split('+')[0]} on {name}")
    if tf := sys.modules.get("tensorflow"):
        gpus = tf.config.list_physical_devices("GPU")
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else cpu
        parts.append(f"TensorFlow {tf.__version__} on {name}")
    if keras := sys.modules.get("keras"):
        parts.append(f"Keras {keras.__version__} ({keras.backend.backend()})")
    return " · ".join([*parts, f"profile {'quick' if is_quick() else 'full'}"])


def _keep_freed_memory(*_):
    """Have glibc keep 512 MiB of what is freed; from Linux anew, large tensors cost up to three times more."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # not glibc
        ctypes.CDLL(None).mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD
        ctypes.CDLL(None).mallopt(-1, 512 << 20)  # M_TRIM_THRESHOLD


def setup(seed=0):
    """Start a lesson: memory, seeds (see `seed_everything`), look of figures; print a line, return PyTorch's device.

    TF32 is off: with it, newer NVIDIA GPUs round 32-bit factors to 10 bits, and no proof of a lesson would hold.

    Returns:
        torch.device, or None when PyTorch is not imported.

    Raises:
        CourseError: the lesson uses TensorFlow itself, and KERAS_BACKEND has Keras on something else.
    """
    from dlutils.plots import use_style

    if "tensorflow" in sys.modules:
        tf = sys.modules["tensorflow"]
        if "keras" in sys.modules and (backend := sys.modules["keras"].backend.backend()) != "tensorflow":
            cure = "set it to tensorflow, or unset it, and restart the kernel"
            raise CourseError(f"this lesson uses TensorFlow itself, but KERAS_BACKEND has Keras on {backend}: {cure}")
        for gpu in tf.config.list_physical_devices("GPU"):
            if tf.config.experimental.get_memory_growth(gpu) is not True:
                tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_tensor_float_32_execution(False)
    if "torch" in sys.modules:
        sys.modules["torch"].backends.cudnn.allow_tf32 = False  # for matrix products it is PyTorch's default
    _keep_freed_memory()
    if shell := "IPython" in sys.modules and sys.modules["IPython"].get_ipython():  # a fit in Keras undoes it
        shell.events.register("pre_run_cell", _keep_freed_memory)
    seed_everything(seed)
    use_style()
    print(describe())
    return torch_device() if "torch" in sys.modules else None
