"""Lossless, valid-UTF-8 spelling of any file path, for Parquet's string columns.

Bytes of a path that are no UTF-8 (surrogates U+DC80..U+DCFF in Python, see os.fsdecode) are stored
as the private characters U+EF80..U+EFFF. A path that really holds such a private character has that
character's own UTF-8 bytes stored the same way, so every path comes back as it was.
"""

import re

_PRIVATE = 0xEF00
_SURROGATE = 0xDC00
_ESCAPABLE = re.compile("[\udc80-\udcff\uef80-\uefff]")
_ESCAPED = re.compile("[\uef80-\uefff]+")


def encode_path(path: str) -> str:
    """Return the stored spelling of a path."""
    return _ESCAPABLE.sub(_escape, path) if _ESCAPABLE.search(path) else path


def decode_path(stored: str) -> str:
    """Return the path that `encode_path` spelled; undecodable bytes are surrogates again."""
    return _ESCAPED.sub(_unescape, stored) if _ESCAPED.search(stored) else stored


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if code < _PRIVATE:
        return chr(code - _SURROGATE + _PRIVATE)
    return "".join(chr(_PRIVATE + byte) for byte in character.encode())


def _unescape(match: re.Match[str]) -> str:
    raw = bytes(ord(character) - _PRIVATE for character in match[0])
    return raw.decode("utf-8", "surrogateescape")
