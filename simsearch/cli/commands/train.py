"""simsearch train"""

from pathlib import Path
from typing import Annotated, Any

import typer

from simsearch.cli.options import Device, Json
from simsearch.cli.render import print_json
from simsearch.cli.stopping import EXIT_INTERRUPTED, ctrl_c
from simsearch.config import (
    DEFAULT_BACKBONE,
    FITS,
    KEPT_EPOCHS,
    POOLINGS,
    PRECISIONS,
    TrainingConfig,
)
from simsearch.records.labelled import TrainingResult

_DEFAULT = TrainingConfig()


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER", help="A folder a class, or a CSV or Parquet table of path, label."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new encoder.")],
    val: Annotated[
        str | None,
        typer.Option(help="Pictures to validate on.", show_default="classes drawn from FOLDER"),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Network: conv4, koch, signet, timm/NAME, torchvision/NAME or the default.",
            show_default=DEFAULT_BACKBONE,
        ),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="What to start from: imagenet, none or an encoder (name or folder).")
    ] = _DEFAULT.weights,
    size: Annotated[
        int | None, typer.Option(min=16, help="Pixels a side.", show_default="the network's own")
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            help=f"How pictures become squares: {', '.join(FITS)}.",
            show_default="the network's own",
        ),
    ] = None,
    pooling: Annotated[str, typer.Option(help=f"One of {', '.join(POOLINGS)}.")] = _DEFAULT.pooling,
    dim: Annotated[int, typer.Option(min=1, help="Length of the vectors.")] = _DEFAULT.dim,
    loss: Annotated[
        str,
        typer.Option(
            help="triplet, triplet_soft, contrastive, angular, multi_similarity, ntxent, "
            "arcface, proxy_anchor or sigmoid."
        ),
    ] = _DEFAULT.loss,
    mining: Annotated[
        str,
        typer.Option(
            help="auto (from semi-hard to global), global, batch_hard, first_positive, semi_hard, "
            "batch_all, distance_weighted, selective or random."
        ),
    ] = _DEFAULT.mining,
    augment: Annotated[
        str, typer.Option(help="What may change in a picture: photo, glyph, copy or none.")
    ] = _DEFAULT.augment,
    classes_per_batch: Annotated[
        int, typer.Option("--classes-per-batch", "-p", min=2, help="Classes a batch.")
    ] = _DEFAULT.classes_per_batch,
    pictures_per_class: Annotated[
        int, typer.Option("--pictures-per-class", "-k", min=2, help="Pictures of each.")
    ] = _DEFAULT.pictures_per_class,
    epochs: Annotated[int, typer.Option(min=0, help="0 only calibrates.")] = _DEFAULT.epochs,
    learning_rate: Annotated[
        float | None,
        typer.Option(min=0, help="Highest rate.", show_default="1e-4; from scratch 1e-3"),
    ] = None,
    weight_decay: Annotated[float, typer.Option(min=0, help="Of AdamW.")] = _DEFAULT.weight_decay,
    memory: Annotated[
        int, typer.Option(min=0, help="Past embeddings to compare with.")
    ] = _DEFAULT.memory,
    entropy: Annotated[
        float, typer.Option(min=0, help="Weight of a term that spreads the vectors; 0 is off.")
    ] = _DEFAULT.entropy,
    distillation: Annotated[
        float,
        typer.Option(min=0, help="Weight of a term that keeps what looked alike alike; 0 is off."),
    ] = _DEFAULT.distillation,
    ema: Annotated[
        float, typer.Option(min=0, max=0.9999, help="Decay of averaged weights; 0 is off.")
    ] = _DEFAULT.ema,
    frozen: Annotated[
        int,
        typer.Option(
            min=0, help="Stages of the default backbone that stay as they are; 0, 4 to 6."
        ),
    ] = _DEFAULT.frozen,
    reuse: Annotated[
        int, typer.Option(min=1, help="Epochs that show the same views before new ones are made.")
    ] = _DEFAULT.reuse,
    mine_every: Annotated[
        int, typer.Option(min=1, help="Epochs between global searches.")
    ] = _DEFAULT.mine_every,
    patience: Annotated[
        int, typer.Option(min=1, help="Epochs without gain before it stops.")
    ] = _DEFAULT.patience,
    keep: Annotated[
        str, typer.Option(help=f"Which epoch: {' or '.join(KEPT_EPOCHS)} (best is by validation).")
    ] = _DEFAULT.keep,
    precision: Annotated[
        str, typer.Option(help=f"One of {', '.join(PRECISIONS)}; auto is bf16 on CUDA.")
    ] = _DEFAULT.precision,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = _DEFAULT.seed,
    device: Device = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Decoding threads.", show_default="one a core")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was interrupted.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no summary; only notes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train an encoder on labelled pictures, by triplets with hard-negative mining.

    Example: simsearch train ./products --out encoders/products
    """
    settings = {name: value for name, value in locals().items() if hasattr(_DEFAULT, name)}
    config = _config(settings)
    from simsearch.cli.training_progress import show_training
    from simsearch.evaluation.labelled import read_labelled
    from simsearch.training.train import train

    pictures = read_labelled(source)
    validation = read_labelled(val) if val is not None else None
    with show_training(config.epochs, quiet) as watcher, ctrl_c() as stop:
        result = train(
            pictures,
            out,
            config,
            watcher,
            validation=validation,
            device=device,
            workers=workers,
            resume=resume,
            should_stop=stop.is_set,
        )
    if result is None:
        typer.echo(f"stopped: go on with the same command and --resume ('{out}')", err=True)
        raise typer.Exit(EXIT_INTERRUPTED)
    from simsearch.report.training import write_training_report

    report = write_training_report(result)
    if as_json:
        print_json(_as_json(result, report))
    elif not quiet:
        _summarize(result, report)


def _config(settings: dict[str, Any]) -> TrainingConfig:
    try:
        return TrainingConfig(**settings)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _as_json(result: TrainingResult, report: Path) -> dict[str, object]:
    return {
        "out": result.out,
        "split": result.split,
        "epochs": result.history[-1]["epoch"],
        "best_epoch": result.best_epoch,
        "untrained": _measured(result, "untrained"),
        "trained": _measured(result, result.best_epoch),
        "seconds": result.seconds,
        "report": str(report),
    }


def _measured(result: TrainingResult, when: int | str) -> dict[str, float]:
    """Return what was measured on the validation classes last in an epoch, or in a stage."""
    rows = [row for row in result.history if when in (row["epoch"], row.get("stage"))]
    row = next(row for row in reversed(rows) if "map_at_r" in row)
    return {name: row[name] for name in ("recall_at_1", "map_at_r")}


def _summarize(result: TrainingResult, report: Path) -> None:
    before, after = _measured(result, "untrained"), _measured(result, result.best_epoch)
    typer.echo(
        f"encoder '{result.out}': MAP@R {after['map_at_r']:.3f} on classes it was not trained on, "
        f"{before['map_at_r']:.3f} before; kept from epoch {result.best_epoch}"
    )
    typer.echo(f"report: {report}")
    typer.echo(f"next: simsearch index ./pictures --encoder {result.out}")
    typer.echo(f"      simsearch verify A.jpg B.jpg --encoder {result.out}")
