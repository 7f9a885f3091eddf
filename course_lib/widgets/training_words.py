"""What a model says while TrainingMonitor watches it learn: what it writes by itself, and its answer to one's own text."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.checking import check_function, describe
from course_lib.widgets.own_text import in_short

WRITE_SECONDS = 1.0  # between two texts, at least
WRITE_SHARE = 0.1  # of the time goes into writing, at most
MAX_CHARACTERS, MAX_WRITTEN, LONGEST_WRITTEN = 200, 50, 400  # of one's own text; texts kept, and characters of each

TEXTS = {
    "try_it": "(model, text) -> text",
    "writes": "model -> text",
    "no text": "{name} must return a string: got {got}",
    "raised": "{name} raises {error}",
}


class Words:
    """What a model says, on the page of a monitor's view.

    Args:
        view: the monitor's, with `typed`, `tried` and `written`.
        writes, try_it: see `TrainingMonitor`.
        complain: takes what is wrong with `writes`, empty while it works.
    """

    def __init__(self, view: Any, writes: Any, try_it: Any, complain: Callable[[str], None]) -> None:
        self.view, self.complain = view, complain
        self.writes = None if writes is None else check_function("writes", writes, TEXTS["writes"])
        self.try_it = None if try_it is None else check_function("try_it", try_it, TEXTS["try_it"])
        view.text_most = 0 if try_it is None else MAX_CHARACTERS
        self.begin(goes_on=False)

    def begin(self, goes_on: bool) -> None:
        """A run begins, or goes on."""
        self.wrote, self.pace = -np.inf, WRITE_SECONDS
        if not goes_on:
            self.view.written, self.has_evaluations = [], False

    def after_step(self, record: dict[str, float], model: Any, is_evaluated: bool, is_last: bool) -> None:
        """Let the model write, after evaluations where there are any, but so that training never waits for long."""
        self.has_evaluations |= is_evaluated
        is_its_turn = is_evaluated or not self.has_evaluations
        if self.writes is not None and (is_last or (is_its_turn and time.perf_counter() - self.wrote >= self.pace)):
            begun = time.perf_counter()
            text, error = _said("writes", self.writes, model)
            self.wrote = time.perf_counter()
            self.pace = max(WRITE_SECONDS, (self.wrote - begun) / WRITE_SHARE)
            self.complain(error)
            if not error:
                self.view.written = [*self.view.written, [record["step"], text]][-MAX_WRITTEN:]
        self.answer(model)

    def answer(self, model: Any) -> None:
        """Let the model answer the latest text, unless it has. Nothing is no text."""
        text = self.view.typed.value
        if self.try_it is None or model is None or text == self.view.tried["text"] or not text.strip():
            return
        answer, error = _said("try_it", self.try_it, model, text)
        self.view.tried = {"text": text, "answer": answer, "error": error}


def _said(name, function, model, *more):
    """What a learner's function makes of a model, and what is wrong with it, in one sentence; one of the two is empty."""
    from course_lib.models.decoding import evaluating

    try:
        with evaluating(model):
            answer = function(model, *more)
    except Exception as problem:  # it may raise anything, and must not cost a half-trained model
        return "", TEXTS["raised"].format(name=name, error=in_short(problem))
    if not isinstance(answer, str):
        return "", TEXTS["no text"].format(name=name, got=describe(answer))
    return answer if len(answer) <= LONGEST_WRITTEN else answer[: LONGEST_WRITTEN - 1] + "…", ""
