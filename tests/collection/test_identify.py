"""Classes of pictures, from a collection's stored vectors, against brute force."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsearch import Collection
from simsearch.config import DEFAULT_BACKBONE
from simsearch.errors import CollectionNotFoundError, EncoderError, InputError, PictureError
from simsearch.records import Failure
from tests.collection.conftest import Library, picture_bytes, put, rows
from tests.collection.test_other_encoder import save_checkpoint
from tests.conftest import picture

CALIBRATION = {
    "format_version": 1,
    "slope": 10.0,
    "intercept": -6.0,
    "thresholds": {"0.1": -1.0, "0.01": 0.9999},
    "same_pairs": 5,
    "different_pairs": 500,
    "classes": 3,
}


@pytest.fixture
def classes(library: Library) -> Library:
    """Return a library of three classes, one with a copy and one of a single picture."""
    for seed, name in enumerate(("a/0.jpg", "a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg", "c/5.jpg")):
        library.put(name, seed)
    library.put("a/copy.jpg", 0)
    library.sync(encoder=DEFAULT_BACKBONE)  # which has no calibration
    return library


def prototypes(library: Library, without: Path | None = None) -> dict[str, np.ndarray]:
    """Return the renormalised class means by the definition, each content once a class."""
    table = rows(library.collection)
    own = table[without].hash if without else None
    by_class: dict[str, dict[str, np.ndarray]] = {}
    for path, row in table.items():
        if row.hash != own:
            by_class.setdefault(path.parent.name, {})[row.hash] = row.vector.astype(np.float64)
    means = {label: np.mean(list(vectors.values()), axis=0) for label, vectors in by_class.items()}
    return {label: mean / np.linalg.norm(mean) for label, mean in means.items()}


@pytest.mark.parametrize("name", ["a/0.jpg", "a/1.jpg", "b/3.jpg", "c/5.jpg"])
def test_prototypes_leave_the_picture_itself_out(classes: Library, name: str) -> None:
    path = classes.folder / name
    (found,) = classes.collection.identify(path)
    query = rows(classes.collection)[path].vector.astype(np.float64)
    scores = {
        label: float(mean @ query / np.linalg.norm(query))
        for label, mean in prototypes(classes, path).items()
    }
    first, second = sorted(scores, key=lambda label: -scores[label])[:2]
    assert (found.label, found.nearest, found.method) == (first, first, "prototypes")
    assert found.score == pytest.approx(scores[first], abs=2e-3)
    assert found.runner_up is not None
    assert found.runner_up.label == second
    assert found.runner_up.score == pytest.approx(scores[second], abs=2e-3)
    assert found.left_out == (2 if name == "a/0.jpg" else 1)
    assert ("c" in scores) == (name != "c/5.jpg")


@pytest.mark.parametrize("k", [1, 3, 100])
def test_votes_are_those_of_the_query_s_neighbours(classes: Library, k: int) -> None:
    path = classes.folder / "b" / "3.jpg"
    (found,) = classes.collection.identify(path, method="knn", k=k)
    near = {n.path: n.score for n in classes.collection.query(path, k=100)}
    del near[str(classes.folder / "a" / "copy.jpg")]  # copies within a class count once
    votes: dict[str, float] = {}
    best: dict[str, float] = {}
    for other, score in list(near.items())[:k]:
        label = Path(other).parent.name
        votes[label] = votes.get(label, 0) + score
        best[label] = max(best.get(label, -1), score)
    winner = max(votes, key=lambda label: votes[label])
    assert (found.label, found.method, found.left_out) == (winner, "knn", 1)
    assert found.score == pytest.approx(best[winner], abs=1e-5)
    assert (found.runner_up is None) == (len(votes) == 1)


def test_several_pictures_and_failures(classes: Library, tmp_path: Path) -> None:
    bad = put(tmp_path / "bad.jpg", b"text")
    good = [classes.folder / "a/1.jpg", classes.folder / "b/3.jpg"]
    failures: list[Failure] = []
    found = classes.collection.identify(good[0], bad, good[1], on_failure=failures.append)
    assert [result.photo for result in found] == [str(path) for path in good]
    assert [failure.full_path for failure in failures] == [str(bad)]
    with pytest.raises(PictureError, match=r"can't read '.*bad\.jpg'"):
        classes.collection.identify(good[0], bad)
    assert classes.collection.identify() == []


def test_given_threshold_tells_the_unknown(classes: Library) -> None:
    path = classes.folder / "a" / "1.jpg"
    (sure,) = classes.collection.identify(path, threshold=-1)
    assert (sure.label, sure.threshold) == (sure.nearest, -1)
    (unsure,) = classes.collection.identify(path, threshold=1)
    assert (unsure.label, unsure.nearest, unsure.threshold) == (None, sure.nearest, 1)
    (free,) = classes.collection.identify(path, far=0.123)  # no calibration: nothing to look up
    assert (free.label, free.threshold, free.probability) == (sure.nearest, None, None)


def test_collection_of_a_calibrated_encoder(library: Library, tmp_path: Path) -> None:
    encoder = save_checkpoint(tmp_path / "encoder", seed=1)
    (encoder / "calibration.json").write_text(json.dumps(CALIBRATION))
    for seed, name in enumerate(("a/0.jpg", "a/1.jpg", "b/2.jpg")):
        library.put(name, seed)
    library.sync(encoder=str(encoder))
    query = put(tmp_path / "query.jpg", picture_bytes(9))
    for method in ("prototypes", "knn"):
        (found,) = library.collection.identify(query, method=method, far=0.1)
        assert (found.label, found.threshold) == (found.nearest, -1.0)
        assert found.score is not None
        expected = 1 / (1 + np.exp(6 - 10 * found.score))
        assert found.probability == pytest.approx(expected)
        (found,) = library.collection.identify(query, method=method)
        assert (found.label, found.threshold) == (None, 0.9999)
        (found,) = library.collection.identify(query, method=method, threshold=-1, far=0.001)
        assert (found.label, found.threshold) == (found.nearest, -1)
    with pytest.raises(InputError, match=r"FAR of 0\.001; take one of 0\.1, 0\.01"):
        library.collection.identify(query, far=0.001)
    (encoder / "calibration.json").write_text("damaged")
    with pytest.raises(EncoderError, match=r"calibration\.json"):
        library.collection.identify(query)


@pytest.fixture(scope="module")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Return twelve classes of nine pictures, of an encoder that takes strangers for known."""
    folder = tmp_path_factory.mktemp("twelve")
    encoder = save_checkpoint(folder / "encoder", seed=1)
    (encoder / "calibration.json").write_text(json.dumps(CALIBRATION))
    for number in range(12):
        (folder / "pictures" / f"{number}").mkdir(parents=True)
        for shift in range(9):
            seen(number, shift).save(folder / "pictures" / f"{number}" / f"{shift}.png")
    made = Collection("twelve", home=folder / "indexes")
    made.add(folder / "pictures", encoder=str(encoder))
    return made


def seen(number: int, shift: int) -> Image.Image:
    """Return a part of a made picture."""
    return picture(number, 120, 120).crop((2 * shift, 0, 96 + 2 * shift, 96))


@pytest.mark.parametrize("method", ["prototypes", "knn"])
def test_strangers_are_told_by_the_collection_s_own_classes(
    twelve: Collection, tmp_path: Path, method: str
) -> None:
    asked = []
    for number in range(60):
        asked.append(tmp_path / f"{number}.png")
        seen(number, 4).rotate(1).save(asked[-1])
    found = twelve.identify(*asked, method=method)
    known, strangers = found[:12], found[12:]
    cut = known[0].threshold
    assert cut is not None
    assert cut != CALIBRATION["thresholds"]["0.01"]  # type: ignore[index]
    assert {result.threshold for result in found} == {cut}
    assert sum(result.label is not None for result in strangers) <= 5
    assert sum(result.label == str(number) for number, result in enumerate(known)) >= 10
    (looser,) = twelve.identify(asked[0], method=method, far=0.1)
    assert looser.threshold is not None
    assert looser.threshold < cut
    (stricter,) = twelve.identify(asked[0], method=method, far=0.001)
    assert stricter.threshold is not None
    assert stricter.threshold > cut


def test_strangers_among_portraits(shared_data: Path, tmp_path: Path) -> None:
    people = sorted((shared_data / "faces").iterdir())
    for person in people[:20]:
        for photo in sorted(person.iterdir())[:5]:
            put(tmp_path / "known" / person.name / photo.name, photo.read_bytes())
    collection = Collection("known", home=tmp_path / "indexes")
    collection.add(tmp_path / "known")
    strangers = [photo for person in people[20:] for photo in person.iterdir()]
    others = [photo for person in people[:20] for photo in sorted(person.iterdir())[5:]]
    named = collection.identify(*strangers, *others)
    assert np.mean([result.label is not None for result in named[: len(strangers)]]) < 0.1
    right = [result.label == Path(result.photo).parent.name for result in named[len(strangers) :]]
    assert np.mean(right) > 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "magic"}, "method is 'magic'; it must be one of prototypes, knn"),
        ({"k": 0}, "k is 0"),
        ({"threshold": 1.5}, r"threshold is 1\.5"),
        ({"threshold": float("nan")}, "threshold is nan"),
    ],
)
def test_settings_out_of_range(three: Library, settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        three.collection.identify(three.folder / "nowhere.jpg", **settings)  # type: ignore[arg-type]


def test_no_class_to_choose(library: Library, tmp_path: Path) -> None:
    put(library.folder / "broken.jpg", b"")
    library.collection.add(library.folder)
    query = put(tmp_path / "query.jpg", picture_bytes(0))
    for method in ("prototypes", "knn"):
        (found,) = library.collection.identify(query, method=method)
        assert (found.label, found.nearest, found.score, found.runner_up) == (None,) * 4


def test_collection_that_does_not_exist(home: Path) -> None:
    with pytest.raises(CollectionNotFoundError):
        Collection("nothing", home=home).identify("x.jpg")
