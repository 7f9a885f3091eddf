"""What a lesson's end shows, and reviews in a notebook, driven through their widgets."""

from datetime import UTC, datetime

import pytest

from course_lib.classroom.practice.learner import quiz_of
from course_lib.classroom.practice.progress import Progress
from course_lib.classroom.practice.standing import stand
from course_lib.classroom.review import load_questions, plan, quiz, review, schedule, texts
from course_lib.classroom.review.questions import to_html
from course_lib.classroom.review.sitting import Quiz
from tests.unit.classroom.review.conftest import DAY, FAILED, PASSED
from tests.unit.classroom.review.test_sitting import button, choose, has_button, shown_text

OPEN = "03.from-memory"
CHOICE = next(one for one in load_questions("03") if one.options and not one.several)
RIGHT = next(option for option in CHOICE.options if option.correct)


def answered(progress, *ids, days=2):
    for id in ids:
        progress.record("quiz", id, rating="good", now=datetime.now(UTC) - days * DAY)


def test_reviews_are_asked_by_the_quizzes_widget_and_recorded_as_reviews(progress):
    answered(progress, OPEN)
    asked = review(progress=progress)
    assert isinstance(asked, Quiz) and "Reviews of today" in shown_text(asked)
    assert "Lesson 03 · Self-attention by hand" in shown_text(asked)
    button(asked, "Show the answer").click()
    assert "Again: wrong, or nothing came." in shown_text(asked)
    assert has_button(asked, "Again · in 1 day") and has_button(asked, "Good · in 2 days")
    button(asked, "Easy · in 8 days").click()
    (event,) = progress.events("review")
    assert (event["subject"], event["rating"]) == (OPEN, "easy")
    button(asked, "Summary").click()
    assert "Nothing is due now. Next: 1 card on " in shown_text(asked)
    assert not has_button(asked, "Start again") and len(progress.events()) == 2


def test_a_choice_is_rated_by_its_answer(progress):
    answered(progress, CHOICE.id)
    asked = review(progress=progress)
    choose(asked, to_html(RIGHT.text))
    button(asked, "Check answer").click()
    assert [event["rating"] for event in progress.events("review")] == ["good"]


def test_mistakes_and_tasks_are_asked_too(progress):
    for name, one in (("softmax", FAILED), ("scores", PASSED)):
        details = {key: value for key, value in one.items() if key not in ("kind", "subject", "time")}
        progress.record("check", f"03.{name}", now=datetime.now(UTC) - 2 * DAY, **details)
    asked = review(progress=progress)
    assert {one.question.id for one in asked._asked} == {"03.softmax/mistake/softmax-over-queries", "03.scores/task"}
    assert "def softmax" in shown_text(asked)


def test_a_card_answered_in_another_window_meanwhile_is_told(progress):
    answered(progress, OPEN)
    first, second = review(progress=progress), review(progress=Progress(progress.path))
    for window in (first, second):
        button(window, "Show the answer").click()
        button(window, "Good · in 2 days").click()
    assert "another window" not in shown_text(first) and "another window" in shown_text(second)
    assert len(progress.events("review")) == 1


def test_a_broken_file_is_said_and_stops_nothing(progress):
    answered(progress, OPEN)
    asked = review(progress=progress)
    progress.path.write_bytes(b"not a database" * 1000)
    button(asked, "Show the answer").click()
    button(asked, "Good · in 2 days").click()
    assert "Not recorded" in shown_text(asked)


def test_nothing_to_review_is_a_sentence(progress):
    assert str(review(progress=progress)) == texts.TEXTS["no cards"]
    answered(progress, OPEN, days=0)
    assert str(review(progress=progress)).startswith("Nothing is due now. Next: 1 card on ")


def test_the_rest_waits(progress):
    answered(progress, *(one.id for lesson in ("01", "03", "05") for one in load_questions(lesson)))
    portion = schedule.due(progress.events())
    asked = review(progress=progress)
    assert len(asked._asked) == len(portion.cards)
    lessons = [one.question.lesson for one in asked._asked]
    assert lessons[0] != lessons[1] and set(lessons) == {"01", "03", "05"}
    assert len(review(5, progress=progress)._asked) < len(lessons)


def test_the_end_of_a_quiz_says_when_its_questions_come_back(progress):
    asked = quiz("03", count=1, seed=1, progress=progress)
    asked._begin([CHOICE])
    button(asked, "Skip").click()
    assert "back on" not in shown_text(asked)
    asked = quiz("03", count=1, seed=1, progress=progress)
    id = asked._asked[0].question.id
    answered(progress, id, days=0)
    button(asked, "Skip").click()
    day = texts.day_text(schedule.day(datetime.now(UTC) + DAY))
    assert f"It comes back on {day}" in shown_text(asked)
    assert "<code>course review</code>" in asked._status.value and "`" not in asked._status.value


def test_a_quiz_left_half_way_reads_as_such(progress):
    def told():
        lesson = stand(progress.events()).lesson("03")
        return (lesson.quiz_answered, lesson.quiz_asked, lesson.quiz_right), quiz_of(lesson)

    def answer(asked, rating, count):
        for _ in range(count):
            asked._rate(rating)
            asked._go(asked._place + 1)

    assert told() == ((0, 0, 0), "–")
    first = quiz("03", seed=1, progress=progress)
    answer(first, "good", 5)
    assert told() == ((5, 12, 5), "5 of 12, 5 right")
    answer(first, "again", 7)
    assert told() == ((12, 12, 5), "12 of 12, 5 right")
    assert "They come back on" in shown_text(first)
    answer(quiz("03", seed=1, progress=progress), "good", 12)  # the 7 missed, and 5 that are new
    assert told() == ((17, 17, 17), "17 of 17, 17 right")


def test_the_plan_at_a_lessons_end_has_real_dates(progress):
    before = plan("03", progress=progress)
    days = [texts.day_text(schedule.day(datetime.now(UTC) + number * DAY)) for number in (1, 3, 7, 30)]
    assert [row[0] for row in before.rows] == days and "Answer the quiz first" in str(before)
    answered(progress, OPEN, CHOICE.id, days=0)
    after = plan("03_self_attention_by_hand", progress=progress)
    assert [row[:2] for row in after.rows] == [(day, "2") for day in days] and "Answer the quiz first" not in str(after)
    assert all(day in str(after) and day in after.html() for day in days)


def test_a_lesson_without_questions_has_no_plan(progress):
    with pytest.raises(ValueError, match="no questions for lesson '99'"):
        plan("99", progress=progress)
