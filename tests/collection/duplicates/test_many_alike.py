"""Groups of thousands: what is told grows with the pictures, not with their pairs."""

import os
from pathlib import Path

import pytest

from simsearch import Collection
from simsearch.actions.planning import plan_rows
from simsearch.config import KeepRules
from simsearch.records import Duplicates
from tests.collection.conftest import picture_bytes, put

IDENTICAL = 3000
DIFFERENT = 40


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Collection]:
    """Return a folder with one picture 3,000 times and another twice, and its collection."""
    folder = tmp_path_factory.mktemp("many")
    blank = put(folder / "blank.jpg", picture_bytes(0))
    for number in range(1, IDENTICAL):
        os.link(blank, folder / f"blank-{number}.jpg")
    put(folder / "sub" / "one.jpg", picture_bytes(1))
    put(folder / "sub" / "two.jpg", picture_bytes(1))
    collection = Collection("many", home=tmp_path_factory.mktemp("home"))
    collection.add(folder)
    return folder, collection


@pytest.mark.parametrize(("threshold", "exact"), [(None, True), (None, False), (-1.0, False)])
def test_identical_files_are_a_star(
    many: tuple[Path, Collection], threshold: float | None, exact: bool
) -> None:
    folder, collection = many
    found = collection.duplicates(threshold, exact, rules=KeepRules(("path",)))
    similar = [pair for pair in found.pairs if pair.kind != "exact"]
    assert len(found.pairs) - len(similar) == IDENTICAL - 1 + 1
    assert len(similar) == (1 if threshold == -1 else 0)
    first = found.groups[0]
    assert first.best.full_path == str(folder / "blank.jpg")
    assert len(set(first.members)) == IDENTICAL + (2 if threshold == -1 else 0)
    assert len(found.groups) == (1 if threshold == -1 else 2)
    blank = str(folder / "blank.jpg")
    assert sum(blank in (pair.a, pair.b) for pair in found.pairs) == IDENTICAL - 1 + len(similar)


def test_all_but_the_best_are_dropped_and_what_is_protected_stays(
    many: tuple[Path, Collection],
) -> None:
    folder, collection = many
    protected = str(folder / "sub")
    rules = KeepRules(("path",), protect=(protected,), reference=(protected,))
    rows = plan_rows(collection.duplicates(exact=True, rules=rules).groups, rules)
    assert [row.action for row in rows] == ["keep", "keep"]
    rows = plan_rows(collection.duplicates(exact=True).groups, KeepRules())
    assert sum(row.action == "drop" for row in rows) == IDENTICAL


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Return a collection of different pictures, one of them three times."""
    folder = tmp_path_factory.mktemp("crowd")
    for seed in range(DIFFERENT):
        put(folder / f"{seed:02d}.jpg", picture_bytes(seed))
    put(folder / "copy.jpg", picture_bytes(3))
    put(folder / "copy too.jpg", picture_bytes(3))
    collection = Collection("crowd", home=tmp_path_factory.mktemp("home"))
    collection.add(folder)
    return collection


def ends(found: Duplicates) -> set[str]:
    return {path for pair in found.pairs for path in (pair.a, pair.b)}


@pytest.mark.parametrize("most", [1, 3, 10])
@pytest.mark.parametrize("threshold", [-1.0, 0.5, 0.7, 0.8, 0.9])
def test_a_crowd_has_the_groups_of_all_pairs_and_everyone_is_in_a_pair(
    crowd: Collection, most: int, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = crowd.duplicates(threshold)
    monkeypatch.setattr("simsearch.search.join.MOST_EACH", most)
    found = crowd.duplicates(threshold)
    assert found.groups == every.groups
    assert set(found.pairs) <= set(every.pairs)
    assert ends(found) == ends(every)
    crowded = len(every.pairs) > most * (DIFFERENT + 2)
    assert not crowded or len(found.pairs) < len(every.pairs)


def test_what_was_told_apart_is_no_tie_of_a_crowd_either(
    crowd: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = {
        row["root"] + "/" + row["path"]: row["content_hash"]
        for row in crowd.embeddings().to_pylist()
    }
    best, *others = crowd.duplicates(-1.0).groups[0].members
    other = next(member for member in others if hashes[member] != hashes[best])
    crowd.tell_apart([(hashes[best], hashes[other])])
    monkeypatch.setattr("simsearch.search.join.MOST_EACH", 3)
    found = crowd.duplicates(-1.0)
    led = {group.best.full_path: group for group in found.groups}
    assert other not in led[best].members  # it may lead a group of its own, even a larger one
    assert frozenset({best, other}) not in {frozenset({pair.a, pair.b}) for pair in found.pairs}
