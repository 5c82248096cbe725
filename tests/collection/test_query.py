"""Answers to queries and lists of duplicates, against brute force over all stored vectors."""

from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simsearch import Collection
from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.device import Target
from simsearch.encoder.embed import embed
from simsearch.encoder.runtimes import open_runtime
from simsearch.errors import CollectionNotFoundError, InputError, PictureError
from simsearch.images.decode import decode
from simsearch.records import Failure
from tests.collection.conftest import Row, hashes_of_files, picture_bytes, put, rows

PICTURES = 40
COPIES = 4
SELF = picture_bytes(0)
THRESHOLDS = [-1.0, 0.5, 0.85, 0.9, 0.95, 1.0]
Table = dict[Path, Row]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of different pictures, of which one is there five times and one twice."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(PICTURES):
        put(folder / f"{seed:02d}.jpg", picture_bytes(seed))
    for number in range(COPIES):
        put(folder / f"copy-{number}.jpg", SELF)
    put(folder / "other-copy.jpg", picture_bytes(1))
    return folder


@pytest.fixture(scope="module")
def collection(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Return a collection of those pictures; no test changes it."""
    made = Collection("pictures", home=tmp_path_factory.mktemp("home"))
    made.add(pictures)
    return made


@pytest.fixture(scope="module")
def table(collection: Collection) -> Table:
    """Return all rows."""
    return rows(collection)


@pytest.fixture(scope="module")
def vector_of(collection: Collection) -> Callable[[bytes], npt.NDArray[np.float64]]:
    """Return a function from a picture's bytes to its unit vector, as a query makes it."""
    spec = collection.manifest.encoder
    runtime = open_runtime(spec, Target("cpu", "openvino"), 1)

    def vector(data: bytes) -> npt.NDArray[np.float64]:
        pixels = decode(data, spec.preprocessing).pixels
        ((_, found),) = embed(runtime, [("", pixels)])
        return found.astype(np.float64)

    return vector


@pytest.mark.parametrize("seed", [0, 1, 7, 900])
@pytest.mark.parametrize("k", [1, 3, 10, 1000])
@pytest.mark.parametrize("min_score", [None, 0.8])
@pytest.mark.parametrize("include_self", [False, True])
def test_query_is_brute_force(
    collection: Collection,
    table: Table,
    vector_of: Callable[[bytes], npt.NDArray[np.float64]],
    tmp_path: Path,
    seed: int,
    k: int,
    min_score: float | None,
    include_self: bool,
) -> None:
    data = picture_bytes(seed)
    query = put(tmp_path / "query.jpg", data)
    own_hash, vector = hashes_of_files(tmp_path)[query], vector_of(data)
    scores = {
        path: float(row.vector.astype(np.float64) @ vector)
        for path, row in table.items()
        if include_self or row.hash != own_hash
    }
    wanted = sorted(
        (path for path, score in scores.items() if min_score is None or score >= min_score),
        key=lambda path: (-scores[path], table[path].id),
    )[:k]

    found = collection.query(query, k, min_score, include_self)

    mine = [Path(neighbor.path) for neighbor in found]
    # Scores that differ by less than float32's rounding may stand in either order.
    assert [scores[path] for path in mine] == pytest.approx([scores[p] for p in wanted], abs=2e-5)
    assert len(set(mine)) == len(mine)
    for one, other in pairwise(mine):
        if table[one].hash == table[other].hash:
            assert table[one].id < table[other].id
    assert [neighbor.id for neighbor in found] == [table[path].id for path in mine]
    assert [neighbor.rank for neighbor in found] == list(range(1, len(wanted) + 1))
    assert [neighbor.score for neighbor in found] == pytest.approx(
        [min(scores[path], 1.0) for path in wanted], abs=1e-4
    )


def test_own_content_is_left_out_under_any_name_and_counted(
    collection: Collection, pictures: Path, tmp_path: Path
) -> None:
    for query in (pictures / "00.jpg", pictures / "copy-2.jpg", put(tmp_path / "x.png", SELF)):
        (result,) = collection.query_many([query], k=100)
        assert len(result.neighbors) == PICTURES
        assert result.left_out == 1 + COPIES
    (result,) = collection.query_many([pictures / "00.jpg"], k=5, include_self=True)
    assert [neighbor.score > 0.99 for neighbor in result.neighbors] == [True] * 5
    assert result.left_out == 0


def test_several_queries_keep_their_order(collection: Collection, pictures: Path) -> None:
    queries = [pictures / f"{seed:02d}.jpg" for seed in (9, 3, 21, 3, 0)]
    results = collection.query_many(queries, k=4)
    assert [result.query for result in results] == [str(query) for query in queries]
    for query, result in zip(queries, results, strict=True):
        alone = collection.query(query, k=4)
        assert [n.score for n in result.neighbors] == pytest.approx(
            [n.score for n in alone], abs=0.01
        )


def test_unreadable_queries_are_reported_and_the_others_answered(
    collection: Collection, pictures: Path, tmp_path: Path
) -> None:
    bad = [tmp_path / "missing.jpg", put(tmp_path / "empty.jpg", b"")]
    good = [pictures / "05.jpg", pictures / "06.jpg"]
    failures: list[Failure] = []
    results = collection.query_many([bad[0], good[0], bad[1], good[1]], on_failure=failures.append)
    assert [result.query for result in results] == [str(path) for path in good]
    assert [failure.full_path for failure in failures] == [str(path) for path in bad]
    assert [failure.kind for failure in failures] == ["unreadable", "empty"]


@pytest.mark.parametrize("data", [None, b"", b"text", SELF[:300]])
def test_one_unreadable_query_is_an_error_that_names_it(
    collection: Collection, tmp_path: Path, data: bytes | None
) -> None:
    query = tmp_path / "query.jpg"
    if data is not None:
        put(query, data)
    with pytest.raises(PictureError, match=r"can't read '.*query\.jpg'"):
        collection.query(query)


def test_no_query_at_all_has_no_answers(collection: Collection) -> None:
    assert collection.query_many([]) == []


@pytest.mark.parametrize("k", [0, -1])
def test_k_must_be_positive(collection: Collection, pictures: Path, k: int) -> None:
    with pytest.raises(InputError, match=f"k is {k}"):
        collection.query(pictures / "00.jpg", k=k)


def test_empty_collection_has_no_neighbours_and_no_duplicates(tmp_path: Path) -> None:
    put(tmp_path / "pictures" / "empty.jpg", b"")
    put(tmp_path / "pictures" / "text.jpg", b"text")
    query = put(tmp_path / "query.jpg", SELF)
    collection = Collection("empty", home=tmp_path / "home")
    report = collection.add(tmp_path / "pictures")
    assert (report.images, report.failed) == (0, 2)
    assert collection.query(query) == []
    assert collection.duplicates().pairs == []
    assert collection.duplicates(exact=True).groups == []
    assert collection.embeddings().num_rows == 0
    assert collection.check().problems == []
    assert collection.add(tmp_path / "pictures").generation == report.generation


def brute_force_pairs(table: Table, threshold: float) -> dict[frozenset[str], tuple[float, str]]:
    """Return every pair of files over a threshold, with its score and kind."""
    found = {}
    for (a, row_a), (b, row_b) in combinations(table.items(), 2):
        same = row_a.hash == row_b.hash
        cosine = float(row_a.vector.astype(np.float64) @ row_b.vector.astype(np.float64))
        if same or cosine >= threshold:
            kind = "exact" if same else "similar"
            found[frozenset({str(a), str(b)})] = (1.0 if same else min(cosine, 1.0), kind)
    return found


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_duplicates_are_brute_force(collection: Collection, table: Table, threshold: float) -> None:
    expected = brute_force_pairs(table, threshold)
    found = collection.duplicates(threshold)
    assert found.threshold == threshold
    contents = {str(path): row.hash for path, row in table.items()}
    # Two contents are in one pair, and the files of one content in a star.
    tied = [frozenset({contents[pair.a], contents[pair.b]}) for pair in found.pairs]
    assert len(set(tied)) + COPIES == len(tied) + 1
    assert set(tied) == {frozenset(contents[path] for path in pair) for pair in expected}
    for pair in found.pairs:
        score, kind = expected[frozenset({pair.a, pair.b})]
        assert pair.score == pytest.approx(score, abs=1e-6)
        assert pair.kind == kind
    scores = [pair.score for pair in found.pairs]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_groups_are_stars_of_brute_force_pairs(
    collection: Collection, table: Table, threshold: float
) -> None:
    expected = brute_force_pairs(table, threshold)
    found = collection.duplicates(threshold).groups
    members = [path for group in found for path in group.members]
    assert len(members) == len(set(members))
    tied = {path for pair in expected for path in pair}
    bests = {group.best.full_path for group in found}
    for group in found:
        scores = [other.score for other in group.others]
        assert scores == sorted(scores, reverse=True)
        assert group.min_score == scores[-1]
        for other in group.others:
            pair = frozenset({group.best.full_path, other.record.full_path})
            score, kind = expected[pair]
            assert other.score == pytest.approx(score, abs=1e-6)
            assert other.kind == kind
    # Whoever is in no group is a best whose ties have all joined stronger ones.
    for alone in tied - set(members):
        assert not any(frozenset({alone, best}) in expected for best in bests)
    sizes = [len(group.members) for group in found]
    assert sizes == sorted(sizes, reverse=True)


def test_exact_duplicates_are_those_with_equal_bytes(collection: Collection, table: Table) -> None:
    found = collection.duplicates(exact=True)
    expected = {pair for pair, (_, kind) in brute_force_pairs(table, 2).items() if kind == "exact"}
    assert {frozenset({pair.a, pair.b}) for pair in found.pairs} < expected
    assert len(found.pairs) == COPIES + 1
    bests = {group.best.full_path for group in found.groups}
    assert all((pair.a in bests) != (pair.b in bests) for pair in found.pairs)
    assert [len(group.members) for group in found.groups] == [1 + COPIES, 2]
    assert {pair.kind for pair in found.pairs} == {"exact"}


@pytest.mark.parametrize("threshold", [-1.01, 1.01, float("nan")])
def test_threshold_must_be_a_cosine(collection: Collection, threshold: float) -> None:
    with pytest.raises(InputError, match="between -1 and 1"):
        collection.duplicates(threshold)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("picture", "did you mean 'pictures'?"),
        ("Pictures", "did you mean 'pictures'?"),
        ("zzz", "there are: pictures"),
    ],
)
def test_open_suggests_what_there_is(collection: Collection, name: str, hint: str) -> None:
    with pytest.raises(CollectionNotFoundError) as caught:
        Collection.open(name, home=collection.folder.parent)
    assert f"no collection '{name}'" in str(caught.value)
    assert hint in str(caught.value)


def test_open_without_any_collection_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFoundError, match="simsearch index FOLDER"):
        Collection.open("pictures", home=tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["", ".hidden", "..", "a/b", "a\\b"])
def test_name_must_be_a_folder_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be a collection's name"):
        Collection(name, home=tmp_path)
    with pytest.raises(InputError, match="can't be a collection's name"):
        Collection.open(name, home=tmp_path)


def test_info_says_what_the_collection_holds(collection: Collection, pictures: Path) -> None:
    info = collection.info()
    assert (info.name, info.roots, info.failures) == ("pictures", [str(pictures)], 0)
    assert (info.images, info.contents) == (PICTURES + COPIES + 1, PICTURES)
    assert (info.encoder, info.dim, info.recipe) == (DEFAULT_ENCODER, 512, "flat")
    files = [path for path in collection.folder.rglob("*") if path.is_file()]
    assert info.bytes == sum(path.stat().st_size for path in files)
