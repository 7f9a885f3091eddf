"""Answers to lesson 11's exercises: right ones in other styles, and changes that leave the solutions right."""

import numpy as np

from course_lib.models.vision import VisionTransformer
from tests.mistakes.collection import equal, right

# --- to_patches -------------------------------------------------------------------------------------------------------


@right("11.to_patches")
def patches_by_einsum(images, patch_size):
    *leading, height, width = images.shape
    cut = images.reshape(-1, height // patch_size, patch_size, width // patch_size, patch_size)
    return np.einsum("nrpcq->nrcpq", cut).reshape(*leading, -1, patch_size**2)


@right("11.to_patches")
def patches_by_every_nth_window(images, patch_size):
    windows = np.lib.stride_tricks.sliding_window_view(images, (patch_size, patch_size), axis=(-2, -1))
    return windows[..., ::patch_size, ::patch_size, :, :].reshape(*images.shape[:-2], -1, patch_size**2)


@right("11.to_patches")
def patches_as_torch_unfolds(images, patch_size):
    import torch

    flat = torch.from_numpy(images).reshape(-1, 1, *images.shape[-2:])
    patches = torch.nn.functional.unfold(flat, patch_size, stride=patch_size).transpose(1, 2)
    return patches.reshape(*images.shape[:-2], *patches.shape[1:]).numpy()


# --- from_patches -----------------------------------------------------------------------------------------------------


@right("11.from_patches")
def image_by_loops(patches, height, width):
    size = round(patches.shape[-1] ** 0.5)
    image = np.empty((*patches.shape[:-2], height, width))
    for number in range(patches.shape[-2]):
        row, column = divmod(number, width // size)
        block = patches[..., number, :].reshape(*patches.shape[:-2], size, size)
        image[..., row * size : (row + 1) * size, column * size : (column + 1) * size] = block
    return image


@right("11.from_patches")
def image_by_blocks(patches, height, width):
    size = int(np.sqrt(height * width / patches.shape[-2]))
    cut = patches.reshape(*patches.shape[:-2], height // size, width // size, size, size)
    rows = range(height // size), range(width // size)
    return np.block([[cut[..., r, c, :, :] for c in rows[1]] for r in rows[0]])


@right("11.from_patches")
def image_by_its_numbers(patches, height, width):
    order = patches_by_einsum(np.arange(height * width).reshape(height, width), round(patches.shape[-1] ** 0.5))
    flat = patches.reshape(*patches.shape[:-2], -1).astype(np.float32)
    return flat[..., np.argsort(order, axis=None)].reshape(*patches.shape[:-2], height, width)


# --- to_tokens --------------------------------------------------------------------------------------------------------


@right("11.to_tokens")
def tokens_into_an_empty_array(patches, W, bias, class_token, positions):
    tokens = np.empty((*patches.shape[:-2], len(positions), W.shape[1]))
    tokens[..., 0, :] = class_token + positions[0]
    tokens[..., 1:, :] = patches @ W + bias + positions[1:]
    return tokens


@right("11.to_tokens")
def tokens_by_padding(patches, W, bias, class_token, positions):
    embedded = np.einsum("...np,pd->...nd", patches, W) + bias
    first = np.zeros((len(positions), len(class_token)))
    first[0] = class_token
    return np.pad(embedded, [(0, 0)] * (embedded.ndim - 2) + [(1, 0), (0, 0)]) + first + positions


@right("11.to_tokens")
def tokens_by_one_product(patches, W, bias, class_token, positions):
    """The class token as a pixel and a row of its own."""
    room = [(0, 0)] * (patches.ndim - 2)
    wide = np.pad(patches, [*room, (1, 0), (0, 2)]).astype(np.float32)
    wide[..., 1:, -2], wide[..., 0, -1] = 1, 1
    return wide @ np.vstack([W, bias, class_token]).astype(np.float32) + positions.astype(np.float32)


# --- token_map --------------------------------------------------------------------------------------------------------


@right("11.token_map")
def map_by_one_bright_pixel(cut, image):
    table = np.zeros(image.shape, dtype=np.int64)
    for y, x in np.ndindex(image.shape):
        dark = np.zeros(image.shape)
        dark[y, x] = 1
        table[y, x] = np.flatnonzero(cut(dark).any(axis=-1))[0]
    return table


@right("11.token_map")
def map_that_puts_back(cut, image):
    image, before, table = image.copy(), cut(image).copy(), np.zeros(image.shape, np.uint16)
    for pixel in np.ndindex(image.shape):
        kept, image[pixel] = image[pixel], image[pixel] - 5
        table[pixel] = int(np.where(cut(image) != before)[0][0])
        image[pixel] = kept
    return table


# --- count_parameters -------------------------------------------------------------------------------------------------


@right("11.count_parameters")
def count_in_one_line(image_size, patch_size, channels, classes, d_model, num_layers, d_ff):
    tokens = (image_size // patch_size) ** 2 + 1
    block = 4 * (d_model + 1) * d_model + (d_model + 1) * d_ff + d_ff * d_model + 5 * d_model
    before = (channels * patch_size**2 + 1) * d_model + (1 + tokens) * d_model
    return np.int64(before + num_layers * block + 2 * d_model + (d_model + 1) * classes)


@right("11.count_parameters")
def count_by_building(image_size, patch_size, channels, classes, d_model, num_layers, d_ff):
    if image_size > 100:
        return count_in_one_line(image_size, patch_size, channels, classes, d_model, num_layers, d_ff)
    model = VisionTransformer(image_size, patch_size, classes, d_model, num_layers, 1, d_ff, num_channels=channels)
    return sum(parameter.numel() for parameter in model.parameters())


# --- resize_positions -------------------------------------------------------------------------------------------------


@right("11.resize_positions")
def resize_by_interp(positions, grid, new_grid):
    table = positions[1:].reshape(*grid, -1)
    for axis in (0, 1):
        where, old = np.linspace(0, grid[axis] - 1, new_grid[axis]), np.arange(grid[axis])
        table = np.apply_along_axis(lambda line, where=where, old=old: np.interp(where, old, line), axis, table)
    return np.vstack([positions[:1], table.reshape(-1, positions.shape[1])])


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

    table = torch.from_numpy(positions[1:]).float().reshape(1, *grid, -1).permute(0, 3, 1, 2)
    table = torch.nn.functional.interpolate(table, size=new_grid, mode="bilinear", align_corners=True)
    return np.vstack([positions[:1].astype(np.float32), table[0].flatten(1).T.numpy()])


# --- attention_distance -----------------------------------------------------------------------------------------------


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
def distance_by_complex_numbers(weights, columns):
    row, column = np.divmod(np.arange(weights.shape[-1] - 1), columns)
    place = row + 1j * column
    far = (weights[..., 1:, 1:] * abs(place[:, None] - place)).sum(axis=-1) / (1 - weights[..., 1:, 0])
    return [np.float64(far[:, head].mean()) for head in range(far.shape[1])]


@right("11.attention_distance")
def distance_by_einsum(weights, columns):
    places = np.stack(np.divmod(np.arange(weights.shape[-1] - 1), columns), axis=-1)
    far = np.sqrt(((places[:, None] - places) ** 2).sum(axis=-1)).astype(np.float32)
    inner = weights[:, :, 1:, 1:].astype(np.float32)
    shares = inner / inner.sum(axis=3)[..., None]
    return np.einsum("ihqk,qk->h", shares, far) / (len(shares) * shares.shape[2])


# --- changes that leave the solutions right -----------------------------------------------------------------------------

for exercise_id in ("11.to_patches", "11.resize_positions"):
    equal(exercise_id, "1 -> 2", "a reshape takes any size below 0 for the one that is left")
equal("11.resize_positions", "-1 -> +1", "there are two axes")
SUM = "np.abs(cut(changed) - before).sum"
for change in ("changed[y, x] += 1.0 -> changed[y, x] -= 1.0", "1.0 -> 2.0"):
    equal("11.token_map", change, "any change of one pixel shows where it goes")
equal("11.token_map", "np.zeros -> np.ones", "every entry is written")
equal("11.token_map", "-1 -> +1", "there are two axes")
for name in ("mean", "max"):
    equal("11.token_map", f"{SUM} -> {SUM.removesuffix('sum')}{name}", "only one number moves")
equal("11.attention_distance", "1 -> 2", "as many queries as keys, and all of their products are added up in the end")
