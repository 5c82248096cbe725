"""Groups equal the transitive closure of their pairs."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from simsearch.search.groups import connected_groups

Pair = tuple[int, int, float]
nodes = st.integers(0, 15)
pairs = st.lists(
    st.tuples(nodes, nodes, st.floats(-1, 1)).filter(lambda pair: pair[0] < pair[1]),
    unique_by=lambda pair: pair[:2],
)


def closure(pairs: list[Pair]) -> list[tuple[list[int], float]]:
    """Return the groups by handing on the lowest label of each pair until nothing changes."""
    label = {node: node for a, b, _ in pairs for node in (a, b)}
    for _ in label:
        for a, b, _ in pairs:
            label[a] = label[b] = min(label[a], label[b])
    groups = []
    for lowest in set(label.values()):
        members = sorted(node for node in label if label[node] == lowest)
        groups.append((members, min(score for a, _, score in pairs if label[a] == lowest)))
    return sorted(groups, key=lambda group: (-len(group[0]), group[0]))


@given(pairs)
def test_groups_equal_the_closure(pairs: list[Pair]) -> None:
    assert connected_groups(pairs) == closure(pairs)


@given(pairs, st.randoms())
def test_order_of_pairs_does_not_matter(pairs: list[Pair], chance: Random) -> None:
    shuffled = list(pairs)
    chance.shuffle(shuffled)
    assert connected_groups(shuffled) == connected_groups(pairs)


def test_no_pairs_no_groups() -> None:
    assert connected_groups([]) == []


def test_long_chain_is_one_group() -> None:
    chain = [(i, i + 1, 0.9) for i in range(50_000)]
    chain[7] = (7, 8, 0.85)
    assert connected_groups(iter(chain)) == [(list(range(50_001)), 0.85)]


def test_largest_first_then_by_members() -> None:
    pairs = [(8, 9, 0.99), (1, 2, 0.9), (4, 5, 0.95), (5, 6, 0.91)]
    assert connected_groups(pairs) == [([4, 5, 6], 0.91), ([1, 2], 0.9), ([8, 9], 0.99)]
