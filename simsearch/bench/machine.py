"""What figures were measured on: they mean nothing without it."""

import platform
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from simsearch.collection.api import available_cores

_SECONDS_BETWEEN = 0.5  # two questions to the driver


def processor() -> str:
    """Return the name of the processor and how many of its cores this process may use."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {available_cores()} cores"


def gpus() -> list[str]:
    """Return the names of the GPUs that torch can use."""
    import torch

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def versions(names: Sequence[str]) -> dict[str, str]:
    """Return the versions of the packages that are installed, Python's own first."""
    found = {"python": platform.python_version()}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held; 0 where the system won't tell."""
    with suppress(OSError, KeyError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(dict(line.split(":", 1) for line in lines)["VmHWM"].split()[0]) * 1024
    with suppress(ImportError):
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return 0


class GpuUse:
    """Asks the driver, while it is open, how busy the first GPU is.

    Attributes:
        mean: share of the time that a kernel ran, 0 to 1; None where nothing was asked or answered.
        peak_bytes: most bytes of its memory that were in use, by whomever; None likewise.
    """

    _COMMAND = (
        *("nvidia-smi", "-i", "0", "--query-gpu=utilization.gpu,memory.used"),
        "--format=csv,noheader,nounits",
    )

    def __init__(self, wanted: bool) -> None:
        self.mean: float | None = None
        self.peak_bytes: int | None = None
        self._wanted = wanted
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> "GpuUse":
        if self._wanted:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._wanted:
            self._thread.join()

    @property
    def is_asking(self) -> bool:
        """Whether the driver may still answer."""
        return self._thread.is_alive()

    def _ask(self) -> None:
        shares: list[float] = []
        while not self._over.wait(_SECONDS_BETWEEN):
            try:
                asked = subprocess.run(self._COMMAND, capture_output=True, text=True, check=True)  # noqa: S603 - no input
            except (OSError, subprocess.CalledProcessError):
                return
            try:
                share, mebibytes = map(float, asked.stdout.split(","))
            except ValueError:  # some virtual GPUs do not tell
                return
            shares.append(share / 100)
            self.peak_bytes = max(self.peak_bytes or 0, round(mebibytes * 2**20))
            self.mean = sum(shares) / len(shares)
