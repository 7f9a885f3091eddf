"""The submission's side of grading: its kernel imports this before the first cell, and is asked for one output at a time.

What is right, what is worth how much, and who gets it is known only to the grader, in another process. Whatever a submission
does to this module, it can send nothing but outputs.
"""

import builtins
import traceback

from IPython.core.getipython import get_ipython

from course_lib.classroom.grading import wire
from course_lib.classroom.practice import catalogue, trial
from course_lib.classroom.practice.exercises import exercises_of

_dumps, _loads, _ask = wire.dumps, wire.loads, trial.ask


def _known(exercise_id):
    exercises_of(exercise_id[:2])
    return catalogue.known(exercise_id)


def answer(name, inputs):
    """Call the submission's function.

    Args:
        name: what it is called in the notebook.
        inputs: a line of `wire`; functions in it are asked of the grader.

    Returns:
        A line of `wire`: a dict of what came of it, as `remote.Remote` reads it.
    """
    shell = get_ipython()
    found = None if shell is None else shell.user_ns.get(name)
    if trial.is_stub(found):
        return _dumps({"ended": "unattempted"})
    if trial.is_borrowed(found):
        return _dumps({"ended": "borrowed"})
    try:
        given = _loads(inputs, _functions_of_the_grader())
        if isinstance(given, str):  # the id of an exercise: what it demands beside right values
            for demand in _known(given).demands:
                demand(found)
            return _dumps({"ended": "answered", "value": None, "changed": None})
        given = _ask(found, given)
    except trial.Unattempted:
        return _dumps({"ended": "unattempted"})
    except AssertionError as error:
        mistake = error.args[0]
        return _dumps({"ended": "mistake", "diagnosis": mistake.diagnosis, "message": mistake.message})
    except KeyboardInterrupt:
        return _dumps({"ended": "time"})
    except Exception:
        return _dumps({"ended": "fault", "message": traceback.format_exc()[-500:]})
    told = {"ended": "answered", "value": given.value, "changed": given.changed}
    if given.error is not None:
        told |= {"error": given.error.summary, "lines": list(given.error.lines), "why": given.error.why}
    return _dumps(told)


def _functions_of_the_grader():
    kernel_input = builtins.input  # ipykernel puts one in place for each request

    def function(number):
        def ask(*inputs):
            return _loads(kernel_input(_dumps({"function": number, "inputs": inputs})))

        return ask

    return function
