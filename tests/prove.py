"""Run every test of the course: `python3 start.py test` sets up and comes here.

The browser tests need a Chromium. One that is installed is taken; else Playwright's own is downloaded; else Debian's
package is installed, where that is possible. The tests find it in COURSE_CHROMIUM and skip where that is not set.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = "-m pytest -n 2 --dist loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout=300".split()
# What a change most often breaks: without browsers, without running lessons, and without tests marked slow.
QUICK = ["tests/unit", "tests/mistakes", "tests/notebooks", "-m", "not slow", "--dist=load"]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
DOWNLOAD_SECONDS = 300

TEXTS = {
    "getting": "There is no Chromium for the browser tests; trying to get one.",
    "none": "There is no Chromium and none could be had, so the browser tests cannot run: install Chromium or Chrome, "
    "or name one in COURSE_CHROMIUM.",
}


def installed_browsers(system, environ, which=shutil.which, exists=os.path.isfile):
    """List the browsers on this computer that the tests can drive.

    Args:
        system: as `platform.system()` says it.
        environ: environment variables; COURSE_CHROMIUM names a browser to use before all others.
        which: finds a program by name.
        exists: tells whether a path is a file.

    Returns:
        Paths, the best first: Chromium, then Chrome, then Edge.
    """
    programs = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"]
    paths = [environ.get("COURSE_CHROMIUM"), *map(which, programs)]
    if system == "Darwin":
        apps = ["Chromium", "Google Chrome", "Microsoft Edge"]
        paths += [f"/Applications/{app}.app/Contents/MacOS/{app}" for app in apps]
    if system == "Windows":
        folders = [environ.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
        files = ["Chromium/Application/chrome.exe", "Google/Chrome/Application/chrome.exe"]
        files += ["Microsoft/Edge/Application/msedge.exe"]
        paths += [f"{folder}/{file}" for file in files for folder in folders if folder]
    return [path for path in paths if path and exists(path)]


def succeeds(command, seconds):
    """Return whether a command ends well within so many seconds."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.run(command, timeout=seconds, env=environment, **silent).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwright_browser():
    """Return where Playwright keeps its own Chromium, whether it is there or not."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def find_browser():
    """Return the path of a Chromium that runs on this computer, or None."""
    for path in [*installed_browsers(platform.system(), os.environ), playwright_browser()]:
        # Windows' browsers know no --version. Elsewhere it tells placeholders such as Ubuntu's chromium-browser.
        runs = os.path.isfile(path) if platform.system() == "Windows" else succeeds([path, "--version"], 30)
        if runs:
            return path
    return None


def obtain_browser():
    """Return a Chromium, downloading or installing one where there is none; None if that fails too."""
    browser = find_browser()
    if browser is None:
        print(TEXTS["getting"], flush=True)
        playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
        if not succeeds(playwright, DOWNLOAD_SECONDS) and os.path.exists("/etc/debian_version") and os.geteuid() == 0:
            succeeds(["apt-get", "update"], DOWNLOAD_SECONDS)
            succeeds(["apt-get", "install", "-y", "--no-install-recommends", "chromium"], DOWNLOAD_SECONDS)
        browser = find_browser()
    return browser


def main(options):
    """Run all tests, or those that the options for pytest name; returns pytest's exit code."""
    if "--quick" in options:
        options = [*QUICK, *(option for option in options if option != "--quick")]
    environment = os.environ | dict.fromkeys(THREADS, "1")  # two test processes share the processors
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    browser = obtain_browser()
    if browser is not None:
        environment["COURSE_CHROMIUM"] = browser
    else:
        environment.pop("COURSE_CHROMIUM", None)
        print(TEXTS["none"], flush=True)
        if os.environ.get("CI", "").lower() in ("1", "true"):
            return 1
    with tempfile.TemporaryDirectory(prefix="course-tests-", ignore_cleanup_errors=True) as workspace:
        environment["COURSE_WORKSPACE"] = workspace  # never the learner's own, whatever the options name
        return subprocess.call([sys.executable, *PYTEST, *options], cwd=ROOT, env=environment)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
