"""Galleries of duplicates: every group on one page, marked, compared with its best, linked."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from simsearch.errors import InputError
from simsearch.records import DuplicateGroup, DuplicateMember, Duplicates, ImageRecord
from simsearch.report.gallery import demo_page, write_duplicates
from simsearch.report.groups import Mark
from simsearch.report.paging import PageSet
from tests.conftest import save_pictures
from tests.report.parsed import ParsedPage
from tests.report.test_gallery import result_of

KEEP, DROP = Mark("keep", "the best by age"), Mark("drop", "a copy of the kept file")
NS = 10**9


def record(path: Path, id_: int = 0) -> ImageRecord:
    return ImageRecord(id_, path.name, str(path.parent), "0" * 64, 900, 0, 96, 72, "JPEG")


def group_of(paths: Sequence[Path], score: float = 0.95) -> DuplicateGroup:
    """Return a group whose best is the first; each tie is weaker than the one before."""
    best, *others = map(record, paths)
    ties = [
        DuplicateMember(other, score - place / 1000, "copy") for place, other in enumerate(others)
    ]
    return DuplicateGroup(best, ties)


def cards_of(page: str) -> dict[str, str]:
    """Return the HTML of each card by the file's name."""
    cards = re.findall(r"<li.*?</li>", page, re.S)
    named = {re.search(r"</small><span>([^<]+)</span>", card): card for card in cards}
    return {name[1]: card for name, card in named.items() if name}


def written(path: Path, found: Duplicates, marks: dict[str, Mark] | None = None) -> str:
    assert write_duplicates(path, "photos", found, marks or {}) == 1
    return path.read_text(encoding="utf-8")


@pytest.fixture
def utc() -> Iterator[None]:
    """Let local time be UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Duplicates:
    """Return 250 groups of two or three files, as few of them pictures as it takes."""
    folder = tmp_path_factory.mktemp("many")
    paths = save_pictures(folder, 6)
    for number in range(6, 560):
        paths.append(folder / f"picture-{number:03d}.jpg")
        os.link(paths[number % 6], paths[-1])
    groups = [group_of(paths[3 * n : 3 * n + 3]) for n in range(50)]
    groups += [group_of(paths[150 + 2 * n : 152 + 2 * n]) for n in range(200)]
    return Duplicates(None, [], groups)


def local_links(page: Path) -> dict[str, Path]:
    """Return the file that each link of a page leads to, by its text."""
    found = re.findall(r'<a href="([^"]+)">([^<]+)</a>', page.read_text(encoding="utf-8"))
    return {title: (page.parent / unquote(href)).resolve() for href, title in found}


def test_every_group_is_on_one_page_and_every_page_can_be_reached(
    many: Duplicates, tmp_path: Path
) -> None:
    first = tmp_path / "odd #1 50% ü.html"
    seen: list[tuple[int, int]] = []
    count = write_duplicates(first, "photos", many, {}, lambda *state: seen.append(state))
    assert count == 3
    assert seen == [(done, 550) for done in range(1, 551)]
    pages = [first]
    while "next →" in local_links(pages[-1]):
        pages.append(local_links(pages[-1])["next →"])
    assert len(pages) == len(set(pages)) == count
    assert set(pages[1:]) == set((tmp_path / "odd #1 50% ü_pages").iterdir())
    numbers = [
        int(number)
        for page in pages
        for number in re.findall(r"<h2>Group (\d+)<", page.read_text(encoding="utf-8"))
    ]
    assert numbers == list(range(1, 251))
    shown = [name for page in pages for name in sorted(cards_of(page.read_text(encoding="utf-8")))]
    assert sorted(shown) == sorted(
        Path(path).name for group in many.groups for path in group.members
    )
    for place, page in enumerate(pages):
        links = local_links(page)
        assert set(links.values()) <= set(pages)
        assert links.get("last »", page) == pages[-1]
        assert links.get("« first", page) == first
        assert links.get("← previous") == (pages[place - 1] if place else None)
        others = {str(number): pages[number - 1] for number in range(1, 4) if number != place + 1}
        assert others.items() <= links.items()
        text = page.read_text(encoding="utf-8")
        assert f"Page {place + 1} of 3." in text
        assert f'<b aria-current="page">{place + 1}</b>' in text


def test_pages_are_whole_without_scripts_and_hold_only_small_pictures(
    many: Duplicates, tmp_path: Path
) -> None:
    write_duplicates(tmp_path / "out.html", "photos", many, {})
    for page in (tmp_path / "out.html", *(tmp_path / "out_pages").iterdir()):
        text = page.read_text(encoding="utf-8")
        parsed = ParsedPage(text)
        inlined = [source for source in parsed.sources if source.startswith("data:image/jpeg;")]
        assert len(inlined) == parsed.tags.count("img") == text.count('loading="lazy"')
        assert set(parsed.sources) - set(inlined) <= {
            "../out.html",
            "out_pages/page-0002.html",
            "out_pages/page-0003.html",
            "page-0002.html",
            "page-0003.html",
        }
        assert not re.search(r"https?://|<script|@import|url\(", text)
        assert "prefers-color-scheme: dark" in text
        assert 'name="viewport"' in text


def test_pages_of_an_earlier_run_are_removed_and_nothing_else(
    many: Duplicates, tmp_path: Path
) -> None:
    first, folder = tmp_path / "out.html", tmp_path / "out_pages"
    write_duplicates(first, "photos", many, {})
    foreign = [folder / name for name in ("page-2.html", "0003.html", "page-0003.html.bak")]
    for path in foreign:
        path.write_text("mine")
    (folder / "page-0009.html.tmp").touch()
    assert write_duplicates(first, "photos", replace(many, groups=many.groups[:120]), {}) == 2
    assert set(folder.iterdir()) == {folder / "page-0002.html", *foreign}
    assert write_duplicates(first, "photos", replace(many, groups=many.groups[:3]), {}) == 1
    assert set(folder.iterdir()) == set(foreign)
    assert "<nav" not in first.read_text(encoding="utf-8")
    for path in foreign:
        path.unlink()
    assert write_duplicates(first, "photos", replace(many, groups=[]), {}) == 1
    assert os.listdir(tmp_path) == ["out.html"]  # noqa: PTH208 - names


@pytest.mark.parametrize(
    ("number", "count", "listed"),
    [
        (1, 1, []),
        (1, 2, ["1", "2"]),
        (4, 7, ["1", "2", "3", "4", "5", "6", "7"]),
        (5, 500, ["1", "2", "3", "4", "5", "6", "7", "…", "500"]),
        (250, 1234, ["1", "…", "248", "249", "250", "251", "252", "…", "1,234"]),
        (500, 500, ["1", "…", "498", "499", "500"]),
    ],
)
def test_the_list_of_pages_stays_short(number: int, count: int, listed: list[str]) -> None:
    links = PageSet(Path("out.html"), count).links(number)
    assert re.findall(r">([\d,…]+)<", links) == listed


def test_each_page_is_written_before_the_next_is_drawn(many: Duplicates, tmp_path: Path) -> None:
    written_at: dict[int, set[str]] = {}

    def look(done: int, total: int) -> None:
        written_at[done] = {path.name for path in tmp_path.rglob("*.html")}

    write_duplicates(tmp_path / "out.html", "photos", many, {}, look)
    assert written_at[200] == set()
    assert written_at[201] == written_at[300] == {"page-0002.html"}
    assert written_at[301] == written_at[550] == {"page-0002.html", "page-0003.html"}


def test_members_are_marked_as_the_plan_decides(tmp_path: Path) -> None:
    best, kept, dropped, other = paths = save_pictures(tmp_path, 4)
    marks = {str(best): KEEP, str(kept): Mark("keep", "in a protected folder"), str(dropped): DROP}
    cards = cards_of(written(tmp_path / "out.html", Duplicates(None, [], [group_of(paths)]), marks))
    assert list(cards) == [path.name for path in paths]
    assert '<mark class="keep">✓ keep</mark> <b>best</b>' in cards[best.name]
    assert "the best by age" in cards[best.name]
    assert '<mark class="keep">✓ keep</mark> <b>0.9500</b>' in cards[kept.name]
    assert "copy: in a protected folder" in cards[kept.name]
    assert '<mark class="drop">✗ drop</mark> <b>0.9490</b>' in cards[dropped.name]
    assert "copy: a copy of the kept file" in cards[dropped.name]
    assert "<mark>left alone</mark>" in cards[other.name]


def test_only_what_differs_is_named(tmp_path: Path, utc: None) -> None:
    best, same, other = map(record, save_pictures(tmp_path, 3))
    best = replace(best, width=2048, height=1536, size=1_200_000, mtime_ns=86_400 * NS)
    same = replace(best, path=same.path)
    other = replace(other, width=1024, height=768, size=120_300, mtime_ns=9 * 86_400 * NS)
    other = replace(other, format="PNG")
    edit = "shows 62 % of the best, <mirrored>"
    members = [DuplicateMember(same, 1.0, "exact"), DuplicateMember(other, 0.9, "copy", edit)]
    found = Duplicates(None, [], [DuplicateGroup(best, members)])
    cards = cards_of(written(tmp_path / "out.html", found))
    assert "<dl>" not in cards[same.path]
    told = ParsedPage(cards[other.path]).text
    for difference in (
        "resolution1024×768, best 2048×1536",  # noqa: RUF001
        "bytes120.3 KB, best 1.2 MB",
        "formatPNG, best JPEG",
        "date1970-01-10, best 1970-01-02",
        f"edit{edit}",
    ):
        assert difference in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"size": 1_200_001}, "bytes1,200,001 B, best 1,200,000 B"),
        ({"mtime_ns": (12 * 3600 + 61) * NS}, "date1970-01-01 12:01, best 1970-01-01 12:00"),
        ({"mtime_ns": (12 * 3600 + 1) * NS}, "date1970-01-01 12:00:01, best 1970-01-01 12:00:00"),
        ({"mtime_ns": 12 * 3600 * NS + 1}, None),
    ],
)
def test_near_values_are_told_as_exactly_as_it_takes(
    tmp_path: Path, utc: None, change: dict[str, int], told: str | None
) -> None:
    best, other = map(record, save_pictures(tmp_path, 2))
    best = replace(best, size=1_200_000, mtime_ns=12 * 3600 * NS)
    other = replace(best, path=other.path)
    changed = replace(
        other, size=change.get("size", other.size), mtime_ns=change.get("mtime_ns", other.mtime_ns)
    )
    found = Duplicates(None, [], [DuplicateGroup(best, [DuplicateMember(changed, 1.0, "copy")])])
    card = cards_of(written(tmp_path / "out.html", found))[other.path]
    assert ("<dl>" in card) == (told is not None)
    assert (told or "") in ParsedPage(card).text


def test_the_weakest_tie_is_named_and_marked(tmp_path: Path) -> None:
    paths = [*save_pictures(tmp_path / "a", 2), *save_pictures(tmp_path / "b", 1)]
    page = written(tmp_path / "out.html", Duplicates(0.9, [], [group_of(paths)]))
    pair = "between a/picture-000.jpg and b/picture-000.jpg"
    assert f"Weakest tie 0.9490, {pair}" in ParsedPage(page).text
    assert page.count('<li class="weakest">') == page.count(">weakest tie<") == 1
    assert page.index('<li class="weakest">') > page.index("<b>0.9500</b>")
    assert "cosine of 0.9 or more" in page


def test_a_large_group_shows_its_start_its_weakest_and_the_count_of_the_rest(
    tmp_path: Path,
) -> None:
    first = save_pictures(tmp_path, 1)[0]
    paths = [first, *(first.with_name(f"{number}.jpg") for number in range(3000))]
    marks = {str(path): DROP for path in paths[1:2000]}
    page = written(tmp_path / "out.html", Duplicates(None, [], [group_of(paths, 3.0)]), marks)
    assert "3,001 pictures" in page
    assert list(cards_of(page)) == [path.name for path in (*paths[:39], paths[-1])]
    assert "<b>2,961 more</b><small>1,961 drop, 1,000 left alone</small>" in page
    assert page.index("2,961 more") < page.index('<li class="weakest">')
    for count in (40, 41):
        page = written(tmp_path / "out.html", Duplicates(None, [], [group_of(paths[:count])]))
        assert ("1 more" in page) == (count == 41)
        assert len(cards_of(page)) == 40


def test_large_groups_share_a_page_with_fewer_others(tmp_path: Path) -> None:
    first = save_pictures(tmp_path, 1)[0]
    paths = [first, *(first.with_name(f"{number}.jpg") for number in range(39))]
    found = Duplicates(None, [], [group_of(paths)] * 16)
    assert write_duplicates(tmp_path / "out.html", "photos", found, {}) == 2
    assert (tmp_path / "out.html").read_text(encoding="utf-8").count("<section>") == 15


def test_names_are_text_and_what_is_gone_has_a_frame(tmp_path: Path) -> None:
    evil = tmp_path / "<img src=x onerror=alert(1)>&amp;.jpg"
    save_pictures(tmp_path, 1)[0].rename(evil)
    gone = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    marks = {str(evil): Mark("<b>keep</b>", "<b>why</b>")}
    page = written(tmp_path / "out.html", Duplicates(None, [], [group_of([evil, gone])]), marks)
    parsed = ParsedPage(page)
    assert parsed.tags.count("img") == 1
    assert evil.name in parsed.text
    assert "<b>why</b>" in parsed.text
    assert "caf?.jpg" in parsed.text
    assert '<div class="missing">unreadable</div>' in page


@pytest.mark.parametrize("obstacle", ["out.html", "out_pages"])
def test_what_can_not_be_written_is_one_line(
    many: Duplicates, tmp_path: Path, obstacle: str
) -> None:
    if obstacle == "out.html":
        (tmp_path / obstacle).mkdir()
    else:
        (tmp_path / obstacle).touch()
    with pytest.raises(InputError, match=f"can't write '.*{obstacle}': .*; choose another place"):
        write_duplicates(tmp_path / "out.html", "photos", many, {})
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_page_that_was_there_stays_until_the_new_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "out.html"
    page.write_text("before")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    found = Duplicates(None, [], [group_of(save_pictures(tmp_path, 2))])
    with pytest.raises(KeyboardInterrupt):
        write_duplicates(page, "photos", found, {}, stop)
    assert page.read_text() == "before"


def test_the_demo_shows_the_query_and_the_same_groups(tmp_path: Path) -> None:
    paths = save_pictures(tmp_path, 4)
    found = Duplicates(None, [], [group_of(paths[:2]), group_of(paths[2:])])
    marks = {str(paths[0]): KEEP, str(paths[1]): DROP}
    page = demo_page("demo", result_of(paths), found, marks)
    assert ParsedPage(page).tags.count("section") == 3
    assert page.count("✓ keep") == page.count("✗ drop") == 1
    assert "Weakest tie 0.9500" in page
