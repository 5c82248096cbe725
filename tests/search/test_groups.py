"""Groups are stars: everyone is tied directly to the best of his group."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from simsearch.search.groups import Pair, star_groups

nodes = st.integers(0, 15)
pairs = st.lists(
    st.tuples(nodes, nodes, st.floats(-1, 1)).filter(lambda pair: pair[0] < pair[1]),
    unique_by=lambda pair: pair[:2],
)
ranks = st.permutations(range(16))


@given(pairs, ranks)
def test_members_are_tied_to_a_better_one(pairs: list[Pair], rank: list[int]) -> None:
    scores = {frozenset(pair[:2]): pair[2] for pair in pairs}
    groups = star_groups(pairs, rank)
    grouped = [node for best, ties in groups for node in (best, *(tie[1] for tie in ties))]
    assert len(grouped) == len(set(grouped))
    for best, ties in groups:
        assert ties
        for a, b, score in ties:
            assert a == best
            assert score == scores[frozenset({a, b})]
            assert rank.index(best) < rank.index(b)


@given(pairs, ranks)
def test_no_two_bests_are_tied_and_members_join_the_strongest_earlier_one(
    pairs: list[Pair], rank: list[int]
) -> None:
    scores = {frozenset(pair[:2]): pair[2] for pair in pairs}
    groups = star_groups(pairs, rank)
    bests = [best for best, _ in groups]
    assert not any(frozenset({a, b}) in scores for a in bests for b in bests)
    for _, ties in groups:
        for _, member, score in ties:
            earlier = [best for best in bests if rank.index(best) < rank.index(member)]
            assert score == max(scores.get(frozenset({best, member}), -2.0) for best in earlier)


@given(pairs, ranks, st.randoms())
def test_order_of_pairs_does_not_matter(pairs: list[Pair], rank: list[int], chance: Random) -> None:
    shuffled = list(pairs)
    chance.shuffle(shuffled)
    assert star_groups(shuffled, rank) == star_groups(pairs, rank)


@given(pairs, ranks, st.sets(nodes))
def test_ties_of_the_crowded_are_asked_for_where_they_count(
    pairs: list[Pair], rank: list[int], crowded: set[int]
) -> None:
    known = [pair for pair in pairs if not crowded.issuperset(pair[:2])]
    asked: list[int] = []

    def all_ties(some: Sequence[int]) -> list[Pair]:
        asked.extend(some)
        both = pairs + [(b, a, score) for a, b, score in pairs]
        return [pair for pair in both if pair[0] in some]

    assert star_groups(known, rank, crowded, all_ties) == star_groups(pairs, rank)
    assert len(asked) == len(set(asked))
    assert crowded.issuperset(asked)


def test_no_pairs_no_groups() -> None:
    assert star_groups([], [1, 2]) == []


def test_a_chain_is_no_group() -> None:
    chain = [(i, i + 1, 0.9) for i in range(5)]
    assert star_groups(chain, range(6)) == [
        (0, [(0, 1, 0.9)]),
        (2, [(2, 3, 0.9)]),
        (4, [(4, 5, 0.9)]),
    ]
    assert star_groups(chain, [1, 4, 0, 2, 3, 5])[0] == (1, [(1, 0, 0.9), (1, 2, 0.9)])


def test_largest_first_then_by_rank() -> None:
    pairs = [(8, 9, 0.99), (1, 2, 0.9), (4, 5, 0.95), (4, 6, 0.91)]
    assert [best for best, _ in star_groups(pairs, [8, 1, 4, 2, 5, 6, 9])] == [4, 8, 1]


def test_a_member_joins_the_best_it_is_nearest_to() -> None:
    pairs = [(0, 9, 0.91), (1, 9, 0.99), (0, 3, 0.95)]
    assert star_groups(pairs, [0, 1, 3, 9]) == [(0, [(0, 3, 0.95)]), (1, [(1, 9, 0.99)])]
