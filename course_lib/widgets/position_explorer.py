"""PositionExplorer: what positions look like, and which distances they tell apart.

The page computes; Python computes the same numbers when they are read.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from jaxtyping import Float, Real

from course_lib import attention, positions
from course_lib.checking import Array, as_whole, check_even, one_of, read_array, real_number, whole_number
from course_lib.colours import PALETTE
from course_lib.widgets.base import View, Widget, checked_title, shown
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.page import page_module

if TYPE_CHECKING:
    from course_lib.plots import Picture

KINDS = ("sinusoidal", "rotary", "alibi", "learned")
MAX_LENGTH, MAX_DIMENSIONS = 256, 128
LEAST_BASE, MOST_BASE = 10.0, 1e6
TOKENS = "ABCDEF"  # what is shuffled; A is the one that looks

TEXTS = {
    "pairs": "since features turn in pairs",
    "no table": "kind 'learned' needs learned=, a table of shape (length, d_model)",
    "table": "learned positions have the length and the d_model of their table: {name} stays {value}",
    "order": "order is {value!r}; expected each of the places 0 to {last} once",
    "alternative": {
        "sinusoidal": "Sinusoidal positions 0 to {last}, {d_model} dimensions, base {base:g}: fast waves left, slow ones right.",
        "rotary": "Rotary positions: how well a query and a key fit, by their distance up to {last}; base {base:g}.",
        "alibi": "ALiBi: what is taken off the scores, by distance up to {last}, steeper in some heads than in others.",
        "learned": "Learned positions 0 to {last}, {d_model} dimensions: vectors that training found.",
    },
    "similarity": "similarity by distance",
    "dimension": "dimension",
    "position": "position",
    "distance": "distance",
    "value": "similarity",
}


class PositionExplorerView(View):
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
    samples = traitlets.Bytes().tag(sync=True)  # float32: queries, then keys, of TOKENS, each of MAX_DIMENSIONS numbers
    order = traitlets.List(traitlets.Int(), list(range(len(TOKENS)))).tag(sync=True)  # which token stands at each place


class PositionExplorer(Widget):
    """Sinusoidal, rotary, ALiBi and learned positions side by side: the numbers, a pair as clock hands, and similarity.

    Below them six tokens with random vectors, to shuffle: what each is given by the first, without and with positions.

    Args:
        kind: "sinusoidal", "rotary", "alibi" or "learned".
        length: positions, 2 to 256.
        d_model: dimensions, an even number from 2 to 128.
        base: of the wavelengths, 10 to 1,000,000.
        learned: numbers, such as `model.positions.weight`; length and d_model are then theirs.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError: numbers that make no sense.

    Example:
        >>> explorer = PositionExplorer(length=50, d_model=32)
        >>> explorer.encoding.shape
        (50, 32)

    Source: Vaswani 2017, §3.5; Su 2021, arXiv 2104.09864; Press 2021, arXiv 2108.12409.
    """

    def __init__(
        self,
        kind: str | None = None,
        *,
        length: int = 64,
        d_model: int = 32,
        base: float = 10000.0,
        learned: Real[Array, "length d_model"] | None = None,
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        self._learned: Any = None
        self._samples = np.random.default_rng(0).normal(size=(2, len(TOKENS), MAX_DIMENSIONS)).astype("<f4")
        if learned is not None:
            most = {"length": MAX_LENGTH, "d_model": MAX_DIMENSIONS}
            self._learned = read_array("learned", learned, "length d_model", most=most)
            length, d_model = self._learned.shape
        kind = kind or ("sinusoidal" if learned is None else "learned")
        one_of("kind", kind, KINDS)
        if kind == "learned" and learned is None:
            raise ValueError(TEXTS["no table"])
        length, d_model = _checked_length(length), _checked_d_model(d_model)
        self.view = PositionExplorerView(
            title=checked_title(title),
            kinds=[one for one in KINDS if one != "learned" or learned is not None],
            kind=kind,
            length=length,
            d_model=d_model,
            base=real_number("base", base, least=LEAST_BASE, most=MOST_BASE),
            position=length // 3,
            samples=self._samples.tobytes(),
            learned=b"" if self._learned is None else self._learned.astype("<f4").tobytes(),
        )
        pursue(goal, self)

    kind = shown(
        "kind",
        "str: which positions are shown; assign to change them.",
        lambda explorer, value: one_of("kind", value, tuple(explorer.view.kinds)),
    )
    base = shown(
        "base",
        "float: of the wavelengths; assign to change it.",
        lambda explorer, value: real_number("base", value, least=LEAST_BASE, most=MOST_BASE),
    )
    position = shown(
        "position",
        "int: the position that is followed; assign to follow another.",
        lambda explorer, value: whole_number("position", value, 0, explorer.view.length - 1),
    )
    pair = shown(
        "pair",
        "int: the pair of dimensions shown as a clock hand, from 0; assign to show another.",
        lambda explorer, value: whole_number("pair", value, 0, explorer.view.d_model // 2 - 1),
    )
    order = shown(
        "order",
        "list of int: which token stands at each place, 0 for A; assign to move them.",
        lambda explorer, value: _checked_order(value),
    )

    @property
    def length(self) -> int:
        """int: positions; assign to have more or fewer, unless they are learned."""
        return self.view.length

    @length.setter
    def length(self, length: int) -> None:
        length = self._own_size("length", _checked_length(length))
        with self.view.hold_sync():
            self.view.length, self.view.position = length, min(self.view.position, length - 1)

    @property
    def d_model(self) -> int:
        """int: dimensions, an even number; assign to have more or fewer, unless the positions are learned."""
        return self.view.d_model

    @d_model.setter
    def d_model(self, d_model: int) -> None:
        d_model = self._own_size("d_model", _checked_d_model(d_model))
        with self.view.hold_sync():
            self.view.d_model, self.view.pair = d_model, min(self.view.pair, d_model // 2 - 1)

    def _own_size(self, name, value):
        if self._learned is not None and value != getattr(self.view, name):
            raise ValueError(TEXTS["table"].format(name=name, value=getattr(self.view, name)))
        return value

    @property
    def weights(self) -> Float[np.ndarray, "2 tokens"]:
        """(2, tokens) float64: what A gives to each token, A first: without positions, and with those shown.

        Tokens have random queries and keys. Sinusoidal and learned positions are added to both, rotary ones turn both,
        ALiBi takes its first head's share off the scores. As many tokens as there are positions, at most six.
        """
        view = self.view
        order = [token for token in view.order if token < view.length]
        queries, keys = self._samples[:, order, : view.d_model].astype(np.float64)
        places = np.arange(len(order))
        plain = scores = attention.scaled_dot_scores(queries, keys)
        if view.kind == "alibi":
            scores = plain - positions.alibi_slopes(max(1, view.d_model // 4))[0] * np.abs(places[:, None] - places)
        elif view.kind == "rotary":
            turned = [positions.rotary(part, base=view.base) for part in (queries, keys)]
            scores = attention.scaled_dot_scores(*turned)
        else:
            added = self.encoding[places]
            scores = attention.scaled_dot_scores(queries + added, keys + added)
        by_token = np.argsort(order)
        who = by_token[0]
        return np.stack([attention.softmax(part[who])[by_token] for part in (plain, scores)])

    @property
    def encoding(self) -> Float[np.ndarray, "length features"]:
        """(length, d_model) float64: one row per position.

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
    def similarity(self) -> Float[np.ndarray, " length"]:
        """(length,) float64: how alike the followed position and each one are; ALiBi: the mean of what is added."""
        encoding = self.encoding
        if self.view.kind == "alibi":
            distances = np.abs(np.arange(self.view.length) - self.view.position)
            return encoding.mean(axis=1)[distances]
        sizes = np.linalg.norm(encoding, axis=1)
        scale = np.where(sizes > 0, sizes, 1)
        return encoding @ encoding[self.view.position] / scale / scale[self.view.position]

    def text_alternative(self) -> str:
        view = self.view
        return TEXTS["alternative"][view.kind].format(last=view.length - 1, d_model=view.d_model, base=view.base)

    def still(self) -> "Picture":
        figure = self._picture(8.6, 3.4)
        table, curve = figure.subplots(1, 2)
        encoding = self.encoding
        size = np.abs(encoding).max() or 1.0
        image = table.imshow(encoding, aspect="auto", cmap="cividis", vmin=-size, vmax=size, interpolation="nearest")
        figure.colorbar(image, ax=table)
        table.set(xlabel=TEXTS["dimension"], ylabel=TEXTS["position"], title=self.view.kind)
        curve.plot(self.similarity, color=PALETTE["queries"])
        curve.axvline(self.view.position, color=PALETTE["keys"], linestyle="--")
        curve.set(xlabel=TEXTS["position"], ylabel=TEXTS["value"], title=TEXTS["similarity"])
        return figure


def _checked_length(length):
    return whole_number("length", length, 2, MAX_LENGTH)


def _checked_d_model(d_model):
    return check_even("d_model", whole_number("d_model", d_model, 2, MAX_DIMENSIONS), TEXTS["pairs"])


def _checked_order(order):
    places = list(range(len(TOKENS)))
    found = [as_whole(token) for token in order] if isinstance(order, Iterable) else []
    if set(found) != set(places) or len(found) != len(places):
        raise ValueError(TEXTS["order"].format(last=places[-1], value=order))
    return found
