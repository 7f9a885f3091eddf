"""The checks of lesson 05, positional encoding, in the order in which its exercises come."""

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import add_messages, call_on_batch, mistake, same_values
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw
from course_lib.classroom.practice.trial import LearnerError, call
from course_lib.positions import alibi_bias as right_alibi_bias
from course_lib.positions import rotary as right_rotary
from course_lib.positions import sinusoidal as right_sinusoidal
from course_lib.positions import sinusoidal_rotation

add_messages(
    {
        # sinusoidal
        "exponent-doubled": "Your second pair turns at the speed of the third: the exponent is doubled. i = 0, 2, 4, … already "
        "steps by two, so the exponent is i/d_model, not 2i/d_model.",
        "exponent-halved": "Your hands slow down too little: the exponent uses the number of the pair, 0, 1, 2, …, where the "
        "formula has its first feature, 0, 2, 4, ….",
        "cosine-other-frequency": "The cosine turns at another speed than its sine, so sin² + cos² is not 1. A pair is one hand: "
        "one angle for both.",
        "exponent-doubled-cosine-too": "Two slips at once: the exponent is doubled, and the cosine turns at another speed than "
        "its sine. i already steps by two, and a pair has one angle.",
        "exponent-rounded": "Your exponent is a whole number: `//` cuts i/d_model off. Divide with `/`.",
        "exponent-to-the-end": "Your last hand is exactly `base` times as slow as the first: the exponent runs up to 1. The formula "
        "divides i by d_model, so it stops short of that.",
        "pairs-overlap": "Your loop steps by one, so each pair overwrites the half of the one before: step by two.",
        "cosine-first": "Sine and cosine are exchanged: at position 0 each pair has to be (0, 1).",
        "sines-then-cosines": "All your sines come first, then all cosines. Here each pair stands together: features 0 and 1, "
        "2 and 3, ….",
        "positions-from-one": "Your first position is 1. Positions count from 0, where every hand is at its start.",
        "cosine-missing": "Both features of a pair are sines. With the sine alone, rising and falling look the same.",
        "sine-missing": "Both features of a pair are cosines. With the cosine alone, rising and falling look the same.",
        "another-base": "Your hands slow down by another base than 10000. Written with np.exp, the natural logarithm stands inside: "
        "exp(-ln(10000) · i/d_model).",
        "exponent-divided-wrongly": "Your exponent is divided by another number than d_model.",
        "power-not-taken": "You multiply by base and exponent. A power is written with two stars: base ** exponent.",
        "place-and-feature-exchanged": "Place and feature are exchanged: the place multiplies, the feature stands in the exponent.",
        "whole-turns": "There is a factor of 2π too many in your angles. The formula has none: place 1 is at 1 radian.",
        "second-half-empty": "Your second half is still 0: the loop over the pairs ends at d_model / 2.",
        "first-place-only-filled": "Only row 0 is filled. Does a `return` stand inside the loop?",
        "cut-to-whole-numbers": "Your array holds whole numbers, so everything behind the point is cut off. Make it of floats.",
        "positions-without-sign": "A negative position comes out as a positive one. The hand then turns the other way.",
        "frequency-upside-down": "Your hands become faster from pair to pair: the sign of the exponent is wrong.",
        "exponent-not-divided": "Your exponent is not divided by d_model: after a few pairs nothing moves any more.",
        "angle-in-degrees": "Your angles look like degrees. np.sin takes radians, and the formula is in radians.",
        "encoding-transposed": "Rows and columns are exchanged: one row a position, one column a feature.",
        "base-ignored": "Another base changes nothing in your result. Use the parameter.",
        "positions-ignored": "You count 0, 1, 2, … whatever positions are given. Use the parameter.",
        "positions-rounded": "Positions between whole numbers come out as whole ones. A hand moves smoothly.",
        "fails-on-grid": "Right for a row of positions; for positions of shape (batch, seq_len) your function raises {error}. "
        "Give the features an axis of their own at the end: positions[..., None].",
        "wrong-on-grid": "Right for a row of positions, wrong for positions of shape (batch, seq_len). Give the features an axis "
        "of their own at the end: positions[..., None].",
        # find the bug
        "pairs-inverted": "The wrong way round: True is for a pair that is broken.",
        "one-answer-a-place": "One answer for each place. The question is about pairs: d_model / 2 answers, each about all places.",
        "one-answer-a-feature": "One answer for each feature. A pair has two: add their squares before you judge.",
        "pairs-of-halves": "You pair feature 0 with d_model/2. A pair are neighbours: 0 and 1, 2 and 3, ….",
        "first-place-only": "You miss a pair that breaks later. At place 0 every encoding is (0, 1): look at all places.",
        "last-place-only": "You judge by one place, the last. Look at all of them.",
        "only-too-short": "You miss hands that are too long. Both sides count: the absolute difference from 1.",
        "added-over-places": "You add up all places, too. Each place is judged by itself: only the two features of a pair are added.",
        "compared-with-the-right-one": "You compare with the right encoding. Asked is less: is a pair a hand, at whatever speed?",
        "needs-every-place": "You call a pair broken only if it is broken at every place. One place is enough.",
        "rounding-is-no-break": "Pairs that are right up to rounding count as broken for you. Compare with a tolerance of 0.001.",
        "only-too-long": "You miss hands that are too short. Both sides count: the absolute difference from 1.",
        "averaged-over-places": "You average over the places before you judge, and too long and too short cancel out.",
        "not-squared": "You add sine and cosine as they are. On the unit circle their squares add up to 1.",
        "pairs-not-boolean": "Your answer holds numbers. Return booleans: True where a pair is broken.",
        # rotation
        "offset-ignored": "Another offset changes nothing in your matrix. It multiplies the frequency.",
        "block-without-minus": "Your blocks have two sines with a plus. cos(a + b) = cos b · cos a - sin b · sin a: one has a minus.",
        "speeds-of-halved-exponent": "The first pair is right, the next turn too fast: the exponent uses the number of the pair. "
        "For the pair that begins at feature i it is i/d_model.",
        "turns-back": "Your matrix moves by the same number of places the other way: check where the minus stands.",
        "one-speed-for-all": "All your pairs turn by the same angle. Each has its own frequency.",
        "mirror-not-turn": "Your blocks mirror instead of turning: their determinant is -1. One of the sines has a minus.",
        "blocks-of-halves": "Your blocks join feature 0 with d_model/2. Here pairs are neighbours: 0 and 1, 2 and 3, ….",
        "offset-without-sign": "For an offset of -2 your matrix moves by +2.",
        "speeds-of-doubled-exponent": "The first pair is right, the next turn too slowly: the exponent is doubled. For the pair "
        "that begins at feature i it is i/d_model.",
        "rotation-sine-cosine-exchanged": "For an offset of 0 nothing should move, yet yours does: sine and cosine are exchanged.",
        "rotation-first-pair-only": "Only the first pair turns. Each pair has its block on the diagonal.",
        "rotation-without-sines": "Only the cosines are there, on the diagonal. A turn needs the two sines beside it.",
        "blocks-not-placed": "These are the blocks, one for each pair. Put them on the diagonal of one matrix, (d_model, d_model).",
        "rotation-moves-nothing": "Your matrix is the identity: no place moves.",
        # look back
        "looks-ahead": "Your head looks ahead, to the key `back` places later. The query has to be turned back.",
        "looks-at-itself": "Your head looks at its own place: the query is not turned at all, or the key is turned with it.",
        "back-rolled": "Your first queries are those of the last places: np.roll goes round in a circle. Turn the encodings.",
        "back-clamped": "The first queries all stand at place 0. Turned back by a matrix, they stand before it, at -1, -2, ….",
        "back-causal": "You hide the keys after the query. No mask was asked for.",
        "sharpness-after-softmax": "You multiply the weights by the sharpness. It belongs to the scores, before the softmax.",
        "sharpness-ignored": "The sharpness changes nothing in your weights. It multiplies the scores.",
        "sharpness-twice": "The sharpness enters twice: it multiplies the scores, or the queries, but not both sides of the product.",
        "back-ignored": "Your head looks one place back, whatever `back` is. Use the parameter.",
        "sharpness-divides": "You divide by the sharpness. A larger one has to make the weights sharper: multiply.",
        "back-scaled": "Your scores are divided by something else too, such as √d_model. Here the sharpness alone decides.",
        "back-no-softmax": "These are scores, not weights: the rows do not sum to 1.",
        "back-transposed": "Rows and columns are exchanged: rows are queries.",
        "back-over-queries": "The columns sum to 1, the rows do not: your softmax runs over the queries.",
        "back-all-or-nothing": "All the weight sits on one key. Use the softmax of the scores.",
        # rotary
        "turns-clockwise-rotary": "Your vectors turn the wrong way: check where the minus stands.",
        "half-split": "You pair the two halves (feature 0 with d_head/2), as Hugging Face's rotate_half does. Here neighbours are "
        "paired: 0 and 1, 2 and 3, ….",
        "length-changed": "Turning keeps the length of a vector; yours changes from {before:.3f} to {after:.3f}.",
        "same-sign-twice": "Both features have the same sign between their two terms. A turn has one minus and one plus: first · cos - "
        "second · sin, first · sin + second · cos.",
        "pair-exchanged": "The two of each pair stand in the wrong order.",
        "turned-twice": "Your vectors turn twice as far as they should.",
        "not-turned": "Your vectors come out as they went in.",
        "rotary-one-speed": "All your pairs turn at the same speed. Each has its own frequency.",
        "rotary-exponent-doubled": "The first pair is right, the next turn too slowly: the exponent is doubled. For the pair that "
        "begins at feature i it is i/d_head.",
        "rotary-exponent-halved": "The first pair is right, the next turn too fast: the exponent uses the number of the pair. For "
        "the pair that begins at feature i it is i/d_head.",
        "rotary-parted": "The right numbers in another order: all first features, then all second ones. Put each pair together again.",
        "rotary-half-turned": "The second feature of a pair is made from the first one as it is *after* turning. Keep the old one.",
        "rotary-from-one": "You turn place 0, too: positions are used as they are given.",
        "positions-added": "You add the sines and cosines to the vectors. Rotary turns the vectors and adds nothing.",
        "sine-cosine-exchanged": "At position 0 nothing should move, yet your vectors do: sine and cosine are exchanged.",
        # another convention
        "not-converted": "You return the matrix as it was. With halves for pairs, feature 0 is turned together with d_head/2.",
        "converted-backwards": "You order the columns the other way round: from halves to neighbours. Where does the partner of "
        "feature 0 stand now, and where must it stand?",
        "inputs-reordered": "You reorder the rows, which belong to the embedding. The features of a head are the columns.",
        "odd-half-first": "Your odd features stand in the front half. Each pair is exchanged, and so turns the other way: even ones first.",
        "rotated-not-reordered": "A sign has changed. The program does the turning, signs and all; your columns only change their places.",
        "neighbours-exchanged": "You exchange the two of each pair. They have to stand d_head/2 apart: even ones first, then odd ones.",
        "halves-exchanged": "You exchange the two halves. What has to move are the odd features: all of them behind all even ones.",
        "wrong-frequency": "Each pair stays together, but turns at the speed of another pair: keep the pairs in their order.",
        # ALiBi
        "rewards-distance": "Your bias is positive: it rewards distance. It is a penalty, at most 0.",
        "only-what-came-before": "Keys after the query get no penalty at all. The distance counts on both sides: its absolute value.",
        "rewards-what-follows": "Keys after the query get a positive bias. The distance counts on both sides: its absolute value.",
        "slopes-from-one": "Your first head has the slope 1. The row starts at its own ratio: heads are counted from 1.",
        "slopes-for-eight": "Your slopes are those of 8 heads, 1/2, 1/4, …, whatever num_heads is. The ratio is 2^(-8/num_heads).",
        "slopes-wrong": "Your distances are right, the slopes are not: head {head} has {slope:.4g}, expected {right:.4g}. The exponent "
        "is -8h/n.",
        "only-eight-in-exponent": "Your slopes are 2^-8 · h/n: the exponent ends after the -8. `**` binds tighter than `*` and "
        "`/`, so put the whole exponent in parentheses.",
        "distance-from-one": "Your distance of a word to itself is 1. It is 0, and the next word's is 1.",
        "one-slope": "All your heads have the same slope. Each gets its own.",
        "slopes-reversed": "Your slopes come in the opposite order: the first head is the steepest.",
        "queries-at-the-start": "With a cache the queries are the *last* positions: the last query stands at the last key.",
        "hides-what-follows": "Keys after the query get minus infinity. That is the causal mask's work; here the distance counts on "
        "both sides.",
        "by-the-key-alone": "Your bias depends on the key alone, as Bloom's does. After softmax under a causal mask that is the same; "
        "here the distance itself is asked for.",
        "factors-not-biases": "These are factors, e^bias. The bias is added to the scores: return the negative numbers themselves.",
        "distance-squared": "Your penalty grows with the square of the distance. It is linear.",
        "heads-last": "The heads come first: (heads, queries, keys).",
    }
)  # fmt: skip


# --- sinusoidal -------------------------------------------------------------------------------------------------------


def hands(positions, frequencies, cosine_frequencies=None):
    """Sines and cosines at these frequencies, one pair after the other: (..., 2 · frequencies)."""
    positions = np.asarray(positions, float)[..., None]
    cosine_frequencies = frequencies if cosine_frequencies is None else cosine_frequencies
    pairs = np.sin(positions * frequencies), np.cos(positions * cosine_frequencies)
    return np.stack(pairs, axis=-1).reshape(*positions.shape[:-1], -1)


def encoding_suspects(positions, d_model, base=10000.0):
    """What well-known mistakes give for the sinusoidal encoding of these positions."""
    i = np.arange(0, d_model, 2)
    speed = base ** (-i / d_model)
    right = hands(positions, speed)
    with np.errstate(all="ignore"):
        return {
            "exponent-doubled": hands(positions, base ** (-2 * i / d_model)),
            "exponent-doubled-cosine-too": hands(
                positions, base ** (-2 * i / d_model), base ** (-2 * (i + 1) / d_model)
            ),
            "exponent-halved": hands(positions, base ** (-i / 2 / d_model)),
            "cosine-other-frequency": hands(positions, speed, base ** (-(i + 1) / d_model)),
            "cosine-first": right.reshape(*right.shape[:-1], -1, 2)[..., ::-1].reshape(right.shape),
            "sines-then-cosines": np.concatenate([right[..., 0::2], right[..., 1::2]], axis=-1),
            "positions-from-one": hands(np.asarray(positions) + 1, speed),
            "cosine-missing": np.repeat(right[..., 0::2], 2, axis=-1),
            "frequency-upside-down": hands(positions, 1 / speed),
            "exponent-not-divided": hands(positions, base ** (-i.astype(float))),
            "angle-in-degrees": hands(np.radians(positions), speed),
            "exponent-rounded": [hands(positions, base ** -(i // d_model)), hands(positions, base ** (-i // d_model))],
            "exponent-to-the-end": hands(positions, base ** (-i / (d_model - 2))),
            "pairs-overlap": _overlapping(positions, d_model, base),
            "sine-missing": np.repeat(right[..., 1::2], 2, axis=-1),
            "another-base": [hands(positions, other ** (-i / d_model)) for other in (1000.0, 100.0, np.e, np.e**4)],
            "exponent-divided-wrongly": [
                hands(positions, base ** (-i / divisor)) for divisor in (d_model - 1, d_model + 1, np.size(positions))
            ],
            "power-not-taken": [hands(positions, sign * base * i / d_model) for sign in (1, -1)],
            "place-and-feature-exchanged": _turned_round(positions, d_model, base),
            "whole-turns": hands(positions, 2 * np.pi * speed),
            "second-half-empty": np.where(np.arange(d_model) < _filled(d_model), right, 0),
            "first-place-only-filled": np.where(np.arange(len(right))[:, None] == 0, right, 0),
        }


def _filled(d_model):
    """How many features a loop over `range(0, d_model // 2, 2)` fills."""
    return 2 * len(range(0, d_model // 2, 2))


def _turned_round(positions, d_model, base):
    """The encoding with the place in the exponent and the feature as a factor."""
    i = np.arange(0, d_model, 2)
    angles = i * base ** (-np.asarray(positions, float)[..., None] / d_model)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(*angles.shape[:-1], d_model)


def of_floats(got, expected, what):
    """Assert that an answer is not cut to whole numbers."""
    cut = got.dtype.kind in "iu" and got.shape == expected.shape
    assert not cut, mistake("cut-to-whole-numbers", expected=expected, got=got, what=what)


def _overlapping(positions, d_model, base):
    """Sines at every feature and a cosine at the last, as a loop in steps of one leaves them."""
    angles = np.asarray(positions, float)[..., None] * base ** (-np.arange(d_model) / d_model)
    encoding = np.sin(angles)
    encoding[..., -1] = np.cos(angles[..., -2])
    return encoding


@checks(
    "05.sinusoidal_by_loops",
    title="Sines and cosines, with loops",
    points=2,
    hints=[
        "Two loops: over the places p, and over the first feature of each pair, i = 0, 2, 4, …: `range(0, d_model, 2)`.",
        "The angle is p · 10000^(-i/d_model): one angle for both features of the pair.",
        "`encoding[p, i] = np.sin(angle)` and `encoding[p, i + 1] = np.cos(angle)`, in an array of zeros.",
    ],
)
def sinusoidal_by_loops(candidate):
    for seq_len, d_model in ((7, 10), (12, 6), (1, 4), (3, 2)):
        got, expected = call(candidate, seq_len, d_model), right_sinusoidal(seq_len, d_model)
        if d_model > 4:  # only there are all of these different
            suspects = encoding_suspects(np.arange(seq_len), d_model) | {"encoding-transposed": expected.T}
        else:
            suspects = {}
        of_floats(got, expected, "encoding")
        same_values(got, expected, "encoding", suspects)


@checks(
    "05.sinusoidal",
    title="Any positions, without loops",
    points=2,
    hints=[
        "Frequencies first: one for each pair, `base ** (-np.arange(0, d_model, 2) / d_model)`.",
        "Angles: each position times each frequency. `positions[..., None] * frequencies` has the shape (…, d_model / 2).",
        "Make room with `np.empty((*positions.shape, d_model))`, then fill `[..., 0::2]` with sines, `[..., 1::2]` with cosines.",
    ],
)
def sinusoidal(candidate):
    whole = np.arange(9.0)
    for d_model in (10, 6):
        suspects = encoding_suspects(whole, d_model)
        got = call(candidate, whole, d_model)
        of_floats(got, np.empty((len(whole), d_model)), "encoding")
        same_values(got, hands(whole, 10000.0 ** (-np.arange(0, d_model, 2) / d_model)), "encoding", suspects)

    scattered, d_model = np.array([5000.0, 3.0, 17.5, -4.0, 0.25]), 8
    speed = 10000.0 ** (-np.arange(0, d_model, 2) / d_model)
    suspects = {
        "positions-ignored": hands(np.arange(5), speed),
        "positions-without-sign": hands(abs(scattered), speed),
        "positions-rounded": [hands(np.trunc(scattered), speed), hands(np.round(scattered), speed)],
    }
    same_values(
        call(candidate, scattered, d_model), hands(scattered, speed), "encoding of scattered positions", suspects
    )

    expected = hands(scattered, 100.0 ** (-np.arange(0, d_model, 2) / d_model))
    got = call(candidate, scattered, d_model, 100.0)
    same_values(got, expected, "encoding at base 100", {"base-ignored": hands(scattered, speed)})

    grid = np.array([[0.0, 1.0, 2.0], [7.0, 8.0, 9.0]])
    try:
        got = call(candidate, grid, d_model)
    except LearnerError as error:
        raise AssertionError(mistake("fails-on-grid", error=error.summary)) from None
    expected = hands(grid, speed)
    found = "wrong-shape" if got.shape != expected.shape else None
    show = {"expected": expected, "got": got, "what": "encoding of (batch, seq_len) positions"}
    assert found is None, mistake("wrong-on-grid", **show)
    same_values(got, expected, show["what"], when_wrong="wrong-on-grid")


# --- find the bug -----------------------------------------------------------------------------------------------------


def colleagues_encoding(seq_len, d_model):
    """A colleague's sinusoidal encoding. His model trains, its loss falls."""
    encoding = np.zeros((seq_len, d_model))
    for p in range(seq_len):
        for i in range(0, d_model, 2):
            encoding[p, i] = np.sin(p / 10000 ** (2 * i / d_model))
            encoding[p, i + 1] = np.cos(p / 10000 ** (2 * (i + 1) / d_model))
    return encoding


def _broken_cases():
    """Encodings to judge: right, the colleague's, and pairs broken in one respect each."""
    right = right_sinusoidal(20, 10)
    one_late = right.copy()
    one_late[13, 4:6] *= 1.3  # one place, too long
    one_short = right.copy()
    one_short[7, 8:10] *= 0.8
    at_the_start = right.copy()
    at_the_start[0, 2:4] *= 1.1
    uneven = right.copy()
    uneven[:, 2] *= np.where(np.arange(20) % 2, 1.2, 0.7)
    balanced = right.copy()  # squares of 0.5 and 1.5 by turns: on average exactly 1
    balanced[:, 6:8] *= np.sqrt(np.where(np.arange(20) % 2, 1.5, 0.5))[:, None]
    return {
        "right": right,
        "right in single precision": right.astype(np.float32),
        "the colleague's": colleagues_encoding(20, 10),
        "one place too long": one_late,
        "one place too short": one_short,
        "the first place too long": at_the_start,
        "sines stretched": uneven,
        "long and short by turns": balanced,
        "clocks that stand still": np.tile([0.0, 1.0], (20, 5)),
    }


@checks(
    "05.broken_pairs",
    title="Find the bug: which pairs are no hands?",
    points=2,
    hints=[
        "The tip of a hand lies on the unit circle: what do sin² and cos² add up to? At every place.",
        "Neighbours together: `(encoding ** 2).reshape(places, -1, 2).sum(axis=-1)` has one number for each place and pair.",
        "`(abs(squares - 1) > 0.001).any(axis=0)`: broken if it is off at any place.",
    ],
)
def broken_pairs(candidate):
    cases, answers = _broken_cases(), {}
    for name, encoding in cases.items():
        got, expected = call(candidate, encoding), _broken(encoding)
        show = {"expected": expected, "got": got, "what": f"broken pairs, {name}"}
        per_place = got.shape == (len(encoding),) or got.shape == (len(encoding), 1)
        assert not per_place, mistake("one-answer-a-place", **show)
        assert got.shape != (encoding.shape[1],), mistake("one-answer-a-feature", **show)
        assert got.shape == expected.shape, mistake("wrong-shape", **show)
        assert got.dtype.kind == "b", mistake("pairs-not-boolean", **show)
        answers[name] = show
    wrong = [show for show in answers.values() if not np.array_equal(show["got"], show["expected"])]
    if not wrong:
        return
    for diagnosis, suspect in BROKEN_SUSPECTS.items():  # a slip explains all answers, not only one of them
        if all(np.array_equal(show["got"], suspect(cases[name])) for name, show in answers.items()):
            raise AssertionError(mistake(diagnosis, **wrong[0]))
    missed = any((show["expected"] & ~show["got"]).any() for show in wrong)
    raise AssertionError(mistake("different-values" if missed else "rounding-is-no-break", **wrong[0]))


def _squares(encoding):
    return (np.asarray(encoding, float) ** 2).reshape(len(encoding), -1, 2).sum(axis=-1)  # (places, pairs)


def _broken(encoding):
    return (abs(_squares(encoding) - 1) > 0.001).any(axis=0)


def _of_halves(encoding):
    return sum(half**2 for half in np.split(encoding, 2, axis=1))  # (places, pairs)


BROKEN_SUSPECTS = {
    "pairs-inverted": lambda encoding: ~_broken(encoding),
    "first-place-only": lambda encoding: _broken(encoding[:1]),
    "needs-every-place": lambda encoding: (abs(_squares(encoding) - 1) > 0.001).all(axis=0),
    "averaged-over-places": lambda encoding: abs(_squares(encoding).mean(axis=0) - 1) > 0.001,
    "last-place-only": lambda encoding: _broken(encoding[-1:]),
    "only-too-short": lambda encoding: (_squares(encoding) < 0.999).any(axis=0),
    "added-over-places": lambda encoding: abs(_squares(encoding).sum(axis=0) - 1) > 0.001,
    "compared-with-the-right-one": lambda encoding: (
        (abs(encoding - right_sinusoidal(*encoding.shape)) > 0.001).reshape(len(encoding), -1, 2).any(axis=(0, 2))
    ),
    "only-too-long": lambda encoding: (_squares(encoding) > 1.001).any(axis=0),
    "pairs-of-halves": lambda encoding: (abs(_of_halves(encoding) - 1) > 0.001).any(axis=0),
    "not-squared": lambda encoding: (abs(encoding[:, ::2] + encoding[:, 1::2] - 1) > 0.001).any(axis=0),
}


# --- rotation ---------------------------------------------------------------------------------------------------------


def _blocks(angles, mirrored=False):
    """A matrix of 2×2 blocks, one for each angle."""
    matrix = np.zeros((2 * len(angles), 2 * len(angles)))
    for pair, angle in enumerate(angles):
        sine, cosine = np.sin(angle), np.cos(angle)
        block = [[cosine, sine], [sine, -cosine]] if mirrored else [[cosine, sine], [-sine, cosine]]
        matrix[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = block
    return matrix


def _of_blocks(angles, block_of):
    """A matrix of 2×2 blocks, each made from the sine and the cosine of its angle."""
    matrix = np.zeros((2 * len(angles), 2 * len(angles)))
    for pair, angle in enumerate(angles):
        matrix[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = block_of(np.sin(angle), np.cos(angle))
    return matrix


@checks(
    "05.rotation",
    title="The matrix of a step",
    points=3,
    hints=[
        "One 2×2 block for each pair, on the diagonal. Its angle is b = offset · 10000^(-i/d_model) for the pair that begins at "
        "feature i.",
        "sin(a + b) = cos b · sin a + sin b · cos a. So the first row of the block is (cos b, sin b). And the second?",
        "`R[i:i+2, i:i+2] = [[np.cos(b), np.sin(b)], [-np.sin(b), np.cos(b)]]` for i = 0, 2, 4, ….",
    ],
)
def rotation(candidate):
    for offset, d_model in ((3, 10), (-2, 6), (0, 4), (250, 8)):
        i = np.arange(0, d_model, 2)
        speed = 10000.0 ** (-i / d_model)
        right = sinusoidal_rotation(offset, d_model)
        order = np.concatenate([i, i + 1])
        of_halves = right[np.ix_(order, order)]
        below = np.tri(d_model, k=-1, dtype=bool)
        suspects = {
            "turns-back": right.T,
            "offset-without-sign": _blocks(abs(offset) * speed),
            "one-speed-for-all": _blocks(np.full(len(i), float(offset))),
            "mirror-not-turn": [_blocks(offset * speed, mirrored=True), -_blocks(-offset * speed, mirrored=True)],
            "blocks-of-halves": [of_halves, of_halves.T],
            "speeds-of-doubled-exponent": [
                _blocks(offset * 10000.0 ** (-2 * i / d_model)),
                _blocks(-offset * 10000.0 ** (-2 * i / d_model)),
            ],
            "rotation-moves-nothing": np.eye(d_model),
            "offset-ignored": _blocks(speed),
            "block-without-minus": [np.where(below, -right, right), np.where(below.T, -right, right)],
            "speeds-of-halved-exponent": _blocks(offset * 10000.0 ** (-i / 2 / d_model)),
            "rotation-sine-cosine-exchanged": [
                _of_blocks(offset * speed, lambda sine, cosine, signs=signs: signs * [[sine, cosine], [cosine, sine]])
                for signs in np.array([[[1, 1], [-1, 1]], [[1, 1], [1, -1]], [[1, -1], [1, 1]], [[-1, 1], [1, 1]]])
            ],
            "rotation-first-pair-only": _blocks(offset * speed * (i == 0)),
            "rotation-without-sines": np.diag(np.repeat(np.cos(offset * speed), 2)),
        }
        suspects = {name: wrong for name, wrong in suspects.items() if not _same(wrong, right)}
        if offset < 0:  # there, both of these give the same matrix: a mistake that is right for +3 has lost the sign
            suspects.pop("turns-back")
        got = call(candidate, offset, d_model)
        show = {"expected": right, "got": got, "what": "matrix"}
        assert got.shape != (d_model // 2, 2, 2), mistake("blocks-not-placed", **show)
        same_values(got, right, f"matrix for an offset of {offset}", suspects)


@checks(
    "05.look_back",
    title="A head that looks back",
    points=3,
    hints=[
        "The query of place m should look like the encoding of place m - back. Which matrix makes it, for all m at once?",
        "With one encoding a row, a matrix R works from the right, transposed: `encoding @ R.T`.",
        "`queries = sinusoidal(...) @ rotation(-back, d_model).T`, scores `sharpness * queries @ encoding.T`, then softmax.",
    ],
)
def look_back(candidate):
    for seq_len, d_model, back, sharpness in ((12, 20, 3, 4.0), (9, 24, 1, 7.0), (200, 32, 5, 15.0)):
        places = right_sinusoidal(seq_len, d_model)
        table = places @ sinusoidal_rotation(-back, d_model).T @ places.T  # (queries, keys)
        ahead = places @ sinusoidal_rotation(back, d_model).T @ places.T
        clamped = places[np.maximum(np.arange(seq_len) - back, 0)]
        scores, right = sharpness * table, softmax(sharpness * table)
        suspects = {
            "looks-ahead": softmax(sharpness * ahead),
            "looks-at-itself": softmax(sharpness * places @ places.T),
            "sharpness-ignored": softmax(table),
            "sharpness-divides": softmax(table / sharpness),
            "sharpness-twice": softmax(sharpness * scores),
            "back-ignored": softmax(sharpness * places @ sinusoidal_rotation(-1, d_model).T @ places.T),
            "back-scaled": [
                *(softmax(one / np.sqrt(d_model)) for one in (scores, table)),
                *(softmax(scores / divisor) for divisor in (d_model, d_model / 2)),
            ],
            "back-no-softmax": [scores, table],
            "back-transposed": right.T,
            "back-over-queries": softmax(scores, axis=0),
            "back-rolled": softmax(sharpness * np.roll(places, back, axis=0) @ places.T),
            "back-clamped": softmax(sharpness * clamped @ places.T),
            "back-causal": softmax(scores, mask=np.tri(seq_len, dtype=bool)),
            "sharpness-after-softmax": sharpness * softmax(table),
            "back-all-or-nothing": [np.eye(seq_len)[scores.argmax(axis=-1)], np.eye(seq_len, k=-back)],
        }
        suspects = {name: wrong for name, wrong in suspects.items() if not _same(wrong, right)}
        if seq_len > 100:  # so sharp that softmax and maximum agree
            suspects.pop("back-all-or-nothing", None)
        got = call(candidate, seq_len, d_model, back, sharpness)
        same_values(got, right, f"weights, {back} back", suspects)


# --- rotary -----------------------------------------------------------------------------------------------------------


def _turn(x, angles):
    """Turn neighbours of x (..., seq_len, d_head) by angles (seq_len, pairs)."""
    first, second = x[..., 0::2], x[..., 1::2]
    sine, cosine = np.sin(angles), np.cos(angles)
    turned = first * cosine - second * sine, first * sine + second * cosine
    return np.stack(turned, axis=-1).reshape(x.shape)


@checks(
    "05.rotary",
    title="Rotary positions",
    points=3,
    hints=[
        "The angles are those of the sinusoidal encoding: positions as a column times frequencies, (seq_len, d_head / 2).",
        "First and second of each pair: `x[..., 0::2]` and `x[..., 1::2]`. Turned: first · cos - second · sin, and first · sin + "
        "second · cos.",
        "Write both into an empty array of x's shape, at `[..., 0::2]` and `[..., 1::2]`.",
    ],
)
def rotary(candidate):
    x, positions = draw(1, 7, 10), np.array([0.0, 1.0, 2.0, 3.0, 11.0, 40.0, 41.0])
    i = np.arange(0, 10, 2)
    speed = 10000.0 ** (-i / 10)
    angles = positions[:, None] * speed
    right = right_rotary(x, positions)
    first, second = x[..., 0::2], x[..., 1::2]
    exchanged = first * np.sin(angles) - second * np.cos(angles), first * np.cos(angles) + second * np.sin(angles)
    doubled = positions[:, None] * 10000.0 ** (-2 * i / 10)
    suspects = {
        "not-turned": x,
        "turns-clockwise-rotary": _turn(x, -angles),
        "half-split": [right_rotary(x, positions, interleaved=False), right_rotary(x, -positions, interleaved=False)],
        "rotary-one-speed": _turn(x, np.repeat(positions[:, None], 5, axis=1)),
        "rotary-exponent-doubled": _turn(x, doubled),
        "rotary-exponent-halved": _turn(x, positions[:, None] * 10000.0 ** (-i / 2 / 10)),
        "rotary-parted": np.concatenate([right[..., 0::2], right[..., 1::2]], axis=-1),
        "rotary-half-turned": np.stack(
            [right[..., 0::2], right[..., 0::2] * np.sin(angles) + second * np.cos(angles)], axis=-1
        ).reshape(x.shape),
        "rotary-from-one": right_rotary(x, positions + 1),
        "positions-added": x + hands(positions, speed),
        "positions-ignored": right_rotary(x),
        "sine-cosine-exchanged": np.stack(exchanged, axis=-1).reshape(x.shape),
        "same-sign-twice": [
            np.stack(
                [
                    first * np.cos(angles) + sign * second * np.sin(angles),
                    first * np.sin(angles) + sign * second * np.cos(angles),
                ],
                axis=-1,
            ).reshape(x.shape)
            for sign in (1, -1)
        ],
        "pair-exchanged": right.reshape(7, -1, 2)[..., ::-1].reshape(x.shape),
        "turned-twice": right_rotary(right, positions),
        "angle-in-degrees": right_rotary(x, np.radians(positions)),
        "frequency-upside-down": _turn(x, positions[:, None] / speed),
    }
    got = call(candidate, x, positions)
    of_floats(got, right, "turned vectors")
    found = probes.first_match(got, suspects)
    if found is None and got.shape == x.shape and np.isfinite(got).all():
        before, after = np.linalg.norm(x, axis=-1), np.linalg.norm(np.asarray(got, float), axis=-1)
        worst = abs(after - before).argmax()
        show = {"before": before[worst], "after": after[worst], "expected": right, "got": got, "what": "turned vectors"}
        assert np.allclose(before, after, rtol=1e-3), mistake("length-changed", **show)
    same_values(got, right, "turned vectors", suspects)

    expected = right_rotary(x, positions, base=500.0)
    same_values(call(candidate, x, positions, 500.0), expected, "turned at base 500", {"base-ignored": right})

    batch = draw(2, 2, 3, 7, 10)
    got = call_on_batch(candidate, batch, positions)
    same_values(got, right_rotary(batch, positions), "turned vectors of a batch", when_wrong="wrong-on-batch")


def half_split_scores(x, W_Q, W_K, positions):
    """Scores of x with itself, where rotary pairs the two halves of a head's features: (queries, keys)."""
    queries, keys = (right_rotary(x @ W, positions, interleaved=False) for W in (W_Q, W_K))
    return queries @ keys.T


@checks(
    "05.to_halves",
    title="Weights for the other convention",
    points=2,
    hints=[
        "Neighbours are pairs before, and features j and j + d_head/2 afterwards. So where must feature 1, the partner of 0, go?",
        "All first features of the pairs come first, then all second ones: 0, 2, 4, …, 1, 3, 5, ….",
        "The features of a head are the columns of W: `np.concatenate([W[:, 0::2], W[:, 1::2]], axis=1)`.",
    ],
)
def to_halves(candidate):
    for seed, d_model, d_head in ((1, 12, 6), (5, 8, 8), (9, 5, 10)):
        x, W_Q, W_K = draw(seed, 6, d_model), draw(seed + 1, d_model, d_head), draw(seed + 2, d_model, d_head)
        positions = np.array([0, 1, 2, 5, 9, 30])
        expected = right_rotary(x @ W_Q, positions) @ right_rotary(x @ W_K, positions).T
        converted = [call(candidate, W) for W in (W_Q, W_K)]
        for got, W in zip(converted, (W_Q, W_K), strict=True):
            assert got.shape == W.shape, mistake("wrong-shape", expected=W, got=got, what="converted weights")
            assert np.isfinite(got).all(), mistake("not-finite", expected=W, got=got, what="converted weights")
        order = np.concatenate([np.arange(0, d_head, 2), np.arange(1, d_head, 2)])
        half = d_head // 2
        suspects = {
            "not-converted": W_Q,
            "converted-backwards": W_Q[:, np.argsort(order)],
            "odd-half-first": np.concatenate([W_Q[:, 1::2], W_Q[:, 0::2]], axis=1),
            "halves-exchanged": np.roll(W_Q, half, axis=1),
            "rotated-not-reordered": [
                np.concatenate([-W_Q[:, half:], W_Q[:, :half]], axis=1),
                W_Q[:, order] * np.where(np.arange(d_head) < half, 1, -1),
                W_Q[:, order] * np.where(np.arange(d_head) < half, -1, 1),
                np.concatenate([-W_Q[:, 1::2], W_Q[:, 0::2]], axis=1),
            ],
            "neighbours-exchanged": W_Q.reshape(d_model, half, 2)[..., ::-1].reshape(W_Q.shape),
        }
        show = {"expected": W_Q[:, order], "got": converted[0], "what": "converted weights"}
        found = probes.first_match(converted[0], suspects)
        assert found is None, mistake(found, **show)
        rows_only = np.allclose(np.sort(converted[0], axis=0), np.sort(W_Q, axis=0))
        assert not rows_only or np.allclose(converted[0], W_Q), mistake("inputs-reordered", **show)
        got = half_split_scores(x, converted[0], converted[1], positions)
        together = _pairs_stay_together(converted[0], W_Q)
        same_values(got, expected, "scores", when_wrong="wrong-frequency" if together else "different-values")


def _pairs_stay_together(converted, W):
    """Whether features j and j + d_head/2 of the converted matrix are a pair of neighbours of W, in any order of pairs."""
    half = W.shape[1] // 2
    pairs = {(W[:, i].tobytes(), W[:, i + 1].tobytes()) for i in range(0, W.shape[1], 2)}
    return {(converted[:, j].tobytes(), converted[:, j + half].tobytes()) for j in range(half)} == pairs


# --- ALiBi ------------------------------------------------------------------------------------------------------------


@checks(
    "05.alibi_bias",
    title="ALiBi: a penalty for distance",
    points=2,
    hints=[
        "Slopes: `2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)`, one a head. Distances: a table (queries, keys).",
        "The queries are the last positions: `np.arange(num_keys)[-num_queries:]`. Distance: the absolute difference.",
        "`-slopes[:, None, None] * distances` has the shape (heads, queries, keys).",
    ],
)
def alibi_bias(candidate):
    for num_heads, num_queries, num_keys in ((4, 5, 5), (8, 6, 6), (2, 3, 7), (16, 1, 4)):
        slopes = 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)[:, None, None]
        queries, keys = np.arange(num_keys - num_queries, num_keys)[:, None], np.arange(num_keys)
        away = abs(queries - keys)
        early = abs(np.arange(num_queries)[:, None] - keys)
        right = right_alibi_bias(num_heads, num_queries, num_keys)
        suspects = {
            "rewards-distance": slopes * away,
            "rewards-what-follows": slopes * (keys - queries),
            "only-what-came-before": -slopes * np.maximum(queries - keys, 0),
            "slopes-from-one": -(2.0 ** (-8 * np.arange(num_heads) / num_heads)[:, None, None]) * away,
            "slopes-for-eight": -(2.0 ** -np.arange(1.0, num_heads + 1)[:, None, None]) * away,
            "only-eight-in-exponent": -(2.0**-8 * np.arange(1, num_heads + 1) / num_heads)[:, None, None] * away,
            "one-slope": [-slope * np.broadcast_to(away, right.shape) for slope in (slopes[0], 1.0, 0.5)],
            "slopes-reversed": -slopes[::-1] * away,
            "queries-at-the-start": -slopes * early,
            "distance-squared": -slopes * away**2,
            "hides-what-follows": np.where(keys <= queries, -slopes * away, -np.inf),
            "by-the-key-alone": slopes * np.broadcast_to(keys, away.shape),
            "factors-not-biases": np.exp(right),
            "heads-last": np.moveaxis(right, 0, -1),
            "distance-from-one": -slopes * (away + 1),
        }
        suspects = {name: wrong for name, wrong in suspects.items() if not _same(wrong, right)}
        got = call(candidate, num_heads, num_queries, num_keys)
        if got.shape == right.shape and not probes.close(got, right) and probes.first_match(got, suspects) is None:
            mine = got[:, 0, -1] / -away[0, -1]
            if probes.close(got, -mine[:, None, None] * away) and np.all(mine > 0):
                head = int(np.argmax(abs(np.log(mine / slopes[:, 0, 0]))))
                facts = {"head": head + 1, "slope": mine[head], "right": slopes[head, 0, 0]}
                raise AssertionError(mistake("slopes-wrong", **facts, expected=right, got=got, what="bias"))
        same_values(got, right, "bias", suspects)


def _same(wrong, right):
    return not isinstance(wrong, list) and wrong.shape == right.shape and np.allclose(wrong, right)
