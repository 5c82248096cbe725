"""What simsearch's own search call costs beside bare FAISS, for one query and for batches.

    python -m benchmarks.search_overhead [--n 20000] [--dim 256] [--recipe hnsw]

Both ask the same index for the same queries, by turns, on one thread. Who asks first finds what is
near a query in no cache: each is first every other time. One query: microseconds more, the mean of
both orders' medians. A batch of 1,000: the share of time more, likewise.
"""

import argparse
import time
from collections.abc import Callable

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.measure import machine
from simsearch.bench.recall.sources import made_vectors
from simsearch.index.recipes import Vectors, VectorSource, load_recipe
from simsearch.index.vector_index import VectorIndex
from simsearch.records import SearchTuning

K = 10
EFFORT = 64
QUERIES = 1000
ROUNDS = 40


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--recipe", default="hnsw")
    arguments = parser.parse_args()
    vectors = made_vectors(arguments.n + QUERIES, arguments.dim, seed=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    stored, queries = vectors[:-QUERIES], vectors[-QUERIES:]
    source = VectorSource(len(stored), arguments.dim, lambda: [stored])
    recipe = load_recipe(arguments.recipe)
    bare = recipe.add(recipe.train(source, 0), source, 0)
    postings = np.stack([np.arange(len(stored))] * 2, axis=1)
    ours = VectorIndex(bare, recipe, SearchTuning(EFFORT), postings)
    parameters = recipe.search_parameters(bare, EFFORT, K, None)
    faiss.omp_set_num_threads(1)

    def by_simsearch(asked: Vectors) -> None:
        ours.search(asked, K)

    def by_faiss(asked: Vectors) -> None:
        bare.search(asked, K, params=parameters)

    print(f"{arguments.recipe}, {arguments.n} x {arguments.dim}, k {K}; {machine()}")
    singles = [queries[row : row + 1] for row in range(QUERIES)]
    one = by_turns(by_simsearch, by_faiss, singles)
    both = by_turns(by_simsearch, by_faiss, [queries] * ROUNDS)
    more = 1e6 * np.median(one[..., 0] - one[..., 1], axis=0).mean()
    bare_us = 1e6 * np.median(one[..., 1])
    print(f"one query: {bare_us:.0f} us by faiss, {more:.0f} us more by simsearch")
    share = np.median(both[..., 0] / both[..., 1], axis=0).mean() - 1
    bare_s = np.median(both[..., 1])
    print(f"batch of {QUERIES}: {bare_s:.3f} s by faiss, {share:+.1%} by simsearch")


def by_turns(
    simsearch: Callable[[Vectors], None], bare: Callable[[Vectors], None], asked: list[Vectors]
) -> npt.NDArray[np.float64]:
    """Return the seconds of both, [pairs, who was first, (simsearch, faiss)], for an even number.

    Who was first is simsearch at 0, faiss at 1.
    """
    first = [[seconds(simsearch, one), seconds(bare, one)] for one in asked[::2]]
    second = [[seconds(bare, one), seconds(simsearch, one)][::-1] for one in asked[1::2]]
    return np.stack([np.array(first), np.array(second)], axis=1)


def seconds(call: Callable[[Vectors], None], asked: Vectors) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    call(asked)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
