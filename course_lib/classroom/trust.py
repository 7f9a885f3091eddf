"""Notebooks that Jupyter may show in full.

Jupyter shows the widgets and the HTML of a notebook that is opened again only where it has signed it, and it signs no
notebook with one output that it did not see made. The learner's copies begin with the course's own questions and panels, so
they are signed as they are made.
"""

from nbformat import v4

from course_lib.classroom import copies, files, notebooks, places


def is_given(notary, text):
    """Whether Jupyter has signed a notebook.

    Args:
        notary: the server's `NotebookNotary`.
        text: what the file holds.
    """
    return notary.check_signature(v4.reads(text))


def give(notary, text):
    """Sign a notebook; arguments as in `is_given`."""
    notary.sign(v4.reads(text))


def give_to_copies(notary, *, kinds=tuple(places.OWN), lessons=None):
    """Sign those of the learner's copies that are as the course makes them; what can't be read is left alone.

    Args:
        notary: the server's `NotebookNotary`.
        kinds: "notebooks", "exercises".
        lessons: names of lessons; None for all.
    """
    for lesson in places.lessons() if lessons is None else lessons:
        for kind in kinds:
            try:
                text = notebooks.read_text(places.own_path(kind, lesson))
                if text == copies.as_made(kind, places.lesson_path(kind, lesson))[0]:
                    give(notary, text)
            except (OSError, ValueError, files.FileTrouble):
                continue
