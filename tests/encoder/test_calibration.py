"""What an encoder's calibration says of its cosines."""

from dataclasses import replace
from pathlib import Path

import pytest

from simsearch.config import DEFAULT_BACKBONE, DEFAULT_THRESHOLD
from simsearch.encoder.calibration import alike_from, write_calibration
from simsearch.encoder.resolve import resolve
from simsearch.records.labelled import Calibration
from tests.encoder.conftest import save, small_network

FITTED = Calibration(20, -15, {0.1: 0.7, 0.01: 0.8, 0.001: 0.85}, 200, 2000, 10)


def test_alike_is_what_one_pair_of_a_thousand_others_reaches(tmp_path: Path) -> None:
    save(tmp_path, small_network())
    assert alike_from(resolve(str(tmp_path))) == DEFAULT_THRESHOLD, "it has no calibration"
    write_calibration(tmp_path, FITTED)
    assert alike_from(resolve(str(tmp_path))) == pytest.approx(0.85)
    few = replace(FITTED, thresholds={0.1: 0.7})
    write_calibration(tmp_path, few)
    assert alike_from(resolve(str(tmp_path))) == DEFAULT_THRESHOLD, "it saw too few pairs"
    assert alike_from(resolve(DEFAULT_BACKBONE)) == DEFAULT_THRESHOLD
