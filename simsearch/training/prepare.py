"""What is settled before any time is spent: readable pictures, the split, doubtful labels."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

from simsearch.config import Preprocessing, TrainingConfig
from simsearch.errors import InputError
from simsearch.evaluation.labelled import LabelledPictures
from simsearch.index.device import free_memory
from simsearch.training.augment import makes_copies
from simsearch.training.pictures import PictureSet
from simsearch.training.split import Split, split_by_class
from simsearch.training.suspects import near_identical

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to train, validate and calibrate on.

    Attributes:
        config: with classes_per_batch cut to what there is.
        train, validation, calibration: the decoded pictures of the split's parts.
        notes: what a person should know, one line each.
    """

    config: TrainingConfig
    split: Split
    train: PictureSet
    validation: PictureSet
    calibration: PictureSet
    notes: tuple[str, ...]

    def digest(self) -> str:
        """Return a digest of the paths and labels of all parts."""
        digest = hashlib.sha256()
        for part in (self.split.train, self.split.validation, self.split.calibration):
            names = [part.classes[label] for label in part.labels]
            digest.update(repr((part.paths, names)).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the classes and pictures of each part, by name."""
        parts = {
            "train": self.split.train,
            "validation": self.split.validation,
            "calibration": self.split.calibration,
        }
        return {
            name: {"classes": len(part.classes), "pictures": len(part)}
            for name, part in parts.items()
        }


def prepare(
    pictures: LabelledPictures,
    validation: LabelledPictures | None,
    calibration: LabelledPictures | None,
    config: TrainingConfig,
    preprocessing: Preprocessing,
    workers: int,
    progress: Callable[[int, int], None],
) -> Prepared:
    """Read every picture once, leave out what can't be read, and split by class.

    Raises:
        InputError: too few classes or pictures are left.
    """
    split_by_class(pictures, config.seed, validation, calibration)  # or refuse, before any reading
    sources = {"train": pictures, "validation": validation, "calibration": calibration}
    given = {name: source for name, source in sources.items() if source is not None}
    _refuse_shared_pictures(given)
    notes = _shared_classes(given)
    decoded: dict[str, PictureSet] = {}
    for name, source in given.items():
        whole = name == "train" and makes_copies(config.augment)
        decoded[name], given[name], more = _decode(source, preprocessing, whole, workers, progress)
        notes += more
    split = split_by_class(
        given["train"], config.seed, given.get("validation"), given.get("calibration")
    )
    row_of = {path: row for row, path in enumerate(given["train"].paths)}

    def part(name: str, of: LabelledPictures) -> PictureSet:
        if name != "train" and name in decoded:
            return decoded[name]
        return decoded["train"].subset([row_of[path] for path in of.paths])

    if not makes_copies(config.augment):
        notes += _single(split)
    notes += _suspects(decoded["train"], given["train"], workers)
    classes = len(split.train.classes)
    if classes < config.classes_per_batch:
        notes.append(f"{classes} classes to train on: a batch has all of them, not more")
        config = replace(config, classes_per_batch=classes)
    return Prepared(
        config=config,
        split=split,
        train=part("train", split.train),
        validation=part("validation", split.validation),
        calibration=part("calibration", split.calibration),
        notes=tuple(notes),
    )


def _decode(
    pictures: LabelledPictures,
    preprocessing: Preprocessing,
    proportions: bool,
    workers: int,
    progress: Callable[[int, int], None],
) -> tuple[PictureSet, LabelledPictures, list[str]]:
    """Return the pictures that can be read, decoded and labelled, and notes."""
    decoded = PictureSet(pictures.paths, preprocessing, free_memory(), proportions)
    notes: list[str] = []
    failures = list(decoded.check(workers, progress))
    if failures:
        first = failures[0]
        notes.append(
            f"{len(failures)} of {len(pictures)} pictures left out: they can't be read; "
            f"the first: '{first.path}' ({first.kind}: {first.message})"
        )
        bad = {failure.path for failure in failures}
        rows = [row for row, path in enumerate(pictures.paths) if path not in bad]
        if not rows:
            raise InputError(f"none of the pictures can be read; {notes[-1]}")
        kept = pictures.take(rows)
        lost = sorted(set(pictures.classes) - set(kept.classes))
        if lost:
            notes.append(f"{len(lost)} classes have no readable picture, the first: '{lost[0]}'")
        return decoded.subset(rows), kept, notes
    return decoded, pictures, notes


def _refuse_shared_pictures(given: dict[str, LabelledPictures]) -> None:
    for one, other in combinations(given, 2):
        shared = set(given[one].paths) & set(given[other].paths)
        if shared:
            raise InputError(
                f"{len(shared)} pictures are there for both {one} and {other}, the first: "
                f"'{min(shared)}'; give each a folder of its own"
            )


def _shared_classes(given: dict[str, LabelledPictures]) -> list[str]:
    notes = []
    for name in list(given)[1:]:
        shared = set(given["train"].classes) & set(given[name].classes)
        if shared:
            count = f"{len(shared)} classes for {name} are trained on, too"
            notes.append(
                f"{count}, the first: '{min(shared)}'; "
                "what is measured on them says little of new classes"
            )
    return notes


def _single(split: Split) -> list[str]:
    if not split.single:
        return []
    return [f"{split.single} classes have one picture: they are trained on as negatives only"]


def _suspects(decoded: PictureSet, pictures: LabelledPictures, workers: int) -> list[str]:
    """Describe the near-identical pictures under different labels."""
    found = near_identical(decoded, pictures.labels, workers)
    if not found:
        return []
    names = [f"'{pictures.paths[a]}' and '{pictures.paths[b]}'" for a, b, _ in found[:_SHOWN]]
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    count = f"{len(found)} pairs of near-identical pictures have different labels"
    return [f"{count}, which teaches the wrong thing; check them: {'; '.join(names)}{more}"]
