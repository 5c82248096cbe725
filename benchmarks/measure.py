"""What the benchmarks share: timing whole processes, and describing the machine."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class ProcessRun:
    """A finished process: wall seconds, peak resident memory in bytes, standard output."""

    seconds: float
    peak_bytes: int
    output: str


def run_process(command: Sequence[str]) -> ProcessRun:
    """Run a command to its end, start-up included; exits with its output if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{errors}")
    return ProcessRun(seconds, usage.ru_maxrss * 1024, output)


def simsearch(*arguments: object) -> list[str]:
    """Return the command line of simsearch with these arguments."""
    return [sys.executable, "-m", "simsearch", *map(str, arguments)]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> str:
    """Return processor, cores, system, versions and date in one line."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("openvino", "pillow"))
    date = datetime.now(UTC).date().isoformat()
    return f"{model}, {cores()} cores, Python {platform.python_version()}, {versions}, {date}"


def megabytes(count: int) -> str:
    """Return bytes as whole megabytes."""
    return f"{count / 1e6:.0f} MB"
