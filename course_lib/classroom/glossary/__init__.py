"""The words of the field, each explained once, in three languages: `terms.toml` is their only source.

It becomes a page beside the lessons (`page.py`), one of the home (`home/templates/glossary.html`), and the tooltips on words
that a reader may have forgotten (`marks.py`).
"""

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from course_lib.classroom import files, notebooks, places
from course_lib.classroom.practice.outlines import outline

SOURCE = Path(__file__).parent / "terms.toml"
MARK = re.compile(rf'\[((?:[^][]|\[[^][]*\])+)\]\({re.escape(places.GLOSSARY)}#[^ )]+ "[^"]*"\)')  # in a lesson

TEXTS = {"place": "lesson {lesson}, {heading}"}


@dataclass(frozen=True)
class Term:
    """A word of the field.

    Attributes:
        name, other: as it stands in a text, and how else it does.
        en: its explanation in plain words.
        bg, ru: its usual name in Bulgarian and in Russian, and a sentence in that language.
        lesson: the number of the lesson that teaches it; "" where none does.
        under: the cell that does so, where it is not the one that stresses the word first.
        everyday: whether lessons never mark it.
    """

    name: str
    en: str
    bg: list
    ru: list
    other: tuple = ()
    lesson: str = ""
    under: str = ""
    everyday: bool = False

    @property
    def id(self):
        """What an address calls it."""
        return re.sub(r"[^a-z0-9_]+", "-", self.name.lower()).strip("-")

    @property
    def words(self):
        """How it may stand in a text."""
        return (self.name, *self.other)

    @property
    def cell(self):
        """The cell of its lesson that teaches it, or ""."""
        return self.under or (_taught_in(self) if self.lesson else "")

    @property
    def place(self):
        """Where it is taught, in words; "" where no lesson teaches it."""
        if not self.lesson:
            return ""
        heading = outline(places.lesson_path("notebooks", self.lesson)).headings.get(self.cell, "")
        return TEXTS["place"].format(lesson=self.lesson, heading=heading)


@cache
def topics():
    """All terms, in the order of the path: title of a topic -> its `Term`s."""
    found = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["topic"]
    return {
        topic["title"]: [Term(**term | {"other": tuple(term.get("other", ()))}) for term in topic["term"]]
        for topic in found
    }


def terms():
    """All terms in one list."""
    return [term for some in topics().values() for term in some]


def pattern(words: Iterable[str]):
    """A pattern for any of these words: also in the plural or with a capital letter, and not as a part of a longer one."""
    either = [
        rf"[{word[0]}{word[0].upper()}]{re.escape(word[1:])}" if word[0].islower() else re.escape(word)
        for word in sorted(words, key=len, reverse=True)
    ]
    return rf"(?<![\w-])({'|'.join(either)})s?(?![\w-])".replace(r"\ ", r"\s")


def unmark(source):
    """The text of a lesson's cell without the marks that `marks.py` makes."""
    return MARK.sub(r"\1", source)


def _taught_in(term):
    """The cell of its lesson that has the word in the heading of a step, or else stresses it first, or else says it."""
    path = places.lesson_path("notebooks", term.lesson)
    prose, said = _teaching(path, path.stat().st_mtime_ns), pattern(term.words)
    wanted = [re.compile(way + said, re.MULTILINE) for way in (r"^#+ (?!Dig deeper).*", r"\*\*", r"\*", r"^#.*", "")]
    return next((id for way in wanted for id, source in prose if way.search(source)), "")


@lru_cache(maxsize=32)
def _teaching(path, _changed):
    """The prose in which a lesson teaches, its list of key concepts last: (id of a cell, source)."""
    cells = json.loads(notebooks.read_text(path))["cells"]
    prose = [(cell.get("id", ""), unmark("".join(cell["source"]))) for cell in cells if cell["cell_type"] == "markdown"]
    key, steps, end = (
        next((number for number, (_, source) in enumerate(prose) if source.startswith(f"## {heading}")), 0)
        for heading in ("Key concepts", "Step by step", "Retrieval quiz")
    )
    return prose[steps:end] + prose[key:steps]


def renew(*, check=False):
    """Make the glossary's page, and mark words in all lessons.

    Args:
        check: whether to only say what would change.

    Returns:
        The paths that changed, or would, as they are shown.
    """
    from course_lib.classroom.glossary.marks import marked
    from course_lib.classroom.glossary.page import page

    folder = places.course_root() / "notebooks"
    made = {folder / places.GLOSSARY: page()}
    made |= {path: marked(path) for name in places.lessons() if (path := folder / f"{name}.ipynb").exists()}
    different = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if not check:
        for path in different:
            files.replace(path, made[path])
    return [places.shown(path) for path in different]
