"""Groups of duplicates as HTML: the best picture, beside it the others and what they differ in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from simsearch.records import DuplicateGroup, DuplicateMember
from simsearch.report.cards import card, grid
from simsearch.report.differences import differences, facts
from simsearch.report.page import section, text

_MAX_MEMBERS = 40  # pictures of a group that are shown

STYLE = """@media (min-width: 40rem) {
  .groups { display: grid; column-gap: 2rem; align-items: start;
       grid-template-columns: repeat(auto-fill, minmax(min(100%, 35rem), 1fr)); }
  .groups section:has(li:nth-child(4)) { grid-column: 1 / -1; }
  .groups ol { grid-template-columns: repeat(auto-fill, minmax(11.25rem, 1fr)); }
}
p.tie { color: var(--quiet); font-size: .85rem; margin: -.5rem 0 .75rem;
     overflow-wrap: anywhere; }
p.marks { display: flex; flex-wrap: wrap; gap: .2rem .45rem; align-items: center;
     margin: 0; }
p.marks + small { margin: .15rem 0 .4rem; }
mark { color: var(--quiet); background: none; border: 1.5px solid currentColor;
     border-radius: .3rem; padding: 0 .4rem; font-weight: 600; }
mark.keep { color: var(--card); background: var(--mark); border-color: var(--mark); }
mark.drop { color: var(--wrong); }
mark.weakest { color: var(--second); border-style: dashed; }
li.weakest { border: 2px dashed var(--second); }
li.rest { justify-content: center; text-align: center; min-height: 6rem; }
dl { margin: .35rem 0 0; display: grid; gap: .25rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
dd span { display: inline-block; }
dd span + span { color: var(--quiet); }
"""


class Mark(NamedTuple):
    """What a plan would do with a file, 'keep' or 'drop', and why."""

    action: str
    reason: str


Marks = Mapping[str, Mark]
_UNPLANNED = Mark("left alone", "the plan has no row for it")
_SIGNS = {"keep": "✓", "drop": "✗"}


def shown_members(group: DuplicateGroup) -> list[DuplicateMember]:
    """Return the members beside the best that there is room for; the weakest is one of them."""
    others = group.others
    if len(others) < _MAX_MEMBERS:
        return others
    return [*others[: _MAX_MEMBERS - 2], others[-1]]


def shown_paths(group: DuplicateGroup) -> list[str]:
    """Return the paths of the pictures that a group's section shows, the best first."""
    return [group.best.full_path, *(other.record.full_path for other in shown_members(group))]


def group_sections(
    groups: Sequence[DuplicateGroup], first: int, marks: Marks, drawn: Mapping[str, str]
) -> str:
    """Return a section a group as HTML, numbered from `first`; see `group_section`."""
    sections = [
        group_section(number, group, marks, drawn)
        for number, group in enumerate(groups, start=first)
    ]
    return '<div class="groups">\n{}\n</div>'.format("\n".join(sections))


def group_section(
    number: int, group: DuplicateGroup, marks: Marks, drawn: Mapping[str, str]
) -> str:
    """Return a section with a group's best picture and its members, the strongest tie first.

    Args:
        marks: by path; a file without one is left alone.
        drawn: the thumbnails of `shown_paths`, HTML, by path.
    """
    shown = shown_members(group)
    cards = [_best(group, marks, drawn)]
    cards += [_member(other, group, marks, drawn) for other in shown]
    hidden = group.others[len(shown) - 1 : -1] if len(shown) < len(group.others) else []
    if hidden:
        cards.insert(-1, _rest(hidden, marks))
    best, weakest = _told_apart(group.best.full_path, group.weakest.record.full_path)
    tie = f"Weakest tie {group.min_score:.4f}, between {best} and {weakest}"
    count = f"{len(group.members):,} pictures"
    return section(f"Group {number:,}", count, f'<p class="tie">{text(tie)}</p>\n{grid(cards)}')


def _best(group: DuplicateGroup, marks: Marks, drawn: Mapping[str, str]) -> str:
    path = group.best.full_path
    mark = marks.get(path, _UNPLANNED)
    head = _head(mark, mark.reason, "<b>best</b>")
    return card(path, drawn[path], head, _list(facts(group.best)), "best")


def _member(
    other: DuplicateMember, group: DuplicateGroup, marks: Marks, drawn: Mapping[str, str]
) -> str:
    path = other.record.full_path
    mark = marks.get(path, _UNPLANNED)
    is_weakest = other is group.weakest
    score = f"<b>{other.score:.4f}</b>"
    if is_weakest:
        score += ' <mark class="weakest">weakest tie</mark>'
    head = _head(mark, f"{other.kind}: {mark.reason}", score)
    found: list[tuple[str, ...]] = [
        (name, f"{own},", f"best {its}") for name, own, its in differences(other.record, group.best)
    ]
    if other.edit:
        found.append(("edit", other.edit))
    kind = "weakest" if is_weakest else ""
    return card(path, drawn[path], head, _list(found), kind)


def _rest(hidden: Sequence[DuplicateMember], marks: Marks) -> str:
    actions = Counter(marks.get(other.record.full_path, _UNPLANNED).action for other in hidden)
    told = ", ".join(f"{count:,} {action}" for action, count in actions.most_common())
    count = f"<b>{len(hidden):,} more</b>"
    return f'<li class="rest"><div>{count}<small>{text(told)}</small></div></li>'


def _head(mark: Mark, reason: str, then: str) -> str:
    sign = f"{_SIGNS[mark.action]} " if mark.action in _SIGNS else ""
    kind = f' class="{mark.action}"' if mark.action in _SIGNS else ""
    shown = f"<mark{kind}>{sign}{text(mark.action)}</mark>"
    return f'<p class="marks">{shown} {then}</p><small>{text(reason)}</small>'


def _list(named: Sequence[tuple[str, ...]]) -> str:
    """Return names, each with the words that a line may be broken between."""
    rows = []
    for name, *words in named:
        shown = " ".join(f"<span>{text(word)}</span>" for word in words)
        rows.append(f"<div><dt>{name}</dt><dd>{shown}</dd></div>")
    return f"<dl>{''.join(rows)}</dl>" if rows else ""


def _told_apart(a: str, b: str) -> tuple[str, str]:
    """Return the names of two files, with as many of their folders as it takes to tell them."""
    ends = Path(a).parts, Path(b).parts
    for length in range(1, max(map(len, ends))):
        short = [str(Path(*end[-length:])) for end in ends]
        if short[0] != short[1]:
            return short[0], short[1]
    return a, b
