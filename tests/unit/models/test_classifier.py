"""The classifier of texts."""

import pytest
import torch

from course_lib.models.classifier import TextClassifier, mean_of_tokens
from course_lib.models.encoder import TextEncoder


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    encoder = TextEncoder(vocab_size=20, d_model=8, num_layers=2, num_heads=2, d_ff=16)
    return TextClassifier(encoder, num_classes=3).eval()


def test_logits_do_not_depend_on_padding(classifier):
    ids = torch.tensor([[3, 4, 5]])
    padded, mask = torch.tensor([[3, 4, 5, 9, 9]]), torch.tensor([[1, 1, 1, 0, 0]])
    torch.testing.assert_close(classifier(padded, mask), classifier(ids))
    assert classifier(ids).shape == (1, 3)


def test_weights_on_request(classifier):
    logits, attention = classifier(torch.tensor([[3, 4, 5]]), need_weights=True)
    assert [weights.shape for weights in attention] == [(1, 2, 3, 3)] * 2
    torch.testing.assert_close(logits, classifier(torch.tensor([[3, 4, 5]])))


def test_the_mean_is_over_tokens_alone():
    hidden = torch.tensor([[[1.0], [3.0], [100.0]], [[5.0], [7.0], [9.0]]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    assert mean_of_tokens(hidden, mask).tolist() == [[2.0], [0.0]]
    torch.testing.assert_close(mean_of_tokens(hidden), hidden.mean(dim=1))
    hidden[0, 2] = float("nan")  # what stands at padding has no say
    assert mean_of_tokens(hidden, mask).tolist() == [[2.0], [0.0]]


def test_classes_are_counted(classifier):
    with pytest.raises(ValueError, match="num_classes is 0"):
        TextClassifier(classifier.encoder, 0)
    with pytest.raises(ValueError, match="attention_mask"):
        mean_of_tokens(torch.zeros(2, 3, 4), torch.ones(3, 3, dtype=torch.bool))
