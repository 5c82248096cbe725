"""Progress of training: bars for epochs and batches on a terminal, a line an epoch elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from simsearch.cli.render import plural, printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from simsearch.training.job import Watcher
    from simsearch.training.objective import BatchStats


class _Notes:
    """Shows what a person should know, and no progress."""

    def reading(self, done: int, total: int) -> None: ...

    def split(self, counts: dict[str, dict[str, int]]) -> None: ...

    def batch(
        self, epoch: int, step: int, steps: int, stats: "BatchStats", rate: float
    ) -> None: ...

    def epoch(self, row: dict[str, Any]) -> None: ...

    def note(self, message: str) -> None:
        self._print(f"note: {printable(message)}")

    def _print(self, line: str) -> None:
        typer.echo(line, err=True)


_EPOCH = "{:>7} {:>7} {:>6} {:>6} {:>6} {:>8} {:>5} {:>5} {:>4}  {}"  # with a stage, 80 columns
_HEADER = ("epoch", "loss", "active", "d(a,p)", "d(a,n)", "recall@1", "MAP@R", "/s", "left")


class _Lines(_Notes):
    """Prints what should be read: notes, the split, a table with a line an epoch."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._started = time.monotonic()
        self._first: int | None = None
        self._headed = False

    def split(self, counts: dict[str, dict[str, int]]) -> None:
        parts = [
            f"{name} {plural(part['pictures'], 'picture')} of {part['classes']} classes"
            for name, part in counts.items()
        ]
        self._print(f"split by class: {', '.join(parts)}")

    def epoch(self, row: dict[str, Any]) -> None:
        if not self._headed:
            self._headed = True
            self._print(_EPOCH.format(*_HEADER, "stage"))
        quality = (f"{row['recall_at_1']:.3f}", f"{row['map_at_r']:.3f}")
        learned: tuple[str, ...] = ("",) * 4
        speed: tuple[str, ...] = ("",) * 2
        if "loss" in row:
            learned = (
                f"{row['loss']:.4f}",
                f"{row['active_triplets']:.2f}",
                f"{row['positive_distance']:.2f}",
                f"{row['negative_distance']:.2f}",
            )
            speed = (f"{row['images_per_second']:.0f}", self._left(row["epoch"]))
        epoch = f"{row['epoch']}/{self._epochs}"
        self._print(_EPOCH.format(epoch, *learned, *quality, *speed, row["stage"]))

    def _left(self, epoch: int) -> str:
        """Return the minutes left, from the epochs that were seen."""
        if self._first is None:
            self._first, self._started = epoch, time.monotonic()
            return ""
        pace = (time.monotonic() - self._started) / (epoch - self._first)
        minutes = pace * (self._epochs - epoch) / 60
        return f"{minutes:.0f}m"


class _Bars(_Lines):
    """Bars below the lines: pictures read, epochs, batches of this epoch."""

    def __init__(self, epochs: int, progress: "Progress") -> None:
        super().__init__(epochs)
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def reading(self, done: int, total: int) -> None:
        self._update("reading", done, total, f"{done}/{total}")

    def batch(self, epoch: int, step: int, steps: int, stats: "BatchStats", rate: float) -> None:
        if "reading" in self._tasks:
            self._progress.remove_task(self._tasks.pop("reading"))
        self._update(
            "epochs", epoch * steps + step, self._epochs * steps, f"{epoch + 1}/{self._epochs}"
        )
        shown = f"loss {stats.loss:.3f}  active {stats.active:.2f}  {rate:.0f}/s"
        self._update("batches", step, steps, shown)

    def _update(self, name: str, done: int, total: int, shown: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total, shown=shown)
        self._progress.update(self._tasks[name], completed=done, total=total, shown=shown)

    def _print(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)


@contextmanager
def show_training(epochs: int, quiet: bool) -> Iterator["Watcher"]:
    """Yield what training reports to; it shows everything on standard error."""
    if quiet:
        yield _Notes()
    elif not sys.stderr.isatty():
        yield _Lines(epochs)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<8}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[shown]}"),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield _Bars(epochs, progress)
