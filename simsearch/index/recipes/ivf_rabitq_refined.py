"""Inverted lists of one bit a number, the best sorted again by 8-bit vectors.

RaBitQ: Gao and Long 2024 (faiss.IndexIVFRaBitQFastScan, faiss.IndexRefine).
"""

from simsearch.index.recipes._inverted import Inverted

_FACTORS = 8  # bytes of a vector's norm and correction
RECIPE = Inverted(lambda _: "RaBitQfs,Refine(SQ8)", lambda dim: dim + dim // 8 + _FACTORS)
