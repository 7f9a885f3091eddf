"""Drawings of models at work: writing, images, fine-tuning, long texts."""

import numpy as np

from course_lib import attention
from course_lib.data import digits
from tests.drawings.pen import Picture, number


def teacher_forcing():
    p = Picture(
        "Training and writing: whose words go in?",
        "In training the right words go in all at once and a mistake at one place does not reach the next; in "
        "writing each word said goes in as the next input, one pass for each, mistakes too.",
        560,
    )
    columns = [86, 206, 326, 446]

    def words(y, row, kind, right=None):
        for i, (x, word) in enumerate(zip(columns, row, strict=True)):
            wrong = right is not None and word != right[i]
            p.box(x - 42, y, 84, 34, "k p" if wrong else kind, word)

    right = ["the", "cat", "sat", "down"]
    said = ["the", "dog", "sat", "down"]
    p.text(24, 76, "Training: the right words go in, all at once (teacher forcing)", "start b")
    p.text(512, 114, "right next word", "start soft", 14)
    words(92, right, "s o")
    p.text(512, 168, "said; compared with", "start soft", 14)
    p.text(512, 185, "the right one: the loss", "start soft", 14)
    words(152, said, "c p", right)
    for i, x in enumerate(columns):
        p.text(x, 144, "=" if said[i] == right[i] else "≠", "b", 15)
        p.arrow((x, 214), (x, 188))
        p.arrow((x, 272), (x, 248))
    p.box(44, 214, 444, 34, "q p", "model, causal mask: one pass for all places")
    words(274, ["<s>", *right[:3]], "s p")
    p.text(512, 296, "goes in: the right words", "start soft", 14)
    p.line((24, 328), (696, 328), kind="s", width=1)

    p.text(24, 358, "Writing: its own words go in, one after another", "start b")
    wrote = ["the", "dog", "ran", "off"]
    y = 378
    for i, x in enumerate(columns):
        p.appears(f"t{i}", i, 4, 8)
        p.group(f"t{i}")
        p.box(x - 42, y, 84, 34, "k p" if i == 1 else "c p", wrote[i])
        p.arrow((x, y + 60), (x, y + 36))
        p.box(x - 42, y + 60, 84, 34, "q p", f"pass {i + 1}")
        p.arrow((x, y + 118), (x, y + 94))
        p.box(x - 42, y + 120, 84, 34, "s p", "<s>" if i == 0 else wrote[i - 1])
        if i:
            before = columns[i - 1]
            p.curve(
                (before + 42, y + 17),
                (before + 76, y + 17),
                (before + 46, y + 137),
                (x - 44, y + 137),
                kind="c",
                dash=True,
            )
        p.end()
    p.text(512, y + 22, "said", "start soft", 14)
    p.text(512, y + 82, "as many passes as words", "start soft", 14)
    p.text(512, y + 134, "goes in: what was said;", "start soft", 14)
    p.text(512, y + 151, "a mistake stays", "start soft", 14)
    return p


def kv_cache():
    p = Picture(
        "Writing with a cache: keys and values are kept",
        "Five steps of writing, each with one new query, key and value, while all older keys and values are kept "
        "and only read: 5 tokens computed in all, in place of 15 without a cache.",
        448,
    )
    tokens = ["the", "cat", "sat", "on", "the"]
    left, top = 150, 112
    for i, token in enumerate(tokens):
        p.text(left + 80 * i + 34, top - 14, token, "b")
    p.text(58, 98, "query", "soft", 14)
    p.text(left + 194, 74, "keys and values", "soft", 14)
    p.text(622, 66, "tokens computed", "soft", 14)
    p.text(592, 98, "cache", "b", 14)
    p.text(660, 98, "without", "soft", 14)
    for step in range(5):
        y = top + 52 * step
        p.appears(f"s{step}", step, 5, 9)
        p.group(f"s{step}")
        p.box(30, y, 56, 32, "q p", f"q_{step + 1}")
        p.arrow((90, y + 16), (left - 8, y + 16), kind="q")
        for token in range(step + 1):
            x, new = left + 80 * token, token == step
            for kind, offset in (("k", 0), ("v", 35)):
                p.box(
                    x + offset,
                    y,
                    33,
                    32,
                    f"{kind} {'p' if new else 'o'}",
                    f"{kind}_{token + 1}",
                    radius=5,
                    dash=not new,
                )
        p.text(592, y + 21, 1, "b")
        p.text(660, y + 21, step + 1, "soft")
        p.end()
    y = top + 52 * 5
    p.line((564, y - 8), (696, y - 8), kind="s", width=1)
    p.text(592, y + 14, 5, "b")
    p.text(660, y + 14, sum(range(1, 6)), "soft")
    p.box(30, 402, 33, 26, "k p", "k", radius=5)
    p.box(65, 402, 33, 26, "v p", "v", radius=5)
    p.text(108, 420, "computed in this step", "start", 14)
    p.box(300, 402, 33, 26, "k o", "k", radius=5, dash=True)
    p.box(335, 402, 33, 26, "v o", "v", radius=5, dash=True)
    p.text(378, 420, "kept from before, only read", "start", 14)
    return p


def patches():
    p = Picture(
        "An image becomes a sentence of patches",
        "A digit of 8 × 8 pixels is cut into sixteen patches, the four numbers of each go through one linear map to "
        "a token of 64 numbers, places are added, and the encoder reads seventeen tokens, the class token first.",
        462,
    )
    train, _, _ = digits.load()
    image = np.asarray(train.images[0], dtype=float).reshape(8, 8)
    chosen = 7
    for row in range(4):
        for column in range(4):
            x, y = 34 + 54 * column, 82 + 54 * row
            cells = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            p.grid(x, y, 2, 2, (24, 24), "i", cells, "s")
            if 4 * row + column == chosen:
                p.box(x - 3, y - 3, 54, 54, "k o", radius=4)
                p.box(x - 4, y - 4, 56, 56, "k o", radius=4)
    p.text(34, 68, "8 × 8 pixels, 4 × 4 patches", "start", 14)
    numbers = image[2:4, 6:8].ravel()
    p.arrow((250, 160), (284, 160), kind="k")
    p.numbers(286, 104, numbers[:, None], (56, 28), "k", 2)
    p.text(314, 90, "patch 7", "b", 14)
    p.text(314, 238, "4 numbers", "soft", 14)
    p.arrow((346, 160), (458, 160))
    p.text(399, 150, "linear map", "b", 14)
    p.text(399, 182, "the same for", "soft", 13)
    p.text(399, 198, "each patch", "soft", 13)
    rng = np.random.default_rng(11)
    p.grid(462, 88, 12, 1, (28, 12), "v", 0.1 + 0.6 * rng.random((12, 1)))
    p.text(476, 80, "64 numbers", "soft", 14)
    p.plus(526, 160)
    p.grid(562, 88, 12, 1, (28, 12), "i", 0.1 + 0.5 * rng.random((12, 1)), "s")
    p.text(604, 157, "place 7,", "start", 14)
    p.text(604, 175, "learned", "start soft", 14)
    y = 346
    p.box(24, y, 58, 36, "c p", "class", size=14)
    for token in range(16):
        x = 90 + 38 * token
        p.box(x, y, 32, 36, "k p" if token == chosen else "v p", token, size=14)
    p.curve((526, 174), (526, 290), (372, 260), (372, y - 2), kind="k")
    p.text(24, y - 14, "17 tokens", "start b")
    p.box(24, y + 56, 668, 34, "q p", "encoder: the answer is read from the class token")
    p.arrow((53, y + 37), (53, y + 55))
    p.arrow((372, y + 37), (372, y + 55))
    return p


def fine_tuning():
    width, rank = 768, 8
    full, low = width * width, 2 * width * rank
    p = Picture(
        "Three ways to fine-tune: what learns is lit",
        "Three stacks of embedding, blocks and a new head: frozen, where only the head learns; whole, where "
        f"everything learns; and LoRA, where two thin matrices learn beside each large one, {low:,} numbers in place "
        f"of {full:,}.",
        512,
    )
    ways = [
        ("Frozen", "only the new head learns", 0),
        ("Whole", "everything learns", full),
        ("LoRA", "head and thin additions learn", low),
    ]
    for i, (name, note, trained) in enumerate(ways):
        x = 24 + 232 * i
        p.text(x, 76, name, "start b", 16)
        p.text(x, 98, note, "start soft", 14)
        body = "i lit" if name == "Whole" else "s o"
        p.box(x, 116, 208, 34, "i lit", "new head")
        for block in range(3):
            y = 166 + 44 * block
            wide = 150 if name == "LoRA" else 208
            p.box(x, y, wide, 34, body, ["block N", "…", "block 1"][block], dash=body == "s o")
            if name == "LoRA":
                p.plus(x + 166, y + 17, 9)
                p.box(x + 182, y, 26, 34, "i lit", radius=4)
        p.box(x, 298, 208, 34, body, "embedding", dash=body == "s o")
        if name == "LoRA":
            p.box(x, 352, 64, 64, "s o", "W", radius=3, dash=True)
            p.text(x + 80, 390, "+", "b", 17)
            p.box(x + 96, 352, 12, 64, "i lit", radius=2)
            p.text(x + 102, 432, "A", "soft", 13)
            p.text(x + 118, 390, "·")
            p.box(x + 128, 378, 64, 12, "i lit", radius=2)
            p.text(x + 160, 408, "B", "soft", 13)
        else:
            p.box(x, 352, 64, 64, body, "W", radius=3, dash=body == "s o")
            p.text(x + 80, 389, "one of its matrices", "start soft", 14)
        share = f" ({trained / full:.1%})" if 0 < trained < full else ""
        p.text(x, 456, f"{trained:,} numbers{share}", "start b")
    p.text(24, 490, "Dashed: kept as it is. Numbers: of one matrix W, 768 × 768; LoRA of rank 8.", "start soft", 14)
    return p


def online_softmax():
    p = Picture(
        "Online softmax: one score at a time, the right answer at the end",
        "Scores 1, 3, 2 and 5 come one after another; whenever the running maximum climbs, the sum and the context "
        "so far are scaled down, and the end is exactly softmax over all four.",
        520,
    )
    scores, values = np.array([1.0, 3.0, 2.0, 5.0]), np.array([10.0, 20.0, 30.0, 40.0])
    highest, total, mixed = -np.inf, 0.0, 0.0
    left, base = [262 + 124 * i for i in range(4)], 196
    rows = [
        (236, "score, and its value"),
        (280, "highest so far, m"),
        (324, "scale by  e^(old m − new m)"),
        (368, "new term  e^(score − m)"),
        (412, "sum so far"),
        (456, "context so far"),
    ]
    for y, name in rows:
        p.text(24, y, name, "start b" if "so far" in name else "start", 14)
    for y in (254, 386):
        p.line((24, y), (696, y), kind="s", width=1)
    for i, (score, value) in enumerate(zip(scores, values, strict=True)):
        new = max(highest, score)
        scale, term = np.exp(highest - new), np.exp(score - new)
        total, mixed = total * scale + term, mixed * scale + term * value
        x = left[i]
        p.appears(f"o{i}", i, 4, 9)
        p.group(f"o{i}")
        p.box(x - 22, base - 24 * score, 44, 24 * score, "k p", radius=3)
        p.line((x - 62, base - 24 * new), (x + 62, base - 24 * new), kind="i", width=3)
        if i and new > highest:
            p.line((x - 62, base - 24 * highest), (x - 62, base - 24 * new), kind="i", width=3)
        p.text(x, rows[0][0], f"{number(score, 0)},  {number(value, 0)}")
        p.text(x, rows[1][0], number(new, 0), "b")
        p.text(x, rows[2][0], "–" if i == 0 else "1" if scale == 1 else number(scale))
        p.text(x, rows[3][0], "1" if term == 1 else number(term))
        p.box(x - 42, rows[4][0] - 19, 84, 28, "s p", number(total), text="b")
        p.box(x - 42, rows[5][0] - 19, 84, 28, "c p", f"{mixed / total:.1f}", text="b")
        if i:
            p.arrow((left[i - 1] + 42, rows[4][0] - 5), (x - 44, rows[4][0] - 5), kind="s")
            p.arrow((left[i - 1] + 42, rows[5][0] - 5), (x - 44, rows[5][0] - 5), kind="s")
        p.end()
        highest = new
    p.line((200, base), (696, base), kind="s", width=1)
    p.text(24, 90, "scores,", "start soft", 14)
    p.text(24, 108, "and the highest so far", "start soft", 14)
    weights = attention.softmax(scores)
    assert np.isclose(mixed / total, weights @ values) and np.isclose(total, np.exp(scores - 5).sum())
    p.text(
        24,
        500,
        f"All four at once: weights {', '.join(number(w) for w in weights)}; context {weights @ values:.1f}.",
        "start soft",
        14,
    )
    return p


def tokens():
    """The numbers are those of MiniLM's tokenizer, which lesson 02 prints."""
    cut = {"i": 1045, "was": 2001, "un": 4895, "##fr": 19699, "##ien": 9013, "##dable": 20782, ".": 1012}
    p = Picture(
        "From a text to a table of vectors",
        "“I was unfriendable.” is cut into seven tokens: i, was, un, fr, ien, dable and the full stop; each token has "
        "an id, the number of its row in the vocabulary, such as 4895 for un; and each id picks its row of the "
        "embedding matrix, so that seven vectors go on.",
        396,
    )
    left = [176 + 78 * i for i in range(len(cut))]
    middle = left[len(cut) // 2]
    for y, name in ((92, "text"), (174, "tokens"), (256, "ids"), (338, "vectors")):
        p.text(24, y, name, "start b")
    for y, step in ((134, "cut"), (216, "number"), (298, "look up")):
        p.text(24, y, step, "start soft x", 14)
    p.box(middle - 120, 68, 240, 38, "s p", "I was unfriendable.", size=17)
    shades = np.random.default_rng(2).uniform(0.05, 0.95, (len(cut), 4, 1))  # in place of the 384 numbers of each
    for x, (token, id), vector in zip(left, cut.items(), shades, strict=True):
        p.arrow((middle + (x - middle) * 0.42, 108), (x, 148), kind="s")
        p.box(x - 35, 150, 70, 38, "q p", token, size=14)
        p.arrow((x, 190), (x, 234))
        p.text(x, 256, id)
        p.arrow((x, 266), (x, 302), kind="v")
        p.grid(x - 14, 304, 4, 1, (28, 14), "v", vector)
    p.text(176 - 35, 384, "4 of the 384 numbers of each row of the embedding matrix (30,522 × 384)", "start soft", 14)
    return p


DRAWINGS = {
    "tokens": tokens,
    "teacher-forcing": teacher_forcing,
    "kv-cache": kv_cache,
    "patches": patches,
    "fine-tuning": fine_tuning,
    "online-softmax": online_softmax,
}
