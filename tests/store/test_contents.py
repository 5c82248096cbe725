"""Which rows share their content."""

import random
from pathlib import Path

import pytest

from simsearch.store.reader import read_contents
from tests.store.made import record, write_rows


@pytest.mark.parametrize("seed", range(5))
def test_contents_equal_an_obvious_count(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    ids = chance.sample(range(1000), 60)
    hashes = [f"hash-{chance.randrange(25)}" for _ in ids]
    rows = [record(id_, digest) for id_, digest in zip(ids, hashes, strict=True)]
    parts = [
        part
        for start in range(0, 60, 20)
        for part in write_rows(tmp_path, rows[start : start + 20])
    ]

    contents, read_hashes = read_contents(tmp_path, parts)

    order: list[str] = []
    for digest in hashes:
        if digest not in order:
            order.append(digest)
    assert read_hashes == hashes
    assert contents.ids.tolist() == ids
    assert contents.numbers.tolist() == [order.index(digest) for digest in hashes]
    assert contents.first.tolist() == [hashes.index(d) == row for row, d in enumerate(hashes)]
    assert contents.count == len(set(hashes))


def test_no_parts_no_contents(tmp_path: Path) -> None:
    contents, hashes = read_contents(tmp_path, [])
    assert (contents.count, len(contents.ids), hashes) == (0, 0, [])
