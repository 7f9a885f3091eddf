import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from course_lib.classroom import places
from course_lib.classroom.practice import exercise, your_turn
from course_lib.classroom.practice.your_turn import YourTurn
from tests.unit.classroom.practice.test_exercises import naive, softmax

FILE = "03_self_attention_by_hand.ipynb"


class Links(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.found.append(dict(attributes))


def test_it_opens_the_learners_own_copy_at_each_task(shown, own_workspace, monkeypatch):
    (own_workspace / "lessons").mkdir(parents=True)
    monkeypatch.chdir(own_workspace / "lessons")
    your_turn("03.softmax", "03.scaled_dot_product_attention")
    ((buttons, still, _),) = shown
    addresses = [urlsplit(link["href"]) for link in Links(buttons.html).found]
    assert {unquote(address.path) for address in addresses} == {f"../exercises/{FILE}"}
    assert [address.fragment for address in addresses] == ["cell-id=softmax-task", "cell-id=attention-task"]
    assert (own_workspace / "exercises" / FILE).is_file()
    assert [link["href"] for link in Links(still.html()).found] == [address.geturl() for address in addresses]


def test_the_state_of_each_task_follows_what_is_done(shown, press):
    your_turn("03.softmax", "03.scores")
    buttons = shown[0][0]
    assert re.findall(r'data-state="(\w+)"', buttons.html) == ["new", "new"]
    exercise("03.softmax").check(naive)
    press(buttons, "again")
    assert re.findall(r'data-state="(\w+)"', buttons.html) == ["tried", "new"] and "◐ not yet" in buttons.html
    exercise("03.softmax").check(softmax)
    press(buttons, "again")
    assert "✓ passed · 2 points" in buttons.html


def test_without_a_kernel_links_lead_to_the_exercises_beside_the_lesson():
    html = YourTurn(["03.softmax"]).html()
    (link,) = Links(html).found
    assert link["href"] == f"../exercises/{FILE}#cell-id=softmax-task"
    assert os.path.exists(places.course_root() / "notebooks" / link["href"].partition("#")[0])


def test_in_a_terminal_it_is_text(capsys):
    your_turn("03.scores")
    printed = capsys.readouterr().out
    assert printed.startswith("Your turn: Scores") and "1 point, ○ not tried" in printed and FILE in printed


def test_a_workspace_that_is_none_stops_no_lesson(shown, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "file"))
    your_turn("03.softmax")
    assert "A softmax" in shown[0][0].html and "read-only" in shown[0][0].html


@pytest.mark.parametrize(
    ("ids", "error"),
    [
        ((), "ids: expected at least one"),
        (("03.sofmax",), "no exercise '03.sofmax'"),
        (("03.softmax", "04.split_heads"), "ids: expected exercises of one lesson, got those of 03, 04"),
    ],
)
def test_what_does_not_belong_is_named(ids, error):
    with pytest.raises(ValueError, match=error):
        your_turn(*ids)
