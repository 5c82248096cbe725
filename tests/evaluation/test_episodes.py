"""Few-shot episodes, fixed runs and the open set on vectors made for the purpose."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from simsearch.encoder.embed import normalized
from simsearch.encoder.runtimes import Vectors
from simsearch.errors import InputError
from simsearch.evaluation.episodes import Episodes, few_shot, fixed_runs, open_set
from simsearch.evaluation.labelled import Labels


def clusters(classes: int, each: int, spread: float) -> tuple[Vectors, Labels]:
    """Return unit vectors around one axis a class."""
    labels = np.repeat(np.arange(classes), each)
    noise = np.random.default_rng(0).normal(size=(len(labels), classes)) * spread
    return normalized((np.eye(classes)[labels] + noise).astype(np.float32)), labels


def test_clear_clusters_are_all_named_right() -> None:
    shot, trials = few_shot(*clusters(8, 3, 0.01), Episodes(5, 1, 30))
    assert shot is not None
    assert trials is not None
    assert (shot.ways, shot.shots, shot.episodes, shot.accuracy) == (5, 1, 30, 1)
    assert len(trials.right) == 150
    assert set(trials.labels) == set(range(8))


def test_vectors_that_say_nothing_are_named_by_chance() -> None:
    vectors = normalized(np.random.default_rng(1).normal(size=(400, 16)).astype(np.float32))
    shot, _ = few_shot(vectors, np.arange(400) // 4, Episodes(10, 1, 400))
    assert shot is not None
    assert shot.accuracy == pytest.approx(0.1, abs=0.02)


def test_more_shots_average_the_noise_away() -> None:
    vectors, labels = clusters(10, 12, 0.45)
    one, five = (few_shot(vectors, labels, Episodes(10, k, 200))[0] for k in (1, 5))
    assert one is not None
    assert five is not None
    assert five.accuracy > one.accuracy + 0.1


def test_query_is_never_among_its_examples() -> None:
    # Every picture is an axis of its own: only a query that is its own example could be right, and
    # of equal scores the first class wins, which is right once an episode.
    shot, _ = few_shot(np.eye(40, dtype=np.float32), np.arange(40) // 4, Episodes(10, 1, 50))
    assert shot is not None
    assert shot.accuracy == pytest.approx(1 / 10)


def test_hand_worked() -> None:
    # Two places. Where a class lies at one of them, all is right. Where both classes lie at both,
    # half of the episodes have each example at the other's query: none is right; the other half has
    # both examples at one place and both queries at the other: the first name wins, one is right.
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    apart = few_shot(vectors, np.array([0, 0, 1, 1]), Episodes(2, 1, 20))[0]
    crossed = few_shot(vectors, np.array([0, 1, 0, 1]), Episodes(2, 1, 4000))[0]
    assert apart is not None
    assert crossed is not None
    assert apart.accuracy == 1
    assert crossed.accuracy == pytest.approx(1 / 4, abs=0.02)


def test_seed(caplog: pytest.LogCaptureFixture) -> None:
    vectors, labels = clusters(10, 5, 0.5)
    runs = [few_shot(vectors, labels, Episodes(5, 1, 40, seed))[1] for seed in (1, 1, 2)]
    first, again, other = ("".join(map(str, run.labels)) for run in runs if run is not None)
    assert first == again
    assert first != other
    assert caplog.text == ""


def test_fewer_classes_than_ways(caplog: pytest.LogCaptureFixture) -> None:
    vectors, labels = clusters(4, 3, 0.01)
    labels[labels == 3] = [3, 4, 5]  # classes of one picture give no example and query
    with caplog.at_level(logging.WARNING, "simsearch"):
        shot, trials = few_shot(vectors, labels, Episodes(20, 1, 5))
    assert shot is not None
    assert trials is not None
    assert shot.ways == 3
    assert set(trials.labels) == {0, 1, 2}
    assert "3 classes have more than 1 picture" in caplog.text


def test_too_few_classes_for_any_episode() -> None:
    assert few_shot(*clusters(5, 3, 0.1), Episodes(5, 3, 5)) == (None, None)


def test_open_set_of_clear_clusters() -> None:
    found, _ = open_set(*clusters(10, 30, 0.01))
    assert found is not None
    assert (found.fpir, found.dir, found.known, found.unknown) == (0.01, 1, 5, 5)


def test_open_set_of_vectors_that_say_nothing() -> None:
    vectors = normalized(np.random.default_rng(2).normal(size=(400, 8)).astype(np.float32))
    found, _ = open_set(vectors, np.arange(400) // 10)
    assert found is not None
    assert found.dir is not None
    assert found.dir < 0.05


def test_open_set_without_enough_strangers_gives_no_rate() -> None:
    found, _ = open_set(*clusters(4, 10, 0.01))
    assert found is not None
    assert (found.dir, found.known, found.unknown) == (None, 2, 2)


def test_open_set_without_a_class_to_enrol() -> None:
    assert open_set(*clusters(4, 2, 0.01), shots=2) == (None, None)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a folder of two runs of three classes."""
    for run in ("run01", "run02"):
        lines = []
        for number in (1, 2, 3):
            item = f"{run}/test/item0{number}.png"
            example = f"{run}/training/class0{4 - number}.png"
            for name in (item, example):
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).touch()
            lines.append(f"{item} {example}\n")
        (tmp_path / run / "class_labels.txt").write_text("".join(lines))
    return tmp_path


def axes(paths: Sequence[str]) -> Vectors:
    """Embed item N and class 4-N alike, but the first item of run 2 as if it were the second."""
    vectors = []
    for path in paths:
        number = int(Path(path).stem[-1])
        place = number if "item" in path else 4 - number
        if path.endswith("run02/test/item01.png"):
            place = 2
        vectors.append(np.eye(4, dtype=np.float32)[place])
    return np.stack(vectors)


def test_fixed_runs(runs: Path) -> None:
    found = fixed_runs(runs, axes)
    assert (found.runs, found.trials) == (2, 6)
    assert found.error_rate == pytest.approx(1 / 6)


def test_fixed_runs_that_are_damaged(runs: Path) -> None:
    table = runs / "run02" / "class_labels.txt"
    table.write_text("run02/test/item01.png\n")
    with pytest.raises(InputError, match="is not 'ITEM EXAMPLE'"):
        fixed_runs(runs, axes)
    table.write_text("\n")
    with pytest.raises(InputError, match="has no lines"):
        fixed_runs(runs, axes)
    table.write_text("run02/test/item09.png run02/training/class01.png\n")
    with pytest.raises(InputError, match=r"item09\.png', which is missing"):
        fixed_runs(runs, axes)
    with pytest.raises(InputError, match="no run in"):
        fixed_runs(runs / "run01", axes)
