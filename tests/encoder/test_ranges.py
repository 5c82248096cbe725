"""ranges.json: what a checkpoint's convolutions are given."""

import json
from pathlib import Path
from typing import Any

import pytest

from simsearch.config import DEFAULT_BACKBONE, EncoderSpec
from simsearch.encoder.ranges import FILE, ranges_of, write_ranges
from simsearch.encoder.resolve import resolve
from simsearch.errors import EncoderError
from tests.encoder.conftest import save, small_network

RANGES = {"trunk.conv1": (-1.5, 2.25), "trunk.layer1.0.conv1": (0.0, 6.0)}


def test_what_is_written_is_read(folder: Path, spec: EncoderSpec) -> None:
    write_ranges(folder, RANGES)
    assert ranges_of(spec) == RANGES


def test_six_digits_are_kept(folder: Path, spec: EncoderSpec) -> None:
    write_ranges(folder, {"trunk.conv1": (-1 / 3, 200 / 3)})
    assert ranges_of(spec) == {"trunk.conv1": (-0.333333, 66.6667)}


def test_an_encoder_without_them(spec: EncoderSpec) -> None:
    assert ranges_of(spec) == {}
    assert ranges_of(resolve(DEFAULT_BACKBONE)) == {}


def test_those_of_other_weights_do_not_count(folder: Path, tmp_path: Path) -> None:
    write_ranges(folder, RANGES)
    other = save(tmp_path / "other", small_network(seed=1))
    (other / FILE).write_bytes((folder / FILE).read_bytes())
    assert ranges_of(resolve(str(other))) == {}


@pytest.mark.parametrize(
    "change", [{"format_version": 2}, {"weights": "0" * 64}], ids=["format", "weights"]
)
def test_those_of_another_version_do_not_count(
    folder: Path, spec: EncoderSpec, change: dict[str, Any]
) -> None:
    write_ranges(folder, RANGES)
    data = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps({**data, **change}))
    assert ranges_of(spec) == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format_version": 1'])
def test_damage_is_told_with_its_remedy(folder: Path, spec: EncoderSpec, text: str) -> None:
    (folder / FILE).write_text(text)
    with pytest.raises(EncoderError, match=r"ranges\.json' can't be read .*delete it"):
        ranges_of(spec)
