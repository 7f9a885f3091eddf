"""The checks of lesson 09, visualizing attention, in the order in which its exercises come."""

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import add_messages, call_on_batch, mistake, same_values
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw
from course_lib.classroom.practice.trial import call

add_messages(
    {
        "map-shape": "The shape is {shape}; expected {right}, that is {axes}.",
        # labels
        "labels-shifted": "Your numbers count the delimiters too, so that every name is taken from a wrong place. Count among the tokens "
        "that stay.",
        "labels-colleague": "Your rows are the first ones of the map, as hers are: the first belongs to [CLS], not to the first word.",
        "labels-ends-only": "You cut off the first and the last token. Delimiters may also stand in between: `special` says where.",
        "labels-delimiter-wins": "Some of your tokens look at a delimiter. Leave the delimiters out as keys before you look for the largest.",
        "labels-most-looking": "You search along the columns: who looks at each token most. Wanted is whom it looks at: along its row.",
        "labels-itself": "You leave out the token itself. It may well look at itself: only delimiters are left out.",
        # pieces and words
        "pieces-summed": "Rows no longer sum to 1: you add the rows of a word's pieces too. Attention *from* a word is the mean over its pieces.",
        "pieces-averaged": "Rows no longer sum to 1: you take the mean over columns. Attention *to* a word is the sum over its pieces.",
        "pieces-exchanged": "Sum and mean are exchanged: sum the columns of a word's pieces, average their rows.",
        "pieces-first-only": "You keep the first piece of each word. The others' weights are lost.",
        "pieces-largest": "You take the largest of the pieces' weights. To a word flows what flows to all its pieces: their sum.",
        "pieces-renormalised": "You divide rows afterwards until they sum to 1. With sum and mean in the right places they do so by themselves.",
        "pieces-columns-only": "Only the columns are joined; the rows still are pieces.",
        "pieces-rows-only": "Only the rows are joined; the columns still are pieces.",
        # roles
        "role-all-queries": "Queries that have no wanted key count as 0 and pull the mean down. Leave them out of the mean.",
        "role-mean-of-keys": "Where a query has several wanted keys, their weights are added: the share of its attention that goes to any of them.",
        "role-total": "You add up over the queries. A mean can be compared between sentences, a sum grows with the length.",
        "role-transposed": "Rows and columns of `wanted` are exchanged: row i says which keys query i should look at.",
        "role-over-keys": "You average over the keys that are wanted. Average over the queries that want one: add up along a row first.",
        "role-counts-winners": "You count how often a wanted key gets the largest weight. Wanted is the mean weight.",
        "role-of-mean-head": "One number came back. Each head has its own score: don't average over heads and layers.",
        "role-one-layer": "You have averaged over the layers or over the heads. Each head of each layer has its own score.",
        # control
        "even-ignores-mask": "Masked keys get weight. Even means even among the keys that are allowed.",
        "even-over-queries": "Columns sum to 1, rows do not: divide by the number of keys that *this query* may look at.",
        "even-over-everything": "All entries together sum to 1. Each row is one query's distribution.",
        "even-divided-by-all": "You divide by the number of all keys, allowed or not: rows sum to less than 1.",
        "even-row-of-nan": "A query that may look at nothing gives 0/0. Its row is all 0.",
        "even-row-not-zero": "A query that may look at nothing gets weights all the same. Its row is all 0.",
        "even-inverted": "Your weight lies on the forbidden keys. True means may attend.",
        # rollout
        "rollout-order": "Your rows sum to 1, but the layers are multiplied the wrong way round. The later layer acts on what the earlier one gave: "
        "it stands on the left.",
        "rollout-no-residual": "You multiply the maps alone. A token also keeps itself: mix in the identity, half and half.",
        "rollout-not-halved": "You add the identity, but don't halve: rows sum to 2 in each layer.",
        "rollout-adds": "You average the layers. Paths go through one layer *after* the other: multiply.",
        "rollout-last-layer": "Only one layer reaches your result.",
        "rollout-elementwise": "You multiply number by number. Paths add up over all places in between: a matrix product.",
        "rollout-largest-head": "You take the largest of the heads. Here, heads are averaged.",
        "rollout-transposed": "Rows and columns are exchanged: rows are the tokens at the top, columns those at the bottom.",
        "rollout-only-one-residual": "The identity comes in once, at the end. It belongs into every layer.",
        "rollout-to-powers": "You multiply one layer with itself. Each layer has its own map.",
        # correlation
        "pearson": "This is the correlation of the values. Rank first: only the order counts.",
        "ranks-by-order": "Equal values get different ranks, by their place in the array. Ties share the mean of their ranks.",
        "ranks-first": "Equal values all get the smallest of their ranks. They share the mean of them.",
        "ranks-dense": "After a tie you go on without a gap: 1, 2, 2, 3. Two that share the second and third place get 2.5 each, and the next is 4.",
        "short-formula": "The short formula with squared differences of ranks holds without ties only. Correlate the ranks: `np.corrcoef`.",
        "ranks-one": "Only one of the two is ranked.",
        "correlation-sign": "The sign is wrong: is one of your rankings turned round?",
        "correlation-matrix": "This is the table of all correlations. Wanted is one number, outside of the diagonal.",
        "correlation-absolute": "The sign is lost: opposite rankings have −1.",
        "argsort-once": "`np.argsort` gives the order, not the ranks: which place stands first, not which rank a place has.",
        "correlation-covariance": "This is not between −1 and 1: divide by both standard deviations.",
        # leaving one out
        "loo-sign": "The sign is turned: a token that helps has a positive number, what the score *falls* by.",
        "loo-scores": "These are the scores without each token. Wanted is how much each falls: the full score minus these.",
        "loo-accumulates": "Earlier tokens are still missing when you take out the next. Start each time from a fresh copy.",
        "loo-deleted": "You delete the row, and all later tokens move up one place. Put `empty` into its place.",
        "loo-zero": "You put zeros into its place. The stand-in is `empty`.",
        "loo-only-one": "You keep one token and empty all others. Leave one out, keep the others.",
        "loo-absolute": "Sizes without signs: a token may also push the score down.",
        "loo-shares": "You divide so that they sum to 1. Falls need not sum to anything: don't divide.",
        # integrated gradients
        "ig-at-the-end": "This is the gradient at x times the way: one point. Average gradients all along the way from `empty` to x.",
        "ig-at-the-start": "This is the gradient at `empty` times the way: one point. Average gradients all along the way.",
        "ig-without-way": "You average the gradients, but the way, x − empty, is not multiplied.",
        "ig-times-x": "You multiply by x. The way starts at `empty`: multiply by x − empty.",
        "ig-sum": "Your numbers are {steps} times too large: average the gradients, don't add them.",
        "ig-from-zero": "Your way starts at 0. It should start at `empty`.",
        "ig-sign": "The sign is turned: the way goes from `empty` to x.",
        "ig-not-summed": "One number for each feature came back. Add up over the features: one for each token.",
        "ig-incomplete": "The shares add up to {total:.4g}, but score(x) − score(empty) is {right:.4g}. They must agree (completeness).",
        "ig-length": "You take lengths. Multiply feature by feature and add up: a share may be negative.",
    }
)  # fmt: skip


def draw_maps(seed, *shape):
    """Weights: rows of shares that sum to 1."""
    return softmax(2 * draw(seed, *shape))


def same_array(got, expected, what, axes, suspects=None):
    """`same_values`, where another shape that no suspect explains is named beside the right one."""
    suspects = suspects or {}
    explained = got.shape == expected.shape or probes.first_match(got, suspects)
    show = {"expected": expected, "got": got, "what": what}
    assert explained, mistake("map-shape", shape=got.shape, right=expected.shape, axes=axes, **show)
    same_values(got, expected, what, suspects)


# ---------------------------------------------------------------------------------------------------------------------
# Labels: find the bug
# ---------------------------------------------------------------------------------------------------------------------


def colleagues_strongest(weights, words):
    """For each word, the word it looks at most. All of a colleague's tests pass."""
    size = len(words)
    return weights[:size, :size].argmax(axis=-1)


def right_strongest(weights, special):
    real = np.flatnonzero(~special)
    return weights[np.ix_(real, real)].argmax(axis=-1)


@checks(
    "09.strongest",
    title="Find the bug: who looks at whom?",
    points=2,
    hints=[
        "Which rows and columns of the map belong to her words? Not the first ones.",
        "Keep the rows *and* the columns where `special` is False. What remains is a smaller map, with one row a real token.",
        "`real = ~special`, then `weights[real][:, real].argmax(axis=-1)`.",
    ],
)
def strongest(candidate):
    cases = [(1, [0, 6]), (2, [0, 3, 7]), (3, [0, 4, 7, 8, 9])]
    for seed, places in cases:
        size = 7 + seed
        special = np.isin(np.arange(size), [*places, size - 1])
        weights = draw_maps(seed, size, size)
        weights[:, special] += 0.5 * (draw(seed + 10, size, special.sum()) > -0.3)  # delimiters draw much weight
        weights /= weights.sum(axis=-1, keepdims=True)
        real = ~special
        expected, others = right_strongest(weights, special), weights[real][:, real]
        size_real = int(real.sum())
        suspects = {
            "labels-colleague": [
                colleagues_strongest(weights, range(size_real)),
                weights[:size_real, real].argmax(axis=-1),
                weights[real, :size_real].argmax(axis=-1) if size_real else [],
            ],
            "labels-shifted": np.flatnonzero(real)[expected],
            "labels-delimiter-wins": [weights[real].argmax(axis=-1), weights[real].argmax(axis=-1) - 1],
            "labels-most-looking": others.argmax(axis=0),
            "labels-itself": np.where(np.eye(size_real, dtype=bool), -1, others).argmax(axis=-1),
            "labels-ends-only": weights[1:-1, 1:-1].argmax(axis=-1),
        }
        suspects = {name: wrong for name, wrong in suspects.items() if not holds(wrong, expected)}
        got = call(candidate, weights, special)
        same_array(got, expected, "the strongest keys", "(real tokens,)", suspects)


def holds(arrays, expected):
    """Whether the right answer is among what a mistake gives: then it proves nothing in this case."""
    return any(probes.close(one, expected) for one in (arrays if isinstance(arrays, list) else [arrays]))


# ---------------------------------------------------------------------------------------------------------------------
# Pieces and words
# ---------------------------------------------------------------------------------------------------------------------


def right_merge_words(weights, word_of_token):
    belongs = np.eye(word_of_token.max() + 1)[word_of_token]  # (tokens, words)
    return (belongs / belongs.sum(axis=0)).T @ weights @ belongs


@checks(
    "09.merge_words",
    title="From pieces to words",
    points=3,
    hints=[
        "Two steps: first join the columns of each word's pieces, then the rows. One of the two is a sum, the other a mean. Which keeps rows at 1?",
        "Loop over the words: `pieces = word_of_token == word` marks a word's tokens. Columns: `weights[..., pieces].sum(-1)`; rows: a mean.",
        "A table `belongs = np.eye(num_words)[word_of_token]` (tokens, words) does it at once: `weights @ belongs` sums columns, and "
        "`(belongs / belongs.sum(0)).T @ …` averages rows.",
    ],
)
def merge_words(candidate):
    for seed, words in ((1, [0, 1, 1, 2, 3, 3, 3]), (2, [0, 0, 1, 2, 2])):
        word_of_token = np.array(words)
        weights = draw_maps(seed, len(words), len(words))
        belongs = np.eye(max(words) + 1)[word_of_token]
        mean = belongs / belongs.sum(axis=0)
        summed = belongs.T @ weights @ belongs
        first = [words.index(word) for word in range(max(words) + 1)]
        per_word = [word_of_token == word for word in range(max(words) + 1)]
        largest = np.stack([weights[:, one].max(-1) for one in per_word], -1)
        expected = right_merge_words(weights, word_of_token)
        suspects = {
            "pieces-summed": summed,
            "pieces-averaged": mean.T @ weights @ mean,
            "pieces-exchanged": belongs.T @ weights @ mean,
            "pieces-first-only": weights[np.ix_(first, first)],
            "pieces-largest": [mean.T @ largest, np.stack([largest[one].max(0) for one in per_word])],
            "pieces-renormalised": normalised(mean.T @ weights @ mean),
            "pieces-columns-only": weights @ belongs,
            "pieces-rows-only": mean.T @ weights,
        }
        suspects = {name: wrong for name, wrong in suspects.items() if not holds(wrong, expected)}
        same_array(
            call(candidate, weights, word_of_token), expected, "the map of the words", "(words, words)", suspects
        )
    batch, word_of_token = draw_maps(3, 2, 3, 5, 5), np.array([0, 1, 1, 2, 3])
    got, expected = call_on_batch(candidate, batch, word_of_token), right_merge_words(batch, word_of_token)
    assert probes.close(got, expected), mistake("wrong-on-batch", expected=expected, got=got, what="maps of the words")


# ---------------------------------------------------------------------------------------------------------------------
# Roles
# ---------------------------------------------------------------------------------------------------------------------


def right_role_scores(weights, wanted):
    asked = wanted.any(axis=-1)
    return (weights * wanted).sum(axis=-1)[..., asked].mean(axis=-1)


@checks(
    "09.role_scores",
    title="A role is a score",
    points=2,
    hints=[
        "For one query: how much of its weight goes to wanted keys? Then the mean over queries. Which queries have no say?",
        "`(weights * wanted).sum(axis=-1)` is that share, (layers, heads, queries). Queries without a wanted key: `wanted.any(axis=-1)` is False.",
        "`(weights * wanted).sum(-1)[..., wanted.any(-1)].mean(-1)`.",
    ],
)
def role_scores(candidate):
    previous, several = np.eye(6, k=-1, dtype=bool), draw(1, 5, 5) > 0.3
    several[2] = False
    several[0, 1:3] = True
    for seed, wanted in ((2, previous), (3, several)):
        size = len(wanted)
        weights = draw_maps(seed, 2, 3, size, size)
        expected, shares, asked = (
            right_role_scores(weights, wanted),
            (weights * wanted).sum(axis=-1),
            wanted.any(axis=-1),
        )
        winners = np.take_along_axis(np.broadcast_to(wanted, weights.shape), weights.argmax(-1)[..., None], -1)[..., 0]
        suspects = {
            "role-over-keys": (weights * wanted).sum(-2)[..., wanted.any(-2)].mean(-1),
            "role-all-queries": shares.mean(axis=-1),
            "role-mean-of-keys": [
                (weights * wanted).sum((-2, -1)) / wanted.sum(),
                (shares[..., asked] / wanted.sum(-1)[asked]).mean(-1),
            ],
            "role-total": shares.sum(axis=-1),
            "role-transposed": [
                right_role_scores(weights, wanted.T),
                (weights * wanted.T).sum(-1)[..., asked].mean(-1),
            ],
            "role-counts-winners": [winners[..., asked].mean(axis=-1), winners.mean(axis=-1)],
            "role-of-mean-head": expected.mean(),
            "role-one-layer": [expected.mean(axis=0), expected.mean(axis=1)],
        }
        suspects = {name: wrong for name, wrong in suspects.items() if not holds(wrong, expected)}
        same_array(call(candidate, weights, wanted), expected, "scores of the heads", "(layers, heads)", suspects)


# ---------------------------------------------------------------------------------------------------------------------
# The control
# ---------------------------------------------------------------------------------------------------------------------


@checks(
    "09.even_weights",
    title="The control: even weights",
    points=1,
    hints=[
        "Each query shares 1 equally among the keys that it may look at. How many are they, for each row?",
        "`mask.sum(axis=-1, keepdims=True)` counts them. A row without any must not be divided by 0.",
        "`mask / np.maximum(mask.sum(axis=-1, keepdims=True), 1)`.",
    ],
)
def even_weights(candidate):
    causal = np.tri(5, dtype=bool)
    padded = np.broadcast_to(np.arange(6) < 4, (4, 6))
    empty = draw(1, 5, 7) > 0
    empty[2], empty[0, 0] = False, True
    for mask in (causal, padded, empty):
        counts = mask.sum(axis=-1, keepdims=True)
        expected, rows, columns = mask / np.maximum(counts, 1), *mask.shape
        not_allowed = ~mask
        suspects = {
            "even-ignores-mask": np.full(mask.shape, 1 / columns),
            "even-over-queries": mask / np.maximum(mask.sum(axis=0, keepdims=True), 1),
            "even-over-everything": mask / mask.sum(),
            "even-divided-by-all": [mask / columns, mask / rows],
            "even-inverted": not_allowed / np.maximum(not_allowed.sum(axis=-1, keepdims=True), 1),
        }
        suspects = {name: wrong for name, wrong in suspects.items() if not holds(wrong, expected)}
        got = call(candidate, mask)
        show = {"expected": expected, "got": got, "what": "even weights"}
        if mask is empty and got.shape == expected.shape:
            assert not np.isnan(got[2]).any(), mistake("even-row-of-nan", **show)
            others = np.delete(got, 2, axis=0), np.delete(expected, 2, axis=0)
            assert not (probes.close(*others) and got[2].any()), mistake("even-row-not-zero", **show)
        same_array(got, expected, "even weights", "(queries, keys)", suspects)
    batch = draw(2, 2, 3, 4, 5) > 0
    expected = batch / np.maximum(batch.sum(axis=-1, keepdims=True), 1)
    got = call_on_batch(candidate, batch)
    assert probes.close(got, expected), mistake("wrong-on-batch", expected=expected, got=got, what="even weights")


# ---------------------------------------------------------------------------------------------------------------------
# Rollout
# ---------------------------------------------------------------------------------------------------------------------


def right_rollout(weights):
    paths = np.eye(weights.shape[-1])
    for layer in weights.mean(axis=1):
        paths = (layer + np.eye(len(layer))) / 2 @ paths
    return paths


@checks(
    "09.rollout",
    title="Rollout: paths through all layers",
    points=3,
    hints=[
        "Start with every token at its own place: the identity. Then go up, layer by layer. What does one layer do to a table of paths?",
        "Average the heads; mix with the identity, half and half; multiply by what you have so far. On which side? The later layer acts last.",
        "`paths = (layer.mean(axis=0) + np.eye(n)) / 2 @ paths`, for each layer from the first to the last.",
    ],
)
def rollout(candidate):
    for seed, layers, heads, size in ((1, 3, 2, 4), (2, 2, 3, 5)):
        weights = draw_maps(seed, layers, heads, size, size)
        means, one = weights.mean(axis=1), np.eye(size)
        expected = right_rollout(weights)

        def product(maps):
            result = np.eye(maps.shape[-1])
            for single in maps:
                result = single @ result
            return result

        mixed = (means + one) / 2
        suspects = {
            "rollout-order": product(mixed[::-1]),
            "rollout-no-residual": [product(means), product(means[::-1])],
            "rollout-not-halved": [product(means + one), product((means + one)[::-1])],
            "rollout-adds": [mixed.mean(axis=0), means.mean(axis=0), mixed.sum(axis=0), means.sum(axis=0)],
            "rollout-last-layer": [mixed[-1], means[-1], mixed[0], means[0]],
            "rollout-elementwise": [mixed.prod(axis=0), means.prod(axis=0), one * mixed.prod(axis=0)],
            "rollout-largest-head": [
                product((weights.max(axis=1) + one) / 2),
                product(normalised(weights.max(axis=1) + one)),
            ],
            "rollout-transposed": expected.T,
            "rollout-only-one-residual": [(product(means) + one) / 2, (product(means[::-1]) + one) / 2],
            "rollout-to-powers": [np.linalg.matrix_power(mixed[place], layers) for place in (0, -1)],
        }
        got = call(candidate, weights)
        same_array(got, expected, "rollout", "(tokens at the top, tokens at the bottom)", suspects)


def normalised(maps):
    return maps / maps.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------------------------------------------------------------
# Rank correlation
# ---------------------------------------------------------------------------------------------------------------------


def mean_ranks(values):
    """Ranks from 0; equal values share the mean of their ranks."""
    return (values[:, None] > values).sum(axis=1) + ((values[:, None] == values).sum(axis=1) - 1) / 2


def right_spearman(a, b):
    return np.corrcoef(mean_ranks(a), mean_ranks(b))[0, 1]


@checks(
    "09.spearman",
    title="Do two answers agree? Rank correlation",
    points=2,
    hints=[
        "Replace each value by its rank, then take the ordinary correlation of the ranks (`np.corrcoef`).",
        "The rank of a value: how many are smaller. Equal values share: add half of how many *others* are equal.",
        "`(a[:, None] > a).sum(1) + ((a[:, None] == a).sum(1) - 1) / 2` are the ranks; then `np.corrcoef(ranks_a, ranks_b)[0, 1]`.",
    ],
)
def spearman(candidate):
    with_ties = np.array([3.0, 1.0, 1.0, 0.0, 3.0, 2.0, 3.0]), np.array([0.2, 0.1, 0.5, 0.5, 0.9, 0.1, 40.0])
    for a, b in ((draw(1, 8), np.exp(3 * draw(2, 8))), with_ties, (draw(3, 6), -np.exp(draw(3, 6)))):
        expected = np.asarray(right_spearman(a, b))
        order = [np.argsort(one, kind="stable").argsort(kind="stable") for one in (a, b)]
        first = [(one[:, None] > one).sum(axis=1) for one in (a, b)]
        dense = [np.unique(one, return_inverse=True)[1] for one in (a, b)]
        ranks = mean_ranks(a), mean_ranks(b)
        suspects = {
            "pearson": np.corrcoef(a, b)[0, 1],
            "ranks-by-order": np.corrcoef(order[0], order[1])[0, 1],
            "ranks-first": np.corrcoef(first[0], first[1])[0, 1],
            "ranks-dense": np.corrcoef(dense[0], dense[1])[0, 1],
            "short-formula": 1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum() / (len(a) * (len(a) ** 2 - 1)),
            "ranks-one": [np.corrcoef(ranks[0], b)[0, 1], np.corrcoef(a, ranks[1])[0, 1]],
            "correlation-matrix": np.corrcoef(*ranks),
            "correlation-absolute": abs(expected),
            "correlation-sign": -expected,
            "argsort-once": np.corrcoef(a.argsort(kind="stable"), b.argsort(kind="stable"))[0, 1],
            "correlation-covariance": [np.cov(*ranks)[0, 1], np.cov(*ranks, bias=True)[0, 1]],
        }
        suspects = {name: np.asarray(wrong) for name, wrong in suspects.items() if not isinstance(wrong, list)} | {
            name: [np.asarray(one) for one in wrong] for name, wrong in suspects.items() if isinstance(wrong, list)
        }
        suspects = {name: wrong for name, wrong in suspects.items() if not holds(wrong, expected)}
        same_array(call(candidate, a, b), expected, "rank correlation", "one number", suspects)


# ---------------------------------------------------------------------------------------------------------------------
# Leave one out, integrated gradients
# ---------------------------------------------------------------------------------------------------------------------


def curved(x):
    """A score that mixes tokens, depends on their places, and is not linear."""
    places = np.arange(1, len(x) + 1)[:, None]
    gathered = np.tanh((places * x).sum(axis=0) / len(x))
    return float((gathered**2).sum() + 0.5 * np.sin(x).sum() + 0.1 * (x[0] * x[-1]).sum())


@checks(
    "09.leave_one_out",
    title="Leave one out",
    points=2,
    hints=[
        "Keep the full score. Then put `empty` in place of one token, in a fresh copy, and ask again.",
        "The number of a token is what the score falls by: full − without. One number for each token, signs and all.",
        "`without = x.copy(); without[token] = empty; falls.append(full - score(without))`, then `np.array(falls)`.",
    ],
)
def leave_one_out(candidate):
    for seed, size, width in ((5, 4, 3), (2, 5, 2)):
        x, empty = draw(seed, size, width), draw(seed + 10, width)

        def without(*tokens, fill=empty, x=x):
            changed = x.copy()
            changed[list(tokens)] = fill
            return curved(changed)

        after = np.array([without(token) for token in range(size)])
        expected = curved(x) - after
        cumulative = np.array([without(*range(token + 1)) for token in range(size)])
        alone = np.array([without(*(set(range(size)) - {token})) for token in range(size)])
        suspects = {
            "loo-sign": -expected,
            "loo-scores": after,
            "loo-accumulates": [curved(x) - cumulative, -np.diff([curved(x), *cumulative])],
            "loo-deleted": np.array([curved(x) - curved(np.delete(x, token, axis=0)) for token in range(size)]),
            "loo-zero": np.array([curved(x) - without(token, fill=0) for token in range(size)]),
            "loo-only-one": [alone, curved(x) - alone, alone - curved(x)],
            "loo-absolute": abs(expected),
            "loo-shares": [expected / expected.sum(), abs(expected) / abs(expected).sum()],
        }
        same_array(call(candidate, curved, x, empty), expected, "falls", "(tokens,)", suspects)


def bent(x):
    """A score whose gradient changes along the way: a cubic that mixes the tokens."""
    return float((x**3).sum() / 3 + x.sum(axis=0).prod())


def bent_gradient(x):
    total = x.sum(axis=0)
    others = np.array([np.delete(total, place).prod() for place in range(len(total))])
    return x**2 + others


@checks(
    "09.integrated_gradients",
    title="Integrated gradients, and its test",
    points=3,
    hints=[
        "Points on the way: `empty + share * (x - empty)` for shares between 0 and 1. Ask for the gradient at each of them.",
        "Average the gradients over the points, multiply by the way x − empty, feature by feature, and add up over the features.",
        "`shares = (np.arange(steps) + 0.5) / steps`; `mean = np.mean([gradient(empty + s * (x - empty)) for s in shares], axis=0)`; "
        "`((x - empty) * mean).sum(axis=-1)`.",
    ],
)
def integrated_gradients(candidate):
    for seed, size, width in ((1, 4, 3), (2, 3, 2)):
        x, empty, steps = draw(seed, size, width) + 1, draw(seed + 10, width), 200
        way = x - empty

        def mean_gradient(start, x=x, steps=steps):
            shares = (np.arange(steps) + 0.5) / steps
            return np.mean([bent_gradient(start + share * (x - start)) for share in shares], axis=0)

        mean, start = mean_gradient(empty), np.broadcast_to(empty, x.shape)
        expected = (way * mean).sum(axis=-1)
        got = call(candidate, bent_gradient, x, empty, steps)
        show = {"expected": expected, "got": got, "what": "shares"}
        suspects = {
            "ig-not-summed": way * mean,
            "ig-at-the-end": [(way * bent_gradient(x)).sum(axis=-1), (x * bent_gradient(x)).sum(axis=-1)],
            "ig-at-the-start": (way * bent_gradient(start)).sum(axis=-1),
            "ig-without-way": mean.sum(axis=-1),
            "ig-times-x": (x * mean).sum(axis=-1),
            "ig-sum": steps * expected,
            "ig-from-zero": [(x * mean_gradient(np.zeros(width))).sum(axis=-1), (way * mean_gradient(0)).sum(axis=-1)],
            "ig-sign": -expected,
            "ig-length": [
                np.linalg.norm(way * mean, axis=-1),
                np.linalg.norm(way, axis=-1) * np.linalg.norm(mean, axis=-1),
            ],
        }
        found = nearest(got, suspects, expected)
        facts = {"steps": steps} if found == "ig-sum" else {}
        assert found is None, mistake(found, **show, **facts)
        axes = "(tokens,)"
        assert got.shape == expected.shape, mistake(
            "map-shape", shape=got.shape, right=expected.shape, axes=axes, **show
        )
        assert np.isfinite(got).all(), mistake("not-finite", **show)
        right = bent(x) - bent(np.array(start))
        complete = abs(got.sum() - right) <= 0.02 * abs(expected).sum()  # a rule other than the midpoint is coarser
        assert complete, mistake("ig-incomplete", total=got.sum(), right=right, **show)
        assert alike(got, expected, expected), mistake("different-values", **show)


def alike(got, expected, scale):
    """Whether two arrays agree up to what a coarser rule of summing costs."""
    return got.shape == expected.shape and bool(np.all(np.abs(got - expected) <= 0.02 * np.abs(scale).max()))


def nearest(got, suspects, expected):
    """The first suspect that the answer agrees with up to the rule of summing, unless it agrees with the right answer."""
    if alike(got, expected, expected):
        return None
    for name, arrays in suspects.items():
        if any(alike(got, one, one) for one in (arrays if isinstance(arrays, list) else [arrays])):
            return name
    return None
