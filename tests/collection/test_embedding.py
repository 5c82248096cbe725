"""What goes through the encoder, and what does not."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from simsearch.encoder import embed as embedding
from simsearch.records import ImageRecord
from tests.collection.conftest import Library, counts, rows, touch


def test_new_file_is_the_only_one_embedded(three: Library, embedded: list[str]) -> None:
    before = rows(three.collection)
    three.put("b/four.jpg", 4)
    assert three.sync() == {"new": 1, "unchanged": 3}
    assert embedded == ["b/four.jpg"]
    after = rows(three.collection)
    assert all(after[path].id == row.id for path, row in before.items())
    assert three.collection.manifest.generation == 2


def test_changed_content_gets_a_new_vector_and_keeps_the_id(
    three: Library, embedded: list[str]
) -> None:
    path = three.folder / "a/one.jpg"
    before = rows(three.collection)[path]
    three.put("a/one.jpg", 9)
    assert three.sync() == {"updated": 1, "unchanged": 2}
    after = rows(three.collection)[path]
    assert embedded == ["a/one.jpg"]
    assert after.id == before.id
    assert after.vector.astype(float) @ before.vector.astype(float) < 0.99


def test_touched_file_is_read_once_and_not_embedded(
    three: Library, embedded: list[str], opened: list[str]
) -> None:
    path = touch(three.folder / "a/one.jpg")
    assert three.sync() == {"unchanged": 3}
    assert opened == ["one.jpg"]
    assert rows(three.collection)[path].mtime_ns == path.stat().st_mtime_ns
    assert three.sync() == {"unchanged": 3}
    assert (opened, embedded) == (["one.jpg"], [])


def test_picture_without_a_finite_vector_is_a_failure(
    three: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embed(*args: Any) -> Iterator[tuple[ImageRecord, Any]]:
        for record, vector in embedding.embed(*args):
            yield record, vector * np.nan if record.path.startswith("bad") else vector

    monkeypatch.setattr("simsearch.collection.embedding.embed", embed)
    three.put("bad.jpg", 5)
    three.put("bad copy.jpg", 5)
    three.put("good.jpg", 6)
    report = three.collection.add(three.folder)
    assert report.images == 4
    assert report.failed == 2
    assert counts(report) == {"new": 1, "unchanged": 3}


def test_progress_begins_with_none_and_ends_with_all_that_was_to_do(library: Library) -> None:
    for seed in range(5):
        library.put(f"{seed}.jpg", seed)
    seen: list[tuple[int, int]] = []
    library.sync(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 5) for done in range(6)]
