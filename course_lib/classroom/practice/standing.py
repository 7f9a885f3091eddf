"""Where the learner stands: everything that is shown of it, computed from the events, and nothing kept beside them.

    standing = stand(Progress().events())
    standing.continue_at.heading        "Step 4 · Mix"
    standing.next_task.id               "03.softmax"
    standing.lessons[3].passed          2

The home page, `dashboard()` and `course status` show this, each in its own way.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from course_lib.classroom import places
from course_lib.classroom.practice.exercises import exercises_of, lessons_with_exercises
from course_lib.classroom.practice.guess import tally
from course_lib.classroom.practice.judging import apart
from course_lib.classroom.practice.outlines import outline

PATHS = {  # the ways through the course -> numbers of the lessons they lead through; None: all of them
    "all": None,
    "core": None,
    "short": ("00", "03", "04", "05", "06"),
}
MINUTES = (5, 240)  # the fewest and the most that one can plan for a day
DEFAULTS = {"path": "all", "minutes": 20}

QUIZ = "Retrieval quiz"  # the heading over it


@dataclass(frozen=True)
class Task:
    """One exercise, and how far the learner is: "new", "tried" or "passed"."""

    id: str
    title: str
    points: int
    state: str

    @property
    def name(self):
        """What the function is called."""
        return self.id.partition(".")[2]


@dataclass(frozen=True)
class LessonStanding:
    """One lesson, and how far the learner is.

    Attributes:
        name, number, title: "03_self_attention_by_hand", "03", "Self-attention by hand".
        minutes: how long it takes, its exercises included; 0 if it does not say.
        on_path: whether the way that the learner chose leads through it.
        tasks: its exercises, in the order in which it asks them.
        hints, solutions: how often they were looked at.
        quiz_asked, quiz_answered, quiz_right: questions that its quizzes asked so far, and by the latest answer to each.
        last: when the learner last did something in it, or None.
    """

    name: str
    number: str
    title: str
    minutes: int
    on_path: bool
    tasks: tuple
    hints: int
    solutions: int
    quiz_asked: int
    quiz_answered: int
    quiz_right: int
    last: datetime | None

    @property
    def passed(self):
        """How many of its exercises are passed."""
        return sum(task.state == "passed" for task in self.tasks)

    @property
    def attempted(self):
        """How many of its exercises were tried."""
        return sum(task.state != "new" for task in self.tasks)

    @property
    def points(self):
        """The points of the exercises that are passed."""
        return sum(task.points for task in self.tasks if task.state == "passed")

    @property
    def points_total(self):
        """The points that there are."""
        return sum(task.points for task in self.tasks)

    @property
    def minutes_left(self):
        """The minutes of its exercises that are not passed, as a share of all."""
        return self.minutes * (1 - self.passed / max(len(self.tasks), 1))

    @property
    def state(self):
        """ "new", "begun" or "done": all exercises passed or, where there are none, the quiz answered."""
        if self.last is None:
            return "new"
        done = self.passed == len(self.tasks) if self.tasks else self.quiz_answered > 0
        return "done" if done else "begun"


@dataclass(frozen=True)
class Place:
    """Where to go on: a lesson or its exercises ("notebooks" or "exercises"), the cell, and the heading it stands under."""

    kind: str
    lesson: LessonStanding
    cell: str = ""
    heading: str = ""


@dataclass(frozen=True)
class MetMistake:
    """A mistake that a check named, and whether the exercise is passed by now."""

    task: Task
    diagnosis: str
    message: str
    overcome: bool


@dataclass(frozen=True)
class Standing:
    """Where the learner stands.

    Attributes:
        is_new: whether they have done nothing yet.
        path, minutes: the way they chose, a key of `PATHS`, and the minutes a day they plan for.
        lessons: a `LessonStanding` for each lesson of the course.
        continue_at: the `Place` on their way where they were last, or else the next that is not done; None at the end.
        quiz_left: the `Place` of the quiz that they left out last, or None.
        next_task: the `Task` to do next, or None.
        functions: the `Task`s they passed, in the course's order.
        mistakes: `MetMistake`s, the latest first.
        guesses, guesses_right: how many they guessed, and how many were right.
        goals: how many goals of widgets they reached.
        days: on how many days they did something.
        built_last: the `Task`s they first passed on the last of these days before today.
    """

    is_new: bool
    path: str
    minutes: int
    lessons: tuple
    continue_at: Place | None
    quiz_left: Place | None
    next_task: Task | None
    functions: tuple
    mistakes: tuple
    guesses: int
    guesses_right: int
    goals: int
    days: int
    built_last: tuple

    def lesson(self, number):
        """The `LessonStanding` of a lesson, by its number, or None."""
        return next((one for one in self.lessons if one.number == number), None)

    @property
    def days_to_end(self):
        """How many days the rest of the lesson at hand takes, about, by the minutes that it and the learner say; 0 if there is none."""
        if not self.continue_at:
            return 0
        return max(math.ceil(self.continue_at.lesson.minutes_left / self.minutes), 1)  # its quiz may be left


def stand(events, now=None):
    """Compute where the learner stands.

    Args:
        events: the events of `Progress`, oldest first.
        now: a datetime with a time zone, in which days are counted; by default this computer's.

    Returns:
        A `Standing`.

    Raises:
        ValueError: `now` has no time zone.
    """
    now = now or datetime.now().astimezone()
    if now.tzinfo is None:
        raise ValueError(f"now: expected a datetime with a time zone, got {now!r}")
    by_kind = defaultdict(list)
    for event in events:
        by_kind[event["kind"]].append(event)
    path = _setting(by_kind["setting"], "path", lambda value: isinstance(value, str) and value in PATHS)
    minutes = _setting(by_kind["setting"], "minutes", _is_minutes)
    lessons = _lessons(events, PATHS[path])
    tasks = {task.id: task for lesson in lessons for task in lesson.tasks}
    guesses_right, guesses = tally(by_kind["guess"])
    days = {_day(event, now) for event in events if event["kind"] != "setting"}
    place = _go_on(events, [one for one in lessons if one.on_path])
    return Standing(
        is_new=not events,
        path=path,
        minutes=minutes,
        lessons=lessons,
        continue_at=place,
        quiz_left=_quiz_left(lessons, place),
        next_task=_next_task(lessons, place),
        functions=tuple(task for task in tasks.values() if task.state == "passed"),
        mistakes=_mistakes(by_kind["check"], tasks),
        guesses=guesses,
        guesses_right=guesses_right,
        goals=len({event["subject"] for event in by_kind["goal"]}),
        days=len(days),
        built_last=_built_on(
            max((day for day in days if day < now.date()), default=None), by_kind["check"], tasks, now
        ),
    )


def tasks_of(number, events):
    """The exercises of a lesson, and how far the learner is with each.

    Args:
        number: of the lesson, such as "03".
        events: of the progress record; at least those of its checks.

    Returns:
        A tuple of `Task`, in the order in which the lesson asks them; () for a lesson without exercises.
    """
    tried = [event for event in events if event["kind"] == "check" and event["outcome"] != "unattempted"]
    state = {event["subject"]: "tried" for event in tried}
    state |= {event["subject"]: "passed" for event in tried if event["outcome"] == "passed"}
    exercises = exercises_of(number) if number in lessons_with_exercises() else ()
    return tuple(Task(one.id, one.title, one.points, state.get(one.id, "new")) for one in exercises)


def _lessons(events, way):
    about = defaultdict(list)  # number of a lesson -> its events
    for event in events:
        about[_number(event)].append(event)
    return tuple(_lesson(name, about[name[:2]], way is None or name[:2] in way) for name in places.lessons())


def _number(event):
    """The number of the lesson that an event is about; "" for a setting."""
    if event["kind"] == "setting":
        return ""
    name = PurePosixPath(event["subject"]).name if event["kind"] == "place" else event["subject"]
    return name[:2]


def _lesson(name, events, on_path):
    told, number = outline(places.lesson_path("notebooks", name)), name[:2]
    answers = {event["subject"]: event for event in events if event["kind"] == "quiz"}  # the latest of each question
    return LessonStanding(
        name=name,
        number=number,
        title=told.title or name[3:].replace("_", " ").capitalize(),
        minutes=told.minutes,
        on_path=on_path,
        tasks=tasks_of(number, events),
        hints=sum(event["kind"] == "hint" for event in events),
        solutions=sum(event["kind"] == "solution" and event["shown"] for event in events),
        quiz_asked=max(
            [len(answers), *(asked for event in answers.values() if _is_count(asked := event.get("asked")))]
        ),
        quiz_answered=len(answers),
        quiz_right=sum(bool(event.get("correct")) for event in answers.values()),
        last=datetime.fromisoformat(events[-1]["time"]) if events else None,
    )


def _go_on(events, way):
    """Where the learner goes on: in the lesson on their way that they worked on last, or else after it, or else before it."""
    latest = _latest(events, way)
    if latest is None:
        return Place("notebooks", way[0])
    if latest.state != "done":
        return _left(events, latest)
    left = _left(events, latest, kinds=["notebooks"])
    if not latest.quiz_answered and left.cell and not _is_past_quiz(left):
        return left
    after = way.index(latest) + 1
    following = next((one for one in [*way[after:], *way[:after]] if one.state != "done"), None)
    return _left(events, following) if following else None


def _latest(events, way):
    """The lesson that the learner worked on last: a review is no work on it, nor a glance at one that is done."""
    lessons = {one.number: one for one in way}
    for event in reversed(events):
        lesson = lessons.get(_number(event))
        if lesson and event["kind"] != "review" and (lesson.state != "done" or event["kind"] != "place"):
            return lesson
    return None


def _left(events, lesson, kinds=tuple(places.OWN)):
    """Where the learner left a lesson or its exercises; the start of the lesson, if that is not known."""
    subjects = {f"{places.OWN[kind]}/{lesson.name}.ipynb": kind for kind in kinds}
    for event in reversed(events):
        if event["kind"] == "place" and event["subject"] in subjects:
            kind, cell = subjects[event["subject"]], event["cell"]
            own = outline(places.own_path(kind, lesson.name))
            course = outline(places.lesson_path(kind, lesson.name))  # where their copy can't be read
            return Place(kind, lesson, cell, own.headings.get(cell) or course.headings.get(cell, ""))
    return Place("notebooks", lesson)


def _is_past_quiz(place):
    """Whether a place in a lesson is its quiz or comes after it."""
    cells = list(outline(places.lesson_path("notebooks", place.lesson.name)).headings)
    quiz = _quiz(place.lesson).cell
    return place.cell in cells and quiz in cells and cells.index(place.cell) >= cells.index(quiz)


def _quiz(lesson):
    """The place of a lesson's quiz."""
    headings = outline(places.lesson_path("notebooks", lesson.name)).headings
    return Place("notebooks", lesson, next((id for id, one in headings.items() if one == QUIZ), ""), QUIZ)


def _quiz_left(lessons, at):
    """The quiz left out last, of a lesson that is done; the one at hand is not left out yet."""
    here = at.lesson if at else None
    left = [one for one in lessons if one.state == "done" and not one.quiz_answered and one is not here]
    return _quiz(max(left, key=lambda lesson: lesson.last)) if left else None


def _next_task(lessons, place):
    """The first exercise not passed: of the lesson where the learner is, of those begun, of those to come."""
    here = [place.lesson] if place else []
    begun = [lesson for lesson in lessons if lesson.state == "begun"]
    order = [*here, *begun, *(lesson for lesson in lessons if lesson.on_path)]
    return next((task for lesson in order for task in lesson.tasks if task.state != "passed"), None)


def _mistakes(checks, tasks):
    met = {}
    for event in reversed(checks):
        task, diagnosis, message = tasks.get(event["subject"]), event.get("diagnosis"), event.get("message")
        if event["outcome"] == "failed" and task and isinstance(diagnosis, str) and diagnosis:
            for name, sentence in apart(diagnosis, message if isinstance(message, str) else ""):
                met.setdefault((task.id, name), MetMistake(task, name, sentence, task.state == "passed"))
    return tuple(met.values())


def _built_on(day, checks, tasks, now):
    """The exercises that were passed on a day for the first time."""
    first = {}
    for event in checks:
        if event["outcome"] == "passed" and event["subject"] in tasks:
            first.setdefault(event["subject"], _day(event, now))
    return tuple(tasks[id] for id, passed_on in first.items() if passed_on == day)


def _setting(events, subject, is_valid):
    """The latest value of a setting that makes sense."""
    values = [event["value"] for event in events if event["subject"] == subject and is_valid(event["value"])]
    return values[-1] if values else DEFAULTS[subject]


def _is_minutes(value):
    least, most = MINUTES
    return _is_count(value) and least <= value <= most


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _day(event, now):
    return datetime.fromisoformat(event["time"]).astimezone(now.tzinfo).date()
