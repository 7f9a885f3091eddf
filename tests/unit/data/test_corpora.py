import functools
import gzip
import hashlib
import http.server
import logging
import os
import re
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from course_lib.data import corpora, corpus_files
from course_lib.data.corpora import CorpusError

ROOT = Path(__file__).resolve().parents[3]
COPY = Path(os.environ.get("COURSE_DATA") or ROOT.parent / "shared" / "data")
needs_copy = pytest.mark.skipif(
    not COPY.is_dir(), reason="no copy of the corpora: set COURSE_DATA to the folder of one"
)

NAME = "tatoeba/bul.txt"
CONTENT = "Hi.\tЗдрасти.\tCC-BY #1 (CK)\nHi!\tЗдравей.\tCC-BY #2 (CK)\nWho?\tКой?\tCC-BY #3 (CK)\n".encode()


@pytest.fixture
def copy(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(COPY))


class Served(http.server.BaseHTTPRequestHandler):
    """Answers with the next of the server's answers, and goes on with the last one."""

    def do_GET(self):
        answers = self.server.answers
        status, promised, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.server.requests.append(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def log_message(self, *arguments):
        pass


def good(content=CONTENT):
    return 200, len(content), content


CUT_OFF = 200, len(CONTENT), CONTENT[:40]  # the connection ends in the middle
SHORTER = good(CONTENT[:40])  # the file itself is half
TAMPERED = good(CONTENT.replace(b"Hi.", b"Ho."))
MISSING = 404, 9, b"not found"


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server on this computer in place of the internet, with an empty cache and no copy."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        server.answers, server.requests = [good()], []
        threading.Thread(target=functools.partial(server.serve_forever, 0.02), daemon=True).start()
        offer(monkeypatch, server.server_address[1])
        monkeypatch.setattr(corpus_files, "cache_folder", lambda: tmp_path / "cache")
        yield server
        server.shutdown()


def offer(monkeypatch, port):
    address, checksum = f"http://127.0.0.1:{port}/commit/bul.txt", hashlib.sha256(CONTENT).hexdigest()
    source = corpus_files.Source(address, len(CONTENT), checksum)
    monkeypatch.setitem(corpus_files.FILES, NAME, source)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # what pooch does between two tries


def cached(tmp_path):
    return tmp_path / "cache" / "tatoeba" / "bul.txt"


# --- downloads -------------------------------------------------------------------------------------------------------


def test_a_file_is_fetched_once(server, tmp_path, capfd):
    assert corpus_files.read(NAME) == CONTENT
    assert corpus_files.read(NAME) == CONTENT
    assert server.requests == ["/commit/bul.txt"]
    assert cached(tmp_path).read_bytes() == CONTENT
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("damaged", [CONTENT[:50], b"", CONTENT + b"more", CONTENT.replace(b"Hi.", b"Ho.")])
def test_a_damaged_file_in_the_cache_is_fetched_again(server, tmp_path, damaged):
    cached(tmp_path).parent.mkdir(parents=True)
    cached(tmp_path).write_bytes(damaged)
    assert corpus_files.read(NAME) == CONTENT
    assert cached(tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.parametrize("first", [CUT_OFF, SHORTER, TAMPERED])
def test_what_arrives_damaged_is_fetched_once_more(server, tmp_path, first):
    server.answers = [first, good()]
    assert corpus_files.read(NAME) == CONTENT
    assert len(server.requests) == 2
    assert [path.name for path in cached(tmp_path).parent.iterdir()] == ["bul.txt"]  # no halves are left lying about


@pytest.mark.parametrize("always, message", [(SHORTER, "damaged or changed"), (TAMPERED, "damaged or changed")])
def test_what_stays_damaged_is_refused_and_not_kept(server, tmp_path, always, message):
    server.answers = [always]
    with pytest.raises(CorpusError, match=message) as caught:
        corpus_files.read(NAME)
    assert "COURSE_DATA" in str(caught.value) and "\n" not in str(caught.value)
    assert not cached(tmp_path).exists()
    server.answers = [good()]
    assert corpus_files.read(NAME) == CONTENT


def test_a_server_without_the_file_is_named(server):
    server.answers = [MISSING]
    with pytest.raises(CorpusError, match=r"tatoeba/bul.txt could not be downloaded \(the server answered 404\)"):
        corpus_files.read(NAME)


def test_a_server_that_never_ends_is_left_when_it_has_sent_too_much(monkeypatch, tmp_path):
    """Without a limit this would fill the disk; here it ends when the server has sent a thousand times the file."""
    sent = []

    class Endless(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(CONTENT * 1000)
                    sent.append(len(CONTENT) * 1000)
            except OSError:  # nobody listens any more
                pass

        def log_message(self, *arguments):
            pass

    kept = []
    monkeypatch.setattr(corpus_files, "cache_folder", lambda: tmp_path / "cache")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=functools.partial(server.serve_forever, 0.02), daemon=True).start()
        offer(monkeypatch, server.server_address[1])
        original = corpus_files._download

        def download(url, file, cache, size):
            original(url, file, cache, size)
            kept.append(os.path.getsize(file))

        monkeypatch.setattr(corpus_files, "_download", download)
        with pytest.raises(CorpusError, match="damaged or changed"):
            corpus_files.read(NAME)
        server.shutdown()
    assert kept == [len(CONTENT) + 1] * 2  # the second time is the one more try
    assert sum(sent) < 1000 * 1000 * len(CONTENT)
    assert not cached(tmp_path).exists()


def test_a_connection_that_always_breaks(server, tmp_path):
    server.answers = [CUT_OFF]
    with pytest.raises(CorpusError, match="could not be downloaded"):
        corpus_files.read(NAME)
    assert not cached(tmp_path).exists()


def test_offline_one_sentence_says_what_to_do(monkeypatch, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        offer(monkeypatch, free.getsockname()[1])
    monkeypatch.setattr(corpus_files, "cache_folder", lambda: tmp_path / "cache")
    with pytest.raises(CorpusError) as caught:
        corpora.tatoeba()
    assert str(caught.value) == (
        "tatoeba/bul.txt could not be downloaded (no connection): connect to the internet and try again, or set "
        "COURSE_DATA to a folder that holds a copy of it."
    )
    cached(tmp_path).parent.mkdir(parents=True, exist_ok=True)
    cached(tmp_path).write_bytes(CONTENT)
    assert corpus_files.read(NAME) == CONTENT  # what was fetched before serves offline


def test_a_cache_that_cannot_be_written(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(corpus_files, "cache_folder", lambda: tmp_path / "file" / "cache")
    with pytest.raises(CorpusError, match="could not be downloaded"):
        corpus_files.read(NAME)


def test_the_level_of_the_log_is_given_back(server):
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    corpus_files.read(NAME)
    assert pooch.get_logger().level == logging.WARNING


# --- a folder of one's own -------------------------------------------------------------------------------------------


def test_a_folder_is_read_in_place_of_the_internet(server, monkeypatch, tmp_path):
    (tmp_path / "tatoeba").mkdir()
    (tmp_path / NAME).write_bytes(CONTENT)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert corpus_files.read(NAME) == CONTENT
    assert server.requests == []


@pytest.mark.parametrize("damaged", [CONTENT[:50], CONTENT.replace(b"Hi.", b"Ho.")])
def test_a_damaged_file_in_a_folder_is_refused_and_left_alone(server, monkeypatch, tmp_path, damaged):
    (tmp_path / "tatoeba").mkdir()
    (tmp_path / NAME).write_bytes(damaged)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(CorpusError, match="its SHA-256 does not fit"):
        corpus_files.read(NAME)
    assert (tmp_path / NAME).read_bytes() == damaged and server.requests == []


@pytest.mark.parametrize("value, folder", [(None, None), ("", None), ("~/corpora", Path.home() / "corpora")])
def test_an_empty_variable_names_no_folder(server, monkeypatch, value, folder):
    if value is not None:
        monkeypatch.setenv("COURSE_DATA", value)
    assert corpus_files.copy_folder() == folder
    assert folder or corpus_files.read(NAME) == CONTENT


def test_a_folder_without_the_file_is_named(server, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(CorpusError, match=re.escape(str(tmp_path / NAME))) as caught:
        corpus_files.read(NAME)
    assert "unset COURSE_DATA" in str(caught.value) and server.requests == []


def test_only_known_files_are_read():
    with pytest.raises(ValueError, match="no file '../secret'"):
        corpus_files.read("../secret")


def test_every_file_is_pinned():
    for name, source in corpus_files.FILES.items():
        assert re.fullmatch(r"https://raw\.githubusercontent\.com/[\w-]+/[\w-]+/[0-9a-f]{40}/.+", source.url), name
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256), name
        assert source.url.endswith("/" + name.rpartition("/")[2])


# --- text from strangers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a\x00b\x1b[31mc\x7f", "a b [31mc"),
        ("  a \xa0\u2003 b\t\r", "a b"),
        ("left\u202eright\u200b\ufeff", "leftright"),
        ("line\u2028break\x85here", "line break here"),
        ("<b>markup</b> & text", "<b>markup</b> & text"),
        ("\ufffd\ue000\ud800x", "x"),
        ("Здрасти, Größe", "Здрасти, Größe"),
    ],
)
def test_what_does_not_print_goes(text, expected):
    assert corpus_files.clean(text) == expected


@pytest.mark.parametrize(
    "content, encoding, expected",
    [
        (
            "one\u2028still one\x0bstill\r\ntwo\x85\n\nfour".encode(),
            "utf-8",
            ["one still one still", "two", "", "four"],
        ),
        (b"", "utf-8", []),
        (b"caf\xe9\nna\xc3\xafve\n", "utf-8", ["caf", "naïve"]),
        (b"caf\xe9 \x81 \x97\n", "cp1252", ["café —"]),
    ],
)
def test_lines_end_where_files_say_and_bad_bytes_do_not_stop_the_reading(monkeypatch, content, encoding, expected):
    monkeypatch.setattr(corpus_files, "read", lambda name: gzip.compress(content) if name.endswith(".gz") else content)
    for name in ("tatoeba/bul.txt", "multi30k/val.de.gz"):
        assert [corpus_files.clean(line) for line in corpus_files.lines(name, encoding)] == expected


def test_rows_without_three_columns_are_left_out():
    rows = ["a\tб\tby x", "a\tб", "\tб\tby x", "a\tб\tby x\tmore", "", " c\x00 \t д\u200b \t by y "]
    assert dict(corpora._three_columns(rows)) == {("a", "б"): "by x", ("c", "д"): "by y"}


def test_pairs_that_share_a_sentence_are_connected():
    groups = corpora._connected([("a", "x"), ("b", "y"), ("a", "y"), ("c", "z"), ("d", "w"), ("d", "z")])
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert groups[3] == groups[4] == groups[5]


def test_translations_that_do_not_fit_are_refused(monkeypatch):
    found = {"multi30k/train.de.gz": b"eins\nzwei\n", "multi30k/train.en.gz": b"one\n"}
    monkeypatch.setattr(corpus_files, "read", lambda name: gzip.compress(found[name]))
    with pytest.raises(CorpusError, match="2 lines and its translation has 1"):
        corpora.multi30k()


@pytest.mark.parametrize("languages", [("de", "de"), ("en", "fr"), ("bg", "en"), (None, "en")])
def test_other_languages_are_refused(languages):
    with pytest.raises(ValueError, match="expected one each of 'de' and 'en'"):
        corpora.multi30k(*languages)


# --- the corpora themselves, where a copy is --------------------------------------------------------------------------


@needs_copy
def test_every_files_size_is_known():
    for name, source in corpus_files.FILES.items():
        assert (COPY / name).stat().st_size == source.size, name


@needs_copy
def test_multi30k_is_the_published_one(copy):
    parts = corpora.multi30k()
    assert [len(part) for part in parts] == [29_000, 1_014, 1_000]
    assert parts.train[0] == (
        "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche.",
        "Two young, White males are outside near many bushes.",
    )
    assert corpora.multi30k("en", "de").test == [(english, german) for german, english in parts.test]
    assert all(text == corpus_files.clean(text) and text for part in parts for pair in part for text in pair)


@needs_copy
def test_tatoeba_holds_out_a_tenth_that_shares_no_sentence(copy):
    parts = corpora.tatoeba()
    total = sum(map(len, parts))
    assert total > 15_000 and len(set().union(*parts)) == total
    assert len(parts.test) / total == pytest.approx(0.10, abs=0.002)
    assert len(parts.validation) / total == pytest.approx(0.05, abs=0.002)
    for language in (0, 1):
        sides = [{re.sub(r"\W+", " ", pair[language].casefold()).strip() for pair in part} for part in parts]
        assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    assert corpora.tatoeba("bg", "en").train == [(bulgarian, english) for english, bulgarian in parts.train]
    length = [
        sum(len(english) for english, _ in part) / len(part) for part in (parts.train[:500], parts.train, parts.test)
    ]
    assert length == pytest.approx([length[1]] * 3, rel=0.1)  # the file is sorted by length, the parts are not


@needs_copy
def test_every_sentence_of_tatoeba_has_its_attribution(copy):
    attributions = corpora.tatoeba_attributions()
    for part in corpora.tatoeba():
        assert all("tatoeba.org" in attributions[pair] for pair in part)


@needs_copy
def test_polarity_is_balanced_and_shares_no_sentence(copy):
    parts = corpora.polarity()
    assert sum(map(len, parts)) > 10_600
    sentences = [{re.sub(r"\W+", " ", sentence).strip() for sentence, _ in part} for part in parts]
    assert not sentences[0] & sentences[1] and not sentences[0] & sentences[2] and not sentences[1] & sentences[2]
    for part, share in zip(parts, (0.8, 0.1, 0.1), strict=True):
        assert len(part) / 10_660 == pytest.approx(share, abs=0.005)
        assert sum(label for _, label in part) / len(part) == pytest.approx(0.5, abs=0.01)
        assert len({label for _, label in part[:20]}) == 2
    positive = [sentence for part in parts for sentence, label in part if label == corpora.POSITIVE]
    assert "effective but too-tepid biopic" in positive
    assert any("é" in sentence for sentence in positive) and not any("\ufffd" in sentence for sentence in positive)


@needs_copy
@pytest.mark.parametrize("name", corpus_files.FILES)
def test_every_file_of_the_copy_is_the_pinned_one(copy, name):
    assert corpus_files.read(name)


def test_a_user_without_a_home_has_a_cache_all_the_same(monkeypatch):
    def homeless(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pooch.os_cache", homeless)
    assert corpus_files.cache_folder().parent == Path(tempfile.gettempdir())
