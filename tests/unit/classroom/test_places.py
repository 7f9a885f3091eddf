"""Where things are, in small courses made for the purpose."""

import pytest

from course_lib.classroom import places
from course_lib.classroom.files import FileTrouble


def test_root_is_around_the_package_unless_named(course, monkeypatch):
    assert places.course_root() == course.root.resolve()
    monkeypatch.delenv("COURSE_HOME")
    assert (places.course_root() / "course_lib" / "classroom" / "notebooks.py").exists()


def test_a_folder_that_is_no_course_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    with pytest.raises(places.NotACourse, match="COURSE_HOME") as caught:
        places.course_root()
    assert str(tmp_path) in str(caught.value)


def test_the_workspace_is_found_where_it_is_named_and_made_when_asked(course, monkeypatch):
    assert places.workspace() == course.workspace.resolve()
    assert not course.workspace.exists()
    assert places.make_workspace() == course.workspace.resolve()
    assert course.workspace.is_dir()
    monkeypatch.delenv("COURSE_WORKSPACE")
    assert places.workspace() == course.root.resolve() / "workspace"


def test_lessons_are_named_in_order(course):
    for path in ("notebooks/10_later.ipynb", "notebooks/03_attention.ipynb", "solutions/03_attention.ipynb"):
        course.put(path)
    course.put("notebooks/scratch.ipynb")
    assert places.lessons() == ["03_attention", "10_later"]


@pytest.mark.parametrize("asked", ["03", "3", 3, "03_attention"])
def test_a_lesson_has_several_names(course, asked):
    course.put("notebooks/03_attention.ipynb")
    assert places.lesson_name(asked) == "03_attention"
    assert places.lesson_path("exercises", asked) == course.root / "exercises" / "03_attention.ipynb"
    assert places.own_path("exercises", asked) == course.workspace / "exercises" / "03_attention.ipynb"
    assert places.own_path("notebooks", asked) == course.workspace / "lessons" / "03_attention.ipynb"


@pytest.mark.parametrize("asked", ["04", 30, "attention", "", "../03_attention", None])
def test_an_unknown_lesson_is_refused_with_those_there_are(course, asked):
    course.put("notebooks/03_attention.ipynb")
    with pytest.raises(ValueError, match="03_attention"):
        places.lesson_name(asked)


def test_an_unknown_kind_is_refused(course):
    course.put("notebooks/03_attention.ipynb")
    with pytest.raises(ValueError, match="'answers'.*solutions"):
        places.lesson_path("answers", 3)


def test_a_workspace_that_cannot_be_made_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for named in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("COURSE_WORKSPACE", str(named))
        with pytest.raises(FileTrouble, match=f"{named}.*COURSE_WORKSPACE"):
            places.make_workspace()


def test_the_home_of_nobody_is_no_folder_to_make(course, monkeypatch):
    monkeypatch.setenv("COURSE_WORKSPACE", "~nobody-of-that-name/mine")
    with pytest.raises(FileTrouble, match=r"~nobody-of-that-name/mine.*nobody of that name.*COURSE_WORKSPACE"):
        places.workspace()
    monkeypatch.setenv("COURSE_HOME", "~nobody-of-that-name/course")
    with pytest.raises(places.NotACourse, match="COURSE_HOME"):
        places.course_root()
