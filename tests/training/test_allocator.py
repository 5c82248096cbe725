"""Freed memory stays with the process for as long as it is asked to."""

import sys
from pathlib import Path

import numpy as np
import pytest

from simsearch.training import allocator
from simsearch.training.allocator import kept_memory

BLOCK = 256 << 20


def resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or allocator._glibc() is None, reason="needs glibc"
)
def test_what_is_freed_stays_until_the_end() -> None:
    before = resident()
    np.ones(BLOCK, np.uint8)
    assert resident() < before + BLOCK // 4, "given back at once"
    with kept_memory():
        np.ones(BLOCK, np.uint8)
        assert resident() > before + BLOCK // 2
    assert resident() < before + BLOCK // 4, "given back at the end"
    np.ones(BLOCK, np.uint8)
    assert resident() < before + BLOCK // 4, "and at once again"


def test_without_glibc_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", none)
    with kept_memory():
        assert np.ones(10).sum() == 10
