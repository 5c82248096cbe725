"""Streams and events of a GPU that is not there, which take notes: what waits for what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from simsearch.encoder.runtimes import Pixels
from simsearch.encoder.runtimes.torch import CudaTransfers, TorchRuntime


class Gpu:
    """Notes what is queued and what is awaited.

    Attributes:
        noted: ('copied', 'computed', 'recorded', 'awaited'), each with the batch's number.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.noted: list[tuple[str, int]] = []
        self._copied = self._computed = self._recorded = 0
        gpu = self

        class Event:
            def record(self) -> None:
                self._number = gpu._recorded
                gpu._recorded += 1
                gpu.noted.append(("recorded", self._number))

            def synchronize(self) -> None:
                gpu.noted.append(("awaited", self._number))

        class Stream:
            def wait_stream(self, other: object) -> None:
                assert isinstance(other, Stream)
                gpu.noted.append(("copied", gpu._copied))
                gpu._copied += 1

        @contextmanager
        def stream(inside: object) -> Iterator[None]:
            assert isinstance(inside, Stream)
            self.beside = True
            yield
            self.beside = False

        patch.setattr(torch.cuda, "Stream", Stream)
        patch.setattr(torch.cuda, "Event", Event)
        patch.setattr(torch.cuda, "stream", stream)
        patch.setattr(torch.cuda, "current_stream", Stream)
        patch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)
        patch.setattr(torch.Tensor, "record_stream", lambda *_: None)
        real = torch.Tensor.to
        patch.setattr(torch.Tensor, "to", lambda tensor, *a, **k: self._to(real, tensor, *a, **k))

    def _to(self, real: Any, tensor: torch.Tensor, *place: object, **how: object) -> Any:
        if place == ("cuda",):
            assert how == {"non_blocking": True}
            assert self.beside, "pixels are copied beside the kernels"
            return tensor
        return real(tensor, *place, **how)

    def network(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the mean of each picture, twice."""
        self.noted.append(("computed", self._computed))
        self._computed += 1
        means = pixels.float().mean(dim=(1, 2, 3))
        return torch.stack([means, -means], dim=1)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    """Return a GPU that takes notes."""
    return Gpu(monkeypatch)


def runtime_on(gpu: Gpu) -> TorchRuntime:
    runtime = TorchRuntime(torch.nn.Identity(), "cpu", 4, "f32")
    runtime._network = gpu.network  # type: ignore[assignment]
    runtime._transfers = CudaTransfers()
    return runtime


def pictures(count: int) -> list[Pixels]:
    rng = np.random.default_rng(count)
    return [rng.integers(0, 256, (4, 8, 8, 3), np.uint8) for _ in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_every_batch_is_awaited_before_it_is_read(gpu: Gpu, count: int) -> None:
    batches = pictures(count)
    found = list(runtime_on(gpu).run(batches))
    for batch, vectors in zip(batches, found, strict=True):
        assert np.allclose(vectors[:, 0], batch.mean(axis=(1, 2, 3)), atol=1e-3)
        assert vectors.dtype == np.float32
    steps = ["copied", "computed", "recorded", "awaited"]
    for number in range(count):
        assert [what for what, one in gpu.noted if one == number] == steps


def test_two_batches_are_queued_while_one_is_awaited(gpu: Gpu) -> None:
    list(runtime_on(gpu).run(pictures(6)))
    awaited = [place for place, (what, _) in enumerate(gpu.noted) if what == "awaited"]
    queued = [sum(what == "computed" for what, _ in gpu.noted[:place]) for place in awaited]
    assert queued == [3, 4, 5, 6, 6, 6]


def test_a_batch_may_be_changed_after_it_was_taken(gpu: Gpu) -> None:
    batches = pictures(4)

    def reused() -> Iterator[Pixels]:
        buffer = np.empty((4, 8, 8, 3), np.uint8)
        for batch in batches:
            buffer[:] = batch
            yield buffer

    found = np.concatenate(list(runtime_on(gpu).run(reused())))
    assert np.allclose(found[:, 0], np.concatenate(batches).mean(axis=(1, 2, 3)), atol=1e-3)
