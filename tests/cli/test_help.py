"""--help and --version."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from simsearch import __version__
from simsearch.cli.main import app
from tests.cli.test_docs import COMMANDS
from tests.conftest import CliResult


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_of_every_command_has_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    assert f"Example: simsearch {command}" in result.output


def test_help_lists_every_command(run_cli: Callable[..., CliResult]) -> None:
    result = run_cli("--help", env={"COLUMNS": "120"})
    assert result.code == 0
    assert {command.split()[0] for command in COMMANDS} <= set(result.out.split())
    assert "Find look-alikes and duplicates" in result.out


def test_no_command_is_wrong_usage_with_help(run_cli: Callable[..., CliResult]) -> None:
    result = run_cli()
    assert result.code == 2
    assert "Usage: " in result.out


def test_version(run_cli: Callable[..., CliResult]) -> None:
    result = run_cli("--version")
    assert (result.code, result.out) == (0, f"simsearch {__version__}\n")


def test_a_misspelt_command_is_set_right(run_cli: Callable[..., CliResult]) -> None:
    result = run_cli("qeury", "a.jpg")
    assert result.code == 2
    assert "Did you mean 'query'?" in result.err
    assert "Did you mean" not in run_cli("xyzzy").err
