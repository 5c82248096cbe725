"""What recall is promised, what is measured, and what a person asks for instead."""

import json
from pathlib import Path

import pytest

from simsearch import Collection
from simsearch.config import DEFAULT_BACKBONE
from simsearch.errors import CollectionNotFoundError, InputError
from simsearch.records import SearchTuning
from tests.conftest import save_pictures


@pytest.fixture
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    """Return a collection with an index that must be tuned, of vectors that are well apart."""
    monkeypatch.setattr("simsearch.index.build.choose_recipe", lambda *_: "ivf")
    monkeypatch.setattr("simsearch.index.recipes._inverted._TRAINING_PER_LIST", 4)
    save_pictures(tmp_path / "photos", 60)
    made = Collection("photos", home=tmp_path / "indexes")
    made.add(tmp_path / "photos", encoder=DEFAULT_BACKBONE)
    return made


def test_the_promise_and_what_was_measured_stand_side_by_side(collection: Collection) -> None:
    tuning = collection.info().tuning
    assert tuning is not None
    assert (tuning.promised, tuning.queries, tuning.k) == (0.99, 60, 10)
    assert tuning.measured is not None
    assert tuning.measured >= tuning.promised


def test_what_a_person_asks_for_is_kept_until_the_index_is_built_again(
    collection: Collection, tmp_path: Path
) -> None:
    low = collection.tune(0.1)
    assert (low.promised, low.effort) == (0.1, 8)
    assert low.measured is not None
    high = collection.tune(1.0)
    assert high.measured == 1
    assert high.effort >= low.effort
    assert Collection.open("photos", tmp_path / "indexes").info().tuning == high
    assert collection.check().problems == []
    save_pictures(tmp_path / "photos" / "more", 10, first_seed=1000)
    collection.add(tmp_path / "photos")
    assert collection.info().tuning != high


def test_an_exact_index_has_recall_1(tmp_path: Path) -> None:
    save_pictures(tmp_path / "photos", 3)
    exact = Collection("exact", home=tmp_path / "indexes")
    exact.add(tmp_path / "photos")
    assert exact.tune(0.5) == exact.info().tuning == SearchTuning()


def test_an_index_from_before_this_was_kept(collection: Collection) -> None:
    (meta,) = collection.folder.glob("built/*/meta.json")
    data = json.loads(meta.read_text(encoding="utf-8"))
    del data["tuning"]
    meta.write_text(json.dumps(data | {"effort": 64}), encoding="utf-8")
    assert collection.info().tuning == SearchTuning(64, 0.99, None)
    assert len(collection.query(next(collection.folder.parent.parent.glob("photos/*")), k=3)) == 3


@pytest.mark.parametrize("recall", [0.0, -1.0, 1.01, float("nan")])
def test_no_such_recall(collection: Collection, recall: float) -> None:
    with pytest.raises(InputError, match="recall is"):
        collection.tune(recall)


def test_no_such_collection(tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFoundError):
        Collection("none", home=tmp_path).tune()
