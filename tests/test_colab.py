"""The setup cell in a simulated Colab: google.colab is loaded, dlutils is not installed, and the course is cloned.

The address of the course leads to this working tree, through a git configuration of the test's own.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

import course
import setup_cell as setup_cell_module
import stamp
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


SPECIAL = sorted(setup_cell_module.NOT_IN_COLAB)


@pytest.mark.parametrize("path", course.notebooks(), ids=lambda path: path.stem)
def test_setup_installs_exactly_what_a_lesson_imports_and_colab_lacks(path):
    notebook = course.read(path)
    sources = stamp.own_code(notebook)
    assert sources and notebook.cells[1].source == setup_cell(ADDRESS, sources), "python extras/scripts/stamp.py"
    text = "\n".join(sources)
    listed = " ".join(re.findall(r'packages \+?= "(.*)"', notebook.cells[1].source)).split()
    found = listed[len(setup_cell_module.DLUTILS_NEEDS) :]
    for name in SPECIAL:
        mentioned = re.search(rf"^\s*(import|from) {name}\b|find_spec\(\"{name}\"", text, re.M)
        assert all((package in found) == bool(mentioned) for package in setup_cell_module.NOT_IN_COLAB[name]), name


def test_an_import_that_nobody_has_thought_of_stops_the_stamp():
    assert setup_cell_module.packages(["import onnx\nimport os"])[-3:] == ["onnx", "onnx-ir", "onnxscript"]
    with pytest.raises(LookupError, match="whether Colab has some_new_package"):
        setup_cell_module.packages(["import numpy", "%time 1\nfrom some_new_package.part import thing"])


def test_an_interrupted_clone_is_mended_by_the_next_run(colab, clone_source):
    part = colab.content / "hands-on-deep-learning.part"
    (part / "dlutils").mkdir(parents=True)
    (part / "dlutils" / "__init__.py").write_text("half = True\n", encoding="utf-8")
    done = colab(setup_cell(ADDRESS) + "\nimport dlutils\nprint(dlutils.load('mnist', quiet=True).name)", clone_source)
    assert (done.returncode, done.stdout) == (0, "mnist\n"), done.stderr
    assert not part.exists()
