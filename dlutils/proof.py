"""The three ways in which the course proves what it says: `same`, `claim` and `report`."""

from dlutils.errors import CourseError

import math
import numbers

import numpy as np


class ProofError(CourseError, AssertionError):
    """A proof or a claim does not hold."""


def to_numpy(value):
    """An array-like, a PyTorch tensor, a TensorFlow tensor or variable, or a Keras variable as a NumPy array."""
    if hasattr(value, "detach"):  # PyTorch; .numpy() refuses tensors that need gradients or live on a GPU
        value = value.detach().cpu()
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = value.numpy()
    return np.asarray(value)


def _leaves(value, path=""):
    """Flatten dicts, and lists or tuples of arrays, into pairs (path, array)."""
    if isinstance(value, dict):
        return [leaf for key in value for leaf in _leaves(value[key], f"{path}[{key!r}]")]
    if isinstance(value, (list, tuple)):
        if any(isinstance(v, dict) or len(getattr(v, "shape", ())) for v in value):
            return [leaf for i, v in enumerate(value) for leaf in _leaves(v, f"{path}[{i}]")]
        value = [to_numpy(v) for v in value]  # numbers, be they Python's or a framework's: one array
    return [(path, to_numpy(value))]


def _check_leaf(name, path, array):
    label = name + path
    if array.dtype.kind not in "biuf":
        raise CourseError(f"same: {label} holds {array.dtype}, not numbers")
    if array.size == 0:
        raise CourseError(f"same: {label} is empty (shape {array.shape}); an empty comparison proves nothing")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise CourseError(f"same: {label} holds NaN in {int(np.isnan(array).sum())} of {array.size} places")


def same(*, tolerance=None, **values):
    """Show that two or more computations of one quantity agree, or raise.

    `same(numpy=a, torch=b, keras=c)` prints the largest absolute difference of any entry between the first and each
    of the others. Values may be arrays, tensors, numbers, or lists and dicts of them (such as all the gradients of a
    model), then compared one by one.

    Args:
        tolerance: the largest absolute difference allowed. By default 1e-10 if every value is float64, 1e-5 if any
            has less precision, 0 if all are integers or booleans.
        **values: two or more named values of equal shapes.

    Returns:
        float: the largest absolute difference.

    Raises:
        CourseError: fewer than two values; different shapes or structure; NaN; nothing to compare; not numbers.
        ProofError: the difference is larger than the tolerance; the message says where.
    """
    if len(values) < 2:
        raise CourseError("same compares two or more named values: same(numpy=a, torch=b)")
    flat = {name: _leaves(value) for name, value in values.items()}
    (first, reference), *others = flat.items()
    for name, leaves in flat.items():
        if not leaves:
            raise CourseError(f"same: {name} is empty; an empty comparison proves nothing")
        if [path for path, _ in leaves] != [path for path, _ in reference]:
            raise CourseError(f"same: {first} has {len(reference)} arrays and {name} has {len(leaves)}, or other names")
        for (path, array), (_, expected) in zip(leaves, reference, strict=True):
            _check_leaf(name, path, array)
            if array.shape != expected.shape:
                raise CourseError(f"same: {first}{path} has shape {expected.shape}, {name}{path} has {array.shape}")
    arrays = [array for leaves in flat.values() for _, array in leaves]
    if tolerance is None:
        floats = [a.dtype.itemsize for a in arrays if a.dtype.kind == "f"]
        tolerance = 0 if not floats else 1e-10 if min(floats) >= 8 else 1e-5
    largest, where = 0.0, ""
    for name, leaves in others:
        for (path, array), (_, expected) in zip(leaves, reference, strict=True):
            with np.errstate(invalid="ignore"):  # inf - inf; equal infinities count as equal
                gap = np.where(array == expected, 0.0, np.abs(array.astype(float) - expected.astype(float)))
            if gap.max() > largest:
                largest = float(gap.max())
                index = tuple(int(i) for i in np.unravel_index(gap.argmax(), gap.shape))
                where = f"{name}{path}{list(index) if index else ''} = {array[index]}, {first} has {expected[index]}"
    names, shapes = " = ".join(values), f"{len(reference)} arrays, {sum(a.size for _, a in reference):,} numbers"
    if len(reference) == 1:
        shapes = f"shape {reference[0][1].shape}" if reference[0][1].ndim else "a number"
    if not largest <= tolerance:
        raise ProofError(f"✗ {names} does not hold: largest difference {largest:.2e} > {tolerance:.0e} at {where}")
    print(f"✓ {names}   {shapes}   largest difference {largest:.1e}")
    return largest


def claim(condition, sentence, **measured):
    """State a finding that a cell has shown: print ✓ and the sentence, or raise.

    Args:
        condition: one boolean (Python's, NumPy's, or a tensor with one element).
        sentence: what is claimed, in words that hold for any seed; printed as it is.
        **measured: the numbers behind the claim; shown only if it fails.

    Raises:
        CourseError: the condition is not a single boolean, or there is no sentence.
        ProofError: the condition is false.
    """
    if not isinstance(sentence, str) or not sentence.strip():
        raise CourseError("claim needs a sentence that says what is claimed")
    value = to_numpy(condition)
    if value.dtype != bool or value.size != 1:
        raise CourseError(f"claim needs one true-or-false condition, not {condition!r}")
    if not value.item():
        seen = ", ".join(f"{name} = {value}" for name, value in measured.items())
        raise ProofError(f"✗ not so: {sentence}" + (f" (measured: {seen})" if seen else ""))
    print(f"✓ {sentence}")


def report(label, value, unit=""):
    """Print a measured result in the form that the README's table of results is made from.

    Args:
        label: what was measured, such as "test accuracy, PyTorch".
        value: a finite number (shown with three significant digits, or as a percentage when `unit` is "%" and the
            value a fraction from 0 to 1) or a short string.
        unit: "%", "s", "ms", …

    Raises:
        CourseError: an empty label, or a value that is neither a finite number nor a string.
    """
    if not isinstance(label, str) or not label.strip() or ":" in label:
        raise CourseError(f"report needs a label without a colon, not {label!r}")
    if hasattr(value, "detach") or hasattr(value, "numpy") or isinstance(value, np.generic | np.ndarray):
        array = to_numpy(value)
        value = array.item() if array.size == 1 else array
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value):
        if unit == "%":
            if not 0 <= value <= 1:
                raise CourseError(f"report: {label} = {value} is not a fraction from 0 to 1; give 0.97 for 97 %")
            text = f"{100 * value:.1f}"
        else:
            text = f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
    elif isinstance(value, str) and value.strip():
        text = value.strip()
    else:
        raise CourseError(f"report: {label} is {value!r}, not a finite number or a word")
    print(f"▸ {label}: {text}{' ' + unit if unit else ''}")
