"""Engines in processes of their own, and runs that are not run again."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simsearch.bench.recall import engines
from simsearch.bench.recall import run as run_module
from simsearch.bench.recall.dataset import Dataset
from simsearch.bench.recall.plot import pareto
from simsearch.bench.recall.run import benchmark_recall
from simsearch.bench.recall.sources import Asked, open_source
from simsearch.bench.recall.worker import WorkerTask, measure
from simsearch.errors import InputError

K = 5


@pytest.fixture
def dataset(tmp_path: Path) -> Iterator[Dataset]:
    """Return 500 made vectors and 40 queries."""
    asked = Asked("synthetic:540,16", sample=40)
    with open_source(asked, K, tmp_path / "home", lambda _: np.empty((0, 0), np.float32)) as made:
        yield made


def measured(dataset: Dataset, engine: str, *asked: tuple[int, str]) -> list[dict[str, Any]]:
    task = WorkerTask(str(dataset.folder), str(dataset.truth), engine, asked, K, 1, 2)
    return list(measure(task))


def test_an_exact_engine_finds_everything(dataset: Dataset) -> None:
    single, batch = measured(dataset, "simsearch/flat_f32", (0, "single"), (0, "batch"))
    assert single["recall"] == batch["recall"] == single["recall_of_nearest"] == 1
    assert single["settings"] == {"factory": "Flat"}
    assert single["parameters"] == {}
    assert (single["warm_up"], batch["warm_up"]) == (4, 1)
    assert single["bytes"] > 4 * dataset.n * dataset.dim
    assert 0 < single["p50_ms"] <= single["p95_ms"] <= single["p99_ms"]
    assert 0 < single["queries_per_second"] <= single["best_queries_per_second"]
    assert single["peak_bytes"] >= single["build_peak_bytes"] > 0
    assert "peak_gpu_bytes" in single


def test_what_only_a_gpu_builds_is_left_out_and_told(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    told: list[str] = []
    engines = ["simsearch/cagra", "simsearch/flat"]
    runs = benchmark_recall(
        dataset, engines, ["batch"], K, 1, 1, tmp_path / "runs.jsonl", told.append
    )
    assert [run["engine"] for run in runs] == ["simsearch/flat"]
    (why,) = told
    assert why.startswith("simsearch/cagra: ended with 1: recipe 'cagra' is built on a GPU")


def test_recall_grows_with_effort(dataset: Dataset) -> None:
    efforts = [1, 4, 1000]
    runs = measured(dataset, "simsearch/ivf", *((effort, "batch") for effort in efforts))
    assert [run["parameters"] for run in runs] == [{"nprobe": effort} for effort in efforts]
    recalls = [run["recall"] for run in runs]
    assert recalls == sorted(recalls)
    assert recalls[0] < recalls[-1] == 1


def run_all(dataset: Dataset, runs: Path, names: list[str]) -> tuple[list[Any], list[str]]:
    warnings: list[str] = []
    done = benchmark_recall(dataset, names, ["batch"], K, 1, 1, runs, warnings.append)
    return done, warnings


def test_finished_runs_are_not_run_again(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs.jsonl"
    first, warnings = run_all(dataset, runs, ["simsearch/flat"])
    assert warnings == []
    (one,) = first
    assert (one["engine"], one["mode"], one["k"], one["n"]) == ("simsearch/flat", "batch", K, 500)
    assert one["versions"]["numpy"]
    assert [json.loads(line) for line in runs.read_text().splitlines()] == first
    monkeypatch.setattr(run_module, "_work", lambda _: 1 / 0)
    assert run_all(dataset, runs, ["simsearch/flat"])[0] == first


def test_a_run_that_a_kill_has_halved_is_run_again(dataset: Dataset, tmp_path: Path) -> None:
    runs = tmp_path / "runs.jsonl"
    run_all(dataset, runs, ["simsearch/flat"])
    runs.write_text(runs.read_text()[:40])
    assert len(run_all(dataset, runs, ["simsearch/flat"])[0]) == 1
    assert len(run_all(dataset, runs, ["simsearch/flat"])[0]) == 1


def test_an_engine_that_is_not_installed_is_told(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hnswlib", None)
    monkeypatch.delitem(sys.modules, f"{engines.__name__}.hnswlib_engine", raising=False)
    done, warnings = run_all(dataset, tmp_path / "runs.jsonl", ["hnswlib", "simsearch/flat"])
    assert [run["engine"] for run in done] == ["simsearch/flat"]
    assert warnings == ["hnswlib is left out, it is not installed; pip install hnswlib"]


def test_an_engine_that_fails_is_told(dataset: Dataset, tmp_path: Path) -> None:
    (dataset.folder / "base.f32").write_bytes(b"")
    warnings: list[str] = []
    with pytest.raises(InputError, match="nothing was measured"):
        benchmark_recall(
            dataset, ["simsearch/ivf"], ["batch"], K, 1, 1, tmp_path / "runs", warnings.append
        )
    (warning,) = warnings
    assert warning.startswith("simsearch/ivf: ended with 1: ")


def test_pareto_keeps_what_nothing_beats() -> None:
    runs = [
        {"recall": recall, "queries_per_second": speed}
        for recall, speed in [(0.9, 100), (0.95, 90), (0.94, 80), (1.0, 10), (1.0, 20)]
    ]
    kept = [(run["recall"], run["queries_per_second"]) for run in pareto(runs)]
    assert kept == [(0.9, 100), (0.95, 90), (1.0, 20)]
