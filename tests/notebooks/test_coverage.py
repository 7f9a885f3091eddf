"""Every part of the syllabus is carried by cells that exist: coverage.toml says by which."""

import tomllib
from pathlib import Path

import pytest

from course_lib.classroom.notebooks import read
from course_lib.classroom.places import lesson_path

COVERAGE = tomllib.loads(Path(__file__).with_name("coverage.toml").read_text(encoding="utf-8"))
PLACES = [
    (f"{kind}.{row}", place)
    for kind in ("rows", "corrections")
    for row, places in COVERAGE[kind].items()
    for place in places
]
# What lesson 03 owes; each later lesson adds its own line.
OWED = {
    "01": "T-prior P-types P-run TAV-quiz TAV-review",
    "02": "K-w2v K-tok K-open P-run TAV-quiz TAV-review",
    "03": """T-path1 T-ex1 T-pit2 A-key A-path1 A-path2 A-path3 A-pit1 A-pit2 A-pit4 V-path3 K-qkv K-open P-torch P-run
             TAV-quiz TAV-review""",
    "04": "T-path2 T-pit3 A-key A-path4 A-pit3 P-torch P-run TAV-quiz TAV-review",
    "05": "T-path3 T-ex3 T-pit1 P-torch P-run TAV-quiz TAV-review",
    "06": "T-path4 T-pit4 A-path5 V-path1 K-enc K-ffn K-open P-arch P-torch P-run TAV-quiz TAV-review",
    "07": "T-path5 P-apps P-run TAV-quiz TAV-review",
    "08": "T-path5 T-ex2 T-pit5 P-apps P-run TAV-quiz TAV-review",
    "09": "A-path4 V-path2 V-path3 V-path4 V-pit1 V-pit2 V-pit3 V-pit4 P-run TAV-quiz TAV-review",
    "10": "T-path4 T-ex2 A-path5 P-apps P-pre P-ft P-run TAV-quiz TAV-review",
    "11": "P-apps P-run TAV-quiz TAV-review",
    "12": "K-quad P-run TAV-quiz TAV-review",
}


@pytest.fixture(scope="module")
def cells():
    """The cells of a lesson by id, read once."""
    read_already = {}

    def of(lesson):
        if lesson not in read_already:
            notebook = read(lesson_path("notebooks", lesson))
            read_already[lesson] = {cell.id: cell for cell in notebook.cells}
        return read_already[lesson]

    return of


@pytest.mark.parametrize(("row", "place"), PLACES, ids=[f"{row}-{place['cell']}" for row, place in PLACES])
def test_cell_exists_and_says_something(cells, row, place):
    assert set(place) == {"lesson", "cell"}, f"{row}: a place has a lesson and a cell, got {place}"
    cell = cells(place["lesson"]).get(place["cell"])
    assert cell is not None, f"{row}: lesson {place['lesson']} has no cell {place['cell']!r}"
    assert cell.source.strip(), f"{row}: cell {place['cell']!r} of lesson {place['lesson']} is empty"


@pytest.mark.parametrize("lesson", OWED)
def test_lesson_pays_what_it_owes(lesson):
    paid = {row for row, places in COVERAGE["rows"].items() if any(place["lesson"] == lesson for place in places)}
    assert set(OWED[lesson].split()) <= paid


def test_no_cell_named_twice_in_a_row():
    for row, places in {**COVERAGE["rows"], **COVERAGE["corrections"]}.items():
        named = [(place["lesson"], place["cell"]) for place in places]
        assert named, f"{row} names no cell"
        assert len(named) == len(set(named)), f"{row} names a cell twice"
