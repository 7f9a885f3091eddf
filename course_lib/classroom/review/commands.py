"""`course review` and `course export`: reviews in a terminal, and for other programs."""

import contextlib
import random
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from course_lib.classroom import files, places
from course_lib.printable import printable

TEXTS: dict[str, Any] = {
    "minutes": "At most so many minutes, 5 to 15; by default half of those you chose on the home page.",
    "what": "calendar (an .ics file) or anki (a text file that Anki imports).",
    "to": "The file to write, in place of one in workspace/exports/.",
    "place": "{place} of {total} · {where}",
    "letter": "Press the letter of your answer; Enter shows it, q ends.",
    "letters": "Several are right: type their letters, then Enter; q ends.",
    "recall": "Answer from memory. Enter shows the answer, q ends.",
    "right": "✓ {letter}",
    "wrong": "✗ {letter}",
    "rating": "{key} {rating}: {meaning} ({when})",
    "no keys": "reviews are answered by keys, and this program was started without any input",
    "again": "It comes back tomorrow.",
    "done": "{done} reviewed.",
    "written": "written: {path}",
}
FILES = {"calendar": "reviews.ics", "anki": "anki.txt"}
STYLES = {"code": "cyan", "block": "cyan", "emphasis": "italic", "formula": "magenta", "display": "magenta"}
ENDS = ("q", "\x03", "\x04", "")


app = typer.Typer()


class _Stop(Exception):
    """The learner has had enough."""


@app.command()
def review(minutes: Annotated[int | None, typer.Option(min=1, help=TEXTS["minutes"])] = None):
    """Do the reviews that are due today."""
    from course_lib.classroom.practice.progress import Progress
    from course_lib.classroom.review import schedule, texts

    progress = Progress()
    events = progress.events()
    portion = schedule.due(events, minutes=minutes)
    done = 0
    if portion.cards and sys.stdin is None:
        raise files.FileTrouble(TEXTS["no keys"])
    with contextlib.suppress(_Stop):
        for place, one in enumerate(portion.cards, 1):
            _say(TEXTS["place"].format(place=place, total=len(portion.cards), where=one.card.place), "bold")
            began = time.monotonic()
            rating = _ask(one)
            seconds = round(time.monotonic() - began, 1)
            if schedule.answer(one.card.id, rating, one.seen, progress=progress, seconds=seconds):
                done += 1
            else:
                _say(texts.TEXTS["elsewhere"])
    if portion.cards:
        _say(TEXTS["done"].format(done=done))
    _say(texts.nothing_due(progress.events()))


@app.command()
def export(
    what: Annotated[Literal["calendar", "anki"], typer.Argument(help=TEXTS["what"])],
    to: Annotated[Path | None, typer.Option(metavar="PATH", help=TEXTS["to"])] = None,
):
    """Write the days of your reviews for a calendar, or your cards for Anki."""
    from course_lib.classroom.practice.progress import Progress
    from course_lib.classroom.review import exports

    text = getattr(exports, what)(Progress().events())
    if to:
        files.renew(to, text)
    else:
        to = places.make_workspace() / "exports" / FILES[what]
        files.replace(to, text)
    typer.echo(TEXTS["written"].format(path=to))


def _ask(scheduled):
    """Show a card, wait for the answer, show what is right, and give back the rating."""
    from course_lib.classroom.review.questions import LETTERS

    card = scheduled.card
    _show(card.front)
    options = random.sample(card.options, len(card.options))
    for letter, option in zip(LETTERS, options, strict=False):
        _show(f"{letter}  {option.text}")
    right = {letter for letter, option in zip(LETTERS, options, strict=False) if option.correct}
    chosen = _chosen(len(right), LETTERS[: len(options)])
    _say("")
    if not options:
        _show(card.back)
    for letter, option in zip(LETTERS, options, strict=False):
        if letter in chosen | right:
            mark = TEXTS["right" if option.correct else "wrong"].format(letter=letter)
            _show(f"{mark}  {option.why}")
    if chosen and chosen != right:
        _say(TEXTS["again"])
        return "again"
    return _rating(scheduled)


def _chosen(right, letters):
    """The letters that the learner chose; none if they only thought of the answer."""
    if right > 1:
        _say(TEXTS["letters"], "dim")
        with _stopping():
            line = input().strip().upper()
        if line == "Q":
            raise _Stop
        return {letter for letter in line if letter in letters}
    _say(TEXTS["letter" if right else "recall"], "dim")
    while True:
        key = _key()
        if key in ("\r", "\n", " "):
            return set()
        if key.upper() in letters:
            return {key.upper()}


def _rating(scheduled):
    from course_lib.classroom.review import texts

    keys, when = dict(zip("1234", texts.RATINGS, strict=True)), texts.comes_back(scheduled)
    _say(f"{texts.TEXTS['rate']} {texts.TEXTS['scale']}")
    for key, rating in keys.items():
        meaning = texts.RATINGS[rating][1]
        _say(TEXTS["rating"].format(key=key, rating=rating, meaning=meaning, when=when[rating]), "dim")
    while (key := _key()) not in keys:
        pass
    return keys[key]


def _key():
    """The next key.

    Raises:
        _Stop: it ends the reviews, or there are no more.
    """
    with _stopping():
        key = typer.getchar() if sys.stdin.isatty() else sys.stdin.read(1)
    if key in ENDS:
        raise _Stop
    return key


@contextlib.contextmanager
def _stopping():
    """What ends the program elsewhere only ends the reviews."""
    try:
        yield
    except (EOFError, KeyboardInterrupt):
        raise _Stop from None


def _show(text):
    """Print a text of the bank, followed by an empty line."""
    from rich.text import Text

    from course_lib.classroom.review.questions import pieces

    shown = Text()
    for kind, piece in pieces(text):
        if kind == "gap":
            shown.append("\n\n")
        elif kind == "block":
            shown.append(("\n\n" if shown else "") + f"{printable(piece)}\n\n", STYLES[kind])
        else:
            shown.append(printable(" ".join(piece.split("\n"))), STYLES.get(kind, ""))
    shown.rstrip()
    _console().print(shown, end="\n\n")


def _say(text, style=""):
    from rich.text import Text

    _console().print(Text(printable(text), style=style))


def _console():
    from rich.console import Console

    return Console(highlight=False)
