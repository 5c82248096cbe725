"""Inverted lists of 8-bit vectors: half the memory of float16, searched from a memory map."""

from typing import Any

import faiss

from simsearch.index.recipes import VectorSource
from simsearch.index.recipes._inverted import EFFORTS, build_inverted, search_parameters

EXACT = False


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (dim + 8)


def build(source: VectorSource, gpus: int) -> Any:
    """See Recipe.build."""
    return build_inverted(source, faiss.ScalarQuantizer.QT_8bit, gpus)


__all__ = ["EFFORTS", "EXACT", "build", "memory", "search_parameters"]
