"""A real JupyterLab in a real browser, for tests and benchmarks.

`Lab` serves a copy of the course's notebooks; `LabNotebook` is one notebook open in one page, with what a person would do:
run all, type into a cell, look at the outputs. Everything wrong that nobody would see is collected in `problems`: errors on
the page or in its console, and every request that would leave the machine.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import nbformat

from course_lib.classroom.lab import command
from course_lib.classroom.notebooks import METADATA, dumps

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_ARGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
OWN_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
OUTSIDE = "request outside the machine: "
START_SECONDS = 60
WAIT_MS = 30_000
SETTLED_MS = 90_000  # for what JupyterLab promises
ALL_CELLS_MS = 400_000
# The course's plugin may scroll at the same time; of two who ask JupyterLab, one is refused or waits for ever.
SCROLL = """async (index) => {
  const late = (settle) => setTimeout(settle, 1000, false);
  const scroll = () => window.jupyterapp.shell.currentWidget.content.scrollToItem(index, "center");
  while (!(await Promise.race([scroll().then(() => true, () => false), new Promise(late)])));
}"""
# Playwright's evaluate waits for ever for a promise that never settles, as those of a kernel that went away.
SETTLED = """async ([source, argument, ms]) => {
  const late = (_, fail) => setTimeout(() => {
    const asked = document.querySelector(".jp-Dialog")?.innerText ?? "";
    fail(new Error(`not settled after ${ms / 1000} s: ${source} ${JSON.stringify(argument)} ${asked}`));
  }, ms);
  return Promise.race([(0, eval)(`(${source})`)(argument), new Promise(late)]);
}"""

# Idle in the indicator comes before the kernel is connected, and a Run All then leaves cells unrun: ask the model instead.
NOTEBOOK_IS_READY = """(path) => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  return panel?.context?.path === path && panel.context.isReady && panel.sessionContext.isReady
    && kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""

RUN_CODE = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code, store_history: false });
  const text = [];
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === 'stream') text.push(content.text);
    if (header.msg_type === 'error') text.push(`${content.ename}: ${content.evalue}`);
  };
  const reply = await future.done;
  return { ok: reply.content.status === 'ok', text: text.join('') };
}"""


class Lab:
    """A JupyterLab server on a copy of the notebooks; use as a context manager.

    Args:
        browser: Playwright's browser.
        extra: more options for `jupyter lab`.
    """

    def __init__(self, browser, extra=()):
        self.browser = browser
        self.extra = extra
        self.folder = Path(tempfile.mkdtemp(prefix="course-lab-"))
        self.root = self.folder / "course"
        self.workspace = self.root / "workspace"

    def __enter__(self):
        self.workspace.mkdir(parents=True)
        for name in ("notebooks", "exercises"):  # autosave rewrites notebooks, so never the course's own
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (self.folder / "server.log").open("wb")
        self.start()
        return self

    def start(self):
        """Start the server and wait until it answers; again after `stop`, on the same address and folders."""
        own = {name: str(self.folder / name.lower()) for name in OWN_FOLDERS}
        with patch.dict(os.environ, own | {"COURSE_HOME": str(self.root), "COURSE_WORKSPACE": str(self.workspace)}):
            words, environment = command(  # as the course itself starts it
                self.port,
                browser=False,
                notebook=None,
                extra=[
                    "--ServerApp.ip=127.0.0.1",
                    "--IdentityProvider.token=",
                    "--JupyterNotebookApp.expose_app_in_browser=True",
                    f"--LabApp.user_settings_dir={self.folder / 'user'}",
                    f"--LabApp.workspaces_dir={self.folder / 'workspaces'}",
                    *self.extra,
                ],
            )
        self.server = subprocess.Popen(
            words, env=environment, cwd=self.root, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT
        )
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__()
            raise

    def put(self, path, cells):
        """Write a notebook of the learner's, such as "workspace/lessons/day.ipynb", without opening it."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dumps(nbformat.v4.new_notebook(cells=cells, metadata=METADATA)), encoding="utf-8")

    def stop(self):
        """End the server, and with it all kernels."""
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()

    def __exit__(self, *_):
        self.stop()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait_until_up(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.server.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/api/status", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(
            f"JupyterLab did not start:\n{(self.folder / 'server.log').read_text('utf-8', 'replace')[-3000:]}"
        )

    def open(self, notebook, *, dark=False, size=(1280, 900), notebook7=False):
        """Open a notebook in a fresh page and wait until its kernel is ready.

        Args:
            notebook: path below the served folder ("notebooks/03_….ipynb"), an nbformat notebook, or a list of cell sources.
            dark: use JupyterLab's dark theme.
            size: width and height of the page in pixels.
            notebook7: open it in Jupyter Notebook 7, which the same server offers.

        Returns:
            LabNotebook
        """
        if not isinstance(notebook, (str, Path)):
            if isinstance(notebook, list):
                notebook = nbformat.v4.new_notebook(
                    cells=[nbformat.v4.new_code_cell(source) for source in notebook],
                    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
                )
            name = f"scratch-{uuid.uuid4().hex[:8]}.ipynb"
            nbformat.write(notebook, self.root / name)
            notebook = name
        return LabNotebook(self, str(notebook), dark, size, notebook7)


class LabNotebook:
    """One notebook, open in JupyterLab, or in Jupyter Notebook 7, in a page of its own.

    `page` is Playwright's page; `problems` lists what went wrong unseen.
    """

    def __init__(self, lab, path, dark, size, notebook7=False):
        self.lab = lab
        self.path = path
        self.problems = []
        self.browser_context = lab.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        self.browser_context.set_default_timeout(WAIT_MS)
        self.browser_context.route("**/*", self._stay_inside)
        self.page = self.browser_context.new_page()
        self.page.on("pageerror", self._fail)
        self.page.on("console", self._listen)
        try:
            self.place = "notebooks" if notebook7 else f"lab/workspaces/{uuid.uuid4().hex[:12]}/tree"
            self.goto()
            self.wait_until_ready()
            if dark:
                self.use_theme("JupyterLab Dark")
        except BaseException:
            self.browser_context.close()
            raise

    def goto(self, cell=None):
        """Load the notebook's address, as a link to one of its cells if asked."""
        address = f"{self.lab.url}/{self.place}/{quote(self.path)}"
        if self.page.url.partition("#")[0] == address:  # where only the cell is another, the browser loads nothing
            self.page.goto(f"{self.lab.url}/api/status")
        self.page.goto(f"{address}#cell-id={cell}" if cell else address)

    def _stay_inside(self, route):
        parts = urlsplit(route.request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.problems.append(f"{OUTSIDE}{route.request.url}")
            route.abort()
        else:
            route.continue_()

    def _fail(self, error):
        # JupyterLab shown, hidden, shown and hidden again within 200 ms takes its splash off the page twice: not the course's.
        stack = error.stack or str(error)
        if (
            "'removeChild' on 'Node'" in stack
            and re.search(r"static/lab/jlab_core\.\w+\.js", stack)
            and stack.count("\n") <= 1
        ):
            return
        self.problems.append(f"page error: {stack}")

    def _listen(self, message):
        if message.type == "error":
            self.problems.append(f"console error: {message.text} ({message.location.get('url', '')})")

    def wait_until_ready(self):
        """Wait until the notebook is loaded and its kernel connected and idle."""
        self.page.wait_for_function(NOTEBOOK_IS_READY, arg=self.path)

    def reload(self):
        """Save, load the page anew, and wait for the kernel, which keeps running."""
        self.command("docmanager:save")
        so_far = len(self.problems)
        self.page.reload(wait_until="commit")
        # JupyterLab now and then trips while it is being taken down; only what the new page does counts.
        self.problems[so_far:] = [problem for problem in self.problems[so_far:] if problem.startswith(OUTSIDE)]
        self.wait_until_ready()

    def ask(self, function, argument=None, ms=SETTLED_MS):
        """Call a JavaScript function in the page and return what it resolves to, in at most so many milliseconds."""
        return self.page.evaluate(SETTLED, [function, argument, ms])

    def command(self, name, ms=SETTLED_MS, **arguments):
        """Run one of JupyterLab's commands and return what it resolves to."""
        return self.ask("([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments], ms)

    def use_theme(self, name):
        """Switch JupyterLab's theme: "JupyterLab Dark" or "JupyterLab Light"."""
        self.command("apputils:change-theme", theme=name)
        light = "true" if "Light" in name else "false"
        self.page.wait_for_function("(light) => document.body.dataset.jpThemeLight === light", arg=light)

    def run_all(self):
        """Run all cells; True if none raised."""
        return self.command("notebook:run-all-cells", ALL_CELLS_MS)

    def run_cell(self, index):
        """Run one cell; True if it did not raise."""
        self.ask("(index) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index)
        return self.command("notebook:run-cell")

    def type_into_cell(self, index, source):
        """Replace a cell's source by typing, as a person would."""
        self.ask("(index) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index)
        editor = self.cell(index).locator(".cm-content")
        editor.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)

    def find_cell(self, text):
        """Index of the first cell whose source holds the text."""
        found = self.ask(
            "(text) => window.jupyterapp.shell.currentWidget.content.widgets"
            ".findIndex((cell) => cell.model.sharedModel.getSource().includes(text))",
            text,
        )
        if found < 0:
            raise LookupError(f"no cell of {self.path} holds {text!r}")
        return found

    def cell(self, index):
        """Playwright's locator of one cell; scrolled to, as JupyterLab draws cells only when near."""
        self.ask(SCROLL, index)
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, index):
        """Playwright's locator of one cell's output."""
        return self.cell(index).locator(".jp-OutputArea-output")

    def python(self, code):
        """Run code in the notebook's kernel, beside its cells; returns what it printed.

        Raises:
            AssertionError: the code raised.
        """
        result = self.ask(RUN_CODE, code)
        assert result["ok"], result["text"]
        return result["text"]

    def python_json(self, expression):
        """Value of an expression in the notebook's kernel, by way of JSON."""
        return json.loads(self.python(f"import json; print(json.dumps({expression}))"))

    def check(self):
        """Fail if anything went wrong unseen since the last check.

        Raises:
            AssertionError: with the list.
        """
        problems, self.problems = self.problems, []
        assert not problems, "\n".join(problems)

    def close(self):
        """Shut the kernel down and close the page."""
        try:
            self.ask("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        finally:
            self.browser_context.close()
