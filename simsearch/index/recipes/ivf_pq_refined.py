"""Inverted lists of 4-bit product codes scanned in registers, the best sorted again by 8-bit ones.

Product quantization: Jegou, Douze and Schmid 2011; its fast scan: Andre, Kermarrec and Le Scouarnec
2017 (faiss.IndexIVFPQFastScan, faiss.IndexRefine).
"""

from typing import Any

from simsearch.index.recipes import VectorSource
from simsearch.index.recipes._inverted import (
    EFFORTS,
    add,
    count_lists,
    refined_parameters,
    train_inverted,
    training_bytes,
)

EXACT = False
SCORE_ERROR = 1e-2
FEWEST = 1000
_NUMBERS_A_CODE = 8  # 4 bits for each eight numbers
_CANDIDATES = 400


def memory(n: int, dim: int) -> int:
    """See Recipe.memory."""
    return n * (dim + _codes(dim) // 2 + 8) + training_bytes(n, dim)


def factory(n: int, dim: int) -> str:
    """See Recipe.factory."""
    return f"IVF{count_lists(n)},PQ{_codes(dim)}x4fsr,Refine(SQ8)"


def train(source: VectorSource, gpus: int) -> Any:  # noqa: ARG001 - faiss clones no refinement
    """See Recipe.train."""
    return train_inverted(source, factory(source.n, source.dim), 0)


def search_parameters(index: Any, effort: int, k: int) -> Any:
    """See Recipe.search_parameters; effort is nprobe."""
    return refined_parameters(index, effort, k, _CANDIDATES)


def _codes(dim: int) -> int:
    """Return the number of codes nearest to what is wanted that divides `dim`."""
    wanted = max(dim / _NUMBERS_A_CODE, 1)
    return min((m for m in range(1, dim + 1) if dim % m == 0), key=lambda m: abs(m - wanted))


__all__ = [
    "EFFORTS",
    "EXACT",
    "FEWEST",
    "SCORE_ERROR",
    "add",
    "factory",
    "memory",
    "search_parameters",
    "train",
]
