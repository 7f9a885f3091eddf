"""Retrieval practice: the question bank, the quiz, and what comes back when it is about to be forgotten.

from course_lib.classroom.review import plan, quiz, review
quiz("03")      # answering makes the cards
plan("03")      # the days on which they come back
review()        # those of today

Loaded on first use: the home page needs no widgets.
"""

from course_lib.faces import face

_HOMES = {
    "Question": "questions",
    "QuestionError": "questions",
    "Quiz": "sitting",
    "lessons_with_questions": "questions",
    "load_questions": "questions",
    "plan": "session",
    "quiz": "session",
    "review": "session",
}

__getattr__, __dir__ = face(__name__, _HOMES)
