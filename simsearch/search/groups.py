"""Groups of pairs: everything tied together, directly or through others."""

from collections import defaultdict
from collections.abc import Iterable


def connected_groups(pairs: Iterable[tuple[int, int, float]]) -> list[tuple[list[int], float]]:
    """Return (members ascending, lowest score among their pairs) of each group, largest first."""
    parent: dict[int, int] = {}

    def find(node: int) -> int:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    edges = list(pairs)
    for a, b, _ in edges:
        parent[find(a)] = find(b)
    weakest: dict[int, float] = defaultdict(lambda: 1.0)
    for a, _, score in edges:
        root = find(a)
        weakest[root] = min(weakest[root], score)
    members: dict[int, list[int]] = defaultdict(list)
    for node in parent:
        members[find(node)].append(node)
    groups = [(sorted(nodes), weakest[root]) for root, nodes in members.items()]
    return sorted(groups, key=lambda group: (-len(group[0]), group[0]))
