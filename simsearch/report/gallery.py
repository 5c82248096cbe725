"""Galleries: pages with thumbnails, scores and paths, for phones and desktops.

Nothing is loaded from elsewhere: thumbnails are part of the page. Light and dark follow the reader.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from simsearch.records import Duplicates, QueryResult
from simsearch.report import cards, groups, paging
from simsearch.report.cards import SIDE, card, grid
from simsearch.report.groups import Marks, group_sections, shown_paths
from simsearch.report.page import page, picture, pictures, section, text
from simsearch.report.paging import PageSet

_GROUPS = 100  # of a page
_PICTURES = 600  # of a page that has more than one group: some 8 MB

_GROUP_STYLE = cards.STYLE + groups.STYLE


def query_page(name: str, results: Sequence[QueryResult]) -> str:
    """Return a page that shows each query and its neighbours, nearest first."""
    summary = f"Nearest pictures in “{name}”; the score is the cosine, 1 is identical."
    sections = map(_query_section, results)
    return page(f"simsearch: neighbours in {name}", summary, sections, cards.STYLE)


def demo_page(name: str, result: QueryResult, found: Duplicates, marks: Marks) -> str:
    """Return a page that shows one query and all duplicates; see `write_duplicates`."""
    summary = "One query with its nearest pictures, then the duplicates that were found."
    drawn = dict(pictures([path for group in found.groups for path in shown_paths(group)], SIDE))
    sections = [_query_section(result), group_sections(found.groups, 1, marks, drawn)]
    return page(f"simsearch: {name}", summary, sections, _GROUP_STYLE)


def write_duplicates(
    path: Path,
    name: str,
    found: Duplicates,
    marks: Marks,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Write pages that show each group of duplicates, largest first; return how many.

    The first page is `path`, the others lie in a folder next to it, where those of an earlier run
    are replaced or removed. One page at a time is held in memory, and `path` is written last.

    Args:
        name: of the collection.
        marks: what a plan would do with a file, by path; those without a mark are left alone.
        progress: called with (thumbnails made, thumbnails to make).

    Raises:
        InputError: a page can't be written.
    """
    spans = _spans([len(shown_paths(group)) for group in found.groups])
    pages = PageSet(path, len(spans))
    total = sum(len(shown_paths(group)) for group in found.groups)
    done = 0
    for number in [*range(2, len(spans) + 1), 1]:
        span = spans[number - 1]
        shown = found.groups[span.start : span.stop]
        drawn: dict[str, str] = {}
        for one, thumbnail in pictures([p for group in shown for p in shown_paths(group)], SIDE):
            drawn[one] = thumbnail
            done += 1
            progress(done, total)
        links = pages.links(number)
        sections = [links, group_sections(shown, span.start + 1, marks, drawn), links]
        title = f"simsearch: duplicates in {name}"
        summary = _summary(name, found, number, len(spans))
        pages.write(number, page(title, summary, sections, _GROUP_STYLE + paging.STYLE))
    pages.remove_stale()
    return len(spans)


def _spans(sizes: Sequence[int]) -> list[range]:
    """Return the groups of each page, one page at least, from the numbers of their pictures."""
    spans: list[range] = []
    start = pictures_of_page = 0
    for place, size in enumerate(sizes):
        full = place - start == _GROUPS or pictures_of_page + size > _PICTURES
        if full and place > start:
            spans.append(range(start, place))
            start, pictures_of_page = place, 0
        pictures_of_page += size
    return [*spans, range(start, len(sizes))]


def _summary(name: str, found: Duplicates, number: int, count: int) -> str:
    summary = (
        f"{len(found.groups):,} groups, {len(found.pairs):,} pairs in “{name}”. The best picture "
        "of a group comes first; each score is the cosine to it, 1 is identical. Keep and drop are "
        "what a plan would say."
    )
    if found.threshold is not None:
        summary += f" Pairs are those with a cosine of {found.threshold:g} or more."
    return summary + (f" Page {number:,} of {count:,}." if count > 1 else "")


def _query_section(result: QueryResult) -> str:
    shown = [_query_card(result.query, "query", "best")]
    shown += [_query_card(n.path, f"{n.score:.4f}") for n in result.neighbors]
    return section(Path(result.query).name, f"{len(result.neighbors)} nearest", grid(shown))


def _query_card(path: str, head: str, kind: str = "") -> str:
    return card(path, picture(path, Path(path).name, SIDE), f"<b>{text(head)}</b>", kind=kind)
