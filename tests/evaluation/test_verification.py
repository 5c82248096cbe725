"""Tables of pairs, and the figures of their scores."""

import logging
from pathlib import Path

import numpy as np
import pytest

from simsearch import metrics
from simsearch.errors import InputError
from simsearch.evaluation.verification import read_pairs, score_table, verification_figures
from simsearch.records.labelled import Calibration

SAME = np.array([0.9, 0.6, 0.4], np.float32)
DIFFERENT = np.array([0.7, *[0.2] * 19], np.float32)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with three files."""
    for name in ("a.png", "b.png", "c, d.png"):
        (tmp_path / name).touch()
    return tmp_path


def write(desk: Path, text: str) -> Path:
    """Write a table."""
    (desk / "pairs.csv").write_text(text)
    return desk / "pairs.csv"


def test_reads_pairs_relative_to_the_table(desk: Path) -> None:
    table = read_pairs(write(desk, 'b,a,same,note\na.png,b.png,1,x\n"c, d.png",b.png,False,y\n'))
    assert table.paths == tuple(str(desk / name) for name in ("b.png", "a.png", "c, d.png"))
    assert table.a.tolist() == [0, 0]
    assert table.b.tolist() == [1, 2]
    assert table.same.tolist() == [True, False]


def test_pairs_with_missing_files_are_left_out_and_counted(
    desk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "simsearch"):
        table = read_pairs(write(desk, "a,b,same\na.png,gone.png,1\na.png,b.png,0\n"))
    assert table.same.tolist() == [False]
    assert "1 of 2 pairs" in caplog.text
    assert "gone.png" in caplog.text


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("a,b\na.png,b.png\n", "no column 'same'; it needs a, b and same"),
        ("", "no pair in .* it has no rows"),
        ("a,b,same\n", "no pair in .* it has no rows"),
        ("a,b,same\na.png,b.png,maybe\n", "same is 'maybe'; give 1 or 0"),
        ("a,b,same\na.png,b.png\n", "same is ''; give 1 or 0"),
        ("a,b,same\nx.png,b.png,1\n", "no pair in .* its files are missing"),
    ],
)
def test_bad_table(desk: Path, text: str, mentions: str) -> None:
    with pytest.raises(InputError, match=mentions):
        read_pairs(write(desk, text))


def test_table_that_is_not_there(desk: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        read_pairs(desk / "nowhere.csv")


def test_scores_of_a_table_leave_out_what_was_not_embedded(desk: Path) -> None:
    table = read_pairs(write(desk, 'a,b,same\na.png,b.png,1\na.png,a.png,0\n"c, d.png",b.png,1\n'))
    vectors = np.array([[0.6, 0.8], [1, 0]], np.float32)
    same, different = score_table(table, vectors, np.array([0, 1]))
    assert same == pytest.approx([0.6])
    assert different == pytest.approx([1])
    with pytest.raises(InputError, match="no readable pair with same=1"):
        score_table(table, vectors[:1], np.array([0]))


def test_figures_without_calibration() -> None:
    figures = verification_figures(SAME, DIFFERENT, None, all_pairs=99)
    assert figures.auc == metrics.roc_auc(SAME, DIFFERENT)
    assert figures.eer == metrics.eer(SAME, DIFFERENT)
    assert figures.tar_at_far == {0.1: 1.0}, "0.01 would need 100 different pairs"
    assert figures.accuracy_at_half == pytest.approx((2 / 3 + 19 / 20) / 2)
    assert (figures.same_pairs, figures.different_pairs, figures.all_pairs) == (3, 20, 99)
    assert figures.accuracy_at_calibrated is figures.brier is figures.ece is figures.cllr is None


def test_figures_with_calibration_cut_where_the_probability_is_a_half() -> None:
    calibration = Calibration(10, -6.5, {}, 1, 1, 1)  # even at 0.65
    figures = verification_figures(SAME, DIFFERENT, calibration, all_pairs=23)
    assert figures.accuracy_at_calibrated == pytest.approx((1 / 3 + 19 / 20) / 2)
    chances = [np.array([calibration.probability(float(s)) for s in k]) for k in (SAME, DIFFERENT)]
    ratios = [np.array([calibration.log_likelihood_ratio(float(s)) for s in k])
              for k in (SAME, DIFFERENT)]  # fmt: skip
    assert figures.brier == pytest.approx(metrics.brier(*chances))
    assert figures.ece == pytest.approx(metrics.ece(*chances))
    assert figures.cllr == pytest.approx(metrics.cllr(*ratios))


def test_a_steep_calibration_overflows_nothing() -> None:
    figures = verification_figures(SAME, DIFFERENT, Calibration(1e6, -5e5, {}, 1, 1, 1), 23)
    assert figures.brier == pytest.approx((1 / 3 + 1 / 20) / 2)
    assert figures.cllr is not None
    assert np.isfinite(figures.cllr)
