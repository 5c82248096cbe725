"""The calibration of a collection: fitted, kept, taken again, replaced by the shipped one."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps, PngImagePlugin

from simsearch import Collection
from simsearch.collection.duplicates import calibrating, second_look
from simsearch.collection.duplicates.calibrating import Pictures, _ask
from simsearch.collection.duplicates.calibration import (
    FILE,
    read_calibration,
    shipped,
)
from simsearch.config import DEFAULT_ENCODER, EARLIER_DEFAULTS
from simsearch.encoder.resolve import resolve
from simsearch.images.alterations import alter
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.local.alignment import Alignment
from simsearch.search.crowds import crowding
from tests.index.vectors import clustered
from tests.local.test_alignment import detailed

COUNT = 52


def varied(seed: int) -> Image.Image:
    """Return a picture with details and large shapes, unlike those of other seeds."""
    draw = np.random.default_rng(seed)
    image = detailed(seed)
    pen = ImageDraw.Draw(image)
    for _ in range(int(draw.integers(2, 9))):
        x, y = draw.integers(0, 400, 2).tolist()
        width, height = draw.integers(40, 200, 2).tolist()
        shape = pen.ellipse if draw.random() < 0.5 else pen.rectangle
        shape((x, y, x + width, y + height), fill=tuple(draw.integers(0, 256, 3).tolist()))
    dark, light = draw.integers(0, 100, 3).tolist(), draw.integers(156, 256, 3).tolist()
    return ImageOps.colorize(image.convert("L"), dark, light)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Return a collection that is just large enough, with copies of three of its pictures."""
    folder = tmp_path_factory.mktemp("large")
    for seed in range(COUNT):
        varied(seed).save(folder / f"{seed}.png")
    for seed in range(3):
        alter(varied(seed), "crop", 0, np.random.default_rng(0)).save(folder / f"{seed}-crop.png")
    made = Collection("large", home=tmp_path_factory.mktemp("indexes"))
    made.add(folder)
    return made


def test_it_is_fitted_once_and_kept(large: Collection) -> None:
    asked: list[tuple[int, int]] = []
    first = large.calibration(lambda *at: asked.append(at))
    assert first.own
    assert asked[-1][0] == asked[-1][1] > 0
    assert (first.contents, first.sample, first.look.asked) == (COUNT + 3, COUNT + 3, 110)
    assert read_calibration(large.folder) == first
    asked.clear()
    assert large.calibration(lambda *at: asked.append(at)) == first
    assert asked == []
    assert large.check().problems == []


def test_most_altered_copies_lie_over_its_cut(large: Collection) -> None:
    look = large.calibration().look
    cut = look.cut(0.999)
    assert look.precision(cut) >= 0.999
    assert look.recall(cut) > 0.8


def test_duplicates_take_their_cut_from_it(large: Collection) -> None:
    found = large.duplicates()
    assert found.precision == 0.999
    names = {frozenset({Path(p.a).name, Path(p.b).name}) for p in found.pairs}
    assert names == {frozenset({f"{seed}.png", f"{seed}-crop.png"}) for seed in range(3)}
    alone = large.duplicates(recheck=False)
    assert (alone.threshold, alone.precision) == (None, 0.999)
    assert {pair.kind for pair in alone.pairs} == {"copy"}
    assert {frozenset({Path(p.a).name, Path(p.b).name}) for p in alone.pairs} <= names


def test_false_pairs_stand_out_less_than_most_copies(large: Collection) -> None:
    ratio = large.calibration().ratio
    cut = ratio.cut(0.9)
    assert ratio.precision(cut) >= 0.9
    assert ratio.recall(cut) > 0.5


def test_sampled_pairs_are_weighed_by_the_crowds_that_a_search_would_meet() -> None:
    """A copy is a neighbour of what it finds; a picture is none of its own."""
    rows = clustered(70, 8, seed=2)
    stored = rows[:66]

    def search(asking: Vectors, k: int) -> tuple[Vectors, Ids]:
        cosines = asking @ stored.T
        found = np.argsort(-cosines, axis=1)[:, :k]
        return np.take_along_axis(cosines, found, axis=1), found

    sample = [(7, "7"), (40, "40")]
    copies = ["66", "67", "68", "69"]  # two of each
    pictures = Pictures(
        len(stored),
        "",
        search,
        stored.__getitem__,
        lambda places: [str(place) for place in places],
        lambda files: np.stack([rows[int(file)] for file in files]),
    )
    asked = _ask(pictures, sample, copies)
    assert {asker for _, asker in asked.files} == {"7", "40", *copies}
    for (found, asker), beside, around in zip(asked.files, *asked.beside, strict=True):
        there = np.delete(stored, int(found), axis=0)
        if asker in copies:
            here = stored
            there = np.concatenate([there, rows[int(asker)][None]])
        else:
            here = np.delete(stored, int(asker), axis=0)
        assert beside == pytest.approx(crowding((there @ rows[int(found)])[None], 0.4)[0], abs=1e-5)
        assert around == pytest.approx(crowding((here @ rows[int(asker)])[None], 0.4)[0], abs=1e-5)


def test_a_duplicate_that_was_there_and_is_missed_counts_as_no_false_pair(
    large: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is missed once; altered copies of the one are found to be of the other, too."""
    missed = {"0.png", "0-crop.png"}
    pairs: list[tuple[str, str]] = []

    def look_again(
        asked: Sequence[tuple[str, str]], progress: Callable[[int, int], None]
    ) -> Iterator[Alignment | None]:
        for (a, b), look in zip(asked, second_look.look_again(asked, progress), strict=True):
            if {Path(a).name, Path(b).name} == missed:
                pairs.append((a, b))
                yield Alignment()
            else:
                yield look

    fitted = large.calibration()
    monkeypatch.setattr(calibrating, "look_again", look_again)
    again = large.calibration(fresh=True)
    assert len(pairs) == 2
    assert (again.look, again.ratio) == (fitted.look, fitted.ratio)


def test_it_is_fitted_again_where_it_can_not_be_read_or_speaks_of_others(
    large: Collection,
) -> None:
    fitted = large.calibration()
    kept = large.folder / FILE
    text = kept.read_text(encoding="utf-8")
    kept.write_text("{", encoding="utf-8")
    assert read_calibration(large.folder) is None
    data = json.loads(text)
    data["calibration"]["contents"] = 1000
    kept.write_text(json.dumps(data), encoding="utf-8")
    again = large.calibration()
    assert again.contents == fitted.contents
    assert again.look == fitted.look  # seeded


def test_few_pictures_take_the_shipped_one(tmp_path: Path) -> None:
    for seed in range(3):
        detailed(seed).save(tmp_path / f"{seed}.png")
    small = Collection("small", home=tmp_path / "indexes")
    small.add(tmp_path)
    assert small.calibration() == shipped()
    assert not small.calibration().own
    assert not (small.folder / FILE).exists()


@pytest.mark.parametrize("encoder", [DEFAULT_ENCODER, *EARLIER_DEFAULTS])
def test_each_default_encoder_has_one_of_its_own(encoder: str) -> None:
    """Cosines of one encoder say nothing of another's."""
    ours = resolve(encoder).fingerprint
    assert shipped(ours).encoder == ours


def test_any_other_encoder_has_that_of_the_default() -> None:
    assert shipped("of nobody") == shipped() == shipped(resolve(DEFAULT_ENCODER).fingerprint)


def test_plain_pictures_are_not_altered(tmp_path: Path) -> None:
    """Nothing tells copies of blank pages apart, so that they would say nothing of a cut."""
    for shade in range(60):
        Image.new("RGB", (200, 150), (shade * 4, shade * 3, 200)).save(tmp_path / f"{shade}.png")
    plain = Collection("plain", home=tmp_path / "indexes")
    plain.add(tmp_path)
    assert not plain.calibration().own
    assert plain.calibration().look == shipped().look


def test_one_picture_in_many_files_says_nothing_of_others(tmp_path: Path) -> None:
    for number in range(60):
        note = PngImagePlugin.PngInfo()
        note.add_text("number", str(number))
        varied(0).save(tmp_path / f"{number}.png", pnginfo=note)
    alike = Collection("alike", home=tmp_path / "indexes")
    alike.add(tmp_path)
    first = alike.calibration()
    assert not first.own
    assert first.look == shipped().look
    asked: list[tuple[int, int]] = []
    assert alike.calibration(lambda *at: asked.append(at)) == first
    assert asked == [], "it is not found out again"


def test_an_encoder_that_is_gone_is_told(
    large: Collection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from simsearch.collection import api
    from simsearch.errors import EncoderError

    def gone(*_: object) -> None:
        raise EncoderError("no such folder")

    monkeypatch.setattr(api, "open_runtime", gone)
    with caplog.at_level(logging.WARNING):
        found = Collection("large", home=large.folder.parent).calibration(fresh=True)
    assert found == shipped()
    assert "not calibrated on these pictures: no such folder" in caplog.text
