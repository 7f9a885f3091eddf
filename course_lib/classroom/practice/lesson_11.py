"""The checks of lesson 11, the Vision Transformer, in the order in which its exercises come.

Images have other heights than widths here, and grids other rows than columns: square ones hide exchanged axes.
"""

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import add_messages, call_on_batch, mistake, same_values
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw
from course_lib.classroom.practice.trial import call

add_messages(
    {
        "array-shape": "The shape is {shape}; expected {right}, that is {axes}.",
        # patches
        "patches-are-strips": "Your patches are strips: pixels that follow each other in memory, cut after every patch_size². Reshape "
        "only reads on. Cut both axes first, then bring the two patch axes side by side.",
        "patches-down-columns": "The patches are right, but go down the columns. They are counted as one reads: along the first row, "
        "then the second.",
        "patch-pixels-transposed": "Each patch holds the right pixels, read downwards. Inside a patch, too, row by row.",
        "patches-interleaved": "Your patches collect pixels from all over the image: every n-th row and column. When an axis is cut in "
        "two, the first new axis counts the patches, the second the pixels in one.",
        "patches-overlap": "Your patches overlap: the window moves by one pixel. It moves by a whole patch.",
        "patches-not-flat": "The pixels of a patch still stand in a square. A token is a list of numbers: (patches, patch_size²).",
        "patches-in-a-grid": "The patches still stand in a grid (rows, columns). A Transformer takes a sequence: (patches, patch_size²).",
        "patches-transposed": "Patches and pixels are exchanged: one row a patch, (patches, patch_size²).",
        # and back
        "image-from-strips": "You reshape at once, so that each patch is laid out along a row of the image. Undo the cut step by step: "
        "(rows, columns, size, size), exchange two axes, join.",
        "image-down-columns": "The patches are put down the columns. They come row by row.",
        "image-pixels-transposed": "Each patch is turned over its diagonal. Its pixels, too, come row by row.",
        "image-interleaved": "Neighbouring pixels of a patch end up far apart. Before you join, the axes must be (rows, size, columns, size).",
        "image-transposed": "The image lies on its side: height comes first.",
        "image-patches-reversed": "The last patch comes first in your image.",
        "image-opened-as-cut": "You open the list as the image was cut: (rows, size, columns, size). But the patches are joined by now: "
        "the first axis counts rows and columns, the second holds size and size.",
        "image-grid-exchanged": "Rows and columns of the grid are exchanged: there are height / size rows of patches, each of width / size.",
        "image-size-fixed": "You take the patches for 2 by 2. Their size stands in the input: the root of its last axis.",
        # tokens
        "tokens-positions-missing": "The positions change nothing in your tokens.",
        "tokens-class-without-position": "The class token got no position. There is one row of positions for each token, and the class "
        "token is the first.",
        "tokens-class-last": "The class token stands at the end. Here it comes first.",
        "tokens-class-missing": "There is no class token: expected are 1 + patches rows, the first of them from class_token.",
        "tokens-class-added": "You add the class token to every patch. It is a token of its own.",
        "tokens-positions-one-off": "The patches' positions are off by one: row 0 belongs to the class token, row 1 to the first patch.",
        "tokens-no-bias": "The bias changes nothing in your tokens.",
        "tokens-bias-on-class": "The bias was added to the class token, too. It belongs to the embedding of patches.",
        # find the bug
        "map-wrong-token": "Your map does not name the tokens: from 0, the row of cut(image) that moves.",
        "map-transposed": "Your map lies on its side: entry (y, x) belongs to the pixel in row y and column x.",
        "map-of-pixels": "You name the place of the pixel inside its token. Wanted is the token.",
        "map-one-off": "All numbers are off by one: tokens count from 0.",
        "map-accumulates": "Pixels that you changed earlier are still changed. Start each time from a fresh copy.",
        "map-black-pixels": "Pixels of 0 seem to belong to no token: multiplying leaves 0 as it was. Add something.",
        "map-of-cut": "That is what cut gives: for each token, its pixels. Wanted is the reverse: for each pixel, its token.",
        "map-assumes-squares": "You computed where the token should be. Measure it: change the pixel, and see which row of cut(image) moves.",
        "map-largest-token": "You name the token with the largest number, not the one that moves: compare with the tokens before the change.",
        # count
        "vit-no-class-token": "One row of d_model numbers is missing ({gap:+,}). Have you the class token, its row of positions and the "
        "patch embedding's bias?",
        "vit-two-rows": "Two rows of d_model numbers are missing ({gap:+,}): the class token with its row of positions, or the gain and "
        "the bias of the last layer norm.",
        "vit-four-a-block": "4 · d_model are missing in each block ({gap:+,}): its two norms (a gain and a bias each), or the biases of its "
        "four attention maps.",
        "vit-embedding-each": "You count an embedding for each patch. All patches share one.",
        "vit-no-positions": "Your number lacks the positions: one row of d_model numbers a token.",
        "vit-no-biases": "Your number lacks biases ({gap:+,}). Each linear map has one for each of its outputs.",
        "vit-no-norms": "Your number lacks layer norms: two in each block and one at the end, a gain and a bias each.",
        "vit-no-head": "Your number lacks the head: d_model × classes, and a bias a class.",
        "vit-one-channel": "You count one number a pixel. A colour image has three: channels · patch_size² in a patch.",
        "vit-square-root": "Your table of positions has the rows of one side only. A square image has (image_size / patch_size)² patches.",
        "vit-no-output-matrix": "Your attentions lack the output projection: four matrices of d_model × d_model.",
        "vit-positions-of-pixels": "Your table has a position for each pixel. There is one a patch, and one for the class token.",
        "vit-otherwise": "For {sizes} your number is {yours:,}; it is {right:,}, a difference of {gap:+,}.",
        # larger images
        "resize-as-a-sequence": "You stretch the list of positions as if they stood in one line, so a row runs over into the next. Put "
        "them back into their grid first, and interpolate along both axes.",
        "resize-class-too": "The class token went through the interpolation. It stands nowhere in the image: keep its row as it is.",
        "resize-class-lost": "The class token's row is gone. Keep it, in front.",
        "resize-nearest": "You copy the nearest position. Between two of them the vector is a mixture of both.",
        "resize-transposed": "Rows and columns of the grid are exchanged.",
        "resize-half-pixel": "You align the outer edges of the patches, as torch does by default. Here the corners stay: the new first "
        "and last patch of a row stand where the old ones stood.",
        "resize-rows-only": "Only the rows were interpolated; the columns are not what they should be.",
        "resize-filled-up": "You keep the old rows as they are and fill up at the end. In the larger grid every row and column moves.",
        "resize-corners-move": "The last new place must stand on the last old one: np.linspace(0, n - 1, m), not steps of n / m.",
        "resize-tiled": "You repeat the old grid. Then two places far apart have the same position.",
        # distance
        "distance-class-kept": "The class token is still in: it stands nowhere in the image. Drop its row and its column.",
        "distance-not-renormalised": "Without the class token's column a row no longer sums to 1. Divide by what is left.",
        "distance-along-the-sequence": "You take distances along the sequence, i - j. The end of a row is far from the start of the next.",
        "distance-manhattan": "You add steps down and across. As the crow flies: the root of the sum of squares.",
        "distances-squared": "These are squared distances. Take the root before you average.",
        "distance-root-at-the-end": "You take the root of the mean of squares. First the root, then the mean.",
        "distance-of-maximum": "You measure only to the key with the largest weight. All keys count, by their weights.",
        "distance-mean-of-keys": "You take the mean over the keys. Their weights sum to 1 already: add up weight times distance.",
        "distance-shared-rest": "You divide by the weights of all queries together. Each row by what is left of it.",
        "distance-ignores-weights": "The weights don't matter in your mean.",
        "distance-grid-exchanged": "Rows and columns of the grid are exchanged: patch i stands in row i // columns, column i % columns.",
        "distance-one-number": "One number came back. Each head has its own distance.",
        "distance-sum": "You add up over the queries. Take the mean: how far does a patch look?",
        "distance-keys-as-queries": "You average over the wrong axis: rows are queries, and each row's weights share out its own keys.",
    }
)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Patches
# ---------------------------------------------------------------------------------------------------------------------


def right_patches(images, size):
    """Images (…, height, width) as patches (…, patches, size²), row by row."""
    *leading, height, width = images.shape
    cut = images.reshape(*leading, height // size, size, width // size, size)
    return cut.swapaxes(-3, -2).reshape(*leading, -1, size * size)


def same_array(got, expected, what, axes, suspects=None, when_wrong="different-values"):
    """`same_values`, where another shape that no suspect explains is named beside the right one."""
    explained = got.shape == expected.shape or probes.first_match(got, suspects or {})
    show = {"expected": expected, "got": got, "what": what}
    assert explained, mistake("array-shape", shape=got.shape, right=expected.shape, axes=axes, **show)
    same_values(got, expected, what, suspects, when_wrong)


def right_on_batch(got, expected, what):
    """Assert that an answer for a batch is right, after one sentence went well."""
    assert probes.close(got, expected), mistake("wrong-on-batch", expected=expected, got=got, what=what)


@checks(
    "11.to_patches",
    title="An image as a sequence of patches",
    points=3,
    hints=[
        "Cut both axes in two: the height into (rows, patch_size), the width into (columns, patch_size). One reshape does it.",
        "Now the axes are (…, rows, patch_size, columns, patch_size). A patch's two axes must stand side by side at the end: exchange "
        "the middle two.",
        "`np.swapaxes(cut, -3, -2)` gives (…, rows, columns, patch_size, patch_size). A last reshape joins the first two and the last two.",
    ],
)
def to_patches(candidate):
    axes = "(patches, patch_size²)"
    for seed, height, width, size in ((1, 6, 12, 3), (2, 8, 4, 2)):
        image = draw(seed, height, width)
        got = call(candidate, image, size)
        same_array(got, right_patches(image, size), "patches", axes, patch_suspects(image, size))
    batch = draw(3, 2, 3, 6, 8)
    right_on_batch(call_on_batch(candidate, batch, 2), right_patches(batch, 2), "patches")


def patch_suspects(image, size):
    """What well-known mistakes give for the patches of one image."""
    height, width = image.shape
    rows, columns = height // size, width // size
    cut = image.reshape(rows, size, columns, size).swapaxes(1, 2)  # (rows, columns, size, size)
    right = cut.reshape(rows * columns, size * size)
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    spread = image.reshape(size, rows, size, columns)
    return {
        "patches-are-strips": image.reshape(-1, size * size),
        "patches-down-columns": cut.swapaxes(0, 1).reshape(-1, size * size),
        "patch-pixels-transposed": cut.swapaxes(2, 3).reshape(-1, size * size),
        "patches-interleaved": [
            spread.transpose(1, 3, 0, 2).reshape(-1, size * size),
            spread.swapaxes(1, 2).reshape(-1, size * size),
        ],
        "patches-overlap": windows.reshape(-1, size * size),
        "patches-not-flat": [cut.reshape(-1, size, size), cut],
        "patches-in-a-grid": cut.reshape(rows, columns, size * size),
        "patches-transposed": right.T,
    }


@checks(
    "11.from_patches",
    title="Patches put together again",
    points=1,
    hints=[
        "It undoes `to_patches`, the last step first. How many patches stand in one row of the image?",
        "Open up: (…, rows, columns, patch_size, patch_size). Which two axes must be exchanged before the image can be joined?",
        "`np.swapaxes(…, -3, -2)` gives (…, rows, patch_size, columns, patch_size); then reshape to (…, height, width).",
    ],
)
def from_patches(candidate):
    for seed, height, width, size in ((1, 6, 12, 3), (2, 8, 4, 2)):
        image = draw(seed, height, width)
        patches = right_patches(image, size)
        got = call(candidate, patches, height, width)
        rows, columns = height // size, width // size
        cut = patches.reshape(rows, columns, size, size)
        suspects = {
            "image-from-strips": patches.reshape(height, width),
            "image-down-columns": joined(patches.reshape(columns, rows, size, size).swapaxes(0, 1)),
            "image-pixels-transposed": joined(cut.swapaxes(2, 3)),
            "image-interleaved": cut.transpose(2, 0, 3, 1).reshape(height, width),
            "image-transposed": image.T,
            "image-patches-reversed": joined(cut[::-1, ::-1]),
            "image-opened-as-cut": patches.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(height, width),
            "image-grid-exchanged": patches.reshape(columns, rows, size, size).swapaxes(1, 2).reshape(height, width),
            "image-size-fixed": joined(patches.reshape(height // 2, width // 2, 2, 2)) if size != 2 else [],
        }
        same_array(got, image, "image", "(height, width)", suspects)
    batch = draw(3, 2, 3, 6, 8)
    right_on_batch(call_on_batch(candidate, right_patches(batch, 2), 6, 8), batch, "images")


def joined(cut):
    """(rows, columns, size, size) as an image."""
    rows, columns, size, _ = cut.shape
    return cut.swapaxes(1, 2).reshape(rows * size, columns * size)


@checks(
    "11.to_tokens",
    title="From patches to tokens",
    points=2,
    hints=[
        "Three steps: embed each patch, put the class token in front, add the positions. What has how many rows?",
        "`patches @ W + bias` is (…, patches, d_model). The class token needs an axis of tokens: (1, d_model), and as many copies as there "
        "are images.",
        "`np.concatenate([np.broadcast_to(class_token, (*embedded.shape[:-2], 1, d_model)), embedded], axis=-2) + positions`.",
    ],
)
def to_tokens(candidate):
    for seed, num_patches, pixels, d_model in ((1, 6, 4, 5), (2, 3, 9, 7)):
        patches, W, bias = draw(seed, num_patches, pixels), draw(seed + 10, pixels, d_model), draw(seed + 20, d_model)
        class_token, positions = draw(seed + 30, d_model), draw(seed + 40, num_patches + 1, d_model)
        got = call(candidate, patches, W, bias, class_token, positions)
        expected = right_tokens(patches, W, bias, class_token, positions)
        embedded, plain = patches @ W + bias, np.zeros((1, d_model))
        if got.shape == embedded.shape:
            added = [embedded + class_token + part for part in (positions[1:], positions[:-1], 0)]
            found = probes.first_match(got, {"tokens-class-added": added}) or "tokens-class-missing"
            raise AssertionError(mistake(found, expected=expected, got=got, what="tokens"))
        suspects = {
            "tokens-positions-missing": np.vstack([class_token, embedded]),
            "tokens-class-without-position": np.vstack([class_token, embedded + positions[1:]]),
            "tokens-class-last": [
                np.vstack([embedded, class_token]) + positions,
                np.vstack([embedded + positions[1:], class_token + positions[0]]),
            ],
            "tokens-positions-one-off": [
                np.vstack([class_token, embedded + positions[:-1]]),
                np.vstack([class_token + positions[-1], embedded + positions[:-1]]),
            ],
            "tokens-no-bias": np.vstack([class_token, patches @ W]) + positions,
            "tokens-bias-on-class": np.vstack([class_token + bias, embedded]) + positions,
            "tokens-class-missing": np.vstack([plain, embedded]) + positions,
        }
        found = None if probes.close(got, expected) else probes.first_match(got, suspects)
        assert found is None, mistake(found, expected=expected, got=got, what="tokens")
        same_array(got, expected, "tokens", "(1 + patches, d_model)")
    batch = draw(6, 2, 4, num_patches, pixels)
    expected = right_tokens(batch, W, bias, class_token, positions)
    right_on_batch(call_on_batch(candidate, batch, W, bias, class_token, positions), expected, "tokens")


def right_tokens(patches, W, bias, class_token, positions):
    """Patches (…, patches, pixels) as tokens (…, 1 + patches, d_model): Dosovitskiy et al. 2020, equation 1."""
    embedded = patches @ W + bias
    first = np.broadcast_to(class_token, (*embedded.shape[:-2], 1, embedded.shape[-1]))
    return np.concatenate([first, embedded], axis=-2) + positions


# ---------------------------------------------------------------------------------------------------------------------
# Find the bug
# ---------------------------------------------------------------------------------------------------------------------


def colleagues_patches(image, patch_size):
    """A colleague's way to cut an image (height, width): the shape is right, and her model trains."""
    height, width = image.shape
    rows, columns = height // patch_size, width // patch_size
    cut = image.reshape(rows, columns, patch_size, patch_size)
    return cut.reshape(rows * columns, patch_size**2)


@checks(
    "11.token_map",
    title="Find the bug: which pixel is in which token?",
    points=3,
    hints=[
        "An experiment for each pixel: change it alone, cut again, and compare with the tokens before. Which row moved?",
        "Start each time from `image.copy()` and add 1 to one pixel. `np.abs(after - before).sum(axis=-1)` is 0 for all tokens but one.",
        "Two loops, over y and x; `table[y, x] = np.abs(cut(changed) - before).sum(axis=-1).argmax()`.",
    ],
)
def token_map(candidate):
    for number, (image, cut, size) in enumerate(cuts_of_images()):
        height, width = image.shape
        numbered = cut(np.arange(height * width, dtype=float).reshape(height, width))
        expected, inside = np.zeros((2, height, width), int)
        for token, place in np.ndindex(numbered.shape):
            pixel = divmod(int(numbered[token, place]), width)
            expected[pixel], inside[pixel] = token, place
        got = call(candidate, cut, image)
        show = {"expected": expected, "got": got, "what": "token of each pixel"}
        if got.shape == expected.shape and not np.array_equal(got, expected):
            squares = np.arange(height)[:, None] // size * (width // size) + np.arange(width) // size
            black = image == 0
            suspects = {
                "map-of-pixels": inside,
                "map-one-off": [expected + 1, expected - 1],
                "map-assumes-squares": squares if number else [],
                "map-transposed": expected.T if height == width else [],
                "map-accumulates": np.zeros_like(expected),
            }
            assert not (black.any() and np.array_equal(got[~black], expected[~black])), mistake(
                "map-black-pixels", **show
            )
            found = probes.first_match(got, suspects)
            assert found is None, mistake(found, **show)
            largest = cut(image).sum(axis=-1).argmax(), np.abs(cut(image)).max(axis=-1).argmax()
            assert not any((got == token).all() for token in largest), mistake("map-largest-token", **show)
            raise AssertionError(mistake("map-wrong-token", **show))
        assert not np.array_equal(got, numbered), mistake("map-of-cut", **show)
        assert got.shape != expected.T.shape or height == width, mistake("map-transposed", **show)
        same_array(got, expected, "token of each pixel", "(height, width)", when_wrong="map-wrong-token")


def cuts_of_images():
    """Images, ways to cut them, and patch sizes: square patches first, then others."""
    some = np.random.default_rng(1).random((4, 8)) + 0.5
    some[3, 7] += 4  # the largest pixel
    black = some.copy()
    black[1:3, 2:6] = 0
    order = np.random.default_rng(2).permutation(8)
    yield some, lambda image: right_patches(image, 2), 2
    yield black, lambda image: colleagues_patches(image, 2), 2
    yield some, lambda image: right_patches(image, 2)[order], 2


# ---------------------------------------------------------------------------------------------------------------------
# Count
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "11.count_parameters",
    title="Count a Vision Transformer's parameters",
    points=2,
    hints=[
        "Six kinds: patch embedding, class token, positions, blocks, the last layer norm, the head. Which of them have a bias?",
        "A block: four d_model × d_model matrices with biases; two feed-forward maps, d_model × d_ff and d_ff × d_model, with biases; two "
        "norms of 2 · d_model.",
        "Outside: (channels · P² + 1) · d + d + (patches + 1) · d + 2 · d + (d + 1) · classes.",
    ],
)
def count_parameters(candidate):
    sizes = [(224, 16, 3, 1000, 768, 12, 3072), (8, 2, 1, 10, 64, 2, 256), (12, 3, 2, 5, 16, 3, 40)]
    for size in sizes:
        got, parts = call(candidate, *size), parts_of_parameters(*size)
        right = sum(parts.values())
        if np.size(got) != 1 or not np.isfinite(got).all():
            same_values(got, np.array(float(right)), "number of parameters")
        if float(got.reshape(-1)[0]) == right:
            continue
        yours = int(got.reshape(-1)[0])
        image_size, patch_size, channels, classes, d_model, num_layers, d_ff = size
        patches = (image_size // patch_size) ** 2
        less = {
            "vit-no-class-token": [d_model],
            "vit-two-rows": [2 * d_model],
            "vit-four-a-block": [4 * num_layers * d_model],
            "vit-no-positions": [(patches + 1) * d_model, patches * d_model],
            "vit-no-biases": [
                parts["biases"],
                num_layers * (5 * d_model + d_ff),
                num_layers * (d_model + d_ff),
                num_layers * d_ff,
                classes,
            ],
            "vit-no-norms": [parts["norms"], parts["norms"] // 2],
            "vit-embedding-each": [
                (1 - patches) * parts["patch embedding"],
                (1 - patches) * (parts["patch embedding"] + d_model),
            ],
            "vit-no-head": [(d_model + 1) * classes, d_model * classes],
            "vit-one-channel": [(channels - 1) * patch_size**2 * d_model],
            "vit-square-root": [(patches - image_size // patch_size) * d_model],
            "vit-no-output-matrix": [num_layers * d_model**2, num_layers * d_model * (d_model + 1)],
            "vit-positions-of-pixels": [(patches - image_size**2) * d_model],
        }
        gap = yours - right
        found = next((name for name, gaps in less.items() if -gap in gaps and gap), "vit-otherwise")
        names = "image_size patch_size channels classes d_model num_layers d_ff".split()
        told = ", ".join(f"{name} {value}" for name, value in zip(names, size, strict=True))
        raise AssertionError(
            mistake(found, sizes=told, yours=yours, right=right, gap=gap, expected=np.array(right), got=got)
        )


def parts_of_parameters(image_size, patch_size, channels, classes, d_model, num_layers, d_ff):
    """The parameters of a Vision Transformer with a class token, by kind."""
    patches = (image_size // patch_size) ** 2
    return {
        "patch embedding": channels * patch_size**2 * d_model,
        "class token": d_model,
        "positions": (patches + 1) * d_model,
        "matrices": num_layers * (4 * d_model**2 + 2 * d_model * d_ff),
        "norms": (2 * num_layers + 1) * 2 * d_model,
        "head": d_model * classes,
        "biases": d_model + num_layers * (5 * d_model + d_ff) + classes,
    }


# ---------------------------------------------------------------------------------------------------------------------
# Larger images
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "11.resize_positions",
    title="Positions for a larger image",
    points=3,
    hints=[
        "Set the class token's row aside, and put the others into their grid (rows, columns, d_model). Interpolate along the rows, "
        "then along the columns.",
        "`np.linspace(0, rows - 1, new_rows)` says where each new row stands among the old ones. At 1.25 the vector is ¾ of row 1 and ¼ of "
        "row 2.",
        "For one axis: `at = np.linspace(0, n - 1, m)`, `low = np.minimum(at.astype(int), n - 2)`, `share = at - low`, and the result is "
        "`(1 - share) * grid[low] + share * grid[low + 1]`, the share shaped to fit.",
    ],
)
def resize_positions(candidate):
    for seed, grid, new_grid, d_model in ((1, (3, 4), (5, 6), 3), (2, (4, 2), (7, 5), 4), (3, (3, 3), (3, 3), 2)):
        positions = draw(seed, 1 + grid[0] * grid[1], d_model)
        expected = resized(positions, grid, new_grid)
        got = call(candidate, positions, grid, new_grid)
        show = {"expected": expected, "got": got, "what": "positions"}
        suspects = resize_suspects(positions, grid, new_grid)
        found = None if probes.close(got, expected) else probes.first_match(got, suspects)
        assert found is None, mistake(found, **show)
        if got.shape == expected.shape and not probes.close(got, expected) and not probes.close(got[0], positions[0]):
            raise AssertionError(mistake("resize-class-too", **show))
        same_array(got, expected, "positions", "(1 + new patches, d_model)")


def resized(positions, grid, new_grid, take=None):
    """Positions (1 + patches, d_model) for another grid, bilinear, corners kept; the class token's row stays."""
    take = take or linear
    table = positions[1:].reshape(*grid, -1)
    table = take(take(table, new_grid[0]).swapaxes(0, 1), new_grid[1]).swapaxes(0, 1)
    return np.concatenate([positions[:1], table.reshape(-1, positions.shape[-1])])


def linear(table, size):
    """The first axis of a table at `size` places from its first to its last, mixed linearly."""
    return at_places(table, np.linspace(0, len(table) - 1, size))


def at_places(table, places):
    low = np.clip(np.floor(places).astype(int), 0, max(len(table) - 2, 0))
    share = (places - low).reshape(-1, *[1] * (table.ndim - 1))
    return (1 - share) * table[low] + share * table[np.minimum(low + 1, len(table) - 1)]


def half_pixel(table, size):
    """As torch does it unless told otherwise: the outer edges of the cells are aligned."""
    places = (np.arange(size) + 0.5) * len(table) / size - 0.5
    return at_places(table, np.clip(places, 0, len(table) - 1))


def resize_suspects(positions, grid, new_grid):
    """What well-known mistakes give for resized positions."""
    patches, new_patches = grid[0] * grid[1], new_grid[0] * new_grid[1]
    expected, first, rest = resized(positions, grid, new_grid), positions[:1], positions[1:]
    nearest = resized(
        positions, grid, new_grid, lambda table, size: table[np.round(np.linspace(0, len(table) - 1, size)).astype(int)]
    )
    floored = resized(positions, grid, new_grid, lambda table, size: table[np.arange(size) * len(table) // size])
    cut_off = resized(
        positions, grid, new_grid, lambda table, size: table[np.linspace(0, len(table) - 1, size).astype(int)]
    )
    rounded = resized(
        positions,
        grid,
        new_grid,
        lambda table, size: table[
            np.minimum(np.round(np.arange(size) * len(table) / size).astype(int), len(table) - 1)
        ],
    )
    scaled = resized(
        positions,
        grid,
        new_grid,
        lambda table, size: at_places(table, np.minimum(np.arange(size) * len(table) / size, len(table) - 1)),
    )
    exchanged = resized(positions, grid[::-1], new_grid[::-1])[1:]
    turned = exchanged.reshape(*new_grid[::-1], -1).swapaxes(0, 1).reshape(new_patches, -1)
    rows_only = linear(rest.reshape(*grid, -1), new_grid[0])  # (new rows, columns, d_model)
    nearest_columns = np.round(np.linspace(0, grid[1] - 1, new_grid[1])).astype(int)
    return {
        "resize-as-a-sequence": [
            np.concatenate([first, linear(rest, new_patches)]),
            linear(positions, 1 + new_patches),
        ],
        "resize-class-lost": expected[1:],
        "resize-nearest": [nearest, floored, cut_off, rounded],
        "resize-corners-move": scaled,
        "resize-filled-up": [
            np.concatenate([positions, np.zeros((new_patches - patches, positions.shape[-1]))]),
            np.concatenate([positions, np.repeat(positions[-1:], new_patches - patches, axis=0)]),
        ],
        "resize-half-pixel": resized(positions, grid, new_grid, half_pixel),
        "resize-transposed": [
            np.concatenate([first, exchanged]),
            np.concatenate([first, turned]),
            np.concatenate([first, expected[1:].reshape(*new_grid, -1).swapaxes(0, 1).reshape(new_patches, -1)]),
        ],
        "resize-rows-only": [
            np.concatenate([first, rows_only[:, nearest_columns].reshape(new_patches, -1)]),
            np.concatenate([first, rows_only.reshape(-1, positions.shape[-1])]),
        ],
        "resize-tiled": np.concatenate([first, rest[np.arange(new_patches) % patches]]),
    }


# ---------------------------------------------------------------------------------------------------------------------
# How far a head looks
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "11.attention_distance",
    title="How far does each head look?",
    points=3,
    hints=[
        "First make the table of distances (patches, patches): patch i stands in row i // columns and column i % columns.",
        "Drop the class token's row and column, `weights[..., 1:, 1:]`, and divide each row by its sum. Then the weighted mean of the "
        "distances is one number a query.",
        "`(weights * distances).sum(axis=-1)` is (images, heads, queries); the mean over images and queries leaves one number a head.",
    ],
)
def attention_distance(candidate):
    for seed, images, heads, rows, columns in ((1, 2, 3, 2, 4), (2, 3, 2, 3, 2)):
        weights = softmax(2 * draw(seed, images, heads, 1 + rows * columns, 1 + rows * columns))
        expected = mean_distance(weights, rows, columns)
        got = call(candidate, weights, columns)
        same_array(
            got,
            expected,
            "distance of each head",
            "one number for each head",
            distance_suspects(weights, rows, columns),
        )


def distances(rows, columns):
    """How far apart patches stand, in patches: (patches, patches)."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    return np.hypot(row[:, None] - row, column[:, None] - column)


def mean_distance(weights, rows, columns):
    """How far each head looks, on average: Dosovitskiy et al. 2020, §4.5."""
    shares = weights[..., 1:, 1:] / weights[..., 1:, 1:].sum(axis=-1, keepdims=True)
    return (shares * distances(rows, columns)).sum(axis=-1).mean(axis=(0, -1))


def distance_suspects(weights, rows, columns):
    """What well-known mistakes give for the distance of each head."""
    inner, far = weights[..., 1:, 1:], distances(rows, columns)
    shares = inner / inner.sum(axis=-1, keepdims=True)
    down = np.abs(np.subtract.outer(*[np.arange(rows * columns) // columns] * 2))
    across = np.abs(np.subtract.outer(*[np.arange(rows * columns) % columns] * 2))

    def mean(shares, far):
        return (shares * far).sum(axis=-1).mean(axis=(0, -1))

    number = np.arange(1 + rows * columns)
    with_class = np.hypot(number[:, None] // columns - number // columns, number[:, None] % columns - number % columns)
    best = shares.argmax(axis=-1)  # (images, heads, queries)
    by_keys = inner / inner.sum(axis=-2, keepdims=True)
    return {
        "distance-class-kept": mean(weights, with_class),
        "distance-not-renormalised": mean(inner, far),
        "distance-along-the-sequence": mean(shares, np.abs(np.subtract.outer(number[1:], number[1:]))),
        "distance-manhattan": mean(shares, down + across),
        "distances-squared": mean(shares, far**2),
        "distance-root-at-the-end": [
            np.sqrt(mean(shares, far**2)),
            np.sqrt((shares * far**2).sum(axis=-1)).mean(axis=(0, -1)),
        ],
        "distance-of-maximum": far[np.arange(rows * columns), best].mean(axis=(0, -1)),
        "distance-mean-of-keys": (shares * far).mean(axis=(0, 2, 3)),
        "distance-shared-rest": [
            (inner * far).sum(axis=(0, 2, 3)) / inner.sum(axis=(0, 2, 3)),
            ((inner * far).sum(axis=(2, 3)) / inner.sum(axis=(2, 3))).mean(axis=0),
        ],
        "distance-ignores-weights": np.full(weights.shape[1], far.mean()),
        "distance-grid-exchanged": mean(shares, distances(columns, rows)),
        "distance-one-number": [np.array(mean(shares, far).mean())],
        "distance-sum": [
            (shares * far).sum(axis=(-1, -2)).mean(axis=0),
            (shares * far).sum(axis=(0, -1, -2)),
        ],
        "distance-keys-as-queries": mean(by_keys.swapaxes(-1, -2), far),
    }
