"""Progress of a run: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def show_progress(
    quiet: bool, doing: str = "reading", what: str = "files"
) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that takes (done, total) of `what` and shows them on standard error."""
    if quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        with _bar(doing) as update:
            yield update
    else:
        yield _lines(what)


@contextmanager
def _bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn(doing, markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )
    started = time.monotonic()
    with progress:
        task = progress.add_task("", total=None, rate=0.0)

        def update(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - started, 1e-9)
            progress.update(task, completed=done, total=total, rate=rate)

        yield update


def _lines(what: str) -> Callable[[int, int], None]:
    started = printed = time.monotonic()

    def update(done: int, total: int) -> None:
        nonlocal printed
        now = time.monotonic()
        if now - printed >= _SECONDS_BETWEEN_LINES or done == total:
            printed = now
            rate = done / max(now - started, 1e-9)
            left = (total - done) / max(rate, 1e-9)
            typer.echo(f"{done}/{total} {what}, {rate:.0f} a second, {left:.0f} s left", err=True)

    return update
