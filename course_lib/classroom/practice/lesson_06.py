"""Lesson 06, the Transformer's architecture: what is right, and each mistake with its sentence, in the order of its exercises.

Sublayers and norms are given to the learner's functions as functions, so that the wiring alone is judged.
"""

import numpy as np

from course_lib.attention import scaled_dot_product_attention
from course_lib.classroom.practice import answers
from course_lib.classroom.practice.catalogue import Case, cases, holds, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import judged, reference
from course_lib.classroom.practice.facts import count_of
from course_lib.classroom.practice.judging import require
from course_lib.classroom.practice.slips import blocks
from course_lib.classroom.practice.slips.attention import below, highest, up_to_itself
from course_lib.classroom.practice.slips.blocks import post_norm, pre_norm, what_is_predicted, what_is_read
from course_lib.classroom.practice.slips.influence import influence_cases, influence_mistakes, table_of_influence
from course_lib.classroom.practice.slips.sizes import attention_size, map_size, network_size, norm_size, number_mistakes
from course_lib.classroom.practice.steps import everywhere, step
from course_lib.classroom.practice.trial import call

BATCH, SEQ_LEN, D_MODEL, D_FF, SOURCE_LEN = 2, 5, 6, 11, 7

# ----------------------------------------------------------------------------------------------------------------------
# Layer norm
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "06.layer_norm",
    title="Layer norm: each token by itself",
    points=2,
    hints=[
        "Four steps: subtract the mean, divide by the spread, multiply by the gain, add the bias. Over which axis?",
        "`x.mean(axis=-1, keepdims=True)` is one mean per token. The variance is the mean of the squared deviations.",
        "`gain * (x - mean) / np.sqrt(variance + eps) + bias`, with `variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)`.",
    ],
    returns="normed tokens",
)
def layer_norm(x, gain, bias, eps=1e-5):
    return blocks.layer_norm(x, gain, bias, eps)


@cases("06.layer_norm")
def layer_norm_cases():
    gain, bias = draw(1, D_MODEL) / 4 + 2, draw(2, D_MODEL)
    yield Case("two tokens of three features", draw(3, 2, 3).round(1), np.array([2.0, 0.5, -1.0]),
        np.array([0.0, 1.0, 3.0]), 1e-5)  # fmt: skip
    yield Case("as many tokens as features", 3 * draw(4, D_MODEL, D_MODEL) + 1, gain, bias, 1e-7)
    yield Case("a token whose numbers are all alike", np.vstack([np.full(D_MODEL, 3.0), draw(5, D_MODEL)]), gain, bias,
        1e-5)  # fmt: skip
    sizes = np.array([[1e-4], [1e-3], [1e-2], [0.05], [0.2]])
    yield Case("faint tokens, where eps counts", sizes * draw(6, len(sizes), D_MODEL), gain, bias, 2e-3)
    yield Case("the default eps, and tokens so faint that it counts", 1e-3 * draw(7, SEQ_LEN, D_MODEL) + 0.01, gain,
        bias)  # fmt: skip
    yield Case("a batch", 2 * draw(8, BATCH, SEQ_LEN, D_MODEL) - 1, gain, bias, 1e-5)
    yield Case("one token alone, without other axes", draw(9, D_MODEL), gain, bias, 1e-5, edge=True)


LAYER_NORM = "06.layer_norm"
TWO_AXES = (
    "Right for one sentence, not on a batch or for one token alone: something in it counts on exactly two axes. The features "
    "are the last axis, whatever comes before it."
)


def with_two_axes(function):
    """A function of x that looks at exactly two axes of it."""

    def wrong(x, *rest):
        rows, features = x.shape
        return function(x.reshape(rows, features), *rest)

    return wrong


def of_the_first(function):
    """A function of x that on a batch gives the result of the first sentence to all."""

    def wrong(x, *rest):
        result = function(x, *rest)
        return result if x.ndim < 3 else np.broadcast_to(result[0], result.shape)

    return wrong


of_x = lambda x, gain, bias, eps=1e-5: layer_norm(x, gain, bias, eps)  # noqa: E731
of_all_of = lambda row, gain, bias, eps: gain * (row - row.mean()) / np.sqrt(row.var() + eps) + bias  # noqa: E731


@mistake(LAYER_NORM, "two-axes-only", TWO_AXES)
def each_row_into_zeros(x, gain, bias, eps=1e-5):
    result = np.zeros_like(x)
    for i in range(len(x)):
        result[i] = of_all_of(x[i], gain, bias, eps)
    return result


mistake(LAYER_NORM, "two-axes-only", None, with_two_axes(of_x),
        lambda x, gain, bias, eps=1e-5: np.array([of_all_of(row, gain, bias, eps) for row in x]),
        lambda x, gain, bias, eps=1e-5: gain * (x - x.mean(-1)[:, None]) / np.sqrt(x.var(-1)[:, None] + eps) + bias)  # fmt: skip
mistake(LAYER_NORM, "batch-first-only", None, of_the_first(of_x))
mistake(LAYER_NORM, "norm-plain", "The tokens have mean 0 and spread 1, and that is all: gain and bias have no part in it.",
        lambda x, gain, bias, eps=1e-5: blocks.plain_norm(x, eps))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The residual
# ----------------------------------------------------------------------------------------------------------------------


def given(function):
    """A function among the inputs: errors call it by its plain name."""
    function.__qualname__ = function.__name__
    return function


def a_network(seed, d_model):
    """A function of tokens that is not linear, another one for each seed."""
    W, b = draw(seed, d_model, d_model), draw(seed + 100, d_model) / 2

    @given
    def network(x):
        """a network: each token by itself, to 2 tanh(x W + b)"""
        return 2 * np.tanh(x @ W + b)

    return network


def a_norm(seed, d_model):
    """A layer norm with a gain and a bias of its own; its eps is so large that a factor on what is normed shows."""
    gain, bias = draw(seed, d_model) / 4 + 1.5, draw(seed + 100, d_model)

    @given
    def norm(x):
        """a layer norm, with a gain and a bias of its own"""
        return gain * blocks.plain_norm(x, 0.1) + bias

    return norm


@reference(
    "06.residual",
    title="The residual, in both orders",
    points=2,
    hints=[
        "Both orders add x itself. They differ in where the norm stands.",
        "Post-norm norms the sum. Pre-norm norms only what the sublayer reads; the x that is added stays as it is.",
        "`norm(x + sublayer(x))` and `x + sublayer(norm(x))`.",
    ],
    returns="result",
)
def residual(x, sublayer, norm, norm_first):
    if norm_first:
        return pre_norm(x, sublayer, norm, at="with norm_first=True")
    return post_norm(x, sublayer, norm, at="with norm_first=False")


@cases("06.residual")
def residual_cases():
    for norm_first, order in ((False, "post-norm"), (True, "pre-norm")):
        small = draw(1, 2, 3).round(1), a_network(2, 3), a_norm(3, 3)
        yield Case(f"two tokens in {order}", *small, norm_first)
        larger = a_network(4, D_MODEL), a_norm(5, D_MODEL)
        yield Case(f"as many tokens as features in {order}", draw(6, D_MODEL, D_MODEL), *larger, norm_first)
        yield Case(f"a batch in {order}", draw(7, BATCH, SEQ_LEN, D_MODEL), *larger, norm_first)


RESIDUAL = "06.residual"


def in_both(post, pre=None):
    """A residual of other orders; one alone stands for both."""
    return lambda x, f, norm, norm_first: (pre if pre and norm_first else post)(x, f, norm)


mistake(RESIDUAL, "residual-always-post", "norm_first changes nothing: the norm comes after the addition in both cases.",
        in_both(post_norm))  # fmt: skip
mistake(RESIDUAL, "residual-always-pre", "norm_first changes nothing: the norm comes before the sublayer in both cases.",
        in_both(pre_norm))  # fmt: skip
mistake(RESIDUAL, "residual-flag-inverted", "The two orders are exchanged: norm_first=True means that the norm comes before the sublayer.",
        in_both(pre_norm, post_norm))  # fmt: skip
mistake(RESIDUAL, "residual-both-orders", "For one value of norm_first you go through both orders, one after the other. "
    "The first gives the result.", in_both(lambda x, f, norm: pre_norm(post_norm(x, f, norm), f, norm), pre_norm),
    in_both(post_norm, lambda x, f, norm: post_norm(pre_norm(x, f, norm), f, norm)))  # fmt: skip
mistake(RESIDUAL, "residual-missing", None, in_both(lambda x, f, norm: norm(f(x)), lambda x, f, norm: f(norm(x))),
        in_both(lambda x, f, norm: f(norm(x)), lambda x, f, norm: norm(f(x))))  # fmt: skip
mistake(RESIDUAL, "sublayer-lost", None, in_both(lambda x, f, norm: norm(x), lambda x, f, norm: x),
        in_both(lambda x, f, norm: norm(x + x), lambda x, f, norm: x + norm(x)))  # fmt: skip
mistake(RESIDUAL, "residual-added-twice", None,
        in_both(lambda x, f, norm: norm(x + x + f(x)), lambda x, f, norm: x + x + f(norm(x))))  # fmt: skip
mistake(RESIDUAL, "residual-not-a-sum", None,
        *(in_both(lambda x, f, norm, put=put: norm(put(x, f(x))), lambda x, f, norm, put=put: put(x, f(norm(x))))
          for put in (np.subtract, np.multiply, lambda x, y: y - x, lambda x, y: (x + y) / 2)))  # fmt: skip
for slip in post_norm.slips[1:]:
    mistake(RESIDUAL, slip.diagnosis, None, in_both(slip.function))
mistake(RESIDUAL, "batch-first-only", None, of_the_first(residual))
mistake(RESIDUAL, "two-axes-only", None, with_two_axes(residual))

# ----------------------------------------------------------------------------------------------------------------------
# The feed-forward network
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "06.feed_forward",
    title="The feed-forward network",
    points=1,
    hints=[
        "Expand, cut off at 0, contract: two matrix products with a ReLU between them.",
        "`np.maximum(0, …)` is a ReLU. The first bias belongs inside it.",
        "`np.maximum(0, x @ W_1 + b_1) @ W_2 + b_2`.",
    ],
    returns="output",
)
def feed_forward(x, W_1, b_1, W_2, b_2):
    return blocks.feed_forward(x, W_1, b_1, W_2, b_2)


@cases("06.feed_forward")
def feed_forward_cases():
    def weights(seed, d_model, d_ff):
        shapes = (d_model, d_ff), (d_ff,), (d_ff, d_model), (d_model,)
        return [draw(seed + i, *shape) for i, shape in enumerate(shapes)]

    yield Case("two tokens of three features", draw(1, 2, 3).round(1), *(part.round(1) for part in weights(2, 3, 4)))
    yield Case("as many tokens as features and hidden units", draw(6, D_MODEL, D_MODEL), *weights(7, D_MODEL, D_MODEL))
    wide = weights(11, D_MODEL, D_FF)
    yield Case("a batch", draw(15, BATCH, SEQ_LEN, D_MODEL), *wide)
    yield Case("large numbers", 30 * draw(16, SEQ_LEN, D_MODEL), *wide, edge=True)
    yield Case("one token alone, without other axes", draw(17, D_MODEL), *wide, edge=True)


for slip in blocks.linear.slips:
    mistake("06.feed_forward", slip.diagnosis, None, everywhere(blocks.feed_forward, blocks.linear, slip))
mistake("06.feed_forward", "two-axes-only", None, with_two_axes(feed_forward))
mistake("06.feed_forward", "batch-first-only", None, of_the_first(feed_forward))

# ----------------------------------------------------------------------------------------------------------------------
# Find the bug
# ----------------------------------------------------------------------------------------------------------------------


def right_block(x):
    """One encoder block of fixed weights, without positions: (tokens, 4) to the same."""
    W_Q, W_K, W_V = (draw(seed, 4, 4) for seed in (1, 2, 3))
    context, _ = scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V)
    x = blocks.plain_norm(x + context, 1e-5)
    return blocks.plain_norm(x + np.maximum(0, x @ draw(4, 4, 16)) @ draw(5, 16, 4), 1e-5)


def colleagues_encoder(x):
    """A colleague's encoder: it reads a sentence, one row a token (tokens, 4). All shapes fit, and it trains."""
    sentence = x.mean(axis=0, keepdims=True)
    return right_block(sentence)


def in_order(rows):
    """Rows sorted, so that those of a sentence in another order are the same."""
    return rows[np.lexsort(rows.round(6).T)]


@judged(
    "06.alike_for_the_colleague",
    title="Find the bug: two sentences that are one",
    points=1,
    hints=[
        "Run the colleague's encoder on a sentence of three tokens. What is the shape of the result? What went missing?",
        "The first line keeps one vector. Which different tokens have the same mean?",
        "For example tokens of 1 and -1 in the first sentence, tokens of 2 and -2 in the second: both means are 0.",
    ],
)
def alike_for_the_colleague(candidate):
    got = call(candidate)
    require(isinstance(got, tuple) and len(got) == 2, "pair-not-two",
            "Two arrays were expected, `return x, y`; your function returns {returned}.", returned=count_of(got))  # fmt: skip
    x, y = (array.astype(float) for array in got)
    fits = x.shape == y.shape and x.ndim == 2 and x.shape[0] >= 2 and x.shape[1] == 4
    require(fits, "pair-shapes", "x has shape {x} and y has shape {y}; expected two sentences of as many tokens, "
        "(tokens, 4), at least 2.", x=x.shape, y=y.shape)  # fmt: skip
    require(abs(np.concatenate([x, y])).max() < 1e6, "pair-not-ordinary",
            "Your sentences hold NaN, infinity or giant numbers. It fails with perfectly ordinary ones.")  # fmt: skip
    require(not answers.close(x, y), "pair-same", "Both sentences are the same. Of course nobody can tell them apart.")
    require(not answers.close(in_order(x), in_order(y)), "pair-reordered",
            "y is x in another order. Without positions the right encoder can't tell these apart either (up to the order of its "
            "rows). Find two that hold different tokens.", expected=x, got=y, what="the same tokens")  # fmt: skip
    theirs = [colleagues_encoder(sentence) for sentence in (x, y)]
    require(answers.close(*theirs), "pair-told-apart",
            "The colleague's encoder gives different results for these. What does its first line keep of a sentence?",
            expected=theirs[0], got=theirs[1], what="what the colleague makes of x and of y")  # fmt: skip
    right = [in_order(right_block(sentence)) for sentence in (x, y)]
    require(abs(right[0] - right[1]).max() > 1e-3, "pair-too-close",
            "The right block, too, gives (nearly) the same for these. Find two that only the colleague takes for one.",
            expected=right[0], got=right[1], what="what the right block makes of x and of y")  # fmt: skip


FOOLED = "06.alike_for_the_colleague"
ONE = np.array([[1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.5, 1.0, -2.0, 0.0]])
mistake(FOOLED, "pair-not-two", None, lambda: ONE, lambda: (ONE, ONE, ONE))
mistake(FOOLED, "pair-shapes", None, lambda: (ONE, ONE[:2]), lambda: (ONE[:1], ONE[:1] + 1), lambda: (ONE.T[:3], ONE.T[:3]),
        lambda: (ONE[0], ONE[1]), lambda: (ONE[:, :3], ONE[:, 1:]), lambda: (ONE[None], ONE[None]))  # fmt: skip
mistake(FOOLED, "pair-not-ordinary", None, lambda: (ONE, np.full((3, 4), np.nan)), lambda: (ONE, ONE * np.inf),
        lambda: (1e300 * ONE, -1e300 * ONE), lambda: (ONE + 1e30, ONE * 2 + 1e30))  # fmt: skip
mistake(FOOLED, "pair-same", None, lambda: (ONE, ONE.copy()), lambda: (ONE, ONE + 1e-9))
mistake(FOOLED, "pair-reordered", None, lambda: (ONE, ONE[[2, 0, 1]]), lambda: (ONE, ONE[::-1]))
mistake(FOOLED, "pair-told-apart", None, lambda: (ONE, ONE + 1), lambda: (ONE, ONE[:, ::-1]),
        lambda: (ONE, ONE[[0, 0, 2]]))  # fmt: skip
mistake(FOOLED, "pair-too-close", None, lambda: (ONE, ONE + 1e-5 * np.array([[1], [-1], [0]])))

# ----------------------------------------------------------------------------------------------------------------------
# The encoder block
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "06.encoder_block",
    title="The encoder block",
    points=2,
    hints=[
        "Two lines. Each is one residual in post-norm, as in task 2.",
        "Attention first. The second line starts from what the first has made, both for the residual and for the network.",
        "`x = norm_1(x + attend(x))`, then `return norm_2(x + feed_forward(x))`.",
    ],
    returns="result",
)
def encoder_block(x, attend, feed_forward, norm_1, norm_2):
    x = post_norm(x, attend, norm_1, at="at attention")
    return post_norm(x, feed_forward, norm_2, at="at the feed-forward network")


def an_attention(seed, d_model):
    """An attention of one head, another one for each seed: a function (x, memory, mask)."""
    W = draw(seed, d_model, d_model)

    @given
    def attend(x, memory, mask=None):
        """an attention (x, memory, mask): x makes the queries, memory keys and values"""
        if mask is not None and np.asarray(mask).dtype != bool:
            raise TypeError(f"mask: expected booleans, True = may be attended to; got {np.asarray(mask).dtype}")
        return below(x @ np.swapaxes(memory @ W, -1, -2), mask, highest) @ (2 * memory + 1)

    return attend


@cases("06.encoder_block")
def encoder_block_cases():
    def functions(seed, d_model):
        attention = an_attention(seed, d_model)

        @given
        def attend(x):
            """a self-attention"""
            return attention(x, x)

        norms = a_norm(seed + 2, d_model), a_norm(seed + 3, d_model)
        return attend, a_network(seed + 1, d_model), *norms

    yield Case("two tokens of three features", draw(1, 2, 3).round(1), *functions(2, 3))
    yield Case("as many tokens as features", draw(6, D_MODEL, D_MODEL), *functions(7, D_MODEL))
    yield Case("a batch", draw(11, BATCH, SEQ_LEN, D_MODEL), *functions(12, D_MODEL))


BLOCK = "06.encoder_block"
for slip in post_norm.slips:
    mistake(BLOCK, slip.diagnosis, None, everywhere(encoder_block, post_norm, slip))
mistake(BLOCK, "block-second-adds-input", "The second residual adds the block's input. It adds what came out of the "
    "first norm.", lambda x, attend, f, one, two: two(x + f(one(x + attend(x)))),
    lambda x, attend, f, one, two: x + two(f(one(x + attend(x)))))  # fmt: skip
mistake(BLOCK, "block-input-added-again", "The second residual adds the block's input as well. It goes round the "
    "feed-forward network alone.", lambda x, attend, f, one, two: two(x + (y := one(x + attend(x))) + f(y)),
    lambda x, attend, f, one, two: x + two((y := one(x + attend(x))) + f(y)))  # fmt: skip
mistake(BLOCK, "block-first-norm-aside", "The first norm stands in front of the feed-forward network alone: the second "
    "residual adds the sum from before it.", lambda x, attend, f, one, two: two((y := x + attend(x)) + f(one(y))),
    lambda x, attend, f, one, two: (y := x + attend(x)) + f(one(y)))  # fmt: skip
mistake(BLOCK, "block-feed-forward-reads-input", "The feed-forward network does not read what attention and the first norm have made, but "
        "something from before.", lambda x, attend, f, one, two: two(one(x + attend(x)) + f(x)),
        lambda x, attend, f, one, two: two(one(x + attend(x)) + f(x + attend(x))),
        lambda x, attend, f, one, two: two(one(x + attend(x)) + f(attend(x))))  # fmt: skip
mistake(BLOCK, "block-norms-exchanged", "The two norms are exchanged: norm_1 belongs to attention, norm_2 to the feed-forward network.",
        lambda x, attend, f, one, two: encoder_block(x, attend, f, two, one))  # fmt: skip
mistake(BLOCK, "block-one-norm-twice", "One norm stands in both places. Each sublayer has its own, with its own gain and bias.",
        lambda x, attend, f, one, two: encoder_block(x, attend, f, one, one),
        lambda x, attend, f, one, two: encoder_block(x, attend, f, two, two))  # fmt: skip
mistake(BLOCK, "block-side-by-side", "Both sublayers read the block's input. In 2017 the network reads what attention "
    "has made of it.", lambda x, attend, f, one, two: two(one(x + attend(x) + f(x))),
    lambda x, attend, f, one, two: one(x + attend(x) + f(x)), lambda x, attend, f, one, two: two(x + attend(x) + f(x)),
    lambda x, attend, f, one, two: x + attend(x) + f(x),
    lambda x, attend, f, one, two: one(x + attend(x)) + two(x + f(x)),
    lambda x, attend, f, one, two: two(x + one(attend(x)) + f(x)),
    lambda x, attend, f, one, two: x + attend(one(x)) + f(two(x)),
    lambda x, attend, f, one, two: x + attend(one(x)) + f(one(x)))  # fmt: skip
mistake(BLOCK, "block-one-residual", "One residual goes round both sublayers. Each has its own.",
        lambda x, attend, f, one, two: two(x + f(one(attend(x)))), lambda x, attend, f, one, two: two(x + f(attend(x))),
        lambda x, attend, f, one, two: one(x + f(attend(x))))  # fmt: skip
mistake(BLOCK, "block-attends-twice", "Attention stands in both places. The second sublayer is the feed-forward network.",
        lambda x, attend, f, one, two: encoder_block(x, attend, attend, one, two))  # fmt: skip
mistake(BLOCK, "block-feeds-twice", "The feed-forward network stands in both places. The first sublayer is attention.",
        lambda x, attend, f, one, two: encoder_block(x, f, f, one, two))  # fmt: skip
mistake(BLOCK, "block-feed-forward-first", "The feed-forward network comes first. In the paper the tokens talk first, "
    "then each thinks.", lambda x, attend, f, one, two: encoder_block(x, f, attend, one, two),
    lambda x, attend, f, one, two: encoder_block(x, f, attend, two, one))  # fmt: skip
mistake(BLOCK, "block-norm-at-the-end-only", "The norms come together at the end. Each sublayer's sum is normed before it goes on.",
        lambda x, attend, f, one, two: two(one((y := x + attend(x)) + f(y))))  # fmt: skip
mistake(BLOCK, "batch-first-only", None, of_the_first(encoder_block))
mistake(BLOCK, "two-axes-only", None, with_two_axes(encoder_block))

# ----------------------------------------------------------------------------------------------------------------------
# The decoder block
# ----------------------------------------------------------------------------------------------------------------------


@step
def crossed(attend, x, memory, mask):
    """Cross-attention: the decoder asks, the memory answers."""
    return attend(x, memory, mask)


crossed.slip("decoder-memory-mask-ignored", "Hidden rows of the memory move your result. Who has to know of memory_mask?",
             lambda attend, x, memory, mask: attend(x, memory, None))  # fmt: skip
crossed.slip("decoder-memory-mask-inverted", "Cross-attention sees the hidden rows of the memory and no others. True means that a row may "
             "be attended to.", lambda attend, x, memory, mask: attend(x, memory, ~mask))  # fmt: skip
crossed.slip("decoder-queries-from-memory", "Queries and memory are exchanged in cross-attention. The decoder asks, the memory answers.",
             *(lambda attend, x, memory, mask, hide=hide: attend(memory, x, hide(mask))
               for hide in (lambda mask: mask, lambda mask: None, lambda mask: mask[:, None])))  # fmt: skip
crossed.slip("decoder-cross-is-causal", "Your cross-attention is causal. The whole source has been read: only memory_mask applies there.",
             lambda attend, x, memory, mask: attend(x, memory, np.tri(len(x), len(memory), dtype=bool)),
             lambda attend, x, memory, mask: attend(x, memory, np.tri(len(x), len(memory), dtype=bool) & mask),
             lambda attend, x, memory, mask: attend(x, memory, np.tri(len(x), dtype=bool)))  # fmt: skip
crossed.slip("decoder-cross-reads-itself", "Your cross-attention reads the decoder's own stream: the memory has no part in it.",
             *(lambda attend, x, memory, mask, hide=hide: attend(x, x, hide(x, mask))
               for hide in (lambda x, mask: None, lambda x, mask: np.tri(len(x), dtype=bool), lambda x, mask: mask)))  # fmt: skip
crossed.slip("decoder-memory-reads-itself", "Your cross-attention asks with the memory and looks in the memory. The "
    "decoder asks.", lambda attend, x, memory, mask: attend(memory, memory, mask),
    lambda attend, x, memory, mask: attend(memory, memory, None))  # fmt: skip
crossed.slip("decoder-mask-on-queries", "memory_mask stands along the queries. It speaks of the memory's rows, the "
    "keys.", lambda attend, x, memory, mask: attend(x, memory, mask[:, None]),
    lambda attend, x, memory, mask: attend(x, memory, mask[: len(x), None]))  # fmt: skip
crossed.slip("decoder-memory-zeroed",
    "Hidden rows of the memory are set to 0. A row of zeros is still a row that is attended to: it is the mask that "
    "hides it.", lambda attend, x, memory, mask: attend(x, np.where(mask[:, None], memory, 0.0), None))  # fmt: skip


@reference(
    "06.decoder_block",
    title="The decoder block",
    points=4,
    hints=[
        "Three lines, each a residual in post-norm: self-attention, cross-attention, feed-forward, with norms[0], [1], [2].",
        "self_attend(x, x, mask) with a causal mask, `np.tri(len(x), dtype=bool)`. cross_attend(x, memory, memory_mask): the first "
        "argument makes the queries.",
        "The second line: `x = norms[1](x + cross_attend(x, memory, memory_mask))`.",
    ],
    returns="result",
)
def decoder_block(x, memory, memory_mask, self_attend, cross_attend, feed_forward, norms):
    causal = up_to_itself(len(x), at="in your causal mask")
    x = post_norm(x, lambda x: self_attend(x, x, causal), norms[0], at="at self-attention")
    x = post_norm(x, lambda x: crossed(cross_attend, x, memory, memory_mask), norms[1], at="at cross-attention")
    return post_norm(x, feed_forward, norms[2], at="at the feed-forward network")


@cases("06.decoder_block")
def decoder_block_cases():
    def inputs(seed, target_len, d_model, memory_mask):
        x, memory = draw(seed, target_len, d_model), draw(seed + 1, len(memory_mask), d_model)
        attentions = an_attention(seed + 2, d_model), an_attention(seed + 3, d_model)
        norms = [a_norm(seed + 5 + i, d_model) for i in range(3)]
        return x.round(1), memory.round(1), np.array(memory_mask), *attentions, a_network(seed + 4, d_model), norms

    yield Case("two tokens and a memory of three", *inputs(1, 2, 3, [True, True, False]))
    yield Case("a longer source, hidden in part", *inputs(11, SEQ_LEN, D_MODEL, [True] * 4 + [False, True, False]))
    yield Case("a shorter source, its first row hidden", *inputs(21, SEQ_LEN, D_MODEL, [False, True, True, True]))
    yield Case("as many tokens as the memory has rows", *inputs(31, 4, 4, [True, False, True, False]))
    yield Case("a memory that may be seen whole", *inputs(41, SEQ_LEN, D_MODEL, [True] * SOURCE_LEN))
    yield Case("a single token", *inputs(51, 1, D_MODEL, [True, False, True]))


DECODER = "06.decoder_block"


def decoder_with(own=None, cross=None, sequence=(0, 1, 2), norms_in=(0, 1, 2)):
    """A decoder block that is wrong in one place.

    Args:
        own: self-attention, a function (self_attend, x, memory, memory_mask, cross_attend).
        cross: cross-attention, a function (cross_attend, x, memory, memory_mask, self_attend).
        sequence: in which the sublayers come.
        norms_in: the numbers of the norms, in the order in which they come.
    """

    def wrong(x, memory, memory_mask, self_attend, cross_attend, feed_forward, norms):
        sublayers = (
            lambda x: (own or (lambda attend, x, *_: attend(x, x, np.tri(len(x), dtype=bool))))(
                self_attend, x, memory, memory_mask, cross_attend),
            lambda x: (cross or (lambda attend, x, memory, mask, _: attend(x, memory, mask)))(
                cross_attend, x, memory, memory_mask, self_attend),
            feed_forward,
        )  # fmt: skip
        for which, norm in zip(sequence, norms_in, strict=True):
            x = norms[norm](x + sublayers[which](x))
        return x

    return wrong


causal = lambda x: np.tri(len(x), dtype=bool)  # noqa: E731

for slip in post_norm.slips:
    mistake(DECODER, slip.diagnosis, None, everywhere(decoder_block, post_norm, slip))
mistake(DECODER, "decoder-no-self-attention",
    "Self-attention leaves no trace in your result: is it called, and may anybody look at anything?",
    decoder_with(own=lambda attend, x, *_: 0 * x), decoder_with(sequence=(1, 2), norms_in=(1, 2)),
    decoder_with(sequence=(1, 2), norms_in=(0, 1)), decoder_with(sequence=(1, 2), norms_in=(0, 2)))  # fmt: skip
mistake(DECODER, "decoder-no-cross-attention", "Cross-attention leaves no trace in your result.",
        decoder_with(cross=lambda attend, x, *_: 0 * x), decoder_with(sequence=(0, 2), norms_in=(0, 2)),
        decoder_with(sequence=(0, 2), norms_in=(0, 1)))  # fmt: skip
mistake(DECODER, "decoder-sees-the-future", "Later tokens of x move earlier rows: nothing hides the future in your self-attention.",
        decoder_with(own=lambda attend, x, *_: attend(x, x, None)))  # fmt: skip
mistake(DECODER, "decoder-mask-of-memory", "Your causal mask is as large as the memory. It has a row and a column for "
    "each of the decoder's own tokens.", decoder_with(own=lambda attend, x, memory, *_: attend(x, x, causal(memory))))  # fmt: skip
mistake(DECODER, "decoder-self-reads-memory", "Your self-attention takes its keys from the memory. There x attends to x.",
        decoder_with(own=lambda attend, x, memory, mask, _: attend(x, memory, mask)),
        decoder_with(own=lambda attend, x, memory, mask, _: attend(x, memory, None)),
        decoder_with(own=lambda attend, x, memory, mask, _: attend(x, memory, np.tri(len(x), len(memory), dtype=bool))))  # fmt: skip
mistake(DECODER, "decoder-memory-mask-in-self", "memory_mask stands in your self-attention. It speaks of the memory's "
    "rows, not of the decoder's own tokens.", decoder_with(own=lambda attend, x, memory, mask, _: attend(x, x, mask)),
    decoder_with(own=lambda attend, x, memory, mask, _: attend(x, x, mask & causal(x))),
    decoder_with(own=lambda attend, x, memory, mask, _: attend(x, x, mask), cross=lambda attend, x, memory, mask, _:
        attend(x, memory, causal(x))))  # fmt: skip
mistake(DECODER, "decoder-attentions-exchanged", "One of the two attentions stands where the other belongs, or in both "
    "places. self_attend comes first, cross_attend second.",
    decoder_with(own=lambda attend, x, memory, mask, other: other(x, x, causal(x)),
        cross=lambda attend, x, memory, mask, other: other(x, memory, mask)),
    decoder_with(cross=lambda attend, x, memory, mask, other: other(x, memory, mask)),
    decoder_with(own=lambda attend, x, memory, mask, other: other(x, x, causal(x))))  # fmt: skip
mistake(DECODER, "decoder-cross-first", "Cross-attention comes first. The order is self-attention, cross-attention, feed-forward.",
        decoder_with(sequence=(1, 0, 2)), decoder_with(sequence=(1, 0, 2), norms_in=(1, 0, 2)))  # fmt: skip
mistake(DECODER, "decoder-side-by-side", "Both attentions read the block's input and share a residual. Cross-attention "
    "goes on from what self-attention and the first norm have made.",
    *(decoder_with(own=lambda attend, x, memory, mask, other: attend(x, x, causal(x)) + other(x, memory, mask),
        sequence=(0, 2), norms_in=norms) for norms in ((0, 2), (0, 1), (1, 2))),
    decoder_with(own=lambda attend, x, memory, mask, other: other(attend(x, x, causal(x)), memory, mask),
        sequence=(0, 2), norms_in=(0, 2)))  # fmt: skip
mistake(DECODER, "decoder-another-order", "The feed-forward network does not come last. The order is self-attention, cross-attention, "
        "feed-forward.", *(decoder_with(sequence=order, norms_in=norms) for order in ((0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0))
                          for norms in (order, (0, 1, 2))))  # fmt: skip
mistake(DECODER, "decoder-norms-exchanged", "A norm stands where another belongs: norms[0] goes with self-attention, norms[1] to "
        "cross-attention, norms[2] to the feed-forward network.",
        *(decoder_with(norms_in=order) for order in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (0, 0, 0), (1, 1, 1), (2, 2, 2),
                                                     (0, 0, 1), (0, 0, 2), (0, 1, 1), (0, 1, 0))))  # fmt: skip
mistake(DECODER, "decoder-feed-forward-twice", "There is a feed-forward network after self-attention, too. A decoder "
    "block has one, at the end.", decoder_with(sequence=(0, 2, 1, 2), norms_in=(0, 2, 1, 2)))  # fmt: skip


def tied(second=lambda x, first, memory, ask: first + ask(first), last=lambda x, first, second, f: second + f(second)):
    """A decoder block whose ends are tied together in another way: what is summed up before the second and the last norm."""

    def wrong(x, memory, memory_mask, self_attend, cross_attend, feed_forward, norms):
        first = norms[0](x + self_attend(x, x, causal(x)))
        middle = norms[1](second(x, first, memory, lambda asks: cross_attend(asks, memory, memory_mask)))
        return norms[2](last(x, first, middle, feed_forward))

    return wrong


mistake(DECODER, "decoder-cross-reads-input",
    "Cross-attention goes on from the block's input. It reads, and adds to, what the first norm gave.",
    tied(lambda x, first, memory, ask: first + ask(x)), tied(lambda x, first, memory, ask: x + ask(first)))  # fmt: skip
mistake(DECODER, "decoder-adds-input", "Each residual adds the block's input. It adds what the norm before has given.",
        tied(lambda x, first, memory, ask: x + ask(first), lambda x, first, second, f: x + f(second)))  # fmt: skip
mistake(DECODER, "decoder-adds-memory", "The residual of cross-attention adds the memory. It adds the decoder's own "
    "stream.", tied(lambda x, first, memory, ask: memory + ask(first)),
    tied(lambda x, first, memory, ask: memory[: len(x)] + ask(first)))  # fmt: skip
mistake(DECODER, "decoder-last-adds-earlier",
    "The last residual adds something from before cross-attention. It adds what the second norm gave.",
    tied(last=lambda x, first, second, f: x + f(second)), tied(last=lambda x, first, second, f: first + f(second)))  # fmt: skip
mistake(DECODER, "decoder-feed-forward-reads-earlier",
    "The feed-forward network reads something from before cross-attention. It reads what the second norm gave.",
    tied(last=lambda x, first, second, f: second + f(x)), tied(last=lambda x, first, second, f: second + f(first)))  # fmt: skip
mistake(DECODER, "decoder-added-again", "Something from further up is added again. Each residual goes round one sublayer alone.",
        tied(lambda x, first, memory, ask: x + first + ask(first)), tied(last=lambda x, first, second, f: x + second + f(second)),
        tied(last=lambda x, first, second, f: first + second + f(second)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The shift
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "06.teacher_forcing",
    title="The shift: what the decoder reads, what it predicts",
    points=2,
    hints=[
        "For one sentence a b c: it reads start a b c, and predicts a b c end.",
        "Both are one longer than the sentence. The end takes the place of the first padding.",
        "Labels: append a column of pad_id, then `labels[np.arange(batch), lengths] = end_id` with "
        "`lengths = (sentences != pad_id).sum(axis=1)`.",
    ],
    returns=("inputs", "labels"),
    same={"padding-on-the-right-assumed"},
)
def teacher_forcing(sentences, start_id, end_id, pad_id):
    return what_is_read(sentences, start_id, pad_id), what_is_predicted(sentences, end_id, pad_id)


@cases("06.teacher_forcing")
def teacher_forcing_cases():
    yield Case("a short sentence and a full one", np.array([[5, 7, 0, 0], [8, 3, 4, 6]]), 1, 2, 0)
    yield Case("one sentence, another pad_id", np.array([[5, 7, 9, 9]]), 1, 2, 9)
    yield Case("other ids, and a token 0", np.array([[5, 0, 9], [3, 4, 7], [0, 9, 9]]), 12, 11, 9)
    rng = generator(1)
    sentences = rng.integers(4, 20, (5, 6))
    sentences[np.arange(6) >= np.array([6, 1, 3, 5, 2])[:, None]] = 3
    yield Case("sentences of many lengths", sentences, 21, 20, 3)
    yield Case("sentences that fill their rows", rng.integers(4, 20, (3, 3)), 2, 1, 0)


SHIFT = "06.teacher_forcing"
read = lambda sentences, start_id, end_id, pad_id: what_is_read(sentences, start_id, pad_id)  # noqa: E731
predicted = lambda sentences, start_id, end_id, pad_id: what_is_predicted(sentences, end_id, pad_id)  # noqa: E731


def whole(sentences, start_id, end_id, pad_id):
    """Start, sentence, end, padding: len + 2 tokens."""
    return np.hstack([np.full((len(sentences), 1), start_id), what_is_predicted(sentences, end_id, pad_id)])


def pair(inputs, labels):
    """A wrong answer of two functions."""
    return lambda *given: (inputs(*given), labels(*given))


mistake(SHIFT, "shift-none", "Inputs and labels are the same: the model would learn to copy. The inputs are one step late.",
        *(pair(one, one) for one in (read, predicted, whole, lambda sentences, *_: sentences)),
        pair(lambda *given: whole(*given)[:, :-1], lambda *given: whole(*given)[:, :-1]))  # fmt: skip
mistake(SHIFT, "shift-exchanged", "Inputs and labels are exchanged: the inputs begin with start_id, the labels end with end_id.",
        pair(predicted, read), pair(predicted, lambda *given: whole(*given)[:, :-1]))  # fmt: skip
mistake(SHIFT, "shift-end-in-inputs", "Your inputs hold the end. Nothing is to be predicted after it: leave it out of the inputs.",
        pair(lambda *given: whole(*given)[:, :-1], predicted))  # fmt: skip
mistake(SHIFT, "shift-too-long", None,
        pair(whole, lambda *given: blocks.padded(predicted(*given), given[3])), pair(whole, predicted),
        pair(lambda *given: blocks.padded(read(*given), given[3]), lambda *given: blocks.padded(predicted(*given), given[3])))  # fmt: skip
mistake(SHIFT, "shift-cut-too-short", None, pair(lambda *given: read(*given)[:, :-1], lambda *given: predicted(*given)[:, :-1]),
        pair(lambda *given: read(*given)[:, :-1], lambda sentences, *_: sentences))  # fmt: skip
mistake(SHIFT, "shift-no-start", None, pair(lambda sentences, *_: sentences, lambda *given: predicted(*given)[:, 1:]))
mistake(SHIFT, "shift-nothing-added", "You shift the sentences as they are. Before that, start_id goes in front and end_id behind.",
        lambda sentences, *_: (sentences[:, :-1], sentences[:, 1:]))  # fmt: skip
mistake(SHIFT, "shift-start-in-labels", "Your labels begin with start_id. Nobody has to predict it: the labels are one step ahead of the "
        "inputs.", pair(read, lambda *given: whole(*given)[:, :-1]), pair(read, whole),
        pair(lambda *given: whole(*given)[:, :-1], whole))  # fmt: skip
mistake(SHIFT, "shift-ids-hard-coded",
    "With another start_id or end_id yours still writes the numbers of the example. Use the parameters.",
    *(lambda sentences, start_id, end_id, pad_id, ids=ids:
        teacher_forcing(sentences, *(own or given for own, given in zip(ids, (start_id, end_id), strict=True)), pad_id)
        for ids in ((1, 2), (1, None), (None, 2))))  # fmt: skip
mistake(SHIFT, "shift-start-and-end-exchanged", "start_id and end_id are exchanged.",
        lambda sentences, start_id, end_id, pad_id: teacher_forcing(sentences, end_id, start_id, pad_id))  # fmt: skip
mistake(SHIFT, "shift-end-after-padding", None,
        pair(read, lambda sentences, start_id, end_id, pad_id: np.hstack([sentences, np.full((len(sentences), 1), end_id)])))  # fmt: skip
mistake(SHIFT, "pad-id-hard-coded", None,
        lambda sentences, start_id, end_id, pad_id: teacher_forcing(sentences, start_id, end_id, 0),
        *(pair(read, lambda sentences, start_id, end_id, pad_id, fill=fill: blocks.ended.function(
            labels := blocks.padded(sentences, 0 if fill is None else pad_id), blocks.first_pad(labels, 0), end_id))
          for fill in (None, "pad_id")))  # fmt: skip
mistake(SHIFT, "shift-padding-of-another-id", "The column that you append does not hold pad_id.",
        *(lambda sentences, start_id, end_id, pad_id, fill=fill: (
            read(sentences, start_id, end_id, pad_id),
            np.hstack([(labels := predicted(sentences, start_id, end_id, pad_id))[:, :-1],
                       np.where(labels[:, -1:] == pad_id, fill, labels[:, -1:])])) for fill in (0, -1, -100)))  # fmt: skip
mistake(SHIFT, "shift-ends-in-all-rows",
    "Each sentence gets the ends of all the others, too: rows and places have to be indexed together.",
    lambda sentences, start_id, end_id, pad_id:
        (read(sentences, start_id, end_id, pad_id),
        np.where(np.isin(np.arange(sentences.shape[1] + 1), (sentences != pad_id).sum(axis=1)), end_id,
        blocks.padded(sentences, pad_id))))  # fmt: skip
mistake(SHIFT, "shift-one-sentence-only", "Only one sentence gets its end. Each has one of its own.",
        *(lambda sentences, start_id, end_id, pad_id, row=row: (
            read(sentences, start_id, end_id, pad_id),
            np.where(np.arange(len(sentences))[:, None] == row % len(sentences), predicted(sentences, start_id, end_id, pad_id),
                     blocks.padded(sentences, pad_id))) for row in (0, -1)))  # fmt: skip


@mistake(SHIFT, "shift-end-late", None)
def end_one_too_far(sentences, start_id, end_id, pad_id):
    labels = blocks.padded(sentences, pad_id)
    labels[np.arange(len(labels)), (sentences != pad_id).sum(axis=1) + 1] = end_id
    return what_is_read(sentences, start_id, pad_id), labels


mistake(SHIFT, "shift-padding-in-front", "The padding stands in front of the sentence. It comes behind it.",
    lambda sentences, start_id, end_id, pad_id: tuple(np.array([[t for t in row if t == pad_id] + [t for t in row
        if t != pad_id] for row in rows.tolist()]) for rows in teacher_forcing(sentences, start_id, end_id, pad_id)))  # fmt: skip
mistake(SHIFT, "shift-flat", "The sentences follow each other in one long row. Keep an axis for the batch.",
        lambda *given: tuple(part.ravel() for part in teacher_forcing(*given)))  # fmt: skip
mistake(SHIFT, "shift-reversed", "The sentences stand in your arrays from back to front.",
        lambda sentences, *rest: teacher_forcing(sentences[:, ::-1], *rest))  # fmt: skip


@holds(SHIFT, "shift-no-start")
def begins_with_the_start(got, sentences, start_id, end_id, pad_id):
    return (got[0][:, 0] == start_id).all()


@holds(
    SHIFT, "shift-one-end-each", "Somewhere in your labels there is no end, or more than one. Each sentence has one."
)
def has_one_end(got, sentences, start_id, end_id, pad_id):
    return ((got[1] == end_id).sum(axis=1) == 1).all()


# ----------------------------------------------------------------------------------------------------------------------
# The leak test
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "06.influence",
    title="The leak test: who is felt where?",
    points=3,
    hints=[
        "Compute the output once. Then, for each token: a copy of x with that token changed, the output again, compare row by row.",
        "An output has moved if *any* of its numbers has, by more than 1e-9. And change the token by random numbers: what is the same "
        "for all features can be taken away by a mean, and 0 times anything is 0.",
        "One column per token: `table[:, j] = moved`. Start each time from a fresh `x.copy()`.",
    ],
    returns="table",
)
def influence(function, x):
    return table_of_influence(function, x)


cases("06.influence")(influence_cases)
influence_mistakes("06.influence")

# ----------------------------------------------------------------------------------------------------------------------
# Count
# ----------------------------------------------------------------------------------------------------------------------


@step
def encoder_size(attention, network, norm):
    """One attention, one network, a norm each."""
    return attention + network + 2 * norm


@step
def decoder_size(attention, network, norm):
    """Two attentions, one network, a norm each."""
    return 2 * attention + network + 3 * norm


@step
def stack_size(num_layers, encoder, decoder):
    """As many blocks of one kind as of the other."""
    return num_layers * (encoder + decoder)


@step
def table_size(vocab_size, d_model):
    """One table, which source, target and logits share."""
    return vocab_size * d_model


encoder_size.slip("count-attention-too-many", "Your blocks have an attention too many: the encoder's have one, the decoder's two.",
                  lambda attention, network, norm: 2 * attention + network + 2 * norm)  # fmt: skip
decoder_size.slip("count-one-attention", "Your decoder blocks have one attention. They have two: self and cross.",
    lambda attention, network, norm: attention + network + 3 * norm,
    lambda attention, network, norm: attention + network + 2 * norm)  # fmt: skip
decoder_size.slip("count-two-norms", "In each layer your number is 2 · d_model short. A norm has that many (an encoder "
    "block has two norms, a decoder block three), and so have the biases of both second maps of the networks.",
    lambda attention, network, norm: 2 * attention + network + 2 * norm)  # fmt: skip
decoder_size.slip("count-decoder-without-network", "Your decoder blocks have no feed-forward network. They have one, "
    "like the encoder's.", lambda attention, network, norm: 2 * attention + 3 * norm,
    lambda attention, network, norm: 2 * attention + 2 * norm)  # fmt: skip
decoder_size.slip("count-two-networks", "Your decoder blocks have two feed-forward networks. They have one.",
    lambda attention, network, norm: 2 * (attention + network) + 3 * norm,
    lambda attention, network, norm: 2 * (attention + network + 2 * norm),
    lambda attention, network, norm: 2 * (attention + network) + 4 * norm)  # fmt: skip
stack_size.slip("count-twice", "You count the blocks twice.",
    lambda num_layers, encoder, decoder: 2 * num_layers * (encoder + decoder))  # fmt: skip
stack_size.slip("count-encoder-only", "Your number has the blocks of the encoder, none of the decoder: it has num_layers of them, too.",
                lambda num_layers, encoder, decoder: num_layers * encoder)  # fmt: skip
stack_size.slip("count-decoder-only", "Your number has the blocks of the decoder, none of the encoder: it has num_layers of them, too.",
                lambda num_layers, encoder, decoder: num_layers * decoder)  # fmt: skip
stack_size.slip("count-one-block", "There are num_layers blocks on either side: one side, or both, have a single one in your number.",
                lambda num_layers, encoder, decoder: encoder + decoder, lambda num_layers, encoder, decoder: num_layers * encoder + decoder,
                lambda num_layers, encoder, decoder: encoder + num_layers * decoder)  # fmt: skip
stack_size.slip("count-shared-out", "num_layers is shared out between the two stacks. Each of them has that many blocks.",
                lambda num_layers, encoder, decoder: num_layers * (encoder + decoder) // 2,
                lambda num_layers, encoder, decoder: num_layers // 2 * (encoder + decoder))  # fmt: skip
stack_size.slip("count-no-blocks", "Your number lacks the blocks.", lambda num_layers, encoder, decoder: 0)
stack_size.slip("count-one-layer-off", "You count one layer too many or one too few.",
    *(lambda num_layers, encoder, decoder, more=more: (num_layers + more) * (encoder + decoder) for more in (1, -1)))  # fmt: skip
table_size.slip("count-table-not-a-product", "The table of embeddings has d_model numbers for each token of the vocabulary.",
                lambda vocab_size, d_model: vocab_size, lambda vocab_size, d_model: vocab_size + d_model)  # fmt: skip
table_size.slip("count-untied", "You count more than one table of embeddings. Source, target and logits share one.",
    lambda vocab_size, d_model: 2 * vocab_size * d_model, lambda vocab_size, d_model: 3 * vocab_size * d_model,
    lambda vocab_size, d_model: 3 * vocab_size * d_model + vocab_size,
    lambda vocab_size, d_model: 2 * vocab_size * d_model + vocab_size)  # fmt: skip
table_size.slip("count-no-embeddings", "Your number lacks the table of embeddings.", lambda vocab_size, d_model: 0)
table_size.slip("count-bias-of-table", "You count biases for the table of embeddings or for the logits, which are "
    "products with it and no more.", lambda vocab_size, d_model: vocab_size * d_model + vocab_size,
    lambda vocab_size, d_model: vocab_size * d_model + d_model)  # fmt: skip
table_size.slip("count-positions", "You count a table of positions. Here positions are sines: nothing is learned.",
    *(lambda vocab_size, d_model, length=length: (vocab_size + length) * d_model for length in (512, 1024, 2048, 5000)))  # fmt: skip


@reference(
    "06.parameter_count",
    title="Count the parameters",
    points=2,
    hints=[
        "A linear map from m to n numbers has m · n weights and n biases. A layer norm has 2 · d_model.",
        "Attention: four maps from d_model to d_model. Encoder block: one attention, one feed-forward network, two norms. Decoder "
        "block: two attentions, one network, three norms. The table of embeddings counts once.",
        "`attention = 4 * (d_model**2 + d_model)`, `network = 2 * d_model * d_ff + d_ff + d_model`, `norm = 2 * d_model`.",
    ],
    returns="number",
    same={"count-bias-of-input"},  # where as many numbers come out as in
)
def parameter_count(vocab_size, d_model, num_layers, d_ff):
    parts = attention_size(d_model), network_size(d_model, d_ff), norm_size(d_model)
    return table_size(vocab_size, d_model) + stack_size(num_layers, encoder_size(*parts), decoder_size(*parts))


@cases("06.parameter_count")
def parameter_count_cases():
    rng = generator(1)
    low, high = [10, 3, 2, 5], [30, 8, 4, 9]
    yield Case("small sizes", *rng.integers(low, high).tolist())
    yield Case("other sizes", *rng.integers([100, 10, 5, 20], [900, 20, 9, 90]).tolist())
    yield Case("one layer", *rng.integers([50, 6, 1, 9], [90, 8, 2, 20]).tolist())
    yield Case("the model of 2017", 37000, 512, 6, 2048)
    yield Case("a giant model", 50257, 12288, 96, 49152, edge=True)


COUNT = "06.parameter_count"


def without_biases(vocab_size, d_model, num_layers, d_ff, norm=2):
    """The number without any bias of a linear map, and with so many vectors in a norm."""
    return vocab_size * d_model + num_layers * (12 * d_model**2 + 4 * d_model * d_ff + 5 * norm * d_model)


mistake(COUNT, "count-no-biases", None,
    *(lambda *sizes, norm=norm: without_biases(*sizes, norm=norm) for norm in (2, 1, 0)))  # fmt: skip
for slip in map_size.slips:  # made in all maps; biases of the input everywhere are as many as there should be
    if slip.diagnosis != "count-bias-of-input":
        mistake(COUNT, slip.diagnosis, None, everywhere(parameter_count, map_size, slip))
mistake(COUNT, "count-two-norms", None,  # as many as the biases of all second maps: its sentence names both
        lambda *sizes: parameter_count(*sizes) - 2 * sizes[2] * sizes[1])  # fmt: skip
mistake(COUNT, "count-vectors-off", "In each layer your number is off by a few times d_model. Vectors are that long: "
    "each norm has two, and each map that gives d_model numbers has one as its bias.",
    *(lambda *sizes, by=by: parameter_count(*sizes) + by * sizes[2] * sizes[1]
        for by in (-8, -7, -6, -4, -3, -1, 1, 2, 3, 4, 6, 7, 8)))  # fmt: skip
mistake(COUNT, "count-last-norm", "You count norms after the last blocks. Post-norm blocks end with a norm as they are.",
        *(lambda *sizes, many=many: parameter_count(*sizes) + many * 2 * sizes[1] for many in (1, 2)))  # fmt: skip
mistake(COUNT, "count-table-in-each-layer", "The table of embeddings counts once, not in each layer.",
        lambda *sizes: parameter_count(*sizes) + (sizes[2] - 1) * sizes[0] * sizes[1],
        lambda *sizes: parameter_count(*sizes) + (2 * sizes[2] - 1) * sizes[0] * sizes[1])  # fmt: skip
mistake(COUNT, "count-rule-of-thumb",
    "12 · d_model² a layer is a rule of thumb for decoders alone. Count each part, with its biases and norms.",
    lambda vocab_size, d_model, num_layers, d_ff: vocab_size * d_model + 12 * num_layers * d_model**2,
    lambda vocab_size, d_model, num_layers, d_ff: 12 * num_layers * d_model**2)  # fmt: skip
number_mistakes(COUNT, parameter_count)
