"""What the peer runners share: a clean standard output, the process's age, the result line."""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TextIO


def take_stdout() -> TextIO:
    """Send all later output, that of native code too, to stderr; return the real stdout."""
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0))


def process_age() -> float:
    """Seconds since this process started, the interpreter's own start included."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # field 22 of proc(5), since boot
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def report(
    out: TextIO, *, tool: str, images: int, seconds: float, weights: str, notes: str
) -> None:
    """Write the result as one line of JSON."""
    result = {
        "tool": tool,
        "version": version(tool),
        "images": images,
        "seconds": round(seconds, 3),
        "seconds_with_start": round(process_age(), 3),
        "weights": weights,
        "notes": notes,
    }
    print(json.dumps(result), file=out, flush=True)
