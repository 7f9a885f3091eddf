"""What a notebook says of itself: its title, how long it takes, what stands under which heading."""

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache

from course_lib.classroom import notebooks

TITLE = re.compile(r"^# (?:\d\d · )?(.+)$", re.M)
HEADING = re.compile(r"^#{1,4} (.+)$", re.M)
TIME = re.compile(r"\*\*Time:\*\*\D*(\d+) minutes")
YOUR_TURN = re.compile(r"^your_turn\(([^)]*)\)", re.M)
EXERCISE = re.compile(r"[\"'](\d\d\.\w+)[\"']")
TASKS_TIME = re.compile(r"(\d+) (?:minutes )?for the exercises")


@dataclass(frozen=True)
class Outline:
    """What a notebook says of itself: its title, the minutes it takes, under which heading each cell stands, what it asks for."""

    title: str = ""
    minutes: int = 0
    headings: dict = field(default_factory=dict)  # id of a cell -> heading
    asked: dict = field(default_factory=dict)  # id of an exercise -> id of the cell that asks for it with `your_turn`

    def top_of(self, cell):
        """The id of the first cell under the heading under which a cell stands; "" for a cell that is not there."""
        heading = self.headings.get(cell)
        return next((id for id, other in self.headings.items() if other == heading), "") if heading else ""


def outline(path):
    """Read what a notebook says of itself; an empty `Outline` where it can't be read.

    Args:
        path: the file.
    """
    try:
        seen = path.stat()
        return _outline(path, seen.st_mtime_ns, seen.st_size)
    except (OSError, ValueError, TypeError, AttributeError):  # the last two: JSON of another form
        return Outline()


@lru_cache(maxsize=128)
def _outline(path, _changed, _size):
    headings, asked, heading, text = {}, {}, "", ""
    for cell in json.loads(notebooks.read_text(path)).get("cells", []):
        source = "".join(cell.get("source", ""))
        if cell.get("cell_type") == "markdown":
            text = text or source
            heading = re.sub(r"[*`$]", "", (HEADING.findall(source) or [heading])[-1])
        for asking in YOUR_TURN.findall(source):
            asked = dict.fromkeys(EXERCISE.findall(asking), str(cell.get("id", ""))) | asked  # the first cell that asks
        headings[str(cell.get("id", ""))] = heading
    title, times = TITLE.search(text), [*TIME.findall(text)[:1], *TASKS_TIME.findall(text)[:1]]
    return Outline(title[1].strip() if title else "", sum(map(int, times)), headings, asked)
