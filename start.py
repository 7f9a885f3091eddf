"""Set up the course and open it. Needs nothing but Python 3.11 or newer.

    python3 start.py                             set up (minutes, the first time only) and open JupyterLab
    python3 start.py --no-browser --port 8899    the same on a remote computer, without opening a browser
    python3 start.py -- OPTION...                the options go on to `jupyter lab`
    python3 start.py test [PYTEST OPTION...]     set up and prove everything

Everything goes into the folder `.venv` beside this file; delete that folder to begin again.
The file is kept readable for Pythons older than 3.11, so that those get a sentence and not a SyntaxError.
"""

import argparse
import contextlib
import errno
import hashlib
import importlib.util
import os
import platform
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
VENV = ROOT / ".venv"
STAMP = VENV / "ready"  # holds the fingerprint of what is completely installed
LOG = VENV / "install.log"

OLDEST_PYTHON = (3, 11)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 8.0
SPACE_GB, SPACE_GB_CUDA = 3, 9

SAY = {
    "old python": "The course needs Python 3.11 or newer and this is Python {have}: install a newer one from "
    "https://www.python.org/downloads/ and start again with it.",
    "no file": "{name} is missing, so this is not a complete copy of the course: clone or download it again.",
    "no ensurepip": "This Python cannot make virtual environments: run `sudo apt install python3-venv` (Debian, "
    "Ubuntu) or install Python from https://www.python.org/downloads/, then start again.",
    "no venv": "Python could not make the folder {venv} (its message is above): delete that folder and start again.",
    "rebuild": "The Python in .venv does not work any more; building .venv again.",
    "waiting": "Another start.py is still installing in this folder; waiting for it to end.",
    "first time": "Setting up the course in .venv. This happens once and takes a few minutes.",
    "again": "What the course needs has changed or was not installed to the end; bringing .venv up to date.",
    "done": "Set up in {time}.",
    "opening": "Starting JupyterLab; end it with Ctrl-C in this window.",
    "stopped": "Stopped. Start again and it goes on from here.",
    "plain torch": "PyTorch's own index of small CPU builds does not answer; taking the standard package instead, "
    "which may bring some gigabytes of CUDA along.",
    "disk": "The disk is too full: free about {gb} GB where the course lies and start again.",
    "network": "Packages could not be downloaded: check the internet connection (and HTTPS_PROXY behind a proxy), "
    "then start again.",
    "certificate": "A secure connection for downloading was refused: if your network replaces certificates, set "
    "PIP_CERT to its certificate file, then start again.",
    "read-only": "The folder {root} cannot be written to: end whatever still uses it (JupyterLab, a terminal), or move "
    "the course to a folder of your own, and start again.",
    "no wheel": "There is no ready-made {what} for this computer ({machine}, Python {have}): start again with "
    "a 64-bit Python 3.11, 3.12 or 3.13.",
    "unknown": "The installation failed (the last lines are above): start again, and if that fails, without .venv.",
    "retry": "(no answer, trying again)",
    "log": "Everything pip said is in {log}.",
}

# What pip prints when it fails -> which sentence says what to do. The first that fits counts.
FAILURES = (
    (r"No space left on device|Errno 28\b|WinError 112\b|not enough space on the disk|Disk quota exceeded", "disk"),
    (r"CERTIFICATE_VERIFY_FAILED", "certificate"),
    (
        r"NewConnectionError|NameResolutionError|Name or service not known|Temporary failure in name resolution"
        r"|getaddrinfo failed|nodename nor servname|Network is unreachable|Connection (?:refused|reset|aborted)"
        r"|ConnectTimeout|Read timed out|ReadTimeoutError|ProxyError|Max retries exceeded|IncompleteRead",
        "network",
    ),
    (r"Permission denied|WinError 5\b|Read-only file system", "read-only"),
    (r"No matching distribution found for (?P<what>[\w.=+-]+)", "no wheel"),
)

# pip's lines about one package: it is known now; its file (and not only its metadata) is being downloaded.
FOUND = re.compile(
    r"\s*(?:Collecting |Requirement already satisfied: |Processing (?:\S*[\\/])?)([A-Za-z0-9_.]+(?:-[A-Za-z]\w*)*)"
)
FETCHED = re.compile(r"\s*(?:Downloading|Using cached) (?:\S*/)?(\w[\w.]*)-\S+\.(?:whl|tar\.gz)(?: |$)")


class Problem(Exception):
    """Something that the person at the keyboard can put right; its text is the sentence that says how."""


def sentence(key, **facts):
    """The text `key` of SAY with the facts of this computer filled in."""
    known = {"root": ROOT, "venv": VENV, "log": LOG, "have": platform.python_version(), "gb": SPACE_GB}
    known["machine"] = platform.system() + " " + platform.machine()
    known.update(facts)
    return SAY[key].format(**known)


def say(key, **facts):
    print(sentence(key, **facts), flush=True)


def check_python(version_info):
    """Raise Problem if this Python is older than the course supports."""
    if tuple(version_info[:2]) < OLDEST_PYTHON:
        raise Problem(sentence("old python", have=".".join(map(str, version_info[:3]))))


# --- The virtual environment -----------------------------------------------------------------------------------------


def venv_program(name):
    """Path of a program inside .venv."""
    return VENV / "Scripts" / (name + ".exe") if os.name == "nt" else VENV / "bin" / name


def venv_version():
    """Version of .venv's Python such as "3.11", or None where it is missing, too old or does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([venv_program("python"), "-I", "-S", "-c", code], stdout=subprocess.PIPE, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = answer.stdout.decode().strip()
    return version if answer.returncode == 0 and tuple(map(int, version.split("."))) >= OLDEST_PYTHON else None


def has_pip():
    """Whether .venv's pip runs; it does not where making .venv was cut short."""
    command = [venv_program("python"), "-m", "pip", "--version"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def make_venv():
    """Make an empty .venv, replacing a broken one."""
    say("rebuild" if VENV.exists() else "first time")
    if VENV.exists():
        shutil.rmtree(VENV)
    if importlib.util.find_spec("ensurepip") is None:
        raise Problem(sentence("no ensurepip"))
    needed = SPACE_GB_CUDA if platform.system() == "Linux" and has_nvidia_gpu() else SPACE_GB
    if shutil.disk_usage(ROOT).free < needed * 1e9:
        raise Problem(sentence("disk", gb=needed))
    VENV.mkdir()  # asked for here, so that a folder that cannot be written to is known as such
    python = getattr(sys, "_base_executable", sys.executable)  # not the Python of the .venv that was just deleted
    if subprocess.run([python, "-m", "venv", str(VENV)]).returncode:
        raise Problem(sentence("no venv"))


def site_packages():
    """Folder in .venv that the packages lie in."""
    return VENV / "Lib" / "site-packages" if os.name == "nt" else next(VENV.glob("lib/python*/site-packages"))


def forget_half_installed():
    """Make pip install again what it was cut short in: it writes INSTALLER after all other files of a package."""
    for info in site_packages().glob("*.dist-info"):
        if not (info / "INSTALLER").exists():
            shutil.rmtree(info)


def fingerprint(version):
    """What .venv depends on, as one hash: the pins, the package's own settings, Python and where the folder lies."""
    parts = [LOCK.read_bytes(), PROJECT.read_bytes(), version.encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_ready(version):
    """Whether everything that the fingerprint stands for was installed to the end."""
    return version is not None and STAMP.is_file() and STAMP.read_text() == fingerprint(version)


@contextlib.contextmanager
def one_at_a_time():
    """Wait for any other installation in this folder, also for a pip that outlived its start.py; yields a lock."""
    if os.name == "nt":
        yield None
        return
    import fcntl

    lock = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            pass
        yield lock
    finally:
        os.close(lock)


def set_up():
    """Bring .venv to what requirements.lock and pyproject.toml ask for; does nothing where it is already so."""
    for file in (LOCK, PROJECT):
        if not file.is_file():
            raise Problem(sentence("no file", name=file.name))
    if is_ready(venv_version()):
        return
    with one_at_a_time() as lock:
        version = venv_version()
        if is_ready(version):  # somebody else did it meanwhile
            return
        began = time.monotonic()
        if version is None or not has_pip():
            make_venv()
        else:
            say("again")
        with contextlib.suppress(FileNotFoundError):
            STAMP.unlink()
        forget_half_installed()
        install_cpu_torch(lock)
        pip(lock, "-r", str(LOCK))
        pip(lock, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
        STAMP.write_text(fingerprint(venv_version()))
        say("done", time=clock(time.monotonic() - began))


# --- PyTorch without CUDA --------------------------------------------------------------------------------------------


def has_nvidia_gpu():
    return shutil.which("nvidia-smi") is not None or os.path.exists("/proc/driver/nvidia/version")


def wants_cpu_torch(system, nvidia_gpu):
    """Only Linux gets gigabytes of CUDA by default, and only an NVIDIA GPU can use them."""
    return system == "Linux" and not nvidia_gpu


def answers(url, seconds):
    """Whether a web page can be had, decided within `seconds` even where looking its name up hangs."""
    reached = []

    def ask():
        with contextlib.suppress(OSError, ValueError, HTTPException):
            with urllib.request.urlopen(url, timeout=seconds) as page:
                reached.append(page.status == 200)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return reached == [True]


def install_cpu_torch(lock):
    """Install the pinned PyTorch from its index of CPU builds, where that is wanted and can be reached."""
    pin = re.search(r"^torch==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE).group(1)
    installed = any(site_packages().glob("torch-" + pin + "[.+]*dist-info"))
    if installed or not wants_cpu_torch(platform.system(), has_nvidia_gpu()):
        return
    if not answers(CPU_INDEX + "/torch/", PROBE_SECONDS):
        say("plain torch")
        return
    pip(lock, "--no-deps", "torch==" + pin, "--index-url", CPU_INDEX)


# --- pip, with a progress display ------------------------------------------------------------------------------------


def clock(seconds):
    return "{}:{:02}".format(*divmod(int(seconds), 60))


class Progress:
    """What pip is doing, read from the lines it prints and shown on one line (a line now and then in a file).

    pip names each package it finds and each file it downloads, but installs them all behind a single line:
    there `installed`, a function that counts the packages in place, tells how far it is.
    """

    def __init__(self, total, installed, stream):
        self.stage, self.current, self.total = "preparing", "", total
        self.seen, self.order, self.before, self.installed = set(), [], 0, installed
        self.stream, self.live, self.began, self.shown = stream, stream.isatty(), time.monotonic(), float("-inf")

    def read(self, line):
        """Take in one line of pip's output; lines that tell nothing change nothing."""
        found, fetched = FOUND.match(line), FETCHED.match(line)
        if line.startswith("Ignoring "):  # a pin for another system
            self.total -= 1
        elif found:
            self.count("finding", found.group(1))
        elif fetched:
            self.count("downloading", fetched.group(1))
        elif line.startswith("WARNING: Retrying "):
            self.current = SAY["retry"]
        elif line.startswith("Installing collected packages: "):
            self.stage, self.order = "installing", line.split(": ")[1].strip().split(", ")
            self.before = self.installed()

    def count(self, stage, name):
        name = name.replace("_", "-")
        if name == self.current:  # pip finds and downloads in turn here: one count is enough
            return
        if stage != self.stage:
            self.stage, self.seen = stage, set()
        self.seen.add(name)
        self.current = name

    def now(self):
        """(stage, packages done, packages in all, current package)"""
        if self.order:
            done = max(0, min(self.installed() - self.before, len(self.order)))
            return self.stage, done, len(self.order), self.order[min(done, len(self.order) - 1)]
        return self.stage, len(self.seen), max(self.total, len(self.seen)), self.current

    def show(self):
        """Show how far pip is, unless that was done just before."""
        now = time.monotonic()
        if now - self.shown >= (0.1 if self.live else 10):
            self.shown = now
            stage, done, total, current = self.now()
            bar = "#" * (24 * done // max(total, 1))
            text = f"  [{bar:<24}] {stage} {done} of {total}  {clock(now - self.began)}  {current}"
            self.write(text) if self.live else self.stream.write(text + "\n")
            self.stream.flush()

    def write(self, text, end=""):
        """Put `text` in place of the line that the terminal shows last."""
        width = shutil.get_terminal_size().columns - 1
        self.stream.write("\r" + text[:width].ljust(width) + end)

    def close(self):
        """Take the line away."""
        if self.live:
            self.write("", end="\r")
            self.stream.flush()


def explain(output):
    """The sentence that says what to do about a failed pip, from what it printed."""
    for pattern, key in FAILURES:
        found = re.search(pattern, output)
        if found:
            return sentence(key, **found.groupdict())
    return sentence("unknown")


def lines_and_waits(stream, seconds):
    """Yield the lines of a stream, and None whenever none comes for so many seconds."""
    lines = queue.Queue()

    def read():
        for line in stream:
            lines.put(line)
        lines.put("")  # the end: lines themselves are never empty

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            yield None
            continue
        if not line:
            return
        yield line


def pip(lock, *arguments):
    """Run `pip install` in .venv with a progress display; raises Problem where it fails."""
    command = [str(venv_program("python")), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", *arguments]
    pins = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    progress = Progress(len(pins), lambda: sum(1 for _ in site_packages().glob("*.dist-info/INSTALLER")), sys.stdout)
    output = []
    with open(LOG, "a", encoding="utf-8") as log:
        log.write("$ " + " ".join(command) + "\n")
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace", pass_fds=() if lock is None else (lock,),
        )  # fmt: skip
        try:
            for line in lines_and_waits(process.stdout, 0.2):
                progress.show()
                if line:
                    output.append(line)
                    log.write(line)
                    log.flush()
                    progress.read(line)
            failed = process.wait()
        finally:
            process.kill()
            progress.close()
    if failed:
        errors = [line for line in output if line.startswith("ERROR")]
        print("".join((errors or output)[-5:]) + sentence("log"), flush=True)
        raise Problem(explain("".join(output)))


# --- What can be asked for -------------------------------------------------------------------------------------------


def hand_over(*arguments):
    """Let .venv's Python go on from here; returns its exit code, where this process does not become that one."""
    command = [str(venv_program("python")), *map(str, arguments)]
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)  # Ctrl-C and signals go straight to it then
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it got the same Ctrl-C and is ending
            continue


def open_course(options):
    """Set up and open JupyterLab, which course_lib.lab knows how to start."""
    parser = argparse.ArgumentParser(
        prog="start.py", usage=argparse.SUPPRESS, description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--no-browser", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.parse_args(options[: options.index("--")] if "--" in options else options)
    set_up()
    say("opening")
    return hand_over("-m", "course_lib.lab", *options)


def test(options):
    """Set up and run all tests; whatever they need besides, tests/prove.py gets."""
    set_up()
    return hand_over(ROOT / "tests" / "prove.py", *options)


def main(arguments):
    try:
        check_python(sys.version_info)
        sys.stdout.reconfigure(errors="replace")  # a path may have letters that a Windows pipe has not
        return test(arguments[1:]) if arguments[:1] == ["test"] else open_course(arguments)
    except Problem as problem:
        print(problem, file=sys.stderr)
    except KeyboardInterrupt:
        print("\n" + sentence("stopped"), file=sys.stderr)
    except OSError as error:
        known = {errno.ENOSPC: "disk", errno.EACCES: "read-only", errno.EPERM: "read-only", errno.EROFS: "read-only"}
        if error.errno not in known:
            raise
        print(sentence(known[error.errno]), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
