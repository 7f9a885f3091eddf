"""Every headline sentence of a lesson names its control, and the numbers in it are those that a cell prints.

`claims/NN.toml` lists them, one `[[claim]]` each:

- `cell`: the Markdown cell where it stands, or "question:05.why-positions" for a quiz question;
- `says`: the claim in a sentence;
- `control`: what would be seen if it were false, and what was run to see;
- `shown`: the code cells whose kept output shows both;
- `numbers`: numbers in the prose of `cell`, each of which one of these outputs prints.
"""

import json
import re
import tomllib
from html import unescape

import pytest

from course_lib.classroom.glossary import unmark
from course_lib.classroom.review.questions import load_questions
from tests.notebooks.collection import ROOT, cells, paths, texts

CLAIMS = ROOT / "tests" / "notebooks" / "claims"
LISTED = sorted(CLAIMS.glob("*.toml"))
KEYS = {"cell", "says", "control", "shown", "numbers"}
QUESTION = "question:"


def claims(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))["claim"]


def lesson(path):
    """The cells of the lesson that a file of claims is about, by their ids."""
    (found,) = [one for one in paths("notebooks") if one.name.startswith(f"{path.stem}_")]
    return {cell["id"]: cell for cell in cells(found)}


def prose(claim, known):
    """The text in which a claim stands."""
    if claim["cell"].startswith(QUESTION):
        id = claim["cell"].removeprefix(QUESTION)
        (question,) = [one for one in load_questions(id[:2]) if one.id == id]
        return str(question)
    return unmark(known[claim["cell"]]["source"])


def numbers(text):
    """Every number in a text, as it is written; a comma between thousands is none."""
    return set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3}\b)", "", unescape(text))))


def printed(claim, known):
    """Every number in the outputs that show a claim, pictures' text alternatives included."""
    found = set()
    for cell in claim["shown"]:
        for text in texts(known[cell]):
            found |= numbers(text)
        found |= numbers(json.dumps(known[cell]["metadata"].get("alt", "")))
    return found


@pytest.mark.parametrize("path", LISTED, ids=lambda path: path.stem)
def test_claims_have_a_control_and_print_their_numbers(path):
    known, wrong = lesson(path), []
    for claim in claims(path):
        where = claim["cell"]
        assert claim.keys() <= KEYS and {"cell", "says", "control", "shown"} <= claim.keys(), claim
        assert len(claim["control"].split()) >= 5, f"{where}: what would be seen if it were false?"
        assert claim["shown"] and all(known[cell]["outputs"] for cell in claim["shown"]), f"{where}: shown by nothing"
        asked, said, seen = set(claim.get("numbers", ())), numbers(prose(claim, known)), printed(claim, known)
        wrong += [f"{where}: {number} is not in the prose" for number in sorted(asked - said)]
        wrong += [f"{where}: {number} is printed by none of {claim['shown']}" for number in sorted(asked - seen)]
    assert wrong == []


@pytest.mark.parametrize("path", LISTED, ids=lambda path: path.stem)
def test_every_verdict_of_a_listed_lesson_is_a_claim(path):
    listed = {claim["cell"] for claim in claims(path)}
    headlines = {id for id, cell in lesson(path).items() if cell["cell_type"] == "markdown" and id.endswith("verdict")}
    assert headlines <= listed, "a verdict without a control"


def test_numbers_are_read_as_they_are_written():
    assert numbers("24.0% of 4,096, and $-3$; v2") == {"24.0", "4096", "3", "2"}
