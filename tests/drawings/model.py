"""Drawings of the model: places, the block, the whole, and where in it each lesson is."""

from math import cos, sin

import numpy as np

from course_lib import positions
from tests.drawings.pen import Picture, number


def places():
    p = Picture(
        "Four ways to tell a model where a word stands",
        "Four ways to give places: waves added to the embeddings, trained rows added to them, queries and keys "
        "turned by an angle for each place, and a bias on the scores that grows with the distance.",
        608,
    )
    corners = [(24, 78), (372, 78), (24, 346), (372, 346)]
    heads = [
        ("Added waves (sinusoidal)", "fixed; one speed per pair (here base 10)"),
        ("Added rows (learned)", "a table, trained like the embeddings"),
        ("Turned (rotary, RoPE)", "queries and keys turn with their place"),
        ("Distance taken off (ALiBi)", "scores lose slope × distance; here ½"),
    ]
    for (x, y), (title, note) in zip(corners, heads, strict=True):
        p.text(x, y, title, "start b")
        p.text(x, y + 20, note, "start soft", 14)
    p.line((360, 62), (360, 588), kind="s", width=1)
    p.line((24, 318), (696, 318), kind="s", width=1)

    rng = np.random.default_rng(5)
    waves = positions.sinusoidal(12, 8, base=10)
    learned = rng.standard_normal((12, 8))
    words = rng.standard_normal((12, 8))
    for (x, y), table in zip(corners[:2], (waves, learned), strict=False):
        scale = 0.06 + 0.7 * (table - table.min()) / np.ptp(table)
        p.grid(x + 20, y + 66, 12, 8, (15, 10), "s", 0.08 + 0.5 * np.abs(words) / np.abs(words).max())
        p.plus(x + 168, y + 126)
        p.grid(x + 196, y + 66, 12, 8, (15, 10), "i", scale, "s")
        p.text(x + 80, y + 56, "embeddings", "", 14)
        p.text(x + 256, y + 56, "places", "", 14)
        for place in (0, 11):
            p.text(x + 12, y + 76 + 10 * place, place, "end", 13)
        p.text(x + 168, y + 208, "the sum goes into the first block", "soft", 14)

    x, y = corners[2]
    angle, arm = 0.5, 58
    for column, (query_at, key_at) in enumerate(((1, 3), (3, 5))):
        centre = (x + 82 + 166 * column, y + 138)
        p.circle(*centre, 64, "s o")
        start = -0.25
        for at, kind in ((query_at, "q"), (key_at, "k")):
            turned = start + angle * at
            tip = (centre[0] + arm * cos(turned), centre[1] - arm * sin(turned))
            p.arrow(centre, tip, kind=kind, width=3)
            word = (centre[0] + 80 * cos(turned), centre[1] + 5 - 78 * sin(turned))
            p.text(*word, ("q" if kind == "q" else "k") + f"_{at}", "b")
    p.text(x + 165, y + 234, "same distance, same angle, same score", "soft", 14)

    x, y = corners[3]
    left, top = x + 66, y + 60
    for key in range(5):
        p.text(left + 46 * key + 23, top - 8, key, "soft", 13)
        p.text(left - 10, top + 29 * key + 20, key, "soft end", 13)
    for query in range(5):
        for key in range(query + 1):
            bias = -0.5 * (query - key)
            far = 0.05 + 0.3 * (1 + bias / 2)
            p.grid(left + 46 * key, top + 29 * query, 1, 1, (46, 29), "k", [[far]])
            p.text(left + 46 * key + 23, top + 29 * query + 20, number(bias, 1) if bias else "0", "", 14)
    p.text(left - 30, top + 78, "query", "end soft", 14)
    p.text(x + 165, y + 234, "added to the scores, before softmax", "soft", 14)
    return p


def block():
    p = Picture(
        "The block: a stream, and two parts that add to it",
        "The residual stream runs straight through the block, and twice a branch reads from it, is normed and adds "
        "its result back: first attention, where tokens look at each other, then the feed-forward network, each "
        "token for itself.",
        372,
    )
    y, top = 250, 128
    p.arrow((28, y), (698, y), kind="s", width=9)
    for left, name, note, wide, kind in (
        (72, "attention", "tokens look at each other", 96, "q p"),
        (360, "feed-forward", "each token for itself", 112, "v p"),
    ):
        norm, part = left + 44, left + 44 + 92
        p.curve((left, y), (left, top + 23), (left, top + 23), (norm - 2, top + 23))
        p.circle(left, y, 5, "i f")
        p.box(norm, top, 64, 46, "s p", "norm")
        p.arrow((norm + 66, top + 23), (part - 2, top + 23))
        p.box(part, top, wide, 46, kind, name)
        end = part + wide + 32
        p.curve((part + wide + 2, top + 23), (end, top + 23), (end, top + 60), (end, y - 14))
        p.plus(end, y)
        p.text(part + wide / 2, top - 14, note, "soft", 14)
    p.box(48, 76, 618, 222, "s o", radius=14, dash=True)
    p.text(666, 322, "× N", "b end")
    p.text(48, 322, "x: (seq_len, d_model), the same shape all the way", "start", 14)
    p.text(
        48,
        346,
        "The stream is never replaced, only added to.  (Here: norm before each part, pre-norm.)",
        "start soft",
        14,
    )
    return p


def whole():
    p = Picture(
        "The Transformer, whole; numbers say which lesson",
        "The whole Transformer: left the encoder, with embedding, places, self-attention and feed-forward network; "
        "right the decoder, with masked self-attention, cross-attention to the encoder’s output and feed-forward "
        "network, then linear layer, softmax and the next word.",
        700,
    )

    p.text(24, 72, "As in the paper: norm after each part.", "start soft", 14)
    p.text(24, 92, "Lesson 06 moves it before.", "start soft", 14)

    def column(x, words, parts):
        p.box(x - 90, 640, 180, 34, "s o", words)
        p.arrow((x, 638), (x, 612))
        p.box(x - 90, 576, 180, 34, "s p", "embedding")
        p.arrow((x, 574), (x, 550))
        p.plus(x, 537)
        p.text(x + 98, 598, "02", "start soft", 14)
        p.arrow((x - 60, 537), (x - 14, 537))
        p.circle(x - 76, 537, 16, "s o")
        p.line((x - 86, 537), (x - 81, 530), (x - 76, 537), (x - 71, 544), (x - 66, 537), kind="i", width=1.6)
        p.text(x - 98, 542, "places", "end", 14)
        p.text(x + 98, 542, "05", "start soft", 14)
        y = 537 - 13
        for name, kind, lesson in parts:
            p.arrow((x, y), (x, y - 32))
            p.box(x - 90, y - 74, 180, 40, kind, name)
            p.text(x + 98, y - 48, lesson, "start soft", 14)
            p.arrow((x, y - 74), (x, y - 90))
            p.box(x - 90, y - 116, 180, 24, "s p", "add, norm", size=14)
            p.arrow((x, y - 14), (x - 112, y - 14), (x - 112, y - 104), (x - 92, y - 104), kind="s")
            y -= 116
        return y

    left, right = 190, 520
    top = column(left, "source words", [("self-attention", "q p", "03 04"), ("feed-forward", "v p", "06")])
    p.box(left - 142, top - 12, 300, 534 - top, "s o", radius=14, dash=True)
    p.text(left - 134, top - 22, "encoder × N", "start b")
    p.text(left + 158, top - 22, "08 11 alone", "end soft", 14)
    p.arrow((left, top), (left, top - 52), (366, top - 52), (366, 354), (428, 354), kind="k")
    p.text(left, top - 60, "memory: what the encoder made of it", "", 14)
    top = column(
        right,
        "words so far",
        [("masked self-attention", "q p", "03 12"), ("cross-attention", "k p", "01 06"), ("feed-forward", "v p", "06")],
    )
    p.box(right - 142, top - 12, 320, 534 - top, "s o", radius=14, dash=True)
    p.text(right - 134, top - 22, "decoder × N", "start b")
    p.arrow((right, top), (right, 126))
    p.box(right - 90, 92, 180, 32, "s p", "linear, softmax")
    p.text(right + 98, 113, "06 07", "start soft", 14)
    p.text(right + 178, top - 22, "10 12 alone", "end soft", 14)
    p.arrow((right, 92), (right, 74))
    p.text(right, 66, "next word", "b")
    return p


# What is lit in the strip of each lesson, and what it says.
PLACES = {
    "03": ("self-attention: every word looks at every word", {"enc-attention", "dec-attention"}),
    "04": ("heads: several attentions side by side", {"enc-heads", "dec-heads", "cross-heads"}),
    "05": ("places: where a word stands", {"enc-places", "dec-places"}),
    "06": (
        "the whole: blocks, two stacks, and the bridge between them",
        {
            "enc-attention",
            "enc-ff",
            "enc-stack",
            "dec-attention",
            "dec-stack",
            "cross-attention",
            "dec-ff",
            "out",
            "memory",
        },
    ),
    "07": ("training: the right words go in, the loss comes out", {"dec-words", "out", "next", "source"}),
    "08": ("the encoder alone, with a classifier at its end", {"enc-attention", "enc-ff", "enc-stack", "class"}),
    "09": ("maps: what the weights of the attentions show", {"enc-attention", "dec-attention", "cross-attention"}),
    "10": (
        "pretrained: stacks that others have trained",
        {"enc-stack", "enc-attention", "enc-ff", "dec-stack", "dec-attention", "dec-ff"},
    ),
    "11": ("images: patches in place of words", {"source", "enc-embedding", "class"}),
    "12": (
        "long texts: the price of attention, and how to pay less",
        {"enc-attention", "dec-attention", "cross-attention"},
    ),
}


def you_are_here(lesson):
    """The strip of a lesson: the whole model, small, with the parts lit that the lesson is about."""
    told, lit = PLACES[lesson]
    p = Picture("", f"The whole Transformer in small, with what lesson {lesson} is about lit: {told}.", 232)
    p.title = f"You are here: lesson {lesson}"
    p.text(24, 30, f"{lesson} · {told}", "start b", 15)

    def part(name, x, y, width, words, *, heads=False):
        kind = "i lit" if name in lit else "s o"
        if heads:
            shadow = "i lit" if name.replace("attention", "heads") in lit else "s o"
            front = "i lit" if shadow == "i lit" else kind
            for offset in (8, 4):
                p.box(x + offset, y - offset, width, 42, "card", radius=6)
                p.box(x + offset, y - offset, width, 42, shadow, radius=6)
            kind = front
        p.box(x, y, width, 42, "card", radius=6)
        p.box(x, y, width, 42, kind, words, radius=6, size=13 if name == "out" else 14)

    def row(side, y, words, columns):
        part("source" if side == "enc" else "dec-words", 18, y, 68, words)
        p.arrow((88, y + 21), (97, y + 21))
        part(f"{side}-embedding", 99, y, 90, "embedding")
        p.arrow((191, y + 21), (200, y + 21))
        part(f"{side}-places", 202, y, 56, "+\nplaces")
        p.arrow((260, y + 21), (282, y + 21))
        for at, (name, x, width, shown) in enumerate(columns):
            part(name, x, y, width, shown, heads="attention" in name)
            if at:
                before = columns[at - 1]
                p.arrow((before[1] + before[2] + (10 if "attention" in before[0] else 2), y + 21), (x - 2, y + 21))

    def stack(side, y, words):
        name = f"{side}-stack"
        kind = "i" if name in lit else "s"
        p.box(274, y - 14, 304, 64, f"{kind} o", radius=10, dash=name not in lit)
        p.text(570, y + 68 if side == "dec" else y - 20, words, "soft end", 13)

    stack("enc", 70, "encoder × N")
    row(
        "enc",
        70,
        "patches" if lesson == "11" else "words",
        [("enc-attention", 284, 82, "self-\nattention"), ("enc-ff", 484, 84, "feed-\nforward")],
    )
    stack("dec", 148, "decoder × N")
    row(
        "dec",
        148,
        "words\nso far",
        [
            ("dec-attention", 284, 82, "masked\nattention"),
            ("cross-attention", 388, 76, "cross-\nattention"),
            ("dec-ff", 484, 84, "feed-\nforward"),
        ],
    )
    p.arrow(
        (526, 113),
        (526, 127),
        (430, 127),
        (430, 139),
        kind="i" if "memory" in lit else "s",
        width=3 if "memory" in lit else 2,
    )
    if "class" in lit:
        p.arrow((570, 91), (594, 91))
        part("class", 596, 70, 104, "classifier")
    p.arrow((570, 169), (588, 169))
    part("out", 590, 148, 62, "linear,\nsoftmax")
    p.arrow((654, 169), (665, 169))
    part("next", 667, 148, 42, "next\nword")
    return p


DRAWINGS = {
    "places": places,
    "block": block,
    "whole-model": whole,
    **{f"you-are-here-{lesson}": (lambda lesson=lesson: you_are_here(lesson)) for lesson in PLACES},
}
