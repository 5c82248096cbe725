"""Files of a collection that are damaged or missing: noticed, named, and mended where possible."""

import itertools
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch import Collection
from simsearch.errors import CollectionDamagedError, CollectionNewerError, PictureError
from simsearch.records import Failure, Neighbor
from simsearch.store.lock import writer_lock
from tests.collection.conftest import Library, hashes_of_files, hashes_of_rows, put

Damage = Callable[[Path], object]


def flip_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garble(path: Path) -> None:
    path.write_bytes(b"{} garbage")


DAMAGES: list[Damage] = [flip_middle, cut, empty, garble, Path.unlink]
each_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


@pytest.fixture
def indexed(library: Library) -> Library:
    """Return a library of six pictures and an empty file, indexed once."""
    for seed in range(6):
        library.put(f"{seed}.jpg", seed)
    put(library.folder / "empty.png", b"")
    library.sync()
    return library


def file(library: Library, pattern: str) -> Path:
    (path,) = library.collection.folder.glob(pattern)
    return path


def ask(library: Library) -> list[Neighbor]:
    """Query with a collection object that has read nothing yet."""
    fresh = Collection.open("pictures", home=library.collection.folder.parent)
    return fresh.query(library.folder / "0.jpg", k=20)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *itertools.product(["index.faiss", "ids.npy"], DAMAGES),
        *itertools.product(["meta.json"], [cut, empty, garble, Path.unlink]),
    ],
)
def test_damaged_index_is_built_again_with_a_notice(
    indexed: Library, caplog: pytest.LogCaptureFixture, name: str, damage: Damage
) -> None:
    expected = ask(indexed)
    damage(file(indexed, f"built/*/{name}"))
    assert len(indexed.collection.check().problems) == 1
    with caplog.at_level(logging.WARNING, "simsearch"):
        assert ask(indexed) == expected
    assert "building it again" in caplog.text
    assert str(indexed.collection.folder / "built") in caplog.text
    assert indexed.collection.check().problems == []
    assert indexed.collection.manifest.generation == 1
    caplog.clear()
    assert ask(indexed) == expected
    assert caplog.text == ""


def test_missing_index_folder_is_built_again(
    indexed: Library, caplog: pytest.LogCaptureFixture
) -> None:
    expected = ask(indexed)
    shutil.rmtree(indexed.collection.folder / "built")
    assert ask(indexed) == expected
    assert "building it again" in caplog.text
    assert indexed.collection.check().problems == []


def test_no_index_is_built_for_a_query_that_can_not_be_read(indexed: Library) -> None:
    built = indexed.collection.folder / "built"
    shutil.rmtree(built)
    with pytest.raises(PictureError):
        indexed.collection.query("missing.jpg")
    failures: list[Failure] = []
    assert indexed.collection.query_many(["missing.jpg"], on_failure=failures.append) == []
    assert len(failures) == 1
    assert not built.exists()


def test_index_damaged_during_a_write_is_built_in_memory(
    indexed: Library, caplog: pytest.LogCaptureFixture
) -> None:
    expected = ask(indexed)
    flip_middle(file(indexed, "built/*/index.faiss"))
    with writer_lock(indexed.collection.folder):
        assert ask(indexed) == expected
    assert "in memory only" in caplog.text


def test_damaged_index_is_mended_by_the_next_run(indexed: Library) -> None:
    flip_middle(file(indexed, "built/*/index.faiss"))
    indexed.put("more.jpg", 9)
    indexed.sync()
    assert not indexed.collection.check().problems


@each_damage
def test_damaged_part_is_named_and_rebuild_mends_it(indexed: Library, damage: Damage) -> None:
    part = file(indexed, "embeddings/*.parquet")
    damage(part)
    with pytest.raises(CollectionDamagedError, match=part.name) as caught:
        hashes_of_rows(indexed.collection)
    assert "--rebuild" in str(caught.value)
    assert "\n" not in str(caught.value)
    (problem, *_) = indexed.collection.check().problems
    assert part.name in problem
    assert indexed.sync(rebuild=True) == {"new": 6}
    assert len(ask(indexed)) == 5


@pytest.mark.parametrize("damage", [cut, empty, garble, Path.unlink])
def test_question_to_a_damaged_part_names_it(indexed: Library, damage: Damage) -> None:
    part = file(indexed, "embeddings/*.parquet")
    damage(part)
    for question in (
        lambda: ask(indexed),
        lambda: indexed.collection.duplicates(0.5),
        lambda: indexed.collection.duplicates(exact=True),
        lambda: indexed.collection.add(indexed.folder),
    ):
        with pytest.raises(CollectionDamagedError, match=part.name):
            question()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7, 0.8])
def test_bit_flip_among_the_rows_is_noticed(indexed: Library, share: float) -> None:
    part = file(indexed, "embeddings/*.parquet")
    data = bytearray(part.read_bytes())
    data[int(share * len(data))] ^= 0x40
    part.write_bytes(data)
    assert part.name in indexed.collection.check().problems[0]
    with pytest.raises(CollectionDamagedError, match=part.name):
        indexed.collection.embeddings()


def rename_column(part: Path, column: bytes) -> None:
    part.write_bytes(part.read_bytes().replace(column, column[:-1] + b"X"))


@pytest.mark.parametrize("column", [b"embedding", b"content_hash", b"path", b"mtime_ns"])
def test_embeddings_without_one_of_their_columns_are_damaged(
    indexed: Library, column: bytes
) -> None:
    part = file(indexed, "embeddings/*.parquet")
    rename_column(part, column)
    assert part.name in indexed.collection.check().problems[0]
    with pytest.raises(CollectionDamagedError, match=part.name):
        indexed.collection.embeddings()


@pytest.mark.parametrize("column", [b"content_hash", b"path", b"mtime_ns"])
def test_question_to_a_part_without_one_of_its_columns_names_it(
    indexed: Library, column: bytes
) -> None:
    part = file(indexed, "embeddings/*.parquet")
    rename_column(part, column)
    with pytest.raises(CollectionDamagedError, match=part.name):
        ask(indexed)
    with pytest.raises(CollectionDamagedError, match=part.name):
        indexed.collection.add(indexed.folder)


@pytest.mark.parametrize("damage", [cut, empty, garble])
def test_damaged_manifest_is_named_and_rebuild_mends_it(indexed: Library, damage: Damage) -> None:
    damage(indexed.collection.folder / "manifest.json")
    for question in (
        lambda: ask(indexed),
        indexed.collection.info,
        indexed.collection.check,
        lambda: indexed.collection.add(indexed.folder),
    ):
        with pytest.raises(CollectionDamagedError, match=r"manifest\.json.*--rebuild"):
            question()
    assert indexed.sync(rebuild=True) == {"new": 6}
    assert indexed.collection.manifest.generation > 1


def test_lost_manifest_is_made_again_from_the_parts(indexed: Library, embedded: list[str]) -> None:
    (indexed.collection.folder / "manifest.json").unlink()
    assert indexed.sync() == {"unchanged": 6}
    assert embedded == []


def test_manifest_of_a_later_format_is_refused_and_never_overwritten(indexed: Library) -> None:
    path = indexed.collection.folder / "manifest.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2'))
    newer = path.read_bytes()
    for attempt in (lambda: ask(indexed), indexed.sync, lambda: indexed.sync(rebuild=True)):
        with pytest.raises(CollectionNewerError, match=r"format 2, .*this one reads 1: update it"):
            attempt()
    assert path.read_bytes() == newer


@pytest.mark.parametrize("damage", [cut, empty, garble, Path.unlink])
def test_damaged_failures_are_noticed_and_written_anew(indexed: Library, damage: Damage) -> None:
    damage(indexed.collection.folder / "failures.parquet")
    assert len(indexed.collection.check().problems) == 1
    assert len(ask(indexed)) == 5
    indexed.put("more.jpg", 9)
    indexed.sync()
    (failure,) = indexed.collection.failures()
    assert failure.path == "empty.png"


@pytest.mark.parametrize("rebuild", [False, True])
@pytest.mark.parametrize("damage", [flip_middle, cut, empty, garble])
def test_damaged_part_of_a_killed_run_is_passed_over(
    indexed: Library, damage: Damage, rebuild: bool
) -> None:
    part = file(indexed, "embeddings/*.parquet")
    left_over = part.with_name("part-000002-00000.parquet")
    shutil.copyfile(part, left_over)
    damage(left_over)
    indexed.put("more.jpg", 9)
    expected = {"new": 7} if rebuild else {"new": 1, "unchanged": 6}
    assert indexed.sync(rebuild=rebuild) == expected


def test_extra_files_are_noted_and_cleaned_away(indexed: Library) -> None:
    put(indexed.collection.folder / "embeddings" / "stray.parquet", b"stray")
    report = indexed.collection.check()
    assert report.problems == []
    assert "stray.parquet" in report.notes[0]
    indexed.sync()
    assert indexed.collection.check().notes == []


def test_counts_that_do_not_agree_are_problems(indexed: Library) -> None:
    path = indexed.collection.folder / "manifest.json"
    text = path.read_text()
    for old, new in (
        ('"rows": 6', '"rows": 7'),
        ('"contents": 6', '"contents": 5'),
        ('"failures": 1', '"failures": 2'),
    ):
        assert old in text
        path.write_text(text.replace(old, new))
        assert len(indexed.collection.check().problems) >= 1
    path.write_text(text)
    assert indexed.collection.check().problems == []
    assert hashes_of_rows(indexed.collection) == hashes_of_files(indexed.folder)
