"""Answers to lesson 02's exercises: the mistakes that people make, and right answers in other styles."""

from collections import Counter
from itertools import pairwise

import numpy as np

from course_lib.classroom.practice.lesson_02 import (
    colleagues_merges,
    merged_words,
    right_decode,
    right_encode,
    right_merge,
    right_merges,
    right_pairs,
)
from tests.mistakes.collection import right, wrong


def cut(row):
    return row[row >= 0]


# --- pair_counts ------------------------------------------------------------------------------------------------------


@wrong("02.pair_counts", "counts-types")
def pairs_of_word_types(words, counts, num_tokens):
    return right_pairs(words, np.ones_like(counts), num_tokens)


@wrong("02.pair_counts", "counts-padding")
def pairs_with_filling(words, counts, num_tokens):
    table = np.zeros((num_tokens, num_tokens))
    for word, count in zip(words, counts, strict=True):
        for a, b in pairwise(word):
            table[a, b] += count
    return table


@wrong("02.pair_counts", "pairs-reversed")
def pairs_after_before(words, counts, num_tokens):
    return right_pairs(words, counts, num_tokens).T


@wrong("02.pair_counts", "pairs-symmetric")
def pairs_in_both_directions(words, counts, num_tokens):
    table = right_pairs(words, counts, num_tokens)
    return table + table.T


@wrong("02.pair_counts", "pairs-across-words")
def pairs_of_the_whole_text(words, counts, num_tokens):
    table = np.zeros((num_tokens, num_tokens))
    text = [(token, count) for word, count in zip(words, counts, strict=True) for token in cut(word)]
    for (a, count), (b, _) in pairwise(text):
        table[a, b] += count
    return table


@wrong("02.pair_counts", "pairs-not-neighbours")
def pairs_anywhere_in_the_word(words, counts, num_tokens):
    table = np.zeros((num_tokens, num_tokens))
    for word, count in zip(words, counts, strict=True):
        word = cut(word)
        for i in range(len(word)):
            for j in range(i + 1, len(word)):
                table[word[i], word[j]] += count
    return table


@wrong("02.pair_counts", "pairs-in-steps-of-two")
def pairs_two_by_two(words, counts, num_tokens):
    table = np.zeros((num_tokens, num_tokens))
    for word, count in zip(words, counts, strict=True):
        word = cut(word)
        for i in range(0, len(word) - 1, 2):
            table[word[i], word[i + 1]] += count
    return table


@wrong("02.pair_counts", "pairs-overwritten")
def pairs_by_fancy_index(words, counts, num_tokens):
    table = np.zeros((num_tokens, num_tokens), dtype=int)
    inside = (words[:, :-1] >= 0) & (words[:, 1:] >= 0)
    table[words[:, :-1][inside], words[:, 1:][inside]] += np.repeat(counts[:, None], inside.shape[1], axis=1)[inside]
    return table


@wrong("02.pair_counts", "pairs-overwritten")
def pairs_by_fancy_index_of_each_word(words, counts, num_tokens):
    table = np.zeros((num_tokens, num_tokens), dtype=int)
    for word, count in zip(words, counts, strict=True):
        word = cut(word)
        table[word[:-1], word[1:]] += count
    return table


@wrong("02.pair_counts", "pairs-last-missing")
def pairs_but_the_last(words, counts, num_tokens):
    table = np.zeros((num_tokens, num_tokens), dtype=int)
    for word, count in zip(words, counts, strict=True):
        word = cut(word)
        for i in range(len(word) - 2):
            table[word[i], word[i + 1]] += count
    return table


@wrong("02.pair_counts", "different-values")
def pairs_doubled(words, counts, num_tokens):
    return 2 * right_pairs(words, counts, num_tokens)


@right("02.pair_counts")
def pairs_by_loops(words, counts, num_tokens):
    table = np.zeros((num_tokens, num_tokens))
    for row in range(len(words)):
        for i in range(words.shape[1] - 1):
            if words[row, i] >= 0 and words[row, i + 1] >= 0:
                table[words[row, i], words[row, i + 1]] += counts[row]
    return table


@right("02.pair_counts")
def pairs_by_counter(words, counts, num_tokens):
    found = Counter()
    for word, count in zip(words.tolist(), counts.tolist(), strict=True):
        for pair in pairwise(word):
            if min(pair) >= 0:
                found[pair] += count
    return np.array([[found[a, b] for b in range(num_tokens)] for a in range(num_tokens)])


@right("02.pair_counts")
def pairs_by_bincount(words, counts, num_tokens):
    before, after = words[:, :-1], words[:, 1:]
    inside = after >= 0
    weights = np.broadcast_to(counts[:, None], inside.shape)
    flat = np.bincount(before[inside] * num_tokens + after[inside], weights[inside], num_tokens**2)
    return flat.reshape(num_tokens, num_tokens)


# --- merge ------------------------------------------------------------------------------------------------------------


@wrong("02.merge", "merge-nothing")
def merge_not_at_all(ids, pair, new_id):
    return ids.copy()


@wrong("02.merge", "merge-first-only")
def merge_once(ids, pair, new_id):
    for i in range(len(ids) - 1):
        if (ids[i : i + 2] == pair).all():
            return np.concatenate([ids[:i], [new_id], ids[i + 2 :]])
    return ids.copy()


@wrong("02.merge", "merge-overlapping")
def merge_every_start(ids, pair, new_id):
    starts = [i for i in range(len(ids) - 1) if (ids[i : i + 2] == pair).all()]
    return np.array([new_id if i in starts else t for i, t in enumerate(ids) if i in starts or i - 1 not in starts])


@wrong("02.merge", "merge-from-right")
def merge_backwards(ids, pair, new_id):
    return right_merge(ids[::-1], pair[::-1], new_id)[::-1]


@wrong("02.merge", "merge-leaves-second")
def merge_into_the_first(ids, pair, new_id):
    out = ids.copy()
    for i in range(len(ids) - 1):
        if (ids[i : i + 2] == pair).all():
            out[i] = new_id
    return out


@wrong("02.merge", "merge-either-order")
def merge_as_sets(ids, pair, new_id):
    out, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and sorted(ids[i : i + 2]) == sorted(pair):
            out.append(new_id)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return np.array(out)


@wrong("02.merge", "merge-any-of-the-two")
def merge_by_membership(ids, pair, new_id):
    return np.where(np.isin(ids, pair), new_id, ids)


@wrong("02.merge", "merge-keeps-length")
def merge_with_filling(ids, pair, new_id):
    short = right_merge(ids, pair, new_id)
    return np.concatenate([short, np.full(len(ids) - len(short), -1)])


@wrong("02.merge", "merge-drops-last")
def merge_until_the_last_but_one(ids, pair, new_id):
    out, i = [], 0
    while i < len(ids) - 1:
        here = (ids[i : i + 2] == pair).all()
        out.append(new_id if here else ids[i])
        i += 2 if here else 1
    return np.array(out)


@right("02.merge")
def merge_by_walking(ids, pair, new_id):
    out, i = [], 0
    while i < len(ids):
        if i < len(ids) - 1 and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            out.append(new_id)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return np.array(out)


@right("02.merge")
def merge_by_looking_back(ids, pair, new_id):
    out = []
    for token in ids:
        if out and out[-1] == pair[0] and token == pair[1]:
            out[-1] = new_id
        else:
            out.append(token)
    return np.array(out)


@right("02.merge")
def merge_by_deleting(ids, pair, new_id):
    ids = list(ids)
    i = 0
    while i < len(ids) - 1:
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            ids[i : i + 2] = [new_id]
        i += 1
    return np.array(ids)


# --- breaking_words ---------------------------------------------------------------------------------------------------


@wrong("02.breaking_words", "not-words-and-counts")
def words_without_counts():
    return np.array([[0, 1, 2]])


@wrong("02.breaking_words", "words-not-whole")
def words_of_fractions():
    return np.array([[0.0, 1.0, 2.0]]), np.array([3])


@wrong("02.breaking_words", "words-not-a-table")
def words_with_too_many_counts():
    return np.array([[0, 1, 2], [3, 3, -1]]), np.array([5, 4, 1])


@wrong("02.breaking_words", "counts-not-positive")
def words_that_never_come():
    return np.array([[0, 1, 2], [3, 3, -1]]), np.array([5, 0])


@wrong("02.breaking_words", "filling-inside")
def words_with_a_hole():
    return np.array([[0, 1, 2], [3, -1, 3]]), np.array([5, 4])


@wrong("02.breaking_words", "too-few-pairs")
def words_of_one_pair():
    return np.array([[0, 1], [0, 1]]), np.array([5, 4])


@wrong("02.breaking_words", "colleague-copes")
def words_that_share_nothing():
    return np.array([[0, 1, -1], [2, 3, -1]]), np.array([5, 4])


@right("02.breaking_words")
def words_of_the_hint():
    return np.array([[0, 1, 2], [3, 3, -1]]), np.array([5, 4])


@right("02.breaking_words")
def words_of_letters():
    return np.array([[98, 97, 110, 97, 110, 97], [120, 120, -1, -1, -1, -1]]), np.array([10, 3])


@right("02.breaking_words")
def words_without_filling():
    return np.array([[0, 1, 2, 7, 8]]), np.array([1])


# --- learn_merges -----------------------------------------------------------------------------------------------------


@wrong("02.learn_merges", "no-recount")
def merges_of_the_first_count(words, counts, num_merges, num_tokens):
    return colleagues_merges(words, counts, num_merges, num_tokens)


@wrong("02.learn_merges", "pair-repeated")
def merges_never_applied(words, counts, num_merges, num_tokens):
    merges = []
    for _ in range(num_merges):
        table = right_pairs(words, counts, num_tokens)
        merges.append(np.unravel_index(table.argmax(), table.shape))
    return np.array(merges)


@wrong("02.learn_merges", "merges-rarest")
def merges_of_the_rarest(words, counts, num_merges, num_tokens):
    merges = []
    for new_id in range(num_tokens, num_tokens + num_merges):
        table = right_pairs(words, counts, new_id).astype(float)
        table[table == 0] = np.inf
        merges.append(np.unravel_index(table.argmin(), table.shape))
        words = merged_words(words, merges[-1], new_id)
    return np.array(merges)


@wrong("02.learn_merges", "new-ids-wrong")
def merges_numbered_from_one(words, counts, num_merges, num_tokens):
    merges = right_merges(words, counts, num_merges, num_tokens)
    return np.where(merges >= num_tokens, merges + 1, merges)


@wrong("02.learn_merges", "merges-counts-types")
def merges_of_word_types(words, counts, num_merges, num_tokens):
    return right_merges(words, np.ones_like(counts), num_merges, num_tokens)


@wrong("02.learn_merges", "pairs-across-words")
def merges_across_words(words, counts, num_merges, num_tokens):
    text = np.concatenate([np.tile(cut(word), count) for word, count in zip(words, counts, strict=True)])
    return right_merges(text[None], np.ones(1, dtype=int), num_merges, num_tokens)


@wrong("02.learn_merges", "wrong-shape")
def merges_with_their_ids(words, counts, num_merges, num_tokens):
    merges = right_merges(words, counts, num_merges, num_tokens)
    return np.column_stack([merges, num_tokens + np.arange(num_merges)])


@wrong("02.learn_merges", "changes-its-input")
def merges_in_place(words, counts, num_merges, num_tokens):
    merges = []
    for new_id in range(num_tokens, num_tokens + num_merges):
        table = right_pairs(words, counts, new_id)
        merges.append(np.unravel_index(table.argmax(), table.shape))
        words[:] = merged_words(words, merges[-1], new_id)
    return np.array(merges)


@right("02.learn_merges")
def merges_by_lists(words, counts, num_merges, num_tokens):
    texts = [cut(word).tolist() for word in words]
    merges = []
    for k in range(num_merges):
        pairs = Counter()
        for text, count in zip(texts, counts.tolist(), strict=True):
            for pair in pairwise(text):
                pairs[pair] += count
        best = max(pairs, key=pairs.get)
        merges.append(best)
        texts = [right_merge(np.array(text), best, num_tokens + k).tolist() for text in texts]
    return np.array(merges)


@right("02.learn_merges")
def merges_by_tables(words, counts, num_merges, num_tokens):
    merges = np.zeros((num_merges, 2))
    for k in range(num_merges):
        table = right_pairs(words, counts, num_tokens + num_merges)
        merges[k] = divmod(int(table.argmax()), len(table))
        words = merged_words(words, merges[k].astype(int), num_tokens + k)
    return merges


# --- encode -----------------------------------------------------------------------------------------------------------


@wrong("02.encode", "encode-nothing")
def encode_not_at_all(ids, merges, num_tokens):
    return ids.copy()


@wrong("02.encode", "merges-newest-first")
def encode_newest_first(ids, merges, num_tokens):
    for k in reversed(range(len(merges))):
        ids = right_merge(ids, merges[k], num_tokens + k)
    return ids


@wrong("02.encode", "merges-left-to-right")
def encode_leftmost_first(ids, merges, num_tokens):
    known = {tuple(pair): num_tokens + k for k, pair in enumerate(merges.tolist())}
    ids, i = ids.tolist(), 0
    while i < len(ids) - 1:
        if tuple(ids[i : i + 2]) in known:
            ids[i : i + 2] = [known[tuple(ids[i : i + 2])]]
            i = 0
        else:
            i += 1
    return np.array(ids)


@wrong("02.encode", "longest-match")
def encode_longest_match(ids, merges, num_tokens):
    spelled = {tuple(right_decode(np.array([t]), merges, num_tokens)): t for t in range(num_tokens + len(merges))}
    out, i = [], 0
    while i < len(ids):
        for j in range(len(ids), i, -1):
            if tuple(ids[i:j]) in spelled:
                out.append(spelled[tuple(ids[i:j])])
                i = j
                break
    return np.array(out)


@wrong("02.encode", "merges-first-place-only")
def encode_one_place_each(ids, merges, num_tokens):
    for k, pair in enumerate(merges):
        for i in range(len(ids) - 1):
            if (ids[i : i + 2] == pair).all():
                ids = np.concatenate([ids[:i], [num_tokens + k], ids[i + 2 :]])
                break
    return ids


@wrong("02.encode", "merges-not-stacked")
def encode_small_pairs_only(ids, merges, num_tokens):
    known = {tuple(pair): num_tokens + k for k, pair in enumerate(merges.tolist())}
    order = {pair: k for k, pair in enumerate(known)}
    out = ids
    for pair in sorted((pair for pair in known if max(pair) < num_tokens), key=order.get):
        out = right_merge(out, pair, known[pair])
    return out


@wrong("02.encode", "new-ids-wrong")
def encode_numbered_from_one(ids, merges, num_tokens):
    out = right_encode(ids, merges, num_tokens)
    return np.where(out >= num_tokens, out + 1, out)


@right("02.encode")
def encode_oldest_first(ids, merges, num_tokens):
    for k, pair in enumerate(merges):
        ids = right_merge(ids, pair, num_tokens + k)
    return ids


@right("02.encode")
def encode_by_rank(ids, merges, num_tokens):
    rank = {tuple(pair): k for k, pair in enumerate(merges.tolist())}
    ids = ids.tolist()
    while True:
        known = [(rank[pair], i) for i, pair in enumerate(pairwise(ids)) if pair in rank]
        if not known:
            return np.array(ids)
        k, i = min(known)
        ids[i : i + 2] = [num_tokens + k]


# --- decode -----------------------------------------------------------------------------------------------------------


def parts_of(ids, merges, num_tokens, parts):
    out = []
    for token in ids:
        out.extend(
            [token] if token < num_tokens else parts_of(parts(merges[token - num_tokens]), merges, num_tokens, parts)
        )
    return out


@wrong("02.decode", "decode-nothing")
def decode_not_at_all(ids, merges, num_tokens):
    return ids.copy()


@wrong("02.decode", "decode-one-level")
def decode_once(ids, merges, num_tokens):
    return np.array([x for t in ids for x in ([t] if t < num_tokens else merges[t - num_tokens])])


@wrong("02.decode", "decode-swapped")
def decode_second_first(ids, merges, num_tokens):
    return np.array(parts_of(ids, merges, num_tokens, lambda pair: pair[::-1]))


@wrong("02.decode", "decode-reversed")
def decode_by_a_stack_the_wrong_way(ids, merges, num_tokens):
    stack, out = list(ids), []
    while stack:
        token = stack.pop()
        if token < num_tokens:
            out.append(token)
        else:
            stack.extend(merges[token - num_tokens])
    return np.array(out)


@wrong("02.decode", "decode-first-part-only")
def decode_first_parts(ids, merges, num_tokens):
    return np.array(parts_of(ids, merges, num_tokens, lambda pair: pair[:1]))


@wrong("02.decode", "decode-shifted")
def decode_with_token_as_row(ids, merges, num_tokens):
    return np.array([x for t in ids for x in ([t] if t < num_tokens else merges[t])])


@wrong("02.decode", "decode-shifted")
def decode_one_merge_too_early(ids, merges, num_tokens):
    out = []
    for t in ids:
        out.extend([t] if t < num_tokens else right_decode(merges[t - num_tokens - 1], merges, num_tokens))
    return np.array(out)


@right("02.decode")
def decode_newest_first(ids, merges, num_tokens):
    ids = ids.tolist()
    for k in reversed(range(len(merges))):
        ids = [x for t in ids for x in (merges[k].tolist() if t == num_tokens + k else [t])]
    return np.array(ids)


@right("02.decode")
def decode_by_a_table(ids, merges, num_tokens):
    spelled = [[t] for t in range(num_tokens)]
    for a, b in merges:
        spelled.append(spelled[a] + spelled[b])
    return np.array([small for token in ids for small in spelled[token]])


@right("02.decode")
def decode_by_a_stack(ids, merges, num_tokens):
    stack, out = list(ids[::-1]), []
    while stack:
        token = stack.pop()
        if token < num_tokens:
            out.append(token)
        else:
            stack.extend(merges[token - num_tokens][::-1])
    return np.array(out)


# --- skip_gram_pairs --------------------------------------------------------------------------------------------------


def pairs_where(word_ids, near):
    n = len(word_ids)
    return np.array([(word_ids[i], word_ids[j]) for i in range(n) for j in range(n) if near(i, j)])


@wrong("02.skip_gram_pairs", "window-one-sided")
def company_ahead(word_ids, window):
    return pairs_where(word_ids, lambda i, j: 0 < j - i <= window)


@wrong("02.skip_gram_pairs", "window-too-small")
def company_with_range_off_by_one(word_ids, window):
    n = len(word_ids)
    near = [(i, j) for i in range(n) for j in range(max(0, i - window), min(n, i + window)) if i != j]
    return np.array([(word_ids[i], word_ids[j]) for i, j in near])


@wrong("02.skip_gram_pairs", "window-too-large")
def company_too_far(word_ids, window):
    return pairs_where(word_ids, lambda i, j: 0 < abs(i - j) <= window + 1)


@wrong("02.skip_gram_pairs", "window-halved")
def company_in_half_the_window(word_ids, window):
    return pairs_where(word_ids, lambda i, j: 0 < abs(i - j) <= window // 2)


@wrong("02.skip_gram_pairs", "includes-itself")
def company_of_oneself(word_ids, window):
    return pairs_where(word_ids, lambda i, j: abs(i - j) <= window)


@wrong("02.skip_gram_pairs", "excludes-equal-words")
def company_of_others(word_ids, window):
    return pairs_where(word_ids, lambda i, j: abs(i - j) <= window and word_ids[i] != word_ids[j])


@wrong("02.skip_gram_pairs", "pairs-of-positions")
def company_of_positions(word_ids, window):
    n = len(word_ids)
    return np.array([(i, j) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window])


@wrong("02.skip_gram_pairs", "pairs-wrap-around")
def company_round_the_corner(word_ids, window):
    n = len(word_ids)
    near = [(i, j) for i in range(n) for j in range(i - window, i + window + 1) if i != j and j < n]
    return np.array([(word_ids[i], word_ids[j]) for i, j in near])


@wrong("02.skip_gram_pairs", "pairs-only-once")
def company_as_a_set(word_ids, window):
    return np.array(list({tuple(pair) for pair in pairs_where(word_ids, lambda i, j: 0 < abs(i - j) <= window)}))


@wrong("02.skip_gram_pairs", "pairs-transposed")
def company_as_two_rows(word_ids, window):
    return pairs_where(word_ids, lambda i, j: 0 < abs(i - j) <= window).T


@right("02.skip_gram_pairs")
def company_by_loops(word_ids, window):
    pairs = []
    for i in range(len(word_ids)):
        for j in range(max(0, i - window), min(len(word_ids), i + window + 1)):
            if i != j:
                pairs.append((word_ids[i], word_ids[j]))
    return np.array(pairs)


@right("02.skip_gram_pairs")
def company_by_distance(word_ids, window):
    parts = []
    for step in range(1, window + 1):
        parts += [np.stack([word_ids[step:], word_ids[:-step]], 1), np.stack([word_ids[:-step], word_ids[step:]], 1)]
    return np.concatenate(parts)


@right("02.skip_gram_pairs")
def company_by_positions(word_ids, window):
    places = np.arange(len(word_ids))
    distance = abs(places[:, None] - places)
    centre, neighbour = np.nonzero((distance > 0) & (distance <= window))
    return np.column_stack([word_ids[centre], word_ids[neighbour]])


# --- negative_sampling_loss -------------------------------------------------------------------------------------------


def scores_of(center, context, noise):
    return (center * context).sum(axis=-1), (center[:, None] * noise).sum(axis=-1)


def cost(score):
    return np.logaddexp(0, -score)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@wrong("02.negative_sampling_loss", "loss-negative")
def loss_without_minus(center, context, noise):
    true, false = scores_of(center, context, noise)
    return -(cost(true) + cost(-false).sum(axis=-1)).mean()


@wrong("02.negative_sampling_loss", "loss-noise-sign")
def loss_that_likes_noise(center, context, noise):
    true, false = scores_of(center, context, noise)
    return (cost(true) + cost(false).sum(axis=-1)).mean()


@wrong("02.negative_sampling_loss", "loss-noise-averaged")
def loss_with_mean_noise(center, context, noise):
    true, false = scores_of(center, context, noise)
    return (cost(true) + cost(-false).mean(axis=-1)).mean()


@wrong("02.negative_sampling_loss", "loss-noise-averaged")
def loss_mean_of_everything(center, context, noise):
    true, false = scores_of(center, context, noise)
    return np.concatenate([cost(true)[:, None], cost(-false)], axis=1).mean()


@wrong("02.negative_sampling_loss", "loss-summed")
def loss_sum_of_the_batch(center, context, noise):
    true, false = scores_of(center, context, noise)
    return cost(true).sum() + cost(-false).sum()


@wrong("02.negative_sampling_loss", "loss-per-example")
def loss_of_each(center, context, noise):
    true, false = scores_of(center, context, noise)
    return cost(true) + cost(-false).sum(axis=-1)


@wrong("02.negative_sampling_loss", "loss-without-noise")
def loss_of_the_true_word(center, context, noise):
    return cost(scores_of(center, context, noise)[0]).mean()


@wrong("02.negative_sampling_loss", "loss-without-log")
def loss_of_probabilities(center, context, noise):
    true, false = scores_of(center, context, noise)
    return (1 - sigmoid(true) + (1 - sigmoid(-false)).sum(axis=-1)).mean()


@wrong("02.negative_sampling_loss", "loss-softmax")
def loss_by_softmax(center, context, noise):
    true, false = scores_of(center, context, noise)
    return (np.logaddexp.reduce(np.column_stack([true, false]), axis=-1) - true).mean()


@wrong("02.negative_sampling_loss", "loss-overflow")
def loss_as_written_in_the_paper(center, context, noise):
    true, false = scores_of(center, context, noise)
    return (-np.log(sigmoid(true)) - np.log(sigmoid(-false)).sum(axis=-1)).mean()


@wrong("02.negative_sampling_loss", "loss-clipped")
def loss_with_a_small_number(center, context, noise):
    true, false = scores_of(center, context, noise)
    return (-np.log(sigmoid(true) + 1e-10) - np.log(sigmoid(-false) + 1e-10).sum(axis=-1)).mean()


@wrong("02.negative_sampling_loss", "different-values")
def loss_in_bits(center, context, noise):
    true, false = scores_of(center, context, noise)
    return (cost(true) + cost(-false).sum(axis=-1)).mean() / np.log(2)


@right("02.negative_sampling_loss")
def loss_by_logaddexp(center, context, noise):
    true, false = scores_of(center, context, noise)
    return (np.logaddexp(0, -true) + np.logaddexp(0, false).sum(axis=-1)).mean()


@right("02.negative_sampling_loss")
def loss_by_loops(center, context, noise):
    total = 0.0
    for h, u, others in zip(center, context, noise, strict=True):
        total += cost(h @ u) + sum(cost(-h @ other) for other in others)
    return total / len(center)


@right("02.negative_sampling_loss")
def loss_by_log1p(center, context, noise):
    scores = np.einsum("bd,bnd->bn", center, np.concatenate([context[:, None], -noise], axis=1))
    return np.where(scores > 0, np.log1p(np.exp(-abs(scores))), np.log1p(np.exp(-abs(scores))) - scores).sum(1).mean()


# --- analogy ----------------------------------------------------------------------------------------------------------


def normed(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def nearest_to(table, target, left_out):
    scores = table @ target
    scores[list(left_out)] = -np.inf
    return scores.argmax()


@wrong("02.analogy", "analogy-inputs-not-excluded")
def analogy_with_all_words(vectors, a, b, c):
    u = normed(vectors)
    return nearest_to(u, u[b] - u[a] + u[c], [])


@wrong("02.analogy", "analogy-excludes-one")
def analogy_without_c(vectors, a, b, c):
    u = normed(vectors)
    return nearest_to(u, u[b] - u[a] + u[c], [c])


@wrong("02.analogy", "analogy-raw-vectors")
def analogy_with_a_raw_step(vectors, a, b, c):
    return nearest_to(normed(vectors), vectors[b] - vectors[a] + vectors[c], [a, b, c])


@wrong("02.analogy", "analogy-dot-product")
def analogy_by_dot_product(vectors, a, b, c):
    return nearest_to(vectors, vectors[b] - vectors[a] + vectors[c], [a, b, c])


@wrong("02.analogy", "analogy-order")
def analogy_backwards(vectors, a, b, c):
    u = normed(vectors)
    return nearest_to(u, u[a] - u[b] + u[c], [a, b, c])


@wrong("02.analogy", "analogy-farthest")
def analogy_farthest(vectors, a, b, c):
    u = normed(vectors)
    scores = u @ (u[b] - u[a] + u[c])
    scores[[a, b, c]] = np.inf
    return scores.argmin()


@wrong("02.analogy", "analogy-a-word")
def analogy_neighbour_of_c(vectors, a, b, c):
    u = normed(vectors)
    return nearest_to(u, u[c], [a, b, c])


@wrong("02.analogy", "wrong-shape")
def analogy_ranking(vectors, a, b, c):
    u = normed(vectors)
    return np.argsort(-(u @ (u[b] - u[a] + u[c])))


@wrong("02.analogy", "different-values")
def analogy_by_luck(vectors, a, b, c):
    return (a + b + c) % len(vectors)


@right("02.analogy")
def analogy_by_cosine(vectors, a, b, c):
    u = normed(vectors)
    return int(nearest_to(u, u[b] - u[a] + u[c], [a, b, c]))


@right("02.analogy")
def analogy_by_loops(vectors, a, b, c):
    u = normed(vectors)
    target = normed(u[b] - u[a] + u[c])
    candidates = [word for word in range(len(vectors)) if word not in (a, b, c)]
    return max(candidates, key=lambda word: float(u[word] @ target))


@right("02.analogy")
def analogy_by_distance(vectors, a, b, c):
    u = normed(vectors)
    distances = np.linalg.norm(u - normed(u[b] - u[a] + u[c]), axis=1)
    distances[[a, b, c]] = np.inf
    return np.argmin(distances)


# --- twin_sentences ---------------------------------------------------------------------------------------------------


@wrong("02.twin_sentences", "twins-not-whole")
def twins_of_vectors():
    return np.random.default_rng(0).normal(size=(2, 5))


@wrong("02.twin_sentences", "twins-not-two-rows")
def twins_in_one_row():
    return np.array([0, 2, 7, 0, 4])


@wrong("02.twin_sentences", "twins-too-short")
def twins_of_two_words():
    return np.array([[2, 7], [7, 2]])


@wrong("02.twin_sentences", "twins-unknown-word")
def twins_with_a_new_word():
    return np.array([[0, 2, 7, 0, 99], [0, 99, 7, 0, 2]])


@wrong("02.twin_sentences", "twins-are-one")
def twins_alike():
    return np.array([[0, 2, 7, 0, 4], [0, 2, 7, 0, 4]])


@wrong("02.twin_sentences", "twins-averages-differ")
def twins_that_mean_the_same():
    return np.array([[0, 2, 7, 0, 4], [1, 2, 7, 1, 4]])


@right("02.twin_sentences")
def twins_who_bites_whom():
    return np.array([[0, 2, 7, 0, 4], [0, 4, 7, 0, 2]])


@right("02.twin_sentences")
def twins_good_and_bad():
    return np.array([[15, 10, 11, 13, 9, 12], [15, 10, 12, 13, 9, 11]])
