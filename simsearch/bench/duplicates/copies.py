"""Altered copies of photographs, as files: what every method of finding copies is measured on."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from simsearch.images.alterations import COLLAGE, KINDS, STRENGTHS
from simsearch.images.altered_files import open_original, write_altered

Progress = Callable[[int, int], None]


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
    beside = [open_original(other) for other in others]
    with ThreadPoolExecutor() as pool:
        write = partial(_write_copies, originals, beside, folder, seed)
        for done, made in enumerate(pool.map(write, range(len(originals))), start=1):
            files += made
            progress(done, len(originals))
    return files


def _write_copies(
    originals: Sequence[str], beside: Sequence[Image.Image], folder: Path, seed: int, place: int
) -> list[str]:
    image = open_original(originals[place])
    files = []
    for number, kind in enumerate(KINDS):
        for strength in range(STRENGTHS):
            draw = np.random.default_rng([seed, place, number, strength])
            others = beside if kind == COLLAGE else ()
            stem = folder / f"{place:05}-{kind}-{strength}"
            files.append(write_altered(image, kind, strength, draw, stem, others))
    return files
