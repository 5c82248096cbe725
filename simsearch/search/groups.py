"""Groups of pairs without chains: every member is tied directly to the group's best."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from itertools import islice

Pair = tuple[int, int, float]
AllTies = Callable[[Sequence[int]], Iterable[Pair]]
_ASKED_AT_ONCE = 32


def star_groups(
    pairs: Iterable[Pair],
    best_first: Sequence[int],
    crowded: Set[int] = frozenset(),
    all_ties: AllTies = lambda _: (),
) -> list[tuple[int, list[Pair]]]:
    """Group what is tied to a best.

    Who is not tied to an earlier best is a best himself; everyone else joins that of the earlier
    bests which he is tied to most strongly. So nobody is in a group whose best is worse than he is.
    Only the ties of bests count: of the crowded, they are asked for where one becomes a best.

    Args:
        pairs: (a, b, score), higher is nearer.
        best_first: all that stand in pairs, each once.
        crowded: those of whose ties some are not among the pairs.
        all_ties: returns all ties (a, b, score) of some nodes `a`, a few at a time.

    Returns:
        (best, his ties as (best, member, score), strongest first) of each group with members,
        largest first, then in the order of the bests.
    """
    ties: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for a, b, score in pairs:
        ties[a].append((b, score))
        ties[b].append((a, score))
    rank = {node: place for place, node in enumerate(best_first)}
    unknown = set(crowded)
    strongest: dict[int, tuple[float, int]] = {}  # of each member: score, minus his best's rank
    for place, node in enumerate(best_first):
        if node in strongest:
            continue
        if node in unknown:
            later = map(best_first.__getitem__, range(place, len(best_first)))
            left = (other for other in later if other in unknown and other not in strongest)
            asked = list(islice(left, _ASKED_AT_ONCE))
            unknown.difference_update(asked)
            for a, b, score in all_ties(asked):
                ties[a].append((b, score))
        for other, score in ties.pop(node, ()):
            if rank.get(other, -1) > place:
                strongest[other] = max(strongest.get(other, (score, -place)), (score, -place))
    members: dict[int, list[Pair]] = defaultdict(list)
    for node, (score, place) in strongest.items():
        members[best_first[-place]].append((best_first[-place], node, score))
    groups = [
        (best, sorted(found, key=lambda tie: (-tie[2], rank[tie[1]])))
        for best, found in members.items()
    ]
    return sorted(groups, key=lambda group: (-len(group[1]), rank[group[0]]))
