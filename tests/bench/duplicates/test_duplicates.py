"""The benchmark of duplicates, with methods whose figures are known beforehand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from simsearch.bench.duplicates.figures import draw_groups, measure
from simsearch.bench.duplicates.methods import Method, Progress, Scores
from simsearch.bench.duplicates.run import DuplicatesBenchmark, benchmark_duplicates
from simsearch.bench.duplicates.tasks import Task, make_task
from simsearch.errors import FolderError, InputError
from simsearch.images.alterations import KINDS, STRENGTHS
from tests.conftest import save_pictures


@dataclass
class Oracle:
    """Knows the truth, but for the kinds that it is blind to."""

    blind: tuple[str, ...] = ()
    name: str = "oracle"
    threshold: float | None = 0.5

    def score(self, task: Task, progress: Progress) -> Scores:
        """Return 1 for what it sees, and 0."""
        progress(1, 1)
        seen = np.array([task.names[kind] not in self.blind for kind in task.kinds])
        truth = task.truth(np.arange(len(task.queries)), np.arange(len(task.references)))
        return np.asarray(truth & seen[:, None], np.float32)


class Absent(Oracle):
    """A tool that is not installed."""

    def score(self, task: Task, progress: Progress) -> Scores:  # noqa: ARG002
        """Fail."""
        raise InputError("no such tool here")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a folder of 17 made pictures, one of them broken."""
    folder = tmp_path_factory.mktemp("photos")
    save_pictures(folder, 16)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return str(folder)


@pytest.fixture(scope="module")
def result(photos: str) -> DuplicatesBenchmark:
    """Return what three methods find, in two draws of 10 out of 11 originals."""
    methods: list[Method] = [
        Oracle(),
        Oracle(("crop", "blur"), "half blind"),
        Absent(name="absent"),
    ]
    return benchmark_duplicates(photos, methods, originals=10, draws=2)


def test_who_knows_all_finds_all(result: DuplicatesBenchmark) -> None:
    best = result.methods[0]
    assert [spread.mean for spread in best.recall.values()] == [1, 1]
    assert best.micro_ap.mean == 1
    assert best.default_recall is not None
    assert best.default_precision is not None
    assert best.default_recall.mean == best.default_precision.mean == 1
    assert best.by_kind == {kind: [1.0] * STRENGTHS for kind in KINDS}


def test_who_is_blind_to_some_kinds_misses_just_those(result: DuplicatesBenchmark) -> None:
    blind = result.methods[1]
    expected = 1 - 2 / len(KINDS)
    assert blind.recall[0.999].mean == pytest.approx(expected)
    assert blind.recall[0.999].std == 0
    assert blind.by_kind["crop"] == blind.by_kind["blur"] == [0.0] * STRENGTHS
    assert blind.by_kind["noise"] == [1.0] * STRENGTHS


def test_sizes_and_what_was_left_out(result: DuplicatesBenchmark) -> None:
    assert result.references == 11  # 5 of the 16 only fill collages
    assert result.queries == 11 * len(KINDS) * STRENGTHS
    assert (result.originals, result.draws) == (10, 2)
    assert result.skipped == {"absent": "no such tool here"}
    assert [warning.rpartition("/")[2][:10] for warning in result.warnings] == ["broken.jpg"]


def test_copies_are_the_same_for_the_same_seed(photos: str, tmp_path: Path) -> None:
    made = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        task = make_task("copies", photos, 10, tmp_path / name, seed, lambda *_: None)
        made.append([Path(query).read_bytes() for query in task.queries])
    assert made[0] == made[1] != made[2]


def test_exact_copies(photos: str, tmp_path: Path) -> None:
    task = make_task("exact", photos, 12, tmp_path, 0, lambda *_: None)
    for query, source in zip(task.queries, task.sources.tolist(), strict=True):
        assert query != task.references[source]
        assert Path(query).read_bytes() == Path(task.references[source]).read_bytes()


def test_groups_are_folders_and_no_picture_finds_itself(tmp_path: Path) -> None:
    for group in range(4):
        save_pictures(tmp_path / str(group), 3, first_seed=3 * group)
    result = benchmark_duplicates(str(tmp_path), [Oracle()], "groups")
    assert (result.queries, result.references, result.draws) == (12, 12, 1)
    assert result.methods[0].recall[0.9999].mean == 1
    task = make_task("groups", str(tmp_path), 1, tmp_path, 0, lambda *_: None)
    everything = np.arange(12)
    assert not task.compared(everything, everything).diagonal().any()
    assert task.compared(everything, everything).sum() == 12 * 11


def test_too_few_pictures(tmp_path: Path) -> None:
    save_pictures(tmp_path / "a", 9)
    with pytest.raises(FolderError, match="9 pictures that can be read; give 15 or more"):
        benchmark_duplicates(str(tmp_path), [Oracle()])
    with pytest.raises(FolderError, match="in 1 groups"):
        benchmark_duplicates(str(tmp_path), [Oracle()], "groups")
    with pytest.raises(FolderError, match="does not exist"):
        benchmark_duplicates(str(tmp_path / "nowhere"), [Oracle()])


def test_a_draw_compares_only_its_own_originals(photos: str, tmp_path: Path) -> None:
    task = make_task("exact", photos, 11, tmp_path, 0, lambda *_: None)
    scores = np.eye(len(task.queries), dtype=np.float32)
    scores[0, 1] = 2  # wrong, and surer than all that is right
    with_it, without = np.array([0, 1, 2]), np.array([0, 2, 3])
    for draw, recall in ((with_it, 0.0), (without, 1.0)):
        figures = measure("", scores, None, task, [draw], 0.0)
        assert figures.recall[0.999].mean == recall
        assert figures.default_recall is None


def test_what_a_method_cannot_score_is_not_found(photos: str, tmp_path: Path) -> None:
    task = make_task("exact", photos, 11, tmp_path, 0, lambda *_: None)
    scores = np.eye(len(task.queries), dtype=np.float32)
    scores[0] = np.nan
    figures = measure("", scores, 0.5, task, draw_groups(task, 99, 5, 0), 0.0)
    assert figures.recall[0.999].mean == pytest.approx(10 / 11)


def test_draws_are_seeded_and_of_the_size_asked_for(photos: str, tmp_path: Path) -> None:
    task = make_task("exact", photos, 11, tmp_path, 0, lambda *_: None)
    draws = draw_groups(task, 4, 6, seed=1)
    assert [len(draw) for draw in draws] == [4] * 6
    assert len({tuple(draw.tolist()) for draw in draws}) > 1
    assert np.array_equal(draws, draw_groups(task, 4, 6, seed=1))
    assert len(draw_groups(task, 11, 6, seed=1)) == 1
