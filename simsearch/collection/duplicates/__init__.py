"""What of a collection is there more than once: `find.py` takes the steps, one a file beside it."""
