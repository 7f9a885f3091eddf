"""What the home page shows: where the learner stands, the reviews that are due, and the copies that they have."""

import random
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from course_lib.classroom import places
from course_lib.classroom.copies import Copy, own_copy
from course_lib.classroom.home import backup
from course_lib.classroom.practice.progress import Progress
from course_lib.classroom.practice.standing import Standing, stand
from course_lib.classroom.review import schedule

MOST_NAMES = 3  # of functions in one sentence
TEXTS = {"last time": "Last time you built {names}.", "and": "{some} and {last}", "more": "{count} more"}


@dataclass(frozen=True)
class Today:
    """What the home page shows.

    Attributes:
        standing: the `Standing`.
        reviews: today's `Portion`.
        following: the next `Day` with reviews, where none is due now; None where there are no cards at all.
        copies: (kind, number of a lesson) -> the learner's `Copy`, for those that exist.
        progress: "" or a sentence on why the progress is not known.
    """

    standing: Standing
    reviews: schedule.Portion
    following: schedule.Day | None
    copies: dict[tuple[str, str], Copy]
    progress: str = ""

    @property
    def last_time(self):
        """ "" or a sentence on what the learner built last time, in the mark-up of the question bank."""
        names = [f"`{task.name}`" for task in self.standing.built_last]
        if not names:
            return ""
        if len(names) > MOST_NAMES:
            names[MOST_NAMES:] = [TEXTS["more"].format(count=len(names) - MOST_NAMES)]
        *some, last = names
        return TEXTS["last time"].format(names=TEXTS["and"].format(some=", ".join(some), last=last) if some else last)


def today(now=None):
    """Read the progress and compute what the home page shows.

    Args:
        now: a datetime with a time zone; by default this computer's.

    Returns:
        A `Today`.
    """
    now = now or datetime.now().astimezone()
    events, problem = Progress().known()
    standing = stand(events, now)
    reviews = schedule.due(events, now, standing.minutes)
    following = None if reviews.cards else schedule.following(events, now)
    copies = {
        (kind, lesson.number): copy
        for lesson in standing.lessons
        for kind in places.OWN
        if (copy := existing_copy(kind, lesson.name)) is not None
    }
    return Today(standing, reviews, following, copies, problem)


def existing_copy(kind, lesson):
    """What there is to say of the learner's copy of a notebook; None if there is none."""
    own, original = places.own_path(kind, lesson), places.lesson_path(kind, lesson)
    try:
        seen = [(path.stat().st_mtime_ns, path.stat().st_size) for path in (own, original)]
    except OSError:
        return None
    return _copy(kind, lesson, own, *seen)


@lru_cache(maxsize=128)
def _copy(kind, lesson, path, _own, _original):
    try:
        with backup.putting:
            return own_copy(kind, lesson)
    except (ValueError, OSError) as error:
        return Copy(path, problem=str(error))


def asked(scheduled):
    """The options of a card in a new order, which stays the same until it is answered."""
    return random.Random(f"{scheduled.card.id} {scheduled.seen}").sample(
        scheduled.card.options, len(scheduled.card.options)
    )
