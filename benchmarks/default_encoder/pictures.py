"""The pictures that the default encoder is trained on: freely licensed, or made here.

Clip art and cut-outs over plain ground, distinct tiles of large photographs and paintings, scenes
that are put together from other cut-outs, and photographs of products, a class each.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from simsearch.images.facts import is_plain

CUT_OUTS = ("openclipart/png/**/*.png", "tuxpaint/stamps/**/*.png")
LARGE = (  # of plasma-workspace-wallpapers, mate-backgrounds, gnome-backgrounds and lomiri's
    "wallpapers/**/*",
    "backgrounds/mate/**/*",
    "backgrounds/gnome/*",
    "backgrounds/*_by_*",
)
_SUFFIXES = {".png", ".jpg", ".webp"}
_SIDE = 512  # pixels of the longer side of what is written
_LEAST = 64  # pixels of the shorter side of a cut-out
_TILE = 448  # pixels a side of a photograph's tile, about
_PROPORTIONS = (3 / 4, 1.0, 4 / 3)
_IN_SCENES = 0.4  # of the cut-outs; the others stand alone
_MOST_CUT_OUTS = 4  # in a scene
Draw = np.random.Generator


def make_pictures(share: Path, out: Path, limit: int | None, seed: int) -> list[Path]:
    """Write one JPEG a picture and return their paths; what shows hardly anything is left out.

    No cut-out is in two pictures: whoever learns to tell those apart learns that a picture is
    another one as soon as something lies beside it.

    Args:
        share: where Debian's packages put their files, as /usr/share.
        limit: sources of each kind at most; None is all of them.
    """
    out.mkdir(parents=True)
    found, large = files_of(share, CUT_OUTS)[:limit], files_of(share, LARGE)[:limit]
    order = np.random.default_rng([seed, 0]).permutation(len(found)).tolist()
    together = sorted(order[: round(_IN_SCENES * len(found))])
    alone = sorted(order[len(together) :])

    def cut_out(number: int) -> list[Path]:
        image = _cut_out(found[number])
        ground = _ground(np.random.default_rng([seed, 1, number]))
        return [] if image is None else _kept(_over(image, ground), out / f"cut-{number:05}")

    def tiles(number: int) -> list[Path]:
        draw = np.random.default_rng([seed, 2, number])
        places = enumerate(_tiles(large[number], draw))
        return [p for at, tile in places for p in _kept(tile, out / f"tile-{number:03}-{at:02}")]

    def scene(number: int) -> list[Path]:
        draw = np.random.default_rng([seed, 3, number])
        mine = together[number : number + int(draw.integers(1, _MOST_CUT_OUTS + 1))]
        return _kept(_scene([found[other] for other in mine], draw), out / f"scene-{number:05}")

    with ThreadPoolExecutor() as pool:
        made = [
            *pool.map(cut_out, alone),
            *pool.map(tiles, range(len(large))),
            *pool.map(scene, range(0, len(together), _MOST_CUT_OUTS)),
        ]
    return [path for some in made for path in some]


def files_of(share: Path, patterns: Sequence[str]) -> list[Path]:
    """Return the pictures of some packages, sorted; links, and small previews, are left out."""
    return [
        path
        for pattern in patterns
        for path in sorted(share.glob(pattern))
        if path.suffix in _SUFFIXES and not path.is_symlink() and path.stem != "screenshot"
    ]


def write_table(pictures: Iterable[tuple[Path, str]], path: Path) -> None:
    """Write a table of path and label, as `simsearch train` reads it."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("path", "label"))
        table.writerows((str(picture.resolve()), label) for picture, label in pictures)


def _kept(image: Image.Image, stem: Path) -> list[Path]:
    """Write a picture, unless it is flat or tiny and so looks like many others."""
    if is_plain(image):
        return []
    path = stem.with_suffix(".jpg")
    image.thumbnail((_SIDE, _SIDE))
    image.save(path, quality=92)
    return [path]


def _cut_out(path: Path) -> Image.Image | None:
    """Return what is not transparent of a picture, RGBA; None where that is tiny or damaged."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (_SIDE, _SIDE))
            image.thumbnail((_SIDE, _SIDE))
            whole = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    box = whole.getchannel("A").getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < _LEAST:
        return None
    return whole.crop(box)


def _ground(draw: Draw) -> tuple[int, int, int]:
    """Return white mostly, or any colour."""
    red, green, blue = draw.integers(0, 256, 3).tolist()
    return (255, 255, 255) if draw.random() < 0.6 else (red, green, blue)


def _over(image: Image.Image, ground: tuple[int, int, int]) -> Image.Image:
    margin = round(0.06 * max(image.size))
    sheet = Image.new("RGB", (image.width + 2 * margin, image.height + 2 * margin), ground)
    sheet.paste(image, (margin, margin), image)
    return sheet


def _tiles(path: Path, draw: Draw) -> Iterator[Image.Image]:
    """Yield parts of a large picture that have nothing in common."""
    with Image.open(path) as image:
        whole = image.convert("RGB")
    width, height = whole.size
    high = min(_TILE, height)
    columns = max(round(width / (high * draw.choice(_PROPORTIONS))), 1)
    rows = max(height // high, 1)
    xs, ys = np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1)
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            yield whole.crop((round(left), round(top), round(right), round(bottom)))


def _scene(found: Sequence[Path], draw: Draw) -> Image.Image:
    """Put cut-outs before spots of all sizes."""
    size = (_SIDE, round(_SIDE * draw.uniform(0.6, 1))) if draw.random() < 0.7 else (384, _SIDE)
    scene = _spots(size, draw)
    for path in found:
        image = _cut_out(path)
        if image is None:
            continue
        side = round(draw.uniform(0.3, 0.9) * min(size))
        scaled = ImageOps.contain(image, (side, side))
        left, top = (np.array(size) - scaled.size) * draw.random(2)
        scene.paste(scaled, (round(left), round(top)), scaled)
    return scene


def _spots(size: tuple[int, int], draw: Draw) -> Image.Image:
    """Return a texture between some colours: spots of random sizes, one over the other."""
    colours = draw.integers(0, 256, (4, 3))
    mixed = np.zeros((size[1], size[0]), np.float32)
    for step in 2 ** draw.choice(np.arange(1, 8), 3, replace=False):
        coarse = (-(-size[0] // int(step)) + 1, -(-size[1] // int(step)) + 1)
        spots = Image.fromarray(draw.integers(0, 256, coarse[::-1], np.uint8))
        grown = spots.resize(size, Image.Resampling.BICUBIC)
        mixed += np.asarray(grown, np.float32) * float(draw.random())
    level = (mixed - mixed.min()) / max(float(np.ptp(mixed)), 1.0) * (len(colours) - 1)
    places = np.arange(len(colours))
    channels = [np.interp(level, places, colours[:, channel]) for channel in range(3)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))
