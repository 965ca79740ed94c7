"""The helpers: proof, device, plots, and the promises of `import dlutils`."""

import os
import platform
import random
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import nbformat

matplotlib.use("Agg")
import dlutils
from dlutils import CourseError, ProofError, claim, image_grid, plot_curves, report, same
from dlutils import device as device_module
from dlutils.plots import alt_text

import matplotlib.pyplot as plt
import numpy as np
import pytest

import torch

import keras
import tensorflow as tf


def python(code, **environment):
    """Run code in a fresh interpreter; its standard output. Fails with its standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=180, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# --- consoles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_console_without_the_signs_shows_question_marks(encoding):
    code = "import dlutils; dlutils.claim(True, 'it holds'); dlutils.report('a', 1); dlutils.progress()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=False
    )
    sign = "✓" if encoding == "utf-8" else "?"
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding).startswith(f"{sign} it holds") and b"exercises solved" in done.stdout


@pytest.mark.parametrize("command", [["results.py", "--help"], ["results.py", "--check"], ["check.py", "--help"]])
def test_scripts_print_on_any_console(command, root):
    script = [sys.executable, root / "extras" / "scripts" / command[0], *command[1:]]
    done = subprocess.run(
        script, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, cwd=root, check=False
    )
    assert b"Traceback" not in done.stderr, done.stderr


ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = [
    path
    for path in [*ROOT.glob("extras/scripts/*.py"), ROOT / "data" / "build.py"]
    if "__main__" in path.read_text("utf-8")
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_every_script_says_what_it_does(program, root):
    done = subprocess.run([sys.executable, program, "--help"], capture_output=True, cwd=root, check=False, timeout=120)
    said = done.stdout.decode()
    assert done.returncode == 0 and not done.stderr
    assert said.startswith(f"usage: {program.name}") and len(said.split()) > 30


# --- backends ---------------------------------------------------------------------------------------------------------


def test_a_lesson_that_needs_tensorflow_says_so_in_one_line():
    code = (
        "import dlutils, keras, tensorflow\ntry:\n    dlutils.setup()\nexcept dlutils.CourseError as e:\n    print(e)"
    )
    assert "KERAS_BACKEND has Keras on torch: set it to tensorflow" in python(code, KERAS_BACKEND="torch")
    assert "Keras" in python(code, KERAS_BACKEND="tensorflow")
    assert "(torch)" in python("import dlutils, keras\ndlutils.setup()", KERAS_BACKEND="torch")


# --- import ----------------------------------------------------------------------------------------------------------


def test_import_is_fast_and_loads_no_framework():
    """Processor time, in units of NumPy's import, which is part of it: neither load nor speed of the machine count."""
    code = (
        "import sys, time; a = time.process_time(); import numpy; b = time.process_time(); import dlutils;"
        "print((time.process_time() - a) / (b - a),"
        " [m for m in ('torch', 'tensorflow', 'keras', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    runs = [python(code).split(maxsplit=1) for _ in range(3)]
    assert min(float(ratio) for ratio, _ in runs) < 10, runs  # PyTorch alone is about 16, TensorFlow 45
    assert {loaded.strip() for _, loaded in runs} == {"[]"}


WORK = {
    "torch": "import torch; m = torch.nn.Linear(2, 1); torch.optim.Adam(m.parameters());"
    "torch.compile(m, backend='eager')(torch.ones(1, 2)).sum().backward(); import torchvision;",
    "tensorflow": "import tensorflow as tf, keras; keras.layers.Dense(1)(tf.ones((1, 2)));",
}


@pytest.mark.parametrize("order", [("torch", "tensorflow"), ("tensorflow", "torch")], ids="-".join)
def test_both_frameworks_live_in_one_process(order):
    assert "alive" in python("import dlutils;" + "".join(WORK[name] for name in order) + "print('alive')")


@pytest.mark.parametrize("first", ["", "from importlib.util import find_spec; find_spec('tensorflow');"])
def test_tensorflow_is_quiet_without_a_gpu_but_not_muted(first):
    """Also after a library has asked whether TensorFlow is there, as transformers does."""
    code = "import keras, tensorflow as tf, os; tf.config.list_physical_devices('GPU'); "
    code += "m = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)]); m.compile('sgd', 'mse'); "
    code += "m.fit(tf.zeros((4, 8, 8, 1)), tf.zeros((4, 6, 6, 2)), verbose=0); print('done')"
    code = f"import dlutils; {first} {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")
    code = (
        "import os; from dlutils import _tensorflow as t\n"
        "with t.drop_lines(t.HARMLESS): os.write(2, b'Could not find cuda drivers on your machine\\nreal trouble\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "real trouble\n"


def test_environment_is_prepared_and_respected():
    names = ["OPENBLAS_NUM_THREADS", "KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_FORCE_GPU_ALLOW_GROWTH"]
    code = f"import dlutils, os; print([os.environ[n] for n in {names}])"
    empty = {k: v for k, v in os.environ.items() if k not in names}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=empty, check=True)
    assert done.stdout.strip() == "['1', 'tensorflow', '2', 'true']"
    assert python(code, OPENBLAS_NUM_THREADS="4", KERAS_BACKEND="torch").startswith("['4', 'torch'")


def test_public_names_exist_and_are_documented():
    for name in dlutils.__all__:
        value = getattr(dlutils, name)
        if callable(value):
            assert value.__doc__ and len(value.__doc__) > 20, name
    with pytest.raises(AttributeError, match="no attribute 'quik'"):
        _ = dlutils.quik


# --- same ------------------------------------------------------------------------------------------------------------


def test_same_compares_all_frameworks(capsys):
    x = np.arange(6.0).reshape(2, 3)
    t = torch.tensor(x, requires_grad=True)
    gap = same(numpy=x, torch=t, tf=tf.constant(x), variable=keras.Variable(x, dtype="float64"), list=x.tolist())
    assert gap == 0
    assert (
        "✓ numpy = torch = tf = variable = list   shape (2, 3)   largest difference 0.0e+00" in capsys.readouterr().out
    )


def test_same_returns_the_largest_difference():
    assert same(a=np.zeros(3), b=np.array([0, 1e-12, -3e-12])) == 3e-12
    assert same(a=np.float32(1), b=np.float32(1 + 1e-6)) == pytest.approx(1e-6, rel=0.1)
    assert same(a=[1, 2], b=np.array([1, 2])) == 0
    assert same(a=np.array([np.inf, 1.0]), b=np.array([np.inf, 1.0])) == 0
    assert same(a={"w": np.ones(2), "b": [1.0]}, b={"w": torch.ones(2), "b": [1.0]}, tolerance=0) == 0
    assert same(a=[np.ones(2), np.ones((2, 2))], b=[np.ones(2), np.ones((2, 2))]) == 0
    assert same(a=np.array([True]), b=np.array([True])) == 0
    assert same(a=[np.float64(1), np.float64(2)], b=[1.0, 2.0], c=[torch.tensor(1.0), tf.constant(2.0)]) == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (dict(a=np.ones(3), b=np.ones(3) + 1e-9), r"b\[2\]|b\[0\] = 1.000000001, a has 1.0"),
        (dict(a=np.float32([1, 2]), b=np.float32([1, 2.1])), "> 1e-05 at b"),
        (dict(a=1, b=2), "> 0e"),
        (dict(a=np.array([np.inf]), b=np.array([1.0])), "inf"),
        (dict(a=np.ones(2), b=np.ones(2), c=np.array([1.0, 2.0])), r"c\[1\] = 2.0"),
        (dict(a=[np.ones(1), np.ones(2)], b=[np.ones(1), np.array([1.0, 5])]), r"b\[1\]\[1\] = 5.0"),
    ],
)
def test_same_raises_above_tolerance(values, words):
    with pytest.raises(ProofError, match=words):
        same(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (dict(a=np.ones(3)), "two or more"),
        (dict(a=np.ones(3), b=np.ones(4)), r"a has shape \(3,\), b has \(4,\)"),
        (dict(a=np.ones((3, 1)), b=np.ones(3)), "shape"),
        (dict(a=np.array([1.0, np.nan]), b=np.ones(2)), "a holds NaN in 1 of 2"),
        (dict(a=np.ones(2), b=torch.tensor([1.0, float("nan")])), "b holds NaN"),
        (dict(a=np.ones((0, 3)), b=np.ones((0, 3))), "empty"),
        (dict(a={}, b={}), "empty"),
        (dict(a=["x"], b=["y"]), "not numbers"),
        (dict(a={"w": np.ones(2)}, b={"v": np.ones(2)}), "other names"),
    ],
)
def test_same_refuses(values, words):
    with pytest.raises(CourseError, match=words) as caught:
        same(**values)
    assert not isinstance(caught.value, ProofError)


# --- claim and report ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("true", [True, np.bool_(True), np.array([True]), torch.tensor(True), tf.constant(True)])
def test_claim_prints_the_sentence(true, capsys):
    claim(true, "water is wet", depth=3)
    assert capsys.readouterr().out == "✓ water is wet\n"


def test_claim_raises_with_what_was_measured():
    with pytest.raises(ProofError, match=r"not so: pigs fly \(measured: height = 0\)"):
        claim(False, "pigs fly", height=0)


@pytest.mark.parametrize("condition", [1, None, "yes", np.array([True, True]), np.array([]), 0.97, np.nan])
def test_claim_refuses_what_is_not_one_truth_value(condition):
    with pytest.raises(CourseError, match="one true-or-false"):
        claim(condition, "x")


def test_claim_refuses_silence():
    with pytest.raises(CourseError, match="sentence"):
        claim(True, " ")


@pytest.mark.parametrize(
    ("value", "unit", "line"),
    [
        (0.9734, "%", "▸ it: 97.3 %"),
        (np.float32(0.5), "%", "▸ it: 50.0 %"),
        (torch.tensor(3.14159), "s", "▸ it: 3.14 s"),
        (tf.constant(2.0), "", "▸ it: 2"),
        (12345, "", "▸ it: 12,345"),
        ("solved", "", "▸ it: solved"),
    ],
)
def test_report_prints_the_line_that_the_table_is_made_from(value, unit, line, capsys):
    report("it", value, unit)
    assert capsys.readouterr().out == line + "\n"


@pytest.mark.parametrize("value", [np.nan, np.inf, None, "", True, np.ones(2), [1]])
def test_report_refuses_what_is_no_result(value):
    with pytest.raises(CourseError, match="not a finite number"):
        report("it", value)


def test_report_refuses_a_percentage_over_one_and_an_empty_label():
    with pytest.raises(CourseError, match="not a fraction"):
        report("it", 97.3, "%")
    for label in ("", "a: b", None):
        with pytest.raises(CourseError, match="label"):
            report(label, 1.0)


# --- device ----------------------------------------------------------------------------------------------------------


def test_the_dial(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert not dlutils.quick and dlutils.pick(quick=1, full=2) == 2
    monkeypatch.setenv("COURSE_PROFILE", " Quick ")
    assert dlutils.quick and dlutils.pick(quick=1, full=2) == 1
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(CourseError, match="COURSE_PROFILE is 'fast'"):
        dlutils.is_quick()


@pytest.mark.parametrize(
    ("cuda", "mps", "expected", "quick"), [(1, 0, "cuda", False), (0, 1, "mps", True), (0, 0, "cpu", True)]
)
def test_gpu_detection(monkeypatch, cuda, mps, expected, quick):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    monkeypatch.setattr(device_module, "_nvidia_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Test GPU")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: bool(mps))
    device_module.torch_device.cache_clear()
    try:
        assert device_module.torch_device().type == expected
        assert dlutils.is_quick() is quick
        line = dlutils.describe()
        assert {"cuda": "on Test GPU", "mps": "on Apple GPU", "cpu": "on CPU"}[expected] in line
        assert line.endswith("profile quick" if quick else "profile full")
    finally:
        device_module.torch_device.cache_clear()


def draws():
    return [
        random.random(),
        np.random.rand(),  # noqa: NPY002  (the global generator is what is tested)
        torch.rand(1).item(),
        float(tf.random.uniform(())),
        float(keras.random.uniform(())),
    ]


def test_seeds_reach_every_generator():
    dlutils.seed_everything(5)
    first = draws()
    dlutils.seed_everything(np.int64(5))
    assert draws() == first
    dlutils.seed_everything(6)
    assert all(a != b for a, b in zip(first, draws(), strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "0", True, None])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(CourseError, match="whole number"):
        dlutils.seed_everything(seed)


def test_setup_describes_and_returns_the_device(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert dlutils.setup(seed=1) == dlutils.torch_device()
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert f"PyTorch {torch.__version__.split('+')[0]}" in out and "Keras" in out and "profile quick" in out


def test_setup_asks_for_memory_growth(monkeypatch):
    asked = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu0"])
    monkeypatch.setattr(tf.config.experimental, "get_memory_growth", lambda gpu: None)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, on: asked.append((gpu, on)))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "Test GPU"})
    dlutils.setup()
    assert asked == [("gpu0", True)]


def test_setup_keeps_all_bits_of_32(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    tf.config.experimental.enable_tensor_float_32_execution(True)
    dlutils.setup()
    assert not torch.backends.cudnn.allow_tf32 and torch.get_float32_matmul_precision() == "highest"
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's memory")
def test_freed_memory_is_kept():
    code = """
import ctypes, resource, dlutils.device, numpy as np
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(500_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
ctypes.CDLL(None).mallopt(-3, 131072)  # as after a training in TensorFlow
without = faults()
dlutils.device._keep_freed_memory()
faults()
print(without, faults())
"""
    without, kept = map(int, python(code).split()[-2:])
    assert kept < without / 10


def test_without_frameworks_only_the_profile_is_described():
    code = "import dlutils; print(dlutils.setup(), dlutils.describe())"
    assert python(code, COURSE_PROFILE="full").strip().splitlines()[-1] == "None profile full"


# --- plots -----------------------------------------------------------------------------------------------------------


def test_colours_stay_apart_in_grey():
    """Neighbours in the cycle differ in lightness or in line style."""
    dlutils.use_style()
    cycle = list(plt.rcParams["axes.prop_cycle"])
    for a, b in zip(cycle, cycle[1:], strict=False):
        grey = [float(np.dot(matplotlib.colors.to_rgb(p["color"]), (0.299, 0.587, 0.114))) for p in (a, b)]
        assert abs(grey[0] - grey[1]) > 0.05 or a["linestyle"] != b["linestyle"]


def test_image_grid_shows_each_image(tmp_path):
    figure = image_grid(np.random.default_rng(0).random((5, 4, 4)), list("abcde"), columns=3, title="five")
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in shown] == list("abcde")
    assert len(figure.axes) == 6
    figure.savefig(tmp_path / "grid.png")
    colour = image_grid(torch.zeros(2, 4, 4, 3, dtype=torch.uint8))
    assert len([axis for axis in colour.axes if axis.images]) == 2
    assert image_grid(np.full((1, 2, 2), 7, np.uint8)).axes[0].images[0].get_clim() == (0, 255)
    plt.close("all")


@pytest.mark.parametrize("images", [np.zeros((4, 4)), np.zeros((0, 4, 4)), np.zeros((2, 3, 8, 8)), np.zeros(3)])
def test_image_grid_refuses(images):
    with pytest.raises(CourseError, match="image_grid needs"):
        image_grid(images)


def test_image_grid_counts_titles():
    with pytest.raises(CourseError, match="2 images and 1 titles"):
        image_grid(np.zeros((2, 4, 4)), ["a"])


def test_plot_curves_labels_its_axes():
    axis = plot_curves({"training": [3, 2, 1], "test": [3, 2.5, 2]}, ylabel="error", logy=True, title="t")
    assert axis.get_xlabel() == "epoch" and axis.get_ylabel() == "error" and axis.get_yscale() == "log"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["training", "test"]
    _, other = plt.subplots()
    assert plot_curves({"a": [1, 2]}, x=[1, 10], logx=True, axis=other) is other
    plt.close("all")


def test_plot_curves_refuses():
    with pytest.raises(CourseError, match="at least one curve"):
        plot_curves({})
    with pytest.raises(CourseError, match="'a' has 2 values for 3"):
        plot_curves({"a": [1, 2]}, x=[1, 2, 3])
    with pytest.raises(CourseError, match="'a' has 0 values"):
        plot_curves({"a": []})
    plt.close("all")


# --- diagrams --------------------------------------------------------------------------------------------------------


@pytest.fixture
def network():
    layers = [torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 10)]
    return dlutils.shapes_of(torch.nn.Sequential(*layers), torch.zeros(2, 1, 8, 8))


BOXES = {"x": (0, 0, "pictures"), "0": (1, 0, "convolution"), "1": (2, 0, "ReLU", "op"), "3": (3, 0, "linear")}


def test_shapes_are_those_of_the_running_model(network):
    assert network["0"] == ([(2, 1, 8, 8)], (2, 4, 6, 6)) and network["3"] == ([(2, 144)], (2, 10))
    lstm = dlutils.shapes_of(torch.nn.Sequential(torch.nn.LSTM(3, 5)), torch.zeros(7, 2, 3))
    assert lstm["0"] == ([(7, 2, 3)], (7, 2, 5)), "of several outputs the first counts"
    layers = [keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="c"), keras.layers.Flatten(name="f")]
    model = keras.Sequential(layers)
    assert dlutils.shapes_of(model)["f"] == ([(None, 6, 6, 4)], (None, 144))


def test_diagram_writes_shapes_on_its_arrows_and_tells_them_in_words(network):
    arrows = [("x", "0"), ("0", "1"), ("1", "3", "flattened"), ("x", "3", torch.zeros(2, 9), -0.3)]
    with pytest.raises(CourseError, match=r"'1' gives \(2, 4, 6, 6\), but '3' takes \(2, 144\)"):
        dlutils.diagram(BOXES, arrows, shapes=network)
    with pytest.raises(CourseError, match=r"'0' gives \(2, 4, 6, 6\), not \(2, 9\) as the arrow says"):
        dlutils.diagram(BOXES, [("0", "1", torch.zeros(2, 9))], shapes=network)
    boxes = {**BOXES, "2": (2.5, 1, "flatten")}
    arrows[2:3] = [("1", "2"), ("2", "3")]
    figure = dlutils.diagram(boxes, arrows, shapes=network, groups={"body": ["0", "1"]}, title="Net")
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert {"(2, 1, 8, 8)", "(2, 4, 6, 6)", "(2, 144)", "(2, 9)", "body", "Net", "convolution"} <= set(shown)
    assert figure.get_label().startswith("Diagram: Net. pictures to convolution (2, 1, 8, 8); convolution to ReLU")
    plt.close("all")


@pytest.mark.parametrize(
    ("boxes", "arrows", "message"),
    [
        (BOXES, [("x", "y")], "no box 'y'"),
        ({"x": (0, 0, "x", "blob")}, [], "kind 'blob'; there are data, op"),
        (BOXES, [("x", "0", "(2, 1, 8, 8)")], "looks like a typed shape"),
        (BOXES, [("x", "0", "2 × 64")], "looks like a typed shape"),
    ],
)
def test_diagram_refuses(boxes, arrows, message):
    with pytest.raises(CourseError, match=message):
        dlutils.diagram(boxes, arrows)
    plt.close("all")


def drawn(axis):
    """The boxes of a diagram, and the points along its arrows, in inches."""
    boxes = [p.get_bbox() for p in axis.patches if isinstance(p, matplotlib.patches.FancyBboxPatch)]
    arrows = [p._path_original.vertices for p in axis.patches if isinstance(p, matplotlib.patches.FancyArrowPatch)]
    return boxes, arrows


@pytest.mark.parametrize("detour", [0.3, -0.3])
@pytest.mark.parametrize("upright", [True, False])
def test_a_detour_goes_around_the_boxes_between(detour, upright):
    boxes = {name: (0, i, name * 9) if upright else (i, 0, name * 9) for i, name in enumerate("abc")}
    figure = dlutils.diagram(boxes, [("a", "c", None, detour)])
    (_, middle, _), (path,) = drawn(figure.axes[0])
    leg = path[1:3, 0 if upright else 1]
    edge = (middle.x1 if detour > 0 else middle.x0) if upright else (middle.y1 if detour > 0 else middle.y0)
    assert leg[0] == leg[1] == pytest.approx(edge + detour)
    plt.close("all")


def test_figures_say_in_words_what_they_show():
    plot_curves({"training": [3, 2, 1], "test": [3, 2.5, 2]}, title="Two losses")
    assert alt_text(plt.gcf()) == "Figure of 1 panel. Two losses: loss against epoch: training, test"
    figure = image_grid(np.zeros((2, 4, 4)), ["a", "b"], title="Pictures")
    assert alt_text(figure) == "Pictures. 2 images of 4 × 4: a, b."
    figure.set_label("Two black squares.")
    assert alt_text(figure) == "Two black squares."
    plt.close("all")


# --- where the course lies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["a course", "Müller's [1]", "50% #2 & 'more'", "курс ✓"])
def test_a_lesson_runs_wherever_the_clone_lies(folder, root, tmp_path):
    clone = tmp_path / folder / "hands-on"
    for part in ("dlutils", "extras/scripts", "extras/benchmarks"):
        shutil.copytree(root / part, clone / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "data/datasets.toml", "data/mnist.npz"):
        (clone / file).parent.mkdir(exist_ok=True)
        shutil.copy(root / file, clone / file)
    cells = ["import dlutils", "x = dlutils.load('mnist').x_test[:2]", "dlutils.image_grid(x)\nprint(dlutils.__file__)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    lesson = clone / "01_foundations" / "01_small.ipynb"
    lesson.parent.mkdir()
    nbformat.write(notebook, lesson)
    command = [sys.executable, clone / "extras" / "scripts" / "run.py", lesson, "--figures", clone / "figures"]
    environment = {k: v for k, v in os.environ.items() if k != "DLUTILS_DATA"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(clone / "dlutils" / "__init__.py") in done.stdout and (clone / "figures" / "01_small-01.png").exists()
