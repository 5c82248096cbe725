"""The manifest: which files make up a generation. Renaming it into place is the commit."""

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simsearch.config import EncoderSpec
from simsearch.errors import CollectionDamagedError, CollectionNewerError, CollectionNotFoundError
from simsearch.records import IndexInfo
from simsearch.store.files import write_durably

FORMAT_VERSION = 1
FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class PartInfo:
    """A part file below `embeddings/`.

    Attributes:
        digest: SHA-256 of the file.
        footer: SHA-256 of its Parquet footer, which is checked before each reading.
        first_id, last_id: the lowest and the highest id in it.
    """

    file: str
    rows: int
    digest: str
    footer: str
    first_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One generation of a collection.

    Attributes:
        roots: absolute folders that were indexed.
        next_id: the lowest row id never used.
        contents: number of distinct contents.
        failures: rows in failures.parquet.
        index: the built index, None where it is still to be built.
        outdated: where it is, the index of an earlier generation, which could be extended.
        created, updated: ISO 8601, UTC.
    """

    name: str
    encoder: EncoderSpec
    roots: tuple[str, ...] = ()
    parts: tuple[PartInfo, ...] = ()
    generation: int = 0
    next_id: int = 0
    contents: int = 0
    failures: int = 0
    index: IndexInfo | None = None
    outdated: IndexInfo | None = None
    created: str = ""
    updated: str = ""

    @property
    def images(self) -> int:
        """Number of rows: readable files, one a path."""
        return sum(part.rows for part in self.parts)

    def dump(self) -> str:
        """Return the manifest as JSON text."""
        data = {"format_version": FORMAT_VERSION, **asdict(self)}
        data["roots"] = [os.fsencode(root).decode("latin-1") for root in self.roots]
        return json.dumps(data, indent=1) + "\n"

    @classmethod
    def parse(cls, text: str) -> "Manifest":
        """Build from `dump`'s text; raises ValueError, KeyError or TypeError if it is not that.

        Raises:
            CollectionNewerError: it is of a newer format; nothing is wrong with it.
        """
        data: dict[str, Any] = json.loads(text)
        version = data.pop("format_version")
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise CollectionNewerError(
                f"collection '{data.get('name')}' has format {version}, written by a newer "
                f"simsearch; this one reads {FORMAT_VERSION}: update it"
            )
        if version != FORMAT_VERSION:
            raise ValueError(f"format {version}, this version reads {FORMAT_VERSION}")
        data.setdefault("outdated", None)
        indices = ((name, data[name]) for name in ("index", "outdated"))
        return cls(
            **{
                **data,
                "encoder": EncoderSpec.from_dict(data["encoder"]),
                "roots": tuple(os.fsdecode(root.encode("latin-1")) for root in data["roots"]),
                "parts": tuple(PartInfo(**part) for part in data["parts"]),
                **{name: IndexInfo(**index) if index else None for name, index in indices},
            }
        )


def read_manifest(folder: Path) -> Manifest:
    """Return the current generation of the collection in `folder`.

    Raises:
        CollectionNotFoundError: there is no manifest.
        CollectionDamagedError: the manifest can't be understood.
        CollectionNewerError: a newer simsearch wrote it.
    """
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CollectionNotFoundError(f"no collection in '{folder}'") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionDamagedError(f"'{folder / FILE}' can't be read: {error}") from error
    try:
        return Manifest.parse(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CollectionDamagedError(
            f"'{folder / FILE}' is damaged ({error}); index again with --rebuild"
        ) from error


def commit(folder: Path, manifest: Manifest) -> Manifest:
    """Make `manifest`, stamped with the time, the current generation; return it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    stamped = replace(manifest, created=manifest.created or now, updated=now)
    write_durably(folder / FILE, lambda path: path.write_text(stamped.dump(), encoding="utf-8"))
    return stamped
