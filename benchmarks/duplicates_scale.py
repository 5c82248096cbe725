"""How the search for duplicates grows: seconds, memory and recall at 10^4, 10^5 and 10^6 vectors.

    python -m benchmarks.duplicates_scale PICTURES... [--sizes 10000 100000 1000000] [--scratch DIR]

Makes vectors of the pictures' own (see real_like), one a distinct content of a collection, with
planted near-copies. Then, each in a process of its own, the index is built as `simsearch index`
builds it, and joined with itself as `simsearch duplicates` does: the five nearest of each
(nearest), and all pairs as near as the default encoder calls alike (over). Pair recall is the share
of the pairs over that threshold that were found: of the planted ones, and of all that a sample of
the vectors has by brute force; without those of which both are crowded, which the join leaves out
(see `search.join.pairs_over`). Pictures that the encoder was trained on lie too near each other.
What is done is kept in --scratch and not done again; it takes 2 KB a vector there.
"""

import argparse
import itertools
import json
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.measure import machine, run_process
from benchmarks.real_like import SEED, Vectors, neighbours, real_vectors, write_collection
from simsearch.collection.duplicates.copies import LOWEST, NEAREST
from simsearch.collection.duplicates.joining import FOLDER as JOINS
from simsearch.collection.duplicates.joining import join_nearest, join_over
from simsearch.collection.duplicates.stored_vectors import StoredVectors
from simsearch.collection.indexing import index_parts, open_index
from simsearch.encoder.calibration import alike_from
from simsearch.index.meta import FOLDER as BUILT
from simsearch.search.pairs import Pairs
from simsearch.store.manifest import commit, read_manifest
from simsearch.store.reader import read_contents

SAMPLE = 1000


def main() -> None:
    """Measure all sizes and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("pictures", nargs="+", metavar="PICTURES")
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--scratch", type=Path, help="kept; default: a temporary folder")
    arguments = parser.parse_args()
    if arguments.pictures[0] in STAGES:  # this script's own processes
        stage, folder = arguments.pictures
        print(json.dumps(STAGES[stage](Path(folder))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        scratch = arguments.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        real = real_vectors(arguments.pictures, scratch / "real.npy")
        print(f"{machine()}\n{len(real):,} real pictures: {neighbours(real, [real])}\n", flush=True)
        rows = [measure(n, real, scratch / f"{n}") for n in arguments.sizes]
    show(rows)


def measure(n: int, real: Vectors, folder: Path) -> dict[str, Any]:
    """Return the figures of one size by name."""
    figures: dict[str, Any] = {"n": n}
    if not (folder / "planted.npy").exists():
        np.save(folder / "planted.npy", write_collection(n, real, folder))
    for stage in STAGES:
        kept = folder / f"figures-{stage}.json"
        if not kept.exists():
            run = run_process([sys.executable, "-m", __spec__.name, stage, str(folder)])
            kept.write_text(run.output.splitlines()[-1])
        figures |= json.loads(kept.read_text())
    print(f"{n:,} vectors: {figures}", flush=True)
    return figures


def build(folder: Path) -> dict[str, Any]:
    """Build and keep the index; return its recipe, and what that cost."""
    started, used = time.perf_counter(), time.process_time()
    manifest = commit(folder, index_parts(folder, read_manifest(folder)))
    assert manifest.index is not None
    return {"recipe": manifest.index.recipe, **costs("build", started, used)}


def nearest(folder: Path) -> dict[str, Any]:
    """Join the five nearest of each, as `duplicates` does by default; return what it cost."""
    return joined(folder, "nearest", lambda v: join_nearest(v, NEAREST, LOWEST, lambda *_: None))


def over(folder: Path) -> dict[str, Any]:
    """Join all pairs that are alike, and keep them; return what it cost."""

    def join(vectors: StoredVectors) -> None:
        threshold = alike_from(vectors.manifest.encoder)
        pairs, crowded = join_over(vectors, threshold, lambda *_: None)
        np.savez(folder / "pairs.npz", a=pairs.a, b=pairs.b, crowded=crowded)

    return joined(folder, "over", join)


def joined(folder: Path, name: str, join: Callable[[StoredVectors], object]) -> dict[str, Any]:
    """Return what a join cost, the loading of the index included."""
    started, used = time.perf_counter(), time.process_time()
    for kept in folder.glob(f"{BUILT}/*/{JOINS}"):
        shutil.rmtree(kept)  # a join that goes on from an earlier one would seem fast
    vectors = stored(folder)
    join(vectors)
    return {"effort": vectors.index.tuning.effort, **costs(name, started, used)}


def stored(folder: Path) -> StoredVectors:
    """Open a made collection; its positions are its row ids."""
    manifest = read_manifest(folder)
    contents, _ = read_contents(folder, manifest.parts)
    return StoredVectors(folder, manifest, contents, open_index(folder, manifest))


def recall(folder: Path) -> dict[str, Any]:
    """Return the share of pairs found: of planted ones, and of a sample's by brute force."""
    vectors = stored(folder)
    n, threshold = vectors.index.size, alike_from(vectors.manifest.encoder)
    crowded = np.zeros(n, bool)
    with np.load(folder / "pairs.npz") as saved:
        found = saved["a"] * n + saved["b"]
        crowded[saved["crowded"]] = True

    def promised(pairs: Pairs) -> npt.NDArray[np.int64]:
        kept = ~(crowded[pairs.a] & crowded[pairs.b])
        return np.unique(pairs.a[kept] * n + pairs.b[kept])

    originals, copies = np.load(folder / "planted.npy").T
    planted = promised(vectors.scored(originals, copies, threshold))
    sample = np.sort(np.random.default_rng(SEED).permutation(n)[:SAMPLE])
    near = vectors.all_over(sample, threshold)
    true = promised(replace(near, a=np.minimum(near.a, near.b), b=np.maximum(near.a, near.b)))
    asked = np.concatenate([v for at, v in vectors.blocks() for v in [v[np.isin(at, sample)]]])
    everything = (block for _, block in vectors.blocks())
    return {
        "threshold": threshold,
        "crowded": int(crowded.sum()),
        "planted": len(planted),
        "recall of planted": float(np.isin(planted, found).mean()),
        "true": len(true),
        "recall of true": float(np.isin(true, found).mean()),
        "pairs": len(found),
        "neighbours": neighbours(asked, everything),
    }


def costs(name: str, started: float, used: float) -> dict[str, float]:
    """Return the seconds since, by the clock and of the processors, and this process's peak memory.

    Others may share the processors. The peak that a parent is told would include its own.
    """
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        f"{name} s": time.perf_counter() - started,
        f"{name} CPU s": time.process_time() - used,
        f"{name} GB": int(status["VmHWM"].split()[0]) * 1024 / 1e9,
    }


STAGES = {"build": build, "nearest": nearest, "over": over, "recall": recall}


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the table, and how each time grows from size to size: t ~ n^exponent."""
    columns = [f"{stage} {what}" for what in ("s", "CPU s", "GB") for stage in tuple(STAGES)[:3]]
    print(f"\n{'vectors':>10} {'recipe':>8}" + "".join(f"{name:>15}" for name in columns))
    for row in rows:
        print(f"{row['n']:>10,} {row['recipe']:>8}" + "".join(f"{row[c]:>15.1f}" for c in columns))
    print(
        f"\n{'vectors':>10}   pair recall: planted        by brute force     pairs found   crowded"
    )
    for row in rows:
        planted = f"{row['recall of planted']:.4f} of {row['planted']:,}"
        true = f"{row['recall of true']:.4f} of {row['true']:,}"
        print(
            f"{row['n']:>10,}   {planted:>22} {true:>20} {row['pairs']:>14,} {row['crowded']:>9,}"
            f"   over {row['threshold']:.3f}"
        )
    print()
    for before, after in itertools.pairwise(rows):
        factor = math.log(after["n"] / before["n"])
        grown = (f"{c[:-2]} {math.log(after[c] / before[c]) / factor:.2f}" for c in columns[:3])
        print(f"exponent from {before['n']:,} to {after['n']:,}: {', '.join(grown)}")
    for row in rows:
        print(f"{row['n']:,}: the 5th, 50th, 95th percentile of cosines: {row['neighbours']}")


if __name__ == "__main__":
    main()
