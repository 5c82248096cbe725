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
        yield _lines(doing, what)


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
        TextColumn("{task.fields[rate]}/s"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )
    rate = _Rate()
    task = progress.add_task("", total=None, rate="0")

    def update(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total, rate=_shown(rate.at(done)))
        progress.start()  # at first use, and until it is done: one bar at a time
        if done == total:
            progress.stop()

    try:
        yield update
    finally:
        progress.stop()


def _lines(doing: str, what: str) -> Callable[[int, int], None]:
    printed: float | None = None
    rate = _Rate()

    def update(done: int, total: int) -> None:
        nonlocal printed
        if done == 0:
            return
        now, speed = time.monotonic(), rate.at(done)
        if printed is None:  # one alone has no pace
            printed = now
        if now - printed >= _SECONDS_BETWEEN_LINES or done == total:
            printed = now
            left = (total - done) / max(speed, 1e-9)
            pace = _shown(speed)
            told = f"{doing}: {done}/{total} {what}, {pace} a second, {left:.0f} s left"
            typer.echo(told, err=True)

    return update


def _shown(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 1 else f"{rate:.2g}"


class _Rate:
    """How many are done a second, from the first that is told: others may be of an earlier run."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def at(self, done: int) -> float:
        """Return the rate when so many are done."""
        if done == 0:
            return 0.0  # what is opened first may take long
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
        started, before = self._first
        return (done - before) / (now - started) if now > started else float(done)
