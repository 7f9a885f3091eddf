"""The retrieval quiz: one question at a time on ipywidgets, every answer recorded.

An option is a button laid over its text, so that all of the text can be clicked and the keyboard finds it; the text is
HTMLMath, because the labels of ipywidgets' radio buttons don't typeset LaTeX.
"""

import html
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets

from course_lib.classroom.review import texts
from course_lib.classroom.review.questions import LETTERS, Question, still, to_html

KEPT_ANSWER = 4_000  # characters of an open answer kept in the progress record

TEXTS = {
    "place": "Question {place} of {total}",
    "one": "Choose one.",
    "several": "Choose all that apply.",
    "open": "Answer from memory: type, or just think. Then compare.",
    "your answer": "Your answer (optional)",
    "check": "Check answer",
    "show": "Show the answer",
    "next": "Next question",
    "summary": "Summary",
    "previous": "Previous",
    "skip": "Skip",
    "explain": "Explain the other options",
    "nothing chosen": "Choose an answer first.",
    "not rated": "Rate your answer first: this decides whether and when you see the question again.",
    "right": "Right.",
    "wrong": "Not quite. Correct: {letters}. Look again at “{section}” in lesson {lesson}.",
    "model": "Model answer",
    "meaning": "{name}: {meaning}.",
    "when": "{name} · {when}",
    "rated": "Your rating: {rating}.",
    "chosen": "chosen",
    "not chosen": "not chosen",
    "is right": "correct",
    "is wrong": "not correct",
    "done": "Done: {right} of {total} known.",
    "left": "{left} not answered.",
    "to review": "To look at again:",
    "all known": "Nothing to look at again.",
    "in section": "lesson {lesson}, “{section}”",
    "missed again": "Ask the missed ones again",
    "start again": "Start again",
}

SCALE = " ".join(TEXTS["meaning"].format(name=name, meaning=meaning) for name, meaning in texts.RATINGS.values())
STYLE = f"<style>{Path(__file__).with_suffix('.css').read_text(encoding='utf-8')}</style>"


@dataclass(eq=False)
class _Asked:
    """One question in this sitting: how it is shown, and what was answered."""

    question: Question
    options: list
    chosen: set = field(default_factory=set)  # places in `options`
    text: str = ""
    revealed: bool = False
    rating: str | None = None
    explained: bool = False
    began: float | None = None

    @property
    def answered(self):
        return self.rating is not None

    @property
    def known(self):
        return self.answered and self.rating != "again"


class _Keys(anywidget.AnyWidget):
    """Shows nothing; keeps plain keys in the quiz, lets a letter choose its option, and leads on with each step."""

    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

    step = traitlets.Unicode().tag(
        sync=True
    )  # what is to be done now, a key of STEPS there, and a number: each is news


class Quiz(widgets.VBox):
    """A quiz over some questions.

    Args:
        questions: a list of `Question`, asked in this order.
        title: the heading.
        bank: all questions from which these were drawn, for the static form; by default the same.
        seed: for the order of the options; None is a new order each time.
        record: takes a `Question` and a dict of what was answered, and gives back what is to be said of it, mostly "". By
            default nothing is recorded.
        ending: gives what the summary says last, in the mark-up of the question bank.
        repeats: whether questions may be asked again at the end.
        about: takes a `Question` and gives (where it comes from, dict of a rating to when the question then comes back).
    """

    def __init__(self, questions, title, *, bank=None, seed=None, record=None, ending=None, repeats=True, about=None):
        if not questions:
            raise ValueError("questions: expected at least one, got none")
        self._all, self._bank, self._title = list(questions), list(bank or questions), title
        self._rng = random.Random(seed)
        self._asked, self._place = [], 0
        self._moment: tuple | None = None  # of the page's latest step
        self._record = record or (lambda question, details: "")
        self._ending = ending or (lambda: "")
        self._repeats = repeats
        self._about = about or (lambda question: ("", {}))
        self._build()
        super().__init__([*self._parts])
        self.add_class("course-quiz")
        self._begin(self._all)

    @property
    def results(self):
        """What was answered in this sitting: a list of dicts with `id`, `lesson`, `form`, `rating` and `correct`."""
        return [self._result(asked) for asked in self._asked if asked.answered]

    def __repr__(self):
        return f"<{self._title}: {len(self._bank)} questions>"

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and beside it the questions as static HTML for where no kernel runs."""
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        return {**bundle, "text/plain": repr(self), "text/html": still(self._bank, self._title)}

    def _build(self):
        wide = {"width": "auto"}
        self._header = widgets.HTML(layout=wide)
        self._prompt = widgets.HTMLMath(layout=wide)
        most = max(len(question.options) for question in self._all)
        self._rows = [self._row(place) for place in range(most)]
        self._answer = widgets.Textarea(rows=4, placeholder=TEXTS["your answer"])
        self._answer.observe(self._typed, "value")
        self._model = widgets.HTMLMath(layout=wide)
        self._ratings = {}
        for rating, (name, meaning) in texts.RATINGS.items():
            self._ratings[rating] = self._button(name, lambda rating=rating: self._rate(rating))
            self._ratings[rating].tooltip = meaning
        self._ratings["good"].add_class("quiz-likely")
        self._status = widgets.HTMLMath(layout=wide)
        self._explain = self._button(TEXTS["explain"], self._explain_all)
        self._previous = self._button(TEXTS["previous"], lambda: self._go(self._place - 1))
        self._forward = self._button(TEXTS["check"], self._go_forward)
        self._forward.button_style = "primary"
        self._forward.add_class("quiz-forward")
        self._skip = self._button(TEXTS["skip"], lambda: self._go(self._place + 1))
        self._missed = self._button(TEXTS["missed again"], lambda: self._begin(self._to_review()))
        self._again = self._button(TEXTS["start again"], lambda: self._begin(self._all))

        self._rating_row = self._button_row([*self._ratings.values()])
        self._rating_row.add_class("quiz-ratings")
        navigation = self._button_row(
            [self._previous, self._forward, self._skip, self._explain, self._missed, self._again]
        )
        self._keys = _Keys(layout={"display": "none"})
        for part, name in [
            (self._header, "header"),
            (self._model, "model"),
            (self._status, "status"),
            (navigation, "navigation"),
        ]:
            part.add_class(f"quiz-{name}")
        self._parts = [
            widgets.HTML(STYLE, layout={"display": "none"}),
            self._keys,
            self._header, self._prompt, *(row for row, _, _ in self._rows), self._answer, self._model, self._rating_row,
            self._status, navigation,
        ]  # fmt: skip

    def _row(self, place):
        button = self._button(LETTERS[place], lambda: self._choose(place))
        text = widgets.HTMLMath()
        row = widgets.Box([button, text])
        row.add_class("quiz-row")
        return row, button, text

    def _button(self, name, action):
        button = widgets.Button(description=name)
        button.on_click(lambda _: action())
        return button

    def _button_row(self, buttons):
        row = widgets.Box(buttons, layout={"flex_flow": "row wrap", "align_items": "center"})
        row.add_class("quiz-buttons")
        return row

    def _begin(self, questions):
        self._asked = [_Asked(question, question.shuffled(self._rng)) for question in questions]
        self._go(0)

    def _go(self, place):
        self._place = min(max(place, 0), len(self._asked))
        if self._current is not None:
            self._answer.value = self._current.text
            self._current.began = self._current.began or time.monotonic()
        self._show()

    def _typed(self, change):
        if self._current is not None:
            self._current.text = change["new"]

    @property
    def _current(self):
        """The question shown, or None on the summary."""
        return self._asked[self._place] if self._place < len(self._asked) else None

    def _choose(self, place):
        asked = self._current
        if asked.question.several:
            asked.chosen ^= {place}
        else:
            asked.chosen = {place}
        self._show()

    def _go_forward(self):
        asked = self._current
        choice = asked.question.kind == "choice"
        if asked.answered:
            self._go(self._place + 1)
        elif choice and not asked.chosen:
            self._show(TEXTS["nothing chosen"])
        elif choice:
            right = asked.chosen == {place for place, option in enumerate(asked.options) if option.correct}
            self._rate("good" if right else "again")
        elif not asked.revealed:
            asked.revealed = True
            self._show()
        else:
            self._show(TEXTS["not rated"])

    def _rate(self, rating):
        asked = self._current
        asked.rating = rating
        details = {key: value for key, value in self._result(asked).items() if key != "id"}
        details["seconds"] = round(time.monotonic() - asked.began, 1)
        if asked.question.kind == "choice":
            details["chosen"] = [asked.options[place].text for place in sorted(asked.chosen)]
        else:
            details["answer"] = asked.text[:KEPT_ANSWER]
        self._show(self._record(asked.question, details))

    def _result(self, asked):
        question = asked.question
        known = {"rating": asked.rating, "correct": asked.known}
        return {"id": question.id, "lesson": question.lesson, "form": question.kind, **known}

    def _explain_all(self):
        self._current.explained = True
        self._show()

    def _to_review(self):
        return [asked.question for asked in self._asked if not asked.known]

    def _show(self, notice=""):
        """Bring every widget in line with the state. `notice` is something to be said besides."""
        asked = self._current
        on_question = asked is not None
        choice = on_question and asked.question.kind == "choice"
        is_open = on_question and not choice
        if on_question:
            self._show_question(asked, notice)
        else:
            self._show_summary()

        _visible(self._answer, is_open)
        _visible(self._model, is_open and asked.revealed)
        _visible(self._rating_row, is_open and asked.revealed)
        _visible(self._explain, choice and asked.answered and not asked.explained)
        _visible(self._forward, on_question)
        _visible(self._skip, on_question and not asked.answered)
        _visible(self._missed, not on_question and self._repeats and bool(self._to_review()))
        _visible(self._again, not on_question and self._repeats)
        self._previous.disabled = self._place == 0
        for place, (row, _, _) in enumerate(self._rows):
            _visible(row, choice and place < len(asked.options))
        _marked(self, "quiz-several", choice and asked.question.several)
        self._lead_on(notice)

    def _lead_on(self, notice):
        """Tell the page what is to be done now, once it is something else than before, or something was said."""
        asked = self._current
        step = "end" if asked is None else "next" if asked.answered else "rate" if asked.revealed else "answer"
        moment = step, asked, asked is not None and asked.explained
        if moment != self._moment or notice:
            number = int((self._keys.step or "0").split()[-1]) + 1
            self._keys.step = f"{'choose' if notice and step == 'answer' else step} {number}"
        self._moment = moment

    def _show_question(self, asked, notice):
        question, total = asked.question, len(self._asked)
        self._header.value = (
            f"<b>{html.escape(self._title)}</b> · {TEXTS['place'].format(place=self._place + 1, total=total)}"
            f'<progress max="{total}" value="{self._place + 1}" aria-hidden="true"></progress>'
        )
        place, when = self._about(question)
        self._header.value += f'<div class="quiz-quiet">{html.escape(place)}</div>' if place else ""
        how = TEXTS["open"] if question.kind == "open" else TEXTS["several" if question.several else "one"]
        self._prompt.value = f"{to_html(question.prompt)} <em>{how}</em>"
        for place, option in enumerate(asked.options):
            self._show_option(asked, place, option)

        self._model.value = (
            f"<b>{TEXTS['model']}</b><br>{to_html(question.answer)}<br><br><b>{texts.TEXTS['rate']}</b> {SCALE}"
        )
        for rating, button in self._ratings.items():
            name = texts.RATINGS[rating][0]
            button.description = TEXTS["when"].format(name=name, when=when[rating]) if rating in when else name
            button.disabled = asked.answered
            button.button_style = "primary" if asked.rating == rating else ""
        self._answer.disabled = asked.revealed
        self._status.value = _status(" ".join(filter(None, [self._verdict(asked), html.escape(notice)])))

        last = self._place == total - 1
        before = "check" if question.kind == "choice" else "next" if asked.revealed else "show"
        after = "summary" if last else "next"
        self._forward.description = TEXTS[after if asked.answered else before]

    def _show_option(self, asked, place, option):
        row, button, text = self._rows[place]
        chosen = place in asked.chosen
        _marked(row, "quiz-chosen", chosen)
        _marked(row, "quiz-right", asked.answered and option.correct)
        _marked(row, "quiz-wrong", asked.answered and not option.correct)
        button.disabled = asked.answered
        button.tooltip = TEXTS["chosen" if chosen else "not chosen"]
        shown = to_html(option.text)
        if asked.answered and (chosen or option.correct):
            sign = "✓ " if option.correct else "✗ "
            shown = f"{sign}<b>{TEXTS['is right' if option.correct else 'is wrong']}</b> · {shown}"
        if asked.answered and (chosen or asked.explained):
            shown += f'<div class="quiz-why">{to_html(option.why)}</div>'
        text.value = shown

    def _verdict(self, asked):
        question = asked.question
        if not asked.answered:
            return ""
        if question.kind == "open":
            return TEXTS["rated"].format(rating=texts.RATINGS[asked.rating][0])
        if asked.known:
            return f"<b>{TEXTS['right']}</b>"
        letters = ", ".join(LETTERS[place] for place, option in enumerate(asked.options) if option.correct)
        section = html.escape(question.section)
        return f"<b>{TEXTS['wrong'].format(letters=letters, section=section, lesson=question.lesson)}</b>"

    def _show_summary(self):
        total = len(self._asked)
        left = sum(not asked.answered for asked in self._asked)
        right = sum(asked.known for asked in self._asked)
        counted = TEXTS["done"].format(right=right, total=total)
        if left:
            counted += f" {TEXTS['left'].format(left=left)}"
        self._header.value = f"<b>{html.escape(self._title)}</b> · {TEXTS['summary']}"
        rows = "".join(
            f"<li>{to_html(one.prompt)} "
            f"<em>({html.escape(TEXTS['in section'].format(lesson=one.lesson, section=one.section))})</em></li>"
            for one in self._to_review()
        )
        review = f"{TEXTS['to review']}<ol>{rows}</ol>" if rows else TEXTS["all known"]
        self._prompt.value = f"<b>{counted}</b><br>{review}"
        self._status.value = _status(to_html(self._ending()))


def _status(text):
    """A line that screen readers announce."""
    return f'<div role="status">{text}</div>'


def _visible(widget, visible):
    widget.layout.display = None if visible else "none"


def _marked(widget, name, marked):
    (widget.add_class if marked else widget.remove_class)(name)
