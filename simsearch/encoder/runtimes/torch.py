"""torch on a GPU: mixed precision, channels-last memory; also on the CPU, for comparison."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch

from simsearch.config import EncoderSpec
from simsearch.encoder.resolve import build_network
from simsearch.encoder.runtimes import Pixels, Vectors
from simsearch.errors import DeviceError

_BATCH_SIZE = {"cuda": 256, "mps": 64, "cpu": 8}
# The default backbone's vectors and those in single precision have a cosine of 0.99997 or more in
# f16, 0.998 in bf16, which is no faster. What does not fit in f16 becomes no vector, and is told.
_PRECISION = {"cuda": "f16", "mps": "f16", "cpu": "f32"}
_DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}


class TorchRuntime:
    """A network on a torch device."""

    def __init__(
        self, network: torch.nn.Module, device: str, batch_size: int, precision: str
    ) -> None:
        self.batch_size = batch_size
        self.precision = precision
        self._transfers = CudaTransfers() if device == "cuda" else Transfers(device)
        self._device = device
        # Only 4-d tensors have a channels-last layout; `to` leaves the others as they are.
        self._network = network.to(device).to(memory_format=torch.channels_last)

    def run(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """See Runtime.run."""
        waiting: deque[Callable[[], Vectors]] = deque()
        for batch in batches:
            # Kernels are queued, not awaited: a GPU computes while the next batch is decoded.
            waiting.append(self._transfers.fetch(self._forward(self._transfers.send(batch))))
            if len(waiting) > self._transfers.ahead:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()

    @torch.inference_mode()
    def _forward(self, pixels: torch.Tensor) -> torch.Tensor:
        dtype = _DTYPES.get(self.precision)
        with torch.autocast(self._device, dtype=dtype, enabled=dtype is not None):
            output: torch.Tensor = self._network(pixels)
        return output


class Transfers:
    """Copies to a device and back, in the order of the kernels."""

    ahead = 1  # batches that are queued while an earlier one is awaited

    def __init__(self, device: str) -> None:
        self._device = device

    def send(self, batch: Pixels) -> torch.Tensor:
        """Return a batch on the device."""
        return torch.from_numpy(batch).to(self._device)

    def fetch(self, output: torch.Tensor) -> Callable[[], Vectors]:
        """Return what waits for an output and returns it, float32."""
        return lambda: output.float().cpu().numpy()


class CudaTransfers:
    """Copies to a GPU on a stream beside that of the kernels, and back; neither waits."""

    ahead = 2

    def __init__(self) -> None:
        self._copying = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def send(self, batch: Pixels) -> torch.Tensor:
        """See Transfers; kernels queued from now on wait for it."""
        pinned = torch.from_numpy(batch).pin_memory()
        with torch.cuda.stream(self._copying):
            pixels = pinned.to("cuda", non_blocking=True)
        computing = torch.cuda.current_stream()
        computing.wait_stream(self._copying)
        pixels.record_stream(computing)  # its memory is not free before the kernels have read it
        return pixels

    def fetch(self, output: torch.Tensor) -> Callable[[], Vectors]:
        """See Transfers; later batches are not waited for."""
        host = output.float().to("cpu", non_blocking=True)  # torch pins it
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record()

        def wait() -> Vectors:
            arrived.synchronize()
            return host.numpy()

        return wait


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
