"""Naming pictures after a few examples: N-way K-shot episodes, fixed runs, and an open set."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.encoder.embed import normalized
from simsearch.encoder.runtimes import Vectors
from simsearch.errors import InputError
from simsearch.evaluation.labelled import Labels
from simsearch.metrics import detection_and_identification_rate
from simsearch.records.labelled import FewShot, FixedRuns, OpenSet

FPIR = 0.01
_RUN_TABLE = "class_labels.txt"
_logger = logging.getLogger(__name__)

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Episodes:
    """How few-shot naming is measured.

    Attributes:
        ways: classes an episode, 2 or more.
        shots: examples a class, 1 or more.
        episodes: how many are drawn, 1 or more.
        seed: of the draws.
    """

    ways: int = 20
    shots: int = 1
    episodes: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trials:
    """The queries of all episodes: bool [n] whether the name was right, int64 [n] their classes."""

    right: Booleans
    labels: Labels


def few_shot(
    vectors: Vectors, labels: Labels, plan: Episodes
) -> tuple[FewShot, Trials] | tuple[None, None]:
    """Draw episodes, and name one query of each class by the nearest class prototype.

    A prototype is the mean of a class's examples (Snell, Swersky, Zemel 2017), scaled to length 1.
    Only classes with more pictures than shots take part. Where they are fewer than the ways, all of
    them are in every episode, with a logged warning; where they are fewer than two, nothing is
    returned.
    """
    pictures = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    pictures = [rows for rows in pictures if len(rows) > plan.shots]
    ways = min(plan.ways, len(pictures))
    if ways < plan.ways:
        _logger.warning(
            "%d classes have more than %d pictures: few-shot is %d-way, not %d-way",
            len(pictures),
            plan.shots,
            ways,
            plan.ways,
        )
    if ways < 2:
        return None, None
    rng = np.random.default_rng(plan.seed)
    right, asked = [], []
    for _ in range(plan.episodes):
        chosen = rng.choice(len(pictures), ways, replace=False)
        drawn = np.array(
            [rng.choice(pictures[place], plan.shots + 1, replace=False) for place in chosen]
        )
        prototypes = normalized(vectors[drawn[:, 1:]].mean(axis=1))
        named = (vectors[drawn[:, 0]] @ prototypes.T).argmax(axis=1)
        right.append(named == np.arange(ways))
        asked.append(labels[drawn[:, 0]])
    trials = Trials(np.concatenate(right), np.concatenate(asked))
    return FewShot(ways, plan.shots, plan.episodes, float(trials.right.mean())), trials


@dataclass(frozen=True, slots=True)
class OpenTrials:
    """The pictures of an open set.

    Attributes:
        scores: float32 [n], of pictures of known classes with their own class where that is the
            nearest, else -inf.
        labels: int64 [n], their classes.
        strangers, stranger_labels: float32 [m], scores of the others with the nearest class, and
            int64 [m], their classes.
    """

    scores: Vectors
    labels: Labels
    strangers: Vectors
    stranger_labels: Labels


def open_set(
    vectors: Vectors, labels: Labels, shots: int = 1, seed: int = 0
) -> tuple[OpenSet, OpenTrials] | tuple[None, None]:
    """Enrol half of the classes and ask about every other picture, at an FPIR of 1 %.

    The half is drawn from the classes with more pictures than `shots`, and so are the pictures that
    make up a class's prototype. All other classes are unknown. Nothing is returned where either
    side has no class.
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    large = classes[counts > shots]
    known = np.sort(rng.choice(large, min(len(large), len(classes) // 2), replace=False))
    if not len(known):
        return None, None
    examples = np.array(
        [rng.choice(np.flatnonzero(labels == label), shots, replace=False) for label in known]
    )
    asked = np.ones(len(labels), bool)
    asked[examples] = False
    scores = vectors[asked] @ normalized(vectors[examples].mean(axis=1)).T
    best, right = scores.max(axis=1), known[scores.argmax(axis=1)] == labels[asked]
    is_known = np.isin(labels[asked], known)
    rate, strangers = None, best[~is_known]
    if len(strangers) * FPIR >= 1:
        rate = detection_and_identification_rate(best[is_known], right[is_known], strangers, FPIR)
    trials = OpenTrials(
        scores=np.where(right, best, np.float32(-np.inf))[is_known],
        labels=labels[asked][is_known],
        strangers=strangers,
        stranger_labels=labels[asked][~is_known],
    )
    return OpenSet(FPIR, rate, len(known), len(classes) - len(known)), trials


def fixed_runs(
    folder: str | os.PathLike[str], embed: Callable[[Sequence[str]], Vectors]
) -> FixedRuns:
    """Name the pictures of fixed runs by the nearest of their run's examples.

    The layout is that of Omniglot's one-shot task (Lake, Salakhutdinov, Tenenbaum 2015): folders of
    runs with a class_labels.txt of lines 'run01/test/item01.png run01/training/class01.png', paths
    being relative to `folder`; each line is a picture to name and the example that is right.

    Args:
        embed: maps paths to unit vectors float32 [n, dim], or raises where one can't be read.

    Raises:
        InputError: there is no run, a line is not as above, or a picture is missing.
    """
    root = Path(folder).expanduser()
    tables = sorted(root.glob(f"*/{_RUN_TABLE}"))
    if not tables:
        raise InputError(f"no run in '{folder}'; it needs folders with a {_RUN_TABLE}")
    runs = [_read_run(root, table) for table in tables]
    paths = list(dict.fromkeys(path for run in runs for pair in run for path in pair))
    vectors = dict(zip(paths, embed(paths), strict=True))
    wrong = trials = 0
    for run in runs:
        examples = list(dict.fromkeys(example for _, example in run))
        stock = np.stack([vectors[example] for example in examples])
        scores = np.stack([vectors[item] for item, _ in run]) @ stock.T
        truth = np.array([examples.index(example) for _, example in run])
        wrong += int((scores.argmax(axis=1) != truth).sum())
        trials += len(run)
    return FixedRuns(len(runs), trials, wrong / trials)


def _read_run(root: Path, table: Path) -> list[tuple[str, str]]:
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"'{table}' can't be read: {error}") from error
    pairs = [tuple(line.split()) for line in lines if line.strip()]
    if not pairs:
        raise InputError(f"'{table}' has no lines; give it 'ITEM EXAMPLE' lines")
    found = []
    for pair in pairs:
        if len(pair) != 2:
            raise InputError(f"'{table}': '{' '.join(pair)}' is not 'ITEM EXAMPLE'")
        item, example = (str((root / name).absolute()) for name in pair)
        for path in (item, example):
            if not Path(path).is_file():
                raise InputError(f"'{table}' names '{path}', which is missing")
        found.append((item, example))
    return found
