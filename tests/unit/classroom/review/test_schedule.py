"""When cards come back, with a clock of our own."""

import itertools
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.classroom.practice.progress import RATINGS, Progress, ProgressError
from course_lib.classroom.review import load_questions, schedule
from tests.unit.classroom.review.conftest import DAY, FAILED, PASSED, START, event, quizzed
from tests.unit.test_imports import loaded_by

ID = "03.weights-recipe"
IDS = [one.id for lesson in ("01", "03", "05") for one in load_questions(lesson)]
BERLIN = "Europe/Berlin"


def live(progress, days, hour=lambda day: 18, rate=lambda id, day: "good"):
    """Live some days: do on each what is due, as often as there is something; gives back day -> ids reviewed."""
    done = {}
    for number in range(days):
        now = START.replace(hour=0) + number * DAY + timedelta(hours=hour(number))
        while (portion := schedule.due(progress.events(), now)).cards:
            for one in portion.cards:
                assert schedule.answer(one.card.id, rate(one.card.id, number), one.seen, now, progress)
                done.setdefault(number, []).append(one.card.id)
    return done


def test_a_simulated_month(progress):
    """Learnt today: it comes after 1 day, 3 days, 1 week and 1 month, each card once a day, then as FSRS says."""
    ids = IDS[:12]
    for id in ids:
        progress.record("quiz", id, rating="good", now=START)
    done = live(progress, 500)
    assert list(done)[:4] == [1, 3, 7, 30]
    assert all(sorted(those) == sorted(ids) for those in done.values())
    gaps = [later - earlier for earlier, later in itertools.pairwise(list(done)[3:])]
    assert gaps and gaps == sorted(gaps) and gaps[0] > 23


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 23), min_size=31, max_size=31))
def test_at_whatever_hour_of_the_day_one_comes(hours):
    """A card is due on its day from midnight on: nobody waits for the minute, and nothing drifts."""
    events, done = quizzed(ID), []
    for number in range(31):
        now = START.replace(hour=hours[number]) + number * DAY
        for _ in schedule.due(events if number else quizzed(ID, now=now), now).cards:
            events.append(event("review", ID, now, rating="good"))
            done.append(number)
        events = quizzed(ID, now=now) if not number else events
    assert done == [1, 3, 7, 30]


def test_a_lapse_is_learnt_again(progress):
    progress.record("quiz", ID, rating="good", now=START)
    done = live(progress, 60, rate=lambda id, day: "again" if day == 7 else "good")
    assert list(done) == [1, 3, 7, 8, 10, 14, 37]


def test_a_lapse_after_the_month_comes_back_the_next_day_and_then_sooner_than_before(progress):
    progress.record("quiz", ID, rating="good", now=START)
    known = list(live(progress, 500))
    other = Progress(progress.path.with_name("other.sqlite3"))
    other.record("quiz", ID, rating="good", now=START)
    lapsed = list(live(other, 500, rate=lambda id, day: "again" if day == known[4] else "good"))
    assert lapsed[:6] == [*known[:5], known[4] + 1]
    assert lapsed[6] - lapsed[5] < known[5] - known[4]
    assert schedule.state(other.events(), START + 500 * DAY)[ID].lapses == 1


@pytest.mark.parametrize(("rating", "days"), [("again", 1), ("hard", 1.5), ("good", 2), ("easy", 8)])
def test_what_the_first_rating_means(rating, days):
    events = [*quizzed(ID), event("review", ID, START + DAY, rating=rating)]
    assert schedule.state(events, START + DAY)[ID].due == START + DAY + timedelta(days=days)


def test_a_quiz_taken_again_counts_only_when_the_card_was_due():
    same_evening = event("quiz", ID, START + timedelta(hours=1), rating="easy")
    next_morning = event("quiz", ID, START + timedelta(hours=14), rating="good")
    now = START + timedelta(hours=15)
    assert schedule.state([*quizzed(ID), same_evening], now)[ID].reviews == 0
    assert schedule.state([*quizzed(ID), same_evening, next_morning], now)[ID].reviews == 1
    assert schedule.state([*quizzed(ID), same_evening, next_morning], now)[ID].seen == 3


def test_mistakes_and_tasks_come_back_too():
    other = {**PASSED, "subject": "03.scores"}
    ids = {one.card.id for one in schedule.due([FAILED, other], START + DAY).cards}
    assert ids == {"03.softmax/mistake/softmax-over-queries", "03.scores/task"}
    assert schedule.due([FAILED, other], START + timedelta(hours=1)).cards == []


SIBLINGS = [FAILED, {**FAILED, "diagnosis": "scores"}, PASSED]  # three cards of one function


def test_of_the_cards_of_one_function_one_comes_a_day_and_the_others_the_days_after(progress):
    """They answer one another: the solution is on the back of one."""
    for one in SIBLINGS:
        details = {key: value for key, value in one.items() if key not in ("kind", "subject", "time")}
        progress.record("check", "03.softmax", now=START, **details)
    portion = schedule.due(progress.events(), START + DAY)
    assert (len(portion.cards), portion.waiting) == (1, 2)
    done = live(progress, 40)
    assert all(len(those) == 1 for those in done.values())
    assert {id for number in (1, 2, 3) for id in done[number]} == set(schedule.state(progress.events(), START))
    times = Counter(id for those in done.values() for id in those)
    assert set(times.values()) == {4}  # nothing is lost


def test_the_plan_spreads_the_cards_of_one_function_too():
    counts = [one.cards for one in schedule.coming(SIBLINGS, START, 8)]
    assert counts == [0, 1, 1, 1, 1, 1, 1, 0]  # each again two days after its first
    assert schedule.following(SIBLINGS, START).cards == 1
    today = [*SIBLINGS, event("review", "03.softmax/task", START + DAY, rating="good")]
    assert [one.cards for one in schedule.coming(today, START + DAY, 3)] == [0, 1, 1]


@pytest.mark.parametrize(("rating", "days"), [("again", {1}), ("hard", {1, 2}), ("good", {2}), ("easy", {8})])
def test_a_rating_tells_in_how_many_days_the_card_comes_back(rating, days):
    now = START + DAY + timedelta(hours=3)
    card = schedule.due(quizzed(ID), now).cards[0]
    assert schedule.comes_back(card, now)[rating] in days
    later = schedule.state([*quizzed(ID), event("review", ID, now, rating=rating)], now)[ID]
    assert (schedule.day(later.due) - schedule.day(now)).days == schedule.comes_back(card, now)[rating]


# ---- the day's portion


def test_a_day_has_fifteen_minutes_at_most_and_the_rest_waits():
    events = quizzed(*IDS)
    portion = schedule.due(events, START + DAY)
    assert 12 <= portion.minutes <= 15 and len(portion.cards) + portion.waiting == len(IDS) and portion.done == 0
    for one in portion.cards:
        events.append(event("review", one.card.id, START + DAY, rating="good"))
    after = schedule.due(events, START + DAY)
    assert (after.cards, after.waiting, after.done) == ([], portion.waiting, len(portion.cards))
    tomorrow = schedule.due(events, START + 2 * DAY)
    assert {one.card.id for one in tomorrow.cards}.isdisjoint(one.card.id for one in portion.cards)


@pytest.mark.parametrize(("minutes", "most"), [(1, 5), (5, 5), (10, 10), (15, 15), (60, 15)])
def test_the_minutes_asked_for_are_kept_between_five_and_fifteen(minutes, most):
    assert most - 2 < schedule.due(quizzed(*IDS), START + DAY, minutes).minutes <= most
    chosen = event("setting", "minutes", value=minutes)
    half = schedule.due(quizzed(*IDS), START + DAY, minutes / 2)
    assert schedule.due([*quizzed(*IDS), chosen], START + DAY) == half


@pytest.mark.parametrize("value", [None, "many", True, [], {}])
def test_minutes_that_make_no_sense_count_as_none_chosen(value):
    events = [*quizzed(*IDS), event("setting", "minutes", value=value)]
    assert schedule.due(events, START + DAY) == schedule.due(quizzed(*IDS), START + DAY)


def test_the_most_overdue_come_first():
    old, new = IDS[40:50], IDS[:40]
    events = [*quizzed(*old, now=START - 5 * DAY), *quizzed(*new)]
    assert set(old) <= {one.card.id for one in schedule.due(events, START + DAY).cards}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(IDS), unique=True), st.integers(5, 15))
def test_lessons_are_mixed(ids, minutes):
    lessons = [one.card.lesson for one in schedule.due(quizzed(*ids), START + DAY, minutes).cards]
    neighbours = sum(one == other for one, other in itertools.pairwise(lessons))
    most = max(Counter(lessons).values(), default=0)
    assert neighbours == max(0, most - 1 - (len(lessons) - most))  # no more than can't be avoided


# ---- clocks


def test_a_clock_moved_back_costs_nothing(progress):
    progress.record("quiz", ID, rating="good", now=START)
    assert schedule.answer(ID, "good", 1, START + DAY, progress)
    back = START - 300 * DAY
    assert schedule.due(progress.events(), back).cards == []
    assert schedule.answer(ID, "good", 2, back, progress)  # as a page would that was open
    standing = schedule.state(progress.events(), START + DAY)[ID]
    assert standing.reviews == 2 and standing.last == START + DAY and standing.due == START + 5 * DAY


def test_a_clock_that_ran_ahead_does_not_send_a_card_away_for_years():
    ahead = START + 4000 * DAY
    events = [*quizzed(ID), event("review", ID, ahead, rating="good"), event("hint", "03.softmax", START + DAY)]
    assert schedule.state(events, START + 2 * DAY)[ID].due == START + 3 * DAY
    assert schedule.state(quizzed(ID, now=ahead), START)[ID].due == START + DAY


@pytest.mark.parametrize("days", [365, -365])
def test_a_clock_that_was_wrong_for_an_evening_changes_nothing_later(days):
    """Neither before nor after its false date: what was recorded next, on more days, tells the time."""
    evening = [event("place", "notebooks/03_self_attention_by_hand.ipynb", START + days * DAY, cell="a")] * 20
    reviews = [event("review", ID, START + number * DAY, rating="good") for number in (1, 3, 7, 30, 100)]
    known = schedule.state([*quizzed(ID), *reviews], START + 100 * DAY)[ID]
    wrong = [*quizzed(ID, now=START + days * DAY), *evening, *reviews]
    for now in (100, 364, 366, 1000):
        found = schedule.state(wrong, START + now * DAY)[ID]
        assert (found.due, found.last) == (known.due, known.last)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["quiz", "review"]), st.sampled_from(IDS[:3]), st.sampled_from(RATINGS),
            st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)) | st.datetimes(datetime(2026, 2, 1), datetime(2026, 4, 1)),
            st.sampled_from(["+00:00", "", "+14:00", "-12:00"]),
        )
    ),
    st.datetimes(datetime(2021, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)  # fmt: skip
def test_no_clock_breaks_anything(rows, now):
    events = [
        {"kind": kind, "subject": id, "rating": rating, "time": moment.isoformat() + offset}
        for kind, id, rating, moment, offset in rows
    ]
    states = schedule.state(events, now)
    assert set(states) == {event["subject"] for event in events if event["kind"] == "quiz"}
    for id, one in states.items():
        assert one.seen == sum(event["subject"] == id for event in events)
        assert one.last <= now and one.last < one.due
    schedule.due(events, now)
    assert len(schedule.coming(events, now, 5)) == 5


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows takes its zone from elsewhere")
def test_a_journey_changes_no_date_and_counts_nothing_twice(zone):
    events = [*quizzed(ID), event("review", ID, START + DAY, rating="good")]
    found = []
    for name in ("UTC", BERLIN, "America/Los_Angeles", "Pacific/Kiritimati"):
        zone(name)
        found.append(schedule.state(events, START + 2 * DAY))
    assert all(one == found[0] for one in found)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows takes its zone from elsewhere")
def test_a_day_begins_at_midnight_where_the_learner_is(zone):
    learnt = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # 15:30 of that day in Los Angeles, 00:30 of the next in Berlin
    noon = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    zone("UTC")
    assert schedule.due(quizzed(ID, now=learnt), noon).cards
    zone(BERLIN)
    assert not schedule.due(quizzed(ID, now=learnt), noon).cards
    zone("America/Los_Angeles")
    assert not schedule.due(quizzed(ID, now=learnt), datetime(2026, 3, 2, 7, 59, tzinfo=UTC)).cards
    assert schedule.due(quizzed(ID, now=learnt), datetime(2026, 3, 2, 8, 0, tzinfo=UTC)).cards


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows takes its zone from elsewhere")
@pytest.mark.parametrize("name", [BERLIN, "America/Havana", "Asia/Beirut", "Australia/Lord_Howe"])
@pytest.mark.parametrize("learnt", ["2026-03-28 23:30", "2026-10-24 00:10", "2026-03-07 00:30", "2026-10-31 23:59"])
def test_a_change_to_or_from_summer_time_shifts_no_day(zone, name, learnt):
    zone(name)
    now = datetime.fromisoformat(learnt).astimezone()
    events = quizzed(ID, now=now)
    days = [now.date() + number * DAY for number in (1, 3, 7, 30)]
    assert [one.date for one in schedule.coming(events, now) if one.cards] == days
    for day in days:
        evening_before, morning = datetime.fromisoformat(f"{day - DAY} 22:59"), datetime.fromisoformat(f"{day} 01:00")
        assert schedule.due(events, evening_before.astimezone()).cards == []
        assert schedule.due(events, morning.astimezone()).cards
        events.append(event("review", ID, datetime.fromisoformat(f"{day} 12:00").astimezone(), rating="good"))


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows takes its zone from elsewhere")
def test_yesterdays_reviews_are_not_todays_on_the_day_summer_time_begins(zone):
    zone(BERLIN)
    evening = datetime(2026, 3, 28, 23, 30).astimezone()
    events = [*quizzed(ID, now=evening - DAY), event("review", ID, evening, rating="good")]
    assert schedule.due(events, datetime(2026, 3, 29, 12).astimezone()).done == 0


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="now: expected a time with its time zone"):
        schedule.state([], datetime(2026, 3, 1))


# ---- recording


def test_two_windows_at_once_count_once(progress):
    progress.record("quiz", ID, rating="good", now=START)
    now = START + DAY
    seen = schedule.due(progress.events(), now).cards[0].seen
    other = Progress(progress.path)
    assert schedule.answer(ID, "good", seen, now, progress)
    assert not schedule.answer(ID, "again", seen, now, other)
    assert schedule.state(progress.events(), now)[ID].reviews == 1
    assert schedule.answer(ID, "again", seen + 1, now, other)


def test_a_quiz_answered_meanwhile_counts_as_an_answer(progress):
    progress.record("quiz", ID, rating="good", now=START)
    progress.record("quiz", ID, rating="good", now=START + DAY)
    assert not schedule.answer(ID, "good", 1, START + DAY, progress)


@pytest.mark.parametrize(
    ("id", "rating", "seen", "complaint"),
    [
        (ID, "superb", 1, "rating: expected one of again, hard, good, easy, got 'superb'"), (ID, None, 1, "rating"),
        (ID, "good", -1, "seen"), (ID, "good", "1", "seen"), ("03.mask-place", "good", 0, "you have no card"),
        ("<b>", "good", 0, "you have no card '<b>'"),
    ],
)  # fmt: skip
def test_wrong_answers_to_a_card_are_refused(progress, id, rating, seen, complaint):
    progress.record("quiz", ID, rating="good", now=START)
    with pytest.raises((ValueError, TypeError), match=complaint):
        schedule.answer(id, rating, seen, START + DAY, progress)
    assert len(progress.events()) == 1


def test_an_answer_that_could_not_be_written_is_not_counted_later(progress):
    progress.record("quiz", ID, rating="good", now=START)
    with closing(sqlite3.connect(progress.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProgressError):
            schedule.answer(ID, "good", 1, START + DAY, progress)
    progress.record("hint", "03.softmax")
    assert progress.events("review") == []
    assert schedule.answer(ID, "good", 1, START + DAY, progress)


def test_what_waited_to_be_written_goes_first(progress):
    progress.record("hint", "03.softmax", now=START)
    with closing(sqlite3.connect(progress.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProgressError):
            progress.record("quiz", ID, rating="good", now=START)
    (one,) = schedule.due(progress.events(), START + DAY).cards
    assert schedule.answer(ID, "good", one.seen, START + DAY, progress)
    assert [event["kind"] for event in progress.events()] == ["hint", "quiz", "review"]
    assert all(event["id"] for event in progress.events())


def test_a_file_of_the_course_of_before_is_taken_as_it_is(progress):
    """Its tables were the same: nothing is migrated, nothing is lost, and the questions answered then are cards now."""
    with closing(sqlite3.connect(progress.path)) as connection, connection:
        connection.execute(
            "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, kind TEXT NOT NULL, "
            "subject TEXT NOT NULL, details TEXT NOT NULL)"
        )
        connection.execute("CREATE INDEX events_by_subject ON events (kind, subject)")
        connection.execute("PRAGMA user_version = 1")
        rows = [
            ("quiz", ID, '{"rating": "again", "correct": false, "lesson": "03", "form": "choice", "seconds": 4.0}'),
            ("check", "03.softmax", '{"outcome": "failed", "diagnosis": "no-message-then", "source": "def f(): ..."}'),
            (
                "check",
                "03.softmax",
                '{"outcome": "passed", "diagnosis": null, "seconds": 0.1, "source": "def f(): ..."}',
            ),
        ]
        for row in rows:
            connection.execute(
                "INSERT INTO events (time, kind, subject, details) VALUES (?, ?, ?, ?)", (START.isoformat(), *row)
            )
    before = progress.events()
    assert {one.card.id for one in schedule.due(before, START + DAY).cards} == {ID, "03.softmax/task"}
    assert schedule.answer(ID, "good", 1, START + DAY, progress)
    assert progress.events()[:-1] == before


KILLED = """
import os, random, signal, sys, time
from itertools import count
from course_lib.classroom.practice.progress import Progress, ProgressError
from course_lib.classroom.review import schedule

ids = sys.argv[2].split()
progress = Progress(sys.argv[1])

schedule.answer(ids[0], "good", 1, progress=progress)  # what is loaded once is loaded here
schedule.state(progress.events())

def work(number, out):
    random.seed(number)
    for turn in count():
        token = f"{number}.{turn}"
        try:
            if turn % 2:
                progress.record("check", "03.softmax", outcome="passed", token=token)
            else:
                id = random.choice(ids)
                seen = schedule.state(progress.events())[id].seen
                if not schedule.answer(id, "good", seen, progress=progress, token=token, nth=seen):
                    continue
        except ProgressError:
            continue
        os.write(out, (token + "\\n").encode())

random.seed(0)
for batch in range(25):
    started = []
    for number in range(8):
        read, write = os.pipe()
        if not (child := os.fork()):
            work(8 * batch + number, write)
        os.close(write)
        started.append((child, read))
    for child, read in random.sample(started, 8):
        time.sleep(random.uniform(0, 0.1))
        os.kill(child, signal.SIGKILL)
    for child, read in started:
        os.waitpid(child, 0)
        with open(read) as said:
            sys.stdout.write(said.read())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_200_processes_killed_at_random_moments_lose_no_acknowledged_answer(progress):
    ids = IDS[:8]
    for id in ids:
        progress.record("quiz", id, rating="good", now=START)
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(progress.path), " ".join(ids)], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    said = run.stdout.split()
    events = [event for event in progress.events() if "token" in event]
    tokens = Counter(event["token"] for event in events)
    assert len(said) > 40 and set(said) <= set(tokens)
    assert set(tokens.values()) == {1}
    reviews = [(event["subject"], event["nth"]) for event in events if event["kind"] == "review"]
    assert len(reviews) > 20 and len(set(reviews)) == len(reviews)  # nothing was counted twice
    with closing(sqlite3.connect(progress.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# ---- looking ahead


def test_the_plan_of_a_lesson_has_its_dates():
    expected = [date(2026, 3, 2), date(2026, 3, 4), date(2026, 3, 8), date(2026, 3, 31)]
    before = schedule.plan("03", [], START)
    assert [one.date for one in before] == expected and {one.cards for one in before} == {schedule.SITTING}
    events = quizzed(*(id for id in IDS if id.startswith("01.") or id in ("03.mask-place", "03.cost")))
    assert [one.date for one in schedule.plan("03", events, START)] == expected
    assert {one.cards for one in schedule.plan(3, events, START)} == {
        sum(id in ("03.mask-place", "03.cost") for id in IDS)
    }
    with pytest.raises(ValueError, match="no questions for lesson '99'"):
        schedule.plan("99", [], START)


def test_what_is_overdue_comes_today_and_the_future_follows_from_it():
    days = schedule.coming(quizzed(*IDS[:12]), START + 10 * DAY, 8)
    assert [one.cards for one in days] == [12, 0, 12, 0, 0, 0, 12, 0]
    assert days[0].date == date(2026, 3, 11) and days[0].minutes >= 5
    assert sum(one.cards for one in schedule.coming(quizzed(*IDS), START, 8, lesson="05")) == 3 * len(
        load_questions("05")
    )


def test_the_next_day_on_which_something_comes():
    assert schedule.following([], START) is None
    reviewed = [*quizzed(IDS[3], now=START - DAY), event("review", IDS[3], START, rating="good")]
    following = schedule.following([*reviewed, *quizzed(*IDS[:3])], START)
    assert (following.date, following.cards) == (date(2026, 3, 2), 3)


def test_what_a_page_or_a_terminal_needs_loads_no_widgets():
    loaded = loaded_by(", ".join(f"course_lib.classroom.review.{one}" for one in ("schedule", "exports", "commands")))
    assert loaded.isdisjoint({"anywidget", "ipywidgets", "IPython", "matplotlib", "torch", "nbformat", "icalendar"})


def test_5000_events_take_less_than_a_tenth_of_a_second():
    generator, events = random.Random(0), quizzed(*IDS)
    while len(events) < 5000:
        now = START + timedelta(minutes=30 * len(events))
        kind = generator.choice(["review", "review", "place", "check"])
        details = {"rating": generator.choice(RATINGS), "outcome": "passed", "cell": "a"}
        events.append(event(kind, generator.choice(IDS) if kind == "review" else "03.softmax", now, **details))
    schedule.state(events[:1], START)  # the question bank and the exercises are read once
    schedule.state([PASSED], START)
    seconds = []
    for _ in range(3):
        schedule._remembered.cache_clear()
        began = time.process_time()
        assert len(schedule.state(events, START + 400 * DAY)) == len(IDS) + 1
        seconds.append(time.process_time() - began)
    assert min(seconds) < 0.1
