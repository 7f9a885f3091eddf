"""A kernel in which a submission's cells run, within limits, out of reach of the grader.

Where Linux allows it the kernel lives in a process space of its own (`unshare`): it sees no other process, and all that it
starts ends with it. Elsewhere what it starts is looked for and killed.
"""

import asyncio
import contextlib
import functools
import logging
import math
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from course_lib.classroom import kernels
from course_lib.classroom.practice.trial import OutOfTime

START_SECONDS = 60
ENDING_SECONDS = 2  # how long a cell may take to end after it was interrupted
WATCH_SECONDS = 0.1
ONE_CELL = 0.5  # of the time that is left: one cell can't take all of it from the others
MOST_LETTERS = 80_000_000  # of a reply
ALONE = ("unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child", "--mount-proc")
IMPORT = "import course_lib.classroom.grading.inside as _course_inside"


@contextlib.contextmanager
def _loop_closed():
    """Close the event loop that jupyter_client opens in each thread that uses it: each call has a thread of its own."""
    try:
        yield
    finally:
        if threading.current_thread() is not threading.main_thread():
            with contextlib.suppress(RuntimeError):  # it opened none
                asyncio.get_event_loop_policy().get_event_loop().close()


@dataclass
class Ended:
    """How a cell ended.

    Attributes:
        how: "done", "error", "time", "memory" or "died".
        error: (name, text) where it raised.
        value: the repr that was asked for.
    """

    how: str
    error: tuple[str, str] = ("", "")
    value: str = ""


@functools.cache
def alone():
    """The command that gives a program a process space of its own, or () where that is not allowed."""
    if not shutil.which(ALONE[0]):
        return ()
    try:
        done = subprocess.run([*ALONE, "true"], capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return ALONE if done.returncode == 0 else ()


class Session:
    """One kernel after another for one submission: where one dies, the next runs what went well before.

    Args:
        folder: the folder in which the cells run.
        environment: the kernel's environment variables.
        seconds: for all cells and calls together, starts included.
        memory: MB for the kernel and all that it starts.
    """

    def __init__(self, folder, environment, *, seconds, memory):
        self.folder, self.environment = folder, environment
        self.until = time.monotonic() + seconds
        self.memory = memory
        self.went_well = []  # sources of the cells that a new kernel runs again
        self.call_until = math.inf
        self.call_ended = None
        self._manager: Any = None
        self._client: Any = None
        self._over_memory = threading.Event()

    def __enter__(self):
        _adopt_orphans()
        self._before = set(kernels.children())
        return self

    def __exit__(self, *error):
        self._kill()

    @property
    def seconds_left(self):
        """How much of the time for all of it is left."""
        return self.until - time.monotonic()

    def run(self, source):
        """Run a cell; what it does to the kernel costs no cell before it."""
        if self.seconds_left <= 0:
            return Ended("time")
        ended = self._tried(lambda: self._request(source, self.seconds_left * ONE_CELL))
        if ended.how in ("done", "error"):
            self.went_well.append(source)
        else:
            self._kill()
        return ended

    @contextlib.contextmanager
    def limited(self, seconds):
        """Give all the calls made inside these many seconds."""
        self.call_until, self.call_ended = time.monotonic() + seconds, None
        try:
            yield
        finally:
            self.call_until = math.inf

    @_loop_closed()
    def call(self, name, inputs, asked):
        """Call a function of the submission.

        Args:
            name: what it is called.
            inputs: a line of `wire`.
            asked: function of a line in which the submission asks for the output of a function among its inputs.

        Returns:
            The line that came back.

        Raises:
            OutOfTime: it took too long, or its kernel died; `call_ended` says which.
        """
        if self.seconds_left <= 0:
            self.call_ended = "late"
            raise OutOfTime
        source = f"{IMPORT}\n_course_answer = _course_inside.answer({name!r}, {inputs!r})"
        ended = self._tried(
            lambda: self._request(
                source, min(self.seconds_left, self.call_until - time.monotonic()), asked, "_course_answer"
            )
        )
        if ended.how == "done":
            return ended.value
        if ended.how == "error":
            return ""
        self.call_ended = ended.how
        if ended.how != "time":
            self._kill()
        raise OutOfTime

    def _tried(self, request):
        """Make a request; where the kernel died, once more in a new one: an earlier cell may have told it to end."""
        fresh = self._client is None
        ended = self._alive() or request()
        if ended.how == "died" and not fresh:
            self._kill()
            ended = self._alive() or request()
        return ended

    def _alive(self):
        """See that there is a kernel that has run what went well; an `Ended` where that can't be done."""
        if self._client is not None:
            return None
        if self.seconds_left <= 0:
            return Ended("time")
        try:
            self._start()
        except Exception:
            self._kill()
            if not self.went_well:  # nothing of the submission has run: it is not to blame
                raise
            return Ended("died")  # its folder may be gone, its files in the way
        for source in (IMPORT, *self.went_well):
            ended = self._request(source, self.seconds_left)
            if ended.how not in ("done", "error"):
                self._kill()
                if source in self.went_well:  # it ended a kernel now; it is not run a third time
                    self.went_well.remove(source)
                return ended
        return None

    def _start(self):
        from jupyter_client import KernelManager
        from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

        argv = [*alone(), sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]

        class ThisPython(KernelSpecManager):
            def get_kernel_spec(self, kernel_name):
                return KernelSpec(argv=argv, display_name="Python 3", language="python")

        log = logging.getLogger("course_lib.classroom.grading")
        log.addHandler(logging.NullHandler())
        log.propagate = False
        self._manager = KernelManager(kernel_spec_manager=ThisPython(), log=log)
        null = subprocess.DEVNULL
        self._manager.start_kernel(
            env=self.environment, cwd=str(self.folder), stdin=null, stdout=null, stderr=null, independent=False
        )
        self._client = self._manager.client()
        self._client.start_channels(iopub=False, hb=False)  # what it prints is not read, however much it is
        self._over_memory.clear()
        threading.Thread(target=self._watch_memory, args=(self._manager,), daemon=True).start()

    def _request(self, source, seconds, asked=None, value=None):
        """Have the kernel run a source; what it sends in place of a reply ends it."""
        try:
            return self._reply(source, seconds, asked, value)
        except Exception:  # messages of a submission may be anything
            self._kill()
            return Ended("died")

    def _reply(self, source, seconds, asked, value):
        """Have the kernel run a source; answer what it asks; interrupt it when its time is over."""
        from queue import Empty

        until = time.monotonic() + seconds
        interrupted = None
        content = {
            "code": source, "silent": False, "store_history": False, "allow_stdin": asked is not None, "stop_on_error": False,
            "user_expressions": {} if value is None else {"value": value},
        }  # fmt: skip
        message = self._client.session.msg("execute_request", content)
        self._client.shell_channel.send(message)
        while True:
            with contextlib.suppress(Empty):
                reply = self._client.get_shell_msg(timeout=0.002 if asked else 0.05)
                if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                    return Ended("time") if interrupted else _ended(reply["content"])
            if asked is not None:
                with contextlib.suppress(Empty):
                    request = self._client.get_stdin_msg(timeout=0)
                    self._client.input(self._answered(asked, request["content"].get("prompt", "")))
            if self._over_memory.is_set():
                return Ended("memory")
            if not self._manager.is_alive():
                return Ended("died")
            now = time.monotonic()
            if interrupted is None and now > until:
                interrupted = now
                self._manager.interrupt_kernel()
            elif interrupted is not None and now > interrupted + ENDING_SECONDS:
                self._kill()
                return Ended("time")

    @staticmethod
    def _answered(asked, request):
        try:
            return asked(request)
        except Exception:  # a submission may ask for anything
            return "null"

    def _watch_memory(self, manager):
        while manager is self._manager and not self._over_memory.wait(WATCH_SECONDS):
            if kernels.resident(kernels.processes_of(manager)) > self.memory * 1e6:
                self._over_memory.set()

    def _kill(self):
        """End the kernel and all that it started."""
        manager, client, self._manager, self._client = self._manager, self._client, None, None
        if manager is None:
            return
        started = kernels.processes_of(manager)
        with contextlib.suppress(Exception):
            client.stop_channels()
        with contextlib.suppress(Exception):
            manager.shutdown_kernel(now=True)
        kernels.kill(started)
        kernels.kill([one for one in kernels.children() if one not in self._before])  # what it left to us
        with contextlib.suppress(Exception):
            manager.cleanup_resources()


def _adopt_orphans():
    """Become, on Linux, the parent of what a kernel leaves behind, so that it can be found and ended."""
    import ctypes

    with contextlib.suppress(Exception):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def _ended(content):
    if content.get("status") == "error":
        return Ended("error", (str(content.get("ename", "")), str(content.get("evalue", ""))))
    told = content.get("user_expressions", {}).get("value", {})
    text = told.get("data", {}).get("text/plain", "") if told.get("status") == "ok" else ""
    return Ended("done", value=_unquoted(text) if len(text) <= MOST_LETTERS else "")


def _unquoted(text):
    import ast

    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
