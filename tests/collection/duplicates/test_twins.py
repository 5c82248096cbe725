"""Files of one decoded picture: each is looked into once, and all are given through the best."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import PngImagePlugin

from simsearch import Collection
from simsearch.collection.duplicates import second_look
from simsearch.collection.duplicates.twins import through_best
from simsearch.search.pairs import Pairs
from tests.local.test_alignment import detailed

COUNT = 30


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Return one picture in many files, a larger copy of it, and two others."""
    folder = tmp_path_factory.mktemp("twins")
    image = detailed(1)
    for number in range(COUNT):
        note = PngImagePlugin.PngInfo()
        note.add_text("number", str(number))
        image.save(folder / f"{number:02}.png", pnginfo=note)
    image.resize((2 * image.width, 2 * image.height)).save(folder / "large.jpg", quality=95)
    for seed in (2, 3):
        detailed(seed).save(folder / f"other {seed}.png")
    made = Collection("twins", home=tmp_path_factory.mktemp("indexes"))
    made.add(folder)
    return made


def test_all_are_one_group_and_each_is_in_it_by_two_pairs_at_most(collection: Collection) -> None:
    found = collection.duplicates()
    (group,) = found.groups
    assert Path(group.best.path).name == "large.jpg"
    assert len(group.members) == COUNT + 1
    assert {member.kind for member in group.others} == {"copy"}
    kinds = Counter(pair.kind for pair in found.pairs)
    assert kinds == {"same-pixels": COUNT - 1, "copy": COUNT}


def test_twins_are_looked_at_again_once(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[str] = []
    features = second_look._features

    def noted(path: str) -> object:
        described.append(path)
        return features(path)

    monkeypatch.setattr(second_look, "_features", noted)
    for kept in (collection.folder / "looks").glob("*"):
        kept.unlink()
    collection.duplicates()
    assert len(described) == len(set(described)) == 4  # one of the twins, and what is like it


def test_over_a_cosine_they_have_the_same_pixels(collection: Collection) -> None:
    found = collection.duplicates(threshold=0.999)
    twins = [pair for pair in found.pairs if "large" not in pair.a + pair.b]
    assert {pair.kind for pair in twins} == {"same-pixels"}


@pytest.mark.parametrize(
    ("a", "b", "twins", "left"),
    [
        ([0, 1], [1, 2], {}, [(0, 1), (1, 2)]),
        ([0, 1], [1, 2], {1: 0}, [(0, 2)]),
        ([0, 1, 3], [4, 4, 4], {1: 0, 3: 0}, [(0, 4)]),
        ([0, 2], [9, 9], {2: 0, 9: 1}, [(0, 1)]),
    ],
)
def test_pairs_go_through_the_best(
    a: Sequence[int], b: Sequence[int], twins: dict[int, int], left: list[tuple[int, int]]
) -> None:
    pairs = Pairs(np.array(a, np.int64), np.array(b, np.int64), np.full(len(a), 0.9))
    found = through_best(pairs, twins)
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == left
