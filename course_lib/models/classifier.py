"""A classifier of texts: an encoder, the mean of its vectors, and a linear layer.

Source: Reimers and Gurevych 2019, "Sentence-BERT", arXiv 1908.10084, §3 (the mean as a sentence's vector).
"""

from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.checking import checked, whole_number
from course_lib.models.attention import Weights
from course_lib.models.blocks import initialise
from course_lib.models.checks import AttentionMask, read_attention_mask
from course_lib.models.encoder import TextEncoder
from course_lib.models.fast import Dropout

Logits = Float[Tensor, "batch num_classes"]


class TextClassifier(nn.Module):
    """Give each text logits for its class.

    >>> encoder = TextEncoder(vocab_size=1000, d_model=64, num_layers=2, num_heads=4, d_ff=256)
    >>> classifier = TextClassifier(encoder, num_classes=3)
    >>> logits = classifier(torch.tensor([[5, 17, 2, 0]]), torch.tensor([[1, 1, 1, 0]]))  # (1, 3)

    Parameters: those of the encoder, as `encoder`, and head (Linear from d_model to num_classes).

    Args:
        encoder: a `TextEncoder`, new or from `load_encoder`.
        num_classes: kinds of texts.
        dropout: probability, for the mean.
    """

    def __init__(self, encoder: TextEncoder, num_classes: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        num_classes = whole_number("num_classes", num_classes, 1)
        self.encoder = encoder
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(encoder.token_embedding.embedding_dim, num_classes)
        initialise(self.head)

    def forward(
        self,
        token_ids: Int[Tensor, "batch seq_len"],
        attention_mask: AttentionMask | None = None,
        *,
        need_weights: bool = False,
    ) -> Logits | tuple[Logits, list[Weights]]:
        """Classify.

        Args:
            token_ids, attention_mask, need_weights: as in `TextEncoder`.

        Returns:
            logits, or (logits, attention) if need_weights.
        """
        hidden = self.encoder(token_ids, attention_mask, need_weights=need_weights)
        hidden, attention = hidden if need_weights else (hidden, [])  # (batch, seq_len, d_model)
        logits = self.head(self.dropout(mean_of_tokens(hidden, attention_mask)))
        return (logits, attention) if need_weights else logits


@checked
def mean_of_tokens(
    hidden: Float[Tensor, "batch seq_len d_model"], attention_mask: AttentionMask | None = None
) -> Float[Tensor, "batch d_model"]:
    """One vector a text: the mean over its tokens, padding left out.

    Args:
        hidden: the vector of each token.
        attention_mask: True or 1 for tokens; None: no padding.

    Returns:
        vectors; 0 for a text of padding alone.
    """
    mask = read_attention_mask(attention_mask, *hidden.shape[:2])
    if mask is None:
        return hidden.mean(dim=1)
    mask = mask.expand(hidden.shape[:2])[:, :, None]  # (batch, seq_len, 1)
    return hidden.masked_fill(~mask, 0).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
