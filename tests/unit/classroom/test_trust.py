"""Copies that the course made are signed, so that Jupyter shows their widgets again; what a stranger wrote is not."""

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.classroom import copies, notebooks, trust
from course_lib.classroom.lab import asleep

NAME = "03_self_attention_by_hand.ipynb"
ASKED = new_output("display_data", data={"text/html": "<b>Guess first</b>", "text/plain": "Guess first"})


@pytest.fixture
def notary(tmp_path):
    (tmp_path / "jupyter").mkdir()
    with NotebookNotary(data_dir=str(tmp_path / "jupyter")) as notary:
        yield notary


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """A learner's copy, just made."""
    root = tmp_path / "course"
    (root / "notebooks").mkdir(parents=True)
    monkeypatch.setenv("COURSE_HOME", str(root))
    monkeypatch.setenv("COURSE_WORKSPACE", str(root / "workspace"))
    cells = [new_code_cell("guess()", id="asks", outputs=[ASKED], metadata={"tags": ["keep_output"]})]
    cells.append(new_code_cell("show()", id="shows"))
    (root / "notebooks" / NAME).write_text(notebooks.dumps(new_notebook(cells=cells)), encoding="utf-8")
    return copies.own_copy("notebooks", "03").path


def seen_by_jupyter(notary, path):
    """Whether Jupyter, reading the file as its server does, finds its signature."""
    return notary.check_signature(nbformat.read(path, as_version=4))


def test_a_copy_as_it_was_made_is_signed_and_any_other_file_is_not(notary, lesson):
    assert not seen_by_jupyter(notary, lesson)
    trust.give_to_copies(notary)
    assert seen_by_jupyter(notary, lesson)
    lesson.write_text(lesson.read_text().replace("<b>Guess first</b>", "<script>alert(1)</script>"))
    trust.give_to_copies(notary)
    assert not seen_by_jupyter(notary, lesson)


def test_what_is_put_to_rest_keeps_its_signature(notary, lesson):
    content = nbformat.read(lesson, as_version=4)
    data = {asleep.VIEW: {"model_id": "dead"}, "image/png": "iVBO", "text/plain": "A plane"}
    content.cells[1].outputs = [new_output("display_data", data=data)]
    lesson.write_text(notebooks.dumps(content), encoding="utf-8")
    stranger = lesson.with_name("stranger.ipynb")
    content.cells[0].source = "print('another')"
    stranger.write_text(notebooks.dumps(content), encoding="utf-8")
    notary.sign(nbformat.read(lesson, as_version=4))  # as JupyterLab did when it saved what it had seen run
    assert asleep.put_to_rest(lesson.parent, notary) == [lesson, stranger]
    assert seen_by_jupyter(notary, lesson) and not seen_by_jupyter(notary, stranger)


def test_what_cannot_be_read_is_left_alone(notary, lesson):
    lesson.write_text("{")
    trust.give_to_copies(notary)
    assert lesson.read_text() == "{"
