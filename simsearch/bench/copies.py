"""Altered copies of photographs, as files: what every method of finding copies is measured on."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simsearch.images.alterations import COLLAGE, KINDS, STRENGTHS, alter
from simsearch.images.decode import read_file, shrink

Progress = Callable[[int, int], None]
_SIDE = 1024  # larger originals are brought down to it first, as sites and messengers do
_SAVED: dict[str, tuple[str, dict[str, Any]]] = {
    "palette": ("PNG", {}),
    "webp": ("WEBP", {"quality": 90}),
}
_JPEG: tuple[str, dict[str, Any]] = ("JPEG", {"quality": 92})


def write_copies(
    originals: Sequence[str],
    others: Sequence[str],
    folder: Path,
    seed: int,
    progress: Progress = lambda *_: None,
) -> list[str]:
    """Write every kind of alteration, in every strength, of every original.

    Args:
        originals: pictures that can be read.
        others: further pictures, to stand beside an original in collages.
        folder: an empty folder.
        seed: of places, signs and colours.
        progress: called with (originals done, originals to do).

    Returns:
        The files, those of an original together, those of a kind together, mild to strong.
    """
    files: list[str] = []
    beside = [_open(other) for other in others]
    with ThreadPoolExecutor() as pool:
        write = partial(_write_copies, originals, beside, folder, seed)
        for done, made in enumerate(pool.map(write, range(len(originals))), start=1):
            files += made
            progress(done, len(originals))
    return files


def _write_copies(
    originals: Sequence[str], beside: Sequence[Image.Image], folder: Path, seed: int, place: int
) -> list[str]:
    image = _open(originals[place])
    files = []
    for number, kind in enumerate(KINDS):
        form, options = _SAVED.get(kind, _JPEG)
        for strength in range(STRENGTHS):
            draw = np.random.default_rng([seed, place, number, strength])
            copy = alter(image, kind, strength, draw, beside if kind == COLLAGE else ())
            file = folder / f"{place:05}-{kind}-{strength}.{form.lower()}"
            copy.save(file, form, **options)
            files.append(str(file))
    return files


def _open(path: str) -> Image.Image:
    return shrink(read_file(path), _SIDE)
