"""Slow and obvious: distances, pairs and triplets by loops, to compare with."""

import math

import torch

Row = list[float]


def clusters(
    seed: int, sizes: list[int], dim: int = 6, spread: float = 0.8
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return overlapping classes: unit vectors [n, dim] and labels, in mixed order."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    centres = torch.randn(len(sizes), dim, generator=generator)
    vectors = centres[labels] + spread * torch.randn(len(labels), dim, generator=generator)
    return torch.nn.functional.normalize(vectors), labels


def dot(a: Row, b: Row) -> float:
    """Return the scalar product."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def distance(a: Row, b: Row) -> float:
    """Return the Euclidean distance."""
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def softplus(x: float) -> float:
    """Return ln(1 + exp(x))."""
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def mean(values: list[float]) -> float:
    """Return the mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def mean_of_nonzero(values: list[float]) -> float:
    """Return the mean of what is not 0, as pytorch-metric-learning reduces margins."""
    return mean([value for value in values if value > 0])


class Batch:
    """A batch and what it is compared with, as lists; the batch itself without a reference."""

    def __init__(
        self,
        embeddings: torch.Tensor,
        labels: torch.Tensor,
        ref_emb: torch.Tensor | None = None,
        ref_labels: torch.Tensor | None = None,
    ) -> None:
        self.alone = ref_emb is None
        self.vectors: list[Row] = embeddings.double().tolist()
        self.labels: list[int] = labels.tolist()
        self.others: list[Row] = self.vectors if ref_emb is None else ref_emb.double().tolist()
        self.other_labels: list[int] = self.labels if ref_labels is None else ref_labels.tolist()

    def positives(self, anchor: int) -> list[int]:
        """Return the others of the anchor's class."""
        return [
            row
            for row, label in enumerate(self.other_labels)
            if label == self.labels[anchor] and not (self.alone and row == anchor)
        ]

    def negatives(self, anchor: int) -> list[int]:
        """Return the others of other classes."""
        return [r for r, label in enumerate(self.other_labels) if label != self.labels[anchor]]

    def triplets(self) -> list[tuple[int, int, int]]:
        """Return every triplet."""
        return [
            (a, p, n)
            for a in range(len(self.labels))
            for p in self.positives(a)
            for n in self.negatives(a)
        ]

    def distance(self, anchor: int, other: int) -> float:
        """Return the distance of an anchor to one of the others."""
        return distance(self.vectors[anchor], self.others[other])

    def cosine(self, anchor: int, other: int) -> float:
        """Return the cosine of an anchor to one of the others."""
        return dot(self.vectors[anchor], self.others[other])
