"""What people read whose collection was made with a default encoder of before."""

import shlex
from collections.abc import Sequence

from simsearch.cli.render import shown_path
from simsearch.config import DEFAULT_ENCODER, EARLIER_DEFAULTS


def moving_note(name: str, roots: Sequence[str], encoder: str) -> str | None:
    """Return how to move a collection to today's default encoder; None where it need not.

    Args:
        roots: the folders that the collection is of.
        encoder: the name of its own.
    """
    if encoder not in EARLIER_DEFAULTS:
        return None
    folders = " ".join(shlex.quote(shown_path(root)) for root in roots)
    return (
        f"note: {encoder} keeps working; today's default finds more copies. To move:\n"
        f"      simsearch index {folders} --name {name} --rebuild --encoder {DEFAULT_ENCODER}"
    )
