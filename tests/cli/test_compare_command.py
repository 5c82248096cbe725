"""simsearch compare, as a data set's continuous checks run it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch import Collection
from tests.cli.conftest import assert_one_error
from tests.conftest import CliResult
from tests.local.test_alignment import detailed

Run = Callable[..., CliResult]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `train`, `test`, which has one of its pictures, and `indexes`."""
    place = tmp_path_factory.mktemp("leaks")
    for number, name in enumerate(("train", "test")):
        (place / name).mkdir()
        detailed(number).save(place / name / "own.png")
    shutil.copyfile(place / "train" / "own.png", place / "test" / "leak.png")
    for name in ("train", "test"):
        Collection(name, home=place / "indexes").add(place / name)
    return place


def test_a_leak_is_exit_code_3(run_here: Run, place: Path) -> None:
    result = run_here("compare", "test", "train", "--json", cwd=place)
    assert result.code == 3
    pair = {
        "a": str(place / "test" / "leak.png"),
        "b": str(place / "train" / "own.png"),
        "score": 1,
        "kind": "exact",
    }
    assert result.json() == {"a": "test", "b": "train", "found": 1, "pairs": [pair]}
    text = run_here("compare", "test", "train", cwd=place)
    assert text.code == 3
    assert "1 picture of 'test' in 'train': 1 exact" in text.out
    assert "test/leak.png" in text.out


def test_no_leak_is_exit_code_0(run_here: Run, place: Path) -> None:
    (place / "clean").mkdir()
    detailed(5).save(place / "clean" / "own.png")
    assert run_here("index", "clean", cwd=place).code == 0
    result = run_here("compare", "clean", "train", "--json", cwd=place)
    assert result.code == 0
    assert result.json() == {"a": "clean", "b": "train", "found": 0, "pairs": []}
    assert (
        "0 pictures of 'clean' in 'train'" in run_here("compare", "clean", "train", cwd=place).out
    )


def test_a_collection_that_is_not_there(run_here: Run, place: Path) -> None:
    assert_one_error(run_here("compare", "test", "trian", cwd=place), "did you mean 'train'?")
