"""One file a miner, found by its name. Each has

    mine(embeddings, labels, ref_emb, ref_labels) -> (anchors, positives, negatives) or None

with embeddings float32 [n, dim] of unit length, labels [n], and the same of the pictures to compare
with: the batch itself, or a memory. Anchors count into the batch, the others into the reference.
None stands for everything that there is.
"""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from simsearch.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    Triplets = tuple[Tensor, Tensor, Tensor]


class Miner(Protocol):
    """What a miner's file offers."""

    def mine(
        self,
        embeddings: "Tensor",
        labels: "Tensor",
        ref_emb: "Tensor | None" = None,
        ref_labels: "Tensor | None" = None,
    ) -> "Triplets | None":
        """Return the triplets to learn from; see the package's docstring."""
        ...


def miner_names() -> list[str]:
    """Return the names of all miners, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def load_miner(name: str) -> Miner:
    """Return the miner of a name.

    Raises:
        InputError: there is none.
    """
    if name not in miner_names():
        raise InputError(f"unknown mining '{name}'; use one of {', '.join(miner_names())}")
    return cast("Miner", import_module(f"{__name__}.{name}"))
