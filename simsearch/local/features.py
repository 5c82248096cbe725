"""Local features of a picture: OpenCV's SIFT (Lowe 2004) as RootSIFT (Arandjelovic 2012)."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]
Descriptors = npt.NDArray[np.float32]

SIDE = 256  # pixels of the longer side that pictures are looked at in; 480 finds no more copies
_MOST = 600
_CONTRAST = 0.02  # half of OpenCV's default: blurred and pale copies have weak corners
# What a descriptor's numbers become in a mirror: of its 4 x 4 x 8 (row, column, direction), rows
# and directions are turned round.
_MIRROR = np.arange(128).reshape(4, 4, 8)[::-1][:, :, (-np.arange(8)) % 8].ravel()


@dataclass(frozen=True, slots=True)
class LocalFeatures:
    """A picture as its corners and blobs.

    Attributes:
        grey: uint8 [height, width], `SIDE` on the longer side.
        points: float32 [n, 2], x and y in pixels of `grey`.
        descriptors: float32 [n, 128], unit length, none negative; higher products are more alike.
    """

    grey: Grey
    points: Points
    descriptors: Descriptors


def describe(grey: Grey) -> LocalFeatures:
    """Find the local features of a picture.

    Args:
        grey: uint8 [height, width]; any size, brought to `SIDE`.
    """
    scale = SIDE / max(grey.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = [max(round(side * scale), 1) for side in grey.shape[::-1]]
    scaled = np.asarray(cv2.resize(grey, size, interpolation=method), np.uint8)
    detector = cv2.SIFT.create(nfeatures=_MOST, contrastThreshold=_CONTRAST)
    keypoints, found = detector.detectAndCompute(scaled, None)
    if found is None:
        return LocalFeatures(scaled, np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    points = np.array([keypoint.pt for keypoint in keypoints], np.float32)
    summed = np.maximum(found.sum(axis=1, keepdims=True), 1)
    return LocalFeatures(scaled, points, np.sqrt(found / summed, dtype=np.float32))


def mirror(features: LocalFeatures) -> LocalFeatures:
    """Return the features of the same picture mirrored left and right."""
    points = features.points.copy()
    points[:, 0] = features.grey.shape[1] - 1 - points[:, 0]
    grey = np.ascontiguousarray(features.grey[:, ::-1])
    return LocalFeatures(grey, points, features.descriptors[:, _MIRROR])
