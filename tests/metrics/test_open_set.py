"""Detection and identification rate, by hand."""

import numpy as np
import pytest

from simsearch.metrics import detection_and_identification_rate

KNOWN = np.array([0.9, 0.8, 0.7, 0.2])
RIGHT = np.array([True, False, True, True])
UNKNOWN = np.array([0.75, 0.3, 0.3, 0.1])


@pytest.mark.parametrize(
    ("fpir", "expected"),
    [
        (0.0, 1 / 4),  # the cut lies over 0.75: 0.9 is detected and right, 0.8 is wrong
        (0.25, 2 / 4),  # over 0.3: also 0.7
        (0.5, 2 / 4),  # two at 0.3 come together, and would be three
        (0.75, 3 / 4),  # over 0.1: also 0.2
    ],
)
def test_hand_worked(fpir: float, expected: float) -> None:
    assert detection_and_identification_rate(KNOWN, RIGHT, UNKNOWN, fpir) == expected


def test_all_named_wrong() -> None:
    assert detection_and_identification_rate(KNOWN, ~RIGHT & False, UNKNOWN, 0.5) == 0
