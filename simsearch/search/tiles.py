"""Exact search by tiles of a matrix product, on a GPU if there is one that holds the vectors."""

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from simsearch.index.device import count_gpus
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex

if TYPE_CHECKING:
    import torch

_WIDTH = 32_768  # stored vectors a tile
_FEW = 2_000  # vectors that are compared before torch is imported
_EFFORT_SHARE = 0.25
_GPU_SHARE = 0.6  # of the GPU's free memory, for the vectors


class Searcher(Protocol):
    """Whatever finds the nearest of the vectors that it has; see `VectorIndex.neighbors`."""

    @property
    def size(self) -> int:
        """Number of positions."""
        ...

    def neighbors(self, positions: Ids, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return (cosines float32 [q, k], positions int64 [q, k]), best first."""
        ...


class Tiles:
    """The vectors of an index in the memory of a device: float32 on a CPU, float16 on a GPU."""

    def __init__(self, index: VectorIndex, device: str) -> None:
        import torch

        kept = torch.float32 if device == "cpu" else torch.float16
        self._vectors = torch.empty((index.size, index.faiss_index.d), dtype=kept, device=device)
        for start in range(0, index.size, _WIDTH):
            count = min(_WIDTH, index.size - start)
            rows = index.faiss_index.reconstruct_n(start, count)
            self._vectors[start : start + count] = torch.from_numpy(rows).to(device)

    @property
    def size(self) -> int:
        """Number of positions."""
        return len(self._vectors)

    def neighbors(
        self,
        positions: Ids,  # noqa: ARG002 - nothing to enter
        vectors: Vectors,
        k: int,
    ) -> tuple[Vectors, Ids]:
        """Return the `k` nearest of each of `vectors`, wherever they are; as `VectorIndex`."""
        import torch

        asking = torch.from_numpy(np.ascontiguousarray(vectors)).to(self._vectors.device)
        best = asking.new_empty((len(vectors), 0))
        found = best.long()
        for start in range(0, self.size, _WIDTH):
            tile = asking @ self._vectors[start : start + _WIDTH].float().T
            near, places = _top(tile, k)
            best, order = _top(torch.cat([best, near], dim=1), k)
            found = torch.cat([found, places + start], dim=1).gather(1, order)
        return best.cpu().numpy(), found.cpu().numpy()


def searcher_of(index: VectorIndex) -> Searcher:
    """Return what asks an index for the neighbours of all its vectors in the least time.

    An exact index is asked through tiles, eight times as fast as one vector after the other; a GPU
    compares any number of vectors that it can hold that way. An approximate index is searched with
    a quarter of a query's effort: what is left out from one end of a pair is found from the other.
    """
    if count_gpus():
        import torch

        needed = 2 * index.size * index.faiss_index.d
        if torch.cuda.is_available() and needed <= _GPU_SHARE * torch.cuda.mem_get_info()[0]:
            return Tiles(index, "cuda")
    if index.recipe.EXACT:
        return Tiles(index, "cpu") if index.size > _FEW else index
    enough = [effort for effort in index.recipe.EFFORTS if effort <= _EFFORT_SHARE * index.effort]
    return replace(index, effort=max(enough, default=index.recipe.EFFORTS[0]))


def _top(scores: "torch.Tensor", k: int) -> "tuple[torch.Tensor, torch.Tensor]":
    values, places = scores.topk(min(k, scores.shape[1]), dim=1)
    return values, places
