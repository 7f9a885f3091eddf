"""Steps of several heads: split, merge, projections, a mask for all of them, pruning; and how they go wrong."""

import numpy as np

from course_lib.classroom.practice.slips.attention import dot_products, mixed, projected, scaled, softmax
from course_lib.classroom.practice.steps import step

# ----------------------------------------------------------------------------------------------------------------------
# Split and merge
# ----------------------------------------------------------------------------------------------------------------------


@step
def split(x, num_heads):
    """A slice of the features for each head: (..., seq_len, d_model) -> (..., heads, seq_len, d_head)."""
    return np.swapaxes(x.reshape(*x.shape[:-1], num_heads, -1), -3, -2)


def slices(x, num_heads, start=None):
    """Each head's slice of the last axis, in a list; `start(head)` says where it begins."""
    d_head = x.shape[-1] // num_heads
    return [x[..., (start(head) if start else head * d_head) :][..., :d_head] for head in range(num_heads)]


def reshaped(x, num_heads):
    """The axes (..., heads, seq_len, d_head) by one reshape."""
    *leading, seq_len, d_model = x.shape
    return x.reshape(*leading, num_heads, seq_len, d_model // num_heads)


split.slip(
    "split-mixes-tokens", "A head's row holds pieces of several tokens: you reshape straight to (heads, seq_len, d_head), and "
    "reshape only reads on, number by number. Cut each token's features first, then exchange the axes.",
    reshaped, lambda x, num_heads: x.reshape(num_heads, x.shape[-2], -1),
    lambda x, num_heads: x.reshape(num_heads, -1, x.shape[-1] // num_heads),
)  # fmt: skip
split.slip(
    "split-not-swapped", "Rightly cut, but the axes are still (seq_len, heads, d_head). The heads come first: exchange the two.",
    lambda x, num_heads: x.reshape(*x.shape[:-1], num_heads, -1),
)  # fmt: skip
split.slip(
    "split-every-nth", "Head 0 gets every num_heads-th feature. A head gets one run of neighbours: features 0 … d_head-1 are "
    "head 0's. Which comes first in the reshape, heads or d_head?",
    lambda x, num_heads: np.moveaxis(x.reshape(*x.shape[:-1], -1, num_heads), -1, -3),
    lambda x, num_heads: np.stack([x[:, head::num_heads] for head in range(num_heads)]),
)  # fmt: skip
split.slip(
    "split-slices-transposed", "The slices are right, but stand as (d_head, seq_len): one axis was exchanged too many.",
    lambda x, num_heads: np.swapaxes(split(x, num_heads), -1, -2),
    lambda x, num_heads: x.reshape(len(x), num_heads, -1).transpose(1, 2, 0), lambda x, num_heads: x.T.reshape(num_heads, -1, len(x)),
)  # fmt: skip
split.slip(
    "split-into-more-axes", "There is one axis too many. The tokens stay as they are: only the features are cut, (heads, seq_len, d_head).",
    lambda x, num_heads: x.reshape(-1, num_heads, x.shape[-2], x.shape[-1] // num_heads),
    lambda x, num_heads: x.reshape(x.shape[0], -1, num_heads, x.shape[-1] // num_heads), lambda x, num_heads: split(x, num_heads)[None],
)  # fmt: skip
split.slip(
    "split-another-axis-last", "The right axes, in another order: (heads, seq_len, d_head) is asked for, d_head last.",
    lambda x, num_heads: np.moveaxis(split(x, num_heads), -3, -1), lambda x, num_heads: x.reshape(len(x), num_heads, -1).T,
    lambda x, num_heads: x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(-1, -2), lambda x, num_heads: x.reshape(*x.shape[:-1], num_heads, -1).T,
)  # fmt: skip
split.slip(
    "split-whole-copies", "Each head gets all features. A head gets d_model / num_heads of them.",
    lambda x, num_heads: np.stack([x] * num_heads, axis=-3), lambda x, num_heads: np.stack([x] * num_heads),
)  # fmt: skip
split.slip(
    "split-the-sequence", "You cut the sequence: each head sees some of the tokens. Each head sees all tokens, and some of their "
    "features.",
    lambda x, num_heads: np.stack(np.split(x, num_heads, axis=-2), axis=-3), lambda x, num_heads: np.stack(np.split(x, num_heads)),
)  # fmt: skip
split.slip(
    "split-by-d_head", "You make d_head heads of width num_heads. It is num_heads heads of width d_model / num_heads.",
    lambda x, num_heads: split(x, x.shape[-1] // num_heads), lambda x, num_heads: x.reshape(len(x), -1, num_heads).swapaxes(0, 1),
)  # fmt: skip
split.slip(
    "split-same-slice", "All heads get the same slice. Head h gets the features h·d_head … (h+1)·d_head-1.",
    *(lambda x, num_heads, which=which: np.stack([slices(x, num_heads)[which]] * num_heads, axis=-3) for which in (0, -1)),
)  # fmt: skip
split.slip(
    "split-reversed", "The slices stand in reverse order: head 0 gets the first features.",
    lambda x, num_heads: split(x, num_heads)[..., ::-1, :, :],
)  # fmt: skip
split.slip(
    "split-wrong-start", "A head's slice begins at h·d_head. Yours begin elsewhere, and overlap or leave gaps.",
    lambda x, num_heads: np.stack(slices(x, num_heads, lambda head: head * num_heads), axis=-3),
    lambda x, num_heads: np.stack(slices(x, num_heads, lambda head: head), axis=-3),
)  # fmt: skip
split.slip(
    "split-in-two-always", "You make the same number of heads, whatever num_heads is. Use the parameter.",
    *(lambda x, _, number=number: split(x, number) for number in (2, 3, 4)),
)  # fmt: skip
split.slip(
    "split-one-head-only", "One slice came back. Each head gets its own.",
    *(lambda x, num_heads, which=which: slices(x, num_heads)[which] for which in (0, -1)),
)  # fmt: skip
split.slip(
    "split-head-left-out", "One head is missing, the first or the last.",
    lambda x, num_heads: np.stack(slices(x, num_heads)[1:], axis=-3), lambda x, num_heads: np.stack(slices(x, num_heads)[:-1], axis=-3),
)  # fmt: skip
split.slip(
    "split-feature-missing", "A feature of each slice is missing, the first or the last. The end of a slice is not in it.",
    lambda x, num_heads: split(x, num_heads)[..., :-1], lambda x, num_heads: split(x, num_heads)[..., 1:],
)  # fmt: skip
split.slip(
    "cast-to-whole-numbers", None,
    lambda x, num_heads: split(x, num_heads).astype(int),
)  # fmt: skip
split.slip(
    "split-list", "The slices are right, but stand in a list or a tuple. One array is asked for, with an axis for the heads.",
    lambda x, num_heads: slices(x, num_heads), lambda x, num_heads: tuple(slices(x, num_heads)),
    *(lambda x, num_heads, kind=kind: kind(np.split(x, num_heads, axis=1)) for kind in (list, tuple)),
)  # fmt: skip
split.slip(
    "split-beside-each-other", "The slices are put side by side again, so that nothing is split. The heads need an axis of their own.",
    lambda x, num_heads: x.copy(), lambda x, num_heads: np.concatenate(slices(x, num_heads), axis=-2),
)  # fmt: skip
split.slip(
    "leading-axes", None,
    lambda x, num_heads: x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(0, 1),
    lambda x, num_heads: x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(1, 2),
    lambda x, num_heads: x.reshape(-1, num_heads, x.shape[-1] // num_heads).swapaxes(0, 1),
    lambda x, num_heads: x.reshape(len(x), num_heads, -1).swapaxes(0, 1),
    lambda x, num_heads: x.reshape(x.shape[0], num_heads, x.shape[1] // num_heads).transpose(1, 0, 2),
    lambda x, num_heads: np.stack(slices(x, num_heads)), lambda x, num_heads: np.stack(np.split(x, num_heads, axis=1)),
    lambda x, num_heads: x.reshape(*x.shape[:-1], num_heads, -1).transpose(1, 0, 2),
    lambda x, num_heads: x.reshape(x.shape[0], x.shape[1], num_heads, -1).transpose(0, 2, 1, 3),
)  # fmt: skip


@split.slip("leading-axes")
def split_of_one_sentence(x, num_heads):
    seq_len, d_model = x.shape
    return x.reshape(seq_len, num_heads, d_model // num_heads).swapaxes(0, 1)


@split.slip("leading-axes")
def split_of_one_batch(x, num_heads):
    batch, seq_len, d_model = x.shape
    return x.reshape(batch, seq_len, num_heads, d_model // num_heads).swapaxes(1, 2)


@step
def merge(heads):
    """All slices of a token side by side: (..., heads, seq_len, d_head) -> (..., seq_len, heads · d_head)."""
    turned = np.swapaxes(heads, -3, -2)
    return turned.reshape(*turned.shape[:-2], -1)


def joined(heads):
    """The last two axes of (..., seq_len, heads, d_head) as one, or what one reshape makes of other axes."""
    return heads.reshape(*heads.shape[:-2], -1)


merge.slip(
    "merge-mixes-tokens", "Tokens are mixed: you reshape (heads, seq_len, d_head) at once, and reshape only reads on. Exchange "
    "the axes first, so that a token's slices lie side by side.",
    lambda heads: heads.reshape(*heads.shape[:-3], heads.shape[-2], -1), lambda heads: heads.reshape(heads.shape[-2], -1),
)  # fmt: skip
merge.slip(
    "merge-wrong-exchange", "Tokens are mixed: other axes are exchanged than the heads' and the tokens'. d_head stays the last.",
    lambda heads: heads.T.reshape(heads.shape[-2], -1),
    lambda heads: np.swapaxes(heads, -1, -2).reshape(*heads.shape[:-3], heads.shape[-2], -1),
    lambda heads: np.swapaxes(heads, -1, -3).reshape(*heads.shape[:-3], heads.shape[-2], -1),
)  # fmt: skip
merge.slip(
    "merge-every-nth", "The features of the heads alternate. Head 0's slice comes first as a whole, then head 1's.",
    lambda heads: joined(np.moveaxis(heads, -3, -1)), lambda heads: heads.transpose(1, 2, 0).reshape(heads.shape[1], -1),
)  # fmt: skip
merge.slip(
    "merge-not-joined", "The axes are exchanged, but still three: (seq_len, heads, d_head). The last two become one.",
    lambda heads: np.swapaxes(heads, -3, -2),
)  # fmt: skip
merge.slip(
    "merge-joined-too-much", "Everything of a sentence stands in one row. The tokens keep their axis: (seq_len, heads · d_head).",
    lambda heads: np.swapaxes(heads, -3, -2).reshape(*heads.shape[:-3], -1), lambda heads: heads.reshape(*heads.shape[:-3], -1), np.ravel,
)  # fmt: skip
merge.slip(
    "merge-not-exchanged", "The last two axes are joined without an exchange: each row is a whole head. A row has to be a token, with "
    "all its slices.",
    joined,
)  # fmt: skip
merge.slip(
    "merge-adds", "You add the heads up. Merging puts them side by side: heads · d_head features a token.",
    lambda heads: heads.sum(axis=-3), lambda heads: heads.sum(axis=0),
)  # fmt: skip
merge.slip(
    "merge-averages", "You average the heads. Merging puts them side by side: heads · d_head features a token.",
    lambda heads: heads.mean(axis=-3), lambda heads: heads.mean(axis=0),
)  # fmt: skip
merge.slip(
    "merge-stacks-tokens", "The heads stand one below the other, as if they were more tokens. They belong side by side.",
    lambda heads: heads.reshape(*heads.shape[:-3], -1, heads.shape[-1]), lambda heads: np.concatenate(list(heads), axis=0),
)  # fmt: skip
merge.slip(
    "merge-reversed", "The heads stand in reverse order: head 0's slice comes first.",
    lambda heads: merge(heads[..., ::-1, :, :]),
)  # fmt: skip
merge.slip(
    "merge-one-head-only", "One head came back. The slices of all heads stand side by side.",
    *(lambda heads, which=which: heads[..., which, :, :] for which in (0, -1)), lambda heads: heads[0], lambda heads: heads[-1],
)  # fmt: skip
merge.slip(
    "merge-head-left-out", "One head is missing, the first or the last.",
    lambda heads: merge(heads[..., 1:, :, :]), lambda heads: merge(heads[..., :-1, :, :]),
    lambda heads: np.concatenate([heads[..., head, :, :] for head in range(heads.shape[-3] - 1)], axis=-1),
)  # fmt: skip
merge.slip(
    "merge-one-behind-another", "The heads stand one behind another, as if there were more tokens. Side by side belong their features.",
    lambda heads: np.concatenate([heads[..., head, :, :] for head in range(heads.shape[-3])], axis=-2),
    lambda heads: np.concatenate(list(heads), axis=-2),
)  # fmt: skip
merge.slip(
    "cast-to-whole-numbers", None,
    lambda heads: merge(heads).astype(int),
)  # fmt: skip
merge.slip(
    "merge-transposed", "The features of the heads are side by side, but a token is a column. It is a row: (seq_len, heads · d_head).",
    lambda heads: np.swapaxes(merge(heads), -1, -2), lambda heads: np.swapaxes(heads, -1, -2).reshape(*heads.shape[:-3], -1, heads.shape[-2]),
)  # fmt: skip
merge.slip(
    "leading-axes", None,
    lambda heads: joined(np.swapaxes(heads, 0, 1)), lambda heads: joined(np.swapaxes(heads, 1, 2)),
    lambda heads: np.swapaxes(heads, 0, 1).reshape(*heads.shape[:-3], heads.shape[-2], -1),
    lambda heads: np.swapaxes(heads, 0, 1).reshape(heads.shape[-2], -1), lambda heads: np.swapaxes(heads, 0, 1).reshape(heads.shape[1], -1),
    lambda heads: heads.transpose(1, 0, 2).reshape(heads.shape[1], -1),
    lambda heads: np.concatenate(list(heads), axis=-1), lambda heads: np.hstack(list(heads)),
    lambda heads: np.concatenate([heads[head] for head in range(heads.shape[-3])], axis=-1),
    lambda heads: np.swapaxes(heads, -3, -2).reshape(heads.shape[-2], -1),
    lambda heads: np.swapaxes(heads, -3, -2).reshape(-1, heads.shape[-3] * heads.shape[-1]),
    lambda heads: joined(heads.transpose((1, 0, 2) if heads.ndim == 3 else (0, 2, 1, 3))),
)  # fmt: skip


@merge.slip("leading-axes")
def merge_of_one_sentence(heads):
    num_heads, seq_len, d_head = heads.shape
    return heads.swapaxes(0, 1).reshape(seq_len, num_heads * d_head)


@merge.slip("leading-axes")
def merge_of_one_batch(heads):
    batch, num_heads, seq_len, d_head = heads.shape
    return heads.swapaxes(1, 2).reshape(batch, seq_len, num_heads * d_head)


# ----------------------------------------------------------------------------------------------------------------------
# All heads at once
# ----------------------------------------------------------------------------------------------------------------------


def attended(queries, keys, values, mask=None):
    """Attention of each head: (..., heads, seq_len, ...) -> its context and its weights."""
    weights = softmax(scaled(dot_products(queries, keys), keys.shape[-1]), mask)
    return mixed(weights, values), weights


@step
def for_all_heads(mask):
    """A mask (queries, keys) as it is, one (batch, queries, keys) with an axis of 1 for the heads."""
    return mask if mask is None or mask.ndim == 2 else mask[..., None, :, :]


MEETS_HEADS = (
    "Your mask (batch, queries, keys) lines up with (heads, queries, keys): sentence b's mask was applied to head b. An axis of "
    "length 1 has to stand where the heads are."
)
for_all_heads.slip("mask-meets-heads", MEETS_HEADS,
                   lambda mask: mask, lambda mask: mask if mask is None or mask.ndim == 2 else mask[None])  # fmt: skip
for_all_heads.slip("mask-axis-misplaced", "The new axis of your mask stands in another place than the heads' axis does.",
                   lambda mask: mask if mask is None or mask.ndim == 2 else mask[..., None, :],
                   lambda mask: mask if mask is None or mask.ndim == 2 else mask[..., None])  # fmt: skip
for_all_heads.slip("mask-axis-always", "A mask (queries, keys) gets a new axis between the two. Only that of a batch needs one.",
                   lambda mask: None if mask is None else mask[:, None])  # fmt: skip
for_all_heads.slip("mask-without-none", "Without a mask your function raises an error: None has no axes. mask=None means that every key "
                   "is allowed.",
                   lambda mask: mask if mask.ndim == 2 else mask[..., None, :, :], lambda mask: mask[..., None, :, :],
                   lambda mask: mask[:, None])  # fmt: skip
for_all_heads.slip("mask-of-first-sentence", "All sentences are masked like the first. Each has its own mask.",
                   lambda mask: mask if mask is None or mask.ndim == 2 else mask[0])  # fmt: skip


@step
def mixed_by(merged, W_O):
    """What the heads say, mixed by W_O: (..., heads · d_v) @ (heads · d_v, d_model)."""
    return merged @ W_O


mixed_by.slip("no-output-projection", "W_O changes nothing in your output: the heads lie side by side, but nothing mixes them.",
              lambda merged, W_O: merged)  # fmt: skip
mixed_by.slip("output-transposed", "You multiply by W_O transposed. Its rows belong to the heads' features.",
              lambda merged, W_O: merged @ W_O.T,
              lambda merged, W_O: merged @ (W_O.T if W_O.shape[0] == W_O.shape[1] else W_O))  # fmt: skip
mixed_by.slip("output-projected-twice", "W_O mixes twice. Once is enough.",
              lambda merged, W_O: merged @ W_O @ W_O)  # fmt: skip


def projections(x, W_Q, W_K, W_V):
    """Queries, keys and values of x."""
    return projected(x, W_Q, at="as queries"), projected(x, W_K, at="as keys"), projected(x, W_V, at="as values")


@step
def rows_of_heads(W_O, num_heads):
    """Each head's own rows: (heads · d_head, d_model) -> (heads, d_head, d_model)."""
    return W_O.reshape(num_heads, -1, W_O.shape[-1])


rows_of_heads.slip("output-columns", "You take columns of W_O for a head. A head's features meet rows: those from h·d_head on.",
                   lambda W_O, num_heads: W_O.T.reshape(num_heads, -1, len(W_O)), lambda W_O, num_heads: W_O.reshape(len(W_O), num_heads, -1).swapaxes(0, 1),
                   lambda W_O, num_heads: np.swapaxes(W_O.reshape(len(W_O), num_heads, -1), 0, 1).swapaxes(1, 2))  # fmt: skip
rows_of_heads.slip("output-every-nth", "You take every num_heads-th row of W_O. A head's rows are neighbours.",
                   lambda W_O, num_heads: W_O.reshape(-1, num_heads, W_O.shape[-1]).swapaxes(0, 1))  # fmt: skip
rows_of_heads.slip("contributions-same-rows", "All heads go through the same rows of W_O. Each head has its own.",
                   *(lambda W_O, num_heads, which=which: rows_of_heads(W_O, num_heads)[which] for which in (0, -1)))  # fmt: skip
rows_of_heads.slip("contributions-in-reverse", "Something stands in reverse order. Head 0 comes first, and owns the first rows of W_O.",
                   lambda W_O, num_heads: rows_of_heads(W_O, num_heads)[::-1])  # fmt: skip
rows_of_heads.slip("output-wrong-start", "A head's rows begin at h·d_head. Yours begin elsewhere, and overlap or leave gaps.",
                   *(lambda W_O, num_heads, by=by: np.stack([W_O[head * (by or num_heads) :][: len(W_O) // num_heads] for head in range(num_heads)])
                     for by in (1, None)))  # fmt: skip
rows_of_heads.slip("output-rows-mixed", "Your blocks of W_O hold pieces of several rows: reshape only reads on. d_model stays the last axis.",
                   lambda W_O, num_heads: W_O.reshape(num_heads, W_O.shape[-1], -1).swapaxes(1, 2))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Pruning
# ----------------------------------------------------------------------------------------------------------------------


@step
def staying(keep):
    """Which heads stay: boolean (heads,)."""
    return keep


staying.slip("pruned-the-kept", "You keep the heads that should go: True in `keep` means that the head stays.",
             lambda keep: ~keep)  # fmt: skip
staying.slip("pruned-first-heads", "You keep the first heads, as many as there are True. Keep the ones that are marked.",
             lambda keep: np.arange(len(keep)) < keep.sum())  # fmt: skip
staying.slip(
    "pruned-from-the-end", "You read `keep` from its end. Its first entry is about head 0.", lambda keep: keep[::-1]
)
staying.slip("pruned-a-single-head", "You keep, or take out, one head alone. `keep` may mark several.",
             lambda keep: np.arange(len(keep)) == keep.argmax(), lambda keep: np.arange(len(keep)) != keep.argmin())  # fmt: skip
staying.slip("pruned-not-at-all", "All heads are still there.", np.ones_like)


@step
def owned(keep, width):
    """Which features belong to heads that stay, each head having `width` neighbours: boolean (heads · width,)."""
    return np.repeat(keep, width)


owned.slip("pruned-every-nth", "You keep every num_heads-th column. A head's columns are neighbours.",
           lambda keep, width: np.tile(keep, width))  # fmt: skip
owned.slip("pruned-one-column-a-head", "A head owns several neighbouring columns, not one.",
           lambda keep, width: np.flatnonzero(keep),
           lambda keep, width: ~np.isin(np.arange(len(keep) * width), np.flatnonzero(~keep)))  # fmt: skip
owned.slip("pruned-one-off", "A head's columns begin one too early or too late: head h owns those from h·d_head on, d_head of them.",
           *(lambda keep, width, by=by: np.roll(np.repeat(keep, width), by) for by in (1, -1)))  # fmt: skip
owned.slip("pruned-columns-missing", "The first or the last column of each head is missing.",
           lambda keep, width: np.repeat(keep, width) & (np.arange(len(keep) * width) % width > 0),
           lambda keep, width: np.repeat(keep, width) & (np.arange(len(keep) * width) % width < width - 1))  # fmt: skip


@step
def width_of(W, num_heads):
    """How many columns of a matrix a head owns."""
    return W.shape[1] // num_heads


@step
def columns_kept(W, stay):
    """The columns that stay."""
    return W[:, stay]


columns_kept.slip("zeroed-not-removed", "The heads are set to zero, but are still there. Pruning makes the matrices smaller.",
                  lambda W, stay: W * stay)  # fmt: skip
columns_kept.slip("columns-not-pruned", "W_Q, W_K or W_V still has the columns of the heads that are gone.",
                  lambda W, stay: W)  # fmt: skip
columns_kept.slip("pruned-rows", "You cut rows of W_Q, W_K and W_V. Their rows are the features of x; a head owns columns.",
                  lambda W, stay: W[stay], lambda W, stay: W[[row for row in np.flatnonzero(stay) if row < len(W)]])  # fmt: skip
columns_kept.slip("pruned-transposed", "Rows and columns of what stays are exchanged: d_model stays the first axis.",
                  lambda W, stay: W[:, stay].T)  # fmt: skip


@step
def rows_kept(W, stay):
    """The rows that stay."""
    return W[stay]


rows_kept.slip("output-not-pruned", "W_O still has the rows of the heads that are gone.", lambda W, stay: W)
rows_kept.slip("output-zeroed", "The rows of W_O are set to zero, but are still there. Pruning makes the matrices smaller.",
               lambda W, stay: W * stay[:, None])  # fmt: skip
rows_kept.slip("output-of-the-others", "W_O keeps the rows of the heads that should go.", lambda W, stay: W[~stay])
rows_kept.slip("output-turned", "Rows and columns of W_O are exchanged: it reads the heads' features, and writes d_model.",
               lambda W, stay: W[stay].T)  # fmt: skip
rows_kept.slip("output-columns-pruned", "You cut columns of W_O. A head owns rows there: what it writes still has d_model features.",
               lambda W, stay: W[:, stay], lambda W, stay: W[:, [column for column in np.flatnonzero(stay) if column < W.shape[1]]])  # fmt: skip
