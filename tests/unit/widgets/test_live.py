"""Widgets' files that are followed while somebody works on them; how it looks on a page is tested in tests/browser/."""

import time

import pytest

from course_lib.widgets import live, page


@pytest.fixture
def nobody_watches(monkeypatch):
    """No thread that outlives the test: what it would do is called by hand."""
    monkeypatch.setattr(live, "_followed", [])
    monkeypatch.setattr(live.threading.Thread, "start", lambda thread: None)


def test_edits_are_followed_only_where_that_is_wanted(monkeypatch):
    monkeypatch.delenv("ANYWIDGET_HMR", raising=False)
    assert not live.is_wanted()
    assert all(type(part) is str for part in page.page_module("block_walk"))
    monkeypatch.setenv("ANYWIDGET_HMR", "1")
    assert live.is_wanted()


def test_what_is_read_anew_is_told_to_every_widget(nobody_watches, tmp_path):
    texts, told = ["one", "style"], []
    module, style = live.followed(lambda: tuple(texts), tmp_path)
    assert (str(module), str(style)) == ("one", "style")
    module.changed.connect(told.append)
    live._renew(*live._followed[0])
    assert told == []  # nothing has changed
    texts[0] = "two"
    live._renew(*live._followed[0])
    assert told == ["two"] and str(style) == "style"


def test_what_a_page_cannot_follow_is_told_on_it_and_the_style_stays(nobody_watches, tmp_path):
    def read():
        if broken:
            raise ValueError('a.js imports "d3"')
        return "one", "style"

    broken = False
    module, style = live.followed(read, tmp_path)
    broken = True
    live._renew(*live._followed[0])
    assert r"a.js imports \"d3\"" in str(module) and "export default" in str(module)
    assert str(style) == "style"


def test_a_saved_file_is_noticed(tmp_path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "a.css").write_text("one")
    before = live._saved(tmp_path)
    assert live._saved(tmp_path) == before
    time.sleep(0.02)
    (tmp_path / "kit" / "a.css").write_text("two")
    assert live._saved(tmp_path) != before
    (tmp_path / "b.js").write_text("")
    assert len(live._saved(tmp_path)) == 2
