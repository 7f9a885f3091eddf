import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from course_lib.classroom import places
from course_lib.classroom.practice import judging
from course_lib.classroom.practice.exercises import exercises_of, lessons_with_exercises
from course_lib.classroom.practice.outlines import Outline, outline
from course_lib.classroom.practice.progress import Progress
from course_lib.classroom.practice.standing import stand


def did(kind, subject, now=None, **details):
    Progress().record(kind, subject, now=now, **details)


def checked(id, outcome="passed", **details):
    did("check", id, outcome=outcome, **details)


def finish(number):
    for one in exercises_of(number):
        checked(one.id)
    did("quiz", f"{number}.some-question", rating="good", correct=True)


def standing(now=None):
    return stand(Progress().events(), now)


def test_who_has_done_nothing_begins_with_lesson_00():
    now = standing()
    assert now.is_new and (now.path, now.minutes) == ("all", 20)
    assert now.continue_at.lesson.name == "00_start_here" and now.continue_at.cell == ""
    assert now.next_task.id == exercises_of(lessons_with_exercises()[0])[0].id
    assert all(lesson.state == "new" and lesson.on_path for lesson in now.lessons)
    assert [lesson.name for lesson in now.lessons] == places.lessons()
    assert not (now.functions or now.mistakes or now.guesses or now.goals or now.days)


def test_titles_and_minutes_are_what_the_lessons_say():
    lesson = standing().lesson("03")
    assert (lesson.number, lesson.title) == ("03", "Self-attention by hand")
    assert all(lesson.minutes >= 15 for lesson in standing().lessons)
    assert standing().lesson("99") is None


def test_the_latest_place_is_where_to_go_on():
    did("place", "lessons/03_self_attention_by_hand.ipynb", cell="step-4")
    did("place", "exercises/05_positional_encoding.ipynb", cell="title")
    did("place", "lessons/03_self_attention_by_hand.ipynb", cell="step-2")
    did("place", "lessons/03_of_another_course.ipynb", cell="step-2")
    did("place", "notes.ipynb", cell="step-2")
    at = standing().continue_at
    assert (at.kind, at.lesson.number, at.cell) == ("notebooks", "03", "step-2")
    assert at.heading.startswith("Step 2")
    assert standing().next_task.id.startswith("03.")
    assert standing().lesson("05").state == "begun"


def test_a_heading_is_read_from_the_learners_copy_and_a_damaged_one_is_no_loss(own_workspace):
    did("place", "lessons/03_self_attention_by_hand.ipynb", cell="mine")
    assert standing().continue_at.heading == ""
    copy = places.own_path("notebooks", "03")
    copy.parent.mkdir(parents=True)
    cells = [
        {"cell_type": "markdown", "id": "a", "source": ["## My *own* `notes`\n", "text"]},
        {"cell_type": "code", "id": "mine", "source": ["# no heading"]},
    ]
    copy.write_text(json.dumps({"nbformat": 4, "cells": cells}))
    assert standing().continue_at.heading == "My own notes"
    copy.write_text("<<<<<<<")
    assert standing().continue_at.heading == ""


@pytest.mark.parametrize(
    "text", ["", "[]", '{"nbformat": 4, "cells": 3}', '{"nbformat": 4, "cells": [3, {"source": 3}]}']
)
def test_a_file_of_another_kind_says_nothing(tmp_path, text):
    (tmp_path / "a.ipynb").write_text(text)
    told = outline(tmp_path / "a.ipynb")
    assert (told.title, told.minutes) == ("", 0)
    assert outline(tmp_path / "none.ipynb") == Outline()


def test_the_short_way_leaves_lessons_out_and_leads_past_them():
    did("setting", "path", value="short")
    now = standing()
    assert [lesson.number for lesson in now.lessons if lesson.on_path] == ["00", "03", "04", "05", "06"]
    for lesson in now.lessons[:3]:
        did("quiz", f"{lesson.number}.some-question", rating="good", correct=True)
        for task in lesson.tasks:
            checked(task.id)
    assert standing().lesson("00").state == "done" and standing().continue_at.lesson.number == "03"
    assert standing().next_task.id == exercises_of("03")[0].id


def test_without_a_place_the_lesson_begun_last_goes_on():
    for id in ("05.rotate", "08.x", "03.softmax"):
        did("hint", id, number=1)
    assert standing().continue_at.lesson.number == "03"


@pytest.mark.parametrize(
    ("subject", "value"),
    [
        ("path", "up"),
        ("path", ["all"]),
        ("path", None),
        ("minutes", "20"),
        ("minutes", True),
        ("minutes", 0),
        ("minutes", 1e9),
    ],
)
def test_a_setting_that_makes_no_sense_is_passed_over(subject, value):
    did("setting", "path", value="core")
    did("setting", "minutes", value=45)
    did("setting", subject, value=value)
    assert (standing().path, standing().minutes) == ("core", 45)


def test_exercises_are_new_tried_or_passed_and_the_next_is_the_first_not_passed():
    first, second, *_ = [one.id for one in exercises_of("03")]
    checked(first, "failed", diagnosis="d", message="m")
    checked(second, "unattempted")
    now = standing()
    assert [task.state for task in now.lesson("03").tasks[:2]] == ["tried", "new"]
    assert (now.lesson("03").attempted, now.lesson("03").passed) == (1, 0)
    assert now.next_task.id == first
    checked(first)
    checked(first, "error")
    now = standing()
    assert [task.id for task in now.functions] == [first] and now.next_task.id == second
    assert now.lesson("03").points == exercises_of("03")[0].points
    for one in exercises_of("03"):
        checked(one.id)
    assert standing().lesson("03").state == "done"
    assert not standing().next_task.id.startswith("03.")


def test_mistakes_met_are_overcome_once_the_exercise_is_passed():
    checked("03.softmax", "failed", diagnosis="softmax-axis-0", message="The columns sum to 1.")
    checked("03.softmax", "failed", diagnosis="softmax-axis-0", message="The columns sum to 1, not the rows.")
    checked("03.softmax", "failed", diagnosis=None)
    checked("03.scores", "failed", diagnosis="softmax-axis-0", message="…")
    checked("03.gone", "failed", diagnosis="d", message="of an exercise that the course no longer has")
    checked("03.softmax")
    met = [(one.task.name, one.message, one.overcome) for one in standing().mistakes]
    assert met == [("scores", "…", False), ("softmax", "The columns sum to 1, not the rows.", True)]


def test_a_mistake_met_alone_and_together_with_another_is_one():
    checked("03.softmax", "failed", diagnosis="a", message="This is a.")
    two = judging.TEXTS["two"].format(first="This is b.", second="This is a, too.")
    checked("03.softmax", "failed", diagnosis="b+a", message=two)
    checked("03.scores", "failed", diagnosis="c+d", message="One sentence for both.")
    met = [(one.task.name, one.diagnosis, one.message) for one in standing().mistakes]
    both = [("scores", "c", "One sentence for both."), ("scores", "d", "One sentence for both.")]
    assert met == [*both, ("softmax", "b", "This is b."), ("softmax", "a", "This is a, too.")]


def test_what_a_quiz_asked_is_at_least_what_was_answered_whatever_its_record_says():
    for number, asked in enumerate(["12", True, None, 1, {}]):
        did("quiz", f"03.question-{number}", rating="good", correct=True, asked=asked)
    assert standing().lesson("03").quiz_asked == 5


def test_days_are_those_of_the_learners_calendar_and_settings_are_no_work():
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    did("setting", "path", now=late - timedelta(days=5), value="all")
    did("hint", "03.softmax", now=late, number=1)
    did("hint", "03.softmax", now=late + timedelta(hours=1), number=2)
    assert standing(late).days == 2
    assert standing(late.astimezone(timezone(timedelta(hours=5)))).days == 1


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="now: expected a datetime with a time zone"):
        stand([], datetime(2026, 1, 1))


def test_guesses_count_once_and_goals_too():
    for outcome in ("wrong", "right"):
        did("guess", "03.which-grows", outcome=outcome, answer="mat")
    did("guess", "03.other", outcome="right", answer="cat")
    for _ in range(2):
        did("goal", "03.cat-hears-mat")
    now = standing()
    assert (now.guesses_right, now.guesses, now.goals) == (1, 2, 1)


def test_the_days_to_the_end_are_those_of_the_lesson_at_hand_and_grow_fewer():
    assert standing().days_to_end == 1  # of lesson 00
    did("place", "lessons/03_self_attention_by_hand.ipynb", cell="step-4")
    days, minutes = [standing().days_to_end], standing().lesson("03").minutes
    assert days[0] == -(-minutes // 20) > 2
    most = exercises_of("03")[:-1]
    for one in most[:4]:
        checked(one.id)
    days.append(standing().days_to_end)
    for one in most[4:]:
        checked(one.id)
    did("setting", "minutes", value=240)
    days.append(standing().days_to_end)
    assert days == sorted(days, reverse=True) and len(set(days)) == 3 and days[-1] == 1
    did("setting", "path", value="short")
    for number in ("00", "03", "04", "05", "06"):
        finish(number)
    assert standing().continue_at is None and standing().days_to_end == 0


def test_after_a_lesson_that_is_done_the_next_one_begins():
    did("place", "lessons/00_start_here.ipynb", cell="quiz")
    finish("00")
    at = standing().continue_at
    assert (at.kind, at.lesson.number, at.cell) == ("notebooks", "01", "")


def test_who_stops_after_the_last_exercise_is_led_back_to_the_quiz():
    did("place", "lessons/00_start_here.ipynb", cell="your-turn")
    for one in exercises_of("00"):
        checked(one.id)
    now = standing()
    assert now.lesson("00").state == "done" and now.days_to_end == 1
    assert (now.continue_at.lesson.number, now.continue_at.cell) == ("00", "your-turn")
    assert now.next_task.id == exercises_of(lessons_with_exercises()[1])[0].id
    did("quiz", "00.some-question", rating="again", correct=False)
    assert standing().continue_at.lesson.number == "01"


def place(number, cell):
    did("place", f"lessons/{places.lesson_name(number)}.ipynb", cell=cell)


def test_who_left_out_a_quiz_goes_on_with_the_latest_lesson_and_is_offered_it_aside():
    for number in ("00", "03"):
        place(number, "title")
        for one in exercises_of(number):
            checked(one.id)
    place("03", "recap")  # past the quiz
    now = standing()
    assert (now.continue_at.lesson.number, now.continue_at.heading) == ("04", "")
    assert (now.quiz_left.lesson.number, now.quiz_left.heading) == ("03", "Retrieval quiz")
    assert outline(places.lesson_path("notebooks", "03")).headings[now.quiz_left.cell] == "Retrieval quiz"
    place("04", "title")
    assert standing().continue_at.lesson.number == "04"
    did("quiz", "03.some-question", rating="good", correct=True)
    assert standing().continue_at.lesson.number == "04" and standing().quiz_left.lesson.number == "00"
    finish("00")
    assert standing().quiz_left is None


def test_an_exercise_left_out_leads_nobody_back_to_an_older_lesson():
    checked(exercises_of("00")[0].id, "failed")
    finish("03")
    assert standing().continue_at.lesson.number == "04"


def test_a_review_is_no_work_on_its_lesson():
    finish("00")
    checked(exercises_of("03")[0].id)
    checked(exercises_of("05")[0].id)
    did("review", "03.softmax/task", rating="good")
    assert standing().continue_at.lesson.number == "05"


def test_at_the_end_of_the_way_one_is_led_to_what_was_left_out():
    did("setting", "path", value="short")
    for number in ("03", "04", "05", "06"):
        finish(number)
    assert standing().continue_at.lesson.number == "00"


def test_a_glance_at_a_lesson_that_is_done_or_off_the_path_is_no_place_to_go_on():
    did("setting", "path", value="short")
    finish("00")
    did("place", "lessons/03_self_attention_by_hand.ipynb", cell="step-4")
    did("place", "lessons/00_start_here.ipynb", cell="title")
    did("place", "exercises/09_visualizing_attention.ipynb", cell="title")
    at = standing().continue_at
    assert (at.lesson.number, at.cell) == ("03", "step-4")


def test_what_was_built_last_time_is_what_was_first_passed_on_the_last_day_before_today():
    today = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)

    def passed(name, days_ago):
        did("check", f"03.{name}", now=today - timedelta(days=days_ago), outcome="passed")

    def built():
        return [task.name for task in standing(today).built_last]

    assert built() == []
    passed("gone", 9)
    passed("scores", 8)
    passed("softmax", 4)
    passed("scores", 4)  # again
    passed("row_weights", 0)
    assert built() == ["softmax"]
    did("hint", "03.softmax", now=today - timedelta(days=1), number=1)
    assert built() == []
