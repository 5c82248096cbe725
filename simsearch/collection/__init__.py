"""The only place where the stages are joined: pictures, encoder, store, index and search."""

from simsearch.collection.api import Collection

__all__ = ["Collection"]
