"""What the documents at the front door name is there: files, links, commands; they agree on the version."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from typer.testing import CliRunner

from course_lib.classroom import cli, places
from course_lib.classroom.practice.standing import outline
from tests.unit.test_imports import FLOORS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", ".github/PULL_REQUEST_TEMPLATE.md"]
DOCUMENTS += [path.relative_to(ROOT).as_posix() for path in FORMS]

# Not in the repository: made by set-up, by git or by a learner, and in no folder of the course.
ELSEWHERE = re.compile(r"(\.venv|workspace)/.*|handed_in\.ipynb")
PATH = re.compile(r"(?<![\w./\\@<-])\.?\w[\w.-]*(?:/[\w.-]+)*/?")
SUFFIXES = (".py", ".md", ".toml", ".yml", ".lock", ".cff", ".ipynb", ".js", ".json", "/")


def code_of(text):
    """All that a document sets as code: blocks, and spans between backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M)
    return [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))]


def paths_of(text):
    """The paths that a document names in code, NN standing for a lesson."""
    words = {word for code in code_of(re.sub(r"https?://\S+", "", text)) for word in PATH.findall(code)}
    return {word.rstrip(".") for word in words if word.rstrip(".").endswith(SUFFIXES)}


def is_there(path):
    pattern = path.rstrip("/").replace("NN_name", "[0-9][0-9]_*").replace("NN", "[0-9][0-9]")
    return any(list(folder.glob(pattern)) for folder in (ROOT, ROOT / "course_lib", ROOT / "course_lib" / "classroom"))


def commands_of(text):
    """The commands of `course` that a document shows."""
    return {found for code in code_of(text) for found in re.findall(r"(?:^|/|\\)course ([a-z]+)", code, re.M)}


@pytest.fixture(params=DOCUMENTS)
def text(request):
    return (ROOT / request.param).read_text(encoding="utf-8")


def test_all_paths_named_are_there(text):
    assert {path for path in paths_of(text) if not (ELSEWHERE.fullmatch(path) or is_there(path))} == set()


def test_the_readme_names_the_lessons_as_they_name_themselves():
    rows = re.findall(r"\]\((notebooks/\S+\.ipynb)\) \| (.+?) \|", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [Path(path).stem for path, _ in rows] == places.lessons()
    assert [title for _, title in rows] == [outline(ROOT / path).title for path, _ in rows]


def test_all_links_lead_somewhere(text):
    links = re.findall(r"\]\(([^)#\s]+)|(?:src|srcset)=\"([^\"]+)\"", text)
    inside = [link for pair in links for link in pair if link and not re.match(r"https?://", link)]
    assert [link for link in inside if not (ROOT / link).exists()] == []


def test_all_commands_shown_exist(text):
    known = {one.name or one.callback.__name__ for one in cli.app.registered_commands}
    assert commands_of(text) <= known


def test_what_start_py_is_asked_for_stands_in_its_help(text):
    told = (ROOT / "start.py").read_text(encoding="utf-8").split('"""')[1]
    for asked in re.findall(r"start\.py((?: [a-z]+)?)((?: --[a-z-]+)*)", "\n".join(code_of(text))):
        assert f"start.py{asked[0]}" in told and all(option in told for option in asked[1].split()), asked


def test_paths_links_and_commands_are_found_in_a_document():
    text = """
See [the other](OTHER.md), `course build NN` and and/or https://x.org/a.py.
Run `.venv/bin/course frobnicate 03`, look at `course_lib/NN.py` (`models/`).
```
course lab       # opens notebooks/gone.ipynb, not my.name or 1.5
```
"""
    assert paths_of(text) == {"course_lib/NN.py", "models/", "notebooks/gone.ipynb"}
    assert commands_of(text) == {"build", "frobnicate", "lab"}
    assert is_there("models/") and is_there("practice/lesson_NN.py") and is_there("solutions/NN_name.ipynb")
    assert not is_there("notebooks/gone.ipynb") and not is_there("lesson_NN.py")


def test_the_architecture_names_every_room():
    named = {path.rstrip("/").removesuffix(".py") for path in paths_of((ROOT / "ARCHITECTURE.md").read_text("utf-8"))}
    assert set().union(*FLOORS) <= named


def test_one_version_everywhere():
    releases = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert releases[0] == ("Unreleased", "")
    assert releases[1] == (CITATION["version"], str(CITATION["date-released"]))
    assert CITATION["version"] == PROJECT["version"]
    assert CliRunner().invoke(cli.app, ["--version"]).stdout == PROJECT["version"] + "\n"


def test_the_citation_has_the_licence_of_the_project_s_code():
    assert CITATION["license"] == PROJECT["license"].partition(" AND ")[0]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_are_whole(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(form) == {"name", "description", "body"}
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert {field["type"] for field in form["body"]} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(field["attributes"]["label"] for field in form["body"])
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_there_is_a_form_for_each_kind_of_report():
    assert [path.stem for path in FORMS] == ["broken", "sentence", "verdict"]
    assert "course doctor" in FORMS[0].read_text(encoding="utf-8")


def test_the_container_is_set_up_as_everybody_else():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    image, _, python = container["image"].rpartition(":")
    assert image == "mcr.microsoft.com/devcontainers/python"
    assert python in SpecifierSet(PROJECT["requires-python"])
    assert container["postCreateCommand"] == "python3 start.py setup"
    assert f"--port {container['forwardPorts'][0]}" in container["postAttachCommand"]
    assert container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"].endswith(
        ".venv/bin/python"
    )
