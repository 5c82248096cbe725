"""Indices that stay on one GPU and are searched there: every vector, or CAGRA's graph.

For batches; a GPU is searched by one thread at a time. CAGRA's search was not run on one yet.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np

from simsearch.errors import DeviceError
from simsearch.index.build import gpus_for
from simsearch.index.recipes import Vectors, VectorSource, add_blocks, load_recipe
from simsearch.index.vector_index import Ids

_PACKAGES = ("faiss-gpu-cuvs", "libcuvs-cu13", "numpy")


class GpuFlat:
    """See Engine; float16, exact."""

    PACKAGES = _PACKAGES
    knob = ""
    efforts = (0,)
    settings: dict[str, object]
    _index: Any = None

    def train(self, source: VectorSource, gpus: int) -> None:
        """See Engine; raises DeviceError if there is no GPU."""
        _check("gpu/flat", gpus)
        self.settings = {"factory": "Flat", "float16": True}
        config = faiss.GpuIndexFlatConfig()
        config.useFloat16 = True
        self._resources = faiss.StandardGpuResources()
        self._index = faiss.GpuIndexFlat(self._resources, source.dim, source.faiss_metric, config)

    def add(self, source: VectorSource) -> None:
        """See Engine."""
        add_blocks(self._index, source)

    def save(self, path: Path) -> None:
        """See Engine."""
        faiss.write_index(faiss.index_gpu_to_cpu(self._index), str(path))

    def prepare(self, effort: int, threads: int) -> None:
        """See Engine: nothing to set."""

    def search(self, queries: Vectors, k: int) -> Ids:
        """See Engine."""
        return np.asarray(self._index.search(queries, k)[1], np.int64)


class GpuCagra:
    """See Engine; float16."""

    PACKAGES = _PACKAGES
    knob = "itopk_size"
    efforts = (16, 32, 64, 128, 256, 512)
    settings: dict[str, object]
    _index: Any = None
    _parameters: Any = None

    def train(self, source: VectorSource, gpus: int) -> None:
        """See Engine; raises DeviceError if there is no GPU, or not enough memory on it."""
        _check("gpu/cagra", gpus)
        recipe = load_recipe("cagra")
        self.settings = {"factory": recipe.factory(source.n, source.dim)}
        self._index = recipe.train(source, gpus_for("cagra", source.n, source.dim, gpus))

    def add(self, source: VectorSource) -> None:
        """See Engine: all of them are in the graph from the start."""

    def save(self, path: Path) -> None:
        """See Engine."""
        faiss.write_index(faiss.index_gpu_to_cpu(self._index), str(path))

    def prepare(self, effort: int, threads: int) -> None:  # noqa: ARG002 - of the CPU
        """See Engine."""
        self._parameters = faiss.SearchParametersCagra()
        self._parameters.itopk_size = effort

    def search(self, queries: Vectors, k: int) -> Ids:
        """See Engine."""
        found = self._index.search(queries, k, params=self._parameters, numeric_type=faiss.Float16)
        return np.asarray(found[1], np.int64)


def _check(name: str, gpus: int) -> None:
    if not gpus:
        raise DeviceError(f"'{name}' runs on a GPU, and faiss finds none; leave it out")


def make(recipe: str) -> GpuFlat | GpuCagra:
    """Return the engine: of 'cagra' or 'flat'."""
    return GpuCagra() if recipe == "cagra" else GpuFlat()
