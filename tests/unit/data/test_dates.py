import datetime
import random
import re
import subprocess
import sys

import numpy as np
import pytest
from babel.dates import format_date

from course_lib.data import date_formats, dates, invented_dates


@pytest.fixture(scope="module")
def everything():
    """Every pair of every split: split -> list of (day number, format number, hash of the text)."""
    days, forms, table = date_formats.all_days(), dates.formats(), date_formats.split_table()
    numbers = [date_formats.numbers_of(day) for day in days]
    found = {}
    for split_number, split in enumerate(date_formats.SPLITS):
        day_numbers, form_numbers = np.nonzero(table == split_number)
        pairs = zip(day_numbers.tolist(), form_numbers.tolist(), strict=True)
        hashes = np.fromiter((hash(forms[form].join(numbers[day])) for day, form in pairs), np.int64, len(day_numbers))
        found[split] = day_numbers, form_numbers, hashes
    return found


def plain(text):
    return text.replace("\u202f", " ").replace("\xa0", " ")


def test_every_format_writes_what_babel_writes():
    rng = random.Random(0)
    for form in dates.formats():
        for day in rng.sample(date_formats.all_days(), 12):
            assert form.write(day) == plain(format_date(day, form.length, locale=form.locale)), (form.name, day)


def test_the_languages_and_lengths_asked_for_are_there():
    names = {form.name for form in dates.formats()}
    assert {
        f"{locale} {length}" for locale in ("bg", "ru", "de", "fr", "en_GB") for length in date_formats.LENGTHS
    } <= names
    assert {"en_US medium", "en_US long", "en_US full"} <= names
    assert len(names) == len(dates.formats()) == len(date_formats.LOCALES) * len(date_formats.LENGTHS) - 1


def test_the_american_short_form_would_be_ambiguous():
    assert "en_US short" not in {form.name for form in dates.formats()}
    forms = {form.name: form for form in dates.formats()}
    april = datetime.date(2023, 4, 3)
    assert format_date(datetime.date(2023, 3, 4), "short", locale="en_US") == forms["es short"].write(april)


def test_the_days_are_one_hundred_years():
    days = date_formats.all_days()
    assert (days[0], days[-1], len(days)) == (date_formats.FIRST, date_formats.LAST, len(set(days)))
    assert {day.year % 100 for day in days} == set(range(100)) and len({day.year for day in days}) == 100


def test_there_are_millions_and_no_text_comes_twice_in_any_split(everything):
    hashes = np.concatenate([hashes for _, _, hashes in everything.values()])
    assert len(hashes) > 2_000_000
    assert len(np.unique(hashes)) == len(hashes)  # so none stands for two dates, and none is in two splits


def test_texts_that_are_in_no_split_stand_for_one_date_too():
    forms, owners = dates.formats(), {}
    for day in date_formats.all_days()[::17]:
        for form in forms:
            assert owners.setdefault(form.join(date_formats.numbers_of(day)), day) == day


def test_held_out_dates_are_nowhere_else(everything):
    trained = np.unique(everything["train"][0])
    for split in ("validation_dates", "held_out_dates", "validation_unseen", "unseen_formats"):
        assert not np.isin(everything[split][0], trained).any()
    assert not np.isin(everything["validation_dates"][0], everything["held_out_dates"][0]).any()
    assert not np.isin(everything["validation_unseen"][0], everything["unseen_formats"][0]).any()


def test_held_out_combinations_are_new_but_both_parts_are_known(everything):
    trained_days, trained_forms, _ = everything["train"]
    trained = trained_days * len(dates.formats()) + trained_forms
    for split in ("validation_formats", "held_out_formats"):
        days, forms, _ = everything[split]
        assert np.isin(days, trained_days).all() and np.isin(forms, trained_forms).all()
        assert not np.isin(days * len(dates.formats()) + forms, trained).any()


def test_unseen_formats_are_never_trained_on(everything):
    names = np.array([form.name for form in dates.formats()])
    assert set(names[np.unique(everything["unseen_formats"][1])]) == set(date_formats.KEPT_FOR_TEST)
    assert set(names[np.unique(everything["validation_unseen"][1])]) == set(date_formats.KEPT_FOR_VALIDATION)
    for split in ("train", "validation_dates", "held_out_dates", "validation_formats", "held_out_formats"):
        assert not {*date_formats.KEPT_FOR_TEST, *date_formats.KEPT_FOR_VALIDATION} & set(
            names[np.unique(everything[split][1])]
        )


def test_the_other_lengths_of_a_kept_format_are_trained_on():
    known = [form for form in dates.formats() if dates.num_examples(format_names=[form.name])]
    assert {form.locale for form in known} == set(date_formats.LOCALES)
    for split, names in (
        ("unseen_formats", date_formats.KEPT_FOR_TEST),
        ("validation_unseen", date_formats.KEPT_FOR_VALIDATION),
    ):
        assert all(dates.num_examples(split, format_names=[name]) > 1000 for name in names)


def test_splits_are_as_large_as_they_say(everything):
    for split, (days, _, _) in everything.items():
        assert dates.num_examples(split) == len(days)
    assert len(np.unique(everything["held_out_dates"][0])) == pytest.approx(
        0.1 * len(date_formats.all_days()), rel=0.05
    )
    known = sum(len(everything[split][0]) for split in ("train", "validation_formats", "held_out_formats"))
    assert len(everything["held_out_formats"][0]) == pytest.approx(0.1 * known, rel=0.02)
    assert len(everything["validation_formats"][0]) == pytest.approx(0.05 * known, rel=0.02)


def test_training_shows_every_character_that_a_test_needs():
    seen = set("".join(written for written, _ in dates.examples(60_000)))
    for split in date_formats.SPLITS[1:]:
        assert set("".join(written for written, _ in dates.examples(5_000, split=split))) <= seen


def test_a_seed_gives_the_same_distinct_pairs():
    pairs = dates.examples(2000, seed=5)
    assert pairs == dates.examples(2000, seed=5)
    assert len(set(pairs)) == 2000
    assert len(set(pairs) & set(dates.examples(2000, seed=6))) < 20


def test_a_new_process_draws_the_same():
    program = "from course_lib.data import dates; print(ascii(dates.examples(200, seed=5)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ascii(dates.examples(200, seed=5))


def test_one_format_can_be_looked_at():
    pairs = dates.examples(50, split="unseen_formats", format_names=["hr full"])
    (form,) = [form for form in dates.formats() if form.name == "hr full"]
    assert all(form.write(datetime.date.fromisoformat(iso)) == written for written, iso in pairs)
    total = sum(dates.num_examples("unseen_formats", format_names=[name]) for name in date_formats.KEPT_FOR_TEST)
    assert total == dates.num_examples("unseen_formats")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: dates.examples(1, split="test"), "split is 'test'; expected one of 'train'"),
        (lambda: dates.examples(-1), "count is -1"),
        (lambda: dates.examples(2.5), "count is 2.5"),
        (lambda: dates.examples(10**9), "1,000,000,000 examples of train were asked for"),
        (lambda: dates.examples(1, format_names=["en_US short"]), "no format 'en_US short'"),
        (lambda: dates.batches(0, 1), "batch_size is 0"),
        (lambda: dates.formats()[0].write(datetime.date(1949, 12, 31)), "outside the years 1950 to 2049"),
        (lambda: dates.invented(-3), "count is -3"),
        (lambda: dates.encode([]), "pairs is empty"),
        (lambda: dates.encode([("7 三月", "2023-03-07")]), "三"),
    ],
)
def test_what_cannot_be_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_batches_hold_the_pairs_as_ids():
    vocabulary = dates.vocabulary()
    batches = list(dates.batches(32, 5, seed=3, split="held_out_dates"))
    pairs = []
    for source, target in batches:
        assert source.dtype == target.dtype == np.int64
        assert len(source) == 32 and target.shape == (32, 12)
        assert (target[:, 0] == vocabulary.start_id).all() and (target[:, -1] == vocabulary.end_id).all()
        assert (source[:, -1] != vocabulary.pad_id).any()  # as long as its longest, no longer
        pairs += [(vocabulary.decode(row), vocabulary.decode(goal)) for row, goal in zip(source, target, strict=True)]
    assert pairs == dates.examples(160, seed=3, split="held_out_dates")
    assert list(dates.batches(4, 0)) == []


def test_invented_formats_are_nobodys(everything):
    pairs = dates.invented(20_000, seed=3)
    every = np.concatenate([hashes for _, _, hashes in everything.values()])
    assert not np.isin(np.array([hash(written) for written, _ in pairs]), every).any()
    for written, iso in pairs[:500]:
        day = datetime.date.fromisoformat(iso)
        assert written not in {form.write(day) for form in dates.formats()}
    days = {day.isoformat(): number for number, day in enumerate(date_formats.all_days())}
    assert np.isin([days[iso] for _, iso in pairs], everything["train"][0]).all()  # so no held-out date


def test_invented_texts_have_one_meaning():
    meaning = {}
    for written, iso in dates.invented(30_000, seed=4) + dates.examples(60_000, seed=4):
        assert meaning.setdefault(written, iso) == iso
    names = {name for own in invented_dates._name_tables()[0] for name in own}
    assert names.isdisjoint({"lis", "listopada"}) and {"October", "октября", "lokakuuta"} <= names


def test_invented_texts_vary_and_are_the_same_from_a_seed():
    pairs = dates.invented(2000, seed=7)
    assert pairs == dates.invented(2000, seed=7) != dates.invented(2000, seed=8)
    assert len(set(pairs)) > 1990
    seen = {re.sub(r"\w+", lambda word: "9" if word[0].isdigit() else "x", written) for written, _ in pairs}
    assert {"9-9-9", "9 9 9", "9 x 9", "9. x 9", "x, 9. x 9."} <= seen
    names = {name for own in invented_dates._name_tables()[0] for name in own}
    words = {word for written, _ in pairs for word in re.findall(r"[^\W\d]{3,}", written)}
    assert len([word for word in words if word not in names and any(name.startswith(word) for name in names)]) > 30
    dates.encode(pairs)  # knows every character


def test_batches_mix_invented_pairs_in():
    batches = list(dates.batches(20, 3, seed=2, invented_share=0.25))
    vocabulary = dates.vocabulary()
    written = [vocabulary.decode(row) for source, _ in batches for row in source]
    real, made_up = dates.examples(45, seed=2), dates.invented(15, seed=2)
    assert written == [
        text
        for number in range(3)
        for text, _ in real[15 * number : 15 * (number + 1)] + made_up[5 * number : 5 * (number + 1)]
    ]
    for arguments in ({"invented_share": 1.5}, {"invented_share": 0.5, "split": "held_out_dates"}):
        with pytest.raises(ValueError, match="invented_share is"):
            dates.batches(4, 1, **arguments)


def test_typed_dates_are_tidied():
    assert dates.tidy("  7\u202fмарт\xa0 2023 г. ") == "7 март 2023 г."
    assert dates.tidy("7. Ma\u0308rz 2023") == "7. März 2023"
    source, _ = dates.encode([("7\u202fmarch", "2023-03-07")])
    assert dates.vocabulary().decode(source[0]) == "7 march"
