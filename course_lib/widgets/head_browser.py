"""HeadBrowser: every head of a model, one of them large, and what each token looks at.

The page draws from one buffer of 16-bit numbers, 2 bytes a weight; Python keeps the weights as they came.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from jaxtyping import Float, Real

from course_lib.checking import Array, describe, one_of, read_array, strings, whole_number
from course_lib.widgets.base import WrongAnswer, checked_title, counted, shown
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.own_text import OwnTextView, TakesText
from course_lib.widgets.page import page_module

if TYPE_CHECKING:
    from course_lib.plots import Picture

ORDERS = ("place", "entropy", "previous", "next", "same", "first")
MAX_TOKENS, MAX_LAYERS, MAX_HEADS = 256, 48, 64
MAX_WEIGHTS = 8_000_000  # 16 MB on their way to the page
TOLERANCE = 1e-3
MOSAIC = 240  # numbers across all heads in the still
STEPS = 65535  # a weight is sent as so many parts of 1
MAX_CHARACTERS = 250  # of one's own sentence
SIGNATURE = "text -> (tokens, attention)"

# One model's, or one part's: layer by layer, perhaps with a batch axis of 1.
Maps = Real[Array, "layers heads queries keys"] | Sequence[Real[Array, "heads queries keys"]]
Tokens = Sequence[str] | tuple[Sequence[str], Sequence[str]]  # the latter: (tokens, key_tokens)

TEXTS = {
    "kind": "attention is {got}; expected weights of shape (layers, heads, queries, keys), or a list with one "
    "(heads, queries, keys) a layer, with a batch axis of 1 or without",
    "layer": "attention[{layer}]",
    "batch": "attention holds a batch of {batch}; pass one sequence, such as [layer[:1] for layer in attention]",
    "alike": "attention[{layer}] has shape {got}; expected {expected}, as the layers before it",
    "shares": "attention holds a row that sums to {total:.3g}, in layer {layer}, head {head}; expected weights, rows of "
    "shares from 0 that sum to 1 (or to 0 where all is masked)",
    "many": "attention holds {count:,} weights; expected at most {most:,}: pass fewer tokens, layers or heads",
    "parts": "tokens is {got}; expected a dict with the tokens of {parts}",
    "count": "{name} has {got} entries; expected one for each of the {expected}",
    "alternative": "{layers} of {heads} over {tokens}. Layer {layer}, head {head}: {row}.",
    "row": "“{token}” attends most to “{key}” ({weight:.2f})",
    "nothing": "“{token}” attends to nothing",
    "no parts": "attention is an empty dict; expected at least one part",
    "answer": "read must return (tokens, attention) of the text: {problem}",
    "pair": "got {got}",
    "other parts": "these are of {got}; the browser has {expected}",
    "selected": "layer {layer}, head {head}",
    "all": "all heads, each on its own scale",
    "axis layer": "layer",
    "axis head": "head",
}


class HeadBrowserView(OwnTextView):
    """What the page and Python tell each other."""

    _esm, _css = page_module("head_browser")

    title = traitlets.Unicode().tag(sync=True)
    parts = traitlets.List(help="name, layers, heads, queries, keys, start in the buffer, of each part").tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    part = traitlets.Int(0).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    token = traitlets.Int(0).tag(sync=True)
    order = traitlets.Unicode(ORDERS[0]).tag(sync=True)


class HeadBrowser(TakesText):
    """Look through all heads of a model, whoever made it.

    Args:
        attention: weights of shape (layers, heads, queries, keys), or a list with one array or tensor a layer, as our
            models and Hugging Face's return them (with a batch axis of 1); or a dict of such, such as
            {"encoder": …, "decoder": …, "cross": …}.
        tokens: the queries' strings; with a dict of weights a dict of the same parts, whose values are lists, or
            pairs (tokens, key_tokens).
        key_tokens: strings, where the keys are other tokens (cross-attention); None: the same.
        read: function text -> (tokens, attention), each as above: with it the page has a box for one's own sentence, up to
            250 characters.
        text: what stands in the box at first; attention and tokens are of it.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError, TypeError: shapes that do not fit, numbers that are no weights, more than 256 tokens, 48 layers,
            64 heads or 8 million weights.

    Example:
        >>> weights = np.full((2, 4, 3, 3), 1 / 3)
        >>> HeadBrowser(weights, ["the", "cat", "sat"]).weights.shape
        (3, 3)
    """

    def __init__(
        self,
        attention: "Maps | dict[str, Maps]",
        tokens: "Sequence[str] | dict[str, Tokens]",
        key_tokens: Sequence[str] | None = None,
        *,
        read: "Callable[[str], tuple[Sequence[str] | dict[str, Tokens], Maps | dict[str, Maps]]] | None" = None,
        text: str = "",
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        self.view = HeadBrowserView(title=checked_title(title))
        self._show(attention, tokens, key_tokens)
        self._offer_box("read", read, SIGNATURE, most=MAX_CHARACTERS, text=text)
        pursue(goal, self)

    def _show(self, attention, tokens, key_tokens=None):
        """Show these maps; where they are refused, nothing has changed."""
        maps, names = {}, {}
        for name, (weights, queries, keys) in _parts_of(attention, tokens, key_tokens).items():
            maps[name] = weights = _checked_weights(weights)
            queries = _counted("tokens", queries, weights.shape[2], "queries")
            names[name] = queries, _counted("key_tokens", keys, weights.shape[3], "keys")
        count = sum(weights.size for weights in maps.values())
        if count > MAX_WEIGHTS:
            raise ValueError(TEXTS["many"].format(count=count, most=MAX_WEIGHTS))
        self._weights, self._tokens = maps, names
        about, start = [], 0
        for name, weights in maps.items():
            layers, heads = weights.shape[:2]
            queries, keys = names[name]
            about.append(
                {"name": name, "layers": layers, "heads": heads, "queries": queries, "keys": keys, "start": start}
            )
            start += weights.size
        sent = [np.rint(weights.clip(0, 1) * STEPS).astype("<u2").tobytes() for weights in maps.values()]
        with self.view.hold_sync():
            self.view.parts, self.view.weights = about, b"".join(sent)

    def _show_text(self, answer):
        """Show what `read` gave: the same head, as far as there is one, over the new tokens."""
        try:
            if not isinstance(answer, (tuple, list)) or len(answer) != 2:
                raise ValueError(TEXTS["pair"].format(got=describe(answer)))
            tokens, attention = answer
            names = list(attention) if isinstance(attention, dict) else [""]
            if names != list(self._weights):
                raise ValueError(TEXTS["other parts"].format(got=_listed(names), expected=_listed(self._weights)))
            self._show(attention, tokens)
        except (TypeError, ValueError) as problem:
            raise WrongAnswer(TEXTS["answer"].format(problem=problem)) from None
        layers, heads, queries, _ = self._weights[self.part].shape
        self.view.layer, self.view.head = min(self.view.layer, layers - 1), min(self.view.head, heads - 1)
        self.view.token = min(self.view.token, queries - 1)

    @property
    def part(self) -> str:
        """str: the part shown, where there are several; assign to show another."""
        return list(self._weights)[self.view.part]

    @part.setter
    def part(self, part: str) -> None:
        names = list(self._weights)
        one_of("part", part, names)
        with self.view.hold_sync():
            self.view.part, self.view.layer, self.view.head, self.view.token = names.index(part), 0, 0, 0

    layer = shown(
        "layer",
        "int: the layer shown large, from 0; assign to show another.",
        lambda browser, value: whole_number("layer", value, 0, len(browser._weights[browser.part]) - 1),
    )
    head = shown(
        "head",
        "int: the head shown large, from 0; assign to show another.",
        lambda browser, value: whole_number("head", value, 0, browser._weights[browser.part].shape[1] - 1),
    )
    token = shown(
        "token",
        "int: the query that is followed; assign to follow another.",
        lambda browser, value: whole_number("token", value, 0, browser._weights[browser.part].shape[2] - 1),
    )
    order = shown(
        "order",
        "str: by what the heads are sorted, one of ORDERS; assign to sort them otherwise.",
        lambda browser, value: one_of("order", value, ORDERS),
    )

    @property
    def weights(self) -> Float[np.ndarray, "queries keys"]:
        """(queries, keys) float64: the head that is shown."""
        return self._weights[self.part][self.view.layer, self.view.head].copy()

    @property
    def head_scores(self) -> dict[str, Float[np.ndarray, "layers heads"]]:
        """What kind of head each one is: dict of (layers, heads) arrays.

        "previous", "same", "next" and "first" are the mean weight of the key at that place, over the queries that have
        one (of cross-attention, where there are more queries than keys or fewer, within the square that both fill);
        "entropy" is the mean over the queries, as a share of log(keys).
        """
        weights = self._weights[self.part]
        queries, keys = weights.shape[2:]
        n = min(queries, keys)
        diagonal = {"previous": -1, "same": 0, "next": 1}
        scores = {
            name: np.diagonal(weights[:, :, :n, :n], offset, axis1=2, axis2=3).sum(axis=-1) / max(1, n - abs(offset))
            for name, offset in diagonal.items()
        }
        scores["first"] = weights[..., 0].mean(axis=-1)
        logs = np.log(np.where(weights > 0, weights, 1.0))
        scores["entropy"] = -(weights * logs).sum(axis=-1).mean(axis=-1) / max(np.log(keys), 1e-12)
        return scores

    def text_alternative(self) -> str:
        weights, (queries, keys) = self._weights[self.part], self._tokens[self.part]
        row = self.weights[self.token]
        about = {"token": queries[self.token], "key": keys[int(row.argmax())], "weight": row.max()}
        return TEXTS["alternative"].format(
            layers=counted(weights.shape[0], "layer"),
            heads=counted(weights.shape[1], "head"),
            tokens=counted(len(queries), "token"),
            layer=self.layer + 1,
            head=self.head + 1,
            row=TEXTS["row" if row.max() > TOLERANCE else "nothing"].format(**about),
        )

    def still(self) -> "Picture":
        from course_lib import plots

        queries, keys = self._tokens[self.part]
        if self._weights[self.part].shape[:2] == (1, 1):  # beside it, a wall of one map would show it twice
            figure = self._picture(5.6, 4.2)
            large = figure.subplots()
        else:
            side = min(max(3.4, 2 + 0.12 * max(len(queries), len(keys))), 6.6)  # inches: room for a label per token
            figure = self._picture(2 * side + 0.4, side)
            wall, large = figure.subplots(1, 2)
            _draw_all(wall, self._weights[self.part])
        shown = self.weights.clip(0, 1)  # half precision may go a little beyond
        title = TEXTS["selected"].format(layer=self.layer + 1, head=self.head + 1)
        plots.attention_heatmap(shown, queries, keys, ax=large, title=title, annotate=False, vmax=shown.max() or 1)
        return figure


def _parts_of(attention, tokens, key_tokens):
    """Each part by its name: its weights, the strings of its queries, those of its keys."""
    if not isinstance(attention, dict):
        pair = tokens if _is_pair(tokens) else (tokens, tokens if key_tokens is None else key_tokens)
        return {"": (attention, *pair)}
    if not attention:
        raise ValueError(TEXTS["no parts"])
    if not isinstance(tokens, dict) or set(tokens) != set(attention):
        got = f"a dict with {_listed(tokens)}" if isinstance(tokens, dict) and tokens else describe(tokens)
        raise ValueError(TEXTS["parts"].format(got=got, parts=_listed(attention)))
    pairs = {name: own if _is_pair(own) else (own, own) for name, own in tokens.items()}
    return {name: (weights, *pairs[name]) for name, weights in attention.items()}


def _checked_weights(attention):
    """Any model's maps of one sequence as float64 (layers, heads, queries, keys)."""
    if isinstance(attention, (list, tuple)):
        layers = attention
    elif hasattr(attention, "shape") and len(attention.shape) in (4, 5):
        layers = list(attention)
    else:
        raise ValueError(TEXTS["kind"].format(got=describe(attention)))
    if not layers:
        raise ValueError(TEXTS["kind"].format(got=describe(layers)))
    checked = []
    for number, layer in enumerate(layers):
        shape = tuple(getattr(layer, "shape", ()))
        if len(shape) == 4:
            if shape[0] != 1:
                raise ValueError(TEXTS["batch"].format(batch=shape[0]))
            layer = layer[0]
        most = {"heads": MAX_HEADS, "queries": MAX_TOKENS, "keys": MAX_TOKENS}
        one = read_array(TEXTS["layer"].format(layer=number), layer, "heads queries keys", most=most)
        if checked and one.shape != checked[0].shape:
            raise ValueError(TEXTS["alike"].format(layer=number, got=one.shape, expected=checked[0].shape))
        totals = one.sum(axis=-1)
        wrong = (one < -TOLERANCE).any(axis=-1) | ((abs(totals - 1) > 10 * TOLERANCE) & (abs(totals) > TOLERANCE))
        if wrong.any():
            head, query = np.argwhere(wrong)[0]
            raise ValueError(TEXTS["shares"].format(layer=number, head=head, total=totals[head, query]))
        checked.append(one)
    whole_number("layers of attention", len(checked), 1, MAX_LAYERS)
    return np.stack(checked)


def _listed(names):
    return ", ".join(map(repr, names))


def _is_pair(tokens):
    """Whether these are (tokens, key_tokens), not two tokens."""
    return isinstance(tokens, tuple) and len(tokens) == 2 and not isinstance(tokens[0], str)


def _counted(name, tokens, count, axis):
    tokens = strings(name, tokens, 1, MAX_TOKENS)
    if len(tokens) != count:
        raise ValueError(TEXTS["count"].format(name=name, expected=f"{count} {axis}", got=len(tokens)))
    return tokens


def _draw_all(ax, weights):
    """All heads as one image: an axes for each would take seconds. The heads of a lone layer take several lines."""
    layers, heads = weights.shape[:2]
    across = heads if layers > 1 else math.ceil(heads**0.5)
    lines = -(-layers * heads // across)
    most = max(4, min(24, MOSAIC // max(lines, across)))
    small = [_thumbnail(weights[layer, head], most) for layer in range(layers) for head in range(heads)]
    rows, columns = small[0].shape
    gap = max(1, max(rows, columns) // 8)
    mosaic = np.full((lines * (rows + gap) - gap, across * (columns + gap) - gap), np.nan)
    for number, image in enumerate(small):
        line, place = divmod(number, across)
        top, left = line * (rows + gap), place * (columns + gap)
        mosaic[top : top + rows, left : left + columns] = image / (image.max() or 1)
    ax.imshow(mosaic, cmap="cividis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    upright, level = [str(layer + 1) for layer in range(layers)], [str(head + 1) for head in range(across)]
    upright_name = "layer"
    if lines > layers:
        ends = [(first, min(first + across - 1, heads)) for first in range(1, heads + 1, across)]
        upright_name, level = "head", []
        upright = [f"{first}–{last}" if first < last else f"{first}" for first, last in ends]
    for name, axis, labels, size in ((upright_name, ax.yaxis, upright, rows), ("head", ax.xaxis, level, columns)):
        every = -(-len(labels) // 12) or 1
        numbers = range(0, len(labels), every)
        axis.set_ticks([number * (size + gap) + (size - 1) / 2 for number in numbers], labels[::every])
        axis.set_label_text(TEXTS[f"axis {name}"] if labels else "")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(TEXTS["all"])


def _thumbnail(weights, most):
    """At most so many rows and columns, each number the largest of its block: small attention would vanish in a mean."""
    for axis in (0, 1):
        size = weights.shape[axis]
        if size > most:
            starts = np.unique(np.linspace(0, size, most, endpoint=False).astype(int))
            weights = np.maximum.reduceat(weights, starts, axis=axis)
    return weights
