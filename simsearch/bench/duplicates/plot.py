"""Draws the benchmark of duplicates: recall a kind of alteration, each method in its own colour."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simsearch.bench.duplicates.figures import PRECISIONS
from simsearch.bench.plots import new_figure, save

if TYPE_CHECKING:
    from simsearch.bench.duplicates.run import DuplicatesBenchmark


def plot_recall(result: "DuplicatesBenchmark", path: Path) -> None:
    """Write a plot of recall at the first precision, a row a kind, mean of the strengths.

    Args:
        path: SVG, PNG or PDF, by its suffix.

    Raises:
        InputError: the suffix is another, or the file can't be written.
    """
    kinds = list(result.methods[0].by_kind)
    figure = new_figure(7, 1.6 + 0.28 * len(kinds))
    axes = figure.subplots()
    rows = np.arange(len(kinds))
    for number, method in enumerate(result.methods):
        shares = [method.by_kind[kind] for kind in kinds]
        offset = 0.12 * (number - (len(result.methods) - 1) / 2)
        axes.hlines(rows + offset, [min(s) for s in shares], [max(s) for s in shares], f"C{number}")
        axes.plot(
            [np.mean(s) for s in shares], rows + offset, "o", color=f"C{number}", label=method.name
        )
    axes.set(yticks=rows, yticklabels=kinds, xlim=(-0.02, 1.02), ylim=(len(kinds) - 0.5, -0.5))
    axes.set_xlabel(f"recall at {100 * PRECISIONS[0]:g} % precision, mild to strong")
    axes.grid(axis="x", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    save(figure, path)
