"""Alignment of local features: copies lie on each other, other pictures don't."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from simsearch.images.alterations import alter
from simsearch.local.alignment import Alignment, align
from simsearch.local.features import SIDE, LocalFeatures, describe, mirror

Grey = npt.NDArray[np.uint8]


def detailed(seed: int, width: int = 480, height: int = 360) -> Image.Image:
    """Return a made picture with corners and blobs of many sizes, different for every seed."""
    rng = np.random.default_rng(seed)
    layers = np.zeros((height, width, 3))
    for cell in (4, 9, 20, 45, 100):
        coarse = rng.integers(0, 256, (height // cell + 2, width // cell + 2, 3), dtype=np.uint8)
        scaled = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        layers += np.asarray(scaled) / 5
    return Image.fromarray(layers.astype(np.uint8))


def look(image: Image.Image) -> LocalFeatures:
    return describe(np.asarray(image.convert("L")))


def aligned(first: Image.Image, second: Image.Image) -> Alignment:
    return align(look(first), look(second))


def test_a_picture_lies_on_itself() -> None:
    found = aligned(detailed(1), detailed(1))
    assert found.inliers == found.close == found.matches > 100
    assert found.residual < 0.01
    assert found.alike == 1
    assert found.overlap == pytest.approx(1, abs=0.02)
    assert not found.mirrored


@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        *[
            ("jpeg", 1),
            ("resize", 0),
            ("crop", 1),
            ("right-angle", 1),
            ("border", 1),
            ("aspect", 1),
        ],
        *[
            ("brightness", 1),
            ("hue", 1),
            ("caption", 1),
            ("rotate", 2),
            ("padding", 1),
            ("noise", 0),
        ],
    ],
)
def test_a_copy_lies_on_its_original_both_ways(kind: str, strength: int) -> None:
    original = detailed(1)
    copy = alter(original, kind, strength, np.random.default_rng(0))
    for found in (aligned(original, copy), aligned(copy, original)):
        assert found.close > 30
        assert found.residual < 0.8
        assert found.correlation > 0.8
        assert found.overlap > 0.7
        assert not found.mirrored


@pytest.mark.parametrize("kind", ["mirror", "upside-down"])
def test_mirror_images_are_recognised_as_such(kind: str) -> None:
    copy = alter(detailed(1), kind, 1, np.random.default_rng(0))
    found = aligned(detailed(1), copy)
    assert found.mirrored
    assert found.close > 30
    assert found.correlation > 0.9


def test_a_part_of_a_collage_is_found() -> None:
    others = [detailed(seed) for seed in range(2, 5)]
    sheet = alter(detailed(1), "collage", 1, np.random.default_rng(0), others)
    for found in (aligned(detailed(1), sheet), aligned(sheet, detailed(1))):
        assert found.close > 20
        assert found.overlap > 0.9


@pytest.mark.parametrize("seed", range(2, 8))
def test_other_pictures_do_not_lie_on_each_other(seed: int) -> None:
    found = aligned(detailed(1), detailed(seed))
    assert found.close < 8
    assert found.alike < 0.2


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (40, 30), (1, 300), (4000, 2)])
def test_flat_and_tiny_pictures_have_nothing_to_align(size: tuple[int, int]) -> None:
    flat = Image.new("RGB", size, (120, 10, 10))
    found = aligned(flat, flat)
    assert (found.matches, found.inliers, found.alike) == (0, 0, 0)
    assert aligned(flat, detailed(1)).inliers == 0


def test_features_of_a_mirror_image() -> None:
    image = detailed(3)
    direct = look(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    derived = mirror(look(image))
    assert np.array_equal(derived.grey, direct.grey)
    nearest = (derived.descriptors @ direct.descriptors.T).max(axis=1)
    assert np.median(nearest) > 0.98


def test_features_are_unit_vectors_at_one_size() -> None:
    found = look(detailed(1, 1000, 500))
    assert found.grey.shape == (SIDE // 2, SIDE)
    assert found.points.shape == (len(found.descriptors), 2)
    assert (found.points >= 0).all()
    assert (found.points < (SIDE, SIDE // 2)).all()
    assert np.allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-3)
