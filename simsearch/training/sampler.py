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
    than K pictures gives all of them, or shows some again where they are `repeated`.

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
    shown, waiting, covered = 0, list(draw.permutation(len(members))), False
    while not covered or shown < len(labels):
        if not waiting:
            waiting = list(draw.permutation(len(members)))
        first = int(waiting.pop())
        chosen = _companions(first, waiting, len(members), classes_per_batch, confusion, draw)
        gone = set(chosen)
        waiting = [c for c in waiting if c not in gone]
        rows = []
        for number in chosen:
            most = pictures_per_class if repeated else len(members[number])
            count = min(pictures_per_class, most)
            at = (taken[number] + np.arange(count)) % len(members[number])
            taken[number] += count
            rows.append(members[number][at])
        batches.append(np.concatenate(rows))
        shown += len(batches[-1])
        covered = covered or not waiting
    return batches


def first_of_class(labels: Labels) -> npt.NDArray[np.bool_]:
    """Return which pictures of a batch are the first of their class, bool [n]."""
    found = np.zeros(len(labels), bool)
    found[np.unique(labels, return_index=True)[1]] = True
    return found


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
    later = (int(c) for c in reversed(waiting) if c not in there)
    chosen += islice(later, count - len(chosen))
    if len(chosen) < count:
        others = np.setdiff1d(np.arange(classes), chosen)
        chosen += draw.permutation(others)[: count - len(chosen)].tolist()
    return chosen
