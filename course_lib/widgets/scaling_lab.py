"""ScalingLab: why scores are divided by √d_k, as a dial to turn.

The page computes; Python holds the vectors and computes the same numbers when they are read.
"""

from typing import TYPE_CHECKING

import numpy as np
import traitlets
from jaxtyping import Float, Real

from course_lib.attention import dot_scores, softmax
from course_lib.checking import Array, flag, read_array, real_number, whole_number
from course_lib.colours import PALETTE
from course_lib.widgets.base import View, Widget, checked_title, counted, shown
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.page import page_module

if TYPE_CHECKING:
    from course_lib.plots import Picture

MAX_DIMENSIONS, MAX_VECTORS = 1024, 64
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.1, 10.0

TEXTS = {
    "alternative": (
        "{keys} of {dimensions}, scores {scaled}, temperature {temperature:g}: the scores spread by "
        "{spread:.2f}; the largest weight of a query is {largest:.2f} on average, its entropy {entropy:.2f} of "
        "{most:.2f} nats, and the gradient through softmax {gradient:.3f}."
    ),
    "scaled": "divided by √d_k",
    "plain": "not scaled",
    "scores": "scores of all queries",
    "count": "how many",
    "weights": "weights of query {query}",
    "key": "key",
    "weight": "weight",
}


class ScalingLabView(View):
    """What the page and Python tell each other."""

    _esm, _css = page_module("scaling_lab")

    title = traitlets.Unicode().tag(sync=True)
    query_vectors = traitlets.Bytes().tag(sync=True)  # float32, row by row
    key_vectors = traitlets.Bytes().tag(sync=True)
    shape = traitlets.Dict().tag(sync=True)  # {"queries", "keys", "dimensions"}
    d_k = traitlets.Int().tag(sync=True)
    num_keys = traitlets.Int().tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    scaled = traitlets.Bool(False).tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)


class ScalingLab(Widget):
    """Turn the number of dimensions, and watch softmax flatten or saturate; scale the scores, and watch it recover.

    Args:
        queries: numbers, at most 64 by 1,024; None: 64 by 512 from N(0, 1).
        keys: the same; None: 32 by as many dimensions as the queries have.
        d_k: how many of the dimensions count at first; None: 64, or all there are.
        scaled: whether scores are divided by √d_k at first.
        temperature: what the scores are divided by after that, 0.1 to 10.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError, TypeError: wrong shapes, too many vectors or dimensions, NaN or infinity, or a flag that is none.

    Example:
        >>> lab = ScalingLab(d_k=256)
        >>> lab.weights.shape
        (64, 32)

    Source: Vaswani et al. 2017, "Attention Is All You Need", §3.2.1.
    """

    def __init__(
        self,
        queries: Real[Array, "queries dimensions"] | None = None,
        keys: Real[Array, "keys dimensions"] | None = None,
        *,
        d_k: int | None = None,
        scaled: bool = False,
        temperature: float = 1.0,
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        rng = np.random.default_rng(0)
        most = {"queries": MAX_VECTORS, "keys": MAX_VECTORS, "dimensions": MAX_DIMENSIONS}
        queries = rng.normal(size=(64, 512)) if queries is None else queries
        self._queries = read_array("queries", queries, "queries dimensions", most=most)
        dimensions = self._queries.shape[1]
        keys = rng.normal(size=(32, dimensions)) if keys is None else keys
        self._keys = read_array("keys", keys, "keys dimensions", most=most, dimensions=dimensions)
        d_k = min(64, dimensions) if d_k is None else whole_number("d_k", d_k, 1, dimensions)
        self.view = ScalingLabView(
            title=checked_title(title),
            query_vectors=self._queries.astype("<f4").tobytes(),
            key_vectors=self._keys.astype("<f4").tobytes(),
            shape={"queries": len(self._queries), "keys": len(self._keys), "dimensions": dimensions},
            d_k=d_k,
            num_keys=len(self._keys),
            temperature=real_number("temperature", temperature, least=LEAST_TEMPERATURE, most=MOST_TEMPERATURE),
            scaled=flag("scaled", scaled),
        )
        pursue(goal, self)

    d_k = shown(
        "d_k",
        "int: how many dimensions count; assign to change it.",
        lambda lab, value: whole_number("d_k", value, 1, lab._queries.shape[1]),
    )
    num_keys = shown(
        "num_keys",
        "int: how many keys there are; assign to change it.",
        lambda lab, value: whole_number("num_keys", value, 1, len(lab._keys)),
    )
    temperature = shown(
        "temperature",
        "float: what the scores are divided by at last; assign to change it.",
        lambda lab, value: real_number("temperature", value, least=LEAST_TEMPERATURE, most=MOST_TEMPERATURE),
    )
    scaled = shown(
        "scaled",
        "bool: whether scores are divided by √d_k; assign to change it.",
        lambda lab, value: flag("scaled", value),
    )
    selected = shown(
        "selected",
        "int: the query that is followed; assign to follow another.",
        lambda lab, value: whole_number("selected", value, 0, len(lab._queries) - 1),
    )

    @property
    def scores(self) -> Float[np.ndarray, "queries keys"]:
        """(queries, keys) float64: what softmax gets."""
        d_k, num_keys = self.view.d_k, self.view.num_keys
        scores = dot_scores(self._queries[:, :d_k], self._keys[:num_keys, :d_k])
        return scores / (np.sqrt(d_k) if self.view.scaled else 1.0) / self.view.temperature

    @property
    def weights(self) -> Float[np.ndarray, "queries keys"]:
        """(queries, keys) float64: softmax of the scores."""
        return softmax(self.scores)

    @property
    def entropies(self) -> Float[np.ndarray, " queries"]:
        """(queries,) float64: the entropy of each query's weights, in nats; at most log(num_keys)."""
        weights = self.weights
        return 0.0 - (weights * np.log(np.where(weights > 0, weights, 1.0))).sum(axis=1)  # 0, not -0, of a sure choice

    @property
    def gradients(self) -> Float[np.ndarray, " queries"]:
        """(queries,) float64: the Frobenius norm of softmax's Jacobian for each query."""
        weights = self.weights
        squares, cubes = (weights**2).sum(axis=1), (weights**3).sum(axis=1)
        return np.sqrt(np.maximum(squares - 2 * cubes + squares**2, 0.0))  # of diag(p) - p pᵀ

    def text_alternative(self) -> str:
        return TEXTS["alternative"].format(
            keys=counted(self.num_keys, "key"),
            dimensions=counted(self.d_k, "dimension"),
            scaled=TEXTS["scaled" if self.scaled else "plain"],
            temperature=self.temperature,
            spread=self.scores.std(),
            largest=self.weights.max(axis=1).mean(),
            entropy=self.entropies.mean(),
            most=np.log(self.num_keys),
            gradient=self.gradients.mean(),
        )

    def still(self) -> "Picture":
        figure = self._picture(8.6, 3.2)
        spread, shares = figure.subplots(1, 2)
        spread.hist(self.scores.ravel(), bins=41, color=PALETTE["queries"])
        spread.set(xlabel=TEXTS["scores"], ylabel=TEXTS["count"])
        selected = self.view.selected
        shares.bar(range(self.num_keys), self.weights[selected], color=PALETTE["keys"])
        shares.set(
            xlabel=TEXTS["key"], ylabel=TEXTS["weight"], ylim=(0, 1), title=TEXTS["weights"].format(query=selected + 1)
        )
        return figure
