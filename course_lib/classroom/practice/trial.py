"""Runs a learner's function so that nothing it does can hurt the notebook: time, output, inputs and results are guarded."""

import contextlib
import ctypes
import inspect
import io
import threading
import time
import traceback
import warnings

import numpy as np

SECONDS = 10  # for all the calls of one check together
KEPT_OUTPUT = 2_000  # characters of what the function prints
KEPT_FRAMES = 3  # lines of a traceback that are the learner's own


class Mistake:
    """What is wrong with an answer. A check says `assert fact, Mistake(…)`.

    Args:
        diagnosis: short stable id, such as "softmax-over-queries".
        message: what was seen, and the question that leads on; Markdown-free text.
        expected: the right value, or None where there is nothing to show beside.
        got: the learner's value.
        what: what these values are, such as "weights": the caption of the picture.
    """

    def __init__(self, diagnosis, message, *, expected=None, got=None, what="value"):
        self.diagnosis = diagnosis
        self.message = message
        self.expected = expected
        self.got = got
        self.what = what

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


class LearnerError(Exception):
    """The learner's function raised; carries one line that names the error and the traceback lines that are theirs."""

    def __init__(self, summary, lines):
        super().__init__(summary)
        self.summary = summary
        self.lines = lines


class OutOfTime(BaseException):
    """Raised inside a function that ran past its limit. Not an `Exception`, so that `except Exception` lets it through."""


def call(function, *inputs):
    """Call the learner's function on copies of the inputs and bring what it returns into a safe, plain form.

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
    _accepts(function, inputs)
    copies = [np.array(value) if isinstance(value, np.ndarray) else value for value in inputs]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            returned = function(*copies)
        except NotImplementedError:
            raise Unattempted from None
        except OutOfTime:
            raise
        except BaseException as error:
            raise _learner_error(error) from None
    for position, (copy, value) in enumerate(zip(copies, inputs, strict=True)):
        if isinstance(value, np.ndarray):
            changed = copy.shape != value.shape or not np.array_equal(copy, value, equal_nan=value.dtype.kind == "f")
            name = _parameter_name(function, position)
            assert not changed, Mistake(
                "changes-its-input",
                f"Your function changed the array it was given as {name}. The caller still needs it: write "
                "x = x - …, which makes a new array, in place of x -= … or x[…] = ….",
            )
    try:
        return _plain(returned)
    except (AssertionError, OutOfTime):
        raise
    except BaseException:  # an object made to misbehave: its class may raise when asked what it is
        raise AssertionError(Mistake("wrong-type", "Your function returns an object that is not an array.")) from None


def is_stub(candidate):
    """Whether there is nothing yet to check: no value, or the `...` of an empty body."""
    return candidate is None or candidate is Ellipsis


def _accepts(function, inputs):
    assert callable(function), Mistake(
        "not-a-function", f"The check needs your function; it was given {_type_name(function)}."
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


def _type_name(value):
    # The type's own name only: a repr is the learner's code and may do anything.
    kind = type(value)
    name = type.__getattribute__(kind, "__name__")
    return "nothing (None)" if value is None else f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _plain(returned):
    if type(returned) is tuple:
        return Several(_plain_array(part) for part in returned)
    return _plain_array(returned)


def _plain_array(value):
    if value is None:
        raise AssertionError(
            Mistake("returns-nothing", "Your function returns nothing (None). Does it end with a return?")
        )
    if isinstance(value, (list, tuple)):
        raise AssertionError(
            Mistake(
                "returns-a-list", f"Your function returns {_type_name(value)}; a NumPy array was expected: np.array(…)."
            )
        )
    if type(value).__module__.partition(".")[0] == "torch":
        raise AssertionError(
            Mistake(
                "returns-a-tensor", "Your function returns a PyTorch tensor; here we work in NumPy: tensor.numpy()."
            )
        )
    if not isinstance(value, (np.ndarray, np.generic, bool, int, float)):
        raise AssertionError(
            Mistake("wrong-type", f"Your function returns {_type_name(value)}; a NumPy array was expected.")
        )
    # A plain array: a subclass may override anything, its repr and its arithmetic included.
    array = np.array(value, subok=False)
    if array.dtype.kind not in "biuf":
        raise AssertionError(
            Mistake("wrong-dtype", f"Your array holds {array.dtype.name} values; numbers or booleans were expected.")
        )
    return array


def _learner_error(error):
    kind = type(error)
    name = type.__getattribute__(kind, "__name__")
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return LearnerError(f"{name}: your function tried to end the program", [])
    try:
        text = str(error)
    except BaseException:
        text = "(its message can't be shown)"
    text = text if len(text) <= 500 else text[:500] + " …"
    lines = []
    for frame in traceback.extract_tb(error.__traceback__)[1:]:  # the first is our own call
        if _is_learners(frame.filename):
            lines.append(f"line {frame.lineno}, in {frame.name}: {frame.line or ''}".rstrip(": "))
    if len(lines) > KEPT_FRAMES:
        lines = [*lines[: KEPT_FRAMES - 1], f"… {len(lines) - KEPT_FRAMES} more …", lines[-1]]
    return LearnerError(f"{name}: {text}" if text else name, lines)


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
        limit, or "left behind" in its thread because it can't be stopped.
    """
    kept = KeptOutput()
    raised = []

    def target():
        try:
            work()
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
            ended = "in time"
        else:
            ended = "stopped" if _stop(thread) else "left behind"
    return raised[0] if raised else None, kept.text(), ended


def _stop(thread):
    """Ask the thread to end, again and again for two seconds: a bare `except:` may swallow the first ones."""
    until = time.monotonic() + 2
    while thread.is_alive() and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(OutOfTime))
        thread.join(0.05)
    return not thread.is_alive()
