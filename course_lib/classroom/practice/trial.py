"""Runs a learner's function so that nothing it does can hurt the notebook: time, output, inputs and results are guarded."""

import contextlib
import ctypes
import inspect
import io
import os
import threading
import time
import traceback
import warnings
from pathlib import Path
from types import FunctionType

import numpy as np

import course_lib
from course_lib.classroom.practice import answers, errors

SECONDS = 10  # for all the calls of one check together
KEPT_OUTPUT = 2_000  # characters of what the function prints
KEPT_FRAMES = 3  # lines of a traceback that are the learner's own


TEXTS = {
    "changed": "Your function changed the array it was given as {name}. The caller still needs it: make a new array, and leave "
    "the one that came as it is.",
    "list": "Your function returns a list inside of what it returns; a NumPy array was expected there.",
    "in-a-list": "Your function returns a list that holds {kind}; a NumPy array was expected.",
}


class Mistake:
    """What is wrong with an answer. A check says `assert fact, Mistake(…)`.

    Args:
        diagnosis: short stable id, such as "softmax-over-queries".
        message: what was seen, and the question that leads on; Markdown-free text.
        expected: the right value, or None where there is nothing to show beside.
        got: the learner's value.
        what: what these values are, such as "weights": the caption of the picture.
        about: what is special about the input, such as "a row with every key masked".
        inputs: dict of the arguments' names to the input on which it shows.
    """

    def __init__(self, diagnosis, message, *, expected=None, got=None, what="value", about="", inputs=None):
        self.diagnosis = diagnosis
        self.message = message
        self.expected = expected
        self.got = got
        self.what = what
        self.about = about
        self.inputs = inputs or {}

    def __str__(self):
        return f"{self.diagnosis}: {self.message}"


class Several(tuple):
    """What a function returned with a comma. Where one array was expected, asking for its shape names the mistake."""

    def __getattr__(self, name):
        if name.startswith("__"):  # protocols, such as NumPy's: a tuple has none of them
            raise AttributeError(name)
        what = "a tuple of one; is there a comma too many" if len(self) == 1 else f"{len(self)} values"
        end = "?" if len(self) == 1 else "; one array was expected."
        raise AssertionError(Mistake("returns-several", f"Your function returns {what}{end}"))

    def __array__(self, dtype=None, copy=None):
        return self.shape  # raises, before NumPy stumbles over arrays of different shapes


class Unattempted(Exception):
    """The function is still a stub."""


class Borrowed(Exception):
    """The function is the course's own."""


class LearnerError(Exception):
    """The learner's function raised; carries one line that names the error and the traceback lines that are theirs.

    Args:
        summary: the error's name and text.
        lines: the lines of the traceback that are the learner's own.
        why: a sentence on the cause, where it is a common one.
        about, inputs: as in `Mistake`.
        more: where the function is right.
    """

    def __init__(self, summary, lines, *, why="", about="", inputs=None, more=""):
        super().__init__(summary)
        self.summary = summary
        self.lines = lines
        self.why = why
        self.about = about
        self.inputs = inputs or {}
        self.more = more


class OutOfTime(BaseException):
    """Raised inside a function that ran past its limit. Not an `Exception`, so that `except Exception` lets it through."""


def ask(function, inputs):
    """Call the learner's function on copies of the inputs.

    Args:
        function: what the learner gave.
        inputs: arrays, numbers, functions, and lists of them.

    Returns:
        An `Answer`; an error is kept in it.

    Raises:
        AssertionError: carrying a `Mistake`: not a function, or one of other parameters.
        Unattempted: the function raises NotImplementedError.
    """
    if hasattr(type(function), "answer_to"):  # one that lives in another process
        return function.answer_to(inputs)
    _accepts(function, inputs)
    given = [answers.copied(value) for value in inputs]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            returned = function(*given)
        except NotImplementedError:
            raise Unattempted from None
        except OutOfTime:
            raise
        except BaseException as error:
            _time_is_left()
            return answers.Answer(answers.Raised(type.__getattribute__(type(error), "__name__")), _learner_error(error))
    _time_is_left()
    pairs = enumerate(zip(given, inputs, strict=True))
    changed = next((position for position, pair in pairs if not answers.unchanged(*pair)), None)
    try:
        value = answers.plain(returned)
    except OutOfTime:
        raise
    except BaseException:  # an object made to misbehave: its class may raise when asked what it is
        value = answers.Odd("wrong-type", "an object that is not an array")
    return answers.Answer(value, None, None if changed is None else _parameter_name(function, changed))


def call(function, *inputs):
    """Call the learner's function on copies of the inputs and ask for an array, or a tuple of them.

    Args:
        function: what the learner gave.
        *inputs: arrays and numbers.

    Returns:
        A NumPy array of numbers or booleans, or a tuple of them.

    Raises:
        AssertionError: carrying a `Mistake`: wrong parameters, a changed input, or a result that is not an array.
        Unattempted: the function raises NotImplementedError.
        LearnerError: it raises anything else.
    """
    answer = ask(function, inputs)
    if answer.error is not None:
        raise answer.error
    assert answer.changed is None, changes_its_input(answer.changed)
    return _arrays(answer.value)


def changes_its_input(name, **about):
    """The `Mistake` of a function that changed the argument of this name."""
    return Mistake("changes-its-input", TEXTS["changed"].format(name=name), **about)


def is_stub(candidate):
    """Whether there is nothing yet to check: no value, or the `...` of an empty body."""
    return candidate is None or candidate is Ellipsis


def is_borrowed(candidate):
    """Whether the function is the course's own, imported."""
    code = getattr(inspect.unwrap(candidate), "__code__", None) if type(candidate) is FunctionType else None
    home = str(Path(course_lib.__file__).parent)
    return code is not None and code.co_filename.startswith(home + os.sep)


def _accepts(function, inputs):
    assert callable(function), Mistake(
        "not-a-function", f"The check needs your function; it was given {answers.kind_of(function)}."
    )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # built-in functions need not have one
        return
    try:
        signature.bind(*inputs)
    except TypeError:
        raise AssertionError(
            Mistake(
                "wrong-parameters",
                f"Your function takes {signature}; the check calls it with {len(inputs)} "
                f"argument{'s' * (len(inputs) != 1)}. Keep the parameters of the exercise.",
            )
        ) from None


def _parameter_name(function, position):
    try:
        return list(inspect.signature(function).parameters)[position]
    except (TypeError, ValueError, IndexError):
        return f"argument {position + 1}"


def _arrays(value):
    """A plain value as an array or a tuple of arrays; anything else is a mistake of its own."""
    if isinstance(value, answers.Listed):
        odd = next((part for part in value if isinstance(part, answers.Odd)), None)
        if odd is not None:
            raise AssertionError(Mistake(odd.diagnosis, TEXTS["in-a-list"].format(kind=odd.kind)))
        if any(part.ndim for part in value if isinstance(part, np.ndarray)):
            return Several(_one_array(part) for part in value)
        return _one_array(answers.as_asked(value, None))
    if isinstance(value, tuple):
        return Several(_one_array(part) for part in value)
    return _one_array(value)


def _one_array(value):
    if isinstance(value, tuple):
        raise AssertionError(Mistake("returns-a-list", TEXTS["list"]))
    if isinstance(value, answers.Odd):
        raise AssertionError(Mistake(value.diagnosis, value.sentence()))
    return value


def _learner_error(error):
    kind = type(error)
    name = type.__getattribute__(kind, "__name__")
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return LearnerError(f"{name}: your function tried to end the program", [])
    try:
        text = errors.plain(str(error))
    except BaseException:
        text = "(its message can't be shown)"
    text = text if len(text) <= 500 else text[:500] + " …"
    lines = []
    for frame in traceback.extract_tb(error.__traceback__)[1:]:  # the first is our own call
        if _is_learners(frame.filename):
            lines.append(f"line {frame.lineno}, in {frame.name}: {frame.line or ''}".rstrip(": "))
    if len(lines) > KEPT_FRAMES:
        lines = [*lines[: KEPT_FRAMES - 1], f"… {len(lines) - KEPT_FRAMES} more …", lines[-1]]
    return LearnerError(f"{name}: {text}" if text else name, lines, why=errors.cause(name, text, lines))


def _is_learners(filename):
    places = ("site-packages", "dist-packages", "/course_lib/", "\\course_lib\\", "<__array_function__", "<frozen")
    library = inspect.getsourcefile(threading) or ""
    return not any(place in filename for place in places) and not filename.startswith(
        library.removesuffix("threading.py")
    )


class KeptOutput(io.TextIOBase):
    """Stands in for stdout and keeps the first characters, so that a function may print as much as it likes."""

    def __init__(self, limit=KEPT_OUTPUT):
        self.limit = limit
        self.kept = []
        self.total = 0

    def writable(self):
        return True

    def write(self, text):
        room = self.limit - self.total
        if room > 0:
            self.kept.append(text[:room])
        self.total += len(text)
        return len(text)

    def text(self):
        """What was printed, cut at the limit, with a word on what was left out."""
        more = self.total - self.limit
        kept = "".join(self.kept).replace("\r\n", "\n").replace("\r", "\n")  # of a progress bar each stage, on its line
        return kept + (f"\n… and {more:,} more characters" if more > 0 else "")


def run_guarded(work, seconds=SECONDS):
    """Run `work()` in a thread of its own, with a time limit and its output kept.

    Args:
        work: a function without arguments.
        seconds: the limit for all of it.

    Returns:
        (error, printed, ended): what it raised or None, what it printed, and how it ended: "in time", "stopped" at the
        limit, "left behind" in its thread because it can't be stopped, or "not done": the thread ended, but not its work.
    """
    kept = KeptOutput()
    raised, done = [], []

    def target():
        try:
            work()
            done.append(True)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=target, daemon=True)
    with contextlib.redirect_stdout(kept), contextlib.redirect_stderr(kept):
        thread.start()
        try:
            thread.join(seconds)
        except KeyboardInterrupt:
            _stop(thread)
            raise
        if not thread.is_alive():
            ended = "in time" if done or raised else "not done"
        else:
            ended = "stopped" if _stop(thread) else "left behind"
    return raised[0] if raised else None, kept.text(), ended


def _time_is_left():
    """Raise OutOfTime in a thread that was asked to end, in case the function swallowed it."""
    if getattr(threading.current_thread(), "is_over", False):
        raise OutOfTime


def _stop(thread):
    """Ask the thread to end, again and again for two seconds: a bare `except:` may swallow the first ones."""
    thread.is_over = True
    until = time.monotonic() + 2
    while thread.is_alive() and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(OutOfTime))
        thread.join(0.05)
    return not thread.is_alive()
