"""Pairs that a person has told apart, by content hash: they are never duplicates again."""

import re
from collections.abc import Iterable
from pathlib import Path

from simsearch.errors import CollectionDamagedError
from simsearch.store.files import write_durably

FILE = "not-duplicates.csv"
HashPair = tuple[str, str]
_LINE = re.compile("[0-9a-f]{64},[0-9a-f]{64}")


def read_ledger(folder: Path) -> set[HashPair]:
    """Return the pairs of content hashes, each in ascending order.

    Raises:
        CollectionDamagedError: the file is not what was written.
    """
    path = folder / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        raise CollectionDamagedError(f"'{path}' can't be read: {error}; restore it") from error
    pairs: set[HashPair] = set()
    for number, line in enumerate(lines, start=1):
        if not _LINE.fullmatch(line):
            raise CollectionDamagedError(
                f"'{path}', line {number} is no pair of hashes; mend or delete that line"
            )
        a, b = line.split(",")
        pairs.add((min(a, b), max(a, b)))
    return pairs


def remember(folder: Path, pairs: Iterable[HashPair]) -> int:
    """Add pairs of content hashes and return how many were new; the caller holds the writer's lock.

    Raises:
        CollectionDamagedError: the file is not what was written.
        StorageError: it can't be written; it is as it was.
    """
    known = read_ledger(folder)
    told = known | {(min(a, b), max(a, b)) for a, b in pairs if a != b}
    if told != known:
        text = "".join(f"{a},{b}\n" for a, b in sorted(told))
        write_durably(folder / FILE, lambda path: path.write_text(text, encoding="utf-8"))
    return len(told) - len(known)
