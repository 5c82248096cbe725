"""A navigable graph over float16 vectors (Malkov and Yashunin 2016, faiss.IndexHNSW)."""

from typing import Any

import faiss

from simsearch.index.recipes import VectorSource

EXACT = False
EFFORTS = (32, 64, 96, 128, 192, 256, 384, 512, 1024, 2048)
_LINKS = 32
_EF_CONSTRUCTION = 100


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (2 * dim + 2 * 4 * _LINKS + 40)


def build(source: VectorSource, gpus: int) -> Any:  # noqa: ARG001 - faiss builds it on the CPU
    """See Recipe.build."""
    index = faiss.IndexHNSWSQ(
        source.dim, faiss.ScalarQuantizer.QT_fp16, _LINKS, faiss.METRIC_INNER_PRODUCT
    )
    index.hnsw.efConstruction = _EF_CONSTRUCTION
    for block in source.blocks():
        index.add(block)
    return index


def search_parameters(effort: int, k: int) -> Any:
    """See Recipe.search_parameters; effort is efSearch."""
    return faiss.SearchParametersHNSW(efSearch=max(effort, 2 * k))
