"""Fits the weights of the second look (simsearch/local/verdict.py), or measures them.

    python -m benchmarks.second_look FOLDER [--pictures 500] [--copies 900] [--seed 0] [--measure]

Copies are altered copies of pictures of the folder against their originals. Others are each
picture's two nearest by the default encoder, and each copy's nearest that it was not made of: in a
folder of bursts, the same thing photographed again. Bursts are made, too: the camera moves, so that
near parts of a picture move further. Prints weights, or with --measure what the present ones find.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from simsearch.bench.duplicates.tasks import Task, make_task
from simsearch.collection.duplicates.second_look import look_again
from simsearch.config import DEFAULT_ENCODER
from simsearch.evaluation.embedding import embed_pictures
from simsearch.images.decode import read_file, shrink
from simsearch.local.verdict import OFFSET, WEIGHTS, evidence

Floats = npt.NDArray[np.float64]
Pair = tuple[str, str]
BURSTS = 60  # pictures that bursts are made of
SHIFTS = (4, 8, 12, 20)
BURST_SIDE = 1024  # pixels, at most


def main() -> None:
    """Look at all pairs, then fit or measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder")
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--copies", type=int, default=900)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure", action="store_true", help="the present weights, fit nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        task = make_task(
            "copies",
            arguments.folder,
            arguments.pictures,
            Path(scratch),
            arguments.seed,
            lambda *_: None,
        )
        copies, others = pairs_of(task, arguments.copies, arguments.seed)
        bursts = bursts_of(task.references, Path(scratch), arguments.seed)
        looks = list(look_again([*copies, *others, *bursts]))
    seen = np.array([number for number, look in enumerate(looks) if look is not None])
    numbers = np.array([evidence(look) for look in looks if look is not None])
    true, burst = seen < len(copies), seen >= len(copies) + len(others)
    other = ~true & ~burst
    print(f"{true.sum()} pairs of copies, {other.sum()} of others, {burst.sum()} of bursts")
    if arguments.measure:
        scores = numbers @ np.array(WEIGHTS) + OFFSET
        moved = np.tile(SHIFTS, len(bursts) // len(SHIFTS))[seen[burst] - len(copies) - len(others)]
        measure(scores[true], scores[other], scores[burst], moved)
    else:
        fit(numbers, true)


def pairs_of(task: Task, count: int, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Return pairs of copies, and of other pictures that lie near each other."""
    generator = np.random.default_rng(seed)
    drawn = np.sort(generator.choice(len(task.queries), count, replace=False)).tolist()
    queries = [task.queries[place] for place in drawn]
    sources = task.sources[drawn]
    vectors, _, failures = embed_pictures([*task.references, *queries], DEFAULT_ENCODER)
    if failures:
        raise SystemExit(f"'{failures[0].path}' can't be read: {failures[0].message}")
    known, asked = vectors[: len(task.references)], vectors[len(task.references) :]

    among = known @ known.T
    np.fill_diagonal(among, -1)
    nearest = np.argsort(-among, axis=1)[:, :2]
    near = {(min(a, b), max(a, b)) for a, row in enumerate(nearest.tolist()) for b in row}
    against = asked @ known.T
    against[np.arange(len(drawn)), sources] = -1
    wrong = against.argmax(axis=1)

    def paired(places: npt.NDArray[np.int64]) -> list[Pair]:
        return [(task.references[p], q) for p, q in zip(places.tolist(), queries, strict=True)]

    others = [(task.references[a], task.references[b]) for a, b in sorted(near)]
    return paired(sources), [*others, *paired(wrong)]


def bursts_of(pictures: Sequence[str], folder: Path, seed: int) -> list[Pair]:
    """Return some pictures, each with itself taken again from beside, once for each shift."""
    generator = np.random.default_rng(seed)
    drawn = generator.permutation(len(pictures))[:BURSTS]
    pairs = []
    for number in drawn.tolist():
        path = pictures[number]
        picture = np.asarray(shrink(read_file(path), BURST_SIDE))
        for shift in SHIFTS:
            again = folder / f"burst-{number}-{shift}.jpg"
            Image.fromarray(taken_again(picture, shift, generator)).save(again, quality=92)
            pairs.append((path, str(again)))
    return pairs


def taken_again(
    picture: npt.NDArray[np.uint8], shift: float, generator: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return a picture uint8 [height, width, 3] as a camera sees it that moved and turned a little.

    Args:
        shift: pixels in 480 of the longer side that the nearest part moves; the farthest stays.
    """
    height, width = picture.shape[:2]
    side = max(height, width)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    hills = cv2.resize(generator.random((4, 5)), (width, height), interpolation=cv2.INTER_CUBIC)
    middle = generator.uniform(0.3, 0.8, 2) * (width, height)
    thing = np.hypot(x - middle[0], y - middle[1]) < generator.uniform(0.15, 0.3) * side
    near = 0.6 * np.clip(hills, 0, 1) + 0.4 * thing
    heading = generator.uniform(0, 2 * np.pi)
    turn = np.radians(generator.uniform(-1, 1))
    right, down = x - width / 2, y - height / 2
    x = right * np.cos(turn) - down * np.sin(turn) + width / 2
    y = right * np.sin(turn) + down * np.cos(turn) + height / 2
    moved = near * shift * side / 480
    x, y = x + moved * np.cos(heading), y + moved * np.sin(heading)
    maps = x.astype(np.float32), y.astype(np.float32)
    found = cv2.remap(picture, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(found, np.uint8)


def fit(numbers: Floats, true: npt.NDArray[np.bool_]) -> None:
    """Print the weights of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
    model = LogisticRegression(max_iter=1000).fit((numbers - mean) / deviation, true)
    weights = model.coef_[0] / deviation
    print("WEIGHTS =", tuple(round(float(weight), 3) for weight in weights))
    print("OFFSET =", round(float(model.intercept_[0] - weights @ mean), 3))


def measure(true: Floats, others: Floats, bursts: Floats, moved: npt.NDArray[np.int64]) -> None:
    """Print recall at the cut of 0.5, over the n-th best of the others, and the bursts taken."""
    wrong = np.sort(others)[::-1]
    print(f"certainty over 0.5: recall {(true > 0).mean():.4f}, {(wrong > 0).sum()} others taken")
    for allowed in (0, 1, 3, 10):
        print(f"{allowed} others taken: recall {(true > wrong[allowed]).mean():.4f}")
    for shift in SHIFTS:
        print(
            f"burst moved by {shift} pixels in 480: {(bursts[moved == shift] > 0).mean():.3f} taken"
        )


if __name__ == "__main__":
    main()
