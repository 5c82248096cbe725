"""The end of the default network, to train it on a CPU.

Its batch statistics stay as they are and are folded into the convolutions. In bfloat16 all of these
become products that torch computes at three times the speed of convolutions in float32:
channels lie first, [channels, pictures * places], so that a convolution of 1 x 1 is one product,
and one of each channel alone is a product with the matrix that moves its kernel over the map. In
float32 they stay convolutions, of a few pictures at a time, channels last: 1.25 times as fast as
the products.
"""

from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import conv2d, hardtanh, pad

from simsearch.encoder.backbones._stages import Beside
from simsearch.encoder.pooling import Root, signed_root

if TYPE_CHECKING:
    from torch import Tensor

_AT_A_TIME = 32  # pictures whose maps stay in the cache
_MAPS = 4  # dimensions of maps that are no matrix


class Pointwise(nn.Module):
    """A convolution of 1 x 1 with the normalisation after it.

    It maps [c, m] to [k, m], and [n, c, side, side] to [n, k, side, side].
    """

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        weight, bias = _folded(convolution, norm)
        self.weight, self.bias = nn.Parameter(weight.flatten(1)), nn.Parameter(bias)

    def forward(self, maps: "Tensor") -> "Tensor":
        """Mix the channels."""
        if maps.ndim == _MAPS:
            return conv2d(maps, self.weight[:, :, None, None], self.bias)
        return torch.addmm(self.bias.to(maps.dtype)[:, None], self.weight.to(maps.dtype), maps)


class Depthwise(nn.Module):
    """A convolution of each channel with the normalisation after it.

    It maps [c, n * places] to as many, and [n, c, side, side] to [n, c, after, after].

    Args:
        side: of the maps, which are squares.
    """

    spread: "Tensor"

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d, side: int) -> None:
        super().__init__()
        weight, bias = _folded(convolution, norm)
        self.weight, self.bias = nn.Parameter(weight.flatten(1)), nn.Parameter(bias)
        kernel, self.stride = convolution.kernel_size[0], convolution.stride[0]
        self.kernel, self.padding = kernel, padding(kernel, self.stride, side)
        places = kernel_places(kernel, self.stride, side)
        self.incoming, self.outgoing = places.shape
        # What copies a kernel's numbers to their places: as a product, 2 to 4 times as fast to
        # differentiate as by indices.
        spread = places.flatten() == np.arange(kernel * kernel)[:, None]
        self.register_buffer("spread", torch.from_numpy(spread), persistent=False)

    def forward(self, maps: "Tensor") -> "Tensor":
        """Move each channel's kernel over its maps."""
        if maps.ndim == _MAPS:
            kernels = self.weight.view(-1, 1, self.kernel, self.kernel)
            before, behind = self.padding
            if behind > before:
                maps = pad(maps, (0, behind - before) * 2)
            return conv2d(maps, kernels, self.bias, self.stride, before, groups=len(kernels))
        matrices = self.weight.to(maps.dtype) @ self.spread.to(maps.dtype)
        moved = torch.baddbmm(
            self.bias.to(maps.dtype)[:, None, None],
            maps.view(len(maps), -1, self.incoming),
            matrices.view(len(maps), self.incoming, self.outgoing),
        )
        return moved.view(len(maps), -1)


class Inverted(nn.Module):
    """An inverted residual: expand, move over the maps, project (Sandler et al. 2018)."""

    def __init__(self, block: Any, side: int) -> None:
        super().__init__()
        self.expand = Pointwise(block.conv_pw, block.bn1)
        self.move = Depthwise(block.conv_dw, block.bn2, side)
        self.project = Pointwise(block.conv_pwl, block.bn3)
        self.residual: bool = block.has_skip

    def forward(self, maps: "Tensor") -> "Tensor":
        """Map [c, n * places] to [k, n * places], and [n, c, side, side] to [n, k, ...]."""
        found = self.project(_relu6(self.move(_relu6(self.expand(maps)))))
        return cast("Tensor", maps + found if self.residual else found)


class Tail(nn.Module):
    """The stages of timm's EfficientNets after the first `frozen`, to their pooled features.

    Where a trunk has an earlier stage beside its last layer, the tail has it, too.

    Attributes:
        side: of the maps that come in.

    Args:
        trunk: its weights are copied.
        frozen: one or more; the first stage is built in another way.
    """

    def __init__(self, trunk: nn.Module, frozen: int, side: int) -> None:
        super().__init__()
        layers = cast("Any", trunk)
        self.side = side
        self.blocks = nn.ModuleList()
        for block in chain.from_iterable(layers.blocks[frozen:]):
            self.blocks.append(Inverted(block, side))
            side = -(-side // block.conv_dw.stride[0])
        self.head = Pointwise(layers.conv_head, layers.bn2)
        self._rooted = isinstance(layers.global_pool, Root)
        self._beside: int | None = None  # blocks before what stands beside the head
        if isinstance(trunk, Beside):
            self._beside = sum(map(len, layers.blocks[frozen : trunk.stage]))

    def forward(self, maps: "Tensor") -> "Tensor":
        """Map [n, c, side, side] to features float32 [n, features]."""
        if maps.dtype == torch.float32:
            return torch.cat([self._features(part) for part in _channels_last(maps)])
        return self._features(maps.flatten(2).transpose(0, 1).flatten(1), len(maps))

    def _features(self, maps: "Tensor", count: int = 0) -> "Tensor":
        """Return the features of maps [n, c, side, side], or of `count` ones in products' order."""
        steps = [maps]
        for block in self.blocks:
            steps.append(block(steps[-1]))
        pooled = [self._pooled(_relu6(self.head(steps[-1])), count)]
        if self._beside is not None:
            pooled.append(Beside.SCALE * self._pooled(steps[self._beside], count))
        return torch.cat(pooled, dim=1)

    def _pooled(self, maps: "Tensor", count: int) -> "Tensor":
        means = _means(maps, count)
        return signed_root(means) if self._rooted else means

    def write_to(self, trunk: nn.Module) -> None:
        """Put the weights back into the network that they were copied from, or one like it."""
        layers = cast("Any", trunk)
        last = list(chain.from_iterable(layers.blocks))[-len(self.blocks) :]
        for mine, block in zip(self.blocks, last, strict=True):
            _unfold(mine.expand, block.conv_pw, block.bn1)
            _unfold(mine.move, block.conv_dw, block.bn2)
            _unfold(mine.project, block.conv_pwl, block.bn3)
        _unfold(self.head, layers.conv_head, layers.bn2)


def padding(kernel: int, stride: int, side: int) -> tuple[int, int]:
    """Return how many places TensorFlow adds before and behind a map: evenly, or one more behind.

    Args:
        kernel, stride, side: of a square kernel, and of the map.
    """
    missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return missing // 2, missing - missing // 2


def kernel_places(kernel: int, stride: int, side: int) -> npt.NDArray[np.int64]:
    """Return which place of a kernel lies between which places of a map before and after.

    Args:
        kernel, stride, side: of a square kernel, and of the map before it is padded.

    Returns:
        int64 [side * side, places after]: row * kernel + column; kernel * kernel where a place
        after does not see a place before.
    """
    after, (lead, _) = -(-side // stride), padding(kernel, stride, side)
    along = np.arange(side)[:, None] - np.arange(after) * stride + lead  # [before, after]
    rows, columns = along[:, None, :, None], along[None, :, None, :]
    seen = (rows >= 0) & (rows < kernel) & (columns >= 0) & (columns < kernel)
    places = np.where(seen, rows * kernel + columns, kernel * kernel)
    return places.reshape(side * side, after * after).astype(np.int64)


def _means(maps: "Tensor", count: int) -> "Tensor":
    """Return the means float32 [n, c] of maps [n, c, side, side] or [c, count * places]."""
    if maps.ndim == _MAPS:
        return maps.mean(dim=(2, 3))
    return maps.view(len(maps), count, -1).float().mean(dim=2).T


def _channels_last(maps: "Tensor") -> "tuple[Tensor, ...]":
    return torch.split(maps.contiguous(memory_format=torch.channels_last), _AT_A_TIME)


def _relu6(maps: "Tensor") -> "Tensor":
    return hardtanh(maps, 0.0, 6.0, inplace=True)


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple["Tensor", "Tensor"]:
    """Return the weight and bias of a convolution that does what both do."""
    mean, variance = cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
    scale = norm.weight.detach() * (variance + norm.eps).rsqrt()
    weight = convolution.weight.detach() * scale[:, None, None, None]
    return weight, norm.bias.detach() - mean * scale


@torch.no_grad()
def _unfold(mine: Any, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Set a convolution and its normalisation so that both do what one of ours does."""
    convolution.weight.copy_(mine.weight.view_as(convolution.weight))
    cast("Tensor", norm.running_mean).zero_()
    cast("Tensor", norm.running_var).fill_(1 - norm.eps)
    norm.weight.fill_(1)
    norm.bias.copy_(mine.bias)
