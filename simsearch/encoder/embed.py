"""Pictures to unit vectors, in batches, with decoding and computing overlapped."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from simsearch.encoder.runtimes import Pixels, Runtime, Vectors

Key = TypeVar("Key")


def embed(
    runtime: Runtime, pictures: Iterable[tuple[Key, Pixels]]
) -> Iterator[tuple[Key, Vectors]]:
    """Yield (key, unit vector float32 [dim]) for every (key, uint8 [size, size, 3]), in order."""
    waiting: deque[list[Key]] = deque()

    def batches() -> Iterator[Pixels]:
        keys: list[Key] = []
        pixels: list[Pixels] = []
        for key, picture in pictures:
            keys.append(key)
            pixels.append(picture)
            if len(keys) == runtime.batch_size:
                waiting.append(keys)
                yield np.stack(pixels)
                keys, pixels = [], []
        if keys:
            waiting.append(keys)
            yield np.stack(pixels)

    for vectors in runtime.run(batches()):
        yield from zip(waiting.popleft(), normalized(vectors), strict=True)


def normalized(vectors: Vectors) -> Vectors:
    """Scale each row to length 1; a row of zeros stays as it is."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(norms, np.float32(1e-12))
    return scaled
