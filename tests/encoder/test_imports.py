"""What a fresh interpreter imports: no torch for a cached model, and never the telemetry."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import openvino as runtime
from tests.encoder.conftest import save, small_network

HEAVY = ("torch", "torchvision", "timm", "faiss", "pyarrow")
OPEN_AND_RUN = """
    import numpy as np
    from simsearch.encoder.device import Target
    from simsearch.encoder.resolve import resolve
    from simsearch.encoder.runtimes import open_runtime
    spec = resolve(sys.argv[1])
    size = spec.preprocessing.size
    one = open_runtime(spec, Target("cpu", "openvino"), batch_size=1)
    (vectors,) = one.run([np.zeros((1, size, size, 3), np.uint8)])
    assert vectors.shape == (1, spec.dim)
"""


def imported(code: str, *args: str) -> set[str]:
    """Run code in a fresh interpreter without a network; return the modules it imported."""
    script = f"""
if True:
    import json, socket, sys
    def refuse(*args): raise OSError("no network here")
    socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
    {code}
    loaded = [name for name, module in sys.modules.items() if module is not None]
    print("LOADED", json.dumps(loaded))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    names: Any = json.loads(done.stdout.rpartition("LOADED")[2])
    return set(names)


def check_no_telemetry(names: set[str]) -> None:
    assert not [name for name in names if name.startswith("openvino_telemetry")]


@pytest.mark.parametrize(
    "code",
    [
        "import simsearch",
        "import simsearch.encoder.resolve, simsearch.encoder.embed, simsearch.encoder.device",
        "import simsearch.images.decode, simsearch.images.discover",
        "import simsearch.encoder.runtimes.openvino",
    ],
)
def test_importing_is_light(code: str) -> None:
    names = imported(code)
    assert not names & set(HEAVY)
    check_no_telemetry(names)


def test_the_default_runs_from_the_cache_without_torch() -> None:
    spec = resolve(DEFAULT_ENCODER)
    runtime.open_runtime(spec, "cpu", 1, None)  # fills the cache of this test run
    names = imported(OPEN_AND_RUN, DEFAULT_ENCODER)
    assert "openvino" in names
    assert not names & set(HEAVY)
    check_no_telemetry(names)


def test_a_conversion_reports_to_nobody(tmp_path: Path, own_cache: Path) -> None:
    names = imported(OPEN_AND_RUN, str(save(tmp_path / "a", small_network())))
    assert {"torch", "openvino"} <= names
    check_no_telemetry(names)
