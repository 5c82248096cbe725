"""Exact search by tiles of a matrix product."""

from typing import TYPE_CHECKING

import numpy as np

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.searchers import Blocks

if TYPE_CHECKING:
    import torch

PICKING = 450  # multiplications in the time of which `top` looks at one score
_WIDTH = 32_768  # stored vectors a tile
_HEIGHT = 4_096  # vectors that are asked at once
_CHUNK = 32  # scores of which only the highest is looked at first
_CHUNKS = 16  # times as many as are wanted, from which that pays


class Tiles:
    """Vectors in the memory of a device: float32 on a CPU, float16 on a GPU."""

    def __init__(self, size: int, dim: int, blocks: Blocks, device: str) -> None:
        import torch

        kept = torch.float32 if device == "cpu" else torch.float16
        self._vectors = torch.empty((size, dim), dtype=kept, device=device)
        for positions, vectors in blocks:
            self._vectors[torch.from_numpy(positions).to(device)] = torch.from_numpy(vectors).to(
                device, kept
            )

    @property
    def size(self) -> int:
        """Number of positions."""
        return len(self._vectors)

    def search(self, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return the `k` nearest of each of `vectors`; see `Searcher`."""
        parts = [
            self._search(vectors[start : start + _HEIGHT], k)
            for start in range(0, max(len(vectors), 1), _HEIGHT)
        ]
        cosines, found = zip(*parts, strict=True)
        return np.concatenate(cosines), np.concatenate(found)

    def _search(self, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        import torch

        asking = torch.from_numpy(np.ascontiguousarray(vectors)).to(self._vectors.device)
        best = asking.new_empty((len(vectors), 0))
        found = best.long()
        for start in range(0, self.size, _WIDTH):
            near, places = top(_products(asking, self._vectors[start : start + _WIDTH]), k)
            best, order = top(torch.cat([best, near], dim=1), k)
            found = torch.cat([found, places + start], dim=1).gather(1, order)
        return best.cpu().numpy(), found.cpu().numpy()


def _products(asking: "torch.Tensor", tile: "torch.Tensor") -> "torch.Tensor":
    """Return the inner products, float32 [asking, tile]."""
    import torch

    if tile.is_cuda:  # by tensor cores, which multiply halves and add up in single precision
        return torch.mm(asking.half(), tile.T, out_dtype=torch.float32)
    return asking @ tile.T


def top(scores: "torch.Tensor", k: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return the `k` highest of each row, or all of fewer, descending, and their columns."""
    import torch

    columns = scores.shape[1]
    chunks = columns // _CHUNK
    if chunks < _CHUNKS * k:
        values, places = scores.topk(min(k, columns), dim=1)
        return values, places
    # No score can be among the highest whose chunk's highest is not. A chunk is every so-manieth
    # score: maxima across rows of memory are found several times as fast as along them.
    whole = scores[:, : chunks * _CHUNK].reshape(-1, _CHUNK, chunks)
    held = whole.amax(dim=1).topk(k, dim=1).indices[:, None]
    within = torch.arange(_CHUNK, device=scores.device)[:, None]
    left = whole.gather(2, held.expand(-1, _CHUNK, -1)).flatten(1)
    numbers = (within * chunks + held).flatten(1)
    rest = torch.arange(chunks * _CHUNK, columns, device=scores.device)
    left = torch.cat([left, scores[:, chunks * _CHUNK :]], dim=1)
    numbers = torch.cat([numbers, rest.expand(len(scores), -1)], dim=1)
    values, places = left.topk(k, dim=1)
    return values, numbers.gather(1, places)
