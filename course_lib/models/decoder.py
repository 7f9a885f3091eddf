"""A language model in the style of GPT: every token sees those before it, and predicts the one after.

    LanguageModel(…)            is GPT-2
    LanguageModel(…, **LLAMA)   is what models are made like since 2023: rotary positions, RMS norms, SwiGLU, no biases

Sources: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2); Press and Wolf 2016, "Using
the Output Embedding to Improve Language Models", arXiv 1608.05859; Touvron et al. 2023, "LLaMA", arXiv 2302.13971.
"""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.checking import checked, one_of, whole_number
from course_lib.models.attention import Weights
from course_lib.models.blocks import Block, BlockSizes, initialise
from course_lib.models.checks import AttentionMask, check_ids, check_positive, read_attention_mask
from course_lib.models.fast import Dropout, KeyValueCache, ModelCache
from course_lib.models.positions import ALiBi, LearnedPositions, Rotary, SinusoidalPositions

Logits = Float[Tensor, "batch seq_len vocab_size"]
GPT2: dict[str, Any] = {"activation": "gelu_tanh", "norm_first": True}  # what `LanguageModel` is unless told otherwise
LLAMA: dict[str, Any] = {"positions": "rotary", "norm": "rms", "activation": "swiglu", "bias": False}


class LanguageModel(nn.Module):
    """Token embeddings, positions, a stack of causal blocks, and logits for the next token from the same embeddings.

    >>> model = LanguageModel(vocab_size=256, d_model=64, num_layers=2, num_heads=4)
    >>> token_ids = torch.randint(256, (8, 33))
    >>> logits = model(token_ids[:, :-1])  # (8, 32, 256)
    >>> loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), token_ids[:, 1:].flatten())

    Parameters:

        token_embedding.weight  (vocab_size, d_model), also the matrix of the logits
        positions.weight        (max_len, d_model); only with learned positions
        blocks.0, blocks.1, …   `Block`
        final_norm              the norm of the blocks with norm_first; otherwise an identity
        head.weight             (vocab_size, d_model); only with tied=False

    Args:
        vocab_size: different tokens.
        d_model: features of a token.
        num_layers: blocks.
        num_heads: heads of each attention.
        d_ff: hidden units of each feed-forward network; None: 4 · d_model.
        positions: "learned", "sinusoidal", "rotary", "alibi", a `Rotary` with a base of your own, or None for none.
        max_len: the longest sequence where positions are learned; the others know no end.
        tied: whether the matrix of the logits is that of the embeddings.
        window: how many of the last tokens a token sees, itself among them; None: all.
        block: more of `BlockSizes`, such as dropout, num_kv_heads, norm, norm_eps (of every norm, the final one too) or
            qk_norm; what is left out is GPT-2's: activation="gelu_tanh", norm_first=True, layer norms, norm_eps=1e-5,
            biases.

    Raises:
        ValueError, TypeError: a size or a choice that makes no sense.

    Source: Radford 2019, §2.3; sizes of GPT-2: 50257, 768, 12, 12, max_len 1024. With `LLAMA`: Touvron 2023, §2.2.
    A window: Jiang et al. 2023, "Mistral 7B", arXiv 2310.06825, §2.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        d_ff: int | None = None,
        *,
        positions: str | Rotary | None = "learned",
        max_len: int = 1024,
        tied: bool = True,
        window: int | None = None,
        **block: Any,
    ) -> None:
        super().__init__()
        vocab_size, num_layers = check_positive(vocab_size=vocab_size, num_layers=num_layers)
        sizes = BlockSizes(d_model, num_heads, d_ff, **{**GPT2, **block})
        self.window = None if window is None else whole_number("window", window, 1)
        if positions == "rotary":
            d_head: Any = sizes.d_head
            positions = Rotary(d_head)
        rotary = positions if isinstance(positions, Rotary) else None
        if rotary is None:
            one_of("positions", positions, ["learned", "sinusoidal", "rotary", "alibi", None])
        self.alibi = ALiBi(sizes.num_heads) if positions == "alibi" else None
        self.token_embedding = nn.Embedding(vocab_size, sizes.d_model)
        self.positions = None  # those that are added to the embeddings
        if positions == "learned":
            self.positions = LearnedPositions(max_len, sizes.d_model)
        elif positions == "sinusoidal":
            self.positions = SinusoidalPositions(sizes.d_model)
        self.dropout = Dropout(sizes.dropout)
        self.blocks = nn.ModuleList(Block(sizes, rotary=rotary) for _ in range(num_layers))
        self.final_norm = sizes.new_norm() if sizes.norm_first else nn.Identity()
        self.head = None if tied else nn.Linear(sizes.d_model, vocab_size, bias=False)
        self.apply(initialise)
        for layer in self.blocks:  # what 2 · num_layers sublayers add up to must not grow with their number
            for last in (layer.attention.output, layer.feed_forward.contract):  # pyrefly: ignore[missing-attribute]
                nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * num_layers))

    @property
    def max_len(self) -> int | None:
        """The longest sequence, or None where the positions know no end."""
        return len(self.positions.weight) if isinstance(self.positions, LearnedPositions) else None

    def forward(
        self,
        token_ids: Int[Tensor, "batch seq_len"],
        attention_mask: AttentionMask | None = None,
        *,
        cache: ModelCache | None = None,
        need_weights: bool = False,
    ) -> Logits | tuple[Logits, list[Weights]]:
        """Predict, at each token, the next one.

        Args:
            token_ids: from 0 to vocab_size - 1; with a cache only the tokens that are not in it yet.
            attention_mask: True or 1 for tokens, False or 0 for padding at either end; None: no padding. With a cache it
                covers the cached tokens too, which come first. Padding takes no position.
            cache: what `new_cache()` gave, for generation without gradients: filled by each call.
            need_weights: whether to return the weights of every block.

        Returns:
            logits, or (logits, attention) with attention the weights of every block, if need_weights. Logits at padding
            are finite, without meaning.

        Raises:
            ValueError, TypeError: wrong shapes or types, ids out of range, a sequence longer than max_len.
        """
        hidden, attention = self.hidden_states(token_ids, attention_mask, cache=cache, need_weights=need_weights)
        logits = self.logits(hidden)
        return (logits, attention) if need_weights else logits

    @checked
    def hidden_states(
        self,
        token_ids: Int[Tensor, "batch seq_len"],
        attention_mask: AttentionMask | None = None,
        *,
        cache: ModelCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch seq_len d_model"], list[Any]]:
        """Give what `logits` reads, and the weights of every block, if asked for; arguments as in `forward`."""
        check_ids("token_ids", token_ids, self.token_embedding.num_embeddings)
        batch, seq_len = token_ids.shape
        start = 0 if cache is None else cache.length
        mask = read_attention_mask(attention_mask, batch, start + seq_len)
        mask = None if mask is None else mask.expand(batch, start + seq_len)  # (batch, keys)
        hidden = self.token_embedding(token_ids)  # (batch, seq_len, d_model)
        if self.positions is not None:
            hidden = self.positions(hidden, _positions(mask, start, seq_len, token_ids.device))
        hidden = self.dropout(hidden)
        bias = None if self.alibi is None else self.alibi(seq_len, start + seq_len)  # (heads, queries, keys)
        mask = self._in_window(mask, start, seq_len, token_ids.device)  # None, (batch, keys) or (…, queries, keys)
        layers = [None] * len(self.blocks) if cache is None else cache.layers
        attention = []
        for block, layer in zip(self.blocks, layers, strict=True):
            hidden, weights = block(hidden, mask=mask, bias=bias, causal=True, cache=layer, need_weights=need_weights)
            attention.append(weights)
        return self.final_norm(hidden), attention

    def _in_window(self, mask, start, seq_len, device):
        """Let no token see those that lie further back than the window."""
        if self.window is None:
            return mask
        if not torch.compiler.is_compiling() and start + seq_len <= self.window:  # what is traced may have any length
            return mask
        places = torch.arange(start + seq_len, device=device)
        near = places[start:, None] - places < self.window  # (queries, keys)
        return near[None] if mask is None else near & mask[:, None]

    def logits(self, hidden: Float[Tensor, "... d_model"]) -> Float[Tensor, "... vocab_size"]:
        """Score every token of the vocabulary."""
        return F.linear(hidden, self.logits_weight)

    @property
    def logits_weight(self) -> Float[Tensor, "vocab_size d_model"]:
        """The matrix of the logits: the embeddings of the tokens, or the head's own."""
        return self.token_embedding.weight if self.head is None else self.head.weight

    def new_cache(self) -> ModelCache:
        """Give an empty cache for one batch of sequences."""
        return ModelCache([KeyValueCache() for _ in self.blocks])


def _positions(mask, start, seq_len, device):
    """Count the tokens, leaving out padding; None for 0, 1, 2, …"""
    if mask is not None:
        return (mask.cumsum(dim=1) - 1).clamp(min=0)[:, start:]  # (batch, seq_len)
    return torch.arange(start, start + seq_len, device=device) if start else None
