"""Inverted lists of one bit a number scanned in registers, the best sorted again by six more.

RaBitQ: Gao and Long 2024; its further bits: Gao et al. 2025 (faiss.IndexIVFRaBitQFastScan). Each
vector has a scale of its own: so many bits keep more of it than the eight of `ivf_sq8` do. Read
into memory as a whole, where that one is mapped.
"""

from simsearch.index.recipes._inverted import Inverted

_FACTORS = 32  # bytes of a vector's norms and corrections
RECIPE = Inverted(lambda _: "RaBitQfs7", lambda dim: dim + _FACTORS, score_error=2e-2)
