"""TrainingMonitor without a browser: what `fit` tells it, what it tells the page, and what the page wishes."""

import copy
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib.training import fit
from course_lib.widgets import TrainingMonitor, training_monitor, training_words


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand, for nothing here may depend on how fast a machine is."""
    clock = SimpleNamespace(now=100.0)
    for module in (training_monitor, training_words):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def task():
    """A model, and batches for it."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(5, 8), torch.nn.Linear(8, 5))
    ids = torch.randint(5, (4, 6))
    return SimpleNamespace(model=model, batches=[(ids, (ids + 1) % 5)] * 3)


def record(step, loss=None, tokens=10, **metrics):
    own = {"learning_rate": 0.1, "gradient_norm": 1.0, "tokens": tokens, "seconds": 0.0}
    return {"step": step, "loss": 1 / step if loss is None else loss, **own, **metrics}


def points(monitor):
    return np.frombuffer(monitor.view.points, "<f4").reshape(-1, 2)


def ended(stopped=False):
    return SimpleNamespace(stopped=stopped, go_on=None)


def test_the_example_runs(run_example, task):
    names = run_example(TrainingMonitor, fit=fit, model=task.model, batches=task.batches)
    assert names["monitor"].state == "done"
    assert names["monitor"].records == list(names["history"])
    assert len(names["history"]) == 200


def test_fit_tells_it_every_step(task):
    monitor = TrainingMonitor(lambda model: (np.eye(2), ["a", "b"], ["a", "b"]), every=10)
    assert (monitor.state, monitor.records, monitor.weights, monitor.error) == ("waiting", [], None, "")
    options = {"num_steps": 4, "evaluate": lambda model: {"accuracy": 0.25}, "evaluate_every": 2, "progress": False}
    history = fit(task.model, task.batches, watch=monitor, **options)
    assert monitor.records == list(history)
    assert (monitor.state, monitor.wish, monitor.error) == ("done", "run", "")
    expected = [[one["step"], np.float32(one["loss"])] for one in history]
    np.testing.assert_array_equal(points(monitor), expected)
    assert monitor.view.metrics == [{"step": 2, "accuracy": 0.25}, {"step": 4, "accuracy": 0.25}]
    status = monitor.view.status
    assert (status["run"], status["step"], status["num_steps"], status["left"]) == (1, 4, 4, 0)
    assert (status["loss"], status["learning_rate"]) == (history[-1]["loss"], history[-1]["learning_rate"])


def test_it_watches_one_run_after_another(task):
    monitor = TrainingMonitor()
    for run in (1, 2):
        history = fit(task.model, task.batches, watch=monitor, progress=False)
        assert monitor.view.status["run"] == run
        assert monitor.records == list(history)
        assert len(points(monitor)) == 3


# --- wishes ---


def test_a_wish_counts_for_its_own_run_only():
    monitor = TrainingMonitor()
    monitor.begin(5)
    for value, wish in [
        ("1 stop", "stop"), ("1 pause", "pause"), ("1 run", "run"), ("0 stop", "run"), ("2 stop", "run"), ("", "run"),
    ]:  # fmt: skip
        monitor.view.control.set_state({"value": value})
        assert monitor.wish == wish
    monitor.view.control.value = "1 stop"
    monitor.begin(5)
    assert monitor.wish == "run"


def test_fit_stops_when_the_page_wishes(task):
    monitor = TrainingMonitor()

    def stop_at_2(model):
        if len(monitor.records) == 1:
            monitor.view.control.set_state({"value": "1 stop"})
        return {}

    history = fit(
        task.model, task.batches, num_steps=50, evaluate=stop_at_2, evaluate_every=1, progress=False, watch=monitor
    )
    assert history.stopped
    assert len(history) == 2
    assert monitor.state == "stopped"


def test_fit_pauses_until_the_page_goes_on(task):
    monitor = TrainingMonitor()
    seen, goes_on = [], threading.Event()

    def look(change):
        seen.append((change["new"]["state"], change["new"]["step"]))
        if change["new"]["state"] == "paused":
            goes_on.set()

    monitor.view.observe(look, "status")

    def press():
        if goes_on.wait(60):
            monitor.view.control.set_state({"value": "1 run"})

    monitor.view.control.value = "1 pause"
    page = threading.Thread(target=press)
    page.start()
    history = fit(task.model, task.batches, num_steps=5, progress=False, watch=monitor)
    page.join()
    assert len(history) == 5
    assert not history.stopped
    assert ("paused", 1) in seen
    assert seen[-1] == ("done", 5)


# --- going on after a stop ---


class StopsAt(TrainingMonitor):
    """As if Stop were pressed after each of some steps."""

    def __init__(self, *steps, **options):
        super().__init__(**options)
        self.steps = steps

    def step(self, record, model):
        super().step(record, model)
        if record["step"] in self.steps:
            self.view.control.set_state({"value": f"{self._run} stop"})


def test_it_goes_on_after_a_stop_as_if_there_had_been_none(clock, task):
    again = copy.deepcopy(task.model)
    expected = fit(again, task.batches, num_steps=9, progress=False)
    monitor = StopsAt(3, 7, writes=lambda model: "…", every=10)
    history = fit(task.model, task.batches, num_steps=9, progress=False, watch=monitor)
    for step in (3, 7):
        assert (monitor.state, monitor.view.goes_on, monitor.view.status["step"]) == ("stopped", True, step)
        assert len(monitor.records) == step
        assert monitor.resume() is history
    assert (monitor.state, monitor.view.goes_on, monitor.view.status["run"]) == ("done", False, 3)
    assert monitor.records == list(history) and len(points(monitor)) == 9  # the curve goes on, too
    assert [step for step, _ in monitor.written] == [1, 4, 8, 9]
    assert [record["loss"] for record in history] == [record["loss"] for record in expected]
    for one, other in zip(task.model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_wish_of_before_the_stop_counts_no_more(task):
    monitor = StopsAt(2)
    fit(task.model, task.batches, num_steps=5, progress=False, watch=monitor)
    assert (monitor.view.control.value, monitor.wish) == ("1 stop", "stop")
    monitor.resume()
    assert (monitor.state, len(monitor.records)) == ("done", 5)


def test_the_page_resumes_by_the_name_of_its_control(task):
    monitor = StopsAt(2)
    fit(task.model, task.batches, num_steps=5, progress=False, watch=monitor)
    training_monitor.resume(monitor.view.control.model_id)
    assert monitor.state == "done"
    training_monitor.resume(monitor.view.control.model_id)  # pressed in two windows
    assert monitor.error == "RuntimeError: there is no stopped run to go on with"


def test_there_is_nothing_to_go_on_with(task, refuses):
    monitor = TrainingMonitor()
    refuses(monitor.resume, "there is no stopped run to go on with", error=RuntimeError)
    fit(task.model, task.batches, progress=False, watch=monitor)
    refuses(monitor.resume, "there is no stopped run to go on with", error=RuntimeError)
    monitor = StopsAt(1)
    fit(task.model, task.batches, progress=False, watch=monitor)
    assert monitor.view.goes_on
    fit(task.model, task.batches, num_steps=1, progress=False, watch=monitor)  # another run takes its place
    assert not monitor.view.goes_on
    refuses(monitor.resume, "there is no stopped run to go on with", error=RuntimeError)


def test_a_run_that_goes_on_knows_its_own_speed(clock):
    monitor = TrainingMonitor(every=0.05)
    monitor.begin(10)
    for step in (1, 2):
        clock.now += 100
        monitor.step(record(step), None)
    monitor.end(ended(stopped=True))
    monitor._is_resuming = True
    clock.now += 1000
    monitor.begin(10)
    assert monitor.view.status == {"state": "running", "run": 2, "step": 2, "num_steps": 10}
    clock.now += 2
    monitor.step(record(3, tokens=30), None)
    assert (monitor.view.status["left"], monitor.view.status["rate"]) == (pytest.approx(14), pytest.approx(15))
    assert monitor.view.status["seconds"] == pytest.approx(202)


# --- what the model says ---


def typed(monitor, text):
    """What the page sends when somebody types."""
    monitor.view.typed.set_state({"value": text})


def heard(model, text):
    return f"{text}, {'learning' if model.training else 'at rest'}, {torch.is_grad_enabled()}"


def test_a_text_is_answered_between_two_steps(task):
    monitor = TrainingMonitor(try_it=heard)
    typed(monitor, "too early")  # there is no model yet: it is answered with the first step

    def type_at_2(model):
        if len(monitor.records) == 1:
            assert monitor.tried == {"text": "too early", "answer": "too early, at rest, False", "error": ""}
            typed(monitor, "котка 😀 <b>")
        if len(monitor.records) == 3:
            seen.append(monitor.tried["text"])
        return {}

    seen = []
    fit(task.model, task.batches, num_steps=5, evaluate=type_at_2, evaluate_every=1, progress=False, watch=monitor)
    assert seen == ["котка 😀 <b>"]
    assert monitor.tried["answer"] == "котка 😀 <b>, at rest, False"


def test_a_text_is_answered_in_a_pause_by_the_thread_that_trains(task):
    threads = []
    monitor = TrainingMonitor(try_it=lambda model, text: (threads.append(threading.current_thread()), text)[1])
    monitor.view.control.value = "1 pause"
    answered = threading.Event()
    monitor.view.observe(lambda change: answered.set(), "tried")

    def press():
        while monitor.state != "paused":
            time.sleep(0.01)
        typed(monitor, "hello")
        assert answered.wait(60)
        monitor.view.control.set_state({"value": "1 run"})

    page = threading.Thread(target=press)
    page.start()
    fit(task.model, task.batches, progress=False, watch=monitor)
    page.join()
    assert (monitor.tried["text"], threads) == ("hello", [threading.current_thread()])


def test_a_text_is_answered_after_the_run_at_once(task):
    monitor = StopsAt(2, try_it=heard)
    fit(task.model, task.batches, progress=False, watch=monitor)
    for state in ("stopped", "done"):
        assert monitor.state == state
        typed(monitor, state)
        assert monitor.tried == {"text": state, "answer": f"{state}, at rest, False", "error": ""}
        if state == "stopped":
            monitor.resume()


def test_a_text_that_comes_while_a_run_ends_is_not_forgotten(task):
    class Late(TrainingMonitor):
        def end(self, history):
            typed(self, "late")
            assert self.tried["text"] == ""  # a run is under way
            super().end(history)

    monitor = Late(try_it=heard)
    fit(task.model, task.batches, progress=False, watch=monitor)
    assert monitor.tried["answer"] == "late, at rest, False"


def test_each_text_is_tried_once_and_nothing_never(task):
    asked = []
    monitor = TrainingMonitor(try_it=lambda model, text: (asked.append(text), "x" * 5000)[1])
    typed(monitor, "a")
    fit(task.model, task.batches, progress=False, watch=monitor)
    for text in ("", "  ", "a", "b"):
        typed(monitor, text)
    assert asked == ["a", "b"]
    assert monitor.tried["answer"] == "x" * 399 + "…"


def test_what_the_model_draws_leaves_no_trace_in_the_run(task):
    again = copy.deepcopy(task.model)
    expected = fit(again, task.batches, progress=False)
    draws = {"writes": lambda model: str(torch.rand(1)), "try_it": lambda model, text: str(torch.rand(1))}
    monitor = TrainingMonitor(**draws)
    typed(monitor, "a")
    history = fit(task.model, task.batches, progress=False, watch=monitor)
    assert [one["loss"] for one in history] == [one["loss"] for one in expected]


def test_the_model_writes_after_evaluations_where_there_are_any(clock, task):
    monitor = TrainingMonitor(writes=lambda model: str(len(monitor.records)))
    monitor.begin(20)
    for step in range(1, 21):
        monitor.step(record(step, **({"accuracy": 0.5} if step in (5, 6, 12) else {})), task.model)
        clock.now += 0.6
    assert monitor.written == [(1, "1"), (3, "3"), (5, "5"), (12, "12"), (20, "20")]  # the last in any case
    monitor.begin(9)
    assert monitor.written == []


def test_writing_takes_a_tenth_of_the_time(clock, task):
    def slow(model):
        clock.now += 3
        return "slow"

    monitor = TrainingMonitor(writes=slow)
    monitor.begin(100)
    for step in range(1, 100):
        monitor.step(record(step), task.model)
        clock.now += 1
    assert [step for step, _ in monitor.written] == [1, 31, 61, 91]


def test_only_the_latest_texts_are_kept(clock, task):
    monitor = TrainingMonitor(writes=lambda model: "a\nb" * 300)
    monitor.begin(1000)
    for step in range(1, 101):
        monitor.step(record(step), task.model)
        clock.now += 1
    assert [step for step, _ in monitor.written] == list(range(51, 101))
    assert {len(text) for _, text in monitor.written} == {400}


SILENT = {
    "raises": (lambda *given: [].pop(), "raises IndexError: pop from empty list"),
    "speaks in numbers": (lambda *given: 3, "must return a string: got a value of type int"),
    "says nothing": (lambda *given: None, "must return a string: got None"),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_wrong_function_is_told_in_a_sentence_and_costs_no_training(name, task):
    wrong, words = SILENT[name]
    monitor = TrainingMonitor(lambda model: (EYE, ["a", "b"], ["a", "b"]), writes=wrong, try_it=wrong)
    typed(monitor, "a")
    history = fit(task.model, task.batches, progress=False, watch=monitor)
    assert (len(history), monitor.state, monitor.written) == (3, "done", [])
    assert monitor.error == f"writes {words}"  # though the example works
    assert monitor.tried == {"text": "a", "answer": "", "error": f"try_it {words}"}


# --- how often, and how fast ---


def test_the_page_is_told_no_more_often_than_every_so_many_seconds(clock):
    monitor = TrainingMonitor(every=0.5)
    monitor.begin(100)
    assert monitor.view.status == {"state": "running", "run": 1, "step": 0, "num_steps": 100}
    told = []
    for step in range(1, 11):
        monitor.step(record(step), None)
        told.append(monitor.view.status["step"])
        clock.now += 0.2
    assert told == [1, 1, 1, 4, 4, 4, 7, 7, 7, 10]
    monitor.step(record(100), None)  # the last is told at once
    assert monitor.view.status["step"] == 100


def test_speed_and_time_left(clock):
    monitor = TrainingMonitor(every=0.05)
    monitor.begin(10)
    for step in (1, 2, 3, 4):
        clock.now += 2
        monitor.step(record(step, tokens=30), None)
        assert monitor.view.status["left"] == pytest.approx(2 * (10 - step))
    status = monitor.view.status
    assert status["seconds"] == pytest.approx(8)
    assert status["rate"] == pytest.approx(15)
    assert status["left"] == pytest.approx(12)


def test_a_pause_is_no_time_of_training(clock):
    monitor = TrainingMonitor(every=10)
    monitor.begin(10)
    clock.now += 1
    monitor.step(record(1), None)
    monitor.view.control.value = "1 pause"
    clock.now += 1
    monitor.step(record(2), None)
    assert (monitor.state, monitor.view.status["step"]) == ("paused", 2)
    clock.now += 1000
    monitor.view.control.value = "1 run"
    clock.now += 1
    monitor.step(record(3), None)
    assert (monitor.state, monitor.view.status["step"]) == ("running", 3)  # told at once, whatever `every` is
    assert monitor.view.status["seconds"] == pytest.approx(2)


def test_a_run_that_goes_on_from_a_checkpoint_knows_its_own_speed(clock):
    monitor = TrainingMonitor(every=0.05)
    monitor.begin(110)
    for step in (101, 102):
        clock.now += 3
        monitor.step(record(step), None)
    assert monitor.view.status["left"] == pytest.approx(8 * 3)


def test_a_long_curve_is_made_shorter_by_means(clock):
    monitor = TrainingMonitor()
    monitor.begin(1500)
    for step in range(1, 1501):
        monitor.step(record(step, loss=step**0.5), None)
    shown = points(monitor)
    assert len(shown) == 600
    assert len(monitor.records) == 1500
    groups = np.array_split(np.arange(1, 1501), 600)
    np.testing.assert_allclose(shown[:, 0], [group.mean() for group in groups], rtol=1e-6)
    np.testing.assert_allclose(shown[:, 1], [np.sqrt(group).mean() for group in groups], rtol=1e-5)


def test_a_run_without_a_step_ends_too():
    monitor = TrainingMonitor()
    monitor.begin(5)
    monitor.end(ended(stopped=True))
    assert monitor.view.status == {"state": "stopped", "run": 1, "step": 0, "num_steps": 5}
    monitor.begin(5)
    monitor.step(record(1), None)
    monitor.end(ended())
    assert monitor.state == "done"


# --- the example ---


def shown_example(example, step=5):
    monitor = TrainingMonitor(example)
    monitor.begin(step)
    monitor.step(record(step), "the model")
    return monitor


def test_the_example_is_drawn_of_the_model(shares):
    weights = shares(2, 3)
    monitor = shown_example(lambda model: (torch.tensor(weights), [model, "<b>"], ("x", "y", "z")))
    np.testing.assert_array_equal(monitor.weights, weights)
    assert monitor.view.labels == [["the model", "<b>"], ["x", "y", "z"]]
    np.testing.assert_array_equal(np.frombuffer(monitor.view.weights, "<f4"), weights.astype("<f4").ravel())
    monitor.weights[:] = 0
    np.testing.assert_array_equal(monitor.weights, weights)


def test_the_example_is_looked_at_once_a_second_and_at_last(clock):
    looks = []
    monitor = TrainingMonitor(lambda model: (looks.append(monitor.records[-1]["step"]), None, None))
    monitor.begin(9)
    for step in range(1, 10):
        monitor.step(record(step), None)
        clock.now += 0.4
    assert looks == [1, 4, 7, 9]


def helper(model):
    return model.no_such_layer


EYE = np.eye(2)
WRONG = {
    "raises": (lambda model: helper(model), "in helper: return model.no_such_layer\nAttributeError"),
    "stub": (lambda model: exec("raise NotImplementedError('later')"), "Not written yet: later"),
    "None": (lambda model: None, "<lambda> must return (weights, queries, keys): got None"),
    "weights alone": (lambda model: EYE, "<lambda> must return (weights, queries, keys): got an array of shape (2, 2)"),
    "two": (lambda model: (EYE, ["a", "b"]), "<lambda> must return (weights, queries, keys): got a tuple of 2"),
    "shape": (
        lambda model: (EYE, ["a", "b"], ["a"]),
        "weights has shape (2, 2), so its axis keys is 2; expected (queries, keys) with keys = 1",
    ),
    "NaN": (
        lambda model: (EYE * np.nan, ["a", "b"], ["a", "b"]),
        "weights holds nan at index (0",
    ),
    "tokens": (lambda model: (EYE, "ab", ["a", "b"]), "queries is one string; expected a list of strings"),
    "2,000 tokens": (lambda model: (EYE, ["a", "b"], ["a"] * 2000), "keys has 2000 entries; expected 1 to 64"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_example_is_explained_and_costs_no_training(name, task):
    wrong, words = WRONG[name]
    monitor = TrainingMonitor(wrong)
    history = fit(task.model, task.batches, watch=monitor, progress=False)
    assert len(history) == 3
    assert monitor.state == "done"
    assert words in monitor.error
    assert "course_lib" not in monitor.error
    assert monitor.weights is None


def test_an_example_that_works_again_clears_the_error():
    answers = [None, (EYE, ["a", "b"], ["a", "b"])]
    monitor = TrainingMonitor(lambda model: answers.pop(0))
    for error in (True, False):
        monitor.begin(1)
        monitor.step(record(1), None)
        assert bool(monitor.error) == error


def test_interrupting_still_interrupts():
    def example(model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shown_example(example)


# --- what comes in ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"example": "model"}, "example is one string; expected a function model -> (weights, queries, keys)"),
        ({"every": 0}, "every is 0; expected a number from 0.05 to 10"),
        ({"every": float("nan")}, "every is nan; expected a number from 0.05 to 10"),
        ({"every": "1"}, "every is '1'; expected a number from 0.05 to 10"),
        ({"writes": "text"}, "writes is one string; expected a function model -> text"),
        ({"try_it": 3}, "try_it is a value of type int; expected a function (model, text) -> text"),
        ({"title": 3}, "title is a value of type int; expected a string"),
    ],
)
def test_bad_input_is_refused_by_name(options, words, refuses):
    refuses(lambda: TrainingMonitor(**options), words, error=(ValueError, TypeError))


# --- where no kernel runs ---


def test_the_sentence_says_what_is_so(clock):
    monitor = TrainingMonitor()
    assert monitor.text_alternative() == "Nothing yet: pass the monitor to fit(…, watch=monitor)."
    monitor.begin(20)
    monitor.step(record(1, loss=2.34567), None)
    assert monitor.text_alternative() == "Step 1 of 20: loss 2.346."
    monitor.step(record(2, loss=1.5, accuracy=0.123456, bleu=31.0), None)
    assert monitor.text_alternative() == "Step 2 of 20: loss 1.500. accuracy: 0.1235. bleu: 31."
    monitor.step(record(3, loss=1.25), None)
    assert monitor.text_alternative() == "Step 3 of 20: loss 1.250. accuracy: 0.1235. bleu: 31."


def test_the_picture_follows(follows):
    monitor = TrainingMonitor(lambda model: (np.eye(2) * 0.5, ["$a", "<b>"], ["x", "y"]))
    monitor.begin(3)
    monitor.step(record(1), None)
    follows(monitor, lambda: monitor.step(record(2), None))
    follows(monitor, lambda: monitor.step(record(3), None))
    curve, example = monitor.still().axes[:2]
    assert (curve.get_xlabel(), curve.get_ylabel()) == ("step", "loss")
    np.testing.assert_allclose(curve.lines[0].get_xydata(), [[1, 1], [2, 1 / 2], [3, 1 / 3]])
    image = example.images[0] if example.images else example.collections[0]
    np.testing.assert_allclose(np.reshape(image.get_array(), (2, 2)), np.eye(2) * 0.5)


def test_the_picture_before_a_run_says_so():
    figure = TrainingMonitor(title="The alignment forms").still()
    (ax,) = figure.axes
    assert not ax.lines and "Nothing yet" in ax.texts[0].get_text()


@pytest.mark.parametrize("weights", [np.zeros((2, 2)), -np.eye(2), np.eye(2) * 5])
def test_numbers_that_are_no_weights_are_drawn_too(weights, kept):
    kept(shown_example(lambda model: (weights, ["a", "b"], ["a", "b"])))
