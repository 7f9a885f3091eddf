"""PatchView without a browser."""

import numpy as np
import pytest
import torch

from course_lib.widgets import PatchView


@pytest.fixture
def image(rng):
    return rng.random((6, 8))


@pytest.fixture
def attention(shares):
    """Two layers of three heads over 12 patches of 2 by 2."""
    return [shares(3, 12, 12), shares(3, 12, 12)]


@pytest.fixture
def with_class(shares):
    return [shares(3, 13, 13), shares(3, 13, 13)]


def cut(image, size):
    """The patches of an image, row by row."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    return [
        image[size * r : size * (r + 1), size * c : size * (c + 1)].tolist()
        for r in range(rows)
        for c in range(columns)
    ]


def test_the_example_runs(run_example):
    assert run_example(PatchView)["view"].selected == 8


def test_the_last_layer_and_a_patch_in_the_middle_come_first(image, attention, with_class):
    view = PatchView(image, attention, 2)
    assert (view.layer, view.head, view.selected, view.shuffle, view.error) == (1, 0, 6, 0, "")
    assert PatchView(image, with_class, 2).selected == -1
    np.testing.assert_array_equal(view.image, image)


def test_weights_are_those_of_the_patch_that_is_picked(image, attention, with_class):
    view, other = PatchView(image, attention, 2), PatchView(image, np.array(with_class), 2)
    for layer, head, patch in [(0, 0, 0), (0, 2, 5), (1, 1, 11)]:
        for one in (view, other):
            one.layer, one.head, one.selected = layer, head, patch
        np.testing.assert_array_equal(view.weights, attention[layer][head][patch].reshape(3, 4))
        np.testing.assert_array_equal(other.weights, with_class[layer][head][patch + 1, 1:].reshape(3, 4))
    other.selected = -1
    np.testing.assert_array_equal(other.weights, with_class[1][1][0, 1:].reshape(3, 4))


def test_tensors_with_a_batch_axis_are_read(image, attention):
    view = PatchView(torch.tensor(image, requires_grad=True), [torch.tensor(one)[None] for one in attention], 2)
    np.testing.assert_array_equal(view.weights, attention[1][0][6].reshape(3, 4))
    np.testing.assert_array_equal(view.image, image)


def test_what_is_read_is_a_copy(image, attention):
    view = PatchView(image, attention, 2)
    view.weights[:] = 9
    view.image[:] = 9
    np.testing.assert_array_equal(view.weights, attention[1][0][6].reshape(3, 4))
    np.testing.assert_array_equal(view.image, image)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_page_gets_image_and_weights(rng, with_class, channels):
    image = rng.random((6, 8, 3) if channels == 3 else (6, 8))
    view = PatchView(image, with_class, np.int64(2)).view
    assert view.about == {
        "height": 6, "width": 8, "channels": channels, "patch": 2, "layers": 2, "heads": 3, "class": True, "function": "",
    }  # fmt: skip
    np.testing.assert_array_equal(np.frombuffer(view.image, "<f4"), image.astype("<f4").ravel())
    np.testing.assert_array_equal(np.frombuffer(view.weights, "<f4"), np.array(with_class).astype("<f4").ravel())


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (
            np.zeros(4),
            "image is an array of shape (4,); expected numbers of shape (height, width) or (height, width, 3)",
        ),
        (np.zeros((1, 4, 4, 3)), "image is an array of shape (1, 4, 4, 3)"),
        ("digit.png", "image is one string; expected numbers of shape (height, width) or (height, width, 3)"),
        ([[1, 2], [3]], "image is a list of 2; expected numbers of shape (height, width) or (height, width, 3)"),
        (np.zeros((3, 4, 4)), "image has shape (3, 4, 4)"),
        (np.zeros((2000, 4)), "so its axis height is 2000; expected at most 512"),
        (np.full((4, 4), np.nan), "image holds nan at index (0"),
        (np.full((4, 4), 255), "image holds numbers from 255 to 255; expected numbers from 0 to 1"),
        (np.full((4, 4), -0.5), "image holds numbers from -0.5 to -0.5; expected numbers from 0 to 1"),
        (np.zeros((4, 5)), "patch_size is 2, which does not divide both height = 4 and width = 5 of the image"),
        (np.zeros((64, 64)), "image has 1024 patches; expected at most 256"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(image, words, refuses):
    refuses(lambda: PatchView(image, [np.full((2, 4, 4), 0.25)], 2), words)


@pytest.mark.parametrize("size", [0, 2.0, "2", 513, None])
def test_patches_that_make_no_sense_are_refused(image, attention, refuses, size):
    words = f"patch_size is {size!r}; expected a whole number from 1 to 512"
    refuses(lambda: PatchView(image, attention, size), words)


SQUARE = np.full((2, 12, 12), 1 / 12)
WRONG = {
    "an empty list": ([], "expected a list with one (heads, tokens, tokens) a layer", "attention is an empty list"),
    "one layer": (SQUARE, "expected a list", "attention is an array of shape (2, 12, 12)"),
    "a string": ("weights", "expected a list", "attention is one string"),
    "no attention": (None, "expected a list", "attention is None"),
    "too few axes": ([SQUARE[0]], "attention[0] has shape (12, 12)"),
    "other tokens": (
        [SQUARE[:, :4, :4]],
        "expected 12 patches, or those and a class token",
        "attention is over 4 tokens",
    ),
    "2,000 tokens": ([np.zeros((1, 2000, 2000))], "expected 12 patches", "attention is over 2000 tokens"),
    "no square": ([SQUARE[:, :, :4]], "expected 12 patches"),
    "other heads": (
        [SQUARE, SQUARE[:1]],
        "attention[1] has shape (1, 12, 12), so its axis heads is 1; expected (heads, queries, keys) with heads = 2",
    ),
    "a layer less": (
        [SQUARE, None],
        "attention[1] is None; expected an array of real numbers",
    ),
    "NaN": ([SQUARE * np.nan], "attention[0] holds nan at index (0"),
    "200 heads": ([np.zeros((200, 12, 12))], "so its axis heads is 200; expected at most 32"),
    "200 layers": ([SQUARE] * 200, "layers of attention is 200; expected a whole number from 1 to 24"),
}


@pytest.mark.parametrize("name", WRONG)
def test_attention_that_does_not_fit_is_refused(image, refuses, name):
    attention, *words = WRONG[name]
    refuses(lambda: PatchView(image, attention, 2), *words)
    refuses(lambda: PatchView(image, lambda given: attention, 2), *words)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("layer", 2, "layer is 2; expected a whole number from 0 to 1"),
        ("head", 3, "head is 3; expected a whole number from 0 to 2"),
        ("selected", 12, "selected is 12; expected a patch from 0 to 11, or -1 for the class token"),
        ("selected", -2, "selected is -2"),
        ("selected", "first", "selected is 'first'"),
        ("selected", True, "selected is True"),
        ("shuffle", 1, "the patches can be shuffled only where attention is a function of the image"),
    ],
)
def test_settings_out_of_range_are_refused(image, with_class, refuses, name, value, words):
    view = PatchView(image, with_class, 2)
    before = getattr(view, name)
    refuses(lambda: setattr(view, name, value), words)
    assert getattr(view, name) == before


def test_without_a_class_token_none_can_be_picked(image, attention, refuses):
    view = PatchView(image, attention, 2)
    refuses(
        lambda: setattr(view, "selected", -1),
        "selected is -1, but there is no class token; expected a patch from 0 to 11",
    )


# --- with a function ---


def by_brightness(image):
    """Attention of one head that depends on the patches: each looks at the brightest."""
    means = np.array([np.mean(patch) for patch in cut(image, 2)])
    return [np.tile(np.eye(len(means))[means.argmax()], (1, len(means), 1))]


def test_a_function_is_asked_again_for_a_shuffled_image(image):
    seen = []

    def model(image):
        seen.append(image)
        return "logits", by_brightness(image)

    view = PatchView(image, model, 2)
    assert view.view.about["function"] == "model"
    view.shuffle = 7
    first, second = seen
    np.testing.assert_array_equal(first, image)
    np.testing.assert_array_equal(second, view.image)
    assert second.dtype == np.float64
    assert (second != image).any()
    assert sorted(cut(second, 2)) == sorted(cut(image, 2))
    assert view.weights.ravel().argmax() == np.argmax([np.mean(patch) for patch in cut(second, 2)])
    np.testing.assert_array_equal(np.frombuffer(view.view.image, "<f4"), second.astype("<f4").ravel())
    np.testing.assert_array_equal(np.frombuffer(view.view.weights, "<f4").reshape(12, 12)[6], view.weights.ravel())
    view.shuffle = 0
    np.testing.assert_array_equal(view.image, image)
    assert view.weights.ravel().argmax() == np.argmax([np.mean(patch) for patch in cut(image, 2)])


def test_patches_in_colour_are_shuffled_whole(rng):
    image = rng.random((4, 6, 3))
    view = PatchView(image, by_brightness, 2)
    view.view.set_state({"shuffle": 3})
    assert view.shuffle == 3
    assert (view.image != image).any()
    assert sorted(cut(view.image, 2)) == sorted(cut(image, 2))


def test_a_function_gets_a_copy(image):
    def spoils(image):
        answer = by_brightness(image)
        image[:] = 0
        return answer

    view = PatchView(image, spoils, 2)
    np.testing.assert_array_equal(view.image, image)


def test_seeds_that_make_no_sense_are_refused(image, refuses):
    view = PatchView(image, by_brightness, 2)
    for seed in (-1, 2**31, 1.5, "7"):
        refuses(
            lambda seed=seed: setattr(view, "shuffle", seed),
            f"shuffle is {seed!r}; expected a whole number from 0 to 2147483647",
        )


def wrong_when_shuffled(image, wrong):
    """A function that works on this image only, and does something else on others."""

    def model(given):
        return by_brightness(given) if (given == image).all() else wrong(given)

    return model


def raises(error):
    def wrong(image):
        raise error

    return wrong


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (
            raises(ValueError("boom")),
            ["in model: return by_brightness(given)", "in wrong: raise error", "ValueError: boom"],
        ),
        (lambda image: image @ image, ["in <lambda>:", "ValueError: matmul"]),
        (lambda image: {}["layer"], ["in <lambda>:", "KeyError: 'layer'"]),
        (raises(NotImplementedError()), ["Not written yet: model raises NotImplementedError"]),
        (lambda image: None, ["expected a list with one (heads, tokens, tokens) a layer", "attention is None"]),
        (lambda image: [["a"]], ["attention[0] has dtype"]),
        (lambda image: [np.full((1, 12, 12), np.nan)], ["expected finite numbers"]),
        (
            lambda image: by_brightness(image) * 2,
            [
                "model returned attention of shape (2, 1, 12, 12); expected the same shape, (1, 1, 12, 12), for every image"
            ],
        ),
    ],
)
def test_a_wrong_function_is_explained_and_the_last_weights_stay(image, wrong, expected, kept):
    view = PatchView(image, wrong_when_shuffled(image, wrong), 2)
    good, sent = view.weights, view.view.weights
    view.shuffle = 3
    for words in expected:
        assert words in view.error
    assert "course_lib" not in view.error
    np.testing.assert_array_equal(view.weights, good)
    assert view.view.weights == sent
    kept(view)
    view.shuffle = 0
    assert view.error == ""


def test_a_function_that_fails_at_once_leaves_its_own_traceback(image):
    with pytest.raises(ZeroDivisionError) as caught:
        PatchView(image, lambda given: 1 / 0, 2)
    assert caught.traceback[-1].name == "<lambda>"


# --- where no kernel runs ---


def test_the_sentence_says_what_is_so(image, with_class):
    view = PatchView(image, with_class, 2)
    weights = with_class[1][0][0, 1:]
    row, column = divmod(int(weights.argmax()), 4)
    assert view.text_alternative() == (
        "A picture in 3 by 4 patches. Layer 2, head 1: the class token looks most at the patch in "
        f"row {row + 1}, column {column + 1} ({weights.max():.2f})."
    )
    view.layer, view.head, view.selected = 0, 2, 5
    assert "Layer 1, head 3: patch 6 looks most at" in view.text_alternative()


@pytest.mark.parametrize(("name", "value"), [("layer", 0), ("head", 2), ("selected", 3)])
def test_the_picture_follows(image, with_class, follows, name, value):
    view = PatchView(image, with_class, 2)
    follows(view, lambda: setattr(view, name, value))


def test_the_picture_follows_a_shuffle(image, follows):
    view = PatchView(image, by_brightness, 2)
    follows(view, lambda: setattr(view, "shuffle", 1))
    left, right = view.still().axes[:2]
    np.testing.assert_array_equal(left.images[0].get_array(), view.image)
    np.testing.assert_array_equal(right.images[0].get_array(), view.weights)
    assert left.images[0].get_clim() == (0, 1)
    assert right.images[0].get_clim() == (0, view.weights.max())


def test_colour_is_drawn_too(rng, attention, kept):
    kept(PatchView(rng.random((6, 8, 3)), attention, 2))
