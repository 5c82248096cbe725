"""One file a recipe, found by its name; a recipe builds a FAISS index and knows how to search it.

Every index ranks by the metric of its vectors: unit vectors by cosine, kept as inner product or as
squared distance, others by squared distance.
"""

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import faiss
import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VectorSource:
    """Vectors that can be read more than once, in blocks, without holding all of them.

    Attributes:
        n: number of vectors.
        dim: their length.
        blocks: opens a pass; yields float32 [m, dim], n rows in total, always in the same order.
        metric: 'cosine', of unit vectors, or 'euclidean'.
    """

    n: int
    dim: int
    blocks: Callable[[], Iterable[Vectors]]
    metric: str = "cosine"

    @property
    def faiss_metric(self) -> int:
        """What faiss calls the metric, where an inner product is as good as a distance."""
        return int(faiss.METRIC_INNER_PRODUCT if self.metric == "cosine" else faiss.METRIC_L2)

    def sample(self, count: int, seed: int) -> Vectors:
        """Return up to `count` vectors drawn at random, in the source's order."""
        return self.take(np.sort(np.random.default_rng(seed).permutation(self.n)[:count]))

    def all(self, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return all vectors as one array of `dtype`, [n, dim]."""
        vectors = np.empty((self.n, self.dim), dtype)
        start = 0
        for block in self.blocks():
            vectors[start : start + len(block)] = block
            start += len(block)
        return vectors

    def take(self, rows: npt.NDArray[np.int64]) -> Vectors:
        """Return the vectors at `rows`, which ascend, in one pass."""
        picked = np.empty((len(rows), self.dim), np.float32)
        start = 0
        for block in self.blocks():
            low, high = np.searchsorted(rows, (start, start + len(block)))
            picked[low:high] = block[rows[low:high] - start]
            start += len(block)
        return picked


class Recipe(Protocol):
    """What a recipe's file offers as RECIPE."""

    @property
    def exact(self) -> bool:
        """Whether a search finds the true neighbours always."""

    @property
    def efforts(self) -> tuple[int, ...]:
        """Settings of the one knob that trades speed for recall, cheapest first; () if exact."""

    @property
    def knob(self) -> str:
        """What faiss calls that setting; '' if exact."""

    @property
    def score_error(self) -> float:
        """How far the cosines that a search returns may be off."""

    @property
    def fewest(self) -> int:
        """Number of vectors under which it can't learn what it must, or misses some of them."""

    @property
    def growth(self) -> float:
        """How many times its size when it was trained it may have by additions; 0: takes none."""

    @property
    def gpu_only(self) -> bool:
        """Whether no CPU can build it."""

    def memory(self, n: int, dim: int) -> int:
        """Return about how many bytes building and holding the index takes."""

    def gpu_memory(self, n: int, dim: int) -> int:
        """Return about how many bytes building takes on each GPU; 0: it uses none."""

    def factory(self, n: int, dim: int) -> str:
        """Return what faiss.index_factory makes such an index of, but for a setting or two."""

    def train(self, source: VectorSource, gpus: int) -> Any:
        """Return an empty faiss index that has learned what it must know of the vectors."""

    def add(self, index: Any, source: VectorSource, gpus: int) -> Any:
        """Return the index with all vectors, in the source's order, such that a CPU can search."""

    def search_parameters(self, index: Any, effort: int, k: int, selector: Any) -> Any:
        """Return faiss.SearchParameters of an index for an effort and k neighbours, or None.

        Args:
            selector: faiss.IDSelector of what may be found, or None for everything.
        """


def add_blocks(index: Any, source: VectorSource) -> Any:
    """Add all vectors to an index and return it."""
    for block in source.blocks():
        index.add(block)
    return index


def recipe_names() -> list[str]:
    """Return the names of all recipes, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def load_recipe(name: str) -> Recipe:
    """Return the recipe of a name; raises ModuleNotFoundError for one that does not exist."""
    return cast("Recipe", import_module(f"{__name__}.{name}").RECIPE)
