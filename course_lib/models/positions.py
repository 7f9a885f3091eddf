"""Positions in PyTorch: learned, sinusoidal, rotary and ALiBi. `course_lib.positions` has the formulas, in NumPy.

    learned, sinusoidal   are added to the embeddings
    rotary                turns queries and keys, inside `MultiHeadAttention`
    ALiBi                 is added to the scores

All but the learned ones hold for sequences of any length.

Sources: Vaswani et al. 2017, arXiv 1706.03762; Gehring et al. 2017, arXiv 1705.03122; Su et al. 2021, "RoFormer",
arXiv 2104.09864; Press et al. 2022, "Train Short, Test Long", arXiv 2108.12409.
"""

import functools
import math
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib import positions as formulas
from course_lib.checking import Bounds, check_even, checked, one_of, real_number, tensor_reader, whole_number
from course_lib.models.checks import check_positive, fail, values_can_be_read
from course_lib.models.fast import turn_pairs

# One row of positions for all sequences, or one each; `_reach` checks which.
Positions = Int[Tensor, " seq_len"] | Int[Tensor, "batch seq_len"]
_check_positions = tensor_reader(Int[Tensor, "batch seq_len"])


class LearnedPositions(nn.Module):
    """A vector for each position, learned like the embeddings of tokens; there are none beyond max_len.

    Parameters: weight (max_len, d_model).

    Source: Gehring 2017, §3.1; used by BERT and GPT-2.
    """

    def __init__(self, max_len: int, d_model: int) -> None:
        super().__init__()
        max_len, self.d_model = check_positive(max_len=max_len, d_model=d_model)
        self.weight = nn.Parameter(torch.empty(max_len, self.d_model))
        nn.init.normal_(self.weight, std=0.02)

    @checked
    def forward(
        self,
        x: Float[Tensor, "batch seq_len d_model"],
        positions: Positions | None = None,
    ) -> Float[Tensor, "batch seq_len d_model"]:
        """Add to each token of x the vector of its position; None: 0, 1, …"""
        length, max_len = _reach(x, positions), len(self.weight)
        if length is not None and length > max_len:
            fail("length", last=length - 1, highest=max_len - 1)
        return x + (self.weight[:length] if positions is None else self.weight[positions])


class SinusoidalPositions(nn.Module):
    """Sines and cosines of the position, at wavelengths from 2π to 10000 · 2π, for sequences of any length.

    Source: Vaswani 2017, §3.5.
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        d_model = whole_number("d_model", d_model, 1)
        self.d_model = d_model
        frequencies = _frequencies(d_model, 10000.0)
        self._table = _Table(functools.partial(_sines_and_cosines, d_model, frequencies))

    @checked
    def forward(
        self,
        x: Float[Tensor, "batch seq_len d_model"],
        positions: Positions | None = None,
    ) -> Float[Tensor, "batch seq_len d_model"]:
        """Add to each token of x the vector of its position; None: 0, 1, …"""
        length = _reach(x, positions)
        length = x.shape[1] if length is None else length
        table = self._table(length, x.device, x.dtype)  # (at least length, d_model)
        return x + (table[:length] if positions is None else table[positions])


class Rotary(nn.Module):
    """Turn each pair of features of queries and keys by an angle that grows with the position.

    The scores then depend on the offset between query and key alone.

    Args:
        d_head: features of a head, an even number.
        base: the angle of pair i = 0, 2, 4, … is position · base^(-i/d_head).
        interleaved: True pairs neighbours, as in the paper; False pairs the two halves, as Llama in Hugging Face does.
        stretch: how slow pairs are slowed down, so that a model reads longer texts; None: not at all.

    Source: Su 2021, §3.4.2, eq. 34.
    """

    def __init__(
        self, d_head: int, base: float = 10000.0, interleaved: bool = True, stretch: "RotaryStretch | None" = None
    ) -> None:
        super().__init__()
        d_head = check_even("d_head", whole_number("d_head", d_head, 1), "since features turn in pairs")
        self.d_head, self.interleaved = d_head, interleaved
        one_of("interleaved", interleaved, [True, False])
        frequencies = _frequencies(d_head, real_number("base", base, least=1))
        if stretch is not None:
            frequencies = stretch(frequencies)
        self._cos_sin = _Table(functools.partial(_cosines_and_sines, frequencies))

    @checked
    def forward(
        self, x: Float[Tensor, "batch heads seq_len d_head"], start: Annotated[int, Bounds(least=0)] = 0
    ) -> Float[Tensor, "batch heads seq_len d_head"]:
        """Turn the queries or keys x, whose first token stands at position `start`."""
        end = start + x.shape[2]
        precise = torch.promote_types(x.dtype, torch.float32)  # bfloat16 has too few digits for cosines
        cos_sin = self._cos_sin(end, x.device, precise)[start:end]  # (seq_len, pairs, 2)
        return turn_pairs(x, cos_sin, self.interleaved)


@dataclass(frozen=True)
class RotaryStretch:
    """Llama 3's way to longer texts: pairs that turn slowly turn `factor` times as slowly, those that turn fast as before.

    A pair whose angle takes more than original_len / slow positions for a full turn is slow, one that takes less than
    original_len / fast is fast; between the two there is a smooth passage.

    Args:
        factor: how many times as slowly; at least 1.
        slow, fast: full turns within the original length, slow < fast.
        original_len: the longest text that the model had learnt from before.

    Source: Llama Team 2024, "The Llama 3 Herd of Models", arXiv 2407.21783, §3.4.2; the formula is that of its code.
    """

    factor: float
    slow: float = 1.0
    fast: float = 4.0
    original_len: float = 8192

    def __post_init__(self):
        real_number("factor", self.factor, least=1)
        real_number("slow", self.slow, above=0)
        real_number("fast", self.fast, above=self.slow)
        real_number("original_len", self.original_len, above=0)

    def __call__(self, frequencies: Float[Tensor, " pairs"]) -> Float[Tensor, " pairs"]:
        """Slow down frequencies, in radians for each position."""
        turns = self.original_len * frequencies / (2 * math.pi)  # (pairs,), within the original length
        kept = ((turns - self.slow) / (self.fast - self.slow)).clamp(0, 1)  # share of the frequency as it was
        return frequencies * (kept + (1 - kept) / self.factor)


class ALiBi(nn.Module):
    """Lower the scores in proportion to the distance between query and key, in each head at its own slope.

    >>> bias = ALiBi(num_heads=4)(num_queries=10)
    >>> context, _ = attention(x, bias=bias, causal=True)

    Source: Press 2022, §3.
    """

    def __init__(self, num_heads: int) -> None:
        super().__init__()
        num_heads = whole_number("num_heads", num_heads, 1)
        slopes = torch.from_numpy(formulas.alibi_slopes(num_heads)).to(torch.get_default_dtype())
        self.register_buffer("slopes", slopes, persistent=False)

    def forward(self, num_queries: int, num_keys: int | None = None) -> Float[Tensor, "heads queries keys"]:
        """Give the bias, at most 0; the queries are the last of the positions."""
        num_keys = num_queries if num_keys is None else num_keys
        num_queries, num_keys = check_positive(num_queries=num_queries, num_keys=num_keys)
        queries = torch.arange(num_keys - num_queries, num_keys, device=self.slopes.device)
        keys = torch.arange(num_keys, device=self.slopes.device)
        distances = (queries[:, None] - keys).abs()  # (queries, keys)
        return self.slopes[:, None, None] * -distances


def _frequencies(d_model, base):
    """The angle by which each pair of features turns from one position to the next, float64: (⌈d_model / 2⌉,)."""
    return base ** -(torch.arange(0, d_model, 2, dtype=torch.float64, device="cpu") / d_model)


def _waves(wave, frequencies, length):
    """Sine or cosine of the angles at positions 0, 1, 2, …: (length, pairs)."""
    return wave(torch.arange(length, dtype=torch.float64, device="cpu")[:, None] * frequencies)


def _cosines_and_sines(frequencies, length):
    """Cosine and sine of each pair's angle: (length, pairs, 2)."""
    return torch.stack([_waves(wave, frequencies, length) for wave in (torch.cos, torch.sin)], dim=-1)


def _sines_and_cosines(d_model, frequencies, length):
    """Sine and cosine of the same angle side by side: (length, d_model)."""
    waves = [_waves(wave, frequencies, length) for wave in (torch.sin, torch.cos)]  # twice (length, ⌈d_model / 2⌉)
    return torch.stack(waves, dim=-1).flatten(1)[:, :d_model]  # an odd d_model has one cosine less


class _Table:
    """Rows 0, 1, 2, … of a formula, computed once in float64 and kept in the dtype and on the device asked for last.

    The formula is a function of how many rows, one that can be pickled, so that a model can be.
    """

    def __init__(self, formula) -> None:
        self.formula = formula
        self.rows = torch.empty(0)

    def __call__(self, length, device, dtype):
        if torch.compiler.is_compiling():  # what is traced has no numbers to keep, and may stand for any length
            return self.formula(length).to(device, dtype)
        if len(self.rows) < length or self.rows.device != device or self.rows.dtype != dtype:
            with torch.inference_mode(False):  # else training could not use what generation has left here
                self.rows = self.formula(2 * length).to(device, dtype)
        return self.rows


def _reach(x, positions):
    """How many rows of a table the positions need; None where the positions can't be read."""
    if positions is None:
        return x.shape[1]
    _check_positions("positions", positions)
    if positions.shape not in (x.shape[:2], x.shape[1:2]):
        fail("positions", shape=tuple(positions.shape), batch=len(x), seq_len=x.shape[1])
    if not values_can_be_read(positions):
        return None
    lowest, highest = (bound.item() for bound in positions.aminmax())
    if lowest < 0:
        fail("range", name="positions", value=lowest, highest="the last of the table")
    return highest + 1
