"""All drawings of the lessons by the names of their files, and the list of them with where each belongs."""

from pathlib import Path

from tests.drawings import attention, model, use

FOLDER = Path(__file__).parents[2] / "notebooks" / "pictures"

# Lesson and cell: in or right below this cell the picture says what its words say.
PLACES = {
    "bottleneck": "01 `overview`",
    "tokens": "02 `real-why`",
    "lookup": "03 `overview`",
    "attention-step": "03 `step-8`",
    "masks": "03 `masks-picture-why`; 06 `decoder-verdict`",
    "heads": "04 `step-7`",
    "places": "05 `overview`, `step-11`",
    "block": "06 `step-6`",
    "whole-model": "06 `overview`, `step-7`; 00 or README as a map of the course",
    "teacher-forcing": "06 `step-10`; 01 `step-4`; 07 `step-2`",
    "kv-cache": "12 `step-8`; 06 `step-10`",
    "patches": "11 `step-3`",
    "fine-tuning": "10 `step-10`",
    "online-softmax": "12 `step-3`, `story-why`",
    **{f"you-are-here-{lesson}": f"{lesson} `overview`" for lesson in model.PLACES},
}

HEAD = """# Pictures of the lessons

Drawn by `python -m tests.drawings`, all by one pen; never edited by hand. In a lesson:

```markdown
![the alternative text from below](pictures/block.svg)
```

They follow the reader's scheme, light or dark, on a card of their own. Where time matters (`teacher-forcing`,
`kv-cache`, `online-softmax`) they move three times and then stand still, or stand still at once where the browser tells
pictures that its reader wants no motion.

| picture | lesson and cell | alternative text |
|---|---|---|
"""


def drawings():
    """Draw them all.

    Returns:
        dict of file name to text, with the list of them as `README.md`.
    """
    drawn = {name: draw() for page in (attention, model, use) for name, draw in page.DRAWINGS.items()}
    rows = [f"| `{name}.svg` | {PLACES[name]} | {picture.told} |\n" for name, picture in drawn.items()]
    return {f"{name}.svg": str(picture) for name, picture in drawn.items()} | {"README.md": HEAD + "".join(rows)}
