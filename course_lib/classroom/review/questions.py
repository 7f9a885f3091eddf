"""The question bank: one TOML file a lesson under `questions/`, read and checked.

A question keeps its id for ever, since progress records refer to it. A question that goes takes its id along; one that
asks something else gets a new id.
"""

import html
import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "questions"

ID = re.compile(r"\d\d\.[a-z0-9]+(-[a-z0-9]+)*")
COVERED = re.compile(r"[TAVKP]-[a-z]+(\d+)?(-\d+)?")  # such as T-quiz-1, A-path2-1, K-qkv
KINDS = {
    "choice": {"id", "kind", "section", "prompt", "options", "covers"},
    "open": {"id", "kind", "section", "prompt", "answer", "covers"},
}
FEWEST_OPTIONS = 3
LETTERS = "ABCDEFGH"

INLINE = re.compile(
    r"\s*```\n(?P<block>.*?)\n```\s*|`(?P<code>[^`\n]+)`"
    r"|\$\$(?P<display>[^$]+)\$\$|\$(?P<formula>[^$\n]+)\$|(?P<gap>\n\s*\n)"
    r"|(?<![\w*\\])\*(?P<emphasis>(?=\S)[^*$`]+(?<=\S))\*(?![\w*])",
    re.DOTALL,
)

ERRORS = {
    "no bank": "no questions for lesson {lesson!r}; there are some for {known}",
    "not toml": "{file}: not valid TOML: {error}",
    "lesson": 'lesson: expected "{expected}", as in the file\'s name, got {got!r}',
    "no questions": "question: expected at least one [[question]]",
    "unknown": "unknown key {names}; expected {expected}",
    "id": 'id: expected "{lesson}." and words in lower case joined by hyphens, got {got!r}',
    "double": "this id is used twice",
    "kind": "kind: expected one of {expected}, got {got!r}",
    "text": "{name}: expected some text, got {got!r}",
    "covers": 'covers: expected a list of ids such as "T-quiz-1", got {got!r}',
    "options": "options: expected at least {fewest}, got {got}",
    "correct": "options: expected some that are correct and some that are not, got {got} correct of {total}",
    "flag": "correct: expected true or false, got {got!r}",
    "same": "options: two have the same text",
    "dollar": "{name}: a $ sign that has no other one on its line, so that a formula never ends",
}

STILL = {
    "answer": "Answer",
    "how": "Run the cell above to answer here and have the answers recorded.",
}


class QuestionError(ValueError):
    """A question file that can't be used; the message names the file and the question."""


@dataclass(frozen=True)
class Option:
    """One possible answer: its text, whether it is correct, and why (shown after answering)."""

    text: str
    correct: bool
    why: str


@dataclass(frozen=True)
class Question:
    """One question of the bank.

    Attributes:
        id: "NN.some-words", stable for ever.
        lesson: "NN".
        kind: "choice" (options) or "open" (a model answer; the learner rates the own one).
        section: the heading in the lesson under which the answer is found.
        prompt: text with `code`, fenced code and $LaTeX$.
        options: the options of a choice, in the order of the file.
        answer: the model answer of an open question.
        covers: ids of the questions in the course's source outlines that this one answers.
    """

    id: str
    lesson: str
    kind: str
    section: str
    prompt: str
    options: tuple = ()
    answer: str = ""
    covers: tuple = ()

    @property
    def several(self):
        """Whether more than one option is correct, so that all of them must be chosen."""
        return sum(option.correct for option in self.options) > 1

    def shuffled(self, rng):
        """The options in a random order.

        Args:
            rng: a `random.Random`.

        Returns:
            A list of `Option`.
        """
        return rng.sample(self.options, len(self.options))


def lessons_with_questions(folder=FOLDER):
    """The numbers of the lessons that have questions, such as ["00", "03"]."""
    return sorted(path.stem for path in Path(folder).glob("*.toml"))


def load_questions(lesson, folder=FOLDER):
    """The questions of a lesson, in the order in which it teaches them.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".
        folder: where the question files are.

    Returns:
        A list of `Question`.

    Raises:
        ValueError: a lesson without questions; the message names those that have some.
        QuestionError: the file is wrong; the message names the file, the question and what was expected.
    """
    number = str(lesson).partition("_")[0].zfill(2)
    known = lessons_with_questions(folder)
    if number not in known:
        raise ValueError(ERRORS["no bank"].format(lesson=lesson, known=", ".join(known)))
    return read_questions(Path(folder) / f"{number}.toml")


def read_questions(path):
    """Read and check one question file.

    Args:
        path: the file, named by its lesson: "03.toml".

    Returns:
        A list of `Question`, in the order of the file.

    Raises:
        QuestionError: as for `load_questions`.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise QuestionError(ERRORS["not toml"].format(file=path.name, error=error)) from None

    lesson, entries = path.stem, data.get("question", [])
    _expect(data.get("lesson") == lesson, path, None, "lesson", expected=lesson, got=data.get("lesson"))
    _expect_keys(data, {"lesson", "question"}, path, None)
    _expect(isinstance(entries, list) and entries, path, None, "no questions")

    questions = []
    for place, entry in enumerate(entries, 1):
        where = entry.get("id") or f"question {place}"
        question = _question(entry, lesson, path, where)
        _expect(question.id not in {one.id for one in questions}, path, where, "double")
        questions.append(question)
    return questions


def _question(entry, lesson, path, where):
    kind, id = entry.get("kind"), entry.get("id")
    well_formed = isinstance(id, str) and ID.fullmatch(id) and id.startswith(f"{lesson}.")
    _expect(well_formed, path, where, "id", lesson=lesson, got=id)
    _expect(isinstance(kind, str) and kind in KINDS, path, where, "kind", expected=" or ".join(KINDS), got=kind)
    _expect_keys(entry, KINDS[kind], path, where)
    covers = entry.get("covers", [])
    covers_well = isinstance(covers, list) and all(isinstance(one, str) and COVERED.fullmatch(one) for one in covers)
    _expect(covers_well, path, where, "covers", got=covers)

    texts = {name: _text(entry, name, path, where) for name in ("section", "prompt")}
    if kind == "open":
        answer, options = _text(entry, "answer", path, where), ()
    else:
        answer, options = "", _options(entry.get("options"), path, where)
    return Question(id=id, lesson=lesson, kind=kind, options=options, answer=answer, covers=tuple(covers), **texts)


def _options(entries, path, where):
    entries = entries if isinstance(entries, list) else []
    _expect(len(entries) >= FEWEST_OPTIONS, path, where, "options", fewest=FEWEST_OPTIONS, got=len(entries))
    options = []
    for place, entry in enumerate(entries, 1):
        here = f"{where}, option {place}"
        _expect_keys(entry, {"text", "correct", "why"}, path, here)
        _expect(isinstance(entry.get("correct"), bool), path, here, "flag", got=entry.get("correct"))
        options.append(Option(_text(entry, "text", path, here), entry["correct"], _text(entry, "why", path, here)))
    right, total = sum(option.correct for option in options), len(options)
    _expect(0 < right < total, path, where, "correct", got=right, total=total)
    _expect(len({option.text for option in options}) == total, path, where, "same")
    return tuple(options)


def _text(entry, name, path, where):
    text = entry.get(name)
    _expect(isinstance(text, str) and text.strip(), path, where, "text", name=name, got=text)
    _expect(not any("$" in piece for kind, piece in pieces(text) if kind == "text"), path, where, "dollar", name=name)
    return text.strip()


def _expect_keys(entry, expected, path, where):
    unknown = sorted(set(entry) - expected)
    names = ", ".join(map(repr, unknown))
    _expect(not unknown, path, where, "unknown", names=names, expected=", ".join(sorted(expected)))


def _expect(condition, path, where, error, **details):
    if not condition:
        place = f"{path.name}, {where}" if where else path.name
        raise QuestionError(f"{place}: {ERRORS[error].format(**details)}")


def pieces(text):
    """Take a text of the bank apart.

    Args:
        text: text with `code`, fenced code, *emphasis* and $LaTeX$.

    Yields:
        (kind, piece): the kind is "text", "code", "block", "emphasis", "formula", "display" (a formula by itself) or "gap"
        (a new paragraph).
    """
    end = 0
    for match in INLINE.finditer(text):
        if end < match.start():
            yield "text", text[end : match.start()]
        kind = str(match.lastgroup)
        yield kind, match[kind]
        end = match.end()
    if end < len(text):
        yield "text", text[end:]


HTML = {
    "text": "{}",
    "code": "<code>{}</code>",
    "block": "<pre><code>{}</code></pre>",
    "emphasis": "<em>{}</em>",
    "formula": "${}$",
    "display": "$${}$$",
    "gap": "<br><br>",
}


def to_html(text, forms=HTML):
    """A question's text as HTML: all escaped, `code`, *emphasis* and paragraphs marked up, $LaTeX$ left for the page to typeset.

    Args:
        text: text with `code`, fenced code, *emphasis* and $LaTeX$.
        forms: dict of each kind of `pieces` to what is written for it.

    Returns:
        Inline HTML: no paragraph element around it, so that it can stand in a list item or a label.
    """
    return "".join(forms[kind].format(html.escape(piece)) for kind, piece in pieces(text))


def lettered(id, options, forms=HTML):
    """The options of a choice as HTML, and its answer. Their order is random, but the same every time.

    Args:
        id: the question's.
        options: a tuple of `Option`.
        forms: as for `to_html`.

    Returns:
        (list of the options, the letters that are right and all reasons).
    """
    options = random.Random(id).sample(options, len(options))
    right = ", ".join(letter for letter, option in zip(LETTERS, options, strict=False) if option.correct)
    texts = "".join(f"<li>{to_html(option.text, forms)}</li>" for option in options)
    whys = "".join(f"<li>{to_html(option.why, forms)}</li>" for option in options)
    return f'<ol type="A">{texts}</ol>', f'<b>{right}</b><ol type="A">{whys}</ol>'


def still(questions, title):
    """All questions as static HTML, the answers folded: what is seen where no kernel runs.

    Args:
        questions: a list of `Question`.
        title: the heading.

    Returns:
        HTML without scripts or styles of its own.
    """
    items = []
    for question in questions:
        if question.kind == "open":
            listed, answer = "", to_html(question.answer)
        else:
            listed, answer = lettered(question.id, question.options)
        folded = f"<details><summary>{STILL['answer']}</summary>{answer}</details>"
        items.append(f"<li>{to_html(question.prompt)}{listed}{folded}</li>")
    return f"<b>{html.escape(title)}</b><br>{STILL['how']}<ol>{''.join(items)}</ol>"
