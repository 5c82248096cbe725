"""The pictures that the default encoder is trained on: freely licensed, or made here.

Clip art and cut-outs over plain ground, parts of large photographs and paintings, and photographs
of products, a class each.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from simsearch.images.facts import is_plain

CUT_OUTS = ("openclipart/png/**/*.png", "tuxpaint/stamps/**/*.png")
LARGE = (  # of plasma-workspace-wallpapers, mate-backgrounds, gnome-backgrounds and lomiri's
    "wallpapers/**/*",
    "backgrounds/mate/**/*",
    "backgrounds/gnome/*",
    "backgrounds/*_by_*",
)
TILE = "tile"  # what their names begin with
_SUFFIXES = {".png", ".jpg", ".webp"}
_SIDE = 512  # pixels of the longer side of what is written
_LEAST = 64  # pixels of the shorter side of a cut-out
_DETAIL = 448  # pixels a side of the smallest part of a photograph, about
_PROPORTIONS = (3 / 4, 1.0, 4 / 3)
Draw = np.random.Generator


def make_pictures(share: Path, out: Path, limit: int | None, seed: int) -> list[Path]:
    """Write one JPEG a picture and return their paths; what shows hardly anything is left out.

    Args:
        share: where Debian's packages put their files, as /usr/share.
        limit: sources of each kind at most; None is all of them.
    """
    out.mkdir(parents=True)
    found, large = files_of(share, CUT_OUTS)[:limit], files_of(share, LARGE)[:limit]

    def cut_out(number: int) -> list[Path]:
        image = _cut_out(found[number])
        ground = _ground(np.random.default_rng([seed, 1, number]))
        return [] if image is None else _kept(_over(image, ground), out / f"cut-{number:05}")

    def tiles(number: int) -> list[Path]:
        draw = np.random.default_rng([seed, 2, number])
        places = enumerate(_tiles(large[number], draw))
        return [p for at, tile in places for p in _kept(tile, out / f"{TILE}-{number:03}-{at:02}")]

    with ThreadPoolExecutor() as pool:
        made = [*pool.map(cut_out, range(len(found))), *pool.map(tiles, range(len(large)))]
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
    """Yield a large picture in parts, of its whole height, a third of it, and details.

    Those of one height have nothing in common.
    """
    with Image.open(path) as image:
        whole = image.convert("RGB")
    width, height = whole.size
    rows_of = {1, 3, height // _DETAIL} if height >= 6 * _DETAIL else {1, height // _DETAIL}
    for rows in sorted(rows_of - {0}):
        columns = max(round(width / (height / rows * draw.choice(_PROPORTIONS))), 1)
        xs, ys = np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1)
        for top, bottom in pairwise(ys):
            for left, right in pairwise(xs):
                yield whole.crop((round(left), round(top), round(right), round(bottom)))
