"""Near-identical pictures under different labels are found; those that only look empty are not."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from simsearch.training.suspects import near_identical
from tests.conftest import picture
from tests.training.conftest import glyph, picture_set


def save(folder: Path, images: list[Image.Image], kind: str = "png") -> tuple[str, ...]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.{kind}" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    return tuple(map(str, paths))


def test_copies_are_found_nearest_first(tmp_path: Path) -> None:
    whole = [picture(seed) for seed in range(6)]
    copies = [
        whole[0],
        whole[1].resize((48, 36)).resize((96, 72)),
        ImageEnhance.Brightness(whole[2]).enhance(0.8),
        whole[3].transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    ]
    pictures = picture_set(save(tmp_path, [*whole, *copies]))
    labels = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    found = near_identical(pictures, labels, workers=2)
    assert {(a, b) for a, b, _ in found} == {(0, 6), (1, 7), (2, 8)}
    assert found[0][:2] == (0, 6)
    scores = [score for _, _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.995


def test_copies_of_one_class_are_no_suspects(tmp_path: Path) -> None:
    pictures = picture_set(save(tmp_path, [picture(0), picture(0), picture(1), picture(1)]))
    assert near_identical(pictures, np.array([0, 0, 1, 1]), 1) == []
    found = near_identical(pictures, np.array([0, 0, 1, 0]), 1)
    assert [(a, b) for a, b, _ in found] == [(2, 3)]


def test_flat_pictures_say_nothing(tmp_path: Path) -> None:
    flat = [Image.new("RGB", (40, 40), colour) for colour in ("white", "white", "grey", "black")]
    faint = Image.new("RGB", (40, 40), (250, 250, 250))
    faint.paste((244, 244, 244), (10, 10, 20, 20))
    pictures = picture_set(save(tmp_path, [*flat, faint, faint]))
    assert near_identical(pictures, np.arange(6), 1) == []


def test_one_that_is_not_flat_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    pictures = picture_set(save(tmp_path, [picture(0), Image.new("RGB", (9, 9))]))
    assert near_identical(pictures, np.arange(2), 1) == []


def test_other_hands_and_other_characters_are_no_copies(tmp_path: Path) -> None:
    drawn = [glyph(number, hand) for number in range(10) for hand in range(6)]
    pictures = picture_set(save(tmp_path, drawn))
    assert near_identical(pictures, np.arange(len(drawn)), 2) == []
