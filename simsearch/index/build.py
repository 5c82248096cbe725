"""Build an index, by the recipe that fits or by a given one, and tune it to the promised recall."""

import logging
from dataclasses import replace
from typing import Any

from simsearch.config import PROMISED_RECALL
from simsearch.errors import DeviceError
from simsearch.index.choose import choose_recipe
from simsearch.index.device import count_gpus, free_gpu_memory, free_memory
from simsearch.index.recipes import Recipe, VectorSource, load_recipe
from simsearch.index.tuning import tune
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import SearchTuning

_log = logging.getLogger("simsearch")
_GPU_SHARE = 0.8  # of the free memory; the rest is for what faiss and cuVS need meanwhile


def build_fitting_index(source: VectorSource, postings: Ids) -> tuple[str, VectorIndex]:
    """Build an index by the recipe that fits the vectors and this machine; return its name too.

    What GPUs should have built and did not is built on the CPU, and a warning says so.
    """
    gpus = count_gpus()
    recipe = choose_recipe(source.n, source.dim, free_memory(), gpus)
    try:
        return recipe, build_index(recipe, source, postings, gpus)
    except DeviceError as error:
        recipe = choose_recipe(source.n, source.dim, free_memory(), 0)
        _log.warning("%s: so '%s' is built, on the CPU", error, recipe)
        return recipe, build_index(recipe, source, postings, 0)


def build_index(recipe_name: str, source: VectorSource, postings: Ids, gpus: int) -> VectorIndex:
    """Build an index over `source`; `postings` is as in VectorIndex.

    Raises:
        DeviceError: only GPUs can build it, and there are none, they have too little memory, or
            they fail.
    """
    recipe = load_recipe(recipe_name)
    gpus = gpus_for(recipe_name, source.n, source.dim, gpus)
    try:
        filled = _filled(recipe, source, gpus)
    except RuntimeError as error:  # of faiss, on whose GPUs anything may happen
        if not gpus:
            raise
        why = f"a GPU failed to build '{recipe_name}': {' '.join(str(error).split())}"
        if recipe.gpu_only:
            raise DeviceError(f"{why}; use another recipe") from error
        _log.warning("%s; the index is built on the CPU", why)
        filled = _filled(recipe, source, 0)
    index = VectorIndex(filled, recipe, SearchTuning(), postings, source.n)
    return index if recipe.exact else replace(index, tuning=tune(index, source, PROMISED_RECALL))


def _filled(recipe: Recipe, source: VectorSource, gpus: int) -> Any:
    return recipe.add(recipe.train(source, gpus), source, gpus)


def gpus_for(recipe_name: str, n: int, dim: int, gpus: int) -> int:
    """Return how many of the GPUs build an index: all, or none where its vectors do not fit.

    Raises:
        DeviceError: none can, and only GPUs build it.
    """
    recipe = load_recipe(recipe_name)
    needed = recipe.gpu_memory(n, dim) if gpus else 0
    if not needed:
        return 0
    free = free_gpu_memory()
    if needed <= _GPU_SHARE * free:
        return gpus
    short = (
        f"'{recipe_name}' needs {needed / 1e9:.1f} GB of GPU memory and {free / 1e9:.1f} are free"
    )
    if recipe.gpu_only:
        raise DeviceError(f"{short}; use another recipe")
    _log.warning("%s: the index is built on the CPU", short)
    return 0
