"""Positions in NumPy: three ways to tell attention where a token stands, each also as plain loops (`*_by_loops`).

Attention alone sees a set: permute the tokens and its outputs are permuted, no more. Order has to be put in:

    sinusoidal   added to the embeddings:            x + PE(position)
    rotary       turns queries and keys:             scores depend on the offset between positions alone
    ALiBi        added to the scores:                the further away a key, the lower its score

All three are formulas, not learned tables, so they hold for positions beyond any length seen in training.

Sinusoidal and rotary share one idea. The features form pairs; pair i, i = 0, 2, 4, …, is the hand of a clock that has
turned by the angle position · base^(-i/d_model). The first hand turns fast, the last ones hardly at all. A step of k
positions turns each hand by a fixed angle, wherever it started.

Sources: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762; Su et al. 2021, "RoFormer", arXiv
2104.09864; Press et al. 2022, "Train Short, Test Long", arXiv 2108.12409.
"""

import math

import numpy as np

from course_lib.attention import _array, _checked, _positions
from course_lib.checking import real_number, whole_number

TEXTS = {
    "flag": "{name} is {value!r}; expected True or False",
    "odd": "{name} is {value}, which is odd; expected an even number, since features turn in pairs",
    "too far": "positions reach {value}, where float64 no longer tells neighbours apart; expected at most {limit}",
    "positions": "positions has dtype {dtype} and shape {shape}; expected finite real numbers of shape (..., {seq_len})",
    "positions shape": "positions has shape {shape}, which does not broadcast to {wanted}, x without its features",
}
LARGEST_POSITION = 2**53  # float64 holds each whole number up to here


def _base(base):
    return real_number("base", base, least=1)


def _even(name, value):
    if value % 2:
        raise ValueError(TEXTS["odd"].format(name=name, value=value))
    return value


def _frequencies(d_model, base):
    """The angle, in radians, by which each pair of features turns from one position to the next: (⌈d_model / 2⌉,)."""
    return base ** -(np.arange(0, d_model, 2) / d_model)


# ---------------------------------------------------------------------------------------------------------------------
# Sinusoidal: added to the embeddings
# ---------------------------------------------------------------------------------------------------------------------


def sinusoidal(seq_len, d_model, base=10000.0, first=0):
    """Encode positions as sines and cosines: PE(p, i) = sin(p · base^(-i/d_model)), PE(p, i+1) = cos of the same angle.

    i = 0, 2, 4, … is the index of the sine, so the exponent is i/d_model for both of a pair, not 2i/d_model.

    An odd d_model ends with a sine whose cosine is left out. d_model = 1 is sin(p) alone, d_model = 2 is one hand of a
    clock, (sin(p), cos(p)), and repeats after 2π positions: few features tell few positions apart.

    Args:
        seq_len: how many positions.
        d_model: how many features.
        base: the angle of pair i is p · base^(-i/d_model); the larger, the slower the last pairs.
        first: the first position; with a KV cache, how many tokens came before. Any whole number, also negative.

    Returns:
        encoding: float64 (seq_len, d_model) in [-1, 1], for positions first, first + 1, …

    Raises:
        ValueError: seq_len or d_model is no whole number of at least 1, first no whole number, base below 1, or the
            positions exceed 2^53.

    Source: Vaswani 2017, §3.5 (there 2i and 2i+1 for our i and i+1).
    """
    positions, d_model, base = _sinusoidal_arguments(seq_len, d_model, base, first)
    angles = positions[:, None] * _frequencies(d_model, base)  # (seq_len, ⌈d_model / 2⌉)
    encoding = np.empty((len(positions), d_model))
    encoding[:, 0::2] = np.sin(angles)
    encoding[:, 1::2] = np.cos(angles[:, : d_model // 2])  # an odd d_model has one cosine less
    return encoding


def _sinusoidal_arguments(seq_len, d_model, base, first):
    seq_len, d_model = whole_number("seq_len", seq_len, least=1), whole_number("d_model", d_model, least=1)
    first = whole_number("first", first)
    furthest = max(abs(first), abs(first + seq_len - 1))
    if furthest > LARGEST_POSITION:
        raise ValueError(TEXTS["too far"].format(value=furthest, limit=LARGEST_POSITION))
    return first + np.arange(seq_len, dtype=np.float64), d_model, _base(base)


def sinusoidal_by_loops(seq_len, d_model, base=10000.0, first=0):
    """`sinusoidal` as loops."""
    positions, d_model, base = _sinusoidal_arguments(seq_len, d_model, base, first)
    encoding = np.zeros((len(positions), d_model))
    for row, position in enumerate(positions):
        for i in range(0, d_model, 2):
            angle = position * base ** -(i / d_model)
            encoding[row, i] = math.sin(angle)
            if i + 1 < d_model:
                encoding[row, i + 1] = math.cos(angle)
    return encoding


def sinusoidal_rotation(offset, d_model, base=10000.0):
    """Give the matrix R that moves every encoding by the same offset: R @ PE(p) = PE(p + offset), whatever p is.

    sin(a + b) = sin(a) cos(b) + cos(a) sin(b) and cos(a + b) = cos(a) cos(b) - sin(a) sin(b): each pair is turned in its
    plane. So attention can learn "three to the left" as one matrix.

    Args:
        offset: by how many positions to move; any whole number.
        d_model: how many features; even, since a sine without its cosine cannot be turned.
        base: as in `sinusoidal`.

    Returns:
        rotation: float64 (d_model, d_model), orthogonal, with one 2×2 block a pair on its diagonal.

    Raises:
        ValueError: d_model is odd or no whole number of at least 1, offset no whole number, or base below 1.

    Source: Vaswani 2017, §3.5, "PE(pos+k) can be represented as a linear function of PE(pos)".
    """
    offset, d_model, base = _rotation_arguments(offset, d_model, base)
    angles = offset * _frequencies(d_model, base)  # (d_model / 2,)
    rotation = np.zeros((d_model, d_model))
    sine, cosine = np.arange(0, d_model, 2), np.arange(1, d_model, 2)
    rotation[sine, sine] = rotation[cosine, cosine] = np.cos(angles)
    rotation[sine, cosine], rotation[cosine, sine] = np.sin(angles), -np.sin(angles)
    return rotation


def _rotation_arguments(offset, d_model, base):
    offset, d_model = whole_number("offset", offset), _even("d_model", whole_number("d_model", d_model, least=1))
    if abs(offset) > LARGEST_POSITION:
        raise ValueError(TEXTS["too far"].format(value=abs(offset), limit=LARGEST_POSITION))
    return offset, d_model, _base(base)


def sinusoidal_rotation_by_loops(offset, d_model, base=10000.0):
    """`sinusoidal_rotation` as a loop over the pairs."""
    offset, d_model, base = _rotation_arguments(offset, d_model, base)
    rotation = np.zeros((d_model, d_model))
    for i in range(0, d_model, 2):
        angle = offset * base ** -(i / d_model)
        rotation[i, i], rotation[i, i + 1] = math.cos(angle), math.sin(angle)
        rotation[i + 1, i], rotation[i + 1, i + 1] = -math.sin(angle), math.cos(angle)
    return rotation


# ---------------------------------------------------------------------------------------------------------------------
# Rotary: turns queries and keys
# ---------------------------------------------------------------------------------------------------------------------


@_checked(x="... seq_len d_head")
def rotary(x, positions=None, base=10000.0, interleaved=True):
    """Turn each pair of features of a query or key by the angle of its position.

    The dot product of a query turned by position m and a key turned by position n is that of the unturned query and the
    key turned by n - m: the scores depend on the offset alone. Lengths do not change, and values are not turned.

    Which features form pair i is a convention, and weights trained with one make no sense with the other:

    - interleaved, as in the paper: features 0 and 1, 2 and 3, … (GPT-J, and Llama as Meta published it);
    - not interleaved, "half-split": features 0 and d_head/2, 1 and d_head/2 + 1, … (Hugging Face's `rotate_half`:
      Llama, Mistral, Qwen, GPT-NeoX).

    Args:
        x: queries or keys, (..., seq_len, d_head), d_head even; split the heads first.
        positions: real numbers, (seq_len,) or anything that broadcasts to (..., seq_len); 0, 1, 2, … if None.
        base: the angle of pair i = 0, 2, 4, … is position · base^(-i/d_head).
        interleaved: True pairs neighbours, False pairs the two halves, as Hugging Face does.

    Returns:
        (..., seq_len, d_head), of x's dtype. Angles are computed in float64.

    Raises:
        ValueError: d_head is odd, x is empty, not finite or no real numbers, positions do not fit, or base is
            below 1.

    Source: Su 2021, §3.2.2 and §3.4.2, eq. 34.
    """
    d_head = _even("d_head", x.shape[-1])
    angles = _rotary_positions(positions, x)[..., None] * _frequencies(d_head, _base(base))  # (..., seq_len, pairs)
    sin, cos = np.sin(angles).astype(x.dtype), np.cos(angles).astype(x.dtype)
    first, second = _pairs(d_head, interleaved)
    turned = np.empty_like(x)
    turned[..., first] = x[..., first] * cos - x[..., second] * sin
    turned[..., second] = x[..., first] * sin + x[..., second] * cos
    return turned  # (..., seq_len, d_head)


def _pairs(d_head, interleaved):
    """The features that come first, and those that come second, in their pairs."""
    if not isinstance(interleaved, (bool, np.bool)):
        raise ValueError(TEXTS["flag"].format(name="interleaved", value=interleaved))
    if interleaved:
        return slice(0, None, 2), slice(1, None, 2)
    return slice(0, d_head // 2), slice(d_head // 2, None)


def _rotary_positions(positions, x):
    *leading, seq_len, _ = x.shape
    if positions is None:
        return np.arange(seq_len, dtype=np.float64)
    positions = _array("positions", positions)
    if positions.dtype.kind not in "fiu" or not np.isfinite(positions).all():
        about = {"dtype": positions.dtype, "shape": positions.shape, "seq_len": seq_len}
        raise ValueError(TEXTS["positions"].format(**about))
    wanted = (*leading, seq_len)
    try:
        return np.broadcast_to(positions.astype(np.float64), wanted)
    except ValueError:
        raise ValueError(TEXTS["positions shape"].format(shape=positions.shape, wanted=wanted)) from None


@_checked(x="seq_len d_head")
def rotary_by_loops(x, positions=None, base=10000.0, interleaved=True):
    """`rotary` of one (seq_len, d_head), as loops."""
    seq_len, d_head = len(x), _even("d_head", x.shape[-1])
    positions, base = _rotary_positions(positions, x), _base(base)
    turned = np.zeros_like(x)
    first_of, second_of = (range(d_head)[features] for features in _pairs(d_head, interleaved))
    for row in range(seq_len):
        for pair, (first, second) in enumerate(zip(first_of, second_of, strict=True)):
            angle = positions[row] * base ** -(2 * pair / d_head)
            turned[row, first] = x[row, first] * math.cos(angle) - x[row, second] * math.sin(angle)
            turned[row, second] = x[row, first] * math.sin(angle) + x[row, second] * math.cos(angle)
    return turned


# ---------------------------------------------------------------------------------------------------------------------
# ALiBi: added to the scores
# ---------------------------------------------------------------------------------------------------------------------


def alibi_slopes(num_heads):
    """Give each head its slope: how fast its scores fall with distance.

    For n heads, n a power of two, the slopes are a geometric row that starts at its own ratio, 2^(-8/n): for 8 heads
    1/2, 1/4, …, 1/256. For other numbers of heads: the row of the next lower power of two, then every second slope of
    the row of twice as many heads, from its first on, as many as are missing; these lie between those of the first row.

    Args:
        num_heads: how many heads.

    Returns:
        slopes: float64 (heads,), all in (0, 1).

    Raises:
        ValueError: num_heads is no whole number of at least 1.

    Source: Press 2022, §3; for other numbers of heads the authors' code, `get_slopes`.
    """
    num_heads = whole_number("num_heads", num_heads, least=1)
    power = 2 ** (num_heads.bit_length() - 1)  # the largest power of two that is at most num_heads
    between = _geometric_slopes(2 * power)[0::2][: num_heads - power]
    return np.concatenate([_geometric_slopes(power), between])


def _geometric_slopes(num_heads):
    return 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)


def alibi_slopes_by_loops(num_heads):
    """`alibi_slopes` as loops."""
    num_heads = whole_number("num_heads", num_heads, least=1)
    power = 1
    while 2 * power <= num_heads:
        power *= 2
    slopes = []
    for head in range(power):
        slopes.append(2 ** (-8 * (head + 1) / power))
    for head in range(num_heads - power):
        slopes.append(2 ** (-8 * (2 * head + 1) / (2 * power)))
    return np.array(slopes)


def alibi_bias(num_heads, num_queries, num_keys=None):
    """Give what is added to the scores, before the softmax: -slope · distance between query and key.

    The distance counts on either side, so that encoders can use it too; a decoder adds a causal mask, which leaves the
    bias of the paper. The queries are the last of the positions, as in `causal_mask`: this is what a KV cache needs.

        softmax(scaled_dot_scores(queries, keys) + alibi_bias(num_heads, num_queries), mask=causal_mask(num_queries))

    Args:
        num_heads: how many heads.
        num_queries: how many queries.
        num_keys: how many keys; as many as queries if None.

    Returns:
        bias: float64 (heads, queries, keys), at most 0, and 0 where a query meets its own position.

    Raises:
        ValueError: a number is no whole number of at least 1.

    Source: Press 2022, §3, fig. 3, for decoders; both sides for encoders as in Günther et al. 2023, arXiv 2310.19923.
    """
    query_positions, key_positions = _positions(num_queries, num_keys)
    distances = np.abs(query_positions[:, None] - key_positions[None, :])  # (queries, keys)
    return alibi_slopes(num_heads)[:, None, None] * -distances  # (heads, queries, keys)


def alibi_bias_by_loops(num_heads, num_queries, num_keys=None):
    """`alibi_bias` as loops."""
    slopes = alibi_slopes_by_loops(num_heads)
    query_positions, key_positions = _positions(num_queries, num_keys)
    bias = np.zeros((num_heads, len(query_positions), len(key_positions)))
    for head in range(num_heads):
        for query, query_position in enumerate(query_positions):
            for key, key_position in enumerate(key_positions):
                bias[head, query, key] = slopes[head] * -abs(query_position - key_position)
    return bias
