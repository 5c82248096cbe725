"""Vectors on a GPU: exact search, indices, all pairs, and what does not fit."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.gpu import DIM, Bench, K, Row
from simsearch.bench.recall.engines import Engine, load_engine
from simsearch.errors import DeviceError
from simsearch.index.build import build_index, gpus_for
from simsearch.index.device import count_gpus
from simsearch.index.persist import load_index, save_index
from simsearch.index.recipes import Vectors, VectorSource
from simsearch.index.vector_index import VectorIndex
from simsearch.search.join import gathered, pairs_over
from simsearch.search.searchers.tiles import Tiles


def exact_search(bench: Bench) -> Iterator[Row]:
    """Compare the nearest by tiles with brute force on the CPU; time faiss's and ours."""
    tiles = Tiles(len(bench.stored), DIM, numbered(bench.source), "cuda")
    truth = np.sort(bench.queries[:100] @ bench.stored.T, axis=1)[:, ::-1][:, :K]
    cosines, _ = tiles.search(bench.queries[:100], K)
    yield Row("tiles: largest error of a cosine", float(np.abs(cosines - truth).max()), "cosine")
    yield Row("tiles: searched in batches of 10,000", rate(tiles.search, bench), "queries/s", 1e5)
    flat = engine("gpu/flat", bench)
    yield Row("faiss flat f16: recall@10", recall(flat, bench, truth), "recall", 0.999)
    yield Row("faiss flat f16, batches of 10,000", rate(flat.search, bench), "queries/s", 1e5)


def engine(name: str, bench: Bench) -> Engine:
    """Return an engine of `bench recall` with all vectors."""
    made = load_engine(name)
    made.train(bench.source, count_gpus())
    made.add(bench.source)
    return made


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
        yield Row(f"{recipe}: built and tuned", seconds, "s")
        share = recall(loaded, bench, truth[:1000])
        yield Row(f"{recipe}: recall@10 on the CPU, loaded", share, "recall", 0.95)
    yield from cagra_on_gpu(bench, truth)


def cagra_on_gpu(bench: Bench, truth: Vectors) -> Iterator[Row]:
    """Time CAGRA on the GPU, from 0.95 recall on."""
    started = time.perf_counter()
    cagra = engine("gpu/cagra", bench)
    yield Row("CAGRA: built", time.perf_counter() - started, "s")
    for effort in cagra.efforts:
        cagra.prepare(effort, 1)
        share = recall(cagra, bench, truth)
        yield Row(f"CAGRA itopk {effort}: recall@10", share, "recall")
        reach = 5e5 if share >= 0.95 else None
        asked = rate(cagra.search, bench)
        yield Row(f"CAGRA itopk {effort}, batches of 10,000", asked, "queries/s", reach)


def all_pairs(bench: Bench) -> Iterator[Row]:
    """Time a join of all vectors with themselves; compare a small one with the CPU's."""
    few = bench.stored[:5000]
    small = VectorSource(len(few), DIM, lambda: [few])
    found = {}
    over = _near(Tiles(len(few), DIM, numbered(small), "cpu"), few)
    for device in ("cuda", "cpu"):
        tiles = Tiles(len(few), DIM, numbered(small), device)
        pairs, _ = gathered(pairs_over(tiles, numbered(small), over))
        found[device] = set(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
    differing = len(found["cuda"] ^ found["cpu"])
    yield Row("all pairs of 5,000: other than the CPU's", differing, f"of {len(found['cpu'])}")
    tiles = Tiles(len(bench.stored), DIM, numbered(bench.source), "cuda")
    over = _near(tiles, bench.stored[:1000])
    started = time.perf_counter()
    pairs, _ = gathered(pairs_over(tiles, numbered(bench.source), over))
    seconds = time.perf_counter() - started
    yield Row(f"all pairs over {over:.2f} ({len(pairs.a):,} found)", seconds, "s", 10)


def _near(tiles: Tiles, some: Vectors) -> float:
    """Return a cosine that one vector in ten has to another, judged by some of them."""
    return float(np.quantile(tiles.search(some, 2)[0][:, 1], 0.9))


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


def numbered(source: VectorSource) -> Iterator[tuple[Any, Vectors]]:
    """Yield (positions, vectors) of a source's blocks."""
    start = 0
    for block in source.blocks():
        yield np.arange(start, start + len(block)), block
        start += len(block)


def recall(searched: Engine | VectorIndex, bench: Bench, truth: Vectors) -> float:
    """Return the share of what is found that is as near as the last true one, but for rounding."""
    asked = bench.queries[: len(truth)]
    found = searched.search(asked, K)
    places = found[1] if isinstance(found, tuple) else found
    cosines = np.einsum("qd,qkd->qk", asked, bench.stored[places])
    return float(((cosines >= truth[:, -1:] - 1e-3) & (places >= 0)).mean())


def rate(search: Callable[[Vectors, int], Any], bench: Bench) -> float:
    """Return queries a second, all in one call, the best of five after a warm-up."""
    search(bench.queries, K)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        search(bench.queries, K)
        times.append(time.perf_counter() - started)
    return len(bench.queries) / min(times)
