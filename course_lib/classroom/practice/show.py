"""How verdicts, hints and solutions look, in a notebook (HTML that follows the theme) and in a terminal (plain text).

Whatever comes from the learner is text: it is escaped wherever HTML is made, and a page leaves its dollar signs alone.
"""

import difflib
import itertools
import re
import sys
from html import escape

import numpy as np

from course_lib.classroom.practice.pictures import SHOWN, Picture, picture_html
from course_lib.printable import printable

EMPHASIS = re.compile(r"(?<![\w*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])")  # and no product
HEADINGS = {
    "passed": "Passed",
    "failed": "Not yet",
    "unattempted": "Not attempted",
    "error": "An error in your code",
    "borrowed": "Borrowed",
}
COLOURS = {  # border and heading; the words say the same, so that colour is never the only sign
    "passed": "var(--jp-success-color1, #2e7d32)",
    "failed": "var(--jp-warn-color1, #b35900)",
    "unattempted": "var(--jp-ui-font-color2, #666)",
    "error": "var(--jp-error-color1, #c62828)",
    "borrowed": "var(--jp-warn-color1, #b35900)",
}
TEXTS = {
    "yours": "yours",
    "expected": "expected",
    "about": "Shown on {about}:",
    "input": "Shown on this input:",
    "function": "a function",
    "hint": "For a hint: `check.{name}.hint()`",
    "printed": "What your function printed",
    "your lines": "Your lines, the last one raised:",
    "points": "{points} point{s}",
    "last hint": "That was the last hint. `check.{name}.solution()` shows the solution.",
    "next hint": "One more: `check.{name}.hint()`",
}

PANEL = (
    "border-left:4px solid {colour};padding:.5em 1em;margin:.3em 0;background:var(--jp-layout-color1,transparent);"
    "color:var(--jp-content-font-color1,inherit);font-family:var(--jp-content-font-family,sans-serif);line-height:1.45"
)
NO_MATHEMATICS = "mathjax_ignore tex2jax_ignore"  # to MathJax from 3 on, and to the older one of exported pages
CODE = "margin:.4em 0;padding:.5em .7em;overflow:auto;white-space:pre;background:var(--jp-layout-color2,rgba(127,127,127,.12))"
SHOWN_DEEP = 16  # numbers of an array of more than two axes that are shown


def in_notebook():
    """Whether a kernel runs this, so that a page shows what is displayed."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def display(thing):
    """Show something rich in a notebook, its plain text elsewhere."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import display as show_rich

        show_rich(thing)
    else:
        print(thing)


class Panel:
    """Something with a text form (`__str__`) and an HTML form (`html`)."""

    def html(self):
        raise NotImplementedError

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/html": self.html()}


def _panel(outcome, content):
    return f'<div class="{NO_MATHEMATICS}" style="{PANEL.format(colour=COLOURS[outcome])}">{content}</div>'


class Note(Panel):
    """One sentence."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text

    def html(self):
        return _panel("unattempted", escape(self.text))


class Hints(Panel):
    """The first hints of an exercise."""

    def __init__(self, exercise, number):
        self.exercise = exercise
        self.number = number
        self.more = TEXTS["next hint" if number < len(exercise.hints) else "last hint"].format(
            name=exercise.function_name
        )

    def __str__(self):
        shown = self.exercise.hints[: self.number]
        return "\n".join([*(f"Hint {i}: {hint}" for i, hint in enumerate(shown, 1)), self.more])

    def html(self):
        rows = "".join(f"<li>{inline_code(hint)}</li>" for hint in self.exercise.hints[: self.number])
        head = f"<b>Hints: {escape(self.exercise.title)}</b>"
        return _panel("unattempted", f'{head}<ol style="margin:.3em 0">{rows}</ol>{_by_hand(self.more)}')


class Code(Panel):
    """A titled piece of Python."""

    def __init__(self, title, source):
        self.title = title
        self.source = source

    def __str__(self):
        return f"{self.title}\n\n{self.source}"

    def html(self):
        code = f'<pre style="{CODE}">{escape(self.source)}</pre>'
        return _panel("unattempted", f"<b>{escape(self.title)}</b>{code}")


class Comparison(Panel):
    """Two sources side by side."""

    def __init__(self, title, theirs, solution):
        self.title = title
        self.theirs = printable(theirs)
        self.solution = solution

    def __str__(self):
        lines = difflib.unified_diff(
            self.theirs.splitlines(), self.solution.splitlines(), TEXTS["yours"], "solution", lineterm=""
        )
        return "\n".join(lines) or "Yours is the solution, to the letter."

    def html(self):
        rows = "".join(
            f"<tr>{_line(left, mark in '|<', 'left')}{_line(right, mark in '|>', 'right')}</tr>"
            for mark, left, right in side_by_side(self.theirs, self.solution)
        )
        head = "".join(
            f'<th style="text-align:left">{escape(name)}</th>'
            for name in (f"{TEXTS['yours']}: {self.title}", "solution")
        )
        table = f'<table style="border-collapse:collapse;color:inherit"><tr>{head}</tr>{rows}</table>'
        return _panel("unattempted", f'<div style="overflow:auto">{table}</div>')


def side_by_side(theirs, solution):
    """Align two pieces of code, line by line.

    Args:
        theirs, solution: source code.

    Returns:
        A list of (mark, left, right): mark is " " for equal lines, "|" for different ones, "<" and ">" for a line that
        only the left or only the right has.
    """
    left, right = theirs.splitlines(), solution.splitlines()
    rows = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for one, other in itertools.zip_longest(left[a:b], right[c:d]):
            mark = " " if kind == "equal" else "<" if other is None else ">" if one is None else "|"
            rows.append((mark, one or "", other or ""))
    return rows


def _line(text, changed, side):
    """One line of a comparison; a line that the other side has not is tinted and barred."""
    tint = "214,130,60" if side == "left" else "60,130,214"
    mark = (
        f"background:rgba({tint},.18);border-left:3px solid rgb({tint})"
        if changed
        else "border-left:3px solid transparent"
    )
    return (
        f'<td style="{mark};text-align:left;vertical-align:top;padding:0 .8em 0 .5em;width:50%;white-space:pre-wrap;'
        f'overflow-wrap:anywhere;font-family:var(--jp-code-font-family,monospace)">{escape(text)}</td>'
    )


def result_line(result):
    """The verdict in a few words: all that the notebook's exception shows, since the panel above it says the rest."""
    return f"{HEADINGS[result.outcome]}: {result.exercise}{f' [{result.diagnosis}]' if result.diagnosis else ''}"


def has_hint(result):
    """Whether a hint can help: the function is not right yet."""
    return result.judged and result.outcome in ("failed", "error")


def _by_hand(text):
    """What one can type; left out where a button does it."""
    return f'<div class="course-by-hand">{inline_code(text)}</div>'


def result_text(result):
    """A verdict for the terminal."""
    parts = [result_line(result) if result.passed else f"{result_line(result)}. {result.message}"]
    if result.lines:
        parts += [TEXTS["your lines"], *(f"  {line}" for line in result.lines)]
    if result.why:
        parts.append(result.why)
    if result.inputs:
        parts.append(TEXTS["about"].format(about=result.about) if result.about else TEXTS["input"])
        lines = (_input_line(*argument) for argument in result.inputs.items())
        parts += ["  " + line.replace("\n", "\n  ") for line in lines]
    if result.got is not None and result.expected is not None:
        picture = Picture(result.got, result.expected)
        parts += [
            *picture.facts,
            f"{TEXTS['yours']}:",
            _input_text(picture.got),
            f"{TEXTS['expected']}:",
            _input_text(picture.expected),
        ]
    if result.printed:
        parts += [f"{TEXTS['printed']}:", result.printed]
    if has_hint(result):
        parts.append(TEXTS["hint"].format(name=result.exercise.partition(".")[2]))
    if result.note:
        parts.append(printable(result.note))
    return "\n".join(parts)


def result_html(result):
    """A verdict for the notebook: what is wrong, theirs beside the expected, where to get a hint."""
    name = result.exercise.partition(".")[2]
    worth = TEXTS["points"].format(points=result.points, s="s" * (result.points != 1))
    parts = [
        f'<b style="color:{COLOURS[result.outcome]}">{HEADINGS[result.outcome]}</b>: {escape(result.title)}'
        f"{f' ({worth})' if result.passed else ''}"
    ]
    if not result.passed:
        parts.append(f'<div style="margin:.3em 0">{inline_code(result.message)}</div>')
    if result.lines:
        lines = escape("\n".join(result.lines))
        parts.append(f'<div>{TEXTS["your lines"]}</div><pre style="{CODE}">{lines}</pre>')
    if result.why:
        parts.append(f'<div style="margin:.3em 0">{inline_code(result.why)}</div>')
    if result.inputs:
        parts.append(_inputs_html(result))
    if result.got is not None and result.expected is not None:
        parts.append(picture_html(Picture(result.got, result.expected), result.what))
    if result.printed:
        parts.append(
            f'<details><summary>{TEXTS["printed"]}</summary><pre style="{CODE}">{escape(result.printed)}</pre></details>'
        )
    if has_hint(result):
        parts.append(_by_hand(TEXTS["hint"].format(name=name)))
    if result.note:
        parts.append(f"<div>{escape(printable(result.note))}</div>")
    diagnosis = f' data-diagnosis="{escape(result.diagnosis)}"' if result.diagnosis else ""
    return _panel(result.outcome, f'<div data-outcome="{result.outcome}"{diagnosis}>{"".join(parts)}</div>')


def _input_text(value):
    """An input in one or a few short lines: small arrays whole, large ones by their shape, functions by their name."""
    if callable(value):
        return (value.__doc__ or TEXTS["function"]).strip().partition("\n")[0]
    if isinstance(value, (list, tuple)):
        text = ", ".join(_input_text(part) for part in value)
        return f"[{text}]" if isinstance(value, list) else f"({text})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_in_short(part)}" for key, part in value.items()) + "}"
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.size > (SHOWN**2 if value.ndim <= 2 else SHOWN_DEEP):
        return f"{value.dtype.name.rstrip('0123456789')} array of shape {value.shape}"
    with np.printoptions(precision=3 if value.size <= 12 else 2, suppress=True, linewidth=100):
        return np.array2string(value, separator=", ")


def _in_short(value):
    return f"array of shape {value.shape}" if isinstance(value, np.ndarray) and value.ndim else _input_text(value)


def _input_line(name, value):
    """An argument and its value; the rows of an array stand below each other."""
    return f"{name} = " + _input_text(value).replace("\n", "\n" + " " * len(f"{name} = "))


def _inputs_html(result):
    """The input on which an answer failed, one argument a line."""
    head = TEXTS["about"].format(about=result.about) if result.about else TEXTS["input"]
    lines = "\n".join(_input_line(*argument) for argument in result.inputs.items())
    return f'<div>{escape(head)}</div><pre style="{CODE}">{escape(lines)}</pre>'


def inline_code(text):
    """Escaped text in which `…` is code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def marked_up(text):
    """Escaped text in which `…` is code and *…* is emphasis."""
    parts = re.split(r"(<code>.*?</code>)", inline_code(text))
    return "".join(part if i % 2 else EMPHASIS.sub(r"<em>\1</em>", part) for i, part in enumerate(parts))
