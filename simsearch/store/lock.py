"""One writer at a time: an operating-system lock, freed even when its holder is killed."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from simsearch.errors import CollectionBusyError
from simsearch.store.files import storage_errors

LOCK_FILE = "lock"
HOLDER_FILE = "writer.json"


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the right to write to the collection in `folder`, which is made if missing.

    Raises:
        CollectionBusyError: another process holds it; the message says who.
        StorageError: the folder can't be written.
    """
    from filelock import FileLock, Timeout

    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise CollectionBusyError(
                f"collection '{folder.name}' is being written by {_holder(folder)}; "
                "wait for it to finish"
            ) from error
    try:
        with storage_errors(folder):
            (folder / HOLDER_FILE).write_text(
                json.dumps(
                    {
                        "pid": os.getpid(),
                        "host": platform.node(),
                        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
                    }
                )
            )
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER_FILE).unlink()
        lock.release()


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / HOLDER_FILE).read_text())
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
