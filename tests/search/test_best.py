"""The best file is found by rules in order."""

from dataclasses import replace

import pytest

from simsearch.config import KeepRules
from simsearch.errors import InputError
from simsearch.records import ImageRecord
from simsearch.search.best import best_first, is_below

PLAIN = ImageRecord(0, "a/one.jpg", "/pictures", "0" * 64, 1000, 10**18, 100, 80, "JPEG")
BETTER = {
    "colour": replace(PLAIN, id=10, path="a/two.jpg"),
    "pixels": replace(PLAIN, id=1, path="a/two.jpg", width=110, size=1100),
    "compression": replace(PLAIN, id=2, path="a/two.jpg", size=1200),
    "metadata": replace(PLAIN, id=3, path="a/two.jpg"),
    "size": replace(PLAIN, id=4, path="a/two.jpg", size=1200),
    "age": replace(PLAIN, id=5, path="a/two.jpg", mtime_ns=10**17),
    "path": replace(PLAIN, id=6, path="b.jpg"),
}


LOOKS = {
    "metadata": lambda record: record.id == 3,
    "colour": lambda record: record.id != 9,
}


def ordered(rules: KeepRules, *records: ImageRecord) -> list[int]:
    return [record.id for record in best_first(records, rules, LOOKS)]


@pytest.mark.parametrize("rule", KeepRules().order)
def test_each_rule_prefers_what_it_says(rule: str) -> None:
    rules, better = KeepRules((rule,)), BETTER[rule]
    worse = replace(PLAIN, id=9 if rule == "colour" else 0)
    assert ordered(rules, worse, better) == ordered(rules, better, worse) == [better.id, worse.id]


def test_earlier_rules_decide_first() -> None:
    larger, older = BETTER["pixels"], BETTER["age"]
    assert ordered(KeepRules(("age", "pixels")), larger, older) == [5, 1]
    assert ordered(KeepRules(("pixels", "age")), larger, older) == [1, 5]
    assert ordered(KeepRules(), *BETTER.values(), PLAIN)[0] == 1


def test_what_nothing_tells_apart_is_ordered_by_path() -> None:
    twin = replace(PLAIN, id=7, path="a/abc.jpg")
    assert ordered(KeepRules(), PLAIN, twin) == ordered(KeepRules(), twin, PLAIN) == [7, 0]


def test_folders_come_before_rules() -> None:
    small = replace(PLAIN, id=8, path="kept/x.jpg", width=10)
    large = BETTER["pixels"]
    assert ordered(KeepRules(), small, large) == [1, 8]
    assert ordered(KeepRules(prefer=("/pictures/kept",)), small, large) == [8, 1]
    both = KeepRules(prefer=("/pictures/kept",), reference=("/pictures/a",))
    assert ordered(both, small, large) == [1, 8]


def test_below_a_folder_is_no_matter_of_letters() -> None:
    assert is_below(PLAIN, ["/elsewhere", "/pictures/a"])
    assert not is_below(PLAIN, ["/pictures/a/one"])
    assert not is_below(PLAIN, ["/pic"])
    assert not is_below(PLAIN, [])


def test_metadata_are_read_only_where_they_decide() -> None:
    asked: list[int] = []

    def look(record: ImageRecord) -> bool:
        asked.append(record.id)
        return False

    rules = KeepRules(("pixels", "metadata"))
    best_first([PLAIN, BETTER["pixels"], BETTER["path"]], rules, {"metadata": look})
    assert sorted(asked) == [0, 6]


def test_an_unknown_rule() -> None:
    with pytest.raises(InputError, match="no rule 'beauty' to keep by; use colour, pixels"):
        best_first([PLAIN], KeepRules(("beauty",)), {})
