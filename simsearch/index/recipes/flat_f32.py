"""Scan every vector, held as float32: exact for any values; what others are measured against."""

from simsearch.index.recipes._scan import Scan

RECIPE = Scan("Flat", bytes_a_number=4, score_error=1e-5)
