"""What is found before any time is spent on training."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simsearch.config import TrainingConfig
from simsearch.errors import InputError
from simsearch.evaluation.labelled import LabelledPictures, read_labelled
from simsearch.training.prepare import Prepared, prepare
from tests.training.conftest import PREPROCESSING, TINY, glyph, write_glyphs


def prepared(
    pictures: LabelledPictures,
    validation: LabelledPictures | None = None,
    config: TrainingConfig = TINY,
    progress: Any = lambda *_: None,
) -> Prepared:
    return prepare(pictures, validation, None, config, PREPROCESSING, 2, progress)


def test_sound_pictures_need_no_note(glyphs: LabelledPictures) -> None:
    seen: list[tuple[int, int]] = []
    found = prepared(glyphs, progress=lambda *done: seen.append(done))
    assert found.notes == ()
    assert found.config == TINY
    assert seen == [(done, 84) for done in range(1, 85)]
    assert found.counts() == {
        "train": {"classes": 10, "pictures": 60},
        "validation": {"classes": 2, "pictures": 12},
        "calibration": {"classes": 2, "pictures": 12},
    }
    pairs = [
        (found.train, found.split.train),
        (found.validation, found.split.validation),
        (found.calibration, found.split.calibration),
    ]
    for decoded, labelled in pairs:
        assert decoded.paths == labelled.paths


def test_decoded_pictures_belong_to_their_paths(glyphs: LabelledPictures) -> None:
    found = prepared(glyphs)
    for decoded in (found.train, found.validation, found.calibration):
        for row in range(0, len(decoded), 5):
            path = Path(decoded.paths[row])
            drawn = glyph(int(path.parent.name.removeprefix("glyph")), int(path.stem), 48)
            expected = np.asarray(drawn.resize((32, 32)), np.float64)
            assert np.abs(decoded.view(row) - expected).mean() < 3


def test_unreadable_pictures_are_counted_and_left_out(own_glyphs: Path) -> None:
    (own_glyphs / "glyph03" / "2.png").write_bytes(b"")
    (own_glyphs / "glyph05" / "0.png").write_bytes(b"no picture")
    found = prepared(read_labelled(own_glyphs))
    (note,) = found.notes
    assert "2 of 84 pictures left out" in note
    assert "glyph03/2.png' (empty:" in note
    paths = [path for part in ("train", "validation", "calibration")
             for path in getattr(found, part).paths]  # fmt: skip
    assert len(paths) == len(set(paths)) == 82
    assert not any(path.endswith(("glyph03/2.png", "glyph05/0.png")) for path in paths)


def test_classes_that_lose_their_pictures_count_no_more(own_glyphs: Path) -> None:
    for hand in range(1, 6):
        (own_glyphs / "glyph00" / f"{hand}.png").write_bytes(b"")
    for hand in range(6):
        (own_glyphs / "glyph01" / f"{hand}.png").write_bytes(b"")
    found = prepared(read_labelled(own_glyphs))
    assert found.split.single == 1
    assert "glyph00" in found.split.train.classes
    assert sum(part["classes"] for part in found.counts().values()) == 13
    assert any("1 classes have one picture" in note for note in found.notes)


def test_nothing_readable(tmp_path: Path) -> None:
    write_glyphs(tmp_path / "glyphs", 6, 2)
    for path in (tmp_path / "glyphs").rglob("*.png"):
        path.write_bytes(b"no picture")
    with pytest.raises(InputError, match="none of the pictures can be read; 12 of 12"):
        prepared(read_labelled(tmp_path / "glyphs"))


def test_too_few_classes_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    pictures = read_labelled(write_glyphs(tmp_path / "glyphs", 5, 3))
    read: list[Any] = []
    with pytest.raises(InputError, match="5 of 5 classes"):
        prepared(pictures, progress=lambda *done: read.append(done))
    assert read == []


def test_near_identical_pictures_under_different_labels_are_named(own_glyphs: Path) -> None:
    shutil.copyfile(own_glyphs / "glyph00" / "0.png", own_glyphs / "glyph07" / "copy.png")
    (note,) = prepared(read_labelled(own_glyphs)).notes
    assert note.startswith("1 pairs of near-identical pictures have different labels")
    assert "glyph00/0.png' and '" in note
    assert note.endswith("glyph07/copy.png'")


def test_only_some_suspects_are_named(own_glyphs: Path) -> None:
    for hand in range(6):
        shutil.copyfile(
            own_glyphs / "glyph00" / f"{hand}.png", own_glyphs / "glyph07" / f"copy{hand}.png"
        )
    shutil.copyfile(own_glyphs / "glyph01" / "0.png", own_glyphs / "glyph08" / "copy.png")
    (note,) = prepared(read_labelled(own_glyphs)).notes
    assert note.startswith("7 pairs")
    assert note.count("' and '") == 5
    assert note.endswith(", and 2 more")


def test_classes_of_one_picture_are_counted_and_trained_on(own_glyphs: Path) -> None:
    for number in (20, 21):
        (own_glyphs / f"glyph{number}").mkdir()
        glyph(number, 0).save(own_glyphs / f"glyph{number}" / "0.png")
    found = prepared(read_labelled(own_glyphs))
    assert found.notes == ("2 classes have one picture: they are trained on as negatives only",)
    assert {"glyph20", "glyph21"} <= set(found.split.train.classes)


def test_p_is_cut_to_the_classes_that_there_are(tmp_path: Path) -> None:
    pictures = read_labelled(write_glyphs(tmp_path / "glyphs", 7, 3))
    found = prepared(pictures)
    assert found.notes == ("3 classes to train on: a batch has all of them, not more",)
    assert found.config.classes_per_batch == 3


def test_validation_of_its_own(glyphs: LabelledPictures, tmp_path: Path) -> None:
    apart = write_glyphs(tmp_path / "val", 3, 3, first=30)
    (apart / "glyph30" / "0.png").write_bytes(b"")
    found = prepared(glyphs, read_labelled(apart))
    assert found.counts()["validation"] == {"classes": 3, "pictures": 8}
    assert found.counts()["train"]["classes"] == 12
    (note,) = found.notes
    assert "1 of 9 pictures left out" in note


def test_pictures_to_train_and_to_validate_on_are_refused(glyph_folder: Path) -> None:
    whole = read_labelled(glyph_folder)
    shared = whole.take(np.flatnonzero(whole.labels < 3))
    read: list[Any] = []
    with pytest.raises(InputError, match=r"18 pictures are there for both train and validation"):
        prepared(whole, shared, progress=lambda *done: read.append(done))
    assert read == []


def test_classes_to_train_and_to_validate_on_are_named(
    glyphs: LabelledPictures, tmp_path: Path
) -> None:
    apart = write_glyphs(tmp_path / "val", 3, 3, first=12)  # 12 and 13 are trained on, too
    (note,) = prepared(glyphs, read_labelled(apart)).notes
    assert note.startswith("2 classes for validation are trained on, too, the first: 'glyph12'")


def test_digest_tells_pictures_and_labels_apart(own_glyphs: Path) -> None:
    def digest() -> str:
        return prepared(read_labelled(own_glyphs)).digest()

    first = digest()
    assert digest() == first
    (own_glyphs / "glyph00" / "0.png").rename(own_glyphs / "glyph01" / "moved.png")
    moved = digest()
    (own_glyphs / "glyph01").rename(own_glyphs / "glyph99")
    assert len({first, moved, digest()}) == 3
