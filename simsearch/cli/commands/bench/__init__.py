"""Measure simsearch, and other tools beside it, on your own pictures."""
