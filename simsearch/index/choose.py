"""Which recipe fits a collection: a pure function of its size and of the machine."""

from simsearch.index.recipes import load_recipe

EXACT_UP_TO = 20_000
_MEMORY_SHARE = 0.5  # of the free memory, for the index while it is built


def choose_recipe(n: int, dim: int, memory: int, gpus: int) -> str:
    """Return the name of the recipe for `n` vectors of `dim` numbers.

    Args:
        memory: free bytes of main memory.
        gpus: number of GPUs that faiss can use.

    Up to EXACT_UP_TO vectors a scan is fast and exact. Above, a graph (HNSW) answers fastest on a
    CPU; inverted lists (IVF) build faster on a GPU; and 8-bit inverted lists take half the memory
    of either where that is short.
    """
    if n <= EXACT_UP_TO:
        return "flat"
    preferred = "ivf" if gpus else "hnsw"
    needed = load_recipe(preferred).memory(n, dim)
    return preferred if needed <= _MEMORY_SHARE * memory else "ivf_sq8"
