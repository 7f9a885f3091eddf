"""Steps of positions, and how they go wrong: clock hands, turns of pairs, ALiBi's slopes and distances."""

import numpy as np

from course_lib.classroom.practice.steps import step

# ----------------------------------------------------------------------------------------------------------------------
# How fast each pair turns
# ----------------------------------------------------------------------------------------------------------------------


def powers(exponent):
    """Frequencies with another exponent, a function of the pairs' first features 0, 2, 4, … and the number of features."""
    return lambda size, base: float(base) ** -exponent(np.arange(0, size, 2), size)


@step
def frequencies(size, base):
    """The angle by which each pair of features turns from one place to the next: (size / 2,)."""
    return powers(lambda i, d: i / d)(size, base)


def of_base(change):
    """Frequencies of another base, a function of the right one."""
    return lambda size, base: frequencies(size, change(base))


frequencies.slip("exponent-doubled", "Your second pair turns at the speed of the third: the exponent is doubled. The "
    "pairs begin at features i = 0, 2, 4, …, which already go in steps of two.", powers(lambda i, d: 2 * i / d))  # fmt: skip
frequencies.slip("exponent-halved",
    "The first pair is right, the others slow down too little: the exponent is half of what it should be, as with the "
    "number of the pair, 0, 1, 2, …, in place of its first feature, 0, 2, 4, ….", powers(lambda i, d: i / 2 / d))  # fmt: skip
frequencies.slip("one-speed-for-all", "All your pairs turn at the same speed. Each has its own: the exponent is a "
    "fraction that grows from pair to pair (`//` would cut it off).", powers(lambda i, d: i // d))  # fmt: skip
frequencies.slip("exponent-rounded", "From the second pair on all turn at one speed: their exponent is cut to the same "
    "whole number. `/` keeps what stands behind the point, `//` does not.", powers(lambda i, d: -(-i // d)))  # fmt: skip
frequencies.slip("exponent-to-the-end",
    "Your last hand is exactly `base` times as slow as the first: the exponent runs up to 1. The formula divides i by "
    "the number of features, so it stops short of that.", powers(lambda i, d: i / (d - 2)),
    powers(lambda i, d: i / max(d - 2, 1)), powers(lambda i, d: np.array([one / (d - 2) for one in i.tolist()])),
    powers(lambda i, d: np.linspace(0, 1, d // 2)))  # fmt: skip
frequencies.slip("exponent-divided-wrongly", "Your exponent is divided by another number than how many features there "
    "are.", powers(lambda i, d: i / (d - 1)), powers(lambda i, d: i / (d + 1)),
    *(powers(lambda i, d, fixed=fixed: i / fixed) for fixed in (8, 10, 16, 32, 64, 128, 512)))  # fmt: skip
frequencies.slip("exponent-not-divided", "Your exponent is not divided by the number of features: after a few pairs "
    "nothing moves any more.", powers(lambda i, d: i.astype(float)), powers(lambda i, d: i / 2))  # fmt: skip
frequencies.slip("exponent-without-parentheses", "The exponent ends too early: `**` binds tighter than `*` and `/`. Put "
    "all of the exponent in parentheses.", lambda size, base: float(base) ** -np.arange(0.0, size, 2) / size,
    lambda size, base: size / float(base) ** np.arange(0.0, size, 2))  # fmt: skip
frequencies.slip("frequency-upside-down", "Your hands become faster from pair to pair: the sign of the exponent is "
    "wrong, or you divide where you should multiply.", powers(lambda i, d: -i / d))  # fmt: skip
frequencies.slip("first-pair-too-slow", "Your first pair is too slow already. Its exponent is 0: it begins at feature "
    "0.", powers(lambda i, d: (i + 1) / d), powers(lambda i, d: (i + 2) / d), powers(lambda i, d: (i / 2 + 1) / d))  # fmt: skip
frequencies.slip("frequencies-reversed", "Your frequencies run the wrong way: the first pair has to be the fastest.",
    lambda size, base: frequencies(size, base)[::-1], powers(lambda i, d: 1 - i / d))  # fmt: skip
frequencies.slip("base-of-another-number", "Your hands slow down by another base than the one asked for. Written with "
    "np.exp, the natural logarithm of the base stands in the exponent.",
    *(of_base(lambda base, other=other: other) for other in (np.e, 2.0, 10.0, 100.0, 1000.0, 1e5, 1e6)),
    of_base(lambda base: np.e ** np.log10(base)), of_base(lambda base: np.e ** np.log2(base)), of_base(np.sqrt),
    of_base(lambda base: base / 10), of_base(lambda base: 10 * base))  # fmt: skip
frequencies.slip("power-not-taken", "You multiply base and exponent. A power is written with two stars.",
    *(lambda size, base, sign=sign: sign * base * np.arange(0, size, 2) / size for sign in (1, -1)))  # fmt: skip
frequencies.slip("base-ignored", "Another base changes nothing in your result. Use the parameter.",
    of_base(lambda base: 10000.0))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Where the hands stand
# ----------------------------------------------------------------------------------------------------------------------


@step
def counted(seq_len):
    """The places 0, 1, 2, …."""
    return np.arange(float(seq_len))


@step
def given(positions):
    """Positions as they are given, of any shape."""
    return np.asarray(positions, float)


counted.slip("positions-from-one", "You count the places from 1. They count from 0, where every hand is at its start.",
    lambda seq_len: np.arange(1.0, seq_len + 1))  # fmt: skip
given.slip("positions-one-further", "Your positions are one further than the given ones: use them as they come, 0 "
    "included.", lambda positions: np.asarray(positions, float) + 1)  # fmt: skip
given.slip("positions-ignored", "You count 0, 1, 2, … whatever positions are given. Use the parameter.",
    lambda positions: np.arange(float(np.size(positions))).reshape(np.shape(positions)),
    lambda positions:
        np.broadcast_to(np.arange(np.shape(positions)[-1]) if np.ndim(positions) else 0.0, np.shape(positions)))  # fmt: skip
given.slip("positions-shifted", "You count from the first or the lowest of the positions. They are to be used as they "
    "are given.", lambda positions: np.asarray(positions, float) - np.asarray(positions, float).flat[0],
    lambda positions: np.asarray(positions, float) - np.min(positions))  # fmt: skip
given.slip("positions-rescaled", "Your positions are divided by how many there are, or by the largest. They are used as "
    "they are given.", lambda positions: np.asarray(positions, float) / np.size(positions),
    lambda positions: np.asarray(positions, float) / (abs(np.asarray(positions, float)).max() or 1))  # fmt: skip
given.slip("positions-without-sign", "A negative position comes out as a positive one. The hand then turns the other "
    "way.", lambda positions: abs(np.asarray(positions, float)))  # fmt: skip
given.slip("positions-rounded", "Positions between whole numbers come out as whole ones. A hand moves smoothly.",
    np.trunc, np.round, np.floor)  # fmt: skip


@step
def angles(positions, speeds):
    """Each position times each frequency: (...), (pairs,) -> (..., pairs)."""
    return positions[..., None] * speeds


angles.slip("degrees", "Your angles look like degrees. They are in radians here, as np.cos takes them.",
    lambda positions, speeds: np.radians(angles(positions, speeds)),
    lambda positions, speeds: np.degrees(angles(positions, speeds)))  # fmt: skip
angles.slip("whole-turns", "There is a factor of π too many in your angles. The formula has none: the first hand turns "
    "by one radian a place.", lambda positions, speeds: 2 * np.pi * angles(positions, speeds),
    lambda positions, speeds: np.pi * angles(positions, speeds))  # fmt: skip
angles.slip("angles-added", "You add the place to what belongs to its pair. The angle is their product.",
    lambda positions, speeds: positions[..., None] + speeds)  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Hands: a sine and a cosine for each pair
# ----------------------------------------------------------------------------------------------------------------------


def together(first, second):
    """Features as neighbours: (..., pairs) twice -> (..., 2 · pairs)."""
    return np.stack([first, second], axis=-1).reshape(*first.shape[:-1], 2 * first.shape[-1])


def apart(first, second):
    """Features as halves: all first ones, then all second ones."""
    return np.concatenate([first, second], axis=-1)


@step
def hands(angles):
    """Sine and cosine of each angle side by side: (..., pairs) -> (..., 2 · pairs)."""
    return together(np.sin(angles), np.cos(angles))


hands.slip("cosine-first", "Sine and cosine are exchanged: at position 0 each pair has to be (0, 1).",
    lambda angles: together(np.cos(angles), np.sin(angles)))  # fmt: skip
hands.slip("sines-then-cosines", "All your sines stand in one half, all cosines in the other. Here each pair stands "
    "together: features 0 and 1, 2 and 3, ….", lambda angles: apart(np.sin(angles), np.cos(angles)),
    lambda angles: apart(np.cos(angles), np.sin(angles)))  # fmt: skip
hands.slip("cosine-missing", "Both features of a pair are sines. With the sine alone, rising and falling look the "
    "same.", lambda angles: together(np.sin(angles), np.sin(angles)))  # fmt: skip
hands.slip("sine-missing", "Both features of a pair are cosines. With the cosine alone, rising and falling look the "
    "same.", lambda angles: together(np.cos(angles), np.cos(angles)))  # fmt: skip
hands.slip("hand-with-a-minus", "There is a minus too many in front of an angle, a sine or a cosine.",
    lambda angles: together(-np.sin(angles), np.cos(angles)), lambda angles: together(np.sin(angles), -np.cos(angles)),
    lambda angles: together(-np.sin(angles), -np.cos(angles)))  # fmt: skip
hands.slip("quarter-turn-missed", "Your second feature is a sine too, of an angle one radian further. A cosine is a "
    "quarter turn ahead.", lambda angles: together(np.sin(angles), np.sin(angles + 1)))  # fmt: skip
hands.slip("features-left-empty", "One feature of each pair is still 0. A pair is filled with a sine and a cosine.",
    lambda angles: together(np.sin(angles), 0 * angles), lambda angles: together(0 * angles, np.cos(angles)),
    lambda angles: together(np.cos(angles), 0 * angles), lambda angles: together(0 * angles, np.sin(angles)))  # fmt: skip
hands.slip("angles-tiled", "The two of a pair get different angles: your list of angles is repeated as a whole. Each "
    "angle is needed twice in a row.",
    lambda angles: together(*(of(part) for of, part in zip((np.sin, np.cos), neighbours(tiled(angles)), strict=True))))  # fmt: skip
hands.slip("pairs-by-number",
    "You take features j and j + 1 for pair number j. Pair 0 is features 0 and 1, pair 1 is features 2 and 3.",
    lambda angles: np.concatenate([np.sin(angles), np.cos(angles[..., -1:]), 0 * angles[..., 1:]], axis=-1))  # fmt: skip
hands.slip("pairs-not-put-together", "The two of each pair stand on an axis of their own, or come as two arrays. Put "
    "them together on the last axis.", lambda angles: np.stack([np.sin(angles), np.cos(angles)], axis=-1),
    lambda angles: np.stack([np.sin(angles), np.cos(angles)]), lambda angles: (np.sin(angles), np.cos(angles)))  # fmt: skip
hands.slip("angles-for-hands", "These are the angles. Take the sine and the cosine of each.",
    lambda angles: together(angles, angles), lambda angles: angles)  # fmt: skip
hands.slip("encoding-transposed", "The axes are exchanged: positions come first, and the features of each last.",
    lambda angles: hands(angles).T, lambda angles: np.moveaxis(hands(angles), -1, 0))  # fmt: skip
hands.slip("array-of-whole-numbers", "Your array holds whole numbers, so everything behind the point is cut off. Make "
    "it of floats.", lambda angles: hands(angles).astype(int))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Turns: of vectors, and as a matrix
# ----------------------------------------------------------------------------------------------------------------------


def halves(x):
    """First and second features, where j and j + half are a pair."""
    return np.split(x, 2, axis=-1)


def neighbours(x):
    """First and second features, where 2j and 2j + 1 are a pair."""
    return x[..., 0::2], x[..., 1::2]


def by_pairs(turn, parts=neighbours, join=together):
    """Turn pairs of x by `turn(first, second, cosine, sine)`, which gives both anew."""
    return lambda x, angles: join(*turn(*parts(x), np.cos(angles), np.sin(angles)))


def anticlockwise(first, second, cosine, sine):
    """A turn by the angle."""
    return first * cosine - second * sine, first * sine + second * cosine


def clockwise(first, second, cosine, sine):
    """A turn by minus the angle."""
    return anticlockwise(first, second, cosine, -sine)


def feature_by_feature(parts, join, spread):
    """x · cos + (-second, first) · sin, as many libraries write it, with one angle for each feature."""

    def turn(x, angles):
        first, second = parts(x)
        each = spread(angles)
        return x * np.cos(each) + join(-second, first) * np.sin(each)

    return turn


def twice(angles):
    """Each angle for two neighbours."""
    return np.repeat(angles, 2, axis=-1)


def tiled(angles):
    """All angles, then all of them again."""
    return np.concatenate([angles, angles], axis=-1)


@step
def turned(x, angles):
    """Each pair of neighbours turned by its angle: (..., seq_len, d), (seq_len, d / 2) -> (..., seq_len, d)."""
    return by_pairs(anticlockwise)(x, angles)


turned.slip("turns-the-other-way", "You turn by minus the angle: check where the minus stands.", by_pairs(clockwise))
turned.slip("half-split",
    "You pair the two halves (feature 0 with d_head/2), as Hugging Face's rotate_half does. Here neighbours are paired: "
    "0 and 1, 2 and 3, ….", by_pairs(anticlockwise, halves, apart), by_pairs(clockwise, halves, apart))  # fmt: skip
turned.slip("halves-and-neighbours", "Halves and neighbours are mixed up: pairs are taken, put back or given their "
    "angles in one way here, in the other there. Everywhere 0 and 1, 2 and 3, … are a pair, with one angle for both.",
    by_pairs(anticlockwise, halves, together), feature_by_feature(neighbours, together, tiled),
    feature_by_feature(halves, apart, twice), feature_by_feature(halves, together, twice),
    feature_by_feature(neighbours, apart, twice), feature_by_feature(neighbours, apart, tiled))  # fmt: skip
turned.slip("pairs-put-apart", "The right numbers in another order: all first features, then all second ones. Put each "
    "pair together again.", by_pairs(anticlockwise, neighbours, apart))  # fmt: skip
turned.slip("pair-exchanged", "The two of each pair come out in the wrong order.",
    by_pairs(lambda *of: anticlockwise(*of)[::-1]))  # fmt: skip
turned.slip("same-sign-twice", "Both features have the same sign between their two terms. A turn has one minus and one "
    "plus.", by_pairs(lambda a, b, c, s: (a * c - b * s, a * s - b * c)),
    by_pairs(lambda a, b, c, s: (a * c + b * s, a * s + b * c)),
    by_pairs(lambda a, b, c, s: (a * c - b * s, b * c - a * s)))  # fmt: skip
turned.slip("sine-cosine-exchanged",
    "At position 0 nothing should move, yet your vectors do: sine and cosine are exchanged.",
    by_pairs(lambda a, b, c, s: anticlockwise(a, b, s, c)), by_pairs(lambda a, b, c, s: (a * c - b * s, a * c + b * s)),
    by_pairs(lambda a, b, c, s: (a * s - b * c, a * s + b * c)),
    by_pairs(lambda a, b, c, s: (a * c - b * s, b * s + a * c)))  # fmt: skip
turned.slip("feature-from-one-term",
    "A turned feature is made of the feature alone. It takes both of the pair, one with the cosine, one with the sine.",
    by_pairs(lambda a, b, c, s: (a * c, b * c)), by_pairs(lambda a, b, c, s: (a * c, b * s)),
    by_pairs(lambda a, b, c, s: (a * s, b * c)), by_pairs(lambda a, b, c, s: (a * c - a * s, b * s + b * c)))  # fmt: skip
turned.slip("half-turned", "The second feature of a pair is made from the first one as it is *after* turning. Keep the "
    "old one.", by_pairs(lambda a, b, c, s: ((new := a * c - b * s), new * s + b * c)))  # fmt: skip
turned.slip("one-of-the-pair-turned", "Only one feature of each pair is turned, the other is left as it came, or 0.",
    by_pairs(lambda *of: (anticlockwise(*of)[0], of[1])), by_pairs(lambda *of: (of[0], anticlockwise(*of)[1])),
    by_pairs(lambda *of: (anticlockwise(*of)[0], 0 * of[1])), by_pairs(lambda *of: (0 * of[0], anticlockwise(*of)[1])),
    by_pairs(lambda *of: (anticlockwise(*of)[1], 0 * of[1])))  # fmt: skip
turned.slip("turned-twice", "Your vectors turn twice as far as they should.", lambda x, angles: turned(x, 2 * angles))
turned.slip("not-turned", "Your vectors come out as they went in.", lambda x, angles: x)
turned.slip("positions-added", "You add the sines and cosines to the vectors. Rotary turns the vectors and adds "
    "nothing.", lambda x, angles: x + hands(angles))  # fmt: skip
turned.slip("positions-multiplied",
    "You multiply the vectors by sines and cosines, number by number. A turn mixes the two of a pair.",
    lambda x, angles: x * hands(angles), lambda x, angles: x * together(np.cos(angles), np.sin(angles)))  # fmt: skip
turned.slip("first-pair-only", "Only the first pair turns. Each pair has its own turn.",
    lambda x, angles: turned(x, angles * (np.arange(angles.shape[-1]) == 0)))  # fmt: skip
turned.slip("last-pair-left-out", "The last pair is left out: your loop ends too early.",
    lambda x, angles: np.where(np.arange(x.shape[-1]) < x.shape[-1] - 2, turned(x, angles), 0),
    lambda x, angles: turned(x, angles * (np.arange(angles.shape[-1]) < angles.shape[-1] - 1)))  # fmt: skip
turned.slip("pairs-not-put-together", None, lambda x, angles: turned(x, angles).reshape(*x.shape[:-1], -1, 2),
    lambda x, angles: np.stack(neighbours(turned(x, angles))), lambda x, angles: neighbours(turned(x, angles)))  # fmt: skip
turned.slip("array-of-whole-numbers", None, lambda x, angles: turned(x, angles).astype(int))


def on_the_diagonal(blocks):
    """Blocks (pairs, 2, 2) on the diagonal of one matrix, (2 · pairs, 2 · pairs)."""
    matrix = np.zeros((len(blocks), 2, len(blocks), 2))
    matrix[np.arange(len(blocks)), :, np.arange(len(blocks))] = blocks
    return matrix.reshape(2 * len(blocks), -1)


def blocks(block):
    """A matrix of blocks `block(cosine, sine)`, one an angle."""
    return lambda angles: on_the_diagonal(np.array([block(np.cos(angle), np.sin(angle)) for angle in angles]))


def of_halves(matrix):
    """The same turn where j and j + half are a pair."""
    order = np.argsort(np.arange(len(matrix)) % 2, kind="stable")
    return matrix[np.ix_(order, order)]


def overlapping(angles):
    """The blocks written over each other, one row further each."""
    matrix = np.zeros((2 * len(angles),) * 2)
    for place, angle in enumerate(angles):
        matrix[place : place + 2, place : place + 2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    return matrix


@step
def turn_matrix(angles):
    """The matrix that turns hands, pairs (sine, cosine), on by these angles: (pairs,) -> (2 · pairs, 2 · pairs)."""
    return blocks(lambda c, s: [[c, s], [-s, c]])(angles)


turn_matrix.slip("turns-back", "Your matrix moves by the same number of places the other way: check where the minus "
    "stands.", blocks(lambda c, s: [[c, -s], [s, c]]))  # fmt: skip
turn_matrix.slip("block-without-minus",
    "Both sines of your blocks have the same sign. On paper: cos(a + b) = cos b · cos a - sin b · sin a, and sin(a + b) "
    "has a plus.", blocks(lambda c, s: [[c, s], [s, c]]), blocks(lambda c, s: [[c, -s], [-s, c]]))  # fmt: skip
turn_matrix.slip("mirror-not-turn", "Your blocks mirror instead of turning: their determinant is -1. The minus belongs "
    "to one of the sines.", blocks(lambda c, s: [[c, s], [s, -c]]), blocks(lambda c, s: [[-c, s], [s, c]]),
    blocks(lambda c, s: [[c, -s], [-s, -c]]))  # fmt: skip
turn_matrix.slip(
    "matrix-of-exchanged-sines", "For an offset of 0 nothing should move, yet yours does: sine and cosine are exchanged.",
    *(blocks(lambda c, s, signs=signs: signs * np.array([[s, c], [c, s]]))
      for signs in np.array([[[1, 1], [1, 1]], [[1, 1], [-1, 1]], [[1, 1], [1, -1]], [[1, -1], [1, 1]], [[-1, 1], [1, 1]]])),
)  # fmt: skip
turn_matrix.slip("blocks-of-halves", "Your blocks join feature 0 with d_model/2. Here pairs are neighbours: 0 and 1, 2 "
    "and 3, ….", lambda angles: of_halves(turn_matrix(angles)), lambda angles: of_halves(turn_matrix(angles)).T)  # fmt: skip
turn_matrix.slip("first-block-only", "Only the first pair turns. Each pair has its block on the diagonal.",
    lambda angles: turn_matrix(angles * (np.arange(len(angles)) == 0)),
    lambda angles: np.where(np.arange(2 * len(angles)) < 2, turn_matrix(angles), 0))  # fmt: skip
turn_matrix.slip("last-block-empty", "The last pair has no block: those rows and columns are 0, or those of the "
    "identity.", lambda angles: np.where(np.arange(2 * len(angles)) < 2 * len(angles) - 2, turn_matrix(angles), 0),
    lambda angles: turn_matrix(angles * (np.arange(len(angles)) < len(angles) - 1)))  # fmt: skip
turn_matrix.slip("blocks-to-the-middle",
    "Only the first half of the diagonal has blocks: the loop over the pairs ends at d_model / 2.",
    lambda angles: np.where(np.arange(2 * len(angles)) < 2 * len(range(0, len(angles), 2)), turn_matrix(angles), 0),
    lambda angles: turn_matrix(angles * (np.arange(len(angles)) < len(range(0, len(angles), 2)))))  # fmt: skip
turn_matrix.slip("matrix-without-sines",
    "Only the cosines are there, on the diagonal. A turn needs the two sines beside it.",
    blocks(lambda c, s: [[c, 0], [0, c]]), blocks(lambda c, s: [[c, 0], [0, s]]), blocks(lambda c, s: [[s, 0], [0, c]]))  # fmt: skip
turn_matrix.slip("block-with-a-gap", "One entry of each block is still 0. A sine and a cosine are each made of both of "
    "the pair: four entries.", blocks(lambda c, s: [[c, s], [-s, 0]]), blocks(lambda c, s: [[0, s], [-s, c]]),
    blocks(lambda c, s: [[c, s], [0, c]]), blocks(lambda c, s: [[c, 0], [-s, c]]),
    blocks(lambda c, s: [[c, 0], [s, c]]), blocks(lambda c, s: [[c, -s], [0, c]]))  # fmt: skip
turn_matrix.slip("one-block-alone", "You return the block of one pair. Each pair has its own, all of them on the "
    "diagonal of one matrix.", lambda angles: turn_matrix(angles[:1]), lambda angles: turn_matrix(angles[-1:]))  # fmt: skip
turn_matrix.slip("last-block-only", "Only the last pair has a block: is the matrix made anew in the loop?",
    lambda angles: np.where(np.arange(2 * len(angles)) >= 2 * len(angles) - 2, turn_matrix(angles), 0))  # fmt: skip
turn_matrix.slip("blocks-overlap", "Your blocks overlap: they begin at rows 0, 1, 2, …. Each takes two rows.",
    overlapping)  # fmt: skip
turn_matrix.slip("ones-on-the-diagonal", "The diagonal holds only ones. A block's diagonal are the cosines.",
    blocks(lambda c, s: [[1, s], [-s, 1]]), blocks(lambda c, s: [[1, -s], [s, 1]]))  # fmt: skip
turn_matrix.slip("blocks-not-placed", "These are the blocks, one for each pair. Put them on the diagonal of one matrix, "
    "(d_model, d_model).", lambda angles: np.array([[[np.cos(b), np.sin(b)], [-np.sin(b), np.cos(b)]] for b in angles]))  # fmt: skip
turn_matrix.slip("array-of-whole-numbers", None, lambda angles: turn_matrix(angles).astype(int))

# ----------------------------------------------------------------------------------------------------------------------
# ALiBi
# ----------------------------------------------------------------------------------------------------------------------


def halvings(exponent):
    """Powers of 2, one a head, by an exponent of its number 1, 2, … and of how many heads there are."""
    return lambda num_heads: 2.0 ** exponent(np.arange(1.0, num_heads + 1), num_heads)


@step
def slopes(num_heads):
    """A slope for each head, 2^(-8h/n) for h = 1 … n."""
    return halvings(lambda h, n: -8 * h / n)(num_heads)


slopes.slip("slopes-from-one", "Your first head has the slope 1: heads are counted from 1, not from 0.",
    halvings(lambda h, n: -8 * (h - 1) / n))  # fmt: skip
slopes.slip("slopes-from-the-second", "Your first head has the slope of the second: heads are counted from 1, not from "
    "2.", halvings(lambda h, n: -8 * (h + 1) / n))  # fmt: skip
slopes.slip("slopes-for-eight", "Your slopes are those of 8 heads, 1/2, 1/4, …, whatever num_heads is.",
    halvings(lambda h, n: -h))  # fmt: skip
slopes.slip("slopes-without-the-eight", "The 8 in the exponent of your slopes is missing.",
    halvings(lambda h, n: -h / n))  # fmt: skip
slopes.slip("slopes-grow", "Your slopes grow above 1 from head to head. The sign of the exponent is wrong.",
    halvings(lambda h, n: 8 * h / n))  # fmt: skip
slopes.slip("slopes-not-divided", "The number of heads has no part in your exponent: it divides.",
    halvings(lambda h, n: -8 * h))  # fmt: skip
slopes.slip("slopes-upside-down", "In your exponent the head's number and the number of heads have changed places.",
    halvings(lambda h, n: -8 * n / h), halvings(lambda h, n: -8 / h), halvings(lambda h, n: -n / h))  # fmt: skip
slopes.slip("slopes-of-another-base", "Your slopes are not powers of 2.",
    lambda num_heads: np.exp(-8 * np.arange(1, num_heads + 1) / num_heads),
    lambda num_heads: 1 / np.arange(1.0, num_heads + 1))  # fmt: skip
slopes.slip("exponent-without-parentheses", None, lambda num_heads: 2.0**-8 * np.arange(1, num_heads + 1) / num_heads,
    lambda num_heads: 2.0 ** (-8 * np.arange(1, num_heads + 1)) / num_heads)  # fmt: skip
slopes.slip("one-slope", "All your heads have the same slope. Each gets its own.", lambda num_heads: np.ones(num_heads),
    lambda num_heads: np.full(num_heads, 0.5), lambda num_heads: np.full(num_heads, 2.0 ** (-8 / num_heads)),
    lambda num_heads: np.full(num_heads, 2.0**-8))  # fmt: skip
slopes.slip("head-without-bias", "A head has no bias, the first or the last: your loop leaves one out.",
    lambda num_heads: slopes(num_heads) * (np.arange(num_heads) > 0),
    lambda num_heads: slopes(num_heads) * (np.arange(num_heads) < num_heads - 1),
    lambda num_heads: np.append(0, slopes(num_heads)[:-1]), lambda num_heads: np.append(slopes(num_heads)[1:], 0))  # fmt: skip
slopes.slip("slopes-reversed", "Your slopes come in the opposite order: the first head is the steepest.",
    lambda num_heads: slopes(num_heads)[::-1])  # fmt: skip


def distances_from(first_query, of=abs):
    """Distances with another place for the first query, and another function of query minus key."""
    return lambda num_queries, num_keys: of(
        first_query(num_queries, num_keys) + np.arange(num_queries)[:, None] - np.arange(num_keys)
    )


def last(num_queries, num_keys):
    """Where the first query stands if the queries are the last positions."""
    return num_keys - num_queries


@step
def distances(num_queries, num_keys):
    """How far each query is from each key; the queries are the last positions: (queries, keys)."""
    return distances_from(last)(num_queries, num_keys)


distances.slip("only-what-came-before", "Keys after the query get no penalty at all. The distance counts on either "
    "side.", distances_from(last, lambda gap: np.maximum(gap, 0)))  # fmt: skip
distances.slip("only-what-follows", "Keys before the query get no penalty at all. The distance counts on either side.",
    distances_from(last, lambda gap: np.maximum(-gap, 0)))  # fmt: skip
distances.slip("one-side-rewarded", "On one side of the query your bias is positive. A distance has no sign: it counts "
    "on either side.", distances_from(last, lambda gap: gap), distances_from(last, lambda gap: -gap))  # fmt: skip
distances.slip("queries-at-the-start", "With a cache the queries are the *last* positions: the last query stands at the "
    "last key.", distances_from(lambda queries, keys: 0))  # fmt: skip
distances.slip("queries-one-off", "Your queries stand one place beside theirs. The last query stands at the last key.",
    distances_from(lambda queries, keys: keys - queries - 1), distances_from(lambda queries, keys: keys - queries + 1),
    distances_from(lambda queries, keys: max(keys - queries - 1, 0)))  # fmt: skip
distances.slip("queries-past-the-end", "Your queries come after all the keys. They are the last positions themselves: "
    "the last query stands at the last key.", distances_from(lambda queries, keys: keys))  # fmt: skip
distances.slip("queries-backwards", "Your queries stand in the opposite order, seen from the keys.",
    lambda num_queries, num_keys: distances(num_queries, num_keys)[::-1])  # fmt: skip
distances.slip("keys-backwards", "Your keys stand in the opposite order, seen from the queries.",
    lambda num_queries, num_keys: distances(num_queries, num_keys)[:, ::-1])  # fmt: skip
distances.slip("distance-squared", "Your penalty grows with the square of the distance. It is linear.",
    distances_from(last, np.square))  # fmt: skip
distances.slip("distance-flattened", "Your penalty grows ever more slowly with the distance. It is linear.",
    distances_from(last, lambda gap: np.sqrt(abs(gap))), distances_from(last, lambda gap: np.log1p(abs(gap))),
    distances_from(last, lambda gap: np.log2(1 + abs(gap))))  # fmt: skip
distances.slip("distance-from-one", "Your distance of a word to itself is 1. It is 0, and the next word's is 1.",
    distances_from(last, lambda gap: abs(gap) + 1))  # fmt: skip
distances.slip("distance-as-a-share", "You divide the distance by how many keys there are. It is counted in places.",
    lambda num_queries, num_keys: distances(num_queries, num_keys) / num_keys,
    lambda num_queries, num_keys: distances(num_queries, num_keys) / max(num_keys - 1, 1))  # fmt: skip
distances.slip("hides-what-follows",
    "Keys after the query are hidden. That is the causal mask's work; here the distance counts on either side.",
    *(distances_from(last, lambda gap, fill=fill: np.where(gap < 0, fill, gap)) for fill in (np.inf, 1e9)))  # fmt: skip
distances.slip("by-the-key-alone", "Your bias depends on the key alone, as Bloom's does. After softmax under a causal "
    "mask that is the same; here the distance itself is asked for.", distances_from(last, lambda gap: gap - gap[:, :1]),
    distances_from(last, lambda gap: gap[:, :1] - gap),
    distances_from(last, lambda gap: gap - gap[:, :1] + gap.shape[1] - 1))  # fmt: skip
distances.slip("near-and-far", "A key is either at the query's place or not for you: the distance counts places.",
    distances_from(last, lambda gap: gap != 0))  # fmt: skip


@step
def penalties(slopes, distances):
    """Minus slope times distance: (heads,), (queries, keys) -> (heads, queries, keys)."""
    return -slopes[:, None, None] * distances


penalties.slip("rewards-distance", "Your bias is positive: it rewards distance. It is a penalty, at most 0.",
    lambda slopes, distances: -penalties(slopes, distances))  # fmt: skip
penalties.slip("slope-added", "You add slope and distance. The slope multiplies.",
    lambda slopes, distances: -slopes[:, None, None] - distances,
    lambda slopes, distances: slopes[:, None, None] - distances)  # fmt: skip
penalties.slip("slope-divides", "You divide by the slope. It multiplies the distance.",
    lambda slopes, distances: -distances / slopes[:, None, None])  # fmt: skip
penalties.slip("factors-not-biases", "These are factors, e^bias. The bias is added to the scores: return the negative "
    "numbers themselves.", lambda slopes, distances: np.exp(penalties(slopes, distances)))  # fmt: skip
penalties.slip("bias-softmaxed",
    "The rows of your bias sum to 1: a softmax is taken already. The bias is added to scores, before the softmax.",
    lambda slopes, distances: (e := np.exp(penalties(slopes, distances))) / e.sum(axis=-1, keepdims=True))  # fmt: skip
penalties.slip("heads-last", "The heads come first: (heads, queries, keys).",
    lambda slopes, distances: np.moveaxis(penalties(slopes, distances), 0, -1))  # fmt: skip
penalties.slip("one-table-for-all-heads", "There is one table. Each head has its own: (heads, queries, keys).",
    lambda slopes, distances: -slopes[0] * distances, lambda slopes, distances: -distances,
    lambda slopes, distances: distances, lambda slopes, distances: penalties(slopes, distances).sum(axis=0),
    lambda slopes, distances: -slopes[-1] * distances)  # fmt: skip
penalties.slip("array-of-whole-numbers", None, lambda slopes, distances: penalties(slopes, distances).astype(int))
