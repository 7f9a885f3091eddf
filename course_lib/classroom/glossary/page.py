"""The glossary as a notebook, beside the lessons: for readers on a code host, and where the marks in lessons lead."""

from course_lib.classroom import places
from course_lib.classroom.glossary import topics
from course_lib.classroom.notebooks import METADATA, dumps

TEXTS = {
    "top": "# Glossary\n\nThe words of the field as this course uses them, in the order in which the lessons need them, with their "
    "Bulgarian and Russian names. JupyterLab finds a word with Ctrl+F (⌘F); the home page has a search box.",
    "also": "Also: {names}.",
    "taught": "Taught in [{place}]({lesson}.ipynb#cell-id={cell}).",
    "languages": "**Български** {bg[0]}. {bg[1]}  \n**Русский** {ru[0]}. {ru[1]}",
}


def page():
    """Make the text of `notebooks/glossary.ipynb`."""
    from nbformat.v4 import new_markdown_cell, new_notebook

    cells = [new_markdown_cell(TEXTS["top"], id="glossary")]
    for number, (title, terms) in enumerate(topics().items(), 1):
        cells.append(new_markdown_cell(f"## {title}", id=f"topic-{number}"))
        cells += [new_markdown_cell(_entry(term), id=term.id) for term in terms]
    return dumps(new_notebook(cells=cells, metadata=METADATA))


def _entry(term):
    about = []
    if term.other:
        about.append(TEXTS["also"].format(names=", ".join(term.other)))
    if term.cell:
        lesson = places.lesson_name(term.lesson)
        about.append(TEXTS["taught"].format(place=term.place, lesson=lesson, cell=term.cell))
    languages = TEXTS["languages"].format(bg=term.bg, ru=term.ru)
    return "\n\n".join([f"### {term.name}", term.en, *([" ".join(about)] if about else []), languages])
