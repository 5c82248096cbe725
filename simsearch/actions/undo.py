"""Undo an apply by its log: put back, last act first, whatever the disk shows to have been done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from simsearch.actions.apply import Left
from simsearch.actions.log import read_log
from simsearch.actions.looking import SkipError, reason_of
from simsearch.actions.ways import load_way


@dataclass(slots=True)
class UndoReport:
    """What an undo did.

    Attributes:
        restored: absolute paths of the files that it put back.
        failed: the files that it could not put back, and why.
        stopped: whether it was asked to stop before the end.
    """

    restored: list[str] = field(default_factory=list)
    failed: list[Left] = field(default_factory=list)
    stopped: bool = False


def undo(
    log: Path,
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> UndoReport:
    """Put back every file that an apply dropped: same bytes, time of last change and mode.

    Nothing is overwritten. It may be killed and run again, and undoing twice is harmless.

    Args:
        log: the one that apply named.
        progress: told (done, total) files.
        should_stop: asked before each file.

    Raises:
        InputError: the log can't be read, or is damaged; nothing was done.
    """
    known = read_log(log)
    report = UndoReport()
    if not known.acts:
        return report
    way = load_way(known.way)
    for number, act in enumerate(reversed(known.acts), start=1):
        if should_stop():
            report.stopped = True
            break
        try:
            if way.put_back(act):
                report.restored.append(str(act.source))
        except SkipError as error:
            report.failed.append(Left(str(act.source), str(error)))
        except OSError as error:
            reason = f"could not be put back: {reason_of(error)}"
            report.failed.append(Left(str(act.source), reason))
        progress(number, len(known.acts))
    return report
