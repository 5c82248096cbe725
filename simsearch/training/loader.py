"""Batches of augmented pictures, made in threads ahead of the network."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from simsearch.training.augment import Profile
from simsearch.training.pictures import PictureSet, Pixels
from simsearch.training.sampler import Rows

_AHEAD = 2  # batches
_TOGETHER = 16  # pictures that a thread changes in one go


def augmented_batches(
    pictures: PictureSet,
    plan: Sequence[Rows],
    first: int,
    profile: Profile,
    seed: tuple[int, ...],
    workers: int,
) -> Iterator[tuple[Rows, Pixels]]:
    """Yield (rows, pixels uint8 [n, size, size, 3]) of the plan's batches from `first` on.

    Every few pictures have a random generator of their own, so threads change nothing: what a batch
    looks like depends on the seed and its place in the plan alone.
    """

    def make(step: int, place: int) -> Pixels:
        draw = np.random.default_rng([*seed, step, place])
        rows = plan[step][place : place + _TOGETHER]
        return profile([pictures.canvas(int(row)) for row in rows], pictures.size, draw)

    waiting: deque[tuple[Rows, list[Future[Pixels]]]] = deque()
    with ThreadPoolExecutor(workers, "augment") as pool:
        try:
            for step in range(first, len(plan)):
                places = range(0, len(plan[step]), _TOGETHER)
                futures = [pool.submit(make, step, place) for place in places]
                waiting.append((plan[step], futures))
                if len(waiting) > _AHEAD:
                    yield _finished(*waiting.popleft())
            while waiting:
                yield _finished(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def plain_batches(pictures: PictureSet, size: int, workers: int) -> Iterator[Pixels]:
    """Yield all pictures as the encoder will see them, in order, uint8 [n, size, size, 3]."""
    with ThreadPoolExecutor(workers, "decode") as pool:
        for start in range(0, len(pictures), size):
            rows = range(start, min(start + size, len(pictures)))
            yield np.stack(list(pool.map(pictures.view, rows)))


def _finished(rows: Rows, futures: list[Future[Pixels]]) -> tuple[Rows, Pixels]:
    return rows, np.concatenate([future.result() for future in futures])
