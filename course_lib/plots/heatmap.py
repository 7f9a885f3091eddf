"""Attention as a heat map: one row per query, one column per key."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from course_lib.plots.inputs import FONT, INK, LETTER, labels_of, matrix_of, number_text, strings_of, visible
from course_lib.plots.picture import Picture

TEXTS: dict[str, Any] = {
    "queries": "Queries (attending)",
    "keys": "Keys (attended to)",
    "weight": "Attention weight",
    "score": "Score",
    "map": "Map {number}",
    "alternative map": "{name}: {rows} queries by {columns} keys. {winners}",
    "alternative winner": "{query} attends most to {key} ({value})",
    "and": " and ",
    "alternative nothing": "{query} attends to nothing",
    "no maps": "weights holds no map; expected (queries, keys), or several of them in a dict or a list",
    "range": (
        "{name} holds {value:.4g} at {index}, outside of {low} to {high}; expected weights. "
        "For scores pass vmin=None, vmax=None: the scale comes from the data then"
    ),
    "scale": "vmin is {low} and vmax is {high}; expected finite numbers, vmin below vmax, or None",
    "one ax": "ax is one pair of axes, but weights holds {maps} maps; leave ax out and they become panels",
}

EMPTY = "#e3e5e9"  # a masked score: it has no colour on the scale
NARROWEST = 5.5  # points; numbers smaller than this are left out
ANNOTATED = 10  # up to so many rows and columns, numbers are written into the cells
DESCRIBED = 12  # up to so many rows, words say what a map shows


class Map(NamedTuple):
    """One map to draw: where it came from, its title, its values and its labels."""

    argument: str
    title: str
    values: np.ndarray  # (queries, keys)
    query_labels: list
    key_labels: list


def attention_heatmap(
    weights: Any,
    query_labels: Iterable | None = None,
    key_labels: Iterable | None = None,
    *,
    title: str | None = None,
    ax: Axes | None = None,
    vmin: float | None = 0,
    vmax: float | None = 1,
    annotate: bool | None = None,
) -> Any:
    """Draw attention weights as a heat map: one row per query, one column per key.

    Args:
        weights: (queries, keys), an array or a tensor; or several maps, which become panels with one colour scale: a
            dict from titles to maps, a list of maps, or (maps, queries, keys).
        query_labels: one string a query; numbers from 0 if None.
        key_labels: one string a key; numbers from 0 if None.
        title: above the picture.
        ax: matplotlib axes to draw one map into; a new Picture if None.
        vmin: the value of the darkest colour; the smallest of all maps if None.
        vmax: the value of the brightest colour; the largest of all maps if None. With vmin and vmax None the maps may
            hold scores, and -inf for those that are masked.
        annotate: whether numbers are written into the cells; up to 10 queries and 10 keys if None, where they fit. A
            bare 0 is exactly 0, and 0.00 only almost.

    Returns:
        the figure, a Picture unless ax belongs to another.

    Raises:
        ValueError: labels don't match a map's size; a map is not 2-D, holds NaN or a value outside of vmin to vmax.
        TypeError: labels are no list.
    """
    maps = _maps(weights, query_labels, key_labels)
    low, high = _scale(maps, vmin, vmax)
    if ax is None:
        figure, places, cell = _panels(maps)
    elif len(maps) > 1:
        raise ValueError(TEXTS["one ax"].format(maps=len(maps)))
    else:
        figure, places = ax.figure.figure, [(ax, True, True)]
        box, (rows, columns) = ax.get_window_extent(), maps[0].values.shape
        cell = 0.7 * 72 / figure.dpi * min(box.width / columns, box.height / rows)  # labels and bar take the rest

    for one, (axes, leftmost, lowest) in zip(maps, places, strict=True):
        image = _draw_map(axes, one, low, high, cell)
        _annotate(axes, one.values, image, cell, annotate)
        _label_map(axes, one, cell, leftmost, lowest)
        if len(maps) > 1:
            axes.set_title(one.title, fontsize=FONT, color=INK, parse_math=False)
        if isinstance(figure, Picture):
            figure.describe(_describe_map(one))
    all_axes = [axes for axes, _, _ in places]
    bar = all_axes[0].figure.colorbar(image, ax=all_axes, fraction=0.05, pad=0.03, aspect=25)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=FONT - 1.5, length=2, colors=INK)
    bar.set_label(TEXTS["score" if vmin is None and vmax is None else "weight"], fontsize=FONT - 0.5, color=INK)
    if title is not None:
        write = ax.set_title if ax is not None else figure.suptitle if len(maps) > 1 else all_axes[0].set_title
        write(visible(title), fontsize=FONT + 2, color=INK, parse_math=False)
    return figure


def _maps(weights, query_labels, key_labels):
    """The maps, whatever form they came in, each with its labels."""
    if isinstance(weights, dict):
        several = [(f"weights[{title!r}]", title, one) for title, one in weights.items()]
    elif _rank(weights) == 3:
        several = [(f"weights[{i}]", TEXTS["map"].format(number=i + 1), one) for i, one in enumerate(weights)]
    else:
        several = [("weights", "weights", weights)]
    if not several:
        raise ValueError(TEXTS["no maps"])
    query_labels, key_labels = strings_of("query_labels", query_labels), strings_of("key_labels", key_labels)
    maps = []
    for argument, title, values in several:
        values = matrix_of(argument, values, "queries keys")
        rows = labels_of("query_labels", query_labels, values.shape[0], "query", argument, values)
        columns = labels_of("key_labels", key_labels, values.shape[1], "key", argument, values)
        maps.append(Map(argument, visible(title), values, rows, columns))
    return maps


def _rank(value):
    """The number of axes, also of a list of maps whose sizes differ, which is no array."""
    if isinstance(value, (list, tuple)) and len(value):
        return 1 + _rank(value[0])
    return getattr(value, "ndim", 0)


def _scale(maps, vmin, vmax):
    """The values of the darkest and the brightest colour, the same for all maps."""
    finite = np.concatenate([one.values[np.isfinite(one.values)] for one in maps])
    finite = finite if finite.size else np.zeros(1)
    low = finite.min() if vmin is None else vmin
    high = finite.max() if vmax is None else vmax
    if None in (vmin, vmax) and low == high:  # all the same: any scale around it will do
        low, high = (low - 1 if vmin is None else low), (high + 1 if vmax is None else high)
    try:
        good = math.isfinite(low) and math.isfinite(high) and low < high
    except TypeError:
        good = False
    if not good:
        raise ValueError(TEXTS["scale"].format(low=vmin, high=vmax))
    slack = 1e-6 * (high - low)  # the rounding of a softmax in single precision
    for one in maps:
        outside = (one.values > high + slack) | (one.values < low - slack)
        if vmin is None:
            outside &= ~np.isneginf(one.values)
        if outside.any():
            index = _first(outside)
            about = {"name": one.argument, "value": one.values[index], "index": index, "low": low, "high": high}
            raise ValueError(TEXTS["range"].format(**about))
    return low, high


def _panels(maps):
    """A new picture with room for all maps: the picture, (axes, is leftmost, is lowest) for each, and points a cell."""
    columns = min(len(maps), 3 if len(maps) in (5, 6) else 4)
    rows = math.ceil(len(maps) / columns)
    num_queries, num_keys = (max(one.values.shape[axis] for one in maps) for axis in (0, 1))
    longest = max(num_queries, num_keys)
    span = min(5.2 if longest <= 40 else 8, max(1.8, 10 / columns))  # inches a map
    cell = min(0.75, span / longest)
    letter = LETTER * _font(72 * cell) / 72
    query_room = 0.4 + letter * max(len(label) for one in maps for label in one.query_labels)
    key_room = 0.4 + letter * max(len(label) for one in maps for label in one.key_labels)
    alike = len({one.values.shape for one in maps}) == 1  # then inner panels need no labels of their own
    width = columns * (num_keys * cell + (0.25 if alike else query_room)) + query_room + 1
    height = rows * (num_queries * cell + (0.35 if alike else key_room)) + key_room + 0.5
    picture = Picture(figsize=(width, height), layout="compressed")
    ratios = {"width_ratios": [one.values.shape[1] for one in maps]} if rows == 1 else {}
    grid = picture.subplots(rows, columns, squeeze=False, gridspec_kw=ratios).ravel()
    for empty in grid[len(maps) :]:
        empty.remove()
    places = [
        (grid[number], number % columns == 0 or not alike, number + columns >= len(maps) or not alike)
        for number in range(len(maps))
    ]
    return picture, places, 72 * cell


def _font(cell):
    """Size of the labels beside cells of so many points."""
    return min(FONT, max(6.5, 0.75 * cell))


def _draw_map(ax, one, low, high, cell):
    import seaborn  # takes seconds: only once a map is drawn

    masked = np.isneginf(one.values)
    grid: dict[str, Any] = {"linewidths": 0.8, "linecolor": "white"} if cell >= 15 else {"rasterized": True}
    ax.set_facecolor(EMPTY)
    seaborn.heatmap(
        np.where(masked, low, one.values), mask=masked, ax=ax, vmin=low, vmax=high, cmap="cividis", square=True,
        cbar=False, xticklabels=False, yticklabels=False, **grid,
    )  # fmt: skip
    return ax.collections[-1]


def _label_map(ax, one, cell, leftmost, lowest):
    font = _font(cell)
    every = math.ceil(8 / cell)  # labels need 8 points each; where cells are smaller, only some are written
    widest = max(len(label) for label in one.key_labels) * LETTER * font
    if widest < 0.95 * cell * every:
        turned = {"rotation": 0, "ha": "center", "va": "top"}
    elif cell >= 18:
        turned = {"rotation": 45, "ha": "right", "va": "top", "rotation_mode": "anchor"}
    else:
        turned = {"rotation": 90, "ha": "right", "va": "center", "rotation_mode": "anchor"}
    ax.tick_params(length=0, pad=3)
    if lowest:
        _set_ticks(ax.set_xticks, one.key_labels, every, font, turned)
        ax.set_xlabel(TEXTS["keys"], fontsize=FONT - 0.5, color=INK)
    if leftmost:
        _set_ticks(ax.set_yticks, one.query_labels, every, font, {"rotation": 0, "ha": "right", "va": "center"})
        ax.set_ylabel(TEXTS["queries"], fontsize=FONT - 0.5, color=INK)


def _set_ticks(set_ticks, labels, every, font, style):
    shown = range(0, len(labels), every)
    positions = [number + 0.5 for number in shown]
    set_ticks(positions, [labels[number] for number in shown], fontsize=font, color=INK, parse_math=False, **style)


def _annotate(ax, matrix, image, cell, annotate):
    numbers = [[number_text(value) for value in row] for row in matrix]
    longest = max(len(number) for row in numbers for number in row)
    font = min(FONT + 0.5, 0.88 * cell / (LETTER * longest))
    if annotate is None:
        annotate = max(matrix.shape) <= ANNOTATED and font >= NARROWEST
    if not annotate:
        return
    colours = image.cmap(image.norm(matrix))
    for row, column in np.ndindex(matrix.shape):
        ink = "black" if np.isneginf(matrix[row, column]) else _ink(colours[row, column])
        ax.text(
            column + 0.5, row + 0.5, numbers[row][column], ha="center", va="center", fontsize=font, color=ink,
            parse_math=False,
        )  # fmt: skip


def _ink(colour):
    """Black or white, whichever stands out more from a colour (both do at WCAG's relative luminance 0.179)."""
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3])
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"


def _describe_map(one):
    winners = []
    for query, row in zip(one.query_labels, one.values, strict=True):
        nothing = np.isneginf(row).all() or not row.any()
        best = np.flatnonzero(row == row.max())[:3]  # more than one where they tie
        key = TEXTS["and"].join(one.key_labels[column] for column in best)
        about = {"query": query, "key": key, "value": number_text(row.max())}
        winners.append(TEXTS["alternative nothing" if nothing else "alternative winner"].format(**about))
    told = "; ".join(winners[:DESCRIBED]) + ("; …" if len(winners) > DESCRIBED else ".")
    rows, columns = one.values.shape
    return TEXTS["alternative map"].format(name=one.title, rows=rows, columns=columns, winners=told)


def _first(where):
    return tuple(int(i) for i in np.argwhere(where)[0])
