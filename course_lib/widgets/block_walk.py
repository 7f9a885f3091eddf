"""BlockWalk: one token's way through a Transformer block, with parts to switch off.

All sixteen combinations of switches are computed at once, in Python, by the block itself or by a learner's function; the page
only turns from one to another.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from jaxtyping import Float, Real

from course_lib.checking import Array, describe, flag, read_array, strings, whole_number
from course_lib.colours import PALETTE
from course_lib.widgets.base import View, Widget, WrongAnswer, checked_title, explain, name_of
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.page import page_module

if TYPE_CHECKING:
    from course_lib.models import Block
    from course_lib.plots import Picture

MAX_TOKENS, MAX_DIMENSIONS, MAX_WIDTH, MAX_STAGES = 32, 256, 1024, 12
MAX_NUMBERS = 4_000_000
SWITCHES = ("attention", "feed_forward", "residual", "norm")
SIGNATURE = "(x, *, attention, feed_forward, residual, norm) -> {stage: (tokens, width) numbers}"

TEXTS = {
    "block": "block is {got}; expected an EncoderBlock, or a function {signature}",
    "stages": "{name} returned {got}; expected a dict with 1 to {most} stages, name -> numbers of shape (tokens, width)",
    "alike": "{name} returned {got}; expected the same stages, of the same shapes, whatever is switched off, as before: {expected}",
    "many": "{name} gives {count:,} numbers for all combinations of switches; at most {most:,} can be shown: "
    "pass fewer tokens or dimensions",
    "switches": "on is {got}; expected a dict of True and False for some of {switches}",
    "alternative": "“{token}” through a block with {parts}: the size of its vector is {sizes}.",
    "stage size": "{size:.2f} at {name}",
    "nothing": "nothing",
    "size": "size of the vector",
}


class BlockWalkView(View):
    """What the page and Python tell each other."""

    _esm, _css = page_module("block_walk")

    title = traitlets.Unicode().tag(sync=True)
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    stages = traitlets.List(help="[name, width] of each").tag(sync=True)
    switches = traitlets.List(list(SWITCHES)).tag(sync=True)
    numbers = traitlets.Bytes().tag(sync=True)  # float32: combination, stage, token, feature
    on = traitlets.Dict({name: True for name in SWITCHES}).tag(sync=True)
    token = traitlets.Int(0).tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)


class BlockWalk(Widget):
    """Follow a token through a block: what each part adds, how large the stream gets, and what breaks without a part.

    Args:
        x: numbers, array or tensor: what goes into the block, at most 32 by 256.
        tokens: one string a row.
        block: an `EncoderBlock` (pre-norm or post-norm), or a function (x, *, attention, feed_forward, residual, norm) ->
            {"stage": (tokens, width) numbers, …}, whose switches are booleans.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError, TypeError: shapes that do not fit. What is wrong with what a function does is shown in the widget.

    Example:
        >>> block = EncoderBlock(d_model=16, num_heads=2, d_ff=32, norm_first=True)
        >>> walk = BlockWalk(np.ones((3, 16)), ["the", "cat", "sat"], block)
        >>> walk.stages["into the block"].shape
        (3, 16)

    Source: Vaswani 2017, §3.1; the residual stream: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits".
    """

    def __init__(
        self,
        x: Real[Array, "tokens d_model"],
        tokens: Sequence[str],
        block: "Block | Callable[..., dict[str, Array]]",
        *,
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        tokens = strings("tokens", tokens, 1, MAX_TOKENS)
        most = {"tokens": MAX_TOKENS, "d_model": MAX_DIMENSIONS}
        self._x = read_array("x", x, "tokens d_model", most=most, tokens=len(tokens))
        norm = getattr(block, "attention_norm", None)  # a function has none, nor has a decoder's block
        if norm is None and (not callable(block) or hasattr(block, "feed_forward_norm")):
            raise TypeError(TEXTS["block"].format(signature=SIGNATURE, got=describe(block)))
        if norm is not None:
            read_array("x", x, "tokens d_model", d_model=norm.normalized_shape[0])
        self._function = block if norm is None else _of_block(block)
        self._name = name_of(block) if norm is None else type(block).__name__
        self._walks, error = {}, ""
        try:
            self._walks = self._all_combinations()
        except WrongAnswer as problem:
            error = str(problem)
        except Exception as problem:  # the learner's function may raise anything
            error = explain(problem, self._name)
        first = next(iter(self._walks.values()), {})
        numbers = [stage.astype("<f4").tobytes() for walk in self._walks.values() for stage in walk.values()]
        self.view = BlockWalkView(
            title=checked_title(title),
            tokens=tokens,
            stages=[[name, stage.shape[1]] for name, stage in first.items()],
            numbers=b"".join(numbers),
            token=len(tokens) - 1,
            error=error,
        )
        pursue(goal, self)

    def _all_combinations(self):
        """Every combination of switches, in the order in which the page counts them: the last switch changes fastest."""
        walks: dict[tuple, dict] = {}
        shapes: Any = None
        for values in itertools.product((False, True), repeat=len(SWITCHES)):
            walk = self._one(dict(zip(SWITCHES, values, strict=True)))
            found = {name: stage.shape for name, stage in walk.items()}
            if shapes is not None and found != shapes:
                raise WrongAnswer(TEXTS["alike"].format(name=self._name, got=found, expected=shapes))
            shapes, walks[values] = found, walk
        count = len(walks) * sum(rows * width for rows, width in shapes.values())
        if count > MAX_NUMBERS:
            raise WrongAnswer(TEXTS["many"].format(name=self._name, count=count, most=MAX_NUMBERS))
        return walks

    def _one(self, switches):
        stages = self._function(self._x.copy(), **switches)
        if not isinstance(stages, dict) or not 1 <= len(stages) <= MAX_STAGES:
            raise WrongAnswer(TEXTS["stages"].format(name=self._name, most=MAX_STAGES, got=describe(stages)))
        most = {"width": MAX_WIDTH}
        try:
            return {
                str(name): read_array(f"stage {name!r}", stage, "tokens width", most=most, tokens=len(self._x))
                for name, stage in stages.items()
            }
        except ValueError as problem:
            raise WrongAnswer(str(problem)) from None

    @property
    def on(self) -> dict[str, bool]:
        """dict: which of "attention", "feed_forward", "residual" and "norm" are on; assign some of them to switch."""
        return dict(self.view.on)

    @on.setter
    def on(self, on: dict[str, bool]) -> None:
        if not isinstance(on, dict) or not set(on) <= set(SWITCHES):
            raise ValueError(TEXTS["switches"].format(switches=", ".join(SWITCHES), got=repr(on)))
        self.view.on = {**self.view.on, **{name: flag(name, value) for name, value in on.items()}}

    @property
    def token(self) -> int:
        """int: the token that is followed; assign to follow another."""
        return self.view.token

    @token.setter
    def token(self, token: int) -> None:
        self.view.token = whole_number("token", token, 0, len(self._x) - 1)

    @property
    def stages(self) -> dict[str, Float[np.ndarray, "tokens width"]]:
        """dict: name -> (tokens, width) float64, with the present switches; empty if the function failed."""
        walk = self._walks.get(tuple(self.view.on[name] for name in SWITCHES), {})
        return {name: stage.copy() for name, stage in walk.items()}

    @property
    def error(self) -> str:
        """str: what is wrong with the function; empty if it worked."""
        return self.view.error

    def text_alternative(self) -> str:
        if not self._walks:
            return self.view.error
        on = [name.replace("_", " ") for name in SWITCHES if self.view.on[name]]
        sizes = [
            TEXTS["stage size"].format(size=np.linalg.norm(stage[self.token]), name=name)
            for name, stage in self.stages.items()
        ]
        return TEXTS["alternative"].format(
            token=self.view.tokens[self.token], parts=", ".join(on) or TEXTS["nothing"], sizes=", ".join(sizes)
        )

    def still(self) -> "Picture":
        from course_lib import plots

        stages = self.stages
        figure = self._picture(6.4, 0.4 * len(stages) + 1)
        ax = figure.subplots()
        sizes = [np.linalg.norm(stage[self.token]) for stage in stages.values()]
        ax.barh(range(len(stages)), sizes, color=PALETTE["queries"])
        ax.set_yticks(range(len(stages)), [plots.visible(name) for name in stages], parse_math=False)
        ax.invert_yaxis()
        ax.set_xlabel(TEXTS["size"])
        return figure


def _of_block(block):
    """An `EncoderBlock` as a function of its switches."""
    import torch

    @torch.no_grad()
    def stages(x, *, attention, feed_forward, residual, norm):
        parameter = next(block.parameters())
        was_training = block.training
        block.eval()
        x = torch.as_tensor(x, dtype=parameter.dtype, device=parameter.device)[None]
        attention_norm = block.attention_norm if norm else lambda stream: stream
        feed_forward_norm = block.feed_forward_norm if norm else lambda stream: stream
        kept = 1.0 if residual else 0.0
        found = {"into the block": x}
        read = attention_norm(x) if block.norm_first else x
        added = block.attention(read)[0] * float(attention)
        middle = kept * x + added
        if block.norm_first:
            found |= {"normed, for attention": read, "added by attention": added, "stream after attention": middle}
            read = feed_forward_norm(middle)
            found["normed, for the feed-forward network"] = read
        else:
            found |= {"added by attention": added, "sum": middle}
            middle = read = attention_norm(middle)
            found["stream after attention, normed"] = middle
        hidden = block.feed_forward.activation(block.feed_forward.expand(read))
        contracted = block.feed_forward.contract(hidden) * float(feed_forward)
        out = kept * middle + contracted
        found |= {"hidden units": hidden, "added by the feed-forward network": contracted}
        if block.norm_first:
            found["out of the block"] = out
        else:
            found |= {"sum again": out, "out of the block": feed_forward_norm(out)}
        block.train(was_training)
        return {name: stage[0] for name, stage in found.items()}

    return stages
