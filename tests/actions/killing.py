"""Kill apply or undo before each call that changes the disk, or let each such call fail.

    python -m tests.actions.killing WAY SCENARIO FOLDER TARGETS

The disk changes in these calls only, so dying before each of them covers every moment. WAY is one
of the ways; SCENARIO is `kill-apply`, `kill-undo`, `fail-apply` or `fail-undo`, with `-no-links` at
its end for a file system without hard links. Files lie below FOLDER and are moved below TARGETS.
The number of moments is printed; the exit code tells whether undo put everything back at each.
"""

import errno
import io
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from simsearch.actions import moving
from simsearch.actions.apply import apply
from simsearch.actions.undo import undo
from simsearch.errors import SimsearchError
from tests.actions.trees import Seen, contents, plan_of, put, row, seen

SIZE, BLOCK = 25_000, 10_000  # bytes; a copy takes several blocks
CALLS = {
    *("open", "write", "flush", "close", "fsync", "ftruncate", "sendfile", "copy_file_range"),
    *("link", "rename", "replace", "unlink", "remove", "mkdir", "rmdir", "utime", "chmod"),
}


def fail() -> None:
    """Be a disk that is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_link(*args: object, **options: object) -> None:
    """Be a file system without hard links."""
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def is_of_system(called: Any) -> bool:
    """Tell whether a built-in is one of the system's or a method of a file, not of a string."""
    return called is open or called.__module__ == os.name or isinstance(called.__self__, io.IOBase)


def at_call(number: int, effect: Callable[[], None], act: Callable[[], object]) -> None:
    """Call `act`, and have an effect before its n-th call that changes the disk."""
    count = 0

    def watch(frame: FrameType, event: str, called: Any) -> None:
        nonlocal count
        if event == "c_call" and called.__name__ in CALLS and is_of_system(called):
            count += 1
            if count == number:
                effect()

    sys.setprofile(watch)
    try:
        act()
    finally:
        sys.setprofile(None)


def survives(number: int, effect: Callable[[], None], act: Callable[[], object]) -> bool:
    """Run in a process of its own what may be killed; tell whether it got to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            at_call(number, effect, act)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.waitstatus_to_exitcode(status) == 0, "it failed for another reason"
    return True


def fails(number: int, act: Callable[[], object]) -> bool:
    """Let the n-th call fail; tell whether there was one. What is raised is raised on purpose."""
    happened = []

    def effect() -> None:
        happened.append(number)
        fail()

    try:
        at_call(number, effect, act)
    except SimsearchError:
        assert happened
    return bool(happened)


class Moment:
    """A small tree, its plan, and what befalls them."""

    def __init__(self, way: str, folder: Path, targets: Path) -> None:
        self.way, self.folder, self.targets = way, folder, targets
        self.files = folder / "files"
        kept = put(self.files / "a" / "one.jpg", b"1" * SIZE, 0o600)
        same = put(self.files / "b" / "one.jpg", b"1" * SIZE, 0o444, 1_600_000_000_000_000_001)
        other = put(
            self.files / "b" / "one small.jpg", b"" if way != "delete" else kept.read_bytes()
        )
        rows = [row(1, "keep", kept), row(1, "drop", same), row(1, "drop", other)]
        if way == "hardlink":
            put(other, kept.read_bytes())
            rows[2] = row(1, "drop", other)
        self.plan = plan_of(targets / "plan", rows)
        self.before: Seen = seen(self.files)
        self.contents = contents(self.files)

    def apply(self) -> None:
        """Apply the plan."""
        apply(self.plan, self.way, self.targets / "dropped", dry_run=False)

    def undo(self) -> None:
        """Undo what a log tells, if there is one."""
        for log in self.plan.parent.glob("*.jsonl"):
            report = undo(log)
            assert report.failed == [], report.failed

    def check_contents(self) -> None:
        """Check that every content is somewhere under any name."""
        assert contents(self.folder, self.targets) >= self.contents

    def check_restored(self) -> None:
        """Check that all is as it was and nothing is left behind."""
        assert seen(self.files) == self.before
        assert not (self.targets / "dropped").exists(), seen(self.targets)


def befall(moment: Moment, scenario: str, number: int) -> bool:
    """Let the n-th call of a scenario go wrong, then undo; tell whether there was an n-th call."""
    what, step = scenario.split("-")
    victim: Callable[[], object] = moment.apply
    if step == "undo":
        moment.apply()
        (log,) = moment.plan.parent.glob("*.jsonl")
        victim = lambda: undo(log)  # noqa: E731 - undo's report may list failures here
    if what == "kill":
        reached = not survives(number, lambda: os.kill(os.getpid(), signal.SIGKILL), victim)
    else:
        reached = fails(number, victim)
    moment.check_contents()
    moment.undo()
    moment.undo()
    moment.check_restored()
    return reached


def main(way: str, scenario: str, folder: Path, targets: Path) -> None:
    """Go through all moments."""
    scenario, without_links, _ = scenario.partition("-no-links")
    if without_links:
        os.link = no_link
    moving._BLOCK = BLOCK
    number, reached = 0, True
    while reached:
        number += 1
        places = folder / str(number), targets / str(number)
        os.environ["XDG_DATA_HOME"] = str(places[1] / "dropped")
        reached = befall(Moment(way, *places), scenario, number)
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
    sys.stdout.write(f"{number - 1}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
