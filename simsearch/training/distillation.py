"""Keeps what the network could before training: what looked alike is to look alike still."""

import copy
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize

from simsearch.encoder.network import EmbeddingNetwork

if TYPE_CHECKING:
    from torch import Tensor


class Teacher:
    """A network as it was before training, with all its features (Tung and Mori 2019).

    Args:
        network: it is copied, and goes on to learn.
    """

    def __init__(self, network: EmbeddingNetwork) -> None:
        self._network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)

    def loss(self, inputs: "Tensor", features: "Tensor") -> "Tensor":
        """Return how little the pictures' cosines go with those of before: 0 to 2, lower is better.

        It is 1 less their correlation: all of them may become smaller, which is what tells copies
        from look-alikes, as long as what is nearer stays nearer.

        Args:
            inputs: [n, ...] of pictures, as the network takes them.
            features: float [n, features], what the trunk makes of them by now.
        """
        with torch.no_grad():
            before = _cosines(self._network.features(inputs).float())
        return 1 - _correlation(_cosines(features.float()), before)


def _cosines(vectors: "Tensor") -> "Tensor":
    """Return the cosines of every two of n vectors, about their mean, [n * (n - 1)]."""
    unit = normalize(vectors - vectors.mean(dim=0))
    others = ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    return (unit @ unit.T)[others]


def _correlation(one: "Tensor", other: "Tensor") -> "Tensor":
    return normalize(one - one.mean(), dim=0) @ normalize(other - other.mean(), dim=0)
