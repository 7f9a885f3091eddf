"""Text that every CPython carries: its language reference to model, and docstrings to sort by kind of module.

Nothing is downloaded, and no module is imported that might do something: docstrings are read out of the source files by
`ast`. The texts differ from one version of Python to the next; one version gives the same wherever it is complete.

Licence of both: Python Software Foundation License Version 2.
"""

import ast
import functools
import inspect
import re
import sysconfig
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Int

from course_lib.checking import Array, Bounds, Count, checked
from course_lib.data.characters import Characters
from course_lib.data.splits import Splits, apportion, place, without_near_repeats

Seed = Annotated[int, Bounds(least=0)]
TEXT_VALIDATION = TEXT_TEST = 0.05
DOCSTRING_VALIDATION, DOCSTRING_TEST = 0.05, 0.12
PARAGRAPH_END = re.compile(r"\n(?:[ \t]*\n)+")

# The kind of a module is the chapter of "The Python Standard Library" (3.11) that describes it; chapters with few
# docstrings go together with their neighbours. A private module has the kind of the public one that it serves.
KINDS = {
    # Text Processing Services; Binary Data Services; Internationalization
    "text": "string re difflib textwrap unicodedata stringprep rlcompleter codecs encodings locale gettext",
    # Data Types
    "data types": (
        "datetime _pydatetime _strptime zoneinfo calendar collections _collections_abc heapq bisect weakref "
        "_weakrefset types copy pprint reprlib enum graphlib"
    ),
    # Numeric and Mathematical Modules; Functional Programming Modules
    "numbers and functions": "numbers decimal _pydecimal _pylong fractions random statistics functools operator",
    # File and Directory Access; Data Compression and Archiving
    "files and archives": (
        "pathlib posixpath ntpath genericpath fileinput stat filecmp tempfile glob fnmatch linecache shutil gzip "
        "bz2 lzma zipfile tarfile _compression"
    ),
    # Data Persistence; File Formats; Structured Markup Processing Tools
    "data formats": (
        "pickle _compat_pickle pickletools copyreg shelve dbm sqlite3 csv configparser tomllib netrc xdrlib "
        "plistlib html _markupbase xml"
    ),
    # Internet Data Handling
    "mail and internet data": "email json mailbox mailcap mimetypes base64 quopri uu",
    # Internet Protocols and Support
    "internet protocols": (
        "webbrowser cgi cgitb wsgiref urllib nturl2path http ftplib poplib imaplib nntplib smtplib smtpd "
        "telnetlib uuid socketserver xmlrpc ipaddress"
    ),
    # Concurrent Execution; Networking and Interprocess Communication
    "concurrency and sockets": (
        "threading _threading_local multiprocessing concurrent subprocess sched queue contextvars asyncio socket "
        "ssl selectors signal asyncore asynchat"
    ),
    # Development Tools; Debugging and Profiling; Software Packaging and Distribution
    "development tools": (
        "typing pydoc doctest unittest bdb pdb _pyrepl profile cProfile pstats timeit trace tracemalloc zipapp"
    ),
    # Python Runtime Services; Custom Python Interpreters; Importing Modules; Python Language Services
    "runtime and language": (
        "sysconfig _osx_support _aix_support warnings dataclasses contextlib abc _py_abc traceback __future__ "
        "inspect site _sitebuiltins code codeop zipimport pkgutil modulefinder runpy importlib imp ast symtable "
        "token tokenize keyword tabnanny pyclbr py_compile compileall dis opcode"
    ),
    # Generic Operating System Services; Cryptographic Services; Unix Specific Services; Program Frameworks
    "operating system": (
        "os io _pyio optparse argparse getopt logging getpass curses platform ctypes pty tty pipes crypt hashlib "
        "hmac secrets cmd shlex"
    ),
}
LABELS = tuple(KINDS)

SHORTEST = 12  # characters; and three different words, so that there is something to tell the kind by
FEWEST_WORDS = 3
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
HOLDS_STATEMENTS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.ExceptHandler)
NOT_THE_LIBRARY = frozenset({"test", "tests", "_vendor", "__pycache__"})

TEXTS = {
    "no topics": "this Python has no pydoc_data.topics, the text of its language reference: install the complete "
    "standard library, or use Python from python.org",
    "no sources": "{folder} holds no source files of the standard library: use a Python that comes with its sources, "
    "such as the one from python.org",
    "short": "ids has shape {shape}; expected (length,) with more than seq_len = {seq_len} ids",
}


def paragraphs(text: str) -> list[str]:
    """Split a text where lines are empty.

    Args:
        text: str.

    Returns:
        list of str, none of them blank, each as it stood.
    """
    return [part.strip("\n") for part in PARAGRAPH_END.split(text) if part.strip()]


@functools.cache
def text() -> Splits:
    """The language reference of this Python, `pydoc_data.topics`, for a language model.

    Topics repeat each other's paragraphs, word for word or nearly. Each is kept once (see `without_near_repeats`), and
    a topic stays whole on one side: otherwise a model would be praised for what it has read before.

    Returns:
        `Splits` of str: about 90% train, 5% validation, 5% test; paragraphs are separated by one empty line.

    Raises:
        RuntimeError: this Python came without the text.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise RuntimeError(TEXTS["no topics"]) from None
    found = [(topic, part) for topic in sorted(topics) for part in paragraphs(topics[topic])]
    by_topic = {}
    for number in without_near_repeats([part for _, part in found]):
        topic, part = found[number]
        by_topic.setdefault(topic, []).append(part)
    sizes = {topic: sum(map(len, parts)) for topic, parts in by_topic.items()}
    sides = apportion(sizes, validation=TEXT_VALIDATION, test=TEXT_TEST)
    return Splits(
        *(
            "\n\n".join(part for topic in by_topic if sides[topic] == side for part in by_topic[topic])
            for side in Splits._fields
        )
    )


@functools.cache
def vocabulary() -> Characters:
    """The characters of `text()`, all three splits.

    Returns:
        `Characters`.
    """
    return Characters("".join(text()))


@checked
def windows(
    ids: Int[Array, " length"], batch_size: Count, seq_len: Count, num_batches: Count, seed: Seed = 0
) -> Iterator[tuple[Int[Array, "batch seq_len"], Int[Array, "batch seq_len"]]]:
    """Cut windows out of a long sequence at random places, each with the same one step later: what to predict.

    Args:
        ids: the text's token ids.
        batch_size: windows a batch.
        seq_len: ids a window; length > seq_len.
        num_batches: how many batches.

    Yields:
        (inputs, targets), int64; targets[:, i] comes right after inputs[:, i].

    Raises:
        ValueError: a text that is not longer than a window.
    """
    ids = ids.astype(np.int64)
    if len(ids) <= seq_len:
        raise ValueError(TEXTS["short"].format(shape=ids.shape, seq_len=seq_len))
    rng = np.random.default_rng(seed)
    starts = rng.integers(len(ids) - seq_len, size=(num_batches, batch_size, 1))  # (batches, batch, 1)
    every = np.lib.stride_tricks.sliding_window_view(ids, seq_len + 1)  # (places, seq_len + 1)
    cuts = (every[batch[:, 0]] for batch in starts)  # (batch, seq_len + 1)
    return ((cut[:, :-1].copy(), cut[:, 1:].copy()) for cut in cuts)


class Docstring(NamedTuple):
    """One docstring of the standard library.

    Attributes:
        text: without its indentation.
        label: index into `LABELS`, the kind of the module.
        name: where it stands, such as "email.message.Message.get_payload".
        module: the file it stands in, such as "email.message".
    """

    text: str
    label: int
    name: str
    module: str


def docstrings() -> Splits:
    """Docstrings of the standard library, labelled by the kind of module that they stand in.

    **The label** is the chapter of the library's manual that describes the module (`KINDS`), so it was given to modules
    by hand, and to docstrings only through them. It is a weak label: nobody judged single docstrings, and many
    ("Return the number of items.") could stand anywhere. No classifier can reach 100%.

    **The split** keeps a module, that is a file, on one side, kind by kind. Of docstrings that nearly repeat each other
    (see `without_near_repeats`) only the first is in the data at all. Modules of one package may be on two sides:
    what is tested is a new module, not a new package.

    **Left out** are tests, vendored code, modules without a kind, and what many systems install apart from Python
    (tkinter, turtle, idlelib, lib2to3, distutils, ensurepip, venv), so that the same version gives the same data
    everywhere.

    Returns:
        `Splits` of lists of `Docstring`, the caller's own, each well shuffled: the first 300 of train are a fair
        sample.

    Raises:
        RuntimeError: this Python came without its sources.
    """
    return Splits(*map(list, _docstrings()))


@functools.cache
def _docstrings():
    kind_of = {module: label for label, modules in enumerate(KINDS.values()) for module in modules.split()}
    found = []
    for path, module in _sources():
        label = kind_of.get(module.partition(".")[0])
        if label is not None:
            found += [Docstring(text, label, name, module) for name, text in _docstrings_of(path, module)]
    if not found:
        raise RuntimeError(TEXTS["no sources"].format(folder=sysconfig.get_path("stdlib")))
    found = [found[number] for number in without_near_repeats([one.text for one in found])]

    sides = {}
    for label in range(len(LABELS)):
        sizes = {}
        for one in found:
            if one.label == label:
                sizes[one.module] = sizes.get(one.module, 0) + 1
        sides |= apportion(sizes, validation=DOCSTRING_VALIDATION, test=DOCSTRING_TEST)
    found.sort(key=lambda one: (place(one.name + "\n" + one.text), one))
    return Splits(*([one for one in found if sides[one.module] == side] for side in Splits._fields))


def _sources():
    """The source files of the standard library with their modules' names, in a fixed order."""
    folder = Path(sysconfig.get_path("stdlib"))
    for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).parts):
        parts = path.relative_to(folder).with_suffix("").parts
        if parts[0] not in ("site-packages", "dist-packages") and NOT_THE_LIBRARY.isdisjoint(parts):
            yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _docstrings_of(path, module):
    """The docstrings of a file, with the names of what they describe."""
    try:
        with warnings.catch_warnings(), tokenize.open(path) as file:
            warnings.simplefilter("ignore")  # invalid escapes in somebody else's source are not our reader's business
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return
    todo: list[tuple[str, ast.AST]] = [(module, tree)]
    while todo:
        name, node = todo.pop()
        if isinstance(node, DOCUMENTED):
            text = ast.get_docstring(node, clean=False)
            text = inspect.cleandoc(text).strip() if text else ""
            if len(text) >= SHORTEST and len(set(re.findall(r"\w+", text.lower()))) >= FEWEST_WORDS:
                yield name, text
        for child in reversed(list(ast.iter_child_nodes(node))):
            if isinstance(child, DOCUMENTED):
                todo.append((f"{name}.{child.name}", child))  # pyrefly: ignore[missing-attribute]: a module is no child
            elif isinstance(child, HOLDS_STATEMENTS):
                todo.append((name, child))
