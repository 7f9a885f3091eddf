import html
import json
import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from course_lib.classroom import glossary, places
from course_lib.classroom.copies import own_copy
from course_lib.classroom.practice.exercises import exercises_of
from course_lib.classroom.practice.progress import Progress
from tests.unit.classroom.home.conftest import BASE, DAMAGED, did, send, tell

GETS = ["", "/review", "/glossary", "/open/notebooks/03", "/backup", "/export/calendar", "/export/anki"]
POSTS = ["/settings", "/theme", "/fresh", "/review", "/restore", "/api/place"]
QUESTION = "03.weights-recipe"


# --- who may ---


@pytest.mark.parametrize("address", GETS)
def test_without_login_every_page_leads_to_it(stranger, own, address):
    answer = stranger.get(f"course{address}")
    assert answer.status_code == 302 and answer.headers["location"].startswith(f"{BASE}login?next=")
    assert not own.exists()


@pytest.mark.parametrize("address", POSTS)
def test_without_login_no_form_is_taken(stranger, own, address):
    assert stranger.post(f"course{address}", data={"path": "all", "minutes": "20"}).status_code == 403
    assert not own.exists()


@pytest.mark.parametrize("address", POSTS)
def test_a_form_without_its_token_is_refused(window, own, address):
    assert window.post(f"course{address}", data={"path": "all", "minutes": "20"}).status_code == 403
    assert Progress().events() == []


def test_all_comes_from_this_server_and_no_script_stands_in_a_page(window):
    for page in ("course", "course/review", "course/glossary"):
        answer = window.get(page)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert not re.search(r'(?:src|href|action)="(?!/hub/user/ada/|#)', answer.text)
        assert not re.search(r"<script(?![^>]* src=)", answer.text)


def test_what_pages_need_is_there(window):
    for address in re.findall(r'(?:src|href)="([^"]*/static/[^"]*)"', window.get("course").text):
        assert window.get(address.removeprefix(BASE)).status_code == 200


# --- the first visit, and the next ---


def test_the_first_visit_asks_two_questions_and_the_next_does_not(window):
    first = window.get("course").text
    assert 'id="triple"' in first and "How many minutes a day?" in first
    lesson = send(window, "course/settings", path="short", minutes="35").headers["location"]
    values = {event["subject"]: event["value"] for event in Progress().events("setting")}
    assert values == {"path": "short", "minutes": 35}
    home = window.get("course").text
    assert 'id="triple"' not in home and home.count("not on your path") == len(places.lessons()) - 5
    assert re.findall(r'id="continue" href="([^"]+)"', home) == [lesson] == [f"{BASE}course/open/notebooks/00"]
    assert send(window, "course/settings", path="all", minutes="20").headers["location"] == f"{BASE}course"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"path": "up", "minutes": "20"}, "expected one of all, core, short, got &#39;up&#39;"),
        ({"path": "<b>", "minutes": "20"}, "&#39;&lt;b&gt;&#39;"),
        ({"path": "all", "minutes": "0"}, "from 5 to 240, got &#39;0&#39;"),
        ({"path": "all", "minutes": "²"}, "from 5 to 240"),
        ({"path": "all", "minutes": "9" * 5000}, "from 5 to 240"),
        ({"path": "all", "minutes": "20%s"}, "&#39;20%s&#39;"),
        ({"path": "all"}, "minutes: it is missing from this form"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_and_said(window, fields, said):
    answer = send(window, "course/settings", **fields)
    assert answer.status_code == 400 and said in answer.text
    assert Progress().events() == []


def test_continue_leads_to_the_cell_where_the_learner_was(window, own):
    did("place", "lessons/03_self_attention_by_hand.ipynb", cell="step-4")
    page = window.get("course").text
    assert "Step 4 · Mix" in page
    (address,) = re.findall(r'id="continue" href="([^"]+)"', page)
    answer = window.get(html.unescape(address).removeprefix(BASE))
    assert answer.status_code == 303
    place, _, cell = answer.headers["location"].removeprefix(f"{BASE}lab/tree/").partition("#")
    assert (
        place == f"{own.parent.name}/work%20space/lessons/03_self_attention_by_hand.ipynb" and cell == "cell-id=step-4"
    )
    assert (own.parent.parent / unquote(place)).is_file()


def test_the_path_leads_to_the_glossary_and_its_words_to_the_cells_that_teach_them(window):
    did("setting", "path", value="all")
    (address,) = re.findall(r'href="([^"]+)">Glossary<', window.get("course").text)
    page = html.unescape(window.get(address.removeprefix(BASE)).text)
    for term in glossary.terms():
        assert f'<div id="{term.id}">' in page and all(text in page for text in (term.en, *term.bg, *term.ru))
    assert f"{BASE}course/open/notebooks/12?cell=step-8" in page
    assert len(re.findall(r'lang="(?:bg|ru)"', page)) == 2 * len(glossary.terms())


def test_a_quiz_left_out_is_a_small_link_and_not_in_the_way(window):
    for one in exercises_of("03"):
        did("check", one.id, outcome="passed")
    page = window.get("course").text
    assert re.findall(r'id="continue" href="([^"]+)"', page) == [f"{BASE}course/open/notebooks/04"]
    (address,) = re.findall(r'href="([^"]+)">quiz of lesson 03<', page)
    assert re.fullmatch(rf"{BASE}course/open/notebooks/03\?cell=[\w-]+", address)


def test_the_page_says_how_long_the_lesson_at_hand_takes(window):
    did("setting", "path", value="short")
    assert re.search(r"Lesson 00 takes about \d+ minutes\.", window.get("course").text)
    did("place", "lessons/03_self_attention_by_hand.ipynb", cell="step-4")
    assert re.search(r"About \d+ days to the end of lesson 03, at 20 minutes a day\.", window.get("course").text)
    for lesson in ("00", "03", "04", "05", "06"):
        for one in exercises_of(lesson):
            did("check", one.id, outcome="passed")
        did("quiz", f"{lesson}.some-question", rating="good", correct=True)
    page = window.get("course").text
    assert "You have been through all of it" in page and " to the end of " not in page and " takes about " not in page


@pytest.mark.parametrize(
    ("built", "said"),
    [
        (1, "Last time you built <code>scores</code>."),
        (2, "Last time you built <code>scores</code> and <code>softmax</code>."),
        (3, "Last time you built <code>scores</code>, <code>softmax</code> and <code>breaking_case</code>."),
        (5, "<code>breaking_case</code> and 2 more."),
    ],
)
def test_who_comes_back_is_told_what_they_built_last_time(window, built, said):
    did("setting", "path", value="all")
    assert "Last time" not in window.get("course").text
    for one in exercises_of("03")[:built]:
        did("check", one.id, days_ago=2, outcome="passed")
    assert said in window.get("course").text


def test_the_next_exercise_opens_at_its_heading(window, own):
    did("check", "03.scores", outcome="passed", diagnosis=None, source="…")
    did("place", "lessons/03_self_attention_by_hand.ipynb", cell="step-4")
    (address,) = re.findall(r'id="exercise" href="([^"]+)"', window.get("course").text)
    there = window.get(address.removeprefix(BASE)).headers["location"]
    assert there.endswith("/work%20space/exercises/03_self_attention_by_hand.ipynb#cell-id=softmax-task")
    cells = json.loads((own / "exercises" / "03_self_attention_by_hand.ipynb").read_text("utf-8"))["cells"]
    assert "softmax-task" in [cell["id"] for cell in cells]


def test_a_cells_name_stays_in_its_place_in_the_address(window):
    there = window.get("course/open/notebooks/03", params={"cell": "a#b&c\r\nSet-Cookie: d=<e>"}).headers["location"]
    assert there.endswith("#cell-id=a%23b%26c%0D%0ASet-Cookie%3A%20d%3D%3Ce%3E")


@pytest.mark.parametrize("address", ["open/notebooks/77", "open/solutions/03", "open/notebooks/../03", "nothing"])
def test_what_is_not_there_is_not_found(window, own, address):
    assert window.get(f"course/{address}").status_code == 404
    assert not (own / "lessons").exists()


def test_a_workspace_that_this_jupyterlab_does_not_show_is_said(window, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "elsewhere"))
    answer = window.get("course/open/notebooks/03")
    assert answer.status_code == 500 and "lies outside of the folder" in answer.text and "`" not in answer.text


def test_a_newer_lesson_offers_both_and_the_old_one_is_kept(window, own):
    did("setting", "path", value="all")
    path = own_copy("notebooks", "03").path
    assert "newer version" not in window.get("course").text
    mine = json.loads(path.read_text("utf-8"))
    mine["metadata"]["course"]["notebooks"] = "of long ago"
    mine["cells"][0]["source"] = "mine"
    path.write_text(json.dumps(mine), encoding="utf-8")
    page = window.get("course").text
    assert "The course has a newer version of the lesson" in page and "Keep mine" in page
    there = send(window, "course/fresh", kind="notebooks", lesson="03").headers["location"]
    assert there.endswith("/lessons/03_self_attention_by_hand.ipynb")
    (kept,) = (own / "lessons" / "set-aside").rglob("*.ipynb")
    assert json.loads(kept.read_text("utf-8"))["cells"][0]["source"] == "mine"
    assert "newer version" not in window.get("course").text


def test_a_copy_that_cant_be_opened_is_said(window, own):
    did("setting", "path", value="all")
    own_copy("notebooks", "03").path.write_text("<<<<<<< <b>mine</b>\n")
    page = window.get("course").text
    assert "can&#39;t be opened" in page and "set mine aside" in page and "<b>mine</b>" not in page


# --- where the learner is ---


def test_where_a_learner_rests_is_kept_once(window, own):
    path = own_copy("notebooks", "03").path.relative_to(own.parent.parent).as_posix()
    for cell in ("step-4", "step-4", "step-5"):
        assert tell(window, path=path, cell=cell).status_code == 204
    kept = [(event["subject"], event["cell"]) for event in Progress().events("place")]
    assert kept == [("lessons/03_self_attention_by_hand.ipynb", cell) for cell in ("step-4", "step-5")]


def test_where_they_rest_in_other_notebooks_is_their_own_affair(window, own):
    folder = own.relative_to(own.parent.parent).as_posix()
    for path in (
        "mine.ipynb",
        f"{folder}/mine.ipynb",
        f"{folder}/lessons/old/03.ipynb",
        "../../etc/passwd",
        "/etc/x",
        "\0",
    ):
        assert tell(window, path=path, cell="a").status_code == 204
    assert Progress().events() == []


def test_reviews_say_that_progress_cannot_be_read(window, damaged):
    answer = window.get("course/review").text
    assert "file is not a database" in answer and "Nothing is due" not in answer


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"path": "a"},
        {"path": 3, "cell": "a"},
        {"path": "a", "cell": "a" * 65},
        {"path": "a", "cell": "\ud800"},
        {"path": "\ud800", "cell": "a"},
    ],
)
def test_a_place_that_makes_no_sense_is_refused(window, fields):
    assert tell(window, **fields).status_code == 400
    assert window.post("course/api/place", json={"path": "a", "cell": "b"}).status_code == 403
    assert Progress().events() == []


# --- what comes from a learner is text ---


def test_hostile_content_is_text_everywhere(window):
    bad = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    formula = r"$\text{<img src=x onerror=alert(3)>} \href{javascript:alert(4)}{x} \style{position:fixed}{y}$"
    failed = {
        "outcome": "failed",
        "diagnosis": bad,
        "message": bad + formula + "```\n",
        "source": f"def f(): '{bad}'\n```",
    }
    did("check", "03.softmax", days_ago=3, **failed)
    did("place", f"lessons/{bad}.ipynb", cell=bad)
    did("setting", "path", value=bad)
    did("setting", "minutes", value=10**400)
    for page in (window.get("course").text, window.get("course/review").text):
        assert "alert(1)" in page
        for element in ("<script>alert", "<img", "<mtext><img", 'javascript:alert(4)"', "position:fixed"):
            assert element not in page


def test_a_progress_file_that_cant_be_read_is_said_and_left_alone(window, damaged):
    page = window.get("course").text
    assert "can&#39;t be used" in page and "Self-attention by hand" in page
    assert damaged.read_bytes() == DAMAGED


# --- reviews ---


def card(page):
    """The fields of the card that a page asks."""
    fields = dict(re.findall(r'name="(card|seen)" value="([^"]*)"', page))
    return {name: html.unescape(value) for name, value in fields.items()}


def test_a_review_is_recorded_once_and_the_second_window_is_told(window):
    did("quiz", QUESTION, days_ago=2, rating="good", correct=True)
    assert re.search(r"1 card, about \d+ minute", window.get("course").text)
    page = window.get("course/review").text
    shown = card(page)
    assert shown == {"card": QUESTION, "seen": "1"}
    assert "Lesson 03 · Self-attention by hand" in page and "Activate prior knowledge" not in page
    assert "the later the card comes back" in page and all(when in page for when in ("in 1 day<", "in 8 days<"))
    first = send(window, "course/review", page="course/review", rating="hard", **shown)
    assert first.headers["location"] == f"{BASE}course/review"
    second = send(window, "course/review", rating="again", **shown)
    assert second.headers["location"] == f"{BASE}course/review?told=elsewhere"
    assert "in another window in the meantime" in window.get("course/review?told=elsewhere").text
    assert [event["rating"] for event in Progress().events("review")] == ["hard"]
    done = window.get("course/review").text
    assert "Done for today" in done and "Self-attention by hand" in done
    assert re.findall(r'id="continue" href="([^"]+)"', done) == [f"{BASE}course/open/notebooks/03"]


def test_an_answer_has_its_heading_where_there_is_no_choice(window):
    for question, has_heading in ((QUESTION, False), ("03.from-memory", True)):
        did("quiz", question, days_ago=2, rating="good", correct=True)
        page = window.get("course/review").text
        assert card(page)["card"] == question and ("<b>Answer</b>" in page) == has_heading
        send(window, "course/review", page="course/review", rating="good", **card(page))


@pytest.mark.parametrize(
    "wrong", [{"rating": "best"}, {"card": "03.no-such-card"}, {"seen": "-1"}, {"seen": "one"}, {"seen": "9" * 400}]
)
def test_an_answer_that_makes_no_sense_is_refused(window, wrong):
    did("quiz", QUESTION, days_ago=2, rating="good", correct=True)
    fields = {"card": QUESTION, "seen": "1", "rating": "good"} | wrong
    assert send(window, "course/review", page="course/review", **fields).status_code == 400
    assert Progress().events("review") == []


def test_formulas_are_drawn_without_a_script(window):
    did("quiz", QUESTION, days_ago=2, rating="good", correct=True)
    page = window.get("course/review").text
    assert "<math" in page and "$" not in re.sub(r"<code>.*?</code>", "", page, flags=re.S)


def test_an_address_can_make_the_page_say_only_what_it_knows(window):
    did("setting", "path", value="all")
    for told in ("<b>send money</b>", "denied", "\xff", ""):
        page = window.get("course", params={"told": told}).text
        assert "send money" not in page and 'class="told"' not in page


# --- exports ---


def test_calendar_and_anki_can_be_downloaded(window):
    did("quiz", QUESTION, days_ago=2, rating="good", correct=True)
    calendar, anki = window.get("course/export/calendar"), window.get("course/export/anki")
    assert calendar.headers["content-type"].startswith("text/calendar") and "BEGIN:VEVENT" in calendar.text
    assert 'filename="anki.txt"' in anki.headers["content-disposition"] and QUESTION in anki.text


# --- speed ---


def test_with_5000_events_a_page_takes_less_than_a_third_of_a_second(window):
    did("quiz", QUESTION, days_ago=60, rating="good", correct=True)
    now = datetime.now(UTC)
    rows = [
        ("quiz", QUESTION, {"rating": "good", "correct": True}),
        ("check", "03.softmax", {"outcome": "failed", "diagnosis": "d", "message": "m", "source": "def f(): pass"}),
        ("place", "lessons/03_self_attention_by_hand.ipynb", {"cell": "step-4"}),
        ("review", QUESTION, {"rating": "good"}),
    ]
    with Progress()._open(make=False) as connection, connection.transaction():
        connection.executemany(
            "INSERT INTO events VALUES (NULL, ?, ?, ?, ?)",
            [
                ((now - timedelta(minutes=5000 - i)).isoformat(), kind, subject, json.dumps(details))
                for i, (kind, subject, details) in enumerate(rows * 1250)
            ],
        )
    window.get("course")

    def seconds():
        began = time.process_time()  # the server is a thread of this process; others that are busy don't count
        assert "Step 4" in window.get("course").text
        return time.process_time() - began

    assert min(seconds() for _ in range(3)) < 0.3
