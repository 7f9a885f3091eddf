"""Answers to lesson 06's exercises: the mistakes that people make, and right answers in other styles."""

import numpy as np

from tests.mistakes.collection import right, wrong

# --- layer_norm -------------------------------------------------------------------------------------------------------


def good_norm(x, gain, bias, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    return gain * (x - mean) / np.sqrt(x.var(axis=-1, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-over-tokens")
def norm_down_the_tokens(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(axis=-2, keepdims=True)) / np.sqrt(x.var(axis=-2, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-over-tokens")
def norm_of_a_batch(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + bias


@wrong("06.layer_norm", "norm-over-everything")
def norm_of_all(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean()) / np.sqrt(x.var() + eps) + bias


@wrong("06.layer_norm", "norm-no-mean")
def norm_root_mean_square(x, gain, bias, eps=1e-5):
    return gain * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-not-divided")
def norm_centred_only(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(axis=-1, keepdims=True)) + bias


@wrong("06.layer_norm", "norm-by-variance")
def norm_without_root(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(axis=-1, keepdims=True)) / (x.var(axis=-1, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-sample-variance")
def norm_by_sample(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, ddof=1, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-no-gain")
def norm_without_gain(x, gain, bias, eps=1e-5):
    return good_norm(x, 1.0, bias, eps)


@wrong("06.layer_norm", "norm-no-bias")
def norm_without_bias(x, gain, bias, eps=1e-5):
    return good_norm(x, gain, 0.0, eps)


@wrong("06.layer_norm", "norm-gain-and-bias-swapped")
def norm_with_roles_exchanged(x, gain, bias, eps=1e-5):
    return good_norm(x, bias, gain, eps)


@wrong("06.layer_norm", "norm-bias-before-gain")
def norm_bias_inside(x, gain, bias, eps=1e-5):
    return gain * (good_norm(x, 1.0, 0.0, eps) + bias)


@wrong("06.layer_norm", "norm-missing-keepdims")
def norm_without_keepdims(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(axis=-1)) / np.sqrt(x.var(axis=-1) + eps) + bias


@wrong("06.layer_norm", "norm-constant-token")
def norm_without_eps(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True) + bias


@wrong("06.layer_norm", "norm-eps-outside")
def norm_eps_beside_the_root(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(axis=-1, keepdims=True)) / (x.std(axis=-1, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-eps-ignored")
def norm_with_an_eps_of_its_own(x, gain, bias, eps=1e-5):
    return good_norm(x, gain, bias, 1e-5)


@wrong("06.layer_norm", "fails-on-batch")
def norm_two_axes_only(x, gain, bias, eps=1e-5):
    rows, features = x.shape
    return good_norm(x.reshape(rows, features), gain, bias, eps)


@wrong("06.layer_norm", "changes-its-input")
def norm_in_place(x, gain, bias, eps=1e-5):
    x -= x.mean(axis=-1, keepdims=True)
    return gain * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-precedence")
def norm_without_brackets(x, gain, bias, eps=1e-5):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gain * x - mean / np.sqrt(variance + eps) + bias


@wrong("06.layer_norm", "norm-mean-deviation")
def norm_by_mean_deviation(x, gain, bias, eps=1e-5):
    centred = x - x.mean(axis=-1, keepdims=True)
    return gain * centred / (np.abs(centred).mean(axis=-1, keepdims=True) + eps) + bias


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


# --- residual ---------------------------------------------------------------------------------------------------------


@wrong("06.residual", "residual-missing")
def residual_replaces(x, sublayer, norm, norm_first):
    return sublayer(norm(x)) if norm_first else norm(sublayer(x))


@wrong("06.residual", "residual-without-norm")
def residual_no_norm(x, sublayer, norm, norm_first):
    return x + sublayer(x)


@wrong("06.residual", "residual-norms-the-addition")
def residual_norm_on_what_is_added(x, sublayer, norm, norm_first):
    return x + sublayer(norm(x)) if norm_first else x + norm(sublayer(x))


@wrong("06.residual", "residual-normed-stream")
def residual_adds_to_the_normed(x, sublayer, norm, norm_first):
    if norm_first:
        x = norm(x)
        return x + sublayer(x)
    return norm(x + sublayer(x))


@wrong("06.residual", "residual-norm-twice")
def residual_both_norms(x, sublayer, norm, norm_first):
    return norm(x + sublayer(norm(x)))


@wrong("06.residual", "residual-always-post")
def residual_post_only(x, sublayer, norm, norm_first):
    return norm(x + sublayer(x))


@wrong("06.residual", "residual-always-pre")
def residual_pre_only(x, sublayer, norm, norm_first):
    return x + sublayer(norm(x))


@wrong("06.residual", "residual-flag-inverted")
def residual_the_other_way_round(x, sublayer, norm, norm_first):
    return norm(x + sublayer(x)) if norm_first else x + sublayer(norm(x))


@wrong("06.residual", "residual-no-sublayer")
def residual_of_itself(x, sublayer, norm, norm_first):
    return norm(x + x)


@wrong("06.residual", "wrong-on-batch")
def residual_of_the_first(x, sublayer, norm, norm_first):
    result = x + sublayer(norm(x)) if norm_first else norm(x + sublayer(x))
    return result if x.ndim == 2 else np.broadcast_to(result[0], result.shape)


@wrong("06.residual", "changes-its-input")
def residual_in_place(x, sublayer, norm, norm_first):
    if norm_first:
        x += sublayer(norm(x))
        return x
    x += sublayer(x)
    return norm(x)


@right("06.residual")
def residual_by_copy(x, sublayer, norm, norm_first):
    stream = x.copy()
    stream += sublayer(norm(x) if norm_first else x)
    return stream if norm_first else norm(stream)


@right("06.residual")
def residual_by_np_add(x, sublayer, norm, norm_first):
    before, after = (norm, np.asarray) if norm_first else (np.asarray, norm)
    return after(np.add(x, sublayer(before(x))))


# --- feed_forward -----------------------------------------------------------------------------------------------------


@wrong("06.feed_forward", "ff-no-relu")
def network_linear(x, W_1, b_1, W_2, b_2):
    return (x @ W_1 + b_1) @ W_2 + b_2


@wrong("06.feed_forward", "ff-relu-at-the-end")
def network_relu_twice(x, W_1, b_1, W_2, b_2):
    return np.maximum(0, np.maximum(0, x @ W_1 + b_1) @ W_2 + b_2)


@wrong("06.feed_forward", "ff-relu-at-the-end")
def network_relu_last(x, W_1, b_1, W_2, b_2):
    return np.maximum(0, (x @ W_1 + b_1) @ W_2 + b_2)


@wrong("06.feed_forward", "ff-relu-before-bias")
def network_bias_late(x, W_1, b_1, W_2, b_2):
    return (np.maximum(0, x @ W_1) + b_1) @ W_2 + b_2


@wrong("06.feed_forward", "ff-no-b_1")
def network_without_first_bias(x, W_1, b_1, W_2, b_2):
    return np.maximum(0, x @ W_1) @ W_2 + b_2


@wrong("06.feed_forward", "ff-no-b_2")
def network_without_second_bias(x, W_1, b_1, W_2, b_2):
    return np.maximum(0, x @ W_1 + b_1) @ W_2


@wrong("06.feed_forward", "ff-gelu")
def network_with_gelu(x, W_1, b_1, W_2, b_2):
    h = x @ W_1 + b_1
    return (0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))) @ W_2 + b_2


@wrong("06.feed_forward", "ff-absolute")
def network_absolute(x, W_1, b_1, W_2, b_2):
    return abs(x @ W_1 + b_1) @ W_2 + b_2


@wrong("06.feed_forward", "ff-with-residual")
def network_with_residual(x, W_1, b_1, W_2, b_2):
    return x + np.maximum(0, x @ W_1 + b_1) @ W_2 + b_2


@wrong("06.feed_forward", "ff-other-activation")
def network_leaky(x, W_1, b_1, W_2, b_2):
    h = x @ W_1 + b_1
    return np.where(h > 0, h, 0.01 * h) @ W_2 + b_2


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


# --- alike_for_the_colleague ------------------------------------------------------------------------------------------

ONE = np.array([[1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.5, 1.0, -2.0, 0.0]])


@wrong("06.alike_for_the_colleague", "pair-not-two")
def pair_of_one():
    return ONE


@wrong("06.alike_for_the_colleague", "pair-shapes")
def pair_of_different_lengths():
    return ONE, np.zeros((2, 4))


@wrong("06.alike_for_the_colleague", "pair-shapes")
def pair_of_single_tokens():
    return ONE[:1], ONE[:1]


@wrong("06.alike_for_the_colleague", "pair-not-finite")
def pair_with_nan():
    return ONE, np.full((3, 4), np.nan)


@wrong("06.alike_for_the_colleague", "pair-same")
def pair_of_twins():
    return ONE, ONE.copy()


@wrong("06.alike_for_the_colleague", "pair-reordered")
def pair_shuffled():
    return ONE, ONE[[2, 0, 1]]


@wrong("06.alike_for_the_colleague", "pair-told-apart")
def pair_of_different_means():
    return ONE, ONE + 1


@right("06.alike_for_the_colleague")
def pair_with_mean_repeated():
    return ONE, np.tile(ONE.mean(axis=0), (3, 1))


@right("06.alike_for_the_colleague")
def pair_of_whole_numbers():
    return np.array([[3, 1, 4, 1], [1, 5, 9, 2]]), np.array([[4, 1, 4, 1], [0, 5, 9, 2]])


# --- encoder_block ----------------------------------------------------------------------------------------------------


@wrong("06.encoder_block", "block-no-residuals")
def block_replacing(x, attend, feed_forward, norm_1, norm_2):
    return norm_2(feed_forward(norm_1(attend(x))))


@wrong("06.encoder_block", "block-first-residual")
def block_without_first(x, attend, feed_forward, norm_1, norm_2):
    x = norm_1(attend(x))
    return norm_2(x + feed_forward(x))


@wrong("06.encoder_block", "block-second-residual")
def block_without_second(x, attend, feed_forward, norm_1, norm_2):
    return norm_2(feed_forward(norm_1(x + attend(x))))


@wrong("06.encoder_block", "block-second-adds-input")
def block_adding_the_input(x, attend, feed_forward, norm_1, norm_2):
    return norm_2(x + feed_forward(norm_1(x + attend(x))))


@wrong("06.encoder_block", "block-feed-forward-reads-input")
def block_side_by_side(x, attend, feed_forward, norm_1, norm_2):
    return norm_2(norm_1(x + attend(x)) + feed_forward(x))


@wrong("06.encoder_block", "block-pre-norm")
def block_pre(x, attend, feed_forward, norm_1, norm_2):
    x = x + attend(norm_1(x))
    return x + feed_forward(norm_2(x))


@wrong("06.encoder_block", "block-norms-exchanged")
def block_other_norms(x, attend, feed_forward, norm_1, norm_2):
    x = norm_2(x + attend(x))
    return norm_1(x + feed_forward(x))


@wrong("06.encoder_block", "block-no-first-norm")
def block_one_norm_last(x, attend, feed_forward, norm_1, norm_2):
    x = x + attend(x)
    return norm_2(x + feed_forward(x))


@wrong("06.encoder_block", "block-no-second-norm")
def block_one_norm_first(x, attend, feed_forward, norm_1, norm_2):
    x = norm_1(x + attend(x))
    return x + feed_forward(x)


@wrong("06.encoder_block", "block-feed-forward-first")
def block_thinks_first(x, attend, feed_forward, norm_1, norm_2):
    x = norm_1(x + feed_forward(x))
    return norm_2(x + attend(x))


@wrong("06.encoder_block", "block-no-attention")
def block_without_attention(x, attend, feed_forward, norm_1, norm_2):
    return norm_2(x + feed_forward(x))


@wrong("06.encoder_block", "block-no-feed-forward")
def block_without_network(x, attend, feed_forward, norm_1, norm_2):
    return norm_1(x + attend(x))


@wrong("06.encoder_block", "changes-its-input")
def block_in_place(x, attend, feed_forward, norm_1, norm_2):
    x += attend(x)
    x = norm_1(x)
    return norm_2(x + feed_forward(x))


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


# --- decoder_block ----------------------------------------------------------------------------------------------------


def good_decoder(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](x + own(x, x, np.tri(len(x), dtype=bool)))
    x = norms[1](x + cross(x, memory, memory_mask))
    return norms[2](x + feed_forward(x))


@wrong("06.decoder_block", "decoder-sees-the-future")
def decoder_without_mask(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(x, memory, memory_mask, lambda x, y, mask: own(x, y, None), cross, feed_forward, norms)


@wrong("06.decoder_block", "decoder-sees-the-future")
def decoder_diagonal_too_high(x, memory, memory_mask, own, cross, feed_forward, norms):
    mask = np.tri(len(x), k=1, dtype=bool)
    return good_decoder(x, memory, memory_mask, lambda x, y, _: own(x, y, mask), cross, feed_forward, norms)


@wrong("06.decoder_block", "decoder-mask-transposed")
def decoder_upper_triangle(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(x, memory, memory_mask, lambda x, y, mask: own(x, y, mask.T), cross, feed_forward, norms)


@wrong("06.decoder_block", "decoder-ignores-memory")
def decoder_alone(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](x + own(x, x, np.tri(len(x), dtype=bool)))
    return norms[2](x + feed_forward(x))


@wrong("06.decoder_block", "decoder-memory-mask-ignored")
def decoder_hears_padding(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(x, memory, None, own, cross, feed_forward, norms)


@wrong("06.decoder_block", "decoder-queries-from-memory")
def decoder_asked_by_the_memory(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(x, memory, memory_mask, own, lambda x, y, mask: cross(y, x, mask), feed_forward, norms)


@wrong("06.decoder_block", "decoder-cross-is-causal")
def decoder_causal_twice(x, memory, memory_mask, own, cross, feed_forward, norms):
    mask = np.tri(len(x), len(memory), dtype=bool) & memory_mask
    return good_decoder(x, memory, mask, own, cross, feed_forward, norms)


@wrong("06.decoder_block", "decoder-cross-first")
def decoder_looks_over_first(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](x + cross(x, memory, memory_mask))
    x = norms[1](x + own(x, x, np.tri(len(x), dtype=bool)))
    return norms[2](x + feed_forward(x))


@wrong("06.decoder_block", "decoder-adds-memory")
def decoder_residual_of_the_memory(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](x + own(x, x, np.tri(len(x), dtype=bool)))
    x = norms[1](memory[: len(x)] + cross(x, memory, memory_mask))
    return norms[2](x + feed_forward(x))


@wrong("06.decoder_block", "decoder-self-reads-memory")
def decoder_never_reads_itself(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(
        x, memory, memory_mask, lambda x, y, mask: own(x, memory, memory_mask), cross, feed_forward, norms
    )


@wrong("06.decoder_block", "decoder-pre-norm")
def decoder_pre(x, memory, memory_mask, own, cross, feed_forward, norms):
    read = norms[0](x)
    x = x + own(read, read, np.tri(len(x), dtype=bool))
    x = x + cross(norms[1](x), memory, memory_mask)
    return x + feed_forward(norms[2](x))


@wrong("06.decoder_block", "decoder-no-residuals")
def decoder_replacing(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](own(x, x, np.tri(len(x), dtype=bool)))
    return norms[2](feed_forward(norms[1](cross(x, memory, memory_mask))))


@wrong("06.decoder_block", "decoder-no-cross-residual")
def decoder_forgets_itself(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](x + own(x, x, np.tri(len(x), dtype=bool)))
    x = norms[1](cross(x, memory, memory_mask))
    return norms[2](x + feed_forward(x))


@wrong("06.decoder_block", "different-values")
def decoder_without_last_norm(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](x + own(x, x, np.tri(len(x), dtype=bool)))
    x = norms[1](x + cross(x, memory, memory_mask))
    return x + feed_forward(x)


@wrong("06.decoder_block", "wrong-shape")
def decoder_gives_the_source(x, memory, memory_mask, own, cross, feed_forward, norms):
    return np.vstack([good_decoder(x, memory, memory_mask, own, cross, feed_forward, norms), memory])


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


# --- teacher_forcing --------------------------------------------------------------------------------------------------


def good_shift(sentences, start_id, end_id, pad_id):
    rows = len(sentences)
    inputs = np.hstack([np.full((rows, 1), start_id), sentences])
    labels = np.hstack([sentences, np.full((rows, 1), pad_id)])
    labels[np.arange(rows), (sentences != pad_id).sum(axis=1)] = end_id
    return inputs, labels


@wrong("06.teacher_forcing", "shift-not-a-pair")
def shift_inputs_only(sentences, start_id, end_id, pad_id):
    return good_shift(sentences, start_id, end_id, pad_id)[0]


@wrong("06.teacher_forcing", "shift-none")
def shift_nothing(sentences, start_id, end_id, pad_id):
    inputs, _ = good_shift(sentences, start_id, end_id, pad_id)
    return inputs, inputs


@wrong("06.teacher_forcing", "shift-exchanged")
def shift_the_other_way(sentences, start_id, end_id, pad_id):
    inputs, labels = good_shift(sentences, start_id, end_id, pad_id)
    return labels, inputs


@wrong("06.teacher_forcing", "shift-end-after-padding")
def shift_end_in_the_last_column(sentences, start_id, end_id, pad_id):
    rows = len(sentences)
    whole = np.hstack([np.full((rows, 1), start_id), sentences, np.full((rows, 1), end_id)])
    return whole[:, :-1], whole[:, 1:]


@wrong("06.teacher_forcing", "shift-no-end")
def shift_without_end(sentences, start_id, end_id, pad_id):
    inputs, _ = good_shift(sentences, start_id, end_id, pad_id)
    return inputs, np.hstack([sentences, np.full((len(sentences), 1), pad_id)])


@wrong("06.teacher_forcing", "shift-no-start")
def shift_without_start(sentences, start_id, end_id, pad_id):
    _, labels = good_shift(sentences, start_id, end_id, pad_id)
    return np.hstack([sentences, np.full((len(sentences), 1), pad_id)]), labels


@wrong("06.teacher_forcing", "shift-too-long")
def shift_not_cut(sentences, start_id, end_id, pad_id):
    inputs, labels = good_shift(sentences, start_id, end_id, pad_id)
    column = np.full((len(sentences), 1), pad_id)
    return np.hstack([inputs, column]), np.hstack([labels, column])


@wrong("06.teacher_forcing", "shift-cut-too-short")
def shift_without_room(sentences, start_id, end_id, pad_id):
    inputs, labels = good_shift(sentences, start_id, end_id, pad_id)
    return inputs[:, :-1], labels[:, :-1]


@wrong("06.teacher_forcing", "shift-pad-hard-coded")
def shift_padding_is_nought(sentences, start_id, end_id, pad_id):
    return good_shift(sentences, start_id, end_id, 0)


@wrong("06.teacher_forcing", "shift-end-in-inputs")
def shift_end_is_read(sentences, start_id, end_id, pad_id):
    inputs, labels = good_shift(sentences, start_id, end_id, pad_id)
    whole = np.hstack([inputs[:, :1], labels])
    return whole[:, :-1], labels


@wrong("06.teacher_forcing", "wrong-shape")
def shift_one_row(sentences, start_id, end_id, pad_id):
    inputs, labels = good_shift(sentences, start_id, end_id, pad_id)
    return inputs.ravel(), labels.ravel()


@wrong("06.teacher_forcing", "shift-nothing-added")
def shift_as_it_is(sentences, start_id, end_id, pad_id):
    return sentences[:, :-1], sentences[:, 1:]


def labels_of(sentences, end_id, pad_id, back=0):
    labels = np.hstack([sentences, np.full((len(sentences), 1), pad_id)])
    labels[np.arange(len(sentences)), (sentences != pad_id).sum(axis=1) - back] = end_id
    return labels


def inputs_of(sentences, start_id):
    return np.hstack([np.full((len(sentences), 1), start_id), sentences])


@wrong("06.teacher_forcing", "shift-minus-100")
def shift_for_cross_entropy(sentences, start_id, end_id, pad_id):
    labels = labels_of(sentences, end_id, pad_id)
    return inputs_of(sentences, start_id), np.where(labels == pad_id, -100, labels)


@wrong("06.teacher_forcing", "shift-ids-hard-coded")
def shift_of_the_example(sentences, start_id, end_id, pad_id):
    return inputs_of(sentences, 1), labels_of(sentences, 2, pad_id)


@wrong("06.teacher_forcing", "shift-end-overwrites")
def shift_losing_the_last_token(sentences, start_id, end_id, pad_id):
    return inputs_of(sentences, start_id), labels_of(sentences, end_id, pad_id, back=1)


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


# --- influence --------------------------------------------------------------------------------------------------------


def table_of(function, x, moved, change=lambda row: row + 1.0):
    before = function(x)
    columns = []
    for token in range(len(x)):
        changed = x.copy()
        changed[token] = change(changed[token])
        columns.append(moved(function(changed), before))
    return np.stack(columns, axis=-1)


def any_feature(after, before):
    return (np.abs(after - before) > 1e-9).any(axis=-1)


@wrong("06.influence", "moves-transposed")
def table_on_its_side(function, x):
    return table_of(function, x, any_feature).T


@wrong("06.influence", "influence-cumulative")
def table_never_put_back(function, x):
    before, changed, columns = function(x), x.copy(), []
    for token in range(len(x)):
        changed[token] += 1.0
        columns.append(any_feature(function(changed), before))
    return np.stack(columns, axis=-1)


@wrong("06.influence", "moves-not-boolean")
def table_of_sizes(function, x):
    return table_of(function, x, lambda after, before: np.abs(after - before).max(axis=-1))


@wrong("06.influence", "influence-inverted")
def table_of_what_stays(function, x):
    return ~table_of(function, x, any_feature)


@wrong("06.influence", "influence-one-feature")
def table_of_the_first_feature(function, x):
    return table_of(function, x, lambda after, before: np.abs(after - before)[:, 0] > 1e-9)


@wrong("06.influence", "influence-sum-cancels")
def table_of_sums(function, x):
    return table_of(function, x, lambda after, before: np.abs((after - before).sum(axis=-1)) > 1e-9)


@wrong("06.influence", "influence-signed")
def table_of_rises(function, x):
    return table_of(function, x, lambda after, before: (after - before).max(axis=-1) > 1e-9)


@wrong("06.influence", "influence-sum-cancels")
def table_of_means(function, x):
    return table_of(function, x, lambda after, before: np.abs(after.mean(axis=-1) - before.mean(axis=-1)) > 1e-9)


@wrong("06.influence", "influence-one-feature")
def table_where_all_features_move(function, x):
    return table_of(function, x, lambda after, before: np.abs(after - before).min(axis=-1) > 1e-9)


@wrong("06.influence", "influence-nudges-one-feature")
def table_of_one_feature_changed(function, x):
    return table_of(function, x, any_feature, change=lambda row: row + np.eye(len(row))[-1])


@wrong("06.influence", "influence-rounding")
def table_without_tolerance(function, x):
    return table_of(function, x, lambda after, before: (after != before).any(axis=-1))


@wrong("06.influence", "influence-zero-token")
def table_by_doubling(function, x):
    return table_of(function, x, any_feature, change=lambda row: 2 * row)


@wrong("06.influence", "influence-wide-tolerance")
def table_of_large_moves(function, x):
    return table_of(function, x, lambda after, before: (np.abs(after - before) > 1e-3).any(axis=-1))


@wrong("06.influence", "changes-its-input")
def table_in_place(function, x):
    before, columns = function(x), []
    for token in range(len(x)):
        x[token] += 1.0
        columns.append(any_feature(function(x), before))
    return np.stack(columns, axis=-1)


@wrong("06.influence", "wrong-shape")
def table_of_features_too(function, x):
    return table_of(function, x, lambda after, before: np.abs(after - before) > 1e-9)


@wrong("06.influence", "different-values")
def table_of_all(function, x):
    return np.ones((len(x), len(x)), dtype=bool)


@wrong("06.influence", "influence-no-change")
def influence_of_a_breath(function, x):
    table = []
    for j in range(len(x)):
        changed = x.copy()
        changed[j] += 1e-12
        table.append(np.abs(function(changed) - function(x)).max(axis=-1) > 1e-9)
    return np.array(table).T


@wrong("06.influence", "influence-guessed")
def influence_of_what_is_causal(function, x):
    return np.tri(len(x), dtype=bool)


@right("06.influence")
def table_with_noise(function, x):
    rng = np.random.default_rng(1)
    return table_of(function, x, any_feature, change=lambda row: row + rng.normal(size=row.shape) * 3)


@right("06.influence")
def table_by_isclose(function, x):
    n, before = len(x), function(x)
    table = np.zeros((n, n), dtype=bool)
    for j in range(n):
        after = function(x + 2.5 * (np.arange(n) == j)[:, None])
        for i in range(n):
            table[i, j] = not np.allclose(after[i], before[i], rtol=0, atol=1e-9)
    return table


# --- parameter_count --------------------------------------------------------------------------------------------------


def good_count(v, d, n, f, *, bias=1, norms=(2, 3), tables=1, attentions=2, decoder=1, maps=4):
    attention, network = maps * (d * d + bias * d), 2 * d * f + bias * (d + f)
    return tables * v * d + n * (
        attention + network + norms[0] * 2 * d + decoder * (attentions * attention + network + norms[1] * 2 * d)
    )


@wrong("06.parameter_count", "count-no-biases")
def count_of_matrices(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, num_layers, d_ff, bias=0, norms=(0, 0))


@wrong("06.parameter_count", "count-no-norms")
def count_without_norms(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, num_layers, d_ff, norms=(0, 0))


@wrong("06.parameter_count", "count-untied")
def count_three_tables(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, num_layers, d_ff, tables=3)


@wrong("06.parameter_count", "count-no-embeddings")
def count_of_blocks(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, num_layers, d_ff, tables=0)


@wrong("06.parameter_count", "count-one-attention")
def count_two_equal_stacks(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, num_layers, d_ff, attentions=1, norms=(2, 2))


@wrong("06.parameter_count", "count-two-norms")
def count_norms_alike(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, num_layers, d_ff, norms=(2, 2))


@wrong("06.parameter_count", "count-encoder-only")
def count_one_stack(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, num_layers, d_ff, decoder=0)


@wrong("06.parameter_count", "count-no-output")
def count_three_maps(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, num_layers, d_ff, maps=3)


@wrong("06.parameter_count", "count-one-block")
def count_forgets_stacking(vocab_size, d_model, num_layers, d_ff):
    return good_count(vocab_size, d_model, 1, d_ff)


@wrong("06.parameter_count", "wrong-shape")
def count_in_a_row(vocab_size, d_model, num_layers, d_ff):
    return np.array([good_count(vocab_size, d_model, num_layers, d_ff)])


@right("06.parameter_count")
def count_part_by_part(vocab_size, d_model, num_layers, d_ff):
    def linear(m, n):
        return m * n + n

    attentions = 3 * 4 * linear(d_model, d_model)
    networks = 2 * (linear(d_model, d_ff) + linear(d_ff, d_model))
    norms = 5 * 2 * d_model
    return np.int64(vocab_size * d_model + num_layers * (attentions + networks + norms))


@right("06.parameter_count")
def count_as_a_float(vocab_size, d_model, num_layers, d_ff):
    return float(good_count(vocab_size, d_model, num_layers, d_ff))


# --- found by a second reader ------------------------------------------------------------------------------------------


def parts_of(x):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred, (centred**2).mean(axis=-1, keepdims=True)


@wrong("06.layer_norm", "norm-unit-length")
def norm_to_length_1(x, gain, bias, eps=1e-5):
    centred, _ = parts_of(x)
    return gain * centred / (np.linalg.norm(centred, axis=-1, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-second-moment")
def norm_by_the_mean_square(x, gain, bias, eps=1e-5):
    return gain * parts_of(x)[0] / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps) + bias


@wrong("06.layer_norm", "norm-no-mean")
def norm_of_newer_models(x, gain, bias, eps=1e-5):
    return gain * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)


@wrong("06.residual", "residual-norms-only-x")
def residual_with_x_normed_first(x, sublayer, norm, norm_first):
    return x + sublayer(norm(x)) if norm_first else norm(x) + sublayer(x)


@wrong("06.feed_forward", "ff-hidden-only")
def ff_half_way(x, W_1, b_1, W_2, b_2):
    return np.maximum(0, x @ W_1 + b_1)


@wrong("06.feed_forward", "ff-keeps-the-negative")
def ff_minimum(x, W_1, b_1, W_2, b_2):
    return np.minimum(0, x @ W_1 + b_1) @ W_2 + b_2


@wrong("06.feed_forward", "ff-other-activation")
def ff_sigmoid(x, W_1, b_1, W_2, b_2):
    return 1 / (1 + np.exp(-(x @ W_1 + b_1))) @ W_2 + b_2


@wrong("06.encoder_block", "block-one-norm-twice")
def block_with_one_norm(x, attend, feed_forward, norm_1, norm_2):
    x = norm_1(x + attend(x))
    return norm_1(x + feed_forward(x))


@wrong("06.encoder_block", "block-norms-the-additions")
def block_norming_what_is_added(x, attend, feed_forward, norm_1, norm_2):
    x = x + norm_1(attend(x))
    return x + norm_2(feed_forward(x))


@wrong("06.encoder_block", "block-side-by-side")
def block_in_parallel(x, attend, feed_forward, norm_1, norm_2):
    return norm_2(norm_1(x + attend(x) + feed_forward(x)))


@wrong("06.encoder_block", "block-attends-twice")
def block_of_attention_only(x, attend, feed_forward, norm_1, norm_2):
    x = norm_1(x + attend(x))
    return norm_2(x + attend(x))


@wrong("06.decoder_block", "decoder-memory-mask-inverted")
def decoder_sees_what_is_hidden(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(x, memory, ~memory_mask, own, cross, feed_forward, norms)


@wrong("06.decoder_block", "decoder-mask-hides-itself")
def decoder_diagonal_too_low(x, memory, memory_mask, own, cross, feed_forward, norms):
    mask = np.tri(len(x), k=-1, dtype=bool)
    return good_decoder(x, memory, memory_mask, lambda x, y, _: own(x, y, mask), cross, feed_forward, norms)


@wrong("06.decoder_block", "decoder-norms-exchanged")
def decoder_norms_in_another_order(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(x, memory, memory_mask, own, cross, feed_forward, [norms[1], norms[0], norms[2]])


@wrong("06.decoder_block", "decoder-cross-reads-input")
def decoder_cross_adds_the_input(x, memory, memory_mask, own, cross, feed_forward, norms):
    heard = norms[0](x + own(x, x, np.tri(len(x), dtype=bool)))
    asked = norms[1](x + cross(heard, memory, memory_mask))
    return norms[2](asked + feed_forward(asked))


@wrong("06.decoder_block", "decoder-no-feed-forward")
def decoder_of_two_sublayers(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](x + own(x, x, np.tri(len(x), dtype=bool)))
    return norms[1](x + cross(x, memory, memory_mask))


@wrong("06.decoder_block", "decoder-no-self-residual")
def decoder_replacing_at_first(x, memory, memory_mask, own, cross, feed_forward, norms):
    x = norms[0](own(x, x, np.tri(len(x), dtype=bool)))
    x = norms[1](x + cross(x, memory, memory_mask))
    return norms[2](x + feed_forward(x))


@wrong("06.decoder_block", "decoder-no-last-residual")
def decoder_replacing_at_last(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(x, memory, memory_mask, own, cross, lambda x: feed_forward(x) - x, norms)


@wrong("06.decoder_block", "decoder-no-norms")
def decoder_without_norms(x, memory, memory_mask, own, cross, feed_forward, norms):
    return good_decoder(x, memory, memory_mask, own, cross, feed_forward, [lambda x: x] * 3)


@wrong("06.teacher_forcing", "shift-end-in-all-padding")
def shift_with_many_ends(sentences, start_id, end_id, pad_id):
    column = np.full((len(sentences), 1), start_id)
    labels = np.hstack([sentences, np.full_like(column, end_id)])
    return np.hstack([column, sentences]), np.where(labels == pad_id, end_id, labels)


def blocks_of(d_model, num_layers, d_ff, biases_of_attention=True, vectors_of_norm=2):
    attention = 4 * (d_model**2 + biases_of_attention * d_model)
    network = 2 * d_model * d_ff + d_ff + d_model
    return num_layers * (3 * attention + 2 * network + 5 * vectors_of_norm * d_model)


@wrong("06.parameter_count", "count-some-biases")
def count_biases_of_the_network_only(vocab_size, d_model, num_layers, d_ff):
    return vocab_size * d_model + blocks_of(d_model, num_layers, d_ff, biases_of_attention=False)


@wrong("06.parameter_count", "count-norm-one-vector")
def count_gains_only(vocab_size, d_model, num_layers, d_ff):
    return vocab_size * d_model + blocks_of(d_model, num_layers, d_ff, vectors_of_norm=1)


@wrong("06.parameter_count", "count-last-norm")
def count_norms_at_the_end(vocab_size, d_model, num_layers, d_ff):
    return vocab_size * d_model + blocks_of(d_model, num_layers, d_ff) + 4 * d_model


@wrong("06.parameter_count", "count-positions")
def count_a_table_of_positions(vocab_size, d_model, num_layers, d_ff):
    return (vocab_size + 512) * d_model + blocks_of(d_model, num_layers, d_ff)


@wrong("06.parameter_count", "count-bias-of-logits")
def count_a_bias_for_each_word(vocab_size, d_model, num_layers, d_ff):
    return vocab_size * (d_model + 1) + blocks_of(d_model, num_layers, d_ff)


@wrong("06.parameter_count", "count-wrong")
def count_four_times_as_wide(vocab_size, d_model, num_layers, d_ff):
    return vocab_size * d_model + blocks_of(d_model, num_layers, 4 * d_model)
