"""Apply and undo killed, or refused by the disk, before each call that changes the disk."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simsearch.actions.ways import way_names
from tests.actions.trees import quick_folder
from tests.conftest import PROJECT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

SCENARIOS = ["kill-apply", "kill-undo", "fail-apply", "fail-undo"]


@pytest.fixture
def here() -> Iterator[Path]:
    """Return an empty folder."""
    with quick_folder() as folder:
        yield folder


def moments(way: str, scenario: str, folder: Path, targets: Path) -> int:
    """Go through all moments; return how many there were."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.actions.killing", way, scenario, folder, targets],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("way", way_names())
def test_undo_restores_all_from_any_moment(way: str, scenario: str, here: Path) -> None:
    assert moments(way, scenario, here / "files", here / "targets") > 10


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_so_it_does_without_hard_links(scenario: str, here: Path) -> None:
    assert moments("move", f"{scenario}-no-links", here / "files", here / "targets") > 10


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_so_it_does_across_file_systems(scenario: str, elsewhere: Path, tmp_path: Path) -> None:
    assert moments("move", scenario, tmp_path / "files", elsewhere) > 10
