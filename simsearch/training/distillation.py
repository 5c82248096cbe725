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

    def loss(self, inputs: "Tensor", embeddings: "Tensor") -> "Tensor":
        """Return the mean squared difference of the pictures' cosines, about their mean, to before.

        Args:
            inputs: [n, ...] of pictures, as the network takes them.
            embeddings: float [n, dim], what the network makes of them by now.
        """
        with torch.no_grad():
            before = _cosines(self._network.features(inputs).float())
        return (_cosines(embeddings.float()) - before).square().mean()


def _cosines(vectors: "Tensor") -> "Tensor":
    unit = normalize(vectors - vectors.mean(dim=0))
    return unit @ unit.T
