"""One's own text in widgets: typed, read by Python, the latest of many; tried on a model that learns, is stopped and goes on."""

SENTENCE = """import time
import numpy as np
from course_lib.widgets import HeadBrowser, MergeStepper
heard = []
def read(text):
    heard.append(text)
    time.sleep(0.3)
    if "!" in text:
        raise ValueError("what a noise")
    words = text.split()
    return words, np.full((2, 2, len(words), len(words)), 1 / len(words))
browser = HeadBrowser(read("the cat sat")[1], ["the", "cat", "sat"], read=read, text="the cat sat")
browser"""
MERGES = "merges = MergeStepper('low lower lowest', merges=1)\nmerges"

TRAINING = """import torch
from course_lib.models.transformer import Transformer
from course_lib.training import TeacherForced, fit
from course_lib.widgets import TrainingMonitor
torch.set_num_threads(1)
model = Transformer(vocab_size=12, d_model=16, num_layers=1, num_heads=2, d_ff=16)
ids = torch.randint(1, 12, (8, 6))
monitor = TrainingMonitor(every=0.05, writes=lambda model: "written", try_it=lambda model, text: text.upper())
monitor"""
FIT = "history = fit(model, TeacherForced([(ids, ids)]), num_steps=100_000, progress=False, watch=monitor)"
STATE = "([root, state]) => root.dataset.state === state"


def eventually(notebook, expression, expected):
    """Wait until Python says what is expected."""
    for _ in range(100):
        found = notebook.python_json(expression)
        if found == expected:
            return
        notebook.page.wait_for_timeout(50)
    assert found == expected


def test_a_sentence_is_typed_and_the_latest_is_read(open_notebook):
    notebook = open_notebook([SENTENCE, MERGES])
    assert notebook.run_all()
    page, root = notebook.page, notebook.output(0).locator(".cl-heads")
    box = root.get_by_role("textbox", name="Your sentence")
    assert box.input_value() == "the cat sat"
    root.locator(".cl-map").first.focus()
    page.keyboard.press("ArrowRight")  # the head that is looked at stays
    eventually(notebook, "browser.head", 1)

    box.click()
    page.keyboard.press("ControlOrMeta+a")  # in the box, not of the notebook's cells
    page.keyboard.type("мама мила раму 😀", delay=30)
    page.keyboard.press("Enter")
    eventually(notebook, "browser.view.parts[0]['queries']", ["мама", "мила", "раму", "😀"])
    page.wait_for_function("(root) => root.dataset.state === 'ok'", arg=root.element_handle())
    assert root.locator("button.cl-line-token").all_inner_texts() == ["мама", "мила", "раму", "😀"]
    assert root.locator("h4").nth(1).inner_text() == "Layer 1, head 2"
    assert box.evaluate("(box) => box === document.activeElement")
    heard = notebook.python_json("heard")
    assert len(heard) < 8 and heard[-1] == "мама мила раму 😀"

    page.keyboard.type(" oh!")
    root.get_by_text("The picture is still the one before: read raises ValueError: what a noise").wait_for()
    assert root.locator("button.cl-line-token").count() == 4
    box.fill("")
    page.wait_for_timeout(600)
    box.blur()
    assert box.input_value() == "мама мила раму 😀 oh!"  # nothing is no text
    box.fill("a " * 200)
    root.get_by_text("Only the first 250 characters are read.").wait_for()
    eventually(notebook, "len(browser.view.text_read)", 250)
    assert box.input_value() == "a " * 200
    assert notebook.python_json("browser.text_error") == ""

    merges = notebook.output(1).locator(".cl-merges")
    text = merges.get_by_role("textbox", name="Text")
    text.fill("мама 😀 " * 1000)
    merges.get_by_text("Only the first 5,000 characters are read.").wait_for()
    eventually(notebook, "len(merges.text)", 5000)
    text.fill("мама 😀")
    pieces = [piece.replace("␣", " ") for piece in merges.locator(".cl-piece").all_inner_texts()]
    eventually(notebook, "merges.tokens", pieces)
    assert merges.locator(".cl-text-note:visible").count() == 0


def test_a_model_is_tried_stopped_and_goes_on(open_notebook):
    notebook = open_notebook([TRAINING, FIT])
    assert notebook.run_cell(0)
    page, root = notebook.page, notebook.output(0).locator(".cl-training")
    root.wait_for()
    eventually(notebook, "[monitor.view.control.placeholder, monitor.view.typed.placeholder]", ["1", "1"])

    def wait_for(state):
        page.wait_for_function(STATE, arg=[root.element_handle(), state])

    def try_text(text):
        root.get_by_role("textbox", name="Your text").fill(text)
        root.get_by_text(f"{text} → {text.upper()}").wait_for()

    stop, go_on = root.locator('[data-choice="Stop"]'), root.get_by_role("button", name="Continue")
    page.evaluate(
        """() => {
          window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;
          window.ended = window.jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    wait_for("running")
    root.locator(".cl-written li").first.wait_for()
    try_text("while it learns")
    root.locator('[data-choice="Pause"]').click()
    wait_for("paused")
    try_text("in a pause")
    stop.click()
    wait_for("stopped")
    assert page.evaluate("() => window.ended")
    try_text("after the stop")
    steps = notebook.python_json("len(history)")

    go_on.click()
    wait_for("running")
    try_text("while it learns again")
    stop.click()
    wait_for("stopped")
    go_on.focus()
    page.keyboard.press("Enter")
    wait_for("running")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    wait_for("stopped")  # as the notebook's square does
    later, told, state = notebook.python_json("[len(history), len(monitor.records), monitor.state]")
    assert later == told > steps and state == "stopped"
    assert notebook.python_json("[history[-1]['step'], monitor.error]") == [later, ""]
    assert notebook.python_json("'resume' in globals()") is False
