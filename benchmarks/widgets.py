"""How long from a hand's move to the picture of its result: AttentionPlayground against `interact` with a seaborn heat map.

    python -m benchmarks.widgets [--steps 200] [--json]

Both run in one notebook of a real JupyterLab in a real browser, in turns of ten steps, on the same five tokens; in both,
Python computes attention. A step is one real input event: the pointer drags a query, or an arrow key moves a slider. Its
latency is counted on the page, from the event's own time stamp to the first frame that shows the result.
Needs the test extra and a Chromium.
"""

import argparse
import json
import statistics

from rich.console import Console
from rich.table import Table

from tests.browser.real_lab import CHROMIUM_ARGS, Lab
from tests.prove import find_browser

TURN = 10
REACH_P50_MS = 80
REACH_RATIO = 5

SETUP = """import numpy as np
from course_lib.attention import scaled_dot_product_attention
from course_lib.widgets import AttentionPlayground
tokens = ["the", "cat", "sat", "on", "mats"]
queries = np.array([[0.6, -1.2], [1.5, 0.8], [-0.4, 1.6], [-1.5, 0.2], [0.9, 1.7]])
keys = np.array([[1.1, -0.5], [0.5, 1.5], [1.4, 0.4], [-1.2, -0.9], [-0.6, 1.0]])
values = np.array([[1.6, 0.3], [0.4, 1.6], [-1.5, 0.7], [-0.9, -1.3], [1.1, -1.2]])"""

PLAYGROUND = """playground = AttentionPlayground(tokens, queries, keys, values)
playground"""

INTERACT = """import matplotlib.pyplot as plt
import seaborn as sns
from ipywidgets import FloatSlider, interact

@interact(x=FloatSlider(value=0, min=-2, max=2, step=0.05), y=FloatSlider(value=0, min=-2, max=2, step=0.05))
def show(x, y):
    moved = queries.copy()
    moved[0] = x, y
    context, weights = scaled_dot_product_attention(moved, keys, values)
    sns.heatmap(weights, vmin=0, vmax=1, annot=True, fmt=".2f", cmap="cividis", xticklabels=tokens, yticklabels=tokens)
    plt.show()"""

# Both watchers note when the last input event happened, and answer with the time until the frame after the change.
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
  window.watchPlayground = (root) => {
    const before = Number(root.dataset.paintedSeq);
    window.pending = changed(root, () => Number(root.dataset.paintedSeq) > before)
      .then(painted).then((end) => end - window.lastInput);
  };
  window.watchInteract = (root) => {
    const before = root.querySelector('img').src;
    const newer = () => [...root.querySelectorAll('img')].find((image) => image.src !== before);
    window.pending = changed(root, newer)
      .then((image) => image.decode()).then(painted).then((end) => end - window.lastInput);
  };
}"""


class Playground:
    """The playground's query, dragged along a circle."""

    def __init__(self, notebook, index):
        self.page = notebook.page
        self.root = notebook.cell(index).locator(".cl-playground")
        self.handle = self.root.get_by_role("slider", name="query of the", exact=True)
        self.count = 0

    def begin(self):
        self.handle.scroll_into_view_if_needed()
        box = self.handle.locator(".cl-tip").bounding_box()
        self.at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(*self.at)
        self.page.mouse.down()
        self.root.evaluate("(root) => { root.scrollIntoView({ block: 'nearest' }); }")

    def step(self):
        self.count += 1
        self.root.evaluate("(root) => window.watchPlayground(root)")
        side = 1 if self.count // TURN % 2 else -1
        self.at = self.at[0] + 3 * side, self.at[1] - 2 * side
        self.page.mouse.move(*self.at)
        return self.page.evaluate("() => window.pending")

    def end(self):
        self.page.mouse.up()


class Interact:
    """The slider of `interact`, moved by arrow keys."""

    def __init__(self, notebook, index):
        self.page = notebook.page
        self.root = notebook.cell(index).locator(".jp-OutputArea").first
        self.handle = self.root.locator(".noUi-handle").first
        self.count = 0

    def begin(self):
        self.handle.scroll_into_view_if_needed()
        self.root.locator("img").first.scroll_into_view_if_needed()
        self.handle.focus()

    def step(self):
        self.count += 1
        self.root.evaluate("(root) => window.watchInteract(root)")
        self.page.keyboard.press("ArrowRight" if self.count // TURN % 2 else "ArrowLeft")
        return self.page.evaluate("() => window.pending")

    def end(self):
        pass


def measure(steps):
    """Run both in turns.

    Args:
        steps: input events for each.

    Returns:
        dict: name -> list of latencies in milliseconds.
    """
    from playwright.sync_api import sync_playwright

    chromium = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGS))
        with Lab(browser) as lab:
            notebook = lab.open([SETUP, PLAYGROUND, INTERACT], size=(1280, 1000))
            if not notebook.run_all():
                raise RuntimeError("the benchmark's notebook failed")
            notebook.cell(2).locator("img").first.wait_for()
            notebook.cell(1).locator(".cl-playground").wait_for()
            notebook.page.evaluate(WATCH)
            ways = {"AttentionPlayground": Playground(notebook, 1), "interact + seaborn": Interact(notebook, 2)}
            latencies = {name: [] for name in ways}
            for turn in range(-1, max(1, steps // TURN)):
                for name, way in ways.items():
                    way.begin()
                    measured = [way.step() for _ in range(TURN)]
                    way.end()
                    if turn >= 0:  # the first turn only warms up
                        latencies[name] += measured
            notebook.check()
            notebook.close()
        browser.close()
    return latencies


def summary(latencies):
    """Medians and 95th percentiles in milliseconds, and how many times faster the playground is.

    Args:
        latencies: dict from measure.

    Returns:
        dict, ready for JSON.
    """
    ways = {}
    for name, all_ms in latencies.items():
        percentiles = statistics.quantiles(all_ms, n=100, method="inclusive")
        ways[name] = {"steps": len(all_ms), "p50_ms": round(percentiles[49], 1), "p95_ms": round(percentiles[94], 1)}
    own, other = ways.values()
    return {
        "tokens": 5,
        "ways": ways,
        "ratio_p50": round(other["p50_ms"] / own["p50_ms"], 1),
        "ratio_p95": round(other["p95_ms"] / own["p95_ms"], 1),
        "reached": own["p50_ms"] <= REACH_P50_MS and other["p50_ms"] >= REACH_RATIO * own["p50_ms"],
    }


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="input events for each way (default 200)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    result = summary(measure(options.steps))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    table = Table(title="From a hand's move to the picture of its result, 5 tokens, Python computes")
    for heading in ("way", "steps", "p50 ms", "p95 ms"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name, way in result["ways"].items():
        table.add_row(name, str(way["steps"]), f"{way['p50_ms']:.0f}", f"{way['p95_ms']:.0f}")
    table.add_row("times faster", "", f"{result['ratio_p50']:.1f}×", f"{result['ratio_p95']:.1f}×", style="bold")
    console = Console()
    console.print(table)
    verdict = "reached" if result["reached"] else "not reached"
    console.print(f"Reach: p50 at most {REACH_P50_MS} ms and at least {REACH_RATIO}× faster: {verdict}.")


if __name__ == "__main__":
    main()
