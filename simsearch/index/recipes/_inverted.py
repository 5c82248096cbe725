"""What the inverted-list recipes share."""

import math
from typing import Any

import faiss
import numpy as np

from simsearch.index.recipes import Vectors, VectorSource, add_blocks

EFFORTS = (8, 16, 32, 64, 128, 256, 512, 1024)
_TRAINING_PER_LIST = 40
_SEED = 1234


def count_lists(n: int) -> int:
    """Return how many lists suit `n` vectors."""
    return max(1, min(4 * math.isqrt(n), n // _TRAINING_PER_LIST))


def training_bytes(n: int, dim: int) -> int:
    """Return how many bytes the training sample of `n` vectors takes."""
    return 4 * dim * count_lists(n) * _TRAINING_PER_LIST


def train_inverted(source: VectorSource, text: str, gpus: int) -> Any:
    """Make an index by its factory string; train it on a sample, on the GPUs if there are any."""
    index = faiss.index_factory(source.dim, text, source.faiss_metric)
    inverted = faiss.extract_index_ivf(index)
    inverted.cp.seed = _SEED
    inverted.cp.spherical = source.metric == "cosine"
    training = source.sample(inverted.nlist * _TRAINING_PER_LIST, _SEED)
    if isinstance(index, faiss.IndexIVFScalarQuantizer):
        # The vectors themselves, not their residuals: in 16 bits that loses nothing.
        index.by_residual = False
    if "SQ8" in text:
        # Values outside the range met in training would be clipped, and their scores far off.
        training = np.concatenate([training, _extremes(source)])
    if gpus:
        index = faiss.index_cpu_to_all_gpus(index, ngpu=gpus)
    index.train(training)
    return index


def add(index: Any, source: VectorSource) -> Any:
    """See Recipe.add; what was trained on GPUs is filled there."""
    filled = add_blocks(index, source)
    on_cpu = isinstance(filled, faiss.IndexIVF | faiss.IndexRefine)
    return filled if on_cpu else faiss.index_gpu_to_cpu(filled)


def search_parameters(index: Any, effort: int, k: int) -> Any:  # noqa: ARG001
    """See Recipe.search_parameters; effort is nprobe."""
    return faiss.SearchParametersIVF(nprobe=effort)


def refined_parameters(index: Any, effort: int, k: int, candidates: int) -> Any:
    """Return what makes an index sort the best candidates again by finer vectors.

    faiss's fast scan visits lists that do not exist where it is asked for more than there are.
    """
    effort = min(effort, faiss.extract_index_ivf(index).nlist)
    return faiss.IndexRefineSearchParameters(
        k_factor=max(candidates / k, 4), base_index_params=search_parameters(index, effort, k)
    )


def _extremes(source: VectorSource) -> Vectors:
    """Return the vectors with the lowest and the highest value of each dimension."""
    kept = np.empty((0, source.dim), np.float32)
    for block in source.blocks():
        vectors = np.concatenate([kept, block])
        kept = vectors[np.unique([vectors.argmin(axis=0), vectors.argmax(axis=0)])]
    return kept
