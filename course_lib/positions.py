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
from typing import Annotated

import numpy as np
from jaxtyping import Float, Real

from course_lib.checking import Array, Bounds, Count, check_even, checked

# Up to 2^53 float64 tells neighbours apart; from here on there is room for any sequence before that.
Position = Annotated[int, Bounds(least=-(2**52), most=2**52)]
Base = Annotated[float, Bounds(least=1)]
IN_PAIRS = "since features turn in pairs"


def _frequencies(d_model, base):
    """The angle, in radians, by which each pair of features turns from one position to the next: (⌈d_model / 2⌉,)."""
    return base ** -(np.arange(0, d_model, 2) / d_model)


# ---------------------------------------------------------------------------------------------------------------------
# Sinusoidal: added to the embeddings
# ---------------------------------------------------------------------------------------------------------------------


@checked
def sinusoidal(
    seq_len: Count, d_model: Count, base: Base = 10000.0, first: Position = 0
) -> Float[Array, "seq_len d_model"]:
    """Encode positions as sines and cosines: PE(p, i) = sin(p · base^(-i/d_model)), PE(p, i+1) = cos of the same angle.

    i = 0, 2, 4, … is the index of the sine, so the exponent is i/d_model for both of a pair, not 2i/d_model.

    An odd d_model ends with a sine whose cosine is left out. d_model = 1 is sin(p) alone, d_model = 2 is one hand of a
    clock, (sin(p), cos(p)), and repeats after 2π positions: few features tell few positions apart.

    Args:
        seq_len: how many positions.
        d_model: how many features.
        base: the angle of pair i is p · base^(-i/d_model); the larger, the slower the last pairs.
        first: the first position; with a KV cache, how many tokens came before. It may be negative.

    Returns:
        encoding: float64 in [-1, 1], for positions first, first + 1, …

    Source: Vaswani 2017, §3.5 (there 2i and 2i+1 for our i and i+1).
    """
    positions = first + np.arange(seq_len, dtype=np.float64)
    angles = positions[:, None] * _frequencies(d_model, base)  # (seq_len, ⌈d_model / 2⌉)
    encoding = np.empty((seq_len, d_model))
    encoding[:, 0::2] = np.sin(angles)
    encoding[:, 1::2] = np.cos(angles[:, : d_model // 2])  # an odd d_model has one cosine less
    return encoding


@checked
def sinusoidal_by_loops(
    seq_len: Count, d_model: Count, base: Base = 10000.0, first: Position = 0
) -> Float[Array, "seq_len d_model"]:
    """`sinusoidal` as loops."""
    encoding = np.zeros((seq_len, d_model))
    for row in range(seq_len):
        for i in range(0, d_model, 2):
            angle = (first + row) * base ** -(i / d_model)
            encoding[row, i] = math.sin(angle)
            if i + 1 < d_model:
                encoding[row, i + 1] = math.cos(angle)
    return encoding


@checked
def sinusoidal_rotation(offset: Position, d_model: Count, base: Base = 10000.0) -> Float[Array, "d_model d_model"]:
    """Give the matrix R that moves every encoding by the same offset: R @ PE(p) = PE(p + offset), whatever p is.

    sin(a + b) = sin(a) cos(b) + cos(a) sin(b) and cos(a + b) = cos(a) cos(b) - sin(a) sin(b): each pair is turned in its
    plane. So attention can learn "three to the left" as one matrix.

    Args:
        offset: by how many positions to move; it may be negative.
        d_model: how many features; even, since a sine without its cosine cannot be turned.
        base: as in `sinusoidal`.

    Returns:
        rotation: float64, orthogonal, with one 2×2 block a pair on its diagonal.

    Raises:
        ValueError: d_model is odd.

    Source: Vaswani 2017, §3.5, "PE(pos+k) can be represented as a linear function of PE(pos)".
    """
    check_even("d_model", d_model, IN_PAIRS)
    angles = offset * _frequencies(d_model, base)  # (d_model / 2,)
    rotation = np.zeros((d_model, d_model))
    sine, cosine = np.arange(0, d_model, 2), np.arange(1, d_model, 2)
    rotation[sine, sine] = rotation[cosine, cosine] = np.cos(angles)
    rotation[sine, cosine], rotation[cosine, sine] = np.sin(angles), -np.sin(angles)
    return rotation


@checked
def sinusoidal_rotation_by_loops(
    offset: Position, d_model: Count, base: Base = 10000.0
) -> Float[Array, "d_model d_model"]:
    """`sinusoidal_rotation` as a loop over the pairs."""
    check_even("d_model", d_model, IN_PAIRS)
    rotation = np.zeros((d_model, d_model))
    for i in range(0, d_model, 2):
        angle = offset * base ** -(i / d_model)
        rotation[i, i], rotation[i, i + 1] = math.cos(angle), math.sin(angle)
        rotation[i + 1, i], rotation[i + 1, i + 1] = -math.sin(angle), math.cos(angle)
    return rotation


# ---------------------------------------------------------------------------------------------------------------------
# Rotary: turns queries and keys
# ---------------------------------------------------------------------------------------------------------------------


@checked
def rotary(
    x: Float[Array, "... seq_len d_head"],
    positions: Real[Array, "... #seq_len"] | None = None,
    base: Base = 10000.0,
    interleaved: bool = True,
) -> Float[Array, "... seq_len d_head"]:
    """Turn each pair of features of a query or key by the angle of its position.

    The dot product of a query turned by position m and a key turned by position n is that of the unturned query and the
    key turned by n - m: the scores depend on the offset alone. Lengths do not change, and values are not turned.

    Which features form pair i is a convention, and weights trained with one make no sense with the other:

    - interleaved, as in the paper: features 0 and 1, 2 and 3, … (GPT-J, and Llama as Meta published it);
    - not interleaved, "half-split": features 0 and d_head/2, 1 and d_head/2 + 1, … (Hugging Face's `rotate_half`:
      Llama, Mistral, Qwen, GPT-NeoX).

    Args:
        x: queries or keys, d_head even; split the heads first.
        positions: (seq_len,) or anything that broadcasts to x without its features; 0, 1, 2, … if None.
        base: the angle of pair i = 0, 2, 4, … is position · base^(-i/d_head).
        interleaved: True pairs neighbours, False pairs the two halves, as Hugging Face does.

    Returns:
        x turned, of x's dtype. Angles are computed in float64.

    Raises:
        ValueError: d_head is odd.

    Source: Su 2021, §3.2.2 and §3.4.2, eq. 34.
    """
    *_, seq_len, d_head = x.shape
    check_even("d_head", d_head, IN_PAIRS)
    positions = np.arange(seq_len) if positions is None else positions
    angles = positions[..., None] * _frequencies(d_head, base)  # (..., seq_len, pairs)
    sin, cos = np.sin(angles).astype(x.dtype), np.cos(angles).astype(x.dtype)
    first, second = _pairs(d_head, interleaved)
    turned = np.empty_like(x)
    turned[..., first] = x[..., first] * cos - x[..., second] * sin
    turned[..., second] = x[..., first] * sin + x[..., second] * cos
    return turned  # (..., seq_len, d_head)


def _pairs(d_head, interleaved):
    """The features that come first, and those that come second, in their pairs."""
    if interleaved:
        return slice(0, None, 2), slice(1, None, 2)
    return slice(0, d_head // 2), slice(d_head // 2, None)


@checked
def rotary_by_loops(
    x: Float[Array, "seq_len d_head"],
    positions: Real[Array, "#seq_len"] | None = None,
    base: Base = 10000.0,
    interleaved: bool = True,
) -> Float[Array, "seq_len d_head"]:
    """`rotary` as loops."""
    seq_len, d_head = x.shape
    check_even("d_head", d_head, IN_PAIRS)
    positions = np.broadcast_to(np.arange(seq_len) if positions is None else positions, seq_len)
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


@checked
def alibi_slopes(num_heads: Count) -> Float[Array, " heads"]:
    """Give each head its slope: how fast its scores fall with distance.

    For n heads, n a power of two, the slopes are a geometric row that starts at its own ratio, 2^(-8/n): for 8 heads
    1/2, 1/4, …, 1/256. For other numbers of heads: the row of the next lower power of two, then every second slope of
    the row of twice as many heads, from its first on, as many as are missing; these lie between those of the first row.

    Args:
        num_heads: how many heads.

    Returns:
        slopes: float64, all in (0, 1).

    Source: Press 2022, §3; for other numbers of heads the authors' code, `get_slopes`.
    """
    power = 2 ** (num_heads.bit_length() - 1)  # the largest power of two that is at most num_heads
    between = _geometric_slopes(2 * power)[0::2][: num_heads - power]
    return np.concatenate([_geometric_slopes(power), between])


def _geometric_slopes(num_heads):
    return 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)


@checked
def alibi_slopes_by_loops(num_heads: Count) -> Float[Array, " heads"]:
    """`alibi_slopes` as loops."""
    power = 1
    while 2 * power <= num_heads:
        power *= 2
    slopes = []
    for head in range(power):
        slopes.append(2 ** (-8 * (head + 1) / power))
    for head in range(num_heads - power):
        slopes.append(2 ** (-8 * (2 * head + 1) / (2 * power)))
    return np.array(slopes)


@checked
def alibi_bias(
    num_heads: Count, num_queries: Count, num_keys: Count | None = None
) -> Float[Array, "heads queries keys"]:
    """Give what is added to the scores, before the softmax: -slope · distance between query and key.

    The distance counts on either side, so that encoders can use it too; a decoder adds a causal mask, which leaves the
    bias of the paper. The queries are the last of the positions, as in `causal_mask`: this is what a KV cache needs.

        softmax(scaled_dot_scores(queries, keys) + alibi_bias(num_heads, num_queries), mask=causal_mask(num_queries))

    Args:
        num_heads: how many heads.
        num_queries: how many queries.
        num_keys: how many keys; as many as queries if None.

    Returns:
        bias: float64, at most 0, and 0 where a query meets its own position.

    Source: Press 2022, §3, fig. 3, for decoders; both sides for encoders as in Günther et al. 2023, arXiv 2310.19923.
    """
    num_keys = num_keys or num_queries
    query_positions = np.arange(num_keys - num_queries, num_keys)
    distances = np.abs(query_positions[:, None] - np.arange(num_keys))  # (queries, keys)
    return alibi_slopes(num_heads)[:, None, None] * -distances  # (heads, queries, keys)


@checked
def alibi_bias_by_loops(
    num_heads: Count, num_queries: Count, num_keys: Count | None = None
) -> Float[Array, "heads queries keys"]:
    """`alibi_bias` as loops."""
    num_keys = num_keys or num_queries
    slopes = alibi_slopes_by_loops(num_heads)
    bias = np.zeros((num_heads, num_queries, num_keys))
    for head in range(num_heads):
        for query in range(num_queries):
            for key in range(num_keys):
                bias[head, query, key] = slopes[head] * -abs(query + num_keys - num_queries - key)
    return bias
