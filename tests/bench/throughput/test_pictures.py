"""Which pictures throughput is measured with."""

from pathlib import Path

import pytest
from PIL import Image

from simsearch.bench.throughput.pictures import open_pictures
from simsearch.errors import FolderError, InputError
from tests.conftest import save_pictures


def test_all_of_a_small_folder(tmp_path: Path) -> None:
    paths = save_pictures(tmp_path / "a", 3)
    (tmp_path / "a" / "notes.txt").write_text("none")
    with open_pictures(str(tmp_path / "a"), 10) as (folder, files):
        assert (folder, sorted(files)) == (tmp_path / "a", paths)


def test_some_of_a_large_folder_spread_over_it(tmp_path: Path) -> None:
    paths = save_pictures(tmp_path / "a", 9)
    with open_pictures(str(tmp_path / "a"), 3) as (folder, files):
        assert sorted(folder.iterdir()) == sorted(files)
        assert [file.resolve() for file in files] == [paths[0], paths[4], paths[8]]
    assert not folder.exists()
    assert all(path.exists() for path in paths)


def test_made_pictures_have_the_size_and_the_detail_of_photographs() -> None:
    with open_pictures("made:3,640x480", 2) as (_, files):
        assert len({file.read_bytes() for file in files}) == 2
        for file in files:
            with Image.open(file) as picture:
                assert (picture.size, picture.format) == ((640, 480), "JPEG")
            assert 0.5 < file.stat().st_size * 8 / (640 * 480) < 8  # bits a pixel


@pytest.mark.parametrize("source", ["made:", "made:0,10x10", "made:5,10x0", "made:5,10", "made:a"])
def test_no_such_pictures_can_be_made(source: str) -> None:
    with (
        pytest.raises(InputError, match="is not made:COUNT,WIDTHxHEIGHT"),
        open_pictures(source, 5),
    ):
        pass


def test_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="no picture found"), open_pictures(str(tmp_path), 5):
        pass
