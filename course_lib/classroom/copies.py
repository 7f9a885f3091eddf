"""The learner's own copies of lessons and exercises: made once, never replaced, set aside when a new one is wanted.

A copy begins clean: no results of anybody else's run (only cells tagged `keep_output` show something: a question, a panel),
and what only makes a lesson work (cells tagged `plumbing`) is folded away. It carries a fingerprint of the course's version that it was made from, which tells whether the course has a newer one
by now, and whether the learner has changed the copy since.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from course_lib.classroom import files, notebooks, places

PLUMBING = "plumbing"  # the tag of code that a learner need not read
KEEP = "keep_output"  # the tag of a cell that shows no result: a question, a panel
# Headings whose cells a copy folds away: what the core path can do without, and answers to the quiz above.
FOLDED = re.compile(r"#+ (Dig deeper|Recap)\b")
AT_OPEN = "at-open"  # the tag of a cell that runs by itself as a notebook is opened: imports, a question, a panel

COMMANDS = {"notebooks": "lesson", "exercises": "start"}  # what has copies -> the command that makes one

TEXTS = {
    "moved": "{old} is {new} now: all exercises lie in one folder.",
    "in the way": "{old} stays where it is: {new} is another copy of the same exercises.",
    "nothing": "lesson {lesson} has no {kind} yet",
    "kept": "Your earlier copy is kept as {path}.",
    "damaged": "Your copy can't be opened: {problem}. It is left as it is; {again} sets it aside under {aside}/ and begins a new "
    "one.",
    "newer": "The course's version has changed since you copied it. Yours is untouched; {again} sets yours aside under "
    "{aside}/ and begins a new copy.",
}


@dataclass
class Copy:
    """The learner's copy of one notebook.

    Attributes:
        path: the file.
        made: whether it was made just now.
        kept: where the one before it is kept, or None.
        problem: why it can't be opened, or "".
        newer: whether the course's version has changed since the copy was made.
        changed: whether the learner has changed it, or run it.
    """

    path: Path
    made: bool = False
    kept: Path | None = None
    problem: str = ""
    newer: bool = False
    changed: bool = False

    def notes(self, again):
        """Say what the learner should know of the copy.

        Args:
            again: what begins a new copy, such as "start('03', fresh=True)".

        Returns:
            A list of sentences.
        """
        told = []
        if self.kept:
            told.append(TEXTS["kept"].format(path=self.kept.relative_to(self.path.parent).as_posix()))
        if self.problem:
            told.append(TEXTS["damaged"].format(problem=self.problem, again=again, aside=files.ASIDE))
        elif self.newer:
            told.append(TEXTS["newer"].format(again=again, aside=files.ASIDE))
        return told


def own_copy(kind, lesson, *, fresh=False):
    """Make the learner's own copy of a notebook, unless there is one.

    Args:
        kind: "notebooks" for the lesson, "exercises" for its exercises.
        lesson: "03", 3 or "03_self_attention_by_hand".
        fresh: set an existing copy aside and begin again. Nothing is ever deleted.

    Returns:
        A `Copy`.

    Raises:
        ValueError: no such lesson, or it has nothing to copy.
        FileTrouble: the copy can't be written; what was there is there still.
    """
    path, original = places.own_path(kind, lesson), places.lesson_path(kind, lesson)
    if not original.exists():
        raise ValueError(TEXTS["nothing"].format(lesson=original.stem, kind=kind))
    if kind == "notebooks":
        _with_surroundings(original.parent, path.parent)
    text, version = as_made(kind, original)
    if not fresh and os.path.lexists(path):
        return _existing(kind, path, version)
    if fresh:
        return Copy(path, made=True, kept=files.renew(path, text))
    try:
        files.create(path, text)
    except FileExistsError:  # another process was quicker
        return _existing(kind, path, version)
    return Copy(path, made=True)


def as_made(kind, original):
    """The text of a new copy of one of the course's notebooks, and what tells its version."""
    content = _clean(json.loads(notebooks.read_text(original)))
    version = _fingerprint(content)
    content["metadata"]["course"] = {kind: version}
    return _dumps(content), version


def own_notebooks():
    """Make the copies that the learner has not got yet, and renew those that nobody has changed.

    Returns:
        A list of sentences on what can't be opened, and on what was moved.

    Raises:
        FileTrouble: a copy can't be written.
    """
    told = []
    for name in places.lessons():
        try:
            told += _in_its_folder(name)
            for kind, command in COMMANDS.items():
                if places.lesson_path(kind, name).exists():
                    told += _renewed(kind, name, f"`course {command} {name[:2]} --fresh`")
        except ValueError as error:  # the course's own file can't be read
            told.append(str(error))
    return told


def _with_surroundings(course, own):
    """Put what lessons show and link to beside the learner's copies, where the same addresses find it."""
    for picture in sorted((course / places.PICTURES).glob("*.svg")):
        copy, content = own / places.PICTURES / picture.name, picture.read_bytes()
        if not copy.is_file() or copy.read_bytes() != content:
            files.renew(copy, content)
    if (course / places.GLOSSARY).exists():
        text, version = as_made("notebooks", course / places.GLOSSARY)
        copy = own / places.GLOSSARY
        if not os.path.lexists(copy) or _existing("notebooks", copy, version).newer:
            files.renew(copy, text)


def _renewed(kind, name, again):
    copy = own_copy(kind, name)
    if copy.newer and not copy.changed:
        own_copy(kind, name, fresh=True)  # set aside all the same: it may be changed at this very moment
    return copy.notes(again) if copy.problem else []


def _in_its_folder(name):
    """Move a copy of exercises from where it lay before version 0.2, the workspace itself; says in a sentence that it did."""
    new = places.own_path("exercises", name)
    old = places.workspace() / new.name
    if not old.is_file():
        return []
    told = {"old": old.name, "new": f"{new.parent.name}/{new.name}"}
    try:
        files.move(old, new)
    except FileExistsError:
        return [TEXTS["in the way"].format(**told)]
    return [TEXTS["moved"].format(**told)]


def _existing(kind, path, version):
    """What there is to say of a copy that is there already."""
    try:
        content = json.loads(notebooks.read_text(path))
    except (ValueError, OSError) as error:
        return Copy(path, problem=str(error))
    try:
        made_from = content["metadata"]["course"][kind]
        by_hand = [cell for cell in content["cells"] if AT_OPEN not in cell["metadata"].get("tags", ())]
        ran = any(cell.get("execution_count") for cell in by_hand)
        changed = (ran or made_from != _fingerprint(content)) and made_from != _fingerprint_of_0_1(content)
    except (KeyError, TypeError, AttributeError):  # a file of the learner's own making: nothing to say about it
        return Copy(path, changed=True)
    return Copy(path, newer=made_from != version, changed=changed)


def _clean(content):
    """A notebook as a learner first meets it."""
    for cell in content["cells"]:
        if cell.get("cell_type") == "markdown" and FOLDED.match("".join(cell["source"])):
            cell["metadata"]["jp-MarkdownHeadingCollapsed"] = True
        if cell.get("cell_type") != "code":
            continue
        tags = cell["metadata"].get("tags", ())
        cell["execution_count"] = None
        if KEEP not in tags:
            cell["outputs"] = []
        if PLUMBING in tags:
            cell["metadata"].setdefault("jupyter", {})["source_hidden"] = True
    return content


def _fingerprint(content):
    """What tells one version from another: what the cells say. All else changes when a notebook is opened and run."""
    cells = [[cell.get("id"), cell.get("cell_type"), "".join(cell.get("source", ""))] for cell in content["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]


def _fingerprint_of_0_1(content):
    """What a copy made by version 0.1 carries; it began with the course's outputs."""
    return hashlib.sha256(json.dumps(content["cells"], sort_keys=True).encode()).hexdigest()[:16]


def _dumps(content):
    """The text of a notebook's file, as Jupyter and `course build` write it."""
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
