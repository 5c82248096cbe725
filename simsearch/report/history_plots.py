"""How training went: curves over the epochs, with the stages and collapses."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simsearch.report.plots import FIRST, LINE, MARK, QUIET, SECOND, WRONG, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = list[dict[str, Any]]

_MOST_MARKERS = 40
_LABEL_ROWS = 3
_LETTER = 0.0165  # width of a letter of a stage's name, in widths of the axes


def history_plots(history: Rows, best_epoch: int) -> list[str]:
    """Return the plots as HTML.

    Args:
        history: rows of metrics.jsonl; a row without figures is an event, such as a collapse.
        best_epoch: the epoch whose network was kept.
    """

    def curves(names: dict[str, str], bottom: float | None = 0) -> Any:
        return lambda axes: _draw(axes, history, names, best_epoch, bottom)

    return [
        plot(
            "Loss",
            "Mean over the batches of an epoch. Harder mining lifts it: compare within a stage.",
            curves({"loss": "loss"}),
        ),
        plot(
            "Validation",
            "On classes that were not trained on; higher is better. Epoch 0 is the network "
            "as it came, and with its projection fitted; the ring is the one that was kept.",
            curves({"recall_at_1": "recall@1", "map_at_r": "MAP@R"}, None),
        ),
        plot(
            "Share of active triplets",
            "Triplets of a batch that the margin is not kept by yet: there is something to learn.",
            curves({"active_triplets": "active"}),
        ),
        plot(
            "Mean distances",
            "Of training pictures to their own class, d(a,p), and to others, d(a,n).",
            curves({"positive_distance": "d(a,p)", "negative_distance": "d(a,n)"}),
        ),
    ]


def collapses(history: Rows) -> list[str]:
    """Return what was noted about each collapse, in order."""
    return [str(row.get("note", "collapse")) for row in history if row.get("event") == "collapse"]


def _draw(
    axes: "Axes", history: Rows, names: dict[str, str], best_epoch: int, bottom: float | None
) -> None:
    from matplotlib.ticker import MaxNLocator

    styles = (("-", "o", FIRST), ("--", "s", SECOND))
    last = max([1, *(row["epoch"] for row in history)])
    for (name, label), (line, marker, colour) in zip(names.items(), styles, strict=False):
        rows = [row for row in history if name in row]
        epochs, values = [row["epoch"] for row in rows], [row[name] for row in rows]
        shown = marker if last <= _MOST_MARKERS else ""
        axes.plot(epochs, values, line, marker=shown, color=colour, label=label)
        if name == "map_at_r":
            _mark_kept(axes, dict(zip(epochs, values, strict=True)), best_epoch)
    axes.set_xlim(-0.5, last + 0.5)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.12)
    if bottom is not None:
        axes.set_ylim(bottom=bottom)
    _mark_stages(axes, history, last)
    _mark_collapses(axes, history)
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(loc="best")


def _mark_kept(axes: "Axes", values: dict[int, float], best_epoch: int) -> None:
    if best_epoch in values:
        axes.plot(
            [best_epoch],
            [values[best_epoch]],
            "o",
            markersize=12,
            markerfacecolor="none",
            markeredgecolor=MARK,
            markeredgewidth=1.6,
            label="kept",
        )


def _mark_stages(axes: "Axes", history: Rows, last: int) -> None:
    """Draw a line where a stage begins, with its name above, in rows where names are too wide."""
    ends = [-np.inf] * _LABEL_ROWS
    before = "untrained"
    for row in history:
        name = str(row.get("stage", before))
        if name == before:
            continue
        before, start = name, row["epoch"] - 0.5
        axes.axvline(start, color=LINE, linewidth=1.2, zorder=0.5)
        left = (start + 0.5) / (last + 1)
        level = next((n for n, end in enumerate(ends) if left >= end), _LABEL_ROWS - 1)
        ends[level] = left + _LETTER * (len(name) + 2)
        fits = ends[level] <= 1.1
        axes.text(
            start if fits else last + 0.5,
            1.02 + 0.065 * level,
            name.replace("_", "-"),
            transform=axes.get_xaxis_transform(),
            horizontalalignment="left" if fits else "right",
            fontsize=8,
            color=QUIET,
        )


def _mark_collapses(axes: "Axes", history: Rows) -> None:
    label: str | None = "collapse"
    for epoch in sorted({row["epoch"] for row in history if row.get("event") == "collapse"}):
        axes.axvline(epoch - 0.5, color=WRONG, linestyle=":", linewidth=1.6)
        axes.plot(
            [epoch - 0.5],
            [0.96],
            "X",
            color=WRONG,
            markersize=8,
            linestyle="none",
            transform=axes.get_xaxis_transform(),
            label=label,
        )
        label = None
