"""How the right and wrong variants of this folder are written down: decorators that only collect.

A file `lesson_NN.py` holds right answers in other styles, each a plain function:

    @right("03.softmax")
    def with_einsum(scores): ...

The mistakes stand beside the exercises, in `course_lib/classroom/practice/lesson_NN.py`. Here are only those that can't be
stated so (`@wrong`), and which changes of one sign in a solution make no difference (`equal`).
"""

WRONG = []  # (exercise id, diagnosis or outcome, answer)
RIGHT = []  # (exercise id, answer)
EQUAL = {}  # exercise id -> {"before -> after": why it is still right}


def wrong(exercise_id, diagnosis):
    """An answer that the exercise's check has to fail with exactly this diagnosis."""

    def collect(answer):
        WRONG.append((exercise_id, diagnosis, answer))
        return answer

    return collect


def right(exercise_id):
    """A correct answer in a style of its own, which the check has to pass."""

    def collect(answer):
        RIGHT.append((exercise_id, answer))
        return answer

    return collect


def equal(exercise_id, change, why):
    """A change of one sign in the exercise's solution that makes no difference, as "before -> after", and why."""
    EQUAL.setdefault(exercise_id, {})[change] = why
