"""Second looks are remembered: by content, over kills, and never instead of looking."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from simsearch import Collection
from simsearch.collection.duplicates import looks
from simsearch.collection.duplicates.looks import FOLDER, kept_looks
from simsearch.collection.duplicates.second_look import look_again
from simsearch.records import ImageRecord
from tests.local.test_alignment import detailed


@pytest.fixture
def pile(tmp_path: Path) -> Collection:
    """Return a collection of two pictures, a crop of the first and a mirror image of the second."""
    folder = tmp_path / "pile"
    folder.mkdir()
    for seed in (1, 2):
        detailed(seed).save(folder / f"{seed}.png")
    detailed(1).crop((0, 0, 300, 250)).save(folder / "crop.png")
    detailed(2).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirror.png")
    made = Collection("pile", home=tmp_path / "indexes")
    made.add(folder)
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return the pairs that are really looked at, as they are."""
    pairs: list[tuple[str, str]] = []

    def watched(wanted: Sequence[tuple[str, str]], progress: looks.Progress) -> object:
        pairs.extend(wanted)
        return look_again(wanted, progress)

    monkeypatch.setattr(looks, "look_again", watched)
    return pairs


def files(collection: Collection) -> list[Path]:
    return sorted((collection.folder / FOLDER).iterdir())


def test_no_pair_is_looked_at_twice(pile: Collection, asked: list[tuple[str, str]]) -> None:
    first = pile.duplicates()
    assert len(asked) > 0
    assert len(files(pile)) == 1
    asked.clear()
    assert pile.duplicates() == first
    assert asked == []
    assert pile.check().problems == []


def test_a_comparison_looks_at_no_pair_twice(
    pile: Collection, asked: list[tuple[str, str]], tmp_path: Path
) -> None:
    other = Collection("other", home=tmp_path / "indexes")
    (tmp_path / "others").mkdir()
    detailed(1).save(tmp_path / "others" / "large.jpg", quality=60)
    other.add(tmp_path / "others")
    listed = pile.duplicates()
    first = pile.compare(other)
    assert {Path(pair.a).name for pair in first} == {"1.png", "crop.png"}
    asked.clear()
    assert pile.compare(other) == first
    assert pile.duplicates() == listed
    assert asked == []


def test_a_new_picture_is_looked_at_and_old_ones_are_not(
    pile: Collection, asked: list[tuple[str, str]]
) -> None:
    pile.duplicates()
    asked.clear()
    root = Path(pile.manifest.roots[0])
    detailed(1).resize((240, 180)).save(root / "small.png")
    (root / "2.png").rename(root / "renamed.png")
    pile.add(root)
    found = pile.duplicates()
    assert asked
    assert all(any(Path(path).name == "small.png" for path in pair) for pair in asked)
    names = [{Path(member).name for member in group.members} for group in found.groups]
    assert sorted(map(sorted, names)) == [
        ["1.png", "crop.png", "small.png"],
        ["mirror.png", "renamed.png"],
    ]


def record(path: Path, digest: str) -> ImageRecord:
    return ImageRecord(0, path.name, str(path.parent), digest, 1, 0, 100, 100, "PNG")


@pytest.fixture
def couple(tmp_path: Path) -> tuple[ImageRecord, ImageRecord]:
    """Return the records of a picture and of a crop of it."""
    detailed(1).save(tmp_path / "whole.png")
    detailed(1).crop((0, 0, 300, 250)).save(tmp_path / "crop.png")
    return record(tmp_path / "whole.png", "f" * 64), record(tmp_path / "crop.png", "0" * 64)


@pytest.mark.parametrize("turned_first", [False, True])
def test_words_are_of_the_pair_as_it_is_asked_for(
    couple: tuple[ImageRecord, ImageRecord], tmp_path: Path, turned_first: bool
) -> None:
    whole, crop = couple
    for turned in (turned_first, not turned_first):
        pair = (crop, whole) if turned else (whole, crop)
        with kept_looks(tmp_path) as look:
            (seen,) = look([pair], lambda *_: None)
        assert seen is not None
        to_crop, to_whole = (seen.back, seen.edit) if turned else (seen.edit, seen.back)
        assert to_crop.startswith("shows")
        assert to_whole.endswith("% added")


def test_what_was_seen_before_an_interrupt_is_kept(
    couple: tuple[ImageRecord, ImageRecord], tmp_path: Path, asked: list[tuple[str, str]]
) -> None:
    def interrupted() -> None:
        with kept_looks(tmp_path) as look:
            look([couple], lambda *_: None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    asked.clear()
    with kept_looks(tmp_path) as look:
        assert look([couple], lambda *_: None) != [None]
    assert asked == []


def test_what_nobody_asks_for_any_more_is_forgotten(
    couple: tuple[ImageRecord, ImageRecord], tmp_path: Path, asked: list[tuple[str, str]]
) -> None:
    other = record(tmp_path / "whole.png", "1" * 64), record(tmp_path / "crop.png", "2" * 64)
    for pairs in ([couple], [couple, other], [other]):
        with kept_looks(tmp_path) as look:
            look(pairs, lambda *_: None)
    asked.clear()
    with kept_looks(tmp_path) as look:
        look([other], lambda *_: None)
        assert asked == []
        look([couple], lambda *_: None)
        assert len(asked) == 1


def test_damaged_and_older_files_are_passed_over(
    couple: tuple[ImageRecord, ImageRecord],
    tmp_path: Path,
    asked: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = looks._SCHEMA.with_metadata({b"simsearch.looks": b"0"})
    with monkeypatch.context() as patch:
        patch.setattr(looks, "_SCHEMA", older)
        with kept_looks(tmp_path) as look:
            look([couple], lambda *_: None)
    (tmp_path / FOLDER / "broken.parquet").write_bytes(b"PAR1")
    asked.clear()
    with kept_looks(tmp_path) as look:
        look([couple], lambda *_: None)
    assert len(asked) == 1
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


def test_an_unreadable_picture_is_asked_for_again(
    couple: tuple[ImageRecord, ImageRecord], tmp_path: Path
) -> None:
    crop = couple[1]
    data = Path(crop.full_path).read_bytes()
    Path(crop.full_path).write_bytes(b"no picture")
    with kept_looks(tmp_path) as look:
        assert look([couple], lambda *_: None) == [None]
    Path(crop.full_path).write_bytes(data)
    with kept_looks(tmp_path) as look:
        assert look([couple], lambda *_: None) != [None]


def test_where_nothing_can_be_written_it_is_said(
    couple: tuple[ImageRecord, ImageRecord], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FOLDER).write_bytes(b"a file where the folder should be")
    with kept_looks(tmp_path) as look:
        assert look([couple], lambda *_: None) != [None]
    assert "what was seen is not kept" in caplog.text


@pytest.mark.parametrize(
    ("seconds_a_pair", "said"), [(0.001, ""), (1.0, "about 100 s"), (60.0, "about 100 min")]
)
def test_a_long_run_is_announced_once(
    seconds_a_pair: float,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    monkeypatch.setattr("simsearch.collection.duplicates.looks.time.monotonic", lambda: now)
    shown: list[tuple[int, int]] = []
    update = looks._announcing(lambda *at: shown.append(at))
    for done in range(10, 101, 10):
        now = done * seconds_a_pair
        update(done, 100)
    assert shown == [(done, 100) for done in range(10, 101, 10)]
    assert caplog.text.count("looking at 100 pairs of pictures again") == bool(said)
    assert said in caplog.text
