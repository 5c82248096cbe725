"""P x K batches: P classes, K pictures of each, every class at least once an epoch, seeded."""

from itertools import islice

import numpy as np
import numpy.typing as npt

from simsearch.evaluation.labelled import Labels
from simsearch.training.confusion import Confusion

Rows = npt.NDArray[np.int64]


def plan_epoch(
    labels: Labels,
    classes_per_batch: int,
    pictures_per_class: int,
    seed: tuple[int, ...],
    confusion: Confusion | None = None,
    repeated: bool = False,
) -> list[Rows]:
    """Return the batches of one epoch, each the rows of its pictures.

    An epoch shows about as many pictures as there are, and every class at least once. A class's
    pictures are taken in turn, so that all are shown before one is shown again; a class with fewer
    than K pictures gives all of them. Where pictures are `repeated`, a class gives one of them, K
    times, and comes as often as it has pictures: those of one class are never in a batch together.

    Args:
        labels: int64 [n].
        seed: whatever tells this epoch from others; equal seeds give equal batches.
        confusion: with it, a batch is a class and classes that it is mistaken for, drawn in
            proportion.
    """
    draw = np.random.default_rng(seed)
    sizes = np.bincount(labels)
    by_class = np.split(np.argsort(labels, kind="stable"), np.cumsum(sizes)[:-1])
    members = [draw.permutation(rows) for rows in by_class]
    taken = np.zeros(len(members), np.int64)
    batches: list[Rows] = []
    turns = sizes if repeated else np.ones_like(sizes)
    order = np.repeat(np.arange(len(members)), turns)
    shown, waiting, covered = 0, draw.permutation(order).tolist(), False
    while not covered or shown < len(labels):
        if not waiting:
            waiting = draw.permutation(order).tolist()
        first = waiting.pop()
        chosen = _companions(first, waiting, len(members), classes_per_batch, confusion, draw)
        waiting = _once_less(waiting, chosen[1:])
        rows = []
        for number in chosen:
            count = 1 if repeated else min(pictures_per_class, len(members[number]))
            at = (taken[number] + np.arange(count)) % len(members[number])
            taken[number] += count
            rows.append(members[number][at].repeat(pictures_per_class if repeated else 1))
        batches.append(np.concatenate(rows))
        shown += len(batches[-1])
        covered = covered or not waiting
    return batches


def shuffled(
    labels: Labels, turns: Rows, classes_per_batch: int, seed: tuple[int, ...]
) -> list[Rows]:
    """Return batches of what an epoch has shown, each the places of its pictures there.

    Classes change their company; what a class showed in one turn stays together, in its order. Two
    turns of one class are in a batch only if it had more turns than there are batches.

    Args:
        labels: int64 [n], of the pictures in the order in which they were shown.
        turns: int64 [n], what is equal in one turn of a class and changes with the next.
        seed: as for `plan_epoch`.
    """
    draw = np.random.default_rng(seed)
    parts = np.split(np.arange(len(turns)), np.flatnonzero(np.diff(turns)) + 1)
    classes = labels[[part[0] for part in parts]]
    mixed = draw.permutation(len(parts))
    by_class = mixed[np.argsort(draw.permutation(classes.max() + 1)[classes[mixed]], kind="stable")]
    count = -(-len(parts) // classes_per_batch)
    dealt = [by_class[first::count] for first in draw.permutation(count)]
    return [np.concatenate([parts[number] for number in batch]) for batch in dealt]


def firsts(labels: Labels) -> Rows:
    """Return for each picture of a batch the place of the first of its class, int64 [n]."""
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    return first[number]


def _once_less(waiting: list[int], chosen: list[int]) -> list[int]:
    """Return the classes that wait when some were chosen, each from the end."""
    left, kept = set(chosen), []
    for number in reversed(waiting):
        if number in left:
            left.discard(number)
        else:
            kept.append(number)
    return kept[::-1]


def _companions(
    first: int,
    waiting: list[int],
    classes: int,
    count: int,
    confusion: Confusion | None,
    draw: np.random.Generator,
) -> list[int]:
    """Return `count` classes: the first, confused ones, those still to be shown, any others."""
    chosen = [first]
    if confusion is not None:
        candidates, weights = confusion.of(first)
        drawn = min(count - 1, len(candidates))
        if drawn:
            part = weights / weights.sum()
            chosen += draw.choice(candidates, drawn, replace=False, p=part).tolist()
    there = set(chosen)
    later = (number for number in dict.fromkeys(reversed(waiting)) if number not in there)
    chosen += islice(later, count - len(chosen))
    if len(chosen) < count:
        others = np.setdiff1d(np.arange(classes), chosen)
        chosen += draw.permutation(others)[: count - len(chosen)].tolist()
    return chosen
