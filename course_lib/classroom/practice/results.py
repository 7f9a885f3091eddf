"""The verdict on an answer."""

from dataclasses import dataclass, field

import numpy as np

from course_lib.classroom.practice import show
from course_lib.printable import printable


@dataclass
class Result:
    """The verdict on one answer.

    Attributes:
        exercise: its id, such as "03.softmax".
        title: what the exercise is called.
        outcome: "unattempted", "passed", "failed", "error" or "borrowed": the course's own function, without points.
        diagnosis: a short stable id of what is wrong, such as "softmax-over-queries"; None unless failed.
        message: one or two sentences for the learner.
        expected, got: the values that differ, as NumPy arrays, or None.
        what: what these values are, such as "weights".
        lines: for an error, the traceback lines that are the learner's own.
        printed: what the function printed, cut to a reasonable length.
        points: what the exercise is worth.
        seconds: how long the check took.
        about: what is special about the input on which it shows, such as "a row with every key masked".
        inputs: dict of the arguments' names to that input.
        why: for an error, a sentence on its cause.
        judged: whether the function was looked at; it is not where the page holds another one than Python.
    """

    exercise: str
    title: str
    outcome: str
    message: str
    diagnosis: str | None = None
    expected: np.ndarray | None = None
    got: np.ndarray | None = None
    what: str = "value"
    lines: list = field(default_factory=list)
    printed: str = ""
    points: int = 1
    seconds: float = 0.0
    note: str = ""
    about: str = ""
    inputs: dict = field(default_factory=dict)
    why: str = ""
    judged: bool = True

    def __post_init__(self):
        # Names, messages and output are the learner's: from here on they can be printed anywhere.
        self.message, self.printed = printable(self.message), printable(self.printed)
        self.lines = [printable(line) for line in self.lines]

    @property
    def passed(self):
        """Whether the answer is right."""
        return self.outcome == "passed"

    def __str__(self):
        return show.result_text(self)

    def __repr__(self):
        return f"<{self.exercise}: {self.outcome}{f' ({self.diagnosis})' if self.diagnosis else ''}>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": show.result_text(self), "text/html": show.result_html(self)}


class NotPassed(AssertionError):
    """Raised by the notebook's check cell unless the answer passed; shown as one line, the panel above says the rest."""

    def __init__(self, result):
        super().__init__(result.message)
        self.result = result

    def _render_traceback_(self):
        return [show.result_line(self.result)]
