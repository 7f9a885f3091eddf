"""The set-up without setting anything up: what start.py and tests/prove.py decide, and what they say."""

import errno
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


prove = load(ROOT / "tests" / "prove.py")


@pytest.fixture
def start(tmp_path, monkeypatch):
    """start.py, working in a folder of its own that holds a lock of three pins."""
    module = load(ROOT / "start.py")
    for name, file in {"ROOT": ".", "LOCK": "requirements.lock", "PROJECT": "pyproject.toml", "VENV": ".venv"}.items():
        monkeypatch.setattr(module, name, tmp_path / file)
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "ready")
    monkeypatch.setattr(module, "LOG", tmp_path / ".venv" / "install.log")
    module.LOCK.write_text("# pins\nanyio==4.16.0\nappnope==1.0.0 ; sys_platform == 'darwin'\ntorch==2.13.0\n")
    module.PROJECT.write_text("[project]\n")
    return module


@pytest.fixture
def venv(start):
    """A .venv that looks right: its Python is the one that runs this, its packages are empty folders."""
    python = start.venv_program("python")
    python.parent.mkdir(parents=True)
    if os.name == "nt":
        shutil.copy(sys.executable, python)
        shutil.copy(Path(sys.executable).parent.parent / "pyvenv.cfg", start.VENV)
    else:
        python.symlink_to(sys.executable)
    packages = start.VENV / ("Lib" if os.name == "nt" else "lib/python3.11") / "site-packages"
    packages.mkdir(parents=True)
    return start.VENV


# --- Which Python ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 13)])
def test_an_old_python_gets_a_sentence(start, version):
    with pytest.raises(start.Problem, match=rf"needs Python 3\.11 .* this is Python 3\.{version[1]}\.") as told:
        start.check_python((*version, "final", 0))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 1), (4, 0, 0)])
def test_a_new_python_goes_on(start, version):
    start.check_python((*version, "final", 0))


def test_main_tells_a_problem_without_a_traceback(start, capsys):
    with mock.patch.object(start, "check_python", side_effect=start.Problem("Do this.")):
        assert start.main([]) == 1
    assert capsys.readouterr().err == "Do this.\n"


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is too full"), (errno.EACCES, "cannot be written to")]
)
def test_main_tells_about_disk_and_folder(start, capsys, number, words):
    with mock.patch.object(start, "set_up", side_effect=OSError(number, "")):
        assert start.main(["--no-browser"]) == 1
    assert words in capsys.readouterr().err


def test_main_hides_no_other_error(start):
    with mock.patch.object(start, "set_up", side_effect=OSError(errno.EBADF, "")), pytest.raises(OSError):
        start.main(["--no-browser"])


def test_a_mistyped_word_is_refused_before_anything_is_installed(start):
    with mock.patch.object(start, "set_up") as set_up, pytest.raises(SystemExit):
        start.main(["tset"])
    set_up.assert_not_called()


def test_commands_hand_over_to_the_venv(start):
    with mock.patch.object(start, "set_up"), mock.patch.object(start, "hand_over", return_value=0) as hand_over:
        start.main(["--no-browser", "--port", "8899", "--", "--debug"])
        start.main(["test", "-k", "softmax"])
    assert hand_over.mock_calls == [
        mock.call("-m", "course_lib.lab", "--no-browser", "--port", "8899", "--", "--debug"),
        mock.call(start.ROOT / "tests" / "prove.py", "-k", "softmax"),
    ]


# --- What is installed already ---------------------------------------------------------------------------------------


def test_a_complete_venv_is_left_alone(start, venv):
    start.STAMP.write_text(start.fingerprint(start.venv_version()))
    with mock.patch.object(start, "pip") as pip:
        start.set_up()
    pip.assert_not_called()


def test_the_stamp_comes_last_and_goes_first(start, venv):
    """Cut short anywhere, an installation leaves no stamp; run again, it ends with one."""
    start.STAMP.write_text("an older lock's")
    with mock.patch.object(start, "pip", side_effect=KeyboardInterrupt), mock.patch.object(start, "has_pip"):
        with pytest.raises(KeyboardInterrupt):
            start.set_up()
        assert not start.STAMP.exists()
    with mock.patch.object(start, "pip") as pip, mock.patch.object(start, "has_pip"):
        with mock.patch.object(start, "install_cpu_torch"):
            start.set_up()
        assert pip.call_count == 2
        start.set_up()
        assert pip.call_count == 2


@pytest.mark.parametrize("changed", ["LOCK", "PROJECT"])
def test_a_changed_file_asks_for_a_new_installation(start, venv, changed):
    version = start.venv_version()
    start.STAMP.write_text(start.fingerprint(version))
    assert start.is_ready(version)
    with getattr(start, changed).open("a") as file:
        file.write("\n")
    assert not start.is_ready(version)


def test_another_python_or_place_asks_for_a_new_installation(start, venv, monkeypatch):
    version = start.venv_version()
    start.STAMP.write_text(start.fingerprint(version))
    assert not start.is_ready("3.99")
    monkeypatch.setattr(start, "ROOT", start.ROOT / "moved")
    assert not start.is_ready(version)


def test_venv_version_is_that_of_its_python(start, venv):
    assert start.venv_version() == f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.skipif(os.name == "nt", reason="scripts are no programs there")
@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho 3.9\n", "#!/no/such/python\n"])
def test_a_broken_or_old_venv_has_no_version(start, venv, script):
    python = start.venv_program("python")
    python.unlink()
    assert start.venv_version() is None
    python.write_text(script)
    python.chmod(0o755)
    assert start.venv_version() is None


def test_a_broken_venv_is_built_again(start, venv, capsys):
    start.venv_program("python").unlink()
    (venv / "old").touch()
    with mock.patch.object(start.subprocess, "run", return_value=mock.Mock(returncode=0)) as run:
        start.make_venv()
    assert run.call_args.args[0][1:] == ["-m", "venv", str(venv)]
    assert not (venv / "old").exists()
    assert "building .venv again" in capsys.readouterr().out


def test_without_ensurepip_debian_is_told_what_to_install(start):
    with mock.patch.object(start.importlib.util, "find_spec", return_value=None):
        with pytest.raises(start.Problem, match="apt install python3-venv"):
            start.make_venv()


@pytest.mark.parametrize(("gpu", "needed"), [(False, 3), (True, 9)])
def test_a_full_disk_is_told_beforehand(start, monkeypatch, gpu, needed):
    monkeypatch.setattr(start.platform, "system", lambda: "Linux")
    monkeypatch.setattr(start, "has_nvidia_gpu", lambda: gpu)
    monkeypatch.setattr(start.shutil, "disk_usage", lambda _: mock.Mock(free=2e9))
    with pytest.raises(start.Problem, match=f"free about {needed} GB"):
        start.make_venv()
    assert not start.VENV.exists()


@pytest.mark.parametrize("missing", ["LOCK", "PROJECT"])
def test_an_incomplete_copy_is_told(start, missing):
    getattr(start, missing).unlink()
    with pytest.raises(start.Problem, match="is missing, so this is not a complete copy"):
        start.set_up()


def test_half_installed_packages_are_forgotten(start, venv):
    for name, files in {"whole-1.0.dist-info": ["METADATA", "INSTALLER"], "half-1.0.dist-info": ["METADATA"]}.items():
        (start.site_packages() / name).mkdir()
        for file in files:
            (start.site_packages() / name / file).touch()
    start.forget_half_installed()
    assert [info.name for info in start.site_packages().glob("*.dist-info")] == ["whole-1.0.dist-info"]


@pytest.mark.skipif(os.name == "nt", reason="no locks there")
def test_a_second_installation_waits_for_the_first(start):
    import fcntl

    with start.one_at_a_time() as lock:
        other = os.open(start.ROOT, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert lock is not None
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


# --- PyTorch ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "nvidia_gpu", "wanted"),
    [("Linux", False, True), ("Linux", True, False), ("Darwin", False, False), ("Windows", False, False)],
)
def test_the_cpu_build_is_for_linux_without_a_gpu(start, system, nvidia_gpu, wanted):
    assert start.wants_cpu_torch(system, nvidia_gpu) is wanted


@pytest.fixture
def linux(start, venv, monkeypatch):
    monkeypatch.setattr(start.platform, "system", lambda: "Linux")
    monkeypatch.setattr(start, "has_nvidia_gpu", lambda: False)
    monkeypatch.setattr(start, "pip", mock.Mock())
    return start


def test_the_pinned_cpu_build_comes_from_its_own_index(linux):
    with mock.patch.object(linux, "answers", return_value=True):
        linux.install_cpu_torch(None)
    linux.pip.assert_called_once_with(None, "--no-deps", "torch==2.13.0", "--index-url", linux.CPU_INDEX)


def test_an_unreachable_index_leaves_the_plain_package(linux, capsys):
    with mock.patch.object(linux, "answers", return_value=False):
        linux.install_cpu_torch(None)
    linux.pip.assert_not_called()
    assert "taking the standard package" in capsys.readouterr().out


@pytest.mark.parametrize("installed", ["torch-2.13.0.dist-info", "torch-2.13.0+cpu.dist-info"])
def test_an_installed_torch_costs_nothing(linux, installed):
    (linux.site_packages() / installed).mkdir()
    with mock.patch.object(linux, "answers") as answers:
        linux.install_cpu_torch(None)
    answers.assert_not_called()


def test_a_torch_of_another_version_is_replaced(linux):
    (linux.site_packages() / "torch-2.13.01.dist-info").mkdir()
    with mock.patch.object(linux, "answers", return_value=True):
        linux.install_cpu_torch(None)
    linux.pip.assert_called_once()


@pytest.fixture
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_server_that_never_answers_is_given_up(start, no_proxy):
    assert start.PROBE_SECONDS < 10
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        began = time.monotonic()
        assert not start.answers(f"http://127.0.0.1:{listener.getsockname()[1]}/", 0.3)
    assert time.monotonic() - began < 3


def test_a_name_that_hangs_is_given_up(start):
    def look_up(*_, **__):
        time.sleep(2)
        raise OSError

    with mock.patch.object(start.urllib.request, "urlopen", look_up):
        began = time.monotonic()
        assert not start.answers("http://a.name/", 0.2)
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(("status", "reached"), [("200 OK", True), ("403 Forbidden", False), ("nonsense", False)])
def test_only_a_good_answer_counts(start, no_proxy, status, reached):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer():
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.sendall(f"HTTP/1.0 {status}\r\n\r\n".encode())
            connection.close()

        start.threading.Thread(target=answer, daemon=True).start()
        assert start.answers(f"http://127.0.0.1:{listener.getsockname()[1]}/", 3) is reached


def test_an_address_nobody_listens_at_is_not_reached(start, no_proxy):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert not start.answers(f"http://127.0.0.1:{closed.getsockname()[1]}/", 5)


# --- What pip says ---------------------------------------------------------------------------------------------------

NO_NETWORK = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by \
'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f4>: Failed to establish a new \
connection: [Errno -3] Temporary failure in name resolution')': /simple/anyio/
ERROR: Could not find a version that satisfies the requirement anyio==4.16.0 (from versions: none)
ERROR: No matching distribution found for anyio==4.16.0
"""
FULL_DISK = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
IGNORED = "WARNING: Location 'file:///srv/simple/anyio/' is ignored: it is neither a file nor a directory.\n"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (NO_NETWORK, "check the internet connection"),
        ("socket.gaierror: [Errno 11001] getaddrinfo failed", "check the internet connection"),
        ("ReadTimeoutError(\"HTTPSConnectionPool(host='packages.example.org'): Read timed out.\")", "internet"),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))", "HTTPS_PROXY"),
        (FULL_DISK, "free about 3 GB"),
        (NO_NETWORK + FULL_DISK, "free about 3 GB"),
        ("OSError: [WinError 112] There is not enough space on the disk", "free about 3 GB"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] self-signed'))", "PIP_CERT"),
        ("ERROR: [Errno 13] Permission denied: '/course/.venv/lib/x'", "cannot be written to"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no ready-made torch==2.13.0 for this computer"),
        (IGNORED + "error: metadata-generation-failed", "The installation failed"),
    ],
)
def test_a_failed_pip_is_explained_in_one_sentence(start, output, words):
    sentence = start.explain(output)
    assert words in sentence and "\n" not in sentence


def pip_lines(start, *lines, total=3, installed=lambda: 0):
    progress = start.Progress(total, installed, mock.Mock(isatty=lambda: False))
    for line in lines:
        progress.read(line + "\n")
    return progress.now()


def test_progress_begins_with_the_whole_lock(start):
    assert pip_lines(start) == ("preparing", 0, 3, "")


def test_pins_for_other_systems_do_not_count(start):
    line = "Ignoring appnope: markers 'sys_platform == \"darwin\"' don't match your environment"
    assert pip_lines(start, line) == ("preparing", 0, 2, "")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Collecting argon2-cffi-bindings==26.2.0 (from -r requirements.lock (line 8))", "argon2-cffi-bindings"),
        ("  Obtaining dependency information for anyio==4.16.0 from https://a/b.whl.metadata", ""),
        ("Requirement already satisfied: setuptools==84.2.1 in ./.venv/lib (from -r requirements.lock)", "setuptools"),
        ("Processing /srv/torch-2.13.0+cpu-cp311-cp311-linux.whl (from -r /srv/requirements.lock (line 119))", "torch"),
        (r"Processing c:\wheels\python_dateutil-4.0.0-py3-none-any.whl", "python-dateutil"),
        (IGNORED.strip(), ""),
        ("Looking in indexes: https://packages.example.org/simple, file:///srv/simple", ""),
    ],
)
def test_progress_knows_the_package_of_a_line(start, line, name):
    stage, done, _, current = pip_lines(start, line)
    assert (stage, done, current) == (("finding", 1, name) if name else ("preparing", 0, ""))


def test_packages_that_are_downloaded_as_they_are_found_count_once(start):
    lines = [
        "Collecting jupyter-core==5.9.1 (from -r requirements.lock (line 50))",
        "  Downloading jupyter_core-5.9.1-py3-none-any.whl (29 kB)",
        "Collecting numpy==2.4.6",
        "  Using cached numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl (16.9 MB)",
    ]
    assert pip_lines(start, *lines) == ("finding", 2, 3, "numpy")


def test_downloads_after_all_were_found_count_anew(start):
    lines = [
        "Collecting anyio==4.16.0",
        "  Downloading anyio-4.16.0-py3-none-any.whl.metadata (4.5 kB)",
        "Collecting torch==2.13.0",
        "  Downloading torch-2.13.0-cp311-none-macosx_11_0_arm64.whl.metadata (30 kB)",
        "Downloading anyio-4.16.0-py3-none-any.whl (110 kB)",
    ]
    assert pip_lines(start, *lines) == ("downloading", 1, 3, "anyio")


def test_a_silent_network_is_seen_while_pip_tries_again(start):
    assert pip_lines(start, "Collecting anyio==4.16.0", *NO_NETWORK.splitlines()[:1])[-1] == "(no answer, trying again)"


def test_installing_is_counted_where_the_packages_arrive(start):
    there = iter([5, 5, 6, 7, 8])
    progress = start.Progress(3, lambda: next(there), mock.Mock(isatty=lambda: False))
    progress.read("Installing collected packages: anyio, numpy, torch\n")
    assert [progress.now() for _ in range(4)] == [
        ("installing", 0, 3, "anyio"),
        ("installing", 1, 3, "numpy"),
        ("installing", 2, 3, "torch"),
        ("installing", 3, 3, "torch"),
    ]


def test_a_file_gets_whole_lines_and_a_terminal_one_line(start):
    file, terminal = mock.Mock(isatty=lambda: False), mock.Mock(isatty=lambda: True)
    for stream in (file, terminal):
        progress = start.Progress(3, lambda: 0, stream)
        progress.show()
        progress.show()
        progress.close()
    written = {stream: "".join(call.args[0] for call in stream.write.mock_calls) for stream in (file, terminal)}
    assert written[file].count("\n") == 1 and "\r" not in written[file]
    assert "\n" not in written[terminal] and written[terminal].endswith(" \r")


def test_pip_keeps_a_log_and_tells_the_problem(start, venv, capsys, monkeypatch):
    """A stand-in for pip that prints what pip prints on a full disk."""
    monkeypatch.setattr(start, "venv_program", lambda _: stand_in)
    stand_in = start.ROOT / ("pip.bat" if os.name == "nt" else "pip.sh")
    said = start.ROOT / "said.txt"
    said.write_text(IGNORED + FULL_DISK)
    script = '@type "{}"\n@exit 1\n' if os.name == "nt" else "#!/bin/sh\ncat '{}'\nexit 1\n"
    stand_in.write_text(script.format(said))
    stand_in.chmod(0o755)
    with pytest.raises(start.Problem, match="disk is too full"):
        start.pip(None, "-r", "requirements.lock")
    assert IGNORED in start.LOG.read_text() and FULL_DISK in start.LOG.read_text()
    shown = capsys.readouterr().out
    assert str(start.LOG) in shown and FULL_DISK in shown and IGNORED not in shown


def test_pip_keeps_the_settings_of_its_user(start, venv, monkeypatch):
    """Mirrors, proxies and certificates come from PIP_* and pip's own files: no option may set them aside."""
    with mock.patch.object(start.subprocess, "Popen", side_effect=InterruptedError) as popen:
        with pytest.raises(InterruptedError):
            start.pip(None, "-r", "requirements.lock")
    assert "env" not in popen.call_args.kwargs
    assert not {"--isolated", "--no-index", "--find-links", "--index-url"} & set(popen.call_args.args[0])


def test_lines_arrive_while_others_are_waited_for(start):
    code = "import sys, time; print('one', flush=True); time.sleep(0.4); print('two')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        seen = list(start.lines_and_waits(process.stdout, 0.1))
    assert [line for line in seen if line] == ["one\n", "two\n"]
    assert None in seen[seen.index("one\n") : seen.index("two\n")]


# --- The browser for the tests ---------------------------------------------------------------------------------------


def browsers(system, there, environ=None):
    return prove.installed_browsers(
        system, environ or {}, which=lambda name: f"/usr/bin/{name}", exists=lambda path: path in there
    )


def test_chromium_is_preferred_to_chrome():
    there = {"/usr/bin/google-chrome", "/usr/bin/chromium", "/usr/bin/chromium-browser"}
    assert browsers("Linux", there) == ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]


def test_a_named_browser_comes_first_where_it_exists():
    named = {"COURSE_CHROMIUM": "/opt/browser"}
    assert browsers("Linux", {"/opt/browser", "/usr/bin/chromium"}, named)[0] == "/opt/browser"
    assert browsers("Linux", {"/usr/bin/chromium"}, named) == ["/usr/bin/chromium"]


def test_usual_places_on_macos_and_windows():
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    assert browsers("Darwin", {mac}) == [mac]
    assert browsers("Linux", {mac}) == []
    folders = {"PROGRAMFILES": "C:/P", "PROGRAMFILES(X86)": "C:/P86"}
    edge, chrome = "C:/P86/Microsoft/Edge/Application/msedge.exe", "C:/P/Google/Chrome/Application/chrome.exe"
    assert browsers("Windows", {edge, chrome}, folders) == [chrome, edge]


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(prove, "installed_browsers", lambda *_: [])
    monkeypatch.setattr(prove, "playwright_browser", lambda: "/no/such/browser")
    monkeypatch.setattr(prove.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(prove.os.path, "exists", lambda path: path == "/etc/debian_version")


def test_playwrights_own_then_debians_browser_is_tried(nothing_installed):
    with mock.patch.object(prove, "succeeds", return_value=False) as succeeds:
        assert prove.obtain_browser() is None
    tried = [" ".join(call.args[0]) for call in succeeds.mock_calls if "--version" not in call.args[0]]
    assert ["playwright install chromium" in tried[0], *tried[1:]] == [
        True,
        "apt-get update",
        "apt-get install -y --no-install-recommends chromium",
    ]


@pytest.mark.parametrize(("ci", "runs"), [("true", False), ("1", False), ("", True), ("false", True)])
def test_without_a_browser_only_ci_fails(nothing_installed, monkeypatch, capsys, ci, runs):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("COURSE_CHROMIUM", "/gone")
    with mock.patch.object(prove, "succeeds", return_value=False):
        with mock.patch.object(prove.subprocess, "call", return_value=0) as call:
            assert prove.main(["-k", "x"]) == (0 if runs else 1)
    assert call.called == runs
    if runs:
        assert "COURSE_CHROMIUM" not in call.call_args.kwargs["env"]
    assert "browser tests cannot run" in capsys.readouterr().out


def test_pytest_runs_on_two_processes_away_from_the_learners_workspace(monkeypatch):
    monkeypatch.setenv("COURSE_WORKSPACE", "/the/learners")
    with mock.patch.object(prove, "obtain_browser", return_value="/usr/bin/chromium"):
        with mock.patch.object(prove.subprocess, "call", return_value=5) as call:
            assert prove.main(["-x"]) == 5
    words, environment = call.call_args.args[0], call.call_args.kwargs["env"]
    assert words[1:5] == ["-m", "pytest", "-n", "2"] and words[-1] == "-x" and "--nbval-lax" in words
    assert environment["COURSE_CHROMIUM"] == "/usr/bin/chromium" and environment["OMP_NUM_THREADS"] == "1"
    assert environment["COURSE_WORKSPACE"] != "/the/learners"


def test_a_command_that_hangs_or_is_missing_does_not_succeed():
    assert prove.succeeds([sys.executable, "-c", ""], 30)
    assert not prove.succeeds([sys.executable, "-c", "raise SystemExit(1)"], 30)
    assert not prove.succeeds([sys.executable, "-c", "import time; time.sleep(9)"], 0.3)
    assert not prove.succeeds(["/no/such/program"], 30)
