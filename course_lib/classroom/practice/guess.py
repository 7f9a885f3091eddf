"""Guess, then see: a question in a lesson that keeps what comes out covered until it is answered.

A guess costs a second: one click, or a number and Enter. What comes out after it, in its own cell and in the next, is uncovered by
the answer, or by "Show me". Its own code, which holds the answer, is best folded away, with its first line short. Once answered, a guess is plain HTML, which needs no kernel and stays as it is in the saved notebook.
"""

import re
from collections.abc import Callable, Sequence
from html import escape
from numbers import Real
from typing import Any

from course_lib.classroom.practice import show
from course_lib.classroom.practice.progress import Progress, ProgressError
from course_lib.printable import printable

ID = re.compile(r"\d\d\.[a-z0-9]+(-[a-z0-9]+)*")
KEPT_ANSWER = 4_000  # characters of an answer kept in the progress record

TEXTS: dict[str, Any] = {
    "head": "Guess first",
    "how": {"number": "a number", "text": "a few words"},
    "unread": {
        "number": "That can't be read as a number. Type one such as 0.5, 0,5 or 50%.",
        "text": "Type a few words first, or press “Show me”.",
    },
    "field": "Your guess",
    "send": "Guess",
    "show me": "Show me",
    "fold": "The answer",
    "yours": "Your guess: {given}.",
    "right": "Right: {answer}.",
    "wrong": "Not this time. The answer: {answer}.",
    "shown": "The answer: {answer}.",
    "judged": {"right": "You had it.", "wrong": "You had not.", "shown": ""},
    "judge": "Did you have it?",
    "had": {"right": "I had it", "wrong": "Not quite"},
    "tally": "{hits} of your {guesses} guesses hit.",
    "first": "Your first guess, and it hits.",
    "not recorded": "Not recorded: {problem}",
    "id": 'id: expected "NN." and words in lower case joined by hyphens, such as "03.which-grows", got {got!r}',
    "text": "{name}: expected some text, got {got!r}",
    "choices": "choices: expected at least two different texts, got {got!r}",
    "one of": "answer: expected one of the choices {choices}, got {got!r}",
    "kind": "answer: without choices, expected a number, a function of the text that was typed, or None; got {got!r}",
    "within": "within: expected a number of 0 or more, got {got!r}",
}

NUMBER = r"\s*([+\-−]?\s*(\d+([.,]\d*)?|[.,]\d+)([eE][+\-]?\d+)?)\s*(%?)\s*"  # a form's pattern, too


def guess(
    id: str,
    question: str,
    choices: Sequence[str] | None = None,
    *,
    answer: str | float | Callable[[str], Any] | None = None,
    within: float = 0,
    why: str = "",
) -> None:
    """Ask for a guess, and cover what comes out after it, in its own cell and in the next, until it is made.

    Args:
        id: "NN.some-words", NN being the lesson; stable, since the progress record refers to it.
        question: one or two sentences; `code` in backticks, *emphasis* in stars.
        choices: texts to choose from. Without them a number is asked for where `answer` is one, else a line of text.
        answer: the right choice; or a number; or a function of the text that was typed, which says whether it is right;
            or None: then the learner says whether they had it.
        within: how far a number may be off.
        why: what is said once it is answered: the reason in a sentence, or what to look at.

    Raises:
        ValueError: an id without its form, a question that is empty, an answer that does not belong to the choices.

    Example:
        >>> guess("03.which-grows", "Which weight grows?", ["cat", "mat"], answer="mat", why="Its key points there.")
        Guess first: Which weight grows? (cat / mat)
        Answer: mat. Its key points there.
    """
    Guess(id, question, choices, answer=answer, within=within, why=why).ask()


class Guess(show.Panel):
    """A guess and what came of it. See `guess`.

    Attributes:
        id: of the question.
        outcome: "right", "wrong" or "shown"; None until it is answered.
        given: what was answered, as text, or "".
    """

    def __init__(self, id, question, choices=None, *, answer=None, within=0, why="", progress=None):
        if not (isinstance(id, str) and ID.fullmatch(id)):
            raise ValueError(TEXTS["id"].format(got=id))
        if not (isinstance(question, str) and question.strip()):
            raise ValueError(TEXTS["text"].format(name="question", got=question))
        if not isinstance(why, str):
            raise ValueError(TEXTS["text"].format(name="why", got=why))
        if not (_is_number(within) and within >= 0):
            raise ValueError(TEXTS["within"].format(got=within))
        self.id, self.question, self.why, self.within = id, question, why, within
        self._right: Any = answer
        self.choices = _checked_choices(choices, answer)
        self.form = "choice" if self.choices else "number" if _is_number(answer) else "text"
        self._progress = Progress() if progress is None else progress
        self._trouble = ""
        self._has_just_hit = False
        self._view: Any = None
        self._handle: Any = None
        self._recall()

    @property
    def answer(self):
        """The right answer as text; "" where there is none to be told."""
        if self.form == "choice":
            return self._right
        return f"{self._right:g}" if self.form == "number" else ""

    @property
    def is_open(self):
        """Whether it was answered, but not yet said whether the answer was right."""
        return self.outcome == "shown" and bool(self.given)

    def ask(self):
        """Show it: live in a notebook, in plain text elsewhere."""
        if not show.in_notebook():
            print(self)
        elif self.outcome and not self.is_open:
            show.display(self)
        else:
            self._ask_live()

    def press(self, name, text):
        """Take what a button or a form sends; the first answer counts."""
        if self.outcome is None:
            self._answer(name, text)
        elif self.is_open and name in TEXTS["had"]:
            self._keep(name, self.given)
        self._renew()

    def __str__(self):
        options = f" ({' / '.join(self.choices)})" if self.choices else ""
        lines = [f"{TEXTS['head']}: {self.question}{options}"]
        if self.outcome:
            lines += [*self._verdict(), self.why]
        elif told := self._told():
            lines.append(f"Answer: {told}")
        return printable("\n".join(filter(None, lines)))

    def html(self):
        """The question with its answer folded; once it is answered, what came of it."""
        if self.outcome:
            return _block(self._head() + self._result())
        listed = f'<div style="margin:.3em 0">{" · ".join(map(escape, self.choices))}</div>'
        told = show.marked_up(self._told())
        folded = f"<details><summary>{TEXTS['fold']}</summary>{told}</details>"
        return _block(self._head() + (listed if self.choices else "") + (folded if told else ""))

    # --- what is shown ---

    def _ask_live(self):
        from course_lib.classroom.practice.buttons import Buttons

        self._view = Buttons(self._live(), self.press)
        self._handle = self._view.show(self)

    def _renew(self):
        """Show what came of it, first in the same place, then as HTML that needs no kernel."""
        if self._view is None:
            return
        self._view.html = self._live()
        if self.outcome and not self.is_open:
            self._handle.update(self._repr_mimebundle_(), raw=True)

    def _live(self):
        """The question with what answers it; then what came of it."""
        if self.is_open:
            buttons = "".join(_button(name, label) for name, label in TEXTS["had"].items())
            judge = f'<div class="course-row"><span>{TEXTS["judge"]}</span>{buttons}</div>'
            return _block(self._head() + self._result() + judge)
        if self.outcome:
            return self.html()
        if self.form == "choice":
            buttons = "".join(_button(f"choice {i}", choice) for i, choice in enumerate(self.choices))
            asked = f'<span class="course-row" role="group" aria-label="{escape(self.question)}">{buttons}</span>'
        else:
            pattern = f'pattern="{escape(NUMBER)}" size="8"'
            more = pattern if self.form == "number" else 'size="40" maxlength="400"'
            asked = (
                f'<form class="course-row" data-press="typed" novalidate data-unread="{TEXTS["unread"][self.form]}">'
                f'<input required autocomplete="off" {more} '
                f'aria-label="{TEXTS["field"]}" placeholder="{TEXTS["how"][self.form]}"><button>{TEXTS["send"]}</button></form>'
            )
        skip = f'<button data-press="show" class="course-quiet">{TEXTS["show me"]}</button>'
        return _block(f'{self._head()}<div class="course-row course-covers">{asked}{skip}</div>')

    def _head(self):
        return f"<div><b>{TEXTS['head']}:</b> {show.marked_up(self.question)}</div>"

    def _result(self):
        verdict = " ".join(escape(sentence) for sentence in self._verdict())
        why = f'<div style="margin-top:.2em">{show.marked_up(self.why)}</div>' if self.why else ""
        note = f"<div>{escape(self._trouble)}</div>" if self._trouble else ""
        sign = {"right": "✓ ", "wrong": "✗ ", "shown": ""}[self.outcome]
        return f'<div tabindex="-1" style="margin-top:.3em"><b>{sign}</b>{verdict}</div>{why}{note}'

    def _verdict(self):
        """Sentences: what was guessed, what it is and, at the moment of a hit, how many of their guesses hit."""
        said = [TEXTS["yours"].format(given=self.given)] if self.given and self.outcome != "right" else []
        if self.form == "text":
            said = [TEXTS["yours"].format(given=self.given)] if self.given else []
            said.append(TEXTS["judged"][self.outcome])
        else:
            right = self.given if self.outcome == "right" and self.form == "choice" else self.answer
            said.append(TEXTS[self.outcome].format(answer=right))
        if self._has_just_hit:
            hits, guesses = tally(self._progress.known("guess")[0])
            said.append(TEXTS["first"] if guesses <= 1 else TEXTS["tally"].format(hits=hits, guesses=guesses))
        return [sentence for sentence in said if sentence]

    def _told(self):
        """The answer and its reason, for who reads without answering."""
        return " ".join(filter(None, [f"{self.answer}." if self.answer else "", self.why]))

    # --- what is answered ---

    def _answer(self, name, text):
        if name == "show":
            self._keep("shown", "")
        elif self.form == "choice":
            chosen = dict(enumerate(self.choices)).get(int(name.removeprefix("choice ")))
            self._keep("right" if chosen == self._right else "wrong", chosen)
        elif self.form == "number":
            number = _number(text, is_share=0 <= self._right <= 1)
            if number is not None:
                close = abs(number - self._right) <= self.within + 1e-9 * abs(self._right)
                self._keep("right" if close else "wrong", text.strip())
        elif text.strip():
            judge = self._right
            outcome = "shown" if judge is None else "right" if judge(text.strip()) else "wrong"
            self._keep(outcome, text.strip())

    def _keep(self, outcome, given):
        self.outcome, self.given = outcome, given[:KEPT_ANSWER]
        self._has_just_hit = outcome == "right"
        details = {"answer": self.given} if self.given else {}
        try:
            self._progress.record("guess", self.id, outcome=outcome, **details)
        except ProgressError as error:
            self._trouble = TEXTS["not recorded"].format(problem=error)

    def _recall(self):
        """What was answered before: the first answer that was right or wrong, else that it was shown."""
        events, _ = self._progress.known("guess", self.id)
        judged = [event for event in events if event["outcome"] != "shown"]
        counted = (judged or events[-1:] or [{}])[0]
        self.outcome = counted.get("outcome")
        self.given = printable(str(counted.get("answer", "")))


def tally(events):
    """Count guesses.

    Args:
        events: of the progress record, oldest first; those of other kinds are left out.

    Returns:
        (hits, guesses): how many questions were answered right at the first answer, and how many were answered at all.
    """
    first = {}
    for event in events:
        if event["kind"] == "guess" and event["outcome"] != "shown":
            first.setdefault(event["subject"], event["outcome"])
    return sum(outcome == "right" for outcome in first.values()), len(first)


def _checked_choices(choices, answer):
    if choices is None:
        if not (answer is None or callable(answer) or _is_number(answer)):
            raise ValueError(TEXTS["kind"].format(got=answer))
        return ()
    listed = () if isinstance(choices, str) else tuple(choices)
    if len(listed) < 2 or len(set(listed)) < len(listed) or not all(isinstance(one, str) and one for one in listed):
        raise ValueError(TEXTS["choices"].format(got=choices))
    if answer not in listed:
        raise ValueError(TEXTS["one of"].format(choices=", ".join(listed), got=answer))
    return listed


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _number(text, is_share):
    """The number that a learner typed, with a comma or a point; None where it is none.

    Args:
        text: what was typed.
        is_share: whether 73% is 0.73; else it is 73, for what is asked may itself be in percent.
    """
    read = re.fullmatch(NUMBER, text)
    if not read:
        return None
    number = float("".join(read[1].split()).replace(",", ".").replace("−", "-"))
    return number / 100 if read[5] and is_share else number


def _block(content):
    style = show.PANEL.format(colour="var(--jp-brand-color1, #1976d2)")
    return f'<div class="course-asks {show.NO_MATHEMATICS}" style="{style}">{content}</div>'


def _button(name, label):
    return f'<button data-press="{escape(name)}">{escape(label)}</button>'
