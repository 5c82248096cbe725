"""What the navigable-graph recipes share (Malkov and Yashunin 2016, faiss.IndexHNSW)."""

from typing import Any

import faiss

from simsearch.index.recipes import VectorSource

EFFORTS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048)
_LINKS = 32
_EF_CONSTRUCTION = 100


def graph_bytes() -> int:
    """Return how many bytes a vector's links take."""
    return 2 * 4 * _LINKS + 40


def factory_of(storage: str) -> str:
    """Return the factory string of a graph over vectors kept in some way."""
    return f"HNSW{_LINKS},{storage}"


def empty_graph(source: VectorSource, storage: str) -> Any:
    """Return an empty graph.

    By distance, not by inner product: which links are worth keeping is judged by the triangle
    inequality, and with the inner product groups of near-identical pictures fall apart. Free places
    are filled with links that were judged superfluous, for the same groups' sake.
    """
    index = faiss.index_factory(source.dim, factory_of(storage), faiss.METRIC_L2)
    index.hnsw.efConstruction = _EF_CONSTRUCTION
    index.keep_max_size_level0 = True
    return index


def search_parameters(index: Any, effort: int, k: int) -> Any:  # noqa: ARG001 - k is enough
    """See Recipe.search_parameters; effort is efSearch."""
    return faiss.SearchParametersHNSW(efSearch=max(effort, 2 * k))
