"""Run a notebook as a script, without a display, printing as it goes.

    python extras/scripts/run.py 01_foundations/02_perceptron.ipynb --profile full --figures /tmp/figures

It stops at the first failing cell and shows it. --seed N shifts the seeds that the lesson gives to dlutils, NumPy,
PyTorch and Keras, to see whether its claims hold for another start.
"""

import argparse
import math
import os
import sys
import time
from pathlib import Path

import course


def shift_seeds(by):
    """Add `by` to every seed that a lesson gives to dlutils, NumPy's default_rng, PyTorch, Keras or TensorFlow."""
    import dlutils.device

    import numpy as np

    import torch

    import keras
    import tensorflow as tf

    def shifted(function):
        return lambda seed=None: function(seed + by if isinstance(seed, int) else seed)

    class Generator(torch.Generator):
        def manual_seed(self, seed):
            return super().manual_seed(seed + by)

    dlutils.device.seed_everything = dlutils.seed_everything = shifted(dlutils.seed_everything)
    np.random.default_rng = shifted(np.random.default_rng)
    torch.manual_seed, torch.Generator = shifted(torch.manual_seed), Generator
    keras.utils.set_random_seed = shifted(keras.utils.set_random_seed)
    tf.random.set_seed = shifted(tf.random.set_seed)


def shrunk(quick, full):
    """What `pick` gives with --shrunk: of the kind of the full value, of a size near that of the quick one."""
    if isinstance(quick, dict) and isinstance(full, dict):
        return {key: shrunk(quick.get(key, min(quick.values(), default=1)), value) for key, value in full.items()}
    if isinstance(quick, range) and isinstance(full, range):
        return full[: len(quick) + 1]
    if isinstance(quick, tuple | list) and isinstance(full, tuple | list):
        last = quick[-1] if quick else 1
        ends = full if len(full) <= 4 else full[:3] + full[-1:]
        return type(full)(shrunk(quick[k] if k < len(quick) else last, value) for k, value in enumerate(ends))
    if not isinstance(quick, int) or not isinstance(full, int) or isinstance(full, bool):
        return full
    if not quick:  # what the quick profile leaves out
        return min(full, full // 20 + 1)
    common = math.gcd(quick, full)  # what divides both divides the result, as far as it is not too large
    step = max(d for d in range(1, max(quick // 2, 64) + 1) if common % d == 0)
    return min(full, quick + step)


def shrink():
    """Make the lesson take the full branch of `pick`, cut down, and let failing claims pass with a line."""
    import dlutils.device
    import dlutils.proof

    def claim(condition, sentence, **measured):
        try:
            dlutils.proof.claim(condition, sentence, **measured)
        except dlutils.ProofError as error:
            print(f"(at this size) {error}")

    dlutils.claim = claim
    dlutils.pick = lambda *, quick, full: shrunk(quick, full)


def figure_saver(folder, name):
    """A function that saves the open figures as PNG in `folder` (None: nowhere) and closes them."""
    import matplotlib.pyplot as plt

    count = 0

    def save(*args, **kwargs):
        nonlocal count
        for figure in map(plt.figure, plt.get_fignums()):
            count += 1
            if folder:
                path = folder / f"{name}-{count:02}.png"
                figure.savefig(path, bbox_inches="tight")
                print(f"[figure {count}: {path}]", flush=True)
        plt.close("all")

    return save


def run(path, figures=None, seed=0, small=False):
    """Run the cells of the notebook at `path` in this process; return 0, or 1 after a cell that failed."""
    cells = [cell.source for cell in course.read(path).cells if cell.cell_type == "code" and cell.source.strip()]
    sys.path.insert(0, str(course.ROOT))
    os.chdir(path.resolve().parent)
    import dlutils  # noqa: F401  (before TensorFlow, as in the notebooks)

    import matplotlib.pyplot as plt
    from IPython.core.interactiveshell import InteractiveShell

    if seed:
        shift_seeds(seed)
    if small:
        shrink()
    save = plt.show = figure_saver(figures, path.stem)
    shell = InteractiveShell.instance(colors="nocolor")
    start = time.perf_counter()
    for number, source in enumerate(cells, start=1):
        result = shell.run_cell(source, store_history=False)
        sys.stdout.flush()
        if not result.success:
            print(f"\n{path}: code cell {number} of {len(cells)} failed:\n{source}", file=sys.stderr)
            return 1
        save()
    print(f"[{path}: {len(cells)} cells in {time.perf_counter() - start:.1f} s]")
    return 0


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, metavar="PATH", help="the notebook")
    parser.add_argument("--profile", choices=("quick", "full"), help="default: full where there is a GPU")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="shift the lesson's seeds by N")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="save each figure there as PNG")
    parser.add_argument("--shrunk", action="store_true", help="the full profile with its sizes cut down")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        raise course.Problem(f"--seed {options.seed}: give a whole number from 0")
    course.read(options.path)
    os.environ["MPLBACKEND"] = "agg"
    if options.shrunk:
        options.profile = "full"
    if options.profile:
        os.environ["COURSE_PROFILE"] = options.profile
    if options.figures:
        options.figures = options.figures.resolve()
        try:
            options.figures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise course.Problem(f"--figures {options.figures}: {error.strerror}") from error
    return run(options.path, options.figures, options.seed, options.shrunk)


if __name__ == "__main__":
    course.main(main)
