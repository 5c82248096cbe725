"""What an index run is asked to do, and what it leaves to be committed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simsearch.config import Selection
from simsearch.encoder.runtimes import Runtime
from simsearch.records import Failure
from simsearch.store.manifest import Manifest, PartInfo


@dataclass(frozen=True, slots=True)
class Job:
    """What to bring in line.

    Attributes:
        folder: the collection's folder.
        manifest: its current generation.
        rebuild: know no vector from before; rows keep their ids, by path.
        roots: absolute folders to scan; rows of other folders are left alone.
        open_runtime: opens the encoder; called only if there is something to embed.
        workers: threads that read and decode.
        progress: called with (files done, files to do).
        should_stop: asked before each file; True ends the run early, keeping what is done.
        may_be_empty: folders without a picture are no mistake; they are no roots any more.
    """

    folder: Path
    manifest: Manifest
    rebuild: bool
    roots: Sequence[str]
    selection: Selection
    open_runtime: Callable[[], Runtime]
    workers: int
    progress: Callable[[int, int], None]
    should_stop: Callable[[], bool]
    may_be_empty: bool = False


@dataclass(slots=True)
class Counts:
    """Paths by what happened to them, as in SyncReport, and rows saved from a killed run."""

    new: int = 0
    duplicates_of_content: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    other_files: int = 0
    recovered: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves to be committed."""

    parts: tuple[PartInfo, ...]
    roots: tuple[str, ...]
    failures: list[Failure]
    next_id: int
    counts: Counts
    interrupted: bool
    examined: frozenset[str]  # full paths of the files that were read
