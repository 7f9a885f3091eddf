"""What a notebook calls: a lesson's quiz, the days on which it comes back, and the reviews of today."""

import random
from html import escape

from course_lib.checking import whole_number
from course_lib.classroom.practice import show
from course_lib.classroom.practice.progress import Progress, ProgressError
from course_lib.classroom.review import schedule, texts
from course_lib.classroom.review.cards import as_question
from course_lib.classroom.review.questions import load_questions

COUNT = schedule.SITTING

TEXTS = {
    "quiz": "Retrieval quiz, lesson {lesson}",
    "review": "Reviews of today",
    "of bank": "{total} of the {bank} questions of this lesson. Next time: those you missed, then new ones.",
    "back": "{cards} on {day}, on the course's home page, by `review()` here, or by `course review` in a terminal.",
    "comes": ("It comes back", "They come back"),
    "not recorded": "Not recorded: {error}",
    "plan": "Lesson {lesson} comes back",
    "plan columns": ("On", "Cards", "Minutes"),
    "plan begun": "These are the days if you answer each card on its day and know it. What you miss comes sooner.",
    "plan not begun": "Answer the quiz first: this is what comes of it if you do so today.",
}


def quiz(lesson, *, count=COUNT, seed=None, progress=None):
    """A retrieval quiz on a lesson: display it as the last line of a cell.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".
        count: how many questions; those missed last time first, then those never asked. None asks all.
        seed: makes the choice of questions and the order of the options repeatable.
        progress: where answers are recorded; by default the learner's `Progress()`.

    Returns:
        A `Quiz`, an ipywidgets widget.

    Raises:
        ValueError: no questions for this lesson, or a count below 1.
        QuestionError: the question file is wrong.
    """
    from course_lib.classroom.review.sitting import Quiz

    count = None if count is None else whole_number("count", count, 1)
    bank = load_questions(lesson)
    progress = progress if progress is not None else Progress()
    asked = bank if count is None or count >= len(bank) else _draw(bank, count, random.Random(seed), progress)

    def ending():
        scheduled = schedule.state(progress.known()[0])
        days = [schedule.day(scheduled[one.id].due) for one in asked if one.id in scheduled]
        part = TEXTS["of bank"].format(total=len(asked), bank=len(bank)) if len(asked) < len(bank) else ""
        back = TEXTS["back"].format(cards=TEXTS["comes"][len(days) > 1], day=texts.day_text(min(days))) if days else ""
        return " ".join(filter(None, [part, back]))

    title = TEXTS["quiz"].format(lesson=bank[0].lesson)
    known = {event["subject"] for event in progress.known("quiz")[0]} & {one.id for one in bank}
    record = recorder(progress, asked=len(known | {one.id for one in asked}))
    return Quiz(asked, title, bank=bank, seed=seed, record=record, ending=ending)


def recorder(progress, **more):
    """What a quiz calls with each answer to have it recorded; it gives back what went wrong, or "".

    Args:
        progress: where it is recorded.
        **more: what is to be kept with each answer, such as `asked`, the questions of a lesson that were asked so far.
    """

    def record(question, details):
        try:
            progress.record("quiz", question.id, **details, **more)
        except ProgressError as error:
            return TEXTS["not recorded"].format(error=error)
        return ""

    return record


def review(minutes=None, *, progress=None):
    """Today's reviews, lessons mixed: display them as the last line of a cell.

    Args:
        minutes: at most so many, 5 to 15; by default half of those you chose on the home page.
        progress: where answers are read and recorded; by default the learner's `Progress()`.

    Returns:
        A `Quiz`, an ipywidgets widget, or a sentence where there is nothing to do.
    """
    progress = progress if progress is not None else Progress()
    events, problem = progress.known()
    portion = schedule.due(events, minutes=minutes)
    if not portion.cards:
        return show.Note(problem or texts.nothing_due(events))
    from course_lib.classroom.review.sitting import Quiz

    asked = {one.card.id: one for one in portion.cards}
    comes_back = {id: texts.comes_back(one) for id, one in asked.items()}

    def record(question, details):
        try:
            counted = schedule.answer(question.id, seen=asked[question.id].seen, progress=progress, **details)
        except ProgressError as error:
            return TEXTS["not recorded"].format(error=error)
        return "" if counted else texts.TEXTS["elsewhere"]

    def ending():
        return texts.nothing_due(progress.known()[0])

    questions = [as_question(one.card) for one in portion.cards]

    def about(question):
        return asked[question.id].card.place, comes_back[question.id]

    return Quiz(questions, TEXTS["review"], record=record, ending=ending, repeats=False, about=about)


class Plan(show.Panel):
    """The days on which a lesson comes back, as a table."""

    def __init__(self, lesson, days, begun):
        self.title = TEXTS["plan"].format(lesson=lesson)
        self.rows = [(texts.day_text(one.date), str(one.cards), str(one.minutes)) for one in days]
        self.note = TEXTS["plan begun" if begun else "plan not begun"]

    def __str__(self):
        table = [TEXTS["plan columns"], *self.rows]
        wide = max(len(row[0]) for row in table)
        lines = [f"{day:<{wide}}  {cards:>5}  {minutes:>7}" for day, cards, minutes in table]
        return "\n".join([self.title, *lines, self.note])

    def html(self):
        first, *others = TEXTS["plan columns"]
        head = f'<th style="text-align:left">{first}</th>' + "".join(f"<th>{one}</th>" for one in others)
        rows = "".join(
            f'<tr><td style="text-align:left">{escape(day)}</td><td>{cards}</td><td>{minutes}</td></tr>'
            for day, cards, minutes in self.rows
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        style = show.PANEL.format(colour=show.COLOURS["unattempted"])
        return f'<div style="{style}"><b>{escape(self.title)}</b>{table}<div>{escape(self.note)}</div></div>'


def plan(lesson, *, progress=None):
    """The days within the next month on which a lesson comes back: display it as the last line of a cell.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".
        progress: where answers are read; by default the learner's `Progress()`.

    Returns:
        A table.

    Raises:
        ValueError: no questions for this lesson.
    """
    progress = progress if progress is not None else Progress()
    events, _ = progress.known()
    number = load_questions(lesson)[0].lesson
    begun = any(one.card.lesson == number for one in schedule.state(events).values())
    return Plan(number, schedule.plan(number, events), begun)


def _draw(bank, count, rng, progress):
    """The most useful `count` questions in the order of the bank, choices and open ones in the bank's proportion."""
    events, _ = progress.known("quiz")
    last = {event["subject"]: event["rating"] for event in events}
    usefulness = ["again", None, "hard", "good", "easy"]
    order = sorted(bank, key=lambda question: (usefulness.index(last.get(question.id)), rng.random()))
    choices = [question for question in order if question.kind == "choice"]
    open_ones = [question for question in order if question.kind == "open"]
    num_open = round(count * len(open_ones) / len(bank))
    drawn = {question.id for question in open_ones[:num_open] + choices[: count - num_open]}
    return [question for question in bank if question.id in drawn]
