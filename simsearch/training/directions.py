"""Directions of features that tell pictures or classes apart, for a projection to begin with."""

from typing import cast

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
_SHRINKAGE = 0.3  # times the mean variance: directions that hardly vary are not blown up
_TOTAL = 1e-3  # weight of what does not tell classes apart, to rank it behind what does
_LEAST_VARIANCE = 1e-3  # of the mean, as of an axis along which pictures hardly vary
_FITTED = 0.4  # of the directions that keep cosines: those found from pictures


def principal_axes(features: Features) -> Matrix:
    """Return directions float64 [features, features], those that pictures vary most along first.

    All of them keep every distance as it is; the first ones, as much as so many can.
    """
    return _axes(features)[1]


def whitening_axes(features: Features) -> Matrix:
    """Return principal axes [features, features], scaled: pictures vary as much along each."""
    variances, axes = _axes(features)
    return cast("Matrix", axes / np.sqrt(variances + _LEAST_VARIANCE * variances.mean()))


def _axes(features: Features) -> tuple[Matrix, Matrix]:
    """Return the variances along the principal axes, and these as columns, the largest first."""
    variances, axes = np.linalg.eigh(np.cov(features.astype(np.float64), rowvar=False, bias=True))
    return np.clip(variances[::-1], 0, None), axes[:, ::-1]


def spread_axes(features: Features, count: int) -> Matrix:
    """Return directions [features, at most count] that keep the cosines of any pictures.

    The first ones are principal axes, about zero: a blurred or pale copy has weaker features in the
    same proportions, so that its direction stays, which about the mean it does not. The others are
    orthonormal at random in what these leave, and longer, so that on average it counts as much as
    before (Johnson, Lindenstrauss 1984): axes alone leave out what tells other pictures apart than
    those that they were found from.

    Args:
        features: float32 [n, features] of pictures.
        count: of directions.
    """
    unit = features.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    size = unit.shape[1]
    axes = np.linalg.eigh(unit.T @ unit)[1][:, ::-1]
    if count >= size:
        return cast("Matrix", axes)
    fitted = round(_FITTED * count)
    left, others = size - fitted, count - fitted
    drawn = np.linalg.qr(np.random.default_rng(0).normal(size=(left, others)))[0]
    rest = axes[:, fitted:] @ drawn * np.sqrt(left / others)
    return np.concatenate([axes[:, :fitted], rest], axis=1)


def discriminants(features: Features, labels: Labels) -> Matrix:
    """Return directions [features, at most features], those that tell classes apart first.

    They whiten the covariance within classes, so that what varies between pictures of the same
    class counts less (linear discriminant analysis; WCCN of Hatch, Kajarekar, Stolcke 2006).

    Args:
        features: float32 [n, features].
        labels: int64 [n].
    """
    values = features.astype(np.float64)
    classes, rows, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(classes), values.shape[1]))
    np.add.at(means, rows, values)
    between = np.cov(means / counts[:, None], rowvar=False, bias=True, fweights=counts)
    total = np.cov(values, rowvar=False, bias=True)
    within = total - between
    noise = _SHRINKAGE * np.trace(within) / len(within) + 1e-12
    variances, axes = np.linalg.eigh(within + noise * np.eye(len(within)))
    whitening = axes / np.sqrt(variances)
    ranks, order = np.linalg.eigh(whitening.T @ (between + _TOTAL * total) @ whitening)
    useful = ranks[::-1] > 1e-9 * ranks[-1]
    return cast("Matrix", whitening @ order[:, ::-1][:, useful])
