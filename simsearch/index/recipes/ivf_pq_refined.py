"""Inverted lists of 4-bit product codes scanned in registers, the best sorted again by 8-bit ones.

Product quantization: Jegou, Douze and Schmid 2011; its fast scan: Andre, Kermarrec and Le Scouarnec
2017 (faiss.IndexIVFPQFastScan, faiss.IndexRefine).
"""

from simsearch.index.recipes._inverted import Inverted

_NUMBERS_A_CODE = 8  # 4 bits for each eight numbers


def _codes(dim: int) -> int:
    """Return the number of codes nearest to what is wanted that divides `dim`."""
    wanted = max(dim / _NUMBERS_A_CODE, 1)
    return min((m for m in range(1, dim + 1) if dim % m == 0), key=lambda m: abs(m - wanted))


RECIPE = Inverted(
    lambda dim: f"PQ{_codes(dim)}x4fsr,Refine(SQ8)",
    lambda dim: dim + _codes(dim) // 2,
    fewest=1000,
)
