"""P x K batches: P classes, K pictures of each, every class at least once an epoch, seeded."""

import numpy as np
import numpy.typing as npt

from simsearch.evaluation.labelled import Labels

Rows = npt.NDArray[np.int64]
Confusion = npt.NDArray[np.float64]


def plan_epoch(
    labels: Labels,
    classes_per_batch: int,
    pictures_per_class: int,
    seed: tuple[int, ...],
    confusion: Confusion | None = None,
) -> list[Rows]:
    """Return the batches of one epoch, each the rows of its pictures.

    An epoch shows about as many pictures as there are, and every class at least once. A class's
    pictures are taken in turn, so that all are shown before one is shown again; a class with fewer
    than K pictures gives all of them.

    Args:
        labels: int64 [n].
        seed: whatever tells this epoch from others; equal seeds give equal batches.
        confusion: [classes, classes], how often a class is mistaken for another. With it, a batch
            is a class and classes that it is confused with, drawn in proportion.
    """
    draw = np.random.default_rng(seed)
    members = [draw.permutation(np.flatnonzero(labels == c)) for c in range(labels.max() + 1)]
    taken = np.zeros(len(members), np.int64)
    batches: list[Rows] = []
    shown, waiting, covered = 0, list(draw.permutation(len(members))), False
    while not covered or shown < len(labels):
        if not waiting:
            waiting = list(draw.permutation(len(members)))
        first = int(waiting.pop())
        weights = confusion[first] if confusion is not None else np.zeros(len(members))
        chosen = _companions(first, waiting, classes_per_batch, weights, draw)
        waiting = [c for c in waiting if c not in set(chosen)]
        rows = []
        for number in chosen:
            count = min(pictures_per_class, len(members[number]))
            at = (taken[number] + np.arange(count)) % len(members[number])
            taken[number] += count
            rows.append(members[number][at])
        batches.append(np.concatenate(rows))
        shown += len(batches[-1])
        covered = covered or not waiting
    return batches


def _companions(
    first: int,
    waiting: list[int],
    count: int,
    weights: Confusion,
    draw: np.random.Generator,
) -> list[int]:
    """Return `count` classes: the first, confused ones, those still to be shown, any others."""
    candidates = np.flatnonzero(weights)
    chosen = [first]
    if len(candidates):
        drawn = min(count - 1, len(candidates))
        part = weights[candidates] / weights[candidates].sum()
        chosen += draw.choice(candidates, drawn, replace=False, p=part).tolist()
    later = [int(c) for c in reversed(waiting) if c not in set(chosen)]
    chosen += later[: count - len(chosen)]
    others = np.setdiff1d(np.arange(len(weights)), chosen)
    chosen += draw.permutation(others)[: count - len(chosen)].tolist()
    return chosen
