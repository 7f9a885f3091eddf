"""The checks of lesson 04, multi-head attention, in the order in which its exercises come."""

import numpy as np

from course_lib.attention import (
    causal_mask,
    scaled_dot_product_attention,
    scaled_dot_scores,
    softmax,
)
from course_lib.attention import merge_heads as right_merge
from course_lib.attention import multi_head_attention as right_multi_head
from course_lib.attention import split_heads as right_split
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.catalogue import cases
from course_lib.classroom.practice.diagnoses import (
    add_messages,
    are_distributions,
    call_on_batch,
    masked_right,
    mistake,
    same_values,
    scaled_right,
    two_arrays,
)
from course_lib.classroom.practice.exercises import checks, reference
from course_lib.classroom.practice.probes import draw
from course_lib.classroom.practice.slips.influence import influence_cases, influence_mistakes, table_of_influence
from course_lib.classroom.practice.trial import call

add_messages(
    {
        "array-shape": "The shape is {shape}; expected {right}, that is {axes}.",
        # split and merge
        "split-mixes-tokens": "A head's row holds pieces of several tokens: you reshape straight to (heads, seq_len, d_head), and "
        "reshape only reads on, number by number. Cut each token's features first, then exchange the axes.",
        "split-not-swapped": "Rightly cut, but the axes are still (seq_len, heads, d_head). The heads come first: exchange the two.",
        "split-every-nth": "Head 0 gets every num_heads-th feature. A head gets one run of neighbours: features 0 … d_head-1 are "
        "head 0's. Which comes first in the reshape, heads or d_head?",
        "split-slices-transposed": "The slices are right, but stand as (d_head, seq_len): one axis was exchanged too many.",
        "split-whole-copies": "Each head gets all features. A head gets d_model / num_heads of them.",
        "split-the-sequence": "You cut the sequence: each head sees some of the tokens. Each head sees all tokens, and some of their "
        "features.",
        "split-by-d_head": "You make d_head heads of width num_heads. It is num_heads heads of width d_model / num_heads.",
        "split-same-slice": "All heads get the same slice. Head h gets the features h·d_head … (h+1)·d_head-1.",
        "split-reversed": "The slices stand in reverse order: head 0 gets the first features.",
        "split-wrong-start": "A head's slice begins at h·d_head. Yours begins at h·num_heads, and the slices overlap or leave gaps.",
        "merge-wrong-exchange": "Tokens are mixed: other axes are exchanged than the heads' and the tokens'. d_head stays the last.",
        "merge-mixes-tokens": "Tokens are mixed: you reshape (heads, seq_len, d_head) at once, and reshape only reads on. Exchange "
        "the axes first, so that a token's slices lie side by side.",
        "merge-every-nth": "The features of the heads alternate. Head 0's slice comes first as a whole, then head 1's.",
        "merge-adds": "You add the heads up. Merging puts them side by side: heads · d_head features a token.",
        "merge-averages": "You average the heads. Merging puts them side by side: heads · d_head features a token.",
        "merge-stacks-tokens": "The heads stand one below the other, as if they were more tokens. They belong side by side.",
        "merge-reversed": "The heads stand in reverse order: head 0's slice comes first.",
        # heads
        "same-head-twice": "Both heads have the same weights: you use one head's matrices twice.",
        "values-cross-over": "One head's weights mix the other head's values. A head stays with its own W_V.",
        "values-of-one-head": "Both heads mix the values of one head. Each has its own W_V.",
        "maps-swapped": "The maps stand in the wrong order: head 0's comes first.",
        "contributions-averaged": "What the heads add is divided by their number. W_O's mixture is a sum, not a mean.",
        "causal-without-a-mask": "Your weights are causal, though no mask was given: mask=None means that every key is allowed.",
        "residual-too-early": "x is added already. That residual belongs to the block around attention (lesson 06); here: W_O's mixture alone.",
        "values-from-other-matrix": "Your values are made with W_Q or W_K. They have a matrix of their own, W_V.",
        "matrices-transposed": "You multiply by transposed matrices. A row of x meets columns: x @ W_Q.",
        "heads-cross-over": "One head's queries meet the other head's keys. A head has its own W_Q, W_K and W_V, and stays with them.",
        "heads-in-a-chain": "The second head reads what the first one gives. Heads work side by side: all of them read x.",
        "no-output-projection": "W_O changes nothing in your output: the heads lie side by side, but nothing mixes them.",
        "output-transposed": "You multiply by W_O transposed. Its rows belong to the heads' features: merged @ W_O.",
        "heads-added": "You add the heads up before W_O. Put them side by side: each has its own rows of W_O.",
        "heads-averaged": "You average the heads before W_O. Put them side by side: each has its own rows of W_O.",
        "heads-swapped": "The heads stand in the wrong order before W_O: its first rows are those of head 0.",
        "head-left-out": "Only one of the heads reaches the output.",
        "weights-averaged": "You return one map, the mean of all heads. Each head has its own: (heads, queries, keys).",
        "softmax-over-heads": "For each query and key the weights of all heads sum to 1: your softmax runs over the heads. The keys "
        "are the last axis.",
        "never-split": "One map came back: that of a single head of full width. Split before the scores.",
        "slices-not-projected": "Each head compares slices of x itself. Project first, x @ W_Q, then split.",
        "split-before-projection": "You split x and give each head a block of each matrix, so a head sees only its own slice of x. "
        "Each head reads all of x: project first, then split.",
        "mask-meets-heads": "Your mask (batch, queries, keys) lines up with (heads, queries, keys): sentence b's mask was applied to head "
        "b. It needs an axis of length 1 for the heads: mask[..., None, :, :].",
        # influence
        "influence-not-boolean": "Your table holds numbers. Here it is boolean: True where token j moves output i.",
        "influence-transposed": "Rows and columns are exchanged: row i is output i, column j the token that was changed.",
        "influence-own-only": "You look only at the output of the token that was changed. It may move others: compare all rows.",
        "influence-whole-output": "A column is all True as soon as anything moves. Compare row by row: which outputs moved?",
        "influence-inverted": "True and False are exchanged: True means that it moves.",
        "influence-accumulates": "Earlier changes are still there when you change the next token. Start each time from a fresh copy.",
        "influence-counts-rounding": "Differences of a size of 1e-13 are rounding, not influence. Compare with a tolerance, such as 1e-9.",
        "influence-misses-small": "A change of a thousandth was missed: your tolerance is too generous.",
        "influence-misses-zero-token": "A token of zeros seems to move nothing: multiplying it leaves it as it was. Add something instead.",
        # contributions
        "contributions-total": "You return the sum. Wanted are its parts, one for each head.",
        "contributions-not-projected": "These are the heads' contexts. What a head contributes has gone through its rows of W_O.",
        "contributions-equal-shares": "Every head gets an equal share of the output. They contribute quite different vectors.",
        "contributions-leave-one-out": "That is the output without the head. Its contribution is what would be missing.",
        "contributions-cumulative": "Each entry holds the heads before it too: these are running sums.",
        "contributions-same-rows": "All heads go through the same rows of W_O. Each head has its own.",
        "contributions-in-reverse": "Something stands in reverse order. Head 0 comes first, and owns the first rows of W_O.",
        "output-columns": "You take columns of W_O for a head. A head's features meet rows: W_O[h·d_head : (h+1)·d_head].",
        "output-every-nth": "You take every num_heads-th row of W_O. A head's rows are neighbours.",
        # roles
        "offset-looks-forward": "You follow keys that come after the query. Offset 2 means the key two places before it.",
        "offset-sums": "You add up a diagonal, and long diagonals win. Take the mean over the queries that have such a key.",
        "offset-of-key": "You name the key's place in the sequence. Wanted is how far back it lies: query minus key.",
        "offset-first-sentence": "You look at the first sentence only. Average over all of them.",
        "offset-counts-winners": "You count how often an offset has the largest weight. Wanted is its mean weight.",
        "offset-largest-weight": "You look for the largest single weight. One bright spot makes no role: take the mean of the diagonal.",
        "offset-last-query": "You look at the last query only. Average over all queries that have such a key.",
        "offset-farthest-left-out": "You leave out the largest offset, from the last token back to the first.",
        "offset-mean-distance": "You average distances. A head that looks half at offset 0 and half at 4 has no role at 2: take the mean "
        "weight of each offset, and then the largest.",
        "offset-returns-weight": "You return the largest mean weight. Asked for is where it stands: its offset.",
        "offset-never-itself": "You leave out offset 0. A head may look at the token itself.",
        "offset-negative": "Your offsets are negative: they count how far back, so query minus key.",
        "offset-one-off": "All offsets are off by one. Offset 0 is the token itself.",
        "offset-of-mean-head": "One number came back. Each head has its own offset: don't average over the heads.",
        # pruning
        "not-four": "Four arrays were expected, `return W_Q, W_K, W_V, W_O`; your function returns {returned}.",
        "pruned-the-kept": "You keep the heads that should go: True in `keep` means that the head stays.",
        "zeroed-not-removed": "The heads are set to zero, but are still there. Pruning makes the matrices smaller.",
        "pruned-first-heads": "You keep the first heads, as many as there are True. Keep the ones that are marked.",
        "pruned-mixes-columns": "Features are mixed in {which}: reshape only reads on, number by number. Keep d_model as the first axis: "
        "(d_model, heads, width).",
        "pruned-other-matrix": "In place of {which} another matrix comes back. The order is W_Q, W_K, W_V, W_O.",
        "columns-not-pruned": "{which} still has the columns of the heads that are gone.",
        "pruned-rows": "You cut rows of {which}. Its rows are the features of x; a head owns columns.",
        "output-not-pruned": "W_O still has the rows of the heads that are gone.",
        "output-columns-pruned": "You cut columns of W_O. A head owns rows there: what it writes still has d_model features.",
        "pruned-one-column-a-head": "A head owns d_head columns, not one.",
        "pruned-every-nth": "You keep every num_heads-th column. A head's columns are neighbours.",
        "value-width-from-keys": "W_V is cut as if a value were as wide as a key. Its heads have d_v columns each.",
    }
)  # fmt: skip


def same_array(got, expected, what, axes, suspects=None, when_wrong="different-values"):
    """`same_values`, where another shape that no suspect explains is named beside the right one."""
    explained = got.shape == expected.shape or probes.first_match(got, suspects or {})
    show = {"expected": expected, "got": got, "what": what}
    assert explained, mistake("array-shape", shape=got.shape, right=expected.shape, axes=axes, **show)
    same_values(got, expected, what, suspects, when_wrong)


def right_on_batch(got, expected, what):
    """Assert that an answer for a batch is right, after one sentence went well."""
    assert probes.close(got, expected), mistake("wrong-on-batch", expected=expected, got=got, what=what)


# ---------------------------------------------------------------------------------------------------------------------
# Split and merge
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "04.split_heads",
    title="Split: a slice of the features for each head",
    points=2,
    hints=[
        "Where must the cut go? Through each token's features. So let a reshape replace the last axis by two: heads, d_head.",
        "Now the axes are (…, seq_len, heads, d_head). The heads should come before the tokens: exchange these two axes.",
        "`x.reshape(*x.shape[:-1], num_heads, -1)`, then `np.swapaxes(…, -3, -2)`.",
    ],
)
def split_heads(candidate):
    axes = "(heads, seq_len, d_head)"
    for seed, seq_len, num_heads, d_head in ((1, 6, 3, 4), (2, 4, 2, 3)):
        x = draw(seed, seq_len, num_heads * d_head)
        got = call(candidate, x, num_heads)
        same_array(got, right_split(x, num_heads), "the heads' slices", axes, split_suspects(x, num_heads))
    batch = draw(3, 2, 3, 5, 8)
    right_on_batch(call_on_batch(candidate, batch, 4), right_split(batch, 4), "the heads' slices")


def split_suspects(x, num_heads):
    """What well-known mistakes give for the split of (seq_len, d_model)."""
    seq_len, d_model = x.shape
    d_head = d_model // num_heads
    slices = [x[:, head * num_heads : head * num_heads + d_head] for head in range(num_heads)]
    return {
        "split-mixes-tokens": x.reshape(num_heads, seq_len, d_head),
        "split-not-swapped": x.reshape(seq_len, num_heads, d_head),
        "split-every-nth": x.reshape(seq_len, d_head, num_heads).transpose(2, 0, 1),
        "split-slices-transposed": right_split(x, num_heads).swapaxes(-1, -2),
        "split-whole-copies": np.stack([x] * num_heads),
        "split-the-sequence": x.reshape(num_heads, seq_len // num_heads, d_model),
        "split-by-d_head": right_split(x, d_head),
        "split-same-slice": np.stack([x[:, :d_head]] * num_heads),
        "split-reversed": right_split(x, num_heads)[::-1],
        "split-wrong-start": [np.stack(starts) for starts in [slices] if {len(one[0]) for one in slices} == {d_head}],
    }


@checks(
    "04.merge_heads",
    title="Merge: the slices side by side again",
    points=1,
    hints=[
        "It undoes the split, step by step, the last step first.",
        "First exchange heads and seq_len, so that a token's slices lie side by side. Then one reshape joins the last two axes.",
        "`np.swapaxes(heads, -3, -2)`, then `.reshape(*leading, seq_len, num_heads * d_head)`; leading is heads.shape[:-3].",
    ],
)
def merge_heads(candidate):
    for seed, num_heads, seq_len, d_head in ((1, 3, 5, 4), (2, 2, 4, 3)):
        heads = draw(seed, num_heads, seq_len, d_head)
        suspects = {
            "merge-mixes-tokens": heads.reshape(seq_len, -1),
            "merge-every-nth": heads.transpose(1, 2, 0).reshape(seq_len, -1),
            "merge-adds": heads.sum(axis=0),
            "merge-averages": heads.mean(axis=0),
            "merge-stacks-tokens": heads.reshape(-1, d_head),
            "merge-reversed": right_merge(heads[::-1]),
            "merge-wrong-exchange": [turned.reshape(seq_len, -1) for turned in (heads.T, heads.swapaxes(-1, -2))],
        }
        got = call(candidate, heads)
        same_array(got, right_merge(heads), "the merged heads", "(seq_len, heads · d_head)", suspects)
    batch = draw(3, 2, 3, 4, 5, 6)
    right_on_batch(call_on_batch(candidate, batch), right_merge(batch), "the merged heads")


# ---------------------------------------------------------------------------------------------------------------------
# Two heads
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "04.two_heads",
    title="Two heads, one beside the other",
    points=3,
    hints=[
        "One head is self-attention as in lesson 03, with that head's own three matrices. Do it twice, with W_Q[0] … and W_Q[1] …",
        "Put the two contexts side by side, (seq_len, 2 · d_v), and multiply by W_O. Stack the two maps, (2, seq_len, seq_len).",
        "`np.concatenate([first, second], axis=-1) @ W_O` and `np.stack([first_weights, second_weights])`.",
    ],
)
def two_heads(candidate):
    for seed, d_model, d_k, d_v in ((1, 6, 2, 3), (2, 7, 4, 2)):
        x = draw(seed, 5, d_model)
        W_Q, W_K = draw(seed + 10, 2, d_model, d_k) / 2, draw(seed + 20, 2, d_model, d_k) / 2
        W_V, W_O = draw(seed + 30, 2, d_model, d_v) / 2, draw(seed + 40, 2 * d_v, d_model)
        queries, keys, values = x @ W_Q, x @ W_K, x @ W_V  # (2, seq_len, …)
        contexts, weights = scaled_dot_product_attention(queries, keys, values)
        merged = right_merge(contexts)
        got = call(candidate, x, W_Q, W_K, W_V, W_O)
        got_context, got_weights = pair_of(got, merged @ W_O, weights, {"no-output-projection": merged})

        crossed = softmax(scaled_dot_scores(queries, keys[::-1]))
        chained = x
        chain = []
        for head in range(2):  # each head reads what the one before it gave, where the sizes allow it
            if chained.shape[-1] == d_model:
                mixed, map_of_head = scaled_dot_product_attention(
                    chained @ W_Q[head], chained @ W_K[head], chained @ W_V[head]
                )
                chain.append(map_of_head)
                chained = mixed @ W_O[head * d_v : (head + 1) * d_v]
        suspects = {
            "same-head-twice": [weights[[0, 0]], weights[[1, 1]]],
            "heads-cross-over": [
                crossed,
                *(softmax(scaled_dot_scores(queries, keys[[head, head]])) for head in range(2)),
                *(softmax(scaled_dot_scores(queries[[head, head]], keys)) for head in range(2)),
            ],
            "maps-swapped": weights[::-1],
            "heads-in-a-chain": np.stack(chain),
            "projections-swapped": softmax(scaled_dot_scores(keys, queries)),
            "no-projection": softmax(scaled_dot_scores(np.stack([x, x]), np.stack([x, x]))),
        }
        heads_right(got_weights, queries, keys, suspects, {"scaled-by-d_model": 1 / np.sqrt(d_model)})
        rows = W_O[:d_v], W_O[d_v:]
        suspects = {
            "no-output-projection": merged,
            "heads-swapped": right_merge(contexts[::-1]) @ W_O,
            "heads-added": [contexts.sum(axis=0) @ part for part in rows],
            "heads-averaged": [contexts.mean(axis=0) @ part for part in rows],
            "head-left-out": [contexts[head] @ rows[head] for head in range(2)],
            "values-cross-over": right_merge(weights @ values[::-1]) @ W_O,
            "residual-too-early": x + merged @ W_O,
            "same-head-twice": [right_merge(contexts[[0, 0]]) @ W_O, right_merge(contexts[[1, 1]]) @ W_O],
            "values-of-one-head": [right_merge(weights @ values[[head, head]]) @ W_O for head in range(2)],
            "contributions-averaged": merged @ W_O / 2,
            "merge-mixes-tokens": contexts.reshape(5, -1) @ W_O,
            "merge-every-nth": contexts.transpose(1, 2, 0).reshape(5, -1) @ W_O,
            "output-transposed": merged @ W_O.T if W_O.shape[0] == W_O.shape[1] else [],
        }
        same_values(got_context, merged @ W_O, "context", suspects)


def pair_of(got, context, weights, suspects_of_shape=None):
    """Assert that an answer is (context, weights) in shape, naming what it is instead; give it back.

    Args:
        got: what the learner's function returned.
        context, weights: the right arrays.
        suspects_of_shape: dict of diagnosis to what a mistake gives for the context, in a shape of its own.
    """
    first, second = two_arrays(got, context, weights)
    show = {"expected": context, "got": first, "what": "context"}
    found = probes.first_match(first, suspects_of_shape or {})
    assert found is None, mistake(found, **show)
    axes = "(…, queries, d_model)"
    assert first.shape == context.shape, mistake(
        "array-shape", shape=first.shape, right=context.shape, axes=axes, **show
    )
    show = {"expected": weights, "got": second, "what": "weights"}
    assert not probes.close(second, weights.mean(axis=-3)), mistake("weights-averaged", **show)
    axes = "(…, heads, queries, keys)"
    assert second.shape == weights.shape, mistake(
        "array-shape", shape=second.shape, right=weights.shape, axes=axes, **show
    )
    return first, second


def heads_right(weights, queries, keys, suspects, suspects_of_scale):
    """Assert that weights (heads, queries, keys) are those of each head, without a mask."""
    expected = softmax(scaled_dot_scores(queries, keys))
    over_heads = probes.sums_to_one(weights, axis=0) and not probes.sums_to_one(weights)
    assert not over_heads, mistake("softmax-over-heads", expected=expected, got=weights, what="weights")
    are_distributions(weights, expected)
    found = None if probes.close(weights, expected) else probes.first_match(weights, suspects)
    assert found is None, mistake(found, expected=expected, got=weights, what="weights")
    d_k = keys.shape[-1]
    scales = {"not-scaled": 1.0, "scaled-by-d_k": 1 / d_k, "scale-multiplied": np.sqrt(d_k)} | suspects_of_scale
    for head in range(len(weights)):
        scaled_right(weights[head], queries[head], keys[head], scales)
    same_values(weights, expected, "weights")


# ---------------------------------------------------------------------------------------------------------------------
# Find the bug
# ---------------------------------------------------------------------------------------------------------------------


def colleagues_attention(x, W_Q, W_K, W_V, W_O, num_heads):
    """A colleague's causal multi-head attention. All her tests pass."""
    seq_len, d_model = x.shape
    shape = (num_heads, seq_len, d_model // num_heads)
    queries, keys, values = ((x @ W).reshape(shape) for W in (W_Q, W_K, W_V))
    context, weights = scaled_dot_product_attention(queries, keys, values, causal_mask(seq_len))
    return context.swapaxes(0, 1).reshape(seq_len, d_model) @ W_O, weights


@reference(
    "04.influence",
    title="Find the bug: which token moves which output?",
    points=2,
    hints=[
        "Keep the output of the sentence as it is. Then change one token, call `attend` again, and see which rows are no longer the same.",
        "One change gives one column of the table. Start each time from a fresh copy, and add random numbers, another for each feature: "
        "a norm takes away what is the same for all of them, and twice zero is zero.",
        "Whatever axes a row of the output has, one number that moves is enough: `np.abs(after - before).reshape(len(x), -1).max(axis=-1) "
        "> 1e-9` is column j, where `after` is `attend` of a copy with `changed[j] += rng.normal(size=x.shape[1])`.",
    ],
    returns="table",
)
def influence(attend, x):
    return table_of_influence(attend, x)


cases("04.influence")(influence_cases)
influence_mistakes("04.influence")


# ---------------------------------------------------------------------------------------------------------------------
# All heads at once
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "04.multi_head_attention",
    title="Repair it: multi-head attention",
    points=4,
    hints=[
        "Project, split, attend, merge, mix. You have written split and merge; attention treats the heads' axis like a batch.",
        "`split_heads(x @ W_Q, num_heads)` and so on give (…, heads, seq_len, d_head). A mask (batch, queries, keys) knows nothing of "
        "heads: give it an axis of length 1 before the queries.",
        "`context, weights = scaled_dot_product_attention(queries, keys, values, mask)`, then "
        "`merge_heads(context) @ W_O`; before it, where mask has three axes, `mask = mask[:, None]`.",
    ],
)
def multi_head_attention(candidate):
    num_heads, seq_len, d_model = 3, 5, 12
    x = draw(1, seq_len, d_model)
    W_Q, W_K, W_V, W_O = (draw(seed, d_model, d_model) / 3 for seed in (2, 3, 4, 5))
    matrices = W_Q, W_K, W_V, W_O
    context, weights = right_multi_head(x, x, x, *matrices, num_heads)
    unmixed = right_multi_head(x, x, x, W_Q, W_K, W_V, np.eye(d_model), num_heads)[0]
    got = call(candidate, x, *matrices, num_heads)
    single = right_multi_head(x, x, x, *matrices, 1)
    if isinstance(got, tuple) and len(got) == 2:
        show = {"expected": weights, "got": got[1], "what": "weights"}
        assert not any(probes.close(got[1], one) for one in (single[1], single[1][0])), mistake("never-split", **show)
    got_context, got_weights = pair_of(got, context, weights)

    queries, keys = right_split(x @ W_Q, num_heads), right_split(x @ W_K, num_heads)
    scales = {"scaled-by-d_model": 1 / np.sqrt(d_model)}
    heads_right(got_weights, queries, keys, multi_head_suspects(x, W_Q, W_K, num_heads), scales)
    contexts = right_split(unmixed, num_heads)
    suspects = {
        "no-output-projection": unmixed,
        "merge-mixes-tokens": contexts.reshape(seq_len, d_model) @ W_O,
        "merge-every-nth": contexts.transpose(1, 2, 0).reshape(seq_len, d_model) @ W_O,
        "output-transposed": unmixed @ W_O.T,
        "heads-swapped": right_merge(contexts[::-1]) @ W_O,
        "contributions-averaged": context / num_heads,
        "residual-too-early": x + context,
        "values-from-other-matrix": [
            right_multi_head(x, x, x, W_Q, W_K, other, W_O, num_heads)[0] for other in (W_Q, W_K)
        ],
        "matrices-transposed": right_multi_head(x, x, x, W_Q, W_K, W_V.T, W_O, num_heads)[0],
    }
    same_values(got_context, context, "context", suspects)

    mask = causal_mask(seq_len)
    got_context, got_weights = pair_of(call(candidate, x, *matrices, num_heads, mask), context, weights)
    masked_right(got_weights, scaled_dot_scores(queries, keys), mask)
    same_values(got_context, right_multi_head(x, x, x, *matrices, num_heads, mask)[0], "context under a mask")

    batch = draw(
        6, num_heads, seq_len, d_model
    )  # as many sentences as heads: a mask that meets the heads raises nothing
    expected = right_multi_head(batch, batch, batch, *matrices, num_heads)
    got = pair_of(call_on_batch(candidate, batch, *matrices, num_heads), *expected)
    for mine, right, what in zip(got, expected, ("context", "weights"), strict=True):
        right_on_batch(mine, right, what)
    real = np.arange(seq_len) < np.array([2, 4, 5])[:, None]
    for mask in (real[:, None, :], real[:, None, :] & causal_mask(seq_len)):
        expected = right_multi_head(batch, batch, batch, *matrices, num_heads, mask)
        got = pair_of(call_on_batch(candidate, batch, *matrices, num_heads, mask), *expected)
        queries, keys = right_split(batch @ W_Q, num_heads), right_split(batch @ W_K, num_heads)
        suspects = {"mask-meets-heads": softmax(scaled_dot_scores(queries, keys), mask=mask)}
        same_values(got[1], expected[1], "weights under a mask for each sentence", suspects, "wrong-on-batch")
        same_values(got[0], expected[0], "context under a mask for each sentence", when_wrong="wrong-on-batch")


def multi_head_suspects(x, W_Q, W_K, num_heads):
    """What well-known mistakes give for the weights of (seq_len, d_model) in several heads."""

    def weights(split, mask=None):
        return softmax(scaled_dot_scores(split(x @ W_Q), split(x @ W_K)), mask=mask)

    def in_pieces(projected):
        return projected.reshape(num_heads, seq_len, d_head)

    seq_len, d_model = x.shape
    d_head = d_model // num_heads
    slices = right_split(x, num_heads)
    blocks = [slice(head * d_head, (head + 1) * d_head) for head in range(num_heads)]
    own_queries, own_keys = (
        np.stack([slices[head] @ W[block, block] for head, block in enumerate(blocks)]) for W in (W_Q, W_K)
    )
    return {
        "split-mixes-tokens": [weights(in_pieces), weights(in_pieces, causal_mask(seq_len))],  # hers is causal
        "causal-without-a-mask": weights(lambda projected: right_split(projected, num_heads), causal_mask(seq_len)),
        "split-every-nth": weights(lambda projected: projected.reshape(seq_len, d_head, num_heads).transpose(2, 0, 1)),
        "slices-not-projected": softmax(scaled_dot_scores(slices, slices)),
        "split-before-projection": softmax(scaled_dot_scores(own_queries, own_keys)),
        "matrices-transposed": softmax(
            scaled_dot_scores(right_split(x @ W_Q.T, num_heads), right_split(x @ W_K.T, num_heads))
        ),
        "keys-from-queries": [softmax(scaled_dot_scores(*[right_split(x @ W, num_heads)] * 2)) for W in (W_Q, W_K)],
        "projections-swapped": softmax(
            scaled_dot_scores(right_split(x @ W_K, num_heads), right_split(x @ W_Q, num_heads))
        ),
    }


@checks(
    "04.head_contributions",
    title="What each head adds to the output",
    points=2,
    hints=[
        "Side by side times W_O is a sum: each head meets its own rows of W_O, and the results add up.",
        "Head h owns the rows h·d_head to (h+1)·d_head. Split them off with one reshape: (heads, d_head, d_model).",
        "`W_O.reshape(num_heads, -1, W_O.shape[-1])`, and the heads' contexts (heads, seq_len, d_head) times it.",
    ],
)
def head_contributions(candidate):
    for seed, num_heads, d_head, d_model in ((1, 3, 4, 12), (2, 4, 2, 8)):
        x = draw(seed, 5, d_model)
        matrices = [draw(seed + shift, d_model, d_model) / 3 for shift in (10, 20, 30, 40)]
        W_O = matrices[-1]
        total = right_multi_head(x, x, x, *matrices, num_heads=num_heads)[0]
        unmixed = right_multi_head(x, x, x, *[*matrices[:3], np.eye(d_model)], num_heads=num_heads)[0]
        contexts = right_split(unmixed, num_heads)
        projected = [x @ W for W in matrices[:3]]
        values = projected[2]
        queries, keys = (right_split(one, num_heads) for one in projected[:2])
        pieces = scaled_dot_product_attention(*(one.reshape(num_heads, 5, d_head) for one in projected))[0]
        rows = W_O.reshape(num_heads, d_head, d_model)
        expected = contexts @ rows  # (heads, seq_len, d_model)
        causal = scaled_dot_product_attention(queries, keys, right_split(values, num_heads), causal_mask(5))[0]
        contexts_in_place = contexts @ np.eye(d_model).reshape(num_heads, d_head, d_model)
        suspects = {
            "contributions-total": total,
            "contributions-not-projected": [contexts, contexts_in_place],
            "contributions-averaged": expected / num_heads,
            "residual-too-early": x + expected,
            "causal-without-a-mask": causal @ rows,
            "contributions-equal-shares": np.stack([total / num_heads] * num_heads),
            "contributions-leave-one-out": total - expected,
            "contributions-cumulative": np.cumsum(expected, axis=0),
            "contributions-same-rows": [contexts @ rows[0], contexts @ rows[-1]],
            "contributions-in-reverse": [expected[::-1], contexts @ rows[::-1]],
            "output-columns": contexts @ W_O.T.reshape(num_heads, d_head, d_model),
            "output-every-nth": contexts @ W_O.reshape(d_head, num_heads, d_model).swapaxes(0, 1),
            "split-mixes-tokens": pieces @ rows,
            "not-scaled": softmax(np.sqrt(d_head) * scaled_dot_scores(queries, keys))
            @ right_split(values, num_heads)
            @ rows,
        }
        got = call(candidate, x, *matrices, num_heads)
        same_array(got, expected, "contributions of the heads", "(heads, seq_len, d_model)", suspects)


# ---------------------------------------------------------------------------------------------------------------------
# Roles, and pruning
# ---------------------------------------------------------------------------------------------------------------------


def given_model(seed=0):
    """A model for the exercises: one layer of six heads that recalls tokens from a few places back.

    It was built by hand, not trained, and noise hides its seams. A token is one of 16 kinds, written as four signs; the
    output of a token holds the signs of those 1, 2, 3 and 5 places back.

    Args:
        seed: of the noise.

    Returns:
        (W_Q, W_K, W_V, W_O, num_heads): each matrix (24, 24).
    """
    num_heads, d_head, d_model, slots = 6, 4, 24, (1, 2, 3, 5)
    reads = [(3, 1.0), (1, 0.6), (None, 0.0), (5, 1.0), (2, 1.0), (1, 0.4)]  # offset, and strength of what it writes
    W_Q, W_K, W_V = np.zeros((3, d_model, d_model))
    W_O = np.zeros((d_model, d_model))
    for head, (offset, strength) in enumerate(reads):
        own = slice(head * d_head, (head + 1) * d_head)
        W_V[:16, own] = kinds_as_signs()
        if offset is None:
            continue  # asks nothing, and writes nothing
        for pair, frequency in enumerate(FREQUENCIES):
            cos, sin = np.cos(frequency * offset), np.sin(frequency * offset)
            places = slice(16 + 2 * pair, 18 + 2 * pair)
            columns = slice(own.start + 2 * pair, own.start + 2 * pair + 2)
            W_Q[places, columns] = 12 * np.array([[cos, -sin], [sin, cos]])  # turned back by the offset
            W_K[places, columns] = np.eye(2)
        slot = slots.index(offset) * d_head
        W_O[own, slot : slot + d_head] = strength * np.eye(d_head)
    noise = np.random.default_rng(seed)
    noisy = [W + 0.02 * noise.standard_normal(W.shape) for W in (W_Q, W_K, W_V, W_O)]
    return *noisy, num_heads


def sentences_for_given_model(num_sentences, seq_len=12, seed=1):
    """Random sentences for the given model.

    Returns:
        x: (sentences, seq_len, 24), kinds and places of the tokens.
        targets: (sentences, seq_len, 16), the signs that the output should have; 0 where there is no such token.
    """
    kinds = np.random.default_rng(seed).integers(16, size=(num_sentences, seq_len))
    angles = np.arange(seq_len)[:, None] * np.array(FREQUENCIES)  # (seq_len, pairs)
    places = np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(seq_len, -1)
    rest = np.zeros((num_sentences, seq_len, 4))
    x = np.concatenate([np.eye(16)[kinds], np.broadcast_to(places, (num_sentences, *places.shape)), rest], axis=-1)
    targets = np.zeros((num_sentences, seq_len, 16))
    for slot, offset in enumerate((1, 2, 3, 5)):
        targets[:, offset:, 4 * slot : 4 * slot + 4] = kinds_as_signs()[kinds[:, :-offset]]
    return x, targets


FREQUENCIES = (2 * np.pi / 14, 6 * np.pi / 14)  # of the two clocks that tell the given model's places apart


def kinds_as_signs():
    """The 16 kinds of tokens as four signs each: (16, 4), every number 1 or -1."""
    return 2.0 * (np.arange(16)[:, None] >> np.arange(4) & 1) - 1


@checks(
    "04.head_offsets",
    title="The role of each head",
    points=2,
    hints=[
        "All keys that lie d places before their query stand on one diagonal of the map. Which diagonal is the brightest, on average?",
        "`np.diagonal(weights, -d, axis1=-2, axis2=-1)` gives it for all sentences and heads. Mean over the queries, then over the sentences.",
        "Collect the means for d = 0 … keys-1 in a table (heads, offsets), and take `argmax` along the offsets.",
    ],
)
def head_offsets(candidate):
    for weights, expected in (clear_roles(), difficult_roles(), one_bright_spot(), roles_at_the_edge()):
        got = call(candidate, weights)
        same_array(got, expected, "offset of each head", "one number for each head", offset_suspects(weights, expected))


def clear_roles():
    """Maps of three sentences and four heads, each with a bright diagonal; and the offsets."""
    offsets = np.array([2, 0, 4, 1])
    scores = draw(1, 3, 4, 7, 7)
    for head, offset in enumerate(offsets):
        scores[:, head, np.arange(offset, 7), np.arange(7 - offset)] += 4
    return softmax(scores), offsets


def difficult_roles():
    """Maps in which sums, winners, or the first sentence alone would give another answer than the mean weight."""
    size = 8
    maps = np.zeros((4, 3, size, size))
    for query in range(size):
        maps[:, 0, query, query] = 0.4 if query < 5 else 0.25  # eight middling weights on one diagonal …
        maps[:, 1, query, query] = 0.0 if query >= 2 else 0.3
        maps[:, 2, query, query] = 0.1
        if query >= 5:
            maps[:, 0, query, query - 5] = 0.7  # … against three high ones on another
        if query >= 2:
            maps[:, 1, query, query - 2] = 0.3 if query <= 5 else 0.9  # higher on average …
            maps[:, 1, query, query - 1] = 0.4 if query <= 5 else 0.0  # … but this one wins more often
        if query >= 1:
            maps[1:, 2, query, query - 1] = 0.8
        if query >= 3:
            maps[0, 2, query, query - 3] = 0.8
    rest = 1 - maps.sum(axis=-1, keepdims=True)
    return maps + rest / size, np.array([5, 2, 1])


def one_bright_spot():
    """Maps of two heads in which the largest weight lies off the diagonal that is the brightest on average."""
    size, offsets = 7, np.array([1, 0])
    maps = np.zeros((2, 2, size, size))
    for head, (offset, weight, bright) in enumerate(((1, 0.5, (5, 2)), (0, 0.4, (4, 2)))):
        for query in range(offset, size):
            maps[:, head, query, query - offset] = weight
        maps[:, head, bright[0]] = 0
        maps[(slice(None), head, *bright)] = 0.9
    rest = 1 - maps.sum(axis=-1, keepdims=True)
    return maps + rest / size, offsets


def roles_at_the_edge():
    """Maps of two heads: one looks from the last token to the first, in the other the last token is an exception."""
    maps = np.zeros((2, 2, 5, 5))
    for query in range(1, 4):
        maps[:, 0, query, query - 1] = 0.5
        maps[:, 1, query, query - 1] = 0.6
    maps[:, 0, 4, 0], maps[:, 1, 4, 1] = 0.9, 0.7
    rest = 1 - maps.sum(axis=-1, keepdims=True)
    return maps + rest / 5, np.array([4, 1])


def offset_suspects(weights, expected):
    """What well-known mistakes give for the offsets of (sentences, heads, queries, keys)."""
    size = weights.shape[-1]

    def diagonals(maps, combine, first=0):
        found = [
            combine(np.diagonal(maps, -offset, axis1=-2, axis2=-1), axis=-1).mean(axis=0)
            for offset in range(first, size)
        ]
        return np.argmax(found, axis=0)

    winners = np.arange(size)[:, None] - weights.argmax(axis=-1).swapaxes(-1, -2)  # (sentences, queries, heads)
    counts = [[(winners[..., head] == offset).sum() for offset in range(size)] for head in range(weights.shape[1])]
    table = np.array([np.diagonal(weights, -offset, axis1=-2, axis2=-1).mean(axis=(0, 2)) for offset in range(size)])
    places = np.arange(size)
    distances = [
        ((places[:, None] - places) * weights).sum(axis=-1).mean(axis=(0, 2)),
        winners.mean(axis=(0, 1)),
    ]
    in_mean_map = [np.bincount((places - of_head.argmax(axis=-1)).clip(0)).argmax() for of_head in weights.mean(axis=0)]
    suspects = {
        "offset-last-query": size - 1 - weights[:, :, -1].mean(axis=0).argmax(axis=-1),
        "offset-farthest-left-out": table[:-1].argmax(axis=0),
        "offset-returns-weight": table.max(axis=0),
        "offset-mean-distance": [turn(one) for one in distances for turn in (np.round, np.floor, np.array)],
        "offset-looks-forward": diagonals(weights.swapaxes(-1, -2), np.mean),
        "offset-sums": diagonals(weights, np.sum),
        "offset-of-key": weights.mean(axis=(0, 2)).argmax(axis=-1),
        "offset-first-sentence": diagonals(weights[:1], np.mean),
        "offset-counts-winners": [np.argmax(counts, axis=1), np.array(in_mean_map)],
        "offset-largest-weight": [
            diagonals(weights.mean(axis=0, keepdims=True), np.max),
            diagonals(weights, np.max),
        ],
        "offset-never-itself": 1 + diagonals(weights, np.mean, first=1),
        "offset-negative": -expected,
        "offset-one-off": [expected + 1, expected - 1],
        "offset-of-mean-head": diagonals(weights.mean(axis=1, keepdims=True), np.mean)[0],
    }
    different = {}
    for name, wrong in suspects.items():
        kept = [one for one in (wrong if isinstance(wrong, list) else [wrong]) if not np.array_equal(one, expected)]
        different[name] = kept
    return different


@checks(
    "04.prune_heads",
    title="Prune: take heads out for good",
    points=2,
    hints=[
        "Which columns of W_Q, W_K and W_V belong to head h? And what of W_O?",
        "Give the heads an axis of their own, (d_model, heads, d_k), pick along it with `keep`, and join the axes again.",
        "`W_Q.reshape(len(W_Q), num_heads, -1)[:, keep].reshape(len(W_Q), -1)`; for W_O the same along its rows.",
    ],
)
def prune_heads(candidate):
    num_heads, d_k, d_v, d_model = 4, 2, 3, 7
    W_Q, W_K = draw(1, d_model, num_heads * d_k), draw(2, d_model, num_heads * d_k)
    W_V, W_O = draw(3, d_model, num_heads * d_v), draw(4, num_heads * d_v, d_model)
    for keep in ([True, False, True, True], [False, True, False, False], [True] * 4):
        keep = np.array(keep)
        got = call(candidate, W_Q, W_K, W_V, W_O, num_heads, keep)
        several = isinstance(got, tuple)
        assert several and len(got) == 4, mistake("not-four", returned=f"{len(got)} arrays" if several else "one array")
        for name, mine, W in zip(("W_Q", "W_K", "W_V"), got, (W_Q, W_K, W_V), strict=False):
            suspects = {diagnosis: wrong for diagnosis, wrong in prune_suspects(W, num_heads, keep).items()}
            suspects["pruned-other-matrix"] = [columns_of(other, num_heads, keep) for other in (W_Q, W_K, W_V)]
            if name == "W_V":
                suspects["value-width-from-keys"] = W[:, np.repeat(keep, d_k).nonzero()[0]]
            expected = columns_of(W, num_heads, keep)
            suspects = {} if probes.close(mine, expected) else suspects
            found = probes.first_match(mine, suspects)
            assert found is None, mistake(found, which=name, expected=expected, got=mine, what=name)
            same_array(mine, expected, name, "(d_model, kept heads · width of a head)")
        expected, mine = columns_of(W_O.T, num_heads, keep).T, got[3]
        turned = prune_suspects(W_O.T, num_heads, keep)
        suspects = {
            "output-not-pruned": W_O,
            "zeroed-not-removed": turned["zeroed-not-removed"].T,
            "pruned-the-kept": turned["pruned-the-kept"].T,
            "output-every-nth": turned["pruned-every-nth"].T,
            "output-columns-pruned": [W_O[:, : expected.shape[0]], *columns_cut(W_O, keep, d_k, d_v)],
        }
        suspects = {} if probes.close(mine, expected) else suspects
        same_array(mine, expected, "W_O", "(kept heads · d_v, d_model)", suspects)


def columns_of(W, num_heads, keep):
    """The columns of the heads that stay."""
    return W.reshape(len(W), num_heads, -1)[:, keep].reshape(len(W), -1)


def columns_cut(W_O, keep, d_k, d_v):
    """W_O with columns taken out as if they were a head's, as far as there are so many."""
    marked = (np.repeat(keep, width).nonzero()[0] for width in (d_k, d_v))
    return [W_O[:, [column for column in columns if column < W_O.shape[1]]] for columns in marked]


def prune_suspects(W, num_heads, keep):
    """What well-known mistakes give for the columns that stay."""
    width = W.shape[1] // num_heads
    mask = np.repeat(keep, width)
    rows = [row for row in np.flatnonzero(mask) if row < len(W)]
    return {
        "pruned-the-kept": columns_of(W, num_heads, ~keep),
        "zeroed-not-removed": W * mask,
        "pruned-first-heads": W[:, : int(keep.sum()) * width],
        "pruned-rows": W[rows],
        "pruned-one-column-a-head": W[:, np.flatnonzero(keep)],
        "pruned-every-nth": W.reshape(len(W), width, num_heads)[:, :, keep].reshape(len(W), -1),
        "pruned-mixes-columns": [
            split[keep].reshape(len(W), -1) for split in (W.reshape(num_heads, len(W), -1), right_split(W, num_heads))
        ],
        "columns-not-pruned": W,
    }
