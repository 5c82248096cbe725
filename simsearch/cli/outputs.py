"""Places that a command is to write to, looked at before it works for them."""

from pathlib import Path

from simsearch.errors import InputError


def check_outputs(*paths: Path | None) -> None:
    """Refuse files whose folder is not there; raises InputError."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise InputError(
                f"can't write '{path}': there is no such folder; make it or choose another place"
            )
