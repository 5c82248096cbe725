"""A collection of pictures: what the command line and Python programs use."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from simsearch.collection import enrolling, homes
from simsearch.collection.basis import base_manifest, roots_still_there
from simsearch.collection.pictures import (
    decode_pictures,
    embed_pictures,
    read_pictures,
)
from simsearch.config import (
    DEFAULT_PRECISION,
    PROMISED_RECALL,
    DuplicateSearch,
    EncoderSpec,
    KeepRules,
    Selection,
)
from simsearch.encoder.device import choose_target
from simsearch.encoder.runtimes import load_runtime, open_runtime
from simsearch.errors import (
    CollectionDamagedError,
    InputError,
)
from simsearch.images.discover import resolve_folder
from simsearch.records import (
    CheckReport,
    CollectionInfo,
    DuplicatePair,
    Duplicates,
    Failure,
    ImageRecord,
    Neighbor,
    QueryResult,
    SearchTuning,
    SyncReport,
)
from simsearch.store.files import storage_errors
from simsearch.store.lock import writer_lock
from simsearch.store.manifest import FILE as MANIFEST
from simsearch.store.manifest import Manifest, read_manifest

if TYPE_CHECKING:
    import pyarrow as pa

    from simsearch.collection.duplicates.calibration import CopyCalibration
    from simsearch.collection.job import Job
    from simsearch.encoder.runtimes import Runtime
    from simsearch.index.vector_index import VectorIndex
    from simsearch.records.labelled import Identification

PathLike = str | os.PathLike[str]
_log = logging.getLogger("simsearch")
Result = TypeVar("Result")


class Collection:
    """Pictures, their vectors and the index over them, in a folder of `home`.

    Nothing is read before it is needed. Every question is answered from one generation: while
    another process writes, that is the one before.

    Args:
        name: the folder's name.
        home: folder of collections; None is $SIMSEARCH_HOME or `./indexes`.
        device: 'auto', 'cpu', 'cuda' or 'mps', for `add`.
        batch_size: pictures a batch in `add`; None is what suits the device.
    """

    def __init__(
        self,
        name: str,
        home: PathLike | None = None,
        device: str = "auto",
        batch_size: int | None = None,
    ) -> None:
        self.name = homes.check_name(name)
        self.folder = homes.check_home(home) / name
        self._device = device
        self._batch_size = batch_size
        self._indexed: tuple[Manifest, VectorIndex] | None = None
        self._runtimes: dict[tuple[str, str, int | None], Runtime] = {}

    @classmethod
    def open(cls, name: str, home: PathLike | None = None) -> "Collection":
        """Return an existing collection.

        Raises:
            CollectionNotFoundError: there is none of that name.
        """
        place = homes.check_home(home)
        homes.find_collection(place, name)
        return cls(name, place)

    @property
    def manifest(self) -> Manifest:
        """The current generation."""
        return read_manifest(self.folder)

    def add(
        self,
        *folders: PathLike,
        encoder: str | None = None,
        selection: Selection | None = None,
        rebuild: bool = False,
        workers: int | None = None,
        progress: Callable[[int, int], None] = lambda *_: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> SyncReport:
        """Bring the collection in line with folders: embed what is new, drop what is gone.

        Pictures of other folders in the collection are left as they are.

        Args:
            encoder: None is the collection's own, or the default for a new one.
            selection: which files count; pictures that it leaves out are dropped.
            rebuild: embed everything again, whatever is known; needed to change the encoder.
            workers: threads that decode; None is one a core.
            progress: called with (files done, files to do).
            should_stop: asked before each file; True ends the run early, keeping what is done.

        Raises:
            FolderError: a folder does not exist or holds no picture; nothing is changed.
            EncoderMismatchError: the collection holds another encoder's vectors.
            CollectionBusyError: another process is writing.
            StorageError: the system refused to write; the last generation stays.
        """
        started = time.perf_counter()
        if not folders:
            raise InputError("no folder given")
        roots = list(dict.fromkeys(resolve_folder(folder) for folder in folders))
        with writer_lock(self.folder):
            try:
                base = base_manifest(self.folder, encoder, rebuild)
                if rebuild:
                    enrolled = enrolling.roots_with_classes(self.folder)
                    known = [*roots, *roots_still_there(base), *enrolled]
                    roots = list(dict.fromkeys(known))
                job = self._job(base, roots, selection, rebuild, workers, progress, should_stop)
                return self._run(job, started)
            finally:
                # A run that failed before its first part leaves no empty collection behind.
                if not (self.folder / MANIFEST).exists() and not any(self.folder.glob("*/*")):
                    shutil.rmtree(self.folder, ignore_errors=True)

    def query(
        self,
        picture: PathLike,
        k: int = 10,
        min_score: float | None = None,
        include_self: bool = False,
    ) -> list[Neighbor]:
        """Return the `k` nearest files of one picture, best first; see `query_many`."""
        return self.query_many([picture], k, min_score, include_self)[0].neighbors

    def query_many(
        self,
        pictures: Sequence[PathLike],
        k: int = 10,
        min_score: float | None = None,
        include_self: bool = False,
        on_failure: Callable[[Failure], None] | None = None,
    ) -> list[QueryResult]:
        """Return the nearest files of each picture, in one batch.

        Args:
            k: how many files to return for each, fewer where there are fewer.
            min_score: cosine under which a file is not wanted.
            include_self: also return files whose content is the query's own.
            on_failure: takes pictures that can't be read; None raises PictureError for the first.

        Raises:
            InputError: k is not positive.
            PictureError: a picture can't be read.
        """
        if k < 1:
            raise InputError(f"k is {k}; it must be 1 or more")

        def ask(manifest: Manifest) -> list[QueryResult]:
            batch_size = 1 if len(pictures) == 1 else None
            # A query is mostly loading. Imports hold the interpreter, so they come one by one; the
            # encoder is then compiled beside whatever else there is to load.
            load_runtime(choose_target("cpu"))
            with ThreadPoolExecutor(1) as background:
                opening = background.submit(self._runtime, manifest.encoder, "cpu", batch_size)
                from simsearch.search.neighbors import find_neighbors

                decoded = decode_pictures(pictures, manifest.encoder, on_failure)
                first = next(decoded, None)
                if first is None:  # an index that is missing would be built for nothing
                    return []
                index = self._index(manifest)
                queries, vectors = embed_pictures(
                    opening.result(), chain([first], decoded), manifest.encoder.dim, on_failure
                )
            return find_neighbors(
                index,
                lambda ids: self._find(manifest, ids),
                queries,
                vectors,
                k,
                min_score,
                include_self,
            )

        return self._at_one_generation(ask)

    def identify(
        self,
        *pictures: PathLike,
        method: str = "prototypes",
        k: int = 5,
        far: float | None = None,
        threshold: float | None = None,
        on_failure: Callable[[Failure], None] | None = None,
    ) -> "list[Identification]":
        """Return the class of each picture; an indexed picture's class is its parent folder.

        A picture is unknown where the score of its nearest class is under the threshold: the one
        given, else the one at `far`, from how near the collection's pictures come to classes not
        their own. With under 10 classes it is that of the encoder's calibration;
        without one, or with one on very few pairs, every picture gets its nearest class. Indexed
        files with a picture's own content are left out, and copies within a class count once.

        Args:
            method: 'prototypes' compares with the mean of each class, 'knn' lets the nearest
                pictures vote, each with its cosine.
            k: how many vote.
            far: false acceptance rate of the threshold: share of pictures of unknown classes that
                get a name, or, by the encoder's calibration, of pairs of different classes that
                reach it; None is 0.01, or the lowest that the calibration's pairs carry.
            threshold: cosine, -1 to 1, instead.
            on_failure: takes pictures that can't be read; None raises PictureError for the first.

        Raises:
            InputError: an argument is out of range, or there is no threshold at `far`.
            PictureError: a picture can't be read.
        """
        from simsearch.collection.identifying import Settings, identify_pictures
        from simsearch.encoder.calibration import calibration_of

        settings = Settings(method, k, far, threshold)
        settings.check()

        def ask(manifest: Manifest) -> "list[Identification]":
            calibration = calibration_of(manifest.encoder)
            batch_size = 1 if len(pictures) == 1 else None
            decoded = decode_pictures(pictures, manifest.encoder, on_failure)
            runtime = self._runtime(manifest.encoder, "cpu", batch_size)
            keys, vectors = embed_pictures(runtime, decoded, manifest.encoder.dim, on_failure)
            index = self._index(manifest) if method == "knn" else None
            return identify_pictures(
                self.folder, manifest, index, keys, vectors, calibration, settings
            )

        return self._at_one_generation(ask)

    def enrol(self, label: str, *pictures: PathLike) -> list[str]:
        """Make pictures examples of a class, without any training; return their copies' paths.

        They are copied into the collection's folder, to `enrolled/LABEL/`, and indexed there.
        Those that the class has been given before are passed over, with a note.

        Raises:
            InputError: the label can't be a folder's name, or no picture is given.
            PictureError: a picture can't be read; nothing was written.
            CollectionNotFoundError: there is no such collection.
            CollectionBusyError: another process is writing.
            StorageError: the system refused to write; the last generation stays.
        """
        enrolling.check_label(label)
        if not pictures:
            raise InputError(f"no picture given for '{label}'")
        homes.find_collection(self.folder.parent, self.name)
        with writer_lock(self.folder):
            manifest = self.manifest
            read = [(path, data) for path, data, _ in read_pictures(pictures, manifest.encoder)]
            with enrolling.copied(self.folder, label, read) as paths:
                self._run_enrolled(manifest)
        return paths

    def unenrol(self, label: str) -> int:
        """Delete the pictures that were enrolled as a class; return how many there were.

        Pictures of the class in indexed folders stay.

        Raises:
            InputError: the class was never enrolled; the message suggests the nearest.
            CollectionNotFoundError, CollectionBusyError, StorageError: as for `enrol`.
        """
        enrolling.check_label(label)
        homes.find_collection(self.folder.parent, self.name)
        with writer_lock(self.folder):
            place = enrolling.find_class(self.folder, label)
            if enrolling.enrolled_root(self.folder) not in self.manifest.roots:
                # The collection was moved: its rows take the new paths before files go.
                self._run_enrolled(self.manifest)
            count = enrolling.clear(place)
            self._run_enrolled(self.manifest)
            enrolling.drop(place)
        return count

    def duplicates(
        self,
        threshold: float | None = None,
        exact: bool = False,
        similar: bool = False,
        rules: KeepRules | None = None,
        progress: Callable[[int, int], None] = lambda *_: None,
        searching: Callable[[int, int], None] = lambda *_: None,
        precision: float = DEFAULT_PRECISION,
        recheck: bool = True,
    ) -> Duplicates:
        """Return what is there more than once: pairs of files, and their groups.

        The nearest pictures of each picture are looked at again on the pictures themselves, to
        tell edited copies from what is only alike.

        Args:
            threshold: return all pairs whose cosine, -1 to 1, is at least this, and look at none
                again.
            exact: only files with the same bytes.
            similar: also pairs that are alike and no copies, by `collection.duplicates.alike`.
            rules: which file of a group is the best.
            progress: called with (pairs looked at, pairs to look at).
            searching: called with (vectors searched, all vectors) before, if that takes long.
            precision: share of right pairs to expect, over 0 and under 1, by the collection's
                calibration.
            recheck: False tells copies by how far their cosines stand out from what else is near,
                and looks at none again.

        Raises:
            InputError: the threshold or the precision is out of range, or there is no such rule.
        """
        search = asked_for(threshold, exact, similar, rules, precision, recheck)

        def ask(manifest: Manifest) -> Duplicates:
            from simsearch.collection.duplicates.find import find_duplicates

            index = None if exact else self._index(manifest)
            chosen = self._at_precision(search)
            return find_duplicates(self.folder, manifest, index, chosen, progress, searching)

        return self._at_one_generation(ask)

    def calibration(
        self, progress: Callable[[int, int], None] = lambda *_: None, fresh: bool = False
    ) -> "CopyCalibration":
        """Return how precise cuts are on these pictures; it is fitted first where that is missing.

        Altered copies of a sample are looked for in the collection, which takes some seconds, and
        the result is kept. With fewer than 50 pictures that can be altered, or where the
        encoder can't be loaded, it is the one that simsearch ships with.

        Args:
            progress: called with (pairs looked at, pairs to look at).
            fresh: fit it, whatever is kept.

        Raises:
            CollectionNotFoundError: it does not exist.
        """
        from simsearch.collection.duplicates.calibrating import calibration_of

        homes.find_collection(self.folder.parent, self.name)
        return self._at_one_generation(
            lambda manifest: calibration_of(
                self.folder,
                manifest,
                lambda: self._index(manifest),
                lambda: self._runtime(manifest.encoder, self._device),
                progress,
                fresh,
            )
        )

    def holds(self, content_hash: str) -> bool:
        """Tell whether a file of these bytes is indexed; the hash is the SHA-256, hexadecimal."""
        from simsearch.store.reader import read_contents

        return self._at_one_generation(
            lambda manifest: content_hash in read_contents(self.folder, manifest.parts)[1]
        )

    def tell_apart(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Remember pairs of content hashes as no duplicates; return how many were new.

        `duplicates` never lists them again, whatever the files are called later.

        Raises:
            CollectionNotFoundError, CollectionBusyError, StorageError: as for `enrol`.
        """
        from simsearch.collection.duplicates.ledger import remember

        homes.find_collection(self.folder.parent, self.name)
        with writer_lock(self.folder):
            return remember(self.folder, pairs)

    def compare(
        self,
        other: "Collection",
        threshold: float | None = None,
        similar: bool = False,
        progress: Callable[[int, int], None] = lambda *_: None,
        searching: Callable[[int, int], None] = lambda *_: None,
        precision: float = DEFAULT_PRECISION,
        recheck: bool = True,
    ) -> list[DuplicatePair]:
        """Return what of this collection is also in another: leaks from training into test data.

        Args:
            other: a collection of the same encoder.
            threshold, similar, progress, recheck: as for `duplicates`.
            searching: called with (vectors searched, all vectors) before.
            precision: as for `duplicates`, by the calibration of the other collection.

        Returns:
            For each file of this one that is in the other, `a`, its surest match there, `b`.

        Raises:
            InputError: the threshold or the precision is out of range.
            EncoderMismatchError: the other has another encoder's vectors.
        """
        from simsearch.collection.duplicates.comparing import Side, compare_sides

        search = asked_for(threshold, False, similar, None, precision, recheck)

        def ask(mine: Manifest) -> list[DuplicatePair]:
            def ask_other(theirs: Manifest) -> list[DuplicatePair]:
                index = other._index(theirs)
                sides = Side(self.folder, mine), Side(other.folder, theirs)
                chosen = other._at_precision(search)
                return compare_sides(*sides, index, chosen, progress, searching)

            return other._at_one_generation(ask_other)

        return self._at_one_generation(ask)

    def embeddings(self) -> "pa.Table":
        """Return all rows as an Arrow table, `embedding` as fixed_size_list<float16>[dim].

        Raises:
            CollectionDamagedError: a part can't be read.
        """
        from simsearch.store.reader import read_table

        return self._at_one_generation(
            lambda manifest: read_table(self.folder, manifest.parts, manifest.encoder.dim)
        )

    def tune(self, recall: float = PROMISED_RECALL, queries: int = 1000) -> SearchTuning:
        """Measure how hard the index must search to find enough, and keep that for all queries.

        Args:
            recall: share of the ten nearest pictures that a query should get, over 0, up to 1.
            queries: stored pictures that are asked, drawn at random.

        Raises:
            InputError: the recall is out of range.
            CollectionNotFoundError, CollectionBusyError, StorageError: as for `enrol`.
        """
        from simsearch.collection.indexing import tune_index

        if not 0 < recall <= 1:
            raise InputError(f"recall is {recall}; it lies over 0 and is at most 1")
        homes.find_collection(self.folder.parent, self.name)
        with writer_lock(self.folder):
            self._indexed = None
            return tune_index(self.folder, self.manifest, recall, queries)

    def failures(self) -> list[Failure]:
        """Return the files that the last run skipped, and why."""
        from simsearch.store.reader import read_failures

        return read_failures(self.folder)[0] if self.manifest else []

    def info(self) -> CollectionInfo:
        """Return what the manifest says, and the bytes on disk."""
        manifest = self.manifest
        return CollectionInfo(
            name=self.name,
            folder=str(self.folder.absolute()),
            roots=list(manifest.roots),
            images=manifest.images,
            contents=manifest.contents,
            failures=manifest.failures,
            encoder=manifest.encoder.name,
            encoder_digest=manifest.encoder.digest,
            dim=manifest.encoder.dim,
            recipe=manifest.index.recipe if manifest.index else None,
            tuning=self._tuning(manifest),
            bytes=sum(map(_size, self.folder.rglob("*"))),
            generation=manifest.generation,
            updated=manifest.updated,
        )

    def check(self) -> CheckReport:
        """Compare every file with the manifest's digests and counts."""
        from simsearch.collection.checking import check_collection

        while True:
            manifest = self.manifest
            report = check_collection(self.folder, manifest)
            if not report.problems or self.manifest == manifest:
                return report

    def remove(self) -> None:
        """Delete the collection, with the copies that `enrol` made; no other picture.

        Raises:
            CollectionNotFoundError: it does not exist.
            CollectionBusyError: a process is writing to it.
        """
        homes.find_collection(self.folder.parent, self.name)
        with writer_lock(self.folder), storage_errors(self.folder):
            (self.folder / MANIFEST).unlink()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _job(
        self,
        base: Manifest,
        roots: Sequence[str],
        selection: Selection | None = None,
        rebuild: bool = False,
        workers: int | None = None,
        progress: Callable[[int, int], None] = lambda *_: None,
        should_stop: Callable[[], bool] = lambda: False,
        may_be_empty: bool = False,
    ) -> "Job":
        from simsearch.collection.job import Job

        return Job(
            folder=self.folder,
            manifest=base,
            rebuild=rebuild,
            roots=roots,
            selection=selection or Selection(),
            open_runtime=lambda: self._runtime(base.encoder, self._device),
            workers=workers or available_cores(),
            progress=progress,
            should_stop=should_stop,
            may_be_empty=may_be_empty,
        )

    def _run(self, job: "Job", started: float) -> SyncReport:
        from simsearch.collection.committing import finish
        from simsearch.collection.sync import run

        enrolling.sweep(self.folder)
        return finish(job, run(job), started)

    def _run_enrolled(self, manifest: Manifest) -> SyncReport:
        root = enrolling.enrolled_root(self.folder)
        return self._run(self._job(manifest, [root], may_be_empty=True), time.perf_counter())

    def _runtime(self, spec: EncoderSpec, device: str, batch_size: int | None = None) -> "Runtime":
        target = choose_target(device)
        key = (spec.fingerprint, target.device, batch_size)
        if key not in self._runtimes:
            self._runtimes[key] = open_runtime(spec, target, batch_size or self._batch_size)
        return self._runtimes[key]

    def _index(self, manifest: Manifest) -> "VectorIndex":
        from simsearch.collection.indexing import open_index

        if self._indexed is None or self._indexed[0] != manifest:
            self._indexed = manifest, open_index(self.folder, manifest)
        return self._indexed[1]

    def _tuning(self, manifest: Manifest) -> SearchTuning | None:
        from simsearch.index.meta import FOLDER, read_tuning

        try:
            return (
                read_tuning(self.folder / FOLDER / manifest.index.folder)
                if manifest.index
                else None
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None  # `check` tells what is wrong with it

    def _at_precision(self, search: DuplicateSearch) -> DuplicateSearch:
        """Return a search with the cuts that its precision asks for."""
        if search.precision is None:
            return search
        calibration = self.calibration()
        search = replace(
            search,
            certain=calibration.look.cut(search.precision),
            ratio=calibration.ratio.cut(search.precision),
            reach=calibration.reach,
        )
        if not search.similar:
            return search
        from simsearch.collection.duplicates.alike import alike_among

        return replace(search, threshold=alike_among(self.folder, self.manifest))

    def _find(self, manifest: Manifest, ids: Set[int]) -> dict[int, ImageRecord]:
        from simsearch.store.reader import find_records

        return find_records(self.folder, manifest.parts, ids)

    def _at_one_generation(self, ask: Callable[[Manifest], Result]) -> Result:
        """Answer from the current generation, and again if it was replaced meanwhile."""
        while True:
            manifest = self.manifest
            try:
                return ask(manifest)
            except CollectionDamagedError:
                if self.manifest == manifest:
                    raise


def asked_for(
    threshold: float | None,
    exact: bool,
    similar: bool,
    rules: KeepRules | None,
    precision: float,
    recheck: bool,
) -> DuplicateSearch:
    """Return what is asked for; raises InputError for what is no cosine, precision or rule."""
    if not 0 < precision < 1:
        raise InputError(f"precision is {precision}; it lies over 0 and under 1")
    if threshold is not None and not -1 <= threshold <= 1:
        raise InputError(f"threshold is {threshold}; a cosine lies between -1 and 1")
    from simsearch.search.best import check_rules

    rules = rules or KeepRules()
    check_rules(rules)  # before pictures are looked at for minutes
    if exact:
        return DuplicateSearch(recheck=False, threshold=1.0, rules=rules)
    if threshold is not None:
        return DuplicateSearch(recheck=False, threshold=threshold, rules=rules)
    return DuplicateSearch(recheck, similar=similar, precision=precision, rules=rules)


def _size(path: Path) -> int:
    """Return a file's bytes; 0 for a folder, or for a file that a writer has just deleted."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
