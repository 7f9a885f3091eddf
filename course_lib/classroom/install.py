"""What start.py does first: bring `.venv` to what the course needs. Uses nothing but Python's standard library.

pip brings uv into `.venv`, and uv installs the rest, which `requirements.lock` names with hashes.
"""

import ast
import contextlib
import errno
import hashlib
import importlib.util
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
VENV = ROOT / ".venv"
JUPYTER_CONFIG = ROOT / "course_lib" / "classroom" / "lab" / "jupyter_config.json"
STAMP = VENV / "ready"  # holds the fingerprint of what is completely installed

TORCH_INDEX = "https://download.pytorch.org/whl/cpu/torch/"
PROBE_SECONDS = 8.0
NEEDED_BYTES = 3e9
SPARE_BYTES = 3e8  # where less is left after a failed installation, the disk is what was too small

# uv reads none of pip's settings: what pip has been told is handed on as these options and variables.
UV_OPTIONS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}
UV_VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
}
# Beside these, what pip and uv have been told does not count: much of it would lead away from .venv or from the lock.
HANDED_ON = (*UV_OPTIONS, *UV_VARIABLES, "no-index", "retries", "keyring-provider", "cache-dir", "no-cache-dir")
UV_HANDED_ON = ("UV_HTTP_TIMEOUT", "UV_KEYRING_PROVIDER", "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE")
ELSEWHERE = re.compile("PIP_|UV_|PYTHONHOME$|PYTHONPATH$")
ON = ("1", "true", "yes", "on")  # what pip takes for yes

TEXTS = {
    "no file": "{name} is missing or not whole, so this is not a complete copy of the course: clone or download it again.",
    "no ensurepip": "This Python cannot make virtual environments: run `sudo apt install python3-venv` (Debian, "
    "Ubuntu) or install Python from https://www.python.org/downloads/, then start again.",
    "no venv": "Python could not make the folder {venv} (its message is above): delete that folder and start again.",
    "separator": "No virtual environment can lie in {root}, because of the {name!r} in that name: rename the folder and "
    "start again.",
    "in the way": "{path} is in the way: remove or rename it and start again.",
    "utf8": "The letters of this folder's name need UTF-8, which this terminal's settings (LC_ALL, LANG, PYTHONUTF8) have "
    "not: going on in UTF-8. Run `export PYTHONUTF8=1` before you use .venv/bin/course.",
    "rebuild": "The Python in .venv does not work any more; building .venv again.",
    "waiting": "Another start.py is still installing in this folder; waiting for it to end.",
    "first time": "Setting up the course in .venv. This happens once and takes a few minutes.",
    "again": "What the course needs has changed or was not installed to the end; bringing .venv up to date.",
    "done": "Set up in {time}.",
    "opening": "Starting JupyterLab; end it with Ctrl-C in this window.",
    "stopped": "Stopped. Start again and it goes on from here.",
    "plain torch": "PyTorch's own index, which has a build for just this computer, does not answer; taking the "
    "standard package instead, which on Linux may bring some gigabytes of CUDA along.",
    "disk": "The disk is too full: free about 3 GB (9 GB with an NVIDIA GPU) where {name} lies and start again.",
    "network": "Packages could not be downloaded: check the internet connection (and HTTPS_PROXY behind a proxy), "
    "then start again.",
    "certificate": "A secure connection for downloading was refused: if your network replaces certificates, set "
    "PIP_CERT to its certificate file, then start again.",
    "read-only": "The folder {root} cannot be written to: end whatever still uses it (JupyterLab, a terminal), or move "
    "the course to a folder of your own, and start again.",
    "unknown": "The installation failed (the reason is above): start again, and if that fails, without .venv. If a "
    "package is missing for this computer, start again with a 64-bit Python 3.11, 3.12 or 3.13.",
}
ERRORS = {
    **dict.fromkeys((errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)), "disk"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "read-only"),
    **dict.fromkeys((errno.EEXIST, errno.EISDIR, errno.ENOTDIR), "in the way"),
}


class Problem(Exception):
    """Something that the person at the keyboard can put right; its text is the sentence that says how."""


def sentence(key, **facts):
    """The text `key` of TEXTS with the facts of this computer filled in."""
    return TEXTS[key].format(**{"root": ROOT, "venv": VENV, "name": ROOT} | facts)


def say(key, **facts):
    print(sentence(key, **facts), flush=True)


def set_up():
    """Bring .venv to what requirements.lock and pyproject.toml ask for; does nothing where it is already so.

    Raises:
        Problem: that did not succeed; says what to do.
    """
    for file in (LOCK, PROJECT):
        if not file.is_file():
            raise Problem(sentence("no file", name=file.name))
    if is_ready():
        return
    try:
        with one_at_a_time():
            if not is_ready():  # somebody else may have done it meanwhile
                began = time.monotonic()
                prepare_venv()
                install()
                STAMP.write_bytes(fingerprint())
                say("done", time="{}:{:02}".format(*divmod(int(time.monotonic() - began), 60)))
    except OSError as error:
        if error.errno not in ERRORS:
            raise
        raise Problem(sentence(ERRORS[error.errno], path=error.filename)) from error


# --- The virtual environment -----------------------------------------------------------------------------------------


def venv_program(name):
    """Path of a program inside .venv."""
    return VENV / "Scripts" / f"{name}.exe" if os.name == "nt" else VENV / "bin" / name


def venv_says(*arguments):
    """What .venv's Python prints, or None where it is missing or fails."""
    command = [venv_program("python"), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError):
        return None


def metadata():
    """The folders that tell of the packages in .venv."""
    return [*VENV.glob("lib/*/site-packages/*.dist-info"), *VENV.glob("Lib/site-packages/*.dist-info")]


def fingerprint():
    """What .venv depends on, as one hash: the pins, the package's own settings, Python and where the folder lies."""
    version = venv_says("-I", "-S", "-c", "import sys; print(sys.version_info[:2])")
    parts = [LOCK.read_bytes(), PROJECT.read_bytes(), str(version).encode(), os.fsencode(ROOT)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest().encode()


def is_ready():
    """Whether everything that the fingerprint stands for was installed to the end."""
    return STAMP.is_file() and STAMP.read_bytes() == fingerprint()


@contextlib.contextmanager
def one_at_a_time():
    """Wait for any other installation in this folder, also for a uv that outlived its start.py (not on Windows)."""
    if os.name == "nt":
        yield
        return
    import fcntl

    lock = os.open(ROOT, os.O_RDONLY)
    os.set_inheritable(lock, True)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting")
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def prepare_venv():
    """Leave in .venv a Python with pip, and only packages that are complete."""
    if venv_says("-m", "pip", "--version"):
        say("again")
        shutil.rmtree(STAMP) if STAMP.is_dir() else STAMP.unlink(missing_ok=True)
    else:
        make_venv()
    for info in metadata():
        if not (info / "INSTALLER").exists():  # pip and uv write it after all else: this package was cut short
            shutil.rmtree(info)


def make_venv():
    """Make an empty .venv, replacing a broken one."""
    is_new = not os.path.lexists(VENV) or (VENV.is_dir() and not any(VENV.iterdir()))
    if not is_new and (VENV.is_symlink() or not VENV.is_dir()):  # what a link leads to may be of use elsewhere
        raise Problem(sentence("in the way", path=VENV))
    say("first time" if is_new else "rebuild")
    if strange := re.search(f"[{os.pathsep}\ud800-\udfff]", str(ROOT)):  # these stand for bytes that are no UTF-8
        raise Problem(sentence("separator", name=strange[0]))
    if not os.access(ROOT, os.W_OK):
        raise Problem(sentence("read-only"))
    if importlib.util.find_spec("ensurepip") is None:
        raise Problem(sentence("no ensurepip"))
    if not is_new:
        shutil.rmtree(VENV)
    if shutil.disk_usage(ROOT).free < NEEDED_BYTES:
        raise Problem(sentence("disk"))
    python = getattr(sys, "_base_executable", sys.executable)  # not the Python of the .venv that was just deleted
    if subprocess.run([python, "-m", "venv", str(VENV)]).returncode:
        raise Problem(sentence("no venv"))


# --- pip brings uv, and uv the rest ----------------------------------------------------------------------------------


def install():
    """Install what is missing: uv, PyTorch in the build for this computer, the other packages of the lock, the course."""
    settings = pip_settings()
    (VENV / "uv.txt").write_text(locked("uv"))
    run(settings, "python", "-m", "pip", "install", "--no-deps", "--require-hashes", "-r", VENV / "uv.txt")
    uv = ["uv", "pip", "install", "--python", venv_program("python"), *uv_options(settings)]
    if (
        sys.dont_write_bytecode
    ):  # Python is told to keep nothing that it compiles: each kernel would compile it all again
        uv.append("--compile-bytecode")
    torch = locked("torch").split()[0]
    if not any(re.match(re.escape(torch.replace("==", "-")) + r"(\+|\.dist-info)", info.name) for info in metadata()):
        if failure(TORCH_INDEX, PROBE_SECONDS, settings) is None:
            uv += ["--torch-backend", "auto"]
        else:
            say("plain torch")
        run(settings, *uv, "--no-deps", torch)  # the build for this computer: the lock knows the standard one's hashes
    run(settings, *uv, "--no-deps", "--require-hashes", "-r", LOCK)
    run(settings, *uv, "--no-deps", "--no-build-isolation", "-e", ROOT)
    run(settings, *uv, torch)  # the CUDA packages of a build for an NVIDIA GPU; nothing for others
    config = VENV / "etc" / "jupyter" / JUPYTER_CONFIG.name
    config.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(JUPYTER_CONFIG, config)  # `jupyter nbconvert` looks there


def locked(name):
    """The lock's lines for a package: its pin, and the hashes of its files."""
    found = re.search(rf"^{name}==.*\n(?:\s.*\n)*", LOCK.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    if found is None:
        raise Problem(sentence("no file", name=LOCK.name))
    return found[0]


def pip_settings():
    """What pip has been told, in its files and, before these, in the environment: {option: its words}."""
    told = venv_says("-m", "pip", "config", "list") or ""
    rows = re.findall(r"^(global|install|:env:)\.(?:default-)?([\w-]+)=(.*)$", told, re.MULTILINE)
    rows.sort(key=lambda row: ("global", "install", ":env:").index(row[0]))
    return {name: ast.literal_eval(text).split() for _, name, text in rows}


def uv_options(settings):
    """The options that tell uv what pip has been told."""
    options = ["--no-index"] if settings.get("no-index", [""])[0].lower() in ON else []
    for name, option in UV_OPTIONS.items():
        for word in settings.get(name, []):
            options += [option, word]
    return [*options, "--index-strategy", "unsafe-best-match"]  # among indexes as pip does; the hashes make it safe


def run(settings, program, *arguments):
    """Run a program of .venv that installs, and shows its own progress.

    Raises:
        Problem: it failed.
    """
    words = {name: " ".join(settings[name]) for name in HANDED_ON if name in settings}
    told = {f"PIP_{name.upper().replace('-', '_')}": text for name, text in words.items()}
    told |= {variable: words[name] for name, variable in UV_VARIABLES.items() if name in words}
    told |= {name: os.environ[name] for name in os.environ if name in UV_HANDED_ON or not ELSEWHERE.match(name)}
    told |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}  # devnull: no file of settings
    told |= {"UV_NO_CONFIG": "1", "UV_SYSTEM_CERTS": "1"}
    command = [str(part) for part in (venv_program(program), *arguments)]
    if subprocess.run(command, cwd=ROOT, env=told, close_fds=False).returncode:
        raise Problem(sentence(reason(settings)))


def reason(settings):
    """Which sentence says why an installation failed: found by looking, since the programs' own words change."""
    for folder in map(Path, (ROOT, os.path.expanduser("~"), tempfile.gettempdir())):
        if folder.is_dir() and shutil.disk_usage(folder).free < SPARE_BYTES:
            return "disk"
    if not os.access(VENV, os.W_OK):
        return "read-only"
    standard = venv_says("-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)")
    index = settings.get("index-url", [standard or ""])[0].strip()
    if "no-index" in settings or not index.startswith("http"):
        return "unknown"
    error = failure(re.sub("//[^/@]*@", "//", index), PROBE_SECONDS, settings)
    if error is None or isinstance(error, urllib.error.HTTPError):
        return "unknown"
    return "certificate" if isinstance(getattr(error, "reason", error), ssl.SSLError) else "network"


def failure(url, seconds, settings):
    """Why a page can't be had, as an exception, or None: known within `seconds`, even where looking up its name hangs."""
    outcome: list[Exception | None] = [TimeoutError()]

    def ask():
        try:
            context = ssl.create_default_context(cafile=settings.get("cert", [None])[0])
            urllib.request.urlopen(url, timeout=seconds, context=context).close()
            outcome.append(None)
        except (OSError, ValueError, HTTPException) as error:
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[-1]
