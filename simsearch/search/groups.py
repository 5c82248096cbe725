"""Groups of pairs without chains: every member is tied directly to the group's best."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

Pair = tuple[int, int, float]


def star_groups(pairs: Iterable[Pair], best_first: Sequence[int]) -> list[tuple[int, list[Pair]]]:
    """Group what is tied to a best.

    Who is not tied to an earlier best is a best himself; everyone else joins that of the earlier
    bests which he is tied to most strongly. So nobody is in a group whose best is worse than he is.

    Args:
        pairs: (a, b, score), higher is nearer.
        best_first: all that stand in pairs, each once.

    Returns:
        (best, his ties as (best, member, score), strongest first) of each group with members,
        largest first, then in the order of the bests.
    """
    ties: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for a, b, score in pairs:
        ties[a].append((b, score))
        ties[b].append((a, score))
    rank = {node: place for place, node in enumerate(best_first)}
    bests: set[int] = set()
    members: dict[int, list[Pair]] = defaultdict(list)
    for node in best_first:
        to = [(score, -rank[other]) for other, score in ties[node] if other in bests]
        if to:
            score, place = max(to)
            best = best_first[-place]
            members[best].append((best, node, score))
        else:
            bests.add(node)
    groups = [
        (best, sorted(found, key=lambda tie: (-tie[2], rank[tie[1]])))
        for best, found in members.items()
    ]
    return sorted(groups, key=lambda group: (-len(group[1]), rank[group[0]]))
