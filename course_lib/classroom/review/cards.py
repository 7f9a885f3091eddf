"""Cards: what comes back to be remembered, born by what the learner did.

A quiz answered makes the card of its question, an exercise failed for a known reason the card of that mistake, with the
learner's own code on it, an exercise passed its task, to be done again from memory. Cards are computed from the events;
nothing is stored of them. What the course no longer has makes none.
"""

import functools
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

from course_lib.classroom import build, notebooks, places
from course_lib.classroom.practice.exercises import exercises_of, lessons_with_exercises
from course_lib.classroom.practice.outlines import outline
from course_lib.classroom.review.questions import Option, Question, lessons_with_questions, load_questions

SECONDS = {"choice": 25, "open": 60, "mistake": 40, "task": 120}  # what one card takes, about

WIDEST, WRAPPED = 64, {"subsequent_indent": 8 * " ", "break_long_words": False}  # a signature
MOST_LINES = 60  # of code on a card

TEXTS = {
    "mistake": "*{title}*\n\n{asked}\n\nThis was your {name}. *What is wrong with it?*\n\n{code}",
    "lesson": "Lesson {number}",
    "exercise": "exercise",
    "said": "What the check said: {message}",
    "mended": "{message}\n\n{whose}\n\n{code}",
    "yours": "Your code that passed:",
    "solution": "The solution:",
    "task": "From memory: *{title}*\n\n{asked}\n\n{signature}",
}

APART = re.compile(r"(```\w*\n.*?\n```|\$\$.*?\$\$)", re.DOTALL)  # code, and formulas by themselves
LINK = re.compile(r"\[([^\]]+)\]\([^)\s]+\)")
STEP = re.compile(r"(Step|Example) \d")
REFERENCE = re.compile(r"^\(.*?(\.\)|\)(?=\s|$))\s*")  # such as (Vaswani et al. 2017, equation 1.)


@dataclass(frozen=True)
class Card:
    """One thing to remember.

    Attributes:
        id: the question's own ("03.weights-recipe"), "03.softmax/mistake/softmax-over-queries" or "03.softmax/task".
        lesson: "NN".
        kind: "quiz", "mistake" or "task".
        title: the section of the lesson that it is about, or the exercise.
        seconds: how long it takes, about.
        options: of a choice, in the order of the bank; otherwise none.
        front, back: question and answer, in the mark-up of the question bank.
    """

    id: str
    lesson: str
    kind: str
    title: str
    seconds: int
    texts: Callable[[], tuple[str, str]] = field(repr=False, compare=False)
    options: tuple[Option, ...] = field(default=(), repr=False)

    @functools.cached_property
    def _texts(self):  # when asked for: a task's stand in a notebook
        return self.texts()

    @property
    def about(self) -> str:
        """What it asks about: cards of one exercise answer one another, so a day asks one of them."""
        return self.id.partition("/")[0]

    @property
    def place(self) -> str:
        """Where it comes from: the lesson, and the step where it is about one; other headings stand in every lesson."""
        title = _lesson_title(self.lesson)
        part = TEXTS["exercise"] if self.kind != "quiz" else self.title if STEP.match(self.title) else ""
        return " · ".join(filter(None, [TEXTS["lesson"].format(number=self.lesson), title, part]))

    @property
    def front(self) -> str:
        return self._texts[0]

    @property
    def back(self) -> str:
        return self._texts[1]


def cards(events):
    """The cards that the events made.

    Args:
        events: what `Progress.events()` gives.

    Returns:
        Dict of a card's id to the `Card`, oldest first.
    """
    made = {}
    passed = {
        one["subject"]: one.get("source") for one in events if one["kind"] == "check" and one["outcome"] == "passed"
    }
    for event in events:
        id = born_by(event)
        if id is not None and id not in made:
            made[id] = _card(id, event, passed)
    return {id: card for id, card in made.items() if card is not None}


def born_by(event):
    """The id of the card that an event makes, if it is not there yet; None where it makes none."""
    subject = event["subject"]
    if event["kind"] == "quiz":
        return subject
    if event["kind"] == "check" and event["outcome"] == "passed":
        return f"{subject}/task"
    if event["kind"] == "check" and event["outcome"] == "failed":
        known = [event.get(name) for name in ("diagnosis", "message", "source")]
        if all(isinstance(one, str) and one for one in known):
            return f"{subject}/mistake/{known[0]}"
    return None


def as_question(card):
    """A card as a question that a quiz can ask."""
    if card.kind == "quiz":
        return _questions(card.lesson)[card.id]
    return Question(card.id, card.lesson, "open", card.title, card.front, answer=card.back)


def _card(id, event, passed):
    """A card; None if the course has no such question or exercise any more.

    Args:
        id, event: of the card, and what made it.
        passed: dict of the exercises passed to the code that did it last, as far as that is known.
    """
    if event["kind"] == "quiz":
        question = _questions(id[:2]).get(id)
        if question is None:
            return None
        texts = question.prompt, question.answer or _right(question)
        seconds = SECONDS[question.kind]
        return Card(id, question.lesson, "quiz", question.section, seconds, lambda: texts, question.options)
    exercise = _exercises(event["subject"][:2]).get(event["subject"])
    if exercise is None:
        return None
    if event["outcome"] == "passed":
        return Card(id, exercise.lesson, "task", exercise.title, SECONDS["task"], lambda: _task(exercise))
    texts = functools.partial(_mistake, exercise, event["source"], event["message"], passed)
    return Card(id, exercise.lesson, "mistake", exercise.title, SECONDS["mistake"], texts)


def _lesson_title(lesson):
    try:
        return outline(places.lesson_path("notebooks", lesson)).title
    except (ValueError, OSError):
        return ""


@functools.cache
def _questions(lesson):
    return {one.id: one for one in load_questions(lesson)} if lesson in lessons_with_questions() else {}


@functools.cache
def _exercises(lesson):
    return {one.id: one for one in exercises_of(lesson)} if lesson in lessons_with_exercises() else {}


def _right(question):
    """The answer to a choice: what is right, each with its reason."""
    return "\n\n".join(f"{option.text}\n\n{option.why}" for option in question.options if option.correct)


def _mistake(exercise, source, message, passed):
    """Front and back of a mistake: what was to be written and the learner's code of then; what the check said and, where the
    exercise is passed by now, the code that is right.
    """
    if message.endswith("?"):  # a question is no answer by itself
        message = TEXTS["said"].format(message=message)
    if exercise.id in passed:
        own = passed[exercise.id]
        mended = own if isinstance(own, str) and own else _solution(exercise)
        whose = TEXTS["yours" if mended is own else "solution"]
        message = TEXTS["mended"].format(message=message, whose=whose, code=_fenced(mended))
    name, code = f"`{exercise.function_name}`", _fenced(source)
    return TEXTS["mistake"].format(title=exercise.title, asked=_asked(exercise), name=name, code=code), message


def _task(exercise):
    """Front and back of a task: what is to be written, and the solution."""
    solution = _solution(exercise)
    signature = re.search(rf"def {exercise.function_name}\(.*?\)(?: ->.*?)?:(?=\s)", solution, re.DOTALL)
    shown = _fenced("\n".join(textwrap.wrap(signature[0] if signature else exercise.function_name, WIDEST, **WRAPPED)))
    return TEXTS["task"].format(title=exercise.title, asked=_asked(exercise), signature=shown), _fenced(solution)


def _solution(exercise):
    try:
        return build.solution_code(exercise.lesson, exercise.function_name)
    except (ValueError, OSError) as error:  # a notebook that somebody changed stops no review
        return str(error)


def _asked(exercise):
    """What an exercise asks: its prompt in short, and what its page prints below, such as a colleague's code."""
    try:
        cells = notebooks.read(places.lesson_path("solutions", exercise.lesson)).cells
    except (ValueError, OSError):
        return ""
    prompt, printed = "", []
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            prompt, printed = cell.source, []
        elif notebooks.is_answer(cell) and notebooks.nbgrader(cell)["grade_id"] == exercise.function_name:
            break
        elif cell.cell_type == "code":
            printed += [output.text for output in cell.outputs if output.output_type == "stream"]
    return "\n\n".join(filter(None, [asked(prompt), *map(_fenced, printed)]))


def asked(markdown):
    """What a prompt asks, without what is to be remembered: formulas by themselves, and code that is the answer in slow loops.

    Args:
        markdown: the text above an exercise.

    Returns:
        Text in the mark-up of the question bank.
    """
    parts: list[str] = []
    for part in APART.split(markdown):
        if part.startswith("```") and not (parts and "slow loops" in parts[-1]):
            parts.append(_fenced(part.partition("\n")[2].removesuffix("```")))
        elif part.startswith("```"):
            parts[-1] = re.sub(r"[^.]*:$", "", parts[-1]).strip()
        elif part.startswith("$$"):
            parts[-1:] = [re.sub(r":$", ".", text) for text in parts[-1:]]
        else:
            parts += [text for one in re.split(r"\n\s*\n|\n(?=- )", part) if (text := _paragraph(one))]
    return "\n\n".join(parts)


def _paragraph(markdown):
    """A paragraph in the mark-up of the question bank; "" for a heading and for what is to be guessed before one writes."""
    text = REFERENCE.sub("", LINK.sub(r"\1", " ".join(markdown.split())))
    if text.startswith(("#", "Predict")):
        return ""
    text = re.sub(r"\*\*([^*`$]+)\*\*", r"*\1*", text).replace("**", "")
    return f"• {text[2:]}" if text.startswith("- ") else text


def _fenced(code):
    """Code as a block of the mark-up, which three backticks would end; what is too long to be read is cut."""
    lines = code.strip("\n").replace("```", "'''").split("\n")
    return "\n".join(["```", *lines[:MOST_LINES], *(["…"] if len(lines) > MOST_LINES else []), "```"])
