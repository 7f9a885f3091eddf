"""Right answers to lesson 02's exercises in other styles; the mistakes stand beside the exercises."""

from collections import Counter
from itertools import pairwise

import numpy as np

from tests.mistakes.collection import equal, right, wrong

# --- pair_counts ------------------------------------------------------------------------------------------------------


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


@right("02.pair_counts")
def pairs_by_one_hot_products(words, counts, num_tokens):
    hot = (words[..., None] == np.arange(num_tokens)).astype(np.float32)  # the filling is nobody's
    return np.einsum("wia,wib,w->ab", hot[:, :-1], hot[:, 1:], counts)


# --- merge ------------------------------------------------------------------------------------------------------------


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


@right("02.merge")
def merge_by_characters(ids, pair, new_id):
    text = "".join(map(chr, ids)).replace("".join(map(chr, pair)), chr(new_id))
    return np.array([ord(character) for character in text])


@right("02.merge")
def merge_recursively(ids, pair, new_id):
    for i in range(len(ids) - 1):
        if (ids[i : i + 2] == pair).all():
            return np.concatenate([ids[:i], [new_id], merge_recursively(ids[i + 2 :], pair, new_id)])
    return ids


# --- breaking_words ---------------------------------------------------------------------------------------------------


@right("02.breaking_words")
def words_of_the_hint():
    return np.array([[0, 1, 2], [3, 3, -1]]), np.array([5, 4])


@right("02.breaking_words")
def words_of_letters():
    return np.array([[98, 97, 110, 97, 110, 97], [120, 120, -1, -1, -1, -1]]), np.array([10, 3])


@right("02.breaking_words")
def words_without_filling():
    return [np.array([[0, 1, 2, 7, 8]]), np.array([1])]


# --- learn_merges -----------------------------------------------------------------------------------------------------


@right("02.learn_merges")
def merges_by_lists(words, counts, num_merges, num_tokens):
    texts = [row[row >= 0] for row in words]
    merges = []
    for k in range(num_merges):
        pairs = Counter()
        for text, count in zip(texts, counts.tolist(), strict=True):
            for pair in pairwise(text):
                pairs[pair] += count
        best = max(pairs, key=pairs.get)
        merges.append(best)
        texts = [merge_by_looking_back(text, best, num_tokens + k) for text in texts]
    return np.array(merges)


@right("02.learn_merges")
def merges_by_tables(words, counts, num_merges, num_tokens, dtype=np.int32):
    merges = np.zeros((num_merges, 2), dtype)
    for k in range(num_merges):
        table = pairs_by_bincount(words, counts, num_tokens + num_merges)
        merges[k] = divmod(int(table.argmax()), len(table))
        shorter = [merge_by_deleting(row, merges[k], num_tokens + k) for row in words]
        words = np.array([np.pad(row, (0, words.shape[1] - len(row)), constant_values=-1) for row in shorter])
    return merges


# --- encode -----------------------------------------------------------------------------------------------------------


@right("02.encode")
def encode_oldest_first(ids, merges, num_tokens):
    for k, pair in enumerate(merges):
        ids = merge_by_walking(ids, pair, num_tokens + k)
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
    return out


@right("02.decode")
def decode_until_all_are_small(ids, merges, num_tokens):
    while (ids >= num_tokens).any():
        ids = np.concatenate([[t] if t < num_tokens else merges[t - num_tokens] for t in ids])
    return ids


# --- skip_gram_pairs --------------------------------------------------------------------------------------------------


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


@right("02.skip_gram_pairs")
def company_by_slices(word_ids, window):
    pairs = []
    for i, word in enumerate(word_ids.tolist()):
        near = [*word_ids[max(0, i - window) : i], *word_ids[i + 1 : i + 1 + window]]
        pairs += [(word, int(other)) for other in near]
    return np.array(pairs[::-1])


# --- negative_sampling_loss -------------------------------------------------------------------------------------------


def cost(score):
    return np.logaddexp(0, -score)


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


@right("02.negative_sampling_loss")
def loss_in_float32(center, context, noise):
    true = np.diag(center @ context.T).astype(np.float32)
    false = np.matmul(noise, center[..., None]).squeeze(-1).astype(np.float32)
    return np.float32((cost(true).sum() + cost(-false).sum()) / len(center))


@right("02.negative_sampling_loss")
def loss_by_the_larger_part(center, context, noise):
    softplus = lambda s: np.maximum(s, 0) + np.log(1 + np.exp(-abs(s)))  # noqa: E731
    return float(np.mean(softplus(-np.sum(center * context, 1))) + np.mean(softplus(noise @ center[:, :, None]).sum(1)))


# --- analogy ----------------------------------------------------------------------------------------------------------


def normed(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


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


@right("02.analogy")
def analogy_down_the_ranking(vectors, a, b, c):
    u = normed(vectors.astype(np.float32))
    return next(int(word) for word in np.argsort(u @ (u[a] - u[b] - u[c])) if word not in {a, b, c})


@right("02.analogy")
def analogy_of_the_words_that_are_left(vectors, a, b, c):
    left, u = np.setdiff1d(np.arange(len(vectors)), [a, b, c]), normed(vectors)
    return left[(u[left] @ (u[b] - u[a] + u[c])).argmax()]


# --- twin_sentences ---------------------------------------------------------------------------------------------------


@right("02.twin_sentences")
def twins_who_bites_whom():
    return np.array([[0, 2, 7, 0, 4], [0, 4, 7, 0, 2]])


@right("02.twin_sentences")
def twins_good_and_bad():
    return np.array([[15, 10, 11, 13, 9, 12], [15, 10, 12, 13, 9, 11]])


# --- right numbers of another kind, and other general faults -------------------------------------------------------------


def changing_words(words, counts, num_merges, num_tokens):
    words[0] = merge_by_walking(words[0], words[0, :2], num_tokens)[0]
    return merges_by_tables(words, counts, num_merges, num_tokens)


wrong("02.learn_merges", "changes-its-input")(changing_words)
wrong("02.learn_merges", "floats-for-whole-numbers")(lambda *inputs: merges_by_tables(*inputs, dtype=float))
wrong("02.encode", "floats-for-whole-numbers")(lambda *inputs: encode_by_rank(*inputs).astype(float))
wrong("02.decode", "floats-for-whole-numbers")(lambda *inputs: np.append([], decode_by_a_table(*inputs)))
wrong("02.skip_gram_pairs", "floats-for-whole-numbers")(
    lambda *inputs: np.vstack([np.empty((0, 2)), company_by_slices(*inputs)])
)
wrong("02.skip_gram_pairs", "returns-a-list")(lambda *inputs: company_by_slices(*inputs).tolist())
wrong("02.analogy", "different-values")(lambda vectors, a, b, c: (a + b + c) % len(vectors))

# --- changes that leave the solutions right -----------------------------------------------------------------------------

BREAKING = (
    "5 -> 6",
    "5 -> 4",
    "4 -> 5",
    "4 -> 3",
    "0 -> 1",
    "1 -> 2",
    "1 -> 0",
    "2 -> 3",
    "2 -> 1",
    "3 -> 4",
    "3 -> 2",
    "-1 -> +1",
)
for change in BREAKING:
    equal(
        "02.breaking_words",
        change,
        "the two most frequent pairs still share a token, and a third is still worth more than what is left",
    )
equal("02.learn_merges", "0 -> -1", "the filling may be given to merge: it holds no pair, and stands behind the word")
equal("02.learn_merges", "1 -> 2", "all that is below 0 is filling")
equal("02.negative_sampling_loss", "-1 -> +1", "there are two axes")
equal("02.analogy", "-1 -> +1", "there are two axes")
