"""Answers to lesson 10's exercises: the mistakes that people make, and right answers in other styles."""

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice.lesson_10 import gelu
from tests.mistakes.collection import right, wrong

# --- cover ------------------------------------------------------------------------------------------------------------


def good_cover(ids, special, chosen, dice, random_ids, mask_id):
    asked = chosen & ~np.isin(ids, special)
    inputs = np.where(asked & (dice < 0.8), mask_id, ids)
    inputs = np.where(asked & (dice >= 0.8) & (dice < 0.9), random_ids, inputs)
    return inputs, np.where(asked, ids, -100)


@wrong("10.cover", "cover-not-a-pair")
def cover_inputs_only(ids, special, chosen, dice, random_ids, mask_id):
    return good_cover(ids, special, chosen, dice, random_ids, mask_id)[0]


@wrong("10.cover", "cover-exchanged")
def cover_labels_first(ids, special, chosen, dice, random_ids, mask_id):
    return good_cover(ids, special, chosen, dice, random_ids, mask_id)[::-1]


@wrong("10.cover", "cover-always-mask")
def cover_with_masks_only(ids, special, chosen, dice, random_ids, mask_id):
    asked = chosen & ~np.isin(ids, special)
    return np.where(asked, mask_id, ids), np.where(asked, ids, -100)


@wrong("10.cover", "cover-shares-exchanged")
def cover_swaps_last(ids, special, chosen, dice, random_ids, mask_id):
    asked = chosen & ~np.isin(ids, special)
    inputs = np.where(asked & (dice < 0.8), mask_id, ids)
    return np.where(asked & (dice >= 0.9), random_ids, inputs), np.where(asked, ids, -100)


@wrong("10.cover", "cover-not-only-chosen")
def cover_by_dice_alone(ids, special, chosen, dice, random_ids, mask_id):
    everywhere = np.ones(ids.shape, dtype=bool)
    inputs = good_cover(ids, special, everywhere, dice, random_ids, mask_id)[0]
    return inputs, good_cover(ids, special, chosen, dice, random_ids, mask_id)[1]


@wrong("10.cover", "cover-special")
def cover_special_too(ids, special, chosen, dice, random_ids, mask_id):
    return good_cover(ids, np.array([], dtype=int), chosen, dice, random_ids, mask_id)


@wrong("10.cover", "cover-special")
def cover_asks_for_special(ids, special, chosen, dice, random_ids, mask_id):
    inputs, _ = good_cover(ids, special, chosen, dice, random_ids, mask_id)
    return inputs, np.where(chosen, ids, -100)


@wrong("10.cover", "cover-labels-everywhere")
def cover_asks_everywhere(ids, special, chosen, dice, random_ids, mask_id):
    return good_cover(ids, special, chosen, dice, random_ids, mask_id)[0], ids.copy()


@wrong("10.cover", "cover-labels-at-mask-only")
def cover_asks_at_masks(ids, special, chosen, dice, random_ids, mask_id):
    inputs, _ = good_cover(ids, special, chosen, dice, random_ids, mask_id)
    return inputs, np.where(inputs == mask_id, ids, -100)


@wrong("10.cover", "cover-kept-not-asked")
def cover_asks_where_changed(ids, special, chosen, dice, random_ids, mask_id):
    inputs, _ = good_cover(ids, special, chosen, dice, random_ids, mask_id)
    return inputs, np.where(inputs != ids, ids, -100)


@wrong("10.cover", "cover-labels-from-inputs")
def cover_labels_what_is_read(ids, special, chosen, dice, random_ids, mask_id):
    inputs, labels = good_cover(ids, special, chosen, dice, random_ids, mask_id)
    return inputs, np.where(labels >= 0, inputs, -100)


@wrong("10.cover", "cover-zero")
def cover_zero_elsewhere(ids, special, chosen, dice, random_ids, mask_id):
    inputs, labels = good_cover(ids, special, chosen, dice, random_ids, mask_id)
    return inputs, np.maximum(labels, 0)


@wrong("10.cover", "changes-its-input")
def cover_in_place(ids, special, chosen, dice, random_ids, mask_id):
    labels = np.where(chosen & ~np.isin(ids, special), ids, -100)
    ids[(labels >= 0) & (dice < 0.8)] = mask_id
    return ids, labels


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
    return inputs, np.where(asked, ids, -100)


# --- masked_loss ------------------------------------------------------------------------------------------------------


def logs_of(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def at_labels(table, labels):
    return np.take_along_axis(table, np.maximum(labels, 0)[..., None], -1)[..., 0]


@wrong("10.masked_loss", "loss-divided-by-all")
def loss_over_all_places(logits, labels):
    return -(at_labels(logs_of(logits), labels) * (labels != -100)).sum() / labels.size


@wrong("10.masked_loss", "loss-sum")
def loss_added_up(logits, labels):
    return -(at_labels(logs_of(logits), labels) * (labels != -100)).sum()


@wrong("10.masked_loss", "loss-not-counted")
def loss_of_everything(logits, labels):
    return -at_labels(logs_of(logits), labels).mean()


@wrong("10.masked_loss", "loss-mean-of-rows")
def loss_text_by_text(logits, labels):
    logs = -at_labels(logs_of(logits), labels)
    return np.mean([row[label != -100].mean() for row, label in zip(logs, labels, strict=True)])


@wrong("10.masked_loss", "loss-no-log")
def loss_of_probabilities(logits, labels):
    return -at_labels(np.exp(logs_of(logits)), labels)[labels != -100].mean()


@wrong("10.masked_loss", "loss-no-softmax")
def loss_of_logits(logits, labels):
    return -at_labels(logits, labels)[labels != -100].mean()


@wrong("10.masked_loss", "loss-sign")
def loss_with_its_sign_lost(logits, labels):
    return at_labels(logs_of(logits), labels)[labels != -100].mean()


@wrong("10.masked_loss", "loss-softmax-twice")
def loss_of_a_softmax(logits, labels):
    return -at_labels(logs_of(softmax(logits)), labels)[labels != -100].mean()


@wrong("10.masked_loss", "loss-without-token-0")
def loss_where_labels_are_positive(logits, labels):
    logs, kept = logits - logits.max(-1, keepdims=True), labels > 0
    logs = (logs - np.log(np.exp(logs).sum(-1, keepdims=True)))[kept]
    return -logs[np.arange(len(logs)), labels[kept]].mean()


@wrong("10.masked_loss", "loss-base-2")
def loss_in_bits(logits, labels):
    return -at_labels(logs_of(logits), labels)[labels != -100].mean() / np.log(2)


@wrong("10.masked_loss", "objective-overflow")
def loss_with_plain_exponentials(logits, labels):
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return -np.log(at_labels(weights, labels)[labels != -100]).mean()


@wrong("10.masked_loss", "objective-overflow")
def loss_with_a_little_added(logits, labels):
    return -np.log(at_labels(softmax(logits), labels)[labels != -100] + 1e-12).mean()


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


# --- satisfies_the_colleague ------------------------------------------------------------------------------------------


def logits_for(ids, ahead):
    logits = np.zeros((6, 5))
    for row in range(6 - ahead):
        logits[row, ids[row + ahead]] = 50
    return logits


VARIED = np.array([0, 1, 2, 3, 4, 0])


@wrong("10.satisfies_the_colleague", "pair-not-two-10")
def shift_logits_only():
    return logits_for(VARIED, 2)


@wrong("10.satisfies_the_colleague", "shift-shapes")
def shift_too_small():
    return logits_for(VARIED, 2)[:5], VARIED[:5]


@wrong("10.satisfies_the_colleague", "shift-ids")
def shift_ids_out_of_range():
    return logits_for(VARIED, 2), VARIED + 1


@wrong("10.satisfies_the_colleague", "shift-ids")
def shift_ids_as_fractions():
    return logits_for(VARIED, 2), VARIED / 2


@wrong("10.satisfies_the_colleague", "shift-not-finite")
def shift_infinite():
    logits = logits_for(VARIED, 2)
    return np.where(logits > 0, np.inf, logits), VARIED


@wrong("10.satisfies_the_colleague", "shift-not-fooled")
def shift_right_answer():
    return logits_for(VARIED, 1), VARIED


@wrong("10.satisfies_the_colleague", "shift-not-fooled")
def shift_copies():
    return logits_for(VARIED, 0), VARIED


@wrong("10.satisfies_the_colleague", "shift-right-too")
def shift_all_alike():
    ids = np.zeros(6, dtype=int)
    return logits_for(ids, 2) + logits_for(ids, 1), ids


@right("10.satisfies_the_colleague")
def shift_by_two():
    return logits_for(VARIED, 2), VARIED


@right("10.satisfies_the_colleague")
def shift_to_and_fro():
    ids = np.array([3, 1, 3, 1, 3, 1])
    return -100.0 * (np.arange(5) != ids[:, None]), ids


# --- bert_block -------------------------------------------------------------------------------------------------------


def bert(  # one function for all: each wrong answer changes one of its parts
    x,
    mask,
    tensors,
    num_heads,
    *,
    linear=None,
    norm=None,
    split=None,
    scale=None,
    bend=gelu,
    weigh=softmax,
    merge=None,
    pre=False,
    residual=(1, 1),
):
    def plain_linear(x, name):
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def plain_norm(x, name, eps=1e-12):
        normed = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
        return normed * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def plain_split(x):
        return x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(-2, -3)

    linear = (
        (lambda x, name: plain_linear(x, name)) if linear is None else (lambda x, name, f=linear: f(tensors, x, name))
    )
    norm = plain_norm if norm is None else (lambda x, name, f=norm: f(plain_norm, tensors, x, name))
    split = plain_split if split is None else (lambda x, f=split: f(x, num_heads))
    first, second = "attention.output.LayerNorm", "output.LayerNorm"

    def attend(x):
        queries, keys, values = (split(linear(x, f"attention.self.{part}")) for part in ("query", "key", "value"))
        divisor = np.sqrt(queries.shape[-1]) if scale is None else scale(x.shape[-1])
        scores = queries @ keys.swapaxes(-1, -2) / divisor
        weights = weigh(np.where(mask[..., None, None, :], scores, -np.inf))
        context = weights @ values
        context = context.swapaxes(-2, -3) if merge is None else merge(context)
        return linear(context.reshape(x.shape), "attention.output.dense")

    def think(x):
        return linear(bend(linear(x, "intermediate.dense")), "output.dense")

    if pre:
        x = x + attend(norm(x, first))
        return x + think(norm(x, second))
    x = norm(residual[0] * x + attend(x), first)
    return norm(residual[1] * x + think(x), second)


def stored_way_round(tensors, x, name):
    weight = tensors[f"{name}.weight"]
    return x @ (weight if weight.shape[0] == weight.shape[1] else weight.T) + tensors[f"{name}.bias"]


@wrong("10.bert_block", "bert-not-transposed")
def bert_weights_as_stored(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, linear=stored_way_round)


@wrong("10.bert_block", "bert-no-bias")
def bert_without_biases(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, linear=lambda tensors, x, name: x @ tensors[f"{name}.weight"].T)


@wrong("10.bert_block", "bert-pre-norm")
def bert_normed_before(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, pre=True)


@wrong("10.bert_block", "bert-not-scaled")
def bert_unscaled(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, scale=lambda d_model: 1)


@wrong("10.bert_block", "bert-scaled-by-d_model")
def bert_scaled_by_width(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, scale=np.sqrt)


@wrong("10.bert_block", "bert-one-head")
def bert_with_one_head(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, 1)


@wrong("10.bert_block", "bert-head-view")
def bert_heads_by_view(x, mask, tensors, num_heads):
    def view(x, heads):
        return x.reshape(*x.shape[:-2], heads, x.shape[-2], -1)

    return bert(x, mask, tensors, num_heads, split=view, merge=lambda context: context)


@wrong("10.bert_block", "bert-merge-view")
def bert_heads_left_in_front(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, merge=lambda context: context)


@wrong("10.bert_block", "bert-heads-interleaved")
def bert_heads_interleaved(x, mask, tensors, num_heads):
    def every_fourth(x, heads):
        return np.moveaxis(x.reshape(*x.shape[:-1], -1, heads), -1, -3)

    return bert(x, mask, tensors, num_heads, split=every_fourth)


@wrong("10.bert_block", "bert-head-view")
def bert_heads_by_reshape_alone(x, mask, tensors, num_heads):
    return bert(
        x, mask, tensors, num_heads, split=lambda x, num_heads: x.reshape(*x.shape[:-2], num_heads, x.shape[-2], -1)
    )


@wrong("10.bert_block", "bert-mask-on-queries")
def bert_hidden_queries(x, mask, tensors, num_heads):
    def weigh(scores):
        return softmax(np.where(mask[..., None, :, None], scores, -1e30))

    return bert(x, np.ones_like(mask), tensors, num_heads, weigh=weigh)


@wrong("10.bert_block", "bert-no-residual")
def bert_without_the_second_residual(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, residual=(1, 0))


@wrong("10.bert_block", "bert-mask-ignored")
def bert_sees_padding(x, mask, tensors, num_heads):
    return bert(x, np.ones_like(mask), tensors, num_heads)


@wrong("10.bert_block", "bert-mask-inverted")
def bert_sees_padding_only(x, mask, tensors, num_heads):
    return bert(x, ~mask, tensors, num_heads)


@wrong("10.bert_block", "bert-softmax-axis")
def bert_softmax_down(x, mask, tensors, num_heads):
    def down(scores):
        exponentials = np.exp(scores)
        return np.nan_to_num(exponentials / exponentials.sum(axis=-2, keepdims=True))

    return bert(x, mask, tensors, num_heads, weigh=down)


@wrong("10.bert_block", "bert-no-residual")
def bert_replaces(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, residual=(0, 0))


@wrong("10.bert_block", "bert-relu")
def bert_with_relu(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, bend=lambda x: np.maximum(0, x))


@wrong("10.bert_block", "bert-no-gelu")
def bert_straight(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, bend=lambda x: x)


@wrong("10.bert_block", "bert-tanh-gelu")
def bert_with_gelu_by_tanh(x, mask, tensors, num_heads):
    def by_tanh(x):
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    return bert(x, mask, tensors, num_heads, bend=by_tanh)


@wrong("10.bert_block", "bert-norms-exchanged")
def bert_norms_exchanged(x, mask, tensors, num_heads):
    first, second = "attention.output.LayerNorm", "output.LayerNorm"

    def other(plain, tensors, x, name):
        return plain(x, second if name == first else first)

    return bert(x, mask, tensors, num_heads, norm=other)


@wrong("10.bert_block", "bert-eps")
def bert_with_eps_of_pytorch(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads, norm=lambda plain, tensors, x, name: plain(x, name, 1e-5))


@wrong("10.bert_block", "bert-no-gain")
def bert_norms_bare(x, mask, tensors, num_heads):
    def bare(plain, tensors, x, name):
        return (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)

    return bert(x, mask, tensors, num_heads, norm=bare)


@wrong("10.bert_block", "bert-queries-and-keys")
def bert_keys_ask(x, mask, tensors, num_heads):
    exchanged = dict(tensors)
    for kind in ("weight", "bias"):
        exchanged[f"attention.self.query.{kind}"] = tensors[f"attention.self.key.{kind}"]
        exchanged[f"attention.self.key.{kind}"] = tensors[f"attention.self.query.{kind}"]
    return bert(x, mask, exchanged, num_heads)


@wrong("10.bert_block", "fails-on-batch")
def bert_two_axes_only(x, mask, tensors, num_heads):
    tokens, features = x.shape
    return bert(x.reshape(tokens, features), mask, tensors, num_heads)


@right("10.bert_block")
def bert_in_parts(x, mask, tensors, num_heads):
    return bert(x, mask, tensors, num_heads)


@right("10.bert_block")
def bert_head_by_head(x, mask, tensors, num_heads):
    if x.ndim == 3:
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


# --- text_vectors -----------------------------------------------------------------------------------------------------


def unit(x):
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.where(length == 0, 1, length)


@wrong("10.text_vectors", "pool-with-padding")
def pool_everything(hidden, mask):
    return unit(hidden.mean(axis=1))


@wrong("10.text_vectors", "pool-not-normalised")
def pool_means(hidden, mask):
    return (hidden * mask[..., None]).sum(1) / np.maximum(mask.sum(1, keepdims=True), 1)


@wrong("10.text_vectors", "pool-first-token")
def pool_the_first(hidden, mask):
    return unit(hidden[:, 0])


@wrong("10.text_vectors", "pool-maximum")
def pool_largest(hidden, mask):
    return unit(np.where(mask[..., None], hidden, -np.inf).max(axis=1))


@wrong("10.text_vectors", "pool-tokens-normalised")
def pool_unit_tokens(hidden, mask):
    return unit((unit(hidden) * mask[..., None]).sum(1))


@wrong("10.text_vectors", "pool-one-length")
def vectors_of_one_length_together(hidden, mask):
    means = (hidden * mask[..., None]).sum(axis=1) / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return means / np.linalg.norm(means)


@wrong("10.text_vectors", "pool-mask-inverted")
def pool_padding(hidden, mask):
    return unit((hidden * ~mask[..., None]).sum(1))


@wrong("10.text_vectors", "pool-over-batch")
def pool_texts(hidden, mask):
    return unit((hidden * mask[..., None]).sum(0))


@wrong("10.text_vectors", "pool-empty")
def pool_divides_by_nothing(hidden, mask):
    means = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return means / np.linalg.norm(means, axis=-1, keepdims=True)


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
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


# --- search -----------------------------------------------------------------------------------------------------------


@wrong("10.search", "search-worst-first")
def search_upwards(queries, documents, k):
    return np.argsort(unit(queries) @ unit(documents).T, axis=-1)[:, :k]


@wrong("10.search", "search-worst-first")
def search_last_k(queries, documents, k):
    return np.argsort(unit(queries) @ unit(documents).T, axis=-1)[:, -k:]


@wrong("10.search", "search-by-distance")
def search_by_distance(queries, documents, k):
    return ((queries[:, None] - documents) ** 2).sum(axis=-1).argsort(axis=-1)[:, :k]


@wrong("10.search", "search-not-sorted")
def search_by_number(queries, documents, k):
    return np.sort(np.argsort(-(unit(queries) @ unit(documents).T), axis=-1)[:, :k])


@wrong("10.search", "search-not-sorted")
def search_parted(queries, documents, k):
    return np.argpartition(-(unit(queries) @ unit(documents).T), k, axis=-1)[:, :k]


@wrong("10.search", "search-not-sorted")
def search_parted_upwards(queries, documents, k):
    return np.argpartition(unit(queries) @ unit(documents).T, -k, axis=-1)[:, : -k - 1 : -1]


@wrong("10.search", "search-dot")
def search_by_dot(queries, documents, k):
    return np.argsort(-(queries @ documents.T), axis=-1)[:, :k]


@wrong("10.search", "search-absolute")
def search_by_size(queries, documents, k):
    return np.argsort(-np.abs(unit(queries) @ unit(documents).T), axis=-1)[:, :k]


@wrong("10.search", "search-returns-cosines")
def search_values(queries, documents, k):
    return -np.sort(-(unit(queries) @ unit(documents).T), axis=-1)[:, :k]


@wrong("10.search", "search-over-queries")
def search_down(queries, documents, k):
    return np.argsort(-(unit(queries) @ unit(documents).T), axis=0)[:, :k]


@wrong("10.search", "wrong-shape")
def search_all(queries, documents, k):
    return np.argsort(-(unit(queries) @ unit(documents).T), axis=-1)


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
def search_in_single_precision(queries, documents, k):
    queries, documents = unit(queries).astype(np.float32), unit(documents).astype(np.float32)
    return np.argsort(-(queries @ documents.T), axis=-1)[:, :k]


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
    return np.argsort((gaps**2).sum(-1), axis=-1)[:, :k]


# --- best_span --------------------------------------------------------------------------------------------------------


def spans(start, end, allowed, longest):
    return [
        (start[i] + end[j], i, j)
        for i in range(len(start))
        for j in range(i, min(i + longest, len(start)))
        if allowed[i] and allowed[j]
    ]


@wrong("10.best_span", "span-two-maxima")
def span_each_for_itself(start, end, allowed, longest):
    return np.array([np.where(allowed, start, -np.inf).argmax(), np.where(allowed, end, -np.inf).argmax()])


@wrong("10.best_span", "span-outside")
def span_anywhere(start, end, allowed, longest):
    return np.array(max(spans(start, end, np.ones_like(allowed), longest))[1:])


@wrong("10.best_span", "span-too-long")
def span_of_any_length(start, end, allowed, longest):
    return np.array(max(spans(start, end, allowed, len(start)))[1:])


@wrong("10.best_span", "span-one-too-long")
def span_off_by_one(start, end, allowed, longest):
    return np.array(max(spans(start, end, allowed, longest + 1))[1:])


@wrong("10.best_span", "span-exclusive")
def span_as_a_slice(start, end, allowed, longest):
    _, first, last = max(spans(start, end, allowed, longest))
    return np.array([first, last + 1])


@wrong("10.best_span", "span-start-first")
def span_from_the_best_start(start, end, allowed, longest):
    first = int(np.where(allowed, start, -np.inf).argmax())
    return np.array(max(span for span in spans(start, end, allowed, longest) if span[1] == first)[1:])


@wrong("10.best_span", "span-end-first")
def span_to_the_best_end(start, end, allowed, longest):
    last = int(np.where(allowed, end, -np.inf).argmax())
    return np.array(max(span for span in spans(start, end, allowed, longest) if span[2] == last)[1:])


@wrong("10.best_span", "span-from-zero")
def span_that_has_to_beat_zero(start, end, allowed, longest):
    best, found = 0, (0, 0)
    for first in np.flatnonzero(allowed):
        for last in range(first, min(first + longest, len(end))):
            if allowed[last] and start[first] + end[last] > best:
                best, found = start[first] + end[last], (first, last)
    return np.array(found)


@wrong("10.best_span", "span-no-single")
def span_of_two_at_least(start, end, allowed, longest):
    return np.array(max(span for span in spans(start, end, allowed, longest) if span[1] < span[2])[1:])


@wrong("10.best_span", "span-exchanged")
def span_end_before_start(start, end, allowed, longest):
    return np.array(max(spans(start, end, allowed, longest))[:0:-1])


@wrong("10.best_span", "span-not-two")
def span_with_its_score(start, end, allowed, longest):
    return np.array(max(spans(start, end, allowed, longest)))


@right("10.best_span")
def span_in_loops(start, end, allowed, longest):
    return np.array(max(spans(start, end, allowed, longest))[1:])


@right("10.best_span")
def span_as_a_tuple(start, end, allowed, longest):
    _, first, last = max(spans(start, end, allowed, longest))
    return first, last


# --- trained ----------------------------------------------------------------------------------------------------------


def decide(names, blocks, embeddings, head=True):
    answers = []
    for name in names:
        parts = name.split(".")
        answers.append(head if parts[0] == "head" else blocks(int(parts[2])) if parts[1] == "blocks" else embeddings)
    return np.array(answers)


@wrong("10.trained", "trained-prefix")
def trained_by_prefix(names, num_layers, top):
    frozen = tuple(f"encoder.blocks.{number}" for number in range(num_layers - top))
    if top < num_layers:
        frozen = (*frozen, "encoder.token", "encoder.positions")
    return np.array([not name.startswith(frozen) for name in names])


@wrong("10.trained", "trained-bottom")
def trained_from_below(names, num_layers, top):
    return decide(names, lambda number: number < top, top == num_layers)


@wrong("10.trained", "trained-no-head")
def trained_without_head(names, num_layers, top):
    return decide(names, lambda number: number >= num_layers - top, top == num_layers, head=False)


@wrong("10.trained", "trained-head-always-only")
def trained_head_alone(names, num_layers, top):
    return np.array([name.startswith("head") for name in names])


@wrong("10.trained", "trained-embeddings")
def trained_embeddings_always(names, num_layers, top):
    return decide(names, lambda number: number >= num_layers - top, True)


@wrong("10.trained", "trained-all-without-embeddings")
def trained_embeddings_never(names, num_layers, top):
    return decide(names, lambda number: number >= num_layers - top, False)


@wrong("10.trained", "trained-minus-zero")
def trained_by_a_slice(names, num_layers, top):
    chosen = [str(number) for number in range(num_layers)][-top:]
    on = [name.startswith("head") or ("blocks" in name and name.split(".")[2] in chosen) for name in names]
    return np.array(on) | (top == num_layers)


@wrong("10.trained", "trained-inverted")
def trained_frozen_ones(names, num_layers, top):
    return ~decide(names, lambda number: number >= num_layers - top, top == num_layers)


@wrong("10.trained", "trained-off-by-one")
def trained_one_too_few(names, num_layers, top):
    return decide(names, lambda number: number > num_layers - top, top == num_layers)


@wrong("10.trained", "trained-numbers")
def trained_as_numbers(names, num_layers, top):
    return decide(names, lambda number: number >= num_layers - top, top == num_layers).astype(int)


@right("10.trained")
def trained_as_a_list(names, num_layers, top):
    return decide(names, lambda number: number >= num_layers - top, top == num_layers).tolist()


@right("10.trained")
def trained_by_numbers(names, num_layers, top):
    return decide(names, lambda number: number >= num_layers - top, top == num_layers)


@right("10.trained")
def trained_by_prefix_with_dot(names, num_layers, top):
    starts = tuple(f"encoder.blocks.{number}." for number in range(num_layers - top, num_layers))
    return np.array([top == num_layers or name.startswith(("head.", *starts)) for name in names])
