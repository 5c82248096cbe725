"""All that runs on a GPU: checks against the CPU, and timings, in one table.

    python -m benchmarks.gpu_suite [--vectors N] [--only NAME...] [--out RESULTS.json]

Every check compares what a GPU gives with what the CPU gives for the same input; every timing
stands beside what is to be reached on one H200 with 16 cores. It ends with 1 if a check could not
be run to its end, or there is no GPU.
"""

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import faiss
import numpy as np
import torch

from benchmarks.gpu import DIM, QUERIES, SEED, Bench, Row, pictures, vectors
from benchmarks.measure import machine
from simsearch.bench.machine import gpus
from simsearch.bench.recall.sources import made_vectors
from simsearch.index.device import count_gpus

CHECKS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "refusals": vectors.refusals,
    "exact": vectors.exact_search,
    "indices": vectors.indices,
    "pairs": vectors.all_pairs,
    "throughput": pictures.whole_runs,
    "training": pictures.training,
    "decoding": pictures.decoding,
    "encoding": pictures.encoding,
}


def main() -> None:
    """Run all checks, print the table, keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=list(CHECKS), default=list(CHECKS))
    parser.add_argument("--out", type=Path, help="also keep the figures as JSON")
    arguments = parser.parse_args()
    if not count_gpus() or not torch.cuda.is_available():
        sys.exit("no GPU: faiss or torch finds none; nothing was measured")
    about = (
        f"{machine()}, {', '.join(gpus())}, torch {torch.__version__}, faiss {faiss.__version__}"
    )
    print(about, flush=True)
    made = made_vectors(arguments.vectors + QUERIES, DIM, SEED)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    rows: list[Row] = []
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(made[:-QUERIES], made[-QUERIES:], Path(scratch))
        for name in arguments.only:
            started = time.perf_counter()
            try:
                for row in CHECKS[name](bench):
                    rows.append(row)
                    show(row)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the others must have their run
                failed = True
                print(f"{name} FAILED: {type(error).__name__}: {error}", flush=True)
                traceback.print_exc(limit=-4)
            print(f"  ({name}: {time.perf_counter() - started:.0f} s)", flush=True)
            if arguments.out:
                figures = [asdict(row) for row in rows]
                kept = {"about": about, "vectors": arguments.vectors, "rows": figures}
                arguments.out.write_text(json.dumps(kept, indent=1) + "\n")
    sys.exit(failed)


def show(row: Row) -> None:
    """Print a line of the table."""
    mark = {None: "", True: "reached", False: "NOT REACHED"}[row.is_reached]
    reach = "" if row.reach is None else f"{row.reach:,.4g}"
    print(f"{row.what:<52} {row.figure:>12,.4g} {row.unit:<10} {reach:>9} {mark}", flush=True)


if __name__ == "__main__":
    main()
