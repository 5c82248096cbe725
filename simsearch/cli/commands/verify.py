"""simsearch verify"""

from dataclasses import asdict
from typing import Annotated

import typer

from simsearch.cli.options import Device, Far, Json, open_share
from simsearch.cli.render import print_json, printable
from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.shipped import shipped_folder
from simsearch.records.labelled import Verification

EXIT_DIFFERENT = 3


def command(
    a: Annotated[str, typer.Argument(metavar="A", help="A picture.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    encoder: Annotated[
        str, typer.Option(help="A known name, timm/NAME, torchvision/NAME or a checkpoint folder.")
    ] = DEFAULT_ENCODER,
    prior: Annotated[
        float, typer.Option(callback=open_share, help="Share of same pairs to expect.")
    ] = 0.5,
    far: Far = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Tell whether two pictures show the same; exit code 0 if so, 3 if they differ.

    Example: simsearch verify a.jpg b.jpg --encoder encoders/faces
    """
    from simsearch.collection.verifying import verify

    result = verify(a, b, encoder, prior, far, device)
    if as_json:
        print_json({**asdict(result), "calibrated": result.calibrated})
    else:
        _show(result)
    if not result.calibrated:
        typer.echo(
            f"note: '{printable(result.encoder)}' has no calibration: similarity only; "
            "simsearch train makes one",
            err=True,
        )
    elif result.same is None:
        typer.echo(
            f"note: '{printable(result.encoder)}' was calibrated on {result.different_pairs} "
            "different pairs, too few for a verdict; train on more classes or pictures",
            err=True,
        )
    elif shipped_folder(result.encoder):
        typer.echo(
            f"note: '{result.encoder}' was calibrated on photographs of products; of other things "
            "its probability and verdict say little: simsearch train makes an encoder of yours",
            err=True,
        )
    if result.same is False:
        raise typer.Exit(EXIT_DIFFERENT)


def _show(result: Verification) -> None:
    lines = {
        "similarity": f"{result.similarity:.4f}",
        "distance": f"{result.distance:.4f}",
    }
    if result.probability is not None:
        lines |= {
            "probability": f"{result.probability:.4g} of the same, at a prior of {result.prior:g}",
            "log-likelihood ratio": f"{result.log_likelihood_ratio:.4f}",
        }
    if result.threshold is not None:
        lines["verdict"] = (
            f"{'same' if result.same else 'different'} (threshold {result.threshold:.4f}, "
            f"FAR {result.far:g} of {result.different_pairs:,} pairs)"
        )
    for label, value in lines.items():
        typer.echo(f"{label:<21} {value}")
