"""A language model on one page, in the style of nanoGPT and in the words of this course.

    letters -> embeddings -> [attention -> feed-forward] × num_layers -> logits of the next letter

It grows with the lessons, by one argument at a time:

    03  TinyModel(vocab_size)                  one head of attention
    04  num_heads=4                            four heads
    05  positions=True                         each letter knows where it stands
    06  whole_block=True, num_layers=2         residual, norms and a feed-forward network around it; blocks stacked
    07  the same model, trained well           see `training.writer`
    12  write(…, use_cache=True)               keys and values of what is written are kept

Grown up it is `LanguageModel(…, positions="rotary")`: the parameters have the same names, so that each model loads the
other's, and gives the same numbers. What that one has besides: padding, dropout, checks of its arguments, speed.

Source: Karpathy 2022, nanoGPT, https://github.com/karpathy/nanoGPT, model.py.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


class TinyModel(nn.Module):
    """Predict the letter after each letter, from that letter and those before it.

    >>> model = TinyModel(vocab_size=100, num_heads=4, positions=True, whole_block=True, num_layers=4)
    >>> logits = model(torch.randint(100, (8, 128)))  # (8, 128, 100)

    Args:
        vocab_size: different letters.
        d_model: features of a letter.
        num_heads: heads of each attention; d_model / num_heads is even where there are positions.
        positions: whether queries and keys are turned by their positions (RoPE).
        whole_block: whether attention comes with residual, norms and a feed-forward network; without, it stands alone.
        num_layers: blocks.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int = 128,
        num_heads: int = 1,
        positions: bool = False,
        whole_block: bool = False,
        num_layers: int = 1,
    ) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.token_embedding.weight, std=d_model**-0.5)  # so that the first logits are near 0
        self.blocks = nn.ModuleList(Block(d_model, num_heads, positions, whole_block) for _ in range(num_layers))
        self.final_norm = nn.LayerNorm(d_model) if whole_block else nn.Identity()

    def forward(
        self, token_ids: Int[Tensor, "batch seq_len"], cache: dict | None = None
    ) -> Float[Tensor, "batch seq_len vocab_size"]:
        """Give the logits; with a cache, at first `{}`, token_ids are only the letters that came since the last call."""
        x = self.token_embedding(token_ids)  # (batch, seq_len, d_model)
        for block in self.blocks:
            x = block(x, cache)
        return self.final_norm(x) @ self.token_embedding.weight.T  # (batch, seq_len, vocab_size)


class Block(nn.Module):
    """Attention, alone or as a whole block: letters look at each other, then each thinks by itself."""

    def __init__(self, d_model: int, num_heads: int, positions: bool, whole_block: bool) -> None:
        super().__init__()
        self.attention, self.whole = Attention(d_model, num_heads, positions), whole_block
        if whole_block:
            self.attention_norm, self.feed_forward_norm = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
            self.feed_forward = FeedForward(d_model)

    def forward(self, x: Tensor, cache: dict | None = None) -> Tensor:
        if not self.whole:
            return self.attention(x, cache)
        x = x + self.attention(self.attention_norm(x), cache)  # (batch, seq_len, d_model)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Attention(nn.Module):
    """Every letter asks, and gathers the values of those before it whose keys fit."""

    def __init__(self, d_model: int, num_heads: int, positions: bool) -> None:
        super().__init__()
        self.num_heads, self.positions = num_heads, positions
        self.queries_keys_values = nn.Linear(d_model, 3 * d_model)
        self.output = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor, cache: dict | None = None) -> Tensor:
        parts = self.queries_keys_values(x).chunk(3, dim=-1)  # three times (batch, new, d_model)
        split = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in parts)
        queries, keys, values = split  # (batch, heads, new, d_head) each
        old_keys, old_values = (cache or {}).get(self, (keys[:, :, :0], values[:, :, :0]))  # none where nothing is kept
        if self.positions:
            start = old_keys.shape[2]
            queries, keys = turned(queries, start), turned(keys, start)
        keys = torch.cat([old_keys, keys], dim=2)  # (batch, heads, old + new, d_head)
        values = torch.cat([old_values, values], dim=2)
        if cache is not None:
            cache[self] = keys, values
        scores = queries @ keys.mT / math.sqrt(queries.shape[-1])  # (batch, heads, new, old + new)
        may_attend = torch.ones_like(scores, dtype=torch.bool).tril(scores.shape[3] - scores.shape[2])
        weights = scores.masked_fill(~may_attend, -math.inf).softmax(dim=-1)
        context = weights @ values  # (batch, heads, new, d_head)
        return self.output(context.transpose(1, 2).flatten(2))  # (batch, new, d_model)


class FeedForward(nn.Module):
    """Expand, bend, contract: each letter by itself."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.expand, self.contract = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        return self.contract(F.gelu(self.expand(x), approximate="tanh"))


def turned(x: Float[Tensor, "batch heads new d_head"], start: int) -> Float[Tensor, "batch heads new d_head"]:
    """Turn each pair of features by its position times the pair's own frequency (RoPE, lesson 05)."""
    frequencies = 10000 ** (-torch.arange(0, x.shape[3], 2).double() / x.shape[3])  # (d_head / 2,)
    places = torch.arange(start, start + x.shape[2])
    angles = (places[:, None] * frequencies).to(x)  # (new, d_head / 2)
    first, second = x[..., 0::2], x[..., 1::2]
    pairs = first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos()
    return torch.stack(pairs, dim=-1).flatten(-2)


@torch.no_grad()
def write(
    model: TinyModel, ids: list[int], num_new: int, *, temperature: float = 0.8, seed: int = 0, use_cache: bool = True
) -> list[int]:
    """Continue a text letter by letter, each drawn by its probability; the cache changes nothing but the time."""
    generator, cache = torch.Generator().manual_seed(seed), {} if use_cache else None
    written, unread = list(ids), list(ids)
    for _ in range(num_new):
        logits = model(torch.tensor([unread if use_cache else written]), cache)[0, -1]  # (vocab_size,)
        probabilities = (logits / temperature).softmax(dim=-1)
        unread = [int(torch.multinomial(probabilities, 1, generator=generator))]
        written += unread
    return written[len(ids) :]
