"""Answers to lesson 11's exercises: the mistakes that people make, and right answers in other styles."""

import numpy as np

from course_lib.models.vision import VisionTransformer
from tests.mistakes.collection import right, wrong

# --- to_patches -------------------------------------------------------------------------------------------------------


def cut_up(images, size):
    """(…, rows, size, columns, size)."""
    *leading, height, width = images.shape
    return images.reshape(*leading, height // size, size, width // size, size)


def good_patches(images, size):
    cut = cut_up(images, size).swapaxes(-3, -2)
    return cut.reshape(*images.shape[:-2], -1, size**2)


@wrong("11.to_patches", "patches-are-strips")
def patches_in_one_reshape(images, patch_size):
    return images.reshape(*images.shape[:-2], -1, patch_size**2)


@wrong("11.to_patches", "patches-are-strips")
def patches_without_the_swap(images, patch_size):
    return cut_up(images, patch_size).reshape(*images.shape[:-2], -1, patch_size**2)


@wrong("11.to_patches", "patches-down-columns")
def patches_column_by_column(images, patch_size):
    cut = cut_up(images, patch_size)  # (..., rows, size, columns, size)
    return np.moveaxis(cut, -2, -4).reshape(*images.shape[:-2], -1, patch_size**2)


@wrong("11.to_patches", "patch-pixels-transposed")
def patches_read_downwards(images, patch_size):
    height, width = images.shape
    cut = images.reshape(height // patch_size, patch_size, width // patch_size, patch_size)
    return cut.transpose(0, 2, 3, 1).reshape(-1, patch_size**2)


@wrong("11.to_patches", "patches-interleaved")
def patches_with_the_axes_cut_the_other_way(images, patch_size):
    height, width = images.shape
    cut = images.reshape(patch_size, height // patch_size, patch_size, width // patch_size)
    return cut.transpose(1, 3, 0, 2).reshape(-1, patch_size**2)


@wrong("11.to_patches", "patches-overlap")
def patches_by_sliding(images, patch_size):
    windows = np.lib.stride_tricks.sliding_window_view(images, (patch_size, patch_size), axis=(-2, -1))
    return windows.reshape(*images.shape[:-2], -1, patch_size**2)


@wrong("11.to_patches", "patches-not-flat")
def patches_still_square(images, patch_size):
    cut = cut_up(images, patch_size).swapaxes(-3, -2)
    return cut.reshape(*images.shape[:-2], -1, patch_size, patch_size)


@wrong("11.to_patches", "patches-in-a-grid")
def patches_still_in_a_grid(images, patch_size):
    cut = cut_up(images, patch_size).swapaxes(-3, -2)
    return cut.reshape(*cut.shape[:-2], patch_size**2)


@wrong("11.to_patches", "patches-transposed")
def patches_in_columns(images, patch_size):
    return np.swapaxes(good_patches(images, patch_size), -1, -2)


@wrong("11.to_patches", "array-shape")
def patches_one_only(images, patch_size):
    return images[..., :patch_size, :patch_size].reshape(*images.shape[:-2], 1, -1)


@wrong("11.to_patches", "different-values")
def patches_upside_down(images, patch_size):
    return good_patches(images, patch_size)[..., ::-1, :]


@wrong("11.to_patches", "fails-on-batch")
def patches_of_one_image(images, patch_size):
    height, width = images.shape
    cut = images.reshape(height // patch_size, patch_size, width // patch_size, patch_size)
    return cut.transpose(0, 2, 1, 3).reshape(-1, patch_size**2)


@wrong("11.to_patches", "wrong-on-batch")
def patches_counted_from_the_front(images, patch_size):
    cut = cut_up(images, patch_size)
    return cut.swapaxes(1, 2).reshape(*images.shape[:-2], -1, patch_size**2)


@right("11.to_patches")
def patches_by_loops(images, patch_size):
    *leading, height, width = images.shape
    found = []
    for top in range(0, height, patch_size):
        for left in range(0, width, patch_size):
            found.append(images[..., top : top + patch_size, left : left + patch_size].reshape(*leading, -1))
    return np.stack(found, axis=-2)


@right("11.to_patches")
def patches_by_einsum(images, patch_size):
    cut = np.einsum("...rpcq->...rcpq", cut_up(images, patch_size))
    return cut.reshape(*images.shape[:-2], -1, patch_size**2)


@right("11.to_patches")
def patches_by_every_nth_window(images, patch_size):
    windows = np.lib.stride_tricks.sliding_window_view(images, (patch_size, patch_size), axis=(-2, -1))
    return windows[..., ::patch_size, ::patch_size, :, :].reshape(*images.shape[:-2], -1, patch_size**2)


@right("11.to_patches")
def patches_by_splitting(images, patch_size):
    rows = np.split(images, images.shape[-2] // patch_size, axis=-2)
    blocks = [block for row in rows for block in np.split(row, row.shape[-1] // patch_size, axis=-1)]
    return np.stack([block.reshape(*images.shape[:-2], -1) for block in blocks], axis=-2).astype(np.float32)


# --- from_patches -----------------------------------------------------------------------------------------------------


def size_of(patches):
    return round(patches.shape[-1] ** 0.5)


def opened(patches, height, width):
    """(…, rows, columns, size, size)."""
    size = size_of(patches)
    return patches.reshape(*patches.shape[:-2], height // size, width // size, size, size)


@wrong("11.from_patches", "image-from-strips")
def image_in_one_reshape(patches, height, width):
    return patches.reshape(*patches.shape[:-2], height, width)


@wrong("11.from_patches", "image-down-columns")
def image_column_by_column(patches, height, width):
    size = size_of(patches)
    cut = patches.reshape(width // size, height // size, size, size)
    return cut.transpose(1, 2, 0, 3).reshape(height, width)


@wrong("11.from_patches", "image-pixels-transposed")
def image_with_patches_turned(patches, height, width):
    cut = opened(patches, height, width)
    return np.einsum("rcpq->rqcp", cut).reshape(height, width)


@wrong("11.from_patches", "image-interleaved")
def image_with_pixels_apart(patches, height, width):
    return np.einsum("rcpq->prqc", opened(patches, height, width)).reshape(height, width)


@wrong("11.from_patches", "image-transposed")
def image_on_its_side(patches, height, width):
    return np.einsum("rcpq->cqrp", opened(patches, height, width)).reshape(width, height)


@wrong("11.from_patches", "image-patches-reversed")
def image_from_the_last_patch(patches, height, width):
    return good_image(patches[..., ::-1, :], height, width)


@wrong("11.from_patches", "image-opened-as-cut")
def image_opened_like_the_cut(patches, height, width):
    size = size_of(patches)
    cut = patches.reshape(*patches.shape[:-2], height // size, size, width // size, size)
    return cut.swapaxes(-3, -2).reshape(*patches.shape[:-2], height, width)


@wrong("11.from_patches", "image-grid-exchanged")
def image_with_rows_for_columns(patches, height, width):
    cut = opened(patches, width, height)
    return cut.swapaxes(-3, -2).reshape(*patches.shape[:-2], height, width)


@wrong("11.from_patches", "image-size-fixed")
def image_of_small_patches(patches, height, width):
    cut = patches.reshape(*patches.shape[:-2], height // 2, width // 2, 2, 2)
    return cut.swapaxes(-3, -2).reshape(*patches.shape[:-2], height, width)


@wrong("11.from_patches", "array-shape")
def image_not_joined(patches, height, width):
    return opened(patches, height, width)


@wrong("11.from_patches", "fails-on-batch")
def image_of_one(patches, height, width):
    size = size_of(patches)
    cut = patches.reshape(height // size, width // size, size, size)
    return cut.transpose(0, 2, 1, 3).reshape(height, width)


@wrong("11.from_patches", "wrong-on-batch")
def image_counted_from_the_front(patches, height, width):
    return opened(patches, height, width).swapaxes(1, 2).reshape(*patches.shape[:-2], height, width)


def good_image(patches, height, width):
    cut = opened(patches, height, width).swapaxes(-3, -2)
    return cut.reshape(*patches.shape[:-2], height, width)


@right("11.from_patches")
def image_by_loops(patches, height, width):
    size = size_of(patches)
    image = np.empty((*patches.shape[:-2], height, width))
    for number in range(patches.shape[-2]):
        row, column = divmod(number, width // size)
        block = patches[..., number, :].reshape(*patches.shape[:-2], size, size)
        image[..., row * size : (row + 1) * size, column * size : (column + 1) * size] = block
    return image


@right("11.from_patches")
def image_by_concatenation(patches, height, width):
    cut = opened(patches, height, width)
    rows = [
        np.concatenate([cut[..., row, column, :, :] for column in range(cut.shape[-3])], axis=-1)
        for row in range(cut.shape[-4])
    ]
    return np.concatenate(rows, axis=-2)


# --- to_tokens --------------------------------------------------------------------------------------------------------


def in_front(first, rest):
    return np.concatenate([np.broadcast_to(first, (*rest.shape[:-2], 1, rest.shape[-1])), rest], axis=-2)


@wrong("11.to_tokens", "tokens-positions-missing")
def tokens_without_positions(patches, W, bias, class_token, positions):
    return in_front(class_token, patches @ W + bias)


@wrong("11.to_tokens", "tokens-class-without-position")
def tokens_with_positions_before_the_class(patches, W, bias, class_token, positions):
    return in_front(class_token, patches @ W + bias + positions[1:])


@wrong("11.to_tokens", "tokens-class-last")
def tokens_with_the_class_at_the_end(patches, W, bias, class_token, positions):
    return np.concatenate([patches @ W + bias, class_token[None]]) + positions


@wrong("11.to_tokens", "tokens-class-missing")
def tokens_without_class(patches, W, bias, class_token, positions):
    return patches @ W + bias + positions[1:]


@wrong("11.to_tokens", "tokens-class-missing")
def tokens_with_an_empty_row(patches, W, bias, class_token, positions):
    return in_front(0 * class_token, patches @ W + bias) + positions


@wrong("11.to_tokens", "tokens-positions-one-off")
def tokens_with_positions_from_zero(patches, W, bias, class_token, positions):
    return in_front(class_token, patches @ W + bias + positions[: patches.shape[-2]])


@wrong("11.to_tokens", "tokens-class-added")
def tokens_with_the_class_everywhere(patches, W, bias, class_token, positions):
    return patches @ W + bias + class_token + positions[1:]


@wrong("11.to_tokens", "tokens-no-bias")
def tokens_without_bias(patches, W, bias, class_token, positions):
    return in_front(class_token, patches @ W) + positions


@wrong("11.to_tokens", "tokens-bias-on-class")
def tokens_with_a_bias_for_all(patches, W, bias, class_token, positions):
    return in_front(class_token, patches @ W) + bias + positions


@wrong("11.to_tokens", "array-shape")
def tokens_with_positions_beside(patches, W, bias, class_token, positions):
    return np.concatenate([in_front(class_token, patches @ W + bias), positions], axis=-1)


@wrong("11.to_tokens", "fails-on-batch")
def tokens_of_one_image(patches, W, bias, class_token, positions):
    return np.vstack([class_token, patches @ W + bias]) + positions


@right("11.to_tokens")
def tokens_into_an_empty_array(patches, W, bias, class_token, positions):
    tokens = np.empty((*patches.shape[:-2], len(positions), W.shape[1]))
    tokens[..., 0, :] = class_token + positions[0]
    tokens[..., 1:, :] = patches @ W + bias + positions[1:]
    return tokens


@right("11.to_tokens")
def tokens_by_padding(patches, W, bias, class_token, positions):
    embedded = np.einsum("...np,pd->...nd", patches, W) + bias
    room = [(0, 0)] * (embedded.ndim - 2) + [(1, 0), (0, 0)]
    first = np.zeros((len(positions), len(class_token)))
    first[0] = class_token
    return np.pad(embedded, room) + first + positions


# --- token_map --------------------------------------------------------------------------------------------------------


def moved_by(cut, image, change=lambda pixel: pixel + 1.0):
    """For each pixel: by how much each number of each token moves."""
    before = cut(image)
    for y, x in np.ndindex(image.shape):
        changed = image.copy()
        changed[y, x] = change(changed[y, x])
        yield (y, x), np.abs(cut(changed) - before)


@wrong("11.token_map", "map-transposed")
def map_on_its_side(cut, image):
    return right_map(cut, image).T


@wrong("11.token_map", "map-of-cut")
def map_the_wrong_way_round(cut, image):
    return cut(np.arange(image.size).reshape(image.shape))


@wrong("11.token_map", "map-of-pixels")
def map_of_places_inside(cut, image):
    table = np.zeros(image.shape, int)
    for pixel, moved in moved_by(cut, image):
        table[pixel] = moved.sum(axis=0).argmax()
    return table


@wrong("11.token_map", "map-one-off")
def map_from_one(cut, image):
    return right_map(cut, image) + 1


@wrong("11.token_map", "map-accumulates")
def map_without_a_fresh_copy(cut, image):
    before, changed, table = cut(image), image.copy(), np.zeros(image.shape, int)
    for y, x in np.ndindex(image.shape):
        changed[y, x] += 1
        table[y, x] = (np.abs(cut(changed) - before).sum(axis=-1) > 0).argmax()
    return table


@wrong("11.token_map", "map-black-pixels")
def map_by_doubling(cut, image):
    table = np.zeros(image.shape, int)
    for pixel, moved in moved_by(cut, image, lambda value: 2 * value):
        table[pixel] = moved.sum(axis=-1).argmax()
    return table


@wrong("11.token_map", "map-assumes-squares")
def map_as_it_should_be(cut, image):
    size = round(cut(image).shape[-1] ** 0.5)
    y, x = np.indices(image.shape) // size
    return y * (image.shape[1] // size) + x


@wrong("11.token_map", "map-largest-token")
def map_without_comparing(cut, image):
    table = np.zeros(image.shape, int)
    for y, x in np.ndindex(image.shape):
        changed = image.copy()
        changed[y, x] += 0.01
        table[y, x] = cut(changed).max(axis=-1).argmax()
    return table


@wrong("11.token_map", "map-wrong-token")
def map_counting_from_the_end(cut, image):
    return len(cut(image)) - 1 - right_map(cut, image)


@wrong("11.token_map", "array-shape")
def map_in_one_line(cut, image):
    return right_map(cut, image).ravel()


def right_map(cut, image):
    table = np.zeros(image.shape, int)
    for pixel, moved in moved_by(cut, image):
        table[pixel] = moved.sum(axis=-1).argmax()
    return table


@right("11.token_map")
def map_by_numbered_pixels(cut, image):
    numbers = cut(np.arange(image.size, dtype=float).reshape(image.shape)).astype(int)
    table = np.empty(image.size, int)
    for token, pixels in enumerate(numbers):
        table[pixels] = token
    return table.reshape(image.shape)


@right("11.token_map")
def map_by_one_bright_pixel(cut, image):
    table = np.zeros(image.shape)
    for y, x in np.ndindex(image.shape):
        dark = np.zeros(image.shape)
        dark[y, x] = 1
        table[y, x] = np.flatnonzero(cut(dark).any(axis=-1))[0]
    return table


# --- count_parameters -------------------------------------------------------------------------------------------------


def counted(image_size, patch_size, channels, classes, d_model, num_layers, d_ff, **without):
    patches = (image_size // patch_size) ** 2
    tokens = without.get("tokens", patches + 1)
    bias, norm, head = without.get("bias", 1), without.get("norm", 1), without.get("head", 1)
    matrices = without.get("matrices", 4)
    block = (
        matrices * (d_model + bias) * d_model + d_model * (d_ff + bias) + d_ff * (d_model + bias) + 4 * d_model * norm
    )
    before = (channels * patch_size**2 + bias) * d_model + without.get("class_token", 1) * d_model + tokens * d_model
    return before + num_layers * block + 2 * d_model * norm + (d_model + bias) * classes * head


@wrong("11.count_parameters", "vit-no-class-token")
def count_without_the_class_token(*sizes):
    return counted(*sizes, class_token=0)


@wrong("11.count_parameters", "vit-two-rows")
def count_without_the_last_norm(*sizes):
    return counted(*sizes) - 2 * sizes[4]


@wrong("11.count_parameters", "vit-four-a-block")
def count_without_biases_of_attention(image_size, patch_size, channels, classes, d_model, num_layers, d_ff):
    return counted(image_size, patch_size, channels, classes, d_model, num_layers, d_ff) - 4 * num_layers * d_model


@wrong("11.count_parameters", "vit-embedding-each")
def count_an_embedding_for_each_patch(image_size, patch_size, channels, classes, d_model, *sizes):
    others = (image_size // patch_size) ** 2 - 1
    once = counted(image_size, patch_size, channels, classes, d_model, *sizes)
    return once + others * (channels * patch_size**2 + 1) * d_model


@wrong("11.count_parameters", "vit-no-biases")
def count_a_feed_forward_without_biases(image_size, patch_size, channels, classes, d_model, num_layers, d_ff):
    once = counted(image_size, patch_size, channels, classes, d_model, num_layers, d_ff)
    return once - num_layers * (d_ff + d_model)


@wrong("11.count_parameters", "vit-two-rows")
def count_patches_only(image_size, patch_size, *sizes):
    return counted(image_size, patch_size, *sizes, tokens=(image_size // patch_size) ** 2, class_token=0)


@wrong("11.count_parameters", "vit-no-positions")
def count_without_positions(*sizes):
    return counted(*sizes, tokens=0)


@wrong("11.count_parameters", "vit-no-biases")
def count_matrices_only(*sizes):
    return counted(*sizes, bias=0)


@wrong("11.count_parameters", "vit-no-norms")
def count_without_norms(*sizes):
    return counted(*sizes, norm=0)


@wrong("11.count_parameters", "vit-no-head")
def count_without_head(*sizes):
    return counted(*sizes, head=0)


@wrong("11.count_parameters", "vit-one-channel")
def count_grey(image_size, patch_size, channels, *sizes):
    return counted(image_size, patch_size, 1, *sizes)


@wrong("11.count_parameters", "vit-square-root")
def count_one_side(image_size, patch_size, *sizes):
    return counted(image_size, patch_size, *sizes, tokens=image_size // patch_size + 1)


@wrong("11.count_parameters", "vit-no-output-matrix")
def count_three_matrices(*sizes):
    return counted(*sizes, matrices=3)


@wrong("11.count_parameters", "vit-positions-of-pixels")
def count_a_position_for_each_pixel(image_size, *sizes):
    return counted(image_size, *sizes, tokens=image_size**2 + 1)


@wrong("11.count_parameters", "vit-otherwise")
def count_one_block(image_size, patch_size, channels, classes, d_model, num_layers, d_ff):
    return counted(image_size, patch_size, channels, classes, d_model, 1, d_ff)


@right("11.count_parameters")
def count_by_building(image_size, patch_size, channels, classes, d_model, num_layers, d_ff):
    if image_size > 100:
        return counted(image_size, patch_size, channels, classes, d_model, num_layers, d_ff)
    heads = 2 if d_model % 2 == 0 else 1
    model = VisionTransformer(image_size, patch_size, classes, d_model, num_layers, heads, d_ff, num_channels=channels)
    return sum(parameter.numel() for parameter in model.parameters())


@right("11.count_parameters")
def count_as_an_array(*sizes):
    return np.array([float(counted(*sizes))])


# --- resize_positions -------------------------------------------------------------------------------------------------


def stretch(table, size, places=None):
    """The first axis at `size` places, linearly."""
    places = np.linspace(0, len(table) - 1, size) if places is None else places
    flat = table.reshape(len(table), -1)
    columns = [np.interp(places, np.arange(len(table)), column) for column in flat.T]
    return np.stack(columns, axis=-1).reshape(len(places), *table.shape[1:])


def both_ways(positions, grid, new_grid, one_way=stretch):
    table = positions[1:].reshape(*grid, -1)
    table = one_way(table, new_grid[0])
    table = one_way(table.swapaxes(0, 1), new_grid[1]).swapaxes(0, 1)
    return np.vstack([positions[:1], table.reshape(-1, positions.shape[1])])


@wrong("11.resize_positions", "resize-as-a-sequence")
def resize_in_one_line(positions, grid, new_grid):
    return np.vstack([positions[:1], stretch(positions[1:], new_grid[0] * new_grid[1])])


@wrong("11.resize_positions", "resize-as-a-sequence")
def resize_in_one_line_with_the_class(positions, grid, new_grid):
    return stretch(positions, 1 + new_grid[0] * new_grid[1])


@wrong("11.resize_positions", "resize-class-too")
def resize_with_the_class_averaged(positions, grid, new_grid):
    new = both_ways(positions, grid, new_grid)
    new[0] = positions.mean(axis=0)
    return new


@wrong("11.resize_positions", "resize-class-lost")
def resize_without_the_class(positions, grid, new_grid):
    return both_ways(positions, grid, new_grid)[1:]


@wrong("11.resize_positions", "resize-nearest")
def resize_by_copying(positions, grid, new_grid):
    return both_ways(
        positions,
        grid,
        new_grid,
        lambda table, size: table[np.round(np.linspace(0, len(table) - 1, size)).astype(int)],
    )


@wrong("11.resize_positions", "resize-nearest")
def resize_by_cutting_off(positions, grid, new_grid):
    return both_ways(
        positions, grid, new_grid, lambda table, size: table[np.linspace(0, len(table) - 1, size).astype(int)]
    )


@wrong("11.resize_positions", "resize-corners-move")
def resize_by_steps(positions, grid, new_grid):
    return both_ways(
        positions, grid, new_grid, lambda table, size: stretch(table, size, np.arange(size) * len(table) / size)
    )


@wrong("11.resize_positions", "resize-filled-up")
def resize_with_zeros(positions, grid, new_grid):
    larger = np.zeros((1 + new_grid[0] * new_grid[1], positions.shape[1]))
    larger[: len(positions)] = positions
    return larger


@wrong("11.resize_positions", "resize-half-pixel")
def resize_as_torch_does(positions, grid, new_grid):
    def one_way(table, size):
        return stretch(table, size, (np.arange(size) + 0.5) * len(table) / size - 0.5)

    return both_ways(positions, grid, new_grid, one_way)


@wrong("11.resize_positions", "resize-transposed")
def resize_with_exchanged_axes(positions, grid, new_grid):
    return both_ways(positions, grid[::-1], new_grid[::-1])


@wrong("11.resize_positions", "resize-rows-only")
def resize_one_axis(positions, grid, new_grid):
    table = stretch(positions[1:].reshape(*grid, -1), new_grid[0])
    columns = np.round(np.linspace(0, grid[1] - 1, new_grid[1])).astype(int)
    return np.vstack([positions[:1], table[:, columns].reshape(-1, positions.shape[1])])


@wrong("11.resize_positions", "resize-tiled")
def resize_by_repeating(positions, grid, new_grid):
    numbers = np.arange(new_grid[0] * new_grid[1]) % (grid[0] * grid[1])
    return np.vstack([positions[:1], positions[1:][numbers]])


@wrong("11.resize_positions", "array-shape")
def resize_left_in_the_grid(positions, grid, new_grid):
    return both_ways(positions, grid, new_grid)[1:].reshape(*new_grid, -1)


@right("11.resize_positions")
def resize_by_interp(positions, grid, new_grid):
    return both_ways(positions, grid, new_grid)


@right("11.resize_positions")
def resize_by_loops(positions, grid, new_grid):
    table, new = positions[1:].reshape(*grid, -1), [positions[0]]
    for y in np.linspace(0, grid[0] - 1, new_grid[0]):
        for x in np.linspace(0, grid[1] - 1, new_grid[1]):
            near_y = np.clip(1 - np.abs(np.arange(grid[0]) - y), 0, None)
            near_x = np.clip(1 - np.abs(np.arange(grid[1]) - x), 0, None)
            new.append(np.einsum("r,c,rcd->d", near_y, near_x, table))
    return np.array(new)


@right("11.resize_positions")
def resize_in_torch(positions, grid, new_grid):
    import torch

    table = torch.from_numpy(positions[1:]).reshape(1, *grid, -1).permute(0, 3, 1, 2)
    table = torch.nn.functional.interpolate(table, size=new_grid, mode="bilinear", align_corners=True)
    return np.vstack([positions[:1], table[0].flatten(1).T.numpy()])


# --- attention_distance -----------------------------------------------------------------------------------------------


def grid_of(weights, columns):
    row, column = np.divmod(np.arange(weights.shape[-1] - 1), columns)
    return row[:, None] - row, column[:, None] - column


def shares_of(weights):
    inner = weights[..., 1:, 1:]
    return inner / inner.sum(axis=-1, keepdims=True)


def mean_of(shares, far):
    return (shares * far).sum(axis=-1).mean(axis=(0, 2))


@wrong("11.attention_distance", "distance-class-kept")
def distance_with_the_class(weights, columns):
    row, column = np.divmod(np.arange(weights.shape[-1]), columns)
    return mean_of(weights, np.hypot(row[:, None] - row, column[:, None] - column))


@wrong("11.attention_distance", "distance-not-renormalised")
def distance_with_what_is_left(weights, columns):
    return mean_of(weights[..., 1:, 1:], np.hypot(*grid_of(weights, columns)))


@wrong("11.attention_distance", "distance-along-the-sequence")
def distance_between_numbers(weights, columns):
    number = np.arange(weights.shape[-1] - 1)
    return mean_of(shares_of(weights), abs(number[:, None] - number))


@wrong("11.attention_distance", "distance-manhattan")
def distance_in_steps(weights, columns):
    down, across = grid_of(weights, columns)
    return mean_of(shares_of(weights), abs(down) + abs(across))


@wrong("11.attention_distance", "distances-squared")
def distance_without_the_root(weights, columns):
    down, across = grid_of(weights, columns)
    return mean_of(shares_of(weights), down**2 + across**2)


@wrong("11.attention_distance", "distance-root-at-the-end")
def distance_with_the_root_too_late(weights, columns):
    down, across = grid_of(weights, columns)
    return np.sqrt(mean_of(shares_of(weights), down**2 + across**2))


@wrong("11.attention_distance", "distance-mean-of-keys")
def distance_as_a_mean_of_all(weights, columns):
    return (shares_of(weights) * np.hypot(*grid_of(weights, columns))).mean(axis=(0, 2, 3))


@wrong("11.attention_distance", "distance-shared-rest")
def distance_divided_at_the_end(weights, columns):
    inner, far = weights[..., 1:, 1:], np.hypot(*grid_of(weights, columns))
    return (inner * far).sum(axis=(0, 2, 3)) / inner.sum(axis=(0, 2, 3))


@wrong("11.attention_distance", "distance-of-maximum")
def distance_to_the_favourite(weights, columns):
    far, best = np.hypot(*grid_of(weights, columns)), shares_of(weights).argmax(axis=-1)
    return far[np.arange(len(far)), best].mean(axis=(0, 2))


@wrong("11.attention_distance", "distance-ignores-weights")
def distance_of_all(weights, columns):
    return np.full(weights.shape[1], np.hypot(*grid_of(weights, columns)).mean())


@wrong("11.attention_distance", "distance-grid-exchanged")
def distance_down_the_columns(weights, columns):
    return mean_of(shares_of(weights), np.hypot(*grid_of(weights, (weights.shape[-1] - 1) // columns)))


@wrong("11.attention_distance", "distance-one-number")
def distance_of_all_heads(weights, columns):
    return mean_of(shares_of(weights), np.hypot(*grid_of(weights, columns))).mean()


@wrong("11.attention_distance", "distance-sum")
def distance_added_up(weights, columns):
    return (shares_of(weights) * np.hypot(*grid_of(weights, columns))).sum(axis=(2, 3)).mean(axis=0)


@wrong("11.attention_distance", "distance-keys-as-queries")
def distance_shared_out_by_columns(weights, columns):
    inner = weights[..., 1:, 1:]
    shares = inner / inner.sum(axis=-2, keepdims=True)
    return (shares * np.hypot(*grid_of(weights, columns))).sum(axis=-2).mean(axis=(0, 2))


@wrong("11.attention_distance", "array-shape")
def distance_of_each_image(weights, columns):
    return (shares_of(weights) * np.hypot(*grid_of(weights, columns))).sum(axis=-1).mean(axis=-1)


@right("11.attention_distance")
def distance_by_loops(weights, columns):
    images, heads, tokens, _ = weights.shape
    found = np.zeros(heads)
    for image, head, query in np.ndindex(images, heads, tokens - 1):
        row = weights[image, head, query + 1, 1:]
        here = np.array(divmod(query, columns))
        for key, weight in enumerate(row / row.sum()):
            found[head] += weight * np.linalg.norm(here - divmod(key, columns))
    return found / (images * (tokens - 1))


@right("11.attention_distance")
def distance_by_einsum(weights, columns):
    shares = shares_of(weights)
    return np.einsum("ihqk,qk->h", shares, np.hypot(*grid_of(weights, columns))) / (len(shares) * shares.shape[2])


@right("11.attention_distance")
def distance_by_complex_numbers(weights, columns):
    place = np.array(
        [row + 1j * column for row, column in map(lambda i: divmod(i, columns), range(weights.shape[-1] - 1))]
    )
    return mean_of(shares_of(weights), abs(place[:, None] - place))
