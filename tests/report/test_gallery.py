"""Galleries: whole, self-contained and safe against any file name."""

import os
import re
from pathlib import Path

from simsearch.records import Neighbor, QueryResult
from simsearch.report.gallery import query_page
from tests.conftest import save_pictures
from tests.report.parsed import ParsedPage


def result_of(paths: list[Path]) -> QueryResult:
    neighbors = [
        Neighbor(rank, str(path), 1 - rank / 10, rank) for rank, path in enumerate(paths[1:], 1)
    ]
    return QueryResult(str(paths[0]), neighbors)


def test_query_page_shows_query_and_neighbors_in_order(tmp_path: Path) -> None:
    paths = save_pictures(tmp_path, 4)
    page = query_page("photos", [result_of(paths)])
    assert ParsedPage(page).tags.count("img") == 4
    scores = re.findall(r"<b>([^<]+)</b>", page)
    assert scores == ["query", "0.9000", "0.8000", "0.7000"]
    positions = [page.index(f"<span>{path.name}</span>") for path in paths]
    assert positions == sorted(positions)


def test_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = query_page("photos", [result_of(save_pictures(tmp_path, 2))])
    assert all(source.startswith("data:image/jpeg;base64,") for source in ParsedPage(page).sources)
    assert not re.search(r"https?://|<script|@import|url\(", page)


def test_page_is_for_phones_and_for_both_colour_schemes(tmp_path: Path) -> None:
    page = query_page("photos", [result_of(save_pictures(tmp_path, 1))])
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page


def test_file_names_are_text_not_markup(tmp_path: Path) -> None:
    evil = tmp_path / "<img src=x onerror=alert(1)>&amp;.jpg"
    save_pictures(tmp_path, 1)[0].rename(evil)
    page = query_page("<b>name</b>", [QueryResult(str(evil), [])])
    parsed = ParsedPage(page)
    assert parsed.tags.count("img") == 1
    assert evil.name in parsed.text
    assert "<b>name</b>" in parsed.text


def test_names_that_are_no_utf8_and_missing_files_are_shown(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    page = query_page("photos", [QueryResult(str(tmp_path / name), [])])
    assert "caf?.jpg" in page
    assert "unreadable" in page
    assert page.encode()
