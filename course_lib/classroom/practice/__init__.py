"""Exercises: checks that name the mistake, hints, comparison with the solution, and progress that lasts."""

from course_lib.classroom.practice import goals  # noqa: F401 (from now on, goals that are reached are kept)
from course_lib.classroom.practice.exercises import exercise, exercises_of, lesson_checks, lessons_with_exercises
from course_lib.classroom.practice.guess import guess
from course_lib.classroom.practice.learner import dashboard, start
from course_lib.classroom.practice.standing import stand
from course_lib.classroom.practice.your_turn import your_turn

__all__ = [
    "dashboard",
    "exercise",
    "exercises_of",
    "guess",
    "lesson_checks",
    "lessons_with_exercises",
    "stand",
    "start",
    "your_turn",
]
