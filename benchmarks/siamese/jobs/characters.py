"""Omniglot characters of alphabets that were not trained on, from its two small background sets."""

import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.siamese.protocol import Figures, Fold, Measure, Vectors
from simsearch.evaluation.labelled import LabelledPictures, label_pictures, read_labelled
from simsearch.metrics import accuracy_at, eer
from simsearch.records.labelled import Calibration

Integers = npt.NDArray[np.int64]
_SETS = ("images_background_small1", "images_background_small2")
_WAYS = 20
_RUNS = 400
_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
_MIRROR = Image.Transpose.FLIP_LEFT_RIGHT
_VALIDATED = 5  # one character of so many


def folds(data: Path, work: Path, seed: int) -> list[Fold]:
    """Train on one small set and measure on the other, and the reverse; `data` holds both zips.

    Alphabets that are in both sets (Greek, Latin) are measured on in neither. The epoch is chosen
    on mirrored characters of the set that is trained on.
    """
    sets = [_unpacked(data, work, name) for name in _SETS]
    alphabets = [{name.split("/")[0] for name in pictures.classes} for pictures in sets]
    made = []
    for k, pictures in enumerate(sets):
        changed = work / "changed" / _SETS[k]
        train = _together(pictures, _changed(pictures, changed, *_TURNS))
        some = pictures.take(np.flatnonzero(pictures.labels % _VALIDATED == 0).tolist())
        validation = _changed(some, changed, _MIRROR)
        test = _unseen(sets[1 - k], alphabets[k], seed)
        made.append(Fold(f"{_SETS[k]} to {_SETS[1 - k]}", train, *test, validation))
    return made


def _unpacked(data: Path, work: Path, name: str) -> LabelledPictures:
    if not (work / name).is_dir():
        with zipfile.ZipFile(data / f"{name}.zip") as archive:
            archive.extractall(work)
    return read_labelled(work / name)


def _changed(
    pictures: LabelledPictures, folder: Path, *changes: Image.Transpose
) -> LabelledPictures:
    """Return each character turned or mirrored, as a class of its own (Santoro et al. 2016)."""
    paths, names = [], []
    for change in changes:
        for path, label in zip(pictures.paths, pictures.labels, strict=True):
            name = f"{pictures.classes[label]}/{change.name.lower()}"
            changed = folder / name / Path(path).name
            if not changed.is_file():
                changed.parent.mkdir(parents=True, exist_ok=True)
                Image.open(path).transpose(change).save(changed)
            paths.append(str(changed))
            names.append(name)
    return label_pictures(paths, names)


def _together(one: LabelledPictures, other: LabelledPictures) -> LabelledPictures:
    names = [part.classes[label] for part in (one, other) for label in part.labels]
    return label_pictures([*one.paths, *other.paths], names)


def _unseen(
    pictures: LabelledPictures, known: set[str], seed: int
) -> tuple[tuple[str, ...], Measure]:
    names = [pictures.classes[label] for label in pictures.labels]
    rows = [row for row, name in enumerate(names) if name.split("/")[0] not in known]
    test = label_pictures([pictures.paths[row] for row in rows], [names[row] for row in rows])
    names_of = [test.classes[label].split("/")[0] for label in test.labels]
    alphabet = np.unique(names_of, return_inverse=True)[1]
    drawer = np.array([int(Path(path).stem.rsplit("_", 1)[1]) for path in test.paths])

    def measure(vectors: Vectors, calibration: Calibration | None) -> Figures:
        same, different = _pairs_within(vectors, test.labels, alphabet)
        _, from_any = _pairs_within(vectors, test.labels, np.zeros_like(alphabet))
        cut = 0.5 if calibration is None else -calibration.intercept / calibration.slope
        return {
            "error": _twenty_way(vectors, test.labels, alphabet, drawer, seed),
            "verification_accuracy": accuracy_at(same, different, cut),
            "verification_accuracy_any_alphabet": accuracy_at(same, from_any, cut),
            "eer": eer(same, different),
        }

    return test.paths, measure


def _twenty_way(
    vectors: Vectors, labels: Integers, alphabet: Integers, drawer: Integers, seed: int
) -> float:
    """Return the error of 20-way 1-shot in an alphabet, two drawers a run (Lake et al. 2015)."""
    draw = np.random.default_rng([seed, 9])
    wrong = total = 0
    for name in np.unique(alphabet):
        characters = np.unique(labels[alphabet == name])
        for _ in range(_RUNS):
            chosen = draw.choice(characters, min(_WAYS, len(characters)), replace=False)
            first, second = draw.choice(np.unique(drawer), 2, replace=False)
            rows = [
                [int(np.flatnonzero((labels == c) & (drawer == person))[0]) for c in chosen]
                for person in (first, second)
            ]
            named = (vectors[rows[1]] @ vectors[rows[0]].T).argmax(axis=1)
            wrong += int((named != np.arange(len(chosen))).sum())
            total += len(chosen)
    return wrong / total


def _pairs_within(
    vectors: Vectors, labels: Integers, alphabet: Integers
) -> tuple[Vectors, Vectors]:
    """Return the cosines of all same and different pairs inside the alphabets."""
    scores = vectors @ vectors.T
    upper = np.triu(np.ones(scores.shape, bool), 1) & (alphabet[:, None] == alphabet[None, :])
    same = labels[:, None] == labels[None, :]
    return scores[upper & same], scores[upper & ~same]
