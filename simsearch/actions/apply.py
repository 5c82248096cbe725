"""Apply a plan of duplicates: check, write down, act, file by file; a dry run only checks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from simsearch.actions.guard import Guard
from simsearch.actions.journal import Act, Journal
from simsearch.actions.looking import Found, SkipError, look, reason_of
from simsearch.actions.plan import Action, PlanRow, read_plan
from simsearch.actions.ways import Opened, load_way


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that was dropped, or would be.

    Attributes:
        path, target: where it lay and where it went, None if nowhere; absolute.
        bytes: its size.
        restorable: whether undo can put it back.
    """

    path: str
    target: str | None
    group: int
    bytes: int
    restorable: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A file that was left alone, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class ApplyReport:
    """What became of a plan.

    Attributes:
        past: what was done to the files, for people: 'moved'.
        log: what undo needs; None where nothing was done.
        stopped: whether it was asked to stop before the end.
    """

    way: str
    past: str
    dry_run: bool
    done: list[Dropped] = field(default_factory=list)
    skipped: list[Left] = field(default_factory=list)
    log: Path | None = None
    stopped: bool = False

    @property
    def bytes(self) -> int:
        """The size of all files that were dropped."""
        return sum(dropped.bytes for dropped in self.done)


def apply(
    plan: Path,
    way: str,
    folder: Path | None = None,
    *,
    dry_run: bool = True,
    log: Path | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ApplyReport:
    """Drop the files that a plan drops, each only while its group keeps another one.

    Right before each act the file is read again; what is not as the plan says is left alone and
    reported, and so is what the system refuses.

    Args:
        way: one of `ways.way_names()`.
        folder: where `move` moves to.
        log: what undo needs is written there; by default beside the plan.
        progress: told (done, total) files.
        should_stop: asked before each file.

    Raises:
        InputError: the plan, the folder or the log can't be used; nothing was done.
        StorageError: the log can't be written; the message says what was done till then.
    """
    rows = read_plan(plan)
    dropped = sorted((row for row in rows if row.action is Action.DROP), key=attrgetter("group"))
    chosen = load_way(way)
    run = _Run(
        Guard(rows),
        chosen.open_way([row.path for row in rows], folder),
        Journal(plan, way, log),
        ApplyReport(way, chosen.PAST, dry_run),
    )
    for number, row in enumerate(dropped, start=1):
        if should_stop():
            run.report.stopped = True
            break
        run.drop(row)
        progress(number, len(dropped))
    run.report.log = run.journal.path
    return run.report


@dataclass(frozen=True, slots=True)
class _Run:
    guard: Guard
    way: Opened
    journal: Journal
    report: ApplyReport

    def drop(self, row: PlanRow) -> None:
        """Drop one file, or say why not."""
        try:
            kept = self.guard.kept(row.group)
            file = look(Path(row.path), row.content_hash)
            self.guard.check_disguise(file)
            act = self.way.prepare(file, row.group, kept)
            if not self.report.dry_run:
                self._perform(file, act)
        except SkipError as error:
            self.report.skipped.append(Left(row.path, str(error)))
        except OSError as error:
            reason = f"could not be {self.report.past}: {reason_of(error)}"
            self.report.skipped.append(Left(row.path, reason))
        else:
            target = str(act.target) if act.target else None
            self.report.done.append(Dropped(row.path, target, row.group, act.size, act.restorable))

    def _perform(self, file: Found, act: Act) -> None:
        number = self.journal.begin(act)
        try:
            file.check_unchanged()
        except SkipError:
            self.journal.left(number)
            raise
        try:
            self.way.perform(act)
        except FileExistsError as error:
            self.journal.left(number)
            raise SkipError(f"is left: another program just made '{act.target}'") from error
        self.journal.done(number)
