"""Which device and runtime are taken, with drivers that are there, absent or broken."""

import ctypes
import platform
import sys
from collections.abc import Callable, Iterator

import pytest
import torch

from simsearch.config import EncoderSpec
from simsearch.encoder import device
from simsearch.encoder.device import DEVICES, Target, choose_target, count_cuda_devices
from simsearch.encoder.runtimes import open_runtime
from simsearch.errors import DeviceError

SetUp = Callable[[int, bool], None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SetUp:
    """Return a function that pretends a number of GPUs and Apple silicon."""

    def pretend(gpus: int, apple: bool) -> None:
        monkeypatch.setattr(device, "count_cuda_devices", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(sys, "platform", "darwin" if apple else "linux")
        monkeypatch.setattr(platform, "machine", lambda: "arm64" if apple else "x86_64")

    return pretend


@pytest.mark.parametrize(
    ("asked", "gpus", "apple", "expected"),
    [
        ("auto", 0, False, Target("cpu", "openvino")),
        ("auto", 1, False, Target("cuda", "torch")),
        ("auto", 8, False, Target("cuda", "torch")),
        ("auto", 0, True, Target("mps", "torch")),
        ("cpu", 1, False, Target("cpu", "openvino")),
        ("cpu", 0, True, Target("cpu", "openvino")),
        ("cuda", 1, False, Target("cuda", "torch")),
        ("mps", 0, True, Target("mps", "torch")),
    ],
)
def test_target(machine: SetUp, asked: str, gpus: int, apple: bool, expected: Target) -> None:
    machine(gpus, apple)
    assert choose_target(asked) == expected


@pytest.mark.parametrize(
    ("asked", "gpus", "apple", "message"),
    [
        ("cuda", 0, False, "device 'cuda' asked for, but no NVIDIA GPU answers; use --device cpu"),
        ("cuda", 0, True, "no NVIDIA GPU answers"),
        ("mps", 1, False, "device 'mps' asked for, but this is no Apple silicon"),
        ("gpu", 1, False, "unknown device 'gpu'; use one of auto, cpu, cuda, mps"),
        ("", 0, False, "unknown device ''"),
        ("CPU", 0, False, "unknown device 'CPU'"),
    ],
)
def test_a_device_that_is_not_there(
    machine: SetUp, asked: str, gpus: int, apple: bool, message: str
) -> None:
    machine(gpus, apple)
    with pytest.raises(DeviceError, match=message):
        choose_target(asked)


def test_a_gpu_that_torch_cannot_use_is_told_once(
    machine: SetUp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine(1, False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_target("auto") == choose_target("auto") == Target("cpu", "openvino")
    (message,) = caplog.messages
    assert message == "torch can't use the NVIDIA GPU (driver too old?): the CPU does its work"


class FakeDriver:
    """What ctypes.CDLL returns for a driver with some GPUs."""

    def __init__(self, count: int, failure: str = "") -> None:
        self._count, self._failure = count, failure

    def cuInit(self, flags: int) -> int:  # noqa: N802 - CUDA's name
        return 100 if self._failure == "init" else flags

    def cuDeviceGetCount(self, pointer: object) -> int:  # noqa: N802 - CUDA's name
        pointer._obj.value = self._count  # type: ignore[attr-defined]
        return 3 if self._failure == "count" else 0


@pytest.fixture(autouse=True)
def _forget_the_count() -> Iterator[None]:
    for cached in (count_cuda_devices, device._torch_has_cuda):
        cached.cache_clear()
    yield
    for cached in (count_cuda_devices, device._torch_has_cuda):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        (FakeDriver(2), 2),
        (FakeDriver(0), 0),
        (FakeDriver(1, failure="init"), 0),
        (FakeDriver(1, failure="count"), 0),
        (None, 0),
    ],
    ids=["two", "none", "no init", "no count", "no driver"],
)
def test_the_driver_is_asked(
    monkeypatch: pytest.MonkeyPatch, driver: FakeDriver | None, expected: int
) -> None:
    def load(name: str) -> FakeDriver:
        if driver is None:
            raise OSError(f"{name}: cannot open shared object file")
        return driver

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert count_cuda_devices() == expected


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_torch_cannot_use(
    spec: EncoderSpec, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="use --device cpu") as caught:
        open_runtime(spec, Target(name, "torch"))
    assert len(str(caught.value).splitlines()) == 1


def test_the_devices_of_the_documentation() -> None:
    assert DEVICES == ("auto", "cpu", "cuda", "mps")
