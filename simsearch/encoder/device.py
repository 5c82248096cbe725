"""Which device runs the encoder, found without importing torch where there is no GPU."""

import ctypes
import logging
import platform
import sys
from dataclasses import dataclass
from functools import cache

from simsearch.errors import DeviceError

_log = logging.getLogger("simsearch")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, slots=True)
class Target:
    """A device and the runtime (a module of `runtimes`) that serves it."""

    device: str
    runtime: str


def choose_target(device: str) -> Target:
    """Return the target for one of DEVICES; 'auto' takes CUDA, then MPS, then the CPU.

    Raises:
        DeviceError: the device asked for is not there.
    """
    if device == "auto":
        device = "cuda" if _torch_has_cuda() else "mps" if _has_mps() else "cpu"
    elif device == "cuda" and not count_cuda_devices():
        raise DeviceError("device 'cuda' asked for, but no NVIDIA GPU answers; use --device cpu")
    elif device == "mps" and not _has_mps():
        raise DeviceError("device 'mps' asked for, but this is no Apple silicon; use --device cpu")
    elif device not in DEVICES:
        raise DeviceError(f"unknown device '{device}'; use one of {', '.join(DEVICES)}")
    return Target(device, "openvino" if device == "cpu" else "torch")


@cache
def count_cuda_devices() -> int:
    """Return how many NVIDIA GPUs the driver offers; 0 without a driver."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return 0
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


@cache
def _torch_has_cuda() -> bool:
    """Return whether torch can use an NVIDIA GPU; tell why not where there is one."""
    if not count_cuda_devices():
        return False
    import torch

    if torch.cuda.is_available():
        return True
    _log.warning("torch can't use the NVIDIA GPU (driver too old?): the CPU does its work")
    return False


def _has_mps() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"
