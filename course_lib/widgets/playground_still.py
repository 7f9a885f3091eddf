"""AttentionPlayground where no kernel runs: a picture, and the picture in words."""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from course_lib.widgets.base import STILL_DPI
from course_lib.widgets.playground_checks import SUM_TOLERANCE

if TYPE_CHECKING:
    from course_lib.plots import Picture
    from course_lib.widgets.attention_playground import AttentionPlayground

FEW = 12  # up to here every token has its arrows, and every row its words

TEXTS = {
    "still_title": "Attention over “{sentence}”",
    "still_title_scores": "Queries and keys of “{sentence}”",
    "still_failed": "no weights: the attention function failed",
    "still_scores": "scores: queries @ keysᵀ",
    "still_scaled": "scaled: scores / √d_k",
    "still_masked": "masked: −∞ where a query may not look",
    "alternative": "{title}: {rows}.",
    "alternative_row": "“{query}” attends most to “{key}” ({weight:.2f})",
    "alternative_scores": "“{query}” scores highest with “{key}” ({score:.2f})",
    "alternative_nothing": "“{query}” attends to nothing",
    "alternative_failed": "{title}: no weights to show. {error}",
}


def in_words(playground: "AttentionPlayground") -> str:
    """Say in one sentence what the picture shows: where each query's attention goes, or its highest score."""
    title = _title(playground)
    with_weights = _has_weights(playground)
    shown = playground.weights if with_weights else playground.scores
    if shown is None:
        return TEXTS["alternative_failed"].format(title=title, error=playground.error)
    rows = []
    told = range(len(shown)) if len(shown) <= FEW else [playground.selected]
    for token, row in ((playground.tokens[query], shown[query]) for query in told):
        best = int(row.argmax())
        key, most = playground.tokens[best], row[best]
        if not with_weights:
            rows.append(TEXTS["alternative_scores"].format(query=token, key=key, score=most))
        elif not row.any():
            rows.append(TEXTS["alternative_nothing"].format(query=token))
        else:
            rows.append(TEXTS["alternative_row"].format(query=token, key=key, weight=most))
    return TEXTS["alternative"].format(title=title, rows="; ".join(rows))


def _has_weights(playground):
    """Whether the picture goes as far as weights, or what is made of them."""
    return not {"weights", "context"}.isdisjoint(playground.stages)


def picture(playground: "AttentionPlayground") -> "Picture":
    """Draw the present state without a browser: arrows where there are two dimensions, and the stage's numbers.

    Returns:
        a matplotlib figure; its `alternative` is the picture in words.
    """
    from course_lib import plots  # matplotlib takes a while to load

    planes = []
    weights, context = playground.weights, playground.context
    few = len(playground.tokens) <= FEW
    if playground.queries.shape[1] == 2 and few:
        planes.append({"queries": playground.queries, "keys": playground.keys})
    if playground.values.shape[1] == 2 and few and "context" in playground.stages:
        planes.append({"values": playground.values} | ({} if context is None else {"context": context}))
    figure = plots.Picture(figsize=(4.4 * (len(planes) + 1), 4.2), dpi=STILL_DPI)
    *plane_axes, map_axes = figure.subplots(1, len(planes) + 1, squeeze=False)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for ax, groups in zip(plane_axes, planes, strict=True):
            plots.vectors(groups, playground.tokens, ax=ax)
        labels = playground.tokens if few else None
        if playground.stage in ("scores", "scaled", "masked"):
            title, scores = TEXTS[f"still_{playground.stage}"], _scores_at(playground, playground.stage)
            plots.attention_heatmap(scores, labels, labels, ax=map_axes, title=title, vmin=None, vmax=None)
        elif weights is None:
            map_axes.set_axis_off()
            map_axes.text(0.5, 0.5, TEXTS["still_failed"], ha="center", va="center", wrap=True)
        else:
            shares = np.clip(weights, 0, 1)
            are_shares = np.allclose(shares, weights, atol=SUM_TOLERANCE)
            scale = {} if are_shares and few else {"vmin": None, "vmax": None}
            plots.attention_heatmap(shares if are_shares else weights, labels, labels, ax=map_axes, **scale)
    figure.suptitle(plots.visible(playground.title or _title(playground)), parse_math=False)
    figure.alternative = in_words(playground)
    return figure


def _scores_at(playground, stage):
    """(queries, keys) float64: what the softmax reads, as far as it is computed at one of the first three stages."""
    if stage == "scores":
        return playground.scores
    return (
        playground.scaled_scores if stage == "scaled" else np.where(playground.mask, playground.scaled_scores, -np.inf)
    )


def _title(playground):
    sentence = " ".join(playground.tokens[:FEW]) + (" …" if len(playground.tokens) > FEW else "")
    return TEXTS["still_title" if _has_weights(playground) else "still_title_scores"].format(sentence=sentence)
