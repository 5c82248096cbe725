"""The pictures that throughput is measured with: a folder's, or made ones of a given size."""

import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from simsearch.collection.api import available_cores
from simsearch.config import Selection
from simsearch.errors import FolderError, InputError
from simsearch.images.discover import discover, is_candidate, resolve_folder
from simsearch.records import FoundFile

_MADE = re.compile(r"made:(\d+),(\d+)x(\d+)")
_DETAIL = 12  # pixels of a made picture a side of its coarsest spots; finer ones lie over them
_SEED = 5


@contextmanager
def open_pictures(source: str, most: int) -> Iterator[tuple[Path, list[Path]]]:
    """Yield a folder and the pictures in it, up to `most`, spread evenly over the source.

    Args:
        source: a folder, or 'made:COUNT,WIDTHxHEIGHT'.

    Raises:
        InputError: made pictures of no size, or too few.
        FolderError: the folder is not there or holds no picture.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if source.startswith("made:"):
            made = _MADE.fullmatch(source)
            if made is None or not all(int(number) for number in made.groups()):
                raise InputError(f"'{source}' is not made:COUNT,WIDTHxHEIGHT, as made:500,1024x768")
            count, width, height = map(int, made.groups())
            yield folder, make_pictures(folder, min(count, most), width, height)
            return
        files = _files_in(source)
        if len(files) <= most:
            yield Path(source), files
            return
        places = np.linspace(0, len(files) - 1, most).round().astype(int)
        yield folder, [_link(folder, number, files[at]) for number, at in enumerate(places)]


def _files_in(source: str) -> list[Path]:
    found = discover([resolve_folder(source)], Selection())
    files = [
        Path(file.full_path) for file in found if isinstance(file, FoundFile) and is_candidate(file)
    ]
    if not files:
        raise FolderError(f"no picture found in '{source}'; give a folder of pictures")
    return files


def _link(folder: Path, number: int, file: Path) -> Path:
    link = folder / f"{number:06d}{file.suffix}"
    link.symlink_to(file)
    return link


def make_pictures(folder: Path, count: int, width: int, height: int) -> list[Path]:
    """Write so many JPEGs; see `make_picture`."""
    with ThreadPoolExecutor(available_cores()) as pool:
        return list(pool.map(lambda n: make_picture(folder, n, width, height), range(count)))


def make_picture(folder: Path, number: int, width: int, height: int) -> Path:
    """Write a JPEG with as much detail as photographs have: spots of all sizes."""
    rng = np.random.default_rng([_SEED, number])
    mixed = np.zeros((1, 1, 3), np.float32)
    step = _DETAIL * 16
    while step >= 1:
        rows, columns = -(-height // step), -(-width // step)
        spots = rng.integers(0, 256, (rows, columns, 3), np.uint8)
        grown = cv2.resize(mixed, (columns, rows), interpolation=cv2.INTER_CUBIC)
        mixed = grown + np.multiply(spots, step**0.5, dtype=np.float32)
        step //= 2
    low, high = mixed.min(), mixed.max()
    path = folder / f"{number:06d}.jpg"
    pixels = ((mixed - low) * (255 / max(high - low, 1))).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=90)
    return path
