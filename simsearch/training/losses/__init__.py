"""One file a loss, found by its name. Each has

    MARGIN: the value that identical embeddings cost, None where there is no such value
    CLASSES: whether it learns a vector for every training class
    build(dim, classes) -> module

The module maps (embeddings [n, dim] of any length, labels [n], mined tuples or None, and for
comparison with a memory ref_emb, ref_labels) to a scalar, as pytorch-metric-learning's losses do.
"""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from simsearch.errors import InputError

if TYPE_CHECKING:
    from torch import nn


class Loss(Protocol):
    """What a loss's file offers."""

    MARGIN: float | None
    CLASSES: bool

    def build(self, dim: int, classes: int) -> "nn.Module":
        """Return the loss for embeddings of `dim` numbers and so many training classes."""
        ...


def loss_names() -> list[str]:
    """Return the names of all losses, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def load_loss(name: str) -> Loss:
    """Return the loss of a name.

    Raises:
        InputError: there is none.
    """
    if name not in loss_names():
        raise InputError(f"unknown loss '{name}'; use one of {', '.join(loss_names())}")
    return cast("Loss", import_module(f"{__name__}.{name}"))
