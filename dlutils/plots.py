"""One look for every figure: colour-blind-safe, readable in grey, labelled."""

from dlutils.errors import CourseError
from dlutils.proof import to_numpy

import math
import sys

# Okabe and Ito, "Color Universal Design" (2008), in an order whose lightness alternates.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442")
LINES = ("-", "--", "-.", ":", "-", "--", "-.", ":")


def use_style():
    """Set matplotlib's defaults for the course: colours, line styles that differ in grey, size and grid.

    In a notebook each figure is also stored with a text in place of it, for readers who do not see it.
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.rc("axes", prop_cycle=cycler(color=COLORS, linestyle=LINES), grid=True, titlesize=11)
    mpl.rc("figure", dpi=90, figsize=(7, 3.6))
    look = {"axes.spines.right": False, "axes.spines.top": False, "figure.constrained_layout.use": True}
    look |= {"legend.frameon": False, "font.size": 10, "grid.alpha": 0.3, "image.cmap": "gray", "lines.linewidth": 1.8}
    mpl.rcParams.update(look)
    shell = sys.modules["IPython"].get_ipython() if "ipykernel" in sys.modules else None
    if shell is not None:
        import matplotlib_inline.backend_inline  # noqa: F401  (it sets a formatter of its own when it is imported)
        from IPython.core.pylabtools import print_figure

        def png(figure):
            data = print_figure(figure, base64=True)
            return data and (data, {"alt": alt_text(figure)})

        shell.display_formatter.formatters["image/png"].for_type(mpl.figure.Figure, png)


def alt_text(figure):
    """What a figure shows, in words: what `figure.set_label` was given, else its titles, axes and legends."""
    if figure.get_label():
        return figure.get_label()
    parts = [figure.get_suptitle()]
    for axis in figure.axes:
        lines = [text.get_text() for text in axis.get_legend().get_texts()] if axis.get_legend() else []
        across = " against ".join(filter(None, (axis.get_ylabel(), axis.get_xlabel())))
        parts.append(": ".join(filter(None, (axis.get_title(), across, ", ".join(lines)))))
    words = [" ".join(part.split()) for part in dict.fromkeys(filter(None, parts))]
    return f"Figure of {len(figure.axes)} panel{'s' * (len(figure.axes) > 1)}. {'; '.join(words)[:600]}".strip()


def image_grid(images, titles=None, *, columns=8, title=None, size=1.1, cmap="gray", value_range=None):
    """Show images side by side.

    Args:
        images: (n, height, width) grey, or (n, height, width, 3) RGB; uint8, or floats from 0 to 1.
        titles, title: n short strings, or None; a title above the whole figure.
        columns, size: how many in a row; width and height of each in inches.
        cmap: colour map of grey images.
        value_range: (lowest, highest) value shown; 0 to 255 for uint8, else each image's own range by default.

    Returns:
        matplotlib.figure.Figure

    Raises:
        CourseError: no images, another shape, or as many titles as there are not images.
    """
    import matplotlib.pyplot as plt

    images = to_numpy(images)
    if len(images.shape) not in (3, 4) or images.shape[0] == 0 or (images.ndim == 4 and images.shape[3] not in (3, 4)):
        raise CourseError(f"image_grid needs images (n, height, width) or (n, height, width, 3), not {images.shape}")
    if titles is not None and len(titles) != len(images):
        raise CourseError(f"image_grid got {len(images)} images and {len(titles)} titles")
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    extra = (0.25 if titles is not None else 0.0) * rows + (0.35 if title else 0.0)
    figure, axes = plt.subplots(rows, columns, figsize=(size * columns, size * rows + extra), squeeze=False)
    low, high = value_range or ((0, 255) if images.dtype == "uint8" else (None, None))
    for index, axis in enumerate(axes.flat):
        axis.axis("off")
        if index < len(images):
            axis.imshow(images[index], cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
            if titles is not None:
                axis.set_title(str(titles[index]), fontsize=8)
    if title:
        figure.suptitle(title, fontsize=11)
    words = f": {', '.join(map(str, titles[:20]))}" if titles is not None else ""
    figure.set_label(f"{title or 'Pictures'}. {len(images)} images of {images.shape[1]} × {images.shape[2]}{words}.")
    return figure


def plot_curves(curves, *, x=None, xlabel="epoch", ylabel="loss", title=None, logy=False, logx=False, axis=None):
    """Draw named curves in one set of axes, told apart by colour and by line style.

    Args:
        curves: dict from label to a sequence of numbers.
        x: the common x values, or None for 1, 2, 3, …
        xlabel, ylabel, title, logx, logy: the words on the figure; logarithmic axes.
        axis: matplotlib axes to draw in; a new figure if None.

    Returns:
        matplotlib.axes.Axes

    Raises:
        CourseError: no curves, an empty curve, or one whose length differs from `x`.
    """
    import matplotlib.pyplot as plt

    if not curves:
        raise CourseError("plot_curves needs at least one curve: {'training loss': [...]}")
    axis = axis if axis is not None else plt.subplots()[1]
    for label, values in curves.items():
        values = to_numpy(values)
        steps = to_numpy(x) if x is not None else range(1, len(values) + 1)
        if len(values) == 0 or len(values) != len(steps):
            raise CourseError(f"plot_curves: {label!r} has {len(values)} values for {len(steps)} places on the x axis")
        axis.plot(steps, values, label=label, marker="o" if len(values) <= 12 else None, markersize=4)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if logy:
        axis.set_yscale("log")
    if logx:
        axis.set_xscale("log")
    if len(curves) > 1 or next(iter(curves)):
        axis.legend()
    return axis
