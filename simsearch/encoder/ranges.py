"""ranges.json of a checkpoint folder: what its convolutions are given, to compute in 8 bits."""

import json
from collections.abc import Mapping
from pathlib import Path

from simsearch.config import EncoderSpec
from simsearch.digest import file_digest
from simsearch.encoder.checkpoint import WEIGHTS_FILE, find_checkpoint
from simsearch.errors import EncoderError

FILE = "ranges.json"
FORMAT_VERSION = 1
Ranges = Mapping[str, tuple[float, float]]  # lowest and highest input, by convolution


def write_ranges(folder: Path, ranges: Ranges) -> None:
    """Write the ranges beside the weights that they were measured with."""
    data = {
        "format_version": FORMAT_VERSION,
        "weights": file_digest(folder / WEIGHTS_FILE),
        "ranges": {name: [float(f"{end:.6g}") for end in ends] for name, ends in ranges.items()},
    }
    (folder / FILE).write_text(json.dumps(data) + "\n", encoding="utf-8")


def ranges_of(spec: EncoderSpec) -> Ranges:
    """Return an encoder's ranges; none where it has none, or where they are of other weights.

    Raises:
        EncoderError: ranges.json can't be read.
    """
    folder = find_checkpoint(spec.name)
    if folder is None:
        return {}
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format_version"] != FORMAT_VERSION or data["weights"] != spec.digest:
            return {}
        return {name: (float(low), float(high)) for name, (low, high) in data["ranges"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderError(
            f"'{path}' can't be read ({error}); delete it to compute in float32, or train again"
        ) from error
