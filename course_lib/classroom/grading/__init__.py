"""Judging a notebook's exercises, trusting nothing that the notebook does.

Its cells run in a kernel with limits (`session.py`), each answer is judged right after its cell, and the kernel is asked for
nothing but outputs, one at a time (`inside.py`, `remote.py`). Inputs are drawn anew, expected values, points and titles stay
here. The notebook's own check cells are not run: whatever became of them, every exercise is judged.
"""

import re
import secrets

from course_lib.classroom import kernels, notebooks
from course_lib.printable import printable

SECONDS = 300
MEMORY_MB = 2048

MOST_LETTERS = 2000  # of a message
FAULT = "grader-failed"  # the diagnosis where the grader, not the answer, is to blame

TEXTS = {
    "fault": "Not judged: the check itself failed with {error}. The answer is not to blame.",
    "time": "Not judged: the notebook did not finish within {seconds:g} seconds (--seconds).",
    "memory": "Not judged: the cell used more than {memory:,} MB of memory (--memory).",
    "died": "Not judged: the kernel died in this cell. Does it end the program, or use more memory than there is?",
    "call late": "Not judged: there was no time left for it (--seconds).",
    "call time": "Your function did not finish within {seconds:g} seconds. Is there a loop that never ends?",
    "call memory": "Your function used more than {memory:,} MB of memory (--memory).",
    "call died": "Your function ended the kernel. Does it end the program?",
    "cell": "The cell of your answer stopped with {error}",
}


def judge(exercises, notebook, folder, *, seconds=SECONDS, memory=MEMORY_MB, record=False):
    """Run a notebook in a kernel with limits, and judge each function as soon as its cell has run.

    Cells that only show an answer at work, such as widgets, are not run: no answer depends on them, and they take most of
    the time. A cell that ends the kernel costs itself: a new kernel runs the ones before it again.

    Args:
        exercises: the exercises of one lesson, in order.
        notebook: an nbformat notebook; it is not changed.
        folder: the folder it runs in.
        seconds, memory: limits; memory in MB.
        record: whether the verdicts go into the progress record.

    Returns:
        A list of dicts, one an exercise, in order: id, title, points, outcome, diagnosis, message, seconds, note.
    """
    # All that judges is loaded before the submission runs, which could change its files.
    from course_lib.classroom.grading import remote  # noqa: F401
    from course_lib.classroom.grading.session import Session
    from course_lib.classroom.practice.draws import drawn_anew

    found = {}
    unjudged = _row(outcome="error", message=TEXTS["time"].format(seconds=seconds))
    try:
        with drawn_anew(secrets.randbits(64)), kernels.kernel_environment(scratch_workspace=True) as environment:
            with Session(folder, environment, seconds=seconds, memory=memory) as session:
                for one, verdict in _verdicts(exercises, notebook, session, memory, record):
                    found[one.id] = verdict
    except Exception as error:  # what was judged before it counts
        unjudged = _fault(error)
    return [_told(one) | found.get(one.id, unjudged) for one in exercises]


def _verdicts(exercises, notebook, session, memory, record):
    """Run the cells, and yield (exercise, verdict) as soon as its cell has run; at the end those without a cell."""
    by_name = {one.function_name: one for one in exercises}
    answers = {name: answer.id for name, (answer, _) in notebooks.task_cells(notebook).items() if answer}
    names = {cell_id: name for name, cell_id in answers.items() if name in by_name}
    ended = None
    for cell in notebook.cells:
        if cell.cell_type != "code" or notebooks.is_check(cell) or notebooks.needs_answer(cell):
            continue
        ended = session.run(cell.source)
        if session.seconds_left <= 0:
            return
        if cell.id in names:
            one = by_name[names[cell.id]]
            yield one, _judged(one, session, cell, ended, memory, record)
    for one in exercises:
        if one.function_name not in answers:
            yield one, _judged(one, session, None, ended, memory, record)


def _judged(one, session, cell, ended, memory, record):
    """The verdict on one exercise, whose cell has just been run."""
    from course_lib.classroom.grading.remote import Remote
    from course_lib.classroom.practice.trial import SECONDS as CHECK_SECONDS

    if cell is not None and ended.how in ("memory", "died", "time"):
        return _row(outcome="error", message=TEXTS[ended.how].format(memory=memory, seconds=CHECK_SECONDS))
    function = Remote(session, one.function_name, "" if cell is None else cell.source)
    with session.limited(CHECK_SECONDS):
        try:
            result = one.check(function, record=record, seconds=CHECK_SECONDS + 5)
        except Exception as error:
            return _fault(error)
        if session.call_ended == "late":
            return _row(outcome="error", message=TEXTS["call late"], note=result.note)
        if session.call_ended:
            diagnosis = "never-ends" if session.call_ended == "time" else f"call-{session.call_ended}"
            message = TEXTS[f"call {session.call_ended}"].format(memory=memory, seconds=CHECK_SECONDS)
            return _row(outcome="failed", diagnosis=diagnosis, message=message, note=result.note)
    if result.outcome == "unattempted" and ended is not None and ended.how == "error" and cell is not None:
        if ended.error[0] != "NotImplementedError":
            return _row(
                outcome="error", message=TEXTS["cell"].format(error=_error_text(*ended.error)), note=result.note
            )
    return _row(outcome=result.outcome, diagnosis=result.diagnosis, message=result.message,
                seconds=round(result.seconds, 3), note=result.note)  # fmt: skip


def _told(one):
    """What the grader alone says of an exercise."""
    return {"id": one.id, "title": one.title, "points": one.points}


def _fault(error):
    """A verdict that blames nobody but the grader."""
    text = TEXTS["fault"].format(error=_error_text(type(error).__name__, str(error)))
    return _row(outcome="error", diagnosis=FAULT, message=text)


def _row(*, outcome, message, diagnosis=None, seconds=None, note=""):
    return {
        "outcome": outcome,
        "diagnosis": diagnosis,
        "message": printable(message[:MOST_LETTERS]),
        "seconds": seconds,
        "note": note,
    }


def _error_text(name, value):
    first = value.strip().partition("\n")[0]
    first = re.sub(r"\(\d+\.py, line", "(line", first)  # the name of a cell's file says nothing
    return f"{name}: {first}" if first else name
