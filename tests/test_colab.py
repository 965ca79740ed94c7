"""The setup cell in a simulated Colab: google.colab is loaded, dlutils is not installed, and the course is cloned.

The address of the course leads to this working tree, through a git configuration of the test's own.
"""

import ast
import os
import re
import shutil
import subprocess
import sys

import pytest

import course
from setup_cell import setup_cell

ADDRESS = course.repository()
FAKE_COLAB = """\
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
# The editable install of dlutils is what Colab does not have; its packages it has.
sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in finder.__module__]
sys.path[:] = [path for path in sys.path if path and path != ROOT]
"""


@pytest.fixture(scope="module")
def clone_source(tmp_path_factory, root):
    """A git repository with what the tests need of the files that a clone of this working tree would have."""
    source = tmp_path_factory.mktemp("colab") / "source"
    shutil.copytree(root / "dlutils", source / "dlutils", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "data").mkdir()
    for name in ("pyproject.toml", "data/datasets.toml", "data/mnist.npz"):
        shutil.copy(root / name, source / name)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "--quiet"], ["add", "--all", "--force"], [*who, "commit", "--quiet", "-m", "course"]):
        subprocess.run(["git", *command], cwd=source, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    return source


@pytest.fixture
def colab(tmp_path, root):
    """Run Python code as a Colab kernel would, in its own folder, with the course's address leading to `source`."""
    content = tmp_path / "content"
    content.mkdir()

    def run(code, source):
        config = tmp_path / "gitconfig"
        config.write_text(f'[url "{source.as_uri()}"]\n    insteadOf = {ADDRESS}\n', encoding="utf-8")
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}
        environment.pop("DLUTILS_DATA", None)
        command = [sys.executable, "-c", FAKE_COLAB.replace("ROOT", repr(str(root))) + code]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=content, env=environment)

    run.content = content
    return run


def test_dlutils_is_not_there_before(colab, tmp_path):
    done = colab("import importlib.util\nprint(importlib.util.find_spec('dlutils'))", tmp_path)
    assert done.stdout == "None\n", done.stdout + done.stderr


def test_setup_fetches_the_course(colab, clone_source):
    use = "import dlutils\nprint(dlutils.__file__)\nprint(dlutils.load('mnist').x_train.shape[1:])\n"
    done = colab(setup_cell(ADDRESS) + "\n" + use, clone_source)
    assert done.returncode == 0, done.stderr
    assert str(colab.content / "hands-on-deep-learning" / "dlutils") in done.stdout
    assert "(28, 28)" in done.stdout, "the bundled sample was not found"


def test_setup_may_run_again_and_from_elsewhere(colab, clone_source):
    cell = setup_cell(ADDRESS)
    again = "import os\nos.makedirs('sub')\nos.chdir('sub')\n" + cell
    done = colab("\n".join([cell, cell, "import dlutils", again, "print(os.listdir())"]), clone_source)
    assert (done.returncode, done.stdout) == (0, "[]\n"), f"a second clone was made, or: {done.stderr}"


def test_setup_after_a_restart_of_the_kernel(colab, clone_source):
    code = setup_cell(ADDRESS) + "\nimport dlutils\nprint('ready')"
    for _ in range(2):
        done = colab(code, clone_source)
        assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr


def test_setup_that_cannot_clone_says_so(colab, tmp_path):
    done = colab(setup_cell(ADDRESS), tmp_path / "nothing-here")
    assert done.returncode == 1 and done.stderr.count("Traceback") == 1, done.stderr
    assert "\nRuntimeError: The course could not be fetched: git clone" in done.stderr
    assert ADDRESS in done.stderr and "nothing-here" in done.stderr, "neither the address nor git's own words are told"
    assert not (colab.content / "hands-on-deep-learning").exists()


def test_setup_does_nothing_outside_colab(tmp_path):
    code = setup_cell(ADDRESS) + "\nprint(sorted(os.listdir()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_setup_installs_only_what_is_missing_and_nothing_else_with_it(colab, clone_source):
    spy = """
import importlib.util, subprocess
find, run, ran = importlib.util.find_spec, subprocess.run, []
importlib.util.find_spec = lambda name: None if name == "pooch" else find(name)
def record(command, **options):
    ran.append(command)
    return run([sys.executable, "-c", ""] if "pip" in command else command, **options)
subprocess.run = record
"""
    done = colab(spy + setup_cell(ADDRESS) + "\nprint([command for command in ran if 'pip' in command])", clone_source)
    assert done.returncode == 0, done.stderr
    assert eval(done.stdout) == [[sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "pooch"]]


# What Colab brings along, of the packages that lessons import
IN_COLAB = set("numpy pandas scipy sklearn skimage matplotlib seaborn torch torchvision tensorflow keras".split())
IN_COLAB |= set("transformers safetensors gymnasium PIL IPython networkx threadpoolctl".split())
IN_COLAB |= set("fastapi uvicorn httpx aiohttp pydantic prometheus_client psutil".split())


def imported(source):
    """The top-level names that Python code imports, or looks for with find_spec."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "find_spec":
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


@pytest.mark.parametrize("path", course.notebooks(), ids=lambda path: path.stem)
def test_colab_has_or_gets_what_a_lesson_imports(path):
    installed = set(" ".join(re.findall(r'packages \+?= "(.*?)"', setup_cell(ADDRESS))).replace("-", "_").split())
    cells = [cell.source for cell in course.read(path).cells if cell.cell_type == "code"]
    needed = {name for source in cells for name in imported(source)} - set(sys.stdlib_module_names) - {"dlutils"}
    assert needed, "no import was found"
    assert not needed - IN_COLAB - installed, "add them to `packages` in extras/scripts/setup_cell.py, then stamp"
