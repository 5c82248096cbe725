"""Easiest positive, hardest negative; the rule of "Hard negative examples are hard, but useful".

Xuan, Stylianou, Liu, Pless 2020: pulling a far positive past a near negative is what makes batches
of hard negatives collapse. So the positive is the nearest one, and where the negative is nearer
still, the objective only pushes it away (see `Objective`).
"""

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
    return mine_by_hardness("easy", "hard", embeddings, labels, ref_emb, ref_labels)
