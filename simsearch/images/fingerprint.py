"""Content hashes: equal bytes, equal hash."""

import hashlib


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal (what `sha256sum` prints)."""
    return hashlib.sha256(data).hexdigest()
