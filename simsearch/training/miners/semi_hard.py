"""Batch semi-hard mining (Schroff et al. 2015): farthest positive, next negative beyond it."""

from typing import TYPE_CHECKING

from simsearch.training.miners._hardness import mine_by_hardness

if TYPE_CHECKING:
    from torch import Tensor

    from simsearch.training.miners import Triplets


def mine(
    embeddings: "Tensor",
    labels: "Tensor",
    ref_emb: "Tensor | None" = None,
    ref_labels: "Tensor | None" = None,
) -> "Triplets":
    """Return one triplet an anchor; see the package's docstring."""
    return mine_by_hardness("hard", "semihard", embeddings, labels, ref_emb, ref_labels)
