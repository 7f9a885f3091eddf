"""How good a model's answers are: one small function a metric.

Sources: Papineni et al. 2002, "BLEU"; Popović 2015, "chrF"; Post 2018, "A Call for Clarity in Reporting BLEU Scores".
"""

from collections.abc import Sequence
from typing import Any

import torch

from course_lib.checking import entries, strings

TEXTS = {
    "entries": "a sequence with an entry for each answer",
    "empty": "there is nothing to judge: {name} is empty",
    "lengths": "predictions has {predictions} entries and references has {references}; expected as many of each",
    "shapes": "predictions has shape {predictions} and targets {targets}; expected the same, or an axis of logits more",
    "no targets": "every target is pad_id = {pad_id}; expected at least one that counts",
}


def accuracy(predictions: Any, targets: Any, pad_id: int | None = None) -> float:
    """The share of targets that were predicted.

    Args:
        predictions: whole numbers, shaped as targets, or logits (..., classes), of which the largest wins.
        targets: whole numbers (...).
        pad_id: targets that do not count; None: all count.

    Returns:
        float from 0 to 1.

    Raises:
        ValueError: shapes that do not fit, or no target that counts.
    """
    predictions, targets = torch.as_tensor(predictions), torch.as_tensor(targets)
    if predictions.ndim == targets.ndim + 1:
        predictions = predictions.argmax(dim=-1)
    if predictions.shape != targets.shape:
        shapes = {"predictions": tuple(predictions.shape), "targets": tuple(targets.shape)}
        raise ValueError(TEXTS["shapes"].format(**shapes))
    if targets.numel() == 0:
        raise ValueError(TEXTS["empty"].format(name="targets"))
    right = predictions == targets
    if pad_id is not None:
        right = right[targets != pad_id]
        if right.numel() == 0:
            raise ValueError(TEXTS["no targets"].format(pad_id=pad_id))
    return right.double().mean().item()


def exact_match(predictions: Sequence, references: Sequence) -> float:
    """The share of predictions that equal their reference entirely.

    Args:
        predictions: sequence of str, or of anything that compares with ==.
        references: the same.

    Returns:
        float from 0 to 1.

    Raises:
        ValueError, TypeError: none at all, not as many of each, or one str instead of a sequence.
    """
    predictions, references = _paired(predictions, references)
    return sum(map(_equal, predictions, references)) / len(references)


def bleu(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU, as sacrebleu computes it by default (13a tokens, so that the number compares with published ones).

    Args:
        predictions: sequence of str, detokenized.
        references: sequence of str, one for each.

    Returns:
        float from 0 to 100.

    Raises:
        ValueError, TypeError: none at all, not as many of each, or not texts.
    """
    import sacrebleu

    predictions, references = _texts(predictions, references)
    return sacrebleu.corpus_bleu(predictions, [references]).score


def chrf(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Corpus chrF2, as sacrebleu computes it by default: n-grams of characters, fairer where words have many endings.

    Args:
        predictions: sequence of str, detokenized.
        references: sequence of str, one for each.

    Returns:
        float from 0 to 100.

    Raises:
        ValueError, TypeError: none at all, not as many of each, or not texts.
    """
    import sacrebleu

    predictions, references = _texts(predictions, references)
    return sacrebleu.corpus_chrf(predictions, [references]).score


def _equal(prediction, reference):
    same = prediction == reference
    return bool(same.all()) if hasattr(same, "all") else bool(same)


def _paired(predictions, references):
    predictions = entries("predictions", predictions, TEXTS["entries"])
    references = entries("references", references, TEXTS["entries"])
    if not references:
        raise ValueError(TEXTS["empty"].format(name="references"))
    if len(predictions) != len(references):
        raise ValueError(TEXTS["lengths"].format(predictions=len(predictions), references=len(references)))
    return predictions, references


def _texts(predictions, references):
    return _paired(strings("predictions", predictions), strings("references", references))
