"""The block that Transformers are stacked from: attention and a feed-forward network, each with residual and norm.

    post-norm (2017):    x = norm(x + dropout(sublayer(x)))
    pre-norm (GPT-2 on): x = x + dropout(sublayer(norm(x)))

Sources: Vaswani et al. 2017, arXiv 1706.03762, §3.1 and §3.3; Xiong et al. 2020, "On Layer Normalization in the
Transformer Architecture", arXiv 2002.04745; Hendrycks and Gimpel 2016, "GELU", arXiv 1606.08415; Zhang and Sennrich
2019, "Root Mean Square Layer Normalization", arXiv 1910.07467; Shazeer 2020, "GLU Variants Improve Transformer",
arXiv 2002.05202.
"""

import functools
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.checking import check_divides, flag, one_of, real_number
from course_lib.models.attention import MultiHeadAttention, Weights
from course_lib.models.checks import check_positive
from course_lib.models.fast import Dropout, RMSNorm
from course_lib.models.positions import Rotary


def swiglu(x: Float[Tensor, "... 2·d_ff"]) -> Float[Tensor, "... d_ff"]:
    """Let one half of the features open and close the other. Shazeer 2020, eq. 5."""
    gates, hidden = x.chunk(2, dim=-1)
    return F.silu(gates) * hidden


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": functools.partial(F.gelu, approximate="tanh"),  # GPT-2's
    "swiglu": swiglu,
}
TEXTS = {
    "a memory": "a memory came, but this block was built without cross=True; leave it out",
    "no memory": "memory is None, but this block has attention to a memory; pass one, (batch, memory_len, d_model)",
}
NORMS = {"layer": nn.LayerNorm, "rms": RMSNorm}


@dataclass(frozen=True)
class BlockSizes:
    """How large a block is, and of which kind: everything that all blocks of a stack share.

    Args:
        d_model: features of a token.
        num_heads: heads of attention; divides d_model, unless d_head is given.
        d_ff: hidden units of the feed-forward network; None: 4 · d_model.
        dropout: probability for the weights, the hidden units, and what each sublayer adds.
        activation: "relu", "gelu", "gelu_tanh" (GPT-2's approximation), or "swiglu", which takes twice d_ff rows.
        norm: "layer", or "rms": without mean and bias, as Llama has it.
        norm_first: True: pre-norm, False: post-norm.
        norm_eps: added to the variance (or the mean square) in all norms, those of queries and keys too.
        bias: whether projections and feed-forward network have biases.
        input_bias: whether the projections to queries, keys and values have them; None: as the others. Qwen2's alone do.
        num_kv_heads: heads of keys and values; None: num_heads.
        d_head: features of a head; None: d_model / num_heads.
        qk_norm: whether queries and keys get an RMS norm, as in Qwen3; its eps is norm_eps.

    Raises:
        ValueError, TypeError: a size or a choice that makes no sense.
    """

    d_model: int
    num_heads: int
    d_ff: int | None = None
    _: KW_ONLY
    dropout: float = 0.0
    activation: str = "relu"
    norm: str = "layer"
    norm_first: bool = False
    norm_eps: float = 1e-5
    bias: bool = True
    input_bias: bool | None = None
    num_kv_heads: int | None = None
    d_head: int | None = None
    qk_norm: bool = False

    def __post_init__(self):
        d_model, num_heads = check_positive(d_model=self.d_model, num_heads=self.num_heads)
        if self.d_head is None:
            check_divides("num_heads", num_heads, "d_model", d_model)
        d_head = d_model // num_heads if self.d_head is None else self.d_head
        d_ff, d_head = check_positive(d_ff=4 * d_model if self.d_ff is None else self.d_ff, d_head=d_head)
        found = {"d_model": d_model, "num_heads": num_heads, "d_ff": d_ff, "d_head": d_head}
        for name, value in found.items():
            object.__setattr__(self, name, value)
        one_of("norm", self.norm, NORMS)
        real_number("norm_eps", self.norm_eps, above=0)
        flag("qk_norm", self.qk_norm)

    def new_attention(self, rotary: Rotary | None = None) -> MultiHeadAttention:
        """Make the attention of a block."""
        return MultiHeadAttention(
            self.d_model,
            self.num_heads,
            num_kv_heads=self.num_kv_heads,
            d_head=self.d_head,
            dropout=self.dropout,
            bias=self.bias if self.input_bias is None else self.input_bias,
            output_bias=self.bias,
            qk_norm=self.norm_eps if self.qk_norm else None,
            rotary=rotary,
        )

    def new_feed_forward(self) -> "FeedForward":
        """Make the feed-forward network of a block."""
        d_ff: Any = self.d_ff  # a number by now
        return FeedForward(self.d_model, d_ff, self.dropout, self.activation, self.bias)

    def new_norm(self) -> nn.Module:
        """Make a norm."""
        return NORMS[self.norm](self.d_model, eps=self.norm_eps)


class FeedForward(nn.Module):
    """Two layers applied to each token by itself: contract(dropout(activation(expand(x)))).

    Parameters: expand.weight (d_ff, d_model), expand.bias, contract.weight (d_model, d_ff), contract.bias. For "swiglu"
    expand has twice as many rows: first those of the gates, then those of the hidden units.

    Args:
        d_model: features of a token.
        d_ff: hidden units, usually 4 · d_model; with "swiglu", whose matrices are three, 8/3 · d_model.
        dropout: probability with which a hidden unit is dropped while training.
        activation: "relu", "gelu", "gelu_tanh" (GPT-2's approximation) or "swiglu".
        bias: whether the layers have biases.

    Source: Vaswani 2017, §3.3, eq. 2; Shazeer 2020, eq. 6.
    """

    def __init__(
        self, d_model: int, d_ff: int, dropout: float = 0.0, activation: str = "relu", bias: bool = True
    ) -> None:
        super().__init__()
        d_model, d_ff = check_positive(d_model=d_model, d_ff=d_ff)
        one_of("activation", activation, ACTIVATIONS)
        self.expand = nn.Linear(d_model, 2 * d_ff if activation == "swiglu" else d_ff, bias=bias)
        self.contract = nn.Linear(d_ff, d_model, bias=bias)
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout)

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """Map each token by itself."""
        return self.contract(self.dropout(self.activation(self.expand(x))))


class Block(nn.Module):
    """Self-attention, attention to a memory if asked, then a feed-forward network. With `causal=True` it is GPT's.

    >>> block = Block(BlockSizes(64, num_heads=4, d_ff=256, norm_first=True))
    >>> x, weights = block(torch.randn(2, 10, 64), causal=True)  # (2, 10, 64), None

    Parameters: attention (`MultiHeadAttention`), attention_norm, feed_forward (`FeedForward`), feed_forward_norm. With
    cross, in the place of the first two: self_attention, self_attention_norm, cross_attention, cross_attention_norm.

    Args:
        sizes: `BlockSizes`.
        cross: whether there is attention to a memory.
        rotary: turns queries and keys of the self-attention, see `MultiHeadAttention`.

    Source: Vaswani 2017, §3.1.
    """

    def __init__(self, sizes: BlockSizes, *, cross: bool = False, rotary: Rotary | None = None) -> None:
        super().__init__()
        self.norm_first, self.cross = sizes.norm_first, cross
        if cross:  # two attentions, told apart by their names
            self.self_attention, self.self_attention_norm = sizes.new_attention(rotary), sizes.new_norm()
            self.cross_attention, self.cross_attention_norm = sizes.new_attention(), sizes.new_norm()
        else:
            self.attention, self.attention_norm = sizes.new_attention(rotary), sizes.new_norm()
        self.feed_forward, self.feed_forward_norm = sizes.new_feed_forward(), sizes.new_norm()
        self.dropout = Dropout(sizes.dropout)

    def forward(
        self,
        x: Float[Tensor, "batch seq_len d_model"],
        memory: Float[Tensor, "batch memory_len d_model"] | None = None,
        *,
        mask: Bool[Tensor, "..."] | None = None,
        memory_mask: Bool[Tensor, "..."] | None = None,
        bias: Float[Tensor, "..."] | None = None,
        causal: bool | None = None,
        cache: Any = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch seq_len d_model"], *tuple[Weights | None, ...]]:
        """Let the tokens look at each other, with cross at a memory too, and then think.

        Args:
            x: the tokens. Their checks, and those of the memory and the masks, are the attention's.
            memory: such as the encoder's output; only with cross.
            mask, bias: which of x may be attended to, and what is added to the scores, see `MultiHeadAttention`.
            memory_mask: which of the memory may be attended to, (batch, memory_len) or as in `MultiHeadAttention`.
            causal: whether a token of x may attend only to itself and those before it; None: with cross, as in decoders.
            cache: a `KeyValueCache`; with cross a pair of them, for the self-attention and for the memory.
            need_weights: whether to return the weights.

        Returns:
            x; weights, or None; and with cross the weights over the memory, or None.

        Raises:
            ValueError: a memory is missing, or came without cross; others as in `MultiHeadAttention`.
        """
        if (memory is None) == self.cross:
            raise ValueError(TEXTS["no memory" if self.cross else "a memory"])
        causal = self.cross if causal is None else causal
        own = {"mask": mask, "bias": bias, "causal": causal, "need_weights": need_weights}
        if not self.cross:
            x, weights = self._add(self.attention, self.attention_norm, x, cache=cache, **own)
            return self._add(self._feed_forward, self.feed_forward_norm, x)[0], weights
        self_cache, cross_cache = (None, None) if cache is None else cache
        across = {"mask": memory_mask, "cache": cross_cache, "need_weights": need_weights}
        x, weights = self._add(self.self_attention, self.self_attention_norm, x, cache=self_cache, **own)
        x, cross_weights = self._add(self.cross_attention, self.cross_attention_norm, x, memory=memory, **across)
        return self._add(self._feed_forward, self.feed_forward_norm, x)[0], weights, cross_weights

    def _add(self, sublayer, norm, x, **options):
        """Add to x what a sublayer makes of it, with the norm before or after; returns its weights too."""
        if self.norm_first:
            added, weights = sublayer(norm(x), **options)
            return x + self.dropout(added), weights
        added, weights = sublayer(x, **options)
        return norm(x + self.dropout(added)), weights

    def _feed_forward(self, x):
        return self.feed_forward(x), None


class EncoderBlock(Block):
    """The block of an encoder, by its sizes: self-attention, then a feed-forward network.

    >>> block = EncoderBlock(64, num_heads=4, d_ff=256)

    Args:
        d_model, num_heads, d_ff, more: as in `BlockSizes`: dropout, activation, norm_first, …
        rotary: see `Block`.

    Source: Vaswani 2017, §3.1, "Encoder".
    """

    def __init__(self, d_model: int, num_heads: int, d_ff: int, *, rotary: Rotary | None = None, **more: Any) -> None:
        super().__init__(BlockSizes(d_model, num_heads, d_ff, **more), rotary=rotary)


class DecoderBlock(Block):
    """The block of a decoder, by its sizes: causal self-attention, attention to a memory, a feed-forward network.

    >>> block = DecoderBlock(64, num_heads=4, d_ff=256)
    >>> x, self_weights, cross_weights = block(torch.randn(2, 5, 64), torch.randn(2, 9, 64))

    Args: those of `EncoderBlock`.

    Source: Vaswani 2017, §3.1, "Decoder".
    """

    def __init__(self, d_model: int, num_heads: int, d_ff: int, *, rotary: Rotary | None = None, **more: Any) -> None:
        super().__init__(BlockSizes(d_model, num_heads, d_ff, **more), cross=True, rotary=rotary)


def initialise(module: nn.Module, std: float = 0.02) -> None:
    """Draw the matrices of a layer from N(0, std²) and set its biases to 0, as BERT and GPT-2 begin."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=std)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
