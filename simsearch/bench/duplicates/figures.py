"""From scores of queries and references to the figures of one method."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsearch.bench.duplicates.tasks import Integers, Task
from simsearch.images.alterations import STRENGTHS
from simsearch.metrics.copy_detection import (
    micro_average_precision,
    nister_stewenius,
    recall_at_precision,
)

Scores = npt.NDArray[np.float32]
PRECISIONS = (0.999, 0.9999)


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several draws of originals: its mean, standard deviation and range."""

    mean: float
    std: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise the figures of the draws."""
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        return cls(float(np.mean(values)), deviation, float(min(values)), float(max(values)))


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """What a method finds; shares are 0 to 1, higher is better.

    Attributes:
        recall: for each precision, the largest recall of a threshold that has it.
        cut: for each precision, that threshold.
        micro_ap: micro-average precision.
        threshold: the method's own default; None has none.
        default_recall, default_precision: what it gives.
        ns_score: of groups of four among themselves, 1 to 4; else None.
        by_kind: for each kind, the recall at the first precision, mild to strong.
    """

    name: str
    recall: dict[float, Spread]
    cut: dict[float, Spread]
    micro_ap: Spread
    threshold: float | None
    default_recall: Spread | None
    default_precision: Spread | None
    ns_score: float | None
    by_kind: dict[str, list[float]]
    seconds: float


def draw_groups(task: Task, size: int, draws: int, seed: int) -> list[Integers]:
    """Return the references of each draw: those of `size` groups drawn at random.

    As soon as a draw would hold all, there is only that one.
    """
    count = int(task.groups.max()) + 1
    if task.itself or size >= count:
        return [np.arange(len(task.groups))]
    generator = np.random.default_rng(seed)
    drawn = [generator.choice(count, size, replace=False) for _ in range(draws)]
    return [np.flatnonzero(np.isin(task.groups, groups)) for groups in drawn]


def measure(
    name: str,
    scores: Scores,
    threshold: float | None,
    task: Task,
    draws: Sequence[Integers],
    seconds: float,
) -> MethodFigures:
    """Rank all pairs of each draw together and summarise.

    Args:
        scores: float32 [queries, references], higher is more alike; NaN is never found.
        threshold: lowest score that the method takes for a duplicate by itself.
        draws: references of each draw.
        seconds: that the method took.
    """
    ranked = [_Ranked.of(scores, task, references) for references in draws]
    at = {p: [one.recall_at(p) for one in ranked] for p in PRECISIONS}
    default = [one.taken_from(threshold) for one in ranked] if threshold is not None else []
    first = [cut for _, cut in at[PRECISIONS[0]]]
    shares = np.mean(
        [one.found_by_kind(cut) for one, cut in zip(ranked, first, strict=True)], axis=0
    )
    return MethodFigures(
        name=name,
        recall={p: Spread.of([recall for recall, _ in pairs]) for p, pairs in at.items()},
        cut={p: Spread.of([cut for _, cut in pairs]) for p, pairs in at.items()},
        micro_ap=Spread.of([one.micro_ap() for one in ranked]),
        threshold=threshold,
        default_recall=Spread.of([recall for recall, _ in default]) if default else None,
        default_precision=Spread.of([precision for _, precision in default]) if default else None,
        ns_score=nister_stewenius(scores, task.groups) if task.itself else None,
        by_kind={
            kind: [float(share) for share in row if not np.isnan(share)]
            for kind, row in zip(task.names, shares, strict=True)
        },
        seconds=seconds,
    )


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The pairs of one draw: float [pairs] scores, bool [pairs] truth, int64 [pairs] cells."""

    scores: Scores
    true: npt.NDArray[np.bool_]
    cells: Integers  # kind and strength of a pair's query, one number
    kinds: int

    @classmethod
    def of(cls, scores: Scores, task: Task, references: Integers) -> "_Ranked":
        queries = np.flatnonzero(np.isin(task.sources, references))
        part = np.nan_to_num(scores[np.ix_(queries, references)], nan=-np.inf)
        compared = task.compared(queries, references)
        cells = task.kinds[queries] * STRENGTHS + task.strengths[queries]
        return cls(
            part[compared],
            task.truth(queries, references)[compared],
            np.broadcast_to(cells[:, None], part.shape)[compared],
            len(task.names),
        )

    def recall_at(self, precision: float) -> tuple[float, float]:
        return recall_at_precision(self.scores, self.true, int(self.true.sum()), precision)

    def micro_ap(self) -> float:
        return micro_average_precision(self.scores, self.true, int(self.true.sum()))

    def taken_from(self, threshold: float) -> tuple[float, float]:
        """Return recall and precision of taking every pair from a score up."""
        taken = self.scores >= threshold
        right = int((taken & self.true).sum())
        return right / max(int(self.true.sum()), 1), right / max(int(taken.sum()), 1)

    def found_by_kind(self, cut: float) -> npt.NDArray[np.float64]:
        """Return the share of true pairs from a score up, float64 [kinds, strengths]."""
        places = self.kinds * STRENGTHS
        found = np.bincount(self.cells[self.true & (self.scores >= cut)], minlength=places)
        there = np.bincount(self.cells[self.true], minlength=places)
        shares = np.where(there > 0, found / np.maximum(there, 1), np.nan)
        return shares.reshape(self.kinds, STRENGTHS)
