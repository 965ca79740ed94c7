"""Two guards around the import of TensorFlow, set up by `import dlutils`.

1. TensorFlow crashes the process if triton is loaded after it, so triton is loaded first where it is installed.
2. TensorFlow announces on the standard error, whatever TF_CPP_MIN_LOG_LEVEL says, that there is no NVIDIA driver
   (TensorFlow issue 100442) and that oneDNN is on (which makes convolutions 2.5 times as fast). Jupyter would show it
   in red in every lesson. Exactly these lines are dropped; whatever else TensorFlow says passes through.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile

HARMLESS = re.compile(
    rb"^.*(before absl::InitializeLog\(\) is called"
    rb"|Could not find cuda drivers on your machine"
    rb"|oneDNN custom operations are on"
    rb"|failed call to cuInit: .*(303|no CUDA-capable device)).*\n?",
    re.MULTILINE,
)


@contextlib.contextmanager
def drop_lines(pattern):
    """Drop the lines that match `pattern` (bytes) from what is written to file descriptor 2; pass on the rest."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as buffer:
        keep = os.dup(2)
        try:
            os.dup2(buffer.fileno(), 2)
            yield
        finally:
            os.dup2(keep, 2)
            os.close(keep)
            buffer.seek(0)
            rest = pattern.sub(b"", buffer.read())
            if rest:
                os.write(2, rest)


class Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python would, and wraps its execution; leaves every other module alone.

    It stays until TensorFlow is loaded, for libraries ask whether it is there (`find_spec`) without importing it.
    """

    looking = False

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow" or self.looking:
            return None
        self.looking = True  # find_spec below must not come back here
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.looking = False
        if spec is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                with drop_lines(HARMLESS):
                    execute(module)
                    module.config.list_physical_devices("GPU")  # the first look for GPUs is the one that writes

            spec.loader.exec_module = exec_module
        return spec


def install():
    """Load triton now and wrap the import of TensorFlow, unless TensorFlow is loaded already."""
    if "tensorflow" in sys.modules:
        return
    if importlib.util.find_spec("triton") is not None:
        import triton  # noqa: F401  (0.2 s)
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
