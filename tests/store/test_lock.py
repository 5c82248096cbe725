"""One writer at a time, in any process, however the one before ended."""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simsearch.errors import CollectionBusyError, StorageError
from simsearch.store.lock import HOLDER_FILE, writer_lock

HOLD = """
import sys, time
from pathlib import Path
from simsearch.store.lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
TRY = """
import sys
from pathlib import Path
from simsearch.errors import CollectionBusyError
from simsearch.store.lock import writer_lock
try:
    with writer_lock(Path(sys.argv[1])):
        print("held")
except CollectionBusyError as error:
    print(error)
"""
Hold = Callable[[Path], "subprocess.Popen[str]"]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Return a function that starts a process which holds the lock of a folder."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_second_process_is_told_who_holds_it(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    with writer_lock(folder):
        second = subprocess.run(
            [sys.executable, "-c", TRY, str(folder)], capture_output=True, text=True, check=True
        )
    assert "collection 'photos'" in second.stdout
    assert f"process {os.getpid()} on {platform.node()} since 2" in second.stdout


def test_this_process_is_told_who_holds_it(tmp_path: Path, hold: Hold) -> None:
    holder = hold(tmp_path)
    with (
        pytest.raises(CollectionBusyError, match=f"process {holder.pid} on "),
        writer_lock(tmp_path),
    ):
        pass
    assert (tmp_path / HOLDER_FILE).exists(), "the one turned away must not clear the other's name"


def test_free_after_its_holder_was_killed(tmp_path: Path, hold: Hold) -> None:
    holder = hold(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with writer_lock(tmp_path):
        assert str(os.getpid()) in (tmp_path / HOLDER_FILE).read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"3", b"{}", b"\xff"])
def test_unreadable_holder_is_another_process(tmp_path: Path, hold: Hold, content: bytes) -> None:
    hold(tmp_path)
    (tmp_path / HOLDER_FILE).write_bytes(content)
    with pytest.raises(CollectionBusyError, match="by another process"), writer_lock(tmp_path):
        pass


def test_free_after_use_and_after_an_error(tmp_path: Path) -> None:
    with writer_lock(tmp_path):
        pass
    with pytest.raises(KeyError), writer_lock(tmp_path):
        raise KeyError
    with writer_lock(tmp_path):
        pass
    assert not (tmp_path / HOLDER_FILE).exists()


def test_held_twice_in_one_process(tmp_path: Path) -> None:
    with writer_lock(tmp_path), pytest.raises(CollectionBusyError), writer_lock(tmp_path):
        pass


def test_other_collections_are_free(tmp_path: Path, hold: Hold) -> None:
    hold(tmp_path / "one")
    with writer_lock(tmp_path / "other"):
        assert (tmp_path / "one" / HOLDER_FILE).exists()
        assert (tmp_path / "other" / HOLDER_FILE).exists()


def test_folder_that_cant_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError), writer_lock(tmp_path / "file"):
        pass
