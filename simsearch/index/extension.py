"""Give a built index other contents: new vectors are added, removed ones become tombstones."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import VectorSource
from simsearch.index.vector_index import Ids, Living, VectorIndex

Keys = npt.NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class Extension:
    """How an index of some contents becomes one of others.

    Attributes:
        places: int64 [n], where each wanted content is, or comes to be, in the faiss index.
        missing: bool [n], which of them are not there yet.
        tombstones: number of places whose content is not wanted.
    """

    places: Ids
    missing: npt.NDArray[np.bool_]
    tombstones: int


def plan_extension(had: Keys, wanted: Keys) -> Extension:
    """Return how an index becomes one of other contents.

    Args:
        had: [places], what tells the contents of an index apart, tombstones among them.
        wanted: [n], the same of the contents that it is to have.
    """
    order = np.argsort(had)
    near = np.minimum(np.searchsorted(had, wanted, sorter=order), max(len(had) - 1, 0))
    missing = had[order[near]] != wanted if len(had) else np.ones(len(wanted), bool)
    places = np.empty(len(wanted), np.int64)
    places[~missing] = order[near[~missing]]
    places[missing] = len(had) + np.arange(missing.sum())
    return Extension(places, missing, len(had) - int((~missing).sum()))


def extend_index(
    index: VectorIndex, extension: Extension, additions: VectorSource, postings: Ids
) -> VectorIndex:
    """Return the index with what is missing; it must not be mapped.

    Args:
        additions: the missing vectors, in the order of their places.
        postings: of the extended index, see VectorIndex: positions are in the order of the places.
    """
    filled = index.recipe.add(index.faiss_index, additions, gpus=0)
    living = Living.among(filled.ntotal, np.sort(extension.places))
    return replace(index, faiss_index=filled, postings=postings, living=living)
