"""Pictures decoded by other processes are those that this one decodes."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from simsearch.collection import examining
from simsearch.collection.examining import examine_all
from simsearch.config import Preprocessing
from simsearch.errors import FailureKind, PictureError
from simsearch.images import decoders as module
from simsearch.images.decode import Picture, decode, is_large
from simsearch.images.decoders import Decoders
from simsearch.records import FoundFile
from tests.images.samples import sample

PREPROCESSING = Preprocessing(size=32)
FORMATS = ["jpeg", "png", "webp", "gif"]


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    opened = Decoders(PREPROCESSING)
    yield opened
    opened.close()
    assert all(process.poll() is not None for process in opened._started)


def test_the_same_pictures(decoders: Decoders) -> None:
    for name in FORMATS:
        here, there = decode(sample(name), PREPROCESSING), decoders.decode(sample(name))
        assert np.array_equal(here.pixels, there.pixels)
        assert (here.width, here.height, here.format) == (there.width, there.height, there.format)
    assert len(decoders._started) == 1


def test_the_same_failures(decoders: Decoders) -> None:
    for data in (b"text", sample("png")[:-2000], sample("jpeg")[:200]):
        with pytest.raises(PictureError) as here:
            decode(data, PREPROCESSING)
        with pytest.raises(PictureError) as there:
            decoders.decode(data)
        assert (here.value.kind, str(here.value)) == (there.value.kind, str(there.value))
    assert decoders.decode(sample("png")).width > 0


def test_a_process_for_each_thread(decoders: Decoders) -> None:
    together = threading.Barrier(3)

    def one(name: str) -> bool:
        together.wait(60)
        return np.array_equal(
            decoders.decode(sample(name)).pixels, decode(sample(name), PREPROCESSING).pixels
        )

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(one, FORMATS[:3]))
    assert len(decoders._started) == 3


@pytest.mark.skipif(os.name == "nt", reason="processes are killed in another way")
def test_what_breaks_its_decoder_costs_one_picture(decoders: Decoders) -> None:
    decoders.decode(sample("png"))
    os.kill(decoders._started[0].pid, signal.SIGKILL)
    decoders._started[0].wait()
    with pytest.raises(PictureError, match="its decoder crashed") as broken:
        decoders.decode(sample("png"))
    assert broken.value.kind == FailureKind.CORRUPT
    assert decoders.decode(sample("png")).width > 0


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C reaches processes in another way")
def test_ctrl_c_is_for_whoever_asks(decoders: Decoders) -> None:
    decoders.decode(sample("png"))
    assert os.getpgid(decoders._started[0].pid) != os.getpgid(0), "the terminal's goes to a group"
    os.kill(decoders._started[0].pid, signal.SIGINT)
    assert decoders.decode(sample("jpeg")).width > 0
    assert len(decoders._started) == 1


def test_no_process_can_be_started(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert decoders.decode(sample("png")).width > 0
    monkeypatch.undo()
    assert decoders.decode(sample("png")).width > 0
    assert decoders._started == [], "it is not tried again for each picture"


def test_a_process_that_ends_at_once(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__name__", "simsearch.nowhere")
    for _ in range(2):
        assert decoders.decode(sample("png")).width > 0
    assert len(decoders._started) == 1


def test_large_pictures_are_decoded_here(
    decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_large(sample("png"), PREPROCESSING)
    asked: list[bytes] = []

    def large(_process: object, data: bytes, _size: int) -> None:
        asked.append(data)

    monkeypatch.setattr(module, "_asked", large)
    assert decoders.decode(sample("png")).width > 0
    assert asked == [sample("png")]


def test_many_files_by_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "_FEW_FILES", 2)
    apart: list[bytes] = []
    real = Decoders.decode

    def noted(self: Decoders, data: bytes) -> Picture:
        apart.append(data)
        return real(self, data)

    monkeypatch.setattr(Decoders, "decode", noted)
    files = []
    for number, name in enumerate([*FORMATS, *FORMATS]):
        (tmp_path / f"{number}").write_bytes(sample(name))
        files.append(FoundFile(str(tmp_path), f"{number}", 0, 0))
    (tmp_path / "cut").write_bytes(sample("png")[:-2000])
    files.append(FoundFile(str(tmp_path), "cut", 0, 0))
    found = {
        workers: list(examine_all(files, PREPROCESSING, lambda _: False, workers))
        for workers in (1, 5)
    }
    assert len(apart) == len(files) - 2
    for here, there in zip(found[1], found[5], strict=True):
        assert (here.file, here.hash, here.failure) == (there.file, there.hash, there.failure)
        if here.picture is not None and there.picture is not None:
            assert np.array_equal(here.picture.pixels, there.picture.pixels)
        else:
            assert here.picture is there.picture is None
    assert found[5][-1].failure is not None
