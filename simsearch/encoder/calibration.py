"""calibration.json of a checkpoint folder: what its cosines mean."""

import json
from dataclasses import asdict
from pathlib import Path

from simsearch.config import DEFAULT_THRESHOLD, EncoderSpec
from simsearch.encoder.checkpoint import find_checkpoint
from simsearch.errors import EncoderError
from simsearch.records.labelled import Calibration

FILE = "calibration.json"
FORMAT_VERSION = 1
_ALIKE = 0.001  # false acceptance rate


def read_calibration(folder: Path) -> Calibration | None:
    """Return a checkpoint's calibration, None where it has none.

    Raises:
        EncoderError: the file is damaged, or from another version.
    """
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        thresholds = {float(far): float(cut) for far, cut in data.pop("thresholds").items()}
        version = data.pop("format_version")
        if version == FORMAT_VERSION:
            return Calibration(thresholds=thresholds, **data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderError(f"'{path}' can't be read ({error}); train again") from error
    raise EncoderError(
        f"'{path}' is of format {version}, not {FORMAT_VERSION}: another version of simsearch "
        "wrote it; use that one, or train again"
    )


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Write a checkpoint's calibration."""
    data = {"format_version": FORMAT_VERSION, **asdict(calibration)}
    (folder / FILE).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def calibration_of(spec: EncoderSpec) -> Calibration | None:
    """Return what an encoder's cosines mean; None where its folder, or the encoder, says nothing.

    Raises:
        EncoderError: calibration.json can't be read.
    """
    folder = find_checkpoint(spec.name)
    return read_calibration(folder) if folder is not None else None


def alike_from(spec: EncoderSpec) -> float:
    """Return the cosine from which pictures are alike by an encoder.

    By its calibration one in a thousand pairs of different things is as near; DEFAULT_THRESHOLD
    where it has none, or saw fewer.

    Raises:
        EncoderError: calibration.json can't be read.
    """
    calibration = calibration_of(spec)
    thresholds = {} if calibration is None else calibration.thresholds
    return thresholds.get(_ALIKE, DEFAULT_THRESHOLD)
