"""Stopped, killed and collapsed trainings go on as they should."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from simsearch.config import KEPT_EPOCHS, TrainingConfig
from simsearch.encoder import checkpoint
from simsearch.errors import InputError, TrainingError
from simsearch.evaluation.labelled import LabelledPictures, Labels, read_labelled
from simsearch.records.labelled import TrainingResult
from simsearch.training import loop
from simsearch.training.curriculum import Stage
from simsearch.training.distillation import Teacher
from simsearch.training.learner import Learner
from simsearch.training.objective import BatchStats
from simsearch.training.pictures import Pixels
from simsearch.training.state import FILE
from simsearch.training.train import train
from simsearch.training.views import FILE as VIEWS_FILE
from tests.conftest import PROJECT
from tests.training.conftest import Witness, changed, write_glyphs

# Everything that has a state: a memory, an average, a global search, a loss with weights.
FULL = changed(loss="sigmoid", mining="global", memory=32, ema=0.9, epochs=3)
Row = dict[str, Any]


def start(
    pictures: LabelledPictures,
    out: Path,
    config: TrainingConfig,
    stop_after: int | None = None,
    resume: bool = False,
) -> tuple[TrainingResult | None, Witness]:
    """Train on the CPU, until the end or so many batches; everything is built anew."""
    witness = Witness(stop_after)
    result = train(
        pictures, out, config, witness, device="cpu", resume=resume, should_stop=witness.should_stop
    )
    return result, witness


def weights(out: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load_network(out).state_dict()


def same_weights(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    assert list(first) == list(second)
    return all(torch.equal(first[name], second[name]) for name in first)


def metrics(out: Path) -> list[Row]:
    """Return metrics.jsonl without what a clock says."""
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in r.items() if k not in {"seconds", "images_per_second"}} for r in rows]


@pytest.fixture(scope="module")
def straight_run(
    glyphs: LabelledPictures, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int]:
    """Return folder and batches of a training that nothing interrupted: four an epoch, or more."""
    out = tmp_path_factory.mktemp("straight") / "out"
    result, witness = start(glyphs, out, FULL)
    assert result is not None
    epochs = [epoch for epoch, _ in witness.batches]
    assert epochs == sorted(epochs)
    assert epochs.count(0) == 4
    assert min(epochs.count(1), epochs.count(2)) >= 4, "confused classes may take more"
    return out, len(epochs)


@pytest.fixture(scope="module")
def straight(straight_run: tuple[Path, int]) -> Path:
    return straight_run[0]


@pytest.mark.parametrize("stops", [[1], [4], [6], [2, 1, 3, 5]], ids=str)
def test_resume_equals_straight(
    straight_run: tuple[Path, int], glyphs: LabelledPictures, tmp_path: Path, stops: list[int]
) -> None:
    """Stopped in an epoch, at its end, and again and again."""
    (straight, batches_in_all), out = straight_run, tmp_path / "out"
    for number, batches in enumerate(stops):
        torch.manual_seed(number)  # whatever was drawn in between
        result, _ = start(glyphs, out, FULL, batches, resume=number > 0)
        assert result is None
        assert (out / FILE).is_file()
    result, witness = start(glyphs, out, FULL, resume=True)
    assert result is not None
    assert len(witness.batches) == batches_in_all - sum(stops)
    assert not (out / FILE).exists()
    assert metrics(out) == metrics(straight)
    assert same_weights(out, straight)
    assert (out / "calibration.json").read_bytes() == (straight / "calibration.json").read_bytes()


def test_resume_equals_straight_where_views_are_shown_again(
    glyphs: LabelledPictures, tmp_path: Path
) -> None:
    """Stopped in the epoch that makes them, and in the one that shows them again."""
    config = changed(
        backbone=None, weights="imagenet", size=64, augment="copy", mining="global",
        frozen=6, reuse=2, epochs=3,
    )  # fmt: skip
    straight, out = tmp_path / "straight", tmp_path / "out"
    result, witness = start(glyphs, straight, config)
    assert result is not None
    made = len([epoch for epoch, _ in witness.batches if epoch == 0])
    assert start(glyphs, out, config, stop_after=1)[0] is None
    assert start(glyphs, out, config, stop_after=made, resume=True)[0] is None
    assert (out / VIEWS_FILE).is_file()
    assert start(glyphs, out, config, resume=True)[0] is not None
    assert not (out / VIEWS_FILE).exists()
    assert metrics(out) == metrics(straight)
    assert same_weights(out, straight)


def test_views_are_shown_again_in_other_batches(
    glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[list[bytes]] = []
    step = Learner.step

    def watched(self: Learner, inputs: Pixels, labels: Labels, stage: Stage) -> BatchStats:
        shown.append([view.tobytes() for view in inputs])
        return step(self, inputs, labels, stage)

    monkeypatch.setattr(Learner, "step", watched)
    _, witness = start(glyphs, tmp_path / "out", changed(reuse=2, epochs=3))
    epochs = np.array([epoch for epoch, _ in witness.batches])
    first, second, third = (
        [shown[at] for at in np.flatnonzero(epochs == epoch)] for epoch in range(3)
    )
    assert set(sum(second, [])) <= set(sum(first, []))  # noqa: RUF017 - few lists
    assert [set(batch) for batch in second] != [set(batch) for batch in first]
    assert not set(sum(third, [])) & set(sum(first, []))  # noqa: RUF017


def test_originals_come_first_also_where_views_are_shown_again(
    glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a copy learns from is the picture as it is, where each is a class of its own."""
    rows = [np.flatnonzero(glyphs.labels == number) for number in range(10)]
    chosen = np.concatenate([*(row[:1] for row in rows[:8]), *(row[:2] for row in rows[8:])])
    shown: list[tuple[Pixels, Labels]] = []
    step = Learner.step

    def watched(self: Learner, inputs: Pixels, labels: Labels, stage: Stage) -> BatchStats:
        shown.append((inputs, labels))
        return step(self, inputs, labels, stage)

    monkeypatch.setattr(Learner, "step", watched)
    others = read_labelled(write_glyphs(tmp_path / "others", 4, 3, first=80))
    more = read_labelled(write_glyphs(tmp_path / "more", 4, 3, first=90))
    settings = {"augment": "copy", "mining": "first_positive", "classes_per_batch": 5}
    config = changed(**settings, reuse=3, epochs=3)
    train(
        *(glyphs.take(chosen), tmp_path / "out", config, Witness()),
        validation=others,
        calibration=more,
        device="cpu",
    )
    assert len(shown) == 3 * 3, "twelve pictures have a turn each, five in a batch"
    firsts: dict[int, set[bytes]] = {number: set() for number in range(8)}
    for inputs, labels in shown:
        for place in np.unique(labels, return_index=True)[1]:
            if labels[place] < 8:
                firsts[int(labels[place])].add(inputs[place].tobytes())
    assert all(len(found) == 1 for found in firsts.values()), "never altered"


def test_distillation_weighs_each_batch(
    glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int, int]] = []
    loss = Teacher.loss

    def watched(
        self: Teacher, inputs: torch.Tensor, features: torch.Tensor, labels: Labels
    ) -> torch.Tensor:
        sizes.append((len(inputs), len(features), len(labels)))
        return loss(self, inputs, features, labels)

    monkeypatch.setattr(Teacher, "loss", watched)
    start(glyphs, tmp_path / "without", changed(epochs=1))
    assert not sizes
    config = changed(epochs=1, distillation=5.0)
    start(glyphs, tmp_path / "with", config)
    assert set(sizes) == {(config.classes_per_batch * config.pictures_per_class,) * 3}
    losses = [metrics(tmp_path / name)[-1]["loss"] for name in ("with", "without")]
    assert losses[0] > losses[1] + 0.1, "it is added, five times"


def test_resume_goes_on_with_the_same_random_numbers(
    glyphs: LabelledPictures, tmp_path: Path
) -> None:
    """Random triplets are drawn from torch's generator, which others may have used or seeded."""
    config = changed(mining="random")
    start(glyphs, tmp_path / "straight", config)
    assert start(glyphs, tmp_path / "out", config, 3)[0] is None
    torch.manual_seed(99)
    assert start(glyphs, tmp_path / "out", config, resume=True)[0] is not None
    assert metrics(tmp_path / "out") == metrics(tmp_path / "straight")
    assert same_weights(tmp_path / "out", tmp_path / "straight")


def test_resume_equals_straight_by_the_curriculum_from_a_checkpoint(
    straight: Path, glyphs: LabelledPictures, tmp_path: Path
) -> None:
    config = changed(backbone=None, weights=str(straight), size=None, mining="auto", epochs=4)
    start(glyphs, tmp_path / "straight", config)
    assert start(glyphs, tmp_path / "out", config, 2)[0] is None
    assert start(glyphs, tmp_path / "out", config, 8, resume=True)[0] is None
    assert start(glyphs, tmp_path / "out", config, resume=True)[0] is not None
    stages = [row["stage"] for row in metrics(tmp_path / "out")]
    assert stages == ["untrained", "start", "head", "semi_hard", "batch_hard", "global"]
    assert metrics(tmp_path / "out") == metrics(tmp_path / "straight")
    assert same_weights(tmp_path / "out", tmp_path / "straight")


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
import torch
torch.set_num_threads(1)
from simsearch.evaluation.labelled import read_labelled
from simsearch.training import loop
from tests.training.conftest import Witness
from tests.training.test_loop import FULL, start

loop._SAVE_SECONDS = 0  # the state is saved after each batch

class Deadly(Witness):
    def batch(self, *told):
        super().batch(*told)
        if len(self.batches) == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

from simsearch.training.train import train
from simsearch.training.views import FILE as VIEWS_FILE
train(read_labelled(sys.argv[1]), Path(sys.argv[2]), FULL, Deadly(), device="cpu",
      resume=sys.argv[4] == "resume")
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are others")
def test_killed_and_resumed_equals_straight(
    straight_run: tuple[Path, int], glyph_folder: Path, glyphs: LabelledPictures, tmp_path: Path
) -> None:
    """SIGKILL in the first epoch's third batch, and four batches after what was saved then."""
    (straight, batches_in_all), out = straight_run, tmp_path / "out"
    for batches, how in (("3", "new"), ("4", "resume")):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, glyph_folder, out, batches, how],
            cwd=PROJECT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        assert len(metrics(out)) == (1 if how == "new" else 2)
    result, witness = start(glyphs, out, FULL, resume=True)
    assert result is not None
    assert len(witness.batches) == batches_in_all - 2 - 3, "the batch that killed it was not saved"
    assert metrics(out) == metrics(straight)
    assert same_weights(out, straight)


def test_killed_before_the_first_batch(
    straight: Path, glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", killed)
        with pytest.raises(KilledError):
            start(glyphs, out, FULL)
    assert start(glyphs, out, FULL, resume=True)[0] is not None
    assert metrics(out) == metrics(straight)
    assert same_weights(out, straight)


def test_stopping_twice_trains_as_far_as_it_was_asked_to(
    glyphs: LabelledPictures, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert len(start(glyphs, out, FULL, 5)[1].batches) == 5
    assert [row["epoch"] for row in metrics(out)] == [0, 1]
    assert checkpoint.is_checkpoint(out), "the best so far can be used already"


@pytest.fixture(scope="module")
def stopped_once(glyphs: LabelledPictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("stopped") / "out"
    assert start(glyphs, out, FULL, 2)[0] is None
    return out


@pytest.fixture
def stopped(stopped_once: Path, tmp_path: Path) -> Path:
    """Return the folder of a training that was stopped, which the test may change."""
    return Path(shutil.copytree(stopped_once, tmp_path / "out"))


@pytest.mark.parametrize(
    ("settings", "mentions"),
    [
        ({"epochs": 9}, "--epochs 3, not 9"),
        ({"learning_rate": 0.5}, "--learning-rate None, not 0.5"),
        ({"mining": "auto"}, "--mining global, not auto"),
        ({"dim": 8}, "--dim 16, not 8"),
        ({"seed": 3}, "--seed 0, not 3"),
        ({"memory": 0}, "--memory 32, not 0"),
    ],
)
def test_resume_with_other_settings_is_refused(
    glyphs: LabelledPictures, stopped: Path, settings: dict[str, Any], mentions: str
) -> None:
    before = (stopped / FILE).read_bytes()
    with pytest.raises(TrainingError, match=f"was trained with {mentions}; resume with the same"):
        start(glyphs, stopped, replace(FULL, **settings), resume=True)
    assert (stopped / FILE).read_bytes() == before


def test_resume_with_other_pictures_is_refused(
    stopped: Path, glyph_folder: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(glyph_folder, tmp_path / "other"))
    with pytest.raises(TrainingError, match="is of other pictures; give the same folder"):
        start(read_labelled(other), stopped, FULL, resume=True)


def test_without_resume_an_unfinished_training_is_not_overwritten(
    stopped: Path, glyphs: LabelledPictures
) -> None:
    with pytest.raises(InputError, match="holds an unfinished training run: go on with --resume"):
        start(glyphs, stopped, FULL)


def cut(state: bytes) -> bytes:
    return state[: len(state) // 2]


def flipped(state: bytes) -> bytes:
    place = len(state) // 2
    return state[:place] + bytes([state[place] ^ 0xFF]) + state[place + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped, lambda _: b"", lambda _: b"no state\nat all"])
def test_damaged_state_is_one_line(
    stopped: Path, glyphs: LabelledPictures, damage: Callable[[bytes], bytes]
) -> None:
    (stopped / FILE).write_bytes(damage((stopped / FILE).read_bytes()))
    with pytest.raises(TrainingError, match="train again without --resume") as caught:
        start(glyphs, stopped, FULL, resume=True)
    assert FILE in str(caught.value)
    assert "\n" not in str(caught.value)


def test_state_of_another_version(stopped: Path, glyphs: LabelledPictures) -> None:
    state = torch.load(stopped / FILE, weights_only=True)
    torch.save({**state, "format_version": 99}, stopped / FILE)
    with pytest.raises(TrainingError, match="is of another version; train again without --resume"):
        start(glyphs, stopped, FULL, resume=True)


def scripted(monkeypatch: pytest.MonkeyPatch, course: list[float]) -> None:
    """Let the validation classes give these MAP@R, one after the other."""

    class Found:
        def means(self) -> dict[str, float]:
            return {"recall_at_1": 0.5, "map_at_r": left.pop(0)}

    left = list(course)
    monkeypatch.setattr(loop, "retrieve", lambda *_: Found())


@pytest.mark.parametrize(
    ("course", "patience", "epochs", "best"),
    [
        ([0.1, 0.2, 0.3, 0.3, 0.25, 0.9], 2, 4, 2),
        ([0.1, 0.2, 0.15, 0.3, 0.2, 0.2, 0.9], 2, 5, 3),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 1, 4, 4),
        ([0.1, 0.2, 0.1, 0.9], 1, 2, 1),
        ([0.5, 0.2, 0.1, 0.1, 0.9], 2, 3, 0),
    ],
)
def test_stops_early_and_keeps_the_best(
    glyphs: LabelledPictures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    course: list[float],
    patience: int,
    epochs: int,
    best: int,
) -> None:
    scripted(monkeypatch, course)
    saved: list[dict[str, torch.Tensor]] = []
    save = checkpoint.save

    def saving(folder: Path, network: Any, config: Any) -> None:
        save(folder, network, config)
        saved.append(weights(folder))

    monkeypatch.setattr(checkpoint, "save", saving)
    config = changed(epochs=len(course) - 1, patience=patience)
    result, witness = start(glyphs, tmp_path / "out", config)
    assert result is not None
    assert [row["epoch"] for row in result.history] == list(range(epochs + 1))
    early = f"stopped after epoch {epochs} of {config.epochs}"
    assert any(early in note for note in witness.notes) == (epochs < config.epochs)
    assert result.best_epoch == best
    assert len(saved) == sum(
        value > max(course[:number], default=-1)
        for number, value in enumerate(course[: epochs + 1])
    ), "nothing but the best so far was ever kept"
    final = weights(tmp_path / "out")
    assert all(torch.equal(final[name], saved[-1][name]) for name in final)


def test_the_last_epoch_is_kept_where_it_is_asked_for(
    glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = [0.1, 0.5, 0.3, 0.4, 0.2]
    kept: dict[str, dict[str, torch.Tensor]] = {}
    for keep in KEPT_EPOCHS:
        scripted(monkeypatch, course)
        config = changed(epochs=len(course) - 1, patience=2, keep=keep)
        result, _ = start(glyphs, tmp_path / keep, config)
        assert result is not None
        kept[keep] = weights(tmp_path / keep)
        assert result.best_epoch == {"best": 1, "last": 4}[keep]
        assert len(result.history) == {"best": 4, "last": 5}[keep], "patience is for the best"
    assert any(not torch.equal(kept["best"][name], kept["last"][name]) for name in kept["best"])
    with pytest.raises(ValueError, match="keep 'first'; use one of best, last"):
        changed(keep="first")


def weight_of(learner: Learner) -> torch.Tensor:
    """Return what the projection multiplies with; zeros make all embeddings the same."""
    projection = learner.network.projection
    weight = getattr(projection, "linear", projection).weight
    assert isinstance(weight, torch.Tensor)
    return weight


Step = Callable[[Learner, Pixels, Labels, Stage], BatchStats]


def sabotage(
    monkeypatch: pytest.MonkeyPatch, learners: list[Learner], broken: Callable[[int], bool]
) -> list[tuple[str, float, bool]]:
    """Make all embeddings equal before some of the steps, counted from 0.

    Returns what grows as the steps are taken: mining, learning rate, whether embeddings were equal.
    """
    taken: list[tuple[str, float, bool]] = []
    real: Step = Learner.step

    def step(self: Learner, pixels: Pixels, labels: Labels, stage: Stage) -> BatchStats:
        if self not in learners:
            learners.append(self)
        if broken(len(taken)):
            with torch.no_grad():
                weight_of(self).zero_()
        stats = real(self, pixels, labels, stage)
        rate = self.optimizer.param_groups[0]["lr"]
        taken.append((stage.mining, rate, stats.negative_distance < 1e-3))
        return stats

    monkeypatch.setattr(Learner, "step", step)
    return taken


@pytest.mark.parametrize("mining", ["batch_hard", "semi_hard", "selective"])
def test_a_collapse_is_noticed_and_mended(
    glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mining: str
) -> None:
    """From the second epoch's third batch on, all embeddings are equal."""
    learners: list[Learner] = []
    reloaded: list[bool] = []
    taken = sabotage(monkeypatch, learners, lambda step: 6 <= step < 16)
    again = Learner.start_again

    def start_again(self: Learner, network: Any) -> None:
        again(self, network)
        best = weights(tmp_path / "out")
        for state in (self.network.state_dict(), self.shown.state_dict()):
            trunk = [name for name in best if name.startswith("trunk.")]
            reloaded.extend(torch.equal(state[name], best[name]) for name in trunk)

    monkeypatch.setattr(Learner, "start_again", start_again)
    config = changed(mining=mining, epochs=6, ema=0.5, memory=16, patience=9)
    result, witness = start(glyphs, tmp_path / "out", config)
    assert result is not None

    # Ten batches in a row, although an epoch has only four.
    assert [equal for _, _, equal in taken] == [False] * 6 + [True] * 10 + [False] * 12
    assert [name for name, _, _ in taken] == [mining] * 16 + ["semi_hard"] * 12
    assert reloaded
    assert all(reloaded)
    (event,) = [row for row in metrics(tmp_path / "out") if "event" in row]
    assert (event["epoch"], event["event"]) == (4, "collapse")
    assert witness.notes == [event["note"]]
    assert "half the learning rate and semi-hard mining" in event["note"]
    assert f"the best weights (epoch {max_row(result.history[:4])})" in event["note"]

    done = [3 / 6, 5 / 6]  # the fourth epoch began anew, at half the rate of the cosine
    rates = [taken[16][1], taken[16 + 8][1]]
    cosines = [0.01 + 0.99 * (1 + np.cos(np.pi * share)) / 2 for share in done]
    assert rates == pytest.approx([1e-3 * cosine / 2 for cosine in cosines])
    assert [row["epoch"] for row in result.history if "event" not in row] == list(range(7))


def max_row(history: list[Row]) -> int:
    best = max(history, key=lambda row: row["map_at_r"])
    return int(best["epoch"])


def fine_tuned(straight: Path, learning_rate: float) -> TrainingConfig:
    """Batch statistics are kept, so nothing holds the embeddings apart but the loss."""
    return changed(
        backbone=None,
        weights=str(straight),
        size=None,
        learning_rate=learning_rate,
        epochs=8,
        patience=9,
    )


def test_a_rate_too_high_collapses_for_real_and_is_mended(
    glyphs: LabelledPictures, straight: Path, tmp_path: Path
) -> None:
    result, witness = start(glyphs, tmp_path / "out", fine_tuned(straight, 1.0))
    assert result is not None
    assert "all embeddings became the same" in witness.notes[0]
    assert [row["note"] for row in result.history if "event" in row] == witness.notes
    distances = [stats.negative_distance for _, stats in witness.batches]
    collapsed = next(place for place, each in enumerate(distances) if each < 0.003)
    assert max(distances[collapsed:]) > 0.05, "it learned again"


def test_embeddings_of_endless_length_are_a_collapse(
    glyphs: LabelledPictures, straight: Path, tmp_path: Path
) -> None:
    """An absurd rate blows the weights up: lengths overflow, and what is left points nowhere."""
    with pytest.raises(TrainingError, match=r"collapsed 4 times: .* lower --learning-rate"):
        start(glyphs, tmp_path / "out", fine_tuned(straight, 10.0))
    assert all(value.isfinite().all() for value in weights(tmp_path / "out").values())


def test_collapsing_again_and_again_is_an_error(
    glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = sabotage(monkeypatch, [], lambda step: step >= 2)
    with pytest.raises(TrainingError, match=r"collapsed 4 times: .* lower --learning-rate"):
        start(glyphs, tmp_path / "out", changed(epochs=20, patience=20))
    events = [row for row in metrics(tmp_path / "out") if "event" in row]
    assert len(events) == 3
    assert len(taken) == 12 + 10 + 10 + 10
    assert checkpoint.load_network(tmp_path / "out"), "the best weights are still there"


@pytest.mark.parametrize("loss", ["triplet", "arcface", "sigmoid", "proxy_anchor"])
def test_a_loss_that_is_no_number_is_mended_at_once(
    glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    """The weights of network, average and loss are no numbers any more; none of it may stay."""
    taken: list[BatchStats] = []
    real: Step = Learner.step

    def step(self: Learner, pixels: Pixels, labels: Labels, stage: Stage) -> BatchStats:
        if len(taken) == 5:
            with torch.no_grad():
                weight_of(self).fill_(float("nan"))
        taken.append(real(self, pixels, labels, stage))
        return taken[-1]

    monkeypatch.setattr(Learner, "step", step)
    result, witness = start(glyphs, tmp_path / "out", changed(loss=loss, ema=0.5, epochs=3))
    assert result is not None
    assert len(witness.notes) == 1
    assert [np.isfinite(stats.loss) for stats in taken] == [True] * 5 + [False] + [True] * 8
    assert all(torch.isfinite(value).all() for value in weights(tmp_path / "out").values())


def test_resume_equals_straight_across_a_collapse(
    glyphs: LabelledPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the guard has seen is part of the state."""
    config = changed(epochs=5, patience=9)
    for name, stops in (("straight", []), ("out", [9, 3, 4])):
        with monkeypatch.context() as patch:
            sabotage(patch, [], lambda step: 3 <= step < 13)
            for number, batches in enumerate(stops):
                start(glyphs, tmp_path / name, config, batches, resume=number > 0)
            start(glyphs, tmp_path / name, config, resume=bool(stops))
    assert [row for row in metrics(tmp_path / "out") if "event" in row]
    assert metrics(tmp_path / "out") == metrics(tmp_path / "straight")
    assert same_weights(tmp_path / "out", tmp_path / "straight")


def small(tmp_path: Path) -> LabelledPictures:
    return read_labelled(write_glyphs(tmp_path / "small", 6, 2))


@pytest.mark.parametrize("mining", ["auto", "distance_weighted", "semi_hard"])
def test_fewest_classes_that_will_do(tmp_path: Path, mining: str) -> None:
    """Two classes of two pictures to train on: batches of four, some with nothing to learn."""
    result, witness = start(small(tmp_path), tmp_path / "out", changed(mining=mining, epochs=4))
    assert result is not None
    assert len(witness.batches) >= 4
    assert witness.notes == ["2 classes to train on: a batch has all of them, not more"]
