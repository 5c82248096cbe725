"""NT-Xent (Sohn 2016; Chen et al. 2020): a positive against all negatives at once.

Of all triplets of an anchor and its positive, those with the nearest negatives count most: hard
negatives are mined by the loss itself. pytorch-metric-learning's own counts only those negatives
that a miner returned, one a positive, and holds a matrix of all positive by all negative pairs.
"""

from typing import TYPE_CHECKING

from pytorch_metric_learning.utils.loss_and_miner_utils import convert_to_pairs
from torch import nn
from torch.nn.functional import normalize, softplus

if TYPE_CHECKING:
    from torch import Tensor

MARGIN: float | None = None
CLASSES = False
_TEMPERATURE = 0.1  # cosines this far apart differ by one in the logarithm of what they count


class NormalizedCrossEntropy(nn.Module):
    """The mean over positive pairs of ln(1 + sum over negatives n of exp((s_n - s_p) / t)).

    A positive pair is one that was mined, or any of a class; negatives are all of other classes.
    """

    def forward(
        self,
        embeddings: "Tensor",
        labels: "Tensor",
        indices_tuple: "tuple[Tensor, ...] | None" = None,
        ref_emb: "Tensor | None" = None,
        ref_labels: "Tensor | None" = None,
    ) -> "Tensor":
        """Return the loss; 0 where no pair was mined."""
        other = embeddings if ref_emb is None else ref_emb
        theirs = labels if ref_labels is None else ref_labels
        anchors, positives, _, _ = convert_to_pairs(indices_tuple, labels, ref_labels)
        logits = normalize(embeddings) @ normalize(other).T / _TEMPERATURE
        different = logits.masked_fill(labels[:, None] == theirs, float("-inf"))
        gaps = different.logsumexp(dim=1)[anchors] - logits[anchors, positives]
        return softplus(gaps).mean() if len(gaps) else embeddings.sum() * 0


def build(dim: int, classes: int) -> nn.Module:  # noqa: ARG001 - the signature of losses
    """Return the loss; see the package's docstring."""
    return NormalizedCrossEntropy()
