"""Pretend a GPU in every process whose environment names one in COURSE_PRETEND_GPU ("cuda" or "mps").

Loaded when Python starts (see tests/no_network/sitecustomize.py), long before PyTorch: so it waits for its import.
"""

import importlib.abc
import importlib.util
import os
import sys

FACE = os.environ.get("COURSE_PRETEND_GPU")


def torch_loaded(module):
    import pretend_gpu

    pretend_gpu.install(FACE)


def device_loaded(module):
    module._nvidia_driver = lambda: FACE == "cuda"  # the driver is what cannot be pretended otherwise


class Finder(importlib.abc.MetaPathFinder):
    """Finds a module as Python would, and has a function called once it is loaded."""

    def __init__(self):
        self.waiting = {"torch": torch_loaded, "dlutils.device": device_loaded}

    def find_spec(self, name, path=None, target=None):
        then = self.waiting.pop(name, None)
        if then is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                then(module)

            spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
