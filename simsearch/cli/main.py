"""Entry point: finds the commands, turns errors into one line and an exit code."""

import atexit
import functools
import gc
import logging
import pkgutil
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from simsearch import __version__
from simsearch.cli import commands
from simsearch.cli.render import printable
from simsearch.errors import SimsearchError

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130


class _Commands(TyperGroup):
    """The commands, each imported when it is asked for: a query must not pay for the others."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature of groups
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = import_module(f"{commands.__name__}.{cmd_name}").command
        single = typer.Typer(add_completion=False, context_settings=_SETTINGS)
        single.command(cmd_name)(_guarded(command))
        return typer.main.get_command(single)


_SETTINGS = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="simsearch",
    cls=_Commands,
    epilog="Start with: simsearch demo, or: simsearch index ./photos",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)


def main() -> None:
    """Run the command line."""
    # Loading libraries makes many objects and no garbage; looking for it while they load, and once
    # more on the way out, would be a tenth of a query.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    # A broken picture is reported once, as a failure; Pillow's own remarks would only repeat it.
    warnings.filterwarnings("ignore", module="PIL")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("note: %(message)s"))
    logging.getLogger("simsearch").addHandler(handler)
    app()


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"simsearch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Find look-alikes and duplicates in any pile of pictures, offline."""


def _guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SimsearchError as error:
            typer.echo(f"error: {printable(str(error))}", err=True)
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from interrupt

    return run
