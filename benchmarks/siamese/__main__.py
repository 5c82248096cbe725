"""Run one of the five classic jobs and print its table.

    python -m benchmarks.siamese JOB DATA [--seeds 3] [--variant NAME]... [--work FOLDER]

A line of JSON is kept for every fold, variant and seed in WORK/JOB.jsonl; what is there already, of
the same settings, is not run again, so an interrupted run goes on.
"""

import argparse
import hashlib
import json
import pkgutil
import shutil
import statistics
import tempfile
import time
import tomllib
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.measure import machine
from benchmarks.siamese import jobs
from benchmarks.siamese.protocol import Fold
from benchmarks.siamese.variants import NAMES, RECIPE, TRAINED, run
from simsearch.config import TrainingConfig

CONFIGS = Path(__file__).parent / "configs"
Row = dict[str, Any]
_KEYS = ("variant", "seed", "fold", "config")


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("job", choices=sorted(m.name for m in pkgutil.iter_modules(jobs.__path__)))
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--variant", action="append", choices=NAMES, help="all, unless given")
    parser.add_argument("--work", type=Path, default=Path("indexes/siamese"))
    parser.add_argument("--fold", type=int, action="append", help="numbers from 0; all")
    arguments = parser.parse_args()

    configs = read_configs(arguments.job)
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    log = work / f"{arguments.job}.jsonl"
    module = import_module(f"{jobs.__name__}.{arguments.job}")
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    rows = []
    for seed in range(arguments.seeds):
        folds = module.folds(arguments.data, work / arguments.job, seed)
        for variant in arguments.variant or NAMES:
            config = replace(configs["recipe" if variant == RECIPE else "all"], seed=seed)
            settings = hashlib.sha256(repr((TRAINED.get(variant), config)).encode()).hexdigest()
            for number, fold in enumerate(folds):
                if arguments.fold and number not in arguments.fold:
                    continue
                key = {"variant": variant, "seed": seed, "fold": fold.name, "config": settings[:8]}
                row = next((row for row in done if key.items() <= row.items()), None)
                if row is None:
                    row = {**key, **measure(variant, fold, config)}
                    print(json.dumps(row), flush=True)
                    with log.open("a") as stream:
                        stream.write(json.dumps(row) + "\n")
                rows.append(row)
    print(f"\n{arguments.job}; {machine()}")
    print_table(rows)


def read_configs(job: str) -> dict[str, TrainingConfig]:
    """Return the config that all variants of a job start from, and that of its recipe."""
    values = tomllib.loads((CONFIGS / f"{job}.toml").read_text())
    recipe = values.pop("recipe", {})
    return {"all": TrainingConfig(**values), "recipe": TrainingConfig(**{**values, **recipe})}


def measure(variant: str, fold: Fold, config: TrainingConfig) -> Row:
    """Return the figures of one variant on one fold, and the minutes it took."""
    started = time.monotonic()
    work = Path(tempfile.mkdtemp())
    try:
        outcome = run(variant, fold, config, work)
        figures = fold.measure(outcome.vectors, outcome.calibration)
    finally:
        shutil.rmtree(work)
    rounded = {name: round(value, 5) for name, value in figures.items()}
    return {**rounded, "minutes": round((time.monotonic() - started) / 60, 2)}


def print_table(rows: list[Row]) -> None:
    """Print, as Markdown, mean and spread over the seeds of each figure's mean over the folds."""
    names = list(dict.fromkeys(k for row in rows for k in row))
    figures = [name for name in names if name not in _KEYS]
    print("| " + " | ".join(["variant", *(name.replace("_", " ") for name in figures)]) + " |")
    print("|---" * (len(figures) + 1) + "|")
    for variant in NAMES:
        mine = [row for row in rows if row["variant"] == variant]
        if mine:
            print("| " + " | ".join([variant, *(_cell(mine, name) for name in figures)]) + " |")


def _cell(rows: list[Row], name: str) -> str:
    measured = [row for row in rows if name in row]
    seeds = sorted({row["seed"] for row in measured})
    means = [
        statistics.mean(row[name] for row in measured if row["seed"] == seed) for seed in seeds
    ]
    digits = 2 if name == "minutes" else 4
    spread = f" ± {statistics.stdev(means):.{digits}f}" if len(means) > 1 else ""
    return f"{statistics.mean(means):.{digits}f}{spread}" if means else ""


if __name__ == "__main__":
    main()
