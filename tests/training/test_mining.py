"""Global mining: the classes that are confused with each other, found by search."""

import numpy as np
import pytest

from simsearch.encoder.embed import normalized
from simsearch.evaluation.labelled import Labels
from simsearch.training.confusion import Weights
from simsearch.training.mining import GUARD, Vectors, index_of
from simsearch.training.mining import confused_classes as found_by_search
from tests.training.confusions import dense

DIM = 16


def confused_classes(vectors: Vectors, labels: Labels, k: int, guard: float = GUARD) -> Weights:
    """Return [classes, classes]."""
    return dense(found_by_search(vectors, labels, k, guard))


def planted(
    seed: int, pairs: int = 5, pictures: int = 6, spread: float = 0.12
) -> tuple[Vectors, Labels]:
    """Return classes 2i and 2i + 1 near each other, and far from all others."""
    rng = np.random.default_rng(seed)
    centres = normalized(rng.normal(size=(pairs, DIM)).astype(np.float32)).repeat(2, axis=0)
    centres += 0.08 * rng.normal(size=centres.shape).astype(np.float32)
    labels = np.repeat(np.arange(2 * pairs), pictures)
    noise = spread * rng.normal(size=(len(labels), DIM)).astype(np.float32)
    order = rng.permutation(len(labels))
    return normalized(centres[labels] + noise)[order], labels[order]


def by_hand(vectors: Vectors, labels: Labels, k: int, guard: float) -> np.ndarray:
    """Return what `confused_classes` should, by sorting everything."""
    classes = int(labels.max()) + 1
    confusion = np.zeros((classes, classes))
    cosines = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    for row in range(len(vectors)):
        ranked = [int(other) for other in np.argsort(-cosines[row]) if other != row][:k]
        same = [cosines[row, other] for other in ranked if labels[other] == labels[row]]
        for rank, other in enumerate(ranked, start=1):
            if same and labels[other] != labels[row] and cosines[row, other] <= guard * max(same):
                confusion[labels[row], labels[other]] += 1 / rank
    return confusion


@pytest.mark.parametrize("seed", range(3))
def test_planted_classes_are_found(seed: int) -> None:
    vectors, labels = planted(seed)
    confusion = confused_classes(vectors, labels, k=12)
    assert confusion.shape == (10, 10)
    assert (np.diag(confusion) == 0).all()
    partners = np.arange(10) ^ 1
    assert confusion.argmax(axis=1).tolist() == partners.tolist()
    assert confusion[np.arange(10), partners].sum() > 0.8 * confusion.sum()


@pytest.mark.parametrize("guard", [0.9, 0.95, 1.0])
@pytest.mark.parametrize("k", [3, 10, 59, 200])
def test_counts_one_over_rank_like_a_sort_of_everything(k: int, guard: float) -> None:
    vectors, labels = planted(3, spread=0.25)
    found = confused_classes(vectors, labels, k, guard)
    expected = by_hand(vectors, labels, k, guard)
    assert expected.sum() > 0
    # The index holds float16: neighbours that are as near as each other may change places.
    assert found == pytest.approx(expected, rel=0.02, abs=0.01)


def test_a_mislabelled_copy_is_left_out() -> None:
    """A copy under another label lies nearer than any positive: no negative to learn from."""
    vectors, labels = planted(0)
    row = int(np.flatnonzero(labels == 0)[0])
    far = int(np.flatnonzero(labels == 9)[0])
    vectors[far] = normalized(vectors[row : row + 1] + np.float32(1e-3))
    assert confused_classes(vectors, labels, k=12)[0, 9] == 0
    assert by_hand(vectors, labels, 12, guard=2.0)[0, 9] > 0, "without the guard it counts"


def test_classes_of_one_picture_are_found_but_ask_nothing() -> None:
    vectors, labels = planted(1)
    alone = labels.copy()
    alone[np.flatnonzero(labels == 1)[1:]] = 0  # all but one of class 1's pictures are class 0's
    confusion = confused_classes(vectors, alone, k=30)
    assert (confusion[1] == 0).all()
    assert confusion[:, 1].sum() > 0


def test_nothing_but_single_pictures_or_one_class() -> None:
    vectors, _ = planted(0)
    assert confused_classes(vectors, np.arange(len(vectors)), k=12).sum() == 0
    assert confused_classes(vectors, np.zeros(len(vectors), np.int64), k=12).tolist() == [[0]]


def test_index_finds_each_vector() -> None:
    vectors, _ = planted(2)
    scores, found = index_of(vectors).search(vectors, 1)
    assert found[:, 0].tolist() == list(range(len(vectors)))
    assert scores[:, 0] == pytest.approx(np.ones(len(vectors)), abs=1e-3)


def test_pictures_of_their_own_class_count_where_they_are_copied() -> None:
    """Each of three pictures is alone in its class; a fourth is a copy of the first."""
    angles = np.array([0.0, 0.5, 1.6, 0.05])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels = np.arange(4)
    assert not dense(found_by_search(vectors, labels, 3)).any()
    confusion = dense(found_by_search(vectors, labels, 3, alone=True))
    assert confusion[0, 3] == 0, "nearer than the guard: very likely the same picture"
    assert confusion[0, 1] > confusion[0, 2] > 0
