"""A learner's hands on an AttentionPlayground that is shown in a real JupyterLab."""

import numpy as np


def numpy_attention(queries, keys, values, mask):
    """The expected numbers, written out again here so that no library of the course judges itself."""
    exponentials = np.exp(np.array(queries) @ np.array(keys).T / np.sqrt(len(queries[0]))) * np.array(mask)
    weights = exponentials / exponentials.sum(axis=1, keepdims=True)
    return weights @ np.array(values), weights


class Hands:
    """One playground on the page: where its parts are, and what a learner does to it."""

    def __init__(self, notebook, index, name):
        self.notebook = notebook
        self.name = name
        self.root = notebook.cell(index).locator(".cl-playground")
        self.root.wait_for()

    def handle(self, kind, token):
        return self.root.get_by_role("slider", name=f"{kind} of {token}", exact=True)

    def cells(self):
        rows = self.root.locator(".cl-matrix:visible .cl-row:has(.cl-cell)").all()
        return [[cell.strip() for cell in row.locator(".cl-cell").all_inner_texts()] for row in rows]

    def numbers(self):
        return np.array([[float(text.replace("−", "-")) for text in row] for row in self.cells()])

    def stage(self, name):
        self.root.locator(f'[data-stage="{name}"]').click()

    def choose(self, choice):
        self.root.locator(f'[data-choice="{choice}"]').click()

    def drag(self, handle, right, up, steps=8):
        mouse = self.notebook.page.mouse
        for _ in range(10):  # the page may still be moving, as after a verdict
            handle.scroll_into_view_if_needed()
            box = handle.locator(".cl-tip").bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            mouse.move(x, y)
            mouse.down()
            if handle.evaluate("(tip) => tip.hasPointerCapture(1)"):
                break
            mouse.up()
        else:
            raise AssertionError(f"the hand never got hold of {handle}")
        for step in range(1, steps + 1):
            mouse.move(x + right * step / steps, y - up * step / steps)
        mouse.up()
        self.settle()

    def settle(self):
        """Wait until what is shown is the answer to what Python holds."""
        page = self.notebook.page
        page.wait_for_function("(root) => root.dataset.state !== 'pending'", arg=self.root.element_handle())
        for _ in range(400):  # the page may be ahead of Python, or Python of the page
            seq = self.notebook.python_json(f"{self.name}.view.state['seq']")
            painted = int(self.root.get_attribute("data-painted-seq"))
            if painted == seq:
                return self
            page.wait_for_timeout(50)
        raise AssertionError(f"the page shows state {painted}, Python holds state {seq}")

    def read(self, what):
        value = f"{self.name}.{what}"
        return self.notebook.python_json(f"{value}.tolist() if hasattr({value}, 'tolist') else {value}")

    def expected(self):
        return numpy_attention(*(self.read(part) for part in ("queries", "keys", "values", "mask")))
