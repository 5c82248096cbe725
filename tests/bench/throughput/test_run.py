"""What is measured of an index run, and how the whole is set against its parts."""

import time
from pathlib import Path

import pytest

from simsearch.bench import machine
from simsearch.bench.throughput import run, stages
from simsearch.bench.throughput.run import Stage, benchmark_throughput
from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.device import Target
from simsearch.errors import FolderError
from tests.conftest import save_pictures


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_SECONDS", 0.01)
    monkeypatch.setattr(stages, "PART_ROWS", 8)


def test_every_stage_is_measured_in_every_round(tmp_path: Path) -> None:
    save_pictures(tmp_path, 4)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    rounds: list[tuple[int, int]] = []
    measured = benchmark_throughput(
        str(tmp_path), DEFAULT_ENCODER, "cpu", [1, 2], 100, 2, lambda *at: rounds.append(at)
    ).as_dict()
    assert rounds == [(1, 2), (2, 2)]
    assert (measured["pictures"], measured["dim"]) == (4, 512)
    assert measured["bytes"] == sum(path.stat().st_size for path in tmp_path.iterdir())
    stages_of = [stage["stage"] for stage in measured["stages"]]
    assert list(dict.fromkeys(stages_of)) == [
        *("decode", "encode", "store", "build", "search", "end to end")
    ]
    encoders = [
        (stage["device"], stage["runtime"], stage["batch_size"])
        for stage in measured["stages"]
        if stage["stage"] == "encode"
    ]
    assert encoders == [("cpu", name, size) for name in ("openvino", "torch") for size in (1, 2)]
    for stage in measured["stages"]:
        assert 0 < stage["lowest"] <= stage["per_second"] <= stage["highest"]
    assert measured["gpu_use"] is None
    assert measured["share_of_limit"] > 0
    assert measured["peak_memory"] > 10**7


def test_nothing_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    with pytest.raises(FolderError, match="can be read"):
        benchmark_throughput(str(tmp_path), DEFAULT_ENCODER, "cpu", [1], 100, 1)


@pytest.mark.parametrize(
    ("target", "share"),
    [
        # 1 / (1/1000 + 1/250 + 1/1000 + 1/500) = 125 on shared cores; the slowest beside a GPU
        (Target("cpu", "openvino"), 100 / 125),
        (Target("cuda", "torch"), 100 / 400),
    ],
)
def test_share_of_what_the_parts_allow(target: Target, share: float) -> None:
    def stage(name: str, rate: float, device: str = "", runtime: str = "") -> Stage:
        return Stage(name, {"device": device, "runtime": runtime} if device else {}, "", (rate,))

    measured = [
        stage("decode", 1000),
        stage("encode", 250, "cpu", "openvino"),
        stage("encode", 200, "cpu", "openvino"),
        stage("encode", 50, "cpu", "torch"),
        stage("encode", 400, "cuda", "torch"),
        stage("store", 1000),
        stage("build", 500),
        stage("end to end", 100, target.device, target.runtime),
    ]
    assert run._share(measured, target) == pytest.approx(share)


def answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> tuple[float | None, int | None]:
    """Return the GPU's use as told by a driver's program that is a shell script."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(machine, "_SECONDS_BETWEEN", 0.01)
    monkeypatch.setattr(machine.GpuUse, "_COMMAND", (str(program),))
    with machine.GpuUse(wanted=True) as use:
        assert use.mean is None
        end = time.monotonic() + 10
        while use.mean is None and use.is_asking and time.monotonic() < end:
            time.sleep(0.01)
    return use.mean, use.peak_bytes


def test_gpu_use_is_what_the_driver_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mean, peak = answers(tmp_path, monkeypatch, "echo '40, 1024'")
    assert mean == pytest.approx(0.4)
    assert peak == 1 << 30


@pytest.mark.parametrize("script", ["exit 9", "echo '40, 3'; exit 1", "echo '[N/A], 3'"])
def test_driver_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    assert answers(tmp_path, monkeypatch, script) == (None, None)
