"""Who learns from what: train, validation and test, decided by what an item says and never by chance or order."""

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Annotated, Any, NamedTuple

from course_lib.checking import Bounds, checked

WORD = re.compile(r"\w+")
Overlap = Annotated[float, Bounds(above=0, most=1)]
Share = Annotated[float, Bounds(least=0, below=1)]
TEXTS = {
    "shares": "validation is {validation} and test is {test}; expected shares that leave some for train",
}


class Splits(NamedTuple):
    """Three parts of one data set that share nothing: learn from train, choose settings on validation, report test."""

    train: Any
    validation: Any
    test: Any


def place(key: str) -> float:
    """A number from 0 up to 1 that depends on the key alone: shuffles, the same on every machine and in every run.

    Args:
        key: str.

    Returns:
        float in [0, 1).
    """
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:6], "big") / 2**48


@checked
def apportion(sizes: dict[str, int], *, validation: Share, test: Share) -> dict[str, str]:
    """Share out groups so that each stays whole on one side.

    In the order of `place`, a group goes to test while it fits into test's share, else to validation while it fits
    there, else to train. So no share is ever exceeded. No group takes more than half a share, lest one group be the
    whole test: larger ones are trained on.

    Args:
        sizes: dict from a group's name (str) to how many items it has.
        validation: the largest share of all items that validation gets, such as 0.05.
        test: the same of test.

    Returns:
        dict from a group's name to "train", "validation" or "test".

    Raises:
        ValueError: shares below 0, or 1 and more together.
    """
    if validation + test >= 1:
        raise ValueError(TEXTS["shares"].format(validation=validation, test=test))
    total = sum(sizes.values())
    room = {"test": test * total, "validation": validation * total, "train": math.inf}
    largest = {side: share / 2 for side, share in room.items()}
    sides = {}
    for name in sorted(sizes, key=lambda name: (place(name), name)):
        sides[name] = next(side for side in room if sizes[name] <= min(room[side], largest[side]))
        room[sides[name]] -= sizes[name]
    return sides


@checked
def without_near_repeats(texts: Iterable[str], overlap: Overlap = 0.8) -> list[int]:
    """Which texts to keep so that no two of them say nearly the same.

    Two texts nearly repeat each other when of all the different words in either, at least the share `overlap` is in
    both (the Jaccard index), whatever the case, punctuation and order. The first of them stays. Texts without a word
    go.

    Args:
        texts: list of str.
        overlap: from above 0 to 1.

    Returns:
        indices of the texts to keep, ascending.

    Source: comparing only texts that share one of their rarest words loses nothing (prefix filtering: Chaudhuri,
    Ganti and Kaushik 2006, "A Primitive Operator for Similarity Joins in Data Cleaning").
    """
    words = [frozenset(WORD.findall(text.lower())) for text in texts]
    frequency = Counter(word for own in words for word in own)
    holders = defaultdict(list)  # rare word -> texts kept that are found by it
    kept = []
    for number, own in enumerate(words):
        if not own:
            continue
        rarest_first = sorted(own, key=lambda word: (frequency[word], word))
        # Texts with `overlap` of their words in common cannot differ in more than the other words, so one of these is
        # common to both. A hair is taken off for 0.8 * 5 = 4.000000000000001 and its like.
        rarest = rarest_first[: len(own) - math.ceil(overlap * len(own) - 1e-9) + 1]
        rivals = {other for word in rarest for other in holders[word]}
        if any(len(own & words[other]) >= overlap * len(own | words[other]) - 1e-9 for other in rivals):
            continue
        kept.append(number)
        for word in rarest:
            holders[word].append(number)
    return kept
