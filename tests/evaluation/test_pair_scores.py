"""All pairs, or a fair sample of them."""

from itertools import combinations

import numpy as np
import pytest

from simsearch.encoder.runtimes import Vectors
from simsearch.evaluation import pair_scores
from simsearch.evaluation.pair_scores import score_pairs

Pairs = list[tuple[float, int, int]]

LABELS = np.repeat([0, 1, 2, 3], [5, 9, 1, 15])


@pytest.fixture
def vectors() -> Vectors:
    """Return a vector for each of LABELS, of whole numbers, whose products float32 holds."""
    return np.random.default_rng(0).integers(-1000, 1000, (len(LABELS), 4)).astype(np.float32)


def expected(vectors: Vectors) -> Pairs:
    """Return (score, class, class) of all pairs, in order."""
    return sorted(
        described(float(vectors[a] @ vectors[b]), int(LABELS[a]), int(LABELS[b]))
        for a, b in combinations(range(len(LABELS)), 2)
    )


def found(vectors: Vectors, limit: int) -> Pairs:
    """Return what `score_pairs` gives, as `expected` has it."""
    pairs = score_pairs(vectors, LABELS, seed=1, limit=limit)
    same = zip(pairs.same, pairs.same_class, pairs.same_class, strict=True)
    different = zip(pairs.different, pairs.first_class, pairs.second_class, strict=True)
    return sorted(described(float(s), int(a), int(b)) for s, a, b in [*same, *different])


def described(score: float, a: int, b: int) -> tuple[float, int, int]:
    """Return a pair in a form that does not depend on which picture comes first."""
    return score, min(a, b), max(a, b)


@pytest.mark.parametrize("block", [1, 40, 10**6])
def test_all_pairs_once(monkeypatch: pytest.MonkeyPatch, vectors: Vectors, block: int) -> None:
    monkeypatch.setattr(pair_scores, "_BLOCK", block)
    count = len(LABELS) * (len(LABELS) - 1) // 2
    assert found(vectors, count) == expected(vectors)
    assert score_pairs(vectors, LABELS).all_pairs == count


def test_sample_has_all_same_pairs_and_some_different_ones(vectors: Vectors) -> None:
    limit = 200
    pairs, everything = found(vectors, limit), expected(vectors)
    assert set(pairs) < set(everything)
    assert len(set(pairs)) == len(pairs), "no pair twice"
    same = [pair for pair in everything if pair[1] == pair[2]]
    assert [pair for pair in pairs if pair[1] == pair[2]] == same
    assert limit / 4 < len(pairs) - len(same) <= limit
    assert score_pairs(vectors, LABELS, limit=limit).all_pairs == 435


def test_sample_of_same_pairs_where_they_alone_are_too_many(vectors: Vectors) -> None:
    pairs = score_pairs(vectors, LABELS, limit=100)
    assert 0 < len(pairs.same) < 151
    assert len(pairs.same) + len(pairs.different) <= 100


def test_sample_is_seeded(vectors: Vectors) -> None:
    first, again, other = (score_pairs(vectors, LABELS, seed, 200).different for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert sorted(first) != sorted(other)
