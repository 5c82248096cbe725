"""Galleries: one HTML page with thumbnails, scores and paths, for phones and desktops.

Nothing is loaded from elsewhere: thumbnails are part of the page. Light and dark follow the reader.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from simsearch.records import Duplicates, QueryResult
from simsearch.report.page import page, picture, section, text

_SIDE = 240
_MAX_GROUPS = 200
_MAX_MEMBERS = 40

_STYLE = """ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
     grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
     overflow: hidden; display: flex; flex-direction: column; }
li.query { border: 2px solid var(--mark); }
li img, li .missing { width: 100%; aspect-ratio: 1; object-fit: contain;
     background: var(--ground); }
li img { display: block; }
li div { padding: .45rem .6rem .6rem; font-size: .8rem; }
li b { color: var(--mark); font-variant-numeric: tabular-nums; font-size: .95rem; }
li span { display: block; overflow-wrap: anywhere; }
li small { color: var(--quiet); display: block; overflow-wrap: anywhere; }
"""


def query_page(name: str, results: Sequence[QueryResult]) -> str:
    """Return a page that shows each query and its neighbours, nearest first."""
    summary = f"Nearest pictures in “{name}”; the score is the cosine, 1 is identical."
    return page(f"simsearch: neighbours in {name}", summary, map(_query_section, results), _STYLE)


def duplicates_page(name: str, found: Duplicates) -> str:
    """Return a page that shows each group of duplicates, largest first."""
    summary = (
        f"{len(found.groups):,} groups, {len(found.pairs):,} pairs in “{name}”; the best picture "
        "of a group comes first, each score is the cosine to it."
    )
    if found.threshold is not None:
        summary += f" Pairs are those with a cosine of {found.threshold:g} or more."
    hidden = len(found.groups) - _MAX_GROUPS
    if hidden > 0:
        summary += f" {hidden:,} smaller groups are not shown."
    return page(f"simsearch: duplicates in {name}", summary, _group_sections(found), _STYLE)


def demo_page(name: str, result: QueryResult, found: Duplicates) -> str:
    """Return a page that shows one query and all duplicates."""
    summary = "One query with its nearest pictures, then the duplicates that were found."
    sections = [_query_section(result), *_group_sections(found)]
    return page(f"simsearch: {name}", summary, sections, _STYLE)


def _query_section(result: QueryResult) -> str:
    cards = [_card(result.query, "query", "query")]
    cards += [_card(n.path, f"{n.score:.4f}") for n in result.neighbors]
    return _section(Path(result.query).name, f"{len(result.neighbors)} nearest", cards)


def _group_sections(found: Duplicates) -> Iterator[str]:
    for number, group in enumerate(found.groups[:_MAX_GROUPS], start=1):
        cards = [_card(group.best.full_path, "best", "query")]
        for other in group.others[: _MAX_MEMBERS - 1]:
            note = "same bytes as the best" if other.kind == "exact" else other.kind
            cards.append(_card(other.record.full_path, f"{other.score:.4f}", note=note))
        detail = f"{len(group.members)} pictures, weakest tie {group.min_score:.4f}"
        hidden = len(group.members) - len(cards)
        yield _section(
            f"Group {number}", detail + (f"; {hidden} not shown" if hidden else ""), cards
        )


def _section(title: str, detail: str, cards: Iterable[str]) -> str:
    return section(title, detail, f"<ol>\n{chr(10).join(cards)}\n</ol>")


def _card(path: str, score: str, kind: str = "", note: str = "") -> str:
    name, folder = Path(path).name, str(Path(path).parent)
    shown = picture(path, name, _SIDE)
    marked = f' class="{kind}"' if kind else ""
    notes = f"<small>{text(note)}</small>" if note else ""
    return (
        f"<li{marked}>{shown}<div><b>{text(score)}</b><span>{text(name)}</span>"
        f"<small>{text(folder)}</small>{notes}</div></li>"
    )
