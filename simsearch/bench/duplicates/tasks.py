"""What is looked for among what: the tasks that methods of finding duplicates are compared on."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.bench.duplicates.copies import write_copies
from simsearch.config import Selection
from simsearch.errors import FolderError, PictureError
from simsearch.evaluation.labelled import read_labelled
from simsearch.images.alterations import KINDS, STRENGTHS
from simsearch.images.decode import read_file, shrink
from simsearch.images.discover import discover, is_candidate, resolve_folder
from simsearch.records import FoundFile

Integers = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]
Progress = Callable[[int, int], None]
_FEWEST = 10
_BESIDE = 5  # pictures that only fill collages: one of an original would be a copy of it, too
_MOST_GROUPED = 12_000  # the scores of all pairs are held at once; UKBench has 10,200 pictures


@dataclass(frozen=True, slots=True)
class Task:
    """Queries, each of which has its duplicates among references.

    Attributes:
        queries, references: paths of pictures.
        sources: int64 [queries], place of the reference that a query was made of, or is.
        groups: int64 [references]; what is in the group of a query's source is its duplicate.
        kinds, strengths: int64 [queries], place in `names`, and 0 (mild) to 2 (strong).
        names: kinds of queries.
        itself: queries and references are the same files; none is compared with itself.
        warnings: what was left out, and why.
    """

    queries: Sequence[str]
    references: Sequence[str]
    sources: Integers
    groups: Integers
    kinds: Integers
    strengths: Integers
    names: Sequence[str]
    itself: bool
    warnings: Sequence[str]

    def truth(self, queries: Integers, references: Integers) -> Truth:
        """Return which references are duplicates of which queries, bool [queries, references]."""
        wanted = self.groups[self.sources[queries]]
        return np.asarray(wanted[:, None] == self.groups[references][None, :])

    def compared(self, queries: Integers, references: Integers) -> Truth:
        """Return which references are compared with which queries, bool [queries, references]."""
        same_file = self.sources[queries][:, None] == references[None, :]
        return ~same_file if self.itself else np.ones_like(same_file)


def make_task(
    protocol: str, folder: str, most: int, scratch: Path, seed: int, progress: Progress
) -> Task:
    """Build a task from a folder of pictures.

    Args:
        protocol: 'copies', altered copies among the pictures they were made of; 'exact', copies of
            the same bytes; 'groups', each picture among all others, a folder a group.
        most: originals to draw at random; 'groups' takes all pictures.
        scratch: an empty folder, for the copies.
        seed: of what is drawn at random.
        progress: called with (originals done, originals to do).

    Raises:
        FolderError: there is no such folder, or too few pictures in it.
    """
    if protocol == "groups":
        return _groups(folder)
    drawn, warnings = _drawn(folder, most + _BESIDE, seed)
    beside, originals = drawn[:_BESIDE], drawn[_BESIDE:]
    shape = (len(originals), len(KINDS), STRENGTHS)
    names: Sequence[str] = KINDS
    if protocol == "copies":
        queries = write_copies(originals, beside, scratch, seed, progress)
    else:
        shape, names = (len(originals), 1, 1), ["exact"]
        queries = [str(scratch / f"{n:05}{Path(path).suffix}") for n, path in enumerate(originals)]
        for path, copy in zip(originals, queries, strict=True):
            shutil.copyfile(path, copy)
    sources, kinds, strengths = np.indices(shape).reshape(3, -1)
    groups = np.arange(len(originals))
    return Task(queries, originals, sources, groups, kinds, strengths, names, False, warnings)


def _drawn(folder: str, most: int, seed: int) -> tuple[list[str], list[str]]:
    """Return up to `most` pictures that can be read, in random order, and what can't be."""
    found = [
        file.full_path
        for file in discover([resolve_folder(folder)], Selection())
        if isinstance(file, FoundFile) and is_candidate(file)
    ]
    drawn: list[str] = []
    warnings: list[str] = []
    for place in np.random.default_rng(seed).permutation(len(found)).tolist():
        if len(drawn) == most:
            break
        try:
            shrink(read_file(found[place]), 64)
        except PictureError as error:
            warnings.append(f"'{found[place]}' left out: {error}")
        else:
            drawn.append(found[place])
    if len(drawn) < _FEWEST + _BESIDE:
        raise FolderError(
            f"'{folder}' has {len(drawn)} pictures that can be read; "
            f"give {_FEWEST + _BESIDE} or more"
        )
    return drawn, warnings


def _groups(folder: str) -> Task:
    labelled = read_labelled(folder)
    count = len(labelled.paths)
    if not _FEWEST <= count <= _MOST_GROUPED or len(labelled.classes) < 2:
        raise FolderError(
            f"'{folder}' has {count:,} pictures in {len(labelled.classes):,} groups; "
            f"give 2 groups or more, of {_FEWEST} to {_MOST_GROUPED:,} pictures"
        )
    each, none = np.arange(count), np.zeros(count, np.int64)
    return Task(
        labelled.paths,
        labelled.paths,
        each,
        labelled.labels,
        none,
        none,
        ["all"],
        True,
        labelled.warnings,
    )
