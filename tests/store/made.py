"""Rows for the store's tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simsearch.config import EncoderSpec, Preprocessing
from simsearch.records import ImageRecord
from simsearch.store.manifest import PartInfo
from simsearch.store.schema import Half
from simsearch.store.writer import PartWriter

DIM = 4
SPEC = EncoderSpec("made", "digest", DIM, Preprocessing())


def record(id_: int, content_hash: str = "") -> ImageRecord:
    """Return a record that its id tells from all others."""
    return ImageRecord(
        id=id_,
        path=f"folder/{id_}.jpg",
        root="/pictures",
        content_hash=content_hash or f"hash-{id_}",
        size=id_,
        mtime_ns=id_,
        width=id_,
        height=id_,
        format="JPEG",
    )


def vector(id_: int) -> Half:
    """Return a vector that belongs to an id."""
    return np.random.default_rng(id_).normal(size=DIM).astype(np.float16)


def write_rows(folder: Path, records: Sequence[ImageRecord], generation: int = 1) -> list[PartInfo]:
    """Write records and the vectors of their ids as one part of a generation."""
    writer = PartWriter(folder, generation, SPEC)
    for row in records:
        writer.add(row, vector(row.id))
    writer.flush()
    return writer.parts
