"""Edits in words, told from pictures that were edited."""

import pytest
from PIL import Image, ImageOps

from simsearch.local.alignment import Alignment
from simsearch.local.edits import edit_between
from tests.local.test_alignment import aligned, detailed


def both_ways(first: Image.Image, second: Image.Image) -> tuple[str, str]:
    found = aligned(first, second)
    return edit_between(found), edit_between(found, backwards=True)


def share(words: str) -> int:
    """Return the one percentage in the words."""
    (number,) = [int(word) for word in words.split() if word.isdigit()]
    return number


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_crop_shows_a_part_and_the_whole_adds_to_it(scale: float) -> None:
    whole = detailed(1)
    width, height = whole.size
    part = whole.crop((0, 0, round(0.7 * width), round(0.8 * height)))
    part = part.resize((round(part.width * scale), round(part.height * scale)))
    there, back = both_ways(whole, part)
    assert there.startswith("shows")
    assert share(there) == pytest.approx(56, abs=4)
    assert back.endswith("% added")
    assert share(back) == pytest.approx(44, abs=4)


def test_a_border_is_added() -> None:
    whole = detailed(1)
    framed = ImageOps.expand(whole, border=80, fill="white")
    expected = 100 * (1 - whole.width * whole.height / (framed.width * framed.height))
    assert share(both_ways(whole, framed)[0]) == pytest.approx(expected, abs=4)


@pytest.mark.parametrize(
    ("method", "words", "back"),
    [
        (Image.Transpose.ROTATE_270, "turned by 90° clockwise", "turned by 90° anticlockwise"),
        (Image.Transpose.ROTATE_90, "turned by 90° anticlockwise", "turned by 90° clockwise"),
        (Image.Transpose.FLIP_LEFT_RIGHT, "mirrored", "mirrored"),
    ],
)
def test_turns_and_mirror_images(method: Image.Transpose, words: str, back: str) -> None:
    assert both_ways(detailed(1), detailed(1).transpose(method)) == (words, back)


@pytest.mark.parametrize("method", list(Image.Transpose))
def test_the_words_make_the_other_picture(method: Image.Transpose) -> None:
    """Following them, mirrored first and then turned, leaves nothing to do."""
    first = detailed(1)
    second = first.transpose(method)
    for start, end, words in zip(
        (first, second), (second, first), both_ways(first, second), strict=True
    ):
        made = start
        if "mirrored" in words:
            made = made.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if "turned" in words:
            angle = int(words.split("by ")[1].split("°")[0])
            made = made.rotate(angle if "anticlockwise" in words else -angle, expand=True)
        assert both_ways(made, end)[0] == ""


def test_a_small_copy_and_no_copy_need_no_words() -> None:
    whole = detailed(1)
    assert both_ways(whole, whole.resize((240, 180))) == ("", "")
    assert edit_between(Alignment()) == ""
