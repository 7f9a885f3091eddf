"""Widgets of yesterday: their pictures take their place, and no notebook is damaged."""

import json
import os
from types import SimpleNamespace

import pytest
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.classroom import notebooks
from course_lib.classroom.lab import asleep


def shown(**kinds):
    names = {"view": asleep.VIEW, "png": "image/png", "html": "text/html", "plain": "text/plain"}
    data = {names[name]: value for name, value in kinds.items()}
    return new_output("display_data", data=data)


def saved(path, *outputs, state=None):
    notebook = new_notebook(cells=[new_code_cell("show()", id="one", outputs=list(outputs))])
    if state:
        notebook.metadata["widgets"] = {asleep.STATE: {"state": state}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebooks.dumps(notebook), encoding="utf-8")
    return path


VIEW = {"model_id": "dead", "version_major": 2, "version_minor": 0}


def test_the_picture_beside_a_dead_view_takes_its_place(tmp_path):
    path = saved(tmp_path / "lessons" / "03.ipynb", shown(view=VIEW, png="iVBO", plain="A plane"), shown(plain="2"))
    assert asleep.put_to_rest(tmp_path) == [path]
    picture, note, other = notebooks.read(path).cells[0].outputs
    assert picture.data == {"image/png": "iVBO", "text/plain": "A plane"}
    assert "have run" in note.data["text/html"] and other.data == {"text/plain": "2"}
    before = path.read_bytes()
    assert asleep.put_to_rest(tmp_path) == [] and path.read_bytes() == before


def test_a_widget_without_a_picture_leaves_only_the_line(tmp_path):
    path = saved(tmp_path / "03.ipynb", shown(view=VIEW, plain="VBox(children=(…))"))
    asleep.put_to_rest(tmp_path)
    (note,) = notebooks.read(path).cells[0].outputs
    assert "have run" in note.data["text/plain"]


def test_buttons_without_anything_beside_go_without_a_line(tmp_path):
    path = saved(tmp_path / "03.ipynb", shown(html="Not yet", plain="Not yet"), shown(view=VIEW, plain=""))
    asleep.put_to_rest(tmp_path)
    (verdict,) = notebooks.read(path).cells[0].outputs
    assert verdict.data["text/html"] == "Not yet"


def test_a_view_whose_model_is_saved_too_is_not_dead(tmp_path):
    path = saved(tmp_path / "03.ipynb", shown(view=VIEW, png="iVBO"), state={"dead": {"model_name": "SliderModel"}})
    before = path.read_bytes()
    assert asleep.put_to_rest(tmp_path) == [] and path.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["", "{", f'{{"cells": "{asleep.VIEW}"}}', f'<<<<<<< HEAD\n"{asleep.VIEW}"', f'["{asleep.VIEW}"]']
)
def test_what_cannot_be_read_is_left_alone(tmp_path, text):
    path = tmp_path / "broken.ipynb"
    path.write_text(text)
    good = saved(tmp_path / "good.ipynb", shown(view=VIEW, png="iVBO"))
    assert asleep.put_to_rest(tmp_path) == [good] and path.read_text() == text


def test_what_is_set_aside_or_hidden_stays_as_it_was(tmp_path):
    for folder in ("set-aside/2026", ".ipynb_checkpoints"):
        saved(tmp_path / folder / "03.ipynb", shown(view=VIEW, png="iVBO"))
    assert asleep.put_to_rest(tmp_path) == []


def test_a_view_in_a_cell_that_lacks_everything_is_no_error(tmp_path):
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"outputs": [{"data": {asleep.VIEW: 1}}]}]}
    path = tmp_path / "odd.ipynb"
    path.write_text(json.dumps(content))
    assert asleep.put_to_rest(tmp_path) == [] and json.loads(path.read_text()) == content


def test_a_server_puts_to_rest_unless_another_one_shows_the_workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "workspace"))
    path = saved(tmp_path / "workspace" / "lessons" / "03.ipynb", shown(view=VIEW, png="iVBO"))
    server = SimpleNamespace(contents_manager=SimpleNamespace(notary=NotebookNotary(db_file=":memory:", secret=b"")))
    running = [{"root_dir": str(tmp_path), "pid": -1}]
    monkeypatch.setattr("jupyter_server.serverapp.list_running_servers", lambda: iter(running))
    asleep._load_jupyter_server_extension(server)
    assert asleep.VIEW in path.read_text()
    running[0]["root_dir"] = str(tmp_path / "elsewhere")
    asleep._load_jupyter_server_extension(server)
    assert asleep.VIEW not in path.read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights and no pipes with names")
def test_a_link_a_mode_and_a_time_stay_and_a_pipe_is_not_waited_for(tmp_path):
    target = saved(tmp_path / "elsewhere" / "03.ipynb", shown(view=VIEW, png="iVBO"))
    target.chmod(0o600)
    os.utime(target, (1_000_000, 1_000_000))
    (tmp_path / "lessons").mkdir()
    link = tmp_path / "lessons" / "03.ipynb"
    link.symlink_to(target)
    os.mkfifo(tmp_path / "lessons" / "pipe.ipynb")
    assert asleep.put_to_rest(tmp_path / "lessons") == [link]
    assert link.is_symlink() and asleep.VIEW not in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o600 and target.stat().st_mtime == 1_000_000
