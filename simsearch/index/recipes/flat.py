"""Scan every vector: exact. Held as float16, which is what the store holds, so nothing is lost."""

from typing import Any

import faiss

from simsearch.index.recipes import VectorSource

EXACT = True
EFFORTS: tuple[int, ...] = ()
SCORE_ERROR = 1e-4


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return 2 * n * dim


def build(source: VectorSource, gpus: int) -> Any:  # noqa: ARG001 - nothing to build on a GPU
    """See Recipe.build."""
    index = faiss.IndexScalarQuantizer(
        source.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    for block in source.blocks():
        index.add(block)
    return index


def search_parameters(effort: int, k: int) -> None:  # noqa: ARG001 - a scan has no knob
    """See Recipe.search_parameters."""
    return
