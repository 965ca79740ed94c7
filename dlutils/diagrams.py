"""Diagrams of networks: boxes, arrows, and on each arrow a shape that was measured, not typed."""

from dlutils.errors import CourseError

import itertools
import math
import re

import numpy as np

# Fill of each kind of box, from light to dark, so that they differ in grey too
KINDS = {"data": "#FFFFFF", "op": "#F7F0D0", "layer": "#CBE3F5", "focus": "#F0B45A", "loss": "#C9C9C9"}


def diagram(boxes, arrows, *, shapes=None, groups=None, gaps=(1.05, 0.35), title=None):
    """Draw a network as boxes and arrows, with the shape of what flows on each arrow.

    Args:
        boxes: {name: (column, row, text)} or {name: (column, row, text, kind)}; columns count to the right and rows
            downwards, in fractions too; `kind` is a key of KINDS, by default "layer" if `shapes` knows it, else "data".
        arrows: (from, to), (from, to, label) or (from, to, label, detour). The label is an array or tensor (its shape
            is shown), words, or None: then the shape comes from `shapes`, if one of the two boxes is in it. In a
            column, a detour leaves to the right (positive) or left, in a row below (positive) or above, by so many
            inches beyond the boxes between.
        shapes: what `shapes_of` returned; its keys are names of boxes.
        groups: {label: names of boxes}, drawn as a dashed frame around them.
        gaps: inches between the boxes of neighbouring columns, and of neighbouring rows.
        title: a line above.

    Returns:
        matplotlib.figure.Figure

    Raises:
        CourseError: an arrow to a box that is not there, an unknown kind, a shape typed as words, or an arrow between
            two layers of which the second does not take what the first gives.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

    shapes, size = shapes or {}, {n: (max(map(len, b[2].split("\n"))), b[2].count("\n") + 1) for n, b in boxes.items()}
    x, w = _places({n: b[0] for n, b in boxes.items()}, {n: 0.22 + 0.083 * size[n][0] for n in boxes}, gaps[0])
    y, h = _places({n: b[1] for n, b in boxes.items()}, {n: 0.16 + 0.17 * size[n][1] for n in boxes}, gaps[1])
    sides = {n: np.array([[x[n] - w[n] / 2, x[n] + w[n] / 2], [y[n] - h[n] / 2, y[n] + h[n] / 2]]) for n in boxes}
    every = np.stack(list(sides.values()))
    low, high = every.min(axis=(0, 2)) - 0.15, every.max(axis=(0, 2)) + 0.15  # in notebooks grown to hold all labels
    figure = plt.figure(figsize=high - low, layout="none")
    axis = figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
    axis.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))
    for label, names in (groups or {}).items():
        around = np.stack([sides[name] for name in names])
        (x0, y0), (x1, y1) = around.min(axis=(0, 2)) - 0.12, around.max(axis=(0, 2)) + 0.12
        axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ls="--", ec="0.45", clip_on=False))
        axis.text(x0 + 0.04, y0 - 0.03, label, fontsize=8, color="0.3", va="bottom")
    for name, (_, _, text, *kind) in boxes.items():
        kind = kind[0] if kind else "layer" if name in shapes else "data"
        if kind not in KINDS:
            raise CourseError(f"diagram: the box {name!r} is of the kind {kind!r}; there are {', '.join(KINDS)}")
        look = {"boxstyle": "round,pad=0,rounding_size=0.07", "fc": KINDS[kind], "ec": "0.15", "zorder": 3}
        axis.add_patch(FancyBboxPatch(sides[name][:, 0], w[name], h[name], **look))
        axis.text(x[name], y[name], text, ha="center", va="center", fontsize=9, zorder=4)
    said, top = [], low[1] - (0.22 if groups else 0)
    for arrow in arrows:
        start, end, label, detour = *arrow, *(None, 0.0)[len(arrow) - 2 :]
        if missing := {start, end} - boxes.keys():
            raise CourseError(f"diagram: an arrow from {start!r} to {end!r}, but there is no box {missing.pop()!r}")
        text = _label(start, end, label, shapes)
        path, place, look = _route(sides[start], sides[end], detour, every)
        line = {"arrowstyle": "-|>", "mutation_scale": 11, "color": "0.15", "zorder": 2, "clip_on": False}
        axis.add_patch(FancyArrowPatch(path=path, **line))
        axis.text(*place, text, fontsize=7.5, zorder=5, **look)
        top = min(top, place[1] - 0.15)
        said.append(f"{boxes[start][2]} to {boxes[end][2]}" + (f" {text}" if text else ""))
    if title:
        axis.text((low[0] + high[0]) / 2, top, title, ha="center", va="bottom", fontsize=11)
    figure.set_label(re.sub(r"\s+", " ", f"Diagram{': ' + title if title else ''}. {'; '.join(said)}."))
    return figure


def _places(place, size, gap):
    """Along one direction: the centres in inches of boxes at whole or fractional places, and their common sizes."""
    size = {n: max(size[m] for m in size if place[m] == place[n]) for n in size}
    grid = range(math.floor(min(place.values())), math.ceil(max(place.values())) + 1)
    widest = [max((size[n] for n in size if place[n] == g), default=0.0) for g in grid]
    steps = [(a + b) / 2 + gap for a, b in itertools.pairwise(widest)]
    centres = np.cumsum([0.0, *steps])
    return {n: float(np.interp(p, grid, centres)) for n, p in place.items()}, size


def _route(start, end, detour, boxes):
    """An arrow between two boxes [[left, right], [top, bottom]]: its path, the place of its label, and its look."""
    from matplotlib.path import Path

    a, b = start.mean(axis=1), end.mean(axis=1)
    aligned = np.abs(a - b) < 1e-6  # [in one column, in one row]
    along = 1 if aligned[0] or (not aligned[1] and abs(b[1] - a[1]) >= abs(b[0] - a[0])) else 0
    off = 1 - along
    if detour and aligned.any():  # out at one side, along the boxes between, and in again
        side, (first, last) = int(detour > 0), sorted((a[along], b[along]))
        between = (boxes[:, along, 0] < last) & (boxes[:, along, 1] > first)
        between &= (boxes[:, off, 0] < a[off]) & (boxes[:, off, 1] > a[off])
        level = (max if side else min)(boxes[between, off, side]) + detour
        points = np.array(
            [[start[off, side], a[along]], [level, a[along]], [level, b[along]], [end[off, side], b[along]]]
        )
        place = np.array([level + math.copysign(0.06, detour), (a[along] + b[along]) / 2])
        aligns = ("ha", ("right", "left")[side], "va") if along else ("va", ("bottom", "top")[side], "ha")
        flip = slice(None, None, 1 if along else -1)
        return Path(points[:, flip]), place[flip], {aligns[0]: aligns[1], aligns[2]: "center"}
    forward = int(b[along] > a[along])
    a[along], b[along] = start[along, forward], end[along, 1 - forward]
    middle = (a + b) / 2
    if aligned.any():
        look = {"ha": "left", "va": "center"} if along else {"ha": "center", "va": "bottom"}
        return Path([a, b]), middle + (np.array([0.06, 0]) if along else np.array([0, -0.04])), look
    bend_a, bend_b = a.copy(), b.copy()
    bend_a[along] = bend_b[along] = middle[along]
    look = {"ha": "center", "va": "center", "bbox": {"fc": "white", "ec": "none", "pad": 0.8}}
    return Path([a, bend_a, bend_b, b], [Path.MOVETO, *[Path.CURVE4] * 3]), middle, look


def _label(start, end, label, shapes):
    given, taken = shapes.get(start, (None, None))[1], shapes.get(end, ([], None))[0]
    if given is not None and taken and given not in taken:
        raise CourseError(f"diagram: {start!r} gives {given}, but {end!r} takes {' and '.join(map(str, taken))}")
    if isinstance(label, str):
        if re.search(r"\d\s*[,×x]\s*\d", label):
            raise CourseError(
                f"diagram: {label!r} looks like a typed shape; give the array itself, or shapes_of(model)"
            )
        return label
    if label is not None:
        if given not in (None, tuple(label.shape)):
            raise CourseError(f"diagram: {start!r} gives {given}, not {tuple(label.shape)} as the arrow says")
        return str(tuple(label.shape))
    shape = given or (taken[0] if len(taken) == 1 else None)
    return str(shape) if shape else ""


def shapes_of(model, *inputs):
    """The shapes that each part of a model takes and gives, seen while it runs.

    Args:
        model: a torch.nn.Module, or a built Keras model whose layers are connected (functional or sequential).
        inputs: what a PyTorch model is called with; a Keras model needs none.

    Returns:
        dict: name of the part -> (list of the shapes it takes, the shape of the first tensor that it gives).
    """
    if not hasattr(model, "named_modules"):
        import keras

        flat = [
            (layer.name, keras.tree.flatten(layer.input), keras.tree.flatten(layer.output)) for layer in model.layers
        ]
        return {name: ([tuple(x.shape) for x in given], tuple(out[0].shape)) for name, given, out in flat}
    seen = {}

    def shapes(value):
        if hasattr(value, "shape"):
            return [tuple(value.shape)]
        return [shape for part in value for shape in shapes(part)] if isinstance(value, list | tuple) else []

    def hook(name):
        def record(module, arguments, named, output):
            seen.setdefault(name, (shapes((*arguments, *named.values())), (shapes(output) or [None])[0]))

        return record

    hooks = [part.register_forward_hook(hook(name), with_kwargs=True) for name, part in model.named_modules() if name]
    try:
        model(*inputs)
    finally:
        for handle in hooks:
            handle.remove()
    return seen
