"""The pen that draws every picture of the lessons: one card, one set of colours, one kind of arrow.

Colours belong to classes: a kind sets `color`, shapes take it as `currentColor`, and the reader's scheme changes it. Text
is always ink, which is readable on the card and on every pale fill.
"""

import re
from html import escape
from math import atan2, cos, pi, sin

from course_lib.colours import CIVIDIS, PALETTE, PALETTE_DARK, SURFACES

WIDTH = 720
KINDS = {"q": "queries", "k": "keys", "v": "values", "c": "context"}
LAMP = CIVIDIS[-1]  # what is lit, in both schemes; its ink is the dark one
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


def _scheme(kinds, surface):
    rules = [f".{short}{{color:{kinds[kind]}}}" for short, kind in KINDS.items()]
    rules += [f".i{{color:{surface['ink']}}}", f".s{{color:{surface['line']}}}"]
    rules += [f".card{{fill:{surface['card']};stroke:{surface['line']}}}"]
    rules += [f"text{{fill:{surface['ink']}}}", f".soft{{fill:{surface['soft']}}}", f".back{{fill:{surface['card']}}}"]
    return "".join(rules)


STYLE = (
    f"text{{font-family:{FONT};font-size:15px;text-anchor:middle}}"
    ".start{text-anchor:start}.end{text-anchor:end}.b{font-weight:600}.x{font-style:italic}"
    + _scheme(PALETTE, SURFACES["light"])
    + f"@media (prefers-color-scheme:dark){{{_scheme(PALETTE_DARK, SURFACES['dark'])}}}"
    + ".f{fill:currentColor}.l{fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round}"
    ".p{fill:currentColor;fill-opacity:.16;stroke:currentColor;stroke-width:1.6}"
    f".o{{fill:none;stroke:currentColor;stroke-width:1.6}}.lit{{fill:{LAMP};stroke:currentColor;stroke-width:1.6}}"
    f".on-dark{{fill:{SURFACES['light']['card']}}}.on-light{{fill:{SURFACES['light']['ink']}}}"
)


def number(value, digits=2):
    """A number as people write it: no nought of its own, a true minus."""
    shown = f"{value:.{digits}f}" if value != int(value) or digits == 2 else f"{int(value)}"
    return shown.replace("-", "−")


def ink_on(stop):
    """Which ink is readable on one of the ten colours of maps."""
    return "on-light" if stop >= 5 else "on-dark"


def _n(value):
    return f"{value:.1f}".removesuffix(".0")


class Picture:
    """One drawing, 720 wide, on a card of its own.

    Args:
        title: what it shows, in a few words; it stands at its top.
        told: the same as one sentence for those who can't see it: the alternative text.
        height: in the same units.
    """

    def __init__(self, title, told, height):
        self.title, self.told, self.height = title, told, height
        self.parts, self.moves = [], []
        if title:
            self.text(24, 36, title, "start b", 17)

    def __str__(self):
        moving = "".join(self.moves)
        if moving:
            moving = f"@media (prefers-reduced-motion:no-preference){{{moving}}}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
            f'viewBox="0 0 {WIDTH} {self.height}" role="img" aria-labelledby="t d">\n'
            f'<title id="t">{escape(self.title)}</title>\n<desc id="d">{escape(self.told)}</desc>\n'
            f"<style>{STYLE}{moving}</style>\n"
            f'<rect class="card" x="1" y="1" width="{WIDTH - 2}" height="{self.height - 2}" rx="14"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )

    def text(self, x, y, words, kind="", size=15):
        """Words; `kind` may hold start, end, soft, b (bold), x (italic), on-dark, on-light. `_Q` is an index of "
        "one letter."""
        style = f' style="font-size:{size}px"' if size != 15 else ""
        index = '<tspan dy="4" style="font-size:13px">\\1</tspan><tspan dy="-4">\u200b</tspan>'
        shown = re.sub(r"_(\w)(?!\w)", index, escape(str(words), quote=False))
        kinds = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text{kinds} x="{_n(x)}" y="{_n(y)}"{style}>{shown}</text>')

    def box(self, x, y, width, height, kind="s p", words="", radius=7, text="", size=15, dash=False):
        """A rounded box with lines of words in its middle."""
        dashed = ' stroke-dasharray="5 4"' if dash else ""
        self.parts.append(
            f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" '
            f'rx="{radius}"{dashed}/>'
        )
        lines = str(words).split("\n") if words != "" else []
        for place, line in enumerate(lines):
            middle = y + height / 2 + size * 0.35 + (place - (len(lines) - 1) / 2) * (size + 2)
            lit = "on-light" if "lit" in kind else ""
            self.text(x + width / 2, middle, line, f"{text} {lit}".strip(), size)

    def line(self, *points, kind="i", width=2.0, dash=False):
        """A line from point to point, as (x, y), without a head."""
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._path(path, kind, width, dash)

    def arrow(self, *points, kind="i", width=2.0, dash=False):
        """An arrow from point to point that ends with its tip exactly at the last one."""
        *before, last, tip = points
        angle = atan2(tip[1] - last[1], tip[0] - last[0])
        size = 7 + width
        end = (tip[0] - (size - 1) * cos(angle), tip[1] - (size - 1) * sin(angle))
        self.line(*before, last, end, kind=kind, width=width, dash=dash)
        self._head(tip, angle, kind, size)

    def curve(self, start, one, two, tip, kind="i", width=2.0, dash=False):
        """A curved arrow with two handles; its tip ends at the last point, coming from the second handle."""
        angle = atan2(tip[1] - two[1], tip[0] - two[0])
        size = 7 + width
        end = (tip[0] - (size - 1) * cos(angle), tip[1] - (size - 1) * sin(angle))
        points = " ".join(f"{_n(x)} {_n(y)}" for x, y in (one, two, end))
        self._path(f"M{_n(start[0])} {_n(start[1])}C{points}", kind, width, dash)
        self._head(tip, angle, kind, size)

    def circle(self, x, y, radius, kind="s p", words="", size=15):
        """A circle with a sign in it."""
        self.parts.append(f'<circle class="{kind}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>')
        if words:
            self.text(x, y + size * 0.35, words, "", size)

    def plus(self, x, y, radius=12):
        """A circle in which two things are added."""
        self.circle(x, y, radius, "card")
        self.circle(x, y, radius, "i o")
        self.line((x - 5, y), (x + 5, y))
        self.line((x, y - 5), (x, y + 5))

    def grid(self, x, y, rows, columns, cell=(14, 14), kind="s", shades=None, lines=""):
        """Cells of one kind; `shades` are how strongly each is filled, of 0 to 1; `lines` is the kind of their lines."""
        width, height = cell
        self.group(f"{kind} f")
        if shades is None:
            outline = f"M{_n(x)} {_n(y)}h{_n(columns * width)}v{_n(rows * height)}h{_n(-columns * width)}z"
            self.parts.append(f'<path fill-opacity=".16" d="{outline}"/>')
        else:
            levels = {}  # one path for all cells of a shade: small files
            for row in range(rows):
                for column in range(columns):
                    place = f"M{_n(x + column * width)} {_n(y + row * height)}h{width}v{height}h-{width}z"
                    levels.setdefault(round(20 * float(shades[row][column])) / 20, []).append(place)
            for level, cells in levels.items():
                self.parts.append(f'<path fill-opacity="{level:g}" d="{"".join(cells)}"/>')
        self.end()
        edges = [f"M{_n(x + c * width)} {_n(y)}v{_n(rows * height)}" for c in range(columns + 1)]
        edges += [f"M{_n(x)} {_n(y + r * height)}h{_n(columns * width)}" for r in range(rows + 1)]
        self._path("".join(edges), lines or kind, 1.4)

    def numbers(self, x, y, table, cell=(40, 28), kind="s", digits=0, size=14):
        """A grid with the numbers of a table in its cells."""
        self.grid(x, y, len(table), len(table[0]), cell, kind)
        for row, line in enumerate(table):
            for column, value in enumerate(line):
                self.text(
                    x + (column + 0.5) * cell[0],
                    y + (row + 0.5) * cell[1] + size * 0.36,
                    number(value, digits),
                    "",
                    size,
                )

    def heat(self, x, y, weights, cell=(40, 28), digits=None, size=14):
        """A map of weights in the colours that all maps of the course have, with their numbers if `digits` says "
        "how exact."""
        for row, line in enumerate(weights):
            for column, weight in enumerate(line):
                stop = min(9, max(0, round(float(weight) * 9)))
                left, top = x + column * cell[0], y + row * cell[1]
                self.parts.append(
                    f'<rect fill="{CIVIDIS[stop]}" x="{_n(left)}" y="{_n(top)}" width="{cell[0]}" height="{cell[1]}"/>'
                )
                if digits is not None:
                    ink = ink_on(stop)
                    self.text(left + cell[0] / 2, top + cell[1] / 2 + size * 0.36, number(weight, digits), ink, size)
        self.box(x, y, len(weights[0]) * cell[0], len(weights) * cell[1], "i o", radius=0)

    def group(self, name=""):
        """Begin a group, which may move; `end` ends it."""
        self.parts.append(f'<g class="{name}">' if name else "<g>")

    def end(self):
        """End the group begun last."""
        self.parts.append("</g>")

    def appears(self, name, step, steps, seconds):
        """Let a group appear at its step and stay until all have come, three times; then it all stands still.

        Who wants no motion sees it stand still at once, wherever the browser tells pictures so.
        """
        at = 100 * step / (steps + 2)  # the whole stands for two steps
        if step == 0:
            frames = "0%,95%{opacity:1}98%{opacity:.1}100%{opacity:1}"
        else:
            frames = f"0%,{at:.0f}%{{opacity:.1}}{at + 4:.0f}%,95%{{opacity:1}}100%{{opacity:.1}}"
        self.moves.append(f"@keyframes {name}{{{frames}}}.{name}{{animation:{name} {seconds}s ease-in-out 3}}")

    def _path(self, path, kind, width=2.0, dash=False):
        style = f' style="stroke-width:{_n(width)}"' if width != 2 else ""
        dashed = ' stroke-dasharray="5 5"' if dash else ""
        self.parts.append(f'<path class="{kind} l" d="{path}"{style}{dashed}/>')

    def _head(self, tip, angle, kind, size):
        wings = [(tip[0] - size * cos(angle + side), tip[1] - size * sin(angle + side)) for side in (pi / 7, -pi / 7)]
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in (tip, *wings))
        self.parts.append(f'<polygon class="{kind} f" points="{points}"/>')
