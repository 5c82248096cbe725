"""plan.csv: written, edited by hand or in a spreadsheet, and read again."""

import csv
import io
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsearch.actions.plan import COLUMNS, Action, PlanRow, read_plan, write_plan
from simsearch.errors import InputError

DATE = "2024-05-01T10:00:00"
HEADER = "group,action,path,content_hash\n"
HASH = "0123456789abcdef" * 4
ROWS = [
    PlanRow(1, Action.KEEP, "/p/a.jpg", "largest", 1.0, "exact", 9, 4, 3, DATE, HASH),
    PlanRow(1, Action.DROP, "/p/b, c.jpg", "", 0.98, "copy", 7, 2, 1, DATE, HASH),
]
NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: not {0, 47} & set(name))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Return a written plan."""
    write_plan(tmp_path / "plan.csv", ROWS)
    return tmp_path / "plan.csv"


@given(
    names=st.lists(NAMES.filter(lambda name: name not in {b".", b".."}), unique=True, min_size=1)
)
def test_any_name_comes_back(names: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.csv"
    rows = [replace(ROWS[1], path="/p/" + os.fsdecode(name)) for name in names]
    write_plan(path, rows)
    assert path.read_bytes().decode("utf-8").startswith(",".join(COLUMNS))
    assert read_plan(path) == rows


def test_columns_are_in_their_order(plan: Path) -> None:
    first, *_ = plan.read_text(encoding="utf-8").splitlines()
    assert first == "group,action,path,reason,score,kind,size,width,height,date,content_hash"


def edited(change: Callable[[list[dict[str, str]]], object], separator: str = ",") -> str:
    """Return the plan as a spreadsheet writes it after a change."""
    text = io.StringIO()
    write = csv.DictWriter(text, COLUMNS, delimiter=separator, lineterminator="\n")
    rows = [{name: str(getattr(row, name)) for name in COLUMNS} for row in ROWS]
    change(rows)
    write.writeheader()
    write.writerows(rows)
    return text.getvalue()


def unchanged(rows: list[dict[str, str]]) -> None:
    """Change nothing."""


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_spreadsheets_write(plan: Path, separator: str, end: str, encoding: str) -> None:
    text = edited(unchanged, separator).replace("\n", end)
    plan.write_bytes(text.encode(encoding))
    assert read_plan(plan) == ROWS


def test_all_fields_may_be_quoted(plan: Path) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, delimiter=";").writerows(
        csv.reader(io.StringIO(edited(unchanged)))
    )
    plan.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    assert read_plan(plan) == ROWS


def test_columns_may_be_moved_added_and_dropped(plan: Path) -> None:
    plan.write_text(
        f"note,Content_Hash, PATH ,action,group\n"
        f"mine,{HASH.upper()},/p/a.jpg, Keep ,1\n"
        f",,,,\n"
        f"\n"
        f"yours,{HASH},/p/b.jpg,NOT-DUPLICATE,1\n"
    )
    first, second = read_plan(plan)
    assert (first.group, first.action, first.path) == (1, "keep", "/p/a.jpg")
    assert first.content_hash == HASH
    assert second.action is Action.NOT_DUPLICATE


def test_mangled_numbers_do_not_matter(plan: Path) -> None:
    def mangle(rows: list[dict[str, str]]) -> None:
        rows[0].update(score="0,98", size="1.234.567", width="4,0E+02", date="01.05.2024")
        rows[1].update(score="high", size="", height="#####")

    plan.write_text(edited(mangle, ";"))
    first, second = read_plan(plan)
    assert (first.score, first.size, first.width) == (0.98, None, None)
    assert math.isnan(second.score)


def test_path_with_a_line_end_and_numbers_of_lines_after_it(plan: Path) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        rows[0]["path"] = '/p/new\nline "and" more.jpg'
        rows[1]["action"] = "dorp"

    plan.write_text(edited(change))
    with pytest.raises(InputError, match="line 4: action 'dorp' is unknown; use keep, drop, not-d"):
        read_plan(plan)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        (HEADER, "no row below its header"),
        ("group,action,content_hash\n1,keep,x\n", "line 1: no column 'path'"),
        ("group,path,action,path,content_hash\n", "column 'path' is there twice"),
        (f"{HEADER}1,keep,/a,{HASH[:-1]}\n", "line 2: content_hash"),
        (f"{HEADER}1,keep,/a,{HASH}\n1,,/b,{HASH}\n", "line 3: action ''"),
        (f"{HEADER}x,keep,/a,{HASH}\n", "line 2: group 'x'"),
        (f"{HEADER}1,keep,a.jpg,{HASH}\n", "line 2: path 'a.jpg'"),
        (f"{HEADER}1,keep,/a/../b,{HASH}\n", "line 2: path '/a/../b'"),
        (f"{HEADER}1,keep,/a\0b,{HASH}\n", "line 2: path"),
        (f"{HEADER}1,keep\n", "line 2: no path"),
        (f'{HEADER}1,keep,"/a\n\n', "line 2: no CSV"),
        (f"{HEADER}1,keep,/a,{HASH}\n2,drop,/./a/,{HASH}\n", "'/a' stands in line 2 already"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(plan: Path, text: str, message: str) -> None:
    plan.write_text(text)
    with pytest.raises(InputError) as error:
        read_plan(plan)
    assert message in str(error.value)
    assert str(plan) in str(error.value)


def test_other_encodings_are_refused_with_the_line(plan: Path) -> None:
    plan.write_bytes(f"{HEADER}1,keep,/fu\xdf,{HASH}\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 2: no UTF-8; save it as CSV in UTF-8"):
        read_plan(plan)


def test_a_plan_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No such file.*duplicates --plan plan.csv"):
        read_plan(tmp_path / "plan.csv")
    with pytest.raises(InputError, match="Is a directory"):
        read_plan(tmp_path)


def test_a_plan_is_not_overwritten_unless_asked(plan: Path) -> None:
    with pytest.raises(InputError, match=r"plan.csv' exists; delete it or choose another name"):
        write_plan(plan, ROWS[:1])
    assert read_plan(plan) == ROWS
    write_plan(plan, ROWS[:1], overwrite=True)
    assert read_plan(plan) == ROWS[:1]
    assert list(plan.parent.iterdir()) == [plan]


def test_a_plan_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose another place"):
        write_plan(tmp_path / "nowhere" / "plan.csv", ROWS)
