"""A Transformer for images: cut into patches, an image is a sequence too.

Source: Dosovitskiy et al. 2020, "An Image is Worth 16×16 Words", arXiv 2010.11929.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.checking import check_divides, checked, one_of
from course_lib.models.attention import Weights
from course_lib.models.blocks import Block, BlockSizes, initialise
from course_lib.models.checks import check_positive
from course_lib.models.fast import Dropout
from course_lib.models.positions import LearnedPositions

Images = Float[Tensor, "batch num_channels image_size image_size"]
Logits = Float[Tensor, "batch num_classes"]
VIT: dict[str, Any] = {"activation": "gelu", "norm_first": True}


class VisionTransformer(nn.Module):
    """Patches as tokens, learned positions, a stack of blocks, and logits for the class of the image.

    >>> model = VisionTransformer(image_size=8, patch_size=2, num_classes=10, d_model=64, num_layers=2, num_heads=4)
    >>> logits = model(torch.rand(32, 1, 8, 8))  # (32, 10)

    Parameters: patch_embedding (Linear from a patch's pixels to d_model), class_token (d_model) with pool="class",
    positions.weight (tokens, d_model), blocks.0, …, final_norm, head (Linear to num_classes).

    Args:
        image_size: height and width of the images, in pixels.
        patch_size: height and width of a patch; divides image_size.
        num_classes: kinds of images.
        d_model: features of a token.
        num_layers: blocks.
        num_heads: heads of each attention.
        d_ff: hidden units of each feed-forward network; None: 4 · d_model.
        num_channels: 1 for grey images, 3 for colour.
        pool: what the class is read from: "class", a token of its own that comes first, or "mean" of the patches.
        block: more of `BlockSizes`, such as dropout or norm_first; what is left out is the paper's: GELU, pre-norm.

    Source: Dosovitskiy 2020, §3.1; sizes of ViT-Base: 224, 16, 1000, 768, 12, 12.
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_classes: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        d_ff: int | None = None,
        *,
        num_channels: int = 1,
        pool: str = "class",
        **block: Any,
    ) -> None:
        super().__init__()
        image_size, patch_size, num_classes, num_layers = check_positive(
            image_size=image_size, patch_size=patch_size, num_classes=num_classes, num_layers=num_layers
        )
        (num_channels,) = check_positive(num_channels=num_channels)
        check_divides("patch_size", patch_size, "image_size", image_size)
        one_of("pool", pool, ["class", "mean"])
        self.image_size, self.patch_size, self.num_channels = image_size, patch_size, num_channels
        num_patches = (image_size // patch_size) ** 2
        sizes = BlockSizes(d_model, num_heads, d_ff, **{**VIT, **block})
        d_model = sizes.d_model
        self.patch_embedding = nn.Linear(num_channels * patch_size**2, d_model)
        self.class_token = nn.Parameter(torch.zeros(d_model)) if pool == "class" else None
        self.positions = LearnedPositions(num_patches + (pool == "class"), d_model)
        self.dropout = Dropout(sizes.dropout)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(num_layers))
        self.final_norm = sizes.new_norm() if sizes.norm_first else nn.Identity()
        self.head = nn.Linear(d_model, num_classes)
        self.apply(initialise)

    def forward(self, images: Images, *, need_weights: bool = False) -> Logits | tuple[Logits, list[Weights]]:
        """Classify images.

        Args:
            images: of about unit size.
            need_weights: whether to return the weights of every block.

        Returns:
            logits, or (logits, attention) with attention the weights of every block, if need_weights. A class token
            comes before the patches.
        """
        tokens = self.patch_embedding(self.patches(images))  # (batch, patches, d_model)
        if self.class_token is not None:
            tokens = torch.cat([self.class_token.expand(tokens.shape[0], 1, -1), tokens], dim=1)  # one token more
        tokens = self.dropout(self.positions(tokens))
        attention = []
        for block in self.blocks:
            tokens, weights = block(tokens, need_weights=need_weights)
            attention.append(weights)
        tokens = self.final_norm(tokens)
        pooled = tokens.mean(dim=1) if self.class_token is None else tokens[:, 0]  # (batch, d_model)
        logits = self.head(pooled)
        return (logits, attention) if need_weights else logits

    @checked
    def patches(self, images: Images) -> Float[Tensor, "batch patches channels·patch_size²"]:
        """Cut images into patches, row by row; the pixels of one channel after those of another."""
        size = self.patch_size
        cut = images.unflatten(3, (-1, size)).unflatten(2, (-1, size))  # (batch, channels, rows, size, columns, size)
        return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)  # (batch, patches, channels · size²)
