"""Is an answer right, and if not, which mistake is it?

The answer is tried on every case of the exercise. Right on all: passed, if it meets the demands that no value shows.
Otherwise the known mistakes are run on the same inputs, first whole wrong functions, then the reference with one slip, then
with two; one is named only if it gives what the learner's function gave on all of them. Where none does, the verdict says
what is certain (`practice/facts.py`).
"""

import contextlib
import re
import time
import warnings
from dataclasses import dataclass

import numpy as np

from course_lib.classroom.practice import answers, facts
from course_lib.classroom.practice.catalogue import Case, Known, say, sentence_of
from course_lib.classroom.practice.steps import run
from course_lib.classroom.practice.trial import LearnerError, Mistake, Unattempted, ask, changes_its_input

SECONDS_FOR_PAIRS = 0.3
DIFFERENT = 6  # numbers that a wrong answer has to hold before two slips together are believed

TEXTS = {
    "two": "Two things at once. First: {first} Second: {second}",
    "right elsewhere": "It is right on {others}.",
}
TOGETHER = re.compile(TEXTS["two"].format(first="(.*?)", second="(.*)"), re.DOTALL)


@dataclass
class Trial:
    """What an answer gave on one input.

    Attributes:
        case: the input.
        answer: what the learner's function gave.
        expected: what is right.
        is_right: whether they agree.
    """

    case: Case
    answer: answers.Answer
    expected: object
    is_right: bool


def judge(known: Known, candidate):
    """Raise what is wrong with an answer; return None if nothing is.

    Raises:
        AssertionError: carrying a `Mistake`.
        Unattempted: the function is a stub.
        LearnerError: it raised, and no known mistake does.
    """
    trials = [_tried(known, candidate, case) for case in known.inputs()]
    wrong = sorted((one for one in trials if not one.is_right), key=_what_to_show_first)
    changed = next((one for one in trials if one.answer.changed), None)
    if changed is not None:
        about = {"about": changed.case.about, "inputs": _named(known, changed)}
        raise AssertionError(changes_its_input(changed.answer.changed, **about))
    if not wrong:
        if known.demands and hasattr(type(candidate), "meets"):  # one that lives in another process
            candidate.meets(known.id)
            return
        for demand in known.demands:
            demand(candidate)
        return
    found = None
    if any(one.answer.error is None for one in trials):  # that both always raise says nothing of why
        found = _known_mistake(known, [*wrong, *(one for one in trials if one.is_right)])
        found = found or facts.rearranged(known, trials)
    if found is not None:
        raise AssertionError(_verdict(known, wrong[0], *found))
    raised = next((one for one in wrong if one.answer.error is not None), None)
    if raised is not None:
        error = raised.answer.error
        others = facts.listed([one.case.about for one in trials if one.is_right])
        more = TEXTS["right elsewhere"].format(others=others) if others else ""
        raise LearnerError(
            error.summary, error.lines, why=error.why, about=raised.case.about, more=more, inputs=_named(known, raised)
        )
    for trial in wrong:
        for diagnosis, property_holds in known.properties:
            if _fails(property_holds, trial):
                raise AssertionError(_verdict(known, trial, diagnosis, sentence_of(diagnosis)))
    diagnosis, message = facts.what_is_certain(known, trials, wrong)
    raise AssertionError(_verdict(known, wrong[0], diagnosis, message))


def require(fact, diagnosis, sentence, *, expected=None, got=None, what="value", **about):
    """Assert a fact about the answer of an exercise that has no reference.

    Args:
        fact: whether it holds.
        diagnosis: short stable id of what is wrong if it does not.
        sentence: what the learner is told, with {names} for `about`.
        expected, got, what: values to show beside.
    """
    say(diagnosis, sentence)
    if not fact:
        message = sentence.format(**about) if about else sentence
        raise AssertionError(Mistake(diagnosis, message, expected=expected, got=got, what=what))


@contextlib.contextmanager
def quiet():
    """Warn nobody: what known mistakes warn of is not what the learner's function printed."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _tried(known, candidate, case):
    answer = ask(candidate, case.inputs)
    expected = answers.plain(known.reference(*map(answers.copied, case.inputs)))
    right = is_right(known, answer.value, expected, case)
    answer.value = _in_order(known, answer.value)
    return Trial(case, answer, _in_order(known, expected), right)


def is_right(known, value, expected, case):
    """Whether a value, in plain form, is right for an input."""
    return answers.right(_form(known, value), _form(known, expected), case.within)


def _what_to_show_first(trial):
    """Ordinary inputs before extreme ones, small before large."""
    return trial.case.edge, answers.size_of(trial.case.inputs)


def _form(known, value):
    """An answer in the form in which all right ones are the same; what can't be brought into it stays as it is."""
    if known.alike is None or isinstance(value, (answers.Odd, answers.Raised)):
        return value
    try:
        return known.alike(value)
    except Exception:  # made for answers of the right shape
        return value


def _in_order(known, value):
    """An answer in that form where it is one in another order, of the same shape; otherwise as it is, for it is shown."""
    form = _form(known, value)
    return form if answers.form(form) == answers.form(value) else value


def _known_mistake(known, trials):
    """(diagnosis, sentence) of the first known mistake that gives what the learner's function gave on all inputs, or None.

    Args:
        known: the exercise.
        trials: those that went wrong first, the smallest in front.
    """
    inputs = trials[0].case.inputs
    if all(
        answers.alike(_form(known, one.expected), _form(known, one.answer.value), one.case.within) for one in trials
    ):
        return None  # the right numbers, of another kind
    slips = slips_of(known.reference, trials[-1].case.inputs) | slips_of(known.reference, inputs)
    found = _single_mistakes(known, slips, trials)
    first = next(found, None)
    if all(
        one.answer.error is not None for one in trials if not one.is_right
    ):  # what raises does not say much: only one
        return None if first is None or any(diagnosis != first[0] for diagnosis, _ in found) else first
    if first is not None:
        return first
    if not _tells_much(trials):
        return None
    until = time.perf_counter() + SECONDS_FOR_PAIRS
    for first, second in _pairs(known, slips, inputs):
        if time.perf_counter() > until:
            return None
        function, slipped, told = first[0], first[1] | second[1], (first[2], second[2])
        if _agrees(known, function, slipped, trials):
            shown = trials[0]
            alone = outcome(first[0], shown.case.inputs, first[1])
            if is_right(known, alone, shown.expected, shown.case):  # what is to be seen on the input shown comes first
                told = told[::-1]
            said = list(dict.fromkeys(sentence_of(name, at) for name, at in told))  # the same twice is said once
            message = TEXTS["two"].format(first=said[0], second=said[1]) if len(said) > 1 else said[0]
            return "+".join(dict.fromkeys(name for name, _ in told)), message
    return None


def _single_mistakes(known, slips, trials):
    """(diagnosis, sentence) of each known mistake, and of each slip, that gives what the learner's function gave."""
    for diagnosis, function in known.mistakes:
        if _agrees(known, function, {}, trials):
            yield diagnosis, sentence_of(diagnosis)
    for (site, _, diagnosis), function in slips.items():
        if _agrees(known, known.reference, {site: function}, trials):
            yield diagnosis, sentence_of(diagnosis, site.at)


def _tells_much(trials):
    """Whether wrong answers hold more than a few different numbers: with fewer, two slips agree with anything by chance."""
    arrays = [array for one in trials if not one.is_right for array in answers.arrays_in(one.answer.value)]
    return (
        bool(arrays) and len(np.unique(np.concatenate([array.ravel().astype(float) for array in arrays]))) >= DIFFERENT
    )


def slips_of(function, inputs):
    """All single slips of a function written in steps: dict of (site, number, diagnosis) to the slipped step."""
    return {
        (site, number, slip.diagnosis): slip.function
        for site in _sites(function, inputs) or ()
        for number, slip in enumerate(site.step.slips)
    }


def _sites(function, inputs, slipped=None):
    """The sites that a function written in steps passes, some of them with a slip; None where it raises an error."""
    try:
        with quiet():
            return run(function, [answers.copied(value) for value in inputs], slipped)[1]
    except Exception:  # a slip or a registered mistake may raise
        return None


def _pairs(known, slips, inputs):
    """Two slips of the reference, then a whole mistake with one slip: (function, {site: slip}, (diagnosis, at)) each.

    A slip that makes no difference in this exercise is none of the two, nor is one of a step that the other leaves out.
    """
    ones = [
        (known.reference, {site: slip}, (diagnosis, site.at))
        for (site, _, diagnosis), slip in slips.items()
        if diagnosis not in known.same
    ]
    for number, first in enumerate(ones):
        passed = _sites(known.reference, inputs, first[1])
        for second in ones[number + 1 :]:
            (site,) = second[1]
            if site not in first[1] and (passed is None or site in passed):
                yield first, second
    for diagnosis, function in known.mistakes:
        for (site, _, other), slip in slips_of(function, inputs).items():
            if other not in known.same:
                yield (function, {}, (diagnosis, "")), (function, {site: slip}, (other, site.at))


def _agrees(known, function, slipped, trials):
    return all(
        answers.alike(
            _form(known, outcome(function, trial.case.inputs, slipped)),
            _form(known, trial.answer.value),
            trial.case.within,
        )
        for trial in trials
    )


def outcome(function, inputs, slipped=None):
    """What a function gives on an input, in plain form; an error is a `Raised`."""
    try:
        with quiet():
            returned, _ = run(function, [answers.copied(value) for value in inputs], slipped)
        return answers.plain(returned)
    except Unattempted:
        raise
    except Exception as error:
        return answers.Raised(type(error).__name__)


def _fails(property_holds, trial):
    """Whether a property says something true about what went wrong; it is asked only of values of the right shape."""
    got = answers.as_asked(trial.answer.value, trial.expected)
    if answers.form(got) != answers.form(trial.expected):
        return False
    with quiet():
        return not property_holds(got, *map(answers.copied, trial.case.inputs))


def _named(known, trial):
    return dict(zip(known.parameters(), trial.case.inputs, strict=False))


def apart(diagnosis, message):
    """What a recorded diagnosis is made of: two mistakes that were found together are two.

    Args:
        diagnosis, message: of the verdict.

    Returns:
        A list of (diagnosis, sentence).
    """
    names = diagnosis.split("+")
    said = TOGETHER.fullmatch(message)
    return list(zip(names, said.groups() if said and len(names) == 2 else [message] * len(names), strict=True))


def _verdict(known, trial, diagnosis, message):
    """The `Mistake` that shows the smallest input on which it went wrong."""
    expected, got, what = facts.shown(known, trial)
    return Mistake(
        diagnosis, message, expected=expected, got=got, what=what, about=trial.case.about, inputs=_named(known, trial)
    )
