"""What all pages share: the frame, the colours of light and dark, text and thumbnails made safe."""

import base64
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import escape
from pathlib import Path

from simsearch.errors import InputError, PictureError
from simsearch.images.decode import read_file, thumbnail

TEMPORARY = ".tmp"

_STYLE = """:root { --ground: #f6f6f4; --card: #fff; --ink: #1c1c1a; --quiet: #63635e;
        --line: #dcdcd6; --mark: #0b6b57; --wrong: #b3261e; --first: #1b66a8; --second: #a85a00; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #161615; --card: #222220; --ink: #eeeeea; --quiet: #a3a39c;
          --line: #3a3a36; --mark: #6fd3ba; --wrong: #ff9c8f; --first: #7cbcf5; --second: #f2ae62; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.25rem 1rem 3rem; background: var(--ground);
       color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p.summary { color: var(--quiet); margin: 0 0 1.5rem; overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); padding: 1rem 0 1.25rem; }
h2 { font-size: 1rem; margin: 0 0 .75rem; font-weight: 600; overflow-wrap: anywhere; }
h2 small { color: var(--quiet); font-weight: 400; margin-left: .5rem; }
.missing { display: grid; place-items: center; color: var(--quiet); font-size: .85rem; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<h1>{title}</h1>
<p class="summary">{summary}</p>
{sections}
</body>
</html>
"""


def page(title: str, summary: str, sections: Iterable[str], style: str) -> str:
    """Return a whole page that can be encoded as UTF-8.

    Args:
        title, summary: plain text.
        sections: HTML, see `section`.
        style: CSS beyond what all pages share.
    """
    whole = _PAGE.format(
        title=text(title),
        summary=text(summary),
        sections="\n".join(sections),
        style=_STYLE + style,
    )
    return whole.encode("utf-8", "replace").decode()


def section(title: str, detail: str, body: str) -> str:
    """Return a section: plain text `title` and `detail` over the HTML `body`."""
    heading = f"<h2>{text(title)}<small>{text(detail)}</small></h2>"
    return f"<section>\n{heading}\n{body}\n</section>"


def picture(path: str, name: str, side: int) -> str:
    """Return a thumbnail of at most `side` pixels as HTML, or why there is none.

    Args:
        name: plain text that stands for the picture where it can't be seen.
    """
    try:
        data = base64.b64encode(thumbnail(read_file(path), side)).decode("ascii")
    except PictureError as error:
        return f'<div class="missing">{text(error.kind)}</div>'
    return f'<img src="data:image/jpeg;base64,{data}" alt="{text(name)}" loading="lazy">'


def pictures(paths: Sequence[str], side: int) -> Iterator[tuple[str, str]]:
    """Yield each path and its thumbnail, see `picture`, in order; they are made in threads."""
    pool = ThreadPoolExecutor(os.cpu_count(), "thumbnail")
    try:
        drawn = pool.map(lambda path: picture(path, Path(path).name, side), paths)
        yield from zip(paths, drawn, strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def write(path: Path, whole: str) -> None:
    """Write a page, whole or not at all; its folder must be there.

    Raises:
        InputError: the place can't be written.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"can't write '{path}': it is no file; choose another place")
        try:
            temporary.write_text(whole, encoding="utf-8")
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"can't write '{path}': {error.strerror}; choose another place") from error


def text(value: str) -> str:
    """Return any text, a file name that is no UTF-8 too, as HTML."""
    return escape(value.encode("utf-8", "replace").decode(), quote=True)
