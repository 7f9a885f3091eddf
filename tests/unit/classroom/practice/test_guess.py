import re

import pytest

from course_lib.classroom.practice.guess import NUMBER, Guess, guess, tally
from course_lib.classroom.practice.progress import Progress

CHOICE = ("03.which-grows", "Which `weight` grows, <b>?", ["cat", "mat"])


def outcomes():
    return [(event["subject"], event["outcome"], event.get("answer")) for event in Progress().events("guess")]


def test_a_choice_is_judged_recorded_and_becomes_plain_html(shown, press):
    guess(*CHOICE, answer="mat", why="Its key points there.")
    ((buttons, _, later),) = shown
    assert "course-covers" in buttons.html and "Its key" not in buttons.html, "nothing is told before"
    assert re.findall(r'data-press="([^"]+)"', buttons.html) == ["choice 0", "choice 1", "show"]
    press(buttons, "choice 1")
    assert outcomes() == [("03.which-grows", "right", "mat")]
    assert "course-covers" not in buttons.html and "data-press" not in buttons.html
    (bundle,) = later
    assert "✓" in bundle["text/html"] and "Right: mat." in bundle["text/html"] and "Its key" in bundle["text/html"]
    assert "course-covers" not in bundle["text/html"]


def test_the_first_answer_counts(shown, press):
    guess(*CHOICE, answer="mat")
    buttons = shown[0][0]
    for name in ("choice 0", "choice 1", "show", "right"):
        press(buttons, name)
    assert outcomes() == [("03.which-grows", "wrong", "cat")]
    assert "Your guess: cat. Not this time. The answer: mat." in buttons.html


def test_asked_again_it_shows_what_was_answered_and_covers_nothing(shown, press):
    guess(*CHOICE, answer="mat")
    press(shown[0][0], "choice 0")
    guess(*CHOICE, answer="mat")
    buttons, panel, _ = shown[1]
    assert buttons is None and "Your guess: cat." in panel.html() and "course-covers" not in panel.html()


def test_show_me_is_no_guess(shown, press):
    guess(*CHOICE, answer="mat")
    press(shown[0][0], "show")
    assert outcomes() == [("03.which-grows", "shown", None)]
    assert "The answer: mat." in shown[0][0].html and "guess" not in shown[0][0].html.partition("The answer")[2]


@pytest.mark.parametrize(
    ("typed", "outcome"),
    [("3.6", "right"), (" 3,64 ", "right"), ("3.66", "wrong"), ("−3.6", "wrong"), ("3.55", "right"), ("4", "wrong")],
)
def test_a_number_may_be_off_a_little(shown, press, typed, outcome):
    guess("03.how-much", "How much?", answer=3.6, within=0.05)
    press(shown[0][0], "typed", typed)
    assert outcomes() == [("03.how-much", outcome, typed.strip())]
    assert "3.6." in shown[0][0].html


@pytest.mark.parametrize(
    ("answer", "typed", "outcome"),
    [
        (0.73, "73%", "right"),
        (0.73, " 73 % ", "right"),
        (0.73, "0,73", "right"),
        (0.73, ".73", "right"),
        (0.73, "7.3e1 %", "right"),
        (0.73, "73", "wrong"),
        (1, "100%", "right"),
        (0, "0%", "right"),
        (84, "84%", "right"),
        (84, "84", "right"),
        (84, "0.84", "wrong"),
        (-2.6, "− 2.6", "right"),
    ],
)
def test_a_share_may_be_given_in_percent(shown, press, answer, typed, outcome):
    guess("03.how-much", "Which share?", answer=answer)
    press(shown[0][0], "typed", typed)
    assert outcomes() == [("03.how-much", outcome, typed.strip())]


@pytest.mark.parametrize("typed", ["", "many", "3..5", "1e", "nan", "3 4", "%", "7%3", "73%%"])
def test_what_is_no_number_is_no_guess(shown, press, typed):
    guess("03.how-much", "How much?", answer=0)
    press(shown[0][0], "typed", typed)
    assert outcomes() == [] and "course-covers" in shown[0][0].html


def test_the_page_takes_the_same_numbers_and_says_itself_what_it_does_not(shown):
    guess("03.how-much", "How much?", answer=2)
    assert NUMBER.replace("'", "&#x27;") in shown[0][0].html and "novalidate" in shown[0][0].html
    assert "data-unread=\"That can't be read as a number." in shown[0][0].html


def test_a_line_of_text_is_judged_by_oneself(shown, press):
    guess("03.why", "Why?", why="It saturates.")
    buttons, _, later = shown[0]
    press(buttons, "typed", "<i>because</i>")
    assert "<i>" not in buttons.html and "&lt;i&gt;because" in buttons.html and "It saturates." in buttons.html
    assert "course-covers" not in buttons.html and not later, "it is not done before it is judged"
    press(buttons, "right")
    assert outcomes() == [("03.why", "shown", "<i>because</i>"), ("03.why", "right", "<i>because</i>")]
    assert "You had it." in later[0]["text/html"] and "Your first guess, and it hits." in later[0]["text/html"]


def test_a_text_not_yet_judged_is_there_again(shown, press):
    guess("03.why", "Why?")
    press(shown[0][0], "typed", "because")
    guess("03.why", "Why?")
    assert "because" in shown[1][0].html and "course-covers" not in shown[1][0].html
    press(shown[1][0], "wrong")
    assert outcomes()[-1] == ("03.why", "wrong", "because")


def test_a_function_judges_a_text(shown, press):
    guess("03.word", "Which word?", answer=lambda text: text.lower() == "mat")
    press(shown[0][0], "typed", " Mat ")
    assert outcomes() == [("03.word", "right", "Mat")]


def test_how_many_of_your_guesses_hit_is_said_at_the_moment_of_a_hit(shown, press):
    for number, choice in enumerate([1, 1, 0]):
        guess(f"03.guess-{number}", "Which?", ["cat", "mat"], answer="mat")
        press(shown[-1][0], f"choice {choice}")
    assert "2 of your 2 guesses hit." in shown[1][0].html and "2 of your 2" in shown[1][2][0]["text/html"]
    assert "hit" not in shown[2][0].html, "it would hurt"
    assert "hit" not in Guess("03.guess-1", "Which?", ["cat", "mat"], answer="mat").html(), "it is long ago"
    guess("03.shown", "Which?", ["cat", "mat"], answer="mat")
    press(shown[-1][0], "show")
    assert tally(Progress().events()) == (2, 3)


def test_a_record_that_cannot_be_written_costs_no_answer(shown, press, own_workspace):
    own_workspace.mkdir()
    (own_workspace / "progress.sqlite3").write_bytes(b"no database")
    guess(*CHOICE, answer="mat")
    press(shown[0][0], "choice 1")
    assert "Right: mat." in shown[0][0].html and "Not recorded: " in shown[0][0].html


def test_without_a_kernel_the_answer_is_folded():
    still = Guess(*CHOICE, answer="mat", why="Its key points there.")
    html = still.html()
    assert "Which <code>weight</code> grows, &lt;b&gt;?" in html and "cat · mat" in html
    before, _, folded = html.partition("<details")
    assert "mat. Its key points there." in folded and "Its key" not in before
    assert "<script" not in html and "data-press" not in html
    assert "<details" not in Guess("03.why", "Why?").html(), "what is never told is not folded"


def test_in_a_terminal_it_is_text(capsys):
    guess(*CHOICE, answer="mat", why="Its key points there.")
    printed = capsys.readouterr().out
    assert printed == "Guess first: Which `weight` grows, <b>? (cat / mat)\nAnswer: mat. Its key points there.\n"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"id": "which"}, r'id: expected "NN\."'),
        ({"question": " "}, "question: expected some text"),
        ({"choices": ["cat"]}, "choices: expected at least two"),
        ({"choices": "cat"}, "choices: expected at least two"),
        ({"choices": ["cat", "cat"]}, "choices: expected at least two"),
        ({"answer": "dog"}, "answer: expected one of the choices cat, mat, got 'dog'"),
        ({"choices": None}, "answer: without choices"),
        ({"choices": None, "answer": True}, "answer: without choices"),
        ({"within": -1}, "within: expected a number of 0 or more"),
        ({"why": 3}, "why: expected some text"),
    ],
)
def test_what_does_not_belong_is_named(change, error):
    wanted = {"id": "03.which", "question": "Which?", "choices": ["cat", "mat"], "answer": "mat"} | change
    with pytest.raises(ValueError, match=error):
        guess(**wanted)
