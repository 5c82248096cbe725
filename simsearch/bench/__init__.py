"""Measuring code, so that whoever has simsearch can measure it on pictures of his own."""
