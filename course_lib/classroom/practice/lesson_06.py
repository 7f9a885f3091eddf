"""The checks of lesson 06, the Transformer's architecture, in the order in which its exercises come.

Sublayers and norms are given to the learner's functions as functions, so that the wiring alone is judged.
"""

import numpy as np

from course_lib.attention import scaled_dot_product_attention, softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import (
    add_messages,
    call_on_batch,
    count_of_arrays,
    every_feature_counts,
    mistake,
    same_values,
)
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw
from course_lib.classroom.practice.trial import call

add_messages(
    {
        # layer norm
        "norm-over-tokens": "You take mean and spread over the tokens. Each token is normed by its own features: the last axis.",
        "norm-over-everything": "One mean and one spread for the whole array: tokens and sentences feel each other. Each token "
        "has its own: axis=-1, keepdims=True.",
        "norm-no-mean": "The mean is not subtracted. (That is RMSNorm, which many newer models use; here the mean goes first.)",
        "norm-unit-length": "Your tokens have length 1. Their spread should be 1: divide by the root of the *mean* of the squared "
        "deviations, not of their sum.",
        "norm-precedence": "Only the mean is divided by the spread: x - mean needs brackets.",
        "norm-mean-deviation": "You divide by the mean of the absolute deviations. The spread is the root of the mean of their squares.",
        "norm-second-moment": "You divide by the root of the mean of x². The spread is measured from the mean: square x - mean.",
        "norm-not-divided": "The tokens have mean 0, but not spread 1: the division is missing.",
        "norm-by-variance": "You divide by the variance. The spread is its root.",
        "norm-sample-variance": "You divide the squared deviations by d_model - 1. Layer norm takes their plain mean: ddof=0.",
        "norm-no-gain": "The gain changes nothing in your result.",
        "norm-no-bias": "The bias changes nothing in your result.",
        "norm-gain-and-bias-swapped": "Gain and bias are exchanged: the gain multiplies, the bias is added.",
        "norm-bias-before-gain": "You add the bias before you multiply: gain · (x̂ + bias). The gain comes first, then the bias.",
        "norm-missing-keepdims": "Each token is normed with the mean or spread of another: without keepdims=True they line up with "
        "the columns.",
        "norm-constant-token": "A token whose numbers are all alike gives NaN: 0 divided by 0. What is eps for, and where does it "
        "stand?",
        "norm-eps-outside": "eps is added to the root. It stands under it: sqrt(variance + eps).",
        "norm-eps-ignored": "Your eps is not the one that was passed. Under the root: variance + eps.",
        # residual
        "residual-missing": "The sublayer's result replaces x. A residual connection adds it: x + …",
        "residual-without-norm": "The norm is missing: this is x + sublayer(x).",
        "residual-norms-the-addition": "You norm what the sublayer gives, then add. Post-norm adds first and norms the sum; pre-norm "
        "norms what the sublayer reads.",
        "residual-norms-only-x": "You norm x and add what the sublayer gives to that. Post-norm norms the sum, x and all.",
        "residual-normed-stream": "In pre-norm you add to the normed x. The stream itself stays untouched: x + sublayer(norm(x)).",
        "residual-norm-twice": "You norm before and after. It is one of the two: norm_first says which.",
        "residual-always-post": "norm_first changes nothing: you give post-norm in both cases.",
        "residual-always-pre": "norm_first changes nothing: you give pre-norm in both cases.",
        "residual-flag-inverted": "The two orders are exchanged: norm_first=True means that the norm comes before the sublayer.",
        "residual-no-sublayer": "The sublayer leaves no trace in your result.",
        # feed-forward
        "ff-no-relu": "Your result is linear in x: the ReLU between the two maps is missing.",
        "ff-relu-at-the-end": "Negative results are cut off: there is a ReLU after the second map. It stands between the two.",
        "ff-relu-before-bias": "You cut off at 0 before b_1 is added. The bias sets the threshold: max(0, x W_1 + b_1).",
        "ff-no-b_1": "b_1 changes nothing in your result.",
        "ff-no-b_2": "b_2 changes nothing in your result.",
        "ff-hidden-only": "These are the hidden units, d_ff of them. The second map brings them back to d_model.",
        "ff-keeps-the-negative": "You keep what is negative. A ReLU takes the larger of 0 and each number: np.maximum.",
        "ff-other-activation": "Another function stands between your two maps. The paper of 2017 has a ReLU: max(0, …).",
        "ff-gelu": "These are the values with a GELU. The paper of 2017 has a ReLU: max(0, …).",
        "ff-absolute": "You take absolute values. A ReLU gives 0 for what is negative.",
        "ff-with-residual": "x is added already. That belongs to the block; the feed-forward network gives only what is to be added.",
        # find the bug
        "pair-not-two": "Two arrays were expected, `return x, y`; your function returns {returned}.",
        "pair-shapes": "x has shape {x} and y has shape {y}; expected two sentences of as many tokens, (tokens, 4), at least 2.",
        "pair-not-finite": "Your sentences hold NaN or infinity. It fails with perfectly ordinary numbers.",
        "pair-same": "Both sentences are the same. Of course nobody can tell them apart.",
        "pair-reordered": "y is x in another order. Without positions the right encoder can't tell these apart either (up to the "
        "order of its rows). Find two that hold different tokens.",
        "pair-told-apart": "The colleague's encoder gives different results for these. What does its first line keep of a sentence?",
        # encoder block
        "block-no-residuals": "Neither sublayer has its residual: what comes in is replaced twice.",
        "block-first-residual": "The first residual is missing: norm_1(x + attend(x)).",
        "block-second-residual": "The second residual is missing: norm_2(x + feed_forward(x)).",
        "block-second-adds-input": "The second residual adds the block's input. It adds what came out of the first norm.",
        "block-feed-forward-reads-input": "The feed-forward network reads the block's input. It reads what attention and the first "
        "norm have made of it.",
        "block-pre-norm": "This is a pre-norm block. Here the norms come after the addition, as in 2017.",
        "block-norms-exchanged": "The two norms are exchanged: norm_1 belongs to attention, norm_2 to the feed-forward network.",
        "block-one-norm-twice": "One norm stands in both places. Each sublayer has its own, with its own gain and bias.",
        "block-norms-the-additions": "You norm what a sublayer gives, then add. Post-norm adds first and norms the sum.",
        "block-side-by-side": "Both sublayers read the block's input. In 2017 the network reads what attention has made of it.",
        "block-attends-twice": "Attention stands in both places. The second sublayer is the feed-forward network.",
        "block-no-first-norm": "The first norm is missing: without it the sum goes on as it is.",
        "block-no-second-norm": "The second norm is missing at the end of the block.",
        "block-feed-forward-first": "The feed-forward network comes first. In the paper the tokens talk first, then each thinks.",
        "block-no-attention": "Attention leaves no trace in your result.",
        "block-no-feed-forward": "The feed-forward network leaves no trace in your result.",
        # decoder block
        "decoder-sees-the-future": "Changing a later token of x moves earlier rows: your self-attention is not causal. Position i may "
        "see positions 0 … i: np.tri.",
        "decoder-mask-transposed": "Each token sees itself and what comes after: your causal mask is transposed. Rows are queries.",
        "decoder-ignores-memory": "The memory changes nothing in your result: where is cross-attention?",
        "decoder-memory-mask-ignored": "Hidden rows of the memory move your result: pass memory_mask to cross_attend.",
        "decoder-memory-mask-inverted": "Cross-attention sees the hidden rows of the memory and no others. True means that a row may be "
        "attended to: pass memory_mask as it is.",
        "decoder-mask-hides-itself": "In your causal mask a token may not see itself. Position i sees 0 … i, itself included.",
        "decoder-norms-exchanged": "The norms stand in another order: norms[0] belongs to self-attention, norms[1] to "
        "cross-attention, norms[2] to the feed-forward network.",
        "decoder-cross-reads-input": "Cross-attention goes on from the block's input. It reads, and adds to, what the first norm gave.",
        "decoder-no-feed-forward": "The feed-forward network leaves no trace in your result.",
        "decoder-no-self-residual": "The residual around self-attention is missing.",
        "decoder-no-last-residual": "The residual around the feed-forward network is missing.",
        "decoder-no-norms": "The norms are missing: each sum goes on as it is.",
        "decoder-queries-from-memory": "Queries and memory are exchanged in cross-attention. The decoder asks: "
        "cross_attend(x, memory, …).",
        "decoder-cross-is-causal": "Your cross-attention is causal. The whole source has been read: only memory_mask applies there.",
        "decoder-cross-first": "Cross-attention comes first. The order is self-attention, cross-attention, feed-forward.",
        "decoder-adds-memory": "The residual of cross-attention adds the memory. It adds the decoder's own stream.",
        "decoder-self-reads-memory": "Your self-attention takes its keys from the memory. There x attends to x.",
        "decoder-pre-norm": "This is a pre-norm block. Here the norms come after the addition, as in 2017.",
        "decoder-no-residuals": "The residuals are missing: what comes in is replaced three times.",
        "decoder-no-cross-residual": "The residual around cross-attention is missing.",
        # shift
        "shift-not-a-pair": "Two arrays were expected, `return inputs, labels`; your function returns {returned}.",
        "shift-none": "Inputs and labels are the same: the model would learn to copy. The inputs are one step late.",
        "shift-exchanged": "Inputs and labels are exchanged: the inputs begin with start_id, the labels end with end_id.",
        "shift-end-after-padding": "The end stands after the padding. It comes right after the last real token of each sentence.",
        "shift-end-in-all-padding": "Every padding in your labels has become an end. There is one end a sentence, then padding.",
        "shift-no-end": "No end_id in your labels: the model would never learn to stop.",
        "shift-no-start": "Your inputs don't begin with start_id: what does the decoder read before the first token?",
        "shift-too-long": "Your arrays are one too long: with start and end there are len + 2 tokens; cut the last off the inputs and "
        "the first off the labels.",
        "shift-cut-too-short": "Your arrays have no room: both are as long as the sentences. A sentence of n tokens asks for n + 1 "
        "predictions: its tokens and the end.",
        "shift-nothing-added": "You shift the sentences as they are. Before that, start_id goes in front and end_id behind.",
        "shift-minus-100": "-100 stands for padding in your labels. Here padding stays pad_id; the loss is told which id to leave out.",
        "shift-ids-hard-coded": "With another start_id or end_id you still write 1 or 2. Use the parameters.",
        "shift-end-overwrites": "The end has replaced each sentence's last token. It comes after it.",
        "shift-pad-hard-coded": "With another pad_id you still look for 0. Use the parameter.",
        "shift-end-in-inputs": "Your inputs hold the end. Nothing is to be predicted after it: leave it out of the inputs.",
        # influence
        "moves-transposed": "Rows and columns are exchanged: row = the output that moves, column = the token that is changed.",
        "influence-cumulative": "You change one token after another without putting the earlier ones back. Start from x each time.",
        "moves-not-boolean": "Your table holds numbers. Does it move or not: booleans.",
        "influence-inverted": "True and False are exchanged: True means that it moves.",
        "influence-no-change": "Nothing moves in your table. Is the token really changed in what you pass on, and by more than rounding?",
        "influence-guessed": "That is a lower triangle, what a causal function should give. Measure this one: call it, and compare.",
        "influence-rounding": "Rounding counts as movement in your table: differences near 1e-13. Compare with a tolerance.",
        "influence-zero-token": "A token of zeros is not changed by multiplying: what it moves is missed. Add something.",
        "influence-wide-tolerance": "A small but real influence is missed: your tolerance is too wide, or your change too small.",
        # count
        "count-no-biases": "Your number lacks the biases of the linear maps.",
        "count-no-norms": "Your number lacks the gains and biases of the layer norms.",
        "count-untied": "You count more than one table of embeddings. Source, target and logits share one.",
        "count-no-embeddings": "Your number lacks the table of embeddings.",
        "count-one-attention": "Your decoder blocks have one attention. They have two: self and cross.",
        "count-two-norms": "Your decoder blocks have two norms. There is one for each of the three sublayers.",
        "count-encoder-only": "That is the encoder (and the embeddings) alone. The decoder has num_layers blocks, too.",
        "count-no-output": "Your attentions lack the output projection W_O: it is four matrices, not three.",
        "count-some-biases": "Your number lacks some of the biases. Attention's four maps have one each, and so have both maps of the "
        "feed-forward network.",
        "count-norm-one-vector": "A layer norm has two vectors: a gain and a bias.",
        "count-last-norm": "You count norms after the last blocks. Post-norm blocks end with a norm as they are.",
        "count-positions": "You count a table of positions. Here positions are sines: nothing is learned.",
        "count-bias-of-logits": "You count a bias for the logits. They are products with the table of embeddings, and no more.",
        "count-one-block": "That is one encoder block and one decoder block. There are num_layers of each.",
        "count-wrong": "For {sizes} your number is {yours:,}; it is {right:,}, a difference of {gap:+,}.",
    }
)

BATCH, SEQ_LEN, D_MODEL, D_FF, SOURCE_LEN = 2, 5, 6, 11, 7


def right_norm(x, gain=1.0, bias=0.0, eps=1e-5):
    """Layer norm over the last axis (Ba et al. 2016, §3)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return gain * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps) + bias


@checks(
    "06.layer_norm",
    title="Layer norm: each token by itself",
    points=2,
    hints=[
        "Four steps: subtract the mean, divide by the spread, multiply by the gain, add the bias. Over which axis?",
        "`x.mean(axis=-1, keepdims=True)` is one mean a token. The variance is the mean of the squared deviations.",
        "`gain * (x - mean) / np.sqrt(variance + eps) + bias`, with `variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)`.",
    ],
)
def layer_norm(candidate):
    gain, bias, eps = draw(1, D_MODEL) + 2, draw(2, D_MODEL), 1e-12  # so small that its place does not matter yet
    for x in (3 * draw(3, D_MODEL, D_MODEL) + 1, 2 * draw(4, BATCH, SEQ_LEN, D_MODEL) - 1):
        ask = call if x.ndim == 2 else call_on_batch
        got = ask(candidate, x, gain, bias, eps)
        same_values(got, right_norm(x, gain, bias, eps), "normed tokens", norm_suspects(x, gain, bias))

    flat = np.vstack([np.full(D_MODEL, 3.0), draw(5, D_MODEL)])
    got, expected = call(candidate, flat, gain, bias, 1e-5), right_norm(flat, gain, bias, 1e-5)
    show = {"expected": expected, "got": got, "what": "a token whose numbers are all alike"}
    assert got.shape != expected.shape or np.isfinite(got).all(), mistake("norm-constant-token", **show)

    faint, eps = 1e-3 * draw(6, SEQ_LEN, D_MODEL), 1e-4
    spread = faint.std(axis=-1, keepdims=True)
    outside = gain * (faint - faint.mean(axis=-1, keepdims=True)) / (spread + eps) + bias
    got = call(candidate, faint, gain, bias, eps)
    suspects = {"norm-eps-outside": outside}
    same_values(got, right_norm(faint, gain, bias, eps), "faint tokens", suspects, when_wrong="norm-eps-ignored")


def norm_suspects(x, gain, bias):
    """What well-known mistakes give for the layer norm of x (…, d_model)."""
    mean = x.mean(axis=-1, keepdims=True)
    centred = x - mean
    variance = (centred**2).mean(axis=-1, keepdims=True)
    normed = centred / np.sqrt(variance)
    across = np.swapaxes(right_norm(np.swapaxes(x, -1, -2), eps=0), -1, -2)
    sample = centred / np.sqrt(x.var(axis=-1, ddof=1, keepdims=True))
    suspects = {
        "norm-over-tokens": [across * gain + bias, (x - x.mean(0)) / np.sqrt(x.var(0)) * gain + bias],
        "norm-over-everything": (x - x.mean()) / np.sqrt(x.var()) * gain + bias,
        "norm-no-mean": [x / np.sqrt((x**2).mean(axis=-1, keepdims=True)) * gain + one for one in (bias, 0)],
        "norm-unit-length": [gain * one / np.sqrt((one**2).sum(axis=-1, keepdims=True)) + bias for one in (centred, x)],
        "norm-second-moment": gain * centred / np.sqrt((x**2).mean(axis=-1, keepdims=True)) + bias,
        "norm-precedence": [
            gain * x - mean / np.sqrt(variance) + bias,
            (x - mean / np.sqrt(variance)) * gain + bias,
        ],
        "norm-mean-deviation": gain * centred / np.abs(centred).mean(axis=-1, keepdims=True) + bias,
        "norm-not-divided": gain * centred + bias,
        "norm-by-variance": gain * centred / (variance) + bias,
        "norm-sample-variance": gain * sample + bias,
        "norm-no-gain": normed + bias,
        "norm-no-bias": gain * normed,
        "norm-gain-and-bias-swapped": bias * normed + gain,
        "norm-bias-before-gain": gain * (normed + bias),
        "norm-eps-ignored": [right_norm(x, gain, bias, eps) for eps in (1e-5, 1e-6, 1e-8)],
    }
    if x.ndim == 2 and x.shape[0] == x.shape[1]:  # where a row of means silently lines up with the columns
        mean, spread = x.mean(axis=-1), np.sqrt(x.var(axis=-1))
        suspects["norm-missing-keepdims"] = [
            gain * (x - mean) / spread + bias,
            gain * centred / spread + bias,
            gain * (x - mean) / spread[:, None] + bias,
            gain * (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis=-1)) + bias,
        ]
    return suspects


def sublayer_of(seed):
    """A function of tokens that is not linear, different for each seed."""
    W = draw(seed, D_MODEL, D_MODEL)
    return lambda x: np.tanh(x @ W) * 2


def norm_of(seed):
    """A layer norm with a gain and a bias of its own."""
    gain, bias = draw(seed, D_MODEL) / 4 + 1.5, draw(seed + 1, D_MODEL)
    return lambda x: right_norm(x, gain, bias)


@checks(
    "06.residual",
    title="The residual, in both orders",
    points=2,
    hints=[
        "Both orders add x itself. They differ in where the norm stands.",
        "Post-norm norms the sum. Pre-norm norms only what the sublayer reads; the x that is added stays as it is.",
        "`norm(x + sublayer(x))` and `x + sublayer(norm(x))`.",
    ],
)
def residual(candidate):
    x, f, norm = draw(1, SEQ_LEN, D_MODEL), sublayer_of(2), norm_of(3)
    post, pre = norm(x + f(x)), x + f(norm(x))
    after, before = call(candidate, x, f, norm, False), call(candidate, x, f, norm, True)
    for got, right, other, always in (
        (after, post, before, "residual-always-pre"),
        (before, pre, after, "residual-always-post"),
    ):
        wrong_one = pre if right is post else post
        if probes.close(got, wrong_one):
            both = probes.close(other, right)
            raise AssertionError(
                mistake("residual-flag-inverted" if both else always, expected=right, got=got, what="x")
            )
        normed = norm(x)
        suspects = {
            "residual-missing": [norm(f(x)), f(norm(x)), f(x)],
            "residual-without-norm": x + f(x),
            "residual-norms-the-addition": x + norm(f(x)),
            "residual-norms-only-x": normed + f(x),
            "residual-normed-stream": normed + f(normed),
            "residual-norm-twice": norm(x + f(normed)),
            "residual-no-sublayer": [x, normed, 2 * x, norm(2 * x), x + normed],
        }
        same_values(got, right, "x after the sublayer", suspects)
    batch = draw(5, BATCH, SEQ_LEN, D_MODEL)
    got = call_on_batch(candidate, batch, f, norm, False)
    same_values(got, norm(batch + f(batch)), "x after the sublayer", when_wrong="wrong-on-batch")


@checks(
    "06.feed_forward",
    title="The feed-forward network",
    points=1,
    hints=[
        "Expand, cut off at 0, contract: two matrix products with a ReLU between them.",
        "`np.maximum(0, …)` is a ReLU. The first bias belongs inside it.",
        "`np.maximum(0, x @ W_1 + b_1) @ W_2 + b_2`.",
    ],
)
def feed_forward(candidate):
    W_1, b_1 = draw(1, D_MODEL, D_FF), draw(2, D_FF)
    W_2, b_2 = draw(3, D_FF, D_MODEL), draw(4, D_MODEL)
    for x in (draw(5, SEQ_LEN, D_MODEL), draw(6, BATCH, SEQ_LEN, D_MODEL)):
        ask = call if x.ndim == 2 else call_on_batch
        expanded = x @ W_1 + b_1
        hidden = np.maximum(0, expanded)
        right = hidden @ W_2 + b_2
        gelu = expanded * (1 + np.tanh(np.sqrt(2 / np.pi) * (expanded + 0.044715 * expanded**3))) / 2
        suspects = {
            "ff-no-relu": expanded @ W_2 + b_2,
            "ff-relu-at-the-end": [np.maximum(0, right), np.maximum(0, expanded @ W_2 + b_2)],
            "ff-relu-before-bias": (np.maximum(0, x @ W_1) + b_1) @ W_2 + b_2,
            "ff-no-b_1": np.maximum(0, x @ W_1) @ W_2 + b_2,
            "ff-no-b_2": hidden @ W_2,
            "ff-gelu": gelu @ W_2 + b_2,
            "ff-absolute": np.abs(expanded) @ W_2 + b_2,
            "ff-with-residual": x + right,
            "ff-hidden-only": [hidden, expanded],
            "ff-keeps-the-negative": np.minimum(0, expanded) @ W_2 + b_2,
            "ff-other-activation": [bent @ W_2 + b_2 for bent in other_activations(expanded)],
        }
        same_values(ask(candidate, x, W_1, b_1, W_2, b_2), right, "what is to be added", suspects)


def other_activations(x):
    """What stands between the two maps where it is no ReLU: sigmoid, tanh, SiLU, softplus, leaky ReLUs, a step, softmax."""
    sigmoid = 1 / (1 + np.exp(-x))
    leaky = [np.where(x > 0, x, slope * x) for slope in (0.01, 0.1, 0.2)]
    return [sigmoid, np.tanh(x), x * sigmoid, np.logaddexp(0, x), *leaky, (x > 0).astype(float), softmax(x)]


def right_block(x):
    """One encoder block of fixed weights, without positions: (tokens, 4) to the same."""
    W_Q, W_K, W_V = (draw(seed, 4, 4) for seed in (1, 2, 3))
    context, _ = scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V)
    x = right_norm(x + context)
    return right_norm(x + np.maximum(0, x @ draw(4, 4, 16)) @ draw(5, 16, 4))


def colleagues_encoder(x):
    """A colleague's encoder: it reads a sentence, one row a token (tokens, 4). All shapes fit, and it trains."""
    sentence = x.mean(axis=0, keepdims=True)
    return right_block(sentence)


@checks(
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
    returned = count_of_arrays(got)
    assert isinstance(got, tuple) and len(got) == 2, mistake("pair-not-two", returned=returned)
    x, y = (array.astype(float) for array in got)
    fits = x.shape == y.shape and x.ndim == 2 and x.shape[0] >= 2 and x.shape[1] == 4
    assert fits, mistake("pair-shapes", x=x.shape, y=y.shape)
    assert np.isfinite(x).all() and np.isfinite(y).all(), mistake("pair-not-finite")
    assert not probes.close(x, y), mistake("pair-same")
    in_order = [rows[np.lexsort(rows.round(9).T)] for rows in (x, y)]
    assert not probes.close(*in_order), mistake("pair-reordered", expected=x, got=y, what="the same tokens")
    theirs = [colleagues_encoder(rows) for rows in (x, y)]
    show = {"expected": theirs[0], "got": theirs[1], "what": "what the colleague makes of x and of y"}
    assert probes.close(*theirs), mistake("pair-told-apart", **show)


@checks(
    "06.encoder_block",
    title="The encoder block",
    points=2,
    hints=[
        "Two lines. Each is one residual in post-norm, as in task 2.",
        "Attention first. The second line starts from what the first has made, both for the residual and for the network.",
        "`x = norm_1(x + attend(x))`, then `return norm_2(x + feed_forward(x))`.",
    ],
)
def encoder_block(candidate):
    W = draw(9, D_MODEL, D_MODEL)

    def attend(x):
        return scaled_dot_product_attention(x @ W, x, 2 * x)[0]

    f, one, two = sublayer_of(2), norm_of(3), norm_of(5)
    for x in (draw(1, SEQ_LEN, D_MODEL), draw(7, BATCH, SEQ_LEN, D_MODEL)):
        ask = call if x.ndim == 2 else call_on_batch
        middle = one(x + attend(x))
        right = two(middle + f(middle))
        pre = x + attend(one(x))
        fed = one(x + f(x))
        other = two(x + attend(x))
        bare = x + attend(x)
        replaced = one(attend(x))
        heard = x + one(attend(x))
        suspects = {
            "block-no-residuals": [two(f(one(attend(x)))), f(attend(x))],
            "block-first-residual": two(replaced + f(replaced)),
            "block-second-residual": two(f(middle)),
            "block-second-adds-input": two(x + f(middle)),
            "block-feed-forward-reads-input": two(middle + f(x)),
            "block-pre-norm": pre + f(two(pre)),
            "block-norms-exchanged": one(other + f(other)),
            "block-one-norm-twice": [one(middle + f(middle)), two(other + f(other))],
            "block-norms-the-additions": heard + two(f(heard)),
            "block-side-by-side": [two(one(bare + f(x))), one(bare + f(x)), two(bare + f(x)), middle + two(x + f(x))],
            "block-attends-twice": two(middle + attend(middle)),
            "block-no-first-norm": two(bare + f(bare)),
            "block-no-second-norm": middle + f(middle),
            "block-feed-forward-first": [two(fed + attend(fed)), one(two(x + f(x)) + attend(two(x + f(x))))],
            "block-no-attention": [two(x + f(x)), two(one(x) + f(one(x)))],
            "block-no-feed-forward": [middle, two(middle)],
        }
        same_values(ask(candidate, x, attend, f, one, two), right, "what the block gives", suspects)


@checks(
    "06.decoder_block",
    title="The decoder block",
    points=4,
    hints=[
        "Three lines, each a residual in post-norm: self-attention, cross-attention, feed-forward, with norms[0], [1], [2].",
        "self_attend(x, x, mask) with a causal mask, `np.tri(len(x), dtype=bool)`. cross_attend(x, memory, memory_mask): the first "
        "argument makes the queries.",
        "The second line: `x = norms[1](x + cross_attend(x, memory, memory_mask))`.",
    ],
)
def decoder_block(candidate):
    weights = {seed: draw(seed, D_MODEL, D_MODEL) for seed in (21, 22)}

    def attention(seed):
        def attend(x, memory, mask=None):
            keys = memory @ weights[seed]
            return scaled_dot_product_attention(x, keys, 2 * memory + 1, mask)[0]

        return attend

    own, cross, f = attention(21), attention(22), sublayer_of(2)
    norms = norm_of(3), norm_of(5), norm_of(7)
    parts = own, cross, f, norms
    for source_len in (
        SEQ_LEN,
        SOURCE_LEN,
    ):  # as long as the target, so that exchanged roles give an answer; then longer
        x, memory = draw(1, SEQ_LEN, D_MODEL), draw(8, source_len, D_MODEL)
        memory_mask = np.arange(source_len) < source_len - 2
        right, suspects = decoder_answers(x, memory, memory_mask, *parts)
        got = call(candidate, x, memory, memory_mask, *parts)
        found = None if probes.close(got, right) else probes.first_match(got, suspects)
        assert found is None, mistake(found, expected=right, got=got, what="what the block gives")
        if got.shape == right.shape:
            felt = probes.influence(lambda x: call(candidate, x, memory, memory_mask, *parts), x)  # noqa: B023
            future = np.triu(felt, 1)
            show = {"expected": np.zeros_like(future), "got": future, "what": "later tokens that are felt"}
            assert not future.any(), mistake("decoder-sees-the-future", **show)
            felt = probes.influence(lambda memory: call(candidate, x, memory, memory_mask, *parts), memory)  # noqa: B023
            assert felt.any(), mistake("decoder-ignores-memory", expected=right, got=got, what="what the block gives")
            hidden = felt & ~memory_mask
            show = {"expected": np.zeros_like(hidden), "got": hidden, "what": "hidden rows of the memory that are felt"}
            assert not hidden.any(), mistake("decoder-memory-mask-ignored", **show)
        same_values(got, right, "what the block gives")


ORDERS_OF_NORMS = [(0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (0, 0, 0), (1, 1, 1), (2, 2, 2)]


def decoder_answers(x, memory, memory_mask, own, cross, f, norms):
    """The right result of a decoder block, and what well-known mistakes give."""
    causal = np.tri(len(x), dtype=bool)

    def rest(x):
        return norms[2](x + f(x))

    def from_middle(x):
        return rest(norms[1](x + cross(x, memory, memory_mask)))

    def in_this_order(order):
        a, b, c = (norms[i] if i is not None else lambda x: x for i in order)
        heard = a(x + own(x, x, causal))
        asked = b(heard + cross(heard, memory, memory_mask))
        return c(asked + f(asked))

    first = norms[0](x + own(x, x, causal))
    second = norms[0](x + cross(x, memory, memory_mask))
    pre = x + own(norms[0](x), norms[0](x), causal)
    pre = pre + cross(norms[1](pre), memory, memory_mask)
    middle = norms[1](first + cross(first, memory, memory_mask))
    alone = norms[0](own(x, x, causal))
    alone = norms[1](cross(alone, memory, memory_mask))
    suspects = {
        "decoder-sees-the-future": from_middle(norms[0](x + own(x, x, None))),
        "decoder-mask-transposed": from_middle(norms[0](x + own(x, x, causal.T))),
        "decoder-ignores-memory": [
            rest(first),
            rest(norms[1](first)),
            rest(norms[1](first + cross(first, first, causal))),
        ],
        "decoder-memory-mask-ignored": rest(norms[1](first + cross(first, memory, None))),
        "decoder-cross-first": rest(norms[1](second + own(second, second, causal))),
        "decoder-self-reads-memory": from_middle(norms[0](x + own(x, memory, memory_mask))),
        "decoder-pre-norm": pre + f(norms[2](pre)),
        "decoder-no-residuals": norms[2](f(alone)),
        "decoder-no-cross-residual": rest(norms[1](cross(first, memory, memory_mask))),
        "decoder-memory-mask-inverted": rest(norms[1](first + cross(first, memory, ~memory_mask))),
        "decoder-mask-hides-itself": from_middle(norms[0](x + own(x, x, np.tri(len(x), k=-1, dtype=bool)))),
        "decoder-norms-exchanged": [in_this_order(order) for order in ORDERS_OF_NORMS],
        "decoder-cross-reads-input": [
            rest(norms[1](stream + cross(asks, memory, memory_mask)))
            for stream, asks in ((first, x), (x, first), (x, x))
        ],
        "decoder-no-feed-forward": [middle, norms[2](middle)],
        "decoder-no-self-residual": from_middle(norms[0](own(x, x, causal))),
        "decoder-no-last-residual": norms[2](f(middle)),
        "decoder-no-norms": in_this_order([None] * 3),
    }
    if len(memory) == len(x):
        exchanged = [rest(norms[1](first + cross(memory, first, mask))) for mask in (None, memory_mask, causal)]
        suspects |= {
            "decoder-queries-from-memory": exchanged,
            "decoder-cross-is-causal": [
                rest(norms[1](first + cross(first, memory, mask))) for mask in (causal, causal & memory_mask)
            ],
            "decoder-adds-memory": rest(norms[1](memory + cross(first, memory, memory_mask))),
        }
    return from_middle(first), suspects


@checks(
    "06.teacher_forcing",
    title="The shift: what the decoder reads, what it predicts",
    points=2,
    hints=[
        "For one sentence a b c: it reads start a b c, and predicts a b c end.",
        "Both are one longer than the sentence. The end takes the place of the first padding.",
        "Labels: append a column of pad_id, then `labels[np.arange(batch), lengths] = end_id` with "
        "`lengths = (sentences != pad_id).sum(axis=1)`.",
    ],
)
def teacher_forcing(candidate):
    for pad_id, start_id, end_id, sentences in (
        (0, 1, 2, np.array([[5, 7, 4, 9], [8, 3, 0, 0], [6, 0, 0, 0]])),
        (9, 12, 11, np.array([[5, 0, 9], [3, 4, 7]])),
    ):
        got = call(candidate, sentences, start_id, end_id, pad_id)
        returned = count_of_arrays(got)
        assert isinstance(got, tuple) and len(got) == 2, mistake("shift-not-a-pair", returned=returned)
        expected = shifted(sentences, start_id, end_id, pad_id)
        found = probes_of_pair(got, shift_suspects(sentences, start_id, end_id, pad_id), expected)
        which = 0 if not probes.close(got[0], expected[0]) else 1
        show = {"expected": expected[which], "got": got[which], "what": ("inputs", "labels")[which]}
        assert found is None, mistake(found, **show)
        same_values(got[0], expected[0], "inputs")
        same_values(got[1], expected[1], "labels")


def shifted(sentences, start_id, end_id, pad_id):
    """The inputs and labels of teacher forcing."""
    column = np.full((len(sentences), 1), start_id)
    labels = np.hstack([sentences, np.full_like(column, pad_id)])
    labels[np.arange(len(sentences)), (sentences != pad_id).sum(axis=1)] = end_id
    return np.hstack([column, sentences]), labels


def probes_of_pair(got, suspects, expected):
    """The name of the first suspect that a pair of arrays equals, unless it is right."""
    if all(probes.close(one, right) for one, right in zip(got, expected, strict=True)):
        return None
    for name, pairs in suspects.items():
        for pair in pairs:
            if all(probes.close(one, wrong) for one, wrong in zip(got, pair, strict=True)):
                return name
    return None


def shift_suspects(sentences, start_id, end_id, pad_id):
    """What well-known mistakes give for the shift: dict of diagnosis to a list of (inputs, labels)."""
    rows = len(sentences)
    inputs, labels = shifted(sentences, start_id, end_id, pad_id)
    pads = np.full((rows, 1), pad_id)
    end = np.full((rows, 1), end_id)
    whole = np.hstack([inputs, pads])  # start, sentence, end, padding
    whole[np.arange(rows), (sentences != pad_id).sum(axis=1) + 1] = end_id
    with_end_last = np.hstack([inputs, end])
    suspects = {
        "shift-none": [(labels, labels), (inputs, inputs), (whole, whole), (sentences, sentences)],
        "shift-exchanged": [(labels, inputs)],
        "shift-end-after-padding": [
            (inputs, np.hstack([sentences, end])),
            (with_end_last[:, :-1], with_end_last[:, 1:]),
        ],
        "shift-end-in-all-padding": [(inputs, np.where(labels == pad_id, end_id, labels))],
        "shift-no-end": [(inputs, np.hstack([sentences, pads])), (inputs[:, :-1], sentences)],
        "shift-no-start": [(np.hstack([sentences, pads]), labels), (sentences, labels), (sentences, labels[:, 1:])],
        "shift-too-long": [(whole, np.hstack([labels, pads])), (np.hstack([inputs, pads]), np.hstack([labels, pads]))],
        "shift-cut-too-short": [(inputs[:, :-1], labels[:, :-1])],
        "shift-end-in-inputs": [(whole[:, :-1], labels)],
    }
    over = np.hstack([sentences, pads])
    over[np.arange(rows), (sentences != pad_id).sum(axis=1) - 1] = end_id
    suspects["shift-nothing-added"] = [(sentences[:, :-1], sentences[:, 1:])]
    suspects["shift-minus-100"] = [(inputs, np.where(labels == pad_id, -100, labels))]
    suspects["shift-ids-hard-coded"] = [
        shifted(sentences, *ids, pad_id) for ids in ((1, 2), (1, end_id), (start_id, 2))
    ]
    suspects["shift-end-overwrites"] = [(inputs, over)]
    if pad_id != 0:
        hard = shifted(sentences, start_id, end_id, 0)
        suspects["shift-pad-hard-coded"] = [hard, (inputs, np.where(hard[1] == 0, pad_id, hard[1]))]
        padded = np.hstack([sentences, np.zeros_like(pads)])
        padded[np.arange(rows), (sentences != 0).sum(axis=1)] = end_id
        suspects["shift-pad-hard-coded"].append((inputs, padded))
    return suspects


@checks(
    "06.influence",
    title="The leak test: who is felt where?",
    points=3,
    hints=[
        "Compute the output once. Then, for each token: a copy of x with that token changed, the output again, compare row by row.",
        "An output has moved if *any* of its features has: `np.abs(after - before).max(axis=-1) > 1e-9`. Add to the token: 0 times "
        "anything is 0.",
        "One column a token: `table[:, j] = moved`. Start each time from a fresh `x.copy()`.",
    ],
)
def influence(candidate):
    every_feature_counts(candidate, draw(1, SEQ_LEN, D_MODEL))
    cases = influence_cases()
    tables = {}
    for name, (function, x, expected) in cases.items():
        got = call(candidate, function, x)
        show = {"expected": expected, "got": got, "what": f"table of {name}"}
        if got.shape == expected.shape and got.dtype.kind != "b":
            raise AssertionError(mistake("moves-not-boolean", **show))
        if not np.array_equal(got, expected) and got.shape == expected.shape:
            so_far = np.logical_or.accumulate(expected, axis=1)
            suspects = {
                "influence-inverted": ~expected,
                "influence-cumulative": so_far,
                "moves-transposed": expected.T,
                "influence-guessed": np.tri(len(expected), dtype=bool),
            }
            if name == "some pairs":
                suspects["influence-no-change"] = np.zeros_like(expected)
            for diagnosis, wrong in suspects.items():
                assert np.array_equal(wrong, expected) or not np.array_equal(got, wrong), mistake(diagnosis, **show)
            special = {
                "rounding noise": "influence-rounding",
                "opposite features": "influence-sum-cancels",
                "the last feature": "influence-one-feature",
                "a token of zeros": "influence-zero-token",
                "a faint influence": "influence-wide-tolerance",
            }
            raise AssertionError(mistake(special.get(name, "different-values"), **show))
        tables[name] = got
        same_values(got, expected, f"table of {name}")


def influence_cases():
    """name -> (function, x, expected table): each moves what it moves in a way that some answers miss."""
    x = draw(1, SEQ_LEN, D_MODEL)
    causal = np.tri(SEQ_LEN, dtype=bool)
    odd = draw(3, SEQ_LEN, SEQ_LEN) > 0.2
    features = np.eye(D_MODEL)
    holed = x.copy()
    holed[1] = 0.0

    def mixing(table, feature=None):
        """Each output adds up, through a tanh, the tokens that its row of the table names."""
        pattern = np.ones(D_MODEL) if feature is None else feature
        return lambda x: table.astype(float) @ np.tanh(x.sum(axis=-1, keepdims=True)) * pattern

    noise = np.random.default_rng(4)
    return {
        "some pairs": (mixing(odd), x, odd),
        "a causal function": (mixing(causal), x, causal),
        "opposite features": (mixing(odd, features[0] - features[2]), x, odd),
        "the last feature": (mixing(odd, features[-1]), x, odd),
        "a token of zeros": (mixing(odd), holed, odd),
        "rounding noise": (lambda x: mixing(odd)(x) + 1e-13 * noise.normal(size=x.shape), x, odd),
        "a faint influence": (lambda x: 1e-4 * mixing(odd)(x), x, odd),
    }


@checks(
    "06.parameter_count",
    title="Count the parameters",
    points=2,
    hints=[
        "A linear map from m to n numbers has m · n weights and n biases. A layer norm has 2 · d_model.",
        "Attention: four maps from d_model to d_model. Encoder block: one attention, one feed-forward network, two norms. Decoder "
        "block: two attentions, one network, three norms. The table of embeddings counts once.",
        "`attention = 4 * (d_model**2 + d_model)`, `network = 2 * d_model * d_ff + d_ff + d_model`, `norm = 2 * d_model`.",
    ],
)
def parameter_count(candidate):
    for sizes in ((100, 8, 3, 20), (37000, 512, 6, 2048), (50, 6, 1, 9)):
        got = call(candidate, *sizes)
        right = count(*sizes)
        assert got.shape == (), mistake("wrong-shape", expected=np.array(right), got=got, what="a single number")
        if got != right:
            named = next((name for name, wrong in count_suspects(*sizes).items() if got in wrong), None)
            show = {"expected": np.array(right), "got": got, "what": "parameters"}
            assert named is None, mistake(named, **show)
            text = "vocab_size={}, d_model={}, num_layers={}, d_ff={}".format(*sizes)
            facts = {"sizes": text, "yours": got.item(), "right": right, "gap": got.item() - right}
            raise AssertionError(mistake("count-wrong", **facts, **show))


def count(vocab_size, d_model, num_layers, d_ff, *, bias=1, norms=(2, 3), tables=1, attentions=2, maps=4, decoder=1):
    """Parameters of the encoder-decoder of 2017; the keywords break it in well-known ways."""
    attention = maps * (d_model**2 + bias * d_model)
    network = 2 * d_model * d_ff + bias * (d_ff + d_model)
    encoder_block = attention + network + norms[0] * 2 * d_model
    decoder_block = attentions * attention + network + norms[1] * 2 * d_model
    return tables * vocab_size * d_model + num_layers * (encoder_block + decoder * decoder_block)


def count_suspects(*sizes):
    """diagnosis -> the numbers that this mistake gives."""
    vocab_size, d_model, num_layers, d_ff = sizes
    right = count(*sizes)
    return {
        "count-no-biases": [
            count(*sizes, bias=0),
            count(*sizes, bias=0, norms=(0, 0)),
            count(*sizes, bias=0, norms=(1, 1.5)),
        ],
        "count-no-norms": [count(*sizes, norms=(0, 0))],
        "count-untied": [count(*sizes, tables=2), count(*sizes, tables=3)],
        "count-no-embeddings": [count(*sizes, tables=0)],
        "count-one-attention": [count(*sizes, attentions=1), count(*sizes, attentions=1, norms=(2, 2))],
        "count-two-norms": [count(*sizes, norms=(2, 2))],
        "count-encoder-only": [count(*sizes, decoder=0), count(*sizes, decoder=0, tables=0)],
        "count-no-output": [count(*sizes, maps=3)],
        "count-some-biases": [right - num_layers * 12 * d_model, right - 2 * num_layers * (d_ff + d_model)],
        "count-norm-one-vector": [count(*sizes, norms=(1, 1.5))],
        "count-last-norm": [right + 4 * d_model, right + 2 * d_model],
        "count-positions": [right + length * d_model for length in (512, 1024, 2048, 5000)],
        "count-bias-of-logits": [right + vocab_size],
        "count-one-block": [count(vocab_size, d_model, 1, d_ff)],
    }
