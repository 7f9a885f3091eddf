"""What is known of each exercise: what is right, on which inputs it shows, and each mistake once, as code with its sentence.

    @reference("03.softmax", title="…", points=2, hints=[…], returns="weights")
    def softmax(scores):                                  # in named steps (practice/steps.py)
        return shares(exponentials(below_zero(scores)))

    @cases("03.softmax")
    def softmax_cases():
        yield Case("a square table", draw(1, 5, 5))
        yield Case("scores around 1000", …)

    mistake("03.softmax", "hard-maximum", "All the weight sits on the largest score. …",
            lambda scores: (scores == scores.max(axis=-1, keepdims=True)).astype(float))

    @holds("03.softmax", "rows-do-not-sum-to-1", "Some rows do not sum to 1. …")
    def rows_sum_to_one(got, scores): return …

An exercise whose answer is not one value but anything that does something ("break the colleague's code") has no reference:
`@judged("03.breaking_case", …)` decorates a function of `require(fact, diagnosis, sentence)`.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_sentences: dict[str, str] = {}  # diagnosis -> what the learner is told
_known: dict[str, "Known"] = {}  # exercise id -> what is known of it


@dataclass(frozen=True, eq=False)
class Case:
    """An input on which an answer is tried.

    Args:
        about: what is special about it, in words that finish "wrong on …", such as "a row with every key masked".
        *inputs: the arguments.
        edge: whether it is an extreme input; a verdict shows one only where the ordinary ones are right.
        within: relative and absolute error allowed in floats; None: what their precision explains.
    """

    about: str
    inputs: tuple
    edge: bool = False
    within: float | None = None

    def __init__(self, about: str, *inputs: Any, edge: bool = False, within: float | None = None):
        for name, value in (("about", about), ("inputs", inputs), ("edge", edge), ("within", within)):
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Known:
    """What is known of an exercise.

    Attributes:
        id: such as "03.softmax".
        reference: the right function, written in steps.
        returns: what its values are called, one name each.
        alike: brings an answer into a form that is the same for all right ones, such as sorted pairs; None: as it is.
        same: ids of slips that make no difference in this exercise.
        cases: function that yields the inputs.
        mistakes: (diagnosis, whole wrong function).
        properties: (diagnosis, function of an answer and its inputs: whether it holds).
        demands: functions of a candidate that raise a mistake which no value shows.
    """

    id: str
    reference: Callable
    returns: tuple[str, ...]
    alike: Callable | None = None
    same: frozenset[str] = frozenset()
    cases: list[Callable[[], Iterator[Case]]] = field(default_factory=list)
    mistakes: list[tuple[str, Callable]] = field(default_factory=list)
    properties: list[tuple[str, Callable]] = field(default_factory=list)
    demands: list[Callable] = field(default_factory=list)

    def inputs(self) -> list[Case]:
        """The cases, drawn anew."""
        return [case for cases in self.cases for case in cases()]

    def parameters(self) -> list[str]:
        """What the arguments are called."""
        return list(inspect.signature(self.reference).parameters)


def say(diagnosis: str, sentence: str | None) -> None:
    """Keep the sentence of a diagnosis; it means the same everywhere.

    Raises:
        ValueError: it has another sentence already, or none at all.
    """
    if sentence is None:
        if diagnosis not in _sentences:
            raise ValueError(f"the diagnosis {diagnosis!r} has no sentence yet")
    elif _sentences.setdefault(diagnosis, sentence) != sentence:
        raise ValueError(f"the diagnosis {diagnosis!r} has a meaning already: {_sentences[diagnosis]!r}")


def sentence_of(diagnosis: str, at: str = "") -> str:
    """What the learner is told; `at` says at which of several places."""
    return _sentences[diagnosis].replace("{at}", f" {at}" if at else "")


def know(id: str, reference: Callable, returns: str | tuple[str, ...], alike, same) -> Known:
    """Begin the entry of an exercise."""
    names = (returns,) if isinstance(returns, str) else tuple(returns)
    _known[id] = Known(id, reference, names, alike, frozenset(same))
    return _known[id]


def known(id: str) -> Known | None:
    """What is known of an exercise; None where it has no reference."""
    return _known.get(id)


def _entry(id: str) -> Known:
    if id not in _known:
        raise ValueError(f"no reference of {id!r} yet; there are {', '.join(_known) or 'none'}")
    return _known[id]


def cases(id: str):
    """Make a function the one that yields the `Case`s of an exercise."""

    def add(function):
        _entry(id).cases.append(function)
        return function

    return add


# Wrong answers of exercises without a reference: (exercise id, diagnosis, function), to be failed under this name.
judged_mistakes: list[tuple[str, str, Callable]] = []


def mistake(id: str, diagnosis: str, sentence: str | None = None, *functions: Callable):
    """Add a mistake to an exercise: a whole wrong function, or several that deserve the same sentence.

    Args:
        id: the exercise.
        diagnosis: short stable id.
        sentence: what the learner is told, without the line itself; None where it is said already.
        *functions: wrong answers; none: the function decorated.
    """
    if id in _known:
        say(diagnosis, sentence)

    def add(*wrong):
        if id in _known:
            _known[id].mistakes.extend((diagnosis, one) for one in wrong)
        else:
            judged_mistakes.extend((id, diagnosis, one) for one in wrong)
        return wrong[0]

    return add(*functions) if functions else add


def holds(id: str, diagnosis: str, sentence: str | None = None):
    """Make a function (answer, *inputs) -> bool a property of every right answer; where it fails, the sentence is true."""
    say(diagnosis, sentence)

    def add(function):
        _entry(id).properties.append((diagnosis, function))
        return function

    return add


def demands(id: str):
    """Make a function of a candidate the one that asks, of answers with right values, for what no value shows: `require`."""

    def add(function):
        _entry(id).demands.append(function)
        return function

    return add
