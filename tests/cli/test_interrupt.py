"""Ctrl-C in the middle of `simsearch index`."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(
    run_here: Callable[..., CliResult], tmp_path: Path
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
        assert child.stderr.readline().startswith("1/300 files")
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
