"""How far pairs stand out from what else is near."""

import numpy as np
import pytest

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.crowds import (
    AMONG,
    MISSING,
    crowding,
    crowding_of_found,
    gaps,
    ratios,
    without,
)
from tests.index.vectors import clustered

LOWEST = 0.4


def row(*cosines: float) -> Vectors:
    return np.array([cosines], np.float32)


@pytest.mark.parametrize("copies", [1, 2, 5, AMONG - 1])
def test_the_crowd_begins_behind_the_copies(copies: int) -> None:
    crowd = np.linspace(0.7, 0.6, AMONG - copies) if copies < AMONG - 1 else [0.65]
    near = row(*[0.95] * copies, *crowd)
    assert crowding(near, LOWEST) == pytest.approx([0.65], abs=1e-6)


def test_order_and_what_is_too_far_do_not_matter() -> None:
    near = row(0.9, *[0.6] * (AMONG - 1), 0.5, MISSING)
    expected = crowding(near[:, :AMONG], LOWEST)
    assert crowding(near, LOWEST) == expected == crowding(near[:, ::-1], LOWEST)


def test_nobody_is_further_than_the_lowest() -> None:
    assert crowding(row(0.9, *[0.3] * AMONG), LOWEST) == pytest.approx([LOWEST])


@pytest.mark.parametrize(
    "near", [row(), row(0.9), row(*[0.3] * (AMONG - 1)), row(0.9, *[MISSING] * AMONG)]
)
def test_few_others_tell_nothing_of_a_crowd(near: Vectors) -> None:
    assert crowding(near, LOWEST) == [1]


def test_both_sides_count_and_no_crowd_lies_beyond_reach() -> None:
    beside_a, beside_b = np.array([0.5, 0.9], np.float32), np.array([0.7, 0.9], np.float32)
    cosines = np.array([0.8, 0.95])
    for sides in ((beside_a, beside_b), (beside_b, beside_a)):
        assert ratios(cosines, *sides, 0.85) == pytest.approx(np.log([2, 3]), abs=1e-6)
        expected = np.sqrt([0.8, 0.3]) - np.sqrt([0.4, 0.1])
        assert gaps(cosines, *sides, 0.85) == pytest.approx(expected, abs=1e-6)


def test_the_same_picture_is_no_division_by_zero() -> None:
    beside = np.array([1.0], np.float32)
    assert ratios(np.array([1.0]), beside, beside, 1.0) == pytest.approx([0])
    assert gaps(np.array([1.0]), beside, beside, 1.0) == pytest.approx([0])


def test_who_asked_and_what_is_missing_do_not_count() -> None:
    cosines, found = row(1.0, 0.8, -3.4), np.array([[7, 2, -1]])
    assert without(cosines, found, np.array([7])) == pytest.approx(row(MISSING, 0.8, MISSING))
    assert without(cosines, found, np.array([-1])) == pytest.approx(row(1.0, 0.8, MISSING))


def test_a_guest_counts_among_the_neighbours_of_what_it_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if it were stored, too; whoever is stored is no guest."""
    monkeypatch.setattr("simsearch.search.crowds._AT_ONCE", 5)
    vectors = clustered(60, 8, seed=3)
    stored, guest = vectors[:-1], vectors[-1]

    def search(asking: Vectors, k: int) -> tuple[Vectors, Ids]:
        cosines = asking @ stored.T
        found = np.argsort(-cosines, axis=1)[:, :k]
        return np.take_along_axis(cosines, found, axis=1), found

    places = np.array([50, 3, 3, *range(20)])
    cosines = (stored[places] @ guest).astype(np.float32)
    everyone = vectors @ vectors.T
    np.fill_diagonal(everyone, MISSING)
    found = crowding_of_found(places, cosines, stored.__getitem__, search, -1)
    assert found == pytest.approx(crowding(everyone, -1)[places], abs=1e-5)
    nobody = np.full(len(places), MISSING, np.float32)
    found = crowding_of_found(places, nobody, stored.__getitem__, search, -1)
    assert found == pytest.approx(crowding(everyone[:-1, :-1], -1)[places], abs=1e-5)
    none = np.empty(0, np.int64), np.empty(0, np.float32)
    assert len(crowding_of_found(*none, stored.__getitem__, search, -1)) == 0
