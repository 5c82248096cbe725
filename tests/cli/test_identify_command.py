"""simsearch identify, as a user runs it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch import Collection
from simsearch.config import DEFAULT_BACKBONE
from tests.cli.conftest import Shelf, assert_one_error, assert_wrong_usage
from tests.collection.test_other_encoder import save_checkpoint
from tests.conftest import CliResult, picture

Run = Callable[..., CliResult]
KEYS = {
    "photo",
    "label",
    "nearest",
    "score",
    "probability",
    "runner_up",
    "threshold",
    "method",
}
CALIBRATION = {
    "format_version": 1,
    "slope": 2.0,
    "intercept": -1.0,
    "thresholds": {"0.1": -1.0, "0.01": 1.0},
    "same_pairs": 5,
    "different_pairs": 500,
    "classes": 3,
}


def save_things(folder: Path) -> Path:
    """Write three classes of three shifted pictures."""
    for number in range(3):
        (folder / f"thing{number}").mkdir(parents=True)
        whole = picture(number, 120, 120)
        for shift in (0, 5, 10):
            crop = whole.crop((shift, 0, 96 + shift, 96))
            crop.save(folder / f"thing{number}" / f"{shift}.png")
    return folder


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Return a shelf of 'plain', of an encoder without a calibration, and 'calibrated'."""
    folder = tmp_path_factory.mktemp("things")
    made = Shelf(folder / "indexes", save_things(folder / "things"))
    encoder = save_checkpoint(folder / "encoder", seed=1)
    (encoder / "calibration.json").write_text(json.dumps(CALIBRATION))
    Collection("calibrated", home=made.home).add(made.pictures, encoder=str(encoder))
    Collection("plain", home=made.home).add(made.pictures, encoder=DEFAULT_BACKBONE)
    return made


@pytest.fixture
def query(tmp_path: Path) -> Path:
    """Return a picture of thing1 that is not indexed."""
    path = tmp_path / "query.png"
    picture(1, 120, 120).crop((7, 0, 103, 96)).save(path)
    return path


@pytest.mark.parametrize("method", ["prototypes", "knn"])
def test_json_names_the_class(run_cli: Run, things: Shelf, query: Path, method: str) -> None:
    result = run_cli(
        "identify", query, "--index", "plain", "--home", things.home, "--method", method,
        "-k", 3, "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    (answer,) = result.json()
    assert set(answer) == KEYS
    assert (answer["photo"], answer["method"]) == (str(query), method)
    assert (answer["label"], answer["nearest"]) == ("thing1", "thing1")
    assert 0.9 < answer["score"] <= 1
    assert (answer["probability"], answer["threshold"]) == (None, None)
    assert "no calibration, or one on too few pairs, so nothing tells an unknown" in result.err
    if method == "prototypes":
        assert set(answer["runner_up"]) == {"label", "score"}
        assert answer["runner_up"]["score"] < answer["score"]


def test_table_says_unknown_and_what_was_left_out(run_cli: Run, things: Shelf) -> None:
    first = things.pictures / "thing0" / "0.png"
    command = ["identify", first, "--index", "plain", "--home", things.home]
    known = run_cli(*command, cwd=things.pictures)
    header, line = known.out.splitlines()
    assert header.split() == ["photo", "class", "score", "probability", "runner-up"]
    assert line.split()[:2] == ["thing0/0.png", "thing0"]
    assert line.split()[3] == "-"
    assert "note: left out 1 indexed file with a photo's own content" in known.err
    unknown = run_cli(*command, "--threshold", 1, cwd=things.pictures)
    assert "unknown (nearest: thing0)" in unknown.out
    assert "calibration" not in unknown.err


def test_calibration_gives_threshold_and_probability(
    run_here: Run, things: Shelf, query: Path
) -> None:
    command = ["identify", query, "--index", "calibrated", "--home", things.home, "--json"]
    strict = run_here(*command)
    (answer,) = strict.json()
    assert (strict.code, answer["label"], answer["threshold"]) == (0, None, 1)
    assert answer["nearest"] is not None
    expected = 1 / (1 + 2.718281828459045 ** (1 - 2 * answer["score"]))
    assert answer["probability"] == pytest.approx(expected)
    assert strict.err == ""
    (answer,) = run_here(*command, "--far", 0.1).json()
    assert (answer["label"], answer["threshold"]) == (answer["nearest"], -1)
    (answer,) = run_here(*command, "--threshold", -0.5).json()
    assert (answer["label"], answer["threshold"]) == (answer["nearest"], -0.5)
    assert_one_error(run_here(*command, "--far", 0.001), "take one of 0.1, 0.01")


def test_unreadable_photo_among_others(run_here: Run, things: Shelf, query: Path) -> None:
    bad = query.with_name("bad.png")
    bad.write_bytes(b"text")
    command = ["identify", bad, query, "--index", "plain", "--home", things.home]
    result = run_here(*command, "--json")
    assert result.code == 1
    assert [answer["photo"] for answer in result.json()] == [str(query)]
    assert result.err.startswith("error: can't read 'bad.png' (not-a-picture)")


def test_collection_without_a_picture(run_here: Run, tmp_path: Path, query: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "empty.jpg").touch()
    run_here("index", "broken", "--quiet")
    result = run_here("identify", query)
    assert result.code == 0
    assert result.out.splitlines()[1].split() == ["query.png", "no", "class", "-", "-", "-"]
    (answer,) = run_here("identify", query, "--json").json()
    assert (answer["label"], answer["nearest"], answer["score"]) == (None, None, None)


def test_collection_that_is_not_there(run_here: Run, things: Shelf, query: Path) -> None:
    assert_one_error(run_here("identify", query), "no collection in 'indexes'")
    missing = run_here("identify", query, "--home", things.home, "--index", "plan")
    assert_one_error(missing, "did you mean 'plain'?")


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("", "PHOTO"),
        ("x.png --method magic", "'magic' is none of prototypes, knn"),
        ("x.png -k 0", "'-k'"),
        ("x.png --threshold 1.1", "--threshold"),
        ("x.png --far 0", "--far"),
        ("x.png --far 1", "--far"),
    ],
)
def test_wrong_usage(run_here: Run, arguments: str, mentions: str) -> None:
    assert_wrong_usage(run_here("identify", *arguments.split()), mentions)
