"""Augmented pictures still show the same thing, and are functions of their generator."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from simsearch.config import Preprocessing
from simsearch.errors import InputError
from simsearch.images.alterations import COLLAGE, alter
from simsearch.images.decode import decode
from simsearch.training import augment
from simsearch.training.augment import PROFILES, augmentation
from simsearch.training.loader import augmented_batches, plain_batches
from simsearch.training.pictures import PictureSet, Pixels
from tests.conftest import picture, save_pictures
from tests.training.conftest import PREPROCESSING, picture_set

NAMES = sorted(PROFILES)
SIZE, SIDE = 48, 56
SEEN = Preprocessing(size=SIZE, crop_fraction=1.0, fit="squash")


def canvas(seed: int = 0) -> Pixels:
    return np.asarray(picture(seed, SIDE, SIDE))


def augmented(
    name: str, pixels: Pixels, seed: int, hardness: float = 1.0, others: Sequence[Pixels] = ()
) -> Pixels:
    draw = np.random.default_rng(seed)
    found: Pixels = augmentation(name)([pixels], SEEN, draw, hardness, lambda: others)[0]
    return found


def correlation(a: Pixels, b: Pixels) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_unknown_name_lists_those_that_there_are() -> None:
    assert NAMES == ["copy", "glyph", "none", "photo"]
    with pytest.raises(InputError, match="unknown augmentation 'magic'; use one of photo, glyph"):
        augmentation("magic")


@pytest.mark.parametrize("name", NAMES)
def test_shape_type_and_no_change_to_the_canvas(name: str) -> None:
    whole = canvas()
    before = whole.copy()
    for seed in range(60):  # often enough for every edit to come up
        found = augmented(name, whole, seed)
        assert found.dtype == np.uint8
        assert found.shape == (SIZE, SIZE, 3)
    assert np.array_equal(whole, before)


@pytest.mark.parametrize("name", NAMES)
def test_function_of_its_generator(name: str) -> None:
    for seed in range(20):
        assert np.array_equal(augmented(name, canvas(), seed), augmented(name, canvas(), seed))
    results = {augmented(name, canvas(), seed).tobytes() for seed in range(20)}
    # A picture can be turned in three ways only.
    assert len(results) in {"none": {1}, "copy": range(15, 21)}.get(name, {20})


def test_none_is_the_centre() -> None:
    low = (SIDE - SIZE) // 2
    centre = canvas()[low : low + SIZE, low : low + SIZE]
    assert np.array_equal(augmented("none", canvas(), 0), centre)


@pytest.mark.parametrize("fit", ["crop", "squash"])
@pytest.mark.parametrize(("size", "fraction"), [(48, 1.0), (56, 0.875), (64, 0.8), (64, 0.9)])
def test_views_are_what_the_encoder_sees(
    tmp_path: Path, fit: str, size: int, fraction: float
) -> None:
    paths = save_pictures(tmp_path, 4)
    picture(9, 60, 150).save(tmp_path / "tall.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(10, 150, 60).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    paths += [tmp_path / "tall.png", tmp_path / "turned.jpg"]
    preprocessing = Preprocessing(size=size, crop_fraction=fraction, fit=fit)
    pictures = picture_set(tuple(map(str, paths)), preprocessing)
    (views,) = plain_batches(pictures, 64, workers=2)
    for view, path in zip(views, paths, strict=True):
        seen = decode(path.read_bytes(), preprocessing).pixels
        assert np.abs(view.astype(int) - seen).mean() < 5  # up to half a pixel beside it
        assert correlation(view, seen) > 0.99


def test_padded_views_are_what_the_encoder_sees(tmp_path: Path) -> None:
    picture(9, 60, 150).save(tmp_path / "tall.png")
    preprocessing = Preprocessing(size=64, crop_fraction=1.0, fit="pad")
    pictures = picture_set((str(tmp_path / "tall.png"),), preprocessing)
    seen = decode((tmp_path / "tall.png").read_bytes(), preprocessing).pixels
    assert np.array_equal(pictures.view(0), seen)


@pytest.mark.parametrize("name", ["photo", "copy"])
def test_photos_and_copies_resemble_what_they_were_made_of(name: str) -> None:
    """The mean over many of the likeness to the own picture, against that to others."""
    originals = [augmented("none", canvas(seed), 0) for seed in range(6)]
    own, others = [], []
    for seed in range(6):
        for number in range(100):
            found = augmented(name, canvas(seed), 100 * seed + number)
            likeness = [
                max(correlation(found, original), correlation(found, original[:, ::-1]))
                for original in originals
            ]
            own.append(likeness.pop(seed))
            others.append(max(likeness))
    assert np.mean(own) > 0.5
    assert np.mean(np.array(own) > np.array(others)) > 0.8


def test_copies_change_more_and_more(monkeypatch: pytest.MonkeyPatch) -> None:
    strengths: list[float] = []

    def watched(image: Image.Image, kind: str, strength: float, *rest: Any) -> Image.Image:
        strengths.append(strength)
        return alter(image, kind, strength, *rest)

    monkeypatch.setattr(augment, "alter", watched)
    highest = []
    for hardness in (0.0, 0.15, 0.3, 1.0):
        strengths.clear()
        for seed in range(200):
            augmented("copy", canvas(), seed, hardness)
        assert min(strengths) < 0.1
        highest.append(max(strengths))
    assert highest == pytest.approx([0.8, 1.4, 2.0, 2.0], rel=0.02)


def test_copies_are_put_beside_other_pictures() -> None:
    """In a collage of one black and one white picture, there is much of either."""
    black, white = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    white[:] = 255
    mixed, alone = (
        sum(
            0.2 < (augmented("copy", black, seed, 0.0, others) > 250).mean() < 0.8
            for seed in range(200)
        )
        for others in ([white], [])
    )
    assert mixed > alone + 8


def test_without_others_every_copy_is_altered_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second edit has others, and no first one where all pictures are in the batch."""
    kinds: list[str] = []

    def watched(image: Image.Image, kind: str, *rest: Any) -> Image.Image:
        kinds.append(kind)
        return alter(image, kind, *rest)

    monkeypatch.setattr(augment, "alter", watched)
    for seed in range(200):
        augmented("copy", canvas(), seed, others=())
    assert len(kinds) > 240, "each once, some twice"
    assert COLLAGE not in kinds
    kinds.clear()
    for seed in range(200):
        augmented("copy", canvas(), seed, others=[canvas(1)])
    assert 10 < kinds.count(COLLAGE) < 40


def test_what_stands_beside_a_picture_is_not_in_its_batch(tmp_path: Path) -> None:
    """A collage would otherwise be told from a picture that it shows."""
    pictures = picture_set(tuple(map(str, save_pictures(tmp_path, 12))))
    plan = [np.arange(9), np.arange(3, 12), np.arange(12)]
    offered: list[list[Pixels]] = []

    def profile(
        canvases: Sequence[Pixels],
        seen: Preprocessing,
        draw: np.random.Generator,
        hardness: float,
        others: Callable[[], Sequence[Pixels]],
    ) -> Pixels:
        offered.append([*others(), *others()])
        return augmentation("none")(canvases, seen, draw, hardness, others)

    list(augmented_batches(pictures, plan, 0, profile, (0, 3), 1, steadily))
    rows = [
        {
            row
            for row in range(12)
            for pixels in each
            if np.array_equal(pixels, pictures.canvas(row))
        }
        for each in offered
    ]
    assert rows[0] <= {9, 10, 11}
    assert rows[1] <= {0, 1, 2}
    assert rows[0]
    assert rows[1]
    assert not rows[2], "all pictures are in the batch"


def test_copies_keep_proportions_until_they_are_seen(tmp_path: Path) -> None:
    picture(9, 60, 150).save(tmp_path / "tall.png")
    paths = (str(tmp_path / "tall.png"),)
    pictures = PictureSet(paths, SEEN, memory=1 << 30, proportions=True)
    height, width = pictures.canvas(0).shape[:2]
    assert SIZE < height <= 2 * SIZE
    assert width / height == pytest.approx(60 / 150, abs=0.03)
    seen = decode((tmp_path / "tall.png").read_bytes(), SEEN).pixels
    assert correlation(pictures.view(0), seen) > 0.99
    assert pictures.view(0).shape == seen.shape


def test_photos_are_flipped_as_often_as_not() -> None:
    left = np.zeros((SIDE, SIDE, 3), np.uint8)
    left[:, : SIDE // 2] = 255
    sides = []
    for seed in range(200):
        columns = augmented("photo", left, seed).mean(axis=(0, 2))
        sides.append(columns[:5].mean() > columns[-5:].mean())
    assert 0.4 < np.mean(sides) < 0.6


def characters() -> Iterator[Pixels]:
    """Yield an F and an L, which are unlike their mirror images and unlike them upside down."""
    letter = np.full((SIDE, SIDE, 3), 255, np.uint8)
    letter[10:46, 16:22] = letter[10:16, 16:40] = letter[25:31, 16:34] = 0
    yield letter
    letter = np.full((SIDE, SIDE, 3), 255, np.uint8)
    letter[10:46, 16:22] = letter[40:46, 16:40] = 0
    yield letter


def test_glyphs_are_never_mirrored_and_stay_readable() -> None:
    for character in characters():
        low = (SIDE - SIZE) // 2
        seen = character[low : low + SIZE, low : low + SIZE]
        for seed in range(100):
            found = augmented("glyph", character, seed)
            straight = best_match(found, seen)
            assert straight > best_match(found, seen[:, ::-1])
            assert straight > best_match(found, seen[::-1])


def best_match(found: Pixels, template: Pixels) -> float:
    """Return the highest correlation over small shifts, blurred: strokes are thin."""
    smooth = [
        np.asarray(Image.fromarray(np.ascontiguousarray(each)).convert("L").resize((16, 16)))
        for each in (found, template)
    ]
    return max(
        correlation(np.roll(smooth[0], (dy, dx), axis=(0, 1)), smooth[1])
        for dy in range(-2, 3)
        for dx in range(-2, 3)
    )


@pytest.mark.parametrize("paper", [(255, 255, 255), (0, 0, 0), (240, 220, 180)])
def test_glyphs_keep_their_paper_to_the_border(paper: tuple[int, int, int]) -> None:
    blank = np.full((SIDE, SIDE, 3), paper, np.uint8)
    blank[20:30, 20:30] = 255 - np.array(paper)
    for seed in range(40):
        found = augmented("glyph", blank, seed)
        corners = found[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert np.abs(corners.astype(int) - paper).max() <= 2


def steadily(step: int) -> float:
    return step / 4


def test_batches_depend_on_seed_and_place_alone(tmp_path: Path) -> None:
    pictures = picture_set(tuple(map(str, save_pictures(tmp_path, 6))))
    plan = [np.array([0, 3, 3]), np.array([5, 1]), np.array([2, 4, 0]), np.array([1])]
    profile = augmentation("photo")

    def batches(first: int, workers: int, seed: tuple[int, ...] = (0, 3)) -> list[Pixels]:
        made = list(augmented_batches(pictures, plan, first, profile, seed, workers, steadily))
        assert [rows.tolist() for rows, _ in made] == [rows.tolist() for rows in plan[first:]]
        return [pixels for _, pixels in made]

    straight = batches(0, 1)
    assert [pixels.shape for pixels in straight] == [(len(rows), 32, 32, 3) for rows in plan]
    for first in range(5):
        for one, other in zip(straight[first:], batches(first, 4), strict=True):
            assert np.array_equal(one, other)
    assert not np.array_equal(straight[0][1], straight[0][2]), "one picture, two views"
    assert not np.array_equal(straight[0], batches(0, 2, (1, 3))[0])


def test_some_pictures_of_a_batch_are_shown_as_they_are(tmp_path: Path) -> None:
    pictures = picture_set(tuple(map(str, save_pictures(tmp_path, 6))))
    plan = [np.arange(40) % 6]  # in three goes of a thread
    profile = augmentation("copy")
    ((rows, views),) = augmented_batches(
        pictures, plan, 0, profile, (0, 3), 2, steadily, lambda rows: np.arange(len(rows)) % 5 == 0
    )
    same = [np.array_equal(v, pictures.view(r)) for r, v in zip(rows, views, strict=True)]
    assert all(same[::5])
    assert np.mean(same) < 0.4


def test_pictures_that_do_not_fit_into_memory_are_read_again(tmp_path: Path) -> None:
    paths = tuple(map(str, save_pictures(tmp_path, 3)))
    kept, read = picture_set(paths), PictureSet(paths, PREPROCESSING, memory=0)
    for row in range(3):
        assert np.array_equal(kept.canvas(row), read.canvas(row))
    first = kept.canvas(0)
    picture(50).save(paths[0])
    assert np.array_equal(kept.canvas(0), first)
    assert not np.array_equal(read.canvas(0), first)
    part = kept.subset([2, 0])
    assert part.paths == (paths[2], paths[0])
    assert np.array_equal(part.canvas(1), first)


def test_photos_are_seen_in_other_light() -> None:
    """Brightness, then contrast, then saturation, as Pillow changes them."""
    whole = (64 + canvas() // 2).astype(np.uint8)  # so that nothing is cut off
    for seed in range(10):
        factors = np.random.default_rng(seed).uniform(0.7, 1.3, 3)
        expected = Image.fromarray(whole)
        changes = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
        for enhance, factor in zip(changes, factors, strict=True):
            expected = enhance(expected).enhance(factor)
        found = augment._in_other_light(whole, np.random.default_rng(seed))
        inside = (np.asarray(expected) > 0) & (np.asarray(expected) < 255)
        assert inside.mean() > 0.9
        assert np.abs(found.astype(int) - np.asarray(expected))[inside].max() <= 4


def test_a_photo_of_the_whole_is_the_whole() -> None:
    class Widest:
        """Draws the largest parts, and flips or not."""

        def __init__(self, flip: float) -> None:
            self.random = lambda: flip

        def uniform(self, _: Any, high: Any) -> Any:
            return np.zeros(2) if np.ndim(high) else (1.0 if high == 1 else 0.0)

    whole, draw = canvas(), Widest
    assert np.array_equal(augment._cropped(whole, SIDE, draw(0.9)), whole)  # type: ignore[arg-type]
    flipped = augment._cropped(whole, SIDE, draw(0.1))  # type: ignore[arg-type]
    assert np.array_equal(flipped, whole[:, ::-1])
