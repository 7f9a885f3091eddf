"""Answers to lesson 05's exercises: the mistakes that people make, and right answers in other styles."""

import numpy as np

from course_lib.classroom.practice.lesson_05 import colleagues_encoding
from tests.mistakes.collection import right, wrong

# --- sinusoidal_by_loops ----------------------------------------------------------------------------------------------


def by_loops(seq_len, d_model, exponent=lambda i, d: i / d, cosine_exponent=None, first=0, base=10000.0):
    encoding = np.zeros((seq_len, d_model))
    for p in range(seq_len):
        for i in range(0, d_model, 2):
            encoding[p, i] = np.sin((p + first) / base ** exponent(i, d_model))
            encoding[p, i + 1] = np.cos((p + first) / base ** (cosine_exponent or exponent)(i, d_model))
    return encoding


@wrong("05.sinusoidal_by_loops", "exponent-doubled")
def loops_exponent_doubled(seq_len, d_model):
    return by_loops(seq_len, d_model, lambda i, d: 2 * i / d)


@wrong("05.sinusoidal_by_loops", "exponent-doubled-cosine-too")
def loops_as_published(seq_len, d_model):
    return colleagues_encoding(seq_len, d_model)


@wrong("05.sinusoidal_by_loops", "exponent-halved")
def loops_number_of_the_pair(seq_len, d_model):
    return by_loops(seq_len, d_model, lambda i, d: (i // 2) / d)


@wrong("05.sinusoidal_by_loops", "cosine-other-frequency")
def loops_cosine_at_its_own_index(seq_len, d_model):
    return by_loops(seq_len, d_model, cosine_exponent=lambda i, d: (i + 1) / d)


@wrong("05.sinusoidal_by_loops", "cosine-first")
def loops_cosine_first(seq_len, d_model):
    pairs = by_loops(seq_len, d_model).reshape(seq_len, -1, 2)
    return pairs[:, :, ::-1].reshape(seq_len, d_model)


@wrong("05.sinusoidal_by_loops", "sines-then-cosines")
def loops_in_two_halves(seq_len, d_model):
    encoding = by_loops(seq_len, d_model)
    return np.hstack([encoding[:, 0::2], encoding[:, 1::2]])


@wrong("05.sinusoidal_by_loops", "positions-from-one")
def loops_from_one(seq_len, d_model):
    return by_loops(seq_len, d_model, first=1)


@wrong("05.sinusoidal_by_loops", "cosine-missing")
def loops_sines_only(seq_len, d_model):
    encoding = by_loops(seq_len, d_model)
    encoding[:, 1::2] = encoding[:, 0::2]
    return encoding


@wrong("05.sinusoidal_by_loops", "frequency-upside-down")
def loops_ever_faster(seq_len, d_model):
    return by_loops(seq_len, d_model, lambda i, d: -i / d)


@wrong("05.sinusoidal_by_loops", "exponent-not-divided")
def loops_exponent_of_i(seq_len, d_model):
    return by_loops(seq_len, d_model, lambda i, d: i)


@wrong("05.sinusoidal_by_loops", "angle-in-degrees")
def loops_in_degrees(seq_len, d_model):
    encoding = np.zeros((seq_len, d_model))
    for p in range(seq_len):
        for i in range(0, d_model, 2):
            angle = np.radians(p * 10000 ** (-i / d_model))
            encoding[p, i], encoding[p, i + 1] = np.sin(angle), np.cos(angle)
    return encoding


@wrong("05.sinusoidal_by_loops", "encoding-transposed")
def loops_one_column_a_place(seq_len, d_model):
    return by_loops(seq_len, d_model).T


@wrong("05.sinusoidal_by_loops", "another-base")
def loops_another_base(seq_len, d_model):
    return by_loops(seq_len, d_model, base=1000.0)


@right("05.sinusoidal_by_loops")
def loops_good(seq_len, d_model):
    return by_loops(seq_len, d_model)


@right("05.sinusoidal_by_loops")
def loops_over_every_feature(seq_len, d_model):
    encoding = np.zeros((seq_len, d_model), dtype=np.float32)
    for p in range(seq_len):
        for feature in range(d_model):
            angle = p / np.power(10000, 2 * (feature // 2) / d_model)
            encoding[p, feature] = np.cos(angle) if feature % 2 else np.sin(angle)
    return encoding


@right("05.sinusoidal_by_loops")
def loops_by_turning_step_by_step(seq_len, d_model):
    speed = np.exp(-np.log(10000.0) * np.arange(0, d_model, 2) / d_model)
    hand, rows = np.full(d_model // 2, 1j), []
    for _ in range(seq_len):
        rows.append(np.stack([hand.real, hand.imag], axis=-1).ravel())
        hand = hand * np.exp(-1j * speed)
    return np.array(rows)


# --- sinusoidal -------------------------------------------------------------------------------------------------------


def encode(positions, d_model, base=10000.0, exponent=lambda i, d: i / d):
    positions = np.asarray(positions)
    angles = positions[..., None] * base ** -exponent(np.arange(0, d_model, 2), d_model)
    encoding = np.empty((*positions.shape, d_model))
    encoding[..., 0::2], encoding[..., 1::2] = np.sin(angles), np.cos(angles)
    return encoding


@wrong("05.sinusoidal", "exponent-doubled")
def encode_exponent_doubled(positions, d_model, base=10000.0):
    return encode(positions, d_model, base, lambda i, d: 2 * i / d)


@wrong("05.sinusoidal", "exponent-halved")
def encode_number_of_the_pair(positions, d_model, base=10000.0):
    return encode(positions, d_model, base, lambda i, d: i / 2 / d)


@wrong("05.sinusoidal", "sines-then-cosines")
def encode_concatenated(positions, d_model, base=10000.0):
    angles = positions[..., None] * base ** (-np.arange(0, d_model, 2) / d_model)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)


@wrong("05.sinusoidal", "base-ignored")
def encode_always_10000(positions, d_model, base=10000.0):
    return encode(positions, d_model)


@wrong("05.sinusoidal", "positions-ignored")
def encode_counting(positions, d_model, base=10000.0):
    return encode(np.arange(len(positions)), d_model, base)


@wrong("05.sinusoidal", "positions-rounded")
def encode_whole_numbers(positions, d_model, base=10000.0):
    return encode(positions.astype(int), d_model, base)


@wrong("05.sinusoidal", "fails-on-grid")
def encode_one_row(positions, d_model, base=10000.0):
    encoding = np.zeros((len(positions), d_model))
    angles = np.outer(positions, base ** (-np.arange(0, d_model, 2) / d_model))
    encoding[:, 0::2], encoding[:, 1::2] = np.sin(angles), np.cos(angles)
    return encoding


@wrong("05.sinusoidal", "wrong-on-grid")
def encode_flattened(positions, d_model, base=10000.0):
    return encode(positions.ravel(), d_model, base)


@wrong("05.sinusoidal", "wrong-on-grid")
def encode_first_row_for_all(positions, d_model, base=10000.0):
    encoding = encode(positions, d_model, base)
    return np.broadcast_to(encoding[0], encoding.shape) if encoding.ndim == 3 else encoding


@right("05.sinusoidal")
def encode_good(positions, d_model, base=10000.0):
    return encode(positions, d_model, base)


@right("05.sinusoidal")
def encode_stacked(positions, d_model, base=10000.0):
    angles = np.multiply.outer(positions, np.power(base, -np.arange(d_model // 2) * 2 / d_model))
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(*np.shape(positions), d_model)


@right("05.sinusoidal")
def encode_by_shifted_sines(positions, d_model, base=10000.0):
    feature = np.arange(d_model)
    angles = positions[..., None] / base ** ((feature - feature % 2) / d_model)
    return np.sin(angles + feature % 2 * np.pi / 2)


# --- broken_pairs -----------------------------------------------------------------------------------------------------


def squares_of(encoding):
    return (encoding**2).reshape(len(encoding), -1, 2).sum(axis=-1)


@wrong("05.broken_pairs", "pairs-inverted")
def pairs_that_are_right(encoding):
    return np.isclose(squares_of(encoding), 1, atol=0.001).all(axis=0)


@wrong("05.broken_pairs", "one-answer-a-place")
def pairs_at_each_place(encoding):
    return (abs(squares_of(encoding) - 1) > 0.001).any(axis=1)


@wrong("05.broken_pairs", "one-answer-a-feature")
def pairs_for_both_features(encoding):
    return np.repeat((abs(squares_of(encoding) - 1) > 0.001).any(axis=0), 2)


@wrong("05.broken_pairs", "pairs-of-halves")
def pairs_from_halves(encoding):
    half = encoding.shape[1] // 2
    return (abs(encoding[:, :half] ** 2 + encoding[:, half:] ** 2 - 1) > 0.001).any(axis=0)


@wrong("05.broken_pairs", "first-place-only")
def pairs_at_the_start(encoding):
    return abs(squares_of(encoding)[0] - 1) > 0.001


@wrong("05.broken_pairs", "needs-every-place")
def pairs_broken_throughout(encoding):
    return (abs(squares_of(encoding) - 1) > 0.001).all(axis=0)


@wrong("05.broken_pairs", "rounding-is-no-break")
def pairs_compared_exactly(encoding):
    return (squares_of(encoding) != 1).any(axis=0)


@wrong("05.broken_pairs", "only-too-long")
def pairs_that_are_too_long(encoding):
    return (squares_of(encoding) - 1 > 0.001).any(axis=0)


@wrong("05.broken_pairs", "averaged-over-places")
def pairs_on_average(encoding):
    return abs(squares_of(encoding).mean(axis=0) - 1) > 0.001


@wrong("05.broken_pairs", "not-squared")
def pairs_added(encoding):
    return (abs(encoding.reshape(len(encoding), -1, 2).sum(axis=-1) - 1) > 0.001).any(axis=0)


@wrong("05.broken_pairs", "pairs-not-boolean")
def pairs_in_numbers(encoding):
    return (abs(squares_of(encoding) - 1) > 0.001).any(axis=0).astype(int)


@right("05.broken_pairs")
def pairs_good(encoding):
    return (abs(squares_of(encoding) - 1) > 0.001).any(axis=0)


@right("05.broken_pairs")
def pairs_by_the_worst_length(encoding):
    lengths = np.hypot(encoding[:, ::2], encoding[:, 1::2]) ** 2
    return ~((lengths.max(axis=0) < 1.001) & (lengths.min(axis=0) > 0.999))


@right("05.broken_pairs")
def pairs_by_loops(encoding):
    broken = []
    for i in range(0, encoding.shape[1], 2):
        broken.append(any(abs(row[i] ** 2 + row[i + 1] ** 2 - 1) > 0.001 for row in encoding))
    return np.array(broken)


# --- rotation ---------------------------------------------------------------------------------------------------------


def blocks(offset, d_model, speed=lambda i, d: 10000.0 ** (-i / d), rows=((1, 1), (-1, 1))):
    R = np.zeros((d_model, d_model))
    for i in range(0, d_model, 2):
        b = offset * speed(i, d_model)
        (cc, cs), (sc, ss) = rows
        R[i, i], R[i, i + 1], R[i + 1, i], R[i + 1, i + 1] = (
            cc * np.cos(b),
            cs * np.sin(b),
            sc * np.sin(b),
            ss * np.cos(b),
        )
    return R


@wrong("05.rotation", "turns-back")
def rotation_other_minus(offset, d_model):
    return blocks(offset, d_model, rows=((1, -1), (1, 1)))


@wrong("05.rotation", "one-speed-for-all")
def rotation_one_angle(offset, d_model):
    return blocks(offset, d_model, speed=lambda i, d: 1.0)


@wrong("05.rotation", "mirror-not-turn")
def rotation_mirrored(offset, d_model):
    return blocks(offset, d_model, rows=((1, 1), (1, -1)))


@wrong("05.rotation", "blocks-of-halves")
def rotation_of_halves(offset, d_model):
    b = offset * 10000.0 ** (-np.arange(0, d_model, 2) / d_model)
    return np.block([[np.diag(np.cos(b)), np.diag(np.sin(b))], [-np.diag(np.sin(b)), np.diag(np.cos(b))]])


@wrong("05.rotation", "offset-without-sign")
def rotation_absolute(offset, d_model):
    return blocks(abs(offset), d_model)


@wrong("05.rotation", "speeds-of-doubled-exponent")
def rotation_exponent_doubled(offset, d_model):
    return blocks(offset, d_model, speed=lambda i, d: 10000.0 ** (-2 * i / d))


@wrong("05.rotation", "rotation-moves-nothing")
def rotation_identity(offset, d_model):
    return np.eye(d_model)


@wrong("05.rotation", "different-values")
def rotation_between_two_places(offset, d_model):
    here, there = encode(np.array([0.0, offset]), d_model)
    return np.outer(there, here) / (here @ here)  # moves place 0 rightly, and no other


@right("05.rotation")
def rotation_good(offset, d_model):
    return blocks(offset, d_model)


@right("05.rotation")
def rotation_by_kronecker(offset, d_model):
    b = offset * np.power(10000.0, -np.arange(d_model // 2) * 2 / d_model)
    return np.kron(np.diag(np.cos(b)), np.eye(2)) + np.kron(np.diag(np.sin(b)), [[0, 1], [-1, 0]])


@right("05.rotation")
def rotation_by_least_squares(offset, d_model):
    places = np.linspace(-3000.0, 3000.0, 50 * d_model)
    solved, *_ = np.linalg.lstsq(encode(places, d_model), encode(places + offset, d_model), rcond=None)
    return solved.T


# --- look_back --------------------------------------------------------------------------------------------------------


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def scores_back(seq_len, d_model, back):
    places = encode(np.arange(seq_len), d_model)
    return places @ blocks(-back, d_model).T @ places.T


@wrong("05.look_back", "looks-ahead")
def back_is_ahead(seq_len, d_model, back, sharpness):
    places = encode(np.arange(seq_len), d_model)
    return softmax(sharpness * places @ blocks(-back, d_model) @ places.T)  # the transpose is missing


@wrong("05.look_back", "looks-at-itself")
def back_not_turned(seq_len, d_model, back, sharpness):
    return softmax(sharpness * scores_back(seq_len, d_model, 0))


@wrong("05.look_back", "sharpness-ignored")
def back_without_sharpness(seq_len, d_model, back, sharpness):
    return softmax(scores_back(seq_len, d_model, back))


@wrong("05.look_back", "sharpness-divides")
def back_divided(seq_len, d_model, back, sharpness):
    return softmax(scores_back(seq_len, d_model, back) / sharpness)


@wrong("05.look_back", "back-scaled")
def back_scaled(seq_len, d_model, back, sharpness):
    return softmax(sharpness * scores_back(seq_len, d_model, back) / np.sqrt(d_model))


@wrong("05.look_back", "back-no-softmax")
def back_scores(seq_len, d_model, back, sharpness):
    return sharpness * scores_back(seq_len, d_model, back)


@wrong("05.look_back", "back-transposed")
def back_transposed(seq_len, d_model, back, sharpness):
    return softmax(sharpness * scores_back(seq_len, d_model, back)).T


@wrong("05.look_back", "back-over-queries")
def back_over_queries(seq_len, d_model, back, sharpness):
    return softmax(sharpness * scores_back(seq_len, d_model, back), axis=0)


@wrong("05.look_back", "back-all-or-nothing")
def back_maximum(seq_len, d_model, back, sharpness):
    return np.eye(seq_len)[scores_back(seq_len, d_model, back).argmax(axis=-1)]


@right("05.look_back")
def back_good(seq_len, d_model, back, sharpness):
    return softmax(sharpness * scores_back(seq_len, d_model, back))


@right("05.look_back")
def back_by_earlier_places(seq_len, d_model, back, sharpness):
    places = np.arange(seq_len)
    return softmax(sharpness * encode(places - back, d_model) @ encode(places, d_model).T)


@right("05.look_back")
def back_by_turning_the_keys(seq_len, d_model, back, sharpness):
    places = encode(np.arange(seq_len), d_model)
    return softmax(sharpness * np.einsum("qd,de,ke->qk", places, blocks(back, d_model), places))


# --- rotary -----------------------------------------------------------------------------------------------------------


def turn(x, positions, base=10000.0, exponent=lambda i, d: i / d, way=1):
    d_head = x.shape[-1]
    angles = way * np.asarray(positions)[:, None] * base ** -exponent(np.arange(0, d_head, 2), d_head)
    turned = np.empty(x.shape)
    turned[..., 0::2] = x[..., 0::2] * np.cos(angles) - x[..., 1::2] * np.sin(angles)
    turned[..., 1::2] = x[..., 0::2] * np.sin(angles) + x[..., 1::2] * np.cos(angles)
    return turned


@wrong("05.rotary", "turns-clockwise-rotary")
def rotary_clockwise(x, positions, base=10000.0):
    return turn(x, positions, base, way=-1)


@wrong("05.rotary", "half-split")
def rotary_by_rotate_half(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    angles = np.tile(positions[:, None] * base ** (-np.arange(half) / half), 2)
    rotated = np.concatenate([-x[..., half:], x[..., :half]], axis=-1)
    return x * np.cos(angles) + rotated * np.sin(angles)


@wrong("05.rotary", "rotary-half-turned")
def rotary_overwritten(x, positions, base=10000.0):
    x = x.copy()
    angles = positions[:, None] * base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])
    x[..., 0::2] = x[..., 0::2] * np.cos(angles) - x[..., 1::2] * np.sin(angles)
    x[..., 1::2] = x[..., 0::2] * np.sin(angles) + x[..., 1::2] * np.cos(angles)  # the first is new already
    return x


@wrong("05.rotary", "changes-its-input")
def rotary_in_place(x, positions, base=10000.0):
    x[...] = turn(x, positions, base)
    return x


@wrong("05.rotary", "not-turned")
def rotary_of_offset_zero(x, positions, base=10000.0):
    return turn(x, np.zeros(len(positions)), base)


@wrong("05.rotary", "rotary-one-speed")
def rotary_one_speed(x, positions, base=10000.0):
    return turn(x, positions, 1.0)


@wrong("05.rotary", "rotary-exponent-doubled")
def rotary_exponent_doubled(x, positions, base=10000.0):
    return turn(x, positions, base, lambda i, d: 2 * i / d)


@wrong("05.rotary", "positions-added")
def rotary_adding(x, positions, base=10000.0):
    return x + encode(positions, x.shape[-1], base)


@wrong("05.rotary", "positions-ignored")
def rotary_counting(x, positions, base=10000.0):
    return turn(x, np.arange(x.shape[-2]), base)


@wrong("05.rotary", "sine-cosine-exchanged")
def rotary_exchanged(x, positions, base=10000.0):
    angles = positions[:, None] * base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])
    sin, cos = np.cos(angles), np.sin(angles)
    first, second = x[..., 0::2], x[..., 1::2]
    return np.stack([first * cos - second * sin, first * sin + second * cos], axis=-1).reshape(x.shape)


@wrong("05.rotary", "base-ignored")
def rotary_always_10000(x, positions, base=10000.0):
    return turn(x, positions)


@wrong("05.rotary", "fails-on-batch")
def rotary_of_a_matrix(x, positions, base=10000.0):
    first, second = x[:, 0::2], x[:, 1::2]
    angles = positions[:, None] * base ** (-np.arange(0, x.shape[1], 2) / x.shape[1])
    turned = np.zeros((len(x), x.shape[1]))
    turned[:, 0::2] = first * np.cos(angles) - second * np.sin(angles)
    turned[:, 1::2] = first * np.sin(angles) + second * np.cos(angles)
    return turned


@right("05.rotary")
def rotary_good(x, positions, base=10000.0):
    return turn(x, positions, base)


@right("05.rotary")
def rotary_by_complex_numbers(x, positions, base=10000.0):
    d_head = x.shape[-1]
    hands = x[..., 0::2] + 1j * x[..., 1::2]
    hands = hands * np.exp(1j * np.multiply.outer(positions, base ** (-np.arange(0, d_head, 2) / d_head)))
    return np.stack([hands.real, hands.imag], axis=-1).reshape(x.shape)


@right("05.rotary")
def rotary_by_matrices(x, positions, base=10000.0):
    turned = np.zeros(x.shape, dtype=np.float32)
    for place, position in enumerate(positions):
        for i in range(0, x.shape[-1], 2):
            a = position * base ** (-i / x.shape[-1])
            turned[..., place, i : i + 2] = x[..., place, i : i + 2] @ [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]
    return turned


# --- to_halves --------------------------------------------------------------------------------------------------------


@wrong("05.to_halves", "not-converted")
def halves_as_they_are(W):
    return W


@wrong("05.to_halves", "converted-backwards")
def halves_interleaved(W):
    half = W.shape[1] // 2
    return np.stack([W[:, :half], W[:, half:]], axis=-1).reshape(W.shape)


@wrong("05.to_halves", "inputs-reordered")
def halves_of_the_rows(W):
    return np.concatenate([W[0::2], W[1::2]])


@wrong("05.to_halves", "halves-exchanged")
def halves_rolled(W):
    return np.roll(W, W.shape[1] // 2, axis=1)


@wrong("05.to_halves", "wrong-frequency")
def halves_in_reverse(W):
    return np.concatenate([W[:, 0::2][:, ::-1], W[:, 1::2][:, ::-1]], axis=1)


@wrong("05.to_halves", "wrong-shape")
def halves_as_two_axes(W):
    return np.stack([W[:, 0::2], W[:, 1::2]])


@wrong("05.to_halves", "odd-half-first")
def halves_odd_first(W):
    return np.concatenate([W[:, 1::2], W[:, 0::2]], axis=1)


@wrong("05.to_halves", "different-values")
def halves_by_parity_of_the_pair(W):
    return np.concatenate([W[:, 0::4], W[:, 1::4], W[:, 2::4], W[:, 3::4]], axis=1)


@right("05.to_halves")
def halves_good(W):
    return np.concatenate([W[:, 0::2], W[:, 1::2]], axis=1)


@right("05.to_halves")
def halves_by_order(W):
    features = np.arange(W.shape[1])
    return W[:, np.argsort(features % 2, kind="stable")]


@right("05.to_halves")
def halves_by_transposing(W):
    return W.reshape(len(W), -1, 2).swapaxes(1, 2).reshape(W.shape)


@right("05.to_halves")
def halves_pointing_the_other_way(W):
    return -np.concatenate([W[:, 0::2], W[:, 1::2]], axis=1)  # of queries and keys alike: the scores stay


# --- alibi_bias -------------------------------------------------------------------------------------------------------


def slopes_of(num_heads):
    return 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)


def distances(num_queries, num_keys):
    return abs(np.arange(num_keys)[-num_queries:, None] - np.arange(num_keys))


@wrong("05.alibi_bias", "rewards-distance")
def alibi_positive(num_heads, num_queries, num_keys):
    return slopes_of(num_heads)[:, None, None] * distances(num_queries, num_keys)


@wrong("05.alibi_bias", "rewards-what-follows")
def alibi_signed(num_heads, num_queries, num_keys):
    offsets = np.arange(num_keys) - np.arange(num_keys)[-num_queries:, None]
    return slopes_of(num_heads)[:, None, None] * offsets


@wrong("05.alibi_bias", "only-what-came-before")
def alibi_backwards_only(num_heads, num_queries, num_keys):
    offsets = np.arange(num_keys)[-num_queries:, None] - np.arange(num_keys)
    return -slopes_of(num_heads)[:, None, None] * np.maximum(offsets, 0)


@wrong("05.alibi_bias", "slopes-from-one")
def alibi_heads_from_zero(num_heads, num_queries, num_keys):
    slopes = 2.0 ** (-8 * np.arange(num_heads) / num_heads)
    return -slopes[:, None, None] * distances(num_queries, num_keys)


@wrong("05.alibi_bias", "slopes-for-eight")
def alibi_halving(num_heads, num_queries, num_keys):
    slopes = 0.5 ** np.arange(1, num_heads + 1)
    return -slopes[:, None, None] * distances(num_queries, num_keys)


@wrong("05.alibi_bias", "one-slope")
def alibi_same_for_all(num_heads, num_queries, num_keys):
    return np.broadcast_to(-distances(num_queries, num_keys), (num_heads, num_queries, num_keys))


@wrong("05.alibi_bias", "slopes-reversed")
def alibi_flat_first(num_heads, num_queries, num_keys):
    return -slopes_of(num_heads)[::-1, None, None] * distances(num_queries, num_keys)


@wrong("05.alibi_bias", "queries-at-the-start")
def alibi_top_left(num_heads, num_queries, num_keys):
    away = abs(np.arange(num_queries)[:, None] - np.arange(num_keys))
    return -slopes_of(num_heads)[:, None, None] * away


@wrong("05.alibi_bias", "distance-squared")
def alibi_squared(num_heads, num_queries, num_keys):
    return -slopes_of(num_heads)[:, None, None] * distances(num_queries, num_keys) ** 2


@wrong("05.alibi_bias", "heads-last")
def alibi_heads_last(num_heads, num_queries, num_keys):
    return -distances(num_queries, num_keys)[..., None] * slopes_of(num_heads)


@right("05.alibi_bias")
def alibi_good(num_heads, num_queries, num_keys):
    return -slopes_of(num_heads)[:, None, None] * distances(num_queries, num_keys)


@right("05.alibi_bias")
def alibi_by_loops(num_heads, num_queries, num_keys):
    bias = np.zeros((num_heads, num_queries, num_keys), dtype=np.float32)
    for head in range(num_heads):
        for query in range(num_queries):
            for key in range(num_keys):
                away = abs(query + num_keys - num_queries - key)
                bias[head, query, key] = -away / 2 ** (8 * (head + 1) / num_heads)
    return bias


@right("05.alibi_bias")
def alibi_by_einsum(num_heads, num_queries, num_keys):
    ratio = 2 ** (-8 / num_heads)
    slopes = np.cumprod(np.full(num_heads, ratio))
    return np.einsum("h,qk->hqk", -slopes, distances(num_queries, num_keys))


# --- found by a second reader ------------------------------------------------------------------------------------------


def pairs_of(angles):
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(*angles.shape[:-1], -1)


def encoded(positions, d_model):
    return pairs_of(np.asarray(positions, float)[..., None] * 10000.0 ** (-np.arange(0, d_model, 2) / d_model))


def step(offset, d_model, exponent=lambda i, d: i / d, block=lambda s, c: [[c, s], [-s, c]]):
    matrix = np.zeros((d_model, d_model))
    for i in range(0, d_model, 2):
        angle = offset * 10000.0 ** -exponent(i, d_model)
        matrix[i : i + 2, i : i + 2] = block(np.sin(angle), np.cos(angle))
    return matrix


def weights_of(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@wrong("05.sinusoidal_by_loops", "exponent-rounded")
def loops_whole_exponent(seq_len, d_model):
    return by_loops(seq_len, d_model, exponent=lambda i, d: i // d)


@wrong("05.sinusoidal_by_loops", "exponent-to-the-end")
def loops_exponent_to_the_end(seq_len, d_model):
    return by_loops(seq_len, d_model, exponent=lambda i, d: i / max(d - 2, 1))


@wrong("05.sinusoidal_by_loops", "pairs-overlap")
def loops_in_steps_of_one(seq_len, d_model):
    encoding = np.zeros((seq_len, d_model))
    for p in range(seq_len):
        for i in range(d_model - 1):
            angle = p * 10000 ** (-i / d_model)
            encoding[p, i], encoding[p, i + 1] = np.sin(angle), np.cos(angle)
    return encoding


@wrong("05.rotation", "offset-ignored")
def rotation_of_one_step(offset, d_model):
    return step(1, d_model)


@wrong("05.rotation", "block-without-minus")
def rotation_without_minus(offset, d_model):
    return step(offset, d_model, block=lambda s, c: [[c, s], [s, c]])


@wrong("05.rotation", "speeds-of-halved-exponent")
def rotation_by_number_of_the_pair(offset, d_model):
    return step(offset, d_model, exponent=lambda i, d: i / 2 / d)


@wrong("05.look_back", "back-rolled")
def back_by_roll(seq_len, d_model, back, sharpness):
    encoding = encoded(np.arange(seq_len), d_model)
    return weights_of(sharpness * np.roll(encoding, back, axis=0) @ encoding.T)


@wrong("05.look_back", "back-clamped")
def back_to_the_first_place(seq_len, d_model, back, sharpness):
    encoding = encoded(np.arange(seq_len), d_model)
    return weights_of(sharpness * encoded(np.maximum(np.arange(seq_len) - back, 0), d_model) @ encoding.T)


@wrong("05.look_back", "back-causal")
def back_under_a_causal_mask(seq_len, d_model, back, sharpness):
    encoding = encoded(np.arange(seq_len), d_model)
    scores = sharpness * encoding @ step(-back, d_model).T @ encoding.T
    return weights_of(np.where(np.tri(seq_len, dtype=bool), scores, -np.inf))


@wrong("05.look_back", "sharpness-after-softmax")
def back_sharpened_late(seq_len, d_model, back, sharpness):
    encoding = encoded(np.arange(seq_len), d_model)
    return sharpness * weights_of(encoding @ step(-back, d_model).T @ encoding.T)


def turned_by(x, angles):
    first, second = x[..., 0::2], x[..., 1::2]
    return first * np.cos(angles) - second * np.sin(angles), first * np.sin(angles) + second * np.cos(angles)


def rotary_angles(x, positions, base):
    return positions[:, None] * base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])


@wrong("05.rotary", "rotary-exponent-halved")
def rotary_by_number_of_the_pair(x, positions, base=10000.0):
    angles = positions[:, None] * base ** (-np.arange(x.shape[-1] // 2) / x.shape[-1])
    return np.stack(turned_by(x, angles), axis=-1).reshape(x.shape)


@wrong("05.rotary", "rotary-parted")
def rotary_put_side_by_side(x, positions, base=10000.0):
    return np.concatenate(turned_by(x, rotary_angles(x, positions, base)), axis=-1)


@wrong("05.rotary", "length-changed")
def rotary_multiplied(x, positions, base=10000.0):
    return x * encoded(positions, x.shape[-1])


@wrong("05.rotary", "rotary-from-one")
def rotary_counted_from_one(x, positions, base=10000.0):
    return np.stack(turned_by(x, rotary_angles(x, positions + 1, base)), axis=-1).reshape(x.shape)


@wrong("05.alibi_bias", "hides-what-follows")
def alibi_with_the_causal_mask(num_heads, num_queries, num_keys):
    bias = -slopes_of(num_heads)[:, None, None] * distances(num_queries, num_keys)
    return np.where(np.tri(num_queries, num_keys, num_keys - num_queries, dtype=bool), bias, -np.inf)


@wrong("05.alibi_bias", "by-the-key-alone")
def alibi_as_bloom(num_heads, num_queries, num_keys):
    return slopes_of(num_heads)[:, None, None] * np.tile(np.arange(num_keys), (num_queries, 1))


@wrong("05.alibi_bias", "factors-not-biases")
def alibi_as_factors(num_heads, num_queries, num_keys):
    return np.exp(-slopes_of(num_heads)[:, None, None] * distances(num_queries, num_keys))


def loops_with_angle(seq_len, d_model, angle, last=None):
    encoding = np.zeros((seq_len, d_model))
    for p in range(seq_len):
        for i in range(0, d_model if last is None else last, 2):
            encoding[p, i : i + 2] = np.sin(angle(p, i)), np.cos(angle(p, i))
    return encoding


@wrong("05.sinusoidal_by_loops", "another-base")
def loops_base_e(seq_len, d_model):
    return loops_with_angle(seq_len, d_model, lambda p, i: p * np.exp(-i / d_model))


@wrong("05.sinusoidal_by_loops", "another-base")
def loops_common_logarithm(seq_len, d_model):
    return loops_with_angle(seq_len, d_model, lambda p, i: p * np.exp(-np.log10(10000) * i / d_model))


@wrong("05.sinusoidal_by_loops", "exponent-divided-wrongly")
def loops_divided_by_the_length(seq_len, d_model):
    return loops_with_angle(seq_len, d_model, lambda p, i: p * 10000 ** (-i / seq_len))


@wrong("05.sinusoidal_by_loops", "power-not-taken")
def loops_product_for_power(seq_len, d_model):
    return loops_with_angle(seq_len, d_model, lambda p, i: p * 10000 * -i / d_model)


@wrong("05.sinusoidal_by_loops", "place-and-feature-exchanged")
def loops_place_in_the_exponent(seq_len, d_model):
    return loops_with_angle(seq_len, d_model, lambda p, i: i * 10000 ** (-p / d_model))


@wrong("05.sinusoidal_by_loops", "whole-turns")
def loops_two_pi(seq_len, d_model):
    return loops_with_angle(seq_len, d_model, lambda p, i: 2 * np.pi * p * 10000 ** (-i / d_model))


@wrong("05.sinusoidal_by_loops", "second-half-empty")
def loops_to_the_middle(seq_len, d_model):
    return loops_with_angle(seq_len, d_model, lambda p, i: p * 10000 ** (-i / d_model), last=d_model // 2)


@wrong("05.sinusoidal_by_loops", "sine-missing")
def loops_cosines_only(seq_len, d_model):
    return np.repeat(by_loops(seq_len, d_model)[:, 1::2], 2, axis=1)


@wrong("05.sinusoidal_by_loops", "first-place-only-filled")
def loops_return_inside(seq_len, d_model):
    encoding = np.zeros((seq_len, d_model))
    for p in range(seq_len):
        encoding[p] = by_loops(seq_len, d_model)[p]
        return encoding


@wrong("05.sinusoidal_by_loops", "cut-to-whole-numbers")
def loops_into_integers(seq_len, d_model):
    encoding = np.zeros((seq_len, d_model), dtype=int)
    encoding[:] = by_loops(seq_len, d_model)
    return encoding


@wrong("05.sinusoidal", "positions-without-sign")
def encode_absolute(positions, d_model, base=10000.0):
    return encode(abs(positions), d_model, base)


@wrong("05.broken_pairs", "last-place-only")
def pairs_at_the_end(encoding):
    return abs(squares_of(encoding)[-1] - 1) > 0.001


@wrong("05.broken_pairs", "only-too-short")
def pairs_that_are_too_short(encoding):
    return (squares_of(encoding) < 0.999).any(axis=0)


@wrong("05.broken_pairs", "added-over-places")
def pairs_of_all_places_together(encoding):
    return abs(squares_of(encoding).sum(axis=0) - 1) > 0.001


@wrong("05.broken_pairs", "compared-with-the-right-one")
def pairs_that_differ(encoding):
    differs = abs(encoding - by_loops(*encoding.shape)) > 0.001
    return (differs[:, ::2] | differs[:, 1::2]).any(axis=0)


@right("05.broken_pairs")
def pairs_by_the_length_of_the_hand(encoding):
    return (abs(np.sqrt(squares_of(encoding)) - 1) > 0.0005).any(axis=0)


@wrong("05.rotation", "rotation-sine-cosine-exchanged")
def rotation_sine_first(offset, d_model):
    matrix = np.zeros((d_model, d_model))
    for i in range(0, d_model, 2):
        b = offset * 10000 ** (-i / d_model)
        matrix[i : i + 2, i : i + 2] = [[np.sin(b), np.cos(b)], [np.cos(b), -np.sin(b)]]
    return matrix


@wrong("05.rotation", "rotation-first-pair-only")
def rotation_of_the_first_pair(offset, d_model):
    matrix = np.eye(d_model)
    matrix[:2, :2] = [[np.cos(offset), np.sin(offset)], [-np.sin(offset), np.cos(offset)]]
    return matrix


@wrong("05.rotation", "rotation-without-sines")
def rotation_on_the_diagonal(offset, d_model):
    return np.diag(np.repeat(np.cos(offset * 10000.0 ** (-np.arange(0, d_model, 2) / d_model)), 2))


@wrong("05.rotation", "blocks-not-placed")
def rotation_in_blocks(offset, d_model):
    b = offset * 10000.0 ** (-np.arange(0, d_model, 2) / d_model)
    return np.stack([np.cos(b), np.sin(b), -np.sin(b), np.cos(b)], axis=-1).reshape(-1, 2, 2)


@wrong("05.look_back", "sharpness-twice")
def back_sharpened_on_both_sides(seq_len, d_model, back, sharpness):
    return weights_of(sharpness * sharpness * scores_back(seq_len, d_model, back))


@wrong("05.look_back", "back-ignored")
def back_by_one(seq_len, d_model, back, sharpness):
    return weights_of(sharpness * scores_back(seq_len, d_model, 1))


@wrong("05.look_back", "back-scaled")
def back_as_cosines(seq_len, d_model, back, sharpness):
    return weights_of(sharpness * scores_back(seq_len, d_model, back) / (d_model / 2))


@wrong("05.look_back", "back-all-or-nothing")
def back_as_a_diagonal(seq_len, d_model, back, sharpness):
    return np.eye(seq_len, k=-back)


@wrong("05.rotary", "same-sign-twice")
def rotary_two_minuses(x, positions, base=10000.0):
    angles = rotary_angles(x, positions, base)
    first, second = x[..., 0::2], x[..., 1::2]
    parts = first * np.cos(angles) - second * np.sin(angles), first * np.sin(angles) - second * np.cos(angles)
    return np.stack(parts, axis=-1).reshape(x.shape)


@wrong("05.rotary", "pair-exchanged")
def rotary_second_first(x, positions, base=10000.0):
    return turn(x, positions, base).reshape(*x.shape[:-1], -1, 2)[..., ::-1].reshape(x.shape)


@wrong("05.rotary", "turned-twice")
def rotary_twice(x, positions, base=10000.0):
    return turn(turn(x, positions, base), positions, base)


@wrong("05.rotary", "angle-in-degrees")
def rotary_in_degrees(x, positions, base=10000.0):
    return turn(x, np.radians(positions), base)


@wrong("05.rotary", "frequency-upside-down")
def rotary_ever_faster(x, positions, base=10000.0):
    return turn(x, positions, 1 / base)


@wrong("05.to_halves", "rotated-not-reordered")
def halves_by_rotate_half(W):
    half = W.shape[1] // 2
    return np.concatenate([-W[:, half:], W[:, :half]], axis=1)


@wrong("05.to_halves", "rotated-not-reordered")
def halves_with_a_minus(W):
    return np.concatenate([W[:, 0::2], -W[:, 1::2]], axis=1)


@wrong("05.to_halves", "neighbours-exchanged")
def halves_of_exchanged_neighbours(W):
    return W.reshape(len(W), -1, 2)[..., ::-1].reshape(W.shape)


@wrong("05.alibi_bias", "slopes-wrong")
def alibi_without_the_eight(num_heads, num_queries, num_keys):
    slopes = 2.0 ** (-np.arange(1, num_heads + 1) / num_heads)
    return -slopes[:, None, None] * distances(num_queries, num_keys)


@wrong("05.alibi_bias", "slopes-wrong")
def alibi_ever_steeper(num_heads, num_queries, num_keys):
    slopes = 2.0 ** (8 * np.arange(1, num_heads + 1) / num_heads)
    return -slopes[:, None, None] * distances(num_queries, num_keys)


@wrong("05.alibi_bias", "only-eight-in-exponent")
def alibi_without_parentheses(num_heads, num_queries, num_keys):
    slopes = 2.0**-8 * np.arange(1, num_heads + 1) / num_heads
    return -slopes[:, None, None] * distances(num_queries, num_keys)


@wrong("05.alibi_bias", "distance-from-one")
def alibi_counted_from_one(num_heads, num_queries, num_keys):
    return -slopes_of(num_heads)[:, None, None] * (distances(num_queries, num_keys) + 1)
