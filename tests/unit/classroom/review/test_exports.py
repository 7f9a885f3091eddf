"""Reviews in other programs: calendars and Anki."""

import csv
import io
from datetime import date

import icalendar
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.classroom.review import exports, lessons_with_questions, load_questions
from tests.unit.classroom.review.conftest import DAY, FAILED, PASSED, START, event, quizzed

ALL = [one.id for lesson in lessons_with_questions() for one in load_questions(lesson)]


def entries(text):
    return {str(entry["uid"]): entry for entry in icalendar.Calendar.from_ical(text).walk("VEVENT")}


def test_a_calendar_has_a_day_for_each_review():
    found = entries(exports.calendar(quizzed("03.cost", "03.mask-place"), START))
    assert [entry["dtstart"].dt for entry in found.values()] == [
        date(2026, 3, 2), date(2026, 3, 4), date(2026, 3, 8), date(2026, 3, 31)
    ]  # fmt: skip
    first = next(iter(found.values()))
    assert first["summary"].startswith("Review ") and "about 1 min" in first["summary"]
    assert (first["dtend"].dt - first["dtstart"].dt).days == 1


def test_a_calendar_taken_in_again_changes_its_entries_and_doubles_none():
    events = quizzed("03.cost")
    before = entries(exports.calendar(events, START))
    assert len(before) == 4
    events += [event("review", "03.cost", START + DAY, rating="good"), *quizzed("03.mask-place", now=START + DAY)]
    after = entries(exports.calendar(events, START + DAY))
    assert set(list(before)[1:]) <= set(after)
    assert all(int(after[uid]["sequence"]) > int(before[uid]["sequence"]) for uid in set(before) & set(after))
    assert exports.calendar(events, START) == exports.calendar(events, START)


def taken_in(calendar, text):
    """A calendar's days after it took in a file: of two entries with one id the later counts, one cancelled goes."""
    both = calendar | entries(text)
    return {uid: entry for uid, entry in both.items() if entry.get("status") != "CANCELLED"}


def test_days_that_emptied_are_cancelled_whenever_the_calendar_was_taken_in_before():
    events = quizzed("03.cost")
    calendar = taken_in({}, exports.calendar(events, START))
    calendar = taken_in(calendar, exports.calendar(events, START + 2 * DAY))  # overdue by a day
    events.append(event("review", "03.cost", START + 2 * DAY, rating="again"))
    calendar = taken_in(calendar, exports.calendar(events, START + 2 * DAY))
    text = exports.calendar(events, START + 4 * DAY)  # overdue again
    to_come = {uid for uid, entry in taken_in(calendar, text).items() if entry["dtstart"].dt >= date(2026, 3, 5)}
    assert to_come == set(taken_in({}, text))
    cancelled = [entry for entry in entries(text).values() if entry.get("status") == "CANCELLED"]
    assert date(2026, 3, 8) in [entry["dtstart"].dt for entry in cancelled]
    assert all(entry["summary"] == "No review" for entry in cancelled)
    assert all(
        int(entry["sequence"]) > int(calendar[uid]["sequence"])
        for uid, entry in entries(text).items()
        if uid in calendar
    )


def test_nothing_is_cancelled_that_no_calendar_can_have():
    assert "CANCELLED" not in exports.calendar(quizzed("03.cost"), START)
    done = [*quizzed("03.cost"), event("review", "03.cost", START + DAY, rating="good")]
    found = entries(exports.calendar(done, START + DAY)).values()
    assert [entry["dtstart"].dt for entry in found if entry.get("status") == "CANCELLED"] == [date(2026, 3, 2)]  # done


def test_a_calendar_is_what_the_standard_asks_for():
    """RFC 5545: 3.1 lines, 3.4 and 3.6.1 what must be there, 3.8.1.11 and 3.8.7.4 how an entry changes."""
    events = [*quizzed("03.cost"), event("review", "03.cost", START + DAY, rating="again")]
    text = exports.calendar(events, START + DAY)
    lines = text.split("\r\n")
    assert lines[-1] == "" and "\n" not in "".join(lines) and max(len(line.encode()) for line in lines) <= 75
    assert {"VERSION:2.0", "DTSTAMP:20260302T180000Z", "DTSTART;VALUE=DATE:20260303", "STATUS:CANCELLED"} <= set(lines)
    # A method makes it a message on an invitation, which needs an organizer (RFC 5546, 3.2.1): it is a file of entries.
    assert not [line for line in lines if line.startswith(("METHOD", "ORGANIZER", "ATTENDEE"))]
    for entry in entries(text).values():
        assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "SEQUENCE"} <= set(entry)
        assert entry["uid"] == f"reviews-{entry['dtstart'].dt}@attention-course"
        assert 0 <= int(entry["sequence"]) < 2**31
    assert len(entries(text)) == text.count("BEGIN:VEVENT")


def test_no_cards_make_an_empty_calendar_that_can_be_read():
    assert entries(exports.calendar([], START)) == {}


def notes(text):
    """The notes as Anki reads them: lines that begin with # are about the file."""
    lines = text.split("\n")
    head = dict(line[1:].split(":", 1) for line in lines if line.startswith("#"))
    rows = csv.reader(io.StringIO("\n".join(line for line in lines if not line.startswith("#"))), delimiter="\t")
    return head, list(rows)


def test_anki_gets_each_card_with_an_id_that_stays():
    events = [*quizzed(*ALL), FAILED, PASSED]
    head, rows = notes(exports.anki(events))
    assert head["separator"] == "tab" and head["html"] == "true" and head["guid column"] == "1"
    assert len(rows) == len(ALL) + 2 and all(len(row) == 4 and all(row) for row in rows)
    ids = [row[0] for row in rows]
    assert len(set(ids)) == len(ids)
    later = [*events, event("review", ALL[0], START + DAY, rating="good"), FAILED]
    assert exports.anki(later) == exports.anki(events)
    assert [row[0] for row in notes(exports.anki(events[:5]))[1]] == ids[:5]


def test_anki_gets_formulas_as_it_typesets_them_and_code_as_code():
    _, rows = notes(exports.anki([*quizzed("03.weights-recipe", "03.from-memory"), FAILED]))
    assert r"\(\sqrt{d_k}\)" in rows[0][1] and "$" not in rows[0][1]
    assert '<ol type="A">' in rows[0][1] and rows[0][2].startswith("<b>")
    assert "<pre>scores = queries @" in rows[1][2] and "<br>weights = " in rows[1][2]
    assert rows[2][3] == "lesson-03 mistake"


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_whatever_a_learner_writes_stays_in_its_field(source, message):
    text = exports.anki([{**FAILED, "source": source, "message": message}, *quizzed("03.cost")])
    _, rows = notes(text)
    assert text.count("\n") == 6 + 2 and [len(row) for row in rows] == [4, 4]
    assert rows[1][0].startswith("03.cost") and "<script" not in text


def test_a_learners_code_is_text_in_anki():
    source = b'def f():\n\tif 1 < 2:\r\n\t\treturn "<script>\\ud800</script>\x1b"'.decode("unicode_escape")
    _, ((_, front, _, _),) = notes(exports.anki([{**FAILED, "source": source}]))
    assert "&lt;script&gt;" in front and "<script>" not in front
    exports.anki([{**FAILED, "source": source}]).encode()
