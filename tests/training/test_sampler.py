"""Batches of P classes and K pictures: every class, every picture in turn, seeded, confusable."""

from collections import Counter

import numpy as np
import pytest

from simsearch.evaluation.labelled import Labels
from simsearch.training.confusion import Weights
from simsearch.training.sampler import Rows, firsts, plan_epoch, shuffled
from tests.training.confusions import confusion_of

SIZES = {
    "even": [6] * 12,
    "uneven": [2, 40, 3, 7, 9, 5, 1, 1, 12, 4],
    "fewer classes than P": [5, 9, 4],
    "two pictures each": [2] * 30,
    "a turn shows not quite all": [4] * 10,
}


def labels_of(sizes: list[int]) -> Labels:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))


def plan(labels: Labels, seed: int = 0, p: int = 4, k: int = 3) -> list[Rows]:
    return plan_epoch(labels, p, k, (seed, 2, 0))


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_p_and_k_are_kept(sizes: list[int]) -> None:
    labels = labels_of(sizes)
    for batch in plan(labels):
        assert len(set(batch.tolist())) == len(batch)
        counts = Counter(labels[batch].tolist())
        assert len(counts) == min(4, len(sizes))
        assert all(count == min(3, sizes[number]) for number, count in counts.items())


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_every_class_once_and_about_as_many_pictures_as_there_are(sizes: list[int]) -> None:
    labels = labels_of(sizes)
    for seed in range(10):
        batches = plan(labels, seed)
        assert {int(label) for batch in batches for label in labels[batch]} == set(labels.tolist())
        shown = sum(map(len, batches))
        turns = -(-len(sizes) // 4)
        assert len(labels) <= shown <= max(len(labels) + 4 * 3, turns * 4 * 3)


def test_first_turn_shows_every_class_before_one_comes_again() -> None:
    labels = labels_of(SIZES["even"])
    first = np.concatenate(plan(labels)[:3])
    assert sorted(set(labels[first].tolist())) == list(range(12))


@pytest.mark.parametrize("confused", [False, True])
def test_seeded(confused: bool) -> None:
    labels = labels_of(SIZES["uneven"])
    confusion = confusion_of(np.random.default_rng(1).random((10, 10))) if confused else None

    def rows(*seed: int) -> list[list[int]]:
        return [batch.tolist() for batch in plan_epoch(labels, 4, 3, seed, confusion)]

    assert rows(0, 2, 5) == rows(0, 2, 5)
    assert len({str(rows(*seed)) for seed in ((0, 2, 5), (0, 2, 6), (1, 2, 5), (0, 2, 5, 1))}) == 4


def test_pictures_are_taken_in_turn() -> None:
    labels = labels_of(SIZES["uneven"])
    shown = Counter(np.concatenate(plan(labels, p=3)).tolist())
    for number in range(labels.max() + 1):
        times = [shown[int(row)] for row in np.flatnonzero(labels == number)]
        assert max(times) - min(times) <= 1


def planted() -> tuple[Labels, Weights]:
    """Return labels of 24 classes and a confusion of each with its three neighbours of four."""
    labels = labels_of([4] * 24)
    confusion = np.full((24, 24), 0.001)
    for first in range(0, 24, 4):
        confusion[first : first + 4, first : first + 4] = 1.0
    np.fill_diagonal(confusion, 0)
    return labels, confusion


def share_of_planted(labels: Labels, batches: list[Rows]) -> float:
    """Return how many of the pairs of classes in a batch are of one group of four."""
    pairs = [
        a // 4 == b // 4
        for batch in batches
        for a in np.unique(labels[batch])
        for b in np.unique(labels[batch])
        if a < b
    ]
    return float(np.mean(pairs))


def test_confusable_classes_land_in_a_batch_together() -> None:
    labels, confusion = planted()
    apart = np.mean([share_of_planted(labels, plan(labels, seed)) for seed in range(5)])
    together = np.mean(
        [
            share_of_planted(labels, plan_epoch(labels, 4, 3, (seed,), confusion_of(confusion)))
            for seed in range(5)
        ]
    )
    assert apart < 0.25
    assert together > 0.9


def test_confusion_keeps_p_k_every_class_and_no_class_twice() -> None:
    labels, confusion = planted()
    confusion[:8] = 0  # these are confused with nothing
    confusion[8] = 0
    confusion[8, 20] = 1.0  # and this with a single one
    for seed in range(5):
        batches = plan_epoch(labels, 6, 3, (seed,), confusion_of(confusion))
        assert {int(label) for batch in batches for label in labels[batch]} == set(range(24))
        for batch in batches:
            counts = Counter(labels[batch].tolist())
            assert len(counts) == 6
            assert set(counts.values()) == {3}


def test_a_class_gives_one_picture_several_times_where_views_are_copies() -> None:
    labels = np.repeat(np.arange(40), [1] * 36 + [5, 8, 8, 12])
    batches = plan_epoch(labels, 6, 4, (0, 2, 0), repeated=True)
    for batch in batches:
        turns = batch.reshape(6, 4)
        assert (turns == turns[:, :1]).all(), "copies of one picture, side by side"
        assert len(set(labels[turns[:, 0]].tolist())) == 6, "no two of one class in a batch"


def test_every_picture_has_its_turn_where_views_are_copies() -> None:
    labels = np.repeat(np.arange(40), [1] * 36 + [5, 8, 8, 12])
    batches = plan_epoch(labels, 6, 4, (0, 2, 0), repeated=True)
    times = Counter(int(row) for batch in batches for row in batch[::4])
    assert set(times) == set(range(len(labels)))
    assert {times[row] for row in np.flatnonzero(labels >= 36).tolist()} == {1}
    assert sum(times.values()) % 6 == 0
    filled_up = sum(times.values()) - len(labels)
    assert filled_up <= 12 * 6, "the largest class is there to the end, with whom it may be"


def test_shuffled_batches_hold_the_same_in_other_company() -> None:
    labels = np.repeat(np.random.default_rng(1).permutation(30), 4)
    batches = shuffled(labels, labels, 7, (0, 2, 1))
    assert sorted(np.concatenate(batches).tolist()) == list(range(120))
    assert {len(batch) // 4 for batch in batches} == {6}, "30 classes in five even batches"
    for batch in batches:
        parts = batch.reshape(-1, 4)
        assert (np.diff(parts, axis=1) == 1).all(), "what a class showed keeps its order"
        assert len(set(labels[batch].tolist())) == len(parts)
    company = [frozenset(labels[batch].tolist()) for batch in batches]
    other = [frozenset(labels[b].tolist()) for b in shuffled(labels, labels, 7, (0, 2, 2))]
    assert set(company) != set(other)


def test_turns_of_one_class_are_shuffled_into_different_batches() -> None:
    sizes = [1] * 60 + [8, 8, 5]
    labels = np.repeat(np.arange(len(sizes)), sizes)
    shown = np.concatenate(plan_epoch(labels, 8, 2, (0, 2, 0), repeated=True))
    for seed in range(5):
        batches = shuffled(labels[shown], shown, 8, (0, 2, seed))
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(shown)))
        for batch in batches:
            rows = shown[batch].reshape(-1, 2)
            assert (rows[:, 0] == rows[:, 1]).all(), "a picture and its copy"
            assert len(set(labels[rows[:, 0]].tolist())) == len(rows)


def test_turns_that_follow_each_other_are_told_apart() -> None:
    """A class may come last in a batch and first in the next."""
    labels, shown = np.array([0, 0, 1, 1, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 5, 5, 3, 3])
    batches = shuffled(labels, shown, 2, (0,))
    assert sorted(map(len, batches)) == [4, 4]
    assert all(len(set(labels[batch].tolist())) == 2 for batch in batches)


def test_firsts() -> None:
    assert firsts(np.array([3, 3, 0, 3, 0, 9])).tolist() == [0, 0, 2, 0, 2, 5]
