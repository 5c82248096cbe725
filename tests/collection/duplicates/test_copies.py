"""Duplicates as users have them: copies are told from pictures that are only alike."""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from simsearch import Collection
from simsearch.collection.duplicates.copies import (
    Progress,
    Verdict,
    _to_the_best,
    judge_likeliest,
)
from simsearch.config import KeepRules
from simsearch.images.alterations import alter
from simsearch.records import Duplicates
from simsearch.search.crowds import crowding, gaps, ratios
from simsearch.search.pairs import Pairs
from tests.local.test_alignment import detailed


def burst(image: Image.Image) -> Image.Image:
    """Return the picture photographed again: nearer things have moved further."""
    moved = np.array(image)
    moved[:, 240:] = np.roll(moved[:, 240:], 12, axis=1)
    moved[:, :240] = np.roll(moved[:, :240], -7, axis=0)
    return Image.fromarray(moved)


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with originals, copies of the first, a burst, and blank pictures."""
    folder = tmp_path_factory.mktemp("pile")
    for seed in range(1, 6):
        detailed(seed).save(folder / f"{seed}.png")
    for kind in ("jpeg", "crop", "mirror", "border"):
        alter(detailed(1), kind, 1, np.random.default_rng(0)).save(folder / f"1-{kind}.jpg")
    shutil.copyfile(folder / "1.png", folder / "1-twin.png")
    detailed(1).save(folder / "1-same.bmp")
    burst(detailed(2)).save(folder / "2-burst.png")
    Image.new("RGB", (300, 200), (250, 250, 250)).save(folder / "blank.png")
    Image.new("RGB", (320, 200), (249, 250, 250)).save(folder / "blank too.png")
    Image.new("RGB", (300, 200), (250, 250, 250)).save(folder / "blank same.bmp")
    return folder


@pytest.fixture(scope="module")
def collection(pile: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    made = Collection("pile", home=tmp_path_factory.mktemp("indexes"))
    made.add(pile)
    return made


def kinds(found: Duplicates) -> dict[frozenset[str], str]:
    """Return what ties each pair of file names."""
    return {frozenset({Path(p.a).name, Path(p.b).name}): p.kind for p in found.pairs}


def test_copies_are_told_from_what_is_alike(collection: Collection) -> None:
    found = collection.duplicates()
    assert found.threshold is None
    tied = kinds(found)
    assert tied[frozenset({"1.png", "1-twin.png"})] == "exact"
    assert tied[frozenset({"1.png", "1-same.bmp"})] == "same-pixels"
    for copy in ("1-jpeg.jpg", "1-crop.jpg", "1-mirror.jpg", "1-border.jpg"):
        assert tied[frozenset({"1.png", copy})] == "copy"
    names = [{Path(path).name for path in group.members} for group in found.groups]
    assert {"blank.png", "blank same.bmp"} in names
    assert len(names) == 2
    assert len(names[0]) == 7


def test_flat_pictures_need_the_same_pixels(collection: Collection) -> None:
    tied = kinds(collection.duplicates())
    assert tied[frozenset({"blank.png", "blank same.bmp"})] == "same-pixels"
    assert not any("blank too.png" in pair for pair in tied)
    for found in (collection.duplicates(0.9), collection.duplicates(recheck=False)):
        tied = kinds(found)
        assert tied[frozenset({"blank.png", "blank same.bmp"})] == "same-pixels"
        assert not any("blank too.png" in pair for pair in tied)


def test_bursts_are_similar_and_only_on_request(collection: Collection) -> None:
    pair = frozenset({"2.png", "2-burst.png"})
    assert pair not in kinds(collection.duplicates())
    assert kinds(collection.duplicates(similar=True))[pair] == "similar"


def test_a_group_is_tied_to_its_best_and_the_rules_choose_it(
    collection: Collection, pile: Path, tmp_path: Path
) -> None:
    group = collection.duplicates().groups[0]
    assert group.best.full_path in {str(pile / "1-same.bmp"), str(pile / "1-border.jpg")}
    rules = KeepRules(("path",), prefer=(str(tmp_path),))
    shortest = collection.duplicates(rules=rules).groups[0]
    assert shortest.best.full_path == str(pile / "1.png")
    assert {other.kind for other in shortest.others} == {"exact", "same-pixels", "copy"}


def test_a_picture_that_is_gone_is_said(
    pile: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "pile"
    shutil.copytree(pile, folder)
    collection = Collection("gone", home=tmp_path / "indexes")
    collection.add(folder)
    (folder / "1-crop.jpg").unlink()
    with caplog.at_level(logging.WARNING, "simsearch"):
        found = collection.duplicates()
    assert not any("1-crop.jpg" in pair for pair in kinds(found))
    assert "a picture of theirs can't be read any more" in caplog.text


@pytest.mark.parametrize(
    ("edges", "best_first", "expected"),
    [
        ([], [0, 1], []),
        ([(0, 1), (1, 2)], [0, 1, 2], [(0, 2)]),
        ([(0, 1), (1, 2)], [1, 0, 2], []),
        ([(0, 1), (1, 2), (2, 3), (4, 5)], [3, 5, 0, 1, 2, 4], [(0, 3), (1, 3)]),
    ],
)
def test_whoever_is_tied_through_others_is_looked_at_beside_the_best(
    edges: Sequence[tuple[int, int]], best_first: Sequence[int], expected: list[tuple[int, int]]
) -> None:
    sides = np.array(edges, np.int64).reshape(-1, 2)
    pairs = Pairs(sides[:, 0], sides[:, 1], np.ones(len(edges)))
    a, b = _to_the_best(pairs, [Verdict("copy")] * len(edges), best_first)
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == expected
    a, b = _to_the_best(pairs, [Verdict("")] * len(edges), best_first)
    assert len(a) == 0


def test_members_say_what_was_done_to_them(collection: Collection) -> None:
    found = collection.duplicates(rules=KeepRules(("path",)))
    group = max(found.groups, key=lambda group: len(group.members))
    assert Path(group.best.path).name == "1.png"
    edits = {Path(other.record.path).name: other.edit for other in group.others}
    assert edits["1-mirror.jpg"].endswith("mirrored")
    assert edits["1-jpeg.jpg"] == ""
    assert edits["1-crop.jpg"].startswith("shows")
    assert edits["1-border.jpg"].endswith("% added")
    framed = collection.duplicates(rules=KeepRules(("pixels",))).groups
    group = max(framed, key=lambda group: len(group.members))
    assert Path(group.best.path).name == "1-border.jpg"
    edits = {Path(other.record.path).name: other.edit for other in group.others}
    assert edits["1.png"].startswith("shows")


def test_what_stands_out_is_looked_at_before_a_crowd() -> None:
    # 3,000 pairs of products that all look alike, 100 of edited photographs, and 100 of a picture
    # that is there twenty times, for 2,000 looks.
    scores = np.repeat([0.93, 0.6, 0.97], [3000, 100, 100])
    beside = np.repeat([0.88, 0.35, 0.96], [3000, 100, 100]).astype(np.float32)
    places, _ = judged(gaps(scores, beside, beside, 0.85), copies=0)
    assert len(places) == 2000
    assert {*range(3000, 3200)} <= {*places}


@pytest.mark.parametrize(
    ("copies", "looks"), [(0, 2000), (1757, 2000), (1758, 2250), (2600, 3000), (4000, 4000)]
)
def test_looks_go_on_while_one_in_thirty_of_the_last_is_a_copy(copies: int, looks: int) -> None:
    places, told = judged(np.linspace(1, 0, 4000), copies)
    assert places == list(range(looks))
    assert told[-1] == (looks, looks)
    assert told == sorted(told)


def test_of_no_pairs_none_is_looked_at() -> None:
    assert judged(np.empty(0), 0) == ([], [])


def judged(ahead: npt.NDArray[Any], copies: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Return which of some pairs are looked at, if the first are copies, and the progress told."""
    told: list[tuple[int, int]] = []

    def judge(pairs: Pairs, progress: Progress) -> list[Verdict]:
        progress(len(pairs.a), len(pairs.a))
        return [Verdict("copy" if place < copies else "") for place in pairs.a.tolist()]

    places = np.arange(len(ahead))
    found, verdicts = judge_likeliest(
        Pairs(places, places + 1, ahead), ahead, 100, judge, lambda *at: told.append(at)
    )
    assert [verdict.kind == "copy" for verdict in verdicts] == (found < copies).tolist()
    return found.tolist(), told


@pytest.mark.parametrize("recheck", [True, False])
def test_each_pair_is_weighed_by_the_crowds_of_its_two_pictures(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, recheck: bool
) -> None:
    """As a matrix of all cosines has them."""
    weighed: list[tuple[float, ...]] = []

    def watched(*columns: Any) -> npt.NDArray[Any]:
        weighed.extend(zip(*(column.tolist() for column in columns[:3]), strict=True))
        assert columns[3] == collection.calibration().reach
        return (gaps if recheck else ratios)(*columns)

    name = "gaps" if recheck else "ratios"
    monkeypatch.setattr(f"simsearch.collection.duplicates.find.{name}", watched)
    monkeypatch.setattr("simsearch.search.crowds.AMONG", 6)
    monkeypatch.setattr("simsearch.search.join.AMONG", 6)
    collection.duplicates(recheck=recheck)
    cosines = distinct_cosines(collection)
    beside = crowding(cosines.astype(np.float32), 0.4)
    assert len(weighed) > 10
    for cosine, one, other in weighed:
        rows, columns = np.nonzero(np.abs(cosines - cosine) < 1e-3)
        off = np.abs(beside[rows] - one) + np.abs(beside[columns] - other)
        assert off.min() < 4e-3


def test_without_a_second_look_copies_are_what_stands_out(tmp_path: Path) -> None:
    """Of groups of twelve, more than a picture has neighbours, too, and never by a chain."""
    for seed in range(3):
        for number in range(12):
            picture = detailed(seed).resize((480 - 8 * number, 360 - 6 * number))
            picture.save(tmp_path / f"{seed}-{number}.jpg", quality=95 - 4 * number)
    made = Collection("groups", home=tmp_path / "indexes")
    made.add(tmp_path)
    found = made.duplicates(precision=0.9, recheck=False)
    assert found.threshold is None
    assert {*kinds(found).values()} == {"copy"}
    assert [len(group.members) for group in found.groups] == [12] * 3
    assert all(len({Path(file).name[0] for file in group.members}) == 1 for group in found.groups)


def test_what_does_not_stand_out_is_no_copy_whatever_its_cosine(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simsearch.collection.duplicates.find.ALMOST_ONE", -1.0)  # all are asked
    monkeypatch.setattr(
        "simsearch.collection.duplicates.find.ratios", lambda cosines, *_: np.zeros(len(cosines))
    )
    tied = kinds(collection.duplicates(recheck=False))
    assert {*tied.values()} == {"exact", "same-pixels"}


def distinct_cosines(collection: Collection) -> npt.NDArray[np.float64]:
    """Return the cosines of all distinct contents, -2 of each to itself."""
    vectors = distinct_vectors(collection)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    return cosines


def distinct_vectors(collection: Collection) -> npt.NDArray[np.float64]:
    """Return the vectors of all distinct contents, float64 [n, dim]."""
    rows = collection.embeddings()
    hashes = rows["content_hash"].to_pylist()
    first = [place for place, digest in enumerate(hashes) if hashes.index(digest) == place]
    return np.array(rows["embedding"].to_pylist(), np.float64)[first]
