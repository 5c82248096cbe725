"""As many vectors as asked that lie as those of real pictures do.

    python -m benchmarks.real_like PICTURES... [--vectors N] [--dim D] --out VECTORS.npy

Embeds the pictures with the default encoder. Each made vector is a real one moved along four
differences of two real neighbours, so that it varies as real ones do. How far it moves grows with
the number of vectors (STEP), so that neighbours stay about as near as among real pictures; both
distributions are printed. One vector in twenty is a copy of another at a cosine between 0.90 and
0.99, moved in the same kind of direction. --dim keeps so many principal axes, as an encoder with a
smaller head would. The file, float16 [N, D], is for `simsearch bench recall`.
"""

import argparse
import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.config import DEFAULT_ENCODER, Selection
from simsearch.encoder.resolve import resolve
from simsearch.evaluation.embedding import embed_pictures
from simsearch.images.discover import discover, is_candidate, resolve_folder
from simsearch.records import FoundFile, ImageRecord
from simsearch.store.manifest import Manifest, commit
from simsearch.store.writer import PartWriter

Vectors = npt.NDArray[np.float32]
STEP = (-0.29, 0.25)  # length of a move: the first plus the second for each factor of ten
DIFFERENCES = 4
NEIGHBOURS = 10
PLANTED = 0.05
BLOCK = 4096
SEED = 11
_SHOWN = 1000  # vectors whose neighbours are looked at


def main() -> None:
    """Write a file of vectors."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("pictures", nargs="+", metavar="PICTURES")
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    real = real_vectors(arguments.pictures)
    axes = np.linalg.svd(real, full_matrices=False)[2][: arguments.dim].T
    made, _ = make_vectors(arguments.vectors, real)
    kept = np.lib.format.open_memmap(
        arguments.out, "w+", np.float16, (len(made), min(arguments.dim, axes.shape[1]))
    )
    for start in range(0, len(made), BLOCK):
        kept[start : start + BLOCK] = unit(made[start : start + BLOCK].astype(np.float32) @ axes)
    kept.flush()
    few = unit(real @ axes)
    print(f"{len(real):,} real pictures: {neighbours(few, [few])}")
    blocks = (
        kept[start : start + BLOCK].astype(np.float32) for start in range(0, len(kept), BLOCK)
    )
    print(f"{len(kept):,} made vectors: {neighbours(kept[:_SHOWN].astype(np.float32), blocks)}")


def real_vectors(folders: Sequence[str], kept: Path | None = None) -> Vectors:
    """Return the vectors of all pictures of the folders, float32 [n, dim], or those of a file."""
    if kept is not None and kept.exists():
        known: Vectors = np.load(kept)
        return known
    vectors = embed_pictures(picture_files(folders), DEFAULT_ENCODER)[0]
    if kept is not None:
        np.save(kept, vectors)
    return vectors


def write_collection(n: int, real: Vectors, folder: Path) -> npt.NDArray[np.int64]:
    """Write a collection of made vectors, without an index; return the rows of planted pairs."""
    vectors, planted = make_vectors(n, real)
    spec = resolve(DEFAULT_ENCODER)
    writer = PartWriter(folder, 1, spec)
    for number, vector in enumerate(vectors):
        path = f"{number:08d}.jpg"
        digest = hashlib.sha256(path.encode()).hexdigest()
        writer.add(ImageRecord(number, path, "/made", digest, 1, 1, 100, 100, "JPEG"), vector)
    writer.flush()
    commit(folder, Manifest(f"{n}", spec, ("/made",), tuple(writer.parts), 1, n))
    return planted


def picture_files(folders: Sequence[str]) -> list[str]:
    """Return the paths of all pictures of the folders."""
    return [
        found.full_path
        for folder in folders
        for found in discover([resolve_folder(folder)], Selection())
        if isinstance(found, FoundFile) and is_candidate(found)
    ]


def make_vectors(n: int, real: Vectors) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int64]]:
    """Return unit vectors, float16 [n, dim], and (original, copy) of the planted pairs."""
    random = np.random.default_rng([SEED, n])
    near = nearest_rows(real)
    step = STEP[0] + STEP[1] * math.log10(n)
    vectors = np.empty((n, real.shape[1]), np.float16)
    for start in range(0, n, BLOCK):
        count = min(BLOCK, n - start)
        made = real[random.integers(len(real), size=count)]
        vectors[start : start + count] = unit(made + step * moves(count, real, near, random))
    chosen = random.permutation(n)[: 2 * round(PLANTED * n)].reshape(2, -1)
    for start in range(0, chosen.shape[1], BLOCK):
        originals, copies = chosen[:, start : start + BLOCK]
        vector = unit(vectors[originals].astype(np.float32))
        away = moves(len(originals), real, near, random)
        away = unit(away - np.sum(away * vector, axis=1, keepdims=True) * vector)
        cosine = random.uniform(0.90, 0.99, (len(originals), 1)).astype(np.float32)
        vectors[copies] = cosine * vector + np.sqrt(1 - cosine**2) * away
    return vectors, np.sort(chosen.T, axis=1)


def moves(
    count: int, real: Vectors, near: npt.NDArray[np.int64], random: np.random.Generator
) -> Vectors:
    """Return sums of differences between a real vector and a neighbour of it, [count, dim]."""
    total = np.zeros((count, real.shape[1]), np.float32)
    for _ in range(DIFFERENCES):
        one = random.integers(len(real), size=count)
        other = near[one, random.integers(NEIGHBOURS, size=count)]
        weight = random.normal(size=(count, 1)) / math.sqrt(DIFFERENCES)
        total += weight.astype(np.float32) * (real[one] - real[other])
    return total


def nearest_rows(real: Vectors) -> npt.NDArray[np.int64]:
    """Return the rows of each vector's nearest, [n, NEIGHBOURS]."""
    cosines = real @ real.T
    np.fill_diagonal(cosines, -1)
    return np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def unit(rows: Vectors) -> Vectors:
    """Scale rows to length 1."""
    scaled: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def neighbours(asked: Vectors, blocks: Iterable[Vectors]) -> str:
    """Return how near the nearest and the tenth are of some vectors, themselves left out."""
    best = np.full((len(asked), 11), -1, np.float32)
    for block in blocks:
        both = np.concatenate([best, asked @ block.T], axis=1)
        best = -np.partition(-both, 10, axis=1)[:, :11]
    best = -np.sort(-best, axis=1)
    first, tenth = (np.percentile(best[:, k], [5, 50, 95]) for k in (1, 10))
    return "nearest at {:.2f}, {:.2f}, {:.2f}, tenth at {:.2f}, {:.2f}, {:.2f}".format(
        *first, *tenth
    )


if __name__ == "__main__":
    main()
