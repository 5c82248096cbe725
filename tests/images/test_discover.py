"""Which files a walk finds, under which names, and that it always ends."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from simsearch.config import Selection
from simsearch.errors import FailureKind, FolderError
from simsearch.images.discover import discover, is_candidate, resolve_folder
from simsearch.records import Failure, FoundFile
from tests.images.samples import FORMATS, sample

ODD_NAMES = [
    "with space.jpg",
    " leading and trailing .jpg",
    "new\nline.jpg",
    "tab\tquote'\".jpg",
    "naïve-Ñandú-图片-🦜.jpg",
    "-rf.jpg",
    "back\\slash.jpg",
    os.fsdecode(b"latin-\xe9\xff.jpg"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")


def walk(*roots: Path, **selection: object) -> list[FoundFile | Failure]:
    return list(discover([str(root) for root in roots], Selection(**selection)))  # type: ignore[arg-type]


def paths(*roots: Path, **selection: object) -> list[str]:
    found = walk(*roots, **selection)
    assert all(isinstance(one, FoundFile) for one in found), found
    return [one.path for one in found]


def full_paths(*roots: Path) -> list[str]:
    return [one.full_path for one in walk(*roots)]


def test_folders_are_read_in_the_order_of_their_names(root: Path) -> None:
    names = ["b.jpg", "B.jpg", "a/2.jpg", "a/10.jpg", "c/x/deep.jpg", "c/a.jpg", "a.jpg"]
    put(*(root / name for name in names))
    assert paths(root) == [
        *("B.jpg", "a.jpg", "b.jpg"),
        *("a/10.jpg", "a/2.jpg"),
        *("c/a.jpg", "c/x/deep.jpg"),
    ]


def test_a_found_file_carries_what_the_system_says(root: Path) -> None:
    put(root / "a/b.jpg")
    status = (root / "a/b.jpg").stat()
    (found,) = walk(root)
    assert found == FoundFile(str(root), "a/b.jpg", len(b"content"), status.st_mtime_ns)
    assert found.full_path == str(root / "a/b.jpg")


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_any_name_is_found(root: Path, name: str) -> None:
    put(root / name / name)
    (found,) = walk(root)
    assert found.path == f"{name}/{name}"
    assert Path(found.full_path).read_bytes() == b"content"


def test_every_file_is_yielded_and_candidates_are_told_by_suffix_or_content(root: Path) -> None:
    put(root / "a.jpg", root / "notes.txt", root / "bare")
    for name in FORMATS:
        (root / f"content-{name}").write_bytes(sample(name))
    (root / "text-BM").write_text("BM is how this text begins")
    (root / "none").write_bytes(b"")
    (root / "none.png").write_bytes(b"")
    candidates = [
        one.path for one in walk(root) if isinstance(one, FoundFile) and is_candidate(one)
    ]
    assert candidates == sorted(["a.jpg", "none.png", *(f"content-{name}" for name in FORMATS)])


def test_a_file_that_vanished_is_a_candidate_by_suffix_only(root: Path) -> None:
    put(root / "a.jpg", root / "bare")
    by_name = {one.path: one for one in walk(root)}
    for one in by_name.values():
        Path(one.full_path).unlink()
        assert isinstance(one, FoundFile)
        assert is_candidate(one) == (one.path == "a.jpg")


def test_hidden_names_are_left_out_unless_asked_for(root: Path) -> None:
    put(root / ".a.jpg", root / ".dir/b.jpg", root / "c/.d/e.jpg", root / "f.jpg")
    assert paths(root) == ["f.jpg"]
    assert paths(root, hidden=True) == [".a.jpg", "f.jpg", ".dir/b.jpg", "c/.d/e.jpg"]


def test_a_root_may_be_hidden(tmp_path: Path) -> None:
    put(tmp_path / ".pictures/a.jpg")
    assert paths(tmp_path / ".pictures") == ["a.jpg"]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), (), ["a.jpg", "b.png", "cats/a.jpg", "cats/old/c.jpg", "dogs/d.png"]),
        (("*.jpg",), (), ["a.jpg", "cats/a.jpg", "cats/old/c.jpg"]),
        (("a.*", "d.*"), (), ["a.jpg", "cats/a.jpg", "dogs/d.png"]),
        (("cats",), (), ["cats/a.jpg", "cats/old/c.jpg"]),
        (("cats/*",), (), ["cats/a.jpg", "cats/old/c.jpg"]),
        (("./cats/*.jpg",), (), ["cats/a.jpg", "cats/old/c.jpg"]),
        (("[!a].png",), (), ["b.png", "dogs/d.png"]),
        (("*.JPG",), (), []),
        ((), ("*.jpg",), ["b.png", "dogs/d.png"]),
        ((), ("cats",), ["a.jpg", "b.png", "dogs/d.png"]),
        ((), ("cats/",), ["a.jpg", "b.png", "dogs/d.png"]),
        ((), ("cats/old",), ["a.jpg", "b.png", "cats/a.jpg", "dogs/d.png"]),
        ((), ("old", "d*"), ["a.jpg", "b.png", "cats/a.jpg"]),
        (("*.jpg",), ("old",), ["a.jpg", "cats/a.jpg"]),
        (("*.jpg",), ("*.jpg",), []),
    ],
)
def test_globs(
    root: Path, include: tuple[str, ...], exclude: tuple[str, ...], expected: list[str]
) -> None:
    for name in ("a.jpg", "b.png", "cats/a.jpg", "cats/old/c.jpg", "dogs/d.png"):
        put(root / name)
    assert paths(root, include=include, exclude=exclude) == expected


def test_overlapping_roots_give_each_file_once(root: Path) -> None:
    put(root / "a.jpg", root / "sub/b.jpg", root / "sub/deep/c.jpg")
    every = sorted(str(root / name) for name in ("a.jpg", "sub/b.jpg", "sub/deep/c.jpg"))
    for roots in ([root, root], [root, root / "sub"], [root / "sub/deep", root / "sub", root]):
        assert sorted(full_paths(*roots)) == every


def test_folders_with_a_common_prefix_do_not_overlap(tmp_path: Path) -> None:
    put(tmp_path / "pics/a.jpg", tmp_path / "pics2/b.jpg")
    (tmp_path / "pics/link.jpg").symlink_to(tmp_path / "pics2/b.jpg")
    assert paths(tmp_path / "pics") == ["a.jpg", "link.jpg"]


@pytest.mark.parametrize("target", [".", "..", "a", "a/.."])
def test_a_loop_of_links_ends(root: Path, target: str) -> None:
    put(root / "a/b/x.jpg")
    (root / "a/loop").symlink_to(target, target_is_directory=True)
    (root / "a/b/up").symlink_to(root, target_is_directory=True)
    assert full_paths(root).count(str(root / "a/b/x.jpg")) == 1


def test_links_that_lead_to_each_other_outside_are_read_once(root: Path, tmp_path: Path) -> None:
    put(tmp_path / "out/x.jpg")
    (tmp_path / "out/again").symlink_to(tmp_path / "out")
    (root / "one").symlink_to(tmp_path / "out")
    (root / "two").symlink_to(tmp_path / "out")
    assert paths(root) == ["one/x.jpg"]


def test_a_link_to_a_file_inside_is_passed_over(root: Path) -> None:
    put(root / "a.jpg", root / "sub/b.jpg")
    (root / "link-a.jpg").symlink_to("a.jpg")
    (root / "link-sub").symlink_to("sub")
    assert paths(root) == ["a.jpg", "sub/b.jpg"]


def test_a_link_to_a_file_outside_is_found_under_its_own_name(root: Path, tmp_path: Path) -> None:
    put(tmp_path / "outside.jpg", tmp_path / "out/b.jpg")
    (root / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (root / "link-dir").symlink_to(tmp_path / "out")
    put(root / "z.jpg")
    assert paths(root) == ["link.jpg", "z.jpg", "link-dir/b.jpg"]
    assert paths(root, tmp_path / "out") == ["link.jpg", "z.jpg", "b.jpg"]


@pytest.mark.parametrize("target", [".store/ab/object", "blobs/object"])
def test_a_link_to_what_is_left_out_inside_counts(root: Path, target: str) -> None:
    """As git-annex keeps its files: names in the open link to objects in a hidden folder."""
    put(root / target)
    (root / "a.jpg").symlink_to(target)
    (root / "folder").symlink_to(Path(target).parent)
    assert paths(root, exclude=("blobs",)) == ["a.jpg", "folder/object"]
    assert paths(root, include=("*.jpg",)) == ["a.jpg"]
    assert paths(root, hidden=True) == [target]


def test_a_broken_link_with_a_pictures_suffix_is_a_failure(root: Path) -> None:
    (root / "gone.jpg").symlink_to("nowhere.jpg")
    (root / "gone.txt").symlink_to("nowhere.txt")
    (root / "itself.png").symlink_to("itself.png")
    (root / "itself").symlink_to("itself")
    put(root / "z.jpg")
    gone, itself, last = walk(root)
    assert isinstance(gone, Failure)
    assert (gone.path, gone.kind) == ("gone.jpg", FailureKind.UNREADABLE)
    assert "No such file" in gone.message
    assert isinstance(itself, Failure)
    assert (itself.path, itself.kind) == ("itself.png", FailureKind.UNREADABLE)
    assert isinstance(last, FoundFile)


def test_a_folder_that_cannot_be_listed_is_a_failure(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root / "a/x.jpg", root / "locked/y.jpg", root / "z/z.jpg")
    scandir = os.scandir

    def refuse(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    first, locked, last = walk(root)
    assert (first.path, last.path) == ("a/x.jpg", "z/z.jpg")
    assert locked == Failure(str(root), "locked", FailureKind.UNREADABLE, "Permission denied")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_without_permission(root: Path, tmp_path: Path) -> None:
    put(root / "a.jpg", root / "locked/y.jpg", tmp_path / "out/secret/z.jpg")
    (root / "link.jpg").symlink_to(tmp_path / "out/secret/z.jpg")
    for folder in (root / "locked", tmp_path / "out/secret"):
        folder.chmod(0)
    try:
        kinds = {one.path: type(one) for one in walk(root)}
        with pytest.raises(FolderError, match="can't be read"):
            resolve_folder(root / "locked")
    finally:
        for folder in (root / "locked", tmp_path / "out/secret"):
            folder.chmod(0o700)
    assert kinds == {"a.jpg": FoundFile, "link.jpg": Failure, "locked": Failure}


def test_only_regular_files_are_opened(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    os.mkfifo(root / "pipe")
    (root / "device.jpg").symlink_to("/dev/zero")
    put(root / "a.jpg")
    assert paths(root) == ["a.jpg"]


def test_an_empty_folder_yields_nothing(root: Path) -> None:
    assert walk(root) == []


def test_resolving_a_folder(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(root)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in ("root", "./root/", "root/../root", "link", "~/root", root):
        assert resolve_folder(folder) == str(root)


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing", "'missing' does not exist"), ("file.jpg", "'file.jpg' is a file")],
)
def test_what_is_no_folder_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "file.jpg")
    with pytest.raises(FolderError, match=message):
        resolve_folder(name)
