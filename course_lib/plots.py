"""Static pictures: attention as a heat map, vectors as arrows.

Each function returns a `Picture`, a matplotlib `Figure` that shows itself once at the end of a notebook cell, with or
without pyplot; with `ax`, it draws into a figure of yours and returns that one. Labels are drawn as they are: `$`
starts no formula, and characters that nobody would see, such as a line break, are written as escapes. The colour-blind
can tell colours apart: cividis for maps, Okabe and Ito's for arrows, which differ in marker and line too.
"""

import io
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image, ImageChops, ImageOps

from course_lib.checking import as_array, check_shape, entries, read_numbers
from course_lib.printable import printable

TEXTS: dict[str, Any] = {
    "queries": "Queries (attending)",
    "keys": "Keys (attended to)",
    "weight": "Attention weight",
    "score": "Score",
    "map": "Map {number}",
    "dimensions": ("first dimension", "second dimension"),
    "alternative map": "{name}: {rows} queries by {columns} keys. {winners}",
    "alternative winner": "{query} attends most to {key} ({value})",
    "and": " and ",
    "alternative nothing": "{query} attends to nothing",
    "alternative group": "{name}: {vectors}",
    "alternative vector": "{label} ({x}, {y})",
    "no maps": "weights holds no map; expected (queries, keys), or several of them in a dict or a list",
    "range": (
        "{name} holds {value:.4g} at {index}, outside of {low} to {high}; expected weights. "
        "For scores pass vmin=None, vmax=None: the scale comes from the data then"
    ),
    "scale": "vmin is {low} and vmax is {high}; expected finite numbers, vmin below vmax, or None",
    "labels": "{name} holds {got} labels: {labels}; expected {wanted}, one for each {what} of {of} with shape {shape}",
    "label kind": "a list of strings",
    "one ax": "ax is one pair of axes, but weights holds {maps} maps; leave ax out and they become panels",
    "no groups": "groups is {groups!r}; expected a dict from a name to vectors, with at least one",
    "too many groups": "groups holds {got} groups; expected at most {most}, so that they can be told apart",
}

INK = "#16181d"
EMPTY = "#e3e5e9"  # a masked score: it has no colour on the scale
FONT = 10  # points
NARROWEST = 5.5  # points; numbers smaller than this are left out
LONGEST = 40  # characters of a label
ANNOTATED = 10  # up to so many rows and columns, numbers are written into the cells
DESCRIBED = 12  # up to so many rows, words say what a map shows
LETTER = 0.62  # width of a letter, as a share of the font size
SHARPER = 2  # pixels kept for one shown, so that a picture is sharp when zoomed
MARGIN = 0.1  # inches of white around a picture

STYLES = {  # name of a group -> colour, marker, line: those of the widgets
    "queries": ("#0072b2", "o", "-"),
    "keys": ("#d55e00", "s", (0, (5, 2))),
    "values": ("#009e73", "^", (0, (1, 1.2))),
    "context": ("#a6458a", "D", (0, (5, 1.5, 1, 1.5))),
}
MORE_STYLES = [("#56b4e9", "v", (0, (8, 2))), ("#e69f00", "P", "-"), ("#000000", "X", (0, (2, 2)))]


class Picture(Figure):
    """A matplotlib figure that shows itself at the end of a notebook cell, and says in words what it shows.

    A plain `Figure` shows as text in a kernel where pyplot has drawn nothing.

    Args:
        alternative: the picture in words, for those who do not see it; kept in the notebook beside the picture.
        *args, **kwargs: those of `Figure`; the layout is "constrained" unless given.
    """

    def __init__(self, *args, alternative="", **kwargs):
        kwargs.setdefault("layout", "constrained")
        super().__init__(*args, **kwargs)
        self.alternative = alternative

    def describe(self, sentence: str) -> None:
        """Add a sentence to the picture's alternative in words."""
        self.alternative = f"{self.alternative} {sentence}".strip()

    def _repr_mimebundle_(self, include=None, exclude=None):
        # savefig lays out and draws twice, for the sake of its tight box: a constrained layout needs no such box.
        dpi, face = self.dpi, self.get_facecolor()
        self.set(dpi=SHARPER * dpi, facecolor="white")
        try:
            canvas = FigureCanvasAgg(self)
            canvas.draw()
            image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        finally:
            self.set(dpi=dpi, facecolor=face)
        background = Image.new("RGB", image.size, "white")
        image = image.crop(ImageChops.difference(image, background).getbbox())
        image = ImageOps.expand(image, round(MARGIN * SHARPER * dpi), "white")
        kept = io.BytesIO()
        image.quantize(256, dither=Image.Dither.NONE).save(kept, "png", compress_level=7)  # a third of the size
        size = {"width": image.width // SHARPER, "height": image.height // SHARPER}
        return {"image/png": kept.getvalue(), "text/plain": printable(self.alternative) or repr(self)}, {
            "image/png": size
        }


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
    """Draw attention weights as a heat map: one row a query, one column a key.

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
    labels = _strings("labels", labels)
    tips = {}
    for name, group in groups.items():
        tips[name] = _matrix(f"groups[{name!r}]", group, "vectors dimensions", dimensions=2)
        written = _labels("labels", labels, len(tips[name]), "vector", f"groups[{name!r}]", tips[name])
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


def visible(label: object) -> str:
    """Write what nobody would see (a line break, a zero-width space) as an escape, and cut what is too long to draw.

    Args:
        label: a string, or what is to be shown as one.

    Returns:
        a string of one line, at most 40 characters.
    """
    text = printable(str(label), keep="")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


# What comes in


def _matrix(name, value, axes, **sizes):
    """Numbers of two axes as float64; those of a map may be -inf."""
    array = read_numbers(name, as_array(value), minus_infinity=not sizes, kinds="fiub").astype(np.float64)
    check_shape(name, array.shape, axes, sizes)
    return array


def _first(where):
    return tuple(int(i) for i in np.argwhere(where)[0])


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
    query_labels, key_labels = _strings("query_labels", query_labels), _strings("key_labels", key_labels)
    maps = []
    for argument, title, values in several:
        values = _matrix(argument, values, "queries keys")
        rows = _labels("query_labels", query_labels, values.shape[0], "query", argument, values)
        columns = _labels("key_labels", key_labels, values.shape[1], "key", argument, values)
        maps.append(Map(argument, visible(title), values, rows, columns))
    return maps


def _rank(value):
    """The number of axes, also of a list of maps whose sizes differ, which is no array."""
    if isinstance(value, (list, tuple)) and len(value):
        return 1 + _rank(value[0])
    return getattr(value, "ndim", 0)


def _strings(name, labels):
    if labels is None:
        return None
    return [visible(label) for label in entries(name, labels, TEXTS["label kind"])]


def _labels(name, labels, wanted, what, of, array):
    if labels is None:
        return [str(number) for number in range(wanted)]
    if len(labels) != wanted:
        about = {"name": name, "got": len(labels), "labels": labels, "wanted": wanted, "what": what}
        raise ValueError(TEXTS["labels"].format(**about, of=of, shape=array.shape))
    return labels


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


# Heat maps


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
    numbers = [[_number(value) for value in row] for row in matrix]
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


def _number(value):
    """At most five characters or so: 0 and 1 only where exact, as a masked weight is."""
    if np.isneginf(value):
        return "−∞"
    if value == int(value) and abs(value) < 1000:
        return f"{int(value)}".replace("-", "−")
    return (f"{value:.2f}" if abs(value) < 100 else f"{value:.3g}").replace("-", "−")


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
        about = {"query": query, "key": key, "value": _number(row.max())}
        winners.append(TEXTS["alternative nothing" if nothing else "alternative winner"].format(**about))
    told = "; ".join(winners[:DESCRIBED]) + ("; …" if len(winners) > DESCRIBED else ".")
    rows, columns = one.values.shape
    return TEXTS["alternative map"].format(name=one.title, rows=rows, columns=columns, winners=told)


# Arrows


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
        TEXTS["alternative vector"].format(label=label, x=_number(x), y=_number(y))
        for label, (x, y) in zip(labels, points, strict=True)
    )
    return TEXTS["alternative group"].format(name=visible(name), vectors=", ".join(described) + ".")
