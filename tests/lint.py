"""Check the form of all code: `python tests/lint.py`, and `python tests/lint.py --fix` mends what tools can mend.

Python: ruff (rules, order of imports, format) and pyrefly (types). JavaScript and CSS: Biome (rules, order of imports,
format), TypeScript (types, from JSDoc) and Node's own runner of tests, for what needs no page. What cannot be had here is
skipped with a sentence, but in CI it fails.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_TOOLS = Path(sys.executable).parent
NODE_TOOLS = ROOT / "node_modules" / ".bin"

# What is checked: the folder of the tool, how it checks and, where it can, how it mends.
CHECKS = {
    "Python, rules": (PYTHON_TOOLS, "ruff check", "ruff check --fix"),
    "Python, format": (PYTHON_TOOLS, "ruff format --diff", "ruff format"),
    "Python, types": (PYTHON_TOOLS, "pyrefly check --summary=none", None),
    "JavaScript and CSS, rules and format": (
        NODE_TOOLS,
        "biome check --error-on-warnings",
        "biome check --error-on-warnings --write",
    ),
    "JavaScript, types": (NODE_TOOLS, "tsc", None),
    "JavaScript, tests": (None, "node --test --test-reporter=spec", None),
}
TESTS = "tests/js/*.test.js"

TEXTS = {
    "right": "{name}: right ({seconds:.1f} s)",
    "wrong": "{name}: see above ({seconds:.1f} s)",
    "skipped": "{name}: skipped: {how}",
    "missing": "{name}: cannot be checked: {how}",
    "no tool": "{tool} is not installed: {cure}",
    "python": 'run `{python} -m pip install -e ".[dev]"`.',
    "node": "run `npm ci` in the folder of the course.",
    "no node": "install Node.js 20 or newer from https://nodejs.org, then run `npm ci` in the folder of the course.",
    "mend": "What concerns rules and format is mostly mended by `python tests/lint.py --fix`.",
}


def in_ci():
    """Whether this runs in CI, where everything must be there."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def find(tool, folder):
    """Return the path of a tool, or None; the Node that Playwright brings runs tests as well as another."""
    found = shutil.which(tool, path=folder)
    if found is None and tool == "node":
        package = importlib.util.find_spec("playwright")
        places = [] if package is None else package.submodule_search_locations
        found = shutil.which("node", path=os.pathsep.join(str(Path(place, "driver")) for place in places))
    return found


def cure(folder):
    """Say how to get the tools of a folder."""
    if folder == PYTHON_TOOLS:
        return TEXTS["python"].format(python=sys.executable)
    return TEXTS["node" if shutil.which("npm") else "no node"]


def check(name, fix):
    """Run one check and say how it went; returns whether it may stay so."""
    folder, checking, mending = CHECKS[name]
    tool, *options = (mending if fix and mending else checking).split()
    program = find(tool, folder)
    if program is None:
        how = TEXTS["no tool"].format(tool=tool, cure=cure(folder))
        print(TEXTS["missing" if in_ci() else "skipped"].format(name=name, how=how), flush=True)
        return not in_ci()
    if tool == "pyrefly":
        options += ["--python-interpreter-path", sys.executable]  # whose packages the code is checked against
    if tool == "node":
        options += sorted(str(path) for path in ROOT.glob(TESTS))
    began = time.perf_counter()
    is_right = subprocess.run([program, *options], cwd=ROOT).returncode == 0
    print(TEXTS["right" if is_right else "wrong"].format(name=name, seconds=time.perf_counter() - began), flush=True)
    return is_right


def main(options):
    """Check everything, or mend what can be mended and then check; returns 0 where all is right, else 1."""
    parser = argparse.ArgumentParser(prog="tests/lint.py", description=__doc__.splitlines()[0])
    parser.add_argument("--fix", action="store_true", help="mend what the tools can mend")
    fix = parser.parse_args(options).fix
    all_right = all([check(name, fix) for name in CHECKS])
    if not all_right and not fix:
        print(TEXTS["mend"])
    return 0 if all_right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
