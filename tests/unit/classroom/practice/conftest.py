import pytest


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    """A workspace of this test alone."""
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"
