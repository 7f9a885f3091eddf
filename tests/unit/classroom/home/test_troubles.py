"""Each address × each trouble with what is the learner's: said in plain words, and nothing that they did is lost."""

import contextlib
import shutil
import sqlite3
from contextlib import closing
from html import unescape

import pytest

from course_lib.classroom.copies import own_copy
from course_lib.classroom.practice import progress as progress_module
from course_lib.classroom.practice.progress import Progress
from tests.unit.classroom.home.conftest import DAMAGED, did, tell

QUESTION = "03.weights-recipe"


def damaged(patch, folder, undo):
    Progress().path.write_bytes(DAMAGED)


def newer(patch, folder, undo):
    with closing(sqlite3.connect(Progress().path)) as file:
        file.execute("PRAGMA user_version = 99")


def locked(patch, folder, undo):
    other = sqlite3.connect(Progress().path, isolation_level=None)
    undo.callback(other.close)
    other.execute("BEGIN EXCLUSIVE")


def read_only(patch, folder, undo):
    execute = progress_module._Connection.execute

    def refuse(connection, statement, *values):
        if statement.startswith("BEGIN IMMEDIATE"):
            error = sqlite3.OperationalError("attempt to write a readonly database")
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY
            raise error
        return execute(connection, statement, *values)

    patch.setattr(progress_module._Connection, "execute", refuse)


def no_workspace(patch, folder, undo):
    (folder / "a file").touch()
    patch.setenv("COURSE_WORKSPACE", str(folder / "a file" / "workspace"))


def nobodys_workspace(patch, folder, undo):
    patch.setenv("COURSE_WORKSPACE", "~nobody-of-this-name/workspace")


def no_course(patch, folder, undo):
    patch.setenv("COURSE_HOME", str(folder))


LASTING = {  # trouble -> what is said of it
    damaged: "file is not a database",
    newer: "update the course",
    locked: "another program holds it",
    read_only: "make it and its folder writable",
    no_workspace: "Make it yourself",
    nobodys_workspace: "nobody of that name",
    no_course: "is not the folder of the course",
}
GETS = ("", "/review", "/open/notebooks/03", "/open/exercises/04", "/backup", "/export/calendar", "/export/anki")
FORMS = {
    "/settings": {"path": "short", "minutes": "30"},
    "/fresh": {"kind": "notebooks", "lesson": "03"},
    "/review": {"card": QUESTION, "seen": "1", "rating": "good"},
}


@pytest.fixture
def undo():
    with contextlib.ExitStack() as undo:
        yield undo


@pytest.fixture
def rest(window, own):
    """Function that tells that the learner rests in a cell of lesson 03, where they have some work already."""
    path = own_copy("notebooks", "03").path.relative_to(own.parent.parent).as_posix()
    did("quiz", QUESTION, days_ago=2, rating="good", correct=True)
    return lambda: tell(window, path=path, cell="step-4")


@pytest.mark.parametrize("trouble", LASTING, ids=lambda trouble: trouble.__name__)
def test_each_page_and_form_says_in_plain_words_what_is_wrong(window, rest, trouble, monkeypatch, tmp_path, undo):
    window.get("course")
    form = {"_xsrf": window.cookies["_xsrf"]}
    saved = window.get("course/backup").content
    trouble(monkeypatch, tmp_path, undo)
    assert rest().status_code == 204
    answers = [window.get(f"course{address}") for address in GETS]
    answers += [window.post(f"course{address}", data=form | fields) for address, fields in FORMS.items()]
    answers += [window.post("course/restore", data=form, files={"backup": ("b.zip", saved)})]
    refused = [unescape(answer.text) for answer in answers if answer.status_code not in (200, 303)]
    assert all(LASTING[trouble] in text or "can't be" in text or "could not be" in text for text in refused)
    assert trouble is read_only or LASTING[trouble] in unescape(answers[0].text)  # it can be read


@pytest.mark.parametrize("trouble", [damaged, locked, read_only], ids=lambda trouble: trouble.__name__)
def test_what_could_not_be_written_is_shown_and_written_later(window, own, rest, trouble, monkeypatch, tmp_path):
    window.get("course")
    form = {"_xsrf": window.cookies["_xsrf"]}
    with contextlib.ExitStack() as undo, monkeypatch.context() as patch:
        trouble(patch, tmp_path, undo)
        assert rest().status_code == 204
        answer = window.post("course/settings", data=form | FORMS["/settings"])
        assert answer.status_code == 303
        page = window.get("course").text
        assert trouble is read_only or ("Step 4" in page and 'name="minutes" min="5" max="240" value="30"' in page)
    if trouble is damaged:
        Progress().path.rename(tmp_path / "moved aside")
    did("hint", "03.softmax")
    kept = [(event["kind"], event.get("value", event.get("cell"))) for event in Progress().events()]
    assert kept[-4:] == [("place", "step-4"), ("setting", "short"), ("setting", 30), ("hint", None)]


def test_a_folder_that_is_gone_is_made_anew(window, own, rest):
    shutil.rmtree(own)
    assert rest().status_code == 204 and window.get("course").status_code == 200
    assert [event["kind"] for event in Progress().events()] == ["place"]
