"""The benchmarks run, do the same work as their peers, and say so; how fast is nobody's business here."""

import json
import subprocess
import sys

import nbformat
import pytest
import torch
from threadpoolctl import threadpool_info

from benchmarks import __main__ as command
from benchmarks import memory, models, peers, quality, timing

TINY = {"vocab_size": 30, "d_model": 16, "num_layers": 2, "num_heads": 2, "d_ff": 24, "dropout": 0.1}
GPT = {"vocab_size": 30, "d_model": 16, "num_layers": 2, "num_heads": 2, "max_len": 8}
LLAMA = {**models.RECIPE, "vocab_size": 30, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
SMALL = {
    "training": {"sizes": TINY, "batch": 9, "seq_len": 5},
    "training-bfloat16": {"sizes": TINY, "batch": 9, "seq_len": 5},
    "decoding": {"sizes": TINY, "batch": 3, "seq_len": 5, "max_new_tokens": 4},
    "language-model": {"sizes": GPT, "batch": 3},
    "language-model-bfloat16": {"sizes": GPT, "batch": 3},
    "recipe": {"sizes": LLAMA, "batch": 3, "seq_len": 8},
    "recipe-bfloat16": {"sizes": LLAMA, "batch": 3, "seq_len": 8},
    "qk-norm": {"sizes": LLAMA, "batch": 3, "seq_len": 8},
    "recipe-decoding": {"sizes": LLAMA, "batch": 3, "seq_len": 5, "max_new_tokens": 4},
    "text-encoder": {"sizes": {name: TINY[name] for name in TINY if name != "dropout"}, "batch": 4, "seq_len": 8},
}


@pytest.fixture(autouse=True)
def one_thread():
    with timing.pinned_threads(1):
        yield


@pytest.mark.filterwarnings("ignore")  # of other people's packages
@pytest.mark.parametrize("name", models.WORKS)
def test_every_work_runs_beside_its_peers(name):
    found = models.WORKS[name](1, **SMALL[name])
    ways = found["ways"]
    assert ways[models.OURS]["ratio"] == 1
    assert all(way["median_ms"] > 0 and way["per_second"] > 0 for way in ways.values())
    left_out = sum(note != models.NO_BFLOAT16 for note in found["notes"])
    expected = {"language-model": 3, "language-model-bfloat16": 3, "decoding": 6, "training": 7, "training-bfloat16": 7}
    expected = expected.get(name, 2)
    assert len(ways) + left_out == expected and left_out <= 1
    exact = sum(way["agrees"] != "shapes" for way in ways.values())
    assert exact == (4 if name.startswith("training") else min(expected, 3))  # with ours, once or twice
    if name == "decoding":
        assert ways["torch.nn.Transformer"]["agrees"] == ways["Hugging Face Marian"]["agrees"] == "100.0% of tokens"
    json.dumps(found)
    command.table_of(name, found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("peer", [peers.AnnotatedTransformer, peers.D2LTransformer, peers.PyTorchTransformer])
def test_the_written_peers_see_neither_the_future_nor_padding(peer):
    torch.manual_seed(0)
    model = peer(**TINY).eval()
    source_ids, target_ids = torch.randint(1, 30, (2, 5)), torch.randint(1, 30, (2, 4))
    logits = model(source_ids, target_ids)
    changed = target_ids.clone()
    changed[:, -1] = changed[:, -1] % 29 + 1
    torch.testing.assert_close(model(source_ids, changed)[:, :-1], logits[:, :-1])
    assert not torch.allclose(model(source_ids, changed)[:, -1], logits[:, -1])
    padded = torch.nn.functional.pad(source_ids, (0, 3))
    torch.testing.assert_close(model(padded, target_ids), logits)


@pytest.mark.filterwarnings("ignore")
def test_d2ls_cache_changes_no_token():
    torch.manual_seed(0)
    model = peers.D2LTransformer(**TINY).eval()
    source_ids = torch.randint(1, 30, (4, 5))
    whole = peers._Embeddings.greedy(model, source_ids, 1, 6)
    assert torch.equal(model.greedy(source_ids, 1, 6), whole)


def test_other_work_is_refused():
    found = {models.OURS: torch.nn.Linear(3, 4), "a peer": torch.nn.Linear(3, 4)}
    with pytest.raises(ValueError, match="a peer differs by"):
        models.agreement(found, lambda model: model(torch.ones(2, 3)))
    found["a peer"] = torch.nn.Linear(3, 5)
    with pytest.raises(ValueError, match="a peer gives"):
        models.agreement(found, lambda model: model(torch.ones(2, 3)))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "x_transformers", None)
    with pytest.raises(peers.Missing, match="pip install x-transformers"):
        peers.XTransformers(**TINY)


def test_ways_take_turns():
    calls = []
    seconds = timing.alternate({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert sorted(calls[:2]) == sorted(calls[2:4]) == sorted(calls[4:]) == ["a", "b"]
    assert calls[2:4] != calls[4:]
    assert [len(turns) for turns in seconds.values()] == [2, 2]


def test_the_rivals_libraries_compute_with_as_many_threads():
    assert quality.LogisticRegression  # its libraries are loaded, or no limit would meet them
    before = [pool["num_threads"] for pool in threadpool_info()]
    for threads in (1, 2):
        with timing.pinned_threads(threads):
            assert {pool["num_threads"] for pool in threadpool_info()} == {threads}
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_each_way_of_telling_docstrings_apart_is_told_as_it_ends(monkeypatch, capsys):
    monkeypatch.setattr(quality, "LABELS", (60,))
    monkeypatch.setattr(quality, "DOCSTRING_WAYS", {"TF-IDF": quality.tfidf, "from scratch": quality.from_scratch})
    quality.main(["docstrings", "--seeds", "1", "--json"])
    out, told = capsys.readouterr()
    found = json.loads(out)["works"]["docstrings"]
    names = [list(json.loads(line))[2] for line in told.splitlines()]
    assert names == list(found) == ["TF-IDF, 60 labels", "from scratch, 60 labels"]
    assert all(100 / 11 < numbers["accuracy"]["mean"] < 100 for numbers in found.values())


def notebook_of(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Prose"), *cells])


def test_a_kernels_memory_is_told_as_it_ends_and_at_its_most(tmp_path, request):
    other = subprocess.Popen(
        [sys.executable, "-c", "a = b'x' * 400_000_000; print(flush=True); input()"], stdin=-1, stdout=-1
    )
    request.addfinalizer(other.kill)
    other.stdout.readline()  # it holds more than the kernel, and is not taken for it
    held, freed = "a = b'x' * 200_000_000", "b = b'x' * 300_000_000; __import__('time').sleep(0.5); del b"
    found = memory.measure(notebook_of("import time; time.sleep(0.3)", held, freed), tmp_path)
    assert 190 < found["end_mb"] - found["first_mb"] < 250
    assert 490 < found["peak_mb"] - found["first_mb"] < 550
    assert 0.3 < found["first_seconds"] < found["seconds"] - 0.5


def test_memory_of_a_notebook_that_raises_is_not_told(tmp_path):
    with pytest.raises(RuntimeError, match="a cell raised"):
        memory.measure(notebook_of("1 / 0"), tmp_path)


def test_ratios_are_taken_within_a_turn():
    ways = timing.summary({"ours": [1.0, 10.0, 2.0], "other": [3.0, 5.0, 4.0]}, "ours", items=4)
    assert ways["ours"] == {"median_ms": 2000, "ratio": 1, "per_second": 2}
    assert ways["other"] == {"median_ms": 4000, "ratio": 2, "per_second": 1}  # of 3, 0.5 and 2


def test_who_is_faster_is_said():
    seconds = {models.OURS: [2.0], "slower": [3.0], "faster": [1.0]}
    found = models.result(seconds, dict.fromkeys(seconds, "shapes"), [], "tokens", 1)
    assert found["behind"] == ["faster"]


def test_the_command_prints_json(monkeypatch, capsys):
    found = models.result({models.OURS: [0.5]}, {models.OURS: "—"}, [], "tokens", 10)
    monkeypatch.setitem(models.WORKS, "decoding", lambda rounds: found)
    command.main(["decoding", "--json", "--rounds", "3"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["works"] == {"decoding": found}
    assert printed["machine"]["threads"] == 1 and printed["machine"]["rounds"] == 3


def test_an_unknown_work_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["sleeping"])
    assert "there is no 'sleeping'; expected any of training" in capsys.readouterr().err
