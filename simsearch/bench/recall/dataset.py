"""Vectors to search, queries, and the metric: on disk, so that each engine's process reads them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import Vectors, VectorSource

BLOCK = 8192
_META, _BASE, _QUERIES = "dataset.json", "base.f32", "queries.f32"


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is searched, in a folder of its own.

    Attributes:
        folder: holds `base.f32` and `queries.f32`, float32 in C order.
        truth: where its exact neighbours are kept, for other runs too.
        name: how it stands in tables.
        digest: SHA-256 of the vectors, the queries and the metric, hexadecimal.
        n, dim, queries: how many vectors, of how many numbers, and how many queries.
        metric: one of config.SEARCH_METRICS; of 'cosine', all vectors have length 1.
    """

    folder: Path
    truth: Path
    name: str
    digest: str
    n: int
    dim: int
    queries: int
    metric: str

    def source(self) -> VectorSource:
        """Return the vectors, to be read in blocks."""
        return VectorSource(self.n, self.dim, self.blocks, self.metric)

    def blocks(self) -> Iterator[Vectors]:
        """Yield float32 [m, dim]. Read, not mapped: pages of a map would count as memory."""
        with (self.folder / _BASE).open("rb") as stream:
            while len(block := np.fromfile(stream, np.float32, BLOCK * self.dim)):
                yield block.reshape(-1, self.dim)

    def take(self, rows: npt.NDArray[np.int64]) -> Vectors:
        """Return vectors by their numbers, in any shape; float32 [..., dim]."""
        base = np.memmap(self.folder / _BASE, np.float32, "r", shape=(self.n, self.dim))
        return np.asarray(base[rows])

    def query_vectors(self) -> Vectors:
        """Return float32 [queries, dim]."""
        return np.fromfile(self.folder / _QUERIES, np.float32).reshape(-1, self.dim)


def write_dataset(
    folder: Path, truth: Path, name: str, metric: str, base: Iterator[Vectors], queries: Vectors
) -> Dataset:
    """Write a dataset to an empty folder."""
    digest = hashlib.sha256(metric.encode())
    n, dim = 0, queries.shape[1]
    with (folder / _BASE).open("wb") as stream:
        for block in base:
            vectors = _prepared(block, metric)
            digest.update(vectors.tobytes())
            vectors.tofile(stream)
            n += len(vectors)
    prepared = _prepared(queries, metric)
    digest.update(prepared.tobytes())
    prepared.tofile(folder / _QUERIES)
    meta = {
        "name": name,
        "digest": digest.hexdigest(),
        "n": n,
        "dim": dim,
        "queries": len(queries),
        "metric": metric,
    }
    (folder / _META).write_text(json.dumps(meta), encoding="utf-8")
    return read_dataset(folder, truth)


def read_dataset(folder: Path, truth: Path) -> Dataset:
    """Return a dataset that was written."""
    return Dataset(folder, truth, **json.loads((folder / _META).read_text(encoding="utf-8")))


def _prepared(vectors: npt.NDArray[np.generic], metric: str) -> Vectors:
    plain = np.ascontiguousarray(vectors, np.float32)
    if metric == "cosine":
        norms = np.linalg.norm(plain, axis=1, keepdims=True)
        plain = plain / np.maximum(norms, np.float32(1e-12))
    return plain
