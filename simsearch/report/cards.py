"""Cards: a thumbnail, the file's name and folder, and whatever a page says of it."""

from pathlib import Path

from simsearch.report.page import text

SIDE = 240  # pixels of a thumbnail

STYLE = """ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
     grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
     overflow: hidden; display: flex; flex-direction: column; }
li.best { border: 2px solid var(--mark); }
li img, li .missing { width: 100%; aspect-ratio: 1; object-fit: contain;
     background: var(--ground); }
li img { display: block; }
li > div:last-child { padding: .45rem .6rem .6rem; font-size: .8rem; }
li b { color: var(--mark); font-variant-numeric: tabular-nums; font-size: .95rem; }
li span { display: block; overflow-wrap: anywhere; }
li small { color: var(--quiet); display: block; font-size: .75rem; overflow-wrap: anywhere; }
"""


def card(path: str, drawn: str, head: str, details: str = "", kind: str = "") -> str:
    """Return a card as HTML.

    Args:
        drawn: the picture's thumbnail, HTML.
        head, details: HTML above and below the file's name and folder.
        kind: a class of the style; 'best' has a mark around it.
    """
    marked = f' class="{kind}"' if kind else ""
    return (
        f"<li{marked}>{drawn}<div>{head}<span>{text(Path(path).name)}</span>"
        f"<small>{text(str(Path(path).parent))}</small>{details}</div></li>"
    )


def grid(cards: list[str]) -> str:
    """Return cards side by side, in order."""
    return "<ol>\n{}\n</ol>".format("\n".join(cards))
