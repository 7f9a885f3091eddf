"""`python -m course_lib.lab [--no-browser] [--port N] [-- OPTION...]` starts JupyterLab for the course."""

import argparse
import sys

from course_lib.lab import PortTaken, launch


def main(arguments: list[str]) -> int:
    """Start JupyterLab as the command line says; the options after `--` go on to `jupyter lab`."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="python -m course_lib.lab", description=__doc__)
    parser.add_argument("--no-browser", action="store_true", help="open no browser; the address is printed")
    parser.add_argument("--port", type=int, metavar="N", help="use this port and no other")
    chosen = parser.parse_args(arguments[:split])
    try:
        return launch(chosen.port, not chosen.no_browser, extra=arguments[split + 1 :])
    except PortTaken as problem:
        print(f"JupyterLab was not started: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
