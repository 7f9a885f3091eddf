import asyncio
import json
import re
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from jupyter_server.serverapp import ServerApp

from course_lib.classroom.practice.progress import Progress

TOKEN = "open-sesame"
DAMAGED = b"no database, but " * 99
BASE = "/hub/user/ada/"  # as behind a JupyterHub


@pytest.fixture(scope="package")
def lab_settings(tmp_path_factory):
    """The folder of what the learner set in JupyterLab."""
    return tmp_path_factory.mktemp("settings")


@pytest.fixture(scope="package")
def server(tmp_path_factory, lab_settings):
    """(Folder, address) of a Jupyter Server with JupyterLab and the course's pages."""
    root = tmp_path_factory.mktemp("served folder")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))
        patch.setenv("JUPYTER_TOKEN", TOKEN)
        running = Running(root, lab_settings)
    yield root, running.address
    running.stop()


class Running:
    """A Jupyter Server in a thread of this process, whose main thread may be in the loop of a browser's test."""

    def __init__(self, root, settings):
        self.loop = asyncio.new_event_loop()
        self.app = Server(
            root_dir=str(root), base_url=BASE, ip="127.0.0.1", port=0, open_browser=False, allow_root=True, log_level="ERROR",
            jpserver_extensions={"course_lib.classroom.home": True, "jupyterlab": True},
        )  # fmt: skip
        self.options = [f"--LabApp.user_settings_dir={settings}"]
        self.up = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        assert self.up.wait(60), "the server did not start"
        self.address = f"http://127.0.0.1:{self.app.port}{BASE}"

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.app.initialize(self.options, find_extensions=False)
        self.loop.call_soon(self.up.set)
        self.loop.run_forever()

    def stop(self):
        asyncio.run_coroutine_threadsafe(self.app._cleanup(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Server(ServerApp):
    def init_signal(self):
        """Signals are the main thread's."""


@pytest.fixture
def own(server, tmp_path, monkeypatch):
    """A workspace of this test alone, in the folder that the server shows."""
    folder = server[0] / tmp_path.name / "work space"
    monkeypatch.setenv("COURSE_WORKSPACE", str(folder))
    return folder


@pytest.fixture
def stranger(server, own):
    """Somebody who is not logged in."""
    with httpx.Client(base_url=server[1], timeout=30) as client:
        yield client


@pytest.fixture
def window(stranger):
    """A browser's window that is logged in."""
    assert stranger.get("course", params={"token": TOKEN}).status_code == 200
    return stranger


@pytest.fixture
def damaged(own):
    """The learner's progress file, which is no database."""
    own.mkdir(parents=True, exist_ok=True)
    path = own / "progress.sqlite3"
    path.write_bytes(DAMAGED)
    return path


def send(window, address, page="course", **fields):
    """Send a form as a page does that was opened before."""
    token = re.search(r'name="_xsrf" value="([^"]+)"', window.get(page).text)
    return window.post(address, data={"_xsrf": token[1], **fields})


def tell(window, **fields):
    """Say what JupyterLab says as a learner rests in a cell."""
    window.get("course")
    content = json.dumps(fields)  # in ASCII, which can hold half a character
    return window.post("course/api/place", content=content, headers={"X-XSRFToken": window.cookies["_xsrf"]})


def did(kind, subject, days_ago=0.0, **details):
    """Record an event of some days ago."""
    Progress().record(kind, subject, now=datetime.now(UTC) - timedelta(days=days_ago), **details)
