"""The file of a notebook is read with care."""

import os

import pytest
from nbformat.v4 import new_notebook

from course_lib.classroom import build, notebooks
from tests.unit.classroom.small_course import answer, check, code


def test_what_is_no_notebook_is_refused(course):
    file = course.root / "notebooks" / "03_x.ipynb"
    whole = notebooks.dumps(new_notebook(cells=[code("one", "1")]))
    for text, problem in {
        "": "it is empty", "[]": "another kind", "{}": "another kind", "not json": "in line 1 of 1",
        '{"nbformat": 99, "cells": []}': "", whole[:-20]: "cut off or broken", "[" * 100_000: "nested too deeply",
        f"<<<<<<< HEAD\n{whole}=======\n{whole}>>>>>>> other\n": "the marks of a merge .* in line 1",
    }.items():  # fmt: skip
        file.write_text(text)
        with pytest.raises(ValueError, match=f"03_x.ipynb is not a notebook: .*{problem}") as raised:
            notebooks.read(file)
        assert "\n" not in str(raised.value)
    file.write_bytes(b'{"nbformat": "\xff"}')
    with pytest.raises(ValueError, match="UTF-8"):
        notebooks.read(file)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        notebooks.read(file)
    file.mkdir()
    with pytest.raises(ValueError, match="it is a folder"):
        notebooks.read(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "03_x.ipynb")
    with pytest.raises(ValueError, match=r"03_x\.ipynb is not a notebook: it is no file"):
        notebooks.read(tmp_path / "03_x.ipynb")


def test_the_mark_that_some_editors_put_first_is_no_part_of_a_notebook(course):
    file = course.put("notebooks/03_x.ipynb", code("first", "1 + 1"))
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert notebooks.read(file).cells[0].source == "1 + 1"
    assert build.build().changed == ["notebooks/03_x.ipynb"]


def test_task_cells_come_in_pairs():
    lonely = answer(id="lonely", name="lonely")
    tasks = notebooks.task_cells(new_notebook(cells=[code("first", "1"), answer(), check(), lonely]))
    assert [(name, task and task.id, grade and grade.id) for name, (task, grade) in tasks.items()] == [
        ("double", "double", "check-double"), ("lonely", "lonely", None),
    ]  # fmt: skip
