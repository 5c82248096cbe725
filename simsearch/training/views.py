"""What a network was shown in an epoch, kept on disk to be shown again in the epochs after it."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.errors import StorageError, TrainingError
from simsearch.training.sampler import Rows

FILE = "training-views.npy"
Inputs = npt.NDArray[np.generic]


class Views:
    """Inputs of a network in a file, in the order in which they were made.

    Args:
        folder: to put the file into.
        count: of the inputs of an epoch.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._path = folder / FILE
        self._count = count
        self._kept: npt.NDArray[np.generic] | None = None

    def write(self, first: int, inputs: Inputs) -> None:
        """Keep inputs [n, ...] from a place on; raises StorageError if the disk is full."""
        shape = (self._count, *inputs.shape[1:])
        try:
            if self._kept is None:
                self._kept = self._opened(shape, inputs.dtype)
            self._kept[first : first + len(inputs)] = inputs
        except OSError as error:
            raise StorageError(
                f"can't write '{self._path}': {error.strerror}; free space, or use --reuse 1"
            ) from error

    def read(self, places: Rows) -> Inputs:
        """Return inputs by their places, [n, ...].

        Raises:
            TrainingError: the file is gone, or of another epoch.
        """
        if self._kept is None:
            try:
                self._kept = np.load(self._path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise TrainingError(
                    f"'{self._path}' is missing or damaged; train again without --resume"
                ) from error
        if len(self._kept) != self._count:
            raise TrainingError(f"'{self._path}' is of another run; train again without --resume")
        return np.asarray(self._kept[places])

    def _opened(self, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Inputs:
        """Open the file as it is, for a run that was stopped in this epoch, or make it."""
        with suppress(OSError, ValueError):
            found = np.lib.format.open_memmap(self._path, "r+")
            if (found.shape, found.dtype) == (shape, dtype):
                return found
        return np.lib.format.open_memmap(self._path, "w+", dtype, shape)


def remove_views(folder: Path) -> None:
    """Delete what was kept."""
    (folder / FILE).unlink(missing_ok=True)
