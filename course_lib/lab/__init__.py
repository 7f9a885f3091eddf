"""Start JupyterLab for the course: one notebook, this folder, no request to other computers.

`start.py` runs `python -m course_lib.lab`, `course lab` calls `launch`, tests that drive a browser start `command`.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course_lib.notebooks import course_root

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"

TEXTS = {
    "taken": "port {port} is taken by another program (perhaps another JupyterLab): end that one, or choose another "
    "number with --port.",
}


class PortTaken(OSError):
    """The port that was asked for belongs to another program."""


def command(
    port: int | None = None, browser: bool = True, notebook: str | None = FIRST_NOTEBOOK, extra: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment that run JupyterLab for the course.

    Args:
        port: the only port to use; None takes the first free one from 8888 on.
        browser: whether to open the notebook in a browser.
        notebook: file to open, relative to the course folder; None, or one that is not there, opens JupyterLab alone.
        extra: more options for `jupyter lab`; they win over the ones set here.

    Returns:
        The argument list (first item: this Python) and a complete environment.
    """
    root = course_root()
    options = {
        "ServerApp.root_dir": root,
        "ServerApp.answer_yes": True,  # one Ctrl-C ends it, without a question
        "ServerApp.kernel_websocket_connection_class": "course_lib.lab.server.PromptConnection",
        # overrides.json beside this file switches off JupyterLab's news and its look for updates.
        "LabApp.app_settings_dir": Path(__file__).parent,
        "LabApp.extension_manager": "readonly",
        "log-level": "WARN",
    }
    if port is not None:
        options |= {"ServerApp.port": port, "ServerApp.port_retries": 0}
    if notebook is not None and (root / notebook).is_file():
        options["LabApp.default_url"] = f"/lab/tree/{notebook}"
    argv = [sys.executable, "-m", "course_lib.lab.server", *(f"--{name}={value}" for name, value in options.items())]
    if not browser:
        argv.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        argv.append("--allow-root")
    # As if the virtual environment were activated: terminals and `!` in notebooks find its `python` and `course`.
    programs = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": os.pathsep.join([programs, os.environ.get("PATH", "")])}
    return argv + list(extra), environment


def launch(
    port: int | None = None, browser: bool = True, notebook: str | None = FIRST_NOTEBOOK, extra: Sequence[str] = ()
) -> int:
    """Run JupyterLab until Ctrl-C; see `command` for the arguments.

    Returns:
        JupyterLab's exit code. Except on Windows this does not return: JupyterLab takes this process over.

    Raises:
        PortTaken: another program listens on `port`.
    """
    if port is not None and _is_taken(port):
        raise PortTaken(TEXTS["taken"].format(port=port))
    argv, environment = command(port, browser, notebook, extra)
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(argv[0], argv, environment)
    process = subprocess.Popen(argv, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # JupyterLab got the same Ctrl-C and is ending
            continue


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
