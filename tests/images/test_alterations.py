"""Alterations: seeded, graded, and each what its name says."""

import numpy as np
import pytest
from PIL import Image

from simsearch.errors import InputError
from simsearch.images.alterations import KINDS, STRENGTHS, alter
from tests.conftest import picture

OTHERS = [picture(seed) for seed in range(20, 24)]
GEOMETRIC = {"resize", "enlarge", "aspect", "crop", "padding", "border", "straighten"}
FRAMING = {"right-angle", "mirror", "upside-down", "rotate", "screenshot", "collage", "chain"}


def detailed() -> Image.Image:
    """Return a made picture with fine lines on it."""
    pixels = np.array(picture(1, 240, 180))
    pixels[::7] //= 2
    pixels[:, ::11] //= 3
    return Image.fromarray(pixels)


def altered(
    kind: str, strength: int, seed: int = 0, image: Image.Image | None = None
) -> Image.Image:
    """Return an altered copy of a made picture."""
    draw = np.random.default_rng(seed)
    return alter(image or detailed(), kind, strength, draw, OTHERS)


def difference(kind: str, strength: int) -> float:
    """Return the mean difference of grey values to the original, over some draws."""
    original = np.asarray(detailed(), np.float64)
    values = [np.asarray(altered(kind, strength, seed), np.float64) for seed in range(4)]
    return float(np.mean([np.abs(value - original).mean() for value in values]))


def test_there_are_at_least_24_kinds() -> None:
    assert len(set(KINDS)) == len(KINDS) >= 24


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", range(STRENGTHS))
def test_same_seed_same_copy_and_the_original_stays(kind: str, strength: int) -> None:
    image = detailed()
    before = image.tobytes()
    first, again = (altered(kind, strength, 3, image) for _ in range(2))
    assert first.mode == "RGB"
    assert first.tobytes() == again.tobytes()
    assert image.tobytes() == before
    assert first.size != image.size or first.tobytes() != before


@pytest.mark.parametrize("kind", sorted(set(KINDS) - GEOMETRIC - FRAMING))
def test_stronger_is_further_from_the_original(kind: str) -> None:
    mild, medium, strong = (difference(kind, strength) for strength in range(STRENGTHS))
    assert 0 < mild < medium < strong


@pytest.mark.parametrize(
    ("kind", "shares"), [("crop", (0.85, 0.6, 0.4)), ("resize", (0.25, 0.0625, 0.0144))]
)
def test_shares_of_the_area(kind: str, shares: tuple[float, ...]) -> None:
    for strength, share in enumerate(shares):
        made = altered(kind, strength)
        assert made.width * made.height / (240 * 180) == pytest.approx(share, rel=0.05)


def test_a_quarter_turn_and_mirrors_move_every_pixel() -> None:
    image = np.asarray(detailed())
    assert np.array_equal(np.asarray(altered("right-angle", 1)), np.rot90(image))
    assert np.array_equal(np.asarray(altered("mirror", 0)), image[:, ::-1])
    assert np.array_equal(np.asarray(altered("upside-down", 0)), image[::-1])


def test_a_collage_has_the_picture_whole_beside_others() -> None:
    image = detailed()
    sheet = np.asarray(altered("collage", 1, image=image))
    assert sheet.shape == (360, 480, 3)
    tiles = [sheet[y : y + 180, x : x + 240] for y in (0, 180) for x in (0, 240)]
    assert sum(np.array_equal(tile, np.asarray(image)) for tile in tiles) == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 40)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_pictures_can_be_altered(kind: str, size: tuple[int, int]) -> None:
    for strength in range(STRENGTHS):
        made = altered(kind, strength, image=Image.new("RGB", size, (9, 99, 200)))
        assert min(made.size) >= 1


def test_what_is_asked_for_has_to_be_there() -> None:
    with pytest.raises(InputError, match="no alteration 'melt'"):
        altered("melt", 0)
    with pytest.raises(InputError, match="strength 3"):
        altered("crop", 3)
    with pytest.raises(InputError, match="another picture"):
        alter(picture(1), "collage", 0, np.random.default_rng(0))
