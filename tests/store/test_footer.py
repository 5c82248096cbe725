"""The digest of a Parquet file's footer."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from simsearch.store.footer import footer_digest
from simsearch.store.writer import FOLDER
from tests.store.made import record, write_rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a part of 500 rows."""
    (part,) = write_rows(tmp_path, [record(id_) for id_ in range(500)])
    return tmp_path / FOLDER / part.file


def footer_bytes(path: Path) -> int:
    """Return how many bytes a file's footer has, with its length and magic."""
    return int.from_bytes(path.read_bytes()[-8:-4], "little") + 8


def test_digest_is_that_of_the_last_bytes(path: Path) -> None:
    footer = path.read_bytes()[-footer_bytes(path) :]
    assert footer_digest(path) == hashlib.sha256(footer).hexdigest()


def test_nothing_before_the_footer_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, footer, taken = path.read_bytes(), footer_bytes(path), 0

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            nonlocal taken
            chunk = super().read(size)
            taken += len(chunk)
            return chunk

    def opened(*_: Any) -> Counted:
        return Counted(data)

    monkeypatch.setattr(Path, "open", opened)
    footer_digest(path)
    assert footer < taken <= footer + 8 < len(data) / 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes are too few"),
        (b"PAR1", "4 bytes are too few"),
        (b"PAR1\0\0\0PAR1", "11 bytes are too few"),
        (b"PAR1\0\0\0\0PAR2", "does not end as Parquet"),
        (b"PAR1\1\0\0\0PAR1", "shorter than its footer"),
        (b"PAR1\xff\xff\xff\xffPAR1", "shorter than its footer"),
    ],
)
def test_file_that_is_no_parquet(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "part.parquet"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        footer_digest(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        footer_digest(tmp_path / "nowhere.parquet")
