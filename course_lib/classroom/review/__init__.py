"""Retrieval practice: the question bank and the quiz.

from course_lib.classroom.review import quiz
quiz("03")
"""

from course_lib.classroom.review.questions import Question, QuestionError, lessons_with_questions, load_questions
from course_lib.classroom.review.quiz import Quiz, quiz

__all__ = ["Question", "QuestionError", "Quiz", "lessons_with_questions", "load_questions", "quiz"]
