"""The course's own training runs, made very small."""

import json

import pytest
import torch

from course_lib.data import dates, digits, docs
from course_lib.training import TokenBatches, recipes

PAIRS = [
    ("Ein Hund läuft.", "A dog runs."),
    ("Eine Katze schläft.", "A cat sleeps."),
    ("Ein Hund schläft.", "A dog sleeps."),
]
SMALL = {"d_model": 32, "num_layers": 1, "num_heads": 2, "d_ff": 64, "dropout": 0.0}


@pytest.fixture(scope="module")
def translator():
    """A translator that knows three sentences by heart."""
    torch.set_num_threads(1)
    made, history = recipes.translation(
        PAIRS,
        num_steps=60,
        vocab_size=80,
        max_tokens=60,
        sizes=SMALL,
        label_smoothing=0.0,
        learning_rate=1e-2,
        progress=False,
    )
    assert len(history) == 60
    return made


@pytest.mark.parametrize("beam_width", [1, 4])
def test_a_translator_gives_text_for_text(translator, beam_width):
    sources, targets = zip(*PAIRS, strict=True)
    assert translator.translate(sources, beam_width=beam_width) == list(targets)


def test_order_and_emptiness_survive(translator):
    sources = ["Eine Katze schläft.", "", "Ein Hund läuft.", "   "]
    assert translator.translate(sources, batch_size=1) == ["A cat sleeps.", "", "A dog runs.", ""]
    assert translator.translate([]) == []


def test_characters_never_seen_are_left_out(translator):
    assert translator.encode("Ein Hund läuft.") == translator.encode("Ein 狗Hund läuft.")
    assert translator.translate(["狗"]) == [""]


def test_a_sentence_is_a_text(translator):
    with pytest.raises(TypeError, match=r"sentences\[1\] is a int"):
        translator.translate(["Ein Hund", 3])
    with pytest.raises(TypeError, match="sentences is one str, 'Ein Hund'"):
        translator.translate("Ein Hund")


@pytest.mark.parametrize("train", [lambda: recipes.translation(PAIRS), recipes.characters])
def test_how_long_must_be_said(train):
    with pytest.raises(ValueError, match="num_steps and core_seconds are both None"):
        train()


def test_a_translator_is_kept_whole(translator, tmp_path):
    translator.save(tmp_path / "kept", seed=0)
    again = recipes.Translator.load(tmp_path / "kept")
    assert not again.model.training and again.sizes == SMALL
    sources = [source for source, _ in PAIRS]
    assert again.translate(sources) == translator.translate(sources)
    own = translator.model.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in again.model.state_dict().items())


def test_a_translator_that_is_not_whole_is_refused(translator, tmp_path):
    with pytest.raises(ValueError, match="expected sizes"):
        recipes.Translator(translator.model, translator.tokenizer).save(tmp_path)
    translator.save(tmp_path)
    (tmp_path / "sizes.json").write_text(json.dumps({"sizes": {**SMALL, "width": 3}}))
    with pytest.raises(ValueError, match=r"sizes\.json is damaged: .*width"):
        recipes.Translator.load(tmp_path)
    (tmp_path / "sizes.json").write_text(json.dumps({"sizes": {**SMALL, "d_model": 64}}))
    with pytest.raises(ValueError, match="does not fit the model"):
        recipes.Translator.load(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json is missing"):
        recipes.Translator.load(tmp_path)


def test_processor_time_becomes_steps(translator):
    model, batches = translator.model, TokenBatches([translator.pair(*pair) for pair in PAIRS], 60)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    few, many = (recipes.steps_within(seconds, model, batches) for seconds in (0.0, 3600.0))
    assert few == 1 and many > 1000
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_measuring_leaves_no_trace(translator, tmp_path):
    class Seen(list):
        wish = "run"

        def begin(self, num_steps):
            self.append(num_steps)

        step = end = lambda self, *told: None

    seen, batches = Seen(), TokenBatches([translator.pair(*pair) for pair in PAIRS], 60)
    told = {"checkpoint": tmp_path / "run", "watch": seen, "evaluate": seen.append, "warmup_steps": 50}
    assert recipes.steps_within(0.0, translator.model, batches, **told) == 1
    assert seen == [] and not (tmp_path / "run").exists()


def test_a_budgets_run_goes_on_with_the_steps_measured_at_first(tmp_path):
    settings = {"vocab_size": 80, "max_tokens": 60, "sizes": SMALL, "checkpoint": tmp_path / "run", "progress": False}
    _, begun = recipes.translation(PAIRS, num_steps=3, **settings)
    _, resumed = recipes.translation(PAIRS, core_seconds=60, **settings)
    assert [record["loss"] for record in resumed] == [record["loss"] for record in begun]


def test_dates_are_read():
    model, history = recipes.dates(num_steps=2, batch_size=8, progress=False)
    assert len(history) == 2
    answers = recipes.read_dates(model, [written for written, _ in dates.examples(3)], batch_size=2)
    assert recipes.read_dates(model, ["", "7.3.2023"]) == ["", *recipes.read_dates(model, ["7.3.2023"])]
    assert recipes.read_dates(model, ["", " "]) == ["", ""]
    with pytest.raises(TypeError, match="texts is one str"):
        recipes.read_dates(model, "7.3.2023")
    assert len(answers) == 3 and all(set(answer) <= set(dates.vocabulary().tokens) for answer in answers)


def test_characters_are_predicted_better_than_by_chance():
    model, _history = recipes.characters(num_steps=30, batch_size=4, progress=False)
    text = docs.text().validation[:2000]
    nats = recipes.nats_per_character(model, text)
    assert nats < torch.tensor(float(len(docs.vocabulary()))).log()
    by_hand = torch.tensor(docs.vocabulary().encode(text[:129]))
    with torch.inference_mode():
        logits = model(by_hand[None, :-1])[0]
    expected = torch.nn.functional.cross_entropy(logits, by_hand[1:]).item()
    assert recipes.nats_per_character(model, text[:129] + "x") == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="text has 128 characters; expected more than seq_len = 128"):
        recipes.nats_per_character(model, text[:128])


def test_digits_are_seen():
    _model, history = recipes.digits(num_epochs=1, batch_size=64, progress=False)
    assert len(history) == -(-len(digits.load().train.labels) // 64)
    assert history[-1]["loss"] < history[0]["loss"]
