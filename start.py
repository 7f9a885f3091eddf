"""Set up the course and open it. Needs nothing but Python 3.11 or newer.

    python3 start.py                             set up (minutes, the first time only) and open JupyterLab
    python3 start.py --no-browser --port 8899    the same on a remote computer, without opening a browser
    python3 start.py -- OPTION...                the options go on to `jupyter lab`
    python3 start.py setup                       set up, and no more
    python3 start.py test [--quick] [OPTION...]  set up and prove everything; --quick: what a change most often breaks

Everything goes into the folder `.venv` beside this file; delete that folder to begin again. course_lib/classroom/install.py does
the work. This file is kept readable for Pythons as old as 2.7, so that those get a sentence and not a SyntaxError.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    have = ".".join(map(str, sys.version_info[:3]))
    sys.exit(
        "The course needs Python 3.11 or newer and this is Python " + have + ": install a newer one from "
        "https://www.python.org/downloads/ and start again with it."
    )

import argparse
import io
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent

try:
    from course_lib.classroom.install import Problem, say, sentence, set_up, venv_program
except ImportError:
    sys.exit("course_lib is missing, so this is not a complete copy of the course: clone or download it again.")


def hand_over(*arguments):
    """Let .venv's Python go on from here; returns its exit code, where this process does not become that one."""
    command = [str(venv_program("python"))] + [str(argument) for argument in arguments]
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)  # Ctrl-C and signals go straight to it then
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it got the same Ctrl-C and is ending
            continue


def begin_in_utf8():
    """Begin again in UTF-8 where names of files have another encoding, such as that of LC_ALL=C, which knows few letters."""
    if sys.getfilesystemencoding() != "utf-8":
        if not str(ROOT).isascii():
            say("utf8")
        os.environ["PYTHONUTF8"] = "1"
        os.execl(sys.executable, sys.executable, *sys.argv)


def port(text):
    """The number of a port; no other text is one, and the parser says so."""
    return range(2**16).index(int(text))


def check_options(options):
    """End with a sentence where these are no options, before anything is installed; returns the word among them."""
    parser = argparse.ArgumentParser(
        prog="start.py", usage=argparse.SUPPRESS, description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("word", nargs="?", choices=["setup", "test"], help=argparse.SUPPRESS)
    parser.add_argument("--no-browser", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=port, help=argparse.SUPPRESS)
    return parser.parse_args(options[: options.index("--")] if "--" in options else options).word


def main(arguments):
    """Do what the command line asks for; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not where a caller has put something else in its place
            stream.reconfigure(errors="replace")  # a path may have letters that the terminal has not
    word = "test" if arguments[:1] == ["test"] else check_options(arguments)  # the options of a test are pytest's
    try:
        set_up()
        if word == "setup":
            return 0
        if word == "test":
            return hand_over(ROOT / "tests" / "prove.py", *arguments[1:])
        say("opening")
        return hand_over("-P", "-m", "course_lib.classroom.lab", *arguments)  # -P: a random.py beside it does not count
    except Problem as problem:
        sys.stderr.write(str(problem) + "\n")
    except KeyboardInterrupt:
        sys.stderr.write("\n" + sentence("stopped") + "\n")
    return 1


if __name__ == "__main__":
    begin_in_utf8()
    sys.exit(main(sys.argv[1:]))
