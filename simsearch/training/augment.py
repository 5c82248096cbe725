"""Augmentation profiles: what may change in a picture while it goes on showing the same thing.

Each profile maps (n canvases uint8 [side, side, 3], size, random generator) to uint8
[n, size, size, 3].
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont
from torch.nn.functional import grid_sample

from simsearch.errors import InputError
from simsearch.training.pictures import Pixels, centre

Draw = np.random.Generator
Canvases = Sequence[Pixels]
Floats = npt.NDArray[np.float64]
Profile = Callable[[Canvases, int, Draw], Pixels]
_BILINEAR = Image.Resampling.BILINEAR
_KNOTS = 5  # a side of the net that bends a glyph


def augmentation(name: str) -> Profile:
    """Return the profile of a name.

    Raises:
        InputError: there is none.
    """
    if name not in PROFILES:
        raise InputError(f"unknown augmentation '{name}'; use one of {', '.join(PROFILES)}")
    return PROFILES[name]


def unchanged(canvases: Canvases, size: int, draw: Draw) -> Pixels:  # noqa: ARG001 - a Profile
    """Show pictures as the encoder sees them."""
    return np.stack([centre(canvas, size) for canvas in canvases])


def glyph(canvases: Canvases, size: int, draw: Draw) -> Pixels:
    """Turn, shear, scale, shift and bend a little, as another hand would; never a flip."""
    whole = np.stack(canvases)
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


def _photo(canvas: Pixels, size: int, draw: Draw) -> Pixels:
    """Crop, flip and change the light, as another photograph of the same thing would."""
    image = _random_crop(Image.fromarray(canvas), size, draw, least_area=0.4)
    image = _maybe_flip(image, draw)
    return np.asarray(_colour(image, draw, 0.3))


def _copy(canvas: Pixels, size: int, draw: Draw) -> Pixels:
    """Edit as people do before they pass a picture on: crop, text, filters, compression."""
    image = _random_crop(Image.fromarray(canvas), size, draw, least_area=0.25)
    image = _maybe_flip(image, draw, 0.2)
    edits = [_rotate, _recolour, _blur, _noise, _caption, _overlay, _compress]
    for edit in draw.permutation(len(edits))[: draw.integers(1, 4)].tolist():
        image = edits[edit](image, draw)
    return np.asarray(image.convert("RGB"))


def _each(change: Callable[[Pixels, int, Draw], Pixels]) -> Profile:
    """Return the profile that changes one picture after the other."""
    return lambda canvases, size, draw: np.stack([change(c, size, draw) for c in canvases])


PROFILES: dict[str, Profile] = {
    "photo": _each(_photo),
    "glyph": glyph,
    "copy": _each(_copy),
    "none": unchanged,
}


def _matrices(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Return [n, 2, 2] from the elements of n matrices."""
    matrices: Floats = np.stack([a, b, c, d], axis=-1).reshape(-1, 2, 2)
    return matrices


def _between(size: int) -> Floats:
    """Return weights [size, knots]: a line between the knots, at the centres of the pixels."""
    place = (np.arange(size) + 0.5) / size * (_KNOTS - 1)
    weights: Floats = np.maximum(1 - np.abs(place[:, None] - np.arange(_KNOTS)), 0)
    return weights


def _random_crop(image: Image.Image, size: int, draw: Draw, least_area: float) -> Image.Image:
    """Cut out a part of random area and proportions, and scale it to the size."""
    area = draw.uniform(least_area, 1.0)
    ratio = np.exp(draw.uniform(np.log(3 / 4), np.log(4 / 3)))
    width = min(image.width, image.width * np.sqrt(area * ratio))
    height = min(image.height, image.height * np.sqrt(area / ratio))
    left, top = draw.uniform(0, image.width - width), draw.uniform(0, image.height - height)
    return image.resize((size, size), _BILINEAR, box=(left, top, left + width, top + height))


def _maybe_flip(image: Image.Image, draw: Draw, share: float = 0.5) -> Image.Image:
    flip = draw.random() < share
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image


def _colour(image: Image.Image, draw: Draw, strength: float) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(draw.uniform(1 - strength, 1 + strength))
    return image


def _recolour(image: Image.Image, draw: Draw) -> Image.Image:
    if draw.random() < 0.25:
        return image.convert("L").convert("RGB")
    return _colour(image, draw, 0.6)


def _rotate(image: Image.Image, draw: Draw) -> Image.Image:
    if draw.random() < 0.2:
        return image.rotate(90 * int(draw.integers(1, 4)))
    angle = float(draw.uniform(-15, 15))
    return image.rotate(angle, _BILINEAR, fillcolor=_random_colour(draw))


def _blur(image: Image.Image, draw: Draw) -> Image.Image:
    if draw.random() < 0.5:
        side = int(image.width * draw.uniform(0.15, 0.5))
        return image.resize((side, side), _BILINEAR).resize(image.size, _BILINEAR)
    return image.filter(ImageFilter.GaussianBlur(float(draw.uniform(0.5, 3))))


def _noise(image: Image.Image, draw: Draw) -> Image.Image:
    noise = draw.normal(0, draw.uniform(5, 30), (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def _caption(image: Image.Image, draw: Draw) -> Image.Image:
    image = image.copy()
    letters = draw.integers(ord("A"), ord("Z") + 1, draw.integers(4, 16)).astype(np.uint8)
    font = ImageFont.load_default(float(image.height * draw.uniform(0.06, 0.18)))
    place = (float(draw.uniform(0, 0.6) * image.width), float(draw.uniform(0, 0.85) * image.height))
    colour = _random_colour(draw)
    ImageDraw.Draw(image).text(place, letters.tobytes().decode(), fill=colour, font=font)
    return image


def _overlay(image: Image.Image, draw: Draw) -> Image.Image:
    image = image.copy()
    side = draw.uniform(0.1, 0.4, 2) * image.width
    left, top = draw.uniform(0, 1, 2) * (image.width - side)
    shape = ImageDraw.Draw(image)
    drawn = shape.ellipse if draw.random() < 0.5 else shape.rectangle
    drawn((left, top, left + side[0], top + side[1]), fill=_random_colour(draw))
    return image


def _compress(image: Image.Image, draw: Draw) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(draw.integers(5, 60)))
    return Image.open(buffer)


def _random_colour(draw: Draw) -> tuple[int, int, int]:
    red, green, blue = draw.integers(0, 256, 3).tolist()
    return red, green, blue


def _border_colours(canvases: Pixels) -> npt.NDArray[np.float32]:
    """Return the median colour [n, 3] of each picture's border: what lies behind a glyph."""
    sides = (canvases[:, 0], canvases[:, -1], canvases[:, :, 0], canvases[:, :, -1])
    colours: Floats = np.median(np.concatenate(sides, axis=1), axis=1)
    return colours.astype(np.float32)
