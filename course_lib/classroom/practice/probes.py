"""A question to attention weights that a lesson asks of a trained model: which scale do they imply?"""

import numpy as np


def implied_scale(weights, queries, keys):
    """The factor on QKᵀ that explains the weights: the slope of row-centred log-weights on row-centred QKᵀ.

    Args:
        weights: (queries, keys), all positive.
        queries: (queries, d_k).
        keys: (keys, d_k).

    Returns:
        (slope, misfit): the factor (1/√d_k for scaled dot-product attention), and the largest deviation of a
        log-weight from that line, 0 when the weights are exactly a softmax of a multiple of QKᵀ.
    """
    with np.errstate(all="ignore"):
        logs = np.log(np.asarray(weights, float))
    products = queries @ keys.T  # (queries, keys)
    logs = logs - logs.mean(axis=-1, keepdims=True)
    products = products - products.mean(axis=-1, keepdims=True)
    slope = float((logs * products).sum() / (products * products).sum())
    return slope, float(np.abs(logs - slope * products).max())
