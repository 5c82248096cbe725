"""Made vectors for the tests of index and search, and what brute force says about them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import Vectors, VectorSource
from simsearch.index.vector_index import Ids


def unit(rows: npt.NDArray[np.floating]) -> Vectors:
    """Scale rows to length 1 and round them to 16 bits, as they lie in the store."""
    scaled = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    stored: Vectors = scaled.astype(np.float16).astype(np.float32)
    return stored


def clustered(n: int, dim: int, seed: int) -> Vectors:
    """Return unit vectors in clusters of about 20, as pictures of the same things are."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(max(n // 20, 1), dim))
    spread = rng.uniform(0.1, 0.8, (n, 1))
    return unit(centers[rng.integers(len(centers), size=n)] + spread * rng.normal(size=(n, dim)))


def around(center: Vectors, n: int, noise: float, seed: int) -> Vectors:
    """Return unit vectors around one of them; `noise` is about their distance from it."""
    rng = np.random.default_rng(seed)
    return unit(center + noise / np.sqrt(center.size) * rng.normal(size=(n, center.size)))


def source_of(vectors: Vectors, block_rows: int = 700) -> VectorSource:
    """Return a source that yields the vectors in blocks."""

    def blocks() -> Iterator[Vectors]:
        for start in range(0, len(vectors), block_rows):
            yield vectors[start : start + block_rows]

    return VectorSource(len(vectors), vectors.shape[1], blocks)


def one_row_each(n: int) -> Ids:
    """Return postings where each content has one row, of its position's number."""
    return np.stack([np.arange(n), np.arange(n)], axis=1)


def nearest(queries: Vectors, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
    """Return cosines and positions of the k nearest by brute force, equal ones by position."""
    cosines = queries @ vectors.T
    positions = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(cosines, positions, axis=1), positions


def cosines_of(queries: Vectors, vectors: Vectors, positions: Ids) -> Vectors:
    """Return the exact cosines of each query with the vectors at its positions."""
    exact: Vectors = np.einsum("qd,qkd->qk", queries, vectors[positions])
    return exact
