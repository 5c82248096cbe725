"""Picture files to vectors, for training and evaluation: nothing is stored."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from simsearch.collection.api import available_cores
from simsearch.config import EncoderSpec, Preprocessing
from simsearch.encoder.device import Target, choose_target
from simsearch.encoder.embed import embed
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import Pixels, Runtime, Vectors, open_runtime
from simsearch.errors import FailureKind, PictureError
from simsearch.images.decode import decode, read_file
from simsearch.records import Failure

Rows = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]

_WINDOW = 32  # pictures decoded ahead of the encoder; bounds memory


def embed_pictures(
    paths: Sequence[str],
    encoder: str,
    device: str = "auto",
    progress: Progress = lambda *_: None,
) -> tuple[Vectors, Rows, list[Failure]]:
    """Embed picture files.

    Args:
        encoder: what `--encoder` takes.
        device: 'auto', 'cpu', 'cuda' or 'mps'.
        progress: called with (files done, files to do).

    Returns:
        Unit vectors float32 [n, dim]; their places in `paths`, int64 [n], ascending; and the
        pictures that could not be read.

    Raises:
        EncoderError: there is no such encoder, or it can't be loaded.
        DeviceError: the device asked for is not there.
    """
    spec = resolve(encoder)
    runtime = _runtime(spec, choose_target(device))
    failures: list[Failure] = []
    rows: list[int] = []
    vectors: list[Vectors] = []
    for row, vector in embed(runtime, _pixels(paths, spec.preprocessing, failures, progress)):
        if np.isfinite(vector).all():
            rows.append(row)
            vectors.append(vector)
        else:
            message = "the encoder gave no finite vector"
            failures.append(Failure("", paths[row], FailureKind.CORRUPT, message))
    matrix = np.stack(vectors) if vectors else np.zeros((0, spec.dim), np.float32)
    return matrix, np.array(rows, np.int64), failures


@lru_cache(maxsize=1)
def _runtime(spec: EncoderSpec, target: Target) -> Runtime:
    return open_runtime(spec, target)


def _pixels(
    paths: Sequence[str],
    preprocessing: Preprocessing,
    failures: list[Failure],
    progress: Progress,
) -> Iterator[tuple[int, Pixels]]:
    """Yield (place, pixels) of each picture that can be read, decoded in threads, in order."""
    window: deque[Future[Pixels | Failure]] = deque()
    done = 0

    def finish() -> Iterator[tuple[int, Pixels]]:
        nonlocal done
        result = window.popleft().result()
        if isinstance(result, Failure):
            failures.append(result)
        else:
            yield done, result
        done += 1
        progress(done, len(paths))

    workers = available_cores()
    pool = ThreadPoolExecutor(workers, "decode")
    try:
        for path in paths:
            window.append(pool.submit(_decode, path, preprocessing))
            if len(window) >= max(_WINDOW, 2 * workers):
                yield from finish()
        while window:
            yield from finish()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(path: str, preprocessing: Preprocessing) -> Pixels | Failure:
    try:
        return decode(read_file(path), preprocessing).pixels
    except PictureError as error:
        return Failure("", path, error.kind, str(error))
