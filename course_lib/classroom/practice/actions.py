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
    "all": "All {count} tasks of this lesson are yours: {points} point{s}.",
    "only": "The one task of this lesson is yours: {points} point{s}.",
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
MAIN = "course-main"  # the class of the link that is best taken


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
    """After a passed task: the next one that is open, or what was built and the next lesson; the lesson first where it goes on before."""

    def __init__(self, exercise):
        from course_lib.classroom.practice.standing import outline, tasks_of

        self.lesson, self.exercises = exercise.lesson, _file("exercises", exercise.lesson)
        tasks = tasks_of(self.lesson, Progress().known("check")[0])
        here = [task.id for task in tasks].index(exercise.id)
        self.next = next((task for task in (*tasks[here + 1 :], *tasks[:here]) if task.state != "passed"), None)
        self.cell = outline(self.exercises).top_of(self.next.name.replace("_", "-")) if self.next else ""
        points = sum(task.points for task in tasks)
        self.all = TEXTS["all" if len(tasks) > 1 else "only"].format(
            count=len(tasks), points=points, s="s" * (points != 1)
        )
        self.built = TEXTS["built"].format(names=", ".join(f"`{task.name}`" for task in tasks))
        self.further = next((name for name in places.lessons() if name[:2] > self.lesson), None)
        self.title = outline(_file("notebooks", self.further)).title if self.further else ""
        told = outline(_file("notebooks", self.lesson))
        self.lesson_first = _asks_later(told, exercise, self.next) if self.next else _ends_later(told)
        self.back = _Back(exercise, told, whole=not self.next)

    def __str__(self):
        back = [self.back.text] if self.lesson_first else []
        if self.next:
            return "".join(back) or self._on()
        return "\n".join([f"{self.all} {self.built}", *back, self._on()])

    def html(self):
        """The same with its links."""
        return f'{self.praise()}<div style="margin:.3em 0">{" ".join(self.links())}</div>'

    def praise(self):
        """What was built, once nothing is left."""
        if self.next:
            return ""
        style = show.PANEL.format(colour=show.COLOURS["passed"])
        return f'<div style="{style}"><b>{escape(self.all)}</b><div>{show.inline_code(self.built)}</div></div>'

    def links(self):
        """The links to what comes next and back to the lesson, in the order in which they are best taken."""
        if not self.lesson_first:
            return [self._link_on(MAIN), self.back.link()]
        return [self.back.link(MAIN), *([] if self.next else [self._link_on()])]

    def _link_on(self, look=""):
        if self.next:
            return link(self.exercises, self.cell, self._on(), look=look)
        if self.further:
            return link(_file("notebooks", self.further), "", self._on(), "tab-after", look)
        return f"<span>{self._on()}</span>"

    def _on(self):
        if self.next:
            return TEXTS["next"].format(title=self.next.title)
        return TEXTS["on"].format(number=self.further[:2], title=self.title) if self.further else TEXTS["last"]


class _Back:
    """The way to the cell of the lesson that asks for an exercise; told is the lesson's `Outline`."""

    def __init__(self, exercise, told, whole=False):
        self.lesson, self.cell = exercise.lesson, told.asked.get(exercise.id, "")
        step = None if whole else STEP.match(told.headings.get(self.cell, ""))
        self.text = TEXTS["back"].format(step=step[0] if step else TEXTS["lesson"])

    def link(self, look=""):
        return link(_file("notebooks", self.lesson), self.cell, self.text, "split-left", look)


def _asks_later(told, exercise, task):
    """Whether a lesson asks for a task only in a later step than the one that asks for an exercise."""
    here, there = told.asked.get(exercise.id), told.asked.get(task.id)
    cells = list(told.headings)
    if here is None or there is None or told.headings[here] == told.headings[there]:
        return False
    return cells.index(there) > cells.index(here)


def _ends_later(told):
    """Whether a lesson has cells after the last that asks for an exercise."""
    return bool(told.asked) and list(told.headings)[-1] not in told.asked.values()


def link(path, cell, text, mode="split-right", look=""):
    """A link to a notebook, at a cell, that JupyterLab opens beside the running one.

    Args:
        path, cell: of the notebook; id of the cell, or "".
        text: of the link.
        mode: JupyterLab's word for where it opens.
        look: a class for the style sheet, or "".
    """
    styled = f' class="{look}"' if look else ""
    return f'<a href="{escape(page.address_of(path, cell))}" data-beside="{mode}"{styled}>{escape(text)}</a>'


def _buttons(exercise, result, way):
    from course_lib.classroom.practice.standing import outline

    brings = OFFERED[result.outcome] if result.judged else ()
    helps = "".join(f'<button data-press="{name}">{TEXTS[name]}</button>' for name in brings)
    if way is None:
        row = helps + _Back(exercise, outline(_file("notebooks", exercise.lesson))).link()
    else:
        row = "".join(way.links()) + helps
    praise = way.praise() if way is not None else ""
    raises = "" if result.passed else " data-raises"
    return f'{praise}<div class="course-row" data-progress{raises}>{row}</div>'


def _file(kind, lesson):
    """The learner's own copy, or the course's where there is none."""
    try:
        own = places.own_path(kind, lesson)
    except FileTrouble:  # there can be no workspace
        return places.lesson_path(kind, lesson)
    return own if own.is_file() else places.lesson_path(kind, lesson)
