"""Entry point: finds the commands, turns errors into one line and an exit code."""

import functools
import logging
import pkgutil
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer

from simsearch import __version__
from simsearch.cli import commands
from simsearch.errors import SimsearchError

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="simsearch",
    help="Find look-alikes and duplicates in any pile of pictures, offline.",
    epilog="Start with: simsearch demo, or: simsearch index ./photos",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
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
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from interrupt

    return run


for _module in pkgutil.iter_modules(commands.__path__):
    _command = import_module(f"{commands.__name__}.{_module.name}").command
    app.command(_module.name)(_guarded(_command))
