"""Progress on a terminal, and lines of it where there is none."""

import io
import sys

import pytest

from simsearch.cli import progress


def test_what_went_before_the_first_picture_is_no_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Opening the encoder may take half a minute."""
    now = 100.0
    monkeypatch.setattr("simsearch.cli.progress.time.monotonic", lambda: now)
    with progress.show_progress(quiet=False) as update:
        update(0, 301)
        now += 30
        update(1, 301)
        assert capsys.readouterr().err == ""
        now += 10
        update(101, 301)
    assert capsys.readouterr().err == "reading: 101/301 files, 10 a second, 20 s left\n"


def test_on_a_terminal_the_bar_is_there_before_the_first_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress.show_progress(quiet=False) as update:
        update(0, 301)
        assert "0/301" in terminal.getvalue()
