"""Answers to lesson 09's exercises: the mistakes that people make, and right answers in other styles."""

import numpy as np

from tests.mistakes.collection import right, wrong

# --- strongest --------------------------------------------------------------------------------------------------------


@wrong("09.strongest", "labels-colleague")
def strongest_first_rows(weights, special):
    size = int((~special).sum())
    return weights[:size, :size].argmax(axis=-1)


@wrong("09.strongest", "labels-colleague")
def strongest_first_rows_of_the_queries(weights, special):
    return weights[: int((~special).sum()), ~special].argmax(axis=-1)


@wrong("09.strongest", "labels-shifted")
def strongest_counting_delimiters(weights, special):
    return np.where(special, -1, weights).argmax(axis=-1)[~special]


@wrong("09.strongest", "labels-delimiter-wins")
def strongest_delimiters_stay_as_keys(weights, special):
    return weights[~special].argmax(axis=-1)


@wrong("09.strongest", "labels-most-looking")
def strongest_along_columns(weights, special):
    return weights[~special][:, ~special].argmax(axis=0)


@wrong("09.strongest", "labels-itself")
def strongest_not_itself(weights, special):
    inner = weights[~special][:, ~special].copy()
    np.fill_diagonal(inner, -1)
    return inner.argmax(axis=-1)


@wrong("09.strongest", "labels-ends-only")
def strongest_cutting_the_ends(weights, special):
    return weights[1:-1, 1:-1].argmax(axis=-1)


@wrong("09.strongest", "map-shape")
def strongest_for_every_token(weights, special):
    return np.where(special, 0, weights).argmax(axis=-1)


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
    return np.array([max(range(len(real)), key=lambda j: weights[i, real[j]]) for i in real])


# --- merge_words ------------------------------------------------------------------------------------------------------


def belonging(word_of_token):
    return np.eye(word_of_token.max() + 1)[word_of_token]


@wrong("09.merge_words", "pieces-summed")
def words_summed_twice(weights, word_of_token):
    belongs = belonging(word_of_token)
    return belongs.T @ weights @ belongs


@wrong("09.merge_words", "pieces-averaged")
def words_averaged_twice(weights, word_of_token):
    mean = belonging(word_of_token) / np.bincount(word_of_token)
    return mean.T @ weights @ mean


@wrong("09.merge_words", "pieces-exchanged")
def words_exchanged(weights, word_of_token):
    belongs = belonging(word_of_token)
    return belongs.T @ weights @ (belongs / belongs.sum(0))


@wrong("09.merge_words", "pieces-first-only")
def words_first_piece(weights, word_of_token):
    first = np.unique(word_of_token, return_index=True)[1]
    return weights[..., first, :][..., first]


@wrong("09.merge_words", "pieces-largest")
def words_largest(weights, word_of_token):
    groups = [word_of_token == word for word in range(word_of_token.max() + 1)]
    columns = np.stack([weights[..., group].max(-1) for group in groups], axis=-1)
    return np.stack([columns[..., group, :].mean(-2) for group in groups], axis=-2)


@wrong("09.merge_words", "pieces-renormalised")
def words_renormalised(weights, word_of_token):
    mean = belonging(word_of_token) / np.bincount(word_of_token)
    joined = mean.T @ weights @ mean
    return joined / joined.sum(axis=-1, keepdims=True)


@wrong("09.merge_words", "pieces-columns-only")
def words_columns(weights, word_of_token):
    return weights @ belonging(word_of_token)


@wrong("09.merge_words", "pieces-rows-only")
def words_rows(weights, word_of_token):
    return (belonging(word_of_token) / np.bincount(word_of_token)).T @ weights


@wrong("09.merge_words", "fails-on-batch")
def words_of_one_map(weights, word_of_token):
    groups = [np.flatnonzero(word_of_token == word) for word in range(word_of_token.max() + 1)]
    joined = np.zeros((len(groups), len(groups)))
    for i, row in enumerate(groups):
        for j, column in enumerate(groups):
            joined[i, j] = float(weights[row][:, column].sum(axis=1).mean())
    return joined


@wrong("09.merge_words", "wrong-on-batch")
def words_counting_from_the_front(weights, word_of_token):
    belongs = belonging(word_of_token)
    if weights.ndim == 2:
        return (belongs / belongs.sum(0)).T @ weights @ belongs
    return (belongs / belongs.sum(0)).T @ weights[::-1] @ belongs


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
    return np.stack([columns[..., group, :].mean(axis=-2) for group in groups], axis=-2)


@right("09.merge_words")
def words_with_reduceat(weights, word_of_token):
    starts = np.unique(word_of_token, return_index=True)[1]
    sums = np.add.reduceat(np.add.reduceat(weights, starts, axis=-1), starts, axis=-2)
    return sums / np.bincount(word_of_token)[:, None]


# --- role_scores ------------------------------------------------------------------------------------------------------


@wrong("09.role_scores", "role-all-queries")
def role_over_all_queries(weights, wanted):
    return (weights * wanted).sum(axis=-1).mean(axis=-1)


@wrong("09.role_scores", "role-mean-of-keys")
def role_mean_over_wanted_pairs(weights, wanted):
    return weights[..., wanted].mean(axis=-1)


@wrong("09.role_scores", "role-total")
def role_total(weights, wanted):
    return (weights * wanted).sum(axis=(-2, -1))


@wrong("09.role_scores", "role-transposed")
def role_transposed(weights, wanted):
    return role_with_a_mask(weights, wanted.T)


@wrong("09.role_scores", "role-counts-winners")
def role_counting(weights, wanted):
    hits = np.eye(weights.shape[-1], dtype=bool)[weights.argmax(axis=-1)] & wanted
    return hits.any(axis=-1)[..., wanted.any(axis=-1)].mean(axis=-1)


@wrong("09.role_scores", "role-over-keys")
def role_over_wanted_keys(weights, wanted):
    return (weights * wanted).sum(axis=-2)[..., wanted.any(axis=-2)].mean(axis=-1)


@wrong("09.role_scores", "role-of-mean-head")
def role_of_everything(weights, wanted):
    return role_with_a_mask(weights, wanted).mean()


@wrong("09.role_scores", "role-one-layer")
def role_averaged_over_heads(weights, wanted):
    return role_with_a_mask(weights.mean(axis=1), wanted)


@wrong("09.role_scores", "map-shape")
def role_for_each_query(weights, wanted):
    return (weights * wanted).sum(axis=-1)


@right("09.role_scores")
def role_with_a_mask(weights, wanted):
    asked = wanted.any(axis=-1)
    return np.where(wanted, weights, 0).sum(axis=-1)[..., asked].mean(axis=-1)


@right("09.role_scores")
def role_divided(weights, wanted):
    return np.einsum("lhqk,qk->lh", weights, wanted.astype(float)) / wanted.any(axis=1).sum()


# --- even_weights -----------------------------------------------------------------------------------------------------


@wrong("09.even_weights", "even-ignores-mask")
def even_everywhere(mask):
    return np.full(mask.shape, 1 / mask.shape[-1])


@wrong("09.even_weights", "even-over-queries")
def even_columns(mask):
    return mask / np.maximum(mask.sum(axis=-2, keepdims=True), 1)


@wrong("09.even_weights", "even-over-everything")
def even_in_total(mask):
    return mask / mask.sum()


@wrong("09.even_weights", "even-divided-by-all")
def even_by_all_keys(mask):
    return mask / mask.shape[-1]


@wrong("09.even_weights", "even-row-of-nan")
def even_nan(mask):
    return mask / mask.sum(axis=-1, keepdims=True)


@wrong("09.even_weights", "even-row-not-zero")
def even_row_of_shares(mask):
    mask = mask | ~mask.any(axis=-1, keepdims=True)
    return mask / mask.sum(axis=-1, keepdims=True)


@wrong("09.even_weights", "even-inverted")
def even_inverted(mask):
    return ~mask / np.maximum((~mask).sum(axis=-1, keepdims=True), 1)


@wrong("09.even_weights", "fails-on-batch")
def even_by_rows(mask):
    found = np.zeros(mask.shape)
    for query in range(len(mask)):
        if mask[query].any():
            found[query, np.flatnonzero(mask[query])] = 1 / mask[query].sum()
    return found


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


# --- rollout ----------------------------------------------------------------------------------------------------------


def mixed(weights):
    return (weights.mean(axis=1) + np.eye(weights.shape[-1])) / 2


def product(maps):
    result = np.eye(maps.shape[-1])
    for one in maps:
        result = one @ result
    return result


@wrong("09.rollout", "rollout-elementwise")
def rollout_number_by_number_from_the_identity(weights):
    paths = np.eye(weights.shape[-1])
    for layer in weights.mean(axis=1):
        paths = (layer + np.eye(len(layer))) / 2 * paths
    return paths


@wrong("09.rollout", "rollout-order")
def rollout_turned_round(weights):
    return product(mixed(weights)[::-1])


@wrong("09.rollout", "rollout-no-residual")
def rollout_of_maps_alone(weights):
    return product(weights.mean(axis=1))


@wrong("09.rollout", "rollout-not-halved")
def rollout_growing(weights):
    return product(weights.mean(axis=1) + np.eye(weights.shape[-1]))


@wrong("09.rollout", "rollout-adds")
def rollout_mean_of_layers(weights):
    return mixed(weights).mean(axis=0)


@wrong("09.rollout", "rollout-last-layer")
def rollout_last(weights):
    return mixed(weights)[-1]


@wrong("09.rollout", "rollout-elementwise")
def rollout_number_by_number(weights):
    return mixed(weights).prod(axis=0)


@wrong("09.rollout", "rollout-largest-head")
def rollout_of_largest(weights):
    return product((weights.max(axis=1) + np.eye(weights.shape[-1])) / 2)


@wrong("09.rollout", "rollout-transposed")
def rollout_transposed(weights):
    return product(mixed(weights)).T


@wrong("09.rollout", "rollout-only-one-residual")
def rollout_identity_at_the_end(weights):
    return (product(weights.mean(axis=1)) + np.eye(weights.shape[-1])) / 2


@wrong("09.rollout", "rollout-to-powers")
def rollout_powers(weights):
    return np.linalg.matrix_power(mixed(weights)[0], len(weights))


@wrong("09.rollout", "map-shape")
def rollout_for_each_head(weights):
    paths = np.eye(weights.shape[-1])
    for layer in weights:
        paths = (layer + np.eye(layer.shape[-1])) / 2 @ paths
    return paths


@right("09.rollout")
def rollout_with_multi_dot(weights):
    return np.linalg.multi_dot(list(mixed(weights)[::-1]))


@right("09.rollout")
def rollout_from_the_top(weights):
    paths = np.eye(weights.shape[-1])
    for layer in reversed(list(weights)):
        paths = 0.5 * (paths @ layer.mean(0)) + 0.5 * paths
    return paths


# --- spearman ---------------------------------------------------------------------------------------------------------


def tied(values):
    return np.array([(values < one).sum() + ((values == one).sum() - 1) / 2 for one in values])


@wrong("09.spearman", "short-formula")
def correlation_by_squared_differences(a, b):
    rank_a, rank_b = (np.array([(x < v).sum() + ((x == v).sum() - 1) / 2 for v in x]) for x in (a, b))
    return 1 - 6 * ((rank_a - rank_b) ** 2).sum() / (len(a) * (len(a) ** 2 - 1))


@wrong("09.spearman", "pearson")
def of_values(a, b):
    return np.corrcoef(a, b)[0, 1]


@wrong("09.spearman", "ranks-by-order")
def ties_by_place(a, b):
    return np.corrcoef(*(np.argsort(np.argsort(one, kind="stable"), kind="stable") for one in (a, b)))[0, 1]


@wrong("09.spearman", "ranks-first")
def ties_smallest(a, b):
    return np.corrcoef(*(np.searchsorted(np.sort(one), one) for one in (a, b)))[0, 1]


@wrong("09.spearman", "ranks-dense")
def ties_without_gap(a, b):
    return np.corrcoef(*(np.searchsorted(np.unique(one), one) for one in (a, b)))[0, 1]


@wrong("09.spearman", "ranks-one")
def one_ranked(a, b):
    return np.corrcoef(tied(a), b)[0, 1]


@wrong("09.spearman", "argsort-once")
def order_for_ranks(a, b):
    return np.corrcoef(a.argsort(kind="stable"), b.argsort(kind="stable"))[0, 1]


@wrong("09.spearman", "correlation-matrix")
def whole_table(a, b):
    return np.corrcoef(tied(a), tied(b))


@wrong("09.spearman", "correlation-sign")
def ranked_downwards(a, b):
    return np.corrcoef(tied(a), tied(-b))[0, 1]


@wrong("09.spearman", "correlation-absolute")
def without_sign(a, b):
    return abs(np.corrcoef(tied(a), tied(b))[0, 1])


@wrong("09.spearman", "correlation-covariance")
def not_divided(a, b):
    return np.cov(tied(a), tied(b))[0, 1]


@right("09.spearman")
def by_hand(a, b):
    a, b = tied(a) - tied(a).mean(), tied(b) - tied(b).mean()
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


@right("09.spearman")
def with_searchsorted(a, b):
    ranks = [(np.searchsorted(np.sort(one), one) + np.searchsorted(np.sort(one), one, "right")) / 2 for one in (a, b)]
    return float(np.corrcoef(ranks)[1, 0])


# --- leave_one_out ----------------------------------------------------------------------------------------------------


def scores_without(score, x, empty):
    return np.array([score(np.where(np.arange(len(x))[:, None] == token, empty, x)) for token in range(len(x))])


@wrong("09.leave_one_out", "loo-only-one")
def scores_of_each_token_alone(score, x, empty):
    return np.array([score(np.where(np.arange(len(x))[:, None] == token, x, empty)) for token in range(len(x))])


@wrong("09.leave_one_out", "loo-sign")
def falls_turned(score, x, empty):
    return scores_without(score, x, empty) - score(x)


@wrong("09.leave_one_out", "loo-scores")
def scores_only(score, x, empty):
    return scores_without(score, x, empty)


@wrong("09.leave_one_out", "loo-accumulates")
def falls_in_one_copy(score, x, empty):
    without, falls = x.copy(), []
    for token in range(len(x)):
        without[token] = empty
        falls.append(score(x) - score(without))
    return np.array(falls)


@wrong("09.leave_one_out", "loo-deleted")
def falls_by_deleting(score, x, empty):
    return np.array([score(x) - score(np.delete(x, token, axis=0)) for token in range(len(x))])


@wrong("09.leave_one_out", "loo-zero")
def falls_by_zeros(score, x, empty):
    return score(x) - scores_without(score, x, 0 * empty)


@wrong("09.leave_one_out", "loo-only-one")
def only_one_stays(score, x, empty):
    return np.array([score(x) - score(np.where(np.arange(len(x))[:, None] == i, x, empty)) for i in range(len(x))])


@wrong("09.leave_one_out", "loo-absolute")
def falls_without_sign(score, x, empty):
    return abs(score(x) - scores_without(score, x, empty))


@wrong("09.leave_one_out", "loo-shares")
def falls_as_shares(score, x, empty):
    falls = score(x) - scores_without(score, x, empty)
    return falls / falls.sum()


@wrong("09.leave_one_out", "changes-its-input")
def falls_in_place(score, x, empty):
    full, falls = score(x), []
    for token in range(len(x)):
        x[token] = empty
        falls.append(full - score(x))
    return np.array(falls)


@right("09.leave_one_out")
def falls_with_where(score, x, empty):
    return score(x) - scores_without(score, x, empty)


@right("09.leave_one_out")
def falls_with_concatenate(score, x, empty):
    full = score(x)
    return np.array([full - score(np.vstack([x[:i], empty[None], x[i + 1 :]])) for i in range(len(x))])


# --- integrated_gradients ---------------------------------------------------------------------------------------------


def along(gradient, x, empty, steps):
    return [gradient(empty + (step + 0.5) / steps * (x - empty)) for step in range(steps)]


@wrong("09.integrated_gradients", "ig-at-the-end")
def gradient_times_way(gradient, x, empty, steps):
    return ((x - empty) * gradient(x)).sum(axis=-1)


@wrong("09.integrated_gradients", "ig-at-the-start")
def gradient_at_empty(gradient, x, empty, steps):
    return ((x - empty) * gradient(np.broadcast_to(empty, x.shape))).sum(axis=-1)


@wrong("09.integrated_gradients", "ig-without-way")
def mean_gradient_alone(gradient, x, empty, steps):
    return np.mean(along(gradient, x, empty, steps), axis=0).sum(axis=-1)


@wrong("09.integrated_gradients", "ig-times-x")
def times_x(gradient, x, empty, steps):
    return (x * np.mean(along(gradient, x, empty, steps), axis=0)).sum(axis=-1)


@wrong("09.integrated_gradients", "ig-sum")
def added_up(gradient, x, empty, steps):
    return ((x - empty) * np.sum(along(gradient, x, empty, steps), axis=0)).sum(axis=-1)


@wrong("09.integrated_gradients", "ig-from-zero")
def from_zero(gradient, x, empty, steps):
    return (x * np.mean(along(gradient, x, 0 * empty, steps), axis=0)).sum(axis=-1)


@wrong("09.integrated_gradients", "ig-sign")
def way_turned(gradient, x, empty, steps):
    return ((empty - x) * np.mean(along(gradient, x, empty, steps), axis=0)).sum(axis=-1)


@wrong("09.integrated_gradients", "ig-not-summed")
def for_each_feature(gradient, x, empty, steps):
    return (x - empty) * np.mean(along(gradient, x, empty, steps), axis=0)


@wrong("09.integrated_gradients", "ig-length")
def lengths(gradient, x, empty, steps):
    return np.linalg.norm((x - empty) * np.mean(along(gradient, x, empty, steps), axis=0), axis=-1)


@wrong("09.integrated_gradients", "ig-incomplete")
def half_the_way(gradient, x, empty, steps):
    points = [gradient(empty + step / (2 * steps) * (x - empty)) for step in range(steps)]
    return ((x - empty) * np.mean(points, axis=0)).sum(axis=-1)


@wrong("09.integrated_gradients", "different-values")
def shared_out_evenly(gradient, x, empty, steps):
    total = ((x - empty) * np.mean(along(gradient, x, empty, steps), axis=0)).sum()
    return np.full(len(x), total / len(x))


@right("09.integrated_gradients")
def from_the_right_end_of_each_step(gradient, x, empty, steps):
    points = [gradient(empty + step / steps * (x - empty)) for step in range(1, steps + 1)]
    return ((x - empty) * np.mean(points, axis=0)).sum(axis=-1)


@right("09.integrated_gradients")
def by_the_trapezoid(gradient, x, empty, steps):
    points = np.array([gradient(empty + share * (x - empty)) for share in np.linspace(0, 1, steps + 1)])
    mean = (points[1:] + points[:-1]).mean(axis=0) / 2
    return np.einsum("td,td->t", x - empty, mean)
