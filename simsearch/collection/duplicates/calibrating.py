"""Fits a collection's calibration: altered copies of a sample are looked for in it.

Each sampled picture and each of its copies asks for its nearest pictures, as a search for
duplicates does. A copy and what it was made of are a true pair; all others are taken as false, but
those of two pictures that the second look is sure of, as they are or by an altered copy of either:
a collection may have duplicates already.
"""

import itertools
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from simsearch.collection.duplicates.calibration import (
    CopyCalibration,
    read_calibration,
    shipped,
    write_calibration,
)
from simsearch.collection.duplicates.copies import LOWEST, NEAREST
from simsearch.collection.duplicates.second_look import look_again
from simsearch.collection.duplicates.stored_vectors import StoredVectors
from simsearch.collection.pictures import decode_pictures, embed_pictures
from simsearch.errors import DeviceError, EncoderError, PictureError, StorageError
from simsearch.images.alterations import COLLAGE, KINDS, STRENGTHS
from simsearch.images.altered_files import open_original, write_altered
from simsearch.images.facts import is_plain
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.local.verdict import log_odds
from simsearch.search.crowds import AMONG, MISSING, crowding, crowding_of_found, ratios, without
from simsearch.search.precision import PrecisionCurve
from simsearch.store.manifest import Manifest
from simsearch.store.reader import find_records, read_contents
from simsearch.store.schema import Half

if TYPE_CHECKING:
    from simsearch.encoder.runtimes import Runtime

FEWEST = 50  # pictures that can be altered; fewer say too little
_SAMPLE = 100
_COPIES = 2  # of each
_OTHERS = 3  # of the nearest, beside the right one, that are looked at
_FEWEST_FALSE = 20  # pairs that are only alike; the tail of fewer is nobody's
_EVEN = 0.0  # log-odds: what is more likely none is no copy, however rare it is
_SURE = 2.0  # log-odds from which a pair that should be false is a duplicate that was there before
_AS_FAR = 0.0  # as the crowd; that is no copy
_SHARE = 0.1  # of the pictures that have a copy, which a precision is stated for
_SEED = 0
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Progress = Callable[[int, int], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pictures:
    """What can be sampled and asked.

    Attributes:
        size: distinct pictures, at positions 0..size-1.
        encoder: fingerprint of the encoder of their vectors.
        search: takes float32 [q, dim] and k; gives (cosines [q, k], positions [q, k]), best first.
        vectors: gives those of positions that ascend, float16 or float32 [n, dim].
        paths: gives files of positions.
        embed: gives the unit vectors of files that can be read, float32 [files, dim].
    """

    size: int
    encoder: str
    search: Callable[[Vectors, int], tuple[Vectors, Ids]]
    vectors: Callable[[Ids], Vectors | Half]
    paths: Callable[[Sequence[int]], Sequence[str]]
    embed: Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Pairs that were met: arrays of one length.

    Attributes:
        files: (a picture of the collection, what asked for it).
        cosines: float64.
        beside: float32, `crowding` of (the picture of the collection, what asked for it).
        true: bool; a copy and what it was made of.
        ties: int64 [2, pairs], positions; what asked, or what that was made of, and what was found.
        weights: float64; pairs that a false one stands for, for each true one.
    """

    files: list[tuple[str, str]]
    cosines: Floats
    beside: tuple[Vectors, Vectors]
    true: Flags
    ties: Ids
    weights: Floats


def calibration_of(
    folder: Path,
    manifest: Manifest,
    index: Callable[[], VectorIndex],
    runtime: Callable[[], "Runtime"],
    progress: Progress,
    fresh: bool,
) -> CopyCalibration:
    """Return the kept calibration of a collection, or a new one, or that of photographs in general.

    Args:
        index, runtime: open what only a new one needs.
        progress: called with (pairs looked at, pairs to look at).
        fresh: fit it, whatever is kept.
    """
    ours = manifest.encoder.fingerprint
    kept = None if fresh else read_calibration(folder)
    if kept is not None and kept.fits(ours, manifest.contents):
        return kept
    if manifest.contents < FEWEST:
        return shipped(ours)
    try:
        fitted = calibrate(_pictures(folder, manifest, index(), runtime()), progress)
    except (EncoderError, DeviceError) as error:
        _log.warning("not calibrated on these pictures: %s", error)
        return shipped(ours)
    if fitted is None:  # kept, or it would be found out again each time
        fitted = replace(shipped(ours), encoder=ours, contents=manifest.contents)
    try:
        write_calibration(folder, fitted)
    except StorageError as error:
        _log.warning("the calibration is not kept: %s", error)
    return fitted


def _pictures(
    folder: Path, manifest: Manifest, index: VectorIndex, runtime: "Runtime"
) -> "Pictures":
    def paths(positions: Sequence[int]) -> list[str]:
        ids = [int(index.rows_at(position)[0]) for position in positions]
        records = find_records(folder, manifest.parts, set(ids))
        return [records[id_].full_path for id_ in ids]

    def embed(files: Sequence[str]) -> Vectors:
        decoded = decode_pictures(files, manifest.encoder)
        return embed_pictures(runtime, decoded, manifest.encoder.dim)[1]

    def vectors(positions: Ids) -> Half:
        contents, _ = read_contents(folder, manifest.parts)
        return StoredVectors(folder, manifest, contents, index).at(positions)

    return Pictures(index.size, manifest.encoder.fingerprint, index.search, vectors, paths, embed)


def calibrate(pictures: Pictures, progress: Progress) -> CopyCalibration | None:
    """Fit a calibration; None where fewer than `FEWEST` pictures can be altered, or all are alike.

    Args:
        progress: called with (pairs looked at, pairs to look at).
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        sample, copies = _altered(pictures, Path(scratch))
        if len(sample) < FEWEST:
            return None
        asked = _ask(pictures, sample, copies)
        looks = list(look_again(asked.files, progress))
    odds = np.array([-np.inf if look is None else log_odds(look) for look in looks])
    true, false = asked.true, ~asked.true & np.isfinite(odds) & ~_of_duplicates(asked, odds)
    wrong = false & (odds < 0)
    if wrong.sum() < _FEWEST_FALSE:
        return None
    cosine = PrecisionCurve.fit(
        asked.cosines[true], len(copies), asked.cosines[wrong], asked.weights[wrong], LOWEST
    )
    times = ratios(asked.cosines, *asked.beside, cosine.start)
    return CopyCalibration(
        encoder=pictures.encoder,
        contents=pictures.size,
        sample=len(sample),
        seconds=round(time.perf_counter() - started, 1),
        look=PrecisionCurve.fit(
            odds[true], len(copies), odds[false], asked.weights[false], _EVEN, _SURE
        ),
        cosine=cosine,
        ratio=PrecisionCurve.fit(
            times[true], len(copies), times[wrong], asked.weights[wrong], _AS_FAR
        ),
    )


def _of_duplicates(asked: _Asked, odds: Floats) -> Flags:
    """Tell which pairs are of pictures that the second look is sure of, by any of their pairs.

    Of two edits of one picture it may be less sure than of either and the picture itself.

    Args:
        odds: float64 [pairs], of the second look.
    """
    ties = list(zip(*asked.ties.tolist(), strict=True))
    sure = set(itertools.compress(ties, odds >= _SURE))
    return np.array([tie in sure for tie in ties], np.bool_)


def _altered(pictures: Pictures, scratch: Path) -> tuple[list[tuple[int, str]], list[str]]:
    """Return (position, file) of sampled pictures, and their copies, those of each together.

    What can't be read, or has nothing in it to tell a copy by, is passed over.
    """
    generator = np.random.default_rng(_SEED)
    edits = [(kind, strength) for kind in KINDS if kind != COLLAGE for strength in range(STRENGTHS)]
    order = generator.permutation(len(edits)).tolist()
    drawn = generator.permutation(pictures.size)[: 3 * _SAMPLE].tolist()
    sample: list[tuple[int, str]] = []
    copies: list[str] = []
    for position, file in zip(drawn, pictures.paths(drawn), strict=True):
        if len(sample) == _SAMPLE:
            break
        try:
            image = open_original(file)
        except PictureError:
            continue
        if is_plain(image):
            continue
        sample.append((position, file))
        for _ in range(_COPIES):
            kind, strength = edits[order[len(copies) % len(edits)]]
            stem = scratch / f"{len(copies):04}"
            copies.append(write_altered(image, kind, strength, generator, stem))
    return sample, copies


def _ask(pictures: Pictures, sample: Sequence[tuple[int, str]], copies: Sequence[str]) -> _Asked:
    originals = np.array([position for position, _ in sample], np.int64)
    vectors = pictures.embed([*(file for _, file in sample), *copies])
    sources = np.concatenate([originals, np.repeat(originals, _COPIES)])
    nearest, neighbours = pictures.search(vectors, AMONG + 1)
    cosines, found = nearest[:, : NEAREST + 1], neighbours[:, : NEAREST + 1]

    own = found == sources[:, None]
    copied = np.arange(len(vectors)) >= len(sample)
    wanted = (found >= 0) & (cosines >= LOWEST)
    true = own & wanted & copied[:, None]
    # Ranks among the others: the one that was asked for does not count.
    ranks = np.cumsum(~own, axis=1)
    others = ~own & wanted & (ranks <= _OTHERS)
    rows, columns = np.nonzero(true | others)

    askers = [*(file for _, file in sample), *copies]
    places = found[rows, columns].tolist()
    unique = sorted(set(places))
    names = dict(zip(unique, pictures.paths(unique), strict=True))
    around = crowding(without(nearest, neighbours, np.where(copied, -1, sources)), LOWEST)
    guests = np.where(copied[rows], cosines[rows, columns], np.float32(MISSING))
    beside = crowding_of_found(
        found[rows, columns], guests, pictures.vectors, pictures.search, LOWEST
    )
    # For each copy there are 1 / _SHARE originals, whose pairs are met twice, from either side.
    weights = np.where(copied[rows], 1 / len(copies), 1 / (2 * _SHARE * len(sample)))
    return _Asked(
        [(names[place], askers[row]) for place, row in zip(places, rows.tolist(), strict=True)],
        np.minimum(cosines[rows, columns].astype(np.float64), 1.0),
        (beside, around[rows]),
        true[rows, columns],
        np.stack([sources[rows], found[rows, columns]]),
        weights,
    )
