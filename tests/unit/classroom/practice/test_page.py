"""An answer is judged as it stands on the page: not one that was changed since, nor one from before an error."""

import json
import os
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_lib.classroom.practice import page

GOOD = "def scores(queries, keys):\n    return queries @ keys.T"


@pytest.fixture
def shell(monkeypatch):
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    monkeypatch.setattr(page, "_ran", {})
    page.watch()
    page.watch()
    assert shell.events.callbacks["post_run_cell"].count(page._remember) == 1
    yield shell
    InteractiveShell.clear_instance()


def run(shell, source, cell="a"):
    shell.run_cell(source, cell_id=cell, store_history=True)


def test_what_ran_well_is_on_the_page(shell):
    assert page.not_on_the_page("scores") == "", "nobody knows"
    run(shell, GOOD)
    assert page.not_on_the_page("scores") == ""


@pytest.mark.parametrize("broken", ["def scores(queries, keys)\n    return 1", GOOD + "\n1 / 0", "def scores(:"])
def test_a_cell_that_ended_in_an_error_is_said(shell, broken, capsys):
    run(shell, GOOD)
    run(shell, broken)
    assert "ended in an error" in page.not_on_the_page("scores") and "Error" in page.not_on_the_page("scores")
    run(shell, GOOD)
    assert page.not_on_the_page("scores") == ""


def test_an_error_in_a_new_cell_counts_and_one_elsewhere_does_not(shell, capsys):
    run(shell, GOOD)
    run(shell, "1 / 0", "b")
    assert page.not_on_the_page("scores") == ""
    run(shell, "def scores(queries, keys)\n    return 1", "c")
    assert "ended in an error" in page.not_on_the_page("scores")


def test_a_stub_that_raises_by_itself_is_no_error(shell, capsys):
    run(shell, "def scores(queries, keys):\n    raise NotImplementedError()\nscores(1, 2)")
    assert page.not_on_the_page("scores") == ""


def test_a_cell_changed_after_it_ran_is_said(shell, tmp_path, monkeypatch):
    path = tmp_path / "mine.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    run(shell, "def scores(): older")
    run(shell, GOOD)

    def saved(source, later, count=2):
        cell = {"id": "a", "source": source.splitlines(keepends=True), "execution_count": count}
        path.write_text(json.dumps({"cells": [cell]}))
        os.utime(path, (time.time() + later,) * 2)
        return page.not_on_the_page("scores")

    assert saved("def scores(): older", -60) == "", "saved before it ran"
    assert saved(GOOD, 60) == ""
    assert saved("def scores(): older", 60, count=1) == "", "read from the page before it ran, written after"
    assert saved("def scores(): older", 60, count=None) == "", "read while it was running"
    assert "changed after it ran" in saved(GOOD + "  # no", 60)
    path.write_text("no notebook")
    assert page.not_on_the_page("scores") == ""
