"""What the machine offers, whatever faiss was built for."""

import faiss
import pytest

from simsearch.index import device


def test_cpu_build_of_faiss_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(faiss, "get_num_gpus", raising=False)
    assert device.count_gpus() == 0


def test_gpus_are_counted_by_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 3, raising=False)
    assert device.count_gpus() == 3


def test_some_memory_is_free() -> None:
    assert device.free_memory() > 1 << 20


def test_memory_is_known_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", refuse)
    assert device.free_memory() > 1 << 20
