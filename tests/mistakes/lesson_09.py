"""Right answers to lesson 09's exercises in other styles."""

import numpy as np

from tests.mistakes.collection import equal, right, wrong

# --- strongest --------------------------------------------------------------------------------------------------------


@right("09.strongest")
def strongest_with_ix(weights, special):
    places = np.where(~special)[0]
    return np.argmax(weights[np.ix_(places, places)], axis=1)


@right("09.strongest")
def strongest_counting_back(weights, special):
    found = np.where(special, -np.inf, weights).argmax(axis=-1)[~special]
    return found - np.cumsum(special)[found]


@right("09.strongest")
def strongest_by_loops(weights, special):
    real = [i for i in range(len(special)) if not special[i]]
    return [max(range(len(real)), key=lambda j: weights[i, real[j]]) for i in real]


@right("09.strongest")
def strongest_by_deleting(weights, special):
    gone = np.flatnonzero(special)
    return np.delete(np.delete(weights, gone, axis=0), gone, axis=1).argmax(axis=1).astype(np.uint8)


# --- merge_words ------------------------------------------------------------------------------------------------------


def belonging(word_of_token):
    return np.eye(word_of_token.max() + 1)[word_of_token]


@right("09.merge_words")
def words_with_einsum(weights, word_of_token):
    belongs = belonging(word_of_token)
    return np.einsum("qu,...qk,kv->...uv", belongs / belongs.sum(0), weights, belongs)


@right("09.merge_words")
def words_summed_and_divided(weights, word_of_token):
    belongs = belonging(word_of_token)
    joined = belongs.T @ weights @ belongs
    return joined / joined.sum(axis=-1, keepdims=True)


@right("09.merge_words")
def words_by_loops(weights, word_of_token):
    groups = [word_of_token == word for word in np.unique(word_of_token)]
    columns = np.stack([weights[..., group].sum(axis=-1) for group in groups], axis=-1)
    return np.stack([columns[..., group, :].mean(axis=-2) for group in groups], axis=-2).astype(np.float32)


@right("09.merge_words")
def words_with_reduceat(weights, word_of_token):
    starts = np.unique(word_of_token, return_index=True)[1]
    sums = np.add.reduceat(np.add.reduceat(weights, starts, axis=-1), starts, axis=-2)
    return sums / np.bincount(word_of_token)[:, None]


@right("09.merge_words")
def words_added_at(weights, word_of_token):
    words = int(word_of_token.max()) + 1
    joined = np.zeros((*weights.shape[:-2], words, words))
    np.add.at(joined, (..., word_of_token[:, None], word_of_token), weights)
    return joined / np.bincount(word_of_token)[:, None]


# --- role_scores ------------------------------------------------------------------------------------------------------


@right("09.role_scores")
def role_with_where(weights, wanted):
    asked = wanted.any(axis=-1)
    return np.where(wanted, weights, 0).sum(axis=-1)[..., asked].mean(axis=-1)


@right("09.role_scores")
def role_divided(weights, wanted):
    return np.einsum("lhqk,qk->lh", weights, wanted.astype(float)) / wanted.any(axis=1).sum()


@right("09.role_scores")
def role_by_loops(weights, wanted):
    queries = [query for query in range(len(wanted)) if sum(wanted[query])]
    return np.array(
        [[sum(head[i, j] for i in queries for j in np.flatnonzero(wanted[i])) / len(queries) for head in layer] for layer in weights]
    )  # fmt: skip


@right("09.role_scores")
def role_with_nanmean(weights, wanted):
    share = (weights * wanted).sum(axis=-1)
    return np.nanmean(np.where(wanted.any(axis=-1), share, np.nan), axis=-1).astype(np.float32)


# --- even_weights -----------------------------------------------------------------------------------------------------


@right("09.even_weights")
def even_with_where(mask):
    count = mask.sum(axis=-1, keepdims=True)
    return np.divide(mask, count, out=np.zeros(mask.shape), where=count > 0)


@right("09.even_weights")
def even_with_nan_replaced(mask):
    return np.nan_to_num(mask / mask.sum(axis=-1, keepdims=True))


@right("09.even_weights")
def even_in_single_precision(mask):
    return (mask / np.clip(mask.sum(-1, keepdims=True), 1, None)).astype(np.float32)


@right("09.even_weights")
def even_by_loops(mask):
    rows = mask.reshape(-1, mask.shape[-1])
    return np.array([[float(key) / max(1, sum(row)) for key in row] for row in rows]).reshape(mask.shape)


@right("09.even_weights")
def even_by_a_softmax(mask):
    scores = np.exp(np.where(mask, 0.0, -np.inf))
    return scores / np.maximum(scores.sum(axis=-1, keepdims=True), 1e-12)


# --- rollout ----------------------------------------------------------------------------------------------------------


def mixed(weights):
    return (weights.mean(axis=1) + np.eye(weights.shape[-1])) / 2


@right("09.rollout")
def rollout_by_matrix_products(weights):
    paths = mixed(weights)[-1]
    for layer in mixed(weights)[-2::-1]:
        paths = np.matmul(paths, layer)
    return paths


@right("09.rollout")
def rollout_from_the_top(weights):
    paths = np.eye(weights.shape[-1])
    for layer in reversed(list(weights)):
        paths = 0.5 * (paths @ layer.mean(0)) + 0.5 * paths
    return paths


@right("09.rollout")
def rollout_divided_as_published(weights):
    added = np.average(weights, axis=1) + np.eye(weights.shape[-1])
    added /= added.sum(axis=-1, keepdims=True)
    joint = added[0]
    for layer in added[1:]:
        joint = layer @ joint
    return joint.astype(np.float32)


@right("09.rollout")
def rollout_by_rows(weights):
    found = []
    for row in np.eye(weights.shape[-1]):
        for layer in mixed(weights)[::-1]:
            row = row @ layer
        found.append(row)
    return np.array(found)


# --- spearman ---------------------------------------------------------------------------------------------------------


def tied(values):
    return np.array([(values < one).sum() + ((values == one).sum() - 1) / 2 for one in values])


@right("09.spearman")
def by_hand(a, b):
    a, b = tied(a) - tied(a).mean(), tied(b) - tied(b).mean()
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


@right("09.spearman")
def with_searchsorted(a, b):
    ranks = [(np.searchsorted(np.sort(one), one) + np.searchsorted(np.sort(one), one, "right")) / 2 for one in (a, b)]
    return float(np.corrcoef(ranks)[1, 0])


@right("09.spearman")
def by_signs_of_pairs(a, b):
    a, b = np.sign(np.subtract.outer(a, a)).sum(axis=1), np.sign(np.subtract.outer(b, b)).sum(axis=1)
    return np.cov(a, b)[0, 1] / (a.std(ddof=1) * b.std(ddof=1))


@right("09.spearman")
def means_of_both_orders(a, b):
    def ranks(values):
        up = values.argsort(kind="stable").argsort()
        down = len(values) - (-values).argsort(kind="stable").argsort()
        return (up + down) / 2

    return np.float32(np.corrcoef(ranks(a), ranks(b))[0, 1])


@right("09.spearman")
def with_unique(a, b):
    def ranks(values):
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        return (np.cumsum(count) - (count - 1) / 2)[place]

    return np.corrcoef(ranks(a), ranks(b))[0][1]


@wrong("09.spearman", "ranked-by-another-library")  # right numbers: no mistake of a value
def spearman_of_scipy(a, b):
    from scipy.stats import spearmanr

    return spearmanr(a, b).statistic


# --- leave_one_out ----------------------------------------------------------------------------------------------------


@right("09.leave_one_out")
def falls_with_where(score, x, empty):
    tokens = np.arange(len(x))
    return score(x) - np.array([score(np.where(tokens[:, None] == token, empty, x)) for token in tokens])


@right("09.leave_one_out")
def falls_with_concatenate(score, x, empty):
    full = score(x)
    return [full - score(np.vstack([x[:i], empty[None], x[i + 1 :]])) for i in range(len(x))]


@right("09.leave_one_out")
def falls_put_back(score, x, empty):
    full, falls, x = score(x), np.zeros(len(x), dtype=np.float32), np.array(x)
    for i in range(len(x)):
        kept, x[i] = x[i].copy(), empty
        falls[i] = full - score(x)
        x[i] = kept
    return falls


# --- integrated_gradients ---------------------------------------------------------------------------------------------


def along(gradient, x, empty, shares):
    return np.array([gradient(empty + share * (x - empty)) for share in shares])


@right("09.integrated_gradients")
def from_the_right_end_of_each_step(gradient, x, empty, steps):
    points = [gradient(empty + step / steps * (x - empty)) for step in range(1, steps + 1)]
    return ((x - empty) * np.mean(points, axis=0)).sum(axis=-1)


@right("09.integrated_gradients")
def from_the_left_end_of_each_step(gradient, x, empty, steps):
    total = 0
    for step in range(steps):
        total = total + gradient(empty * (1 - step / steps) + x * (step / steps)) / steps
    return [float(way @ slope) for way, slope in zip(x - empty, total, strict=True)]


@right("09.integrated_gradients")
def with_both_ends(gradient, x, empty, steps):
    return ((x - empty) * along(gradient, x, empty, np.linspace(0, 1, steps)).mean(axis=0)).sum(axis=-1)


@right("09.integrated_gradients")
def by_the_trapezoid(gradient, x, empty, steps):
    points = along(gradient, x, empty, np.linspace(0, 1, steps + 1))
    mean = (points[1:] + points[:-1]).mean(axis=0) / 2
    return np.einsum("td,td->t", x - empty, mean)


@right("09.integrated_gradients")
def by_the_trapezoid_of_as_many_points(gradient, x, empty, steps):
    points = along(gradient, x, empty, np.linspace(0, 1, steps))
    return ((x - empty) * np.trapezoid(points, dx=1 / (steps - 1), axis=0)).sum(axis=-1).astype(np.float32)


# --- changes that leave the solutions right -----------------------------------------------------------------------------

equal("09.strongest", "-1 -> +1", "the map of the real tokens has two axes")
equal("09.role_scores", "-1 -> +1", "wanted has two axes")
equal("09.rollout", "1 -> 2", "maps are square: the axis before the last is as long as the last")
equal("09.integrated_gradients", "-1 -> +1", "what is added up has two axes")
for change in ("1 -> 0", "1 -> 2", "equal - 1 -> equal + 1"):
    equal("09.spearman", change, "ranks that all are higher or lower by as much correlate alike")
equal("09.spearman", "values[:, None] > values -> values[:, None] < values", "both are ranked from the largest down")
