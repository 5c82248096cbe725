"""Convolutions in 8 bits: on CPUs without bfloat16 twice as fast as in float32.

What goes into a convolution is rounded to a grid over the range that it had on pictures, weights to
one a channel (Krishnamoorthi 2018, "Quantizing deep convolutional networks"). x86 CPUs without VNNI
add two products in 16 bits, where whole grids overflow: so one of the two factors has 7 bits, and
every CPU computes the same. Only where what is never negative goes beyond its range, which it may
up to twice, can a sum of two products on those CPUs stop at the most that 16 bits hold.
"""

import copy
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from simsearch.encoder.ranges import Ranges

if TYPE_CHECKING:
    from torch import Tensor

Pixels = npt.NDArray[np.uint8]

_FULL, _HALF = 127, 63  # steps on one side of zero
_EXACT = 3  # convolutions, the first ones: of little cost, and most of the error
_LARGEST_SHIFT = 0.02  # of the mean distance between two pictures, in squares


def fit_ranges(network: nn.Module, batches: Sequence[Pixels]) -> Ranges:
    """Return the ranges of what goes into a network's convolutions; none if 8 bits are too few.

    They are too few where rounding shifts pictures by more than a fiftieth (in squared distances of
    unit vectors) of what lies between two of them.

    Args:
        network: maps uint8 [n, size, size, 3] to float [n, dim], in evaluation mode.
        batches: pictures like those that it is for, two or more; a hundred are enough.
    """
    rounded = copy.deepcopy(network)
    ranges, exact = _measured(network, batches)
    use_eight_bits(rounded, ranges)
    shift = (exact - _unit_vectors(rounded, batches)).square().sum(dim=1).mean()
    apart = torch.pdist(exact).square().mean()
    return ranges if shift <= _LARGEST_SHIFT * apart else {}


def use_eight_bits(network: nn.Module, ranges: Ranges) -> None:
    """Let a network's convolutions compute on the grids that a runtime for 8 bits computes on.

    Args:
        ranges: lowest and highest input by the convolution's name in the network.
    """
    for name, (low, high) in ranges.items():
        convolution = network.get_submodule(name)
        signed = low < 0
        # Signed inputs are shifted by 128 before they are multiplied, and so need 8 bits.
        steps = _HALF if signed else _FULL
        parametrize.register_parametrization(convolution, "weight", _RoundedWeight(steps))
        scale = max(-low, high, 1e-6) / _FULL
        least, most = (-128, 127) if signed else (0, 255)
        convolution.register_forward_pre_hook(
            partial(_round_input, scale=scale, least=least, most=most)
        )


class _RoundedWeight(nn.Module):
    """Rounds a weight [channels, ...] to a grid that reaches `steps` from zero, by channel."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps

    def forward(self, weight: "Tensor") -> "Tensor":
        scale = weight.detach().abs().flatten(1).amax(dim=1).clamp(min=1e-8) / self._steps
        zero = torch.zeros_like(scale, dtype=torch.int32)
        # OpenVINO knows grids of 255 and 256 places; of others it makes something else.
        return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -_FULL, _FULL)


def _round_input(
    _: nn.Module, inputs: tuple["Tensor"], *, scale: float, least: int, most: int
) -> "Tensor":
    return torch.fake_quantize_per_tensor_affine(inputs[0], scale, 0, least, most)


def _measured(network: nn.Module, batches: Sequence[Pixels]) -> tuple[Ranges, "Tensor"]:
    """Return what goes into each convolution but the first ones, and the vectors."""
    ranges: dict[str, tuple[float, float]] = {}

    def watch(name: str, _: nn.Module, inputs: tuple["Tensor"]) -> None:
        low, high = ranges.get(name, (0.0, 0.0))
        ranges[name] = min(low, float(inputs[0].min())), max(high, float(inputs[0].max()))

    hooks = [
        module.register_forward_pre_hook(partial(watch, name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    vectors = _unit_vectors(network, batches)
    for hook in hooks:
        hook.remove()
    return dict(list(ranges.items())[_EXACT:]), vectors


@torch.inference_mode()
def _unit_vectors(network: nn.Module, batches: Sequence[Pixels]) -> "Tensor":
    """Return float32 [n, dim]."""
    device = next(network.parameters()).device
    outputs = [network(torch.from_numpy(batch).to(device)).float() for batch in batches]
    return normalize(torch.cat(outputs))
