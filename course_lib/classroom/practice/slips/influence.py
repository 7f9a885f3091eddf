"""The leak test: which token moves which output? Its steps, the functions it is tried on, and how it goes wrong.

A token is changed by random numbers, its own for each feature: the same number added to all of them can't be seen by a layer
norm, which subtracts a token's mean. A row of the output has moved if any of its numbers has, by more than rounding.
"""

import numpy as np

from course_lib.classroom.practice.catalogue import Case, mistake
from course_lib.classroom.practice.draws import draw
from course_lib.classroom.practice.steps import step

ROUNDING = 1e-9  # what differs by less has not moved


def table_of_influence(function, x):
    """Which outputs (rows) move when a token (column) is changed.

    Args:
        function: takes x and returns an array with a row for each output.
        x: (tokens, d).

    Returns:
        bool (outputs, tokens).
    """
    before = function(x)
    return tabled([moved(function(changed(x, token)), before) for token in range(len(x))])


# ----------------------------------------------------------------------------------------------------------------------
# The functions that it is tried on
# ----------------------------------------------------------------------------------------------------------------------


def reading(table, reads, writes, about):
    """A function in which output i adds up what it reads of the tokens that row i of the table names.

    Args:
        table: (outputs, tokens) of numbers; 0 where a token is not read.
        reads: (d,), what is read of a token's features.
        writes: (...), what an output is a multiple of.
        about: what is special about it, in words.
    """

    def function(x):
        return np.multiply.outer(table @ (x @ reads), writes)

    function.__doc__ = about
    return function


def whom(seed, length):
    """Which output reads which tokens: drawn, with something on either side of the diagonal and nothing symmetric."""
    table = draw(seed, length, length) > -0.2
    table[0, [0, -1]], table[-1, 0], table[1, 1] = True, False, False
    return table.astype(float)


def attention(seed, features, *, normed):
    """Causal attention, of the tokens or of the normed tokens."""
    W_Q, W_K, W_V = draw(seed, 3, features, features) / np.sqrt(features)

    def function(x):
        if normed:
            x = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        scores = np.where(np.tri(len(x)), (x @ W_Q) @ (x @ W_K).T / np.sqrt(features), -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True) @ x @ W_V

    function.__doc__ = "a causal attention behind a layer norm" if normed else "a causal attention"
    return function


def falling(x, table):
    """A function whose outputs are largest at x: whatever is changed, they fall."""

    def function(other):
        """outputs that fall, whichever way a token is changed"""
        return -np.stack([table @ abs(other - x).sum(axis=-1)] * 2, axis=-1)

    return function


def turning(table):
    """A function whose outputs turn and keep their length."""

    def function(x):
        """outputs that turn and keep their length"""
        angles = table @ x.sum(axis=-1)
        return np.stack([np.cos(angles), np.sin(angles)], axis=-1)

    return function


def faint(x, table, size, level, about):
    """A function that is a little higher where a token is far from that of x."""

    def function(other):
        return level + size * np.stack([table @ abs(other - x).sum(axis=-1)] * 2, axis=-1)

    function.__doc__ = about
    return function


def jumping(x, table, size):
    """A function that is a little higher where a token is another than that of x."""

    def function(other):
        """outputs that are 5e-9 higher for each token that was changed"""
        return size * np.stack([table @ (other != x).any(axis=-1)] * 2, axis=-1)

    return function


def influence_cases():
    """Functions that are felt in different ways, each with a sentence."""
    length, features = 5, 6
    # seeds that a learner's own random tokens hardly have: a token exchanged for itself moves nothing
    x, table = draw(4041, length, features), whom(4042, length)
    ones, unit, one = np.ones(features), np.eye(features), np.ones(1)
    yield Case("outputs that read some of the tokens",
               reading(whom(4043, 3), np.ones(2), np.ones(2), "outputs that add up some of the tokens"), draw(4044, 3, 2).round(1))  # fmt: skip
    yield Case("a causal attention", attention(4045, features, normed=False), x)
    yield Case("outputs that read later tokens alone",
               reading(np.tri(length, k=-1).T, ones, ones, "outputs that add up the tokens after them"), x)  # fmt: skip
    yield Case("outputs that read a single other token",
               reading(np.eye(length)[[3, 4, 0, 1, 2]], ones, ones, "outputs that read a single other token"), x)  # fmt: skip
    yield Case("outputs that fall", falling(x, table), x)
    yield Case("features that move up and down by the same",
               reading(table, ones, unit[0] - unit[2], "one feature moves up, another down by the same"), x)  # fmt: skip
    yield Case("an output that moves in one feature",
               reading(table, ones, unit[1], "outputs that move in one feature alone"), x)  # fmt: skip
    yield Case("a function that reads one feature",
               reading(table, unit[1], ones, "outputs that read one feature alone"), x)  # fmt: skip
    yield Case("outputs that turn and keep their length", turning(table), x)
    special = np.stack([x[0], np.zeros(features), np.ones(features), x[3], x[4]])
    everyone = reading(np.ones((length, length)), ones, ones, "outputs that add up all tokens")
    yield Case("a token of zeros and one of ones", everyone, special)
    yield Case("the same token five times", everyone, x[[0] * length])
    yield Case("a layer norm", attention(4046, features, normed=True), x)
    yield Case("outputs with more axes",
               reading(table, ones, np.array([[0.0, 0, 0], [0, 1, 0]]), "each output is a table, in which one number moves"), x)  # fmt: skip
    yield Case("outputs of one number each", reading(table, ones, one[0], "one number for each token"), x, edge=True)
    yield Case("more tokens than features",
               reading(whom(4047, 6), np.ones(2), np.ones(3), "outputs that add up some of the tokens"), draw(4048, 6, 2))  # fmt: skip
    yield Case("an influence of 5e-9", jumping(x, table, 5e-9), x, edge=True)
    yield Case("a faint influence beside nothing else",
               faint(x, table, 1e-6, 0.0, "a millionth of how far tokens were moved"), x, edge=True)  # fmt: skip
    yield Case("a faint influence beside numbers in the thousands",
               faint(x, table, 1e-6, 5000.0, "about 5000, and a millionth of how far tokens were moved"), x, edge=True)  # fmt: skip
    own = reading(np.eye(length), ones, ones, "")

    def rounded(other):
        """each token moves its own output; the others move by less than 1e-9"""
        far = abs(other - x).sum()
        return own(other) + 9e-10 * far / (1 + far)

    yield Case("differences below 1e-9", rounded, x, edge=True)


# ----------------------------------------------------------------------------------------------------------------------
# A token is changed
# ----------------------------------------------------------------------------------------------------------------------


@step
def changed(x, token):
    """A copy of x in which one token is moved by random numbers, its own for each feature."""
    return changing(lambda row: row + noise(row))(x, token)


def noise(row):
    """Random numbers, the same each time."""
    return np.random.default_rng(0).normal(size=row.shape)


def changing(change):
    """The step with another change of the token."""

    def step(x, token):
        other = x.copy()
        other[token] = change(other[token])
        return other

    return step


def changing_at(places):
    """The step with other tokens changed, those that `places(token, length)` gives: by random numbers, and by one."""

    def by(amount):
        def step(x, token):
            other = x.copy()
            other[places(token, len(x))] += amount(x[0])
            return other

        return step

    return by(noise), by(np.ones_like)


def by_a_table_of_noise(x, token):
    """The step with other random numbers: those of a table that is drawn once for all of x."""
    return changing(lambda row: row + noise(x)[token])(x, token)


def others(token, length):
    """All places but one."""
    return np.arange(length) != token


changed.slip(
    "influence-adds-one-number", "You add the same number to all features of the token. A function that subtracts a token's mean, "
    "as a layer norm does, can't see that. What change can't be taken away so?",
    changing(lambda row: row + 1.0), changing(lambda row: row - 1.0), changing(lambda row: row + 100.0),
)  # fmt: skip
changed.slip(
    "influence-nudges-one-feature", "You change one feature of the token only. A function that reads another one then seems deaf: "
    "change the whole row.",
    changing(lambda row: row + np.eye(len(row))[0]), changing(lambda row: row + np.eye(len(row))[-1]),
)  # fmt: skip
changed.slip(
    "influence-zero-token", "A token of zeros seems to move nothing: your change leaves it as it was.",
    changing(lambda row: 2 * row), changing(lambda row: 0 * row), changing(lambda row: -row),
)  # fmt: skip
changed.slip(
    "influence-same-token", "You put one and the same token in the place of each. Where it stands already, that is no change.",
    changing(np.ones_like), changing(lambda row: 0 * row + 1),
)  # fmt: skip
changed.slip(
    "influence-copies-a-token", "You put another token of the sentence in its place, or a mean of them. Where the same token stands "
    "twice, that is no change.",
    lambda x, token: changing(lambda row: x[token - 1])(x, token),
    lambda x, token: changing(lambda row: x[(token + 1) % len(x)])(x, token),
    lambda x, token: changing(lambda row: x.mean(axis=0))(x, token),
    lambda x, token: changing(lambda row: x[0])(x, token),
)  # fmt: skip
changed.slip(
    "influence-rearranges", "You only bring the token's features into another order. A function that adds them up can't see that.",
    changing(lambda row: row[::-1].copy()), changing(lambda row: np.roll(row, 1)), changing(lambda row: np.roll(row, -1)),
)  # fmt: skip
changed.slip(
    "influence-change-too-small", "Your change is so small that a faint influence of the token stays below 1e-9. Change it by more.",
    *(changing(lambda row, size=size: row + size * noise(row)) for size in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)),
    *(changing(lambda row, size=size: row + size) for size in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)),
    *(changing(lambda row, size=size: row + size * np.eye(len(row))[0]) for size in (1e-4, 1e-5, 1e-6)),
)  # fmt: skip
changed.slip(
    "influence-no-change", "Nothing ever moves in your table. Is the changed token in what you pass on?",
    lambda x, token: x.copy(),
)  # fmt: skip
changed.slip(
    "influence-accumulates", "Earlier changes are still there when you change the next token. Start each time from a fresh copy.",
    *changing_at(lambda token, length: np.arange(length) <= token),
)  # fmt: skip
changed.slip(
    "influence-changes-later-ones", "You change the tokens after it as well. A column is about one token alone.",
    *changing_at(lambda token, length: np.arange(length) >= token),
)  # fmt: skip
changed.slip(
    "influence-changes-all", "You change all tokens at once. A column is about one token alone.",
    *changing_at(lambda token, length: np.arange(length) >= 0),
)  # fmt: skip
changed.slip(
    "influence-changes-the-others", "You change every token but the one that the column is about.",
    *changing_at(others), lambda x, token: np.where(others(token, len(x))[:, None], 0.0, x),
)  # fmt: skip
changed.slip(
    "influence-one-token-off", "You change the neighbour of the token that the column is about.",
    *changing_at(lambda token, length: token - 1), *changing_at(lambda token, length: (token + 1) % length),
)  # fmt: skip
changed.slip(
    "influence-changes-a-feature", "You change one feature of all tokens: a column of x. A token is a row.",
    lambda x, token: x + np.outer(noise(x[:, 0]), np.eye(x.shape[1])[token]), lambda x, token: x + np.eye(x.shape[1])[token],
)  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# What has moved?
# ----------------------------------------------------------------------------------------------------------------------


def flat(numbers):
    """Whatever axes an output has, one list of numbers for each: (outputs, numbers)."""
    return numbers.reshape(len(numbers), -1)


@step
def moved(after, before):
    """Which outputs have moved in any of their numbers by more than rounding."""
    return by_more_than(ROUNDING)(flat(after), flat(before))


def by_more_than(least):
    """Which lists of numbers, along the last axis, have moved by more than this."""
    return lambda after, before: abs(after - before).max(axis=-1) > least


# (diagnosis, function of the outputs after and before): other ways to compare two lists of numbers, along the last axis.
compared = []


def comparing(diagnosis, sentence, *functions):
    """Add a way to compare: a slip of the step, and known too where only the last axis is looked at."""
    moved.slip(
        diagnosis, sentence, *(lambda after, before, one=one: one(flat(after), flat(before)) for one in functions)
    )
    compared.extend((diagnosis, one) for one in functions)


comparing(
    "influence-each-feature", "Your table still has an axis for the features. An output moves if any number in its row does.",
    lambda after, before: abs(after - before) > ROUNDING,
)  # fmt: skip
comparing(
    "influence-signed", "Outputs that move down are missed. Down is a movement, too.",
    lambda after, before: (after - before).max(axis=-1) > ROUNDING,
)  # fmt: skip
comparing(
    "influence-one-feature", "Outputs whose change is in some of the features only are missed. Any feature counts.",
    lambda after, before: abs(after - before).min(axis=-1) > ROUNDING,
    lambda after, before: abs(after - before)[..., 0] > ROUNDING, lambda after, before: abs(after - before)[..., -1] > ROUNDING,
)  # fmt: skip
comparing(
    "influence-sum-cancels", "Outputs whose features move up and down by the same are missed: differences with a sign cancel when "
    "they are added up.",
    lambda after, before: abs((after - before).sum(axis=-1)) > ROUNDING,
    lambda after, before: abs((after - before).mean(axis=-1)) > ROUNDING,
)  # fmt: skip
comparing(
    "influence-compares-lengths", "You compare how long the outputs are. One that turns and keeps its length is missed.",
    lambda after, before: abs(np.linalg.norm(after, axis=-1) - np.linalg.norm(before, axis=-1)) > ROUNDING,
)  # fmt: skip
comparing(
    "influence-whole-output", "A column is all True as soon as anything moves. Compare row by row: which outputs moved?",
    lambda after, before: np.full(len(before), (abs(after - before) > ROUNDING).any()),
)  # fmt: skip
comparing(
    "influence-inverted", "True and False are exchanged: True means that it moves.",
    lambda after, before: abs(after - before).max(axis=-1) <= ROUNDING,
)  # fmt: skip
comparing(
    "influence-counts-rounding", "Differences below 1e-9 count as movement in your table. They are rounding.",
    *map(by_more_than, (0, 1e-15, 1e-12, 1e-11, 1e-10)),
)  # fmt: skip
comparing(
    "influence-misses-small", "A small but real influence is missed: your tolerance is wider than 1e-9.",
    *map(by_more_than, (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1)),
    lambda after, before: abs(after - before).mean(axis=-1) > 1e-6,
)  # fmt: skip
comparing(
    "influence-relative", "Beside outputs in the thousands a real influence is missed: your tolerance grows with the numbers that "
    "are compared. The promised one, 1e-9, is the same for all.",
    *(lambda after, before, least=least: ~np.isclose(after, before, atol=least).all(axis=-1) for least in (1e-8, 1e-9)),
    lambda after, before: np.full(len(before), not np.allclose(after, before)),
)  # fmt: skip
moved.slip(
    "influence-more-axes", "Where an output has more than one axis, or none, yours goes wrong: all that lies behind the first axis "
    "belongs to the row.",
    by_more_than(ROUNDING), lambda after, before: abs(after - before).max(axis=1) > ROUNDING,
)  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The table
# ----------------------------------------------------------------------------------------------------------------------


@step
def tabled(columns):
    """One column for each token: (outputs, tokens)."""
    return np.stack(columns, axis=-1)


def filled(columns):
    """The same, written into a table of the right shape."""
    table = np.zeros((len(columns), len(columns)), dtype=bool)
    for token, column in enumerate(columns):
        table[:, token] = column
    return table


tabled.slip(
    "influence-transposed", "Rows and columns are exchanged: row i is output i, column j the token that was changed.",
    lambda columns: np.stack(columns), lambda columns: np.stack(columns, axis=-1).T, lambda columns: filled(columns).T.copy(),
)  # fmt: skip
tabled.slip(
    "influence-own-only", "You look only at the output of the token that was changed. It may move others: compare all rows.",
    lambda columns: np.stack(columns, axis=-1) & np.eye(len(columns), dtype=bool),
    lambda columns: np.stack(columns, axis=-1).diagonal(),
    lambda columns: np.tile(np.stack(columns, axis=-1).diagonal(), (len(columns), 1)),
)  # fmt: skip
tabled.slip(
    "influence-not-boolean", "Your table holds numbers. Here it is boolean: True where token j moves output i.",
    lambda columns: np.stack(columns, axis=-1).astype(int), lambda columns: np.stack(columns, axis=-1).astype(float),
)  # fmt: skip
tabled.slip(
    "influence-one-column", "One column came back, that of a single token. Is the return inside of the loop, or does each token "
    "overwrite the one before?",
    lambda columns: columns[0], lambda columns: columns[-1],
    lambda columns: columns[0][:, None], lambda columns: columns[-1][:, None],
)  # fmt: skip
tabled.slip(
    "influence-others-not-filled", "Only the column of one token is filled. Is the table made, or returned, inside of the loop?",
    *(lambda columns, which=which: np.stack(columns, axis=-1) & np.eye(len(columns), dtype=bool)[which] for which in (0, -1)),
)  # fmt: skip
tabled.slip(
    "influence-token-left-out", "The column of one token is never filled, the first or the last. Does your loop reach both ends?",
    *(lambda columns, which=which: np.stack(columns, axis=-1) & ~np.eye(len(columns), dtype=bool)[which] for which in (0, -1)),
)  # fmt: skip
tabled.slip(
    "influence-half-table", "Only one side of the diagonal is filled in your table: what is felt of later tokens, or of earlier ones. Asked for is both.",
    *(lambda columns, half=half, k=k: half(np.stack(columns, axis=-1), k) for half, k in ((np.triu, 0), (np.triu, 1), (np.tril, 0), (np.tril, -1))),
)  # fmt: skip
tabled.slip(
    "influence-at-all", "Your table says of each token, or of each output, whether anything moves at all. Keep both axes.",
    lambda columns: np.stack(columns, axis=-1).any(axis=0), lambda columns: np.stack(columns, axis=-1).any(axis=1),
)  # fmt: skip
tabled.slip(
    "influence-itself-left-out", "A token's own output never moves in your table. It counts like the others.",
    lambda columns: np.stack(columns, axis=-1) & ~np.eye(len(columns), dtype=bool),
)  # fmt: skip


def table_by(change, compare, join):
    """The table by another change, comparison, and way to put the columns together."""

    def wrong(function, x):
        before = function(x)
        return join([compare(function(change(x, token)), before) for token in range(len(x))])

    return wrong


def influence_mistakes(id):
    """The mistakes of an exercise that asks for this table which are none of a single step.

    Who looks only at the last axis, or adds one number, often goes wrong in another way as well: then that one is named.
    """
    last, random, one = by_more_than(ROUNDING), changing(lambda row: row + noise(row)), changing(lambda row: row + 1.0)
    joins = tabled.function, filled
    others = lambda columns: np.array(columns).T, lambda columns: filled(columns).T  # the same for flat outputs
    for change, diagnosis in ((random, "influence-more-axes"), (one, "influence-adds-one-number")):
        mistake(id, diagnosis, None, *(table_by(change, last, join) for join in (*joins, *others)))
        for other, compare in compared:
            mistake(id, other, None, *(table_by(change, compare, join) for join in joins))
        for slip in tabled.slips:
            mistake(id, slip.diagnosis, None, table_by(change, last, slip.function))
    for slip in moved.slips:
        mistake(id, slip.diagnosis, None, table_by(one, slip.function, tabled.function))
    for slip in tabled.slips:
        mistake(id, slip.diagnosis, None, table_by(one, moved.function, slip.function))
    signed = dict(compared)["influence-signed"]
    mistake(
        id,
        "influence-signed",
        None,
        table_by(by_a_table_of_noise, lambda after, before: signed(flat(after), flat(before)), tabled.function),
    )  # which outputs rise hangs on the noise
    mistake(id, "influence-by-nan", "You put NaN or infinity in a token's place. What is masked seems to be felt then: 0 times either is NaN, not 0.",
            *(table_by(changing(lambda row: np.nan * row), compare, tabled.function)
              for compare in (lambda after, before: np.isnan(flat(after)).any(axis=-1), lambda after, before: (flat(after) != flat(before)).any(axis=-1))))  # fmt: skip
    for slip in changed.slips:
        mistake(id, slip.diagnosis, None, *(table_by(slip.function, last, join) for join in joins))
    mistake(id, "influence-guessed", "That is what some functions should give. Measure this one: call it, and compare.",
            lambda function, x: np.tri(len(x), dtype=bool), lambda function, x: np.eye(len(x), dtype=bool),
            lambda function, x: np.ones((len(x), len(x)), dtype=bool))  # fmt: skip
    mistake(id, "influence-compared-with-x", "You compare what the function gives of the changed tokens with x itself. Compare it with "
            "what the function gave before.",
            *(lambda function, x, compare=compare: tabled([compare(function(changed(x, token)), x) for token in range(len(x))])
              for compare in (moved, last)))  # fmt: skip
