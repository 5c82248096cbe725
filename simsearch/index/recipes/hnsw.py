"""A navigable graph over float16 vectors."""

from simsearch.index.recipes._graph import Graph

RECIPE = Graph("SQfp16", bytes_a_number=2)
