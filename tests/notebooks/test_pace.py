"""Every lesson has a core that fits a tired evening, and something to do in it every few minutes.

The core is all that no heading "Dig deeper" folds. Its minutes are those of reading and running: 200 words of prose a minute,
30 seconds for a code cell, 20 for a question. `python -m tests.notebooks.test_pace` prints each lesson's.
"""

import json
import re

import pytest

from course_lib.classroom.copies import FOLDED
from tests.notebooks.collection import cells, name, paths
from tests.notebooks.test_form import words

LESSONS = [path for path in paths("notebooks") if path.name[:2].isdigit()]
MOST_CELLS = 80
MOST_MINUTES = 45
LONGEST_STRETCH = 20  # cells between two things to do
WORDS_A_MINUTE, MINUTES_A_CELL, MINUTES_A_GUESS = 200, 1 / 2, 1 / 3
STATED = re.compile(r"\*\*Time:\*\*\D*(\d+) minutes(?:.*?with everything (\d+))?", re.S)


def core(path):
    """The cells of a lesson that are not folded as its learner's copy is opened, its recap included."""
    folded, kept = None, []
    for cell in cells(path):
        heading = re.match(r"(#+) ", cell["source"]) if cell["cell_type"] == "markdown" else None
        if heading and folded and len(heading[1]) <= folded:
            folded = None
        fold = heading and FOLDED.match(cell["source"])
        if fold and fold[1] == "Dig deeper":
            folded = len(heading[1])
        if not folded:
            kept.append(cell)
    return kept


def minutes(some):
    """How long these cells take to read and to run."""
    prose = sum(words(cell["source"]) for cell in some if cell["cell_type"] == "markdown")
    guesses = sum(is_guess(cell) for cell in some)
    code = sum(cell["cell_type"] == "code" for cell in some) - guesses
    return prose / WORDS_A_MINUTE + code * MINUTES_A_CELL + guesses * MINUTES_A_GUESS


def is_guess(cell):
    return cell["cell_type"] == "code" and cell["source"].startswith("guess(")


def is_done(cell):
    """Whether a cell asks for something that is judged: a guess, an exercise, a widget's goal, a quiz."""
    return cell["cell_type"] == "code" and bool(re.match(r"(guess|your_turn|quiz)\(|.*\bgoal=", cell["source"], re.S))


def stretches(some):
    """How many cells lie between two things to do, one after the other."""
    lengths = [0]
    for cell in some:
        if is_done(cell):
            lengths.append(0)
        else:
            lengths[-1] += 1
    return lengths


def stated(path):
    """The minutes that a lesson names for its core and for everything; None where it names no second number."""
    found = STATED.search(cells(path)[0]["source"])
    return [number and int(number) for number in found.groups()]


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_a_core_fits_an_evening(path):
    kept = core(path)
    assert len(kept) <= MOST_CELLS
    assert minutes(kept) <= MOST_MINUTES
    assert max(stretches(kept)) <= LONGEST_STRETCH


@pytest.mark.parametrize("path", [path for path in LESSONS if path.name[:2] > "00"], ids=name)
def test_the_minutes_stated_are_the_minutes_measured(path):
    least, most = stated(path)
    assert abs(least - minutes(core(path))) <= 3
    assert abs(most - minutes(cells(path))) <= 5


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_a_guess_is_followed_by_what_it_covers(path):
    for guess, covered in zip(cells(path), cells(path)[1:], strict=False):
        leads_on = covered["cell_type"] == "markdown" and re.search(r"^#+ ", covered["source"], re.M)
        assert not is_guess(guess) or not (leads_on or is_guess(covered)), guess["id"]


def test_what_digs_deeper_is_not_core(tmp_path):
    sources = ["# 1", "### Dig deeper: more", "more", "#### even more", "### back", "## Recap", "all of it"]
    notebook = [{"cell_type": "markdown", "id": text, "source": [text]} for text in sources]
    path = tmp_path / "01_a.ipynb"
    path.write_text(json.dumps({"cells": notebook}))
    assert [cell["id"] for cell in core(path)] == ["# 1", "### back", "## Recap", "all of it"]


if __name__ == "__main__":
    for path in LESSONS:
        kept, whole = core(path), cells(path)
        sizes = f"{len(kept):3} of {len(whole):3} cells, {minutes(kept):3.0f} of {minutes(whole):3.0f} minutes"
        print(f"{path.name[:2]}: {sizes}, at most {max(stretches(kept))} cells without something to do")
