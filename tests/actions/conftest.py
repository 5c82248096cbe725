"""A folder on another file system, where there is one."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actions.trees import SHARED_MEMORY


@pytest.fixture(autouse=True)
def _own_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's trash out of it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder on another file system than tmp_path, or skip."""
    if not SHARED_MEMORY.is_dir() or SHARED_MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY) as folder:
        yield Path(folder)
