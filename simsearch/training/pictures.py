"""Decoded training pictures: read once, kept in memory while they fit."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from simsearch.config import Preprocessing
from simsearch.errors import PictureError
from simsearch.images.decode import decode, read_file, shrink, square
from simsearch.records import Failure

Pixels = npt.NDArray[np.uint8]
_MEMORY_SHARE = 0.25  # of the free memory, for decoded pictures
_LARGER = 1.5  # than the network's view: the longer side of a canvas with its own proportions


class PictureSet:
    """Pictures that hold what the network sees and a margin to crop from.

    The `canvas` shows the whole of a picture, as `fit` lays it into a square, or with its own
    proportions; the network's view is the canvas's centre, or an augmented part of it.

    Attributes:
        paths: the files.
        preprocessing: of the network's view.
    """

    def __init__(
        self,
        paths: Sequence[str],
        preprocessing: Preprocessing,
        memory: int,
        proportions: bool = False,
    ) -> None:
        self.paths = tuple(paths)
        self.preprocessing = preprocessing
        self._proportions = proportions
        side = round(
            preprocessing.size * (_LARGER if proportions else 1 / preprocessing.crop_fraction)
        )
        self._canvas = replace(preprocessing, size=side, crop_fraction=1.0)
        fits = len(self.paths) * side * side * 3 <= _MEMORY_SHARE * memory
        self._kept: list[Pixels | None] | None = [None] * len(self.paths) if fits else None

    def subset(self, rows: Sequence[int]) -> "PictureSet":
        """Return some of the pictures, as far as they are decoded already."""
        part = copy(self)
        part.paths = tuple(self.paths[row] for row in rows)
        part._kept = None if self._kept is None else [self._kept[row] for row in rows]
        return part

    def __len__(self) -> int:
        return len(self.paths)

    def canvas(self, row: int) -> Pixels:
        """Return a picture, uint8 [height, width, 3].

        Raises:
            PictureError: it can't be read.
        """
        kept = self._kept[row] if self._kept is not None else None
        if kept is not None:
            return kept
        data = read_file(self.paths[row])
        if self._proportions:
            pixels = np.asarray(shrink(data, self._canvas.size))
        else:
            pixels = decode(data, self._canvas).pixels
        if self._kept is not None:
            self._kept[row] = pixels
        return pixels

    def view(self, row: int) -> Pixels:
        """Return what the network sees without augmentation, uint8 [size, size, 3]."""
        canvas = self.canvas(row)
        if self._proportions:
            return np.asarray(square(Image.fromarray(canvas), self.preprocessing))
        return centre(canvas, self.preprocessing.size)

    def check(self, workers: int, progress: Callable[[int, int], None]) -> Iterator[Failure]:
        """Read every picture once and yield those that can't be read."""

        def attempt(row: int) -> Failure | None:
            try:
                self.canvas(row)
            except PictureError as error:
                return Failure("", self.paths[row], error.kind, str(error))
            return None

        with ThreadPoolExecutor(workers) as pool:
            for done, failure in enumerate(pool.map(attempt, range(len(self))), start=1):
                progress(done, len(self))
                if failure is not None:
                    yield failure


def centre(canvas: Pixels, size: int) -> Pixels:
    """Return the middle `size` x `size` pixels of a square picture."""
    low = (len(canvas) - size) // 2
    return canvas[low : low + size, low : low + size]
