"""Exercises of 6.2, PyTorch under the hood: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _patches_cases(rng):
    yield (4, 5), (5, 1), 0, 2, 1
    yield (6, 7), (1, 6), 3, 3, 2  # a transposed image, with an offset
    yield (9, 8), (24, 3), 2, 3, 3  # one colour of an image with colours last
    for _ in range(5):
        size, step = int(rng.integers(2, 4)), int(rng.integers(2, 5))
        shape = (int(rng.integers(8, 12)), int(rng.integers(12, 16)))
        strides = (int(rng.integers(30, 60)), int(rng.integers(2, 5)))
        yield shape, strides, int(rng.integers(1, 9)), size, step


@exercise("Return (shape, strides, offset) of the view that holds all square patches.", _patches_cases)
def patches(shape, strides, offset, size, step):
    counts = tuple((n - size) // step + 1 for n in shape)
    return (*counts, size, size), (step * strides[0], step * strides[1], *strides), offset


@patches.mistake("From one patch to the next is `step` rows or columns: the first two strides must contain the step.")
def _no_step(shape, strides, offset, size, step):
    return patches(shape, strides, offset, size, step)[0], (*strides, *strides), offset


@patches.mistake("Inside a patch the pixels are neighbours: its two strides are those of the image, without the step.")
def _step_everywhere(shape, strides, offset, size, step):
    moved = tuple(step * s for s in strides)
    return patches(shape, strides, offset, size, step)[0], (*moved, *moved), offset


@patches.mistake("The image need not be contiguous: use the strides that you are given, not (width, 1).")
def _contiguous(shape, strides, offset, size, step):
    return patches(shape, (shape[1], 1), offset, size, step)


@patches.mistake("n // step is too many: the last patch must still lie inside, so (n - size) // step + 1 of them fit.")
def _too_many(shape, strides, offset, size, step):
    counts = tuple(n // step for n in shape)
    return (*counts, size, size), patches(shape, strides, offset, size, step)[1], offset


@patches.mistake("One too few: the patch at the very start counts as well, hence the + 1.")
def _one_less(shape, strides, offset, size, step):
    counts = tuple((n - size) // step for n in shape)
    return (*counts, size, size), patches(shape, strides, offset, size, step)[1], offset


@patches.mistake("Between two patches lie `step` pixels, not `size`: patches may overlap, or leave gaps.")
def _side_by_side(shape, strides, offset, size, step):
    return patches(shape, strides, offset, size, size)


@patches.mistake("Without a step there would be n - size + 1 patches; they start at 0, step, 2 · step and so on.")
def _all_starts(shape, strides, offset, size, step):
    counts = tuple(n - size + 1 for n in shape)
    return (*counts, size, size), patches(shape, strides, offset, size, step)[1], offset


@patches.mistake("Rows first, then columns: the strides of each pair in the order of the image.")
def _swapped(shape, strides, offset, size, step):
    found = patches(shape, strides, offset, size, step)
    return found[0], (found[1][1], found[1][0], found[1][3], found[1][2]), offset


@patches.mistake("First both numbers of patches, then both places: yours takes rows and their places, then columns.")
def _interleaved(shape, strides, offset, size, step):
    found = patches(shape, strides, offset, size, step)
    return tuple(found[0][k] for k in (0, 2, 1, 3)), tuple(found[1][k] for k in (0, 2, 1, 3)), offset


@patches.mistake("The image begins at the offset of its storage, and so does the first patch: keep the offset.")
def _no_offset(shape, strides, offset, size, step):
    return (*patches(shape, strides, offset, size, step)[:2], 0)


@patches.mistake("PyTorch counts strides in elements, not in bytes.")
def _bytes(shape, strides, offset, size, step):
    found = patches(shape, strides, offset, size, step)
    return found[0], tuple(8 * s for s in found[1]), found[2]


@patches.mistake("First the two numbers of patches, then the two places inside a patch.")
def _inner_first(shape, strides, offset, size, step):
    shape, strides, offset = patches(shape, strides, offset, size, step)
    return (*shape[2:], *shape[:2]), (*strides[2:], *strides[:2]), offset


def _share_cases(rng):
    """Pairs of views (shape, strides, offset) of one storage; about half of the random ones share a number."""
    yield ((3,), (1,), 0), ((3,), (1,), 2)
    yield ((3,), (1,), 0), ((3,), (1,), 3)  # neighbours
    yield ((5,), (2,), 0), ((5,), (2,), 1)  # even and odd: interleaved
    yield ((4, 2), (6, 1), 0), ((4, 3), (6, 1), 3)  # two blocks of columns of one matrix
    yield ((2, 3), (1, 4), 0), ((2,), (0,), 9)  # a stride of 0, and addresses 0 1 4 5 8 9
    yield ((2,), (0,), 5), ((4,), (1,), 6)
    yield ((3, 2), (5, 2), 1), ((2, 2), (10, 1), 13)
    yield ((3,), (3,), 0), ((3,), (3,), 3)  # they meet, though their starts differ
    yield ((2, 2), (8, 1), 0), ((2, 2), (1, 8), 0)
    yield ((3, 3), (1, 3), 0), ((2, 2), (1, 8), 1)
    yield ((2, 3), (3, 1), 1), ((2, 3), (3, 1), 1)  # the same view twice
    for _ in range(8):
        yield tuple(
            (tuple(rng.integers(1, 4, 2).tolist()), tuple(rng.integers(0, 9, 2).tolist()), int(rng.integers(0, 12)))
            for _ in range(2)
        )


def _addresses(view):
    shape, strides, offset = view
    return {offset + sum(s * i for s, i in zip(strides, index, strict=True)) for index in np.ndindex(shape)}


@exercise("Return whether the two views of one storage have a number in common.", _share_cases)
def share(first, second):
    def addresses(view):
        shape, strides, offset = view
        return {offset + sum(s * i for s, i in zip(strides, index, strict=True)) for index in np.ndindex(*shape)}

    return bool(addresses(first) & addresses(second))


@share.mistake("True every time? In one storage two views may never meet; and each view starts at its own offset.")
def _always(first, second):
    return True


@share.mistake("False every time? A slice, a transpose and a patch of one tensor often hold a number in common.")
def _never(first, second):
    return False


@share.mistake("The other way round: True if there IS a common number.")
def _negated(first, second):
    return not share(first, second)


@share.mistake("Ranges of addresses may overlap without a common address: think of the even and the odd elements.")
def _ranges(first, second):
    a, b = _addresses(first), _addresses(second)
    return max(min(a), min(b)) <= min(max(a), max(b))


@share.mistake("Two views with different offsets can meet further on: compare all addresses, not the first ones.")
def _offsets(first, second):
    return first[2] == second[2]


@share.mistake("That asks whether the views are the same; one common number is enough.")
def _identical(first, second):
    return first == second


@share.mistake("One common address is enough; you ask whether one view holds all the addresses of the other.")
def _contained(first, second):
    a, b = _addresses(first), _addresses(second)
    return a <= b or b <= a


@share.mistake("You read both views as if they were contiguous: their addresses depend on their strides.")
def _as_contiguous(first, second):
    a, b = (set(range(view[2], view[2] + int(np.prod(view[0])))) for view in (first, second))
    return bool(a & b)


@share.mistake("The last index of a dimension of size n is n - 1; you let it run to n.")
def _one_too_far(first, second):
    views = [(tuple(n + 1 for n in shape), strides, offset) for shape, strides, offset in (first, second)]
    return bool(_addresses(views[0]) & _addresses(views[1]))


def _rms_cases(rng):
    yield np.array([[1.0, 2.0, -2.0]]), np.array([1.0, 1.0, 1.0]), np.array([[1.0, 0.0, 0.0]]), 0.25
    for _ in range(5):
        n, d = int(rng.integers(2, 5)), int(rng.integers(3, 7))
        yield rng.normal(size=(n, d)), rng.uniform(0.5, 2, size=d), rng.normal(size=(n, d)), 0.1


def _root(x, eps):
    return np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)


def _by(x, gain, dy, root, pull):
    """(dx, dgain) for a given root and `pull(u, du)`, what the root's own dependence on x takes away from du."""
    u, du = x / root, dy * gain
    return (du - pull(u, du)) / root, (dy * u).sum(axis=0)


def _row_mean(u, du):
    return u * (du * u).mean(axis=1, keepdims=True)


@exercise(
    "Return (dx, dgain): what backward must return for y = gain * x / sqrt(mean(x²) + eps), row by row.", _rms_cases
)
def rms_backward(x, gain, dy, eps):
    root = np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)
    u = x / root
    du = dy * gain
    dx = (du - u * (du * u).mean(axis=1, keepdims=True)) / root
    return dx, (dy * u).sum(axis=0)


@rms_backward.mistake("The root depends on x as well: every output of a row depends on every input of that row.")
def _root_constant(x, gain, dy, eps):
    return _by(x, gain, dy, _root(x, eps), lambda u, du: 0.0)


@rms_backward.mistake("The mean of x² has a 1 / d, and so has its derivative: a mean over the row, where you sum.")
def _sum_for_mean(x, gain, dy, eps):
    return _by(x, gain, dy, _root(x, eps), lambda u, du: u * (du * u).sum(axis=1, keepdims=True))


@rms_backward.mistake("The sign: the root grows with x², and dividing by a larger root makes y smaller.")
def _plus(x, gain, dy, eps):
    return _by(x, gain, dy, _root(x, eps), lambda u, du: -_row_mean(u, du))


@rms_backward.mistake("The whole of dx is divided by the root once more: x enters y as x / root.")
def _no_root(x, gain, dy, eps):
    dx, dgain = rms_backward(x, gain, dy, eps)
    return dx * _root(x, eps), dgain


@rms_backward.mistake("The gain multiplies x / root, not x: so dgain adds up dy * x / root.")
def _gain_of_x(x, gain, dy, eps):
    return rms_backward(x, gain, dy, eps)[0], (dy * x).sum(axis=0)


@rms_backward.mistake("The gain itself does not stand in dgain: y is linear in it.")
def _gain_in_dgain(x, gain, dy, eps):
    dx, dgain = rms_backward(x, gain, dy, eps)
    return dx, dgain * gain


@rms_backward.mistake("eps stands under the root, together with the mean; yours is added after the root.")
def _eps_outside(x, gain, dy, eps):
    return _by(x, gain, dy, _root(x, 0.0) + eps, _row_mean)


@rms_backward.mistake("The mean is over the d entries of a row (axis 1), not over the rows.")
def _over_rows(x, gain, dy, eps):
    root = np.sqrt((x**2).mean(axis=0, keepdims=True) + eps)
    return _by(x, gain, dy, root, lambda u, du: u * (du * u).mean(axis=0, keepdims=True))


@rms_backward.mistake("The gain is missing in dx: the gradient that reaches x / root is dy * gain.")
def _no_gain(x, gain, dy, eps):
    return rms_backward(x, np.ones_like(gain), dy, eps)


@rms_backward.mistake("The gain was broadcast over the rows: its gradient must be summed over them, to shape (d,).")
def _not_reduced(x, gain, dy, eps):
    return rms_backward(x, gain, dy, eps)[0], dy * x / _root(x, eps)


@rms_backward.mistake("The gradient of the gain is a sum over the rows: the loss adds up what each row contributes.")
def _mean_of_gain(x, gain, dy, eps):
    dx, dgain = rms_backward(x, gain, dy, eps)
    return dx, dgain / len(x)


@rms_backward.mistake("Your backward ignores dy: it is right only for sum().backward().")
def _no_dy(x, gain, dy, eps):
    return rms_backward(x, gain, np.ones_like(dy), eps)


@rms_backward.mistake("eps is missing: it stands under the root, together with the mean.")
def _no_eps(x, gain, dy, eps):
    return rms_backward(x, gain, dy, 0.0)


@rms_backward.mistake("In the projection onto u stands the gradient that reaches u, which is dy * gain, not dy.")
def _projection_without_gain(x, gain, dy, eps):
    return _by(x, gain, dy, _root(x, eps), lambda u, du: _row_mean(u, dy))


def _module(rng, depth):
    """A random tree: {"parameters": names, "buffers": names, "temporary": names, "children": {name: tree}}."""
    tag = "".join(rng.choice(list("abcdefgh"), 3))
    children = {}
    if depth:
        children = {f"{name}_{tag}": _module(rng, depth - 1) for name in ("stem", "body")}
    return {
        "parameters": [f"weight_{tag}", f"bias_{tag}"],
        "buffers": [f"mean_{tag}"],
        "temporary": [f"mask_{tag}"],
        "children": children,
    }


def _names_cases(rng):
    leaf = {"parameters": ["weight"], "buffers": [], "temporary": [], "children": {}}
    norm = {"parameters": ["weight", "bias"], "buffers": ["mean", "var"], "temporary": ["mask"], "children": {}}
    block = {"parameters": ["gain"], "buffers": ["count"], "temporary": [], "children": {"conv": leaf, "norm": norm}}
    yield ({"parameters": [], "buffers": [], "temporary": [], "children": {"block": block, "head": leaf}},)
    for _ in range(3):
        yield (_module(rng, 2),)


@exercise("Return the list of the keys of state_dict(), in PyTorch's order.", _names_cases)
def state_names(module, prefix=""):
    names = [prefix + name for name in module["parameters"] + module["buffers"]]
    for child, inner in module["children"].items():
        names += state_names(inner, prefix + child + ".")
    return names


@state_names.mistake("A module's own entries come before those of its children.")
def _children_first(module, prefix=""):
    names = []
    for child, inner in module["children"].items():
        names += _children_first(inner, prefix + child + ".")
    return names + [prefix + name for name in module["parameters"] + module["buffers"]]


@state_names.mistake("Buffers registered with persistent=False (`temporary`) are not saved.")
def _with_temporary(module, prefix=""):
    names = [prefix + name for name in module["parameters"] + module["buffers"] + module["temporary"]]
    for child, inner in module["children"].items():
        names += _with_temporary(inner, prefix + child + ".")
    return names


@state_names.mistake("Buffers are saved too: state_dict holds more than the parameters.")
def _without_buffers(module, prefix=""):
    names = [prefix + name for name in module["parameters"]]
    for child, inner in module["children"].items():
        names += _without_buffers(inner, prefix + child + ".")
    return names


@state_names.mistake("The name of an entry is the whole path through the children, not its last part only.")
def _no_prefix(module, prefix=""):
    return [name.split(".")[-1] for name in state_names(module)]


@state_names.mistake("The path is lost on the way down: a child passes prefix + its own name to its children.")
def _last_two(module, prefix=""):
    return [".".join(name.split(".")[-2:]) for name in state_names(module)]


@state_names.mistake("The parts of a path are joined by dots.")
def _slashes(module, prefix=""):
    return [name.replace(".", "/") for name in state_names(module)]


@state_names.mistake("Each module lists its parameters and then its buffers; yours has all the buffers at the end.")
def _buffers_last(module, prefix=""):
    names, parameters = state_names(module), _without_buffers(module)
    return parameters + [name for name in names if name not in parameters]


@state_names.mistake("Parameters come before buffers, in each module.")
def _buffers_first(module, prefix=""):
    names = [prefix + name for name in module["buffers"] + module["parameters"]]
    for child, inner in module["children"].items():
        names += _buffers_first(inner, prefix + child + ".")
    return names


@state_names.mistake("The order is that of filing, not the alphabet's.")
def _sorted(module, prefix=""):
    return sorted(state_names(module))


@state_names.mistake("Children are visited in depth: all of the first child, its children too, before the second.")
def _breadth_first(module, prefix=""):
    names, queue = [], [(module, "")]
    for inner, path in queue:
        names += [path + name for name in inner["parameters"] + inner["buffers"]]
        queue += [(deeper, f"{path}{child}.") for child, deeper in inner["children"].items()]
    return names


def _drawn_cases(rng):
    yield np.array([0.5, 0.25, 0.125, 0.75, 0.875, 0.375, 0.625]), 7, 2, 2
    yield rng.random(11), 11, 3, 0
    for _ in range(5):
        n = int(rng.integers(21, 29))
        yield rng.random(n), n, 4, 3  # the last batch is short unless n is 24 or 28


@exercise(
    "Return the n numbers that a loader gives, in its order, if each worker draws from its own copy.", _drawn_cases
)
def drawn(stream, n, batch_size, workers):
    numbers, used = [], [0] * max(workers, 1)
    for batch, start in enumerate(range(0, n, batch_size)):
        worker = batch % max(workers, 1)
        for _ in range(min(batch_size, n - start)):
            numbers.append(stream[used[worker]])
            used[worker] += 1
    return np.array(numbers)


@drawn.mistake("That is one generator for all: each worker has a copy, and starts at the first number of the stream.")
def _one_generator(stream, n, batch_size, workers):
    return stream[:n].copy()


@drawn.mistake("Whole batches go to the workers in turn, not single examples.")
def _by_example(stream, n, batch_size, workers):
    return stream[np.arange(n) // max(workers, 1)]


@drawn.mistake("Every copy starts at the first number of the stream; yours gives each worker another start.")
def _shifted(stream, n, batch_size, workers):
    used = [worker % len(stream) for worker in range(max(workers, 1))]
    numbers = []
    for batch, start in enumerate(range(0, n, batch_size)):
        for _ in range(min(batch_size, n - start)):
            numbers.append(stream[used[batch % len(used)] % len(stream)])
            used[batch % len(used)] += 1
    return np.array(numbers) if workers else numbers[::-1]


@drawn.mistake("A worker goes on drawing where its last batch ended; yours starts anew with every batch.")
def _every_batch(stream, n, batch_size, workers):
    if not workers:
        return stream[:n].copy()
    return stream[np.arange(n) % batch_size]


@drawn.mistake("Batches are dealt out in turn; a worker does not get one long part of the data.")
def _parts(stream, n, batch_size, workers):
    part = -(-n // max(workers, 1))
    return stream[np.arange(n) % part]


@drawn.mistake("With num_workers=0 the main process draws, one number after the other.")
def _no_main(stream, n, batch_size, workers):
    return drawn(stream, n, batch_size, workers or 2)


@drawn.mistake("The last batch may be short: the loader gives exactly n numbers.")
def _full_batches(stream, n, batch_size, workers):
    batches = -(-n // batch_size)
    places = [batch // max(workers, 1) * batch_size + k for batch in range(batches) for k in range(batch_size)]
    return stream[np.array(places) % len(stream)]


@drawn.mistake("The short batch is not dropped: drop_last is False by default.")
def _dropped(stream, n, batch_size, workers):
    return drawn(stream, n // batch_size * batch_size, batch_size, workers)


@drawn.mistake("The batches come in their own order, not all of the first worker's and then the next one's.")
def _worker_after_worker(stream, n, batch_size, workers):
    batches = [np.arange(n)[start : start + batch_size] for start in range(0, n, batch_size)]
    numbers = drawn(stream, n, batch_size, workers)
    if workers < 2:
        return numbers[::-1].copy()
    order = sorted(range(len(batches)), key=lambda batch: batch % workers)
    return np.concatenate([numbers[batches[batch]] for batch in order])
