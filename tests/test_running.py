"""How a notebook is run and compared: small ones with a planted fault, under the course's own settings."""

import re
import time

import pytest
import run

import torch

SAME = "import dlutils\nimport numpy as np\n_ = dlutils.same(a=np.float32([1]), b=np.float32([1 + 3e-7]))"
SAME_TEXT = "✓ a = b   shape (1,)   largest difference {}\n"


def test_what_same_and_report_measure_is_not_compared(run_notebook):
    report = "dlutils.report('accuracy', 0.5, '%')\ndlutils.claim(True, 'a finding')"
    code, said = run_notebook((SAME, SAME_TEXT.format("4.8e-08")), (report, "▸ accuracy: 61.0 %\n✓ a finding\n"))
    assert (code, "2 passed" in said) == (0, True), said


@pytest.mark.parametrize(
    "stored", [SAME_TEXT.format("4.8e-08").replace("(1,)", "(2,)"), SAME_TEXT.format("small"), "✓ a = c   shape (1,)\n"]
)
def test_all_else_that_same_prints_is_compared(run_notebook, stored):
    code, said = run_notebook((SAME, stored))
    assert code == 1 and "Cell outputs differ" in said, said


def test_a_planted_digit_of_the_machine_is_caught_by_the_portable_run(run_notebook):
    source = (
        "import dlutils, torch\n"
        "x = torch.rand(999_983, generator=torch.Generator().manual_seed(0))\n"
        'print(f"{1e6 * torch.softmax(x, 0)[5].item():.9f}")'
    )
    _, said = run_notebook((source, "unknown\n"))
    here = re.search(r"\d\.\d{9}", said)[0] + "\n"
    code, said = run_notebook((source, here))
    assert code == 0, said
    code, said = run_notebook((source, here), options=["--portable"])
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":  # else there is nothing to switch off
        assert code == 1 and "Cell outputs differ" in said, said


@pytest.mark.parametrize("end", ["", "1 / 0"])
def test_a_kernel_may_clean_up_when_it_ends(run_notebook, tmp_path, end):
    source = f"import tempfile\nfolder = tempfile.TemporaryDirectory(dir={str(tmp_path)!r}, prefix='left-')\n{end}"
    code, said = run_notebook((source, ""))
    assert code == bool(end), said
    assert not list(tmp_path.glob("left-*")), "the kernel was killed before it could remove its folder"


def test_cells_may_be_run_twice_in_one_kernel(run_notebook):
    cells = (("x = 1", ""), ("print(x)", "1\n"), ("x += 1", ""))
    code, said = run_notebook(*cells, options=["--twice"])
    assert code == 0 and "6 passed" in said, said
    code, said = run_notebook(("import builtins", ""), ("n = builtins.n = getattr(builtins, 'n', 0) + 1", ""),
                              ("print(n)", "1\n"), options=["--twice"])  # fmt: skip
    assert code == 1 and "1 failed, 5 passed" in said, said


def test_a_dead_kernel_is_noticed_at_once_and_named(run_notebook):
    start = time.monotonic()
    code, said = run_notebook(("a = 1", ""), ("import os\nos._exit(1)", ""), ("print(a)", "1\n"), ("b = 2", ""))
    assert code == 1 and time.monotonic() - start < 60
    assert "1 failed, 1 passed, 2 skipped" in said and "Cell 1: The kernel died while it ran this cell" in said, said
    assert "cell 1 of this notebook failed" in said


def test_a_cell_that_never_ends_is_named_and_takes_nothing_down_with_it(run_notebook):
    code, said = run_notebook(("while True: pass", ""), ("print(1)", "1\n"), options=["--nbval-cell-timeout=3"])
    assert code == 1 and "1 failed, 1 skipped" in said and "Timeout of 3 seconds" in said, said
    assert "while True: pass" in said


def test_after_an_error_the_rest_is_skipped_after_a_difference_it_is_not(run_notebook):
    code, said = run_notebook(("print(2)", "1\n"), ("1 / 0", ""), ("print(3)", "3\n"))
    assert code == 1 and "2 failed, 1 skipped" in said and "ZeroDivisionError" in said, said


@pytest.mark.parametrize(
    ("quick", "full", "expected"),
    [
        (200, 1500, 300),
        (1200, 24_000, 1800),
        (64, 256, 128),
        (0, 500_000, 25_001),
        (3, 4, 4),
        (8e-3, 5e-4, 5e-4),
        (False, True, True),
        ((32, 64), (32, 64, 96, 160, 224), (32, 64, 96, 96)),
        ((0.1, 1.0), (0.1, 0.2, 0.5, 1.0, 2.0), (0.1, 0.2, 0.5, 2.0)),
        ({500: 16}, {500: 40, 60_000: 12}, {500: 24, 60_000: 12}),
        (range(3), range(5), range(4)),
    ],
)
def test_the_full_branch_is_run_with_its_sizes_cut_down(quick, full, expected):
    assert run.shrunk(quick, full) == expected
