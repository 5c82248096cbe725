"""What the scores of pairs mean among the pictures of a collection: its calibration, as a file."""

import json
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from simsearch.search.precision import PrecisionCurve
from simsearch.store.files import write_durably

FILE = "copy-calibration.json"
VERSION = 4
SHIPPED = "shipped_calibrations.json"  # the default encoder's is the first
_DRIFT = 2.0  # times as many or as few pictures as were calibrated on


@dataclass(frozen=True, slots=True)
class CopyCalibration:
    """How precise cuts are, fitted on altered copies of a sample of a collection.

    Attributes:
        encoder: fingerprint of the encoder whose cosines were measured.
        contents: distinct pictures that the collection had.
        sample: of them that were altered.
        seconds: it took.
        look: of the second look's log-odds.
        cosine: of pairs by their cosine alone.
        ratio: of pairs by how many times nearer they are than the crowds around them, a logarithm.
        own: it is of this collection, not the shipped one.
    """

    encoder: str
    contents: int
    sample: int
    seconds: float
    look: PrecisionCurve
    cosine: PrecisionCurve
    ratio: PrecisionCurve
    own: bool = True

    @property
    def reach(self) -> float:
        """Cosine that one in twenty of the nearest look-alikes reaches, see `search.crowds`."""
        return self.cosine.start

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from what `dataclasses.asdict` and JSON made of one."""
        names = ("look", "cosine", "ratio")
        curves = {name: PrecisionCurve.from_dict(data[name]) for name in names}
        return cls(**{**data, **curves})

    def fits(self, encoder: str, contents: int) -> bool:
        """Whether it still speaks of a collection: the same encoder, not twice or half as large."""
        ratio = contents / max(self.contents, 1)
        return self.encoder == encoder and 1 / _DRIFT <= ratio <= _DRIFT


def shipped(encoder: str | None = None) -> CopyCalibration:
    """Return what holds for photographs in general.

    Args:
        encoder: fingerprint; where none is shipped for it, it is that of the default encoder.
    """
    found = _shipped()
    return next((each for each in found if each.encoder == encoder), found[0])


def _shipped() -> list[CopyCalibration]:
    text = files("simsearch.collection.duplicates").joinpath(SHIPPED).read_text(encoding="utf-8")
    read = [CopyCalibration.from_dict(data) for data in json.loads(text)["calibrations"]]
    return [replace(calibration, own=False) for calibration in read]


def read_calibration(folder: Path) -> CopyCalibration | None:
    """Return a collection's calibration; None where there is none that can be read."""
    try:
        data = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            return None
        return CopyCalibration.from_dict(data["calibration"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it can be fitted again


def write_calibration(folder: Path, calibration: CopyCalibration) -> None:
    """Keep a calibration; raises StorageError if it can't be written."""
    text = json.dumps({"version": VERSION, "calibration": asdict(calibration)}) + "\n"
    write_durably(folder / FILE, lambda path: path.write_text(text, encoding="utf-8"))
