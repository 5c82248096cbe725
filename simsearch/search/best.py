"""Which of several files of one picture is the best: rules in order, the next where one is even."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import PurePath

from simsearch.config import KeepRules
from simsearch.errors import InputError
from simsearch.records import ImageRecord

Look = Mapping[str, Callable[[ImageRecord], bool]]
_Key = Callable[[ImageRecord], float]


def check_rules(rules: KeepRules) -> None:
    """Refuse rules that there are not; raises InputError."""
    for rule in rules.order:
        if rule not in KeepRules().order:
            raise InputError(f"no rule '{rule}' to keep by; use {', '.join(KeepRules().order)}")


def best_first(records: Sequence[ImageRecord], rules: KeepRules, looks: Look) -> list[ImageRecord]:
    """Order files of pictures, the one to keep first.

    Reference folders come before preferred ones, these before the rules; the path decides last.

    Args:
        looks: by rule, whether a file has what it asks for; called only where it decides.

    Raises:
        InputError: there is no such rule.
    """
    check_rules(rules)
    keys: list[_Key] = [
        lambda record: -int(is_below(record, rules.reference)),
        lambda record: -int(is_below(record, rules.prefer)),
    ]
    keys += [_KEYS[rule] if rule in _KEYS else _looked(looks[rule]) for rule in rules.order]
    return _ordered(sorted(records, key=lambda record: record.full_path), keys)


def is_below(record: ImageRecord, folders: Sequence[str]) -> bool:
    """Whether a file lies in one of some absolute folders, at any depth."""
    return any(PurePath(record.full_path).is_relative_to(folder) for folder in folders)


def _ordered(records: Sequence[ImageRecord], keys: Sequence[_Key]) -> list[ImageRecord]:
    """Sort by the first key, and what is even by the next: a later key may be costly."""
    if len(records) < 2 or not keys:
        return list(records)
    first, *others = keys
    ordered: list[ImageRecord] = []
    values = {record.id: first(record) for record in records}
    ranked = sorted(records, key=lambda record: values[record.id])
    for _, even in groupby(ranked, key=lambda record: values[record.id]):
        ordered += _ordered(list(even), others)
    return ordered


def _looked(has: Callable[[ImageRecord], bool]) -> _Key:
    return lambda record: -int(has(record))


_KEYS: dict[str, _Key] = {
    "pixels": lambda record: -record.width * record.height,
    "compression": lambda record: -record.size / max(record.width * record.height, 1),
    "size": lambda record: -record.size,
    "age": lambda record: record.mtime_ns,
    "path": lambda record: len(record.full_path),
}
