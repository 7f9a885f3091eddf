import pytest
from nbformat.v4 import new_notebook

from course_lib.classroom import notebooks


@pytest.fixture
def course(tmp_path, monkeypatch):
    """An empty course and a way to put notebooks into it."""

    class Course:
        root = tmp_path / "course"
        workspace = tmp_path / "workspace"

        def put(self, path, *cells):
            file = self.root / path
            file.write_text(notebooks.dumps(new_notebook(cells=list(cells))), encoding="utf-8")
            return file

        def read(self, path):
            return notebooks.read(self.root / path)

        def state(self):
            files = [file for file in self.root.rglob("*") if file.is_file()]
            return {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}

    for kind in ("notebooks", "solutions"):
        (Course.root / kind).mkdir(parents=True)
    monkeypatch.setenv("COURSE_HOME", str(Course.root))
    monkeypatch.setenv("COURSE_WORKSPACE", str(Course.workspace))
    return Course()
