"""Every command and every long option stands in the README."""

import re
from typing import Any

import pytest
import typer

from simsearch.cli.main import app
from tests.conftest import PROJECT

GROUP: Any = typer.main.get_command(app)
CONTEXT = typer.Context(GROUP)


def commands_of(group: Any) -> dict[str, Any]:
    """Return the commands of a group by name, those below a subgroup as 'group command'."""
    found: dict[str, Any] = {}
    for name in group.list_commands(CONTEXT):
        command = group.get_command(CONTEXT, name)
        below = commands_of(command) if hasattr(command, "list_commands") else {"": command}
        found |= {f"{name} {inner}".strip(): command for inner, command in below.items()}
    return found


COMMANDS = commands_of(GROUP)
OPTIONS = sorted(
    {
        option
        for command in (GROUP, *COMMANDS.values())
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }
)


@pytest.fixture(scope="module")
def readme() -> str:
    """Return the README's text."""
    return (PROJECT / "README.md").read_text(encoding="utf-8")


def test_there_are_commands_and_options_to_look_for() -> None:
    assert {"index", "query", "duplicates", "list", "info", "remove", "bench duplicates"} <= set(
        COMMANDS
    )
    assert {"--name", "--home", "--json", "--min-score", "--threshold"} <= set(OPTIONS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_command_is_documented(readme: str, command: str) -> None:
    assert f"simsearch {command}" in readme


@pytest.mark.parametrize("option", OPTIONS)
def test_option_is_documented(readme: str, option: str) -> None:
    assert re.search(rf"{option}(?![\w-])", readme)
