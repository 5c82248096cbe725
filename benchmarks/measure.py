"""What the benchmarks share: timing whole processes, and describing the machine."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from simsearch.bench.machine import processor, versions


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


def machine() -> str:
    """Return processor, cores, system, versions and date in one line."""
    known = ", ".join(f"{name} {at}" for name, at in versions(("openvino", "pillow")).items())
    return f"{processor()}, {known}, {datetime.now(UTC).date().isoformat()}"


def megabytes(count: int) -> str:
    """Return bytes as whole megabytes."""
    return f"{count / 1e6:.0f} MB"
