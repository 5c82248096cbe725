"""Embed the files whose content is new; note what became of all others that were read."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from simsearch.collection.examining import Examined, examine_all
from simsearch.collection.job import Job
from simsearch.collection.rows import RunState
from simsearch.encoder.embed import embed
from simsearch.encoder.runtimes import Pixels
from simsearch.images.decode import Picture
from simsearch.records import FoundFile, ImageRecord
from simsearch.store.writer import PartWriter


def embed_new(job: Job, state: RunState, todo: list[FoundFile], writer: PartWriter) -> None:
    """Read all files and write the rows of new content; copies are left in the state.

    Raises:
        StorageError: a part could not be written.
    """
    pictures = _new_pictures(job, state, todo)
    if todo:
        job.progress(0, len(todo))  # a sign of life: opening the encoder may take long
    first = next(pictures, None)
    if first is None:
        return
    for record, vector in embed(job.open_runtime(), chain([first], pictures)):
        half = vector.astype(np.float16)
        if np.isfinite(half).all():
            writer.add(record, half)
            updated = record.full_path in state.rows
            state.counts.updated += updated
            state.counts.new += not updated
        else:
            del state.embedded[record.content_hash]
            state.fail_without_vector(record)
    writer.flush()


def _new_pictures(
    job: Job, state: RunState, todo: list[FoundFile]
) -> Iterator[tuple[ImageRecord, Pixels]]:
    """Yield the pictures whose content is not known yet; note everything else in the state."""

    def known(digest: str) -> bool:
        return digest in state.by_hash or digest in state.embedded

    files = _until_stopped(job, state, todo)
    all_examined = examine_all(files, job.manifest.encoder.preprocessing, known, job.workers)
    for done, examined in enumerate(all_examined, start=1):
        fresh = _classify(state, examined)
        state.examined = done
        if fresh is not None:
            yield fresh
        job.progress(done, len(todo))


def _until_stopped(job: Job, state: RunState, todo: list[FoundFile]) -> Iterator[FoundFile]:
    for file in todo:
        if job.should_stop():
            state.interrupted = True
            return
        yield file


def _classify(state: RunState, examined: Examined) -> tuple[ImageRecord, Pixels] | None:
    """Note what became of a file; return what is to be embedded, if anything."""
    file, row = examined.file, state.rows.get(examined.file.full_path)
    if examined.failure is not None:
        state.failures.append(examined.failure)
        if row is not None:
            state.drop(row)
        return None
    if row is not None and row.record.content_hash == examined.hash:
        state.change(row, replace(row.record, size=file.size, mtime_ns=file.mtime_ns))
        return None
    picture = examined.picture
    if picture is None or examined.hash in state.embedded:
        state.copies.append(examined)
        return None
    if row is None:
        identity = state.take_id(file.full_path)
    else:
        identity = row.record.id
        state.drop(row)
    record = _record(identity, file, examined.hash, picture)
    state.embedded[examined.hash] = record
    return record, picture.pixels


def _record(identity: int, file: FoundFile, digest: str, picture: Picture) -> ImageRecord:
    return ImageRecord(
        id=identity,
        path=file.path,
        root=file.root,
        content_hash=digest,
        size=file.size,
        mtime_ns=file.mtime_ns,
        width=picture.width,
        height=picture.height,
        format=picture.format,
    )
