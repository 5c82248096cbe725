"""One training run from labelled pictures to a checkpoint: better than before, the same again."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
import torch.utils.checkpoint

from simsearch.config import TrainingConfig
from simsearch.encoder import checkpoint
from simsearch.encoder.calibration import read_calibration
from simsearch.encoder.device import Target
from simsearch.encoder.embed import embed
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import open_runtime
from simsearch.errors import InputError, StorageError, TrainingError
from simsearch.evaluation.labelled import LabelledPictures, read_labelled
from simsearch.metrics import retrieve
from simsearch.records.labelled import TrainingResult
from simsearch.training import chunks, learner
from simsearch.training.directions import principal_axes
from simsearch.training.loader import plain_batches
from simsearch.training.train import train
from tests.training.conftest import Witness, changed, picture_set, write_glyphs


def trained(
    pictures: LabelledPictures, out: Path, config: TrainingConfig, **options: Any
) -> tuple[TrainingResult, Witness]:
    """Train to the end on the CPU."""
    witness = Witness()
    result = train(pictures, out, config, witness, device="cpu", **options)
    assert result is not None
    return result, witness


def weights(out: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load_network(out).state_dict()


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    assert list(a) == list(b)
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> LabelledPictures:
    """Return 40 characters by six hands."""
    return read_labelled(write_glyphs(tmp_path_factory.mktemp("many") / "glyphs", 40, 6))


@pytest.fixture(scope="module")
def run(
    many: LabelledPictures, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingResult, Witness]:
    """Return a training by the whole curriculum, validated on 30 other characters."""
    folder = tmp_path_factory.mktemp("run")
    others = read_labelled(write_glyphs(folder / "others", 30, 5, first=100))
    config = changed(
        mining="auto", epochs=16, dim=32, classes_per_batch=8, learning_rate=3e-3, patience=16
    )
    return trained(many, folder / "encoder", config, validation=others)


def test_training_lifts_map_at_r_on_classes_never_seen(
    run: tuple[TrainingResult, Witness],
) -> None:
    """By more than 0.2: from 0.32 to 0.66, and with other seeds from 0.25 to 0.62, 0.29 to 0.69."""
    result, _ = run
    after = retrieve(result.after, result.labels).means()["map_at_r"]
    before = retrieve(result.before, result.labels).means()["map_at_r"]
    assert after > before + 0.2
    assert result.calibration.slope > 0


def test_curriculum_runs_from_easy_to_hard(run: tuple[TrainingResult, Witness]) -> None:
    stages = [row["stage"] for row in run[0].history]
    assert list(dict.fromkeys(stages)) == ["untrained", "semi_hard", "batch_hard", "global"]


def test_best_epoch_is_kept(run: tuple[TrainingResult, Witness]) -> None:
    result, witness = run
    rows = {row["epoch"]: row["map_at_r"] for row in result.history}
    assert sorted(rows) == list(range(17))
    assert rows[result.best_epoch] == max(rows.values())
    assert result.best_epoch == min(e for e, value in rows.items() if value == max(rows.values()))
    assert retrieve(result.after, result.labels).means()["map_at_r"] == rows[result.best_epoch]
    assert retrieve(result.before, result.labels).means()["map_at_r"] == rows[0]
    assert witness.rows == result.history


def test_what_is_told(run: tuple[TrainingResult, Witness]) -> None:
    result, witness = run
    assert witness.read == (150, 150), "those to validate on were read last"
    assert witness.counts == result.split
    assert witness.notes == []
    for row in result.history[1:]:
        batches = [stats for epoch, stats in witness.batches if epoch + 1 == row["epoch"]]
        assert row["loss"] == pytest.approx(np.mean([stats.loss for stats in batches]))
        assert row["active_triplets"] == pytest.approx(np.mean([s.active for s in batches]))
        assert 0 <= row["active_triplets"] <= 1
        assert 0 < row["positive_distance"] < row["negative_distance"] < 2
        assert row["learning_rate"] > 0
        assert row["images_per_second"] > 0


def test_files_of_a_finished_run(run: tuple[TrainingResult, Witness]) -> None:
    result, _ = run
    out = Path(result.out)
    assert {path.name for path in out.iterdir()} == {
        "config.json", "model.safetensors", "calibration.json", "ranges.json", "metrics.jsonl",
        "training.json",
    }  # fmt: skip
    lines = (out / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == result.history
    assert read_calibration(out) == result.calibration
    settings = json.loads((out / "training.json").read_text())
    assert settings["settings"]["mining"] == "auto"
    assert settings["best_epoch"] == result.best_epoch
    assert {name: len(held) for name, held in settings["held_out"].items()} == {
        name: result.split[name]["classes"] for name in ("validation", "calibration")
    }
    assert settings["held_out"]["validation"] == list(result.classes)
    assert {"torch", "timm", "simsearch"} <= set(settings["versions"])


def test_the_checkpoint_gives_the_vectors_of_the_result(
    run: tuple[TrainingResult, Witness],
) -> None:
    """Of the same pixels: the encoder's own decoding differs a little from the training's."""
    result, _ = run
    spec = resolve(result.out)
    pictures = picture_set(tuple(result.paths), spec.preprocessing)
    pixels = ((row, pictures.view(row)) for row in range(len(pictures)))
    runtime = open_runtime(spec, Target("cpu", "openvino"), 8, "f32")
    vectors = np.stack([vector for _, vector in embed(runtime, pixels)])
    assert (vectors * result.after).sum(axis=1).min() > 0.9999


def test_embeddings_are_centred_on_pictures_as_they_are(
    glyphs: LabelledPictures, tmp_path: Path
) -> None:
    """Augmented ones look different: their mean is not that of what the encoder will see."""
    others = read_labelled(write_glyphs(tmp_path / "others", 6, 4, first=200))
    more = read_labelled(write_glyphs(tmp_path / "more", 6, 4, first=300))
    given = {"validation": others, "calibration": more}
    result, _ = trained(glyphs, tmp_path / "encoder", changed(epochs=4), **given)
    assert result.best_epoch >= 1
    network = checkpoint.load_network(tmp_path / "encoder").eval()
    seen = checkpoint.read_config(tmp_path / "encoder").preprocessing
    (pixels,) = plain_batches(picture_set(glyphs.paths, seen), 1000, workers=2)
    with torch.inference_mode():
        outputs = network(torch.from_numpy(pixels))
    assert outputs.mean(dim=0).abs().max() < 1e-3 * outputs.std(dim=0).mean()


def test_calibration_classes_are_neither_trained_nor_validated_on(
    run: tuple[TrainingResult, Witness],
) -> None:
    result, _ = run
    pictures = result.split["calibration"]["pictures"]
    assert len(result.same_scores) == result.split["calibration"]["classes"] * 15
    assert len(result.same_scores) + len(result.different_scores) == pictures * (pictures - 1) / 2


def test_same_seed_same_weights_and_figures(glyphs: LabelledPictures, tmp_path: Path) -> None:
    config = changed(epochs=1)
    first, again = (trained(glyphs, tmp_path / name, config)[0] for name in ("first", "again"))
    assert equal(weights(Path(first.out)), weights(Path(again.out)))
    figures = [
        [{k: v for k, v in row.items() if k not in {"seconds", "images_per_second"}} for row in h]
        for h in (first.history, again.history)
    ]
    assert figures[0] == figures[1]
    assert first.calibration == again.calibration
    other = trained(glyphs, tmp_path / "other", changed(epochs=1, seed=1))[0]
    assert not equal(weights(Path(first.out)), weights(Path(other.out)))
    assert other.paths != first.paths, "other classes are held out, too"


def test_number_of_workers_changes_nothing(glyphs: LabelledPictures, tmp_path: Path) -> None:
    outs = [
        Path(trained(glyphs, tmp_path / str(n), changed(epochs=1), workers=n)[0].out)
        for n in (1, 3)
    ]
    assert equal(weights(outs[0]), weights(outs[1]))


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "arcface"},
        {"loss": "sigmoid", "mining": "batch_all"},
        {"loss": "contrastive", "mining": "random", "augment": "none"},
        {"mining": "selective", "memory": 24, "ema": 0.5, "pooling": "gem", "precision": "bf16"},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_other_ways_to_learn(
    glyphs: LabelledPictures, tmp_path: Path, settings: dict[str, Any]
) -> None:
    result, witness = trained(glyphs, tmp_path / "out", changed(**settings))
    assert witness.notes == []
    assert [row["epoch"] for row in result.history] == [0, 1, 2]
    assert all(np.isfinite(row["loss"]) for row in result.history[1:])


def test_no_epoch_only_calibrates(glyphs: LabelledPictures, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result, _ = trained(glyphs, out, changed(epochs=0))
    assert [row["epoch"] for row in result.history] == [0]
    assert result.best_epoch == 0
    assert read_calibration(out) == result.calibration
    assert checkpoint.is_checkpoint(out)


def test_fine_tuning_a_checkpoint(
    run: tuple[TrainingResult, Witness], many: LabelledPictures, tmp_path: Path
) -> None:
    """It begins where the other ended, learns the head first, and keeps the batch statistics."""
    before, _ = run
    config = changed(
        backbone=None, weights=before.out, size=None, dim=32, mining="auto", learning_rate=1e-5
    )
    others = read_labelled(Path(before.paths[0]).parents[1])
    result, _ = trained(many, tmp_path / "out", config, validation=others)
    assert [row["stage"] for row in result.history] == ["untrained", "start", "head", "batch_hard"]
    kept = before.history[before.best_epoch]["map_at_r"]
    assert result.history[0]["map_at_r"] == pytest.approx(kept, abs=0.02)
    old = weights(Path(before.out))
    statistics = [name for name in old if "running_" in name]
    assert statistics
    assert all(torch.equal(weights(tmp_path / "out")[name], old[name]) for name in statistics)


def test_a_start_worse_than_the_features_is_not_taken_and_a_worse_encoder_is_told_of(
    run: tuple[TrainingResult, Witness],
    many: LabelledPictures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, _ = run
    config = changed(
        backbone=None, weights=before.out, size=None, dim=200, epochs=1, learning_rate=1e-9
    )
    others = read_labelled(Path(before.paths[0]).parents[1])
    monkeypatch.setattr(learner, "discriminants", lambda features, _: principal_axes(features))
    _, told = trained(many, tmp_path / "level", config, validation=others)
    assert not any("principal axes" in note for note in told.notes)
    monkeypatch.setattr(learner, "discriminants", lambda features, _: np.eye(features.shape[1], 1))
    fallen, told = trained(many, tmp_path / "fallen", config, validation=others)
    untrained, start = (row["map_at_r"] for row in fallen.history[:2])
    assert any("the projection begins with principal axes" in note for note in told.notes)
    assert start == pytest.approx(untrained, abs=0.1)
    monkeypatch.setattr(learner, "principal_axes", lambda features: np.eye(features.shape[1], 1))
    worse, told = trained(many, tmp_path / "worse", config, validation=others)
    assert max(row["map_at_r"] for row in worse.history[1:]) < untrained
    assert "less well than the untrained network" in told.notes[-1]


def test_validation_pictures_of_their_own(glyphs: LabelledPictures, tmp_path: Path) -> None:
    apart = read_labelled(write_glyphs(tmp_path / "val", 4, 3, first=50))
    result, _ = trained(glyphs, tmp_path / "out", changed(epochs=1), validation=apart)
    assert result.paths == apart.paths
    assert result.classes == apart.classes


@pytest.mark.parametrize(
    ("settings", "mentions"),
    [
        ({"loss": "magic"}, "unknown loss 'magic'"),
        ({"mining": "magic"}, "unknown mining 'magic'"),
        ({"augment": "magic"}, "unknown augmentation 'magic'"),
        ({"weights": "nowhere"}, "no weights 'nowhere'"),
    ],
)
def test_settings_that_there_are_not(
    glyphs: LabelledPictures, tmp_path: Path, settings: dict[str, str], mentions: str
) -> None:
    witness = Witness()
    with pytest.raises(InputError, match=mentions):
        train(glyphs, tmp_path / "out", changed(**settings), witness)
    assert witness.read == (0, 0)


def test_a_folder_in_use_is_refused(
    run: tuple[TrainingResult, Witness], glyphs: LabelledPictures, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="already holds an encoder; give another --out"):
        train(glyphs, Path(run[0].out), changed(), Witness())
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match=f"can't write to '{out}'"):
            train(glyphs, out, changed(), Witness())


def test_nothing_to_resume_is_said_before_anything_is_read(
    run: tuple[TrainingResult, Witness], glyphs: LabelledPictures, tmp_path: Path
) -> None:
    witness = Witness()
    for out in (tmp_path / "new", Path(run[0].out)):
        with pytest.raises(TrainingError, match="nothing to resume in"):
            train(glyphs, out, changed(), witness, resume=True)
    assert witness.read == (0, 0)
    assert not (tmp_path / "new").exists()


def test_a_refused_training_leaves_a_folder_as_it_was(
    glyphs: LabelledPictures, tmp_path: Path
) -> None:
    one_class = glyphs.take(np.flatnonzero(glyphs.labels == 0).tolist())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    for out in (tmp_path / "new" / "deeper", tmp_path / "mine"):
        with pytest.raises(InputError):
            train(one_class, out, changed(), Witness())
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "notes.txt"]


def test_a_training_in_chunks_is_the_same_training(
    run: tuple[TrainingResult, Witness],
    glyphs: LabelledPictures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = changed(backbone=None, weights=run[0].out, size=None, augment="none")
    whole, _ = trained(glyphs, tmp_path / "whole", config)
    monkeypatch.setattr(chunks, "_memory", lambda _: 0)
    again = Mock(wraps=torch.utils.checkpoint.checkpoint)
    monkeypatch.setattr(chunks, "checkpoint", again)
    parts, _ = trained(glyphs, tmp_path / "parts", config)
    assert again.call_count > len(parts.history)  # chunks, not batches
    for row, expected in zip(parts.history, whole.history, strict=True):
        assert row["map_at_r"] == pytest.approx(expected["map_at_r"], abs=0.02)
        assert row.get("loss", 0) == pytest.approx(expected.get("loss", 0), rel=0.05)
