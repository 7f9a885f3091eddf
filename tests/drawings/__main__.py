"""Draw all pictures of the lessons: `python -m tests.drawings`."""

from tests.drawings.album import FOLDER, drawings

FOLDER.mkdir(exist_ok=True)
for name, text in drawings().items():
    (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
