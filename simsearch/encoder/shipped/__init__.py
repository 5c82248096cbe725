"""The encoders that come with the package, a checkpoint folder each, under a name with a version.

Weights never change under a name: a better encoder gets the next number.
"""

from pathlib import Path


def shipped_folder(name: str) -> Path | None:
    """Return the folder of a shipped encoder, None where none goes by that name."""
    return _FOLDERS.get(name)


SHIPPED = "simsearch-"  # what their names begin with
_FOLDERS = {folder.name: folder for folder in Path(__file__).parent.glob(f"{SHIPPED}*")}
