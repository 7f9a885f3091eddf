"""What can be done after a verdict: a hint, the comparison, the solution, the next task, the way back to the lesson.

In an open notebook these are buttons under the verdict. Elsewhere the verdict says in its last line what to type, and where a
task is passed one line says what comes next.
"""

import re
from html import escape

from course_lib.classroom import places
from course_lib.classroom.files import FileTrouble
from course_lib.classroom.practice import page, show
from course_lib.classroom.practice.progress import Progress

TEXTS = {
    "hint": "Hint",
    "compare": "Compare",
    "solution": "Solution",
    "next": "Next: {title}",
    "back": "Back to {step}",
    "lesson": "the lesson",
    "all": "All {count} tasks of this lesson are yours: {points} points.",
    "built": "You built {names}.",
    "on": "Go on with lesson {number}: {title}",
    "last": "That was the last lesson. The whole Transformer is yours.",
}
OFFERED = {  # outcome -> what its buttons bring
    "unattempted": ("hint",),
    "borrowed": ("hint",),
    "failed": ("hint", "compare", "solution"),
    "error": ("hint", "compare", "solution"),
    "passed": ("compare",),
}
STEP = re.compile(r"Step \d+")


def offer(exercise, result):
    """Show what can be done after a verdict.

    Args:
        exercise: the `Exercise` that was judged.
        result: its `Result`.
    """
    way = WayOn(exercise) if result.passed else None
    if page.is_open():
        from course_lib.classroom.practice.buttons import Buttons

        view = Buttons(_buttons(exercise, result, way), lambda name, text: bring(view, exercise, name))
        view.show(way)
    elif way is not None and not show.in_notebook():
        print(way)


def bring(view, exercise, name):
    """Show under the buttons what one of them brings."""
    view.brought = "".join(panel.html() for panel in exercise.bring(name))


class WayOn(show.Panel):
    """After a passed task: the next one that is open, or what was built and the next lesson."""

    def __init__(self, exercise):
        from course_lib.classroom.practice.standing import outline, tasks_of

        self.lesson, self.exercises = exercise.lesson, _file("exercises", exercise.lesson)
        tasks = tasks_of(self.lesson, Progress().known("check")[0])
        here = [task.id for task in tasks].index(exercise.id)
        self.next = next((task for task in (*tasks[here + 1 :], *tasks[:here]) if task.state != "passed"), None)
        self.cell = outline(self.exercises).top_of(self.next.name.replace("_", "-")) if self.next else ""
        self.all = TEXTS["all"].format(count=len(tasks), points=sum(task.points for task in tasks))
        self.built = TEXTS["built"].format(names=", ".join(f"`{task.name}`" for task in tasks))
        self.further = next((name for name in places.lessons() if name[:2] > self.lesson), None)
        self.title = outline(_file("notebooks", self.further)).title if self.further else ""

    def __str__(self):
        if self.next:
            return TEXTS["next"].format(title=self.next.title)
        return f"{self.all} {self.built}\n{self._on()}"

    def html(self):
        """The same with its link."""
        return f'{self.praise()}<div style="margin:.3em 0">{self.link()}</div>'

    def praise(self):
        """What was built, once nothing is left."""
        if self.next:
            return ""
        style = show.PANEL.format(colour=show.COLOURS["passed"])
        return f'<div style="{style}"><b>{escape(self.all)}</b><div>{show.inline_code(self.built)}</div></div>'

    def link(self):
        """The link to what comes next."""
        if self.next:
            return link(self.exercises, self.cell, str(self))
        if self.further:
            return link(_file("notebooks", self.further), "", self._on(), "tab-after")
        return f"<span>{self._on()}</span>"

    def _on(self):
        return TEXTS["on"].format(number=self.further[:2], title=self.title) if self.further else TEXTS["last"]


def link(path, cell, text, mode="split-right"):
    """A link to a notebook, at a cell, that JupyterLab opens beside the running one; mode is its word for where."""
    return f'<a href="{escape(page.address_of(path, cell))}" data-beside="{mode}">{escape(text)}</a>'


def _buttons(exercise, result, way):
    brings = OFFERED[result.outcome] if result.judged else ()
    row = "".join(f'<button data-press="{name}">{TEXTS[name]}</button>' for name in brings)
    praise = ""
    if way is not None:
        row += way.link()
        praise = way.praise()
    row += _back(exercise)
    raises = "" if result.passed else " data-raises"
    return f'{praise}<div class="course-row" data-progress{raises}>{row}</div>'


def _back(exercise):
    """The link to the cell of the lesson that asks for this exercise."""
    from course_lib.classroom.practice.standing import outline

    lesson = _file("notebooks", exercise.lesson)
    told = outline(lesson)
    cell = told.asked.get(exercise.id, "")
    step = STEP.match(told.headings.get(cell, ""))
    text = TEXTS["back"].format(step=step[0] if step else TEXTS["lesson"])
    return link(lesson, cell, text, "split-left")


def _file(kind, lesson):
    """The learner's own copy, or the course's where there is none."""
    try:
        own = places.own_path(kind, lesson)
    except FileTrouble:  # there can be no workspace
        return places.lesson_path(kind, lesson)
    return own if own.is_file() else places.lesson_path(kind, lesson)
