"""A navigable graph over float32 vectors: faster while they fit a cache, in twice the memory."""

from simsearch.index.recipes._graph import Graph

RECIPE = Graph("Flat", bytes_a_number=4)
