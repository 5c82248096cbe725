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
_SAME = 1e-12  # variance of unit vectors that is none
_QUIETED = 0.5  # power of the variance within classes that is taken away: 1 evens it out


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


def spread_axes(features: Features, labels: Labels, count: int) -> Matrix:
    """Return directions [features, at most count] that keep the cosines of any pictures.

    Only what varies within classes counts less: half-way to evened out (WCCN of Hatch,
    Kajarekar, Stolcke 2006; measured: `benchmarks/default_encoder/README.md`).

    The first ones are principal axes, about zero: a blurred or pale copy has weaker features in the
    same proportions, so that its direction stays, which about the mean it does not. The others are
    orthonormal at random in what these leave, and longer, so that on average it counts as much as
    before (Johnson, Lindenstrauss 1984): axes alone leave out what tells other pictures apart than
    those that they were found from.

    Args:
        features: float32 [n, features] of pictures.
        labels: int64 [n].
        count: of directions.
    """
    unit = _unit(features.astype(np.float64))
    quieting = _quieting(unit, labels)
    unit = _unit(unit @ quieting)
    size = unit.shape[1]
    axes = np.linalg.eigh(unit.T @ unit)[1][:, ::-1]
    if count >= size:
        return cast("Matrix", quieting @ axes)
    fitted = round(_FITTED * count)
    left, others = size - fitted, count - fitted
    drawn = np.linalg.qr(np.random.default_rng(0).normal(size=(left, others)))[0]
    rest = axes[:, fitted:] @ drawn * np.sqrt(left / others)
    return cast("Matrix", quieting @ np.concatenate([axes[:, :fitted], rest], axis=1))


def _quieting(values: Matrix, labels: Labels) -> Matrix:
    """Return a map [features, features] that takes part of the variance within classes away."""
    within = _scatter(values, labels)[0]
    variances, axes = np.linalg.eigh(within)
    mean = max(variances.mean(), _SAME)
    scales = (np.clip(variances, 0, None) / mean + 1) ** (-_QUIETED / 2)
    return cast("Matrix", axes * scales @ axes.T)


def discriminants(features: Features, labels: Labels) -> Matrix:
    """Return directions [features, at most features], those that tell classes apart first.

    They whiten the covariance within classes, so that what varies between pictures of the same
    class counts less (linear discriminant analysis; WCCN of Hatch, Kajarekar, Stolcke 2006).

    Args:
        features: float32 [n, features].
        labels: int64 [n].
    """
    within, between = _scatter(features.astype(np.float64), labels)
    noise = _SHRINKAGE * np.trace(within) / len(within) + 1e-12
    variances, axes = np.linalg.eigh(within + noise * np.eye(len(within)))
    whitening = axes / np.sqrt(variances)
    ranks, order = np.linalg.eigh(whitening.T @ (between + _TOTAL * (within + between)) @ whitening)
    useful = ranks[::-1] > 1e-9 * ranks[-1]
    return cast("Matrix", whitening @ order[:, ::-1][:, useful])


def _scatter(values: Matrix, labels: Labels) -> tuple[Matrix, Matrix]:
    """Return covariances [features, features] within classes and between them."""
    classes, rows, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(classes), values.shape[1]))
    np.add.at(means, rows, values)
    between = np.cov(means / counts[:, None], rowvar=False, bias=True, fweights=counts)
    return np.cov(values, rowvar=False, bias=True) - between, between


def _unit(values: Matrix) -> Matrix:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return cast("Matrix", values / np.maximum(lengths, 1e-12))
