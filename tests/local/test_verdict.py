"""Verdicts on copies, bursts and strangers."""

import numpy as np
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


def test_nothing_speaks_for_a_picture_without_features() -> None:
    assert certainty(log_odds(Alignment())) < 0.01
    assert len(evidence(Alignment())) == len(WEIGHTS)


def test_few_points_on_an_exact_map_prove_little() -> None:
    exact = Alignment(4, 4, 4, 0.0, 0.9, 0.95, 0.9)
    assert evidence(exact)[2] == 0
    many = Alignment(40, 40, 40, 0.0, 0.9, 0.95, 0.9)
    assert evidence(many)[2] < evidence(exact)[2]
