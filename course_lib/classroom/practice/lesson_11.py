"""Lesson 11, the Vision Transformer: what is right, and each mistake with its sentence, in the order of its exercises.

Images have other heights than widths here, and grids other rows than columns: square ones hide exchanged axes.
"""

import itertools

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice.catalogue import Case, cases, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import reference
from course_lib.classroom.practice.slips.blocks import linear
from course_lib.classroom.practice.slips.numbers import mean, row_shares
from course_lib.classroom.practice.slips.sizes import attention_size, map_size, network_size, norm_size, number_mistakes
from course_lib.classroom.practice.steps import step

# ---------------------------------------------------------------------------------------------------------------------
# Patches. The axes of a cut image: r rows and c columns of patches, y rows and x columns of pixels inside of one
# ---------------------------------------------------------------------------------------------------------------------


def in_axes(array, axes, shape, size):
    """An array (…, with height · width numbers) by one reshape to these axes, such as "rycx"."""
    sizes = {"r": shape[0] // size, "c": shape[1] // size, "y": size, "x": size}
    leading = array.shape[: array.ndim - 2]
    return array.reshape(*leading, *(sizes[axis] for axis in axes))


def exchanged(axes, order):
    """The function that brings the last axes into another order."""
    return lambda c: np.einsum(f"...{axes}->...{order}", c)


@step
def cut_up(images, size):
    """Both axes cut in two: (…, height, width) -> (…, rows, size, columns, size)."""
    return in_axes(images, "rycx", images.shape[-2:], size)


@step
def gathered(cut):
    """The two axes inside of a patch side by side: (…, rows, columns, size, size)."""
    return np.swapaxes(cut, -3, -2)


@step
def listed(cut, size):
    """One patch after the other, each flat: (…, patches, size²)."""
    return cut.reshape(*cut.shape[:-4], -1, size * size)


@reference(
    "11.to_patches",
    title="An image as a sequence of patches",
    points=3,
    hints=[
        "Cut both axes in two: the height into (rows, patch_size), the width into (columns, patch_size). One reshape does it.",
        "Now the axes are (…, rows, patch_size, columns, patch_size). A patch's two axes must stand side by side at the end: exchange "
        "the middle two.",
        "`np.swapaxes(cut, -3, -2)` gives (…, rows, columns, patch_size, patch_size). A last reshape joins the first two and the last two.",
    ],
    returns="patches",
)
def to_patches(images, patch_size):
    return listed(gathered(cut_up(images, patch_size)), patch_size)


def some_images():
    """Images and patch sizes: ("what is special", images, size)."""
    yield "an image of two patches", draw(1, 2, 4).round(1), 2
    yield "more columns than rows", draw(2, 6, 12), 3
    yield "more rows than columns", draw(3, 8, 4), 2
    yield "a square image", draw(4, 6, 6), 2
    yield "as many patches a side as pixels in one", draw(5, 4, 4), 2
    yield "patches of one pixel", draw(6, 2, 3), 1
    yield "one patch, the whole image", draw(7, 3, 3), 3
    yield "a batch of images", draw(8, 2, 4, 12), 4
    yield "a batch with two leading axes", draw(9, 2, 3, 6, 4), 2


@cases("11.to_patches")
def patch_cases():
    for about, images, size in some_images():
        yield Case(about, images, size)


cut_up.slip("patches-counts-exchanged",
        "When an axis is cut in two, the first new axis counts the patches, the second the pixels in one. Yours are exchanged.",
        lambda x, size: in_axes(x, "yrxc", x.shape[-2:], size))  # fmt: skip
cut_up.slip("patches-reshaped-at-once", "You reshape straight to (rows, columns, size, size). Reshape only reads on, along whole rows of "
        "the image: cut each axis in two where it stands.", lambda x, size: in_axes(x, "rcyx", x.shape[-2:], size))  # fmt: skip
cut_up.slip("patches-grid-exchanged",
        "Rows and columns of the grid are exchanged: there are height / size rows of patches, each of width / size.",
        lambda x, size: in_axes(x, "rycx", x.shape[:-3:-1], size))  # fmt: skip
gathered.slip("patches-are-strips", "Your patches are strips: pixels that follow each other in memory, cut after every patch_size². "
        "Reshape only reads on. Cut both axes first, then bring the two patch axes side by side.", lambda c: c)  # fmt: skip
gathered.slip("patches-down-columns",
        "The patches are right, but go down the columns. They are counted as one reads: along the first row, then the second.",
        exchanged("rycx", "cryx"))  # fmt: skip
gathered.slip("patch-pixels-transposed", "Each patch holds the right pixels, read downwards. Inside a patch, too, row by row.",
        exchanged("rycx", "rcxy"))  # fmt: skip
gathered.slip("patches-both-downwards", "All is read downwards: the patches, and the pixels inside of one. Both go row by row.",
        exchanged("rycx", "crxy"))  # fmt: skip
gathered.slip("leading-axes", None, lambda c: c.swapaxes(1, 2), lambda c: c.swapaxes(2, 3))
gathered.slip("patches-mixed", "A row of yours holds pixels from all over the image: other axes are exchanged than needed. At the end the "
        "two that count patches come first, then the two that count pixels in one.",
        *(exchanged("rycx", "".join(order)) for order in itertools.permutations("rycx")
            if "".join(order) not in {"rycx", "cryx", "rcxy", "crxy", "rcyx"}))  # fmt: skip
listed.slip("patches-not-flat", "The pixels of a patch still stand in a square. A token is a list of numbers: (patches, patch_size²).",
        lambda c, size: c, lambda c, size: c.reshape(*c.shape[:-4], -1, size, size))  # fmt: skip
listed.slip("patches-in-a-grid",
        "The patches still stand in a grid (rows, columns). A Transformer takes a sequence: (patches, patch_size²).",
        lambda c, size: c.reshape(*c.shape[:-2], -1))  # fmt: skip
listed.slip("patches-transposed", "Patches and pixels are exchanged: one row a patch, (patches, patch_size²).",
        lambda c, size: np.swapaxes(listed(c, size), -1, -2), lambda c, size: c.reshape(*c.shape[:-4], size * size, -1))  # fmt: skip
listed.slip("patches-in-one-row", "All patches stand in one row. Each is a token of its own: (patches, patch_size²).",
        lambda c, size: c.reshape(*c.shape[:-4], -1))  # fmt: skip
listed.slip("images-joined", "The patches of all images stand in one list. The leading axes stay: each image is a sequence of its own.",
        lambda c, size: c.reshape(-1, size * size))  # fmt: skip
listed.slip("images-in-one-list", "There is an axis too many in front, or the leading axes have become one. They stay as they came.",
        lambda c, size: listed(c.reshape(-1, *c.shape[-4:]), size), lambda c, size: listed(c, size)[None])  # fmt: skip
listed.slip("leading-axes", None, lambda c, size: np.moveaxis(listed(c, size), -2, 0),
        lambda c, size: (moved := np.moveaxis(listed(c, size), -2, 0)).reshape(len(moved), -1))  # fmt: skip
listed.slip("patches-reversed", "The patches come in reverse order.", lambda c, size: listed(c, size)[..., ::-1, :])
listed.slip("patch-pixels-reversed",
        "The pixels of a patch come in reverse order, or mirrored. They are read row by row, each from left to right.",
        lambda c, size: listed(c, size)[..., ::-1], lambda c, size: listed(c[..., ::-1], size),
        lambda c, size: listed(c[..., ::-1, :], size))  # fmt: skip
listed.slip("patch-left-out", "A patch is missing, the first or the last.", lambda c, size: listed(c, size)[..., :-1, :],
        lambda c, size: listed(c, size)[..., 1:, :])  # fmt: skip
listed.slip("edge-left-out", "The last row or the last column of patches is missing: does your loop end too early?",
        lambda c, size: listed(c[..., :-1, :, :, :], size), lambda c, size: listed(c[..., :-1, :, :], size),
        lambda c, size: listed(c[..., :-1, :-1, :, :], size))  # fmt: skip
listed.slip("one-patch-only", "A single patch came back. Is there a return inside of your loop?",
        *(lambda c, size, at=at: listed(c, size)[..., at, :] for at in (0, -1, slice(1), slice(-1, None))))  # fmt: skip
listed.slip("patch-averaged", "Each patch is one number, its mean or its sum. All its pixels stay.",
        lambda c, size: listed(c, size).mean(axis=-1), lambda c, size: listed(c, size).sum(axis=-1),
        lambda c, size: listed(c, size).mean(axis=-1, keepdims=True))  # fmt: skip
listed.slip("cast-to-whole-numbers", None, lambda c, size: listed(c, size).astype(int))


def numbered(number):
    """Patches with other numbers: `number(row, column, rows, columns)` of the grid."""

    def patches(images, size):
        cut = gathered(cut_up(images, size))
        result = np.zeros_like(listed(cut, size))
        for row, column in np.ndindex(cut.shape[-4:-2]):
            result[..., number(row, column, *cut.shape[-4:-2]), :] = listed(
                cut[..., row : row + 1, column : column + 1, :, :], size
            )[..., 0, :]
        return result

    return patches


mistake("11.to_patches", "patches-overwritten",
        "Patches are written over each other: their numbers go on by the wrong length from one row of the grid to the next.",
        numbered(lambda row, column, rows, columns: row * rows + column), numbered(lambda row, column, *_: row + column))  # fmt: skip


def of_rank(ndim, function):
    """A function that unpacks a shape, and so takes arrays of one number of axes alone."""

    def only(array, *rest):
        if array.ndim != ndim:
            raise ValueError
        return function(array, *rest)

    return only


def windows(images, size, at=np.s_[:, :]):
    """Windows of the image, one a pixel that may begin one, or those at some places."""
    every = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(-2, -1))
    return listed(every[(..., *at, slice(None), slice(None))], size)


def listed_as(images, number, *last):
    """Images cut into so many patches to a side, then reshaped to these last axes."""
    *leading, height, width = images.shape
    cut = images.reshape(*leading, number, height // number, number, width // number)
    return gathered(cut).reshape(*leading, *last)


mistake("11.to_patches", "patches-overlap", "Your patches overlap: the window moves by less than a patch. It moves by a whole one.",
        windows, lambda x, size: windows(x, size, np.s_[:: max(size // 2, 1), :: max(size // 2, 1)]),
        lambda x, size: windows(x, size, np.s_[: x.shape[-2] // size, : x.shape[-1] // size]))  # fmt: skip
mistake("11.to_patches", "patches-size-for-number",
        "You take patch_size for how many patches stand to a side. It is how many pixels a patch has to a side.",
        lambda x, size: listed_as(x, size, size * size, -1), lambda x, size: listed_as(x, size, -1, size * size))  # fmt: skip
mistake("11.to_patches", "patches-assume-a-square", "You take the image for a square one. Height and width are two numbers.",
        lambda x, size: to_patches(x[..., : x.shape[-2]], size), lambda x, size: to_patches(x[..., : x.shape[-1], :], size),
        *(lambda x, size, side=side: listed(gathered(in_axes(x, "rycx", [x.shape[side]] * 2, size)), size)
            for side in (-1, -2)))  # fmt: skip
mistake("11.to_patches", "leading-axes", None, of_rank(2, to_patches), of_rank(3, to_patches))

# ---------------------------------------------------------------------------------------------------------------------
# And back
# ---------------------------------------------------------------------------------------------------------------------


@step
def side_of(patches):
    """How many pixels a patch has to a side."""
    return round(patches.shape[-1] ** 0.5)


@step
def opened(patches, height, width, size):
    """(…, patches, size²) -> (…, rows, columns, size, size)."""
    return in_axes(patches, "rcyx", (height, width), size)


@step
def spread(cut):
    """Rows by rows, columns by columns: (…, rows, size, columns, size)."""
    return np.swapaxes(cut, -3, -2)


@step
def joined(cut, height, width):
    """(…, rows, size, columns, size) -> (…, height, width)."""
    return cut.reshape(*cut.shape[:-4], height, width)


@reference(
    "11.from_patches",
    title="Patches put together again",
    points=1,
    hints=[
        "It undoes `to_patches`, the last step first. How many patches stand in one row of the image?",
        "Open up: (…, rows, columns, patch_size, patch_size). Which two axes must be exchanged before the image can be joined?",
        "`np.swapaxes(…, -3, -2)` gives (…, rows, patch_size, columns, patch_size); then reshape to (…, height, width).",
    ],
    returns="image",
)
def from_patches(patches, height, width):
    return joined(spread(opened(patches, height, width, side_of(patches))), height, width)


@cases("11.from_patches")
def image_cases():
    for about, images, size in some_images():
        yield Case(about, to_patches(images, size), *images.shape[-2:])


side_of.slip("image-size-fixed",
        "Your patches always have the same size. How large they are stands in the input: the last axis has a side, squared.",
        *(lambda x, size=size: size for size in (2, 3, 4)))  # fmt: skip
side_of.slip("image-size-not-the-root", "The last axis counts all pixels of a patch. Its side is the root of that.", lambda x: x.shape[-1],
        lambda x: x.shape[-1] // 2, lambda x: x.shape[-1] // 4 or 1)  # fmt: skip
opened.slip("image-down-columns", "The patches are put down the columns. They come row by row.",
        lambda x, h, w, size: np.swapaxes(in_axes(x, "cryx", (h, w), size), -4, -3))  # fmt: skip
opened.slip("patches-grid-exchanged", None, lambda x, h, w, size: in_axes(x, "cryx", (h, w), size))
opened.slip("image-opened-as-cut", "You open the list as the image was cut: (rows, size, columns, size). But the patches are joined by "
        "now: the first axis counts rows and columns, the second holds size and size.",
        lambda x, h, w, size: in_axes(x, "rycx", (h, w), size))  # fmt: skip
opened.slip("image-pixels-transposed", "Each patch is turned over its diagonal. Its pixels, too, come row by row.",
        lambda *inputs: np.swapaxes(opened(*inputs), -1, -2))  # fmt: skip
opened.slip("image-patches-reversed", "The patches are put in reverse order, or mirrored: the first one belongs to the upper left.",
        *(lambda *inputs, at=at: opened(*inputs)[at]
            for at in (np.index_exp[..., ::-1, ::-1, :, :], np.index_exp[..., ::-1, :, :, :], np.index_exp[..., ::-1, :, :])))  # fmt: skip
opened.slip("image-pixels-reversed", "The pixels of each patch are put in reverse order, or mirrored.",
        *(lambda *inputs, at=at: opened(*inputs)[at]
            for at in (np.index_exp[..., ::-1, ::-1], np.index_exp[..., ::-1, :], np.index_exp[..., ::-1])))  # fmt: skip
opened.slip("leading-axes", None, lambda x, h, w, size: x.reshape(-1, h // size, w // size, size, size))
spread.slip("image-from-strips", "You reshape at once, so that each patch is laid out along a row of the image. Undo the cut step by "
        "step: (rows, columns, size, size), exchange two axes, join.", lambda c: c)  # fmt: skip
spread.slip("image-lies-on-its-side", "Columns stand where rows should before you join: height comes first.", exchanged("rcyx", "cxry"),
        exchanged("rcyx", "cyrx"))  # fmt: skip
spread.slip("leading-axes", None, lambda c: c.swapaxes(1, 2), lambda c: c.swapaxes(2, 3))
spread.slip("image-other-axes", "Other axes are exchanged than needed. Before you join, they must be (rows, size, columns, size).",
        *(exchanged("rcyx", "".join(order)) for order in itertools.permutations("rcyx")
            if "".join(order) not in {"rycx", "rcyx", "cxry", "cyrx", "rxcy"}))  # fmt: skip
joined.slip("image-transposed", "The image lies on its side: height comes first.", lambda c, h, w: np.swapaxes(joined(c, h, w), -1, -2),
        lambda c, h, w: joined(c, w, h))  # fmt: skip
joined.slip("image-not-joined", "The image still has its four axes, rows, columns and both of a patch. Join two and two.",
        lambda cut, *_: cut)  # fmt: skip
joined.slip("image-flat", "The image is one long row. Asked for is (height, width).",
        lambda cut, *_: cut.reshape(*cut.shape[:-4], -1))  # fmt: skip
joined.slip("images-in-one-list", None, lambda c, h, w: joined(c, h, w)[None], lambda c, h, w: c.reshape(-1, h, w))
joined.slip("cast-to-whole-numbers", None, lambda *inputs: joined(*inputs).astype(int))
joined.slip("some-patches-only", "A part of your image stays 0: are all patches put down?",
        *(lambda c, h, w, keep=keep: joined(c * keep(*np.indices(c.shape[-4:])), h, w)
            for keep in (lambda r, y, c, x: (r == 0) & (c == 0), lambda r, y, c, x: r == 0, lambda r, y, c, x: c == 0, lambda r, y, c,
            x: (r < r.max()) | (c < c.max()))))  # fmt: skip


def laid_out(row_length):
    """Patches put down in a loop, so many in a row of the grid: `row_length(rows, columns)`."""

    def wrong(patches, height, width):
        size = side_of(patches)
        image = np.zeros((*patches.shape[:-2], height, width))
        for number in range(patches.shape[-2]):
            row, column = (size * place for place in divmod(number, row_length(height // size, width // size)))
            patch = patches[..., number, :].reshape(*patches.shape[:-2], size, size)
            image[..., row : row + size, column : column + size] = patch
        return image

    return wrong


mistake("11.from_patches", "patches-grid-exchanged", None, laid_out(lambda rows, columns: rows))
mistake("11.from_patches", "image-assumes-a-square-grid",
        "You take the grid for a square one. How many patches stand in a row is width / size.",
        lambda x, h, w: joined(spread(in_axes(x, "rcyx", [int(x.shape[-2] ** 0.5) * (size := side_of(x))] * 2, size)), h, w),
        lambda x, h, w: joined(spread(opened(x, h, w, h // int(x.shape[-2] ** 0.5))), h, w))  # fmt: skip
mistake("11.from_patches", "leading-axes", None, of_rank(2, from_patches), of_rank(3, from_patches))

# ---------------------------------------------------------------------------------------------------------------------
# Tokens
# ---------------------------------------------------------------------------------------------------------------------


@step
def in_front(class_token, embedded):
    """The class token before the patches: (…, 1 + patches, d_model)."""
    return np.concatenate([row_of(class_token, embedded), embedded], axis=-2)


def row_of(vector, embedded):
    """One and the same vector for each sequence: (…, 1, d_model)."""
    return np.broadcast_to(vector, (*embedded.shape[:-2], 1, embedded.shape[-1]))


@step
def placed(tokens, positions):
    """Each token plus its position."""
    return tokens + positions


@reference(
    "11.to_tokens",
    title="From patches to tokens",
    points=2,
    hints=[
        "Three steps: embed each patch, put the class token in front, add the positions. What has how many rows?",
        "`patches @ W + bias` is (…, patches, d_model). The class token needs an axis of tokens: (1, d_model), and as many copies as there "
        "are images.",
        "`np.concatenate([np.broadcast_to(class_token, (*embedded.shape[:-2], 1, d_model)), embedded], axis=-2) + positions`.",
    ],
    returns="tokens",
)
def to_tokens(patches, W, bias, class_token, positions):
    return placed(in_front(class_token, linear(patches, W, bias, at="of the patch embedding")), positions)


TOKENS = "11.to_tokens"


@cases(TOKENS)
def token_cases():
    for about, leading, num_patches, pixels, d_model in (
        ("two patches", (), 2, 4, 3),
        ("more patches than features", (), 6, 4, 5),
        ("as many tokens as features and pixels", (), 3, 4, 4),
        ("a single patch", (), 1, 9, 7),
        ("a batch of images", (3,), 4, 9, 7),
        ("a batch with two leading axes", (2, 3), 4, 5, 6),
    ):
        shapes = (*leading, num_patches, pixels), (pixels, d_model), (d_model,), (d_model,), (1 + num_patches, d_model)
        yield Case(about, *(draw(10 * num_patches + i, *shape).round(1) for i, shape in enumerate(shapes)))


in_front.slip("tokens-class-last", "The class token stands at the end. Here it comes first.",
        lambda first, rest: np.concatenate([rest, row_of(first, rest)], axis=-2))  # fmt: skip
in_front.slip("tokens-class-missing",
        "There is no class token in your tokens: expected are 1 + patches rows, the first of them from class_token.",
        lambda first, rest: in_front(0 * first, rest))  # fmt: skip
in_front.slip("tokens-class-not-learned", "Your first token is a mean of the patches, or ones. It comes from class_token.",
        lambda first, rest: np.concatenate([rest.mean(axis=-2, keepdims=True), rest], axis=-2),
        lambda first, rest: in_front(np.ones_like(first), rest))  # fmt: skip
in_front.slip("tokens-patches-reversed", "The patches come in reverse order.",
        lambda first, rest: in_front(first, rest[..., ::-1, :]))  # fmt: skip
placed.slip("tokens-positions-missing", "The positions change nothing in your tokens.", lambda x, p: 1 * x)
placed.slip("tokens-class-without-position",
        "The class token got no position. There is one row of positions for each token, and the class token is the first.",
        lambda x, p: x + p * (np.arange(len(p)) > 0)[:, None])  # fmt: skip
placed.slip("tokens-position-of-class-only", "Only the class token got a position. There is one for each token.",
        lambda x, p: x + p * (np.arange(len(p)) == 0)[:, None])  # fmt: skip
placed.slip("tokens-one-position", "All tokens get one and the same position, the class token's. Each has its own row.",
        lambda x, p: x + p[0])  # fmt: skip
placed.slip("leading-axes", None, lambda x, p: x + p[None])
placed.slip("tokens-positions-one-off",
        "The patches' positions are off by one: row 0 belongs to the class token, row 1 to the first patch.",
        lambda x, p: x + np.concatenate([0 * p[:1], p[:-1]]), lambda x, p: x + np.concatenate([p[:1], p[:-1]]),
        lambda x, p: x + np.roll(p, 1, axis=0), lambda x, p: x + np.roll(p, -1, axis=0))  # fmt: skip
placed.slip("tokens-positions-combined-otherwise",
        "Positions are added, one to each token. Yours are subtracted, multiplied or put beside.", lambda x, p: x - p, lambda x, p: x * p,
        lambda x, p: x * (1 + p), lambda x, p: np.concatenate([x, np.broadcast_to(p, x.shape)], axis=-1),
        lambda x, p: np.concatenate([x, np.broadcast_to(p, x.shape)], axis=-2))  # fmt: skip
placed.slip("tokens-positions-twice", "The positions are added twice to the patches.", lambda x, p: x + 2 * p,
        lambda x, p: x + p * (1 + (np.arange(len(p)) > 0))[:, None])  # fmt: skip
placed.slip("tokens-positions-reversed", "The positions come in reverse order.", lambda x, p: x + p[::-1])
placed.slip("cast-to-whole-numbers", None, lambda x, p: placed(x, p).astype(int))


def without_class(added=lambda patches, *rest: 0):
    """Tokens without a row of the class token, something else added."""
    return lambda x, W, b, first, p: x @ W + b + added(first, p)


mistake(TOKENS, "tokens-class-missing", None,
        *map(without_class, (lambda first, p: p[1:], lambda first, p: p[:-1], lambda first, p: 0)))  # fmt: skip
mistake(TOKENS, "tokens-class-over-a-patch", "The class token stands in place of a patch, the first or the last. It is one row more.",
        *(lambda x, W, b, first, p, rows=rows, places=places: to_tokens(x[..., rows, :], W, b, first, p[places]) for rows,
            places in itertools.product((slice(1, None), slice(-1)), repeat=2)))  # fmt: skip
mistake(TOKENS, "tokens-class-added", "You add the class token to every patch. It is a token of its own.",
        *map(without_class, (lambda first, p: first + p[1:], lambda first, p: first + p[:-1], lambda first, p: first)),
        lambda x, W, b, first, p: first + np.concatenate([0 * row_of(first, x @ W), x @ W + b], -2) + p)  # fmt: skip
mistake(TOKENS, "tokens-class-last", None,
        lambda x, W, b, first, p: np.concatenate([x @ W + b + p[1:], row_of(first + p[0], x @ W)], -2))  # fmt: skip
mistake(TOKENS, "tokens-bias-on-class", "The bias was added to the class token, too. It belongs to the embedding of patches.",
        lambda x, W, b, first, p: to_tokens(x, W, b, first + b, p),
        lambda x, W, b, first, p: to_tokens(x, W, 0 * b, first + b, p))  # fmt: skip
mistake(TOKENS, "tokens-class-embedded", "The class token goes through the patch embedding. It has d_model numbers already.",
        lambda x, W, b, first, p: to_tokens(x, W, b, first @ W + b, p))  # fmt: skip
mistake(TOKENS, "tokens-scaled", "The patch embeddings are multiplied by √d_model, or divided by it. Equation 1 does neither.",
        *(lambda x, W, b, first, p, power=power: to_tokens(x, W * (by := len(first) ** power), b * by, first, p) for power in (0.5, -0.5)),
        lambda x, W, b, first, p: to_tokens(x, W, b, first, 0 * p) * len(first) ** 0.5 + p)  # fmt: skip
mistake(TOKENS, "leading-axes", None, of_rank(2, to_tokens), of_rank(3, to_tokens))
mistake(TOKENS, "batch-first-only", None,
        lambda patches, *rest: np.broadcast_to((t := to_tokens(patches, *rest))[(0,) * (t.ndim - 2)], t.shape))  # fmt: skip

# ---------------------------------------------------------------------------------------------------------------------
# Find the bug
# ---------------------------------------------------------------------------------------------------------------------


def colleagues_patches(image, patch_size):
    """A colleague's way to cut an image (height, width): the shape is right, and her model trains."""
    height, width = image.shape
    rows, columns = height // patch_size, width // patch_size
    cut = image.reshape(rows, columns, patch_size, patch_size)
    return cut.reshape(rows * columns, patch_size**2)


@step
def nudged(image, pixel):
    """The image with one pixel changed."""
    changed = image.copy()
    changed[pixel] += 1.0
    return changed


@step
def movement(after, before):
    """How much each number of each token moves."""
    return np.abs(after - before)


@step
def mover(moved):
    """The token that moves most."""
    return int(moved.sum(axis=-1).argmax())


@step
def finished(table):
    """The table itself."""
    return table


@reference(
    "11.token_map",
    title="Find the bug: which pixel is in which token?",
    points=3,
    hints=[
        "An experiment for each pixel: change it alone, cut again, and compare with the tokens before. Which row moved?",
        "Start each time from `image.copy()` and add 1 to one pixel. `np.abs(after - before).sum(axis=-1)` is 0 for all tokens but one.",
        "Two loops, over y and x; `table[y, x] = np.abs(cut(changed) - before).sum(axis=-1).argmax()`.",
    ],
    returns="token of each pixel",
)
def token_map(cut, image):
    before, table = cut(image), np.zeros(image.shape, dtype=int)
    for pixel in np.ndindex(image.shape):
        table[pixel] = mover(movement(cut(nudged(image, pixel)), before))
    return finished(table)


MAP = "11.token_map"


def some_cut(about, cut):
    """A way to cut, with a line that says what it is."""
    cut.__doc__ = about
    return cut


def squares_of(image):
    """The tokens of squares of 2 × 2 pixels."""
    return in_axes(image, "rycx", image.shape, 2).swapaxes(1, 2).reshape(-1, 4)


@cases(MAP)
def map_cases():
    squares = some_cut("squares of 2 × 2, as one reads", lambda image: squares_of(image))
    strips = some_cut("strips of four pixels", lambda image: colleagues_patches(image, 2))
    tokens, pixels = generator(1).permutation(8), generator(2).permutation(4)
    mixed = some_cut(
        "squares of 2 × 2 in some order, and their pixels, too", lambda image: squares_of(image)[tokens][:, pixels]
    )
    single = some_cut("single pixels, the last one first", lambda image: image.reshape(-1, 1)[::-1].copy())
    columns = some_cut("a token for each column", lambda image: image.T.copy())
    halved = some_cut("squares of 2 × 2, each pixel times -0.5", lambda image: -0.5 * squares_of(image))
    image = generator(3).random((4, 8)).round(2) + 0.05
    bright = image.copy()
    bright[3, 7] += 4
    black = image.copy()
    black[1:3, 2:6], black[0, 4:7] = 0, 1
    yield Case("squares of an image", squares, image[:2, :4])
    yield Case("strips of an image", strips, image)
    yield Case("a cut in another order", mixed, bright)
    yield Case("an image with black and white pixels", mixed, black)
    yield Case("a square image", strips, image[:, :4])
    yield Case("an image higher than wide", squares, image.T.copy())
    yield Case("one token a column", columns, image[:3, :5])
    yield Case("squares, each pixel times -0.5", halved, image[:2])
    yield Case("more tokens than 256", single, generator(4).random((16, 17)), edge=True)


def set_to(value):
    """A copy in which the pixel has a fixed value."""

    def nudge(image, pixel):
        changed = image.copy()
        changed[pixel] = value(image, pixel)
        return changed

    return nudge


nudged.slip("map-black-pixels", "A pixel of 0 stays what it is when you multiply it, or set it to 0. Add something.",
        *(set_to(lambda image, pixel, by=by: by * image[pixel]) for by in (0, 2, 10, 0.5, 1.1, -1)))  # fmt: skip
nudged.slip("map-fixed-value", "You set the pixel to one and the same value. A pixel that has it already does not move: add something.",
        set_to(lambda image, pixel: 1), set_to(lambda image, pixel: image.max()))  # fmt: skip
nudged.slip("map-changes-a-line", "You change a whole row or column of pixels at once. Change one pixel alone.",
        lambda image, pixel: image + (np.arange(len(image)) == pixel[0])[:, None],
        lambda image, pixel: image + (np.arange(image.shape[1]) == pixel[1]))  # fmt: skip
nudged.slip("map-nothing-moves", "Every pixel is given to token 0, as where nothing moves, or everything alike. Is one pixel changed, and "
        "is it that image that is cut again?", lambda image, pixel: image.copy(), lambda image, pixel: image + 1)  # fmt: skip
nudged.slip("map-pixels-exchanged", "Another pixel is changed than the one whose entry you write.",
        lambda image, pixel: nudged(image, tuple((np.array(pixel) + 1) % image.shape)), lambda image, pixel: nudged(image, (0, 0)),
        lambda image, pixel: nudged(image, pixel[::-1]), lambda image, pixel: nudged(image[::-1], pixel)[::-1])  # fmt: skip
movement.slip("map-largest-token",
        "You name the token with the largest number, not the one that moves: compare with the tokens before the change.",
        lambda after, before: after)  # fmt: skip
movement.slip("map-still-token", "You name a token that does not move. How much one moves has no sign, and the largest is wanted.",
        lambda after, before: before - after, lambda after, before: after - before,
        lambda after, before: 1.0 * (after == before))  # fmt: skip
mover.slip("map-still-token", None, lambda moved: moved.sum(axis=-1).argmin())
mover.slip("map-of-pixels", "You name the place of the pixel inside its token. Wanted is the token.",
        lambda moved: moved.sum(axis=0).argmax())  # fmt: skip
mover.slip("map-flat-place", "You name the place among all numbers of all tokens. Which row of them is it in?", np.argmax)  # fmt: skip
mover.slip("map-of-amounts", "You store how much moves, or in how many places. Wanted is where: the number of the token.", np.sum,
        np.count_nonzero)  # fmt: skip
finished.slip("map-one-off", "All numbers are off by one: tokens count from 0.", lambda t: t + 1, lambda t: t - 1)
finished.slip("map-from-the-end", "Your tokens count from the end: the last one has the number 0.", lambda t: t.max() - t)  # fmt: skip
finished.slip("map-transposed", "Your map lies on its side: entry (y, x) belongs to the pixel in row y and column x.", lambda t: t.T,
        lambda t: t.T.reshape(t.shape))  # fmt: skip
finished.slip("map-flat", "The numbers stand in one line. Asked for is (height, width), as the image.", np.ravel)
finished.slip("map-part-only", "Some rows or columns of your map were never filled: how far do your two loops go?",
        lambda t: t * (np.arange(t.shape[1]) < t.shape[0]), lambda t: t * (np.arange(t.shape[0]) < t.shape[1])[:, None],
        lambda t: t * (np.arange(t.shape[1]) < t.shape[1] - 1), lambda t: t * (np.arange(t.shape[0]) < t.shape[0] - 1)[:, None],
        lambda t: t * (np.arange(t.size) == 0).reshape(t.shape), lambda t: t * (np.arange(len(t)) == 0)[:, None])  # fmt: skip
finished.slip("map-small-integers", "Numbers from 128 or 256 on are wrong: your array holds one byte an entry, which ends there.",
        lambda t: t.astype(np.uint8), lambda t: t.astype(np.int8))  # fmt: skip
finished.slip("map-as-one-hot", "For each pixel you give all tokens, one of them marked. Asked for is the number of that one.",
        lambda t: t[..., None] == np.arange(t.max() + 1), lambda t: 1 * (t[..., None] == np.arange(t.max() + 1)))  # fmt: skip


def numbers_cut(cut, image):
    """The pixels' own numbers, cut."""
    return cut(np.arange(image.size).reshape(image.shape))


def map_without_fresh_copies(which):
    """A map in which all earlier pixels stay changed."""

    def wrong(cut, image):
        before, changed, table = cut(image), image.copy(), np.zeros(image.shape, dtype=int)
        for pixel in np.ndindex(image.shape):
            changed[pixel] += 1
            table[pixel] = which(np.abs(cut(changed) - before))
        return table

    return wrong


def by_numbers(cut, image):
    """A map by the numbers of pixels, read in the tokens."""
    table = np.zeros(image.size, dtype=int)
    for token, pixels in enumerate(numbers_cut(cut, image)):
        table[pixels.astype(int)] = token
    return table.reshape(image.shape)


def by_numbers_from_0(cut, image):
    """A map by the numbers of pixels, where the tokens hold any."""
    return by_value(cut, np.arange(image.size).reshape(image.shape))


mistake(MAP, "map-of-cut", "That is what cut gives: for each token, its pixels. Wanted is the reverse: for each pixel, its token.",
        numbers_cut, lambda cut, image: numbers_cut(cut, image).reshape(image.shape), lambda cut, image: cut(image),
        lambda cut, image: cut(np.argsort(image.ravel()).reshape(image.shape)))  # fmt: skip
mistake(MAP, "map-accumulates", "Pixels that you changed earlier are still changed. Start each time from a fresh copy.",
        *map(map_without_fresh_copies,
            (lambda moved: moved.sum(axis=-1).argmax(), lambda moved: moved.any(axis=-1).argmax(),
            lambda moved: np.flatnonzero(moved.any(axis=-1))[-1], lambda moved: moved.argmax() // moved.shape[-1])))  # fmt: skip


def supposed(token):
    """A map from the sizes alone, by somebody's formula: `token(y, x, width, numbers in a token)`."""
    return lambda cut, image: token(*np.indices(image.shape), image.shape[1], cut(image).shape[-1])


def by_value(cut, image):
    """A map by the first token that holds a pixel's value."""
    tokens = cut(image)
    return np.array([[(tokens == value).any(axis=-1).argmax() for value in row] for row in image])


mistake(MAP, "map-supposed", "You computed where the token should be. Measure it: change the pixel, and see which row of cut(image) moves.",
        *(supposed(lambda y, x, width, numbers, root=root: y // (p := root(numbers**0.5)) * (width // p) + x // p)
            for root in (int, round)), supposed(lambda y, x, width, numbers: (y * width + x) // numbers))  # fmt: skip
mistake(MAP, "map-by-value", "You look for a pixel by its value, and two of them may have the same. Change one, and see what moves.",
        by_value, lambda cut, image: np.array([[np.argwhere(cut(image) == value)[0, 0] for value in row] for row in image]))  # fmt: skip
mistake(MAP, "map-by-number",
        "You number the pixels and look their numbers up in the tokens. There may be a multiple of a pixel there: see which row moves.",
        by_numbers, by_numbers_from_0)  # fmt: skip

# ---------------------------------------------------------------------------------------------------------------------
# Count
# ---------------------------------------------------------------------------------------------------------------------


@step
def patches_in(image_size, patch_size):
    """How many patches a square image has."""
    return (image_size // patch_size) ** 2


@step
def numbers_in(patch_size, channels):
    """How many numbers a patch has."""
    return channels * patch_size**2


@step
def table_of_positions(patches, d_model):
    """A row for each token."""
    return (patches + 1) * d_model


@step
def block_size(attention, network, norm):
    """One attention, one network, two norms."""
    return attention + network + 2 * norm


@step
def all_blocks(num_layers, block):
    """So many blocks."""
    return num_layers * block


@step
def head_size(d_model, classes, patches):
    """A linear map from one token to the classes."""
    return map_size(d_model, classes, at="of the head")


@reference(
    "11.count_parameters",
    title="Count a Vision Transformer's parameters",
    points=2,
    hints=[
        "Six kinds: patch embedding, class token, positions, blocks, the last layer norm, the head. Which of them have a bias?",
        "A block: four d_model × d_model matrices with biases; two feed-forward maps, d_model × d_ff and d_ff × d_model, with biases; two "
        "norms of 2 · d_model.",
        "Outside: (channels · P² + 1) · d + d + (patches + 1) · d + 2 · d + (d + 1) · classes.",
    ],
    returns="number",
    same={"count-bias-of-input"},  # where as many numbers come out as in
)
def count_parameters(image_size, patch_size, channels, classes, d_model, num_layers, d_ff):
    patches = patches_in(image_size, patch_size)
    embedding = map_size(numbers_in(patch_size, channels), d_model, at="of the patch embedding")
    block = block_size(attention_size(d_model), network_size(d_model, d_ff), norm_size(d_model))
    before = embedding + d_model + table_of_positions(patches, d_model)
    return before + all_blocks(num_layers, block) + norm_size(d_model) + head_size(d_model, classes, patches)


COUNT = "11.count_parameters"


@cases(COUNT)
def count_cases():
    rng = generator(1)
    for about, low, high in (
        ("small sizes", (2, 2, 2, 3, 5, 2, 11), (4, 4, 4, 5, 8, 4, 20)),
        ("other sizes", (4, 5, 3, 12, 32, 5, 90), (7, 9, 6, 30, 60, 9, 200)),
        ("one channel, one layer", (3, 4, 1, 7, 16, 1, 33), (6, 7, 2, 12, 24, 2, 60)),
        ("a patch that is the whole image", (1, 6, 2, 5, 13, 3, 31), (2, 9, 4, 9, 19, 5, 50)),
    ):
        side, patch_size, *others = rng.integers(low, high).tolist()
        yield Case(about, side * patch_size, patch_size, *others)
    yield Case("ViT-Base", 224, 16, 3, 1000, 768, 12, 3072)
    yield Case("a giant model", 224, 14, 3, 1000, 6144, 48, 24576, edge=True)


patches_in.slip("vit-square-root",
        "Your table of positions has the rows of one side only. A square image has (image_size / patch_size)² patches.",
        lambda side, p: side // p)  # fmt: skip
patches_in.slip("vit-positions-of-pixels", "Your table has a position for each pixel. There is one a patch, and one for the class token.",
        lambda side, p: side**2)  # fmt: skip
patches_in.slip("vit-patch-sides",
        "An image has (image_size / patch_size)² patches. You divide something that is squared by something that is not.",
        lambda side, p: side**2 // p, lambda side, p: side // p**2)  # fmt: skip
numbers_in.slip("vit-one-channel", "You count one number a pixel. A colour image has three: channels · patch_size² in a patch.",
        lambda p, channels: p**2)  # fmt: skip
numbers_in.slip("vit-patch-not-square", "A patch has patch_size² pixels: it has two sides.", lambda p, channels: channels * p)  # fmt: skip
numbers_in.slip("vit-channels-three", "Images always have three channels in your number. How many is a parameter.",
        lambda p, channels: 3 * p**2)  # fmt: skip
table_of_positions.slip("vit-no-positions", "Your number lacks the positions: one row of d_model numbers a token.",
        lambda patches, d_model: 0, lambda patches, d_model: d_model)  # fmt: skip
table_of_positions.slip("vit-position-one-number", "A position has d_model numbers, as a token has.", lambda patches, d_model: patches + 1,
        lambda patches, d_model: patches)  # fmt: skip
all_blocks.slip("vit-one-block", "You count one block. There are num_layers.", lambda num_layers, block: block)
all_blocks.slip("vit-no-blocks", "Your number lacks the blocks.", lambda num_layers, block: 0)
all_blocks.slip("vit-one-layer-off", "You count one block too many or one too few.", lambda num_layers, block: (num_layers + 1) * block,
        lambda num_layers, block: (num_layers - 1) * block)  # fmt: skip
head_size.slip("vit-no-head", "Your number lacks the head: d_model × classes, and a bias a class.",
        lambda d_model, classes, patches: 0)  # fmt: skip
head_size.slip("vit-no-head-matrix", "Of the head you count the biases alone.", lambda d_model, classes, patches: classes)  # fmt: skip
head_size.slip("vit-head-of-all-tokens", "Your head reads all tokens. It reads the class token alone.",
        lambda d_model, classes, patches: map_size((patches + 1) * d_model, classes),
        lambda d_model, classes, patches: (patches + 1) * map_size(d_model, classes),
        lambda d_model, classes, patches: map_size(patches * d_model, classes))  # fmt: skip
block_size.slip("vit-two-networks", "A block has one attention and one network. You count one of them twice.",
        lambda attention, network, norm: attention + 2 * network + 2 * norm,
        lambda attention, network, norm: 2 * attention + network + 3 * norm)  # fmt: skip


def changed_count(change):
    """The right number and something that depends on the sizes, given by name."""

    def wrong(*sizes):
        names = "image_size patch_size channels classes d_model num_layers d_ff".split()
        given = dict(zip(names, sizes, strict=True))
        return count_parameters(*sizes) + change(patches=(sizes[0] // sizes[1]) ** 2, **given)

    return wrong


mistake(COUNT, "vit-one-row", "One row of d_model numbers is missing. There is the class token, its row of positions, and the bias of the "
        "patch embedding: each has as many. So has the gain, or the bias, of the last norm.",
        changed_count(lambda d_model, **_: -d_model))  # fmt: skip
mistake(COUNT, "vit-two-rows", "Two rows of d_model numbers are missing: the class token with its row of positions, or the gain and the "
        "bias of the last layer norm, or two others of this kind.", changed_count(lambda d_model, **_: -2 * d_model))  # fmt: skip
mistake(COUNT, "vit-rows-off", "Outside of the blocks your number is off by a few times d_model. So long are the class token, each "
        "position, the patch embedding's bias, and the last norm's gain and bias: each counts once.",
        *(changed_count(lambda d_model, by=by, **_: by * d_model) for by in (-4, -3, 1, 2, 3)))  # fmt: skip
mistake(COUNT, "vit-four-a-block", "4 · d_model are missing in each block. Its two norms have as many, a gain and a bias each, and so "
        "have the biases of its four attention maps.",
        changed_count(lambda d_model, num_layers, **_: -4 * num_layers * d_model))  # fmt: skip
mistake(COUNT, "vit-single-numbers", "4 · (d_model - 1) are missing in each block: biases, or the gains and biases of norms, are counted "
        "as single numbers. Each has d_model.",
        changed_count(lambda d_model, num_layers, **_: -4 * num_layers * (d_model - 1)))  # fmt: skip
mistake(COUNT, "count-vectors-off", "In each layer your number is off by a few times d_model. Vectors are that long: each norm has two, "
        "and each map that gives d_model numbers has one as its bias.",
        *(changed_count(lambda d_model, num_layers, by=by, **_: by * num_layers * d_model)
            for by in (-8, -7, -6, -5, -3, -2, -1, 1, 2, 3, 4)))  # fmt: skip
mistake(COUNT, "vit-embedding-each", "Your patch embedding is as large as if each patch had one of its own, or as if it read the whole "
        "image. It reads one patch, and all share it.",
        *(changed_count(lambda patches, channels, patch_size, d_model, bias=bias,
            **_: (patches - 1) * (channels * patch_size**2 + bias) * d_model) for bias in (0, 1)))  # fmt: skip
mistake(COUNT, "vit-no-patch-embedding", "Your number lacks the patch embedding.",
        *(changed_count(lambda patch_size, channels, d_model, bias=bias, **_: -(channels * patch_size**2 + bias) * d_model)
            for bias in (0, 1)))  # fmt: skip
mistake(COUNT, "count-no-biases", None,
        *(changed_count(lambda d_model, num_layers, d_ff, classes, norms=norms,
            **_: -d_model - num_layers * (5 * d_model + d_ff) - classes - norms * (2 * num_layers + 1) * d_model)
            for norms in (0, 1)))  # fmt: skip
mistake(COUNT, "count-some-biases", None,
        *(changed_count(lambda d_model, num_layers, d_ff, parts=parts, **_: -num_layers * (parts[0] * d_model + parts[1] * d_ff))
            for parts in ((5, 1), (1, 1), (0, 1), (4, 1))))  # fmt: skip
mistake(COUNT, "count-no-norms", None, changed_count(lambda d_model, num_layers, **_: -2 * (2 * num_layers + 1) * d_model))  # fmt: skip
mistake(COUNT, "count-norm-one-vector", None, changed_count(lambda d_model, num_layers, **_: -(2 * num_layers + 1) * d_model))  # fmt: skip
mistake(COUNT, "vit-last-norm-in-each-block", "The last norm stands once, after all blocks. A block has two.",
        changed_count(lambda d_model, num_layers, **_: 2 * (num_layers - 1) * d_model))  # fmt: skip
mistake(COUNT, "vit-no-positions", None, changed_count(lambda patches, d_model, **_: -(patches + 2) * d_model))
mistake(COUNT, "vit-all-in-each-block",
        "Something that stands once is counted in each block: the positions, the patch embedding or the head.",
        *(changed_count(lambda num_layers, part=part, **sizes: (num_layers - 1) * part(**sizes))
            for part in (lambda patches, d_model, **_: (patches + 1) * d_model, lambda d_model, classes, **_: (d_model + 1) * classes,
            lambda channels, patch_size, d_model, **_: (channels * patch_size**2 + 1) * d_model)))  # fmt: skip
number_mistakes(COUNT, count_parameters)

# ---------------------------------------------------------------------------------------------------------------------
# Larger images
# ---------------------------------------------------------------------------------------------------------------------


@step
def places(old, new):
    """Where new rows stand among old ones, the first on the first and the last on the last."""
    return np.linspace(0, old - 1, new)


def at_places(old, where):
    """The matrix that mixes old rows linearly at these places: (places, old). Beyond an end it is the end."""
    return np.clip(1 - abs(np.clip(where, 0, old - 1)[:, None] - np.arange(old)), 0, None)


@step
def mixture(old, where):
    """How much of each old row a new one has: (new, old)."""
    return at_places(old, where)


@step
def along(table, new, axis):
    """The table with so many rows (axis 0) or columns (1)."""
    shares = mixture(table.shape[axis], places(table.shape[axis], new))
    return np.moveaxis(np.tensordot(shares, table, (1, axis)), 0, axis)


@step
def in_grid(rows, grid):
    """The list as it stands in the image: (rows, columns, d_model)."""
    return rows.reshape(*grid, -1)


@step
def in_line(table):
    """The grid as a list again, row by row."""
    return table.reshape(-1, table.shape[-1])


@step
def with_class(class_row, rows):
    """The class token's row in front."""
    return np.concatenate([class_row, rows])


@reference(
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
    returns="positions",
)
def resize_positions(positions, grid, new_grid):
    table = along(in_grid(positions[1:], grid), new_grid[0], 0, at="down the rows")
    return with_class(positions[:1], in_line(along(table, new_grid[1], 1, at="along the columns")))


RESIZE = "11.resize_positions"


@cases(RESIZE)
def resize_cases():
    for seed, (about, grid, new_grid, d_model) in enumerate((
        ("2 × 2 places, made 3 × 4", (2, 2), (3, 4), 2),
        ("3 × 4 places, made 5 × 6", (3, 4), (5, 6), 3),
        ("4 × 2 places, made 7 × 5", (4, 2), (7, 5), 4),
        ("a square grid, as many features as rows", (3, 3), (7, 7), 3),
        ("a grid that stays as it is", (3, 4), (3, 4), 2),
        ("a grid that grows in one direction", (4, 3), (4, 8), 5),
    )):  # fmt: skip
        yield Case(about, draw(seed, 1 + grid[0] * grid[1], d_model).round(1), grid, new_grid)


in_grid.slip("resize-features-first",
        "A vector is torn apart: you reshape to (d_model, rows, columns), but its features stand side by side, in the last axis.",
        lambda rows, grid: np.moveaxis(rows.reshape(-1, *grid), 0, -1))  # fmt: skip
places.slip("resize-half-pixel", "You align the outer edges of the patches, as torch does by default. Here the corners stay: the new "
        "first and last patch of a row stand where the old ones stood.",
        lambda old, new: (np.arange(new) + 0.5) * old / new - 0.5)  # fmt: skip
places.slip("resize-corners-move",
        "Your new places are not spread evenly from the first old one to the last: the last new place must stand on the last old one.",
        lambda old, new: np.arange(new) * old / new, lambda old, new: np.linspace(0, old, new),
        lambda old, new: np.linspace(0, old - 1, new, endpoint=False), lambda old, new: np.linspace(0, old - 1, new + 1)[1:],
        lambda old, new: np.arange(new) * (old - 1) / (new + 1), lambda old, new: np.linspace(0, old - 2, new),
        lambda old, new: np.linspace(1, old - 1, new), lambda old, new: np.linspace(1, old, new))  # fmt: skip
places.slip("resize-backwards", "Your new places go from the last old one to the first.",
        lambda old, new: np.linspace(old - 1, 0, new))  # fmt: skip
mixture.slip("resize-nearest",
        "You copy an old position, the nearest or the one before. Between two of them the vector is a mixture of both.",
        *(lambda old, where, cut=cut: at_places(old, cut(where))
            for cut in (np.round, np.floor, np.ceil, lambda where: np.floor(where + 0.5))))  # fmt: skip
mixture.slip("resize-shares-exchanged", "The shares of the two old neighbours are exchanged: the nearer one counts more.",
        lambda old, where: at_places(old, 2 * np.floor(where) + 1 - where),
        lambda old, where: at_places(old, 2 * np.clip(np.floor(where), 0, old - 2) + 1 - where))  # fmt: skip
mixture.slip("resize-half-of-both",
        "Each new place is half of the one before and half of the one after. How much of each depends on where it stands.",
        lambda old, where: (at_places(old, np.floor(where)) + at_places(old, np.floor(where) + 1)) / 2,
        lambda old, where: (at_places(old, np.floor(where)) + at_places(old, np.ceil(where))) / 2)  # fmt: skip


def cubic(distance, bend=-0.75):
    """The weight of cubic convolution (Keys 1981), as in torch."""
    near = abs(distance)
    inner = (bend + 2) * near**3 - (bend + 3) * near**2 + 1
    outer = bend * (near**3 - 5 * near**2 + 8 * near - 4)
    return np.where(near <= 1, inner, np.where(near < 2, outer, 0))


def by_cubic(where_of):
    """Bicubic mixtures: four old rows for each new one, those beyond an end being the end."""

    def mix(old, new):
        where = where_of(old, new)
        beside = np.floor(where)[:, None] + np.arange(-1, 3)
        at = np.clip(beside, 0, old - 1)[..., None] == np.arange(old)
        return (cubic(where[:, None] - beside)[..., None] * at).sum(axis=1)

    return mix


def resized_by(mix):
    """Positions in which a new row is mixed of old ones by another matrix (new, old)."""

    def wrong(positions, grid, new_grid):
        down, across = (mix(*sizes) for sizes in zip(grid, new_grid, strict=True))
        table = np.einsum("ar,bc,rcd->abd", down, across, positions[1:].reshape(*grid, -1))
        return np.concatenate([positions[:1], in_line(table)])

    return wrong


def in_one_line(rows, count):
    """Rows stretched as if they stood in one line."""
    return at_places(len(rows), np.linspace(0, len(rows) - 1, count)) @ rows


def of_table(change):
    """Another list of rows behind the class token's: `change(rows, grid, new_grid)`."""
    return lambda p, grid, new: np.concatenate([p[:1], change(p[1:], grid, new)])


def turned(table):
    """Rows for columns."""
    return np.swapaxes(table, 0, 1)


def rest(positions, grid, new_grid):
    """The right rows without the class token's, in their grid."""
    return resize_positions(positions, grid, new_grid)[1:].reshape(*new_grid, -1)


mistake(RESIZE, "resize-bicubic", "You mix four old places to a side, as bicubic interpolation does. Asked for is bilinear: two.",
        resized_by(by_cubic(places)), resized_by(by_cubic(lambda old, new: (np.arange(new) + 0.5) * old / new - 0.5)))  # fmt: skip
mistake(RESIZE, "resize-nearest", None,
        *map(resized_by, (lambda old, new: at_places(old, np.arange(new) * old // new), lambda old,
            new: at_places(old, np.round(np.arange(new) * old / new)))))  # fmt: skip
mistake(RESIZE, "resize-as-a-sequence", "You stretch the list of positions as if they stood in one line, so a row runs over into the "
        "next. Put them back into their grid first, and interpolate along both axes.",
        of_table(lambda rows, grid, new: in_one_line(rows, new[0] * new[1])),
        lambda p, grid, new: in_one_line(p, 1 + new[0] * new[1]))  # fmt: skip


def enlarged(table, new_grid, last):
    """The grid as it is, with `last` times its last row and column behind it until it is large enough."""
    down, across = (np.minimum(np.arange(new), old - 1) for new, old in zip(new_grid, table.shape, strict=False))
    inside = (np.arange(new_grid[0]) < table.shape[0])[:, None] & (np.arange(new_grid[1]) < table.shape[1])
    return table[down][:, across] * np.maximum(inside, last)[..., None]


mistake(RESIZE, "resize-filled-up",
        "You keep the old positions as they are and fill up behind them. In the larger grid every row and column moves.",
        *(of_table(lambda rows, grid, new, last=last: in_line(enlarged(rows.reshape(*grid, -1), new, last))) for last in (0, 1)),
        *(of_table(lambda rows, grid, new, fill=fill: np.concatenate([rows, np.repeat(fill(rows), new[0] * new[1] - len(rows), axis=0)]))
            for fill in (lambda rows: 0 * rows[:1], lambda rows: rows[-1:])))  # fmt: skip
mistake(RESIZE, "resize-tiled", "You repeat old positions. Then places far apart, or side by side, have the same one.",
        of_table(lambda rows, grid, new: rows[np.arange(new[0] * new[1]) % len(rows)]),
        of_table(lambda rows, grid, new: np.repeat(rows, -(-new[0] * new[1] // len(rows)), axis=0)[: new[0] * new[1]]))  # fmt: skip
mistake(RESIZE, "resize-last-for-class", "You take the last row for the class token's. It is the first.",
        lambda p, grid, new: np.roll(resize_positions(np.roll(p, 1, axis=0), grid, new), -1, axis=0),
        lambda p, grid, new: resize_positions(np.roll(p, 1, axis=0), grid, new))  # fmt: skip
mistake(RESIZE, "resize-tiled", None,
        of_table(lambda rows, grid, new:
            in_line(rows.reshape(*grid, -1).repeat(-(-new[0] // grid[0]), 0)[: new[0]].repeat(-(-new[1] // grid[1]), 1)[:,
            : new[1]])))  # fmt: skip
mistake(RESIZE, "resize-transposed", "Rows and columns of a grid are exchanged, the old one or the new one.",
        lambda p, grid, new: resize_positions(p, grid[::-1], new[::-1]),
        of_table(lambda rows, grid, new: in_line(turned(rest(np.concatenate([rows[:1], rows]), grid[::-1], new[::-1])))),
        lambda p, grid, new: resize_positions(p, grid[::-1], new), lambda p, grid, new: resize_positions(p, grid, new[::-1]))  # fmt: skip
mistake(RESIZE, "resize-class-too",
        "The class token takes part in the interpolation. It stands nowhere in the image: keep its row as it is.",
        lambda p, grid, new: np.concatenate([p.mean(axis=0, keepdims=True), in_line(rest(p, grid, new))]),
        lambda p, grid, new: np.concatenate([p[:1], in_line(rest(np.concatenate([p[:1], p[:-1]]), grid, new))]))  # fmt: skip
mistake(RESIZE, "resize-between-only", "You put one new place between each two. How many there are to be is new_grid's to say.",
        of_table(lambda rows, grid, new:
            in_line(rest(np.concatenate([rows[:1], rows]), grid, (2 * grid[0] - 1, 2 * grid[1] - 1)))))  # fmt: skip
along.slip("resize-one-way-only", "One direction is left as it was{at}: the new grid has other sizes in both.",
        lambda table, new, axis: table)  # fmt: skip
along.slip("resize-one-way-copied", "Only one direction is interpolated. In the other you copy old positions{at}.",
        *(lambda table, new, axis, cut=cut: np.take(table, cut(np.linspace(0, table.shape[axis] - 1, new)).astype(int), axis)
            for cut in (np.round, np.floor)))  # fmt: skip
in_line.slip("resize-down-columns", "Your new list goes down the columns of the grid. Row by row, as before.",
        lambda t: in_line(turned(t)))  # fmt: skip
in_line.slip("resize-left-in-the-grid", "The positions still stand in a grid. They come as a list, (1 + new patches, d_model).",
        lambda t: t)  # fmt: skip
with_class.slip("resize-class-lost", "The class token's row is gone. Keep it, in front.", lambda first, rows: rows,
        lambda first, rows: with_class(0 * first, rows),
        lambda first, rows: with_class(rows.mean(axis=0, keepdims=True), rows))  # fmt: skip
with_class.slip("resize-class-last", "The class token's row stands at the end. It comes first, as it was.",
        lambda first, rows: np.concatenate([rows, first]))  # fmt: skip
with_class.slip("resize-class-everywhere", "The class token's row is added to the others. It is a row of its own.",
        lambda first, rows: with_class(first, rows + first))  # fmt: skip
with_class.slip("cast-to-whole-numbers", None, lambda first, rows: with_class(first, rows).astype(int))

# ---------------------------------------------------------------------------------------------------------------------
# How far a head looks
# ---------------------------------------------------------------------------------------------------------------------


@step
def of_patches(weights):
    """Without the class token's row and column."""
    return weights[..., 1:, 1:]


@step
def steps_between(count, columns):
    """Rows down and columns across from each patch to each: two arrays (patches, patches)."""
    row, column = np.divmod(np.arange(count), columns)
    return row[:, None] - row, column[:, None] - column


@step
def as_the_crow_flies(down, across):
    """The root of the sum of squares."""
    return np.hypot(down, across)


@step
def looked(shares, far):
    """How far each query looks: (images, heads, queries)."""
    return (shares * far).sum(axis=-1)


@reference(
    "11.attention_distance",
    title="How far does each head look?",
    points=3,
    hints=[
        "First make the table of distances (patches, patches): patch i stands in row i // columns and column i % columns.",
        "Drop the class token's row and column, `weights[..., 1:, 1:]`, and divide each row by its sum. Then the weighted mean of the "
        "distances is one number a query.",
        "`(weights * distances).sum(axis=-1)` is (images, heads, queries); the mean over images and queries leaves one number a head.",
    ],
    returns="distance of each head",
    same={"empty-row-nan"},
)
def attention_distance(weights, columns):
    shares = row_shares(of_patches(weights))
    far = as_the_crow_flies(*steps_between(shares.shape[-1], columns))
    return mean(mean(looked(shares, far), axis=-1, at="over the patches"), axis=0, at="over the images")


DISTANCE = "11.attention_distance"


@cases(DISTANCE)
def distance_cases():
    for seed, (about, images, heads, rows, columns) in enumerate((
        ("one image, one head, a row of two patches and one below", 1, 1, 2, 2),
        ("more columns than rows", 2, 3, 2, 4),
        ("more rows than columns", 3, 2, 3, 2),
        ("as many heads as images and patches", 4, 4, 2, 2),
        ("one row of patches", 2, 5, 1, 4),
        ("a grid of 4 × 5", 2, 3, 4, 5),
    )):  # fmt: skip
        tokens = 1 + rows * columns
        yield Case(about, softmax(2 * draw(seed, images, heads, tokens, tokens)), columns)


of_patches.slip("distance-wrong-token-dropped", "The last token is dropped. The class token is the first.", lambda w: w[..., :-1, :-1],
        lambda w: w[..., :-1, 1:], lambda w: w[..., 1:, :-1])  # fmt: skip
steps_between.slip("distance-grid-exchanged",
        "Rows and columns of the grid are exchanged: `columns` is how many patches stand side by side.",
        lambda count, columns: steps_between(count, count // columns))  # fmt: skip
steps_between.slip("distance-rows-with-a-point", "A patch does not stand in a whole row: your division leaves places between two rows.",
        lambda count, columns: [np.subtract.outer(place, place)
            for place in (np.arange(count) / columns, np.arange(count) % columns)])  # fmt: skip
steps_between.slip("distance-square-grid", "You take the grid for a square one. How many columns it has is given.",
        lambda count, columns: steps_between(count, round(count**0.5)),
        lambda count, columns: steps_between(count, int(count**0.5)))  # fmt: skip
steps_between.slip("distance-columns-fixed", "The grid always has the same number of columns in your answer. Use the parameter.",
        lambda count, columns: steps_between(count, 4), lambda count, columns: steps_between(count, 2))  # fmt: skip
steps_between.slip("distance-counted-from-one",
        "Patches are counted from 1 where row and column are computed, so that the end of a row stands in the next.",
        lambda count, columns: [a[1:, 1:] for a in steps_between(count + 1, columns)])  # fmt: skip
as_the_crow_flies.slip("distance-manhattan", "You add steps down and across. As the crow flies: the root of the sum of squares.",
        lambda down, across: abs(down) + abs(across))  # fmt: skip
as_the_crow_flies.slip("distances-squared", "These are squared distances. Take the root before you average.",
        lambda down, across: down**2 + across**2)  # fmt: skip
as_the_crow_flies.slip("distance-of-chess",
        "You take the larger of steps down and across, as a king moves. As the crow flies: the root of the sum of squares.",
        lambda down, across: np.maximum(abs(down), abs(across)))  # fmt: skip
as_the_crow_flies.slip("distance-one-direction", "Only one direction counts, down or across. A distance has both.",
        lambda down, across: abs(down), lambda down, across: abs(across))  # fmt: skip
as_the_crow_flies.slip("distance-signed", "Steps to one side count negative and cancel those to the other. A distance is never below 0.",
        lambda down, across: down + across, lambda down, across: -down - across, lambda down, across: across - down)  # fmt: skip
as_the_crow_flies.slip("distance-root-of-the-sum", "You add steps down and across before you square or take the root. Square each first.",
        lambda down, across: np.sqrt(abs(down) + abs(across)), lambda down, across: abs(down + across),
        lambda down, across: np.sqrt(abs(down + across)))  # fmt: skip
as_the_crow_flies.slip("distance-in-pixels-or-shares", "You divide by the size of the grid. Asked for is the distance in patches.",
        lambda down, across: np.hypot(down, across) / max(np.hypot(down, across).max(), 1),
        lambda down, across: np.hypot(down / (down.max() + 1), across / (across.max() + 1)))  # fmt: skip
looked.slip("distance-of-maximum", "You measure only to the key with the largest weight. All keys count, by their weights.",
        lambda w, far: far[np.arange(len(far)), w.argmax(axis=-1)])  # fmt: skip
looked.slip("distance-mean-of-keys", "You take the mean over the keys. Their weights sum to 1 already: add up weight times distance.",
        lambda w, far: (w * far).mean(axis=-1))  # fmt: skip
looked.slip("distance-ignores-weights", "The weights don't matter in your mean.",
        lambda w, far: np.broadcast_to(far.mean(axis=-1), w.shape[:-1]),
        lambda w, far: np.broadcast_to(far.sum(axis=-1) / (len(far) - 1), w.shape[:-1]),
        lambda w, far: np.broadcast_to(far.sum(axis=-1), w.shape[:-1]))  # fmt: skip
looked.slip("distance-root-at-the-end", "You take the root of the mean of squares. First the root, then the mean.",
        lambda w, far: np.sqrt((w * far**2).sum(axis=-1)))  # fmt: skip
looked.slip("distance-largest", "You take the largest product of a weight and a distance. Add all of them up.",
        lambda w, far: (w * far).max(axis=-1))  # fmt: skip
looked.slip("distance-of-products", "You multiply matrices. Each weight meets its own distance: number by number, then add up a row.",
        lambda w, far: (w @ far).mean(axis=-1), lambda w, far: (w @ far).sum(axis=-1))  # fmt: skip
looked.slip("distance-without-itself", "The weight of a patch on itself is left out of the shares. It counts, at a distance of 0.",
        lambda w, far: (w * far).sum(axis=-1) / (w * (1 - np.eye(len(far)))).sum(axis=-1))  # fmt: skip


def means_of(change):
    """The mean over images and queries of `change(weights of patches, distances)`."""
    return lambda w, columns: change(inner := w[..., 1:, 1:], far_apart(inner, columns)).mean(axis=(0, -1))


def far_apart(inner, columns):
    """The right table of distances."""
    return np.hypot(*steps_between(inner.shape[-1], columns))


def for_class(weights, columns):
    """A table in which the class token is at no distance from all."""
    return np.pad(far_apart(weights[..., 1:, 1:], columns), (1, 0))


def to_mean_place(weights, columns):
    """The distance from each patch to the mean of the places it looks at."""
    shares = row_shares(weights[..., 1:, 1:])
    places = np.stack(np.divmod(np.arange(shares.shape[-1]), columns), axis=-1)
    return np.linalg.norm(shares @ places - places, axis=-1).mean(axis=(0, -1))


def right_mean(shares, far):
    """Each head's mean, all keys added up by their weights."""
    return looked(shares, far).mean(axis=(0, -1))


mistake(DISTANCE, "distance-class-kept", "The class token is still in: it stands nowhere in the image. Drop its row and its column.",
        lambda w, columns: right_mean(w, np.hypot(*steps_between(w.shape[-1], columns))),
        lambda w, columns: right_mean(w, for_class(w, columns)),
        lambda w, columns: right_mean(row_shares(w[..., 1:]), np.hypot(*steps_between(w.shape[-1], columns))[:, 1:]),
        lambda w, columns: right_mean(w[..., 1:, :], np.hypot(*steps_between(w.shape[-1], columns))[1:]))  # fmt: skip
mistake(DISTANCE, "distance-one-too-many", "Your mean divides by one more than there are patches, as if the class token were one of them.",
        lambda w, columns: right_mean(row_shares(w[..., 1:]), for_class(w, columns)[:, 1:]))  # fmt: skip
mistake(DISTANCE, "distance-not-renormalised", "Without the class token's column a row no longer sums to 1. Divide by what is left.",
        means_of(lambda inner, far: (inner * far).sum(axis=-1)))  # fmt: skip
mistake(DISTANCE, "distance-softmax-again",
        "You take a softmax of the weights. They are weights already: divide each row by what is left of it.",
        means_of(lambda inner, far: (softmax(inner) * far).sum(axis=-1)))  # fmt: skip
mistake(DISTANCE, "distance-along-the-sequence",
        "You take distances along the sequence, i - j. The end of a row is far from the start of the next.",
        means_of(lambda inner, far: (row_shares(inner) * abs(np.subtract.outer(*[np.arange(len(far))] * 2))).sum(axis=-1)))  # fmt: skip
mistake(DISTANCE, "distance-root-at-the-end", None,
        lambda w, columns: np.sqrt(means_of(lambda inner, far: (row_shares(inner) * far**2).sum(axis=-1))(w, columns)))  # fmt: skip
mistake(DISTANCE, "distance-shared-rest", "You divide by the weights of all queries together. Each row by what is left of it.",
        lambda w, columns: ((inner := w[..., 1:, 1:]) * far_apart(inner, columns)).sum(axis=(0, 2, 3)) / inner.sum(axis=(0, 2, 3)),
        lambda w, columns: (((inner := w[..., 1:, 1:]) * far_apart(inner, columns)).sum(axis=(2, 3)) / inner.sum(axis=(2, 3))).mean(
            axis=0))  # fmt: skip
mistake(DISTANCE, "distance-shared-rest", None,
        means_of(lambda inner, far: (inner / inner.sum(axis=(-1, -2), keepdims=True) * far).sum(axis=-1)))  # fmt: skip
mistake(DISTANCE, "distance-in-pixels-or-shares", None, lambda w, columns: attention_distance(w, columns) / columns)
mistake(DISTANCE, "distance-to-mean-place", "You measure to the mean of the places attended to. Two patches far off, one to each side, "
        "then look near: take the mean of distances.", to_mean_place)  # fmt: skip
mistake(DISTANCE, "distance-images-first",
        "You average the maps of all images first. Divide each row by what is left of it, and average then.",
        lambda w, columns: attention_distance(w.mean(axis=0, keepdims=True), columns))  # fmt: skip
mistake(DISTANCE, "distance-one-number", "One number came back. Each head has its own distance.",
        lambda *inputs: attention_distance(*inputs).mean())  # fmt: skip
mistake(DISTANCE, "distance-of-each", "Your answer still has an axis of the images or of the patches. Only that of the heads stays.",
        *(lambda w, columns, axis=axis: looked(row_shares(inner := w[..., 1:, 1:]), far_apart(inner, columns)).mean(axis=axis)
            for axis in (-1, 0, 1, (0, 1), (1, 2))),
        lambda w, columns: looked(row_shares(inner := w[..., 1:, 1:]), far_apart(inner, columns)))  # fmt: skip
mistake(DISTANCE, "summed-for-mean", None,
        lambda w, columns: looked(row_shares(inner := w[..., 1:, 1:]), far_apart(inner, columns)).sum(axis=(0, -1)))  # fmt: skip
