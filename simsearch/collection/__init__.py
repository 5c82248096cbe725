"""The only place where the stages are joined: pictures, encoder, store, index and search."""

from simsearch.collection.api import Collection
from simsearch.collection.verifying import verify

__all__ = ["Collection", "verify"]
