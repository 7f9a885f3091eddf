"""Goals that widgets have reached stand in the learner's progress."""

from course_lib.classroom.practice.goals import keep
from course_lib.classroom.practice.progress import Progress
from course_lib.widgets import Goal, MaskBuilder, goals


def test_a_goal_reached_by_hand_is_kept_once(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path))
    builder = MaskBuilder(3, goal=Goal("06.hide", "Hide the future", lambda one: not one.mask[0, 2]))
    for causal in (True, False, True):
        builder.view.set_state({"causal": causal})
    assert [(event["kind"], event["subject"]) for event in Progress().events()] == [("goal", "06.hide")]
    assert goals.on_goal is keep


def test_a_goal_of_an_earlier_day_starts_as_reached(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path))
    Progress().record("goal", "06.hide")
    builder = MaskBuilder(3, goal=Goal("06.hide", "Hide the future", lambda one: not one.mask[0, 2]))
    assert (builder.view.goal, builder.view.reached) == ("Hide the future", True)
    builder.view.set_state({"causal": True})
    assert len(Progress().events("goal")) == 1, "it counts once"
    assert not MaskBuilder(3, goal=Goal("06.show", "Show it", lambda one: not one.mask[0, 2])).view.reached


def test_a_progress_file_that_cannot_be_used_leaves_the_tick(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path))
    (tmp_path / "progress.sqlite3").mkdir()
    builder = MaskBuilder(3, goal=Goal("06.hide", "Hide the future", lambda one: not one.mask[0, 2]))
    builder.view.set_state({"causal": True})
    assert builder.view.reached
