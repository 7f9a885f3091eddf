import numpy as np
import pytest
from sklearn.datasets import load_digits

from course_lib.data import digits


def test_the_splits_hold_every_digit_once_and_alike():
    parts = digits.load()
    assert [len(part.labels) for part in parts] == [1259, 179, 359]
    together = np.concatenate([part.images for part in parts])
    assert together.shape == (1797, 8, 8) and together.dtype == np.float32
    assert together.min() == 0 and together.max() == 1
    rows = sorted((image * 16).astype(int).tobytes() for image in together)
    assert rows == sorted(image.astype(int).tobytes() for image in load_digits().images)
    for part in parts:
        assert part.labels.dtype == np.int64
        shares = np.bincount(part.labels, minlength=10) / len(part.labels)
        assert shares == pytest.approx(np.bincount(load_digits().target) / 1797, abs=0.006)


def test_pictures_keep_their_labels():
    known = {image.astype(int).tobytes(): label for image, label in zip(*load_digits(return_X_y=True), strict=True)}
    for part in digits.load():
        for image, label in zip(part.images, part.labels, strict=True):
            assert known[(image * 16).astype(int).tobytes()] == label


def test_the_split_is_the_same_each_time_and_the_callers_own():
    first = digits.load()
    first.train.images[:] = 0
    second = digits.load()
    assert second.train.images.any()
    np.testing.assert_array_equal(second.test.labels[:10], first.test.labels[:10])


def test_nothing_to_augment_changes_nothing():
    images = digits.load().validation.images
    same = digits.augment(images, np.random.default_rng(0), degrees=0, stretch=0, shift=0)
    np.testing.assert_allclose(same, images, atol=1e-6)


def test_augmenting_changes_a_little_and_only_a_copy():
    images = digits.load().validation.images
    before = images.copy()
    changed = digits.augment(images, np.random.default_rng(0))
    np.testing.assert_array_equal(images, before)
    assert changed.shape == images.shape and changed.dtype == np.float32
    assert changed.min() >= 0 and changed.max() <= 1
    difference = np.abs(changed - images).mean()
    assert 0.01 < difference < 0.15
    np.testing.assert_array_equal(changed, digits.augment(images, np.random.default_rng(0)))
    assert (changed != digits.augment(images, np.random.default_rng(1))).any()


@pytest.mark.parametrize("way, axis", [("down", 1), ("across", 2)])
def test_a_shift_moves_ink_by_at_most_what_it_says(way, axis):
    images = np.zeros((500, 8, 8), np.float32)
    images[:, 3:5, 3:5] = 1
    moved = digits.augment(images, np.random.default_rng(2), degrees=0, stretch=0, shift=0.75)
    ink = moved.sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(ink, 4, atol=1e-4)  # nothing is lost in the middle
    places = np.arange(8).reshape((1, 8, 1) if axis == 1 else (1, 1, 8))
    centres = (moved * places / ink).sum(axis=(1, 2)) - 3.5
    assert np.abs(centres).max() <= 0.75 + 1e-4 and np.abs(centres).max() > 0.7
    assert abs(centres.mean()) < 0.1


def test_a_quarter_turn_turns():
    image = np.zeros((1, 8, 8), np.float32)
    image[0, 0] = 1  # the top row

    class Quarter:
        def uniform(self, low, high, size):
            return np.full(size, high)

    turned = digits.augment(image, Quarter(), degrees=90, stretch=0, shift=0)[0]
    sides = [turned[0].sum(), turned[-1].sum(), turned[:, 0].sum(), turned[:, -1].sum()]
    assert sorted(np.round(sides, 3)) == [0, 1, 1, 8] or sorted(np.round(sides, 3)) == [0, 0, 1, 8]
    assert max(turned[:, 0].sum(), turned[:, -1].sum()) == pytest.approx(8, abs=1e-3)


def test_ink_may_leave_the_picture():
    images = np.ones((50, 8, 8), np.float32)
    moved = digits.augment(images, np.random.default_rng(0), shift=30.0)
    assert np.isfinite(moved).all() and moved.min() >= 0 and (moved.sum(axis=(1, 2)) == 0).any()


def test_batches_show_every_picture_once_an_epoch():
    part = digits.load().validation
    seen = list(digits.batches(50, 2, seed=4, augmented=False, part=part))
    assert [len(labels) for _, labels in seen] == [50, 50, 50, 29] * 2
    for epoch in (seen[:4], seen[4:]):
        images = np.concatenate([images for images, _ in epoch])
        assert sorted(image.tobytes() for image in images) == sorted(image.tobytes() for image in part.images)
    assert not np.array_equal(seen[0][1], seen[4][1])
    images, labels = next(digits.batches(64, 1))
    assert images.shape == (64, 8, 8) and labels.shape == (64,)
    again, _ = next(digits.batches(64, 1))
    np.testing.assert_array_equal(images, again)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: digits.batches(0, 1), "batch_size is 0"),
        (lambda: digits.batches(8, 0), "num_epochs is 0"),
        (lambda: digits.augment(np.zeros((8, 8)), np.random.default_rng()), r"images has shape \(8, 8\)"),
        (lambda: digits.augment(np.zeros((1, 8, 8)), np.random.default_rng(), shift=-1), "shift is -1"),
    ],
)
def test_what_cannot_be_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
