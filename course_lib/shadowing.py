"""A file of the learner's own may have the name of a package: beside a notebook, `numpy.py` is what `import numpy` finds.

Then the package is used all the same where that is still possible, and one sentence says which file hides what.
"""

import os
import sys

PACKAGES = ("site-packages", "dist-packages")
HERE = os.path.dirname(os.path.abspath(__file__))

TEXTS = {
    "hides": "{file} has the name of the package {package} and hides it from the notebooks beside it: give it another name.",
    "passed over": "{file} has the name of the package {package}. The package is used and your file is not: give it another "
    "name.",
    "loaded": "{file} has the name of the package {package} and was loaded in its place: give it another name, then restart "
    "the kernel.",
}


class HidesPackage(ImportError):
    """A learner's file was loaded in the place of a package; the message says which."""

    def _render_traceback_(self):  # all that a notebook shows of it
        return [str(self)]


def hiding(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Look for what hides a package from the notebooks in a folder.

    Args:
        folder: the folder they are in.

    Returns:
        Name of the package -> path of the file or folder that hides it.
    """
    folder = os.path.abspath(folder)
    try:
        own = {} if folder == os.path.dirname(HERE) else _modules(folder)  # the course's own folder hides nothing
    except OSError:  # no such folder, or not to be looked into
        own = {}
    if not own:
        return {}
    installed = {"course_lib"}
    for place in sys.path:
        if os.path.basename(place) in PACKAGES and os.path.isdir(place):
            installed |= {name.partition(".")[0] for name in os.listdir(place)}
    return {module: path for module, path in own.items() if module in installed}


def _modules(folder):
    """What Python can import from a folder: name -> path."""
    found = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        module, kind = os.path.splitext(name)
        if kind == ".py" or os.path.isfile(os.path.join(path, "__init__.py")):
            found[module] = path
    return found


def sentences(folder: str | os.PathLike[str]) -> list[str]:
    """Say what hides a package from the notebooks in a folder.

    Args:
        folder: the folder they are in.

    Returns:
        A sentence for each.
    """
    return [TEXTS["hides"].format(file=path, package=package) for package, path in hiding(folder).items()]


def make_way() -> None:
    """In a kernel whose folder hides a package: put that folder last among the places to import from, and say why.

    Raises:
        HidesPackage: too late, the learner's file was loaded as the package.
    """
    if "" not in sys.path:  # only a kernel or a prompt imports from the folder it is in
        return
    found = hiding(os.curdir)
    for package, path in found.items():
        loaded = getattr(sys.modules.get(package), "__file__", None)
        if package != "course_lib" and loaded and os.path.abspath(loaded).startswith(path):
            raise HidesPackage(TEXTS["loaded"].format(file=path, package=package))
    if found:
        sys.path.remove("")
        sys.path.append("")
        for package, path in found.items():
            _say(TEXTS["passed over"].format(file=path, package=package))


def _say(sentence):
    """Print at the end of the cell that runs, or of the first one: before it, nobody listens to a kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        print(sentence, file=sys.stderr)
        return

    def once(*_):
        shell.events.unregister("post_run_cell", once)
        print(sentence, file=sys.stderr)

    shell.events.register("post_run_cell", once)
