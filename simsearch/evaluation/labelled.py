"""Labelled pictures: a folder a class, or a table of path and label."""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from simsearch.config import Selection
from simsearch.errors import FolderError, InputError
from simsearch.images.discover import discover, is_candidate, resolve_folder
from simsearch.records import Failure, FoundFile

Labels = npt.NDArray[np.int64]
_TABLES = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """Picture files and what each of them shows.

    Attributes:
        paths: absolute paths, in a fixed order.
        labels: int64 [n], numbers of classes.
        classes: names of the classes, sorted; `labels` counts into it.
        warnings: what was left out or looks wrong, one line each.
    """

    paths: tuple[str, ...]
    labels: Labels
    classes: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def sizes(self) -> Labels:
        """Return the number of pictures of each class, int64 [classes]."""
        return np.bincount(self.labels, minlength=len(self.classes))

    def take(self, rows: Sequence[int] | Labels) -> "LabelledPictures":
        """Return some of the pictures, with only the classes that they have."""
        names = [self.classes[self.labels[row]] for row in rows]
        return label_pictures([self.paths[row] for row in rows], names, self.warnings)


def read_labelled(source: str | os.PathLike[str]) -> LabelledPictures:
    """Read a folder of classes, or a CSV or Parquet file with the columns `path` and `label`.

    In a folder, a picture's class is the path of its own folder below `source`, so classes may be
    nested. Paths in a table are relative to the table's folder.

    Raises:
        InputError: there is no such thing, it has no labelled picture, or a table is not as above.
    """
    path = Path(source).expanduser()
    if path.is_file():
        if path.suffix.lower() not in _TABLES:
            raise InputError(f"'{source}' is no folder and no {' or '.join(_TABLES)} table")
        return _from_table(path)
    return _from_folder(resolve_folder(source))


def _from_folder(root: str) -> LabelledPictures:
    paths: list[str] = []
    names: list[str] = []
    warnings: list[str] = []
    loose = 0
    for found in discover([root], Selection()):
        if isinstance(found, Failure):
            warnings.append(f"'{found.full_path}' left out: {found.message}")
        elif isinstance(found, FoundFile) and is_candidate(found):
            name = str(PurePosixPath(found.path).parent)
            if name == ".":
                loose += 1
                continue
            paths.append(found.full_path)
            names.append(name)
    if not paths:
        hint = f" ({loose} lie in it directly)" if loose else ""
        raise FolderError(f"no labelled picture in '{root}'{hint}; give a folder a class")
    if loose:
        warnings.append(f"{loose} pictures left out: they lie in '{root}' itself, in no class")
    return label_pictures(paths, names, [*warnings, *_names_used_twice(names)])


def _from_table(path: Path) -> LabelledPictures:
    try:
        rows = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"'{path}' can't be read ({reason}); it needs the columns path and label"
        ) from error
    labels: dict[str, str] = {}
    missing: list[str] = []
    for name, label in rows:
        file = str((path.parent / name).resolve())
        if not label:
            raise InputError(f"'{path}': '{name}' has no label; give every row one")
        if labels.setdefault(file, label) != label:
            raise InputError(
                f"'{path}': '{name}' is labelled '{labels[file]}' and '{label}'; keep one of them"
            )
        if not Path(file).is_file():
            missing.append(name)
            del labels[file]
    warnings = (
        [f"{len(missing)} of {len(rows)} files of '{path}' are missing; the first: '{missing[0]}'"]
        if missing
        else []
    )
    if not labels:
        reason = warnings[0] if warnings else "it has no rows"
        raise InputError(f"no labelled picture in '{path}': {reason}")
    return label_pictures(list(labels), list(labels.values()), warnings)


def _read_csv(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
        reader = csv.DictReader(stream)
        if not {"path", "label"} <= set(reader.fieldnames or ()):
            raise ValueError(f"its columns are {', '.join(reader.fieldnames or ['none'])}")
        return [((row["path"] or ""), (row["label"] or "").strip()) for row in reader]


def _read_parquet(path: Path) -> list[tuple[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=["path", "label"])
        columns = (table.column(name).cast(pa.string()).to_pylist() for name in ("path", "label"))
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    return [(name or "", label or "") for name, label in zip(*columns, strict=True)]


def label_pictures(
    paths: Sequence[str], names: Sequence[str], warnings: Iterable[str] = ()
) -> LabelledPictures:
    """Label pictures by names of classes; they are sorted by class and path."""
    classes = sorted(set(names))
    number = {name: place for place, name in enumerate(classes)}
    order = sorted(range(len(paths)), key=lambda row: (names[row], paths[row]))
    return LabelledPictures(
        paths=tuple(paths[row] for row in order),
        labels=np.array([number[names[row]] for row in order], np.int64),
        classes=tuple(classes),
        warnings=tuple(warnings),
    )


def _names_used_twice(names: Sequence[str]) -> list[str]:
    """Warn of classes in different folders whose own names are the same, or differ in case."""
    leaves = Counter(PurePosixPath(name).name.casefold() for name in set(names))
    # Groups such as WRITER/genuine repeat their names by design: then every folder has them.
    twice = [leaf for leaf, count in leaves.items() if count > 1]
    if not twice or len(twice) == len(leaves):
        return []
    count = f"{len(twice)} class names are used by more than one folder"
    return [f"{count}, the first: '{twice[0]}'; they are taken as different classes"]
