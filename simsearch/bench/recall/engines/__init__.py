"""What answers nearest-neighbour questions: one file an engine, found by its name."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from simsearch.index.recipes import Vectors, VectorSource
from simsearch.index.vector_index import Ids


class Engine(Protocol):
    """An index of some kind; unbuilt at first."""

    PACKAGES: tuple[str, ...]
    """Those whose versions matter."""

    @property
    def settings(self) -> dict[str, object]:
        """What it was built with, known once it is built; `factory` is faiss's factory string."""

    @property
    def knob(self) -> str:
        """What the library calls the setting that trades speed for recall; '' for none."""

    @property
    def efforts(self) -> tuple[int, ...]:
        """Its settings, cheapest first; (0,) for none."""

    def train(self, source: VectorSource, gpus: int) -> None:
        """Learn what must be known before vectors are added."""

    def add(self, source: VectorSource) -> None:
        """Add all vectors, by all cores."""

    def save(self, path: Path) -> None:
        """Write the index to a file."""

    def prepare(self, effort: int, threads: int) -> None:
        """Set what the next searches take."""

    def search(self, queries: Vectors, k: int) -> Ids:
        """Return the numbers of the `k` nearest, int64 [q, k], best first; -1 for none."""


def load_engine(name: str) -> Engine:
    """Return an engine by its name: 'hnswlib', 'usearch', or 'simsearch/' or 'gpu/' and a recipe.

    Raises:
        ImportError: its library is not installed.
    """
    module, _, recipe = name.partition("/")
    made = import_module(f"{__name__}.{module}_engine").make(recipe)
    return cast("Engine", made)
