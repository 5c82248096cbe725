"""Inverted lists of float16 vectors."""

from simsearch.index.recipes._inverted import Inverted

RECIPE = Inverted(lambda _: "SQfp16", lambda dim: 2 * dim, rotated=False, score_error=1e-4)
