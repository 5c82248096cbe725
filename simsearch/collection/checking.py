"""Compare a collection's files with its manifest."""

from pathlib import Path

from simsearch.digest import file_digest
from simsearch.errors import CollectionDamagedError
from simsearch.index.persist import load_index
from simsearch.records import CheckReport
from simsearch.store.manifest import Manifest, PartInfo
from simsearch.store.reader import iterate_vectors, read_contents, read_failures
from simsearch.store.writer import FOLDER


def check_collection(folder: Path, manifest: Manifest) -> CheckReport:
    """Read everything and return what does not agree; no problems means sound."""
    report = CheckReport(manifest.name, len(manifest.parts), manifest.images)
    sound = [part for part in manifest.parts if _check_part(folder, part, report)]
    if len(sound) == len(manifest.parts):
        _check_rows(folder, manifest, report)
    _check_index(folder, manifest, report)
    try:
        failures, generation = read_failures(folder)
    except CollectionDamagedError as error:
        report.problems.append(str(error))
    else:
        if generation > manifest.generation:
            report.notes.append("failures.parquet is of an interrupted run; index again")
        elif len(failures) != manifest.failures:
            report.problems.append(
                f"failures.parquet has {len(failures)} rows, "
                f"the manifest says {manifest.failures}; index again"
            )
    listed = {part.file for part in manifest.parts}
    extra = sorted(p.name for p in (folder / FOLDER).glob("*") if p.name not in listed)
    if extra:
        report.notes.append(
            f"{len(extra)} files in {FOLDER}/ belong to no generation (an interrupted run, or one "
            f"under way): {', '.join(extra[:3])}"
        )
    return report


def _check_part(folder: Path, part: PartInfo, report: CheckReport) -> bool:
    path = folder / FOLDER / part.file
    if not path.is_file():
        report.problems.append(f"'{path}' is missing; restore it, or index again with --rebuild")
        return False
    if file_digest(path) != part.digest:
        report.problems.append(
            f"'{path}' is not what was written (digest differs); "
            "restore it, or index again with --rebuild"
        )
        return False
    try:
        rows = sum(len(ids) for ids, _ in iterate_vectors(folder, [part]))
    except CollectionDamagedError as error:
        report.problems.append(str(error))
        return False
    if rows != part.rows:
        report.problems.append(f"'{path}' has {rows} rows, the manifest says {part.rows}")
    return rows == part.rows


def _check_rows(folder: Path, manifest: Manifest, report: CheckReport) -> None:
    contents, _ = read_contents(folder, manifest.parts)
    if len(set(contents.ids.tolist())) != len(contents.ids):
        report.problems.append("some row ids occur twice; index again with --rebuild")
    if contents.count != manifest.contents:
        report.problems.append(
            f"there are {contents.count} contents, the manifest says {manifest.contents}; "
            "index again with --rebuild"
        )


def _check_index(folder: Path, manifest: Manifest, report: CheckReport) -> None:
    if manifest.index is None:
        report.notes.append("the index is not built yet; the next query builds it")
        return
    try:
        index = load_index(folder, manifest.index, afresh=True)
    except CollectionDamagedError as error:
        report.problems.append(f"{error}; the next query builds it again")
        return
    if (index.size, len(index.postings)) != (manifest.contents, manifest.images):
        report.problems.append(
            f"the index has {index.size} vectors for {len(index.postings)} rows, the manifest says "
            f"{manifest.contents} for {manifest.images}; the next index run builds it again"
        )
