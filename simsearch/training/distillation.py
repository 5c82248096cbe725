"""Keeps what the network could before training: what looked alike is to look alike still."""

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import normalize

from simsearch.encoder.network import EmbeddingNetwork
from simsearch.evaluation.labelled import Labels

if TYPE_CHECKING:
    from torch import Tensor


class Teacher:
    """A network as it was before training, with all its features (Tung and Mori 2019).

    Args:
        network: it is copied, and goes on to learn.
    """

    def __init__(self, network: EmbeddingNetwork) -> None:
        self._network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)

    def loss(self, inputs: "Tensor", features: "Tensor", labels: Labels) -> "Tensor":
        """Return how little the pictures' cosines go with those of before: 0 to 2, lower is better.

        It is 1 less their correlation: all of them may become smaller, which is what tells copies
        from look-alikes, as long as what is nearer stays nearer. They are cosines with the first
        pictures of other classes; those of before are of the first of each picture's class, since
        a copy is to look like what its original looked like, not like what is as blurred as it is.

        Args:
            inputs: [n, ...] of pictures, as the network takes them.
            features: float [n, features], what the trunk makes of them by now.
            labels: int64 [n], their classes, two or more.
        """
        classes, places, numbers = np.unique(labels, return_index=True, return_inverse=True)
        with torch.no_grad():
            known = self._network.features(inputs[places]).float()
            before = _cosines(known, known)
        now = _cosines(features.float(), features[places].float())
        others = torch.from_numpy(labels[:, None] != classes).to(now.device)
        return 1 - _correlation(now[others], before[numbers][others])


def _cosines(vectors: "Tensor", others: "Tensor") -> "Tensor":
    """Return the cosines of n vectors with m others, about the mean of these, [n, m]."""
    centre = others.mean(dim=0)
    return normalize(vectors - centre) @ normalize(others - centre).T


def _correlation(one: "Tensor", other: "Tensor") -> "Tensor":
    return normalize(one - one.mean(), dim=0) @ normalize(other - other.mean(), dim=0)
