"""Train the end of the default network only: fast enough for a CPU.

What comes before stays as it is, and runs as encoders do (OpenVINO on a CPU).
"""

import copy
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from simsearch.config import DEFAULT_BACKBONE, NetworkConfig
from simsearch.encoder.backbones._stages import Beside
from simsearch.encoder.network import EmbeddingNetwork
from simsearch.errors import EncoderError
from simsearch.training.pictures import Pixels
from simsearch.training.tail import Tail

if TYPE_CHECKING:
    from torch import Tensor

Maps = npt.NDArray[np.float16]
_FEWEST, _MOST = 4, 6  # stages that stay as they are: after them, maps are small and some are left
_BATCH = 4


class PartialNetwork(EmbeddingNetwork):
    """An embedding network of which only the end is trained; it takes maps in place of pixels.

    Attributes:
        front: makes maps of pixels.

    Args:
        whole: the network to begin with; it stays as it is, but for its projection.
        config: how it is built.
        frozen: stages of the trunk that stay as they are, 4 to 6.
        device: to run the front on.

    Raises:
        EncoderError: it can't be trained in part.
    """

    def __init__(
        self, whole: EmbeddingNetwork, config: NetworkConfig, frozen: int, device: torch.device
    ) -> None:
        known = config.backbone == DEFAULT_BACKBONE or isinstance(whole.trunk, Beside)
        if not known or config.pooling not in {"avg", "root"}:
            raise EncoderError(
                f"backbone '{config.backbone}' with pooling '{config.pooling}' is trained as a "
                f"whole; use --frozen 0, or {DEFAULT_BACKBONE} with avg or root"
            )
        if not _FEWEST <= frozen <= _MOST:
            raise EncoderError(f"--frozen {frozen} is no stage to train after; use 0, or 4 to 6")
        if isinstance(whole.trunk, Beside) and frozen > whole.trunk.stage:
            raise EncoderError(
                f"--frozen {frozen} leaves stage {whole.trunk.stage} behind, which "
                f"'{config.backbone}' needs; use {whole.trunk.stage} or less"
            )
        size = config.preprocessing.size
        front = Front(whole, frozen, size, device)
        side = front(np.zeros((1, size, size, 3), np.uint8)).shape[-1]
        super().__init__(Tail(whole.trunk, frozen, side), config.preprocessing, whole.projection)
        self.front = front
        self._dtype = torch.bfloat16 if front.halved else torch.float32

    def features(self, pixels: "Tensor") -> "Tensor":
        """Map what the front makes of pictures, float [n, c, side, side], to features."""
        return cast("Tensor", self.trunk(pixels.to(self._dtype)))

    def assembled(self) -> EmbeddingNetwork:
        """Return the whole network as it is by now; it shares the projection."""
        trunk = copy.deepcopy(self.front.whole.trunk)
        cast("Tail", self.trunk).write_to(trunk)
        whole = copy.copy(self.front.whole)
        whole._modules = {**self._modules, "trunk": trunk}
        return whole

    def take_up(self, trunk: nn.Module) -> None:
        """Go on from another trunk's weights."""
        tail = cast("Tail", self.trunk)
        tail.load_state_dict(Tail(trunk, self.front.frozen, tail.side).state_dict())


class Front:
    """The beginning of a network, which is not trained: pixels to maps.

    Attributes:
        whole: the network.
        frozen: stages that belong to it.
        halved: it computes in bfloat16.
    """

    def __init__(
        self, whole: EmbeddingNetwork, frozen: int, size: int, device: torch.device
    ) -> None:
        self.whole, self.frozen = whole, frozen
        module = _Beginning(whole, frozen).eval()
        self.halved = device.type == "cuda"
        self._run = _by_torch(module, device)
        if device.type == "cpu":
            from simsearch.encoder.runtimes.openvino import open_module

            runtime = open_module(module, size, _BATCH)
            self.halved = runtime.precision == "bf16"
            self._run = lambda pixels: np.concatenate(
                list(runtime.run(pixels[at : at + _BATCH] for at in range(0, len(pixels), _BATCH)))
            )

    def __call__(self, pixels: Pixels) -> Maps:
        """Map uint8 [n, size, size, 3] to float16 [n, c, side, side]."""
        return cast("Maps", self._run(pixels).astype(np.float16))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: it does not change."""
        return self


class _Beginning(nn.Module):
    def __init__(self, whole: EmbeddingNetwork, frozen: int) -> None:
        super().__init__()
        layers = cast("Any", whole.trunk)
        stages = nn.Sequential(layers.conv_stem, layers.bn1, *layers.blocks[:frozen])
        self.network = copy.copy(whole)
        self.network._modules = {**whole._modules, "trunk": stages}

    def forward(self, pixels: "Tensor") -> "Tensor":
        return self.network.features(pixels)


def _by_torch(module: nn.Module, device: torch.device) -> Any:
    @torch.inference_mode()
    def run(pixels: Pixels) -> npt.NDArray[np.float32]:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            maps = module(torch.from_numpy(pixels).to(device))
        return cast("npt.NDArray[np.float32]", maps.float().cpu().numpy())

    return run


def assembled(network: EmbeddingNetwork) -> EmbeddingNetwork:
    """Return a network that takes pixels: itself, or the whole of one that is trained in part."""
    return network.assembled() if isinstance(network, PartialNetwork) else network


def inputs_of(network: EmbeddingNetwork, pixels: Pixels) -> npt.NDArray[np.generic]:
    """Return what a network takes for pictures uint8 [n, size, size, 3]: them, or maps of them."""
    return network.front(pixels) if isinstance(network, PartialNetwork) else pixels


def take_up(network: EmbeddingNetwork, trunk: nn.Module) -> None:
    """Let a network go on from the weights of a trunk like its own."""
    if isinstance(network, PartialNetwork):
        network.take_up(trunk)
    else:
        network.trunk.load_state_dict(trunk.state_dict())
