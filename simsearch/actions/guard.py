"""Sees to it that every group keeps a file: what must stay, and under which names it is known."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from simsearch.actions.looking import Found, SkipError, look, same_entry
from simsearch.actions.plan import Action, PlanRow

_Identity = tuple[int, int]


class Guard:
    """Knows the kept files of a plan's groups, and refuses to drop one in disguise."""

    def __init__(self, rows: Iterable[PlanRow]) -> None:
        self._keep: dict[int, list[PlanRow]] = defaultdict(list)
        self._drop: dict[int, list[Path]] = defaultdict(list)
        self._stay: dict[_Identity, list[Path]] = defaultdict(list)
        self._checked: dict[int, list[Found]] = {}
        for row in rows:
            if row.action is Action.DROP:
                self._drop[row.group].append(Path(row.path))
                continue
            if row.action is Action.KEEP:
                self._keep[row.group].append(row)
            if identity := _identity(Path(row.path)):
                self._stay[identity].append(Path(row.path))

    def kept(self, group: int) -> list[Found]:
        """Return the kept files that a group can count on.

        Their bytes are read when a group is asked for the first time, and again after a change.

        Raises:
            SkipError: there is none.
        """
        try:
            for found in self._checked.get(group, ()):
                found.check_unchanged()
        except SkipError:
            del self._checked[group]
        if group not in self._checked:
            self._checked[group] = self._check(group)
        return self._checked[group]

    def check_disguise(self, file: Found) -> None:
        """Refuse a file that is one that stays, reached by another path.

        Raises:
            SkipError: deleting the file would delete one that the plan does not drop.
        """
        for path in self._stay.get((file.stat.st_dev, file.stat.st_ino), ()):
            with suppress(FileNotFoundError):
                if same_entry(path, file.path):
                    raise SkipError(f"is the same file as '{path}', which stays")

    def _check(self, group: int) -> list[Found]:
        dropped: dict[_Identity | None, list[Path]] = defaultdict(list)
        for path in self._drop[group]:
            dropped[_identity(path)].append(path)
        kept: list[Found] = []
        reason = "the plan keeps none of its files"
        for row in self._keep[group]:
            path = Path(row.path)
            try:
                found = look(path, row.content_hash)
            except SkipError as error:
                reason = f"'{path}' {error}"
                continue
            twins = dropped.get((found.stat.st_dev, found.stat.st_ino), ())
            if same := [twin for twin in twins if same_entry(path, twin)]:
                reason = f"'{path}' is the same file as '{same[0]}', which is to go"
                continue
            kept.append(found)
        if not kept:
            raise SkipError(f"is left, since its group would lose its last copy: {reason}")
        return kept


def _identity(path: Path) -> _Identity | None:
    try:
        stat = path.lstat()
    except OSError:
        return None  # reported when it is needed
    return stat.st_dev, stat.st_ino
