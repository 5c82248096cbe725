"""Drawn glyphs to train on, a network small enough for it, and someone to tell."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from simsearch.config import Preprocessing, TrainingConfig
from simsearch.evaluation.labelled import LabelledPictures, read_labelled
from simsearch.training.objective import BatchStats
from simsearch.training.pictures import PictureSet

# Random weights, 32 x 32 pixels: a training of a few epochs takes a second.
TINY = TrainingConfig(
    backbone="timm/test_resnet",
    weights="none",
    size=32,
    dim=16,
    augment="glyph",
    mining="batch_hard",
    classes_per_batch=4,
    pictures_per_class=4,
    epochs=2,
)
PREPROCESSING = Preprocessing(size=32, crop_fraction=1.0)


def glyph(number: int, hand: int, side: int = 48) -> Image.Image:
    """Return character `number` as person `hand` writes it: a few strokes, black on white."""
    points = np.random.default_rng([number, 0]).uniform(0.12, 0.88, (3, 4, 2))
    draw = np.random.default_rng([number, 1, hand])
    written = points + draw.normal(0, 0.025, points.shape) + draw.normal(0, 0.03, 2)
    image = Image.new("RGB", (side * 2, side * 2), "white")
    pen = ImageDraw.Draw(image)
    for stroke in written * side * 2:
        pen.line([(float(x), float(y)) for x, y in stroke], "black", side // 6, joint="curve")
    return image.resize((side, side))


def write_glyphs(folder: Path, classes: int, hands: int, first: int = 0) -> Path:
    """Write a folder a character, a file a hand; return the folder."""
    for number in range(first, first + classes):
        (folder / f"glyph{number:02d}").mkdir(parents=True)
        for hand in range(hands):
            glyph(number, hand).save(folder / f"glyph{number:02d}" / f"{hand}.png")
    return folder


class Witness:
    """Keeps what training tells; asks to stop after so many batches."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.notes: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.batches: list[tuple[int, BatchStats]] = []
        self.counts: dict[str, dict[str, int]] = {}
        self.read = (0, 0)
        self._stop_after = stop_after

    def reading(self, done: int, total: int) -> None:
        self.read = (done, total)

    def split(self, counts: dict[str, dict[str, int]]) -> None:
        self.counts = counts

    def batch(
        self,
        epoch: int,
        step: int,  # noqa: ARG002 - the signature of watchers
        steps: int,  # noqa: ARG002
        stats: BatchStats,
        rate: float,  # noqa: ARG002
    ) -> None:
        self.batches.append((epoch, stats))

    def epoch(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def should_stop(self) -> bool:
        """Say whether enough batches were seen."""
        return self._stop_after is not None and len(self.batches) >= self._stop_after


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Compute in one thread: waiting for each other costs a tiny network's threads most."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def glyph_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 14 characters by six hands, not to be changed."""
    return write_glyphs(tmp_path_factory.mktemp("glyphs") / "glyphs", 14, 6)


@pytest.fixture(scope="session")
def glyphs(glyph_folder: Path) -> LabelledPictures:
    """Return the labelled pictures of `glyph_folder`."""
    return read_labelled(glyph_folder)


@pytest.fixture
def own_glyphs(glyph_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of `glyph_folder` that the test may change."""
    return Path(shutil.copytree(glyph_folder, tmp_path / "glyphs"))


def picture_set(paths: tuple[str, ...], preprocessing: Preprocessing = PREPROCESSING) -> PictureSet:
    """Return pictures that all fit into memory."""
    return PictureSet(paths, preprocessing, memory=1 << 32)


def changed(**settings: Any) -> TrainingConfig:
    """Return the tiny settings with some of them changed."""
    return replace(TINY, **settings)
