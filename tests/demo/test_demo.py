"""The demo: offline, from shipped pictures, end to end."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from PIL import Image

from simsearch.demo.make import make_pictures
from tests.conftest import CliResult

PICTURES = Path(str(files("simsearch.demo") / "pictures"))


def test_shipped_pictures_are_small_and_every_one_is_attributed() -> None:
    shipped = sorted(PICTURES.glob("*.jpg"))
    attribution = (PICTURES / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert len(shipped) >= 12
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 3_000_000
    assert [path.name for path in shipped if path.name not in attribution] == []


def test_copies_are_pictures_that_differ_from_their_originals(tmp_path: Path) -> None:
    query = make_pictures(tmp_path)
    originals = {path.stem for path in (tmp_path / "originals").iterdir()}
    copies = sorted((tmp_path / "copies").iterdir())
    assert query.stem in originals
    assert len(copies) == 18
    assert {path.suffix for path in copies} == {".jpg", ".png", ".webp"}
    for path in copies:
        with Image.open(path) as image:
            image.load()


def test_demo_finds_the_copies_and_writes_the_page(
    run_cli: Callable[..., CliResult], tmp_path: Path
) -> None:
    done = run_cli("demo", "--out", "here")
    assert done.code == 0, done.err
    assert (tmp_path / "here" / "gallery.html").stat().st_size > 50_000
    assert "simsearch index FOLDER" in done.out
    groups = run_cli("duplicates", "--home", "here/indexes", "--json").json()["groups"]
    for exact in (tmp_path / "here" / "pictures" / "copies").glob("*(1).jpg"):
        mine = [group["members"] for group in groups if str(exact) in group["members"]]
        original = tmp_path / "here" / "pictures" / "originals" / exact.name.replace(" (1)", "")
        assert mine
        assert str(original) in mine[0]


def test_demo_can_be_run_again(run_cli: Callable[..., CliResult], tmp_path: Path) -> None:
    assert run_cli("demo", "--out", "here").code == 0
    manifest = tmp_path / "here" / "indexes" / "demo" / "manifest.json"
    images = len(list((tmp_path / "here" / "pictures").rglob("*.*")))
    assert run_cli("demo", "--out", "here").code == 0
    rows = sum(part["rows"] for part in json.loads(manifest.read_text())["parts"])
    assert rows == images


def test_demo_says_where_it_can_not_write(
    run_cli: Callable[..., CliResult], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run_cli("demo", "--out", "file")
    assert done.code == 1
    assert done.err.startswith("error: can't write 'file")
    assert "--out" in done.err
