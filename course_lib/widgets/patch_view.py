"""PatchView: what a Vision Transformer looks at, patch by patch.

Attention comes as arrays, or from a function that Python calls with the image, and again when its patches are shuffled.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from jaxtyping import Float, Real

from course_lib.checking import Array, as_whole, describe, read_array, whole_number
from course_lib.widgets.base import View, Widget, WrongAnswer, checked_title, explain, name_of
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.page import page_module

if TYPE_CHECKING:
    from course_lib.plots import Picture

MAX_SIDE, MAX_PATCHES, MAX_LAYERS, MAX_HEADS = 512, 256, 24, 32
WHOLE = -1  # the class token, in place of a patch

Image = Real[Array, "height width"] | Real[Array, "height width 3"]
# Of all layers, each perhaps with a batch axis of 1.
Maps = Real[Array, "layers heads tokens tokens"] | Sequence[Real[Array, "heads tokens tokens"]]

TEXTS = {
    "image": "image is {got}; expected numbers of shape (height, width) or (height, width, 3)",
    "range": "image holds numbers from {least:.4g} to {most:.4g}; expected numbers from 0 to 1",
    "patch": "patch_size is {size}, which does not divide both height = {height} and width = {width} of the image",
    "patches": "image has {got} patches; expected at most {most}",
    "layers": "attention is {got}; expected a list with one (heads, tokens, tokens) a layer, or a function of the image",
    "tokens": "attention is over {got} tokens; expected {patches} patches, or those and a class token before them",
    "alike": "{name} returned attention of shape {got}; expected the same shape, {expected}, for every image",
    "arrays": "the patches can be shuffled only where attention is a function of the image",
    "selected": "selected is {value!r}; expected a patch from 0 to {last}, or -1 for the class token",
    "no class": "selected is -1, but there is no class token; expected a patch from 0 to {last}",
    "alternative": "A picture in {rows} by {columns} patches. Layer {layer}, head {head}: {who} looks most at the patch in "
    "row {row}, column {column} ({weight:.2f}).",
    "class": "the class token",
    "a patch": "patch {number}",
    "image title": "image",
    "attention title": "attention of {who}",
}


class PatchViewView(View):
    """What the page and Python tell each other."""

    _esm, _css = page_module("patch_view")

    title = traitlets.Unicode().tag(sync=True)
    about = traitlets.Dict().tag(
        sync=True
    )  # {"height", "width", "channels", "patch", "layers", "heads", "class", "function"}
    image = traitlets.Bytes().tag(sync=True)  # float32, pixel by pixel
    weights = traitlets.Bytes().tag(sync=True)  # float32 (layers, heads, tokens, tokens)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)
    shuffle = traitlets.Int(0).tag(sync=True)  # 0: patches in their places; else the seed of a shuffle
    error = traitlets.Unicode().tag(sync=True)


class PatchView(Widget):
    """Pick a patch of an image, and see where it looks, by layer and head.

    Args:
        image: numbers from 0 to 1, at most 512 by 512.
        attention: a list with one (heads, tokens, tokens) array or tensor a layer, a batch axis of 1 before it or not; or a
            function image -> such a list, or (logits, such a list), which gets the image as a float64 array. With a
            function the patches can be shuffled. Tokens are the patches row by row, perhaps with a class token before.
        patch_size: height and width of a patch in pixels; it divides the image, at most into 256 patches.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError, TypeError: shapes that do not fit, or an image beyond 0 to 1. What a function raises on the image as it
            came is left as it is; what it raises on a shuffled one is shown in the widget.

    Example:
        >>> image = np.linspace(0, 1, 64).reshape(8, 8)
        >>> view = PatchView(image, [np.full((2, 16, 16), 1 / 16)], patch_size=2)
        >>> view.weights.shape
        (4, 4)
    """

    def __init__(
        self,
        image: "Image",
        attention: "Maps | Callable[[np.ndarray], Maps | tuple[Array, Maps]]",
        patch_size: int,
        *,
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        self._image = _checked_image(image)
        height, width = self._image.shape[:2]
        size = whole_number("patch_size", patch_size, 1, MAX_SIDE)
        if height % size or width % size:
            raise ValueError(TEXTS["patch"].format(size=size, height=height, width=width))
        self._grid = height // size, width // size
        self._size = size
        patches = self._grid[0] * self._grid[1]
        if patches > MAX_PATCHES:
            raise ValueError(TEXTS["patches"].format(most=MAX_PATCHES, got=patches))
        self._function: Any = attention if callable(attention) else None
        self._weights: Any = None
        self._weights = self._ask(self._image) if self._function else _checked_attention(attention, patches)
        self._computing = threading.RLock()
        layers, heads, tokens, _ = self._weights.shape
        self._has_class = tokens > patches
        self.view = PatchViewView(
            title=checked_title(title),
            about={
                "height": height,
                "width": width,
                "channels": 3 if self._image.ndim == 3 else 1,
                "patch": size,
                "layers": layers,
                "heads": heads,
                "class": self._has_class,
                "function": name_of(self._function) if self._function else "",
            },
            image=self._image.astype("<f4").tobytes(),
            weights=self._weights.astype("<f4").tobytes(),
            layer=layers - 1,
            selected=WHOLE if self._has_class else patches // 2,
        )
        self.view.observe(self._shuffle_changed, "shuffle")
        pursue(goal, self)

    @property
    def layer(self) -> int:
        """int: the layer shown, from 0; assign to show another."""
        return self.view.layer

    @layer.setter
    def layer(self, layer: int) -> None:
        self.view.layer = whole_number("layer", layer, 0, len(self._weights) - 1)

    @property
    def head(self) -> int:
        """int: the head shown, from 0; assign to show another."""
        return self.view.head

    @head.setter
    def head(self, head: int) -> None:
        self.view.head = whole_number("head", head, 0, self._weights.shape[1] - 1)

    @property
    def selected(self) -> int:
        """int: the patch that looks, row by row from 0, or -1 for the class token; assign to pick another."""
        return self.view.selected

    @selected.setter
    def selected(self, selected: int) -> None:
        last = self._grid[0] * self._grid[1] - 1
        number = as_whole(selected)
        if number == WHOLE and not self._has_class:
            raise ValueError(TEXTS["no class"].format(last=last))
        if number not in range(WHOLE, last + 1):
            raise ValueError(TEXTS["selected"].format(last=last, value=selected))
        self.view.selected = number

    @property
    def shuffle(self) -> int:
        """int: 0, or the seed by which the patches are shuffled; assign to shuffle them."""
        return self.view.shuffle

    @shuffle.setter
    def shuffle(self, seed: int) -> None:
        if self._function is None:
            raise ValueError(TEXTS["arrays"])
        self.view.shuffle = whole_number("shuffle", seed, 0, 2**31 - 1)

    @property
    def image(self) -> Float[np.ndarray, "height width"] | Float[np.ndarray, "height width 3"]:
        """(height, width) or (height, width, 3) float64: the image as it is now, perhaps shuffled."""
        return self._shuffled(self.view.shuffle)

    @property
    def weights(self) -> Float[np.ndarray, "rows columns"]:
        """(rows, columns) float64: what the picked patch gives to each patch; without the class token's share."""
        row = self._weights[self.view.layer, self.view.head, self.view.selected + self._has_class]
        return row[int(self._has_class) :].reshape(self._grid).copy()

    @property
    def error(self) -> str:
        """str: what is wrong with the function on the present image; empty while it works."""
        return self.view.error

    def _shuffled(self, seed):
        if not seed:
            return self._image.copy()
        rows, columns = self._grid
        order = np.random.default_rng(seed).permutation(rows * columns)
        cut = self._image.reshape(rows, self._size, columns, self._size, -1).swapaxes(1, 2)
        cut = cut.reshape(rows * columns, self._size, self._size, -1)[order]  # (patches, size, size, channels)
        cut = cut.reshape(rows, columns, self._size, self._size, -1).swapaxes(1, 2)
        return cut.reshape(self._image.shape)

    def _ask(self, image):
        answer = self._function(image.copy())
        if isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], (list, tuple)):
            answer = answer[1]
        try:
            weights = _checked_attention(answer, self._grid[0] * self._grid[1])
        except ValueError as problem:
            raise WrongAnswer(str(problem)) from None
        if self._weights is not None and weights.shape != self._weights.shape:
            about = {"expected": self._weights.shape, "got": weights.shape}
            raise WrongAnswer(TEXTS["alike"].format(name=name_of(self._function), **about))
        return weights

    def _shuffle_changed(self, change):
        with self._computing, self.view.hold_sync():
            image = self._shuffled(change["new"])
            self.view.image = image.astype("<f4").tobytes()
            try:
                self._weights = self._ask(image)
            except WrongAnswer as problem:
                self.view.error = str(problem)
                return
            except (
                Exception
            ) as problem:  # a learner's function may raise anything; a callback's exception is seen nowhere
                self.view.error = explain(problem, name_of(self._function))
                return
            self.view.error = ""
            self.view.weights = self._weights.astype("<f4").tobytes()

    def _who(self):
        return TEXTS["class"] if self.selected == WHOLE else TEXTS["a patch"].format(number=self.selected + 1)

    def text_alternative(self) -> str:
        weights = self.weights
        row, column = np.unravel_index(weights.argmax(), weights.shape)
        return TEXTS["alternative"].format(
            rows=self._grid[0],
            columns=self._grid[1],
            layer=self.layer + 1,
            head=self.head + 1,
            who=self._who(),
            row=row + 1,
            column=column + 1,
            weight=weights.max(),
        )

    def still(self) -> "Picture":
        figure = self._picture(6.8, 3.2)
        left, right = figure.subplots(1, 2)
        left.imshow(self.image.clip(0, 1), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        left.set_title(TEXTS["image title"])
        shown = right.imshow(self.weights, cmap="cividis", vmin=0, interpolation="nearest")
        right.set_title(TEXTS["attention title"].format(who=self._who()))
        figure.colorbar(shown, ax=right)
        for ax in (left, right):
            ax.set_xticks([])
            ax.set_yticks([])
        return figure


def _checked_image(image):
    """An image as float64 (height, width) or (height, width, 3)."""
    try:
        rank = image.ndim if hasattr(image, "ndim") else np.ndim(image)
    except ValueError:  # rows of different lengths
        rank = None
    if rank not in (2, 3):
        got = f"an array of shape {np.shape(image)}" if rank else describe(image)
        raise ValueError(TEXTS["image"].format(got=got))
    most = {"height": MAX_SIDE, "width": MAX_SIDE}
    axes, sizes = ("height width", {}) if rank == 2 else ("height width channels", {"channels": 3})
    image = read_array("image", image, axes, most=most, **sizes)
    if image.min() < 0 or image.max() > 1:
        raise ValueError(TEXTS["range"].format(least=image.min(), most=image.max()))
    return image


def _checked_attention(attention, patches):
    """Attention of all layers as float64 (layers, heads, tokens, tokens)."""
    if hasattr(attention, "shape") and len(attention.shape) == 4:
        attention = list(attention)
    if not isinstance(attention, (list, tuple)) or not attention:
        raise ValueError(TEXTS["layers"].format(got=describe(attention)))
    checked = []
    for number, layer in enumerate(attention):
        if len(getattr(layer, "shape", ())) == 4 and layer.shape[0] == 1:
            layer = layer[0]
        sizes = {} if not checked else {"heads": checked[0].shape[0], "queries": checked[0].shape[1]}
        layer = read_array(f"attention[{number}]", layer, "heads queries keys", most={"heads": MAX_HEADS}, **sizes)
        if layer.shape[1] != layer.shape[2] or layer.shape[1] - patches not in (0, 1):
            raise ValueError(TEXTS["tokens"].format(patches=patches, got=layer.shape[1]))
        checked.append(layer)
    whole_number("layers of attention", len(checked), 1, MAX_LAYERS)
    return np.stack(checked)
