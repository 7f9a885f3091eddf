"""Right answers to lesson 05's exercises in other styles."""

import math

import numpy as np

from tests.mistakes.collection import equal, right


def by_loops(seq_len, d_model, exponent=lambda i, d: i / d, cosine_exponent=None, first=0, base=10000.0):
    encoding = np.zeros((seq_len, d_model))
    for p in range(seq_len):
        for i in range(0, d_model, 2):
            encoding[p, i] = np.sin((p + first) / base ** exponent(i, d_model))
            encoding[p, i + 1] = np.cos((p + first) / base ** (cosine_exponent or exponent)(i, d_model))
    return encoding


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


def encode(positions, d_model, base=10000.0, exponent=lambda i, d: i / d):
    positions = np.asarray(positions)
    angles = positions[..., None] * base ** -exponent(np.arange(0, d_model, 2), d_model)
    encoding = np.empty((*positions.shape, d_model))
    encoding[..., 0::2], encoding[..., 1::2] = np.sin(angles), np.cos(angles)
    return encoding


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


def squares_of(encoding):
    return (encoding**2).reshape(len(encoding), -1, 2).sum(axis=-1)


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


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def scores_back(seq_len, d_model, back):
    places = encode(np.arange(seq_len), d_model)
    return places @ blocks(-back, d_model).T @ places.T


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


def turn(x, positions, base=10000.0, exponent=lambda i, d: i / d, way=1):
    d_head = x.shape[-1]
    angles = way * np.asarray(positions)[:, None] * base ** -exponent(np.arange(0, d_head, 2), d_head)
    turned = np.empty(x.shape)
    turned[..., 0::2] = x[..., 0::2] * np.cos(angles) - x[..., 1::2] * np.sin(angles)
    turned[..., 1::2] = x[..., 0::2] * np.sin(angles) + x[..., 1::2] * np.cos(angles)
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


def slopes_of(num_heads):
    return 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)


def distances(num_queries, num_keys):
    return abs(np.arange(num_keys)[-num_queries:, None] - np.arange(num_keys))


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


@right("05.broken_pairs")
def pairs_by_the_length_of_the_hand(encoding):
    return (abs(np.sqrt(squares_of(encoding)) - 1) > 0.0005).any(axis=0)


# --- more styles ------------------------------------------------------------------------------------------------------


@right("05.sinusoidal_by_loops")
def loops_in_lists(seq_len, d_model):
    return np.array(
        [
            [(math.sin, math.cos)[k % 2](p / 10000 ** ((k - k % 2) / d_model)) for k in range(d_model)]
            for p in range(seq_len)
        ]
    )


@right("05.sinusoidal")
def encode_in_single_precision(positions, d_model, base=10000.0):
    speeds = np.exp(np.arange(0, d_model, 2, dtype=np.float32) * np.float32(-np.log(base) / d_model))
    angles = np.asarray(positions, np.float32)[..., np.newaxis] * speeds
    return np.stack((np.sin(angles), np.cos(angles)), axis=-1).reshape(*np.shape(positions), d_model)


@right("05.sinusoidal")
def encode_by_vectorize(positions, d_model, base=10000.0):
    def one(p):
        return np.array([f(p * base ** (-i / d_model)) for i in range(0, d_model, 2) for f in (np.sin, np.cos)])

    return np.vectorize(one, signature="()->(d)")(positions)


@right("05.sinusoidal")
def encode_by_complex_numbers(positions, d_model, base=10000.0):
    turns = 1j * np.exp(-1j * np.multiply.outer(positions, base ** (-np.arange(0, d_model, 2) / d_model)))
    return np.ascontiguousarray(turns).view(float).reshape(*positions.shape, d_model)


@right("05.broken_pairs")
def pairs_as_a_list(encoding):
    return [
        bool(np.any(np.abs((encoding[:, i : i + 2] ** 2).sum(1) - 1) > 1e-3)) for i in range(0, encoding.shape[1], 2)
    ]


@right("05.broken_pairs")
def pairs_by_einsum(encoding):
    pairs = encoding.reshape(len(encoding), encoding.shape[1] // 2, 2)
    return np.abs(np.einsum("pik,pik->pi", pairs, pairs) - 1).max(axis=0) > 0.001


@right("05.rotation")
def rotation_by_two_encodings(offset, d_model):
    there = encode(np.array(offset), d_model).reshape(-1, 2)
    R = np.zeros((d_model, d_model), dtype=np.float32)
    for k, (sine, cosine) in enumerate(there):
        R[2 * k, 2 * k] = R[2 * k + 1, 2 * k + 1] = cosine
        R[2 * k, 2 * k + 1], R[2 * k + 1, 2 * k] = sine, -sine
    return R


@right("05.rotation")
def rotation_step_by_step(offset, d_model):
    return np.linalg.matrix_power(blocks(1, d_model), offset)


@right("05.look_back")
def back_row_by_row(seq_len, d_model, back, sharpness):
    places, weights = encode(np.arange(seq_len), d_model), []
    for place in places:
        scores = [sharpness * float(blocks(-back, d_model) @ place @ key) for key in places]
        powers = np.exp(np.array(scores) - max(scores))
        weights.append(powers / powers.sum())
    return np.array(weights)


@right("05.look_back")
def back_by_cosines_of_offsets(seq_len, d_model, back, sharpness):
    offsets = np.subtract.outer(np.arange(seq_len) - back, np.arange(seq_len))
    scores = np.cos(offsets[..., None] * 10000.0 ** (-np.arange(0, d_model, 2) / d_model)).sum(-1)
    return softmax(sharpness * scores)


@right("05.rotary")
def rotary_by_rotating_every_two(x, positions, base=10000.0):
    angles = np.repeat(np.outer(positions, base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])), 2, axis=-1)
    rotated = np.empty_like(x)
    rotated[..., 0::2], rotated[..., 1::2] = -x[..., 1::2], x[..., 0::2]
    return x * np.cos(angles) + rotated * np.sin(angles)


@right("05.rotary")
def rotary_by_einsum(x, positions, base=10000.0):
    a = np.einsum("p,i->pi", positions, base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1]))
    turns = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return np.einsum("rcpi,...pic->...pir", turns, x.reshape(*x.shape[:-1], -1, 2)).reshape(x.shape)


@right("05.rotary")
def rotary_by_halves_and_back(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    order = np.r_[0 : 2 * half : 2, 1 : 2 * half : 2]
    y, a = x[..., order].astype(np.float32), np.outer(positions, base ** (-np.arange(half) / half))
    y = y * np.cos(np.hstack([a, a])) + np.concatenate([-y[..., half:], y[..., :half]], -1) * np.sin(np.hstack([a, a]))
    return y[..., np.argsort(order)]


@right("05.to_halves")
def halves_by_a_permutation_matrix(W):
    order = [*range(0, W.shape[1], 2), *range(1, W.shape[1], 2)]
    return W @ np.eye(W.shape[1])[:, order]


@right("05.to_halves")
def halves_turned_by_a_quarter(W):
    return np.hstack([-W[:, 1::2], W[:, ::2]])  # queries and keys alike: the scores stay


@right("05.to_halves")
def halves_column_by_column(W):
    converted = np.zeros_like(W, dtype=np.float32)
    for j in range(W.shape[1] // 2):
        converted[:, j], converted[:, j + W.shape[1] // 2] = W[:, 2 * j], W[:, 2 * j + 1]
    return converted


@right("05.alibi_bias")
def alibi_by_differences_of_ranges(num_heads, num_queries, num_keys):
    queries = np.linspace(num_keys - num_queries, num_keys - 1, num_queries, dtype=np.float32)
    away = np.abs(np.subtract.outer(queries, np.arange(num_keys, dtype=np.float32)))
    return np.stack([-away / 256 ** (h / num_heads) for h in range(1, num_heads + 1)])


# --- changes that leave the solutions right -----------------------------------------------------------------------------

equal("05.sinusoidal_by_loops", "np.zeros -> np.ones", "every entry is written")
equal(
    "05.broken_pairs",
    "abs(squares - 1) > 0.001 -> abs(squares - 1) >= 0.001",
    "no float differs from 1 by the float nearest to 0.001",
)
equal("05.broken_pairs", "1 -> 2", "NumPy takes any negative size for the one that it has to find out")
equal("05.look_back", "-1 -> +1", "there are two axes")
