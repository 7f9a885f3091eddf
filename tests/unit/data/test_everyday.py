"""The sentences that come with the course: well formed, each once, in parts that share nothing, with their authors."""

import os
import re
from pathlib import Path

import pytest

from course_lib.classroom.places import course_root
from course_lib.data import corpora, everyday

COPY = Path(os.environ.get("COURSE_DATA") or course_root().parent / "shared" / "data")


def test_parts_have_their_sizes_and_share_no_sentence():
    parts = everyday.sentences()
    assert [len(part) for part in parts] == [3200, 400, 400]
    for language in (0, 1):
        everything = [pair[language].casefold().rstrip(".!?") for part in parts for pair in part]
        assert len(set(everything)) == len(everything)


def test_sentences_are_plain_lines_in_their_language():
    for part in everyday.sentences():
        for english, bulgarian in part:
            assert english.isprintable() and bulgarian.isprintable()
            assert english == english.strip() and bulgarian == bulgarian.strip()
            assert english.isascii() and 3 <= len(english.split()) <= 14
            assert re.search("[а-яА-Я]", bulgarian)


def test_every_pair_has_its_attribution():
    attributions = everyday.attributions()
    for part in everyday.sentences():
        for pair in part:
            assert re.fullmatch(r"CC BY 2\.0 FR, tatoeba\.org: #\d+ .+ and #\d+ .+", attributions[pair])


def test_the_file_names_its_licence():
    assert '"licence": "CC BY 2.0 FR' in everyday.FILE.read_text(encoding="utf-8")


def test_the_same_call_gives_the_same_and_never_hands_out_its_own():
    first = everyday.sentences()
    first.train.clear()
    assert len(everyday.sentences().train) == 3200


def test_held_out_sentences_are_pairs_of_the_file_each_once():
    everything = {pair for part in everyday.sentences() for pair in part}
    held_out = everyday.held_out()
    assert len(held_out) == len(set(held_out)) == 373 and set(held_out) <= everything


@pytest.mark.skipif(not COPY.is_dir(), reason="no copy of the corpora: set COURSE_DATA to the folder of one")
def test_held_out_sentences_are_those_of_the_corpus_test(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(COPY))
    whole = corpora.tatoeba("en", "bg")
    everything = {pair for part in everyday.sentences() for pair in part}
    assert set(everyday.held_out()) == everything & set(whole.test)
    unseen = {sentence for pair in everyday.held_out() for sentence in pair}
    assert not unseen & {sentence for pair in whole.train for sentence in pair}
