"""Distance-weighted mining (Wu et al. 2017): negatives drawn evenly over all distances."""

from typing import TYPE_CHECKING

from pytorch_metric_learning.miners import DistanceWeightedMiner

if TYPE_CHECKING:
    from torch import Tensor

    from simsearch.training.miners import Triplets


def mine(
    embeddings: "Tensor",
    labels: "Tensor",
    ref_emb: "Tensor | None" = None,
    ref_labels: "Tensor | None" = None,
) -> "Triplets":
    """Draw from torch's generator; see the package's docstring."""
    miner = DistanceWeightedMiner(cutoff=0.5, nonzero_loss_cutoff=1.4)
    anchors, positives, negatives = miner(embeddings, labels, ref_emb, ref_labels)
    return anchors, positives, negatives
