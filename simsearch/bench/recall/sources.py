"""Where the vectors of a benchmark come from: collections, the field's file formats, made ones."""

import gzip
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.bench.recall.dataset import BLOCK, Dataset, write_dataset
from simsearch.bench.recall.truth import true_distances
from simsearch.config import SEARCH_METRICS
from simsearch.errors import InputError
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.store.files import storage_errors

Array = npt.NDArray[np.generic]
FASHION_MNIST = "fashion-mnist-784-euclidean"
_FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_BIN_TYPES = {".fbin": np.float32, ".f16bin": np.float16, ".u8bin": np.uint8, ".i8bin": np.int8}
_HDF5_TYPES = (".hdf5", ".h5")
_HDF5_METRICS = {"angular": "cosine", "euclidean": "euclidean"}
_HELD_OUT = 0.2  # of the vectors at most, where there are no queries


@dataclass(frozen=True, slots=True)
class Asked:
    """Which vectors, by which metric, and how many queries.

    Attributes:
        source: a collection's name, a file, FASHION_MNIST, or 'synthetic:N,D'.
        queries: a file of queries; None takes the source's own, or holds some vectors out.
        truth: an .ibin file of the numbers of the true neighbours of all queries.
        metric: one of config.SEARCH_METRICS; None is the source's own, or cosine.
        sample: queries at most, drawn at random.
        seed: of what is drawn at random.
    """

    source: str
    queries: Path | None = None
    truth: Path | None = None
    metric: str | None = None
    sample: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    base: Array
    queries: Array | None = None
    metric: str | None = None
    truth: Ids | None = None


@contextmanager
def open_source(
    asked: Asked,
    k: int,
    home: Path,
    embeddings: Callable[[str], Vectors],
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Iterator[Dataset]:
    """Yield the vectors and queries that are asked for, with their k true neighbours.

    Args:
        home: holds the vectors meanwhile, and the true neighbours for good.
        embeddings: returns a collection's vectors, float32 [n, dim], by its name.
        progress: called with (vectors compared, all vectors) where true neighbours are computed.

    Raises:
        InputError: there is no such source, or it is not what its name says.
        StorageError: the system refused to write.
    """
    found = _find(asked.source, embeddings, asked.seed)
    if asked.queries is not None:
        found = replace(found, queries=_read(asked.queries).base, truth=None)
    if asked.truth is not None:
        found = replace(found, truth=_neighbors(asked.truth))
    base, queries, truth = _split(found, asked)
    if base.ndim != 2 or queries.ndim != 2 or base.shape[1] != queries.shape[1] or not len(base):
        raise InputError(
            f"'{asked.source}' has vectors of shape {base.shape} and queries of {queries.shape}; "
            "give as many numbers to each"
        )
    if k > len(base):
        raise InputError(
            f"k is {k}, and '{asked.source}' has {len(base)} vectors to search; give a lower -k"
        )
    metric = asked.metric or found.metric or SEARCH_METRICS[0]
    blocks = (_floats(base[start : start + BLOCK]) for start in range(0, len(base), BLOCK))
    with storage_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=home)
    with temporary as folder:
        with storage_errors(home):
            dataset = write_dataset(
                Path(folder),
                home / "truth",
                Path(asked.source).name,
                metric,
                blocks,
                _floats(queries),
            )
            true_distances(dataset, k, truth, progress)
        yield dataset


def _find(source: str, embeddings: Callable[[str], Vectors], seed: int) -> _Found:
    if source == FASHION_MNIST:
        return _fashion_mnist()
    if source.startswith("synthetic:"):
        return _Found(_synthetic(source, seed), metric="cosine")
    path = Path(source)
    if path.suffix in {*_HDF5_TYPES, ".npy", *_BIN_TYPES} or (path.suffix and path.is_file()):
        return _read(path)
    return _Found(embeddings(source), metric="cosine")


def _split(found: _Found, asked: Asked) -> tuple[Array, Array, Ids | None]:
    """Return the vectors, as many queries as are wanted (held out if need be), and their truth."""
    rng = np.random.default_rng(asked.seed)
    if found.queries is not None:
        rows = np.sort(rng.permutation(len(found.queries))[: asked.sample])
        if found.truth is not None and len(found.truth) != len(found.queries):
            raise InputError(
                f"there are true neighbours of {len(found.truth)} queries, and "
                f"{len(found.queries)} queries; give the file that belongs to them"
            )
        truth = None if found.truth is None else found.truth[rows]
        return found.base, found.queries[rows], truth
    if asked.truth is not None:
        raise InputError(f"'{asked.truth}' is of no use without queries; give --queries too")
    count = min(asked.sample, int(_HELD_OUT * len(found.base)))
    if count < 1:
        raise InputError(f"'{asked.source}' has {len(found.base)} vectors; give 5 or more")
    out = np.zeros(len(found.base), np.bool_)
    out[rng.permutation(len(out))[:count]] = True
    return found.base[~out], found.base[out], None


def _read(path: Path) -> _Found:
    try:
        if path.suffix in _HDF5_TYPES:
            return _hdf5(path)
        if path.suffix == ".npy":
            return _Found(np.load(path, mmap_mode="r", allow_pickle=False))
        if path.suffix in _BIN_TYPES:
            return _Found(_bin(path, _BIN_TYPES[path.suffix]))
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"can't read '{path}': {reason}; give another file") from error
    known = ", ".join((".hdf5", ".npy", *_BIN_TYPES))
    raise InputError(f"'{path}' is no file of vectors; give a collection or one of {known}")


def _hdf5(path: Path) -> _Found:
    """Read a file as ann-benchmarks keeps it: train, test, and the attribute distance."""
    import h5py

    with h5py.File(path) as file:
        distance = file.attrs.get("distance", "euclidean")
        if distance not in _HDF5_METRICS:
            raise InputError(
                f"'{path}' has the distance '{distance}'; only {', '.join(_HDF5_METRICS)} work"
            )
        truth = np.asarray(file["neighbors"][:], np.int64) if "neighbors" in file else None
        return _Found(file["train"][:], file["test"][:], _HDF5_METRICS[distance], truth)


def _neighbors(path: Path) -> Ids:
    """Read true neighbours: two uint32, queries and k, then their numbers as int32."""
    try:
        return np.asarray(_bin(path, np.int32), np.int64)
    except (OSError, ValueError) as error:
        raise InputError(f"can't read '{path}': {error}; give an .ibin file") from error


def _bin(path: Path, kind: npt.DTypeLike) -> Array:
    """Map a file as big-ann-benchmarks keeps it: two uint32, rows and columns, then the rows."""
    rows, columns = np.fromfile(path, np.uint32, 2).tolist()
    if path.stat().st_size < 8 + rows * columns * np.dtype(kind).itemsize:
        raise ValueError(f"it says {rows} x {columns} and is shorter")
    return np.memmap(path, kind, "r", offset=8, shape=(rows, columns))


def _fashion_mnist() -> _Found:
    def pictures(name: str) -> Array:
        path = _FASHION_FOLDER / f"{name}-images-idx3-ubyte.gz"
        try:
            data = gzip.decompress(path.read_bytes())
        except OSError as error:
            raise InputError(
                f"can't read '{path}': {error.strerror}; apt install dataset-fashion-mnist"
            ) from error
        return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 784)

    return _Found(pictures("train"), pictures("t10k"), "euclidean")


def _synthetic(source: str, seed: int) -> Vectors:
    match = re.fullmatch(r"synthetic:(\d+),(\d+)", source)
    if not match or min(map(int, match.groups())) < 5:
        raise InputError(f"'{source}' is not 'synthetic:N,D' with N and D of 5 or more")
    n, dim = map(int, match.groups())
    return made_vectors(n, dim, seed)


def made_vectors(n: int, dim: int, seed: int) -> Vectors:
    """Make vectors such as encoders give: clusters of clusters, few directions carry most.

    Each is a sum of three normal vectors, of its cluster, its smaller cluster and its own, whose
    variance falls along the axes as 1 / (1 + i / 8).
    """
    rng = np.random.default_rng(seed)
    scale = np.sqrt(1 / (1 + np.arange(dim) / 8)).astype(np.float32)
    large = rng.standard_normal((max(n // 1000, 5), dim), np.float32)
    small = rng.standard_normal((max(n // 20, 5), dim), np.float32)
    parents = rng.integers(len(large), size=len(small))
    made = np.empty((n, dim), np.float32)
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        own = rng.standard_normal((stop - start, dim), np.float32)
        groups = rng.integers(len(small), size=stop - start)
        made[start:stop] = scale * (large[parents[groups]] + small[groups] + own)
    return made


def _floats(block: Array) -> Vectors:
    return np.asarray(block, np.float32)
