"""Attention in NumPy: one function an idea, and beside each idea the same as plain loops (`*_by_loops`).

    queries, keys  ->  scores  ->  mask  ->  softmax  ->  weights;    weights @ values = context

Everywhere:

- scores and weights are (..., queries, keys), one row a query; `...` are leading axes such as batch, which broadcast;
- a mask is boolean, True means "may attend"; a query that may attend to nothing gets weights of 0 and a context of 0;
- float16, float32 and float64 come back as they came (float16 is computed in float32), integers become float64;
- an empty axis, NaN and infinity are refused with a `ValueError`; only scores may hold -inf, meaning "no attention";
- inputs are never changed.

Sources: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762; Bahdanau et al. 2014, arXiv 1409.0473;
Luong et al. 2015, arXiv 1508.04025; Beltagy et al. 2020, "Longformer", arXiv 2004.05150.
"""

import functools
import inspect

import numpy as np

from course_lib.checking import whole_number

TEXTS = {
    "unreadable": "{name} cannot be read as an array: {reason}",
    "dtype": "{name} has dtype {dtype} and shape {shape}; expected real numbers (float or int)",
    "rank": "{name} has shape {shape}; expected {expected}",
    "empty": "{name} has shape {shape}, which is empty; expected {expected} with at least one entry on every axis",
    "size": (
        "{name} has shape {shape}, so its axis {axis} is {size}; "
        "expected {expected} with {axis} = {wanted}, as in {source}"
    ),
    "broadcast": "{shapes}: they do not broadcast with each other",
    "broadcast leading": "{shapes}: their leading axes do not broadcast with each other",
    "shape": "{name} has shape {shape}",
    "not finite": "{name} holds {value} at index {index} of its shape {shape}; expected {expected}",
    "finite": "finite numbers",
    "finite or -inf": "finite numbers, or -inf for no attention",
    "overflow": "the answer of {function} overflows {dtype}; pass smaller numbers or a larger float dtype for {names}",
    "mask dtype": (
        "{name} has dtype {dtype} and shape {shape}{nan}; expected booleans, True = may attend. Convert it: "
        "`{name} != 0` where 1 means may attend, `{name} == 0` where it holds 0 and -inf to be added to the scores"
    ),
    "mask nan": ", and holds nan",
    "mask shape": "{name} has shape {shape}, which does not broadcast to the scores' shape {wanted}",
    "no masks": "masks is empty; expected at least one mask",
    "ids": "{name} has dtype {dtype} and shape {shape}; expected whole numbers of shape {expected}",
    "axis": "axis is {axis!r}, but scores has shape {shape}; expected a whole number from {lowest} to {highest}",
    "no axis": "scores has shape (); expected at least one axis to take the softmax over",
    "heads": "num_heads is {num_heads}, which does not divide {axis} = {size} in {name} of shape {shape}",
}


# ---------------------------------------------------------------------------------------------------------------------
# How arguments are checked. Skip to "From scores to weights" on a first reading: the ideas begin there.
# ---------------------------------------------------------------------------------------------------------------------


def _checked(**axes):
    """Check a function's arrays by the axes that they must have, so that its body can be the idea alone.

    `@_checked(queries="... queries d_k", keys="... keys d_k")` says: two axes at least, d_k the same in both, leading
    axes that broadcast. The body gets floats of one dtype, at least float32, and a boolean mask; its answer goes back
    to the caller's dtype.
    """

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args, **kwargs):
            call = signature.bind(*args, **kwargs)
            arrays = {name: _numbers(name, call.arguments[name]) for name in axes}
            _check_axes(axes, arrays)
            dtype = np.result_type(*arrays.values())
            computing = np.result_type(dtype, np.float32)
            call.arguments.update({name: array.astype(computing, copy=False) for name, array in arrays.items()})
            if call.arguments.get("mask") is not None:
                call.arguments["mask"] = _booleans("mask", call.arguments["mask"])

            with np.errstate(all="ignore"):  # an overflow becomes an error below, which says what to do
                answers = function(*call.args, **call.kwargs)
                several = isinstance(answers, tuple)
                answers = [answer.astype(dtype, copy=False) for answer in (answers if several else [answers])]
            if not all(np.isfinite(answer).all() for answer in answers):
                names = ", ".join(axes)
                raise ValueError(TEXTS["overflow"].format(function=function.__name__, dtype=dtype, names=names))
            return tuple(answers) if several else answers[0]

        return checked

    return decorate


def _check_axes(axes, arrays):
    """Check that arrays have the axes named, that axes of one name have one size, and that leading axes broadcast."""
    known = {}  # name of an axis -> its size, and the argument that says so
    leading = {}
    for name, array in arrays.items():
        shape = array.shape
        named = [axis for axis in axes[name].split() if axis != "..."]
        about = {"name": name, "shape": shape, "expected": f"({', '.join(axes[name].split())})"}
        extra = len(shape) - len(named)
        if extra < 0 or (extra > 0 and "..." not in axes[name]):
            raise ValueError(TEXTS["rank"].format(**about))
        if array.size == 0:
            raise ValueError(TEXTS["empty"].format(**about))
        for axis, size in zip(named, shape[extra:], strict=True):
            parts = [known[part] for part in axis.split("+") if part in known]
            if not parts:
                known[axis] = size, f"{name} of shape {shape}"
                continue
            wanted = sum(part for part, _ in parts)
            if size != wanted:
                source = " and ".join(source for _, source in parts)
                raise ValueError(TEXTS["size"].format(**about, axis=axis, size=size, wanted=wanted, source=source))
        if "..." in axes[name]:
            leading[name] = shape[:extra]
    try:
        np.broadcast_shapes(*leading.values())
    except ValueError:
        shapes = _shapes({name: arrays[name] for name in leading})
        raise ValueError(TEXTS["broadcast leading"].format(shapes=shapes)) from None


def _shapes(arrays):
    return ", ".join(TEXTS["shape"].format(name=name, shape=array.shape) for name, array in arrays.items())


def _array(name, value):
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged, or refuses to become an array
        raise ValueError(TEXTS["unreadable"].format(name=name, reason=error)) from error


def _numbers(name, value):
    array = _array(name, value)
    if array.dtype.kind not in "fiu":
        raise ValueError(TEXTS["dtype"].format(name=name, dtype=array.dtype, shape=array.shape))
    if array.dtype.kind != "f":
        return array.astype(np.float64)
    refused = ~np.isfinite(array)
    if name == "scores":
        refused &= ~np.isneginf(array)
    if refused.any():
        index = tuple(int(i) for i in np.argwhere(refused)[0])
        expected = TEXTS["finite or -inf" if name == "scores" else "finite"]
        about = {"name": name, "value": float(array[index]), "index": index, "shape": array.shape, "expected": expected}
        raise ValueError(TEXTS["not finite"].format(**about))
    return array


def _booleans(name, value):
    mask = _array(name, value)
    if mask.dtype != bool:
        nan = TEXTS["mask nan"] if mask.dtype.kind in "fc" and np.isnan(mask).any() else ""
        raise ValueError(TEXTS["mask dtype"].format(name=name, dtype=mask.dtype, shape=mask.shape, nan=nan))
    return mask


def _fit(mask, shape):
    """Broadcast a mask to the scores' shape; without one, all may attend."""
    mask = np.array(True) if mask is None else mask
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise ValueError(TEXTS["mask shape"].format(name="mask", shape=mask.shape, wanted=shape)) from None


def _divided(num_heads, name, array, axis):
    num_heads, size = whole_number("num_heads", num_heads, least=1), array.shape[-1]
    if size % num_heads:
        about = {"num_heads": num_heads, "name": name, "axis": axis, "size": size, "shape": array.shape}
        raise ValueError(TEXTS["heads"].format(**about))
    return num_heads


# ---------------------------------------------------------------------------------------------------------------------
# From scores to weights
# ---------------------------------------------------------------------------------------------------------------------


@_checked(scores="...")
def softmax(scores, axis=-1, mask=None):
    """Turn scores into weights that are positive and sum to 1 along an axis.

    Subtracting the maximum m keeps every exponential at most 1 and cancels: e^(s-m) / Σ e^(s-m) = e^s / Σ e^s.

    Args:
        scores: any shape with at least one axis; -inf means "no attention".
        axis: the axis along which the weights sum to 1. For attention the last one: the keys.
        mask: boolean, broadcasts to the shape of scores; True = may attend.

    Returns:
        weights, of the shape of scores. Masked entries are exactly 0; where nothing may be attended to, all are 0.

    Raises:
        ValueError: scores holds NaN or +inf, is empty or no real numbers; axis or mask does not fit it.

    Source: Vaswani 2017, §3.2.1, eq. 1; zeros for what is fully masked as in PyTorch's fused attention.
    """
    axis = _softmax_axis(axis, scores.shape)
    scores = np.where(_fit(mask, scores.shape), scores, -np.inf)
    highest = scores.max(axis=axis, keepdims=True)
    highest = np.where(highest == -np.inf, 0, highest)  # nothing to attend to: -inf - 0 is -inf, but -inf - -inf is NaN
    exponentials = np.exp(scores - highest)  # in [0, 1]; exactly 0 where masked
    total = exponentials.sum(axis=axis, keepdims=True)  # at least e^0 = 1, or 0 with nothing to attend to
    return exponentials / np.where(total == 0, 1, total)


def _softmax_axis(axis, shape):
    rank = len(shape)
    if rank == 0:
        raise ValueError(TEXTS["no axis"])
    try:
        return range(rank)[whole_number("axis", axis)]  # counted from the end where negative
    except IndexError:
        about = {"axis": axis, "shape": shape, "lowest": -rank, "highest": rank - 1}
        raise ValueError(TEXTS["axis"].format(**about)) from None


@_checked(scores="queries keys")
def softmax_by_loops(scores, mask=None):
    """`softmax` over the keys of one (queries, keys) map, as loops."""
    num_queries, num_keys = scores.shape
    mask = _fit(mask, scores.shape)
    weights = np.zeros_like(scores)
    for query in range(num_queries):
        allowed = [key for key in range(num_keys) if mask[query, key] and scores[query, key] > -np.inf]
        if not allowed:
            continue  # nothing to attend to: this row stays 0
        highest = max(scores[query, key] for key in allowed)
        total = sum(np.exp(scores[query, key] - highest) for key in allowed)
        for key in allowed:
            weights[query, key] = np.exp(scores[query, key] - highest) / total
    return weights


# ---------------------------------------------------------------------------------------------------------------------
# Scores: how well a key fits a query
# ---------------------------------------------------------------------------------------------------------------------


@_checked(queries="... queries d_k", keys="... keys d_k")
def dot_scores(queries, keys):
    """Score each key against each query by their dot product.

    Args:
        queries: (..., queries, d_k).
        keys: (..., keys, d_k).

    Returns:
        scores: (..., queries, keys).

    Raises:
        ValueError: the shapes do not fit, or an array is empty, not finite or no real numbers.

    Source: Luong 2015, §3.1, "dot".
    """
    return queries @ keys.mT  # (..., queries, keys)


@_checked(queries="queries d_k", keys="keys d_k")
def dot_scores_by_loops(queries, keys):
    """`dot_scores` of (queries, d_k) and (keys, d_k), as loops."""
    (num_queries, d_k), num_keys = queries.shape, len(keys)
    scores = np.zeros((num_queries, num_keys), queries.dtype)
    for query in range(num_queries):
        for key in range(num_keys):
            for feature in range(d_k):
                scores[query, key] += queries[query, feature] * keys[key, feature]
    return scores


@_checked(queries="... queries d_k", keys="... keys d_k")
def scaled_dot_scores(queries, keys):
    """Score by dot products divided by √d_k, so that their spread does not grow with the number of features.

    If all features are independent with mean 0 and variance 1, the dot products' standard deviation is √d_k.

    Args:
        queries: (..., queries, d_k).
        keys: (..., keys, d_k).

    Returns:
        scores: (..., queries, keys).

    Raises:
        ValueError: the shapes do not fit, or an array is empty, not finite or no real numbers.

    Source: Vaswani 2017, §3.2.1, eq. 1.
    """
    d_k = queries.shape[-1]
    return dot_scores(queries, keys) / d_k**0.5  # (..., queries, keys)


@_checked(queries="queries d_k", keys="keys d_k")
def scaled_dot_scores_by_loops(queries, keys):
    """`scaled_dot_scores` of (queries, d_k) and (keys, d_k), as loops."""
    d_k = queries.shape[1]
    scores = dot_scores_by_loops(queries, keys)
    for query in range(len(queries)):
        for key in range(len(keys)):
            scores[query, key] /= d_k**0.5
    return scores


@_checked(queries="... queries d_q", keys="... keys d_k", W_q="d_hidden d_q", W_k="d_hidden d_k", v="d_hidden")
def additive_scores(queries, keys, W_q, W_k, v):
    """Score by a small network with one hidden layer: v · tanh(W_q q + W_k k).

    The matrices stand to the left of a vector, as in the paper.

    Args:
        queries: (..., queries, d_q).
        keys: (..., keys, d_k); d_k may differ from d_q.
        W_q: (d_hidden, d_q).
        W_k: (d_hidden, d_k).
        v: (d_hidden,).

    Returns:
        scores: (..., queries, keys).

    Raises:
        ValueError: the shapes do not fit, or an array is empty, not finite or no real numbers.

    Source: Bahdanau 2014, §3.1 and appendix A.1.2 (there: query s, key h, W_a, U_a, v_a).
    """
    from_queries = (queries @ W_q.T)[..., :, None, :]  # (..., queries, 1, d_hidden)
    from_keys = (keys @ W_k.T)[..., None, :, :]  # (..., 1, keys, d_hidden)
    return np.tanh(from_queries + from_keys) @ v  # (..., queries, keys)


@_checked(queries="queries d_q", keys="keys d_k", W_q="d_hidden d_q", W_k="d_hidden d_k", v="d_hidden")
def additive_scores_by_loops(queries, keys, W_q, W_k, v):
    """`additive_scores` of (queries, d_q) and (keys, d_k), as loops."""
    scores = np.zeros((len(queries), len(keys)), queries.dtype)
    for query in range(len(queries)):
        for key in range(len(keys)):
            for unit in range(len(v)):
                total = sum(W_q[unit, feature] * queries[query, feature] for feature in range(queries.shape[1]))
                total += sum(W_k[unit, feature] * keys[key, feature] for feature in range(keys.shape[1]))
                scores[query, key] += v[unit] * np.tanh(total)
    return scores


@_checked(queries="... queries d_q", keys="... keys d_k", W="d_q d_k")
def general_scores(queries, keys, W):
    """Score by qᵀ W k: a dot product after a learned map between the spaces of queries and keys.

    Args:
        queries: (..., queries, d_q).
        keys: (..., keys, d_k); d_k may differ from d_q.
        W: (d_q, d_k).

    Returns:
        scores: (..., queries, keys).

    Raises:
        ValueError: the shapes do not fit, or an array is empty, not finite or no real numbers.

    Source: Luong 2015, §3.1, "general".
    """
    return queries @ W @ keys.mT  # (..., queries, keys)


@_checked(queries="queries d_q", keys="keys d_k", W="d_q d_k")
def general_scores_by_loops(queries, keys, W):
    """`general_scores` of (queries, d_q) and (keys, d_k), as loops."""
    scores = np.zeros((len(queries), len(keys)), queries.dtype)
    for query in range(len(queries)):
        for key in range(len(keys)):
            for row in range(W.shape[0]):
                for column in range(W.shape[1]):
                    scores[query, key] += queries[query, row] * W[row, column] * keys[key, column]
    return scores


@_checked(queries="... queries d_q", keys="... keys d_k", W="d_hidden d_q+d_k", v="d_hidden")
def concat_scores(queries, keys, W, v):
    """Score by v · tanh(W [q; k]), query and key written one after the other.

    W [q; k] = W_q q + W_k k with W = [W_q W_k]: it is the additive score with its two matrices side by side.

    Args:
        queries: (..., queries, d_q).
        keys: (..., keys, d_k); d_k may differ from d_q.
        W: (d_hidden, d_q + d_k).
        v: (d_hidden,).

    Returns:
        scores: (..., queries, keys).

    Raises:
        ValueError: the shapes do not fit, or an array is empty, not finite or no real numbers.

    Source: Luong 2015, §3.1, "concat".
    """
    d_q = queries.shape[-1]
    return additive_scores(queries, keys, W[:, :d_q], W[:, d_q:], v)  # (..., queries, keys)


@_checked(queries="queries d_q", keys="keys d_k", W="d_hidden d_q+d_k", v="d_hidden")
def concat_scores_by_loops(queries, keys, W, v):
    """`concat_scores` of (queries, d_q) and (keys, d_k), as loops."""
    scores = np.zeros((len(queries), len(keys)), queries.dtype)
    for query in range(len(queries)):
        for key in range(len(keys)):
            pair = [*queries[query], *keys[key]]  # [q; k]
            for unit in range(len(v)):
                scores[query, key] += v[unit] * np.tanh(sum(W[unit, i] * pair[i] for i in range(len(pair))))
    return scores


# ---------------------------------------------------------------------------------------------------------------------
# Masks: who may attend to whom
# ---------------------------------------------------------------------------------------------------------------------


def causal_mask(num_queries, num_keys=None):
    """Let each query attend to its own position and the ones before it.

    The queries are the last of the positions (aligned bottom-right), as when the keys of earlier tokens were kept: a
    single new query sees every key. With fewer keys than queries, the first queries have nothing to attend to.

    Args:
        num_queries: how many queries.
        num_keys: how many keys; as many as queries if None.

    Returns:
        mask: bool (queries, keys), True = may attend.

    Raises:
        ValueError: a number is no whole number of at least 1.

    Source: Vaswani 2017, §3.2.3, third point; the alignment is that of PyTorch's `causal_lower_right`.
    """
    query_positions, key_positions = _positions(num_queries, num_keys)
    return key_positions[None, :] <= query_positions[:, None]  # (queries, keys)


def _positions(num_queries, num_keys):
    """Positions of queries and keys on one axis, on which both end at the same position."""
    num_queries = whole_number("num_queries", num_queries, least=1)
    num_keys = num_queries if num_keys is None else whole_number("num_keys", num_keys, least=1)
    return np.arange(num_queries) + (num_keys - num_queries), np.arange(num_keys)


def causal_mask_by_loops(num_queries, num_keys=None):
    """`causal_mask` as loops."""
    query_positions, key_positions = _positions(num_queries, num_keys)
    mask = np.zeros((len(query_positions), len(key_positions)), dtype=bool)
    for query, query_position in enumerate(query_positions):
        for key, key_position in enumerate(key_positions):
            mask[query, key] = key_position <= query_position
    return mask


def padding_mask(token_ids, pad_id=0):
    """Let every query attend to the real tokens of its sequence, and to none of its padding.

    Args:
        token_ids: (batch, seq_len) whole numbers; any leading axes, or none, in place of batch.
        pad_id: the id that fills sequences up to one length.

    Returns:
        mask: bool (batch, 1, seq_len), True = may attend; it broadcasts over the queries.

    Raises:
        ValueError: token_ids is empty or holds no whole numbers, or pad_id is none.
    """
    token_ids, pad_id = _token_ids(token_ids, 1, "(..., seq_len)"), whole_number("pad_id", pad_id)
    return (token_ids != pad_id)[..., None, :]  # (..., 1, seq_len)


def _token_ids(token_ids, rank, expected):
    ids = _array("token_ids", token_ids)
    fits = ids.ndim == rank or (ids.ndim > rank and "..." in expected)
    if ids.dtype.kind not in "iu" or not fits or ids.size == 0:
        raise ValueError(TEXTS["ids"].format(name="token_ids", dtype=ids.dtype, shape=ids.shape, expected=expected))
    return ids


def padding_mask_by_loops(token_ids, pad_id=0):
    """`padding_mask` of (batch, seq_len) token ids, as loops."""
    token_ids, pad_id = _token_ids(token_ids, 2, "(batch, seq_len)"), whole_number("pad_id", pad_id)
    batch, seq_len = token_ids.shape
    mask = np.zeros((batch, 1, seq_len), dtype=bool)
    for sequence in range(batch):
        for position in range(seq_len):
            mask[sequence, 0, position] = token_ids[sequence, position] != pad_id
    return mask


def sliding_window_mask(num_queries, window, num_keys=None):
    """Let each query attend to the keys at most `window` positions away, on either side.

    Queries and keys are aligned as in `causal_mask`; combined with it, the window looks back only.

    Args:
        num_queries: how many queries.
        window: the largest distance; 0 leaves each query its own position.
        num_keys: how many keys; as many as queries if None.

    Returns:
        mask: bool (queries, keys), True = may attend.

    Raises:
        ValueError: a number is no whole number, or too small.

    Source: Beltagy 2020, §3.1, whose window w counts both sides: w = 2 · window.
    """
    window = whole_number("window", window, least=0)
    query_positions, key_positions = _positions(num_queries, num_keys)
    return np.abs(query_positions[:, None] - key_positions[None, :]) <= window  # (queries, keys)


def sliding_window_mask_by_loops(num_queries, window, num_keys=None):
    """`sliding_window_mask` as loops."""
    window = whole_number("window", window, least=0)
    query_positions, key_positions = _positions(num_queries, num_keys)
    mask = np.zeros((len(query_positions), len(key_positions)), dtype=bool)
    for query, query_position in enumerate(query_positions):
        for key, key_position in enumerate(key_positions):
            mask[query, key] = abs(query_position - key_position) <= window
    return mask


def combine_masks(*masks):
    """Let a query attend where all masks allow it.

    Args:
        masks: boolean; their shapes broadcast with each other, as (queries, keys) and (batch, 1, keys) do.

    Returns:
        mask: bool of the broadcast shape, True = may attend.

    Raises:
        ValueError: there is no mask, one is not boolean, or the shapes do not broadcast.
    """
    return np.logical_and.reduce(_broadcast_masks(masks))


def _broadcast_masks(masks):
    if not masks:
        raise ValueError(TEXTS["no masks"])
    masks = {f"masks[{i}]": _booleans(f"masks[{i}]", mask) for i, mask in enumerate(masks)}
    try:
        return np.broadcast_arrays(*masks.values())
    except ValueError:
        raise ValueError(TEXTS["broadcast"].format(shapes=_shapes(masks))) from None


def combine_masks_by_loops(*masks):
    """`combine_masks` as one loop over all entries."""
    masks = _broadcast_masks(masks)
    combined = np.zeros(masks[0].shape, dtype=bool)
    for entry in np.ndindex(combined.shape):  # entry is the pair (query, key), or more where there are leading axes
        combined[entry] = all(mask[entry] for mask in masks)
    return combined


# ---------------------------------------------------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------------------------------------------------


@_checked(queries="... queries d_k", keys="... keys d_k", values="... keys d_v")
def scaled_dot_product_attention(queries, keys, values, mask=None):
    """Give each query the average of the values, weighted by how well their keys fit it: softmax(Q Kᵀ / √d_k) V.

    Args:
        queries: (..., queries, d_k).
        keys: (..., keys, d_k).
        values: (..., keys, d_v), one for each key.
        mask: boolean, broadcasts to (..., queries, keys); True = may attend.

    Returns:
        context: (..., queries, d_v).
        weights: (..., queries, keys); each row sums to 1, or is 0 where its query may attend to nothing.

    Raises:
        ValueError: the shapes do not fit, an array is empty, not finite or no real numbers, or the mask is not boolean.

    Source: Vaswani 2017, §3.2.1, eq. 1.
    """
    scores = scaled_dot_scores(queries, keys)  # (..., queries, keys)
    weights = softmax(scores, mask=mask)  # (..., queries, keys)
    return weights @ values, weights  # (..., queries, d_v), (..., queries, keys)


@_checked(queries="queries d_k", keys="keys d_k", values="keys d_v")
def scaled_dot_product_attention_by_loops(queries, keys, values, mask=None):
    """`scaled_dot_product_attention` of (queries, d_k), (keys, d_k) and (keys, d_v), as loops."""
    scores = scaled_dot_scores_by_loops(queries, keys)
    weights = softmax_by_loops(scores, mask)
    context = np.zeros((len(queries), values.shape[1]), values.dtype)
    for query in range(len(queries)):
        for key in range(len(keys)):
            for feature in range(values.shape[1]):
                context[query, feature] += weights[query, key] * values[key, feature]
    return context, weights


# ---------------------------------------------------------------------------------------------------------------------
# Several heads
# ---------------------------------------------------------------------------------------------------------------------


@_checked(x="... seq_len d_model")
def split_heads(x, num_heads):
    """Cut the features of each token into num_heads equal slices, one for each head.

    The features are cut first and the axes swapped then; a direct reshape to (heads, seq_len, d_head) would mix tokens.

    Args:
        x: (..., seq_len, d_model).
        num_heads: how many heads; divides d_model.

    Returns:
        (..., heads, seq_len, d_head) with d_head = d_model / num_heads; a view of x, as from `reshape`.

    Raises:
        ValueError: num_heads does not divide d_model, or x is empty, not finite or no real numbers.

    Source: Vaswani 2017, §3.2.2.
    """
    num_heads = _divided(num_heads, "x", x, axis="d_model")
    *leading, seq_len, d_model = x.shape
    slices = x.reshape(*leading, seq_len, num_heads, d_model // num_heads)  # (..., seq_len, heads, d_head)
    return slices.swapaxes(-3, -2)  # (..., heads, seq_len, d_head)


@_checked(x="seq_len d_model")
def split_heads_by_loops(x, num_heads):
    """`split_heads` of (seq_len, d_model), as loops."""
    num_heads = _divided(num_heads, "x", x, axis="d_model")
    seq_len, d_model = x.shape
    d_head = d_model // num_heads
    heads = np.zeros((num_heads, seq_len, d_head), x.dtype)
    for head in range(num_heads):
        for position in range(seq_len):
            for feature in range(d_head):
                heads[head, position, feature] = x[position, head * d_head + feature]
    return heads


@_checked(x="... heads seq_len d_head")
def merge_heads(x):
    """Put the slices of all heads side by side again: the inverse of `split_heads`.

    Args:
        x: (..., heads, seq_len, d_head).

    Returns:
        (..., seq_len, d_model) with d_model = heads · d_head.

    Raises:
        ValueError: x has fewer than three axes, or is empty, not finite or no real numbers.

    Source: Vaswani 2017, §3.2.2, "Concat".
    """
    *leading, num_heads, seq_len, d_head = x.shape
    return x.swapaxes(-3, -2).reshape(*leading, seq_len, num_heads * d_head)  # (..., seq_len, d_model)


@_checked(x="heads seq_len d_head")
def merge_heads_by_loops(x):
    """`merge_heads` of (heads, seq_len, d_head), as loops."""
    num_heads, seq_len, d_head = x.shape
    merged = np.zeros((seq_len, num_heads * d_head), x.dtype)
    for head in range(num_heads):
        for position in range(seq_len):
            for feature in range(d_head):
                merged[position, head * d_head + feature] = x[head, position, feature]
    return merged


@_checked(
    queries="... queries d_queries",
    keys="... keys d_keys",
    values="... keys d_values",
    W_Q="d_queries heads·d_k",
    W_K="d_keys heads·d_k",
    W_V="d_values heads·d_v",
    W_O="heads·d_v d_out",
)
def multi_head_attention(queries, keys, values, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    """Attend num_heads times at once, each head in its own projections, and mix what the heads found.

    Concat(head_1, ..., head_h) W_O with head_i = attention(queries W_Q[i], keys W_K[i], values W_V[i]), where W[i] is
    the i-th slice of the columns of W. The matrices stand to the right, x @ W, without bias. In self-attention queries,
    keys and values are one array (..., seq_len, d_model), and each matrix is (d_model, d_model).

    Args:
        queries: (..., queries, d_queries).
        keys: (..., keys, d_keys).
        values: (..., keys, d_values).
        W_Q: (d_queries, heads · d_k).
        W_K: (d_keys, heads · d_k).
        W_V: (d_values, heads · d_v).
        W_O: (heads · d_v, d_out).
        num_heads: how many heads; divides heads · d_k and heads · d_v.
        mask: boolean, True = may attend. With fewer axes than the weights it has no heads axis: it broadcasts to
            (..., queries, keys) and holds for every head, such as (queries, keys) or, for a batch, (batch, 1, keys).
            With as many axes it broadcasts to the weights, such as (heads, queries, keys) without a batch.

    Returns:
        context: (..., queries, d_out).
        weights: (..., heads, queries, keys).

    Raises:
        ValueError: the shapes do not fit, num_heads does not divide, an array is empty, not finite or no real numbers,
            or the mask is not boolean.

    Source: Vaswani 2017, §3.2.2.
    """
    _divided(num_heads, "W_Q", W_Q, axis="heads·d_k")
    _divided(num_heads, "W_V", W_V, axis="heads·d_v")
    head_queries = split_heads(queries @ W_Q, num_heads)  # (..., heads, queries, d_k)
    head_keys = split_heads(keys @ W_K, num_heads)  # (..., heads, keys, d_k)
    head_values = split_heads(values @ W_V, num_heads)  # (..., heads, keys, d_v)
    if mask is not None:
        mask = _for_heads(mask, queries.shape, keys.shape, num_heads)
    context, weights = scaled_dot_product_attention(head_queries, head_keys, head_values, mask)
    return merge_heads(context) @ W_O, weights  # (..., queries, d_out), (..., heads, queries, keys)


def _for_heads(mask, queries_shape, keys_shape, num_heads):
    """Give a mask without a heads axis one of length 1, in front of its queries and keys."""
    leading = np.broadcast_shapes(queries_shape[:-2], keys_shape[:-2])
    one_map = (queries_shape[-2], keys_shape[-2])
    if mask.ndim == len(leading) + 3:
        _fit(mask, (*leading, num_heads, *one_map))
        return mask
    _fit(mask, (*leading, *one_map))
    return mask if mask.ndim < 3 else mask[..., None, :, :]  # (..., 1, queries, keys)


@_checked(
    queries="queries d_queries",
    keys="keys d_keys",
    values="keys d_values",
    W_Q="d_queries heads·d_k",
    W_K="d_keys heads·d_k",
    W_V="d_values heads·d_v",
    W_O="heads·d_v d_out",
)
def multi_head_attention_by_loops(queries, keys, values, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    """`multi_head_attention` of (queries, d_queries), (keys, d_keys) and (keys, d_values), head by head.

    The mask broadcasts to (queries, keys) and holds for all heads.
    """
    _divided(num_heads, "W_Q", W_Q, axis="heads·d_k")
    _divided(num_heads, "W_V", W_V, axis="heads·d_v")
    d_k, d_v = W_Q.shape[1] // num_heads, W_V.shape[1] // num_heads
    contexts, weights = [], []
    for head in range(num_heads):
        k_columns = slice(head * d_k, (head + 1) * d_k)
        v_columns = slice(head * d_v, (head + 1) * d_v)
        head_queries = _project_by_loops(queries, W_Q[:, k_columns])  # (queries, d_k)
        head_keys = _project_by_loops(keys, W_K[:, k_columns])  # (keys, d_k)
        head_values = _project_by_loops(values, W_V[:, v_columns])  # (keys, d_v)
        head_context, head_weights = scaled_dot_product_attention_by_loops(head_queries, head_keys, head_values, mask)
        contexts.append(head_context)
        weights.append(head_weights)
    merged = np.concatenate(contexts, axis=1)  # (queries, heads * d_v)
    return _project_by_loops(merged, W_O), np.stack(weights)  # (queries, d_out), (heads, queries, keys)


def _project_by_loops(x, W):
    projected = np.zeros((len(x), W.shape[1]), x.dtype)
    for row in range(len(x)):
        for column in range(W.shape[1]):
            for feature in range(len(W)):
                projected[row, column] += x[row, feature] * W[feature, column]
    return projected
