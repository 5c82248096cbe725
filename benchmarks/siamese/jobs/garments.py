"""Pairs of Fashion-MNIST garments: ten classes in training and test, and classes held out."""

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.siamese.protocol import Figures, Fold, Measure, Vectors, shuffled
from simsearch.evaluation.labelled import LabelledPictures, label_pictures
from simsearch.metrics import accuracy_at, eer
from simsearch.records.labelled import Calibration

_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
_HELD_OUT = 3
_PAIRS = 20_000
_ASIDE = 2_000  # training pictures, half to validate on and half to calibrate on
_LEARNED = 20_000  # of the 60,000, for the sake of time
_HALF = 1 - 0.5**2 / 2  # cosine of unit vectors that are 0.5 apart: the cut of the classic tutorial


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Return the array of an IDX file, gzipped or not (format: yann.lecun.com/exdb/mnist)."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as stream:
        data = stream.read()
    if data[:3] != b"\x00\x00\x08":
        raise ValueError(f"'{path}' is no IDX file of bytes")
    shape = np.frombuffer(data, ">i4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def folds(data: Path, work: Path, seed: int) -> list[Fold]:
    """Make two folds: all ten classes in both parts, and three classes only in the test.

    All classes of a fold's training part are trained on; pictures of the same classes that were
    set aside are validated and calibrated on.
    """
    train, train_names = _pictures(data, work, "train")
    test, test_names = _pictures(data, work, "test")
    unseen = set(shuffled(train_names, seed)[:_HELD_OUT])
    held = [row for row, name in enumerate(test_names) if name in unseen]
    parts = [train[_ASIDE:][:_LEARNED], train[: _ASIDE // 2], train[_ASIDE // 2 : _ASIDE]]
    names = [
        train_names[_ASIDE:][:_LEARNED],
        train_names[: _ASIDE // 2],
        train_names[_ASIDE // 2 : _ASIDE],
    ]
    made = []
    for name, left_out in (("ten classes", set()), ("three classes held out", unseen)):
        learned, validation, calibration = (
            _without(paths, labels, left_out) for paths, labels in zip(parts, names, strict=True)
        )
        measured = _measure([test_names[row] for row in held], seed, "held_out_")
        files = [test[row] for row in held]
        if not left_out:
            measured, files = _measure(test_names, seed, ""), test
        made.append(Fold(name, learned, files, measured, validation, calibration))
    return made


def _without(paths: list[str], names: list[str], left_out: set[str]) -> LabelledPictures:
    rows = [row for row, name in enumerate(names) if name not in left_out]
    return label_pictures([paths[row] for row in rows], [names[row] for row in rows])


def _pictures(data: Path, work: Path, part: str) -> tuple[list[str], list[str]]:
    """Write a part's pictures as PNG files once; return paths and names of classes."""
    pixels, labels = (read_idx(data / name) for name in _FILES[part])
    paths = []
    for row, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        path = work / part / str(label) / f"{row:05d}.png"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
        paths.append(str(path))
    return paths, [str(label) for label in labels]


def _measure(names: list[str], seed: int, prefix: str) -> Measure:
    classes, labels = np.unique(names, return_inverse=True)
    draw = np.random.default_rng([seed, 10])
    members = [np.flatnonzero(labels == c) for c in range(len(classes))]
    same = np.array(
        [draw.choice(members[draw.integers(len(classes))], 2, replace=False) for _ in range(_PAIRS)]
    )
    different = np.array(
        [
            [draw.choice(members[c]) for c in draw.choice(len(classes), 2, replace=False)]
            for _ in range(_PAIRS)
        ]
    )

    def measure(vectors: Vectors, calibration: Calibration | None) -> Figures:
        same_scores, different_scores = (
            np.einsum("nd,nd->n", vectors[pairs[:, 0]], vectors[pairs[:, 1]])
            for pairs in (same, different)
        )
        figures = {
            "accuracy_at_half": accuracy_at(same_scores, different_scores, _HALF),
            "eer": eer(same_scores, different_scores),
            "naming_accuracy": _naming_accuracy(vectors, labels),
        }
        if calibration is not None:
            cut = -calibration.intercept / calibration.slope
            figures["accuracy_at_calibrated"] = accuracy_at(same_scores, different_scores, cut)
        return {prefix + name: value for name, value in figures.items()}

    return measure


def _naming_accuracy(vectors: Vectors, labels: npt.NDArray[np.int64]) -> float:
    """Return the share of every second picture that the nearest class mean of the others names."""
    known, asked = slice(0, None, 2), slice(1, None, 2)
    means = np.stack([vectors[known][labels[known] == c].mean(axis=0) for c in np.unique(labels)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    named = (vectors[asked] @ means.T).argmax(axis=1)
    return float((named == labels[asked]).mean())
