"""MaskBuilder: paint who may attend to whom, and see the weights and how far information travels.

The page computes; Python computes the same numbers when they are read.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from jaxtyping import Bool, Float, Int, Real

from course_lib import attention
from course_lib.checking import Array, as_whole, flag, read_array, strings, whole_number
from course_lib.widgets.base import View, Widget, checked_mask, checked_title, counted, shown
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.page import page_module

if TYPE_CHECKING:
    from course_lib.plots import Picture

MAX_TOKENS, MAX_LAYERS = 64, 12

TEXTS = {
    "alternative": "{allowed} of {all} may attend.{empty} After {layers}, {reached} are reached.",
    "empty": " Rows without any key: {tokens}.",
    "allowed": "may attend",
    "weights": "weights",
    "reach": "layers until reached",
    "layers": "layers, 0: not reached",
}


class MaskBuilderView(View):
    """What the page and Python tell each other."""

    _esm, _css = page_module("mask_builder")

    title = traitlets.Unicode().tag(sync=True)
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    scores = traitlets.List().tag(sync=True)
    causal = traitlets.Bool(False).tag(sync=True)
    length = traitlets.Int().tag(sync=True)  # tokens that are no padding
    window = traitlets.Int().tag(sync=True)  # the number of tokens: no window
    painted = traitlets.Dict().tag(sync=True)  # "query,key" -> bool, by hand, over the rest
    layers = traitlets.Int(2).tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)


class MaskBuilder(Widget):
    """Combine a causal mask, padding and a window, paint single pairs, and see what attention makes of it.

    Args:
        tokens: up to 64 strings, or how many unnamed ones.
        scores: numbers that softmax gets; None: all equal.
        causal: whether each token sees only itself and those before it.
        length: how many tokens are no padding; None: all.
        window: how far each token sees on either side; None: any distance.
        layers: of attention, one on the other, 1 to 12.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError, TypeError: too many tokens, or numbers that make no sense.

    Example:
        >>> builder = MaskBuilder(["the", "cat", "sat"], causal=True)
        >>> int(builder.mask.sum())
        6
    """

    def __init__(
        self,
        tokens: Sequence[str] | int = 8,
        scores: Real[Array, "queries keys"] | None = None,
        *,
        causal: bool = False,
        length: int | None = None,
        window: int | None = None,
        layers: int = 2,
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        if as_whole(tokens) is not None:
            count = whole_number("tokens", tokens, 1, MAX_TOKENS)
            tokens = [str(number) for number in range(1, count + 1)]
        tokens = strings("tokens", tokens, 1, MAX_TOKENS)
        n = len(tokens)
        scores = np.zeros((n, n)) if scores is None else scores
        self.view = MaskBuilderView(
            title=checked_title(title),
            tokens=tokens,
            scores=read_array("scores", scores, "queries keys", queries=n, keys=n).tolist(),
            causal=flag("causal", causal),
            length=n if length is None else whole_number("length", length, 0, n),
            window=n if window is None else whole_number("window", window, 0, n),
            layers=whole_number("layers", layers, 1, MAX_LAYERS),
        )
        pursue(goal, self)

    @property
    def mask(self) -> Bool[np.ndarray, "queries keys"]:
        """(queries, keys) bool, True = may attend; assign an array to paint it all."""
        view, n = self.view, len(self.view.tokens)
        mask = attention.sliding_window_mask(n, view.window) & (np.arange(n) < view.length)
        if view.causal:
            mask = mask & attention.causal_mask(n)
        for place, may in view.painted.items():
            query, key = map(int, place.split(","))
            mask[query, key] = may
        return mask

    @mask.setter
    def mask(self, mask: Bool[Array, "queries keys"]) -> None:
        n = len(self.view.tokens)
        array = checked_mask(mask, n)
        with self.view.hold_sync():
            self.view.causal, self.view.length, self.view.window = False, n, n
            self.view.painted = {f"{query},{key}": False for query, key in np.argwhere(~array).tolist()}

    @property
    def weights(self) -> Float[np.ndarray, "queries keys"]:
        """(queries, keys) float64: softmax of the scores over what the mask allows; a row without any key is 0."""
        return attention.softmax(np.array(self.view.scores), mask=self.mask)

    @property
    def reach(self) -> Int[np.ndarray, "queries keys"]:
        """(queries, keys) int: through how many layers a query first sees a key; 0 if not within `layers`."""
        mask, n = self.mask, len(self.view.tokens)
        found, seen = mask.astype(int), mask | np.eye(n, dtype=bool)  # the residual keeps a token's own vector
        for layer in range(2, self.view.layers + 1):
            seen = seen | (mask @ seen)
            found[seen & (found == 0) & ~np.eye(n, dtype=bool)] = layer
        return found

    layers = shown(
        "layers",
        "int: layers of attention; assign to change it.",
        lambda builder, value: whole_number("layers", value, 1, MAX_LAYERS),
    )
    causal = shown(
        "causal",
        "bool: whether later keys are hidden; assign to change it. What was painted by hand stays over it.",
        lambda builder, value: flag("causal", value),
    )
    length = shown(
        "length",
        "int: how many tokens are no padding; assign to change it.",
        lambda builder, value: whole_number("length", value, 0, len(builder.view.tokens)),
    )
    window = shown(
        "window",
        "int: how far a query sees to either side, the number of tokens for no limit; assign to change it.",
        lambda builder, value: whole_number("window", value, 0, len(builder.view.tokens)),
    )
    selected = shown(
        "selected",
        "int: the query that is followed; assign to follow another.",
        lambda builder, value: whole_number("selected", value, 0, len(builder.view.tokens) - 1),
    )

    def text_alternative(self) -> str:
        mask, tokens = self.mask, self.view.tokens
        empty = [f"“{token}”" for token, row in zip(tokens, mask, strict=True) if not row.any()]
        return TEXTS["alternative"].format(
            allowed=int(mask.sum()),
            all=counted(mask.size, "pair"),
            empty=TEXTS["empty"].format(tokens=", ".join(empty)) if empty else "",
            layers=counted(self.layers, "layer"),
            reached=int((self.reach > 0).sum()),
        )

    def still(self) -> "Picture":
        from course_lib import plots

        tokens = self.view.tokens
        maps = {TEXTS["allowed"]: self.mask.astype(float), TEXTS["weights"]: self.weights}
        figure = self._picture(9.6, 3.6)
        *two, last = figure.subplots(1, 3)
        for ax, (name, values) in zip(two, maps.items(), strict=True):
            plots.attention_heatmap(values, tokens, tokens, ax=ax, title=name, annotate=False)
        plots.attention_heatmap(self.reach, tokens, tokens, ax=last, title=TEXTS["reach"], vmax=self.layers)
        *_, allowed_bar, _, reach_bar = figure.axes
        allowed_bar.remove()  # yes or no needs no scale
        reach_bar.set_ylabel(TEXTS["layers"])
        reach_bar.set_yticks(range(self.layers + 1))
        return figure
