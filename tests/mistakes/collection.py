"""How the wrong and right variants of this folder are written down: decorators that only collect.

A file `lesson_NN.py` holds the answers to its lesson's exercises, each a plain function:

    @wrong("03.softmax", "softmax-over-queries")
    def over_the_queries(scores): ...

    @right("03.softmax")
    def with_einsum(scores): ...
"""

WRONG = []  # (exercise id, diagnosis or outcome, answer)
RIGHT = []  # (exercise id, answer)


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
