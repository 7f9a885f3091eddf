"""The question bank: the shipped files hold up, and a wrong file is refused with an error that says where."""

import json
import re
from fractions import Fraction

import numpy as np
import pytest

from course_lib.attention import causal_mask, scaled_dot_product_attention, softmax
from course_lib.classroom.places import course_root
from course_lib.classroom.review.questions import (
    QuestionError,
    lessons_with_questions,
    load_questions,
    read_questions,
    still,
    to_html,
)

BANK = [question for lesson in lessons_with_questions() for question in load_questions(lesson)]
CHOICES = [question for question in BANK if question.kind == "choice"]

# Every question of the source outlines that lesson 03 has to answer: quizzes, and those asked along the learning path.
COVERED_BY_03 = {
    *("T-quiz-1", "T-quiz-5", "T-quiz-7", "T-path1-1", "T-path1-2"),
    *("A-quiz-1", "A-quiz-2", "A-quiz-3", "A-quiz-5", "A-quiz-7"),
    *("A-path1-1", "A-path1-2", "A-path2-1", "A-path2-2", "A-path3-1"),
    *("V-quiz-1", "V-quiz-2", "V-quiz-3", "V-quiz-4", "V-path2-1", "V-path3-1", "V-path3-2"),
    *("K-qkv", "K-open"),
}


def size(text):
    """About how long a text looks: LaTeX commands and signs take no room."""
    return len(re.sub(r"\\[a-z]+|[${}`\\]", "", text))


class TestShippedBank:
    def test_lesson_03_is_large_enough(self):
        questions = load_questions("03")
        assert len(questions) >= 14
        assert sum(question.kind == "open" for question in questions) >= 4

    def test_lesson_03_answers_the_outlines(self):
        assert {covered for question in load_questions("03") for covered in question.covers} >= COVERED_BY_03

    def test_ids_are_unique_over_all_lessons(self):
        ids = [question.id for question in BANK]
        assert len(set(ids)) == len(ids)

    @pytest.mark.parametrize("question", CHOICES, ids=lambda question: question.id)
    def test_no_option_stands_out_by_its_length(self, question):
        sizes = [size(option.text) for option in question.options]
        assert max(sizes) <= 1.4 * min(sizes) + 6

    def test_the_correct_option_is_rarely_the_longest_or_shortest(self):
        longest = shortest = 0
        for question in CHOICES:
            right = max(size(option.text) for option in question.options if option.correct)
            wrong = [size(option.text) for option in question.options if not option.correct]
            longest += right > max(wrong)
            shortest += right < min(wrong)
        assert longest <= 0.4 * len(CHOICES)
        assert shortest <= 0.4 * len(CHOICES)

    @pytest.mark.parametrize("question", CHOICES, ids=lambda question: question.id)
    def test_options_can_be_shuffled(self, question):
        """No option speaks of another by its place."""
        texts = " ".join(option.text for option in question.options)
        assert not re.search(r"\b(above|below|all of th|none of the)", texts)

    def test_a_lesson_can_be_named_in_three_ways(self):
        assert load_questions("03") == load_questions(3) == load_questions("03_self_attention_by_hand")

    @pytest.mark.parametrize("lesson", lessons_with_questions())
    def test_each_question_names_a_heading_of_its_lesson(self, lesson):
        (path,) = (course_root() / "notebooks").glob(f"{lesson}_*.ipynb")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        headings = {match[1].strip() for match in re.finditer(r"^#+ (.*)$", text, re.MULTILINE)}
        assert {question.section for question in load_questions(lesson)} <= headings

    def test_an_unknown_lesson_names_those_there_are(self):
        with pytest.raises(ValueError, match=r"no questions for lesson '42'; there are some for .*03"):
            load_questions("42")


class TestNumbersInTheBank:
    """What the questions of lesson 03 claim, computed."""

    def correct(self, id):
        (question,) = [question for question in load_questions("03") if question.id == id]
        (option,) = [option for option in question.options if option.correct]
        return option.text

    def test_by_hand(self):
        values = np.array([[4.0, 0], [0, 4], [0, 0]])
        context = softmax(np.array([np.log(2), 0, 0])) @ values
        assert self.correct("03.by-hand") == f"$({context[0]:.0f}, {context[1]:.0f})$"
        assert np.allclose(context, [2, 1])
        assert np.allclose(values.mean(axis=0), [float(Fraction(4, 3))] * 2)

    def test_spread_of_dot_products(self):
        rng = np.random.default_rng(0)
        dots = (rng.normal(size=(4000, 1024)) * rng.normal(size=(4000, 1024))).sum(axis=1)
        assert abs(dots.std() / float(self.correct("03.scale-spread").strip("$")) - 1) < 0.05

    def test_unscaled_scores_saturate(self):
        rng = np.random.default_rng(0)
        queries, keys = rng.normal(size=(200, 1024)), rng.normal(size=(16, 1024))
        assert softmax(queries @ keys.T).max(axis=-1).mean() > 0.9
        assert softmax(queries @ keys.T / 32).max(axis=-1).mean() < 0.35

    def test_overflow(self):
        with np.errstate(all="ignore"):
            scores = np.array([1000.0, 1000.0])
            assert np.isnan(np.exp(scores) / np.exp(scores).sum()).all()
        assert np.isfinite(np.exp(709.7)) and np.isclose(np.log(np.finfo(float).max), 709.78, atol=0.01)

    def test_cannot_refuse(self):
        assert np.allclose(softmax(np.array([-50.0, -50, -51])), [0.42, 0.42, 0.16], atol=0.005)

    def test_fully_masked_row(self):
        scores = np.full((1, 3), -np.inf)
        with np.errstate(invalid="ignore"):
            plain = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        assert np.isnan(plain).all()
        assert (softmax(np.zeros((1, 3)), mask=np.zeros((1, 3), dtype=bool)) == 0).all()
        assert np.allclose(softmax(np.full(3, -1e9)), 1 / 3)

    def test_permutation_orthogonality_and_diagonal(self):
        rng = np.random.default_rng(0)
        x, order = rng.normal(size=(6, 4)), np.array([3, 1, 5, 0, 2, 4])
        context, _ = scaled_dot_product_attention(x, x, x)
        shuffled, _ = scaled_dot_product_attention(x[order], x[order], x[order])
        assert np.allclose(shuffled, context[order])

        keys = np.array([[0.0, 1], [0, -3], [0, 2]])
        values = rng.normal(size=(3, 2))
        context, _ = scaled_dot_product_attention(np.array([[5.0, 0]]), keys, values)
        assert np.allclose(context, values.mean(axis=0))

        rows = rng.normal(size=(500, 6, 16))
        _, weights = scaled_dot_product_attention(rows, rows, rows)
        assert (weights.argmax(axis=-1) == np.arange(6)).mean() > 0.9

    def test_code_from_memory_runs(self):
        (question,) = [question for question in load_questions("03") if question.id == "03.from-memory"]
        code = re.search(r"```\n(.*?)\n```", question.answer, re.DOTALL)[1]
        rng = np.random.default_rng(0)
        names = {"np": np, "queries": rng.normal(size=(2, 4, 3)), "keys": rng.normal(size=(2, 4, 3))}
        names |= {"values": rng.normal(size=(2, 4, 5)), "mask": causal_mask(4)}
        exec(code, names)
        inputs = [names[name] for name in ("queries", "keys", "values", "mask")]
        context, weights = scaled_dot_product_attention(*inputs)
        assert np.allclose(names["context"], context) and np.allclose(names["weights"], weights)


GOOD = """
lesson = "07"
[[question]]
id = "07.first"
kind = "choice"
section = "Recap"
covers = ["T-quiz-1"]
prompt = "Which?"
options = [
    {text = "this", correct = true, why = "yes"},
    {text = "that", correct = false, why = "no"},
    {text = "none", correct = false, why = "no"},
]
[[question]]
id = "07.second"
kind = "open"
section = "Recap"
prompt = "Why?"
answer = "Because."
"""


def read(folder, text):
    path = folder / "07.toml"
    path.write_text(text, encoding="utf-8")
    return read_questions(path)


def test_a_good_file(tmp_path):
    first, second = read(tmp_path, GOOD)
    assert (first.id, first.kind, first.covers, len(first.options)) == ("07.first", "choice", ("T-quiz-1",), 3)
    assert (second.lesson, second.kind, second.answer) == ("07", "open", "Because.")
    assert not first.several


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('lesson = "07"', "lesson = ", r"07\.toml: not valid TOML"),
        ('lesson = "07"', 'lesson = "08"', r'07\.toml: lesson: expected "07"'),
        ('id = "07.second"', 'id = "07.first"', r"07\.toml, 07\.first: this id is used twice"),
        ('id = "07.second"', 'id = "03.second"', r'07\.toml, 03\.second: id: expected "07\."'),
        ('id = "07.second"', 'id = "07.Second one"', r"id: expected"),
        ('id = "07.second"\n', "", r"07\.toml, question 2: id: expected"),
        ('kind = "open"', 'kind = "essay"', r"07\.second: kind: expected one of choice or open, got 'essay'"),
        ('answer = "Because."', "", r"07\.second: answer: expected some text"),
        ('answer = "Because."', 'answer = " "', r"07\.second: answer: expected some text"),
        ('answer = "Because."', 'anser = "Because."', r"07\.second: unknown key 'anser'"),
        ('prompt = "Which?"', "", r"07\.first: prompt: expected some text"),
        ('prompt = "Which?"', 'prompt = "Which $x?"', r"07\.first: prompt: a \$ sign that has no other"),
        ('why = "yes"', 'why = ""', r"07\.first, option 1: why: expected some text"),
        (', why = "yes"', "", r"07\.first, option 1: why: expected some text"),
        ("correct = true", "correct = false", r"07\.first: options: .* got 0 correct of 3"),
        ("correct = false", "correct = true", r"07\.first: options: .* got 3 correct of 3"),
        ("correct = true", 'correct = "yes"', r"07\.first, option 1: correct: expected true or false"),
        ('"that"', '"this"', r"07\.first: options: two have the same text"),
        ('{text = "none", correct = false, why = "no"},', "", r"07\.first: options: expected at least 3, got 2"),
        ('["T-quiz-1"]', '["quiz one"]', r"07\.first: covers: expected a list of ids"),
        ('covers = ["T-quiz-1"]', 'covers = "T-quiz-1"', r"07\.first: covers: expected a list of ids"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(QuestionError, match=message):
        read(tmp_path, GOOD.replace(old, new))


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(QuestionError, match=r"07\.toml: question: expected at least one"):
        read(tmp_path, 'lesson = "07"')


def test_several_correct_options(tmp_path):
    first, _ = read(tmp_path, GOOD.replace("correct = false", "correct = true", 1))
    assert first.several


class TestHtml:
    def test_everything_is_escaped_and_latex_kept(self):
        shown = to_html("<script>alert(1)</script> $a < b$ and `x<y`")
        assert shown == "&lt;script&gt;alert(1)&lt;/script&gt; $a &lt; b$ and <code>x&lt;y</code>"

    def test_blocks_and_paragraphs(self):
        assert to_html("one\n```\na < b\n\nc\n```\ntwo\n\nthree") == (
            "one<pre><code>a &lt; b\n\nc</code></pre>two<br><br>three"
        )

    def test_emphasis(self):
        assert (
            to_html("a slice of the *embeddings*, *all of <it>*")
            == "a slice of the <em>embeddings</em>, <em>all of &lt;it&gt;</em>"
        )
        for plain in ("2 * 3 * 4", "$x^*$ and $y^*$", "reshape(*x.shape, *more)", "a*b*c", "**kwargs, **others"):
            assert to_html(plain) == plain
        assert to_html("`x.reshape(*a, *b)`") == "<code>x.reshape(*a, *b)</code>"

    def test_the_still_is_the_same_every_time_and_folds_the_answers(self):
        questions = load_questions("03")
        shown = still(questions, "A & B")
        assert shown == still(questions, "A & B")
        assert "A &amp; B" in shown
        assert shown.count("<details>") == len(questions)
        for question in questions:
            assert to_html(question.prompt) in shown
        assert "<script" not in shown and "<style" not in shown

    def test_the_still_does_not_always_put_the_correct_option_first(self):
        shown = still(load_questions("03"), "Quiz")
        letters = re.findall(r"</summary><b>([A-D])</b>", shown)
        assert len(letters) == sum(question.kind == "choice" for question in load_questions("03"))
        assert len(set(letters)) == 4
