"""One engine in a process of its own: what it builds and how it answers, a JSON line a run.

    python -m simsearch.bench.recall.worker TASK.json

So the peak memory is that engine's, and its threads are nobody else's.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simsearch.bench.machine import GpuUse, peak_memory
from simsearch.bench.recall.dataset import Dataset, read_dataset
from simsearch.bench.recall.engines import Engine, load_engine
from simsearch.bench.recall.truth import Distances, distances_to, true_distances
from simsearch.errors import SimsearchError
from simsearch.index.device import count_gpus
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.metrics.search import nearest_recall, recall_by_distance

SINGLE, BATCH = "single", "batch"
_WARM_UP = 0.1  # of the queries, before each run


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What to measure.

    Attributes:
        dataset, truth: its folder, and where its exact neighbours are kept.
        engine: its name, see `load_engine`.
        asked: (effort, mode) of each run; mode is 'single', one query a call, or 'batch', all.
        k: neighbours.
        threads: of a search; building takes all cores.
        repeat: times that all queries are asked, after a warm-up.
    """

    dataset: str
    truth: str
    engine: str
    asked: Sequence[tuple[int, str]]
    k: int
    threads: int
    repeat: int


def main() -> None:
    """Measure, and print a line a run."""
    task = WorkerTask(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    try:
        for run in measure(task):
            print(json.dumps(run), flush=True)  # noqa: T201 - the parent reads it
    except SimsearchError as error:
        sys.exit(str(error))


def measure(task: WorkerTask) -> Iterator[dict[str, Any]]:
    """Build the engine and yield the figures of one run after the other."""
    dataset = read_dataset(Path(task.dataset), Path(task.truth))
    engine = load_engine(task.engine)
    with GpuUse(count_gpus() > 0) as gpu:
        built = _build(engine, dataset)
        queries, truth = dataset.query_vectors(), true_distances(dataset, task.k)
        for effort, mode in task.asked:
            engine.prepare(effort, task.threads)
            run: dict[str, Any] = {"effort": effort, "mode": mode}
            run["parameters"] = {engine.knob: effort} if engine.knob else {}
            run |= _run(engine, dataset, queries, truth, mode, task)
            yield run | built | {"peak_bytes": peak_memory(), "peak_gpu_bytes": gpu.peak_bytes}


def _build(engine: Engine, dataset: Dataset) -> dict[str, Any]:
    started = time.perf_counter()
    engine.train(dataset.source(), count_gpus())
    trained = time.perf_counter()
    engine.add(dataset.source())
    added = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "index")
        engine.save(file)
        size = file.stat().st_size
    return {
        "settings": engine.settings,
        "train_seconds": trained - started,
        "add_seconds": added - trained,
        "bytes": size,
        "build_peak_bytes": peak_memory(),
    }


def _run(
    engine: Engine,
    dataset: Dataset,
    queries: Vectors,
    truth: Distances,
    mode: str,
    task: WorkerTask,
) -> dict[str, Any]:
    calls = [queries] if mode == BATCH else [queries[i : i + 1] for i in range(len(queries))]
    warm_up = calls[: max(1, round(_WARM_UP * len(calls)))]
    for call in warm_up:
        engine.search(call, task.k)
    found: list[Ids] = []
    seconds = np.empty((task.repeat, len(calls)))
    for times in seconds:
        found = []
        for place, call in enumerate(calls):
            started = time.perf_counter()
            answer = engine.search(call, task.k)
            times[place] = time.perf_counter() - started
            found.append(answer)
    distances = distances_to(dataset, queries, np.concatenate(found))
    totals = seconds.sum(axis=1)
    return {
        "warm_up": len(warm_up),
        "recall": recall_by_distance(distances, truth),
        "recall_of_nearest": nearest_recall(distances, truth),
        "queries_per_second": len(queries) / float(np.median(totals)),
        "best_queries_per_second": len(queries) / float(totals.min()),
        **{f"p{p}_ms": 1000 * float(np.percentile(seconds, p)) for p in (50, 95, 99)},
    }


if __name__ == "__main__":
    main()
