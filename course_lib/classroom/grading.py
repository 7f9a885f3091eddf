"""Judging a notebook's exercises: the answers run in a kernel with limits, and the verdicts come back.

The notebook's own check cells are not run: whatever became of them, every exercise is judged.
"""

import re

from course_lib.classroom import kernels, notebooks, places

REPORT_CELL = "course-report"
SECONDS = 300
MEMORY_MB = 2048

TEXTS = {
    "time": "Not judged: the notebook did not finish within {seconds:g} seconds (--seconds).",
    "memory": "Not judged: the notebook used more than {memory:,} MB of memory (--memory).",
    "died": "Not judged: the kernel died. Does a cell end the program, or use more memory than there is?",
    "fault": "Not judged: the check itself failed with {error}.",
    "cell": "The cell of your answer stopped with {error}",
}


def judge(exercises, notebook, folder, *, seconds=SECONDS, memory=MEMORY_MB, record=False):
    """Run a notebook in a kernel with limits, and judge the functions that it leaves there.

    The notebook's own check cells are not run: whatever became of them, every exercise is judged. Nor are the cells that
    only show an answer at work, such as widgets: no answer depends on them, and they take most of the time.

    Args:
        exercises: the exercises of one lesson, in order.
        notebook: an nbformat notebook; it is not changed.
        folder: the folder it runs in.
        seconds, memory: limits; memory in MB.
        record: whether the verdicts go into the progress record.

    Returns:
        A list of dicts, one an exercise, in order: id, title, points, outcome, diagnosis, message, seconds.
    """
    from nbformat.v4 import new_code_cell, new_notebook

    from course_lib.classroom.practice.learner import RESULTS_MIME

    judged, errors = {}, {}

    def listen(kind, content, cell):
        if kind == "error":
            errors[cell.id] = (content["ename"], content["evalue"])
        elif kind == "display_data" and cell.id in reports:
            judged.update((row["id"], row) for row in content["data"].get(RESULTS_MIME, ()))

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells = [cell for cell in code if not notebooks.is_check(cell) and not notebooks.needs_answer(cell)]
    first = "import course_lib.classroom.practice as _practice"
    if record:  # the notebook itself runs on an empty workspace: verdicts are recorded, not every hint it asks for
        first = f"import os as _os; _os.environ['COURSE_WORKSPACE'] = {str(places.workspace())!r}\n{first}"
    # A cell each: what a cell sent has arrived before the next one runs, which may kill the kernel.
    reports = {
        f"{REPORT_CELL}-{number}": f"{first}\n_practice.report({one.lesson!r}, globals(), only={one.id!r}, record={record})"
        for number, one in enumerate(exercises)
    }
    with kernels.kernel_environment(scratch_workspace=True) as environment:
        stopped = kernels.run_limited(
            new_notebook(cells=[*cells, *(new_code_cell(source, id=name) for name, source in reports.items())]),
            folder, seconds=seconds, memory=memory, environment=environment, listen=listen,
        )  # fmt: skip
    if stopped:
        reason = TEXTS[stopped].format(seconds=seconds, memory=memory)
    else:
        faults = [errors[name] for name in reports if name in errors]
        reason = TEXTS["fault"].format(error=_error_text(*(faults or [("no error", "")])[0]))
    answers = {name: answer.id for name, (answer, _) in notebooks.task_cells(notebook).items() if answer}
    return [_row(one, judged.get(one.id), errors.get(answers.get(one.function_name)), reason) for one in exercises]


def _row(exercise, judged, error, reason):
    """The verdict on one exercise: as judged, unless its cell failed before there was anything to judge."""
    told = {"id": exercise.id, "title": exercise.title, "points": exercise.points}
    if judged is None:
        return told | {"outcome": "error", "diagnosis": None, "message": reason, "seconds": None}
    if judged["outcome"] == "unattempted" and error and error[0] != "NotImplementedError":
        return told | judged | {"outcome": "error", "message": TEXTS["cell"].format(error=_error_text(*error))}
    return told | judged


def _error_text(name, value):
    first = value.strip().partition("\n")[0]
    first = re.sub(r"\(\d+\.py, line", "(line", first)  # the name of a cell's file says nothing
    return f"{name}: {first}" if first else name
