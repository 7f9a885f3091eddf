"""Sentences on reviews that a notebook, a terminal and a page share."""

from course_lib.classroom.review import schedule

TEXTS = {
    "one waits": "1 card waits for another day.",
    "some wait": "{count} cards wait for another day.",
    "next": "Nothing is due now. Next: {cards} on {day}.",
    "no cards": "There are no cards yet: answering a lesson's quiz makes them.",
    "one card": "1 card",
    "cards": "{count} cards",
    "elsewhere": "Not counted: you answered this card in another window in the meantime.",
    "day": "{weekday}, {day} {month}",
    "tomorrow": "in 1 day",
    "days": "in {days} days",
    "months": "in {months} months",
    "rate": "How was your answer?",
    "scale": "The better it was, the later the card comes back.",
}
RATINGS = {  # name, and what it says of an answer
    "again": ("Again", "wrong, or nothing came"),
    "hard": ("Hard", "right in the main, with effort"),
    "good": ("Good", "right"),
    "easy": ("Easy", "right at once, complete"),
}


def nothing_due(events, now=None):
    """Say, to whom has done today's reviews, when there will be more.

    Args:
        events: what `Progress.events()` gives.
        now: an aware `datetime`; by default the clock's.
    """
    portion = schedule.due(events, now)
    waiting = len(portion.cards) + portion.waiting
    if waiting:
        return TEXTS["one waits"] if waiting == 1 else TEXTS["some wait"].format(count=waiting)
    following = schedule.following(events, now)
    if following is None:
        return TEXTS["no cards"]
    return TEXTS["next"].format(cards=cards_text(following.cards), day=day_text(following.date))


def cards_text(count):
    """A number of cards in words."""
    return TEXTS["one card"] if count == 1 else TEXTS["cards"].format(count=count)


def comes_back(scheduled, now=None):
    """When a card comes back, for each rating that it may get now, such as {"again": "in 1 day", …}."""
    return {rating: days_text(days) for rating, days in schedule.comes_back(scheduled, now).items()}


def days_text(days):
    """A number of days from now in words; from two months on in months."""
    if days >= 60:
        return TEXTS["months"].format(months=round(days / 30.4))
    return TEXTS["tomorrow"] if days == 1 else TEXTS["days"].format(days=days)


def day_text(day):
    """A date as it is read, such as "Monday, 30 November"."""
    return TEXTS["day"].format(weekday=f"{day:%A}", day=day.day, month=f"{day:%B}")
