"""Galleries: one HTML page with thumbnails, scores and paths, for phones and desktops.

Nothing is loaded from elsewhere: thumbnails are part of the page. Light and dark follow the reader.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from simsearch.errors import PictureError
from simsearch.images.decode import read_file, thumbnail
from simsearch.records import Duplicates, QueryResult

_SIDE = 240
_MAX_GROUPS = 200
_MAX_MEMBERS = 40

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ --ground: #f6f6f4; --card: #fff; --ink: #1c1c1a; --quiet: #63635e; --line: #dcdcd6;
        --mark: #0b6b57; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ground: #161615; --card: #222220; --ink: #eeeeea; --quiet: #a3a39c; --line: #3a3a36;
          --mark: #6fd3ba; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 76rem; padding: 1.25rem 1rem 3rem; background: var(--ground);
       color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; }}
h1 {{ font-size: 1.35rem; margin: 0 0 .25rem; }}
p.summary {{ color: var(--quiet); margin: 0 0 1.5rem; }}
section {{ border-top: 1px solid var(--line); padding: 1rem 0 1.25rem; }}
h2 {{ font-size: 1rem; margin: 0 0 .75rem; font-weight: 600; overflow-wrap: anywhere; }}
h2 small {{ color: var(--quiet); font-weight: 400; margin-left: .5rem; }}
ol {{ list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
     grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }}
li {{ background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
     overflow: hidden; display: flex; flex-direction: column; }}
li.query {{ border: 2px solid var(--mark); }}
li img, li .missing {{ width: 100%; aspect-ratio: 1; object-fit: contain; display: block;
     background: var(--ground); }}
li .missing {{ display: grid; place-items: center; color: var(--quiet); font-size: .85rem; }}
li div {{ padding: .45rem .6rem .6rem; font-size: .8rem; }}
li b {{ color: var(--mark); font-variant-numeric: tabular-nums; font-size: .95rem; }}
li span {{ display: block; overflow-wrap: anywhere; }}
li small {{ color: var(--quiet); display: block; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p class="summary">{summary}</p>
{sections}
</body>
</html>
"""


def query_page(name: str, results: Sequence[QueryResult]) -> str:
    """Return a page that shows each query and its neighbours, nearest first."""
    summary = f"Nearest pictures in “{name}”; the score is the cosine, 1 is identical."
    return _page(f"simsearch: neighbours in {name}", summary, map(_query_section, results))


def duplicates_page(name: str, found: Duplicates) -> str:
    """Return a page that shows each group of duplicates, largest first."""
    summary = (
        f"{len(found.groups):,} groups, {len(found.pairs):,} pairs in “{name}” at cosine "
        f"{found.threshold:g} or more; each score is the best of that picture's pairs."
    )
    hidden = len(found.groups) - _MAX_GROUPS
    if hidden > 0:
        summary += f" {hidden:,} smaller groups are not shown."
    return _page(f"simsearch: duplicates in {name}", summary, _group_sections(found))


def demo_page(name: str, result: QueryResult, found: Duplicates) -> str:
    """Return a page that shows one query and all duplicates."""
    summary = "One query with its nearest pictures, then the duplicates that were found."
    sections = [_query_section(result), *_group_sections(found)]
    return _page(f"simsearch: {name}", summary, sections)


def _query_section(result: QueryResult) -> str:
    cards = [_card(result.query, "query", "query")]
    cards += [_card(n.path, f"{n.score:.4f}") for n in result.neighbors]
    return _section(Path(result.query).name, f"{len(result.neighbors)} nearest", cards)


def _group_sections(found: Duplicates) -> Iterator[str]:
    best: dict[str, float] = {}
    exact: set[str] = set()
    for pair in found.pairs:
        for path in (pair.a, pair.b):
            best[path] = max(best.get(path, -1.0), pair.score)
            if pair.kind == "exact":
                exact.add(path)
    for number, group in enumerate(found.groups[:_MAX_GROUPS], start=1):
        cards = [
            _card(path, f"{best[path]:.4f}", note="same bytes as another" if path in exact else "")
            for path in group.members[:_MAX_MEMBERS]
        ]
        detail = f"{len(group.members)} pictures, lowest score {group.min_score:.4f}"
        hidden = len(group.members) - len(cards)
        yield _section(
            f"Group {number}", detail + (f"; {hidden} not shown" if hidden else ""), cards
        )


def _page(title: str, summary: str, sections: Iterable[str]) -> str:
    page = _PAGE.format(title=_text(title), summary=_text(summary), sections="\n".join(sections))
    return page.encode("utf-8", "replace").decode()


def _section(title: str, detail: str, cards: Iterable[str]) -> str:
    heading = f"<h2>{_text(title)}<small>{_text(detail)}</small></h2>"
    return f"<section>\n{heading}\n<ol>\n{chr(10).join(cards)}\n</ol>\n</section>"


def _card(path: str, score: str, kind: str = "", note: str = "") -> str:
    name, folder = Path(path).name, str(Path(path).parent)
    try:
        data = base64.b64encode(thumbnail(read_file(path), _SIDE)).decode("ascii")
        picture = f'<img src="data:image/jpeg;base64,{data}" alt="{_text(name)}" loading="lazy">'
    except PictureError as error:
        picture = f'<div class="missing">{_text(error.kind)}</div>'
    marked = f' class="{kind}"' if kind else ""
    notes = f"<small>{_text(note)}</small>" if note else ""
    return (
        f"<li{marked}>{picture}<div><b>{_text(score)}</b><span>{_text(name)}</span>"
        f"<small>{_text(folder)}</small>{notes}</div></li>"
    )


def _text(value: str) -> str:
    return escape(value.encode("utf-8", "replace").decode(), quote=True)
