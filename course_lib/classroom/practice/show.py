"""How verdicts, hints and solutions look, in a notebook (HTML that follows the theme) and in a terminal (plain text).

Whatever comes from the learner is text: it is escaped wherever HTML is made, and a page leaves its dollar signs alone.
"""

import difflib
import itertools
import sys
from html import escape

import numpy as np

from course_lib.classroom.practice.answers import largest_difference
from course_lib.colours import CIVIDIS
from course_lib.printable import printable

SHOWN = 10  # rows and columns of a matrix that a picture shows

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
    "difference": "Largest difference: {size:.4g}, in {place}: yours is {got}, expected {expected}.",
    "one place": "In {place}, yours is {got}, expected {expected}.",
    "kinds": "The values are the same; yours are of the type {kind}, expected {right}.",
    "one number": "Yours is {got}, expected {expected}.",
    "shapes": "Shapes: yours is {got}, expected {expected}.",
    "shown": "Shown: {what}.",
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
CODE = "margin:.4em 0;padding:.5em .7em;overflow:auto;background:var(--jp-layout-color2,rgba(127,127,127,.12))"


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
        f'<td style="{mark};text-align:left;vertical-align:top;padding:0 1.2em 0 .5em;white-space:pre;'
        f'font-family:var(--jp-code-font-family,monospace)">{escape(text)}</td>'
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
    about = f' <code style="opacity:.75">{escape(result.diagnosis)}</code>' if result.diagnosis else ""
    parts = [
        f'<b style="color:{COLOURS[result.outcome]}">{HEADINGS[result.outcome]}</b>: {escape(result.title)}'
        f"{f' ({worth})' if result.passed else ''}{about}"
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
        parts.append(_picture_html(Picture(result.got, result.expected), result.what))
    if result.printed:
        parts.append(
            f'<details><summary>{TEXTS["printed"]}</summary><pre style="{CODE}">{escape(result.printed)}</pre></details>'
        )
    if has_hint(result):
        parts.append(_by_hand(TEXTS["hint"].format(name=name)))
    if result.note:
        parts.append(f"<div>{escape(printable(result.note))}</div>")
    return _panel(result.outcome, f'<div data-outcome="{result.outcome}">{"".join(parts)}</div>')


class Picture:
    """Two arrays cut down to what can be drawn: two axes, at most SHOWN rows and columns, round the largest difference.

    Args:
        got, expected: arrays of numbers or booleans, of any shapes.

    Attributes:
        got, expected: matrices to draw.
        facts: sentences about the difference and about what is left out.
    """

    def __init__(self, got, expected):
        got, expected = np.asarray(got), np.asarray(expected)
        if got.shape != expected.shape or got.size == 0:
            self.facts = [TEXTS["shapes"].format(got=got.shape, expected=expected.shape)]
            place = None
        else:
            place, size = largest_difference(got, expected)
            where = f"[{', '.join(map(str, place))}]"
            if not size:
                kind = "kinds"
            else:
                kind = "one place" if got.dtype.kind == "b" or not np.isfinite(size) else "difference"
            text = TEXTS[kind if place or kind == "kinds" else "one number"]
            one, other = _apart(got[place], expected[place])
            told = {"size": size, "place": where, "got": one, "expected": other}
            self.facts = [text.format(**told, kind=got.dtype, right=expected.dtype)]
            if got.ndim > 2:
                self.facts.append(TEXTS["shown"].format(what=f"[{', '.join(map(str, place[:-2]))}, :, :]"))
        self.got, self.expected = (_matrix(array, place) for array in (got, expected))


def _matrix(array, place):
    """The matrix of an array that holds `place`, cut to SHOWN rows and columns round it."""
    place = place or (0,) * array.ndim
    while array.ndim > 2 and len(array):
        array, place = array[place[0]], place[1:]
    array, place = np.atleast_2d(array), (0, 0)[: 2 - len(place)] + place
    starts = [
        max(0, min(index - SHOWN // 2, length - SHOWN)) for index, length in zip(place, array.shape, strict=False)
    ]
    return array[starts[0] : starts[0] + SHOWN, starts[1] : starts[1] + SHOWN]


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
    if value.size > SHOWN**2:
        return f"{value.dtype} array of shape {value.shape}"
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


def _number(value, digits=3):
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(value)
    return f"{value:.{digits}g}" if np.isfinite(value) else str(float(value))


def _apart(one, other):
    """Two numbers with as few digits as tell them apart."""
    texts = ((_number(one, digits), _number(other, digits)) for digits in range(3, 18))
    return next((pair for pair in texts if pair[0] != pair[1]), (_number(one), _number(other)))


def _picture_html(picture, what):
    values = np.concatenate([np.asarray(m, float).ravel() for m in (picture.got, picture.expected)])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    same = picture.got.shape == picture.expected.shape
    wrong = ~np.isclose(picture.got.astype(float), picture.expected.astype(float), atol=1e-3) if same else None
    tables = "".join(
        _table(matrix, f"{what}, {TEXTS[side]}", low, high, wrong if side == "yours" else None)
        for matrix, side in ((picture.got, "yours"), (picture.expected, "expected"))
    )
    facts = "".join(f"<div>{escape(fact)}</div>" for fact in picture.facts)
    return f'<div style="display:flex;flex-wrap:wrap;gap:1.5em;margin:.5em 0">{tables}</div>{facts}'


def _table(matrix, caption, low, high, wrong):
    rows = "".join(
        "<tr>" + "".join(_cell(v, low, high, wrong is not None and wrong[i, j]) for j, v in enumerate(row)) + "</tr>"
        for i, row in enumerate(matrix)
    )
    return (
        '<table style="color:inherit;border-collapse:separate;border-spacing:2px;margin:0;font-variant-numeric:tabular-nums">'
        f'<caption style="color:inherit;white-space:nowrap;text-align:left;font-weight:600;caption-side:top">{escape(caption)}</caption>{rows}</table>'
    )


def _cell(value, low, high, wrong):
    if np.isfinite(value):
        share = (float(value) - low) / (high - low) if high > low else 0.5
        colour = CIVIDIS[round(share * (len(CIVIDIS) - 1))]
        ink = "#000" if share > 0.55 else "#fff"
    else:
        colour, ink = "transparent", "inherit"
    # A dashed outline marks what differs, so that the mark does not depend on colour.
    mark = "outline:2px dashed var(--jp-warn-color1,#d55e00);outline-offset:-2px;" if wrong else ""
    return (
        f'<td style="background:{colour};color:{ink};{mark}text-align:center;min-width:3.2em;padding:.25em .4em">'
        f"{_number(value)}</td>"
    )


def inline_code(text):
    """Escaped text in which `…` is code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
