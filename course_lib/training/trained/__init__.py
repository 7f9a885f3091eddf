"""Translators that come with the course, trained by its own recipes.

    en-bg        English to Bulgarian, from Tatoeba's sentences (CC BY 2.0 FR)

Each is a folder beside this file as `Translator.save` writes it, its weights in half the bytes (float16);
`sizes.json` tells the data, seed, command and what it reached. To make one again:

    python -m course_lib.training.trained en-bg --core-minutes 20
"""

from pathlib import Path

from course_lib.training.recipes import TRANSLATION, Translator

FOLDER = Path(__file__).parent
# Where they differ from the recipe's. With others the command would make another translator, and other errors to read.
SETTINGS = {"en-bg": {"vocab_size": 6000, "sizes": {**TRANSLATION, "dropout": 0.1}}}
TEXTS = {"unknown": "no trained translator is called {name!r}; expected one of {names}"}


def names() -> list[str]:
    """The translators that come with the course."""
    return sorted(path.parent.name for path in FOLDER.glob("*/model.safetensors"))


def translator(name: str) -> Translator:
    """A translator that comes with the course.

    Args:
        name: see `names`.

    Returns:
        the translator, its model in eval mode and single precision.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in names():
        raise ValueError(TEXTS["unknown"].format(name=name, names=", ".join(names())))
    return Translator.load(FOLDER / name)
