"""Fits the weights of the second look (simsearch/local/verdict.py), or measures them.

    python -m benchmarks.second_look FOLDER [--pictures 500] [--copies 900] [--seed 0] [--measure]

Copies are altered copies of pictures of the folder against their originals. Others are each
picture's two nearest by the default encoder, and each copy's nearest that it was not made of: in a
folder of bursts, the same thing photographed again. Prints weights, or with --measure what the
present ones find.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.bench.tasks import Task, make_task
from simsearch.collection.duplicates.second_look import look_again
from simsearch.config import DEFAULT_ENCODER
from simsearch.evaluation.embedding import embed_pictures
from simsearch.local.verdict import OFFSET, WEIGHTS, evidence

Floats = npt.NDArray[np.float64]
Pair = tuple[str, str]


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
        looks = list(look_again([*copies, *others]))
    seen = [number for number, look in enumerate(looks) if look is not None]
    numbers = np.array([evidence(look) for look in looks if look is not None])
    true = np.array(seen) < len(copies)
    print(f"{int(true.sum())} pairs of copies, {int((~true).sum())} of other pictures")
    if arguments.measure:
        measure(numbers, true)
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


def fit(numbers: Floats, true: npt.NDArray[np.bool_]) -> None:
    """Print the weights of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
    model = LogisticRegression(max_iter=1000).fit((numbers - mean) / deviation, true)
    weights = model.coef_[0] / deviation
    print("WEIGHTS =", tuple(round(float(weight), 3) for weight in weights))
    print("OFFSET =", round(float(model.intercept_[0] - weights @ mean), 3))


def measure(numbers: Floats, true: npt.NDArray[np.bool_]) -> None:
    """Print recall at the cut of 0.5, and over the n-th best of the others."""
    scores = numbers @ np.array(WEIGHTS) + OFFSET
    wrong = np.sort(scores[~true])[::-1]
    taken = int((wrong > 0).sum())
    print(f"certainty over 0.5: recall {(scores[true] > 0).mean():.4f}, {taken} others taken")
    for allowed in (0, 1, 3, 10):
        recall = (scores[true] > wrong[allowed]).mean()
        print(f"{allowed} others taken: recall {recall:.4f}")


if __name__ == "__main__":
    main()
