"""What is known of a built index, beside it as meta.json; read without loading anything heavy."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simsearch.config import PROMISED_RECALL
from simsearch.records import SearchTuning

FOLDER = "built"  # of a collection, with a folder an index
_FILE = "meta.json"
Meta = dict[str, Any]


def write_meta(folder: Path, meta: Meta, tuning: SearchTuning) -> None:
    """Write what is known of the index in `folder`, whole or not at all; raises OSError."""
    temporary = folder / f"{_FILE}.tmp"
    text = json.dumps(meta | {"tuning": asdict(tuning)}, indent=1)
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(folder / _FILE)


def read_meta(folder: Path) -> Meta:
    """Return what is known of the index in `folder`; raises OSError or ValueError."""
    meta: Meta = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    return meta


def read_tuning(folder: Path) -> SearchTuning:
    """Return the tuning of an index; raises OSError, ValueError, KeyError or TypeError."""
    meta = read_meta(folder)
    if "tuning" in meta:
        return SearchTuning(**meta["tuning"])
    return SearchTuning(int(meta["effort"]), PROMISED_RECALL, None)  # from before it was kept
