"""What tests/lint.py does and says where tools are missing or find something, without running any."""

import json
import re
from types import SimpleNamespace

import pytest

from tests import lint


@pytest.fixture
def tools(monkeypatch):
    """Stand-ins for all tools: sets which are installed and which find something, and notes what was run."""
    about = SimpleNamespace(installed={"ruff", "pyrefly", "biome", "tsc", "node", "npm"}, unhappy=set(), ran=[])

    def which(tool, path=None):
        return tool if tool in about.installed else None

    def run(command, cwd):
        about.ran.append(command)
        return SimpleNamespace(returncode=int(command[0] in about.unhappy))

    monkeypatch.setattr(lint.shutil, "which", which)
    monkeypatch.setattr(lint.subprocess, "run", run)
    monkeypatch.delenv("CI", raising=False)
    return about


def test_all_tools_check_and_none_changes_a_file(tools):
    assert lint.main([]) == 0
    assert [command[0] for command in tools.ran] == ["ruff", "ruff", "pyrefly", "biome", "tsc", "node"]
    assert not {"--fix", "--write"} & {word for command in tools.ran for word in command}


def test_fix_mends_what_the_tools_can_mend(tools):
    assert lint.main(["--fix"]) == 0
    assert [command[1:] for command in tools.ran if command[0] == "ruff"] == [["check", "--fix"], ["format"]]
    assert [command[-1] for command in tools.ran if command[0] == "biome"] == ["--write"]


@pytest.mark.parametrize("tool", ["ruff", "pyrefly", "biome", "tsc", "node"])
def test_one_finding_is_enough_and_the_others_still_run(tools, tool, capsys):
    tools.unhappy = {tool}
    assert lint.main([]) == 1
    assert len(tools.ran) == len(lint.CHECKS)
    assert "--fix" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ({"ruff", "pyrefly", "npm"}, "biome is not installed: run `npm ci`"),
        ({"ruff", "pyrefly"}, "biome is not installed: install Node.js"),
        ({"biome", "tsc"}, "ruff is not installed: run `"),
    ],
)
def test_what_cannot_be_had_is_skipped_with_a_sentence_but_not_in_ci(tools, installed, said, capsys, monkeypatch):
    tools.installed = installed
    assert lint.main([]) == 0
    assert f"skipped: {said}" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    assert lint.main([]) == 1
    assert f"cannot be checked: {said}" in capsys.readouterr().out


def test_nodes_tools_are_pinned_and_their_lock_names_no_host():
    wanted = json.loads((lint.ROOT / "package.json").read_text())["devDependencies"]
    packages = json.loads((lint.ROOT / "package-lock.json").read_text())["packages"]
    assert packages[""]["devDependencies"] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert packages[f"node_modules/{name}"]["version"] == version
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_the_node_that_playwright_brings_runs_tests_too(monkeypatch):
    pytest.importorskip("playwright")
    monkeypatch.setenv("PATH", "")
    assert "driver" in lint.find("node", None)
    assert lint.find("tsc", str(lint.ROOT / "nowhere")) is None
