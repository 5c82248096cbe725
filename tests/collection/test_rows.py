"""Which rows a run knows before it looks at a file."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.collection.conftest import Library, counts, picture_bytes, put, rows


def test_rebuild_embeds_everything_again(three: Library, embedded: list[str]) -> None:
    before = rows(three.collection)
    assert three.sync(rebuild=True) == {"new": 3}
    assert len(embedded) == 3
    assert three.collection.manifest.generation == 2
    after = rows(three.collection)
    assert all(np.array_equal(after[path].vector, row.vector) for path, row in before.items())


def test_rebuild_embeds_the_other_folders_again_too(
    three: Library, tmp_path: Path, embedded: list[str]
) -> None:
    other = put(tmp_path / "other" / "four.jpg", picture_bytes(4)).parent
    report = three.collection.add(other, rebuild=True)
    assert counts(report) == {"new": 4}
    assert len(embedded) == 4


def test_rebuild_drops_a_folder_that_is_gone(three: Library, tmp_path: Path) -> None:
    other = put(tmp_path / "other" / "four.jpg", picture_bytes(4))
    three.collection.add(other.parent)
    other.unlink()
    other.parent.rmdir()
    assert three.sync(rebuild=True) == {"new": 3, "removed": 1}


def test_left_over_part_is_taken_over_with_its_digests(three: Library, embedded: list[str]) -> None:
    (listed,) = three.collection.manifest.parts
    folder = three.collection.folder / "embeddings"
    (folder / listed.file).rename(folder / "part-000001-00007.parquet")
    (three.collection.folder / "manifest.json").unlink()
    report = three.collection.add(three.folder)
    assert (report.recovered, embedded) == (3, [])
    (part,) = three.collection.manifest.parts
    assert part == replace(listed, file="part-000001-00007.parquet")
    assert three.collection.check().problems == []
