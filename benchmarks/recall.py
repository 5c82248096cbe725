"""Recall and speed of every index recipe on embeddings of real pictures, at the tuned setting.

    python -m benchmarks.recall FOLDER... [--held-out 500]

Embeds the folders, holds some pictures out as queries, builds each recipe over the rest, and prints
recall@10 judged by score (1 is best), queries a second in one batch, and seconds to build and tune.
"""

import argparse
import tempfile
import time

import numpy as np

from benchmarks.measure import machine
from simsearch import Collection
from simsearch.index.build import build_index
from simsearch.index.recipes import VectorSource, recipe_names
from simsearch.metrics import recall_at_k
from simsearch.store.schema import table_to_vectors

K = 10
BLOCK = 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--held-out", type=int, default=500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        collection = Collection("benchmark", home)
        collection.add(*arguments.folders)
        vectors = table_to_vectors(collection.embeddings()).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(vectors))
    queries, stored = np.split(vectors[order], [arguments.held_out])
    truth = -np.sort(-(queries @ stored.T), axis=1)[:, :K]
    source = VectorSource(
        len(stored),
        stored.shape[1],
        lambda: (stored[start : start + BLOCK] for start in range(0, len(stored), BLOCK)),
    )
    postings = np.stack([np.arange(len(stored))] * 2, axis=1)
    print(f"{len(stored)} stored, {len(queries)} held out; {machine()}")
    for name in recipe_names():
        started = time.perf_counter()
        index = build_index(name, source, postings, gpus=0)
        built = time.perf_counter()
        _, positions = index.search(queries, K)
        searched = time.perf_counter()
        found = -np.sort(-np.einsum("qd,qkd->qk", queries, stored[positions]), axis=1)
        print(
            f"{name:<8} recall@{K} {recall_at_k(found, truth):.4f}  effort {index.effort:>4}  "
            f"{len(queries) / (searched - built):>7.0f} queries/s  built in {built - started:.1f} s"
        )


if __name__ == "__main__":
    main()
