"""When a card comes back: one day, three days, a week and a month after it was made, then as FSRS says.

The state of all cards is the replay of the events up to now, a pure function of both. A card is due on a day of the
learner's calendar, from midnight on, and its days are counted there; how long ago it was answered is reckoned in UTC.
"""

import bisect
import functools
import itertools
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from fsrs import Card as Memory
from fsrs import Rating, Scheduler

from course_lib.checking import real_number, whole_number
from course_lib.classroom.practice.progress import RATINGS, Progress
from course_lib.classroom.review.cards import Card, born_by, cards
from course_lib.classroom.review.questions import load_questions

DAY = timedelta(days=1)
SCHEDULER = Scheduler(
    learning_steps=[1 * DAY, 2 * DAY, 4 * DAY, 23 * DAY], relearning_steps=[1 * DAY], enable_fuzzing=False
)
GRADES = {name: Rating(number) for number, name in enumerate(RATINGS, 1)}
ANSWERS = ("quiz", "review")  # the kinds of events that answer a card

SITTING = 12  # questions that a quiz asks at once
FEWEST_MINUTES, MOST_MINUTES = 5, 15  # of reviews a day
AHEAD = 31  # days that a plan looks ahead
EARLY = timedelta(hours=12)  # a quiz taken again counts as a review if the card was due within this
OLDEST = datetime(2020, 1, 1, tzinfo=UTC)  # no event is older than the course

TEXTS = {
    "zone": "now: expected a time with its time zone, got {now!r}",
    "rating": "rating: expected one of {known}, got {rating!r}",
    "card": "card_id: you have no card {id!r}",
    "lesson": "lesson: expected one with questions, got {lesson!r}",
}


@dataclass(frozen=True)
class Scheduled:
    """Where a card stands.

    Attributes:
        card: the `Card`.
        seen: how often it was answered, whether or not that counted.
        due: when it is due, UTC; on its day it may be answered from midnight on.
        last: when it was last answered and that counted, UTC; at first, when it was made.
        reviews: how many answers counted.
        lapses: how many of them were "again".
        memory: what FSRS knows of it.
    """

    card: Card
    seen: int
    due: datetime
    last: datetime
    reviews: int
    lapses: int
    memory: Memory = field(repr=False)


@dataclass(frozen=True)
class Portion:
    """What is to be reviewed now.

    Attributes:
        cards: `Scheduled` cards, lessons mixed, and of those about one exercise only one a day.
        waiting: how many more are due, for another day.
        minutes: how long `cards` take, about.
        done: how many reviews were done today.
    """

    cards: list[Scheduled]
    waiting: int
    minutes: int
    done: int


@dataclass(frozen=True)
class Day:
    """A day of the plan: how many cards come on it, and how many minutes they take, about."""

    date: date
    cards: int
    minutes: int


def state(events, now=None):
    """Where every card stands.

    Args:
        events: what `Progress.events()` gives, oldest first.
        now: an aware `datetime`; by default the clock's.

    Returns:
        Dict of a card's id to its `Scheduled`.
    """
    return _replay(events, _utc(now))[0]


def due(events, now=None, minutes=None):
    """Today's portion of reviews: the most overdue first chosen, then lessons mixed. What was done today counts.

    Cards about one exercise answer one another: one of them comes a day, the others on the days after.

    Args:
        events, now: as for `state`.
        minutes: what the learner has for reviews a day; less than 5 or more than 15 counts as that. By default half of
            what was set on the home page, so that half is left for what is new.

    Returns:
        A `Portion`.
    """
    now = _utc(now)
    scheduled, today = _replay(events, now)
    order = _most_overdue_first([one for one in scheduled.values() if is_due(one, now)])
    waiting, _ = _one_of_each(order, {card.about for card in today})
    minutes = _set_minutes(events) if minutes is None else real_number("minutes", minutes)
    left = 60 * min(max(minutes, FEWEST_MINUTES), MOST_MINUTES) - sum(card.seconds for card in today)
    chosen = 0
    while chosen < len(waiting) and left >= waiting[chosen].card.seconds:
        left -= waiting[chosen].card.seconds
        chosen += 1
    portion = _mixed(waiting[:chosen])
    return Portion(portion, len(order) - chosen, _minutes(portion), len(today))


def following(events, now=None):
    """The next `Day`, after today, on which a card is due; None if there is none."""
    now = _utc(now)
    later = [one for one in state(events, now).values() if not is_due(one, now)]
    if not later:
        return None
    first = min(day(one.due) for one in later)
    mine, _ = _one_of_each([one for one in later if day(one.due) == first])
    return Day(first, len(mine), _minutes(mine))


def comes_back(scheduled, now=None):
    """In how many days a card comes back, for each rating that it may get now.

    Args:
        scheduled: the `Scheduled` card.
        now: an aware `datetime`; by default the clock's.

    Returns:
        Dict of a rating to a number of days.
    """
    now = _utc(now)
    rated = {name: SCHEDULER.review_card(scheduled.memory, grade, now)[0] for name, grade in GRADES.items()}
    return {name: (day(_due(memory)) - day(now)).days for name, memory in rated.items()}


def is_due(scheduled, now):
    """Whether a card is due on the day, of the learner's calendar, of a moment."""
    return day(scheduled.due) <= day(now)


def answer(card_id, rating, seen, now=None, progress=None, **details):
    """Record one review, unless the card was answered elsewhere in the meantime. When this returns, it is in the file.

    Args:
        card_id: the card's id.
        rating: "again", "hard", "good" or "easy".
        seen: the `Scheduled.seen` of the card as it was asked.
        now: an aware `datetime`; by default the clock's.
        progress: where it is recorded; by default the learner's `Progress()`.
        **details: what else is to be kept, such as seconds.

    Returns:
        Whether it was recorded; False if the card has had another answer since it was asked.

    Raises:
        ValueError: no such rating, or no such card.
        ProgressError: the record can't be read or written; nothing was recorded.
    """
    if rating not in RATINGS:
        raise ValueError(TEXTS["rating"].format(known=", ".join(RATINGS), rating=rating))
    seen = whole_number("seen", seen, 0)
    progress = progress if progress is not None else Progress()
    if card_id not in cards(progress.events()):
        raise ValueError(TEXTS["card"].format(id=card_id))
    return progress.record_next("review", card_id, seen, counted=ANSWERS, now=_utc(now), rating=rating, **details)


def coming(events, now=None, days=AHEAD, lesson=None):
    """What comes on each of the next days, if every card is answered "good" on its day.

    Args:
        events, now: as for `state`.
        days: how many days, today being the first; on it is all that is overdue.
        lesson: "NN", only cards of this lesson.

    Returns:
        A list of `Day`, one for each day.
    """
    now = _utc(now)
    scheduled, today = _replay(events, now)
    mine = [one for one in scheduled.values() if lesson in (None, one.card.lesson)]
    return _ahead(mine, now, whole_number("days", days, 1), today)


def plan(lesson, events, now=None):
    """The days on which a lesson comes back within the next month, if every card is answered "good" on its day.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".
        events, now: as for `state`.

    Returns:
        A list of `Day`, only those on which something comes. Before the lesson's first quiz it is as if that was taken now.

    Raises:
        ValueError: no questions for this lesson.
    """
    now, bank = _utc(now), load_questions(lesson)
    number = bank[0].lesson
    if all(one.card.lesson != number for one in state(events, now).values()):
        events = [
            {"kind": "quiz", "subject": one.id, "time": now.isoformat(), "rating": "good"} for one in bank[:SITTING]
        ]
    return [one for one in coming(events, now, lesson=number) if one.cards]


def planned(events, now=None):
    """The days from today on that had cards in a plan of the last month, at whatever moment it was made.

    Args:
        events, now: as for `state`.

    Returns:
        A set of `date`.
    """
    now = _utc(now)
    moments, days = _moments(events, now), set()
    for ago in range(AHEAD):
        midnight = _midnight(day(now) - ago * DAY)
        before = events[: bisect.bisect_left(moments, midnight)]  # what is answered later that day comes up the next
        days |= {one.date for one in coming(before, midnight) if one.cards and one.date >= day(now)}
    return days


def day(moment):
    """The day of a moment in the learner's calendar."""
    return moment.astimezone().date()


def _ahead(scheduled, now, days, done):
    """The days from today on, and what comes on them. `done` are the cards done today."""
    coming, plan = defaultdict(list), []
    for one in scheduled:
        coming[max(day(one.due), day(now))].append(one)
    for number in range(days):
        on = day(now) + number * DAY
        order = sorted(coming.pop(on, []), key=lambda one: (one.due, one.card.id))
        mine, others = _one_of_each(order, {card.about for card in done} if on == day(now) else ())
        plan.append(Day(on, len(mine), _minutes(mine)))
        coming[on + DAY] += others
        begins = max(now, _midnight(on))
        for one in mine:
            moment = max(one.due, begins)
            memory, _ = SCHEDULER.review_card(one.memory, Rating.Good, moment)
            later = replace(one, memory=memory, due=_due(memory))
            coming[day(later.due)].append(later)
    return plan


def _replay(events, now):
    """(Dict of ids to `Scheduled`, the cards of the reviews done today), after all events."""
    deck, answers, today = cards(events), {}, []
    midnight = _midnight(day(now))
    for event, moment in zip(events, _moments(events, now), strict=True):
        kind = event["kind"]
        id = event["subject"] if kind in ANSWERS else born_by(event)
        if id in answers and kind in ANSWERS:
            answers[id].append((kind, event["rating"], moment))
            if kind == "review" and moment >= midnight:
                today.append(deck[id])
        elif id in deck and id not in answers and kind != "review":
            answers[id] = [(kind, None, moment)]
    seen = Counter(event["subject"] for event in events if event["kind"] in ANSWERS)
    remembered = {id: _remembered(tuple(those)) for id, those in answers.items()}
    return {id: Scheduled(deck[id], seen[id], _due(known[-1]), *known) for id, known in remembered.items()}, today


@functools.lru_cache(maxsize=4096)
def _remembered(answers):
    """(last, reviews, lapses, memory) after the answers to one card: (kind of event, rating, moment); the first made it."""
    (_, _, last), *later = answers
    memory, reviews, lapses = Memory(card_id=0, due=last + DAY, last_review=last), 0, 0
    for kind, rating, moment in later:
        if kind == "quiz" and moment < memory.due - EARLY:
            continue
        memory, _ = SCHEDULER.review_card(memory, GRADES[rating], moment)
        last, reviews, lapses = moment, reviews + 1, lapses + (rating == "again")
    return last, reviews, lapses, memory


def _due(memory):
    """When a card is due, UTC: as many days of the learner's calendar after its last answer as FSRS says, at the same hour."""
    clock = memory.last_review.astimezone().replace(tzinfo=None)
    return _moment_at(clock + (memory.due - memory.last_review))


def _midnight(date):
    """The moment, UTC, at which a day of the learner's calendar begins."""
    return _moment_at(datetime.combine(date, time()))


def _moment_at(clock):
    """The moment, UTC, at which the learner's clock shows this; where the clock jumps over it, after the jump."""
    return datetime.fromtimestamp(clock.timestamp(), UTC)  # `astimezone` would go back, over midnight maybe


def _moments(events, now):
    """When the events were, UTC: none before the one before it, none after `now`.

    They are listed as they were recorded, so times out of order are a wrong clock's: those of the fewest days. Such an
    event takes the time of the right one next to it, the one after it if its clock ran ahead.
    """
    told = [datetime.fromisoformat(event["time"]) for event in events]
    told = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in told]
    told = [min(max(moment, OLDEST), now + DAY).astimezone(UTC) for moment in told]
    runs = [list(run) for _, run in itertools.groupby(range(len(told)), key=lambda index: told[index].date())]
    right = {index for run in _in_order([told[run[0]].date() for run in runs], now.date()) for index in runs[run]}
    following = now
    for index in reversed(range(len(told))):
        told[index] = min(told[index], following)
        following = told[index] if index in right else following
    return list(itertools.accumulate(told, max))


def _in_order(dates, latest):
    """Where the most dates stand that are in order, none after the latest; of two ways to choose, the earlier dates."""
    ends, lasts, before = [], [], {}  # for each length: the earliest date that ends so many, and where it stands
    for index, told in enumerate(dates):
        if told <= latest:
            length = bisect.bisect_right(ends, told)
            before[index] = lasts[length - 1] if length else None
            ends[length : length + 1], lasts[length : length + 1] = [told], [index]
    chain, index = [], lasts[-1] if lasts else None
    while index is not None:
        chain.append(index)
        index = before[index]
    return chain


def _one_of_each(order, taken=()):
    """(The first card about each thing that is not in `taken`, all others), both in the same order."""
    first, others, known = [], [], set(taken)
    for one in order:
        (others if one.card.about in known else first).append(one)
        known.add(one.card.about)
    return first, others


def _most_overdue_first(waiting):
    """The same cards by the day on which they were due, those of one day mixed."""
    order = sorted(waiting, key=lambda one: (one.due, one.card.id))
    days = itertools.groupby(order, key=lambda one: day(one.due))
    return [one for _, those in days for one in _mixed(those)]


def _mixed(chosen):
    """The same cards, those of one lesson apart from each other as far as can be."""
    left, mixed = defaultdict(list), []
    for one in chosen:
        left[one.card.lesson].append(one)
    while left:
        others = [lesson for lesson in left if not mixed or lesson != mixed[-1].card.lesson] or list(left)
        lesson = max(others, key=lambda lesson: len(left[lesson]))
        mixed.append(left[lesson].pop(0))
        if not left[lesson]:
            del left[lesson]
    return mixed


def _set_minutes(events):
    """Half of the minutes a day that the learner has set, or the most there are."""
    values = [event["value"] for event in events if event["kind"] == "setting" and event["subject"] == "minutes"]
    known = values and isinstance(values[-1], int | float) and not isinstance(values[-1], bool)
    return min(values[-1], 2 * MOST_MINUTES) / 2 if known else MOST_MINUTES


def _minutes(scheduled):
    return math.ceil(sum(one.card.seconds for one in scheduled) / 60)


def _utc(now):
    if now is None:
        return datetime.now(UTC)
    if now.tzinfo is None:
        raise ValueError(TEXTS["zone"].format(now=now))
    return now.astimezone(UTC)
