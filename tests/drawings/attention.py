"""Drawings of attention: lessons 01, 03 and 04."""

import numpy as np

from course_lib import attention
from tests.drawings.pen import Picture, number

WORDS = ["cat", "sat", "mat"]
X = np.array([[2.0, 1.0], [1.0, 2.0], [1.0, -2.0]])  # those of lesson 03


def bottleneck():
    p = Picture(
        "One vector for everything, or a look back at each word",
        "Above, a reader squeezes four French words into one vector, from which a writer makes four English ones; "
        "below, the reader's states all stay, and the writer takes a mixture of them, 83% from “noir”, to write "
        "“black”.",
        454,
    )
    read, written = ["le", "chat", "noir", "dort"], ["the", "black", "cat", "sleeps"]
    scores = np.array([0.0, 2.0, 4.0, 1.0])
    weights = attention.softmax(scores)
    left, right = [84 + 72 * i for i in range(4)], [452 + 62 * i for i in range(4)]

    def chain(y):
        for i, word in enumerate(read):
            p.box(left[i], y, 56, 36, "k p", f"h_{i + 1}")
            p.text(left[i] + 28, y + 58, word)
            if i:
                p.arrow((left[i] - 16, y + 18), (left[i], y + 18), kind="k")
        for i, word in enumerate(written):
            p.box(right[i], y, 48, 36, "q p", f"s_{i + 1}")
            p.text(right[i] + 24, y + 58, word)
            if i:
                p.arrow((right[i] - 14, y + 18), (right[i], y + 18), kind="q")

    chain(84)
    p.text(24, 70, "reader", "start soft", 14)
    p.text(696, 70, "writer", "end soft", 14)
    p.arrow((356, 102), (388, 102), kind="k")
    p.grid(390, 70, 4, 1, (20, 16), "c")
    p.arrow((412, 102), (450, 102), kind="c")
    p.text(400, 162, "one vector", "soft", 14)
    p.line((24, 184), (696, 184), kind="s", width=1)

    y = 316
    p.text(24, 214, "With attention: about to write “black”, the writer asks all states", "start b")
    chain(y)
    p.text(24, y + 84, "score", "start soft", 14)
    p.text(24, y + 108, "weight", "start soft", 14)
    for i, (score, weight) in enumerate(zip(scores, weights, strict=True)):
        p.text(left[i] + 28, y + 84, number(score, 0), "", 14)
        p.text(left[i] + 28, y + 108, number(weight), "b", 14)
        p.arrow((left[i] + 28, y - 2), (348, 244 + 10.5 * i), kind="c", width=1.2 + 6 * weight)
    p.box(350, 240, 92, 40, "c p", "mixture")
    p.curve((476, y - 2), (476, 296), (420, 308), (410, 282), kind="q", dash=True)
    p.text(482, 304, "query", "start soft", 14)
    p.curve((444, 258), (500, 258), (538, 270), (538, y - 2), kind="c", width=3)
    p.text(520, 254, "context", "start soft", 14)
    return p


def attention_step():
    p = Picture(
        "One step of attention, with its shapes",
        "From X, three words of two numbers, come queries, keys and values; queries times keys over the root of two "
        "are scores, softmax makes each row shares that add up to one, and the shares mix the values into one "
        "context per word.",
        462,
    )
    scores = X @ X.T / np.sqrt(2)
    context, weights = attention.scaled_dot_product_attention(X, X, X)
    assert np.allclose(weights, attention.softmax(scores))
    tops = {"q": 84, "k": 208, "v": 332}
    p.text(104, 198, "X  (3 × 2)", "b")
    p.numbers(64, 208, X, kind="i")
    for row, word in enumerate(WORDS):
        p.text(56, 227 + 28 * row, word, "end", 14)
    for kind, name in zip("qkv", "QKV", strict=True):
        top = tops[kind]
        p.numbers(210, top, X, kind=kind)
        p.text(250, top - 10, f"{name}  (3 × 2)", "b")
        y = {"q": 228, "k": 250, "v": 272}[kind]
        p.arrow((148, y), (206, top + 42), kind=kind)
    p.text(160, 158, "W_Q", "", 14)
    p.text(174, 238, "W_K", "", 14)
    p.text(160, 356, "W_V", "", 14)
    top = 146
    p.numbers(338, top, scores, (46, 28), "s", 2, 13)
    p.text(407, top - 12, "QKᵀ / √2", "b")
    p.text(407, top + 104, "scores (3 × 3)", "soft", 14)
    p.arrow((294, tops["q"] + 42), (334, top + 32), kind="q")
    p.arrow((294, tops["k"] + 42), (334, top + 58), kind="k")
    p.arrow((480, top + 42), (540, top + 42))
    p.text(509, top + 32, "softmax", "", 13)
    p.heat(544, top, weights, (42, 28), 2, 13)
    for i, word in enumerate(WORDS):
        p.text(565 + 42 * i, top - 10, word, "", 13)
        p.text(676, top + 19 + 28 * i, word, "start", 13)
    p.text(607, top - 32, "weights (3 × 3)", "b")
    p.text(607, top + 104, "each row adds up to 1", "soft", 13)
    p.arrow((607, top + 114), (607, 304))
    p.arrow((294, tops["v"] + 42), (555, tops["v"] + 42), kind="v")
    p.text(424, tops["v"] + 34, "weights × V", "", 14)
    p.numbers(559, tops["v"], context, (48, 28), "c", 2, 13)
    p.text(607, tops["v"] - 10, "context (3 × 2)", "b")
    p.text(24, 444, "Here each W is the identity, so that Q, K and V all equal X.", "start soft", 14)
    return p


def lookup():
    p = Picture(
        "A dictionary looks up; attention looks up softly",
        "Left, a dictionary: the query “sat” equals one key exactly and gets its value, 20; right, attention: the "
        "query is compared with every key, gets shares of 0.27, 0.73 and 0.00, and the mixture of all values, 22.7.",
        372,
    )
    values = np.array([30.0, 20.0, 10.0])
    query = X[1]
    scores = X @ query
    weights = attention.softmax(scores)
    p.text(24, 74, "Exactly one key fits", "start b")
    p.box(24, 92, 236, 40, "q p", "query  “sat”")
    for i, (word, value) in enumerate(zip(WORDS, values, strict=True)):
        y, here = 156 + 46 * i, word == "sat"
        p.box(24, y, 84, 36, "k p" if here else "s o", f"“{word}”")
        p.box(176, y, 84, 36, "v p" if here else "s o", number(value, 0))
        p.arrow((112, y + 18), (172, y + 18), kind="i" if here else "s", dash=not here)
    p.text(142, 322, "20", "b", 17)
    p.text(142, 346, "one value, whole", "soft", 14)
    p.line((284, 62), (284, 348), kind="s", width=1)

    p.text(308, 74, "Every key fits a little", "start b")
    p.box(308, 92, 388, 40, "q p", "query  (1, 2)")
    for i in range(len(WORDS)):
        y = 156 + 46 * i
        p.box(308, y, 96, 36, "k p", f"({number(X[i, 0], 0)}, {number(X[i, 1], 0)})")
        p.arrow((408, y + 18), (430, y + 18))
        p.text(450, y + 23, number(scores[i], 0))
        p.arrow((466, y + 18), (488, y + 18))
        p.heat(492, y, weights[i : i + 1][None], (84, 36), digits=2)
        p.text(591, y + 23, "×")
        p.box(606, y, 90, 36, "v p", number(values[i], 0))
    mixed = float(weights @ values)
    p.text(
        502,
        322,
        " + ".join(f"{number(w)} · {number(v, 0)}" for w, v in zip(weights, values, strict=True)) + f" = {mixed:.1f}",
        "b",
        16,
    )
    p.text(502, 346, "key · query = score,   softmax → weight,   all values mixed", "soft", 14)
    return p


def heads():
    p = Picture(
        "Split into heads, attend, merge",
        "Queries, keys and values of three tokens and eight features are cut into two heads of four features; each "
        "head has its own map of weights and its own context; side by side they are eight features again, and W_O "
        "mixes them.",
        476,
    )
    rng = np.random.default_rng(4)
    whole = {kind: rng.standard_normal((3, 8)) for kind in "qkv"}
    cell, size = (14, 14), 42
    shade = lambda table: 0.12 + 0.6 * np.abs(table) / 2.6  # noqa: E731
    for i, (kind, name) in enumerate(zip("qkv", "QKV", strict=True)):
        y = 136 + 74 * i
        p.text(24, y + 26, name, "start b")
        p.grid(46, y, 3, 8, cell, kind, shade(whole[kind]))
    p.text(102, 92, "3 tokens,", "", 14)
    p.text(102, 110, "d_model = 8", "", 14)
    p.text(102, 376, "(3, 8)", "soft", 14)
    p.line((161, 157), (166, 157), (166, 305), (161, 305))
    contexts = []
    for head, top in enumerate((74, 264)):
        part = {kind: table[:, 4 * head : 4 * head + 4] for kind, table in whole.items()}
        context, weights = attention.scaled_dot_product_attention(part["q"], part["k"], part["v"])
        contexts.append(context)
        p.box(228, top - 14, 270, 178, "s o", radius=12)
        p.text(482, top + 8, f"head {head + 1}", "end b", 14)
        for i, kind in enumerate("qkv"):
            p.grid(246, top + 3 + 50 * i, 3, 4, cell, kind, shade(part[kind]))
        p.heat(344, top + 20, weights, (20, 20))
        p.text(374, top + 100, "weights", "soft", 13)
        p.text(374, top + 116, "(3, 3)", "soft", 13)
        p.grid(428, top + 29, 3, 4, cell, "c", shade(context))
        p.text(456, top + 100, "context", "soft", 13)
        p.text(456, top + 116, "(3, 4)", "soft", 13)
        p.arrow((305, top + 24), (341, top + 40), kind="q")
        p.arrow((305, top + 74), (341, top + 62), kind="k")
        p.arrow((407, top + 50), (425, top + 50))
        p.curve((305, top + 124), (380, top + 150), (412, top + 140), (426, top + 74), kind="v")
        p.arrow((166, 228), (224, top + 76))
        p.curve(
            (488, top + 50),
            (520, top + 50),
            (520, 194 if head == 0 else 218),
            (556, 198 if head == 0 else 214),
            kind="c",
        )
    p.text(192, 82, "split", "b", 14)
    merged = np.concatenate(contexts, axis=1)
    p.text(614, 150, "merge", "b", 14)
    p.text(614, 170, "(3, 8)", "soft", 14)
    p.grid(560, 185, 3, 8, cell, "c", shade(merged))
    p.arrow((616, 185 + size + 6), (616, 296), kind="i")
    p.text(628, 268, "W_O", "start", 14)
    p.grid(560, 300, 3, 8, cell, "c", shade(merged @ rng.standard_normal((8, 8)) / 3))
    p.text(616, 364, "output (3, 8)", "soft", 14)
    p.text(24, 456, "8 features = 2 heads × 4: the same sizes as before, two maps in place of one.", "start soft", 14)
    return p


def masks():
    p = Picture(
        "Masks: who may attend to whom",
        "Four tables of who may attend to whom: with padding, nobody attends to the two filled-up places; causal, "
        "each word attends to itself and what is before it; both, only what both allow; across, the writer’s words "
        "attend to all the reader’s words that are no padding.",
        566,
    )
    tokens = ["we", "like", "tea", "–", "–"]
    padding = np.tile([True, True, True, False, False], (5, 1))
    causal = attention.causal_mask(5)
    panels = [
        ("Padding", "the filled-up places (–) are nobody's business", tokens, tokens, padding),
        ("Causal", "nobody sees what comes later", tokens, tokens, causal),
        ("Both: padding and causal", "what one of them forbids is forbidden", tokens, tokens, padding & causal),
        (
            "Cross: writer to reader",
            "padding of the reader only; no “later”",
            ["wir", "mögen", "Tee"],
            tokens,
            padding[:3],
        ),
    ]
    for i, (title, note, rows, columns, mask) in enumerate(panels):
        left, top = 24 + 348 * (i % 2), 78 + 242 * (i // 2)
        p.text(left, top, title, "start b")
        p.text(left, top + 20, note, "start soft", 14)
        x, y = left + 64, top + 54
        for c, word in enumerate(columns):
            p.text(x + 40 * c + 20, y - 8, word, "", 14)
        for r, word in enumerate(rows):
            p.text(x - 10, y + 28 * r + 19, word, "end", 14)
            for c in range(len(columns)):
                if mask[r][c]:
                    p.box(x + 40 * c + 2, y + 28 * r + 2, 36, 24, "q f", radius=4)
                else:
                    p.box(x + 40 * c + 2, y + 28 * r + 2, 36, 24, "s o", radius=4, dash=True)
    p.box(24, 526, 30, 20, "q f", radius=4)
    p.text(62, 541, "True: may attend", "start", 14)
    p.box(204, 526, 30, 20, "s o", radius=4, dash=True)
    p.text(242, 541, "False: weight 0", "start", 14)
    p.text(696, 541, "rows ask, columns answer", "end soft", 14)
    return p


DRAWINGS = {
    "bottleneck": bottleneck,
    "attention-step": attention_step,
    "lookup": lookup,
    "heads": heads,
    "masks": masks,
}
