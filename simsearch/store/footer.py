"""The footer of a Parquet file, which says where everything lies: no page checksum covers it."""

import hashlib
import os
from pathlib import Path

_MAGIC = b"PAR1"
_TAIL = 8  # a Parquet file ends in the length of its footer, 4 bytes, and the magic


def footer_digest(path: Path) -> str:
    """Return the SHA-256 of a Parquet file's footer with its length and magic, hexadecimal.

    Nothing before the footer is read.

    Raises:
        OSError: the file can't be read.
        ValueError: it does not end as a Parquet file does.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size < len(_MAGIC) + _TAIL:
            raise ValueError(f"its {size} bytes are too few for Parquet")
        stream.seek(size - _TAIL)
        tail = stream.read(_TAIL)
        if not tail.endswith(_MAGIC):
            raise ValueError("it does not end as Parquet")
        start = size - _TAIL - int.from_bytes(tail[:4], "little")
        if start < len(_MAGIC):
            raise ValueError("it is shorter than its footer")
        stream.seek(start)
        return hashlib.sha256(stream.read(size - start)).hexdigest()
