"""Pictures show what they are given, literally and readably, once, and refuse what does not fit."""

import base64
import io
import itertools
import re
import sys
import warnings
from itertools import combinations

import nbclient
import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from course_lib.attention import causal_mask, softmax
from course_lib.plots import MORE_STYLES, STYLES, Picture, attention_heatmap, ladder, vectors, visible

TOKENS = ["the", "cat", "sat"]
LITERAL = ["[CLS]", "a$b$c", r"$\frac{", "under_score^2", "<b>&amp;</b>", "котката", "שלום", "مرحبا", "100%"]


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module="seaborn")
        yield


def random_weights(num_queries, num_keys, seed=0):
    return softmax(2 * np.random.default_rng(seed).normal(size=(num_queries, num_keys)))


def drawn(figure):
    """Lay the figure out as for saving; every text has its final place then."""
    FigureCanvasAgg(figure).draw()
    return figure


def maps_of(figure):
    """The axes of the heat maps: those with one row or column a label, not the colour bar."""
    return [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]


def colour_bars(figure):
    return [ax for ax in figure.axes if ax.get_label() == "<colorbar>"]


def mesh(ax):
    (found,) = [one for one in ax.collections if isinstance(one, QuadMesh)]
    return found


def written(labels):
    return [label.get_text() for label in labels]


# Heat maps: what they show


def test_rows_are_queries_from_the_top_and_columns_are_keys():
    weights = random_weights(2, 3)
    figure = attention_heatmap(weights, ["q0", "q1"], ["k0", "k1", "k2"], title="Who looks where")
    (ax,) = maps_of(figure)
    np.testing.assert_array_equal(mesh(ax).get_array().reshape(2, 3), weights)
    assert written(ax.get_yticklabels()) == ["q0", "q1"]
    assert written(ax.get_xticklabels()) == ["k0", "k1", "k2"]
    assert ax.get_ylabel() == "Queries (attending)"
    assert ax.get_xlabel() == "Keys (attended to)"
    assert ax.get_title() == "Who looks where"
    drawn(figure)
    heights = [label.get_window_extent().y0 for label in ax.get_yticklabels()]
    assert heights[0] > heights[1]  # the first query is on top
    numbers = {tuple(text.get_position()): text.get_text() for text in ax.texts}
    assert numbers[(2.5, 0.5)] == f"{weights[0, 2]:.2f}"


def test_without_labels_positions_are_numbered_from_0():
    (ax,) = maps_of(attention_heatmap(random_weights(2, 4)))
    assert written(ax.get_yticklabels()) == ["0", "1"]
    assert written(ax.get_xticklabels()) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 7), (7, 2), (30, 30)])
def test_cells_are_square(shape):
    figure = drawn(attention_heatmap(random_weights(*shape)))
    (ax,) = maps_of(figure)
    box = ax.get_window_extent()
    assert box.width / shape[1] == pytest.approx(box.height / shape[0], rel=1e-6)


def test_panels_share_one_scale_and_one_colour_bar():
    maps = {"Head 1": random_weights(3, 3, 1), "Head 2": random_weights(3, 3, 2), "Head 3": random_weights(3, 3, 3)}
    figure = attention_heatmap(maps, TOKENS, TOKENS, title="Three heads")
    axes = maps_of(figure)
    assert [ax.get_title() for ax in axes] == list(maps)
    assert len(colour_bars(figure)) == 1
    assert {mesh(ax).get_clim() for ax in axes} == {(0, 1)}
    assert {mesh(ax).get_cmap().name for ax in axes} == {"cividis"}
    assert figure.get_suptitle() == "Three heads"
    for ax, weights in zip(axes, maps.values(), strict=True):
        np.testing.assert_array_equal(mesh(ax).get_array().reshape(3, 3), weights)


@pytest.mark.parametrize("number", [1, 2, 5, 6, 7, 12])
def test_any_number_of_panels_is_labelled_at_its_left_and_lower_edge(number):
    figure = attention_heatmap(np.stack([random_weights(3, 3, seed) for seed in range(number)]), TOKENS, TOKENS)
    axes = maps_of(figure)
    assert len(axes) == number
    columns = {ax.get_subplotspec().colspan.start for ax in axes}
    lowest = [max((ax for ax in axes if ax.get_subplotspec().colspan.start == column), key=rows) for column in columns]
    assert all(written(ax.get_xticklabels()) == TOKENS for ax in lowest)
    leftmost = [ax for ax in axes if ax.get_subplotspec().colspan.start == 0]
    assert all(written(ax.get_yticklabels()) == TOKENS for ax in leftmost)


def rows(ax):
    return ax.get_subplotspec().rowspan.start


def test_maps_of_different_sizes_become_panels_with_labels_of_their_own():
    small, large = random_weights(2, 3), random_weights(3, 4)
    for weights in ([small, large], {"a": small, "b": large}):
        first, second = maps_of(attention_heatmap(weights))
        assert written(first.get_xticklabels()) == ["0", "1", "2"]
        assert written(second.get_yticklabels()) == ["0", "1", "2"]


def test_scores_take_their_scale_from_all_maps():
    scores = np.array([[-3.0, 5.0], [2.0, 1.0]])
    masked = np.where(causal_mask(2), 10 * scores, -np.inf)
    figure = attention_heatmap({"scores": scores, "masked": masked}, vmin=None, vmax=None)
    first, second = maps_of(figure)
    assert mesh(first).get_clim() == mesh(second).get_clim() == (-30, 20)
    assert written(second.texts) == ["−30", "−∞", "20", "10"]
    assert mesh(second).get_array().mask.reshape(2, 2).tolist() == [[False, True], [False, False]]
    (bar,) = colour_bars(figure)
    assert bar.get_ylabel() == "Score"
    assert colour_bars(attention_heatmap([[1.0]]))[0].get_ylabel() == "Attention weight"


@pytest.mark.parametrize("same", [[[0.0]], [[4.0, 4.0]], [[-np.inf]]])
def test_scores_that_are_all_the_same_have_a_scale_too(same):
    (ax,) = maps_of(drawn(attention_heatmap(same, vmin=None, vmax=None)))
    low, high = mesh(ax).get_clim()
    assert low < high


def test_exact_zeros_and_ones_are_told_from_rounded_ones():
    (ax,) = maps_of(attention_heatmap([[0, 1e-4, 0.9999], [1, 0, 0]]))
    assert written(ax.texts) == ["0", "0.00", "1.00", "1", "0", "0"]


def luminance(colour):
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_numbers_are_readable_on_every_colour():
    (ax,) = maps_of(attention_heatmap(np.linspace(0, 1, 100).reshape(10, 10)))
    colours = mesh(ax).cmap(mesh(ax).norm(np.linspace(0, 1, 100)))
    assert len(ax.texts) == 100
    for text, colour in zip(ax.texts, colours, strict=True):
        assert contrast(text.get_color(), colour[:3]) >= 4.5


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (10, 10), (10, 2)])
def test_numbers_stay_inside_their_cells(shape):
    scores = np.random.default_rng(0).normal(scale=60, size=shape) - 100
    (ax,) = maps_of(drawn(attention_heatmap(scores, vmin=None, vmax=None)))
    cell = ax.get_window_extent().width / shape[1]
    assert len(ax.texts) == np.prod(shape)
    assert max(text.get_window_extent().width for text in ax.texts) < cell


def test_numbers_are_left_out_of_large_maps_unless_asked_for():
    large, small = random_weights(11, 11), random_weights(3, 3)
    assert not maps_of(attention_heatmap(large))[0].texts
    assert len(maps_of(attention_heatmap(large, annotate=True))[0].texts) == 121
    assert not maps_of(attention_heatmap(small, annotate=False))[0].texts


def test_labels_are_drawn_as_they_are():
    figure = attention_heatmap(random_weights(9, 9), LITERAL, LITERAL, title="cost: $5 and $6")
    (ax,) = maps_of(figure)
    assert written(ax.get_xticklabels()) == written(ax.get_yticklabels()) == LITERAL
    for text in [*ax.get_xticklabels(), *ax.get_yticklabels(), ax.title]:
        assert not text.get_parse_math()
    drawn(figure)  # an unbalanced formula would raise here
    drawn(vectors({"$keys$": np.random.default_rng(0).normal(size=(9, 2))}, LITERAL, title="$x"))


def test_words_of_a_picture_can_be_printed_anywhere():
    data, _ = Picture(figsize=(1, 1), alternative="\ud800\x1b[31m")._repr_mimebundle_()
    assert data["text/plain"] == r"\ud800\x1b[31m"


def test_what_nobody_would_see_is_written_as_an_escape():
    assert visible("two\nlines\t") == r"two\nlines\t"
    assert visible("zero\u200bwidth") == r"zero\u200bwidth"
    assert visible("\ud800\x1b\u202e") == r"\ud800\x1b\u202e"
    assert visible("a b") == "a b"
    assert visible(7) == "7"
    assert visible("x" * 40) == "x" * 40
    assert visible("x" * 41) == "x" * 39 + "…"


@pytest.mark.parametrize("length", [1, 14, 38])
@pytest.mark.parametrize("tokens", [3, 12, 40, 150])
def test_labels_never_overlap(length, tokens):
    labels = [("x" * length)[: max(1, length - i % 3)] for i in range(tokens)]
    figure = drawn(attention_heatmap(random_weights(tokens, tokens), labels, labels))
    (ax,) = maps_of(figure)
    size = max(ax.get_yticklabels()[0].get_fontsize(), 1) * figure.dpi / 72
    heights = sorted(label.get_window_extent().y0 for label in ax.get_yticklabels())
    assert min(np.diff(heights)) >= 0.95 * size
    across = ax.get_xticklabels()
    if across[0].get_rotation() == 0:
        boxes = [label.get_window_extent() for label in across]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    else:
        steps = np.diff([ax.transData.transform((label.get_position()[0], 0))[0] for label in across])
        assert min(steps) * np.sin(np.radians(across[0].get_rotation())) >= 0.95 * size
    inches = figure.get_size_inches()
    assert max(inches) < 16, inches
    assert min(label.get_fontsize() for label in across) >= 6.5


def test_axes_of_another_figure_are_drawn_into():
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    assert attention_heatmap(random_weights(3, 3), TOKENS, TOKENS, title="here", ax=left) is figure
    assert vectors({"keys": np.eye(3, 2)}, TOKENS, ax=right, title="there") is figure
    assert left.get_title() == "here"
    assert right.get_title() == "there"
    assert written(left.get_xticklabels()) == TOKENS
    drawn(figure)


def test_tensors_lists_and_booleans_are_welcome_and_stay_as_they_are():
    weights = random_weights(3, 3)
    for form in (torch.tensor(weights, requires_grad=True), torch.tensor(weights), weights.tolist()):
        (ax,) = maps_of(attention_heatmap(form))
        np.testing.assert_array_equal(mesh(ax).get_array().reshape(3, 3), weights)
    assert maps_of(attention_heatmap(torch.tensor(weights, dtype=torch.bfloat16)))
    assert len(maps_of(attention_heatmap(torch.tensor(weights)[None].repeat(2, 1, 1)))) == 2
    assert written(maps_of(attention_heatmap(causal_mask(2)))[0].texts) == ["1", "0", "1", "1"]
    frozen = weights.copy()
    frozen.flags.writeable = False
    attention_heatmap(frozen)
    np.testing.assert_array_equal(frozen, weights)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.lists(st.text(max_size=50), min_size=12, max_size=12))
def test_any_text_is_a_label(num_queries, num_keys, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a script that no font here has is drawn as boxes, with a warning
        drawn(attention_heatmap(random_weights(num_queries, num_keys), labels[:num_queries], labels[:num_keys]))


def test_single_precision_may_round_above_one():
    attention_heatmap(np.array([[1.0000001, 0.0]], np.float32))


# Heat maps: what they refuse


def refused(expected, *arguments, error=ValueError, **options):
    with pytest.raises(error, match=re.escape(expected)):
        attention_heatmap(*arguments, **options)


def test_labels_that_do_not_match_are_refused():
    weights = random_weights(7, 7)
    five = ["the", "cat", "sat", "down", "."]
    refused("query_labels holds 5 labels: ['the', 'cat', 'sat', 'down', '.']; expected 7, one for each", weights, five)
    refused("one for each key of weights with shape (7, 7)", weights, [*"abcdefg"], five)
    refused("query_labels holds 3 labels", random_weights(2, 3), TOKENS, ["a", "b"])  # the two were swapped
    maps = {"a": random_weights(3, 3), "b": random_weights(2, 3)}
    refused("expected 2, one for each query of weights['b'] with shape (2, 3)", maps, TOKENS, TOKENS)
    refused("query_labels is one string; expected a list of strings", random_weights(7, 7), "the cat", error=TypeError)
    refused("key_labels is a value of type int; expected a list of strings", [[1.0]], ["a"], 3, error=TypeError)


def test_labels_from_a_generator_hold_for_all_panels():
    figure = attention_heatmap([random_weights(3, 3)] * 2, (token for token in TOKENS), (token for token in TOKENS))
    assert written(maps_of(figure)[1].get_xticklabels()) == TOKENS


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1.0, 0.0], "weights has shape (2,); expected (queries, keys)"),
        (0.5, "weights has shape (); expected (queries, keys)"),
        (np.ones((1, 1, 2, 2)), "weights has shape (1, 1, 2, 2); expected (queries, keys)"),
        (np.ones((0, 3)), "weights has shape (0, 3)"),
        ([], "weights has shape (0,)"),
        ({}, "weights holds no map"),
        (np.ones((0, 3, 3)), "weights holds no map"),
        ({"a": [1.0]}, "weights['a'] has shape (1,); expected (queries, keys)"),
        ([[[1.0]], [[1.0], [1.0, 0.0]]], "weights[1] cannot be read as an array"),
        ([["a"]], "weights has dtype <U1"),
        ([[1j]], "weights has dtype complex128"),
        ([[0.5, np.nan]], "weights holds nan at index (0, 1)"),
        ([[0.5, np.inf]], "weights holds inf at index (0, 1)"),
        ([[0.5, 1.5]], "weights holds 1.5 at (0, 1), outside of 0 to 1; expected weights. For scores pass vmin=None"),
        ([[0.5], [-0.1]], "weights holds -0.1 at (1, 0), outside of 0 to 1"),
        ([[-np.inf]], "weights holds -inf at (0, 0), outside of 0 to 1"),
        ({"a": [[0.0]], "b": [[2.0]]}, "weights['b'] holds 2 at (0, 0)"),
    ],
)
def test_what_is_no_map_is_refused(weights, expected):
    refused(expected, weights)


def test_scales_and_axes_that_make_no_sense_are_refused():
    for low, high in [(1, 0), (0, 0), (np.nan, 1), (0, np.inf), ("a", 1)]:
        refused(f"vmin is {low} and vmax is {high}", [[0.5]], vmin=low, vmax=high)
    refused("ax is one pair of axes, but weights holds 2 maps", np.ones((2, 1, 1)), ax=Figure().subplots())


# Arrows


def test_arrows_start_at_the_origin_and_differ_in_colour_marker_and_line():
    groups = {"queries": [[1, 2], [-1, 0.5]], "keys": [[2, 1], [0, -1]]}
    groups |= {"values": [[1, 1], [0, 1]], "mine": [[0, 2], [2, 0]]}
    figure = drawn(vectors(groups, ["cat", "sat"], title="Arrows"))
    (ax,) = figure.axes
    shafts = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_zorder() == 2]
    ends = {(line.get_xdata()[1], line.get_ydata()[1]) for line in shafts if line.get_xdata()[0] == 0}
    assert ends >= {(x, y) for group in groups.values() for x, y in group}
    handles, names = ax.get_legend_handles_labels()
    assert names == list(groups)
    for look in ("get_color", "get_marker"):
        assert len({getattr(handle, look)() for handle in handles}) == 4
    assert len({str(handle._unscaled_dash_pattern) for handle in handles}) == 4
    assert ax.get_aspect() == 1
    box = ax.get_window_extent()
    assert box.width == pytest.approx(box.height)
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["cat", "sat"] * 4


def test_colours_of_arrows_are_told_apart_from_white_and_from_each_other():
    looks = [*STYLES.values(), *MORE_STYLES]
    assert len({look[0] for look in looks}) == len({look[1] for look in looks}) == len(looks) == 7
    assert all(contrast(colour, "white") >= 2 for colour, _, _ in looks)
    (ax,) = vectors({name: [[1, i]] for i, name in enumerate("abcdefg")}, ["x"]).axes
    handles, _ = ax.get_legend_handles_labels()
    assert len({(handle.get_color(), handle.get_marker()) for handle in handles}) == 7
    for text in ax.texts:
        if text.get_text():
            assert contrast(text.get_color(), "white") >= 3


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([1e-6, 1.0, 1e5]))
def test_every_tip_is_in_the_picture(seed, number, spread):
    points = np.random.default_rng(seed).normal(scale=spread, size=(number, 2))
    (ax,) = vectors({"keys": points, "values": -2 * points}, [f"token {i}" for i in range(number)]).axes
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    for x, y in [*points, *(-2 * points), (0, 0)]:
        assert left < x < right
        assert bottom < y < top


@pytest.mark.parametrize("groups", [
    {"queries": [[2, 1], [1, 2], [-1, 0.5]], "keys": [[2, 1], [1, 2], [-1, 0.5]]},
    {"values": [[1, 0], [0, 1], [0.7, 0.7]], "context": [[0.6, 0.5], [0.65, 0.55], [0.5, 0.6]]},
])  # fmt: skip
def test_labels_of_arrows_do_not_cover_each_other(groups):
    (ax,) = drawn(vectors(groups, TOKENS)).axes
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert len(boxes) == 6
    for one, other in combinations(boxes, 2):
        width = min(one.x1, other.x1) - max(one.x0, other.x0)
        height = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert width <= 2 or height <= 4  # a box is taller than the letters in it


def test_vectors_of_length_zero_are_drawn():
    drawn(vectors({"context": np.zeros((3, 2))}, TOKENS))


@pytest.mark.parametrize(
    ("groups", "labels", "expected"),
    [
        (
            {"keys": np.ones((3, 3))},
            TOKENS,
            "groups['keys'] has shape (3, 3), so its axis dimensions is 3; expected (vectors, dimensions) with dimensions = 2",
        ),
        ({"keys": [1, 2]}, TOKENS, "groups['keys'] has shape (2,); expected (vectors, dimensions)"),
        (
            {"keys": [[1, np.nan]]},
            ["a"],
            "groups['keys'] holds nan at index (0, 1) of its shape (1, 2); expected finite numbers",
        ),
        (
            {"keys": [[1, -np.inf]]},
            ["a"],
            "groups['keys'] holds -inf at index (0, 1) of its shape (1, 2); expected finite numbers",
        ),
        ({"keys": np.ones((2, 2))}, TOKENS, "labels holds 3 labels: ['the', 'cat', 'sat']; expected 2, one for each"),
        ({"keys": np.ones((3, 2)), "values": np.ones((2, 2))}, TOKENS, "groups['values'] with shape (2, 2)"),
        ({"keys": np.ones((3, 2))}, "cat", "labels is one string; expected a list of strings"),
        ({}, TOKENS, "groups is {}; expected a dict"),
        (np.ones((3, 2)), TOKENS, "expected a dict"),
        ({str(i): [[1, 1]] for i in range(8)}, ["a"], "groups holds 8 groups; expected at most 7"),
    ],
)
def test_what_is_no_vector_is_refused(groups, labels, expected):
    with pytest.raises((ValueError, TypeError), match=re.escape(expected)):
        vectors(groups, labels)


# Pictures show themselves


def test_a_picture_is_a_figure_that_says_what_it_shows():
    figure = attention_heatmap([[0.2, 0.8], [0.5, 0.5], [0, 0]], TOKENS, ["le", "chat"])
    assert isinstance(figure, Picture)
    data, metadata = figure._repr_mimebundle_()
    assert data["text/plain"] == (
        "weights: 3 queries by 2 keys. the attends most to chat (0.80); cat attends most to le and chat (0.50); "
        "sat attends to nothing."
    )
    image = Image.open(io.BytesIO(data["image/png"]))
    assert image.size[0] - 1 <= 2 * metadata["image/png"]["width"] <= image.size[0]
    assert len(data["image/png"]) < 60_000
    arrows = vectors({"keys": [[1, -2.5]]}, ["cat"])
    assert arrows._repr_mimebundle_()[0]["text/plain"] == "keys: cat (1, −2.50)."
    assert "Picture" in Picture()._repr_mimebundle_()[0]["text/plain"]


def test_a_picture_is_kept_in_the_colours_it_was_drawn_in():
    figure = attention_heatmap(np.linspace(0, 1, 64).reshape(8, 8), annotate=False)
    image = Image.open(io.BytesIO(figure._repr_mimebundle_()[0]["image/png"])).convert("RGB")
    kept = np.array([colour for _, colour in image.getcolors()])
    (ax,) = maps_of(figure)
    for colour in mesh(ax).cmap(mesh(ax).norm(np.linspace(0, 1, 64)))[:, :3] * 255:
        assert np.abs(kept - colour).max(axis=1).min() <= 6


def test_nothing_is_left_with_pyplot():
    attention_heatmap([[1.0]])
    assert not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.slow
def test_a_picture_is_shown_once_in_a_notebook():
    cells = [
        "from course_lib.plots import Picture, attention_heatmap, vectors\nattention_heatmap([[1.0]])",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "vectors({'keys': [[1, 2]]}, ['cat'])",
        "%matplotlib inline\nfigure = Picture()\nattention_heatmap([[1.0]], ax=figure.subplots())",
        "kept = attention_heatmap([[1.0]])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    for number in (0, 2, 3):
        (output,) = notebook.cells[number].outputs
        assert output.output_type == "execute_result"
        assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")
        assert output.metadata["image/png"]["width"] > 50
    assert notebook.cells[4].outputs == []


RUNGS = {"03 · one head": [2.68, 2.64, 2.72], "04 · heads $x$": [2.5], "lesson 05 · ?": None}


def test_a_ladder_says_what_is_reached_and_what_is_not():
    figure = ladder(RUNGS, {"pairs": 2.57}, title="$The$ ladder")
    assert figure.alternative == (
        "03 · one head: 2.68 nats (2.64 to 2.72); 04 · heads $x$: 2.50 nats; lesson 05 · ?: not reached yet. "
        "For comparison: pairs 2.57."
    )
    (ax,) = drawn(figure).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == list(RUNGS)
    marks = [line for line in ax.lines if line.get_marker() in ("o", "D")]
    np.testing.assert_allclose([line.get_xydata()[0] for line in marks], [(2.68, 0), (2.5, 1)])
    assert len({(line.get_color(), line.get_marker()) for line in marks}) == 2  # the newest stands out
    assert {"2.68", "2.50", "pairs: 2.57"} == {text.get_text() for text in ax.texts}


def test_the_names_of_controls_cover_nothing():
    close = {"letters": 2.70, "pairs": 2.69, "threes": 2.68, "fives": 2.67}
    (ax,) = drawn(ladder(RUNGS, close, title="Close")).axes
    boxes = [text.get_window_extent() for text in [*ax.texts, ax.title]]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize(
    "rungs, controls, message",
    [
        ({}, None, "rungs holds no loss; expected one at least"),
        ({"03": None}, None, "rungs holds no loss; expected one at least"),
        ({"03": []}, None, r"rungs\['03'\] is empty; expected losses, or None for a rung not reached yet"),
        ({"03": [-1]}, None, r"rungs\['03'\]\[0\] is -1"),
        ({"03": [float("nan")]}, None, r"rungs\['03'\]\[0\] is nan"),
        ([2.5], None, "rungs is a list; expected a dict from names to losses"),
        ({"03": [2.5]}, {"pairs": -1}, r"controls\['pairs'\] is -1"),
        ({"03": [2.5]}, 2.5, "controls is a float; expected a dict from names to a loss each"),
    ],
)
def test_a_ladder_refuses_what_is_no_loss(rungs, controls, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ladder(rungs, controls)


def test_a_ladder_goes_into_axes_of_yours():
    ax = Figure().subplots()
    assert ladder({"03": [2.5]}, ax=ax) is ax.figure
