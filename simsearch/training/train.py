"""One training run: labelled pictures in, a checkpoint folder out."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from simsearch.collection.api import available_cores
from simsearch.config import NetworkConfig, TrainingConfig
from simsearch.encoder import checkpoint
from simsearch.encoder.calibration import write_calibration
from simsearch.encoder.device import choose_target
from simsearch.encoder.eight_bit import fit_ranges
from simsearch.encoder.embed import normalized
from simsearch.encoder.network import EmbeddingNetwork
from simsearch.encoder.ranges import write_ranges
from simsearch.encoder.runtimes import Vectors
from simsearch.errors import InputError, StorageError, TrainingError
from simsearch.evaluation.calibrate import fit_calibration
from simsearch.evaluation.labelled import LabelledPictures
from simsearch.evaluation.pair_scores import score_pairs
from simsearch.records.labelled import TrainingResult
from simsearch.training.allocator import kept_memory
from simsearch.training.augment import augmentation
from simsearch.training.curriculum import check_mining
from simsearch.training.job import Job, Watcher
from simsearch.training.learner import Learner, drawn, fit_projection, outputs_of
from simsearch.training.loader import plain_batches
from simsearch.training.loop import fit
from simsearch.training.neck import Neck
from simsearch.training.objective import check_objective
from simsearch.training.partial import PartialNetwork
from simsearch.training.prepare import Prepared, prepare
from simsearch.training.start import build_network
from simsearch.training.state import FILE as STATE_FILE
from simsearch.training.state import HISTORY_FILE, Position, seed_everything
from simsearch.training.views import remove_views

SETTINGS_FILE = "training.json"
_RANGE_PICTURES, _RANGE_BATCH = 128, 32
_LIBRARIES = ("simsearch", "torch", "torchvision", "timm", "pytorch-metric-learning", "numpy")


def train(
    pictures: LabelledPictures,
    out: Path,
    config: TrainingConfig,
    watcher: Watcher,
    *,
    validation: LabelledPictures | None = None,
    calibration: LabelledPictures | None = None,
    device: str = "auto",
    workers: int | None = None,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainingResult | None:
    """Train an encoder and write it to `out`; return None if it was asked to stop before the end.

    Args:
        pictures: what to train on, and to draw classes from for validation and calibration.
        validation, calibration: pictures to use instead of drawn classes.
        out: folder of the checkpoint, new or, with `resume`, of a run that was interrupted.
        device: 'auto', 'cpu', 'cuda' or 'mps'.
        workers: threads that decode and augment; None is one a core.

    Raises:
        InputError: a setting or the pictures won't do.
        EncoderError: the weights to begin with can't be had.
        TrainingError: there is nothing to resume, or training keeps collapsing.
        StorageError: `out` can't be written.
    """
    check_objective(config.loss, config.memory)
    augmentation(config.augment)
    check_mining(config.mining)
    place = torch.device(choose_target(device).device)
    workers = workers or available_cores()
    with _folder(out, resume):
        for given in (pictures, validation, calibration):
            for warning in given.warnings if given else ():
                watcher.note(warning)
        seed_everything(config.seed)
        network, network_config = build_network(config)
        prepared = prepare(
            pictures,
            validation,
            calibration,
            config,
            network_config.preprocessing,
            workers,
            watcher.reading,
        )
    for note in prepared.notes:
        watcher.note(note)
    watcher.split(prepared.counts())
    job = _job(prepared, network_config, out, place, workers, watcher, should_stop)
    with kept_memory():
        learner, before = _begin(job, network)
        started = time.monotonic()
        position = fit(job, learner, before, resume)
    if position is None:
        return None
    _warn_if_worse(position, watcher)
    best = checkpoint.load_network(out).to(job.device)
    seconds = time.monotonic() - started
    result = _measured(job, prepared, learner, best, before, position, seconds)
    write_calibration(out, result.calibration)
    _write_ranges(job, best)
    _write_settings(out, result, prepared)
    (out / STATE_FILE).unlink(missing_ok=True)
    remove_views(out)
    return result


def _begin(job: Job, network: EmbeddingNetwork) -> tuple[Learner, Vectors]:
    """Return what learns, and the vectors of the validation pictures before anything is fitted."""
    network = network.to(job.device).to(memory_format=torch.channels_last)
    if job.config.frozen:
        network = PartialNetwork(network, job.network_config, job.config.frozen, job.device)
        network = network.to(job.device)
    # A projection drawn at random beside a trained trunk tells nothing of the network.
    fresh = not job.from_scratch and isinstance(network.projection, Neck) and network.projection.new
    outputs = outputs_of(job, job.validation, network, features=fresh)
    if not job.from_scratch:
        fit_projection(job, network, outputs if fresh else None)
    return Learner(job, network), normalized(outputs)


def _job(
    prepared: Prepared,
    network_config: NetworkConfig,
    out: Path,
    device: torch.device,
    workers: int,
    watcher: Watcher,
    should_stop: Callable[[], bool],
) -> Job:
    return Job(
        config=prepared.config,
        network_config=network_config,
        out=out,
        train=prepared.train,
        train_labels=prepared.split.train.labels,
        validation=prepared.validation,
        validation_labels=prepared.split.validation.labels,
        data=prepared.digest(),
        device=device,
        workers=workers,
        watcher=watcher,
        should_stop=should_stop,
    )


def _measured(
    job: Job,
    prepared: Prepared,
    learner: Learner,
    best: EmbeddingNetwork,
    before: Vectors,
    position: Position,
    seconds: float,
) -> TrainingResult:
    """Calibrate the best network and collect what the report shows."""
    split = prepared.split
    scores = score_pairs(learner.embed(prepared.calibration, best), split.calibration.labels)
    calibration = fit_calibration(scores.same, scores.different, len(split.calibration.classes))
    return TrainingResult(
        out=str(job.out),
        settings=asdict(job.config),
        versions={name: version(name) for name in _LIBRARIES},
        split=prepared.counts(),
        history=position.history,
        seconds=round(seconds, 1),
        best_epoch=position.best_epoch,
        calibration=calibration,
        same_scores=scores.same,
        different_scores=scores.different,
        paths=split.validation.paths,
        labels=split.validation.labels,
        classes=split.validation.classes,
        before=before,
        after=learner.embed(job.validation, best),
    )


def _write_ranges(job: Job, network: EmbeddingNetwork) -> None:
    """Let CPUs without bfloat16 run the network in 8 bits, if it may be."""
    pictures = drawn(job, _RANGE_PICTURES)
    ranges = fit_ranges(network, list(plain_batches(pictures, _RANGE_BATCH, job.workers)))
    if ranges:
        write_ranges(job.out, ranges)


def _warn_if_worse(position: Position, watcher: Watcher) -> None:
    untrained = position.history[0]["map_at_r"]
    if position.best < untrained:
        watcher.note(
            f"the encoder tells the validation classes apart less well than the untrained network "
            f"(MAP@R {position.best:.3f}, not {untrained:.3f}): train on more classes or pictures, "
            "or use the untrained one"
        )


@contextmanager
def _folder(out: Path, resume: bool) -> Iterator[None]:
    """Make the output folder, or refuse it; what is made goes again if what follows fails."""
    unfinished = (out / STATE_FILE).is_file()
    if resume and not unfinished:
        raise TrainingError(f"nothing to resume in '{out}'; train without --resume")
    if not resume and (unfinished or checkpoint.is_checkpoint(out)):
        what = "an unfinished training run: go on with --resume" if unfinished else "an encoder"
        raise InputError(f"'{out}' already holds {what}; give another --out, or delete it")
    history = out / HISTORY_FILE
    new_folders = [folder for folder in (out, *out.parents) if not folder.exists()]
    new_history = not history.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        history.touch()
    except OSError as error:
        raise StorageError(f"can't write to '{out}': {error.strerror}; choose another") from error
    try:
        yield
    except BaseException:
        if new_history:
            history.unlink()
        with suppress(OSError):  # somebody else has put something there
            for folder in new_folders:
                folder.rmdir()
        raise


def _write_settings(out: Path, result: TrainingResult, prepared: Prepared) -> None:
    split = prepared.split
    data = {
        "settings": result.settings,
        "split": result.split,
        "held_out": {
            "validation": split.validation.classes,
            "calibration": split.calibration.classes,
        },
        "best_epoch": result.best_epoch,
        "seconds": result.seconds,
        "versions": result.versions,
    }
    (out / SETTINGS_FILE).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
