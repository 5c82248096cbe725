"""After a write there is the old file or the new one, and nothing else."""

import errno
import os
from pathlib import Path

import pytest

from simsearch.errors import StorageError
from simsearch.store.files import storage_errors, write_durably

DISK_FULL = "disk is full"
NO_PERMISSION = "no write permission"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that holds 'old'."""
    file = tmp_path / "file.txt"
    file.write_text("old")
    return file


def test_new_content_replaces_the_old(path: Path) -> None:
    write_durably(path, lambda temporary: temporary.write_text("new"))
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    write_durably(path, lambda temporary: temporary.write_text("new"))
    assert path.read_text() == "new"


def test_old_content_is_there_until_the_end(path: Path) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent, "a rename is atomic only inside a file system"

    write_durably(path, write)
    assert path.read_text() == "new"


def test_content_is_flushed_before_the_rename(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[str, str]] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        real(descriptor)
        flushed.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, path.read_text()))

    monkeypatch.setattr(os, "fsync", note)
    write_durably(path, lambda temporary: temporary.write_text("new"))
    assert flushed == [("file.txt.tmp", "old"), (path.parent.name, "new")]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, MemoryError])
def test_interrupted_write_leaves_the_old_file(path: Path, error: type[BaseException]) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text("half")
        raise error

    with pytest.raises(error):
        write_durably(path, write)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_refusal_at_any_step_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((os, "fsync", refuse) if step == "fsync" else (Path, "replace", refuse)))
    with pytest.raises(StorageError, match=DISK_FULL):
        write_durably(path, lambda temporary: temporary.write_text("new"))
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, DISK_FULL),
        (errno.EDQUOT, DISK_FULL),
        (errno.EFBIG, DISK_FULL),
        (errno.EACCES, NO_PERMISSION),
        (errno.EPERM, NO_PERMISSION),
        (errno.EROFS, NO_PERMISSION),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_refusals_name_the_file_and_the_remedy(tmp_path: Path, code: int, remedy: str) -> None:
    with pytest.raises(StorageError, match=remedy) as caught, storage_errors(tmp_path / "file.txt"):
        raise OSError(code, os.strerror(code))
    assert str(tmp_path / "file.txt") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_in_the_place_of_a_folder(path: Path) -> None:
    with pytest.raises(StorageError, match=str(path)):
        write_durably(path / "below.txt", lambda temporary: temporary.write_text("new"))
    assert path.read_text() == "old"
