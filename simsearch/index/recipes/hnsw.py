"""A navigable graph over float16 vectors (Malkov and Yashunin 2016, faiss.IndexHNSW)."""

from typing import Any

import faiss

from simsearch.index.recipes import VectorSource

EXACT = False
EFFORTS = (32, 64, 96, 128, 192, 256, 384, 512, 1024, 2048)
SCORE_ERROR = 1e-3
_LINKS = 32
_EF_CONSTRUCTION = 100


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (2 * dim + 2 * 4 * _LINKS + 40)


def build(source: VectorSource, gpus: int) -> Any:  # noqa: ARG001 - faiss builds it on the CPU
    """See Recipe.build.

    By distance, not by inner product: which links are worth keeping is judged by the triangle
    inequality, and with the inner product groups of near-identical pictures fall apart. Free places
    are filled with links that were judged superfluous, for the same groups' sake.
    """
    index = faiss.IndexHNSWSQ(source.dim, faiss.ScalarQuantizer.QT_fp16, _LINKS, faiss.METRIC_L2)
    index.hnsw.efConstruction = _EF_CONSTRUCTION
    index.keep_max_size_level0 = True
    for block in source.blocks():
        index.add(block)
    return index


def search_parameters(effort: int, k: int) -> Any:
    """See Recipe.search_parameters; effort is efSearch."""
    return faiss.SearchParametersHNSW(efSearch=max(effort, 2 * k))
