"""Handwritten digits of 8×8 pixels, which come with scikit-learn: small enough to learn in seconds.

Source: the test set of "Optical Recognition of Handwritten Digits", Alpaydin and Kaynak 1998, UCI Machine Learning
Repository, doi.org/10.24432/C50P49, CC BY 4.0. 1,797 digits by 13 people. Which person wrote which is not known, so the
same hand is in all splits: what is tested is a new digit, not a new hand.
"""

import functools
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np
from jaxtyping import Real

from course_lib.checking import Array, Bounds, Count, checked
from course_lib.data.splits import Splits

NUM_CLASSES = 10
SIDE = 8
DARKEST = 16.0
VALIDATION_SHARE, TEST_SHARE = 0.10, 0.20

Range = Annotated[float, Bounds(least=0)]
Seed = Annotated[int, Bounds(least=0)]


class Images(NamedTuple):
    """Pictures and what they show.

    Attributes:
        images: float32 (batch, 8, 8), 0 is paper and 1 the darkest ink.
        labels: int64 (batch,), 0 to 9.
    """

    images: np.ndarray
    labels: np.ndarray


@functools.cache
def _load():
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    images, labels = (bunch.images / DARKEST).astype(np.float32), bunch.target.astype(np.int64)
    order = np.random.RandomState(0).permutation(len(labels))  # the one stream of NumPy's that never changes
    sides = {side: [] for side in Splits._fields}
    for digit in range(NUM_CLASSES):
        own = order[labels[order] == digit]
        test, validation = round(TEST_SHARE * len(own)), round(VALIDATION_SHARE * len(own))
        sides["test"].append(own[:test])
        sides["validation"].append(own[test : test + validation])
        sides["train"].append(own[test + validation :])
    picked = (np.sort(np.concatenate(sides[side])) for side in Splits._fields)
    return Splits(*(Images(images[own], labels[own]) for own in picked))


def load() -> Splits:
    """The digits, split once and for all: 70% train, 10% validation and 20% test of each digit.

    Returns:
        `Splits` of `Images`: 1,259, 179 and 359 of them; the arrays are the caller's own.
    """
    return Splits(*(Images(part.images.copy(), part.labels.copy()) for part in _load()))


@checked
def augment(
    images: Real[Array, "batch side side"],
    rng: np.random.Generator,
    *,
    degrees: Range = 10.0,
    stretch: Range = 0.10,
    shift: Range = 0.4,
) -> Real[Array, "batch side side"]:
    """Turn, stretch and shift every picture a little, at random: the same digit as another hand would have set it.

    Args:
        images: squares of ink.
        rng: where chance comes from.
        degrees: largest turn to either side.
        stretch: largest change of width and of height, as a share.
        shift: largest way in any direction, in pixels.

    Returns:
        float32, a new array; what moves in from outside is paper.
    """
    images = images.astype(np.float32)
    batch, side, _ = images.shape
    angle = np.radians(rng.uniform(-degrees, degrees, batch))[:, None]  # (batch, 1)
    scale_y, scale_x = 1 + rng.uniform(-stretch, stretch, (2, batch, 1))
    shift_y, shift_x = rng.uniform(-shift, shift, (2, batch, 1))

    # For each pixel of the new picture: the place in the old one where its ink comes from.
    middle = (side - 1) / 2
    y, x = (grid.reshape(1, -1) - middle for grid in np.mgrid[:side, :side])  # (1, pixels)
    from_y = middle + scale_y * (np.cos(angle) * y - np.sin(angle) * x) + shift_y  # (batch, pixels)
    from_x = middle + scale_x * (np.sin(angle) * y + np.cos(angle) * x) + shift_x

    # Between pixels the ink is mixed from the four around (bilinear); a margin of paper stands for all that is outside.
    paper = np.pad(images, ((0, 0), (2, 2), (2, 2)))  # (batch, side + 4, side + 4)
    from_y, from_x = (np.clip(place + 2, 0, side + 2.999) for place in (from_y, from_x))
    top, left = from_y.astype(int), from_x.astype(int)
    down, right = from_y - top, from_x - left
    rows = np.arange(batch)[:, None]  # (batch, 1)
    upper = (1 - right) * paper[rows, top, left] + right * paper[rows, top, left + 1]  # (batch, pixels)
    lower = (1 - right) * paper[rows, top + 1, left] + right * paper[rows, top + 1, left + 1]
    mixed = (1 - down) * upper + down * lower
    return mixed.reshape(batch, side, side).astype(np.float32)


@checked
def batches(
    batch_size: Count, num_epochs: Count, seed: Seed = 0, *, augmented: bool = True, part: Images | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Shuffled batches for training, every picture once an epoch.

    Args:
        batch_size: pictures a batch; the last one of an epoch may be smaller.
        num_epochs: how often each picture is seen.
        seed: of the order and of the changes.
        augmented: change the pictures a little, differently every epoch.
        part: `Images`; by default the training split.

    Yields:
        (images, labels): float32 (batch, 8, 8) and int64 (batch,).
    """
    rng = np.random.default_rng(seed)
    return _batches(batch_size, num_epochs, rng, augmented, part or load().train)


def _batches(batch_size, num_epochs, rng, augmented, part):
    for _ in range(num_epochs):
        order = rng.permutation(len(part.labels))
        for start in range(0, len(order), batch_size):
            own = order[start : start + batch_size]
            yield augment(part.images[own], rng) if augmented else part.images[own], part.labels[own]
