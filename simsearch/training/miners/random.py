"""One random triplet an anchor: no mining, the baseline."""

from typing import TYPE_CHECKING

from pytorch_metric_learning.utils.loss_and_miner_utils import get_random_triplet_indices

if TYPE_CHECKING:
    from torch import Tensor

    from simsearch.training.miners import Triplets


def mine(
    embeddings: "Tensor",  # noqa: ARG001 - the signature of miners
    labels: "Tensor",
    ref_emb: "Tensor | None" = None,  # noqa: ARG001
    ref_labels: "Tensor | None" = None,
) -> "Triplets":
    """Draw from torch's generator; see the package's docstring."""
    anchors, positives, negatives = get_random_triplet_indices(labels, ref_labels, t_per_anchor=1)
    return anchors, positives, negatives
