import pytest


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    """A workspace of this test alone."""
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


@pytest.fixture
def shown(monkeypatch):
    """As in an open notebook: what buttons show, a list of (Buttons, the panel beside, what took their place later)."""
    from course_lib.classroom.practice import page, show
    from course_lib.classroom.practice.buttons import Buttons

    class Handle(list):
        def update(self, bundle, raw):
            self.append(bundle)

    found = []

    def keep(self, still):
        found.append((self, still, Handle()))
        return found[-1][2]

    monkeypatch.setattr(Buttons, "show", keep)
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.setattr(show, "display", lambda thing: found.append((None, thing, None)))
    monkeypatch.setattr(page, "is_open", lambda: True)
    return found


@pytest.fixture
def press():
    """Press a button, or send a form, as the page does."""
    return lambda buttons, name, text="": buttons._heard(buttons, {"press": name, "text": text}, [])
