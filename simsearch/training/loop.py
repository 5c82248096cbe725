"""The training loop: epochs of batches, measured on held-out classes after each."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from simsearch.encoder import checkpoint
from simsearch.errors import TrainingError
from simsearch.metrics import retrieve
from simsearch.training.augment import augmentation, makes_copies
from simsearch.training.curriculum import Stage, stage_of
from simsearch.training.job import Job
from simsearch.training.learner import Learner
from simsearch.training.loader import augmented_batches
from simsearch.training.mining import Vectors, confused_classes
from simsearch.training.neck import folded
from simsearch.training.optimizer import set_rate
from simsearch.training.partial import assembled
from simsearch.training.sampler import Rows, firsts, plan_epoch, shuffled
from simsearch.training.state import Position, load_state, save_state, write_history
from simsearch.training.views import Inputs, Views

_SAVE_SECONDS = 300.0
_MOST_COLLAPSES = 3


def fit(job: Job, learner: Learner, untrained: Vectors, resume: bool) -> Position | None:
    """Train to the end; return None if it was asked to stop before.

    The best checkpoint by MAP@R of the validation classes lies in `out` at any time.

    Args:
        untrained: the validation pictures' vectors before a projection was fitted.

    Raises:
        TrainingError: the state to resume from does not fit, or training keeps collapsing.
    """
    if resume:
        position = load_state(job.out, job.config, job.data, learner.modules())
    else:
        position = Position()
        if job.from_scratch:
            _measure(job, learner, position, {"epoch": 0, "stage": "untrained"})
        else:
            _note(job, position, {"epoch": 0, "stage": "untrained"}, untrained)
            _measure(job, learner, position, {"epoch": 0, "stage": "start"})
        save_state(job.out, job.config, job.data, position, learner.modules())
    write_history(job.out, position.history)
    while position.epoch < job.config.epochs and not _exhausted(job, position):
        stage = stage_of(job.config, position.epoch, softened=position.collapses > 0)
        if position.plan is None:
            _plan(job, learner, position, stage)
        outcome = _run_epoch(job, learner, position, stage)
        if outcome == "stopped":
            save_state(job.out, job.config, job.data, position, learner.modules())
            return None
        if outcome == "collapsed":
            _take_up_the_best(job, learner, position)
        else:
            learner.settle()
            _measure(job, learner, position, _summary(learner, position, stage))
            position.epoch += 1
        position.step, position.plan, position.sums, position.seconds = 0, None, {}, 0.0
        save_state(job.out, job.config, job.data, position, learner.modules())
        write_history(job.out, position.history)
    if position.epoch < job.config.epochs:
        job.watcher.note(
            f"stopped after epoch {position.epoch} of {job.config.epochs}: none of the last "
            f"{job.config.patience} was better than epoch {position.best_epoch}"
        )
    return position


def _plan(job: Job, learner: Learner, position: Position, stage: Stage) -> None:
    """Choose the batches of an epoch; search for confused classes where the stage wants it."""
    due = position.confusion is None or position.epoch % job.config.mine_every == 0
    copies = makes_copies(job.config.augment)
    if stage.confused and due:
        position.confusion = confused_classes(
            learner.embed(job.train), job.train_labels, alone=copies
        )
    seed = (job.config.seed, 2, position.epoch, position.collapses)
    if _again(job, position):
        kept = position.kept
        assert kept is not None  # noqa: S101 - the epoch before has kept them
        labels = job.train_labels[kept]
        turns = kept if copies else labels  # of copies, a turn is of one picture
        position.plan = shuffled(labels, turns, job.config.classes_per_batch, seed)
        return
    position.plan = plan_epoch(
        job.train_labels,
        job.config.classes_per_batch,
        job.config.pictures_per_class,
        seed,
        position.confusion if stage.confused else None,
        copies,
    )
    position.kept = np.concatenate(position.plan)


def _again(job: Job, position: Position) -> bool:
    """Whether an epoch shows what one before has shown, in other batches."""
    return position.epoch % job.config.reuse > 0


def _batches(job: Job, learner: Learner, position: Position) -> Iterator[tuple[Rows, Inputs]]:
    """Yield (rows of pictures, inputs of the network) of the rest of an epoch's plan."""
    plan, kept = position.plan, position.kept
    assert plan is not None  # noqa: S101 - made before
    assert kept is not None  # noqa: S101
    views = Views(job.out, len(kept))
    if _again(job, position):
        for places in plan[position.step :]:
            yield kept[places], views.read(places)
        return
    seed = (job.config.seed, 3, position.epoch, position.collapses)
    copied = makes_copies(job.config.augment)
    first = sum(map(len, plan[: position.step]))
    for rows, pixels in augmented_batches(
        job.train,
        plan,
        position.step,
        augmentation(job.config.augment),
        seed,
        job.workers,
        partial(_done, job, position),
        (lambda rows: firsts(job.train_labels[rows]) == np.arange(len(rows))) if copied else None,
    ):
        inputs = learner.inputs(pixels)
        if job.config.reuse > 1:
            views.write(first, inputs)
            first += len(rows)
        yield rows, inputs


def _done(job: Job, position: Position, step: int) -> float:
    """Return the share of the training that is over at a step of an epoch."""
    return (position.epoch + step / len(position.plan or [1])) / job.config.epochs


def _run_epoch(job: Job, learner: Learner, position: Position, stage: Stage) -> str:
    """Train on the rest of the plan; return 'done', 'stopped' or 'collapsed'."""
    steps = len(position.plan or [])
    learner.set_mode()
    learner.guard.hurry((job.config.patience - 2) * steps)
    started, saved = time.monotonic() - position.seconds, time.monotonic()
    for rows, inputs in _batches(job, learner, position):
        set_rate(learner.optimizer, _done(job, position, position.step), position.rate_factor)
        stats = learner.step(inputs, job.train_labels[rows], stage)
        if learner.guard.collapsed:
            return "collapsed"
        position.step += 1
        position.seconds = time.monotonic() - started
        for name, value in {**asdict(stats), "pictures": len(rows)}.items():
            position.sums[name] = position.sums.get(name, 0.0) + value
        rate = position.sums["pictures"] / max(position.seconds, 1e-9)
        job.watcher.batch(position.epoch, position.step, steps, stats, rate)
        if job.should_stop():
            return "stopped"
        if time.monotonic() - saved > _SAVE_SECONDS:
            save_state(job.out, job.config, job.data, position, learner.modules())
            saved = time.monotonic()
    return "done"


def _measure(job: Job, learner: Learner, position: Position, row: dict[str, Any]) -> None:
    """Measure on the validation classes, note it, and keep the network if it is to be kept."""
    quality = _note(job, position, row, learner.embed(job.validation))
    if quality > position.best or job.config.keep == "last":
        position.best, position.best_epoch = quality, row["epoch"]
        checkpoint.save(job.out, folded(assembled(learner.shown)), job.network_config)


def _note(job: Job, position: Position, row: dict[str, Any], vectors: Vectors) -> float:
    """Add a row with how well the validation pictures are told apart; return their MAP@R."""
    figures = retrieve(vectors, job.validation_labels).means()
    row |= {name: figures[name] for name in ("recall_at_1", "map_at_r")}
    position.history.append(row)
    job.watcher.epoch(row)
    return figures["map_at_r"]


def _summary(learner: Learner, position: Position, stage: Stage) -> dict[str, Any]:
    """Return an epoch's figures: means over its batches."""
    means = {name: total / position.step for name, total in position.sums.items()}
    return {
        "epoch": position.epoch + 1,
        "stage": stage.name,
        "loss": means["loss"],
        "active_triplets": means["active"],
        "positive_distance": means["positive_distance"],
        "negative_distance": means["negative_distance"],
        "learning_rate": learner.optimizer.param_groups[0]["lr"],
        "images_per_second": round(position.sums["pictures"] / position.seconds, 1),
        "seconds": round(position.seconds, 1),
    }


def _take_up_the_best(job: Job, learner: Learner, position: Position) -> None:
    """After a collapse: the best weights, half the rate, softer mining."""
    position.collapses += 1
    if position.collapses > _MOST_COLLAPSES:
        raise TrainingError(
            f"training collapsed {position.collapses} times: all embeddings became the same; "
            f"lower --learning-rate (now {job.learning_rate:g})"
        )
    position.rate_factor /= 2
    learner.start_again(checkpoint.load_network(job.out))
    message = (
        f"collapse in epoch {position.epoch + 1}: all embeddings became the same; going on from "
        f"the best weights (epoch {position.best_epoch}) with half the learning rate and "
        "semi-hard mining"
    )
    position.history.append({"epoch": position.epoch + 1, "event": "collapse", "note": message})
    job.watcher.note(message)


def _exhausted(job: Job, position: Position) -> bool:
    """Tell whether the last `patience` epochs brought nothing better."""
    return position.epoch - max(position.best_epoch, 1) >= job.config.patience
