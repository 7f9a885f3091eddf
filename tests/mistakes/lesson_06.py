"""Right answers to lesson 06's exercises in other styles, and a wrong one that two mistakes would explain."""

import numpy as np

from tests.mistakes.collection import equal, right, wrong

# --- layer_norm ------------------------------------------------------------------------------------------------------


def good_norm(x, gain, bias, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    return gain * (x - mean) / np.sqrt(x.var(axis=-1, keepdims=True) + eps) + bias


@right("06.layer_norm")
def norm_by_std_and_hypot(x, gain, bias, eps=1e-5):
    return gain * (x - np.mean(x, -1, keepdims=True)) / np.hypot(np.std(x, -1, keepdims=True), eps**0.5) + bias


@right("06.layer_norm")
def norm_row_by_row(x, gain, bias, eps=1e-5):
    result = np.empty(x.shape)
    for place in np.ndindex(x.shape[:-1]):
        row = x[place]
        mean = sum(row) / len(row)
        variance = sum((number - mean) ** 2 for number in row) / len(row)
        result[place] = [
            g * (number - mean) / (variance + eps) ** 0.5 + b for number, g, b in zip(row, gain, bias, strict=True)
        ]
    return result


@right("06.layer_norm")
def norm_by_mean_of_squares(x, gain, bias, eps=1e-5):
    mean = x.sum(-1, keepdims=True) / x.shape[-1]
    variance = np.maximum((x**2).sum(-1, keepdims=True) / x.shape[-1] - mean**2, 0)
    return (x - mean) * (gain / np.sqrt(variance + eps)) + bias


@right("06.layer_norm")
def norm_in_float32(x, gain, bias, eps=1e-5):
    return good_norm(x.astype(np.float32), gain.astype(np.float32), bias.astype(np.float32), np.float32(eps))


@right("06.layer_norm")
def norm_by_einsum(x, gain, bias, eps=1e-5):
    features = x.shape[-1]
    centred = x - np.einsum("...d->...", x)[..., None] / features
    scale = (np.einsum("...d,...d->...", centred, centred) / features + eps) ** -0.5
    return np.einsum("...d,...,d->...d", centred, scale, gain) + bias


@right("06.layer_norm")
def norm_of_columns(x, gain, bias, eps=1e-5):
    turned = np.moveaxis(x, -1, 0)
    normed = (turned - turned.mean(axis=0)) / np.sqrt(turned.var(axis=0) + eps)
    return np.moveaxis(normed, 0, -1) * gain + bias


# --- residual --------------------------------------------------------------------------------------------------------


@right("06.residual")
def residual_by_copy(x, sublayer, norm, norm_first):
    stream = x.copy()
    stream += sublayer(norm(x) if norm_first else x)
    return stream if norm_first else norm(stream)


@right("06.residual")
def residual_by_np_add(x, sublayer, norm, norm_first):
    before, after = (norm, np.asarray) if norm_first else (np.asarray, norm)
    return after(np.add(x, sublayer(before(x))))


@right("06.residual")
def residual_by_a_table(x, sublayer, norm, norm_first):
    return {True: lambda: x + sublayer(norm(x)), False: lambda: norm(sublayer(x) + x)}[norm_first]()


@right("06.residual")
def residual_in_float32(x, sublayer, norm, norm_first):
    stream = x.astype(np.float32)
    result = stream + sublayer(norm(stream)) if norm_first else norm(stream + sublayer(stream))
    return result.astype(np.float32)


# --- feed_forward ----------------------------------------------------------------------------------------------------


@right("06.feed_forward")
def network_by_mask(x, W_1, b_1, W_2, b_2):
    h = np.add(np.matmul(x, W_1), b_1)
    return np.matmul(h * (h > 0), W_2) + b_2


@right("06.feed_forward")
def network_as_memory(x, W_1, b_1, W_2, b_2):
    result = np.zeros((*x.shape[:-1], W_2.shape[1])) + b_2
    for key, threshold, value in zip(W_1.T, b_1, W_2, strict=True):
        fits = np.clip((x * key).sum(axis=-1) + threshold, 0, None)
        result = result + fits[..., None] * value
    return result


@right("06.feed_forward")
def network_by_einsum(x, W_1, b_1, W_2, b_2):
    h = np.einsum("...d,df->...f", x, W_1) + b_1
    h[h < 0] = 0
    return np.einsum("...f,fd->...d", h, W_2) + b_2


@right("06.feed_forward")
def network_in_float32(x, W_1, b_1, W_2, b_2):
    x, W_1, b_1, W_2, b_2 = (part.astype(np.float32) for part in (x, W_1, b_1, W_2, b_2))
    return np.where(x @ W_1 + b_1 > 0, x @ W_1 + b_1, 0) @ W_2 + b_2


@right("06.feed_forward")
def network_with_homogeneous_coordinates(x, W_1, b_1, W_2, b_2):
    def with_one(rows):
        return np.concatenate([rows, np.ones((*rows.shape[:-1], 1))], axis=-1)

    hidden = with_one(x) @ np.vstack([W_1, b_1])
    return with_one((hidden + abs(hidden)) / 2) @ np.vstack([W_2, b_2])


# --- alike_for_the_colleague -----------------------------------------------------------------------------------------


ONE = np.array([[1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.5, 1.0, -2.0, 0.0]])


@right("06.alike_for_the_colleague")
def pair_with_mean_repeated():
    return ONE, np.tile(ONE.mean(axis=0), (3, 1))


@right("06.alike_for_the_colleague")
def pair_of_whole_numbers():
    return np.array([[3, 1, 4, 1], [1, 5, 9, 2]]), np.array([[4, 1, 4, 1], [0, 5, 9, 2]])


@right("06.alike_for_the_colleague")
def pair_as_a_list():
    return [np.array([[2.0, 0, 0, 0], [0, 2, 0, 0]]), np.array([[1.0, 1, 0, 0], [1, 1, 0, 0]])]


@right("06.alike_for_the_colleague")
def pair_in_float32():
    return np.float32([[0.1, 0.3, 0, 1], [0.3, 0.1, 1, 0]]), np.float32([[0.2, 0.2, 0, 1], [0.2, 0.2, 1, 0]])


# --- encoder_block ---------------------------------------------------------------------------------------------------


@right("06.encoder_block")
def block_by_a_loop(x, attend, feed_forward, norm_1, norm_2):
    for sublayer, norm in ((attend, norm_1), (feed_forward, norm_2)):
        x = norm(x + sublayer(x))
    return x


@right("06.encoder_block")
def block_with_names(x, attend, feed_forward, norm_1, norm_2):
    heard = np.add(attend(x), x)
    middle = norm_1(heard)
    return norm_2(np.sum([feed_forward(middle), middle], axis=0))


@right("06.encoder_block")
def block_in_one_line(x, attend, feed_forward, norm_1, norm_2):
    return norm_2(np.add(y := norm_1(attend(x) + x), feed_forward(y)))


@right("06.encoder_block")
def block_by_copy(x, attend, feed_forward, norm_1, norm_2):
    stream = x.copy()
    stream += attend(x)
    stream = norm_1(stream)
    return norm_2(feed_forward(stream) + stream)


# --- decoder_block ---------------------------------------------------------------------------------------------------


@right("06.decoder_block")
def decoder_by_a_loop(x, memory, memory_mask, own, cross, feed_forward, norms):
    order = np.arange(len(x))
    sublayers = (
        lambda x: own(x, x, order[None, :] <= order[:, None]),
        lambda x: cross(x, memory, np.tile(memory_mask, (len(x), 1))),
        feed_forward,
    )
    for sublayer, norm in zip(sublayers, norms, strict=True):
        x = norm(x + sublayer(x))
    return x


@right("06.decoder_block")
def decoder_with_tril(x, memory, memory_mask, own, cross, feed_forward, norms):
    causal = np.tril(np.ones((len(x), len(x)), dtype=bool))
    first, second, third = norms
    written = first(own(x, x, mask=causal) + x)
    informed = second(cross(written, memory, mask=memory_mask[None, :]) + written)
    return third(feed_forward(informed) + informed)


@right("06.decoder_block")
def decoder_token_by_token(x, memory, memory_mask, own, cross, feed_forward, norms):
    heard = np.vstack([own(x[i : i + 1], x[: i + 1], None) for i in range(len(x))])
    x = norms[0](x + heard)
    x = norms[1](x + cross(x, memory[memory_mask], None))
    return norms[2](x + feed_forward(x))


@right("06.decoder_block")
def decoder_in_float32(x, memory, memory_mask, own, cross, feed_forward, norms):
    x, memory = x.astype(np.float32), memory.astype(np.float32)
    x = norms[0](x + own(x, x, ~np.triu(np.ones((len(x), len(x)), dtype=bool), k=1)))
    x = norms[1](x + cross(x, memory, np.broadcast_to(memory_mask, (len(x), len(memory)))))
    return norms[2](x + feed_forward(x)).astype(np.float32)


# --- teacher_forcing -------------------------------------------------------------------------------------------------


@right("06.teacher_forcing")
def shift_sentence_by_sentence(sentences, start_id, end_id, pad_id):
    inputs, labels = [], []
    for sentence in sentences.tolist():
        real = [token for token in sentence if token != pad_id]
        filling = [pad_id] * (len(sentence) - len(real))
        inputs.append([start_id, *real, *filling])
        labels.append([*real, end_id, *filling])
    return np.array(inputs), np.array(labels)


@right("06.teacher_forcing")
def shift_by_cutting_the_whole(sentences, start_id, end_id, pad_id):
    padded = np.pad(sentences, ((0, 0), (1, 1)), constant_values=pad_id)
    padded[:, 0] = start_id
    labels = padded[:, 1:].copy()
    first_padding = (labels == pad_id) & (np.cumsum(labels == pad_id, axis=1) == 1)
    return padded[:, :-1], np.where(first_padding, end_id, labels)


@right("06.teacher_forcing")
def shift_as_a_list(sentences, start_id, end_id, pad_id):
    batch, length = sentences.shape
    labels = np.full((batch, length + 1), pad_id)
    labels[:, :-1] = sentences
    labels[np.arange(batch), (labels == pad_id).argmax(axis=1)] = end_id
    return [np.insert(sentences, 0, start_id, axis=1), labels]


@right("06.teacher_forcing")
def shift_in_small_integers(sentences, start_id, end_id, pad_id):
    ids = sentences.astype(np.int32)
    labels = np.pad(ids, ((0, 0), (0, 1)), constant_values=pad_id)
    np.put_along_axis(labels, (ids != pad_id).sum(axis=1, keepdims=True), end_id, axis=1)
    return np.pad(ids, ((0, 0), (1, 0)), constant_values=start_id), labels


@right("06.teacher_forcing")
def shift_by_loops(sentences, start_id, end_id, pad_id):
    inputs = [[start_id, *sentence] for sentence in sentences]
    labels = []
    for sentence in sentences:
        row = [*sentence, pad_id]
        row[row.index(pad_id)] = end_id
        labels.append(row)
    return np.array(inputs), np.array(labels)


# --- influence --------------------------------------------------------------------------------------------------------


@right("06.influence")
def table_by_noise(function, x):
    rng, before, columns = np.random.default_rng(), function(x), []
    for token in range(len(x)):
        changed = x.copy()
        changed[token] = 3 * rng.normal(size=x.shape[1])
        gap = np.abs(function(changed) - before)
        columns.append((gap > 1e-9).any(axis=tuple(range(1, gap.ndim))))
    return np.column_stack(columns)


@right("06.influence")
def table_by_isclose(function, x):
    n, before, noise = len(x), function(x), np.random.default_rng(3).uniform(-2, 2, x.shape)
    table = np.zeros((n, n), dtype=bool)
    for j in range(n):
        after = function(x + noise * (np.arange(n) == j)[:, None])
        for i in range(n):
            table[i, j] = not np.allclose(after[i], before[i], rtol=0, atol=1e-9)
    return table


# --- parameter_count -------------------------------------------------------------------------------------------------


@right("06.parameter_count")
def count_part_by_part(vocab_size, d_model, num_layers, d_ff):
    def linear(m, n):
        return m * n + n

    attentions = 3 * 4 * linear(d_model, d_model)
    networks = 2 * (linear(d_model, d_ff) + linear(d_ff, d_model))
    norms = 5 * 2 * d_model
    return np.int64(vocab_size * d_model + num_layers * (attentions + networks + norms))


@right("06.parameter_count")
def count_by_a_polynomial(vocab_size, d_model, num_layers, d_ff):
    per_layer = 12 * d_model**2 + 4 * d_model * d_ff + 24 * d_model + 2 * d_ff
    return d_model * vocab_size + per_layer * num_layers


@right("06.parameter_count")
def count_shapes(vocab_size, d_model, num_layers, d_ff):
    attention = [(d_model, d_model), (d_model,)] * 4
    network = [(d_model, d_ff), (d_ff,), (d_ff, d_model), (d_model,)]
    norm = [(d_model,), (d_model,)]
    block = attention * 3 + network * 2 + norm * 5
    return np.array(sum(int(np.prod(shape, dtype=np.int64)) for shape in [(vocab_size, d_model), *block * num_layers]))


@wrong("06.parameter_count", "count-two-norms")  # and not the second maps' biases alone, which are as many
def count_two_norms_everywhere(vocab_size, d_model, num_layers, d_ff):
    attention, norms = 4 * (d_model**2 + d_model), 2 * 2 * d_model
    network = 2 * d_model * d_ff + d_ff + d_model
    return vocab_size * d_model + num_layers * (3 * attention + 2 * (network + norms))


# --- changes that leave the solutions right -----------------------------------------------------------------------------

for change in ("0 -> 1", "changed[token] += noise[token] -> changed[token] -= noise[token]"):
    equal("06.influence", change, "any random numbers do")
equal("06.influence", "np.zeros -> np.ones", "each column is written")
equal("06.influence", "-1 -> +1", "after the reshape there are two axes")
equal("06.influence", "1 -> 2", "NumPy computes a negative size in a reshape from the others")
equal(
    "06.influence",
    "differences.max(axis=-1) > 1e-09 -> differences.max(axis=-1) >= 1e-09",
    "what is exactly 1e-9 is not promised",
)
