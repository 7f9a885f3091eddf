"""What an exercise is, and where it is found.

The modules `lesson_NN.py` beside this file hold them, in the order in which the lesson asks them: with a `@reference` where one
value is right, and as a `@judged` function of requirements where any answer is that does something.
"""

import functools
import importlib
import inspect
import pkgutil
import time

import numpy as np

from course_lib.classroom import build
from course_lib.classroom.practice import actions, page, show
from course_lib.classroom.practice.catalogue import know
from course_lib.classroom.practice.judging import judge
from course_lib.classroom.practice.progress import Progress, ProgressError
from course_lib.classroom.practice.results import NotPassed, Result
from course_lib.classroom.practice.trial import (
    SECONDS,
    Borrowed,
    LearnerError,
    Mistake,
    OutOfTime,
    Unattempted,
    is_borrowed,
    is_stub,
    run_guarded,
)

KEPT_SOURCE = 20_000  # characters of an attempt kept in the progress record

MESSAGES = {
    "unattempted": "Not attempted yet: replace `raise NotImplementedError()` by your answer, run the cell, then this one.",
    "passed": "Passed.",
    "stopped": "Your function did not finish within {seconds:g} seconds. Is there a loop that never ends?",
    "left behind": "Your function did not finish within {seconds:g} seconds and can't be stopped from here: "
    "restart the kernel before you go on.",
    "not done": "Your function ended the check before it was done. Nothing was judged.",
    "borrowed": "This is the course's own {name}, so there is nothing to judge. Write it yourself, with NumPy.",
    "raised": "Your function raised an error before it could be judged.",
    "ask": "You have not passed {id} yet, and {what}. To see it all the same, ask once more; your progress will say that "
    "you looked.",
    "ask blindly": "It is not known whether you have passed {id}, and {what}. To see it all the same, ask once more.",
    "solution": "this is the whole solution",
    "comparison": "this shows the whole solution beside yours",
    "not recorded": "Not recorded: {problem}",
    "no-attempt": "Nothing to compare yet, {id} is not attempted. Write it and run its check first.",
    "no-source": "The source of your last attempt at {id} is not to be had. Define it in a notebook cell and check it again.",
}

_registry = {}  # id -> Exercise, in the order of definition


class Exercise:
    """One exercise: its check, its hints, its solution.

    In a notebook, `check = lesson_checks("03")` and then `check.softmax(softmax)` shows the verdict and raises unless passed.
    Everywhere else, `exercise("03.softmax").check(softmax)` returns it.
    """

    def __init__(self, id, title, points, hints, assertions):
        self.id = id
        self.title = title
        self.points = points
        self.hints = tuple(hints)
        self.lesson, _, self.function_name = id.partition(".")
        self._assertions = assertions

    def __repr__(self):
        return f"<Exercise {self.id}: {self.title}>"

    def check(self, candidate, *, record=True, seconds=SECONDS):
        """Judge an answer. Never raises for a wrong one.

        Args:
            candidate: the learner's function.
            record: whether to add the verdict to the progress record.
            seconds: time limit for all calls together.

        Returns:
            A `Result`.
        """
        began = time.perf_counter()
        result = self._judge(candidate, seconds)
        result.seconds = time.perf_counter() - began
        if record:
            source = _source(candidate) if result.outcome != "unattempted" else None
            result.note = self._record(
                "check",
                outcome=result.outcome,
                diagnosis=result.diagnosis,
                message=result.message,
                seconds=round(result.seconds, 3),
                source=source,
            )
        return result

    def __call__(self, candidate):
        """Show the verdict in the notebook.

        Raises:
            NotPassed: unless the answer passed.
        """
        problem = page.not_on_the_page(self.function_name)
        result = self._result("error", problem, judged=False) if problem else self.check(candidate)
        show.display(result)
        actions.offer(self, result)
        if not result.passed:
            raise NotPassed(result)

    def hint(self):
        """Show the next hint, after the ones seen before."""
        self._show(self.bring("hint"))

    def solution(self):
        """Show the solution. Until the exercise is passed it asks first: call it a second time."""
        self._show(self.bring("solution"))

    def compare(self):
        """Show the last attempt beside the solution, which until the exercise is passed it asks about first, too."""
        self._show(self.bring("compare"))

    def bring(self, what):
        """What a learner asks for, recorded, and ready to be shown.

        Args:
            what: "hint", "solution" or "compare".

        Returns:
            A list of `show.Panel`: in place of what can't be had, a sentence says why.
        """
        try:
            return {"hint": self._hint, "solution": self._solution, "compare": self._compare}[what]()
        except (ValueError, FileNotFoundError, ProgressError) as problem:
            return [show.Note(str(problem))]

    def _hint(self):
        events, _ = Progress().known("hint", self.id)
        seen = min(len(events) + 1, len(self.hints))
        return [show.Hints(self, seen), *self._recorded("hint", number=seen)]

    def _solution(self):
        if question := self._asks_first("solution"):
            return question
        title, source = f"Solution of {self.id}", build.solution_code(self.lesson, self.function_name)
        return [show.Code(title, source), *self._recorded("solution", shown=True)]

    def _compare(self):
        theirs, solution = self.comparison()
        if question := self._asks_first("comparison"):
            return question
        return [show.Comparison(self.id, theirs, solution), *self._recorded("compare")]

    def _asks_first(self, what):
        """Whether they really want to see the solution: panels that ask, unless they passed, saw it, or were asked for this before."""
        events, problem = Progress().known(subject=self.id)
        seen = any(event["kind"] == "compare" or (event["kind"] == "solution" and event["shown"]) for event in events)
        asked = any(event["kind"] == "solution" and event.get("asked", what) == what for event in events)
        if seen or asked or _passed(events):
            return []
        text = MESSAGES["ask blindly" if problem else "ask"].format(id=self.id, what=MESSAGES[what])
        return [show.Note(text), *self._recorded("solution", shown=False, asked=what)]

    def comparison(self):
        """The source of the last attempt and of the solution, as two strings.

        Raises:
            ValueError: not attempted yet, or the attempt's source is not known.
            ProgressError: the progress record, which may hold it, can't be read.
        """
        events, problem = Progress().known("check", self.id)
        attempts = [event for event in events if event["outcome"] != "unattempted"]
        if problem and not attempts:
            raise ProgressError(problem)
        if not attempts:
            raise ValueError(MESSAGES["no-attempt"].format(id=self.id))
        theirs = attempts[-1].get("source")
        if not isinstance(theirs, str):
            raise ValueError(MESSAGES["no-source"].format(id=self.id))
        return theirs, build.solution_code(self.lesson, self.function_name)

    @property
    def passed(self):
        """Whether the progress record holds a passed check."""
        return _passed(Progress().known("check", self.id)[0])

    def _judge(self, candidate, seconds):
        if is_stub(candidate):
            return self._result("unattempted", MESSAGES["unattempted"])
        if is_borrowed(candidate):
            return self._result("borrowed", MESSAGES["borrowed"].format(name=self.function_name))

        @np.errstate(all="ignore")  # an answer that holds infinity gets a diagnosis, not NumPy's warnings
        def judge():
            self._assertions(candidate)

        error, printed, ended = run_guarded(judge, seconds)
        if ended != "in time":
            diagnosis = "not-done" if ended == "not done" else "never-ends"
            return self._result("failed", MESSAGES[ended].format(seconds=seconds), diagnosis=diagnosis, printed=printed)
        if error is None:
            return self._result("passed", MESSAGES["passed"], printed=printed)
        if isinstance(error, Unattempted):
            return self._result("unattempted", MESSAGES["unattempted"], printed=printed)
        if isinstance(error, Borrowed):
            return self._result("borrowed", MESSAGES["borrowed"].format(name=self.function_name))
        if isinstance(error, OutOfTime):
            return self._result("failed", MESSAGES["stopped"].format(seconds=seconds), diagnosis="never-ends")
        if isinstance(error, LearnerError):
            more = f" {error.more}" if error.more else ""
            about = {"why": error.why, "about": error.about, "inputs": error.inputs}
            message = f"{MESSAGES['raised']} {error.summary}{more}"
            return self._result("error", message, lines=error.lines, printed=printed, **about)
        if isinstance(error, AssertionError) and error.args and isinstance(error.args[0], Mistake):
            wrong = error.args[0]
            return self._result(
                "failed", wrong.message, diagnosis=wrong.diagnosis, expected=wrong.expected, got=wrong.got, what=wrong.what,
                about=wrong.about, inputs=wrong.inputs, printed=printed,
            )  # fmt: skip
        raise error  # a fault in the check itself: never the learner's verdict

    def _result(self, outcome, message, **more):
        return Result(self.id, self.title, outcome, message, points=self.points, **more)

    def _record(self, kind, **details):
        """Add to the progress record; a record that can't be written is said, and costs the learner nothing else."""
        try:
            Progress().record(kind, self.id, **details)
        except ProgressError as error:
            return MESSAGES["not recorded"].format(problem=error)
        return ""

    def _recorded(self, kind, **details):
        note = self._record(kind, **details)
        return [show.Note(note)] if note else []

    def _show(self, panels):
        for panel in panels:
            show.display(panel)


def judged(id, *, title, points=1, hints):
    """Make a function of requirements the check of an exercise whose answer is right if it does something.

    Args:
        id: "NN.function_name", NN being the lesson and function_name what the learner writes.
        title: a few words.
        points: what it is worth.
        hints: strings, from the gentlest to the plainest.
    """
    lesson, _, name = id.partition(".")
    if not (len(lesson) == 2 and lesson.isdigit() and name.isidentifier()):
        raise ValueError(f'id: expected "NN.function_name", got {id!r}')

    def define(assertions):
        _registry[id] = Exercise(id, title, points, hints, assertions)
        return assertions

    return define


def reference(id, *, title, points=1, hints, returns, alike=None, same=()):
    """Make a function, written in named steps, the reference of an exercise.

    Args:
        id: "NN.function_name", NN being the lesson and function_name what the learner writes.
        title: a few words.
        points: what it is worth.
        hints: strings, from the gentlest to the plainest.
        returns: what the answer is called, such as "weights"; a tuple of names where several arrays are asked for.
        alike: brings an answer into a form that is the same for all right ones, such as sorted pairs.
        same: ids of slips of the steps that make no difference here.
    """

    def define(function):
        entry = know(id, function, returns, alike, same)
        judged(id, title=title, points=points, hints=hints)(functools.partial(judge, entry))
        return function

    return define


def exercise(id):
    """The exercise with this id.

    Args:
        id: such as "03.softmax".

    Raises:
        ValueError: there is none; the message names those there are.
    """
    lesson, _, name = str(id).partition(".")
    known = {one.function_name: one for one in exercises_of(lesson)}
    if name not in known:
        raise ValueError(f"no exercise {id!r}; lesson {lesson} has {', '.join(known)}")
    return known[name]


def exercises_of(lesson):
    """The exercises of a lesson, in the order in which it asks them.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".

    Raises:
        ValueError: a lesson without exercises; the message names those that have some.
    """
    number = str(lesson).partition("_")[0]
    number = number and number.zfill(2)
    if number not in lessons_with_exercises():
        raise ValueError(f"lesson {lesson!r} has no exercises; there are some in {', '.join(lessons_with_exercises())}")
    importlib.import_module(f"course_lib.classroom.practice.lesson_{number}")
    return [one for one in _registry.values() if one.lesson == number]


def lessons_with_exercises():
    """The numbers of the lessons that have exercises, such as ["03"]."""
    package = importlib.import_module("course_lib.classroom.practice")
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return sorted(name.removeprefix("lesson_") for name in names if name.startswith("lesson_"))


class LessonChecks:
    """The checks of a lesson by the name of the function: `check = lesson_checks("03")`, then `check.softmax(softmax)`."""

    def __init__(self, lesson):
        self._exercises = {one.function_name: one for one in exercises_of(lesson)}

    def __getattr__(self, name):
        try:
            return self.__dict__["_exercises"][name]
        except KeyError:
            raise AttributeError(f"no check named {name!r}; there are {', '.join(self)}") from None

    def __iter__(self):
        return iter(self._exercises)

    def __repr__(self):
        return "\n".join(f"check.{name}({name})" for name in self)

    def __dir__(self):
        return list(self._exercises)


def lesson_checks(lesson):
    """The checks of a lesson, for its exercise notebook.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".
    """
    page.watch()
    return LessonChecks(lesson)


def _passed(events):
    return any(event["kind"] == "check" and event["outcome"] == "passed" for event in events)


def _source(candidate):
    if isinstance(getattr(candidate, "source", None), str):  # it lives in another process
        return candidate.source[:KEPT_SOURCE]
    try:
        return inspect.getsource(candidate)[:KEPT_SOURCE]
    except Exception:  # not written in a cell or a file, or made to misbehave
        return None
