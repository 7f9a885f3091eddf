"""A matplotlib figure that shows itself once, and says in words what it shows."""

import io
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageChops, ImageOps

from course_lib.printable import printable

SHARPER = 2  # pixels kept for one shown, so that a picture is sharp when zoomed
MARGIN = 0.1  # inches of white around a picture


class Picture(Figure):
    """A matplotlib figure that shows itself at the end of a notebook cell, and says in words what it shows.

    A plain `Figure` shows as text in a kernel where pyplot has drawn nothing.

    Args:
        alternative: the picture in words, for those who do not see it; kept in the notebook beside the picture.
        *args, **kwargs: those of `Figure`; the layout is "constrained" unless given.
    """

    def __init__(self, *args: Any, alternative: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("layout", "constrained")
        super().__init__(*args, **kwargs)
        self.alternative = alternative

    def describe(self, sentence: str) -> None:
        """Add a sentence to the picture's alternative in words."""
        self.alternative = f"{self.alternative} {sentence}".strip()

    def _repr_mimebundle_(self, include=None, exclude=None):
        # savefig lays out and draws twice, for the sake of its tight box: a constrained layout needs no such box.
        dpi, face = self.dpi, self.get_facecolor()
        self.set(dpi=SHARPER * dpi, facecolor="white")
        try:
            canvas = FigureCanvasAgg(self)
            canvas.draw()
            image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        finally:
            self.set(dpi=dpi, facecolor=face)
        background = Image.new("RGB", image.size, "white")
        image = image.crop(ImageChops.difference(image, background).getbbox())
        image = ImageOps.expand(image, round(MARGIN * SHARPER * dpi), "white")
        kept = io.BytesIO()
        image.quantize(256, dither=Image.Dither.NONE).save(kept, "png", compress_level=7)  # a third of the size
        size = {"width": image.width // SHARPER, "height": image.height // SHARPER}
        return {"image/png": kept.getvalue(), "text/plain": printable(self.alternative) or repr(self)}, {
            "image/png": size
        }
