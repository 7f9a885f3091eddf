"""The glossary's source, the marks in lessons, and the command that makes both."""

import re

import pytest
from nbformat.v4 import new_markdown_cell
from typer.testing import CliRunner

from course_lib.classroom import build, copies, glossary, notebooks, places
from course_lib.classroom.cli import app
from course_lib.classroom.files import ASIDE
from course_lib.classroom.glossary import marks

TERMS = glossary.terms()
CYRILLIC = re.compile("[а-яё]")
DROPOUT = next(term for term in TERMS if term.name == "dropout")
LINK = f'(glossary.ipynb#cell-id=dropout "{DROPOUT.en}")'
START = "## Overview"


def marked(text, number="08"):
    """A text that follows a lesson's overview, marked."""
    return marks.mark([START, text], number)[1]


# --- the source ---


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.id)
def test_every_term_is_explained_in_plain_words_and_named_in_three_languages(term):
    assert 4 <= len(term.en.split()) <= 35
    assert not set('"()[]<>$`*\\\n') & set(term.en), "a title can't hold it"
    for language in (term.bg, term.ru):
        usual, sentence = language
        assert usual and CYRILLIC.search(sentence) and sentence[-1] in ".?"
    assert not set("ыэё") & set("".join(term.bg)), "this is Russian"


def test_no_word_and_no_address_belongs_to_two_terms():
    words = [word.lower() for term in TERMS for word in (term.name, *term.other)]
    assert sorted(set(words)) == sorted(words)
    assert len({term.id for term in TERMS}) == len(TERMS)


# --- marks ---


def test_the_first_use_of_an_earlier_word_is_marked_and_no_other():
    text = "With dropout, and **Dropout** again."
    assert marked(text) == f"With [dropout]{LINK}, and **Dropout** again."
    assert marked("**Dropout**\nhelps.") == f"**[Dropout]{LINK}**\nhelps."
    assert marked(text, "07") == text, "the lesson that teaches it"
    assert marked(text, "06") == text, "one before it"
    two = marks.mark(["Do you remember dropout?", START, "No word.", text, text], "08")
    assert [one.count("glossary") for one in two] == [0, 0, 0, 1, 0], "questions before the overview give nothing away"


@pytest.mark.parametrize(
    "text",
    [
        "### With dropout",
        "Run `dropout` here",
        "```\ndropout\n```",
        "$dropout$ and $$\ndropout\n$$",
        "[about dropout](https://x.org)",
        "![dropout in a picture](pictures/dropout.svg)",
        "| dropout | what |\n|---|---|\n| dropout | that |",
        '<img alt="dropout">',
        "https://x.org/dropout",
        "dropouts-like and pre-dropout",
        "a mask, a token, a query",
        "we clip and unmask",
    ],
)
def test_what_is_no_prose_or_no_such_word_is_not_marked(text):
    assert marked(text, "12") == text


def test_the_longest_word_counts_and_plurals_and_line_ends_do_not():
    assert "[byte-level BPE](glossary.ipynb#cell-id=byte-level-bpe" in marked("By byte-level BPE.")
    assert "[residual\nconnections](glossary.ipynb#cell-id=residual-connection" in marked("Of residual\nconnections.")


def test_of_too_many_words_those_taught_longest_ago_are_marked():
    late = [term.name for term in TERMS if not term.everyday and "05" <= term.lesson < "08"][: marks.MOST]
    text = marked("; ".join([*late, "BPE"]))
    assert len(glossary.MARK.findall(text)) == marks.MOST and "[BPE]" in text


def test_marks_are_made_anew_and_can_be_taken_out():
    text = "With dropout, then [a link](https://x.org) and LoRA [CLS]."
    once = marked(text, "12")
    assert once != text and marked(once, "12") == once and glossary.unmark(once) == text
    assert marked(once, "07") == text
    old = once.replace(DROPOUT.en, "As it was said before.")
    assert marked(old, "12") == once


# --- where a word is taught ---


def test_a_word_is_taught_where_a_lesson_stresses_it_first(course):
    texts = [
        "# 07 · Dropout", "## Key concepts\n\n| **warm-up** | Adam |", "## Step by step", "With dropout and a *dropout*.",
        "### Dig deeper: dropout", "**Dropout** is that.", "### Step 2 · Adam's step", "Muon", "## Retrieval quiz\n\nBLEU, **Muon**",
    ]  # fmt: skip
    course.put("notebooks/07_x.ipynb", *(new_markdown_cell(text, id=f"c{n}") for n, text in enumerate(texts)))
    where = {
        term.name: (term.cell, term.place)
        for term in TERMS
        if term.name in ("dropout", "warm-up", "Adam", "Muon", "BLEU")
    }
    assert where == {
        "dropout": ("c5", "lesson 07, Dig deeper: dropout"),
        "warm-up": ("c1", "lesson 07, Key concepts"),
        "Adam": ("c6", "lesson 07, Step 2 · Adam's step"),
        "Muon": ("c7", "lesson 07, Step 2 · Adam's step"),
        "BLEU": ("", "lesson 07, "),
    }


# --- the command, and the learner's copy ---


@pytest.fixture
def whole(course):
    """A course that has all lessons, each with a word that lesson 07 teaches."""
    cells = [new_markdown_cell(START, id="overview"), new_markdown_cell("With dropout.", id="text")]
    for number in range(13):
        course.put(f"notebooks/{number:02}_x.ipynb", *cells)
    return course


def test_one_command_makes_the_page_and_the_marks_and_a_second_changes_nothing(whole):
    would = CliRunner().invoke(app, ["glossary", "--check"])
    assert would.exit_code == 1 and not (whole.root / "notebooks" / "glossary.ipynb").exists()
    names = ["glossary.ipynb", *(f"{number:02}_x.ipynb" for number in range(8, 13))]
    assert [line.rpartition("/")[2] for line in would.output.splitlines()] == names
    assert CliRunner().invoke(app, ["glossary"]).exit_code == 0
    state = whole.state()
    assert CliRunner().invoke(app, ["glossary", "--check"]).exit_code == 0
    assert glossary.renew() == [] and whole.state() == state
    assert build.stray_files() == [] and "glossary" not in places.lessons()


def test_the_page_stands_beside_a_learners_copies_where_marks_lead(whole):
    glossary.renew()
    copies.own_notebooks()
    own = whole.workspace / "lessons" / "glossary.ipynb"
    assert notebooks.read(own).cells == notebooks.read(whole.root / "notebooks" / "glossary.ipynb").cells

    opened = notebooks.read(own)
    opened.metadata.language_info = {"name": "python", "version": "3.14.0"}
    own.write_text(notebooks.dumps(opened))
    copies.own_notebooks()
    assert notebooks.read(own) == opened, "saved by JupyterLab, and still the same page"

    whole.put("notebooks/glossary.ipynb", new_markdown_cell("# New", id="glossary"))
    copies.own_notebooks()
    assert notebooks.read(own).cells[0].source == "# New"
    assert len([*own.parent.rglob(f"{ASIDE}/*/glossary.ipynb")]) == 1
