"""DecodingStepper: generate token by token, by hand, by chance or by beam.

Python asks the model, or a learner's function, for the logits after the tokens so far; the page turns them into probabilities
and collects what is chosen.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from jaxtyping import Float

from course_lib.checking import Array, as_whole, describe, entries, read_array, real_number, strings, whole_number
from course_lib.colours import PALETTE
from course_lib.widgets.base import WrongAnswer, checked_title, explain, name_of
from course_lib.widgets.decoding_models import of_language_model, of_translator
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.own_text import OwnTextView, TakesText
from course_lib.widgets.page import page_module

if TYPE_CHECKING:
    from course_lib.models import LanguageModel, Transformer
    from course_lib.plots import Picture

MAX_VOCABULARY, MAX_SOURCE, MAX_NEW, MAX_BEAM, MAX_DEPTH = 60_000, 128, 200, 5, 12
SHOWN = 12
MAX_CHARACTERS = 120  # of one's own text: with special tokens around them, letters still fit into a source
SIGNATURE = "(ids) -> logits, or (logits, weights over the source)"

TEXTS = {
    "function": "next_logits is {got}; expected a Transformer, a LanguageModel, or a function {signature}",
    "source": "a {kind} needs source_ids: what it translates",
    "start": "a {kind} needs start_id: the token that every target begins with",
    "sources": "source has {got} entries; expected one for each of the {count} source_ids",
    "prompt": "prompt is empty; expected at least one token id for a {kind}",
    "ids": "a row of token ids from 0 to {last}",
    "id": "{name} holds {got}; expected token ids from 0 to {last}",
    "answer": "{name} must return logits (vocabulary,), or (logits, weights over the source): {problem}",
    "encode": "encode must return the text's token ids: {problem}",
    "no ids": "it returned none",
    "full": "the sequence has {most} new tokens; start again",
    "alternative": "After “{text}” come {candidates}.",
    "candidate": "“{token}” ({probability:.2f})",
    "title": "what comes after “{text}”",
    "probability": "probability",
}


class DecodingStepperView(OwnTextView):
    """What the page and Python tell each other."""

    _esm, _css = page_module("decoding_stepper")

    title = traitlets.Unicode().tag(sync=True)
    vocabulary = traitlets.List(traitlets.Unicode()).tag(sync=True)
    source = traitlets.List(traitlets.Unicode()).tag(sync=True)
    prompt = traitlets.List(traitlets.Int()).tag(sync=True)
    end = traitlets.Int(-1).tag(sync=True)
    most = traitlets.Int().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    ids = traitlets.List(traitlets.Int()).tag(sync=True, echo_update=False)  # new tokens, from the page or from Python
    temperature = traitlets.Float(1.0).tag(sync=True)
    top_k = traitlets.Int(0).tag(sync=True)  # 0: all
    top_p = traitlets.Float(1.0).tag(sync=True)
    beam_width = traitlets.Int(0).tag(sync=True, echo_update=False)  # 0: no tree
    # To the page: what belongs to `answered`.
    logits = traitlets.Bytes().tag(sync=True)  # float32
    weights = traitlets.Bytes().tag(sync=True)  # float32, over the source; empty if there are none
    tree = traitlets.List().tag(sync=True)
    answered = traitlets.List(traitlets.Int(), allow_none=True).tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)


class DecodingStepper(TakesText):
    """Choose the next token, again and again: likeliest, by chance, or your own choice; and see what a beam would keep.

    Args:
        next_logits: a `Transformer` or `LanguageModel`, or a function that gets the ids so far, an int64 array (seq_len,),
            and returns logits (vocabulary,), or (logits, weights) with weights (source,): how it attends to the source.
        vocabulary: the text of each token id; up to 60,000.
        prompt: ids that come first, for a language model at least one.
        source_ids: ids that a `Transformer` translates.
        source: the source's tokens; None: by the vocabulary.
        start_id: the token that every target of a `Transformer` begins with.
        end_id: the token that ends a sequence; None: none does.
        encode: function text -> token ids: with it the page has a box for one's own text, up to 120 characters. What it says
            of a text is what a `Transformer` translates, and elsewhere the prompt.
        text: what stands in the box at first; source_ids or prompt are of it.
        max_new_tokens: most new tokens, up to 200.
        seed: of what is drawn.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError, TypeError: ids out of range, or arguments that do not fit.

    Example:
        >>> stepper = DecodingStepper(lambda ids: np.eye(3)[len(ids) % 3] * 5, ["a", "b", "c"], prompt=[0])
        >>> int(stepper.probabilities.argmax())
        1
    """

    def __init__(
        self,
        next_logits: "Transformer | LanguageModel | Callable[[np.ndarray], Array | tuple[Array, Array]]",
        vocabulary: Sequence[str],
        *,
        prompt: Iterable[int] = (),
        source_ids: Iterable[int] | None = None,
        source: Sequence[str] | None = None,
        start_id: int | None = None,
        end_id: int | None = None,
        encode: Callable[[str], Iterable[int]] | None = None,
        text: str = "",
        max_new_tokens: int = 50,
        seed: int = 0,
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        vocabulary = strings("vocabulary", vocabulary, 1, MAX_VOCABULARY)
        self._last = len(vocabulary) - 1
        prompt = self._checked_ids("prompt", prompt)
        kind = type(next_logits).__name__
        self._translator = None
        if hasattr(next_logits, "encode") and hasattr(next_logits, "decode"):
            if source_ids is None:
                raise ValueError(TEXTS["source"].format(kind=kind))
            if start_id is None:
                raise ValueError(TEXTS["start"].format(kind=kind))
            source_ids = self._checked_ids("source_ids", source_ids)
            source = [vocabulary[number] for number in source_ids] if source is None else source
            source = strings("source", source, 0, MAX_SOURCE)
            if len(source) != len(source_ids):
                raise ValueError(TEXTS["sources"].format(count=len(source_ids), got=len(source)))
            prompt = [whole_number("start_id", start_id, 0, self._last), *prompt]
            self._translator, self._function = next_logits, of_translator(next_logits, source_ids)
        elif hasattr(next_logits, "token_embedding"):
            if not prompt:
                raise ValueError(TEXTS["prompt"].format(kind=kind))
            self._function = of_language_model(next_logits)
        elif callable(next_logits):
            self._function = next_logits
        else:
            raise TypeError(TEXTS["function"].format(signature=SIGNATURE, got=describe(next_logits)))
        self._name = kind if self._function is not next_logits else name_of(next_logits)
        self._source = strings("source", source or [], 0, MAX_SOURCE)
        self._known = {}  # logits and weights by the ids that they come after
        self.view = DecodingStepperView(
            title=checked_title(title),
            vocabulary=vocabulary,
            source=self._source,
            prompt=prompt,
            end=-1 if end_id is None else whole_number("end_id", end_id, 0, self._last),
            most=whole_number("max_new_tokens", max_new_tokens, 1, MAX_NEW),
            seed=whole_number("seed", seed, 0, 2**31 - 1),
        )
        self._offer_box("encode", encode, "text -> token ids", most=MAX_CHARACTERS, text=text)
        self._answer()
        self.view.observe(lambda change: self._answer(), ["ids", "beam_width"])
        pursue(goal, self)

    def _checked_ids(self, name, ids):
        ids = entries(name, ids, TEXTS["ids"].format(last=self._last))
        found = [as_whole(number) for number in ids]
        for number, given in zip(found, ids, strict=True):
            if number is None or not 0 <= number <= self._last:
                got = repr(given) if np.ndim(given) == 0 else describe(given)
                raise ValueError(TEXTS["id"].format(name=name, last=self._last, got=got))
        return found

    # --- what can be read back, and set ---

    @property
    def ids(self) -> list[int]:
        """list of int: the new tokens; assign to set them."""
        return list(self.view.ids)

    @ids.setter
    def ids(self, ids: Iterable[int]) -> None:
        new_ids = self._checked_ids("ids", ids)
        if len(new_ids) > self.view.most:
            raise ValueError(TEXTS["full"].format(most=self.view.most))
        self.view.ids = new_ids

    @property
    def tokens(self) -> list[str]:
        """list of str: the new tokens."""
        return [self.view.vocabulary[number] for number in self.view.ids]

    @property
    def logits(self) -> Float[np.ndarray, " vocabulary"] | None:
        """(vocabulary,) float64: what the function gave for the tokens so far; None where it failed."""
        found = self._known.get(tuple(self.view.ids))
        return None if found is None else found[0].copy()

    @property
    def weights(self) -> Float[np.ndarray, " source"] | None:
        """(source,) float64: how the function attends to the source at this step; None if it does not say."""
        found = self._known.get(tuple(self.view.ids))
        return None if found is None or found[1] is None else found[1].copy()

    @property
    def probabilities(self) -> Float[np.ndarray, " vocabulary"] | None:
        """(vocabulary,) float64: what is drawn by, after temperature, top-k and top-p; None where the function failed."""
        import torch

        from course_lib.models.decoding import sampling_probabilities

        if self.logits is None:
            return None
        options = {"temperature": self.temperature, "top_k": self.top_k, "top_p": self.top_p}
        return sampling_probabilities(torch.from_numpy(self.logits), **options).numpy()

    @property
    def error(self) -> str:
        """str: what is wrong with the function on the tokens so far; empty while it works."""
        return self.view.error

    @property
    def temperature(self) -> float:
        """float: what the logits are divided by, 0.1 to 5; assign to change it."""
        return self.view.temperature

    @temperature.setter
    def temperature(self, temperature: float) -> None:
        self.view.temperature = real_number("temperature", temperature, least=0.1, most=5)

    @property
    def top_k(self) -> int | None:
        """int: how many of the likeliest tokens are kept, None for all; assign to change it."""
        return self.view.top_k or None

    @top_k.setter
    def top_k(self, top_k: int | None) -> None:
        self.view.top_k = 0 if top_k is None else whole_number("top_k", top_k, 1, self._last + 1)

    @property
    def top_p(self) -> float:
        """float: of these the fewest that add up to this share are kept, 0.01 to 1 for all; assign to change it."""
        return self.view.top_p

    @top_p.setter
    def top_p(self, top_p: float) -> None:
        self.view.top_p = real_number("top_p", top_p, least=0.01, most=1)

    @property
    def beam_width(self) -> int:
        """int: beginnings that the tree keeps side by side, 0 for no tree; assign to change it."""
        return self.view.beam_width

    @beam_width.setter
    def beam_width(self, width: int) -> None:
        self.view.beam_width = whole_number("beam_width", width, 0, MAX_BEAM)

    @property
    def tree(self) -> list[list[dict[str, float]]]:
        """list of levels, each a list of dicts with "parent", "id", "score" (log-probability), "kept" and "ended"."""
        return [list(level) for level in self.view.tree]

    # --- computing ---

    def _answer(self):
        with self._computing, self.view.hold_sync():
            ids, error, tree = list(self.view.ids), "", []
            try:
                logits, weights = self._ask(ids)
                self.view.logits = logits.astype("<f4").tobytes()
                self.view.weights = b"" if weights is None else weights.astype("<f4").tobytes()
                tree = self._grow(ids)
            except WrongAnswer as problem:
                error = str(problem)
            except Exception as problem:  # the function may raise anything, and a callback's exception is seen nowhere
                error = explain(problem, self._name)
            self.view.tree, self.view.error, self.view.answered = tree, error, ids

    def _ask(self, ids):
        """Logits and weights after some new tokens; each question is asked once."""
        if tuple(ids) not in self._known:
            self._known[tuple(ids)] = self._call(self._function, self._source, [*self.view.prompt, *ids])
        return self._known[tuple(ids)]

    def _call(self, function, source, ids):
        answer = function(np.array(ids, dtype=np.int64))
        logits, weights = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
        try:
            logits = read_array("logits", logits, "vocabulary", vocabulary=self._last + 1)
            if weights is not None:
                weights = read_array("weights", weights, "source", source=len(source))
        except ValueError as problem:
            raise WrongAnswer(TEXTS["answer"].format(name=self._name, problem=problem)) from None
        return logits, weights

    def _show_text(self, answer):
        """Begin anew with what `encode` gave."""
        function, source, prompt = self._function, self._source, self.view.prompt
        try:
            ids = self._checked_ids("the answer", answer)
            if not ids:
                raise ValueError(TEXTS["no ids"])
            if self._translator is None:
                prompt = ids
            else:
                function = of_translator(self._translator, ids)
                source = strings("source", [self.view.vocabulary[number] for number in ids], 1, MAX_SOURCE)
        except (TypeError, ValueError) as problem:
            raise WrongAnswer(TEXTS["encode"].format(problem=problem)) from None
        first = self._call(function, source, prompt)  # what the model can't read either leaves all as it is
        self._function, self._source, self._known = function, source, {(): first}
        self.view.source, self.view.prompt, self.view.ids = source, prompt, []
        self._answer()

    def _grow(self, ids):
        """What a beam search from here would look at: of each level the kept nodes, and the best that it let go."""
        width, end = self.view.beam_width, self.view.end
        if end in ids:
            return []
        ended = 0
        levels, open_nodes = [], [([], 0.0, -1)]  # ids after here, log-probability, index in the level before
        for _ in range(min(MAX_DEPTH, self.view.most - len(ids)) if width else 0):
            found: list[dict[str, Any]] = []
            for new, score, index in open_nodes:
                logits, _ = self._ask([*ids, *new])
                shifted = logits - logits.max()
                logs = shifted - np.log(np.exp(shifted).sum())
                for token in np.argsort(-logs, kind="stable")[: width + 1].tolist():
                    found.append(
                        {"parent": index, "id": token, "score": score + float(logs[token]), "new": [*new, token]}
                    )
            found.sort(key=lambda node: -node["score"])
            level, still_open = found[: 2 * width], 0
            for rank, node in enumerate(level):
                node["ended"] = node["id"] == end
                node["kept"] = rank < width if node["ended"] else still_open < width  # the next best takes its place
                still_open += not node["ended"]
                ended += node["ended"] and node["kept"]
            open_nodes = [
                (node.pop("new"), node["score"], index)
                for index, node in enumerate(level)
                if node["kept"] and not node["ended"]
            ]
            for node in level:
                node.pop("new", None)
            levels.append(level)
            if not open_nodes or ended >= width:
                break
        return levels

    def text_alternative(self) -> str:
        vocabulary, probabilities = self.view.vocabulary, self.probabilities
        if probabilities is None:
            return self.view.error
        best = [
            TEXTS["candidate"].format(token=vocabulary[number], probability=probabilities[number])
            for number in np.argsort(-probabilities, kind="stable")[:3]
            if probabilities[number] > 0
        ]
        return TEXTS["alternative"].format(text=self._text(), candidates=", ".join(best))

    def _text(self):
        vocabulary = self.view.vocabulary
        return "".join(vocabulary[number] for number in (*self.view.prompt, *self.view.ids)[-12:])

    def still(self) -> "Picture":
        from course_lib import plots

        figure = self._picture(6.4, 3.2)
        ax = figure.subplots()
        probabilities = self.probabilities
        if probabilities is None:
            probabilities = np.zeros(1)
        best = np.argsort(-probabilities, kind="stable")[:SHOWN]
        ax.barh(range(len(best)), probabilities[best], color=PALETTE["queries"])
        names = [plots.visible(self.view.vocabulary[number]) for number in best]
        ax.set_yticks(range(len(best)), names, parse_math=False)
        ax.invert_yaxis()
        ax.set_xlabel(TEXTS["probability"])
        ax.set_title(plots.visible(TEXTS["title"].format(text=self._text())), parse_math=False)
        return figure
