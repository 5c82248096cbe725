"""What of one collection is also in another."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from simsearch import Collection
from simsearch.collection.duplicates.copies import Verdict
from simsearch.errors import InputError
from simsearch.images.alterations import alter
from simsearch.records import DuplicatePair
from simsearch.search.crowds import crowding, ratios
from simsearch.search.pairs import Pairs
from tests.collection.duplicates.test_calibration import varied
from tests.collection.duplicates.test_copies import burst, distinct_vectors
from tests.local.test_alignment import detailed


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `train`, `test`, which leaks, `clean`, and `indexes` of them."""
    place = tmp_path_factory.mktemp("leaks")
    for name in ("train", "test", "clean"):
        (place / name).mkdir()
    for seed in range(4):
        detailed(seed).save(place / "train" / f"{seed}.png")
        detailed(10 + seed).save(place / "clean" / f"{seed}.png")
    shutil.copyfile(place / "train" / "0.png", place / "train" / "0 twin.png")
    for name in ("leak.png", "leak again.png"):
        shutil.copyfile(place / "train" / "0.png", place / "test" / name)
    detailed(1).save(place / "test" / "same.bmp")
    crop = alter(detailed(2), "crop", 1, np.random.default_rng(0))
    for name in ("crop.jpg", "crop twin.jpg"):
        crop.save(place / "test" / name)
    burst(detailed(2)).save(place / "test" / "burst.png")
    detailed(20).save(place / "test" / "new.png")
    for name in ("train", "test", "clean"):
        Collection(name, home=place / "indexes").add(place / name)
    return place


def opened(place: Path, name: str) -> Collection:
    return Collection.open(name, home=place / "indexes")


def matches(pairs: list[DuplicatePair]) -> dict[str, tuple[str, str]]:
    return {Path(p.a).name: (Path(p.b).name, p.kind) for p in pairs}


LEAKS = {
    "leak.png": ("0 twin.png", "exact"),
    "leak again.png": ("0 twin.png", "exact"),
    "same.bmp": ("1.png", "same-pixels"),
    "crop.jpg": ("2.png", "copy"),
    "crop twin.jpg": ("2.png", "copy"),
}


def test_every_leak_is_found_with_its_surest_match(place: Path) -> None:
    found = opened(place, "test").compare(opened(place, "train"))
    assert matches(found) == LEAKS
    assert [pair.kind for pair in found] == ["exact"] * 2 + ["same-pixels"] + ["copy"] * 2


def test_each_content_that_is_no_exact_leak_is_searched_for(place: Path) -> None:
    searched: list[tuple[int, int]] = []
    opened(place, "test").compare(
        opened(place, "train"), searching=lambda done, total: searched.append((done, total))
    )
    assert searched[-1] == (4, 4)  # same, crop, burst, new


def test_bursts_only_on_request(place: Path) -> None:
    found = opened(place, "test").compare(opened(place, "train"), similar=True)
    assert matches(found)["burst.png"] == ("2.png", "similar")
    assert matches(found).items() >= LEAKS.items()


def test_a_threshold_alone(place: Path) -> None:
    found = opened(place, "test").compare(opened(place, "train"), threshold=-1)
    assert len(found) == 7
    assert {pair.kind for pair in found} == {"exact", "same-pixels", "similar"}
    assert all(pair.score >= -1 for pair in found)


def test_nothing_leaks(place: Path) -> None:
    assert opened(place, "clean").compare(opened(place, "train")) == []


def test_a_collection_is_in_itself(place: Path) -> None:
    found = opened(place, "clean").compare(opened(place, "clean"))
    assert {pair.kind for pair in found} == {"exact"}
    assert all(pair.a == pair.b for pair in found)
    assert len(found) == 4


def test_a_threshold_that_is_no_cosine(place: Path) -> None:
    with pytest.raises(InputError, match="between -1 and 1"):
        opened(place, "test").compare(opened(place, "train"), threshold=2)


def test_what_is_alike_is_listed_though_it_was_not_looked_at(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def none_is_likely(pairs: Pairs, *_: object) -> tuple[npt.NDArray[np.int64], list[Verdict]]:
        looked.append(len(pairs.a))
        return np.empty(0, np.int64), []

    monkeypatch.setattr("simsearch.collection.duplicates.comparing.judge_likeliest", none_is_likely)
    test, train = opened(place, "test"), opened(place, "train")
    assert {pair.kind for pair in test.compare(train)} == {"exact"}
    kinds = {name: kind for name, (_, kind) in matches(test.compare(train, similar=True)).items()}
    assert kinds["crop.jpg"] == "similar"
    assert looked[0] > 4


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `train`, `test`, which leaks, and `indexes` of them."""
    place = tmp_path_factory.mktemp("larger")
    for name in ("train", "test"):
        (place / name).mkdir()
    for seed in range(20):
        varied(seed).save(place / "train" / f"{seed}.png")
    for seed in range(2):
        crop = alter(varied(seed), "crop", 0, np.random.default_rng(0))
        crop.save(place / "test" / f"{seed}-crop.jpg")
    varied(3).save(place / "test" / "same.bmp")
    varied(20).save(place / "test" / "new.png")
    for name in ("train", "test"):
        Collection(name, home=place / "indexes").add(place / name)
    return place


def test_without_a_second_look_leaks_are_what_stands_out(larger: Path) -> None:
    test, train = opened(larger, "test"), opened(larger, "train")
    assert matches(test.compare(train, precision=0.9, recheck=False)) == {
        "0-crop.jpg": ("0.png", "copy"),
        "1-crop.jpg": ("1.png", "copy"),
        "same.bmp": ("3.png", "same-pixels"),
    }


def test_a_pair_between_collections_stands_out_as_within_one(
    larger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What asks is counted as a neighbour of what it found."""
    weighed: list[tuple[float, ...]] = []

    def watched(*columns: Any) -> npt.NDArray[Any]:
        result = ratios(*columns)
        weighed[:] = zip(columns[0].tolist(), result.tolist(), strict=True)
        return result

    monkeypatch.setattr("simsearch.collection.duplicates.comparing.ratios", watched)
    test, train = opened(larger, "test"), opened(larger, "train")
    test.compare(train, precision=0.01, recheck=False)
    here, there = distinct_vectors(test), distinct_vectors(train)
    reach = train.calibration().reach
    expected = []
    for vector in here:
        beside = crowding((vector @ there.T)[None].astype(np.float32), 0.4)
        for place, other in enumerate(there):
            others = np.delete(there, place, axis=0) @ other
            around = crowding(np.append(others, other @ vector)[None].astype(np.float32), 0.4)
            cosine = np.array([other @ vector])
            expected.append((cosine.item(), ratios(cosine, beside, around, reach).item()))
    stand_out = [pair for pair in weighed if pair[1] >= train.calibration().ratio.cut(0.01)]
    assert len(stand_out) >= 3
    for pair in stand_out:
        assert min(abs(pair[0] - c) + abs(pair[1] - m) for c, m in expected) < 2e-2
