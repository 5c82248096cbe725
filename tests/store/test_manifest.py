"""The manifest is read back as it was committed, or refused."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsearch.config import INTERPOLATIONS, EncoderSpec, Preprocessing
from simsearch.errors import (
    CollectionDamagedError,
    CollectionNewerError,
    CollectionNotFoundError,
    StorageError,
)
from simsearch.records import IndexInfo
from simsearch.store.manifest import FILE, FORMAT_VERSION, Manifest, PartInfo, commit, read_manifest
from tests.store.strategies import text

counts = st.integers(0, 2**63 - 1)
numbers = st.floats(-10, 10)
three = st.tuples(numbers, numbers, numbers)
preprocessing = st.builds(
    Preprocessing,
    st.integers(1, 4096),
    st.floats(0.1, 1),
    st.sampled_from(INTERPOLATIONS),
    three,
    three,
)
manifests = st.builds(
    Manifest,
    name=text,
    encoder=st.builds(EncoderSpec, text, text, counts, preprocessing),
    roots=st.lists(st.binary().map(os.fsdecode)).map(tuple),
    parts=st.lists(st.builds(PartInfo, text, counts, text, text, counts, counts)).map(tuple),
    generation=counts,
    next_id=counts,
    contents=counts,
    failures=counts,
    index=st.none() | st.builds(IndexInfo, text, text, text, text, counts, st.floats(0, 1e6)),
    created=text,
    updated=text,
)

SAMPLE = Manifest(
    name="photos",
    encoder=EncoderSpec("made", "digest", 4, Preprocessing()),
    roots=("/pictures",),
    parts=(
        PartInfo("part-000001-00000.parquet", 3, "d", "e", 0, 2),
        PartInfo("b", 4, "f", "g", 3, 6),
    ),
    generation=1,
    next_id=7,
    contents=6,
    index=IndexInfo("flat", "flat-0", "f", "g", 100, 0.5),
)


@given(manifests)
def test_any_manifest_comes_back(manifest: Manifest) -> None:
    dumped = manifest.dump()
    dumped.encode("utf-8")
    assert Manifest.parse(dumped) == manifest


def test_images_are_the_rows_of_all_parts() -> None:
    assert SAMPLE.images == 7


def test_commit_stamps_the_time(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    first = commit(tmp_path, SAMPLE)
    assert read_manifest(tmp_path) == first
    assert before <= datetime.fromisoformat(first.created) <= datetime.now(UTC)
    assert first == replace(SAMPLE, created=first.created, updated=first.updated)
    second = commit(tmp_path, replace(first, created="2001-01-01", generation=2))
    assert second.created == "2001-01-01"
    assert read_manifest(tmp_path) == second


def test_refused_commit_leaves_the_generation_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(tmp_path, SAMPLE)

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        commit(tmp_path, replace(first, generation=2))
    assert read_manifest(tmp_path) == first


def test_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFoundError, match=str(tmp_path)):
        read_manifest(tmp_path)


def test_manifest_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(CollectionDamagedError, match=FILE):
        read_manifest(tmp_path)


def test_newer_format_version(tmp_path: Path) -> None:
    data = json.loads(SAMPLE.dump()) | {"format_version": FORMAT_VERSION + 1}
    (tmp_path / FILE).write_text(json.dumps(data))
    with pytest.raises(CollectionNewerError, match=f"this one reads {FORMAT_VERSION}: update it"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("version", [0, "1", None])
def test_other_format_version(tmp_path: Path, version: object) -> None:
    data = json.loads(SAMPLE.dump()) | {"format_version": version}
    (tmp_path / FILE).write_text(json.dumps(data))
    with pytest.raises(CollectionDamagedError, match=f"this version reads {FORMAT_VERSION}"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"3", b'"text"', b"[1]", b"{}", b'{"format_version": 1}', b"\xff\xfe{}"],
)
def test_garbage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(CollectionDamagedError, match=FILE):
        read_manifest(tmp_path)


@pytest.mark.parametrize("key", ["format_version", "name", "encoder", "roots", "parts", "index"])
def test_missing_entry(tmp_path: Path, key: str) -> None:
    data = json.loads(SAMPLE.dump())
    del data[key]
    (tmp_path / FILE).write_text(json.dumps(data))
    with pytest.raises(CollectionDamagedError, match=key):
        read_manifest(tmp_path)


@pytest.mark.parametrize("key", ["encoder", "parts", "index"])
@pytest.mark.parametrize("value", [3, "text", [3], {"a": 1}])
def test_entry_of_another_shape(tmp_path: Path, key: str, value: object) -> None:
    (tmp_path / FILE).write_text(json.dumps(json.loads(SAMPLE.dump()) | {key: value}))
    with pytest.raises(CollectionDamagedError, match=FILE):
        read_manifest(tmp_path)


def test_every_shortened_manifest_is_refused(tmp_path: Path) -> None:
    whole = SAMPLE.dump().rstrip()
    for length in range(len(whole)):
        (tmp_path / FILE).write_text(whole[:length])
        with pytest.raises(CollectionDamagedError):
            read_manifest(tmp_path)
