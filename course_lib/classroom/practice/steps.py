"""Named steps: references are written in them, so that each way to get a step wrong stands once, for every exercise.

    @step
    def softmax(scores): ...

    softmax.slip("softmax-over-queries", "Your softmax runs over the queries. Which axis are the keys?",
                 lambda scores: softmax(scores.T).T)

A reference that calls `softmax(…)` can then be run with this slip at that place: `run(reference, inputs, {site: slip})`.
The book of steps that many exercises have is `practice/slips/`.
"""

import functools
import sys
import threading
from dataclasses import dataclass
from types import CodeType

from course_lib.classroom.practice.catalogue import mistake, say

_now = threading.local()


@dataclass(frozen=True)
class Site:
    """A place in a reference where a step is called."""

    step: "Step"
    code: CodeType
    instruction: int
    at: str

    def __repr__(self):
        return f"{self.step.name}{f' {self.at}' if self.at else ''} in {self.code.co_name}"


@dataclass(frozen=True)
class Slip:
    """A way to get a step wrong.

    Attributes:
        diagnosis: its short stable id, such as "softmax-over-queries".
        function: the step as it is then computed.
    """

    diagnosis: str
    function: object


class Step:
    """A small function of a reference, with the ways in which it is usually got wrong."""

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.name = function.__name__
        self.function = function
        self.slips = []

    def __call__(self, *args, at="", **kwargs):
        """Do the step. `at` says which one it is, where a reference has several: its slips' sentences name it."""
        slipped = getattr(_now, "slipped", None)
        if slipped is None:
            return self.function(*args, **kwargs)
        caller = sys._getframe(1)
        site = Site(self, caller.f_code, caller.f_lasti, at)
        _now.sites[site] = None
        return slipped.get(site, self.function)(*args, **kwargs)

    def slip(self, diagnosis, sentence=None, *functions):
        """Add a way to get this step wrong, or several that deserve the same sentence.

        Args:
            diagnosis: short stable id.
            sentence: what the learner is told; `{at}` becomes the place. None where another step or exercise says it.
            *functions: the step as it is then computed; none: the function decorated.
        """
        say(diagnosis, sentence)

        def add(*wrong):
            self.slips += [Slip(diagnosis, one) for one in wrong]
            return wrong[0]

        return add(*functions) if functions else add


def step(function):
    """Make a function a named step, with slips to be added."""
    return Step(function)


def run(function, inputs, slipped=None):
    """Call a function written in steps, some of them with a slip.

    Args:
        function: a reference or a registered mistake.
        inputs: its arguments.
        slipped: dict of `Site` to the function that stands in for the step there.

    Returns:
        (what it returns, the sites that it passed, in order).
    """
    outer = getattr(_now, "slipped", None), getattr(_now, "sites", None)
    _now.slipped, _now.sites = slipped or {}, {}
    try:
        return function(*inputs), list(_now.sites)
    finally:
        _now.slipped, _now.sites = outer


def everywhere(function, step, slip):
    """A function written in steps, with a slip at every place where it does this step."""

    def wrong(*inputs):
        _, sites = run(function, inputs)
        return run(function, inputs, {site: slip.function for site in sites if site.step is step})[0]

    return wrong


def everywhere_known(id, function, *steps):
    """Know each slip of these steps, made at every place where the reference does them, as a mistake of the exercise."""
    for one in steps:
        for slip in one.slips:
            mistake(id, slip.diagnosis, None, everywhere(function, one, slip))
