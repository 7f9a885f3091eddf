"""PositionExplorer: what positions look like, and which distances they tell apart.

The page computes; Python computes the same numbers when they are read.
"""

import anywidget
import numpy as np
import traitlets

from course_lib import positions
from course_lib.widgets.base import Widget, checked_array, checked_choice, checked_number, checked_title
from course_lib.widgets.view_kit import page_module

KINDS = ("sinusoidal", "rotary", "alibi", "learned")
MAX_LENGTH, MAX_DIMENSIONS = 256, 128
LEAST_BASE, MOST_BASE = 10.0, 1e6

TEXT = {
    "odd": "d_model must be an even number: got {value}",
    "no table": "kind 'learned' needs learned=, a table of shape (length, d_model)",
    "alternative": {
        "sinusoidal": "Sinusoidal positions 0 to {last}, {d_model} dimensions, base {base:g}: fast waves left, slow ones right.",
        "rotary": "Rotary positions: how well a query and a key fit, by their distance up to {last}; base {base:g}.",
        "alibi": "ALiBi: what is taken off the scores, by distance up to {last}, steeper in some heads than in others.",
        "learned": "Learned positions 0 to {last}, {d_model} dimensions: vectors that training found.",
    },
    "table": "positions",
    "similarity": "similarity by distance",
    "dimension": "dimension",
    "position": "position",
    "distance": "distance",
    "value": "similarity",
}


class PositionExplorerView(anywidget.AnyWidget):
    """What the page and Python tell each other."""

    _esm, _css = page_module("position_explorer")

    title = traitlets.Unicode().tag(sync=True)
    kinds = traitlets.List().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    length = traitlets.Int().tag(sync=True)
    d_model = traitlets.Int().tag(sync=True)
    base = traitlets.Float().tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)  # the one that is followed
    pair = traitlets.Int(0).tag(sync=True)  # of dimensions, shown as clock hands
    learned = traitlets.Bytes().tag(sync=True)  # float32, row by row


class PositionExplorer(Widget):
    """Sinusoidal, rotary, ALiBi and learned positions side by side: the numbers, a pair as clock hands, and similarity.

    Args:
        kind: "sinusoidal", "rotary", "alibi" or "learned".
        length: positions, 2 to 256.
        d_model: dimensions, an even number from 2 to 128.
        base: of the wavelengths, 10 to 1,000,000.
        learned: (length, d_model) numbers, such as `model.positions.weight`; length and d_model are then theirs.
        title: heading; None shows none.

    Raises:
        ValueError: numbers that make no sense.

    Example:
        >>> explorer = PositionExplorer(length=50, d_model=32)
        >>> explorer.encoding.shape
        (50, 32)

    Source: Vaswani 2017, §3.5; Su 2021, arXiv 2104.09864; Press 2021, arXiv 2108.12409.
    """

    def __init__(self, kind=None, *, length=64, d_model=32, base=10000.0, learned=None, title=None):
        self._learned = None
        if learned is not None:
            most = {"length": MAX_LENGTH, "d_model": MAX_DIMENSIONS}
            self._learned = checked_array("learned", learned, "length d_model", most=most)
            length, d_model = self._learned.shape
        kind = kind or ("sinusoidal" if learned is None else "learned")
        checked_choice("kind", kind, KINDS)
        if kind == "learned" and learned is None:
            raise ValueError(TEXT["no table"])
        length = checked_number("length", length, 2, MAX_LENGTH, whole=True)
        d_model = checked_number("d_model", d_model, 2, MAX_DIMENSIONS, whole=True)
        if d_model % 2:
            raise ValueError(TEXT["odd"].format(value=d_model))
        self.view = PositionExplorerView(
            title=checked_title(title),
            kinds=[one for one in KINDS if one != "learned" or learned is not None],
            kind=kind,
            length=length,
            d_model=d_model,
            base=checked_number("base", base, LEAST_BASE, MOST_BASE),
            position=length // 3,
            learned=b"" if learned is None else self._learned.astype("<f4").tobytes(),
        )

    @property
    def kind(self):
        """str: which positions are shown; assign to change them."""
        return self.view.kind

    @kind.setter
    def kind(self, kind):
        self.view.kind = checked_choice("kind", kind, tuple(self.view.kinds))

    @property
    def base(self):
        """float: of the wavelengths; assign to change it."""
        return self.view.base

    @base.setter
    def base(self, base):
        self.view.base = checked_number("base", base, LEAST_BASE, MOST_BASE)

    @property
    def position(self):
        """int: the position that is followed; assign to follow another."""
        return self.view.position

    @position.setter
    def position(self, position):
        self.view.position = checked_number("position", position, 0, self.view.length - 1, whole=True)

    @property
    def encoding(self):
        """(length, d_model) float64: one row a position.

        Sinusoidal and learned: what is added to the embeddings. Rotary: a vector of ones, turned. ALiBi adds nothing to
        vectors: (length, heads), what is added to the scores of keys at that distance, with d_model / 4 heads.
        """
        view = self.view
        if view.kind == "learned":
            return self._learned.copy()
        if view.kind == "alibi":
            return -np.arange(view.length)[:, None] * positions.alibi_slopes(max(1, view.d_model // 4))
        if view.kind == "rotary":
            return positions.rotary(np.ones((view.length, view.d_model)), base=view.base)
        return positions.sinusoidal(view.length, view.d_model, base=view.base)

    @property
    def similarity(self):
        """(length,) float64: how alike the followed position and each one are; ALiBi: the mean of what is added."""
        encoding = self.encoding
        if self.view.kind == "alibi":
            distances = np.abs(np.arange(self.view.length) - self.view.position)
            return encoding.mean(axis=1)[distances]
        sizes = np.linalg.norm(encoding, axis=1)
        scale = np.where(sizes > 0, sizes, 1)
        return encoding @ encoding[self.view.position] / scale / scale[self.view.position]

    def text_alternative(self):
        view = self.view
        return TEXT["alternative"][view.kind].format(last=view.length - 1, d_model=view.d_model, base=view.base)

    def still(self):
        figure = self._picture(8.6, 3.4)
        table, curve = figure.subplots(1, 2)
        encoding = self.encoding
        size = np.abs(encoding).max() or 1.0
        image = table.imshow(encoding, aspect="auto", cmap="cividis", vmin=-size, vmax=size, interpolation="nearest")
        figure.colorbar(image, ax=table)
        table.set(xlabel=TEXT["dimension"], ylabel=TEXT["position"], title=self.view.kind)
        curve.plot(self.similarity, color="#0072b2")
        curve.axvline(self.view.position, color="#d55e00", linestyle="--")
        curve.set(xlabel=TEXT["position"], ylabel=TEXT["value"], title=TEXT["similarity"])
        return figure
