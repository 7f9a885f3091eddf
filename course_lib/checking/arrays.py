"""Arguments that are arrays: what NumPy can read as one, of what kind, and of what shape by the names of its axes."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from course_lib.checking.scalars import describe, fail

TEXTS: dict[str, Any] = {
    "unreadable": "{name} cannot be read as an array: {reason}",
    "dtype": "{name} has dtype {dtype} and shape {shape}{nan}; expected {expected}",
    "nan": ", and holds nan",
    "no array": "{name} is {value}; expected an array of {expected}",
    "numbers": "real numbers (float or int)",
    "whole numbers": "whole numbers",
    "booleans": (
        "booleans, True = may attend. Convert it: `{name} != 0` where 1 means may attend, `{name} == 0` where it holds 0 "
        "and -inf to be added to the scores"
    ),
    "rank": "{name} has shape {shape}; expected {axes}",
    "empty": "{name} has shape {shape}, which is empty; expected {axes} with at least one entry on every axis",
    "size": "{name} has shape {shape}, so its axis {axis} is {size}; expected {axes} with {axis} = {wanted}{source}",
    "source": ", as in {arrays}",
    "most": "{name} has shape {shape}, so its axis {axis} is {size}; expected at most {most}",
    "array": "{name} of shape {shape}",
    "broadcast": "{name} has shape {shape}, which does not broadcast to {axes} = {wanted}",
    "broadcast leading": "{shapes}: their leading axes do not broadcast with each other",
    "broadcast together": "{shapes}: they do not broadcast with each other",
    "shape": "{name} has shape {shape}",
    "no masks": "{name} is empty; expected at least one mask",
    "not finite": "{name} holds {value} at index {index} of its shape {shape}; expected {expected}",
    "finite": "finite numbers",
    "finite or -inf": "finite numbers, or -inf for no attention",
}


def as_array(value: Any) -> Any:
    """Take a PyTorch tensor as an array of float64, be it on a GPU or part of a gradient; other values as they are."""
    return value.detach().cpu().double().numpy() if hasattr(value, "detach") else value


def read_numbers(name: str, value: Any, *, minus_infinity: bool = False, kinds: str = "fiu") -> np.ndarray:
    """Read finite numbers of any shape.

    Args:
        name: what the caller calls them.
        value: what came.
        minus_infinity: whether they may hold -inf.
        kinds: NumPy's letters of the kinds of dtypes that count as numbers; with "b" booleans do.

    Returns:
        an array of floats: the caller's own where it holds floats, float64 otherwise.

    Raises:
        ValueError: it is no array of numbers, or one of them is not finite.
    """
    array = _read(name, value)
    if array.dtype.kind not in kinds:
        if not array.ndim:
            fail(TEXTS["no array"], name=name, value=describe(value), expected=TEXTS["numbers"])
        fail(TEXTS["dtype"], name=name, dtype=array.dtype, shape=array.shape, nan="", expected=TEXTS["numbers"])
    if array.dtype.kind != "f":
        return array.astype(np.float64)
    if not np.isfinite(array).all():
        refused = ~np.isfinite(array)
        if minus_infinity:
            refused &= ~np.isneginf(array)
        if refused.any():
            index = tuple(int(i) for i in np.argwhere(refused)[0])
            expected = TEXTS["finite or -inf" if minus_infinity else "finite"]
            about = {"value": float(array[index]), "index": index, "shape": array.shape, "expected": expected}
            fail(TEXTS["not finite"], name=name, **about)
    return array


def read_array(name: str, value: Any, axes: str, *, most: dict | None = None, **sizes: int) -> np.ndarray:
    """Read finite numbers of a given shape from an array, a tensor or nested lists; booleans count as 0 and 1.

    Args:
        name: what the caller calls them.
        value: what came.
        axes: names of its axes, such as "heads queries keys".
        most: axis -> the largest size.
        sizes: sizes that axes must have.

    Returns:
        float64 array, a copy.

    Raises:
        ValueError: no such numbers.
    """
    array = read_numbers(name, as_array(value), kinds="fiub")
    check_shape(name, array.shape, axes, sizes)
    for axis, size in zip(axes.split(), array.shape, strict=True):
        if size > (most or {}).get(axis, size):
            fail(TEXTS["most"], name=name, shape=array.shape, axis=axis, size=size, most=(most or {})[axis])
    return np.array(array, dtype=np.float64)


def read_whole_numbers(name: str, value: Any) -> np.ndarray:
    """Read whole numbers of any shape; see `read_numbers`."""
    array = _read(name, value)
    if array.dtype.kind not in "iu" and array.size:  # an empty list has no dtype of its own
        fail(TEXTS["dtype"], name=name, dtype=array.dtype, shape=array.shape, nan="", expected=TEXTS["whole numbers"])
    return array


def read_booleans(name: str, value: Any) -> np.ndarray:
    """Read a mask of any shape: an array of booleans; see `read_numbers`."""
    mask = _read(name, value)
    if mask.dtype != bool:
        if not mask.ndim:
            fail(TEXTS["no array"], name=name, value=describe(value), expected=TEXTS["booleans"].format(name=name))
        nan = TEXTS["nan"] if mask.dtype.kind in "fc" and np.isnan(mask).any() else ""
        expected = TEXTS["booleans"].format(name=name)
        fail(TEXTS["dtype"], name=name, dtype=mask.dtype, shape=mask.shape, nan=nan, expected=expected)
    return mask


def broadcast_booleans(name: str, masks: Iterable) -> list[np.ndarray]:
    """Read masks, and bring them to one shape.

    Raises:
        ValueError: there is none, one is not boolean, or their shapes do not broadcast with each other.
    """
    named = {f"{name}[{index}]": read_booleans(f"{name}[{index}]", mask) for index, mask in enumerate(masks)}
    if not named:
        fail(TEXTS["no masks"], name=name)
    try:
        return list(np.broadcast_arrays(*named.values()))
    except ValueError:
        fail(TEXTS["broadcast together"], shapes=_shapes(named))


def _read(name, value):
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged, or refuses to become an array
        raise ValueError(TEXTS["unreadable"].format(name=name, reason=error)) from error


def check_shape(name: str, shape: tuple, axes: str, sizes: dict, others: dict | None = None) -> tuple:
    """Check the shape of one array.

    Args:
        name: what the caller calls it.
        shape: what came.
        axes: names of its axes, such as "... queries d_k" or "d_hidden d_q+d_k".
        sizes: name of an axis -> its size; those that are new are added.
        others: name of another array -> its axes and its shape, to say where a size comes from.

    Returns:
        the sizes of its leading axes, which stand for the dots.

    Raises:
        ValueError: there are too many or too few axes, an empty one, or one of another size.
    """
    names = axes.split()
    dots = axes[:3] == "..."
    if dots:
        del names[0]
    extra = len(shape) - len(names)
    if extra < 0 or (extra and not dots):
        fail(TEXTS["rank"], name=name, shape=shape, axes=listed(axes))
    if 0 in shape:
        fail(TEXTS["empty"], name=name, shape=shape, axes=listed(axes))
    for axis, size in zip(names, shape[extra:], strict=True):
        wanted = sizes.get(axis)
        if wanted is None:
            wanted = sizes[axis] = sum(sizes[part] for part in axis.split("+")) if "+" in axis else size
        if size != wanted:
            origins = [origin for part in axis.split("+") if (origin := _origin(part, others or {}))]
            source = TEXTS["source"].format(arrays=" and ".join(origins)) if origins else ""
            about = {"axis": axis, "size": size, "wanted": wanted, "source": source}
            fail(TEXTS["size"], name=name, shape=shape, axes=listed(axes), **about)
    return shape[:extra]


def check_broadcast(name: str, shape: tuple, axes: str, sizes: dict, leading: tuple = ()) -> None:
    """Check that an array broadcasts to axes such as "... #queries #keys", and adds none.

    Args:
        name: what the caller calls it.
        shape: what came.
        axes: names of the axes.
        sizes: name of an axis -> its size.
        leading: the sizes of the axes that stand for the dots.

    Raises:
        ValueError: it does not.
    """
    names = [axis.removeprefix("#") for axis in axes.split()]
    wanted = (*leading, *(sizes[axis] for axis in names if axis != "..."))
    fits = len(shape) <= len(wanted)
    if not fits or any(size not in (1, most) for size, most in zip(shape[::-1], wanted[::-1], strict=False)):
        shown = listed(" ".join(names if leading else [axis for axis in names if axis != "..."]))
        fail(TEXTS["broadcast"], name=name, shape=shape, axes=shown, wanted=wanted)


def fit(given: dict[str, Any], axes: dict[str, list[str]], own: dict[str, Any]) -> bool:
    """Whether arrays fit axes that are names alone, quickly: what does not fit, `check_together` says.

    Args:
        given: name of an argument -> its value; None or absent: left out.
        axes: name of an array -> the names of its axes.
        own: what an object calls its own: an axis of the name of one of its whole numbers has that size.
    """
    sizes = {}
    for name, names in axes.items():
        array = given.get(name)
        if array is None:
            continue
        if len(names) != array.ndim:
            return False
        for axis, size in zip(names, array.shape, strict=True):
            if axis not in sizes:
                known = own.get(axis)
                sizes[axis] = known if type(known) is int else size
            if not size or sizes[axis] != size:
                return False
    return True


def check_together(arrays: dict[str, Any], axes: dict[str, str], sizes: dict[str, int]) -> None:
    """Check all arrays of a call by their axes; sizes: those that are known before."""
    leading, seen, broadcasting = {}, {}, []
    for name, array in arrays.items():
        if "#" in axes[name]:
            broadcasting.append(name)
            continue
        shape = tuple(array.shape)
        before = check_shape(name, shape, axes[name], sizes, seen)
        seen[name] = axes[name], shape
        if before:
            leading[name] = before
    common = next(iter(leading.values())) if leading else ()
    if len(leading) > 1 and any(before != common for before in leading.values()):
        try:
            common = np.broadcast_shapes(*leading.values())
        except ValueError:
            fail(TEXTS["broadcast leading"], shapes=_shapes({name: arrays[name] for name in leading}))
    for name in broadcasting:
        check_broadcast(name, tuple(arrays[name].shape), axes[name], sizes, common)


def _origin(axis, others):
    """The array that an axis has its size from, in words; None where it has it from no array."""
    for name, (axes, shape) in others.items():
        if axis in axes.split():
            return TEXTS["array"].format(name=name, shape=shape)
    return None


def listed(axes: str) -> str:
    """Axes as people write a shape: "(queries, d_k)"."""
    return f"({', '.join(axes.split())})"


def _shapes(arrays):
    return ", ".join(TEXTS["shape"].format(name=name, shape=array.shape) for name, array in arrays.items())
