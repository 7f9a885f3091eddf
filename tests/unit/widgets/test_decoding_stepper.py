"""DecodingStepper without a browser."""

import numpy as np
import pytest
import torch

from course_lib.models.decoder import LanguageModel
from course_lib.models.decoding import beam_search
from course_lib.models.transformer import Transformer
from course_lib.widgets import DecodingStepper

WORDS = ["<s>", "</s>", "a", " b", "<b>", "$\\c{$"]
END = 1


def table(ids):
    """Logits that depend on all ids so far."""
    rng = np.random.default_rng([len(ids), *ids])
    return rng.normal(size=len(WORDS)) * 2


def with_weights(ids):
    weights = np.arange(1.0, 4) * len(ids)
    return table(ids), weights / weights.sum()


def stepper(next_logits=table, **options):
    return DecodingStepper(next_logits, WORDS, **{"prompt": [0], "end_id": END, **options})


def softmax(logits):
    powers = np.exp(logits - np.max(logits))
    return powers / powers.sum()


@pytest.fixture
def language_model():
    torch.manual_seed(1)
    model = LanguageModel(len(WORDS), 8, 1, 2, max_len=32, dropout=0.5)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return model


@pytest.fixture
def translator():
    torch.manual_seed(2)
    return Transformer(len(WORDS), 8, 2, 2, 16, dropout=0.5, pad_id=1)


def test_the_example_runs(run_example):
    run_example(DecodingStepper)


def test_logits_and_weights_are_those_after_the_tokens_so_far():
    one = stepper(with_weights, source=["x", "y", "z"])
    for ids in ([], [2], [2, 3, 3]):
        one.ids = ids
        logits, weights = with_weights([0, *ids])
        assert one.ids == one.view.answered == ids
        assert one.tokens == [WORDS[number] for number in ids]
        np.testing.assert_array_equal(one.logits, logits)
        np.testing.assert_array_equal(one.weights, weights)
        np.testing.assert_allclose(one.probabilities, softmax(logits), atol=1e-12)
        np.testing.assert_array_equal(np.frombuffer(one.view.logits, "<f4"), logits.astype("<f4"))
        np.testing.assert_array_equal(np.frombuffer(one.view.weights, "<f4"), weights.astype("<f4"))
    assert stepper().weights is None
    assert stepper().view.weights == b""


def test_what_the_page_takes_is_answered():
    one = stepper()
    one.view.set_state({"ids": [4, 2]})
    assert one.ids == one.view.answered == [4, 2]
    np.testing.assert_array_equal(one.logits, table([0, 4, 2]))


def test_the_function_gets_a_row_of_int64_and_each_question_once():
    asked = []

    def spy(ids):
        assert isinstance(ids, np.ndarray) and ids.dtype == np.int64
        asked.append(ids.tolist())
        ids[:] = 0
        return table(asked[-1])

    one = stepper(spy, prompt=[0, 2])
    for ids in ([3], [], [3], np.array([3, 4])):
        one.ids = ids
    assert asked == [[0, 2], [0, 2, 3], [0, 2, 3, 4]]
    one.logits[:] = 7
    np.testing.assert_array_equal(one.logits, table([0, 2, 3, 4]))


@pytest.mark.parametrize("kind", [list, np.float32, torch.tensor])
def test_logits_of_all_kinds_are_read(kind):
    one = stepper(lambda ids: kind(table(ids).tolist()) if kind is not np.float32 else table(ids).astype(kind))
    assert one.error == ""
    np.testing.assert_allclose(one.logits, table([0]), rtol=1e-6)


def probabilities_by_hand(logits, temperature, top_k, top_p):
    left = list(np.argsort(-logits))[: top_k or None]
    shares = dict(zip(left, softmax(logits[left] / temperature), strict=True))
    kept, total = {}, 0
    for token in left:
        if total >= top_p:
            break
        kept[token] = shares[token]
        total += shares[token]
    return np.array([kept.get(token, 0) / total for token in range(len(logits))])


@pytest.mark.parametrize("temperature", [0.1, 1, 3.5])
@pytest.mark.parametrize("top_k", [None, 1, 3, 6])
@pytest.mark.parametrize("top_p", [0.01, 0.6, 1])
def test_probabilities_after_temperature_top_k_and_top_p(temperature, top_k, top_p):
    one = stepper()
    one.temperature, one.top_k, one.top_p = temperature, top_k, top_p
    assert (one.temperature, one.top_k, one.top_p) == (temperature, top_k, top_p)
    expected = probabilities_by_hand(table([0]), temperature, top_k, top_p)
    np.testing.assert_allclose(one.probabilities, expected, atol=1e-9)
    again = stepper()
    again.view.set_state({"temperature": float(temperature), "top_k": top_k or 0, "top_p": float(top_p)})
    np.testing.assert_array_equal(again.probabilities, one.probabilities)


# --- models of the course ---


def test_a_language_model_is_asked_without_dropout(language_model):
    language_model.train()
    one = stepper(language_model, prompt=[0, 2])
    one.ids = [3]
    assert language_model.training
    with torch.no_grad():
        expected = language_model.eval()(torch.tensor([[0, 2, 3]]))[0, -1]
    np.testing.assert_allclose(one.logits, expected, atol=1e-6)


def test_a_translator_is_asked_with_its_source(translator):
    translator.train()
    one = DecodingStepper(translator, WORDS, source_ids=torch.tensor([2, 3, 4]), start_id=0, end_id=END)
    one.ids = [5, 2]
    assert one.view.prompt == [0]
    assert one.view.source == ["a", " b", "<b>"]
    with torch.no_grad():
        arguments = torch.tensor([[2, 3, 4]]), torch.tensor([[0, 5, 2]])
        logits, attention = translator.eval()(*arguments, need_weights=True)
    np.testing.assert_allclose(one.logits, logits[0, -1], atol=1e-6)
    heads = attention["cross"][-1][0]  # (heads, target, source)
    np.testing.assert_allclose(one.weights, (heads[0, 2] + heads[1, 2]) / 2, atol=1e-6)
    assert one.weights.sum() == pytest.approx(1, abs=1e-6)


def test_a_source_may_have_names_of_its_own(translator):
    one = DecodingStepper(translator, WORDS, source_ids=[2, 3], source=["un", "deux"], start_id=0)
    assert one.view.source == ["un", "deux"]
    assert one.view.end == -1


# --- the tree ---


def paths(tree):
    """Each kept node with the ids that lead to it."""
    found = []
    for depth, level in enumerate(tree):
        for node in level:
            ids, at, above = [], node, depth
            while True:
                ids.insert(0, at["id"])
                if at["parent"] < 0:
                    break
                above -= 1
                at = tree[above][at["parent"]]
                assert at["kept"] and not at["ended"]
            found.append((ids, node))
    return found


@pytest.mark.parametrize("width", [1, 2, 5])
def test_scores_in_the_tree_are_log_probabilities(width):
    one = stepper(max_new_tokens=4)
    one.ids = [3]
    one.beam_width = width
    assert one.beam_width == one.view.beam_width == width
    assert 1 <= len(one.tree) <= 3
    for ids, node in paths(one.tree):
        logs = [np.log(softmax(table([0, 3, *ids[:step]])))[ids[step]] for step in range(len(ids))]
        assert node["score"] == pytest.approx(sum(logs))
        assert node["ended"] == (ids[-1] == END)
        assert set(node) == {"parent", "id", "score", "kept", "ended"}
    for level in one.tree:
        scores = [node["score"] for node in level]
        assert scores == sorted(scores, reverse=True)
        assert len(level) <= 2 * width
        assert sum(node["kept"] and not node["ended"] for node in level) <= width


@pytest.mark.parametrize("width", [1, 2, 3, 5])
@pytest.mark.parametrize("prompt", [[0], [2], [3, 4], [5, 0, 2]])
def test_the_tree_keeps_what_beam_search_keeps(language_model, width, prompt):
    one = stepper(language_model, prompt=prompt, max_new_tokens=5)
    one.beam_width = width
    options = {"max_new_tokens": 5, "beam_width": width, "length_penalty": 0, "end_id": END}
    (found,), (score,) = beam_search(language_model, torch.tensor([prompt]), **options)
    ends = [(ids, node) for ids, node in paths(one.tree) if node["kept"] and node["ended"]]
    open_ones = [(ids, node) for ids, node in paths(one.tree) if node["kept"] and len(ids) == 5]
    best, node = max(ends or open_ones, key=lambda pair: pair[1]["score"])
    assert best == found.tolist()
    assert node["score"] == pytest.approx(score.item(), abs=1e-4)


def test_an_end_among_the_best_makes_room_for_the_next_best():
    logits = np.array([0.0, 4, 3, 2, 1, -1])  # the end is likeliest
    one = stepper(lambda ids: logits)
    one.beam_width = 2
    first = one.tree[0]
    assert [(node["id"], node["kept"], node["ended"]) for node in first[:3]] == [
        (1, True, True), (2, True, False), (3, True, False),
    ]  # fmt: skip
    assert len(one.tree) == 2  # then two have ended
    one.beam_width = 0
    assert one.tree == []


def test_no_tree_grows_beyond_the_end_or_the_limit():
    one = stepper(max_new_tokens=3)
    one.beam_width = 3
    for ids, levels in ([2, 3], 1), ([2, END], 0), ([2, 3, 4], 0):
        one.ids = ids
        assert len(one.tree) == levels


# --- what comes in ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"next_logits": "model"}, "expected a Transformer, a LanguageModel, or a function (ids) -> logits"),
        ({"next_logits": None}, "next_logits is None"),
        ({"vocabulary": "abc"}, "vocabulary is one string; expected a list of strings"),
        ({"vocabulary": ["a", 2]}, "is a value of type int; expected a string"),
        ({"vocabulary": 7}, "vocabulary is a value of type int; expected a list of strings"),
        ({"vocabulary": []}, "vocabulary has 0 entries; expected 1 to 60000"),
        ({"vocabulary": ["a"] * 60_001}, "vocabulary has 60001 entries; expected 1 to 60000"),
        ({"prompt": [6]}, "prompt holds 6"),
        ({"prompt": [0, -1]}, "prompt holds -1"),
        ({"prompt": [0.5]}, "prompt holds 0.5"),
        ({"prompt": "a"}, "prompt is one string; expected a row of token ids from 0 to 5"),
        ({"prompt": 3}, "prompt is a value of type int; expected a row of token ids from 0 to 5"),
        (
            {"prompt": torch.zeros(2, 3, dtype=torch.long)},
            "prompt holds a tensor of",
        ),
        ({"prompt": [float("nan")]}, "prompt holds nan"),
        ({"end_id": 6}, "end_id is 6; expected a whole number from 0 to 5"),
        ({"max_new_tokens": 2000}, "max_new_tokens is 2000; expected a whole number from 1 to 200"),
        ({"seed": -1}, "seed is -1; expected a whole number from 0 to 2147483647"),
        ({"source": ["a"] * 2000}, "source has 2000 entries; expected 0 to 128"),
        ({"source": "abc"}, "source is one string; expected a list of strings"),
    ],
)
def test_bad_input_is_refused_by_name(options, words, refuses):
    arguments = {"next_logits": table, "vocabulary": WORDS, **options}
    refuses(lambda: DecodingStepper(**arguments), words, error=(ValueError, TypeError))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start_id": 0}, "a Transformer needs source_ids: what it translates"),
        ({"source_ids": [2]}, "a Transformer needs start_id: the token that every target begins with"),
        ({"source_ids": [9], "start_id": 0}, "source_ids holds 9"),
        ({"source_ids": [2], "start_id": 9}, "start_id is 9; expected a whole number from 0 to 5"),
        (
            {"source_ids": [2], "start_id": 0, "source": ["a", "b"]},
            "source has 2 entries; expected one for each of the 1 source_ids",
        ),
        ({"source_ids": [2] * 200, "start_id": 0}, "source has 200 entries; expected 0 to 128"),
    ],
)
def test_what_a_translator_needs_is_said(translator, options, words, refuses):
    refuses(lambda: DecodingStepper(translator, WORDS, **options), words)


def test_a_language_model_needs_a_prompt(language_model, refuses):
    words = "prompt is empty; expected at least one token id for a LanguageModel"
    refuses(lambda: DecodingStepper(language_model, WORDS), words)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ids", [6], "ids holds 6"),
        ("ids", [2] * 51, "the sequence has 50 new tokens; start again"),
        ("ids", None, "ids is None; expected a row of token ids from 0 to 5"),
        ("temperature", 0, "temperature is 0; expected a number from 0.1 to 5"),
        ("temperature", float("nan"), "temperature is nan; expected a number from 0.1 to 5"),
        ("top_k", 0, "top_k is 0; expected a whole number from 1 to 6"),
        ("top_k", 2.5, "top_k is 2.5; expected a whole number from 1 to 6"),
        ("top_p", 0, "top_p is 0; expected a number from 0.01 to 1"),
        ("top_p", 1.1, "top_p is 1.1; expected a number from 0.01 to 1"),
        ("beam_width", 6, "beam_width is 6; expected a whole number from 0 to 5"),
        ("beam_width", True, "beam_width is True; expected a whole number from 0 to 5"),
    ],
)
def test_settings_out_of_range_are_refused_and_change_nothing(name, value, words, refuses):
    one = stepper()
    before = getattr(one, name)
    refuses(lambda: setattr(one, name, value), words, error=(ValueError, TypeError))
    assert getattr(one, name) == before


# --- a function that fails ---


def raises(error):
    def wrong(ids):
        raise error

    return wrong


def deep(ids):
    return {}[len(ids)]


WRONG = {
    "raises": (raises(ValueError("<b>boom</b>")), "in wrong: raise error\nValueError: <b>boom</b>"),
    "its own line": (deep, "in deep: return {}[len(ids)]\nKeyError: 2"),
    "stub": (raises(NotImplementedError()), "Not written yet: wrong raises NotImplementedError"),
    "None": (
        lambda ids: None,
        "<lambda> must return logits (vocabulary,), or (logits, weights over the source): logits is None",
    ),
    "words": (lambda ids: ["a"] * 6, "logits has dtype"),
    "too few": (lambda ids: np.zeros(5), "logits has shape (5,)"),
    "all steps": (
        lambda ids: np.zeros((len(ids), 6)),
        "logits has shape (2, 6)",
    ),
    "NaN": (lambda ids: np.full(6, np.nan), "logits holds nan at index (0"),
    "other weights": (
        lambda ids: (table(ids), np.ones(4)),
        "weights has shape (4,)",
    ),
    "three": (lambda ids: (table(ids), 1, 2), "logits cannot be read as an array"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_function_is_explained_and_can_be_undone(name):
    wrong, words = WRONG[name]
    one = stepper(lambda ids: table(ids) if len(ids) == 1 else wrong(ids), source=["x", "y", "z"])
    assert one.error == ""
    sent = one.view.logits
    one.ids = [2]
    expected = words.replace("wrong raises", "<lambda> raises")
    assert expected in one.error
    assert "course_lib" not in one.error
    assert (one.logits, one.probabilities, one.weights, one.tree) == (None, None, None, [])
    assert (one.view.answered, one.view.logits) == ([2], sent)
    one.ids = []
    assert one.error == ""
    np.testing.assert_array_equal(one.logits, table([0]))


def test_a_function_wrong_from_the_start_is_shown_as_such():
    one = stepper(raises(ValueError("boom")))
    assert "boom" in one.error
    data, _ = one._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert data["text/plain"] == one.error


def test_a_function_that_fails_within_the_tree_leaves_the_candidates():
    one = stepper(lambda ids: table(ids) if len(ids) == 1 else deep(ids))
    one.beam_width = 2
    assert "in deep: return {}[len(ids)]" in one.error
    assert one.tree == []
    assert one.probabilities.sum() == pytest.approx(1)


def test_interrupting_still_interrupts():
    with pytest.raises(KeyboardInterrupt):
        stepper(raises(KeyboardInterrupt()))


# --- where no kernel runs ---


def test_the_sentence_says_what_is_so():
    one = stepper(lambda ids: np.log([0.1, 0.02, 0.5, 0.3, 0.05, 0.03]))
    one.ids = [2, 3]
    assert one.text_alternative() == "After “<s>a b” come “a” (0.50), “ b” (0.30), “<s>” (0.10)."
    one.top_k = 1
    assert one.text_alternative() == "After “<s>a b” come “a” (1.00)."
    one.top_k, one.ids = None, [2] * 40
    assert one.text_alternative().startswith("After “aaaaaaaaaaaa” come")  # the last 12


@pytest.mark.parametrize(("name", "value"), [("ids", [3]), ("temperature", 5), ("top_k", 1), ("top_p", 0.3)])
def test_the_picture_follows(follows, name, value):
    one = stepper()
    follows(one, lambda: setattr(one, name, value))
    widths = [bar.get_width() for bar in one.still().axes[0].patches]
    np.testing.assert_allclose(widths, sorted(one.probabilities, reverse=True))


def test_of_a_large_vocabulary_the_likeliest_are_drawn(kept):
    one = DecodingStepper(lambda ids: np.arange(60_000) / 1000, [f"${number}" for number in range(60_000)])
    assert len(one.still().axes[0].patches) == 12
    assert one.text_alternative().startswith("After “” come “$59999” (")
    kept(one)
