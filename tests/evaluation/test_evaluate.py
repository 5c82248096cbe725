"""Evaluation, from files to figures."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from simsearch.encoder.calibration import write_calibration
from simsearch.encoder.embed import normalized
from simsearch.encoder.runtimes import Vectors
from simsearch.errors import InputError
from simsearch.evaluation.embedding import embed_pictures
from simsearch.evaluation.episodes import Episodes
from simsearch.evaluation.evaluate import evaluate, evaluate_pairs, evaluate_vectors
from simsearch.evaluation.labelled import Labels
from simsearch.records.labelled import Calibration
from tests.conftest import picture, save_pictures
from tests.encoder.conftest import save, small_network

PLAN = Episodes(ways=3, shots=1, episodes=20)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint folder, without calibration."""
    return save(tmp_path_factory.mktemp("encoder") / "small", small_network())


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of four classes of three pictures, each a change of one picture."""
    folder = tmp_path_factory.mktemp("classes")
    for number in range(4):
        (folder / f"class{number}").mkdir()
        whole = picture(number, 120, 120)
        for shift in (0, 6, 12):
            whole.crop((shift, 0, 96 + shift, 96)).save(folder / f"class{number}" / f"{shift}.png")
    return folder


def clusters() -> tuple[Vectors, Labels]:
    """Return overlapping unit vectors of 12 classes, numbered with gaps."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(12), 10)
    vectors = rng.normal(size=(12, 8))[labels] + 0.9 * rng.normal(size=(120, 8))
    return normalized(vectors.astype(np.float32)), labels * 3


def test_embedding_keeps_order_and_lists_failures(encoder: Path, tmp_path: Path) -> None:
    paths = save_pictures(tmp_path / "many", 70)  # more than are decoded ahead
    paths[5].write_bytes(b"")
    paths[40].write_bytes(b"no picture")
    seen: list[tuple[int, int]] = []
    vectors, rows, failures = embed_pictures(
        [str(path) for path in paths], str(encoder), "cpu", lambda *done: seen.append(done)
    )
    assert rows.tolist() == [row for row in range(70) if row not in {5, 40}]
    assert [(failure.path, failure.kind) for failure in failures] == [
        (str(paths[5]), "empty"),
        (str(paths[40]), "not-a-picture"),
    ]
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(68), abs=1e-5)
    assert seen == [(done, 70) for done in range(1, 71)]
    alone, _, _ = embed_pictures([str(paths[69])], str(encoder), "cpu")
    assert vectors[-1] @ alone[0] == pytest.approx(1, abs=1e-3)


def test_nothing_to_embed(encoder: Path) -> None:
    vectors, rows, failures = embed_pictures([], str(encoder), "cpu")
    assert (len(vectors), len(rows), failures) == (0, 0, [])


def test_figures_of_vectors() -> None:
    vectors, labels = clusters()
    found = evaluate_vectors("made", vectors, labels, plan=Episodes(5, 1, 100))
    assert (found.encoder, found.dim, found.images, found.classes) == ("made", 8, 120, 12)
    assert found.retrieval is not None
    assert found.verification is not None
    assert found.few_shot is not None
    assert found.open_set is not None
    assert found.verification.same_pairs == 12 * 45
    assert found.verification.different_pairs == 120 * 119 // 2 - 12 * 45
    figures = {
        **found.retrieval,
        **{f"tar_at_far_{far:g}": tar for far, tar in found.verification.tar_at_far.items()},
        "accuracy_at_half": found.verification.accuracy_at_half,
        "auc": found.verification.auc,
        "eer": found.verification.eer,
        "few_shot": found.few_shot.accuracy,
    }
    assert set(found.intervals) == set(figures)
    for name, (low, high) in found.intervals.items():
        assert low <= figures[name] <= high, name
        assert low < high, name


def test_same_seed_same_figures() -> None:
    vectors, labels = clusters()
    first, again, other = (
        evaluate_vectors("made", vectors, labels, plan=Episodes(5, 1, 100, seed))
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first.few_shot != other.few_shot
    assert first.verification == other.verification, "nothing is drawn at random for it"


def test_folder(encoder: Path, classes: Path) -> None:
    found = evaluate(classes, str(encoder), "cpu", PLAN)
    assert (found.images, found.classes, found.failed, found.calibrated) == (12, 4, 0, False)
    assert found.retrieval is not None
    assert found.retrieval["recall_at_1"] == 1, "a shifted picture is nearer than any other"
    assert found.fixed_runs is None


def test_table_gives_what_the_folder_gives(encoder: Path, classes: Path, tmp_path: Path) -> None:
    lines = [f"{path},{path.parent.name}\n" for path in sorted(classes.rglob("*.png"))]
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(lines))
    assert evaluate(tmp_path / "labels.csv", str(encoder), "cpu", PLAN) == evaluate(
        classes, str(encoder), "cpu", PLAN
    )


def test_calibration_of_the_encoder_is_used(encoder: Path, classes: Path, tmp_path: Path) -> None:
    calibrated = Path(shutil.copytree(encoder, tmp_path / "calibrated"))
    write_calibration(calibrated, Calibration(30, -1000, {}, 9, 9, 3))  # says no to everything
    found = evaluate(classes, str(calibrated), "cpu", PLAN)
    assert found.calibrated
    assert found.verification is not None
    assert found.verification.accuracy_at_calibrated == 0.5
    assert found.verification.brier == pytest.approx(0.5)
    assert found.verification.cllr is not None
    assert found.verification.cllr > 100


def test_unreadable_pictures_are_counted(
    encoder: Path, classes: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(classes, tmp_path / "copy"))
    (folder / "class0" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with caplog.at_level(logging.WARNING, "simsearch"):
        found = evaluate(folder, str(encoder), "cpu", PLAN)
    assert (found.images, found.classes, found.failed) == (11, 4, 1)
    assert "1 of 12 pictures can't be read" in caplog.text


def test_pairs_only(encoder: Path, classes: Path) -> None:
    table = classes / "pairs.csv"
    table.write_text(
        "a,b,same\nclass0/0.png,class0/6.png,1\nclass0/0.png,class1/0.png,0\n"
        "class2/0.png,class1/0.png,0\n"
    )
    found = evaluate_pairs(table, str(encoder), "cpu")
    table.unlink()
    assert found.verification is not None
    assert (found.verification.same_pairs, found.verification.different_pairs) == (1, 2)
    assert found.verification.auc == 1
    assert (found.images, found.retrieval, found.intervals) == (4, None, {})


def test_fixed_runs_only(encoder: Path, classes: Path, tmp_path: Path) -> None:
    run = tmp_path / "run01"
    lines = []
    for number in range(4):
        for place, shift in (("test/item", 0), ("training/class", 6)):
            copy = run / f"{place}{number}.png"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(classes / f"class{number}" / f"{shift}.png", copy)
        lines.append(f"run01/test/item{number}.png run01/training/class{number}.png\n")
    (run / "class_labels.txt").write_text("".join(lines))
    found = evaluate(None, str(encoder), "cpu", runs=tmp_path)
    assert found.fixed_runs is not None
    assert (found.fixed_runs.trials, found.fixed_runs.error_rate, found.images) == (4, 0, 8)
    (run / "test" / "item2.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"can't read '.*item2\.png' of the runs"):
        evaluate(None, str(encoder), "cpu", runs=tmp_path)


def test_bad_input(encoder: Path, classes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to evaluate on"):
        evaluate(None, str(encoder))
    one = shutil.copytree(classes / "class0", tmp_path / "one" / "class0").parent
    with pytest.raises(InputError, match="all pictures are of one class, 'class0'"):
        evaluate(one, str(encoder), "cpu")
    (one / "class1").mkdir()
    (one / "class1" / "empty.png").touch()
    with pytest.raises(InputError, match="1 class with readable pictures"):
        evaluate(one, str(encoder), "cpu")
    for number in range(3):
        save_pictures(tmp_path / "single" / str(number), 1, first_seed=number)
    with pytest.raises(InputError, match="no class has two pictures"):
        evaluate(tmp_path / "single", str(encoder), "cpu")
