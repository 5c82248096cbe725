"""Classes by prototypes and by votes equal slow loops over all files."""

from collections.abc import Set

import numpy as np
import pytest

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.records import ImageRecord
from simsearch.records.labelled import Calibration, ClassScore
from simsearch.search.identify import (
    ClassSums,
    Ranking,
    cut_for_strangers,
    identify,
    nearest_of_others,
    rank_by_vote,
    vote,
)
from tests.index.vectors import clustered, unit
from tests.search.test_neighbors import index_of

CLASSES, CONTENTS, DIM = 6, 40, 16
LABELS = [f"class{number}" for number in range(CLASSES)]
VECTORS = clustered(CONTENTS, DIM, seed=1)


def memberships(seed: int) -> list[tuple[int, int]]:
    """Return (class, content), each pair once; some contents are in two classes."""
    rng = np.random.default_rng(seed)
    once = list(enumerate(rng.integers(CLASSES, size=CONTENTS).tolist()))
    again = [(content, (class_ + 1) % CLASSES) for content, class_ in once[:8]]
    return [(class_, content) for content, class_ in [*once, *again]]


def sums_of(members: list[tuple[int, int]], block: int = 7) -> ClassSums:
    """Return the sums of members' vectors, taken in a few at a time."""
    sums = ClassSums(LABELS, DIM)
    for start in range(0, len(members), block):
        part = members[start : start + block]
        sums.add(np.array([c for c, _ in part]), VECTORS[[content for _, content in part]])
    return sums


def slow_prototypes(
    members: list[tuple[int, int]], query: Vectors, own: int | None
) -> list[tuple[str, float]]:
    """Return (label, cosine) of all classes, best first, by the definition."""
    found = []
    for number, label in enumerate(LABELS):
        mine = [VECTORS[c].astype(np.float64) for k, c in members if k == number and c != own]
        if mine:
            mean = sum(mine) / len(mine)
            found.append((label, float(mean @ query / np.sqrt(mean @ mean))))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("own", [None, 0, 5, 30])
def test_prototypes_equal_the_definition(seed: int, own: int | None) -> None:
    members = memberships(seed)
    query = clustered(1, DIM, seed=100 + seed)[0] if own is None else VECTORS[own]
    classes = np.unique(np.array([k for k, c in members if c == own], np.int64))
    left_out = np.zeros(DIM, np.float32) if own is None else VECTORS[own]
    found = sums_of(members).rank(query, classes, left_out)
    expected = slow_prototypes(members, query, own)[:2]
    assert [score.label for score in found] == [label for label, _ in expected]
    assert [score.score for score in found] == pytest.approx([s for _, s in expected], abs=1e-5)


def test_class_that_holds_only_the_picture_is_no_candidate() -> None:
    members = [(0, 0), (1, 1), (1, 2)]
    sums = sums_of(members)
    own = np.array([0])
    (only,) = sums.rank(VECTORS[0], own, VECTORS[0])
    assert only.label == "class1"
    nothing = np.zeros(DIM, np.float32)
    best, _ = sums.rank(VECTORS[0], own[:0], nothing)
    assert best.label == "class0"
    assert best.score == pytest.approx(1, abs=1e-3)


def test_class_without_a_direction_is_no_candidate() -> None:
    sums = ClassSums(["a", "b"], 2)
    sums.add(np.array([0, 0, 1]), np.array([[1, 0], [-1, 0], [0, 1]], np.float32))
    ranked = sums.rank(np.array([1, 0], np.float32), np.empty(0, np.int64), np.zeros(2, np.float32))
    assert ranked == [ClassScore("b", 0.0)]


def test_equal_prototypes_are_ordered_by_label_and_no_class_gives_none() -> None:
    sums = ClassSums(["a", "b", "c"], 2)
    sums.add(np.array([2, 1, 0]), np.array([[1, 0]] * 3, np.float32))
    query, nothing = np.array([1, 0], np.float32), np.empty(0, np.int64)
    assert [s.label for s in sums.rank(query, nothing, query)] == ["a", "b"]
    assert ClassSums([], 2).rank(query, nothing, query) == []


@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_class_that_is_not_their_own(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked, classes = rng.integers(CONTENTS, size=300), rng.integers(CLASSES, size=300)
    members = memberships(seed)
    by_prototype = sums_of(members).nearest_other(classes, VECTORS[asked])
    blocks = [
        (np.array([c for c, _ in part]), VECTORS[[content for _, content in part]])
        for part in (members[:7], members[7:])
    ]
    by_picture = nearest_of_others(classes, VECTORS[asked], blocks)
    for place, (content, own) in enumerate(zip(asked, classes, strict=True)):
        scores = dict(slow_prototypes(members, VECTORS[content], None))
        expected = max(score for label, score in scores.items() if label != LABELS[own])
        assert by_prototype[place] == pytest.approx(expected, abs=1e-5)
        others = [VECTORS[c] @ VECTORS[content] for k, c in members if k != own]
        assert by_picture[place] == pytest.approx(max(others), abs=1e-5)


def test_no_other_class_is_infinitely_far() -> None:
    own, vectors = np.zeros(2, np.int64), VECTORS[:2]
    sums = ClassSums(["a", "b"], DIM)
    sums.add(own, vectors)
    assert (sums.nearest_other(own, vectors) == -np.inf).all()
    assert (nearest_of_others(own, vectors, [(own, vectors)]) == -np.inf).all()


@pytest.mark.parametrize("pictures", [30, 3000])
def test_as_many_strangers_pass_as_asked_for(pictures: int) -> None:
    rng = np.random.default_rng(0)

    def drawn(count: int) -> Vectors:
        return (1 - np.exp(rng.normal(-2, 0.3, count))).astype(np.float32)

    scores, strangers = drawn(pictures), drawn(100_000)
    for far in (0.5, 0.1, 0.01):
        cut = cut_for_strangers(scores, 10, far)
        assert cut is not None
        assert far / 4 < (strangers >= cut).mean() < 4 * far
    in_two_classes = np.concatenate([scores, np.ones(pictures // 30, np.float32)])
    assert cut_for_strangers(in_two_classes, 10, 0.01) == pytest.approx(cut, abs=0.02)


def test_too_few_classes_or_pictures_tell_no_stranger() -> None:
    scores = np.linspace(0, 0.9, 30, dtype=np.float32)
    assert cut_for_strangers(scores, 10, 0.01) is not None
    assert cut_for_strangers(scores, 9, 0.01) is None
    assert cut_for_strangers(scores[:9], 10, 0.01) is None


def slow_votes(
    members: list[tuple[int, int]], query: Vectors, own: int | None, k: int
) -> list[tuple[str, float]]:
    """Return (label, best cosine) by votes, by looking at every content."""
    near = sorted(
        ((float(VECTORS[c] @ query), c) for c in range(CONTENTS) if c != own),
        key=lambda pair: -pair[0],
    )[:k]
    votes: dict[str, float] = {}
    best: dict[str, float] = {}
    for cosine, content in near:
        for number in range(CLASSES):
            if (number, content) in members:
                label = LABELS[number]
                votes[label] = votes.get(label, 0) + max(0, cosine)
                best[label] = max(best.get(label, -1), cosine)
    return [(name, best[name]) for name in sorted(votes, key=lambda n: (-votes[n], -best[n], n))]


def shelf_of(members: list[tuple[int, int]]) -> tuple[Ids, dict[int, ImageRecord]]:
    """Return postings and records: two copies of each content in each class it is in."""
    postings, records = [], {}
    for id_, (number, content) in enumerate([*members, *members]):
        postings.append((content, id_))
        path = f"{LABELS[number]}/{id_}.jpg"
        records[id_] = ImageRecord(id_, path, "/root", f"hash-{content}", 1, 1, 1, 1, "JPEG")
    return np.array(sorted(postings)), records


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("own", [None, 0, 30])
@pytest.mark.parametrize("k", [1, 5, 1000])
def test_votes_equal_a_scan(seed: int, own: int | None, k: int) -> None:
    members = memberships(seed)
    postings, records = shelf_of(members)
    query = clustered(1, DIM, seed=50 + seed)[0] if own is None else VECTORS[own]

    def lookup(ids: Set[int]) -> dict[int, ImageRecord]:
        return {id_: records[id_] for id_ in ids}

    index = index_of(VECTORS, postings)
    (found,) = rank_by_vote(index, lookup, [f"hash-{own}"], query[None], k)
    expected = slow_votes(members, query, own, k)
    assert [score.label for score in found.classes] == [label for label, _ in expected]
    assert [s.score for s in found.classes] == pytest.approx([s for _, s in expected], abs=1e-3)
    assert found.left_out == 2 * sum(content == own for _, content in members)


def test_many_neighbours_outvote_the_nearest() -> None:
    assert vote([({"a"}, 0.9), ({"b"}, 0.5), ({"b"}, 0.5)]) == [
        ClassScore("b", 0.5),
        ClassScore("a", 0.9),
    ]
    assert vote([({"a"}, 0.9), ({"b"}, 0.5), ({"b"}, 0.3)])[0].label == "a"


def test_negative_cosines_have_no_weight_and_ties_are_ordered() -> None:
    assert vote([({"b"}, -0.1), ({"a"}, -0.5), ({"a"}, -0.5)])[0] == ClassScore("b", -0.1)
    assert [score.label for score in vote([({"b", "a"}, 0.5)])] == ["a", "b"]
    assert vote([]) == []


def test_picture_in_an_empty_index_has_no_class() -> None:
    index = index_of(VECTORS[:0], np.empty((0, 2), np.int64))
    assert rank_by_vote(index, lambda _: {}, ["x"], unit(VECTORS[:1]), 5) == [Ranking([], 0)]


CALIBRATION = Calibration(10, -6, {0.01: 0.8}, 1, 1, 2)
RANKING = Ranking([ClassScore("a", 0.7), ClassScore("b", 0.4)], 3)


@pytest.mark.parametrize(
    ("threshold", "label"), [(None, "a"), (0.69, "a"), (0.7, "a"), (0.71, None)]
)
def test_unknown_is_under_the_threshold(threshold: float | None, label: str | None) -> None:
    found = identify("x.jpg", RANKING, "knn", None, threshold)
    assert (found.label, found.nearest, found.score) == (label, "a", 0.7)
    assert (found.probability, found.threshold) == (None, threshold)
    assert (found.photo, found.method, found.left_out) == ("x.jpg", "knn", 3)
    assert found.runner_up == ClassScore("b", 0.4)


def test_probability_is_the_calibration_s_of_the_score() -> None:
    found = identify("x.jpg", RANKING, "prototypes", CALIBRATION, 0.8)
    assert found.probability == pytest.approx(1 / (1 + np.exp(-1)))
    assert found.label is None


def test_no_class_at_all_is_unknown() -> None:
    found = identify("x.jpg", Ranking([], 0), "prototypes", CALIBRATION, 0.8)
    assert (found.label, found.nearest, found.score) == (None, None, None)
    assert (found.probability, found.runner_up) == (None, None)


def test_only_class_has_no_runner_up() -> None:
    found = identify("x.jpg", Ranking(RANKING.classes[:1], 0), "prototypes", None, None)
    assert (found.label, found.runner_up) == ("a", None)
