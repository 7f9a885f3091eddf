"""Where things are: the course's folder, the learner's own, and the notebooks of each lesson."""

import os
import re
from pathlib import Path

from course_lib.classroom import files

KINDS = ("notebooks", "solutions", "exercises")
OWN = {
    "notebooks": "lessons",
    "exercises": "exercises",
}  # what a learner has copies of -> their folder in the workspace
PICTURES = "pictures"  # the folder beside lessons, the course's and the learner's, that holds what they show
GLOSSARY = "glossary.ipynb"  # beside the lessons too: their words lead there
LESSON = re.compile(r"\d\d_[a-z0-9_]+")

TEXTS = {
    "not a course": "{root} is not the folder of the course: it has no notebooks/ in it. {advice}",
    "advice set": "COURSE_HOME names it; point it to the folder that holds notebooks/, or unset it.",
    "advice unset": "Set COURSE_HOME to the folder that holds notebooks/.",
    "no workspace": "the folder {folder}, which is to hold your copies and your progress, can't be made: {error}. Make it "
    "yourself, or set COURSE_WORKSPACE to a folder that can be written",
    "no home": "nobody of that name has a home folder",
    "no lesson": "there is no lesson {lesson!r}; the lessons are: {lessons}",
    "no kind": "kind is {kind!r}; expected one of {kinds}",
}


class NotACourse(FileNotFoundError):
    """The folder that should hold the course does not."""


def course_root():
    """Find the folder of the course: the one that holds `notebooks/`.

    Returns:
        The folder that COURSE_HOME names, or else the one around this package.

    Raises:
        NotACourse: it has no `notebooks/`.
    """
    named = os.environ.get("COURSE_HOME")
    root = Path(os.path.expanduser(named)).resolve() if named else Path(__file__).resolve().parents[2]
    if not (root / "notebooks").is_dir():
        advice = TEXTS["advice set" if named else "advice unset"]
        raise NotACourse(TEXTS["not a course"].format(root=root, advice=advice))
    return root


def workspace():
    """Find the learner's own folder, whether or not it is there.

    Returns:
        The folder that COURSE_WORKSPACE names, or else `workspace/` in the course's folder.

    Raises:
        NotACourse: the course's folder can't be found.
        FileTrouble: COURSE_WORKSPACE names the home of nobody.
    """
    named = os.environ.get("COURSE_WORKSPACE")
    if not named:
        return course_root() / "workspace"
    folder = os.path.expanduser(named)
    if folder.startswith("~"):  # else a folder of that name would be made here
        raise files.FileTrouble(TEXTS["no workspace"].format(folder=named, error=TEXTS["no home"]))
    return Path(folder).resolve()


def make_workspace():
    """Make the learner's own folder, unless it is there.

    Returns:
        The folder.

    Raises:
        FileTrouble: it can't be made.
    """
    folder = workspace()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.FileTrouble(TEXTS["no workspace"].format(folder=folder, error=error.strerror)) from None
    return folder


def lessons():
    """List the lessons there are.

    Returns:
        Their names in order, such as "03_self_attention_by_hand": every notebook in `notebooks/` or `solutions/`.
    """
    root = course_root()
    found = {path.stem for kind in ("notebooks", "solutions") for path in (root / kind).glob("*.ipynb")}
    return sorted(name for name in found if LESSON.fullmatch(name))


def lesson_name(lesson):
    """Complete the name of a lesson.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".

    Returns:
        The full name, "03_self_attention_by_hand".

    Raises:
        ValueError: no such lesson; the message names those there are.
    """
    asked = str(lesson)
    names = lessons()
    for name in names:
        if asked == name or (asked.isdigit() and int(asked) == int(name[:2])):
            return name
    raise ValueError(TEXTS["no lesson"].format(lesson=lesson, lessons=", ".join(names) or "none yet"))


def lesson_path(kind, lesson):
    """Say where a notebook of a lesson belongs, whether or not it is there.

    Args:
        kind: "notebooks", "solutions" or "exercises".
        lesson: "03", 3 or "03_self_attention_by_hand".

    Returns:
        The path of the notebook.

    Raises:
        ValueError: no such kind or lesson.
    """
    if kind not in KINDS:
        raise ValueError(TEXTS["no kind"].format(kind=kind, kinds=", ".join(KINDS)))
    return course_root() / kind / f"{lesson_name(lesson)}.ipynb"


def own_path(kind, lesson):
    """Say where the learner's own copy of a notebook belongs, whether or not it is there.

    Args:
        kind: "notebooks" for the lesson, "exercises" for its exercises.
        lesson: "03", 3 or "03_self_attention_by_hand".

    Returns:
        The path of the copy, in `workspace/lessons/` or `workspace/exercises/`.

    Raises:
        ValueError: no such kind or lesson.
    """
    if kind not in OWN:
        raise ValueError(TEXTS["no kind"].format(kind=kind, kinds=", ".join(OWN)))
    return workspace() / OWN[kind] / lesson_path(kind, lesson).name


def own_folders():
    """The learner's folders in which Python runs, whether or not they are there."""
    return [workspace(), *(workspace() / folder for folder in OWN.values())]


def shown(path):
    """A path of the course as it is shown: from the course's folder, with slashes."""
    return path.relative_to(course_root()).as_posix()
