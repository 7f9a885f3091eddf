"""The files of the corpora: pinned to a commit and a checksum, from one's own copy, the cache or the internet, and as lines.

A file that is incomplete or was changed is refused and fetched again; what is read is what was checked.
"""

import functools
import gzip
import hashlib
import os
import tempfile
import unicodedata
from pathlib import Path
from typing import Any, NamedTuple

FOLDER_VARIABLE = "COURSE_DATA"
CACHE_NAME = "attention-course"
CONNECT_SECONDS, READ_SECONDS = 10, 60
CHUNK = 2**16  # bytes
RETRIES = 1  # once more after a broken connection or a wrong file

GITHUB = "https://raw.githubusercontent.com"
MULTI30K = f"{GITHUB}/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw"
TATOEBA = f"{GITHUB}/s7777/BulgarianToEnglish/6bd125b9ade7fefbced89943e06f6c7c7e5381a5"
POLARITY = f"{GITHUB}/yoonkim/CNN_sentence/23e0e1f7355705bb083043fda05c031b15acb38c"


class Source(NamedTuple):
    """Where a file comes from, and what it must be.

    Attributes:
        url: https address, pinned to a commit.
        size: bytes.
        sha256: 64 hexadecimal digits.
    """

    url: str
    size: int
    sha256: str


FILES = {
    "multi30k/train.de.gz": Source(
        f"{MULTI30K}/train.de.gz", 637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"
    ),
    "multi30k/train.en.gz": Source(
        f"{MULTI30K}/train.en.gz", 568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"
    ),
    "multi30k/val.de.gz": Source(
        f"{MULTI30K}/val.de.gz", 24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"
    ),
    "multi30k/val.en.gz": Source(
        f"{MULTI30K}/val.en.gz", 21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"
    ),
    "multi30k/test_2016_flickr.de.gz": Source(
        f"{MULTI30K}/test_2016_flickr.de.gz", 22_890, "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8"
    ),
    "multi30k/test_2016_flickr.en.gz": Source(
        f"{MULTI30K}/test_2016_flickr.en.gz", 21_077, "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9"
    ),
    "tatoeba/bul.txt": Source(
        f"{TATOEBA}/bul.txt", 2_493_041, "34c33d6bf58d6c90c4a739f062e710376022ab723fb5a84710866d78c545b7f1"
    ),
    "polarity/rt-polarity.neg": Source(
        f"{POLARITY}/rt-polarity.neg", 612_256, "4ace77d558c3714723843f1d65b60c01e3417b208180f0728808d76ad0eeeaca"
    ),
    "polarity/rt-polarity.pos": Source(
        f"{POLARITY}/rt-polarity.pos", 626_139, "2da124ec187a9d5a29c9f04e91c540e02baed5af8868f550a26bd6fd4dbf8bf0"
    ),
}

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # stands where bytes were no text

TEXTS = {
    "unknown file": "there is no file {name!r}; the files are: {names}",
    "not fetched": "{name} could not be downloaded ({reason}): connect to the internet and try again, or set "
    "{variable} to a folder that holds a copy of it.",
    "wrong file": "{name} is not the file that the course was made with, it was damaged or changed on the way from "
    "{url}: try again later, or set {variable} to a folder that holds a copy of it.",
    "not in folder": "{path} can't be read ({reason}): put a copy of {url} there, or unset {variable} to download it.",
    "wrong in folder": "{path} is incomplete or was changed, its SHA-256 does not fit: put a copy of {url} there, or "
    "unset {variable} to download it.",
}


class CorpusError(OSError):
    """A corpus can't be had; the message says in one sentence why, and what to do."""


def cache_folder() -> Path:
    """Where downloads are kept: the user's cache folder of this operating system; for a user without a home, a temporary one.

    Returns:
        Path.
    """
    import pooch

    try:
        return Path(pooch.os_cache(CACHE_NAME))
    except RuntimeError:  # neither HOME nor a name for the user's number, as in some containers
        return Path(tempfile.gettempdir()) / CACHE_NAME


def copy_folder() -> Path | None:
    """The folder of one's own copies, which the environment variable `COURSE_DATA` names.

    Returns:
        Path, or None where the variable is not set, or empty.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    return Path(os.path.expanduser(folder)) if folder else None


def read(name: str) -> bytes:
    """The bytes of a corpus file, from `COURSE_DATA`, the cache or the internet, with their checksum proved.

    Args:
        name: one of `FILES`, such as "tatoeba/bul.txt".

    Returns:
        bytes.

    Raises:
        ValueError: an unknown name.
        CorpusError: the file is in none of these places, or is not the one it should be.
    """
    if name not in FILES:
        raise ValueError(TEXTS["unknown file"].format(name=name, names=", ".join(FILES)))
    source = FILES[name]
    folder = copy_folder()
    path = folder / name if folder else _fetch(name, source)
    about = {"name": name, "path": path, "url": source.url, "variable": FOLDER_VARIABLE}
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(TEXTS["not in folder"].format(**about, reason=error.strerror or error)) from None
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise CorpusError(TEXTS["wrong in folder" if folder else "wrong file"].format(**about))
    return content


def _fetch(name, source):
    """The path of a file in the cache, downloaded if it is not there or not right."""
    import pooch
    import requests

    about = {"name": name, "url": source.url, "variable": FOLDER_VARIABLE}
    cache = pooch.create(
        path=cache_folder(),
        base_url="",
        registry={name: f"sha256:{source.sha256}"},
        urls={name: source.url},
        retry_if_failed=RETRIES,
    )
    downloader: Any = functools.partial(_download, size=source.size)
    log = pooch.get_logger()
    level = log.level
    log.setLevel("ERROR")  # graders take a line on the error stream for a failure
    try:
        return Path(cache.fetch(name, downloader=downloader))
    except requests.RequestException as error:
        raise CorpusError(TEXTS["not fetched"].format(**about, reason=_in_words(error))) from None
    except ValueError:  # what pooch says when the checksum does not fit
        raise CorpusError(TEXTS["wrong file"].format(**about)) from None
    except OSError as error:  # the disk is full, or the cache can't be written
        raise CorpusError(TEXTS["not fetched"].format(**about, reason=error.strerror or error)) from None
    finally:
        log.setLevel(level)


def _download(url, file, cache, size):
    """Write what a server sends into a file, and stop where it is longer than it should be: some send for ever."""
    import requests

    left = size + 1  # one byte too many is enough for the checksum not to fit
    with requests.get(url, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response, open(file, "wb") as out:
        response.raise_for_status()
        for part in response.iter_content(CHUNK):
            left -= out.write(part[:left])
            if not left:
                break


def _in_words(error):
    if error.response is not None:
        return f"the server answered {error.response.status_code}"
    return "no connection" if type(error).__name__ == "ConnectionError" else type(error).__name__


def lines(name: str, encoding: str = "utf-8") -> list[str]:
    """The lines of a corpus file as they stand, but for bytes that are no text in this encoding: U+FFFD marks them.

    Args:
        name: one of `FILES`; what ends in .gz is unpacked.
        encoding: of the file.

    Returns:
        list of str.
    """
    content = read(name)
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    # Lines end at \n alone: str.splitlines also splits at U+2028 and its like, and translations would shift.
    text = content.decode(encoding, errors="replace").removesuffix("\n")
    return text.split("\n") if text else []


def clean(text: str) -> str:
    """Text that prints: control characters and all kinds of spaces become single spaces, what is invisible goes.

    Args:
        text: str, from anywhere.

    Returns:
        str without control, formatting (zero-width, text direction), unassigned, private or replacement characters,
        and without space at either end.
    """
    if not text.isprintable() or REPLACEMENT in text:
        text = "".join(map(_printable, text))
    return " ".join(part for part in text.split(" ") if part)


def _printable(character):
    category = unicodedata.category(character)
    if category == "Cc" or category.startswith("Z"):
        return " "
    return "" if category.startswith("C") or character == REPLACEMENT else character
