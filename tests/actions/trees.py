"""Folders of files, plans of them, and what a folder holds: shared by the tests of actions."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISLNK, S_ISREG

import pytest

from simsearch.actions.plan import Action, PlanRow, write_plan

SHARED_MEMORY = Path("/dev/shm")
OLD = 1_500_000_000_123_456_789
Seen = dict[str, tuple[object, ...]]


def put(path: Path, data: bytes = b"one", mode: int = 0o644, mtime_ns: int = OLD) -> Path:
    """Write a file with a mode and a time of last change."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def row(group: int, action: str, path: Path, data: bytes | None = None) -> PlanRow:
    """Return the plan's row of a file with these bytes, by default those that it has."""
    data = path.read_bytes() if data is None else data
    digest = sha256(data).hexdigest()
    return PlanRow(
        group, Action(action), str(path), "", 1.0, "exact", len(data), 4, 3, "2020-01-01", digest
    )


def plan_of(folder: Path, rows: Iterable[PlanRow]) -> Path:
    """Write a plan into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "plan.csv"
    write_plan(path, rows, overwrite=True)
    return path


def seen(folder: Path) -> Seen:
    """Return what is below a folder: path to (bytes, time, mode), link's target, or 'folder'."""
    found: Seen = {}
    for path in folder.rglob("*"):
        stat = path.lstat()
        if S_ISLNK(stat.st_mode):
            entry: tuple[object, ...] = (path.readlink(),)
        elif S_ISDIR(stat.st_mode):
            entry = ("folder",)
        elif not S_ISREG(stat.st_mode):
            entry = ("no file",)
        else:
            entry = (path.read_bytes(), stat.st_mtime_ns, S_IMODE(stat.st_mode))
        found[str(path.relative_to(folder))] = entry
    return found


def contents(*folders: Path) -> set[bytes]:
    """Return the contents of all regular files below folders."""
    return {
        path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.suffix != ".trashinfo"
    }


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Make a folder for a while, in memory where that can be: flushing waits for no disk there."""
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield
