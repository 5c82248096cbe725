"""Scan every vector: exact. Held as float16, which is what the store holds, so nothing is lost."""

from simsearch.index.recipes._scan import Scan

RECIPE = Scan("SQfp16", bytes_a_number=2, score_error=1e-4)
