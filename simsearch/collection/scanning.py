"""Compare the folders with the known rows: which files are to be read, and which rows are gone."""

from simsearch.collection.job import Job
from simsearch.collection.rows import RunState
from simsearch.errors import FolderError
from simsearch.images.discover import discover, is_candidate
from simsearch.records import Failure, FoundFile, is_below


def scan(job: Job, state: RunState) -> list[FoundFile]:
    """Return the files to read; note the failures and the known paths that are gone.

    Raises:
        FolderError: no picture at all in the job's folders, and that is a mistake.
    """
    todo: list[FoundFile] = []
    present: set[str] = set()
    for found in discover(job.roots, job.selection):
        if isinstance(found, Failure):
            state.failures.append(found)
            continue
        path = found.full_path
        row = state.rows.get(path)
        if row is None and not is_candidate(found):
            state.counts.other_files += 1
            continue
        present.add(path)
        if row is None or (row.record.size, row.record.mtime_ns) != (found.size, found.mtime_ns):
            todo.append(found)
    if not present and not job.may_be_empty:
        raise _no_picture(job, state)
    _note_gone(job, state, present)
    return todo


def _no_picture(job: Job, state: RunState) -> FolderError:
    shown = "', '".join(job.roots)
    first = ""
    if state.failures:
        first = f"; {state.failures[0].full_path}: {state.failures[0].message}"
    return FolderError(
        f"no picture found in '{shown}'{first}; check the folder and the globs "
        "(nothing was changed)"
    )


def _note_gone(job: Job, state: RunState, present: set[str]) -> None:
    unreadable = [failure.full_path for failure in state.failures]
    for path, row in sorted(state.rows.items()):
        if path in present or not any(is_below(path, root) for root in job.roots):
            continue
        # A link that leads nowhere is itself unreadable, and gone; a folder may hold what it held.
        if not any(path != place and is_below(path, place) for place in unreadable):
            state.gone[path] = row
