"""Every miner gives triplets of one class and another; each by its own rule."""

from collections.abc import Callable

import pytest
import torch

from simsearch.errors import InputError
from simsearch.training.miners import load_miner, miner_names
from tests.training.oracles import Batch, clusters

NAMES = miner_names()
Case = tuple[torch.Tensor, ...]
CASES = [(seed, with_reference) for seed in range(4) for with_reference in (False, True)]


def case(seed: int, with_reference: bool) -> Case:
    """Return a batch with a class of one picture, and a memory that lacks one of its classes."""
    batch = clusters(seed, [4, 5, 1, 3, 4], dim=16)
    return (*batch, *clusters(seed + 10, [3, 5, 2, 0, 4, 2], dim=16)) if with_reference else batch


def mine(name: str, tensors: Case, seed: int = 0) -> list[tuple[int, int, int]]:
    torch.manual_seed(seed)
    found = load_miner(name).mine(*tensors)
    if found is None:
        return Batch(*tensors).triplets()
    return list(zip(*(column.tolist() for column in found), strict=True))


def test_unknown_name_lists_those_that_there_are() -> None:
    assert {"batch_all", "batch_hard", "semi_hard", "selective", "random"} <= set(NAMES)
    with pytest.raises(InputError, match="unknown mining 'magic'") as caught:
        load_miner("magic")
    assert all(name in str(caught.value) for name in NAMES)
    with pytest.raises(InputError):
        load_miner("_hardness")


@pytest.mark.parametrize(("seed", "with_reference"), CASES)
@pytest.mark.parametrize("name", NAMES)
def test_triplets_are_valid(name: str, seed: int, with_reference: bool) -> None:
    tensors = case(seed, with_reference)
    found = mine(name, tensors)
    assert found
    assert set(found) <= set(Batch(*tensors).triplets())


@pytest.mark.parametrize("with_reference", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_find(name: str, with_reference: bool) -> None:
    """Classes of one picture have no positives, a single class no negatives."""
    vectors = clusters(0, [4])[0]
    for labels, others in ((torch.arange(4), torch.arange(4, 8)), (torch.zeros(4), torch.zeros(4))):
        tensors: Case = (vectors, labels.long())
        if with_reference:
            tensors = (*tensors, vectors.roll(1, dims=0), others.long())
        assert mine(name, tensors) == []


def hardest(batch: Batch) -> list[tuple[int, int, int]]:
    return [
        (a, far(batch, a), near(batch, a, batch.negatives(a)))
        for a in range(len(batch.labels))
        if batch.positives(a) and batch.negatives(a)
    ]


def semi_hard(batch: Batch) -> list[tuple[int, int, int]]:
    found = []
    for a in range(len(batch.labels)):
        if batch.positives(a):
            p = far(batch, a)
            beyond = [n for n in batch.negatives(a) if batch.distance(a, n) > batch.distance(a, p)]
            found += [(a, p, near(batch, a, beyond))] if beyond else []
    return found


def selective(batch: Batch) -> list[tuple[int, int, int]]:
    return [
        (a, near(batch, a, batch.positives(a)), near(batch, a, batch.negatives(a)))
        for a in range(len(batch.labels))
        if batch.positives(a) and batch.negatives(a)
    ]


def first_positive(batch: Batch) -> list[tuple[int, int, int]]:
    found = []
    for a in range(len(batch.labels)):
        if batch.negatives(a) and batch.positives(a):
            among = [*batch.positives(a), *([a] if batch.alone else [])]
            partners = batch.positives(a) if min(among) == a and batch.alone else [min(among)]
            found += [(a, p, near(batch, a, batch.negatives(a))) for p in partners]
    return found


def far(batch: Batch, anchor: int) -> int:
    return max(batch.positives(anchor), key=lambda other: batch.distance(anchor, other))


def near(batch: Batch, anchor: int, among: list[int]) -> int:
    return min(among, key=lambda other: batch.distance(anchor, other))


@pytest.mark.parametrize(("seed", "with_reference"), CASES)
@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("batch_all", Batch.triplets),
        ("batch_hard", hardest),
        ("first_positive", first_positive),
        ("semi_hard", semi_hard),
        ("selective", selective),
    ],
)
def test_rule(
    name: str,
    oracle: Callable[[Batch], list[tuple[int, int, int]]],
    seed: int,
    with_reference: bool,
) -> None:
    tensors = case(seed, with_reference)
    assert sorted(mine(name, tensors)) == sorted(oracle(Batch(*tensors)))


def test_semi_hard_differs_from_batch_hard_in_the_cases_above() -> None:
    batches = [Batch(*case(*each)) for each in CASES]
    assert all(semi_hard(batch) != hardest(batch) for batch in batches)
    assert any(len(semi_hard(batch)) < len(hardest(batch)) for batch in batches)


@pytest.mark.parametrize("with_reference", [False, True])
@pytest.mark.parametrize("name", ["random", "distance_weighted"])
def test_draws_are_seeded_by_torch(name: str, with_reference: bool) -> None:
    tensors = case(0, with_reference)
    assert mine(name, tensors, seed=1) == mine(name, tensors, seed=1)
    assert mine(name, tensors, seed=1) != mine(name, tensors, seed=2)


@pytest.mark.parametrize("with_reference", [False, True])
def test_random_draws_one_triplet_an_anchor_and_each_equally_often(with_reference: bool) -> None:
    tensors = case(1, with_reference)
    batch = Batch(*tensors)
    able = [a for a in range(len(batch.labels)) if batch.positives(a) and batch.negatives(a)]
    drawn = []
    for seed in range(300):
        found = mine("random", tensors, seed)
        assert sorted(a for a, _, _ in found) == able
        drawn += [(p, n) for a, p, n in found if a == able[0]]
    for position, choice in ((0, batch.positives(able[0])), (1, batch.negatives(able[0]))):
        counts = {other: sum(pair[position] == other for pair in drawn) for other in choice}
        assert min(counts.values()) > 0.4 * 300 / len(choice)
        assert max(counts.values()) < 2 * 300 / len(choice)


def test_distance_weighted_prefers_negatives_at_rare_distances() -> None:
    """Most of a sphere is far away, so a near negative weighs more; the farthest are left out."""
    near_one = torch.tensor([0.8, 0.6, *[0.0] * 14])
    vectors = torch.zeros(12, 16)
    vectors[0, 0] = vectors[1, 0] = 1
    vectors[2] = near_one
    for row in range(3, 11):
        vectors[row, row] = 1  # at a distance of 1.414, where the loss is nothing
    vectors[11] = torch.nn.functional.normalize(torch.tensor([0.2, *[0.0] * 14, 1.0]), dim=0)
    labels = torch.tensor([0, 0, *range(1, 11)])
    found = [n for seed in range(200) for _, _, n in mine("distance_weighted", (vectors, labels))]
    assert set(found) <= {2, 11}
    assert found.count(2) > 0.9 * len(found)
