"""Classes made from one example: copied, indexed, found, and gone again."""

import errno
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simsearch import Collection
from simsearch.collection import api, enrolling
from simsearch.collection.homes import taken_by_others
from simsearch.errors import (
    CollectionBusyError,
    CollectionNotFoundError,
    InputError,
    PictureError,
    StorageError,
)
from simsearch.store.lock import writer_lock
from tests.collection.conftest import Library, picture_bytes, put, rows
from tests.conftest import picture

Files = dict[Path, bytes]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Return a picture that is in no collection."""
    return put(tmp_path / "photos" / "New One.JPG", picture_bytes(50))


def enrolled(collection: Collection) -> Path:
    """Return the folder of a collection's enrolled classes."""
    return collection.folder.resolve() / "enrolled"


def files_below(folder: Path) -> Files:
    """Return the content of every file below a folder, but for the lock."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def labels(collection: Collection) -> list[str]:
    """Return the label of every row, sorted; the collection must be sound."""
    assert collection.check().problems == []
    return sorted(collection.embeddings().column("label").to_pylist())


def nearest(collection: Collection, seed: int, tmp_path: Path) -> str | None:
    """Return the class nearest to a made picture, saved anew so that its bytes are not known."""
    path = tmp_path / f"{seed}.png"
    picture(seed).save(path)
    return collection.identify(path)[0].nearest


@pytest.mark.parametrize("label", ["nova", "1st", "two words", "[b]", "süß 猫"])
def test_one_example_makes_a_class(three: Library, photo: Path, tmp_path: Path, label: str) -> None:
    assert nearest(three.collection, 50, tmp_path) in {"a", "b"}
    (copy,) = three.collection.enrol(label, photo)
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    assert Path(copy) == enrolled(three.collection) / label / f"{digest[:16]}.jpg"
    assert Path(copy).read_bytes() == photo.read_bytes()
    assert labels(three.collection) == sorted(["a", "a", "b", label])
    assert nearest(three.collection, 50, tmp_path) == label
    assert nearest(three.collection, 0, tmp_path) == "a"


def test_rows_that_were_there_keep_their_ids(three: Library, photo: Path) -> None:
    before = {path: row.id for path, row in rows(three.collection).items()}
    (copy,) = three.collection.enrol("nova", photo)
    after = {path: row.id for path, row in rows(three.collection).items()}
    assert after.pop(Path(copy)) not in before.values()
    assert after == before


def test_same_bytes_twice_change_nothing(
    three: Library, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    twin = put(photo.with_name("twin.png"), photo.read_bytes())
    assert len(three.collection.enrol("nova", photo, twin)) == 1
    assert "'" + str(twin) + "' is already enrolled as 'nova'" in caplog.text
    generation, files = three.collection.manifest.generation, files_below(three.collection.folder)
    assert three.collection.enrol("nova", photo, twin) == []
    assert three.collection.manifest.generation == generation
    assert files_below(three.collection.folder) == files


def test_examples_are_added_to_a_class_of_the_folders(three: Library, photo: Path) -> None:
    three.collection.enrol("a", photo)
    assert labels(three.collection) == ["a", "a", "a", "b"]
    assert three.collection.unenrol("a") == 1
    assert labels(three.collection) == ["a", "a", "b"]


def test_picture_that_is_indexed_already(three: Library) -> None:
    three.collection.enrol("nova", three.folder / "a" / "one.jpg")
    assert labels(three.collection) == ["a", "a", "b", "nova"]
    assert three.collection.info().roots == sorted(
        [str(three.folder), str(enrolled(three.collection))]
    )
    assert three.collection.add(three.folder).unchanged == 4


def test_unenrol_takes_one_class_and_leaves_the_others(three: Library, photo: Path) -> None:
    other = put(photo.with_name("other.jpg"), picture_bytes(51))
    three.collection.enrol("nova", photo, other)
    three.collection.enrol("stella", photo)
    assert three.collection.unenrol("nova") == 2
    assert labels(three.collection) == ["a", "a", "b", "stella"]
    assert not (enrolled(three.collection) / "nova").exists()
    assert photo.exists()


def test_removing_the_last_one_leaves_the_collection_as_it_was(three: Library, photo: Path) -> None:
    before = rows(three.collection).keys()
    three.collection.enrol("nova", photo)
    assert three.collection.unenrol("nova") == 1
    assert rows(three.collection).keys() == before
    assert three.collection.info().roots == [str(three.folder)]
    assert not enrolled(three.collection).exists()
    assert three.sync() == {"unchanged": 3}


def test_removing_the_only_pictures_leaves_an_empty_collection(
    library: Library, photo: Path
) -> None:
    put(library.folder / "broken.jpg", b"no picture")
    library.collection.add(library.folder)
    library.collection.enrol("nova", photo)
    assert library.collection.unenrol("nova") == 1
    assert labels(library.collection) == []


def test_later_runs_and_rebuilds_keep_what_was_enrolled(three: Library, photo: Path) -> None:
    three.collection.enrol("nova", photo)
    three.put("b/four.jpg", 4)
    assert three.collection.add(three.folder).new == 1
    assert labels(three.collection) == ["a", "a", "b", "b", "nova"]
    assert three.collection.add(three.folder, rebuild=True).new == 5
    assert labels(three.collection) == ["a", "a", "b", "b", "nova"]


def test_rebuild_of_a_damaged_collection_keeps_what_was_enrolled(
    three: Library, photo: Path
) -> None:
    three.collection.enrol("nova", photo)
    (three.collection.folder / "manifest.json").write_text("damaged")
    three.collection.add(three.folder, rebuild=True)
    assert labels(three.collection) == ["a", "a", "b", "nova"]


def test_hidden_home_is_no_hindrance(tmp_path: Path, photo: Path) -> None:
    put(tmp_path / "pictures" / "a" / "one.jpg", picture_bytes(0))
    collection = Collection("pictures", home=tmp_path / ".hidden" / "indexes")
    collection.add(tmp_path / "pictures")
    collection.enrol("nova", photo)
    assert labels(collection) == ["a", "nova"]


def test_home_inside_the_indexed_folder(tmp_path: Path, photo: Path) -> None:
    """The copies are then met twice: below the folder and below the collection's own root."""
    put(tmp_path / "pictures" / "a" / "one.jpg", picture_bytes(0))
    collection = Collection("pictures", home=tmp_path / "pictures" / "indexes")
    collection.add(tmp_path / "pictures")
    collection.enrol("nova", photo)
    for rebuild in (False, True):
        collection.add(tmp_path / "pictures", rebuild=rebuild)
        assert labels(collection) == ["a", "nova"]
    assert collection.unenrol("nova") == 1
    assert labels(collection) == ["a"]


def test_collection_that_was_moved(three: Library, photo: Path, tmp_path: Path) -> None:
    three.collection.enrol("nova", photo)
    shutil.move(three.collection.folder.parent, tmp_path / "elsewhere")
    moved = Collection.open("pictures", tmp_path / "elsewhere")
    assert moved.unenrol("nova") == 1
    assert labels(moved) == ["a", "a", "b"]
    assert moved.info().roots == [str(three.folder)]


def test_own_root_is_nobodys_folder(three: Library, photo: Path) -> None:
    three.collection.enrol("nova", photo)
    folder = three.collection.folder
    assert str(enrolled(three.collection)) in three.collection.info().roots
    assert taken_by_others(folder, ["/elsewhere"]) == [str(three.folder)]
    assert taken_by_others(folder, [str(three.folder)]) == []


@pytest.mark.parametrize(
    "label", ["", ".", "..", ".hidden", "a/b", "/a", "a\\b", "a\nb", "\udcff", "a\0"]
)
def test_label_that_is_no_folder_s_name(three: Library, photo: Path, label: str) -> None:
    before = files_below(three.collection.folder)
    with pytest.raises(InputError, match="can't be the name of a class"):
        three.collection.enrol(label, photo)
    with pytest.raises(InputError, match="can't be the name of a class"):
        three.collection.unenrol(label)
    assert files_below(three.collection.folder) == before


@pytest.mark.parametrize("data", [None, b"", b"text", picture_bytes(0)[:300]])
def test_one_bad_picture_and_nothing_is_written(
    three: Library, photo: Path, tmp_path: Path, data: bytes | None
) -> None:
    bad = tmp_path / "bad.jpg"
    if data is not None:
        bad.write_bytes(data)
    before = files_below(three.collection.folder)
    with pytest.raises(PictureError, match=r"can't read '.*bad\.jpg'"):
        three.collection.enrol("nova", photo, bad)
    assert files_below(three.collection.folder) == before
    assert not enrolled(three.collection).exists()


def test_no_picture(three: Library) -> None:
    with pytest.raises(InputError, match="no picture given for 'nova'"):
        three.collection.enrol("nova")


def test_collection_that_does_not_exist(home: Path, photo: Path) -> None:
    people = Collection("people", home=home)
    with pytest.raises(CollectionNotFoundError, match="no collection 'people'"):
        people.enrol("nova", photo)
    with pytest.raises(CollectionNotFoundError, match="no collection 'people'"):
        people.unenrol("nova")
    assert not (home / "people").exists()


def test_class_that_was_never_enrolled(three: Library, photo: Path) -> None:
    with pytest.raises(InputError, match=r"'a' is not enrolled in 'pictures'; no class is"):
        three.collection.unenrol("a")
    three.collection.enrol("nova", photo)
    with pytest.raises(InputError, match=r"did you mean 'nova'\?"):
        three.collection.unenrol("nov")
    with pytest.raises(InputError, match="there are: nova"):
        three.collection.unenrol("xyz")
    assert labels(three.collection) == ["a", "a", "b", "nova"]


def test_another_writer(three: Library, photo: Path) -> None:
    three.collection.enrol("nova", photo)
    before = files_below(enrolled(three.collection))
    with writer_lock(three.collection.folder):
        with pytest.raises(CollectionBusyError):
            three.collection.enrol("stella", photo)
        with pytest.raises(CollectionBusyError):
            three.collection.unenrol("nova")
    assert files_below(enrolled(three.collection)) == before


def test_lock_is_held_while_copies_are_written(
    three: Library, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tried = enrolling.copied, []

    @contextmanager
    def copied(folder: Path, *args: Any) -> Iterator[list[str]]:
        with pytest.raises(CollectionBusyError), writer_lock(folder):
            pass
        tried.append(folder)
        with real(folder, *args) as paths:
            yield paths

    monkeypatch.setattr(enrolling, "copied", copied)
    three.collection.enrol("nova", photo)
    assert tried == [three.collection.folder]


@pytest.mark.parametrize("fault", ["os.fsync", "simsearch.store.writer.pq.write_table"])
def test_full_disk_takes_the_copies_back(
    three: Library, photo: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(three.collection).keys()

    def fail(*args: object, **options: object) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fault, fail)
        with pytest.raises(StorageError, match="disk is full"):
            three.collection.enrol("nova", photo)
    assert not enrolled(three.collection).exists()
    assert rows(three.collection).keys() == before
    three.collection.enrol("nova", photo)
    assert labels(three.collection) == ["a", "a", "b", "nova"]


class KilledError(BaseException):
    """Stands for SIGKILL: nothing that handles errors may handle it."""


def kill(*args: object, **options: object) -> Any:
    """Die."""
    raise KilledError


def test_killed_enrolment_is_finished_by_the_next(
    three: Library, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(api.Collection, "_run_enrolled", kill)
        with pytest.raises(KilledError):
            three.collection.enrol("nova", photo)
    half = enrolled(three.collection) / "nova" / "0123456789abcdef.jpg.tmp"
    half.write_bytes(picture_bytes(60))
    assert labels(three.collection) == ["a", "a", "b"]
    assert three.collection.enrol("nova", photo) == []
    assert labels(three.collection) == ["a", "a", "b", "nova"]
    assert not half.exists()


def test_killed_copy_is_made_again(
    three: Library, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a copy must not pass for the picture, neither in a rebuild nor when enrolling again."""
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    half = enrolled(three.collection) / "nova" / f"{digest[:16]}.jpg.tmp"
    put(half, photo.read_bytes()[:500])
    three.collection.add(three.folder, rebuild=True)
    assert (labels(three.collection), three.collection.failures()) == (["a", "a", "b"], [])
    put(half, photo.read_bytes()[:500])
    assert len(three.collection.enrol("nova", photo)) == 1
    assert labels(three.collection) == ["a", "a", "b", "nova"]


def test_killed_removal_is_finished_by_the_next(
    three: Library, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three.collection.enrol("nova", photo)
    with monkeypatch.context() as patch:
        patch.setattr(api.Collection, "_run_enrolled", kill)
        with pytest.raises(KilledError):
            three.collection.unenrol("nova")
    assert labels(three.collection) == ["a", "a", "b", "nova"]
    assert three.collection.unenrol("nova") == 0
    assert labels(three.collection) == ["a", "a", "b"]


def test_picture_without_a_suffix(three: Library, tmp_path: Path) -> None:
    three.collection.enrol("nova", put(tmp_path / "photo.of.anna", picture_bytes(52)))
    assert labels(three.collection) == ["a", "a", "b", "nova"]


def test_removing_the_collection_takes_the_copies_along(three: Library, photo: Path) -> None:
    three.collection.enrol("nova", photo)
    three.collection.remove()
    assert not three.collection.folder.exists()
    assert photo.exists()
    assert len(files_below(three.folder)) == 3
