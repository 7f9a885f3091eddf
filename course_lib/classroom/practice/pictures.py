"""An answer beside the expected one, as two small matrices, and what there is to say of their difference."""

from html import escape

import numpy as np

from course_lib.classroom.practice.answers import largest_difference
from course_lib.colours import CIVIDIS

SHOWN = 10  # rows and columns of a matrix that a picture shows

TEXTS = {
    "yours": "yours",
    "expected": "expected",
    "difference": "Largest difference: {size:.4g}, in {place}: yours is {got}, expected {expected}.",
    "one place": "In {place}, yours is {got}, expected {expected}.",
    "kinds": "The values are the same; yours are of the type {kind}, expected {right}.",
    "one number": "Yours is {got}, expected {expected}.",
    "shapes": "Shapes: yours is {got}, expected {expected}.",
    "shown": "Shown: {what}.",
}


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


def _number(value, digits=3):
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(value)
    return f"{value:.{digits}g}" if np.isfinite(value) else str(float(value))


def _apart(one, other):
    """Two numbers with as few digits as tell them apart."""
    texts = ((_number(one, digits), _number(other, digits)) for digits in range(3, 18))
    return next((pair for pair in texts if pair[0] != pair[1]), (_number(one), _number(other)))


def picture_html(picture, what):
    """A `Picture` as two tables.

    Args:
        picture: a `Picture`.
        what: what the values are, such as "weights".
    """
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
