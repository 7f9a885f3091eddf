"""The ladder of losses: one rung for each stage of a model, beside what simpler predictions reach."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from course_lib.checking import real_number
from course_lib.colours import PALETTE
from course_lib.plots.inputs import FONT, INK, visible
from course_lib.plots.picture import Picture

REACHED, NEWEST, COUNTED, GREY = PALETTE["queries"], PALETTE["keys"], "#4a4f59", "#6b717c"

TEXTS: dict[str, Any] = {
    "nats": "validation loss, nats per character (lower is better)",
    "bits": "bits per character",
    "kind": "{name} is a {kind}; expected a dict from names to {wanted}",
    "losses": "losses",
    "one loss": "a loss each",
    "none": "rungs holds no loss; expected one at least",
    "empty": "rungs[{name!r}] is empty; expected losses, or None for a rung not reached yet",
    "alternative rung": "{name}: {loss:.2f} nats",
    "alternative range": " ({low:.2f} to {high:.2f})",
    "alternative open": "{name}: not reached yet",
    "alternative controls": "For comparison: {controls}.",
}


def ladder(
    rungs: Mapping[str, Sequence[float] | None],
    controls: Mapping[str, float] | None = None,
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Any:
    """Draw how far each stage of a model has come, the first at the bottom, and a line for each control.

    Args:
        rungs: dict from a stage's name to its losses in nats with several seeds: the mark is their mean, the bar their
            range; None: not reached yet. The newest that is reached is drawn in another colour and shape.
        controls: dict from a name to the loss of a prediction to compare with.
        title: above the picture.
        ax: matplotlib axes to draw into; a new Picture if None.

    Returns:
        the figure, a Picture unless ax belongs to another.

    Raises:
        ValueError, TypeError: a loss below 0 or no number, or no loss at all.
    """
    reached = _losses(rungs)
    compared = _controls({} if controls is None else controls)
    if ax is None:
        ax = Picture(figsize=(7.4, 1.3 + 0.36 * len(rungs) + 0.2 * len(compared))).subplots()
    names = list(rungs)
    newest = list(reached)[-1]
    for name, losses in reached.items():
        colour, marker = (NEWEST, "D") if name == newest else (REACHED, "o")
        _draw_rung(ax, names.index(name), losses, colour, marker)
    _draw_controls(ax, compared, len(names))
    everything = [*compared.values(), *(one for losses in reached.values() for one in losses)]
    room = 0.14 * (max(everything) - min(everything)) or 0.1
    ax.set_xlim(min(everything) - room, max(everything) + room)
    _label(ax, names, reached, title)
    if isinstance(ax.figure.figure, Picture):
        ax.figure.figure.describe(_in_words(rungs, reached, compared))
    return ax.figure.figure


def _losses(rungs):
    """The rungs that are reached, each with its losses."""
    if not isinstance(rungs, Mapping):
        raise TypeError(TEXTS["kind"].format(name="rungs", kind=type(rungs).__name__, wanted=TEXTS["losses"]))
    reached = {}
    for name, losses in rungs.items():
        if losses is not None:
            reached[name] = [real_number(f"rungs[{name!r}][{at}]", one, least=0) for at, one in enumerate(losses)]
            if not reached[name]:
                raise ValueError(TEXTS["empty"].format(name=name))
    if not reached:
        raise ValueError(TEXTS["none"])
    return reached


def _controls(controls):
    if not isinstance(controls, Mapping):
        raise TypeError(TEXTS["kind"].format(name="controls", kind=type(controls).__name__, wanted=TEXTS["one loss"]))
    return {name: real_number(f"controls[{name!r}]", one, least=0) for name, one in controls.items()}


def _draw_rung(ax, height, losses, colour, marker):
    mean = sum(losses) / len(losses)
    ax.plot([min(losses), max(losses)], [height, height], color=colour, linewidth=4, solid_capstyle="butt", alpha=0.5)
    ax.plot([mean], [height], marker, color=colour, markersize=8, markeredgecolor="white", zorder=3)
    ax.annotate(
        f"{mean:.2f}", (mean, height), (0, 7), textcoords="offset points", ha="center", fontsize=FONT - 1, color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )  # fmt: skip


def _draw_controls(ax, controls, num_rungs):
    """A line for each control from the bottom up to its name; names on lines of their own, so that none covers another."""
    for number, (name, loss) in enumerate(controls.items()):
        top = num_rungs - 0.2 + 0.55 * number
        ax.plot([loss, loss], [-0.5, top], color=COUNTED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        ax.annotate(
            f"{visible(name)}: {loss:.2f}", (loss, top), (4, 0), textcoords="offset points", ha="left", va="center",
            fontsize=FONT - 1, color=COUNTED, parse_math=False,
        )  # fmt: skip


def _label(ax, names, reached, title):
    ax.set_yticks(range(len(names)), [visible(name) for name in names], fontsize=FONT, parse_math=False)
    for name, written in zip(names, ax.get_yticklabels(), strict=True):
        written.set_color(INK if name in reached else GREY)
    ax.set_xlabel(TEXTS["nats"], fontsize=FONT - 0.5, color=INK)
    ax.tick_params(labelsize=FONT - 1, length=0, colors=INK, axis="x")
    ax.tick_params(length=0, axis="y")
    ax.spines[:].set_visible(False)
    ax.set_axisbelow(True)
    ax.grid(color="#e4e6ea", linewidth=0.8, axis="y")
    above = ax.secondary_xaxis("top", functions=(lambda nats: nats / math.log(2), lambda bits: bits * math.log(2)))
    above.set_xlabel(TEXTS["bits"], fontsize=FONT - 0.5, color=INK)
    above.tick_params(labelsize=FONT - 1, length=0, colors=INK)
    above.spines[:].set_visible(False)
    if title is not None:
        ax.set_title(visible(title), fontsize=FONT + 2, color=INK, parse_math=False)


def _in_words(rungs, reached, controls):
    told = []
    for name in rungs:
        if name not in reached:
            told.append(TEXTS["alternative open"].format(name=visible(name)))
            continue
        losses = reached[name]
        sentence = TEXTS["alternative rung"].format(name=visible(name), loss=sum(losses) / len(losses))
        if len(losses) > 1:
            sentence += TEXTS["alternative range"].format(low=min(losses), high=max(losses))
        told.append(sentence)
    words = "; ".join(told) + "."
    if controls:
        compared = ", ".join(f"{visible(name)} {loss:.2f}" for name, loss in controls.items())
        words += " " + TEXTS["alternative controls"].format(controls=compared)
    return words
