"""The translators that come with the course: what they are, and that they do what their papers say."""

import json

import pytest
import torch

from course_lib.data import corpora
from course_lib.training import trained
from course_lib.training.metrics import chrf


def test_every_one_translates_and_tells_where_it_comes_from():
    assert trained.names() == ["en-bg"]
    for name in trained.names():
        translator, settings = trained.translator(name), trained.SETTINGS[name]
        assert translator.sizes == settings["sizes"] and len(translator.tokenizer) == settings["vocab_size"]
        assert {weight.dtype for weight in translator.model.parameters()} == {torch.float32}
        assert not translator.model.training
        about = json.loads((trained.FOLDER / name / "sizes.json").read_text("utf-8"))["about"]
        assert about["command"].startswith(f"python -m course_lib.training.trained {name} ")
        assert {"data", "seed", "steps", "core minutes", "torch", "test"} <= about.keys()


def test_the_one_into_bulgarian_knows_its_first_sentences():
    translations = trained.translator("en-bg").translate(["Where is the train station?", "I don't know."])
    assert translations == ["Къде е гарата?", "Не знам."]


def test_it_reaches_on_held_out_sentences_what_it_claims():
    try:
        held_out = corpora.tatoeba("en", "bg").test
    except corpora.CorpusError as error:
        pytest.skip(str(error))
    sources, references = zip(*held_out[:100], strict=True)
    claimed = json.loads((trained.FOLDER / "en-bg" / "sizes.json").read_text("utf-8"))["about"]["test"]["chrF"]
    found = chrf(trained.translator("en-bg").translate(sources), references)
    assert abs(found - claimed) < 6, "100 of 1,517 sentences"


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(ValueError, match="no trained translator is called 'de-en'; expected one of en-bg"):
        trained.translator("de-en")
