"""Start JupyterLab for the course: on the page that a learner comes home to, with no request to other computers.

`start.py` runs `python -m course_lib.classroom.lab`, `course lab` calls `launch`, tests that drive a browser run `command`.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from course_lib import shadowing
from course_lib.classroom.copies import own_notebooks
from course_lib.classroom.files import FileTrouble
from course_lib.classroom.kernels import KERNEL_STARTUP
from course_lib.classroom.places import course_root, make_workspace, own_folders, workspace

PLUGINS = Path(__file__).parent / "labextensions"
FIRST = "00_start_here.ipynb"

TEXTS = {
    "taken": "port {port} is taken by another program (perhaps another JupyterLab): end that one, or choose another "
    "number with --port.",
}


class PortTaken(OSError):
    """The port that was asked for belongs to another program."""


def command(port=None, browser=True, notebook=None, extra=(), home=False):
    """Make the command and the environment that run JupyterLab for the course.

    Args:
        port: the only port to use; None takes the first free one from 8888 on.
        browser: whether to open the notebook in a browser.
        notebook: file to open; None, or one that is not there, opens JupyterLab alone.
        extra: more options for `jupyter lab`; they win over the ones set here.
        home: open the course's home page in place of the notebook.

    Returns:
        (command, environment): a list of strings that begins with this Python, and a complete dict.

    Raises:
        FileNotFoundError: the folder of the course cannot be found.
    """
    root = served_folder(notebook)
    options = {
        "Application.log_level": "ERROR",  # what is left is the address to open
        "LanguageServerManager.autodetect": False,  # a type checker of those who write the course is none of a learner's
        "ServerApp.root_dir": root,
        "KernelManager.transport_encryption": "auto",  # others on this computer can't listen; else each kernel warns so
        "ServerApp.answer_yes": True,  # one Ctrl-C ends it, without a question
        "ServerApp.jpserver_extensions": "course_lib.classroom.lab.extensions=True",
        "LabApp.expose_app_in_browser": True,  # a button of a lesson opens an exercise beside it
        "LabApp.app_settings_dir": Path(__file__).parent,  # overrides.json there: no news, no look for updates
        "LabApp.extension_manager": "readonly",
        "LabApp.extra_labextensions_path": PLUGINS,  # notebooks open where they were left
    }
    if os.access(workspace(), os.W_OK):  # else the tabs of other courses would be opened, too
        options["LabApp.workspaces_dir"] = workspace() / ".jupyterlab"
    if port is not None:
        options |= {"ServerApp.port": port, "ServerApp.port_retries": 0}
    if home:
        options["LabApp.default_url"] = "/course"
    elif notebook is not None and notebook.is_file():
        options["LabApp.default_url"] = f"/lab/tree/{quote(notebook.relative_to(root).as_posix())}"
    given = {word.partition("=")[0].lstrip("-") for word in extra}  # JupyterLab refuses an option that comes twice
    chosen = [f"--{name}={value}" for name, value in options.items() if name not in given]
    # -P: the folder in which it is started may hold a random.py
    words = [sys.executable, "-P", "-m", "course_lib.classroom.lab.server", *chosen]
    if not browser:
        words.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")
    # As if .venv were activated: terminals, and `!` in notebooks, find its `python` and `course`.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # jupyter_config.json there: exported pages keep the pictures' text alternatives.
    config = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("JUPYTER_CONFIG_PATH")]))
    own = {"PATH": path, "JUPYTER_CONFIG_PATH": config}
    return [*words, *extra], {"PYTHONSTARTUP": str(KERNEL_STARTUP)} | os.environ | own


def served_folder(notebook=None):
    """The folder that JupyterLab shows: the course's, or the learner's own where what is to be opened lies there.

    Args:
        notebook: path of the file to open; None for the learner's own folder.
    """
    root = course_root()
    shown = workspace() if notebook is None else notebook
    return root if shown.is_relative_to(root) else workspace()


def first_notebook():
    """Make the learner's own copies of the lessons, and say what stands in the way.

    Returns:
        Path of the notebook to open first: their copy, or the course's where there is none.
    """
    courses = course_root() / "notebooks"
    own = courses
    try:
        own = make_workspace() / "lessons"
        problems = [told for folder in own_folders() for told in shadowing.sentences(folder)] + own_notebooks()
    except FileTrouble as problem:
        problems = [str(problem)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return own / FIRST if (own / FIRST).is_file() else courses / FIRST


def launch(port=None, browser=True, extra=()):
    """Run JupyterLab until Ctrl-C.

    Args:
        port, browser, extra: as for `command`.

    Returns:
        JupyterLab's exit code. Except on Windows this does not return: this process becomes JupyterLab.

    Raises:
        PortTaken: another program listens on `port`.
        FileNotFoundError: the folder of the course cannot be found.
    """
    if port is not None and _is_taken(port):
        raise PortTaken(TEXTS["taken"].format(port=port))
    words, environment = command(port, browser, first_notebook(), extra, home=True)
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(words[0], words, environment)
    process = subprocess.Popen(words, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # JupyterLab got the same Ctrl-C and is ending
            continue


def _is_taken(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
