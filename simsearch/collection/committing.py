"""From a finished run to the next generation: index, failures, manifest, and then the cleaning."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

from simsearch.collection.indexing import index_parts, without_building
from simsearch.collection.job import Job, Outcome
from simsearch.errors import CollectionDamagedError
from simsearch.index.meta import FOLDER as BUILT
from simsearch.records import Failure, SyncReport, is_below
from simsearch.store.files import TEMPORARY
from simsearch.store.manifest import Manifest, commit
from simsearch.store.reader import read_failures
from simsearch.store.writer import FOLDER as EMBEDDINGS
from simsearch.store.writer import write_failures


def finish(job: Job, outcome: Outcome, started: float) -> SyncReport:
    """Commit what a run did, if it changed anything, and report it.

    A rebuild that was interrupted is not committed: what it did waits for the next one.

    Args:
        started: time.perf_counter() at the start of the run.

    Raises:
        StorageError: the system refused to write; the generation before stays.
    """
    manifest = job.manifest
    pointless = job.rebuild if manifest.images else not outcome.parts
    if not (outcome.interrupted and pointless):
        manifest = _commit_changes(job, outcome, _merged_failures(job, outcome))
        _clean(job.folder, manifest)
    counts = outcome.counts
    seconds = time.perf_counter() - started
    added = counts.new + counts.duplicates_of_content + counts.updated + counts.moved
    return SyncReport(
        name=manifest.name,
        root=list(job.roots),
        images=manifest.images,
        new=counts.new,
        duplicates_of_content=counts.duplicates_of_content,
        updated=counts.updated,
        moved=counts.moved,
        removed=counts.removed,
        unchanged=max(0, manifest.images - added),
        failed=manifest.failures,
        seconds=round(seconds, 3),
        images_per_second=round(added / seconds, 1),
        encoder=manifest.encoder.name,
        dim=manifest.encoder.dim,
        index=manifest.index,
        generation=manifest.generation,
        interrupted=outcome.interrupted,
        other_files=counts.other_files,
        recovered=counts.recovered,
    )


def _merged_failures(job: Job, outcome: Outcome) -> list[Failure]:
    """Return this run's failures and the earlier ones of files that it did not look at."""
    looked_at = outcome.examined | {failure.full_path for failure in outcome.failures}
    earlier = [
        failure
        for failure in _known_failures(job.folder)
        if failure.full_path not in looked_at
        and (outcome.interrupted or not any(is_below(failure.full_path, r) for r in job.roots))
    ]
    return sorted([*earlier, *outcome.failures], key=lambda failure: failure.full_path)


def _known_failures(folder: Path) -> list[Failure]:
    try:
        return read_failures(folder)[0]
    except CollectionDamagedError:
        return []  # this run writes the file anew


def _commit_changes(job: Job, outcome: Outcome, failures: list[Failure]) -> Manifest:
    before = job.manifest
    candidate = replace(
        before,
        parts=outcome.parts,
        roots=outcome.roots,
        next_id=outcome.next_id,
        failures=len(failures),
    )
    failures_known = _known_failures(job.folder) == failures
    if candidate == before and before.generation and before.index and failures_known:
        return before
    candidate = replace(candidate, generation=before.generation + 1)
    if job.rebuild:  # other vectors of the same contents: nothing of the old index can stay
        candidate = replace(candidate, index=None, outdated=None)
    if outcome.interrupted:
        candidate = without_building(job.folder, candidate)
    else:
        candidate = index_parts(job.folder, candidate)
    write_failures(job.folder, failures, candidate.generation)
    return commit(job.folder, candidate)


def _clean(folder: Path, manifest: Manifest) -> None:
    """Delete what no generation needs any more; a file in use is left for the next run."""
    listed = {part.file for part in manifest.parts}
    for path in (folder / EMBEDDINGS).glob("*"):
        if path.name not in listed:
            _unlink(path)
    for path in folder.glob(f"*{TEMPORARY}"):
        _unlink(path)
    in_use = {index.folder for index in (manifest.index, manifest.outdated) if index}
    for path in (folder / BUILT).glob("*"):
        if path.name not in in_use:
            shutil.rmtree(path, ignore_errors=True)


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return
