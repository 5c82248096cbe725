"""Pages as their readers get them."""

import re
from html.parser import HTMLParser


class ParsedPage(HTMLParser):
    """Counts elements, and keeps attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def section_of(page: str, title: str) -> str:
    """Return the one section with this title, HTML."""
    sections: list[str] = re.findall(r"<section>.*?</section>", page, re.S)
    (found,) = [part for part in sections if f"<h2>{title}<" in part]
    return found
