import re
import subprocess
import sys

import numpy as np
import pytest

from course_lib.data import docs
from course_lib.data.splits import without_near_repeats


def own_words(text):
    return " ".join(re.findall(r"\w+", text.lower()))


def test_the_text_is_large_and_split_as_it_says():
    parts = docs.text()
    total = sum(map(len, parts))
    assert total > 250_000
    assert len(parts.train) / total > 0.88
    assert len(parts.validation) / total > 0.03 and len(parts.test) / total > 0.03


def test_no_paragraph_is_repeated_nor_nearly():
    parts = [docs.paragraphs(part) for part in docs.text()]
    every = [own_words(paragraph) for part in parts for paragraph in part]
    assert len(every) == len(set(every))
    assert len(without_near_repeats(every)) == len(every)


def test_topics_stay_whole_and_nothing_else_is_lost():
    from pydoc_data.topics import topics

    sides = [set(docs.paragraphs(part)) for part in docs.text()]
    kept = set().union(*sides)
    for text in topics.values():
        own = kept.intersection(docs.paragraphs(text))
        first = {number for number, side in enumerate(sides) for paragraph in own if paragraph in side}
        homes = [side for side in sides if own & side]
        assert len(first) == len(homes)
    words = {word for text in topics.values() for word in own_words(text).split()}
    assert len({word for text in docs.text() for word in own_words(text).split()}) > 0.97 * len(words)


def test_the_vocabulary_spells_the_text():
    vocabulary = docs.vocabulary()
    sample = docs.text().validation[:2000]
    assert vocabulary.decode(vocabulary.encode(sample)) == sample
    assert len(vocabulary) < 200


def test_paragraphs_keep_their_indentation():
    assert docs.paragraphs("\n\na\n  b\n \t\n\n  c\n") == ["a\n  b", "  c"]
    assert docs.paragraphs(" \n\n") == []


def test_windows_predict_the_next_id():
    ids = np.arange(100, 160)
    batches = list(docs.windows(ids, batch_size=7, seq_len=9, num_batches=200, seed=1))
    assert len(batches) == 200
    for inputs, targets in batches:
        assert inputs.shape == targets.shape == (7, 9) and inputs.dtype == targets.dtype == np.int64
        np.testing.assert_array_equal(targets, inputs + 1)
    every = np.concatenate([inputs for inputs, _ in batches])
    assert every.min() == 100 and max(targets.max() for _, targets in batches) == 159  # both ends are reached
    again = list(docs.windows(ids, batch_size=7, seq_len=9, num_batches=200, seed=1))
    np.testing.assert_array_equal(again[5][0], batches[5][0])
    ((inputs, targets),) = docs.windows([1, 2, 3], 1, 2, 1)
    assert inputs.tolist() == [[1, 2]] and targets.tolist() == [[2, 3]]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((np.arange(5), 2, 5, 1), r"ids has shape \(5,\).*seq_len = 5"),
        ((np.zeros((5, 5), int), 2, 2, 1), r"ids has shape \(5, 5\)"),
        ((np.arange(5), 0, 2, 1), "batch_size is 0"),
        ((np.arange(5), 2, 0, 1), "seq_len is 0"),
        ((np.arange(5), 2, 2, True), "num_batches is True"),
    ],
)
def test_impossible_windows_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        docs.windows(*arguments)


def test_there_are_enough_docstrings_of_every_kind():
    parts = docs.docstrings()
    assert len(docs.LABELS) == 11
    assert len(parts.train) >= 4500 and len(parts.test) >= 500 and len(parts.validation) >= 150
    for part in (parts.train, parts.test):
        assert {one.label for one in part} == set(range(11))


def test_a_module_is_on_one_side():
    modules = [{one.module for one in part} for part in docs.docstrings()]
    assert not modules[0] & modules[1] and not modules[0] & modules[2] and not modules[1] & modules[2]


def test_no_docstring_nearly_repeats_another():
    texts = [one.text for part in docs.docstrings() for one in part]
    assert len(without_near_repeats(texts)) == len(texts)


def test_a_label_is_the_kind_of_the_module():
    for part in docs.docstrings():
        for one in part:
            top = one.module.partition(".")[0]
            assert top in docs.KINDS[docs.LABELS[one.label]].split()
            assert one.name.startswith(one.module)
    modules = [module for kind in docs.KINDS.values() for module in kind.split()]
    assert len(modules) == len(set(modules))


def test_docstrings_are_what_python_says_they_are():
    import json.decoder
    import textwrap

    every = {one.name: one for part in docs.docstrings() for one in part}
    found = every["json.decoder.JSONDecoder.raw_decode"]
    assert found.text.split() == json.decoder.JSONDecoder.raw_decode.__doc__.split()
    assert docs.LABELS[found.label] == "mail and internet data"
    assert every["textwrap.dedent"].text.split() == textwrap.dedent.__doc__.split()


def test_the_lists_are_the_callers_own():
    docs.docstrings().train.clear()
    assert docs.docstrings().train


def test_the_first_of_train_are_a_fair_sample():
    train = docs.docstrings().train
    whole = np.bincount([one.label for one in train], minlength=11) / len(train)
    first = np.bincount([one.label for one in train[:300]], minlength=11) / 300
    assert np.abs(first - whole).max() < 0.07


def test_reading_docstrings_runs_no_module_and_a_new_process_agrees():
    program = (
        "import sys; from course_lib.data import docs; before = set(sys.modules); found = docs.docstrings();"
        "print(sorted(set(sys.modules) - before)); print(ascii(found.test[:20]), len(found.train))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded, found = run.stdout.splitlines()
    assert not {"antigravity", "this", "idlelib", "turtle", "webbrowser", "asyncio", "xml"} & set(eval(loaded))
    here = docs.docstrings()
    assert found == f"{here.test[:20]!a} {len(here.train)}"
    assert run.stderr == ""


def test_names_and_nesting_are_followed(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        '"""The module of this test."""\n'
        "if True:\n    try:\n        def late():\n            '''Defined behind two conditions.'''\n"
        "    except Exception as error:\n        pass\n"
        "class Outer:\n    async def method(self):\n"
        "        r'''An asynchronous method\n\n        goes on\n          with more.\n        '''\n"
        "        def inner():\n            'short one'\n",
        encoding="utf-8",
    )
    assert list(docs._docstrings_of(path, "package.module")) == [
        ("package.module", "The module of this test."),
        ("package.module.late", "Defined behind two conditions."),
        ("package.module.Outer.method", "An asynchronous method\n\ngoes on\n  with more."),
    ]


@pytest.mark.parametrize("content", [b"def broken(:\n", b"\xff\xfe\x00", b"# coding: nonsense\n", b"x = '\\0'\0"])
def test_files_that_are_no_python_are_passed_over(tmp_path, content):
    path = tmp_path / "broken.py"
    path.write_bytes(content)
    assert list(docs._docstrings_of(path, "broken")) == []


def test_a_python_without_sources_gets_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(docs.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(RuntimeError, match="no source files of the standard library"):
        docs._docstrings.__wrapped__()


def test_a_python_without_its_reference_gets_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(RuntimeError, match="no pydoc_data.topics"):
        docs.text.__wrapped__()
