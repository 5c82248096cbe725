"""Are two pictures of the same class: a cosine, and what an encoder's calibration makes of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from simsearch.errors import InputError
from simsearch.records.labelled import Calibration, Verification

USUAL_FAR = 0.01  # false acceptance rate


def compare(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> tuple[float, float]:
    """Return how near two vectors are, whatever their lengths.

    Args:
        a, b: float [dim].

    Returns:
        (cosine, -1 to 1, higher is nearer; Euclidean distance of the unit vectors, 0 to 2, lower
        is nearer). Equal vectors give exactly 1 and 0.
    """
    distance = float(np.linalg.norm(_unit(a) - _unit(b)))
    # |a - b|^2 = 2 - 2 cos(a, b): unlike the sum of products, this is 1 for equal vectors.
    return max(1 - distance**2 / 2, -1.0), min(distance, 2.0)


def threshold_at(calibration: Calibration, far: float | None) -> tuple[float, float] | None:
    """Return a false acceptance rate and the cosine at or over which pairs are called the same.

    Args:
        far: None is 1 %, or where the calibration has too few pairs for it, the lowest rate that
            they carry; where they carry none, None is returned.

    Raises:
        InputError: the calibration has no threshold at that rate; the message lists those it has.
    """
    if far is None:
        carried = [rate for rate in calibration.thresholds if rate >= USUAL_FAR]
        return (min(carried), calibration.thresholds[min(carried)]) if carried else None
    if far in calibration.thresholds:
        return far, calibration.thresholds[far]
    known = ", ".join(f"{rate:g}" for rate in sorted(calibration.thresholds, reverse=True))
    remedy = f"take one of {known}" if known else "it was fitted on too few pairs; train on more"
    raise InputError(f"the encoder's calibration has no threshold at a FAR of {far:g}; {remedy}")


def verify_pair(
    paths: tuple[str, str],
    vectors: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    encoder: str,
    calibration: Calibration | None,
    prior: float = 0.5,
    far: float | None = None,
) -> Verification:
    """Return what two vectors say about their pictures being of the same class.

    Args:
        vectors: float [dim] each.
        calibration: the encoder's; None gives the similarity and the distance only.
        prior: share of same pairs among those that are asked about, 0 < prior < 1.
        far: false acceptance rate of the decision; see `threshold_at`.

    Raises:
        InputError: as for `check_settings`.
    """
    check_settings(calibration, prior, far)
    similarity, distance = compare(*vectors)
    bare = Verification(*paths, similarity, distance, encoder, prior)
    if calibration is None:
        return bare
    likely = replace(
        bare,
        probability=calibration.probability(similarity, prior),
        log_likelihood_ratio=calibration.log_likelihood_ratio(similarity),
        different_pairs=calibration.different_pairs,
    )
    decision = threshold_at(calibration, far)
    if decision is None:
        return likely
    rate, threshold = decision
    return replace(likely, far=rate, threshold=threshold, same=similarity >= threshold)


def check_settings(calibration: Calibration | None, prior: float, far: float | None) -> None:
    """Refuse what no decision can be made with, before any picture is read.

    Raises:
        InputError: the prior does not lie between 0 and 1, or there is no threshold at the rate.
    """
    if not 0 < prior < 1:
        raise InputError(f"prior is {prior:g}; it must be over 0 and under 1")
    if calibration is not None:
        threshold_at(calibration, far)


def _unit(vector: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    wide = np.asarray(vector, np.float64)
    unit: npt.NDArray[np.float64] = wide / max(float(np.linalg.norm(wide)), 1e-12)
    return unit
