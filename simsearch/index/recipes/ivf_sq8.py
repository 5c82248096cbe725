"""Inverted lists of 8-bit vectors: half the memory of float16, searched from a memory map."""

from simsearch.index.recipes._inverted import Inverted

RECIPE = Inverted(lambda _: "SQ8", lambda dim: dim)
