"""Right answers to lesson 10's exercises in other styles."""

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice.lesson_10 import gelu
from tests.mistakes.collection import equal, right

# --- cover ------------------------------------------------------------------------------------------------------------


@right("10.cover")
def cover_token_by_token(ids, special, chosen, dice, random_ids, mask_id):
    inputs, labels, never = ids.copy(), np.full(ids.shape, -100), set(special.tolist())
    for place in np.ndindex(ids.shape):
        if chosen[place] and int(ids[place]) not in never:
            labels[place] = ids[place]
            if dice[place] < 0.8:
                inputs[place] = mask_id
            elif dice[place] < 0.9:
                inputs[place] = random_ids[place]
    return inputs, labels


@right("10.cover")
def cover_by_select(ids, special, chosen, dice, random_ids, mask_id):
    asked = chosen & (ids[..., None] != special).all(-1)
    inputs = np.select([asked & (dice < 0.8), asked & (dice < 0.9)], [mask_id, random_ids], ids)
    return [inputs.astype(np.int32), np.where(asked, ids, -100)]


@right("10.cover")
def cover_in_torchs_way(ids, special, chosen, dice, random_ids, mask_id):
    inputs, labels, asked = ids.copy(), ids.copy(), chosen.copy()
    for one in special:
        asked[ids == one] = False
    labels[~asked] = -100
    inputs[asked & (dice < 0.9)] = random_ids[asked & (dice < 0.9)]
    inputs[asked & (dice < 0.8)] = mask_id
    return inputs, labels


# --- masked_loss ------------------------------------------------------------------------------------------------------


@right("10.masked_loss")
def loss_in_loops(logits, labels):
    found = []
    for place in np.ndindex(labels.shape):
        if labels[place] != -100:
            row = logits[place]
            top = row.max()
            found.append(top + np.log(sum(np.exp(row - top))) - row[labels[place]])
    return sum(found) / len(found)


@right("10.masked_loss")
def loss_by_logaddexp(logits, labels):
    rows, targets = logits[labels >= 0], labels[labels >= 0]
    return np.mean(np.logaddexp.reduce(rows, axis=-1) - rows[np.arange(len(rows)), targets])


@right("10.masked_loss")
def loss_with_one_hot(logits, labels):
    lowered = (logits - logits.max(axis=-1, keepdims=True)).astype(np.float32)
    logs = lowered - np.log(np.exp(lowered).sum(axis=-1, keepdims=True))
    asked = labels[..., None] == np.arange(logits.shape[-1])
    return -(logs * asked).sum() / asked.sum()


# --- satisfies_the_colleague ------------------------------------------------------------------------------------------


@right("10.satisfies_the_colleague")
def shift_by_two():
    ids = np.array([4, 1, 0, 2, 3, 1], dtype=np.int8)
    logits = np.zeros((6, 5), dtype=np.float32)
    logits[np.arange(4), ids[2:]] = 100
    return [logits, ids]


@right("10.satisfies_the_colleague")
def shift_to_and_fro():
    ids = np.array([3, 1, 3, 1, 3, 1])
    return -100 * (np.arange(5) != ids[:, None]), ids


# --- bert_block -------------------------------------------------------------------------------------------------------


@right("10.bert_block")
def bert_head_by_head(x, mask, tensors, num_heads):
    if x.ndim > 2:
        return np.stack([bert_head_by_head(one, on, tensors, num_heads) for one, on in zip(x, mask, strict=True)])

    def linear(x, name):
        return np.einsum("ti,oi->to", x, tensors[f"{name}.weight"]) + tensors[f"{name}.bias"]

    def norm(x, name):
        rows = [(row - row.mean()) / (row.var() + 1e-12) ** 0.5 for row in x]
        return np.array(rows) * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    q, k, v = (linear(x, f"attention.self.{part}") for part in ("query", "key", "value"))
    width, contexts = x.shape[1] // num_heads, []
    for start in range(0, x.shape[1], width):
        part = slice(start, start + width)
        scores = q[:, part] @ k[mask][:, part].T / width**0.5
        contexts.append(softmax(scores) @ v[mask][:, part])
    x = norm(x + linear(np.hstack(contexts), "attention.output.dense"), "attention.output.LayerNorm")
    return norm(x + linear(gelu(linear(x, "intermediate.dense")), "output.dense"), "output.LayerNorm")


@right("10.bert_block")
def bert_with_einsum(x, mask, tensors, num_heads):
    *leading, length, width = x.shape

    def linear(x, name):
        return np.einsum("...i,oi->...o", x, tensors[name + ".weight"]) + tensors[name + ".bias"]

    def norm(x, name):
        variance = x.var(axis=-1, keepdims=True)
        return (
            tensors[name + ".weight"] * (x - x.mean(-1, keepdims=True)) / np.sqrt(variance + 1e-12)
            + tensors[name + ".bias"]
        )

    q, k, v = (
        linear(x, "attention.self." + part).reshape(*leading, length, num_heads, -1)
        for part in ("query", "key", "value")
    )
    scores = np.einsum("...qhd,...khd->...hqk", q, k) * (width // num_heads) ** -0.5
    weights = softmax(scores + np.where(mask, 0.0, -1e9)[..., np.newaxis, np.newaxis, :])
    context = np.einsum("...hqk,...khd->...qhd", weights, v).reshape(*leading, length, width)
    attended = norm(linear(context, "attention.output.dense") + x, "attention.output.LayerNorm")
    return norm(linear(gelu(linear(attended, "intermediate.dense")), "output.dense") + attended, "output.LayerNorm")


# --- text_vectors -----------------------------------------------------------------------------------------------------


@right("10.text_vectors")
def pool_text_by_text(hidden, mask):
    result = np.zeros((len(hidden), hidden.shape[2]))
    for number, (tokens, on) in enumerate(zip(hidden, mask, strict=True)):
        if on.any():
            mean = tokens[on].mean(axis=0)
            result[number] = mean / np.sqrt(mean @ mean)
    return result


@right("10.text_vectors")
def pool_by_einsum(hidden, mask):
    total = np.einsum("btd,bt->bd", hidden, mask.astype(float))
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)).astype(np.float32)


@right("10.text_vectors")
def pool_as_libraries_do(hidden, mask):
    on = np.broadcast_to(mask[:, :, None], hidden.shape).astype(float)
    mean = (hidden * on).sum(1) / np.clip(on.sum(1), 1e-9, None)
    return mean / np.clip(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12, None)


# --- search -----------------------------------------------------------------------------------------------------------


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@right("10.search")
def search_reversed(queries, documents, k):
    return np.argsort(unit(queries) @ unit(documents).T, axis=-1)[:, ::-1][:, :k]


@right("10.search")
def search_parted_then_sorted(queries, documents, k):
    cosines = unit(queries) @ unit(documents).T
    found = np.argpartition(-cosines, k - 1, axis=-1)[:, :k]
    order = np.argsort(-np.take_along_axis(cosines, found, axis=-1), axis=-1)
    return np.take_along_axis(found, order, axis=-1)


@right("10.search")
def search_one_by_one(queries, documents, k):
    found = []
    for query in queries:
        cosines = [query @ text / np.linalg.norm(query) / np.linalg.norm(text) for text in documents]
        found.append(sorted(range(len(documents)), key=lambda number: -cosines[number])[:k])
    return np.array(found)


@right("10.search")
def search_by_distance_of_unit_vectors(queries, documents, k):
    gaps = unit(queries)[:, None] - unit(documents)[None]
    return np.argsort((gaps**2).sum(-1), axis=-1)[:, :k].astype(np.int32)


# --- best_span --------------------------------------------------------------------------------------------------------


@right("10.best_span")
def span_in_loops(start, end, allowed, longest):
    places = range(len(start))
    spans = [(start[i] + end[j], i, j) for i in places for j in places[i : i + longest] if allowed[i] and allowed[j]]
    return np.array(max(spans)[1:])


@right("10.best_span")
def span_as_a_tuple(start, end, allowed, longest):
    best, found = -np.inf, None
    for first in np.flatnonzero(allowed):
        for last in range(first, min(first + longest, len(end))):
            if allowed[last] and start[first] + end[last] > best:
                best, found = start[first] + end[last], (first, last)
    return found


@right("10.best_span")
def span_by_triangles(start, end, allowed, longest):
    start, end = np.where(allowed, start, -1e9), np.where(allowed, end, -1e9)
    fine = np.tril(np.triu(np.ones((len(start),) * 2)), longest - 1) > 0
    first, last = divmod(int(np.where(fine, np.add.outer(start, end), -4e9).argmax()), len(start))
    return [first, last]


# --- trained ----------------------------------------------------------------------------------------------------------


@right("10.trained")
def trained_as_a_list(names, num_layers, top):
    answers = []
    for name in names:
        kind, *rest = name.removeprefix("encoder.").split(".")
        answers.append(kind == "head" or (int(rest[0]) + top >= num_layers if kind == "blocks" else top == num_layers))
    return answers


@right("10.trained")
def trained_by_prefix_with_dot(names, num_layers, top):
    starts = tuple(f"encoder.blocks.{number}." for number in range(num_layers - top, num_layers))
    return np.array([top == num_layers or name.startswith(("head.", *starts)) for name in names])


# --- changes that leave the solutions right -----------------------------------------------------------------------------

equal("10.cover", "dice < 0.8 -> dice <= 0.8", "the line after it decides about 0.8 once more")
for change in (
    "np.zeros -> np.ones",
    "50 -> 51",
    "50 -> 49",
    *(f"{a} -> {b}" for a, b in ("01", "12", "10", "23", "21", "34", "32", "43")),
):
    equal("10.satisfies_the_colleague", change, "any varied text does, and any high enough logit")
equal("10.bert_block", "1 -> 2", "reshape takes any negative size for the one to be found out")
for name in ("masked_loss", "text_vectors", "search"):
    equal(f"10.{name}", "-1 -> +1", "there are two axes")
equal("10.text_vectors", "1 -> 2", "zeros stay zeros whatever divides them")
SUMMED = "np.where(mask[..., None], hidden, 0)"
equal("10.text_vectors", f"{SUMMED}.sum -> {SUMMED}.mean", "what all tokens are divided by cancels in the length")
LENGTH = "np.linalg.norm(queries, axis=-1, keepdims=True)"
equal("10.search", f"queries / {LENGTH} -> queries * {LENGTH}", "a query's own length changes nothing in the order")
