"""All engines on one dataset, each in a process of its own; what is finished is not done again."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simsearch.bench.machine import gpus, processor, versions
from simsearch.bench.recall.dataset import Dataset
from simsearch.bench.recall.engines import load_engine
from simsearch.bench.recall.worker import WorkerTask
from simsearch.errors import InputError, SimsearchError

Run = dict[str, Any]
PEERS = ("hnswlib", "usearch")
ON_GPU = ("gpu/cagra", "gpu/flat")
_IDENTITY = ("digest", "engine", "effort", "mode", "k", "threads", "repeat", "versions", "cpu")


def benchmark_recall(
    dataset: Dataset,
    engines: Sequence[str],
    modes: Sequence[str],
    k: int,
    threads: int,
    repeat: int,
    runs: Path,
    on_warning: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Run]:
    """Return a run for each engine, effort and mode; those that `runs` has are taken from there.

    Args:
        engines: names, see `engines.load_engine`.
        modes: 'single', one query a call, and 'batch', all in one.
        threads: of a search; building takes all cores.
        repeat: times that all queries are asked.
        runs: a file of JSON lines, a finished run each; new ones are added to it.
        on_warning: told why an engine is left out.
        progress: called with (runs done, runs to do).

    Raises:
        InputError: `runs` can't be read or written, or no engine could be run.
    """
    about: Run = {
        "dataset": dataset.name,
        "digest": dataset.digest,
        "n": dataset.n,
        "dim": dataset.dim,
        "metric": dataset.metric,
        "queries": dataset.queries,
        "k": k,
        "threads": threads,
        "repeat": repeat,
        "cpu": processor(),
        "gpus": gpus(),
    }
    finished = {_identity(run): run for run in read_runs(runs)}
    done: list[Run] = []
    progress(0, len(engines))
    for place, name in enumerate(engines):
        try:
            engine = load_engine(name)
        except ImportError:
            on_warning(f"{name} is left out, it is not installed; pip install {name}")
            continue
        mine = about | {"engine": name, "versions": versions(engine.PACKAGES)}
        asked = [(effort, mode) for effort in engine.efforts for mode in modes]
        keys = [_identity(mine | {"effort": effort, "mode": mode}) for effort, mode in asked]
        missing = [pair for pair, key in zip(asked, keys, strict=True) if key not in finished]
        task = WorkerTask(
            str(dataset.folder), str(dataset.truth), name, missing, k, threads, repeat
        )
        try:
            for run in _work(task) if missing else ():
                whole = mine | run | {"date": datetime.now(UTC).isoformat(timespec="seconds")}
                finished[_identity(whole)] = whole
                _append(runs, whole)
        except EngineFailedError as error:
            on_warning(f"{name}: {error}")
        done += [finished[key] for key in keys if key in finished]
        progress(place + 1, len(engines))
    if not done:
        raise InputError("nothing was measured, for the reasons given; ask for other --recipes")
    return done


def engine_of(recipe: str) -> str:
    """Return the name of the engine of a recipe, or of one that is searched on a GPU."""
    return recipe if recipe in ON_GPU else f"simsearch/{recipe}"


class EngineFailedError(SimsearchError):
    """An engine's process has ended before its runs."""


def _work(task: WorkerTask) -> Iterator[Run]:
    """Yield what a worker prints, as it comes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Path(folder, "errors").open("w+", encoding="utf-8") as errors,
    ):
        description = Path(folder, "task.json")
        description.write_text(json.dumps(asdict(task)), encoding="utf-8")
        command = [sys.executable, "-m", "simsearch.bench.recall.worker", str(description)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)  # noqa: S603 - this Python
        with process:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            for line in process.stdout:
                yield json.loads(line)
        if process.returncode:
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["no message"])[-1]
            raise EngineFailedError(f"ended with {process.returncode}: {last}")


def _identity(run: Run) -> str:
    return json.dumps([run.get(name) for name in _IDENTITY], sort_keys=True)


def read_runs(runs: Path) -> list[Run]:
    """Return the finished runs of a file, none where it is not there; raises InputError."""
    try:
        text = runs.read_text(encoding="utf-8") if runs.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # a kill has halved the last line
            runs.write_text(whole, encoding="utf-8")
        return [json.loads(line) for line in whole.splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(
            f"'{runs}' holds no runs: {error}; give another file with --out"
        ) from error


def _append(runs: Path, run: Run) -> None:
    try:
        runs.parent.mkdir(parents=True, exist_ok=True)
        with runs.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(run) + "\n")
    except OSError as error:
        raise InputError(
            f"can't write '{runs}': {error.strerror}; give another file with --out"
        ) from error
