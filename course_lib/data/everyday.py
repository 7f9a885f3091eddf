"""Everyday sentences in English and Bulgarian that come with the course: 4,000 pairs from Tatoeba, no download.

A small part of what `corpora.tatoeba` downloads, for lessons that have to run without a network. Each sentence comes
once, and pairs hold 3 to 14 English words. `everyday.json` beside this file holds one pair a line, with who wrote it.

Licence of the sentences: CC BY 2.0 FR, creativecommons.org/licenses/by/2.0/fr. Source: tatoeba.org, through
manythings.org/anki. Give the attribution where you show sentences: `attributions`.
"""

import functools
import json
from pathlib import Path

from course_lib.data.splits import Splits

FILE = Path(__file__).with_suffix(".json")
VALIDATION, TEST = 0.10, 0.10
ATTRIBUTION = "CC BY 2.0 FR, tatoeba.org: {english} and {bulgarian}"


@functools.cache
def _file():
    return json.loads(FILE.read_text(encoding="utf-8"))


def _rows():
    return _file()["pairs"]


def sentences() -> Splits:
    """Everyday sentences in English and Bulgarian, well shuffled; no sentence of one part is in another.

    Returns:
        `Splits` of lists of (English sentence, Bulgarian sentence): 3,200 train, 400 validation, 400 test.
    """
    pairs = [(english, bulgarian) for english, bulgarian, _, _ in _rows()]
    test, validation = round(TEST * len(pairs)), round(VALIDATION * len(pairs))
    return Splits(pairs[test + validation :], pairs[test : test + validation], pairs[:test])


def held_out() -> list[tuple[str, str]]:
    """Those sentences that lie in the test part of `corpora.tatoeba` too.

    `sentences` shares them out anew, so most of its test was trained on by whoever learnt from all of Tatoeba, such as
    the translator of `training.trained`. Such a model is to be judged by these, which it has never seen.

    Returns:
        list of (English sentence, Bulgarian sentence), 373 of the 4,000.
    """
    rows = _rows()
    return [tuple(rows[number][:2]) for number in _file()["in corpora.tatoeba's test"]]


def attributions() -> dict[tuple[str, str], str]:
    """Who wrote what.

    Returns:
        dict from (English, Bulgarian) to the attribution that the licence asks to be given: number and author of each
        sentence on tatoeba.org.
    """
    return {
        (english, bulgarian): ATTRIBUTION.format(english=by, bulgarian=translated_by)
        for english, bulgarian, by, translated_by in _rows()
    }
