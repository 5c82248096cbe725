"""Entry point: finds the commands, turns errors into one line and an exit code."""

import atexit
import functools
import gc
import logging
import os
import pkgutil
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from simsearch import __version__
from simsearch.cli import commands
from simsearch.cli.render import printable
from simsearch.cli.stopping import EXIT_INTERRUPTED
from simsearch.errors import SimsearchError

EXIT_ERROR = 1


class _Commands(TyperGroup):
    """The commands, each imported when it is asked for: a query must not pay for the others."""

    package = commands

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature of groups
        return sorted(module.name for module in pkgutil.iter_modules(self.package.__path__))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and args[0] not in known and (near := get_close_matches(args[0], known, n=1)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # Where typer validates by pydantic, the message leaves out the value that it refuses.
            if describe := getattr(error.__cause__, "errors", None):
                error.message = f"'{describe()[0]['input']}': {error.message}"
            raise error from None

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"{self.package.__name__}.{cmd_name}")
        single = typer.Typer(add_completion=False, context_settings=_SETTINGS)
        if hasattr(module, "__path__"):
            return typer.main.get_command(_group(module))
        single.command(cmd_name)(_guarded(module.command))
        return typer.main.get_command(single)


def _group(package: ModuleType) -> typer.Typer:
    """Return the commands of a package below that of all commands."""
    cls = type("_Subcommands", (_Commands,), {"package": package})
    name = package.__name__.rpartition(".")[2]
    group = typer.Typer(
        name=name, cls=cls, no_args_is_help=True, add_completion=False, context_settings=_SETTINGS
    )
    group.callback(help=package.__doc__)(lambda: None)
    return group


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
    atexit.register(_skip_last_collection)
    # A broken picture is reported once, as a failure; Pillow's own remarks would only repeat it.
    warnings.filterwarnings("ignore", module="PIL")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("note: %(message)s"))
    logging.getLogger("simsearch").addHandler(handler)
    app()


def _skip_last_collection() -> None:
    """Leave the objects to the system; but torch's bindings complain of what is not collected."""
    if "torch" not in sys.modules:
        gc.freeze()


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
            returned = command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            raise  # the reader has had enough: typer ends without a word
        except OSError as error:
            _give_up_output()
            place = f"'{error.filename}'" if error.filename else "the output"
            reason = error.strerror or error
            typer.echo(f"error: {place} can't be read or written: {reason}", err=True)
            raise typer.Exit(EXIT_ERROR) from error
        except SimsearchError as error:
            typer.echo(f"error: {printable(str(error))}", err=True)
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from interrupt
        return returned

    return run


def _give_up_output() -> None:
    """Send what is still buffered nowhere, or the interpreter fails on it once more at its end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
