"""simsearch bench throughput"""

from typing import TYPE_CHECKING, Annotated

import typer

from simsearch.cli.options import Device, Json
from simsearch.cli.progress import show_progress
from simsearch.cli.render import plural, print_json, print_table, printable, size
from simsearch.config import DEFAULT_ENCODER

if TYPE_CHECKING:
    from simsearch.bench.throughput.run import Stage, Throughput


def _sizes(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise typer.BadParameter(f"'{text}' is no list of sizes, as 1,8,32")
    return sizes


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A folder of pictures, or made ones: 'made:500,1024x768'."
        ),
    ],
    encoder: Annotated[str, typer.Option(help="Name of an encoder.")] = DEFAULT_ENCODER,
    device: Device = "auto",
    batch_sizes: Annotated[
        str | None,
        typer.Option(
            metavar="N,...",
            help="Of the encoder, with commas.",
            show_default="what suits each device",
        ),
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, help="Pictures at most.")] = 2000,
    repeat: Annotated[int, typer.Option(min=1, help="Rounds; medians are given.")] = 3,
    as_json: Json = False,
) -> None:
    """Measure how fast pictures are read, encoded, stored, indexed and searched.

    Example: simsearch bench throughput ./photos
    """
    sizes = _sizes(batch_sizes)
    from simsearch.bench.throughput.run import benchmark_throughput

    with show_progress(quiet=False, doing="measuring", what="rounds") as progress:
        measured = benchmark_throughput(source, encoder, device, sizes, pictures, repeat, progress)
    if as_json:
        print_json(measured.as_dict())
    else:
        _show(measured)


def _show(measured: "Throughput") -> None:
    about = measured.about
    where = ", ".join([about["cpu"], *about["gpus"]])
    typer.echo(
        f"{printable(about['source'])}: {plural(about['pictures'], 'picture')}, "
        f"{size(about['bytes'])}; {about['encoder']}; {where}\n"
    )
    header = ("stage", "with", "a second", "lowest", "highest", "")
    print_table(header, [_row(stage) for stage in measured.stages], right=(2, 3, 4))
    typer.echo(
        f"\nend to end is {measured.share_of_limit:.2f} of what the parts allow; "
        f"memory {size(measured.peak_memory)}"
        + (f"; GPU busy {measured.gpu_use:.0%}" if measured.gpu_use is not None else "")
    )


def _row(stage: "Stage") -> list[str]:
    how = dict(stage.how)
    words = [f"{how.pop('threads')} threads"] if "threads" in how else []
    words += [f"{how.pop('vectors'):,} vectors"] if "vectors" in how else []
    batch = [f"batch {how.pop('batch_size')}"] if "batch_size" in how else []
    rates = (stage.rate, min(stage.rates), max(stage.rates))
    numbers = [f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}" for rate in rates]
    return [stage.name, " ".join([*how.values(), *words, *batch]), *numbers, stage.unit]
