"""What a collection's calibration says, for people."""

import math
from typing import TYPE_CHECKING

import typer

from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural

if TYPE_CHECKING:
    from simsearch.collection.api import Collection
    from simsearch.collection.duplicates.calibration import CopyCalibration


def fitted(collection: "Collection", fresh: bool = False) -> "CopyCalibration":
    """Return a collection's calibration, with a progress bar where it has to be fitted."""
    with show_progress(quiet=False, doing="calibrating", what="pairs") as progress:
        return collection.calibration(progress, fresh)


def show_calibration(collection: "Collection", precision: float, recheck: bool) -> None:
    """Say where copies begin at a precision, and how that is known."""
    from simsearch.local.verdict import certainty

    calibration = fitted(collection)
    curve = calibration.look if recheck else calibration.ratio
    cut = curve.cut(precision)
    if recheck:
        begin = f"certainty {certainty(cut):.3g} or more"
    else:
        begin = f"{math.exp(cut):.2f} times as near as what else is around, or nearer"
    typer.echo(f"copies: {begin}; {grounds(calibration)}", err=True)
    reached = curve.precision(cut)
    if reached < precision:
        by = "" if recheck else " by cosines alone"
        remedy = "" if recheck else "; leave out --no-recheck"
        typer.echo(
            f"warning: a precision of {precision:g} is out of reach{by} among these pictures: "
            f"expect {reached:.3f}{remedy}",
            err=True,
        )


def grounds(calibration: "CopyCalibration") -> str:
    """Return what a calibration was fitted on."""
    if not calibration.own:
        return "as for photographs in general: too few different pictures to calibrate on"
    return (
        f"calibrated on altered copies of {plural(calibration.sample, 'picture')} of these "
        f"({calibration.seconds:.0f} s)"
    )
