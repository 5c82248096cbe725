"""Labelled pictures: folders a class, tables of path and label, and what is wrong with them."""

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simsearch.errors import FolderError, InputError
from simsearch.evaluation.labelled import LabelledPictures, read_labelled
from tests.conftest import save_pictures


def labelled(found: LabelledPictures, root: Path) -> dict[str, str]:
    """Return the class of each picture by its path below a folder."""
    assert len(found) == len(found.labels) == len(set(found.paths))
    assert found.labels.dtype == np.int64
    assert list(found.classes) == sorted(found.classes)
    return {
        str(Path(path).relative_to(root)): found.classes[label]
        for path, label in zip(found.paths, found.labels, strict=True)
    }


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder of nested classes: two of fruit, one of tools."""
    folder = tmp_path / "shop"
    save_pictures(folder / "fruit" / "apple", 2)
    save_pictures(folder / "fruit" / "pear", 3, first_seed=10)
    save_pictures(folder / "tools", 2, first_seed=20)
    return folder


EXPECTED = {
    "fruit/apple/picture-000.jpg": "fruit/apple",
    "fruit/apple/picture-001.jpg": "fruit/apple",
    "fruit/pear/picture-010.jpg": "fruit/pear",
    "fruit/pear/picture-011.jpg": "fruit/pear",
    "fruit/pear/picture-012.jpg": "fruit/pear",
    "tools/picture-020.jpg": "tools",
    "tools/picture-021.jpg": "tools",
}


def write_csv(path: Path, rows: Sequence[tuple[str, ...]], header: str = "path,label") -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        stream.write(header + "\n")
        csv.writer(stream).writerows(rows)
    return path


def test_nested_folders(shop: Path) -> None:
    (shop / "fruit" / "notes.txt").write_text("no picture")
    found = read_labelled(shop)
    assert labelled(found, shop) == EXPECTED
    assert found.classes == ("fruit/apple", "fruit/pear", "tools")
    assert found.sizes().tolist() == [2, 3, 2]
    assert found.warnings == ()


def test_a_folder_of_classes_may_hold_pictures_itself(shop: Path) -> None:
    save_pictures(shop / "fruit", 1, first_seed=40)
    found = read_labelled(shop)
    assert labelled(found, shop) == {**EXPECTED, "fruit/picture-040.jpg": "fruit"}


def test_order_is_fixed_and_by_class(shop: Path) -> None:
    first, again = read_labelled(shop), read_labelled(str(shop))
    assert first.paths == again.paths
    assert first.labels.tolist() == sorted(first.labels.tolist())


def test_take_keeps_only_the_classes_that_are_left(shop: Path) -> None:
    part = read_labelled(shop).take([6, 2, 3])
    assert part.classes == ("fruit/pear", "tools")
    assert {k: EXPECTED[k] for k in labelled(part, shop)} == labelled(part, shop)
    assert part.sizes().tolist() == [2, 1]


def test_loose_pictures_are_counted(shop: Path) -> None:
    save_pictures(shop, 2, first_seed=30)
    found = read_labelled(shop)
    assert labelled(found, shop) == EXPECTED
    (warning,) = found.warnings
    assert warning.startswith("2 pictures left out: they lie in")


@pytest.mark.parametrize("twin", ["pear", "Pear"])
def test_class_names_used_twice_are_told(shop: Path, twin: str) -> None:
    save_pictures(shop / "tools" / twin, 2, first_seed=50)
    found = read_labelled(shop)
    assert {"fruit/pear", f"tools/{twin}"} <= set(found.classes)
    (warning,) = found.warnings
    assert warning == (
        "1 class names are used by more than one folder, the first: 'pear'; "
        "they are taken as different classes"
    )


def test_names_that_every_folder_has_are_no_accident(tmp_path: Path) -> None:
    for writer in range(3):
        for kind in ("genuine", "forged"):
            save_pictures(tmp_path / f"writer{writer}" / kind, 1)
    found = read_labelled(tmp_path)
    assert len(found.classes) == 6
    assert found.warnings == ()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("as_table", [False, True])
def test_names_that_are_no_utf_8(tmp_path: Path, as_table: bool) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path / "things") + b"/caf\xe9"))
    save_pictures(folder, 2)
    save_pictures(tmp_path / "things" / "tea", 2)
    source = tmp_path / "things"
    if as_table:
        source = tmp_path / "labels.csv"
        lines = [f"things/caf\udce9/picture-00{n}.jpg,coffee\n" for n in range(2)]
        lines += [f"things/tea/picture-00{n}.jpg,tea\n" for n in range(2)]
        source.write_bytes(os.fsencode("path,label\n" + "".join(lines)))
    found = read_labelled(source)
    assert found.classes == (("coffee", "tea") if as_table else ("caf\udce9", "tea"))
    assert len(found) == 4
    assert all(Path(path).is_file() for path in found.paths)
    assert found.warnings == ()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables(shop: Path, kind: str) -> None:
    rows = [(path, name.upper()) for path, name in EXPECTED.items()]
    rows[0] = (str(shop / rows[0][0]), rows[0][1])  # absolute paths will do, too
    table = shop / f"labels.{kind}"
    if kind == "csv":
        write_csv(table, rows)
    else:
        paths, names = zip(*rows, strict=True)
        # Written by pandas, labels are often dictionary encoded, and there are other columns.
        columns = {
            "price": pa.array(range(7)),
            "label": pa.array(names).dictionary_encode(),
            "path": pa.array(paths),
        }
        pq.write_table(pa.table(columns), table)
    found = read_labelled(table)
    assert labelled(found, shop) == {path: name.upper() for path, name in EXPECTED.items()}
    assert found.warnings == ()


def test_a_spreadsheets_csv(shop: Path) -> None:
    """A byte order mark, CRLF, more columns, quotes, spaces around the label, a row twice."""
    text = (
        "\ufeffid,label,path\r\n"
        '1," tools ","tools/picture-020.jpg"\r\n'
        "2,tools,tools/picture-021.jpg\r\n"
        "3,tools,./tools/../tools/picture-021.jpg\r\n"
    )
    (shop / "labels.CSV").write_bytes(text.encode())
    assert labelled(read_labelled(shop / "labels.CSV"), shop) == {
        "tools/picture-020.jpg": "tools",
        "tools/picture-021.jpg": "tools",
    }


def test_integer_labels_of_parquet(shop: Path) -> None:
    table = pa.table({"path": ["tools/picture-020.jpg", "tools/picture-021.jpg"], "label": [7, 8]})
    pq.write_table(table, shop / "labels.parquet")
    assert read_labelled(shop / "labels.parquet").classes == ("7", "8")


def test_missing_paths_are_counted(shop: Path) -> None:
    rows = [("tools/picture-020.jpg", "a"), ("gone.jpg", "a"), ("tools", "b"), ("far/off.png", "b")]
    found = read_labelled(write_csv(shop / "labels.csv", rows))
    assert labelled(found, shop) == {"tools/picture-020.jpg": "a"}
    (warning,) = found.warnings
    assert warning.startswith("3 of 4 files of '")
    assert warning.endswith("are missing; the first: 'gone.jpg'")


@pytest.mark.parametrize(
    ("rows", "header", "mentions"),
    [
        ([("tools/picture-020.jpg", "a"), ("./tools/picture-020.jpg", "b")], "path,label",
         "'./tools/picture-020.jpg' is labelled 'a' and 'b'; keep one of them"),
        ([("tools/picture-020.jpg", "")], "path,label", "has no label; give every row one"),
        ([("tools/picture-020.jpg", "  ")], "path,label", "has no label; give every row one"),
        ([("tools/picture-020.jpg",)], "path,label", "has no label; give every row one"),
        ([("gone.jpg", "a")], "path,label", "1 of 1 files of .* are missing"),
        ([], "path,label", "it has no rows"),
        ([("tools/picture-020.jpg", "a")], "file,class",
         r"its columns are file, class\); it needs the columns path and label"),
        ([], "", "its columns are "),
    ],
)  # fmt: skip
def test_tables_that_will_not_do(
    shop: Path, rows: list[tuple[str, ...]], header: str, mentions: str
) -> None:
    table = write_csv(shop / "labels.csv", rows, header)
    with pytest.raises(InputError, match=mentions) as caught:
        read_labelled(table)
    assert "labels.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parquet_that_will_not_do(shop: Path) -> None:
    table = shop / "labels.parquet"
    pq.write_table(pa.table({"path": ["tools/picture-020.jpg"], "class": ["a"]}), table)
    with pytest.raises(InputError, match="it needs the columns path and label") as caught:
        read_labelled(table)
    assert "\n" not in str(caught.value)
    pq.write_table(pa.table({"path": ["tools/picture-020.jpg"], "label": [None]}), table)
    with pytest.raises(InputError, match="has no label"):
        read_labelled(table)
    table.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"'.*labels\.parquet' can't be read"):
        read_labelled(table)


def test_nothing_there(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="does not exist"):
        read_labelled(tmp_path / "nowhere")
    (tmp_path / "empty" / "class").mkdir(parents=True)
    with pytest.raises(FolderError, match=r"no labelled picture in '.*'; give a folder a class"):
        read_labelled(tmp_path / "empty")
    with pytest.raises(FolderError, match=r"\(2 lie in it directly\)"):
        read_labelled(shop / "tools")
    (tmp_path / "labels.txt").write_text("path,label\n")
    with pytest.raises(InputError, match=r"is no folder and no \.csv or \.parquet table"):
        read_labelled(tmp_path / "labels.txt")
