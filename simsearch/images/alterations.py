"""What people do to a picture before they pass it on: kinds of alteration, in three strengths.

    altered = alter(image, "crop", strength=2, draw=np.random.default_rng(0))

The figures of each kind stand beside it, mild to strong.
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from simsearch.errors import InputError

Draw = np.random.Generator
Colour = tuple[int, int, int]
STRENGTHS = 3
CHAIN = "chain"
COLLAGE = "collage"
_LINKS = 3  # alterations in a chain
_BILINEAR = Image.Resampling.BILINEAR
_INK, _PAPER, _GREY = (0, 0, 0), (255, 255, 255), (128, 128, 128)


def alter(
    image: Image.Image,
    kind: str,
    strength: float,
    draw: Draw,
    others: Sequence[Image.Image] = (),
) -> Image.Image:
    """Return an altered copy, RGB.

    Args:
        image: any mode; it stays as it is.
        kind: one of `KINDS`.
        strength: 0 (mild) to 2 (strong); what lies between is mixed of both sides where it can be.
        draw: where places, signs and colours come from.
        others: further pictures, which a collage puts beside this one; it needs one.

    Raises:
        InputError: there is no such kind or strength, or a collage has nothing beside it.
    """
    if kind not in KINDS or not 0 <= strength <= STRENGTHS - 1:
        raise InputError(
            f"no alteration '{kind}' of strength {strength}; "
            f"use one of {', '.join(KINDS)} with 0 to {STRENGTHS - 1}"
        )
    picture = image.convert("RGB")
    if kind == COLLAGE:
        return _collage(picture, strength, draw, others)
    if kind == CHAIN:
        for link in draw.choice(list(_ALONE), _LINKS, replace=False):
            picture = _ALONE[str(link)](picture, strength, draw)
        return picture
    return _ALONE[kind](picture, strength, draw)


def _jpeg(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    return _through(image, "JPEG", quality=round(_at((40, 15, 5), strength)))


def _webp(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    return _through(image, "WEBP", quality=round(_at((60, 20, 1), strength)))


def _palette(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    return image.quantize(round(_at((64, 16, 6), strength))).convert("RGB")


def _resize(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    return _scaled(image, *2 * [_at((0.5, 0.25, 0.12), strength)])


def _enlarge(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    return _scaled(image, *2 * [_at((1.5, 2.0, 3.0), strength)])


def _aspect(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    stretch = _at((1.15, 1.35, 1.7), strength)
    return _scaled(image, stretch, 1.0) if draw.random() < 0.5 else _scaled(image, 1.0, stretch)


def _crop(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    side = _at((0.85, 0.6, 0.4), strength) ** 0.5  # of the area
    width, height = round(image.width * side), round(image.height * side)
    left = int(draw.integers(0, image.width - width + 1))
    top = int(draw.integers(0, image.height - height + 1))
    return image.crop((left, top, left + max(width, 1), top + max(height, 1)))


def _padding(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    share = _at((0.1, 0.25, 0.5), strength)  # of a side, on two: bars as players add
    colour = (_INK, _PAPER, _any_colour(draw))[int(draw.integers(3))]
    across = draw.random() < 0.5
    left, top = (round(image.width * share), 0) if across else (0, round(image.height * share))
    return ImageOps.expand(image, (left, top, left, top), colour)


def _border(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    width = round(min(image.size) * _at((0.03, 0.08, 0.15), strength))
    return ImageOps.expand(image, max(width, 1), _any_colour(draw))


def _caption(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Put text on the picture, as memes have it."""
    lines = round(strength) + 1
    made = image.copy()
    for line in range(lines):
        place = 0.04 if line == 0 else 0.95 - 0.16 * line
        _write(made, draw, (0.05, place), 0.1, _PAPER, outlined=True)
    return made


def _watermark(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Cover the picture with pale text."""
    text = image.copy()
    rows = round(_at((1, 3, 6), strength))
    for row in range(rows):
        place = (0.02 + 0.1 * (row % 2), (row + 0.5) / rows - 0.05)
        _write(text, draw, place, 0.12, _PAPER, outlined=True)
    return Image.blend(image, text, 0.45)


def _overlay(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Cover a part with a plain colour, as a logo or a censor's bar does."""
    made = image.copy()
    box = _box(image, draw, _at((0.15, 0.3, 0.5), strength))
    ImageDraw.Draw(made).rectangle(box, fill=_any_colour(draw))
    return made


def _emoji(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Stick on smiling faces."""
    made = image.copy()
    for _ in range(round(_at((1, 3, 5), strength))):
        left, top, right, bottom = _box(image, draw, 0.18)
        side = min(right - left, bottom - top)
        pen = ImageDraw.Draw(made)
        pen.ellipse((left, top, left + side, top + side), fill=(255, 205, 50), outline=_INK)
        for eye in (0.3, 0.7):
            x, y, r = left + eye * side, top + 0.35 * side, 0.08 * side
            pen.ellipse((x - r, y - r, x + r, y + r), fill=_INK)
        mouth = (left + 0.25 * side, top + 0.3 * side, left + 0.75 * side, top + 0.8 * side)
        pen.arc(mouth, 20, 160, fill=_INK, width=max(round(side / 15), 1))
    return made


def _rotate(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    angle = _at((2, 6, 15), strength) * (1 if draw.random() < 0.5 else -1)
    return image.rotate(angle, _BILINEAR, fillcolor=(_INK, _PAPER)[int(draw.integers(2))])


def _straighten(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Turn a little and cut off the corners that come empty."""
    angle = _at((2, 6, 12), strength) * (1 if draw.random() < 0.5 else -1)
    turned = image.rotate(angle, _BILINEAR)
    lost = abs(np.sin(np.deg2rad(angle))) * max(image.size) / min(image.size)
    width, height = (max(round(side * (1 - lost)), 1) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return turned.crop((left, top, left + width, top + height))


def _turn(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    turns = (Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
    return image.transpose(turns[round(strength)])


def _mirror(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Mirror left and right; stronger, after a mild or a middling crop."""
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return mirrored if strength < 1 else _crop(mirrored, strength - 1, draw)


def _upside_down(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Mirror top and bottom; stronger, after a mild or a middling crop."""
    mirrored = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return mirrored if strength < 1 else _crop(mirrored, strength - 1, draw)


def _grey(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Take the colours away; stronger, change the contrast, too."""
    grey = image.convert("L").convert("RGB")
    return grey if strength < 1 else _contrast(grey, strength - 1, draw)


def _brightness(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(_either(_at((1.25, 1.6, 2.2), strength), draw))


def _contrast(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(_either(_at((1.25, 1.7, 2.5), strength), draw))


def _saturation(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    return ImageEnhance.Color(image).enhance(_either(_at((1.4, 2.0, 3.5), strength), draw))


def _hue(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    steps = round(_at((10, 30, 90), strength)) * (1 if draw.random() < 0.5 else -1)  # of 256
    hue, saturation, value = image.convert("HSV").split()
    turned = np.asarray(hue).astype(np.int16) + steps
    moved = Image.fromarray((turned % 256).astype(np.uint8))
    return Image.merge("HSV", (moved, saturation, value)).convert("RGB")


def _tone(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Tone as filters do: towards brown, or one colour of the three weakened."""
    share = _at((0.3, 0.6, 0.9), strength)
    tinted = ImageOps.colorize(image.convert("L"), _any_colour(draw, 0, 90), (255, 240, 200))
    return Image.blend(image, tinted, share)


def _blur(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    radius = min(image.size) * _at((0.004, 0.01, 0.02), strength)
    return image.filter(ImageFilter.GaussianBlur(radius))


def _pixelate(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    coarse = image.resize([max(round(side / _at((3, 6, 10), strength)), 1) for side in image.size])
    return coarse.resize(image.size, Image.Resampling.NEAREST)


def _sharpen(image: Image.Image, strength: float, draw: Draw) -> Image.Image:  # noqa: ARG001
    return image.filter(ImageFilter.UnsharpMask(3, round(_at((100, 250, 500), strength)), 0))


def _noise(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    noise = draw.normal(0, _at((8, 20, 45), strength), (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def _screenshot(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Show the picture in a phone's or a browser's window, bars and buttons around it."""
    share = _at((0.9, 0.75, 0.6), strength)  # of the window's width
    width = round(image.width / share)
    bar = max(round(image.height * 0.08), 8)
    window = Image.new("RGB", (width, image.height + round(bar * 3.5)), (245, 245, 247))
    pen = ImageDraw.Draw(window)
    pen.rectangle((0, 0, width, bar), fill=(60, 64, 72))
    for button in range(3):
        left = bar * (0.3 + 0.8 * button)
        pen.ellipse((left, bar * 0.25, left + bar / 2, bar * 0.75), fill=_any_colour(draw))
    _write(window, draw, (0.4, 0.01), 0.04, _PAPER)
    window.paste(image, ((width - image.width) // 2, bar * 2))
    _write(window, draw, (0.05, 0.93), 0.04, _GREY)
    return window


def _collage(
    image: Image.Image, strength: float, draw: Draw, others: Sequence[Image.Image]
) -> Image.Image:
    """Put others beside: one, three in a grid, or five."""
    if not others:
        raise InputError("a collage needs another picture to put beside")
    columns, rows = ((2, 1), (2, 2), (3, 2))[round(strength)]
    picked = draw.choice(len(others), columns * rows - 1, replace=len(others) < columns * rows)
    tiles = [image, *(others[number] for number in picked.tolist())]
    places = draw.permutation(len(tiles)).tolist()
    sheet = Image.new("RGB", (image.width * columns, image.height * rows), _PAPER)
    for place, tile in zip(places, tiles, strict=True):
        fitted = ImageOps.fit(tile.convert("RGB"), image.size) if tile is not image else image
        sheet.paste(fitted, (place % columns * image.width, place // columns * image.height))
    return sheet


def _at(values: tuple[float, float, float], strength: float) -> float:
    """Return the figure for a strength: one of three, or what lies between two of them."""
    return float(np.interp(strength, range(STRENGTHS), values))


def _through(image: Image.Image, kind: str, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=quality)
    return Image.open(buffer).convert("RGB")


def _scaled(image: Image.Image, across: float, down: float) -> Image.Image:
    width, height = round(image.width * across), round(image.height * down)
    return image.resize((max(width, 1), max(height, 1)), Image.Resampling.BICUBIC)


def _box(image: Image.Image, draw: Draw, side: float) -> tuple[float, float, float, float]:
    """Return a box of a share of each side, somewhere in the picture."""
    width, height = image.width * side, image.height * side
    left, top = draw.uniform(0, image.width - width), draw.uniform(0, image.height - height)
    return left, top, left + width, top + height


def _write(
    image: Image.Image,
    draw: Draw,
    place: tuple[float, float],
    height: float,
    colour: Colour,
    outlined: bool = False,
) -> None:
    """Write some letters; place and height are shares of the picture's sides."""
    letters = draw.integers(ord("A"), ord("Z") + 1, draw.integers(6, 14)).astype(np.uint8)
    size = max(min(image.height * height, image.width * 0.11), 6.0)
    ImageDraw.Draw(image).text(
        (place[0] * image.width, place[1] * image.height),
        letters.tobytes().decode(),
        fill=colour,
        font=ImageFont.load_default(size),
        stroke_width=max(round(size / 14), 1) if outlined else 0,
        stroke_fill=_INK,
    )


def _either(factor: float, draw: Draw) -> float:
    return factor if draw.random() < 0.5 else 1 / factor


def _any_colour(draw: Draw, least: int = 0, most: int = 255) -> Colour:
    red, green, blue = draw.integers(least, most + 1, 3).tolist()
    return red, green, blue


_ALONE: dict[str, Callable[[Image.Image, float, Draw], Image.Image]] = {
    "jpeg": _jpeg,
    "webp": _webp,
    "palette": _palette,
    "resize": _resize,
    "enlarge": _enlarge,
    "aspect": _aspect,
    "crop": _crop,
    "padding": _padding,
    "border": _border,
    "caption": _caption,
    "watermark": _watermark,
    "overlay": _overlay,
    "emoji": _emoji,
    "rotate": _rotate,
    "straighten": _straighten,
    "right-angle": _turn,
    "mirror": _mirror,
    "upside-down": _upside_down,
    "grey": _grey,
    "brightness": _brightness,
    "contrast": _contrast,
    "saturation": _saturation,
    "hue": _hue,
    "tone": _tone,
    "blur": _blur,
    "pixelate": _pixelate,
    "sharpen": _sharpen,
    "noise": _noise,
    "screenshot": _screenshot,
}
KINDS: tuple[str, ...] = (*_ALONE, COLLAGE, CHAIN)
