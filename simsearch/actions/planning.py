"""From groups of duplicates to a plan: the best of each is kept, the others are dropped."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from simsearch.actions.plan import Action, PlanRow
from simsearch.config import KeepRules
from simsearch.records import DuplicateGroup, DuplicateMember, ImageRecord
from simsearch.search.best import is_below

_NS = 10**9


def plan_rows(groups: Iterable[DuplicateGroup], rules: KeepRules) -> list[PlanRow]:
    """Return a row a file, group by group, the best of each first.

    With reference folders, groups without a file in one are left out. Files in protected and
    reference folders are kept, and so is what is only similar.
    """
    rows: list[PlanRow] = []
    number = 0
    for group in groups:
        if rules.reference and not is_below(group.best, rules.reference):
            continue
        number += 1
        rows.append(_row(number, group.best, Action.KEEP, _why_best(group, rules), 1.0, ""))
        for other in group.others:
            action, reason = _fate(other, rules)
            rows.append(_row(number, other.record, action, reason, other.score, other.kind))
    return rows


def told_apart(rows: Iterable[PlanRow]) -> list[tuple[str, str]]:
    """Return the content hashes of each file marked 'not-duplicate' and each other of its group."""
    groups: dict[int, list[PlanRow]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return [
        (row.content_hash, other.content_hash)
        for group in groups.values()
        for row in group
        for other in group
        if row.action is Action.NOT_DUPLICATE and other is not row
    ]


def _why_best(group: DuplicateGroup, rules: KeepRules) -> str:
    for name, folders in (("reference", rules.reference), ("preferred", rules.prefer)):
        if is_below(group.best, folders):
            return f"in a {name} folder"
    return f"the best by {', '.join(rules.order)}"


def _fate(other: DuplicateMember, rules: KeepRules) -> tuple[Action, str]:
    for name, folders in (("protected", rules.protect), ("reference", rules.reference)):
        if is_below(other.record, folders):
            return Action.KEEP, f"in a {name} folder"
    if other.kind == "similar":
        return Action.KEEP, "only similar; change to drop if it is none to keep"
    return Action.DROP, {"exact": "same bytes", "same-pixels": "same pixels"}.get(
        other.kind, "a copy of the kept file"
    )


def _row(
    group: int, record: ImageRecord, action: Action, reason: str, score: float, kind: str
) -> PlanRow:
    changed = datetime.fromtimestamp(record.mtime_ns // _NS)
    return PlanRow(
        group=group,
        action=action,
        path=record.full_path,
        reason=reason,
        score=round(score, 4),
        kind=kind,
        size=record.size,
        width=record.width,
        height=record.height,
        date=changed.isoformat(),
        content_hash=record.content_hash,
    )
