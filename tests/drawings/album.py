"""All drawings of the lessons by the names of their files."""

from pathlib import Path

from tests.drawings import attention, model, use

FOLDER = Path(__file__).parents[2] / "notebooks" / "pictures"


def drawings():
    """Draw them all.

    Returns:
        dict of file name to text.
    """
    return {f"{name}.svg": str(draw()) for page in (attention, model, use) for name, draw in page.DRAWINGS.items()}
