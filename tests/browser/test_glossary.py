"""In a lesson the pointer on a marked word shows what it means, and a click leads to its entry, and from there to where it is taught."""

from nbformat.v4 import new_markdown_cell

from course_lib.classroom.copies import own_copy
from course_lib.classroom.glossary import terms
from course_lib.classroom.glossary.marks import mark

LESSON, GLOSSARY = "workspace/lessons/marks.ipynb", "workspace/lessons/glossary.ipynb"
IS_AT = """([path, cell]) => {
  const { context, content } = window.jupyterapp.shell.currentWidget ?? {};
  return context?.path === path && content.activeCell?.model.id === cell && content.activeCell.inViewport;
}"""


def test_a_marked_word_shows_its_meaning_and_leads_to_its_entry(lab, open_notebook, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(lab.root))
    monkeypatch.setenv("COURSE_WORKSPACE", str(lab.workspace))
    own_copy("notebooks", "07")
    (dropout,) = (term for term in terms() if term.name == "dropout")
    (_, text) = mark(["## Overview", "Trained with *dropout* and $x$."], "08")
    lab.put(LESSON, [new_markdown_cell(text, id="text")])
    notebook = open_notebook(LESSON)
    notebook.ask("(path) => localStorage.setItem(`attention-course:left:${path}`, 'softmax')", GLOSSARY)
    word = notebook.page.get_by_role("link", name="dropout")
    assert word.get_attribute("title") == dropout.en
    word.click()
    notebook.page.wait_for_function(IS_AT, arg=[GLOSSARY, "dropout"])
    entry = notebook.page.locator(".jp-mod-active.jp-MarkdownCell:visible")
    assert dropout.ru[1] in entry.inner_text()
    entry.get_by_role("link", name="lesson 07").click()
    notebook.page.wait_for_function(IS_AT, arg=["workspace/lessons/07_training_a_translator.ipynb", dropout.cell])
