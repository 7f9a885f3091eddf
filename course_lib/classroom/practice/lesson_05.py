"""Lesson 05, positional encoding: what is right, and each mistake with its sentence, in the order of its exercises."""

import numpy as np

from course_lib.classroom.practice import answers
from course_lib.classroom.practice.catalogue import Case, cases, holds, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import reference
from course_lib.classroom.practice.slips.attention import WITHOUT_BATCH, WITHOUT_MASK, dot_products, mixed, softmax
from course_lib.classroom.practice.slips.positions import (
    angles,
    apart,
    counted,
    distances,
    distances_from,
    frequencies,
    given,
    hands,
    neighbours,
    penalties,
    slopes,
    together,
    turn_matrix,
    turned,
)
from course_lib.classroom.practice.steps import step

BASE = 10000.0

# ----------------------------------------------------------------------------------------------------------------------
# Sines and cosines
# ----------------------------------------------------------------------------------------------------------------------

LOOPS, ANY = "05.sinusoidal_by_loops", "05.sinusoidal"


@reference(
    LOOPS,
    title="Sines and cosines, with loops",
    points=2,
    hints=[
        "Two loops: over the places p, and over the first feature of each pair, i = 0, 2, 4, …: `range(0, d_model, 2)`.",
        "The angle is p · 10000^(-i/d_model): one angle for both features of the pair.",
        "`encoding[p, i] = np.sin(angle)` and `encoding[p, i + 1] = np.cos(angle)`, in an array of zeros.",
    ],
    returns="encoding",
    alike=lambda encoding: (
        encoding,
        np.array(encoding.dtype.kind == "f"),
    ),  # cut to whole numbers is not the same as empty
    same={"base-ignored"},
)
def sinusoidal_by_loops(seq_len, d_model):
    return hands(angles(counted(seq_len), frequencies(d_model, BASE)))


@cases(LOOPS)
def loop_cases():
    seq_len, pairs = generator(1).choice(np.arange(4, 12), 2, replace=False).tolist()
    for places, features in ((3, 4), (5, 2), (1, 6), (6, 6), (7, 10), (30, 8), (seq_len, 2 * pairs)):
        yield Case(f"{places} place{'s' * (places > 1)} of {features} features", places, features)


@reference(
    ANY,
    title="Any positions, without loops",
    points=2,
    hints=[
        "Frequencies first: one for each pair, `base ** (-np.arange(0, d_model, 2) / d_model)`.",
        "Angles: each position times each frequency. `positions[..., None] * frequencies` has the shape (…, d_model / 2).",
        "Make room with `np.empty((*positions.shape, d_model))`, then fill `[..., 0::2]` with sines, `[..., 1::2]` with cosines.",
    ],
    returns="encoding",
)
def sinusoidal(positions, d_model, base=BASE):
    return hands(angles(given(positions), frequencies(d_model, base)))


def scattered(seed, *shape):
    """Positions of both signs, mostly between whole numbers."""
    return generator(seed).uniform(-20, 20, shape).round(2)


@cases(ANY)
def any_cases():
    yield Case("three positions", np.array([0.0, 1.0, 2.0]), 4)
    yield Case("scattered positions", np.append(scattered(1, 4), 0.5), 6)
    yield Case("positions that start at 5000", np.arange(5000.0, 5003), 8)
    yield Case("as many positions as pairs", scattered(2, 5), 10)
    yield Case("as many positions as features", scattered(3, 6), 6)
    yield Case("another base", scattered(4, 4), 6, 100.0)
    yield Case("positions that are integers", np.arange(4), 6)
    yield Case("a batch, a row of positions for each text", scattered(5, 2, 3), 8)
    yield Case("a batch of as many texts as each has positions", scattered(6, 3, 3), 6, 500.0)
    yield Case("positions of three axes", scattered(7, 2, 1, 3), 4)
    yield Case("a single pair", scattered(8, 3), 2)
    yield Case("one position, without an axis", scattered(9), 6, edge=True)


def both(diagnosis, sentence, *encodings):
    """A mistake of both exercises: functions of positions, d_model and base."""
    mistake(LOOPS, diagnosis, sentence,
            *(lambda seq_len, d_model, of=of: of(np.arange(float(seq_len)), d_model, BASE) for of in encodings))  # fmt: skip
    mistake(ANY, diagnosis, sentence,
        *(lambda positions, d_model, base=BASE, of=of: of(np.asarray(positions, float), d_model, base)
            for of in encodings))  # fmt: skip


def uneven(sine, cosine):
    """Hands whose sine and cosine turn at speeds of their own: exponents, functions of a pair's first feature i and d_model."""

    def encoding(positions, d_model, base):
        i = np.arange(0, d_model, 2)
        first, second = (positions[..., None] * base ** -exponent(i, d_model) for exponent in (sine, cosine))
        return together(np.sin(first), np.cos(second))

    return encoding


def filled(keep):
    """The right encoding where `keep(places, features)` says so, 0 elsewhere."""
    return lambda seq_len, d_model: np.where(
        keep(np.arange(seq_len)[:, None], np.arange(d_model), seq_len, d_model),
        sinusoidal_by_loops(seq_len, d_model),
        0,
    )


both("cosine-other-frequency",
     "The cosine turns at another speed than its sine, so sin² + cos² is not 1. A pair is one hand: one angle for both.",
     uneven(lambda i, d: i / d, lambda i, d: (i + 1) / d), uneven(lambda i, d: i / d, lambda i, d: 2 * i / d),
     uneven(lambda i, d: i / d, lambda i, d: (i + 2) / d), uneven(lambda i, d: i / 2 / d, lambda i, d: (i / 2 + 1) / d))  # fmt: skip
both("exponent-doubled-cosine-too",
    "Two slips at once: the exponent is doubled, and the cosine turns at another speed than its sine. i already steps "
    "by two, and a pair has one angle.", uneven(lambda i, d: 2 * i / d, lambda i, d: 2 * (i + 1) / d),
    uneven(lambda i, d: 2 * i / d, lambda i, d: (2 * i + 1) / d))  # fmt: skip
both("place-and-feature-exchanged", "Place and feature are exchanged: the place multiplies, the feature stands in the exponent.",
     lambda p, d, base: hands(np.arange(0, d, 2) * base ** (-p[..., None] / d)))  # fmt: skip
both("outside-of-the-sine", "A factor stands outside of sine or cosine: place times frequency is the angle, inside of them.",
     lambda p, d, base: p[..., None] * hands(frequencies(d, base)),
     *(lambda p, d, base, outside=outside: together(*(
         of(p[..., None]) * frequencies(d, base) if of in outside else of(p[..., None] * frequencies(d, base)) for of in (np.sin, np.cos)))
       for outside in ([np.sin, np.cos], [np.sin], [np.cos])))  # fmt: skip
both("rows-all-alike", "All places come out the same: the place has no part in your angle.",
     lambda p, d, base: hands(frequencies(d, base) + 0 * p[..., None]),
     lambda p, d, base: hands(np.arange(0, d, 2) * frequencies(d, base) + 0 * p[..., None]))  # fmt: skip
both("row-0-empty", "Place 0 is all 0. At angle 0 a pair is (0, 1): the cosine of 0 is 1.",
     lambda p, d, base: sinusoidal(p, d, base) * (p != 0)[..., None])  # fmt: skip
mistake(LOOPS, "pairs-overlap", "Your loop steps by one, so each pair overwrites the half of the one before: step by two.",
        lambda n, d: np.where(np.arange(d) < d - 1, np.sin(a := np.arange(n)[:, None] * BASE ** (-np.arange(d) / d)),
                              np.cos(np.roll(a, 1, axis=1))))  # fmt: skip
mistake(LOOPS, "exponent-divided-by-the-length", "Your exponent is divided by how many places there are. It is divided "
    "by how many features there are.", lambda n, d: hands(np.arange(n)[:, None] * BASE ** (-np.arange(0, d, 2) / n)))  # fmt: skip
mistake(LOOPS, "second-half-empty", "Your last pairs are still 0: the loop over the pairs ends at d_model / 2.",
        filled(lambda p, i, n, d: i < 2 * len(range(0, d // 2, 2))), filled(lambda p, i, n, d: i < d // 2))  # fmt: skip
mistake(LOOPS, "last-pair-left-out", None, filled(lambda p, i, n, d: i < d - 2))
mistake(LOOPS, "first-pair-empty", "The first pair is still 0: your loop starts too late.",
    filled(lambda p, i, n, d: i >= 2))  # fmt: skip
mistake(LOOPS, "last-place-empty", "The last row is still 0: your loop over the places ends too early.",
    filled(lambda p, i, n, d: p < n - 1))  # fmt: skip
mistake(LOOPS, "ended-early", "Only the beginning is filled. Does a `return` stand inside of a loop?",
        filled(lambda p, i, n, d: p == 0), filled(lambda p, i, n, d: (p == 0) & (i < 2)), filled(lambda p, i, n, d: i < 2))  # fmt: skip
mistake(LOOPS, "last-place-only", "Only the last row is filled: each place needs its own.",
    filled(lambda p, i, n, d: p == n - 1))  # fmt: skip
mistake(LOOPS, "returns-one-row", "You return the row of a single place. Asked for are all of them: (seq_len, d_model).",
        lambda n, d: sinusoidal_by_loops(n, d)[-1], lambda n, d: sinusoidal_by_loops(n, d)[0])  # fmt: skip
mistake(ANY, "array-of-whole-numbers", None, lambda p, d, base=BASE: sinusoidal(p, d, base).astype(np.asarray(p).dtype))
mistake(ANY, "one-position-fails", "Right for positions with axes, not for a single number. What `...` stands for may also be nothing.",
        lambda p, d, base=BASE: sinusoidal(p, d, base) if p.ndim else len(p),
        lambda p, d, base=BASE: sinusoidal(p, d, base) if p.ndim else p[:, None],
        lambda p, d, base=BASE: sinusoidal(p, d, base) if p.ndim else sinusoidal(p[None], d, base))  # fmt: skip


def of_a_row(way):
    """Right for a row of positions; for other shapes `way` of it."""
    return lambda p, d, base=BASE: sinusoidal(p, d, base) if p.ndim == 1 else way(p, d, base)


def filled_along_axis_1(positions, d_model, base=BASE):
    """Features counted from the front: right where the positions have one axis."""
    encoding = np.zeros((*np.shape(positions), d_model))
    encoding[:, 0::2], encoding[:, 1::2] = neighbours(sinusoidal(positions, d_model, base))
    return encoding


mistake(ANY, "one-row-only",
    "Right for a row of positions, not for other shapes, such as (batch, seq_len). The features need an axis of their "
    "own, at the end.", lambda p, d, base=BASE: hands(given(p[:, None]) * frequencies(d, base)),
    lambda p, d, base=BASE: hands(np.outer(given(p), frequencies(d, base))),
    lambda p, d, base=BASE: hands(given(p).reshape(-1, 1) * frequencies(d, base)), filled_along_axis_1,
    of_a_row(lambda p, d, base: np.broadcast_to(sinusoidal(p[0], d, base), (*p.shape, d))),
    lambda p, d, base=BASE: np.broadcast_to((e := sinusoidal(p, d, base))[0], e.shape) if p.ndim == 2
        else sinusoidal(p, d, base),
    lambda p, d, base=BASE: hands(np.outer(given(p), frequencies(d, base))) + np.zeros((len(p), d)),
    lambda p, d, base=BASE: hands(np.outer(given(p), frequencies(d, base))) + np.zeros((*p.shape, d)))  # fmt: skip
mistake(ANY, "positions-ignored", None,
        *(lambda p, d, base=BASE, of=of: sinusoidal(np.arange(of(p)), d, base)
          for of in (len, lambda p: p.shape[0], lambda p: p.shape[-1])))  # fmt: skip
mistake(ANY, "positions-looked-up", "You look positions up in a table of whole places. They may lie between these, or below 0.",
    lambda p, d, base=BASE: sinusoidal(np.arange(int(p.max()) + 1), d, base)[p.astype(int)])  # fmt: skip
mistake(ANY, "exponent-divided-by-the-length", None,
        *(lambda p, d, base=BASE, of=of: hands(angles(given(p), base ** (-np.arange(0, d, 2) / of(p))))
          for of in (len, lambda p: p.shape[-1], np.size)))  # fmt: skip


@holds(LOOPS, "place-0-not-at-the-start", "Place 0 comes out wrong: there every angle is 0, and every pair (0, 1).")
def starts_at_place_0(encoding, seq_len, d_model):
    return answers.close(encoding[0], np.tile([0.0, 1.0], d_model // 2))


@holds(
    LOOPS,
    "no-hand",
    "At some place sin² + cos² of a pair is not 1: the two are not the sine and the cosine of one angle.",
)
@holds(ANY, "no-hand")
def is_on_the_circle(encoding, *inputs):
    first, second = neighbours(np.asarray(encoding, float))
    return np.allclose(first**2 + second**2, 1, atol=1e-3)


# ----------------------------------------------------------------------------------------------------------------------
# Find the bug
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_encoding(seq_len, d_model):
    """A colleague's sinusoidal encoding. His model trains, its loss falls."""
    encoding = np.zeros((seq_len, d_model))
    for p in range(seq_len):
        for i in range(0, d_model, 2):
            encoding[p, i] = np.sin(p / 10000 ** (2 * i / d_model))
            encoding[p, i + 1] = np.cos(p / 10000 ** (2 * (i + 1) / d_model))
    return encoding


BROKEN = "05.broken_pairs"


@step
def squares_of_pairs(encoding):
    """sin² + cos² of each pair at each place: (places, pairs)."""
    return sum(part**2 for part in neighbours(np.asarray(encoding, float)))


squares_of_pairs.slip("pairs-of-halves", "You pair feature 0 with d_model/2. A pair are neighbours: 0 and 1, 2 and 3, "
    "….", lambda encoding: sum(half**2 for half in np.split(encoding, 2, axis=1)))  # fmt: skip
squares_of_pairs.slip("not-squared", "You add sine and cosine as they are. On the unit circle their squares add up to "
    "1.", lambda encoding: encoding[:, ::2] + encoding[:, 1::2],
    lambda encoding: abs(encoding[:, ::2]) + abs(encoding[:, 1::2]),
    lambda encoding: (encoding[:, ::2] + encoding[:, 1::2]) ** 2)  # fmt: skip
squares_of_pairs.slip("squares-averaged", "You take the mean of the two squares. Their sum is 1.",
    lambda encoding: squares_of_pairs(encoding) / 2)  # fmt: skip
squares_of_pairs.slip("squares-subtracted", "You subtract the squares. It is their sum that is 1.",
    lambda encoding: encoding[:, ::2] ** 2 - encoding[:, 1::2] ** 2)  # fmt: skip
squares_of_pairs.slip("one-answer-a-feature", "One answer for each feature. A pair has two: add their squares before "
    "you judge.", lambda encoding: np.repeat(squares_of_pairs(encoding), 2, axis=1), lambda encoding: encoding**2)  # fmt: skip
squares_of_pairs.slip("pairs-by-number", None,
    lambda encoding: (e := encoding[:, : encoding.shape[1] // 2 + 1])[:, :-1] ** 2 + e[:, 1:] ** 2)  # fmt: skip
squares_of_pairs.slip("places-and-pairs-mixed", "Your reshape mixes places and pairs: the order of the axes stays, "
    "(places, pairs, 2).", lambda encoding: (encoding.reshape(encoding.shape[1] // 2, -1, 2) ** 2).sum(axis=-1).T)  # fmt: skip
squares_of_pairs.slip("all-neighbours-paired", "You judge features 1 and 2 as a pair, too. Pairs do not overlap: 0 and "
    "1, 2 and 3, ….", lambda encoding: encoding[:, :-1] ** 2 + encoding[:, 1:] ** 2)  # fmt: skip
squares_of_pairs.slip("squares-over-places", "You add up all places, too. Each place is judged by itself: only the two "
    "features of a pair are added.", lambda encoding: squares_of_pairs(encoding).sum(axis=0, keepdims=True))  # fmt: skip
squares_of_pairs.slip("averaged-over-places", "You average over the places before you judge, and too long and too short "
    "cancel out.", lambda encoding: squares_of_pairs(encoding).mean(axis=0, keepdims=True))  # fmt: skip


@step
def off_by(squares, tolerance):
    """Where the sum of squares differs from 1 by more than the tolerance."""
    return abs(squares - 1) > tolerance


off_by.slip("pairs-inverted", "The wrong way round{at}: True is for a pair that is broken.",
    lambda squares, tolerance: abs(squares - 1) <= tolerance,
    lambda squares, tolerance: ~off_by(squares, tolerance).any(axis=0, keepdims=True))  # fmt: skip
off_by.slip("only-too-long", "You miss hands that are too short. Both sides count.",
    lambda squares, tolerance: squares - 1 > tolerance)  # fmt: skip
off_by.slip("only-too-short", "You miss hands that are too long. Both sides count.",
    lambda squares, tolerance: 1 - squares > tolerance)  # fmt: skip
off_by.slip("rounding-is-no-break", "Your tolerance is smaller than 0.001: hands that are a little off, by rounding or "
    "by less than that, count as broken for you.",
    *(lambda squares, tolerance, other=other: abs(squares - 1) > other
        for other in (0.0, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6, 1e-5, 1.1e-5, 1e-4, 5e-4)))  # fmt: skip
off_by.slip("tolerance-too-large", "Some broken hands count as right for you: your tolerance is larger than 0.001, or "
    "you compare the hand's length, where the question is about sin² + cos², its square.",
    lambda squares, tolerance: abs(np.sqrt(squares) - 1) > tolerance,
    *(lambda squares, tolerance, other=other: abs(squares - 1) > other for other in (2e-3, 5e-3, 0.01, 0.05, 0.1)))  # fmt: skip


@step
def at_any_place(off):
    """Whether a pair is off at one place at least."""
    return off.any(axis=0)


at_any_place.slip("needs-every-place",
    "You call a pair broken only if it is broken at every place. One place is enough.", lambda off: off.all(axis=0))  # fmt: skip
at_any_place.slip("needs-most-places", "You call a pair broken only if it is broken at more than one place. One place "
    "is enough.", lambda off: off.mean(axis=0) > 0.5, lambda off: off.sum(axis=0) > 1)  # fmt: skip
at_any_place.slip("first-place-only",
    "You miss a pair that breaks later. At place 0 every encoding is (0, 1): look at all places.", lambda off: off[0])  # fmt: skip
at_any_place.slip("judges-the-last-place", "You judge by one place, the last. Look at all of them.",
    lambda off: off[-1])  # fmt: skip
at_any_place.slip("place-left-out", "One place is not looked at, the first or the last. All of them count.",
    lambda off: off[1:].any(axis=0), lambda off: off[:-1].any(axis=0))  # fmt: skip
at_any_place.slip("one-answer-a-place", "One answer for each place. The question is about pairs: d_model / 2 answers, "
    "each about all places.", lambda off: off.any(axis=1))  # fmt: skip
at_any_place.slip("one-answer-for-all", "One answer for the whole encoding. The question is about each pair.",
    lambda off: off.any())  # fmt: skip
at_any_place.slip("places-and-pairs",
    "One answer for each place and pair. A pair is broken if it is at any place: d_model / 2 answers.", lambda off: off)  # fmt: skip
at_any_place.slip("numbers-of-pairs",
    "Which pairs are broken is told by a boolean for each, not by the numbers of those that are.",
    lambda off: np.flatnonzero(off.any(axis=0)), lambda off: np.flatnonzero(off.any(axis=0)).tolist())  # fmt: skip
at_any_place.slip("pairs-not-boolean", "Your answer holds numbers. Return booleans: True where a pair is broken.",
    lambda off: off.any(axis=0).astype(int), lambda off: off.sum(axis=0), lambda off: off.any(axis=0).astype(float))  # fmt: skip


@reference(
    BROKEN,
    title="Find the bug: which pairs are no hands?",
    points=2,
    hints=[
        "The tip of a hand lies on the unit circle: what do sin² and cos² add up to? At every place.",
        "Neighbours together: `(encoding ** 2).reshape(places, -1, 2).sum(axis=-1)` has one number for each place and pair.",
        "`(abs(squares - 1) > 0.001).any(axis=0)`: broken if it is off at any place.",
    ],
    returns="verdict",
)
def broken_pairs(encoding):
    return at_any_place(off_by(squares_of_pairs(encoding), 0.001))


def some_hands(seed, places, pairs):
    """Hands at any angles, all of them right."""
    return hands(generator(seed).uniform(0, 6.2, (places, pairs)))


def stretched(seed, places, pairs, *changes):
    """Such hands, of which some, (place, pair, factor), have another sum of squares."""
    encoding = some_hands(seed, places, pairs)
    for place, pair, factor in changes:
        encoding[place, 2 * pair : 2 * pair + 2] *= np.sqrt(factor)
    return encoding


@cases(BROKEN)
def broken_cases():
    yield Case("a pair that is too long at one place", np.round(stretched(1, 2, 2, (1, 0, 1.69)), 4))
    yield Case("a pair that is too short at one place", stretched(2, 6, 3, (4, 2, 0.8)))
    yield Case("a pair that is broken at the first place", stretched(3, 5, 4, (0, 1, 1.2)))
    yield Case("a pair that is broken at the last place", stretched(4, 5, 4, (4, 3, 0.4)))
    yield Case("hands at any angles, all right", some_hands(5, 7, 5))
    yield Case("a right encoding", sinusoidal_by_loops(9, 10))
    yield Case("a right encoding in single precision", sinusoidal_by_loops(40, 6).astype(np.float32))
    yield Case("the colleague's", colleagues_encoding(20, 10))
    little = (1, 0, 1.0009), (1, 1, 1.0011), (2, 2, 0.9991), (0, 3, 0.9989), (1, 4, 1.0023), (2, 5, 0.97)
    always = [(place, pair, factor) for pair, factor in ((6, 1.0008), (7, 0.9985), (8, 1.045)) for place in range(3)]
    yield Case("pairs off by a little less than 0.001, and by a little more", stretched(6, 3, 9, *little, *always))
    yield Case("pairs that are too long and too short by turns",
               stretched(7, 6, 2, *((place, 1, (0.5, 1.5)[place % 2]) for place in range(6))))  # fmt: skip
    yield Case("a pair that is broken everywhere", stretched(8, 4, 3, *((place, 1, 1.3) for place in range(4))))
    yield Case("as many places as pairs", stretched(9, 4, 4, (1, 2, 1.4), (3, 2, 1.1)))
    yield Case("as many places as features", stretched(10, 6, 3, (2, 0, 0.9)))
    rng = generator(12)
    drawn = [(int(rng.integers(7)), pair, 1.5) for pair in range(5) if rng.random() < 0.5]
    yield Case("some broken pairs, each at one place", stretched(13, 7, 5, *drawn))
    yield Case("clocks that stand still", np.tile([0.0, 1.0], (5, 3)), edge=True)
    yield Case("one place", stretched(11, 1, 3, (0, 1, 1.2)), edge=True)


mistake(BROKEN, "all-pairs-broken", "You call every pair broken, whatever the encoding. What do you compare with 1?",
        lambda encoding: np.ones(encoding.shape[1] // 2, dtype=bool))  # fmt: skip
mistake(BROKEN, "no-pair-broken", "You call no pair broken, whatever the encoding.",
        lambda encoding: np.zeros(encoding.shape[1] // 2, dtype=bool))  # fmt: skip
mistake(BROKEN, "too-long-and-too-short", "A pair has to be too long at one place and too short at another for you. Either is enough.",
        lambda encoding: ((s := squares_of_pairs(encoding)) > 1.001).any(axis=0) & (s < 0.999).any(axis=0))  # fmt: skip
mistake(BROKEN, "compared-between-places",
    "You ask whether a pair's sum of squares changes from place to place. One that is too long at every place is "
    "broken, too.", lambda encoding: np.ptp(squares_of_pairs(encoding), axis=0) > 0.001)  # fmt: skip
mistake(BROKEN, "differences-added-up",
        "The differences of all places are added up or averaged before you judge. Each place is judged by itself.",
        *(lambda encoding, of=of: of(abs(squares_of_pairs(encoding) - 1), axis=0) > 0.001 for of in (np.sum, np.mean, np.median)),
        lambda encoding: ((squares_of_pairs(encoding) - 1) ** 2).mean(axis=0) > 0.001)  # fmt: skip
mistake(BROKEN, "compared-with-the-right-one",
    "You compare with the right encoding. Asked is less: is a pair a hand, at whatever speed?",
    lambda encoding: at_any_place(sum(neighbours(abs(encoding - sinusoidal_by_loops(*encoding.shape)) > 0.001)) > 0),
    *(lambda encoding, part=part:
        at_any_place(neighbours(abs(encoding - sinusoidal_by_loops(*encoding.shape)) > 0.001)[part])
        for part in (0, 1)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The matrix of a step
# ----------------------------------------------------------------------------------------------------------------------

ROTATION = "05.rotation"


@step
def moved_by(offset, speeds):
    """By which angle each hand turns in a step of this many places."""
    return offset * speeds


moved_by.slip("offset-ignored", "Another offset changes nothing in your matrix. It multiplies the frequency.",
    lambda offset, speeds: speeds)  # fmt: skip
moved_by.slip("offset-without-sign", "For a negative offset your matrix moves the same way as for a positive one.",
    lambda offset, speeds: abs(offset) * speeds, lambda offset, speeds: -abs(offset) * speeds)  # fmt: skip
moved_by.slip("offset-negative-ignored", "For a negative offset your matrix moves nothing. It turns the hands back.",
    lambda offset, speeds: max(offset, 0) * speeds)  # fmt: skip
moved_by.slip("step-one-off", "Your matrix moves by one place too many or too few: an offset of 0 moves nothing.",
    lambda offset, speeds: (offset + 1) * speeds, lambda offset, speeds: (offset - 1) * speeds)  # fmt: skip
moved_by.slip("matrix-moves-nothing", "Your matrix is the identity: no place moves.", lambda offset, speeds: 0 * speeds)
moved_by.slip("moves-too-far", "Your hands turn twice as far as they should.",
    lambda offset, speeds: 2 * offset * speeds)  # fmt: skip
moved_by.slip("degrees", None, lambda offset, speeds: np.radians(offset * speeds),
    lambda offset, speeds: np.degrees(offset * speeds))  # fmt: skip
moved_by.slip("angles-added", None, lambda offset, speeds: offset + speeds)


@reference(
    ROTATION,
    title="The matrix of a step",
    points=3,
    hints=[
        "One 2×2 block for each pair, on the diagonal. Its angle is b = offset · 10000^(-i/d_model) for the pair that begins at "
        "feature i.",
        "sin(a + b) = cos b · sin a + sin b · cos a. So the first row of the block is (cos b, sin b). And the second?",
        "`R[i:i+2, i:i+2] = [[np.cos(b), np.sin(b)], [-np.sin(b), np.cos(b)]]` for i = 0, 2, 4, ….",
    ],
    returns="matrix",
    same={"base-ignored"},
)
def rotation(offset, d_model):
    return turn_matrix(moved_by(offset, frequencies(d_model, BASE)))


@cases(ROTATION)
def rotation_cases():
    drawn = int(generator(1).integers(6, 40))
    for offset, d_model in ((1, 2), (2, 4), (3, 10), (-2, 6), (0, 4), (-1, 2), (250, 8), (drawn, 12), (-drawn, 6)):
        yield Case(f"an offset of {offset} on {d_model} features", offset, d_model)


def encoding(positions, d_model):
    """The right encoding."""
    return hands.function(np.asarray(positions, float)[..., None] * frequencies.function(d_model, BASE))


mistake(ROTATION, "moves-place-0-only",
        "Your matrix moves place 0 rightly, and no other: it is made of two encodings. One matrix has to move every place.",
        lambda offset, d: np.outer((there := encoding([0, offset], d))[1], there[0]) / (d / 2),
        lambda offset, d: np.outer((there := encoding([0, offset], d))[1], there[0]))  # fmt: skip
mistake(ROTATION, "encoding-for-matrix", "These are the encodings of places. Asked for is the matrix that moves all of "
    "them.", lambda offset, d: encoding(offset, d), lambda offset, d: np.diag(encoding(offset, d)),
    lambda offset, d: encoding(np.arange(d) + offset, d))  # fmt: skip


mistake(ROTATION, "each-number-to-the-power", "Each number of a matrix is raised to the offset. Many steps are a "
    "product of matrices, or one turn by a larger angle.", lambda offset, d: rotation(1, d) ** offset)  # fmt: skip
mistake(ROTATION, "matrix-times-offset", "You multiply the numbers of the matrix by the offset. It multiplies the angle.",
        lambda offset, d: offset * rotation(1, d))  # fmt: skip


@holds(
    ROTATION,
    "matrix-no-turn",
    "Your matrix changes lengths. A turn keeps them: times its own transpose it is the identity.",
)
def keeps_lengths(matrix, offset, d_model):
    return np.allclose(matrix @ matrix.T, np.eye(d_model), atol=1e-4)


# ----------------------------------------------------------------------------------------------------------------------
# A head that looks back
# ----------------------------------------------------------------------------------------------------------------------

BACK = "05.look_back"


def moved(keys, places):
    """Each encoding, a row, moved by so many places."""
    return keys @ turn_matrix.function(places * frequencies.function(keys.shape[1], BASE)).T


def pushed(keys, back, filled):
    """The encodings pushed down by `back` rows, those that are free filled."""
    return np.concatenate([np.broadcast_to(filled, keys.shape)[:back], keys])[: len(keys)]


@step
def moved_back(keys, back):
    """The queries: each place's encoding moved by -back."""
    return moved(keys, -back)


moved_back.slip("looks-ahead", "Your head looks ahead, to the key `back` places later: what is turned back is the "
    "query, and R stands on its left where it is a column.", lambda keys, back: moved(keys, back))  # fmt: skip
moved_back.slip("looks-at-itself", "Your head looks at its own place: the query is not turned at all, or the key is "
    "turned with it.", lambda keys, back: keys)  # fmt: skip
moved_back.slip("back-rolled", "Your first queries are those of the last places: np.roll goes round in a circle. Turn "
    "the encodings.", lambda keys, back: np.roll(keys, back, axis=0))  # fmt: skip
moved_back.slip("back-clamped", "The first queries all stand at place 0. Turned back by a matrix, they stand before it, "
    "at -1, -2, ….", lambda keys, back: pushed(keys, back, keys[0]))  # fmt: skip
moved_back.slip("back-left-empty", "The first queries are all 0, so that they look everywhere alike. Turned back by a "
    "matrix, they stand before place 0, at -1, -2, ….", lambda keys, back: pushed(keys, back, 0 * keys[0]))  # fmt: skip
moved_back.slip("back-not-moved-at-first", "The first queries stay at their own places. Turned back by a matrix, they "
    "stand before place 0.", lambda keys, back: pushed(keys, back, keys))  # fmt: skip
moved_back.slip("back-one-off", "Your head looks one place too far, or not far enough.",
    lambda keys, back: moved(keys, -back - 1), lambda keys, back: moved(keys, -back + 1))  # fmt: skip
moved_back.slip("back-ignored", "Your head looks just as far back whatever `back` is. Use the parameter.",
    *(lambda keys, back, places=places: moved(keys, -places) for places in (1, 2, 3)))  # fmt: skip
moved_back.slip("back-without-sign", "Your head looks twice as far back: the query is turned, and the key the other "
    "way.", lambda keys, back: moved(keys, -2 * back))  # fmt: skip


@step
def sharpened(scores, sharpness):
    """Scores times the sharpness."""
    return sharpness * scores


sharpened.slip("sharpness-ignored", "The sharpness changes nothing in your weights. It multiplies the scores.",
    lambda scores, sharpness: scores)  # fmt: skip
sharpened.slip("sharpness-divides", "You divide by the sharpness. A larger one has to make the weights sharper: "
    "multiply.", lambda scores, sharpness: scores / sharpness)  # fmt: skip
sharpened.slip("sharpness-twice", "The sharpness enters twice: it multiplies the scores, or the queries, but not both "
    "sides of the product.", lambda scores, sharpness: sharpness**2 * scores)  # fmt: skip
sharpened.slip("sharpness-added", "You add the sharpness, which changes nothing in a softmax. It multiplies the "
    "scores.", lambda scores, sharpness: scores + sharpness)  # fmt: skip
sharpened.slip("sharpness-as-a-power", "The sharpness is a power of the scores for you. It multiplies them.",
    lambda scores, sharpness: scores**sharpness)  # fmt: skip


@reference(
    BACK,
    title="A head that looks back",
    points=3,
    hints=[
        "The query of place m should look like the encoding of place m - back. Which matrix makes it, for all m at once?",
        "With one encoding a row, a matrix R works from the right, transposed: `encoding @ R.T`.",
        "`queries = sinusoidal(...) @ rotation(-back, d_model).T`, scores `sharpness * queries @ encoding.T`, then softmax.",
    ],
    returns="weights",
    same=WITHOUT_MASK | WITHOUT_BATCH | {"softmax-absolute-maximum"},  # no row of hands has its largest score below 0
)
def look_back(seq_len, d_model, back, sharpness):
    keys = encoding(np.arange(seq_len), d_model)
    return softmax(sharpened(dot_products(moved_back(keys, back), keys), sharpness))


@cases(BACK)
def back_cases():
    yield Case("five places, one back", 5, 8, 1, 2.0)
    yield Case("twelve places, three back", 12, 20, 3, 4.0)
    yield Case("as many places as features", 8, 8, 2, 1.5)
    yield Case("a single pair", 6, 2, 1, 1.5)
    places, sharpness = int(generator(1).integers(9, 14)), round(generator(2).uniform(0.5, 3), 2)
    yield Case("four back", places, 10, 4, sharpness)
    yield Case("a sharpness of 1000", 7, 12, 2, 1000.0, edge=True)


def back_with(change):
    """The head with something else done to its scores, before they are sharpened."""

    def wrong(seq_len, d_model, back, sharpness):
        keys = encoding(np.arange(seq_len), d_model)
        return softmax(change(sharpened(dot_products(moved_back(keys, back), keys), sharpness), d_model))

    return wrong


mistake(BACK, "back-scaled", "Your scores are divided by something else too, such as √d_model. Here the sharpness alone decides.",
        *(back_with(lambda scores, d, by=by: scores / by(d)) for by in (np.sqrt, lambda d: d, lambda d: d / 2)))  # fmt: skip
mistake(BACK, "back-scaled-for-sharpness", "Your scores are divided by √d_model, and the sharpness is left out.",
        lambda seq_len, d, back, sharpness: look_back(seq_len, d, back, 1 / np.sqrt(d)))  # fmt: skip
mistake(BACK, "back-causal", "You hide the keys after the query. No mask was asked for.",
        lambda *inputs: np.tril(look_back(*inputs)),
        back_with(lambda scores, d: np.where(np.tri(len(scores), dtype=bool), scores, -np.inf)),
        back_with(lambda scores, d: np.where(np.tri(len(scores), dtype=bool), scores, -1e9)))  # fmt: skip
mistake(BACK, "sharpness-after-softmax", "You multiply the weights by the sharpness. It belongs to the scores, before the softmax.",
        lambda seq_len, d, back, sharpness: sharpness * look_back(seq_len, d, back, 1.0))  # fmt: skip
mistake(BACK, "back-as-a-diagonal", "All the weight sits on one key. Use the softmax of the scores.",
        *(lambda seq_len, d, back, sharpness, k=k: np.eye(seq_len, k=k * back) for k in (-1, 1)),
        lambda seq_len, d, back, sharpness: np.eye(seq_len)[np.maximum(np.arange(seq_len) - back, 0)])  # fmt: skip
mistake(BACK, "back-weights-turned-round", "Rows and columns of your weights are exchanged: rows are queries.",
        lambda *inputs: look_back(*inputs).T)  # fmt: skip
mistake(BACK, "back-context", "You go on to mix the encodings. Asked for are the weights, (seq_len, seq_len).",
        lambda seq_len, d, back, sharpness: mixed(look_back(seq_len, d, back, sharpness), encoding(np.arange(seq_len), d)))  # fmt: skip


@holds(BACK, "rows-do-not-sum-to-1", "Some rows do not sum to 1. Weights are shares: what divides each row?")
def back_sums_to_one(weights, *inputs):
    return not np.isfinite(weights).all() or np.allclose(weights.sum(axis=-1), 1, atol=1e-4)


# ----------------------------------------------------------------------------------------------------------------------
# Rotary positions
# ----------------------------------------------------------------------------------------------------------------------

ROTARY = "05.rotary"


@reference(
    ROTARY,
    title="Rotary positions",
    points=3,
    hints=[
        "The angles are those of the sinusoidal encoding: positions as a column times frequencies, (seq_len, d_head / 2).",
        "First and second of each pair: `x[..., 0::2]` and `x[..., 1::2]`. Turned: first · cos - second · sin, and first · sin + "
        "second · cos.",
        "Write both into an empty array of x's shape, at `[..., 0::2]` and `[..., 1::2]`.",
    ],
    returns="turned array",
)
def rotary(x, positions, base=BASE):
    return turned(x, angles(given(positions), frequencies(x.shape[-1], base)))


@cases(ROTARY)
def rotary_cases():
    yield Case("three vectors of two pairs", draw(1, 3, 4).round(1), np.array([0.0, 1.0, 2.0]))
    yield Case("scattered positions", draw(2, 7, 10), np.append(scattered(3, 5), [40.0, 0.5]))
    yield Case("another base", draw(4, 5, 6), scattered(5, 5), 500.0)
    yield Case("as many places as features", draw(6, 6, 6), scattered(7, 6))
    yield Case("as many places as pairs", draw(8, 3, 6), scattered(9, 3))
    yield Case("positions that are integers", draw(10, 4, 6), np.arange(2, 6))
    yield Case("a single pair", draw(11, 4, 2), scattered(12, 4))
    yield Case("a batch", draw(13, 3, 5, 8), scattered(14, 5))
    yield Case("a batch with two leading axes", draw(15, 2, 3, 5, 6), scattered(16, 5), 100.0)
    yield Case("a batch of as many texts as places", draw(17, 4, 4, 6), scattered(18, 4))


def on_a_batch(wrong):
    """Right on one matrix, and `wrong` with more axes."""
    return lambda x, positions, base=BASE: (rotary if x.ndim == 2 else wrong)(x, positions, base)


def of_a_matrix(x, positions, base=BASE):
    """Rotary with axes counted from the front."""
    first, second = x[:, 0::2], x[:, 1::2]
    return first * np.cos(angles(positions, frequencies(x.shape[1], base))), second


mistake(ROTARY, "axes-from-the-front", "Right for one matrix, not with axes in front of it. Count axes from the end: "
    "the last one holds the features, the one before it the places.", on_a_batch(of_a_matrix),
    on_a_batch(lambda x, positions, base: turned(x, angles(positions, frequencies(x.shape[1], base)))),
    on_a_batch(lambda x, p, base: [x[place, i] for place in range(len(p)) for i in range(x.shape[-1])]))  # fmt: skip
mistake(ROTARY, "places-along-the-batch",
    "On a batch you turn by the number of the text, not of the place: positions belong to the axis before the last.",
    on_a_batch(lambda x, p, base: np.swapaxes(rotary(np.swapaxes(x, 0, -2), p, base), 0, -2)))  # fmt: skip
mistake(ROTARY, "batch-first-only", "On a batch it is right for the first matrix alone: the others get its numbers.",
        lambda x, p, base=BASE: np.broadcast_to(rotary(x[(0,) * (x.ndim - 2)], p, base), x.shape))  # fmt: skip
mistake(ROTARY, "one-place-for-all", "All vectors turn by one angle. Each place has its own.",
        *(lambda x, p, base=BASE, place=place: rotary(x, np.full(len(p), p[place]), base) for place in (0, -1)))  # fmt: skip
mistake(ROTARY, "exponent-divided-by-the-length", None,
        lambda x, p, base=BASE: turned(x, angles(np.asarray(p, float), base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-2]))))  # fmt: skip
mistake(ROTARY, "turned-by-the-matrix-of-hands", "You turn the other way, and by base 10000 whatever is asked for, as "
    "the matrix of task 4 does: it moves hands, (sine, cosine).", lambda x, p, base=BASE: rotary(x, -p))  # fmt: skip
mistake(ROTARY, "places-reversed", "Your places run backwards: the last vector gets the first position.",
        lambda x, p, base=BASE: rotary(x, p[::-1], base))  # fmt: skip
mistake(ROTARY, "hands-for-vectors", "These are sines and cosines of the positions. What is to be turned is x.",
        lambda x, p, base=BASE: hands(angles(np.asarray(p, float), frequencies(x.shape[-1], base))))  # fmt: skip


@holds(ROTARY, "length-changed", "Turning keeps the length of a vector; yours changes.")
def keeps_the_length(turned, x, positions, base=BASE):
    return np.allclose(*(np.linalg.norm(np.asarray(one, float), axis=-1) for one in (turned, x)), rtol=1e-3)


# ----------------------------------------------------------------------------------------------------------------------
# Weights for the other convention
# ----------------------------------------------------------------------------------------------------------------------

HALVES = "05.to_halves"


def seen_by_scores(converted):
    """What scores can see of a head's weights: turning both features of a pair (j, j + half) by one angle changes nothing."""
    first, second = np.split(converted, 2, axis=1)
    pairs = (first + 1j * second).T
    products = pairs[:, :, None] * pairs[:, None, :].conj()  # (pairs, d_model, d_model)
    return np.stack([products.real, products.imag])


def overwritten(W, exchange=False):
    """Columns moved one by one in the same matrix, or exchanged."""
    W, half = W.copy(), W.shape[1] // 2
    for j in range(half):
        to, of = ([2 * j + 1, j + half], [j + half, 2 * j + 1]) if exchange else ([j, j + half], [2 * j, 2 * j + 1])
        W[:, to] = W[:, of]
    return W


@step
def firsts_then_seconds(W):
    """The columns of W, first features of all pairs, then the second ones."""
    return apart(*neighbours(W))


firsts_then_seconds.slip("not-converted", "The scores are those of the matrix as it was: with halves for pairs, its "
    "feature 0 is turned together with d_head/2.", lambda W: W,
    lambda W: apart(*(sign * half for sign, half in zip((-1, 1), np.split(W, 2, axis=1)[::-1], strict=True))))  # fmt: skip
firsts_then_seconds.slip("converted-backwards",
    "You order the columns the other way round: from halves to neighbours. Where does the partner of feature 0 stand "
    "now, and where must it stand?", lambda W: together(*np.split(W, 2, axis=1)))  # fmt: skip
firsts_then_seconds.slip("inputs-reordered",
    "You reorder the rows, which belong to the embedding. The features of a head are the columns.",
    lambda W: np.concatenate([W[0::2], W[1::2]]), lambda W: apart(*neighbours(np.concatenate([W[0::2], W[1::2]]))),
    lambda W: W.reshape(len(W) // 2, 2, -1).swapaxes(0, 1).reshape(W.shape))  # fmt: skip
firsts_then_seconds.slip("pairs-turn-the-other-way", "Each pair turns the other way. Are its two features exchanged, or "
    "is there a minus?", lambda W: apart(*neighbours(W)[::-1]), lambda W: apart(W[:, 0::2], -W[:, 1::2]))  # fmt: skip
firsts_then_seconds.slip("rotated-not-reordered",
    "A sign has changed. The program does the turning, signs and all; your columns only change their places.",
    lambda W: together(-W[:, 1::2], W[:, 0::2]), lambda W: together(W[:, 1::2], -W[:, 0::2]))  # fmt: skip
firsts_then_seconds.slip("neighbours-exchanged", "You exchange the two of each pair. They have to stand d_head/2 apart: "
    "even ones first, then odd ones.", lambda W: together(*neighbours(W)[::-1]))  # fmt: skip
firsts_then_seconds.slip("halves-exchanged", "You exchange the two halves. What has to move are the odd features: all "
    "of them behind all even ones.", lambda W: apart(*np.split(W, 2, axis=1)[::-1]))  # fmt: skip
firsts_then_seconds.slip("pairs-reordered",
    "Each pair stays together, but turns at the speed of another pair: keep the pairs in their order.",
    lambda W: apart(W[:, 0::2][:, ::-1], W[:, 1::2][:, ::-1]), lambda W: np.roll(apart(*neighbours(W)), 1, axis=1))  # fmt: skip
firsts_then_seconds.slip("one-half-reversed", "One of the halves stands in reverse, so that pairs are torn apart: both "
    "keep the order of the pairs.", lambda W: apart(W[:, 0::2], W[:, 1::2][:, ::-1]),
    lambda W: apart(W[:, 0::2][:, ::-1], W[:, 1::2]), lambda W: W[:, ::-1])  # fmt: skip
firsts_then_seconds.slip("columns-by-fours", "You sort the columns by fours. A pair has two: even ones first, then odd "
    "ones.", lambda W: np.concatenate([W[:, start::4] for start in range(4)], axis=1),
    lambda W: np.concatenate([W[:, start::4] for start in (0, 2, 1, 3)], axis=1))  # fmt: skip
firsts_then_seconds.slip("columns-overwritten", "You read columns that you have written over already. Read from the old "
    "matrix, write into a new one.", overwritten, lambda W: overwritten(W, exchange=True),
    lambda W: apart(W[:, 0::2], apart(W[:, 0::2], W[:, W.shape[1] // 2 :])[:, 1::2]))  # fmt: skip
firsts_then_seconds.slip("one-half-left", "One half of the columns stays where it was. Both are filled anew.",
    lambda W: apart(np.split(W, 2, axis=1)[0], W[:, 1::2]), lambda W: apart(W[:, 0::2], np.split(W, 2, axis=1)[1]))  # fmt: skip
firsts_then_seconds.slip("half-of-the-columns", "You keep half of the columns. All of them stay, in another order.",
    lambda W: W[:, 0::2], lambda W: apart(W[:, 0::2], W[:, 0::2]), lambda W: W[:, 1::2],
    lambda W: apart(W[:, 0::2], 0 * W[:, 0::2]), lambda W: apart(0 * W[:, 0::2], W[:, 1::2]))  # fmt: skip
firsts_then_seconds.slip("last-pair-left-out", None,
    lambda W: firsts_then_seconds(np.where(np.arange(W.shape[1]) < W.shape[1] - 2, W, 0)))  # fmt: skip
firsts_then_seconds.slip("halves-on-an-axis", "The two halves come on an axis of their own, or as two arrays. Put them "
    "side by side: the shape of W stays.", lambda W: np.stack(neighbours(W)), lambda W: np.stack(neighbours(W), axis=1),
    lambda W: np.stack(neighbours(W), axis=-1), neighbours)  # fmt: skip
firsts_then_seconds.slip("halves-on-top", "The two halves stand on top of each other. Put them side by side: the shape "
    "of W stays.", lambda W: np.concatenate(neighbours(W)))  # fmt: skip
firsts_then_seconds.slip("reshaped-only", "Your numbers wander from row to row: a reshape alone does not move columns.",
    lambda W: W.reshape(W.shape[1], -1).T if W.size else W, lambda W: W.reshape(2, -1).T.reshape(W.shape),
    lambda W: W.reshape(-1, 2).T.reshape(W.shape))  # fmt: skip


@reference(
    HALVES,
    title="Weights for the other convention",
    points=2,
    hints=[
        "Neighbours are pairs before, and features j and j + d_head/2 afterwards. So where must feature 1, the partner of 0, go?",
        "All first features of the pairs come first, then all second ones: 0, 2, 4, …, 1, 3, 5, ….",
        "The features of a head are the columns of W: `np.concatenate([W[:, 0::2], W[:, 1::2]], axis=1)`.",
    ],
    returns="converted matrix",
    alike=seen_by_scores,
)
def to_halves(W):
    return firsts_then_seconds(W)


@cases(HALVES)
def halves_cases():
    yield Case("two pairs", draw(1, 2, 4).round(1))
    yield Case("three pairs", draw(2, 12, 6))
    yield Case("a square matrix", draw(3, 8, 8))
    yield Case("more features than come in", draw(4, 5, 10))
    yield Case("a single pair", draw(5, 4, 2), edge=True)


# ----------------------------------------------------------------------------------------------------------------------
# ALiBi
# ----------------------------------------------------------------------------------------------------------------------

ALIBI = "05.alibi_bias"


@reference(
    ALIBI,
    title="ALiBi: a penalty for distance",
    points=2,
    hints=[
        "Slopes: `2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads)`, one a head. Distances: a table (queries, keys).",
        "The queries are the last positions: `np.arange(num_keys)[-num_queries:]`. Distance: the absolute difference.",
        "`-slopes[:, None, None] * distances` has the shape (heads, queries, keys).",
    ],
    returns="bias",
)
def alibi_bias(num_heads, num_queries, num_keys):
    return penalties(slopes(num_heads), distances(num_queries, num_keys))


@cases(ALIBI)
def alibi_cases():
    queries, keys = sorted(generator(1).choice(np.arange(2, 10), 2, replace=False).tolist())
    sizes = (2, 3, 3), (2, 3, 5), (4, 4, 4), (4, 5, 5), (8, 6, 6), (16, 1, 4), (1, 2, 6), (4, queries, keys)
    for heads, some, all_of_them in sizes:
        about = f"{some} quer{'ies' if some > 1 else 'y'} and {all_of_them} keys in {heads} head{'s' * (heads > 1)}"
        yield Case(about, heads, some, all_of_them)


def positions_apart(num_queries, num_keys):
    """The right distances, as an array."""
    return distances_from(lambda queries, keys: keys - queries)(num_queries, num_keys)


mistake(ALIBI, "a-row-for-every-key", "Your bias has a row for every key. Rows are queries, the last positions only.",
        lambda heads, queries, keys: alibi_bias(heads, keys, keys))  # fmt: skip


@holds(
    ALIBI,
    "slopes-wrong",
    "Each head's bias grows with the distance as it should, by a slope that is not the one of the formula.",
)
def has_the_slopes(bias, num_heads, num_queries, num_keys):
    away = positions_apart(num_queries, num_keys)
    mine = bias[:, -1, 0] / -away[-1, 0]
    grows = np.all(mine > 0) and answers.close(bias, -mine[:, None, None] * away)
    return not grows or answers.close(mine, 2.0 ** (-8 * np.arange(1, num_heads + 1) / num_heads))


@holds(
    ALIBI,
    "bias-positive",
    "Some of your numbers are above 0. A bias for distance is a penalty: 0 at the word itself, negative everywhere else.",
)
def is_a_penalty(bias, *inputs):
    return not np.any(bias > 0)
