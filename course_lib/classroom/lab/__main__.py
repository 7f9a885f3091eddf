"""`python -m course_lib.classroom.lab [--no-browser] [--port N] [-- OPTION...]` starts JupyterLab for the course."""

import argparse
import sys

from course_lib.classroom.lab import PortTaken, launch

TEXTS = {"not started": "JupyterLab was not started: {problem}"}


def main(arguments):
    """Start JupyterLab as the command line says; what follows `--` goes on to `jupyter lab`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="python -m course_lib.classroom.lab", description=__doc__)
    parser.add_argument("--no-browser", action="store_true", help="open no browser; the address is printed")
    parser.add_argument("--port", type=int, metavar="N", help="use this port and no other")
    chosen = parser.parse_args(arguments[:end])
    try:
        return launch(chosen.port, not chosen.no_browser, extra=arguments[end + 1 :])
    except (PortTaken, FileNotFoundError) as problem:
        print(TEXTS["not started"].format(problem=problem), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
