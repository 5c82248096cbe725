"""What a run goes on from: the generation there is, a new collection, or what a rebuild keeps."""

import logging
from dataclasses import replace
from pathlib import Path

from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.resolve import resolve
from simsearch.errors import (
    CollectionDamagedError,
    CollectionNotFoundError,
    EncoderMismatchError,
)
from simsearch.store.manifest import Manifest, read_manifest

_log = logging.getLogger("simsearch")


def base_manifest(folder: Path, encoder: str | None, rebuild: bool) -> Manifest:
    """Return the generation to go on from; a new collection starts at 0.

    Args:
        encoder: what was asked for; None is the collection's own, or the default.

    Raises:
        EncoderMismatchError: the collection holds another encoder's vectors.
        CollectionDamagedError: the manifest can't be understood, and it is no rebuild.
        CollectionNewerError: a newer simsearch wrote it.
    """
    try:
        manifest = read_manifest(folder)
    except CollectionNotFoundError:
        return Manifest(name=folder.name, encoder=resolve(encoder or DEFAULT_ENCODER))
    except CollectionDamagedError:
        if not rebuild:
            raise
        from simsearch.store.writer import latest_generation

        spec = resolve(encoder or DEFAULT_ENCODER)
        return Manifest(folder.name, spec, generation=latest_generation(folder))
    if encoder is None:
        return replace(manifest, encoder=resolve(manifest.encoder.name)) if rebuild else manifest
    wanted = resolve(encoder)
    if wanted.fingerprint != manifest.encoder.fingerprint and not rebuild:
        raise EncoderMismatchError(
            f"collection '{folder.name}' holds vectors of encoder '{manifest.encoder.name}', "
            f"not of '{encoder}'; use another --name, or --rebuild to embed everything again"
        )
    return replace(manifest, encoder=wanted) if rebuild else manifest


def roots_still_there(manifest: Manifest) -> list[str]:
    """Return the folders of a collection that exist, and say which ones don't."""
    for root in manifest.roots:
        if not Path(root).is_dir():
            _log.warning("folder '%s' is not there any more: its pictures are dropped", root)
    return [root for root in manifest.roots if Path(root).is_dir()]
