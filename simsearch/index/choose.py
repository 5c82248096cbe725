"""Which recipe fits a collection: a pure function of its size and of the machine."""

from simsearch.index.recipes import load_recipe

EXACT_UP_TO = 20_000
GRAPH_UP_TO = 100_000
_MEMORY_SHARE = 0.5  # of the free memory, for the index while it is built
_TOMBSTONES = 0.25  # of the living: each of them is searched in vain


def choose_recipe(n: int, dim: int, memory: int, gpus: int) -> str:
    """Return the name of the recipe for `n` vectors of `dim` numbers.

    Args:
        memory: free bytes of main memory.
        gpus: number of GPUs that faiss can use.

    On a CPU, by benchmarks/results/2026-11-24-recall-*.jsonl: up to EXACT_UP_TO vectors a scan is
    fast and exact. At a recall@10 of 0.99, a graph (HNSW) answers 1.5 times as fast as inverted
    lists (IVF) among 6 x 10^4 vectors, about as fast among 10^5, and a third as fast among
    3 x 10^5; among 10^6 it does not reach that recall. Lists are built five times as fast and take
    less memory, 8-bit lists half of that; RaBitQ's are as small and more exact, but are not mapped.
    GPUs find the links of a graph (CAGRA) or the lists, and a CPU searches both: not measured.
    """
    if n <= EXACT_UP_TO:
        return "flat"
    graph = "cagra" if gpus else "hnsw"
    preferred = graph if n <= GRAPH_UP_TO else "ivf"
    return preferred if _fits(preferred, n, dim, memory) else "ivf_sq8"


def is_extended(recipe: str, n: int, dim: int, memory: int, trained: int, tombstones: int) -> bool:
    """Return whether an index takes additions rather than being built again.

    Args:
        recipe: of the index as it is.
        n, dim, memory: as in `choose_recipe`, of the index as it will be.
        trained: number of vectors when it was built.
        tombstones: places of removed contents that it will have.
    """
    graph = recipe in {"cagra", "hnsw"}
    too_many = 2 * GRAPH_UP_TO if graph else load_recipe(recipe).growth * trained
    return (
        EXACT_UP_TO < n <= too_many
        and tombstones <= _TOMBSTONES * n
        and _fits(recipe, n + tombstones, dim, memory)
    )


def _fits(recipe: str, n: int, dim: int, memory: int) -> bool:
    return load_recipe(recipe).memory(n, dim) <= _MEMORY_SHARE * memory
