"""What the inverted-list recipes share."""

import math
from typing import Any

import faiss
import numpy as np

from simsearch.index.recipes import Vectors, VectorSource

EFFORTS = (8, 16, 32, 64, 128, 256, 512, 1024)
_TRAINING_PER_LIST = 40
_SEED = 1234


def training_bytes(n: int, dim: int) -> int:
    """Return how many bytes the training sample of `n` vectors takes."""
    return 4 * dim * _count_lists(n) * _TRAINING_PER_LIST


def build_inverted(source: VectorSource, quantizer_type: int, gpus: int) -> Any:
    """Train on a sample and add all blocks, on the GPUs if there are any; return a CPU index."""
    lists = _count_lists(source.n)
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(source.dim),
        source.dim,
        lists,
        quantizer_type,
        faiss.METRIC_INNER_PRODUCT,
        False,  # the vectors themselves, not their residuals: in 16 bits that loses nothing
    )
    index.cp.seed = _SEED
    index.cp.spherical = True
    training = source.sample(lists * _TRAINING_PER_LIST, _SEED)
    if quantizer_type == faiss.ScalarQuantizer.QT_8bit:
        # Values outside the range met in training would be clipped, and their scores far off.
        training = np.concatenate([training, _extremes(source)])
    if gpus:
        index = faiss.index_cpu_to_all_gpus(index, ngpu=gpus)
    index.train(training)
    for block in source.blocks():
        index.add(block)
    return faiss.index_gpu_to_cpu(index) if gpus else index


def search_parameters(effort: int, k: int) -> Any:  # noqa: ARG001 - lists hold what they hold
    """See Recipe.search_parameters; effort is nprobe."""
    return faiss.SearchParametersIVF(nprobe=effort)


def _count_lists(n: int) -> int:
    return max(1, min(4 * math.isqrt(n), n // _TRAINING_PER_LIST))


def _extremes(source: VectorSource) -> Vectors:
    """Return the vectors with the lowest and the highest value of each dimension."""
    kept = np.empty((0, source.dim), np.float32)
    for block in source.blocks():
        vectors = np.concatenate([kept, block])
        kept = vectors[np.unique([vectors.argmin(axis=0), vectors.argmax(axis=0)])]
    return kept
