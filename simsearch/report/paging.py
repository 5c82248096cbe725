"""Pages that belong together: their files, and the links from one to another, without scripts."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from simsearch.errors import InputError
from simsearch.report.page import TEMPORARY, write

_PAGE_FILE = re.compile(rf"page-\d{{4,}}\.html(?:{re.escape(TEMPORARY)})?")
_AROUND = 2  # numbers beside the present one

STYLE = """nav, nav span { display: flex; flex-wrap: wrap; gap: .4rem; justify-content: center; }
nav { margin: 0 0 1.25rem; font-variant-numeric: tabular-nums; }
nav a, nav i, nav b { min-width: 2.75rem; min-height: 2.75rem; padding: 0 .6rem; display: grid;
     place-items: center; border: 1px solid var(--line); border-radius: .5rem;
     background: var(--card); color: var(--mark); text-decoration: none; font-style: normal; }
nav a:hover, nav a:focus-visible { border-color: var(--mark); }
nav i { color: var(--quiet); background: none; border-color: transparent; }
nav i.gap { min-width: 0; padding: 0; }
nav b { border: 2px solid var(--mark); }
@media (max-width: 40rem) { nav span { order: -1; flex-basis: 100%; } }
"""


@dataclass(frozen=True, slots=True)
class PageSet:
    """Pages numbered from 1: the first is `first`, the others lie in a folder next to it."""

    first: Path
    count: int

    @property
    def folder(self) -> Path:
        """The folder of all pages but the first, 'OUT_pages' for 'OUT.html'."""
        return self.first.with_name(self.first.stem + "_pages")

    def path(self, number: int) -> Path:
        """Return the file of a page."""
        return self.first if number == 1 else self.folder / f"page-{number:04d}.html"

    def write(self, number: int, whole: str) -> None:
        """Write one page; raises InputError if the place can't be written."""
        if number > 1:
            try:
                self.folder.mkdir(exist_ok=True)
            except OSError as error:
                raise InputError(
                    f"can't write '{self.folder}': {error.strerror}; choose another place"
                ) from error
        write(self.path(number), whole)

    def remove_stale(self) -> None:
        """Remove the pages that an earlier, larger set left in the folder, and nothing else."""
        pages = {self.path(number).name for number in range(2, self.count + 1)}
        with suppress(OSError):  # there is no folder, or it holds other files
            for path in self.folder.iterdir():
                if _PAGE_FILE.fullmatch(path.name) and path.name not in pages:
                    path.unlink()
            self.folder.rmdir()

    def links(self, number: int) -> str:
        """Return links from a page to its neighbours and some others, HTML; none for one page."""
        if self.count == 1:
            return ""
        numbers = "".join(self._number(number, other) for other in _listed(number, self.count))
        ends = [
            self._link(number, to, title)
            for to, title in (
                (1, "« first"),
                (number - 1, "← previous"),
                (number + 1, "next →"),
                (self.count, "last »"),
            )
        ]
        before, after = "".join(ends[:2]), "".join(ends[2:])
        return f'<nav aria-label="Pages">{before}<span>{numbers}</span>{after}</nav>'

    def _number(self, number: int, other: int | None) -> str:
        if other is None:
            return '<i class="gap">…</i>'
        if other == number:
            return f'<b aria-current="page">{number:,}</b>'
        return self._link(number, other, f"{other:,}")

    def _link(self, number: int, to: int, title: str) -> str:
        if to == number or not 1 <= to <= self.count:
            return f"<i>{title}</i>"
        relative = os.path.relpath(self.path(to), self.path(number).parent)
        return f'<a href="{quote(os.fsencode(relative))}">{title}</a>'


def _listed(number: int, count: int) -> Sequence[int | None]:
    """Return the pages to link to by number: both ends and some around; None is a gap."""
    near = range(max(1, number - _AROUND), min(count, number + _AROUND) + 1)
    listed: list[int | None] = []
    before = 0
    for other in sorted({1, *near, count}):
        if other == before + 2:
            listed.append(before + 1)
        elif other > before + 1:
            listed.append(None)
        listed.append(other)
        before = other
    return listed
