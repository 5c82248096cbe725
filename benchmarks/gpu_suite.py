"""All that runs on a GPU: checks against the CPU, and timings, in one table.

    python -m benchmarks.gpu_suite [--vectors N] [--only NAME...] [--out RESULTS.json]

Every check compares what a GPU gives with what the CPU gives for the same input; every timing
stands beside what is to be reached on one H200 with 16 cores. With no GPU it says so and ends with
1. Not run on a GPU yet.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch

from benchmarks.measure import machine, run_process, simsearch
from simsearch.bench.machine import gpus
from simsearch.bench.recall.sources import made_vectors
from simsearch.bench.throughput.pictures import make_picture
from simsearch.bench.throughput.run import benchmark_throughput
from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.device import Target
from simsearch.encoder.embed import embed
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import Vectors, open_runtime
from simsearch.errors import DeviceError
from simsearch.index.build import build_index, gpus_for
from simsearch.index.device import count_gpus
from simsearch.index.persist import load_index, save_index
from simsearch.index.recipes import VectorSource
from simsearch.search.join import gathered, pairs_over
from simsearch.search.searchers.tiles import Tiles

DIM, K, QUERIES, SEED = 256, 10, 10_000, 7
PICTURES = 4000
BLOCK = 100_000


@dataclass(frozen=True)
class Row:
    """A line of the table: a figure, and what it is to reach; higher is better but for seconds."""

    what: str
    figure: float
    unit: str
    reach: float | None = None

    @property
    def is_reached(self) -> bool | None:
        """Whether it is, None where nothing is to be reached."""
        if self.reach is None:
            return None
        return self.figure <= self.reach if self.unit == "s" else self.figure >= self.reach


@dataclass(frozen=True)
class Bench:
    """What the checks share."""

    stored: Vectors
    queries: Vectors
    scratch: Path

    @property
    def source(self) -> VectorSource:
        """The stored vectors, in blocks."""
        starts = range(0, len(self.stored), BLOCK)
        return VectorSource(
            len(self.stored), DIM, lambda: (self.stored[s : s + BLOCK] for s in starts)
        )


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
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(made[:-QUERIES], made[-QUERIES:], Path(scratch))
        for name in arguments.only:
            started = time.perf_counter()
            try:
                for row in CHECKS[name](bench):
                    rows.append(row)
                    show(row)
            except Exception as error:  # noqa: BLE001 - one that fails must not cost the others their run
                print(f"{name} FAILED: {type(error).__name__}: {error}", flush=True)
            print(f"  ({name}: {time.perf_counter() - started:.0f} s)", flush=True)
    if arguments.out:
        kept = {"about": about, "vectors": arguments.vectors, "rows": [asdict(row) for row in rows]}
        arguments.out.write_text(json.dumps(kept, indent=1) + "\n")


def show(row: Row) -> None:
    """Print a line of the table."""
    mark = {None: "", True: "reached", False: "NOT REACHED"}[row.is_reached]
    reach = "" if row.reach is None else f"{row.reach:,.4g}"
    print(f"{row.what:<52} {row.figure:>12,.4g} {row.unit:<10} {reach:>9} {mark}", flush=True)


def encoding(_: Bench) -> Iterator[Row]:
    """Compare vectors of made pictures on both devices; time the network alone."""
    spec = resolve(DEFAULT_ENCODER)
    side = spec.preprocessing.size
    random = np.random.default_rng(SEED)
    coarse = random.integers(0, 256, (64, 8, 8, 3), np.uint8)
    pictures = coarse.repeat(-(-side // 8), axis=1).repeat(-(-side // 8), axis=2)[:, :side, :side]

    def vectors(device: str) -> Vectors:
        runtime = open_runtime(spec, Target(device, "torch"), 64)
        return np.stack([v for _, v in embed(runtime, ((0, one) for one in pictures))])

    yield Row(
        "encode: lowest cosine of CUDA bf16 and CPU f32",
        float((vectors("cuda") * vectors("cpu")).sum(axis=1).min()),
        "cosine",
        0.999,
    )
    for size in (256, 1024):
        runtime = open_runtime(spec, Target("cuda", "torch"), size)
        batch = np.resize(pictures, (size, *pictures.shape[1:]))
        list(runtime.run([batch] * 3))
        started = time.perf_counter()
        count = sum(len(done) for done in runtime.run([batch] * 20))
        rate = count / (time.perf_counter() - started)
        yield Row(f"encode alone, batches of {size}", rate, "pictures/s", 20_000)


def whole_runs(_: Bench) -> Iterator[Row]:
    """Time an index run of JPEG files, and its stages."""
    measured = benchmark_throughput(
        f"made:{PICTURES},500x375", DEFAULT_ENCODER, "cuda", [256], PICTURES, 2
    )
    for stage in measured.stages:
        if stage.how.get("device") != "cpu":
            yield Row(f"{stage.name} {stage.how}"[:52], stage.rate, f"{stage.unit}/s")
    yield Row("end to end, of what the parts allow", measured.share_of_limit, "share", 0.9)
    if measured.gpu_use is not None:
        yield Row("GPU busy meanwhile", measured.gpu_use, "share")


def exact_search(bench: Bench) -> Iterator[Row]:
    """Compare the nearest by tiles with brute force on the CPU; time faiss's and ours."""
    tiles = Tiles(len(bench.stored), DIM, numbered(bench.source), "cuda")
    truth = np.sort(bench.queries[:100] @ bench.stored.T, axis=1)[:, ::-1][:, :K]
    cosines, _ = tiles.search(bench.queries[:100], K)
    yield Row("tiles: largest error of a cosine", float(np.abs(cosines - truth).max()), "cosine")
    yield Row("tiles: searched in batches of 10,000", rate(tiles.search, bench), "queries/s", 1e5)
    resources, config = faiss.StandardGpuResources(), faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    flat = faiss.GpuIndexFlatIP(resources, DIM, config)
    for block in bench.source.blocks():
        flat.add(block)
    cosines, _ = flat.search(bench.queries[:100], K)
    yield Row("faiss flat f16: largest error", float(np.abs(cosines - truth).max()), "cosine")
    yield Row("faiss flat f16, batches of 10,000", rate(flat.search, bench), "queries/s", 1e5)


def indices(bench: Bench) -> Iterator[Row]:
    """Build on the GPU, keep it, load it on the CPU, compare; time CAGRA on the GPU."""
    tiles = Tiles(len(bench.stored), DIM, numbered(bench.source), "cuda")
    truth, _ = tiles.search(bench.queries, K)
    postings = np.stack([np.arange(len(bench.stored))] * 2, axis=1)
    keys = np.array([b"%d" % n for n in range(len(bench.stored))])
    for recipe in ("ivf", "cagra"):
        started = time.perf_counter()
        index = build_index(recipe, bench.source, postings, count_gpus())
        seconds = time.perf_counter() - started
        info = save_index(bench.scratch, recipe, recipe, index, keys, started)
        loaded = load_index(bench.scratch, info)
        found, _ = loaded.search(bench.queries[:1000], K)
        yield Row(f"{recipe}: built and tuned", seconds, "s")
        yield Row(f"{recipe}: recall@10 on the CPU, loaded", recall(found, truth[:1000]), "recall")
    yield from cagra_on_gpu(bench, truth)


def cagra_on_gpu(bench: Bench, truth: Vectors) -> Iterator[Row]:
    """Time CAGRA on the GPU, from 0.95 recall on."""
    config = faiss.GpuIndexCagraConfig()
    config.graph_degree, config.intermediate_graph_degree = 64, 128
    index = faiss.GpuIndexCagra(faiss.StandardGpuResources(), DIM, faiss.METRIC_L2, config)
    started = time.perf_counter()
    index.train(bench.stored)
    yield Row("CAGRA: built", time.perf_counter() - started, "s")
    for width in (16, 32, 64, 128):
        parameters = faiss.SearchParametersCagra()
        parameters.itopk_size = width
        distances, _ = index.search(bench.queries, K, params=parameters)
        share = recall(1 - distances / 2, truth)
        yield Row(f"CAGRA itopk {width}: recall@10", share, "recall")
        reach = 5e5 if share >= 0.95 else None
        asked = rate(lambda q, k: index.search(q, k, params=parameters), bench)  # noqa: B023 - called now
        yield Row(f"CAGRA itopk {width}, batches of 10,000", asked, "queries/s", reach)


def all_pairs(bench: Bench) -> Iterator[Row]:
    """Time a join of all vectors with themselves; compare a small one with the CPU's."""
    few = bench.stored[:5000]
    small = VectorSource(len(few), DIM, lambda: [few])
    over = float(np.quantile(np.sort(few @ few.T, axis=1)[:, -2], 0.9))
    found = {
        device: gathered(
            pairs_over(Tiles(len(few), DIM, numbered(small), device), numbered(small), over)
        )[0]
        for device in ("cuda", "cpu")
    }
    sets = {d: set(zip(p.a.tolist(), p.b.tolist(), strict=True)) for d, p in found.items()}
    differing = len(sets["cuda"] ^ sets["cpu"])
    yield Row("all pairs of 5,000: other than the CPU's", differing, f"of {len(sets['cpu'])}")
    tiles = Tiles(len(bench.stored), DIM, numbered(bench.source), "cuda")
    started = time.perf_counter()
    pairs, _ = gathered(pairs_over(tiles, numbered(bench.source), over))
    seconds = time.perf_counter() - started
    yield Row(f"all pairs over {over:.2f} ({len(pairs.a):,} found)", seconds, "s", 10)


def refusals(_: Bench) -> Iterator[Row]:
    """See that what does not fit is refused, or left to the CPU."""
    yield Row("ivf of 10^10 vectors: GPUs used", gpus_for("ivf", 10**10, DIM, 1), "GPUs")
    try:
        gpus_for("cagra", 10**10, DIM, 1)
    except DeviceError as error:
        print(f"  refused: {error}")
        yield Row("cagra of 10^10 vectors: refused", 1, "refusals", 1)
    else:
        yield Row("cagra of 10^10 vectors: refused", 0, "refusals", 1)


def training(bench: Bench) -> Iterator[Row]:
    """Time an epoch of training the default backbone on made pictures."""
    for number in range(2048):
        folder = bench.scratch / "classes" / f"{number // 8:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        make_picture(folder, number, 256, 256)
    out = bench.scratch / "encoder"
    options = ("--epochs", 3, "-p", 64, "-k", 4, "--mining", "batch_hard", "--device", "cuda", "-q")
    run_process(simsearch("train", bench.scratch / "classes", "--out", out, *options))
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    rates = [line["images_per_second"] for line in lines if "images_per_second" in line]
    yield Row("training, pictures of 224 px, best epoch", max(rates), "pictures/s", 5000)


def numbered(source: VectorSource) -> Iterator[tuple[Any, Vectors]]:
    """Yield (positions, vectors) of a source's blocks."""
    start = 0
    for block in source.blocks():
        yield np.arange(start, start + len(block)), block
        start += len(block)


def recall(cosines: Vectors, truth: Vectors) -> float:
    """Return the share of found cosines that reach the last true one, but for rounding."""
    return float((cosines >= truth[:, -1:] - 1e-3).mean())


def rate(search: Callable[[Vectors, int], Any], bench: Bench) -> float:
    """Return queries a second, all in one call, the best of five after a warm-up."""
    search(bench.queries, K)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        search(bench.queries, K)
        times.append(time.perf_counter() - started)
    return len(bench.queries) / min(times)


CHECKS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "refusals": refusals,
    "encoding": encoding,
    "exact": exact_search,
    "indices": indices,
    "pairs": all_pairs,
    "throughput": whole_runs,
    "training": training,
}

if __name__ == "__main__":
    main()
