"""Lesson 00, start here: what is right, and each mistake with its sentence."""

import numpy as np

from course_lib.classroom.practice.catalogue import Case, cases, mistake
from course_lib.classroom.practice.draws import draw
from course_lib.classroom.practice.exercises import reference
from course_lib.classroom.practice.steps import step


@step
def in_shares(numbers, shares):
    """Each number times its share: (n,)."""
    return numbers * shares


in_shares.slip("average-shares-ignored", "The shares make no difference to your result: every number counts the same.",
               lambda numbers, shares: numbers / len(numbers))  # fmt: skip
in_shares.slip("average-numbers-ignored", "The numbers make no difference to your result: the shares alone are added up.",
               lambda numbers, shares: shares * 1.0)  # fmt: skip
in_shares.slip("average-shares-reversed", "The shares go to the wrong numbers: the first share to the last number.",
               lambda numbers, shares: numbers * shares[::-1])  # fmt: skip
in_shares.slip("average-divided-by-shares", "Your numbers are divided by their shares: a small share then counts most.",
               lambda numbers, shares: numbers / np.where(shares == 0, 1, shares))  # fmt: skip
in_shares.slip("average-shares-added", "Your shares are added to the numbers. A share is a part of a number: half of 4 is 2.",
               lambda numbers, shares: numbers + shares)  # fmt: skip
in_shares.slip("average-shares-subtracted", "Your shares are taken off the numbers. A share is a part of a number: half of 4 is 2.",
               lambda numbers, shares: numbers - shares)  # fmt: skip
in_shares.slip("average-shares-squared", "Each share is used twice: half of a half is a quarter.",
               lambda numbers, shares: numbers * shares**2)  # fmt: skip
in_shares.slip("average-sign-lost", "Negative numbers count as positive ones.",
               lambda numbers, shares: np.abs(numbers) * shares)  # fmt: skip


@step
def added(parts):
    """The parts together: one number."""
    return parts.sum()


added.slip(
    "average-not-added",
    "You give the parts one by one. Together they make the average: add them up.",
    lambda parts: parts,
)
added.slip("average-averaged-again", "The sum of the parts is divided by how many there are. The shares have done that already.",
           lambda parts: parts.mean())  # fmt: skip
added.slip("average-first-only", "Only the first number counts: does your loop return before it has gone round?",
           lambda parts: parts[0])  # fmt: skip
added.slip(
    "average-last-only", "Only the last number counts: each part replaces the one before.", lambda parts: parts[-1]
)
added.slip("average-first-left-out", "The first number is left out.", lambda parts: parts[1:].sum())
added.slip("average-last-left-out", "The last number is left out.", lambda parts: parts[:-1].sum())
added.slip(
    "average-largest-only",
    "Only the largest part counts. An average takes all of them, each in its share.",
    lambda parts: parts.max(),
)
added.slip(
    "average-multiplied",
    "The parts are multiplied with each other. Together they make a sum.",
    lambda parts: parts.prod(),
)
added.slip(
    "average-cut-to-whole",
    "Your result is a whole number: what comes after the point is cut off.",
    lambda parts: int(parts.sum()),
)
added.slip("average-rounded", "Your result is rounded to a whole number.", lambda parts: float(np.round(parts.sum())))


@reference(
    "00.weighted_average",
    title="A mark out of three parts",
    points=1,
    hints=[
        "Half of 4 is 2. What is 30% of 2, and 20% of 5? What do the three make together?",
        "Multiply each number by its share, and add up what comes out.",
        "`numbers * shares` multiplies arrays place by place; `.sum()` adds up.",
    ],
    returns="average",
)
def weighted_average(numbers, shares):
    return added(in_shares(numbers, shares))


@cases("00.weighted_average")
def weighted_average_cases():
    yield Case("an exam", np.array([4.0, 2.0, 5.0]), np.array([0.5, 0.3, 0.2]))
    yield Case("negative numbers", np.array([-3.0, 1.5, -0.5, 2.0]), np.array([0.1, 0.2, 0.3, 0.4]))
    yield Case("a share of 0", np.array([7.0, -2.0, 3.0]), np.array([0.25, 0.0, 0.75]))
    yield Case("one number alone", np.array([3.5]), np.array([1.0]), edge=True)
    shares = draw(1, 6) ** 2 + 0.1
    yield Case("six numbers", draw(2, 6), shares / shares.sum())


mistake("00.weighted_average", "average-largest-number", "This is the largest of the numbers. An average lies between the smallest and the largest.",
        lambda numbers, shares: numbers.max(),
        lambda numbers, shares: max(numbers.tolist()))  # fmt: skip
mistake("00.weighted_average", "average-largest-share", "Only the number with the largest share counts. An average takes all of them, each in its share.",
        lambda numbers, shares: numbers[shares.argmax()])  # fmt: skip
mistake("00.weighted_average", "average-sum-of-numbers", "The numbers are added up whole. Each counts in its share only.",
        lambda numbers, shares: numbers.sum(),
        lambda numbers, shares: numbers.sum() * shares.sum())  # fmt: skip
