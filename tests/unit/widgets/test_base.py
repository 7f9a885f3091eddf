"""What all widgets share, and what each of them must do like all others."""

import base64
import html.parser
import json
import re
import warnings

import anywidget
import numpy as np
import pytest
import traitlets

from course_lib import plots, widgets
from course_lib.widgets import base

HOSTILE = '</script><b>&"$\\x{$'

MAKE = {
    "AttentionPlayground": lambda t, shares, **more: widgets.AttentionPlayground(
        [HOSTILE, "b"], *np.ones((3, 2, 2)), title=t, **more
    ),
    "BlockWalk": lambda t, shares, **more: widgets.BlockWalk(
        np.ones((2, 3)), [HOSTILE, "b"], lambda x, **on: {"in": x}, title=t, **more
    ),
    "DecodingStepper": lambda t, shares, **more: widgets.DecodingStepper(
        lambda ids: [1.0, 2.0], [HOSTILE, "b"], title=t, **more
    ),
    "HeadBrowser": lambda t, shares, **more: widgets.HeadBrowser(shares(2, 3, 2, 2), [HOSTILE, "b"], title=t, **more),
    "MaskBuilder": lambda t, shares, **more: widgets.MaskBuilder([HOSTILE, "b"], title=t, **more),
    "MergeStepper": lambda t, shares, **more: widgets.MergeStepper(HOSTILE, title=t, **more),
    "PatchView": lambda t, shares, **more: widgets.PatchView(np.eye(4), [shares(2, 4, 4)], 2, title=t, **more),
    "PositionExplorer": lambda t, shares, **more: widgets.PositionExplorer(length=8, d_model=4, title=t, **more),
    "ScalingLab": lambda t, shares, **more: widgets.ScalingLab(title=t, **more),
    "TrainingMonitor": lambda t, shares, **more: widgets.TrainingMonitor(title=t, **more),
}
every_widget = pytest.mark.parametrize("name", MAKE)


class Page(html.parser.HTMLParser):
    """The elements of a page, and the text within each kind of them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._inside = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        self.texts[self._inside] = self.texts.get(self._inside, "") + data

    def constant(self, name):
        """A constant of the script, as JSON holds it."""
        line = next(line for line in self.texts["script"].splitlines() if line.startswith(f"const {name} = "))
        return json.loads(line.removeprefix(f"const {name} = ").removesuffix(";"))


# --- every widget ---


def test_none_is_forgotten():
    assert set(MAKE) == set(widgets.__all__) - {"Goal"}


UNPRINTABLE = "\ud800\x1b[31m\u202e low"


def fails(*arguments, **named):
    raise ValueError(UNPRINTABLE)


MORE = {
    "a function's message": lambda: widgets.BlockWalk(np.ones((2, 3)), ["a", "b"], fails),
    "a stage": lambda: widgets.BlockWalk(np.ones((1, 3)), ["a"], lambda x, **on: {UNPRINTABLE: x}),
    "a part": lambda: widgets.HeadBrowser({UNPRINTABLE: np.ones((1, 1, 1, 1))}, {UNPRINTABLE: ["a"]}),
    "a preset": lambda: widgets.AttentionPlayground(["a"], *np.ones((3, 1, 2)), presets={UNPRINTABLE: {}}),
}


@pytest.mark.parametrize("name", [*MAKE, *MORE])
def test_text_that_cannot_be_printed_reaches_the_page_and_steers_no_terminal(name, shares, monkeypatch, tmp_path):
    monkeypatch.setitem(globals(), "HOSTILE", UNPRINTABLE)
    widget = MORE[name]() if name in MORE else MAKE[name](UNPRINTABLE, shares)
    (data, about), state = widget._repr_mimebundle_(), widget.view.get_state()
    for message in (data, about, state):  # as JSON goes over the wire
        json.dumps(message, ensure_ascii=False, default=lambda _: None).encode()
    assert not re.search("[\x1b\u202e\ud800]", data["text/plain"])
    text = widget.save_html(tmp_path / "page.html").read_text("utf-8")
    assert "\\ufffd\\u001b[31m" in text


@every_widget
def test_a_notebook_keeps_a_live_view_a_picture_and_a_sentence(name, shares, kept):
    widget = MAKE[name](None, shares)
    sentence, pixels = kept(widget)
    np.testing.assert_array_equal(kept(widget)[1], pixels)  # what has not changed makes no difference between versions
    assert sentence == re.sub(r"\s+", " ", sentence) or name == "MergeStepper"  # whose sentence quotes the text


@every_widget
@pytest.mark.filterwarnings("error")
def test_the_still_is_a_picture_under_the_title(name, shares):
    title = "$\\frac{$ and <b>"  # no formula, no markup
    still = MAKE[name](title, shares).still()
    assert isinstance(still, plots.Picture)
    assert still.get_suptitle() == title
    still.draw_without_rendering()
    assert MAKE[name](None, shares).still().get_suptitle() != title


@every_widget
def test_a_saved_page_holds_all_that_is_shown_and_asks_nobody(name, shares, tmp_path):
    widget = MAKE[name](HOSTILE, shares)
    path = widget.save_html(str(tmp_path / "page.html"))
    assert path == tmp_path / "page.html"
    text = path.read_text("utf-8")
    page = Page(text)

    assert [tag for tag, _ in page.elements] == ["html", "meta", "title", "meta", "meta", "style", "main", "script"]
    attributes = {name for _, own in page.elements for name in own}
    assert attributes == {"lang", "charset", "name", "content", "type"}  # no src, no href
    assert text.count("</script>") == 1
    assert page.texts["title"] == name.removeprefix("Attention")

    state = page.constant("STATE")
    assert state["title"] == {"json": HOSTILE}
    expected = {key: value for key, value in widget.view.get_state().items() if key in state}
    for key, value in expected.items():
        if isinstance(value, (bytes, memoryview)):
            assert base64.b64decode(state[key]["base64"]) == bytes(value), key
        else:
            assert state[key]["json"] == json.loads(json.dumps(value)), key
    ours = [vars(cls) for cls in type(widget.view).__mro__ if cls.__module__.startswith("course_lib")]
    traits = {key for own in ours for key, value in own.items() if isinstance(value, traitlets.TraitType)}
    assert set(state) == {key for key in traits if not key.startswith("_")} != set()

    module = page.constant("MODULE")
    assert module == str(widget.view._esm)
    code = page.texts["script"].replace(json.dumps(state), "") + page.texts["style"]
    for outside in ("http:", "https:", "//cdn", "fetch(", "@import", "url(", "XMLHttpRequest", "WebSocket"):
        assert outside not in code.replace("http://www.w3.org/2000/svg", "").replace(json.dumps(HOSTILE), ""), outside


@every_widget
def test_a_page_is_replaced_and_a_folder_that_is_not_there_is_named(name, shares, tmp_path):
    widget = MAKE[name](None, shares)
    first = widget.save_html(tmp_path / "page.html").read_text("utf-8")
    widget.view.title = "Another"
    assert widget.save_html(tmp_path / "page.html").read_text("utf-8") != first
    with pytest.raises(FileNotFoundError, match="nowhere"):
        widget.save_html(tmp_path / "nowhere" / "page.html")


@every_widget
def test_a_title_that_is_no_string_is_refused(name, shares, refuses):
    refuses(lambda: MAKE[name](7, shares), "title is a value of type int; expected a string", error=TypeError)


# --- Widget and page_of ---


class SmallView(anywidget.AnyWidget):
    _esm, _css = "export default {}", ".cl { color: red }"
    title = traitlets.Unicode("a <b>").tag(sync=True)
    numbers = traitlets.Bytes(b"\x00\xff").tag(sync=True)
    hidden = traitlets.Int(3)


class Small(base.Widget):
    def __init__(self):
        self.view = SmallView()

    def still(self):
        warnings.warn("Glyph 29483 missing from font(s)", UserWarning, stacklevel=1)
        return self._picture(3, 2)

    def text_alternative(self):
        return "Small, with a “$”."


def test_a_page_is_built_from_a_view_alone():
    text = base.page_of(SmallView())
    page = Page(text)
    assert page.texts["title"] == "Small"
    assert page.texts["style"].endswith(".cl { color: red }")
    assert page.constant("STATE") == {"title": {"json": "a <b>"}, "numbers": {"base64": "AP8="}}
    assert page.constant("MODULE") == "export default {}"
    assert "a <b>" not in text


@pytest.mark.filterwarnings("error")
def test_a_letter_that_the_font_lacks_is_no_reason_to_warn():
    data, metadata = Small()._repr_mimebundle_(include=None, exclude=None)
    assert data["text/plain"] == metadata["image/png"]["alt"] == "Small, with a “$”."
    assert data["image/png"].startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_still_and_words_are_each_widgets_own():
    for method in (base.Widget().still, base.Widget().text_alternative):
        with pytest.raises(NotImplementedError):
            method()


# --- what comes in ---


def test_a_title_is_a_string_or_nothing(refuses):
    assert base.checked_title(None) == ""
    assert base.checked_title("T") == "T"
    refuses(lambda: base.checked_title(b"T"), "title is a value of type bytes; expected a string", error=TypeError)


def test_a_number_has_its_noun():
    assert [base.counted(n, "layer") for n in (0, 1, 2)] == ["0 layers", "1 layer", "2 layers"]


# --- what a learner's function does ---


def caught(function):
    try:
        function()
    except Exception as problem:
        return problem
    raise AssertionError("nothing was raised")


def test_an_error_is_told_by_the_learners_own_lines():
    def outer():
        return inner([1.0, 2.0])

    def inner(values):
        return np.linalg.norm(np.reshape(values, (3, 3)))

    text = base.explain(caught(outer), "outer")
    lines = text.splitlines()
    assert lines[0].endswith("in outer: return inner([1.0, 2.0])")
    assert lines[1].endswith("in inner: return np.linalg.norm(np.reshape(values, (3, 3)))")
    assert lines[0].startswith("line ")
    assert lines[-1].startswith("ValueError: cannot reshape")
    assert "course_lib" not in text and "numpy" not in text


def test_lines_of_the_course_and_of_libraries_are_left_out():
    from course_lib.attention import softmax

    text = base.explain(caught(lambda: softmax("no numbers")), "mine")
    *frames, last = text.splitlines()
    assert [line.split(" in ")[1].split(":")[0] for line in frames] == ["caught", "<lambda>"]
    assert last.startswith("ValueError: scores")


def test_a_line_without_source_has_its_number():
    code = compile("def mine():\n    return 1 / 0\n", "<cell>", "exec")
    names = {}
    exec(code, names)
    text = base.explain(caught(names["mine"]), "mine")
    assert "line 2 in mine" in text
    assert text.endswith("ZeroDivisionError: division by zero")


def test_a_stub_is_no_error():
    assert base.explain(NotImplementedError(), "mine").startswith("Not written yet: mine raises NotImplementedError.")
    assert base.explain(NotImplementedError("step 2"), "mine") == "Not written yet: step 2"


def test_a_long_error_is_cut():
    text = base.explain(ValueError("x" * 5000), "mine")
    assert len(text) == base.MAX_ERROR_CHARACTERS
    assert text.endswith("…")


def test_names_of_functions():
    class Callable:
        def __call__(self):
            pass

    assert base.name_of(caught) == "caught"
    assert base.name_of(Callable()) == "Callable"
