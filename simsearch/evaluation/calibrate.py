"""Calibration: what a cosine says about two pictures being of the same class (Platt 1999)."""

import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from simsearch.errors import InputError
from simsearch.metrics import carried_rates, threshold_at_far
from simsearch.records.labelled import Calibration

Scores = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_STEPS = 100
_HALVINGS = 40
_logger = logging.getLogger(__name__)


def fit_calibration(same_scores: Scores, different_scores: Scores, classes: int) -> Calibration:
    """Fit the log-likelihood ratio of "the same class" as a line in the score.

    Both kinds of pair weigh equally, so that no prior goes in. The targets are Platt's, (n + 1) /
    (n + 2) and 1 / (n + 2) with n the number of pairs of the rarer kind: scores that are perfectly
    separable then give a steep line and not an endless one, and scores that say nothing give 0. A
    threshold is given for each FAR of 1e-1 to 1e-4 at which at least one of the different pairs is
    accepted; one that only a few of them carry is rough.

    Args:
        same_scores, different_scores: float [n] and [m], cosines of both kinds of pair, higher is
            nearer, of classes that the encoder was not trained on.
        classes: how many classes they come from.

    Raises:
        InputError: there is no pair of one kind, or a score is not finite.
    """
    same, different = (np.asarray(s, np.float64) for s in (same_scores, different_scores))
    for scores, kind in ((same, "the same class"), (different, "different classes")):
        if not scores.size:
            raise InputError(f"no pair of {kind} to calibrate on; give more pictures or classes")
        if not np.isfinite(scores).all():
            raise InputError(f"a score of {kind} is not finite; check the encoder")
    slope, intercept = _fit(same, different)
    if not slope > 1e-6:
        _logger.warning(
            "calibration: pairs of the same class score no higher than others (slope %.3g); "
            "probabilities from this encoder mean nothing",
            slope,
        )
    return Calibration(
        slope=slope,
        intercept=intercept,
        thresholds={far: threshold_at_far(different, far) for far in carried_rates(different.size)},
        same_pairs=same.size,
        different_pairs=different.size,
        classes=classes,
    )


def _fit(same: Floats, different: Floats) -> tuple[float, float]:
    """Return slope and intercept, by Newton's method with step halving (Lin, Lin, Weng 2007)."""
    # Centred and scaled, or the two unknowns would be nearly the same one where scores are close.
    middle = (same.mean() + different.mean()) / 2
    scale = max(float(np.hypot(same.std(), different.std())), 1e-6)
    x = np.concatenate([same, different])
    x -= middle
    x /= scale
    rarer = min(same.size, different.size)
    target = np.repeat([(rarer + 1) / (rarer + 2), 1 / (rarer + 2)], [same.size, different.size])
    weight = np.repeat([0.5 / same.size, 0.5 / different.size], [same.size, different.size])
    line = np.zeros(2)
    loss = _loss(line, x, target, weight)
    for _ in range(_STEPS):
        step = _newton_step(line, x, target, weight)
        for halving in range(_HALVINGS):
            moved = line + step / 2**halving
            moved_loss = _loss(moved, x, target, weight)
            if moved_loss < loss:
                break
        else:
            break  # no step lowers it by what a float can tell
        gain, line, loss = loss - moved_loss, moved, moved_loss
        if gain < 1e-14:
            break
    slope, intercept = line
    return float(slope / scale), float(intercept - slope * middle / scale)


def _loss(line: Floats, x: Floats, target: Floats, weight: Floats) -> float:
    logits = line[0] * x + line[1]
    return float(weight @ (np.logaddexp(0, logits) - target * logits))


def _newton_step(line: Floats, x: Floats, target: Floats, weight: Floats) -> Floats:
    p = 0.5 * (1 + np.tanh((line[0] * x + line[1]) / 2))
    residual, curvature = weight * (target - p), weight * p * (1 - p)
    mixed = curvature @ x
    hessian = np.array([[curvature @ x**2, mixed], [mixed, curvature.sum()]])
    # The ridge keeps equal scores, which tell no slope, solvable.
    step: Floats = np.linalg.solve(hessian + 1e-12 * np.eye(2), [residual @ x, residual.sum()])
    return step
