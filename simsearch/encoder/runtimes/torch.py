"""torch on a GPU: mixed precision, channels-last memory; also on the CPU, for comparison."""

from collections.abc import Iterable, Iterator

import torch

from simsearch.config import EncoderSpec
from simsearch.encoder.resolve import build_network
from simsearch.encoder.runtimes import Pixels, Vectors
from simsearch.errors import DeviceError

_BATCH_SIZE = {"cuda": 256, "mps": 64, "cpu": 8}
_PRECISION = {"cuda": "bf16", "mps": "f16", "cpu": "f32"}
_DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}


class TorchRuntime:
    """A network on a torch device."""

    def __init__(
        self, network: torch.nn.Module, device: str, batch_size: int, precision: str
    ) -> None:
        self.batch_size = batch_size
        self.precision = precision
        self._device = torch.device(device)
        # Only 4-d tensors have a channels-last layout; `to` leaves the others as they are.
        self._network = network.to(self._device).to(memory_format=torch.channels_last)

    def run(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """See Runtime.run."""
        waiting: torch.Tensor | None = None
        for batch in batches:
            # Kernels are queued, not awaited: the GPU computes while the next batch is decoded.
            queued = self._forward(batch)
            if waiting is not None:
                yield waiting.float().cpu().numpy()
            waiting = queued
        if waiting is not None:
            yield waiting.float().cpu().numpy()

    @torch.inference_mode()
    def _forward(self, batch: Pixels) -> torch.Tensor:
        pixels = torch.from_numpy(batch)
        if self._device.type == "cuda":
            pixels = pixels.pin_memory()
        pixels = pixels.to(self._device, non_blocking=True)
        dtype = _DTYPES.get(self.precision)
        with torch.autocast(self._device.type, dtype=dtype, enabled=dtype is not None):
            output: torch.Tensor = self._network(pixels)
        return output


def open_runtime(
    spec: EncoderSpec, device: str, batch_size: int | None, precision: str | None
) -> TorchRuntime:
    """Move a spec's network to a torch device.

    Raises:
        DeviceError: torch can't use the device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("torch can't use the GPU (driver too old?); use --device cpu")
    if device == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("torch can't use MPS on this system; use --device cpu")
    return TorchRuntime(
        build_network(spec),
        device,
        batch_size or _BATCH_SIZE[device],
        precision or _PRECISION[device],
    )
