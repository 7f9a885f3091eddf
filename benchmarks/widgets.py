"""How fast the widgets answer a hand, beside the usual ways of making a picture interactive.

    python -m benchmarks.widgets [--steps 200] [--json]

Everything runs in notebooks of a real JupyterLab in a real browser. A step is one real input event: the pointer drags a
query, or an arrow key moves a slider. Its latency is counted on the page, from the event's own time stamp to the first
frame that shows the result; the ways take turns of ten steps. A drag moves the pointer 60 times a second for four
seconds, whether or not the page keeps up; its lag is the time from the last move until the picture of it is there. The
Python ways are measured on the server as the course starts it and on a stock one. Needs the test extra and a Chromium;
`ipympl` takes part where it is installed.
"""

import argparse
import importlib.util
import json
import socket
import statistics
import time
from typing import Any

import websocket
from rich.console import Console
from rich.table import Table

from tests.browser.real_lab import CHROMIUM_ARGS, Lab
from tests.prove import find_browser

TURN = 10
DRAG_SECONDS = 4
STOCK = ("--ServerApp.jpserver_extensions=course_lib.classroom.lab.extensions=False",)
OURS, INTERACT, IPYMPL = "AttentionPlayground", "interact + seaborn", "ipympl"
SLOW_MS = (10, 50, 200)

SETUP = """import time
import numpy as np
from course_lib.attention import scaled_dot_product_attention
from course_lib.widgets import AttentionPlayground, HeadBrowser
def vectors(n):
    return np.random.default_rng(0).normal(size=(3, n, 2))
def playground(n, attention=scaled_dot_product_attention):
    return AttentionPlayground([f"t{i}" for i in range(n)], *vectors(n), attention)
def mine(queries, keys, values, mask=None):
    return scaled_dot_product_attention(queries, keys, values, mask)
def slow(milliseconds):
    def attention(queries, keys, values, mask=None):
        time.sleep(milliseconds / 1000)
        return scaled_dot_product_attention(queries, keys, values, mask)
    return attention
tokens = [f"t{i}" for i in range(5)]
queries, keys, values = vectors(5)"""

INTERACT_CELL = """import matplotlib.pyplot as plt
import seaborn as sns
from ipywidgets import FloatSlider, interact

@interact(x=FloatSlider(value=0, min=-2, max=2, step=0.05), y=FloatSlider(value=0, min=-2, max=2, step=0.05))
def show(x, y):
    moved = queries.copy()
    moved[0] = x, y
    context, weights = scaled_dot_product_attention(moved, keys, values)
    sns.heatmap(weights, vmin=0, vmax=1, annot=True, fmt=".2f", cmap="cividis", xticklabels=tokens, yticklabels=tokens)
    plt.show()"""

# The quickest that ipympl allows: the figure stays, and only its numbers change.
IPYMPL_CELL = """from ipympl.backend_nbagg import Canvas, FigureManager
from ipywidgets import FloatSlider, VBox
from matplotlib.figure import Figure
figure = Figure(figsize=(5, 4))
manager = FigureManager(Canvas(figure), 0)
ax = figure.subplots()
image = ax.imshow(np.zeros((5, 5)), vmin=0, vmax=1, cmap="cividis")
texts = [[ax.text(k, q, "", ha="center") for k in range(5)] for q in range(5)]
x = FloatSlider(value=0, min=-2, max=2, step=0.05)
def show(change):
    moved = queries.copy()
    moved[0] = x.value, 0
    context, weights = scaled_dot_product_attention(moved, keys, values)
    image.set_data(weights)
    for row, shares in zip(texts, weights):
        for text, share in zip(row, shares):
            text.set_text(f"{share:.2f}")
    figure.canvas.draw_idle()
x.observe(show, "value")
VBox([x, figure.canvas])"""

HEADS_CELL = """heads = HeadBrowser(np.random.default_rng(0).dirichlet(np.ones(64) / 8, size=(12, 12, 64)), [f"t{i}" for i in range(64)])
heads"""

# Notes when the last input event happened, and answers with the time until the frame after the change.
WATCH = """() => {
  window.lastInput = 0;
  for (const kind of ['pointermove', 'keydown'])
    window.addEventListener(kind, (event) => { window.lastInput = event.timeStamp; }, { capture: true });
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(null);
  }));
  const changed = (root, isNew) => new Promise((done, fail) => {
    setTimeout(() => fail(Error('no new picture within 20 s')), 20000);
    const observer = new MutationObserver(() => {
      const found = isNew();
      if (!found) return;
      observer.disconnect();
      done(found);
    });
    observer.observe(root, { attributes: true, childList: true, subtree: true });
  });
  const finish = (change) => { window.pending = change.then(painted).then((end) => end - window.lastInput); };
  window.watchPainted = (root) => {
    const before = Number(root.dataset.paintedSeq);
    finish(changed(root, () => Number(root.dataset.paintedSeq) > before));
  };
  window.watchImage = (root) => {
    const before = root.querySelector('img').src;
    const newer = () => [...root.querySelectorAll('img')].find((image) => image.src !== before);
    finish(changed(root, newer).then((image) => image.decode()));
  };
  const drawImage = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...what) {
    drawImage.apply(this, what);
    if (window.onCanvas && this.canvas.isConnected) window.onCanvas();
  };
  window.watchCanvas = () => {
    finish(new Promise((done) => { window.onCanvas = () => { window.onCanvas = null; done(); }; }));
  };
  window.countPaints = (root) => {
    window.paints = [];
    new MutationObserver(() => window.paints.push(performance.now()))
      .observe(root, { attributes: true, attributeFilter: ['data-painted-seq'] });
  };
}"""


class Dragged:
    """A playground whose first query is dragged to and fro."""

    def __init__(self, notebook, index):
        self.notebook, self.index, self.page, self.count = notebook, index, notebook.page, 0

    def begin(self):
        self.page.bring_to_front()
        self.root = self.notebook.cell(self.index).locator(".cl-playground")
        name = "query" if self.root.locator(".cl-token").count() == 0 else "query of t0"
        handle = self.root.get_by_role("slider", name=name, exact=True)
        handle.scroll_into_view_if_needed()
        box: Any = None
        while box != (box := handle.locator(".cl-tip").bounding_box()):  # cells above may still find their height
            self.page.wait_for_timeout(150)
        self.at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(*self.at)
        self.page.mouse.down()

    def move(self):
        self.page.mouse.move(*self.next_place())

    def next_place(self):
        self.count += 1
        side = 1 if self.count // TURN % 2 else -1
        self.at = self.at[0] + 3 * side, self.at[1] - 2 * side
        return self.at

    def step(self):
        self.root.evaluate("(root) => window.watchPainted(root)")
        self.move()
        return self.page.evaluate("() => window.pending")

    def end(self):
        self.page.mouse.up()

    def drag(self, port):
        """Move 60 times a second; returns (pictures a second, lag of the last one in milliseconds).

        Playwright's mouse waits until the page has taken each move; a hand does not, so this one sends its moves to
        the browser's debugging port.
        """
        self.begin()
        target = self.page.context.new_cdp_session(self.page).send("Target.getTargetInfo")["targetInfo"]["targetId"]
        wire = websocket.create_connection(f"ws://127.0.0.1:{port}/devtools/page/{target}", suppress_origin=True)
        self.root.evaluate("(root) => window.countPaints(root)")
        start = time.perf_counter()
        for number in range(60 * DRAG_SECONDS):
            time.sleep(max(0, start + number / 60 - time.perf_counter()))
            x, y = self.next_place()
            event = {"type": "mouseMoved", "x": x, "y": y, "button": "left", "buttons": 1}
            wire.send(json.dumps({"id": number, "method": "Input.dispatchMouseEvent", "params": event}))
        elapsed = time.perf_counter() - start
        self.page.wait_for_timeout(300)
        self.page.wait_for_function(
            "(root) => root.dataset.state === 'ok'", arg=self.root.element_handle(), timeout=120_000
        )
        self.page.wait_for_timeout(300)
        wire.close()
        paints, last = self.page.evaluate("() => [window.paints, window.lastInput]")
        self.end()
        return len([at for at in paints if at <= last]) / elapsed, max(paints) - last


class Slid:
    """A slider of ipywidgets, moved by arrow keys; `watch` names what waits for its picture."""

    def __init__(self, notebook, index, watch):
        self.notebook, self.index, self.page, self.watch, self.count = notebook, index, notebook.page, watch, 0

    def begin(self):
        self.page.bring_to_front()
        self.root = self.notebook.cell(self.index).locator(".jp-OutputArea").first
        handle = self.root.locator(".noUi-handle").first
        handle.scroll_into_view_if_needed()
        self.root.locator("img, canvas").first.scroll_into_view_if_needed()
        handle.focus()

    def step(self):
        self.count += 1
        self.root.evaluate("(root, watch) => window[watch](root)", self.watch)
        self.page.keyboard.press("ArrowRight" if self.count // TURN % 2 else "ArrowLeft")
        return self.page.evaluate("() => window.pending")

    def end(self):
        pass


def in_turns(ways, steps):
    """Measure several ways in turns; returns a dict, name -> latencies in milliseconds."""
    found = {name: [] for name in ways}
    for turn in range(-1, max(1, steps // TURN)):
        for name, way in ways.items():
            way.begin()
            try:
                measured = [way.step() for _ in range(TURN)]
            except Exception as error:
                raise RuntimeError(f"{name}, turn {turn}: {error}") from error
            way.end()
            if turn >= 0:  # the first turn only warms up
                found[name] += measured
    return found


def percentiles(latencies):
    """Median and 95th percentile in milliseconds."""
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 1), "p95_ms": round(cuts[94], 1), "steps": len(latencies)}


def opened(lab, cells, shown):
    """Run a notebook of these cells after SETUP, wait for what they show, and start watching."""
    notebook = lab.open([SETUP, *cells], size=(1280, 1000))
    if not notebook.run_all():
        raise RuntimeError("the benchmark's notebook failed")
    for index, selector in enumerate(shown, 1):
        notebook.cell(index).locator(selector).first.wait_for()
    notebook.page.evaluate(WATCH)
    return notebook


def measure_page(lab, steps, port):
    """The page computes: latency, pictures a second and lag, for a few and for many tokens."""
    sizes = (5, 64, 256)
    notebook = opened(lab, [f"playground({n})" for n in sizes], [".cl-playground"] * len(sizes))
    ways = {f"{n} tokens": Dragged(notebook, index) for index, n in enumerate(sizes, 1)}
    found = {name: percentiles(latencies) for name, latencies in in_turns(ways, steps).items()}
    for name, way in ways.items():
        updates, lag = way.drag(port)
        found[name] |= {"updates_per_second": round(updates, 1), "lag_ms": round(lag)}
    notebook.check()
    notebook.close()
    return found


def measure_python(lab, steps):
    """A learner's function in Python, 5 tokens beside the peers, and 256 tokens."""
    cells, shown = ["playground(5, mine)", "playground(256, mine)", INTERACT_CELL], [".cl-playground"] * 2 + ["img"]
    notebooks = [notebook := opened(lab, cells, shown)]
    ways = {OURS: Dragged(notebook, 1), "256 tokens": Dragged(notebook, 2), INTERACT: Slid(notebook, 3, "watchImage")}
    if importlib.util.find_spec("ipympl"):  # in a notebook of its own: imported, it changes what plt.show() does
        notebooks.append(opened(lab, [IPYMPL_CELL], ["canvas"]))
        ways[IPYMPL] = Slid(notebooks[-1], 1, "watchCanvas")
    found = {name: percentiles(latencies) for name, latencies in in_turns(ways, steps).items()}
    for numbers in found.values():
        numbers["ratio"] = round(numbers["p50_ms"] / found[OURS]["p50_ms"], 1)
    for notebook in notebooks:
        notebook.close()  # ipympl writes to the console; what ours does there, the tests see
    return found


def measure_lag(lab, port):
    """How far a slow function of the learner's falls behind a drag."""
    notebook = opened(lab, [f"playground(5, slow({ms}))" for ms in SLOW_MS], [".cl-playground"] * len(SLOW_MS))
    found = {}
    for index, ms in enumerate(SLOW_MS, 1):
        updates, lag = Dragged(notebook, index).drag(port)
        found[f"{ms} ms"] = {"updates_per_second": round(updates, 1), "lag_ms": round(lag)}
    notebook.check()
    notebook.close()
    return found


def measure_heads(lab):
    """HeadBrowser on 12 × 12 heads of 64 tokens: time to draw, elements on the page, bytes kept in the notebook."""
    notebook = lab.open([SETUP, HEADS_CELL], size=(1280, 1000))
    if not notebook.run_cell(0):
        raise RuntimeError("the benchmark's notebook failed")
    drawn = []
    for _ in range(5):
        notebook.page.evaluate(
            """() => {
              window.drawn = new Promise((done) => new MutationObserver((_, observer) => {
                const root = document.querySelector('.cl-heads[data-painted-seq]');
                if (!root || window.last === root) return;
                window.last = root;
                observer.disconnect();
                requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0));
              }).observe(document.body, { childList: true, subtree: true, attributes: true }));
              // Before the kernel sends what is displayed, it draws the still that the notebook keeps.
              const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
              kernel.iopubMessage.connect(function first(_, message) {
                if (message.header.msg_type === 'comm_open') window.opened ??= performance.now();
                if (!['execute_result', 'display_data'].includes(message.header.msg_type)) return;
                kernel.iopubMessage.disconnect(first);
                window.displayed = performance.now();
              });
              window.opened = undefined;
            }"""
        )
        if not notebook.run_cell(1):
            raise RuntimeError("the HeadBrowser failed")
        since = "async () => { const end = await drawn; return [end - displayed, end - opened]; }"
        drawn.append(notebook.page.evaluate(since))
    nodes = notebook.cell(1).locator(".cl-heads").locator("*").count()
    notebook.command("docmanager:save")
    saved = json.loads((lab.root / notebook.path).read_text("utf-8"))
    kept = len(json.dumps(saved["cells"][1]["outputs"]))
    notebook.check()
    notebook.close()
    page, with_still = (round(statistics.median(times)) for times in zip(*drawn, strict=True))
    return {"drawn_ms": page, "with_still_ms": with_still, "nodes": nodes, "kept_bytes": kept}


def measure(steps):
    """Run everything.

    Args:
        steps: input events for each way.

    Returns:
        dict, ready for JSON.
    """
    from playwright.sync_api import sync_playwright

    chromium = find_browser()
    with sync_playwright() as playwright:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        arguments = [*CHROMIUM_ARGS, f"--remote-debugging-port={port}"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        with Lab(browser) as lab:
            found = {
                "the page computes": measure_page(lab, steps, port),
                "Python computes, the course's server": measure_python(lab, steps),
                f"lag after a drag of {DRAG_SECONDS} s, a function of": measure_lag(lab, port),
                "HeadBrowser, 12 × 12 heads, 64 tokens": {"": measure_heads(lab)},
            }
        with Lab(browser, extra=STOCK) as lab:
            found["Python computes, a stock server"] = measure_python(lab, steps)
        browser.close()
    return found


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="input events for each way (default 200)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    found = measure(options.steps)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for title, rows in found.items():
        table = Table(title=title)
        table.add_column("")
        headings = list(dict.fromkeys(name for numbers in rows.values() for name in numbers))
        for heading in headings:
            table.add_column(heading.replace("_", " "), justify="right")
        for name, numbers in rows.items():
            table.add_row(name, *(f"{numbers[heading]:,}" if heading in numbers else "" for heading in headings))
        Console().print(table)


if __name__ == "__main__":
    main()
