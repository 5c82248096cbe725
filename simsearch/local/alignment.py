"""How two pictures lie on each other: an affine map between their features, and what it leaves.

A copy follows one affine map, whatever was done to its colours; what its features are off is noise.
Two photographs of one thing don't: the camera has moved, and nearer things moved further, so that
neighbouring features are off the same way.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from simsearch.local.features import Grey, LocalFeatures, Points, mirror

_RATIO = 0.85  # of the distances to the best and the second best match (Lowe 2004)
_FEWEST = 4  # matches; three fix an affine map
_LOOSE, _CLOSE = 4.0, 1.5  # pixels off the map
_NEIGHBOURS = 8
_MOST_SCALE, _MOST_STRETCH = 10.0, 3.0
_SIDE = 320  # pixels in which the laid over pictures are compared
_WINDOW = 15
_SMOOTH = 1.5  # sigma, in pixels: noise and blocks of JPEG count less
_FLAT = 16.0  # variance of grey values under which a window says nothing
_ALIKE = 0.8  # correlation of two windows
Matrix = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Alignment:
    """What speaks for two pictures being copies of one; all 0 where there is no map.

    Attributes:
        matches: pairs of features that are each other's best.
        inliers: those within 4 pixels of the map.
        close: those within 1.5 pixels.
        residual: pixels that inliers are off the map, median.
        drift: pixels that neighbouring inliers are off it the same way; 0 for noise.
        alike: share of the windows of the overlap whose correlation is over 0.8.
        correlation: of all such windows, median, -1 to 1.
        overlap: share of the picture that is covered more, 0 to 1.
        mirrored: the map holds for one of them mirrored.
        covered: share of the first that the second shows, and of the second that the first shows.
        turn: degrees clockwise that the first, mirrored if need be, is turned by, -180 to 180.
    """

    matches: int = 0
    inliers: int = 0
    close: int = 0
    residual: float = 0.0
    drift: float = 0.0
    alike: float = 0.0
    correlation: float = 0.0
    overlap: float = 0.0
    mirrored: bool = False
    covered: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0


def align(first: LocalFeatures, second: LocalFeatures) -> Alignment:
    """Lay one picture, or its mirror image, over another and look what agrees."""
    turned = mirror(first)
    plain, other = _Map.between(first, second), _Map.between(turned, second)
    if other.close > plain.close:
        return other.compared(turned.grey, second.grey, mirrored=True)
    return plain.compared(first.grey, second.grey, mirrored=False)


@dataclass(frozen=True, slots=True)
class _Map:
    """An affine map float64 [2, 3] from one picture to another, and how well matches follow it."""

    matrix: Matrix | None
    matches: int
    inliers: int = 0
    close: int = 0
    residual: float = 0.0
    drift: float = 0.0

    @classmethod
    def between(cls, first: LocalFeatures, second: LocalFeatures) -> "_Map":
        left, right = _matches(first, second)
        if len(left) < _FEWEST:
            return cls(None, len(left))
        found, _ = cv2.estimateAffine2D(
            left, right, method=cv2.RANSAC, ransacReprojThreshold=_LOOSE, maxIters=1000
        )
        if found is None or not _possible(matrix := np.asarray(found, np.float64)):
            return cls(None, len(left))
        # In pixels of whichever picture is shown smaller: a small copy can't be more precise.
        shown = max(_scale(matrix), 1.0)
        errors = (left @ matrix[:, :2].T + matrix[:, 2] - right) / shown
        off = np.linalg.norm(errors, axis=1)
        near = off < _LOOSE
        inliers = int(near.sum())
        if inliers < _FEWEST:
            return cls(None, len(left))
        close = int((off < _CLOSE).sum())
        residual, drift = float(np.median(off[near])), _drift(right[near] / shown, errors[near])
        return cls(matrix, len(left), inliers, close, residual, drift)

    def compared(self, first: Grey, second: Grey, mirrored: bool) -> Alignment:
        if self.matrix is None:
            return Alignment(self.matches)
        alike, correlation, covered = _overlay(self.matrix, first, second)
        return Alignment(
            self.matches,
            self.inliers,
            self.close,
            self.residual,
            self.drift,
            alike,
            correlation,
            max(covered),
            mirrored,
            covered,
            float(np.degrees(np.arctan2(self.matrix[1, 0], self.matrix[0, 0]))),
        )


def _matches(first: LocalFeatures, second: LocalFeatures) -> tuple[Points, Points]:
    """Return the points float32 [n, 2] of features that are each other's clear best."""
    if min(len(first.points), len(second.points)) < _FEWEST:
        return first.points[:0], second.points[:0]
    products = first.descriptors @ second.descriptors.T
    rows = np.arange(len(products))
    best = products.argmax(axis=1)
    top = products[rows, best]
    mutual = products.argmax(axis=0)[best] == rows
    products[rows, best] = -1
    runner_up = products.max(axis=1)
    # The distance of unit vectors is sqrt(2 - 2 product).
    clear = (1 - top) < _RATIO**2 * (1 - runner_up)
    kept = np.flatnonzero(mutual & clear)
    return first.points[kept], second.points[best[kept]]


def _drift(points: Floats, errors: Floats) -> float:
    """Return how long the mean error of a neighbourhood is, times how far its points agree.

    Points without a neighbour's error in common have a mean cosine of 0 or, few as they are, less.
    """
    if len(points) <= _NEIGHBOURS:
        return 0.0
    apart = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argpartition(apart, _NEIGHBOURS - 1, axis=1)[:, :_NEIGHBOURS]
    means = errors[nearest].mean(axis=1)
    lengths = np.linalg.norm(means, axis=1)
    least = np.finfo(np.float32).tiny
    cosines = (errors * means).sum(axis=1) / np.maximum(
        np.linalg.norm(errors, axis=1) * lengths, least
    )
    return float(np.median(lengths) * max(cosines.mean(), 0.0))


def _possible(matrix: Matrix) -> bool:
    """Whether a map is one that an edit makes: no collapse, no extreme stretch."""
    large, small = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return bool(small > 1 / _MOST_SCALE and large < _MOST_SCALE and large < _MOST_STRETCH * small)


def _scale(matrix: Matrix) -> float:
    return float(abs(np.linalg.det(matrix[:, :2])) ** 0.5)


def _overlay(matrix: Matrix, first: Grey, second: Grey) -> tuple[float, float, tuple[float, float]]:
    """Lay the picture with more detail over the other.

    Returns:
        alike, correlation and covered, as in `Alignment`.
    """
    swapped = _scale(matrix) > 1
    if swapped:
        first, second = second, first
        matrix = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    shrunk = min(1.0, _SIDE / max(second.shape))
    target = cv2.resize(second, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
    matrix = matrix * shrunk
    scale = _scale(matrix)
    # OpenCV's warp skips pixels when it makes a picture smaller: average them first.
    source = cv2.resize(first, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    matrix = np.column_stack([matrix[:, :2] / scale, matrix[:, 2]])
    size = target.shape[::-1]
    laid = cv2.warpAffine(source, matrix, size)
    inside = cv2.warpAffine(np.full_like(source, 255), matrix, size) == 255
    correlations, textured = _correlations(np.asarray(laid, np.uint8), np.asarray(target, np.uint8))
    compared = correlations[inside & textured]
    pixels = int(inside.sum())
    of_source, of_target = min(pixels / source.size, 1.0), min(pixels / inside.size, 1.0)
    covered = (of_target, of_source) if swapped else (of_source, of_target)
    if len(compared) < _WINDOW**2:
        return 0.0, 0.0, covered
    return float((compared > _ALIKE).mean()), float(np.median(compared)), covered


def _correlations(first: Grey, second: Grey) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the correlation of the windows around each pixel, and where both have texture."""
    a, b = (cv2.GaussianBlur(grey, (0, 0), _SMOOTH).astype(np.float64) for grey in (first, second))

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.boxFilter(values, -1, (_WINDOW, _WINDOW)))

    mean_a, mean_b = mean(a), mean(b)
    variance_a = mean(a * a) - mean_a**2
    variance_b = mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    floor = np.maximum(variance_a, 1) * np.maximum(variance_b, 1)
    return covariance / np.sqrt(floor), (variance_a > _FLAT) & (variance_b > _FLAT)
