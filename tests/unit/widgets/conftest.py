"""What the tests of all widgets share."""

import doctest
import importlib
import io

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def shares(rng):
    """Random attention: shares(heads, queries, keys), rows that sum to 1."""
    return lambda *shape: rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])


@pytest.fixture
def kept():
    """What a notebook keeps of a widget: its sentence and the pixels of its picture, both looked at."""

    def look(widget):
        data, metadata = widget._repr_mimebundle_()
        assert set(data) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.view.model_id
        assert data["text/plain"] == metadata["image/png"]["alt"] == widget.text_alternative() != ""
        image = Image.open(io.BytesIO(data["image/png"]))
        assert image.format == "PNG"
        assert 300 <= metadata["image/png"]["width"] <= 1000
        assert 60 <= metadata["image/png"]["height"] <= 600
        assert image.width in (2 * metadata["image/png"]["width"], 2 * metadata["image/png"]["width"] + 1)
        assert len(data["image/png"]) < 150_000
        pixels = np.asarray(image.convert("L"))
        assert pixels.std() > 5, "an empty picture"
        assert inside(widget.still()), "cut off at the edge"
        return data["text/plain"], pixels

    return look


def inside(figure):
    """Whether nothing of a figure reaches beyond it: a constrained layout is drawn without a look at what does."""
    FigureCanvasAgg(figure).draw()
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    return box.x0 >= -0.02 and box.y0 >= -0.02 and box.x1 <= width + 0.02 and box.y1 <= height + 0.02


@pytest.fixture
def follows():
    """Whether the picture is another one after a change."""

    def pixels(widget):
        canvas = FigureCanvasAgg(widget.still())
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())

    def check(widget, change):
        before = pixels(widget)
        change()
        after = pixels(widget)
        assert after.shape != before.shape or (after != before).any()

    return check


@pytest.fixture
def run_example():
    """Run the example of a class's docstring as it stands, skipped lines too; returns the names it has set."""

    def run(cls, **names):
        globs = {**vars(importlib.import_module(cls.__module__)), cls.__name__: cls, "np": np, **names}
        (test,) = doctest.DocTestFinder(recurse=False).find(cls, cls.__name__, module=False, globs=globs)
        for example in test.examples:
            example.options.pop(doctest.SKIP, None)
        said = io.StringIO()
        result = doctest.DocTestRunner().run(test, out=said.write, clear_globs=False)
        assert result.attempted > 0
        assert result.failed == 0, said.getvalue()
        return test.globs

    return run


@pytest.fixture
def refuses():
    """Whether something is refused with a message that holds all of some words."""

    def check(action, *words, error=ValueError):
        with pytest.raises(error) as caught:
            action()
        for word in words:
            assert word in str(caught.value), str(caught.value)

    return check
