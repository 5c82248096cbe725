"""Ctrl-C in the middle of `simsearch index`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch.cli.stopping import ctrl_c
from tests.conftest import CliResult, save_pictures

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are others")

PICTURES = 300
# A line of progress for every file, so that the test knows when to press Ctrl-C.
INDEX = """
from simsearch.cli import progress
from simsearch.cli.main import main

progress._SECONDS_BETWEEN_LINES = 0
main()
"""


@pytest.mark.parametrize("signals", [1, 2])
def testctrl_c_keeps_what_is_done_and_the_next_run_goes_on(
    run_here: Callable[..., CliResult], tmp_path: Path, signals: int
) -> None:
    save_pictures(tmp_path / "cats", PICTURES)
    with subprocess.Popen(
        [sys.executable, "-c", INDEX, "index", "cats"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        assert child.stderr.readline().startswith("reading: 1/300 files")
        for _ in range(signals):
            child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in errors
    assert "stopped: what was done is kept; run it again to go on" in errors

    kept = run_here("info", "cats", "--json").json()["images"]
    assert 0 < kept < PICTURES
    assert run_here("check", "cats").code == 0
    report = run_here("index", "cats", "--json").json()
    assert (report["unchanged"], report["new"]) == (kept, PICTURES - kept)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list of one number, the seconds that the monotonic clock shows."""
    seconds = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    return seconds


def test_first_interrupt_is_a_request_that_says_how_to_insist(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with ctrl_c() as stop:
        assert not stop.is_set()
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
    assert capsys.readouterr().err.count("Ctrl-C again to stop at once") == 1


@pytest.mark.parametrize("after", [0, 0.5, 1])
def test_interrupts_within_a_second_are_one_request(
    clock: list[float], capsys: pytest.CaptureFixture[str], after: float
) -> None:
    with ctrl_c() as stop:
        signal.raise_signal(signal.SIGINT)
        clock[0] += after
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
    assert capsys.readouterr().err.count("finishing what is in hand") == 1


def test_interrupt_after_a_second_stops_at_once(clock: list[float]) -> None:
    with ctrl_c():
        signal.raise_signal(signal.SIGINT)
        clock[0] += 0.9
        signal.raise_signal(signal.SIGINT)
        clock[0] += 0.2
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_handler_from_before_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with ctrl_c():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(ZeroDivisionError), ctrl_c():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before
