"""What a lesson's end and a notebook call: the quiz, what is due today, and the days on which it comes back."""

import random

from course_lib.checking import whole_number
from course_lib.classroom.practice.progress import Progress
from course_lib.classroom.review.questions import load_questions
from course_lib.classroom.review.sitting import Quiz

COUNT = 12  # questions in one sitting

TEXTS = {
    "title": "Retrieval quiz, lesson {lesson}",
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
    count = None if count is None else whole_number("count", count, 1)
    bank = load_questions(lesson)
    progress = progress if progress is not None else Progress()
    asked = bank if count is None or count >= len(bank) else _draw(bank, count, random.Random(seed), progress)
    return Quiz(asked, TEXTS["title"].format(lesson=bank[0].lesson), bank=bank, seed=seed, progress=progress)


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
