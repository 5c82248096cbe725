"""The first of a class in the batch against each other one, and the nearest negative of either.

Where views are altered copies, the first is the picture as it is (see `augmented_batches`). Two
strong alterations of one picture may have nothing in common: pulled together all the same, they
pull everything together.
"""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from simsearch.training.miners import Triplets


def mine(
    embeddings: "Tensor",
    labels: "Tensor",
    ref_emb: "Tensor | None" = None,
    ref_labels: "Tensor | None" = None,
) -> "Triplets":
    """Return two triplets for each picture but the first of its class; see the package's docstring.

    With a reference, its first of a class is the positive.
    """
    others = embeddings if ref_emb is None else ref_emb
    theirs = labels if ref_labels is None else ref_labels
    same = labels[:, None] == theirs
    nearest = (embeddings @ others.T).masked_fill(same, -torch.inf).argmax(dim=1)
    first = same & (same.cumsum(dim=1) == 1)
    if ref_emb is None:
        first.fill_diagonal_(False)
        first |= first.T.clone()
    anchors, positives = (first & ~same.all(dim=1, keepdim=True)).nonzero(as_tuple=True)
    return anchors, positives, nearest[anchors]
