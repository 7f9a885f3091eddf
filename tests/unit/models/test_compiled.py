"""Models of attention are exported for any batch and length, and compiled as one graph."""

import warnings

import pytest
import torch
from torch.export import Dim

from course_lib.models import LLAMA, LanguageModel, TextClassifier, TextEncoder, Transformer, VisionTransformer
from course_lib.models.positions import Rotary
from tests.unit.models.copying import equal

RECIPE = {**LLAMA, "num_kv_heads": 2, "qk_norm": True, "tied": False}


def ids(*shape):
    return torch.randint(1, 20, shape)


def padded(*shape):
    return ids(*shape), (torch.arange(shape[1]) < torch.tensor([[2], [5], [shape[1]]])).long()


def language_model(**more):
    return lambda: LanguageModel(20, 32, 2, 4, 48, **more)


MODELS = {  # how it is made, inputs, and which of their axes may have any size
    "GPT-2": (language_model(), padded(3, 7), ("batch seq_len", "batch seq_len")),
    "sinusoidal": (language_model(positions="sinusoidal"), [ids(3, 7)], ["batch seq_len"]),
    "ALiBi": (language_model(positions="alibi"), [ids(3, 7)], ["batch seq_len"]),
    "today's recipe": (language_model(**RECIPE), [ids(3, 7)], ["batch seq_len"]),
    "today's recipe, padded": (language_model(**RECIPE), padded(3, 7), ["batch seq_len", "batch seq_len"]),
    "a window": (language_model(**RECIPE, window=4), padded(3, 7), ["batch seq_len", "batch seq_len"]),
    "rotary in halves": (
        language_model(**{**RECIPE, "positions": Rotary(8, interleaved=False)}),
        [ids(3, 7)],
        ["batch seq_len"],
    ),
    "Transformer": (lambda: Transformer(20, 32, 2, 4, 48), [ids(3, 6), ids(3, 7)], ["batch source", "batch seq_len"]),
    "TextEncoder": (lambda: TextEncoder(20, 32, 2, 4, 48), padded(3, 7), ["batch seq_len", "batch seq_len"]),
    "TextClassifier": (
        lambda: TextClassifier(TextEncoder(20, 32, 2, 4, 48), 3),
        padded(3, 7),
        ["batch seq_len", "batch seq_len"],
    ),
    "VisionTransformer": (lambda: VisionTransformer(8, 2, 10, 32, 2, 4), [torch.rand(3, 1, 8, 8)], ["batch"]),
}
models = pytest.mark.parametrize("name", MODELS)


@pytest.mark.slow
@models
def test_an_exported_model_serves_any_batch_and_length(name):
    make, inputs, axes = MODELS[name]
    model = make().eval()
    sizes = {axis: Dim(axis, min=2, max=200) for axis in ("batch", "seq_len", "source")}
    dynamic = tuple({place: sizes[axis] for place, axis in enumerate(own.split())} for own in axes)
    exported = torch.export.export(model, tuple(inputs), dynamic_shapes=dynamic).module()
    equal(exported(*inputs), model(*inputs), 1e-5)
    larger = [torch.cat([one, one]) for one in inputs]
    larger = [torch.cat([one] * 4, dim=1) if "seq_len" in own else one for one, own in zip(larger, axes, strict=True)]
    equal(exported(*larger), model(*larger), 1e-5)


@pytest.mark.slow
@models
def test_a_compiled_model_is_one_graph_and_learns_the_same(name):
    torch._dynamo.reset()
    make, inputs, _ = MODELS[name]
    model = make().eval()
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph

    compiled = torch.compile(model, backend=backend, fullgraph=True)
    expected = model(*inputs)
    direction = torch.randn_like(expected)
    (expected * direction).sum().backward()
    gradients = {
        key: parameter.grad.clone() for key, parameter in model.named_parameters() if parameter.grad is not None
    }
    model.zero_grad()
    got = compiled(*inputs)
    (got * direction).sum().backward()
    assert len(graphs) == 1
    equal(got, expected, 1e-5)
    for key, parameter in model.named_parameters():
        if key in gradients:
            equal(parameter.grad, gradients[key], 1e-4)


def test_vectorised_calls_and_second_derivatives():
    """`torch.func` maps over models, and differentiates them twice."""
    model = LanguageModel(20, 32, 1, 4, 48, **RECIPE).double().eval()
    token_ids = ids(4, 1, 5)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # PyTorch maps over its kernel of attention one by one, and says that it is slow
        equal(torch.func.vmap(model)(token_ids)[:, 0], model(token_ids[:, 0]))
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}

    def loss(scale):
        scaled = {name: one * scale if "attention" in name else one for name, one in parameters.items()}
        _, attention = torch.func.functional_call(model, scaled, (token_ids[0],), {"need_weights": True})
        return attention[0].square().sum()

    second = torch.func.grad(torch.func.grad(loss))(torch.tensor(1.0, dtype=torch.float64))
    step = 1e-4
    around = [torch.func.grad(loss)(torch.tensor(1.0 + sign * step, dtype=torch.float64)) for sign in (1, -1)]
    equal(second, (around[0] - around[1]) / (2 * step), 1e-4)
