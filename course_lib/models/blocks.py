"""The blocks that Transformers are stacked from: attention and a feed-forward network, each with residual and norm.

    post-norm (2017):    x = norm(x + dropout(sublayer(x)))
    pre-norm (GPT-2 on): x = x + dropout(sublayer(norm(x)))

Sources: Vaswani et al. 2017, arXiv 1706.03762, §3.1 and §3.3; Xiong et al. 2020, "On Layer Normalization in the
Transformer Architecture", arXiv 2002.04745; Hendrycks and Gimpel 2016, "GELU", arXiv 1606.08415.
"""

import functools

from torch import nn
from torch.nn import functional as F

from course_lib.checking import one_of, real_number, whole_number
from course_lib.models.attention import MultiHeadAttention
from course_lib.models.checks import check_positive
from course_lib.models.dropout import Dropout

ACTIVATIONS = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": functools.partial(F.gelu, approximate="tanh"),  # GPT-2's
}


class FeedForward(nn.Module):
    """Two layers applied to each token by itself: contract(dropout(activation(expand(x)))).

    Parameters: expand.weight (d_ff, d_model), expand.bias, contract.weight (d_model, d_ff), contract.bias.

    Args:
        d_model: features of a token.
        d_ff: hidden units, usually 4 · d_model.
        dropout: probability with which a hidden unit is dropped while training.
        activation: "relu", "gelu", or "gelu_tanh" (GPT-2's approximation).

    Source: Vaswani 2017, §3.3, eq. 2.
    """

    def __init__(self, d_model, d_ff, dropout=0.0, activation="relu"):
        super().__init__()
        d_model, d_ff = check_positive(d_model=d_model, d_ff=d_ff)
        one_of("activation", activation, ACTIVATIONS)
        self.expand = nn.Linear(d_model, d_ff)
        self.contract = nn.Linear(d_ff, d_model)
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout)

    def forward(self, x):
        """Map (..., d_model) to (..., d_model)."""
        return self.contract(self.dropout(self.activation(self.expand(x))))


class EncoderBlock(nn.Module):
    """Self-attention, then a feed-forward network. With `causal=True` it is the block of GPT.

    Parameters: attention (`MultiHeadAttention`), attention_norm, feed_forward (`FeedForward`), feed_forward_norm.

    Args:
        d_model: features of a token.
        num_heads: heads of attention.
        d_ff: hidden units of the feed-forward network.
        dropout: probability for the weights, the hidden units, and what each sublayer adds.
        activation: "relu", "gelu" or "gelu_tanh".
        norm_first: True: pre-norm, False: post-norm.
        norm_eps: added to the variance in the norms.
        num_kv_heads, rotary: of the attention, see `MultiHeadAttention`.

    Source: Vaswani 2017, §3.1, "Encoder".
    """

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        *,
        dropout=0.0,
        activation="relu",
        norm_first=False,
        norm_eps=1e-5,
        num_kv_heads=None,
        rotary=None,
    ):
        super().__init__()
        d_model = whole_number("d_model", d_model, 1)
        real_number("norm_eps", norm_eps, above=0)
        self.norm_first = norm_first
        self.attention = MultiHeadAttention(
            d_model, num_heads, num_kv_heads=num_kv_heads, dropout=dropout, rotary=rotary
        )
        self.attention_norm = nn.LayerNorm(d_model, eps=norm_eps)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.feed_forward_norm = nn.LayerNorm(d_model, eps=norm_eps)
        self.dropout = Dropout(dropout)

    def forward(self, x, *, mask=None, bias=None, causal=False, cache=None, need_weights=False):
        """Map (batch, seq_len, d_model) to the same; the other arguments are those of `MultiHeadAttention`.

        Returns:
            x: (batch, seq_len, d_model).
            weights: (batch, heads, seq_len, keys), or None.
        """
        options = {"mask": mask, "bias": bias, "causal": causal, "cache": cache, "need_weights": need_weights}
        if self.norm_first:
            attended, weights = self.attention(self.attention_norm(x), **options)
            x = x + self.dropout(attended)
            x = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        else:
            attended, weights = self.attention(x, **options)
            x = self.attention_norm(x + self.dropout(attended))
            x = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return x, weights


class DecoderBlock(nn.Module):
    """Causal self-attention, attention to a memory, then a feed-forward network.

    Parameters: self_attention, self_attention_norm, cross_attention, cross_attention_norm, feed_forward,
    feed_forward_norm.

    Args: those of `EncoderBlock`; rotary turns in the self-attention only.

    Source: Vaswani 2017, §3.1, "Decoder".
    """

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        *,
        dropout=0.0,
        activation="relu",
        norm_first=False,
        norm_eps=1e-5,
        num_kv_heads=None,
        rotary=None,
    ):
        super().__init__()
        d_model = whole_number("d_model", d_model, 1)
        real_number("norm_eps", norm_eps, above=0)
        self.norm_first = norm_first
        self.self_attention = MultiHeadAttention(
            d_model, num_heads, num_kv_heads=num_kv_heads, dropout=dropout, rotary=rotary
        )
        self.self_attention_norm = nn.LayerNorm(d_model, eps=norm_eps)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, num_kv_heads=num_kv_heads, dropout=dropout)
        self.cross_attention_norm = nn.LayerNorm(d_model, eps=norm_eps)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.feed_forward_norm = nn.LayerNorm(d_model, eps=norm_eps)
        self.dropout = Dropout(dropout)

    def forward(self, x, memory, *, mask=None, memory_mask=None, causal=True, cache=None, need_weights=False):
        """Map (batch, seq_len, d_model) to the same, with a look at (batch, memory_len, d_model).

        Args:
            x: (batch, seq_len, d_model).
            memory: (batch, memory_len, d_model), the encoder's output.
            mask: which of x may be attended to, see `MultiHeadAttention`.
            memory_mask: which of the memory may be attended to, (batch, memory_len) or as in `MultiHeadAttention`.
            causal: whether a token of x may attend only to itself and those before it.
            cache: a pair of `KeyValueCache`, for the self-attention and for the memory.
            need_weights: whether to return the weights.

        Returns:
            x: (batch, seq_len, d_model).
            self_weights: (batch, heads, seq_len, keys), or None.
            cross_weights: (batch, heads, seq_len, memory_len), or None.
        """
        self_cache, cross_cache = (None, None) if cache is None else cache
        own = {"mask": mask, "causal": causal, "cache": self_cache, "need_weights": need_weights}
        across = {"mask": memory_mask, "cache": cross_cache, "need_weights": need_weights}
        if self.norm_first:
            attended, self_weights = self.self_attention(self.self_attention_norm(x), **own)
            x = x + self.dropout(attended)
            attended, cross_weights = self.cross_attention(self.cross_attention_norm(x), memory, **across)
            x = x + self.dropout(attended)
            x = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        else:
            attended, self_weights = self.self_attention(x, **own)
            x = self.self_attention_norm(x + self.dropout(attended))
            attended, cross_weights = self.cross_attention(x, memory, **across)
            x = self.cross_attention_norm(x + self.dropout(attended))
            x = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return x, self_weights, cross_weights


def initialise(module, std=0.02):
    """Draw the matrices of a layer from N(0, std²) and set its biases to 0, as BERT and GPT-2 begin."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=std)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
