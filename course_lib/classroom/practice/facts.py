"""What is certain about a wrong answer that no known mistake explains: never a guess."""

import itertools

import numpy as np

from course_lib.classroom.practice import answers

SHOWN = 3  # names of inputs in a sentence

TEXTS = {
    "everywhere": "It is wrong on all {count} inputs tried.",
    "somewhere": "Right on {others}; wrong on {wrong}.",
    "rest": "Right: {names}.",
    "returns-a-list": "Your function returns a list; a NumPy array was expected.",
    "listed rightly": "What stands in it is right.",
    "returns-several": "Your function returns {count}; one array was expected.",
    "comma": "Your function returns a tuple of one; is there a comma too many?",
    "not-as-many": "Your function returns {count}; expected {names}, in this order.",
    "only-one": "You return one value, the {which}. Expected: {names}, in this order.",
    "another-order": "You return the right values in another order: {theirs}. Expected: {names}.",
    "wrong-shape": "The shape of the {what} is {got}; expected {expected}.",
    "axes": "The numbers are right, the axes stand in another order: yours is {got}, expected {expected}.",
    "not-boolean": "There are numbers in the {what}; booleans were expected, True or False.",
    "floats-for-whole-numbers": "There are numbers with a point ({dtype}) in the {what}; whole numbers were expected.",
    "booleans-for-numbers": "There are booleans in the {what}; numbers were expected.",
    "not-finite": "There are NaN or infinite values in the {what}{where}.",
    "factor": "Everything is {factor:.4g} times what is expected.",
    "factors": "Everything is a multiple of what is expected, but not always the same: {factors}.",
    "offset": "Everything is what is expected {sign} {offset:.4g}.",
    "rounded": "Everything is what is expected, rounded or cut, with {digits} digits behind the point.",
    "sorted": "The numbers are the right ones, in other places.",
    "transposed": "Rows and columns are exchanged.",
    "only more": "{count} of {size} are True and should be False; never the other way round.",
    "only fewer": "{count} of {size} are False and should be True; never the other way round.",
    "rows": "{which} wrong, the other {axis} right.",
    "some": "{count} of {size} numbers are wrong.",
}
ORDINALS = {0: "The first {axis} is", -1: "The last {axis} is"}


def what_is_certain(known, trials, wrong):
    """A diagnosis and what can be said for sure.

    Args:
        known: the exercise.
        trials: all of them.
        wrong: those that went wrong, the smallest first.

    Returns:
        (diagnosis, message).
    """
    trial = wrong[0]
    diagnosis, said = _about_one(known, trial, wrong)
    if all(_right_in_lists(one) for one in trials):
        return diagnosis, f"{said} {TEXTS['listed rightly']}"
    rights = [one.case.about for one in trials if one.is_right]
    if rights:
        where = TEXTS["somewhere"].format(others=listed(rights), wrong=listed([one.case.about for one in wrong]))
    else:
        where = TEXTS["everywhere"].format(count=len(trials)) if len(trials) > 1 else ""
    return diagnosis, " ".join(part for part in (said, where) if part)


def rearranged(known, trials):
    """What is said where, on all inputs, right values came in another order, or a single one of them; else None."""
    if len(known.returns) == 1:
        return None
    names = ", ".join(known.returns)
    answered = [(answers.as_asked(one.answer.value, one.expected), one) for one in trials]
    for part, which in enumerate(known.returns):
        if all(answers.right(got, one.expected[part], one.case.within) for got, one in answered):
            return "not-as-many", TEXTS["only-one"].format(which=which, names=names)
    for order in itertools.permutations(range(len(known.returns))):
        if all(
            answers.right(got, tuple(one.expected[part] for part in order), one.case.within) for got, one in answered
        ):
            theirs = ", ".join(known.returns[part] for part in order)
            return "returned-in-another-order", TEXTS["another-order"].format(theirs=theirs, names=names)
    return None


def shown(known, trial):
    """The values to show side by side, and what they are: (expected, got, what); those of the first part that is wrong."""
    got, expected = answers.as_asked(trial.answer.value, trial.expected), trial.expected
    part = _wrong_part(known, trial)
    if part is not None:
        got, expected = got[part], expected[part]
    what = known.returns[part or 0] if (part or 0) < len(known.returns) else known.returns[0]
    if not isinstance(got, np.ndarray) or not isinstance(expected, np.ndarray):
        return None, None, what
    return expected, got, what


def listed(names):
    """The first names, and how many more: a, b and 3 more."""
    names = list(dict.fromkeys(names))
    if len(names) > SHOWN:
        return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def count_of(value):
    """How many values came, in words."""
    if isinstance(value, tuple):
        return f"{len(value)} values"
    return f"one array of shape {value.shape}" if isinstance(value, np.ndarray) and value.ndim else "one value"


def _wrong_part(known, trial):
    """Which of several values is the first that is wrong; None where one was asked for, or not as many came."""
    got, expected = answers.as_asked(trial.answer.value, trial.expected), trial.expected
    if not isinstance(expected, tuple) or not isinstance(got, tuple) or len(got) != len(expected):
        return None
    pairs = zip(got, expected, strict=True)
    return next((i for i, pair in enumerate(pairs) if not answers.right(*pair, trial.case.within)), None)


def _about_one(known, trial, wrong):
    got, expected = answers.as_asked(trial.answer.value, trial.expected), trial.expected
    several = isinstance(expected, tuple)
    if several:
        names = ", ".join(known.returns)
        if not isinstance(got, tuple) or len(got) != len(expected):
            if isinstance(got, answers.Odd):
                return got.diagnosis, got.sentence(names)
            return "not-as-many", TEXTS["not-as-many"].format(count=count_of(got), names=names)
        part = _wrong_part(known, trial)
        if part is None:
            return "different-values", ""
        diagnosis, said = _about_array(got[part], expected[part], known.returns[part], _pairs(wrong, part), trial)
        rest = [name for i, name in enumerate(known.returns) if answers.right(got[i], expected[i], trial.case.within)]
        if rest:
            said = f"{said} {TEXTS['rest'].format(names=listed(rest))}".strip()
        return diagnosis, said
    return _about_array(got, expected, known.returns[0], _pairs(wrong, None), trial)


def _right_in_lists(trial):
    """Whether what came would be right if each list were the array that it stands for."""
    try:
        return answers.right(_in_arrays(trial.answer.value, trial.expected), trial.expected, trial.case.within)
    except ValueError:  # rows of different lengths, no numbers, or not as many values
        return False


def _in_arrays(got, expected):
    """An answer whose lists are arrays where arrays are expected."""
    if isinstance(got, tuple) and isinstance(expected, tuple):
        return tuple(_in_arrays(*pair) for pair in zip(got, expected, strict=True))
    return np.array(got) if isinstance(got, answers.Listed) else got


def _pairs(wrong, part):
    """(got, expected) of all inputs that went wrong, as far as they are arrays."""
    pairs = [(answers.as_asked(one.answer.value, one.expected), one.expected) for one in wrong]
    if part is not None:
        pairs = [(got[part], right[part]) for got, right in pairs if isinstance(got, tuple) and part < len(got)]
    return [pair for pair in pairs if all(isinstance(one, np.ndarray) for one in pair)]


def _about_array(got, expected, what, pairs, trial):
    """What is certain about one array."""
    if isinstance(got, answers.Odd):
        return got.diagnosis, got.sentence()
    if isinstance(got, answers.Listed):
        return "returns-a-list", TEXTS["returns-a-list"]
    if isinstance(got, tuple):
        if len(got) == 1:
            return "returns-several", TEXTS["comma"]
        return "returns-several", TEXTS["returns-several"].format(count=count_of(got))
    if not isinstance(got, np.ndarray):
        return "different-values", ""
    if got.shape != expected.shape:
        if got.size == expected.size and _in_other_axes(got, expected):
            return "wrong-shape", TEXTS["axes"].format(got=got.shape, expected=expected.shape)
        return "wrong-shape", TEXTS["wrong-shape"].format(what=what, got=got.shape, expected=expected.shape)
    if not answers.right_kind(got, expected):
        if expected.dtype.kind == "b":
            return "not-boolean", TEXTS["not-boolean"].format(what=what)
        if got.dtype.kind == "b":
            return "booleans-for-numbers", TEXTS["booleans-for-numbers"].format(what=what)
        return "floats-for-whole-numbers", TEXTS["floats-for-whole-numbers"].format(what=what, dtype=got.dtype)
    if not np.isfinite(got).all() and np.isfinite(expected).all():
        bad = ~np.isfinite(got)
        rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)) if got.ndim > 1 else []
        where = f", in {len(rows)} of {len(got)} rows" if 0 < len(rows) < len(got) else ""
        return "not-finite", TEXTS["not-finite"].format(what=what, where=where)
    return "different-values", _pattern(got, expected, pairs, trial.case.within)


def _in_other_axes(got, expected):
    return (
        got.ndim == expected.ndim > 1
        and answers.close(np.sort(got, axis=None), np.sort(expected, axis=None))
        and (any(answers.close(np.swapaxes(got, i, j), expected) for i in range(got.ndim) for j in range(i)))
    )


def _pattern(got, expected, pairs, within):
    """A sentence on how all the wrong values differ from the right ones, as far as that is a fact."""
    if expected.dtype.kind == "b":
        more, fewer = got & ~expected, expected & ~got
        if got.size == 1:
            return ""
        if not fewer.any() or not more.any():
            kind, wrong = ("only more", more) if more.any() else ("only fewer", fewer)
            return TEXTS[kind].format(count=int(wrong.sum()), size=wrong.size)
        return _places(got, expected, within)
    factors = [_factor(one, other) for one, other in pairs]
    if factors and None not in factors and expected.size > 1:
        if np.ptp(factors) < 1e-3 * abs(factors[0]):
            return TEXTS["factor"].format(factor=factors[0])
        several = listed([f"{factor:.4g}" for factor in factors])
        return TEXTS["factors"].format(factors=several)
    offsets = [_offset(one, other) for one, other in pairs]
    if offsets and None not in offsets and expected.size > 1 and np.ptp(offsets) < 1e-6:
        sign = "+" if offsets[0] > 0 else "-"
        return TEXTS["offset"].format(sign=sign, offset=abs(offsets[0]))
    for digits in range(5):
        if pairs and all(_rounded(one, other, digits) for one, other in pairs):
            return TEXTS["rounded"].format(digits=digits)
    if got.ndim == 2 and got.shape[0] == got.shape[1] and answers.close(got.T, expected):
        return TEXTS["transposed"]
    if got.size > 1 and answers.close(np.sort(got, axis=None), np.sort(expected, axis=None)):
        return TEXTS["sorted"]
    return _places(got, expected, within)


def _factor(got, expected):
    """The factor by which all values differ, or None."""
    if got.shape != expected.shape or expected.dtype.kind != "f" or not expected.size:
        return None
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    if not (np.isfinite(got).all() and np.isfinite(expected).all()) or not np.any(expected):
        return None
    place = np.unravel_index(np.argmax(abs(expected)), expected.shape)
    factor = got[place] / expected[place]
    same = np.allclose(got, factor * expected, rtol=1e-5, atol=1e-9 * abs(expected[place]))
    return float(factor) if same and abs(factor) > 1e-9 else None


def _offset(got, expected):
    """The number by which all values differ, or None."""
    if got.shape != expected.shape or not expected.size:
        return None
    gap = np.asarray(got, float) - np.asarray(expected, float)
    return float(gap.flat[0]) if np.isfinite(gap).all() and np.ptp(gap) < 1e-6 * max(1.0, abs(gap).max()) else None


def _rounded(got, expected, digits):
    """Whether these are the right values with so many digits behind the point."""
    if got.shape != expected.shape or expected.dtype.kind != "f" or not got.any():
        return False  # nothing but zeros may be many things
    cut = np.trunc(expected * 10**digits) / 10**digits
    return answers.close(got, np.round(expected, digits)) or answers.close(got, cut)


def _places(got, expected, within):
    """Which rows or columns are wrong, where that is a fact worth saying; otherwise how many numbers."""
    allowed = answers.tolerance(got) if within is None else within
    wrong = ~np.isclose(np.asarray(got, float), np.asarray(expected, float), rtol=allowed, atol=allowed, equal_nan=True)
    if got.ndim == 0 or not wrong.any():
        return ""
    for name, number in (("rows", -2), ("columns", -1)) if got.ndim > 1 else (("entries", -1),):
        others = tuple(axis for axis in range(got.ndim) if axis != got.ndim + number)
        lines = np.atleast_1d(wrong.any(axis=others))
        if lines.sum() == 1 and len(lines) > 1:
            place = int(np.flatnonzero(lines)[0])
            end = place if place == 0 else -1 if place == len(lines) - 1 else None
            singular = {"rows": "row", "columns": "column", "entries": "entry"}[name]
            which = ORDINALS[end].format(axis=singular) if end is not None else f"{singular.capitalize()} {place} is"
            return TEXTS["rows"].format(which=which, axis=f"{name} are")
        if lines.sum() == len(lines) - 1 and len(lines) > 2:
            place = int(np.flatnonzero(~lines)[0])
            singular = {"rows": "row", "columns": "column", "entries": "entry"}[name]
            return f"Only {singular} {place} is right."
    return TEXTS["some"].format(count=int(wrong.sum()), size=wrong.size) if 0 < wrong.sum() < wrong.size else ""
