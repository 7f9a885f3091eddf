"""The checks of lesson 12, long sequences, in the order in which its exercises come."""

import tracemalloc

import numpy as np

from course_lib.attention import causal_mask, scaled_dot_product_attention, softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import add_messages, is_mask, mistake, same_values
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw
from course_lib.classroom.practice.trial import call

add_messages(
    {
        "not-three": "Three arrays were expected, `{names}`; your function returns {returned}.",
        # counting
        "share-scores-only": "You count QKᵀ, but not weights @ values: that product has as many multiplications again.",
        "share-without-feed-forward": "The feed-forward network is missing: it multiplies every token by two matrices.",
        "share-half-feed-forward": "The feed-forward network has two matrices, d_model × d_ff and d_ff × d_model; you count one.",
        "share-without-output": "Four projections, not three: W_O comes after the heads.",
        "share-one-projection": "You count one projection. There are four: W_Q, W_K, W_V and W_O.",
        "share-ratio": "That is the quadratic part divided by the linear one. A share divides by the whole.",
        "share-of-the-rest": "That is the share of the other part, which grows linearly.",
        "share-percent": "That is in percent. A share lies between 0 and 1.",
        "share-count": "That is how many multiplications. Divide by those of the whole block.",
        "share-floored": "// drops what is behind the point, and a share lies between 0 and 1. Divide by /.",
        "share-with-projections": "You count the projections with the square. They have seq_len once; only QKᵀ and weights @ values have "
        "it twice.",
        "share-width-lost": "QKᵀ has seq_len² entries, but each is a product of d_model pairs: seq_len² · d_model.",
        "share-d-ff-guessed": "You take d_ff for 4 · d_model. It is given.",
        "share-of-one-token": "The projections and the feed-forward network are counted for one token. All seq_len tokens go through them.",
        # pieces
        "pieces-not-rescaled": "You add the pieces as they are. Each was computed against its own maximum: bring both to the common "
        "one first, by e^(old maximum - new maximum).",
        "pieces-total-not-rescaled": "The sums of values are rescaled, the totals are not. Both were computed against the old maximum.",
        "pieces-values-not-rescaled": "The totals are rescaled, the sums of values are not. Both were computed against the old maximum.",
        "pieces-rescaled-the-wrong-way": "Your factor is e^(new maximum - old maximum), which is above 1. A piece with the smaller "
        "maximum has to shrink.",
        "pieces-one-maximum": "You take one maximum for all queries. Each query has its own row, and its own maximum.",
        "pieces-second-maximum": "You always take the second piece's maximum. Where the first is larger, its factor explodes.",
        "pieces-first-maximum": "You always take the first piece's maximum. Where the second is larger, its factor explodes.",
        "pieces-plain": "e^highest as a factor undoes the subtraction: the sums then belong to a maximum of 0, not to yours, and large scores "
        "overflow. The factor is e^(old maximum - new maximum).",
        "pieces-factors-exchanged": "The factors are exchanged: each piece shrinks by its own old maximum.",
        "pieces-total-twice": "The weighted sums were never divided by their totals: don't multiply by them.",
        "contexts-averaged": "You average the pieces' contexts, as if both had the same share of the weight. Their totals say how much "
        "each of them has.",
        "pieces-divided-early": "Your sum of values is already divided by the total. Divide once, after the last piece, or the next "
        "merge gets it wrong.",
        "pieces-overflow": "Maxima of 1000 give infinity or NaN: e¹⁰⁰⁰ is too large. Exponentiate differences of maxima only.",
        "blocks-softmax-each": "Each block gets a softmax of its own, and the contexts are added: weights that sum to the number "
        "of blocks.",
        "blocks-averaged": "Each block gets a softmax of its own, and the contexts are averaged. A block with high scores deserves more.",
        "blocks-tail-lost": "The last keys are missing when block does not divide their number. Slices may end early: keys[start:start + block].",
        "blocks-last-only": "Only the last block counts. Carry on from the one before.",
        "blocks-not-divided": "Nobody divides by the total of the shares: these are sums of values, not averages.",
        "blocks-whole-matrix": "Right values, but at one time your function held {held} numbers; for {queries} queries and {keys} keys in blocks "
        "of {block} that is the whole matrix of scores. Work with one block's scores at a time.",
        "blocks-of-queries": "You cut the queries, and each of them still meets all keys at once: for {queries} queries and {keys} keys "
        "your function held {held} numbers. Cut the keys, {block} at a time.",
        "blocks-start-at-zero": "Where all scores are far below 0, your totals vanish and 0/0 is left: the maximum starts at 0. "
        "Start it at -inf.",
        # windows
        "reach-one-layer": "That is one layer. In the next, each of these tokens has already heard what lies before it.",
        "reach-forward": "Later tokens are reached too. These layers are causal: only itself and what comes before.",
        "reach-transposed": "Rows and columns are exchanged: row i is the output, column j the token that it hears.",
        "reach-window-counts-itself": "You reach num_layers · (window - 1). Here the token itself is not counted in the window.",
        "reach-power": "Your reach is window to the power of the layers. Each layer adds window places; it does not multiply.",
        "reach-layer-too-many": "One layer too many: with one layer, the reach is window.",
        "reach-layer-too-few": "One layer too few: with one layer, the reach is window.",
        "reach-added": "You add window and layers. Each layer adds window places: multiply.",
        "reach-all": "That is the whole lower triangle. The windows end it at num_layers · window places back.",
        "reach-not-itself": "A token always hears itself: the diagonal is True.",
        # the cache's weight
        "bytes-keys-only": "You count one of the two: keys and values are both kept.",
        "bytes-with-queries": "You count three: the query of an old token is never needed again.",
        "bytes-all-heads": "You count a pair of keys and values for each head of queries. Groups share theirs: num_kv_heads.",
        "bytes-one-layer": "That is one layer. Each layer has keys and values of its own.",
        "bytes-numbers": "That is how many numbers. Each takes bytes_per_number bytes.",
        "bytes-one-token": "That is for one token. The cache holds all of them.",
        "bytes-squared": "You count a number for each pair of tokens. The cache holds vectors, one a token; weights are not kept.",
        "bytes-group-size": "heads / kv_heads is how many heads share a pair of keys and values. What is kept is num_kv_heads of them.",
        "bytes-both-heads": "You multiply by both numbers of heads. Only num_kv_heads enters.",
        "bytes-one-head": "That is one head of keys. There are num_kv_heads.",
        "bytes-units": "Another unit: wanted are bytes, not bits, and not MB or GB.",
        # groups
        "groups-heads-lost": "As many heads come back as there are heads of keys. Every head of queries has its own context.",
        "groups-not-merged": "Right values, but the groups are still an axis of their own: (heads, queries, d_v).",
        "groups-dealt": "Heads are dealt to the keys in turn (np.tile). A group is a run of neighbours: heads 0 … group-1 share the first.",
        "groups-first-only": "All heads use the first head of keys and values. Each group has its own.",
        "groups-values-dealt": "The keys are shared rightly, the values are dealt in turn. Both by neighbours.",
        "groups-keys-averaged": "You average the heads of keys and values into one. Each group keeps its own.",
        "groups-queries-averaged": "You average the queries of a group. Every head of queries asks its own question; only keys and values "
        "are shared.",
        "groups-reversed": "The groups are in reverse order: the first heads share the first keys.",
        # reading in chunks
        "chunks-not-boolean": "Your table holds numbers. Here it is boolean: True where that chunk size changes the result.",
        "chunks-last-missing": "One entry is missing: chunk sizes go from 1 to len(x), and the last is no cut at all.",
        "chunks-guessed": "You say what you expect of her reader. Run the reader that you are given, and compare: it fails elsewhere.",
        "chunks-inverted": "True stands where the results agree. Here True means that the chunk size breaks something.",
        "chunks-off-by-one": "Entry 0 belongs to chunks of 1, entry 1 to chunks of 2. Yours are shifted.",
        "chunks-counts-rounding": "Differences of a size of 1e-13 are rounding. Compare with a tolerance, such as 1e-9.",
        "chunks-misses-small": "A difference of a thousandth was missed: your tolerance is too generous.",
        "chunks-signed": "A result that is too small was missed: take the absolute difference before you compare.",
        "chunks-last-row-only": "You look at the last token only. An earlier one may be wrong while it is right.",
        "chunks-first-row-only": "You look at the first token only, which has nothing before it and is nearly always right.",
        "chunks-compares-with-ones": "You compare with chunks of 1. They may be wrong themselves; the whole text at once is the measure.",
        "cache-mask-top-left": "The first new token sees only the first key, as if nothing had been read before. New tokens are the last: "
        "the mask has to line up at the bottom right.",
        "cache-not-causal": "A new token sees the new ones after it. Old keys are for all, among the new ones order counts.",
        "cache-not-read": "What was read before changes nothing in your context. Put the cached keys and values in front.",
        "cache-behind": "The cached keys stand behind the new ones. They came first.",
        "cache-own-hidden": "A new token does not see itself.",
        "cache-not-grown": "You return the cache as it was. The next call needs the new keys and values in it.",
        "cache-forgets": "You return the new keys and values only. The next call needs all of them.",
        "cache-returns-weights": "Weights came back in place of the context: `scaled_dot_product_attention` returns context, weights.",
        "cache-exchanged": "Keys and values are exchanged: `return context, keys, values`.",
        "cache-from-keys": "You mix keys into the context. What is mixed is the values, x @ W_V.",
        # many processes
        "gradient-mean-of-means": "You average the processes alike. One that saw fewer tokens then counts as much as the others: weigh by counts.",
        "gradient-sum": "You add the mean gradients. Two processes would take a step twice as long.",
        "gradient-not-divided": "That is the sum over all tokens. Divide by how many there are in all.",
        "gradient-divided-by-processes": "You divide the sum over tokens by the number of processes. Divide by the number of tokens.",
        "gradient-means-by-tokens": "You divide the sum of the means by the number of tokens, but each mean is divided already. Multiply it by its "
        "count first.",
        "gradient-inverse-counts": "A process with fewer tokens counts more in your mean. It should be the other way round.",
        "gradient-largest-only": "You take the gradient of the process with most tokens and drop the others.",
        "gradient-nan-spreads": "A process without any token has the mean 0/0, NaN. It has nothing to say: leave it out (0 · NaN is NaN).",
    }
)  # fmt: skip


def three_of(returned, names):
    """The three arrays that an answer should consist of."""
    several = isinstance(returned, tuple)
    count = f"{len(returned)} arrays" if several else "one array"
    assert several and len(returned) == 3, mistake("not-three", names=names, returned=count)
    return returned


def unlike(suspects, expected):
    """The suspects that give something else than the right answer on this probe."""
    several = {name: wrong if isinstance(wrong, list) else [wrong] for name, wrong in suspects.items()}
    return {name: [one for one in wrong if not probes.close(one, expected)] for name, wrong in several.items()}


# ---------------------------------------------------------------------------------------------------------------------
# What grows, and pieces of a softmax
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "12.attention_share",
    title="The share that grows with the square",
    points=1,
    hints=[
        "Write down the shapes of all products in a block: which of them have seq_len twice?",
        "A product (a, b) @ (b, c) takes a · b · c multiplications. QKᵀ: seq_len · d_model · seq_len, all heads together.",
        "Quadratic: 2 · n² · d_model. Linear: 4 · n · d_model² and 2 · n · d_model · d_ff. The share is quadratic / (quadratic + linear).",
    ],
)
def attention_share(candidate):
    for n, d, d_ff in ((512, 64, 256), (100, 48, 64), (4096, 128, 512)):
        quadratic, projections, feed_forward = 2 * n * n * d, 4 * n * d * d, 2 * n * d * d_ff
        linear = projections + feed_forward

        def share(part, rest):
            return np.array(part / (part + rest))

        expected = share(quadratic, linear)
        suspects = {
            "share-scores-only": share(quadratic / 2, linear),
            "share-without-feed-forward": share(quadratic, projections),
            "share-half-feed-forward": share(quadratic, projections + feed_forward / 2),
            "share-without-output": share(quadratic, projections * 3 / 4 + feed_forward),
            "share-one-projection": share(quadratic, projections / 4 + feed_forward),
            "share-ratio": np.array(quadratic / linear),
            "share-of-the-rest": 1 - expected,
            "share-of-one-token": share(quadratic, linear / n),
            "share-percent": 100 * expected,
            "share-count": np.array(quadratic),
            "share-floored": np.array(0),
            "share-with-projections": share(quadratic + projections, feed_forward),
            "share-width-lost": share(quadratic / d, linear),
            "share-d-ff-guessed": share(quadratic, projections + 8 * n * d * d),
        }
        same_values(call(candidate, n, d, d_ff), expected, "share", unlike(suspects, expected))


def piece_of(queries, keys, values):
    """Maximum, total of the shares and sum of the values for some of the keys: (queries, 1), (queries, 1), (queries, d_v)."""
    scores = queries @ keys.T / np.sqrt(queries.shape[-1])
    highest = scores.max(axis=-1, keepdims=True)
    shares = np.exp(scores - highest)
    return highest, shares.sum(axis=-1, keepdims=True), shares @ values


def merged(one, other):
    """Two pieces of a row as one."""
    highest = np.maximum(one[0], other[0])
    first, second = np.exp(one[0] - highest), np.exp(other[0] - highest)
    return highest, first * one[1] + second * other[1], first * one[2] + second * other[2]


PIECES = "return highest, total, weighted"


@checks(
    "12.merge_pieces",
    title="Two pieces of a softmax",
    points=2,
    hints=[
        "Each piece was computed as if its own maximum were the row's. Which maximum do both have in common?",
        "Shares against the old maximum become shares against the new one by one factor: e^(old - new). It is never above 1.",
        "`highest = np.maximum(highest_1, highest_2)`; `a = np.exp(highest_1 - highest)`; then `a * total_1 + b * total_2`, and the same for weighted.",
    ],
)
def merge_pieces(candidate):
    queries, keys, values = draw(1, 5, 4) * 2, draw(2, 9, 4), draw(3, 9, 3)
    for cut, lift in ((4, 0.0), (6, 3.0)):
        lifted = keys + lift * (np.arange(9) < cut)[:, None] * queries.mean(axis=0)
        one = piece_of(queries, lifted[:cut], values[:cut])
        other = piece_of(queries, lifted[cut:], values[cut:])
        compare_pieces(call(candidate, *one, *other), one, other)
    one = (draw(4, 3, 1) + 1000, np.ones((3, 1)), draw(5, 3, 2))
    other = (draw(6, 3, 1) + 900, np.ones((3, 1)), draw(7, 3, 2))
    for first, second in ((one, other), (other, one)):
        got = three_of(call(candidate, *first, *second), PIECES)
        finite = all(np.isfinite(array).all() for array in got)
        assert finite, mistake(
            "pieces-overflow", expected=merged(first, second)[1], got=got[1], what="totals of large scores"
        )
        compare_pieces(got, first, second)


def compare_pieces(got, one, other):
    """Assert that an answer is the merged piece, naming the mistake."""
    got = three_of(got, PIECES)
    highest, total, weighted = merged(one, other)
    assert np.size(got[0]) > 1, mistake("pieces-one-maximum", expected=highest, got=got[0], what="highest")
    one_maximum = np.full_like(highest, highest.max())
    first, second = np.exp(one[0] - highest), np.exp(other[0] - highest)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        suspects = {
            "pieces-not-rescaled": (highest, one[1] + other[1], one[2] + other[2]),
            "pieces-total-not-rescaled": (highest, one[1] + other[1], weighted),
            "pieces-values-not-rescaled": (highest, total, one[2] + other[2]),
            "pieces-rescaled-the-wrong-way": (highest, one[1] / first + other[1] / second, one[2] / first + other[2] / second),
            "pieces-one-maximum": (
                one_maximum,
                total * np.exp(highest - one_maximum),
                weighted * np.exp(highest - one_maximum),
            ),
            "pieces-second-maximum": (
                other[0],
                total * np.exp(highest - other[0]),
                weighted * np.exp(highest - other[0]),
            ),
            "pieces-first-maximum": (
                one[0],
                total * np.exp(highest - one[0]),
                weighted * np.exp(highest - one[0]),
            ),
            "pieces-plain": (highest, total * np.exp(highest), weighted * np.exp(highest)),
            "pieces-factors-exchanged": (highest, second * one[1] + first * other[1], second * one[2] + first * other[2]),
            "pieces-total-twice": (highest, total, first * one[1] * one[2] + second * other[1] * other[2]),
            "contexts-averaged": (highest, total, (one[2] / one[1] + other[2] / other[1]) / 2),
            "pieces-divided-early": (highest, total, weighted / total),
        }  # fmt: skip
    right = (highest, total, weighted)
    if all(probes.close(mine, expected) for mine, expected in zip(got, right, strict=True)):
        return
    for name, wrong in suspects.items():
        like = all(probes.close(mine, array) for mine, array in zip(got, wrong, strict=True))
        assert not like, mistake(name, expected=weighted, got=got[2], what="weighted sum of values")
    for mine, expected, what in zip(got, right, ("highest", "total", "weighted"), strict=True):
        same_values(mine, expected, what)


@checks(
    "12.blockwise_attention",
    title="Attention without its matrix",
    points=3,
    hints=[
        "Start from the first block's piece, then merge one block after the other into it.",
        "Start values that any block may be merged into: highest -inf, total 0, weighted 0. At the end weighted / total.",
        "`for start in range(0, len(keys), block):` scores of `keys[start:start + block]`, their maximum, `np.exp(scores - maximum)`, its sum, "
        "its product with `values[start:start + block]`; then `merge_pieces`.",
    ],
)
def blockwise_attention(candidate):
    for seed, num_queries, num_keys, block in ((1, 5, 12, 4), (2, 4, 11, 4), (3, 6, 7, 16)):
        queries, keys, values = (
            2 * draw(seed, num_queries, 6),
            draw(seed + 10, num_keys, 6),
            draw(seed + 20, num_keys, 3),
        )
        expected, _ = scaled_dot_product_attention(queries, keys, values)
        got = call(candidate, queries, keys, values, block)
        same_values(got, expected, "context", unlike(block_suspects(queries, keys, values, block), expected))
    large = 3000 * draw(5, 4, 6)
    keys, values = draw(6, 10, 6), draw(7, 10, 3)
    expected, _ = scaled_dot_product_attention(large, keys, values)
    got = call(candidate, large, keys, values, 3)
    assert np.isfinite(got).all(), mistake(
        "pieces-overflow", expected=expected, got=got, what="context of large scores"
    )
    same_values(got, expected, "context of large scores")
    low, keys = np.full((3, 4), -1000.0), np.abs(draw(11, 7, 4)) + 1
    values = draw(12, 7, 3)
    expected, _ = scaled_dot_product_attention(low, keys, values)
    got = call(candidate, low, keys, values, 3)
    show = {"expected": expected, "got": got, "what": "context where all scores are far below 0"}
    assert np.isfinite(got).all() and got.any(), mistake("blocks-start-at-zero", **show)
    same_values(got, expected, show["what"])
    for num_queries, num_keys, width, named in (
        (1200, 1200, 4, "blocks-whole-matrix"),
        (20, 30_000, 1, "blocks-of-queries"),
    ):
        inputs = draw(8, num_queries, width), draw(9, num_keys, width), draw(10, num_keys, width)
        holds_one_block(candidate, inputs, named)


def block_suspects(queries, keys, values, block):
    """What well-known mistakes give for attention in blocks."""
    starts = range(0, len(keys), block)
    blocks = [(keys[start : start + block], values[start : start + block]) for start in starts]
    contexts = [scaled_dot_product_attention(queries, *one)[0] for one in blocks]
    pieces = [piece_of(queries, *one) for one in blocks]
    whole = piece_of(queries, keys, values)
    full = len(keys) // block * block or len(keys)
    both, total_only, values_only = (
        [carried(queries, blocks, *which, each) for each in (False, True)]
        for which in ((False, False), (True, False), (False, True))
    )
    return {
        "blocks-last-only": contexts[-1],
        "blocks-softmax-each": sum(contexts),
        "blocks-averaged": np.mean(contexts, axis=0),
        "blocks-tail-lost": scaled_dot_product_attention(queries, keys[:full], values[:full])[0],
        "blocks-not-divided": whole[2],
        "pieces-not-rescaled": [sum(one[2] for one in pieces) / sum(one[1] for one in pieces), *both],
        "pieces-values-not-rescaled": total_only,
        "pieces-total-not-rescaled": values_only,
        "not-scaled": softmax(queries @ keys.T) @ values,
    }


def carried(queries, blocks, rescale_total, rescale_values, each):
    """Attention block by block, but only some of what was read before is brought to the new maximum.

    Shares are taken against the block's own maximum (`each`), or against the highest so far.
    """
    highest, total, weighted = np.full((len(queries), 1), -np.inf), 0.0, 0.0
    for keys, values in blocks:
        own, new_total, new_weighted = piece_of(queries, keys, values)
        before, highest = highest, np.maximum(highest, own)
        old, new = np.exp(before - highest), np.exp(own - highest)
        total = total * (old if rescale_total else 1) + new_total * (new if rescale_total or not each else 1)
        weighted = weighted * (old if rescale_values else 1) + new_weighted * (new if rescale_values or not each else 1)
    return weighted / total


def holds_one_block(candidate, inputs, named, block=20):
    """Assert that an answer never holds the whole matrix of scores."""
    num_queries, num_keys = len(inputs[0]), len(inputs[1])
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        call(candidate, *inputs, block)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not running:
            tracemalloc.stop()
    held = (peak - before) // 8
    facts = {"held": f"{held:,}", "queries": num_queries, "keys": num_keys, "block": block}
    assert held < num_queries * num_keys * 3 // 4, mistake(named, **facts)


# ---------------------------------------------------------------------------------------------------------------------
# Windows
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "12.window_reach",
    title="Who is heard through the layers",
    points=2,
    hints=[
        "One layer: itself and `window` places back. Two layers: whom do the farthest of these hear?",
        "Each layer adds `window` places. Positions: `np.arange(seq_len)`, offsets by subtracting a row from a column.",
        "`back = places[:, None] - places`, then `(back >= 0) & (back <= num_layers * window)`.",
    ],
)
def window_reach(candidate):
    for seq_len, window, num_layers in ((16, 3, 1), (16, 3, 3), (30, 4, 4), (14, 1, 5), (6, 5, 4)):
        back = np.arange(seq_len)[:, None] - np.arange(seq_len)

        def reaching(places, back=back):
            return (back >= 0) & (back <= places)

        expected = reaching(num_layers * window)
        suspects = {
            "reach-one-layer": reaching(window),
            "reach-forward": np.abs(back) <= num_layers * window,
            "reach-transposed": expected.T,
            "reach-window-counts-itself": reaching(num_layers * (window - 1)),
            "reach-power": reaching(window**num_layers),
            "reach-layer-too-many": reaching((num_layers + 1) * window),
            "reach-layer-too-few": reaching((num_layers - 1) * window),
            "reach-added": [reaching(window + num_layers), reaching(window + num_layers - 1)],
            "reach-all": back >= 0,
            "reach-not-itself": expected & (back > 0),
        }
        is_mask(call(candidate, seq_len, window, num_layers), expected, unlike(suspects, expected))


# ---------------------------------------------------------------------------------------------------------------------
# The cache, and groups that share it
# ---------------------------------------------------------------------------------------------------------------------


def colleagues_reader(x, chunk, W_Q, W_K, W_V):
    """Read a text in chunks: (seq_len, d_model) to contexts (seq_len, d_v). Keys and values are kept."""
    keys, values, contexts = np.zeros((0, W_K.shape[1])), np.zeros((0, W_V.shape[1])), []
    for start in range(0, len(x), chunk):
        new = x[start : start + chunk]
        keys = np.concatenate([keys, new @ W_K])
        values = np.concatenate([values, new @ W_V])
        scores = new @ W_Q @ keys.T / np.sqrt(W_K.shape[1])
        mask = np.tri(len(new), len(keys), dtype=bool)  # nobody sees the future
        if len(new) == 1:
            mask = None  # the newest token sees all
        contexts.append(softmax(scores, mask=mask) @ values)
    return np.concatenate(contexts)


@checks(
    "12.failing_chunks",
    title="Find the bug: which chunk sizes break it?",
    points=2,
    hints=[
        "How the text is cut must not matter. So compare each way of cutting it with no cut at all.",
        "`whole = read(x, len(x))`, then `read(x, chunk)` for the chunk sizes 1 to len(x); the largest absolute difference decides.",
        "`np.array([np.abs(read(x, chunk) - whole).max() > 1e-9 for chunk in range(1, len(x) + 1)])`",
    ],
)
def failing_chunks(candidate):
    x = draw(1, 7, 4)
    matrices = [draw(seed, 4, 4) for seed in (2, 3, 4)]
    readers = [lambda x, chunk: colleagues_reader(x, chunk, *matrices)]
    for row, by in ((0, 1.0), (3, -1.0), (len(x) - 1, 1.0), (2, 1e-3)):
        readers.append(lambda x, chunk, row=row, by=by: disturbed(x, chunk, {2, 3, 6}, row, by))
    readers.append(lambda x, chunk: disturbed(x, chunk, {1, 4}, 2, 1.0))
    for read in readers:
        whole = read(x, len(x))
        gaps = [read(x, chunk) - whole for chunk in range(1, len(x) + 1)]
        expected = np.array([np.abs(gap).max() > 1e-9 for gap in gaps])
        ones = read(x, 1)
        suspects = {
            "chunks-inverted": ~expected,
            "chunks-off-by-one": [np.roll(expected, 1), np.concatenate([[False], expected]), expected[1:]],
            "chunks-counts-rounding": np.array([np.any(gap != 0) for gap in gaps]),
            "chunks-misses-small": np.array([np.abs(gap).max() > 1e-2 for gap in gaps]),
            "chunks-signed": np.array([gap.max() > 1e-9 for gap in gaps]),
            "chunks-last-row-only": np.array([np.abs(gap[-1]).max() > 1e-9 for gap in gaps]),
            "chunks-first-row-only": np.array([np.abs(gap[0]).max() > 1e-9 for gap in gaps]),
            "chunks-compares-with-ones": np.array(
                [np.abs(read(x, chunk) - ones).max() > 1e-9 for chunk in range(1, len(x) + 1)]
            ),
        }
        suspects["chunks-last-missing"] = expected[:-1]
        suspects["chunks-guessed"] = [fault_of(readers[0], x), np.arange(1, len(x) + 1) % len(x) > 1]
        got = call(candidate, read, x)
        assert got.dtype.kind == "b", mistake(
            "chunks-not-boolean", expected=expected, got=got, what="failing chunk sizes"
        )
        different = {
            name: [one for one in (wrong if isinstance(wrong, list) else [wrong]) if not np.array_equal(one, expected)]
            for name, wrong in suspects.items()
        }
        same_values(got, expected, "failing chunk sizes", different)


def fault_of(read, x):
    """For which chunk sizes a reader gives something else than without a cut."""
    return np.array([np.abs(read(x, chunk) - read(x, len(x))).max() > 1e-9 for chunk in range(1, len(x) + 1)])


def disturbed(x, chunk, failing, row, by):
    """A reader that gives another value in one row for some chunk sizes, and a little rounding for all but the whole."""
    contexts = np.cumsum(x, axis=0)
    if chunk < len(x):
        contexts = contexts + 1e-13 * chunk
    if chunk in failing:
        contexts[row] = contexts[row] + by * chunk
    return contexts


CACHED = "return context, keys, values"


@checks(
    "12.cached_attention",
    title="Repair it: attention with a cache",
    points=3,
    hints=[
        "Put the cached keys and values in front of the new ones. Which keys may the first new token see?",
        "All cached ones and itself. A lower triangle that lines up at the bottom right: `k = keys - queries` of np.tri.",
        "`mask = np.tri(len(x), len(keys), len(keys) - len(x), dtype=bool)`, then scaled_dot_product_attention(x @ W_Q, keys, values, mask).",
    ],
)
def cached_attention(candidate):
    d_model, d_k, d_v = 6, 4, 3
    W_Q, W_K, W_V = draw(1, d_model, d_k), draw(2, d_model, d_k), draw(3, d_model, d_v)
    for seed, old, new in ((4, 0, 5), (5, 6, 1), (6, 4, 3), (7, 2, 5)):
        x = draw(seed, old + new, d_model)
        keys, values = x @ W_K, x @ W_V
        queries = x[old:] @ W_Q
        expected, _ = scaled_dot_product_attention(queries, keys, values, causal_mask(new, old + new))
        inputs = x[old:], keys[:old], values[:old], W_Q, W_K, W_V
        got = three_of(call(candidate, *inputs), CACHED)
        weights = got[0].shape == (new, old + new)
        assert not weights, mistake("cache-returns-weights", expected=expected, got=got[0], what="context")
        exchanged = probes.close(got[1], values) and probes.close(got[2], keys)
        assert not exchanged, mistake("cache-exchanged", expected=keys, got=got[1], what="keys for the next call")
        suspects = cache_suspects(queries, keys, values, old)
        same_values(got[0], expected, "context", unlike(suspects, expected))
        for mine, right, what in ((got[1], keys, "keys"), (got[2], values, "values")):
            wrong = {
                "cache-not-grown": right[:old],
                "cache-forgets": right[old:],
                "cache-behind": np.concatenate([right[old:], right[:old]]),
            }
            same_values(mine, right, f"{what} for the next call", unlike(wrong, right))


def cache_suspects(queries, keys, values, old):
    """What well-known mistakes give for the context of new tokens."""
    new = len(queries)
    own = np.ones((new, len(keys)), dtype=bool) & (np.arange(len(keys)) != np.arange(old, old + new)[:, None])

    def context(mask=None, keys=keys, values=values):
        return scaled_dot_product_attention(queries, keys, values, mask)[0]

    order = np.r_[old : old + new, :old]
    suspects = {
        "cache-mask-top-left": context(np.tri(new, len(keys), dtype=bool)),
        "cache-not-causal": context(),
        "cache-not-read": context(causal_mask(new), keys[old:], values[old:]),
        "cache-behind": context(causal_mask(new, old + new), keys[order], values[order]),
        "cache-own-hidden": context(causal_mask(new, old + new) & own),
        "not-scaled": softmax(queries @ keys.T, mask=causal_mask(new, old + new)) @ values,
        "cache-from-keys": scaled_dot_product_attention(queries, keys, keys, causal_mask(new, old + new))[0],
    }
    return suspects


@checks(
    "12.cache_bytes",
    title="What a cache weighs",
    points=1,
    hints=[
        "What is kept of one token, in one layer?",
        "A key and a value, for each of the num_kv_heads heads, d_head numbers each.",
        "`2 * num_layers * num_kv_heads * d_head * seq_len * bytes_per_number`; num_heads does not enter.",
    ],
)
def cache_bytes(candidate):
    for n, layers, heads, kv_heads, d_head, size in ((100, 3, 12, 4, 16, 8), (7, 5, 8, 8, 32, 2), (999, 7, 6, 1, 8, 4)):
        expected = 2 * layers * kv_heads * d_head * n * size
        suspects = {
            "bytes-keys-only": expected / 2,
            "bytes-with-queries": [
                expected * 3 / 2,
                expected + layers * heads * d_head * n * size,
                layers * (heads + kv_heads) * d_head * n * size,
            ],
            "bytes-all-heads": expected / kv_heads * heads,
            "bytes-one-layer": expected / layers,
            "bytes-numbers": expected / size,
            "bytes-one-token": expected / n,
            "bytes-group-size": expected / kv_heads * (heads // kv_heads),
            "bytes-both-heads": expected * heads,
            "bytes-one-head": expected / kv_heads,
            "bytes-units": [expected / unit for unit in (1e3, 1e6, 1e9, 2**10, 2**20, 2**30, 1 / 8)],
            "bytes-squared": [expected * n, layers * heads * n * n * size],
        }
        arrays = {
            name: [np.array(one) for one in (wrong if isinstance(wrong, list) else [wrong]) if one != expected]
            for name, wrong in suspects.items()
        }
        got = call(candidate, n, layers, heads, kv_heads, d_head, size)
        same_values(got, np.array(expected), "bytes", arrays)


@checks(
    "12.grouped_attention",
    title="Heads that share keys and values",
    points=2,
    hints=[
        "How many heads of queries share one head of keys? Neighbours do.",
        "Give every head of queries a copy of its group's keys and values, then attend as always.",
        "`group = len(queries) // len(keys)`; `np.repeat(keys, group, axis=0)`, not np.tile.",
    ],
)
def grouped_attention(candidate):
    for seed, heads, kv_heads in ((1, 6, 2), (2, 6, 3), (3, 4, 1), (4, 3, 3)):
        queries, keys = draw(seed, heads, 5, 4), draw(seed + 10, kv_heads, 7, 4)
        values = draw(seed + 20, kv_heads, 7, 3)
        group = heads // kv_heads

        def attended(keys, values, queries=queries):
            return scaled_dot_product_attention(queries, keys, values)[0]

        def neighbours(array, group=group):
            return np.repeat(array, group, axis=0)

        def dealt(array, group=group):
            return np.tile(array, (group, 1, 1))

        averaged = queries.reshape(kv_heads, group, 5, 4).mean(axis=1)
        expected = attended(neighbours(keys), neighbours(values))
        suspects = {
            "groups-dealt": attended(dealt(keys), dealt(values)),
            "groups-first-only": attended(keys[:1], values[:1]),
            "groups-values-dealt": attended(neighbours(keys), dealt(values)),
            "groups-keys-averaged": attended(keys.mean(axis=0), values.mean(axis=0)),
            "groups-reversed": attended(neighbours(keys[::-1]), neighbours(values[::-1])),
            "not-scaled": softmax(queries @ neighbours(keys).swapaxes(-1, -2)) @ neighbours(values),
        }
        shared = attended(keys, values, averaged)
        several = unlike(suspects, expected)
        several["groups-not-merged"] = expected.reshape(kv_heads, group, *expected.shape[1:])
        several["groups-heads-lost"] = attended(keys, values, queries[:kv_heads]) if group > 1 else []
        if group > 1:
            several["groups-queries-averaged"] = [shared, neighbours(shared)]
        same_values(call(candidate, queries, keys, values), expected, "context", several)


# ---------------------------------------------------------------------------------------------------------------------
# Many processes
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "12.mean_gradient",
    title="One gradient from many processes",
    points=2,
    hints=[
        "A process with few tokens should count little. What would one process have computed that saw all of them?",
        "mean · count is the sum over a process's tokens. Add the sums, and divide by all tokens.",
        "A count of 0 comes with NaN, and 0 · NaN is NaN: `np.where(counts[:, None] > 0, gradients, 0)` first.",
    ],
)
def mean_gradient(candidate):
    for seed, counts in ((1, [30, 10]), (2, [5, 5, 90, 20]), (3, [7, 1, 2])):
        gradients, counts = draw(seed, len(counts), 6), np.array(counts)
        sums = gradients * counts[:, None]
        expected = sums.sum(axis=0) / counts.sum()
        suspects = {
            "gradient-mean-of-means": gradients.mean(axis=0),
            "gradient-sum": gradients.sum(axis=0),
            "gradient-not-divided": sums.sum(axis=0),
            "gradient-divided-by-processes": sums.sum(axis=0) / len(counts),
            "gradient-means-by-tokens": gradients.sum(axis=0) / counts.sum(),
            "gradient-inverse-counts": (gradients / counts[:, None]).sum(axis=0) / (1 / counts).sum(),
            "gradient-largest-only": gradients[counts.argmax()],
        }
        same_values(call(candidate, gradients, counts), expected, "gradient", suspects)
    gradients, counts = draw(4, 3, 6), np.array([8, 0, 4])
    gradients[1] = np.nan
    expected = (gradients[[0, 2]] * counts[[0, 2], None]).sum(axis=0) / 12
    got = call(candidate, gradients, counts)
    show = {"expected": expected, "got": got, "what": "gradient, one process without tokens"}
    assert not np.isnan(got).any(), mistake("gradient-nan-spreads", **show)
    same_values(got, expected, show["what"])
