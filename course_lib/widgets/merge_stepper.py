"""MergeStepper: byte-pair encoding, merge by merge, on any text.

The page computes; Python computes the same with `BytePairEncoder` when it is read.
"""

from typing import TYPE_CHECKING

import traitlets

from course_lib.bpe import BytePairEncoder, split_words
from course_lib.checking import describe, whole_number
from course_lib.colours import PALETTE
from course_lib.printable import well_formed
from course_lib.widgets.base import View, Widget, checked_title, counted
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.page import page_module

if TYPE_CHECKING:
    from course_lib.plots import Picture

MAX_CHARACTERS, MAX_MERGES = 5000, 400

TEXTS = {
    "text": "text is {got}; expected a string of 1 to {most} characters",
    "alternative": "After {merges} the vocabulary has {size} and the text {length}: {tokens}",
    "vocabulary": "tokens in the vocabulary",
    "length": "tokens in the text",
    "more": " …",
}


class MergeStepperView(View):
    """What the page and Python tell each other."""

    _esm, _css = page_module("merge_stepper")

    title = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    merges = traitlets.Int(0).tag(sync=True)
    most = traitlets.Int(MAX_MERGES).tag(sync=True)
    most_characters = traitlets.Int(MAX_CHARACTERS).tag(sync=True)


class MergeStepper(Widget):
    """Count pairs, merge the most frequent, and watch a text get shorter as the vocabulary grows.

    Args:
        text: what to learn the merges from, up to 5,000 characters of any script; it can be edited on the page.
        merges: how many merges are done at first, up to 400.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError: no text, too long a text, or merges that make no sense.

    Example:
        >>> MergeStepper("low low low lower newest", merges=3).tokens[:2]
        ['low', ' low']

    Source: Sennrich et al. 2016, arXiv 1508.07909, §3.2.
    """

    def __init__(self, text: str, *, merges: int = 0, title: str | None = None, goal: Goal | None = None) -> None:
        self.view = MergeStepperView(
            title=checked_title(title),
            text=_checked_text(text),
            merges=whole_number("merges", merges, 0, MAX_MERGES),
        )
        pursue(goal, self)

    @property
    def text(self) -> str:
        """str: the text; assign another."""
        return self.view.text

    @text.setter
    def text(self, text: str) -> None:
        self.view.text = _checked_text(text)

    @property
    def merges(self) -> list[tuple[str, str]]:
        """list of pairs: the merges that are done, oldest first."""
        return list(self.encoder.merges)

    @property
    def num_merges(self) -> int:
        """int: how many merges are asked for; assign to change it. A short text may have fewer."""
        return self.view.merges

    @num_merges.setter
    def num_merges(self, merges: int) -> None:
        self.view.merges = whole_number("num_merges", merges, 0, MAX_MERGES)

    @property
    def encoder(self) -> BytePairEncoder:
        """`BytePairEncoder` with the merges that are done."""
        text = self.view.text
        return BytePairEncoder.train(split_words(text), len(set(text)) + self.view.merges)

    @property
    def tokens(self) -> list[str]:
        """list of str: the text, cut by the merges that are done."""
        return self.encoder.tokenize(self.view.text)

    def text_alternative(self) -> str:
        encoder, tokens = self.encoder, self.tokens
        shown = "|".join(tokens[:40]) + (TEXTS["more"] if len(tokens) > 40 else "")
        about = {
            "merges": counted(len(encoder.merges), "merge"),
            "size": counted(len(encoder), "token"),
            "length": len(tokens),
        }
        return TEXTS["alternative"].format(**about, tokens=shown)

    def still(self) -> "Picture":
        text, done = self.view.text, self.view.merges
        words = split_words(text)
        sizes, lengths = [], []
        for step in BytePairEncoder.steps(words, len(set(text)) + max(done, 40)):
            sizes.append(len(set(text)) + len(sizes) + 1)
            lengths.append(sum(len(word) * count for word, count in step.words.items()))
        figure = self._picture(6.4, 3.2)
        ax = figure.subplots()
        ax.plot([len(set(text)), *sizes], [len(text), *lengths], color=PALETTE["queries"])
        ax.plot(len(self.encoder), len(self.tokens), "o", color=PALETTE["keys"])
        ax.set(xlabel=TEXTS["vocabulary"], ylabel=TEXTS["length"])
        return figure


def _checked_text(text):
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_CHARACTERS:
        got = f"a string of {len(text)} characters" if isinstance(text, str) else describe(text)
        raise ValueError(TEXTS["text"].format(most=MAX_CHARACTERS, got=got))
    return well_formed(text)  # what the page will count, too
