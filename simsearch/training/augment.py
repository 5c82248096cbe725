"""Augmentation profiles: what may change in a picture while it goes on showing the same thing.

Each profile maps (n canvases uint8 [height, width, 3], preprocessing, random generator, hardness,
others) to uint8 [n, size, size, 3]; hardness is 0 to 1, the share of the training that is over, and
others gives canvases that are not in the batch.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn.functional import grid_sample

from simsearch.config import Preprocessing
from simsearch.errors import InputError
from simsearch.images.alterations import COLLAGE, KINDS, STRENGTHS, alter
from simsearch.images.decode import square
from simsearch.training.pictures import Pixels, centre

Draw = np.random.Generator
Canvases = Sequence[Pixels]
Floats = npt.NDArray[np.float64]
Others = Callable[[], Canvases]
Profile = Callable[[Canvases, Preprocessing, Draw, float, Others], Pixels]
_LEAST_AREA = 0.4  # of a picture, that a photograph of the same thing shows
_FLIPPED = 0.5  # share of the photographs
_LIGHT = 0.3  # by which share brightness, contrast and saturation change at most
_GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue
_KNOTS = 5  # a side of the net that bends a glyph
_FIRST_STRENGTH = 0.4  # of an alteration's highest, at the beginning of a training
_ALL_AT = 0.3  # of a training: from there, alterations are as strong as they can be
_STRONG = 0.7  # power of an even draw: under 1, strong alterations are more frequent than mild ones
_TWICE = 0.3  # share of the copies that are altered once more, mildly
_MORE_OFTEN = {  # than other kinds of copies: untrained networks miss most of these
    "collage": 4.0,
    "blur": 2.0,
    "chain": 2.0,
    "pixelate": 2.0,
    "right-angle": 2.0,
    "upside-down": 2.0,
}


def augmentation(name: str) -> Profile:
    """Return the profile of a name.

    Raises:
        InputError: there is none.
    """
    if name not in PROFILES:
        raise InputError(f"unknown augmentation '{name}'; use one of {', '.join(PROFILES)}")
    return PROFILES[name]


def makes_copies(name: str) -> bool:
    """Whether a profile's views of one picture are copies of it, enough for a class of its own."""
    return name == "copy"


def unchanged(
    canvases: Canvases,
    preprocessing: Preprocessing,
    draw: Draw,  # noqa: ARG001 - a Profile
    hardness: float,  # noqa: ARG001
    others: Others,  # noqa: ARG001
) -> Pixels:
    """Show pictures as the encoder sees them."""
    return np.stack([centre(canvas, preprocessing.size) for canvas in canvases])


def glyph(
    canvases: Canvases,
    preprocessing: Preprocessing,
    draw: Draw,
    hardness: float,  # noqa: ARG001 - a Profile
    others: Others,  # noqa: ARG001
) -> Pixels:
    """Turn, shear, scale, shift and bend a little, as another hand would; never a flip."""
    whole, size = np.stack(canvases), preprocessing.size
    count, side = whole.shape[:2]
    angle, shear_x, shear_y = np.deg2rad(draw.uniform((-12, -12, -6), (12, 12, 6), (count, 3))).T
    scale_x, scale_y = draw.uniform(0.8, 1.2, (2, count))
    ones = np.ones(count)
    rotation = _matrices(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))
    sheared = _matrices(ones, np.tan(shear_x), np.tan(shear_y), ones)
    # Where a pixel of the result comes from: the inverse of what happens to the picture.
    inverse = np.linalg.inv(rotation @ sheared @ _matrices(scale_x, 0 * ones, 0 * ones, scale_y))
    steps = np.linspace(-size / side, size / side, _KNOTS)  # -1 to 1 is the canvas
    knots = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)  # of (x, y)
    sources = knots @ inverse.swapaxes(1, 2)
    sources += 2 * draw.uniform(-0.08, 0.08, (count, 1, 2))
    sources += 2 * draw.normal(0, 0.03, sources.shape)
    grid = _between(size) @ sources.reshape(count, _KNOTS, -1)  # [count, size, knots * 2]
    grid = _between(size) @ grid.reshape(count, size, _KNOTS, 2)
    paper = _border_colours(whole)
    ink = whole - paper[:, None, None]
    moved = grid_sample(
        torch.from_numpy(ink).permute(0, 3, 1, 2),
        torch.from_numpy(grid.astype(np.float32)),
        align_corners=False,
    )
    pixels = moved.permute(0, 2, 3, 1).numpy() + paper[:, None, None]
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def photo(
    canvases: Canvases,
    preprocessing: Preprocessing,
    draw: Draw,
    hardness: float,  # noqa: ARG001 - a Profile
    others: Others,  # noqa: ARG001
) -> Pixels:
    """Crop, flip and change the light, as another photograph of the same thing would."""
    views = [_cropped(canvas, preprocessing.size, draw) for canvas in canvases]
    return np.stack([_in_other_light(view, draw) for view in views])


def copy(
    canvases: Canvases, preprocessing: Preprocessing, draw: Draw, hardness: float, others: Others
) -> Pixels:
    """Edit as people do before they pass a picture on, more and more so; see `alterations`.

    What stands beside a picture in a collage is not in the batch: the collage would be told from a
    picture that it shows.
    """
    risen = _FIRST_STRENGTH + (1 - _FIRST_STRENGTH) * min(hardness / _ALL_AT, 1)
    strongest = (STRENGTHS - 1) * risen
    views = []
    for canvas in canvases:
        image = Image.fromarray(canvas)
        altered = _altered(image, strongest * draw.random() ** _STRONG, draw, others)
        if draw.random() < _TWICE:
            altered = _altered(altered, draw.uniform(0, strongest / 2), draw, list)
        views.append(np.asarray(square(altered, preprocessing)))
    return np.stack(views)


PROFILES: dict[str, Profile] = {
    "photo": photo,
    "glyph": glyph,
    "copy": copy,
    "none": unchanged,
}


def _altered(image: Image.Image, strength: float, draw: Draw, others: Others) -> Image.Image:
    kind, beside = _kind(draw, KINDS), []
    if kind == COLLAGE:
        beside = [Image.fromarray(canvas) for canvas in others()]
        kind = kind if beside else _kind(draw, [each for each in KINDS if each != COLLAGE])
    return alter(image, kind, strength, draw, beside)


def _kind(draw: Draw, kinds: Sequence[str]) -> str:
    odds = np.array([_MORE_OFTEN.get(kind, 1.0) for kind in kinds])
    return str(draw.choice(kinds, p=odds / odds.sum()))


def _matrices(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Return [n, 2, 2] from the elements of n matrices."""
    matrices: Floats = np.stack([a, b, c, d], axis=-1).reshape(-1, 2, 2)
    return matrices


def _between(size: int) -> Floats:
    """Return weights [size, knots]: a line between the knots, at the centres of the pixels."""
    place = (np.arange(size) + 0.5) / size * (_KNOTS - 1)
    weights: Floats = np.maximum(1 - np.abs(place[:, None] - np.arange(_KNOTS)), 0)
    return weights


def _cropped(canvas: Pixels, size: int, draw: Draw) -> Pixels:
    """Cut out a part of random area and proportions, scale it to the size, maybe flip it."""
    area = draw.uniform(_LEAST_AREA, 1.0)
    ratio = np.exp(draw.uniform(np.log(3 / 4), np.log(4 / 3)))
    sides = np.array(canvas.shape[1::-1])
    cut = sides * np.minimum(np.sqrt([area * ratio, area / ratio]), 1)
    left, top = draw.uniform(0, sides - cut)
    step_x, step_y = cut / size  # from one pixel of the result to the next
    if draw.random() < _FLIPPED:
        left, step_x = left + cut[0], -step_x
    # Where the centre of the result's pixel (x, y) comes from.
    source = np.array(
        [[step_x, 0, left + step_x / 2 - 0.5], [0, step_y, top + step_y / 2 - 0.5]], np.float64
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    view = cv2.warpAffine(canvas, source, (size, size), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(view, np.uint8)


def _in_other_light(view: Pixels, draw: Draw) -> Pixels:
    """Change brightness, contrast about the mean grey, and saturation about each pixel's grey."""
    brightness, contrast, saturation = draw.uniform(1 - _LIGHT, 1 + _LIGHT, 3)
    matrix = saturation * np.eye(3) + (1 - saturation) * _GREY
    mean = brightness * np.dot(_GREY, cv2.mean(view)[:3])
    offset = (1 - contrast) * mean
    changes = np.column_stack([brightness * contrast * matrix, np.full(3, offset)])
    return np.asarray(cv2.transform(view, changes), np.uint8)


def _border_colours(canvases: Pixels) -> npt.NDArray[np.float32]:
    """Return the median colour [n, 3] of each picture's border: what lies behind a glyph."""
    sides = (canvases[:, 0], canvases[:, -1], canvases[:, :, 0], canvases[:, :, -1])
    colours: Floats = np.median(np.concatenate(sides, axis=1), axis=1)
    return colours.astype(np.float32)
