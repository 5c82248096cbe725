"""Miners that pick by hardness, from pytorch-metric-learning."""

from typing import TYPE_CHECKING

from pytorch_metric_learning.miners import BatchEasyHardMiner

if TYPE_CHECKING:
    from torch import Tensor

    from simsearch.training.miners import Triplets


def mine_by_hardness(
    positive: str,
    negative: str,
    embeddings: "Tensor",
    labels: "Tensor",
    ref_emb: "Tensor | None" = None,
    ref_labels: "Tensor | None" = None,
) -> "Triplets":
    """Return a triplet an anchor: its 'easy' or 'hard' positive, 'hard' or 'semihard' negative."""
    miner = BatchEasyHardMiner(pos_strategy=positive, neg_strategy=negative)
    anchors, positives, _, negatives = miner(embeddings, labels, ref_emb, ref_labels)
    return anchors, positives, negatives
