"""Tooltips: the first time that a lesson uses a word of an earlier one, the word is a link whose title explains it.

JupyterLab, code hosts and converters show a link's title when the pointer rests on it. Marks are made by a command, never by
hand, so they can be taken out and made anew.
"""

import re
from functools import cache

from course_lib.classroom import notebooks
from course_lib.classroom.glossary import pattern, terms, unmark
from course_lib.classroom.places import GLOSSARY

MOST = 12  # marks in a lesson: more would be noise
BEGINS = "## Overview"  # before it stands what a reader is asked to remember

NO_PROSE = re.compile(
    r"^```.*?^```|^\#.*?$|^\|.*?$|\$\$.*?\$\$|\$[^$\n]+\$|`[^`]+`|!?\[[^]]*\]\([^)]*\)|<[^>]+>|https?://\S+",
    re.DOTALL | re.MULTILINE,
)  # code, headings, tables, formulas, code in a line, links and pictures, tags, addresses


def mark(sources, number):
    """Mark words in a lesson.

    Args:
        sources: the texts of its Markdown cells, in their order.
        number: of the lesson, such as "07".

    Returns:
        The texts with marks; those that were there are made anew.
    """
    sources = [unmark(source) for source in sources]
    begin = next((place for place, source in enumerate(sources) if source.startswith(BEGINS)), len(sources))
    uses = {}  # a term that may be forgotten -> its first use: the cell, the match
    for place, source in enumerate(sources[begin:], begin):
        for found in _uses(source):
            term = _by_word()[_plain(found)]
            if not term.everyday and term.lesson < number:
                uses.setdefault(term.id, (term, place, found))
    oldest = sorted(uses.values(), key=lambda use: use[0].lesson)[:MOST]  # what no lesson teaches comes first
    for term, place, found in sorted(oldest, key=lambda use: use[2].start(), reverse=True):  # from a cell's end
        link = f'[{found[0]}]({GLOSSARY}#cell-id={term.id} "{term.en}")'
        sources[place] = sources[place][: found.start()] + link + sources[place][found.end() :]
    return sources


def marked(path):
    """The text of a lesson's file, its words marked anew.

    Args:
        path: of the lesson.
    """
    notebook = notebooks.read(path)
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    for cell, source in zip(prose, mark([cell.source for cell in prose], path.name[:2]), strict=True):
        cell.source = source
    return notebooks.dumps(notebook)


def _uses(source):
    """The places in the prose of a cell where a word of the glossary stands."""
    prose = NO_PROSE.sub(lambda found: " " * len(found[0]), source)
    return _words().finditer(prose)


@cache
def _by_word():
    """How a term may stand in a text, in small letters -> the term."""
    return {word.lower(): term for term in terms() for word in term.words}


@cache
def _words():
    return re.compile(pattern([word for term in terms() for word in term.words]))


def _plain(found):
    """The word that was found, as `_by_word` has it."""
    return " ".join(found[1].lower().split())
