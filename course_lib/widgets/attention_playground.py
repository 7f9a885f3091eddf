"""AttentionPlayground: drag queries, keys and values, and watch attention follow, step by step.

With the library's own function the page computes by itself; Python follows, and computes what is read back when it is read.
With a learner's function Python computes: the page writes one trait (`state`), Python answers with one buffer (`answer`).
ipywidgets keeps at most one unanswered state in flight and drops the ones in between, so an answer never waits behind stale
ones.
"""

import json
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from jaxtyping import Bool, Float, Real

from course_lib.attention import dot_scores, scaled_dot_product_attention, scaled_dot_scores
from course_lib.checking import Array, check_function, check_shape, describe, one_of, strings, whole_number
from course_lib.widgets import playground_still
from course_lib.widgets.base import View, Widget, WrongAnswer, checked_title, explain, name_of
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.page import page_module
from course_lib.widgets.playground_checks import (
    checked_part,
    checked_presets,
    checked_result,
    checked_vectors,
    full_mask,
    mask_of,
    notes_on,
    plain,
)

if TYPE_CHECKING:
    from course_lib.plots import Picture

MAX_TOKENS = 256
SIGNATURE = "(queries, keys, values, mask=None)"
STAGES = ("scores", "scaled", "masked", "weights", "context")
FOCUSES = ("all", "queries", "keys")

TEXTS = {
    "none": "{name} returned None. Is a `return context, weights` missing?",
    "stages": "stages are {got}; expected some of {steps}, in this order and each once",
    "not_a_pair": "{name} must return the pair (context, weights); it returned {got}.",
}


# A state travels as JSON text: ipywidgets would walk through nested lists, number by number, several times.
AS_TEXT = {
    "to_json": lambda state, _: json.dumps(state, separators=(",", ":")),
    "from_json": lambda text, _: json.loads(text),
}


class PlaygroundView(View):
    """What the page and Python tell each other; AttentionPlayground holds the rest.

    Apart from it because every ipywidgets widget keeps its synced names in an attribute `keys`, a word that the
    learner should find free for attention's keys.
    """

    _esm, _css = page_module("attention_playground")

    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    function = traitlets.Unicode(help="Name of the attention function.").tag(sync=True)
    in_page = traitlets.Bool(help="Whether the page computes by itself: the function is the library's.").tag(sync=True)
    presets = traitlets.Dict().tag(sync=True)
    starting_state = traitlets.Dict().tag(sync=True)
    # From the page, or from Python: {"queries", "keys", "values", "mask", "seq"}; seq grows by one with every change. The
    # mask is one string a query, "1" where it may attend, and empty where nothing is masked: nested booleans of 256 tokens
    # would be a message of 400 KB.
    # Not echoed: the answer tells every page what it belongs to, and an echo of its own would cost a message each time.
    state = traitlets.Dict().tag(sync=True, echo_update=False, **AS_TEXT)
    # To the page: float32 weights and context, row by row; NaN where nothing could be computed yet; empty if it computes.
    answer = traitlets.Bytes().tag(sync=True)
    answered = traitlets.Dict(help="The state that the answer belongs to.").tag(sync=True, **AS_TEXT)
    error = traitlets.Unicode().tag(sync=True)
    notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    # What is being looked at: kept here too, so that a second view and a reloaded page show the same.
    stages = traitlets.List(traitlets.Unicode(), help="The steps there are.").tag(sync=True)
    stage = traitlets.Enum(STAGES, "weights").tag(sync=True)
    selected = traitlets.Int().tag(sync=True)
    focus = traitlets.Enum(FOCUSES, "all").tag(sync=True)  # pyrefly: ignore[bad-override]: not ipywidgets' method


class AttentionPlayground(Widget):
    """Queries, keys and values under the learner's hands; scores, weights and context as they follow.

    With two dimensions the vectors are arrows to drag; with any small number of dimensions they are numbers to edit.
    Five steps show scores, scaled scores, masked scores, weights and context, each with its arithmetic. Beyond twelve
    tokens the arrows of one query and of one key are at hand, and the others are dots.
    Display it as the last line of a cell; put its `.view` into ipywidgets' boxes.

    Args:
        tokens: up to 256 strings, shown as text.
        queries: numbers, one row per token; at most 8 dimensions.
        keys: the same.
        values: the same; d_v may differ from d_k.
        attention: function (queries, keys, values, mask=None) -> (context, weights) on float64 arrays. It gets copies,
            and a mask only where something is masked. If it raises or returns something else, the widget says so and
            keeps the last picture that worked.
        mask: True = may attend; None lets every query see every key.
        presets: {"name": {"queries": ..., "keys": ..., "values": ..., "mask": ...}}, any subset of these; each a button.
        stages: how far the picture goes: "scores" shows queries, keys and their scores; "scaled" also the scores / √d_k;
            "masked" also the mask; "weights" also their softmax; "context" also values and what they are mixed to. Or the
            names of some of these steps, in this order: `("scores", "weights", "context")` shows neither scale nor mask.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError: wrong shapes, NaN or infinity, no token or more than 256, more than 8 dimensions, unknown preset parts.
        TypeError: `attention` is not callable; a token or the title is not a string.

    Example:
        >>> playground = AttentionPlayground(["the", "cat", "sat"], queries=[[1, 0], [0, 1], [1, 1]],
        ...                                  keys=[[1, 0], [0, 1], [1, 1]], values=[[1, 0], [0, 1], [-1, 0]])
        >>> playground.weights.shape
        (3, 3)

    Source: scaled dot-product attention, Vaswani et al. (2017), "Attention Is All You Need", equation 1.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        queries: Real[Array, "seq_len d_k"],
        keys: Real[Array, "seq_len d_k"],
        values: Real[Array, "seq_len d_v"],
        attention: Callable[..., tuple[Array, Array]] = scaled_dot_product_attention,
        *,
        mask: Bool[Array, "seq_len seq_len"] | None = None,
        presets: dict[str, dict[str, Array]] | None = None,
        stages: str | Sequence[str] = STAGES[-1],
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        tokens = strings("tokens", tokens, 1, MAX_TOKENS)
        seq_len = len(tokens)
        arrays = {
            "queries": checked_vectors("queries", queries, seq_len),
            "keys": checked_vectors("keys", keys, seq_len),
            "values": checked_vectors("values", values, seq_len),
            "mask": full_mask(mask, seq_len),
        }
        self._shapes = {name: array.shape for name, array in arrays.items()}
        check_shape("keys", self._shapes["keys"], "tokens d_k", {"d_k": self._shapes["queries"][1]})
        self._tokens = tokens
        self._attention = check_function("attention", attention, SIGNATURE)
        self._weights = self._context = None
        self._computed = None  # the number of the state that weights and context belong to
        self._computing = threading.RLock()  # a drag and a running cell may arrive on different threads
        steps = _steps_of(stages)
        title, presets = checked_title(title), checked_presets(presets, self._shapes)
        starting = {name: plain(name, array) for name, array in arrays.items()}
        state = {**starting, "seq": 0}
        self.view = PlaygroundView(
            tokens=tokens,
            title=title,
            function=name_of(attention),
            in_page=self._in_page,
            presets=presets,
            starting_state=starting,
            state=state,
            stages=steps,
            stage="weights" if "weights" in steps else steps[-1],
            selected=seq_len - 1,
            **self._answer(state),
        )
        self.view.observe(self._answer_view, "state")
        pursue(goal, self)

    # --- what can be read back, and set ---

    @property
    def tokens(self) -> list[str]:
        """list of str: the tokens, fixed."""
        return list(self._tokens)

    @property
    def title(self) -> str:
        """str: the heading, fixed; empty if there is none."""
        return self.view.title

    @property
    def queries(self) -> Float[np.ndarray, "seq_len d_k"]:
        """(seq_len, d_k) float64: the queries as they are now; assign to change them."""
        return np.array(self.view.state["queries"], dtype=np.float64)

    @queries.setter
    def queries(self, queries: Real[Array, "seq_len d_k"]) -> None:
        self._change(queries=queries)

    @property
    def keys(self) -> Float[np.ndarray, "seq_len d_k"]:
        """(seq_len, d_k) float64: the keys as they are now; assign to change them."""
        return np.array(self.view.state["keys"], dtype=np.float64)

    @keys.setter
    def keys(self, keys: Real[Array, "seq_len d_k"]) -> None:
        self._change(keys=keys)

    @property
    def values(self) -> Float[np.ndarray, "seq_len d_v"]:
        """(seq_len, d_v) float64: the values as they are now; assign to change them."""
        return np.array(self.view.state["values"], dtype=np.float64)

    @values.setter
    def values(self, values: Real[Array, "seq_len d_v"]) -> None:
        self._change(values=values)

    @property
    def mask(self) -> Bool[np.ndarray, "seq_len seq_len"]:
        """(seq_len, seq_len) bool, True = may attend; assign an array, or None to let every query see every key."""
        return mask_of(self.view.state["mask"], len(self._tokens))

    @mask.setter
    def mask(self, mask: Bool[Array, "seq_len seq_len"] | None) -> None:
        self._change(mask=mask)

    @property
    def attention(self) -> Callable[..., tuple[Array, Array]]:
        """The function that drives the picture; assign another one to see it at work on the same vectors."""
        return self._attention

    @attention.setter
    def attention(self, attention: Callable[..., tuple[Array, Array]]) -> None:
        attention = check_function("attention", attention, SIGNATURE)
        with self._computing, self.view.hold_sync():
            self._catch_up()  # the last picture that worked, should the new function fail
            self._attention = attention
            self.view.function = name_of(attention)
            self.view.in_page = self._in_page
            self._computed = None
            self._change()

    @property
    def scores(self) -> Float[np.ndarray, "queries keys"]:
        """(queries, keys) float64: queries · keys, by the library."""
        return dot_scores(self.queries, self.keys)

    @property
    def scaled_scores(self) -> Float[np.ndarray, "queries keys"]:
        """(queries, keys) float64: scores / √d_k, by the library."""
        return scaled_dot_scores(self.queries, self.keys)

    @property
    def weights(self) -> Float[np.ndarray, "queries keys"] | None:
        """(queries, keys) float64 from the attention function, the last that worked; None if it never has."""
        self._catch_up()
        return None if self._weights is None else self._weights.copy()

    @property
    def context(self) -> Float[np.ndarray, "queries d_v"] | None:
        """(queries, d_v) float64 from the attention function, the last that worked; None if it never has."""
        self._catch_up()
        return None if self._context is None else self._context.copy()

    @property
    def error(self) -> str:
        """str: what is wrong with the attention function on the present vectors; empty while it works."""
        return self.view.error

    @property
    def notes(self) -> list[str]:
        """list of str: what looks odd in the weights and the context, such as a row that does not sum to 1."""
        return list(self.view.notes)

    @property
    def stages(self) -> list[str]:
        """list of str: the steps there are, fixed: "scores", "scaled", "masked", "weights", "context" or some of them."""
        return list(self.view.stages)

    @property
    def stage(self) -> str:
        """The step shown, one of `stages`; assign to turn to it."""
        return self.view.stage

    @stage.setter
    def stage(self, stage: str) -> None:
        self.view.stage = one_of("stage", stage, self.stages)

    @property
    def selected(self) -> int:
        """Index of the token whose query is followed; assign to follow another."""
        return self.view.selected

    @selected.setter
    def selected(self, index: int) -> None:
        self.view.selected = whole_number("selected", index, 0, len(self._tokens) - 1)

    # --- computing ---

    @property
    def _in_page(self):
        return self._attention is scaled_dot_product_attention

    def _change(self, **changes):
        with self._computing:
            state = self.view.state
            fresh = {
                name: plain(name, checked_part(name, value, self._shapes[name])) for name, value in changes.items()
            }
            self.view.state = {**state, **fresh, "seq": state["seq"] + 1}

    def _answer_view(self, change):
        with self._computing:
            answer = self._answer(change["new"])
            with self.view.hold_sync():  # one message for the whole answer
                for name, value in answer.items():
                    setattr(self.view, name, value)

    def _answer(self, state):
        """Answer one state; returns the view's traits that hold the answer."""
        if self._in_page:
            return {"answer": b"", "answered": state, "error": self._error_in(state), "notes": []}
        error, notes = self._compute(state)
        missing = [np.full(self._shapes["mask"], np.nan), np.full(self._shapes["values"], np.nan)]
        weights, context = missing if self._weights is None else (self._weights, self._context)
        with np.errstate(over="ignore"):
            answer = np.concatenate([weights.ravel(), context.ravel()]).astype("<f4").tobytes()
        return {"answer": answer, "answered": state, "error": error, "notes": notes}

    def _catch_up(self):
        """Compute what the page has computed, for whoever reads it here."""
        with self._computing:
            if self._in_page and self._computed != self.view.state["seq"]:
                self._compute(self.view.state)

    def _compute(self, state):
        """Call the attention function on one state; returns (error, notes). What worked before stays if it fails."""
        error, notes = "", []
        try:
            arrays = self._arrays_of(state)
            self._context, self._weights = self._call_attention(arrays)
            notes = notes_on(self._tokens, self._weights, self._context, arrays)
        except WrongAnswer as problem:
            error = str(problem)
        except Exception as problem:  # a learner's function may raise anything; in a callback it would be seen nowhere
            error = explain(problem, name_of(self._attention))
        self._computed = state["seq"]
        return error, notes

    def _error_in(self, state):
        try:
            self._arrays_of(state)
        except (TypeError, ValueError) as problem:
            return str(problem)
        return ""

    def _arrays_of(self, state):
        parts = {**state, "mask": mask_of(state["mask"], len(self._tokens))}
        return {name: checked_part(name, parts[name], shape) for name, shape in self._shapes.items()}

    def _call_attention(self, arrays):
        """Run the attention function on copies and check what comes back; returns (context, weights)."""
        inputs = [arrays[name].copy() for name in ("queries", "keys", "values")]
        mask = arrays["mask"]
        # A function that knows nothing of masks yet works as long as nothing is masked.
        result = self._attention(*inputs) if mask.all() else self._attention(*inputs, mask=mask.copy())
        name = name_of(self._attention)
        if result is None:
            raise WrongAnswer(TEXTS["none"].format(name=name))
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise WrongAnswer(TEXTS["not_a_pair"].format(name=name, got=describe(result)))
        context, weights = result
        queries, d_v = self._shapes["values"]
        return (
            checked_result(name, "context", context, "queries d_v", self._tokens, queries=queries, d_v=d_v),
            checked_result(name, "weights", weights, "queries keys", self._tokens, queries=queries, keys=queries),
        )

    # --- where no kernel runs ---

    def text_alternative(self) -> str:
        """Say in one sentence what the picture shows: where each query's attention goes."""
        return playground_still.in_words(self)

    def still(self) -> "Picture":
        """Draw the present state without a browser: arrows where there are two dimensions, and the stage's numbers.

        Returns:
            a matplotlib figure; its `alternative` is the picture in words.
        """
        return playground_still.picture(self)


def _steps_of(stages):
    """The steps that are shown, from the last one's name or from all their names."""
    if isinstance(stages, str):
        return list(STAGES[: STAGES.index(one_of("stages", stages, STAGES)) + 1])
    steps = strings("stages", stages, 1)
    if steps != [step for step in STAGES if step in steps]:
        raise ValueError(TEXTS["stages"].format(got=steps, steps=", ".join(map(repr, STAGES))))
    return steps
