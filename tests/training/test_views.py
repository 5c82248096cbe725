"""Inputs that are kept on disk for later epochs."""

from pathlib import Path

import numpy as np
import pytest

from simsearch.errors import StorageError, TrainingError
from simsearch.training.views import FILE, Views, remove_views

INPUTS = np.random.default_rng(0).random((10, 3, 2)).astype(np.float16)


def written(folder: Path, first: int = 0, end: int = 10) -> Views:
    views = Views(folder, len(INPUTS))
    for place in range(first, end, 4):
        views.write(place, INPUTS[place : min(place + 4, end)])
    return views


def test_what_was_written_is_read_in_any_order(tmp_path: Path) -> None:
    places = np.array([7, 0, 0, 9])
    for views in (written(tmp_path), Views(tmp_path, len(INPUTS))):
        found = views.read(places)
        assert found.dtype == np.float16
        assert np.array_equal(found, INPUTS[places])


def test_a_run_that_was_stopped_goes_on_writing(tmp_path: Path) -> None:
    written(tmp_path, end=4)
    written(tmp_path, first=4)
    assert np.array_equal(Views(tmp_path, len(INPUTS)).read(np.arange(10)), INPUTS)


def test_missing_damaged_or_other_files(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is missing or damaged"):
        Views(tmp_path, 10).read(np.array([0]))
    written(tmp_path)
    with pytest.raises(TrainingError, match="is of another run"):
        Views(tmp_path, 11).read(np.array([0]))
    (tmp_path / FILE).write_bytes(b"no array")
    with pytest.raises(TrainingError, match="is missing or damaged"):
        Views(tmp_path, 10).read(np.array([0]))


def test_what_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="free space, or use --reuse 1"):
        Views(tmp_path / "missing", 10).write(0, INPUTS)


def test_removing(tmp_path: Path) -> None:
    written(tmp_path)
    remove_views(tmp_path)
    assert list(tmp_path.iterdir()) == []
    remove_views(tmp_path)
