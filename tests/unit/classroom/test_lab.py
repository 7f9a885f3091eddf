"""JupyterLab as the course starts it."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from unittest import mock

import pytest
from nbformat.v4 import new_notebook

from course_lib.classroom import lab
from course_lib.classroom.lab import prompt as lab_prompt
from course_lib.classroom.lab.__main__ import main
from course_lib.classroom.notebooks import dumps

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder that looks like the course, with a first notebook and the learner's folder in it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / lab.FIRST).write_text(dumps(new_notebook()))
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.delenv("COURSE_WORKSPACE", raising=False)
    return tmp_path


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def opened(words):
    """The page that JupyterLab opens, and the folder that it shows."""
    options = dict(word.lstrip("-").split("=", 1) for word in words if "=" in word)
    return options.get("LabApp.default_url"), options["ServerApp.root_dir"]


def test_command_opens_a_notebook_and_any_free_port(course):
    words, environment = lab.command(notebook=lab.first_notebook())
    assert words[:4] == [sys.executable, "-P", "-m", "course_lib.classroom.lab.server"]
    assert opened(words) == ("/lab/tree/workspace/lessons/00_start_here.ipynb", str(course))
    assert "--no-browser" not in words and not any("ServerApp.port" in word for word in words)
    assert "--LanguageServerManager.autodetect=False" in words  # .venv holds one, for those who write the course
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_the_learners_own_notebooks_are_opened_and_the_courses_stay_as_they_are(course):
    before = (course / "notebooks" / lab.FIRST).read_bytes()
    own = lab.first_notebook()
    assert own == course / "workspace" / "lessons" / lab.FIRST
    own.write_text(mine := own.read_text().replace("[]", "[ ]"))
    assert lab.first_notebook().read_text() == mine
    assert (course / "notebooks" / lab.FIRST).read_bytes() == before


def test_a_workspace_elsewhere_is_what_jupyterlab_shows(course, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("my %work")
    monkeypatch.setenv("COURSE_WORKSPACE", str(elsewhere))
    assert opened(lab.command(notebook=lab.first_notebook())[0]) == (f"/lab/tree/lessons/{lab.FIRST}", str(elsewhere))
    inside = course / "my %work"
    monkeypatch.setenv("COURSE_WORKSPACE", str(inside))
    page, root = opened(lab.command(notebook=lab.first_notebook())[0])
    assert (page, root) == (f"/lab/tree/my%20%25work/lessons/{lab.FIRST}", str(course))


def test_without_a_place_for_copies_the_courses_own_notebooks_are_opened(course, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "file"))
    page, root = opened(lab.command(notebook=lab.first_notebook())[0])
    assert (page, root) == (f"/lab/tree/notebooks/{lab.FIRST}", str(course))
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "COURSE_WORKSPACE" in told


def test_what_stands_in_the_way_is_said_before_it_starts(course, capsys):
    own = lab.first_notebook()
    assert capsys.readouterr().err == ""
    own.write_text("")
    (own.parent / "numpy.py").write_text("")
    assert lab.first_notebook() == own
    told = capsys.readouterr().err
    assert f"{own.parent / 'numpy.py'} has the name of the package numpy" in told
    assert f"{own} is not a notebook: it is empty" in told and "`course lesson 00 --fresh`" in told


def test_command_for_a_remote_computer(course):
    words, _ = lab.command(port=8899, browser=False, extra=["--ip=0.0.0.0"])
    assert "--ServerApp.port=8899" in words and "--ServerApp.port_retries=0" in words and "--no-browser" in words
    assert not any("default_url" in word for word in words)
    assert words[-1] == "--ip=0.0.0.0"


def test_extra_options_win_and_none_comes_twice(course):
    words, _ = lab.command(extra=["--ServerApp.root_dir=/elsewhere"])
    assert [word for word in words if "root_dir" in word] == ["--ServerApp.root_dir=/elsewhere"]


def test_a_notebook_that_is_not_there_is_not_opened(course):
    assert not any("default_url" in word for word in lab.command(notebook=course / "notebooks" / "99_missing.ipynb")[0])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no root")
@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_is_allowed_only_for_root(course, monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert ("--allow-root" in lab.command()[0]) == allowed


def test_a_taken_port_is_refused_in_one_sentence(course, taken_port, capsys):
    with pytest.raises(lab.PortTaken, match=f"port {taken_port} is taken"):
        lab.launch(port=taken_port)
    assert main(["--no-browser", "--port", str(taken_port)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_lost_course_folder_is_told_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    assert main(["--no-browser"]) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_options_after_two_dashes_go_on(monkeypatch):
    with mock.patch("course_lib.classroom.lab.__main__.launch", return_value=0) as launch:
        assert main(["--port", "8899", "--", "--port-of-jupyter", "--debug"]) == 0
    launch.assert_called_once_with(8899, True, extra=["--port-of-jupyter", "--debug"])


def test_starting_needs_nothing_heavy():
    code = "import sys, course_lib.classroom.lab; print({'jupyterlab', 'torch', 'numpy', 'typer'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


class Connection:
    """Stands in for the server's class of connections."""

    def connect(self):
        return "connected"


class Server:
    """What an extension is given: a server with its settings."""

    def __init__(self, **settings):
        self.web_app = mock.Mock(settings=settings)
        self.log = mock.Mock()


def test_the_extension_makes_the_servers_own_connection_prompt():
    server = Server(kernel_websocket_connection_class=Connection)
    lab_prompt._load_jupyter_server_extension(server)
    made = server.web_app.settings["kernel_websocket_connection_class"]
    assert issubclass(made, Connection)
    connection = made()
    connection.websocket_handler = mock.Mock()
    assert connection.connect() == "connected"
    connection.websocket_handler.set_nodelay.assert_called_once_with(True)
    server.log.warning.assert_not_called()


def test_the_extension_harms_no_server_that_works_otherwise():
    assert lab_prompt.prompt(Connection)().connect() == "connected"  # without a socket where it used to be
    for settings in ({}, {"kernel_websocket_connection_class": None}, {"kernel_websocket_connection_class": object}):
        server = Server(**settings)
        lab_prompt._load_jupyter_server_extension(server)
        assert server.web_app.settings == settings
        server.log.warning.assert_called_once()


def test_a_stock_jupyter_server_takes_the_extension(tmp_path, monkeypatch):
    from jupyter_server.serverapp import ServerApp

    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    server = ServerApp()
    server.initialize(
        [f"--ServerApp.root_dir={tmp_path}", "--ServerApp.jpserver_extensions=course_lib.classroom.lab.prompt=True", "--allow-root"],
        find_extensions=False, new_httpserver=False,
    )  # fmt: skip
    made = server.web_app.settings["kernel_websocket_connection_class"]
    assert made.__qualname__ == "PromptZMQChannelsWebsocketConnection"


def test_a_real_start_asks_nobody_outside_and_ends_cleanly(course):
    port = free_port()
    extra = ["--IdentityProvider.token=", "--Application.log_level=INFO"]
    words, environment = lab.command(port, browser=False, notebook=lab.first_notebook(), extra=extra)
    # A shell's background job ignores Ctrl-C, and so would the server that its tests start.
    heed = None if os.name == "nt" else functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    server = subprocess.Popen(words, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    try:
        settings = ask(f"http://127.0.0.1:{port}/lab/api/settings/@jupyterlab/apputils-extension:notification", server)
        page = ask(f"http://127.0.0.1:{port}/", server)
        server.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)
        log = server.communicate(timeout=60)[1]
    finally:
        server.kill()
    assert "course_lib.classroom.lab.extensions | extension was successfully loaded" in log
    assert "yarn" not in log  # which Node would run by the rules of our own package.json, and fail at length
    properties = json.loads(settings)["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False
    assert "00_start_here.ipynb" in page
    assert os.name == "nt" or server.returncode == 0


def ask(address, server):
    """The page at an address, as soon as the server is up."""
    for _ in range(600):
        try:
            return urllib.request.urlopen(address, timeout=30).read().decode()
        except OSError:
            assert server.poll() is None, server.stderr.read()
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {address}")
