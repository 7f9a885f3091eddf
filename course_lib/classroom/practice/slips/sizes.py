"""Steps of counting parameters: linear maps, attentions, feed-forward networks, layer norms."""

import numpy as np

from course_lib.classroom.practice.catalogue import mistake
from course_lib.classroom.practice.steps import step


@step
def map_size(d_in, d_out):
    """Parameters of a linear map: its weights, and as many biases as numbers come out."""
    return d_in * d_out + d_out


@step
def attention_size(d_model):
    """Four maps: queries, keys, values, output."""
    return 4 * map_size(d_model, d_model, at="of attention's maps")


@step
def network_size(d_model, d_ff):
    """Two maps, there and back."""
    return map_size(d_model, d_ff, at="of the network's first map") + map_size(d_ff, d_model, at="of its second map")


@step
def norm_size(d_model):
    """A gain and a bias."""
    return 2 * d_model


map_size.slip("count-no-biases", "Your number lacks the biases{at}.", lambda d_in, d_out: d_in * d_out)
map_size.slip("count-bias-of-input", "A linear map has as many biases as numbers come out, not as come in.",
    lambda d_in, d_out: d_in * d_out + d_in)  # fmt: skip
map_size.slip("count-one-bias", "You count a single number as the bias{at}. It has as many as come out.",
    lambda d_in, d_out: d_in * d_out + 1)  # fmt: skip
map_size.slip("count-biases-twice", "You count the biases{at} twice.", lambda d_in, d_out: d_in * d_out + 2 * d_out)
map_size.slip("count-weights-added", "The weights of a linear map are a table: sizes multiplied, not added{at}.",
    lambda d_in, d_out: d_in + d_out, lambda d_in, d_out: d_in + 2 * d_out)  # fmt: skip
attention_size.slip("count-no-output", "Your attentions lack the output projection: there are four maps, not three.",
                    lambda d_model: 3 * map_size(d_model, d_model), lambda d_model: 3 * d_model**2)  # fmt: skip
attention_size.slip("count-one-map", "Your attentions have one or two maps. There are four: queries, keys, values, output.",
                    lambda d_model: map_size(d_model, d_model), lambda d_model: 2 * map_size(d_model, d_model))  # fmt: skip
attention_size.slip("count-five-maps", "Your attentions have more than four maps: queries, keys, values, output.",
                    lambda d_model: 5 * map_size(d_model, d_model), lambda d_model: 8 * map_size(d_model, d_model))  # fmt: skip
attention_size.slip("count-some-biases", "Your number lacks some of the biases. Each linear map has one: attention's "
    "four, and both of the network.", lambda d_model: 4 * d_model**2)  # fmt: skip
attention_size.slip("count-one-bias-for-four", "Each of attention's maps has a bias of its own.",
                    lambda d_model: 4 * d_model**2 + d_model, lambda d_model: 3 * d_model**2 + d_model)  # fmt: skip
network_size.slip("count-one-map-of-network", "Your networks have one map. There are two: to d_ff, and back.",
                  lambda d_model, d_ff: map_size(d_model, d_ff), lambda d_model, d_ff: map_size(d_ff, d_model))  # fmt: skip
network_size.slip("count-no-network", "Your number lacks the feed-forward networks.", lambda d_model, d_ff: 0)
network_size.slip("count-four-times-as-wide", "d_ff is not always 4 · d_model, and never 4 · d_ff: it is a parameter.",
    lambda d_model, d_ff: network_size(d_model, 4 * d_model), lambda d_model, d_ff: network_size(d_model, 4 * d_ff))  # fmt: skip
network_size.slip("count-three-maps-of-network", "Your networks have a map too many: one from d_ff to d_ff.",
                  lambda d_model, d_ff: network_size(d_model, d_ff) + map_size(d_ff, d_ff))  # fmt: skip
network_size.slip("count-some-biases", None, lambda d_model, d_ff: 2 * d_model * d_ff)
norm_size.slip("count-norm-one-vector", "A layer norm has two vectors: a gain and a bias.", lambda d_model: d_model)
norm_size.slip("count-norm-two-numbers", "A layer norm's gain and bias have one number for each feature.",
    lambda d_model: 2)  # fmt: skip
norm_size.slip("count-no-norms", "Your number lacks the gains and biases of the layer norms.", lambda d_model: 0)
norm_size.slip("count-norm-too-large", "You count more than two vectors for each layer norm: a gain and a bias. Mean "
    "and spread are computed, not learned.", lambda d_model: 4 * d_model, lambda d_model: 3 * d_model)  # fmt: skip


def number_mistakes(id, right):
    """The mistakes of how a count is given, for an exercise whose reference is `right`; one of its cases is a giant model."""
    mistake(id, "count-overflows", "For a giant model your number has overflowed: 32 bits end at about two billion.",
            lambda *sizes: np.array(right(*sizes)).astype(np.int32))  # fmt: skip
    mistake(id, "count-in-millions", "Your number is rounded or in thousands or millions. Asked for is the number "
        "itself.", *(lambda *sizes, by=by: right(*sizes) / by for by in (1e3, 1e6)),
        *(lambda *sizes, by=by: right(*sizes) // by for by in (10**3, 10**6)))  # fmt: skip
    mistake(id, "count-in-bytes", "Your number is a multiple of the right one, as if bytes were counted. Asked for is "
        "how many numbers there are.", *(lambda *sizes, by=by: by * right(*sizes) for by in (2, 4, 8)))  # fmt: skip
    mistake(id, "count-in-a-row", "Your number stands in an array of its own. A plain number was asked for.",
            lambda *sizes: np.array([right(*sizes)]))  # fmt: skip
