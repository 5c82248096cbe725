"""From groups to a plan that can be applied."""

from dataclasses import replace

from simsearch.actions.plan import Action
from simsearch.actions.planning import plan_rows
from simsearch.config import KeepRules
from simsearch.records import DuplicateGroup, DuplicateMember, ImageRecord

BEST = ImageRecord(0, "a/best.jpg", "/p", "1" * 64, 900, 1_700_000_000 * 10**9, 40, 30, "JPEG")
OTHERS = [
    DuplicateMember(replace(BEST, id=1, path="a/twin.jpg"), 1.0, "exact"),
    DuplicateMember(replace(BEST, id=2, path="b/same.png"), 1.0, "same-pixels"),
    DuplicateMember(replace(BEST, id=3, path="b/crop.jpg", content_hash="2" * 64), 0.87654, "copy"),
    DuplicateMember(replace(BEST, id=4, path="c/burst.jpg"), 0.81, "similar"),
]
GROUPS = [DuplicateGroup(BEST, OTHERS)]


def fates(rules: KeepRules) -> dict[str, str]:
    return {row.path.removeprefix("/p/"): row.action for row in plan_rows(GROUPS, rules)}


def test_the_best_is_kept_copies_are_dropped_and_what_is_similar_stays() -> None:
    assert fates(KeepRules()) == {
        "a/best.jpg": "keep",
        "a/twin.jpg": "drop",
        "b/same.png": "drop",
        "b/crop.jpg": "drop",
        "c/burst.jpg": "keep",
    }


def test_a_row_says_all_of_its_file() -> None:
    row = plan_rows(GROUPS, KeepRules())[3]
    assert (row.group, row.action, row.path) == (1, Action.DROP, "/p/b/crop.jpg")
    assert (row.score, row.kind, row.size, row.width, row.height) == (0.8765, "copy", 900, 40, 30)
    assert row.content_hash == "2" * 64
    assert row.date.startswith("2023-11-1")
    assert row.reason == "a copy of the kept file"


def test_protected_files_are_kept() -> None:
    rows = plan_rows(GROUPS, KeepRules(protect=("/p/b",)))
    kept = {row.path: row.reason for row in rows if row.action is Action.KEEP}
    assert kept["/p/b/crop.jpg"] == kept["/p/b/same.png"] == "in a protected folder"
    assert "/p/a/twin.jpg" not in kept


def test_only_what_matches_a_reference_is_dropped() -> None:
    assert plan_rows(GROUPS, KeepRules(reference=("/p/b",))) == []  # its best is no reference
    assert fates(KeepRules(reference=("/p/a",))) == {
        "a/best.jpg": "keep",
        "a/twin.jpg": "keep",
        "b/same.png": "drop",
        "b/crop.jpg": "drop",
        "c/burst.jpg": "keep",
    }


def test_groups_are_numbered_from_1_without_gaps() -> None:
    outside = DuplicateGroup(replace(BEST, path="x/y.jpg"), OTHERS[:1])
    rows = plan_rows([outside, *GROUPS, *GROUPS], KeepRules(reference=("/p/a",)))
    assert sorted({row.group for row in rows}) == [1, 2]
