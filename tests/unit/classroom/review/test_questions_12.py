"""What the questions of lesson 12 claim, computed."""

import numpy as np

from course_lib.attention import causal_mask, sliding_window_mask
from course_lib.classroom.review.questions import load_questions


def question(id):
    (found,) = [one for one in load_questions("12") if one.id == id]
    return found


def correct(id):
    (option,) = [option for option in question(id).options if option.correct]
    return option.text


def test_bank_is_large_enough_and_covers_the_quadratic_cost():
    questions = load_questions("12")
    assert len(questions) >= 10 and sum(one.kind == "open" for one in questions) >= 4
    assert sum("K-quad" in one.covers for one in questions) >= 4


def test_crossing():
    d = 1024
    n = 6 * d
    assert 2 * n * n * d == 4 * n * d * d + 2 * n * d * 4 * d
    assert correct("12.crossing") == f"about {n // 100 * 100} tokens"


def test_merge_factor():
    rng = np.random.default_rng(0)
    first, second = np.r_[1.0, rng.uniform(-1, 1, 4)], np.r_[3.0, rng.uniform(0, 3, 4)]
    total_1, total_2 = np.exp(first - 1).sum(), np.exp(second - 3).sum()
    both = np.exp(np.r_[first, second] - 3).sum()
    assert np.isclose(both, total_1 * np.exp(1 - 3) + total_2)
    assert correct("12.merge-factor") == "$2e^{-2} + 1$"


def test_reach():
    one = (causal_mask(40) & sliding_window_mask(40, 5)).astype(int)
    layers = next(count for count in range(1, 20) if np.linalg.matrix_power(one, count)[39, 39 - 18])
    assert correct("12.reach") == str(layers)


def test_cache_size():
    size = np.empty((2, 16, 8, 64), dtype=np.float16).nbytes
    assert correct("12.cache-size") == f"{size // 1024} KiB"
    wrong = {option.text for option in question("12.cache-size").options if not option.correct}
    assert wrong == {f"{other // 1024} KiB" for other in (4 * size, size // 2, size // 16)}
