"""Verdicts on copies, bursts and strangers."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from simsearch.images.alterations import alter
from simsearch.local.alignment import Alignment
from simsearch.local.verdict import WEIGHTS, certainty, evidence, log_odds
from tests.local.test_alignment import aligned, detailed


@pytest.mark.parametrize("kind", ["jpeg", "crop", "border", "mirror", "caption", "grey", "rotate"])
@pytest.mark.parametrize("strength", [0, 1])
def test_copies_are_recognised(kind: str, strength: int) -> None:
    copy = alter(detailed(1), kind, strength, np.random.default_rng(0))
    assert certainty(log_odds(aligned(detailed(1), copy))) > 0.9


@pytest.mark.parametrize("seed", range(2, 6))
def test_other_pictures_are_not(seed: int) -> None:
    assert certainty(log_odds(aligned(detailed(1), detailed(seed)))) < 0.1


def test_a_burst_is_no_copy() -> None:
    """Nearer things have moved further: the right half lies 12 pixels off."""
    first = detailed(1)
    moved = np.array(first)
    moved[:, 240:] = np.roll(moved[:, 240:], 12, axis=1)
    moved[:, :240] = np.roll(moved[:, :240], -7, axis=0)
    assert certainty(log_odds(aligned(first, Image.fromarray(moved)))) < 0.5


@pytest.mark.parametrize("shift", [10, 20])
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_picture_bent_by_depth_is_no_copy(seed: int, shift: int) -> None:
    """Smoothly, so that nearly every feature stays within reach of one affine map."""
    first = detailed(seed)
    found = aligned(first, Image.fromarray(bent(np.array(first), shift)))
    assert found.inliers > 20
    assert found.drift > 0.1
    assert certainty(log_odds(found)) < 0.5


def test_noise_does_not_drift() -> None:
    noise = np.random.default_rng(0).normal(0, 12, np.array(detailed(1)).shape)
    noisy = np.clip(np.array(detailed(1)) + noise, 0, 255).astype(np.uint8)
    assert aligned(detailed(1), Image.fromarray(noisy)).drift < 0.1


def test_nothing_speaks_for_a_picture_without_features() -> None:
    assert certainty(log_odds(Alignment())) < 0.01
    assert len(evidence(Alignment())) == len(WEIGHTS)


def test_few_points_on_an_exact_map_prove_little() -> None:
    exact = Alignment(4, 4, 4, 0.0, 0.0, 0.9, 0.95, 0.9)
    assert evidence(exact)[2] == 0
    many = Alignment(40, 40, 40, 0.0, 0.0, 0.9, 0.95, 0.9)
    assert evidence(many)[2] < evidence(exact)[2]


def bent(picture: npt.NDArray[np.uint8], shift: float) -> npt.NDArray[np.uint8]:
    """Move a picture to the side by 0 to `shift` pixels, as hills and dales do."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    nearness = (1 + np.sin(7 * x / width) * np.cos(6 * y / height)) / 2
    moved = (x + shift * nearness).astype(np.float32)
    return np.asarray(cv2.remap(picture, moved, y, cv2.INTER_CUBIC), np.uint8)
