"""BlockWalk without a browser."""

import itertools

import numpy as np
import pytest
import torch

from course_lib.models.blocks import DecoderBlock, EncoderBlock
from course_lib.widgets import BlockWalk, block_walk

TOKENS = ["the", "cat", "sat"]
SWITCHES = ("attention", "feed_forward", "residual", "norm")
COMBINATIONS = [dict(zip(SWITCHES, on, strict=True)) for on in itertools.product((False, True), repeat=4)]


@pytest.fixture
def x(rng):
    return rng.normal(size=(3, 8))


def block(norm_first=True, **options):
    torch.manual_seed(0)
    return EncoderBlock(8, 2, 16, norm_first=norm_first, **options).double()


def walk(x, *, attention, feed_forward, residual, norm):
    """A block so simple that its numbers can be told at sight."""
    middle = residual * x + attention * 2 * x
    return {"in": x, "middle": middle, "wide": np.tile(middle, 2), "out": residual * middle + feed_forward * 5 + norm}


def test_the_example_runs(run_example):
    run_example(BlockWalk, EncoderBlock=EncoderBlock)


@pytest.mark.parametrize("norm_first", [True, False])
def test_with_all_parts_on_it_is_the_block(x, norm_first):
    own = block(norm_first)
    stages = BlockWalk(x, TOKENS, own).stages
    names = list(stages)
    assert (names[0], names[-1]) == ("into the block", "out of the block")
    np.testing.assert_array_equal(stages["into the block"], x)
    with torch.no_grad():
        out, _ = own(torch.tensor(x)[None])
    np.testing.assert_allclose(stages["out of the block"], out[0], atol=1e-12)


@pytest.mark.parametrize(
    "on", COMBINATIONS, ids=lambda on: "+".join(name for name in SWITCHES if on[name]) or "nothing"
)
@pytest.mark.parametrize("norm_first", [True, False])
def test_parts_can_be_switched_off(x, norm_first, on):
    own = block(norm_first)
    walk = BlockWalk(x, TOKENS, own)
    walk.on = on

    def norm(values):
        size = np.sqrt(values.var(axis=1, keepdims=True) + 1e-5)
        return (values - values.mean(axis=1, keepdims=True)) / size if on["norm"] else values

    def attend(values):
        with torch.no_grad():
            return own.attention(torch.tensor(values)[None])[0][0].numpy() * on["attention"]

    def feed_forward(values):
        expand, contract = own.feed_forward.expand, own.feed_forward.contract
        hidden = np.maximum(values @ expand.weight.detach().numpy().T + expand.bias.detach().numpy(), 0)
        return (hidden @ contract.weight.detach().numpy().T + contract.bias.detach().numpy()) * on["feed_forward"]

    if norm_first:
        middle = on["residual"] * x + attend(norm(x))
        out = on["residual"] * middle + feed_forward(norm(middle))
    else:
        middle = norm(on["residual"] * x + attend(x))
        out = norm(on["residual"] * middle + feed_forward(middle))
    np.testing.assert_allclose(walk.stages["out of the block"], out, atol=1e-10)
    assert np.allclose(walk.stages["added by attention"], 0) == (not on["attention"])
    assert np.allclose(walk.stages["added by the feed-forward network"], 0) == (not on["feed_forward"])


def test_dropout_is_off_and_the_block_stays_as_it_was(x):
    own = block(dropout=0.5).train()
    first, second = BlockWalk(x, TOKENS, own), BlockWalk(x, TOKENS, own)
    np.testing.assert_array_equal(first.stages["out of the block"], second.stages["out of the block"])
    assert own.training
    assert all(parameter.grad is None and parameter.requires_grad for parameter in own.parameters())


@pytest.mark.parametrize("on", COMBINATIONS)
def test_a_function_is_called_with_each_combination(x, on):
    shown = BlockWalk(torch.tensor(x), TOKENS, walk)
    shown.on = on
    assert shown.on == on
    for name, stage in walk(x, **on).items():
        np.testing.assert_array_equal(shown.stages[name], stage)


def test_the_page_gets_all_combinations_in_the_order_of_its_count(x):
    view = BlockWalk(x, TOKENS, walk).view
    assert view.stages == [["in", 8], ["middle", 8], ["wide", 16], ["out", 8]]
    assert (view.tokens, view.switches, view.token) == (TOKENS, list(SWITCHES), 2)
    expected = np.concatenate([stage.ravel() for on in COMBINATIONS for stage in walk(x, **on).values()])
    np.testing.assert_array_equal(np.frombuffer(view.numbers, "<f4"), expected.astype("<f4"))


def test_settings_reach_the_page_and_come_back(x):
    shown = BlockWalk(x, TOKENS, walk)
    shown.on, shown.token = {"norm": False}, 1
    assert shown.view.on == {"attention": True, "feed_forward": True, "residual": True, "norm": False}
    assert shown.view.token == 1
    shown.view.set_state({"on": {**shown.on, "attention": False}, "token": 0})
    assert (shown.on["attention"], shown.on["norm"], shown.token) == (False, False, 0)
    shown.on["residual"] = False
    shown.stages["in"][:] = 0
    assert shown.on["residual"] and shown.stages["in"].any()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "on",
            {"dropout": False},
            "expected a dict of True and False for some of attention, feed_forward, residual, norm",
        ),
        ("on", "norm", "on is 'norm'; expected a dict"),
        ("on", None, "on is None; expected a dict"),
        ("on", {"norm": "off"}, "norm is 'off'; expected True or False"),
        ("token", 3, "token is 3; expected a whole number from 0 to 2"),
        ("token", "cat", "token is 'cat'; expected a whole number from 0 to 2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(x, refuses, name, value, words):
    shown = BlockWalk(x, TOKENS, walk)
    before = getattr(shown, name)
    refuses(lambda: setattr(shown, name, value), words, error=(ValueError, TypeError))
    assert getattr(shown, name) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": np.zeros((2, 8))}, "x has shape (2, 8)"),
        ({"x": np.zeros(8)}, "x has shape (8,)"),
        ({"x": np.zeros((3, 257))}, "so its axis d_model is 257; expected at most 256"),
        ({"x": np.full((3, 8), np.nan)}, "x holds nan at index (0"),
        ({"x": "abc"}, "x is one string; expected an array of real numbers"),
        ({"x": np.zeros((3, 6)), "block": block()}, "x has shape (3, 6)"),
        ({"tokens": ["a"] * 2000}, "tokens has 2000 entries; expected 1 to 32"),
        ({"tokens": "abc"}, "tokens is one string; expected a list of strings"),
        ({"tokens": ["a", "b", 3]}, "is a value of type int; expected a string"),
        (
            {"block": "block"},
            "block is one string; expected an EncoderBlock, or a function (x, *, attention, feed_forward, residual, norm)",
        ),
        (
            {"block": DecoderBlock(8, 2, 16)},
            "block is a value of type DecoderBlock; expected an EncoderBlock, or a function",
        ),
    ],
)
def test_bad_input_is_refused_by_name(x, change, words, refuses):
    arguments = {"x": x, "tokens": TOKENS, "block": walk, **change}
    refuses(lambda: BlockWalk(**arguments), words, error=(ValueError, TypeError))


# --- a learner's function that fails ---


def raises(error):
    def wrong(x, **on):
        raise error

    return wrong


def helper(x):
    return x @ x


def fails_without_norm(x, *, attention, feed_forward, residual, norm):
    return {"out": x / undefined_name if not norm else x}  # noqa: F821


WRONG = {
    "raises": (raises(ValueError("<b>boom</b>")), "ValueError: <b>boom</b>"),
    "its own line": (lambda x, **on: {"out": helper(x)}, "in helper: return x @ x"),
    "in one combination": (fails_without_norm, 'return {"out": x / undefined_name if not norm else x}'),
    "stub": (raises(NotImplementedError()), "Not written yet: wrong raises NotImplementedError"),
    "no switches": (lambda x: {"out": x}, "unexpected keyword argument 'attention'"),
    "None": (lambda x, **on: None, "<lambda> returned None; expected a dict with 1 to 12 stages"),
    "an array": (lambda x, **on: x, "returned an array of shape (3, 8); expected a dict"),
    "nothing": (lambda x, **on: {}, "returned an empty dict; expected a dict"),
    "too many stages": (
        lambda x, **on: dict.fromkeys(range(13), x),
        "returned a dict of 13; expected a dict with 1 to 12 stages",
    ),
    "a row": (lambda x, **on: {"out": x[0]}, "stage 'out' has shape (8,)"),
    "too wide": (lambda x, **on: {"out": np.zeros((3, 1025))}, "so its axis width is 1025; expected at most 1024"),
    "NaN": (lambda x, **on: {"out": x * np.nan}, "expected finite numbers"),
    "words": (lambda x, **on: {"out": "x"}, "stage 'out' is one string; expected an array of real numbers"),
    "other stages": (
        lambda x, **on: {"a" if on["norm"] else "b": x},
        "expected the same stages, of the same shapes",
    ),
    "other shapes": (lambda x, **on: {"a": x[:, : 4 + on["norm"]]}, "as before: {'a': (3, 4)}"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_function_is_explained_in_the_widget(x, name):
    function, words = WRONG[name]
    shown = BlockWalk(x, TOKENS, function)
    assert words in shown.error
    assert "course_lib" not in shown.error
    assert shown.view.error == shown.error
    assert shown.stages == {}
    assert (shown.view.stages, shown.view.numbers) == ([], b"")
    assert shown._repr_mimebundle_()[0]["text/plain"] == shown.error


def test_too_many_numbers_are_refused(x, monkeypatch):
    monkeypatch.setattr(block_walk, "MAX_NUMBERS", 100)
    expected = "walk gives 1,920 numbers for all combinations of switches; at most 100 can be shown"
    assert BlockWalk(x, TOKENS, walk).error.startswith(expected)  # 16 · 3 · (8 + 8 + 16 + 8)


def test_interrupting_still_interrupts(x):
    with pytest.raises(KeyboardInterrupt):
        BlockWalk(x, TOKENS, raises(KeyboardInterrupt()))


def test_a_function_that_spoils_its_input_spoils_nothing(x):
    def spoils(x, **on):
        x *= 2
        return {"out": x}

    np.testing.assert_array_equal(BlockWalk(x, TOKENS, spoils).stages["out"], 2 * x)


# --- where no kernel runs ---


def test_the_sentence_says_what_is_so(x):
    shown = BlockWalk(x, TOKENS, walk)
    size = np.linalg.norm(x[2])
    expected = "“sat” through a block with attention, feed forward, residual, norm: the size of its vector is "
    assert shown.text_alternative().startswith(f"{expected}{size:.2f} at in, {3 * size:.2f} at middle, ")
    shown.on, shown.token = dict.fromkeys(SWITCHES, False), 0
    size = np.linalg.norm(x[0])
    assert shown.text_alternative() == (
        f"“the” through a block with nothing: the size of its vector is {size:.2f} at in, 0.00 at middle, 0.00 at wide, "
        "0.00 at out."
    )


@pytest.mark.parametrize(("name", "value"), [("token", 0), ("on", {"residual": False})])
def test_the_picture_follows(x, follows, name, value):
    shown = BlockWalk(x, TOKENS, walk)
    follows(shown, lambda: setattr(shown, name, value))
    bars = shown.still().axes[0].patches
    sizes = [np.linalg.norm(stage[shown.token]) for stage in shown.stages.values()]
    np.testing.assert_allclose([bar.get_width() for bar in bars], sizes)


def test_names_of_stages_are_text(x, kept):
    shown = BlockWalk(x, TOKENS, lambda x, **on: {"$\\frac{$": x, "<b>": x, 3: x})
    assert list(shown.stages) == ["$\\frac{$", "<b>", "3"]
    kept(shown)
