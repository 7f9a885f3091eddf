"""Steps of a Transformer's blocks, and how they go wrong: layer norm, residual, feed-forward network, the shift."""

import math

import numpy as np

from course_lib.classroom.practice.slips.attention import is_real, shares
from course_lib.classroom.practice.steps import step

# ----------------------------------------------------------------------------------------------------------------------
# Layer norm
# ----------------------------------------------------------------------------------------------------------------------


@step
def mean_of(x):
    """Each token's mean: (..., 1)."""
    return x.mean(axis=-1, keepdims=True)


@step
def variance_of(x, mean):
    """Each token's mean squared deviation: (..., 1)."""
    return ((x - mean) ** 2).mean(axis=-1, keepdims=True)


@step
def spread_of(variance, eps):
    """The root of the variance, with something under it that keeps it from 0."""
    return np.sqrt(variance + eps)


@step
def over_spread(deviations, spread):
    """Deviations from the mean in units of the spread."""
    return deviations / spread


@step
def gained(normed, gain):
    """Each feature times its gain."""
    return normed * gain


@step
def biased(normed, bias):
    """Each feature plus its bias."""
    return normed + bias


@step
def layer_norm(x, gain, bias, eps):
    """Each token brought to mean 0 and spread 1, then gain and bias (Ba et al. 2016, section 3)."""
    mean = mean_of(x)
    normed = over_spread(x - mean, spread_of(variance_of(x, mean), eps))
    return biased(gained(normed, gain), bias)


def normed_with(mean, variance):
    """A layer norm of another mean and variance, both functions of x."""
    return lambda x, gain, bias, eps: gain * (x - mean(x)) / np.sqrt(variance(x) + eps) + bias


def over(*wrong):
    """Layer norms whose mean, variance or both run over another axis, given as (axis, keepdims); "others" are all but the last."""
    right = -1, True
    for other in wrong:
        for of_mean, of_variance in ((other, other), (right, other), (other, right)):
            yield normed_with(
                lambda x, options=of_mean: x.mean(**_options(x, *options)),
                lambda x, options=of_variance: x.var(**_options(x, *options)),
            )


def _options(x, axis, keepdims):
    return {"axis": tuple(range(x.ndim - 1)) if axis == "others" else axis, "keepdims": keepdims}


def plain_norm(x, eps):
    """Layer norm without gain and bias."""
    return (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + eps)


def deviations(x):
    """Each number minus its token's mean."""
    return x - x.mean(axis=-1, keepdims=True)


mean_of.slip("norm-no-mean", "The mean is not subtracted. (That is RMSNorm, which many newer models use; here the mean goes first.)",
             lambda x: np.zeros((*x.shape[:-1], 1)))  # fmt: skip
mean_of.slip("norm-median",
    "You subtract another middle than the mean: the median, or half-way between smallest and largest.",
    lambda x: np.median(x, axis=-1, keepdims=True), lambda x: (x.max(-1, keepdims=True) + x.min(-1, keepdims=True)) / 2)  # fmt: skip
mean_of.slip("norm-over-tokens", "Mean or spread run over the tokens. Each token is normed by its own features, along the last axis.",
             lambda x: x.mean(axis=-2, keepdims=True), lambda x: x.mean(axis=0, keepdims=True))  # fmt: skip
mean_of.slip("norm-over-everything", "Several tokens share one mean or one spread, so that they feel each other. Each token has its "
             "own, along the last axis.", lambda x: x.mean(), lambda x: x.mean(axis=(-2, -1), keepdims=True))  # fmt: skip
mean_of.slip("norm-missing-keepdims", "Each token is normed with the mean or spread of another: without keepdims=True they line up "
             "with the columns.", lambda x: x.mean(axis=-1))  # fmt: skip
mean_of.slip("norm-divides-by-tokens", "You divide by how many tokens or sentences there are. A mean over features divides by how many "
             "features there are.", *(lambda x, axis=axis: x.sum(axis=-1, keepdims=True) / x.shape[axis] for axis in (-2, 0)))  # fmt: skip
mean_of.slip("norm-sum-for-mean", "You subtract the sum of a token's numbers. Their mean goes first.",
             lambda x: x.sum(axis=-1, keepdims=True))  # fmt: skip

variance_of.slip("norm-sample-variance", "You divide the squared deviations by d_model - 1. Layer norm takes their plain mean.",
                 lambda x, mean: ((x - mean) ** 2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1))  # fmt: skip
variance_of.slip("norm-unit-length", "Your tokens have length 1. Their spread should be 1: divide by the root of the *mean* of the "
                 "squared deviations, not of their sum.", lambda x, mean: ((x - mean) ** 2).sum(axis=-1, keepdims=True))  # fmt: skip
variance_of.slip("norm-second-moment", "You divide by the root of the mean of x². The spread is measured from the mean.",
                 lambda x, mean: (x**2).mean(axis=-1, keepdims=True))  # fmt: skip
variance_of.slip("norm-mean-then-square", "You square the mean of the deviations, and that mean is 0. The variance is the mean of their "
                 "squares.", lambda x, mean: (x - mean).mean(axis=-1, keepdims=True) ** 2)  # fmt: skip
variance_of.slip("norm-divides-by-tokens", None,
    *(lambda x, mean, axis=axis: ((x - mean) ** 2).sum(axis=-1, keepdims=True) / x.shape[axis] for axis in (-2, 0)))  # fmt: skip
variance_of.slip("norm-missing-keepdims", None, lambda x, mean: ((x - mean) ** 2).mean(axis=-1))
variance_of.slip("norm-over-tokens", None,
    *(lambda x, mean, axis=axis: ((x - mean) ** 2).mean(axis=axis, keepdims=True) for axis in (-2, 0)))  # fmt: skip
variance_of.slip("norm-over-everything", None, lambda x, mean: ((x - mean) ** 2).mean())
variance_of.slip("norm-median", None, lambda x, mean: np.median((x - mean) ** 2, axis=-1, keepdims=True))

spread_of.slip("norm-by-variance", "You divide by the variance. The spread is its root.",
               lambda variance, eps: variance + eps, lambda variance, eps: variance)  # fmt: skip
spread_of.slip("norm-eps-outside", "eps comes after the root is taken. It belongs under the root, to the variance.",
               lambda variance, eps: np.sqrt(variance) + eps, lambda variance, eps: np.sqrt(variance) + np.sqrt(eps))  # fmt: skip
spread_of.slip("norm-constant-token", "A token whose numbers are all alike gives NaN: 0 divided by 0. What is eps for, and where "
               "does it stand?", lambda variance, eps: np.sqrt(variance))  # fmt: skip
spread_of.slip("norm-eps-maximum", "You take the larger of eps and the spread. eps is added, whatever the spread is.",
    lambda variance, eps: np.maximum(np.sqrt(variance), eps), lambda variance, eps: np.sqrt(np.maximum(variance, eps)))  # fmt: skip
spread_of.slip("norm-eps-ignored", "The eps that was asked for has no part in your result: it shows where a token's spread is small.",
               lambda variance, eps: np.where(variance == 0, 1, np.sqrt(variance)),
               *(lambda variance, eps, own=own: np.sqrt(variance + own) for own in (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-12)),
               *(lambda variance, eps, own=own: np.sqrt(variance) + own for own in (1e-5, 1e-6, 1e-8, 1e-12)))  # fmt: skip
spread_of.slip("norm-eps-squared", "eps is squared before it is added to the variance. It stands there as it is.",
               lambda variance, eps: np.sqrt(variance + eps**2))  # fmt: skip
spread_of.slip("norm-eps-subtracted", "eps is subtracted from the variance. It is added, so that the root is never 0.",
               lambda variance, eps: np.sqrt(variance - eps), lambda variance, eps: np.sqrt(np.maximum(variance - eps, 0)))  # fmt: skip
spread_of.slip("norm-eps-twice", "eps is added twice: under the root and after it, or to the variance two times.",
               lambda variance, eps: np.sqrt(variance + eps) + eps, lambda variance, eps: np.sqrt(variance + 2 * eps))  # fmt: skip

spread_of.slip("norm-squared-for-root", "You square the variance. The spread is its root.",
               lambda variance, eps: (variance + eps) ** 2, lambda variance, eps: variance**2 + eps)  # fmt: skip
spread_of.slip("norm-root-twice", "The root is taken twice: a standard deviation is one already.",
               lambda variance, eps: np.sqrt(np.sqrt(variance) + eps), lambda variance, eps: np.sqrt(np.sqrt(variance + eps)))  # fmt: skip

over_spread.slip("norm-not-divided", "The tokens have mean 0, but not spread 1: the division is missing.",
                 lambda deviations, spread: deviations)  # fmt: skip
over_spread.slip("norm-multiplied", "You multiply by the spread: a token with a large one gets even larger. Divide by it.",
                 lambda deviations, spread: deviations * spread)  # fmt: skip
over_spread.slip("norm-sign-flipped", "Each sign is turned round: x is subtracted from the mean.",
    lambda deviations, spread: -deviations / spread)  # fmt: skip
over_spread.slip("norm-sign-lost", "What lies below the mean comes out positive: the sign of the deviations is lost.",
                 lambda deviations, spread: abs(deviations) / spread)  # fmt: skip

gained.slip("norm-no-gain", "The gain changes nothing in your result.", lambda normed, gain: normed)
gained.slip("norm-gain-added", "The gain is added. It multiplies; what is added is the bias.",
    lambda normed, gain: normed + gain)  # fmt: skip
gained.slip("norm-gain-plus-one", "You multiply by 1 + gain, as some newer models do. Here it is the gain itself.",
            lambda normed, gain: normed * (1 + gain))  # fmt: skip
gained.slip("norm-gain-divides", "The gain divides. It multiplies.", lambda normed, gain: normed / gain)
gained.slip("norm-gain-along-tokens", "Gain or bias runs along the tokens. It has one number for each feature.",
            lambda normed, gain: gain[:, None] * normed)  # fmt: skip
gained.slip("norm-gain-one-number", "Gain or bias comes in as a single number, its mean or its first entry. It has one for each feature.",
            lambda normed, gain: gain.mean() * normed, lambda normed, gain: gain[0] * normed)  # fmt: skip
gained.slip("norm-gain-dot", "The gain is a dot product with each token: that leaves one number. Multiply feature by feature.",
            lambda normed, gain: normed @ gain, lambda normed, gain: (normed @ gain)[..., None])  # fmt: skip
biased.slip("norm-no-bias", "The bias changes nothing in your result.", lambda normed, bias: normed)
biased.slip("norm-bias-subtracted", "The bias is subtracted. It is added.", lambda normed, bias: normed - bias)
biased.slip("norm-bias-multiplies", "The bias multiplies. It is added; what multiplies is the gain.",
    lambda normed, bias: normed * bias)  # fmt: skip
biased.slip("norm-gain-along-tokens", None, lambda normed, bias: normed + bias[:, None])
biased.slip("norm-gain-one-number", None, lambda normed, bias: normed + bias.mean(),
    lambda normed, bias: normed + bias[0])  # fmt: skip

for slip in mean_of.slips:
    if slip.diagnosis in (
        "norm-median",
        "norm-divides-by-tokens",
        "norm-sum-for-mean",
    ):  # beside a variance that is right
        layer_norm.slip(slip.diagnosis, None, normed_with(slip.function, lambda x: x.var(axis=-1, keepdims=True)))
layer_norm.slip("norm-over-tokens", None, *over((-2, True), (0, True), ("others", True)))
layer_norm.slip("norm-axis-1", "On a batch your mean or spread runs over axis 1. The features are the last axis whatever the rank.",
                *over((1, True)))  # fmt: skip
layer_norm.slip("norm-over-everything", None, *over((None, True), ((-2, -1), True), ((1, 2), True)))
layer_norm.slip("norm-missing-keepdims", None, *over((-1, False)),
                normed_with(lambda x: x.mean(-1), lambda x: ((x - x.mean(-1)) ** 2).mean(-1)))  # fmt: skip
layer_norm.slip("norm-not-centred", "The spread is right, but what is divided by it is x itself: the mean is not subtracted.",
                lambda x, gain, bias, eps: gain * x / np.sqrt(x.var(axis=-1, keepdims=True) + eps) + bias)  # fmt: skip
layer_norm.slip("norm-no-mean", None,
                lambda x, gain, bias, eps: gain * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps),
                lambda x, gain, bias, eps: gain * x / np.sqrt((x**2).mean(axis=-1, keepdims=True)) + bias,
                lambda x, gain, bias, eps: gain * x / np.sqrt((x**2).mean(axis=-1, keepdims=True)))  # fmt: skip
layer_norm.slip("norm-precedence", "Only the mean is divided by the spread: x - mean needs brackets.",
                lambda x, gain, bias, eps: gain * x - (x - deviations(x)) / np.sqrt(x.var(-1, keepdims=True) + eps) + bias,
                lambda x, gain, bias, eps: gain * (x - (x - deviations(x)) / np.sqrt(x.var(-1, keepdims=True) + eps)) + bias,
                lambda x, gain, bias, eps: x - gain * (x - deviations(x)) / np.sqrt(x.var(-1, keepdims=True) + eps) + bias)  # fmt: skip
layer_norm.slip("norm-mean-deviation",
    "You divide by the mean of the absolute deviations. The spread is the root of the mean of their squares.",
    lambda x, gain, bias, eps: gain * deviations(x) / (abs(deviations(x)).mean(-1, keepdims=True) + eps) + bias,
    lambda x, gain, bias, eps: gain * deviations(x) / abs(deviations(x)).mean(-1, keepdims=True) + bias,
    lambda x, gain, bias, eps: gain * deviations(x) / np.sqrt(abs(deviations(x)).mean(-1, keepdims=True) + eps) + bias)  # fmt: skip
layer_norm.slip("norm-unit-length", None,
                *(lambda x, gain, bias, eps, of=of: gain * of(x) / (np.linalg.norm(of(x), axis=-1, keepdims=True) + eps) + bias
                  for of in (deviations, np.asarray)),
                *(lambda x, gain, bias, eps, of=of: gain * of(x) / np.linalg.norm(of(x), axis=-1, keepdims=True) + bias
                  for of in (deviations, np.asarray)))  # fmt: skip
layer_norm.slip("norm-by-range", "You divide by the range, the largest number minus the smallest. The spread is the root of the mean "
                "squared deviation.",
                *(lambda x, gain, bias, eps, of=of: gain * of(x) / (np.ptp(x, axis=-1, keepdims=True) + eps) + bias
                  for of in (deviations, lambda x: x - x.min(axis=-1, keepdims=True))))  # fmt: skip
layer_norm.slip("norm-sample-variance", None,
                lambda x, gain, bias, eps: gain * deviations(x) / (x.std(axis=-1, ddof=1, keepdims=True) + eps) + bias)  # fmt: skip
layer_norm.slip("norm-eps-late", "eps is added after the division, so the root below it can still be 0. It belongs under the root.",
                lambda x, gain, bias, eps: gain * (deviations(x) / x.std(axis=-1, keepdims=True) + eps) + bias,
                lambda x, gain, bias, eps: gain * deviations(x) / x.std(axis=-1, keepdims=True) + eps + bias)  # fmt: skip
layer_norm.slip("norm-gain-and-bias-swapped", "Gain and bias are exchanged: the gain multiplies, the bias is added.",
                lambda x, gain, bias, eps: layer_norm(x, bias, gain, eps))  # fmt: skip
layer_norm.slip("norm-bias-before-gain", "You add the bias before you multiply by the gain. The gain comes first, then the bias.",
                lambda x, gain, bias, eps: gain * (plain_norm(x, eps) + bias))  # fmt: skip
layer_norm.slip("norm-gain-on-x-alone", "The gain multiplies x before the mean is subtracted. It multiplies what has been normed.",
                lambda x, gain, bias, eps: (gain * x - (x - deviations(x))) / np.sqrt(x.var(-1, keepdims=True) + eps) + bias)  # fmt: skip
layer_norm.slip("norm-bias-divided", "The bias is divided by the spread, too. It is added at the very end.",
                lambda x, gain, bias, eps: (gain * deviations(x) + bias) / np.sqrt(x.var(-1, keepdims=True) + eps))  # fmt: skip
layer_norm.slip("norm-gain-first", "Gain, or gain and bias, come before the norm, which takes part of them out again. Norm first.",
                lambda x, gain, bias, eps: plain_norm(gain * x, eps) + bias,
                lambda x, gain, bias, eps: plain_norm(gain * x + bias, eps))  # fmt: skip
layer_norm.slip("norm-twice", "The tokens are normed twice.",
                lambda x, gain, bias, eps: layer_norm(layer_norm(x, gain, bias, eps), gain, bias, eps))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The residual
# ----------------------------------------------------------------------------------------------------------------------


@step
def post_norm(x, sublayer, norm):
    """The order of 2017: add, then norm."""
    return norm(x + sublayer(x))


@step
def pre_norm(x, sublayer, norm):
    """The sublayer reads the normed x; the stream itself is only added to."""
    return x + sublayer(norm(x))


post_norm.slip("residual-pre-norm", "The norm comes before the sublayer{at}. Here it comes last, after the addition.",
    pre_norm)  # fmt: skip
pre_norm.slip("residual-post-norm",
    "The norm comes after the addition{at}. Here it comes first: the sublayer reads the normed x.", post_norm)  # fmt: skip
for order in (post_norm, pre_norm):
    order.slip("residual-missing", "The residual is missing{at}: what the sublayer gives replaces x, to which it should be added.",
               lambda x, f, norm: norm(f(x)), lambda x, f, norm: f(norm(x)), lambda x, f, norm: f(x))  # fmt: skip
    order.slip("residual-without-norm", "The norm is missing{at}.", lambda x, f, norm: x + f(x))
    order.slip("residual-norms-the-addition", "You norm what the sublayer gives, then add{at}. Post-norm norms the sum; pre-norm norms "
               "what the sublayer reads.", lambda x, f, norm: x + norm(f(x)))  # fmt: skip
    order.slip("residual-norms-only-x", "You norm x and add what the sublayer gives to that{at}. Post-norm norms the sum; pre-norm "
               "norms only what the sublayer reads.", lambda x, f, norm: norm(x) + f(x))  # fmt: skip
    order.slip("residual-normed-stream", "You add to the normed x{at}: the norm stands in the stream itself. What is added to is x as it "
               "came.", lambda x, f, norm: norm(x) + f(norm(x)), lambda x, f, norm: norm(norm(x) + f(norm(x))))  # fmt: skip
    order.slip("residual-norm-twice", "You norm twice{at}. One norm belongs to each sublayer.",
        lambda x, f, norm: norm(x + f(norm(x))), lambda x, f, norm: norm(norm(x + f(x))),
        lambda x, f, norm: x + norm(f(norm(x))), lambda x, f, norm: norm(norm(x) + f(x)),
        lambda x, f, norm: norm(x + norm(f(x))))  # fmt: skip
    order.slip("residual-norms-each", "x and what the sublayer gives are normed each by itself{at}. There is one norm for each sublayer.",
               lambda x, f, norm: norm(x) + norm(f(x)))  # fmt: skip
    order.slip("sublayer-lost", "The sublayer leaves no trace{at}.", lambda x, f, norm: x, lambda x, f, norm: norm(x),
        lambda x, f, norm: 2 * x, lambda x, f, norm: norm(x + x), lambda x, f, norm: x + norm(x))  # fmt: skip
    order.slip("residual-added-twice", "x is added twice{at}. The residual adds it once.",
               lambda x, f, norm: norm(x + x + f(x)), lambda x, f, norm: x + x + f(norm(x)),
               lambda x, f, norm: x + norm(x + f(x)))  # fmt: skip
    order.slip("sublayer-twice", "The sublayer is applied twice{at}.", lambda x, f, norm: norm(x + f(f(x))),
        lambda x, f, norm: x + f(f(norm(x))), lambda x, f, norm: norm((y := x + f(x)) + f(y)),
        lambda x, f, norm: norm(x + 2 * f(x)), lambda x, f, norm: x + 2 * f(norm(x)))  # fmt: skip
    order.slip("residual-not-a-sum",
        "x and what the sublayer gives are put together in another way than by adding them{at}.",
        *(lambda x, f, norm, put=put: norm(put(x, f(x))) for put in (np.subtract, np.multiply, lambda a, b: (a + b) / 2,
            lambda a, b: b - a)),
        *(lambda x, f, norm, put=put: put(x, f(norm(x))) for put in (np.subtract, np.multiply, lambda a, b: (a + b) / 2,
            lambda a, b: b - a)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The feed-forward network
# ----------------------------------------------------------------------------------------------------------------------


@step
def linear(x, W, b):
    """Tokens through a matrix, with a bias: (..., d_in) @ (d_in, d_out) + (d_out,)."""
    return x @ W + b


linear.slip("bias-missing", "The bias{at} changes nothing in your result.", lambda x, W, b: x @ W)
linear.slip("bias-subtracted", "The bias{at} is subtracted. It is added.", lambda x, W, b: x @ W - b)
linear.slip("bias-multiplies", "The bias{at} multiplies. It is added.", lambda x, W, b: x @ W * b)
linear.slip("bias-added-twice", "The bias{at} is added twice.", lambda x, W, b: x @ W + 2 * b)
linear.slip("bias-in-the-matrix", "The bias{at} is added to the matrix. It is added to what comes out of the product.",
            lambda x, W, b: x @ (W + b))  # fmt: skip
linear.slip("linear-map-transposed", "The matrix{at} is turned round: its rows are the features that come in.",
            lambda x, W, b: x @ W.T + b)  # fmt: skip


@step
def relu(hidden):
    """What is negative becomes 0."""
    return np.maximum(0, hidden)


@step
def gelu(hidden):
    """x times the share of a normal distribution that lies below x (Hendrycks and Gimpel 2016, section 2)."""
    return hidden * (1 + np.vectorize(math.erf, otypes=[float])(hidden / math.sqrt(2))) / 2


def tanh_gelu(x):
    """GELU's approximation by tanh."""
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def sigmoid(x):
    """Each number squashed to between 0 and 1."""
    return 1 / (1 + np.exp(-x))


OTHER_ACTIVATIONS = [
    sigmoid, np.tanh, lambda x: x * sigmoid(x), lambda x: np.logaddexp(0, x), lambda x: (x > 0).astype(float),
    lambda x: shares(np.exp(x - x.max(axis=-1, keepdims=True))), lambda x: np.where(x > 0, x, np.expm1(x)),
    lambda x: np.clip(x, 0, 1), lambda x: np.clip(x, 0, 6), lambda x: np.maximum(0, x) ** 2, np.exp, np.square,
    lambda x: x * sigmoid(1.702 * x),
    *(lambda x, slope=slope: np.where(x > 0, x, slope * x) for slope in (0.01, 0.1, 0.2)),
]  # fmt: skip
for activation in (relu, gelu):
    activation.slip("activation-missing",
        "Nothing bends between the two maps: one after the other, they do no more than one.", lambda x: x)  # fmt: skip
    activation.slip("activation-absolute",
        "Absolute values stand between your two maps: what is negative is turned round.", np.abs)  # fmt: skip
    activation.slip("activation-keeps-the-negative", "You keep what is negative and cut off the rest. It is the other way round.",
                    lambda x: np.minimum(0, x))  # fmt: skip
    activation.slip("another-activation", "Another function stands between your two maps than the one that is asked for.",
                    *OTHER_ACTIVATIONS, lambda x: np.maximum(1, x))  # fmt: skip
relu.slip("activation-largest", "You take the largest number, of all or along an axis. Each number by itself is compared with 0.",
          np.max, *(lambda x, axis=axis: x.max(axis=axis) for axis in (0, -1)))  # fmt: skip
relu.slip("activation-gelu", "These are the values with a GELU, which came later. Asked for is a ReLU.", tanh_gelu,
    gelu)  # fmt: skip
gelu.slip("activation-tanh-gelu", "That is GELU's approximation by tanh. Asked for is the exact one.", tanh_gelu)
gelu.slip("activation-relu", "These are the values with a ReLU. Asked for is a GELU.", relu)


@step
def feed_forward(x, W_1, b_1, W_2, b_2, bend=relu):
    """Two linear maps, with something that bends between them (Vaswani et al. 2017, section 3.3)."""
    return linear(bend(linear(x, W_1, b_1, at="of the first map")), W_2, b_2, at="of the second map")


feed_forward.slip("activation-at-the-end", "The activation comes after the second map, too or only there. It stands between the two.",
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: bend(bend(x @ W_1 + b_1) @ W_2 + b_2),
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: bend((x @ W_1 + b_1) @ W_2 + b_2),
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: bend(bend(x @ W_1 + b_1) @ W_2) + b_2,
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: bend((x @ W_1 + b_1) @ W_2) + b_2)  # fmt: skip
feed_forward.slip("activation-first", "The activation comes before the first map: x itself is bent. It stands between the two maps.",
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: (bend(x) @ W_1 + b_1) @ W_2 + b_2,
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: bend(bend(x) @ W_1 + b_1) @ W_2 + b_2)  # fmt: skip
feed_forward.slip("activation-on-weights", "The activation is taken of the weights. It is taken of what the first map gives.",
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: (x @ bend(W_1) + b_1) @ W_2 + b_2,
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: (x @ bend(W_1) + bend(b_1)) @ W_2 + b_2,
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: bend(x @ W_1 + b_1) @ bend(W_2) + b_2)  # fmt: skip
feed_forward.slip("activation-before-bias", "The first bias comes too late: the activation, or what it cuts off, knows nothing of it. It "
                  "belongs inside.", lambda x, W_1, b_1, W_2, b_2, bend=relu: (bend(x @ W_1) + b_1) @ W_2 + b_2,
                  lambda x, W_1, b_1, W_2, b_2, bend=relu: np.where(x @ W_1 > 0, x @ W_1 + b_1, 0) @ W_2 + b_2)  # fmt: skip
feed_forward.slip("ff-with-residual", "x is added already. That belongs to the block; the feed-forward network gives only what is to "
                  "be added.", lambda x, *rest, **how: x + feed_forward(x, *rest, **how))  # fmt: skip
feed_forward.slip("ff-hidden-only", "These are the hidden units, d_ff of them. The second map brings them back to "
    "d_model.", lambda x, W_1, b_1, W_2, b_2, bend=relu: bend(x @ W_1 + b_1),
    lambda x, W_1, b_1, W_2, b_2, bend=relu: x @ W_1 + b_1)  # fmt: skip
feed_forward.slip("ff-maps-exchanged", "The two maps are exchanged: the first widens to d_ff, the second brings back to d_model.",
                  lambda x, W_1, b_1, W_2, b_2, **how: feed_forward(x, W_2, b_2, W_1, b_1, **how),
                  lambda x, W_1, b_1, W_2, b_2, **how: feed_forward(x, W_2, b_1, W_1, b_2, **how))  # fmt: skip
feed_forward.slip("ff-biases-exchanged", "The two biases are exchanged: the first has d_ff numbers, the second d_model.",
                  lambda x, W_1, b_1, W_2, b_2, **how: feed_forward(x, W_1, b_2, W_2, b_1, **how))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The shift of teacher forcing
# ----------------------------------------------------------------------------------------------------------------------


@step
def lengths_of(sentences, pad_id):
    """How many real tokens each sentence has: (batch,)."""
    return is_real(sentences, pad_id).sum(axis=-1)


@step
def column(sentences, token_id):
    """One and the same token for each sentence: (batch, 1)."""
    return np.full((len(sentences), 1), token_id)


@step
def ended(labels, lengths, end_id):
    """Labels with the end where each sentence is over."""
    return np.where(np.arange(labels.shape[1]) == lengths[:, None], end_id, labels)


@step
def what_is_read(sentences, start_id, pad_id):
    """What the decoder reads: a start, then the sentence."""
    return np.hstack([column(sentences, start_id), sentences])


@step
def what_is_predicted(sentences, end_id, pad_id):
    """What it is to predict: the sentence, then an end, then padding."""
    labels = np.hstack([sentences, column(sentences, pad_id)])
    return ended(labels, lengths_of(sentences, pad_id), end_id)


def padded(array, pad_id):
    """One more column of padding."""
    return np.hstack([array, np.full((len(array), 1), pad_id)])


def first_pad(sentences, pad_id):
    """Where the first padding stands; 0 where there is none."""
    return (sentences == pad_id).argmax(axis=-1)


lengths_of.slip("shift-counts-padding", "You count the padding. The end stands as far in as there are real tokens.",
                lambda sentences, pad_id: (sentences == pad_id).sum(axis=-1))  # fmt: skip
lengths_of.slip("shift-no-padding-found", "In a sentence without padding the end lands at the front: where nothing is found, argmax "
                "gives 0.", first_pad)  # fmt: skip
lengths_of.slip("shift-all-alike", "The end stands in the same place in every sentence. Each has a length of its own.",
                lambda sentences, pad_id: np.broadcast_to((sentences != pad_id).sum(axis=-1).max(), len(sentences)),
                lambda sentences, pad_id: np.broadcast_to((sentences != pad_id).sum(axis=-1).min(), len(sentences)),
                lambda sentences, pad_id: np.broadcast_to((sentences[0] != pad_id).sum(), len(sentences)),
                lambda sentences, pad_id: np.broadcast_to((sentences[-1] != pad_id).sum(), len(sentences)))  # fmt: skip
lengths_of.slip("shift-end-overwrites", "The end has replaced each sentence's last token. It comes after it.",
                lambda sentences, pad_id: (sentences != pad_id).sum(axis=-1) - 1)  # fmt: skip
lengths_of.slip("shift-end-late", "The end comes one place too late: there is padding between it and the sentence.",
                lambda sentences, pad_id: (sentences != pad_id).sum(axis=-1) + 1,
                lambda sentences, pad_id: np.minimum((sentences != pad_id).sum(axis=-1) + 1, sentences.shape[1]))  # fmt: skip
ended.slip("shift-no-end", "No end in your labels: the model would never learn to stop.",
    lambda labels, lengths, end_id: labels)  # fmt: skip
ended.slip("shift-end-after-padding", "The end stands after the padding. It comes right after the last real token of each sentence.",
           lambda labels, lengths, end_id: np.hstack([labels[:, :-1], np.full((len(labels), 1), end_id)]))  # fmt: skip
ended.slip("shift-end-in-all-padding", "Every padding in your labels has become an end. There is one end a sentence, then padding.",
           lambda labels, lengths, end_id: np.where(np.arange(labels.shape[1]) >= lengths[:, None], end_id, labels))  # fmt: skip
ended.slip("shift-end-pushes", "The end is there twice: where the sentence is over, and in the last place.",
    lambda labels, lengths, end_id:
        np.hstack([ended(labels, lengths, end_id)[:, :-1], np.full((len(labels), 1), end_id)]))  # fmt: skip
ended.slip("shift-end-only-in-padding", "A sentence without padding gets no end. It has to learn to stop, too.",
           lambda labels, lengths, end_id: np.hstack([ended(labels, lengths, end_id)[:, :-1], labels[:, -1:]]))  # fmt: skip
what_is_read.slip("shift-no-start", "Your inputs don't begin with start_id: what does the decoder read before the first token?",
                  lambda sentences, start_id, pad_id: padded(sentences, pad_id), lambda sentences, start_id, pad_id: sentences)  # fmt: skip
what_is_read.slip("shift-too-long", "Your arrays are one too long: with start and end there are len + 2 tokens; cut the last off the "
                  "inputs and the first off the labels.",
                  lambda sentences, start_id, pad_id: padded(what_is_read(sentences, start_id, pad_id), pad_id))  # fmt: skip
what_is_read.slip("shift-last-token-lost", "The last token of each sentence is missing in your inputs: it is read before the end is "
                  "predicted.", lambda sentences, start_id, pad_id: ended(
                      what_is_read(sentences, start_id, pad_id), (sentences != pad_id).sum(axis=-1), pad_id))  # fmt: skip
what_is_read.slip("shift-start-overwrites", "start_id has replaced the first token. It comes in front of it.",
    lambda sentences, start_id, pad_id: np.hstack([column(sentences, start_id), padded(sentences[:, 1:], pad_id)]))  # fmt: skip
what_is_predicted.slip("shift-minus-100", "-100 stands for padding in your labels. Here padding stays pad_id; the loss is told which id "
                       "to leave out.", lambda sentences, end_id, pad_id: (
                           np.where((labels := what_is_predicted(sentences, end_id, pad_id)) == pad_id, -100, labels)))  # fmt: skip
what_is_predicted.slip("shift-too-long", None,
    lambda sentences, end_id, pad_id: padded(what_is_predicted(sentences, end_id, pad_id), pad_id))  # fmt: skip
what_is_predicted.slip("shift-cut-too-short", "Your arrays have no room: a sentence of n tokens asks for n + 1 predictions, its tokens "
                       "and the end.", lambda sentences, end_id, pad_id: what_is_predicted(sentences, end_id, pad_id)[:, :-1])  # fmt: skip
