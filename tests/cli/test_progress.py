"""Lines of progress where there is no terminal."""

import pytest

from simsearch.cli import progress


def test_what_went_before_the_first_picture_is_no_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Opening the encoder may take half a minute."""
    now = 100.0
    monkeypatch.setattr("simsearch.cli.progress.time.monotonic", lambda: now)
    with progress.show_progress(quiet=False) as update:
        now += 30
        update(1, 301)
        assert capsys.readouterr().err == ""
        now += 10
        update(101, 301)
    assert capsys.readouterr().err == "reading: 101/301 files, 10 a second, 20 s left\n"
