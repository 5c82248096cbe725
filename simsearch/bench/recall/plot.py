"""Draws recall against queries a second: the best of each engine, up and to the right is better."""

from collections.abc import Sequence
from pathlib import Path

from simsearch.bench.plots import new_figure, save
from simsearch.bench.recall.run import Run


def pareto(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that no other beats in both recall and speed, by ascending recall."""
    kept: list[Run] = []
    for run in sorted(runs, key=lambda run: (-run["recall"], -run["queries_per_second"])):
        if not kept or run["queries_per_second"] > kept[-1]["queries_per_second"]:
            kept.append(run)
    return kept[::-1]


def plot_runs(runs: Sequence[Run], path: Path) -> None:
    """Write a plot, a panel a mode and a line an engine.

    Args:
        path: SVG, PNG or PDF, by its suffix.

    Raises:
        InputError: the suffix is another, or the file can't be written.
    """
    modes = list(dict.fromkeys(run["mode"] for run in runs))
    engines = list(dict.fromkeys(run["engine"] for run in runs))
    figure = new_figure(7, 4.2 * len(modes) + 0.8)
    for axes, mode in zip(figure.subplots(len(modes), squeeze=False)[:, 0], modes, strict=True):
        for number, engine in enumerate(engines):
            mine = pareto([r for r in runs if (r["mode"], r["engine"]) == (mode, engine)])
            x, y = [r["recall"] for r in mine], [r["queries_per_second"] for r in mine]
            label = engine.removeprefix("simsearch/")
            axes.plot(x, y, "o-", color=f"C{number}", label=label, markersize=3, linewidth=1.2)
        axes.set(yscale="log", ylabel=f"queries a second, {mode}", xlabel="recall")
        axes.grid(linewidth=0.4, which="both", alpha=0.5)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    save(figure, path)
