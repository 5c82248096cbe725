"""The stages of an index run, each alone: how many it does in a second."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from simsearch.collection.api import available_cores
from simsearch.collection.examining import examine_all
from simsearch.config import EncoderSpec, Preprocessing
from simsearch.encoder.embed import embed
from simsearch.encoder.runtimes import Pixels, Runtime, Vectors
from simsearch.index.build import build_fitting_index
from simsearch.index.recipes import VectorSource
from simsearch.index.vector_index import VectorIndex
from simsearch.records import FoundFile, ImageRecord
from simsearch.store.writer import PART_ROWS, PartWriter

_NEIGHBOURS = 10


def decoded(files: Sequence[Path], preprocessing: Preprocessing) -> list[Pixels]:
    """Return what can be decoded, as an index run does it, as uint8 [side, side, 3] each."""
    found = (FoundFile(str(file.parent), file.name, 0, 0) for file in files)
    examined = examine_all(found, preprocessing, lambda _: False, available_cores())
    return [one.picture.pixels for one in examined if one.picture is not None]


def decode_rate(files: Sequence[Path], preprocessing: Preprocessing) -> float:
    """Return pictures a second of reading, hashing and decoding."""
    return _rate(lambda: len(decoded(files, preprocessing)))


def encode_rate(runtime: Runtime, pictures: Sequence[Pixels], seconds: float) -> float:
    """Return pictures a second of the encoder, for about so many seconds after a warm-up."""
    list(embed(runtime, ((None, pixels) for pixels in _as_many(pictures, 2 * runtime.batch_size))))
    return _rate(lambda: sum(1 for _ in embed(runtime, _until(pictures, seconds))))


def store_rate(folder: Path, spec: EncoderSpec, vectors: Vectors) -> float:
    """Return vectors a second of writing Parquet to a disk, until the system has it."""
    half = vectors.astype(np.float16)
    record = ImageRecord(0, "", "/", "0" * 64, 0, 0, 0, 0, "JPEG")

    def write() -> int:
        writer = PartWriter(folder, 1, spec)
        for row in range(PART_ROWS):
            writer.add(record, half[row % len(half)])
        writer.flush()
        return PART_ROWS

    return _rate(write)


def build_rate(vectors: Vectors) -> tuple[float, str, VectorIndex]:
    """Return vectors a second of building the index that fits, its recipe and the index."""
    made: list[tuple[str, VectorIndex]] = []

    def build() -> int:
        source = VectorSource(len(vectors), vectors.shape[1], lambda: [vectors])
        postings = np.stack([np.arange(len(vectors))] * 2, axis=1)
        made.append(build_fitting_index(source, postings))
        return len(vectors)

    return _rate(build), *made[0]


def search_rates(index: VectorIndex, vectors: Vectors, seconds: float) -> dict[str, float]:
    """Return queries a second, one a call and all in one, for about so many seconds each."""

    def single() -> int:
        end, asked = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            index.search(vectors[asked % len(vectors), None], _NEIGHBOURS)
            asked += 1
        return asked

    def batches() -> int:
        end, asked = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            index.search(vectors, _NEIGHBOURS)
            asked += len(vectors)
        return asked

    index.search(vectors[:1], _NEIGHBOURS)
    return {"single": _rate(single), "batch": _rate(batches)}


def _rate(work: Callable[[], int]) -> float:
    started = time.perf_counter()
    return work() / (time.perf_counter() - started)


def _as_many(pictures: Sequence[Pixels], count: int) -> Iterator[Pixels]:
    return (pixels for _, pixels in zip(range(count), cycle(pictures), strict=False))


def _until(pictures: Sequence[Pixels], seconds: float) -> Iterator[tuple[None, Pixels]]:
    end = time.perf_counter() + seconds
    for pixels in cycle(pictures):
        yield None, pixels
        if time.perf_counter() > end:
            return
