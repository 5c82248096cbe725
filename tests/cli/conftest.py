"""A home with one collection, which the tests of reading commands share."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simsearch import Collection
from simsearch.cli.main import app
from simsearch.collection import api
from simsearch.encoder.runtimes import open_runtime
from tests.conftest import CliResult, save_pictures

_open_once = cache(open_runtime)


@dataclass(frozen=True)
class Shelf:
    """A folder of pictures and the home of its collection, 'pets'."""

    home: Path
    pictures: Path

    @property
    def first(self) -> Path:
        """The path of the first picture, of which there is also a copy."""
        return self.pictures / "picture-000.jpg"

    @property
    def copy(self) -> Path:
        """The path of the first picture's copy."""
        return self.pictures / "copy.jpg"


@pytest.fixture
def run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CliResult]:
    """Return a function that runs `simsearch ARGS...` in this process, in tmp_path.

    It is for the many cases; `run_cli`, which starts a process, is for how a user meets a command.
    """
    monkeypatch.setattr(api, "open_runtime", _open_once)

    def run(*args: object, cwd: Path = tmp_path, env: dict[str, str] | None = None) -> CliResult:
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            done = CliRunner().invoke(app, [str(arg) for arg in args], env=env)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return CliResult(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Return a shelf with six pictures, a copy and two broken files; no test changes it."""
    folder = tmp_path_factory.mktemp("shelf")
    made = Shelf(folder / "indexes", folder / "pets")
    save_pictures(made.pictures, 6)
    shutil.copyfile(made.first, made.copy)
    (made.pictures / "cut.jpg").write_bytes(made.first.read_bytes()[:400])
    (made.pictures / "empty.png").write_bytes(b"")
    Collection("pets", home=made.home).add(made.pictures)
    return made


def assert_one_error(result: CliResult, *mentions: str) -> None:
    """Check that a command failed with one line that says what and why."""
    assert result.code == 1
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    for mention in mentions:
        assert mention in result.err


def assert_wrong_usage(result: CliResult, *mentions: str) -> None:
    """Check that a command refused its options."""
    assert result.code == 2
    assert result.out == ""
    assert "Traceback" not in result.err
    for mention in mentions:
        assert mention in result.err
