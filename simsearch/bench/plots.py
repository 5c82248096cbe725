"""Plots of benchmarks, without a screen."""

from pathlib import Path
from typing import Any

from simsearch.errors import InputError

_SUFFIXES = (".svg", ".png", ".pdf")


def check_plot(path: Path) -> None:
    """Refuse a kind of file before anything is measured; raises InputError."""
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"can't write '{path}': no known suffix; give a .svg, .png or .pdf")


def new_figure(width: float, height: float) -> Any:
    """Return an empty matplotlib figure; sizes in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Any, path: Path) -> None:
    """Write a figure as its suffix says; raises InputError if it can't be written."""
    check_plot(path)
    try:
        figure.savefig(path, dpi=144)
    except OSError as error:
        raise InputError(f"can't write '{path}': {error.strerror}; choose another place") from error
