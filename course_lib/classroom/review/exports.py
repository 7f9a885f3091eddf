"""Reviews for other programs: the days for a calendar, the cards for Anki. Taken in again, nothing is there twice."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

from course_lib.classroom.review import schedule
from course_lib.classroom.review.cards import cards
from course_lib.classroom.review.questions import HTML, lettered, to_html
from course_lib.classroom.review.texts import cards_text
from course_lib.printable import printable

TEXTS = {
    "product": "-//Attention course//Reviews//EN",
    "calendar": "Reviews of the course",
    "summary": "Review {cards}, about {minutes} min",
    "none": "No review",
    "description": "Open the course, or type: course review",
    "deck": "Attention course",
}

ID = "{name}@attention-course"  # stable, and nobody else's
NOTES = HTML | {"formula": r"\({}\)", "display": r"\[{}\]", "block": "<pre>{}</pre>"}  # as Anki typesets


def calendar(events, now=None):
    """The days on which reviews come within the next month, as an iCalendar file.

    Args:
        events: what `Progress.events()` gives.
        now: an aware `datetime`; by default the clock's.

    Returns:
        Its text. A day keeps its id, so that taking it in again changes the entry that is there; where a day that an
        earlier plan had is empty now, that entry is cancelled.
    """
    from icalendar import Calendar, Event

    now = now or datetime.now(UTC)
    whole = Calendar()
    whole.add("prodid", TEXTS["product"])
    whole.add("version", "2.0")
    whole.add("x-wr-calname", TEXTS["calendar"])
    planned = schedule.planned(events, now)
    for day in schedule.coming(events, now):
        if not day.cards and day.date not in planned:
            continue
        entry = Event()
        entry.add("uid", ID.format(name=f"reviews-{day.date}"))
        entry.add("dtstamp", now.astimezone(UTC))
        entry.add("sequence", int(now.timestamp()) // 60)  # of two entries with one id, the later one counts
        entry.add("dtstart", day.date)
        entry.add("dtend", day.date + timedelta(days=1))
        if day.cards:
            entry.add("summary", TEXTS["summary"].format(cards=cards_text(day.cards), minutes=day.minutes))
            entry.add("description", TEXTS["description"])
        else:
            entry.add("summary", TEXTS["none"])
            entry.add("status", "CANCELLED")
        entry.add("transp", "TRANSPARENT")  # whoever looks is free on that day
        whole.add_component(entry)
    return whole.to_ical().decode()


def anki(events):
    """All cards as a file that Anki imports.

    Args:
        events: what `Progress.events()` gives.

    Returns:
        Its text. A card keeps its id, so that importing it again changes the note that is there.
    """
    file = io.StringIO()
    for name, value in (
        ("separator", "tab"), ("html", "true"), ("guid column", "1"), ("notetype", "Basic"), ("deck", TEXTS["deck"]),
        ("tags column", "4"),
    ):  # fmt: skip
        file.write(f"#{name}:{value}\n")
    rows = csv.writer(file, delimiter="\t", lineterminator="\n")
    for card in cards(events).values():
        front, back = to_html(card.front, NOTES), to_html(card.back, NOTES)
        if card.options:
            listed, back = lettered(card.id, card.options, NOTES)
            front += listed
        tags = f"lesson-{card.lesson} {card.kind}"
        rows.writerow([ID.format(name=card.id), *(_one_line(one) for one in (front, back)), tags])
    return file.getvalue()


def _one_line(text):
    """HTML on one line, without the tabs that would end a field; what Anki shows is the same."""
    lines = re.sub(r"<pre>.*?</pre>", lambda code: code[0].replace("\n", "<br>"), printable(text), flags=re.DOTALL)
    return " ".join(lines.expandtabs(4).split("\n")).replace("\r", "")
