"""The learner's copies: made once, renewed only while nobody has changed them, never lost."""

import errno
import hashlib
import json
import os
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.classroom import copies, notebooks, places
from course_lib.classroom.files import ASIDE, FileTrouble

NAME = "03_small.ipynb"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of lessons 00 and 03, and a workspace beside it."""

    class Course:
        root = tmp_path / "course"
        own = tmp_path / "workspace"
        lesson = own / "lessons" / NAME
        exercises = own / "exercises" / NAME

        def put(self, kind, source="1", name=NAME):
            path = self.root / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebooks.dumps(new_notebook(cells=[new_code_cell(source, id="one")])), encoding="utf-8")

        def kept(self):
            return sorted((self.own).rglob(f"{ASIDE}/*/*"))

    for kind in ("notebooks", "exercises"):
        Course().put(kind)
    Course().put("notebooks", name="00_start.ipynb")
    monkeypatch.setenv("COURSE_HOME", str(Course.root))
    monkeypatch.setenv("COURSE_WORKSPACE", str(Course.own))
    return Course()


def write_in(path, source="mine"):
    content = json.loads(path.read_text())
    content["cells"][0]["source"] = source
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    return path.read_text()


def first_source(path):
    return notebooks.read(path).cells[0].source


@pytest.mark.parametrize("kind", ["exercises", "notebooks"])
def test_a_copy_is_made_once_and_set_aside_when_a_new_one_is_wanted(course, kind):
    copy = copies.own_copy(kind, "03")
    assert copy.made and copy.path == places.own_path(kind, 3) and first_source(copy.path) == "1"
    mine = write_in(copy.path)
    again = copies.own_copy(kind, "03")
    assert not again.made and again.changed and not again.newer and copy.path.read_text() == mine
    for number in range(5):  # within one second
        mine = write_in(copy.path, f"mine {number}")
        fresh = copies.own_copy(kind, "03", fresh=True)
        assert fresh.kept.read_text() == mine and first_source(copy.path) == "1"
        assert "kept as set-aside/" in fresh.notes("…")[0]
    assert len(course.kept()) == 5


def test_a_lesson_finds_its_pictures_beside_its_copy_too(course):
    pictures = course.root / "notebooks" / "pictures"
    pictures.mkdir()
    for text in ("<svg>1</svg>", "<svg>2</svg>"):  # the course's picture changes: so does theirs
        (pictures / "block.svg").write_text(text)
        copies.own_notebooks()
        own = course.lesson.parent / "pictures" / "block.svg"
        assert own.read_text() == text
    written = own.stat().st_mtime_ns
    copies.own_copy("notebooks", "03")
    assert own.stat().st_mtime_ns == written, "what is the same is left alone"
    assert [path.read_text() for path in course.kept()] == ["<svg>1</svg>"]
    assert not (course.exercises.parent / "pictures").exists()


def test_lessons_nobody_changed_are_renewed_and_all_others_left(course):
    assert copies.own_notebooks() == []
    assert sorted(path.name for path in course.lesson.parent.iterdir()) == ["00_start.ipynb", NAME]
    course.put("notebooks", "2")
    assert copies.own_notebooks() == []
    assert first_source(course.lesson) == "2" and len(course.kept()) == 1

    mine = write_in(course.lesson)
    course.put("notebooks", "3")
    assert copies.own_notebooks() == []
    assert course.lesson.read_text() == mine and len(course.kept()) == 1
    (told,) = copies.own_copy("notebooks", "03").notes("`course lesson 03 --fresh`")
    assert "has changed" in told and "`course lesson 03 --fresh`" in told


def test_a_lesson_that_jupyter_saved_as_it_was_is_untouched(course):
    copies.own_notebooks()
    opened = notebooks.read(course.lesson)
    opened.metadata.language_info = {"name": "python", "version": "3.14.0", "file_extension": ".py"}
    course.lesson.write_text(notebooks.dumps(opened))
    assert not copies.own_copy("notebooks", "03").changed


def test_a_copy_begins_without_outputs_and_with_plumbing_folded(course):
    printed = new_output("stream", name="stdout", text="somebody else's")
    cells = [new_code_cell("print(1)", id="one", outputs=[printed], execution_count=7)]
    cells += [new_code_cell("import os", id="two", metadata={"tags": ["plumbing"]})]
    cells += [new_code_cell("guess()", id="three", outputs=[printed], metadata={"tags": ["keep_output"]})]
    folded = ["## Recap\n\nAfter the quiz.", "### Dig deeper: why", "## Key concepts", "A recap:\n## Recap"]
    cells += [new_markdown_cell(text, id=f"text-{number}") for number, text in enumerate(folded)]
    path = course.root / "notebooks" / NAME
    path.write_text(notebooks.dumps(new_notebook(cells=cells)), encoding="utf-8")
    copies.own_notebooks()
    one, two, three, *texts = notebooks.read(course.lesson).cells
    assert ["jp-MarkdownHeadingCollapsed" in cell.metadata for cell in texts] == [True, True, False, False]
    assert one.outputs == [] and one.execution_count is None and "jupyter" not in one.metadata
    assert two.metadata.jupyter.source_hidden is True and three.outputs == [printed]

    cells[0].outputs[0].text = "another run's"  # new outputs make no new lesson
    path.write_text(notebooks.dumps(new_notebook(cells=cells)), encoding="utf-8")
    assert not copies.own_copy("notebooks", "03").newer

    ran = notebooks.read(course.lesson)
    ran.cells[0].outputs, ran.cells[0].execution_count = [printed], 1
    course.lesson.write_text(notebooks.dumps(ran), encoding="utf-8")
    course.put("notebooks", "2")
    assert copies.own_notebooks() == [] and notebooks.read(course.lesson).cells[0].outputs  # what they ran is theirs
    assert copies.own_copy("notebooks", "03").newer


def as_version_0_1_made_it(path, original, kind):
    content = json.loads(original.read_text())
    version = hashlib.sha256(json.dumps(content["cells"], sort_keys=True).encode()).hexdigest()[:16]
    content["metadata"]["course"] = {kind: version}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    return path


def test_copies_of_version_0_1_are_found_and_kept(course):
    cells = [new_code_cell("1", id="one", outputs=[new_output("stream", name="stdout", text="the course's")])]
    lesson, exercises = (course.root / kind / NAME for kind in ("notebooks", "exercises"))
    lesson.write_text(notebooks.dumps(new_notebook(cells=cells)), encoding="utf-8")
    as_version_0_1_made_it(course.lesson, lesson, "notebooks")
    mine = write_in(as_version_0_1_made_it(course.own / NAME, exercises, "exercises"))

    assert [NAME in sentence for sentence in copies.own_notebooks()] == [True]
    assert notebooks.read(course.lesson).cells[0].outputs == []  # nobody had touched it
    assert course.exercises.read_text() == mine and not (course.own / NAME).exists()
    assert copies.own_copy("exercises", "03").changed and copies.own_notebooks() == []

    other = write_in(as_version_0_1_made_it(course.own / NAME, exercises, "exercises"), "another")
    (told,) = copies.own_notebooks()
    assert "stays where it is" in told and (course.own / NAME).read_text() == other
    assert course.exercises.read_text() == mine


def test_a_file_of_the_learners_own_making_is_theirs(course):
    course.lesson.parent.mkdir(parents=True)
    course.lesson.write_text(notebooks.dumps(new_notebook()))
    course.put("notebooks", "2")
    assert copies.own_notebooks() == [] and first_or_none(course.lesson) is None


def first_or_none(path):
    cells = notebooks.read(path).cells
    return cells[0] if cells else None


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.write_text(path.read_text()[:200]), "cut off or broken"),
        (lambda path: path.write_text(""), "empty"),
        (lambda path: path.write_text("<<<<<<< HEAD\n" + path.read_text()), "<<<<<<<"),
        (lambda path: (path.unlink(), path.mkdir(), (path / "inside").write_text("mine")), "folder"),
    ],
    ids=["truncated", "empty", "conflict", "folder"],
)
def test_a_damaged_copy_is_said_kept_and_replaced_on_request(course, spoil, problem):
    for kind, path in {"exercises": course.exercises, "notebooks": course.lesson}.items():
        copies.own_copy(kind, "03")
        spoil(path)
        held = (path / "inside" if path.is_dir() else path).read_text()
        (told,) = copies.own_copy(kind, "03").notes("AGAIN")
        assert problem in told and "AGAIN" in told and "\n" not in told
        if kind == "notebooks":
            assert [problem in sentence for sentence in copies.own_notebooks()] == [True]
        kept = copies.own_copy(kind, "03", fresh=True).kept
        assert (kept / "inside" if kept.is_dir() else kept).read_text() == held
        assert first_source(path) == "1"


def test_a_full_disk_costs_one_sentence_and_no_file(course, monkeypatch):
    copies.own_copy("exercises", "03")
    mine = write_in(course.exercises)

    def fails(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(FileTrouble, match="no space left"):
        copies.own_copy("exercises", "03", fresh=True)
    with pytest.raises(FileTrouble, match="no space left"):
        copies.own_notebooks()
    assert [path for path in course.own.rglob("*") if path.is_file()] == [course.exercises]
    assert course.exercises.read_text() == mine
    assert copies.own_copy("exercises", "03").changed  # the copy that is there can still be opened


def test_a_lesson_without_exercises_has_none_to_copy(course):
    with pytest.raises(ValueError, match="00_start has no exercises"):
        copies.own_copy("exercises", "00")


def test_four_processes_at_once_make_one_copy(course):
    code = "import sys; from course_lib.classroom.copies import own_copy; print(own_copy('exercises', '03').problem, end='')"
    for _ in range(3):
        running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)]
        assert [one.communicate(timeout=60)[0] for one in running] == [b""] * 4
        assert [one.returncode for one in running] == [0] * 4
        assert [path.name for path in course.exercises.parent.iterdir()] == [NAME]
        course.exercises.unlink()
