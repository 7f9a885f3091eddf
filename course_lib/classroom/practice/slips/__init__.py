"""The book of slips: the steps that many exercises have, each with the ways in which it is usually got wrong.

A slip is known wherever its step is. Sentences that many exercises share stand here.
"""

from course_lib.classroom.practice.catalogue import say

say("batch-first-only", "On a batch it is right for the first matrix alone: the others get its numbers.")
say(
    "leading-axes",
    "Right for one number of leading axes alone. There may be none or several in front: count axes from the end.",
)
say("cast-to-whole-numbers", "The numbers have lost what stands behind their point: they are cast to whole numbers.")
