"""Vectors as arrows from one point."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from course_lib.colours import PALETTE
from course_lib.plots.inputs import FONT, INK, LETTER, labels_of, matrix_of, number_text, strings_of, visible
from course_lib.plots.picture import Picture

TEXTS: dict[str, Any] = {
    "dimensions": ("first dimension", "second dimension"),
    "alternative group": "{name}: {vectors}",
    "alternative vector": "{label} ({x}, {y})",
    "no groups": "groups is {groups!r}; expected a dict from a name to vectors, with at least one",
    "too many groups": "groups holds {got} groups; expected at most {most}, so that they can be told apart",
}

STYLES = {  # name of a group -> colour, marker, line: those of the widgets
    "queries": (PALETTE["queries"], "o", "-"),
    "keys": (PALETTE["keys"], "s", (0, (5, 2))),
    "values": (PALETTE["values"], "^", (0, (1, 1.2))),
    "context": (PALETTE["context"], "D", (0, (5, 1.5, 1, 1.5))),
}
MORE_STYLES = [("#56b4e9", "v", (0, (8, 2))), ("#e69f00", "P", "-"), ("#000000", "X", (0, (2, 2)))]


def vectors(groups: dict, labels: Iterable | None, *, title: str | None = None, ax: Axes | None = None) -> Any:
    """Draw vectors of two dimensions as arrows from the origin, each group in its own colour, marker and line.

    Args:
        groups: dict from a name ("queries", "keys", ...) to vectors (n, 2); at most 7 groups.
        labels: n strings, one for each vector of each group, such as the tokens; numbers from 0 if None.
        title: above the picture.
        ax: matplotlib axes to draw into; a new Picture if None.

    Returns:
        the figure, a Picture unless ax belongs to another.

    Raises:
        ValueError: a group is not (n, 2) or holds NaN, or labels don't match it.
        TypeError: labels are no list.
    """
    if not isinstance(groups, dict) or not groups:
        raise ValueError(TEXTS["no groups"].format(groups=groups))
    if len(groups) > len(STYLES) + len(MORE_STYLES):
        raise ValueError(TEXTS["too many groups"].format(got=len(groups), most=len(STYLES) + len(MORE_STYLES)))
    labels = strings_of("labels", labels)
    tips = {}
    for name, group in groups.items():
        tips[name] = matrix_of(f"groups[{name!r}]", group, "vectors dimensions", dimensions=2)
        written = labels_of("labels", labels, len(tips[name]), "vector", f"groups[{name!r}]", tips[name])
    if ax is None:
        ax = Picture(figsize=(4.8, 5.2)).subplots()
    figure = ax.figure.figure
    left, bottom, side = _window(np.concatenate(list(tips.values())))

    ax.set(xlim=(left, left + side), ylim=(bottom, bottom + side), aspect="equal")
    for text, write in zip(TEXTS["dimensions"], (ax.set_xlabel, ax.set_ylabel), strict=True):
        write(text, fontsize=FONT - 0.5, color=INK)
    ax.set_axisbelow(True)
    ax.set_facecolor("white")
    ax.grid(color="#e4e6ea", linewidth=0.8)
    ax.axhline(0, color="#9aa0aa", linewidth=1, zorder=1)
    ax.axvline(0, color="#9aa0aa", linewidth=1, zorder=1)
    ax.tick_params(labelsize=FONT - 1.5, length=0, colors=INK)
    ax.spines[:].set_visible(False)
    styles = _styles(tips)
    for number, (name, points) in enumerate(tips.items()):
        _draw_arrows(ax, name, points, *styles[name], markersize=max(6.0, 10 - 2 * number), shortest=0.05 * side)
        if isinstance(figure, Picture):
            figure.describe(_describe_vectors(name, points, written))
    box = ax.get_window_extent()
    points_per_unit = 0.85 * 72 / figure.dpi * min(box.width, box.height) / side
    _write_labels(ax, tips, written, styles, points_per_unit)
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=min(len(tips), 4), frameon=False, fontsize=FONT - 0.5,
        labelcolor=INK, handlelength=3.4, columnspacing=1.6, borderaxespad=0.2,
    )  # fmt: skip
    if title is not None:
        pad = 10 + 16 * math.ceil(len(tips) / 4)  # above the legend
        ax.set_title(visible(title), fontsize=FONT + 2, color=INK, pad=pad, parse_math=False)
    return figure


def _window(points):
    """A square around all tips and the origin, with room for labels: its left, its bottom, its side."""
    points = np.concatenate([points, np.zeros((1, 2))])
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(1.3 * (high - low).max(), 1e-9) if (high - low).any() else 2.0
    left, bottom = (low + high - side) / 2
    return float(left), float(bottom), float(side)


def _styles(groups):
    more = iter([*MORE_STYLES, *(style for name, style in STYLES.items() if name not in groups)])
    return {name: STYLES[name] if name in STYLES else next(more) for name in groups}


def _draw_arrows(ax, name, points, colour, marker, line, markersize, shortest):
    for x, y in points:
        ax.plot([0, x], [0, y], linestyle=line, color=colour, linewidth=1.8, zorder=2)
        if math.hypot(x, y) > shortest:  # a shorter arrow is hidden by its own marker
            head = {"arrowstyle": "-|>,head_width=0.28,head_length=0.5", "mutation_scale": 14, "linewidth": 0}
            head |= {"color": colour, "shrinkA": 0, "shrinkB": markersize / 2}
            ax.annotate("", (x, y), (0.7 * x, 0.7 * y), arrowprops=head, zorder=3)
    ax.plot(*points.T, marker, color=colour, markersize=markersize, markeredgecolor="white", zorder=4)
    ax.plot([], [], color=colour, linestyle=line, marker=marker, markersize=7, linewidth=1.8, label=visible(name))


def _write_labels(ax, tips, labels, styles, points_per_unit):
    """Write each label beside its tip, outwards from the origin, or where it covers the fewest tips and labels else."""
    taken = [(*(points_per_unit * tip), 5.0, 5.0) for points in tips.values() for tip in points]  # centre and half size
    for name, points in tips.items():
        dark = tuple(0.72 * int(styles[name][0][start : start + 2], 16) / 255 for start in (1, 3, 5))
        for tip, label in zip(points, labels, strict=True):
            if not label:
                continue
            width, height = 0.5 * LETTER * FONT * len(label), 0.55 * FONT
            outwards = math.atan2(tip[1], tip[0]) if tip.any() else math.pi / 2
            best: Any = None
            for turn in (0, 0.6, -0.6, 1.2, -1.2, 1.9, -1.9, math.pi):
                x, y = math.cos(outwards + turn), math.sin(outwards + turn)
                offset = (7 + width) * x, (7 + height) * y
                box = points_per_unit * tip[0] + offset[0], points_per_unit * tip[1] + offset[1], width, height
                covered = sum(_overlap(box, other) for other in taken)
                if best is None or covered < best[0] - 1e-9:
                    best = covered, offset, box
            taken.append(best[2])
            ax.annotate(
                label, tip, best[1], textcoords="offset points", ha="center", va="center", fontsize=FONT, color=dark,
                parse_math=False, zorder=5, path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )  # fmt: skip


def _overlap(one, other):
    """The area that two boxes share; a box is the x and y of its centre, and half its width and height."""
    shared = (one[2] + other[2] - abs(one[0] - other[0]), one[3] + other[3] - abs(one[1] - other[1]))
    shared = (min(length, 2 * one[2 + axis], 2 * other[2 + axis]) for axis, length in enumerate(shared))
    return math.prod(max(0.0, length) for length in shared)


def _describe_vectors(name, points, labels):
    described = (
        TEXTS["alternative vector"].format(label=label, x=number_text(x), y=number_text(y))
        for label, (x, y) in zip(labels, points, strict=True)
    )
    return TEXTS["alternative group"].format(name=visible(name), vectors=", ".join(described) + ".")
