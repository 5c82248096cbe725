"""simsearch bench recall"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simsearch.cli.options import Home, Json, home_or_default
from simsearch.cli.outputs import check_outputs
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_table, shown_path, size
from simsearch.config import SEARCH_METRICS

if TYPE_CHECKING:
    from simsearch.bench.recall.run import Run
    from simsearch.index.recipes import Vectors

_MODES = ("single", "batch")
_MEANING = {"single": "one query a call", "batch": "all queries in one call"}
_KEPT = ".bench"  # below the folder of collections; no collection's name starts with a dot


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A collection; a .hdf5 of ann-benchmarks, .fbin, .f16bin, .u8bin, .i8bin or .npy; "
            "'fashion-mnist-784-euclidean'; or 'synthetic:N,D'.",
        ),
    ],
    queries: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Queries.", show_default="the file's own, or some are held out"
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE.ibin", help="True neighbours.", show_default="computed, kept"),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help=f"One of {', '.join(SEARCH_METRICS)}.", show_default="the file's own, or cosine"
        ),
    ] = None,
    recipes: Annotated[
        str | None,
        typer.Option(
            help="Index recipes, with commas; 'gpu/flat' and 'gpu/cagra' are searched on a GPU.",
            show_default="all that can be built",
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours.")] = 10,
    threads: Annotated[int, typer.Option(min=1, help="Of a search.")] = 1,
    mode: Annotated[
        str, typer.Option(help="'single': one query a call; 'batch': all in one; or 'both'.")
    ] = "both",
    sample: Annotated[int, typer.Option(min=1, help="Queries at most.")] = 1000,
    repeat: Annotated[int, typer.Option(min=1, help="Times that all are asked.")] = 5,
    peers: Annotated[
        bool, typer.Option("--peers", help="Also hnswlib and usearch, where installed.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="RUNS.jsonl",
            help="Where a line a run is kept; finished runs are not run again.",
            show_default=f"{_KEPT}/recall.jsonl below the folder of collections",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="OUT.svg", help="Also draw recall against speed; or OUT.png."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Measure recall, speed and size of every index recipe.

    Example: simsearch bench recall photos --plot recall.svg
    """
    _check_choices(mode, metric)
    from simsearch.bench.plots import check_plot

    if plot is not None:
        check_plot(plot)
    check_outputs(plot, out)
    from simsearch.bench.recall.run import PEERS, benchmark_recall, engine_of, read_runs
    from simsearch.bench.recall.sources import Asked, open_source

    chosen = _chosen(recipes)
    place = home_or_default(home)
    kept = place / _KEPT
    runs_file = out or kept / "recall.jsonl"
    read_runs(runs_file)  # what can't be read is told before anything is measured
    asked = Asked(source, queries, truth, metric, sample)
    with (
        show_progress(quiet=False, doing="comparing", what="vectors") as comparing,
        open_source(asked, k, kept, partial(_embeddings, place), comparing) as dataset,
        show_progress(quiet=False, doing="measuring", what="indices") as progress,
    ):
        runs = benchmark_recall(
            dataset,
            [*map(engine_of, chosen), *(PEERS if peers else ())],
            _MODES if mode == "both" else (mode,),
            k,
            threads,
            repeat,
            runs_file,
            lambda warning: typer.echo(f"warning: {warning}", err=True),
            progress,
        )
    if as_json:
        for run in runs:
            typer.echo(json.dumps(run))
    else:
        _show(runs, runs_file)
    if plot is not None:
        from simsearch.bench.recall.plot import plot_runs

        plot_runs(runs, plot)


def _check_choices(mode: str, metric: str | None) -> None:
    if mode not in {*_MODES, "both"}:
        raise typer.BadParameter(f"'{mode}' is none of single, batch, both", param_hint="--mode")
    if metric not in {*SEARCH_METRICS, None}:
        raise typer.BadParameter(
            f"'{metric}' is none of {', '.join(SEARCH_METRICS)}", param_hint="--metric"
        )


def _chosen(recipes: str | None) -> list[str]:
    """Return the recipes asked for, or all that this machine can build, or search on a GPU."""
    from simsearch.bench.recall.run import ON_GPU
    from simsearch.index.device import count_gpus
    from simsearch.index.recipes import load_recipe, recipe_names

    known = [*recipe_names(), *ON_GPU]
    if recipes is None:
        if count_gpus():
            return known
        return [name for name in recipe_names() if not load_recipe(name).gpu_only]
    chosen = [name.strip() for name in recipes.split(",")]
    for name in chosen:
        if name not in known:
            raise typer.BadParameter(
                f"'{name}' is none of {', '.join(known)}", param_hint="--recipes"
            )
    return chosen


def _embeddings(home: Path, name: str) -> "Vectors":
    from simsearch.collection.api import Collection
    from simsearch.store.schema import table_to_vectors

    return table_to_vectors(Collection.open(name, home).embeddings()).astype("float32")


def _show(runs: "Sequence[Run]", kept: Path) -> None:
    from simsearch.bench.recall.plot import pareto

    one = runs[0]
    typer.echo(
        f"{one['dataset']}: {one['n']:,} x {one['dim']}, {one['metric']}; "
        f"{one['queries']:,} queries, k {one['k']}, "
        f"{plural(one['threads'], 'thread')}, {one['cpu']}\n"
    )
    for mode in dict.fromkeys(run["mode"] for run in runs):
        rows = [
            _row(run)
            for engine in dict.fromkeys(run["engine"] for run in runs)
            for run in pareto([r for r in runs if (r["engine"], r["mode"]) == (engine, mode)])
        ]
        typer.echo(_MEANING[mode])
        header = ("engine", "effort", "recall", "1-recall", "q/s", "p50", "p95", "p99 ms")
        print_table((*header, "build s", "size"), rows, right=range(1, 10))
        typer.echo("")
    typer.echo(
        f"recall is {one['k']}-recall@{one['k']} by distance; 1-recall: the nearest is found"
    )
    typer.echo(
        f"only runs that no other of their engine beats; all: {shown_path(str(kept.absolute()))}"
    )


def _row(run: "Run") -> list[str]:
    return [
        run["engine"].removeprefix("simsearch/"),
        f"{run['effort']}",
        f"{run['recall']:.4f}",
        f"{run['recall_of_nearest']:.4f}",
        f"{run['queries_per_second']:,.0f}",
        *(f"{run[name]:.3g}" for name in ("p50_ms", "p95_ms", "p99_ms")),
        f"{run['train_seconds'] + run['add_seconds']:.1f}",
        size(run["bytes"]),
    ]
