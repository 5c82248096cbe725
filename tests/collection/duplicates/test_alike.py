"""From which cosine on pictures of a collection are alike."""

from pathlib import Path

import numpy as np
import pytest

from simsearch import Collection
from simsearch.collection.duplicates.alike import alike_among, alike_of
from simsearch.encoder.calibration import alike_from
from simsearch.index.recipes import Vectors
from tests.index.vectors import unit


def of_one_kind(things: int, pictures: int, common: float) -> Vectors:
    """Return unit vectors of some things, several pictures of each, that have much in common."""
    draw = np.random.default_rng(1)
    kind = common * draw.standard_normal(64)
    own = np.repeat(draw.standard_normal((things, 64)), pictures, axis=0)
    vectors = kind + own + 0.3 * draw.standard_normal((things * pictures, 64))
    return unit(vectors.astype(np.float32))


@pytest.mark.parametrize("common", [1.0, 4.0])
def test_one_in_a_thousand_pairs_of_different_things_is_alike(common: float) -> None:
    things, pictures = 80, 5
    vectors = of_one_kind(things, pictures, common)
    cut, cosines = alike_of(vectors), vectors @ vectors.T
    thing = np.arange(things * pictures) // pictures
    same = thing[:, None] == thing
    assert 1e-4 < (cosines[~same] >= cut).mean() < 5e-3
    assert (cosines[same] >= cut).mean() > 0.95


def test_many_pictures_of_few_things_move_it_little() -> None:
    few = alike_of(of_one_kind(3, 40, 4.0))
    assert few == pytest.approx(alike_of(of_one_kind(120, 1, 4.0)), abs=0.02)


def test_portraits_ask_for_more_than_the_encoder(shared_data: Path, tmp_path: Path) -> None:
    portraits = Collection("portraits", home=tmp_path)
    portraits.add(shared_data / "faces")
    manifest = portraits.manifest
    assert alike_among(portraits.folder, manifest) > alike_from(manifest.encoder)
    pairs = [pair for pair in portraits.duplicates(similar=True).pairs if pair.kind == "similar"]
    right = [Path(pair.a).parent == Path(pair.b).parent for pair in pairs]
    assert len(right) > 500
    assert np.mean(right) > 0.75


def test_a_handful_of_pictures_takes_the_encoders(tmp_path: Path) -> None:
    few = Collection("few", home=tmp_path)
    few.add(Path("simsearch/demo/pictures"))
    assert alike_among(few.folder, few.manifest) == alike_from(few.manifest.encoder)
