"""One file a runtime, found by its name; all of them run the same network.

Each file has one function, `open_runtime(spec, device, batch_size, precision) -> Runtime`.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from simsearch.config import EncoderSpec
from simsearch.encoder.device import Target

Pixels = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]


class Runtime(Protocol):
    """Runs batches through a network.

    Attributes:
        batch_size: how many pictures a batch may hold.
        precision: 'f32', 'bf16', 'f16' or 'int8', what the network computes in.
    """

    batch_size: int
    precision: str

    def run(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """Map batches of uint8 [n, size, size, 3] to float32 [n, dim], in order.

        While one batch is computed the next is taken from `batches`, so both sides overlap.
        """
        ...


def open_runtime(
    spec: EncoderSpec, target: Target, batch_size: int | None = None, precision: str | None = None
) -> Runtime:
    """Open the target's runtime; None takes its own best batch size and precision."""
    module = load_runtime(target)
    return cast("Runtime", module.open_runtime(spec, target.device, batch_size, precision))


def load_runtime(target: Target) -> ModuleType:
    """Import the target's runtime, which takes a while but nothing else."""
    return import_module(f"{__name__}.{target.runtime}")
