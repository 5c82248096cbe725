"""What second looks have told, kept with a collection: no pair of contents is looked at twice.

A look takes some milliseconds, and a person who asks for duplicates asks again: for a plan, for a
gallery, after a run that was stopped. Everything here can be deleted at any time.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from simsearch.collection.duplicates.durations import LONG, MEASURED, in_words
from simsearch.collection.duplicates.second_look import look_again
from simsearch.errors import StorageError
from simsearch.local.edits import edit_between
from simsearch.local.verdict import log_odds
from simsearch.records import ImageRecord
from simsearch.store.files import write_durably

FOLDER = "looks"
_VERSION = b"3"  # of what local/ makes of two pictures
_SCHEMA = pa.schema(
    [
        ("a", pa.string()),
        ("b", pa.string()),
        ("log_odds", pa.float32()),
        ("edit", pa.string()),
        ("back", pa.string()),
    ],
    metadata={b"simsearch.looks": _VERSION},
)
_SECONDS_A_PART = 30.0  # what a kill may cost
Progress = Callable[[int, int], None]
Couple = tuple[ImageRecord, ImageRecord]
Look = Callable[[Sequence[Couple], Progress], "Sequence[Seen | None]"]
_Key = tuple[str, str]  # content hashes, ascending
_log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """What a second look tells of a pair.

    Attributes:
        log_odds: of a copy; 0 is even, higher is surer.
        edit, back: what makes the second of the first, and the first of the second, in words.
    """

    log_odds: float
    edit: str = ""
    back: str = ""


@contextmanager
def kept_looks(folder: Path, against: str = "") -> Iterator[Look]:
    """Give a `look` that remembers, in a collection's folder, what it was asked for.

    It returns what is seen of each pair, None where a file can't be read. What was seen is written
    every half a minute, and when it ends; then what nobody asked for any more is forgotten. Where
    nothing can be written, that is said, and nothing is remembered.

    Args:
        against: the name of the other collection, where two are compared.
    """
    kept = _Kept(folder / FOLDER / against)
    try:
        yield kept.look
    except BaseException:
        kept.write()
        raise
    kept.end()


def _looked_at(pairs: Sequence[Couple], progress: Progress) -> Iterator[Seen | None]:
    paths = [(a.full_path, b.full_path) for a, b in pairs]
    found = look_again(paths, _announcing(progress))
    for one in found:
        if one is None:
            yield None
        else:
            yield Seen(log_odds(one), edit_between(one), edit_between(one, backwards=True))


def _announcing(progress: Progress) -> Progress:
    """Return what also says once how long a long run will take."""
    started, announced = time.monotonic(), False

    def update(done: int, total: int) -> None:
        nonlocal announced
        passed = time.monotonic() - started
        if not announced and passed >= MEASURED:
            announced = True
            left = passed * (total - done) / done
            if left > LONG:
                _log.warning(
                    "looking at %s pairs of pictures again: about %s; what was seen is kept, "
                    "and asking once more looks only at what is new",
                    f"{total:,}",
                    in_words(passed + left),
                )
        progress(done, total)

    return update


class _Kept:
    """Looks in files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = sorted(folder.glob("*.parquet"))
        self._seen = dict(row for file in self._files for row in _read(file))
        self._asked: set[_Key] = set()
        self._new: dict[_Key, Seen] = {}
        self._written = time.monotonic()

    def look(self, pairs: Sequence[Couple], progress: Progress) -> list[Seen | None]:
        keys = [_key(pair) for pair in pairs]
        self._asked.update(keys)
        places = [place for place, key in enumerate(keys) if key not in self._seen]
        for place, one in zip(
            places, _looked_at([pairs[place] for place in places], progress), strict=True
        ):
            if one is not None:
                self._new[keys[place]] = self._seen[keys[place]] = _sorted(pairs[place], one)
            if time.monotonic() - self._written >= _SECONDS_A_PART:
                self.write()
        return [
            _sorted(pair, self._seen[key]) if key in self._seen else None
            for pair, key in zip(pairs, keys, strict=True)
        ]

    def write(self) -> None:
        """Write what is new to a file of its own."""
        if self._new and self._put(self._new):
            self._new = {}
        self._written = time.monotonic()

    def end(self) -> None:
        """Bring all that was asked for into one file."""
        stale = self._seen.keys() - self._asked
        if not self._new and not stale and len(self._files) <= 1:
            return
        before = list(self._files)
        kept = {key: one for key, one in self._seen.items() if key in self._asked}
        if kept and not self._put(kept):
            return
        for file in before:
            with suppress(OSError):
                file.unlink(missing_ok=True)

    def _put(self, seen: dict[_Key, Seen]) -> bool:
        columns = [*zip(*((*key, *one) for key, one in seen.items()), strict=True)]
        table = pa.table([pa.array(column) for column in columns], names=_SCHEMA.names)
        file = self._folder / f"{uuid.uuid4().hex}.parquet"
        try:
            write_durably(file, lambda path: pq.write_table(table.cast(_SCHEMA), path))
        except StorageError as error:
            _log.warning("what was seen is not kept: %s", error)
            return False
        self._files.append(file)
        return True


def _read(file: Path) -> Iterator[tuple[_Key, Seen]]:
    """Yield what a file holds; nothing where it can't be read, or is of another version."""
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException):
        return
    if not table.schema.equals(_SCHEMA, check_metadata=True):
        return
    for a, b, odds, edit, back in zip(*(c.to_pylist() for c in table.columns), strict=True):
        yield (a, b), Seen(odds, edit, back)


def _key(pair: Couple) -> _Key:
    a, b = pair[0].content_hash, pair[1].content_hash
    return min(a, b), max(a, b)


def _sorted(pair: Couple, one: Seen) -> Seen:
    """Turn what was seen of a pair to the order of the content hashes, or back."""
    if pair[0].content_hash <= pair[1].content_hash:
        return one
    return Seen(one.log_odds, one.back, one.edit)
