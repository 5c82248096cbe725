"""The training report: whole, right, self-contained and safe against any file name."""

import dataclasses
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simsearch.errors import StorageError
from simsearch.metrics import eer, roc_auc
from simsearch.records.labelled import Calibration, TrainingResult
from simsearch.report.training import write_training_report
from tests.conftest import save_pictures
from tests.report.parsed import ParsedPage, section_of

CLASSES = ("apple", "pear", "quince")
COLLAPSE = {"epoch": 2, "event": "collapse", "note": "collapse in epoch 2: <all> became the same"}


def epoch(number: int, stage: str, value: float) -> dict[str, Any]:
    """Return a row of metrics.jsonl."""
    row = {"epoch": number, "stage": stage, "recall_at_1": value, "map_at_r": value / 2}
    if number:
        names = ("loss", "active_triplets", "positive_distance", "negative_distance")
        row |= dict.fromkeys(names, value / 3)
    return row


def unit(rng: np.random.Generator, labels: Any, spread: float) -> Any:
    """Return made unit vectors that hang together by class."""
    vectors = np.eye(8)[labels] + spread * rng.normal(size=(len(labels), 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def result(tmp_path: Path) -> TrainingResult:
    """Return what training on twelve pictures of three classes might have brought."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 4)
    (tmp_path / "out").mkdir()
    return TrainingResult(
        out=str(tmp_path / "out"),
        settings={"loss": "triplet", "backbone": None, "epochs": 3},
        versions={"torch": "9.8.7"},
        split={"train": {"classes": 9, "pictures": 1234}},
        history=[
            epoch(0, "untrained", 0.5),
            epoch(1, "head", 0.6),
            epoch(2, "semi_hard", 0.9),
            epoch(3, "batch_hard", 0.8),
        ],
        seconds=75.0,
        best_epoch=2,
        calibration=Calibration(8.0, -4.0, {0.1: 0.6123}, 90, 400, 5),
        same_scores=rng.normal(0.7, 0.2, 90).astype(np.float32),
        different_scores=rng.normal(0.3, 0.2, 400).astype(np.float32),
        paths=tuple(map(str, save_pictures(tmp_path / "pictures", 12))),
        labels=labels,
        classes=CLASSES,
        before=unit(rng, labels, 1.0),
        after=unit(rng, labels, 0.4),
    )


def written(result: TrainingResult) -> str:
    """Write the report and return the page."""
    path = write_training_report(result)
    assert path == Path(result.out) / "report.html"
    return path.read_text(encoding="utf-8")


def test_page_has_every_part(result: TrainingResult) -> None:
    page = written(result)
    plots = re.findall(r"<figure><h3>([^<]+)</h3><svg", page)
    assert plots == [
        "Loss",
        "Validation",
        "Share of active triplets",
        "Mean distances",
        "Cosines of pairs",
        "ROC",
        "Reliability",
    ]
    assert section_of(page, "The hardest errors").count("<img") == 20
    assert section_of(page, "Sample triplets").count("<img") == 3 * 6
    assert section_of(page, "Sample queries").count("<img") == 4 * (1 + 6 + 6)
    training = section_of(page, "Training")
    assert [training.count(f">{name}<") for name in ("head", "semi-hard", "batch-hard")] == [4] * 3


def test_headline_is_of_the_untrained_and_the_kept_network(result: TrainingResult) -> None:
    text = ParsedPage(section_of(written(result), "Before and after")).text
    assert "MAP@R0.250 → 0.450" in text
    assert "recall@10.500 → 0.900" in text
    assert "kept epoch2of 3, in 75 s" in text
    assert f"{eer(result.same_scores, result.different_scores):.1%}" in text
    assert f"{roc_auc(result.same_scores, result.different_scores):.4f}" in text
    assert "No epoch was better" not in text


def test_it_says_so_when_training_brought_nothing(result: TrainingResult) -> None:
    text = ParsedPage(written(dataclasses.replace(result, best_epoch=0))).text
    assert "0.250 → 0.250" in text
    assert "No epoch was better than what training began with" in text


def test_settings_versions_split_and_calibration_are_listed(result: TrainingResult) -> None:
    section = section_of(written(result), "Settings and versions")
    rows = dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', section))
    assert rows["loss"] == "triplet"
    assert rows["backbone"].startswith("not given")
    assert rows["torch"] == "9.8.7"
    assert rows["train"] == "1,234 pictures, 9 classes"
    assert rows["cosine at FAR 0.1"] == "0.6123"
    assert rows["different pairs"] == "400"


def test_errors_are_those_of_a_slow_search_with_their_pictures(result: TrainingResult) -> None:
    section = section_of(written(result), "The hardest errors")
    shown = re.findall(r"<b>(same class|different classes)</b>, cosine (-?[\d.]+)", section)
    names = re.findall(r"<span>(picture-\d+\.jpg)</span>", section)
    scored: list[tuple[float, bool, list[str]]] = []
    for first, path in enumerate(result.paths):
        for second in range(first + 1, len(result.paths)):
            score = float(result.after[first] @ result.after[second])
            alike = bool(result.labels[first] == result.labels[second])
            pair = [Path(path).name, Path(result.paths[second]).name]
            scored.append((score if alike else -score, alike, pair))
    scored.sort(key=lambda entry: (entry[1], entry[0]))
    different = [entry for entry in scored if not entry[1]][:5]
    same = [entry for entry in scored if entry[1]][:5]
    expected = [("different classes", f"{-score:.3f}") for score, _, _ in different]
    expected += [("same class", f"{score:.3f}") for score, _, _ in same]
    assert shown == expected
    assert names == [name for _, _, pair in different + same for name in pair]


@pytest.mark.parametrize(("cut", "marks"), [(0.5, {"✗"}), (0.95, {"✓", "✗"}), (-0.9, {"✓", "✗"})])
def test_wrong_calls_and_right_ones_are_told_apart(
    result: TrainingResult, cut: float, marks: set[str]
) -> None:
    calibration = dataclasses.replace(result.calibration, slope=10.0, intercept=-10 * cut)
    page = written(dataclasses.replace(result, calibration=calibration))
    section = section_of(page, "The hardest errors")
    shown = re.findall(
        r'">(.)</b> <b>(same|different) class(?:es)?</b>, cosine (-?[\d.]+)', section
    )
    assert len(shown) == 10
    for mark, kind, score in shown:
        called_same = float(score) >= cut
        assert mark == ("✓" if called_same == (kind == "same") else "✗")
    assert {mark for mark, _, _ in shown} == marks


def test_neighbours_are_marked_by_sign_and_line(result: TrainingResult) -> None:
    section = section_of(written(result), "Sample queries")
    cards = re.findall(r'class="picture (\w*)".*?<b>(\S*?) ?([\d.-]*)</b><span>(\w+)<', section)
    assert len(cards) == 4 * 13
    for start in range(0, len(cards), 13):
        kind, note, _, label = cards[start]
        assert (kind, note) == ("", "query")
        for marked, sign, score, other in cards[start + 1 : start + 13]:
            assert -1 <= float(score) <= 1
            assert (marked, sign) == (("right", "✓") if other == label else ("wrong", "✗"))
    assert "dashed" in re.findall(r"\.wrong img[^}]*}", written(result))[0]


def test_page_loads_nothing_from_elsewhere(result: TrainingResult) -> None:
    page = written(result)
    assert not re.search(r"https?:|<script|<link|@import|//", re.sub(r"base64,[^\"]*", "", page))
    assert all(
        source.startswith(("data:image/jpeg;base64,", "#")) for source in ParsedPage(page).sources
    )
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert len(page) < 500_000


def test_references_inside_the_page_have_one_target_each(result: TrainingResult) -> None:
    page = written(result)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)
    assert {one or other for one, other in used} <= set(ids)


def test_page_is_for_phones_and_for_both_colour_schemes(result: TrainingResult) -> None:
    page = written(result)
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    for svg in re.findall(r"<svg.*?</svg>", page, re.S):
        assert "viewBox" in svg
        assert not re.search(r"<svg[^>]* (width|height)=", svg)
        assert not re.search(r"#[0-9a-f]{6}\b", svg), "a colour that does not follow the page"
        assert "var(--ink)" in svg


def test_names_are_text_not_markup(result: TrainingResult, tmp_path: Path) -> None:
    pictures = written(result).count("<img")
    evil = tmp_path / '"><img src=x onerror=alert(1)>&amp;.jpg'
    Path(result.paths[0]).rename(evil)
    label = "<b>class</b>"
    strange = dataclasses.replace(
        result,
        paths=(str(evil), *result.paths[1:]),
        classes=(label, *CLASSES[1:]),
        settings={"weights": "<i>none</i>"},
    )
    page = written(strange)
    parsed = ParsedPage(page)
    assert parsed.tags.count("img") == pictures
    assert "i" not in parsed.tags
    assert label in parsed.text
    assert evil.name in parsed.text


def test_pictures_that_are_gone_or_broken_become_placeholders(result: TrainingResult) -> None:
    paths = [Path(path) for path in result.paths]
    whole = written(result).count("<img")
    for path in paths[:4]:
        path.unlink()
    paths[4].write_bytes(b"no picture")
    name = os.fsdecode(b"caf\xe9.jpg")
    gone = (*result.paths[:11], str(paths[11].with_name(name)))
    page = written(dataclasses.replace(result, paths=gone))
    missing = page.count('<div class="missing">')
    assert missing > 5
    assert page.count("<img") == whole - missing
    assert ">unreadable<" in page
    assert ">not-a-picture<" in page
    assert "caf?.jpg" in page


def test_collapses_are_drawn_and_told(result: TrainingResult) -> None:
    history = [*result.history[:2], COLLAPSE, COLLAPSE, *result.history[2:]]
    section = section_of(written(dataclasses.replace(result, history=history)), "Training")
    assert section.count("collapse in epoch 2: &lt;all&gt; became the same") == 2
    assert section.count(">collapse<") == 4
    assert ">collapse<" not in section_of(written(result), "Training")


@pytest.mark.parametrize("epochs", [0, 1, 200])
def test_any_number_of_epochs_can_be_drawn(result: TrainingResult, epochs: int) -> None:
    stages = ["head", "semi_hard", "batch_hard", "global"]
    history = [epoch(0, "untrained", 0.5)]
    history += [epoch(n, stages[min(n // 2, 3)], 0.5) for n in range(1, epochs + 1)]
    changed = dataclasses.replace(result, history=history, best_epoch=min(epochs, 1))
    assert written(changed).count("<svg") == 7


def test_one_class_of_validation_pictures_is_enough(result: TrainingResult) -> None:
    page = written(dataclasses.replace(result, labels=np.zeros(12, np.int64)))
    assert "No triplet to show" in page
    assert section_of(page, "The hardest errors").count("<b>same class</b>") == 10


def test_classes_of_one_picture_each_have_no_examples(result: TrainingResult) -> None:
    alone = tuple(f"class {number}" for number in range(12))
    page = written(dataclasses.replace(result, labels=np.arange(12), classes=alone))
    assert "No query to show" in page
    assert section_of(page, "The hardest errors").count("<b>different classes</b>") == 10


def test_useless_scores_are_called_so(result: TrainingResult) -> None:
    useless = dataclasses.replace(result.calibration, slope=-0.1)
    page = written(dataclasses.replace(result, calibration=useless))
    assert "probabilities from this encoder mean nothing" in page


def test_many_validation_pictures_are_sampled(result: TrainingResult) -> None:
    times = 250
    many = dataclasses.replace(
        result,
        paths=result.paths * times,
        labels=np.tile(result.labels, times),
        before=np.tile(result.before, (times, 1)),
        after=np.tile(result.after, (times, 1)),
    )
    assert "of the 3,000 validation pictures" in ParsedPage(written(many)).text
    assert "validation pictures" not in ParsedPage(written(result)).text


def test_the_same_result_gives_the_same_page(result: TrainingResult) -> None:
    assert written(result) == written(result)


def test_the_users_own_plot_settings_are_left_alone(result: TrainingResult) -> None:
    import matplotlib as mpl

    with mpl.rc_context({"text.usetex": True, "axes.facecolor": "red"}):
        page = written(result)
        assert mpl.rcParams["text.usetex"] is True
        assert mpl.rcParams["svg.fonttype"] == "path"
    assert page == written(result)
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("obstacle", ["folder", "gone"])
def test_what_can_not_be_written_is_one_line(result: TrainingResult, obstacle: str) -> None:
    place = Path(result.out) / "report.html"
    if obstacle == "folder":
        place.mkdir()
    else:
        place.parent.rmdir()
    with pytest.raises(StorageError) as raised:
        write_training_report(result)
    assert str(place) in str(raised.value)
    assert "to have its report" in str(raised.value)
    assert "\n" not in str(raised.value)
