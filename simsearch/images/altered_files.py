"""Altered copies of pictures, as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from simsearch.images.alterations import Draw, alter
from simsearch.images.decode import read_file, shrink

_SIDE = 1024  # larger originals are brought down to it first, as sites and messengers do
_SAVED: dict[str, tuple[str, dict[str, Any]]] = {
    "palette": ("PNG", {}),
    "webp": ("WEBP", {"quality": 90}),
}
_JPEG: tuple[str, dict[str, Any]] = ("JPEG", {"quality": 92})


def open_original(path: str) -> Image.Image:
    """Return a picture as it is altered: RGB, at most 1024 pixels a side.

    Raises:
        PictureError: it can't be read.
    """
    return shrink(read_file(path), _SIDE)


def write_altered(
    image: Image.Image,
    kind: str,
    strength: int,
    draw: Draw,
    stem: Path,
    others: Sequence[Image.Image] = (),
) -> str:
    """Write an altered copy and return its path: `stem` and the suffix of its format.

    Args:
        image: as from `open_original`.
        kind, strength, draw, others: see `alterations.alter`.
    """
    form, options = _SAVED.get(kind, _JPEG)
    file = stem.with_name(f"{stem.name}.{form.lower()}")
    alter(image, kind, strength, draw, others).save(file, form, **options)
    return str(file)
