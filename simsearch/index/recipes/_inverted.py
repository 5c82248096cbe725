"""What the inverted-list recipes share."""

import math
from typing import Any

import faiss

from simsearch.index.recipes import VectorSource

EFFORTS = (8, 16, 32, 64, 128, 256, 512, 1024)
_TRAINING_PER_LIST = 40
_SEED = 1234


def build_inverted(source: VectorSource, quantizer_type: int, gpus: int) -> Any:
    """Train on a sample and add all blocks, on the GPUs if there are any; return a CPU index."""
    lists = max(1, min(4 * math.isqrt(source.n), source.n // _TRAINING_PER_LIST))
    coarse = faiss.IndexFlatIP(source.dim)
    index = faiss.IndexIVFScalarQuantizer(
        coarse, source.dim, lists, quantizer_type, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed = _SEED
    index.cp.spherical = True
    if gpus:
        index = faiss.index_cpu_to_all_gpus(index, ngpu=gpus)
    index.train(source.sample(lists * _TRAINING_PER_LIST, _SEED))
    for block in source.blocks():
        index.add(block)
    return faiss.index_gpu_to_cpu(index) if gpus else index


def search_parameters(effort: int, k: int) -> Any:  # noqa: ARG001 - lists hold what they hold
    """See Recipe.search_parameters; effort is nprobe."""
    return faiss.SearchParametersIVF(nprobe=effort)
