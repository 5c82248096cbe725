"""Batches of augmented pictures, made in threads ahead of the network."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from simsearch.training.augment import Profile
from simsearch.training.pictures import PictureSet, Pixels
from simsearch.training.sampler import Rows

Places = npt.NDArray[np.bool_]
_AHEAD = 2  # batches
_TOGETHER = 16  # pictures that a thread changes in one go
_OTHERS = 5  # pictures that are not in the batch, to put beside one that is


def augmented_batches(
    pictures: PictureSet,
    plan: Sequence[Rows],
    first: int,
    profile: Profile,
    seed: tuple[int, ...],
    workers: int,
    hardness: Callable[[int], float],
    plain: Callable[[Rows], Places] | None = None,
) -> Iterator[tuple[Rows, Pixels]]:
    """Yield (rows, pixels uint8 [n, size, size, 3]) of the plan's batches from `first` on.

    Every few pictures have a random generator of their own, so threads change nothing: what a batch
    looks like depends on the seed and its place in the plan alone.

    Args:
        hardness: gives that of a batch, by its place in the plan.
        plain: gives, for the rows of a batch, which of them are shown as they are, bool [n].
    """

    def make(step: int, place: int) -> Pixels:
        draw = np.random.default_rng([*seed, step, place])
        rows = plan[step][place : place + _TOGETHER]
        canvases = [pictures.canvas(int(row)) for row in rows]

        def others() -> list[Pixels]:
            few = min(_OTHERS, len(pictures))
            drawn = draw.choice(len(pictures), few, replace=False)
            return [pictures.canvas(row) for row in np.setdiff1d(drawn, plan[step]).tolist()]

        views = profile(canvases, pictures.preprocessing, draw, hardness(step), others)
        if plain is not None:
            for at in np.flatnonzero(plain(plan[step])[place : place + _TOGETHER]).tolist():
                views[at] = pictures.view(int(rows[at]))
        return views

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
